"""Seconds of every notebook natively and in the browser edition, cell by cell, in headless Chromium or Firefox.

    python tests/benchmarks/bench_browser.py [NN ...] [--site OUT] [--solutions | --students] [--no-native] [--firefox]
        [--patience SECONDS] [--limit SECONDS] [--slow SECONDS] [--log FOLDER]

Builds the site unless a built one is named. Each notebook is run from top to bottom in a fresh kernel: the student's
copy as it is handed out, and the solution. A line for each says how many cells ran, how many errors and lines on
standard error there were (a student's copy has none either: open exercises do not stop it), the seconds, and the
slowest cell in the browser. Cells that take long are listed below it, natively and in the browser, and whatever was
red, or an answer's report that says "not yet", which no answer of the solutions and no open exercise may have. A cell
that takes longer than the patience ends its notebook, and so does the limit for all cells of one; with a log, the
browser's cells of each notebook are kept as JSON there, also of one that was ended. Seconds are those of the
processor, of the kernel and its children or of the whole browser, with one BLAS thread: on a quiet machine, about what
a student waits, and on a busy one not far from it. Each cell's are told on standard error as it ends, with what was
red.
"""

import argparse
import contextlib
import functools
import json
import math
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "helpers")]

import nbformat  # noqa: E402
import psutil  # noqa: E402
from lab import chromium  # noqa: E402
from marionette import firefox  # noqa: E402
from nbclient import NotebookClient  # noqa: E402

from course_utils.building.site import build_site, site_server  # noqa: E402

SAVE = """([path, content]) => new Promise((resolve, reject) => {
  const opening = indexedDB.open("JupyterLite Storage - /");  // of a site at the top of its host
  opening.onupgradeneeded = () => opening.result.createObjectStore("files");
  opening.onsuccess = () => {
    const now = new Date().toISOString(), transaction = opening.result.transaction("files", "readwrite");
    const file = { name: path, path, content: JSON.parse(content), created: now, last_modified: now };
    transaction.objectStore("files").put({ ...file, type: "notebook", format: "json" }, path);
    transaction.oncomplete = () => { opening.result.close(); resolve(); };
  };
  opening.onerror = () => reject(opening.error); })"""
READY = """document.documentElement.dataset.course === 'ready' &&
  jupyterapp.shell.currentWidget?.context?.sessionContext?.kernelDisplayStatus === 'idle'"""
CODE = """() => [...jupyterapp.shell.currentWidget.content.widgets.entries()].filter(([i, widget]) =>
  widget.model.type === "code" && widget.model.sharedModel.source.trim()).map(([i]) => i)"""
RUN = """async ([i, patience]) => {
  const { content } = jupyterapp.shell.currentWidget, shared = content.widgets[i].model.sharedModel;
  content.activeCellIndex = i;
  const late = new Promise((resolve) => setTimeout(() => resolve("late"), 1000 * patience));
  const ended = await Promise.race([jupyterapp.commands.execute("notebook:run-cell"), late]);
  const outputs = shared.toJSON().outputs, errors = outputs.filter((o) => o.output_type === "error");
  return { i, source: shared.source, late: ended === "late",
    errors: errors.map((o) => `${o.ename}: ${o.evalue}`),
    red: outputs.filter((o) => o.name === "stderr").map((o) => [].concat(o.text).join("")),
    reports: outputs.map((o) => [].concat(o.data?.["text/plain"] ?? "").join("")).filter((t) => /^[✗◐]/.test(t)) };
}"""


def processor_seconds():
    """Of all processes that this one has started, and of theirs."""
    spent = 0.0
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):  # it has ended meanwhile
            spent += sum(process.cpu_times()[:4])
    return spent


