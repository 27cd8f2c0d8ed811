"""Nestings of parameters as views of one vector."""

import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import given, strategies

from course_utils.networks.flat import flatten, unflatten, values_and_gradients

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


@pytest.mark.whole
@given(trees)
def test_unflatten_undoes_flatten(tree):
    flat = flatten(tree)
    assert flat.ndim == 1 and same(unflatten(flat, tree), tree)


def test_several_results_of_one_pass_have_a_gradient_each():
    """0 where a result does not depend on an argument, or on any."""

    def results(a, b):
        return anp.sum(a * a * b), anp.sum(anp.exp(a)), 3.0

    rng = np.random.default_rng(0)
    args = rng.normal(size=4), rng.normal(size=4)
    values, gradients = values_and_gradients(results, args)
    np.testing.assert_allclose(values, results(*args))
    a, b = args
    np.testing.assert_allclose(gradients[0], [2 * a * b, a * a])
    np.testing.assert_allclose(gradients[1], [np.exp(a), 0 * b])
    assert not np.any(gradients[2])
    with pytest.raises(TypeError, match=r"one number.*\(4,\)"):
        values_and_gradients(lambda a, b: (a * b, 1.0), args)
