"""What a student sees: reports, hints and progress, and that nothing of theirs is lost."""

import json
import os
import re
from pathlib import Path

import jupytext
import numpy as np
import pytest

from course_utils import checking
from course_utils.checking import check, hint, student
from course_utils.checking import progress_file as progress
from course_utils.checking.report import Report
from course_utils.exercises import all_exercises, find_exercise
from course_utils.models import pca


@pytest.fixture(autouse=True)
def progress_file(tmp_path, monkeypatch):
    path = tmp_path / "progress.json"
    monkeypatch.setenv("COURSE_PROGRESS", str(path))
    return path


def pca_encode(x, mean, components):
    return (x - mean) @ components.T


def unfinished(x, mean, components):
    raise NotImplementedError


def test_a_right_answer_is_returned_and_recorded(capsys, progress_file):
    assert check(pca_encode) is pca_encode
    out = capsys.readouterr().out
    assert "✓ pca_encode: 1 of 1 point" in out and "uses your function" in out
    assert json.loads(progress_file.read_text())["solved"] == {"pca_encode": 1}


def test_what_comes_after_an_exercise_is_said_to_who_has_solved_it_alone(capsys):
    exercise = find_exercise("iwae_bound")
    assert "torch.logsumexp" in exercise.afterwards
    check(unfinished, name="iwae_bound")
    assert "torch" not in capsys.readouterr().out
    check(exercise.library_answer())
    assert capsys.readouterr().out.endswith(exercise.afterwards + "\n")
    assert student.Afterwards("$x$")._repr_markdown_() == repr(student.Afterwards("$x$")) == "$x$"


def test_an_open_answer_gives_the_librarys_function_and_says_so(capsys, progress_file):
    assert check(unfinished, name="pca_encode") is pca.pca_encode
    assert "the library's function" in capsys.readouterr().out and not progress_file.exists()


def test_a_later_wrong_answer_does_not_take_the_points_away(capsys, progress_file):
    check(pca_encode)
    check(unfinished, name="pca_encode")
    assert progress.load_progress()["solved"] == {"pca_encode": 1}


def test_unknown_names_are_answered_with_the_nearest():
    with pytest.raises(KeyError, match="pca_encode"):
        check(pca_encode, name="pca_encoder")
    with pytest.raises(TypeError, match="say which exercise"):
        check(3)


def test_hints_open_one_by_one(capsys):
    hints = find_exercise("pca_fit").hints
    for n in (1, 2, 3, 3):
        hint("pca_fit")
        out = capsys.readouterr().out
        assert all(text in out for text in hints[:n]) and not any(text in out for text in hints[n:])
    hint(pca_encode)
    assert "Hint 1 of 3 for pca_encode" in capsys.readouterr().out


def test_only_the_newest_hint_is_unfolded():
    html = student.Hints("pca_fit", ("first", "second <b>"), 3)._repr_html_()
    assert html.count("<details") == 2 and html.count("<details open") == 1 and "second &lt;b&gt;" in html
    assert html.index("<details open") > html.index("first")


def test_progress_lists_every_exercise(capsys):
    check(pca_encode)
    checking.progress()
    out = capsys.readouterr().out
    assert all(name in out for name in all_exercises()) and "✓ pca_encode (1)" in out and "○ pca_fit (3)" in out
    html = student.Progress({"pca_encode": 1})._repr_html_()
    assert html.count("<tr>") == 1 + len({e.notebook for e in all_exercises().values()})


@pytest.mark.parametrize("content", ["", "{", "[]", '{"solved": 3}', '{"solved": {"a": "x"}, "hints": {}}', "null"])
def test_a_damaged_progress_file_is_kept(progress_file, content, capsys):
    progress_file.write_text(content)
    progress.record("solved", "pca_fit", 3)
    assert progress.load_progress()["solved"] == {"pca_fit": 3}
    kept = [path for path in progress_file.parent.iterdir() if "damaged" in path.name]
    assert [path.read_text() for path in kept] == [content] and "kept as" in capsys.readouterr().out


def test_a_file_that_cannot_be_written_costs_nothing_else(monkeypatch, tmp_path, capsys):
    (tmp_path / "occupied").write_text("a file where a folder is needed")
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "occupied" / "progress.json"))
    assert check(pca_encode) is pca_encode
    assert "your answer itself is not affected" in capsys.readouterr().out


