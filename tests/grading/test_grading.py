"""Whole grading runs on folders of real submissions."""

import functools
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from grading_corpus import ANSWERS, IMPORTS, PCA, START, exercises_of, hand_in, notebook_json, solved, student_cells
from grading_results import Page, contents, rows_of
from left_over import ended

from course_utils import grading
from course_utils.grading import sandbox, scoring

pytestmark = pytest.mark.slow  # the whole file takes tens of seconds

# The plain tier, which runs everywhere; what the strict one adds is in test_grading_isolation.py and test_hostile.py.
grade_folder = functools.partial(grading.grade_folder, isolation="plain", trusted=True)
ROOT = Path(__file__).parents[2]
HALF = ("pca_fit", "pca_encode", "pca_decode")
LEANING = """
def residual_variance(x, components):
    return np.sum(np.var(x, axis=0)) - projected_variance(x, components)"""
LEANING_BY_IMPORT = LEANING.replace("projected_variance(", "pca.projected_variance(")
LISTING = {  # a list is right, and cannot be negated
    "pca_encode": ANSWERS["pca_encode"],
    "pca_decode": "def pca_decode(z, mean, components):\n    return (z @ components + mean).tolist()",
    "residual_variance": """
def residual_variance(x, components):
    mean = x.mean(axis=0)
    return np.mean(np.sum((x + -pca_decode(pca_encode(x, mean, components), mean, components)) ** 2, axis=1))""",
    "choose_k": "def choose_k(eigenvalues, fraction):\n    return pca_decode(1 / 0, 0, 0)",
}
KILLS_THE_SERVER = "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\nos._exit(0)"
FLOOD = """
def log_mean_exp(a):
    import os
    print("x" * 30_000_000)
    os.write(1, b"y" * 30_000_000)
    m = np.max(a)
    return m + np.log(np.mean(np.exp(a - m)))"""
SCRIBBLES = """
def log_mean_exp(a):
    import os
    for descriptor in range(3, 60):
        try:
            os.write(descriptor, b"cw01" + bytes(60))
        except OSError:
            pass
    return 0"""
TELLS = """
def log_mean_exp(a):
    raise ValueError(f"{a} {a.ravel()[0]!r} {float(a.ravel()[0]):e}")"""
PATCHED = """
def log_mean_exp(a):
    class Equal(np.ndarray):
        __eq__ = __le__ = __sub__ = lambda self, other: np.array(True)
    np.allclose = np.array_equal = np.isclose = lambda *a, **k: True
    np.testing.assert_allclose = lambda *a, **k: None
    np.exp = np.log = lambda a: a
    return np.zeros(()).view(Equal)"""
ALL = {name: exercise.points for name, exercise in exercises_of(PCA).items()}
EXPECTED = {  # (student, notebook) -> (status, points per exercise)
    ("full", PCA): ("graded", ALL),
    ("blank", PCA): ("graded", {}),
    ("half", PCA): ("graded", {name: ALL[name] for name in HALF}),
    ("leaning", PCA): ("graded", {"residual_variance": ALL["residual_variance"]}),
    ("leaning-import", PCA): ("graded", {"residual_variance": ALL["residual_variance"]}),
    ("listing", PCA): ("graded", {name: ALL[name] for name in LISTING if name != "choose_k"}),
    ("library", PCA): ("graded", {}),
    ("raising", PCA): ("graded", {name: points for name, points in ALL.items() if name != "pca_fit"}),
    ("deleted", PCA): ("graded", {name: points for name, points in ALL.items() if name != "choose_k"}),
    ("duplicated", PCA): ("graded", {name: points for name, points in ALL.items() if name != "pca_encode"}),
    ("nbgrader", PCA): ("graded", {"pca_fit": ALL["pca_fit"]}),
    ("no-python", PCA): ("graded", {"pca_encode": ALL["pca_encode"]}),
    ("damaged", PCA): ("damaged: no JSON at line 1", {}),
    ("copy", "s7_01_pca_linear_autoencoder (1)"): ("graded", {"choose_k": ALL["choose_k"]}),
    ("renamed", "homework"): ("graded", {"log_mean_exp": 1}),
    ("misled", START): ("graded", {}),
    ("endless", START): ("graded", {}),
    ("exits", START): ("graded", {}),
    ("kills", START): ("graded", {}),
    ("flood", START): ("graded", {"log_mean_exp": 1}),
    ("patches", START): ("graded", {}),
    ("scribbles", START): ("graded", {}),
    ("tells", START): ("graded", {}),
    ("dynamic", START): ("graded", {"log_mean_exp": 1}),
    ("magic", START): ("graded", {"log_mean_exp": 1}),
    ("empty", START): ("empty: the file holds nothing", {}),
    ("no-cells", START): ("empty: no code cell", {}),
    ("not-a-notebook", START): ("damaged: not a notebook", {}),
    ("latin", START): ("damaged: the file is not UTF-8 text", {}),
    ("deep", START): ("damaged: the JSON is nested too deep", {}),
    ("other-course", "hw3"): ("unknown notebook: neither", {}),
    ("=cmd|' C calc'!A0 <b>ü", START): ("graded", {"log_mean_exp": 1}),
    ("", START): ("graded (without a student's folder)", {"log_mean_exp": 1}),
    ("twice", f"a1/{START}"): ("graded; one of 2 files of this student for this notebook", {"log_mean_exp": 1}),
    ("twice", f"a2/{START}"): ("graded; one of 2 files of this student for this notebook", {}),
    ("link", START): ("refused: a link that leads out of the student's folder", {}),
}


