"""The browser edition in a real Chromium, with its kernel: a student's way from the first visit to the grade.

Python in a browser takes minutes for this, and the first build fetches 130 MB: it runs with COURSE_TEST_COPIES=full
(the weekly workflow). What needs no kernel is in test_site_start_page_browser.py, what needs no browser in
tests/building/test_site.py.
"""

import csv
import json
import subprocess
import sys
import time
import zipfile

import lab
import pytest
from sites import ROOT, asked_of_others, refuser, serving, through

from course_utils.building import site
from course_utils.exercises import exercises_of

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
]
PATIENCE = 600  # seconds, on a machine that does other things, too
FIRST, SECOND = "00_start_here", "01_pca_linear_autoencoder"
PANEL = "window.jupyterapp?.shell.currentWidget"
ENDLESS = "def log_mean_exp(a):\n    while True:\n        a = a + 1\n"
PAD = """from course_utils.explorables.latent_pad import latent_pad
mean, two = pca_fit(digits.x_train[::2], 2)
latent_pad([(two, mean)], digits.shape, output="identity")"""
HAND_IN = "from course_utils.checking import hand_in\nhand_in()"
FILLED = """async () => (await caches.open("of others")).put("/other", new Response(new Uint8Array(5e6)))"""
CELLS = """() => jupyterapp.shell.currentWidget.content.widgets.map((w) => w.model.sharedModel.toJSON())"""
SET_SOURCE = """([start, source]) => {
  const cell = jupyterapp.shell.currentWidget.content.widgets.find((w) => w.model.sharedModel.source.startsWith(start));
  cell.model.sharedModel.setSource(source); }"""
RUN_CELL = """(start) => { const { content } = jupyterapp.shell.currentWidget;
  content.activeCellIndex = content.widgets.findIndex((w) => w.model.sharedModel.source.startsWith(start));
  content.deselectAll();
  return jupyterapp.commands.execute("notebook:run-cell"); }"""
NEW_CELL = """async (source) => { const { content } = jupyterapp.shell.currentWidget;
  content.activeCellIndex = content.widgets.length - 1;
  await jupyterapp.commands.execute("notebook:insert-cell-below");
  content.activeCell.model.sharedModel.setSource(source); }"""
SHOW = """(start) => { const { content } = jupyterapp.shell.currentWidget;
  return content.scrollToItem(content.widgets.findIndex((w) => w.model.sharedModel.source.startsWith(start))); }"""
REFUSED = "indexedDB.open = () => { throw new DOMException('refused', 'SecurityError'); };"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A built site below a sub-path of what is served."""
    out = tmp_path_factory.mktemp("host") / "some" / "course"
    weights = site.build_site(ROOT, out)
    assert sum(weights.values()) <= 55e6, weights
    return out


@pytest.fixture
def visitor(browser, tmp_path):
    """Opens the browser of one visitor, on one profile: call it again after `context.close()`.

    Nothing may be asked of another host, and no page may have an error.
    """
    opened, errors = [], []
    with refuser() as proxy:

        def open_browser():
            context = browser.browser_type.launch_persistent_context(
                tmp_path / "profile",
                executable_path=lab.find_chromium(),
                args=["--disable-gpu", "--disable-renderer-backgrounding"],
                viewport={"width": 1280, "height": 900},
                proxy=through(proxy),
            )
            context.set_default_timeout(PATIENCE * 1000)
            context.on("weberror", lambda error: errors.append(str(error.error)))
            opened.append(context)
            return context, context.pages[0]

        yield open_browser
        for context in opened:
            context.close()
        assert not asked_of_others(proxy)
        # of a busy machine's anywidget, and where a test leaves no room for anything
        known = ("Failed to initialize model", "QuotaExceededError")
        assert not [error for error in errors if not any(one in error for one in known)]


def open_notebook(page, address, name):
    """Open a notebook by its link and wait for its kernel."""
    page.goto(f"{address}notebooks/index.html?path={name}.ipynb")
    wait_for_kernel(page)


def wait_for_kernel(page):
    """Wait until the notebook's kernel is ready; return the seconds that this took."""
    begun = time.monotonic()
    idle = f"{PANEL}?.context?.sessionContext?.kernelDisplayStatus === 'idle'"
    for state in ("document.documentElement.dataset.course === 'ready'", idle):
        page.wait_for_function(state, polling=500)  # not at every frame, which costs more than the kernel's start
    return time.monotonic() - begun


