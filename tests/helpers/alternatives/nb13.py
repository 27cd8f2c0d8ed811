"""Right answers to notebook 13."""

import math

import autograd.numpy as anp
import numpy as np
from autograd.scipy.stats import norm as autograd_norm
from scipy import optimize, special, stats

from course_utils.probability.gaussians import kl_gaussians, kl_standard_normal


# weight_prices
def prices_by_notebook_05(mu, log_sigma, tau):
    return kl_standard_normal((mu / tau)[:, None], (log_sigma - np.log(tau))[:, None])


def prices_by_two_gaussians(mu, log_sigma, tau):
    def column(a):
        return np.reshape(a, (-1, 1))

    prior = np.full((len(mu), 1), np.log(tau))
    return kl_gaussians(column(mu), column(log_sigma), 0 * prior, prior)


def prices_by_loop(mu, log_sigma, tau):
    prices = []
    for m, s in zip(mu, log_sigma):
        variance = math.exp(s) ** 2
        prices.append(0.5 * (variance / tau**2 + m**2 / tau**2 - 1) + math.log(tau) - s)
    return prices


def prices_in_float32(mu, log_sigma, tau):
    m, s = np.asarray(mu, "f4") / np.float32(tau), np.asarray(log_sigma, "f4") - np.log(np.float32(tau))
    return (np.exp(2 * s) + m * m - 1) / 2 - s


# bayes_by_backprop_elbo
def elbo_by_densities(mu, log_sigma, x, y, eta, tau, eps):
    w = mu + anp.exp(log_sigma) * eps
    each = autograd_norm.logpdf(y, anp.dot(w, x.T), np.sqrt(eta))
    kl = anp.log(tau) - log_sigma + (anp.exp(2 * log_sigma) + mu**2) / (2 * tau**2) - 0.5
    return anp.mean(anp.sum(each, axis=1)) - anp.sum(kl)


def elbo_by_loop(mu, log_sigma, x, y, eta, tau, eps):
    total = 0.0
    for e in eps:
        r = y - anp.dot(x, mu + anp.exp(log_sigma) * e)
        total = total - anp.dot(r, r) / (2 * eta) - len(y) / 2 * math.log(2 * math.pi * eta)
    s = log_sigma - math.log(tau)
    return total / len(eps) - 0.5 * anp.sum(anp.exp(2 * s) + (mu / tau) ** 2 - 1 - 2 * s)


def elbo_in_float32(mu, log_sigma, x, y, eta, tau, eps):
    mu, log_sigma, x, y, eps = (np.asarray(a, "f4") for a in (mu, log_sigma, x, y, eps))
    error = ((y[:, None] - x @ (mu + np.exp(log_sigma) * eps).T) ** 2).sum(axis=0)
    kl = np.sum(np.log(tau) - log_sigma + (np.exp(log_sigma) ** 2 + mu**2) / (2 * tau**2) - 0.5)
    return -0.5 * (len(y) * np.log(2 * np.pi * eta) + error.mean() / eta) - kl


# log_evidence
def evidence_by_scipy(x, y, eta, tau):
    return stats.multivariate_normal(np.zeros(len(y)), eta * np.eye(len(y)) + tau**2 * x @ x.T).logpdf(y)


def evidence_by_cholesky(x, y, eta, tau):
    L = np.linalg.cholesky(eta * np.eye(len(y)) + tau**2 * x @ x.T)
    z = np.linalg.solve(L, y)
    return -0.5 * np.dot(z, z) - np.log(np.diag(L)).sum() - len(y) / 2 * np.log(2 * np.pi)


def evidence_over_the_weights(x, y, eta, tau):
    """Bishop 2006, eq. 3.86: matrices over weights, not over examples."""
    N, P = x.shape
    A = np.eye(P) / tau**2 + x.T @ x / eta
    m = np.linalg.solve(A, x.T @ y) / eta
    fit = np.sum((y - x @ m) ** 2) / eta + m @ m / tau**2
    log_det = np.linalg.slogdet(A)[1] + 2 * P * np.log(tau) + N * np.log(eta)
    return -0.5 * (fit + log_det + N * np.log(2 * np.pi))


def evidence_one_by_one(x, y, eta, tau):
    """log p(y_1) + log p(y_2 | y_1) + ..., by updating the posterior."""
    S, m, total = tau**2 * np.eye(x.shape[1]), np.zeros(x.shape[1]), 0.0
    for row, target in zip(x, y):
        variance = row @ S @ row + eta
        error = target - row @ m
        total += -0.5 * math.log(2 * math.pi * variance) - error**2 / (2 * variance)
        gain = S @ row / variance
        m, S = m + gain * error, S - np.outer(gain, row @ S)
    return total


