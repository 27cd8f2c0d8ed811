"""Hamiltonian Monte Carlo against densities whose moments are known."""

import numpy as np
import pytest

from course_utils.models import bayesian_regression as regression
from course_utils.models.hmc import hmc_sample


@pytest.mark.whole
def test_it_draws_the_posterior_of_a_regression():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(12, 3))
    y = x @ [1.0, -0.5, 0.2] + 0.5 * rng.normal(size=12)
    mean, precision = regression.weight_posterior(x, y, 0.25, 1.0)

    def log_posterior(w):
        return -0.5 * (w - mean) @ precision @ (w - mean), -precision @ (w - mean)

    samples, accepted = hmc_sample(log_posterior, np.zeros(3), 4000, 200, 8, rng)
    assert samples.shape == (4000, 3) and 0.6 < accepted < 0.99
    covariance = np.linalg.inv(precision)
    deviations = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose((samples.mean(axis=0) - mean) / deviations, 0, atol=0.08)
    np.testing.assert_allclose(
        np.cov(samples.T) / np.outer(deviations, deviations), covariance / np.outer(deviations, deviations), atol=0.12
    )


def test_what_is_no_gaussian_is_drawn_too():
    """log p = -w^4 has the second moment Gamma(3/4) / Gamma(1/4); who accepts all proposals misses it."""
    samples, accepted = hmc_sample(
        lambda w: (-float(np.sum(w**4)), -4 * w**3), np.ones(40), 600, 150, 5, np.random.default_rng(1)
    )
    assert accepted < 1
    np.testing.assert_allclose(np.mean(samples**2), 0.33799, atol=0.012)


def test_the_same_generator_gives_the_same_draws_and_the_start_stays():
    start = np.ones(2)
    one, other = (
        hmc_sample(lambda w: (-0.5 * float(w @ w), -w), start, 5, 3, 4, np.random.default_rng(2))[0] for _ in range(2)
    )
    np.testing.assert_array_equal(one, other)
    assert np.all(start == 1)


def test_a_step_into_nowhere_is_refused_and_bad_settings_are_named():
    def wall(w):  # a density that is not defined beyond 1
        return (-0.5 * float(w @ w), -w) if abs(w[0]) < 1 else (np.nan, 0 * w)

    samples, _ = hmc_sample(wall, np.zeros(1), 300, 0, 3, np.random.default_rng(3), step_size=0.5)
    assert np.abs(samples).max() < 1 and np.ptp(samples) > 1
    with pytest.raises(ValueError, match="nan at the start"):
        hmc_sample(wall, np.full(1, 2.0), 5, 0, 3, np.random.default_rng(3))
    with pytest.raises(ValueError, match="draws and leaps of at least 1"):
        hmc_sample(wall, np.zeros(1), 0, 0, 3, np.random.default_rng(3))
