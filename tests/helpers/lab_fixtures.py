"""Fixtures for tests in a real JupyterLab, which lie in tests/browser/ and get them from its conftest.py.

One server and one browser for all of them. No test after these may find the browser open: playwright, which talks to
it, keeps an event loop running in this thread, and `asyncio.run` fails while there is one.
"""

import os

import pytest
from lab import chromium, find_chromium, jupyter_lab, kernels, log_tail, stop_kernels


@pytest.fixture(scope="package")
def lab_server(tmp_path_factory):
    """One server for all tests, on an empty folder (`lab_server.root`): copy there what you want to open."""
    with jupyter_lab(tmp_path_factory.mktemp("lab_root")) as lab:
        yield lab


@pytest.fixture(scope="package")
def browser():
    """One Chromium for all tests; skips where there is none, fails instead under CI."""
    if find_chromium() is None and not os.environ.get("CI"):
        pytest.skip("no chromium, chromium-browser or google-chrome on the PATH")
    with chromium() as opened:
        yield opened


@pytest.fixture
def page(browser, lab_server):
    """A fresh window, 1280 x 900; afterwards the kernels that it started are stopped."""
    others = kernels(lab_server.url)
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(15_000)
    try:
        yield context.new_page()
    finally:
        context.close()
        stop_kernels(lab_server.url, keep=others)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Add the server's log and a screenshot to the report of a test that failed."""
    report = yield
    used = getattr(item, "funcargs", {})
    if report.when == "call" and report.failed and "lab_server" in used:
        report.sections.append(("JupyterLab's log", log_tail(used["lab_server"].log)))
        picture = used["lab_server"].root / f"{item.name}.png"
        try:
            used["page"].screenshot(path=picture, timeout=10_000)
            report.sections.append(("Screenshot", str(picture)))
        except Exception as error:  # a second failure must not hide the first
            report.sections.append(("Screenshot", f"none: {error}"))
    return report
