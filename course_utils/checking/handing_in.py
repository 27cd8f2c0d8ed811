"""One archive of all that a student hands in: notebooks and progress, with a list of what is there and what is missing.

It needs plain files alone, so that it works in a browser, too.
"""

import ast
import json
import os
import re
import sys
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

from course_utils.checking.notebook_files import MAX_BYTES, code_cells, recognise
from course_utils.checking.progress_file import progress_path
from course_utils.checking.repairs import parsed
from course_utils.checking.report import AMISS, CARD, FINE, GAP, show
from course_utils.checking.zips import zipped
from course_utils.exercises import all_exercises, exercises_of

NAME = re.compile(r"hand-in-(\d+)\.zip")
CONTENTS, PROGRESS = "CONTENTS.txt", "course_progress.json"  # in the archive, beside the notebooks
SAVE = "save the notebook (Ctrl+S, or Cmd+S on a Mac) and hand in again"


def hand_in() -> None:
    """Writes hand-in-001.zip beside the notebooks, or the next number, and shows what is in it and what is missing.

    Nothing is ever overwritten; where nothing has changed since the last archive, that one stays the last.
    """
    show(pack(Path.cwd(), progress_path(), cells_that_ran()))


def cells_that_ran() -> list[str]:
    """The sources of the cells that this kernel has run, in order; none outside of a notebook."""
    try:
        from IPython import get_ipython
    except ImportError:
        return []
    shell = get_ipython()
    return [text for text in shell.user_ns.get("In", []) if isinstance(text, str)] if shell else []


class NotebookFile(NamedTuple):
    """A notebook as it lies in the folder. `notebook` is the course's that it is, "" for another; `fault` says why its
    cells cannot be read."""

    name: str
    content: bytes
    notebook: str
    cells: list[str]
    fault: str


def place_of(path: Path) -> str:
    """A sentence on where the archive is found; in a browser a folder's name means nothing."""
    if sys.platform != "emscripten":
        return f"It lies beside your notebooks, in {path.parent}."
    return (
        "This page offers to download it, and so does the course's start page. In JupyterLab it is in the file browser "
        "at the left: a click on it with the right button has Download."
    )


class HandIn:
    """What has been written: the archive's path, whether it was there already, what is in it, and what is amiss."""

    def __init__(self, path: Path, old: bool, size: int, inside: Sequence[str], amiss: Sequence[str]):
        self.path, self.inside, self.amiss = path, inside, amiss
        state = "Nothing has changed since" if old else "Written:"
        self.headline = f"{state} {path.name} ({size / 1e6:.1f} MB)."
        self.where = f"Hand in this one file, as it is. {place_of(path)}"
        self.look = "Look at this first:" if amiss else "Nothing is missing."

    def __repr__(self):
        lines = [self.headline, self.where, "It holds:", *(f"  {line}" for line in self.inside), self.look]
        return "\n".join([*lines, *(f"  {line}" for line in self.amiss)])

    def _repr_html_(self):
        rows = lambda lines: "".join(f"<li>{escape(line)}</li>" for line in lines)  # noqa: E731
        listed = f"<ul style='margin:.2em 0'>{rows(self.amiss)}</ul>" if self.amiss else ""
        return (
            f"<div role='status' style='border-left:5px solid {AMISS if self.amiss else FINE};{CARD}'>"
            f"<strong>{escape(self.headline)}</strong><div style='{GAP}'>{escape(self.where)}</div>"
            f"<div style='{GAP}'>{escape(self.look)}{listed}</div>"
            f"<details style='{GAP}'><summary style='cursor:pointer'>What it holds</summary>"
            f"<ul style='margin:.2em 0'>{rows(self.inside)}</ul></details></div>"
        )


def pack(folder: Path, progress: Path, ran: Iterable[str] = ()) -> HandIn:
    """Writes the archive of the notebooks in `folder` and of the progress file; `ran`: cells that the kernel has run.

    FileNotFoundError where there is no notebook; OSError where the archive cannot be written. A file that cannot be
    read is left out, and that is said.
    """
    files, amiss = notebook_files(folder)
    if not files:
        why = "; ".join(amiss) or f"{folder} holds no notebook (*.ipynb)"
        raise FileNotFoundError(f"nothing to hand in: {why}")
    try:
        noted = progress.read_bytes()
    except FileNotFoundError:
        noted = b""
    except OSError as error:
        noted = b""
        amiss.append(f"your progress file {progress} cannot be read ({error.strerror}); it is not in the archive")
    solved = solved_in(noted)
    inside = [contents_of(file, solved) for file in files]
    inside.append(f"{PROGRESS}: {len(solved)} exercises passed" if noted else "no progress file: nothing was checked")
    amiss += missing(files, solved, list(ran))
    text = in_unicode("\n".join([*inside, ""]))
    entries = {CONTENTS: text.encode(errors="replace"), **({PROGRESS: noted} if noted else {})}
    content = zipped(entries | {in_unicode(file.name): file.content for file in files})
    path, old = write_next(folder, content)
    return HandIn(path, old, len(content), inside, amiss)


