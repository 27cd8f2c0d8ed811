"""What the custom tester's script calls: grades the notebooks beside it and prints a line of JSON for each exercise."""

import json
import os
import sys
from pathlib import Path

from course_utils.exporting.files import SETTINGS
from course_utils.exporting.grading import Item, grade_folder, grader, read_settings


def main(own: Path | str, folder: Path | str) -> int:
    """Grades the submission in `folder`; 1 where the grader itself, unpacked in `own`, failed."""
    own, folder = Path(own), Path(folder)
    settings = read_settings(own / SETTINGS)
    notebooks = list(settings["notebooks"])
    try:
        with grader(settings["seed"], (own, folder), "auto", settings["trusted"]) as grading:
            items, _ = grade_folder(folder, os.environ.get("MARKUS_GROUP", "unknown"), notebooks, grading)
    except OSError as error:
        print(f"the tests cannot run on this server: {error}", file=sys.stderr)
        for notebook, exercises in settings["notebooks"].items():
            for name, points in exercises.items():
                print(line(Item(notebook, name, 0, points, "The tests cannot run on this server."), "error"))
        return 1
    for item in items:
        print(line(item), flush=True)
    return 0


def line(item: Item, status: str | None = None) -> str:
    """A test's result in MarkUs's form, on one line."""
    status = status or ("pass" if item.points >= item.max_points else "partial" if item.points > 0 else "fail")
    return json.dumps(
        {
            "name": f"{item.notebook}: {item.name}",
            "output": item.told,
            "marks_earned": item.points,
            "marks_total": item.max_points,
            "status": status,
        }
    )
