"""What is no density, no probability, no grid or does not fit is refused, with what was expected and what came."""

import re

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad, hessian
from probability_calls import CALLS, called

from course_utils.probability import expecting, gaussians, likelihoods

ONES = np.ones((5, 1))
SIX = np.ones((5, 6))
GRID = np.linspace(-1, 1, 4)


def mixture(pi=(0.5, 0.5), mu=None, S=None):
    return np.array(pi), np.zeros((2, 6)) if mu is None else mu, np.tile(np.eye(6), (2, 1, 1)) if S is None else S


def two(value):
    """Parameters (2,) of a mixture of two."""
    return np.full(2, value)


NAN = float("nan")
REFUSED = [
    ("likelihoods.gaussian_log_prob", (ONES, SIX, 1.0), "x (5, 1), mean (5, 6)"),
    ("likelihoods.gaussian_log_prob", (SIX, ONES, 1.0), "x (5, 6), mean (5, 1)"),
    ("likelihoods.gaussian_log_prob", (0.5, 0.0, 1.0), "numbers alone"),
    ("likelihoods.gaussian_log_prob", (SIX, SIX, -0.5), "eta must be positive, but -0.5 came"),
    ("likelihoods.gaussian_log_prob", (SIX, SIX, 0), "eta must be positive, but 0 came"),
    ("likelihoods.gaussian_log_prob", (SIX, SIX, NAN), "eta must be positive, but nan came"),
    ("likelihoods.bernoulli_log_prob", (ONES, SIX), "x (5, 1), logits (5, 6)"),
    ("likelihoods.bernoulli_log_prob", (255 * SIX, SIX), "x must be between 0 and 1, but 255 came"),
    ("likelihoods.bernoulli_log_prob", (NAN * SIX, SIX), "x must be between 0 and 1, but nan came"),
    ("gaussians.diagonal_gaussian_log_prob", (ONES, SIX, SIX), "z (5, 1), mu (5, 6), log_sigma (5, 6)"),
    ("gaussians.kl_standard_normal", (ONES, np.ones(5)), "mu (5, 1), log_sigma (5,)"),
    ("gaussians.kl_gaussians", (SIX, SIX, SIX, ONES), "log_sigma_p (5, 1)"),
    ("gaussians.kl_monte_carlo", (SIX, SIX, SIX), "eps (S, N, K) with S > 0, but these shapes came: mu (5, 6)"),
    ("gaussians.kl_monte_carlo", (SIX, SIX, np.ones((3, 6))), "eps (3, 6)"),
    ("gaussians.kl_monte_carlo", (SIX, SIX, np.ones((0, 5, 6))), "eps (0, 5, 6)"),
    ("gaussians.kl_to_point_mass", (np.ones(3), np.array([1.0, -2, NAN])), "sigmas must be positive, but -2 came"),
    ("gaussians.kl_to_point_mass", (SIX, np.ones(2)), "mu (K,), sigmas (M,), but these shapes came: mu (5, 6)"),
    ("gaussians.point_mass_limit", (np.array([1.0, 0]), 5.0, 2), "widths must be positive, but 0 came"),
    ("gaussians.point_mass_limit", (SIX, 5.0, 2), "widths (M,), but these shapes came: widths (5, 6)"),
    ("gaussians.point_mass_limit", (np.ones(2), 5.0, 0), "K must be positive, but 0 came"),
    ("divergences.kl_categorical", ([1.5, -0.5], [0.5, 0.5]), "q must be at least 0, but -0.5 came"),
    ("divergences.kl_categorical", ([0.5, 0.5], [NAN, 1]), "p must be at least 0, but nan came"),
    ("divergences.kl_categorical", ([3, 1], [0.5, 0.5]), "q must be probabilities that add up to 1, but"),
    ("divergences.kl_categorical", ([0.5, 0.5], [0.5, 0.25, 0.25]), "q (2,), p (3,)"),
    ("divergences.kl_on_grid", (np.zeros(4), np.zeros(4), GRID[::-1]), "does not ascend"),
    ("divergences.kl_on_grid", (np.zeros((4, 1)), np.zeros(4), GRID), "log_q (4, 1), log_p (4,), grid (4,)"),
    ("bounds.jensen_gap", (np.exp, [0.0, 1], [2, -1]), "weights must be at least 0, but -1 came"),
    ("bounds.jensen_gap", (np.exp, [0.0, 1], [1, 1]), "add up to 2"),
    ("bounds.jensen_gap", (np.exp, ONES, ONES / 5), "x (n,), weights (n,), but these shapes came: x (5, 1)"),
    ("bounds.iwae_bound", (np.ones((0, 3)),), "log_w (S, N) with S > 0, but these shapes came: log_w (0, 3)"),
    ("bounds.iwae_bound", (np.ones(3),), "log_w (3,)"),
    ("grids.trapezoid_weights", ([0, 2, 1],), "ascending, of shape (G,) with G >= 2"),
    ("grids.trapezoid_weights", ([0, NAN, 1],), "ascending"),
    ("grids.trapezoid_weights", ([1.0],), "but one of shape (1,) came"),
    ("grids.integrate", (np.ones(5), GRID), "values (5,), grid (4,)"),
    ("grids.gaussian_on_grid", (GRID, 0.0, 0.0), "sigma must be positive, but 0 came"),
    ("grids.log_evidence_on_grid", (np.sin, GRID[::-1]), "does not ascend"),
    ("grids.posterior_on_grid", (np.sin, GRID[::-1]), "does not ascend"),
    ("grids.elbo_on_grid", (np.sin, np.ones((4, 1)), GRID), "q (G,), grid (G,), but these shapes came: q (4, 1)"),
    ("grids.elbo_on_grid", (np.sin, -GRID, GRID), "q must be at least 0, but -0.333333 came"),
    ("grids.gap_on_grid", (np.sin, np.ones(3), GRID), "q (3,), grid (4,)"),
    ("grids.gap_on_grid", (np.sin, GRID, GRID), "q must be at least 0, but -1 came"),
    ("marginals.log_marginal_linear", (ONES, SIX.T, np.zeros(6), 1.0), "x (5, 1), W (6, 5), b (6,)"),
    ("marginals.log_marginal_linear", (SIX, np.ones((6, 2)), np.zeros(6), 0.0), "eta must be positive"),
    ("marginals.log_marginal_quadrature", (ONES, lambda z: np.ones((4, 6)), 1.0, GRID), "grid (4,), decoder(z) (4, 6)"),
    ("marginals.log_marginal_quadrature", (SIX, lambda z: np.ones((4, 6)), -1.0, GRID), "eta must be positive"),
    ("marginals.log_marginal_monte_carlo", (SIX, lambda z: SIX, 1.0, np.ones((5, 2))), "eps (5, 2)"),
    ("marginals.log_marginal_monte_carlo", (SIX, lambda z: SIX, 1.0, np.ones((0, 5, 2))), "eps (0, 5, 2)"),
    ("marginals.log_marginal_monte_carlo", (SIX, lambda z: ONES, 1.0, np.ones((3, 5, 2))), "mean (5, 1)"),
    ("marginals.log_marginal_monte_carlo", (SIX, lambda z: SIX, -1.0, np.ones((3, 5, 2))), "eta must be positive"),
    ("marginals.log_marginal_importance", (SIX, lambda z: SIX, 1.0, SIX, SIX, SIX), "eps (5, 6)"),
    ("marginals.log_marginal_importance", (SIX, lambda z: SIX, 1.0, SIX, SIX, np.ones((3, 1, 6))), "eps (3, 1, 6)"),
    ("marginals.log_marginal_importance", (SIX, lambda z: SIX, 1.0, SIX, ONES, np.ones((3, 5, 6))), "log_sigma (5, 1)"),
    ("mixtures.mixture_log_joint", (GRID, two(0.5), two(0), two(-1)), "sigma must be positive, but -1 came"),
    ("mixtures.mixture_log_joint", (GRID, [1.2, -0.2], two(0), two(1)), "pi must be at least 0, but -0.2 came"),
    ("mixtures.mixture_log_joint", (GRID[:, None], two(0.5), two(0), two(1)), "x (4, 1), pi (2,)"),
    ("mixtures.mixture_log_prob", (GRID, two(1), two(0), two(1)), "pi must be probabilities"),
    ("mixtures.em_e_step", (GRID, two(0.5), two(0), 1.0), "sigma ()"),
    ("mixtures.em_m_step", (GRID, np.full((4, 2), -0.5)), "responsibilities must be at least 0, but -0.5 came"),
    ("mixtures.em_m_step", (GRID, np.ones((2, 4))), "x (N,), responsibilities (N, C), but these shapes came: x (4,)"),
    ("mixtures.mixture_elbo", (GRID, np.ones((4, 3)), two(0.5), two(0), two(1)), "responsibilities (4, 3), pi (2,)"),
    ("mixtures.mixture_elbo", (GRID, np.full((4, 2), NAN), two(0.5), two(0), two(1)), "must be at least 0, but nan"),
    ("numerics.log_mean_exp", ([],), "at least one entry is expected, but an array of shape (0,) came"),
    ("gaussian_mixture.gmm_log_prob", (ONES, mixture()), "z (5, 1), mu (2, 6)"),
    ("gaussian_mixture.gmm_log_prob", (SIX, mixture(pi=(0.5, 0.5, 0))), "pi (3,), mu (2, 6), S (2, 6, 6)"),
    ("gaussian_mixture.gmm_log_prob", (SIX, mixture(pi=(1.5, -0.5))), "pi must be at least 0, but -0.5 came"),
    ("gaussian_mixture.gmm_log_prob", (SIX, mixture(S=-mixture()[2])), "not positive definite"),
    ("gaussian_mixture.gmm_sample", (mixture(S=np.eye(6)), 3, 0), "S (6, 6)"),
    *[
        (f"toy_decoders.{name}", (np.ones((4, K + 1)),), f"expected codes z (..., {K}), but z (4, {K + 1}) came")
        for names, K in (("arc half_moon spiral helix line", 1), ("plane bowl", 2))
        for name in names.split()
    ],
    ("toy_decoders.arc", (0.5,), "but z () came"),
]  # fmt: skip


