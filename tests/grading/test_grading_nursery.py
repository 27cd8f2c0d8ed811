"""Strict children from a nursery: nothing of a submission reaches the next or the nursery; a dead one is replaced."""

import ast
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from grading_corpus import ANSWERS, PCA, START, exercises_of, hand_in, solved, student_cells
from grading_results import NOT_HERE, contents
from left_over import ended
from test_grading_isolation import as_nobody

from course_utils.checking.limits import Meter
from course_utils.exercises import all_exercises
from course_utils.grading import grade_folder, isolation, nurseries, sandbox, watching
from course_utils.grading.grader import Grader
from course_utils.grading.isolation import choose
from course_utils.grading.library import make_library

ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(NOT_HERE) and not os.environ.get("CI"), reason=f"no strict isolation: {NOT_HERE}"),
]


@pytest.fixture
def grader(tmp_path):
    """A grader of the strict tier whose children come from nurseries."""
    grader = Grader(1, tmp_path, choose("strict", False, (tmp_path,)))
    grader.probe()
    if not grader.tier.nurseries:
        pytest.skip("the kernel allows no namespaces within namespaces")
    yield grader
    grader.close()


@pytest.fixture
def child(grader, tmp_path):
    """child(code, hidden names): a child whose answer runs the code and returns what it calls `found`."""

    def start(code, hidden=(), cells=()):
        function = (
            "def answer():\n" + textwrap.indent(textwrap.dedent(code).strip(), "    ") + "\n    return repr(found)"
        )
        number = len(list(tmp_path.glob("child*")))
        cells = [*cells, function]
        return sandbox.Child(
            grader.library(frozenset(hidden)), cells, ["answer"], tmp_path / f"child{number}", grader.tier
        )

    return start


def ask(child):
    """What the answer of the child returns."""
    with child.fork() as pipe:
        limit = Meter(30)
        pipe.send({"name": "answer", "whole": True, "seconds": 20, "slow": [], "replace": {}}, limit)
        assert pipe.receive(limit)["callable"]
        outcome = pipe.ask({"call": "answer", "args": []}, 30)
        assert outcome.kind == "value", outcome
        return ast.literal_eval(outcome.value)


def gone(pids, seconds=10):
    """Whether all of these processes have ended."""
    return ended(pids, seconds) == {}


SPOILS = """
    import ctypes, os, resource, signal, socket, sys, threading, time
    import numpy as np, course_utils.checking.calling, course_utils.checking.wire
    def attempt(f, *args):
        try:
            return f(*args) is not Ellipsis
        except BaseException:
            return False
    for folder in ("/tmp", "/tmp/matplotlib", "/course", "/libraries", "/dev", "/", os.path.dirname(np.__file__)):
        attempt(lambda: open(folder + "/left.py", "w").write("x = 1"))
    os.makedirs("/tmp/course_utils", exist_ok=True)
    np.exp = np.left = lambda x: 0
    course_utils.checking.calling.perform = course_utils.checking.wire.encode = lambda *a: 1 / 0
    os.environ["LEFT"] = "left"
    sys.path.insert(0, "/tmp")
    for name in dir(resource):
        if name.startswith("RLIMIT_"):
            attempt(resource.setrlimit, getattr(resource, name), (-1, -1))
    libc = ctypes.CDLL(None)
    attempt(libc.shmget, 4711, 1 << 20, 0o1666)
    attempt(libc.mq_open, b"/left", 0o102, 0o666, None)
    listening = [socket.socket(socket.AF_UNIX), socket.socket()]
    listening[0].bind("\\0left")
    listening[1].bind(("127.0.0.1", 4711))
    for one in listening:
        one.listen()
    threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
    for _ in range(3):
        if os.fork() == 0:
            os.setsid()
            for number in range(1, 65):
                attempt(signal.signal, number, signal.SIG_IGN)
            if os.fork() == 0:
                time.sleep(600)
            os.kill(os.getpid(), signal.SIGSTOP)
    attempt(os.kill, os.getppid(), signal.SIGSTOP)
    attempt(os.killpg, 0, 0)
    time.sleep(0.2)
    found = "left"
"""

