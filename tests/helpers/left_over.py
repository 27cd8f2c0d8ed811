"""Answers that cling to life, and what tests of left-over processes look at."""

import time
from pathlib import Path

CLINGS = """
import ctypes, os, signal, time
def attempt(f, *args):
    try:
        return f(*args)
    except BaseException:
        return None
def cling():
    '''Whatever makes a process outlive others: no signal at a parent's end, none that is heeded, nobody's session.'''
    attempt(os.setsid)
    ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)
    for number in range(1, 65):
        attempt(signal.signal, number, signal.SIG_IGN)
def busy(seconds=90):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass
"""
ANSWERS = {
    "spins": """
    cling()
    busy()""",
    "seven-spinners": """
    for _ in range(7):
        if os.fork() == 0:
            cling()
            busy()
            os._exit(0)
    busy()""",
    "daemon": """
    if os.fork() == 0:
        cling()
        if os.fork() == 0:
            cling()
            os.closerange(0, 64)
            time.sleep(90)
        os._exit(0)
    cling()
    time.sleep(90)""",
    "stops-its-server": """
    server = os.getppid()
    if os.fork() == 0:
        cling()
        time.sleep(90)
    cling()
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for target in (server, -server):
            attempt(os.kill, target, number)
        descriptor = attempt(os.pidfd_open, server)
        attempt(signal.pidfd_send_signal, descriptor, number)
    time.sleep(90)""",
}


def with_memory(pids):
    """Those of the processes that are there, but for what nobody has buried yet."""
    return {pid for pid in pids if _command(pid)}


def _command(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def named(text):
    """The processes in whose command line the text is; a fork has that of its server."""
    return {int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit() and text.encode() in _command(p.name)}


def ended(pids, seconds):
    """Whether all of these processes end in so many seconds; else which are left."""
    end = time.monotonic() + seconds
    while with_memory(pids) and time.monotonic() < end:
        time.sleep(0.1)
    return {pid: _command(pid)[:200] for pid in with_memory(pids)}
