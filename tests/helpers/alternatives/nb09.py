"""Right answers to notebook 09."""

import math

import autograd.numpy as anp
import numpy as np
from scipy.special import entr, expit

from course_utils.models import vae


# one_hot
def one_hot_by_index(y, C):
    rows = np.zeros((len(y), C))
    rows[np.arange(len(y)), y] = 1
    return rows


def one_hot_by_comparison(y, C):
    return (np.asarray(y)[:, None] == np.arange(C)).astype("f4")


def one_hot_by_lists(y, C):
    return [[float(c == label) for c in range(C)] for label in y]


def one_hot_by_identity(y, C):
    return np.eye(C)[y]


# cvae_elbo
def network(params, h, tanh=np.tanh):
    for W, b in params[:-1]:
        h = tanh(h @ W + b)
    W, b = params[-1]
    return h @ W + b


def elbo_by_loops(encoder, decoder, x, y, eps):
    samples = eps if eps.ndim == 3 else [eps]
    result = []
    for n in range(len(x)):
        code = network(encoder, anp.concatenate([x[n], y[n]]), anp.tanh)
        mu, log_sigma = code[: len(code) // 2], code[len(code) // 2 :]
        total = 0.0
        for e in samples:
            logits = network(decoder, anp.concatenate([mu + anp.exp(log_sigma) * e[n], y[n]]), anp.tanh)
            total = total - anp.sum(x[n] * anp.logaddexp(0, -logits) + (1 - x[n]) * anp.logaddexp(0, logits))
        kl = 0.5 * sum(anp.exp(2 * log_sigma[k]) + mu[k] ** 2 - 1 - 2 * log_sigma[k] for k in range(len(mu)))
        result.append(total / len(samples) - kl)
    return anp.array(result)


def elbo_by_split_weights(encoder, decoder, x, y, eps):
    """[x, y] W = x W_x + y W_y: no concatenation at all."""

    def first(params, a, y):
        W, b = params[0]
        return anp.tanh(a @ W[: -y.shape[1]] + y @ W[-y.shape[1] :] + b)

    mu, log_sigma = anp.split(network(encoder[1:], first(encoder, x, y), anp.tanh), 2, axis=1)
    logits = network(decoder[1:], first(decoder, mu + anp.exp(log_sigma) * eps, y), anp.tanh)
    log_p = anp.sum(x * logits - anp.logaddexp(0, logits), axis=-1)
    kl = 0.5 * anp.sum(anp.exp(2 * log_sigma) + mu**2 - 1 - 2 * log_sigma, axis=1)
    return (anp.mean(log_p, axis=0) if eps.ndim == 3 else log_p) - kl


def elbo_single(encoder, decoder, x, y, eps):
    encoder, decoder = ([(W.astype("f4"), b.astype("f4")) for W, b in part] for part in (encoder, decoder))
    x, y, eps = (np.asarray(a, "f4") for a in (x, y, eps))
    return elbo_by_autograd(encoder, decoder, x, y, eps)


def elbo_by_autograd(encoder, decoder, x, y, eps):
    h = network(encoder, anp.hstack([x, y]), anp.tanh)
    K = h.shape[1] // 2
    mu, log_sigma = h[:, :K], h[:, K:]
    z = mu + anp.exp(log_sigma) * eps
    labels = anp.ones((*z.shape[:-1], 1)) * y
    logits = network(decoder, anp.concatenate([z, labels], axis=-1), anp.tanh)
    log_p = anp.sum(x * logits - anp.logaddexp(0, logits), axis=-1)
    return anp.mean(log_p.reshape(-1, len(x)), axis=0) - 0.5 * anp.sum(
        anp.exp(2 * log_sigma) + mu**2 - 1 - 2 * log_sigma, axis=1
    )


# style_grid
def grid_by_rows(decoder, label, C, zs):
    y = [0.0] * C
    y[label] = 1.0
    return [expit(network(decoder, np.array([*z, *y]))) for z in zs]


def grid_by_library(decoder, label, C, zs):
    return vae.vae_generate(decoder, np.hstack([zs, one_hot_by_index([label] * len(zs), C)]))


def grid_by_folding(decoder, label, C, zs):
    """The label's row of the first weights is part of the bias."""
    (W, b), *rest = decoder
    return 0.5 + 0.5 * np.tanh(0.5 * network([(W[:-C], b + W[zs.shape[1] + label]), *rest], zs))


# analogy
def analogy_by_rows(encoder, decoder, x, y, y_new, C):
    images = []
    for row, old, new in zip(x, y, y_new):
        code = network(encoder, np.concatenate([row, np.eye(C)[old]]))
        images.append(expit(network(decoder, np.concatenate([code[: len(code) // 2], np.eye(C)[new]]))))
    return images


def analogy_by_library(encoder, decoder, x, y, y_new, C):
    mu, _ = vae.encoder_forward(encoder, np.hstack([x, one_hot_by_comparison(y, C)]))
    return vae.vae_generate(decoder, np.hstack([mu, one_hot_by_comparison(y_new, C)]))


def analogy_label_by_label(encoder, decoder, x, y, y_new, C):
    mu = network(encoder, np.hstack([x, np.eye(C)[y]]))[:, : encoder[-1][1].size // 2]
    images = np.zeros((len(x), decoder[-1][1].size))
    for label in set(y_new.tolist()):
        images[y_new == label] = grid_by_folding(decoder, label, C, mu[y_new == label])
    return images


# m2_unlabelled_elbo
def unlabelled_by_loops(elbo_per_class, q_y):
    return [sum(q * (e - math.log(q)) for q, e in zip(qs, es) if q > 0) for qs, es in zip(q_y, elbo_per_class)]


def unlabelled_by_scipy(elbo_per_class, q_y):
    return np.sum(q_y * elbo_per_class + entr(q_y), axis=1)


def unlabelled_single(elbo_per_class, q_y):
    elbo, q = np.asarray(elbo_per_class, "f4"), np.asarray(q_y, "f4")
    return np.einsum("nc,nc->n", q, elbo) - np.sum(q * np.log(np.maximum(q, 1e-30)), axis=1)


def unlabelled_by_divergence(elbo_per_class, q_y):
    """log sum exp(L) minus the divergence of q from the posterior over classes that L implies."""
    largest = elbo_per_class.max(axis=1, keepdims=True)
    log_total = np.log(np.sum(np.exp(elbo_per_class - largest), axis=1, keepdims=True)) + largest
    log_posterior = elbo_per_class - log_total
    return log_total[:, 0] - np.sum(-entr(q_y) - q_y * log_posterior, axis=1)


ALTERNATIVES = {
    "one_hot": [one_hot_by_index, one_hot_by_comparison, one_hot_by_lists, one_hot_by_identity],
    "cvae_elbo": [elbo_by_loops, elbo_by_split_weights, elbo_single, elbo_by_autograd],
    "style_grid": [grid_by_rows, grid_by_library, grid_by_folding],
    "analogy": [analogy_by_rows, analogy_by_library, analogy_label_by_label],
    "m2_unlabelled_elbo": [unlabelled_by_loops, unlabelled_by_scipy, unlabelled_single, unlabelled_by_divergence],
}
