"""Every function of the room with inputs of every sort: what the numbers are stored as must not change the result."""

import numpy as np
import pytest
from autograd import grad
from probability_calls import CALLS, OTHERS, called, pixels, public_functions

from course_utils.probability import gaussians, likelihoods, numerics
from course_utils.probability.expecting import floats


def each_array(value, change):
    """The value with `change` made to every array in it."""
    if isinstance(value, tuple):
        return tuple(each_array(item, change) for item in value)
    return change(value) if isinstance(value, np.ndarray) else value


def test_every_public_function_is_called_here():
    assert set(public_functions()) == CALLS.keys() | OTHERS


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    "change, rtol",
    [
        (np.int64, 1e-12),
        (np.uint8, 1e-12),
        (lambda a: a.astype(int).tolist(), 1e-12),
        (np.float32, 1e-4),
    ],
    ids=["integers", "bytes", "lists", "single precision"],
)
def test_integers_lists_and_float32_give_what_float64_gives(name, change, rtol):
    expected = called(name, each_array(CALLS[name], lambda a: a.astype(float)))
    for right, got in zip(expected, called(name, each_array(CALLS[name], change)), strict=True):
        assert np.all(np.isfinite(right))
        np.testing.assert_allclose(got, right, rtol=rtol, atol=rtol)
        assert np.asarray(got).dtype.kind == "f"


def test_floats_leaves_what_is_floating_and_pythons_numbers():
    for value in (2.5, np.float64(2.5), np.ones(3, "f4"), np.ones(3)):
        assert floats(value) is value
    assert type(floats(3)) is float and type(floats(True)) is float
    for value in ([1, 2], (True, False), np.ones(2, bool), np.uint8(7)):
        assert floats(value).dtype == np.float64
        np.testing.assert_array_equal(floats(value), value)


@pytest.mark.parametrize("value", ["a", [1j], None, [[1, 2], "ab"]])
def test_floats_refuses_what_is_no_number(value):
    with pytest.raises(ValueError, match="numbers are expected|inhomogeneous"):
        floats(value)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_gradients_have_the_dtype_of_their_argument(dtype):
    at = np.array([[0.5, -1.0]], dtype)
    for function in (
        lambda m: likelihoods.gaussian_log_prob(pixels[:1], m, 3)[0],
        lambda m: likelihoods.bernoulli_log_prob(pixels[:1].astype(dtype), m)[0],
        lambda m: gaussians.kl_standard_normal(m, at)[0],
        lambda m: gaussians.diagonal_gaussian_log_prob(m, at, at)[0],
        numerics.log_mean_exp,
    ):
        assert np.isfinite(grad(function)(at)).all()
    assert grad(lambda m: gaussians.kl_standard_normal(m, at)[0])(at).dtype == dtype
    assert grad(lambda m: likelihoods.gaussian_log_prob(at, m, 3)[0])(at).dtype == dtype
