"""Whatever an answer does when it is called costs an Outcome, and never this process."""

import os
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
import warnings

import numpy as np
import pytest

from course_utils.checking import calling, limits
from course_utils.exercises.stand_ins import Rng

FORKED = pytest.mark.skipif(sys.platform != "linux", reason="answers are forked on Linux only")


def call(function, *args, seconds=5, way=calling.forked):
    with way(function) as ask:
        return ask(args, seconds)


BOTH = pytest.mark.parametrize("way", [pytest.param(calling.forked, marks=FORKED), calling.threaded])


@BOTH
def test_a_value_comes_back_and_prints_do_not_get_out(way, capsys):
    def answer(a):
        print("x" * 5_000_000)
        return a + 1

    outcome = call(answer, np.arange(3.0), way=way)
    assert outcome.kind == "value" and (outcome.value == [1, 2, 3]).all() and len(outcome.printed) == 2000
    assert not outcome.changed and capsys.readouterr().out == ""


@FORKED
def test_a_changed_source_gets_little_memory_and_the_answer_keeps_its_own():
    """2 GB are more than one changed number should make of anything; filling them would take a second."""

    def answer(n):
        return float(np.zeros(n).nbytes)

    with calling.forked(answer) as ask:
        big = "def answer(n):\n    return float(np.empty(1 << 28).nbytes)"
        tried = ask((3,), 5, variants=[big, "def answer(n):\n    return float(np.ones(n).sum())"])
        assert tried.value == [[], [3.0]]
        assert ask((1 << 28,), 5).value == 1 << 31


@FORKED
def test_changed_sources_that_end_or_never_end_cost_no_more_than_their_turn(capsys):
    def answer(n):
        return 2.0 * n

    changed = ("raise SystemExit", "while True: pass", "print(n, file=sys.stderr); return n", "return lambda: n")
    with calling.forked(answer) as ask:
        tried = ask((3.0,), 5, variants=[f"import sys\ndef answer(n):\n    {line}" for line in changed])
        assert tried.value[:3] == [[], [], [3.0]] and tried.value[3] != [3.0]
        assert ask((3.0,), 5).value == 6.0
    assert capsys.readouterr() == ("", "")


@BOTH
def test_an_error_is_reported_with_its_line(way):
    def answer(a):
        return a.colour

    outcome = call(answer, np.zeros(2), way=way)
    assert outcome.kind == "raised" and outcome.error == "AttributeError"
    assert "colour" in outcome.message and "return a.colour" in outcome.line


@BOTH
def test_overwritten_arguments_are_noticed_and_the_originals_kept(way):
    def answer(a, nested):
        a -= 1
        nested[0][:] = 7
        return a

    a, nested = np.zeros(3), [np.zeros(2)]
    assert call(answer, a, nested, way=way).changed
    assert not a.any() and not nested[0].any()


@BOTH
def test_a_list_of_numbers_that_is_turned_round_is_noticed(way):
    def answer(sizes, nothing, rng):
        sizes.reverse()
        return rng.random()

    assert call(answer, [3, 2], float("nan"), Rng(0), way=way).changed
    assert not call(answer, [3, 3], float("nan"), Rng(0), way=way).changed


@pytest.mark.slow
@BOTH
def test_an_endless_loop_is_ended(way):
    def answer():
        while True:
            pass

    start = time.monotonic()
    assert call(answer, seconds=0.5, way=way).kind == "timeout"
    assert time.monotonic() - start < 5


def test_an_answer_that_waits_in_c_keeps_no_prints(capsys):
    """A thread cannot be ended there; the notebook goes on, and shows what is printed and warned of."""
    filters, others, go_on = warnings.filters, set(threading.enumerate()), threading.Event()
    try:
        assert call(go_on.wait, seconds=0.2, way=calling.threaded).kind == "timeout"
        print("shown")
        assert capsys.readouterr().out == "shown\n"
        assert warnings.filters is filters
    finally:
        go_on.set()
        for thread in set(threading.enumerate()) - others:
            thread.join()


def fill_memory():
    return np.ones(10**12)


def deep(n=0):
    return deep(n + 1)