def test_a_folder_in_which_nothing_can_be_replaced_costs_nothing_else(monkeypatch, progress_file, capsys):
    """As on a read-only disk, or where another program has the file open on Windows."""
    progress_file.write_text("{")

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    assert check(pca_encode) is pca_encode
    out = capsys.readouterr().out
    assert "cannot be moved (Permission denied)" in out and "your answer itself is not affected" in out
    assert os.listdir(progress_file.parent) == [progress_file.name] and progress_file.read_text() == "{"


def test_another_notebooks_progress_is_not_lost():
    progress.record("solved", "pca_fit", 3)
    progress.record("hints", "pca_fit", 2)
    progress.record("solved", "choose_k", 1)
    assert progress.load_progress() == {
        "solved": {"pca_fit": 3, "choose_k": 1},
        "hints": {"pca_fit": 2},
        "predictions": {},
    }
    assert len(os.listdir(progress.progress_path().parent)) == 1  # nothing unfinished left behind


@pytest.mark.parametrize(
    "report",
    [
        Report("pca_fit", True, 3, 3, None, "", "passed", note="From here on."),
        Report("pca_fit", False, 0, 3, None, "Not <b>started</b>.", "not started"),
        Report("pca_fit", False, 0, 3, "columns", "Yours are columns.", "shape", "ValueError: <script>"),
        Report(
            "pca_fit", False, 0, 3, "sign", "The sign <.", "values", "line 3: <b>", facts="3 of 5 values > 0 are off."
        ),
    ],
)
def test_html_and_text_of_a_report_say_the_same(report):
    html, text = report._repr_html_(), str(report)
    for part in (report.advice, report.detail, report.facts, report.note):
        assert part in text and part.replace("<", "&lt;").replace(">", "&gt;") in html
    sign, words = report.headline.split(" ", 1)
    assert text.startswith(report.headline) and f"<span aria-hidden='true'>{sign} </span>{words}" in html
    assert "<script>" not in html and "role='status'" in html
    assert {"✓": "course-passed"}.get(text[0], "course-open") in html


@pytest.mark.slow
def test_the_notebook_is_said_to_use_a_function_only_where_it_does(capsys, monkeypatch):
    """Where the name stands in no code after its check, nothing is said of what the notebook goes on with."""
    unused = set()
    for name, exercise in all_exercises().items():
        path = Path(__file__).parents[2] / "solutions" / f"{exercise.notebook}.py"
        code = "\n".join(c.source for c in jupytext.read(path, fmt="py:percent").cells if c.cell_type == "code")
        after = code.split(f"{name} = check({name})", 1)[1]
        lines = [line for line in after.splitlines() if not line.strip().startswith("#")]
        if not re.search(rf"(?<![\w.]){name}\b", "\n".join(lines)):
            unused.add(name)
    assert unused == student.NOT_USED
    for not_used, said in ((set(), True), ({"choose_k"}, False)):
        monkeypatch.setattr(student, "NOT_USED", not_used)
        check(lambda *args: None, name="choose_k")
        assert ("notebook" in capsys.readouterr().out) == said


def test_the_explanation_comes_first_and_the_facts_are_folded():
    def pca_encode(x, mean, components):
        return np.abs((x - mean) @ components.T)

    report = checking.examine(pca_encode)
    html, text = report._repr_html_(), str(report)
    assert report.misconception == "result: absolute" and re.search(r"\d of \d calls in this check are wrong\.", text)
    assert re.search(r"\d+ of \d+ values are off; the worst is at index", report.facts)
    assert html.index(report.advice) < html.index("<details") < html.index(report.facts) < html.index("</details>")
    assert text.index(report.advice) < text.index(report.facts)
    assert "<details open" not in html and "\n" not in html.replace(report.detail, "")


def test_a_report_without_an_explanation_folds_nothing():
    report = checking.examine(
        lambda x, mean, components: 7 + np.sin((x - 3 * mean**2) @ components.T) ** 3, name="pca_encode"
    )
    assert report.misconception is None and not report.facts and "<details" not in report._repr_html_()
    assert "values are off" in report.advice
