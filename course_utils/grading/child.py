"""What runs in the child: a server without any student code, and one fork of it for each answer.

The server imports the numerical libraries once, reads and analyses the cells, and then only forks and kills. A fork
runs the cells that its answer needs and answers calls over a pipe of its own, so that nothing that one answer does
can reach another's. The grader's parent (sandbox.py) talks to the server over a socket, with these messages:
b"l" and two descriptors: load the cells that come over them; b"f" and two descriptors: fork; b"k": kill the fork, and
b"d": kill it, though it seems to be dead. The answer says how it was: b"k" alive, b"e" ended by its own doing, b"9"
killed by somebody, b"n" never there, since the system allows no more processes. Nothing here outlives the parent:
where the socket is closed, at whichever moment, the server ends what it has started and itself.
"""

import ast
import contextlib
import ctypes
import fcntl
import gc
import importlib
import json
import linecache
import os
import random
import resource
import select
import signal
import socket
import sys
import time
import types
from collections.abc import Generator, Iterable, Iterator
from typing import Any

import numpy as np

from course_utils.checking.calling import EXTRA_MEMORY, NICENESS, Pipe, serve, student_line
from course_utils.checking.limits import WALL
from course_utils.grading import slicing
from course_utils.grading.cleaning import remove
from course_utils.grading.hardening import (
    ANY,
    LOCAL,
    PR_SET_CHILD_SUBREAPER,
    end_with_parent,
    harden,
    libc,
    prctl,
    spare,
)

CPU_SECONDS, FILE_BYTES, OPEN_FILES = 300, 64 << 20, 256
MOST_FILES, LOOK = 16_384, 0.2  # each takes a kilobyte of the kernel's memory, however empty; seconds between looks
SERVER_SECONDS = 90  # of the processor, for reading the cells
SHARED = {
    "RLIMIT_SIGPENDING": 512,
    "RLIMIT_MEMLOCK": 1 << 20,
    "RLIMIT_MSGQUEUE": 0,
}  # of which a user has so many in all
FORK_SECONDS, GRACE_SECONDS = 3, 1  # a fork is tried, the end of one waited for
END_SECONDS = 3  # of the processor, for killing everything
ASLEEP = 0.001  # of the time: a statement that computes less is not just kept waiting by other programs
WARM = ("numpy", "scipy", "autograd", "matplotlib", "IPython", "course_utils")  # imported before the fork where needed


class CellTimeout(BaseException):
    """Raised in a cell that is out of time; no Exception, so that a student's `except Exception` lets it pass."""


def main(descriptor: int, processes: int = 0, sole: bool = False) -> None:
    """Serves the parent at the other end of the socket until it hangs up. `processes`: how many a fork has; 0: any.

    `sole`: no other process has our user number, so that all of ours can be ended at once. Such a child may share the
    machine's network, so it gets no sockets but local ones.
    """
    control = socket.socket(fileno=descriptor)
    prctl(PR_SET_CHILD_SUBREAPER, 1)  # what a fork leaves behind becomes ours to kill
    harden(LOCAL if sole else ANY)
    end_with_parent(signal.SIGKILL)
    step_back()
    limit(resource.RLIMIT_AS, memory_limit(), soft=True)
    limit(resource.RLIMIT_CPU, SERVER_SECONDS, soft=True)
    ends_at_once(signal.SIGXCPU)
    sole = sole or os.getpid() == 1
    notebook, fork, jobs, how = None, 0, 0, b"n"
    ours = set(os.listdir())
    while True:
        if fork and os.getpid() == 1 and crowded_before_message(control):
            end(fork, sole)
            fork, how = 0, b"e"
        message, descriptors, _, _ = socket.recv_fds(control, 1, 2)
        if message == b"l":
            pipe = Pipe(descriptors[0], descriptors[1])
            with ending_with(control):
                notebook, facts = load(pipe)
            pipe.send(facts)  # now that the next message may come
            if os.getpid() != 1:  # from here on we hear of its end by the socket, and have more to end than ourselves
                end_with_parent(0)
        elif message == b"f":
            jobs += 1
            fork, how = start(control, descriptors, notebook, jobs, processes), b"n"
        elif fork:
            how = end(fork, sole, GRACE_SECONDS if message == b"d" else 0)
            fork = 0
        for open_here in descriptors:
            os.close(open_here)
        if not message:
            return
        if message in (b"k", b"d"):
            with ending_with(control):
                for left in set(os.listdir()) - ours:
                    remove(left)
            control.sendall(how)


def crowded_before_message(control: socket.socket) -> bool:
    """Waits for a message; True where, before there is one, the folder holds too many files. The file system of a
    nursery's child has a limit of its own; bubblewrap sets none."""
    poll = select.poll()
    poll.register(control, select.POLLIN)
    while not poll.poll(LOOK * 1000):
        state = os.statvfs(".")
        if state.f_files - state.f_ffree > MOST_FILES:
            return True
    return False


