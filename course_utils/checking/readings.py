"""Arguments read otherwise than they are meant: squared, exchanged, transposed, counted from one ..."""

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from course_utils.checking.steps import positive, reciprocal, sigmoid

Change = Callable[[tuple], tuple]  # of a call's arguments
Spoken = tuple[float, str, str, Callable]  # cost, key, sentence, and what becomes of one argument
Layer = tuple[np.ndarray, np.ndarray]
VARIANCES = ("eta", "variance")
COUNTS = {"K": "components", "C": "classes", "steps": "points"}  # what an argument that is a whole number counts


class Reading(NamedTuple):
    """One reading: its cost, key, sentence, what it makes of a call's arguments, and whether pairs may contain it."""

    cost: float
    key: str
    says: str
    change: Change
    light: bool = False


def one(i: int, function: Callable) -> Change:
    """A change of argument i alone."""
    return lambda args: (*args[:i], function(args[i]), *args[i + 1 :])


def is_count(value: Any) -> bool:
    """Whether it is a whole number."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def is_array(value: Any) -> bool:
    """Whether it is an array of numbers."""
    return isinstance(value, np.ndarray) and value.dtype.kind in "fiu"


def is_network(value: Any) -> bool:
    """Whether it is a list of layers (W, b)."""
    return isinstance(value, list) and bool(value) and all(isinstance(l, tuple) and len(l) == 2 for l in value)


def is_labels(name: str, value: Any) -> bool:
    """Whether an argument of this name holds labels, or is one."""
    return (is_array(value) and value.ndim == 1 and value.dtype.kind in "iu") or (name == "label" and is_count(value))


def readings(names: list[str], args: tuple) -> list[Reading]:
    """All readings of the arguments of a call, those that concern two arguments last."""
    single = [
        Reading(cost, f"`{name}`: {key}", says, one(i, function), cost <= 1)
        for i, (name, value) in enumerate(zip(names, args))
        for cost, key, says, function in readings_of(name, value)
    ]
    return [*single, *labels_off(names, args), *exchanged(names, args)]


def readings_of(name: str, value: Any) -> list[Spoken]:
    """(cost, key, sentence, function) for one argument."""
    q = f"`{name}`"
    if is_labels(name, value):
        return []
    if is_count(value):
        return whole_number(name, q)
    if callable(value):
        return function(q)
    if is_network(value):
        return network(q, value)
    if isinstance(value, float | np.floating) or is_array(value):
        numbers = log_width(q) if name.startswith("log_sigma") else number(name, q)
        return [*numbers, *(array(q, value) if is_array(value) else [])]
    return []


def log_width(q: str) -> list[Spoken]:
    """Readings of log sigma, called q in sentences."""
    return [
        (1, "log variance", f"you take {q} for the log of the variance; it is the log of the standard deviation", half),
        (1, "sigma for its square", f"{q} counts twice: sigma^2 stands where sigma belongs", double),
        (1, "left out", f"{q} has no effect, as if sigma were 1", zero),
        (1, "log", f"you take {q} for sigma itself: its exponential is missing", positive(np.log)),
        (1.5, "sign", f"{q} has the wrong sign, as if it were the log of 1/sigma", np.negative),
        (1.5, "squared", f"{q} is squared, where it should stand as it is", np.square),
        (1.6, "absolute", f"the absolute value of {q} is taken", np.abs),
        (1.6, "exp", f"the exponential of {q} is taken once too often", np.exp),
    ]


def number(name: str, q: str) -> list[Spoken]:
    """Readings of any other number or array of numbers."""
    variance = name in VARIANCES
    stands = f"{q} is squared, where it should stand as it is"
    rows = [
        (
            1,
            "squared",
            f"you take {q} for a standard deviation; it is a variance already" if variance else stands,
            np.square,
        ),
        (1, "root", f"a square root is taken of {q}, where it should stand as it is", positive(np.sqrt)),
        (1, "left out", f"{q} is left out, as if it were 0", zero),
        (1, "one", f"{q} is left out, as if it were 1", lambda v: 0 * v + 1.0),
        (1, "sign", f"{q} has the wrong sign", np.negative),
        (
            1.2,
            "reciprocal",
            f"you take {q} for a precision, 1 / variance" if variance else f"1 / {name} stands where {q} belongs",
            reciprocal,
        ),
        (1.5, "doubled", f"{q} counts twice", double),
        (1.5, "halved", f"{q} counts half", half),
        (1.5, "one minus", f"1 - {name} stands where {q} belongs", lambda v: 1 - v),
        (1.5, "exp", f"the exponential of {q} is taken; it should stand as it is", np.exp),
        (1.5, "log", f"the logarithm of {q} is taken; it should stand as it is", positive(np.log)),
        (1.5, "absolute", f"the absolute value of {q} is taken", np.abs),
        (1.8, "less one", f"1 is subtracted from {q}", lambda v: v - 1),
        (1.8, "plus one", f"1 is added to {q}", lambda v: v + 1),
    ]
    return rows


def zero(value: Any) -> Any:
    """0, in the value's shape."""
    return 0 * value