@FORKED
@pytest.mark.parametrize(
    "function, kind, error",
    [
        (lambda: os._exit(0), "died", ""),
        (lambda: sys.exit("bye"), "raised", "SystemExit"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "died", ""),
        (lambda: os.kill(os.getpid(), signal.SIGSEGV), "died", ""),
        (fill_memory, "raised", "MemoryError"),
        (deep, "raised", "RecursionError"),
        (lambda: (_ for _ in ()).throw(KeyboardInterrupt), "raised", "KeyboardInterrupt"),
        (lambda: [os.write(fd, b"garbage" * 100) for fd in range(3, 40) if _writable(fd)] and None, "unreadable", ""),
    ],
)
def test_the_process_survives(function, kind, error):
    outcome = call(function)
    assert outcome.kind == kind and error in outcome.error


@FORKED
def test_an_answer_cannot_reach_the_files_and_sockets_of_this_process(tmp_path):
    with open(tmp_path / "open.txt", "w") as file:
        descriptor = file.fileno()
        assert call(lambda: _writable(descriptor)).value is False
        assert _writable(descriptor)


@FORKED
def test_linux_without_proc(monkeypatch, tmp_path):
    monkeypatch.setattr(calling, "SELF", "/nowhere/self")
    test_an_answer_cannot_reach_the_files_and_sockets_of_this_process(tmp_path)
    assert call(lambda a: a + 1, np.arange(2.0)).kind == "value"


def _writable(descriptor):
    try:
        os.write(descriptor, b"")
        return True
    except OSError:
        return False


@FORKED
def test_a_result_whose_own_methods_raise_is_an_error_of_the_answer():
    class Rude:
        def __array__(self, dtype=None, copy=None):
            raise RuntimeError("no")

    assert call(Rude).error == "RuntimeError"


