"""Does the harness of lab.py see what happens in JupyterLab, failures above all?"""

import json
import os
import sys
import urllib.error

import lab
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

pytest_plugins = ["pytester"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]

FIGURE = """import numpy as np
import matplotlib.pyplot as plt
plt.plot(np.sin(np.linspace(0, 9)));"""
SLIDER = """import base64, ipywidgets as w
def image(k):
    size = 'xmlns="http://www.w3.org/2000/svg" width="200" height="50"'
    svg = f'<svg {size}><rect width="{2 * k}" height="50"/></svg>'
    return f'<img alt="bar" src="data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}">'
slider, bar = w.IntSlider(20), w.HTML(image(20))
slider.observe(lambda change: setattr(bar, "value", image(change.new)), "value")
w.VBox([slider, bar])"""
CANVAS = '''import anywidget, traitlets
class Pad(anywidget.AnyWidget):
    x = traitlets.Float(0).tag(sync=True)
    _esm = """function render({ model, el }) {
        const canvas = el.appendChild(document.createElement("canvas"));
        const draw = x => canvas.getContext("2d").fillRect(x, 10, 20, 20);
        canvas.addEventListener("pointermove", e => {
            if (e.buttons) { draw(e.offsetX); model.set("x", e.offsetX); model.save_changes(); } });
        draw(0);
    } export default { render }"""
pad = Pad()
pad'''
CELLS = [
    new_markdown_cell("# Scratch\n\n$\\int e^{-x^2} dx = \\sqrt\\pi$"),
    new_code_cell(FIGURE),
    new_code_cell(SLIDER),
    new_code_cell(CANVAS),
    new_code_cell("print('before')"),
    new_code_cell("1 + 1"),
]


def write(lab_server, name, cells, kernel="python3"):
    """Put a notebook into the server's folder and return its path there."""
    metadata = {"kernelspec": {"name": kernel, "display_name": kernel, "language": "python"}}
    nbformat.write(new_notebook(cells=cells, metadata=metadata), lab_server.root / name)
    return name


