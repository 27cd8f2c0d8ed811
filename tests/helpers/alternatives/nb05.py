"""Right answers to notebook 05."""

import math

import autograd.numpy as anp
import numpy as np
from scipy import integrate, stats
from scipy.special import entr, rel_entr


# kl_categorical
def categorical_by_loop(q, p):
    total = 0.0
    for q_c, p_c in zip(q, p):
        if q_c > 0:
            total += math.inf if p_c == 0 else q_c * math.log(q_c / p_c)
    return total


def categorical_by_scipy(q, p):
    return stats.entropy(q, p)


def categorical_by_mask(q, p):
    q, p = np.asarray(q, "f4"), np.asarray(p, "f4")
    inside = q > 0
    return np.sum(q[inside] * np.log(q[inside] / p[inside]))


def categorical_by_where(q, p):
    if np.any((p == 0) & (q > 0)):
        return float("inf")
    return np.sum(np.where(q > 0, q * np.log(np.where(q > 0, q, 1) / np.where(p > 0, p, 1)), 0))


def categorical_by_cross_entropy(q, p):
    return -np.sum(q[q > 0] * np.log(p[q > 0])) - np.sum(entr(q))


def categorical_by_terms(q, p):
    return rel_entr(q, p).sum()


# kl_standard_normal
def standard_by_loops(mu, log_sigma):
    return [
        sum((math.exp(2 * s) + m * m - 1) / 2 - s for m, s in zip(row_m, row_s)) for row_m, row_s in zip(mu, log_sigma)
    ]


def standard_by_autograd(mu, log_sigma):
    return -0.5 * anp.sum(1 + 2 * log_sigma - mu**2 - anp.exp(log_sigma) ** 2, axis=1)


def standard_single(mu, log_sigma):
    mu, log_sigma = mu.astype("f4"), log_sigma.astype("f4")
    return ((np.exp(2 * log_sigma) + mu**2 - 1) / 2 - log_sigma).sum(1)


def standard_by_integration(mu, log_sigma):
    t = np.linspace(-12, 12, 2001)  # in units of sigma around mu
    z = mu[..., None] + np.exp(log_sigma)[..., None] * t
    log_ratio = stats.norm.logpdf(t) - log_sigma[..., None] - stats.norm.logpdf(z)
    return integrate.simpson(stats.norm.pdf(t) * log_ratio, x=t, axis=-1).sum(axis=1)


def standard_by_einsum(mu, log_sigma):
    sigma = np.exp(log_sigma)
    return (np.einsum("nk,nk->n", mu, mu) + np.einsum("nk,nk->n", sigma, sigma) - mu.shape[1]) / 2 - log_sigma.sum(-1)


# kl_gaussians
def pair_by_loops(mu_q, log_sigma_q, mu_p, log_sigma_p):
    result = []
    for rows in zip(mu_q, log_sigma_q, mu_p, log_sigma_p):
        result.append(
            sum(
                s_p - s_q + (math.exp(2 * s_q) + (m_q - m_p) ** 2) / (2 * math.exp(2 * s_p)) - 0.5
                for m_q, s_q, m_p, s_p in zip(*rows)
            )
        )
    return result


def pair_by_standardising(mu_q, log_sigma_q, mu_p, log_sigma_p):
    return standard_by_autograd((mu_q - mu_p) / np.exp(log_sigma_p), log_sigma_q - log_sigma_p)


def pair_by_scipy(mu_q, log_sigma_q, mu_p, log_sigma_p):
    """E_q[log p] through the identity with the log density at q's mean; minus E_q[log q], which is the entropy."""
    sigma_q, sigma_p = np.exp(log_sigma_q), np.exp(log_sigma_p)
    mean_log_p = stats.norm.logpdf(mu_q, mu_p, sigma_p) - sigma_q**2 / (2 * sigma_p**2)
    return np.sum(-stats.norm(mu_q, sigma_q).entropy() - mean_log_p, axis=1)


def pair_single(mu_q, log_sigma_q, mu_p, log_sigma_p):
    mu_q, log_sigma_q, mu_p, log_sigma_p = (np.asarray(a, "f4") for a in (mu_q, log_sigma_q, mu_p, log_sigma_p))
    v_q, v_p = np.exp(2 * log_sigma_q), np.exp(2 * log_sigma_p)
    return 0.5 * np.sum(np.log(v_p / v_q) + (v_q + (mu_q - mu_p) ** 2) / v_p - 1, axis=-1)


# kl_monte_carlo
def monte_carlo_by_scipy(mu, log_sigma, eps):
    sigma = np.exp(log_sigma)
    z = mu + sigma * eps
    return (stats.norm.logpdf(z, mu, sigma) - stats.norm.logpdf(z)).sum(axis=2).mean(axis=0)


def monte_carlo_by_loops(mu, log_sigma, eps):
    S, N, K = eps.shape
    result = np.zeros(N)
    for n in range(N):
        for noise in eps[:, n]:
            for k in range(K):
                z = mu[n, k] + math.exp(log_sigma[n, k]) * noise[k]
                result[n] += (z * z - noise[k] ** 2) / 2 - log_sigma[n, k]
    return (result / S).tolist()


