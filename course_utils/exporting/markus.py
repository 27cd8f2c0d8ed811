"""MarkUs: the files of its custom tester, a script that prints a JSON object for each test.

MarkUs puts the student's files and the tester's into one folder, where the tester's win. So the grader is one file,
which the script unpacks elsewhere: nothing that a student hands in is ever beside what Python imports.
"""

from pathlib import Path

from course_utils.exercises import Exercise
from course_utils.exporting.files import SETTINGS, library, requirements, settings_json, write_files, zipped

SCRIPT, PACK, REQUIREMENTS = "course_tester.py", "course_grader.pack", "course_requirements.txt"
TESTER = '''#!{python}
"""MarkUs's custom tester for this course: prints a line of JSON for each exercise."""
import sys

if not sys.flags.safe_path:
    del sys.path[0]  # this folder, where a student's json.py would be found before Python's own
sys.dont_write_bytecode = True
import json
import os
import tempfile
import zipfile

here = os.path.dirname(os.path.abspath(__file__))
os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", PYTHONHASHSEED="0")
with tempfile.TemporaryDirectory() as grader:
    with zipfile.ZipFile(os.path.join(here, "{pack}")) as pack:
        pack.extractall(grader)
    sys.path.insert(0, grader)
    try:
        from course_utils.exporting.markus_run import main
    except ImportError as error:
        with open(os.path.join(grader, "{settings}"), encoding="utf-8") as file:
            notebooks = json.load(file)["notebooks"]
        for notebook, exercises in notebooks.items():
            for name, points in exercises.items():
                print(json.dumps({{"name": f"{{notebook}}: {{name}}", "marks_earned": 0, "marks_total": points,
                                  "status": "error", "output": "The tests cannot run on this server."}}))
        sys.exit(f"{{error}}: install {requirements} for {{sys.executable}}, or name another Python with: "
                 "course export markus DIR --python PATH")
    status = main(grader, here)
sys.exit(status)
'''


def export_markus(
    folder: Path,
    notebooks: dict[str, dict[str, Exercise]],
    seed: int,
    trusted: bool = False,
    python: str = "/usr/bin/env python3",
    force: bool = False,
) -> None:
    """Writes the files that are uploaded under "Automated Testing"."""
    script = TESTER.format(python=python, pack=PACK, settings=SETTINGS, requirements=REQUIREMENTS)
    pack = zipped({SETTINGS: settings_json(notebooks, seed, trusted=trusted), **library()})
    write_files({folder / SCRIPT: script, folder / PACK: pack, folder / REQUIREMENTS: requirements()}, force)
