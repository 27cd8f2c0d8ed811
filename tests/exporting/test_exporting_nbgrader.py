"""The exported course folder under the real nbgrader, which is installed for that beside this environment."""

import copy
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import jsonschema
import nbformat
import pytest
from exporting_corpus import check_form
from grading_corpus import PCA, START, exercises_of

from course_utils.cli import main
from course_utils.exporting.nbgrader_cell import NotEarned, earned
from course_utils.models import pca

ROOT = Path(__file__).resolve().parents[2]
POINTS = {name: exercise.points for name, exercise in exercises_of(PCA).items()}
# nbgrader's cell metadata, version 3 (nbgrader/nbgraderformat/v3.json), as a schema
METADATA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["schema_version", "grade", "locked", "solution"],
    "properties": {
        "schema_version": {"const": 3},
        "grade": {"type": "boolean"},
        "locked": {"type": "boolean"},
        "solution": {"type": "boolean"},
        "task": {"type": "boolean"},
        "grade_id": {"type": "string", "pattern": r"^[a-zA-Z0-9_\-]+$"},
        "points": {"type": "number", "minimum": 0},
        "checksum": {"type": "string", "minLength": 32, "maxLength": 32},
        "cell_type": {"enum": ["raw", "code", "markdown"]},
    },
}


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course folder as it is exported."""
    folder = tmp_path_factory.mktemp("nbgrader") / "course 101"
    assert main(["export", "nbgrader", str(folder), "--notebooks", "00", "01", "--seed", "7"]) == 0
    return folder


def cells_by_id(path):
    """The cells that nbgrader knows, by its id, of a notebook that is valid."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return {cell.metadata.nbgrader.grade_id: cell for cell in notebook.cells if "nbgrader" in cell.metadata}


def test_the_source_is_as_nbgrader_wants_it(course):
    assert sorted(str(path.relative_to(course)) for path in course.rglob("*") if path.is_file()) == [
        "nbgrader_config.py",
        f"source/{START}/{START}.ipynb",
        f"source/{PCA}/{PCA}.ipynb",
    ]
    cells = cells_by_id(course / "source" / PCA / f"{PCA}.ipynb")
    assert cells.keys() == {*POINTS, *(f"check-{name}" for name in POINTS)}
    for grade_id, cell in cells.items():
        check_form(json.loads(json.dumps(cell.metadata.nbgrader)), METADATA)
        check = grade_id.startswith("check-")
        assert (cell.metadata.nbgrader.grade, cell.metadata.nbgrader.locked) == (check, check)
        assert cell.metadata.nbgrader.solution is not check and not cell.outputs
        assert cell.metadata.nbgrader.get("points") == (POINTS[grade_id.removeprefix("check-")] if check else None)
        assert ("### BEGIN SOLUTION" in cell.source) is not check and ("### BEGIN HIDDEN TESTS" in cell.source) is check


def test_the_seed_of_grading_is_in_no_notebook(course):
    assert "seed=7," in (course / "nbgrader_config.py").read_text()
    assert not any(re.search(r"seed=7\b", path.read_text()) for path in course.rglob("*.ipynb"))


def test_nothing_is_overwritten(course, capsys):
    before = (course / "nbgrader_config.py").read_bytes()
    assert main(["export", "nbgrader", str(course), "--notebooks", "00"]) == 2
    assert (
        capsys.readouterr().err
        == f"course: {course}/nbgrader_config.py and 1 more would be overwritten; take another place, or add --force\n"
    )
    assert (course / "nbgrader_config.py").read_bytes() == before


def test_a_check_without_points_is_an_error_of_one_line():
    def pca_encode(x, mean, components):
        return (x - mean) @ components.T

    def pca_decode(z, mean, components):
        return z @ components

    earned(pca_encode)
    earned(pca_encode, seed=3)
    earned(pca_decode)  # only its name is looked at: `check` has passed it, or given the library's
    with pytest.raises(NotEarned, match="pca_decode: not yet"):
        earned(pca_decode, seed=3)
    with pytest.raises(NotEarned, match="^pca_encode: 0 of 1 points so far$") as caught:
        earned(pca.pca_encode)
    assert caught.value._render_traceback_() == ["NotEarned: pca_encode: 0 of 1 points so far"]


