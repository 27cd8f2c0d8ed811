"""Answers that are called in this very thread, as in a notebook in the browser: loops that do not end are ended.

tests/browser/test_site_browser.py has the same in a real browser.
"""

import itertools
import sys
import time

import numpy as np
import pytest

from course_utils.checking import calling, student
from course_utils.exercises.stand_ins import Rng

pytestmark = pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring came with Python 3.12")


def call(function, *args, seconds=0.1, **more):
    with calling.watched(function) as ask:
        return ask(args, seconds, **more)


def loops_for_ever(a):
    while True:
        a = a + 1


def swallows_errors(a):
    while True:
        try:
            a = a + 1
        except Exception:
            a = a - 1


def comprehends_for_ever(a):
    return sum(1 for _ in itertools.count())


def calls_for_ever(a):
    return max(map(abs_of, itertools.count()))


def abs_of(a):
    return a


@pytest.mark.parametrize("answer", [loops_for_ever, swallows_errors, comprehends_for_ever, calls_for_ever])
def test_a_loop_ends_in_time_and_says_so(answer):
    outcome = call(answer, 1)
    assert outcome.kind == "timeout" and outcome.message == calling.COMPUTED
    assert sys.monitoring.get_tool(sys.monitoring.PROFILER_ID) is None


def test_values_errors_and_changes_come_back():
    outcome = call(lambda a: a + 1, np.arange(3.0))
    assert outcome.kind == "value" and (outcome.value == [1, 2, 3]).all() and not outcome.changed
    outcome = call(lambda a: a.colour, 1.0)
    assert outcome.kind == "raised" and outcome.error == "AttributeError"
    a = np.zeros(2)
    assert call(lambda a: a.fill(1), a).changed and not a.any()
    assert call(lambda: sys.exit(1)).error == "SystemExit"


def test_gradients_draws_and_changed_sources_are_to_be_had():
    assert call(lambda a: (a**2).sum(), np.ones(3), seconds=60, differentiated=1).value[0] == pytest.approx(
        np.full(3, 2.0)
    )
    assert call(lambda rng: rng.random(5), Rng(0), seconds=60, drawn=True).value == [5]
    good, endless = "def answer(a):\n    return a + 2\n", "def answer(a):\n    while True:\n        a = a + 1\n"

    def answer(a):
        return a

    values = call(answer, 1, seconds=60, variants=[good, endless, "def answer("]).value
    assert values == [[3], [], []]


def test_whoever_waits_is_told():
    told = []
    with calling.watched(loops_for_ever, told.append) as ask:
        ask((1,), 0.5)
    assert len(told) > 1 and told == sorted(told)


def test_a_check_ends_as_usual(monkeypatch):
    """The whole way of an exercise, with the answer of its kind that never ends, and the right one."""
    monkeypatch.setattr(student, "isolated", calling.watched)
    monkeypatch.setattr(calling, "SLOWER", 0.02)

    def log_mean_exp(a):
        while True:
            pass

    report = student.examine(log_mean_exp)
    assert not report.passed and "No answer after 0.2 seconds, so" in str(report)

    def log_mean_exp(a):
        m = np.max(a)
        return m + np.log(np.mean(np.exp(np.asarray(a) - m)))

    monkeypatch.setattr(calling, "SLOWER", 3)
    assert student.examine(log_mean_exp).passed


def test_the_limit_is_looked_at_without_slowing_the_answer_down_much():
    """Not a measurement: a million turns of a loop end within the limit of any exercise."""
    begun = time.monotonic()
    outcome = call(lambda n: sum(i for i in range(n)), 100_000, seconds=60)
    assert outcome.value == 4999950000 and outcome.seconds <= time.monotonic() - begun