@pytest.fixture(scope="module")
def open_scratch(browser, lab_server):
    """The scratch notebook, opened once, because opening one costs seconds."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    lab.open_notebook(page, lab_server.url, write(lab_server, "scratch.ipynb", CELLS))
    return page


@pytest.fixture
def scratch(open_scratch):
    """The scratch notebook with its first sources, no outputs, and a fresh kernel."""
    for i, cell in enumerate(CELLS):
        lab.set_cell(open_scratch, i, cell.source)
    open_scratch.evaluate("""async () => {
        const panel = jupyterapp.shell.currentWidget;
        const late = new Promise((_, no) => setTimeout(no, 30000, Error("no restart in 30 s")));
        await Promise.race([panel.sessionContext.restartKernel(), late]);
        await jupyterapp.commands.execute('notebook:clear-all-cell-outputs'); }""")
    # A kernel that is restarted while it is still starting may never answer.
    open_scratch.wait_for_function(f"() => {lab.PANEL}.sessionContext.session.kernel.status === 'idle'", timeout=30_000)
    open_scratch.evaluate("window.labErrors.length = 0")
    return open_scratch


@pytest.fixture
def own_scratch(page, lab_server):
    """A scratch notebook in a window of its own, for tests after which the kernel is of no use."""
    lab.open_notebook(page, lab_server.url, write(lab_server, "own.ipynb", CELLS))
    return page


def test_everything_runs_and_is_seen(scratch, lab_server, tmp_path):
    assert len(lab.problems(scratch)) == 5  # nothing has run yet
    cells = lab.run_all(scratch)
    assert [c.get("execution_count") for c in cells] == [None, 1, 2, 3, 4, 5]
    assert cells[5]["outputs"][0]["data"]["text/plain"] == "2"
    assert cells[4]["outputs"][0]["text"] == "before\n"
    assert lab.problems(scratch) == []
    assert "<img" in lab.output_html(scratch, 1)
    assert lab.cell_locator(scratch, 0).locator("mjx-container").count() == 1
    paths = lab.screenshot_cells(scratch, tmp_path, width=1920, tall=700)
    assert len(paths) >= 2 and scratch.viewport_size == {"width": 1280, "height": 900}
    saved = nbformat.read(lab_server.root / "scratch.ipynb", as_version=4)
    assert saved.cells[5].outputs == []  # autosave would write into the notebook under test


def test_dragging_changes_pixels(scratch):
    lab.run_all(scratch)
    slider = lab.cell_locator(scratch, "IntSlider")
    bar = slider.locator("img[alt=bar]")
    before = lab.pixels(bar)
    assert lab.pixels(bar) == before
    lab.drag(scratch, slider.locator(".noUi-handle"), 60, 0)
    lab.wait_for_new_pixels(bar, before)
    lab.set_cell(scratch, 5, "slider.value > 20")
    assert lab.run_cell(scratch, 5)["outputs"][0]["data"]["text/plain"] == "True"

    canvas = lab.cell_locator(scratch, "anywidget").locator("canvas")
    before = lab.pixels(canvas)
    lab.drag(scratch, canvas, 50, 10)
    lab.wait_for_new_pixels(canvas, before)
    lab.set_cell(scratch, "slider.value >", "pad.x > 100")
    assert lab.run_cell(scratch, "pad.x > 100")["outputs"][0]["data"]["text/plain"] == "True"


def test_pixels_that_stay_are_reported(scratch):
    lab.run_all(scratch)
    canvas = lab.cell_locator(scratch, "anywidget").locator("canvas")
    with pytest.raises(AssertionError, match="did not change"):
        lab.wait_for_new_pixels(canvas, lab.pixels(canvas), timeout=0.5)
    with pytest.raises(Exception, match="<img> or <canvas> expected, got <DIV>"):
        lab.pixels(lab.cell_locator(scratch, 1))


def test_a_cell_that_raises_is_reported_and_stops_the_rest(scratch):
    lab.set_cell(scratch, "print('before')", "print('before')\nraise ValueError('no such digit')")
    lab.run_all(scratch)
    assert lab.problems(scratch) == ["cell 4 raised ValueError: no such digit", "cell 5 did not run: 1 + 1"]


def test_a_cell_that_never_ends_is_named(own_scratch):
    lab.set_cell(own_scratch, 4, "while True: pass")
    with pytest.raises(TimeoutError, match=r"over 3 s; running or waiting: cells \[4\]"):
        lab.run_cell(own_scratch, 4, timeout=3)


def test_a_kernel_that_dies_is_reported(own_scratch):
    lab.set_cell(own_scratch, 4, "import os; os._exit(1)")
    with pytest.raises(RuntimeError, match="died"):
        lab.run_cell(own_scratch, 4)


def test_a_widget_that_is_not_shown_is_reported(scratch, monkeypatch):
    monkeypatch.setattr(lab, "settle", lambda page: None)  # it would wait its full time for the widget
    lost = '{"application/vnd.jupyter.widget-view+json": {"model_id": "none-such"}, "text/plain": "widget"}'
    lab.set_cell(scratch, 5, f"from IPython.display import display\ndisplay({lost}, raw=True)")
    lab.run_cell(scratch, 5)
    assert "cell 5 shows: Loading widget" in lab.problems(scratch)


@pytest.mark.parametrize("wrong, error", [("throw Error('a');", "Error: a"), ("draw(0;", "SyntaxError")])
def test_a_widget_whose_javascript_fails_is_reported(scratch, wrong, error):
    lab.set_cell(scratch, 3, CANVAS.replace("draw(0);", wrong))
    lab.run_all(scratch)
    found = lab.problems(scratch)
    assert any(line.startswith(f"JavaScript: {error}") for line in found), found


def test_the_dialog_for_the_kernel_is_answered(page, lab_server):
    cells = [new_code_cell("import sys; print(sys.executable)")]
    lab.open_notebook(page, lab_server.url, write(lab_server, "a name.ipynb", cells, kernel="none-such"))
    assert lab.run_all(page)[0]["outputs"][0]["text"] == sys.executable + "\n"


def test_cells_are_named_without_doubt(scratch):
    assert lab.index_of(scratch, "# Scratch") == 0
    with pytest.raises(LookupError, match="exactly one cell"):
        lab.index_of(scratch, "import")
    with pytest.raises(LookupError, match="6 cells"):
        lab.index_of(scratch, 6)


def test_scroll_to_brings_a_cell_to_the_top(scratch):
    lab.run_all(scratch)
    scratch.set_viewport_size({"width": 1280, "height": 400})
    tops = []
    for cell in (0, 3):
        lab.scroll_to(scratch, cell)
        tops.append(lab.cell_locator(scratch, cell).bounding_box()["y"])
    assert tops[1] == pytest.approx(tops[0], abs=20)


def test_the_server_leaves_the_users_settings_alone_and_stops(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "mine"))
    with pytest.raises(ZeroDivisionError), lab.jupyter_lab(tmp_path) as server:
        assert lab.request(server.url + "api/kernelspecs")["default"] == "python3"
        news = lab.request(server.url + "lab/api/settings/@jupyterlab/apputils-extension:notification")
        assert json.loads(news["raw"])["fetchNews"] == "false"
        raise ZeroDivisionError  # whatever happens inside, the server is stopped
    with pytest.raises(urllib.error.URLError):
        lab.request(server.url + "api/status")
    assert not (tmp_path / "mine").exists()


def test_a_server_that_cannot_start_shows_its_log(tmp_path, capsys):
    with pytest.raises(RuntimeError, match="ended with code"), lab.jupyter_lab(tmp_path / "missing"):
        pass
    assert "No such directory" in capsys.readouterr().err


@pytest.mark.parametrize("ci", [None, "1"])
def test_without_a_browser_tests_are_skipped_but_never_in_ci(pytester, monkeypatch, ci):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("CI", ci) if ci else monkeypatch.delenv("CI", raising=False)
    monkeypatch.syspath_prepend(lab.__file__.rpartition(os.sep)[0])
    pytester.makepyfile("pytest_plugins = ['lab_fixtures']\ndef test_it(browser): pass")
    result = pytester.runpytest("-rsE")
    result.assert_outcomes(**{"errors" if ci else "skipped": 1})
    result.stdout.fnmatch_lines(["*no chromium, chromium-browser or google-chrome*"])


def test_after_the_last_of_its_tests_the_browser_is_closed(pytester, monkeypatch):
    """While it is open, `asyncio.run` fails in every test of this process."""
    monkeypatch.setenv("PYTHONPATH", lab.__file__.rpartition(os.sep)[0])
    pytester.makepyfile(
        **{
            "browser/__init__": "",
            "browser/conftest": "from lab_fixtures import browser",
            "browser/test_open": "def test_open(browser): assert browser.is_connected()",
            "test_later": "import asyncio\ndef test_later(): asyncio.run(asyncio.sleep(0))",
        }
    )
    command = ("-p", "no:nbval", "-p", "course_utils.quick_start", "browser", "test_later.py")
    pytester.runpytest_subprocess(*command).assert_outcomes(passed=2)


def test_slices_cover_everything_and_prefer_the_gaps_between_cells():
    assert list(lab._slices([300, 900, 1200], 1210, 1000)) == [(0, 900), (900, 1210)]
    assert list(lab._slices([2500], 2510, 1000)) == [(0, 1000), (960, 1960), (1960 - 40, 2510)]