def hand_in_all(root):
    """One submission for each row of EXPECTED."""
    half = {name: ANSWERS[name] for name in HALF}
    start, answer = f"{START}.ipynb", ANSWERS["log_mean_exp"]
    cells = solved(PCA)
    hand_in(root, f"full/{PCA}.ipynb", cells)
    hand_in(root, f"full/.ipynb_checkpoints/{PCA}-checkpoint.ipynb", student_cells(PCA))
    hand_in(root, f"blank/{PCA}.ipynb", student_cells(PCA))
    hand_in(root, f"half/{PCA}.ipynb", student_cells(PCA, **half))
    hand_in(root, f"leaning/{PCA}.ipynb", student_cells(PCA, residual_variance=LEANING))
    hand_in(root, f"leaning-import/{PCA}.ipynb", student_cells(PCA, residual_variance=LEANING_BY_IMPORT))
    hand_in(root, f"listing/{PCA}.ipynb", student_cells(PCA, **LISTING))
    hand_in(root, f"library/{PCA}.ipynb", student_cells(PCA, pca_fit="from course_utils.models.pca import pca_fit"))
    hand_in(
        root,
        f"raising/{PCA}.ipynb",
        [IMPORTS, "1 / 0", *solved(PCA, pca_fit=ANSWERS["pca_fit"].replace("K)", "K=float('0.125e'))"))[1:]],
    )
    hand_in(root, f"deleted/{PCA}.ipynb", [cell for cell in cells if not cell.startswith("def choose_k")])
    hand_in(
        root,
        f"duplicated/{PCA}.ipynb",
        [*cells, "def pca_encode(x, mean, components):\n    return x @ components.T", ANSWERS["pca_fit"]],
    )
    hand_in(root, f"nbgrader/assignment 1/{PCA}.ipynb", student_cells(PCA, pca_fit=ANSWERS["pca_fit"]))
    hand_in(
        root,
        f"no-python/{PCA}.ipynb",
        student_cells(PCA, pca_fit="def pca_fit(x, K)\n    return 1", pca_encode=ANSWERS["pca_encode"]),
    )
    hand_in(root, f"damaged/{PCA}.ipynb", notebook_json(cells)[:1500])
    hand_in(root, "copy/s7_01_pca_linear_autoencoder (1).ipynb", student_cells(PCA, choose_k=ANSWERS["choose_k"]))
    hand_in(root, "renamed/homework.ipynb", notebook_json(solved(START), {"course": {"notebook": START}}))
    hand_in(root, f"misled/{start}", student_cells(START, log_mean_exp="log_mean_exp = lambda a: np.mean(a)"))
    hand_in(root, f"endless/{start}", student_cells(START, log_mean_exp="def log_mean_exp(a):\n    while True: pass"))
    hand_in(root, f"exits/{start}", ["import os\ndef log_mean_exp(a):\n    os._exit(0)"])
    hand_in(root, f"kills/{start}", [IMPORTS, "def log_mean_exp(a):\n    " + KILLS_THE_SERVER.replace("\n", "\n    ")])
    hand_in(root, f"flood/{start}", student_cells(START, log_mean_exp=FLOOD))
    hand_in(root, f"patches/{start}", student_cells(START, log_mean_exp=PATCHED))
    hand_in(root, f"scribbles/{start}", student_cells(START, log_mean_exp=SCRIBBLES))
    hand_in(root, f"tells/{start}", student_cells(START, log_mean_exp=TELLS))
    hand_in(
        root,
        f"dynamic/{start}",
        [
            "exec('import numpy as helper')",
            answer.replace("np.", "helper."),
            "log_mean_exp = globals()['log_mean_exp']",
        ],
    )
    hand_in(
        root,
        f"magic/{start}",
        [
            f"%matplotlib inline\n{IMPORTS}\n!touch {root}/never\nfiles = !ls\nnp.exp?",
            "%%time\n" + answer.strip(),
            "%%bash\nexit 1",
            "%time value = log_mean_exp(np.ones(3))",
        ],
    )
    hand_in(root, f"empty/{start}", b"")
    hand_in(root, f"no-cells/{start}", [])
    hand_in(root, f"not-a-notebook/{start}", '["cells"]')
    hand_in(root, f"latin/{start}", notebook_json(["a = 1"]).encode() + "é".encode("latin-1"))
    hand_in(root, f"deep/{start}", "[" * 200_000)
    hand_in(root, "other-course/hw3.ipynb", ["print('hello')"])
    hand_in(root, f"=cmd|' C calc'!A0 <b>ü/{start}", solved(START))
    hand_in(root, start, solved(START))
    hand_in(root, f"twice/a1/{start}", solved(START))
    hand_in(root, f"twice/a2/{start}", student_cells(START))
    (root / "link").mkdir()
    (root / "link" / start).symlink_to(root / start)


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """(submissions, out) of one run over everything in EXPECTED."""
    root = tmp_path_factory.mktemp("grading")
    hand_in_all(root / "submissions")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scoring, "PATIENCE", 0.3)  # for the one without end
        assert grade_folder(root / "submissions", root / "out", seed=5, workers=3) == 0
    return root / "submissions", root / "out"


