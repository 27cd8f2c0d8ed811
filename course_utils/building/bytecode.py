"""Modules compiled in advance: in a browser, compiling what a kernel imports would take a third of its start.

Bytecode belongs to one version of Python. The browser's is known, and any Python of that version writes it.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from course_utils.checking.zips import zipped

ASK = "import importlib.util; print(importlib.util.MAGIC_NUMBER.hex())"
COMPILE = """
import pathlib, py_compile, sys
folder, where = sys.argv[1:]
for path in pathlib.Path(folder).rglob("*.py"):
    name = f"{where}/{path.relative_to(folder).as_posix()}"  # in tracebacks
    try:
        never = py_compile.PycInvalidationMode.UNCHECKED_HASH  # the source is not looked at, if it is there at all
        py_compile.compile(path, f"{path}c", name, doraise=True, invalidation_mode=never)
    except py_compile.PyCompileError:
        pass  # a template, or a test of what is no Python
"""


def candidates(version: str) -> Iterator[str]:
    """Programs that may be a Python of this version, such as "3.12"."""
    yield sys.executable
    if found := shutil.which(f"python{version}"):
        yield found
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from map(str, sorted(pyenv.glob(f"versions/{version}.*/bin/python"), reverse=True))
    if launcher := shutil.which("py"):  # Windows'
        said = subprocess.run(
            [launcher, f"-{version}", "-c", "import sys; print(sys.executable)"], capture_output=True, text=True
        )
        yield from said.stdout.split("\n")[: said.returncode == 0]


def find_python(version: str, magic: str) -> Path | None:
    """A Python on this machine whose bytecode has this magic number (hexadecimal digits); None where there is none."""
    for program in candidates(version):
        try:
            said = subprocess.run([program, "-c", ASK], capture_output=True, text=True, timeout=60)
        except (OSError, subprocess.TimeoutExpired):
            continue
        if said.stdout.strip() == magic:
            return Path(program)
    return None


def compiled(python: Path, files: Mapping[str, bytes], where: str, kept: Path) -> dict[str, bytes]:
    """{path of a module, with .pyc: its bytecode}, by `python`, of those of the files {path: content} that are Python.

    `where` is the folder in which they will lie. What has been compiled is kept in the folder `kept`, for next time.
    """
    sources = {path: content for path, content in files.items() if path.endswith(".py")}
    digests = {path: hashlib.sha256(content).hexdigest() for path, content in sorted(sources.items())}
    recipe = json.dumps([COMPILE, where, str(python), digests])
    result = kept / f"{hashlib.sha256(recipe.encode()).hexdigest()[:24]}.zip"
    if not result.is_file():
        kept.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept) as folder:
            for path, content in sources.items():
                target = Path(folder) / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
            subprocess.run([python, "-W", "ignore", "-c", COMPILE, folder, where], check=True, capture_output=True)
            found = {f"{path}c": Path(folder) / f"{path}c" for path in sources}
            whole = zipped({path: file.read_bytes() for path, file in found.items() if file.is_file()})
            (Path(folder) / "all.zip").write_bytes(whole)
            (Path(folder) / "all.zip").replace(result)
    with zipfile.ZipFile(result) as archive:
        return {path: archive.read(path) for path in archive.namelist()}


def beside(files: Mapping[str, bytes], bytecode: Mapping[str, bytes], version: str) -> dict[str, bytes]:
    """The files, and their bytecode where Python looks for it first: a/__pycache__/x.cpython-312.pyc for a/x.py."""
    tag = f"cpython-{version.replace('.', '')}"
    found = dict(files)
    for path, content in bytecode.items():
        folder, _, name = path.rpartition("/")
        found[f"{folder}/__pycache__/{name.removesuffix('.pyc')}.{tag}.pyc".lstrip("/")] = content
    return found


def instead(files: Mapping[str, bytes], bytecode: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files, with bytecode in the place of each module's source; it has the docstrings, but no lines to show."""
    return {
        (f"{path}c" if f"{path}c" in bytecode else path): bytecode.get(f"{path}c", content)
        for path, content in files.items()
    }
