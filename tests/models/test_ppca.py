"""Probabilistic PCA: the closed form is a maximum of the likelihood, and nothing else is higher."""

import numpy as np
import pytest
from scipy import optimize, stats

from course_utils.models.pca import pca_eigenvalues, pca_fit, subspace_angle
from course_utils.models.ppca import ppca_fit
from course_utils.probability.marginals import log_marginal_linear


def cloud(rng, N=300, D=7, K=3):
    W = rng.normal(size=(D, K)) * [3, 2, 1.5]
    return rng.normal(size=(N, K)) @ W.T + 0.5 * rng.normal(size=(N, D)) + rng.normal(size=D)


def likelihood(x, W, mean, eta):
    return stats.multivariate_normal.logpdf(x, mean, W @ W.T + eta * np.eye(len(mean))).mean()


@pytest.mark.parametrize("K", [1, 2, 3, 6])
def test_no_step_in_any_direction_leads_higher(K):
    rng = np.random.default_rng(K)
    x = cloud(rng)
    W, mean, eta = ppca_fit(x, K)
    best = likelihood(x, W, mean, eta)
    for _ in range(50):
        dW, dm, de = 1e-2 * rng.normal(size=W.shape), 1e-2 * rng.normal(size=len(mean)), np.exp(1e-2 * rng.normal())
        assert likelihood(x, W + dW, mean, eta) < best
        assert likelihood(x, W, mean + dm, eta) < best
        assert likelihood(x, W, mean, eta * de) < best


def test_a_numerical_maximiser_gets_no_further():
    rng = np.random.default_rng(0)
    x = cloud(rng, N=80, D=5)
    W, mean, eta = ppca_fit(x, 2)

    def loss(v):
        return -log_marginal_linear(x, v[:10].reshape(5, 2), v[10:15], np.exp(v[15])).mean()

    found = optimize.minimize(loss, np.concatenate([rng.normal(size=10), x.mean(axis=0), [0.0]]), method="BFGS")
    assert -found.fun == pytest.approx(likelihood(x, W, mean, eta), abs=1e-5)
    V = found.x[:10].reshape(5, 2)
    np.testing.assert_allclose(V @ V.T, W @ W.T, atol=1e-2)


def test_it_is_pca_in_other_clothes():
    x = cloud(np.random.default_rng(1))
    W, _, eta = ppca_fit(x, 3)
    _, components = pca_fit(x, 3)
    assert subspace_angle(W, components.T) < 1e-6
    np.testing.assert_allclose(np.diag(W.T @ W), pca_eigenvalues(x)[:3] - eta)
    assert W.T @ W == pytest.approx(np.diag(np.diag(W.T @ W)), abs=1e-9)
    np.testing.assert_allclose(np.trace(W @ W.T + eta * np.eye(7)), np.var(x, axis=0).sum())


def test_little_noise_is_found_and_none_is_said():
    rng = np.random.default_rng(0)
    flat = rng.normal(size=(50, 2)) @ rng.normal(size=(2, 5)) + 7
    for noise in (1e-3, 1e-6, 1e-9):
        _, _, eta = ppca_fit(flat + noise * rng.normal(size=(50, 5)), 2)
        assert eta == pytest.approx(noise**2, rel=0.5)
    for x, K in ((flat, 2), (flat, 3), (flat.astype("f4")[:3], 2)):
        with pytest.warns(UserWarning, match=f"lies in K = {K} dimensions or fewer: eta is 0 but for rounding"):
            ppca_fit(x, K)


@pytest.mark.parametrize("x", [np.ones((1, 4)), np.full((3, 4), 0.1), np.arange(4.0) + np.zeros((9, 1))])
def test_equal_examples_have_no_maximum_of_the_likelihood(x):
    with pytest.raises(ValueError, match=f"needs examples that differ, but all {len(x)} of x"):
        ppca_fit(x, 2)


def test_few_examples_leave_columns_at_zero_and_k_must_leave_room_for_noise():
    x = np.random.default_rng(0).normal(size=(3, 6))
    with pytest.warns(UserWarning, match="lies in K = 5 dimensions or fewer"):
        W, _, eta = ppca_fit(x.tolist(), 5)
    assert W.shape == (6, 5) and np.isfinite(W).all() and eta >= 0
    for K in (0, 6, 7):
        with pytest.raises(ValueError, match=f"K = {K} came"):
            ppca_fit(x, K)
