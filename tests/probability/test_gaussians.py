"""Gaussians and their divergences, against scipy, quadrature and each other."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd.test_util import check_grads
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import integrate, stats

from course_utils.probability import gaussians

NUMBERS = st.floats(-3, 3)


def rows(*shape):
    return arrays(float, shape, elements=NUMBERS)


def parameters(seed, *shape):
    rng = np.random.default_rng(seed)
    return rng.normal(size=shape), rng.normal(size=shape) / 2


def test_log_prob_is_scipys_and_broadcasts_over_samples():
    mu, log_sigma = parameters(0, 4, 3)
    z = np.random.default_rng(1).normal(size=(5, 4, 3))
    expected = stats.norm.logpdf(z, mu, np.exp(log_sigma)).sum(axis=-1)
    got = gaussians.diagonal_gaussian_log_prob(z, mu, log_sigma)
    assert got.shape == (5, 4)
    np.testing.assert_allclose(got, expected)
    one = stats.multivariate_normal(mu[0], np.diag(np.exp(2 * log_sigma[0])))
    np.testing.assert_allclose(got[:, 0], one.logpdf(z[:, 0]))


def test_kl_of_pairs_is_the_integral_that_defines_it():
    (mu_q, s_q), (mu_p, s_p) = parameters(2, 3, 2), parameters(3, 3, 2)

    def one(m_q, s_q, m_p, s_p):
        q, p = stats.norm(m_q, np.exp(s_q)), stats.norm(m_p, np.exp(s_p))
        return integrate.quad(lambda z: q.pdf(z) * (q.logpdf(z) - p.logpdf(z)), *q.interval(1 - 1e-15))[0]

    expected = np.vectorize(one)(mu_q, s_q, mu_p, s_p).sum(axis=1)
    np.testing.assert_allclose(gaussians.kl_gaussians(mu_q, s_q, mu_p, s_p), expected, rtol=1e-8)


@pytest.mark.whole
@given(rows(3, 2), rows(3, 2), rows(3, 2), rows(3, 2))
def test_kl_is_never_negative_zero_for_equals_and_does_not_see_the_axis(mu_q, s_q, mu_p, s_p):
    kl = gaussians.kl_gaussians(mu_q, s_q, mu_p, s_p)
    assert kl.shape == (3,) and np.all(kl >= -1e-12)
    np.testing.assert_allclose(gaussians.kl_gaussians(mu_q, s_q, mu_q, s_q), 0, atol=1e-12)
    stretched = gaussians.kl_gaussians(2.5 * mu_q + 1, s_q + np.log(2.5), 2.5 * mu_p + 1, s_p + np.log(2.5))
    np.testing.assert_allclose(stretched, kl, rtol=1e-7, atol=1e-9)


@pytest.mark.whole
@given(rows(4, 3), rows(4, 3))
def test_kl_to_the_standard_normal_is_the_pair_with_it(mu, log_sigma):
    zero = np.zeros_like(mu)
    np.testing.assert_allclose(
        gaussians.kl_standard_normal(mu, log_sigma), gaussians.kl_gaussians(mu, log_sigma, zero, zero), atol=1e-9
    )


def test_kl_to_the_standard_normal_stays_finite_for_tiny_sigma_and_keeps_float32():
    tiny = gaussians.kl_standard_normal(np.zeros((1, 2)), np.full((1, 2), -500.0))
    np.testing.assert_allclose(tiny, 2 * (500 - 0.5))
    assert gaussians.kl_standard_normal(np.ones((2, 3), "f4"), np.ones((2, 3), "f4")).dtype == np.float32


def test_gradients_are_mu_and_the_variance_less_one():
    from autograd import grad

    mu, log_sigma = parameters(4, 3, 2)

    def total(mu, log_sigma):
        return anp.sum(gaussians.kl_standard_normal(mu, log_sigma))

    np.testing.assert_allclose(grad(total, 0)(mu, log_sigma), mu)
    np.testing.assert_allclose(grad(total, 1)(mu, log_sigma), np.exp(2 * log_sigma) - 1)
    single = grad(total, 1)(mu.astype("f4"), log_sigma.astype("f4"))
    assert single.dtype == np.float32
    check_grads(gaussians.kl_gaussians, modes=["rev"])(mu, log_sigma, log_sigma, mu)


def test_monte_carlo_is_unbiased_within_its_standard_error():
    mu, log_sigma = parameters(5, 3, 2)
    S = 40_000
    eps = np.random.default_rng(6).normal(size=(S, 3, 2))
    z = mu + np.exp(log_sigma) * eps
    single = (stats.norm.logpdf(z, mu, np.exp(log_sigma)) - stats.norm.logpdf(z)).sum(axis=2)
    estimate = gaussians.kl_monte_carlo(mu, log_sigma, eps)
    np.testing.assert_allclose(estimate, single.mean(axis=0))
    standard_error = single.std(axis=0) / np.sqrt(S)
    assert np.all(np.abs(estimate - gaussians.kl_standard_normal(mu, log_sigma)) < 4 * standard_error)
    check_grads(lambda mu, s: gaussians.kl_monte_carlo(mu, s, eps[:3]), modes=["rev"])(mu, log_sigma)


@pytest.mark.parametrize("K", [1, 2, 7])
def test_a_shrinking_gaussian_costs_k_nats_per_nat_of_log_sigma(K):
    mu, sigmas = np.linspace(-1, 2, K), np.logspace(-12, -6, 7)
    price = gaussians.kl_to_point_mass(mu, sigmas)
    slopes = np.diff(price) / np.diff(np.log(sigmas))
    np.testing.assert_allclose(slopes, -K, rtol=1e-9)
    np.testing.assert_allclose(price + K * np.log(sigmas), (mu @ mu - K) / 2, rtol=1e-9, atol=1e-9)
    check_grads(gaussians.kl_to_point_mass, modes=["rev"])(mu, np.linspace(0.5, 2, 3))


@given(arrays(float, 3, elements=NUMBERS), arrays(float, 4, elements=st.floats(1e-3, 5)))
def test_kl_to_point_mass_is_the_divergence_of_each_sigma(mu, sigmas):
    log_sigma = np.tile(np.log(sigmas)[:, None], (1, 3))
    np.testing.assert_allclose(
        gaussians.kl_to_point_mass(mu, sigmas),
        gaussians.kl_standard_normal(np.tile(mu, (4, 1)), log_sigma),
        rtol=1e-9,
        atol=1e-9,
    )


@pytest.mark.parametrize("K", [1, 3])
def test_no_q_in_a_cube_pays_less_than_its_floor(K):
    """The least that any q in the cube pays is -log P(cube); a uniform q pays more, a cube elsewhere, too."""
    widths = np.array([1.5, 0.4, 0.01])
    floor, _ = gaussians.point_mass_limit(widths, 3.0, K)
    for middle in (0.0, 0.3, -2.0):
        inside = stats.norm.cdf(middle + widths / 2) - stats.norm.cdf(middle - widths / 2)
        least = -K * np.log(inside)
        uniform = K * (-np.log(widths) + np.log(2 * np.pi) / 2 + (middle**2 + widths**2 / 12) / 2)
        assert np.all(floor < least) and np.all(least < uniform)
    near_its_middle = -K * np.log(2 * stats.norm.cdf(widths[-1] / 2) - 1)
    np.testing.assert_allclose(floor[-1], near_its_middle, rtol=1e-5)


@pytest.mark.parametrize("K", [1, 4])
@pytest.mark.parametrize("nats", [-1.0, 0.0, 7.5, 300])
def test_at_the_side_that_is_enough_the_floor_is_as_many_nats(K, nats):
    _, enough = gaussians.point_mass_limit(np.ones(1), nats, K)
    floor, _ = gaussians.point_mass_limit(enough * np.array([1, 0.1]), nats, K)
    np.testing.assert_allclose(floor, [nats, nats + K * np.log(10)], atol=1e-9)
    check_grads(lambda w: gaussians.point_mass_limit(w, nats, K)[0], modes=["rev"])(np.array([0.5, 2]))
