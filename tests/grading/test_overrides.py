"""Manual adjustments: what the file may hold, what it changes, and that it survives regrading."""

import pytest
from grading_corpus import START, exercises_of, hand_in, solved, student_cells
from grading_results import contents, rows_of

from course_utils.exercises import all_exercises
from course_utils.grading import grade_folder
from course_utils.grading.overrides import adjusted, read_overrides

HEAD = "student,notebook,exercise,points,reason\n"
FULL = exercises_of(START)["log_mean_exp"].points


@pytest.fixture
def read(tmp_path):
    """read(text) -> the overrides of a file with this text."""

    def of(text, encoding="utf-8"):
        (tmp_path / "overrides.csv").write_text(text, encoding=encoding)
        return read_overrides(tmp_path, all_exercises())

    return of


def test_lines_are_read(read, tmp_path):
    assert read_overrides(tmp_path / "none", all_exercises()) == []
    text = HEAD + f'ann,{START},log_mean_exp,0.5,"on paper, late"\n\nben,{START},,-1,late\n'
    lines = read(text)
    assert lines == [(2, "ann", START, "log_mean_exp", 0.5, "on paper, late"), (4, "ben", START, "", -1, "late")]
    assert read(text.replace('"on paper, late"', "on paper").replace(",", ";"), "utf-8-sig")[1] == lines[1]


@pytest.mark.parametrize(
    "line, words",
    [
        (f"ann,{START},log_mean_exp,many,why", "line 2: points should be a number, not 'many'"),
        (f"ann,{START},log_mean_exp,nan,why", "line 2: points should be a number, not 'nan'"),
        (f"ann,{START},log_mean_exp,{FULL + 1},why", f"line 2: log_mean_exp has 0 to {FULL} points, not {FULL + 1}"),
        (f"ann,{START},log_mean_exp,-1,why", "0 to"),
        (f"ann,{START},pca,1,why", "line 2: there is no exercise 'pca'"),
        (f"ann,{START},log_mean_exp,1, ", "line 2: there is no reason"),
        (f"ann,{START},log_mean_exp,1,a\nann,{START},log_mean_exp,0,b", "line 3: the same adjustment stands in line 2"),
    ],
)
def test_a_line_that_cannot_be_meant_is_an_error(read, line, words):
    with pytest.raises(OSError, match=words):
        read(HEAD + line + "\n")


def test_a_file_without_the_columns_is_an_error(read):
    with pytest.raises(OSError, match="no column exercise, reason: its first line should be student,notebook"):
        read("student,notebook,points\n")
    with pytest.raises(OSError, match="UTF-8"):
        read(HEAD + "é", "latin-1")


def test_points_of_exercises_are_replaced_and_others_added(read):
    exercises = {"log_mean_exp": {"points": 0, "passed": False}}
    result = {"student": "=ann", "notebook": START, "points": 0, "exercises": exercises}
    overrides = read(HEAD + f"'=ann,{START},log_mean_exp,{FULL},spoken\n=ann,{START},,-9,late\nben,{START},,1,x\n")
    final, used = adjusted(result, overrides)
    assert final["points"] == 0 and final["exercises"]["log_mean_exp"]["points"] == FULL
    assert final["adjustments"] == [f"log_mean_exp: {FULL} instead of 0 points (spoken)", "-9 points (late)"]
    assert used == overrides[:2] and exercises["log_mean_exp"]["points"] == 0
    assert adjusted(result, [overrides[0]])[0]["points"] == FULL
    assert adjusted(result, [])[0] == result | {"adjustments": []}


@pytest.mark.slow
def test_adjustments_survive_regrading_and_leave_with_their_line(tmp_path, capsys):
    submissions, out = tmp_path / "in", tmp_path / "out"
    hand_in(submissions, f"ann/{START}.ipynb", student_cells(START))
    hand_in(submissions, f"ben/{START}.ipynb", solved(START))
    grade_folder(submissions, out, seed=1)
    before = contents(out)
    text = HEAD + f"ann,{START},log_mean_exp,{FULL},<b>solved</b> on paper\nbne,{START},,1,bonus\n"
    (out / "overrides.csv").write_text(text)
    for _ in range(2):  # the second run takes the results over
        capsys.readouterr()
        grade_folder(submissions, out)
        said = capsys.readouterr().out
        assert "2 taken over" in said and "1 adjustments from" in said
        assert f"NOT APPLIED: line 3 of overrides.csv: no submission of 'bne' has the notebook '{START}'" in said
        row = rows_of(out)["ann", START]
        assert (row["points"], row["log_mean_exp"]) == (str(FULL), str(FULL))
        assert row["adjusted"] == f"log_mean_exp: {FULL} instead of 0 points (<b>solved</b> on paper)"
        page = (out / "feedback" / "ann" / f"{START}.html").read_text()
        assert "Adjusted by hand" in page and "&lt;b&gt;solved&lt;/b&gt; on paper" in page
        assert contents(out)["overrides.csv"] == text.encode()
        (out / "results" / "ann" / f"{START}.json").touch()
    hand_in(submissions, f"ann/{START}.ipynb", [*student_cells(START), "1 + 1"])
    grade_folder(submissions, out)
    assert rows_of(out)["ann", START]["points"] == str(FULL)
    hand_in(submissions, f"ann/{START}.ipynb", student_cells(START))
    (out / "overrides.csv").unlink()
    grade_folder(submissions, out)
    assert contents(out) == before