@pytest.fixture
def entry(graded):
    """entry(student, notebook, exercise) -> what the result file says about the exercise."""

    def read(student, notebook, exercise):
        path = graded[1] / "results" / student / f"{notebook}.json"
        return json.loads(path.read_text(encoding="utf-8"))["exercises"][exercise]

    return read


def test_there_is_one_row_for_each_submission(graded):
    rows = rows_of(graded[1])
    assert set(rows) == {("'" + s if s.startswith("=") else s, n) for s, n in EXPECTED}


@pytest.mark.parametrize("who", EXPECTED, ids=lambda who: "/".join(who) or "loose")
def test_row(graded, who):
    status, points = EXPECTED[who]
    row = rows_of(graded[1])[("'" + who[0] if who[0].startswith("=") else who[0], who[1])]
    assert row["status"].startswith(status) if ":" in status else row["status"] == status
    assert {name: int(row[name]) for name in [*ALL, "log_mean_exp"] if row[name] not in ("", "0")} == points
    notebook = PCA if PCA in who[1] else START if START in who[1] or who[0] == "renamed" else None
    assert int(row["points"]) == sum(points.values())
    assert int(row["max_points"]) == sum(e.points for e in exercises_of(notebook).values())
    assert (row["seed"], row["isolation"]) == ("5", "plain")
    assert [row[name] != "" for name in ("log_mean_exp", "pca_fit")] == [notebook == START, notebook == PCA]


@pytest.mark.parametrize(
    "student, notebook, exercise, kind, words",
    [
        ("blank", PCA, "pca_fit", "not started", "raises NotImplementedError"),
        ("deleted", PCA, "choose_k", "missing", "No cell defines choose_k"),
        ("raising", PCA, "pca_fit", "raised", "The cell with your answer fails"),
        ("no-python", PCA, "pca_fit", "raised", "not Python"),
        ("library", PCA, "pca_fit", "hidden", "Write it yourself"),
        ("misled", START, "log_mean_exp", "values", "This is the mean of a"),
        ("endless", START, "log_mean_exp", "timeout", "No answer after 10 CPU seconds"),
        ("exits", START, "log_mean_exp", "died", "Python itself ended"),
        # Linux refuses the signal; elsewhere the server dies, and with it the answer.
        ("kills", START, "log_mean_exp", *(("raised", "") if sys.platform == "linux" else ("died", "Python itself"))),
        ("scribbles", START, "log_mean_exp", "type", "cannot be read"),
    ],
)
def test_the_report_says_why(entry, student, notebook, exercise, kind, words):
    found = entry(student, notebook, exercise)
    assert (found["kind"], found["points"]) == (kind, 0)
    assert words in found["advice"]


