"""Gradients through samples: against autograd, and against quadrature where means and variances are claimed."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from course_utils.networks import fast
from course_utils.networks.reparameterization import (
    dropout_vjp,
    laplace_draws,
    leave_one_out,
    normal_draws,
    pathwise_gradient,
    pathwise_variance,
    reparameterize,
    reparameterize_vjp,
    sample_gradients,
    score_function_gradient,
    score_function_loss,
    score_function_variance,
    sigma_bar,
)

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(40)
WEIGHTS = WEIGHTS / WEIGHTS.sum()  # E[g(eps)] = WEIGHTS @ g(NODES), exactly for polynomials up to degree 79
means, widths = st.floats(-3, 3), st.floats(0.1, 3)


def test_samples_have_the_mean_and_the_width():
    mu, log_sigma = np.array([[1.0, -2.0]]), np.array([[-1.0, 0.7]])
    z = reparameterize(mu, log_sigma, np.random.default_rng(0).normal(size=(20_000, 1, 2)))
    assert z.shape == (20_000, 1, 2)
    for k in range(2):
        assert stats.kstest(z[:, 0, k], "norm", (mu[0, k], np.exp(log_sigma[0, k]))).pvalue > 0.01


@pytest.mark.whole
@given(st.integers(0, 10_000))
def test_the_backprop_rules_are_autograds(seed):
    mu, log_sigma, eps, z_bar = np.random.default_rng(seed).normal(size=(4, 3, 2))
    gradients = [grad(lambda *args: anp.sum(z_bar * reparameterize(*args, eps)), i)(mu, log_sigma) for i in (0, 1)]
    np.testing.assert_allclose(reparameterize_vjp(z_bar, log_sigma, eps), gradients, rtol=1e-12)
    through_fast = [
        grad(lambda *args: anp.sum(z_bar * fast.gaussian_sample(*args, eps)), i)(mu, log_sigma) for i in (0, 1)
    ]
    np.testing.assert_allclose(gradients, through_fast, rtol=1e-12)
    np.testing.assert_allclose(sigma_bar(z_bar, eps), gradients[1] / np.exp(log_sigma), rtol=1e-12)


def test_the_gradient_is_not_the_array_that_came_in():
    z_bar = np.ones((2, 2))
    mu_bar, _ = reparameterize_vjp(z_bar, np.zeros((2, 2)), np.ones((2, 2)))
    mu_bar += 1
    assert z_bar.sum() == 4


@given(st.integers(0, 10_000), st.floats(0, 0.9))
def test_dropout_is_multiplication(seed, rate):
    rng = np.random.default_rng(seed)
    h, h_bar = rng.normal(size=(2, 4, 3))
    mask = rng.random((4, 3)) >= rate
    expected = grad(lambda h: anp.sum(h_bar * (h * mask / (1 - rate))))(h)
    np.testing.assert_allclose(dropout_vjp(h_bar, mask, rate), expected, rtol=1e-12)


@given(means, widths)
def test_both_estimators_have_the_right_mean(mu, sigma):
    """By quadrature over eps: no sampling error."""
    for f, df, exact in [
        (np.square, lambda z: 2 * z, 2 * mu),
        (lambda z: z**3, lambda z: 3 * z**2, 3 * (mu**2 + sigma**2)),
        (np.cos, lambda z: -np.sin(z), -np.sin(mu) * np.exp(-(sigma**2) / 2)),
    ]:
        assert WEIGHTS @ score_function_gradient(f, mu, sigma, NODES) == pytest.approx(exact, rel=1e-7, abs=1e-7)
        assert WEIGHTS @ pathwise_gradient(df, mu, sigma, NODES) == pytest.approx(exact, rel=1e-7, abs=1e-7)


@given(means, widths, st.floats(-20, 20))
def test_variances_in_one_dimension_by_quadrature(mu, sigma, baseline):
    score = (np.square(mu + sigma * NODES) - baseline) * NODES / sigma
    expected = WEIGHTS @ score**2 - (WEIGHTS @ score) ** 2
    assert score_function_variance([mu], [sigma], baseline)[0] == pytest.approx(expected, rel=1e-8, abs=1e-8)
    path = 2 * (mu + sigma * NODES)
    assert pathwise_variance([mu], [sigma])[0] == pytest.approx(WEIGHTS @ path**2 - (WEIGHTS @ path) ** 2, rel=1e-8)


@pytest.mark.parametrize("baseline", [0.0, 5.0])
def test_variances_in_three_dimensions_by_quadrature(baseline):
    mu, sigma = np.array([1.0, -0.5, 2.0]), np.array([0.5, 1.2, 0.3])
    eps = np.stack(np.meshgrid(NODES, NODES, NODES, indexing="ij"), axis=-1)
    weights = np.einsum("i,j,k->ijk", WEIGHTS, WEIGHTS, WEIGHTS)[..., None]
    estimates = (np.sum((mu + sigma * eps) ** 2, axis=-1) - baseline)[..., None] * eps / sigma
    mean = (weights * estimates).sum(axis=(0, 1, 2))
    np.testing.assert_allclose(mean, 2 * mu, rtol=1e-9)
    variance = (weights * (estimates - mean) ** 2).sum(axis=(0, 1, 2))
    np.testing.assert_allclose(score_function_variance(mu, sigma, baseline), variance, rtol=1e-8)


def test_no_constant_baseline_is_better_than_the_mean_plus_two_variances():
    mu, sigma = np.full(6, 0.8), np.full(6, 0.7)
    best = np.sum(mu**2 + sigma**2) + 2 * sigma[0] ** 2
    at = [score_function_variance(mu, sigma, b)[0] for b in (best - 0.1, best, best + 0.1)]
    assert at[1] < min(at[0], at[2]) and at[0] == pytest.approx(at[2])


def test_the_baseline_of_a_sample_leaves_it_out():
    rewards = np.array([[1.0, 5.0], [2.0, 7.0], [6.0, 0.0]])
    np.testing.assert_allclose(leave_one_out(rewards), [[4, 3.5], [3.5, 2.5], [1.5, 6]])
    with pytest.raises(ValueError, match="at least 2 samples, got 1"):
        leave_one_out(rewards[:1])


def test_the_baseline_leaves_no_bias():
    """By quadrature over two samples: no sampling error."""
    mu, sigma = 0.7, 0.4
    pairs = np.array([[a, b] for a in NODES for b in NODES]).T  # (S = 2, outcomes)
    weights = np.outer(WEIGHTS, WEIGHTS).ravel()
    rewards = (mu + sigma * pairs) ** 2
    estimate = np.mean((rewards - leave_one_out(rewards)) * pairs / sigma, axis=0)
    assert weights @ estimate == pytest.approx(2 * mu)


@pytest.mark.whole
@given(st.integers(0, 10_000))
def test_the_gradient_of_the_loss_is_the_mean_of_the_estimates(seed):
    """Also for log_sigma, whose score is eps^2 - 1."""
    rng = np.random.default_rng(seed)
    mu, log_sigma = rng.normal(size=(2, 3))
    eps, rewards = rng.normal(size=(5, 3)), rng.normal(size=5)
    z = mu + np.exp(log_sigma) * eps
    gradients = grad(lambda q: score_function_loss(*q, z, rewards))((mu, log_sigma))
    weights = (rewards - leave_one_out(rewards))[:, None]
    np.testing.assert_allclose(gradients[0], -np.mean(weights * eps / np.exp(log_sigma), axis=0), atol=1e-12)
    np.testing.assert_allclose(gradients[1], -np.mean(weights * (eps**2 - 1), axis=0), atol=1e-12)
    log_q = stats.norm.logpdf(z, mu, np.exp(log_sigma)).sum(axis=1)
    assert score_function_loss(mu, log_sigma, z, rewards) == pytest.approx(-np.mean(weights[:, 0] * log_q))


@pytest.mark.whole
@given(st.integers(0, 10_000))
def test_gradients_through_a_generator_are_those_through_the_formula(seed):
    mu, log_sigma = np.random.default_rng(seed).normal(size=(2, 4, 3))
    f = lambda z: anp.sum(anp.sin(z) * z, axis=1)  # noqa: E731
    eps = normal_draws()(np.zeros((4, 3)), np.ones((4, 3)))
    expected = [grad(lambda *q: anp.sum(f(reparameterize(*q, eps))), i)(mu, log_sigma) for i in (0, 1)]
    np.testing.assert_allclose(sample_gradients(f, mu, log_sigma, normal_draws()), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("draws", [normal_draws, laplace_draws])
def test_draws_are_new_at_each_call_and_autograd_cannot_look_into_them(draws):
    with pytest.raises((TypeError, ValueError)):
        grad(lambda mu: anp.sum(draws()(mu, np.ones(3))))(np.zeros(3))
    draw, again = draws(), draws()
    first, second = draw(np.zeros(3), np.ones(3)), draw(np.zeros(3), np.ones(3))
    assert not np.any(first == second)
    np.testing.assert_array_equal(first, again(np.zeros(3), np.ones(3)))
    with pytest.raises(ValueError, match="sigma is positive"):
        draw(np.zeros(3), -np.ones(3))
