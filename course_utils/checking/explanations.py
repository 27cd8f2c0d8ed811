"""Why a wrong answer is wrong: from cases and outcomes to a finding, and to the line of the source to look at.

First one thing done otherwise is searched for: a misconception, another quantity, a step of the spelled answer, an
argument, the result (candidates.py, search.py); then what the answer does is looked at (behaviour.py), then where its
source is wrong (repairs.py), then two things done otherwise. What fits the values of the answer on all ordinary cases,
of this draw and of a fresh one, is the explanation: a function of the answer alone, as the number of candidates is
limited, and never the time.
"""

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from course_utils.checking import behaviour, training
from course_utils.checking.calling import Outcome
from course_utils.checking.candidates import ITEMS, Explanation
from course_utils.checking.errors import NAMES, error_explained
from course_utils.checking.overflow import out_of_range, small_number
from course_utils.checking.repairs import Repair, line_of, repairs
from course_utils.checking.rows import Row, accepted, bits, entrywise, is_off, parts, right, rows_of, same
from course_utils.checking.search import WHOLE, Search
from course_utils.checking.sizes import in_letters
from course_utils.checking.wording import sentence
from course_utils.exercises.model import Case, Exercise, Finding
from course_utils.exercises.stand_ins import resolve

CHANGES = 80_000  # of a source that are tried, times the calls that the exercise takes
FEW = 60  # the likeliest, that are tried where the cause is known, and only its line is looked for
ENOUGH_BITS, PAIR_BITS = 12, 24  # what an explanation needs, and one that says two things
WHOLE_BITS = 40  # what the values of enough draws tell
VAGUE = ("not trained",)  # misconceptions that say little: what the training does may say more
STAY = ("sign", "operator", "axis", "number", "transpose", "transposed", "order", "exp", "log", "sqrt", "square")
ORDINARY, DRAWS = 4, 4  # ordinary cases that an explanation must fit, and draws to find them in at most


def explained(
    exercise: Exercise,
    cases: Sequence[Case],
    outcomes: Sequence[Outcome],
    findings: Sequence[Any],
    asking: Any,
    known: Finding | None,
) -> tuple[Finding | None, str]:
    """The explanation of what is wrong on the ordinary cases, or, where these are right, on the special ones; and the
    line of the answer's source to look at, or "". With `known`, a misconception, only the line is looked for."""
    if exercise.noisy and all(outcome.kind == "value" for outcome in outcomes):
        if known and known.misconception not in VAGUE:
            return known, ""
        first, second = behaviour.noise_in_training, training.explained
        if known:  # what is not trained needs no noise
            first, second = second, first
        does = first(asking, exercise.noisy) or second(asking, exercise.noisy)
        if not does:
            return known, ""
        return Finding("values", sentence(does[1]), does[0]), ""
    if len(outcomes) < len(cases) or {outcome.kind for outcome in outcomes} - {"value", "raised"}:
        return known, ""
    ordinary = [i for i, case in enumerate(cases) if not case.label]
    failing = [i for i in ordinary if findings[i]] or [i for i, finding in enumerate(findings) if finding]
    if not known and any(outcomes[i].kind == "raised" for i in failing):
        found = raised(exercise, cases, outcomes, failing, asking)
        if found or exercise.trains:
            return found, ""
        failing = [i for i in failing if outcomes[i].kind == "value"]
    ordinary = [i for i in ordinary if outcomes[i].kind == "value"]
    if exercise.trains or not (ordinary and failing) or all(findings[i].kind == "changed inputs" for i in failing):
        return known, ""
    special = not any(findings[i] for i in ordinary)
    every = special or parts(right(exercise, resolve(cases[ordinary[0]].args)))[0].dtype.kind in "iu"
    rows = rows_of(exercise, cases, outcomes, every)
    if not rows:
        return known, ""
    asked = Asked(exercise, asking, every, rows, cases, special)
    asked.labelled = [] if every else [row for row in rows_of(exercise, cases, outcomes, True) if row.case.label]
    if known:
        return known, asked.line()
    kind, first = findings[failing[0]].kind, ordinary[0]
    own = behaviour.not_repeatable(asking, cases[first].args, outcomes[first], asking.source)
    if own:
        return Finding(kind, sentence(own[1]), own[0]), own[2]
    numerical = special and (out_of_range(exercise, cases, outcomes) or small_number(exercise, cases, outcomes))
    if numerical:
        return finding_of({WHOLE: numerical}, kind, rows[0], cases[failing[0]].label), asked.line()
    found = explain(exercise, rows, asked)
    if not found.explanations:
        return None, ""
    finding = finding_of(found.explanations, kind, rows[0], cases[failing[0]].label if special else "")
    if outcomes[failing[0]].changed:
        finding = finding._replace(text=f"{finding.text} Your function also overwrites its arguments; is that why?")
    return finding, found.line


