"""MarkUs's custom tester, run as its test server runs it: the tester's files and the student's in one folder."""

import json
import os
import shutil
import subprocess
import sys
import zipfile

import pytest
from exporting_corpus import CASES, MARKUS, POINTS, check_form, hand_in

from course_utils.cli import main
from course_utils.exporting import markus_run
from course_utils.exporting.grading import Item
from course_utils.grading import isolation

pytestmark = pytest.mark.slow  # the whole file takes tens of seconds


@pytest.fixture(scope="module")
def tester(tmp_path_factory):
    """The exported folder, which trusts no submission."""
    folder = tmp_path_factory.mktemp("markus") / "tester"
    assert (
        main(["export", "markus", str(folder), "--notebooks", "00", "01", "--seed", "7", "--python", sys.executable])
        == 0
    )
    return folder


@pytest.fixture
def run(tester, tmp_path):
    """run(files) -> (lines, exit status, standard error) of the script in a folder with these files."""

    def grade(files):
        folder = tmp_path / "workspace"
        hand_in(folder, files)
        shutil.copytree(tester, folder, dirs_exist_ok=True)  # after the student's: MarkUs's files win
        done = subprocess.run(
            ["./course_tester.py"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=300,
            env=os.environ | {"MARKUS_GROUP": "group_7"},
        )
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        for line in lines:
            check_form(line, MARKUS)
        return {line["name"].partition(": ")[2]: line for line in lines}, done.returncode, done.stderr

    return grade


@pytest.mark.parametrize("case", ["full", "partial", "broken", "nothing", "hostile"])
def test_submissions(run, case):
    files, points, said = CASES[case]
    lines, status, error = run(files)
    assert status == 0 and not error
    assert {name: line["marks_total"] for name, line in lines.items()} == POINTS
    assert {name: line["marks_earned"] for name, line in lines.items() if line["marks_earned"]} == points
    assert {name: line["status"] for name, line in lines.items()} == {
        name: "pass" if name in points else "fail" for name in POINTS
    }
    assert any(said in line["output"] for line in lines.values())


def test_a_students_file_of_the_testers_name_is_not_run(run):
    files = {
        "course_tester.py": "print('{\"score\": 1}')",
        "course_grader/course_utils/__init__.py": "print('mine')",
        "json.py": "print('mine')",
        "numpy.py": "print('mine')",
    }
    lines, status, error = run(CASES["partial"][0] | files)
    assert status == 0 and not error
    assert {name: line["marks_earned"] for name, line in lines.items() if line["marks_earned"]} == CASES["partial"][1]


def test_a_server_without_the_requirements_says_so(tester, tmp_path):
    bare = subprocess.run(
        [sys.executable, "-S", "-E", "-s", str(tester / "course_tester.py")], capture_output=True, text=True
    )
    assert bare.returncode == 1 and "course_requirements.txt" in bare.stderr
    lines = [json.loads(line) for line in bare.stdout.splitlines()]
    for line in lines:
        check_form(line, MARKUS)
    assert {line["status"] for line in lines} == {"error"}
    assert sum(line["marks_total"] for line in lines) == sum(POINTS.values())


@pytest.mark.parametrize("trusted", [False, True])
def test_a_server_without_isolation_grades_nothing_unless_it_may(tmp_path, monkeypatch, capsys, trusted):
    options = ["--i-trust-these-submissions"] if trusted else []
    assert main(["export", "markus", str(tmp_path / "tester"), "--notebooks", "00", "01", *options]) == 0
    capsys.readouterr()
    with zipfile.ZipFile(tmp_path / "tester" / "course_grader.pack") as pack:
        pack.extract("settings.json", tmp_path)
    hand_in(tmp_path / "workspace", CASES["partial"][0])
    monkeypatch.setattr(isolation, "why_not", lambda _: "testing")
    assert markus_run.main(tmp_path, tmp_path / "workspace") == (0 if trusted else 1)
    said = capsys.readouterr()
    lines = [json.loads(line) for line in said.out.splitlines()]
    assert len(lines) == len(POINTS)
    assert sum(line["marks_earned"] for line in lines) == (sum(CASES["partial"][1].values()) if trusted else 0)
    assert trusted or ("testing" in said.err and {line["status"] for line in lines} == {"error"})


def test_points_in_between_are_partial():
    assert json.loads(markus_run.line(Item("01", "x", 1, 2, "a\nb\u2028")))["status"] == "partial"
    assert "\n" not in markus_run.line(Item("01", "x", 1, 2, "a\nb\u2028"))
    assert markus_run.line(Item("01", "x", 1, 2, "\u2028")).isascii()


def test_nothing_is_overwritten(tester, capsys):
    before = (tester / "course_grader.pack").read_bytes()
    assert main(["export", "markus", str(tester)]) == 2
    said = capsys.readouterr().err
    assert "would be overwritten" in said and said.count("\n") == 1
    assert (tester / "course_grader.pack").read_bytes() == before
    file = tester / "course_tester.py"
    assert main(["export", "markus", str(file / "deeper")]) == 2
    assert "is a file, where a folder is to be" in capsys.readouterr().err
