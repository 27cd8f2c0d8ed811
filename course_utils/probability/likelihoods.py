"""Observation models: the log density of an example given what the decoder says about it.

Examples are rows; sums run over the last axis, the D dimensions. Everything is in nats, and differentiable by autograd.
"""

import math

import autograd.numpy as np

from course_utils.probability.expecting import Array, between_0_and_1, floats, positive, same_last_axis


def gaussian_log_prob(x: Array | float, mean: Array | float, eta: float | Array) -> Array:
    """log N(x; mean, eta I) = -||x - mean||^2 / (2 eta) - (D/2) log(2 pi eta).

    x (..., D), mean (..., D) -> (...); leading axes broadcast. eta > 0 is the *variance* of each dimension. Computed
    without the density itself, which underflows. (Bishop 2006, eq. 2.43.)
    """
    x, mean, eta = floats(x), floats(mean), floats(eta)
    D = same_last_axis(x=x, mean=mean)
    positive(eta=eta)
    log = math.log if isinstance(eta, float) else np.log  # numpy's would turn float32 gradients into float64
    return -0.5 * np.sum((x - mean) ** 2, axis=-1) / eta - 0.5 * D * log(2 * math.pi * eta)


def bernoulli_log_prob(x: Array, logits: Array) -> Array:
    """log p(x) of independent pixels with p(x_d = 1) = 1 / (1 + exp(-l_d)): sum_d [x_d l_d - log(1 + exp(l_d))].

    x (..., D) of 0 and 1, logits (..., D) -> (...). log(1 + exp(l)) is computed as logaddexp(0, l), finite for any
    finite l. For x between 0 and 1 this is minus the cross-entropy.
    """
    x, logits = floats(x), floats(logits)
    same_last_axis(x=x, logits=logits)
    between_0_and_1(x=x)
    return np.sum(x * logits - np.logaddexp(0, logits), axis=-1)
