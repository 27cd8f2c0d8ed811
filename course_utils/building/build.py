"""From one source per notebook, solutions/NN_topic.py, to the executed solution and the student's copy."""

import ast
import hashlib
import json
import os
import re
import shutil
import tempfile
from pathlib import Path

import jupytext
import nbformat

from course_utils.exercises import all_exercises

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
CARD = re.compile(r"^\{\{exercise (\w+)\}\}$", re.MULTILINE)
KERNEL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


class BuildError(Exception):
    """A source that cannot be built, a cell that fails, or a file that must not be overwritten."""


def build_course(root: Path, only: list[str] = (), force: bool = False) -> int:
    """Builds solutions/*.ipynb and notebooks/*.ipynb from solutions/*.py; `only` names some ("01", "01_pca_...").

    A notebook whose source has not changed is skipped; `force` runs it again, and replaces student copies that
    somebody has worked in (the old file is kept beside). Returns how many student copies were left alone.
    """
    sources = {path: read_source(path) for path in find_sources(root, only)}  # all must be sound before any is run
    refused = 0
    for path, cells in sources.items():
        solution, student = root / "solutions" / f"{path.stem}.ipynb", root / "notebooks" / f"{path.stem}.ipynb"
        if force or fingerprint(solution) != fingerprint_of(cells):
            write_notebook(solution, execute(path, cells))
            print(f"{path.stem}: solution executed and written")
        else:
            print(f"{path.stem}: solution unchanged")
        refused += not write_student_copy(student, student_notebook(path.stem, cells), force)
    return refused


def find_sources(root: Path, only=()) -> list[Path]:
    sources = sorted((root / "solutions").glob("[0-9][0-9]_*.py"))
    if not sources:
        raise BuildError(f"no notebook sources (NN_topic.py) in {root / 'solutions'}")
    for wanted in only:
        if not any(path.stem.startswith(wanted) for path in sources):
            raise BuildError(f"no source is called {wanted!r}; there are {', '.join(path.stem for path in sources)}")
    return [path for path in sources if not only or any(path.stem.startswith(wanted) for wanted in only)]


# reading and checking a source --------------------------------------------------------------------------------------


def read_source(path: Path) -> list:
    """The cells of a source, cards filled in, ids and nbgrader metadata set. BuildError with the line of a fault."""
    text = path.read_text(encoding="utf-8")
    cells = jupytext.reads(text, fmt="py:percent").cells
    lines = [i for i, line in enumerate(text.splitlines(), 1) if line.startswith("# %%")]
    if len(lines) != len(cells):
        raise BuildError(f"{path}: text before the first cell marker, or a '# %%' inside a cell")
    mine = {e.name: e for e in all_exercises().values() if e.notebook == path.stem}
    carded, defined, checked, used = set(), set(), set(), set()
    for cell, start in zip(cells, lines):
        if cell.cell_type == "markdown":
            carded |= fill_cards(path, start, cell, mine)
            name = None
        else:
            name = check_solution(path, start, cell.source, mine)
            checked_here = [n for n in mine if re.search(rf"^{n} = check\({n}\b", cell.source, re.MULTILINE)]
            if name:
                defined.add(name)
                cell.metadata["nbgrader"] = nbgrader(f"{name}", solution=True)
            elif checked_here:
                checked.update(checked_here)
                cell.metadata["nbgrader"] = nbgrader(f"check-{checked_here[0]}", points=mine[checked_here[0]].points)
        cell["id"] = unique_id(cell, name, used)
    for what, found in [("a definition", defined), ("a card ({{exercise name}})", carded), ("a check cell", checked)]:
        missing = [name for name in mine if name not in found]
        if missing:
            raise BuildError(f"{path}: line {len(text.splitlines())}: the exercise {missing[0]} has no {what[2:]}")
    return cells


def fill_cards(path, start, cell, mine) -> set:
    for match in CARD.finditer(cell.source):
        if match[1] not in mine:
            line = start + 1 + cell.source[: match.start()].count("\n")
            raise BuildError(f"{path}: line {line}: {match[1]!r} is no exercise of this notebook ({', '.join(mine)})")
    names = set(CARD.findall(cell.source))
    cell.source = CARD.sub(lambda match: card(mine[match[1]]), cell.source)
    return names