def test_a_misconception_is_named(entry):
    assert entry("misled", START, "log_mean_exp")["misconception"] == "mean of logs"


def test_the_failing_line_is_shown_without_numbers_that_the_error_tells(entry):
    found = entry("raising", PCA, "pca_fit")
    assert (
        found["detail"]
        == "ValueError: could not convert string to float: …\nline 1: def pca_fit(x, K=float('0.125e')):"
    )


def test_an_error_does_not_tell_the_hidden_inputs(entry, graded):
    assert entry("tells", START, "log_mean_exp")["kind"] == "raised"
    for kind, suffix in (("results", "json"), ("feedback", "html")):
        text = (graded[1] / kind / "tells" / f"{START}.{suffix}").read_text(encoding="utf-8")
        text = text.partition("<main>")[2] or text
        assert "ValueError" in text and not re.search(r"\d\.\d\d|\de[-+]\d", text)


def test_no_shell_command_was_run(graded):
    assert not (graded[0] / "never").exists()


def test_every_submission_has_a_feedback_page_that_loads_and_runs_nothing(graded):
    for student, notebook in EXPECTED:
        source = (graded[1] / "feedback" / student / f"{notebook}.html").read_text(encoding="utf-8")
        page = Page(source)
        names = [tag for tag, _ in page.tags]
        assert not {"script", "img", "link", "iframe", "object", "b"} & set(names)
        assert not any(key.startswith("on") or key in ("src", "href") for _, attrs in page.tags for key in attrs)
        assert {"main", "h1", "title"} <= set(names) and dict(page.tags)["html"]["lang"] == "en"
        assert "width=device-width" in source


def test_feedback_gives_advice_and_the_first_hint(graded):
    page = Page((graded[1] / "feedback" / "misled" / f"{START}.html").read_text(encoding="utf-8"))
    exercise = exercises_of(START)["log_mean_exp"]
    assert exercise.misconceptions["mean of logs"].sentence in page.text
    assert exercise.hints[0] in page.text and exercise.hints[1] not in page.text


def test_again_with_the_same_seed_gives_the_same_bytes(graded, tmp_path):
    submissions, out = graded
    quick = tmp_path / "submissions"
    for student in ("full", "half", "leaning", "raising", "misled", "flood", "exits"):
        shutil.copytree(submissions / student, quick / student)
    grade_folder(quick, tmp_path / "again", seed=5, workers=1)
    for kind in ("results", "feedback"):
        again = contents(tmp_path / "again" / kind)
        assert len(again) == 7
        assert again == {name: content for name, content in contents(out / kind).items() if name in again}
    text = b"".join(contents(tmp_path / "again").values())
    assert not re.search(rb"0x[0-9a-f]{6}|course-grade-|/tmp/", text)


@pytest.fixture
def started(monkeypatch):
    """Counts the children that were started, the probe of each run apart."""
    children = []
    original = sandbox.Child.__init__

    def counting(self, library, cells, *rest):
        if cells:
            children.append(cells)
        original(self, library, cells, *rest)

    monkeypatch.setattr(sandbox.Child, "__init__", counting)
    return children


def test_a_run_goes_on_where_it_stopped(tmp_path, started):
    submissions, out = tmp_path / "submissions", tmp_path / "out"
    for student in ("a", "b", "c"):
        hand_in(submissions, f"{student}/{START}.ipynb", [f"# {student}", *solved(START)])
    grade_folder(submissions, out, workers=1)
    before = contents(out)
    assert len(started) == 3
    (out / "results" / "b" / f"{START}.json").unlink()
    (out / "grades.csv").unlink()
    grade_folder(submissions, out, workers=1)  # no seed given: goes on with the kept one
    assert contents(out) == before
    assert [cells[0] for cells in started[3:]] == ["# b"]


