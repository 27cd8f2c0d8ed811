"""The model whose every integral is known: z ~ N(0, I), x = W z + b + noise of variance eta, and a Gaussian q(z).

Rows are examples: x (N, D), mu and log_sigma (N, K), W (D, K), b (D,), so that the decoder is z @ W.T + b. Nothing
here needs samples; autograd differentiates every function.
"""

import autograd.numpy as np

from course_utils.gaussians import kl_standard_normal


def expected_squared_error(x, W, b, mu, log_sigma):
    """E_q ||x - W z - b||^2 under q(z) = N(mu, diag(sigma^2)), exactly.

    ||x - W mu - b||^2 + sum_k sigma_k^2 ||w_k||^2, with w_k the columns of W: the error of the mean code, and what
    the spread of q adds to it. x (N, D), W (D, K), b (D,), mu, log_sigma (N, K) -> (N,).
    """
    error_of_mean = np.sum((x - mu @ W.T - b) ** 2, axis=1)
    return error_of_mean + np.exp(2 * log_sigma) @ np.sum(W ** 2, axis=0)


def elbo_linear_gaussian(x, W, b, eta, mu, log_sigma):
    """F = E_q[log N(x; W z + b, eta I)] - KL(q || N(0, I)) in nats, exactly.

    -(D/2) log(2 pi eta) - E_q ||x - W z - b||^2 / (2 eta) - KL. eta is the variance of the noise, a positive scalar;
    shapes as in `expected_squared_error` -> (N,).
    """
    D = x.shape[1]
    log_constant = -0.5 * D * np.log(2 * np.pi * eta)
    return (log_constant - expected_squared_error(x, W, b, mu, log_sigma) / (2 * eta)
            - kl_standard_normal(mu, log_sigma))
