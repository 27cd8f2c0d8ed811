"""What run_autograder starts in Gradescope's container: python -m course_utils.exporting.gradescope_run [ROOT]"""

import json
import os
import sys
import time
import traceback
from pathlib import Path

from course_utils.exporting.files import SETTINGS
from course_utils.exporting.grading import Item, grade_folder, grader, read_settings
from course_utils.grading.results import write

FAILED = (
    "The autograder itself failed, which is no fault of yours and says nothing about your answers. "
    "Please tell your instructor, who can read why in the autograder's output and run it again."
)


def main(root: Path) -> int:
    """Grades root/submission into root/results/results.json; 1 where the grader itself failed."""
    started = time.monotonic()
    settings = read_settings(root / "source" / SETTINGS)
    if os.geteuid() == 0:
        for name in ("source", "submission_metadata.json"):
            if (root / name).exists():
                (root / name).chmod(0o700)
    try:
        with grader(settings["seed"], (root,), "container") as grading:
            print(grading.tier.notice)
            items, remarks = grade_folder(
                root / "submission", student_of(root / "submission_metadata.json"), list(settings["notebooks"]), grading
            )
            results = results_of(items, remarks, settings["visibility"]) | {
                "extra_data": {"isolation": grading.tier.name}
            }  # not the seed: whoever knows it knows the inputs
        status = 0
    except Exception as error:  # Gradescope wants a file in any case
        if not isinstance(error, OSError):
            traceback.print_exc()
        print(f"The autograder failed: {error}", file=sys.stderr)
        nothing = [
            Item(notebook, name, 0, points, FAILED)
            for notebook, exercises in settings["notebooks"].items()
            for name, points in exercises.items()
        ]
        results, status = results_of(nothing, [FAILED], settings["visibility"]), 1
    results["execution_time"] = round(time.monotonic() - started, 1)
    write(root / "results" / "results.json", json.dumps(results, indent=1) + "\n")
    return status


def student_of(metadata: Path) -> str:
    """Who handed in: the same for each submission of a student or group."""
    try:
        users = json.loads(metadata.read_text(encoding="utf-8"))["users"]
        return "+".join(sorted(str(user["id"]) for user in users))
    except (OSError, ValueError, KeyError, TypeError):
        return "unknown"


def results_of(items: list[Item], remarks: list[str], visibility: str) -> dict:
    """Gradescope's results.json."""
    several = len({item.notebook for item in items}) > 1
    tests = [
        {
            "name": f"{item.notebook}: {item.name}" if several else item.name,
            "score": item.points,
            "max_score": item.max_points,
            "status": "passed" if item.points >= item.max_points else "failed",
            "output": item.told,
            "output_format": "text",
            "visibility": visibility,
        }
        for item in items
    ]
    points, most = sum(item.points for item in items), sum(item.max_points for item in items)
    return {
        "score": points,
        "output": "\n".join([*remarks, f"{points} of {most} points."]),
        "output_format": "text",
        "visibility": visibility,
        "stdout_visibility": "hidden",
        "tests": tests,
    }


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "/autograder")))
