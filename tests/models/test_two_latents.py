"""Integrals over two latents against sampling, and against the densities that they integrate."""

import numpy as np
from two_latent_model import small_model

from course_utils.models.amortization import elbo_of_q
from course_utils.models.two_latents import elbo_by_quadrature, log_joint_on_grid, log_p_on_grid
from course_utils.networks import nets
from course_utils.probability.gaussians import diagonal_gaussian_log_prob
from course_utils.probability.likelihoods import bernoulli_log_prob


def test_the_joint_is_likelihood_times_prior_with_the_second_latent_along_the_rows():
    _, decoder, x = small_model()
    z_1, z_2 = np.array([-1.0, 0.5, 2.0]), np.array([0.3, -0.7])
    for i, first in enumerate(z_1):
        for j, second in enumerate(z_2):
            z = np.array([first, second])
            expected = bernoulli_log_prob(x, nets.mlp(decoder, z)) + diagonal_gaussian_log_prob(z, 0 * z, 0 * z)
            np.testing.assert_allclose(log_joint_on_grid(decoder, x, z_1, z_2)[:, j, i], expected, rtol=1e-5)


def test_integrals_agree_with_sampling():
    _, decoder, x = small_model()
    rng = np.random.default_rng(1)
    likelihoods = np.exp(bernoulli_log_prob(x, nets.mlp(decoder, rng.normal(size=(40_000, 1, 2)))))
    error = likelihoods.std(axis=0) / 200 / likelihoods.mean(axis=0)
    assert np.all(np.abs(np.log(likelihoods.mean(axis=0)) - log_p_on_grid(decoder, x)) < 4 * error)
    mu, log_sigma = rng.normal(size=(2, 3, 2)).astype("f4") / 2
    log_sigma -= 1.5
    sampled = elbo_of_q(decoder, x, mu, log_sigma, rng.standard_normal((40_000, 3, 2), dtype=np.float32))
    np.testing.assert_allclose(elbo_by_quadrature(decoder, x, mu, log_sigma), sampled, atol=0.05)
    np.testing.assert_allclose(
        elbo_by_quadrature(decoder, x, mu, log_sigma, 40), elbo_by_quadrature(decoder, x, mu, log_sigma), atol=0.01
    )
