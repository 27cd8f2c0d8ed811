"""Building: bad sources are refused with their line, and nobody's work is overwritten."""

import ast
import json
import shutil
from pathlib import Path

import nbformat
import pytest

from course_utils.building import build
from course_utils.building.build import BuildError, build_course, read_source, without_solution
from course_utils.exercises import exercises_of, find_exercise

pytestmark = pytest.mark.slow  # the whole file takes tens of seconds

SOURCE = '''# %% [markdown]
# # A small notebook
#
# {{exercise log_mean_exp}}

# %%
import numpy as np

from course_utils.checking import check


def log_mean_exp(a):
    """Doc."""
    ### BEGIN SOLUTION
    a = np.asarray(a)
    m = a.max()
    return m + np.log(np.mean(np.exp(a - m)))
    ### END SOLUTION

# %%
log_mean_exp = check(log_mean_exp)

# %%
print(f"{log_mean_exp([0.0, 0.0]):.1f}")
'''


@pytest.fixture
def course(tmp_path):
    """A course of one notebook, called as the one that log_mean_exp belongs to."""
    (tmp_path / "solutions").mkdir()
    write(tmp_path, SOURCE)
    return tmp_path


@pytest.fixture(scope="module")
def built_once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("built")
    (folder / "solutions").mkdir()
    write(folder, SOURCE)
    build_course(folder)
    return folder


@pytest.fixture
def built(built_once, tmp_path):
    """The same course after its first build."""
    return shutil.copytree(built_once, tmp_path, dirs_exist_ok=True)


def write(course, source):
    (course / "solutions" / "00_start_here.py").write_text(source)


def student(course):
    return course / "notebooks" / "00_start_here.ipynb"


def cells(path):
    return nbformat.read(path, as_version=4).cells


def test_a_build_makes_both_notebooks_and_a_second_one_nothing(course, capsys):
    assert build_course(course) == 0
    solution = cells(course / "solutions" / "00_start_here.ipynb")
    assert solution[-1].outputs[0].text == "0.0\n"
    assert "1 of 1 point" in solution[2].outputs[0].data["text/plain"]
    copy = cells(student(course))
    assert all(not cell.get("outputs") for cell in copy)
    assert (
        "NotImplementedError" in copy[1].source
        and "BEGIN SOLUTION" not in copy[1].source
        and "np.mean" not in copy[1].source
    )
    before = {path: path.stat().st_mtime_ns for path in course.rglob("*.ipynb")}
    capsys.readouterr()
    assert build_course(course) == 0
    assert "unchanged" in capsys.readouterr().out
    assert before == {path: path.stat().st_mtime_ns for path in course.rglob("*.ipynb")}


def test_the_card_says_what_the_definition_says(course):
    text = read_source(course / "solutions" / "00_start_here.py")[0].source
    for part in ("`log_mean_exp(a)`", "1 point ", "L10", 'hint("log_mean_exp")'):
        assert part in text


