"""Why a wrong answer is wrong: a search through what might have been done otherwise, verified on fresh inputs.

A candidate says what an answer with one mistake would return: a misconception, another quantity, an argument read
otherwise, a step done otherwise, a relation of the result; then pairs of these. Cheapest first; the first one whose values are
the answer's on all ordinary cases, of this draw and of a fresh one, is the explanation. It is a function of the answer's
values alone: how many candidates are tried is limited, never the time.
"""

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from course_utils.checking import behaviour
from course_utils.checking import steps as stepwise
from course_utils.checking.readings import readings
from course_utils.checking.relations import numbers_of, relations, sizes_of
from course_utils.checking.repairs import Repair, line_of, repairs
from course_utils.checking.wording import sentence
from course_utils.exercises.model import Exercise, Finding
from course_utils.exercises.stand_ins import resolve

WORK = (
    90_000  # of a search: how many steps may be taken in all; 130 numbers count as much as a step (some 4 microseconds)
)
CHANGES = 16_000  # of a source, times the work of the exercise
REAL_BITS, ENOUGH_BITS = 10, 12  # what a real number tells, and what an explanation needs
PAIR_BITS = 24
ORDINARY, DRAWS = 4, 4  # ordinary cases that an explanation must fit, and draws to find them in at most
ITEMS = ("first", "second", "third", "fourth")


class Explanation(NamedTuple):
    """A candidate: `value(row)` is what an answer with this mistake would return. Pairs are made of light ones; those that
    are not `single` speak of all results together."""

    cost: float
    key: str
    says: str
    value: Callable[["Row"], Any]
    light: bool = False
    single: bool = True


class Row:
    """One case and what the answer made of it."""

    def __init__(self, exercise: Exercise, case, value):
        self.exercise, self.case, self.value = exercise, case, value
        self.args, self.case_args = resolve(case.args), case.args

    @functools.cached_property
    def right(self):
        return right(self.exercise, self.args)

    @functools.cached_property
    def want(self):
        return parts(self.right)

    @functools.cached_property
    def got(self):
        return parts(self.value, self.right)

    @functools.cached_property
    def sizes(self):
        return sizes_of(self.exercise.parameters, self.args) | numbers_of(self.exercise.parameters, self.args)

    @functools.cached_property
    def steps(self):
        return stepwise.steps_of(self.exercise.spelled, self.args)

    @functools.cached_property
    def arguments(self):
        return dict(zip(self.exercise.parameters, self.args))


def right(exercise: Exercise, args: tuple):
    """The right answer: as it is spelled out, or else the oracle's."""
    return stepwise.run(exercise.spelled, args) if exercise.spelled else exercise.oracle(*args)


def parts(value, like=None) -> list[np.ndarray]:
    """The results in a value: those of a tuple or a dict, or the one. `like` says which, where lists may be arrays."""
    like = value if like is None else like
    if isinstance(like, dict):
        if not isinstance(value, dict) or value.keys() != like.keys():
            raise ValueError("other keys")
        return [np.asarray(value[key]) for key in sorted(value)]
    if isinstance(like, tuple) and (isinstance(value, tuple | list) or len(np.atleast_1d(value)) == len(like)):
        return [np.asarray(item) for item in value]  # a list of equal arrays may have come as one array
    return [np.asarray(value)]


def same(candidate: np.ndarray, got: np.ndarray, rtol=1.5e-4, atol=2e-6) -> bool:
    """Equal in shape and in all values, within what float32 rounds; what is not finite in `got` is not compared."""
    if candidate.shape != got.shape or candidate.dtype.kind not in "biuf" or not got.size:
        return False
    if got.dtype.kind not in "biuf":
        return False
    c, g = candidate.astype(float).ravel(), got.astype(float).ravel()
    finite = np.isfinite(g)
    if not finite.all():
        c, g = c[finite], g[finite]
    if not c.size or not abs(c[0] - g[0]) <= rtol * abs(g[0]) * 2 + atol * max(1.0, np.abs(g).max() * 2):
        return False
    if not np.isfinite(c).all():
        return False
    return bool((np.abs(c - g) <= rtol * np.abs(c) + atol * max(1.0, np.abs(c).max())).all())


def entrywise(exercise: Exercise) -> bool:
    """Whether answers are compared entry by entry; elsewhere the exercise's own comparison decides."""
    return exercise.compare.__qualname__.startswith("close.")


