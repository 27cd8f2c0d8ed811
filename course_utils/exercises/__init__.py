"""The exercises of the course: one module per notebook."""

import functools
import importlib
import pkgutil

from course_utils.exercises.model import Case, Exercise, Finding, Misconception

__all__ = ["Case", "Exercise", "Finding", "Misconception", "all_exercises", "exercises_of", "find_exercise"]


@functools.cache
def _load() -> dict[str, Exercise]:
    found: dict[str, Exercise] = {}
    for module in sorted(info.name for info in pkgutil.iter_modules(__path__) if info.name.startswith("nb")):
        for exercise in importlib.import_module(f"{__name__}.{module}").EXERCISES:
            assert exercise.name not in found, f"two exercises are called {exercise.name}"
            found[exercise.name] = exercise
    return found


def all_exercises() -> dict[str, Exercise]:
    """Every exercise of the course by name, in the order of the notebooks."""
    return dict(_load())


def exercises_of(notebook: str) -> dict[str, Exercise]:
    """The exercises of one notebook (its name without suffix) by name, in their order; none of one without."""
    return {name: exercise for name, exercise in _load().items() if exercise.notebook == notebook}


def find_exercise(name: str) -> Exercise:
    """The exercise called `name`; KeyError with the nearest names where there is no such exercise."""
    import difflib

    exercises = _load()
    if name not in exercises:
        near = difflib.get_close_matches(str(name), exercises, n=3, cutoff=0.5)
        remedy = (
            f"is it {' or '.join(near)}?"
            if near
            else 'call the function as its task does, or say which one it is: name="pca_fit"'
        )
        raise KeyError(f"no exercise is called {name!r}; {remedy}")
    return exercises[name]
