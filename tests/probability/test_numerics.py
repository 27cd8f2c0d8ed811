"""Sums of exponentials against scipy."""

import numpy as np
import pytest
from autograd import grad
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.special import logsumexp

from course_utils.probability.numerics import bound_terms, log_mean_exp, log_sum_exp, quiet_log


@pytest.mark.whole
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


def test_terms_of_a_bound_are_zero_where_q_is_and_hide_nothing_else():
    q, log_p = np.array([0, 0, 0.5, 0.5, 0, np.nan]), np.array([-np.inf, 3, -np.inf, 3, np.nan, -np.inf])
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(bound_terms(q, log_p), [0, 0, -np.inf, 1.5 + 0.5 * np.log(2), np.nan, np.nan])
        np.testing.assert_array_equal(bound_terms(q[:2, None], log_p[:2]), np.zeros((2, 2)))


@pytest.mark.whole
@given(hnp.arrays(np.float64, (3, 4), elements=st.floats(-5000, 5000)), st.sampled_from([None, 0, 1, -1]))
def test_log_sum_exp_agrees_with_scipy(a, axis):
    np.testing.assert_allclose(log_sum_exp(a, axis), logsumexp(a, axis), rtol=1e-12, atol=1e-12)


def test_log_sum_exp_of_infinite_entries_warns_of_nothing():
    a = np.array([[-np.inf, -np.inf], [-np.inf, 3], [np.inf, 0], [np.nan, 0]])
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(log_sum_exp(a, axis=1), [-np.inf, 3, np.inf, np.nan])
        assert log_sum_exp(a[1]) == 3 and quiet_log(0.0) == -np.inf


def test_log_sum_exp_has_the_gradient_of_a_softmax():
    a = np.array([[0.3, -1.0], [700.0, 699]])
    slope = grad(lambda a: log_sum_exp(a, axis=1)[0] + log_sum_exp(a, axis=1)[1])(a)
    np.testing.assert_allclose(slope, np.exp(a - logsumexp(a, axis=1, keepdims=True)))
