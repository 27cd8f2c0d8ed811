"""Right answers to notebook 07."""

import math

import autograd.numpy as anp
import numpy as np
from autograd import grad
from scipy import linalg, special

from course_utils.models import linear_gaussian
from course_utils.networks import nets


# linear_posterior
def posterior_by_solve(x, W, b, eta):
    precision = np.eye(W.shape[1]) + W.T @ W / eta
    mu = [np.linalg.solve(precision, W.T @ (row - b) / eta) for row in x]
    return mu, np.linalg.inv(precision)


def posterior_by_m(x, W, b, eta):
    """Tipping and Bishop's M = W^T W + eta I."""
    M = W.T @ W + eta * np.eye(W.shape[1])
    return (x - b) @ W @ np.linalg.inv(M), eta * np.linalg.inv(M)


def posterior_by_svd(x, W, b, eta):
    U, s, Vt = np.linalg.svd(W)
    s = np.concatenate([s, np.zeros(W.shape[1] - len(s))])
    mu = ((x - b) @ U)[:, : len(s)]
    mu = np.pad(mu, [(0, 0), (0, len(s) - mu.shape[1])]) * (s / (s**2 + eta)) @ Vt
    return mu, Vt.T @ np.diag(eta / (s**2 + eta)) @ Vt


def posterior_single(x, W, b, eta):
    x, W, b = (np.asarray(a, "f4") for a in (x, W, b))
    covariance = linalg.inv(np.eye(W.shape[1], dtype="f4") + W.T @ W / np.float32(eta))
    return np.einsum("nd,dk,kl->nl", x - b, W, covariance) / np.float32(eta), covariance


# svi_step
def step_by_autograd(x, mu, log_sigma, W, b, eta, step_size):
    def total(mu, log_sigma):
        return anp.sum(linear_gaussian.elbo_linear_gaussian(x, W, b, eta, mu, log_sigma))

    return mu + step_size * grad(total, 0)(mu, log_sigma), log_sigma + step_size * grad(total, 1)(mu, log_sigma)


def step_by_loops(x, mu, log_sigma, W, b, eta, step_size):
    new_mu, new_log_sigma = [], []
    for x_n, m, s in zip(x, mu, log_sigma):
        r = x_n - W @ m - b
        new_mu.append([m[k] + step_size * (r @ W[:, k] / eta - m[k]) for k in range(len(m))])
        new_log_sigma.append(
            [s[k] + step_size * (1 - math.exp(2 * s[k]) * (1 + W[:, k] @ W[:, k] / eta)) for k in range(len(m))]
        )
    return new_mu, new_log_sigma


def step_single(x, mu, log_sigma, W, b, eta, step_size):
    x, mu, log_sigma, W, b = (np.asarray(a, "f4") for a in (x, mu, log_sigma, W, b))
    slope = np.einsum("nd,dk->nk", x - b - np.einsum("nk,dk->nd", mu, W), W) / eta - mu
    sigma = np.exp(log_sigma)
    by_sigma = 1 / sigma - sigma - sigma * np.einsum("dk,dk->k", W, W) / eta
    return mu + step_size * slope, log_sigma + step_size * sigma * by_sigma


def step_by_precision(x, mu, log_sigma, W, b, eta, step_size):
    P = np.eye(W.shape[1]) + W.T @ W / eta
    return (
        mu + step_size * ((x - b) @ W / eta - mu @ P),
        log_sigma + step_size * (1 - np.exp(log_sigma) ** 2 * np.diag(P)),
    )


# encoder_forward
def encoder_by_library(params, x):
    return tuple(np.split(nets.mlp(params, x), 2, axis=1))


def encoder_by_loop(params, x):
    h = anp.array(x)
    for i, (W, b) in enumerate(params):
        h = h @ W + b
        if i < len(params) - 1:
            h = anp.tanh(h)
    K = h.shape[1] // 2
    return [h[:, :K], h[:, K:]]


def encoder_single(params, x):
    h = x.astype("f4")
    for W, b in params[:-1]:
        h = np.tanh(np.dot(h, W.astype("f4")) + b.astype("f4"))
    h = np.dot(h, params[-1][0].astype("f4")) + params[-1][1].astype("f4")
    return h[..., : h.shape[-1] // 2], h[..., h.shape[-1] // 2 :]


# effective_sample_size
def ess_by_softmax(log_w):
    return 1 / np.sum(special.softmax(log_w, axis=0) ** 2, axis=0)


def ess_by_loops(log_w):
    result = []
    for column in np.asarray(log_w).T:
        w = [math.exp(value - max(column)) for value in column]
        result.append(sum(w) ** 2 / sum(value * value for value in w))
    return result


def ess_single(log_w):
    w = np.exp((log_w - np.max(log_w, axis=0, keepdims=True)).astype("f4"))
    return np.sum(w, axis=0) ** 2 / np.einsum("sn,sn->n", w, w)


# gap_ledger
def ledger_by_lists(log_p, elbo_best, elbo_encoder):
    return {
        "amortization": [b - e for b, e in zip(elbo_best, elbo_encoder)],
        "approximation": [p - b for p, b in zip(log_p, elbo_best)],
    }


def ledger_by_total(log_p, elbo_best, elbo_encoder):
    approximation = np.subtract(log_p, elbo_best)
    return dict(approximation=approximation, amortization=np.subtract(log_p, elbo_encoder) - approximation)


def ledger_single(log_p, elbo_best, elbo_encoder):
    p, best, encoder = (np.asarray(a, "f4") for a in (log_p, elbo_best, elbo_encoder))
    return {"approximation": p - best, "amortization": best - encoder}


ALTERNATIVES = {
    "linear_posterior": [posterior_by_solve, posterior_by_m, posterior_by_svd, posterior_single],
    "svi_step": [step_by_autograd, step_by_loops, step_single, step_by_precision],
    "encoder_forward": [encoder_by_library, encoder_by_loop, encoder_single],
    "effective_sample_size": [ess_by_softmax, ess_by_loops, ess_single],
    "gap_ledger": [ledger_by_lists, ledger_by_total, ledger_single],
}
