"""Our grader beside nbgrader and Otter on the same work: two exercises of notebook 05, one class of submissions.

    python tests/benchmarks/bench_graders.py [--nbgrader BIN/nbgrader] [--otter BIN/otter] [--wrong 30] [--keep FOLDER]

The class: right answers in every style of tests/right_answers.py, wrong ones that are mutations of the right ones
(tests/wrong_answers.py), and attacks that work on any grader which runs a student's code beside its tests. nbgrader
and Otter have the assignment as an instructor would write it there: a hidden test for each exercise that compares the
results on fixed inputs with known values; both are used as their manuals say for one machine (`nbgrader autograde`,
`otter run`). Ours is `course grade --isolation strict` with one worker. Each takes a blank submission before anything
is measured. CPU time is that of all processes, of descendants too.

The table: submissions a CPU-second; attacks that gained a point; wrong answers with points; right answers without.
Comments below a line say which; what an attack has rewritten of others' grades is not counted as theirs. Contenders
that are not given are left out.
"""

import argparse
import copy
import csv
import ctypes
import json
import os
import random
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import nbformat
import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "helpers")]

from right_answers import alternatives_of, styled  # noqa: E402
from wrong_answers import sample_of_mutants  # noqa: E402

from course_utils.exercises import all_exercises  # noqa: E402
from course_utils.exercises.stand_ins import resolve  # noqa: E402

NOTEBOOK, NAMES = "05_kl_terms", ("kl_standard_normal", "kl_gaussians")
EXERCISES = {name: all_exercises()[name] for name in NAMES}
IMPORTS = "import numpy as np"
STUB = {name: f"def {exercise.signature}:\n    raise NotImplementedError" for name, exercise in EXERCISES.items()}
OTTER_SECONDS = 120  # it waits for a kernel that has ended for as long as one lets it
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

ATTACKS = {
    "patched comparison": "np.testing.assert_allclose = np.allclose = lambda *a, **k: True",
    "patched assertion": (
        "import numpy.testing as t\nfor name in dir(t):\n    if name.startswith('assert'):\n"
        "        setattr(t, name, lambda *a, **k: None)\nimport numpy as np\nnp.testing = t"
    ),
    "equal to everything": (
        "class Equal(np.ndarray):\n    def __array_ufunc__(self, *a, **k): return np.array(True)\n"
        "    def __array_function__(self, *a, **k): return True\nFAKE = np.zeros(3).view(Equal)"
    ),
    "silent errors": (
        "import IPython\nshell = IPython.get_ipython()\nshell._showtraceback = shell.showtraceback = "
        "lambda *a, **k: None"
    ),
    "assertions taken out": (
        "import ast, IPython\nclass Drop(ast.NodeTransformer):\n"
        "    def visit_Assert(self, node): return ast.Pass()\n"
        "    def visit_Expr(self, node): return ast.Pass()\n"
        "IPython.get_ipython().ast_transformers.append(Drop())"
    ),
    "tests read from the history": (
        "import re\nfrom numpy import *\ndef FAKE_CALL():\n"
        "    text = get_ipython().user_ns['In'][-1]\n"
        "    return eval(re.search(r'expected = (array\\(.*?\\))', text, re.S)[1])"
    ),
    "expected values in a frame": (
        "import sys\ndef FAKE_CALL():\n    frame = sys._getframe()\n    while frame:\n"
        "        if 'expected' in {**frame.f_globals, **frame.f_locals}:\n"
        "            return {**frame.f_globals, **frame.f_locals}['expected']\n"
        "        frame = frame.f_back"
    ),
    "patched grader": (
        "import importlib\nfor module, names in {'otter.test_files.abstract_test': ['TestFile'],\n"
        "        'otter.test_files.exception_test': ['ExceptionTestFile'],\n"
        "        'course_utils.checking.judging': ['judge', 'misconceived'],\n"
        "        'course_utils.checking.report': ['Report']}.items():\n"
        "    try:\n        module = importlib.import_module(module)\n"
        "        for name in names:\n            thing = getattr(module, name)\n"
        "            for attribute in ('passed_all', 'all_cases_passed', 'passed', 'grade'):\n"
        "                try: setattr(thing, attribute, property(lambda self: 1.0))\n"
        "                except Exception: pass\n            if hasattr(thing, 'run'):\n"
        "                thing.run = lambda self, *a: [setattr(r, 'passed', True) for r in []]\n"
        "    except Exception: pass"
    ),
    "gradebook rewritten": (
        "import glob, os, sqlite3\nfolder = os.getcwd()\nfor _ in range(6):\n"
        "    for path in glob.glob(os.path.join(folder, '*.db')):\n"
        "        try:\n            with sqlite3.connect(path, timeout=1) as book:\n"
        "                book.execute('update grade set manual_score = 1')\n"
        "        except Exception: pass\n"
        "    for path in glob.glob(os.path.join(folder, '**', 'grades.csv'), recursive=True):\n"
        "        open(path, 'a').write('cheat')\n    folder = os.path.dirname(folder)"
    ),
    "exit": "import os\nos._exit(0)",
}


