"""Calling a student's function from outside: in a process of its own where the system can fork, with a time limit,
a memory limit, its prints swallowed, and its result checked before anybody looks at it."""

import contextlib
import ctypes
import io
import os
import select
import signal
import sys
import threading
import time
import traceback
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from course_utils.checking import wire
from course_utils.exercises.stand_ins import resolve

VARIANT_SECONDS = 0.5  # of processor time, for a changed source of an answer
EXTRA_MEMORY = 4 << 30  # bytes that an answer may use beyond what the notebook has already


@dataclass(frozen=True)
class Outcome:
    """What came of one call. `kind`: "value", "raised", "timeout", "died" or "unreadable"."""

    kind: str
    value: Any = None
    error: str = ""  # the exception's type
    message: str = ""  # its text
    line: str = ""  # the student's line that raised it, with its number
    printed: str = ""
    changed: bool = False  # whether the call overwrote its arguments


class Printed(io.TextIOBase):
    """Keeps the first 2000 characters of what is written to it and lets the rest go."""

    def __init__(self):
        self.kept = ""

    def write(self, text):
        self.kept += text[: 2000 - len(self.kept)]
        return len(text)


def student_line(error: BaseException) -> str:
    """The last line of the traceback that lies in the student's own cell, as "line 3: y = x.colour"."""
    libraries = ("site-packages", os.path.dirname(os.path.dirname(__file__)), os.path.dirname(os.__file__), "<frozen")
    own = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not any(library in frame.filename for library in libraries)
    ]
    if isinstance(error, SyntaxError) or not own:
        return ""
    source = f": {own[-1].line}" if own[-1].line else ""
    return f"line {own[-1].lineno}{source}"[:300]


def _same(a, b):
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, list | tuple):
        return isinstance(b, list | tuple) and len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    return a == b if isinstance(a, int | float | str) and a == a else True  # a generator moves on, and nan is not nan


def perform(function, args) -> dict:
    """Calls `function(*args)` in this process and returns a reply that can be encoded."""
    given = resolve(args)
    printed = Printed()
    reply: dict[str, Any] = {}
    try:
        with (
            contextlib.redirect_stdout(printed),
            contextlib.redirect_stderr(printed),
            warnings.catch_warnings(),
            np.errstate(all="ignore"),
        ):
            warnings.simplefilter("ignore")
            value = function(*given)
            wire.encode(value)  # a result whose own methods raise fails here, as the student's error
        reply = {"value": value}
    except BaseException as error:
        reply = {"error": type(error).__name__[:100], "message": _text(error), "line": student_line(error)}
    changed = not _same(resolve(args), given) if "value" in reply else False
    return reply | {"printed": printed.kept, "changed": changed}


def _text(error):
    try:
        return str(error)[:500]
    except Exception:
        return ""


def perform_all(function, variants: list[str], args) -> dict:
    """Calls functions with other sources in the place of one, each for a short time: {"value": [[value] or []]}.

    They see the globals that it sees, and change none.
    """
    values: list[list] = []
    for source in variants:
        namespace = dict(getattr(function, "__globals__", {}))
        namespace.pop(function.__name__, None)
        reply: dict = {}
        with contextlib.suppress(Exception):
            exec(compile(source, "<changed>", "exec"), namespace)
            with short_time():
                reply = perform(namespace[function.__name__], args)
        values.append([reply["value"]] if "value" in reply else [])
    return {"value": values}


def gradient_of(function, n: int):
    """A function that differentiates the sum of another one's results in its first n arguments, with autograd."""

    def gradient(*args):
        import autograd
        import autograd.numpy as anp

        return autograd.grad(lambda first: anp.sum(function(*first, *args[n:])))(args[:n])

    return gradient


def perform_and_count(function, args) -> dict:
    """Calls function(*args) and tells how many words its generators have been asked for: {"value": [words ...]}."""
    given = resolve(args)
    reply = perform(lambda: function(*given) and None, ())
    fresh = [(a, b) for a, b in zip(resolve(args), given) if isinstance(a, np.random.Generator)]
    return reply | {"value": [words_between(*pair) for pair in fresh]} if "value" in reply else reply


def words_between(before: np.random.Generator, after: np.random.Generator) -> int:
    """How many words of 64 bits a generator has been asked for, from its states; -1 where they cannot tell.

    The states of PCG64 are s -> a s + c modulo 2^128: the number of steps is found bit by bit (O'Neill 2014, 4.3.1).
    """
    states = [generator.bit_generator.state for generator in (before, after)]
    if any(state["bit_generator"] != "PCG64" for state in states):
        return -1
    now, goal = (state["state"]["state"] for state in states)
    factor, summand, bit, words = 0x2360ED051FC65DA44385DF649FCCF645, states[0]["state"]["inc"], 1, 0
    while now != goal and bit < 1 << 62:
        if (now ^ goal) & bit:
            now, words = (now * factor + summand) % (1 << 128), words | bit
        factor, summand, bit = factor * factor % (1 << 128), (factor + 1) * summand % (1 << 128), bit << 1
    return words if now == goal else -1


