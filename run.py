"""Set the course up in `.venv` and start it: `python3 run.py` opens the notebooks, `run.py test` tests it all.

Everything after `run.py` goes to the `course` command; `python3 run.py --help` lists what there is.
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


def install(extra):
    """Install the course, editable, into .venv with uv where there is one and with pip otherwise."""
    check_python()
    project = str(ROOT) + ("[{}]".format(extra) if extra else "")
    if shutil.which("uv"):
        create = ["uv", "venv", "--quiet", "--python", sys.executable, str(VENV)]
        fill = [["uv", "pip", "install", "--python", str(PYTHON), "-e", project]]
    else:
        create = [sys.executable, "-m", "venv", "--without-pip", str(VENV)]
        fill = [
            [str(PYTHON), "-Im", "ensurepip", "--upgrade"],
            [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "--no-compile", "-e", project],
        ]
    # On all cores: pip would use one, and uv leaves it to the first import of each module. Packages' tests stay as is.
    bytecode = [
        str(PYTHON),
        "-W",
        "ignore",
        "-m",
        "compileall",
        "-qq",
        "-j",
        "0",
        "-x",
        r"[/\\]tests?[/\\]",
        str(VENV),
        str(ROOT / "course_utils"),
    ]
    print("Installing the course into {}; later starts skip this ...".format(VENV), flush=True)
    for command in [*([] if PYTHON.exists() else [create]), *fill, bytecode]:
        try:
            status = subprocess.call(command)
        except KeyboardInterrupt:
            sys.exit("\nStopped before the installation was complete; the same command goes on with it.")
        if status and command is not bytecode:  # which fails on templates that only look like modules
            sys.exit(
                "The installation failed (see above). Run the same command again; if that fails, too, "
                "delete the folder .venv first."
            )


def ensure_installed(extra):
    """Install unless a stamp, written only after a complete install, says that all this is there."""
    wanted = hashlib.sha256((ROOT / "pyproject.toml").read_bytes() + str(ROOT).encode()).hexdigest()
    stamps = {name: VENV / "course-{}.stamp".format(name or "core") for name in ("", "test")}
    enough = [stamps["test"]] if extra == "test" else list(stamps.values())  # "test" holds the core, too
    if PYTHON.exists() and any(stamp.is_file() and stamp.read_text() == wanted for stamp in enough):
        return
    install(extra)
    stamps[extra].write_text(wanted)


def main():
    """Install what the command needs and hand all arguments to `course`."""
    ensure_installed("test" if sys.argv[1:2] in (["test"], ["lint"]) else "")
    command = [str(PYTHON), "-m", "course_utils.cli", *sys.argv[1:]]
    if os.name != "nt":
        os.execv(command[0], command)  # signals reach the command itself
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the child, which shares the console
    sys.exit(subprocess.call(command))


if __name__ == "__main__":
    main()