# the real nbgrader ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def nbgrader():
    """nbgrader(folder, *arguments) -> its output. It is installed once, into an environment of its own that sees the
    packages of this one, so that JupyterLab here stays without its extensions."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [line for line in project["optional-dependencies"]["nbgrader"] if not line.startswith(project["name"])]
    if not os.environ.get("COURSE_NEWEST"):  # set by run.py test --newest
        wanted += ["-c", str(ROOT / "constraints.txt")]
    home = Path(sys.prefix) / "course-tests-nbgrader"
    stamp = f"{wanted}\n{(ROOT / 'constraints.txt').read_text(encoding='utf-8')}"
    if not (home / "installed").is_file() or (home / "installed").read_text() != stamp:
        shutil.rmtree(home, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
        python = home / "bin" / "python"
        packages = Path(sysconfig.get_path("purelib", vars={"base": str(home), "platbase": str(home)}))
        (packages / "beside.pth").write_text(
            f"{sysconfig.get_path('purelib')}\n{ROOT}\nimport course_utils.quick_start\n"
        )  # a .pth file may import
        uv = shutil.which("uv") or shutil.which("uv", path=Path(sys.executable).parent)  # run.py has brought it
        pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-compile"]
        install = [uv, "pip", "install", "--python", str(python)] if uv else pip
        done = subprocess.run([*install, *wanted], capture_output=True, text=True)
        if done.returncode:
            why = f"nbgrader cannot be installed: {done.stderr.strip()[-500:]}"
            pytest.fail(why) if os.environ.get("CI") else pytest.skip(why)
        (home / "installed").write_text(stamp)

    def run(folder, *arguments, status=0):
        environment = {
            **os.environ,
            "PATH": f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "VIRTUAL_ENV": str(home),
            "JUPYTER_CONFIG_DIR": str(folder.parent / "jupyter"),
            "JUPYTER_PATH": str(Path(sys.prefix) / "share" / "jupyter"),
            "OPENBLAS_NUM_THREADS": "1",
        }
        done = subprocess.run(
            [str(home / "bin" / "python"), "-m", "nbgrader", *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == status, done.stderr[-3000:]
        return done.stdout + done.stderr

    run.python = home / "bin" / "python"
    return run


def changed_by_a_cheat(notebook):
    """Points raised, checks emptied, ungraded, unlocked, doubled and deleted, and a cell that ends Python."""
    cells = {cell["metadata"].get("nbgrader", {}).get("grade_id"): cell for cell in notebook["cells"]}
    for name in POINTS:
        cells[f"check-{name}"]["metadata"]["nbgrader"].update(points=1000)
        cells[f"check-{name}"]["source"] = "1000"
    cells["check-pca_fit"]["metadata"]["nbgrader"]["grade"] = False
    cells["check-pca_encode"]["metadata"]["nbgrader"].update(solution=True, locked=False)
    cells["check-pca_decode"]["metadata"]["nbgrader"].update(schema_version="x", task=True)
    twin = copy.deepcopy(cells["check-residual_variance"])
    end = {
        "cell_type": "code",
        "metadata": {},
        "source": "import os\nos._exit(0)",
        "outputs": [],
        "execution_count": None,
        "id": "end",
    }
    mine = {
        "grade": True,
        "grade_id": "mine",
        "points": 50,
        "locked": False,
        "solution": False,
        "schema_version": 3,
        "task": False,
    }
    extra = end | {"metadata": {"nbgrader": mine}, "source": "print(50)", "id": "mine"}
    notebook["cells"] = [
        end,
        *(c for c in notebook["cells"] if c not in (cells["choose_k"], cells["check-choose_k"])),
        twin | {"id": "twin"},
        extra,
    ]


def exercises_alone(notebook):
    """The first cell, which imports, and those that nbgrader knows; the others take seconds to run."""
    first, *others = (cell for cell in notebook["cells"] if cell["cell_type"] == "code")
    notebook["cells"] = [first, *(cell for cell in others if "nbgrader" in cell["metadata"])]


SUBMISSIONS = {  # student -> (exercises answered, what else is done to the notebook, exercises with points)
    "full": (POINTS, [], POINTS),
    "blank": ((), [exercises_alone], ()),
    "partial": (("pca_fit", "choose_k"), [exercises_alone], ("pca_fit", "choose_k")),
    "cheat": (("pca_fit",), [exercises_alone, changed_by_a_cheat], ("pca_fit",)),
}


@pytest.fixture(scope="module")
def graded(course, nbgrader):
    """The course folder after generate_assignment, submissions, autograde and generate_feedback."""
    for assignment in (START, PCA):
        nbgrader(course, "generate_assignment", assignment)
    path = f"{PCA}/{PCA}.ipynb"
    answers = {name: cell.source for name, cell in cells_by_id(course / "source" / path).items()}
    for student, (answered, changes, _) in SUBMISSIONS.items():
        notebook = json.loads((course / "release" / path).read_text())
        for cell in notebook["cells"]:
            grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id")
            if grade_id in answered:
                cell["source"] = answers[grade_id]
        for change in changes:
            change(notebook)
        (course / "submitted" / student / PCA).mkdir(parents=True)
        (course / "submitted" / student / path).write_text(json.dumps(notebook))
    nbgrader(course, "autograde", PCA)
    nbgrader(course, "generate_feedback", PCA)
    return course


@pytest.mark.slow
def test_what_is_released_has_no_answers(graded):
    for notebook in (START, PCA):
        path = graded / "release" / notebook / f"{notebook}.ipynb"
        text = path.read_text()
        assert "SOLUTION" not in text and "HIDDEN TESTS" not in text and "seed=" not in text.replace("seed=0", "")
        for grade_id, cell in cells_by_id(path).items():
            check_form(json.loads(json.dumps(cell.metadata.nbgrader)), METADATA)
            if grade_id.startswith("check-"):
                assert cell.metadata.editable is False and cell.source.endswith(f"earned({grade_id[6:]})")
            else:
                assert 'raise NotImplementedError("your answer goes here")' in cell.source


@pytest.mark.slow
def test_points(graded, nbgrader):
    asked = """import json, sys
