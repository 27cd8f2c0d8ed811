"""From an exercise and a way to call an answer to a report. The same for the notebook's checks and for grading."""

import contextlib
import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from course_utils.checking import wire
from course_utils.checking.calling import Outcome
from course_utils.checking.explanations import explained
from course_utils.checking.limits import ASLEEP, BUSY, WALL
from course_utils.checking.relations import sizes_of
from course_utils.checking.repairs import Source
from course_utils.checking.report import Report
from course_utils.exercises.model import Case, Exercise, Finding
from course_utils.exercises.stand_ins import resolve

UNCOMPARABLE = (ArithmeticError, LookupError, MemoryError, TypeError, ValueError)  # LinAlgError is a ValueError
NO_RULE = "VJP of "  # how autograd's NotImplementedError begins, where a step has no rule
MANY_KEYS = 8  # of a dict; more are not listed


class Words:
    """How a report speaks of what the student's code has made up: names, shapes, errors. Here it repeats them.

    Where inputs are to stay hidden, a subclass says what may be told (grading/telling.py).
    """

    def type_name(self, name: str) -> str:
        """The name of a type."""
        return name

    def keys(self, keys: Iterable[str], expected: Iterable[str] = ()) -> str:
        """The keys of a dict, where these are expected."""
        keys = sorted(keys)
        return f"{keys[:MANY_KEYS]}" + (f" and {len(keys) - MANY_KEYS} more" if len(keys) > MANY_KEYS else "")

    def shape(self, shape: tuple, known: Any) -> str:
        """The shape of an array; `known` are the arguments and what is expected."""
        return str(shape)

    def count(self, n: int, known: Any) -> str:
        """How many items there are."""
        return str(n)

    def error(self, error: str, message: str, line: str, args: tuple = ()) -> str:
        """An exception's type and text, and below it the student's line that raised it."""
        return "\n".join(filter(None, [f"{error}: {message}".strip(": "), line]))


OPEN = Words()


def case_seed(exercise: Exercise, *key: Any) -> int:
    """The seed of an exercise's inputs: a function of the key (a seed, a student ...) and the exercise's name."""
    text = "|".join([*map(str, key), exercise.name])
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).digest()  # names of folders may be no Unicode
    return int.from_bytes(digest[:8], "big")


def judge(
    exercise: Exercise,
    call: Callable[..., Outcome],
    *key: Any,
    words: Words = OPEN,
    source: Source | None = None,
    explain: bool = True,
    partial: bool = False,
) -> Report:
    """Calls an answer on every case and reports. `call(args, seconds)` returns an Outcome and never raises.

    With the answer's source, which is only read, the report may say which line to look at. Without `explain`, nothing
    but the misconceptions is tried on a wrong answer: for those who ask only whether it passes. With `partial`, an
    answer that is right on all ordinary cases has a share of the points.
    """
    cases = exercise.cases(np.random.default_rng(case_seed(exercise, *key)))
    left: float = exercise.seconds
    outcomes: list[Outcome] = []
    for case in cases:
        outcomes.append(call(case.args, left))
        left -= outcomes[-1].seconds
        if outcomes[-1].kind in ("timeout", "died", "unreadable") or is_open(outcomes[-1]):
            break
    with np.errstate(all="ignore"):
        findings = [find(exercise, case, outcome, words) for case, outcome in zip(cases, outcomes)]
        if not any(findings):
            return Report(exercise.name, True, exercise.points, exercise.points, None, "", "passed")
        failing = [i for i, finding in enumerate(findings) if finding]
        worst = next(
            (i for i in failing if not cases[i].label), failing[0]
        )  # ordinary inputs say more than special ones
        known, asking = misconceived(exercise, cases, outcomes, findings), Asking(exercise, call, key, source)
        finding, detail = known, ""
        if explain:
            with contextlib.suppress(*UNCOMPARABLE):  # a comparison trips over the result
                finding, detail = explained(exercise, cases, outcomes, findings, asking, known)
        finding = finding or labelled(cases, findings, worst)
    if finding.kind == "raised":
        worst = next(i for i in [worst, *failing] if outcomes[i].kind == "raised")
        outcome = outcomes[worst]
        detail = words.error(outcome.error, outcome.message, outcome.line, cases[worst].args)
    points = points_in_part(exercise, cases, findings) if partial else 0
    facts = how_far_off(findings, worst) if finding.misconception else ""
    return Report(
        exercise.name,
        False,
        points,
        exercise.points,
        finding.misconception,
        finding.advice,
        finding.kind,
        detail,
        facts=facts,
    )


