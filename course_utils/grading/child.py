"""What runs in the child: a server without any student code, and one fork of it for each answer.

The server imports the numerical libraries once, reads and analyses the cells, and then only forks and kills. A fork
runs the cells that its answer needs and answers calls over a pipe of its own, so that nothing that one answer does
can reach another's. The grader's parent (sandbox.py) talks to the server over a socket, with these messages:
b"l" and two descriptors: load the cells that come over them; b"f" and two descriptors: fork; b"k": kill the fork.
"""

import ast
import contextlib
import gc
import importlib
import json
import linecache
import os
import random
import resource
import signal
import socket
import sys
import types

import numpy as np

from course_utils.checking.calling import EXTRA_MEMORY, Pipe, serve, student_line
from course_utils.grading import slicing
from course_utils.grading.cleaning import remove
from course_utils.grading.hardening import PR_SET_CHILD_SUBREAPER, PR_SET_PDEATHSIG, harden, prctl

CPU_SECONDS, FILE_BYTES, OPEN_FILES = 300, 64 << 20, 256
WARM = ("numpy", "scipy", "autograd", "matplotlib", "course_utils")  # imported before the fork where needed


class CellTimeout(BaseException):
    """Raised in a cell that is out of time; no Exception, so that a student's `except Exception` lets it pass."""


def main(descriptor: int, processes: int = 0):
    """Serves the parent at the other end of the socket until it hangs up. A fork may have `processes`; 0: any."""
    control = socket.socket(fileno=descriptor)
    prctl(PR_SET_CHILD_SUBREAPER, 1)  # what a fork leaves behind becomes ours to kill
    harden()
    limit(resource.RLIMIT_AS, memory_limit(), soft=True)
    notebook, fork, jobs = None, None, 0
    ours = set(os.listdir())
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 1, 2)
        if message == b"l":
            notebook = load(Pipe(*descriptors))
        elif message == b"f":
            jobs += 1
            fork = start(control, descriptors, notebook, jobs, processes)
        elif fork:
            end(fork)
            fork = None
            for left in set(os.listdir()) - ours:
                remove(left)
        for open_here in descriptors:
            os.close(open_here)
        if message == b"k":
            control.sendall(b"k")
        elif not message:
            return


def load(pipe):
    """Receives {"cells", "names"}, analyses them, tells the parent what it found, and keeps what the forks need."""
    request = pipe.receive(trusted=True)
    sources, names = json.loads(request["cells"].tobytes()), request["names"]
    units, broken = slicing.units_of(sources)
    slices = {name: slicing.slice_for(name, units) for name in names}
    for number, source in enumerate(sources, 1):
        linecache.cache[slicing.cell_name(number)] = (len(source), None, source.splitlines(True), "")
    for module in sorted(set().union(*(modules_of(chosen) for chosen, _ in slices.values()))):
        if module.split(".")[0] in WARM:
            with contextlib.suppress(Exception):
                importlib.import_module(module)
    importlib.import_module("course_utils.checking")  # every fork needs it
    gc.freeze()
    dynamic, bound = slicing.is_dynamic(sources), set().union(*(unit.binds for unit in units))
    pipe.send(
        {
            "dynamic": dynamic,
            "unbound": [
                name for name in names if not dynamic and name not in bound and not any(unit.star for unit in units)
            ],
            "mentions": {name: sorted(needed & set(names) - {name}) for name, (_, needed) in slices.items()},
            "broken": [
                [cell, message, line, [name for name in names if name in source]]
                for cell, source, message, line in broken[:50]
            ],
        }
    )
    return units, slices


def modules_of(units):
    """The modules that import statements name."""
    for unit in units:
        for node in ast.walk(unit.tree):
            if isinstance(node, ast.Import):
                yield from (name.name for name in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module
                if node.module.split(".")[0] == "course_utils":  # a name may be a module
                    yield from (f"{node.module}.{name.name}" for name in node.names)


def start(control, descriptors, notebook, number, processes) -> int:
    """Forks; the fork runs one answer's cells and serves calls of the answer. Returns the fork's process id."""
    pid = os.fork()
    if pid:
        return pid
    try:
        control.close()
        settle(number, processes)
        answer(Pipe(*descriptors), *notebook)
    finally:
        os._exit(0)


def settle(number, processes):
    """Puts the fork into a session and an empty folder of its own, without output, and under limits."""
    os.setsid()
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
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
    limits = {
        "RLIMIT_CPU": CPU_SECONDS,
        "RLIMIT_FSIZE": FILE_BYTES,
        "RLIMIT_NOFILE": OPEN_FILES,
        "RLIMIT_CORE": 0,
        "RLIMIT_AS": memory_limit(),
        **({"RLIMIT_NPROC": processes} if processes else {}),
    }
    for name, most in limits.items():
        limit(getattr(resource, name), most)


def limit(number, most, soft=False):
    """Lowers a limit of this process, for good unless `soft`; one that is lower already stays."""
    _, hard = resource.getrlimit(number)
    if hard != resource.RLIM_INFINITY:
        most = hard if most == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(number, (most, hard if soft else most))


def memory_limit():
    """Bytes of address space: what is in use and EXTRA_MEMORY more. No limit where the system does not tell."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE") + EXTRA_MEMORY
    except OSError:
        return resource.RLIM_INFINITY


def answer(pipe, units, slices):
    """Runs the cells of {"name", "whole", "seconds", "slow", "replace"}, says how that went, serves calls."""
    request = pipe.receive(trusted=True)
    name = request["name"]
    importlib.import_module("course_utils.checking").replacements.update(request["replace"])
    chosen = units if request["whole"] else slices[name][0]
    module = types.ModuleType("__main__")
    module.display, module.get_ipython = _nothing, lambda: _Quiet()
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
        }
    )
    serve({"answer": function}, pipe)


def run(code, namespace, seconds):
    """Runs one statement for at most so long; None, or the error's type, its text and the student's line."""

    def out_of_time(*_):
        raise CellTimeout("out of time")

    signal.signal(signal.SIGALRM, out_of_time)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1)  # every second again, should the cell catch it
    try:
        exec(code, namespace)
    except BaseException as error:
        signal.setitimer(signal.ITIMER_REAL, 0)
        return _described(error)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


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


def end(fork):
    """Kills the fork, its group, and whatever it started that has become a child of ours."""
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(OSError):
            kill(fork, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(fork, 0)
    for _ in range(100):
        orphans = _children()
        if not orphans:
            return
        for pid in orphans:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _children():
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as file:
            return [int(pid) for pid in file.read().split()]
    except OSError:
        return []


def _nothing(*_, **__):
    """Stands for `display`, which has nowhere to show anything."""


class _Quiet:
    """Stands for IPython's shell: every method exists and does nothing."""

    def __getattr__(self, name):
        return _nothing
