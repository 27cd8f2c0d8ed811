"""Nestings of parameters as views of one vector."""

import numpy as np
from hypothesis import given, strategies

from course_utils.networks.flat import flatten, unflatten

trees = strategies.recursive(
    strategies.lists(strategies.integers(0, 3), max_size=3).map(
        lambda shape: np.arange(float(np.prod(shape))).reshape(shape)
    ),
    lambda inner: strategies.one_of(
        strategies.lists(inner, min_size=1, max_size=3),
        strategies.tuples(inner, inner),
        strategies.dictionaries(strategies.text("abc", min_size=1), inner, min_size=1, max_size=3),
    ),
    max_leaves=6,
)


def same(a, b):
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return a.shape == b.shape and np.array_equal(a, b)


@given(trees)
def test_unflatten_undoes_flatten(tree):
    flat = flatten(tree)
    assert flat.ndim == 1 and same(unflatten(flat, tree), tree)
