"""Mixtures of Gaussians in K dimensions against scipy's densities, closed forms and their own likelihood."""

import warnings

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from course_utils.probability import gaussian_mixture
from course_utils.probability.gaussian_mixture import gmm_fit, gmm_log_prob, gmm_sample


def some_mixture(C=3, K=2, seed=0):
    rng = np.random.default_rng(seed)
    roots = rng.normal(size=(C, K, K))
    return rng.dirichlet(np.ones(C)), 4 * rng.normal(size=(C, K)), roots @ roots.swapaxes(1, 2) + 0.1 * np.eye(K)


def test_log_prob_is_the_sum_of_the_components_densities():
    mixture = some_mixture()
    z = np.random.default_rng(1).normal(size=(50, 2), scale=5)
    terms = [np.log(pi) + multivariate_normal(mu, S).logpdf(z) for pi, mu, S in zip(*mixture)]
    np.testing.assert_allclose(gmm_log_prob(z, mixture), logsumexp(terms, axis=0), rtol=1e-10)


def test_log_prob_far_from_every_component_is_finite():
    assert np.all(np.isfinite(gmm_log_prob(np.full((1, 2), 1e6), some_mixture())))


def test_one_component_gets_the_mean_and_the_covariance():
    z = np.random.default_rng(2).normal(size=(200, 3)) @ np.array([[1, 0, 0], [2, 1, 0], [0, 0, 3.0]])
    pi, mu, S = gmm_fit(z, 1, 1, np.random.default_rng(0), floor=0.0)
    np.testing.assert_allclose(pi, [1])
    np.testing.assert_allclose(mu[0], z.mean(axis=0))
    np.testing.assert_allclose(S[0], np.cov(z.T, bias=True))


def test_the_likelihood_never_falls_without_a_floor():
    z = gmm_sample(some_mixture(), 400, np.random.default_rng(3))
    values = [gmm_log_prob(z, gmm_fit(z, 4, steps, np.random.default_rng(5), floor=0.0)).mean() for steps in range(15)]
    assert np.all(np.diff(values) > -1e-12) and values[-1] > values[0] + 0.1


@pytest.mark.whole
def test_a_mixture_is_found_again_from_its_draws():
    mixture = np.array([0.2, 0.8]), np.array([[-5.0, 0], [5, 1]]), np.array([[[1, 0.5], [0.5, 1]], [[0.3, 0], [0, 2]]])
    z = gmm_sample(mixture, 40_000, np.random.default_rng(4))
    assert z.shape == (40_000, 2)
    pi, mu, S = gmm_fit(z, 2, 30, np.random.default_rng(0))
    order = np.argsort(mu[:, 0])
    error = 5 / np.sqrt(0.2 * len(z))  # five standard errors of a mean of variance 1
    np.testing.assert_allclose(pi[order], mixture[0], atol=error)
    np.testing.assert_allclose(mu[order], mixture[1], atol=2 * error)
    np.testing.assert_allclose(S[order], mixture[2], atol=3 * error)


def test_the_floor_keeps_components_from_shrinking_onto_a_point():
    z = np.array([[0.0], [0.0], [0.0], [10.0], [11.0]])
    _, _, S = gmm_fit(z, 2, 50, np.random.default_rng(0), floor=0.01)
    assert np.all(S >= 0.01) and np.all(np.isfinite(S))


@pytest.mark.parametrize("z, C", [(np.zeros(5), 1), (np.zeros((5, 2)), 6), (np.zeros((5, 2)), 0)])
def test_other_shapes_are_refused(z, C):
    with pytest.raises(ValueError, match="expected"):
        gmm_fit(z, C, 1, np.random.default_rng(0))


def degenerate(name):
    """Points whose covariance is singular."""
    z = np.random.default_rng(7).normal(size=(40, 3))
    return {
        "a constant feature": np.c_[z, np.full(40, 2.5)],
        "two equal columns": np.c_[z, z[:, 0]],
        "fewer points than features": np.random.default_rng(8).normal(size=(5, 8)),
        "a single point": z[:1],
        "all points equal": np.full((6, 2), 1.5),
        "ordinary": z,
    }[name]


