"""The linear-Gaussian model: expected error and bound, against sampling and the exact marginal and posterior."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from course_utils.models.linear_gaussian import (
    elbo_linear_gaussian,
    expected_squared_error,
    linear_posterior,
    mean_field_posterior,
)

N, D, K = 4, 6, 3


def model(seed=0, orthogonal=False):
    rng = np.random.default_rng(seed)
    W, b = rng.normal(size=(D, K)), rng.normal(size=D)
    if orthogonal:
        W = np.linalg.qr(W)[0] * [2.0, 1.0, 0.3]
    return rng.normal(size=(N, D)), W, b, rng.normal(size=(N, K)), rng.normal(size=(N, K)) / 2


def exact(x, W, b, eta):
    """log p(x) (N,), and the posterior's means (N, K) and covariance (K, K)."""
    covariance = np.linalg.inv(np.eye(K) + W.T @ W / eta)
    log_p = stats.multivariate_normal.logpdf(x, b, W @ W.T + eta * np.eye(D))
    return log_p, (x - b) @ W @ covariance / eta, covariance


def test_expected_error_is_the_mean_over_samples():
    x, W, b, mu, log_sigma = model()
    z = mu + np.exp(log_sigma) * np.random.default_rng(1).normal(size=(50_000, N, K))
    errors = np.sum((x - z @ W.T - b) ** 2, axis=-1)
    standard_error = errors.std(axis=0) / np.sqrt(len(errors))
    assert np.all(np.abs(errors.mean(axis=0) - expected_squared_error(x, W, b, mu, log_sigma)) < 4 * standard_error)


def test_expected_error_of_a_point_is_its_squared_error_and_less_than_any_cloud_s():
    x, W, b, mu, log_sigma = model()
    point = expected_squared_error(x, W, b, mu, np.full_like(mu, -np.inf))
    np.testing.assert_allclose(point, np.sum((x - mu @ W.T - b) ** 2, axis=1))
    assert np.all(expected_squared_error(x, W, b, mu, log_sigma) > point)


@given(st.integers(0, 1000), st.floats(0.05, 5))
def test_the_gap_is_the_divergence_from_the_posterior(seed, eta):
    x, W, b, mu, log_sigma = model(seed)
    log_p, means, covariance = exact(x, W, b, eta)
    precision = np.linalg.inv(covariance)
    d = mu - means
    gap = 0.5 * (
        np.exp(2 * log_sigma) @ np.diag(precision)
        + np.einsum("nk,kl,nl->n", d, precision, d)
        - K
        + np.linalg.slogdet(covariance)[1]
    ) - log_sigma.sum(axis=1)
    np.testing.assert_allclose(log_p - elbo_linear_gaussian(x, W, b, eta, mu, log_sigma), gap, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("eta", [0.1, 1.7])
def test_with_orthogonal_columns_the_posterior_is_reached(eta):
    x, W, b, _, _ = model(3, orthogonal=True)
    log_p, means, covariance = exact(x, W, b, eta)
    log_sigma = np.tile(0.5 * np.log(np.diag(covariance)), (N, 1))
    np.testing.assert_allclose(elbo_linear_gaussian(x, W, b, eta, means, log_sigma), log_p, rtol=1e-10)
    for i in (4, 5):
        slope = grad(lambda *args: anp.sum(elbo_linear_gaussian(*args)), i)(x, W, b, eta, means, log_sigma)
        np.testing.assert_allclose(slope, 0, atol=1e-10)


def test_gradients_keep_float32():
    x, W, b, mu, log_sigma = (a.astype("f4") for a in model())

    def total(W, mu, log_sigma):
        return anp.sum(expected_squared_error(x, W, b, mu, log_sigma))

    for i in range(3):
        assert grad(total, i)(W, mu, log_sigma).dtype == np.float32


@given(st.integers(0, 1000), st.floats(0.05, 5))
def test_the_posterior_is_the_joint_gaussian_given_x(seed, eta):
    x, W, b, _, _ = model(seed)
    mu, covariance = linear_posterior(x, W, b, eta)
    gain = W.T @ np.linalg.inv(W @ W.T + eta * np.eye(D))  # conditioning among pixels, not among latents
    np.testing.assert_allclose(mu, (x - b) @ gain.T, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(covariance, np.eye(K) - gain @ W, rtol=1e-8, atol=1e-10)


def test_averaged_over_x_the_posterior_is_the_prior():
    _, W, b, _, _ = model(1)
    A = linear_posterior(b + np.eye(D), W, b, 0.4)[0]  # mu = (x - b) A
    between = A.T @ (W @ W.T + 0.4 * np.eye(D)) @ A
    np.testing.assert_allclose(between + linear_posterior(b[None], W, b, 0.4)[1], np.eye(K), atol=1e-12)


@pytest.mark.whole
@given(st.integers(0, 1000), st.floats(0.05, 5))
def test_no_diagonal_q_beats_the_mean_field_one_and_its_gap_has_a_closed_form(seed, eta):
    x, W, b, d_mu, d_log_sigma = model(seed)
    mu, log_sigma = mean_field_posterior(x, W, b, eta)
    best = elbo_linear_gaussian(x, W, b, eta, mu, log_sigma)
    assert np.all(best >= elbo_linear_gaussian(x, W, b, eta, mu + 0.1 * d_mu, log_sigma + 0.1 * d_log_sigma))
    for i in (4, 5):
        slope = grad(lambda *args: anp.sum(elbo_linear_gaussian(*args)), i)(x, W, b, eta, mu, log_sigma)
        np.testing.assert_allclose(slope, 0, atol=1e-8)
    P = np.linalg.inv(linear_posterior(x, W, b, eta)[1])
    gap = 0.5 * (np.log(np.diag(P)).sum() - np.linalg.slogdet(P)[1])
    np.testing.assert_allclose(exact(x, W, b, eta)[0] - best, gap, rtol=1e-7, atol=1e-8)
