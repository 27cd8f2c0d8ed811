"""Finding submissions and reading their cells, however odd the folder."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from grading_corpus import PCA, START, hand_in, notebook_json, solved
from grading_results import rows_of

from course_utils.checking import notebook_files
from course_utils.checking.notebook_files import recognise
from course_utils.grading import grade_folder
from course_utils.grading import submissions as module
from course_utils.grading.results import LONGEST, digested, harmless, path_of
from course_utils.grading.submissions import find_submissions, read_cells


def found(root, **options):
    return [(s.student, s.notebook, s.refusal.partition(":")[0]) for s in find_submissions(root, **options)]


def test_both_layouts_at_any_depth_are_found_and_copies_of_jupyter_and_macos_are_not(tmp_path):
    for path in (
        "b/01.ipynb",
        "a/hw/01.ipynb",
        "a/hw/deeper/02.IPYNB",
        "loose.ipynb",
        "a/.ipynb_checkpoints/01.ipynb",
        "__MACOSX/a/._01.ipynb",
        "a/._01.ipynb",
        "a/notes.txt",
        "a/x.ipynb.bak",
    ):
        hand_in(tmp_path, path, "{}")
    assert found(tmp_path) == [("", "loose", ""), ("a", "01", ""), ("a", "02", ""), ("b", "01", "")]


def test_files_of_one_name_are_told_apart_by_their_path(tmp_path):
    for path in ("a/x/01.ipynb", "a/y/01.ipynb", "a/y/02.ipynb", "b/01.ipynb"):
        hand_in(tmp_path, path, "{}")
    assert found(tmp_path) == [("a", "02", ""), ("a", "x/01", ""), ("a", "y/01", ""), ("b", "01", "")]


def test_results_below_the_submissions_are_no_submissions(tmp_path):
    hand_in(tmp_path, "a/01.ipynb", "{}")
    hand_in(tmp_path, "graded/a/01.ipynb", "{}")
    assert found(tmp_path, leave_out=tmp_path / "graded") == [("a", "01", "")]


def test_links_must_stay_in_the_students_folder(tmp_path):
    root = tmp_path / "submissions"
    own = hand_in(root, "a/sub/01.ipynb", "{}")
    other = hand_in(root, "b/01.ipynb", "{}")
    outside = hand_in(tmp_path, "outside/01.ipynb", "{}")
    for name, target in {"own": own, "other": other, "outside": outside, "nowhere": root / "gone"}.items():
        (root / "a" / f"{name}.ipynb").symlink_to(target)
    (root / "a" / "loop.ipynb").symlink_to(root / "a" / "loop.ipynb")
    (root / "a" / "folder").symlink_to(tmp_path / "outside")
    refused = [("a", name, "refused") for name in ("folder", "loop", "nowhere", "other", "outside")]
    assert found(root) == [("a", "01", ""), *refused, ("a", "own", ""), ("b", "01", "")]


@pytest.mark.parametrize(
    "content, status",
    [
        (b"", "empty: the file holds nothing"),
        (b" \n", "empty: the file holds nothing"),
        (b"{", "damaged: no JSON at line 1, column 2"),
        (b"\xff\xfe", "damaged: the file is not UTF-8 text"),
        (b"[" * 100_000, "damaged: the JSON is nested too deep"),
        (b"null", "damaged: not a notebook"),
        (b"{}", "damaged: not a notebook"),
        (b'{"cells": {}}', "damaged: not a notebook"),
        (b'{"worksheets": []}', "damaged: a notebook of format 3; open it in JupyterLab and save it"),
        (b'{"cells": [{"cell_type": "code", "source": 3}]}', "damaged: a cell whose source is no text"),
        (b'{"cells": [{"cell_type": "code", "source": [3]}]}', "damaged: a cell whose source is no text"),
        (b'{"cells": [3, {"cell_type": "markdown", "source": 3}]}', "empty: no code cell"),
        (b'{"cells": [{"cell_type": "code", "source": " "}]}', "empty: no code cell"),
        (b'{"cells": [' + b"1" * 5000 + b"]}", "damaged: Exceeds the limit"),
    ],
)
def test_a_damaged_file_has_a_status(tmp_path, content, status):
    cells = read_cells(hand_in(tmp_path, "a/01.ipynb", content))
    assert cells.status.startswith(status) and not any(map(str.strip, cells.sources))


def test_what_is_no_ordinary_file_is_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe.ipynb")
    (tmp_path / "folder.ipynb").mkdir()
    assert read_cells(tmp_path / "pipe.ipynb").status == "damaged: it is no ordinary file"
    assert read_cells(tmp_path / "folder.ipynb").status.startswith("damaged: ")
    assert read_cells(tmp_path / "gone.ipynb").status == "damaged: the file cannot be read (No such file or directory)"


def test_sizes_are_limited(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_BYTES", 1 << 20)
    large = hand_in(tmp_path, "a/01.ipynb", notebook_json(["a = 1"]) + " " * (1 << 20))
    assert read_cells(large).status == "damaged: larger than 1 MB; clear the outputs and hand it in again"
    monkeypatch.setattr(notebook_files, "MAX_CELLS", 10)
    many = hand_in(tmp_path, "a/02.ipynb", notebook_json(["a = 1"] * 11))
    assert read_cells(many).status.startswith("damaged: more than 10 code cells")


def test_sources_and_name_are_read(tmp_path):
    file = hand_in(
        tmp_path, "a/x.ipynb", "\ufeff" + notebook_json(["a = 1\nb = 'ü'", "c"], {"course": {"notebook": PCA}})
    )
    assert read_cells(file)[:2] == (["a = 1\nb = 'ü'", "c"], "") and read_cells(file).metadata == PCA
    odd = hand_in(tmp_path, "a/y.ipynb", json.dumps({"cells": [{"cell_type": "code", "source": "a"}], "metadata": [1]}))
    assert read_cells(odd).metadata == ""


@pytest.mark.parametrize(
    "stem, metadata, name",
    [
        (PCA, "", PCA),
        (f"{PCA} (1)", "", PCA),
        (f"{PCA}-2", "", PCA),
        (f"{PCA}-Copy1", "", PCA),
        (f"s1234_{PCA}", "", PCA),
        (f"{PCA}_alice", "", PCA),
        (PCA.upper(), "", PCA),
        (f"{START}.final", "", START),
        ("homework", START, START),
        (PCA, START, PCA),
        (f"1{PCA}", "", None),
        ("hw3", "", None),
        ("hw3", "another", None),
        ("01_pca", "", None),
    ],
)
def test_a_notebook_is_recognised_by_name_or_metadata(stem, metadata, name):
    assert recognise(stem, metadata, [START, PCA]) == name


@pytest.mark.parametrize(
    "value, cell",
    [
        ("=1+1", "'=1+1"),
        ("+a", "'+a"),
        ("-a", "'-a"),
        ("@a", "'@a"),
        ("\ta", "'\\ta"),
        ("a\r=1", "a\\r=1"),
        ("\u202ea", "'\\u202ea"),
        ("_a", "_a"),
        ("ü", "ü"),
        ("a=1", "a=1"),
        ("", ""),
        (3, 3),
        (-3, -3),
    ],
)
def test_names_are_no_formulas(value, cell):
    assert harmless(value) == cell


@pytest.mark.whole
def test_names_that_are_no_unicode_have_rows(tmp_path):
    name = os.fsdecode(b"caf\xe9")
    hand_in(tmp_path / "submissions", f"{name}/{START}.ipynb", b"")
    assert grade_folder(tmp_path / "submissions", tmp_path / "out", seed=1, trusted=True) == 0
    assert "caf\\udce9,00_start_here,0,1,empty" in (tmp_path / "out" / "grades.csv").read_text(encoding="utf-8")
    assert (tmp_path / "out" / "feedback" / name / f"{START}.html").exists()


@pytest.fixture
def deep(tmp_path):
    """deep(n) -> a folder of a student's with n folders in each other, and a notebook in the last."""
    before, made = os.getcwd(), []

    def make(n):
        hand_in(tmp_path / "in", "deep/notes.txt", "")
        os.chdir(tmp_path / "in" / "deep")
        for _ in range(n):  # the whole path is longer than the system takes
            os.mkdir("d")
            os.chdir("d")
            made.append("d")
        hand_in(Path(), f"{START}.ipynb", solved(START))
        os.chdir(before)
        return tmp_path / "in"

    yield make
    os.chdir(tmp_path / "in" / "deep")
    for name in made:
        os.chdir(name)
    os.unlink(f"{START}.ipynb")
    for name in made:  # pytest's own way goes no deeper than Python's stack
        os.chdir("..")
        os.rmdir(name)
    os.chdir(before)


