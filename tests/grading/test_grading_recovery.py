"""What may go wrong around a grading run: another run, a full disk, a read-only folder. Nothing is lost or torn."""

import functools
import json
import os
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from grading_corpus import START, hand_in, solved
from grading_results import NOT_HERE, contents, rows_of

from course_utils.cli import main
from course_utils.grading import cleaning, grade_folder, results
from course_utils.grading.isolation import bubblewrap
from course_utils.grading.run import alone

pytestmark = pytest.mark.slow  # the whole file takes tens of seconds

ROOT = Path(__file__).parents[2]
GRADE = [sys.executable, "-m", "course_utils.cli", "grade"]
TRUSTED = ["--seed", "3", "--workers", "1", "--isolation", "plain", "--i-trust-these-submissions"]
needs_bubblewrap = pytest.mark.skipif(bool(NOT_HERE) and not os.environ.get("CI"), reason=f"no bubblewrap: {NOT_HERE}")


def hand_in_three(folder):
    """Three students' notebooks."""
    for student in ("a", "b", "c"):
        hand_in(folder, f"{student}/{START}.ipynb", [f"# {student}", *solved(START)])
    return folder


@pytest.fixture
def submissions(tmp_path):
    """Three students."""
    return hand_in_three(tmp_path / "in")


@pytest.fixture(scope="module")
def graded_once(tmp_path_factory):
    """The results of a run over the three students' notebooks with seed 3."""
    folder = tmp_path_factory.mktemp("graded")
    grade(hand_in_three(folder / "in"), folder / "out", seed=3)
    return folder / "out"


@pytest.fixture
def graded(graded_once, tmp_path):
    """A copy of those results, with all that the file system knows of them."""
    return shutil.copytree(graded_once, tmp_path / "out")


def run(command):
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


def test_two_runs_into_one_folder(submissions, tmp_path):
    out = tmp_path / "out"
    with alone(out):
        done = run([*GRADE, submissions, "--out", out, *TRUSTED])
        assert (done.returncode, done.stderr) == (
            2,
            f"course: another run is grading into {out}; wait for its end, or take another output folder\n",
        )
        assert list(out.iterdir()) == []
    assert run([*GRADE, submissions, "--out", out, *TRUSTED]).returncode == 0  # the lock is gone
    assert len(rows_of(out)) == 3


def test_a_killed_run_leaves_no_lock(tmp_path):
    code = (
        "import os, pathlib\nfrom course_utils.grading.run import alone\n"
        f"with alone(pathlib.Path({str(tmp_path)!r})): os.kill(os.getpid(), 9)"
    )
    assert run([sys.executable, "-c", code]).returncode == -9
    with alone(tmp_path):
        pass


def test_an_output_folder_that_is_a_file(submissions, tmp_path):
    (tmp_path / "out").write_text("notes")
    done = run([*GRADE, submissions, "--out", tmp_path / "out", *TRUSTED])
    assert done.returncode == 2 and "cannot be used as output folder" in done.stderr and done.stderr.count("\n") == 1
    assert (tmp_path / "out").read_text() == "notes"


def within(*options, then):
    """A shell command within a view of this machine's files that bubblewrap changes."""
    return [bubblewrap(), "--dev-bind", "/", "/", *map(str, options), "--", "/bin/sh", "-c", then]


@needs_bubblewrap
def test_a_folder_that_is_read_only(submissions, tmp_path):
    out = tmp_path / "out"
    grade_folder(submissions, out, seed=3, isolation="plain", trusted=True)
    before = contents(out)
    hand_in(submissions, f"d/{START}.ipynb", solved(START))
    command = shlex.join(map(str, [*GRADE, submissions, "--out", out, *TRUSTED]))
    done = run(within("--ro-bind", out, out, then=command))
    assert done.returncode == 2
    assert "cannot be written (Read-only file system). What is finished is kept" in done.stderr.splitlines()[-1]
    assert contents(out) == before


