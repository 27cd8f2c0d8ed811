"""Sums of exponentials against scipy."""

import numpy as np
import pytest
from autograd import grad
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.special import logsumexp

from course_utils.probability.numerics import log_mean_exp, weighted_logs


@given(hnp.arrays(np.float64, hnp.array_shapes(max_dims=3), elements=st.floats(-5000, 5000)))
def test_log_mean_exp_agrees_with_scipy(a):
    assert np.isclose(log_mean_exp(a), logsumexp(a) - np.log(a.size), atol=1e-9)


@pytest.mark.parametrize(
    "a", [[-np.inf], [-np.inf, -np.inf], [0, -np.inf], [np.inf, 1], [-np.inf, np.inf], [np.nan, 0]]
)
def test_log_mean_exp_of_infinite_entries_is_the_limit_without_a_warning(a):
    a = np.array(a)
    expected = logsumexp(a) - np.log(a.size)
    with np.errstate(all="raise"):
        assert log_mean_exp(a) == pytest.approx(expected, nan_ok=True)


def test_log_mean_exp_has_the_gradient_of_a_softmax():
    a = np.array([1000.0, 999, -np.inf])
    np.testing.assert_allclose(grad(log_mean_exp)(a), [np.e / (np.e + 1), 1 / (np.e + 1), 0])


def test_weighted_logs_are_zero_for_zero_weights_and_hide_nothing_else():
    weights, logs = np.array([0, 0, 0.5, 0.5, 0, np.nan]), np.array([-np.inf, 3, -np.inf, 3, np.nan, -np.inf])
    np.testing.assert_array_equal(weighted_logs(weights, logs), [0, 0, -np.inf, 1.5, np.nan, np.nan])
    np.testing.assert_array_equal(weighted_logs(weights[:2, None], logs[:2]), np.zeros((2, 2)))