def run_all(page):
    page.evaluate("() => jupyterapp.commands.execute('notebook:run-all-cells')")
    return sound(page)


def run(page, *starts):
    """Run the cells whose sources begin so."""
    for start in starts:
        page.evaluate(RUN_CELL, start)
    return sound(page)


def sound(page):
    """The open notebook's cells, none of which may show an error or a line on standard error."""
    cells = page.evaluate(CELLS)
    red = [o for cell in cells for o in cell.get("outputs", [])]
    assert not [o for o in red if o["output_type"] == "error" or o.get("name") == "stderr"]
    return cells


def text_of(cells, start):
    """What the code cell whose source begins so has put out, as plain text."""
    cell = next(cell for cell in cells if cell["source"].startswith(start))
    texts = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell["outputs"]]
    return "".join(map(str, texts))


def answers(notebook):
    """{exercise: the source of the cell with its solution}."""
    cells = json.loads((ROOT / "solutions" / f"{notebook}.ipynb").read_text(encoding="utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    return {name: next(s for s in sources if s.startswith(f"def {name}(")) for name in exercises_of(notebook)}


def write_answers(page, notebook, names):
    for name in names:
        page.evaluate(SET_SOURCE, [f"def {name}(", answers(notebook)[name]])


def passed(cells, name):
    return "✓" in text_of(cells, f"{name} = check({name})")


def wait_until_saved(page):
    """The notebook saves itself."""
    page.wait_for_function(f"!{PANEL}.context.model.dirty", polling=500)


def entry(page, notebook):
    return page.locator(f'li[data-path="{notebook}.ipynb"]')


def download(page, name, path):
    with page.expect_download() as download:
        page.get_by_role("button", name=name).click()
    download.value.save_as(path)


def test_a_student_solves_two_notebooks_leaves_comes_back_without_a_network_and_is_graded(visitor, built, tmp_path):
    context, page = visitor()
    with serving(built.parents[1]) as port:
        address = f"http://127.0.0.1:{port}/some/course/"
        page.goto(address)
        entry(page, FIRST).get_by_role("link", name="00 Start here").click()
        page.wait_for_url("**/notebooks/**")
        print(f"the kernel was ready after {wait_for_kernel(page):.0f} s")

        # an endless loop ends as usual, and a right answer passes
        page.evaluate(SET_SOURCE, ["def log_mean_exp", ENDLESS])
        assert "seconds" in text_of(run_all(page), "log_mean_exp = check")
        write_answers(page, FIRST, ["log_mean_exp"])
        assert passed(run_all(page), "log_mean_exp")

        # the explorable is alive, by keyboard
        page.evaluate(SHOW, "from course_utils.explorables")  # cells out of sight are not in the page
        slider = page.locator(".course-explorer [role=slider]").first
        slider.scroll_into_view_if_needed()
        assert slider.get_attribute("aria-valuetext") == "0.00"
        slider.focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_function("(s) => s.getAttribute('aria-valuetext') === '10.00'", arg=slider.element_handle())

        # 01 but for one exercise; its slider by mouse
        page.get_by_role("button", name="Course", exact=True).click()
        entry(page, FIRST).get_by_text("1 of 1 exercises solved").wait_for()
        entry(page, SECOND).get_by_role("link").first.click()
        page.wait_for_url("**/notebooks/**")
        wait_for_kernel(page)
        names = [name for name in exercises_of(SECOND) if name != "choose_k"]
        write_answers(page, SECOND, names)
        # not the rest of the notebook, which bench_browser.py runs
        cells = run(page, "import numpy", *(start for name in names for start in (f"def {name}(", f"{name} = check(")))
        assert [name for name in names if not passed(cells, name)] == []
        wait_until_saved(page)
        page.goto(address)
        page.wait_for_function("document.documentElement.dataset.kept === 'all'", polling=500)
        context.close()

    # another day, without a network: everything comes from the browser
    context, page = visitor()
    page.goto(address)
    entry(page, SECOND).get_by_text(f"{len(names)} of {len(names) + 1} exercises solved").wait_for()
    open_notebook(page, address, SECOND)
    write_answers(page, SECOND, ["choose_k"])
    for source in (PAD, HAND_IN):
        page.evaluate(NEW_CELL, source)
    cells = run(page, "import numpy", "def choose_k", "choose_k = check", "def pca_fit", PAD)
    assert passed(cells, "choose_k")
    assert [cell["source"] for cell in cells if cell["source"].startswith("def pca_fit")] == [
        answers(SECOND)["pca_fit"]
    ]
    page.evaluate(SHOW, PAD)
    pad, said = page.locator("canvas[role=application]"), page.get_by_text("z1 = ")
    for move in (lambda: lab.drag(page, pad, 40, -30), lambda: pad.press("ArrowRight")):
        before = said.inner_text()
        move()
        page.wait_for_function(
            "([e, text]) => e.textContent !== text", arg=[said.element_handle(), before], timeout=60_000
        )

    wait_until_saved(page)
    run(page, HAND_IN)
    handed_in = tmp_path / "submissions"
    download(page, "Download hand-in-001.zip", handed_in / "ann" / "hand-in-001.zip")
    download(page, "Download my work", handed_in / "ben" / "work.zip")

    # the notebook as new, the copy beside it
    page.get_by_role("button", name="Start again", exact=True).click()
    page.get_by_text("The notebook is as new").wait_for()
    assert not [cell for cell in page.evaluate(CELLS) if cell["source"] in answers(SECOND).values()]
    page.get_by_role("button", name="Course", exact=True).click()
    kept = entry(page, SECOND).locator(".others a").inner_text()
    stored = dict(
        page.evaluate("""async () => (await (await import('./course/work.js')).allFiles())
        .map((file) => [file.path, JSON.stringify(file.content)])""")
    )
    assert json.dumps(answers(SECOND)["choose_k"]) in stored[kept]

    assert graded(handed_in, tmp_path / "graded") == {
        (student, notebook): "full" for student in ("ann", "ben") for notebook in (FIRST, SECOND)
    }


def graded(folder, out):
    """{(student, notebook): "full" or the points} that `course grade` gives for a folder, where there are points."""
    command = [sys.executable, "-m", "course_utils.cli", "grade", folder, "--out", out]
    subprocess.run([*map(str, command)], cwd=ROOT, check=True, capture_output=True)
    with (out / "grades.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if float(row["points"] or 0)]
    full = {True: "full"}
    return {
        (row["student"], row["notebook"]): full.get(row["points"] == row["max_points"], row["points"]) for row in rows
    }


def test_a_notebook_whose_browser_keeps_nothing_says_so_and_gives_the_work_away(visitor, built, tmp_path):
    context, page = visitor()
    context.add_init_script(REFUSED)
    with serving(built.parents[1]) as port:
        open_notebook(page, f"http://127.0.0.1:{port}/some/course/", FIRST)
        page.get_by_text("refuses to keep anything").wait_for()
        write_answers(page, FIRST, ["log_mean_exp"])
        download(page, "Download my work", tmp_path / "work.zip")
        with zipfile.ZipFile(tmp_path / "work.zip") as archive:
            assert (
                json.dumps(answers(FIRST)["log_mean_exp"].splitlines()[1])[1:-1]
                in archive.read(f"{FIRST}.ipynb").decode()
            )


def test_a_storage_that_is_full_is_said_and_python_goes_on(visitor, built, tmp_path):
    """The first page that is seen is the notebook's; then there is no room for anything more."""
    context, page = visitor()
    with serving(built.parents[1]) as port:
        origin = f"http://127.0.0.1:{port}"
        open_notebook(page, f"{origin}/some/course/", FIRST)
        page.evaluate(FILLED)  # with what does not give way
        session = context.new_cdp_session(page)
        session.send("Storage.overrideQuotaForOrigin", {"origin": origin, "quotaSize": 1000})
        page.wait_for_timeout(40_000)  # Chromium does not look at once: small writes go by what was left before
        write_answers(page, FIRST, ["log_mean_exp"])
        cells = run_all(page)
        assert passed(cells, "log_mean_exp")
        assert "Your progress could not be written" in text_of(cells, "log_mean_exp = check")
        page.get_by_text("could not save this notebook").wait_for()
        page.locator(".jp-Dialog button").first.click()  # JupyterLab says so, too
        download(page, "Download my work", tmp_path / "work.zip")
        with zipfile.ZipFile(tmp_path / "work.zip") as archive:
            assert "np.mean(" in archive.read(f"{FIRST}.ipynb").decode()
