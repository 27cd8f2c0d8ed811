"""From one source per notebook, solutions/NN_topic.py, to the executed solution and the student's copy."""

import ast
import hashlib
import itertools
import json
import math
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode

from course_utils.data import DRAWN
from course_utils.exercises import Exercise, exercises_of

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
EXPECTATION = "expectation"  # tag of cells that compare results with what is expected: not in a student's copy
FURTHER = "## Further"  # what stands below this heading is no part of the core, and is folded in a student's copy
UNFOLD = '*Where "cells hidden" stands below this line, a click on it opens this part.*'  # JupyterLab's button
NOT_COMPARED = "# NBVAL_IGNORE_OUTPUT\n"  # nbval's mark of an output that differs from run to run; or its tag, which
NOT_COMPARED_TAG = "nbval-ignore-output"  # a student does not see
CARD = re.compile(r"^\{\{exercise (\w+)\}\}$", re.MULTILINE)
KERNEL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


class BuildError(Exception):
    """A source that cannot be built, a cell that fails, or a file that must not be overwritten."""


def build_course(root: Path, only: Sequence[str] = (), force: bool = False) -> int:
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
        write_texts(root, path.stem, cells)
        refused += not write_student_copy(student, student_notebook(path.stem, cells), force)
    return refused


def find_sources(root: Path, only: Sequence[str] = ()) -> list[Path]:
    """The sources below `root`, or those whose names start as `only` says; BuildError where there is none."""
    sources = sorted((root / "solutions").glob("[0-9][0-9]_*.py"))
    if not sources:
        raise BuildError(f"no notebook sources (NN_topic.py) in {root / 'solutions'}")
    for wanted in only:
        if not any(path.stem.startswith(wanted) for path in sources):
            raise BuildError(f"no source is called {wanted!r}; there are {', '.join(path.stem for path in sources)}")
    return [path for path in sources if not only or any(path.stem.startswith(wanted) for wanted in only)]


def find_built(root: Path, only: Sequence[str] = (), room: str = "solutions") -> list[Path]:
    """The notebooks in root/room, or those whose names start as `only` says; BuildError where none is."""
    paths = [p for p in sorted((root / room).glob("*.ipynb")) if not only or p.name.startswith(tuple(only))]
    if not paths:
        which = f" that starts with {' or '.join(only)}" if only else ""
        raise BuildError(f"{root / room} holds no built notebook{which}; make them with: course build")
    return paths


# reading and checking a source --------------------------------------------------------------------------------------


def read_source(path: Path) -> list[NotebookNode]:
    """The cells of a source, cards filled in, ids and nbgrader metadata set. BuildError with the line of a fault."""
    text = path.read_text(encoding="utf-8")
    cells = jupytext.reads(text, fmt="py:percent").cells
    lines = [i for i, line in enumerate(text.splitlines(), 1) if line.startswith("# %%")]
    if len(lines) != len(cells):
        raise BuildError(f"{path}: text before the first cell marker, or a '# %%' inside a cell")
    mine = exercises_of(path.stem)
    carded, defined, checked, used = set(), set(), set(), set()
    fill_minutes(cells, mine)
    for cell, start in zip(cells, lines):
        if not cell.source.strip():
            raise BuildError(f"{path}: line {start}: an empty cell, which a reader takes for one to fill")
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


def minutes(cells: Iterable[NotebookNode], exercises: Mapping[str, Exercise]) -> dict[str, float]:
    """Honest minutes of the core and of what comes below "## Further", from a source whose cards are not filled in.

    Prose at 180 words a minute, six seconds for a line of code, and the minutes that the cards state.
    """
    spent, part = {"core": 0.0, "further": 0.0}, "core"
    for cell in cells:
        if EXPECTATION in cell.metadata.get("tags", []):
            continue  # not for students
        if cell.cell_type == "markdown":
            if cell.source.startswith(FURTHER):
                part = "further"
            names = CARD.findall(cell.source)
            spent[part] += len(CARD.sub("", cell.source).split()) / 180
            spent[part] += sum(exercises[name].minutes for name in names if name in exercises)
        else:
            shown = without_texts("00", without_solution(cell.source))[0]
            lines = (line.strip() for line in shown.splitlines())
            spent[part] += sum(bool(line) and not line.startswith("#") for line in lines) / 10
    return spent


