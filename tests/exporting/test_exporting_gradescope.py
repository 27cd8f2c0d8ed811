"""The exported autograder, run as Gradescope runs it, in a folder that stands for /autograder."""

import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import pytest
from exporting_corpus import CASES, GRADESCOPE, POINTS, check_form, hand_in
from grading_corpus import IMPORTS, PCA, START, solved
from hostile import stolen_from_the_second_pass
from left_over import ANSWERS, CLINGS, ended, named, with_memory

from course_utils.cli import main
from course_utils.exporting import gradescope_run, grading, other_user
from course_utils.grading.isolation import package_folders

pytestmark = pytest.mark.slow  # the whole file takes tens of seconds

ROOT = Path(__file__).parents[2]
METADATA = {"id": 1, "users": [{"id": 12, "email": "ann@uni.edu", "name": "Ann"}], "previous_submissions": []}


@pytest.fixture(scope="module")
def autograder():
    """A folder as /autograder is after setup.sh: the zip's files, and nothing handed in."""
    root = Path(tempfile.mkdtemp(prefix="autograder-"))  # not pytest's own, which only we could pass through
    root.chmod(0o755)
    assert main(["export", "gradescope", str(root / "a.zip"), "--notebooks", "00", "01", "--seed", "7"]) == 0
    with zipfile.ZipFile(root / "a.zip") as archive:
        archive.extractall(root / "source")
    shutil.copy(root / "source" / "run_autograder", root)
    (root / "results").mkdir()
    yield root
    shutil.rmtree(root)


@pytest.fixture
def run(autograder):
    """run(files, call) -> results.json, after `call` has graded these files."""

    def grade(files, call=gradescope_run.main, status=0):
        shutil.rmtree(autograder / "submission", ignore_errors=True)
        (autograder / "results" / "results.json").unlink(missing_ok=True)
        hand_in(autograder / "submission", files)
        (autograder / "submission_metadata.json").write_text(json.dumps(METADATA))
        assert call(autograder) == status
        results = json.loads((autograder / "results" / "results.json").read_text(encoding="utf-8"))
        check_form(results, GRADESCOPE)
        assert results["score"] == sum(test["score"] for test in results["tests"])
        return results

    return grade


def script(root):
    """Runs run_autograder itself, for a root that its first argument names."""
    return subprocess.run(
        ["bash", str(root / "run_autograder"), str(root)],
        cwd=root,
        timeout=300,
        env=os.environ | {"AUTOGRADER_PYTHON": sys.executable},
    ).returncode


@pytest.mark.parametrize("case", CASES)
def test_submissions(run, case):
    files, points, said = CASES[case]
    results = run(files, script if case in ("full", "nothing") else gradescope_run.main)
    tests = {test["name"].partition(": ")[2]: test for test in results["tests"]}
    assert {name: test["max_score"] for name, test in tests.items()} == POINTS
    assert {name: test["score"] for name, test in tests.items() if test["score"]} == points
    assert all(test["status"] == ("passed" if name in points else "failed") for name, test in tests.items())
    assert all(test["visibility"] == "visible" and test["output"] for test in tests.values())
    assert results["stdout_visibility"] == "hidden" and results["visibility"] == "visible"
    assert said in results["output"] or any(said in test["output"] for test in tests.values())


def test_files_that_are_no_part_of_it_are_named(run):
    assert "hw7.ipynb is not a notebook of this assignment." in run(CASES["renamed"][0])["output"]


def test_the_exact_name_goes_before_a_copy(run):
    files = {f"{START}.ipynb": solved(START), f"old/{START} copy.ipynb": CASES["blank"][0][f"{START}.ipynb"]}
    assert run(files)["score"] == 1


def test_the_seed_is_not_told(run, autograder):
    assert json.loads((autograder / "source" / "settings.json").read_text())["seed"] == 7
    results = run(CASES["blank"][0])
    assert set(results["extra_data"]) == {"isolation"} and "seed" not in json.dumps(results).lower()


def test_a_failure_of_ours_is_no_fault_of_the_students(run, monkeypatch, capsys):
    def broken(*_):
        raise OSError("strict isolation cannot be had: testing")

    monkeypatch.setattr(grading, "choose", broken)
    monkeypatch.setattr(grading, "other_user", lambda: None)
    results = run(CASES["full"][0], status=1)
    assert results["score"] == 0 and len(results["tests"]) == len(POINTS) and "no fault of yours" in results["output"]
    said = capsys.readouterr().err
    assert "testing" in said and "the grader must be root" in said


@functools.cache
def python_for_others():
    """A Python of this version that another user can start, with numpy; None where there is none."""
    name = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    for python in (os.path.realpath(sys.executable), f"/usr/bin/{name}", f"/usr/local/bin/{name}"):
        done = subprocess.run(
            [
                *other_user.without_rights("54321"),
                python,
                "-S",
                "-c",
                f"import sys; sys.path += {package_folders()!r}; import numpy",
            ],
            capture_output=True,
        )
        if done.returncode == 0:
            return python
    return None