def half(value: Any) -> Any:
    """Half the value."""
    return value / 2


def double(value: Any) -> Any:
    """Twice the value."""
    return 2 * value


def whole_number(name: str, q: str) -> list[Spoken]:
    """Readings of a number of things: one or two more or fewer."""
    return [
        (
            1 if d in (1, -1) else 1.3,
            f"{d:+d}",
            (
                f"the number of {COUNTS.get(name, name)} is off by {abs(d)}, as if {q} were {abs(d)}"
                f" {'larger' if d > 0 else 'smaller'}"
            ),
            lambda v, d=d: v + d,
        )
        for d in (1, -1, 2, -2)
    ]


def function(q: str) -> list[Spoken]:
    """Readings of an argument that is a function, entry by entry."""
    return [
        (1, "not applied", f"{q} is not applied", lambda f: lambda v: v),
        (1.3, "twice", f"{q} is applied twice", lambda f: lambda v: f(f(v))),
        (1.3, "tanh", f"{q} is not used: tanh is always applied", lambda f: np.tanh),
        (1.3, "relu", f"{q} is not used: ReLU, max(0, a), is always applied", lambda f: lambda v: np.maximum(v, 0)),
        (1.3, "sigmoid", f"{q} is not used: the sigmoid is always applied", lambda f: sigmoid),
        *[
            (1.3, words, f"{q} is not used: {words} is always applied", lambda f, g=g: g)
            for words, g in [
                ("the logarithm", positive(np.log)),
                ("exp", np.exp),
                ("the square", np.square),
                ("the square root", positive(np.sqrt)),
            ]
        ],
        (1.3, "minus", f"{q} is applied to the argument with the wrong sign", lambda f: lambda v: f(-v)),
    ]


