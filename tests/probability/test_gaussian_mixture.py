"""Mixtures of Gaussians in K dimensions against scipy's densities, closed forms and their own likelihood."""

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

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
