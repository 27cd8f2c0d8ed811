"""Grades merged into the roster that Canvas exports, and every way in which that can go wrong."""

import csv
import io
import time

import pytest

from course_utils.cli import main
from course_utils.exporting import ExportError
from course_utils.exporting.canvas import export_canvas
from course_utils.grading.results import write_gradebook

START, PCA = "00_start_here", "01_pca_linear_autoencoder"
HEADER = f"Student,ID,SIS User ID,SIS Login ID,Section,{START} (77),Project (5),Current Score,Final Score"
MANUAL = ",,,,,Manual Posting,,,"
POSSIBLE = "    Points Possible,,,,,1.00,10.00,(read only),(read only)"
ANN = '"Ann, A",101,s-001,ann@uni.edu,L1,,3,9,9'
BOB = '"Bob, B",102,s-002,bob@uni.edu,L1 and L2,,EX,9,9'
CAT = '"Cat, C",103,s-003,cat@uni.edu,L2,0.5,,9,9'


def graded(student, notebook=START, points=1, most=1, status="graded"):
    """A row of the gradebook."""
    return {
        "student": student,
        "notebook": notebook,
        "points": points,
        "max_points": most,
        "status": status,
        "adjusted": "",
        "seed": 1,
        "isolation": "strict",
    }


@pytest.fixture
def export(tmp_path):
    """export(gradebook rows, roster lines) -> (Merged, rows of the file it wrote)."""

    def run(rows, *roster, **options):
        write_gradebook(tmp_path, rows, [])
        (tmp_path / "roster.csv").write_text("\n".join(roster) + "\n", encoding=options.pop("encoding", "utf-8"))
        merged = export_canvas(tmp_path / "grades.csv", tmp_path / "roster.csv", tmp_path / "out.csv", **options)
        text = (tmp_path / "out.csv").read_text(encoding="utf-8-sig")
        return merged, list(csv.reader(io.StringIO(text), delimiter=";" if ";" in roster[0] else ","))

    return run


def test_points_go_to_their_rows_and_all_else_stays(export):
    merged, rows = export(
        [graded("101"), graded("bob@uni.edu", points=0), graded("s-003", PCA, 3.5, 20)],
        HEADER,
        MANUAL,
        POSSIBLE,
        ANN,
        BOB,
        CAT,
    )
    before = list(csv.reader(io.StringIO("\n".join([HEADER, MANUAL, POSSIBLE, ANN, BOB, CAT]))))
    assert rows[0] == [*before[0], PCA]
    assert rows[1] == [*before[1], ""] and rows[2] == [*before[2], "20"]
    assert [row[5] for row in rows[3:]] == ["1", "0", "0.5"]  # Cat handed in another notebook: her cell stays
    assert [row[9] for row in rows[3:]] == ["", "", "3.5"]
    for old, new in zip(before[3:], rows[3:]):
        assert new[:5] + new[6:9] == old[:5] + old[6:9]
    assert (merged.written, merged.unknown, merged.without, merged.ungraded) == (3, [], [], [])


@pytest.mark.parametrize("name", ["101", "s-001", "S-001", "ann@uni.edu", "Ann@Uni.EDU"])
def test_a_student_is_found_by_each_id_and_by_e_mail(export, name):
    merged, rows = export([graded(name)], HEADER, POSSIBLE, ANN, BOB)
    assert rows[2][5] == "1" and rows[3][5] == "" and merged.without == ["Bob, B [102]"]


def test_an_e_mail_column_counts_and_names_do_not(export):
    header = HEADER.replace("Section", "Section,Email")
    merged, rows = export(
        [graded("a@b.c"), graded("Bob, B")], header, ANN.replace("L1,", "L1,a@b.c,"), BOB.replace("L2,", "L2,,")
    )
    assert merged.unknown == ["Bob, B"] and [row[6] for row in rows[1:]] == ["1", ""]


def test_who_is_missing_on_either_side_is_told(export):
    merged, rows = export(
        [
            graded("zoe"),
            graded("101"),
            graded("102", status="damaged: no JSON at line 1", points=0),
            graded("103", status="error: the grader failed (X)", points=0),
        ],
        HEADER,
        POSSIBLE,
        ANN,
        BOB,
        CAT,
    )
    assert merged.unknown == ["zoe"]
    assert merged.ungraded == [
        f"102: {START}: damaged: no JSON at line 1",
        f"103: {START}: error: the grader failed (X)",
    ]
    assert [row[5] for row in rows[2:]] == ["1", "", "0.5"]  # nobody's grade is replaced by one that is none


