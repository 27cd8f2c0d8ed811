"""The variational autoencoder: p(z) = N(0, I), Bernoulli pixels p(x | z) and q(z | x) = N(mu, diag(sigma^2)), where
networks compute the pixels' logits from z, and (mu, log sigma) from x (Kingma and Welling 2014)."""

from collections.abc import Callable, Sequence
from typing import Any

import autograd.numpy as np
from numpy.random import Generator

from course_utils.networks.arrays import Array, Network, require_examples, require_matrix, require_noise, require_rows
from course_utils.networks.fast import bernoulli_cross_entropy, gaussian_kl, gaussian_sample, sigmoid
from course_utils.networks.nets import beside, init_mlp, mlp
from course_utils.networks.optim import train
from course_utils.probability.bounds import iwae_bound
from course_utils.probability.gaussians import diagonal_gaussian_log_prob

PIXELS = 2**21  # that are decoded at a time: 8 MB in float32, little enough for the processor's cache to help


def encoder_forward(params: Network, x: Array) -> tuple[Array, Array]:
    """(mu, log_sigma) of q(z | x), each (N, K): the two halves of the network's output. x (N, D)."""
    mu, log_sigma = np.split(mlp(params, x), 2, axis=-1)
    return mu, log_sigma


def elbo_terms(encoder: Network, decoder: Network, x: Array, eps: Array, y: Array | None = None) -> tuple[Array, Array]:
    """(reconstruction, KL), each (N,): E_q[log p(x | z)], as the mean over the samples in eps, and KL(q || p(z)).

    x (N, D) between 0 and 1, eps (N, K) or (S, N, K). With one-hot labels y (N, C) the networks take [x, y] and [z, y]:
    then the terms are those of the bound on log p(x | y).
    """
    mu, log_sigma = encoder_forward(encoder, x if y is None else beside(x, y))
    require_noise(eps, mu)
    z = gaussian_sample(mu, log_sigma, eps)
    log_p = -bernoulli_cross_entropy(x, mlp(decoder, z if y is None else beside(z, y)))
    return (log_p if log_p.ndim == 1 else np.mean(log_p, axis=0)), gaussian_kl(mu, log_sigma)


def vae_elbo(encoder: Network, decoder: Network, x: Array, eps: Array) -> Array:
    """The lower bound on log p(x), in nats: E_q[log p(x | z)] - KL(q(z | x) || p(z)), with the KL in closed form.

    x (N, D) between 0 and 1, standard normal eps (N, K) or (S, N, K), over whose samples the mean is taken -> (N,).
    """
    reconstruction, kl = elbo_terms(encoder, decoder, x, eps)
    return reconstruction - kl


def vae_generate(decoder: Network, z: Array) -> Array:
    """Pixel probabilities sigmoid(logits) of codes z (..., K) -> (..., D)."""
    return sigmoid(mlp(decoder, z))


