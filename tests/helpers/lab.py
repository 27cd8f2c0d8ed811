"""Drive a real JupyterLab in a headless Chromium: start it, open a notebook, run it, touch it, look at it.

Everything is a function of a playwright `page`; `lab_fixtures.py` has the pytest fixtures. Cells are named
by their index from 0, or by a piece of their source. Times are seconds, lengths CSS pixels.
"""

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

# 'none' keeps every cell in the DOM; autosave would write outputs into the notebooks under test.
SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none"},
    "docmanager-extension/plugin": {"autosave": False},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}
PANEL = "window.jupyterapp.shell.currentWidget"
# A widget whose JavaScript fails leaves no trace but these; anywidget may only write it to the console.
# `e.error` is null for ResizeObserver's harmless notices.
COLLECT_ERRORS = """window.labErrors = [];
const note = error => {
    const line = `${error}`.split('\\n')[0];
    if (!labErrors.includes(line)) labErrors.push(line); };
const log = console.error;
console.error = (...args) => { note(args[0]); log(...args); };
addEventListener('error', e => e.error && note(e.error));
addEventListener('unhandledrejection', e => note(e.reason));"""

UNSHOWN = ["Error displaying widget", "Loading widget", "Error rendering output item"]  # in place of an output
SHOWN = """texts => [...document.querySelectorAll('.jp-Notebook .jp-Cell')].map(cell => {
    const html = [...cell.querySelectorAll('.jp-Cell-outputArea')].map(area => area.innerHTML).join('');
    return texts.filter(text => html.includes(text)); })"""


class Lab(NamedTuple):
    """A running server: its address with a slash at the end, port, root folder, and the file it logs to."""

    url: str
    port: int
    root: Path
    log: Path


# -- the server ----------------------------------------------------------------------------------------------


@contextmanager
def jupyter_lab(root, timeout=60):
    """Run JupyterLab of this Python on `root`, away from the user's settings; yield a `Lab`, then stop."""
    root = Path(root).resolve()
    with tempfile.TemporaryDirectory(prefix="lab-", ignore_cleanup_errors=True) as home:
        home = Path(home)
        log = home / "server.log"
        with log.open("wb") as out:
            server = subprocess.Popen(
                _command(root),
                cwd=home,
                env=_environment(home),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            url, port = _wait_for_server(server, home / "runtime", log, timeout)
            yield Lab(url, port, root, log)
        except Exception:
            print(f"JupyterLab's log, last lines:\n{log_tail(log)}", file=sys.stderr)
            raise
        finally:
            _stop(server, home / "runtime")


def _command(root):
    return [
        sys.executable,
        "-c",
        "import course_utils.quick_start; from jupyterlab.labapp import main; main()",
        "--no-browser",
        "--allow-root",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={_free_port()}",
        f"--ServerApp.root_dir={root}",
        "--IdentityProvider.token=",
        "--ServerApp.disable_check_xsrf=True",
        # Should this process be killed, so that nobody stops the server: it ends by itself an hour later.
        "--ServerApp.shutdown_no_activity_timeout=3600",
        "--MappingKernelManager.cull_idle_timeout=1800",
        "--LabApp.expose_app_in_browser=True",
        "--LabApp.news_url=None",
        "--LabApp.extension_manager=readonly",
    ]


def _free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def _environment(home):
    """Return variables by which Jupyter's folders lie under `home` and the python3 kernel is this Python."""
    # MPLBACKEND set for a test run would keep the kernel's figures from being shown inline.
    env = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "MPLBACKEND"))}
    for name in ("config", "data", "runtime", "ipython"):
        (home / name).mkdir()
    env |= {
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_PREFER_ENV_PATH": "0",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
    for plugin, values in SETTINGS.items():
        _write_json(home / f"config/lab/user-settings/@jupyterlab/{plugin}.jupyterlab-settings", values)
    _write_json(
        home / "data/kernels/python3/kernel.json",
        {
            "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            "display_name": "Python 3 (ipykernel)",
            "language": "python",
        },
    )
    return env


def _write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


def _wait_for_server(server, runtime, log, timeout):
    """Return (url, port) as the server wrote them down (another port than asked if that one was taken)."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if server.poll() is not None:
            raise RuntimeError(f"JupyterLab ended with code {server.returncode} before it answered")
        try:
            info = json.loads(next(runtime.glob("jpserver-*.json")).read_text())
            request(info["url"] + "api/status")
            return info["url"], info["port"]
        except (StopIteration, ValueError, OSError):  # not there yet, half written, not listening yet
            time.sleep(0.1)
    raise RuntimeError(f"JupyterLab did not answer within {timeout} s")


def request(url, method="GET"):
    """Call the server's REST interface; return the parsed answer, or None where it is empty."""
    with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=20) as answer:
        return json.loads(answer.read() or "null")