def raised(
    exercise: Exercise, cases: Sequence[Case], outcomes: Sequence[Outcome], failing: Sequence[int], asking: Any
) -> Finding | None:
    """What an exception means, and where in the source one small change makes the answer right."""
    first = next((i for i in failing if outcomes[i].kind == "raised"), None)
    if first is None:
        return None
    outcome, label = outcomes[first], cases[first].label
    args = resolve(cases[first].args)
    misfit = in_letters(exercise, args, outcome.message)
    means = ("error: sizes", misfit) if misfit else None
    means = means or error_explained(exercise.parameters, args, outcome.error, outcome.message)
    asked = Asked(exercise, asking, False, [], cases, bool(label))
    asked.most = CHANGES
    line = "" if exercise.trains or outcome.error in NAMES else asked.line()
    if not (means or line):
        return None
    start = "Your function raised an error on an ordinary input."
    if label:
        start = f"Your function is right on ordinary inputs, but raised an error {label}."
    says = [sentence(means[1])] if means else []
    if line:
        says.append(sentence(asked.best.says(line)))
    return Finding("raised", " ".join([start, *says]), means[0] if means else f"line: {asked.best.kind}")


def explain(exercise: Exercise, rows: list[Row], asked: "Asked") -> "Found":
    """What explains the answer on these rows, verified on fresh ones: one thing done otherwise, what the answer does,
    where its source is wrong, or two things done otherwise."""
    if bits([row for row in rows if is_off(exercise, row)]) < ENOUGH_BITS:
        rows = rows + asked.fresh()
    search = Search(exercise, rows, asked.fresh, asked.labelled)
    if search.told >= ENOUGH_BITS and search.singles():
        one_cause = len(search.found) > 1 and behaviour.forgotten(
            exercise.parameters, rows, lambda args: right(exercise, resolve(args)), asked.source
        )
        if one_cause:
            return Found({WHOLE: said(one_cause)}, "")
        return Found(search.found, asked.line())
    if search.exactly():
        return Found(search.found, asked.line())
    behaves = behaviour.seeded(asked, rows, asked.source) or behaviour.zeros_and_ones(rows)
    if not behaves and np.isfinite(search.first.got[0]).all():
        behaves = behaviour.without_effect(
            exercise.parameters, rows, asked.fresh(), asked, lambda args: right(exercise, resolve(args)), asked.source
        )
    if behaves:
        return Found({WHOLE: said(behaves)}, behaves[2])
    asked.most = int(CHANGES / (200 + search.effort))
    if asked.line():
        return asked.repaired()
    if search.told >= PAIR_BITS and exercise.spelled and search.pairs():
        return Found(search.found, "")
    return Found({}, "")


class Found(NamedTuple):
    """Explanations of all results together or of single ones, and the line to look at."""

    explanations: dict[int, Explanation]
    line: str


def said(behaves: behaviour.Behaves) -> Explanation:
    """What the answer does, as an explanation."""
    key, says, _ = behaves
    return Explanation(1, key, says, lambda row: None)