def step_back() -> None:
    """Whatever this process and its forks do, the grader gets the processor first."""
    with contextlib.suppress(OSError):
        os.nice(NICENESS)


def ends_at_once(number: int) -> None:
    """This signal ends this process, even the first one of a namespace, and whatever Python is busy with."""
    if libc:
        libc.signal(number, ctypes.cast(libc._exit, ctypes.c_void_p))


@contextlib.contextmanager
def ending_with(control: socket.socket) -> Generator[None]:
    """While it lasts, the end of whoever holds the other end of the socket is ours. Nothing else may come over it."""
    ends_at_once(signal.SIGIO)
    flags = fcntl.fcntl(control, fcntl.F_GETFL)
    fcntl.fcntl(control, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(control, fcntl.F_SETFL, flags | fcntl.FASYNC)
    poll = select.poll()
    poll.register(control, 0)
    if poll.poll(0):  # it had hung up before
        os._exit(0)
    try:
        yield
    finally:
        fcntl.fcntl(control, fcntl.F_SETFL, flags)


def load(pipe: Pipe) -> tuple[tuple[list, dict], dict]:
    """Receives {"cells", "names"} and analyses them: what the forks need, and what the parent is to know."""
    request = pipe.receive(trusted=True)
    sources, names = json.loads(request["cells"].tobytes()), request["names"]
    units, broken = slicing.units_of(sources)
    slices = {name: slicing.slice_for(name, units) for name in names}
    for number, source in enumerate(sources, 1):
        linecache.cache[slicing.cell_name(number)] = (len(source), None, source.splitlines(True), "")
    for module, name in sorted(set().union(*(imports_of(chosen) for chosen, _ in slices.values()))):
        if module.split(".")[0] in WARM and "__main__" not in module:
            with contextlib.suppress(Exception, SystemExit):
                warm(module, name)
    importlib.import_module("course_utils.checking")  # every fork needs it
    gc.freeze()
    dynamic, bound = slicing.is_dynamic(sources), set().union(*(unit.binds for unit in units))
    facts = {
        "dynamic": dynamic,
        "nowhere": [name for name in names if name not in bound],
        "unbound": [
            name for name in names if not dynamic and name not in bound and not any(unit.star for unit in units)
        ],
        "mentions": {name: sorted(needed & set(names) - {name}) for name, (_, needed) in slices.items()},
        "broken": [
            [cell, message, line, [name for name in names if name in source]]
            for cell, source, message, line in broken[:50]
        ],
    }
    return (units, slices), facts


def imports_of(units: Iterable[slicing.Unit]) -> Iterator[tuple[str, str]]:
    """(module, name) of the import statements; the name is "" for a whole module, and "*" for all of its names."""
    for unit in units:
        for node in ast.walk(unit.tree):
            if isinstance(node, ast.Import):
                yield from ((name.name, "") for name in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield from ((node.module, name.name) for name in node.names)


def warm(module: str, name: str) -> None:
    """Imports a module and what is asked of it, which may be a module, too, or be imported when it is first asked for
    (`from scipy import stats`, `from numpy import *`)."""
    found = importlib.import_module(module)
    for one in getattr(found, "__all__", ()) if name == "*" else filter(None, [name]):
        if not hasattr(found, one) and hasattr(found, "__path__"):
            importlib.import_module(f"{module}.{one}")


def start(control: socket.socket, descriptors: list[int], notebook: Any, number: int, processes: int) -> int:
    """Forks; the fork runs one answer's cells and serves calls of the answer. Returns the fork's process id, or 0."""
    server, deadline = os.getpid(), time.monotonic() + FORK_SECONDS
    while True:
        try:
            pid = os.fork()
            break
        except OSError:  # others have used up what processes there may be, or memory
            if time.monotonic() > deadline:
                return 0
            time.sleep(0.1)
    if pid:
        return pid
    try:
        control.close()
        settle(number, processes, server)
        answer(Pipe(descriptors[0], descriptors[1]), *notebook)
    finally:
        os._exit(0)


def settle(number: int, processes: int, server: int) -> None:
    """Puts the fork into a session and an empty folder of its own, without output, and under limits."""
    os.setsid()
    end_with_parent(signal.SIGKILL)
    if os.getppid() != server:
        os._exit(0)
    spare((server,))
    folder = os.path.abspath(f"job{number}")
    os.mkdir(folder)
    os.chdir(folder)
    os.environ["HOME"] = os.environ["TMPDIR"] = folder
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
    random.seed(0)
    np.random.seed(0)
    for number in (signal.SIGXCPU, signal.SIGIO):
        signal.signal(number, signal.SIG_DFL)
    limit(resource.RLIMIT_CPU, CPU_SECONDS)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS - 5, CPU_SECONDS))  # first a signal that says why
    limits = {
        "RLIMIT_FSIZE": FILE_BYTES,
        "RLIMIT_NOFILE": OPEN_FILES,
        "RLIMIT_CORE": 0,
        "RLIMIT_AS": memory_limit(),
        **SHARED,
        **({"RLIMIT_NPROC": processes} if processes else {}),
    }
    for name, most in limits.items():
        if hasattr(resource, name):
            limit(getattr(resource, name), most)


