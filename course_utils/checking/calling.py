"""Calling a student's function from outside: in a process of its own where the system can fork, with a limit on the
processor's time, a memory limit, its prints swallowed, and its result checked before anybody looks at it."""

import contextlib
import ctypes
import functools
import io
import os
import select
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from course_utils.checking import wire
from course_utils.checking.limits import (
    BUSY,
    COMPUTED,
    LOOK,
    Clock,
    Meter,
    OutOfTimeError,
    clock_of,
    one_blas_thread,
)
from course_utils.exercises.stand_ins import resolve

VARIANT_SECONDS = 0.1  # of processor time at most, for a changed source of an answer
SHORTEST, SO_MANY_TIMES = 0.01, 20  # seconds that it has in any case, and how often as long as the answer it may take
VARIANT_MEMORY = 1 << 26  # bytes more than there are, for all changed sources
CHANGED = "<changed>"  # where the code of a changed source says it comes from
SLOWER = 3  # so many times as long may an answer take in a browser, where Python is that much slower, or more
EXTRA_MEMORY = 4 << 30  # bytes that an answer may use beyond what the notebook has already
SELF = "/proc/self"  # where Linux tells a process about itself; some containers leave it out
NICENESS = 2  # whoever waits for an answer goes first; little, so that beside busy programs it still has its turn
Tick = Callable[[float], None]  # told how many seconds of a limit are used up
Call = Callable[..., "Outcome"]  # call(args, seconds)


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
    seconds: float = 0.0  # of the limit that it used up
    limit: str = ""  # that was reached, in words, where it is not the exercise's seconds of the processor


class Printed(io.TextIOBase):
    """Keeps the first 2000 characters of what is written to it and lets the rest go."""

    def __init__(self):
        self.kept = ""

    def write(self, text: str) -> int:
        """Keeps the text, as far as there is room."""
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


@contextlib.contextmanager
def swallowed(printed: Printed) -> Generator[None]:
    """What is printed goes there, and warnings nowhere."""
    with (
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(printed),
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
    ):
        warnings.simplefilter("ignore")
        yield


def perform(function: Callable, args: tuple) -> dict:
    """Calls `function(*args)` in this process and returns a reply that can be encoded."""
    given = resolve(args)
    printed = Printed()
    reply: dict[str, Any] = {}
    try:
        with swallowed(printed):
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


def perform_all(
    function: Callable, variants: list[str], args: tuple, attempt: Callable[[Callable, tuple], dict] | None = None
) -> dict:
    """Calls functions with other sources in the place of one, each for a short time: {"value": [[value] or []]}.

    They see the globals that it sees, and change none. `attempt` performs one of them, by default in a time that suits
    the answer's own: a change that makes it endless, or its arrays huge, is not waited for.
    """
    values: list[list] = []
    name = getattr(function, "__name__", "")
    with little_memory() if attempt is None else contextlib.nullcontext(), swallowed(Printed()):
        attempt = attempt or functools.partial(perform_briefly, seconds=limit_beside(function, args))
        for source in variants:
            namespace = dict(getattr(function, "__globals__", {}))
            namespace.pop(name, None)
            reply: dict = {}
            with contextlib.suppress(Exception):
                exec(compile(source, CHANGED, "exec"), namespace)
                reply = attempt(namespace[name], args)
            values.append([reply["value"]] if "value" in reply else [])
    return {"value": values}


def limit_beside(function: Callable, args: tuple) -> float:
    """How many seconds a changed source of the answer may take: many times as long as the answer itself."""
    began = time.process_time()
    perform_briefly(function, args)
    return min(max(SO_MANY_TIMES * (time.process_time() - began), SHORTEST), VARIANT_SECONDS)


def perform_briefly(function: Callable, args: tuple, seconds: float = VARIANT_SECONDS) -> dict:
    """As `perform`, for so many seconds of this process's time; of an error nothing is told, not even a line: most
    changed sources raise one."""
    try:
        with short_time(seconds):
            value = function(*resolve(args))
            wire.encode(value)
    except BaseException:
        return {}
    return {"value": value}


def gradient_of(function: Callable, n: int) -> Callable:
    """A function that differentiates the sum of another one's results in its first n arguments, with autograd."""

    def gradient(*args):
        import autograd
        import autograd.numpy as anp

        return autograd.grad(lambda first: anp.sum(function(*first, *args[n:])))(args[:n])

    return gradient


def perform_and_count(function: Callable, args: tuple) -> dict:
    """Calls function(*args) and tells how many words its generators have been asked for: {"value": [words ...]}."""
    given = resolve(args)
    reply = perform(lambda: (function(*given), None)[1], ())  # the value may be of any kind, and is not asked for
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
def short_time(seconds: float) -> Generator[None]:
    """At most so many seconds of this process's time, where the system can count it."""

    def stop(*_):
        raise TimeoutError

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@contextlib.contextmanager
def little_memory() -> Generator[None]:
    """At most VARIANT_MEMORY more than now, in a process whose memory is limited already.

    A changed size may make arrays of a billion entries, and no signal stops numpy while it fills them.
    """
    limits = memory_limits()
    if limits is None:
        yield
        return
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (min(limits[0], memory_in_use() + VARIANT_MEMORY), limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)