class Asked:
    """The answer, to be asked again: rows of fresh draws, other arguments, changed sources."""

    def __init__(
        self, exercise: Exercise, asking: Any, every: bool, rows: list[Row], cases: Sequence[Case], special: bool
    ):
        self.exercise, self.asking, self.every, self.rows, self.source = exercise, asking, every, rows, asking.source
        self.cases, self.special, self.most = cases, special, FEW
        self.labelled: list[Row] = []

    def __call__(self, args: tuple, **more: Any) -> Outcome:
        """What the answer makes of other arguments, or a changed source of it."""
        return self.asking(args, **more)

    def fresh(self) -> list[Row]:
        """Rows of fresh draws."""
        return self._fresh

    @functools.cached_property
    def _fresh(self) -> list[Row]:
        """Rows of one fresh draw, or of as many as it takes to have enough ordinary cases."""
        rows: list[Row] = []
        for i in range(1, DRAWS + 1):
            cases = [case for case in self.asking.cases(i) if self.every or not case.label]
            rows += rows_of(self.exercise, cases, [self.asking(case.args) for case in cases], self.every)
            if len(self.rows) + len(rows) >= ORDINARY and bits(self.rows + rows) > WHOLE_BITS:
                break
        return rows

    @functools.cached_property
    def _repairs(self) -> list[Repair]:
        """Small changes of the source, each of which makes the answer right on all ordinary cases, fresh ones too:
        those that make it right on the special ones, or else those that leave nothing out."""
        working = self._working(repairs(self.source, self.most), [case for case in self.cases if not case.label])
        working = self._working(working, [case for case in self.asking.cases(1) if not case.label] if working else [])
        whole = self._working(working, [case for case in self.cases if case.label])
        return whole or [repair for repair in working if repair.kind in STAY and not self.special]

    def _working(self, some: list[Repair], cases: Sequence[Case]) -> list[Repair]:
        """Those changes with which the answer is right on these cases; the smallest come first, as most end there."""
        for case in sorted(cases, key=numbers_in):
            if not some:
                break
            row, outcome = Row(self.exercise, case, None), self.asking(case.args, variants=[r.text for r in some])
            if outcome.kind != "value" or len(outcome.value) != len(some):
                return []
            some = [r for r, value in zip(some, outcome.value) if len(value) and self._right(value[0], row)]
        return some

    @property
    def best(self) -> Repair:
        """The likeliest of them; there must be one."""
        return self._repairs[0]

    def line(self) -> str:
        """The line of the source to look at: the one where a small change makes the answer right."""
        return line_of(self.source, self._repairs[0].line) if self._repairs else ""

    def repaired(self) -> Found:
        """The place in the source where one small change makes the answer right; there must be one."""
        best, line = self.best, self.line()
        return Found({WHOLE: Explanation(3, f"line: {best.kind}", best.says(line), lambda row: None)}, line)

    def _right(self, value, row):
        try:
            got = parts(value, row.right)
            if [g.shape for g in got] != [w.shape for w in row.want]:
                return False
            if entrywise(self.exercise):
                return all(map(same, row.want, got)) and all(np.isfinite(g).all() for g in got)
            return accepted(self.exercise, row.right, Row(self.exercise, row.case, value))
        except Exception:
            return False


def numbers_in(case: Case) -> int:
    """How many numbers the arrays among a case's arguments hold."""
    return sum(np.size(arg) for arg in case.args if isinstance(arg, np.ndarray))


def finding_of(found: dict[int, Explanation], kind: str, row: Row, label: str) -> Finding:
    """The finding that says what was found; `label`: what is special, where ordinary inputs are right."""
    if WHOLE in found:
        text, key = sentence(found[WHOLE].says), found[WHOLE].key
    else:
        names = [f"In the {i} result: " for i in ITEMS]
        if isinstance(row.right, dict):
            names = [f"Under {name!r}: " for name in sorted(row.right)]
        items = sorted(found)
        text = " ".join(names[i] + sentence(found[i].says, begins=False) for i in items)
        key = " | ".join(f"{names[i]}{found[i].key}" for i in items)
    if label:
        text = f"Your function is right on ordinary inputs, but not {label}. {text}"
    return Finding(kind, text, key)
