"""The browser edition in a real Chromium: built, opened below a sub-path, used, left, used without a network, renewed.

Python in a browser takes minutes for this, and the first build fetches 130 MB: it runs with COURSE_TEST_COPIES=full
(the weekly workflow). What needs no browser is in tests/building/test_site.py.
"""

import contextlib
import json
import socketserver
import threading
import time
import zipfile
from pathlib import Path

import pytest

from course_utils.building import site

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
]
ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 900  # seconds, on a machine that does other things, too
BROWSERS_OWN = ("content-autofill.googleapis.com", "update.googleapis.com", "accounts.google.com")  # asked by Chromium
PANEL = "window.jupyterapp?.shell.currentWidget"
ANSWER = """def log_mean_exp(a):
    m = np.max(a)
    return m + np.log(np.mean(np.exp(np.asarray(a) - m)))
"""
ENDLESS = "def log_mean_exp(a):\n    while True:\n        a = a + 1\n"
CELLS = """() => jupyterapp.shell.currentWidget.content.widgets.map((w) => w.model.sharedModel.toJSON())"""
SET_SOURCE = """([start, source]) => {
  const cell = jupyterapp.shell.currentWidget.content.widgets.find((w) => w.model.sharedModel.source.startsWith(start));
  cell.model.sharedModel.setSource(source); }"""

SHOW = """(start) => { const { content } = jupyterapp.shell.currentWidget;
  return content.scrollToItem(content.widgets.findIndex((w) => w.model.sharedModel.source.startsWith(start))); }"""


class Refuser(socketserver.StreamRequestHandler):
    """A proxy that notes what is asked of other hosts, and gives nothing."""

    def handle(self):
        self.server.asked.append(self.rfile.readline().decode(errors="replace").strip())
        self.wfile.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")


@contextlib.contextmanager
def refuser():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Refuser) as server:
        server.asked, server.daemon_threads = [], True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@contextlib.contextmanager
def serving(folder, port=0):
    server = site.site_server(folder, port)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    out = tmp_path_factory.mktemp("host") / "some" / "course"
    weights = site.build_site(ROOT, out)
    assert sum(size for part, size in weights.items() if part != "the faces") <= 55e6, weights  # the public site's
    return out


@pytest.fixture
def visit(browser):
    """A fresh visitor's page; its requests to other hosts are noted and refused, and there may be none, nor errors."""
    with refuser() as proxy:
        server = f"http://127.0.0.1:{proxy.server_address[1]}"
        context = browser.new_context(
            viewport={"width": 1280, "height": 900}, proxy={"server": server, "bypass": "127.0.0.1"}
        )
        context.set_default_timeout(PATIENCE * 1000)
        page, errors = context.new_page(), []
        page.on("pageerror", lambda error: errors.append(str(error)))
        yield page
        context.close()
        assert not [line for line in proxy.asked if not any(host in line for host in BROWSERS_OWN)]
        assert not [
            error for error in errors if "Failed to initialize model" not in error
        ]  # a busy machine's anywidget


def open_notebook(page, address):
    """Open a notebook and wait for its kernel."""
    page.goto(address)
    wait_for_kernel(page)


def wait_for_kernel(page):
    """Wait until the notebook's kernel is ready; return the seconds that this took."""
    begun = time.monotonic()
    idle = f"{PANEL}?.context?.sessionContext?.kernelDisplayStatus === 'idle'"
    for state in ("document.documentElement.dataset.course === 'ready'", idle):
        page.wait_for_function(
            state, polling=500
        )  # by default at every frame, which costs more than the kernel's start
    return time.monotonic() - begun


def run_all(page):
    page.evaluate("() => jupyterapp.commands.execute('notebook:run-all-cells')")
    return page.evaluate(CELLS)


def text_of(cells, start):
    """What the code cell whose source begins so has put out, as plain text."""
    cell = next(cell for cell in cells if cell["source"].startswith(start))
    texts = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell["outputs"]]
    return "".join(map(str, texts))


def errors_in(cells):
    return [
        o for cell in cells for o in cell.get("outputs", []) if o["output_type"] == "error" or o.get("name") == "stderr"
    ]


def start_page(page, address):
    page.goto(address)
    page.wait_for_selector("li[data-path]")
    return page.locator('li[data-path="00_start_here.ipynb"]')


