"""No hostile submission gains a point, does damage, or changes what another one gets (strict isolation)."""

import csv
import hashlib
import json
import os
import socket
import time
from pathlib import Path

import pytest
from grading_corpus import ANSWERS, PCA, START, exercises_of, hand_in, solved, student_cells
from grading_results import NOT_HERE, Page
from hostile import ATTACKS, Place, hand_in_hostile, odd_files
from left_over import named

from course_utils.checking.limits import tasks_below
from course_utils.grading import grade_folder, results, sandbox, scoring

ROOT = Path(__file__).parents[2]
HONEST = {
    "honest": (START, solved(START)),
    "honest-pca": (PCA, solved(PCA)),
    "honest-half": (PCA, student_cells(PCA, **{n: ANSWERS[n] for n in ("pca_fit", "pca_encode", "choose_k")})),
    "zz-honest": (START, ["# the last one", *solved(START)]),
}
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(NOT_HERE) and not os.environ.get("CI"), reason=f"no strict isolation: {NOT_HERE}"),
]


def fingerprints(folder):
    """Every file, link and folder below a folder, with its content."""

    def of(path):
        if path.is_symlink() or not path.is_file():
            return os.readlink(path) if path.is_symlink() else "no file"
        return hashlib.sha256(path.read_bytes()).hexdigest()

    return {str(path): of(path) for path in sorted(folder.rglob("*"))}


def hand_in_honest(root):
    for student, (notebook, cells) in HONEST.items():
        hand_in(root, f"{student}/{notebook}.ipynb", cells)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Where the run takes place; what listens on the port must never be spoken to."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "host").mkdir()
    (folder / "host" / "treasure").write_text("safe")
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as local:
        port = server.getsockname()[1]
        local.bind(f"\0course-hostile-{port}")
        local.listen()
        server.setblocking(False)
        local.setblocking(False)
        yield Place(folder / "submissions", folder / "out", folder / "host", ROOT, port, os.getpid())
        for listening in (server, local):
            with pytest.raises(BlockingIOError):
                listening.accept()


@pytest.fixture(scope="module")
def run(place):
    """One run over everything: what was there before it, and the statuses of what is no notebook of a student's own."""
    hand_in_honest(place.submissions)
    hand_in_hostile(place)
    odd = odd_files(place)
    before = fingerprints(place.submissions) | fingerprints(place.host)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scoring, "PATIENCE", 0.3)
        # What is endless takes all of a limit, and shows no more with a longer one.
        patch.setattr(scoring, "CELL_SECONDS", 6)
        patch.setattr(scoring, "CELLS_SECONDS", 12)
        patch.setattr(sandbox, "START_SECONDS", 4)
        patch.setattr(sandbox, "MEMORY", 600 << 20)
        started = time.monotonic()
        assert grade_folder(place.submissions, place.out, seed=11, workers=4, isolation="strict") == 0
        print(f"\n{len(ATTACKS)} attacks: {time.monotonic() - started:.0f} s")
    return before, odd


@pytest.fixture(scope="module")
def rows(run, place):
    """The rows of the gradebook, in its order."""
    with open(place.out / "grades.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def result_of(out, student, notebook):
    """What the result file below `out` says."""
    return json.loads(results.path_of(out, "results", student, notebook, ".json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ATTACKS, ids=ascii)
def test_no_point_is_gained_and_the_reason_is_said(name, run, place):
    attack, result = ATTACKS[name], result_of(place.out, name, ATTACKS[name].notebook)
    reports = list(result["exercises"].values())
    assert result["points"] == 0 and not any(report["passed"] or report["points"] for report in reports)
    assert result["isolation"] == "strict" and len(reports) == len(exercises_of(attack.notebook))
    if attack.kind == "not graded":  # a busy machine may be said to be the reason
        assert result["status"].startswith((attack.words, "error: this machine did not let it run"))
        return
    assert result["status"] == "graded"
    said = [f"{report['advice']} {report['detail']}" for report in reports]
    assert all(text.strip() and len(text) < 3000 for text in said)
    assert attack.kind in ("", reports[0]["kind"]), reports[0]
    raised = " ".join(text.partition("\nline ")[0] for text in [reports[0]["detail"], *reports[0]["said"]])
    assert attack.words in reports[0]["advice"] + raised and "alarm" not in raised, reports[0]


def test_honest_submissions_are_graded_as_if_they_had_been_alone(run, place, tmp_path):
    hand_in_honest(tmp_path / "submissions")
    grade_folder(tmp_path / "submissions", tmp_path / "out", seed=11, workers=1, isolation="strict")
    full = {START: 1, PCA: sum(exercise.points for exercise in exercises_of(PCA).values())}
    for student, (notebook, _) in HONEST.items():
        result, alone = (result_of(out, student, notebook) for out in (place.out, tmp_path / "out"))
        assert result == alone | {"definitions": result["definitions"]}  # which differ while the course is worked on
        assert result["points"] == (full[notebook] if student != "honest-half" else 5)


def test_no_damage_is_done(run, place):
    before, _ = run
    assert fingerprints(place.submissions) | fingerprints(place.host) == before
    assert {path.name for path in place.out.iterdir()} == {
        "grades.csv",
        "report.html",
        "seed.json",
        "results",
        "feedback",
    }
    names = {path.name.rpartition(".")[2] for path in (place.out / "results").rglob("*") if path.is_file()}
    assert names == {"json"}


def test_nothing_is_left_running(run):
    children = set(tasks_below(os.getpid()).values()) - {os.getpid()}
    assert not children & (named("bwrap") | named("grading.child"))


def test_every_submission_has_one_row_with_a_reason(run, rows):
    _, odd = run
    expected = {(name, attack.notebook) for name, attack in ATTACKS.items()} | set(odd)
    expected |= {(student, notebook) for student, (notebook, _) in HONEST.items()}
    found = [(row["student"], row["notebook"]) for row in rows]
    assert len(found) == len(expected)
    assert set(found) == {(results.harmless(student), notebook) for student, notebook in expected}
    for row in rows:
        status = odd.get((row["student"], row["notebook"]))
        assert row["status"].startswith(status) if status else row["status"]
        assert row["isolation"] == "strict" and row["seed"] == "11"


def test_the_gradebook_holds_no_formula_and_no_line_that_is_not_a_row(run, rows, place):
    for row in rows:
        assert not any(value.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")) for value in row.values())
    raw = (place.out / "grades.csv").read_text(encoding="utf-8")
    assert "\x1b" not in raw and "\u202e" not in raw


def test_feedback_pages_run_nothing_and_stay_small(run, place):
    pages = list((place.out / "feedback").rglob("*.html"))
    assert len(pages) >= len(ATTACKS)
    for path in pages:
        source = path.read_text(encoding="utf-8")
        page = Page(source)
        assert not {"script", "img", "link", "iframe", "object", "b"} & {tag for tag, _ in page.tags}, path
        assert not any(key.startswith("on") or key in ("src", "href") for _, attrs in page.tags for key in attrs), path
        assert len(source) < 60_000 and "default-src 'none'" in source, path
