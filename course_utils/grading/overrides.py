"""Manual adjustments: OUT/overrides.csv, which the instructor writes and no run changes."""

import csv
import math
from pathlib import Path
from typing import NamedTuple

from course_utils.checking.judging import tidy
from course_utils.exercises import Exercise
from course_utils.grading.results import harmless

FILE = "overrides.csv"
COLUMNS = ("student", "notebook", "exercise", "points", "reason")


class Override(NamedTuple):
    """A line of the file: points instead of those of an exercise, or to be added to those of the whole notebook."""

    line: int
    student: str
    notebook: str
    exercise: str  # "" for the whole notebook
    points: float
    reason: str


def read_overrides(out: Path, exercises: dict[str, Exercise]) -> list[Override]:
    """The lines of OUT/overrides.csv, none where there is no such file; OSError that names file, line and fault.

    Columns: student, notebook (both as in the gradebook), exercise, points, reason. Points take the place of those of
    the exercise; where no exercise is named, they are added to the notebook's (negative ones taken away).
    """
    path = out / FILE
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return []
    except UnicodeDecodeError:
        raise OSError(f"{path} is not UTF-8 text; save it as CSV in UTF-8") from None
    first = text.partition("\n")[0]
    rows = csv.reader(text.splitlines(), delimiter=max(",;\t", key=first.count))  # spreadsheets save any of them
    columns = [name.strip().lower() for name in next(rows, [])]
    if missing := [name for name in COLUMNS if name not in columns]:
        raise OSError(f"{path} has no column {', '.join(missing)}: its first line should be {','.join(COLUMNS)}")
    overrides: list[Override] = []
    for cells in rows:
        if any(map(str.strip, cells)):
            fields = dict(zip(columns, map(str.strip, cells)))
            override = _read(f"{path}, line {rows.line_num}", rows.line_num, fields, exercises)
            if same := [other.line for other in overrides if other[1:4] == override[1:4]]:
                raise OSError(f"{path}, line {rows.line_num}: the same adjustment stands in line {same[0]}")
            overrides.append(override)
    return overrides


def _read(place, line, fields, exercises):
    student, notebook, exercise, points, reason = (fields.get(name, "") for name in COLUMNS)
    try:
        value = float(points)
    except ValueError:
        value = math.nan
    known = exercises.get(exercise)
    if not math.isfinite(value):
        raise OSError(f"{place}: points should be a number, not {points!r}")
    if exercise and not known:
        raise OSError(f"{place}: there is no exercise {exercise!r}")
    if known and not 0 <= value <= known.points:
        raise OSError(
            f"{place}: {exercise} has 0 to {known.points} points, not {points}; for more or fewer, leave the "
            "exercise empty: then points are added to the notebook's"
        )
    if not reason:
        raise OSError(f"{place}: there is no reason; students see it on their page")
    return Override(line, student, notebook, exercise, int(value) if value == int(value) else value, reason)


def adjusted(result: dict, overrides: list[Override]) -> tuple[dict, list[Override]]:
    """A copy of the result with its adjustments, and the lines that it used.

    The result's `adjustments` are sentences; an adjusted exercise keeps its report, and has another number of points.
    """
    names = {result["student"], harmless(result["student"])}, {result["notebook"], harmless(result["notebook"])}
    mine = [
        o
        for o in overrides
        if o.student in names[0] and o.notebook in names[1] and (not o.exercise or o.exercise in result["exercises"])
    ]
    entries, extra, said = dict(result["exercises"]), 0, []
    for override in mine:
        if override.exercise:
            entry = entries[override.exercise]
            said.append(
                f"{override.exercise}: {override.points} instead of {entry['points']} points ({override.reason})"
            )
            entries[override.exercise] = entry | {"points": override.points}
        else:
            extra += override.points
            said.append(f"{override.points:+} points ({override.reason})")
    points = sum(entry["points"] for entry in entries.values()) + extra
    points = tidy(points) if result.get("partial") else points
    return result | {"points": max(points, 0) if extra else points, "exercises": entries, "adjustments": said}, mine
