"""Where there is not enough of something for all: processes, the processor, time. Nobody pays for what others take."""

import contextlib
import json
import os
import shutil
import signal
import threading
import time
from pathlib import Path

import pytest
from grading_corpus import PCA, START, exercises_of, hand_in, solved, student_cells
from grading_results import NOT_HERE, rows_of
from hostile import ATTACKS, Place, attacks_on_what_is_shared, hand_in_hostile
from test_grading_isolation import as_nobody

from course_utils.checking import limits
from course_utils.grading import child, grade_folder, grader, isolation, results, sandbox, scoring, turns

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(NOT_HERE) and not os.environ.get("CI"), reason=f"no strict isolation: {NOT_HERE}"),
]
FULL = sum(exercise.points for exercise in exercises_of(PCA).values())
BOMB = """
def log_mean_exp(a):
    import os, time
    for _ in range(300):
        try:
            if os.fork() == 0:
                time.sleep(60)
                os._exit(0)
        except OSError:
            time.sleep(0.05)
    time.sleep(60)"""


@pytest.mark.skipif(
    getattr(os, "geteuid", lambda: 1)() != 0 or not shutil.which("prlimit"),
    reason="needs a user of its own, whom a limit on processes binds",
)
def test_fork_bombs_beside_them_cost_honest_students_nothing(tmp_path):
    """Sixty processes for the grader and all that it starts; three submissions that take whatever there is."""
    for name in ("a", "c", "d", "e"):
        hand_in(tmp_path / "in", f"{name}/{PCA}.ipynb", solved(PCA))
    for number in range(3):
        hand_in(tmp_path / "in", f"b{number}/{START}.ipynb", student_cells(START, log_mean_exp=BOMB))
    code = (
        "from course_utils.grading import grade_folder, scoring; scoring.PATIENCE = 0.3; "
        "grade_folder('in', 'out', seed=1, workers=4, isolation='strict')"
    )
    command = ["prlimit", "--nproc=60", "--", isolation.interpreter(), "-c", code]
    done = as_nobody(command, tmp_path, user="54321")
    assert done.returncode == 0, done.stderr
    rows = rows_of(tmp_path / "out")
    for name in ("a", "c", "d", "e"):
        assert (rows[name, PCA]["status"], rows[name, PCA]["points"]) == ("graded", str(FULL)), rows[name, PCA]
    assert all(rows[f"b{number}", START]["points"] == "0" for number in range(3))


@pytest.fixture
def struck(tmp_path, monkeypatch):
    """struck(strike) -> row: a run in which strike(child, pipe) is called at the begin of every fork."""

    def run(strike):
        original = sandbox.Child.fork

        @contextlib.contextmanager
        def fork(self):
            with original(self) as pipe:
                strike(self, pipe)
                yield pipe

        hand_in(tmp_path / "in", f"a/{PCA}.ipynb", solved(PCA))
        monkeypatch.setattr(sandbox.Child, "fork", fork)
        grade_folder(tmp_path / "in", tmp_path / "out", seed=1, workers=2, isolation="strict")
        return rows_of(tmp_path / "out")["a", PCA]

    return run


def kill_fork(child):
    """As the kernel does where memory is short."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        below = set(limits.tasks_below(child.process.pid).values())
        leaves = [pid for pid in below if not Path(f"/proc/{pid}/task/{pid}/children").read_text().strip()]
        if leaves and child.process.pid not in leaves:
            os.kill(leaves[0], signal.SIGKILL)
            return
    raise AssertionError("there is no fork to be killed")


def test_a_death_that_may_be_the_machines_is_tried_again_alone(struck):
    tiers = []

    def strike(child, pipe):
        tiers.append(child.tier.alone)
        if not child.tier.alone and len(tiers) == 3:
            kill_fork(child)

    row = struck(strike)
    assert (row["status"], row["points"]) == ("graded", str(FULL))
    assert tiers[:4] == [False, False, False, True] and all(tiers[3:])


def test_one_that_dies_alone_too_has_died_by_its_own_doing(struck):
    row = struck(lambda child, pipe: kill_fork(child))
    assert (row["status"], row["points"]) == ("graded", "0")


def test_where_not_even_one_alone_has_a_process_there_is_no_grade(struck, tmp_path):
    def strike(child, pipe):
        child._lost = lambda *_: "the system allows no more processes"

    row = struck(strike)
    assert row["status"].startswith("error: this machine did not let it run, not even alone (the system allows no")
    report = results.earlier_result(tmp_path / "out", "a", PCA)
    assert report is None  # so that the next run grades it


def test_a_fork_that_cannot_be_had_is_said_to_be_missing(monkeypatch):
    def refuse():
        raise BlockingIOError("Resource temporarily unavailable")

    monkeypatch.setattr(child.os, "fork", refuse)
    monkeypatch.setattr(child, "FORK_SECONDS", 0)
    assert child.start(None, [], None, 1, 0) == 0
    process = sandbox.Child.__new__(sandbox.Child)
    assert process._lost(None, b"n")


def test_turns():
    """Alone means alone, and whoever wants to be goes before those that come later."""
    taking, inside, most, log = turns.Turns(), [], [], []

    def one(name, way):
        with way():
            inside.append(name)
            most.append((name, len(inside)))
            log.append(name)
            time.sleep(0.05)
            inside.remove(name)

    ways = (
        [("together", taking.beside_others)] * 4 + [("alone", taking.alone)] * 2 + [("late", taking.beside_others)] * 2
    )
    threads = [threading.Thread(target=one, args=args) for args in ways]
    for thread in threads:
        thread.start()
        time.sleep(0.005)
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    assert {n for name, n in most if name == "alone"} == {1} and max(n for _, n in most) > 1
    assert log[4:6] == ["alone", "alone"] and log[6:] == ["late", "late"]


# The processor, and time ----------------------------------------------------------------------------------------------


def spinning(name, seconds=60):
    """An answer that leaves this many seconds of seven processes in sessions of their own."""
    return f"""
