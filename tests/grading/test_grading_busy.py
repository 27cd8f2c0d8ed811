"""Right answers are right on a busy machine, too: twelve programs that compute beside every training exercise.

Everything that is to be seen happens at once: the check of each exercise, and two graders with two workers each. So
each has the others beside it, and besides them as many programs as it takes to make twelve: one more whenever one is
over. They begin when the graders are ready for their first submissions, and end by themselves, should nobody end them.
"""

import multiprocessing
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import jupytext
import pytest
from grading_corpus import hand_in

from course_utils.checking import calling
from course_utils.checking.student import examine
from course_utils.exercises import all_exercises
from course_utils.grading import grade_folder, results, slicing
from course_utils.grading.grader import Grader

ROOT = Path(__file__).parents[2]
TRAINING = {name: exercise for name, exercise in all_exercises().items() if exercise.trains}
BESIDE = 12
BUSY = "import time\nend = time.monotonic() + 240\nwhile time.monotonic() < end: pass"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="answers are forked on Linux only"),
]


def cells_for(name):
    """The cells of the solution that an answer needs."""
    notebook = jupytext.read(ROOT / "solutions" / f"{TRAINING[name].notebook}.py")
    sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    units, _ = slicing.units_of(sources)
    needed = {unit.cell for unit in slicing.slice_for(name, units)[0]}
    return [source for number, source in enumerate(sources, 1) if number in needed]


def check_in_the_notebook(name):
    """The report on the library's answer, and whether it has been judged in a fork, as in a notebook."""
    return examine(TRAINING[name].library_answer(), name=name), calling.isolated is calling.forked


def share(*signals):
    """Keeps what the processes of the pool tell each other with: that a grader is ready, and that all may begin."""
    global ready, begin
    ready, begin = signals


def check(name):
    """As `check_in_the_notebook`, when all begin."""
    assert begin.wait(240)
    return check_in_the_notebook(name)


def grade(submissions, out):
    """A grader with two workers, which grades when all begin. This process does nothing else."""
    probe = Grader.probe

    def probe_and_wait(grader):
        probe(grader)
        ready.release()
        assert begin.wait(240)

    Grader.probe = probe_and_wait
    return grade_folder(submissions, out, seed=1, workers=2, isolation="auto", trusted=True)


def place_of(name, folder):
    """Where the submission for an exercise goes, and the grader's results on it. The last exercise takes longest, and
    the first is over soon: they go together."""
    first, *_, last = TRAINING
    half = folder / ("ends" if name in (first, last) else "others")
    return half / "in", half / "out"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the graders work."""
    return tmp_path_factory.mktemp("busy")


@pytest.fixture(scope="module")
def checked(folder):
    """{exercise: its report and whether that was in a fork}, made beside busy programs and the graders."""
    for name, exercise in TRAINING.items():
        hand_in(place_of(name, folder)[0], f"{name}/{exercise.notebook}.ipynb", cells_for(name))
    places = sorted({place_of(name, folder) for name in TRAINING})
    fork, programs, seen = multiprocessing.get_context("fork"), [], len(TRAINING) + len(places)
    signals = fork.Semaphore(0), fork.Event()
    share(*signals)
    with ProcessPoolExecutor(seen, fork, share, signals) as pool:
        try:
            graders = [pool.submit(grade, *place) for place in places]
            checks = {name: pool.submit(check, name) for name in TRAINING}
            assert all(ready.acquire(timeout=120) for _ in graders)
            more = lambda: programs.append(subprocess.Popen([sys.executable, "-S", "-c", BUSY]))  # noqa: E731
            for _ in range(BESIDE - (seen - 1)):
                more()
            begin.set()
            for one in as_completed([*graders, *checks.values()]):
                assert all(program.poll() is None for program in programs)  # so that they have been beside it
                assert one.result() is not None
                more()
        finally:
            begin.set()
            for program in programs:
                program.kill()
            for program in programs:
                program.wait()
    assert len(programs) == BESIDE + 1
    return {name: done.result() for name, done in checks.items()}


@pytest.mark.parametrize("name", TRAINING)
def test_a_check_in_the_notebook(name, checked):
    report, in_a_fork = checked[name]
    assert in_a_fork and report.passed, report


@pytest.mark.parametrize("name", TRAINING)
def test_two_workers_of_the_grader(name, checked, folder):
    result = results.earlier_result(place_of(name, folder)[1], name, TRAINING[name].notebook)
    assert result["exercises"][name]["passed"], result["exercises"][name]
