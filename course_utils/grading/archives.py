"""Notebooks in a zip archive that somebody handed in. Nothing is ever unpacked to disk: names are looked at, and single
notebooks are read into memory, within limits that hold whatever the archive says of itself."""

import contextlib
import os
import re
import stat
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Generator, Iterable
from typing import Any, BinaryIO, NamedTuple

from course_utils.checking.notebook_files import MAX_BYTES

MAX_ARCHIVE, MAX_DIRECTORY = 256 << 20, 1 << 20  # bytes: of the file, and of its list of contents
MAX_ENTRIES, MAX_NOTEBOOKS = 2_000, 200
MAX_UNPACKED, MAX_RATIO = 256 << 20, 200  # of all notebooks: bytes, and how many times the size of what they come from
MAX_FOLDERS = 50  # that lie within each other
MAX_NAME = 1_000  # characters of a name with its folders; each part may have 255 bytes
IGNORED = (".ipynb_checkpoints", "__MACOSX")  # folders that Jupyter and macOS add
ARCHIVE = re.compile(r"\.(?:zip|7z|rar|tgz|tar(?:\.\w{1,4})?)$", re.IGNORECASE)
RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)  # devices of Windows
ENCRYPTED, UTF8 = 0x1, 0x800  # bits of an entry's flags
CHANGED = "damaged: the archive has changed since it was listed"


class ArchiveError(ValueError):
    """Why an archive, or a notebook in it, is not read: a status that begins with "damaged", "empty" or "refused"."""


class Member(NamedTuple):
    """A notebook in an archive: folders and name as they are shown, its name as it stands there, why it is not read."""

    parts: tuple[str, ...]
    name: str
    refusal: str = ""


def is_archive(name: str) -> bool:
    """Whether a file is an archive, by its name; only zip archives are opened."""
    return bool(ARCHIVE.search(name))


def stem(name: str) -> str:
    """The name of an archive without what says that it is one."""
    return ARCHIVE.sub("", name)


def in_order(parts: Iterable[str]) -> list:
    """A key that sorts paths by name, numbers in them by their value: work-2.zip before work-10.zip."""
    return [int(text) if text.isdigit() else text for text in re.split(r"([0-9]+)", "/".join(parts))]


def notebooks_in(file: BinaryIO) -> list[Member]:
    """The notebooks in an open zip archive, and what is in their place where one is refused; ArchiveError where the
    archive as a whole is."""
    with _opened(file) as archive:
        return [member for member, _ in _members(archive)]


def read_member(file: BinaryIO, name: str, most: int) -> bytes:
    """The first `most` bytes of the notebook that the archive has under this name; ArchiveError where it cannot be."""
    with _opened(file) as archive:
        member, info = next(((member, info) for member, info in _members(archive) if member.name == name), (None, None))
        if member is None or info is None:
            raise ArchiveError(CHANGED)
        if member.refusal:
            raise ArchiveError(member.refusal)
        try:
            with archive.open(info) as content:
                return content.read(most)
        except Exception:  # zipfile raises a dozen kinds of errors over bytes that are wrong
            raise ArchiveError("damaged: the notebook cannot be unpacked; its archive is torn or altered") from None


class _Budget:
    """A file of which only so many bytes can be read: the list of contents is as long as the archive says."""

    def __init__(self, file: BinaryIO, left: int):
        self.file, self.left = file, left
        self.seek, self.tell, self.seekable, self.close = file.seek, file.tell, file.seekable, lambda: None

    def read(self, count: int = -1) -> bytes:
        if count > self.left:
            raise ArchiveError("refused: the archive's list of contents is too long")
        content = self.file.read(self.left + 1 if count < 0 else count)
        self.left -= len(content)
        if self.left < 0:
            raise ArchiveError("refused: the archive's list of contents is too long")
        return content


@contextlib.contextmanager
def _opened(file: BinaryIO) -> Generator[zipfile.ZipFile]:
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        raise ArchiveError("damaged: it is no ordinary file")
    if not status.st_size:
        raise ArchiveError("empty: the file holds nothing")
    if status.st_size > MAX_ARCHIVE:
        raise ArchiveError(f"refused: an archive larger than {MAX_ARCHIVE >> 20} MB")
    source: Any = _Budget(file, MAX_DIRECTORY)
    try:
        archive = zipfile.ZipFile(source)
    except ArchiveError:
        raise
    except Exception:
        raise ArchiveError("damaged: this is no zip archive, or it is torn") from None
    with archive:
        if len(archive.infolist()) > MAX_ENTRIES:
            raise ArchiveError(f"refused: an archive with more than {MAX_ENTRIES:,} entries")
        source.left = MAX_ARCHIVE
        yield archive


