"""Layers whose weights are random, as single nodes of autograd's tape: each weight has a Gaussian of its own.

A network is a list of (mu, log_sigma), both (in + 1, out): the last row belongs to the biases, which meet an input that
is always 1. Gradients have the type of the arrays that they belong to.
"""

from collections.abc import Sequence

import autograd.numpy as anp
import numpy as np
from autograd.extend import defvjp_argnums, primitive
from numpy.random import Generator

from course_utils.networks.arrays import Array, require_one_shape

RandomNetwork = list[tuple[Array, Array]]  # layer by layer (mu, log_sigma), both (in + 1, out)


@primitive
def noisy_dense(h: Array, mu: Array, log_sigma: Array, eps: Array, /) -> Array:
    """A sample of h W for W ~ N(mu, sigma^2), drawn at the outputs: h mu + sqrt(h^2 sigma^2) eps.

    h (N, I), mu, log_sigma (I, H), eps (N, H), standard normal, which is not differentiated -> (N, H). Each example has
    weights of its own. (Kingma, Salimans and Welling 2015, "Variational dropout and the local reparameterization
    trick".)
    """
    _check_layer(h, mu, log_sigma, eps)
    return h @ mu + np.sqrt((h * h) @ np.exp(2 * log_sigma)) * eps


def _check_layer(h, mu, log_sigma, eps):
    require_one_shape(mu=mu, log_sigma=log_sigma)
    if np.ndim(h) != 2 or np.ndim(mu) != 2 or h.shape[1] != mu.shape[0] or np.shape(eps) != (len(h), mu.shape[1]):
        raise ValueError(
            "expected h (N, I), mu and log_sigma (I, H) and eps (N, H), but they have shapes "
            f"{np.shape(h)}, {np.shape(mu)}, {np.shape(log_sigma)} and {np.shape(eps)}"
        )


def noisy_dense_vjp(argnums: Sequence[int], args: Sequence[Array], a_bar: Array) -> list[Array]:
    """The gradients of h, mu and log_sigma, given that of a = h mu + s eps with s^2 = v = h^2 sigma^2.

    v_bar = a_bar eps / (2 s), mu_bar = h^T a_bar, log_sigma_bar = 2 sigma^2 ((h^2)^T v_bar) and
    h_bar = a_bar mu^T + 2 h (v_bar (sigma^2)^T). Where h is 0 throughout, s is 0 and v_bar is taken as 0.
    """
    h, mu, log_sigma, eps = args
    a_bar = a_bar.astype(mu.dtype, copy=False)
    square, variance = h * h, np.exp(2 * log_sigma)
    s = np.sqrt(square @ variance)
    v_bar = a_bar * eps / (2 * np.where(s > 0, s, np.inf)).astype(mu.dtype, copy=False)
    rules = (
        lambda: a_bar @ mu.T + 2 * h * (v_bar @ variance.T),
        lambda: h.T @ a_bar,
        lambda: 2 * variance * (square.T @ v_bar),
    )
    return [rules[i]() for i in argnums]


defvjp_argnums(noisy_dense, lambda argnums, ans, args, _: lambda g: noisy_dense_vjp(argnums, args, g))


def noisy_layers(network: RandomNetwork, x: Array, eps: Sequence[Array]) -> tuple[Array, list[tuple[Array, Array]]]:
    """(outputs (N, C), [(h, s), ...]): `noisy_dense` layer after layer, tanh between, with the inputs h (N, in + 1) and
    the standard deviations s (N, out) of the outputs of each. x (N, D + 1), with its ones; eps [(N, out), ...]."""
    kept: list[tuple[Array, Array]] = []
    a = x
    for (mu, log_sigma), e in zip(network, eps, strict=True):
        h = with_ones(np.tanh(a)) if kept else x
        s = np.sqrt((h * h) @ np.exp(2 * log_sigma))
        a = h @ mu
        a += s * e
        kept.append((h, s))
    return a, kept


