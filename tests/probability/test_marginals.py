"""Four ways to log p(x): against scipy's Gaussian where the decoder is straight, against each other where it bends."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from course_utils.probability import toy_decoders
from course_utils.probability.marginals import (
    log_marginal_importance,
    log_marginal_linear,
    log_marginal_monte_carlo,
    log_marginal_quadrature,
)

GRID = np.linspace(-8, 8, 1601)


def weights_of(decoder, K):
    b = decoder(np.zeros(K))
    return (decoder(np.eye(K)) - b).T, b


@pytest.mark.whole
@given(seed=st.integers(0, 10_000), D=st.integers(1, 6), K=st.integers(1, 6), eta=st.floats(1e-3, 10))
def test_linear_is_scipys_gaussian(seed, D, K, eta):
    rng = np.random.default_rng(seed)
    W, b, x = rng.normal(size=(D, K)), rng.normal(size=D), rng.normal(size=(4, D))
    expected = stats.multivariate_normal.logpdf(x, b, W @ W.T + eta * np.eye(D))
    np.testing.assert_allclose(log_marginal_linear(x, W, b, eta), np.reshape(expected, 4), rtol=1e-7, atol=1e-7)


def test_linear_does_not_cancel_for_a_tiny_eta():
    W, b = np.array([[3.0], [4.0]]), np.zeros(2)
    on, off = np.array([[3.0, 4.0]]), np.array([[3.0, 4.0]]) + 1e-6 * np.array([[-4.0, 3.0]])
    eta = 1e-14
    constant = -np.log(2 * np.pi) - 0.5 * np.log(25) - 0.5 * np.log(eta)
    assert np.isclose(log_marginal_linear(on, W, b, eta)[0], constant - 0.5, rtol=1e-6)
    assert np.isclose(log_marginal_linear(off, W, b, eta)[0], constant - 0.5 - 25e-12 / (2 * eta), rtol=1e-6)


@pytest.mark.parametrize("eta", [3.0, 0.3, 0.01])
def test_quadrature_agrees_with_the_closed_form_to_1e_6(eta):
    x = np.random.default_rng(0).normal(size=(9, 3))
    W, b = weights_of(toy_decoders.line, 1)
    error = log_marginal_quadrature(x, toy_decoders.line, eta, GRID) - log_marginal_linear(x, W, b, eta)
    assert np.abs(error).max() < 1e-6


@pytest.mark.parametrize("decoder", [toy_decoders.half_moon, toy_decoders.spiral, toy_decoders.helix])
def test_quadrature_agrees_with_scipys_where_the_decoder_bends(decoder):
    for x in decoder(np.array([[0.3], [-1.1]])) + 0.2:

        def density(z, x=x):
            return stats.norm.pdf(z) * stats.norm.pdf(x, decoder(np.array([z])), 0.5).prod()

        expected = integrate.quad(density, -9, 9, points=[-2, 0, 2], limit=200)[0]
        assert np.isclose(log_marginal_quadrature(x[None], decoder, 0.25, GRID)[0], np.log(expected), atol=1e-8)


def test_a_marginal_density_integrates_to_one():
    side = np.linspace(-6, 6, 121)
    points = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    p = np.exp(log_marginal_quadrature(points, toy_decoders.half_moon, 0.2, GRID[::8]))
    assert np.isclose(p.sum() * (side[1] - side[0]) ** 2, 1, atol=1e-6)


@pytest.mark.parametrize("grid", [np.zeros(3), np.array([0.0, 2, 1]), np.array([1.0]), np.zeros((3, 2))])
def test_a_grid_that_is_none_is_refused(grid):
    with pytest.raises(ValueError, match=r"ascending, of shape \(G,\) with G >= 2"):
        log_marginal_quadrature(np.zeros((1, 3)), toy_decoders.line, 1.0, grid)


def test_monte_carlo_is_unbiased_and_its_variance_is_the_closed_form_one():
    """E[p(x|z)^2] = (4 pi eta)^(-D/2) times the marginal with eta / 2: N(x; m, eta)^2 has half the variance."""
    rng = np.random.default_rng(2)
    W, b = weights_of(toy_decoders.plane, 2)
    x, eta, repeats = np.array([[0.4, 1.0, -0.2]]), 0.8, 4000
    exact = log_marginal_linear(x, W, b, eta)[0]
    second = log_marginal_linear(x, W, b, eta / 2)[0] - 1.5 * np.log(4 * np.pi * eta)
    relative_variance = np.expm1(second - 2 * exact) / 10
    ratio = np.exp(
        log_marginal_monte_carlo(
            np.repeat(x, repeats, axis=0), toy_decoders.plane, eta, rng.normal(size=(10, repeats, 2))
        )
        - exact
    )
    assert abs(ratio.mean() - 1) < 4 * np.sqrt(relative_variance / repeats)
    assert np.isclose(ratio.var(), relative_variance, rtol=0.15)


def posterior(x, W, b, eta):
    """The exact posterior of a decoder whose columns are orthogonal."""
    total = eta + (W**2).sum(axis=0)
    return (x - b) @ W / total, np.tile(0.5 * np.log(eta / total), (len(x), 1))


@pytest.mark.whole
@given(seed=st.integers(0, 10_000), eta=st.floats(0.01, 5))
def test_with_the_posterior_a_single_sample_is_exact(seed, eta):
    rng = np.random.default_rng(seed)
    W, b = np.linalg.qr(rng.normal(size=(6, 3)))[0] * [3, 1, 0.5], rng.normal(size=6)
    x = rng.normal(size=(5, 6))
    estimate = log_marginal_importance(
        x, lambda z: z @ W.T + b, eta, *posterior(x, W, b, eta), rng.normal(size=(1, 5, 3))
    )
    np.testing.assert_allclose(estimate, log_marginal_linear(x, W, b, eta), rtol=1e-9, atol=1e-9)


def test_importance_sampling_from_the_prior_is_plain_monte_carlo():
    rng = np.random.default_rng(3)
    x, eps, zero = rng.normal(size=(4, 3)), rng.normal(size=(7, 4, 2)), np.zeros((4, 2))
    np.testing.assert_allclose(
        log_marginal_importance(x, toy_decoders.bowl, 0.6, zero, zero, eps),
        log_marginal_monte_carlo(x, toy_decoders.bowl, 0.6, eps),
    )


@pytest.mark.slow
def test_importance_sampling_agrees_with_quadrature_where_the_decoder_bends():
    rng = np.random.default_rng(4)
    x = toy_decoders.half_moon(np.array([[0.5], [-0.8]])) + 0.1
    expected = log_marginal_quadrature(x, toy_decoders.half_moon, 0.1, GRID)
    mu, log_sigma = np.array([[0.5], [-0.8]]), np.full((2, 1), np.log(0.4))
    estimate = log_marginal_importance(x, toy_decoders.half_moon, 0.1, mu, log_sigma, rng.normal(size=(20_000, 2, 1)))
    np.testing.assert_allclose(estimate, expected, atol=0.03)


def test_all_stay_finite_where_every_density_underflows():
    rng = np.random.default_rng(5)
    x = np.full((2, 400), 50.0)
    eps = rng.normal(size=(3, 2, 1))
    with np.errstate(all="raise", under="ignore"):
        for value in (
            log_marginal_quadrature(x, toy_decoders.waves, 0.01, GRID),
            log_marginal_monte_carlo(x, toy_decoders.waves, 0.01, eps),
            log_marginal_importance(x, toy_decoders.waves, 0.01, np.ones((2, 1)), np.zeros((2, 1)), eps),
        ):
            assert value.shape == (2,) and np.isfinite(value).all() and (value < -1e6).all()