def test_a_killed_run_goes_on_and_ends_as_if_it_had_not_been_killed(tmp_path, started):
    students = [f"s{i}" for i in range(6)]
    for student in students:
        hand_in(tmp_path / "in", f"{student}/{START}.ipynb", [f"# {student}", *solved(START)])
    command = [
        sys.executable,
        "-m",
        "course_utils.cli",
        "grade",
        str(tmp_path / "in"),
        "--out",
        str(tmp_path / "out"),
        "--workers",
        "1",
        "--isolation",
        "plain",
        "--i-trust-these-submissions",
    ]
    killed = subprocess.Popen(
        command,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    results, deadline = tmp_path / "out" / "results", time.monotonic() + 60
    while len(list(results.rglob("*.json"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    killed.kill()
    killed.wait()
    done = {path.parent.name for path in results.rglob("*.json")}
    assert 2 <= len(done) < 6 and not (tmp_path / "out" / "grades.csv").exists()
    grade_folder(tmp_path / "in", tmp_path / "out")
    assert {cells[0] for cells in started} == {f"# {student}" for student in students if student not in done}
    seed = int(rows_of(tmp_path / "out")["s0", START]["seed"])
    grade_folder(tmp_path / "in", tmp_path / "undisturbed", seed=seed)
    left = contents(tmp_path / "out")
    assert {name: left[name] for name in left if ".new-" not in name} == contents(tmp_path / "undisturbed")


def test_what_has_changed_is_graded_again(tmp_path, started):
    submissions, out = tmp_path / "submissions", tmp_path / "out"
    hand_in(submissions, f"a/{START}.ipynb", student_cells(START))
    hand_in(submissions, f"b/{START}.ipynb", student_cells(START))
    grade_folder(submissions, out, seed=1, workers=1)
    hand_in(submissions, f"a/{START}.ipynb", solved(START))
    (out / "results" / "b" / f"{START}.json").write_text("{ torn")
    grade_folder(submissions, out, seed=1, workers=1)
    assert len(started) == 4 and rows_of(out)["a", START]["points"] == "1"
    grade_folder(submissions, out, seed=2, workers=1)
    assert len(started) == 6 and rows_of(out)["a", START]["seed"] == "2"


def test_a_fresh_seed_is_drawn_where_none_is_given(tmp_path):
    hand_in(tmp_path / "submissions", f"a/{START}.ipynb", b"")
    for out in ("one", "two"):
        grade_folder(tmp_path / "submissions", tmp_path / out)
    seeds = {rows_of(tmp_path / out)["a", START]["seed"] for out in ("one", "two")}
    assert len(seeds) == 2 and all(seed.isdigit() for seed in seeds)


def test_exercises_do_not_reach_each_other(tmp_path):
    """One answer patches numpy, files and the library; the others are graded as if it had not been there."""
    spoils = """
def pca_encode(x, mean, components):
    np.linalg.eigh = np.mean = np.sum = None
    open("left.txt", "w").write("here")
    import course_utils.models.pca, builtins
    course_utils.models.pca.projected_variance = lambda x, components: 0
    builtins.len = lambda x: 1
    return 0"""
    looks = "import os\n    assert os.listdir() == [] and len('abc') == 3\n    return"
    nosy = ANSWERS["pca_decode"].replace("return", looks)
    hand_in(tmp_path / "submissions", f"a/{PCA}.ipynb", solved(PCA, pca_encode=spoils, pca_decode=nosy))
    grade_folder(tmp_path / "submissions", tmp_path / "out", seed=3)
    row = rows_of(tmp_path / "out")["a", PCA]
    assert {name for name in ALL if int(row[name]) != ALL[name]} == {"pca_encode"}


@pytest.mark.parametrize("patience", [5, 0.01])
def test_what_an_answer_leaves_running_is_killed(patience, tmp_path, monkeypatch):
    """Whether its server ends it, or is itself too slow and so ended before what its fork has left."""
    monkeypatch.setattr(sandbox, "END_SECONDS", patience)
    marker = tmp_path / "pid"
    leaves = f"""
def log_mean_exp(a):
    import os, time
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            open({str(marker)!r}, "w").write(str(os.getpid()))
            time.sleep(600)
        os._exit(0)
    while not os.path.exists({str(marker)!r}): pass
    time.sleep(0.2)
    return 0"""
    hand_in(tmp_path / "submissions", f"a/{START}.ipynb", [leaves])
    grade_folder(tmp_path / "submissions", tmp_path / "out", seed=3)
    assert ended({int(marker.read_text())}, 20) == {}  # killed; init may take a while to bury it


def test_a_cell_without_end_costs_what_depends_on_it(tmp_path, monkeypatch):
    monkeypatch.setattr(scoring, "CELL_SECONDS", 2)
    endless = "while True:\n    try:\n        scale = unknown\n    except Exception: pass"
    needs = {name: ANSWERS[name] + " + 0 * scale" for name in ("pca_encode", "pca_decode")}
    hand_in(tmp_path / "submissions", f"a/{PCA}.ipynb", [endless, *solved(PCA, **needs)])
    grade_folder(tmp_path / "submissions", tmp_path / "out", seed=3)
    row = rows_of(tmp_path / "out")["a", PCA]
    assert {name for name in ALL if int(row[name]) != ALL[name]} == set(needs)
    result = json.loads((tmp_path / "out" / "results" / "a" / f"{PCA}.json").read_text())["exercises"]["pca_encode"]
    assert result["notes"][0].startswith("Code cell 1 failed: CellTimeout: out of time")


def test_what_binds_no_answer_in_plain_sight_is_run_once_for_all(tmp_path, monkeypatch):
    """And what it binds out of sight is graded like any other answer."""
    forks, fork = [], sandbox.Child.fork
    monkeypatch.setattr(sandbox.Child, "fork", lambda child: forks.append(child) or fork(child))
    hidden = f"exec({ANSWERS['pca_encode']!r})\nexec({ANSWERS['choose_k']!r})\nfails = 1 / 0"
    hand_in(tmp_path / "submissions", f"a/{PCA}.ipynb", [IMPORTS, "from math import *", hidden, ANSWERS["pca_decode"]])
    grade_folder(tmp_path / "submissions", tmp_path / "out", seed=3, workers=1)
    row = rows_of(tmp_path / "out")["a", PCA]
    assert {name for name in ALL if int(row[name] or 0)} == {"pca_encode", "pca_decode", "choose_k"}
    entries = json.loads((tmp_path / "out" / "results" / "a" / f"{PCA}.json").read_text())["exercises"]
    missing = [entry for entry in entries.values() if not entry["passed"]]
    assert [entry["kind"] for entry in missing] == ["missing"] * (len(ALL) - 3)
    assert all(name in entry["advice"] for name, entry in entries.items() if not entry["passed"])
    assert all("ZeroDivisionError" in " ".join(entry["notes"]) for entry in missing)
    assert len(forks) == 5  # a visible answer, two out of sight, and without an answer the slice and the whole


def test_memory_is_limited(tmp_path):
    greedy = "def log_mean_exp(a):\n    return np.ones(8 << 30, np.uint8)"
    hand_in(tmp_path / "submissions", f"a/{START}.ipynb", student_cells(START, log_mean_exp=greedy))
    grade_folder(tmp_path / "submissions", tmp_path / "out", seed=3)
    found = json.loads((tmp_path / "out" / "results" / "a" / f"{START}.json").read_text())["exercises"]["log_mean_exp"]
    assert found["kind"] == "raised" and "MemoryError" in found["detail"]


def test_a_folder_without_notebooks_says_so(tmp_path, capsys):
    (tmp_path / "submissions" / "a").mkdir(parents=True)
    assert grade_folder(tmp_path / "submissions", tmp_path / "out") == 0
    assert "There is no notebook below" in capsys.readouterr().out
    assert rows_of(tmp_path / "out") == {}


def test_the_isolation_tier_is_said_loudly(tmp_path, capsys):
    hand_in(tmp_path / "submissions", f"a/{START}.ipynb", b"")
    grade_folder(tmp_path / "submissions", tmp_path / "out", seed=1)
    printed = capsys.readouterr().out
    assert "Isolation: plain" in printed and "YOUR rights" in printed and "grades.csv" in printed


@pytest.mark.parametrize("notebook", [START, PCA])
def test_the_built_notebooks(notebook, tmp_path):
    """The solution has full marks, the student's copy none, and a copy with half of the answers filled in has half."""
    exercises, copy = exercises_of(notebook), (ROOT / "notebooks" / f"{notebook}.ipynb").read_text(encoding="utf-8")
    hand_in(tmp_path / "in", f"solution/{notebook}.ipynb", (ROOT / "solutions" / f"{notebook}.ipynb").read_bytes())
    hand_in(tmp_path / "in", f"student/{notebook}.ipynb", copy)
    half, filled = list(exercises)[::2], json.loads(copy)
    for cell in filled["cells"]:
        for name in half:
            if "".join(cell["source"]).startswith(f"def {name}("):
                cell["source"] = ANSWERS[name].strip()
    hand_in(tmp_path / "in", f"half/{notebook}.ipynb", json.dumps(filled))
    grade_folder(tmp_path / "in", tmp_path / "out", seed=7)
    rows = rows_of(tmp_path / "out")
    points = {student: int(rows[student, notebook]["points"]) for student in ("solution", "half", "student")}
    full = sum(exercise.points for exercise in exercises.values())
    assert points == {"solution": full, "half": sum(exercises[name].points for name in half), "student": 0}
    assert {row["status"] for row in rows.values()} == {"graded"}
