"""Processes that are stopped while their grader dies do not outlive it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from left_over import ended, with_memory

from course_utils.grading import guardian

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")

# A grader with two children: one session is over, it says; the other has a child in a session of its own.
GRADER = f"""
import subprocess, sys, time
sys.path.insert(0, {str(Path(guardian.__file__).parent)!r})
import guardian
inner = "import subprocess, time; child = subprocess.Popen(['sleep', '60'], start_new_session=True); "
inner += "print(child.pid, flush=True); time.sleep(60)"
start = lambda *command: subprocess.Popen(command, start_new_session=True, stdout=subprocess.PIPE, text=True)
over, left = start("sleep", "60"), start(sys.executable, "-c", inner)
for child in (over, left):
    guardian.begun(child.pid)
guardian.ended(over.pid)
print(over.pid, left.pid, left.stdout.readline(), flush=True)
time.sleep(60)
"""


@pytest.fixture
def grader():
    with subprocess.Popen([sys.executable, "-c", GRADER], stdout=subprocess.PIPE, text=True) as run:
        try:
            pids = list(map(int, run.stdout.readline().split()))
            yield run, pids
        finally:
            run.kill()
            for pid in with_memory(set(pids)):
                os.kill(pid, signal.SIGKILL)


def test_what_is_stopped_ends_with_its_grader(grader):
    run, (over, *left) = grader
    for pid in left:
        os.kill(pid, signal.SIGSTOP)
    run.kill()
    run.wait()
    assert ended(set(left), 15) == {}
    assert with_memory({over}) == {over}  # that one is nobody's business any more


def test_what_hears_of_its_graders_end_is_not_killed_before(tmp_path):
    """It has some seconds to end what it has started itself."""
    said = tmp_path / "said"
    inner = (
        "import sys, time; from pathlib import Path; sys.stdin.read(); time.sleep(0.5); "
        f"Path({str(said)!r}).write_text('ended in peace')"
    )
    code = f"""
import os, subprocess, sys
sys.path.insert(0, {str(Path(guardian.__file__).parent)!r})
import guardian
child = subprocess.Popen([sys.executable, "-c", {inner!r}], start_new_session=True, stdin=subprocess.PIPE)
guardian.begun(child.pid)
print(child.pid, flush=True)
os.kill(child.pid, 19)
os.kill(os.getpid(), 9)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as run:
        pid = int(run.stdout.readline())
        run.wait()
    assert ended({pid}, 15) == {} and said.read_text() == "ended in peace"


def test_sessions_and_what_descends_from_them_are_found():
    mine = os.getsid(0)
    assert os.getpid() in guardian.members({mine})
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as other:
        try:
            time.sleep(0.1)
            assert guardian.members({other.pid}) == {other.pid}
            assert guardian.members(set()) == set()
        finally:
            other.kill()
