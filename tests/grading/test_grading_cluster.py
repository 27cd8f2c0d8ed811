"""A run on a Dask scheduler gives what a run on one machine gives, also when a worker is lost on the way."""

import os
import signal
import threading
import time

import pytest
from grading_corpus import PCA, START, hand_in, solved, student_cells
from grading_results import contents
from left_over import ended

from course_utils import cli
from course_utils.grading import grade_folder

distributed = pytest.importorskip("distributed", reason="Dask (the extra `cluster`) is not installed")
pytestmark = pytest.mark.slow
STUDENTS = [f"s{i}" for i in range(6)]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A scheduler with two workers, each a process."""
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        dashboard_address=None,
        local_directory=str(tmp_path_factory.mktemp("dask")),
    ) as running:
        yield running


@pytest.fixture
def submissions(tmp_path):
    for i, student in enumerate(STUDENTS):
        slow = "import time\ntime.sleep(2)" if i < 2 else "1 + 1"
        hand_in(
            tmp_path / "in",
            f"{student}/{START}.ipynb",
            [
                slow,
                *solved(
                    START,
                    log_mean_exp=f"""
def log_mean_exp(a):
    {slow.replace(chr(10), "; ")}
    return np.log(np.mean(np.exp(a - np.max(a)))) + np.max(a)""",
                ),
            ],
        )
    hand_in(tmp_path / "in", f"blank/{PCA}.ipynb", student_cells(PCA))
    hand_in(tmp_path / "in", f"damaged/{PCA}.ipynb", "{")
    return tmp_path / "in"


@pytest.fixture
def one_machine(submissions, tmp_path):
    """The files of a run without a cluster."""
    grade_folder(submissions, tmp_path / "here", seed=4, isolation="plain", trusted=True)
    return contents(tmp_path / "here")


def test_other_versions_are_refused(cluster, submissions, tmp_path, monkeypatch):
    from course_utils.grading import grader

    monkeypatch.setattr(grader, "definitions_hash", lambda: "of another version")
    with pytest.raises(OSError, match="another version of the course"):
        grade_folder(
            submissions, tmp_path / "there", isolation="plain", trusted=True, cluster=cluster.scheduler_address
        )
    assert not (tmp_path / "there" / "grades.csv").exists()


def test_a_worker_is_killed_in_mid_run(cluster, submissions, one_machine, tmp_path):
    victim = next(iter(cluster.workers.values())).process.process.pid
    results = tmp_path / "there" / "results"

    def kill():
        deadline = time.monotonic() + 120
        while not list(results.rglob("*.json")) and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(victim, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    status = cli.main(
        [
            "grade",
            str(submissions),
            "--out",
            str(tmp_path / "there"),
            "--seed",
            "4",
            "--isolation",
            "plain",
            "--i-trust-these-submissions",
            "--cluster",
            cluster.scheduler_address,
        ]
    )
    killer.join()
    assert status == 0 and contents(tmp_path / "there") == one_machine
    assert ended({victim}, 10) == {}


def test_no_scheduler_is_said_in_one_line(submissions, tmp_path, capsys, monkeypatch):
    from course_utils.grading import cluster

    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.5)
    assert (
        cli.main(
            [
                "grade",
                str(submissions),
                "--out",
                str(tmp_path / "out"),
                "--isolation",
                "plain",
                "--i-trust-these-submissions",
                "--cluster",
                "tcp://127.0.0.1:9",
            ]
        )
        == 2
    )
    said = capsys.readouterr().err
    assert "course: there is no Dask scheduler at tcp://127.0.0.1:9" in said.splitlines()[-1]
