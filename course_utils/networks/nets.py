"""Multilayer perceptrons as plain data: a network is a list of (W, b) with W (in, out)."""

from collections.abc import Callable, Sequence

import autograd.numpy as np
from numpy.random import Generator

from course_utils.networks.arrays import Array, Network
from course_utils.networks.fast import dense, dense_tanh


def init_mlp(sizes: Sequence[int], rng: Generator, dtype: type = np.float32) -> Network:
    """A network with layers of the given sizes, e.g. [784, 100, 2]: weights N(0, 1 / fan_in), biases 0.

    The scale keeps the variance of a layer's inputs and outputs about equal (LeCun et al. 1998, section 4.6).
    """
    if len(sizes) < 2 or min(sizes) < 1:
        raise ValueError(f"a network needs two sizes or more, all at least 1, but sizes = {list(sizes)} came")
    return [
        ((rng.normal(size=(n_in, n_out)) / np.sqrt(n_in)).astype(dtype), np.zeros(n_out, dtype))
        for n_in, n_out in zip(sizes[:-1], sizes[1:])
    ]


def mlp(params: Network, x: Array, activation: Callable[[Array], Array] = np.tanh) -> Array:
    """The network's output: h <- activation(h W + b) layer by layer, without activation after the last. x (..., in)."""
    wanted = np.shape(params[0][0])[:1]
    if np.shape(x)[-1:] != wanted:
        raise ValueError(f"the network takes {wanted[0]} numbers for each example, but x has shape {np.shape(x)}")
    h = x
    for W, b in params[:-1]:
        h = dense_tanh(h, W, b) if activation is np.tanh else activation(dense(h, W, b))
    return dense(h, *params[-1])


def beside(a: Array, y: Array) -> Array:
    """[a, y], the inputs of a network that is told y: a (..., N, A), y (N, C) -> (..., N, A + C), in the type of a."""
    if np.ndim(y) != 2 or np.shape(a)[-2:-1] != np.shape(y)[:1]:
        raise ValueError(f"y should be (N, C), a row for each of the N rows of {np.shape(a)}, but it has {np.shape(y)}")
    return np.concatenate([a, np.broadcast_to(y, (*a.shape[:-1], y.shape[-1])).astype(a.dtype)], axis=-1)


def count_parameters(params: Network) -> int:
    """How many numbers a network has."""
    return sum(W.size + b.size for W, b in params)
