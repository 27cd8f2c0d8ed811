"""`course grade` on a synthetic class gives every submission exactly the points that it must get."""

import os
from pathlib import Path

import pytest
from hostile import ATTACKS, Place
from synthetic_class import SLOW, discrepancies, hand_in_class, synthetic_class

from course_utils.grading import grade_folder, isolation

ROOT = Path(__file__).parents[2]
STRICT = not isolation.why_not(isolation.Isolation("strict", "", isolation.bubblewrap() or ""))
# Without a sandbox, only attacks that can do no harm: those on the notebook's own form.
HARMLESS = ("cells-deleted", "cells-duplicated", "checks-edited", "name-reused", "points-and-ids", "html-in-outputs")
N, NOTEBOOKS = 24, ("00_start_here", "01_pca_linear_autoencoder", "04_jensens_bound", "05_kl_terms")


def quick_attacks():
    """Attacks after which the grader need not wait for anything."""
    return tuple(name for name, attack in ATTACKS.items() if attack.kind not in (*SLOW, "")) if STRICT else HARMLESS


def place_below(folder):
    (folder / "host").mkdir()
    return Place(folder / "submissions", folder / "out", folder / "host", ROOT, 9, os.getpid())


@pytest.mark.slow
def test_a_class_gets_exactly_the_points_it_must_get(tmp_path):
    place = place_below(tmp_path)
    submissions = synthetic_class(N, 5, place, quick_attacks(), NOTEBOOKS)
    hand_in_class(place, submissions)
    tier = {"isolation": "strict"} if STRICT else {"isolation": "plain", "trusted": True}
    assert grade_folder(place.submissions, place.out, seed=7, workers=2, **tier) == 0
    assert not discrepancies(place.out / "grades.csv", submissions)


@pytest.mark.slow
def test_the_class_is_mixed_and_the_same_for_the_same_seed(tmp_path):
    place = place_below(tmp_path)
    submissions = synthetic_class(N, 5, place, HARMLESS, NOTEBOOKS)
    assert (
        submissions
        == synthetic_class(N, 5, place, HARMLESS, NOTEBOOKS)
        != synthetic_class(N, 6, place, HARMLESS, NOTEBOOKS)
    )
    said = [text.split(":")[0] for one in submissions for text in one.said.values() if not one.attack]
    assert all(said.count(kind) >= N for kind in ("right", "wrong"))
    assert 3 <= sum(one.attack for one in submissions) <= 4


@pytest.mark.slow
def test_a_wrong_gradebook_is_noticed(tmp_path):
    place = place_below(tmp_path)
    submissions = [one for one in synthetic_class(N, 5, place, HARMLESS, NOTEBOOKS) if not one.attack][:2]
    names = list(submissions[0].points)
    grades = tmp_path / "grades.csv"
    for change, lines in ((0, 0), (1, 2)):
        values = [submissions[0].points[name] + change * (name == names[0]) for name in names]
        row = [submissions[0].student, submissions[0].notebook, *values, sum(values)]
        grades.write_text(",".join(["student", "notebook", *names, "points"]) + "\n" + ",".join(map(str, row)) + "\n")
        assert len(discrepancies(grades, submissions[:1])) == lines
    assert "no row" in discrepancies(grades, submissions[1:])[1]
