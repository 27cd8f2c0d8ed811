"""Finding submissions in a folder and reading their cells. Only files, JSON and strings are handled here."""

import errno
import hashlib
import json
import os
import re
import stat
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

MAX_BYTES, MAX_CELLS, MAX_SOURCE = 32 << 20, 5_000, 2_000_000
MAX_FOLDERS = 50  # between the folder of all submissions and a notebook
_one_at_a_time = threading.Lock()  # a hostile notebook takes twenty times its size as Python objects


class Submission(NamedTuple):
    """A notebook that somebody handed in. `refusal` says why it is not even opened.

    `path` lies below the folder `root` of all submissions, and no part of it between the two is a link.
    """

    student: str
    notebook: str
    path: Path
    refusal: str = ""
    root: Path | None = None


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
    names = [Path(*parts).with_suffix("") for parts, *_ in found]
    same = Counter((parts[0], parts[-1]) for parts in (name.parts for name in names) if len(parts) > 1)
    submissions: list[Submission] = []
    taken: set[tuple[str, str]] = set()
    for (parts, real, refusal), name in zip(found, names):
        student = name.parts[0] if len(name.parts) > 1 else ""
        alone = not student or same[student, name.name] == 1
        notebook = name.name if alone else "/".join(name.parts[1:])
        if (student, notebook) in taken:  # x.ipynb and x.IPYNB
            notebook += Path(parts[-1]).suffix
        taken.add((student, notebook))
        submissions.append(Submission(student, notebook, root.joinpath(*real), refusal, root))
    return sorted(submissions)


Found = tuple[tuple[str, ...], tuple[str, ...], str]  # path below the root, the same without links, refusal


def _walk(root: Path, leave_out: Path | None) -> Iterator[Found]:
    """Goes through the folders, each opened from the root anew without following a link: whoever may write there can
    put one in the place of a folder at any time."""
    waiting: list[tuple[str, ...]] = [()]
    while waiting:
        here = waiting.pop()
        try:
            descriptor = open_below(root, here, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            yield here or (root.name,), here, f"damaged: the folder cannot be read ({error.strerror})"
            continue
        try:
            with os.scandir(descriptor) as entries:
                kinds = {entry.name: (entry.is_dir(follow_symlinks=False), entry.is_symlink()) for entry in entries}
            to_folders = {name for name, (_, link) in kinds.items() if link and _leads_to_folder(name, descriptor)}
        finally:
            os.close(descriptor)
        for name, (is_folder, is_link) in sorted(kinds.items(), reverse=True):
            path = (*here, name)
            if name in to_folders:
                yield path, path, "refused: a link to a folder; a submission must be the files themselves"
            elif is_folder and name not in (".ipynb_checkpoints", "__MACOSX") and root.joinpath(*path) != leave_out:
                if len(path) > MAX_FOLDERS:
                    yield path, path, f"refused: folders nested more than {MAX_FOLDERS} deep"
                else:
                    waiting.append(path)
            if not is_folder and name not in to_folders and name.lower().endswith(".ipynb") and name[:2] != "._":
                yield path, *(_behind(path, root) if is_link else (path, ""))


def _leads_to_folder(name: str, folder: int) -> bool:
    try:
        return stat.S_ISDIR(os.stat(name, dir_fd=folder).st_mode)
    except OSError:
        return False


def _behind(path: tuple[str, ...], root: Path) -> tuple[tuple[str, ...], str]:
    """What a link stands for, and why it is not followed, "" where it may be: it must stay in the student's folder."""
    own = root / path[0] if len(path) > 1 else root
    try:
        target = root.joinpath(*path).resolve(strict=True)
    except (OSError, RuntimeError):
        return path, "refused: a link that leads nowhere"
    if not target.is_relative_to(own):
        return path, "refused: a link that leads out of the student's folder"
    return target.relative_to(root).parts, ""


def open_below(root: Path, parts: Iterable[str], flags: int) -> int:
    """A descriptor of root/part/part...: each part is opened in the folder before it, and none of them may be a link.

    OSError where one is: ELOOP, or ENOTDIR for a link in a folder's place.
    """
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    parts = tuple(parts)
    for i, part in enumerate(parts):
        folder, last = descriptor, i == len(parts) - 1
        try:
            how = flags if last else os.O_RDONLY | os.O_DIRECTORY
            descriptor = os.open(part, how | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)  # a FIFO makes nobody wait
        finally:
            os.close(folder)
    return descriptor


def read_cells(path: Path, root: Path | None = None) -> Cells:
    """The code cells of a notebook; a status that begins with "damaged", "empty" or "refused" where there are none.

    No part of the path below `root` may be a link (without a root: the file itself may be none).
    """
    root = path.parent if root is None else root
    try:
        content = _read(open_below(root, path.relative_to(root).parts, os.O_RDONLY))
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            return Cells([], "refused: a link has taken its place since it was found", "")
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


def _read(descriptor):
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("it is no ordinary file")
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError(f"larger than {MAX_BYTES >> 20} MB; clear the outputs and hand it in again")
    return content


def code_cells(notebook: Any) -> tuple[list[str], str]:
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
