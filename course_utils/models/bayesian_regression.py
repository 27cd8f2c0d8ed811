"""Regression whose weights have a prior: y = x w + noise of variance eta, w ~ N(0, tau^2 I), q(w) = N(mu, sigma^2).

Everything is exact here: the evidence, the posterior, the best q of independent weights, and the gap. The prior's
tau is a standard deviation, eta a variance. x (N, P), y (N,), w (P,). (MacKay 1992; Bishop 2006, chapter 3.)
"""

import autograd.numpy as np

from course_utils.models.bayesian import weight_prices
from course_utils.networks.arrays import Array, require_positive


def require_regression(x: Array, y: Array, eta: float, tau: float) -> None:
    """Raises ValueError unless x is (N, P), y (N,), and eta and tau are positive."""
    if np.ndim(x) != 2 or np.shape(y) != np.shape(x)[:1]:
        raise ValueError(f"x (N, P) and y (N,) are expected, but they have shapes {np.shape(x)} and {np.shape(y)}")
    require_positive(eta, "eta, the variance of the noise,")
    require_positive(tau, "tau, the prior's standard deviation,")


def bayes_by_backprop_elbo(
    mu: Array, log_sigma: Array, x: Array, y: Array, eta: float, tau: float, eps: Array
) -> float:
    """F = E_q[log p(y | x, w)] - KL(q || N(0, tau^2 I)) in nats: the mean over the samples w = mu + sigma eps of the
    log likelihood of all N numbers, less the KL in closed form.

    mu, log_sigma (P,), x (N, P), y (N,), eps (S, P) -> a number. Differentiable. (Blundell et al. 2015, whose KL
    is sampled, too.)
    """
    require_regression(x, y, eta, tau)
    if np.ndim(eps) != 2 or np.shape(eps)[1:] != np.shape(mu) or np.shape(x)[1:] != np.shape(mu):
        raise ValueError(
            "mu (P,), x (N, P) and eps (S, P) are expected, but they have shapes "
            f"{np.shape(mu)}, {np.shape(x)} and {np.shape(eps)}"
        )
    w = mu + np.exp(log_sigma) * eps
    error = np.sum((y - w @ x.T) ** 2, axis=1)
    log_likelihood = -0.5 * len(y) * np.log(2 * np.pi * eta) - np.mean(error) / (2 * eta)
    return log_likelihood - np.sum(weight_prices(mu, log_sigma, tau))


def exact_elbo(mu: Array, log_sigma: Array, x: Array, y: Array, eta: float, tau: float) -> float:
    """The same without samples: E_q ||y - x w||^2 = ||y - x mu||^2 + sum_p sigma_p^2 ||x_p||^2, where x_p are
    the columns of x."""
    require_regression(x, y, eta, tau)
    error = np.sum((y - x @ mu) ** 2) + np.sum(np.exp(2 * log_sigma) * np.sum(x**2, axis=0))
    log_likelihood = -0.5 * len(y) * np.log(2 * np.pi * eta) - error / (2 * eta)
    return log_likelihood - np.sum(weight_prices(mu, log_sigma, tau))


def weight_posterior(x: Array, y: Array, eta: float, tau: float) -> tuple[Array, Array]:
    """p(w | x, y) = N(mean, P^-1): (mean (P,), precision (P, P)), with P = I / tau^2 + x^T x / eta and
    mean = P^-1 x^T y / eta. N = 0 gives the prior. (Bishop 2006, eq. 3.50 and 3.51.)"""
    from scipy.linalg import cho_factor, cho_solve

    require_regression(x, y, eta, tau)
    precision = np.eye(x.shape[1]) / tau**2 + x.T @ x / eta
    return cho_solve(cho_factor(precision), x.T @ y / eta), precision


def best_mean_field(x: Array, y: Array, eta: float, tau: float) -> tuple[Array, Array]:
    """The q with independent weights that has the highest F: means (P,) and standard deviations (P,).

    The means are the posterior's, and 1 / sigma_p^2 is entry p of the diagonal of its precision: the spread that weight
    p has when all others are known, which is never more than the posterior's own. (Bishop 2006, section 10.1.2.)
    """
    mean, precision = weight_posterior(x, y, eta, tau)
    return mean, 1 / np.sqrt(np.diag(precision))


def log_evidence(x: Array, y: Array, eta: float, tau: float) -> float:
    """log p(y | x) = log N(y; 0, C) in nats with C = eta I + tau^2 x x^T, all weights integrated out.

    By the Cholesky factor of C, whose log determinant is the sum of logs: the determinant itself leaves floating point
    for some hundred examples. x (N, P), y (N,) -> a number. (Bishop 2006, eq. 3.86.)
    """
    from scipy.linalg import solve_triangular

    require_regression(x, y, eta, tau)
    L = np.linalg.cholesky(eta * np.eye(len(y)) + tau**2 * x @ x.T)
    z = solve_triangular(L, y, lower=True)
    return float(-0.5 * z @ z - np.sum(np.log(np.diag(L))) - 0.5 * len(y) * np.log(2 * np.pi))


def kl_to_posterior(mu: Array, sigma: Array, x: Array, y: Array, eta: float, tau: float) -> float:
    """KL(q || p(w | x, y)) of q = N(mu, diag(sigma^2)) in nats, from the formula for two Gaussians.

    1/2 [sum_p P_pp sigma_p^2 + d^T P d - P - log det P - sum_p log sigma_p^2], d = mu - mean, P the precision.
    """
    mean, precision = weight_posterior(x, y, eta, tau)
    d = mu - mean
    log_det = np.linalg.slogdet(precision)[1] + 2 * np.sum(np.log(sigma))
    return float(0.5 * (np.diag(precision) @ sigma**2 + d @ precision @ d - len(mu) - log_det))


def predictive_deviation(features: Array, covariance: Array, eta: float = 0.0) -> Array:
    """Standard deviation of features w + noise of variance eta, for w with this covariance: (P, P), or its diagonal
    (P,). features (M, P) -> (M,)."""
    covariance = np.asarray(covariance)
    spread = covariance[:, None] * features.T if covariance.ndim == 1 else covariance @ features.T
    return np.sqrt(np.sum(features.T * spread, axis=0) + eta)


def bumps(t: Array, centres: Array, width: float) -> Array:
    """Features (N, P): exp(-(t - c)^2 / (2 width^2)) for each centre c. t (N,), centres (P,)."""
    require_positive(width, "the width of the bumps")
    return np.exp(-0.5 * ((np.asarray(t)[:, None] - centres) / width) ** 2)
