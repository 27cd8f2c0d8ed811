"""Isolation "user", for a container of its own where bubblewrap is refused: students' code runs as users of its own.

The grader, with the answers, the seed and the results, stays root's, in folders that only root opens. Each child
starts by way of a launcher that leaves root's rights behind for good: it has a user number and a temporary folder that
no other child has, and sees the one copy of the library that hides the answers being graded. At its end, every process
of its number ends, and whatever it has written outside of its folder is wiped, so that one child tells the next one
nothing. What is weaker than in strict isolation: the system's files are there to read, and what a child looks at may
leave marks, such as the time of an access. So this is for a container that holds one submission and no secrets but
the grader's own.
"""

import contextlib
import os
import secrets
import shlex
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from course_utils.grading.cleaning import remove
from course_utils.grading.hardening import known_machine
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
    network = "it has the container's network"
    if without_network() or known_machine():  # what cannot be taken away is refused by a filter (hardening.py)
        network = "it has no network"
    return Isolation("user", NOTICE.format(network=network))


def without_network() -> list[str]:
    """The command that starts what follows it without a network; empty where the container forbids that."""
    command = ["unshare", "--net", "--"]
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        if subprocess.run([*command, "true"], capture_output=True, timeout=10).returncode == 0:
            return command
    return []


def as_other_user(tier: Isolation, temporary: Path) -> Isolation:
    """The tier whose children start by way of the launcher, for the grader whose folder is `temporary`.

    One child at a time: the launcher closes the libraries of all others.
    """
    first = 10_000 + secrets.randbelow(50_000)  # nobody else's, so that limits count one child's processes alone
    launcher = temporary / "launcher"
    launcher.write_text(script(temporary, sys.executable, first), encoding="utf-8")
    launcher.chmod(0o700)
    (temporary / "users").write_text(f"{first}\n", encoding="utf-8")
    (temporary / "users").chmod(0o600)
    temporary.chmod(0o711)  # to be passed through, not to be looked into
    places, kept = writable(str(first))
    return tier._replace(python=str(launcher), after=lambda folder: wipe(folder, places, kept))


def writable(user: str) -> tuple[list[Path], dict[Path, bytes]]:
    """The folders of this system that a user may write to, and the files, with what is in them."""
    command = [
        *without_rights(user)[:-3],
        "find",
        "/",
        "(",
        "-path",
        "/proc",
        "-o",
        "-path",
        "/sys",
        ")",
        "-prune",
        "-o",
    ]
    command += ["(", "-type", "d", "-o", "-type", "f", ")", "-writable", "-print0"]
    found = [
        Path(os.fsdecode(name)) for name in subprocess.run(command, capture_output=True).stdout.split(b"\0") if name
    ]
    kept = {}
    for path in found:
        with contextlib.suppress(OSError):  # it may go meanwhile, or be no file that can be read
            if path.is_file() and path.stat().st_size < 1 << 20:
                kept[path] = path.read_bytes()
    return [path for path in found if path.is_dir()], kept


def wipe(folder: Path, places: Iterable[Path], kept: dict[Path, bytes]) -> None:
    """Ends all processes of the user to whom the child's folder belongs, and removes what is theirs in `places`; the
    files that they may have written to are as they were."""
    user = os.lstat(folder).st_uid
    if user == 0:  # the launcher did not come to it
        return
    for _ in range(100):
        if subprocess.run([*without_rights(str(user))[:-3], "sh", "-c", "kill -9 -1"], capture_output=True).returncode:
            break  # there is none
    for place in places:
        with contextlib.suppress(OSError):
            for entry in list(os.scandir(place)):
                with contextlib.suppress(OSError):
                    if entry.stat(follow_symlinks=False).st_uid == user and entry.path != str(folder):
                        remove(entry.path)
    for path, content in kept.items():
        with contextlib.suppress(OSError):
            if stat.S_ISREG(os.lstat(path).st_mode) and path.read_bytes() != content:
                path.write_bytes(content)


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


def script(temporary: Path, python: str, first: int) -> str:
    """The launcher: runs as root in the child's folder and turns into Python without any rights, each time as another
    user, whose number is `first` at the first time. It gives nobody any folder but one of the grader's, below
    `temporary`: whatever else starts it by mistake, in the course's folder say, gets an error and changes nothing."""
    start = [*without_network(), *without_rights("$user"), python]
    numbers = shlex.quote(str(temporary / "users"))
    return f"""#!/bin/sh
set -eu
case "$(pwd -P)/" in
    {shlex.quote(str(temporary.resolve()))}/*/) ;;
    *) echo "$0: $(pwd -P) is no folder of a child" >&2; exit 126 ;;
esac
for library in {shlex.quote(str(temporary))}/library*; do
    case "$*" in
        *"'$library'"*) chmod 0755 "$library" ;;
        *) chmod 0700 "$library" ;;
    esac
done
user=$(cat {numbers})
echo $((user + 1)) > {numbers}
chmod 0711 ..
chown -R -h "$user:$user" .
chmod 0700 .
exec {shlex.join(start).replace("'$user'", '"$user"')} "$@"
"""
