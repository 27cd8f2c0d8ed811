"""The browser edition's parts that need no browser: which files it takes, its start page, its archives, its sizes.

tests/browser/test_site_browser.py builds all of it and opens it.
"""

import ast
import base64
import fnmatch
import gzip
import hashlib
import io
import json
import re
import shutil
import subprocess
import sys
import threading
import urllib.request
import zipfile
from pathlib import Path

import pytest
from sites import small_site, small_table

from course_utils import cli
from course_utils.building import site, site_files
from course_utils.building.build import BuildError

ROOT = Path(__file__).resolve().parents[2]
TABLE = site_files.versions()


def digest(content):
    return hashlib.sha256(content).hexdigest()


def test_the_table_is_whole():
    """Every file with its hash; every package that one of them needs is there."""
    files = site_files.published_files(TABLE, faces=True)
    assert all(re.fullmatch(r"[0-9a-f]{64}", sha) for sha in files.values()) and len(set(files.values())) == len(files)
    assert set(TABLE["pyodide"]["core"]) == {"pyodide.js", "pyodide.asm.js", "pyodide.asm.wasm", "python_stdlib.zip"}
    there = {name for part in ("wheels", "kernel") for name in TABLE[part]}
    there |= set(TABLE["pyodide"]["packages"]) | set(TABLE["stand_ins"]["names"]) | {site_files.COURSE}
    packages = [*TABLE["pyodide"]["packages"].values(), *TABLE["wheels"].values(), *TABLE["kernel"].values()]
    assert {name.replace("_", "-") for package in packages for name in package["depends"]} <= there
    assert {name.replace("_", "-") for name in site.AT_START} <= there and set(site_files.NEEDED) <= there
    assert set(TABLE["left_out"]) <= there
    assert all("==" in tool or ">=" in tool for tools in TABLE["tools"].values() for tool in tools)
    assert len(site_files.published_files(TABLE, faces=False)) == len(files) - 1


def test_files_are_taken_from_a_folder_and_others_are_named(tmp_path):
    contents = {"numpy": b"numpy's files", "scipy": b"scipy's files"}
    for name, content in contents.items():
        (tmp_path / f"{name}.whl").write_bytes(content)
    table = small_table(**contents)
    found = site_files.collect(tmp_path / "work", table, Path("no-python"), tmp_path)
    assert found == {f"{name}.whl": tmp_path / f"{name}.whl" for name in contents}
    (tmp_path / "scipy.whl").write_bytes(b"scipy's files, and a guest")
    with pytest.raises(BuildError) as error:
        site_files.collect(tmp_path / "work", table, Path("no-python"), tmp_path)
    assert "scipy.whl has the SHA-256" in str(error.value) and "numpy" not in str(error.value)
    (tmp_path / "numpy.whl").unlink()
    with pytest.raises(BuildError, match=r"numpy.whl is missing\n  scipy.whl has"):
        site_files.require_published(tmp_path, site_files.published_files(table, faces=True))


def test_a_download_with_other_files_stops_the_build(tmp_path, monkeypatch):
    def download(python, folder, *arguments):
        with zipfile.ZipFile(folder / "bundle-1-py3-none-any.whl", "w") as bundle:
            bundle.writestr("some/folder/numpy.whl", b"other files")

    monkeypatch.setattr(site_files, "download", download)
    with pytest.raises(BuildError, match=r"numpy.whl has the SHA-256"):
        site_files.collect(tmp_path, small_table(numpy=b"numpy's files"), Path("no-python"))
    shutil.rmtree(tmp_path / "downloads")
    found = site_files.collect(tmp_path, small_table(numpy=b"other files"), Path("no-python"))
    assert found["numpy.whl"].read_bytes() == b"other files"