@needs_bubblewrap
def test_a_disk_that_is_full(submissions, tmp_path):
    """A file system in memory, with room for some files only; what it holds afterwards is copied out to go on with."""
    for student in "defg":
        hand_in(submissions, f"{student}/{START}.ipynb", [f"# {student}", *solved(START)])
    grade_folder(submissions, tmp_path / "undisturbed", seed=3, isolation="plain", trusted=True)
    out, copy = tmp_path / "out", tmp_path / "copy"
    out.mkdir()
    command = shlex.join(map(str, [*GRADE, submissions, "--out", out, *TRUSTED]))
    then = f"{command}; status=$?; cp -r {shlex.quote(str(out))} {shlex.quote(str(copy))}; exit $status"
    done = run(within("--size", 48 << 10, "--tmpfs", out, then=then))
    assert done.returncode == 2
    assert "cannot be written (No space left on device). What is finished is kept" in done.stderr.splitlines()[-1]
    kept = list((copy / "results").rglob("*.json"))
    assert 0 < len(kept) < 7
    assert all(json.loads(path.read_text())["points"] for path in kept)
    assert not list(copy.rglob(".new-*")) and not (copy / "grades.csv").exists()
    grade_folder(submissions, copy, isolation="plain", trusted=True)
    assert contents(copy) == contents(tmp_path / "undisturbed")


def test_a_temporary_folder_that_is_full(submissions, tmp_path, monkeypatch):
    from course_utils.grading import grader

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(grader, "score", full)
    with pytest.raises(OSError, match="make room there, or set TMPDIR"):
        grade_folder(submissions, tmp_path / "out", isolation="plain", trusted=True)
    assert not list(tmp_path.glob("out/results/**/*.json")) and not (tmp_path / "out/grades.csv").exists()


def test_a_file_is_whole_or_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "grades.csv"
    results.write(path, "old")
    monkeypatch.setattr(results.os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="grades.csv cannot be written"):
        results.write(path, "new")
    assert contents(tmp_path) == {"grades.csv": b"old"}


grade = functools.partial(grade_folder, isolation="plain", trusted=True)


@pytest.mark.parametrize(
    "content", ["", "{", "{}", '{"seed": "1"}', '{"seed": 1.5}', '{"seed": true}', "[1]", "\xff", None]
)
def test_a_seed_that_is_lost_is_never_replaced_silently(submissions, graded, capsys, content):
    out, before = graded, contents(graded)
    if content is None:
        (out / "seed.json").unlink()
    else:
        (out / "seed.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(OSError, match="seed.json .*Put the file back, or give its seed with --seed"):
        grade(submissions, out)
    assert {key: value for key, value in contents(out).items() if key != "seed.json"} == {
        key: value for key, value in before.items() if key != "seed.json"
    }
    capsys.readouterr()
    grade(submissions, out, seed=3)
    assert contents(out) == before and "3 taken over" in capsys.readouterr().out


def test_seeds_have_128_bits_and_old_ones_go_on_and_say_so(submissions, tmp_path, capsys):
    drawn = set()
    for out in (tmp_path / "one", tmp_path / "two"):
        grade(submissions, out)
        drawn.add(json.loads((out / "seed.json").read_text())["seed"])
        assert "by trying" not in capsys.readouterr().out
        grade(submissions, out)
        said = capsys.readouterr().out
        assert "by trying" not in said and "3 taken over" in said
    assert len(drawn) == 2 and all(2**64 < seed < 2**128 for seed in drawn)
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "seed.json").write_text('{"seed": 1234567890}')
    grade(submissions, tmp_path / "old")
    said = capsys.readouterr().out
    assert "has 31 bits" in said and {row["seed"] for row in rows_of(tmp_path / "old").values()} == {"1234567890"}
    grade(submissions, tmp_path / "old", seed=7)
    said = capsys.readouterr().out
    assert "everything is graded anew" in said and "0 taken over" in said


def test_exports_draw_seeds_of_128_bits(tmp_path):
    for system, place in (("gradescope", "g.zip"), ("markus", "m")):
        assert main(["export", system, str(tmp_path / place), "--notebooks", "00"]) == 0
    for pack in (tmp_path / "g.zip", tmp_path / "m" / "course_grader.pack"):
        with zipfile.ZipFile(pack) as archive:
            assert json.loads(archive.read("settings.json"))["seed"] > 2**64
        assert pack.stat().st_mode & 0o077 == 0


