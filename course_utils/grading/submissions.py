"""Finding submissions in a folder and reading their cells. Only files, JSON and strings are handled here."""

import hashlib
import json
import os
import re
import stat
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

MAX_BYTES, MAX_CELLS, MAX_SOURCE = 32 << 20, 5_000, 2_000_000
_one_at_a_time = threading.Lock()  # a hostile notebook takes twenty times its size as Python objects


class Submission(NamedTuple):
    """A notebook that somebody handed in. `refusal` says why it is not even opened."""

    student: str
    notebook: str
    path: Path
    refusal: str = ""


class Cells(NamedTuple):
    """What a submission holds: its code cells, or a `status` that says why there are none."""

    sources: list[str]
    status: str
    digest: str
    metadata: str = ""  # the name that the notebook has in its own metadata


def find_submissions(root: Path, leave_out: Path | None = None) -> list[Submission]:
    """Every notebook below `root`, in order of student and name.

    The student is the first folder, the notebook the file's name; where a student has several files of one name, the
    notebook is the path below the student's folder. Checkpoints and what macOS adds to archives are no submissions.
    """
    root = root.resolve()
    found = list(_walk(root, leave_out and leave_out.resolve()))
    relative = [path.relative_to(root).with_suffix("") for path, _ in found]
    same = Counter((parts[0], parts[-1]) for parts in (path.parts for path in relative) if len(parts) > 1)
    submissions = []
    for (path, refusal), name in zip(found, relative):
        if len(name.parts) == 1:
            submissions.append(Submission("", name.name, path, refusal))
        else:
            alone = same[name.parts[0], name.name] == 1
            notebook = name.name if alone else "/".join(name.parts[1:])
            if any(s.student == name.parts[0] and s.notebook == notebook for s in submissions):  # x.ipynb and x.IPYNB
                notebook += path.suffix
            submissions.append(Submission(name.parts[0], notebook, path, refusal))
    return sorted(submissions)


def _walk(root, leave_out) -> Iterator[tuple[Path, str]]:
    def unreadable(error):
        refused.append((Path(error.filename), f"damaged: the folder cannot be read ({error.strerror})"))

    refused: list[tuple[Path, str]] = []
    for folder, folders, files in os.walk(root, onerror=unreadable):
        here = Path(folder)
        for name in sorted(folders):
            if os.path.islink(here / name):  # os.walk does not follow it
                refused.append((here / name, "refused: a link to a folder; a submission must be the files themselves"))
        folders[:] = sorted(
            name for name in folders if name not in (".ipynb_checkpoints", "__MACOSX") and here / name != leave_out
        )
        for name in sorted(files):
            if name.lower().endswith(".ipynb") and not name.startswith("._"):
                yield here / name, _link_refusal(here / name, root)
    yield from refused


def _link_refusal(path, root):
    """Why a link is not followed, "" where it may be: it must stay in the student's own folder."""
    if not path.is_symlink():
        return ""
    parts = path.relative_to(root).parts
    own = root / parts[0] if len(parts) > 1 else root
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError):
        return "refused: a link that leads nowhere"
    return "" if target.is_relative_to(own) else "refused: a link that leads out of the student's folder"


def read_cells(path: Path) -> Cells:
    """The code cells of a notebook; a status that begins with "damaged" or "empty" where there are none."""
    try:
        content = _read(path)
    except OSError as error:
        return Cells([], f"damaged: the file cannot be read ({error.strerror or error})", "")
    except ValueError as error:
        return Cells([], f"damaged: {error}", "")
    digest = hashlib.sha256(content).hexdigest()
    if not content.strip():
        return Cells([], "empty: the file holds nothing", digest)
    try:
        with _one_at_a_time:
            sources, metadata = code_cells(json.loads(content.decode("utf-8-sig")))
    except UnicodeDecodeError:
        return Cells([], "damaged: the file is not UTF-8 text", digest)
    except json.JSONDecodeError as error:
        return Cells([], f"damaged: no JSON at line {error.lineno}, column {error.colno}", digest)
    except (RecursionError, MemoryError):
        return Cells([], "damaged: the JSON is nested too deep", digest)
    except ValueError as error:
        return Cells([], f"damaged: {error}"[:200], digest)
    return Cells(sources, "" if any(map(str.strip, sources)) else "empty: no code cell", digest, metadata)


def _read(path):
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))  # a FIFO must not make us wait
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("it is no ordinary file")
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError(f"larger than {MAX_BYTES >> 20} MB; clear the outputs and hand it in again")
    return content


def code_cells(notebook) -> tuple[list[str], str]:
    """Sources of the code cells of a notebook's JSON, and its name in the metadata; ValueError where it is none."""
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        old = isinstance(notebook, dict) and "worksheets" in notebook
        raise ValueError("a notebook of format 3; open it in JupyterLab and save it" if old else "not a notebook")
    sources = []
    for cell in notebook["cells"]:
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            source = cell.get("source", "")
            if isinstance(source, list) and all(isinstance(line, str) for line in source):
                source = "".join(source)
            if not isinstance(source, str):
                raise ValueError("a cell whose source is no text")
            sources.append(source)
    if len(sources) > MAX_CELLS or sum(map(len, sources)) > MAX_SOURCE:
        raise ValueError(f"more than {MAX_CELLS} code cells or {MAX_SOURCE} characters of code")
    metadata = notebook.get("metadata")
    course = metadata.get("course") if isinstance(metadata, dict) else None
    name = course.get("notebook") if isinstance(course, dict) else None
    return sources, name if isinstance(name, str) else ""


def recognise(stem: str, metadata: str, known: list[str]) -> str | None:
    """The course notebook that a file is: by its name, also with a prefix or suffix, else by its metadata."""
    for name in sorted(known, key=len, reverse=True):
        if re.search(rf"(?<![0-9A-Za-z]){re.escape(name)}(?![0-9A-Za-z])", stem, re.IGNORECASE):
            return name
    return metadata if metadata in known else None