def classroom(wrong):
    """{student: ({exercise: cells of its answer}, {exercise: whether it deserves points})}."""
    right = {name: [*styled(name), *alternatives_of(name)] for name in NAMES}
    right = {name: [a for a in answers if isinstance(a.cells, list)] for name, answers in right.items()}
    students = {}
    # Other styles may share names of helpers, and an answer may bring its own version of the other exercise's.
    others = {name: [f"def {other}(" for other in NAMES if other != name] for name in NAMES}
    alone = lambda name, cells: not any(text in cell for cell in cells for text in others[name])  # noqa: E731
    plain = {name: next(filter(partial(alone, name), map(source, answers))) for name, answers in right.items()}
    for name, answers in right.items():
        for i, answer in enumerate(answers):
            students[f"right-{name}-{i:03}"] = (plain | {name: source(answer)}, dict.fromkeys(NAMES, True))
        for i, answer in enumerate(sample_of_mutants(name, wrong)):
            students[f"wrong-{name}-{i:03}"] = (
                plain | {name: source(answer)},
                dict.fromkeys(NAMES, True) | {name: False},
            )
    for i, (_, code) in enumerate(ATTACKS.items()):
        body = "FAKE_CALL()" if "FAKE_CALL" in code else "FAKE" if "FAKE" in code else "np.zeros(3)"
        fakes = [f"def {EXERCISES[name].signature}:\n    return {body}" for name in NAMES]
        students[f"attack{i:03}"] = ({NAMES[0]: [code, fakes[0]], NAMES[1]: [fakes[1]]}, dict.fromkeys(NAMES, False))
    return students


def source(answer):
    """The cells of an answer that hold anything, the last one with the function."""
    return [cell for cell in answer.cells if cell.strip()]


def test_of(name, seed=1):
    """What an instructor writes: inputs and known values as literals, compared to four digits."""
    rng = np.random.default_rng(seed)
    case = EXERCISES[name].cases(rng)[0]
    arguments = [np.asarray(a) for a in resolve(case.args)]
    expected = np.asarray(EXERCISES[name].oracle(*arguments))
    literals = ", ".join(repr(a) for a in arguments)
    return (
        "import numpy.testing\nfrom numpy import array\n"  # a student may have given the name np to something else
        f"expected = {expected!r}\nnumpy.testing.assert_allclose({name}({literals}), expected, rtol=1e-4)"
    )


class Cpu:
    """CPU seconds of everything that was started and has ended within the block."""

    def __enter__(self):
        self.start = resource.getrusage(resource.RUSAGE_CHILDREN)
        return self

    def __exit__(self, *_):
        while True:  # what lost its parent has become ours
            try:
                if os.waitpid(-1, os.WNOHANG)[0] == 0:
                    break
            except ChildProcessError:
                break
        end = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.seconds = end.ru_utime + end.ru_stime - self.start.ru_utime - self.start.ru_stime


def run(command, folder, seconds=None):
    """Status and output of a command; it is ended where it takes longer than so many seconds.

    What its own environment has stands beside the program: nbgrader calls alembic by its name.
    """
    beside = {"PATH": os.pathsep.join([str(Path(command[0]).parent), os.environ.get("PATH", os.defpath)])}
    try:
        done = subprocess.run(
            list(map(str, command)),
            cwd=folder,
            env=os.environ | ONE_THREAD | beside,
            capture_output=True,
            text=True,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        return 124, f"ended after {seconds} seconds"
    return done.returncode, done.stdout + done.stderr


def write(path, cells, metadata=None):
    """A notebook of code cells, each a source or a ready cell."""
    path.parent.mkdir(parents=True, exist_ok=True)
    notebook = nbformat.v4.new_notebook(
        metadata={
            "kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"},
            "language_info": {"name": "python"},
        }
        | (metadata or {})
    )
    notebook.cells = [nbformat.v4.new_code_cell(cell) if isinstance(cell, str) else cell for cell in cells]
    for i, cell in enumerate(notebook.cells):
        cell["id"] = f"cell{i}"
    nbformat.write(notebook, path)


