"""Right answers in many styles earn full marks; what is judged stands in a table at the end of the tests' output.

A sample of the styles comes in every run; with FAIRNESS=all in the environment every style and all alternatives do.
Of exercises that train, whose answers take seconds each, a run has few. All alternatives are in test_exercises, always.
"""

import pytest
from answers import EVERYTHING, EXERCISES, judged
from right_answers import STYLES, alternatives_of, sample_of_styles, styled

pytestmark = pytest.mark.slow  # the whole file takes tens of seconds

STYLES_EACH = 6  # for one exercise
TRAINING_ANSWERS = 2  # for one that trains


def chosen(name):
    if EVERYTHING:
        return styled(name) + alternatives_of(name)
    if EXERCISES[name].trains:
        return [styled(name)[0], alternatives_of(name)[0]]
    return sample_of_styles(name, STYLES_EACH)


@pytest.mark.parametrize("name", EXERCISES)
def test_right_answers_earn_full_marks(name, record_property):
    reports = judged(chosen(name))
    refused = {answer.style: report for answer, report in reports if not report.passed}
    record_property("fairness", [name, "right", len(reports), len(reports) - len(refused)])
    assert not refused
    assert all(report.points == EXERCISES[name].points for _, report in reports)
    assert len(reports) >= (TRAINING_ANSWERS if EXERCISES[name].trains else 4)


def test_every_style_is_used_and_every_exercise_has_answers_in_many():
    used = {answer.style for name in EXERCISES for answer in chosen(name)}
    assert used >= STYLES.keys(), STYLES.keys() - used
    assert all(
        len(styled(name) + alternatives_of(name)) >= (4 if exercise.trains else 15)
        for name, exercise in EXERCISES.items()
    )
