"""Isolation "user", for a container of its own where bubblewrap is refused: students' code runs as a user of its own.

The grader, with the answers, the seed and the results, stays root's, in folders that only root opens. Each child
starts by way of a launcher that leaves root's rights behind for good, and sees the one copy of the library that hides
the answers being graded. What is weaker than in strict isolation: the system's files are there to read, and the
network is there to use unless the container may make a network namespace. So this is for a container that holds one
submission and no secrets but the grader's own.
"""

import contextlib
import os
import secrets
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from course_utils.grading.isolation import PROCESSES, Isolation

TOOLS = ("setpriv", "prlimit", "unshare")  # all of util-linux
NOTICE = (
    "Isolation: a user of its own. Students' code has no rights of the grader's, and cannot read or change its "
    "files; {network}."
)


def other_user() -> Isolation | None:
    """The tier, or None where it cannot be had: it takes root."""
    if sys.platform != "linux" or os.geteuid() != 0 or not all(map(shutil.which, TOOLS)):
        return None
    network = "it has no network" if without_network() else "it has the container's network"
    return Isolation("user", NOTICE.format(network=network))


def without_network() -> list[str]:
    """The command that starts what follows it without a network; empty where the container forbids that."""
    command = ["unshare", "--net", "--"]
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        if subprocess.run([*command, "true"], capture_output=True, timeout=10).returncode == 0:
            return command
    return []


@contextlib.contextmanager
def as_other_user(temporary: Path) -> Iterator[None]:
    """While it lasts, children of the grader whose folder is `temporary` start by way of the launcher.

    One child at a time: the launcher closes the libraries of all others.
    """
    launcher = temporary / "launcher"
    launcher.write_text(script(temporary, sys.executable), encoding="utf-8")
    launcher.chmod(0o700)
    temporary.chmod(0o711)  # to be passed through, not to be looked into
    before, sys.executable = sys.executable, str(launcher)  # what the sandbox starts plain children with
    try:
        yield
    finally:
        sys.executable = before


def without_rights(user: str) -> list[str]:
    """The command that starts what follows it as another user, without any right of root's, now or later."""
    return [
        "setpriv",
        "--reuid",
        user,
        "--regid",
        user,
        "--clear-groups",
        "--inh-caps=-all",
        "--bounding-set=-all",
        "--no-new-privs",
        "--pdeathsig",
        "KILL",
        "--",
        "prlimit",
        f"--nproc={PROCESSES}",
        "--",
    ]


def script(temporary: Path, python: str) -> str:
    """The launcher: runs as root in the child's folder and turns into Python without any rights."""
    user = str(10_000 + secrets.randbelow(50_000))  # nobody else's, so that limits count this child's processes alone
    start = [*without_network(), *without_rights(user), python]
    return f"""#!/bin/sh
set -eu
for library in {shlex.quote(str(temporary))}/library*; do
    case "$*" in
        *"'$library'"*) chmod 0755 "$library" ;;
        *) chmod 0700 "$library" ;;
    esac
done
chmod 0711 ..
chown -R -h {user}:{user} .
chmod 0700 .
exec {shlex.join(start)} "$@"
"""