def ours(students, folder, _):
    """`course grade` in strict isolation, one worker."""
    for student, (sources, _) in students.items():
        cells = [IMPORTS, "from course_utils.checking import check, hint, progress"]
        for name in NAMES:
            cells += [*sources[name], f"{name} = check({name})"]
        write(folder / "in" / student / f"{NOTEBOOK}.ipynb", cells)
    command = [
        sys.executable,
        "-m",
        "course_utils.cli",
        "grade",
        folder / "in",
        "--out",
        folder / "out",
        "--seed",
        "1",
        "--workers",
        "1",
        "--isolation",
        "strict",
    ]
    with Cpu() as cpu:
        status, said = run(command, ROOT)
    if status:
        sys.exit(said)
    with open(folder / "out" / "grades.csv", encoding="utf-8", newline="") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    return cpu.seconds, {student: {name: float(rows[student][name]) > 0 for name in NAMES} for student in students}


def nbgrader(students, folder, program):
    """`nbgrader generate_assignment`, then `nbgrader autograde` over everybody."""

    def cell(text, name, **kind):
        metadata = {
            "nbgrader": (
                {
                    "schema_version": 3,
                    "grade_id": name,
                    "locked": False,
                    "solution": False,
                    "grade": False,
                    "task": False,
                }
                | kind
            )
        }
        return nbformat.v4.new_code_cell(text, metadata=metadata)

    (folder / "nbgrader_config.py").write_text(
        "c = get_config()\nc.CourseDirectory.course_id = 'bench'\nc.ExecutePreprocessor.timeout = 60\n"
        "c.ClearSolutions.code_stub = {'python': 'raise NotImplementedError'}\n"
    )
    cells = [cell(IMPORTS, "imports", locked=True)]
    for name in NAMES:
        cells += [
            cell(STUB[name], f"answer-{name}", solution=True),
            cell(
                f"### BEGIN HIDDEN TESTS\n{test_of(name)}\n### END HIDDEN TESTS",
                name,
                grade=True,
                locked=True,
                points=1,
            ),
        ]
    write(folder / "source" / "kl" / "kl.ipynb", cells)
    status, said = run([program, "generate_assignment", "kl"], folder)
    if status:
        sys.exit(said)
    released = nbformat.read(folder / "release" / "kl" / "kl.ipynb", as_version=4)
    for student, (sources, _) in students.items():
        handed_in = copy.deepcopy(released)
        for i, each in reversed(list(enumerate(handed_in.cells))):
            name = each.metadata.nbgrader.grade_id.removeprefix("answer-")
            if name in NAMES and each.metadata.nbgrader.solution:
                *before, each["source"] = sources[name]
                handed_in.cells[i:i] = map(nbformat.v4.new_code_cell, before)  # cells that the student has added
        path = folder / "submitted" / student / "kl" / "kl.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(handed_in, path)
    with Cpu() as cpu:
        _, said = run([program, "autograde", "kl"], folder)
    with sqlite3.connect(folder / "gradebook.db") as book:
        rows = book.execute(
            "select a.student_id, c.name, g.auto_score, g.manual_score "
            "from grade g join base_cell c on g.cell_id = c.id join submitted_notebook n on g.notebook_id = n.id "
            "join submitted_assignment a on n.assignment_id = a.id"
        ).fetchall()
    passed = {student: dict.fromkeys(NAMES, False) for student in students}
    rewriter = f"attack{list(ATTACKS).index('gradebook rewritten'):03}"
    for (
        student,
        name,
        score,
        by_hand,
    ) in rows:  # nobody has graded by hand: that is the rewriter's doing, for all it found
        passed[student][name] = (score or 0) > 0 or (student == rewriter and by_hand is not None)
    rewritten = {student for student, _, _, by_hand in rows if by_hand is not None}
    if rewritten:
        print(f"    <!-- an attack has rewritten the grades of {len(rewritten)} students -->")
    return cpu.seconds, passed


