"""Wrong answers by people who had seen the exercises' cards alone, and how well the checks explain them.

One module per notebook holds the answers (README.md says how to write them), verdicts.json what a person said of each
sentence that the checks gave, floors.json the share of named causes that must not be lost again.
"""

import importlib
import inspect
import json
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from course_utils.checking import examine
from course_utils.checking.calling import CHANGED
from course_utils.checking.report import Report
from course_utils.exercises import find_exercise

FOLDER = Path(__file__).parent
MEANINGS = ("named", "general", "false", "nothing", "unread", "accepted")
POINTS_OUT = ("raised", "shape", "type", "not finite", "timeout", "died", "changed inputs", "not callable", "output")


class Wrong(NamedTuple):
    """A wrong answer, what is true of it, and the part of its source where the mistake stands, if it is in one line."""

    exercise: str
    cause: str
    function: Callable
    line: str

    @property
    def name(self) -> str:
        return self.function.__name__


_FOUND: list[Wrong] = []


def wrong(exercise: str, cause: str, line: str = ""):
    """Marks a function as a wrong answer to `exercise`; `cause` is the sentence that would help its author."""
    assert cause.strip()[-1:] in (".", "?", "!"), f"a sentence ends with a full stop: {cause!r}"

    def mark(function):
        if function.__code__.co_filename == CHANGED:  # where a check looks for the line that is wrong
            return function
        card = find_exercise(exercise)
        own = list(inspect.signature(function).parameters)
        assert own == card.parameters, f"{function.__name__}: {own}, but the card says {card.signature}"
        taken = [w.name for w in _FOUND if w.exercise == exercise]
        assert function.__name__ not in taken, f"{exercise} has two wrong answers called {function.__name__}"
        assert line in inspect.getsource(function), f"{function.__name__}: {line!r} is not in its source"
        _FOUND.append(Wrong(exercise, cause, function, line))
        return function

    return mark


def corpus() -> list[Wrong]:
    """All wrong answers, in the order of the notebooks."""
    for info in sorted(pkgutil.iter_modules([str(FOLDER)]), key=lambda info: info.name):
        if info.name.startswith("nb"):
            importlib.import_module(f"{__name__}.{info.name}")
    return list(_FOUND)


def read(name: str) -> dict:
    path = FOLDER / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def write(name: str, value: dict) -> None:
    text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False)
    (FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def said(report: Report) -> str:
    """What a verdict is about: the key of the explanation, or else the advice itself."""
    return report.misconception or report.advice


def meaning(answer: Wrong, report: Report, verdicts: dict) -> str:
    """One of MEANINGS. A person's verdict counts; without one, a report that explains nothing is known as such.

    An answer with the right values is accepted, unless the report says what it lacks all the same, and a person agrees.
    """
    verdict = verdicts.get(answer.exercise, {}).get(answer.name, {}).get(said(report))
    if report.passed:
        return verdict if verdict and report.advice else "accepted"
    if verdict:
        return verdict
    if report.misconception:
        return "unread"
    return "general" if report.kind in POINTS_OUT else "nothing"


def judged(answers) -> list[tuple[Wrong, Report, str]]:
    """Each answer with the report that its author would read, and what that is worth."""
    verdicts = read("verdicts")
    reports = [(answer, examine(answer.function, name=answer.exercise)) for answer in answers]
    return [(answer, report, meaning(answer, report, verdicts)) for answer, report in reports]
