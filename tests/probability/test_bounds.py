"""Jensen gaps and the S-sample bound, against closed forms and the inequalities that they must obey."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from course_utils.probability.bounds import iwae_bound, jensen_gap

FINITE = st.floats(-3000, 3000)


def drawn(n, seed):
    rng = np.random.default_rng(seed)
    return rng.uniform(0.2, 4, size=n), rng.dirichlet(np.ones(n))


@settings(max_examples=50)
@given(st.integers(1, 30), st.integers(0, 10**6))
def test_the_gap_has_the_sign_of_the_bend(n, seed):
    x, weights = drawn(n, seed)
    for convex in (np.exp, np.square, np.reciprocal):
        assert jensen_gap(convex, x, weights) >= -1e-12
    for concave in (np.log, np.sqrt):
        assert jensen_gap(concave, x, weights) <= 1e-12
    assert jensen_gap(lambda v: 3 * v - 2, x, weights) == pytest.approx(0, abs=1e-12)


@settings(max_examples=30)
@given(st.integers(2, 30), st.integers(0, 10**6))
def test_the_gap_of_the_square_is_the_variance(n, seed):
    x, weights = drawn(n, seed)
    variance = np.cov(x, aweights=weights, ddof=0)
    assert jensen_gap(np.square, x, weights) == pytest.approx(variance, abs=1e-12)


def test_the_gap_of_exp_for_a_coin():
    expected = 0.25 + 0.75 * math.e - math.exp(0.75)
    assert jensen_gap(np.exp, [0.0, 1.0], [0.25, 0.75]) == pytest.approx(expected)


@settings(max_examples=50)
@given(arrays(float, st.tuples(st.integers(1, 8), st.integers(1, 5)), elements=FINITE))
def test_the_bound_lies_between_mean_and_maximum(log_w):
    bound = iwae_bound(log_w)
    assert bound.shape == log_w.shape[1:]
    assert np.all(bound >= log_w.mean(axis=0) - 1e-9)
    assert np.all(bound <= log_w.max(axis=0) + 1e-9)


@settings(max_examples=30)
@given(arrays(float, st.tuples(st.integers(1, 6), st.just(3)), elements=st.floats(-20, 20)), FINITE)
def test_scaling_all_weights_shifts_the_bound(log_w, shift):
    np.testing.assert_allclose(iwae_bound(log_w + shift), iwae_bound(log_w) + shift, atol=1e-9)
    np.testing.assert_allclose(iwae_bound(log_w), np.log(np.exp(log_w).mean(axis=0)), atol=1e-9)


def test_one_sample_is_its_own_bound():
    log_w = np.array([[-1800.0, 3, 900]])
    np.testing.assert_array_equal(iwae_bound(log_w), log_w[0])


def test_log_normal_weights_climb_to_the_log_of_their_mean():
    """log w ~ N(-s^2/2, s^2) has E[w] = 1: bounds from -s^2/2 at S = 1 up to 0."""
    log_w = stats.norm(-0.5, 1).rvs(size=(2**17,), random_state=np.random.default_rng(3))
    means, errors = zip(
        *[(L.mean(), L.std() / np.sqrt(L.size)) for L in (iwae_bound(log_w.reshape(S, -1)) for S in (1, 8, 64, 512))]
    )
    assert abs(means[0] + 0.5) < 4 * errors[0]
    assert means[0] < means[1] < means[2] < means[3] < 4 * errors[3]
    # To first order the bias at S is -Var(w) / (2 S), and Var(w) = e - 1.
    assert means[2] == pytest.approx(-(math.e - 1) / 128, abs=4 * errors[2] + 1e-3)
