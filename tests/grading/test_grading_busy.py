"""Right answers are right on a busy machine, too: twelve programs that compute beside every training exercise.

These programs end by themselves, should nobody end them. They take what others leave, so everything that is to be seen
beside them happens at once: the check of each exercise, and the grader with its two workers. That is over in a quarter
of the time that it takes one after the other, and each has yet more beside it.
"""

import multiprocessing
import subprocess
import sys
from pathlib import Path

import jupytext
import pytest
from grading_corpus import hand_in

from course_utils.checking import calling
from course_utils.checking.student import examine
from course_utils.exercises import all_exercises
from course_utils.grading import grade_folder, results, slicing

ROOT = Path(__file__).parents[2]
TRAINING = {name: exercise for name, exercise in all_exercises().items() if exercise.trains}
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


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """Where the grader has written its results."""
    return tmp_path_factory.mktemp("busy") / "out"


@pytest.fixture(scope="module")
def checked(out):
    """{exercise: its report and whether that was in a fork}, and the folder `out`, both made beside busy programs."""
    submissions = out.parent / "in"
    for name, exercise in TRAINING.items():
        hand_in(submissions, f"{name}/{exercise.notebook}.ipynb", cells_for(name))
    programs = [subprocess.Popen([sys.executable, "-S", "-c", BUSY]) for _ in range(12)]
    try:
        with multiprocessing.get_context("fork").Pool(len(TRAINING)) as pool:
            asked = pool.map_async(check_in_the_notebook, TRAINING, chunksize=1)
            grade_folder(submissions, out, seed=1, workers=2, isolation="auto", trusted=True)
            answers = dict(zip(TRAINING, asked.get()))
        assert all(program.poll() is None for program in programs)  # so that they have been beside it until its end
    finally:
        for program in programs:
            program.kill()
        for program in programs:
            program.wait()
    return answers


@pytest.mark.parametrize("name", TRAINING)
def test_a_check_in_the_notebook(name, checked):
    report, in_a_fork = checked[name]
    assert in_a_fork and report.passed, report


@pytest.mark.parametrize("name", TRAINING)
def test_two_workers_of_the_grader(name, checked, out):
    result = results.earlier_result(out, name, TRAINING[name].notebook)
    assert result["exercises"][name]["passed"], result["exercises"][name]