def _members(archive: zipfile.ZipFile) -> list[tuple[Member, zipfile.ZipInfo]]:
    """Everything in an archive that is a notebook or an archive itself; whatever else there is plays no part."""
    entries = archive.infolist()
    ends = sorted((info.header_offset, info.header_offset + 30 + info.compress_size) for info in entries)
    if any(end > start for (_, end), (start, _) in zip(ends, ends[1:])):
        raise ArchiveError("refused: an archive whose entries overlap")
    found = []
    for number, info in enumerate(entries, 1):
        name = _name(info)
        parts = tuple(part for part in re.split(r"[/\\]", name) if part not in ("", "."))
        if name.endswith(("/", "\\")) or not parts or set(parts) & set(IGNORED) or parts[-1].startswith("._"):
            continue
        if parts[-1].lower().endswith(".ipynb") or "\0" in name or is_archive(parts[-1]):
            fault = _fault_of_name(name, parts)
            shown = (f"entry {number}",) if fault else parts
            found.append((Member(shown, info.orig_filename, fault or _fault(info, parts)), info))
    if not found:
        raise ArchiveError("empty: the archive holds no notebook")
    if len(found) > MAX_NOTEBOOKS:
        raise ArchiveError(f"refused: an archive with more than {MAX_NOTEBOOKS} notebooks")
    unpacked, packed = (sum(sizes) for sizes in zip(*((info.file_size, info.compress_size) for _, info in found)))
    if unpacked > MAX_UNPACKED or (unpacked > MAX_BYTES and unpacked > MAX_RATIO * packed):
        raise ArchiveError("refused: an archive that unpacks to far more than it is; clear the outputs")
    times = Counter(_one_name(member) for member, _ in found)
    clash = "refused: several names in the archive are the same but for upper and lower case"
    return [
        (member._replace(refusal=member.refusal or (clash if times[_one_name(member)] > 1 else "")), info)
        for member, info in found
    ]


def _name(info: zipfile.ZipInfo) -> str:
    """An entry's name. Where it is not marked as UTF-8, zipfile reads it as a PC of 1981 would."""
    if not info.flag_bits & UTF8:
        with contextlib.suppress(UnicodeError):
            return info.orig_filename.encode("cp437").decode()
    return info.orig_filename


def _one_name(member: Member) -> str:
    """The same for names that some file system takes for one."""
    return unicodedata.normalize("NFC", "/".join(member.parts)).casefold()


def _fault_of_name(name: str, parts: tuple[str, ...]) -> str:
    """Why nothing is read under such a name; "" where it is fine."""
    if not all(c.isprintable() or unicodedata.category(c) == "Zs" for c in name):
        return "refused: a name in the archive with signs that do not print"
    if re.match(r"[/\\]|[A-Za-z]:", name) or ".." in parts:
        return "refused: a name in the archive that leads out of it"
    if any(RESERVED.fullmatch(part) for part in parts):
        return "refused: a name in the archive that Windows keeps for a device"
    if len(name) > MAX_NAME or any(len(part.encode(errors="replace")) > 255 for part in parts):
        return "refused: a name in the archive that is too long"
    return f"refused: folders nested more than {MAX_FOLDERS} deep" if len(parts) > MAX_FOLDERS else ""


def _fault(info: zipfile.ZipInfo, parts: tuple[str, ...]) -> str:
    """Why an entry with a good name is not read; "" where it is."""
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        return f"refused: {'a link' if kind == stat.S_IFLNK else 'no ordinary file'} in the archive"
    if info.flag_bits & ENCRYPTED:
        return "refused: encrypted; only archives without a password are opened"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # of others, zipfile unpacks without limit
        return "refused: packed in a way that is not opened; make an ordinary zip archive"
    return "refused: an archive within an archive is not opened" if is_archive(parts[-1]) else ""
