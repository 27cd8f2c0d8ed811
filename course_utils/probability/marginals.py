"""The marginal log density log p(x) = log int p(z) p(x|z) dz of a decoder with Gaussian noise, computed in four ways.

p(z) = N(0, I) over K numbers and p(x|z) = N(x; decoder(z), eta I), with eta the noise *variance*. A `decoder` is a
function from z (..., K) to means (..., D). x (N, D); every result is (N,), in nats. All sums are over exponentials of
logarithms, with the largest taken out, so that nothing underflows.
"""

from collections.abc import Callable

import numpy as np

from course_utils.probability.expecting import Array, floats, positive, shapes
from course_utils.probability.grids import trapezoid_weights
from course_utils.probability.likelihoods import gaussian_log_prob
from course_utils.probability.numerics import log_sum_exp

Decoder = Callable[[Array], Array]  # z (..., K) -> means (..., D)


def log_marginal_linear(x: Array, W: Array, b: Array, eta: float) -> Array:
    """log N(x; b, W W^T + eta I), the closed form for the linear decoder z W^T + b with W (D, K).

    With the singular value decomposition W = U diag(s) V^T and r = x - b, the covariance has the eigenvalue s_k^2 + eta
    along column k of U and eta at right angles to all of them. (Bishop 2006, eq. 12.35.)
    """
    x, W, b = np.asarray(x, float), np.asarray(W, float), np.asarray(b, float)
    shapes(x=(x, "N D"), W=(W, "D K"), b=(b, "D"))
    positive(eta=eta)
    U, s, _ = np.linalg.svd(W, full_matrices=False)
    r = x - b
    along = r @ U  # (N, K)
    outside = np.sum((r - along @ U.T) ** 2, axis=1)  # not ||r||^2 - ||along||^2, which cancels
    D, variances = W.shape[0], s**2 + eta
    log_det = np.sum(np.log(2 * np.pi * variances)) + (D - len(s)) * np.log(2 * np.pi * eta)
    return -0.5 * (np.sum(along**2 / variances, axis=1) + outside / eta + log_det)


def log_marginal_quadrature(x: Array, decoder: Decoder, eta: float, grid: Array) -> Array:
    """log sum_g w_g p(z_g) p(x|z_g) with the trapezoid rule's weights w; 1-D z, so `decoder` maps (G, 1) to (G, D).

    The grid (G,) must cover the mass of p(z) p(x|z), with a spacing below the width of its peaks, about
    sqrt(eta) / |dG/dz|.
    """
    grid = np.asarray(grid, float)
    log_weights, z = np.log(trapezoid_weights(grid)), grid[:, None]
    log_prior = gaussian_log_prob(z, 0.0, 1.0)
    means = decoder(z)
    shapes(x=(x, "N D"), grid=(grid, "G"), **{"decoder(z)": (means, "G D")})
    log_p_x_given_z = np.array([gaussian_log_prob(x, mean, eta) for mean in means])  # (G, N)
    return log_sum_exp(log_p_x_given_z + (log_prior + log_weights)[:, None], axis=0)


def log_marginal_monte_carlo(x: Array, decoder: Decoder, eta: float, eps: Array) -> Array:
    """log (1/S) sum_s p(x_n | z = eps_sn), with eps (S, N, K) drawn from the prior N(0, I).

    The mean inside the logarithm is unbiased for p(x); its relative variance grows without limit as the posterior gets
    narrow beside the prior. One sample at a time, so that memory does not grow with S.
    """
    eps = floats(eps)
    shapes(x=(x, "N D"), eps=(eps, "S N K"))
    log_p_x_given_z = np.array([gaussian_log_prob(x, decoder(z), eta) for z in eps])  # (S, N)
    return log_sum_exp(log_p_x_given_z, axis=0) - np.log(len(eps))


def log_marginal_importance(x: Array, decoder: Decoder, eta: float, mu: Array, log_sigma: Array, eps: Array) -> Array:
    """log (1/S) sum_s p(z_sn) p(x_n | z_sn) / q(z_sn), z_sn = mu_n + sigma_n * eps_sn, q = N(mu, diag(sigma^2)).

    mu, log_sigma (N, K), log of the standard deviation; eps (S, N, K) standard normal. As q(z_sn) is the density of
    eps_sn divided by prod_k sigma_nk, log p(z) - log q(z) = (||eps||^2 - ||z||^2) / 2 + sum_k log sigma_k.
    (Owen 2013, section 9.1.)
    """

    def log_weight(eps_s):  # (N, K) -> (N,)
        z = mu + np.exp(log_sigma) * eps_s
        log_p_minus_log_q = np.sum((eps_s**2 - z**2) / 2 + log_sigma, axis=-1)
        return gaussian_log_prob(x, decoder(z), eta) + log_p_minus_log_q

    mu, log_sigma, eps = floats(mu), floats(log_sigma), floats(eps)
    shapes(x=(x, "N D"), mu=(mu, "N K"), log_sigma=(log_sigma, "N K"), eps=(eps, "S N K"))
    return log_sum_exp(np.array([log_weight(eps_s) for eps_s in eps]), axis=0) - np.log(len(eps))
