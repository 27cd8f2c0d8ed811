"""Answers spelled out in named steps, and what becomes of them when one step is done otherwise.

An exercise's `spelled(P, *args)` computes its answer and tells P each of its steps:

    variance = P.term("sigma^2", np.exp(2 * log_sigma))
    return P.factor("the factor 1/2", 0.5) * P.sum(variance + ..., 1, "the latent dimensions")

Every method returns the value it is given (or what the reduction makes of it), unless a change of that step is in
force. Names go into sentences: with an article where a word needs one.
"""

import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, NoReturn

import numpy as np

from course_utils.checking.wording import about

Axis = int | tuple[int, ...] | None
Place = tuple[str, int | None]  # a step's name, and which time it is taken: None is every time


class Step(NamedTuple):
    """A step as it was taken: its role, its value (for a reduction: what is reduced) and what the sentences need."""

    name: str
    time: int
    role: str
    value: Any
    axis: Any
    why: str


class Alone(Exception):  # no error: an early end
    """Ends a spelled answer early: its value is what is returned."""

    def __init__(self, value: Any):
        self.value = value


class Steps:
    """P: records the steps of a spelled answer, or applies changes to them."""

    def __init__(self, changes: dict[Place, Callable] | None = None):
        self.changes = changes or {}
        self.log: list[Step] = []
        self._times: dict[str, int] = {}

    def _take(self, name, role, value, axis=None, why=""):
        """The change that is in force at this step, if there is one."""
        time = self._times[name] = self._times.get(name, -1) + 1
        if not self.changes:
            self.log.append(Step(name, time, role, value, axis, why))
            return None
        return self.changes.get((name, None)) or self.changes.get((name, time))

    def _plain(self, name, role, value, why):
        change = self._take(name, role, value, why=why)
        return change(value) if change else value

    def __call__(self, name, value, why=""):
        """A quantity."""
        return self._plain(name, "value", value, why)

    def term(self, name: str, value: Any, why: str = "") -> Any:
        """Something that is added or subtracted."""
        return self._plain(name, "term", value, why)

    def factor(self, name: str, value: Any, why: str = "") -> Any:
        """Something that is multiplied with."""
        return self._plain(name, "factor", value, why)

    def divisor(self, name: str, value: Any, why: str = "") -> Any:
        """Something that is divided by."""
        return self._plain(name, "divisor", value, why)

    def apply(self, name: str, function: Callable, value: Any, why: str = "") -> Any:
        """A function of a value, entry by entry: tanh, exp, log, a square ..."""
        change = self._take(name, "function", value, function, why)
        return change(value) if change else function(value)

    def _reduce(self, kind, value, axis, over, why):
        change = self._take(over, kind, value, axis, why)
        return change(value, axis) if change else REDUCE[kind](filled(value), axis)

    def sum(self, value: Any, axis: Axis, over: str, why: str = "") -> Any:
        """The sum over an axis, or over all entries for axis None; `over` says what they are: "the dimensions"."""
        return self._reduce("sum", value, axis, over, why)

    def mean(self, value: Any, axis: Axis, over: str, why: str = "") -> Any:
        """The mean over an axis."""
        return self._reduce("mean", value, axis, over, why)

    def log_mean_exp(self, value: Any, axis: Axis, over: str, why: str = "", made: Any = None) -> Any:
        """The log of the mean of exponentials over an axis; `made` is its value where steps before have made it."""
        if made is None:
            return self._reduce("log mean exp", value, axis, over, why)
        change = self._take(over, "log mean exp", value, axis, why)
        return change(value, axis) if change else made

    def log_sum_exp(self, value: Any, axis: Axis, over: str, why: str = "") -> Any:
        """The log of the sum of exponentials over an axis."""
        return self._reduce("log sum exp", value, axis, over, why)

    def max(self, value: Any, axis: Axis, over: str, why: str = "") -> Any:
        """The largest over an axis."""
        return self._reduce("max", value, axis, over, why)