NOSY = """
import os, socket
def log_mean_exp(a):
    import course_utils
    root, library = {root!r}, os.path.dirname(os.path.dirname(course_utils.__file__))
    found = ["root" if 0 in (os.getuid(), os.geteuid(), os.getgid()) else "another user"]
    for name in ("source", "source/settings.json", "source/course_utils/exercises/nb00_start_here.py",
                 "submission_metadata.json"):
        try:
            os.listdir(root + "/" + name) if name == "source" else open(root + "/" + name).read()
            found.append("reads " + name)
        except OSError:
            pass
    for name in ("results/results.json", "results/new", "submission/new", "run_autograder"):
        try:
            open(root + "/" + name, "w").write("{{}}")
            found.append("writes " + name)
        except OSError:
            pass
    for copy in [*("library%d/course_utils" % number for number in range(9)), "shared", "shared/course_utils"]:
        path = os.path.join(os.path.dirname(library), copy)
        try:
            text = open(path + "/probability/numerics.py").read()
            found.append("sees the answer" if "AnswerHidden" not in text else "sees its own library")
        except OSError:
            pass
    try:
        os.setuid(0)
        found.append("becomes root")
    except OSError:
        pass
    try:
        os.kill({parent}, 0)
        found.append("may signal the grader")
    except OSError:
        pass
    try:
        open("/proc/{parent}/environ", "rb").read()
        found.append("looks into the grader")
    except OSError:
        pass
    # Feedback tells the type of an error and not its text.
    raise (ValueError if found == ["another user", "sees its own library"] else LookupError)("; ".join(found))
"""


@pytest.fixture
def without_bubblewrap(monkeypatch):
    """A container that refuses bubblewrap, whose grader is root."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("needs root, as in Gradescope's container")
    if not other_user.other_user() or not python_for_others():
        pytest.skip("needs setpriv, prlimit and unshare, and a Python that other users can start")
    monkeypatch.setattr(sys, "executable", python_for_others())

    def refuse(*_):
        raise OSError("strict isolation cannot be had: testing")

    monkeypatch.setattr(grading, "choose", refuse)


@pytest.mark.parametrize("case", ["full", "partial", "hostile"])
def test_as_another_user(run, without_bubblewrap, case):
    files, points, _ = CASES[case]
    results = run(files)
    assert results["extra_data"] == {"isolation": "user"}
    assert {test["name"].partition(": ")[2]: test["score"] for test in results["tests"] if test["score"]} == points


def test_another_user_reaches_nothing_of_the_graders(run, autograder, without_bubblewrap):
    (autograder / "results" / "results.json").write_text("{}")
    before = sys.executable
    nosy = NOSY.format(root=str(autograder), parent=os.getpid())
    results = run({f"{START}.ipynb": [nosy], f"{PCA}.ipynb": solved(PCA)})
    told = next(test["output"] for test in results["tests"] if test["name"].endswith("log_mean_exp"))
    assert "\nValueError\n" in told and "LookupError\n" not in told
    assert results["score"] == sum(points for name, points in POINTS.items() if name != "log_mean_exp")
    assert sys.executable == before
    assert not (autograder / "submission" / "new").exists()


def test_one_child_leaves_nothing_for_the_next(run, without_bubblewrap, monkeypatch):
    """In the second pass, each of two answers sees the library's source of the other one's exercise, and writes it to
    every place that there is."""
    users, places, original = [], [], other_user.wipe

    def wipe(folder, writable, kept):
        user = folder.stat().st_uid
        before = {path for path in writable if path.is_dir() for path in path.iterdir() if path.lstat().st_uid == user}
        places.append({path for path in before if path.name.startswith("stolen")})
        original(folder, writable, kept)
        users.append(user)
        assert not [path for path in before if os.path.lexists(path) and path.lstat().st_uid == user]

    monkeypatch.setattr(other_user, "wipe", wipe)
    results = run({f"{PCA}.ipynb": stolen_from_the_second_pass(None)})
    assert results["extra_data"] == {"isolation": "user"} and results["score"] == 0
    assert len(users) == len(set(users)) > 2 and 0 not in users
    assert any(path.parent == Path("/tmp") for found in places for path in found)  # they did try


def test_files_that_anybody_may_write_to_are_as_they_were(tmp_path):
    own, shared, child = tmp_path / "own", tmp_path / "shared", tmp_path / "child"
    for folder in (own, shared, child):
        folder.mkdir()
    (own / "note").write_text("as it was")
    (shared / "left").write_text("theirs")
    (shared / "others").write_text("kept")
    kept = {own / "note": b"as it was"}
    (own / "note").write_text("stolen")
    if os.geteuid() != 0:
        pytest.skip("needs root, as in Gradescope's container")
    for path in (child, shared / "left"):
        os.chown(path, 43210, 43210)
    other_user.wipe(child, [own, shared, tmp_path], kept)
    assert (own / "note").read_text() == "as it was"
    assert [path.name for path in shared.iterdir()] == ["others"] and child.exists()


@pytest.mark.parametrize("where", ["course", ".", "child/..", "link"])
def test_the_launcher_gives_away_no_folder_but_a_childs(tmp_path, without_bubblewrap, where):
    ours, course = tmp_path / "grader", tmp_path / "course"
    (ours / "child").mkdir(parents=True)
    course.mkdir()
    (ours / "link").symlink_to(course)
    tier = other_user.as_other_user(other_user.other_user(), ours)
    folder = course if where == "course" else ours / where
    said = subprocess.run([tier.python, "-c", "print('started')"], cwd=folder, capture_output=True, text=True)
    assert said.returncode == 126 and said.stderr.endswith("is no folder of a child\n") and not said.stdout
    assert {path.stat().st_uid for path in (ours, course, ours / "child")} == {0}


def test_what_it_started_ends_with_its_grader(autograder, without_bubblewrap, tmp_path):
    """SIGKILL for the grader, in the middle of an answer that clings to life, as the other user."""
    clings = [IMPORTS, CLINGS, f"def log_mean_exp(a):{ANSWERS['stops-its-server']}"]
    hand_in(tmp_path / "in", {f"{START}.ipynb": clings})
    code = f"""
