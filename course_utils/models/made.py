"""Autoregressive models: p(x) = prod_d p(x_d | the dimensions before it), all D factors from one masked network (MADE).

For real numbers each factor is a mixture of M Gaussians, for pixels of 0 and 1 a logit. A model is (params, masks),
with the masks of `made_masks`: [D, H..., D]; the last layer has 3 M outputs, or one, for each dimension.
(Germain et al. 2015; Uria et al. 2013.)
"""

from collections.abc import Callable, Sequence
from typing import Any

import autograd.numpy as anp
import numpy as np
from numpy.random import Generator

from course_utils.models.vae import binarise
from course_utils.networks.arrays import Array, Network, require_examples
from course_utils.networks.fast import bernoulli_cross_entropy, sigmoid
from course_utils.networks.masked import masked_mlp
from course_utils.networks.mixture_outputs import mixture_log_densities, mixture_nll, mixture_sample
from course_utils.networks.nets import init_mlp
from course_utils.networks.optim import cosine_decay, train

Masked = tuple[Network, list[Array]]


def sizes_of(masks: Sequence[Array]) -> list[int]:
    """[D, H..., D], the layers that masks are for."""
    return [len(masks[0]), *(np.shape(mask)[1] for mask in masks)]


def trembling(x: Array, rows: Array, noise: float, rng: Generator) -> Array:
    """The examples of these rows with fresh Gaussian noise of standard deviation `noise`, float32: data that were
    rounded become a density. (Uria et al. 2013, section 4, add noise of the rounding's width.)"""
    return x[rows] + np.float32(noise) * rng.standard_normal((len(rows), x.shape[1]), dtype=np.float32)


def init_made(x: Array, masks: Sequence[Array], components: int, rng: Generator) -> Masked:
    """(params, masks) before training: hardly any dependence, and the components spread over each dimension's data."""
    sizes, M = sizes_of(masks), components
    D = sizes[0]
    params = init_mlp([*sizes[:-1], 3 * M * D], rng)
    first = [np.asarray(mask, np.float32) for mask in masks[:-1]]
    spread = np.quantile(x, (np.arange(M) + 0.5) / M, axis=0)  # (M, D)
    width = np.log(np.std(x, axis=0) / np.sqrt(M))
    bias = np.stack([np.zeros((M, D)), spread, np.tile(width, (M, 1))])
    params[-1] = (0.1 * params[-1][0], bias.reshape(-1).astype(np.float32))
    W, b = params[0]
    params[0] = (W, b - (x.mean(axis=0) @ (W * first[0])).astype(np.float32))
    return params, [*first, np.tile(np.asarray(masks[-1], np.float32), 3 * M)]


def made_log_prob(model: Masked, x: Array) -> Array:
    """log p(x) of real x (N, D), exactly, in one pass -> (N,), in nats."""
    return np.sum(made_log_factors(model, x), axis=1)


def made_log_factors(model: Masked, x: Array) -> Array:
    """log p(x_d | the dimensions before it), (N, D), whose rows sum to log p(x)."""
    return mixture_log_densities(masked_mlp(*model, np.asarray(x, np.float32)), np.asarray(x, np.float32))


def made_train(
    x: Array,
    masks: Sequence[Array],
    steps: int,
    rng: Generator,
    components: int = 10,
    noise: float = 0.0,
    batch_size: int = 256,
    step_size: float = 5e-3,
    callback: Callable[[int, Any, float], Any] | None = None,
) -> Masked:
    """Trains a MADE with these masks on real x (N, D) to maximise the mean log p(x).

    `components` Gaussians for each factor; `noise` is that of `trembling`.
    """
    x = require_examples(x, sizes_of(masks))
    params, masks = init_made(x, masks, components, rng)

    def loss(params, batch):
        return anp.sum(mixture_nll(masked_mlp(params, masks, batch), batch)) * np.float32(1 / len(batch))

    def batch_of(rows):
        return trembling(x, rows, noise, rng)

    options: dict[str, Any] = {"label": "MADE", "callback": callback, "schedule": cosine_decay}
    return train(loss, params, batch_of, len(x), steps, rng, batch_size, step_size, **options), masks


def made_sample(
    model: Masked, order: Sequence[int], u: Array, eps: Array, x: Array | None = None, given: int = 0
) -> Array:
    """Samples (N, D), one dimension at a time in the order of the masks: D passes through the network.

    u uniform and eps normal, (N, D) each. With x (N, D) the first `given` dimensions in the order are taken from it,
    and the rest is drawn: a completion of what has begun.
    """
    made = np.zeros(np.shape(u), np.float32) if x is None else np.array(x, np.float32)
    for d in np.argsort(order)[given:]:
        out = masked_mlp(*model, made)
        made[:, d] = mixture_sample(out, u, eps)[:, d]
    return made


# pixels of 0 and 1 --------------------------------------------------------------------------------------------------


def made_logits(model: Masked, x: Array) -> Array:
    """Logits (N, D) of p(x_d = 1 | the pixels before it), for pixels x (N, D)."""
    return masked_mlp(*model, np.asarray(x, np.float32))


def made_binary_train(
    x: Array, masks: Sequence[Array], steps: int, rng: Generator, batch_size: int = 128, step_size: float = 3e-3
) -> Masked:
    """Trains a MADE on grey values x (N, D), which are drawn to 0 and 1 afresh for every minibatch."""
    x = require_examples(x, sizes_of(masks), black_to_white=True)
    masks = [np.asarray(mask, np.float32) for mask in masks]
    params = init_mlp(sizes_of(masks), rng)
    p = np.clip(x.mean(axis=0), 1 / 510, 1 - 1 / 510)
    params[-1] = (params[-1][0], np.log(p / (1 - p)).astype(np.float32))

    def loss(params, batch):
        cross_entropy = bernoulli_cross_entropy(batch, masked_mlp(params, masks, batch))
        return anp.sum(cross_entropy) * np.float32(1 / len(batch))

    def batch_of(rows):
        return binarise(x[rows], rng)

    options: dict[str, Any] = {"label": "MADE of pixels", "schedule": cosine_decay}
    return train(loss, params, batch_of, len(x), steps, rng, batch_size, step_size, **options), masks


def autoregressive_sample(logits: Callable[[Array], Array], u: Array) -> Array:
    """Samples (N, D) of 0 and 1, dimension by dimension from 0 to D - 1: x_d = 1 where u_d < sigmoid(logits(x)_d).

    logits(x (N, D)) -> (N, D), whose column d looks at x[:, :d] alone; u (N, D) uniform between 0 and 1.
    """
    u = np.asarray(u)
    x = np.zeros(u.shape)
    for d in range(u.shape[1]):
        x[:, d] = u[:, d] < sigmoid(np.asarray(logits(x))[:, d])
    return x
