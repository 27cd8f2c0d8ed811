"""Removing what students' code leaves behind. The grader and the child use it, so it imports nothing of ours."""

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Generator
from pathlib import Path

PREFIX, LOCK = "course-grade-", "lock"


def remove(path: Path | str) -> None:
    """Removes a file or folder whatever a student's code did to it; what cannot be removed is left."""
    for _ in range(2):
        with contextlib.suppress(OSError, RecursionError):
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            else:
                os.unlink(path)
            return
        with contextlib.suppress(RecursionError):
            for folder, folders, _ in os.walk(path):
                for name in (".", *folders):
                    inside = os.path.join(folder, name)
                    if not os.path.islink(inside):  # whose mode would be that of what it leads to
                        with contextlib.suppress(OSError):
                            os.chmod(inside, 0o700)


@contextlib.contextmanager
def temporary_folder() -> Generator[Path]:
    """A folder that only we can enter, removed at the end; before that, those that dead runs of ours have left are.

    A run holds a lock on a file in its folder. The kernel takes it away when the run ends, however it ends, so that a
    lock that can be had means a run that is dead.
    """
    remove_left_over()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    try:
        with _locked(folder):
            yield folder
    finally:
        remove(folder)


def remove_left_over() -> None:
    """Removes the folders of our own runs that are dead."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            found = os.lstat(folder)
            if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and _is_dead(folder):
                remove(folder)


def _is_dead(folder):
    """Whether nobody holds the folder's lock. Without one, it is not for us to say."""
    import fcntl  # not there on Windows, where nothing is graded

    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _locked(folder):
    """Holds the folder's lock. The file has its name only when it is locked: nobody can find it free before."""
    import fcntl

    descriptor, name = tempfile.mkstemp(dir=folder)
    try:
        with contextlib.suppress(OSError):  # a file system without locks: then nobody clears up after us
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.rename(name, folder / LOCK)
        yield
    finally:
        os.close(descriptor)
