"""The browser edition in Firefox: the start page, all of notebook 00, an answer checked. Weekly, as its twin."""

import threading
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


def test_firefox_opens_the_course_and_checks_an_answer(tmp_path):
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
            cells = page.evaluate(CELLS)
    finally:
        server.shutdown()
        server.server_close()
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    assert not [o for o in outputs if o["output_type"] == "error" or o.get("name") == "stderr"]
    texts = [str(output.get("data", {}).get("text/plain", "")) for output in outputs]
    assert any(text.startswith("✓ log_mean_exp") for text in texts), texts
