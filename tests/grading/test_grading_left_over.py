"""Nothing outlives its grader: not where it is killed in the middle of hostile submissions, in whichever tier."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from grading_corpus import IMPORTS, START, hand_in
from grading_results import NOT_HERE

from course_utils.checking.limits import tasks_below

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")]
needs_strict = pytest.mark.skipif(
    bool(NOT_HERE) and not os.environ.get("CI"), reason=f"no strict isolation: {NOT_HERE}"
)

CLINGS = """
import ctypes, os, signal, time
def attempt(f, *args):
    try:
        return f(*args)
    except BaseException:
        return None
def cling():
    '''Whatever makes a process outlive others: no signal at a parent's end, none that is heeded, nobody's session.'''
    attempt(os.setsid)
    ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)
    for number in range(1, 65):
        attempt(signal.signal, number, signal.SIG_IGN)
def busy(seconds=90):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass
"""
ANSWERS = {
    "spins": """
    cling()
    busy()""",
    "seven-spinners": """
    for _ in range(7):
        if os.fork() == 0:
            cling()
            busy()
            os._exit(0)
    busy()""",
    "daemon": """
    if os.fork() == 0:
        cling()
        if os.fork() == 0:
            cling()
            os.closerange(0, 64)
            time.sleep(90)
        os._exit(0)
    cling()
    time.sleep(90)""",
    "stops-its-server": """
    server = os.getppid()
    if os.fork() == 0:
        cling()
        time.sleep(90)
    cling()
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for target in (server, -server):
            attempt(os.kill, target, number)
        descriptor = attempt(os.pidfd_open, server)
        attempt(signal.pidfd_send_signal, descriptor, number)
    time.sleep(90)""",
}
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


def with_memory(pids):
    """Those of the processes that are there, but for what nobody has buried yet."""
    return {pid for pid in pids if _command(pid)}


def _command(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def named(text):
    """The processes in whose command line the text is; a fork has that of its server."""
    return {int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit() and text.encode() in _command(p.name)}


def ended(pids, seconds):
    """Whether all of these processes end in so many seconds; else which are left."""
    end = time.monotonic() + seconds
    while with_memory(pids) and time.monotonic() < end:
        time.sleep(0.1)
    return {pid: _command(pid)[:200] for pid in with_memory(pids)}


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