def memory_limits() -> tuple[int, int] | None:
    """The soft and the hard limit of this process's memory; None where there is none, or no telling what it has."""
    try:
        import resource

        memory_in_use()
    except (ImportError, OSError):
        return None
    limits = resource.getrlimit(resource.RLIMIT_AS)
    return None if limits[0] == resource.RLIM_INFINITY else limits


def memory_in_use() -> int:
    """How many bytes of addresses this process has; OSError where Linux does not tell."""
    with open(f"{SELF}/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")


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
    """Both ends' way of talking: whole frames over two file descriptors, with a limit on every wait.

    `clock` measures whoever is at the other end. `hung_up` says that nobody is any more.
    """

    def __init__(self, reading: int, writing: int, clock: Clock | None = None):
        self.reading, self.writing, self.clock = reading, writing, clock
        self.hung_up, self.busy = False, False

    def send(self, value: Any, meter: Meter | None = None) -> None:
        """Sends a frame. With a limit, `writing` must not block: the reader may have stopped reading."""
        view = memoryview(wire.encode(value))
        while view:
            if meter:
                self._wait(self.writing, select.POLLOUT, meter)
            try:
                view = view[os.write(self.writing, view) :]
            except BrokenPipeError:
                self.hung_up = True
                raise

    def receive(self, meter: Meter | None = None, tick: Tick | None = None, trusted: bool = False) -> Any:
        """The next frame's value. Of one that is larger than any right answer, its arrays are named and not kept."""
        header, payload = wire.frame_lengths(self._read(wire.HEAD.size, meter, tick))
        text = self._read(header, meter, tick)
        if payload <= wire.KEPT_PAYLOAD or trusted:
            return wire.decode(text, self._read(payload, meter, tick), trusted=trusted)
        while payload:
            payload -= len(self._read(min(payload, 1 << 16), meter, tick))
        return wire.decode(text, None)

    def _read(self, n, meter, tick):
        parts, missing = [], n
        while missing:
            if meter:
                self._wait(self.reading, select.POLLIN, meter, tick)
            part = os.read(self.reading, min(missing, 1 << 16))
            if not part:
                self.hung_up = True
                raise EOFError
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    def _wait(self, descriptor, event, meter, tick=None):
        """Until the descriptor is ready, or hung up. Not by `select`, which cannot take a number beyond 1,023."""
        poll = select.poll()
        poll.register(descriptor, event)
        while True:
            try:
                left = meter.look()
            except OutOfTimeError as error:
                self.busy = str(error) == BUSY
                raise
            if poll.poll(left * 1000):
                return
            if tick:
                tick(meter.used)

    def ask(self, request: Any, seconds: float, tick: Tick | None = None, **limits: Any) -> Outcome:
        """Sends a request and waits for its reply; every way in which that can go wrong is an Outcome too."""
        meter = Meter(seconds, self.clock, **limits)
        try:
            self.send(request, meter)
            outcome = outcome_of(self.receive(meter, tick))
        except TimeoutError as error:
            outcome = Outcome("timeout", message=str(error))
        except (EOFError, OSError):
            outcome = Outcome("died")
        except wire.WireError as error:
            outcome = Outcome("unreadable", message=str(error))
        return replace(outcome, seconds=meter.used)


def serve(functions: dict[str, Any], pipe: Pipe) -> None:
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
def forked(function: Callable, tick: Tick | None = None) -> Generator[Call]:
    """Yields call(args, seconds) -> Outcome, which runs `function` in a fork of this process.

    The fork sees the notebook as it is now, and nothing that it does comes back but the reply: an answer that
    loops for ever, exits, fills the memory or crashes the interpreter costs a message and not the kernel.
    """
    request_out, request_in = os.pipe()
    reply_out, reply_in = os.pipe()
    os.set_blocking(request_in, False)
    child = Pipe(request_out, reply_in)
    parent_pid = os.getpid()
    with warnings.catch_warnings(), one_blas_thread():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12+: forking a process that has threads
        pid = os.fork()
        if pid == 0:  # with one thread for good: it does not leave this block
            try:
                _settle_child(child, parent_pid)
                serve({"answer": function}, child)
            finally:
                os._exit(0)
    parent = Pipe(reply_out, request_in, lambda: clock_of(pid))
    os.close(child.reading)
    os.close(child.writing)
    try:
        yield lambda args, seconds, **more: parent.ask({"call": "answer", "args": list(args)} | more, seconds, tick)
    finally:
        os.close(parent.reading)
        os.close(parent.writing)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _settle_child(own_ends, parent):
    import resource

    os.setsid()
    ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG: not to outlive the notebook's kernel
    if os.getppid() != parent:
        os._exit(0)
    os.nice(NICENESS)
    for descriptor in _open_descriptors():  # the kernel's sockets, the parent's ends of the pipes
        if descriptor > 2 and descriptor not in (own_ends.reading, own_ends.writing):
            with contextlib.suppress(OSError):
                os.close(descriptor)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError):  # else there is no limit
        most = memory_in_use() + EXTRA_MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _open_descriptors():
    """The descriptors that may be open in this process."""
    try:
        return list(map(int, os.listdir(f"{SELF}/fd")))
    except OSError:
        return range(min(os.sysconf("SC_OPEN_MAX"), 1 << 16))