def card(exercise) -> str:
    """The exercise's card, written from its definition so that the two cannot disagree."""
    points = f"{exercise.points} point{'s' if exercise.points > 1 else ''}"
    lines = f"{exercise.lines} line{'s' if exercise.lines > 1 else ''}"
    return (
        f"> **Exercise `{exercise.name}`** · {points} · about {exercise.minutes} minutes, {lines} · "
        f"{', '.join(exercise.lecture_points)}\n>\n> {exercise.task}\n>\n"
        f"> `{exercise.signature}` → {exercise.returns}. "
        f'Stuck? Run `hint("{exercise.name}")` in any cell, up to {len(exercise.hints)} times.'
    )


def check_solution(path, start, source, mine) -> str | None:
    """The exercise whose solution the cell holds, or None for an ordinary cell."""
    lines = source.splitlines()
    markers = [(i, line.strip()) for i, line in enumerate(lines) if line.strip() in (BEGIN, END)]
    for (i, marker), (_, following) in zip(markers, [*markers[1:], (None, None)]):
        if marker == BEGIN and following != END:
            raise BuildError(f"{path}: line {start + 1 + i}: '{BEGIN}' is not closed")
    for (i, marker), (_, before) in zip(markers, [(None, None), *markers]):
        if marker == END and before != BEGIN:
            raise BuildError(f"{path}: line {start + 1 + i}: '{END}' without '{BEGIN}'")
    try:
        tree = ast.parse(re.sub(r"^[%!].*", "pass", source, flags=re.MULTILINE))
    except SyntaxError as error:
        raise BuildError(f"{path}: line {start + (error.lineno or 0)}: {error.msg}") from None
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    if not markers:
        bare = [node for node in functions if node.name in mine]
        if bare:
            raise BuildError(
                f"{path}: line {start + bare[0].lineno}: {bare[0].name} is an exercise, but its answer is not "
                f"between '{BEGIN}' and '{END}'"
            )
        return None
    at = markers[0][0] + 1
    function = next((node for node in functions if node.lineno < at <= node.end_lineno + 1), None)
    if function is None or function.name not in mine or len(markers) != 2:
        raise BuildError(
            f"{path}: line {start + at}: a solution must be one block in the body of a function that is an exercise "
            f"of this notebook ({', '.join(mine)})"
        )
    given = [argument.arg for argument in function.args.args]
    if given != mine[function.name].parameters:
        raise BuildError(
            f"{path}: line {start + function.lineno}: {function.name}({', '.join(given)}) differs from the exercise's "
            f"signature {mine[function.name].signature}"
        )
    return function.name


def nbgrader(grade_id, *, solution=False, points=None) -> dict:
    """Cell metadata, nbgrader's schema 3: an answer to fill in, or a locked check that is worth points."""
    metadata = {
        "grade_id": grade_id,
        "schema_version": 3,
        "solution": solution,
        "grade": not solution,
        "locked": not solution,
        "task": False,
    }
    return metadata if solution else metadata | {"points": points}


def unique_id(cell, name, used) -> str:
    """An id that stays while the cell's source stays: builds then differ only where their sources do."""
    stem = f"exercise-{name}" if name else f"{cell.cell_type}-{hashlib.sha256(cell.source.encode()).hexdigest()[:10]}"
    unique = next(c for c in (stem, *(f"{stem}-{i}" for i in range(2, 1000))) if c not in used)
    used.add(unique)
    return unique


# the solution -------------------------------------------------------------------------------------------------------


def notebook_of(stem, cells, role) -> nbformat.NotebookNode:
    notebook = nbformat.v4.new_notebook(cells=json.loads(json.dumps(cells)), metadata=json.loads(json.dumps(KERNEL)))
    notebook = nbformat.from_dict(notebook)
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({k: v for k, v in cell.metadata.items() if k in ("nbgrader", "tags")})
    notebook.metadata["course"] = {"notebook": stem, "role": role}
    return notebook


def fingerprint_of(cells) -> str:
    text = json.dumps([[cell["cell_type"], "".join(cell["source"]), cell["id"]] for cell in cells])
    return hashlib.sha256(text.encode()).hexdigest()