def kernels(url):
    """Return the ids of the kernels that run on the server at `url`."""
    return {kernel["id"] for kernel in request(url + "api/kernels")}


def stop_kernels(url, keep=()):
    """Shut down the kernels of the server at `url`, except those whose ids are in `keep`."""
    for session in request(url + "api/sessions"):
        if session["kernel"]["id"] not in keep:
            request(url + f"api/sessions/{session['id']}", "DELETE")
    for kernel in kernels(url) - set(keep):
        request(url + f"api/kernels/{kernel}", "DELETE")


def _stop(server, runtime):
    try:  # kernels live in sessions of their own, so killing the server's group would miss them
        for info in runtime.glob("jpserver-*.json"):
            stop_kernels(json.loads(info.read_text())["url"])
    except (ValueError, OSError) as error:
        print(f"kernels could not be stopped one by one: {error}", file=sys.stderr)
    server.terminate()
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def log_tail(log, lines=60):
    """Return the last `lines` of a server's log."""
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


# -- the browser ---------------------------------------------------------------------------------------------


def find_chromium():
    """Return the path of the system's Chromium or Chrome, or None."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@contextmanager
def chromium():
    """Yield a headless browser. While it is open, `asyncio.run` does not work in this thread (playwright)."""
    from playwright.sync_api import sync_playwright  # here, and not in each process of a run that collects tests

    path = find_chromium()
    if path is None:
        raise RuntimeError("no chromium, chromium-browser or google-chrome on the PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path,
            args=["--disable-gpu", "--disable-background-networking", "--disable-renderer-backgrounding"],
        )
        try:
            yield browser
        finally:
            browser.close()


# -- notebooks -----------------------------------------------------------------------------------------------


def open_notebook(page, url, path, timeout=60):
    """Open `path` (relative to the server's root) in a fresh workspace and wait until its kernel is idle."""
    page.add_init_script(COLLECT_ERRORS)
    page.goto(f"{url}lab/tree/{quote(str(path))}?reset", timeout=timeout * 1000)
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if page.evaluate(f"""() => {{
                const panel = window.jupyterapp && {PANEL};
                return panel?.context?.isReady && panel.sessionContext?.session?.kernel?.status === 'idle'
                    && panel.sessionContext.isReady && !document.querySelector('.jp-Dialog'); }}"""):
            settle(page)
            return
        accept = page.locator(".jp-Dialog .jp-mod-accept")  # which kernel? the offered one will do
        if accept.count():
            accept.first.click()
        page.wait_for_timeout(100)
    raise TimeoutError(f"{path} was not open with an idle kernel after {timeout} s")


def cells(page):
    """Return the cells of the open notebook's model: nbformat dicts (cell_type, source, outputs, ...)."""
    return page.evaluate(f"() => {PANEL}.content.widgets.map(cell => cell.model.sharedModel.toJSON())")


def index_of(page, cell):
    """Return a cell's index: an index as it is, a piece of source by the one cell that holds it."""
    # not from `cells`, which would send all outputs, megabytes of pictures, for every cell that is named
    sources = page.evaluate(f"() => {PANEL}.content.widgets.map(cell => cell.model.sharedModel.getSource())")
    if isinstance(cell, int):
        if not 0 <= cell < len(sources):
            raise LookupError(f"cell {cell} of a notebook with {len(sources)} cells")
        return cell
    found = [i for i, source in enumerate(sources) if cell in source]
    if len(found) != 1:
        raise LookupError(f"{cell!r} should stand in exactly one cell, found in {found} of {len(sources)}")
    return found[0]


def set_cell(page, cell, source):
    """Replace a cell's source, as typing would."""
    page.evaluate(
        f"([i, source]) => {PANEL}.content.widgets[i].model.sharedModel.setSource(source)",
        [index_of(page, cell), source],
    )


def run_all(page, timeout=300):
    """Run all cells, wait, and return `cells(page)`; JupyterLab stops at the first cell that raises."""
    return _run(page, "notebook:run-all-cells", timeout)


def run_cell(page, cell, timeout=60):
    """Run one cell, wait, and return it as `cells` does."""
    i = index_of(page, cell)
    page.evaluate(f"i => {{ {PANEL}.content.activeCellIndex = i; {PANEL}.content.deselectAll(); }}", i)
    return _run(page, "notebook:run-cell", timeout)[i]


def _run(page, command, timeout):
    from playwright.sync_api import TimeoutError as PlaywrightTimeout

    page.evaluate(
        """command => {
        window.labRun = 'running';
        jupyterapp.commands.execute(command).then(() => window.labRun = 'done', e => window.labRun = `${e}`);
        }""",
        command,
    )
    try:
        page.wait_for_function(
            f"""() => document.querySelector('.jp-Dialog') || (window.labRun !== 'running'
            && {PANEL}.sessionContext.session?.kernel?.status === 'idle')""",
            timeout=timeout * 1000,
        )
    except PlaywrightTimeout:
        running = [
            i for i, text in enumerate(page.locator(".jp-Notebook .jp-Cell").all_inner_texts()) if "[*]:" in text
        ]
        raise TimeoutError(f"{command} took over {timeout} s; running or waiting: cells {running}") from None
    dialog = page.locator(".jp-Dialog")
    if dialog.count():  # most of all: the kernel died
        raise RuntimeError(f"JupyterLab asked during {command}: {dialog.first.inner_text()}")
    if page.evaluate("window.labRun") != "done":
        raise RuntimeError(f"{command} failed: {page.evaluate('window.labRun')}")
    settle(page)
    return cells(page)


def problems(page):
    """Return a line for each code cell that did not run or raised, widget not shown, and JavaScript error.

    A cell tagged `raises-exception` may raise; an empty one need not run. `assert not problems(page)`.
    """
    lines, shown = [], page.evaluate(SHOWN, UNSHOWN)
    for i, c in enumerate(cells(page)):
        if c["cell_type"] != "code" or not c["source"].strip():
            continue
        if c["execution_count"] is None:
            lines.append(f"cell {i} did not run: {c['source'].splitlines()[0]}")
        if "raises-exception" not in c["metadata"].get("tags", []):
            lines += [
                f"cell {i} raised {o['ename']}: {o['evalue']}" for o in c["outputs"] if o["output_type"] == "error"
            ]
        lines += [f"cell {i} shows: {text}" for text in shown[i]]
    return lines + [f"JavaScript: {error}" for error in page.evaluate("window.labErrors")]


def cell_locator(page, cell):
    """Return the locator of a cell, to find things in it: `cell_locator(page, 3).locator("img")`."""
    return page.locator(".jp-Notebook .jp-Cell").nth(index_of(page, cell))


def output_html(page, cell):
    """Return the HTML of a code cell's outputs as they stand in the page; empty without outputs."""
    areas = cell_locator(page, cell).locator(".jp-Cell-outputArea").all()
    return "".join(area.inner_html() for area in areas)


def scroll_to(page, cell):
    """Scroll a cell's top to the top of the window."""
    cell_locator(page, cell).evaluate("cell => cell.scrollIntoView({block: 'start', behavior: 'instant'})")


# -- hands and eyes ------------------------------------------------------------------------------------------


def drag(page, target, dx, dy, steps=10):
    """Press the mouse in the middle of `target` (locator or handle), move by (dx, dy), release."""
    target.scroll_into_view_if_needed()
    box = target.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx, y + dy, steps=steps)
    page.mouse.up()


