"""The spelled answers: right on every case, whole without their changes, and readable in every one of their steps."""

import numpy as np
import pytest

from course_utils.checking.candidates import functions_of
from course_utils.checking.judging import case_seed, conform
from course_utils.checking.steps import run, steps_of
from course_utils.exercises import all_exercises
from course_utils.exercises.stand_ins import resolve

EXERCISES = {name: exercise for name, exercise in all_exercises().items() if not exercise.trains}
SEEDS = range(6)


def cases(exercise, seeds=SEEDS):
    for seed in seeds:
        yield from exercise.cases(np.random.default_rng(case_seed(exercise, seed)))


def passes(exercise, case, value):
    real = resolve(case.args)
    conformed, problem = conform(exercise.oracle(*resolve(case.args)), value, real, exercise.parameters)
    return problem is None and exercise.compare(exercise.oracle(*resolve(case.args)), conformed, real) is None


@pytest.mark.parametrize("name", EXERCISES)
def test_the_spelled_answer_is_right_on_every_case(name):
    exercise = EXERCISES[name]
    for case in cases(exercise):
        assert passes(exercise, case, run(exercise.spelled, resolve(case.args))), case.label


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
def test_every_step_matters_and_has_a_name(name):
    exercise = EXERCISES[name]
    for step in (step for case in cases(exercise, [0]) for step in steps_of(exercise.spelled, resolve(case.args))):
        assert step.name == step.name.strip() and not step.name.endswith(".")