LOOKS = """
    import ctypes, errno, os, resource, socket, sys
    import numpy as np, course_utils.checking.calling
    def error(f, *args):
        try:
            return str(f(*args))
        except OSError as error:
            return errno.errorcode[error.errno]
    status = dict(line.split(":\\t") for line in open("/proc/self/status").read().splitlines() if ":\\t" in line)
    found = {
        "files": sorted(os.listdir("/tmp") + os.listdir("/tmp/matplotlib") if os.path.exists("/tmp/matplotlib")
                        else os.listdir("/tmp")),
        "libraries": os.listdir("/libraries"),
        "abstract": error(socket.socket(socket.AF_UNIX).connect, "\\0left"),
        "tcp": error(socket.socket().connect, ("127.0.0.1", 4711)),
        "interfaces": [line.split(":")[0].strip() for line in open("/proc/net/dev").read().splitlines()[2:]],
        "patched": hasattr(np, "left") or float(np.exp(0)) != 1 or "/tmp" in sys.path or "LEFT" in os.environ,
        "processes": sorted(int(pid) for pid in os.listdir("/proc") if pid.isdigit()) == [1, os.getpid()],
        "parents": [os.getppid(), open("/proc/1/status").read().split("PPid:")[1].split()[0]],
        "descriptors": len(os.listdir("/proc/self/fd")) - 1,
        "the first's": [error(os.listdir, "/proc/1/fd"), error(open, "/proc/1/mem"),
                        error(os.readlink, "/proc/1/root")],
        "limits": [resource.getrlimit(resource.RLIMIT_NPROC)[1] > 0, resource.getrlimit(resource.RLIMIT_CPU)[1],
                   resource.getrlimit(resource.RLIMIT_FSIZE)[1]],
        "write": [error(open, path + "/x", "w") for path in ("/", "/course", "/libraries", "/dev", "/usr")],
    }
"""


def test_nothing_of_a_submission_reaches_the_next_one(grader, child):
    first = child(LOOKS)
    fresh = ask(first)
    first.close()
    spoils = child(SPOILS)
    nursery = spoils.nursery
    try:
        with spoils.fork() as pipe:
            limit = Meter(4)
            pipe.send({"name": "answer", "whole": True, "seconds": 20, "slow": [], "replace": {}}, limit)
            pipe.receive(limit)
            pipe.ask({"call": "answer", "args": []}, 4)
            pids = set(watching.tasks_below(spoils.process.pid).values())
            assert len(pids) >= 7  # the server, the fork, three groups of two
    finally:
        spoils.close()
    assert gone(pids)
    second = child(LOOKS)
    assert second.nursery is nursery is first.nursery
    assert ask(second) == fresh
    second.close()
    roads = {Path(path).parts[2] for path in isolation.visible() if path.startswith("/tmp/")}
    assert set(fresh["files"]) - roads == {"job1"} and fresh["libraries"] == []
    assert (fresh["abstract"], fresh["tcp"], fresh["interfaces"]) == ("ECONNREFUSED", "ECONNREFUSED", ["lo"])
    assert (fresh["patched"], fresh["processes"], fresh["parents"]) == (False, True, [1, "0"])
    assert fresh["descriptors"] == 5  # input, output and errors, which lead nowhere, and two pipes
    assert fresh["the first's"] == ["EACCES"] * 3 and fresh["limits"] == [True, 300, 64 << 20]
    assert set(fresh["write"]) <= {"EROFS", "EACCES"}


