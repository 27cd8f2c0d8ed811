"""A VAE of real numbers: p(z) = N(0, I), p(x | z) = N(x; G(z), eta I) with a trained eta, and
q(z | x) = N(mu, diag(sigma^2)).

A model is (encoder, decoder, log_eta), networks as in `vae` and an array (1,). (Kingma and Welling 2014, appendix C.2,
where the variance is an output of the network.)
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from autograd.extend import defvjp, primitive
from autograd.tracer import getval
from numpy.random import Generator

from course_utils.models.made import trembling
from course_utils.models.vae import encoder_forward
from course_utils.networks.arrays import Array, Network, require_examples, require_noise
from course_utils.networks.fast import gaussian_kl, gaussian_sample, tanh_gradients, tanh_layers
from course_utils.networks.flat import arrays_of, untraced, with_gradients
from course_utils.networks.nets import init_mlp, mlp
from course_utils.networks.optim import cosine_decay, train
from course_utils.probability.bounds import iwae_bound

Model = tuple[Network, Network, Array]


@primitive
def gaussian_nll(x: Array, mean: Array, log_eta: Array, /) -> Array:
    """-log N(x; mean, eta I) = ||x - mean||^2 / (2 eta) + D/2 log(2 pi eta), in nats.

    x (N, D), not differentiated, mean (..., N, D), log_eta (1,) -> (..., N).
    """
    error = x - mean
    return np.sum(error * error, axis=-1) * (0.5 * np.exp(-log_eta[0])) + 0.5 * x.shape[-1] * (
        log_eta[0] + float(np.log(2 * np.pi))
    )


def _nll_vjp_mean(ans, x, mean, log_eta):
    return lambda g: g.astype(mean.dtype, copy=False)[..., None] * (mean - x) * np.exp(-log_eta[0])


def _nll_vjp_log_eta(ans, x, mean, log_eta):
    def gradient(g):
        squared = np.sum((x - mean) ** 2, axis=-1)
        return np.sum(g * 0.5 * (x.shape[-1] - squared * np.exp(-log_eta[0])), keepdims=True).reshape(1)

    return gradient


defvjp(gaussian_nll, _nll_vjp_mean, _nll_vjp_log_eta, argnums=[1, 2])


def gaussian_vae_terms(model: Model, x: Array, eps: Array) -> tuple[Array, Array]:
    """(reconstruction, KL), each (N,): log p(x | z) at the sample z = mu + sigma eps, and KL(q || p(z)).

    x (N, D), eps (N, K). The ELBO is the first less the second.
    """
    encoder, decoder, log_eta = model
    mu, log_sigma = encoder_forward(encoder, x)
    require_noise(eps, mu)
    return -gaussian_nll(x, mlp(decoder, gaussian_sample(mu, log_sigma, eps)), log_eta), gaussian_kl(mu, log_sigma)


def loss_and_gradients(model: Model, x: Array, eps: Array) -> tuple[float, list[Network], Array]:
    """(the mean of KL - reconstruction, its gradients by encoder and decoder, that by log_eta), as `gaussian_vae_terms`
    has them; x (N, D), eps (N, K). Written out, for a tape of networks as small as these costs a fifth of the time."""
    encoder, decoder, log_eta = model
    (N, K), precision = eps.shape, np.exp(-log_eta[0])
    encoding = tanh_layers(encoder, x)
    mu, log_sigma = encoding[-1][:, :K], encoding[-1][:, K:]
    noise = np.exp(log_sigma) * eps
    decoding = tanh_layers(decoder, mu + noise)
    nll = gaussian_nll(x, decoding[-1], log_eta)
    share = np.float32(1 / N)
    of_decoder, z_bar = tanh_gradients(decoder, decoding, share * precision * (decoding[-1] - x))
    of_sigma = z_bar * noise + share * (np.exp(2 * log_sigma) - 1)
    of_encoder, _ = tanh_gradients(encoder, encoding, np.concatenate([z_bar + share * mu, of_sigma], axis=1))
    value = float(np.mean(nll + gaussian_kl(mu, log_sigma)))
    # nll = |x - mean|^2 / (2 eta) + D / 2 log(2 pi eta), whose slope by log eta is D / 2 - |x - mean|^2 / (2 eta)
    of_eta = 0.5 * x.shape[1] * (1 + log_eta + float(np.log(2 * np.pi))) - np.mean(nll)
    return value, [of_encoder, of_decoder], of_eta


def gaussian_vae_log_likelihood(model: Model, x: Array, samples: int, rng: Generator, at_a_time: int = 20) -> Array:
    """log p(x) by importance sampling from q(z | x): the log of the mean of the S weights, (N,), in nats.

    In expectation a lower bound, which rises with S (Burda et al. 2016, theorem 1).
    """
    encoder, decoder, log_eta = model
    x = np.asarray(x, np.float32)
    mu, log_sigma = encoder_forward(encoder, x)

    def log_weights(S):
        eps = rng.standard_normal((S, *mu.shape), dtype=np.float32)
        z = mu + np.exp(log_sigma) * eps
        return 0.5 * np.sum(eps * eps - z * z + 2 * log_sigma, axis=-1) - gaussian_nll(x, mlp(decoder, z), log_eta)

    parts = [min(at_a_time, samples - start) for start in range(0, samples, at_a_time)]
    return iwae_bound(np.concatenate([log_weights(S) for S in parts]).astype(float))


def reconstruct(model: Model, x: Array) -> Array:
    """G of q's mean (N, D): x from its K numbers, without noise."""
    encoder, decoder, _ = model
    return mlp(decoder, encoder_forward(encoder, np.asarray(x, np.float32))[0])


def gaussian_vae_generate(model: Model, z: Array, eps: Array | None = None) -> Array:
    """Examples (N, D) of codes z (N, K): G(z), and with eps (N, D) the observation noise on top. One pass."""
    _, decoder, log_eta = model
    mean = mlp(decoder, np.asarray(z, np.float32))
    return mean if eps is None else mean + np.exp(log_eta / 2) * eps


def gaussian_vae_train(
    x: Array,
    sizes: Sequence[int],
    steps: int,
    rng: Generator,
    noise: float = 0.0,
    batch_size: int = 256,
    step_size: float = 4e-3,
    callback: Callable[[int, Any, float], Any] | None = None,
) -> Model:
    """Trains (encoder, decoder, log_eta) on real x (N, D) to maximise the mean ELBO. sizes = [D, H..., K], the decoder
    mirrors it; `noise` is that of `trembling`."""
    x = require_examples(x, sizes)
    K, mean = sizes[-1], x.mean(axis=0)
    encoder, decoder = init_mlp([*sizes[:-1], 2 * K], rng), init_mlp(sizes[::-1], rng)
    W, b = encoder[0]
    encoder[0], decoder[-1] = (W, b - mean @ W), (0.1 * decoder[-1][0], mean)
    log_eta = np.log(np.full(1, 0.1 * x.var(axis=0).mean() + noise**2, np.float32))  # larger: z may stay unused

    def batch_of(rows):
        return trembling(x, rows, noise, rng), rng.standard_normal((len(rows), K), dtype=np.float32)

    def loss(model, batch):
        *networks, log_eta = model
        value, gradients, of_eta = loss_and_gradients((*untraced(networks), getval(log_eta)), *batch)
        return with_gradients(value, [*arrays_of(gradients), of_eta], *arrays_of(networks), log_eta)

    options = {"label": f"VAE, K = {K}", "callback": callback, "schedule": cosine_decay}
    start = (encoder, decoder, log_eta)
    return train(loss, start, batch_of, len(x), steps, rng, batch_size, step_size, **options)