from nbgrader.api import Gradebook
with Gradebook("sqlite:///gradebook.db") as book:
    print(json.dumps({s.student.id: [s.score, s.max_score, s.needs_manual_grade, {g.name: g.score for n in s.notebooks
          for g in n.grades}] for s in book.assignment_submissions(sys.argv[1])}))"""
    command = [str(nbgrader.python), "-c", asked, PCA]
    said = subprocess.run(command, cwd=graded, capture_output=True, text=True, check=True)
    found = json.loads(said.stdout)
    assert found.keys() == SUBMISSIONS.keys()
    for student, (_, _, passed) in SUBMISSIONS.items():
        score, most, manual, grades = found[student]
        assert grades == {f"check-{name}": points if name in passed else 0 for name, points in POINTS.items()}, student
        assert (score, most, manual) == (sum(POINTS[name] for name in passed), sum(POINTS.values()), False)


@pytest.mark.slow
def test_feedback_says_what_to_do_and_not_the_seed(graded):
    page = (graded / "feedback" / "partial" / PCA / f"{PCA}.html").read_text()
    assert "Replace the line that raises NotImplementedError with your answer." in page
    assert "Hint: A coordinate along a unit vector" in page
    assert not re.search(r"seed=7\b", re.sub(r"<[^>]+>", "", page))


@pytest.mark.slow
def test_grading_again_gives_the_same(graded, nbgrader):
    def outputs():
        cells = cells_by_id(graded / "autograded" / "partial" / PCA / f"{PCA}.ipynb")
        return {name: cell.outputs for name, cell in cells.items() if name.startswith("check-")}

    before = outputs()
    nbgrader(graded, "autograde", PCA, "--student", "partial", "--force")
    assert outputs() == before and any(before.values())


@pytest.mark.slow
def test_without_isolation_nobody_is_graded_and_it_is_said(graded, nbgrader):
    config = graded / "nbgrader_config.py"
    before = config.read_text()
    config.write_text(before.replace('isolation="auto"', 'isolation="plain"'))
    try:
        said = nbgrader(graded, "autograde", PCA, "--student", "blank", "--force", status=1)
    finally:
        config.write_text(before)
    assert "in plain isolation, students' code has your rights" in said


def test_the_forms_are_strict():
    with pytest.raises(jsonschema.ValidationError):
        check_form({"schema_version": 3, "grade": True, "locked": True}, METADATA)