def test_a_submission_has_no_rights_and_gets_none(child):
    found = child_says(
        child,
        """
        import ctypes, errno, os, subprocess, sys, threading
        libc = ctypes.CDLL(None, use_errno=True)
        def error(result):
            return errno.errorcode[ctypes.get_errno()] if result < 0 else "done"
        numbers = {"x86_64": (56, 435), "aarch64": (220, 435)}[os.uname().machine]
        new = {0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000}
        status = dict(line.split(":\\t") for line in open("/proc/self/status").read().splitlines() if ":\\t" in line)
        def written(path, text):
            try:
                open(path, "w").write(text)
            except OSError as error:
                return error.strerror
        threads = [threading.Thread(target=lambda: None) for _ in range(3)]
        for thread in threads:
            thread.start()
            thread.join()
        pid = os.fork()
        if pid == 0:
            os._exit(7)
        found = {"rights": {status[name].strip("0") for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")},
         "no new": status["NoNewPrivs"], "filter": status["Seccomp"],
         "unshare": {error(libc.unshare(flag)) for flag in new},
         "clone": {error(libc.syscall(numbers[0], flag | 17, 0, 0, 0, 0)) for flag in new},
         "clone3": error(libc.syscall(numbers[1], 0, 0)),
         "mount": error(libc.mount(b"tmpfs", b"/tmp", b"tmpfs", 0, None)),
         "umount": [error(libc.umount2(path, 2)) for path in (b"/libraries", b"/course", b"/proc", b"/tmp")],
         "trace": error(libc.ptrace(16, 1, 0, 0)), "setns": error(libc.setns(0, 0)),
         "namespaces": written("/proc/sys/user/max_user_namespaces", "100"),
         "hostname": error(libc.sethostname(b"x", 1)), "who": (os.getuid(), os.uname().nodename),
         "most": open("/proc/sys/user/max_user_namespaces").read().strip(),
         "fork": os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]),
         "subprocess": subprocess.run([sys.executable, "-S", "-c", "print(1)"], capture_output=True).stdout}
        """,
    )
    assert found["rights"] == {""} and (found["no new"], found["filter"]) == ("1", "2")
    refused = {found[name] for name in ("mount", "trace", "setns", "hostname")} | set(found["umount"])
    assert refused | found["unshare"] | found["clone"] == {"EPERM"} and found["clone3"] == "ENOSYS"
    assert found["namespaces"] and found["most"] == "0" and found["who"] == (1000, "course")
    assert found["fork"] == 7 and found["subprocess"] == b"1\n"


def child_says(child, code, *more):
    """What the answer of a child of its own returns."""
    one = child(code, *more)
    try:
        return ask(one)
    finally:
        one.close()


ROAD = """
    import inspect, os
    from course_utils.checking import calling
    from course_utils.models import pca
    hidden = [name for name in ("pca_fit", "pca_encode") if "AnswerHidden" in inspect.getsource(getattr(pca, name))]
    found = hidden, pca.__file__, calling.__file__, os.listdir("/libraries")
"""


def test_the_library_is_the_one_that_this_submission_may_see(child):
    for hidden in (["pca_fit"], [], ["pca_encode"], ["pca_encode", "pca_fit"], ["pca_fit"]):
        found, *files, libraries = child_says(child, ROAD, hidden)
        assert sorted(found) == sorted(hidden) and libraries == []
        assert files == ["/course/course_utils/models/pca.py", "/course/course_utils/checking/calling.py"]


def test_what_the_nursery_has_imported_is_the_same_in_every_copy_and_holds_no_answer(tmp_path):
    full = make_library(tmp_path / "full", [])
    bare = make_library(tmp_path / "bare", all_exercises().values())
    code = (
        f"import sys; sys.path[:] = [{str(full)!r}] + sys.path + {isolation.package_folders()!r}; import"
        " course_utils.grading.nursery; print(*sorted(name for name in sys.modules if name.startswith('course_')))"
    )
    done = subprocess.run([isolation.interpreter(), "-s", "-S", "-P", "-B", "-c", code], capture_output=True, text=True)
    names = done.stdout.split()
    assert "course_utils.grading.child" in names and len(names) > 5, done.stderr
    answers = {
        path.split(":")[0] for exercise in all_exercises().values() for path in (exercise.answer, *exercise.aliases)
    }
    assert not answers & set(names)
    for name in names:
        path = Path(*name.split("."))
        path = path / "__init__.py" if (full / path).is_dir() else path.with_suffix(".py")
        assert (full / path).read_bytes() == (bare / path).read_bytes(), name


