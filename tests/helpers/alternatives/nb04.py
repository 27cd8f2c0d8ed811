"""Right answers to notebook 04."""

import math

import autograd.numpy as anp
import numpy as np
from scipy import integrate, special, stats
from scipy.special import logsumexp, rel_entr, softmax


# jensen_gap
def gap_by_loops(h, x, weights):
    mean_h = sum(w * h(v) for v, w in zip(x, weights))
    return float(mean_h - h(sum(w * v for v, w in zip(x, weights))))


def gap_single(h, x, weights):
    x, weights = anp.array(x, dtype=anp.float32), anp.array(weights, dtype=anp.float32)
    return anp.sum(weights * h(x)) - h(anp.sum(weights * x))


def gap_by_average(h, x, weights):
    return np.average(h(x), weights=weights) - h(np.average(x, weights=weights))


# posterior_on_grid
def posterior_by_maximum(log_joint, grid):
    log_p = log_joint(grid)
    p = np.exp(log_p - np.max(log_p))
    return p / np.trapezoid(p, grid)


def posterior_by_scipy(log_joint, grid):
    p = special.softmax([log_joint(z) for z in grid])
    return list(p / integrate.trapezoid(p, grid))


def posterior_single(log_joint, grid):
    log_p = anp.array(log_joint(grid), dtype=anp.float32)
    grid = anp.array(grid, dtype=anp.float32)
    p = anp.exp(log_p - anp.max(log_p))
    return p / anp.sum((p[1:] + p[:-1]) * anp.diff(grid) / 2)


# elbo_on_grid
def elbo_by_where(log_joint, q, grid):
    log_q = np.log(np.where(q > 0, q, 1))
    return np.trapezoid(q * (log_joint(grid) - log_q), grid)


def elbo_by_loops(log_joint, q, grid):
    f = [0.0 if p == 0 else p * (log_joint(z) - math.log(p)) for p, z in zip(q, grid)]
    return sum((grid[i + 1] - grid[i]) * (f[i] + f[i + 1]) / 2 for i in range(len(grid) - 1))


def elbo_single(log_joint, q, grid):
    q, grid = q.astype("f4"), grid.astype("f4")
    terms = special.xlogy(q, q) - q * log_joint(grid).astype("f4")
    return -integrate.trapezoid(terms, grid)


# gap_on_grid
def gap_by_identity(log_joint, q, grid):
    log_p = log_joint(grid)
    evidence = log_p.max() + np.log(np.trapezoid(np.exp(log_p - log_p.max()), grid))
    return evidence - elbo_by_where(log_joint, q, grid)


def gap_by_mask(log_joint, q, grid):
    log_p = log_joint(grid)
    m = np.max(log_p)
    log_r = log_p - m - np.log(np.trapezoid(np.exp(log_p - m), grid))
    terms = np.zeros(len(grid))
    terms[q > 0] = q[q > 0] * (np.log(q[q > 0]) - log_r[q > 0])
    return np.trapezoid(terms, grid)


def gap_entropies(log_joint, q, grid):
    log_p = log_joint(grid)
    m = np.max(log_p)
    log_r = log_p - m - np.log(integrate.trapezoid(np.exp(log_p - m), grid))
    return integrate.trapezoid(-special.entr(q), grid) - integrate.trapezoid(q * log_r, grid)


# em_e_step
def e_by_softmax(x, pi, mu, sigma):
    return softmax(np.log(pi) + stats.norm.logpdf(x[:, None], mu, sigma), axis=1)


def e_by_loops(x, pi, mu, sigma):
    rows = []
    for v in x:
        logs = [math.log(p / s) - (v - m) ** 2 / (2 * s * s) for p, m, s in zip(pi, mu, sigma)]
        top = max(logs)
        weights = [math.exp(a - top) for a in logs]
        rows.append([w / sum(weights) for w in weights])
    return rows


def e_by_ratios(x, pi, mu, sigma):
    log_p = anp.log(pi) - anp.log(sigma) - (x[:, None] - mu) ** 2 / (2 * sigma**2)
    return 1 / anp.sum(anp.exp(log_p[:, None, :] - log_p[:, :, None]), axis=2)


# em_m_step
def m_by_moments(x, responsibilities):
    pi = responsibilities.mean(0)
    mu = (responsibilities * x[:, None]).mean(0) / pi
    return pi, mu, np.sqrt((responsibilities * x[:, None] ** 2).mean(0) / pi - mu**2)


def m_by_loops(x, responsibilities):
    result = []
    for r in responsibilities.T:
        mu = sum(r * x) / sum(r)
        result.append((sum(r) / len(x), mu, math.sqrt(sum(r * (x - mu) ** 2) / sum(r))))
    return [list(part) for part in zip(*result)]


def m_single(x, responsibilities):
    x, r = x.astype("f4"), responsibilities.astype("f4")
    mu = np.einsum("nc,n->c", r, x) / np.einsum("nc->c", r)
    var = np.einsum("nc,nc->c", r, (x[:, None] - mu) ** 2) / r.sum(0)
    return r.mean(0), mu, np.sqrt(var)


# mixture_elbo
def mixture_by_xlogy(x, responsibilities, pi, mu, sigma):
    r = responsibilities
    log_p = np.log(pi) + stats.norm.logpdf(x[:, None], loc=mu, scale=sigma)
    return np.sum(r * log_p - special.xlogy(r, r), axis=1)


def mixture_by_gap(x, responsibilities, pi, mu, sigma):
    log_p = stats.norm.logpdf(x[:, None], mu, sigma) + np.log(pi)
    return logsumexp(log_p, axis=1) - rel_entr(responsibilities, softmax(log_p, axis=1)).sum(axis=1)


def mixture_single(x, responsibilities, pi, mu, sigma):
    x, r, pi, mu, sigma = (a.astype("f4") for a in (x, responsibilities, pi, mu, sigma))
    constant = np.float32(0.5 * np.log(2 * np.pi))
    log_p = np.log(pi / sigma) - (x[:, None] - mu) ** 2 / (2 * sigma**2) - constant
    log_r = np.log(np.where(r > 0, r, np.float32(1)))
    return (r * (log_p - log_r)).sum(axis=1)


# iwae_bound
def iwae_by_maximum(log_w):
    m = np.max(log_w, axis=0)
    return m + np.log(np.exp(log_w - m).mean(axis=0))


def iwae_by_logaddexp(log_w):
    return np.logaddexp.reduce(log_w, axis=0) - math.log(len(log_w))


def iwae_single(log_w):
    a = anp.array(log_w, dtype=anp.float32)
    m = anp.max(a, axis=0)
    return m + anp.log(anp.sum(anp.exp(a - m), axis=0) / len(a))


ALTERNATIVES = {
    "jensen_gap": [gap_by_loops, gap_single, gap_by_average],
    "posterior_on_grid": [posterior_by_maximum, posterior_by_scipy, posterior_single],
    "elbo_on_grid": [elbo_by_where, elbo_by_loops, elbo_single],
    "gap_on_grid": [gap_by_identity, gap_by_mask, gap_entropies],
    "em_e_step": [e_by_softmax, e_by_loops, e_by_ratios],
    "em_m_step": [m_by_moments, m_by_loops, m_single],
    "mixture_elbo": [mixture_by_xlogy, mixture_by_gap, mixture_single],
    "iwae_bound": [iwae_by_maximum, iwae_by_logaddexp, iwae_single],
}
