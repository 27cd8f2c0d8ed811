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

from course_utils.checking.calling import Pipe
from course_utils.checking.wire import WireError
from course_utils.grading import isolation
from course_utils.grading.cleaning import remove
from course_utils.grading.isolation import Isolation, environment
from course_utils.grading.nurseries import NurseryError

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
    start = (
        f"import sys; sys.path[:] = {[own]!r} + sys.path + {isolation.package_folders()!r}; "
        f"from course_utils.grading.child import main; main({descriptor}, {isolation.processes() if strict else 0})"
    )
    python = [isolation.interpreter() if strict else sys.executable, "-s", "-S", "-P", "-B", "-c", start]
    return isolation.prefix(tier, library) + python if strict else python


class Child:
    """A running child that has read the cells. `facts` is what it found in them, checked for its form only."""

    nursery = None  # where it comes from, if it comes from one: `process` is then the first of its own namespaces

    def __init__(self, library: Path, cells: list[str], names: list[str], folder: Path, tier: Isolation = PLAIN):
        self.folder = folder
        (folder / "matplotlib").mkdir(parents=True)
        strict = tier.name == "strict"
        if tier.fonts and not strict:  # matplotlib's list of fonts takes a second to make anew
            shutil.copy(tier.fonts, folder / "matplotlib")
        with open(folder / "log", "wb") as log:
            try:
                self._start(library, tier, log)
            except NurseryError as error:
                said = (folder / "log").read_text(errors="replace").strip().split("\n")[-1][:300]
                remove(folder)
                raise ChildError(f"{error}: {said}") from None
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

    def _start(self, library, tier, log):
        if tier.nurseries:
            self.nurseries = tier.nurseries
            self.control, self.process, self.nursery = tier.nurseries.start(tier, library, log)
            return
        self.control, theirs = socket.socketpair()
        folder = isolation.WORK if tier.name == "strict" else self.folder
        with theirs:
            self.process = subprocess.Popen(
                command(library, theirs.fileno(), tier),
                pass_fds=[theirs.fileno()],
                cwd=self.folder,
                env=environment(folder),
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )

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
                with contextlib.suppress(OSError):  # where the child is gone, so is the other end of the pipe
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
        if self.nursery:
            self.process.kill()  # and with it all of its namespaces
        else:
            with contextlib.suppress(OSError):
                os.killpg(self.process.pid, 9)
        self.process.wait()
        if self.nursery:
            self.nurseries.give_back(self.nursery)
        remove(self.folder)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
