"""A process that outlives its grader by some seconds, to end what is left of it: children that were stopped (SIGSTOP)
cannot hear that their grader has died, and where they run as another user the kernel does not tell them, either.

It runs as a script of its own, with the standard library alone. Its standard input is a pipe whose other end only the
grader has: lines "+PID" and "-PID" tell which sessions of processes have begun and ended; its end is the grader's.
"""

import contextlib
import os
import signal
import sys
import threading
import time

LOOK = 0.1  # seconds between two looks

_pipe: int | None = None
_lock = threading.Lock()


def begun(session: int) -> None:
    """Tells this process's guardian that a session has begun: it is the process id of its first process."""
    _tell(f"+{session}\n")


def ended(session: int) -> None:
    """Tells this process's guardian that a session is over."""
    _tell(f"-{session}\n")


def _tell(line: str) -> None:
    global _pipe
    if sys.platform != "linux":  # it looks into /proc
        return
    with _lock, contextlib.suppress(OSError):  # without a guardian, children still hear of our end, if they can
        if _pipe is None:
            _pipe = _start()
        os.write(_pipe, line.encode())


def _start() -> int:
    """Starts the guardian, as nobody's child; returns our end of its pipe."""
    theirs, ours = os.pipe()
    nowhere = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (1, 2)]
    actions = [(os.POSIX_SPAWN_DUP2, theirs, 0), *nowhere]
    try:
        command = [sys.executable, "-I", "-S", __file__]
        os.waitpid(os.posix_spawn(sys.executable, command, {}, file_actions=actions, setsid=True), 0)
    finally:
        os.close(theirs)
    return ours


def members(sessions: set[int]) -> set[int]:
    """All processes of these sessions, and what descends from them, but for zombies."""
    parents, found = {}, set()
    if sys.platform != "linux":
        return set()
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                state, parent, _, session = file.read().rpartition(")")[2].split()[:4]
                parents[int(name)] = int(parent), state
                if {int(name), int(session)} & sessions:
                    found.add(int(name))
    more = set(found)
    while more:
        more = {pid for pid, (parent, _) in parents.items() if parent in more} - found
        found |= more
    return {pid for pid in found if parents[pid][1] not in "ZX"}


def main() -> None:
    """Notes sessions until the grader's end; ends those that are left."""
    if os.fork():
        os._exit(0)
    sessions: set[int] = set()
    for line in sys.stdin:
        (sessions.add if line[0] == "+" else sessions.discard)(int(line[1:]))
    if not sessions:
        return
    # What is stopped goes on, hears of its grader's death, and ends what it has started; what does not is killed.
    for number, seconds in ((signal.SIGCONT, 3.0), (signal.SIGKILL, 2.0), (signal.SIGKILL, 2.0)):
        for pid in members(sessions):
            with contextlib.suppress(OSError):
                os.kill(pid, number)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if not members(sessions):
                return
            time.sleep(LOOK)


if __name__ == "__main__":
    main()
