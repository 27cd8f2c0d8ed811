"""Reversible models: x and z are the same number of numbers, and each is a function of the other (RealNVP).

A coupling leaves the dimensions of a mask as they are, and scales and shifts the others by what a network makes of
those: whatever the network, this can be undone, and the log determinant of its Jacobian is a sum.
(Dinh, Sohl-Dickstein and Bengio 2017, "Density estimation using Real NVP".)
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import autograd.numpy as anp
import numpy as np
from numpy.random import Generator

from course_utils.models.made import trembling
from course_utils.networks.arrays import Array, Network, require_examples
from course_utils.networks.fast import tanh_gradients, tanh_layers
from course_utils.networks.flat import arrays_of, untraced, with_gradients
from course_utils.networks.nets import init_mlp, mlp
from course_utils.networks.optim import cosine_decay, train

Map = Callable[[Array], Array]
REACH = 2.0  # a coupling of `flow_train` stretches by at most e^2


def coupling_forward(x: Array, mask: Array, s: Map, t: Map) -> tuple[Array, Array]:
    """(z, log_det): z = m x + (1 - m) (x exp(s(m x)) + t(m x)), and log |det dz/dx| = sum_d (1 - m_d) s(m x)_d, (N,).

    x (N, D), mask m (D,) of 0 and 1; s and t are functions (N, D) -> (N, D). (Dinh et al. 2017, eq. 7 to 9.)
    """
    kept = mask * x
    scale = (1 - mask) * s(kept)
    return kept + (1 - mask) * (x * anp.exp(scale) + t(kept)), anp.sum(scale, axis=1)


def coupling_inverse(z: Array, mask: Array, s: Map, t: Map) -> Array:
    """The x (N, D) whose `coupling_forward` is z: m z + (1 - m) (z - t(m z)) exp(-s(m z))."""
    kept = mask * z
    return kept + (1 - mask) * (z - t(kept)) * anp.exp(-(1 - mask) * s(kept))


class Flow(NamedTuple):
    """z = couplings(... ((x - mean) / scale)): mean and scale (D,), masks (L, D), L networks D -> 2 D.

    The first half of a network's output is s before REACH tanh(./REACH), the second half is t.
    """

    mean: Array
    scale: Array
    masks: Array
    networks: list[Network]

    def couplings(self) -> list[tuple[Array, Map, Map]]:
        """[(mask, s, t), ...] in the order from x to z, s and t as functions (N, D) -> (N, D).

        Each pair keeps its network's last output, so that s and t of the same array take one pass.
        """
        return [(mask, *halves(network, len(self.mean))) for mask, network in zip(self.masks, self.networks)]


def halves(network: Network, D: int) -> tuple[Map, Map]:
    """s and t of a network D -> 2 D, functions (N, D) -> (N, D); what they return is the caller's to change."""
    last_h, last_out = np.empty(0), np.empty(0)

    def output(h):
        nonlocal last_h, last_out
        h = np.asarray(h)
        if h.dtype != last_h.dtype or not np.array_equal(h, last_h):
            last_h, last_out = h.copy(), mlp(network, h)
        return last_out

    def s(h):
        return REACH * np.tanh(output(h)[:, :D] / REACH)

    def t(h):
        return output(h)[:, D:].copy()

    return s, t


def flow_forward(flow: Flow, x: Array) -> tuple[Array, Array]:
    """(z, log_det) of x (N, D): z (N, D) and log |det dz/dx| (N,)."""
    z, log_det = (x - flow.mean) / flow.scale, -np.sum(np.log(flow.scale))
    for mask, s, t in flow.couplings():
        z, more = coupling_forward(z, mask, s, t)
        log_det = log_det + more
    return z, log_det


def flow_log_prob(flow: Flow, x: Array) -> Array:
    """log p(x) = log N(z; 0, I) + log |det dz/dx|, exactly -> (N,), in nats."""
    z, log_det = flow_forward(flow, x)
    return log_det - 0.5 * np.sum(z * z, axis=1) - 0.5 * z.shape[1] * float(np.log(2 * np.pi))


