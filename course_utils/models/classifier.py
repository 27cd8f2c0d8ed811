"""A network that says which class an example belongs to: its outputs are the logits of softmax probabilities."""

from collections.abc import Sequence

import autograd.numpy as np
from numpy.random import Generator

from course_utils.networks.arrays import Array, Network, require_examples, require_labels
from course_utils.networks.fast import softmax_cross_entropy
from course_utils.networks.nets import init_mlp, mlp
from course_utils.networks.optim import train


def log_softmax(logits: Array) -> Array:
    """log of the softmax, l_c - log sum_c' exp(l_c'), over the last axis; finite for any finite logits. (..., C)."""
    shifted = logits - np.max(logits, axis=-1, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=-1, keepdims=True))


def class_log_probs(classifier: Network, x: Array) -> Array:
    """log q(y | x) for every class, (..., C): the log softmax of the network's outputs. x (..., D)."""
    return log_softmax(mlp(classifier, x))


def predict(classifier: Network, x: Array) -> Array:
    """The most probable class of each example, integers (N,). x (N, D)."""
    return np.argmax(mlp(classifier, np.asarray(x, classifier[0][0].dtype)), axis=-1)


def classifier_train(
    x: Array,
    y: Array,
    sizes: Sequence[int],
    steps: int,
    rng: Generator,
    batch_size: int = 100,
    step_size: float = 2e-3,
) -> Network:
    """Trains a network with layers `sizes` = [D, H..., C] to maximise the mean of log q(y | x); returns it, float32.

    x (N, D), y (N,) integers 0..C-1. Adam takes `steps` minibatches, with tanh between the layers.
    """
    x = require_examples(x, sizes)
    targets = np.eye(sizes[-1], dtype=np.float32)[require_labels(y, sizes[-1], len(x))]

    def loss(params, rows):
        return np.sum(softmax_cross_entropy(targets[rows], mlp(params, x[rows]))) * (1 / len(rows))

    start = init_mlp(sizes, rng)
    return train(loss, start, lambda rows: rows, len(x), steps, rng, batch_size, step_size, label="classifier")
