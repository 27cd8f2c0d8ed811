"""What all tests share: a progress file of their own, an order, who runs beside whom, and no silent skips under CI."""

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


# -- notebooks under nbval: not in this folder, so these hooks are those of a plugin ---------------------------------


SHORT_TRAININGS = Path(__file__).parent / "notebooks" / "short_trainings.py"


class Notebooks:
    """A student's copy is run only, whatever nbval compares; and every notebook begins with nothing solved."""

    def pytest_collectstart(self, collector):
        """Outputs are compared but for the students' copies, which have none."""
        if collector.path.suffix == ".ipynb" and collector.path.parent.name == "notebooks":
            collector.compare_outputs = False

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item):
        """The kernel, which starts before the first cell, gets a progress file of its own; a copy's trains shortly."""
        if item.path.suffix != ".ipynb":
            return (yield)
        room, before = item.path.parent.name, dict(os.environ)
        os.environ["COURSE_PROGRESS"] = str(Path(before["COURSE_PROGRESS"]).with_name(f"{room}-{item.path.stem}.json"))
        if room == "notebooks" and os.environ.get("COURSE_TEST_COPIES") != "full":
            os.environ["PYTHONSTARTUP"] = str(SHORT_TRAININGS)  # IPython runs it before the first cell
        try:
            return (yield)
        finally:
            os.environ.clear()
            os.environ.update(before)


def pytest_configure(config):
    """Load the hooks for notebooks."""
    config.pluginmanager.register(Notebooks(), "notebooks")


# -- what runs first, and what in one process ------------------------------------------------------------------------


def unit(address):
    """What stays in one process of a parallel run: the tests of a file; all browser tests, which share a browser."""
    file = address.partition("::")[0]
    return "tests/browser" if file.startswith("tests/browser/") else file


def spread(units):
    """{unit: its place between 0 and 1}, in the order that they have, at equal distances."""
    return {address: (i + 0.5) / len(units) for i, address in enumerate(units)}


def pytest_collection_modifyitems(items):
    """The longest first, so that none is left to one process at the end: the browser's, then slow files and, spread
    among them, notebooks, which compute while tests wait for a server or a deadline."""
    notebooks = dict.fromkeys(unit(item.nodeid) for item in items if item.path.suffix == ".ipynb")
    slow = dict.fromkeys(unit(item.nodeid) for item in items if item.get_closest_marker("slow"))
    places = spread(slow) | spread(notebooks) | {"tests/browser": -1}
    items.sort(key=lambda item: places.get(unit(item.nodeid), 2))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """As `--dist loadfile`, but in units."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Units(LoadFileScheduling):
        def _split_scope(self, nodeid):
            return unit(nodeid)

    return Units(config, log)


# -- what is slow says so --------------------------------------------------------------------------------------------

MARKED_FROM = 0.5  # CPU seconds, of a test with the fixtures that are made for it and the processes that it has ended
UNHURRIED = ("slow", "whole", "browser")  # what marks a test that is not among the quick tests
STARTED = pytest.StashKey[float]()


def cpu_seconds():
    """CPU seconds of this process and of the children that it has waited for."""
    return sum(os.times()[:4])


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item):
    """Look at the clock of the CPU before a test's first fixture."""
    item.stash[STARTED] = cpu_seconds()
    return (yield)


def note_cost(item, report):
    """Note what a test has cost that is not marked, if it should be: it would be among the quick tests."""
    marked = any(map(item.get_closest_marker, UNHURRIED))
    cost = cpu_seconds() - item.stash[STARTED]
    if report.when == "teardown" and cost >= MARKED_FROM and not marked:
        report.user_properties.append(("cpu seconds", round(cost, 1)))


def properties(terminalreporter, name):
    """The pairs (report, value) of a property of that name, wherever xdist ran the tests."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    for report in reports:
        yield from ((report, value) for key, value in getattr(report, "user_properties", []) if key == name)


def say_what_is_slow(terminalreporter):
    """The list of tests that want a marker."""
    costs = {report.nodeid: value for report, value in properties(terminalreporter, "cpu seconds")}
    if costs:
        terminalreporter.section(f"{MARKED_FROM:g} CPU seconds or more, and neither marked as slow nor as whole")
    for address, cost in sorted(costs.items(), key=lambda row: -row[1]):
        terminalreporter.write_line(f"{cost:6.1f}  {address}")


# -- skips under CI --------------------------------------------------------------------------------------------------


def refuse_skip(report, what):
    """Turn a skip into a failure under CI: what must run there must not be left out silently."""
    if os.environ.get("CI") and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{what} must not be skipped under CI: {report.longrepr}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """Under CI a browser test runs or fails."""
    report = yield
    note_cost(item, report)
    if item.get_closest_marker("browser"):
        refuse_skip(report, "a browser test")
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    """Under CI no test module leaves itself out (by `importorskip`, say)."""
    report = yield
    refuse_skip(report, "a test module")
    return report


# -- the end of the output -------------------------------------------------------------------------------------------


def pytest_terminal_summary(terminalreporter):
    """What belongs to no single test."""
    say_what_is_slow(terminalreporter)
    show_fairness(terminalreporter, [value for _, value in properties(terminalreporter, "fairness")])
    show_explanations(terminalreporter, [value for _, value in properties(terminalreporter, "explanations")])


def show_explanations(terminalreporter, rows):
    """How many wrong answers learn why: rows of a notebook, its number of answers, and how many are named ..."""
    rows = list({row[0]: row for row in rows}.values())  # a property is in the report of each phase of a test
    if not rows:
        return
    line = "{:16}{:>8}{:>8}{:>9}{:>7}{:>9}{:>8}{:>10}{:>9}".format
    terminalreporter.section("wrong answers explained")
    names = ("named", "general", "false", "nothing", "unread", "accepted")
    terminalreporter.write_line(line("notebook", "answers", *names, "named %"))
    for name, *numbers in [*sorted(rows), ["together", *map(sum, zip(*(row[1:] for row in rows)))]]:
        terminalreporter.write_line(line(name, *numbers, f"{100 * numbers[1] / numbers[0]:.0f}"))


def show_fairness(terminalreporter, rows):
    """Right and wrong answers that the tests of fairness had judged, wherever xdist ran them."""
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
