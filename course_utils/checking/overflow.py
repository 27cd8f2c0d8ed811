"""Answers that are right on ordinary inputs and fail special ones: which way out of overflow was missed.

A candidate must give what the answer gives on every case, infinities and nan included. There is not much to go by where
hardly anything is finite, so where several fit, only what is true of all of them is said.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from course_utils.checking import steps as stepwise
from course_utils.checking.calling import Outcome
from course_utils.checking.candidates import Explanation, other_quantities
from course_utils.checking.rows import Row, parts, too_large, whole
from course_utils.exercises.model import Case, Exercise
from course_utils.exercises.stand_ins import resolve

TINY = (1e-300, 1e-100, 1e-50, 1e-30, 1e-20, 1e-16, 1e-15, 1e-12, 1e-10, 1e-9, 1e-8, 1e-6)
LIMITS = (20, 30, 50, 80, 88, 100, 200, 300, 500, 600, 700, 709, 1000)
MAXIMUM = "Take out the largest entry: subtract it before exp, and add it back after the logarithm"
Reduced = Callable[[np.ndarray, Any], np.ndarray]


def shifted(shift: Reduced) -> Reduced:
    """log mean exp with this number taken out of the exponents, and added back."""

    def inner(value, axis):
        taken = shift(value, axis)
        return np.squeeze(taken, axis) + np.log(np.mean(np.exp(value - taken), axis=axis))

    return inner


def of_the_logarithm() -> Iterator[tuple[str, str, Reduced]]:
    """(key, sentence, log mean exp with a fault that shows where exp overflows or underflows)."""
    keep: Any = {"keepdims": True}
    over = "over {n}"
    yield (
        "no maximum",
        f"exp overflows for large entries and underflows for small ones: nothing is taken out. {MAXIMUM} ({over})",
        lambda v, axis: np.log(np.mean(np.exp(v), axis=axis)),
    )
    yield (
        "mean taken out",
        f"the mean is taken out before exp, so that what lies far above it still overflows. {MAXIMUM} ({over})",
        shifted(lambda v, axis: v.mean(axis=axis, **keep)),
    )
    yield (
        "minimum taken out",
        f"the smallest entry is taken out before exp, so that large ones still overflow. {MAXIMUM} ({over})",
        shifted(lambda v, axis: v.min(axis=axis, **keep)),
    )
    yield (
        "one maximum",
        f"one maximum is taken out of all entries together: those far below underflow. Take out the largest {over}",
        shifted(lambda v, axis: np.max(v, axis=axis, **keep) * 0 + np.max(v)),
    )
    yield (
        "largest absolute value",
        f"the largest absolute value is taken out, which makes negative entries smaller still. {MAXIMUM} ({over})",
        shifted(lambda v, axis: np.abs(v).max(axis=axis, **keep)),
    )
    yield (
        "maximum from zero",
        (
            "what is taken out before exp is never below 0, so that exp underflows where all entries are very negative."
            f" {MAXIMUM} ({over}), negative or not"
        ),
        shifted(lambda v, axis: np.maximum(v.max(axis=axis, **keep), 0)),
    )
    for tiny in TINY:
        yield (
            f"{tiny:g} in the logarithm",
            "a tiny number inside the logarithm hides that exp underflows, and puts a wrong value there. " + MAXIMUM,
            lambda v, axis, t=tiny: np.log(np.mean(np.exp(v), axis=axis) + t),
        )
    for limit in LIMITS:
        yield (
            f"clipped at {limit}",
            "the exponents are clipped, which changes entries instead of shifting all of them. " + MAXIMUM,
            lambda v, axis, m=limit: np.log(np.mean(np.exp(np.clip(v, -m, m)), axis=axis)),
        )


def summed(function: Reduced) -> Reduced:
    """The same for a sum in the place of the mean."""
    return lambda v, axis: function(v, axis) + np.log(stepwise.size(v, axis))


def numerical(exercise: Exercise, args: tuple) -> Iterator[Explanation]:
    """Candidates: the exercise's own, then those of every log of a sum or mean of exponentials among its steps."""
    yield from other_quantities(exercise)
    if not exercise.spelled:
        return
    for step in {s.name: s for s in stepwise.steps_of(exercise.spelled, args)}.values():
        if step.role in ("log mean exp", "log sum exp"):
            for key, says, function in of_the_logarithm():
                change = function if step.role == "log mean exp" else summed(function)
                place: dict[stepwise.Place, Callable] = {
                    (step.name, None): lambda v, axis, f=change: f(np.asarray(v, float), axis)
                }
                yield Explanation(
                    1,
                    f"{step.name}: {key}",
                    says.format(n=step.name),
                    lambda row, p=place: stepwise.run(exercise.spelled, row.args, p),
                )


def out_of_range(exercise: Exercise, cases: Sequence[Case], outcomes: Sequence[Outcome]) -> Explanation | None:
    """What explains all outcomes, special ones too, of an answer that is right on ordinary inputs."""
    if any(outcome.kind != "value" for outcome in outcomes):
        return None
    order = sorted(range(len(cases)), key=lambda i: not cases[i].label)  # special ones tell candidates apart
    fitting = []
    with np.errstate(all="ignore"):
        for candidate in numerical(exercise, resolve(cases[0].args)):
            if all(gives(exercise, candidate, cases[i], outcomes[i].value) for i in order):
                fitting.append(candidate)
    if len({candidate.says for candidate in fitting}) < 2:
        return fitting[0] if fitting else None
    says = "exp overflows or underflows there. " + MAXIMUM
    return Explanation(1, "exp out of range", says, lambda row: None)


SMALL = (
    "a small number is added to probabilities before the logarithm is taken (or they are clipped), so that what is "
    "nearly impossible costs too little. Work with logarithms throughout: the log of a softmax is l - log sum exp(l), "
    "that of a sigmoid -log(1 + exp(-l)), which np.logaddexp has"
)


def small_number(exercise: Exercise, cases: Sequence[Case], outcomes: Sequence[Outcome]) -> Explanation | None:
    """Where values that should be large are whole multiples of log 10: logarithms of 1e-8, 1e-12 ..., added up."""
    found = 0
    for case, outcome in zip(cases, outcomes):
        if outcome.kind != "value" or too_large(outcome.value):
            return None
        row = Row(exercise, case, outcome.value)
        for want, got in zip(row.want, row.got):
            if want.shape != got.shape or got.dtype.kind not in "iuf" or not np.isfinite(got).all():
                return None
            off = ~np.isclose(got, want, rtol=1e-4, atol=1e-4)
            tens = got[off] / np.log(10)
            exact = np.abs(tens - np.round(tens)) < 1e-5
            if not (exact & (np.abs(tens) >= 5) & (np.abs(got[off]) < np.abs(want[off]))).all():
                return None
            found += off.sum()
    return Explanation(1, "small number in the logarithm", SMALL, lambda row: None) if found else None


def gives(exercise: Exercise, candidate: Explanation, case: Case, value: Any) -> bool:
    """Whether an answer that does as the candidate says would have this value."""
    row = Row(exercise, case, value)
    try:
        made = candidate.value(row)
        expected, got = parts(made), parts(value, made)
        if [e.shape for e in expected] != [g.shape for g in got]:
            return False
        return exercise.compare(whole(expected, made), whole(got, made), (*row.args, *case.hidden)) is None
    except Exception:
        return False
