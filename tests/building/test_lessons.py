"""Lesson plans: they say what the notebooks say, and are up to date."""

from pathlib import Path

import jupytext
import nbformat
import pytest

from course_utils.building.build import minutes
from course_utils.building.lesson_plans import lesson_plan, misconceptions, vote_line
from course_utils.building.lessons import VOTE_MINUTES, Vote, goals, parts
from course_utils.exercises import all_exercises

ROOT = Path(__file__).resolve().parents[2]
BUILT = sorted((ROOT / "solutions").glob("*.ipynb"))


@pytest.fixture(scope="module", params=BUILT, ids=lambda path: path.stem[:2])
def built(request):
    return request.param, nbformat.read(request.param, as_version=4)


def test_the_minutes_of_the_parts_are_those_that_the_notebook_states(built):
    path, notebook = built
    cells = jupytext.reads(path.with_suffix(".py").read_text(encoding="utf-8"), fmt="py:percent").cells
    expected, found = minutes(cells, all_exercises()), parts(notebook)
    for name, further in (("core", False), ("further", True)):
        mine = [part for part in found if part.further == further]
        total = sum(part.talk + part.work - VOTE_MINUTES * len(part.votes) for part in mine)
        assert total == pytest.approx(expected[name], abs=0.1)  # a heading is in two pieces where a cell is cut


def test_every_vote_has_an_answer_that_can_be_given(built):
    _, notebook = built
    asked = sum(cell.source.count("\npredict(") + cell.source.startswith("predict(") for cell in notebook.cells)
    votes = [vote for part in parts(notebook) for vote in part.votes]
    assert len(votes) == asked > 0
    for vote in votes:
        assert vote.answer and vote.question
        if vote.kind == "order":
            assert sorted(vote.right_order) == sorted(vote.choices)
        elif vote.kind == "choose":
            assert vote.answer in vote.choices


def test_the_plan_in_the_guide_is_up_to_date(built):
    path, notebook = built
    file = ROOT / "docs" / "lessons" / f"{path.stem[:2]}.md"
    assert file.read_text(encoding="utf-8") == lesson_plan(notebook, path.stem), "run: course lessons"


def test_plans_hold_goals_and_three_misconceptions(built):
    path, notebook = built
    found = parts(notebook)
    assert len(goals(found[0])) >= 3 or path.stem.startswith("00")
    wrong = misconceptions([part for part in found if not part.further])
    assert len(wrong) == 3 == len(set(wrong))


def test_items_with_commas_are_put_in_order():
    vote = Vote("k", "q", "order", ["PCA", "PCA, K = 2", "a"], answer="PCA, K = 2, then a, then PCA")
    assert vote.right_order == ["PCA, K = 2", "a", "PCA"]
    assert vote_line(vote) == "q **PCA, K = 2 · a · PCA**"