def test_a_build_that_cannot_be_leaves_the_folder_alone(tmp_path, monkeypatch, capsys):
    (tmp_path / "thesis.tex").write_text("years of work", encoding="utf-8")
    with pytest.raises(BuildError, match=r"holds other files \(thesis.tex\)"):
        site.build_site(ROOT, tmp_path)
    with pytest.raises(BuildError, match="is a file"):
        site.build_site(ROOT, tmp_path / "thesis.tex")
    monkeypatch.chdir(ROOT)
    empty = tmp_path / "empty"
    empty.mkdir()
    assert cli.main(["site", str(tmp_path / "out"), "--pyodide", str(empty)]) == 2
    said = capsys.readouterr().err
    assert "pyodide.asm.wasm is missing" in said and not (tmp_path / "out").exists()


@pytest.mark.whole
def test_the_wheel_of_the_library_holds_what_notebooks_use_and_no_more():
    name, content = site_files.course_wheel(ROOT / "course_utils", "1.2.3")
    assert name == "generative_models_course-1.2.3-py3-none-any.whl"
    with zipfile.ZipFile(io.BytesIO(content)) as wheel:
        names = wheel.namelist()
    assert {"course_utils/checking/calling.py", "course_utils/data/packs/mnist.npz"} <= set(names)
    assert not [
        n for n in names if n.startswith(("course_utils/grading", "course_utils/building")) or "__pycache__" in n
    ]
    assert "generative_models_course-1.2.3.dist-info/METADATA" in names
    assert "course_utils/models/trained/known_runs.json" in names
    assert not [name for name in names if "trained/known_runs/" in name]  # beside it, for whoever asks


# What Pyodide's documentation says of Python's own modules: some cannot be there, some are packages of their own.
NOT_IN_A_BROWSER = {
    "curses", "dbm", "ensurepip", "fcntl", "grp", "idlelib", "msvcrt", "pwd", "resource", "syslog", "termios",
    "tkinter", "turtle", "venv", "winreg", "winsound", "distutils", "lzma", "_lzma", "ssl", "_ssl", "sqlite3",
    "_sqlite3", "test", "pydoc_data",
}  # fmt: skip