@pytest.mark.slow
def test_folders_that_are_1200_deep_cost_nobody_a_row(deep, tmp_path):
    root = deep(1200)
    hand_in(root, f"ann/{START}.ipynb", solved(START))
    assert grade_folder(root, tmp_path / "out", seed=1, isolation="plain", trusted=True) == 0
    rows = rows_of(tmp_path / "out")
    assert rows["ann", START]["points"] == "1" and len(rows) == 2
    status = next(row["status"] for (student, _), row in rows.items() if student == "deep")
    assert status == "refused: folders nested more than 50 deep"


def test_folders_in_between_may_be_many(deep, tmp_path):
    assert [(s.student, s.notebook, s.refusal) for s in find_submissions(deep(48))] == [("deep", START, "")]


@pytest.mark.slow
def test_names_as_long_as_a_file_system_takes_have_results_of_their_own(tmp_path, capsys):
    root, out, long = tmp_path / "in", tmp_path / "out", "\x1b[2J" + "x" * 245
    for student in ("ann", long, "y" * 255, "ü" * 127):
        for suffix in (".ipynb", ".IPYNB"):
            hand_in(root, f"{student}/{long}{suffix}", b"")
    hand_in(root, f"ann/{START}.ipynb", solved(START))
    assert grade_folder(root, out, seed=1, isolation="plain", trusted=True) == 0
    rows = rows_of(out)
    assert len(rows) == 9 and rows["ann", START]["points"] == "1"
    assert len(list((out / "results").rglob("*.json"))) == len(list((out / "feedback").rglob("*.html"))) == 9
    written = capsys.readouterr()
    assert "\x1b" not in written.out + written.err
    assert not any("\x1b" in path.read_text(encoding="utf-8") for path in out.rglob("*") if path.is_file())