def run(spelled: Any, args: tuple, changes: dict[Place, Callable] | None = None) -> Any:
    """The value of a spelled answer with changes in force."""
    with np.errstate(all="ignore"):
        try:
            return spelled(Steps(changes), *args)
        except Alone as end:
            return end.value


def steps_of(spelled: Any, args: tuple) -> list[Step]:
    """The steps that a spelled answer takes."""
    recorder = Steps()
    with np.errstate(all="ignore"):
        spelled(recorder, *args)
    return recorder.log


NUMBERS = 25  # that count as much as a call


def effort(spelled: Any, args: tuple) -> float:
    """What a spelled answer costs, in calls of functions, Python's and numpy's: no clock, so the same at every time."""
    recorder, calls = Steps(), 0

    def count(frame, event, arg):
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        with np.errstate(all="ignore"):
            spelled(recorder, *args)
    finally:
        sys.setprofile(before)
    return calls + sum(np.size(step.value) for step in recorder.log) / NUMBERS


# what may become of a value -----------------------------------------------------------------------------------------


def positive(function: Callable) -> Callable:
    """The function where all values are positive; elsewhere there is no such value."""

    def inner(value):
        value = np.asarray(value, float)
        if not (value > 0).all():
            raise ValueError("not positive")
        return function(value)

    return inner


def transposed(value: Any) -> np.ndarray:
    """A matrix transposed; ValueError where it is none."""
    value = np.asarray(value)
    if value.ndim != 2:
        raise ValueError("not a matrix")
    return value.T


def alone(value: Any) -> NoReturn:
    """Ends the spelled answer with this value."""
    raise Alone(value)


def reciprocal(value: Any) -> np.ndarray:
    """1 / value."""
    return 1 / np.asarray(value, float)


def sigmoid(value: Any) -> np.ndarray:
    """1 / (1 + exp(-value))."""
    return 1 / (1 + np.exp(-np.asarray(value, float)))


class Done(NamedTuple):
    """One thing done otherwise: its cost, key, sentence, function, and whether pairs may contain it."""

    cost: float
    key: str
    says: str
    function: Callable | None  # None where it depends on what is meant
    light: bool = False


