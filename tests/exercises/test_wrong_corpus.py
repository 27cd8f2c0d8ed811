"""How the checks explain wrong answers that were written blind; a table at the end of the tests' output counts it.

What the answers are and who says what an explanation is worth: tests/helpers/wrong_corpus/README.md. Each ordinary run
judges a fixed part of them, with COURSE_TEST_COPIES=full (the weekly workflow) all: a minute and a half of processor
time, and as much again for those that train.
"""

import pytest
from weekly import WEEKLY
from wrong_corpus import MEANINGS, corpus, judged, read

from course_utils.exercises import all_exercises

pytestmark = pytest.mark.slow  # the whole file takes tens of seconds

EXERCISES = all_exercises()
RISE = 2  # points of per cent above its floor at which a notebook's floor is to be raised
EVERY = 4  # answers, of which one is judged where not all are
MISSED = 2  # answers that a part may have too many of which are not named


def parts():
    """{"05": answers, "08 training": answers, ...}"""
    found: dict = {}
    for answer in corpus():
        exercise = EXERCISES[answer.exercise]
        found.setdefault(exercise.notebook[:2] + " training" * exercise.trains, []).append(answer)
    return found


def chosen(part):
    """The answers of a part that are judged: every one, or every fourth, which of those that train is the first."""
    answers = parts()[part]
    if WEEKLY:
        return answers
    return answers[:1] if part.endswith("training") else answers[::EVERY]


@pytest.mark.parametrize("part", parts())
def test_wrong_answers_learn_why(part, record_property):
    rows = judged(chosen(part))
    counts = {word: [answer for answer, _, meaning in rows if meaning == word] for word in MEANINGS}
    record_property("explanations", [part, len(rows), *(len(counts[word]) for word in MEANINGS)])
    assert not [answer.name for answer in counts["accepted"]]
    assert not [(answer.name, report.advice) for answer, report, meaning in rows if meaning == "false"]
    share, floor = 100 * len(counts["named"]) / len(rows), read("floors").get(part, 0)
    few = 0 if WEEKLY else 100 * MISSED / len(rows)
    assert share >= floor - few, (
        f"{[a.name for w in ('general', 'nothing', 'unread') for a in counts[w]]} are not named"
    )
    assert not WEEKLY or share < floor + RISE, f"raise the floor of {part} in floors.json to {share:.0f}"


def test_verdicts_and_floors_are_about_answers_that_exist():
    known = {(answer.exercise, answer.name) for answer in corpus()}
    verdicts = read("verdicts")
    assert {(exercise, name) for exercise, names in verdicts.items() for name in names} <= known
    assert all(v in MEANINGS[:4] for names in verdicts.values() for row in names.values() for v in row.values())
    assert read("floors").keys() <= parts().keys()
