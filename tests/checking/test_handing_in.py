"""What a student hands in: all of it, in one archive that overwrites nothing and says what is missing."""

import json
import os
import stat
import subprocess
import threading
import zipfile
from pathlib import Path

import pytest
from grading_corpus import ANSWERS, PCA, START, notebook_json

from course_utils.checking import hand_in
from course_utils.checking import handing_in as module
from course_utils.checking.handing_in import CONTENTS, PROGRESS, answer_in, pack

STUB = 'def {}(*args):\n    """What is asked."""\n    raise NotImplementedError("your answer goes here")'
RIGHT = ANSWERS["log_mean_exp"].strip()


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder with two notebooks, as kernels see it: one answer in the first, none in the second."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COURSE_PROGRESS", raising=False)
    write(tmp_path / f"{START}.ipynb", [RIGHT, "log_mean_exp = check(log_mean_exp)"])
    write(tmp_path / f"{PCA}.ipynb", [STUB.format("pca_fit"), STUB.format("pca_encode")])
    return tmp_path


def write(path, cells):
    path.write_text(notebook_json(cells), encoding="utf-8")
    return path


def progress(folder, *solved):
    text = json.dumps({"solved": dict.fromkeys(solved, 1), "hints": {}})
    (folder / ".course_progress.json").write_text(text)
    return folder / ".course_progress.json"


def packed(folder, ran=()):
    return pack(folder, folder / ".course_progress.json", ran)


def test_the_archive_holds_notebooks_and_progress_byte_for_byte_and_says_so(folder, capsys):
    noted = progress(folder, "log_mean_exp")
    hand_in()
    said = capsys.readouterr().out
    with zipfile.ZipFile(folder / "hand-in-001.zip") as archive:
        assert archive.namelist() == [CONTENTS, PROGRESS, f"{START}.ipynb", f"{PCA}.ipynb"]
        for name in (START, PCA):
            assert archive.read(f"{name}.ipynb") == (folder / f"{name}.ipynb").read_bytes()
        assert archive.read(PROGRESS) == noted.read_bytes()
        contents = archive.read(CONTENTS).decode().splitlines()
    assert contents[0] == f"{START}.ipynb: 1 of 1 exercises passed"
    assert contents[1].startswith(f"{PCA}.ipynb: 0 of 9 exercises passed; without an answer: pca_fit, pca_encode")
    assert contents[2] == f"{PROGRESS}: 1 exercises passed"
    assert all(line in said for line in contents)
    assert f"without any answer: {PCA}.ipynb" in said and "not in this folder: 02_deep_autoencoders" in said


def test_nothing_is_overwritten_and_the_same_work_is_the_same_archive(folder):
    (folder / "hand-in-007.zip").write_bytes(b"of somebody else")
    first = packed(folder)
    for path in folder.iterdir():
        os.utime(path, (1, 1))  # later or earlier, it is the same
    again = packed(folder)
    assert first.path.name == again.path.name == "hand-in-008.zip" and "Nothing has changed" in repr(again)
    before = first.path.read_bytes()
    write(folder / f"{PCA}.ipynb", [ANSWERS["pca_fit"]])
    assert packed(folder).path.name == "hand-in-009.zip"
    assert first.path.read_bytes() == before and (folder / "hand-in-007.zip").read_bytes() == b"of somebody else"
    assert stat.S_IMODE(first.path.stat().st_mode) == 0o600


def test_where_it_lies_is_said_and_in_a_browser_where_it_is_found(folder, monkeypatch):
    assert f"It lies beside your notebooks, in {folder}." in repr(packed(folder))
    monkeypatch.setattr(module.sys, "platform", "emscripten")
    said = repr(packed(folder))
    assert str(folder) not in said and "start page" in said and "file browser at the left" in said


def test_two_at_a_time_take_two_names(folder, monkeypatch):
    (folder / "hand-in-001.zip").write_bytes(b"written since the folder was listed")
    monkeypatch.setattr(module.Path, "iterdir", lambda self: iter(()))
    assert module.write_next(folder, b"mine") == (folder / "hand-in-002.zip", False)
    assert (folder / "hand-in-001.zip").read_bytes() == b"written since the folder was listed"


def test_what_cannot_be_written_whole_is_not_left_behind(folder, monkeypatch):
    """As in a browser whose storage is full, where writing may seem to succeed."""
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: read(path)[: 10 if path.suffix == ".zip" else None])
    with pytest.raises(OSError, match=r"hand-in-001.zip could not be written whole; is the disk .* full"):
        packed(folder)
    assert sorted(path.suffix for path in folder.iterdir()) == [".ipynb", ".ipynb"]


