"""Gaussians with diagonal covariance, and the Kullback-Leibler divergences between them.

Rows are examples: mu and log_sigma (N, K), the logarithm of the *standard deviation*. Divergences are summed over the
K dimensions, in nats, one number per example. Written for arrays; autograd differentiates every function here.
"""

import autograd.numpy as np

from course_utils.probability.expecting import Array, floats, positive, same_last_axis, shapes


def diagonal_gaussian_log_prob(z: Array, mu: Array, log_sigma: Array) -> Array:
    """log N(z; mu, diag(sigma^2)) = sum_k -(z_k - mu_k)^2 / (2 sigma_k^2) - log sigma_k - log(2 pi) / 2.

    z, mu, log_sigma (..., K), broadcast against each other -> (...).
    """
    z, mu, log_sigma = floats(z), floats(mu), floats(log_sigma)
    same_last_axis(z=z, mu=mu, log_sigma=log_sigma)
    standardised = (z - mu) * np.exp(-log_sigma)
    return np.sum(-0.5 * standardised**2 - log_sigma - 0.5 * float(np.log(2 * np.pi)), axis=-1)


def kl_standard_normal(mu: Array, log_sigma: Array) -> Array:
    """KL(N(mu, diag(sigma^2)) || N(0, I)) = 1/2 sum_k (sigma_k^2 + mu_k^2 - 1 - log sigma_k^2).

    mu, log_sigma (N, K) -> (N,), at least 0 up to rounding. (Kingma and Welling 2014, appendix B.)
    """
    mu, log_sigma = floats(mu), floats(log_sigma)
    same_last_axis(mu=mu, log_sigma=log_sigma)
    return 0.5 * np.sum(np.exp(2 * log_sigma) + mu**2 - 1 - 2 * log_sigma, axis=-1)


def kl_gaussians(mu_q: Array, log_sigma_q: Array, mu_p: Array, log_sigma_p: Array) -> Array:
    """KL(q || p) of two Gaussians with diagonal covariance, q = N(mu_q, diag(sigma_q^2)) and p likewise.

    sum_k log(sigma_p / sigma_q) + (sigma_q^2 + (mu_q - mu_p)^2) / (2 sigma_p^2) - 1/2. All arguments (N, K) -> (N,).
    """
    mu_q, log_sigma_q, mu_p, log_sigma_p = map(floats, (mu_q, log_sigma_q, mu_p, log_sigma_p))
    same_last_axis(mu_q=mu_q, log_sigma_q=log_sigma_q, mu_p=mu_p, log_sigma_p=log_sigma_p)
    ratio = np.exp(2 * (log_sigma_q - log_sigma_p))  # of the variances
    distance = (mu_q - mu_p) * np.exp(-log_sigma_p)
    return np.sum(log_sigma_p - log_sigma_q + 0.5 * (ratio + distance**2 - 1), axis=-1)


def kl_monte_carlo(mu: Array, log_sigma: Array, eps: Array) -> Array:
    """An unbiased estimate of KL(q || N(0, I)): the mean of log q(z_s) - log p(z_s) over z_s = mu + sigma eps_s.

    mu, log_sigma (N, K), eps (S, N, K) standard normal -> (N,); its error shrinks like 1 / sqrt(S).
    """
    mu, log_sigma, eps = floats(mu), floats(log_sigma), floats(eps)
    shapes(mu=(mu, "N K"), log_sigma=(log_sigma, "N K"), eps=(eps, "S N K"))
    z = mu + np.exp(log_sigma) * eps
    log_q = diagonal_gaussian_log_prob(z, mu, log_sigma)  # (S, N)
    log_p = diagonal_gaussian_log_prob(z, np.zeros_like(z), np.zeros_like(z))
    return np.mean(log_q - log_p, axis=0)


def kl_to_point_mass(mu: Array, sigmas: Array) -> Array:
    """KL(N(mu, sigma^2 I) || N(0, I)) for each sigma: K (sigma^2 - 1) / 2 + ||mu||^2 / 2 - K log sigma.

    mu (K,), sigmas (M,), positive -> (M,). As sigma -> 0, q becomes a point mass at mu and the divergence grows
    without bound, like -K log sigma.
    """
    mu, sigmas = floats(mu), floats(sigmas)
    shapes(mu=(mu, "K"), sigmas=(sigmas, "M"))
    positive(sigmas=sigmas)
    K = len(mu)
    return 0.5 * (K * (sigmas**2 - 1) + np.sum(mu**2)) - K * np.log(sigmas)


def point_mass_limit(widths: Array, nats: float, K: int) -> tuple[Array, float]:
    """Why a point mass has infinite divergence from N(0, I): (floor, enough), both for every mean.

    A q that lives in a cube with sides w has KL(q || N(0, I)) >= -log P(cube), and P(cube) is at most its volume times
    the largest density: floor = K (log(2 pi) / 2 - log w) for each w of widths (M,). It reaches `nats` at the side
    enough = sqrt(2 pi) exp(-nats / K). A point lies in cubes of every size, so no number of nats is enough for it.
    """
    widths, nats = floats(widths), floats(nats)
    shapes(widths=(widths, "M"))
    positive(widths=widths, K=K)
    log_density = -0.5 * float(np.log(2 * np.pi))  # of one dimension, at its largest
    return K * (-log_density - np.log(widths)), np.exp(-log_density - nats / K)
