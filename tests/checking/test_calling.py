"""Whatever an answer does when it is called costs an Outcome, and never this process."""

import os
import signal
import sys
import threading
import time
import warnings

import numpy as np
import pytest

from course_utils.checking import calling
from course_utils.exercises.stand_ins import Rng

FORKED = pytest.mark.skipif(sys.platform != "linux", reason="answers are forked on Linux only")


def call(function, *args, seconds=5, way=calling.forked):
    with way(function) as ask:
        return ask(args, time.monotonic() + seconds)


BOTH = pytest.mark.parametrize("way", [pytest.param(calling.forked, marks=FORKED), calling.threaded])


@BOTH
def test_a_value_comes_back_and_prints_do_not_get_out(way, capsys):
    def answer(a):
        print("x" * 5_000_000)
        return a + 1

    outcome = call(answer, np.arange(3.0), way=way)
    assert outcome.kind == "value" and (outcome.value == [1, 2, 3]).all() and len(outcome.printed) == 2000
    assert not outcome.changed and capsys.readouterr().out == ""


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
        first, second = (ask((Rng(5),), time.monotonic() + 5).value for _ in range(2))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(first, np.random.default_rng(5).normal(size=3))


@pytest.mark.parametrize(
    "reply", [None, 3, [], {"neither": 1}, {"value": 1, "changed": "yes", "printed": 5}, {"error": {}}]
)
def test_any_reply_becomes_an_outcome(reply):
    assert calling.outcome_of(reply).kind in ("value", "raised", "unreadable")