# best_mean_field
def mean_field_by_inverse(x, y, eta, tau):
    S = np.linalg.inv(np.eye(x.shape[1]) / tau**2 + x.T @ x / eta)
    return S @ x.T @ y / eta, np.diag(np.linalg.inv(S)) ** -0.5


def mean_field_by_columns(x, y, eta, tau):
    mean = np.linalg.solve(x.T @ x + eta / tau**2 * np.eye(x.shape[1]), x.T @ y)
    return mean, np.sqrt(1 / (1 / tau**2 + np.sum(x**2, axis=0) / eta))


def mean_field_by_ridge_rows(x, y, eta, tau):
    """Ridge regression as least squares with P more rows, one for each weight's prior."""
    P = x.shape[1]
    rows = np.vstack([x / np.sqrt(eta), np.eye(P) / tau])
    mean = np.linalg.lstsq(rows, np.append(y / np.sqrt(eta), np.zeros(P)), rcond=None)[0]
    return list(mean), list(1 / np.linalg.norm(rows, axis=0))


# best_prior_scale
def scale_by_norms(mu, log_sigma):
    return np.linalg.norm(np.concatenate([mu, np.exp(log_sigma)])) / np.sqrt(len(mu))


def scale_by_search(mu, log_sigma):
    square = np.sum(mu**2 + np.exp(2 * log_sigma))

    def slope(t):
        return len(mu) - square * np.exp(-2 * t)

    return np.exp(optimize.brentq(slope, -20, 20, xtol=1e-12))


def scale_by_loop(mu, log_sigma):
    total = 0.0
    for m, s in zip(mu, log_sigma):
        total += m**2 + math.exp(s) ** 2
    return math.sqrt(total / len(mu))


# local_reparameterization
def local_by_einsum(h, mu, log_sigma, eps):
    variance = anp.einsum("ni,ij->nj", h**2, anp.exp(log_sigma) ** 2)
    return anp.einsum("ni,ij->nj", h, mu) + variance**0.5 * eps


def local_by_broadcasting(h, mu, log_sigma, eps):
    terms = h[:, :, None] * mu
    spreads = (h[:, :, None] * anp.exp(log_sigma)) ** 2
    return anp.sum(terms, axis=1) + eps * anp.sqrt(anp.sum(spreads, axis=1))


def local_by_loop(h, mu, log_sigma, eps):
    columns = []
    for j in range(mu.shape[1]):
        deviation = anp.sqrt(anp.dot(h**2, anp.exp(2 * log_sigma[:, j])))
        columns.append(anp.dot(h, mu[:, j]) + deviation * eps[:, j])
    return anp.stack(columns, axis=1)


# predictive
def predictive_by_scipy(logits):
    return np.mean(special.softmax(logits, axis=2), 0)


def predictive_in_logs(logits):
    S = len(logits)
    return np.exp(special.logsumexp(special.log_softmax(logits, axis=-1), axis=0) - np.log(S))


def predictive_by_loop(logits):
    total = np.zeros(np.shape(logits)[1:])
    for sample in logits:
        for n, row in enumerate(sample):
            e = np.exp(row - max(row))
            total[n] += e / sum(e)
    return (total / len(logits)).tolist()


# prequential_bits
def bits_by_loop(log_probs):
    total = 0.0
    for entry in log_probs:
        total += -entry * math.log2(math.e)
    return total


def bits_by_mean(log_probs):
    return -len(log_probs) * np.mean(log_probs) / math.log(2)


ALTERNATIVES = {
    "weight_prices": [prices_by_notebook_05, prices_by_two_gaussians, prices_by_loop, prices_in_float32],
    "bayes_by_backprop_elbo": [elbo_by_densities, elbo_by_loop, elbo_in_float32],
    "log_evidence": [
        evidence_by_scipy,
        evidence_by_cholesky,
        evidence_over_the_weights,
        evidence_one_by_one,
    ],
    "best_mean_field": [mean_field_by_inverse, mean_field_by_columns, mean_field_by_ridge_rows],
    "best_prior_scale": [scale_by_norms, scale_by_search, scale_by_loop],
    "local_reparameterization": [local_by_einsum, local_by_broadcasting, local_by_loop],
    "predictive": [predictive_by_scipy, predictive_in_logs, predictive_by_loop],
    "prequential_bits": [bits_by_loop, bits_by_mean],
}
