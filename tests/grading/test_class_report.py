"""The class report: what it counts, and that it is a page that loads and runs nothing."""

import random
from xml.etree import ElementTree

import pytest
from grading_corpus import PCA, START, exercises_of, hand_in, solved, student_cells
from grading_results import Page

from course_utils.exercises import all_exercises
from course_utils.grading import grade_folder
from course_utils.grading.class_report import Tally, page

EXERCISES = all_exercises()
KEY = "mean of logs"  # a misconception of log_mean_exp
PCA_KEY = sorted(EXERCISES["pca_fit"].misconceptions)[0]


def result(student, notebook, status="graded", file=None, **kinds):
    """A result as the grader makes it: each exercise passed, but for those given as kind or (kind, misconception)."""
    entries = {}
    for name, exercise in exercises_of(notebook).items():
        kind, key = (kinds.get(name, "passed"), None) if isinstance(kinds.get(name, "passed"), str) else kinds[name]
        points = exercise.points * (kind == "passed")
        advice = f"told: {key}" if key else ""
        entries[name] = {
            "passed": kind == "passed",
            "kind": kind,
            "misconception": key,
            "points": points,
            "advice": advice,
        }
    return {
        "student": student,
        "course_notebook": notebook,
        "notebook": file or notebook,
        "status": status,
        "points": sum(entry["points"] for entry in entries.values()),
        "exercises": entries,
    }


def tallied(results, seed=0):
    tally = Tally(EXERCISES)
    for one in random.Random(seed).sample(results, len(results)):
        tally.add(one)
    return tally


CLASS = [
    *(result(f"right{i}", START) for i in range(4)),
    result("wrong1", START, log_mean_exp=("values", KEY)),
    result("wrong2", START, log_mean_exp=("values", KEY)),
    result("other", START, log_mean_exp="values"),
    result("blank", START, log_mean_exp="not started"),
    result("", START, file="loose"),
    result("twice", START, file="a1/x", log_mean_exp=("values", KEY)),
    result("twice", START, file="a2/x"),
    result("<i>eve</i>", START, "timeout: too slow", log_mean_exp="timeout"),
    result("right0", PCA, pca_fit=("values", PCA_KEY)),
]


@pytest.mark.parametrize("seed", range(3))
def test_students_are_counted_once_with_their_best_file(seed):
    tally = tallied(CLASS, seed)
    assert len(tally.points[START]) == 11 and tally.points[START]["twice"] == EXERCISES["log_mean_exp"].points
    (exercise, key, count, tried), *others = tally.misconceptions(START)
    assert (exercise.name, key, count, tried, others) == ("log_mean_exp", KEY, 2, 10, [])  # all but the blank one tried
    assert page(tally, 5, "strict") == page(tallied(CLASS, seed + 7), 5, "strict")


def test_explanations_that_no_misconception_names_are_counted_with_what_was_told():
    found = [result(f"s{i}", START, log_mean_exp=("values", "`a`: squared")) for i in range(3)]
    shown = Page(page(tallied([*CLASS, *found]), 5, "strict"))
    assert "3 students of 13 who tried log_mean_exp" in shown.text and "told: `a`: squared" in shown.text


def test_what_the_page_says():
    source = page(tallied(CLASS), 5, "strict")
    shown = Page(source)
    assert "Class report: 11 students, 2 notebooks" in shown.text
    assert "2 students of 10 who tried log_mean_exp (lecture" in shown.text
    assert shown.text.index("2 students of 10") < shown.text.index("1 student of 1 who tried pca_fit")
    assert EXERCISES["log_mean_exp"].misconceptions[KEY].sentence in shown.text
    assert "quartiles" in shown.text and "<i>eve</i>" in shown.text and "timeout: too slow" in shown.text
    names = {tag for tag, _ in shown.tags}
    assert not {"script", "img", "link", "iframe", "i"} & names and {"svg", "table", "main", "title"} <= names
    assert "width=device-width" in source
    anchors = [attrs["href"] for tag, attrs in shown.tags if tag == "a"]
    ids = {attrs["id"] for _, attrs in shown.tags if "id" in attrs}
    assert anchors and {anchor.removeprefix("#") for anchor in anchors} <= ids


def test_bars_add_up_to_the_class():
    tally = tallied([result(f"s{i}", PCA, **dict.fromkeys(list(exercises_of(PCA))[:i], "values")) for i in range(9)])
    source = page(tally, 5, "strict")
    histogram = ElementTree.fromstring(source[source.index("<svg role='img' viewBox") : source.index("</svg>") + 6])
    bars = [float(bar.get("height")) for bar in histogram.iter("rect")]
    counts = [int(label.text) for label in list(histogram.iter("text"))[:-1:2]]
    assert sum(counts) == 9 and [bar / max(bars) for bar in bars] == pytest.approx([n / max(counts) for n in counts])


def test_nothing_handed_in():
    assert "0 students" in page(Tally(EXERCISES), 1, "plain")
    assert "No answer shows one of the known misconceptions" in page(tallied(CLASS[:3]), 1, "plain")


@pytest.mark.slow
def test_a_run_writes_it(tmp_path):
    hand_in(tmp_path / "in", f"ann/{START}.ipynb", solved(START))
    hand_in(
        tmp_path / "in", f"ben/{START}.ipynb", student_cells(START, log_mean_exp="log_mean_exp = lambda a: np.mean(a)")
    )
    grade_folder(tmp_path / "in", tmp_path / "out", seed=1)
    text = Page((tmp_path / "out" / "report.html").read_text(encoding="utf-8")).text
    assert "1 student of 2 who tried log_mean_exp" in text and "2 students; points from 0 to" in text


def test_students_are_grouped_by_explanation_with_an_example_of_the_line():
    found = []
    for i, line in enumerate(["m = a.mean()", "c = np.mean(a)", "c = np.mean(a)"]):
        one = result(f"s{i}", START, log_mean_exp=("values", "line: function"))
        one["exercises"]["log_mean_exp"]["detail"] = f"line {i + 2}: {line}"
        found.append(one)
    shown = Page(page(tallied([*CLASS, *found]), 5, "strict"))
    text = " ".join(shown.text.split())
    assert "3 students of 13 who tried log_mean_exp" in text
    assert "One small change makes the answer right. For example: c = np.mean(a)" in text and "m = a.mean()" not in text
