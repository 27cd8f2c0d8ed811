"""Finding submissions and reading their cells, however odd the folder."""

import json
import os

import pytest
from grading_corpus import PCA, START, hand_in, notebook_json

from course_utils.grading import grade_folder
from course_utils.grading import submissions as module
from course_utils.grading.results import harmless
from course_utils.grading.submissions import find_submissions, read_cells, recognise


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
    monkeypatch.setattr(module, "MAX_CELLS", 10)
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


def test_names_that_are_no_unicode_have_rows(tmp_path):
    name = os.fsdecode(b"caf\xe9")
    hand_in(tmp_path / "submissions", f"{name}/{START}.ipynb", b"")
    assert grade_folder(tmp_path / "submissions", tmp_path / "out", seed=1, trusted=True) == 0
    assert "caf\\udce9,00_start_here,0,1,empty" in (tmp_path / "out" / "grades.csv").read_text(encoding="utf-8")
    assert (tmp_path / "out" / "feedback" / name / f"{START}.html").exists()