LOADED = ["import sys\nloaded = lambda name: name in sys.modules", "before = loaded('numpy.f2py')"]


def test_what_the_cells_import_is_there_before_the_fork(child):
    """Also what a package gives only when it is asked for, and what is imported within a function."""
    cells = [*LOADED, "from numpy import *"]
    assert child_says(child, "from scipy import special\nfound = before, loaded('scipy.stats')", (), cells) == (
        True,
        False,
    )
    loaded = "found = loaded('scipy.special'), loaded('IPython')\nfrom scipy import special\nimport IPython"
    assert child_says(child, loaded, (), LOADED) == (True, True)
    assert child_says(child, "found = before, loaded('sci' + 'py.special')", (), LOADED) == (False, False)


def test_a_module_that_ends_its_process_ends_a_fork_at_most(child):
    code = "try:\n    import numpy.f2py.__main__\nexcept SystemExit:\n    found = 1"
    assert child_says(child, f"import sys; sys.argv = ['x', '-v']\n{code}") == 1


def test_those_who_use_scipy_have_nurseries_of_their_own_from_the_third_on(child):
    code = "import sys; found = 'sci' + 'py.stats' in sys.modules  # "
    kinds = []
    for word in ("scipy", "numpy", "scipy", "scipy", "numpy", "scipy"):
        one = child(code + word)
        kinds.append((one.nursery, ask(one)))
        one.close()
    light, own = kinds[0], kinds[3]
    assert kinds == [light, light, light, own, light, own]
    assert light[0] is not own[0] and (light[1], own[1]) == (False, True)


def test_a_dead_nursery_is_replaced(grader, child):
    first = child("found = 1")
    first.close()
    os.killpg(first.nursery.process.pid, signal.SIGKILL)
    first.nursery.process.wait(10)
    second = child("found = 2")
    assert second.nursery is not first.nursery and ask(second) == 2
    os.killpg(second.nursery.process.pid, signal.SIGKILL)  # while it has a child
    second.process.wait(10)
    assert not second.alive()
    with pytest.raises((EOFError, OSError)):
        ask(second)
    second.close()
    assert child_says(child, "found = 3") == 3


def test_a_submission_that_loses_its_nursery_is_graded_all_the_same(tmp_path, monkeypatch):
    hand_in(tmp_path / "in", f"a/{PCA}.ipynb", solved(PCA))
    children, original = [], sandbox.Child.fork

    def fork(self):
        if self not in children:
            children.append(self)
            if len(children) == 1:
                os.killpg(self.nursery.process.pid, signal.SIGKILL)
                self.process.wait(10)
        return original(self)

    monkeypatch.setattr(sandbox.Child, "fork", fork)
    grade_folder(tmp_path / "in", tmp_path / "out", seed=1, workers=1, isolation="strict")
    row = (tmp_path / "out" / "grades.csv").read_text().splitlines()[1]
    assert len(children) == 2 and ",graded," in row
    full = sum(exercise.points for exercise in exercises_of(PCA).values())
    assert f",{full},{full}," in row  # also for the answer that was being asked: it was asked again