def notebook_files(folder: Path) -> tuple[list[NotebookFile], list[str]]:
    """The notebooks in a folder by name, and sentences on those that cannot be read."""
    known = sorted({exercise.notebook for exercise in all_exercises().values()})
    files, amiss = [], []
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.name.startswith("."):
            below = sorted(f"{path.name}/{inner.name}" for inner in path.glob("*.ipynb"))
            amiss += [f"not in the archive, since they lie in a folder of their own: {', '.join(below)}"] * bool(below)
        if path.suffix.lower() != ".ipynb" or path.name.startswith(".") or path.is_dir():
            continue
        if not path.is_file():
            amiss.append(f"{path.name} is no ordinary file; it is not in the archive")
            continue
        try:
            content = path.read_bytes()
        except OSError as error:
            amiss.append(f"{path.name} cannot be read ({error.strerror}); it is not in the archive")
            continue
        try:
            (cells, own), fault = code_cells(json.loads(content.decode("utf-8-sig"))), ""
        except (ValueError, RecursionError, MemoryError):
            cells, own, fault = [], "", "it is damaged, and no grader can read it"
        if len(content) > MAX_BYTES:
            fault = f"it is larger than {MAX_BYTES >> 20} MB, which is not graded: clear its outputs and save it"
        files.append(NotebookFile(path.name, content, recognise(path.stem, own, known) or "", cells, fault))
    return files, amiss


def solved_in(progress: bytes) -> set[str]:
    """The exercises that a progress file says were passed; none where it is damaged."""
    try:
        return set(json.loads(progress)["solved"]) & set(all_exercises()) if progress else set()
    except (ValueError, KeyError, TypeError, RecursionError):
        return set()


def contents_of(file: NotebookFile, solved: set[str]) -> str:
    """One line: the file, and how far its exercises are."""
    if file.fault:
        return f"{file.name}: {file.fault}"
    names = list(exercises_of(file.notebook))
    if not names:
        return f"{file.name}: no notebook with exercises"
    tried = [name for name in names if name not in solved and answer_in(file.cells, name)]
    without = [name for name in names if name not in solved and not answer_in(file.cells, name)]
    parts = [f"{sum(name in solved for name in names)} of {len(names)} exercises passed"]
    parts += [f"answered, but not passed: {', '.join(tried)}"] * bool(tried)
    parts += [f"without an answer: {', '.join(without)}"] * bool(without)
    return f"{file.name}: {'; '.join(parts)}"


def missing(files: Sequence[NotebookFile], solved: set[str], ran: Sequence[str]) -> list[str]:
    """Sentences on what should be looked at before this is handed in."""
    found = [f"{file.name}: {file.fault}" for file in files if file.fault]
    by_notebook: dict[str, list[NotebookFile]] = {}
    for file in files:
        by_notebook.setdefault(file.notebook, []).append(file)
    absent, empty = [], []
    for notebook in dict.fromkeys(exercise.notebook for exercise in all_exercises().values()):
        mine = [file for file in by_notebook.get(notebook, []) if not file.fault]
        names = list(exercises_of(notebook))
        if notebook not in by_notebook:
            absent.append(notebook)
            continue
        if len(by_notebook[notebook]) > 1:
            copies = ", ".join(file.name for file in by_notebook[notebook])
            found.append(f"{copies} are one notebook several times; keep the one that you want to be graded")
        answers = {name: [answer_in(file.cells, name) for file in mine] for name in names}
        for name in names if mine else ():
            newest = answer_in(ran, name)
            if newest and newest not in answers[name]:
                found.append(f"{mine[0].name} lacks the {name} that you ran last: {SAVE}")
            elif name in solved and not any(answers[name]):
                found.append(f"{name} passed, but {mine[0].name} holds no answer to it: {SAVE}")
        if mine and not any(map(any, answers.values())):
            empty.append(mine[0].name)
    found += [f"without any answer: {', '.join(empty)}"] * bool(empty)
    found += [f"not in this folder: {', '.join(absent)}"] * bool(absent)
    return found


def answer_in(cells: Sequence[str], name: str) -> str:
    """The source of the last function of this name in some cells, or of what it was set to; "" where that is only the
    task's own, which raises NotImplementedError."""
    for cell in reversed(cells):
        tree = parsed(cell) if name in cell else None
        for node in reversed(tree.body if tree else []):
            if isinstance(node, ast.FunctionDef) and node.name == name:
                return "" if _is_open(node) else ast.get_source_segment(cell, node) or ""
            if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
                value = ast.get_source_segment(cell, node.value) or ""
                if not value.startswith("check("):
                    return value
    return ""


def _is_open(function: ast.FunctionDef) -> bool:
    """Whether the task's own NotImplementedError comes before anything is returned."""
    returns = [node.lineno for node in function.body if isinstance(node, ast.Return)]
    raises = [
        node.lineno for node in ast.walk(function) if isinstance(node, ast.Raise) and "NotImplemented" in ast.dump(node)
    ]
    return bool(raises) and min(raises) < min(returns, default=raises[0] + 1)


def in_unicode(name: str) -> str:
    """The name, with %FC in place of a byte that is no UTF-8, as it may be in a file's name."""
    return "".join(f"%{ord(c) - 0xDC00:02X}" if 0xDC80 <= ord(c) <= 0xDCFF else c for c in name)


def write_next(folder: Path, content: bytes) -> tuple[Path, bool]:
    """(the archive's path, whether it was there): the last one where it holds the same, else the next number.

    OSError where it cannot be written whole; no part of it stays.
    """
    numbers = {int(match[1]): path for path in folder.iterdir() if (match := NAME.fullmatch(path.name))}
    last = max(numbers, default=0)
    if last and numbers[last].is_file() and numbers[last].read_bytes() == content:
        return numbers[last], True
    while True:
        last += 1
        path = folder / f"hand-in-{last:03}.zip"
        try:
            file = open(path, "xb")  # never what is there  # noqa: SIM115
        except FileExistsError:
            continue
        break
    try:
        with file:
            file.write(content)
        if path.read_bytes() != content:  # a browser's storage may be full and not say so
            raise OSError(f"{path} could not be written whole; is the disk or the browser's storage full?")
        os.chmod(path, 0o600)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path, False
