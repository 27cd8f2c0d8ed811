"""Keeping an eye on running children: the kernel's limits bind single processes, these bind all of a child together."""

import contextlib
import os
import re
import sys
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

from course_utils.checking.limits import tasks_below

SECONDS = 0.2  # between two looks
# Bytes of the kernel's memory that may lie behind an open file (a pipe's or a socket's), and behind a TCP connection
# where its limits are the system's own.
OPEN_BYTES, TCP_BYTES = 256 << 10, 5 << 20
CROWD, MANY = 8, 200  # tasks of one child: more than CROWD are put behind everybody else; more than MANY are ended


@contextlib.contextmanager
def watching(children: set, memory: int) -> Generator[None]:
    """While it lasts, looks after `children` (sandbox.Child): those that use more memory (bytes) in all are killed."""
    done = threading.Event()

    def look():
        while not done.wait(SECONDS):
            for child in list(children):
                with contextlib.suppress(OSError, ValueError):  # it may end while we look
                    restrain(child, memory)

    thread = threading.Thread(target=look, daemon=True)
    if sys.platform == "linux":
        thread.start()
    try:
        yield
    finally:
        done.set()
        if thread.is_alive():
            thread.join()


def restrain(child: Any, memory: int) -> None:
    """Kills a child that has too much memory or too many tasks; one with many gets the processor last."""
    tasks = tasks_below(child.process.pid, 2 * MANY)
    if len(tasks) <= CROWD and len(set(tasks.values())) == 1:
        return  # a single process has a limit of its own
    if child.nursery and not child.alive():
        return  # what we looked at may have been another's by then
    used = sum(resident(pid) + OPEN_BYTES * open_files(pid) for pid in set(tasks.values()))
    if child.tier.name == "strict" and not child.nursery:
        used += TCP_BYTES * connections(max(tasks.values()))  # any process within: they share a network of their own
    if used > memory or len(tasks) > MANY:
        child.greedy = True
        child.kill()
    elif len(tasks) > CROWD:
        for task in tasks:
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, task, 19)


def resident(pid: int) -> int:
    """Bytes of memory that a process holds; 0 where it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def open_files(pid: int) -> int:
    """How many files a process has open; 0 where that is not for us to see."""
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return 0


def connections(pid: int) -> int:
    """How many ends of TCP connections there are in the network that a process sees."""
    try:
        found = re.search(r"^TCP: inuse (\d+)", Path(f"/proc/{pid}/net/sockstat").read_text(encoding="ascii"), re.M)
    except OSError:
        return 0
    return int(found[1]) if found else 0