def test_answers_that_are_not_saved_are_named(folder):
    progress(folder, "pca_fit", "log_mean_exp")
    newer = RIGHT.replace("m = np.max(a)", "m = a.max()")
    amiss = packed(folder, ran=["import numpy as np", RIGHT, newer, STUB.format("pca_encode")]).amiss
    assert any(f"{START}.ipynb lacks the log_mean_exp that you ran last: save" in line for line in amiss)
    assert any(f"pca_fit passed, but {PCA}.ipynb holds no answer to it: save" in line for line in amiss)
    assert not any("pca_encode" in line for line in amiss)
    write(folder / f"{START}.ipynb", [newer])
    write(folder / f"{PCA}.ipynb", [ANSWERS["pca_fit"]])
    assert not any("save" in line for line in packed(folder, ran=[RIGHT, newer]).amiss)


def test_cells_that_ran_are_the_kernels(monkeypatch):
    import IPython

    shell = type("Shell", (), {"user_ns": {"In": ["", "a = 1"]}})
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    assert module.cells_that_ran() == ["", "a = 1"]


@pytest.mark.parametrize(
    "cells, answer",
    [
        (["def f(x):\n    return x"], "def f(x):\n    return x"),
        (["def f(x):\n    y = 1\n    raise NotImplementedError\n    return y"], ""),
        (
            ["def f(x):\n    return x\n    raise NotImplementedError"],
            "def f(x):\n    return x\n    raise NotImplementedError",
        ),
        (["def f(x):\n    raise NotImplementedError"], ""),
        (["f = lambda x: x", "f = check(f)"], "lambda x: x"),
        (["def f(x):\n    return 1", "def f(x):\n    return 2"], "def f(x):\n    return 2"),
        (["def g(f):\n    return f(1)", "def f(x"], ""),
    ],
)
def test_an_answer_is_the_last_function_that_is_not_the_tasks_own(cells, answer):
    assert answer_in(cells, "f") == answer


def test_damaged_large_and_double_notebooks_are_packed_and_told(folder, monkeypatch):
    (folder / "03_observation_model.ipynb").write_text("{")
    write(folder / f"{START} (1).ipynb", [RIGHT])
    write(folder / "own.ipynb", ["a = 1"])
    os.mkfifo(folder / "pipe.ipynb")
    (folder / "gone.ipynb").symlink_to(folder / "nowhere")
    (folder / "mine").mkdir()
    write(folder / "mine" / "x.ipynb", [])
    (folder / ".course_progress.json").write_text("{")
    monkeypatch.setattr(module, "MAX_BYTES", (folder / f"{START}.ipynb").stat().st_size - 1)
    write(folder / f"{PCA}.ipynb", [])
    done = packed(folder)
    names = zipfile.ZipFile(done.path).namelist()
    assert sorted(names) == sorted([CONTENTS, PROGRESS, "own.ipynb", *(path.name for path in folder.glob("0*.ipynb"))])
    said = "\n".join(done.amiss)
    assert "03_observation_model.ipynb: it is damaged" in said and f"{START}.ipynb: it is larger than" in said
    assert f"{START} (1).ipynb, {START}.ipynb are one notebook several times" in said
    assert "pipe.ipynb is no ordinary file" in said and "gone.ipynb is no ordinary file" in said
    assert "mine/x.ipynb" in said
    assert (folder / ".course_progress.json").read_text() == "{"  # where it was


def test_a_name_that_is_no_unicode_is_packed(folder):
    path = os.fsdecode(os.fsencode(folder) + b"/m\xfcller.ipynb")
    write(Path(path), [])
    assert "m%FCller.ipynb" in zipfile.ZipFile(packed(folder).path).namelist()


def test_without_a_notebook_there_is_no_archive(folder):
    for path in folder.glob("*.ipynb"):
        path.unlink()
    with pytest.raises(FileNotFoundError, match="nothing to hand in: .* holds no notebook"):
        packed(folder)
    assert not list(folder.iterdir())


def test_it_works_where_no_process_and_no_thread_can_be_started(folder, monkeypatch):
    """As in a browser."""

    def refuse(*_, **__):
        raise RuntimeError("not here")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    monkeypatch.setattr(os, "fork", refuse)
    hand_in()
    assert (folder / "hand-in-001.zip").is_file()


def test_the_report_escapes_what_files_are_called(folder):
    write(folder / "<b>.ipynb", [])
    page = packed(folder)._repr_html_()
    assert "&lt;b&gt;.ipynb" in page and "<b>" not in page and "role='status'" in page