def noisy_gradients(
    network: RandomNetwork, kept: list[tuple[Array, Array]], eps: Sequence[Array], a_bar: Array
) -> RandomNetwork:
    """[(mu_bar, log_sigma_bar), ...] of all layers from that of the outputs of `noisy_layers`, (N, C), and what it
    kept: the rules of `noisy_dense_vjp`, and a_bar = (1 - h^2) h_bar at a tanh."""
    bars: list[tuple[Array, Array]] = []
    for (mu, log_sigma), (h, s), e in zip(network[::-1], kept[::-1], list(eps)[::-1], strict=True):
        variance = np.exp(2 * log_sigma)
        v_bar = a_bar * e
        v_bar /= np.maximum(2 * s, np.float32(1e-30))  # s is 0 where no variance is left to have a gradient
        bars.append((h.T @ a_bar, 2 * variance * ((h * h).T @ v_bar)))
        if len(bars) < len(network):
            h_bar = a_bar @ mu.T + 2 * h * (v_bar @ variance.T)
            a_bar = (h_bar - h_bar * h * h)[:, :-1]
    return bars[::-1]


def best_log_tau(mu: Array, log_sigma: Array) -> float:
    """log of the prior scale at which these weights are cheapest: tau^2 is the mean of mu^2 + sigma^2."""
    mu, sigma = np.ravel(mu), np.exp(np.ravel(log_sigma))
    return 0.5 * float(np.log((mu @ mu + sigma @ sigma) / mu.size))


@primitive
def layer_price(mu: Array, log_sigma: Array, /) -> float:
    """KL(q || N(0, tau^2)) of a layer's weights in nats, at the tau that is best for them: P log tau - sum log sigma.

    At tau^2 = mean(mu^2 + sigma^2) the other terms of the KL add up to 0. mu, log_sigma of one shape -> a number.
    """
    require_one_shape(mu=mu, log_sigma=log_sigma)
    return mu.size * best_log_tau(mu, log_sigma) - float(np.sum(log_sigma, dtype=float))


def layer_price_vjp(argnums: Sequence[int], args: Sequence[Array], g: float) -> list[Array]:
    """mu_bar = g mu / tau^2, log_sigma_bar = g (sigma^2 / tau^2 - 1): as if tau were fixed, for at the best tau the
    price's slope by it is 0."""
    mu, log_sigma = args
    scale, precision = (np.asarray(a, mu.dtype) for a in (g, np.exp(-2 * best_log_tau(mu, log_sigma))))
    rules = (lambda: scale * mu * precision, lambda: scale * (np.exp(2 * log_sigma) * precision - 1))
    return [rules[i]() for i in argnums]


defvjp_argnums(layer_price, lambda argnums, ans, args, _: lambda g: layer_price_vjp(argnums, args, g))


def with_ones(h: Array) -> Array:
    """h (..., I) with a last column of ones, which the biases meet -> (..., I + 1), in its type."""
    return anp.concatenate([h, np.ones((*np.shape(h)[:-1], 1), h.dtype)], axis=-1)


def count_weights(sizes: Sequence[int]) -> int:
    """How many weights and biases a network with layers of these sizes has."""
    return sum((n_in + 1) * n_out for n_in, n_out in zip(sizes[:-1], sizes[1:]))


def init_random(sizes: Sequence[int], rng: Generator, sigma: float = 0.05) -> RandomNetwork:
    """A network with layers of the given sizes, float32: means N(0, 1 / (4 fan_in)), all widths `sigma`.

    Narrow at first, so that the means can learn before the noise is turned up.
    """
    if len(sizes) < 2 or min(sizes) < 1 or not sigma > 0:
        raise ValueError(f"expected two sizes or more, all at least 1, and sigma > 0, but {list(sizes)}, {sigma} came")
    return [
        (
            (rng.normal(size=(n_in + 1, n_out)) / (2 * np.sqrt(n_in))).astype(np.float32),
            np.full((n_in + 1, n_out), np.log(sigma), np.float32),
        )
        for n_in, n_out in zip(sizes[:-1], sizes[1:])
    ]


def sample_weights(network: RandomNetwork, rng: Generator) -> list[Array]:
    """One draw of all weights, layer by layer W (in + 1, out): mu + sigma eps."""
    return [mu + np.exp(s) * rng.standard_normal(mu.shape, dtype=mu.dtype) for mu, s in network]


def forward(weights: Sequence[Array], x: Array) -> Array:
    """The outputs of a network with these weights (in + 1, out), tanh between layers. x (N, D) -> (N, out)."""
    h = x
    for W in weights[:-1]:
        h = anp.tanh(with_ones(h) @ W)
    return with_ones(h) @ weights[-1]
