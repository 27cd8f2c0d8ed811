"""Set the course up in `.venv` and start it: `python3 run.py` opens the notebooks, `run.py test` tests it all.

Everything after `run.py` goes to the `course` command; `python3 run.py --help` lists what there is. Packages have the
versions in constraints.txt; with `--newest`, as in `run.py test --newest`, the newest that pyproject.toml allows.
Standard library only, and no syntax newer than Python 3.6, so that an old Python can still say what is wrong.
"""

import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
PINS = ROOT / "constraints.txt"
PINNED_UP_TO = (3, 14)  # the newest Python that all pinned versions come ready-made for
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def check_python():
    """Exit with one line unless this Python can install the course."""
    if sys.version_info < (3, 11):
        sys.exit(
            "The course needs Python 3.11 or newer; this is Python {}.{} ({}). Run it with a newer one, "
            "for example: python3.12 run.py".format(*sys.version_info[:2], sys.executable)
        )
    missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    if missing and not shutil.which("uv"):
        sys.exit(
            "This Python comes without {}. On Debian and Ubuntu: sudo apt install python3-venv; "
            "or install uv and run this again.".format(" and ".join(missing))
        )


def ways(what, newest):
    """The ways to install `what` into .venv, the best first: lists of commands, each of which all must succeed.

    With uv where there is one. Otherwise pip brings uv, which needs a quarter of the time; and pip does it all where
    there is no uv for this machine, where uv fails, and where pip is told of an index or a proxy of its own.
    """
    fill = ["pip", "install", "--python", str(PYTHON), *what]
    if shutil.which("uv"):
        return [[["uv", *fill]]]
    pip = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "--no-compile"]
    eager = ["--upgrade-strategy", "eager"] if newest else []  # what is required, too, as with uv
    fetch = [*pip, "--quiet", "--only-binary", "uv", "uv>=0.9", *what[2:4]]
    alone = [[*pip, *what, *eager]]
    return [alone] if pip_is_told_where() else [[fetch, [str(PYTHON), "-m", "uv", *fill]], alone]


def pip_is_told_where():
    """Whether pip's settings or the environment name an index or a proxy; true, too, where pip does not tell."""
    try:
        settings = subprocess.check_output([str(PYTHON), "-m", "pip", "config", "list"], universal_newlines=True)
    except (OSError, subprocess.CalledProcessError):
        return True
    keys = [line.partition("=")[0].rpartition(".")[2] for line in settings.splitlines()]
    return not {"index-url", "no-index", "proxy", "trusted-host"}.isdisjoint(keys)


def install(extra, newest):
    """Install the course, editable, into .venv."""
    check_python()
    pinned = not newest and PINS.is_file() and sys.version_info[:2] <= PINNED_UP_TO
    what = ["-e", f"{ROOT}[{extra}]", *(["-c", str(PINS)] if pinned else ["--upgrade"])]
    if shutil.which("uv"):
        create, own_pip = ["uv", "venv", "--quiet", "--python", sys.executable, str(VENV)], []
    else:
        create = [sys.executable, "-m", "venv", "--without-pip", str(VENV)]
        own_pip = [[str(PYTHON), "-Im", "ensurepip", "--upgrade"]]
    # On all cores: pip would use one, and uv leaves it to the first import of each module. Packages' tests stay as is.
    bytecode = [str(PYTHON), "-W", "ignore", "-m", "compileall", "-qq", "-j", "0", "-x", r"[/\\]tests?[/\\]"]
    bytecode += [str(VENV), str(ROOT / "course_utils")]
    versions = "the versions in constraints.txt; later starts skip this" if pinned else "the newest versions"
    print(f"Installing the course into its folder {VENV.name}, with {versions} ...", flush=True)
    try:
        ready = all(map(succeeds, [*([] if PYTHON.exists() else [create]), *own_pip]))
        done = ready and any(all(map(succeeds, way)) for way in ways(what, not pinned))
        if done:
            succeeds(bytecode)  # or not: it fails on templates that only look like modules
    except KeyboardInterrupt:
        sys.exit("\nStopped before the installation was complete; the same command goes on with it.")
    if not done:
        sys.exit(
            "The installation failed (see above). Run the same command again; if that fails, too, "
            "delete the folder .venv first."
        )


def succeeds(command):
    """Whether a command can be run and ends with status 0."""
    return subprocess.call(command) == 0


def ensure_installed(extra, newest):
    """Install unless a stamp, written only after a complete install, says that all this is there."""
    parts = [path.read_bytes() for path in (ROOT / "pyproject.toml", PINS) if path.is_file()]
    wanted = hashlib.sha256(b"\0".join([*parts, str(ROOT).encode()])).hexdigest()
    stamps = {name: VENV / f"course-{name}.stamp" for name in ("all", "test")}  # "test" holds all the rest, too
    good = [name for name, stamp in stamps.items() if stamp.is_file() and stamp.read_text() == wanted]
    if not newest and PYTHON.exists() and (extra in good or "test" in good):
        return
    for name, stamp in stamps.items():  # what they say is no longer so
        if stamp.is_file() and (newest or name not in good):
            stamp.unlink()
    install(extra, newest)
    if not newest:  # which the next start takes back
        stamps[extra].write_text(wanted)


def main():
    """Install what the command needs and hand all arguments to `course`."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--newest"]
    newest = len(arguments) < len(sys.argv) - 1
    if newest:
        os.environ["COURSE_NEWEST"] = "1"  # for tests that install something or look at the installed versions
    ensure_installed("test" if arguments[:1] in (["test"], ["lint"]) else "all", newest)
    command = [str(PYTHON), "-m", "course_utils.cli", *arguments]
    if os.name != "nt":
        os.execv(command[0], command)  # signals reach the command itself
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the child, which shares the console
    sys.exit(subprocess.call(command))


if __name__ == "__main__":
    main()