def test_cells_have_stable_ids_and_nbgrader_metadata(course):
    first = read_source(course / "solutions" / "00_start_here.py")
    write(course, SOURCE.replace("# %%\nprint", "# %%\nx = 1\n\n# %%\nprint"))
    second = read_source(course / "solutions" / "00_start_here.py")
    assert [cell.id for cell in first] == [cell.id for i, cell in enumerate(second) if i != 3]
    answer, tested = first[1].metadata["nbgrader"], first[2].metadata["nbgrader"]
    assert answer == {
        "grade_id": "log_mean_exp",
        "schema_version": 3,
        "solution": True,
        "grade": False,
        "locked": False,
        "task": False,
    }
    assert (tested["points"], tested["grade"], tested["locked"]) == (1, True, True)


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("    ### END SOLUTION\n", "", "line 14: '### BEGIN SOLUTION' is not closed"),
        ("    ### BEGIN SOLUTION\n", "", "line 17: '### END SOLUTION' without"),
        (
            "    ### BEGIN SOLUTION\n",
            "    ### BEGIN SOLUTION\n    ### BEGIN SOLUTION\n",
            "line 14: '### BEGIN SOLUTION' is not closed",
        ),
        (
            "def log_mean_exp(a):",
            "def log_mean_exp(b):",
            r"line 12: log_mean_exp\(b\) differs from the exercise's signature log_mean_exp\(a\)",
        ),
        ("def log_mean_exp(a):", "def log_mean_exp(a, axis):", "differs from the exercise's signature"),
        (
            "def log_mean_exp(a):",
            "def log_sum_exp(a):",
            "line 14: a solution must be one block in the body of a function that is an exercise",
        ),
        ("{{exercise log_mean_exp}}", "{{exercise log_mean}}", "line 4: 'log_mean' is no exercise of this notebook"),
        ("# {{exercise log_mean_exp}}\n", "", "has no card"),
        ("log_mean_exp = check(log_mean_exp)", "pass", "has no check cell"),
        ("    return m +", "    return m + +* ", "line 17: "),
        ("# %% [markdown]\n# # A small", "x = 1\n# %% [markdown]\n# # A small", "text before the first cell"),
        ("# %% [markdown]\n# # A small", "# %% [markdown]\n\n# %% [markdown]\n# # A small", "line 1: an empty cell"),
    ],
)
def test_a_bad_source_is_refused_with_its_line(course, old, new, message):
    assert old in SOURCE
    write(course, SOURCE.replace(old, new))
    with pytest.raises(BuildError, match=message):
        build_course(course)
    assert not list(course.rglob("*.ipynb"))


def test_an_exercise_without_a_definition_is_refused(course):
    start, end = SOURCE.index("# %%\nimport"), SOURCE.index("# %%\nlog_mean_exp = check")
    write(course, SOURCE[:start] + SOURCE[end:])
    with pytest.raises(BuildError, match="log_mean_exp has no definition"):
        build_course(course)
    write(course, SOURCE.replace("    ### BEGIN SOLUTION\n", "").replace("    ### END SOLUTION\n", ""))
    with pytest.raises(BuildError, match="line 12: log_mean_exp is an exercise, but its answer is not between"):
        build_course(course)


def test_a_failing_cell_stops_the_build_and_leaves_the_old_files(built):
    before = {path: path.read_bytes() for path in built.rglob("*.ipynb")}
    write(built, SOURCE.replace("print(", "print(1 / 0, "))
    with pytest.raises(BuildError, match=r"(?s)00_start_here.py: cell 3 fails:.*1 / 0.*ZeroDivisionError"):
        build_course(built)
    assert before == {path: path.read_bytes() for path in built.rglob("*.ipynb")}


def work_in(path):
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[1].source += "\n# my own note"
    nbformat.write(notebook, path)


def run_in(path):
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[3].outputs = [nbformat.v4.new_output("stream", text="1.0\n")]
    nbformat.write(notebook, path)


@pytest.mark.parametrize(
    "touch", [work_in, run_in, lambda path: path.write_text("{ damaged"), lambda path: path.write_text("[]")]
)
def test_a_copy_that_somebody_worked_in_is_left_alone_unless_forced(built, touch, capsys, monkeypatch):
    executed = nbformat.read(built / "solutions" / "00_start_here.ipynb", as_version=4)
    monkeypatch.setattr(build, "execute", lambda path, cells: executed)  # the copies are what this is about
    touch(student(built))
    theirs = student(built).read_bytes()
    assert build_course(built) == 1
    assert student(built).read_bytes() == theirs and "left alone" in capsys.readouterr().out
    assert build_course(built, force=True) == 0
    kept = student(built).with_name("00_start_here.kept-1.ipynb")
    assert kept.read_bytes() == theirs and not build.worked_in(student(built))
    touch(student(built))
    build_course(built, force=True)
    assert kept.read_bytes() == theirs and kept.with_name("00_start_here.kept-2.ipynb").exists()


def test_opening_and_saving_a_copy_is_not_work(built):
    notebook = json.loads(student(built).read_text())
    notebook["metadata"]["language_info"]["version"] = "3.99"
    student(built).write_text(json.dumps(notebook))
    assert not build.worked_in(student(built))


def test_only_the_named_notebooks_are_built(course):
    with pytest.raises(BuildError, match="no source is called '07'; there are 00_start_here"):
        build_course(course, ["07"])
    assert build_course(course, ["00"]) == 0
    with pytest.raises(BuildError, match="no notebook sources"):
        build_course(course / "elsewhere")