def in_parts(f: Callable[[Array], Array], eps: Array, x: Array) -> Array:
    """f(eps) of noise (S, N, K), some samples at a time -> (S, N), so that no array of S N D pixels is ever made."""
    samples = max(1, PIXELS // x.size)
    return np.concatenate([f(eps[start : start + samples]) for start in range(0, len(eps), samples)])


def log_weights(decoder: Network, x: Array, mu: Array, log_sigma: Array, eps: Array) -> Array:
    """log w = log p(x | z) + log p(z) - log q(z) for z = mu + sigma eps: the mean of w estimates p(x) without bias.

    x (N, D), mu and log_sigma (N, K), eps (S, N, K) -> (S, N).
    """

    require_rows(x=x, mu=mu)
    require_noise(eps, mu, samples=True)

    def some(eps):
        z = mu + np.exp(log_sigma) * eps
        log_p = -bernoulli_cross_entropy(x, mlp(decoder, z)) + diagonal_gaussian_log_prob(z, 0 * mu, 0 * mu)
        return log_p - diagonal_gaussian_log_prob(z, mu, log_sigma)

    return in_parts(some, eps, x)


def vae_log_likelihood(encoder: Network, decoder: Network, x: Array, eps: Array) -> Array:
    """log p(x) estimated by importance sampling from q(z | x): log of the mean of the S weights, (N,), in nats.

    In expectation a lower bound on log p(x), for every S, which rises with S (Burda et al. 2016, theorem 1).
    x (N, D), eps (S, N, K).
    """
    return iwae_bound(log_weights(decoder, x, *encoder_forward(encoder, x), eps))


def active_units(mu: Array) -> int:
    """How many of the K latents say something about x: those whose mean varies over the data by more than 0.01.

    mu (N, K), the means of q(z | x_n); the variance is taken over the N examples -> int. (Burda et al. 2016,
    section 5.2.)
    """
    require_matrix(mu, "mu")
    return int(np.sum(np.var(np.array(mu), axis=0) > 0.01))


def init_vae(mean: Array, sizes: Sequence[int], rng: Generator, labels: int = 0) -> tuple[Network, Network]:
    """(encoder, decoder) before training. sizes = [D, H..., K]; the decoder mirrors it; `labels` more inputs for both.

    mean (D,) is that of the data: the encoder's first layer subtracts it, and the decoder's last bias is its logit.
    With no more than this bias, the decoder would be the best model that ignores z. The random weights before it spoil
    that a little: on MNIST training starts at about -220 nats, where the bias alone would have -206.
    """
    D, K = sizes[0], sizes[-1]
    if np.shape(mean) != (D,):
        raise ValueError(f"mean should be ({D},) for sizes = {list(sizes)}, but it has shape {np.shape(mean)}")
    encoder = init_mlp([D + labels, *sizes[1:-1], 2 * K], rng)
    decoder = init_mlp([K + labels, *sizes[-2::-1]], rng)
    (W, b), (V, _) = encoder[0], decoder[-1]
    encoder[0] = (W, b - (mean @ W[:D]).astype(W.dtype))
    p = np.clip(mean, 1 / 510, 1 - 1 / 510)  # half a grey level away from certainty
    decoder[-1] = (V, np.log(p / (1 - p)).astype(V.dtype))
    return encoder, decoder


def with_gaussian_prior(encoder: Network, decoder: Network, x: Array, sigma: float) -> tuple[Network, Network]:
    """An ordinary autoencoder as a model that `vae_elbo` can judge: (encoder, decoder) with N(0, I) for its prior.

    Its codes c of x (N, D) are the first half of the encoder's outputs. The Gaussian N(m, A A^T) that fits them becomes
    the prior by another choice of coordinates, c = m + A z, which goes into the weights: no picture is reconstructed in
    another way. q(z | x) is N(z of x, sigma^2 I), the same width for all. (Ghosh et al. 2020 fit such densities.)
    """
    codes, _ = encoder_forward(encoder, x)
    (V, c), (W, b) = encoder[-1], decoder[0]
    K = codes.shape[1]
    m, A = np.mean(codes, axis=0), np.linalg.cholesky(np.atleast_2d(np.cov(codes.T)))
    to_z = np.linalg.inv(A).T
    mu_and_log_sigma = np.append((c[:K] - m) @ to_z, np.full(K, np.log(sigma)))
    last = (np.hstack([V[:, :K] @ to_z, np.zeros((len(V), K))]), mu_and_log_sigma)
    first = (A.T @ W, b + m @ W)
    kind = W.dtype  # float32, as the other layers: numpy's decompositions may have made it float64
    last, first = (tuple(np.asarray(part, kind) for part in layer) for layer in (last, first))
    return [*encoder[:-1], last], [first, *decoder[1:]]


def binarise(x: Array, rng: Generator) -> Array:
    """Black and white pixels, each 1 with the probability that is its grey value. x between 0 and 1, float32."""
    return (rng.random(x.shape, dtype=np.float32) < x).astype(np.float32)


def vae_train(
    x: Array,
    sizes: Sequence[int],
    steps: int,
    rng: Generator,
    batch_size: int = 128,
    step_size: float = 4e-3,
    kl_weight: float = 1.0,
    callback: Callable[[int, tuple[Network, Network], float], Any] | None = None,
) -> tuple[Network, Network]:
    """Trains encoder and decoder to maximise the mean over examples of the ELBO. Returns (encoder, decoder), float32.

    sizes = [D, H..., K]: encoder D, H..., 2K, decoder K, ..., D, tanh between layers. x (N, D) between 0 and 1: grey
    values are drawn to black and white afresh for every minibatch (Burda et al. 2016, section 5). Adam takes `steps`
    minibatches. `kl_weight` other than 1 multiplies the KL term: then it is no longer the ELBO that rises.
    `callback(t, (encoder, decoder), loss)`, if given, is called after every update.
    """
    x = require_examples(x, sizes, black_to_white=True)

    def batch_of(rows):
        return binarise(x[rows], rng), rng.standard_normal((len(rows), sizes[-1]), dtype=np.float32)

    def loss(params, batch):
        reconstruction, kl = elbo_terms(*params, *batch)
        return np.sum(kl_weight * kl - reconstruction) * (1 / len(kl))  # np.mean's gradient would be float64

    start = init_vae(x.mean(axis=0), sizes, rng)
    label = f"VAE, K = {sizes[-1]}"
    return train(loss, start, batch_of, len(x), steps, rng, batch_size, step_size, label=label, callback=callback)