SINGULAR = [
    "a constant feature",
    "two equal columns",
    "fewer points than features",
    "a single point",
    "all points equal",
]


@pytest.mark.parametrize("name", [*SINGULAR, "ordinary"])
@pytest.mark.parametrize("steps", [0, 1, 12])
def test_every_step_is_scikit_learns_also_for_points_without_a_density(name, steps):
    z = degenerate(name)
    C, floor = min(3, len(z)), 1e-3
    pi, mu, S = gmm_fit(z, C, steps, np.random.default_rng(1), floor=floor)
    start = z[np.random.default_rng(1).choice(len(z), C, replace=False)]
    assert np.isfinite(gmm_log_prob(z, (pi, mu, S))).all() and pi.sum() == pytest.approx(1)
    if steps == 0 or len(z) < 2:  # scikit-learn fits in at least one step, and to at least two points
        np.testing.assert_allclose(mu, start, rtol=1e-15)
        return
    precision = np.linalg.inv(np.atleast_2d(np.cov(z.T, bias=True)) + floor * np.eye(z.shape[1]))
    peer = GaussianMixture(
        C,
        weights_init=np.full(C, 1 / C),
        means_init=start,
        precisions_init=np.tile((precision + precision.T) / 2, (C, 1, 1)),
        reg_covar=floor,
        max_iter=steps,
        tol=0,
        init_params="random",
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        peer.fit(z)
    for got, expected in zip((pi, mu, S), (peer.weights_, peer.means_, peer.covariances_)):
        np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(gmm_log_prob(z, (pi, mu, S)), peer.score_samples(z), rtol=1e-6)


@pytest.mark.parametrize("name", SINGULAR)
def test_without_a_floor_a_singular_covariance_is_named(name):
    with pytest.raises(ValueError, match=r"not positive definite.*`floor`"):
        gmm_fit(degenerate(name), 1, 3, np.random.default_rng(0), floor=0.0)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_points_that_are_not_finite_and_negative_floors_are_refused(bad):
    z = degenerate("ordinary")
    z[3, 1] = bad
    with pytest.raises(ValueError, match="finite points are expected, but 1 of 120 numbers are not"):
        gmm_fit(z, 2, 3, np.random.default_rng(0))
    for floor in (-0.1, np.nan):
        with pytest.raises(ValueError, match="floor must be at least 0, but"):
            gmm_fit(degenerate("ordinary"), 2, 3, np.random.default_rng(0), floor=floor)


def test_a_component_that_no_point_is_left_to_gets_no_weight_and_does_no_harm(monkeypatch):
    """The last component is made so unlikely everywhere that its responsibilities underflow to 0."""
    log_joint = gaussian_mixture._log_joint
    monkeypatch.setattr(gaussian_mixture, "_log_joint", lambda z, mixture: log_joint(z, mixture) - [0, 0, 1e4])
    z = degenerate("ordinary")
    with np.errstate(all="raise", under="ignore"):
        mixture = pi, mu, S = gmm_fit(z, 3, 5, np.random.default_rng(0))
        assert np.isfinite(gmm_log_prob(z, mixture)).all()
    assert pi[2] == 0 and pi.sum() == pytest.approx(1)
    np.testing.assert_allclose(mu[2], z.mean(axis=0))
    np.testing.assert_allclose(S[2], np.cov(z.T, bias=True) + 1e-3 * np.eye(3))


def test_weights_of_zero_count_nothing():
    pi, mu, S = some_mixture()
    z = gmm_sample((pi, mu, S), 30, np.random.default_rng(0))
    more = np.append(pi, 0.0), np.concatenate([mu, mu[:1]]), np.concatenate([S, S[:1]])
    np.testing.assert_allclose(gmm_log_prob(z, more), gmm_log_prob(z, (pi, mu, S)))
    np.testing.assert_array_equal(gmm_sample(more, 30, np.random.default_rng(0)), z)
