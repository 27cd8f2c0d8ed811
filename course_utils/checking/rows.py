"""A case and what the answer made of it, beside the right values: how the two are compared, and how much they tell."""

import functools
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from course_utils.checking import steps as stepwise
from course_utils.checking.calling import Outcome
from course_utils.checking.relations import numbers_of, sizes_of
from course_utils.exercises.model import Case, Exercise
from course_utils.exercises.stand_ins import Named, Rng, resolve

REAL_BITS = 10  # what a real number tells
TINY = 1e-3  # where all numbers of a result are smaller, they are compared with each other, and not with 1


class Row:
    """One case and what the answer made of it."""

    def __init__(self, exercise: Exercise, case: Case, value: Any):
        self.exercise, self.case, self.value = exercise, case, value
        self.case_args, self._args = case.args, resolve(case.args)
        self._once = any(isinstance(arg, Rng) or (isinstance(arg, Named) and "()" in arg.path) for arg in case.args)

    @property
    def args(self) -> tuple:
        """The arguments. Generators, and functions that draw, are new ones for everybody who calls them."""
        return resolve(self.case_args) if self._once else self._args

    @functools.cached_property
    def right(self) -> Any:
        """The right answer."""
        return right(self.exercise, self.args)

    @functools.cached_property
    def want(self) -> list[np.ndarray]:
        """The results in it."""
        return parts(self.right)

    @functools.cached_property
    def got(self) -> list[np.ndarray]:
        """The results that came."""
        return parts(self.value, self.right)

    @functools.cached_property
    def probes(self) -> list["Probe"]:
        """One of each result's values, for `may_be`."""
        return [probe_of(g) for g in self.got]

    @functools.cached_property
    def sizes(self) -> dict[str, float]:
        """What the card's letters are in this case, and its arguments that are numbers."""
        return sizes_of(self.exercise.parameters, self.args) | numbers_of(self.exercise.parameters, self.args)

    @functools.cached_property
    def steps(self) -> list[stepwise.Step]:
        """The steps of the spelled answer."""
        return stepwise.steps_of(self.exercise.spelled, self.args)

    @functools.cached_property
    def arguments(self) -> dict[str, Any]:
        """The arguments by name."""
        return dict(zip(self.exercise.parameters, self.args))


def right(exercise: Exercise, args: tuple) -> Any:
    """The right answer: as it is spelled out, or else the oracle's."""
    return stepwise.run(exercise.spelled, args) if exercise.spelled else exercise.oracle(*args)


def parts(value: Any, like: Any = None) -> list[np.ndarray]:
    """The results in a value: those of a tuple or a dict, or the one. `like` says which, where lists may be arrays."""
    like = value if like is None else like
    if isinstance(like, dict):
        if not isinstance(value, dict) or value.keys() != like.keys():
            raise ValueError("other keys")
        return [np.asarray(value[key]) for key in sorted(value)]
    if isinstance(like, tuple) and (isinstance(value, tuple | list) or len(np.atleast_1d(value)) == len(like)):
        return [np.asarray(item) for item in value]  # a list of equal arrays may have come as one array
    return [np.asarray(value)]


def whole(results: Sequence[np.ndarray], like: Any) -> Any:
    """The value whose `parts` these results are, in the structure of `like`."""
    if isinstance(like, dict):
        return dict(zip(sorted(like), results))
    return tuple(results) if isinstance(like, tuple) else results[0]


def same(candidate: np.ndarray, got: np.ndarray, rtol: float = 1.5e-4, atol: float = 2e-6, tiny: bool = False) -> bool:
    """Equal in shape and in all values, within what float32 rounds; what is not finite in `got` is not compared, unless
    there is nothing else. With `tiny`, values that are all tiny must agree, too, and not only be so."""
    if candidate.shape != got.shape or candidate.dtype.kind not in "biuf" or got.dtype.kind not in "biuf":
        return False
    if not got.size:
        return True
    c, g = candidate.astype(float).ravel(), got.astype(float).ravel()
    finite = np.isfinite(g)
    if not finite.any():
        return np.array_equal(c, g, equal_nan=True)
    if not finite.all():
        c, g = c[finite], g[finite]
    largest = np.abs(g).max()
    scale = largest if tiny and 0 < largest < TINY else max(1.0, largest)
    return bool(np.isfinite(c).all() and (np.abs(c - g) <= rtol * np.abs(c) + atol * scale).all())