LEFT_OUT = "{n} {is} left out"
TERM = [
    Done(1, "left out", LEFT_OUT, lambda v: 0 * v, True),
    Done(1, "sign", "{n} {has} the wrong sign", lambda v: -v, True),
    Done(1.05, "doubled", "{n} count{s} twice as much as {it} should", lambda v: 2 * v, True),  # after "left out":
    Done(1.05, "halved", "{n} count{s} half as much as {it} should", lambda v: v / 2, True),  # of two alike, say
    Done(1, "alone", "you return {n} alone", alone),
    Done(1.5, "reciprocal", "{n} {is} upside down: the reciprocal is taken", reciprocal),
    Done(1.5, "squared", "{n} {is} squared, but should stand as {it} {is}", np.square),
    Done(1.5, "root", "a square root is taken of {n}; {it} should stand as {it} {is}", positive(np.sqrt)),
    Done(1.6, "one", "1 stands where {n} belong{s}", lambda v: 0 * v + 1.0),
    Done(1.6, "absolute", "the absolute value is taken of {n}", np.abs),
    Done(1.6, "four times", "{n} count{s} four times as much as {it} should", lambda v: 4 * v),
]
FACTOR = [
    Done(1, "left out", LEFT_OUT, lambda v: 0 * v + 1.0, True),
    Done(1, "divided by", "you divide by {n}, where you should multiply", reciprocal, True),
    Done(1, "squared", "{n} {is} there once too often", np.square, True),
    Done(1.5, "root", "a square root is taken of {n}; {it} should stand as {it} {is}", positive(np.sqrt), True),
    Done(1.1, "sign", "{n} {has} the wrong sign", lambda v: -v, True),
    Done(1, "alone", "you return {n} alone", alone),
    Done(1.5, "less one", "{n} {is} too small by 1", lambda v: np.asarray(v, float) - 1),
    Done(1.5, "plus one", "{n} {is} too large by 1", lambda v: np.asarray(v, float) + 1),
    Done(1.5, "halved", "{n} {is} half as large as {it} should be", lambda v: v / 2, True),
    Done(1.5, "doubled", "{n} {is} twice as large as {it} should be", lambda v: 2 * v, True),
]
DIVISOR = [
    Done(1, "left out", "you do not divide by {n}", lambda v: 0 * v + 1.0, True),
    Done(1, "multiplied", "you multiply by {n}, where you should divide", reciprocal, True),
    Done(1, "squared", "you divide by {n} once too often", np.square, True),
    Done(1.5, "root", "you divide by the square root of {n}", positive(np.sqrt), True),
    *[d for d in FACTOR if d.key in ("less one", "plus one", "halved", "doubled", "alone")],
]
VALUE = [
    Done(1, "left out", "{n} {is} left out: 0 stands in {its} place", lambda v: 0 * v, True),
    Done(1.2, "one", "{n} {is} left out: 1 stands in {its} place", lambda v: 0 * v + 1.0, True),
    Done(1, "sign", "{n} {has} the wrong sign", lambda v: -v, True),
    Done(1, "alone", "you return {n} alone", alone),
    Done(1.5, "doubled", "{n} {is} twice as large as {it} should be", lambda v: 2 * v, True),
    Done(1.5, "halved", "{n} {is} half as large as {it} should be", lambda v: v / 2, True),
    Done(1.5, "squared", "{n} {is} squared, but should stand as {it} {is}", np.square, True),
    Done(1.5, "root", "a square root is taken of {n}; {it} should stand as {it} {is}", positive(np.sqrt), True),
    Done(1.5, "reciprocal", "{n} {is} upside down: the reciprocal is taken", reciprocal),
    Done(1.5, "exponential", "the exponential is taken of {n} once too often", np.exp),
    Done(1.5, "logarithm", "the logarithm is taken of {n} once too often", positive(np.log)),
    Done(1.5, "absolute", "the absolute value is taken of {n}", np.abs),
    Done(1.5, "transposed", "{n} {is} transposed", transposed),
    Done(1.6, "one minus", "1 minus {n} stands where {n} belong{s}", lambda v: 1 - np.asarray(v, float)),
    Done(1.8, "less one", "{n} {is} too small by 1", lambda v: np.asarray(v, float) - 1),
    Done(1.8, "plus one", "{n} {is} too large by 1", lambda v: np.asarray(v, float) + 1),
]
FUNCTIONS = {
    "tanh": np.tanh,
    "ReLU, max(0, a),": lambda v: np.maximum(v, 0),
    "a sigmoid": sigmoid,
    "exp": np.exp,
    "the natural logarithm": positive(np.log),
    "log2": positive(np.log2),
    "log10": positive(np.log10),
    "log(1 + a)": np.log1p,
    "exp(a) - 1": np.expm1,
    "a square root": positive(np.sqrt),
    "a square": np.square,
    "an absolute value": np.abs,
    "a cube": lambda v: np.asarray(v, float) ** 3,
    "a factor 2": lambda v: 2 * v,
    "exp(-a)": lambda v: np.exp(-np.asarray(v, float)),
    "exp(2 a)": lambda v: np.exp(2 * np.asarray(v, float)),
    "exp(a / 2)": lambda v: np.exp(np.asarray(v, float) / 2),
    "a sine": np.sin,
    "a cosine": np.cos,
    "the angle": np.arcsin,
}
FUNCTION = [
    Done(1, "left out", LEFT_OUT, lambda v: v, True),
    *[Done(1.3, words, words + " stands where {n} belong{s}", f) for words, f in FUNCTIONS.items()],
    Done(1.2, "sign", "{n} {has} a minus too many or too few inside", None, True),
    Done(1.4, "twice", "{n} {is} taken twice", None),
]
ROLES = {"term": TERM, "factor": FACTOR, "divisor": DIVISOR, "value": VALUE, "function": FUNCTION}


# what may become of a reduction -------------------------------------------------------------------------------------