@contextlib.contextmanager
def short_time():
    """At most VARIANT_SECONDS of this process's time, where the system can count it."""

    def stop(*_):
        raise TimeoutError

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, VARIANT_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def outcome_of(reply: Any) -> Outcome:
    """The reply of a child as an Outcome, whatever the child put in it."""
    if not isinstance(reply, dict) or not ("value" in reply or "error" in reply):
        return Outcome("unreadable", message="the answer's process replied with something that is no result")

    def text(key):
        return str(reply.get(key, ""))[:2000]

    changed = bool(reply.get("changed", False)) if isinstance(reply.get("changed"), bool) else False
    if "error" in reply:
        return Outcome(
            "raised", error=text("error"), message=text("message"), line=text("line"), printed=text("printed")
        )
    return Outcome("value", reply["value"], printed=text("printed"), changed=changed)


class Pipe:
    """Both ends' way of talking: whole frames over two file descriptors, with a deadline on every read."""

    def __init__(self, reading: int, writing: int):
        self.reading, self.writing = reading, writing

    def send(self, value, deadline=None):
        """Sends a frame. With a deadline, `writing` must not block: the reader may have stopped reading."""
        view = memoryview(wire.encode(value))
        while view:
            if (
                deadline is not None
                and not select.select([], [self.writing], [], max(0, deadline - time.monotonic()))[1]
            ):
                raise TimeoutError
            view = view[os.write(self.writing, view) :]

    def receive(self, deadline=None, tick=None, trusted=False):
        header, payload = wire.frame_lengths(self._read(wire.HEAD.size, deadline, tick))
        return wire.decode(self._read(header, deadline, tick), self._read(payload, deadline, tick), trusted=trusted)

    def _read(self, n, deadline, tick):
        parts, missing = [], n
        while missing:
            if deadline is not None:
                self._wait(deadline, tick)
            part = os.read(self.reading, min(missing, 1 << 20))
            if not part:
                raise EOFError
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    def _wait(self, deadline, tick):
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            if select.select([self.reading], [], [], min(left, 0.1))[0]:
                return
            if tick:
                tick()

    def ask(self, request, deadline, tick=None) -> Outcome:
        """Sends a request and waits for its reply; every way in which that can go wrong is an Outcome too."""
        try:
            self.send(request, deadline)
            return outcome_of(self.receive(deadline, tick))
        except TimeoutError:
            return Outcome("timeout")
        except (EOFError, OSError):
            return Outcome("died")
        except wire.WireError as error:
            return Outcome("unreadable", message=str(error))


def serve(functions, pipe: Pipe):
    """The child's loop: answers requests {"call": name, "args": [...]} until the parent hangs up. With "variants",
    changed sources are called in its place; with "differentiated", its gradient; with "drawn", its draws are counted.
    """
    while True:
        try:
            request = pipe.receive(trusted=True)
        except EOFError:
            return
        function, args = functions[request["call"]], tuple(request["args"])
        if "variants" in request:
            pipe.send(perform_all(function, request["variants"], args))
        elif "differentiated" in request:
            pipe.send(perform(gradient_of(function, request["differentiated"]), args))
        elif "drawn" in request:
            pipe.send(perform_and_count(function, args))
        else:
            pipe.send(perform(function, args))


@contextlib.contextmanager
def forked(function, tick=None):
    """Yields call(args, deadline) -> Outcome, which runs `function` in a fork of this process.

    The fork sees the notebook as it is now, and nothing that it does comes back but the reply: an answer that
    loops for ever, exits, fills the memory or crashes the interpreter costs a message and not the kernel.
    """
    request_out, request_in = os.pipe()
    reply_out, reply_in = os.pipe()
    os.set_blocking(request_in, False)
    parent, child = Pipe(reply_out, request_in), Pipe(request_out, reply_in)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12+: forking a process that has threads
        pid = os.fork()
    if pid == 0:
        try:
            _settle_child(child)
            serve({"answer": function}, child)
        finally:
            os._exit(0)
    os.close(child.reading)
    os.close(child.writing)
    try:
        yield lambda args, deadline, **more: parent.ask({"call": "answer", "args": list(args)} | more, deadline, tick)
    finally:
        os.close(parent.reading)
        os.close(parent.writing)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _settle_child(own_ends):
    import resource

    os.setsid()
    for descriptor in map(int, os.listdir("/proc/self/fd")):  # the kernel's sockets, the parent's ends of the pipes
        if descriptor > 2 and descriptor not in (own_ends.reading, own_ends.writing):
            with contextlib.suppress(OSError):
                os.close(descriptor)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (used + EXTRA_MEMORY,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


@contextlib.contextmanager
def threaded(function, tick=None):
    """As `forked`, in a thread of this process, for systems without a safe fork (macOS, Windows).

    A call that is out of time gets an exception thrown into it; pure Python code ends there.
    """

    def call(args, deadline, **more):
        if more:  # a thread cannot be stopped for sure, so nothing else is tried in one
            return Outcome("unreadable", message="only the answer itself is called here")
        replies = []
        thread = threading.Thread(target=lambda: replies.append(perform(function, args)), daemon=True)
        thread.start()
        while thread.is_alive() and time.monotonic() < deadline:
            thread.join(0.1)
            if tick:
                tick()
        if thread.is_alive():
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(TimeoutError))
            thread.join(1)
            return Outcome("timeout")
        return outcome_of(wire.decode_frame(wire.encode(replies[0])))

    yield call


isolated = forked if sys.platform == "linux" else threaded
