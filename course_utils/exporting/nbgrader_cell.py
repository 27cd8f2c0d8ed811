"""What the test cells of an exported notebook call after `check`: an error where the exercise has no points yet."""

from typing import Any

from course_utils.checking import examine
from course_utils.exercises import find_exercise


class NotEarned(AssertionError):
    """The exercise is not right yet. In a notebook it shows as one line: the report stands above it."""

    def _render_traceback_(self):
        return [f"{type(self).__name__}: {self}"]


def earned(function: Any, seed: int | None = None) -> None:
    """Raises NotEarned unless `function` is a right answer: not the library's, which `check` gives for a wrong one.

    With a seed, it is called once more on the inputs that the seed draws.
    """
    exercise = find_exercise(getattr(function, "__name__", ""))
    if function is exercise.library_answer():
        raise NotEarned(f"{exercise.name}: 0 of {exercise.points} points so far")
    if seed is not None:
        report = examine(function, seed=seed)
        if not report.passed:
            raise NotEarned(str(report))