def monte_carlo_single(mu, log_sigma, eps):
    mu, log_sigma, eps = mu.astype("f4"), log_sigma.astype("f4"), eps.astype("f4")
    z = mu + np.exp(log_sigma) * eps
    return np.mean(0.5 * np.sum(z**2 - eps**2, axis=-1) - np.sum(log_sigma, axis=-1), axis=0)


# expected_squared_error
def error_by_loops(x, W, b, mu, log_sigma):
    result = []
    for x_n, m, s in zip(x, mu, log_sigma):
        total = 0.0
        for d in range(len(b)):
            total += (x_n[d] - sum(W[d] * m) - b[d]) ** 2
            total += sum(W[d, k] ** 2 * math.exp(s[k]) ** 2 for k in range(len(m)))
        result.append(total)
    return result


def error_by_trace(x, W, b, mu, log_sigma):
    return np.array(
        [
            np.sum((x_n - W @ m - b) ** 2) + np.trace(W @ np.diag(np.exp(2 * s)) @ W.T)
            for x_n, m, s in zip(x, mu, log_sigma)
        ]
    )


def error_by_einsum(x, W, b, mu, log_sigma):
    residual = x - b - np.einsum("dk,nk->nd", W, mu)
    return np.einsum("nd,nd->n", residual, residual) + np.einsum("nk,dk,dk->n", np.exp(2 * log_sigma), W, W)


def error_single(x, W, b, mu, log_sigma):
    x, W, b, mu, log_sigma = (np.asarray(a, "f4") for a in (x, W, b, mu, log_sigma))
    scaled = np.exp(log_sigma)[:, None, :] * W  # (N, D, K)
    return np.sum((x - mu @ W.T - b) ** 2, axis=1) + np.sum(scaled**2, axis=(1, 2))


# elbo_linear_gaussian
def elbo_from_parts(x, W, b, eta, mu, log_sigma):
    error = error_by_einsum(x, W, b, mu, log_sigma)
    return -0.5 * (x.shape[1] * np.log(2 * np.pi * eta) + error / eta) - standard_by_einsum(mu, log_sigma)


def elbo_by_entropy(x, W, b, eta, mu, log_sigma):
    """E_q[log p(x, z)] plus the entropy of q."""
    sigma = np.exp(log_sigma)
    log_joint_at_mean = stats.norm.logpdf(x, mu @ W.T + b, np.sqrt(eta)).sum(axis=1) + stats.norm.logpdf(mu).sum(axis=1)
    curvature = np.sum(W**2, axis=0) / eta + 1
    return log_joint_at_mean - 0.5 * (sigma**2 @ curvature) + stats.norm(0, sigma).entropy().sum(axis=1)


def elbo_single(x, W, b, eta, mu, log_sigma):
    x, W, b, mu, log_sigma = (np.asarray(a, "f4") for a in (x, W, b, mu, log_sigma))
    return elbo_from_parts(x, W, b, np.float32(eta), mu, log_sigma)


# kl_to_point_mass
def point_mass_by_rows(mu, sigmas):
    M, K = len(sigmas), len(mu)
    return standard_by_autograd(np.tile(mu, (M, 1)), np.tile(np.log(sigmas)[:, None], (1, K)))


def point_mass_by_loop(mu, sigmas):
    return [sum((s**2 + m**2 - 1) / 2 - math.log(s) for m in mu) for s in sigmas]


def point_mass_single(mu, sigmas):
    mu, sigmas = np.asarray(mu, "f4"), np.asarray(sigmas, "f4")
    return (len(mu) * (sigmas**2 - 1 - 2 * np.log(sigmas)) + mu @ mu) / 2


# point_mass_limit
def limit_by_loop(widths, nats, K):
    floor = [-math.log(w**K * (2 * math.pi) ** (-K / 2)) for w in widths]
    return floor, math.sqrt(2 * math.pi) / math.exp(nats / K)


def limit_by_density(widths, nats, K):
    """The largest density from scipy; the side from the floor of the unit cube, which falls by K nats for each e."""
    at_one = -stats.norm.logpdf(0) * K
    return at_one - K * np.log(widths), np.exp((at_one - nats) / K)


def limit_in_one_logarithm(widths, nats, K):
    side = np.sqrt(2 * np.pi)
    return [K * np.log(side / np.asarray(widths, "f4")), side * np.exp(-nats) ** (1 / K)]


ALTERNATIVES = {
    "kl_categorical": [
        categorical_by_loop,
        categorical_by_scipy,
        categorical_by_mask,
        categorical_by_where,
        categorical_by_cross_entropy,
        categorical_by_terms,
    ],
    "kl_standard_normal": [
        standard_by_loops,
        standard_by_autograd,
        standard_single,
        standard_by_integration,
        standard_by_einsum,
    ],
    "kl_gaussians": [pair_by_loops, pair_by_standardising, pair_by_scipy, pair_single],
    "kl_monte_carlo": [monte_carlo_by_scipy, monte_carlo_by_loops, monte_carlo_single],
    "expected_squared_error": [error_by_loops, error_by_trace, error_by_einsum, error_single],
    "elbo_linear_gaussian": [elbo_from_parts, elbo_by_entropy, elbo_single],
    "point_mass_limit": [limit_by_loop, limit_by_density, limit_in_one_logarithm],
    "kl_to_point_mass": [point_mass_by_rows, point_mass_by_loop, point_mass_single],
}