import sys
from pathlib import Path
from course_utils.exporting import grading
def refuse(*_):
    raise OSError("strict isolation cannot be had: testing")
grading.choose = refuse
sys.executable = {python_for_others()!r}
with grading.grader(1, (), "container") as ours:
    assert ours.tier.name == "user"
    print("ready", flush=True)
    grading.grade_folder(Path({str(tmp_path / "in")!r}), "ann", [{START!r}], ours)
"""
    folder = Path(tempfile.mkdtemp(prefix="user-tier-"))  # which the other user can pass through
    folder.chmod(0o755)
    env = os.environ | {"TMPDIR": str(folder)}
    with subprocess.Popen(
        [f"{sys.prefix}/bin/python", "-c", code], cwd=ROOT, env=env, stdout=subprocess.PIPE
    ) as grader:
        try:
            assert grader.stdout.readline() == b"ready\n"
            end, below = time.monotonic() + 60, set()
            while len(below) < 3 and time.monotonic() < end:  # the server, the fork, and its child
                time.sleep(0.1)
                below = {pid for pid in named(str(folder)) - {grader.pid} if Path(f"/proc/{pid}").stat().st_uid}
            time.sleep(1)
        finally:
            grader.kill()
            grader.wait()
    try:
        assert len(below) >= 3 and ended(below | named(str(folder)), 8) == {}
        assert Path(ROOT, "run.py").stat().st_uid == os.getuid()  # the launcher gives the child its folder, no other
    finally:
        for pid in with_memory(below | named(str(folder))):
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(folder)


def test_a_seed_and_a_student_give_the_same_results(run):
    first, second = (run(CASES["partial"][0]) for _ in range(2))
    assert {k: v for k, v in first.items() if k != "execution_time"} == {
        k: v for k, v in second.items() if k != "execution_time"
    }


def test_the_zip(autograder, tmp_path, capsys):
    with zipfile.ZipFile(autograder / "a.zip") as archive:
        names = archive.namelist()
        modes = {name: archive.getinfo(name).external_attr >> 16 & 0o777 for name in names}
    assert {"setup.sh", "run_autograder", "requirements.txt", "settings.json"} <= set(names)  # at the root
    assert modes["setup.sh"] == modes["run_autograder"] == 0o755
    assert not [name for name in names if "solutions" in name or name.endswith((".ipynb", ".pyc"))]
    for name in ("setup.sh", "run_autograder"):
        subprocess.run(["bash", "-n", str(autograder / "source" / name)], check=True)
    requirements = (autograder / "source" / "requirements.txt").read_text().split("\n")
    assert any(line.startswith("numpy==") for line in requirements)
    assert not any(line.startswith(("jupyterlab", "pytest")) for line in requirements)
    once, again = tmp_path / "once.zip", tmp_path / "again.zip"
    for file in (once, again):
        assert main(["export", "gradescope", str(file), "--notebooks", "00", "01", "--seed", "7"]) == 0
    assert again.read_bytes() == once.read_bytes()
    capsys.readouterr()
    assert main(["export", "gradescope", str(again)]) == 2
    assert capsys.readouterr().err == f"course: {again} would be overwritten; take another place, or add --force\n"
    assert main(["export", "gradescope", str(again), "--force", "--visibility", "after_published"]) == 0
    with zipfile.ZipFile(again) as archive:
        settings = json.loads(archive.read("settings.json"))
    assert settings["visibility"] == "after_published" and settings["notebooks"].keys() >= {START, PCA}


def test_a_notebook_that_does_not_exist(tmp_path, capsys):
    assert main(["export", "gradescope", str(tmp_path / "a.zip"), "--notebooks", "77"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("course: no notebook with exercises is called '77'; there are 00_start_here")
    assert said.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_the_student_is_who_gradescope_says(tmp_path):
    path = tmp_path / "submission_metadata.json"
    assert gradescope_run.student_of(path) == "unknown"
    path.write_text(json.dumps({"users": [{"id": 9}, {"id": 12}]}))
    assert gradescope_run.student_of(path) == "12+9"
    path.write_text("[]")
    assert gradescope_run.student_of(path) == "unknown"
