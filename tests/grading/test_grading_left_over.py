"""Nothing outlives its grader: not where it is killed in the middle of hostile submissions, in whichever tier."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from grading_corpus import IMPORTS, START, hand_in
from grading_results import NOT_HERE
from left_over import ANSWERS, CLINGS, ended, named, with_memory

from course_utils.checking.limits import tasks_below

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")]

IN_A_CELL = [IMPORTS, CLINGS, "def log_mean_exp(a): return 0", "log_mean_exp = cling() or busy() or log_mean_exp"]
WHILE_READ = [  # the server itself is busy with it, before it has any fork
    *(f"def f{i}():\n    global g{i}\n    g{i} = f{i + 1}()" for i in range(4900)),
    "def log_mean_exp(a): f0()",
]
TIERS = {
    "strict": "",
    "strict, a sandbox each": "from course_utils.grading import grader\ngrader.POSSIBLE = False",
    "plain": "",
}


def hand_in_all(root):
    """Returns how many processes there must be, at least, when all of them are at work, beside servers."""
    for name, body in ANSWERS.items():
        cells = [IMPORTS, CLINGS, f"def log_mean_exp(a):{body}"]
        hand_in(root, f"{name}/{START}.ipynb", cells)
    hand_in(root, f"cell/{START}.ipynb", IN_A_CELL)
    hand_in(root, f"read/{START}.ipynb", WHILE_READ)
    return 1 + 8 + 2 + 2 + 1


@pytest.mark.parametrize("tier", TIERS)
def test_nothing_outlives_a_grader_that_is_killed(tier, tmp_path):
    if tier != "plain" and NOT_HERE and not os.environ.get("CI"):
        pytest.skip(f"no strict isolation: {NOT_HERE}")
    at_work = hand_in_all(tmp_path / "in")
    servers = len(ANSWERS) + 2
    (tmp_path / "temporary").mkdir()
    tmp_path.chmod(0o755)
    code = f"""
{TIERS[tier]}
from course_utils.grading import grade_folder, scoring
scoring.PATIENCE = 20  # all of them are to be at work at once
grade_folder({str(tmp_path / "in")!r}, {str(tmp_path / "out")!r}, seed=1, workers={servers},
             isolation={tier.partition(",")[0]!r}, trusted=True)
"""
    environment = os.environ | {"TMPDIR": str(tmp_path / "temporary")}
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as run:
        below: set[int] = set()
        try:
            end = time.monotonic() + 90
            while time.monotonic() < end and run.poll() is None:
                below = set(tasks_below(run.pid).values()) | named(str(tmp_path / "temporary"))
                if len(below) - 1 >= servers + at_work:
                    break
                time.sleep(0.2)
            else:
                pytest.fail(f"only {len(below)} processes: {run.stderr.read(1000) if run.poll() else ''}")
            time.sleep(1)  # for the last of them to cling
            below = set(tasks_below(run.pid).values()) | named(str(tmp_path / "temporary"))
        finally:
            run.kill()
            run.wait()
        try:
            assert ended(below | named(str(tmp_path / "temporary")), 8) == {}
            assert named(str(tmp_path / "temporary")) == set()
        finally:
            for pid in with_memory(below | named(str(tmp_path / "temporary"))):
                os.kill(pid, signal.SIGKILL)  # ours: the test leaves nothing behind, even if the grader does


@pytest.mark.parametrize("tier", TIERS)
def test_nothing_that_is_stopped_outlives_a_grader_that_is_killed(tier, tmp_path):
    """Stopped from outside: all of a sandbox, which then cannot hear of its grader's end."""
    if tier != "plain" and NOT_HERE and not os.environ.get("CI"):
        pytest.skip(f"no strict isolation: {NOT_HERE}")
    sleeps = "\n    cling()\n    if os.fork() == 0:\n        cling()\n    time.sleep(90)"
    hand_in(tmp_path / "in", f"eve/{START}.ipynb", [IMPORTS, CLINGS, f"def log_mean_exp(a):{sleeps}"])
    (tmp_path / "temporary").mkdir()
    tmp_path.chmod(0o755)
    code = f"""
{TIERS[tier]}
from course_utils.grading import grade_folder, scoring
scoring.PATIENCE = 20
grade_folder({str(tmp_path / "in")!r}, {str(tmp_path / "out")!r}, seed=1, workers=1,
             isolation={tier.partition(",")[0]!r}, trusted=True)
"""
    environment = os.environ | {"TMPDIR": str(tmp_path / "temporary")}
    command = [sys.executable, "-c", code]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as run:
        below: set[int] = set()
        try:
            end, at_work = time.monotonic() + 90, 6 if tier == "strict" else 5 if "each" in tier else 3
            earlier = None  # what is there for a moment, a fork that reads a cell, is not counted as an answer
            while (below != earlier or len(below) < at_work) and time.monotonic() < end:
                earlier = below
                time.sleep(1)
                below = (set(tasks_below(run.pid).values()) | named(str(tmp_path / "temporary"))) - {run.pid}
            stopped = set()
            for pid in below:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGSTOP)
                    stopped.add(pid)
            assert len(stopped) >= at_work
        finally:
            run.kill()
            run.wait()
        try:
            assert ended(below | named(str(tmp_path / "temporary")), 15) == {}
        finally:
            for pid in with_memory(below | named(str(tmp_path / "temporary"))):
                os.kill(pid, signal.SIGKILL)