def pixels(target):
    """Return a hash of the pixels of an <img> or <canvas> (locator or handle); other elements are refused."""
    return hashlib.sha256(
        target.evaluate("""async e => {
        if (!['IMG', 'CANVAS'].includes(e.tagName))
            throw Error(`<img> or <canvas> expected, got <${e.tagName}>`);
        if (e.tagName === 'IMG') await e.decode();
        const copy = document.createElement('canvas');
        copy.width = e.naturalWidth ?? e.width;
        copy.height = e.naturalHeight ?? e.height;
        if (!copy.width || !copy.height) throw Error(`<${e.tagName}> has no pixels`);
        copy.getContext('2d').drawImage(e, 0, 0);
        return copy.toDataURL(); }""").encode()
    ).hexdigest()


def wait_for_new_pixels(target, before, timeout=10):
    """Wait until `pixels(target)` is not `before`, and return it; `target` is a locator."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        after = pixels(target)
        if after != before:
            return after
        time.sleep(0.05)
    raise AssertionError(f"the pixels of {target} did not change within {timeout} s")


def settle(page, timeout=15):
    """Wait until images, fonts and widgets are there and the cells have kept their heights for half a second.

    Gives up in silence after `timeout`: whoever looks sees what is missing (`problems`, screenshots).
    """
    page.evaluate("document.fonts.ready.then(() => null)")
    height, since, end = None, 0, time.monotonic() + timeout
    while time.monotonic() < end:
        now = page.evaluate("""() => [...document.images].every(i => i.complete) &&
            ![...document.querySelectorAll('.jp-OutputArea')].some(
                output => output.textContent.includes('Loading widget')) &&
            [...document.querySelectorAll('.jp-Cell')].reduce((sum, cell) => sum + cell.offsetHeight, 0)""")
        if now is False or now != height:
            height, since = now, time.monotonic()
        elif time.monotonic() - since > 0.5:
            return
        page.wait_for_timeout(100)


def screenshot_cells(page, folder, width=1280, tall=1600):
    """Photograph a notebook (in JupyterLab, or an HTML page) from top to bottom; return the pictures' paths.

    Pictures are at most `tall` high and cut between cells; a cell higher than that is cut with an overlap.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    size = page.viewport_size
    page.set_viewport_size({"width": width, "height": tall + 200})  # room for JupyterLab's bars
    settle(page)
    scroller = page.evaluate_handle(
        "() => document.querySelector('.jp-Notebook .jp-WindowedPanel-outer') ?? document.scrollingElement"
    )
    bottoms, total = scroller.evaluate("""s => {
        const page = s === document.scrollingElement;
        const zero = (page ? 0 : s.getBoundingClientRect().top) - s.scrollTop;
        const bottoms = [...s.querySelectorAll('.jp-Cell')].map(c => c.getBoundingClientRect().bottom - zero);
        return [bottoms, bottoms.length ? Math.max(...bottoms) + 10 : s.scrollHeight]; }""")
    paths = []
    for top, bottom in _slices(bottoms, total, tall):
        x, y, w = scroller.evaluate(
            """(s, top) => {
            s.scrollTo({top, behavior: 'instant'});
            if (s === document.scrollingElement) return [0, top - s.scrollTop, s.clientWidth];
            const box = s.getBoundingClientRect();
            return [box.left, box.top + top - s.scrollTop, box.width]; }""",
            top,
        )
        page.wait_for_timeout(100)
        paths.append(folder / f"{width}_{len(paths):02d}.png")
        page.screenshot(path=paths[-1], clip={"x": x, "y": y, "width": w, "height": bottom - top})
    page.set_viewport_size(size)
    return paths


def _slices(bottoms, total, tall, overlap=40):
    """Cut 0..total into (top, bottom) of at most `tall`, at the last of `bottoms` that fits if one does."""
    top = 0
    while total - top > tall:
        bottom = max((b for b in bottoms if top + overlap < b <= top + tall), default=None)
        yield top, bottom or top + tall
        top = bottom or top + tall - overlap
    yield top, total
