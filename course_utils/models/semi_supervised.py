"""Learning from a few labelled and many unlabelled examples with a class-conditional VAE: model M2 of Kingma, Rezende,
Mohamed and Welling, "Semi-supervised learning with deep generative models", 2014.

Three networks: encoder [x, y] -> q(z | x, y), decoder [z, y] -> p(x | z, y), and a classifier x -> q(y | x).
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import autograd.numpy as np
from numpy.random import Generator

from course_utils.models.classifier import class_log_probs
from course_utils.models.conditional import cvae_elbo, one_hot
from course_utils.models.vae import binarise, init_vae
from course_utils.networks.arrays import Array, Network, require_examples, require_labels, require_one_shape
from course_utils.networks.nets import init_mlp
from course_utils.networks.optim import train


def m2_unlabelled_elbo(elbo_per_class: Array, q_y: Array) -> Array:
    """The lower bound on log p(x) of an example whose label nobody told: sum_c q(c | x) [L(x, c) - log q(c | x)].

    elbo_per_class (N, C): L(x, c), the bound on log p(x, y = c), with log p(y) in it; q_y (N, C), rows that sum to 1;
    0 log 0 = 0 -> (N,), in nats. (Kingma et al. 2014, eq. 7.)
    """
    elbo_per_class, q_y = np.asarray(elbo_per_class), np.asarray(q_y)
    require_one_shape(elbo_per_class=elbo_per_class, q_y=q_y)
    entropy = -q_y * np.log(np.where(q_y > 0, q_y, 1.0))
    return np.sum(q_y * elbo_per_class + entropy, axis=1)


def elbo_of_every_class(encoder: Network, decoder: Network, x: Array, C: int, eps: Array) -> Array:
    """L(x, c) for each class c, log p(y) = -log C included: (N, C). x (N, D), eps (C N, K), class 0's N rows first.

    All classes go through the networks as one batch of C N examples.
    """
    y = np.repeat(np.eye(C, dtype=x.dtype), len(x), axis=0)
    elbo = cvae_elbo(encoder, decoder, np.tile(x, (C, 1)), y, eps)
    return np.transpose(np.reshape(elbo, (C, len(x)))) - math.log(C)


def m2_train(
    x: Array,
    x_labelled: Array,
    y_labelled: Array,
    C: int,
    sizes: Sequence[int],
    hidden: Sequence[int],
    steps: int,
    rng: Generator,
    alpha: float = 10.0,
    batch_size: int = 64,
    step_size: float = 3e-3,
    callback: Callable[[int, tuple[Network, Network, Network], float], Any] | None = None,
) -> tuple[Network, Network, Network]:
    """Trains M2 and returns (encoder, decoder, classifier), float32.

    The loss of a step is, as means over examples, -U(x) of a minibatch of the unlabelled x (N, D), minus L(x, y) of
    the labelled ones weighted with their share M / N, plus alpha times their classification loss -log q(y | x)
    (Kingma et al. 2014, eq. 9). sizes = [D, H..., K] as in `cvae_train`; the classifier has layers [D, *hidden, C].
    """
    x = require_examples(x, sizes, black_to_white=True)
    x_labelled = require_examples(x_labelled, sizes, "x_labelled", black_to_white=True)
    y = one_hot(require_labels(y_labelled, C, len(x_labelled)), C).astype(np.float32)
    D, K = sizes[0], sizes[-1]
    share = len(x_labelled) / len(x)

    def batch_of(rows):
        noise = [rng.standard_normal((n, K), dtype=np.float32) for n in (C * len(rows), len(y))]
        grey = x[rows]
        return grey, binarise(grey, rng), binarise(x_labelled, rng), *noise

    def loss(params, batch):
        encoder, decoder, classifier = params
        grey, black_white, labelled, eps, eps_labelled = batch
        log_q = class_log_probs(classifier, grey)
        elbo = elbo_of_every_class(encoder, decoder, black_white, C, eps)
        unlabelled = np.sum(np.exp(log_q) * (elbo - log_q))  # m2_unlabelled_elbo, from the logarithms
        known = np.sum(cvae_elbo(encoder, decoder, labelled, y, eps_labelled))
        classified = np.sum(y * class_log_probs(classifier, x_labelled))
        return -unlabelled * (1 / len(grey)) - known * (share / len(y)) - classified * (alpha / len(y))

    start = (*init_vae(x.mean(axis=0), sizes, rng, labels=C), init_mlp([D, *hidden, C], rng))
    return train(loss, start, batch_of, len(x), steps, rng, batch_size, step_size, label="M2", callback=callback)
