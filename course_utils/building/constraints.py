"""`constraints.txt`: one version of every package that the course can come to, on every system and Python.

Lines of `name==version`, some with an environment marker behind (`; sys_platform == 'win32'`), as pip and uv take them
with `-c`. uv resolves them from pyproject.toml with all extras; where the packages come from is not written down.
"""

import os
import shutil
import subprocess
import tomllib
from pathlib import Path

HEADER = """\
# The versions that the course is tested with; pyproject.toml says which ones it allows. Made by: course constraints
"""


class ConstraintsError(Exception):
    """No versions could be found; its text is for the user."""


def resolve(root: Path) -> str:
    """The newest versions that fit together, as the text of `constraints.txt`, for the pyproject.toml in `root`.

    Of each package one version for all systems and Pythons, as far as there is one, and a wheel of it on each system
    that pyproject.toml names (tool.uv.required-environments). ConstraintsError without uv, or where uv fails.
    """
    uv = shutil.which("uv")
    if uv is None:
        raise ConstraintsError("this needs uv, which is not installed; run: pip install uv")
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    command = [
        uv,
        "pip",
        "compile",
        "--universal",
        "--python-version",
        project["requires-python"].removeprefix(">="),
        "--fork-strategy",
        "fewest",
        "--all-extras",
        "--upgrade",
        "--only-binary",
        ":all:",
        "--no-header",
        "--no-annotate",
        "--quiet",
        "pyproject.toml",
    ]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        raise ConstraintsError(f"uv found no versions that fit together:\n{done.stderr.strip()}")
    return HEADER + done.stdout


def write_constraints(root: Path) -> list[str]:
    """Writes `constraints.txt` anew, in one step; returns the lines that are new in it."""
    path, text = root / "constraints.txt", resolve(root)
    before = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(text, encoding="utf-8", newline="\n")
    os.replace(unfinished, path)
    return [line for line in text.splitlines() if line not in before]