def limit(number: int, most: int, soft: bool = False) -> None:
    """Lowers a limit of this process, for good unless `soft`; one that is lower already stays."""
    _, hard = resource.getrlimit(number)
    if hard != resource.RLIM_INFINITY:
        most = hard if most == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(number, (most, hard if soft else most))


def memory_limit() -> int:
    """Bytes of address space: what is in use and EXTRA_MEMORY more; no limit where the system does not tell."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE") + EXTRA_MEMORY
    except OSError:
        return resource.RLIM_INFINITY


def answer(pipe: Pipe, units: list[slicing.Unit], slices: dict) -> None:
    """Runs the cells of {"name", "whole", "seconds", "slow", "replace"}, says how that went, serves calls."""
    request = pipe.receive(trusted=True)
    name = request["name"]
    silent: Any = importlib.import_module("course_utils.checking")
    silent.replacements.update(request["replace"])
    chosen = units if request["whole"] else slices[name][0]
    module = types.ModuleType("__main__")
    module.__dict__.update(display=_nothing, get_ipython=lambda: _Quiet())
    sys.modules["__main__"] = module
    failed = []
    for unit in chosen:
        seconds = request["seconds"] / 10 if unit.cell in request["slow"] else request["seconds"]
        error = run(unit.code, module.__dict__, seconds)
        if error:
            failed.append([unit.cell, *error, name in unit.binds])
    function = module.__dict__.get(name)
    pipe.send(
        {
            "failed": failed[-20:],
            "bound": name in module.__dict__,
            "callable": callable(function),
            "type": type(function).__name__,
            "absent": [name for name in slices if name not in module.__dict__],
        }
    )
    serve({"answer": function}, pipe)


def run(code: types.CodeType, namespace: dict, seconds: float) -> tuple[str, str, str] | None:
    """Runs one statement for at most so many seconds of the processor, WALL times as many on the wall, and as many
    asleep; None, or the error's type, its text and the student's line."""
    before, started = time.process_time(), time.monotonic()

    def out_of_time(*_):
        raise CellTimeout("out of time")

    def asleep(*_):
        nonlocal before
        earlier, before = before, time.process_time()
        if before - earlier < ASLEEP * seconds or time.monotonic() - started > WALL * seconds:
            raise CellTimeout("out of time")

    signal.signal(signal.SIGPROF, out_of_time)
    signal.signal(signal.SIGALRM, asleep)
    try:
        signal.setitimer(signal.ITIMER_PROF, seconds, 1)  # every second again, should the cell catch it
        signal.setitimer(signal.ITIMER_REAL, seconds, seconds)
        exec(code, namespace)
        return None
    except BaseException as error:
        _no_timers()
        return _described(error)
    finally:
        _no_timers()


def _no_timers():
    for timer in (signal.ITIMER_PROF, signal.ITIMER_REAL):
        signal.setitimer(timer, 0)


def _described(error):
    try:
        text = str(error)[:500]
    except BaseException:
        text = ""
    try:
        line = student_line(error)
    except BaseException:
        line = ""
    return type(error).__name__[:100], text, line


def end(fork: int, sole: bool = False, grace: float = 0) -> bytes:
    """Kills the fork, its group, and whatever it started that has become a child of ours; says how it has been."""
    how, deadline = _how(fork), time.monotonic() + grace
    while how == b"k" and time.monotonic() < deadline:
        time.sleep(0.01)
        how = _how(fork)
    for kill in (os.killpg, os.kill):  # it is not buried yet, so that its number is nobody else's
        with contextlib.suppress(OSError):
            kill(fork, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(fork, 0)
    deadline = time.process_time() + END_SECONDS  # ours: others may keep us waiting, and what we kill
    while time.process_time() < deadline:
        if sole:
            with contextlib.suppress(OSError):
                os.kill(-1, signal.SIGKILL)
        orphans = _children()
        if not orphans:
            break
        for pid in orphans:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
    return how


def _how(fork):
    """b"k" where the fork is alive, b"9" where it was killed, b"e" where it has ended in another way."""
    try:
        found = os.waitid(os.P_PID, fork, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return b"e"
    if found is None:
        return b"k"
    return b"9" if (found.si_code, found.si_status) == (os.CLD_KILLED, signal.SIGKILL) else b"e"


def _children():
    try:
        with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
            return [int(pid) for pid in file.read().split()]
    except OSError:
        return []


def _nothing(*_, **__):
    """Stands for `display`, which has nowhere to show anything."""


class _Quiet:
    """Stands for IPython's shell: every method exists and does nothing."""

    def __getattr__(self, name):
        return _nothing
