"""Networks and tables that are the same to the last bit on every machine, for those who code on one and decode on
another.

Sums of floating-point numbers depend on the order in which a machine's matrix product takes them. Here no sum is
rounded: weights are multiples of 2^-16 and activations of 2^-12, so that every partial sum is a multiple of 2^-28, and
below 2^24 float64 holds those exactly. tanh, exp, the sigmoid and the normal distribution are computed at points of a
grid and rounded; at no point of the grid is their value so near to a tie that the last digits of a machine's library
could decide (a test goes through all of them).
"""

import numpy as np

from course_utils.networks.arrays import Array, Network

WEIGHT, ACTIVATION, OUTPUT, INNER = 16, 12, 10, 8  # binary places: of weights, activations, outputs, inside of tanh
MOST_LOGIT, LEAST_LOG_SIGMA, MOST_LOG_SIGMA = 14.0, -6.0, 2.0
EDGE, STANDARD, MOST_STANDARD = 14, 14, 8.0  # binary places of buckets' edges and of (z - mu) / sigma, and its range
PIXEL_PRECISION, LATENT_PRECISION, BUCKET_BITS = 20, 24, 12


def rounded(a: Array, places: int) -> Array:
    """The nearest multiples of 2^-places, in float64."""
    return np.ldexp(np.rint(np.ldexp(np.asarray(a, float), places)), -places)


def exact_network(params: Network) -> Network:
    """The network with its weights rounded to multiples of 2^-16, in float64."""
    layers = [(rounded(W, WEIGHT), rounded(b, WEIGHT)) for W, b in params]
    if any(np.abs(W).sum(axis=0).max() * 16 + np.abs(b).max() >= 2.0**24 for W, b in layers):
        raise ValueError("weights this large leave no room for exact sums")
    return layers


def exact_mlp(params: Network, x: Array) -> Array:
    """`nets.mlp` of an exact network, rounded to multiples of 2^-10; the same on every machine.

    x (..., in) are multiples of 2^-12 below 16, as pixels and the buckets' middles are; inside, tanh sees multiples of
    2^-8.
    """
    h = np.asarray(x, float)
    for W, b in params[:-1]:
        h = rounded(np.tanh(rounded(h @ W + b, INNER)), ACTIVATION)
    W, b = params[-1]
    return rounded(h @ W + b, OUTPUT)


def pixel_frequencies(logits: Array) -> Array:
    """How many of 2^20 slots a pixel's 1 has, 1 / (1 + exp(-logit)) of them, at least one, as has its 0."""
    from scipy.special import expit

    p = expit(np.clip(logits, -MOST_LOGIT, MOST_LOGIT))
    return np.clip(np.rint(np.ldexp(p, PIXEL_PRECISION)), 1, (1 << PIXEL_PRECISION) - 1).astype(np.int64)


def bucket_middles() -> Array:
    """The middles of 2^12 buckets of equal mass under N(0, 1), as multiples of 2^-12: what the decoder sees of z."""
    from scipy.special import ndtri

    n = 1 << BUCKET_BITS
    return rounded(ndtri((np.arange(n) + 0.5) / n), ACTIVATION)


def bucket_edges() -> Array:
    """Their 2^12 + 1 edges, as multiples of 2^-14; the first and the last stand in for infinity."""
    from scipy.special import ndtri

    n = 1 << BUCKET_BITS
    inner = rounded(ndtri(np.arange(1, n) / n), EDGE)
    return np.concatenate([[-(2.0**20)], inner, [2.0**20]])


def posterior_starts(index: Array, mu: Array, log_sigma: Array, edges: Array) -> Array:
    """Where bucket `index` starts among 2^24 slots under N(mu, sigma^2), (n,): index + (2^24 - 2^12) Phi.

    index (n,) from 0 to 2^12, mu and log_sigma (n,), multiples of 2^-10.
    """
    precision = rounded(np.exp(-np.clip(log_sigma, LEAST_LOG_SIGMA, MOST_LOG_SIGMA)), OUTPUT)  # 1 / sigma
    standard = np.clip((edges[index] - mu) * precision, -MOST_STANDARD, MOST_STANDARD)
    return index + normal_slots(rounded(standard, STANDARD))


def normal_slots(t: Array) -> Array:
    """(2^24 - 2^12) Phi(t), rounded; 0 and 2^24 - 2^12 at the ends of the range of t."""
    from scipy.special import ndtr

    slots = (1 << LATENT_PRECISION) - (1 << BUCKET_BITS)
    found = np.rint(slots * ndtr(t)).astype(np.int64)
    return np.where(t <= -MOST_STANDARD, 0, np.where(t >= MOST_STANDARD, slots, found))