def how_far_off(findings: Sequence[Finding | None], worst: int) -> str:
    """In how many calls an answer is wrong, and how in one of them, where an explanation says why."""
    wrong, found = sum(map(bool, findings)), findings[worst]
    calls = f"{wrong} of {len(findings)} calls" if len(findings) > 1 else "The check's call"
    start = f"{calls} in this check {'is' if wrong == 1 else 'are'} wrong."
    tells = found and not found.misconception and found.kind != "raised"
    return f"{start} {found.advice}" if found and tells else start


def points_in_part(exercise: Exercise, cases: Sequence[Case], findings: Sequence[Finding | None]) -> float:
    """The exercise's share of its points where every ordinary case was asked and is right; else 0."""
    ordinary = [i for i, case in enumerate(cases) if not case.label]
    right = bool(ordinary) and all(i < len(findings) and findings[i] is None for i in ordinary)
    return tidy(exercise.partial * exercise.points) if right else 0


def tidy(points: float) -> float:
    """Points with two decimals at most; whole ones as whole numbers."""
    rounded = round(points, 2)
    return int(rounded) if rounded == int(rounded) else rounded


class Asking:
    """How an explanation asks the answer again: on other cases, with other arguments, with a changed source."""

    def __init__(self, exercise: Exercise, call: Callable[..., Outcome], key: tuple, source: Source | None = None):
        self.exercise, self.call, self.key, self.source = exercise, call, key, source

    def cases(self, n: int) -> list[Case]:
        """The cases of the n-th fresh draw."""
        return self.exercise.cases(np.random.default_rng(case_seed(self.exercise, *self.key, "again", n)))

    def __call__(self, args: tuple, **more: Any) -> Outcome:
        """What the answer makes of these arguments; `more` is for the call."""
        return self.call(args, self.exercise.seconds, **more)


def find(exercise: Exercise, case: Case, outcome: Outcome, words: Words = OPEN) -> Finding | None:
    """What is wrong with the outcome of one call. A result that a comparison trips over is wrong."""
    problem = no_value(exercise, outcome)
    if problem:
        return problem
    expected, real = _plain(exercise.oracle(*resolve(case.args))), resolve(case.args)
    conformed, problem = conform(expected, outcome.value, real, exercise.parameters, words)
    try:
        problem = problem or exercise.compare(expected, conformed, (*real, *case.hidden))
    except UNCOMPARABLE as error:
        problem = Finding(
            "values",
            f"The result cannot be compared ({type(error).__name__}): is it finite, and of the right size?",
        )
    if problem is None and outcome.changed:
        return Finding(
            "changed inputs",
            "The values are right, but the function overwrites its arguments, which other "
            "cells still need. Work on a copy, or write `x = x - mean` and not `x -= mean`.",
        )
    if problem and outcome.changed and not problem.misconception:
        return Finding(problem.kind, f"{problem.advice} Your function also overwrites its arguments; is that why?")
    return problem


def no_value(exercise: Exercise, outcome: Outcome) -> Finding | None:
    """What is to be said of an outcome without a value; None where there is one."""
    if outcome.kind == "timeout":
        why = {
            ASLEEP: "No answer, and nothing computed for a long time, so the check stopped it. "
            "Does it sleep, or wait for something that does not come?",
            BUSY: f"No answer after {WALL * exercise.seconds} seconds on this busy machine, so the check stopped it. "
            "Is something else running that you could close?",
        }
        return Finding(
            "timeout",
            why.get(
                outcome.message,
                f"No answer after {outcome.limit or f'{exercise.seconds} CPU seconds'}, so the check stopped it. "
                "Is there a loop that does not end, or one over entries that an array operation could do?",
            ),
        )
    if outcome.kind == "died":
        return Finding(
            "died",
            "Python itself ended while your function ran: it may have called exit, or used more memory than there is.",
        )
    if outcome.kind == "unreadable":
        return Finding("type", f"The result cannot be read: {outcome.message}.")
    if is_open(outcome):
        return Finding("not started", "Replace the line that raises NotImplementedError with your answer.")
    if outcome.kind == "raised" and outcome.message.startswith(NO_RULE):
        return Finding(
            "raised",
            "Autograd has come to a step without a rule for its gradient. `defvjp` registers one for each argument "
            "that is differentiated.",
        )
    if outcome.kind == "raised":
        return Finding("raised", "Your function raised an error on an ordinary input.")
    return None


