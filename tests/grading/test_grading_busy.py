"""Right answers are right on a busy machine, too: twelve programs that compute beside every training exercise.

These programs end by themselves, should nobody end them.
"""

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


@pytest.fixture(scope="module")
def busy():
    """Twelve busy programs."""
    programs = [subprocess.Popen([sys.executable, "-S", "-c", BUSY]) for _ in range(12)]
    try:
        yield programs
    finally:
        for program in programs:
            program.kill()
        for program in programs:
            program.wait()


def cells_for(name):
    """The cells of the solution that an answer needs."""
    notebook = jupytext.read(ROOT / "solutions" / f"{TRAINING[name].notebook}.py")
    sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    units, _ = slicing.units_of(sources)
    needed = {unit.cell for unit in slicing.slice_for(name, units)[0]}
    return [source for number, source in enumerate(sources, 1) if number in needed]


@pytest.mark.parametrize("name", TRAINING)
def test_a_check_in_the_notebook(name, busy):
    assert calling.isolated is calling.forked
    report = examine(TRAINING[name].library_answer(), name=name)
    assert report.passed, report
    assert all(program.poll() is None for program in busy)  # so that they have been beside it until its end


def test_two_workers_of_the_grader(busy, tmp_path):
    for name, exercise in TRAINING.items():
        hand_in(tmp_path / "in", f"{name}/{exercise.notebook}.ipynb", cells_for(name))
    grade_folder(tmp_path / "in", tmp_path / "out", seed=1, workers=2, isolation="auto", trusted=True)
    for name, exercise in TRAINING.items():
        result = results.earlier_result(tmp_path / "out", name, exercise.notebook)
        assert result["exercises"][name]["passed"], result["exercises"][name]
    assert all(program.poll() is None for program in busy)