def fill_minutes(cells: Sequence[NotebookNode], exercises: Mapping[str, Exercise]) -> None:
    """Puts the minutes of the core and of the rest, rounded up to five, where the source says {{core minutes}}."""
    spent = minutes(cells, exercises)
    for cell in cells:
        if cell.cell_type == "markdown":
            for part, value in spent.items():
                cell.source = cell.source.replace(f"{{{{{part} minutes}}}}", str(5 * math.ceil(value / 5)))


def fill_cards(path: Path, start: int, cell: NotebookNode, mine: Mapping[str, Exercise]) -> set[str]:
    """Writes the cards into a cell that names them, {{exercise name}}, and returns the names."""
    for match in CARD.finditer(cell.source):
        if match[1] not in mine:
            line = start + 1 + cell.source[: match.start()].count("\n")
            raise BuildError(f"{path}: line {line}: {match[1]!r} is no exercise of this notebook ({', '.join(mine)})")
    names = set(CARD.findall(cell.source))
    cell.source = CARD.sub(lambda match: card(mine[match[1]]), cell.source)
    return names


def card(exercise: Exercise) -> str:
    """The exercise's card, written from its definition so that the two cannot disagree."""
    points = f"{exercise.points} point{'s' if exercise.points > 1 else ''}"
    lines = f"{exercise.lines} line{'s' if exercise.lines > 1 else ''}"
    minutes = f"{exercise.minutes} minute{'s' if exercise.minutes > 1 else ''}"
    return (
        f"> **Exercise `{exercise.name}`** · {points} · about {minutes}, {lines} · "
        f"{', '.join(exercise.lecture_points)}\n>\n> {exercise.task}\n>\n"
        f"> `{exercise.signature}` → {exercise.returns}. "
        f'Stuck? Run `hint("{exercise.name}")` in any cell, up to {len(exercise.hints)} times.'
    )


def check_solution(path: Path, start: int, source: str, mine: Mapping[str, Exercise]) -> str | None:
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
                f"{path}: line {start + bare[0].lineno}: {bare[0].name} is an exercise, "
                f"but its answer is not between '{BEGIN}' and '{END}'"
            )
        return None
    at = markers[0][0] + 1
    function = next((node for node in functions if node.lineno < at <= (node.end_lineno or 0) + 1), None)
    if function is None or function.name not in mine or len(markers) != 2:
        raise BuildError(
            f"{path}: line {start + at}: a solution must be one block in the body of a function that is an exercise "
            f"of this notebook ({', '.join(mine)})"
        )
    given = [argument.arg for argument in function.args.args]
    if given != mine[function.name].parameters:
        raise BuildError(
            f"{path}: line {start + function.lineno}: {function.name}({', '.join(given)}) differs "
            f"from the exercise's signature {mine[function.name].signature}"
        )
    return function.name


def nbgrader(grade_id: str, *, solution: bool = False, points: int | None = None) -> dict:
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


def unique_id(cell: NotebookNode, name: str | None, used: set[str]) -> str:
    """An id that stays while the cell's source stays: builds then differ only where their sources do."""
    stem = f"exercise-{name}" if name else f"{cell.cell_type}-{hashlib.sha256(cell.source.encode()).hexdigest()[:10]}"
    unique = next(c for c in (stem, *(f"{stem}-{i}" for i in range(2, 1000))) if c not in used)
    used.add(unique)
    return unique


# the solution -------------------------------------------------------------------------------------------------------


def notebook_of(stem: str, cells: Sequence[NotebookNode], role: str) -> NotebookNode:
    """A notebook with copies of the cells that says what it is: the solution or the student's copy of `stem`."""
    notebook = nbformat.v4.new_notebook(cells=json.loads(json.dumps(cells)), metadata=json.loads(json.dumps(KERNEL)))
    notebook = nbformat.from_dict(notebook)
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({k: v for k, v in cell.metadata.items() if k in ("nbgrader", "tags")})
    notebook.metadata["course"] = {"notebook": stem, "role": role}
    return notebook


def fingerprint_of(cells: Iterable[Mapping]) -> str:
    """A hash of what the cells are built from: kinds, sources and ids, no outputs."""
    text = json.dumps([[cell["cell_type"], "".join(cell["source"]), cell["id"]] for cell in cells])
    return hashlib.sha256(text.encode()).hexdigest()