def flow_path(flow: Flow, z: Array) -> list[Array]:
    """z on its way to x: [z, after the last coupling undone, ..., x], each (N, D), all in the units of x."""
    steps = [z]
    for mask, s, t in reversed(flow.couplings()):
        steps.append(coupling_inverse(steps[-1], mask, s, t))
    return [step * flow.scale + flow.mean for step in steps]


def flow_inverse(flow: Flow, z: Array) -> Array:
    """The x (N, D) of z (N, D): a sample, where z is one of N(0, I). One pass."""
    return flow_path(flow, z)[-1]


def alternating_masks(D: int, layers: int) -> Array:
    """(layers, D) masks of 0 and 1, in pairs that keep one half and the other: every second dimension, every second
    pair, the first half, every second four, and again."""
    d = np.arange(D)
    halves = [d % 2, d // 2 % 2, (d >= D / 2) * 1, d // 4 % 2]
    halves = [half for half in halves if 0 < half.sum() < D]
    masks = [halves[i // 2 % len(halves)] if i % 2 else 1 - halves[i // 2 % len(halves)] for i in range(layers)]
    return np.array(masks, np.float32)


def loss_and_gradients(networks: list[Network], masks: Array, z: Array) -> tuple[float, list[Network]]:
    """The mean over the examples of |z_L|^2 / 2 - log_det, where z_L and log_det are those of all couplings in a row,
    from standardised examples z (N, D), and its gradients by the networks.

    Written out, for half of the time of a tape: with scale = (1 - m) REACH tanh(a_s / REACH) of a network's output
    (a_s, a_t) = a(m z), a coupling is z <- z exp(scale) + (1 - m) a_t, and log_det grows by the sum of its scale.
    """
    D, share = z.shape[1], np.float32(1 / len(z))
    kept, log_det = [], 0.0
    for mask, network in zip(masks, networks):
        layers = tanh_layers(network, mask * z)
        squashed = np.tanh(layers[-1][:, :D] / REACH)
        scale = (1 - mask) * (REACH * squashed)
        stretch = np.exp(scale)
        kept.append((z, layers, squashed, stretch))
        log_det += float(np.sum(scale))
        z = z * stretch + (1 - mask) * layers[-1][:, D:]
    value, z_bar, gradients = (0.5 * float(np.sum(z * z)) - log_det) * float(share), share * z, []
    for mask, network, (z, layers, squashed, stretch) in zip(masks[::-1], networks[::-1], kept[::-1]):
        z_bar, bar = z_bar * stretch, np.concatenate([z_bar, z_bar], axis=1) * np.tile(1 - mask, 2)
        bar[:, :D] = (1 - mask) * (z_bar * z - share) * (1 - squashed * squashed)
        gradient, of_kept = tanh_gradients(network, layers, bar)
        z_bar += mask * of_kept
        gradients.append(gradient)
    return value, gradients[::-1]


def flow_train(
    x: Array,
    masks: Iterable[Array],
    hidden: list[int],
    steps: int,
    rng: Generator,
    noise: float = 0.0,
    batch_size: int = 256,
    step_size: float = 5e-3,
    callback: Callable[[int, Any, float], Any] | None = None,
) -> Flow:
    """Trains a flow with these masks (L, D) on x (N, D) to maximise the mean log p(x); `hidden` are the layers of each
    coupling's network, `noise` that of `trembling`. It starts as (x - mean) / scale."""
    masks = np.array(list(masks), np.float32)
    D = masks.shape[1]
    x = require_examples(x, [D])
    mean, scale = x.mean(axis=0), np.sqrt(x.var(axis=0) + np.float32(noise**2))
    start = [init_mlp([D, *hidden, 2 * D], rng) for _ in masks]
    start = [[*network[:-1], (0.01 * network[-1][0], network[-1][1])] for network in start]

    def loss(networks, z):
        value, gradients = loss_and_gradients(untraced(networks), masks, z)
        return with_gradients(value + constant, arrays_of(gradients), *arrays_of(networks))

    def batch_of(rows):
        return (trembling(x, rows, noise, rng) - mean) / scale

    constant = float(np.sum(np.log(scale)) + 0.5 * D * np.log(2 * np.pi))
    options = {"label": "flow", "callback": callback, "schedule": cosine_decay}
    networks = train(loss, start, batch_of, len(x), steps, rng, batch_size, step_size, **options)
    return Flow(mean, scale, masks, networks)
