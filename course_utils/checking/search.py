"""The search among candidates: the cheapest whose values are the answer's on all rows, of fresh draws, too."""

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from course_utils.checking.candidates import (
    Explanation,
    both,
    known,
    of_the_arguments,
    of_the_result,
    of_the_steps,
    of_turned_steps,
    of_two_steps,
    pairs_of_step_and_reading,
    pairs_of_steps,
    tried,
)
from course_utils.checking.relations import relations, sizes_of
from course_utils.checking.rows import (
    Row,
    accepted,
    bits,
    entrywise,
    finite,
    identical,
    is_off,
    may_be,
    parts,
    same,
    whole,
)
from course_utils.checking.steps import effort
from course_utils.exercises.model import Exercise

# Of a search: how many calls of functions its candidates may cost in all, some third of a microsecond each.
WORK = 450_000
COMPARED = 60  # calls that it takes to make a candidate and to compare its values, whatever the exercise
UNSPELLED = 150  # calls that an oracle takes where no answer is spelled out
FOR_RELATIONS = 100  # candidates that are left for pairs with a relation of the result, however many pairs of steps
WHOLE = -1  # stands for all results together


class Search:
    """A search for what explains the answer on `rows`; `more()` gives rows of fresh draws, once something fits. On
    `special` rows an explanation need not fit, but of several that people wrote down, one that does is the better."""

    def __init__(self, exercise: Exercise, rows: list[Row], more: Callable[[], list[Row]], special: Sequence[Row] = ()):
        self.exercise, self.rows, self._more, self.special = exercise, rows, more, special
        self.off = [row for row in rows if is_off(exercise, row)]  # by more than what is not finite
        self.told = bits(self.off)
        self.first = min(self.off or rows, key=lambda row: (nowhere_finite(row), sum(np.size(g) for g in row.got)))
        self.wrong = {
            i for row in rows for i, (w, g) in enumerate(zip(row.want, row.got)) if len(row.want) > 1 and not same(w, g)
        }
        self.found: dict[int, Explanation] = {}
        self.values: list[tuple[Explanation, list]] = []  # what light candidates say about the first row
        self.effort = effort(exercise.spelled, self.first.args) if exercise.spelled else UNSPELLED
        self.left: float = WORK

    @functools.cached_property
    def fresh(self) -> list[Row]:
        """Rows of fresh draws."""
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
        agree = [may_be(m, probe) and same(m, g, tiny=True) for m, g, probe in zip(made, row.got, row.probes)]
        fitting = {i for i in self.wrong if i < len(agree) and agree[i]} if candidate.single else set()
        as_it_stands = len(made) == len(row.got) and all(agree)
        if as_it_stands or (not entrywise(self.exercise) and accepted(self.exercise, value, row)):
            fitting.add(WHOLE)
        return fitting

    def run(self, candidates: Iterable[Explanation]) -> bool:
        """Tries candidates until one explains all results together; keeps the first that explains one of several."""
        for candidate in candidates:
            cost = COMPARED + self.effort * candidate.again
            if self.left < cost:
                return False
            self.left -= cost
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
        if self.written():
            return True
        candidates = []
        if self.exercise.spelled:
            candidates += [*of_the_steps(self.first), *of_turned_steps(self.first), *of_two_steps(self.first)]
        candidates += [*of_the_arguments(self.first), *of_the_result(self.first)]
        return self.run(sorted(candidates, key=lambda explanation: explanation.cost))

    def written(self) -> bool:
        """What people wrote down: the first that fits special rows, too, or else the first that fits at all."""
        first = None
        for candidate in known(self.exercise):
            self.left -= COMPARED + self.effort
            if WHOLE in self.fits(candidate):
                first = first or candidate
                if all(WHOLE in self._agree(candidate, row) for row in self.special):
                    first = candidate
                    break
        if first:
            self.found = {WHOLE: first}
        return bool(first)

    def exactly(self) -> bool:
        """A quantity that is known, with what is not finite in the same places: where finite values tell too little."""
        rows = [*self.rows, *self.fresh] if self.rows and not finite(self.rows) else []
        for candidate in known(self.exercise) if rows else ():
            if all(self._identical(candidate, row) for row in rows):
                self.found = {WHOLE: candidate}
                return True
        return False

    def _identical(self, candidate: Explanation, row: Row) -> bool:
        try:
            with np.errstate(all="ignore"):
                made = parts(candidate.value(row))
            return len(made) == len(row.got) and all(map(identical, made, row.got))
        except Exception:
            return False

    def pairs(self) -> bool:
        """Two things done otherwise."""
        few = min(FOR_RELATIONS * (COMPARED + self.effort), self.left)
        self.left -= few
        if self.run(pairs_of_steps(self.first)):
            return True
        self.left += few
        return self.run(self.with_relations()) or self.run(pairs_of_step_and_reading(self.first))

    def with_relations(self) -> Iterator[Explanation]:
        """Light candidates followed by a light relation of the result."""
        light = [r for r in relations(sizes_of(self.exercise.parameters, self.first.args), {}) if r.light]
        probe = self.first.probes[0]
        undone = {f"result: {word} {size}" for word in ("times", "over") for size in self.first.sizes}
        for candidate, made in list(self.values):
            if candidate.key.startswith("result: "):
                continue
            for relation in light:
                if "over axis" in relation.key and candidate.key.endswith("left out"):
                    continue  # what is left of a broadcast is the same in every row
                if candidate.key.endswith((": mean", ": sum")) and relation.key in undone:
                    continue  # which would undo part of it, whatever the answer really does
                value = tried(relation.value, made[0], self.first.sizes)
                if may_be(np.asarray(value), probe) and same(np.asarray(value), self.first.got[0]):
                    yield Explanation(
                        4,
                        f"{candidate.key} & {relation.key}",
                        both(candidate.says, relation.says),
                        lambda row, c=candidate, f=relation.value: tuple(f(m, row.sizes) for m in parts(c.value(row))),
                    )


def nowhere_finite(row: Row) -> bool:
    """Whether none of the answer's values is finite."""
    return not any(np.isfinite(g).any() for g in row.got)


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


def in_order(exercise: Exercise, row: Row, order: Sequence[int]) -> bool:
    """Whether the answer would pass with its results in this order."""
    reordered = whole([row.got[i] for i in order], row.right)
    return accepted(exercise, row.right, Row(exercise, row.case, reordered))