def imported_at_once(text):
    """The modules, by the first part of their names, that a program imports as it starts, if need be or not."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.Import):
            yield from (name.name.split(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").split(".")[0]


@pytest.mark.whole
def test_all_that_notebooks_and_library_import_is_in_the_site():
    packages = [*TABLE["pyodide"]["packages"].values(), *TABLE["wheels"].values(), *TABLE["kernel"].values()]
    there = {name.split(".")[0] for package in packages for name in package["imports"]}
    there |= sys.stdlib_module_names - NOT_IN_A_BROWSER | {"course_utils"}
    _, content = site_files.course_wheel(ROOT / "course_utils", "1")
    with zipfile.ZipFile(io.BytesIO(content)) as wheel:
        texts = {name: wheel.read(name).decode() for name in wheel.namelist() if name.endswith(".py")}
    for path in sorted((ROOT / "solutions").glob("*.py")):
        texts[path.name] = path.read_text(encoding="utf-8")
    found = [(name, module) for name, text in texts.items() for module in imported_at_once(text)]
    assert len(found) > 500  # they were read
    assert not [one for one in found if one[1] not in there]


@pytest.mark.whole
def test_the_letters_of_formulas_in_figures_are_in_the_site():
    """Every font that matplotlib takes for a formula of the notebooks' figures."""
    from matplotlib.mathtext import MathTextParser

    paths = [path for room in ("showing", "explorables") for path in (ROOT / "course_utils" / room).rglob("*.py")]
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in (*paths, *(ROOT / "solutions").glob("*.py"))]
    texts = [node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    formulas = {f for text in texts if isinstance(text, str) for f in re.findall(r"\$[^$\n]+\$", text)}
    assert r"$\mathcal{F}$" in formulas and len(formulas) > 50
    parse = MathTextParser("path").parse
    fonts = {Path(glyph[0].fname) for formula in formulas for glyph in parse(formula).glyphs}
    names = {f"matplotlib/mpl-data/fonts/ttf/{path.name}" for path in fonts}
    assert not [name for name in names if any(fnmatch.fnmatch(name, one) for one in TABLE["left_out"]["matplotlib"])]


@pytest.mark.whole
def test_what_the_library_sees_to_when_a_browser_imports_it():
    """In a process of its own, that takes itself for a browser's Python."""
    program = """if True:
        import sys, time
        import IPython, numpy, scipy.linalg, tqdm
        from IPython.core.interactiveshell import InteractiveShell
        shell = InteractiveShell.instance()
        sys.platform = "emscripten"
        from course_utils.models import pca
        from course_utils.networks import known_runs, products
        assert type(pca.__loader__) is products.Loader and products.matmul is products.blas_matmul
        assert shell.run_cell("import numpy; x = numpy.eye(2) @ numpy.eye(2)").success
        assert any(isinstance(one, products.Products) for one in shell.ast_transformers)
        begun = time.process_time()
        time.sleep(0.05)
        assert time.process_time() - begun > 0.04  # notebooks divide by it
        assert not tqdm.tqdm.monitor_interval and not known_runs._anyway
        print("fine")"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.endswith("fine\n"), done.stdout + done.stderr


def unpacked(content):
    """{path: content} of a package as the site has it."""
    head, _, rest = gzip.decompress(content).partition(b"\n")
    stream = io.BytesIO(rest)
    return {path: stream.read(size) for path, size in json.loads(head)}


def test_what_is_left_out_is_left_out_and_a_pattern_without_a_file_is_an_error():
    content = site_files.archive({"a/x.dat": b"1", "a/x.py": b"2\n22", "b.dat": b"3", "empty": b""})
    assert unpacked(site_files.packed(content)) == {"a/x.dat": b"1", "a/x.py": b"2\n22", "b.dat": b"3", "empty": b""}
    assert unpacked(site_files.packed(content, ["a/*.dat"])) == {"a/x.py": b"2\n22", "b.dat": b"3", "empty": b""}
    assert site_files.packed(content) == site_files.packed(content)
    with pytest.raises(ValueError, match="no file matches c/"):
        site_files.packed(content, ["b.dat", "c/*"])


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    """A site with as little of JupyterLite as the course's part looks at, and one package."""
    return small_site(tmp_path_factory.mktemp("host") / "site")


def test_the_start_page_lists_every_notebook_and_what_lies_beside(shell):
    page = (shell / "index.html").read_text(encoding="utf-8")
    paths = re.findall(r'<li data-path="([^"]+)"', page)
    assert paths == [path.name for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
    links = re.findall(r'(?:href|src)="([^"]+)"', page)
    assert not [link for link in links if link.startswith(("/", "http"))]  # a sub-path will do, and no other host
    assert "book/index.html" in links and "slides/index.html" not in links and "52 MB" in page
    for path in paths:
        assert f"notebooks/index.html?path={path}" in links and (shell / "files" / path).is_file()
        built = json.loads((shell / "files" / path).read_text(encoding="utf-8"))["metadata"]["course"]["built"]
        assert f'data-path="{path}" data-built="{built}"' in page
    assert 'data-exercises="log_mean_exp"' in page and "Jensen&#39;s" in page
    assert 'id="jupyter-config-data"' in page  # JupyterLite's pages read it here


def test_pages_of_notebooks_have_the_courses_buttons(shell):
    assert "../course/notebook.js" in (shell / "notebooks" / "index.html").read_text(encoding="utf-8")
    toolbar = site.SETTINGS["@jupyterlab/notebook-extension:panel"]["toolbar"]
    commands = {item["command"] for item in toolbar if item["name"].startswith("course-")}
    script = (shell / "course" / "notebook.js").read_text(encoding="utf-8")
    assert commands and all(f'"{command}"' in script for command in commands)


def test_the_worker_knows_every_file_by_its_content(shell):
    script = (shell / "service-worker.js").read_text(encoding="utf-8")
    table = json.loads(re.search(r"const FILES = (\{.*?\});", script, re.DOTALL)[1])
    assert {"index.html", "files/00_start_here.ipynb", "static/pyodide/pyodide-lock.json", "course/work.js"} <= set(
        table
    )
    assert "service-worker.js" not in table
    later = json.loads(re.search(r"const LATER = (\{.*?\});", script, re.DOTALL)[1])
    assert later == {f"{site.LATER}/08.npz": site_files.sha256(shell / site.LATER / "08.npz")}
    assert not later.keys() & table.keys()
    assert all(site_files.sha256(shell / path) == sha for path, sha in table.items())
    assert next(iter(table)).startswith("static/")  # what the kernel waits for comes first


def test_what_a_first_visit_weighs_is_told_by_part(shell):
    weights = site.weigh(shell)
    assert set(weights) == set(site.PARTS) - {"the faces"}
    (shell / site.LATER / "99.npz").write_bytes(bytes(10**6))
    assert site.weigh(shell) == weights
    (shell / site.LATER / "99.npz").unlink()
    notebooks = sum(path.stat().st_size for path in (shell / "files").iterdir())
    assert 0 < weights["JupyterLab"] < notebooks  # compressed


def test_no_text_of_the_site_names_a_host():
    for path in (ROOT / "course_utils" / "building" / "site_assets").iterdir():
        assert not re.search(r"https?://", path.read_text(encoding="utf-8")), path


def test_it_is_served_with_the_types_that_browsers_want(shell):
    (shell / "static" / "pyodide" / "pyodide.asm.wasm").write_bytes(b"\0asm")
    with site.site_server(shell) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{server.server_port}"
        for path, kind in {
            "/static/pyodide/pyodide.asm.wasm": "application/wasm",
            "/course/work.js": "text/javascript",
            "/": "text/html",
        }.items():
            with urllib.request.urlopen(base + path) as answer:
                assert answer.headers["Content-Type"].startswith(kind)
        server.shutdown()


STARTED = """
const fs = require("fs"), { pathToFileURL } = require("url"), folder = process.argv[2];
globalThis.self = globalThis;
self.location = pathToFileURL(folder + "/worker.js");
globalThis.setTimeout = setImmediate;  // attempts follow at once
let failures = Number(process.argv[3] ?? 0);
const told = [];
globalThis.BroadcastChannel = class {
  constructor(name) { this.name = name; }
  postMessage(message) { told.push([this.name, message]); }
};
globalThis.fetch = async (address, how) => {  // as a browser does it
  if (failures-- > 0) throw new TypeError("Failed to fetch");
  const body = fs.readFileSync(address), sha = require("crypto").createHash("sha256").update(body).digest("base64");
  if (how?.integrity && how.integrity !== `sha256-${sha}`) throw new Error(`${address} is another file`);
  return new Response(body);
};
const files = {}, asked = [], loaded = {};
globalThis.importScripts = (address) => {
  asked.push(["script", new URL(address).pathname.split("/").pop()]);
  self.loadPyodide = async (options) => {
    asked.push(["Python", options.packages, options.env]);
    return {
      FS: { mkdirTree() {}, writeFile(path, content) { files[path] = Buffer.from(content).toString("latin1"); } },
      loadedPackages: loaded,
      _api: { async loadDynlib(path) { asked.push(["library", path, path in files]); } },
      pyimport: () => ({ invalidate_caches() { asked.push(["fresh"]); } }),
    };
  };
};
(0, eval)(fs.readFileSync(folder + "/kernel.js", "utf8"));
self.loadPyodide({ indexURL: pathToFileURL(folder).href + "/", packages: ["numpy"], env: { A: "1" } })
  .then(() => JSON.stringify({ files, asked, loaded, told }))
  .catch((error) => `stopped: ${error.message} ${JSON.stringify(told)}`)
  .then(console.log);
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node to run the scripts")
def test_a_kernel_starts_with_all_packages_unpacked_and_no_library_loaded_but_those_that_others_name(tmp_path):
    contents = {
        "numpy": {"numpy/core.so": bytes(range(256)), "numpy/__init__.py": "π = 3\n".encode(), "numpy/empty.py": b""},
        "openblas": {"libopenblas.so": b"\0asm"},
    }
    wheels = {name: site_files.archive(files) for name, files in contents.items()}
    table = small_table(**wheels)
    table["pyodide"]["packages"]["openblas"]["install_dir"] = "dynlib"
    paths = {f"{name}.whl": tmp_path / f"{name}.whl" for name in wheels}
    for name, content in wheels.items():
        paths[f"{name}.whl"].write_bytes(content)
    course = site_files.wheel(site_files.COURSE, "1", {"course_utils/__init__.py": b""})
    out = tmp_path / "pyodide"
    lock = site_files.write_pyodide(out, table, paths, tmp_path, course, "1")["packages"]
    assert all(site_files.sha256(out / entry["file_name"]) == entry["sha256"] for entry in lock.values())
    (tmp_path / "started.cjs").write_text(STARTED, encoding="utf-8")

    def started(failures=0):
        command = ["node", tmp_path / "started.cjs", out, str(failures)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    said = json.loads(started())
    site_packages = "/lib/python3.12/site-packages"
    expected = {f"{site_packages}/{path}": content.decode("latin1") for path, content in contents["numpy"].items()}
    expected["/usr/lib/libopenblas.so"] = "\0asm"
    assert {path: said["files"].get(path) for path in expected} == expected
    assert f"{site_packages}/course_utils/__init__.py" in said["files"]
    assert said["asked"] == [
        ["script", "pyodide.js"],
        ["Python", [], {"A": "1", "PYTHONDONTWRITEBYTECODE": "1"}],
        ["library", "/usr/lib/libopenblas.so", True],
        ["fresh"],
    ]
    assert said["loaded"] == dict.fromkeys(["numpy", "openblas", site_files.COURSE], "default channel")
    assert not said["told"]
    assert json.loads(started(failures=2)) == said  # a network that fails for a moment
    for failures, why in ((10**6, "Failed to fetch"), (0, "numpy.pack is another file")):
        if not failures:
            (out / lock["numpy"]["file_name"]).write_bytes(b"other files")
        stopped = started(failures)
        assert stopped.startswith("stopped: ") and why in stopped
        assert '["course-kernel",{"failed":' in stopped  # the page says so


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node to run the scripts")
def test_the_archive_of_a_students_work_is_a_zip_that_python_opens(tmp_path):
    """The archive is written by hand in work.js, so it is opened by another program."""
    script = tmp_path / "try.mjs"
    shutil.copy(site.ASSETS / "work.js", tmp_path / "work.mjs")
    script.write_text(
        """import { zip, nameBeside } from "./work.mjs";
        const text = (t) => new TextEncoder().encode(t);
        const now = new Date(2026, 10, 27, 4, 5, 6);
        const made = zip({ "00_start.ipynb": text("{}"), "später/é.txt": text("ü".repeat(70000)) }, now);
        process.stdout.write(Buffer.from(await made.arrayBuffer()).toString("base64") + "\\n");
        console.log(nameBeside("a/00_start.ipynb", "kept", now));""",
        encoding="utf-8",
    )
    done = subprocess.run(["node", script], capture_output=True, text=True, encoding="utf-8", check=True)
    archive, name = done.stdout.splitlines()
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(archive))) as opened:
        assert opened.testzip() is None
        assert opened.namelist() == ["00_start.ipynb", "später/é.txt"]
        assert opened.read("später/é.txt").decode() == "ü" * 70000
        assert opened.infolist()[0].date_time == (2026, 11, 27, 4, 5, 6)
    assert name == "a/00_start (kept 2026-11-27 04.05.06).ipynb"
