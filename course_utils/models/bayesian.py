"""Classifiers whose weights are random, what their weights cost, and what they know that they do not know.

q gives each weight a Gaussian of its own; the prior of a layer is N(0, tau^2), with the tau that is best for it. The
bound of a training set is sum_n E_q[log p(y_n | x_n, w)] - KL(q || p). Networks are lists of (mu, log_sigma), see
`networks.random_weights`. (Hinton and van Camp 1993; Graves 2011; Blundell et al. 2015.)
"""

from collections.abc import Callable, Sequence
from typing import Any

import autograd.numpy as np
from numpy.random import Generator

from course_utils.models.classifier import log_softmax
from course_utils.networks.arrays import Array, require_examples, require_labels, require_one_shape, require_positive
from course_utils.networks.fast import softmax_cross_entropy, softmax_cross_entropy_vjp
from course_utils.networks.flat import arrays_of, untraced, with_gradients
from course_utils.networks.optim import cosine_decay, train
from course_utils.networks.random_weights import (
    RandomNetwork,
    best_log_tau,
    forward,
    init_random,
    layer_price,
    layer_price_vjp,
    noisy_dense,
    noisy_gradients,
    noisy_layers,
    sample_weights,
    with_ones,
)

LN2 = float(np.log(2))
WARM_UP = (
    0.3  # the share of the steps in which the KL's weight rises from 0: before, the data can make themselves heard
)


def weight_prices(mu: Array, log_sigma: Array, tau: float) -> Array:
    """What each weight costs: KL(N(mu, sigma^2) || N(0, tau^2)) in nats.

    log(tau / sigma) + (sigma^2 + mu^2) / (2 tau^2) - 1/2, entry by entry. mu, log_sigma of one shape, tau > 0, a
    standard deviation. (Hinton and van Camp 1993.)
    """
    require_one_shape(mu=mu, log_sigma=log_sigma)
    require_positive(tau, "tau, the prior's standard deviation,")
    return np.log(tau) - log_sigma + (np.exp(2 * log_sigma) + mu**2) / (2 * tau**2) - 0.5


def best_prior_scale(mu: Array, log_sigma: Array) -> float:
    """The tau at which the weights cost least in all: sqrt(mean(mu^2 + sigma^2)). mu, log_sigma of one shape."""
    require_one_shape(mu=mu, log_sigma=log_sigma)
    return float(np.exp(best_log_tau(mu, log_sigma)))


def local_reparameterization(h: Array, mu: Array, log_sigma: Array, eps: Array) -> Array:
    """A sample of h W for W ~ N(mu, sigma^2): h (N, I), mu, log_sigma (I, H), eps (N, H) -> (N, H).

    h mu + sqrt(h^2 sigma^2) eps; see `networks.random_weights.noisy_dense`, which it is.
    """
    return noisy_dense(h, mu, log_sigma, eps)


def predictive(logits: Array) -> Array:
    """The mean over S samples of the weights of the softmax probabilities: logits (S, N, C) -> (N, C)."""
    from scipy.special import softmax

    if np.ndim(logits) != 3:
        raise ValueError(f"logits should be (S, N, C), but they have shape {np.shape(logits)}")
    return np.mean(softmax(logits, axis=-1), axis=0)


def prequential_bits(log_probs: Array) -> float:
    """The length in bits of labels that are sent one after another: -sum_n log p(y_n | all before) / ln 2.

    log_probs (N,), natural logs. (Dawid 1984; Blier and Ollivier 2018, section 2.)
    """
    if np.ndim(log_probs) != 1:
        raise ValueError(f"log_probs should be (N,), but it has shape {np.shape(log_probs)}")
    return float(-np.sum(log_probs) / LN2)


def network_sample(
    network: RandomNetwork, x: Array, eps: Sequence[Array], layer: Callable[..., Array] = noisy_dense
) -> Array:
    """Logits (N, C) with weights of its own for each example: layer(h, mu, log_sigma, eps), tanh between. eps: a list
    of (N, out), one for each layer."""
    h = x
    for i, ((mu, log_sigma), e) in enumerate(zip(network, eps, strict=True)):
        h = layer(with_ones(np.tanh(h) if i else h), mu, log_sigma, e)
    return h


def loss_and_gradients(
    network: RandomNetwork, x: Array, targets: Array, eps: Sequence[Array], weight: float
) -> tuple[float, RandomNetwork]:
    """weight KL(q || p), at the best prior scales, plus the mean cross-entropy of `network_sample`'s logits, and its
    gradients [(mu_bar, log_sigma_bar), ...]. x (N, D + 1), with its ones, targets (N, C), eps [(N, out), ...].

    All written out: of networks as small as these, autograd's tape takes longer than the products.
    """
    logits, kept = noisy_layers(network, x, eps)
    errors = softmax_cross_entropy(targets, logits)
    logits_bar = softmax_cross_entropy_vjp(errors, targets, logits)(np.full(len(x), 1 / len(x), logits.dtype))
    bars = noisy_gradients(network, kept, eps, logits_bar)
    of_price = [layer_price_vjp((0, 1), part, weight) for part in network]
    value = weight * sum(layer_price(*part) for part in network) + float(np.mean(errors))
    return value, [(bar[0] + price[0], bar[1] + price[1]) for bar, price in zip(bars, of_price)]