def network(q: str, layers: list[Layer]) -> list[Spoken]:
    """Readings of a network."""
    rows = [
        (1, "no biases", f"the biases of {q} are left out", lambda net: [(W, 0 * b) for W, b in net]),
        (1, "biases subtracted", f"the biases of {q} are subtracted", lambda net: [(W, -b) for W, b in net]),
        (
            1,
            "no last bias",
            f"the bias of the last layer of {q} is left out",
            lambda net: [*net[:-1], (net[-1][0], 0 * net[-1][1])],
        ),
        (
            1,
            "last bias only",
            f"the biases before the last layer of {q} are left out",
            lambda net: [*[(W, 0 * b) for W, b in net[:-1]], net[-1]],
        ),
        (1, "last layer only", f"only the last layer of {q} is run", lambda net: net[-1:]),
        (1, "no last layer", f"the last layer of {q} is not run", lambda net: net[:-1]),
        (1, "no first layer", f"the first layer of {q} is not run", lambda net: net[1:]),
        (
            1.2,
            "first and last",
            f"only the first and the last layer of {q} are run, whatever is between them",
            lambda net: [net[0], net[-1]] if len(net) > 1 else 1 / 0,
        ),
        (1.3, "reversed", f"the layers of {q} are run in reverse order", lambda net: net[::-1]),
        (1.3, "transposed", f"the weights of {q} are transposed", lambda net: [(W.T, b) for W, b in net]),
        (
            1.3,
            "first bias everywhere",
            f"every layer of {q} gets the bias of the first",
            lambda net: [(W, net[0][1]) for W, _ in net],
        ),
        (1.3, "zip", f"a layer of {q} is run twice", lambda net: [*net[:1], *net[:1], *net[1:]]),
    ]
    if np.shape(layers[-1][0])[1] % 2 == 0:
        rows += [
            (
                1.2,
                "halves",
                f"the halves of what {q} puts out are exchanged: mu comes first, then log_sigma",
                lambda net: [*net[:-1], columns(net[-1], swapped)],
            ),
            (
                1.3,
                "interleaved",
                f"the outputs of {q} are read alternately; the first half is mu, the second half log_sigma",
                lambda net: [*net[:-1], columns(net[-1], alternating)],
            ),
        ]
    return rows


def columns(layer: Layer, order: Callable[[int], np.ndarray]) -> Layer:
    """A layer with its outputs in another order."""
    W, b = layer
    chosen = order(W.shape[1])
    return W[:, chosen], b[chosen]


