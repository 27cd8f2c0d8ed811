"""The spelled answers: right on every case, whole without their changes, and readable in every one of their steps."""

import numpy as np
import pytest
from answers import remembered

from course_utils.checking.candidates import functions_of
from course_utils.checking.judging import case_seed, conform
from course_utils.checking.steps import changes, run, steps_of
from course_utils.exercises import all_exercises
from course_utils.exercises.stand_ins import resolve

EXERCISES = {name: remembered(name) for name, exercise in all_exercises().items() if not exercise.trains}
SEEDS = range(6)


def cases(exercise, seeds=SEEDS):
    for seed in seeds:
        yield from exercise.cases(np.random.default_rng(case_seed(exercise, seed)))


def passes(exercise, case, value):
    real, expected = resolve(case.args), exercise.oracle(*resolve(case.args))
    conformed, problem = conform(expected, value, real, exercise.parameters)
    return problem is None and exercise.compare(expected, conformed, real) is None


@pytest.mark.parametrize("name", EXERCISES)
def test_the_spelled_answer_is_right_on_every_case(name):
    exercise = EXERCISES[name]
    for case in cases(exercise):
        assert passes(exercise, case, run(exercise.spelled, resolve(case.args))), case.label


@pytest.mark.slow
@pytest.mark.parametrize("name", EXERCISES)
def test_other_quantities_are_other_ones(name):
    """Each runs on some case and differs there from what is asked: on an ordinary one, or where special ones tell."""
    exercise = EXERCISES[name]
    drawn = list(cases(exercise, SEEDS[:2]))
    for says, functions in exercise.others.items():
        for function in functions_of(functions):
            values = []
            for case in drawn:
                with np.errstate(all="ignore"):
                    try:
                        values.append((case, function(*resolve(case.args))))
                    except (
                        ValueError,
                        IndexError,
                        ArithmeticError,
                    ):  # matrices that do not fit: the answer would have raised, too
                        continue
            assert values, says
            assert not all(passes(exercise, case, value) for case, value in values), says


@pytest.mark.parametrize("name", EXERCISES)
def test_every_step_matters(name):
    """On an ordinary case each step changes the result when it is done otherwise: none is there for show."""
    exercise = EXERCISES[name]
    case = exercise.cases(np.random.default_rng(case_seed(exercise, 0)))[0]
    args = resolve(case.args)
    steps = steps_of(exercise.spelled, args)
    assert 0 < len({step.name for step in steps}) <= 40

    def matters(change):
        with np.errstate(all="ignore"):
            try:
                value = run(exercise.spelled, args, {change.place: change.function})
                return not passes(exercise, case, value)
            except (ValueError, IndexError, ArithmeticError, TypeError):
                return True

    own = [change for change in changes(steps, {}) if change.replacement is None and change.place[1] is None]
    for name_of_step in {step.name for step in steps}:
        assert any(matters(change) for change in own if change.place[0] == name_of_step), name_of_step
