"""A judge of pictures that may say "none of these": a classifier of digits with one class more, for what is no digit.

One that knows the ten labels alone has to choose one of them for anything, and is sure of most noise.
"""

import numpy as np
from numpy.random import Generator

from course_utils.models.classifier import classifier_train, predict
from course_utils.networks.arrays import Array, Network

NONE = 10  # the class of what is no digit
TAUGHT = ("noise", "shuffled pixels", "averages of two", "left and right halves")


def no_digits(x: Array, y: Array, rng: Generator) -> dict[str, Array]:
    """Pictures that are no digits, made of digits x (N, S * S) with labels y (N,): {kind: (M, S * S)}, float32.

    All but the first two kinds put together two digits with different labels; M is the number of such pairs.
    """
    x, y = np.asarray(x, np.float32), np.asarray(y)
    side = round(x.shape[-1] ** 0.5) if x.ndim == 2 else 0
    if side * side != x.shape[-1] or y.shape != (len(x),):
        raise ValueError(
            f"x should be square pictures (N, S * S) and y (N,), but their shapes are {x.shape}, {y.shape}"
        )
    one, other = rng.permutation(len(x)), rng.permutation(len(x))
    differ = y[one] != y[other]
    a, b = x[one[differ]], x[other[differ]]
    row, column = np.divmod(np.arange(side * side), side)
    left, top = column < side // 2, row < side // 2
    return {
        "noise": rng.random(a.shape, dtype=np.float32),
        "shuffled pixels": rng.permuted(a, axis=1),
        "averages of two": (a + b) / 2,
        "left and right halves": np.where(left, a, b),
        "upper and lower halves": np.where(top, a, b),
        "one over the other": np.maximum(a, b),
        "pixels of both": np.where(rng.random(a.shape) < 0.5, a, b),
    }


def judge_train(x: Array, y: Array, steps: int, rng: Generator) -> Network:
    """Trains a classifier with classes 0..9 and NONE, on digits x (N, D) and about as many pictures of kinds TAUGHT.

    The other kinds of `no_digits` are left to test it with.
    """
    kinds = no_digits(x, y, rng)
    none = np.concatenate([kinds[kind][i :: len(TAUGHT)] for i, kind in enumerate(TAUGHT)])
    pictures, labels = np.concatenate([x, none]), np.concatenate([y, np.full(len(none), NONE)])
    return classifier_train(pictures, labels, [x.shape[1], 200, NONE + 1], steps, rng, step_size=4e-3)


def share_of_digits(judge: Network, pictures: Array) -> float:
    """The share of pictures (N, D) that the judge takes for a digit, whichever: not for "none of these"."""
    return float(np.mean(predict(judge, pictures) != NONE))