def accepted(exercise: Exercise, expected, row: Row) -> bool:
    """Whether the answer would pass if `expected` were what is asked."""
    values = [np.asarray(item, float) for item in parts(expected)]
    got = row.got
    if [v.shape for v in values] != [g.shape for g in got] or not all(np.isfinite(v).all() for v in values):
        return False
    if isinstance(row.right, dict):
        values, got = dict(zip(sorted(row.right), values)), dict(zip(sorted(row.right), got))
    elif isinstance(row.right, tuple):
        values, got = tuple(values), tuple(got)
    else:
        values, got = values[0], got[0]
    return exercise.compare(values, got, row.args) is None


def bits(rows: Iterable[Row]) -> float:
    """How much the values of an answer tell: 10 bits for each real number, log2 of how many different ones for whole ones."""
    values = np.concatenate(
        [np.ravel(g).astype(float) for row in rows for g in row.got if g.dtype.kind in "biuf"] or [[]]
    )
    values = values[np.isfinite(values)]
    whole = np.abs(values - np.round(values)) < 1e-4
    different = len(np.unique(np.round(values[whole], 6)))
    return REAL_BITS * len(np.unique(values[~whole])) + whole.sum() * np.log2(max(different, 1))


# the candidates -----------------------------------------------------------------------------------------------------


def functions_of(entry) -> tuple[Callable, ...]:
    """An entry of an exercise's `others`: one function, or several of which the same is to be said."""
    return (entry,) if callable(entry) else tuple(entry)


def known(exercise: Exercise) -> Iterator[Explanation]:
    """The misconceptions that people wrote down, and quantities that are other than the one asked."""
    for key, wrong in exercise.misconceptions.items():
        yield Explanation(0.5, key, wrong.sentence, lambda row, f=wrong.function: f(*row.args), single=False)
    for says, functions in exercise.others.items():
        for function in functions_of(functions):
            yield Explanation(0.6, says, says, lambda row, f=function: f(*row.args), single=False)


def of_the_result(row: Row) -> Iterator[Explanation]:
    """Relations of the result to the right one; of several results: one of them alone, or all joined."""
    numbers = numbers_of(row.exercise.parameters, row.args)
    for relation in relations({s: n for s, n in row.sizes.items() if s not in numbers}, numbers):
        yield Explanation(
            relation.cost,
            relation.key,
            relation.says,
            lambda row, f=relation.value: tuple(tried(f, w, row.sizes) for w in row.want),
            relation.light,
        )
    n = len(row.want)
    if n > 1:
        for i in range(n):
            yield Explanation(
                1,
                f"results: only {i}",
                f"only the {ITEMS[i]} of the results is returned",
                lambda row, i=i: (row.want[i],),
            )
        yield Explanation(
            1.2,
            "results: joined",
            "the results are joined to one array",
            lambda row: (np.concatenate(row.want, axis=-1),),
        )


def tried(function, *args):
    """The function's value, or nan: a relation may make sense for one of several results only."""
    try:
        return function(*args)
    except Exception:
        return np.array(np.nan)


def of_the_arguments(row: Row) -> Iterator[Explanation]:
    """Arguments that are read otherwise."""
    for reading in readings(row.exercise.parameters, row.args):
        yield Explanation(
            reading.cost,
            reading.key,
            reading.says,
            lambda row, f=reading.change: right(row.exercise, f(row.args)),
            reading.light,
        )


def of_the_steps(row: Row) -> Iterator[Explanation]:
    """Steps of the spelled answer that are done otherwise."""
    for change in stepwise.changes(row.steps, row.arguments):
        yield Explanation(
            change.cost,
            change.key,
            change.says,
            lambda row, c=change: stepwise.run(
                row.exercise.spelled, row.args, stepwise.in_force(c, row.steps, row.arguments)
            ),
            change.light,
        )


def pairs_of_steps(row: Row) -> Iterator[Explanation]:
    """Two different steps that are both done otherwise."""
    light = [change for change in stepwise.changes(row.steps, row.arguments) if change.light]
    some = [(a, b) for a, b in itertools.combinations(light, 2) if a.place[0] != b.place[0]]
    some.sort(key=lambda pair: (pair[0].cost + pair[1].cost, pair[0].key.split(": ")[1] != pair[1].key.split(": ")[1]))
    for a, b in some:
        yield Explanation(
            2 + a.cost + b.cost,
            f"{a.key} & {b.key}",
            both(a.says, b.says),
            lambda row, a=a, b=b: stepwise.run(
                row.exercise.spelled, row.args, {a.place: a.function, b.place: b.function}
            ),
        )


