"""What functions require of their arguments: what fits passes, traced or not, and what does not is told apart."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad

from course_utils.networks import arrays


def test_what_fits_passes():
    arrays.require_finite([1, 2], "x")
    arrays.require_matrix(np.zeros((3, 2), "u1"), D=2)
    arrays.require_noise(np.zeros((3, 2)), np.zeros((3, 2)))
    arrays.require_noise(np.zeros((7, 3, 2)), np.zeros((3, 2)))
    arrays.require_noise(np.zeros((7, 3, 2)), np.zeros((3, 2)), samples=True)
    arrays.require_one_shape(a=np.zeros(3), b=[1, 2, 3])
    arrays.require_rows(x=np.zeros((3, 2)), y=np.zeros(3), z=[1, 2, 3])
    arrays.require_positive(0.1, "eta")
    arrays.require_positive([0.1, np.inf], "eta")


@pytest.mark.parametrize(
    "y", [[0, 2, 1], [0.0, 2.0, 1.0], np.array([0, 2, 1], "u1"), np.array([0, 2, 1], "f4"), (0, 2, 1)]
)
def test_labels_come_back_as_whole_numbers(y):
    got = arrays.require_labels(y, 3, 3)
    assert got.dtype.kind == "i"
    np.testing.assert_array_equal(got, [0, 2, 1])
    np.testing.assert_array_equal(arrays.require_labels(np.array([True, False]), 2), [1, 0])


def test_examples_come_back_in_float32():
    x = arrays.require_examples([[0, 1], [1, 0.5]], [2, 4, 1], black_to_white=True)
    assert x.dtype == np.float32 and x.shape == (2, 2)
    assert arrays.require_examples(x, [2, 1]) is x


@pytest.mark.parametrize("y", [[-1, 0], [0, 3], [0.5, 1], [np.nan, 1], [[0], [1]], 1, ["0", "1"], [None, 1]])
def test_labels_that_are_none_are_refused(y):
    with pytest.raises(ValueError, match=r"labels should be whole numbers 0..2 of shape \(N,\), but they are array"):
        arrays.require_labels(y, 3)


@pytest.mark.parametrize(
    "check, message",
    [
        (
            lambda: arrays.require_finite([1.0, np.nan, np.inf], "x"),
            "x should hold finite numbers alone, but 2 of 3 are",
        ),
        (lambda: arrays.require_matrix(np.zeros(4)), r"x should be \(N, D\), .* but it has shape \(4,\)"),
        (lambda: arrays.require_matrix(np.zeros((0, 4)), "mu"), r"mu should be \(N, D\), .* but it has shape \(0, 4\)"),
        (lambda: arrays.require_matrix(np.zeros((3, 4)), D=5), r"x should be \(N, 5\), .* it has shape \(3, 4\)"),
        (lambda: arrays.require_matrix([[1.0, np.nan]]), "x should hold finite numbers alone, but 1 of 2 are"),
        (lambda: arrays.require_labels([1], 3, 5), "each of the 5 examples should have one label, but 1 labels came"),
        (
            lambda: arrays.require_examples(np.zeros((3, 4)), [5, 2]),
            r"sizes\[0\] must be the dimension of x, but sizes = \[5, 2\] and x has shape \(3, 4\)",
        ),
        (lambda: arrays.require_examples([[np.nan]], [1, 2], "y"), "y should hold finite numbers alone"),
        (
            lambda: arrays.require_examples([[0.0, 255.0]], [2, 2], black_to_white=True),
            "x must lie between 0 and 1, but it goes from 0 to 255",
        ),
        (
            lambda: arrays.require_noise(np.zeros(2), np.zeros((2, 2))),
            r"eps should be \(2, 2\) or \(S, 2, 2\), noise for each code, but it has shape \(2,\)",
        ),
        (lambda: arrays.require_noise(np.zeros((1, 2)), np.zeros((3, 2))), r"\(3, 2\) or .* has shape \(1, 2\)"),
        (lambda: arrays.require_noise(np.zeros((5, 1, 3, 2)), np.zeros((3, 2))), r"has shape \(5, 1, 3, 2\)"),
        (
            lambda: arrays.require_noise(np.zeros((3, 2)), np.zeros((3, 2)), samples=True),
            r"eps should be \(S, 3, 2\), noise for each code, but it has shape \(3, 2\)",
        ),
        (
            lambda: arrays.require_one_shape(a=np.zeros((3, 2)), b=np.zeros((3, 1))),
            r"a and b should have one shape, but they have \(3, 2\) and \(3, 1\)",
        ),
        (
            lambda: arrays.require_rows(x=np.zeros((3, 2)), y=np.zeros(1)),
            r"one row for each example is expected in every array, but there are x \(3, 2\) and y \(1,\)",
        ),
        (lambda: arrays.require_positive(0, "eta"), "eta should be positive, but 0 came"),
        (lambda: arrays.require_positive(np.nan, "eta"), "eta should be positive, but nan came"),
        (lambda: arrays.require_positive([1.0, -2.0], "eta"), "eta should be positive, but .*-2"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_was_expected_and_what_came(check, message):
    with pytest.raises(ValueError, match=message):
        check()


def test_what_autograd_traces_passes_and_is_refused_alike():
    def loss(mu, eta):
        arrays.require_finite(mu, "mu")
        arrays.require_matrix(mu)
        arrays.require_noise(np.zeros((3, 2)), mu)
        arrays.require_one_shape(mu=mu, other=2 * mu)
        arrays.require_rows(mu=mu, y=np.zeros(3))
        arrays.require_positive(eta, "eta")
        return anp.sum(mu**2) / eta

    def slope_of_slope(eta):  # a box in a box
        return grad(lambda eta: loss(np.ones((3, 2)), eta))(eta)

    np.testing.assert_allclose(grad(loss)(np.ones((3, 2)), 2.0), 1)
    assert grad(slope_of_slope)(2.0) == pytest.approx(2 * 6 / 2**3)
    for bad in (np.zeros((4, 2)), np.full((3, 2), np.nan), np.zeros((3, 3))):
        with pytest.raises(ValueError):
            grad(loss)(bad, 2.0)
    with pytest.raises(ValueError, match="eta should be positive, but -1.0 came"):
        grad(loss, 1)(np.ones((3, 2)), -1.0)