def read_notebook(path: Path) -> dict | None:
    """The notebook at `path` as it stands there; None where there is none, or a damaged one."""
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        return notebook if isinstance(notebook["cells"], list) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def fingerprint(path: Path) -> str | None:
    """What the built notebook at `path` says it was built from; None where there is none."""
    notebook = read_notebook(path)
    return notebook.get("metadata", {}).get("course", {}).get("built") if notebook else None


def executed(path: Path, faces: bool = True) -> NotebookNode:
    """The executed solution at `path`; without `faces`, for a public page, one in which no ORL photograph is seen.

    A notebook that loads the faces is then executed anew, and `load_faces` gives it drawn ones: all that is made of
    the photographs (means, components, reconstructions) goes with them, and nobody has to mark a figure. BuildError
    where it does not say so to its readers.
    """
    notebook = nbformat.read(path, as_version=4)
    if faces or not shows_faces(notebook):
        return notebook
    print(f"{path.stem}: executed anew, with drawn faces", flush=True)
    notebook = execute(path, notebook.cells, faces=False)
    if not says_faces_are_drawn(notebook):
        raise BuildError(f"{path}: with drawn faces it must print their note: print(faces.note)")
    return notebook


def shows_faces(notebook: NotebookNode) -> bool:
    """Whether a notebook loads the ORL faces, which may not be redistributed, nor what is made of them."""
    return any(cell.cell_type == "code" and "load_faces" in cell.source for cell in notebook.cells)


def says_faces_are_drawn(notebook: NotebookNode) -> bool:
    """Whether an executed notebook has printed that drawn faces stand in for the ORL faces."""
    printed = (output.text for cell in notebook.cells for output in cell.get("outputs", []) if "text" in output)
    return any(DRAWN in text for text in printed)


def execute(path: Path, cells: Sequence[NotebookNode], faces: bool = True) -> NotebookNode:
    """The notebook with its outputs. A cell that fails is a BuildError with its file, number, line and traceback.

    Without `faces`, drawn ones stand in for the ORL faces, as where these are not installed.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
    from tqdm import tqdm

    notebook = notebook_of(path.stem, cells, "solution")
    notebook.metadata["course"]["built"] = fingerprint_of(cells)
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"COURSE_PROGRESS": f"{folder}/progress.json", "TQDM_DISABLE": "1"}
        environment |= {} if faces else {"COURSE_FACES": "drawn"}
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


def without_dead_widget(output: NotebookNode) -> None:
    """Takes a widget out of a saved output that has a static figure beside it: without its kernel it would show as an
    error in JupyterLab, and hide the figure in exported pages."""
    data = output.get("data", {})
    if "text/html" in data:
        data.pop("application/vnd.jupyter.widget-view+json", None)


# the student's copy -------------------------------------------------------------------------------------------------


def student_notebook(stem: str, cells: Sequence[NotebookNode]) -> NotebookNode:
    """The notebook without answers, outputs and expectations; it runs from top to bottom as it is."""
    kept = [cell for cell in cells if EXPECTATION not in cell.metadata.get("tags", [])]
    notebook = notebook_of(stem, kept, "student")
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            cell.source = without_texts(stem, without_solution(cell.source))[0]
            if cell.source.startswith(NOT_COMPARED):
                cell.source = cell.source.removeprefix(NOT_COMPARED)
                cell.metadata["tags"] = [*cell.metadata.get("tags", []), NOT_COMPARED_TAG]
    notebook.cells = [part for cell in notebook.cells for part in folded(cell)]
    notebook.metadata["course"]["built"] = fingerprint_of(notebook.cells)
    return notebook


def folded(cell: NotebookNode) -> list[NotebookNode]:
    """The heading of what is further, folded, with how to open it, and in a cell of its own what stood below it, which
    would be in sight otherwise; any other cell as it is."""
    if cell.cell_type != "markdown" or not cell.source.startswith(FURTHER):
        return [cell]
    heading, _, rest = cell.source.partition("\n")
    below = nbformat.from_dict({**cell, "id": f"{cell.id}-below", "source": rest.strip()})
    cell.source = f"{heading}\n\n{UNFOLD}"
    cell.metadata["jp-MarkdownHeadingCollapsed"] = True  # JupyterLab's own; its minutes stand in the heading
    return [cell, below] if below.source else [cell]


def without_solution(source: str) -> str:
    """A cell's source with a line that raises NotImplementedError in place of the answer."""
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