@FORKED
def test_nothing_stays_behind(monkeypatch):
    fork, forks = os.fork, []
    monkeypatch.setattr(os, "fork", lambda: forks.append(fork()) or forks[-1])
    before = set(os.listdir("/proc/self/fd"))
    for _ in range(5):
        call(lambda: os._exit(1))
    assert set(os.listdir("/proc/self/fd")) == before
    assert len(forks) == 5
    for pid in forks:  # waited for; other tests' servers may be children of this process, too
        with pytest.raises(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


@FORKED
def test_a_generator_starts_anew_in_every_call():
    with calling.forked(lambda rng: rng.normal(size=3)) as ask:
        first, second = (ask((Rng(5),), 5).value for _ in range(2))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(first, np.random.default_rng(5).normal(size=3))


@pytest.mark.parametrize(
    "reply", [None, 3, [], {"neither": 1}, {"value": 1, "changed": "yes", "printed": 5}, {"error": {}}]
)
def test_any_reply_becomes_an_outcome(reply):
    assert calling.outcome_of(reply).kind in ("value", "raised", "unreadable")


@pytest.mark.slow
@FORKED
def test_a_reply_that_is_larger_than_any_right_one_is_named_and_not_kept():
    """Sixty megabytes for each of eight cases: of the shape, words are kept; of the numbers, nothing."""
    with calling.forked(lambda: np.ones(7_900_000)) as ask:
        tracemalloc.start()
        outcomes = [ask((), 30) for _ in range(8)]
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert {outcome.kind for outcome in outcomes} == {"value"}
    assert {outcome.value.type_name for outcome in outcomes} == {"a large array of shape (7900000,)"}
    assert peak < 8 << 20


@FORKED
def test_descriptors_beyond_what_select_can_take():
    """A notebook's kernel may have more than 1,024 files open."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 1200:
        pytest.skip("this user may not open so many files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (1200, hard))
    kept = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
    try:
        assert call(lambda: 3).value == 3
    finally:
        for descriptor in kept:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# Limits ---------------------------------------------------------------------------------------------------------------


def computes(seconds):
    """Computes for so many seconds of the processor."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
    return 1


class Clock:
    """A clock that a test sets: seconds of the processor, and whether more are wanted."""

    def __init__(self):
        self.now, self.wanted = 0.0, True

    def __call__(self):
        return self.now, self.wanted


@pytest.fixture
def wall(monkeypatch):
    """The clock on the wall, as a list with one number."""
    now = [100.0]
    monkeypatch.setattr(limits.time, "monotonic", lambda: now[0])
    return now


def looks(meter, clock, wall, seconds, share, wanted):
    """What comes of looking for so many seconds in which a share of the processor is had; None where nothing does."""
    clock.wanted = wanted
    for _ in range(int(seconds / 0.5)):
        wall[0] += 0.5
        clock.now += 0.5 * share
        try:
            meter.look()
        except limits.OutOfTimeError as error:
            return str(error)
    return None


@pytest.mark.parametrize(
    "share, wanted, seconds, why",
    [
        (1.0, True, 11, limits.COMPUTED),
        (7.0, True, 3, limits.COMPUTED),  # several processes
        (0.3, True, 36, limits.COMPUTED),  # beside other programs
        (0.02, True, 51, limits.BUSY),  # hardly ever its turn
        (0.0, False, 32, limits.ASLEEP),
        (0.01, False, 32, limits.ASLEEP),  # with something to do now and then
    ],
)
def test_which_limit_ends_what(share, wanted, seconds, why, wall):
    clock = Clock()
    meter = limits.Meter(10, clock)
    assert looks(meter, clock, wall, seconds - 3, share, wanted) in (None, why)
    assert looks(limits.Meter(10, clock), clock, wall, seconds, share, wanted) == why
    assert looks(limits.Meter(10, clock), clock, wall, seconds * 0.6, share, wanted) is None


def test_what_is_taken_counts_for_the_whole_too(wall):
    clock, whole = Clock(), limits.Meter(25, wall=1000, still=40)
    for _ in range(2):
        assert looks(limits.Meter(20, clock, within=whole), clock, wall, 10, 1.0, True) is None
    assert looks(limits.Meter(20, clock, within=whole), clock, wall, 10, 1.0, True) == limits.COMPUTED
    whole = limits.Meter(25, wall=1000, still=40)
    assert looks(limits.Meter(20, clock, within=whole), clock, wall, 25, 0.0, False) is None
    assert looks(limits.Meter(20, clock, within=whole), clock, wall, 25, 0.0, False) == limits.ASLEEP


@pytest.fixture
def unhurried(monkeypatch):
    """The clock on the wall leaves time for a machine on which a second of computing takes a minute."""
    monkeypatch.setattr(limits, "WALL", 60)


@pytest.mark.slow
@FORKED
def test_what_is_used_is_told_and_shared_by_all_calls(unhurried):
    with calling.forked(computes) as ask:
        first = ask((0.8,), 5)
    assert first.kind == "value" and 0.1 <= first.seconds < 3


@FORKED
def test_a_childs_children_are_counted(unhurried):
    def answer():
        if os.fork() == 0:
            computes(30)
        time.sleep(30)

    outcome = call(answer, seconds=1)
    assert (outcome.kind, outcome.message) == ("timeout", limits.COMPUTED)


@pytest.mark.whole
@FORKED
def test_the_limit_is_the_processors_time(unhurried, monkeypatch):
    """Of which a call that is not asleep, but stopped now and then, takes its time on the wall."""
    monkeypatch.setattr(limits, "STILL", 1)

    def stutters():
        for _ in range(8):
            computes(0.05)
            time.sleep(0.2)
        return 2

    assert call(stutters, seconds=1).value == 2  # takes about two seconds on the wall


@pytest.mark.slow
@BOTH
def test_the_time_of_a_thread_or_process_is_measured(unhurried, way):
    outcome = call(computes, 30, seconds=0.5, way=way)
    assert (outcome.kind, outcome.message) == ("timeout", limits.COMPUTED)


@FORKED
def test_an_answer_gives_way():
    assert call(lambda: os.nice(0)).value == min(19, os.nice(0) + calling.NICENESS)


@pytest.mark.whole
@FORKED
def test_an_answer_has_one_blas_thread_and_the_notebook_keeps_its_own():
    threads = """
import numpy as np, scipy.linalg
from threadpoolctl import threadpool_info, threadpool_limits
from course_utils.checking import calling, limits
threads = lambda: sorted({pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"})
with threadpool_limits(2):
    before = threads()
    with calling.forked(threads) as ask:
        inside, after = ask((), 10).value, threads()
    with limits.one_blas_thread():
        trusted = threads()
print(before, inside, trusted, after)
"""
    env = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    done = subprocess.run([sys.executable, "-c", threads], capture_output=True, text=True, env=env)
    assert done.stdout.startswith("[2] [1] [1] [2]"), done.stderr + done.stdout