@contextlib.contextmanager
def threaded(function: Callable, tick: Tick | None = None) -> Generator[Call]:
    """As `forked`, in a thread of this process, for systems without a safe fork (macOS, Windows).

    A call that is out of time gets an exception thrown into it; pure Python code ends there. What waits elsewhere,
    in C, goes on unseen, and prints reach the notebook again all the same.
    """

    def call(args, seconds, **more):
        if more:  # a thread cannot be stopped for sure, so nothing else is tried in one
            return Outcome("unreadable", message="only the answer itself is called here")
        replies, clocks, streams, filters = [], [], (sys.stdout, sys.stderr), warnings.filters

        def answer():
            if hasattr(time, "pthread_getcpuclockid"):  # asked for here: of a thread that has ended, it may crash
                clocks.append(time.pthread_getcpuclockid(threading.get_ident()))
            replies.append(perform(function, args))

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        meter = Meter(seconds, lambda: (_thread_seconds(clocks), False))
        try:
            while thread.is_alive():
                thread.join(min(meter.look(), 0.1))
                if tick:
                    tick(meter.used)
        except TimeoutError as error:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(thread.ident or 0), ctypes.py_object(TimeoutError)
            )
            thread.join(1)
            sys.stdout, sys.stderr = streams
            warnings.filters = filters
            return Outcome("timeout", message=str(error), seconds=meter.used)
        return replace(outcome_of(wire.decode_frame(wire.encode(replies[0]))), seconds=meter.used)

    yield call


def _thread_seconds(clocks):
    """Seconds of the processor that a thread has taken; where no call of the system tells (macOS, Windows), those of
    the whole process, the rest of which is waiting."""
    with contextlib.suppress(OSError):  # the thread has ended
        return time.clock_gettime(clocks[0]) if clocks else time.process_time()
    return 0.0


class Stopped(BaseException):
    """Thrown into an answer that is out of time; no `except Exception` in it holds it back."""


def until(function: Callable, meter: Meter, tick: Tick | None = None) -> Callable:
    """The function, ended by Stopped when the meter's limit is reached while it runs Python code in this thread.

    Python 3.12 and newer: whenever its code, or code that it calls, enters a function or jumps back, as every loop
    does, somebody looks at the meter. One call into C that does not end goes on.
    """
    monitoring = getattr(sys, "monitoring")  # noqa: B009  a type checker for 3.11 does not know it
    tool, watched_events = monitoring.PROFILER_ID, (monitoring.events.JUMP, monitoring.events.PY_START)
    told = 0.0

    def look(*_):
        nonlocal told
        try:
            meter.look()
        except OutOfTimeError:
            raise Stopped from None
        if tick and meter.used > told + LOOK:
            told = meter.used
            tick(told)

    def limited(*args):
        monitoring.use_tool_id(tool, "course check")
        for event in watched_events:
            monitoring.register_callback(tool, event, look)
        try:  # between the switches, nothing but the function enters or jumps
            monitoring.set_events(tool, sum(watched_events))
            return function(*args)
        finally:
            monitoring.set_events(tool, 0)
            monitoring.free_tool_id(tool)

    return limited


@contextlib.contextmanager
def watched(function: Callable, tick: Tick | None = None) -> Generator[Call]:
    """As `forked`, in this very thread, for a notebook in the browser, which has no process and no thread to give.

    Seconds are on the wall, SLOWER times as many. What the answer does to the notebook stays done, and a call into C
    that does not end ends with the kernel alone.
    """

    def call(args, seconds, variants=None, differentiated=0, drawn=False):
        meter = Meter(SLOWER * seconds)
        limited = until(function, meter, tick)
        if variants is not None:
            reply = perform_all(function, variants, args, lambda f, a: perform(until(f, Meter(VARIANT_SECONDS)), a))
        elif differentiated:
            reply = perform(until(gradient_of(function, differentiated), meter, tick), args)
        else:
            reply = perform_and_count(limited, args) if drawn else perform(limited, args)
        if reply.get("error") == Stopped.__name__:
            return Outcome("timeout", message=COMPUTED, seconds=seconds, limit=f"{SLOWER * seconds:g} seconds")
        return replace(outcome_of(wire.decode_frame(wire.encode(reply))), seconds=meter.used / SLOWER)

    yield call


isolated = {"linux": forked, "emscripten": watched}.get(sys.platform, threaded)