def swapped(n: int) -> np.ndarray:
    """0..n-1, the second half first."""
    return np.roll(np.arange(n), n // 2)


def alternating(n: int) -> np.ndarray:
    """0..n-1, the even ones first."""
    return np.concatenate([np.arange(0, n, 2), np.arange(1, n, 2)])


def array(q: str, value: np.ndarray) -> list[Spoken]:
    """Readings of an array as such: its order, its first and last entry; then those of its number of axes."""
    rows = [
        (1.5, "reversed", f"{q} is read from the end", lambda v: v[::-1]),
        (1.5, "sorted", f"{q} is sorted", lambda v: np.sort(v, axis=0)),
        (1.4, "shifted", f"an index into {q} is one too small", lambda v: np.roll(v, 1, axis=0)),
        (1.4, "shifted back", f"an index into {q} is one too large", lambda v: np.roll(v, -1, axis=0)),
        (1.4, "without first", f"the first entry of {q} is left out", lambda v: v[1:]),
        (1.4, "without last", f"the last entry of {q} is left out", lambda v: v[:-1]),
    ]
    return [*rows, *{1: vector, 2: matrix, 3: samples}.get(value.ndim, lambda q, v: [])(q, value)]


def vector(q: str, value: np.ndarray) -> list[Spoken]:
    """Readings of an array with one axis."""
    return [
        (1.5, "first only", f"only the first entry of {q} is used", lambda v: np.full(v.shape, v[0])),
        (1.5, "last only", f"only the last entry of {q} is used", lambda v: np.full(v.shape, v[-1])),
        (1.3, "mean", f"all entries of {q} count as their mean", lambda v: np.full(v.shape, v.mean())),
        (1.5, "sum", f"every entry of {q} counts as the sum of all", lambda v: np.full(v.shape, v.sum())),
        (1.4, "centred", f"the mean of {q} is subtracted from it", lambda v: v - v.mean()),
        (1.4, "normalised", f"{q} is divided by its sum", lambda v: v / v.sum()),
        (
            1.5,
            "even",
            f"{q} is taken as evenly spaced, by its first step",
            lambda v: v[0] + (v[1] - v[0]) * np.arange(len(v)),
        ),
        (1.5, "mean step", f"{q} is taken as evenly spaced", lambda v: np.linspace(v[0], v[-1], len(v))),
        (1.5, "cumulative", f"{q} is summed up cumulatively", np.cumsum),
        (1.5, "standardised", f"{q} is standardised first", lambda v: (v - v.mean()) / v.std()),
        (1.5, "unit", f"{q} is scaled to length 1", lambda v: v / np.linalg.norm(v)),
    ]


def matrix(q: str, value: np.ndarray) -> list[Spoken]:
    """Readings of a matrix: transposed, centred, one row for all ..."""
    rows: list[Spoken] = [
        (1, "transposed", f"{q} is transposed", lambda v: v.T),
        (1.2, "centred", f"{q} is centred first: the mean of its rows is subtracted", lambda v: v - v.mean(axis=0)),
        (1.3, "centred by rows", f"each row of {q} is centred (axis=1)", lambda v: v - v.mean(axis=1, keepdims=True)),
        (
            1.3,
            "centred as a whole",
            f"the mean of all entries of {q} is subtracted, one number for all dimensions",
            lambda v: v - v.mean(),
        ),
        (1.3, "standardised", f"{q} is standardised first", lambda v: (v - v.mean(axis=0)) / v.std(axis=0)),
        (
            1.4,
            "unit rows",
            f"the rows of {q} are scaled to length 1",
            lambda v: v / np.linalg.norm(v, axis=1, keepdims=True),
        ),
        (1.4, "unit columns", f"the columns of {q} are scaled to length 1", lambda v: v / np.linalg.norm(v, axis=0)),
        (
            1.4,
            "rows that sum to 1",
            f"the rows of {q} are divided by their sums",
            lambda v: v / v.sum(axis=1, keepdims=True),
        ),
        (1.4, "columns that sum to 1", f"the columns of {q} are divided by their sums", lambda v: v / v.sum(axis=0)),
        (
            1.5,
            "softmax",
            f"a softmax is taken of the rows of {q}",
            lambda v: np.exp(v) / np.exp(v).sum(axis=1, keepdims=True),
        ),
        (1.5, "sigmoid", f"a sigmoid is taken of {q}", sigmoid),
    ]
    for axis, word in ((0, "row"), (1, "column")):
        rows += [
            (
                1.3,
                f"first {word}",
                f"only the first {word} of {q} is used",
                lambda v, a=axis: spread(np.take(v, [0], a), v),
            ),
            (
                1.4,
                f"last {word}",
                f"only the last {word} of {q} is used",
                lambda v, a=axis: spread(np.take(v, [-1], a), v),
            ),
            (
                1.3,
                f"mean {word}",
                f"{q} is averaged over its {word}s before anything else",
                lambda v, a=axis: spread(v.mean(axis=a, keepdims=True), v),
            ),
            (
                1.4,
                f"largest in a {word}",
                f"only the largest entry of each {word} of {q} counts, as if it were 1 and the others 0",
                lambda v, a=axis: (v == v.max(axis=1 - a, keepdims=True)).astype(float),
            ),
        ]
    if ((value == 0) | (value == 1)).all() and (value.sum(axis=1) == 1).all():
        rows += [
            (1, f"rolled {d:+d}", f"the classes in {q} are off by one", lambda v, d=d: np.roll(v, d, axis=1))
            for d in (1, -1)
        ]
    if value.shape[0] == value.shape[1]:
        rows += [(1.4, "diagonal", f"only the diagonal of {q} is used", lambda v: np.diag(np.diag(v)))]
    return rows


def spread(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """One row or column in the place of all."""
    return np.broadcast_to(part, whole.shape).copy()


def samples(q: str, value: np.ndarray) -> list[Spoken]:
    """Readings of noise (S, N, K): one sample, or one example's noise for all. Noise (N, K) stays as it is."""
    rows = [
        (1, "first sample", f"only the first sample in {q} is used", lambda v: v[:1]),
        (
            1,
            "mean sample",
            f"{q} is averaged over the samples before anything else",
            lambda v: v.mean(axis=0, keepdims=True),
        ),
        (
            1,
            "one noise for all",
            f"every example gets the noise of the first: {q}[:, n] belongs to example n",
            lambda v: spread(v[:, :1], v),
        ),
        (1.3, "last sample", f"only the last sample in {q} is used", lambda v: v[-1:]),
        (1.3, "without first sample", f"the first sample in {q} is left out", lambda v: v[1:]),
        (1.3, "without last sample", f"the last sample in {q} is left out", lambda v: v[:-1]),
        (
            1.3,
            "one sample for all dimensions",
            f"all dimensions get the noise of the first: {q}[..., k] belongs to dimension k",
            lambda v: spread(v[..., :1], v),
        ),
    ]
    return [(cost, key, says, lambda v, f=f: f(v) if v.ndim == 3 else v) for cost, key, says, f in rows]


def labels_off(names: list[str], args: tuple) -> list[Reading]:
    """Labels that are counted from one, all of a call's together."""
    where = [i for i, (name, value) in enumerate(zip(names, args)) if is_labels(name, value)]
    if not where:
        return []
    classes = names.index("C") if "C" in names else None
    rows = []
    for d in (1, -1):

        def moved(args, d=d, wrap=False):
            return tuple(
                (v + d) % args[classes] if i in where and wrap else v + d if i in where else v
                for i, v in enumerate(args)
            )

        word = "one too large" if d > 0 else "one too small"
        rows.append(Reading(1, f"labels {d:+d}", f"the labels are {word}: they count from 0", moved, True))
        if classes is not None:
            rows.append(
                Reading(
                    1.1,
                    f"labels {d:+d}, round",
                    f"the labels are {word}, and run round at the end: they count from 0",
                    lambda args, m=moved: m(args, wrap=True),
                )
            )
        rows += [
            Reading(
                1.2,
                f"`{names[i]}`: {d:+d}",
                f"`{names[i]}` is {word}: labels count from 0",
                one(i, lambda v, d=d: v + d),
            )
            for i in where
            if len(where) > 1
        ]
    return rows


def alike(a: Any, b: Any) -> bool:
    """Whether one could stand where the other belongs."""
    both = (is_array(a) and is_array(b)) or (is_network(a) and is_network(b)) or (callable(a) and callable(b))
    return both or (isinstance(a, float) and isinstance(b, float)) or (is_count(a) and is_count(b))


def exchanged(names: list[str], args: tuple) -> list[Reading]:
    """Two arguments that are exchanged, or one that stands where the other belongs."""
    rows = []
    for i, j in itertools.combinations(range(len(args)), 2):
        if not alike(args[i], args[j]):
            continue
        a, b = names[i], names[j]
        rows.append(
            Reading(
                1,
                f"`{a}` and `{b}` exchanged",
                f"`{a}` and `{b}` are exchanged",
                lambda args, i=i, j=j: swap(args, (i, j)),
                True,
            )
        )
        for k, l in ((i, j), (j, i)):
            rows.append(
                Reading(
                    1.3,
                    f"`{names[l]}` for `{names[k]}`",
                    f"`{names[l]}` stands where `{names[k]}` belongs",
                    lambda args, k=k, l=l: (*args[:k], args[l], *args[k + 1 :]),
                )
            )
    for ending, opposite in (("_train", "_test"), ("_q", "_p"), ("_best", "_encoder")):
        pairs = [
            (names.index(n), names.index(n.removesuffix(ending) + opposite))
            for n in names
            if n.endswith(ending) and n.removesuffix(ending) + opposite in names
        ]
        if len(pairs) > 1:
            rows.append(
                Reading(
                    0.9,
                    f"{ending} and {opposite} exchanged",
                    f"the arguments that end in `{ending}` and in `{opposite}` are exchanged",
                    lambda args, p=pairs: swap(args, *p),
                )
            )
    return rows


def swap(args: tuple, *pairs: tuple[int, int]) -> tuple:
    """The arguments with these pairs of them exchanged."""
    order = list(args)
    for i, j in pairs:
        order[i], order[j] = order[j], order[i]
    return tuple(order)