def test_a_stub_keeps_the_indentation_of_the_answer():
    source = (
        "def f(x):\n    if x:\n        ### BEGIN SOLUTION\n        return 1\n        ### END SOLUTION\n    return 2"
    )
    assert (
        without_solution(source)
        == 'def f(x):\n    if x:\n        raise NotImplementedError("your answer goes here")\n    return 2'
    )


# what a student's copy does not show ---------------------------------------------------------------------------------

EXTRA = (
    SOURCE
    + """
# %% [markdown]
# The core takes {{core minutes}} minutes, the rest {{further minutes}}.

# %% tags=["expectation"]
assert log_mean_exp([0.0, 0.0]) == 0

# %%
from course_utils.checking import reveal
from course_utils.showing import plots

fig, ax = plots.figure(2, 1)
ax.plot([0, 1])
plots.show(fig, alt="Größe: the line rises "
                    "from {low} to 1.", low=0)  # a comment
reveal("00-line", "it rises")

# %% [markdown]
# ## Further
#
# {{exercise log_mean_exp}}
"""
)


@pytest.fixture(scope="module")
def extra(tmp_path_factory):
    """A course with its library's folder, built: (its folder, the student's cells, the solution's cells)."""
    folder = tmp_path_factory.mktemp("extra")
    for part in ("solutions", "course_utils"):
        (folder / part).mkdir()
    write(folder, EXTRA)
    build_course(folder)
    read = (
        nbformat.read(folder / part / "00_start_here.ipynb", as_version=4).cells for part in ("notebooks", "solutions")
    )
    return folder, *read


def test_expectations_run_in_the_solution_and_are_not_in_the_copy(extra):
    _, student, solution = extra
    assert any("assert" in cell.source for cell in solution) and not any("assert" in cell.source for cell in student)
    assert len(student) == len(solution)  # one less, and one more: what stood with the heading of what is further


def test_an_expectation_that_fails_stops_the_build(course):
    write(course, EXTRA.replace("== 0\n", "== 1\n"))
    with pytest.raises(BuildError, match="AssertionError"):
        build_course(course)


def test_alt_texts_are_behind_a_key_that_the_library_finds(extra):
    folder, student, solution = extra
    texts = json.loads((folder / "course_utils" / "data" / "texts" / "00.json").read_text(encoding="utf-8"))
    (key, text), (answer, typed) = texts.items()
    assert text == "Größe: the line rises from {low} to 1." and key.startswith("00-") and len(key) == 9
    (shown,) = [cell.source for cell in student if "plots.show" in cell.source]
    assert f'plots.show(fig, alt="{key}", low=0)  # a comment' in shown and "rises" not in shown
    assert typed == "it rises" and f'reveal("00-line", "{answer}")' in shown
    assert "rises from 0 to 1" in json.dumps(solution)


def test_an_alt_text_that_cannot_be_moved_is_refused(course):
    write(course, EXTRA.replace('alt="Größe: the line rises "', 'alt=f"Größe {fig} "'))
    with pytest.raises(BuildError, match="one string, with {name}"):
        build_course(course)