def test_a_student_works_leaves_comes_back_without_a_network_and_gets_a_new_version(visit, built, tmp_path):
    page, host = visit, built.parents[1]
    with serving(host) as port:
        address = f"http://127.0.0.1:{port}/some/course/"
        item = start_page(page, address)
        assert not page.locator("#refused").is_visible() and not page.locator("#download").is_visible()
        item.get_by_role("link", name="00 Start here").click()
        page.wait_for_url("**/notebooks/**")
        seconds = wait_for_kernel(page)
        print(f"the kernel was ready after {seconds:.0f} s")

        # an endless loop ends as usual
        page.evaluate(SET_SOURCE, ["def log_mean_exp", ENDLESS])
        cells = run_all(page)
        assert errors_in(cells) == []
        assert "seconds" in text_of(cells, "log_mean_exp = check")

        # a right answer passes, and the explorable is alive
        page.evaluate(SET_SOURCE, ["def log_mean_exp", ANSWER])
        cells = run_all(page)
        assert errors_in(cells) == []
        assert "passed" in text_of(cells, "log_mean_exp = check") or "✓" in text_of(cells, "log_mean_exp = check")
        page.evaluate(SHOW, "from course_utils.explorables")  # cells out of sight are not in the page
        slider = page.locator(".course-explorer [role=slider]").first
        slider.scroll_into_view_if_needed()
        value = slider.get_attribute("aria-valuenow")
        slider.focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_function(
            "([s, v]) => s.getAttribute('aria-valuenow') !== v", arg=[slider.element_handle(), value]
        )

        # the course's buttons: back to the start page, and all of the work as one archive
        page.get_by_role("button", name="Course", exact=True).click()
        item = page.locator('li[data-path="00_start_here.ipynb"]')
        item.get_by_text("1 of 1 exercises solved").wait_for()
        with page.expect_download() as download:
            page.get_by_role("button", name="Download my work").click()
        download.value.save_as(tmp_path / "work.zip")
        with zipfile.ZipFile(tmp_path / "work.zip") as archive:
            assert archive.testzip() is None
            assert {"00_start_here.ipynb", ".course_progress.json"} <= set(archive.namelist())
            assert "log_mean_exp" in json.loads(archive.read(".course_progress.json"))["solved"]
            assert ANSWER.splitlines()[2] in archive.read("00_start_here.ipynb").decode()
        page.wait_for_function("document.documentElement.dataset.kept === 'all'", polling=500)

    # the server is gone: everything comes from the browser
    item = start_page(page, address)
    item.get_by_text("1 of 1 exercises solved").wait_for()
    open_notebook(page, f"{address}notebooks/index.html?path=00_start_here.ipynb")
    cells = run_all(page)
    assert errors_in(cells) == []
    assert any(cell["source"] == ANSWER for cell in cells)
    item = start_page(page, address)
    item.get_by_role("button", name="again").click()
    page.get_by_text("Your copy is kept as").wait_for()
    kept = item.locator(".others a").inner_text()
    assert kept.startswith("00_start_here (kept ") and not item.get_by_role("button").count()

    # a new version of the notebook, while the student has gone on with the kept copy
    notebook = json.loads((built / "files" / "00_start_here.ipynb").read_text(encoding="utf-8"))
    open_notebook(page, f"{address}notebooks/index.html?path=00_start_here.ipynb")
    page.evaluate(SET_SOURCE, ["def log_mean_exp", ANSWER])
    page.evaluate("() => jupyterapp.shell.currentWidget.context.save()")
    notebook["metadata"]["course"]["built"] = "0" * 64
    notebook["cells"][0]["source"] = "# Start here\n\nThis is new."
    new = tmp_path / "00_start_here.ipynb"
    new.write_text(json.dumps(notebook), encoding="utf-8")
    others = [path for path in sorted((ROOT / "notebooks").glob("*.ipynb")) if path.name != new.name]
    described = site.put_notebooks([new, *others], built)
    site.write_start_page(built, described, 52_000_000, beside=[])
    site.write_worker(built)
    with serving(host, port):
        item = start_page(page, address)
        page.locator("#update button").click()
        button = item.get_by_role("button", name="new version")
        button.click()
        page.get_by_text("It is beside yours now").wait_for()
        names = item.locator(".others a").all_inner_texts()
        assert sorted(name.split(" (")[1][:4] for name in names) == ["kept", "new "]
        assert not button.count()
        stored = page.evaluate("""async () => (await (await import('./course/work.js')).allFiles())
            .map((file) => [file.path, JSON.stringify(file.content)])""")
        by_path = dict(stored)
        assert "np.exp(np.asarray(a) - m)" in by_path["00_start_here.ipynb"]
        assert "This is new." in next(text for path, text in stored if "(new" in path)


def test_a_browser_that_keeps_nothing_says_so_before_work_is_lost(visit, built):
    page = visit
    page.add_init_script("indexedDB.open = () => { throw new DOMException('refused', 'SecurityError'); };")
    with serving(built.parents[1]) as port:
        page.goto(f"http://127.0.0.1:{port}/some/course/")
        page.get_by_text("refuses to keep anything").wait_for()