def is_open(outcome: Outcome) -> bool:
    """Whether the answer is still the stub: its NotImplementedError, and not autograd's for a missing rule."""
    return outcome.error == "NotImplementedError" and not outcome.message.startswith(NO_RULE)


def misconceived(
    exercise: Exercise, cases: Sequence[Case], outcomes: Sequence[Outcome], findings: Sequence[Finding | None]
) -> Finding | None:
    """The misconception that explains every outcome, if there is one."""
    values = [(case, outcome) for case, outcome in zip(cases, outcomes) if outcome.kind == "value"]
    for (case, outcome), finding in zip(zip(cases, outcomes), findings):
        if finding and finding.misconception:
            return finding
        if finding and finding.kind != "changed inputs" and exercise.diagnose and outcome.kind == "value":
            key = _diagnosed(exercise, case, outcome.value)
            if key:
                return Finding(finding.kind, exercise.misconceptions[key].sentence, key)
    if exercise.trains or len(values) < len(cases):
        return None
    kind = next(finding.kind for finding in findings if finding)
    for key, misconception in exercise.misconceptions.items():
        if all(_gives(exercise, misconception.function, case, outcome.value) for case, outcome in values):
            return Finding(kind, misconception.sentence, key)
    return None


def _diagnosed(exercise, case, got) -> str | None:
    try:
        return exercise.diagnose((*resolve(case.args), *case.hidden), got)
    except UNCOMPARABLE:
        return None


def _gives(exercise, function, case, got) -> bool:
    try:
        expected, real = _plain(function(*resolve(case.args))), resolve(case.args)
    except Exception:
        return False
    conformed, problem = conform(expected, got, real, exercise.parameters)
    try:
        return problem is None and exercise.compare(expected, conformed, (*real, *case.hidden)) is None
    except UNCOMPARABLE:
        return False


def _plain(value):
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return tuple(map(_plain, value)) if isinstance(value, tuple) else np.asarray(value)


def labelled(cases: Sequence[Case], findings: Sequence[Any], worst: int) -> Finding:
    """The finding of case `worst`, with what is special about its inputs where ordinary ones were right."""
    finding, label = findings[worst], cases[worst].label
    right_on_ordinary = any(finding is None and not case.label for case, finding in zip(cases, findings))
    if finding.kind in ("timeout", "not started", "changed inputs") or not label or not right_on_ordinary:
        return finding
    failed = f"raised an error {label}." if finding.kind == "raised" else f"not {label}. {finding.advice}"
    return Finding(finding.kind, f"Your function is right on ordinary inputs, but {failed}")


def conform(expected: Any, got: Any, args: tuple, names: list[str], words: Words = OPEN) -> tuple[Any, Finding | None]:
    """The result in the structure of what is expected, lists taken as arrays: (value, None) or (None, Finding)."""

    def other(is_, meant=None):
        meant = meant or describe(expected)
        return None, Finding("type", f"Your function returns {is_}, where {meant} is expected.")

    if got is None:
        return None, Finding("type", "Your function returns None. Does every path end in a `return`?")
    if isinstance(got, wire.Other):
        return other(words.type_name(got.type_name))
    if isinstance(expected, tuple):
        return _conform_items(expected, got, args, names, words)
    if isinstance(expected, dict):
        if not isinstance(got, dict) or set(got) != set(expected):
            is_ = (
                f"the keys {words.keys(got, expected)}"
                if isinstance(got, dict)
                else describe(got, words=words, known=args)
            )
            return other(is_, f"a dict with {sorted(expected)}")
        items = tuple(got[key] for key in expected)
        values, problem = _conform_items(tuple(expected.values()), items, args, names, words)
        return (None, problem) if problem else (dict(zip(expected, values)), None)
    return _conform_array(np.asarray(expected), got, args, names, words)


def _conform_items(expected, got, args, names, words):
    if isinstance(got, np.ndarray) and got.ndim and len(got) == len(expected):
        got = tuple(got)  # a list of equal arrays may have come as one array
    if not isinstance(got, list | tuple) or len(got) != len(expected):
        is_ = describe(got, words=words, known=(args, expected))
        return None, Finding("type", f"Your function returns {is_}, where {describe(expected)} is expected.")
    values = []
    for i, (e, g) in enumerate(zip(expected, got)):
        value, problem = conform(e, g, args, names, words)
        if problem:
            return None, problem.in_item(i)
        values.append(value)
    return tuple(values), None


