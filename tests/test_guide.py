"""The instructor's guide: its commands are run as they stand there, in their order, in a copy of the course."""

import csv
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from grading_results import NOT_HERE

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "docs" / "instructors.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```", GUIDE, re.S | re.M)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(NOT_HERE) and not os.environ.get("CI"), reason=f"no strict isolation: {NOT_HERE}"),
]


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A copy of the course after all the guide's commands, with what each block printed."""
    folder = tmp_path_factory.mktemp("guide") / "course"
    for name in ("course_utils", "notebooks", "solutions"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))  # compiled
    for name in ("run.py", "pyproject.toml", "constraints.txt", "README.md", "LICENSE", "environment.yml"):
        shutil.copy(ROOT / name, folder)
    programs = folder.parent / "bin"
    programs.mkdir()
    (programs / "course").write_text(f"#!/bin/sh\nexec '{sys.executable}' -m course_utils.cli \"$@\"\n")
    (programs / "course").chmod(0o755)
    environment = os.environ | {"PATH": f"{programs}:{os.environ['PATH']}", "PYTHONPATH": str(folder)}
    said = []
    for block in BLOCKS:
        done = subprocess.run(
            ["/bin/sh", "-eu", "-c", block], cwd=folder, env=environment, capture_output=True, text=True, timeout=600
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        said.append(done.stdout)
    return folder, said


def rows(folder):
    with open(folder / "grades" / "grades.csv", encoding="utf-8", newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def test_every_step_of_the_guide_is_there():
    assert len(BLOCKS) >= 6
    for word in ("zip", "course grade", "overrides.csv", "diff -r", "course export"):
        assert any(word in block for block in BLOCKS), word


def test_grades_and_adjustments(clone):
    folder, said = clone
    graded = rows(folder)
    assert {student: float(row["points"]) for student, row in graded.items()} == {"ann": 0, "ben": 1}
    assert "solved it at the blackboard" in graded["ben"]["adjusted"]
    assert any("2 taken over" in text for text in said)
    assert "solved it at the blackboard" in (folder / "grades/feedback/ben/00_start_here.html").read_text()


def test_what_is_handed_out_and_published(clone):
    folder, _ = clone
    names = zipfile.ZipFile(folder / "course.zip").namelist()
    assert "notebooks/00_start_here.ipynb" in names and not any("solutions" in name for name in names)
    assert {path.name for path in (folder / "to-students").iterdir()} == {"ann.zip", "ben.zip"}


def test_every_option_that_it_names_is_there():
    help_text = subprocess.run(
        [sys.executable, "-m", "course_utils.cli", "grade", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for option in set(re.findall(r"course grade.*?(--[a-z-]+)", GUIDE)):
        assert option in help_text, option
