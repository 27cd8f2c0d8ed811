"""The class-conditional variational autoencoder: the label y goes to the encoder and to the decoder, so that z need not
hold it (Kingma, Rezende, Mohamed and Welling 2014, section 2.1, with every label known).

Encoders take [x, y] and decoders [z, y], side by side, with y one-hot: networks of D + C and of K + C inputs.
"""

from collections.abc import Callable, Sequence
from typing import Any

import autograd.numpy as np
from numpy.random import Generator

from course_utils.models.vae import binarise, elbo_terms, encoder_forward, init_vae, vae_generate
from course_utils.networks.arrays import Array, Network, require_examples, require_labels
from course_utils.networks.nets import beside
from course_utils.networks.optim import train


def one_hot(y: Array, C: int) -> Array:
    """Rows of C numbers, 1.0 at the label's place and 0.0 elsewhere. y (N,) integers 0..C-1 -> (N, C)."""
    return np.eye(C)[require_labels(y, C)]


def cvae_elbo(encoder: Network, decoder: Network, x: Array, y: Array, eps: Array) -> Array:
    """The lower bound on log p(x | y), in nats: E_q[log p(x | z, y)] - KL(q(z | x, y) || p(z)).

    x (N, D) between 0 and 1, y (N, C) one-hot, standard normal eps (N, K) or (S, N, K) -> (N,).
    """
    reconstruction, kl = elbo_terms(encoder, decoder, x, eps, y)
    return reconstruction - kl


def cvae_train(
    x: Array,
    y: Array,
    C: int,
    sizes: Sequence[int],
    steps: int,
    rng: Generator,
    batch_size: int = 128,
    step_size: float = 4e-3,
    callback: Callable[[int, tuple[Network, Network], float], Any] | None = None,
) -> tuple[Network, Network]:
    """Trains encoder and decoder to maximise the mean over examples of the ELBO of log p(x | y): (encoder, decoder).

    sizes = [D, H..., K]: encoder D + C, H..., 2K, decoder K + C, ..., D. x (N, D) between 0 and 1, drawn to black and
    white afresh for every minibatch; y (N,) integers 0..C-1. Otherwise as `vae.vae_train`.
    """
    x = require_examples(x, sizes, black_to_white=True)
    y = one_hot(require_labels(y, C, len(x)), C).astype(np.float32)

    def batch_of(rows):
        return binarise(x[rows], rng), y[rows], rng.standard_normal((len(rows), sizes[-1]), dtype=np.float32)

    def loss(params, batch):
        return -np.sum(cvae_elbo(*params, *batch)) * (1 / len(batch[0]))

    start = init_vae(x.mean(axis=0), sizes, rng, labels=C)
    label = f"conditional VAE, K = {sizes[-1]}"
    return train(loss, start, batch_of, len(x), steps, rng, batch_size, step_size, label=label, callback=callback)


def style_grid(decoder: Network, label: int, C: int, zs: Array) -> Array:
    """The images that one label has for the codes zs (M, K): pixel probabilities (M, D)."""
    zs = np.asarray(zs)
    return vae_generate(decoder, beside(zs, one_hot(np.full(len(zs), label), C)))


def style_codes(encoder: Network, x: Array, y: Array, C: int) -> Array:
    """The mean of q(z | x, y), which is the style of each example. x (N, D), y (N,) integers -> (N, K)."""
    return encoder_forward(encoder, beside(np.asarray(x), one_hot(y, C)))[0]


def analogy(encoder: Network, decoder: Network, x: Array, y: Array, y_new: Array, C: int) -> Array:
    """Each x (N, D) with label y (N,) written as y_new (N,): z is the mean of q(z | x, y), and the decoder gets z with
    the new label. -> pixel probabilities (N, D)."""
    return vae_generate(decoder, beside(style_codes(encoder, x, y, C), one_hot(y_new, C)))


def fold_label(decoder: Network, label: int, C: int) -> Network:
    """The decoder of z alone that a fixed label leaves: [z, y] W + b = z W_z + (b + W_y), where W_y is the label's row.

    decoder with K + C inputs -> a network with K inputs and the same outputs.
    """
    (W, b), *rest = decoder
    K = len(W) - C
    if not 0 <= label < C or K < 1:
        raise ValueError(
            f"a label 0..{C - 1} and a decoder of K + {C} inputs are expected, but the label is {label} "
            f"and the decoder has {len(W)} inputs"
        )
    return [(W[:K], b + W[K + label]), *rest]