def test_too_much_memory_costs_the_submission_and_not_the_nursery(child):
    one = child("""
        import os, time
        import numpy as np
        ready, write = os.pipe()
        if os.fork() == 0:
            kept = np.ones(300 << 20, np.uint8)
            os.write(write, b"1")
            time.sleep(60)
        found = os.read(ready, 1)""")
    with one.fork() as pipe:
        limit = Meter(30)
        pipe.send({"name": "answer", "whole": True, "seconds": 20, "slow": [], "replace": {}}, limit)
        pipe.receive(limit)
        assert pipe.ask({"call": "answer", "args": []}, 30).value == "b'1'"
        pids = set(watching.tasks_below(one.process.pid).values())
        assert len(pids) == 3  # the server, the fork, and what it left; not the nursery
        watching.restrain(one, 2 << 30)
        assert one.alive()
        watching.restrain(one, 256 << 20)
        one.process.wait(10)
    assert not one.alive() and gone(pids)
    one.close()
    two = child("found = 2")
    assert two.nursery is one.nursery and ask(two) == 2
    two.close()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nurseries_and_children_end_with_the_grader(number, tmp_path):
    code = f"""
import sys, time
from pathlib import Path
from course_utils.grading import sandbox
from course_utils.grading.grader import Grader
from course_utils.grading.isolation import choose
grader = Grader(1, Path({str(tmp_path)!r}), choose("strict", False))
grader.probe()
child = sandbox.Child(grader.library(frozenset()), ["import time\\ntime.sleep(600)"], [], Path({str(tmp_path)!r}) / "c",
                      grader.tier)
print(child.nursery and child.nursery.process.pid, child.process.pid, flush=True)
with child.fork() as pipe:
    pipe.send({{"name": "x", "whole": True, "seconds": 600, "slow": [], "replace": {{}}}})
    time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        nursery, child = process.stdout.readline().split()
        if nursery == "None":
            process.kill()
            pytest.skip("the kernel allows no namespaces within namespaces")
        below, deadline = set(), time.monotonic() + 60
        while len(below) < 4 and time.monotonic() < deadline:  # the nursery, its sandbox, the child and its fork
            time.sleep(0.05)
            below = set(watching.tasks_below(process.pid).values()) - {process.pid}
        assert {int(nursery), int(child)} < below and len(below) >= 4
        process.send_signal(number)
        process.wait(10)
        assert gone(below)


def hand_in_some(root):
    hand_in(root, f"a/{START}.ipynb", solved(START))
    hand_in(
        root,
        f"b/{PCA}.ipynb",
        solved(PCA, pca_encode="def pca_encode(x, mean, components):\n    return x @ components.T"),
    )
    hand_in(root, f"c/{PCA}.ipynb", student_cells(PCA, pca_fit=ANSWERS["pca_fit"]))
    hand_in(root, f"d/{START}.ipynb", student_cells(START, log_mean_exp="def log_mean_exp(a):\n    open('/x', 'w')"))
    hand_in(
        root,
        f"e/{START}.ipynb",
        student_cells(
            START,
            log_mean_exp=(
                "import matplotlib.pyplot as plt\n"
                "def log_mean_exp(a):\n    plt.figure()\n    raise ValueError(__file__)"
            ),
        ),
    )


def test_where_there_can_be_no_nursery_results_are_the_same(tmp_path, monkeypatch, capsys):
    hand_in_some(tmp_path / "in")
    grade_folder(tmp_path / "in", tmp_path / "with", seed=2, isolation="strict")
    assert isolation.ONE_EACH not in capsys.readouterr().out
    commands, popen = [], subprocess.Popen

    def counting(command, *args, **kwargs):
        commands.append(command)
        return popen(command, *args, **kwargs)

    # As with a kernel that refuses: a nursery starts, and its fork fails.
    monkeypatch.setattr(nurseries.isolation, "LIBRARIES", "/elsewhere")
    monkeypatch.setattr(sandbox.subprocess, "Popen", counting)
    grade_folder(tmp_path / "in", tmp_path / "without", seed=2, isolation="strict")
    alone = [command for command in commands if "--disable-userns" in command]
    assert len(alone) > 5
    assert isolation.ONE_EACH in capsys.readouterr().out
    assert contents(tmp_path / "with" / "results") == contents(tmp_path / "without" / "results")


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() != 0, reason="the other tests run as an ordinary user already")
def test_an_ordinary_user_has_nurseries_too(tmp_path, grader):
    (tmp_path / "own").mkdir()
    code = """
import sys
from pathlib import Path
from course_utils.grading import sandbox
from course_utils.grading.grader import Grader
from course_utils.grading.isolation import choose
grader = Grader(1, Path("own").resolve(), choose("strict", False))
grader.probe()
print(grader.tier.nurseries is not None, len(grader.tier.nurseries.idle))
grader.close()
"""
    done = as_nobody([isolation.interpreter(), "-c", code], tmp_path)
    assert done.stdout == "True 1\n", done.stderr
