"""Tests in a real Chromium, on one browser and one JupyterLab: in a parallel run one process has them all.

(Which ../conftest.py sees to.) Imported here, and not in the test modules, the fixtures belong to this package and end
with it.
"""

from lab_fixtures import browser, lab_server, page, pytest_runtest_makereport
from weekly import WEEKLY

__all__ = ["browser", "lab_server", "page", "pytest_runtest_makereport"]

# It takes minutes and downloads Pyodide; ignored and not skipped, since under CI a browser test that is skipped fails.
collect_ignore = [] if WEEKLY else ["test_site_browser.py", "test_site_firefox.py"]
