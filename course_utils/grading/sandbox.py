"""The parent's end of a child that runs a student's code: starting it, talking to it with deadlines, ending it."""

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from course_utils.checking.calling import Pipe
from course_utils.checking.limits import ASLEEP, COMPUTED, WALL, Meter, clock_of
from course_utils.checking.wire import WireError
from course_utils.grading import guardian, isolation
from course_utils.grading.cleaning import remove
from course_utils.grading.isolation import Isolation, environment
from course_utils.grading.nurseries import NurseryError

START_SECONDS, END_SECONDS = 60, 5  # of the processor, to read the cells; asleep, to end them
KILL_SECONDS = 2  # on the wall, for what does not end by itself
MEMORY = 4 << 30  # bytes for all processes of a child together
RUNNING: set["Child"] = set()  # for watching.py
BROKEN = (TimeoutError, EOFError, OSError, WireError)  # every way in which talking to a child can go wrong


class ChildError(RuntimeError):
    """The child did not start, or did not survive reading the cells."""


class LostError(ChildError):
    """What happened to the child may be no doing of its submission's: others may have used up the machine's memory, its
    processes, or its time. To be tried again alone, and never a grade."""


PLAIN = Isolation("plain", isolation.WARNING)


def command(library: Path, descriptor: int, tier: Isolation = PLAIN) -> list[str]:
    """The child's command line: no user site, no .pth files (an editable install would show the real library)."""
    strict = tier.name == "strict"
    own = isolation.LIBRARY if strict else str(library)
    start = (
        f"import sys; sys.path[:] = {[own]!r} + sys.path + {isolation.package_folders()!r}; "
        f"from course_utils.grading.child import main; "
        f"main({descriptor}, {isolation.processes() if strict else 0}, {tier.name == 'user'})"
    )
    python = [isolation.interpreter() if strict else tier.python or sys.executable, "-s", "-S", "-P", "-B", "-c", start]
    return isolation.prefix(tier, library) + python if strict else python


