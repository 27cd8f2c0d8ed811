"""The tester, tested: wrong answers fail with the sentence that is theirs, right ones pass however they are written.

SEEDS in the environment says with how many seeds; after a change of an exercise:

    SEEDS=20 python3 run.py test tests/exercises/test_exercises.py
"""

import inspect
import os

import numpy as np
import pytest
from alternatives import all_alternatives
from answers import remembering
from shared_child import Children

from course_utils.checking import examine, student, wire
from course_utils.checking.calling import isolated
from course_utils.checking.explanations import VAGUE
from course_utils.checking.judging import case_seed, judge
from course_utils.checking.training import STILL
from course_utils.exercises import all_exercises, find_exercise

EXERCISES = all_exercises()
ALTERNATIVES = all_alternatives()
SEEDS = range(int(os.environ.get("SEEDS", "1")))


@pytest.fixture(scope="module", autouse=True)
def one_child_for_an_exercise():
    """All answers to an exercise that are known here are called in one child, but for those that train."""
    groups = [
        [e.library_answer(), *(m.function for m in e.misconceptions.values()), *ALTERNATIVES[e.name]]
        for e in EXERCISES.values()
    ]
    children = Children(groups)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(student, "isolated", children)
        yield
    children.end()


def marked(rows):
    """Parameters of a test, each a name of an exercise or a tuple that begins with one; slow where it trains."""
    rows = [row if isinstance(row, tuple) else (row,) for row in rows]
    return [pytest.param(*row, marks=pytest.mark.slow if EXERCISES[row[0]].trains else ()) for row in rows]


def seeds(exercise):
    return SEEDS[:3] if exercise.trains else SEEDS


@pytest.mark.parametrize("name", marked(EXERCISES))
def test_the_library_passes(name):
    for seed in seeds(EXERCISES[name]):
        report = examine(EXERCISES[name].library_answer(), name=name, seed=seed)
        assert report.passed and report.points == report.max_points == EXERCISES[name].points, report
        assert report.advice == "" and report.misconception is None


@pytest.mark.slow
@pytest.mark.parametrize("name, key", marked([(e.name, key) for e in EXERCISES.values() for key in e.misconceptions]))
def test_every_misconception_is_rejected_with_its_own_sentence(name, key):
    function, sentence = EXERCISES[name].misconceptions[key]
    for seed in seeds(EXERCISES[name]):
        report = examine(function, name=name, seed=seed)
        assert not report.passed and report.points == 0
        if key in VAGUE and report.misconception == STILL:
            continue  # the weights do not move: what is so is said in place of what may be
        assert (report.misconception, report.advice) == (key, sentence), report


def slerp_without_lengths(a, b, steps):
    """As a reader of notebook 10 wrote it: nan where a @ b is above 1."""
    t = np.linspace(0, 1, steps)[:, None]
    w = np.arccos(a @ b)
    return (np.sin((1 - t) * w) * a + np.sin(t * w) * b) / np.sin(w)


def mixture_nll_without_tanh(params, dx, dy):
    """As a reader of notebook 10 wrote it, with rho as it comes."""
    logits, mx, my, sx, sy, rho = np.split(params, 6, axis=1)
    a, b = (dx[:, None] - mx) / np.exp(sx), (dy[:, None] - my) / np.exp(sy)
    square = (a**2 + b**2 - 2 * rho * a * b) / (2 * (1 - rho**2))
    log_n = -square - np.log(2 * np.pi * np.exp(sx + sy) * np.sqrt(1 - rho**2))
    total = logits - np.logaddexp.reduce(logits, axis=1)[:, None] + log_n
    return -np.logaddexp.reduce(total, axis=1)


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize(
    "name, function, key",
    [("slerp", slerp_without_lengths, "lengths not divided out"), ("mixture_nll", mixture_nll_without_tanh, "no tanh")],
)
def test_the_commonest_slips_are_named_where_their_values_could_be_nan(name, function, key):
    report = examine(function, name=name, seed=0)
    assert not report.passed and report.misconception == key, report


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, function",
    marked([(name, f) for name, fs in ALTERNATIVES.items() for f in fs]),
    ids=lambda value: getattr(value, "__name__", value),
)
def test_right_answers_pass_however_they_are_written(name, function):
    for seed in seeds(EXERCISES[name]):
        report = examine(function, name=name, seed=seed)
        assert report.passed, f"seed {seed}: {report}"


