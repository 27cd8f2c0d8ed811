"""What an exported nbgrader_config.py calls: nbgrader's autograder, with our grading in place of running notebooks."""

import atexit
import contextlib
import hashlib
import json
from pathlib import Path
from typing import Any

from nbformat.v4 import new_code_cell, new_output
from nbgrader import preprocessors as theirs
from nbgrader.converters import Autograde
from traitlets import Bool, Integer, Unicode

from course_utils.building.build import nbgrader as cell_metadata
from course_utils.checking.notebook_files import code_cells
from course_utils.exercises import Exercise, exercises_of
from course_utils.exporting.grading import Item, grader, items_of
from course_utils.grading.grader import Grader
from course_utils.grading.submissions import Cells, Submission

STUB = 'raise NotImplementedError("your answer goes here")'


def configure(config: Any, course_id: str, seed: int, isolation: str, i_trust_these_submissions: bool) -> None:
    """Sets nbgrader up: the stub that students see, and autograding without any student's code in our processes."""
    config.CourseDirectory.course_id = course_id
    config.ClearSolutions.code_stub = {"python": STUB}
    config.Autograde.sanitize_preprocessors = [
        step
        for own in Autograde.sanitize_preprocessors.default()
        for step in ([RestoreCells, own] if own is theirs.OverwriteCells else [own])
    ]
    config.Autograde.autograde_preprocessors = [
        GradeInSandbox if own is theirs.Execute else own for own in Autograde.autograde_preprocessors.default()
    ]
    if GradeInSandbox not in config.Autograde.autograde_preprocessors:  # else it would run students' code as ours
        raise RuntimeError("this version of nbgrader grades in another way; install nbgrader 0.9")
    config.GradeInSandbox.seed = seed
    config.GradeInSandbox.isolation = isolation
    config.GradeInSandbox.trusted = i_trust_these_submissions


class RestoreCells(theirs.NbGraderPreprocessor):
    """Gives every exercise of a submission its cells' metadata back, and a check cell where there is none."""

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Takes away what students wrote into nbgrader's metadata; nbgrader itself restores the checks' source."""
        exercises = exercises_at(resources)
        known = {}
        for name, exercise in exercises.items():
            known[name] = cell_metadata(name, solution=True)
            known[f"check-{name}"] = cell_metadata(f"check-{name}", points=exercise.points)
        for cell in nb.cells:
            given = cell.metadata.pop("nbgrader", None)
            grade_id = given.get("grade_id") if isinstance(given, dict) else None
            if cell.cell_type == "code" and isinstance(grade_id, str) and grade_id in known:
                cell.metadata["nbgrader"] = known.pop(grade_id) | {"cell_type": "code"}
        for grade_id, metadata in known.items():
            if grade_id.startswith("check-"):
                self.log.warning("The cell %s was missing and is put back", grade_id)
                nb.cells.append(new_code_cell("", metadata={"nbgrader": metadata | {"cell_type": "code"}}))
        return nb, resources


class GradeInSandbox(theirs.NbGraderPreprocessor):
    """Grades the notebook's cells in isolation and writes the outcome of each exercise under its check cell."""

    seed = Integer(help="of the hidden inputs").tag(config=True)
    isolation = Unicode("auto", help="auto, strict or plain").tag(config=True)
    trusted = Bool(False, help="plain isolation may be used").tag(config=True)

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """An error under a check takes its points, as nbgrader has it; a printed line leaves them."""
        exercises = exercises_at(resources)
        grading = shared_grader(self.seed, self.isolation, self.trusted)
        result = grading.result(submission_of(resources), cells_of(nb))
        if result["status"].startswith("error"):
            raise OSError(result["status"])  # ours, not the student's: nbgrader says so and gives no grade
        items = {item.name: item for item in items_of(result, exercises)} if result["exercises"] else {}
        for cell in nb.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
                grade_id = cell.metadata.get("nbgrader", {}).get("grade_id", "")
                if grade_id.startswith("check-"):
                    cell.outputs = [output_of(items[grade_id.removeprefix("check-")], result["status"])]
        return nb, resources


def exercises_at(resources: Any) -> dict[str, Exercise]:
    """The exercises of the notebook that nbgrader is at, whatever the file says of itself."""
    notebook = resources["nbgrader"]["notebook"]
    found = exercises_of(notebook)
    if not found:
        raise ValueError(f"{notebook} is no notebook of the course; export it again with: course export nbgrader")
    return found


def submission_of(resources: Any) -> Submission:
    """Student and notebook, as nbgrader knows them."""
    return Submission(resources["nbgrader"]["student"], resources["nbgrader"]["notebook"], Path())


def cells_of(nb: Any) -> Cells:
    """The code cells of a notebook, or why there are none to be graded."""
    try:
        sources, _ = code_cells({"cells": list(nb.cells)})
    except ValueError as error:
        return Cells([], f"damaged: {error}"[:200], "")
    digest = hashlib.sha256(json.dumps(sources).encode()).hexdigest()  # the file itself, nbgrader has changed already
    return Cells(sources, "", digest)


def output_of(item: Item, status: str) -> Any:
    """An exercise's outcome as an output that nbgrader reads."""
    if item.points >= item.max_points:
        return new_output("stream", name="stdout", text=item.told + "\n")
    told = item.told if status.startswith("graded") else f"{status}\n{item.told}"
    return new_output(
        "error", ename="NotEarned", evalue=f"{item.points} of {item.max_points} points", traceback=told.split("\n")
    )


_open: dict[tuple, Grader] = {}


def shared_grader(seed: int, isolation: str, trusted: bool) -> Grader:
    """One grader for all submissions of a run; it ends with the process."""
    key = (seed, isolation, trusted)
    if key not in _open:
        stack = contextlib.ExitStack()
        _open[key] = stack.enter_context(grader(seed, (Path.cwd(),), isolation, trusted))
        atexit.register(stack.close)
    return _open[key]
