"""Partial credit: who has it and how much, that nothing else changes with it, and nothing at all without it."""

import json
from dataclasses import replace

import numpy as np
import pytest
from grading_corpus import START, exercises_of, hand_in, solved
from grading_results import contents, rows_of

from course_utils.checking.calling import Outcome
from course_utils.checking.judging import judge, points_in_part, tidy
from course_utils.cli import main
from course_utils.exercises import all_exercises, find_exercise
from course_utils.exercises.model import Case, Finding
from course_utils.grading import grade_folder
from course_utils.grading.results import fault_of

EXERCISE = exercises_of(START)["log_mean_exp"]
NAIVE = "def log_mean_exp(a):\n    with np.errstate(all='ignore'):\n        return np.log(np.mean(np.exp(a)))"
WRONG = "def log_mean_exp(a):\n    return np.mean(a)"
SHARE = tidy(EXERCISE.partial * EXERCISE.points)
OFF = Finding("values", "off")


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """Folders of three submissions (right, right on ordinary inputs, wrong), graded without and with partial credit."""
    root = tmp_path_factory.mktemp("partial")
    for student, answers in (("right", {}), ("nearly", {"log_mean_exp": NAIVE}), ("wrong", {"log_mean_exp": WRONG})):
        hand_in(root / "in", f"{student}/{START}.ipynb", solved(START, **answers))
    for name, partial in (("off", False), ("on", True)):
        grade_folder(root / "in", root / name, seed=3, partial=partial)
    return root


@pytest.mark.parametrize(
    "labels, findings, share",
    [
        (["", "", "for zeros"], [None, None, OFF], 0.6),
        (["", "for zeros", ""], [None, OFF, None], 0.6),
        (["", "", "for zeros"], [None, OFF, None], 0),
        (["", "for zeros", ""], [None, OFF], 0),  # the second ordinary case was not asked any more
        (["for zeros"], [OFF], 0),  # there is no ordinary case
    ],
)
def test_a_share_for_all_ordinary_cases(labels, findings, share):
    exercise = replace(EXERCISE, points=5)
    cases = [Case((), label) for label in labels]
    assert points_in_part(exercise, cases, findings) == share * 5
    assert points_in_part(replace(exercise, partial=0.5), cases, findings) == (2.5 if share else 0)


def test_only_where_it_is_asked_for():
    def call(args, seconds, **more):
        with np.errstate(all="ignore"):
            return Outcome("value", np.log(np.mean(np.exp(args[0]))), changed=False, seconds=0.0)

    without, with_it = judge(EXERCISE, call, 0), judge(EXERCISE, call, 0, partial=True)
    assert (without.passed, without.points) == (False, 0) and "not yet (0 of" in str(without)
    assert (with_it.passed, with_it.points) == (False, SHARE)
    assert with_it == replace(without, points=SHARE)
    assert f"right on ordinary inputs ({SHARE:g} of {EXERCISE.points} point" in with_it.headline


def test_every_exercise_states_a_share_below_all():
    assert all(0 <= exercise.partial < 1 for exercise in all_exercises().values())
    with pytest.raises(AssertionError, match="less than all"):
        replace(find_exercise("pca_fit"), partial=1.0)


@pytest.mark.slow
def test_the_gradebook_and_the_pages_know_it(graded):
    rows = {student: row for (student, _), row in rows_of(graded / "on").items()}
    assert {student: row["points"] for student, row in rows.items()} == {
        "right": str(EXERCISE.points),
        "nearly": str(SHARE),
        "wrong": "0",
    }
    assert rows["nearly"]["status"] == "graded; partial credit for log_mean_exp" and rows["wrong"]["status"] == "graded"
    page = (graded / "on" / "feedback" / "nearly" / f"{START}.html").read_text()
    assert f"({SHARE:g} of {EXERCISE.points} point" in page and "class='partial'" in page
    assert "the share of its points that stands beside it" in page
    report = (graded / "on" / "report.html").read_text()
    assert "of those not passed: partial credit" in report and "<td class=n>1</td></tr>" in report


@pytest.mark.slow
def test_without_it_nothing_is_as_with_it(graded):
    off = contents(graded / "off")
    assert not [name for name, data in off.items() if b"artial" in data]
    assert rows_of(graded / "off")["nearly", START]["points"] == "0"
    result = json.loads(off[f"results/nearly/{START}.json"])
    assert type(result["points"]) is int and "partial" not in result


@pytest.mark.slow
def test_again_it_is_the_same_and_the_other_way_is_graded_anew(graded, capsys):
    before = contents(graded / "on")
    grade_folder(graded / "in", graded / "on", partial=True)
    assert "3 taken over" in capsys.readouterr().out and contents(graded / "on") == before
    grade_folder(graded / "in", graded / "on")
    assert "0 taken over" in capsys.readouterr().out
    assert contents(graded / "on") == contents(graded / "off")
    assert main(["grade", str(graded / "in"), "--out", str(graded / "on"), "--partial"]) == 0
    assert "0 taken over" in capsys.readouterr().out and contents(graded / "on") == before


@pytest.mark.slow
def test_a_result_with_parts_of_points_is_a_result_only_with_partial_credit(graded):
    result = json.loads(contents(graded / "on")[f"results/nearly/{START}.json"])
    assert fault_of(result) == ""
    assert fault_of({key: value for key, value in result.items() if key != "partial"}) == "no points"


def test_parts_of_points_add_up():
    assert tidy(0.1 + 0.2) == 0.3 and tidy(1.2 + 1.8) == 3 and type(tidy(3.0)) is int