def test_no_name_leads_to_the_result_of_another_submission(tmp_path):
    long = "x" * (LONGEST + 1)
    names = [long, "x" * LONGEST, digested(long), "a.json", digested("a.json"), "..", ".", "a", "a~0123456789abcdef"]
    places = {path_of(tmp_path, "results", student, name, ".json") for student in names[:5] for name in names}
    assert len(places) == 5 * len(names)
    assert all(tmp_path / "results" in path.resolve().parents for path in places)
    assert all(len(os.fsencode(part)) <= 255 for path in places for part in path.parts)


@pytest.mark.parametrize("part", ["file", "folder", "own link"])
def test_a_link_that_takes_a_files_place_is_not_followed(tmp_path, part):
    """A classmate's work, put in the place of one's own between listing and reading."""
    root = tmp_path / "in"
    hand_in(root, f"ann/hw/{START}.ipynb", solved(START))
    hand_in(root, f"eve/hw/{START}.ipynb", b"{}")
    if part == "own link":
        (root / "eve" / "hw" / f"{START}.ipynb").rename(root / "eve" / "mine.ipynb.bak")
        (root / "eve" / "hw" / f"{START}.ipynb").symlink_to(root / "eve" / "mine.ipynb.bak")
    eve = next(s for s in find_submissions(root) if s.student == "eve")
    assert read_cells(eve.path, eve.root).status == "damaged: not a notebook"
    if part == "folder":
        (root / "eve" / "hw").rename(root / "eve" / "away")
        (root / "eve" / "hw").symlink_to(root / "ann" / "hw")
    else:
        eve.path.unlink()
        eve.path.symlink_to(root / "ann" / "hw" / f"{START}.ipynb")
    assert read_cells(eve.path, eve.root) == ([], "refused: a link has taken its place since it was found", "", "")
    again = [(s.student, s.refusal.partition(":")[0]) for s in find_submissions(root) if s.student == "eve"]
    assert ("eve", "refused") in again


def test_a_link_that_takes_a_folders_place_while_folders_are_listed_is_not_followed(tmp_path, monkeypatch):
    root = tmp_path / "in"
    hand_in(root, f"ann/hw/{START}.ipynb", solved(START))
    hand_in(root, f"eve/hw/{START}.ipynb", b"{}")
    original = module.open_below

    def swap_first(at, parts, flags):
        if tuple(parts) == ("eve", "hw"):
            (root / "eve" / "hw").rename(root / "away")
            (root / "eve" / "hw").symlink_to(root / "ann" / "hw")
        return original(at, parts, flags)

    monkeypatch.setattr(module, "open_below", swap_first)
    assert found(root) == [("ann", START, ""), ("eve", "hw", "damaged")]


PRIVATE = """
import os, sys
os.umask(int(sys.argv[3], 8))
from course_utils.grading import grade_folder
grade_folder(sys.argv[1], sys.argv[2], seed=1, isolation="plain", trusted=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("umask", ["000", "022", "777"])
def test_results_and_seed_are_their_owners_alone(tmp_path, umask):
    hand_in(tmp_path / "in", f"ann/hw/{START}.ipynb", b"")
    hand_in(tmp_path / "in", f"ann/old/{START}.ipynb", b"")
    out = tmp_path / "new" / "out"
    if umask == "022":  # what an earlier version has left
        (out / "results" / "ann").mkdir(parents=True)
        (out / "feedback").mkdir()
        (out / "seed.json").write_text('{"seed": 1}')
    subprocess.run([sys.executable, "-c", PRIVATE, tmp_path / "in", out, umask], check=True, capture_output=True)
    modes = {str(path.relative_to(out)): path.stat().st_mode & 0o777 for path in out.rglob("*")}
    assert {modes[name] for name in ("results", "feedback")} == {0o700}
    assert {mode for name, mode in modes.items() if (out / name).is_file()} == {0o600} and "seed.json" in modes
    if umask != "022":
        assert {mode for name, mode in modes.items() if (out / name).is_dir()} == {0o700}
        assert out.stat().st_mode & 0o777 == 0o700
