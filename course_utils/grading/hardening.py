"""What a child gives up for good before it reads a student's cells (Linux), in either tier: being traced by its forks,
gaining rights, and system calls that no answer needs. Used inside the child, so it imports nothing of ours.
"""

import contextlib
import ctypes
import platform
import struct
import sys
from collections.abc import Callable
from typing import Any

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 4, 22, 36, 38
EPERM, ENOSYS, EAFNOSUPPORT = 1, 38, 97
ALLOW, REFUSE = 0x7FFF0000, 0x00050000  # REFUSE + errno: the call fails with this error
NEW = {
    "NS": 0x20000,
    "CGROUP": 0x2000000,
    "UTS": 0x4000000,
    "IPC": 0x8000000,
    "USER": 0x10000000,
    "PID": 0x20000000,
    "NET": 0x40000000,
}  # CLONE_NEW..., with which a new process begins a world of its own
CLONE, CLONE3 = (56, 220), (435, 435)  # the former with such a flag is refused; the latter, whose flags a filter
#                                        cannot see, seems not to be there, so that the C library takes the former
# Memory that belongs to no process (and escapes its limits), what all processes of a user or of the machine share a
# number of, looking into other processes, and making worlds of one's own: by name, with the numbers on x86_64 and on
# aarch64; None where the system has no such call.
CALLS: dict[str, tuple[int | None, int | None]] = {
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    "perf_event_open": (298, 241),
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "fanotify_init": (300, 262),
    "inotify_init": (253, None),
    "inotify_init1": (294, 26),
    "io_setup": (206, 0),
    "syslog": (103, 116),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "mount_setattr": (442, 442),
    "open_by_handle_at": (304, 265),
    "personality": (135, 92),
}
SOCKETS = {"socket": (41, 198), "socketpair": (53, 199)}  # refused but for these families, their first argument
LOCAL, ANY = (1,), (1, 2, 10)  # UNIX; UNIX, INET and INET6. Not VSOCK, which reaches the host of a virtual machine
# What reaches another process by its number, which is the first argument; and by a descriptor, which is refused.
SIGNALS = {
    "kill": (62, 129),
    "tkill": (200, 130),
    "tgkill": (234, 131),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "prlimit64": (302, 261),
    "pidfd_open": (434, 434),
}
PIDFD_SEND_SIGNAL = (424, 424)
MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column above; name of the calling convention


libc: Any = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def prctl(option: int, value: int, pointer: Any = 0) -> int:
    """Linux's prctl; elsewhere nothing."""
    return libc.prctl(option, value, pointer, 0, 0) if libc else 0


def end_with_parent(signal: int) -> None:
    """Asks for this signal at the parent's end. It has to be asked for anew in each fork, and after rights changed."""
    prctl(PR_SET_PDEATHSIG, signal)


def harden(families: tuple[int, ...] = ANY) -> None:
    """Gives all of it up. Forks and what they start inherit that. On other systems and machines less, or nothing."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("500")  # where memory runs out, the kernel ends us and not the grader
    prctl(PR_SET_DUMPABLE, 0)
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    install(seccomp_filter, families)


def spare(pids: tuple[int, ...]) -> None:
    """This process and what it starts can send these processes, their groups, and everybody at once, no signal."""
    install(signal_filter, pids)


def install(make: Callable[..., bytes], *args: Any) -> None:
    """Sets the filter that make(column, convention, *args) gives, for good, where this machine is a known one."""
    if known_machine():
        program = ctypes.create_string_buffer(make(*MACHINES[platform.machine()], *args))
        filter_ = struct.pack("HxxxxxxP", (len(program) - 1) // 8, ctypes.addressof(program))  # a struct sock_fprog
        prctl(PR_SET_SECCOMP, 2, filter_)


def known_machine() -> bool:
    """Whether system calls can be refused here."""
    return sys.platform == "linux" and platform.machine() in MACHINES and sys.maxsize > 2**32


LOAD, EQUAL, AT_LEAST, ANY_BIT, END = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, CONVENTION, FIRST = 0, 4, 16  # where the call's number, its convention, the low word of its first argument are


def statement(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    """One BPF instruction; jumps count from the next one."""
    return struct.pack("HBBI", code, then, otherwise, value)


def seccomp_filter(column: int, convention: int, families: tuple[int, ...] = ANY) -> bytes:
    """A BPF program that refuses CALLS, other families of sockets, new namespaces, and calls by another convention,
    where numbers mean others."""
    numbers = sorted(number for number in (pair[column] for pair in CALLS.values()) if number is not None)
    sockets = [pair[column] for pair in SOCKETS.values()]
    program = [
        statement(LOAD, CONVENTION),
        statement(EQUAL, convention, 1, 0),
        statement(END, REFUSE | EPERM),
        statement(LOAD, NUMBER),
        statement(EQUAL, CLONE3[column], 0, 1),
        statement(END, REFUSE | ENOSYS),
        statement(EQUAL, CLONE[column], 0, 4),
        statement(LOAD, FIRST),  # its flags
        statement(ANY_BIT, sum(NEW.values()), 0, 1),
        statement(END, REFUSE | EPERM),
        statement(END, ALLOW),
        statement(EQUAL, sockets[0], 1, 0),
        statement(EQUAL, sockets[1], 0, len(families) + 3),
        statement(LOAD, FIRST),
        *(statement(EQUAL, family, len(families) - i, 0) for i, family in enumerate(families)),
        statement(END, REFUSE | EAFNOSUPPORT),
        statement(END, ALLOW),
        statement(AT_LEAST, 0x40000000, len(numbers) + 1, 0),  # x32 on x86_64
        *(statement(EQUAL, number, len(numbers) - i, 0) for i, number in enumerate(numbers)),
        statement(END, ALLOW),
        statement(END, REFUSE | EPERM),
    ]
    return b"".join(program)


def signal_filter(column: int, convention: int, pids: tuple[int, ...]) -> bytes:
    """A BPF program that refuses signals to these processes, to the groups that they lead, and to all processes."""
    targets = [n & 0xFFFFFFFF for pid in pids for n in (pid, -pid)] + [0xFFFFFFFF]
    calls = [pair[column] for pair in SIGNALS.values()]
    program = [
        statement(LOAD, CONVENTION),
        statement(EQUAL, convention, 1, 0),
        statement(END, REFUSE | EPERM),
        statement(LOAD, NUMBER),
        statement(EQUAL, PIDFD_SEND_SIGNAL[column], len(calls) + len(targets) + 3, 0),
        *(statement(EQUAL, call, len(calls) - i, 0) for i, call in enumerate(calls)),
        statement(END, ALLOW),
        statement(LOAD, FIRST),
        *(statement(EQUAL, target, len(targets) - i, 0) for i, target in enumerate(targets)),
        statement(END, ALLOW),
        statement(END, REFUSE | EPERM),
    ]
    return b"".join(program)
