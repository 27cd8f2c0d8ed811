"""Finding submissions in a folder and reading their cells. Only files, JSON and strings are handled here."""

import errno
import hashlib
import json
import os
import stat
import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from course_utils.checking.notebook_files import MAX_BYTES, code_cells
from course_utils.grading import archives
from course_utils.grading.archives import IGNORED, MAX_FOLDERS

SUFFIX = ".ipynb"
_one_at_a_time = threading.Lock()  # a hostile notebook takes twenty times its size as Python objects


class Submission(NamedTuple):
    """A notebook that somebody handed in. `refusal` says why it is not even opened.

    `path` lies below the folder `root` of all submissions, and no part of it between the two is a link. Where the file
    is an archive, `member` is the notebook's name in it. `instead_of`: archives with versions that do not count.
    """

    student: str
    notebook: str
    path: Path
    refusal: str = ""
    root: Path | None = None
    member: str = ""
    instead_of: tuple[str, ...] = ()


class Cells(NamedTuple):
    """What a submission holds: its code cells, or a `status` that says why there are none."""

    sources: list[str]
    status: str
    digest: str
    metadata: str = ""  # the name that the notebook has in its own metadata


class Found(NamedTuple):
    """A notebook below the root: its path there, as folders and a name; where it really lies, without links; and, of
    one in an archive, how many of the path's parts lead to the archive, and its name in there."""

    parts: tuple[str, ...]
    real: tuple[str, ...]
    refusal: str = ""
    archive: int = 0
    member: str = ""

    @property
    def student(self) -> str:
        """The first folder or, of an archive that lies beside the students' folders, the archive's name."""
        if self.archive == 1:
            return archives.stem(self.parts[0])
        return self.parts[0] if len(self.parts) > 1 else ""

    @property
    def name(self) -> str:
        """The notebook's name; of anything else the whole of it."""
        return self.parts[-1][: -len(SUFFIX)] if self.parts[-1].lower().endswith(SUFFIX) else self.parts[-1]

    @property
    def place(self) -> tuple[str, ...]:
        """The archive that it is in, nothing where it is in none."""
        return self.parts[: self.archive]

    @property
    def version(self) -> tuple[str, str]:
        """The same for all versions of one notebook of a student's."""
        return self.student, self.name.casefold()


def find_submissions(root: Path, leave_out: Path | None = None) -> list[Submission]:
    """Every notebook below `root`, in order of student and name.

    The student is the first folder, the notebook the file's name; where a student has several files of one name, the
    notebook is the path below the student's folder. Checkpoints and what macOS adds to archives are no submissions.
    A zip archive counts as a folder of its name, and one beside the students' folders as that of the student whose
    name it has. Of a notebook that a student has several times, by its file's name, the one outside of archives counts,
    else the one in the archive whose name comes last (`hand-in-002.zip` after `hand-in-001.zip`).
    """
    root = root.resolve()
    found = list(_walk(root, leave_out and leave_out.resolve()))
    places: dict[tuple[str, str], set[tuple[str, ...]]] = defaultdict(set)
    for one in found:
        if not one.refusal:
            places[one.version].add(one.place)
    counts = {version: () if () in where else max(where, key=archives.in_order) for version, where in places.items()}
    found = [one for one in found if one.refusal or one.place == counts[one.version]]
    same = Counter((one.student, one.name) for one in found)
    submissions: list[Submission] = []
    taken: set[tuple[str, str]] = set()
    for one in found:
        student, notebook = one.student, one.name
        if student and same[student, notebook] > 1:
            notebook = "/".join([*one.parts[one.archive != 1 : -1], notebook])
        if (student, notebook) in taken:  # x.ipynb and x.IPYNB
            notebook += Path(one.parts[-1]).suffix
        taken.add((student, notebook))
        others = (
            () if one.refusal else sorted("/".join(place[1:] or place) for place in places[one.version] - {one.place})
        )
        path = root.joinpath(*one.real)
        submissions.append(Submission(student, notebook, path, one.refusal, root, one.member, tuple(others)))
    return sorted(submissions)


def _walk(root: Path, leave_out: Path | None) -> Iterator[Found]:
    """Goes through the folders, each opened from the root anew without following a link: whoever may write there can
    put one in the place of a folder at any time."""
    waiting: list[tuple[str, ...]] = [()]
    while waiting:
        here = waiting.pop()
        try:
            descriptor = open_below(root, here, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            yield Found(here or (root.name,), here, f"damaged: the folder cannot be read ({error.strerror})")
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
                yield Found(path, path, "refused: a link to a folder; a submission must be the files themselves")
            elif is_folder and name not in IGNORED and root.joinpath(*path) != leave_out:
                if len(path) > MAX_FOLDERS:
                    yield Found(path, path, f"refused: folders nested more than {MAX_FOLDERS} deep")
                else:
                    waiting.append(path)
            if is_folder or name in to_folders or name[:2] == "._":
                continue
            if name.lower().endswith(SUFFIX):
                yield Found(path, *(_behind(path, root) if is_link else (path, "")))
            elif archives.is_archive(name):
                yield from _inside(path, root, is_link)


def _inside(path: tuple[str, ...], root: Path, is_link: bool) -> Iterator[Found]:
    """The notebooks in an archive; the archive itself where it is not opened."""
    real, refusal = _behind(path, root) if is_link else (path, "")
    if not refusal and not path[-1].lower().endswith(".zip"):
        refusal = "refused: no zip archive; only these are opened"
    members: list[archives.Member] = []
    if not refusal:
        try:
            with open(open_below(root, real, os.O_RDONLY), "rb") as file:
                members = archives.notebooks_in(file)
        except archives.ArchiveError as error:
            refusal = str(error)
        except OSError as error:
            refusal = f"damaged: the file cannot be read ({error.strerror or error})"
    if refusal:
        yield Found(path, real, refusal, len(path))
        return
    for member in members:
        yield Found((*path, *member.parts), real, member.refusal, len(path), member.name)


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


def cells_of(submission: Submission) -> Cells:
    """What a submission holds, or why it is not even opened."""
    if submission.refusal:
        return Cells([], submission.refusal, "")
    return read_cells(submission.path, submission.root, submission.member)


def read_cells(path: Path, root: Path | None = None, member: str = "") -> Cells:
    """The code cells of a notebook; a status that begins with "damaged", "empty" or "refused" where there are none.

    No part of the path below `root` may be a link (without a root: the file itself may be none). With `member`, the
    path is an archive's, and the notebook the one of this name in it.
    """
    root = path.parent if root is None else root
    try:
        descriptor = open_below(root, path.relative_to(root).parts, os.O_RDONLY)
        content = _read_member(descriptor, member) if member else _read(descriptor)
    except archives.ArchiveError as error:
        return Cells([], str(error), "")
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


def _read_member(descriptor, member):
    with open(descriptor, "rb") as file:
        content = archives.read_member(file, member, MAX_BYTES + 1)
    return _bounded(content)


def _read(descriptor):
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("it is no ordinary file")
        return _bounded(file.read(MAX_BYTES + 1))


def _bounded(content):
    if len(content) > MAX_BYTES:
        raise ValueError(f"larger than {MAX_BYTES >> 20} MB; clear the outputs and hand it in again")
    return content
