"""Fitting q(z) to one example at a time, and what an encoder loses against that: the gaps below log p(x).

The model is a VAE's: p(z) = N(0, I), Bernoulli pixels whose logits a decoder network computes, and
q(z) = N(mu, diag(sigma^2)); `svi_step` alone belongs to the linear-Gaussian model of `linear_gaussian`.
"""

from collections.abc import Callable, Sequence
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd import grad
from numpy.random import Generator

from course_utils.models.linear_gaussian import NOISE, require_linear_model
from course_utils.models.vae import encoder_forward, in_parts
from course_utils.networks.arrays import (
    Array,
    Network,
    require_examples,
    require_matrix,
    require_noise,
    require_one_shape,
    require_positive,
    require_rows,
)
from course_utils.networks.fast import bernoulli_cross_entropy, gaussian_kl, gaussian_sample, sigmoid
from course_utils.networks.nets import init_mlp, mlp
from course_utils.networks.optim import train


def svi_step(
    x: Array, mu: Array, log_sigma: Array, W: Array, b: Array, eta: float, step_size: float
) -> tuple[Array, Array]:
    """One step of gradient ascent on each example's own ELBO, for the linear decoder z W^T + b.

    dF/dmu = W^T (x - b - W mu) / eta - mu and dF/dlog sigma_k = 1 - sigma_k^2 (1 + ||w_k||^2 / eta), w_k the columns
    of W and eta the noise variance. x (N, D), mu, log_sigma (N, K), W (D, K), b (D,) -> new (mu, log_sigma).
    (With estimated slopes: stochastic variational inference, SVI; Hoffman et al. 2013.)
    """
    require_positive(eta, NOISE)
    require_linear_model(x, W, mu=mu, log_sigma=log_sigma)
    slope_mu = (x - b - mu @ W.T) @ W / eta - mu
    slope_log_sigma = 1 - np.exp(2 * log_sigma) * (1 + np.sum(W**2, axis=0) / eta)
    return mu + step_size * slope_mu, log_sigma + step_size * slope_log_sigma


def gap_ledger(log_p: Array, elbo_best: Array, elbo_encoder: Array) -> dict[str, Array]:
    """Where an encoder's ELBO stays below log p(x), per example: log p = ELBO(encoder) + amortization + approximation.

    `approximation`: log p - ELBO of the best q of the family; `amortization`: that ELBO - the encoder's. All (N,), in
    nats. (Cremer, Li and Duvenaud 2018, section 3.)
    """
    log_p, elbo_best, elbo_encoder = map(np.asarray, (log_p, elbo_best, elbo_encoder))
    require_one_shape(log_p=log_p, elbo_best=elbo_best, elbo_encoder=elbo_encoder)
    return {"approximation": log_p - elbo_best, "amortization": elbo_best - elbo_encoder}


def effective_sample_size(log_w: Array) -> Array:
    """How many equally weighted samples S weighted ones are worth: (sum_s w_s)^2 / sum_s w_s^2, from 1 to S.

    log_w (S, N) -> (N,); stable: the largest weight of each column is taken out. (Kong 1992.)
    """
    log_w = np.asarray(log_w)
    w = np.exp(log_w - log_w.max(axis=0))
    return w.sum(axis=0) ** 2 / np.sum(w**2, axis=0)


def elbo_of_q(decoder: Network, x: Array, mu: Array, log_sigma: Array, eps: Array) -> Array:
    """The ELBO of q = N(mu, diag(sigma^2)), wherever that q comes from; the mean over the samples in eps. Autograd
    can differentiate it in mu, log_sigma and the decoder.

    x (N, D) between 0 and 1, mu, log_sigma (N, K), eps (S, N, K) -> (N,), in nats.
    """
    require_rows(x=x, mu=mu)
    require_noise(eps, mu, samples=True)
    log_p = in_parts(lambda e: -bernoulli_cross_entropy(x, mlp(decoder, gaussian_sample(mu, log_sigma, e))), eps, x)
    # many float32 numbers would add up wrong
    return anp.mean(log_p.astype(float), axis=0) - gaussian_kl(mu, log_sigma)


def encoder_train(
    x: Array,
    decoder: Network,
    sizes: Sequence[int],
    steps: int,
    rng: Generator,
    batch_size: int = 128,
    step_size: float = 4e-3,
    callback: Callable[[int, Network, float], Any] | None = None,
) -> Network:
    """An inference network for a decoder that stays as it is: Adam on the mean over examples of the encoder's ELBO.

    x (N, D) of black and white pixels, sizes = [D, H..., K] -> a network D, H..., 2K whose halves are mu and log_sigma,
    with fresh noise for each minibatch. `callback(t, encoder, loss)`, if given, is called after every update.
    (Kingma and Welling 2014, with theta held fixed.)
    """
    x = require_examples(x, sizes, black_to_white=True)
    encoder = init_mlp([*sizes[:-1], 2 * sizes[-1]], rng)

    def batch_of(rows):
        return x[rows], rng.standard_normal((1, len(rows), sizes[-1]), dtype=np.float32)

    def minus_elbo(encoder, batch):
        rows, eps = batch
        mu, log_sigma = encoder_forward(encoder, rows)
        return -anp.sum(elbo_of_q(decoder, rows, mu, log_sigma, eps)) * (1 / len(rows))

    return train(
        minus_elbo, encoder, batch_of, len(x), steps, rng, batch_size, step_size, label="encoder", callback=callback
    )


