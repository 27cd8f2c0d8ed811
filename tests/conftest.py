"""What all tests share: a progress file of their own, a fixed environment, and no silent skips under CI."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import hypothesis
import matplotlib
import pytest

# Before any test module is imported: nothing may have looked at the user's progress or opened a window.
os.environ["COURSE_PROGRESS"] = str(Path(tempfile.mkdtemp(prefix="course-progress-")) / "progress.json")
os.environ.setdefault("JUPYTER_PLATFORM_DIRS", "1")
os.environ.pop("MPLBACKEND", None)  # kernels that tests start must choose their inline backend themselves
matplotlib.use("agg")

# Nothing is graded on Windows: these start processes as only Linux and macOS can.
windows = sys.platform == "win32"
collect_ignore_glob = ["exercises/test_fairness_*", "exporting/*", "grading/*", "test_guide.py"] if windows else []

hypothesis.settings.register_profile("course", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("course")


def pytest_unconfigure():
    """Remove the progress file of this run."""
    shutil.rmtree(Path(os.environ["COURSE_PROGRESS"]).parent, ignore_errors=True)


@pytest.fixture(scope="session")
def root():
    """The course's folder, the one with `run.py`."""
    return Path(__file__).resolve().parents[1]


def pytest_collection_modifyitems(items):
    """Files with slow tests first: none of them is left to one process at the end of a parallel run."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def refuse_skip(report, what):
    """Turn a skip into a failure under CI: what must run there must not be left out silently."""
    if os.environ.get("CI") and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{what} must not be skipped under CI: {report.longrepr}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """Under CI a browser test runs or fails."""
    report = yield
    if item.get_closest_marker("browser"):
        refuse_skip(report, "a browser test")
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    """Under CI no test module leaves itself out (by `importorskip`, say)."""
    report = yield
    refuse_skip(report, "a test module")
    return report


def pytest_terminal_summary(terminalreporter):
    """The table of right and wrong answers that the tests of fairness had judged, wherever xdist ran them."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    rows = [value for report in reports for key, value in getattr(report, "user_properties", []) if key == "fairness"]
    if not rows:
        return
    counts = {(name, kind): numbers for name, kind, *numbers in rows}
    line = "{:32}{:>8}{:>10}{:>8}{:>9}".format
    terminalreporter.section("answers judged by the grader")
    terminalreporter.write_line(line("exercise", "right", "accepted", "wrong", "refused"))
    cells = {name: [*counts.get((name, "right"), "--"), *counts.get((name, "wrong"), "--")] for name, _ in counts}
    for name, numbers in cells.items():
        terminalreporter.write_line(line(name, *numbers))
    sums = [sum(number for number in column if number != "-") for column in zip(*cells.values())]
    terminalreporter.write_line(line("together", *sums))
