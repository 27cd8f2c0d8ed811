"""Right answers to notebook 07."""

import math

import autograd.numpy as anp
import numpy as np
from autograd import grad
from scipy import linalg, special

from course_utils.models import amortization, linear_gaussian
from course_utils.networks import nets, optim


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


# encoder_train
def encoder_by_sgd(x, decoder, sizes, steps, rng):
    """Plain gradient descent, two samples for each example, everything written out."""
    widths = [*sizes[:-1], 2 * sizes[-1]]
    encoder = [(rng.normal(size=(n, m)) / np.sqrt(n), np.zeros(m)) for n, m in zip(widths, widths[1:])]

    def loss(encoder, rows, eps):
        h = rows
        for W, b in encoder[:-1]:
            h = anp.tanh(anp.dot(h, W) + b)
        W, b = encoder[-1]
        h = anp.dot(h, W) + b
        mu, log_sigma = h[:, : sizes[-1]], h[:, sizes[-1] :]
        g = mu + anp.exp(log_sigma) * eps
        for V, c in decoder[:-1]:
            g = anp.tanh(anp.dot(g, V) + c)
        logits = anp.dot(g, decoder[-1][0]) + decoder[-1][1]
        log_p = anp.sum(rows * logits - anp.logaddexp(0, logits), axis=-1)
        kl = 0.5 * anp.sum(anp.exp(2 * log_sigma) + mu**2 - 1 - 2 * log_sigma, axis=-1)
        return anp.mean(kl) - anp.mean(log_p)

    slope = grad(loss)
    for _ in range(steps):
        rows = x[rng.integers(len(x), size=100)]
        step = slope(encoder, rows, rng.normal(size=(2, len(rows), sizes[-1])))
        encoder = [(W - 0.05 * dW, b - 0.05 * db) for (W, b), (dW, db) in zip(encoder, step)]
    return encoder


def encoder_by_adam(x, decoder, sizes, steps, rng):
    """The library's pieces, in single precision, with all of x in each batch."""

    def loss(encoder, eps):
        mu, log_sigma = anp.split(nets.mlp(encoder, x), 2, axis=1)
        return -anp.mean(amortization.elbo_of_q(decoder, x, mu, log_sigma, eps))

    noise = (rng.standard_normal((1, len(x), sizes[-1])) for _ in range(steps))
    return optim.adam(loss, nets.init_mlp([*sizes[:-1], 2 * sizes[-1]], rng), noise, steps, step_size=0.01)


# refine_q
def refined_by_hand(decoder, x, mu, log_sigma, eps, step_size):
    """Backpropagation written out for one hidden layer; `reparameterize_vjp` of notebook 06."""
    (W, b), (V, c) = decoder
    for noise in eps:
        sigma = np.exp(log_sigma)
        h = np.tanh((mu + sigma * noise) @ W + b)
        z_bar = ((x - special.expit(h @ V + c)) @ V.T * (1 - h * h)) @ W.T
        mu_bar = z_bar.mean(axis=0) - mu
        log_sigma_bar = np.mean(z_bar * noise * sigma, axis=0) + 1 - sigma**2
        mu, log_sigma = mu + step_size * mu_bar, log_sigma + step_size * log_sigma_bar
    return mu, log_sigma


def refined_one_by_one(decoder, x, mu, log_sigma, eps, step_size):
    def elbo(m, s, x_n, noise):
        logits = nets.mlp(decoder, m + anp.exp(s) * noise)
        log_p = anp.sum(x_n * logits - anp.logaddexp(0, logits), axis=-1)
        return anp.mean(log_p) - 0.5 * anp.sum(anp.exp(2 * s) + m**2 - 1 - 2 * s)

    mu, log_sigma = np.array(mu), np.array(log_sigma)
    for n in range(len(x)):
        for noise in eps[:, :, n]:
            slopes = [grad(elbo, i)(mu[n], log_sigma[n], x[n], noise) for i in (0, 1)]
            mu[n] += step_size * slopes[0]
            log_sigma[n] += step_size * slopes[1]
    return [mu, log_sigma]


def refined_in_one_array(decoder, x, mu, log_sigma, eps, step_size):
    """Both halves in one array, in single precision."""
    q = np.stack([mu, log_sigma]).astype("f4")
    slope = grad(lambda q, noise: anp.sum(amortization.elbo_of_q(decoder, x, q[0], q[1], noise)))
    for noise in np.asarray(eps, "f4"):
        q = q + np.float32(step_size) * slope(q, noise)
    return q[0], q[1]


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
    "encoder_train": [encoder_by_sgd, encoder_by_adam],
    "refine_q": [refined_by_hand, refined_one_by_one, refined_in_one_array],
    "gap_ledger": [ledger_by_lists, ledger_by_total, ledger_single],
}
