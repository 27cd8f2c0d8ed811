"""Right answers to notebook 03."""

import math

import autograd.numpy as anp
import numpy as np
from scipy import integrate, special, stats


# gaussian_log_prob
def by_scipy(x, mean, eta):
    return [stats.multivariate_normal.logpdf(x_n, m, eta * np.eye(len(m))) for x_n, m in zip(x, mean)]


def by_loops(x, mean, eta):
    return [
        math.fsum(-0.5 * (a - m) ** 2 / eta - 0.5 * math.log(2 * math.pi * eta) for a, m in zip(x_n, m_n))
        for x_n, m_n in zip(x.tolist(), mean.tolist())
    ]


def gaussian_single(x, mean, eta):
    r = (np.asarray(x, "f4") - np.asarray(mean, "f4")) / np.float32(np.sqrt(eta))
    return -np.einsum("nd,nd->n", r, r) / 2 - np.float32(x.shape[1] * 0.5 * np.log(2 * np.pi * eta))


# bernoulli_log_prob
def by_softplus(x, logits):
    softplus = np.maximum(logits, 0) + np.log1p(np.exp(-np.abs(logits)))
    return (x * logits - softplus).sum(axis=1)


def by_signed_logits(x, logits):
    return anp.sum(-anp.logaddexp(0.0, -(2 * x - 1) * logits), axis=-1)


def by_log_expit(x, logits):
    return np.where(np.asarray(x) == 1, special.log_expit(logits), special.log_expit(-np.asarray(logits))).sum(1)


def bernoulli_single(x, logits):
    x, logits = x.astype("f4"), logits.astype("f4")
    return np.sum(x * logits - np.logaddexp(np.float32(0), logits), 1)


# log_marginal_quadrature
def log_density(x, mean, eta):
    return -0.5 * np.sum((x - mean) ** 2, -1) / eta - 0.5 * x.shape[-1] * np.log(2 * np.pi * eta)


def by_trapezoid_of_scaled(x, decoder, eta, grid):
    log_joint = log_density(x[:, None], decoder(grid[:, None]), eta) + stats.norm.logpdf(grid)  # (N, G)
    top = log_joint.max(axis=1, keepdims=True)
    return top[:, 0] + np.log(np.trapezoid(np.exp(log_joint - top), grid, axis=1))


def one_example_at_a_time(x, decoder, eta, grid):
    result = []
    for x_n in x:
        terms = []
        for left, right in zip(grid[:-1], grid[1:]):
            for z in (left, right):
                log_p = -(z**2) / 2 - math.log(2 * math.pi) / 2 + log_density(x_n, decoder(np.array([[z]]))[0], eta)
                terms.append(log_p + math.log((right - left) / 2))
        top = max(terms)
        result.append(top + math.log(math.fsum(math.exp(t - top) for t in terms)))
    return result


def by_pairs_single(x, decoder, eta, grid):
    """Trapezoid by trapezoid, in float32 where that is safe."""
    log_joint = log_density(x[:, None], decoder(grid[:, None]), eta) + stats.norm.logpdf(grid)
    top = log_joint.max(axis=1)
    heights = np.exp(log_joint - top[:, None]).astype("f4")
    return (top + np.log(integrate.trapezoid(heights, grid.astype("f4"), axis=1))).astype("f4")


# log_marginal_monte_carlo
def all_at_once(x, decoder, eta, eps):
    return special.logsumexp(log_density(x, decoder(eps), eta), axis=0, b=1 / len(eps))


def by_running_sum(x, decoder, eta, eps):
    total = np.full(len(x), -np.inf)
    for z in eps:
        total = np.logaddexp(total, log_density(x, decoder(z), eta))
    return total - math.log(eps.shape[0])


def monte_carlo_single(x, decoder, eta, eps):
    log_p = log_density(x.astype("f4"), np.float32(decoder(eps.astype("f4"))), np.float32(eta))
    top = log_p.max(0)
    return top + np.log(np.exp(log_p - top).mean(0))


# log_marginal_importance
def by_weights(x, decoder, eta, mu, log_sigma, eps):
    z = mu + np.exp(log_sigma) * eps
    log_w = log_density(x, decoder(z), eta) + 0.5 * np.sum(eps**2 - z**2, -1) + log_sigma.sum(-1)
    return np.logaddexp.reduce(log_w) - np.log(len(log_w))


def by_named_densities(x, decoder, eta, mu, log_sigma, eps):
    sigma, log_w = np.exp(log_sigma), []
    for e in eps:
        z = mu + sigma * e
        log_w.append(
            stats.norm(decoder(z), eta**0.5).logpdf(x).sum(1)
            + stats.norm.logpdf(z).sum(1)
            - stats.norm(mu, sigma).logpdf(z).sum(1)
        )
    return special.logsumexp(log_w, axis=0) - np.log(len(eps))


def importance_one_example_at_a_time(x, decoder, eta, mu, log_sigma, eps):
    return [
        by_weights(x[n : n + 1], decoder, eta, mu[n : n + 1], log_sigma[n : n + 1], eps[:, n : n + 1])[0]
        for n in range(len(x))
    ]


ALTERNATIVES = {
    "gaussian_log_prob": [by_scipy, by_loops, gaussian_single],
    "bernoulli_log_prob": [by_softplus, by_signed_logits, by_log_expit, bernoulli_single],
    "log_marginal_quadrature": [by_trapezoid_of_scaled, one_example_at_a_time, by_pairs_single],
    "log_marginal_monte_carlo": [all_at_once, by_running_sum, monte_carlo_single],
    "log_marginal_importance": [by_weights, by_named_densities, importance_one_example_at_a_time],
}