def refine_q(
    decoder: Network, x: Array, mu: Array, log_sigma: Array, eps: Array, step_size: float
) -> tuple[Array, Array]:
    """(mu, log_sigma) after T steps of plain gradient ascent, each example's on its own ELBO; the decoder stays.

    Step t takes the slope of `elbo_of_q` with the noise eps[t], by the pathwise gradient. x (N, D), mu, log_sigma
    (N, K), eps (T, S, N, K) -> (N, K) each.
    """
    slope = grad(lambda q, noise: anp.sum(elbo_of_q(decoder, x, q[0], q[1], noise)))
    for noise in eps:
        mu_bar, log_sigma_bar = slope((mu, log_sigma), noise)
        mu, log_sigma = mu + step_size * mu_bar, log_sigma + step_size * log_sigma_bar
    return mu, log_sigma


def refine(
    decoder: Network,
    x: Array,
    mu: Array,
    log_sigma: Array,
    steps: int,
    rng: Generator,
    samples: int = 8,
    step_size: float = 0.03,
    callback: Callable[[int, tuple[Array, Array], float], Any] | None = None,
) -> tuple[Array, Array]:
    """(mu, log_sigma) after `steps` of Adam on each example's own ELBO, started at the ones given; the decoder stays.

    All examples at once: Adam steps along each coordinate by itself, so none of them feels the others. Each step draws
    `samples` (an even number) of noise, half of them the negatives of the others, which takes out the noise that is odd
    in eps. The step size stays for half of the steps and then falls to 0. x (N, D), mu, log_sigma (N, K);
    `callback(t, (mu, log_sigma), loss)`, if given, is called after every step.
    """
    if samples % 2:
        raise ValueError(f"samples come in pairs eps, -eps: expected an even number, got {samples}")
    require_matrix(x)
    require_rows(x=x, mu=mu)
    require_one_shape(mu=mu, log_sigma=log_sigma)

    def noise(rows):  # all of them, at every step
        eps = rng.standard_normal((samples // 2, *mu.shape), dtype=np.float32)
        return np.concatenate([eps, -eps])

    def minus_elbo(q, eps):
        error = bernoulli_cross_entropy(x, mlp(decoder, gaussian_sample(*q, eps)))
        return anp.sum(error) * (1 / samples) + anp.sum(gaussian_kl(*q))

    start = np.asarray(mu, np.float32), np.asarray(log_sigma, np.float32)
    N = len(x)
    return train(minus_elbo, start, noise, N, steps, rng, N, step_size, label="fitting q", callback=callback)


def local_precision(decoder: Network, z: Array) -> Array:
    """The posterior's precision if the decoder were the straight line that touches it at z: I + J^T diag(p (1 - p)) J.

    J (D, K) is the Jacobian of the logits at z and p (1 - p) the variance of each pixel, in the place of 1 / eta
    in the linear-Gaussian model. z (N, K) -> (N, K, K).
    """
    h = np.asarray(z)
    J = np.broadcast_to(np.eye(z.shape[1], dtype=h.dtype), (len(z), z.shape[1], z.shape[1]))  # rows: dh / dz_k
    for W, b in decoder[:-1]:
        h = np.tanh(h @ W + b)
        J = (J @ W) * (1 - h * h)[:, None]
    W, b = decoder[-1]
    p = sigmoid(h @ W + b)
    J = J @ W
    return np.eye(z.shape[1]) + (J * (p * (1 - p))[:, None]) @ np.swapaxes(J, 1, 2)


def log_weights_of(decoder: Network, x: Array, mu: Array, precision: Array, eps: Array, widen: float = 1.2) -> Array:
    """log [p(x | z) p(z) / r(z)] for z from r = N(mu, widen^2 precision^-1), a Gaussian with full covariance.

    The mean of the weights estimates p(x) without bias, for every r; the nearer r to the posterior, and never much
    narrower, the better. x (N, D), mu (N, K), precision (N, K, K), eps (S, N, K) -> (S, N).
    """
    require_rows(x=x, mu=mu, precision=precision)
    require_noise(eps, mu, samples=True)
    scale = widen * np.linalg.inv(np.linalg.cholesky(precision)).swapaxes(1, 2)  # scale scale^T = r's covariance
    log_det = np.log(np.diagonal(scale, axis1=1, axis2=2)).sum(axis=1)
    precise = np.result_type(x, np.float32)  # pixels may be whole numbers, codes never are

    def some(eps):
        z = mu + np.einsum("nij,snj->sni", scale, eps)
        log_ratio = 0.5 * np.sum(eps**2 - z**2, axis=-1) + log_det  # log p(z) - log r(z)
        return log_ratio - bernoulli_cross_entropy(x, mlp(decoder, z.astype(precise)))

    return in_parts(some, eps, x)
