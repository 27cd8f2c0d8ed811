"""The feedback page: the explanation first, the line, the facts folded; the same words as in the notebook."""

from grading_corpus import START
from grading_results import Page

from course_utils.checking.report import FACTS, Report
from course_utils.exercises import all_exercises
from course_utils.exporting.grading import told
from course_utils.grading.feedback import page

EXERCISES = all_exercises()


def entry(**more):
    report = Report(
        "log_mean_exp", False, 0, 1, "key", "Look at `a < 1`.", "values", "line 2: a < 1", "", "3 of 5 > 0."
    )
    return report.as_dict() | {"notes": [], "said": []} | more


def shown(**more):
    return page(
        {
            "student": "ann",
            "notebook": START,
            "status": "graded",
            "points": 0,
            "max_points": 1,
            "adjustments": [],
            "exercises": {"log_mean_exp": entry(**more)},
            "submission": "0" * 64,
            "isolation": "strict",
        },
        EXERCISES,
    )


def test_the_explanation_comes_first_and_the_facts_are_folded():
    html = shown()
    text = " ".join(Page(html).text.split())
    assert text.index("Look at a < 1.") < text.index("line 2: a < 1") < text.index(FACTS) < text.index("3 of 5 > 0.")
    assert "<code>a &lt; 1</code>" in html and "<details><summary>" in html and "<details open" not in html


def test_without_facts_nothing_is_folded():
    assert "<details" not in shown(facts="")


def test_other_systems_get_the_same_words():
    said = told(entry(), EXERCISES["log_mean_exp"])
    assert all(words in said for words in ("Look at `a < 1`.", "line 2: a < 1", "3 of 5 > 0."))
