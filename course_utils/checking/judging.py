"""From an exercise and a way to call an answer to a report. The same for the notebook's checks and for grading."""

import hashlib
import time

import numpy as np

from course_utils.checking import wire
from course_utils.checking.calling import Outcome
from course_utils.checking.explanations import explained
from course_utils.checking.relations import sizes_of
from course_utils.checking.repairs import Source
from course_utils.checking.report import Report
from course_utils.exercises.model import Exercise, Finding
from course_utils.exercises.stand_ins import resolve


def case_seed(exercise: Exercise, *key) -> int:
    """The seed of an exercise's inputs: a function of the key (a seed, a student ...) and the exercise's name."""
    text = "|".join([*map(str, key), exercise.name])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def judge(exercise: Exercise, call, *key, source: Source | None = None) -> Report:
    """Calls an answer on every case and reports. `call(args, deadline)` returns an Outcome and never raises.

    With the answer's source, which is only read, the report may say which line to look at.
    """
    cases = exercise.cases(np.random.default_rng(case_seed(exercise, *key)))
    deadline = time.monotonic() + exercise.seconds
    outcomes: list[Outcome] = []
    for case in cases:
        outcomes.append(call(case.args, deadline))
        if outcomes[-1].kind in ("timeout", "died", "unreadable") or outcomes[-1].error == "NotImplementedError":
            break
    with np.errstate(all="ignore"):
        findings = [find(exercise, case.args, outcome) for case, outcome in zip(cases, outcomes)]
        if not any(findings):
            return Report(exercise.name, True, exercise.points, exercise.points, None, "", "passed")
        failing = [i for i, finding in enumerate(findings) if finding]
        worst = next(
            (i for i in failing if not cases[i].label), failing[0]
        )  # ordinary inputs say more than special ones
        known, asking = misconceived(exercise, cases, outcomes, findings), Asking(exercise, call, key, source)
        finding, detail = explained(exercise, cases, outcomes, findings, asking, known)
        finding = finding or labelled(cases, findings, worst)
    outcome = outcomes[worst]
    if finding.kind == "raised":
        detail = "\n".join(filter(None, [f"{outcome.error}: {outcome.message}".strip(": "), outcome.line]))
    return Report(exercise.name, False, 0, exercise.points, finding.misconception, finding.advice, finding.kind, detail)


class Asking:
    """How an explanation asks the answer again: on other cases, with other arguments, with a changed source."""

    def __init__(self, exercise: Exercise, call, key, source=None):
        self.exercise, self.call, self.key, self.source = exercise, call, key, source

    def cases(self, n):
        """The cases of the n-th fresh draw."""
        return self.exercise.cases(np.random.default_rng(case_seed(self.exercise, *self.key, "again", n)))

    def __call__(self, args, **more) -> Outcome:
        return self.call(args, time.monotonic() + self.exercise.seconds, **more)


def find(exercise: Exercise, args: tuple, outcome: Outcome) -> Finding | None:
    """What is wrong with the outcome of one call."""
    problem = no_value(exercise, outcome)
    if problem:
        return problem
    expected, real = _plain(exercise.oracle(*resolve(args))), resolve(args)
    conformed, problem = conform(expected, outcome.value, real, exercise.parameters)
    problem = problem or exercise.compare(expected, conformed, real)
    if problem is None and outcome.changed:
        return Finding(
            "changed inputs",
            "The values are right, but the function overwrites its arguments, which other "
            "cells still need. Work on a copy, or write `x = x - mean` and not `x -= mean`.",
        )
    if outcome.changed and not problem.misconception:
        return Finding(problem.kind, f"{problem.advice} Your function also overwrites its arguments; is that why?")
    return problem


def no_value(exercise: Exercise, outcome: Outcome) -> Finding | None:
    if outcome.kind == "timeout":
        return Finding(
            "timeout",
            f"No answer after {exercise.seconds} seconds, so the check stopped it. "
            "Is there a loop that does not end, or one over entries that an array operation could do?",
        )
    if outcome.kind == "died":
        return Finding(
            "died",
            "Python itself ended while your function ran: it may have called exit, or used more memory than there is.",
        )
    if outcome.kind == "unreadable":
        return Finding("type", f"The result cannot be read: {outcome.message}.")
    if outcome.error == "NotImplementedError":
        return Finding("not started", "Replace the line that raises NotImplementedError with your answer.")
    if outcome.kind == "raised":
        return Finding("raised", "Your function raised an error on an ordinary input.")
    return None


def misconceived(exercise, cases, outcomes, findings) -> Finding | None:
    """The misconception that explains every outcome, if there is one."""
    values = [(case, outcome) for case, outcome in zip(cases, outcomes) if outcome.kind == "value"]
    for (case, outcome), finding in zip(zip(cases, outcomes), findings):
        if finding and finding.misconception:
            return finding
        if finding and finding.kind != "changed inputs" and exercise.diagnose and outcome.kind == "value":
            key = exercise.diagnose(resolve(case.args), outcome.value)
            if key:
                return Finding(finding.kind, exercise.misconceptions[key].sentence, key)
    if exercise.trains or len(values) < len(cases):
        return None
    kind = next(finding.kind for finding in findings if finding)
    for key, misconception in exercise.misconceptions.items():
        if all(_gives(exercise, misconception.function, case.args, outcome.value) for case, outcome in values):
            return Finding(kind, misconception.sentence, key)
    return None