def pairs_of_step_and_reading(row: Row) -> Iterator[Explanation]:
    """A step that is done otherwise, and an argument that is read otherwise."""
    light = [change for change in stepwise.changes(row.steps, row.arguments) if change.light]
    for reading in readings(row.exercise.parameters, row.args):
        if reading.light:
            for change in light:
                yield Explanation(
                    4,
                    f"{reading.key} & {change.key}",
                    both(reading.says, change.says),
                    lambda row, f=reading.change, c=change: stepwise.run(
                        row.exercise.spelled, f(row.args), {c.place: c.function}
                    ),
                )


def both(a: str, b: str) -> str:
    return f"two things: {a.rstrip('.')}; and {b}"


# the search ---------------------------------------------------------------------------------------------------------

WHOLE = -1  # stands for all results together


class Search:
    """A search for what explains the answer on `rows`; `more()` gives rows of fresh draws, once something fits these."""

    def __init__(self, exercise: Exercise, rows: list[Row], more: Callable[[], list[Row]]):
        self.exercise, self.rows, self._more = exercise, rows, more
        self.off = [row for row in rows if is_off(exercise, row)]  # by more than what is not finite
        self.told = bits(self.off)
        self.first = min(self.off or rows, key=lambda row: sum(np.size(g) for g in row.got))
        self.wrong = {
            i for row in rows for i, (w, g) in enumerate(zip(row.want, row.got)) if len(row.want) > 1 and not same(w, g)
        }
        self.found: dict[int, Explanation] = {}
        self.values: list[tuple[Explanation, list]] = []  # what light candidates say about the first row
        taken = self.first.steps if exercise.spelled else []
        self.effort = sum(1 + np.size(step.value) / 130 for step in taken) if taken else 10
        self.left = int(WORK / (5 + self.effort))

    @functools.cached_property
    def fresh(self) -> list[Row]:
        return self._more()

    def fits(self, candidate: Explanation) -> set[int]:
        """The results that a candidate explains, on all rows; WHOLE among them where it explains all together."""
        fitting = self._agree(candidate, self.first)
        for row in self.rows:
            if fitting and row is not self.first:
                fitting &= self._agree(candidate, row)
        for row in self.fresh if fitting else []:
            fitting &= self._agree(candidate, row)
        return fitting

    def _agree(self, candidate: Explanation, row: Row) -> set[int]:
        try:
            with np.errstate(all="ignore"):
                value = candidate.value(row)
                made = parts(value)
        except Exception:
            return set()
        if row is self.first and candidate.light:
            self.values.append((candidate, made))
        try:
            return self._compared(candidate, value, made, row)
        except Exception:
            return set()

    def _compared(self, candidate, value, made, row) -> set[int]:
        pairs = enumerate(zip(made, row.got)) if candidate.single else ()
        fitting = {i for i, (m, g) in pairs if i in self.wrong and same(m, g)}
        if len(made) == len(row.got) and all(map(same, made, row.got)):
            fitting.add(WHOLE)
        elif not entrywise(self.exercise) and accepted(self.exercise, value, row):
            fitting.add(WHOLE)
        return fitting

    def run(self, candidates: Iterable[Explanation]) -> bool:
        """Tries candidates until one explains all results together; keeps the first that explains one of several."""
        for candidate in candidates:
            if self.left <= 0:
                return False
            self.left -= 1
            fitting = self.fits(candidate)
            if WHOLE in fitting:
                self.found = {WHOLE: candidate}
                return True
            for item in fitting:
                self.found.setdefault(item, candidate)
        return bool(self.found)

    def singles(self) -> bool:
        """One thing done otherwise, the cheapest first."""
        order = other_order(self.exercise, [*self.rows, *self.fresh]) if len(self.first.want) > 1 else None
        if order:
            self.found = {WHOLE: order}
            return True
        candidates = [*known(self.exercise), *(of_the_steps(self.first) if self.exercise.spelled else [])]
        candidates += [*of_the_arguments(self.first), *of_the_result(self.first)]
        return self.run(sorted(candidates, key=lambda explanation: explanation.cost))

    def pairs(self) -> bool:
        """Two things done otherwise."""
        candidates = (pairs_of_steps(self.first), self.with_relations(), pairs_of_step_and_reading(self.first))
        return any(self.run(some) for some in candidates)

    def with_relations(self) -> Iterator[Explanation]:
        """Light candidates followed by a light relation of the result."""
        light = [r for r in relations(sizes_of(self.exercise.parameters, self.first.args), {}) if r.light]
        for candidate, made in list(self.values):
            if candidate.key.startswith("result: "):
                continue
            for relation in light:
                if "over axis" in relation.key and candidate.key.endswith("left out"):
                    continue  # what is left of a broadcast is the same in every row
                value = tried(relation.value, made[0], self.first.sizes)
                if np.shape(value) == self.first.got[0].shape and same(np.asarray(value), self.first.got[0]):
                    yield Explanation(
                        4,
                        f"{candidate.key} & {relation.key}",
                        both(candidate.says, relation.says),
                        lambda row, c=candidate, f=relation.value: tuple(f(m, row.sizes) for m in parts(c.value(row))),
                    )