def test_the_command_says_so_and_ends_with_1(export, tmp_path, capsys):
    export([graded("zoe"), graded("101")], HEADER, POSSIBLE, ANN, BOB)
    files = [str(tmp_path / name) for name in ("grades.csv", "roster.csv", "out.csv")]
    assert main(["export", "canvas", *files]) == 2
    assert capsys.readouterr().err == f"course: {files[2]} would be overwritten; take another place, or add --force\n"
    assert main(["export", "canvas", *files, "--force"]) == 1
    said = capsys.readouterr().out
    assert "graded, but not in the roster: zoe" in said and "nothing was graded: Bob, B [102]" in said
    assert main(["export", "canvas", *files[:2], str(tmp_path / "no" / "out.csv")]) == 1
    assert (tmp_path / "no" / "out.csv").read_bytes() == (tmp_path / "out.csv").read_bytes()


def test_the_roster_may_be_the_output_only_with_force(export, tmp_path):
    export([graded("101")], HEADER, POSSIBLE, ANN)
    with pytest.raises(ExportError, match="--force"):
        export_canvas(tmp_path / "grades.csv", tmp_path / "roster.csv", tmp_path / "roster.csv")


def test_twice_is_the_same(export, tmp_path):
    _, rows = export([graded("101"), graded("101", PCA, 7, 20)], HEADER, POSSIBLE, ANN, BOB)
    again = export_canvas(tmp_path / "grades.csv", tmp_path / "out.csv", tmp_path / "again.csv")
    assert again.table.header == rows[0] and again.table.rows == rows[1:]


@pytest.mark.parametrize(
    "name",
    [
        "=cmd|' /C calc'!A0",
        "@SUM(1+1)*cmd|' /C calc'!A0",
        "+1+cmd|' /C calc'!A0",
        "-2+3+A1(",
        "\t=1+1",
        "  =HYPERLINK(1)",
        "＝1+1",
    ],
)
def test_names_are_no_formulas(export, name):
    row = f'"{name}",101,s-001,ann@uni.edu,"{name}",,3,-,-5.5'
    _, rows = export([graded("101")], HEADER, POSSIBLE, row)
    assert rows[2][0] == rows[2][4] == "'" + name
    assert rows[2][1:4] == ["101", "s-001", "ann@uni.edu"]
    assert rows[2][5:] == ["1", "3", "-", "-5.5"]  # Canvas's own values stay as they are


def test_what_identifies_stays_or_is_an_error(export):
    _, rows = export([graded("+4912345")], HEADER, POSSIBLE, ANN.replace("ann@uni.edu", "+4912345"))
    assert rows[2][3] == "+4912345" and rows[2][5] == "1"
    with pytest.raises(ExportError, match="SIS Login ID of Ann, A .101. is .*would run as a formula"):
        export([graded("101")], HEADER, POSSIBLE, ANN.replace("ann@uni.edu", "=cmd|' /C calc'!A0"), force=True)


def test_a_student_whose_name_the_gradebook_protects_is_found(export):
    _, rows = export(
        [graded("+4912345"), graded("'quoted")],
        HEADER,
        POSSIBLE,
        ANN.replace("ann@uni.edu", "+4912345"),
        BOB.replace("s-002", "'quoted"),
    )
    assert [row[5] for row in rows[2:]] == ["1", "1"]