class Child:
    """A running child that has read the cells. `facts` is what it found in them, checked for its form only."""

    nursery: Any = None  # where it comes from, if it comes from one: `process` is then the first of its own namespaces
    greedy = False  # set by watching.py: it is about to be killed for what it has taken itself
    tier = PLAIN

    def __init__(self, library: Path, cells: list[str], names: list[str], folder: Path, tier: Isolation = PLAIN):
        self.folder, self.tier = folder, tier
        (folder / "matplotlib").mkdir(parents=True)
        strict = tier.name == "strict"
        if tier.fonts and not strict:  # matplotlib's list of fonts takes a second to make anew
            shutil.copy(tier.fonts, folder / "matplotlib")
        with open(folder / "log", "wb") as log:
            try:
                self._start(library, tier, log, cells)
            except (NurseryError, BlockingIOError) as error:  # the latter: no process more
                said = self._log()
                remove(folder)
                raise LostError(f"{error}: {said}") from None
        RUNNING.add(self)
        try:
            self.facts = self._load(cells, names)
        except TimeoutError as error:
            self.close()
            if str(error) in (COMPUTED, ASLEEP):
                raise ChildError(f"that took more than {START_SECONDS} seconds") from None
            raise LostError(f"that took more than {START_SECONDS} seconds, since {error}") from None
        except BROKEN as error:
            said = self._log() or type(error).__name__
            self.close()
            raise (ChildError if self.greedy else LostError)(said) from None

    def _log(self) -> str:
        """The last line that the child has written to its log."""
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace").strip().split("\n")[-1][:300]

    def _start(self, library: Path, tier: Isolation, log: BinaryIO, cells: list[str]) -> None:
        if tier.nurseries:
            self.nurseries = tier.nurseries
            self.control, self.process, self.nursery = tier.nurseries.start(tier, library, log, cells)
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
        guardian.begun(self.process.pid)

    def clock(self) -> tuple[float, bool]:
        """What the child and all that it has started have taken of the processor, and whether they want more now."""
        return clock_of(self.process.pid)

    def _load(self, cells, names):
        with self._pipe(b"l") as pipe:
            limit = Meter(START_SECONDS, pipe.clock)
            text = np.frombuffer(json.dumps(cells).encode(), np.uint8)
            pipe.send({"cells": text, "names": names}, limit)
            facts = pipe.receive(limit)
        return facts if isinstance(facts, dict) else {}

    @contextlib.contextmanager
    def _pipe(self, message: bytes) -> Generator[Pipe]:
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
            yield Pipe(reply_out, request_in, self.clock if sys.platform == "linux" else None)
        finally:
            os.close(request_in)
            os.close(reply_out)

    @contextlib.contextmanager
    def fork(self) -> Generator[Pipe]:
        """Yields a pipe to a fresh fork of the child, and kills the fork and what it started afterwards. LostError
        where the fork has ended, or was too slow, in a way that may be no doing of its own."""
        pipe, how, failed = None, b"", True
        try:
            with self._pipe(b"f") as pipe:
                yield pipe
            failed = False
        finally:
            with contextlib.suppress(OSError):
                self.control.settimeout(END_SECONDS)
                self.control.sendall(b"d" if pipe and pipe.hung_up else b"k")
                poll = select.poll()
                poll.register(self.control, select.POLLIN)
                if self._patiently(lambda seconds: bool(poll.poll(1000 * seconds))):
                    how = self.control.recv(1)
            if not how:
                self.kill()
        why = self._lost(pipe, how)
        if why and not failed:
            raise LostError(why)

    def _lost(self, pipe, how):
        """Why what became of a fork may be no doing of its own; "" where it is. To the one that is alone, all is."""
        if how == b"n":
            return "the system allows no more processes"
        if self.tier.alone or self.greedy:
            return ""
        if pipe.busy:
            return "the machine is too busy"
        if pipe.hung_up and how in (b"", b"9"):
            return "its process was killed"
        return ""

    def _patiently(self, ready: Callable[[float], bool]) -> bool:
        """Whether ready(seconds), which waits so long at most, becomes true while the child is at work: killing what an
        answer has started takes a while on a busy machine. One that is asleep is not waited for long."""
        clock = self.clock if sys.platform == "linux" else None
        most = END_SECONDS * (WALL if clock else 1)  # where none tells whether it is at work, as if it were asleep
        meter = Meter(most, clock, wall=most, still=END_SECONDS)
        try:
            while not ready(meter.look()):
                pass
        except TimeoutError:
            return False
        return True

    def kill(self) -> None:
        """Ends the child, after what it has started: what outlives its parent would be nobody's to end."""
        if not self.nursery:  # whose end is that of its namespaces
            deadline = time.monotonic() + KILL_SECONDS
            while self.alive() and time.monotonic() < deadline:
                below = guardian.members({self.process.pid}) - {self.process.pid}
                if not below:
                    break
                for pid in below:
                    with contextlib.suppress(OSError):
                        os.kill(pid, signal.SIGKILL)
                time.sleep(KILL_SECONDS / 100)
            with contextlib.suppress(OSError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()

    def alive(self, seconds: float = 0) -> bool:
        """Whether the child can fork again: an answer may have killed its parent, too. Waits so long for its end."""
        try:
            return self.process.wait(seconds) is None
        except subprocess.TimeoutExpired:
            return True

    def close(self) -> None:
        """Hangs up, upon which the child kills its fork and ends; kills it where it does not."""
        self.control.close()
        self._patiently(lambda seconds: not self.alive(seconds))
        RUNNING.discard(self)
        self.kill()
        self.process.wait()
        if self.nursery:
            self.nurseries.give_back(self.nursery)
        else:
            guardian.ended(self.process.pid)
        if self.tier.after:
            self.tier.after(self.folder)
        remove(self.folder)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