def filled(value: Any) -> np.ndarray:
    """The value as an array of real numbers; ValueError where there is none: its mean would be nan, with a warning."""
    value = np.asarray(value, float)
    if not value.size:
        raise ValueError("nothing to reduce")
    return value


def log_mean_exp(value: Any, axis: Any) -> np.ndarray:
    """The log of the mean of exponentials over an axis."""
    value = np.asarray(value, float)
    top = value.max(axis=axis, keepdims=True)
    return np.squeeze(top, axis) + np.log(np.mean(np.exp(value - top), axis=axis))


def log_sum_exp(value: Any, axis: Any) -> np.ndarray:
    """The log of the sum of exponentials over an axis."""
    return log_mean_exp(value, axis) + np.log(np.size(value) if axis is None else np.shape(value)[axis])


def other(axis: Any, value: Any) -> int:
    """The other axis of the last two."""
    if axis is None or np.ndim(value) < 2:
        raise ValueError("there is no other axis")
    last, before = np.ndim(value) - 1, np.ndim(value) - 2
    return before if axis % np.ndim(value) == last else last


def end(which: int) -> Callable:
    """A reduction that takes the entry `which` alone."""
    return lambda v, axis: np.take(v, which, axis)


REDUCE = {
    "sum": lambda v, axis: v.sum(axis=axis),
    "mean": lambda v, axis: v.mean(axis=axis),
    "log mean exp": log_mean_exp,
    "log sum exp": log_sum_exp,
    "max": lambda v, axis: v.max(axis=axis),
}
MEANT = {
    "sum": "a sum is meant",
    "mean": "a mean is meant",
    "log mean exp": "the log of the mean of exponentials is meant",
    "log sum exp": "the log of the sum of exponentials is meant",
    "max": "the largest is meant",
}
REDUCTION = [
    Done(1, "sum", "you sum over {n}, where {meant}", REDUCE["sum"], True),
    Done(1, "mean", "you average over {n}, where {meant}", REDUCE["mean"], True),
    Done(1, "log sum exp", "you take the log of the sum over {n}, where {meant}", log_sum_exp, True),
    Done(1, "log mean exp", "you take the log of the mean of exponentials over {n}, where {meant}", log_mean_exp, True),
    Done(1, "nothing", "nothing is reduced over {n}, where {meant}", lambda v, axis: v),
    Done(1, "max", "only the largest over {n} counts, where {meant}", REDUCE["max"], True),
    Done(1.2, "min", "only the smallest over {n} counts, where {meant}", lambda v, axis: v.min(axis=axis)),
    Done(1.2, "first", "only the first of {n} counts, where {meant}", end(0)),
    Done(1.2, "last", "only the last of {n} counts, where {meant}", end(-1)),
    Done(1.4, "second", "only the second of {n} counts, where {meant}", end(1)),
    Done(1.3, "without first", "the first of {n} is left out", None),
    Done(1.3, "without last", "the last of {n} is left out", None),
    Done(1.3, "product", "you multiply over {n}, where {meant}", lambda v, axis: v.prod(axis=axis)),
    Done(1.3, "root", "a square root is taken after the reduction over {n}", None),
    Done(1.3, "square", "you square after the reduction over {n}", None),
    Done(1.2, "sum of all", "you sum over everything, not over {n} alone", lambda v, axis: v.sum()),
    Done(1.2, "mean of all", "you average over everything, not over {n} alone", lambda v, axis: v.mean()),
    Done(1.2, "other sum", "you sum over the wrong axis: {meant_over}", lambda v, axis: v.sum(axis=other(axis, v))),
    Done(
        1.2, "other mean", "you average over the wrong axis: {meant_over}", lambda v, axis: v.mean(axis=other(axis, v))
    ),
    Done(1.1, "other", "the axis is the wrong one: {meant_over}", None),
    Done(
        1.4,
        "n - 1",
        "you divide by one less than the number of {bare}",
        lambda v, axis: v.sum(axis=axis) / (size(v, axis) - 1),
        True,
    ),
    Done(
        1.4,
        "n + 1",
        "you divide by one more than the number of {bare}",
        lambda v, axis: v.sum(axis=axis) / (size(v, axis) + 1),
    ),
    Done(1.2, "kept", "the axis of {n} is kept, with length 1", None),
    Done(1.5, "median", "you take the median over {n}, where {meant}", lambda v, axis: np.median(v, axis=axis)),
    Done(
        1.4,
        "root of n",
        "you divide by the root of the number of {bare}",
        lambda v, axis: v.sum(axis=axis) / np.sqrt(size(v, axis)),
    ),
]

