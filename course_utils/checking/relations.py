"""What a result may be to the right one: its negative, its square, summed over an axis, N times as large ..."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from course_utils.checking.readings import is_array, is_count
from course_utils.checking.steps import positive, sigmoid, transposed

WORDS = {
    "N": "the number of examples",
    "D": "the number of dimensions",
    "K": "the number of latent dimensions",
    "S": "the number of samples",
    "C": "the number of classes",
    "G": "the number of grid points",
    "M": "the number of rows",
    "P": "the number of weights",
}
# The axes of an argument, from the last one backwards, as the cards name them.
AXES = {
    "x": "ND",
    "x_hat": "ND",
    "mean": "ND",
    "logits": "ND",
    "components": "KD",
    "W": "DK",
    "U": "DK",
    "V": "KD",
    "b": "D",
    "mu": "NK",
    "log_sigma": "NK",
    "mu_q": "NK",
    "log_sigma_q": "NK",
    "mu_p": "NK",
    "log_sigma_p": "NK",
    "z": "NK",
    "z_bar": "NK",
    "h_bar": "NK",
    "mask": "NK",
    "eps": "SNK",
    "log_w": "SN",
    "responsibilities": "NC",
    "elbo_per_class": "NC",
    "q_y": "NC",
    "grid": "G",
    "pi": "C",
    "sigma": "C",
    "q": "C",
    "p": "C",
    "codes_train": "NK",
    "codes_test": "MK",
    "y_train": "N",
    "y_test": "M",
    "A": "DK",
    "B": "DK",
    "zs": "MK",
    "sigmas": "M",
    "y": "N",
    "y_new": "N",
    "eigenvalues": "D",
    "log_p": "N",
    "elbo_best": "N",
    "elbo_encoder": "N",
}
VECTORS = {"x": "N", "mu": "K", "mean": "D", "weights": "n", "eps": "S", "a": "n", "y": "N"}  # of those with one axis
LOG_2PI = np.log(2 * np.pi)


class Relation(NamedTuple):
    """One relation: cost, key, sentence, its function of (right result, sizes), and whether pairs may contain it."""

    cost: float
    key: str
    says: str
    value: Callable[[np.ndarray, dict], np.ndarray]
    light: bool = False


def sizes_of(names: list[str], args: tuple) -> dict[str, float]:
    """The sizes that a card names, by letter, and the numbers among the arguments, by name."""
    found: dict[str, float] = {}
    mixture = "pi" in names or "responsibilities" in names
    for name, value in zip(names, args):
        if is_array(value):
            letters = VECTORS.get(name, AXES.get(name, "")) if value.ndim == 1 else AXES.get(name, "")
            letters = "NC" if name == "y" and value.ndim == 2 else letters
            letters = (
                "C"
                if mixture and name in ("mu", "sigma", "pi")
                else "G"
                if name == "q" and "grid" in names
                else letters
            )
            letters = {"x": "NP", "mu": "P", "log_sigma": "P"}.get(name, letters) if "tau" in names else letters
            letters = "n" if "weights" in names else "V" if name == "p" and "precision" in names else letters
            for letter, size in zip(reversed(letters), reversed(value.shape)):
                found.setdefault(letter, size)
            if value.ndim and not letters:
                found.setdefault(f"len({name})", len(value))
            if name == "a":
                found["n"] = value.size
        elif is_count(value) and len(name) == 1:
            found.setdefault(name, value)
    return found


def numbers_of(names: list[str], args: tuple) -> dict[str, float]:
    """The arguments that are real numbers."""
    return {name: float(value) for name, value in zip(names, args) if isinstance(value, float)}


def words_for(letter: str) -> str:
    """The letter of a size, and what it counts."""
    return f"{letter}, {WORDS[letter]}" if letter in WORDS else "the number of entries" if letter == "n" else letter


def plain(function: Callable) -> Callable:
    """A function of the result alone."""
    return lambda e, sizes: function(np.asarray(e, float))


def over(axis: int, function: Callable) -> Callable:
    """A reduction of the result over one of its axes."""

    def inner(e, sizes):
        e = np.asarray(e, float)
        if e.ndim <= axis:
            raise ValueError("no such axis")
        return function(e, axis)

    return inner


def all_of(function: Callable) -> Callable:
    """A function of all entries of the result; there must be several."""

    def inner(e, sizes):
        if np.ndim(e) == 0:
            raise ValueError("one number already")
        return function(np.asarray(e, float))

    return inner


def without_column(value: np.ndarray, k: int) -> np.ndarray:
    """A matrix whose column k is 0."""
    value = np.array(value, float)
    if value.ndim != 2:
        raise ValueError("not a matrix")
    value[:, k] = 0
    return value


FACTORS = [
    (-1, "the result has the wrong sign"),
    (2, "the result is twice what it should be"),
    (0.5, "the result is half of what it should be"),
    (-2, "the result has the wrong sign, and is twice as large as it should be"),
    (-0.5, "the result has the wrong sign, and is half as large as it should be"),
    (4, "the result is four times what it should be"),
    (0.25, "the result is a quarter of what it should be"),
    (100, "the result is in per cent"),
    (1 / np.log(2), "the result is in bits, not in nats: take the natural logarithm"),
    (1 / np.log(10), "the logarithm is the decimal one: take the natural logarithm"),
    (180 / np.pi, "the result is in degrees, not in radians"),
    (2 * np.pi, "the result is 2 pi times what it should be"),
    (1 / (2 * np.pi), "the result is divided by 2 pi once too often"),
    (np.sqrt(2 * np.pi), "the result is sqrt(2 pi) times what it should be"),
    (1 / np.sqrt(2 * np.pi), "the result is divided by sqrt(2 pi) once too often"),
    (np.sqrt(2), "the result is sqrt(2) times what it should be"),
    (1 / np.sqrt(2), "the result is divided by sqrt(2) once too often"),
]
FUNCTIONS = [
    (1, "exp", "this is the exponential of what is asked: a logarithm is missing, or an exp too many", np.exp),
    (1, "log", "this is the logarithm of what is asked: an exp is missing, or a log too many", positive(np.log)),
    (1, "exp of minus", "this is exp(-a) of what is asked", lambda e: np.exp(-e)),
    (1, "minus log", "this is minus the logarithm of what is asked", lambda e: -positive(np.log)(e)),
    (1, "square", "this is the square of what is asked: a root is missing, or a square too many", np.square),
    (1, "root", "this is the square root of what is asked: a root too many, or a square missing", positive(np.sqrt)),
    (1, "reciprocal", "this is the reciprocal of what is asked: a fraction is upside down", lambda e: 1 / e),
    (1, "one minus", "this is 1 minus what is asked", lambda e: 1 - e),
    (1, "absolute", "an absolute value is taken of the result, which may be negative", np.abs),
    (1, "clipped", "negative results are replaced by 0", lambda e: np.maximum(e, 0)),
    (1, "clipped to 1", "the result is clipped to [0, 1], but may lie outside", lambda e: np.clip(e, 0, 1)),
    (1, "sigmoid", "a sigmoid is taken of the result", sigmoid),
    (1, "tanh", "tanh is taken of the result", np.tanh),
    (1, "logit", "these are logits: the sigmoid is missing", lambda e: np.log(e) - np.log1p(-e)),
    (1.2, "cosine", "this is the cosine of what is asked", np.cos),
    (1.2, "sine", "this is the sine of what is asked", np.sin),
    (1, "complement", "this is pi/2 minus the angle: arcsin where arccos belongs", lambda e: np.pi / 2 - e),
    *[
        (1.5, f"rounded to {d}", f"the result is rounded to {d} decimals", lambda e, d=d: np.round(e, d))
        for d in (1, 2, 3, 4)
    ],
    (1.5, "rounded", "the result is rounded to whole numbers", np.round),
    (1.5, "floor", "the result is cut to whole numbers", np.trunc),
    (1.5, "plus one", "the result is too large by 1", lambda e: e + 1),
    (1.5, "minus one", "the result is too small by 1", lambda e: e - 1),
    (1.6, "plus half", "the result is too large by 1/2", lambda e: e + 0.5),
    (1.6, "minus half", "the result is too small by 1/2", lambda e: e - 0.5),
    (1.6, "plus two", "the result is too large by 2", lambda e: e + 2),
    (1.6, "minus two", "the result is too small by 2", lambda e: e - 2),
    (
        1.2,
        "plus log 2 pi / 2",
        "the result is too large by (1/2) log(2 pi): a Gaussian's constant is missing or extra",
        lambda e: e + LOG_2PI / 2,
    ),
    (
        1.2,
        "minus log 2 pi / 2",
        ("the result is too small by (1/2) log(2 pi): a Gaussian's constant is missing or extra"),
        lambda e: e - LOG_2PI / 2,
    ),
]
ARRANGED = [
    (1, "transposed", "the values are right, but transposed", lambda e, s: transposed(e)),
    (1, "reversed", "the values are right, but in reverse order", plain(lambda e: e[::-1])),
    (
        1.5,
        "columns reversed",
        "the values are right, but the columns are in reverse order",
        plain(lambda e: e[:, ::-1]),
    ),
    *[
        (
            1.4,
            f"{word} column 0",
            f"the {word} column of the result is 0: does a loop {does}?",
            lambda e, s, k=k: without_column(e, k),
        )
        for k, word, does in ((0, "first", "start at 1, where it should at 0"), (-1, "last", "end one step too early"))
    ],
    (1.5, "cumulative", "the result is summed up cumulatively", plain(lambda e: np.cumsum(e, axis=0))),
    (1.5, "sorted", "the values are right, but sorted", plain(lambda e: np.sort(e, axis=0))),
    (1.5, "without first", "the first entry of the result is missing", plain(lambda e: e[1:])),
    (1.5, "without last", "the last entry of the result is missing", plain(lambda e: e[:-1])),
    (
        1.5,
        "rolled",
        "the values are right, but each stands one place too late",
        all_of(lambda e: np.roll(e, 1, axis=0)),
    ),
    (
        1.5,
        "rolled back",
        "the values are right, but each stands one place too early",
        all_of(lambda e: np.roll(e, -1, axis=0)),
    ),
    (
        1,
        "diagonal",
        "only the diagonal of the result is returned",
        plain(lambda e: np.diagonal(e) if e.shape[0] == e.shape[1] else 1 / 0),
    ),
    (
        1,
        "diagonal only",
        "the result has lost what lies off its diagonal",
        plain(lambda e: np.diag(np.diagonal(e)) if e.shape[0] == e.shape[1] else 1 / 0),
    ),
    (
        1,
        "column",
        (
            "the values are right, with an axis of length 1 too many: drop `keepdims=True`, or"
            " index it away with `[:, 0]`"
        ),
        all_of(lambda e: e[..., None]),
    ),
    (
        1,
        "row",
        "the values are right, with an axis of length 1 in front: index it away with `[0]`",
        all_of(lambda e: e[None]),
    ),
    (
        1,
        "in an array",
        "the value is right, but it stands in an array: return the number itself",
        plain(lambda e: e[None] if e.ndim == 0 else 1 / 0),
    ),
    (
        1,
        "in an array twice",
        "the value is right, but it stands in an array: return the number itself",
        plain(lambda e: e[None, None] if e.ndim == 0 else 1 / 0),
    ),
    (
        1.2,
        "flat",
        "the values are right, but in one long row: the shape is lost",
        all_of(lambda e: e.ravel() if e.ndim > 1 else 1 / 0),
    ),
    (1, "first", "this is the first entry of the result alone", all_of(lambda e: e[0])),
    (1.2, "last", "this is the last entry of the result alone", all_of(lambda e: e[-1])),
    (1.2, "first row", "only the first row of the result is returned", all_of(lambda e: e[:1])),
    (1.2, "last row", "only the last row of the result is returned", all_of(lambda e: e[-1:])),
    (1, "sum", "all entries of the result are summed to one number", all_of(np.sum)),
    (1, "mean", "all entries of the result are averaged to one number", all_of(np.mean)),
    (1.3, "max", "only the largest entry of the result is returned", all_of(np.max)),
    (1.5, "scaled to 1", "the result is scaled so that its largest entry is 1", all_of(lambda e: e / e.max())),
    (1.5, "normalised", "the result is divided by its sum", all_of(lambda e: e / e.sum())),
    (
        1.4,
        "outer",
        "the result has a row and a column for each example: an (N,) array met an (N, 1) one",
        all_of(lambda e: e + 0 * e[:, None] if e.ndim == 1 else 1 / 0),
    ),
    (1.4, "repeated", "every entry of the result is their sum", all_of(lambda e: np.full(e.shape, e.sum()))),
    (1.3, "all the mean", "every entry of the result is their mean", all_of(lambda e: np.full(e.shape, e.mean()))),
]
REDUCED = [
    (1, "summed", "the result is summed over {w}, which should stay", lambda e, k: e.sum(axis=k)),
    (1, "averaged", "the result is averaged over {w}, which should stay", lambda e, k: e.mean(axis=k)),
    (1.4, "largest", "only the largest over {w} is returned", lambda e, k: e.max(axis=k)),
    (
        1.5,
        "index of the largest",
        "this is the index of the largest over {w}, not the values",
        lambda e, k: e.argmax(axis=k),
    ),
    (
        1.5,
        "hardened",
        "the largest over {w} is set to 1 and the others to 0",
        lambda e, k: (e == e.max(axis=k, keepdims=True)).astype(float),
    ),
    (1.4, "normalised", "the result is divided by its sum over {w}", lambda e, k: e / e.sum(axis=k, keepdims=True)),
    (
        1.4,
        "mean for all",
        "every value is the mean over {w}, the same for all",
        lambda e, k: np.broadcast_to(e.mean(axis=k, keepdims=True), e.shape),
    ),
    (
        1.4,
        "sum for all",
        "every value is the sum over {w}, the same for all",
        lambda e, k: np.broadcast_to(e.sum(axis=k, keepdims=True), e.shape),
    ),
    (
        1.5,
        "demeaned",
        "the mean over {w} is subtracted from the result",
        lambda e, k: e - e.mean(axis=k, keepdims=True),
    ),
    (
        1.5,
        "softmax",
        "a softmax over {w} is taken of the result",
        lambda e, k: np.exp(e) / np.exp(e).sum(axis=k, keepdims=True),
    ),
]
BY_SIZE = [
    (1, "times {s}", "every value is multiplied by {w}: does a sum stand where a mean is meant?", lambda e, n: e * n),
    (1, "over {s}", "every value is divided by {w}: does a mean stand where a sum is meant?", lambda e, n: e / n),
    (1, "{s} - 1", "you divide by {s} - 1, where {s} is meant", lambda e, n: e * n / (n - 1)),
    (1.5, "{s} for {s} - 1", "every value is multiplied by ({s} - 1) / {s}", lambda e, n: e * (n - 1) / n),
    (1.5, "over root {s}", "the result is divided by the root of {w}", lambda e, n: e / np.sqrt(n)),
    (1.5, "times root {s}", "the result is multiplied by the root of {w}", lambda e, n: e * np.sqrt(n)),
    (1.5, "over {s}^2", "the result is divided by the square of {w}", lambda e, n: e / n**2),
    (
        1,
        "plus log {s}",
        ("the result is too large by log {s}: does a sum stand where a mean is meant, inside the logarithm?"),
        lambda e, n: e + np.log(n),
    ),
    (
        1,
        "minus log {s}",
        (
            "the result is too small by log {s}: is a mean taken where a sum is meant, or log"
            " {s} subtracted once too often?"
        ),
        lambda e, n: e - np.log(n),
    ),
    (1.5, "plus 2 log {s}", "log {s} is added, where it should be subtracted", lambda e, n: e + 2 * np.log(n)),
    (1.5, "plus {s}", "the result is too large by {s}", lambda e, n: e + n),
    (1.5, "minus {s}", "the result is too small by {s}", lambda e, n: e - n),
    (1.2, "plus {s}/2", "the result is too large by {s}/2", lambda e, n: e + n / 2),
    (1.2, "minus {s}/2", "the result is too small by {s}/2", lambda e, n: e - n / 2),
    (
        1,
        "plus {s} log 2 pi / 2",
        ("the result is too large by ({s}/2) log(2 pi): a Gaussian's constant is missing or extra"),
        lambda e, n: e + n / 2 * LOG_2PI,
    ),
    (
        1,
        "minus {s} log 2 pi / 2",
        ("the result is too small by ({s}/2) log(2 pi): a Gaussian's constant is missing or extra"),
        lambda e, n: e - n / 2 * LOG_2PI,
    ),
]
BY_NUMBER = [
    (1.4, "times {t}", "the result is multiplied by `{t}` once too often", lambda e, v: e * v),
    (1.4, "over {t}", "the result is divided by `{t}` once too often", lambda e, v: e / v),
    (1.4, "times 1 - {t}", "the result is multiplied by 1 - {t} once too often", lambda e, v: e * (1 - v)),
    (1.4, "over 1 - {t}", "the result is divided by 1 - {t} once too often", lambda e, v: e / (1 - v)),
    (1.5, "over {t}^2", "the result is divided by `{t}` squared once too often", lambda e, v: e / v**2),
]


def relations(sizes: dict, numbers: dict) -> list[Relation]:
    """All relations, for the sizes and numbers that there are."""
    rows = [
        Relation(
            0.95 if c == -1 else 1,
            f"result: times {c:.4g}",
            says,
            lambda e, s, c=c: c * np.asarray(e, float),
            c in (-1, 2, 0.5),
        )
        for c, says in FACTORS
    ]
    rows += [
        Relation(cost, f"result: {key}", says, plain(f), key in ("exp", "log", "square", "root"))
        for cost, key, says, f in FUNCTIONS
    ]
    rows += [
        Relation(cost, f"result: {key}", says, f, key in ("transposed", "column", "mean", "sum"))
        for cost, key, says, f in ARRANGED
    ]
    for axis, word in ((0, "its first axis"), (1, "its second axis")):
        rows += [
            Relation(
                cost,
                f"result: {key} over axis {axis}",
                says.format(w=word),
                over(axis, f),
                key in ("summed", "averaged"),
            )
            for cost, key, says, f in REDUCED
        ]
    for s in sizes:
        rows += [
            Relation(
                cost,
                "result: " + key.format(s=s),
                says.format(s=s, w=words_for(s)),
                lambda e, z, f=f, s=s: f(np.asarray(e, float), z[s]),
                cost <= 1,
            )
            for cost, key, says, f in BY_SIZE
        ]
    for t in numbers:
        rows += [
            Relation(
                cost,
                "result: " + key.format(t=t),
                says.format(t=t),
                lambda e, z, f=f, t=t: f(np.asarray(e, float), z[t]),
            )
            for cost, key, says, f in BY_NUMBER
        ]
    for t, s in ((t, s) for t in numbers for s in sizes):
        rows += [
            Relation(
                1.4,
                f"result: {word} by {s}/2 log {inside}",
                f"the result is too {word} by ({s}/2) log({inside}): a Gaussian's constant is missing or extra",
                lambda e, z, g=sign * c, s=s, t=t, c2=c2: (
                    np.asarray(e, float) + g * z[s] / 2 * positive(np.log)(c2 * z[t])
                ),
            )
            for sign, word in ((1, "large"), (-1, "small"))
            for c, c2, inside in ((1, 1, t), (1, 2 * np.pi, f"2 pi {t}"))
        ]
    return rows