def _conform_array(expected, got, args, names, words):
    try:
        array = np.asarray(got)
    except (ValueError, TypeError, OverflowError):
        array = np.asarray(None)
    if array.dtype.kind not in wire.KINDS and not whole_numbers(array):
        is_ = describe(got, words=words, known=(args, expected))
        return None, Finding("type", f"Your function returns {is_}, where {describe(expected)} is expected.")
    if array.shape != expected.shape:
        return None, Finding("shape", shape_advice(expected.shape, array.shape, args, names, words))
    return array, None


def whole_numbers(array: np.ndarray) -> bool:
    """Whether an array of objects holds Python's whole numbers alone, of which some are too large for 64 bits."""
    return array.dtype.kind == "O" and array.size > 0 and all(type(item) is int for item in array.flat)


def describe(value: Any, depth: int = 1, words: Words = OPEN, known: Any = ()) -> str:
    """A few words for what a value is, without its numbers, and for what is in it."""
    if isinstance(value, str):
        return "a string"
    if isinstance(value, tuple | list) and value and all(map(is_layer, value)):
        return f"a network of {words.count(len(value), known)} layer{'s' * (len(value) > 1)}"
    if isinstance(value, tuple | list):
        kind = "a tuple" if isinstance(value, tuple) else "a list"
        few = depth and len(value) < 5
        inside = ", ".join(describe(item, depth - 1, words, known) for item in value) if few else ""
        return f"{kind} of {words.count(len(value), known)}" + (f" ({inside})" if inside else "")
    if isinstance(value, dict):
        return f"a dict with {words.keys(value)}"
    if value is None or isinstance(value, wire.Other):
        return "None" if value is None else words.type_name(value.type_name)
    shape = np.shape(value)
    return f"an array of shape {words.shape(shape, known)}" if shape else "one number"


def is_layer(value: Any) -> bool:
    """Whether it is a layer (W, b) of a network."""
    return isinstance(value, tuple | list) and [part.ndim for part in value if isinstance(part, np.ndarray)] == [2, 1]


def shape_advice(expected: tuple, got: tuple, args: tuple, names: list[str], words: Words = OPEN) -> str:
    """How a shape is wrong, in the letters of the card where there are any."""
    sizes = sizes_of(names, args)
    told = words.shape(got, (args, expected))  # where inputs are hidden, perhaps less than the shape
    found, asked = in_words(got, sizes) if told == str(got) else told, in_words(expected, sizes)
    start = f"The result {'has shape' if got else 'is'} {found}. Expected is {asked}. "
    if expected == () and np.prod(got) == 1:
        return start + "Return the number itself."
    if got == (*expected, 1):
        return start + "The last axis of length 1 is left over: drop `keepdims=True`, or index it away with `[:, 0]`."
    if got == expected[::-1] and len(got) > 1:
        return start + "Is it transposed?"
    if len(got) < len(expected) and np.prod(got) == np.prod(expected):
        return start + "All values are there, but axes are flattened into one (`ravel`, `reshape`) that should stay."
    if len(got) < len(expected):
        return start + "Is an axis summed or averaged over that should stay?"
    if len(got) > len(expected):
        return start + "Is an axis left over that is to be summed or averaged over?"
    away = [g - e for g, e in zip(got, expected)]
    if len(got) == len(expected) and sum(map(bool, away)) == 1 and abs(sum(away)) == 1:
        return start + ("One is missing: the first or the last?" if sum(away) < 0 else "There is one too many.")
    if len(got) == len(expected) and set(got) <= set(sizes.values()):
        return start + "Is the right axis summed or averaged over?"
    return start.rstrip()


def in_words(shape: tuple, sizes: dict) -> str:
    """ "(5, 3), which is (N, K)": with letters where each size has one of its own; "one number" for ()."""
    if not shape:
        return "one number"
    letters = [[letter for letter, size in sizes.items() if size == n and len(letter) == 1] for n in shape]
    if any(len(found) != 1 for found in letters):
        return str(shape)
    return f"{shape}, which is ({', '.join(letter for (letter,) in letters)}{',' * (len(shape) == 1)})"
