"""The ring: density by scipy, entropy from draws, modes by construction."""

import numpy as np
import pytest
from scipy import stats

from course_utils.probability.ring import CENTRES, SIGMA, ring_entropy, ring_log_prob, ring_sample, ring_shares


def test_density():
    x = np.random.default_rng(0).uniform(-3, 3, (40, 2))
    parts = [stats.multivariate_normal(c, SIGMA**2 * np.eye(2)).pdf(x) for c in CENTRES]
    np.testing.assert_allclose(np.exp(ring_log_prob(x)), np.mean(parts, axis=0), rtol=1e-8, atol=1e-300)


@pytest.mark.slow
def test_entropy_is_minus_the_mean_log_density_of_draws():
    log_p = ring_log_prob(ring_sample(200_000, np.random.default_rng(1)))
    assert abs(ring_entropy() + log_p.mean()) < 4 * log_p.std() / np.sqrt(200_000)
    assert ring_entropy() < np.log(8) + np.log(2 * np.pi * np.e * SIGMA**2)  # modes overlap, though hardly


def test_shares():
    np.testing.assert_array_equal(ring_shares(CENTRES[:2] + 0.1), [0.5, 0.5, 0, 0, 0, 0, 0, 0])
    assert not ring_shares(np.zeros((1, 2))).any()
    drawn = ring_shares(ring_sample(8000, np.random.default_rng(2)))
    assert (drawn > 0.105).all() and 0.98 < drawn.sum() < 0.996