LOGARITHMIC = [  # of a log of a sum or mean of exponentials
    Done(1.2, "not added back", "the largest over {n} is taken out before exp, and not added back after the log", None),
    Done(1.2, "taken out twice", "the largest over {n} is subtracted after the log, where it should be added", None),
    Done(1.2, "added inside", "the largest over {n} is added back inside the log; it belongs outside", None),
    Done(1.2, "divided outside", "you divide by the number of {bare} outside the log; it belongs inside", None),
    Done(1.2, "count", "the number of {bare} is subtracted after the log, where its logarithm belongs", None),
    Done(1.3, "log added", "the log of the number of {bare} is added, where it should be subtracted", None),
]


def changed_logarithm(done: Done, kind: str) -> Callable | None:
    """The function that takes the place of a log of a sum or mean of exponentials; None where that is none."""
    own = REDUCE[kind]
    made = {
        "not added back": lambda v, axis: own(v, axis) - v.max(axis=axis),
        "taken out twice": lambda v, axis: own(v, axis) - 2 * v.max(axis=axis),
        "added inside": lambda v, axis: np.log(v.max(axis=axis) + np.exp(own(v, axis) - v.max(axis=axis))),
        "divided outside": lambda v, axis: log_sum_exp(v, axis) / size(v, axis),
        "count": lambda v, axis: log_sum_exp(v, axis) - size(v, axis),
        "log added": lambda v, axis: log_sum_exp(v, axis) + np.log(size(v, axis)),
    }
    if kind == "log sum exp" and done.key in ("divided outside", "count", "log added"):
        return None  # no mean is meant
    return lambda v, axis: made[done.key](filled(v), axis)


def size(value: Any, axis: Any) -> int:
    """How many entries a reduction over an axis reduces."""
    return np.size(value) if axis is None else np.shape(value)[axis]


def changed_reduction(done: Done, kind: str) -> Callable | None:
    """The function that takes the place of a reduction of this kind; None where that would be no change."""
    own = REDUCE[kind]
    made = {
        "without first": lambda v, axis: own(np.delete(v, 0, axis), axis),
        "without last": lambda v, axis: own(np.delete(v, -1, axis), axis),
        "root": lambda v, axis: np.sqrt(own(v, axis)),
        "square": lambda v, axis: np.square(own(v, axis)),
        "other": lambda v, axis: own(v, other(axis, v)),
        "kept": lambda v, axis: np.expand_dims(own(v, axis), axis) if axis is not None else 1 / 0,
    }
    if done.key == kind or (done.key in ("other sum", "other mean") and done.key.split()[1] == kind):
        return None
    function: Any = made.get(done.key, done.function)
    return lambda v, axis: function(filled(v), axis)


def changed_function(done: Done, own: Callable) -> Callable | None:
    """The function that takes the place of an applied one."""
    if done.key == "sign":
        return lambda v: own(-v)
    if done.key == "twice":
        return lambda v: own(own(v))
    return None if done.function is own else done.function


# all changes of one step --------------------------------------------------------------------------------------------


class Change(NamedTuple):
    """What is done otherwise at one step. `replacement` says whose value stands there: ("step" or "argument", name)."""

    cost: float
    key: str
    says: str
    place: Place
    function: Callable | None
    light: bool
    replacement: tuple[str, str] | None = None