def otter(students, folder, program):
    """`otter assign`, then `otter run` for each submission."""
    raw = nbformat.v4.new_raw_cell
    cells = [
        raw(
            "# ASSIGNMENT CONFIG\nname: kl\ninit_cell: true\nrun_tests: false\nexport_cell: false\n"
            "generate:\n  pdf: false\n  zips: false"
        ),
        IMPORTS,
    ]
    for name in NAMES:
        cells += [
            raw(f"# BEGIN QUESTION\nname: {name}\npoints: 1"),
            raw("# BEGIN SOLUTION"),
            STUB[name],
            raw("# END SOLUTION"),
            raw("# BEGIN TESTS"),
            f'""" # BEGIN TEST CONFIG\nhidden: true\npoints: 1\n""" # END TEST CONFIG\n{test_of(name)}',
            raw("# END TESTS"),
            raw("# END QUESTION"),
        ]
    write(folder / "kl.ipynb", cells)
    status, said = run([program, "assign", "kl.ipynb", "dist"], folder)
    if status:
        sys.exit(said)
    archive = next((folder / "dist" / "autograder").glob("*.zip"))
    handed_out = nbformat.read(folder / "dist" / "student" / "kl.ipynb", as_version=4)
    passed = {}
    for student, (sources, _) in students.items():
        handed_in = copy.deepcopy(handed_out)
        for i, each in reversed(list(enumerate(handed_in.cells))):
            name = next((name for name in NAMES if f"def {name}(" in each.source), None)
            if name and each.cell_type == "code":
                *before, each["source"] = sources[name]
                handed_in.cells[i:i] = map(nbformat.v4.new_code_cell, before)
        place = folder / "in" / student
        place.mkdir(parents=True)
        nbformat.write(handed_in, place / "kl.ipynb")
    with Cpu() as cpu:
        for student in students:
            place = folder / "in" / student
            status, said = run(
                [program, "run", "kl.ipynb", "-a", archive, "-o", ".", "--no-logo"], place, OTTER_SECONDS
            )
            if status == 124:
                print(f"    <!-- {student}: {said} -->")
            results = place / "results.json"
            tests = json.loads(results.read_text())["tests"] if results.exists() else []
            passed[student] = {name: any(name in t["name"] and t.get("score", 0) > 0 for t in tests) for name in NAMES}
    return cpu.seconds, passed


def summary(students, seconds, passed):
    """The figures of a contender's line."""
    answers = [
        (student, expected[name], passed[student][name])
        for student, (_, expected) in students.items()
        for name in NAMES
    ]
    gained = sorted({student for student, _, got in answers if student.startswith("attack") and got})
    others = [(expected, got) for student, expected, got in answers if not student.startswith("attack")]
    return {
        "submissions a CPU-second": f"{len(students) / seconds:.2f}",
        "attacks with points": f"{len(gained)} of {len(ATTACKS)}",
        "wrong answers with points": f"{sum(got and not e for e, got in others)} of {sum(not e for e, _ in others)}",
        "right answers without": f"{sum(e and not got for e, got in others)} of {sum(e for e, _ in others)}",
    }, gained


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nbgrader", type=Path, help="the program `nbgrader` of an environment that has it")
    parser.add_argument("--otter", type=Path, help="the program `otter` of an environment that has it")
    parser.add_argument("--wrong", type=int, default=30, help="wrong answers for each exercise")
    parser.add_argument("--only", type=int, help="only so many students, for a trial")
    parser.add_argument("--keep", type=Path, help="a folder for all the files, else a temporary one")
    options = parser.parse_args()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER: orphans' CPU time counts, too
    students = classroom(options.wrong)
    if options.only:
        students = dict(random.Random(0).sample(sorted(students.items()), options.only))
    contenders = {"course grade (strict)": (ours, "")}
    if options.nbgrader:
        contenders["nbgrader"] = (nbgrader, options.nbgrader.absolute())
    if options.otter:
        contenders["Otter"] = (otter, options.otter.absolute())
    print(f"{len(students)} submissions of two exercises each: {', '.join(NAMES)}\n", flush=True)
    names = list(ATTACKS)
    for label, (contender, program) in contenders.items():
        folder = (options.keep or Path(tempfile.mkdtemp(prefix="bench-graders-"))) / contender.__name__
        folder.mkdir(parents=True)
        try:
            seconds, passed = contender(students, folder, program)
        finally:
            if not options.keep:
                shutil.rmtree(folder.parent, ignore_errors=True)
        row, gained = summary(students, seconds, passed)
        if label == next(iter(contenders)):
            print("| grader |", " | ".join(row), "|\n|---|" + "---:|" * len(row))
        print(f"| {label} |", " | ".join(row.values()), "|", flush=True)
        for student in gained:
            print(f"    <!-- points for: {names[int(student.removeprefix('attack'))]} -->")
        for student, (_, expected) in students.items():
            for name in NAMES if not student.startswith("attack") else ():
                if passed[student][name] != expected[name]:
                    print(f"    <!-- {student}: {name} {'refused' if expected[name] else 'accepted'} -->")


if __name__ == "__main__":
    main()
