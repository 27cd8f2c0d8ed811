"""nbgrader: a course folder whose own commands release, grade and report, with the grading done in our sandbox."""

import hashlib
from pathlib import Path

import nbformat

from course_utils.building.build import find_sources, notebook_of, read_source
from course_utils.exercises import Exercise
from course_utils.exporting import ExportError
from course_utils.exporting.files import write_files

CONFIG = '''"""nbgrader's settings for this course. Run nbgrader in this folder, where the course is installed, too."""
from course_utils.exporting.nbgrader_config import configure

configure(
    get_config(),  # noqa: F821
    course_id={course_id!r},
    seed={seed},  # of the hidden inputs; students must not know it
    isolation="auto",  # or "strict": nothing but the sandbox; or "plain", where you trust every submission
    i_trust_these_submissions=False,
)
'''
# A check says what is wrong and goes on with the library's function; nbgrader wants an error where no points are due.
EARNED = """

from course_utils.exporting.nbgrader_cell import earned

earned({name})
### BEGIN HIDDEN TESTS
earned({name}, seed={seed})
### END HIDDEN TESTS"""


def export_nbgrader(
    folder: Path, root: Path, notebooks: dict[str, dict[str, Exercise]], seed: int, force: bool = False
) -> None:
    """Writes FOLDER/nbgrader_config.py and one assignment for each notebook, FOLDER/source/NN_topic/NN_topic.ipynb."""
    sources = {path.stem: path for path in find_sources(root)}
    missing = [name for name in notebooks if name not in sources]
    if missing:
        raise ExportError(f"{root / 'solutions'} holds no {missing[0]}.py; run this in a full checkout of the course")
    course_id = "".join(c if c.isalnum() else "_" for c in folder.resolve().name) or "course"
    files = {folder / "nbgrader_config.py": CONFIG.format(seed=seed, course_id=course_id)}
    for name in notebooks:
        notebook = source_notebook(name, read_source(sources[name]), notebooks[name], seed)
        files[folder / "source" / name / f"{name}.ipynb"] = nbformat.writes(notebook, version=4) + "\n"
    write_files(files, force)


def source_notebook(stem: str, cells: list, exercises: dict[str, Exercise], seed: int) -> nbformat.NotebookNode:
    """The instructor's version of a notebook: solutions between their markers, each exercise's points on its check."""
    notebook = notebook_of(stem, cells, "student")  # what nbgrader releases keeps this
    # another seed than the grading's: nbgrader's feedback shows students the hidden tests
    other = int.from_bytes(hashlib.sha256(f"hidden tests {seed}".encode()).digest()[:4], "big")
    for cell in notebook.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        name = grade_id.removeprefix("check-")
        if grade_id.startswith("check-") and name in exercises:
            cell.source += EARNED.format(name=name, seed=other)
            cell.metadata["tags"] = ["raises-exception"]  # an open exercise does not stop "run all"
    nbformat.validate(notebook)
    return notebook