def bayesian_train(
    x: Array,
    y: Array,
    sizes: Sequence[int],
    steps: int,
    rng: Generator,
    batch_size: int = 200,
    step_size: float = 2e-2,
    kl_weight: float = 1.0,
    layer: Callable[..., Array] = noisy_dense,
    callback: Callable[[int, RandomNetwork, float], Any] | None = None,
) -> RandomNetwork:
    """Trains q to maximise the bound of the N labels, each layer with the prior scale that is best for it.

    sizes = [D, H..., C], x (N, D), y (N,) whole numbers. Adam on minibatches of the bound by N: the KL is shared out
    among the examples. `layer(h, mu, log_sigma, eps)` draws a layer's outputs; `kl_weight` other than 1 is no bound any
    more (below 1: a "cold" posterior, Wenzel et al. 2020). Returns [(mu, log_sigma), ...], float32.
    """
    x = require_examples(x, sizes)
    targets = np.eye(sizes[-1], dtype=np.float32)[require_labels(y, sizes[-1], len(x))]
    N = len(x)

    shares = iter(np.minimum(1, np.linspace(0, 1 / WARM_UP, steps)))  # of the KL, batch by batch

    def batch_of(rows):
        return rows, [rng.standard_normal((len(rows), n), dtype=np.float32) for n in sizes[1:]], next(shares)

    def loss(network, batch):
        rows, eps, share = batch
        if layer is noisy_dense:
            parts = untraced([network])[0]
            known = loss_and_gradients(parts, with_ones(x[rows]), targets[rows], eps, float(share * kl_weight / N))
            return with_gradients(known[0], arrays_of([known[1]]), *arrays_of([network]))
        errors = softmax_cross_entropy(targets[rows], network_sample(network, x[rows], eps, layer))
        price = sum(layer_price(*part) for part in network)
        return float(share * kl_weight / N) * price + np.sum(errors) * (1 / len(rows))

    return train(
        loss,
        init_random(sizes, rng),
        batch_of,
        N,
        steps,
        rng,
        batch_size,
        step_size,
        cosine_decay,
        label=f"q of {sizes}",
        callback=callback,
    )


def sampled_logits(network: RandomNetwork, x: Array, rng: Generator, S: int) -> Array:
    """Logits (S, N, C) of S draws of all weights, each of them for all examples. x (N, D)."""
    x = np.asarray(x, network[0][0].dtype)
    return np.stack([forward(sample_weights(network, rng), x) for _ in range(S)])


def weight_bits(network: RandomNetwork) -> float:
    """What all weights cost in bits, layer by layer with the best prior scale."""
    return sum(layer_price(*part) for part in network) / LN2


def label_bits(logits: Array, y: Array) -> Array:
    """-log2 p(y_n | x_n, w_s), summed over the labels: logits (S, N, C), y (N,) -> (S,)."""
    log_probs = log_softmax(np.asarray(logits, float))
    return -np.take_along_axis(log_probs, np.asarray(y)[None, :, None], axis=2)[..., 0].sum(axis=1) / LN2


def description_bits(network: RandomNetwork, x: Array, y: Array, rng: Generator, S: int = 20) -> tuple[float, float]:
    """(bits of the weights, bits of the labels given the weights): together -F / ln 2, the length of the message that
    tells y to somebody who has x. The labels' part is the mean over S draws."""
    return weight_bits(network), float(np.mean(label_bits(sampled_logits(network, x, rng, S), y)))


def entropy(p: Array) -> Array:
    """-sum_c p_c log p_c over the last axis, in nats, with 0 log 0 = 0."""
    p = np.asarray(p)
    return -np.sum(p * np.log(np.where(p > 0, p, 1)), axis=-1)


def disagreement(logits: Array) -> Array:
    """How much the samples of the weights disagree about each example: the entropy of their mean prediction less the
    mean of their entropies, in nats. logits (S, N, C) -> (N,). (Houlsby et al. 2011, "BALD".)"""
    from scipy.special import softmax

    return entropy(predictive(logits)) - np.mean(entropy(softmax(logits, axis=-1)), axis=0)


def area_under_roc(negative: Array, positive: Array) -> float:
    """The probability that a positive's score is above a negative's, a tie counting half: 0.5 is chance."""
    scores = np.sort(np.asarray(negative))
    below, up_to = (np.searchsorted(scores, positive, side) for side in ("left", "right"))
    return float(np.mean(below + up_to) / (2 * len(scores)))