@pytest.mark.parametrize(
    "rows, roster, says",
    [
        (
            [graded("101")],
            [ANN, BOB.replace("s-002", "101")],
            "'101' could be Ann, A .101. .ID. and Bob, B .102. .SIS User ID.",
        ),
        ([graded("101")], [ANN, ANN], "'101' could be"),
        ([graded("101"), graded("ann@uni.edu")], [ANN], "'101' and 'ann@uni.edu' are one student, Ann, A"),
        ([graded("")], [ANN], "belongs to nobody"),
        ([graded("101"), graded("102", most=2)], [ANN, BOB], "is worth 1 points in one row and 2 in row 3"),
        ([graded("101", points="many")], [ANN], "points are 'many'"),
        ([graded("101")], [ANN, POSSIBLE], "stands among the students"),
        ([graded("101")], [ANN + ",extra"], "row 3 has 10 cells, but the header has 9"),
        ([graded("101")], [ANN.replace("L1", '"L1')], "is no CSV"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else None,
)
def test_what_is_not_clear_is_an_error(export, tmp_path, rows, roster, says):
    with pytest.raises(ExportError, match=says):
        export(rows, HEADER, POSSIBLE, *roster)
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(
    "header, says",
    [
        (HEADER.replace("Section", "ID"), "two columns are called 'ID'"),
        (HEADER.replace("Project (5)", f"{START} (78)"), "could both be"),
        (HEADER.replace("Student,", "Name,"), "no gradebook of Canvas"),
    ],
)
def test_headers_that_are_not_canvas(export, header, says):
    with pytest.raises(ExportError, match=says):
        export([graded("101")], header, POSSIBLE, ANN)


def test_an_assignment_with_other_points_is_an_error(export):
    with pytest.raises(ExportError, match="worth 10.00 points in Canvas, but 1 in the gradebook"):
        export([graded("101")], HEADER, POSSIBLE.replace("1.00,", "10.00,", 1), ANN)


def test_first_and_last_names_semicolons_and_a_byte_order_mark(export, tmp_path):
    header = f"LastName;FirstName;ID;SIS Login ID;Section;{START}"
    _, rows = export(
        [graded("7", points=0.5)], header, "    Points Possible;;;;;1,00", "A;=1;7;ann;L1;", encoding="utf-8-sig"
    )
    assert rows[2] == ["A", "'=1", "7", "ann", "L1", "0,5"]
    assert (tmp_path / "out.csv").read_bytes().startswith(b"\xef\xbb\xbf")


def test_files_that_cannot_be_read(tmp_path, capsys):
    roster = tmp_path / "roster.csv"
    for content in (b"", b"\xff\xfe", None):
        if content is not None:
            roster.write_bytes(content)
        elif roster.exists():
            roster.unlink()
        write_gradebook(tmp_path, [graded("101")], [])
        assert main(["export", "canvas", str(tmp_path / "grades.csv"), str(roster), str(tmp_path / "out.csv")]) == 2
        said = capsys.readouterr().err
        assert said.startswith(f"course: {roster} ") and said.count("\n") == 1
    roster.write_text(f"{HEADER}\n{ANN}\n")
    assert main(["export", "canvas", str(roster), str(roster), str(tmp_path / "out.csv")]) == 2
    assert "is no gradebook of `course grade`: it has no column 'student'" in capsys.readouterr().err


def test_a_students_second_file_stops_nobody_elses_grades(export, tmp_path, capsys):
    two = [graded("101", f"a{i}/{START}", status="graded; one of 2 files", points=p) for i, p in ((1, 1), (2, 0))]
    merged, rows = export([*two, graded("101", PCA, 7, 20), graded("102")], HEADER, POSSIBLE, ANN, BOB)
    assert [row[5] for row in rows[2:]] == ["", "1"]  # Ann's cell stays as it was, Bob has his point
    assert [row[rows[0].index(PCA)] for row in rows[2:]] == ["7", ""]
    assert merged.ungraded == [f"101: {START}: 2 graded files, a1/{START} and a2/{START}: keep one"]
    files = [str(tmp_path / name) for name in ("grades.csv", "roster.csv", "out.csv")]
    assert main(["export", "canvas", *files, "--force"]) == 1
    assert f"handed in, but not graded: 101: {START}: 2 graded files" in capsys.readouterr().out


def test_files_of_any_name_are_the_notebook_whose_exercises_they_have(tmp_path):
    """Two students call their files alike; what they are stands in the columns of the exercises."""
    header = "student,notebook,points,max_points,status,adjusted,seed,isolation,log_mean_exp,pca_fit"
    rows = ["101,homework,1,1,graded,,1,strict,1,", "102,homework,3,20,graded,,1,strict,,3"]
    (tmp_path / "grades.csv").write_text("\n".join([header, *rows]))
    (tmp_path / "roster.csv").write_text("\n".join([HEADER, POSSIBLE, ANN, BOB]))
    merged = export_canvas(tmp_path / "grades.csv", tmp_path / "roster.csv", tmp_path / "out.csv")
    header, _, ann, bob = merged.table.header, *merged.table.rows
    assert merged.written == 2 and "homework" not in header
    assert (ann[5], bob[header.index(PCA)]) == ("1", "3")


def test_long_cells_cost_nothing(export):
    started = time.process_time()
    for filler in (" " * 100_000, "1" * 100_000, "1," * 50_000, "muted" + " " * 100_000 + "x", "+" * 100_000):
        row = f'"{filler}x",101,s-001,ann@uni.edu,"{filler}",,3,-,-5.5'
        export([graded("101")], HEADER, POSSIBLE, row, force=True)
    assert time.process_time() - started < 5