@pytest.mark.parametrize("fraction, right, also", [(0.75, 6, 7), (0.7, 6, None), (1.0, 8, None)])
def test_rounding_decides_about_no_count_of_eigenvalues(fraction, right, also):
    """0.1 eight times: the sixth share is 0.75, and 0.7499999999999999 as numpy adds; the last may end below 1."""
    exercise, args = EXERCISES["choose_k"], (np.full(8, 0.1), fraction)
    assert exercise.oracle(*args) == exercise.library_answer()(*args) == right
    accepted = [K for K in range(1, 10) if exercise.compare(right, K, args) is None]
    assert accepted == [K for K in (right, also) if K]


def test_every_exercise_has_alternatives():
    assert ALTERNATIVES.keys() == EXERCISES.keys()
    assert all(len(functions) >= 2 for functions in ALTERNATIVES.values())


def scaled(value, factor):
    if isinstance(value, tuple):
        return tuple(scaled(item, factor) for item in value)
    if isinstance(value, dict):
        return {key: scaled(item, factor) for key, item in value.items()}
    return np.asarray(value) * factor


def passing(name, *functions):
    """Which answers pass, by number, without a search for why the others do not; all are called in one fork."""
    with isolated(lambda number, *args: functions[number](*args)) as ask:
        calls = [lambda args, seconds, i=i: ask((i, *args), seconds) for i in range(len(functions))]
        return [i for i, call in enumerate(calls) if judge(find_exercise(name), call, 0, explain=False).passed]


def test_the_fork_tells_answers_apart():
    answer = EXERCISES["log_mean_exp"].library_answer()
    assert passing("log_mean_exp", lambda a: 1 / 0, answer, lambda a: 1.0, answer) == [1, 3]


def test_one_child_answers_for_whoever_is_chosen_and_is_replaced_when_it_is_lost():
    one, two, who, ends = (lambda x: x + 1), (lambda x: x + 2), (lambda x: os.getpid()), (lambda x: os._exit(1))
    children = Children([[one, two, who, ends]])

    def answer(function):
        with children(function) as call:
            return call((1,), 10)

    first = answer(who).value
    assert [answer(f).value for f in (one, two, who)] == [2, 3, first]
    assert answer(lambda x: os.getpid()).value not in (first, os.getpid())  # not of the group: a child of its own
    assert answer(ends).kind == "died" and answer(one).value == 2 and answer(who).value != first
    children.end()


@pytest.mark.parametrize("name", [e.name for e in EXERCISES.values() if not e.trains])
def test_an_error_of_one_in_a_thousand_is_rejected(name):
    answer = remembering(EXERCISES[name].library_answer())
    assert not passing(name, lambda *args: scaled(answer(*args), 1.001), lambda *args: scaled(answer(*args), 0.999))


@pytest.mark.parametrize("name", marked(EXERCISES))
def test_answers_that_say_nothing_are_rejected(name):
    answer = remembering(EXERCISES[name].library_answer())
    nothing = [lambda *args, c=c: scaled(answer(*args), c) for c in (0.0, np.nan)]
    assert not passing(name, *nothing, lambda *args: 1.0)


@pytest.mark.parametrize("name", EXERCISES)
def test_definitions_are_complete(name):
    exercise = EXERCISES[name]
    assert (
        list(inspect.signature(exercise.library_answer()).parameters)[: len(exercise.parameters)] == exercise.parameters
    )
    assert exercise.points > 0 and exercise.minutes > 0 and exercise.lines > 0
    assert all(point[0] == "L" and 1 <= int(point[1:]) <= 27 for point in exercise.lecture_points)
    texts = [*exercise.hints, exercise.task, *(m.sentence for m in exercise.misconceptions.values())]
    assert all(text.rstrip()[-1] in ".?!):]" for text in texts), [t for t in texts if t.rstrip()[-1] not in ".?!):]"]
    assert len({m.sentence for m in exercise.misconceptions.values()}) == len(exercise.misconceptions)


@pytest.mark.parametrize("name", EXERCISES)
def test_inputs_come_from_the_seed_and_change_with_it(name):
    def frames(seed):
        rng = np.random.default_rng(case_seed(EXERCISES[name], seed))
        return [wire.encode(list(case.args)) for case in EXERCISES[name].cases(rng)]

    assert frames(0) == frames(0)
    assert frames(0) != frames(1)


def test_two_exercises_never_share_their_random_inputs():
    assert len({case_seed(e, 0, "ada") for e in EXERCISES.values()}) == len(EXERCISES)
