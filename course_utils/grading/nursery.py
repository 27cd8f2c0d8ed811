"""Where strict children come from: a process that has imported the numerical libraries, never reads student code, and
forks once for each submission. Runs in a sandbox of its own; the parent's end is nurseries.py.

A fork has namespaces of its own before it becomes a child (child.py): processes, files, sockets and shared memory of a
submission end with the fork, and it sees neither the nursery, nor other submissions, nor other copies of the library.
"""

import contextlib
import ctypes
import fcntl
import gc
import importlib
import os
import platform
import signal
import socket
import struct
import sys
import traceback
from collections.abc import Callable
from typing import Any

import autograd.numpy  # noqa: F401  what nearly every notebook imports, once for all
import numpy  # noqa: F401

from course_utils.grading import child
from course_utils.grading.hardening import CLONE, MACHINES, NEW, PR_SET_NO_NEW_PRIVS, end_with_parent, libc, prctl

LIBRARY, LIBRARIES, WORK = "/course", "/libraries", "/tmp"
CONTROL, LOG = 3, 2  # the only descriptors that a fork keeps
PR_CAPBSET_READ, PR_CAPBSET_DROP, PR_CAP_AMBIENT, CLEAR_ALL = 23, 24, 47, 4
IDS = {"setgroups": "deny", "uid_map": f"{os.getuid()} {os.getuid()} 1", "gid_map": f"{os.getgid()} {os.getgid()} 1"}
RDONLY, NOSUID, NODEV, NOEXEC, REMOUNT, BIND, REC = 1, 2, 4, 8, 32, 4096, 16384  # <sys/mount.h>


def main(descriptor: int, processes: int, work_bytes: int, kept: list[str], modules: tuple[str, ...] = ()) -> None:
    """Serves the parent at the other end of the socket until it hangs up. A message is the name of a copy of the
    library, with two descriptors: the child's control socket and its log. kept: what a child sees below WORK. modules:
    what else all its children will need."""
    requests = socket.socket(fileno=descriptor)
    for module in modules:
        importlib.import_module(module)
    end_with_parent(signal.SIGKILL)  # as bubblewrap has asked for, before it gave up its rights
    gc.collect()
    gc.freeze()
    requests.send(b"r")
    while True:
        message, descriptors, _, _ = socket.recv_fds(requests, 200, 2)
        if not message:
            break
        if fork_into_namespaces() == 0:
            last_words(become_child, message.decode(), descriptors, processes, work_bytes, kept)
        for open_here in descriptors:
            os.close(open_here)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
    if os.getpid() == 1:  # whoever hangs up has no child left, or is dead
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while True:  # the time that they took is counted with us
            os.wait()


def fork_into_namespaces() -> int:
    """Forks; returns 0 in the fork, which is the first process of new namespaces, with all rights in these and nowhere
    else. When it ends, so does every process in them. This is os.fork, but for the flags of the system call."""
    python = ctypes.PyDLL(None, use_errno=True)
    flags = sum(NEW[name] for name in ("NS", "UTS", "IPC", "USER", "PID", "NET")) | signal.SIGCHLD
    number = CLONE[MACHINES[platform.machine()][0]]
    python.PyOS_BeforeFork()
    pid = python.syscall(*map(ctypes.c_long, (number, flags, 0, 0, 0, 0)))
    if pid == 0:
        python.PyOS_AfterFork_Child()
    else:
        python.PyOS_AfterFork_Parent()
    return check(pid, "(a process in new namespaces)")


def last_words(function: Callable, *args: Any) -> None:
    """Calls the function and ends this process; an error goes to the log."""
    try:
        function(*args)
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(0)


