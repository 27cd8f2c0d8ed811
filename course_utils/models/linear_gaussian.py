"""The model whose every integral is known: z ~ N(0, I), x = W z + b + noise of variance eta, and a Gaussian q(z).

Rows are examples: x (N, D), mu and log_sigma (N, K), W (D, K), b (D,), so that the decoder is z @ W.T + b. Nothing
here needs samples; autograd differentiates every function.
"""

import autograd.numpy as np

from course_utils.networks.arrays import Array, require_positive
from course_utils.probability.gaussians import kl_standard_normal

NOISE = "eta, the variance of the noise,"


def require_linear_model(x: Array, W: Array, **codes: Array) -> None:
    """Raises ValueError unless x is (N, D) and the codes, given by their names, are (N, K), for W (D, K)."""
    if np.ndim(W) != 2 or np.shape(x)[1:] != np.shape(W)[:1]:
        raise ValueError(f"x (N, D) and W (D, K) are expected, but they have {np.shape(x)} and {np.shape(W)}")
    for name, code in codes.items():
        if np.shape(code) != (len(x), np.shape(W)[1]):
            expected = (len(x), np.shape(W)[1])
            raise ValueError(f"{name} should be (N, K) = {expected}, but it has shape {np.shape(code)}")


def expected_squared_error(x: Array, W: Array, b: Array, mu: Array, log_sigma: Array) -> Array:
    """E_q ||x - W z - b||^2 under q(z) = N(mu, diag(sigma^2)), exactly.

    ||x - W mu - b||^2 + sum_k sigma_k^2 ||w_k||^2, with w_k the columns of W: the error of the mean code, and what
    the spread of q adds to it. x (N, D), W (D, K), b (D,), mu, log_sigma (N, K) -> (N,).
    """
    require_linear_model(x, W, mu=mu, log_sigma=log_sigma)
    error_of_mean = np.sum((x - mu @ W.T - b) ** 2, axis=1)
    return error_of_mean + np.exp(2 * log_sigma) @ np.sum(W**2, axis=0)


def elbo_linear_gaussian(x: Array, W: Array, b: Array, eta: float, mu: Array, log_sigma: Array) -> Array:
    """F = E_q[log N(x; W z + b, eta I)] - KL(q || N(0, I)) in nats, exactly.

    -(D/2) log(2 pi eta) - E_q ||x - W z - b||^2 / (2 eta) - KL. eta is the variance of the noise, a positive scalar;
    shapes as in `expected_squared_error` -> (N,).
    """
    require_positive(eta, NOISE)
    D = len(W)
    log_constant = -0.5 * D * np.log(2 * np.pi * eta)
    return log_constant - expected_squared_error(x, W, b, mu, log_sigma) / (2 * eta) - kl_standard_normal(mu, log_sigma)


def linear_posterior(x: Array, W: Array, b: Array, eta: float) -> tuple[Array, Array]:
    """The posterior p(z | x) = N(mu, S), exactly: its means mu (N, K), and the covariance S (K, K), the same for all x.

    S = (I + W^T W / eta)^-1 and mu = S W^T (x - b) / eta. x (N, D), W (D, K), b (D,), eta a positive scalar. The
    inverse of S, the *precision*, is the prior's (I) and the data's (W^T W / eta) added up. (Bishop 2006, eq. 2.116.)
    """
    require_positive(eta, NOISE)
    require_linear_model(x, W)
    precision = np.eye(W.shape[1]) + W.T @ W / eta
    return np.linalg.solve(precision, W.T @ (x - b).T / eta).T, np.linalg.inv(precision)


def mean_field_posterior(x: Array, W: Array, b: Array, eta: float) -> tuple[Array, Array]:
    """The best q = N(mu, diag(sigma^2)): (mu, log_sigma), each (N, K), where `elbo_linear_gaussian` is largest.

    mu is the posterior's mean, and 1 / sigma_k^2 entry k of the diagonal of its precision P. What is left of the gap
    is KL(q || p(z|x)) = 1/2 (sum_k log P_kk - log det P), the same for all x, and 0 only where P is diagonal.
    (Bishop 2006, section 10.1.2.)
    """
    mu, _ = linear_posterior(x, W, b, eta)
    log_sigma = -0.5 * np.log(1 + np.sum(W**2, axis=0) / eta)
    return mu, np.tile(log_sigma, (len(mu), 1))