def without_texts(stem: str, source: str) -> tuple[str, dict[str, str]]:
    """The source with a key in place of each text that a student should not see yet, and {key: text}.

    These are the alt text of `plots.show(fig, alt)`, which says what the figure shows, and an answer that
    `reveal(key, answer)` has as a string, as nothing computes it.
    """
    texts: dict[str, str] = {}
    tree = ast.parse(re.sub(r"^[%!].*", "pass", source, flags=re.MULTILINE))
    found = [node for call in ast.walk(tree) if isinstance(call, ast.Call) for node in _hidden(stem, call)]
    raw = source.encode()
    starts = list(itertools.accumulate((len(line) for line in raw.splitlines(keepends=True)), initial=0))
    for node in sorted(found, key=lambda node: (node.lineno, node.col_offset), reverse=True):
        key = f"{stem[:2]}-{hashlib.sha256(node.value.encode()).hexdigest()[:6]}"
        texts[key] = node.value
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[node.end_lineno - 1] + node.end_col_offset
        raw = raw[:start] + json.dumps(key).encode() + raw[end:]
    return raw.decode(), dict(reversed(texts.items()))


def _hidden(stem: str, call: ast.Call) -> list:
    """The string in a call that a student's copy does not have: none or one."""
    name = ast.unparse(call.func)
    if name == "reveal":
        return [node for node in call.args[1:2] if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    if name != "plots.show":
        return []
    given = [keyword.value for keyword in call.keywords if keyword.arg == "alt"] or call.args[1:2]
    if not given or not isinstance(given[0], ast.Constant) or not isinstance(given[0].value, str):
        raise BuildError(
            f"{stem}: plots.show takes its alt text as one string, with {{name}} for values that follow as "
            f"name=value: {ast.unparse(call)[:120]}"
        )
    return given


def hidden_texts(stem: str, cells: Iterable[NotebookNode]) -> dict[str, str]:
    """{key: text} of all figures and typed answers of a notebook, in their order."""
    found: dict[str, str] = {}
    for cell in cells:
        if cell.cell_type == "code" and EXPECTATION not in cell.metadata.get("tags", []):
            found |= without_texts(stem, without_solution(cell.source))[1]
    return found


def write_texts(root: Path, stem: str, cells: Iterable[NotebookNode]) -> None:
    """Writes a notebook's hidden texts where the course's library, if it is here, looks them up."""
    library = root / "course_utils"
    path = library / "data" / "texts" / f"{stem[:2]}.json"
    text = json.dumps(hidden_texts(stem, cells), indent=1, ensure_ascii=False) + "\n"
    if library.is_dir() and not (path.exists() and path.read_text(encoding="utf-8") == text):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(f"{stem}: hidden texts written")


def worked_in(path: Path) -> bool:
    """Whether somebody changed, ran or damaged the student copy at `path` since it was built."""
    if not path.exists():
        return False
    notebook = read_notebook(path)
    if notebook is None:
        return True
    try:
        return (
            any(cell.get("outputs") for cell in notebook["cells"])
            or fingerprint_of(notebook["cells"]) != notebook["metadata"]["course"]["built"]
        )
    except (KeyError, TypeError, AttributeError):
        return True


def write_student_copy(path: Path, notebook: NotebookNode, force: bool) -> bool:
    """Writes the copy unless somebody has worked in the one that is there. False where it was left alone."""
    if worked_in(path):
        if not force:
            print(
                f"{path}: somebody has worked in this copy, "
                "so it was left alone (--force replaces it and keeps the old one)"
            )
            return False
        kept = next(p for i in range(1, 1000) if not (p := path.with_name(f"{path.stem}.kept-{i}.ipynb")).exists())
        shutil.copy2(path, kept)
        print(f"{path.name}: the copy that somebody worked in is kept as {kept.name}")
    if fingerprint(path) != notebook.metadata["course"]["built"] or worked_in(path):
        write_notebook(path, notebook)
        print(f"{path.stem}: student copy written")
    return True


def write_notebook(path: Path, notebook: NotebookNode) -> None:
    """Writes a valid notebook in one step, so that an interrupted build leaves the old file."""
    nbformat.validate(notebook)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(nbformat.writes(notebook, version=4) + "\n", encoding="utf-8", newline="\n")
    os.replace(unfinished, path)