DAMAGED = {
    "no exercises": lambda result: result.pop("exercises"),
    "an endless number": lambda result: result.update(points=float("inf")),
    "more points": lambda result: result.update(points=100),
    "points in words": lambda result: result["exercises"]["log_mean_exp"].update(points="1"),
    "no notes": lambda result: result["exercises"]["log_mean_exp"].pop("notes"),
    "exercises in a list": lambda result: result.update(exercises=[1]),
    "no status": lambda result: result.pop("status"),
    "no fields": lambda result: result.clear(),
}


@pytest.mark.parametrize("name", [*DAMAGED, "torn", "deep", "no text", "number"])
def test_a_damaged_result_is_graded_anew_and_said(submissions, graded, capsys, name):
    out, before, path = graded, contents(graded), graded / "results" / "b" / f"{START}.json"
    if name in DAMAGED:
        result = json.loads(path.read_text())
        DAMAGED[name](result)
        path.write_text(json.dumps(result).replace("Infinity", "1e400"))
    else:
        path.write_bytes({"torn": b"{ torn", "deep": b"[" * 100_000, "no text": b"\xff", "number": b"1e400"}[name])
    capsys.readouterr()
    grade(submissions, out)
    said = capsys.readouterr().out
    assert contents(out) == before
    assert "2 taken over" in said and said.count("GRADED ANEW") == 1 and f"b/{START}" in said


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """A folder that stands for the system's temporary one."""
    monkeypatch.setattr(cleaning.tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    return tmp_path / "tmp"


def killed_run(temporary):
    """What a run leaves that is killed while it holds its folder, with something in it that cannot be entered."""
    code = (
        "import os\nfrom course_utils.grading.cleaning import temporary_folder\n"
        "with temporary_folder() as folder:\n"
        "    (folder / 'library0').mkdir()\n    (folder / 'library0' / 'big').write_bytes(bytes(1 << 20))\n"
        "    (folder / 'library0').chmod(0)\n"
        "    os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=os.environ | {"TMPDIR": str(temporary)})
    assert done.returncode == -9


def test_the_next_run_removes_what_a_killed_one_has_left(temporary):
    killed_run(temporary)
    assert len(list(temporary.iterdir())) == 1
    with cleaning.temporary_folder() as folder:
        assert list(temporary.iterdir()) == [folder]
        killed_run(temporary)
        with cleaning.temporary_folder() as other:  # beside one that is alive
            assert set(temporary.iterdir()) == {folder, other}
    assert list(temporary.iterdir()) == []


def test_what_is_not_a_dead_run_of_ours_is_left_alone(temporary, tmp_path, monkeypatch):
    treasure = tmp_path / "treasure"
    for name in ("treasure", "tmp/course-grade-just-made", "tmp/course-grade-linked-lock"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "kept").write_text("kept")
    (treasure / "lock").write_text("")
    (temporary / "course-grade-link").symlink_to(treasure)
    (temporary / "course-grade-linked-lock" / "lock").symlink_to(treasure / "lock")
    (temporary / "course-grade-file").write_text("kept")
    before = contents(tmp_path)
    cleaning.remove_left_over()
    assert contents(tmp_path) == before
    killed_run(temporary)
    before = contents(tmp_path)
    monkeypatch.setattr(cleaning.os, "geteuid", lambda: 4711)  # somebody else's
    cleaning.remove_left_over()
    assert contents(tmp_path) == before


def test_removing_changes_nothing_that_a_link_leads_to(tmp_path, monkeypatch):
    """A folder that cannot be removed at first is opened up: itself, and not what a student has linked into it."""
    target = tmp_path / "target"
    target.mkdir()
    target.chmod(0o755)
    (tmp_path / "left").mkdir()
    (tmp_path / "left" / "link").symlink_to(target)
    calls, rmtree = [], shutil.rmtree

    def fails_once(path):
        calls.append(path)
        if len(calls) == 1:
            raise PermissionError("not yet")
        rmtree(path)

    monkeypatch.setattr(cleaning.shutil, "rmtree", fails_once)
    cleaning.remove(tmp_path / "left")
    assert target.stat().st_mode & 0o777 == 0o755 and not (tmp_path / "left").exists()