def test_minutes_follow_the_rule(extra):
    _, student, _ = extra
    cells = build.jupytext.reads(EXTRA, fmt="py:percent").cells
    exercise = find_exercise("log_mean_exp")
    spent = build.minutes(cells, {"log_mean_exp": exercise})
    prose = "# A small notebook The core takes {{core minutes}} minutes, the rest {{further minutes}}."
    code = [line for cell in student if cell.cell_type == "code" for line in cell.source.splitlines()]
    lines = [line for line in code if line.strip() and not line.strip().startswith("#")]
    assert spent["core"] == pytest.approx(len(prose.split()) / 180 + len(lines) / 10 + exercise.minutes)
    assert spent["further"] == pytest.approx(2 / 180 + exercise.minutes)
    rounded = [5 * -(-int(value + 0.999999) // 5) for value in spent.values()]
    assert any(f"The core takes {rounded[0]} minutes, the rest {rounded[1]}." in cell.source for cell in student)


def test_what_is_further_is_folded_in_the_copy(extra):
    _, student, solution = extra
    folded = [cell.source.splitlines()[0] for cell in student if cell.metadata.get("jp-MarkdownHeadingCollapsed")]
    assert folded == ["## Further"] and not any(cell.metadata.get("jp-MarkdownHeadingCollapsed") for cell in solution)
    *_, heading, below = student
    assert heading.source == f"## Further\n\n{build.UNFOLD}" and build.UNFOLD not in json.dumps(solution)
    assert below.source.startswith("> **Exercise `log_mean_exp`**") and heading.id != below.id


def test_a_mark_for_nbval_is_a_tag_in_the_copy(course):
    write(course, SOURCE.replace("# %%\nprint", "# %%\n# NBVAL_IGNORE_OUTPUT\nprint"))
    copy = build.student_notebook("00_start_here", read_source(course / "solutions" / "00_start_here.py"))
    assert copy.cells[-1].source.startswith("print(") and copy.cells[-1].metadata["tags"] == ["nbval-ignore-output"]
    assert not any(cell.metadata.get("tags") for cell in copy.cells[:-1])


# the course itself --------------------------------------------------------------------------------------------------

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "solutions").glob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_prediction_is_the_last_of_its_cell(path):
    """A cell shows the value of its last line alone: of two predictions in it, the first would never be asked."""
    for cell in read_source(path):
        if cell.cell_type == "code":
            *before, _ = [ast.unparse(statement) for statement in ast.parse(cell.source).body] or [""]
            assert not any(statement.startswith("predict(") for statement in before), cell.source


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_built_files_are_what_their_source_builds(path):
    source = read_source(path)
    assert build.fingerprint(path.with_suffix(".ipynb")) == build.fingerprint_of(source)
    built = json.loads(path.with_suffix(".ipynb").read_text())
    assert build.fingerprint_of(built["cells"]) == build.fingerprint_of(source)
    expected = nbformat.writes(build.student_notebook(path.stem, source), version=4) + "\n"
    assert (ROOT / "notebooks" / f"{path.stem}.ipynb").read_text() == expected


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_code_fits_the_page_and_cells_stay_small(path):
    code = [cell.source for cell in read_source(path) if cell.cell_type == "code"]
    wide = [line for source in code for line in source.splitlines() if len(line) > 88]
    assert not wide, "these lines are cut off at 1280 pixels"
    lengths = sorted(len([line for line in without_solution(source).splitlines() if line.strip()]) for source in code)
    assert lengths[-1] <= 20 and lengths[int(0.9 * len(lengths))] <= 12


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_no_progress_bar_leaves_a_red_line(path):
    """A bar goes to standard error, which is shown in red, unless it is told otherwise; a build draws none."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("tqdm", "trange"):
            given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            assert given.get("file") == "sys.stdout", f"line {node.lineno}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_the_core_takes_at_most_90_minutes_and_the_top_says_how_many(path):
    cells = build.jupytext.reads(path.read_text(encoding="utf-8"), fmt="py:percent").cells
    mine = exercises_of(path.stem)
    spent = build.minutes(cells, mine)
    assert spent["core"] <= 90
    assert "{{core minutes}}" in cells[0].source + cells[1].source
    part, points = "core", {"core": 0, "further": 0}
    for cell in cells:
        if cell.cell_type == "markdown":
            part = "further" if cell.source.startswith(build.FURTHER) else part
            points[part] += sum(mine[name].points for name in build.CARD.findall(cell.source) if name in mine)
    if not path.stem.startswith("00"):
        assert f"{{{{core minutes}}}} minutes, {points['core']} points" in cells[0].source
        assert f" and {points['further']} point" in cells[0].source or not points["further"]
    assert "{{further minutes}}" in "".join(cell.source for cell in cells) or spent["further"] < 5


def test_no_answer_is_in_a_student_copy():
    for path in SOURCES:
        copy = (ROOT / "notebooks" / f"{path.stem}.ipynb").read_text()
        assert "SOLUTION" not in copy and '"outputs": []' in copy


def test_a_copy_of_the_course_builds_nothing_anew(tmp_path, capsys):
    for folder in ("solutions", "notebooks"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    assert build_course(tmp_path) == 0
    assert "written" not in capsys.readouterr().out