def _gives(exercise, function, args, got) -> bool:
    try:
        expected, real = _plain(function(*resolve(args))), resolve(args)
    except Exception:
        return False
    conformed, problem = conform(expected, got, real, exercise.parameters)
    return problem is None and exercise.compare(expected, conformed, real) is None


def _plain(value):
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return tuple(map(_plain, value)) if isinstance(value, tuple) else np.asarray(value)


def labelled(cases, findings, worst) -> Finding:
    """The finding of case `worst`, with what is special about its inputs where ordinary ones were right."""
    finding, label = findings[worst], cases[worst].label
    right_on_ordinary = any(finding is None and not case.label for case, finding in zip(cases, findings))
    if finding.kind in ("timeout", "not started", "changed inputs") or not label or not right_on_ordinary:
        return finding
    failed = f"raised an error {label}." if finding.kind == "raised" else f"not {label}. {finding.advice}"
    return Finding(finding.kind, f"Your function is right on ordinary inputs, but {failed}")


def conform(expected, got, args, names):
    """The result in the structure of what is expected, lists taken as arrays: (value, None) or (None, Finding)."""
    if got is None:
        return None, Finding("type", "Your function returns None. Does every path end in a `return`?")
    if isinstance(got, wire.Other):
        return None, Finding("type", f"Your function returns {got.type_name}, where {describe(expected)} is expected.")
    if isinstance(expected, tuple):
        return _conform_items(expected, got, args, names)
    if isinstance(expected, dict):
        if not isinstance(got, dict) or set(got) != set(expected):
            keys = f"the keys {sorted(got)}" if isinstance(got, dict) else describe(got)
            return None, Finding(
                "type", f"Your function returns {keys}, where a dict with {sorted(expected)} is expected."
            )
        values, problem = _conform_items(tuple(expected.values()), tuple(got[key] for key in expected), args, names)
        return (None, problem) if problem else (dict(zip(expected, values)), None)
    return _conform_array(np.asarray(expected), got, args, names)


def _conform_items(expected, got, args, names):
    if isinstance(got, np.ndarray) and got.ndim and len(got) == len(expected):
        got = tuple(got)  # a list of equal arrays may have come as one array
    if not isinstance(got, list | tuple) or len(got) != len(expected):
        return None, Finding("type", f"Your function returns {describe(got)}, where {describe(expected)} is expected.")
    values = []
    for i, (e, g) in enumerate(zip(expected, got)):
        value, problem = conform(e, g, args, names)
        if problem:
            return None, problem.in_item(i)
        values.append(value)
    return tuple(values), None


def _conform_array(expected, got, args, names):
    try:
        array = np.asarray(got)
    except (ValueError, TypeError, OverflowError):
        array = np.asarray(None)
    if array.dtype.kind not in wire.KINDS:
        return None, Finding("type", f"Your function returns {describe(got)}, where {describe(expected)} is expected.")
    if array.shape != expected.shape:
        return None, Finding("shape", shape_advice(expected.shape, array.shape, args, names))
    return array, None


def describe(value, depth=1) -> str:
    """A few words for what a value is, without its numbers, and for what is in it."""
    if isinstance(value, str):
        return "a string"
    if isinstance(value, tuple | list):
        kind = "a tuple" if isinstance(value, tuple) else "a list"
        inside = ", ".join(describe(item, depth - 1) for item in value) if depth and len(value) < 5 else ""
        return f"{kind} of {len(value)} ({inside})" if inside else f"{kind} of {len(value)}"
    if isinstance(value, dict):
        return f"a dict with {sorted(value)}"
    if value is None or isinstance(value, wire.Other):
        return "None" if value is None else value.type_name
    shape = np.shape(value)
    return f"an array of shape {shape}" if shape else "one number"


def shape_advice(expected: tuple, got: tuple, args: tuple, names: list[str]) -> str:
    """How a shape is wrong, in the letters of the card where there are any."""
    sizes = sizes_of(names, args)
    found, asked = in_words(got, sizes), in_words(expected, sizes)
    start = f"The result {'has shape' if got else 'is'} {found}. Expected is {asked}. "
    if expected == () and np.prod(got) == 1:
        return start + "Return the number itself."
    if got == (*expected, 1):
        return start + "The last axis of length 1 is left over: drop `keepdims=True`, or index it away with `[:, 0]`."
    if got == expected[::-1] and len(got) > 1:
        return start + "Is it transposed?"
    if len(got) < len(expected):
        return start + "Is an axis summed or averaged over that should stay?"
    if len(got) > len(expected):
        return start + "Is an axis left over that is to be summed or averaged over?"
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
