"""The browser edition in Firefox: the start page, all of notebook 00, an answer of 00 and of 01, the archive of both.

Weekly, as its twin.
"""

import base64
import io
import json
import threading
import zipfile
from pathlib import Path

import pytest
from marionette import find_firefox, firefox

from course_utils.building import site

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.skipif(not find_firefox(), reason="no Firefox here")]
ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 900  # seconds
PANEL = "jupyterapp.shell.currentWidget"
READY = f"""document.documentElement.dataset.course === 'ready' &&
  {PANEL}?.context?.sessionContext?.kernelDisplayStatus === 'idle'"""
CELLS = f"() => {PANEL}.content.widgets.map((w) => w.model.sharedModel.toJSON())"
SET_SOURCE = f"""([start, source]) => {PANEL}.content.widgets.find(
  (w) => w.model.sharedModel.source.startsWith(start)).model.sharedModel.setSource(source)"""
ANSWER = """def log_mean_exp(a):
    m = np.max(a)
    return m + np.log(np.mean(np.exp(np.asarray(a) - m)))
"""
PCA_FIT = """def pca_fit(x, K):
    mean = x.mean(axis=0)
    return mean, np.linalg.svd(x - mean, full_matrices=False)[2][:K]
"""
HAND_IN = "from course_utils.checking import hand_in\nhand_in()"
NEW_CELL = f"""async (source) => {{ const {{ content }} = {PANEL};
  content.activeCellIndex = content.widgets.length - 1;
  await jupyterapp.commands.execute("notebook:insert-cell-below");
  content.activeCell.model.sharedModel.setSource(source); }}"""
RUN = f"""async (starts) => {{ const {{ content }} = {PANEL};
  for (const start of starts) {{
    content.activeCellIndex = content.widgets.findIndex((w) => w.model.sharedModel.source.startsWith(start));
    content.deselectAll();
    await jupyterapp.commands.execute("notebook:run-cell");
  }} }}"""
SAVE = f"() => {PANEL}.context.save().then(() => null)"
ARCHIVE = """async () => (await (await import('../course/work.js')).allFiles())
  .find(({ path }) => path === 'hand-in-001.zip').content"""
OFFERED = """[...document.querySelectorAll('#course-says button')]
  .some((button) => button.textContent === 'Download hand-in-001.zip')"""


def checked(cells, name):
    """None of the cells has an error or a line on standard error, and the answer has passed its check."""
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    assert not [o for o in outputs if o["output_type"] == "error" or o.get("name") == "stderr"]
    texts = [str(output.get("data", {}).get("text/plain", "")) for output in outputs]
    assert any(text.startswith(f"✓ {name}") for text in texts), texts


def test_firefox_opens_the_course_checks_answers_and_hands_in(tmp_path):
    site.build_site(ROOT, tmp_path / "course")
    server = site.site_server(tmp_path)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/course/"
    try:
        with firefox(PATIENCE) as page:
            page.goto(address)
            page.wait_for("document.querySelectorAll('li[data-path]').length === 14", 60)
            page.goto(f"{address}notebooks/index.html?path=00_start_here.ipynb")
            page.wait_for(READY, PATIENCE)
            page.evaluate(SET_SOURCE, ["def log_mean_exp", ANSWER])
            page.evaluate("() => jupyterapp.commands.execute('notebook:run-all-cells').then(() => null)")
            checked(page.evaluate(CELLS), "log_mean_exp")
            page.evaluate(SAVE)
            page.goto(f"{address}notebooks/index.html?path=01_pca_linear_autoencoder.ipynb")
            page.wait_for(READY, PATIENCE)
            page.evaluate(SET_SOURCE, ["def pca_fit", PCA_FIT])
            page.evaluate(NEW_CELL, HAND_IN)
            page.evaluate(RUN, ["import numpy", "def pca_fit", "pca_fit = check"])
            page.evaluate(SAVE)
            page.evaluate(RUN, [HAND_IN])
            checked(page.evaluate(CELLS), "pca_fit")
            page.wait_for(OFFERED, 60)
            archive = io.BytesIO(base64.b64decode(page.evaluate(ARCHIVE)))
    finally:
        server.shutdown()
        server.server_close()
    with zipfile.ZipFile(archive) as handed_in:
        for notebook, answer in (("00_start_here", ANSWER), ("01_pca_linear_autoencoder", PCA_FIT)):
            cells = json.loads(handed_in.read(f"{notebook}.ipynb"))["cells"]
            assert answer in ["".join(cell["source"]) for cell in cells]
        assert {"log_mean_exp", "pca_fit"} <= set(json.loads(handed_in.read("course_progress.json"))["solved"])