def become_child(library: str, descriptors: list[int], processes: int, work_bytes: int, kept: list[str]) -> None:
    """In the first process of the new namespaces: its own view of the files, no rights, then what every child does."""
    control, log = descriptors
    os.dup2(log, LOG)
    os.dup2(control, CONTROL)
    os.closerange(CONTROL + 1, os.sysconf("SC_OPEN_MAX"))
    end_with_parent(signal.SIGKILL)
    os.setsid()  # signals to a process group pass the borders of namespaces
    for name, text in IDS.items():
        write(f"/proc/self/{name}", text)
    own_view(library, work_bytes, kept)
    loopback_up()
    for name in ("tcp_rmem", "tcp_wmem"):  # else a socket may hold megabytes, which are no process's
        write(f"/proc/sys/net/ipv4/{name}", "4096 16384 65536")
    write("/proc/sys/user/max_user_namespaces", "0")
    give_up_rights()
    importlib.invalidate_caches()
    parent = socket.socket(fileno=os.dup(CONTROL))
    parent.send(b"r")  # with it comes our process id, which the kernel vouches for
    if parent.recv(1) != b"g":
        return
    parent.send(b"g")
    parent.close()
    child.main(CONTROL, processes)


def own_view(library: str, work_bytes: int, kept: list[str]) -> None:
    """Covers what is not for this submission: /proc and WORK are new and empty, of the libraries there is one."""
    hidden = NOSUID | NODEV
    roads = [(path, os.open(path, os.O_PATH)) for path in kept]
    copy = os.open(f"{LIBRARIES}/{library}", os.O_PATH | os.O_DIRECTORY)
    mount("proc", "/proc", "proc", hidden | NOEXEC)
    mount("tmpfs", WORK, "tmpfs", hidden, f"size={work_bytes},nr_inodes={child.MOST_FILES},mode=1777")
    bind(copy, LIBRARY)
    mount("tmpfs", LIBRARIES, "tmpfs", hidden, "size=4k,mode=755")
    mount(None, LIBRARIES, None, REMOUNT | BIND | RDONLY | hidden)
    os.umask(0)
    for path, road in roads:
        if os.path.isdir(f"/proc/self/fd/{road}"):
            os.makedirs(path, 0o755, exist_ok=True)
        else:
            own = os.path.dirname(path) == f"{WORK}/matplotlib"  # which matplotlib writes to, too
            os.makedirs(os.path.dirname(path), 0o1777 if own else 0o755, exist_ok=True)
            os.close(os.open(path, os.O_CREAT, 0o644))
        bind(road, path)
    os.umask(0o022)
    os.chdir(WORK)


def bind(descriptor: int, target: str) -> None:
    """Shows what the descriptor stands for at `target`, with all that is mounted below it, read-only; and closes it."""
    mount(f"/proc/self/fd/{descriptor}", target, None, BIND | REC)
    os.close(descriptor)
    if not os.statvfs(target).f_flag & os.ST_RDONLY:  # as all that the nursery sees is, for good
        raise OSError(f"{target} can be written to")


def mount(source: str | None, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    """Linux's mount; OSError where it fails."""
    texts = [text and text.encode() for text in (source, target, kind, data)]
    check(libc.mount(texts[0], texts[1], texts[2], ctypes.c_ulong(flags), texts[3]), target)


def loopback_up() -> None:
    """As bubblewrap does: a process may talk to itself."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as some:
        fcntl.ioctl(some, 0x8914, struct.pack("16sH14x", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP


def give_up_rights() -> None:
    """No capability is left in any set, and none can come back."""
    check(prctl(PR_SET_NO_NEW_PRIVS, 1))
    for right in range(64):
        if prctl(PR_CAPBSET_READ, right) == 1:
            check(prctl(PR_CAPBSET_DROP, right))
    check(prctl(PR_CAP_AMBIENT, CLEAR_ALL))
    header = ctypes.create_string_buffer(struct.pack("II", 0x20080522, 0))  # version 3, this process
    check(libc.capset(header, ctypes.create_string_buffer(24)))


def write(path: str, text: str) -> None:
    """Writes a setting of the kernel's, in one call."""
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def check(result: int, what: str = "") -> int:
    """The result of a call of the C library; OSError where it has failed."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{os.strerror(number)} {what}")
    return result
