"""How long an answer may take: seconds of the processor and, behind them, a clock on the wall; and BLAS's threads.

A limit on the clock alone would refuse right answers on a busy machine, where a second of computing takes many.
"""

import contextlib
import functools
import os
import sys
import time
from collections.abc import Callable, Generator
from typing import Any

WALL = 5  # so many times as long by the clock on the wall
STILL = 30  # seconds without computing: it sleeps, or waits for what never comes
LOOK = 0.25  # seconds between two looks at a process
IDLE = 0.05  # of an interval: what computes less, and does not wait for the processor, is asleep
COMPUTED, ASLEEP, BUSY = "it computed for too long", "it was asleep for too long", "the machine is too busy"

Clock = Callable[[], tuple[float, bool]]


class OutOfTimeError(TimeoutError):
    """A limit is reached. Its text is COMPUTED, ASLEEP or BUSY."""


class Meter:
    """What a stretch of work takes, and the end of it where that is too much.

    clock() gives the processor's seconds so far, and whether more are wanted right now. `seconds` of them are the
    limit; behind it, `wall` seconds on the wall (WALL times as many) and `still` seconds asleep. Without a clock,
    `seconds` are on the wall. What is taken counts for the meter `within`, too, whose limits bind as well.
    """

    def __init__(
        self,
        seconds: float,
        clock: Clock | None = None,
        *,
        wall: float | None = None,
        still: float = STILL,
        within: "Meter | None" = None,
    ):
        self.seconds, self.clock, self.still, self.within = seconds, clock, still, within
        self.most = wall if wall is not None else seconds * (WALL if clock else 1)
        self.started = self.looked = time.monotonic()
        self.computed = self.asleep = 0.0
        self.before: float | None = None  # the clock at the last look; what is over soon is never looked at

    @property
    def wall(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    @property
    def used(self) -> float:
        """How much of `seconds` is used up, by whichever clock has used more of it."""
        return max(self.computed, self.wall / WALL) if self.clock else self.wall

    def look(self) -> float:
        """Seconds until the next look; OutOfTimeError where a limit is reached."""
        now = time.monotonic()
        if self.clock and now - self.looked >= LOOK:
            total, wanted = self.clock()
            if self.before is not None:
                computed, passed = max(0.0, total - self.before), now - self.looked
                self.add(computed, 0.0 if wanted or computed > IDLE * passed else passed)
            self.before, self.looked = total, now
        self.check()
        return min(LOOK, max(0.0, self.most - self.wall))

    def add(self, computed: float, asleep: float) -> None:
        """Counts what a look has found."""
        self.computed += computed
        self.asleep += asleep
        if self.within:
            self.within.add(computed, asleep)

    def check(self) -> None:
        """OutOfTimeError where a limit is reached."""
        if self.computed >= self.seconds or self.seconds <= 0:
            raise OutOfTimeError(COMPUTED)
        if self.asleep >= self.still:
            raise OutOfTimeError(ASLEEP)
        if self.wall >= self.most:
            raise OutOfTimeError(COMPUTED if not self.clock else ASLEEP if self.asleep > self.wall / 2 else BUSY)
        if self.within:
            self.within.check()


def clock_of(pid: int) -> tuple[float, bool]:
    """Seconds of the processor that a process, its descendants, and those that they have buried have taken; and whether
    one of them is running or waiting for the processor or a disk. Linux only; (0, True) where the process is gone."""
    seconds, wanted, tasks = 0, False, tasks_below(pid)
    for task, process in tasks.items():
        fields = _fields(f"/proc/{process}/task/{task}/stat")
        wanted |= not fields or fields[0] in "RD"
        if task == process:
            seconds += sum(map(int, _fields(f"/proc/{process}/stat")[11:15]))
    return seconds / os.sysconf("SC_CLK_TCK"), wanted or not tasks


def _fields(path):
    """What follows the name in a file `stat` of /proc: the state first, times from 11 to 14; [] where it is gone."""
    try:
        with open(path, "rb") as file:
            return file.read().rpartition(b")")[2].decode().split()
    except OSError:
        return []


def tasks_below(pid: int, most: int = 400) -> dict[int, int]:
    """Every thread of a process and of its descendants, with its process; not many more than `most` of them."""
    tasks: dict[int, int] = {}
    waiting = [pid]
    while waiting and len(tasks) <= most:
        parent = waiting.pop()
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{parent}/task"):
                tasks[int(task)] = parent
                with open(f"/proc/{parent}/task/{task}/children", "rb") as file:
                    waiting += map(int, file.read().split())
    return tasks


@contextlib.contextmanager
def one_blas_thread() -> Generator[None]:
    """While it lasts, matrix products of this process, and of its forks for good, take one thread.

    Threads of BLAS wait for each other by spinning. Where several programs do that side by side, each waits for threads
    that are not even running, and what takes a second alone takes minutes.
    """
    try:
        import threadpoolctl
    except ImportError:  # in a browser, where there are no threads
        threadpoolctl = None
    if threadpoolctl is None:  # not within `except`: an error of the caller's would be shown as a consequence of it
        yield
        return
    import scipy.linalg  # noqa: F401  has a BLAS of its own, which can be limited once it is loaded

    with _thread_pools(len(sys.modules)).limit(limits=1, user_api="blas"):
        yield


@functools.lru_cache(maxsize=1)
def _thread_pools(modules: int) -> Any:
    """The libraries that have threads; looked for anew where modules have been loaded, as they may bring more."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