def {name}(*args):
    import os, time
    for _ in range(7):
        if os.fork() == 0:
            os.setsid()
            end = time.monotonic() + {seconds}
            while time.monotonic() < end: pass
            os._exit(0)
    time.sleep({seconds})"""


def test_all_that_an_answer_starts_counts(tmp_path):
    """Seven processes in sessions of their own, whose father sleeps, are out of time as one that computes is."""
    hand_in(tmp_path / "in", f"a/{START}.ipynb", student_cells(START, log_mean_exp=spinning("log_mean_exp")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scoring, "PATIENCE", 0.1)
        grade_folder(tmp_path / "in", tmp_path / "out", seed=1, workers=1, isolation="strict")
    report = results.earlier_result(tmp_path / "out", "a", START)["exercises"]["log_mean_exp"]
    assert report["kind"] == "timeout" and "No answer after" in report["advice"], report  # CPU seconds, if not busy


def test_a_sleeper_is_out_of_time_and_a_submission_of_sleepers_soon_too(tmp_path, monkeypatch):
    """Each answer sleeps; together they may sleep for three answers' time, not for nine."""
    sleepers = {name: f"def {name}(*args):\n    import time\n    time.sleep(1000)" for name in exercises_of(PCA)}
    hand_in(tmp_path / "in", f"a/{PCA}.ipynb", student_cells(PCA, **sleepers))
    monkeypatch.setattr(scoring, "PATIENCE", 0.1)
    grade_folder(tmp_path / "in", tmp_path / "out", seed=1, workers=1, isolation="strict")
    entries = json.loads((tmp_path / "out" / "results" / "a" / f"{PCA}.json").read_text())
    assert entries["status"].startswith("timeout")
    said = [entry["advice"] for entry in entries["exercises"].values()]
    assert {entry["kind"] for entry in entries["exercises"].values()} == {"timeout"}
    assert 1 <= sum("nothing computed" in text for text in said) <= 4
    assert "before this exercise" in said[-1]


# What all have together -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nurseries", [True, False], ids=["nurseries", "a sandbox each"])
def test_what_all_processes_share_is_out_of_reach(nurseries, tmp_path, monkeypatch):
    """Kernel memory, numbers that all processes of a user have together, families of sockets."""
    monkeypatch.setattr(grader, "POSSIBLE", grader.POSSIBLE and nurseries)
    monkeypatch.setattr(scoring, "PATIENCE", 0.3)
    monkeypatch.setattr(sandbox, "MEMORY", 600 << 20)
    names = [name for name, _ in attacks_on_what_is_shared()]
    hand_in_hostile(Place(tmp_path / "in", tmp_path, tmp_path, tmp_path, 9, 0), names)
    hand_in(tmp_path / "in", f"honest/{PCA}.ipynb", solved(PCA))
    grade_folder(tmp_path / "in", tmp_path / "out", seed=1, workers=2, isolation="strict")
    assert rows_of(tmp_path / "out")["honest", PCA]["points"] == str(FULL)
    for name in names:
        report = results.earlier_result(tmp_path / "out", name, START)["exercises"]["log_mean_exp"]
        attack = ATTACKS[name]
        if not nurseries and name.startswith(("empty-", "tcp-")):  # there, what takes too much is ended
            assert report["kind"] == "died", (name, report)
            continue
        assert (report["points"], report["kind"]) == (0, attack.kind), (name, report)
        raised = " ".join(text.partition("\nline ")[0] for text in [report["detail"], *report["said"]])
        assert attack.words in f"{report['advice']} {raised}", (name, report)