@pytest.mark.parametrize("name, args, message", REFUSED)
def test_what_would_give_silent_garbage_is_refused(name, args, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        called(name, args)


def arrays_of(value, path=()):
    """The places of all arrays in nested arguments."""
    if isinstance(value, np.ndarray):
        yield path
    elif isinstance(value, tuple):
        for i, item in enumerate(value):
            yield from arrays_of(item, (*path, i))


def with_nan(value, path):
    """The arguments as floats, with a nan as the last entry of the array at this place."""
    if isinstance(value, tuple):
        return tuple(with_nan(item, path[1:] if path and path[0] == i else None) for i, item in enumerate(value))
    if not isinstance(value, np.ndarray):
        return value
    array = value.astype(float)
    if path == ():
        array.flat[-1] = np.nan
    return array


@pytest.mark.parametrize("name, path", [(name, path) for name, args in CALLS.items() for path in arrays_of(args)])
def test_a_nan_is_refused_or_stays_to_be_seen(name, path):
    """It never becomes a number, wherever it comes in."""
    try:
        values = called(name, with_nan(CALLS[name], path))
    except ValueError as error:
        assert str(error)
    else:
        assert any(np.isnan(value).any() for value in values)


def test_broadcasting_and_numbers_are_as_welcome_as_before():
    x, means = np.zeros((5, 3)), np.zeros((7, 5, 3))
    assert likelihoods.gaussian_log_prob(x, means, 0.3).shape == (7, 5)
    assert likelihoods.gaussian_log_prob(x, 0.0, 0.3).shape == (5,)
    assert likelihoods.gaussian_log_prob(x[0], x, np.ones(5)).shape == (5,)
    assert likelihoods.bernoulli_log_prob(x[:, None], means[:, 0]).shape == (5, 7)
    assert gaussians.kl_standard_normal(np.zeros(3), 0.0) == gaussians.kl_standard_normal(np.zeros((1, 3)), 0.0)[0] == 0
    expected = gaussians.diagonal_gaussian_log_prob(0.0, x[0], x[0])
    assert likelihoods.gaussian_log_prob(0.0, x[0], 1.0) == pytest.approx(expected)  # a number as x: D is mean's


def test_boxes_of_autograd_pass_also_in_second_derivatives():
    x = np.array([[0.2, 0.9]])

    def total(theta):
        mean, eta = theta[:2], anp.exp(theta[2])
        return anp.sum(
            likelihoods.gaussian_log_prob(x, mean, eta)
            + likelihoods.bernoulli_log_prob(anp.abs(mean / 9), theta[:2])
            + gaussians.kl_monte_carlo(theta[None, :2], theta[None, 1:], np.ones((2, 1, 2)))
        )

    theta = np.array([0.3, -0.7, 0.1])
    step = 1e-5 * np.eye(3)
    numeric = [(total(theta + e) - total(theta - e)) / 2e-5 for e in step]
    np.testing.assert_allclose(grad(total)(theta), numeric, atol=1e-8)
    numeric = [(grad(total)(theta + e) - grad(total)(theta - e)) / 2e-5 for e in step]
    np.testing.assert_allclose(hessian(total)(theta), numeric, atol=1e-8)
    with pytest.raises(ValueError, match=r"eta must be positive, but -0\.5 came"):
        grad(lambda eta: likelihoods.gaussian_log_prob(x, 0.0, eta)[0])(-0.5)


def test_shapes_names_what_was_expected_and_what_came():
    x, W = np.ones((4, 3)), np.ones((3, 2))
    expecting.shapes(x=(x, "N D"), W=(W, "D K"))
    message = "expected x (N, D), W (D, K), b (D,), but these shapes came: x (4, 3), W (3, 2), b ()"
    with pytest.raises(ValueError, match=re.escape(message)):
        expecting.shapes(x=(x, "N D"), W=(W, "D K"), b=(0.5, "D"))
    with pytest.raises(ValueError, match="W \\(2, 3\\)"):
        expecting.shapes(x=(x, "N D"), W=(W.T, "D K"))