def read_notebook(path: Path) -> dict | None:
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        return notebook if isinstance(notebook["cells"], list) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def fingerprint(path: Path) -> str | None:
    """What the built notebook at `path` says it was built from; None where there is none."""
    notebook = read_notebook(path)
    return notebook and notebook.get("metadata", {}).get("course", {}).get("built")


def execute(path: Path, cells) -> nbformat.NotebookNode:
    """The notebook with its outputs. A cell that fails is a BuildError with its file, number, line and traceback."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
    from tqdm import tqdm

    notebook = notebook_of(path.stem, cells, "solution")
    notebook.metadata["course"]["built"] = fingerprint_of(cells)
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"COURSE_PROGRESS": f"{folder}/progress.json", "TQDM_DISABLE": "1"}
        client = NotebookClient(
            notebook,
            timeout=300,
            kernel_name="python3",
            record_timing=False,
            extra_arguments=["--log-level=ERROR"],
            resources={"metadata": {"path": str(path.parent)}},
        )
        client.reset_execution_trackers()
        with client.setup_kernel(env=environment):
            for i, cell in enumerate(tqdm(notebook.cells, desc=path.stem, unit="cell", leave=False)):
                try:
                    client.execute_cell(cell, i)
                except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
                    raise BuildError(f"{path}: cell {i} fails:\n\n{error}") from None
    for cell in notebook.cells:
        if cell.cell_type == "code":
            for output in cell.outputs:
                without_dead_widget(output)
    return notebook


def without_dead_widget(output):
    """Takes a widget out of a saved output that has a static figure beside it: without its kernel it would show as an
    error in JupyterLab, and hide the figure in exported pages."""
    data = output.get("data", {})
    if "text/html" in data:
        data.pop("application/vnd.jupyter.widget-view+json", None)


# the student's copy -------------------------------------------------------------------------------------------------


def student_notebook(stem, cells) -> nbformat.NotebookNode:
    """The notebook without answers and outputs; it runs from top to bottom as it is."""
    notebook = notebook_of(stem, cells, "student")
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            cell.source = without_solution(cell.source)
    notebook.metadata["course"]["built"] = fingerprint_of(notebook.cells)
    return notebook


def without_solution(source: str) -> str:
    kept, inside = [], False
    for line in source.splitlines():
        if line.strip() == BEGIN:
            indent, inside = line[: len(line) - len(line.lstrip())], True
            kept.append(f'{indent}raise NotImplementedError("your answer goes here")')
        elif line.strip() == END:
            inside = False
        elif not inside:
            kept.append(line)
    return "\n".join(kept)


def worked_in(path: Path) -> bool:
    """Whether somebody changed, ran or damaged the student copy at `path` since it was built."""
    if not path.exists():
        return False
    notebook = read_notebook(path)
    try:
        return (
            any(cell.get("outputs") for cell in notebook["cells"])
            or fingerprint_of(notebook["cells"]) != notebook["metadata"]["course"]["built"]
        )
    except (KeyError, TypeError, AttributeError):
        return True


def write_student_copy(path: Path, notebook, force: bool) -> bool:
    """Writes the copy unless somebody has worked in the one that is there. False where it was left alone."""
    if worked_in(path):
        if not force:
            print(
                f"{path}: somebody has worked in this copy, so it was left alone (--force replaces it and keeps the old"
                " one)"
            )
            return False
        kept = next(p for i in range(1, 1000) if not (p := path.with_name(f"{path.stem}.kept-{i}.ipynb")).exists())
        shutil.copy2(path, kept)
        print(f"{path.name}: the copy that somebody worked in is kept as {kept.name}")
    if fingerprint(path) != notebook.metadata["course"]["built"] or worked_in(path):
        write_notebook(path, notebook)
        print(f"{path.stem}: student copy written")
    return True


def write_notebook(path: Path, notebook) -> None:
    """Writes a valid notebook in one step, so that an interrupted build leaves the old file."""
    nbformat.validate(notebook)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(nbformat.writes(notebook, version=4) + "\n", encoding="utf-8", newline="\n")
    os.replace(unfinished, path)
