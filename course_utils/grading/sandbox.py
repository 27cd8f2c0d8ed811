"""The parent's end of a child that runs a student's code: starting it, talking to it with deadlines, ending it."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from course_utils.calling import Pipe
from course_utils.grading import isolation
from course_utils.grading.cleaning import remove
from course_utils.grading.isolation import Isolation
from course_utils.wire import WireError

START_SECONDS, END_SECONDS = 60, 5
MEMORY = 4 << 30  # bytes for all processes of a child together
RUNNING: set["Child"] = set()  # for watching.py
BROKEN = (TimeoutError, EOFError, OSError, WireError)  # every way in which talking to a child can go wrong


class ChildError(RuntimeError):
    """The child did not start, or did not survive reading the cells."""


PLAIN = Isolation("plain", isolation.WARNING)


def command(library: Path, descriptor: int, tier: Isolation = PLAIN) -> list[str]:
    """The child's command line: no user site, no .pth files (an editable install would show the real library)."""
    strict = tier.name == "strict"
    own = isolation.LIBRARY if strict else str(library)
    start = (f"import sys; sys.path[:] = {[own]!r} + sys.path + {isolation.package_folders()!r}; "
             f"from course_utils.grading.child import main; main({descriptor}, {isolation.processes() if strict else 0})")
    python = [isolation.interpreter() if strict else sys.executable, "-s", "-S", "-P", "-B", "-c", start]
    return isolation.prefix(tier, library) + python if strict else python


def environment(folder: Path | str) -> dict:
    """All that the child learns from its environment. One BLAS thread and a fixed hash seed: grades are reproducible."""
    return {"PATH": os.defpath, "HOME": str(folder), "TMPDIR": str(folder), "LC_ALL": "C.UTF-8", "MPLBACKEND": "Agg",
            "MPLCONFIGDIR": f"{folder}/matplotlib", "PYTHONHASHSEED": "0", "PYTHONUTF8": "1",
            "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1",
            "VECLIB_MAXIMUM_THREADS": "1"}


class Child:
    """A running child that has read the cells. `facts` is what it found in them, checked for its form only."""

    def __init__(self, library: Path, cells: list[str], names: list[str], folder: Path, tier: Isolation = PLAIN):
        self.folder = folder
        (folder / "matplotlib").mkdir(parents=True)
        strict = tier.name == "strict"
        if tier.fonts and not strict:  # matplotlib's list of fonts takes a second to make anew
            shutil.copy(tier.fonts, folder / "matplotlib")
        self.control, theirs = socket.socketpair()
        with theirs, open(folder / "log", "wb") as log:
            self.process = subprocess.Popen(command(library, theirs.fileno(), tier), pass_fds=[theirs.fileno()],
                                            cwd=folder, env=environment(isolation.WORK if strict else folder),
                                            start_new_session=True,
                                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log)
        RUNNING.add(self)
        try:
            self.facts = self._load(cells, names)
        except TimeoutError:
            self.close()
            raise ChildError(f"that took more than {START_SECONDS} seconds") from None
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
        RUNNING.discard(self)
        with contextlib.suppress(OSError):
            os.killpg(self.process.pid, 9)
        self.process.wait()
        remove(self.folder)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
