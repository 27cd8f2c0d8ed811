"""Observation models: against scipy, as densities that add up to 1, at extreme logits, and under autograd."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from course_utils.probability.likelihoods import bernoulli_log_prob, gaussian_log_prob


@pytest.mark.whole
@given(seed=st.integers(0, 10_000), D=st.integers(1, 30), eta=st.floats(1e-6, 1e4))
def test_gaussian_is_the_sum_of_scipys_log_densities(seed, D, eta):
    rng = np.random.default_rng(seed)
    x, mean = rng.normal(size=(2, 4, D))
    np.testing.assert_allclose(
        gaussian_log_prob(x, mean, eta), stats.norm.logpdf(x, mean, np.sqrt(eta)).sum(axis=1), rtol=1e-10
    )


def test_gaussian_integrates_to_one():
    side = np.linspace(-8, 8, 161)
    points = np.stack(np.meshgrid(side, side), axis=-1)
    total = np.exp(gaussian_log_prob(points, np.array([0.4, -1.0]), 0.7)).sum() * (side[1] - side[0]) ** 2
    assert np.isclose(total, 1, atol=1e-9)


def test_leading_axes_broadcast():
    rng = np.random.default_rng(0)
    x, means = rng.normal(size=(5, 3)), rng.normal(size=(7, 5, 3))
    together = gaussian_log_prob(x, means, 0.3)
    assert together.shape == (7, 5)
    np.testing.assert_allclose(together[4], gaussian_log_prob(x, means[4], 0.3))
    assert gaussian_log_prob([[1.0, 2.0]], [0.0, 0.0], 2.0).shape == (1,)


def test_gaussian_is_finite_where_the_density_underflows():
    x = np.full((1, 2000), 30.0)
    assert np.isclose(gaussian_log_prob(x, 0.0, 0.01)[0], 2000 * (-900 / 0.02 - 0.5 * np.log(2 * np.pi * 0.01)))


@given(seed=st.integers(0, 10_000), size=st.floats(0.1, 1000))
def test_bernoulli_is_scipys_log_expit(seed, size):
    rng = np.random.default_rng(seed)
    x, logits = rng.integers(0, 2, size=(4, 6)), size * rng.normal(size=(4, 6))
    expected = np.where(x == 1, special.log_expit(logits), special.log_expit(-logits)).sum(axis=1)
    np.testing.assert_allclose(bernoulli_log_prob(x, logits), expected, rtol=1e-12, atol=1e-11)


def test_bernoulli_at_a_thousand_where_the_naive_form_breaks():
    x, logits = np.array([[1.0, 0], [0, 1], [1, 1]]), np.array([[1000.0, -1000], [1000, -1000], [1000, -1000]])
    np.testing.assert_array_equal(bernoulli_log_prob(x, logits), [0, -2000, -1000])
    with np.errstate(all="ignore"):
        p = 1 / (1 + np.exp(-logits))
        naive = np.sum(x * np.log(p) + (1 - x) * np.log(1 - p), axis=1)
    assert not np.isfinite(naive).any()


def test_bernoulli_probabilities_of_all_pictures_add_up_to_one():
    pictures = np.array(list(np.ndindex(2, 2, 2, 2)))
    assert np.isclose(np.exp(bernoulli_log_prob(pictures, np.array([0.3, -2, 5, 1.1]))).sum(), 1)


def test_a_grey_pixel_costs_the_cross_entropy():
    x, p = np.array([[0.3, 0.8]]), np.array([[0.6, 0.7]])
    entropy = -(x * np.log(p) + (1 - x) * np.log(1 - p)).sum()
    assert np.isclose(bernoulli_log_prob(x, np.log(p / (1 - p)))[0], -entropy)


def test_gradients_are_residuals_and_stay_float32():
    rng = np.random.default_rng(1)
    x = rng.integers(0, 2, size=(3, 4)).astype("f4")
    logits = np.array([[1000, -1000, 0.5, 2], [-3, 40, 1000, 0], [-1000, 1, 2, 3]], "f4")
    gradient = grad(lambda l: anp.sum(bernoulli_log_prob(x, l)))(logits)
    np.testing.assert_allclose(gradient, x - special.expit(logits), atol=1e-6)
    assert gradient.dtype == np.float32 and bernoulli_log_prob(x, logits).dtype == np.float32
    mean = rng.normal(size=(3, 4)).astype("f4")
    gradient = grad(lambda m: anp.sum(gaussian_log_prob(x, m, 0.5)))(mean)
    np.testing.assert_allclose(gradient, (x - mean) / 0.5, rtol=1e-5)
    assert gradient.dtype == np.float32


@pytest.mark.parametrize("eta", [0.3, 2.0])
def test_the_slope_in_eta_vanishes_at_the_mean_squared_residual(eta):
    x = np.sqrt(eta) * np.ones((1, 5))
    assert abs(grad(lambda e: anp.sum(gaussian_log_prob(x, 0.0, e)))(eta)) < 1e-9
