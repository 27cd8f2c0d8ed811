"""Seconds of every notebook natively and in the browser edition, cell by cell, in headless Chromium.

    python tests/benchmarks/bench_browser.py [NN ...] [--site OUT] [--solutions | --students] [--no-native]

Builds the site unless a built one is named. Each notebook is run from top to bottom in a fresh kernel: the student's
copy as it is handed out, and the solution. A line for each says how many cells ran, how many errors and lines on
standard error there were (a student's copy has none either: open exercises do not stop it), the seconds, and the
slowest cell in the browser. Numbers are worth something on a quiet machine alone.
"""

import argparse
import json
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "helpers")]

import nbformat  # noqa: E402
from lab import chromium  # noqa: E402
from nbclient import NotebookClient  # noqa: E402

from course_utils.building.site import build_site, site_server  # noqa: E402

PATIENCE = 3600  # seconds for a cell
SAVE = """([path, content]) => jupyterapp.serviceManager.contents.save(path,
  { type: "notebook", format: "json", content: JSON.parse(content) })"""
READY = """document.documentElement.dataset.course === 'ready' &&
  jupyterapp.shell.currentWidget?.context?.sessionContext?.kernelDisplayStatus === 'idle'"""
RUN = """async () => {
  const { content } = jupyterapp.shell.currentWidget, results = [];
  for (const [i, widget] of content.widgets.entries()) {
    const shared = widget.model.sharedModel;
    if (shared.cell_type !== "code" || !shared.source.trim()) continue;
    content.activeCellIndex = i;
    const begun = performance.now();
    await jupyterapp.commands.execute("notebook:run-cell");
    const outputs = shared.toJSON().outputs;
    results.push({ source: shared.source, seconds: (performance.now() - begun) / 1000,
      errors: outputs.filter((o) => o.output_type === "error").map((o) => `${o.ename}: ${o.evalue}`),
      red: outputs.filter((o) => o.name === "stderr").map((o) => [].concat(o.text).join("")) });
  }
  return results;
}"""


def without_outputs(path):
    """The notebook's JSON, code cells not yet run."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def in_browser(browser, address, path):
    """(seconds until the kernel is ready, [{source, seconds, errors, red}] for each code cell)."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE * 1000)
    page, name = context.new_page(), f"bench-{path.parent.name}-{path.name}"
    try:
        page.goto(f"{address}notebooks/index.html?path=00_start_here.ipynb")
        page.wait_for_function("document.documentElement.dataset.course === 'ready'")
        page.evaluate(SAVE, [name, nbformat.writes(without_outputs(path))])
        begun = time.monotonic()
        page.goto(f"{address}notebooks/index.html?path={name}")
        page.wait_for_function(READY)
        return time.monotonic() - begun, page.evaluate(RUN)
    finally:
        context.close()


def natively(path):
    """Seconds of all code cells together, in a kernel of this machine."""
    notebook = without_outputs(path)
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook,
            kernel_name="python3",
            timeout=PATIENCE,
            allow_errors=True,
            resources={"metadata": {"path": folder}},
        )
        with client.setup_kernel():
            begun = time.monotonic()
            for i, cell in enumerate(notebook.cells):
                client.execute_cell(cell, i)
            return time.monotonic() - begun


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", metavar="NN")
    parser.add_argument("--site", type=Path, help="a built site; default: it is built")
    parser.add_argument("--solutions", action="store_true", help="solutions alone")
    parser.add_argument("--students", action="store_true", help="students' copies alone")
    parser.add_argument("--no-native", action="store_true")
    given = parser.parse_args()
    folders = [name for name, other in (("notebooks", given.solutions), ("solutions", given.students)) if not other]
    with tempfile.TemporaryDirectory() as folder:
        out = given.site or Path(folder) / "site"
        if not given.site:
            build_site(ROOT, out)
        server = site_server(out)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(
            "notebook                                   cells errors  red  ready native browser  slowest cell",
            flush=True,
        )
        for path in (path for name in folders for path in sorted((ROOT / name).glob("*.ipynb"))):
            if given.notebooks and not path.name.startswith(tuple(given.notebooks)):
                continue
            native = float("nan") if given.no_native else natively(path)
            with chromium() as browser:  # a fresh one: a page that computed for long leaves its memory behind
                ready, cells = in_browser(browser, f"http://127.0.0.1:{server.server_port}/", path)
            errors, red = (sum(bool(cell[kind]) for cell in cells) for kind in ("errors", "red"))
            slowest = max(cells, key=lambda cell: cell["seconds"])
            print(
                f"{path.parent.name}/{path.stem:32} {len(cells):5} {errors:6} {red:4} {ready:6.1f} {native:6.1f}"
                f" {sum(cell['seconds'] for cell in cells):7.1f}  {slowest['seconds']:.1f} s"
                f" {json.dumps(slowest['source'].splitlines()[0][:50])}",
                flush=True,
            )
            for cell in cells:
                for line in (*cell["errors"], *cell["red"]):
                    print(f"    {cell['source'].splitlines()[0][:50]!r}: {line[:200]}", flush=True)
        server.shutdown()


if __name__ == "__main__":
    main()