def without_outputs(path):
    """The notebook's JSON, code cells not yet run."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


@contextlib.contextmanager
def page_of(patience, in_firefox):
    """A page of a fresh browser: one that computed for long leaves its memory behind."""
    if in_firefox:
        with firefox(patience) as page:
            page.wait_for_function = functools.partial(page.wait_for, seconds=patience)
            yield page
        return
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(patience * 1000)
        yield page


def in_browser(page, address, path, patience, limit, note=lambda ready, cells: None):
    """(seconds until the kernel is ready, [{i, source, seconds, wall, late, errors, red, reports}] for each code cell).

    `note` gets them after each cell. The one that is still running when `limit` seconds have passed is the last.
    """
    name = f"bench-{path.parent.name}-{path.name}"
    page.goto(address)  # the start page, where no kernel starts
    page.evaluate(SAVE, [name, nbformat.writes(without_outputs(path))])
    begun = time.monotonic()
    page.goto(f"{address}notebooks/index.html?path={name}")
    page.wait_for_function(READY)
    ready, cells = time.monotonic() - begun, []
    end = time.monotonic() + limit
    for i in page.evaluate(CODE):
        before, now = processor_seconds(), time.monotonic()
        cells.append(page.evaluate(RUN, [i, max(min(patience, end - now), 0)]))
        cells[-1] |= {"seconds": processor_seconds() - before, "wall": time.monotonic() - now}
        note(ready, cells)
        said = [f"{cells[-1]['seconds']:.1f}", first_line(cells[-1]), *amiss(cells[-1])]
        print(f"  {path.stem} {i}", *said, file=sys.stderr, flush=True)
        if cells[-1]["late"]:
            break
    return ready, cells


def natively(path, patience):
    """{index of a cell: seconds} in a kernel of this machine."""
    notebook = without_outputs(path)
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook,
            kernel_name="python3",
            timeout=patience,
            allow_errors=True,
            resources={"metadata": {"path": folder}},
        )
        with client.setup_kernel():
            seconds = {}
            for i, cell in enumerate(notebook.cells):
                before = processor_seconds()
                client.execute_cell(cell, i)
                seconds[i] = processor_seconds() - before
            return seconds


def amiss(cell):
    """What a cell showed and should not: errors, lines on standard error, reports of an answer that is not right."""
    return [*cell["errors"], *cell["red"], *cell["reports"]]


def first_line(cell):
    """What a cell is called in the table."""
    return json.dumps(cell["source"].splitlines()[0][:50])


def keep(folder, path, ready, cells):
    """Write what is known of a notebook into the log."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"ready": ready, "cells": cells}, indent=1)
    (folder / f"{path.stem[:2]}-{path.parent.name}.json").write_text(text, encoding="utf-8")


def line_of(path, ready, cells, native):
    """A notebook's line in the table."""
    errors, red = (
        sum(bool(found) for found in kind)
        for kind in ([cell["errors"] for cell in cells], [[*cell["red"], *cell["reports"]] for cell in cells])
    )
    slowest = max(cells, key=lambda cell: cell["seconds"])
    alone, here = sum(native.values()) if native else math.nan, sum(cell["seconds"] for cell in cells)
    return (
        f"{path.parent.name + '/' + path.stem:42} {len(cells):5} {errors:6} {red:4} {ready:6.1f} {alone:6.1f}"
        f" {here:7.1f}  {slowest['seconds']:.1f} s {first_line(slowest)}{' (stopped there)' * cells[-1]['late']}"
    )


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", metavar="NN")
    parser.add_argument("--site", type=Path, help="a built site; default: it is built")
    parser.add_argument("--solutions", action="store_true", help="solutions alone")
    parser.add_argument("--students", action="store_true", help="students' copies alone")
    parser.add_argument("--no-native", action="store_true")
    parser.add_argument("--firefox", action="store_true", help="in the system's Firefox; default: Chromium")
    parser.add_argument("--patience", type=float, default=1200, metavar="SECONDS", help="for one cell; default: 1200")
    parser.add_argument("--limit", type=float, default=math.inf, metavar="SECONDS", help="for one notebook")
    parser.add_argument("--log", type=Path, help="a folder for what each cell took and showed")
    parser.add_argument("--slow", type=float, default=30, metavar="SECONDS", help="lists cells from here; default: 30")
    given = parser.parse_args()
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    folders = [name for name, other in (("notebooks", given.solutions), ("solutions", given.students)) if not other]
    with tempfile.TemporaryDirectory() as folder:
        out = given.site or Path(folder) / "site"
        if not given.site:
            build_site(ROOT, out)
        server = site_server(out)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(
            f"{'notebook':42} cells errors  red  ready native browser  slowest cell",
            flush=True,
        )
        for path in (path for name in folders for path in sorted((ROOT / name).glob("*.ipynb"))):
            if given.notebooks and not path.name.startswith(tuple(given.notebooks)):
                continue
            native = {} if given.no_native else natively(path, given.patience)
            with page_of(given.patience, given.firefox) as page:
                note = functools.partial(keep, given.log, path) if given.log else lambda *_: None
                address = f"http://127.0.0.1:{server.server_port}/"
                ready, cells = in_browser(page, address, path, given.patience, given.limit, note)
            print(line_of(path, ready, cells, native), flush=True)
            for cell in cells:
                told = [f"{native.get(cell['i'], math.nan):.1f} s, in the browser {cell['seconds']:.1f} s"]
                for text in (*told * (cell["seconds"] >= given.slow), *amiss(cell)):
                    print(f"    {first_line(cell)}: {text[:300]}", flush=True)
        server.shutdown()


if __name__ == "__main__":
    main()