class Probe(NamedTuple):
    """One value of an array: where it stands, the array's shape, and how near another array's must be."""

    shape: tuple
    index: int
    value: float
    within: float


def probe_of(got: np.ndarray, rtol: float = 1.5e-4, atol: float = 2e-6) -> Probe:
    """The first finite value of an array; the index is -1 where there is none, or no number."""
    finite = np.flatnonzero(np.isfinite(got)) if got.dtype.kind in "biuf" else []
    if not len(finite):
        return Probe(got.shape, -1, 0.0, 0.0)
    value = float(got.item(finite[0]))
    scale = max(1.0, np.abs(got.ravel()[finite].astype(float)).max())
    return Probe(got.shape, int(finite[0]), value, 2 * rtol * abs(value) + 2 * atol * scale)


def may_be(candidate: np.ndarray, probe: Probe) -> bool:
    """Whether `same` could hold of a candidate and the array that was probed: most do not get as far as that."""
    if candidate.shape != probe.shape or candidate.dtype.kind not in "biuf":
        return False
    return probe.index < 0 or abs(candidate.item(probe.index) - probe.value) <= probe.within


def identical(candidate: np.ndarray, got: np.ndarray) -> bool:
    """The same, and what is not finite is so in the same places."""
    if candidate.shape != got.shape or candidate.dtype.kind not in "biuf":
        return False
    c, g = candidate.astype(float).ravel(), got.astype(float).ravel()
    known = np.isfinite(g)
    return np.array_equal(c[~known], g[~known], equal_nan=True) and (not known.any() or same(c[known], g[known]))


def finite(rows: Iterable[Row]) -> bool:
    """Whether all values that came are finite."""
    return all(np.isfinite(g).all() for row in rows for g in row.got)


def entrywise(exercise: Exercise) -> bool:
    """Whether answers are compared entry by entry; elsewhere the exercise's own comparison decides."""
    return getattr(exercise.compare, "__qualname__", "").startswith("close.")


def accepted(exercise: Exercise, expected: Any, row: Row) -> bool:
    """Whether the answer would pass if `expected` were what is asked."""
    values = [np.asarray(item, float) for item in parts(expected)]
    got = row.got
    if [v.shape for v in values] != [g.shape for g in got] or not all(np.isfinite(v).all() for v in values):
        return False
    return exercise.compare(whole(values, row.right), whole(got, row.right), row.args) is None


def bits(rows: Iterable[Row]) -> float:
    """How much the values tell: 10 bits for each real number, log2 of how many different ones for whole numbers."""
    values = np.concatenate(
        [np.ravel(g).astype(float) for row in rows for g in row.got if g.dtype.kind in "biuf"] or [[]]
    )
    values = values[np.isfinite(values)]
    largest = np.abs(values).max(initial=0.0)
    values = values / largest if 0 < largest < TINY else values
    whole = np.abs(values - np.round(values)) < 1e-4
    different = len(np.unique(np.round(values[whole], 6)))
    return REAL_BITS * len(np.unique(values[~whole])) + whole.sum() * np.log2(max(different, 1))


def is_off(exercise: Exercise, row: Row) -> bool:
    """Whether a row's values, as far as they are finite, are other than the right ones."""
    if entrywise(exercise):
        return len(row.got) != len(row.want) or not all(map(same, row.want, row.got))
    return not accepted(exercise, row.right, row)


def too_large(value: Any) -> bool:
    """Whether a whole number in the value takes more than 64 bits, which the searches' arrays cannot hold."""
    items = value if isinstance(value, list | tuple) else [value]
    return any(isinstance(item, int) and abs(item) >= 1 << 63 for item in items)


def rows_of(exercise: Exercise, cases: Sequence[Case], outcomes: Sequence[Outcome], every: bool) -> list[Row]:
    """The cases that an explanation must fit, with the answer's values: ordinary ones, or all of them, but for those
    whose whole numbers are too large for 64 bits. None at all where one of the values is no number or array of numbers.
    """
    rows = [
        Row(exercise, case, outcome.value)
        for case, outcome in zip(cases, outcomes)
        if outcome.kind == "value" and (every or not case.label) and not too_large(outcome.value)
    ]
    try:
        return rows if all(part.dtype.kind in "biuf" for row in rows for part in row.got) else []
    except (ValueError, TypeError):
        return []
