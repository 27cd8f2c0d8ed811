"""What a student calls in a notebook: check an answer, open a hint, see the progress."""

import contextlib
import sys
from collections.abc import Container, Sequence
from dataclasses import replace
from html import escape
from typing import Any

from course_utils.checking.behaviour import noise_in_training, not_differentiable
from course_utils.checking.calling import SLOWER, isolated, watched
from course_utils.checking.judging import Asking, judge
from course_utils.checking.limits import one_blas_thread
from course_utils.checking.progress_file import load_progress, record
from course_utils.checking.repairs import source_of
from course_utils.checking.report import Report, show
from course_utils.exercises import all_exercises, find_exercise

USED_FROM_HERE = {
    True: "From here on, the notebook uses your function.",
    False: "Until yours passes, the notebook goes on with the library's function.",
}
NOT_USED: set[str] = set()  # exercises whose function stands in no code after its check; a test compares


def examine(function: Any, *, name: str | None = None, seed: int = 0) -> Report:
    """The report on an answer to the exercise `name` (the function's own name, unless given), without showing it."""
    exercise = find_exercise(name or getattr(function, "__name__", None) or _nameless(function))
    if not callable(function):
        return Report(
            exercise.name,
            False,
            0,
            exercise.points,
            None,
            f"{exercise.name} is {type(function).__name__!r}, not a function. Was its name used for something "
            "else in another cell? Run the cell that defines it again.",
            "not callable",
        )
    with one_blas_thread(), _progress_bar(exercise) as tick, isolated(function, tick) as call:
        report = judge(exercise, call, seed, source=source_of(function))
        return replace(report, advice=_caution(exercise, Asking(exercise, call, (seed,)))) if report.passed else report


def _caution(exercise, asking) -> str:
    """What is to be said of an answer that passes, but will not serve everywhere in the notebook."""
    if exercise.differentiated:
        return not_differentiable(exercise, asking)
    noise = noise_in_training(asking, exercise.noisy) if exercise.noisy else None
    return f"It passes, but {noise[1]}." if noise else ""


def _nameless(function):
    raise TypeError(
        f"a function of a known exercise is expected, but {type(function).__name__} came; "
        "say which exercise is meant: check(function, name=...)"
    )


@contextlib.contextmanager
def _progress_bar(exercise):
    """For checks that train: a bar that fills towards the time limit, so that nobody waits in the dark."""
    if not exercise.trains:
        yield None
        return
    from tqdm import tqdm

    most, unit = (SLOWER * exercise.seconds, "") if isolated is watched else (exercise.seconds, "CPU ")
    with tqdm(
        total=most,
        desc=f"checking {exercise.name}",
        leave=False,
        delay=0.5,
        file=sys.stdout,
        bar_format="{desc}: {n:.0f} s (at most {total:.0f} " + unit + "seconds) |{bar}|",
    ) as bar:

        def tick(seconds):
            bar.n = min(seconds, most)
            bar.refresh()

        yield tick


def check(function: Any, *, name: str | None = None) -> Any:
    """Shows the report on an answer and returns a function that works: yours if it passes, else the library's.

    Below the report of one that passes stands what would give the answer away elsewhere (`Exercise.afterwards`).
    """
    report = examine(function, name=name)
    exercise = find_exercise(report.exercise)
    result = function if report.passed else exercise.library_answer()
    if report.passed:
        record("solved", exercise.name, report.max_points)
    note = USED_FROM_HERE[report.passed] if exercise.name not in NOT_USED else ""
    show(replace(report, note=note))
    if report.passed and exercise.afterwards:
        show(Afterwards(exercise.afterwards))
    return result


def hint(name: str) -> None:
    """Opens the next hint of an exercise; the earlier ones stay in view."""
    exercise = find_exercise(getattr(name, "__name__", name))
    opened = min(load_progress()["hints"].get(exercise.name, 0) + 1, len(exercise.hints))
    record("hints", exercise.name, opened)
    show(Hints(exercise.name, exercise.hints[:opened], len(exercise.hints)))


def progress() -> None:
    """Shows which exercises are solved, notebook by notebook."""
    show(Progress(load_progress()["solved"]))


class Afterwards:
    """What a solved exercise is told, and an open one is not: the answer as a formula, its name in PyTorch."""

    def __init__(self, text: str):
        self.text = text

    def __repr__(self):
        return self.text

    def _repr_markdown_(self):
        return self.text


class Hints:
    """The opened hints of an exercise, earlier ones folded."""

    def __init__(self, exercise: str, opened: Sequence[str], total: int):
        self.exercise, self.opened, self.total = exercise, opened, total

    def _title(self, i):
        return f"Hint {i} of {self.total} for {self.exercise}"

    def __repr__(self):
        return "\n".join(f"{self._title(i)}: {text}" for i, text in enumerate(self.opened, 1))

    def _repr_html_(self):
        return "".join(
            f"<details{' open' if i == len(self.opened) else ''} style='margin:.3em 0;max-width:50em'>"
            f"<summary style='cursor:pointer'>{escape(self._title(i))}</summary>"
            f"<div style='padding:.3em 1.2em'>{escape(text)}</div></details>"
            for i, text in enumerate(self.opened, 1)
        )


class Progress:
    """Solved exercises and points, as a table."""

    def __init__(self, solved: Container[str]):
        self.rows = {}
        for exercise in all_exercises().values():
            self.rows.setdefault(exercise.notebook, []).append((exercise, exercise.name in solved))

    def __repr__(self):
        lines = []
        for notebook, row in self.rows.items():
            earned, points = self._points(row)
            lines.append(f"{notebook}: {earned} of {points} points")
            lines += [f"  {'✓' if done else '○'} {exercise.name} ({exercise.points})" for exercise, done in row]
        return "\n".join(lines)

    @staticmethod
    def _points(row):
        return sum(e.points for e, done in row if done), sum(e.points for e, _ in row)

    def _repr_html_(self):
        body = ""
        for notebook, row in self.rows.items():
            earned, points = self._points(row)
            marks = " ".join(
                f"<span style='white-space:nowrap;margin-right:.8em;{'' if done else 'opacity:.65'}'>"
                f"{'✓' if done else '○'} <code>{exercise.name}</code></span>"
                for exercise, done in row
            )
            body += (
                f"<tr><th scope='row' style='text-align:left;vertical-align:top'>{notebook}</th>"
                f"<td style='text-align:right;vertical-align:top;white-space:nowrap'>{earned} / {points}</td>"
                f"<td style='vertical-align:top'><progress value='{earned}' max='{points}' style='width:7em' "
                f"aria-label='{earned} of {points} points in {notebook}'></progress></td>"
                f"<td style='text-align:left'>{marks}</td></tr>"
            )
        return (
            "<table><thead><tr><th style='text-align:left'>notebook</th><th>points</th><th></th>"
            f"<th style='text-align:left'>exercises</th></tr></thead><tbody>{body}</tbody></table>"
        )
