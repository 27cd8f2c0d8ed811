"""The parent's end of nursery.py: nurseries, each of which serves one child at a time and is replaced when dead."""

import contextlib
import os
import select
import signal
import socket
import struct
import subprocess
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from course_utils.grading import guardian, isolation
from course_utils.grading.isolation import Isolation

START_SECONDS, END_SECONDS = 180, 5
# scipy takes longer to import than all the rest of a submission does, and a fork of a process that holds it takes half
# as long again as another one. So those that mention it have nurseries of their own, from the third on.
MENTIONED, MODULES, FEW = "scipy", ("scipy.stats", "scipy.integrate", "scipy.spatial.distance"), 2
POSSIBLE = hasattr(os, "pidfd_open") and hasattr(signal, "pidfd_send_signal")


class NurseryError(RuntimeError):
    """A nursery does not start, or starts no child."""


class Process:
    """The first process of a child's namespaces: its end is the end of everything in them."""

    def __init__(self, pid: int):
        self.pid, self.descriptor = pid, os.pidfd_open(pid)

    def kill(self) -> None:
        """Ends it, where it has not ended."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.descriptor, signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        """0 where it has ended; subprocess.TimeoutExpired where it has not after so many seconds."""
        poll = select.poll()
        poll.register(self.descriptor, select.POLLIN)
        if not poll.poll(None if timeout is None else timeout * 1000):
            raise subprocess.TimeoutExpired("child", timeout or 0)
        return 0

    def __del__(self):
        with contextlib.suppress(AttributeError, OSError):
            os.close(self.descriptor)


class Nursery:
    """One nursery. `first` is the copy of the library that its own modules come from, a neighbour of all others;
    `modules` are imported besides what every nursery imports."""

    def __init__(self, tier: Isolation, first: Path, modules: tuple[str, ...] = ()):
        self.modules = modules
        self.requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        kept = [path for path in isolation.visible() if Path(path).is_relative_to(isolation.WORK)]
        if tier.fonts:
            kept.append(f"{isolation.WORK}/matplotlib/{tier.fonts.name}")
        start = (
            f"import sys; sys.path[:] = {[isolation.LIBRARY]!r} + sys.path + {isolation.package_folders()!r}; "
            "from course_utils.grading.nursery import main; "
            f"main({theirs.fileno()}, {isolation.processes()}, {isolation.WORK_BYTES}, {kept!r}, {modules!r})"
        )
        with theirs, tempfile.TemporaryFile() as log:
            self.process = subprocess.Popen(
                [
                    *isolation.prefix(tier, first, first.parent),
                    isolation.interpreter(),
                    "-s",
                    "-S",
                    "-P",
                    "-B",
                    "-c",
                    start,
                ],
                pass_fds=[theirs.fileno()],
                env=isolation.environment(isolation.WORK),
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
            guardian.begun(self.process.pid)
            theirs.close()
            self.requests.settimeout(START_SECONDS)
            try:
                ready = self.requests.recv(1) == b"r"
            except OSError:
                ready = False
            if not ready:
                self.close()
                log.seek(0)
                said = log.read().decode(errors="replace").strip().split("\n")[-1][:300]
                raise NurseryError(f"no nursery can be started ({said or 'it ended'})")

    def start(self, library: Path, log: BinaryIO) -> tuple[socket.socket, Process]:
        """A child that sees this copy of the library: its control socket, and its first process. Or NurseryError."""
        control, theirs = socket.socketpair()
        try:
            with theirs:
                control.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
                socket.send_fds(self.requests, [library.name.encode()], [theirs.fileno(), log.fileno()])
            control.settimeout(START_SECONDS)
            message, credentials, _, _ = control.recvmsg(1, socket.CMSG_SPACE(12))
            if message != b"r":
                raise EOFError
            process = Process(struct.unpack("iII", credentials[0][2])[0])
            control.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 0)
            control.send(b"g")
            if control.recv(1) != b"g":  # it lives, so that the process is really this one
                raise EOFError
            control.settimeout(None)
            return control, process
        except (EOFError, OSError) as error:
            control.close()
            raise NurseryError(f"the child did not start ({type(error).__name__} {error})") from None

    def close(self) -> None:
        """Hangs up, upon which the nursery ends; kills it where it does not."""
        self.requests.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(END_SECONDS)
        with contextlib.suppress(OSError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        guardian.ended(self.process.pid)


class Nurseries:
    """The nurseries of a run. A child takes one that is idle, or a new one, and gives it back at its end."""

    def __init__(self):
        self.idle: list[Nursery] = []
        self.lock, self.closed, self.mentions = threading.Lock(), False, 0

    def modules_for(self, cells: Iterable[str]) -> tuple[str, ...]:
        """What the nursery of a child with these cells should have imported already."""
        mentioned = any(MENTIONED in cell for cell in cells)
        with self.lock:
            self.mentions += mentioned
            return MODULES if mentioned and self.mentions > FEW else ()

    def start(
        self, tier: Isolation, library: Path, log: BinaryIO, cells: Iterable[str] = ()
    ) -> tuple[socket.socket, Process, Nursery]:
        """A child from a nursery; one that is dead is replaced. NurseryError where a new one does not start it."""
        modules = self.modules_for(cells)
        while True:
            with self.lock:
                nursery = next((one for one in self.idle if one.modules == modules), None)
                if nursery:
                    self.idle.remove(nursery)
            if nursery and nursery.process.poll() is not None:
                nursery.close()
                continue
            fresh = nursery is None
            nursery = nursery or Nursery(tier, library, modules)
            try:
                return *nursery.start(library, log), nursery
            except NurseryError:
                nursery.close()
                if fresh:
                    raise

    def give_back(self, nursery: Nursery) -> None:
        """Takes a nursery whose child has ended."""
        with self.lock:
            keep = not self.closed
            if keep:
                self.idle.append(nursery)
        if not keep:
            nursery.close()

    def close(self) -> None:
        """Ends all of them, those in use as soon as they are given back."""
        with self.lock:
            self.closed, idle = True, self.idle
            self.idle = []
        for nursery in idle:
            nursery.close()