def other_order(exercise: Exercise, rows: list[Row]) -> Explanation | None:
    """The explanation of several results that are right, but in another order than asked."""
    n = len(rows[0].want)
    for order in list(itertools.permutations(range(n)))[1:]:
        if all(len(row.got) == n and in_order(exercise, row, order) for row in rows):
            return Explanation(
                1,
                "results: order",
                f"the results are right, but in another order than {exercise.returns}",
                lambda row: None,
            )
    return None


def in_order(exercise, row, order) -> bool:
    """Whether the answer would pass with its results in this order."""
    keys = sorted(row.right) if isinstance(row.right, dict) else None
    values = [row.got[i] for i in order]
    return accepted(exercise, row.right, Row(exercise, row.case, dict(zip(keys, values)) if keys else tuple(values)))


def is_off(exercise: Exercise, row: Row) -> bool:
    """Whether a row's values, as far as they are finite, are other than the right ones."""
    if entrywise(exercise):
        return len(row.got) != len(row.want) or not all(map(same, row.want, row.got))
    return not accepted(exercise, row.right, row)


def explain(exercise: Exercise, rows: list[Row], asked: "Asked") -> "Found":
    """What explains the answer on these rows, verified on fresh ones: first what one thing done otherwise would be, then
    what the answer does, then where its source is wrong, then two things done otherwise."""
    if bits([row for row in rows if is_off(exercise, row)]) < ENOUGH_BITS:
        rows = rows + asked.fresh()
    search = Search(exercise, rows, asked.fresh)
    asked.most = int(CHANGES / (20 + search.effort))
    if search.told >= ENOUGH_BITS and search.singles():
        return Found(search.found, asked.line())
    behaves = behaviour.zeros_and_ones(rows)
    if not behaves and np.isfinite(search.first.got[0]).all():
        behaves = behaviour.without_effect(
            exercise.parameters, rows, asked.fresh(), asked, lambda args: right(exercise, resolve(args)), asked.source
        )
    if behaves:
        return Found({WHOLE: said(behaves)}, behaves[2])
    if asked.line():
        return asked.repaired()
    if search.told >= PAIR_BITS and exercise.spelled and search.pairs():
        return Found(search.found, "")
    return Found({}, "")


class Found(NamedTuple):
    """Explanations of all results together or of single ones, and the line to look at."""

    explanations: dict[int, Explanation]
    line: str


def said(behaves) -> Explanation:
    key, says, _ = behaves
    return Explanation(1, key, says, lambda row: None)


# from cases to a finding --------------------------------------------------------------------------------------------