def places(taken: list[Step]) -> list[tuple[int | None, str]]:
    """Every time at once, then one by one where there are several."""
    if len(taken) == 1:
        return [(None, "")]
    words = [", where it first occurs", *[", in one place"] * (len(taken) - 2), ", where it last occurs"]
    return [(None, ""), *((step.time, word) for step, word in zip(taken, words))]


def changes(steps: list[Step], arguments: dict) -> list[Change]:
    """All changes of single steps. `arguments` by name: one of the same shape may stand in a step's place."""
    taken: dict[str, list[Step]] = {}
    for step in steps:
        taken.setdefault(step.name, []).append(step)
    return [
        change
        for several in taken.values()
        for time, where in places(several)
        for change in [*own_changes(several[0], time, where), *replaced(several[0], time, where, taken, arguments)]
    ]


def own_changes(step: Step, time: int | None, where: str) -> Iterator[Change]:
    """What may become of a step by itself; `time` and `where` say which time it is taken."""
    dones = ROLES.get(step.role, REDUCTION)
    for done in [*dones, *(LOGARITHMIC if step.role.startswith("log ") else [])]:
        function = done.function
        if done in LOGARITHMIC:
            function = changed_logarithm(done, step.role)
        elif dones is REDUCTION:
            function = changed_reduction(done, step.role)
        elif dones is FUNCTION:
            function = changed_function(done, step.axis)
        if function:
            words = {"meant": MEANT.get(step.role, ""), "bare": step.name.removeprefix("the ")}
            words["meant_over"] = words["meant"].replace(" is meant", f" over {step.name} is meant")
            name = step.name.split(" in ")[0] if done.key == "alone" else step.name
            says = about(done.says, name, **words) + where
            if dones is REDUCTION and step.role == "log mean exp" and done.key == "mean":
                says = f"this is the mean of the logs over {step.name}: the log stands outside the mean"
            yield Change(
                done.cost + 0.1 * (time is not None),
                f"{step.name}: {done.key}{where}",
                with_reason(says, step),
                (step.name, time),
                function,
                done.light and time is None,
            )


def with_reason(says: str, step: Step) -> str:
    """The sentence, with an author's ending where the step has one."""
    return f"{says}. {step.why}" if step.why else says


def replaced(
    step: Step, time: int | None, where: str, taken: dict[str, list[Step]], arguments: dict[str, Any]
) -> Iterator[Change]:
    """Another quantity of the same shape in a step's place: another step's value, an argument, its transpose."""
    if step.role not in ROLES or step.role == "function":
        return
    shape = np.shape(step.value)
    rows = [
        (1.7, "step", name, several[0].value, name)
        for name, several in taken.items()
        if name != step.name and several[0].role in ROLES and several[0].role != "function"
    ]
    rows += [(1.6, "argument", name, value, f"`{name}`") for name, value in arguments.items() if is_number_like(value)]
    rows += [
        (1.8, "transpose", name, value.T, f"`{name}`, transposed,")
        for name, value in arguments.items()
        if isinstance(value, np.ndarray) and value.ndim == 2
    ]
    for cost, kind, name, value, words in rows:
        if np.shape(value) == shape and not np.array_equal(value, step.value):
            says = about("it is as if {other} stood where {n} belong{s}", step.name, other=words)
            key = f"{step.name}: {name}{'.T' if kind == 'transpose' else ''} in its place{where}"
            yield Change(cost, key, says + where, (step.name, time), None, False, (kind, name))


def is_number_like(value: Any) -> bool:
    """Whether it is a number or an array of numbers."""
    if isinstance(value, bool):
        return False
    return isinstance(value, int | float | np.number) or (isinstance(value, np.ndarray) and value.dtype.kind in "fiu")


def in_force(change: Change, steps: list[Step], arguments: dict) -> dict[Place, Callable]:
    """The change as a Steps object takes it, for the case whose steps and arguments these are."""
    if change.function is not None:
        return {change.place: change.function}
    assert change.replacement
    kind, name = change.replacement
    if kind == "step":
        value = next(step.value for step in steps if step.name == name)
    else:
        value = arguments[name].T if kind == "transpose" else arguments[name]
    return {change.place: lambda _: value}
