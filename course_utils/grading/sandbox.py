"""The parent's end of a child that runs a student's code: starting it, talking to it with deadlines, ending it."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import numpy as np

from course_utils.calling import Pipe
from course_utils.wire import WireError

ISOLATION = "plain"
START_SECONDS, END_SECONDS = 60, 5
BROKEN = (TimeoutError, EOFError, OSError, WireError)  # every way in which talking to a child can go wrong


class ChildError(RuntimeError):
    """The child did not start, or did not survive reading the cells."""


def command(library: Path, descriptor: int) -> list[str]:
    """The child's command line: no user site, no .pth files (an editable install would show the real library)."""
    numpy = str(Path(np.__file__).parents[1])
    packages = sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), numpy})
    start = (f"import sys; sys.path[:] = {[str(library)]!r} + sys.path + {packages!r}; "
             f"from course_utils.grading.child import main; main({descriptor})")
    return [sys.executable, "-s", "-S", "-P", "-B", "-c", start]


def environment(folder: Path) -> dict:
    """All that the child learns from its environment. One BLAS thread and a fixed hash seed: grades are reproducible."""
    return {"PATH": os.defpath, "HOME": str(folder), "TMPDIR": str(folder), "LC_ALL": "C.UTF-8", "MPLBACKEND": "Agg",
            "MPLCONFIGDIR": str(folder / "matplotlib"), "PYTHONHASHSEED": "0", "PYTHONUTF8": "1",
            "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1",
            "VECLIB_MAXIMUM_THREADS": "1"}


class Child:
    """A running child that has read the cells. `facts` is what it found in them, checked for its form only."""

    def __init__(self, library: Path, cells: list[str], names: list[str], folder: Path, fonts: Path | None = None):
        self.folder = folder
        (folder / "matplotlib").mkdir(parents=True)
        if fonts:  # matplotlib's list of fonts takes a second to make anew
            shutil.copy(fonts, folder / "matplotlib")
        self.control, theirs = socket.socketpair()
        with theirs, open(folder / "log", "wb") as log:
            self.process = subprocess.Popen(command(library, theirs.fileno()), pass_fds=[theirs.fileno()], cwd=folder,
                                            env=environment(folder), start_new_session=True,
                                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log)
        try:
            self.facts = self._load(cells, names)
        except BROKEN as error:
            log = (folder / "log").read_text(errors="replace").strip().split("\n")[-1][:300]
            self.close()
            raise ChildError(log or type(error).__name__) from None

    def _load(self, cells, names):
        with self._pipe(b"l") as pipe:
            deadline = time.monotonic() + START_SECONDS
            text = np.frombuffer(json.dumps(cells).encode(), np.uint8)
            pipe.send({"cells": text, "names": names}, deadline)
            facts = pipe.receive(deadline)
        return facts if isinstance(facts, dict) else {}

    @contextlib.contextmanager
    def _pipe(self, message):
        request_out, request_in = os.pipe()
        reply_out, reply_in = os.pipe()
        try:
            try:
                socket.send_fds(self.control, [message], [request_out, reply_in])
            finally:
                os.close(request_out)
                os.close(reply_in)
            os.set_blocking(request_in, False)
            yield Pipe(reply_out, request_in)
        finally:
            os.close(request_in)
            os.close(reply_out)

    @contextlib.contextmanager
    def fork(self):
        """Yields a pipe to a fresh fork of the child, and kills the fork and what it started afterwards."""
        try:
            with self._pipe(b"f") as pipe:
                yield pipe
        finally:
            try:
                self.control.settimeout(END_SECONDS)
                self.control.sendall(b"k")
                ended = self.control.recv(1) == b"k"
            except OSError:
                ended = False
            if not ended:  # its forks die with it
                self.process.kill()
            for left in self.folder.glob("job*"):
                remove(left)

    def alive(self) -> bool:
        """Whether the child can fork again: an answer may have killed its parent, too."""
        try:
            return self.process.wait(0) is None
        except subprocess.TimeoutExpired:
            return True

    def close(self):
        """Hangs up, upon which the child kills its fork and ends; kills it where it does not."""
        self.control.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(END_SECONDS)
        with contextlib.suppress(OSError):
            os.killpg(self.process.pid, 9)
        self.process.wait()
        remove(self.folder)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def remove(folder: Path):
    """Removes a folder whatever a student's code did to it; what cannot be removed stays in the temporary folder."""
    for _ in range(2):
        with contextlib.suppress(OSError, RecursionError):
            shutil.rmtree(folder)
            return
        for path, folders, _ in os.walk(folder):
            for name in folders:
                with contextlib.suppress(OSError):
                    os.chmod(os.path.join(path, name), 0o700, follow_symlinks=False)
