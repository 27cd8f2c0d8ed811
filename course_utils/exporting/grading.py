"""Grading one submission where another system asks for it: in its container, on its test server, in its autograder."""

import contextlib
import json
from collections.abc import Generator
from pathlib import Path
from typing import NamedTuple

from course_utils.checking.limits import one_blas_thread
from course_utils.checking.notebook_files import recognise
from course_utils.checking.report import Report
from course_utils.exercises import Exercise
from course_utils.exporting.other_user import as_other_user, other_user
from course_utils.grading import sandbox
from course_utils.grading.cleaning import temporary_folder
from course_utils.grading.grader import Grader
from course_utils.grading.isolation import Isolation, choose
from course_utils.grading.submissions import Submission, cells_of, find_submissions
from course_utils.grading.watching import watching


class Item(NamedTuple):
    """What one exercise has come to. `told` is for the student: no hidden value is in it."""

    notebook: str
    name: str
    points: float
    max_points: float
    told: str


@contextlib.contextmanager
def grader(seed: int, hidden: tuple[Path, ...], isolation: str = "auto", trusted: bool = False) -> Generator[Grader]:
    """Yields a grader; OSError where there is no safe isolation. `hidden`: folders that a sandbox must not show.

    `isolation` is what `course grade` takes, or "container", where nothing is at stake but this one submission: strict
    or, where the container refuses that and we are root, students' code as a user of its own.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(one_blas_thread())
        temporary = stack.enter_context(temporary_folder())
        hidden = (*hidden, temporary)
        tier = choose_in_container(hidden) if isolation == "container" else choose(isolation, trusted, hidden)
        if tier.name == "user":
            tier = as_other_user(tier, temporary)
        stack.enter_context(watching(sandbox.RUNNING, sandbox.MEMORY))
        grading = Grader(seed, temporary, tier)
        grading.probe()
        yield grading


def choose_in_container(hidden: tuple[Path, ...]) -> Isolation:
    """Strict isolation, or a user of its own; OSError where there is neither."""
    try:
        return choose("strict", False, hidden)
    except OSError as error:
        tier = other_user()
        if not tier:
            raise OSError(
                f"{error}; and to run students' code as another user, the grader must be root, with setpriv, "
                "prlimit and unshare (apt install util-linux)"
            ) from None
        return tier


def grade_folder(folder: Path, student: str, notebooks: list[str], grading: Grader) -> tuple[list[Item], list[str]]:
    """The items of these notebooks in one student's folder, and remarks on its files."""
    found = find_submissions(folder) if folder.is_dir() else []
    read = {submission: cells_of(submission) for submission in found}
    known = list(grading.notebooks)
    recognised = {
        submission: recognise(Path(submission.notebook).name, cells.metadata, known)
        for submission, cells in read.items()
    }
    remarks = [
        f"{file_of(folder, submission)} is not a notebook of this assignment."
        for submission, name in recognised.items()
        if name not in notebooks
    ]
    items = []
    for name in notebooks:
        exercises = grading.notebooks[name]
        mine = [submission for submission in found if recognised[submission] == name]
        exact = [submission for submission in mine if Path(submission.member or submission.path.name).stem == name]
        files = exact if len(exact) == 1 else mine
        if not files:
            said = f"{name}.ipynb was not handed in."
        elif len(files) > 1:
            said = (
                f"{len(files)} files are {name} ({', '.join(file_of(folder, file) for file in files[:5])}); "
                "hand in one of them."
            )
        else:
            result = grading.result(files[0]._replace(student=student), read[files[0]])
            if result["status"].startswith(("graded", "timeout")):
                items += items_of(result, exercises)
                if not result["status"].startswith("graded"):
                    remarks.append(f"{name}: {result['status']}.")
                continue
            if result["status"].startswith("error"):
                raise OSError(f"{name}: {result['status']}")
            said = f"{file_of(folder, files[0])}: {result['status']}."
        remarks.append(said)
        items += [Item(name, exercise.name, 0, exercise.points, said) for exercise in exercises.values()]
    return items, remarks


def file_of(folder: Path, submission: Submission) -> str:
    """A submission's file as its author calls it."""
    path = submission.path.relative_to(folder.resolve()) / submission.member.strip("/")
    name = str(path).encode(errors="backslashreplace").decode()
    return "".join(c if c.isprintable() else "?" for c in name)[:200]


def items_of(result: dict, exercises: dict[str, Exercise]) -> list[Item]:
    """A result's exercises, each with its report and the first hint where it is not right yet."""
    return [
        Item(result["course_notebook"], name, entry["points"], entry["max_points"], told(entry, exercises[name]))
        for name, entry in result["exercises"].items()
    ]


def told(entry: dict, exercise: Exercise) -> str:
    """The report as text, with the first hint and what failed in the cells it needs."""
    report = Report(**{key: entry[key] for key in Report.__dataclass_fields__})
    lines = [report.headline, report.advice, report.detail, report.facts]
    if not report.passed:
        lines += [f"Hint: {exercise.hints[0]}", *(f"In the cells that this answer needs: {n}" for n in entry["notes"])]
    return "\n".join(filter(None, lines))


def read_settings(path: Path) -> dict:
    """The export's own settings."""
    return json.loads(path.read_text(encoding="utf-8"))