class Asked:
    """The answer, to be asked again: rows of fresh draws, other arguments, changed sources."""

    def __init__(self, exercise: Exercise, asking, every: bool, rows: list[Row]):
        self.exercise, self.asking, self.every, self.rows, self.source = exercise, asking, every, rows, asking.source
        self.most = CHANGES

    def __call__(self, args):
        return self.asking(args)

    def fresh(self) -> list[Row]:
        return self._fresh

    @functools.cached_property
    def _fresh(self) -> list[Row]:
        """Rows of one fresh draw, or of as many as it takes to have enough ordinary cases."""
        rows: list[Row] = []
        for i in range(1, DRAWS + 1):
            cases = [case for case in self.asking.cases(i) if self.every or not case.label]
            rows += rows_of(self.exercise, cases, [self.asking(case.args) for case in cases], self.every)
            if len(self.rows) + len(rows) >= ORDINARY:
                break
        return rows

    @functools.cached_property
    def _repairs(self) -> list[Repair]:
        """Small changes of the source, each of which makes the answer right on all rows of the first draw and of fresh ones."""
        working = repairs(self.source)[: self.most]
        for row in [*self.rows, *(self.fresh() if working else [])]:
            if not working:
                break
            outcome = self.asking(row.case_args, variants=[repair.text for repair in working])
            if outcome.kind != "value" or len(outcome.value) != len(working):
                return []
            working = [r for r, value in zip(working, outcome.value) if len(value) and self._right(value[0], row)]
        return working

    def line(self) -> str:
        """The line of the source to look at: the one where a small change makes the answer right."""
        return line_of(self.source, self._repairs[0].line) if self._repairs else ""

    def repaired(self) -> Found:
        """The place in the source where one small change makes the answer right; there must be one."""
        best, line = self._repairs[0], self.line()
        says = f"one small change makes your function right. Look at {best.look} in {line.partition(':')[0]}"
        return Found({WHOLE: Explanation(3, f"line: {best.kind}", says, lambda row: None)}, line)

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


def explained(
    exercise: Exercise, cases, outcomes, findings, asking, known: Finding | None
) -> tuple[Finding | None, str]:
    """The explanation of what is wrong on the ordinary cases, or, where these are right, on the special ones; and the line
    of the answer's source to look at, if there is one. With `known`, a misconception, only the line is looked for."""
    if exercise.trains or len(outcomes) < len(cases) or {outcome.kind for outcome in outcomes} - {"value", "raised"}:
        return known, ""
    ordinary = [i for i, case in enumerate(cases) if not case.label]
    failing = [i for i in ordinary if findings[i]] or [i for i, finding in enumerate(findings) if finding]
    if any(outcomes[i].kind == "raised" for i in [*ordinary, *failing]) or all(
        findings[i].kind == "changed inputs" for i in failing
    ):
        return known, ""
    special = not any(findings[i] for i in ordinary)
    every = special or parts(right(exercise, resolve(cases[ordinary[0]].args)))[0].dtype.kind in "iu"
    rows = rows_of(exercise, cases, outcomes, every)
    if not rows:
        return known, ""
    asked = Asked(exercise, asking, every, rows)
    if known:
        return known, asked.line()
    kind, first = findings[failing[0]].kind, ordinary[0]
    own = behaviour.not_repeatable(asking, cases[first].args, outcomes[first], asking.source)
    if own:
        return Finding(kind, sentence(own[1]), own[0]), own[2]
    found = explain(exercise, rows, asked)
    if not found.explanations:
        return None, ""
    finding = finding_of(found.explanations, kind, rows[0], cases[failing[0]].label if special else "")
    if outcomes[failing[0]].changed:
        finding = finding._replace(text=f"{finding.text} Your function also overwrites its arguments; is that why?")
    return finding, found.line


def rows_of(exercise, cases, outcomes, every) -> list[Row]:
    """The cases that an explanation must fit, with the answer's values: ordinary ones, or all of them. None at all where
    one of the values is no number or array of numbers."""
    rows = [
        Row(exercise, case, outcome.value)
        for case, outcome in zip(cases, outcomes)
        if outcome.kind == "value" and (every or not case.label)
    ]
    try:
        return rows if all(part.dtype.kind in "biuf" for row in rows for part in row.got) else []
    except (ValueError, TypeError):
        return []


def finding_of(found: dict[int, Explanation], kind: str, row: Row, label: str) -> Finding:
    if WHOLE in found:
        text, key = sentence(found[WHOLE].says), found[WHOLE].key
    else:
        names = [f"In the {i} result: " for i in ITEMS]
        if isinstance(row.right, dict):
            names = [f"Under {name!r}: " for name in sorted(row.right)]
        items = sorted(found)
        text = " ".join(names[i] + sentence(found[i].says) for i in items)
        key = " | ".join(f"{names[i]}{found[i].key}" for i in items)
    if label:
        text = f"Your function is right on ordinary inputs, but not {label}. {text}"
    return Finding(kind, text, key)
