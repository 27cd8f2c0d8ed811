"""Wrong answers lose: misconceptions and mutations of the solutions; the table at the end of the tests' output counts.

A sample of the mutants comes in every run. FAIRNESS=all in the environment judges all of them, and the list of those
that are no mistakes must then be exactly right.
"""

import re

import pytest
from answers import EVERYTHING, EXERCISES, judged
from wrong_answers import EQUIVALENT, equivalent, misconceptions_of, mutants_of, sample_of_mutants

pytestmark = pytest.mark.slow  # the whole file takes tens of seconds

MUTANTS_EACH = 12  # for one exercise
TRAINING_MUTANTS = 6  # for one that trains, whose misconceptions take long and are in test_exercises, too


def chosen(name):
    if EVERYTHING:
        return misconceptions_of(name) + mutants_of(name)
    if EXERCISES[name].trains:
        return sample_of_mutants(name, TRAINING_MUTANTS)
    return misconceptions_of(name) + sample_of_mutants(name, MUTANTS_EACH)


@pytest.mark.parametrize("name", EXERCISES)
def test_wrong_answers_lose(name, record_property):
    reports = judged(chosen(name), first_case_first=True)
    accepted = {answer.style for answer, report in reports if report.passed or report.points}
    right = {answer.style for answer, _ in reports if equivalent(answer)}
    record_property("fairness", [name, "wrong", len(reports) - len(right), len(reports) - len(right | accepted)])
    assert not accepted - right, "accepted, and not known as right"
    assert EXERCISES[name].trains or accepted == right, "known as right, and refused"
    assert len(reports) - len(right) >= 6


def test_every_entry_for_a_mutant_that_is_right_is_needed():
    for name, rows in EQUIVALENT.items():
        styles = [mutant.style for mutant in mutants_of(name)]
        for pattern, reason in rows:
            assert reason and any(re.fullmatch(pattern, style) for style in styles), (name, pattern)
