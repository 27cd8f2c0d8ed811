"""Generative adversarial networks: a generator makes examples of noise, and a discriminator tells them from data.

Networks here have leaky rectifiers between layers: tanh layers made worse samples of pen digits.
(Goodfellow et al. 2014; Radford, Metz and Chintala 2016 for the rectifiers and Adam's beta1 of 0.5.)
"""

from collections.abc import Callable, Sequence
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.extend import defvjp_argnums, primitive
from numpy.random import Generator

from course_utils.models.made import trembling
from course_utils.networks.arrays import Array, Network, require_examples
from course_utils.networks.fast import dense, dense_vjp, sigmoid
from course_utils.networks.flat import arrays_of, untraced, values_and_gradients, with_gradients
from course_utils.networks.nets import init_mlp
from course_utils.networks.optim import hold_then_linear, train

SLOPE = np.float32(0.2)  # of a leaky rectifier, below 0
Losses = Callable[[Array, Array], tuple[Any, Any]]


def gan_losses(logits_real: Array, logits_fake: Array) -> tuple[Any, Any]:
    """(d_loss, g_loss) from the discriminator's logits of real (N,) and made (M,) examples, D = sigmoid(logit):

    d_loss = -mean log D(real) - mean log(1 - D(fake)), and the non-saturating g_loss = -mean log D(fake), in nats.
    -log sigmoid(l) = log(1 + exp(-l)) without overflow. (Goodfellow et al. 2014, section 3.)
    """
    d_loss = anp.mean(anp.logaddexp(0, -logits_real)) + anp.mean(anp.logaddexp(0, logits_fake))
    return d_loss, anp.mean(anp.logaddexp(0, -logits_fake))


def optimal_discriminator(log_p: Array, log_q: Array) -> Array:
    """The probability p / (p + q) that an example is real, where data have density p and made examples q: what the best
    discriminator says. Log densities (N,) -> (N,). (Goodfellow et al. 2014, proposition 1.)"""
    return sigmoid(np.asarray(log_p) - np.asarray(log_q))


def slopes(h: Array) -> Array:
    """The rectifier's slope, 1 or 0.2, where it gave h; seven times as fast as `np.where` with two arrays."""
    return (h > 0) * (1 - SLOPE) + SLOPE


@primitive
def dense_leaky(h: Array, W: Array, b: Array, /) -> Array:
    """A layer with a leaky rectifier, max(a, 0.2 a) of a = h W + b. h (N, in), W (in, out), b (out,) -> (N, out)."""
    a = h @ W
    a += b
    return np.maximum(a, SLOPE * a, out=a)


defvjp_argnums(
    dense_leaky,
    lambda argnums, ans, args, _: lambda g: dense_vjp(argnums, args, g * slopes(ans)),
)


def leaky_mlp(params: Network, x: Array) -> Array:
    """The network's output: leaky rectifiers between layers, none after the last. x (N, in) -> (N, out)."""
    h = x
    for W, b in params[:-1]:
        h = dense_leaky(h, W, b)
    return dense(h, *params[-1])


def leaky_layers(params: Network, x: Array) -> list[Array]:
    """What `leaky_mlp` computes on its way: [x, the first layer's output, ..., the network's output]."""
    layers = [x]
    for W, b in params:
        a = layers[-1] @ W
        a += b
        layers.append(a if W is params[-1][0] else np.maximum(a, SLOPE * a, out=a))
    return layers


def leaky_bars(params: Network, layers: list[Array], bar: Array) -> list[Array]:
    """The gradients of h W + b of every layer, first to last, from that of the network's output, (N, out)."""
    bars = [bar]
    for (W, _), h in zip(params[:0:-1], layers[-2:0:-1]):
        h_bar = bars[-1] @ W.T
        h_bar *= slopes(h)
        bars.append(h_bar)
    return bars[::-1]


def leaky_gradients(layers: list[Array], bars: list[Array]) -> Network:
    """The gradients of all W and b: h^T bar, and bar summed over the examples."""
    return [(h.T @ bar, bar.sum(axis=0)) for h, bar in zip(layers, bars)]


def game(losses: Losses, players: Sequence[Network], batch: Any) -> tuple[float, tuple[Network, Network]]:
    """(d_loss + g_loss, (gradient of g_loss by the generator, of d_loss by the discriminator)).

    A batch is real (N, D), z (N, K), smears (2, N, D). autograd sees the losses as functions of the logits alone; from
    there on both gradients are written out, for one pass through each network: quicker than a tape of all layers.
    """
    (generator, discriminator), (real, z, smears) = players, batch
    making = leaky_layers(generator, z)
    judging = leaky_layers(discriminator, np.concatenate([real + smears[0], making[-1] + smears[1]]))
    values, (by_d, by_g) = values_and_gradients(losses, np.split(judging[-1][:, 0], 2))
    judge_bars = leaky_bars(discriminator, judging, np.concatenate(by_d)[:, None])
    of_made = leaky_bars(discriminator, [h[len(z) :] for h in judging], by_g[1][:, None])
    making_bars = leaky_bars(generator, making, of_made[0] @ discriminator[0][0].T)
    return sum(values), (leaky_gradients(making, making_bars), leaky_gradients(judging, judge_bars))


def init_leaky(sizes: list[int], rng: Generator) -> Network:
    """A network for `leaky_mlp`: weights N(0, 2 / ((1 + 0.2^2) fan_in)), biases 0 (He et al. 2015, eq. 15)."""
    gain = np.float32(np.sqrt(2 / (1 + SLOPE**2)))
    network = init_mlp(sizes, rng)
    return [*((gain * W, b) for W, b in network[:-1]), network[-1]]


def gan_train(
    x: Array,
    latents: int,
    hidden: list[int],
    steps: int,
    rng: Generator,
    noise: float = 0.0,
    losses: Losses = gan_losses,
    smear: tuple[float, float] = (0.2, 0.1),
    batch_size: int = 128,
    step_size: float = 1e-3,
    callback: Callable[[int, Any, float], Any] | None = None,
) -> tuple[Network, Network]:
    """Trains (generator, discriminator) on x (N, D); `hidden` are the layers of both, `noise` is that of `trembling`.

    Both players take one step at a time, together: the discriminator down the first of `losses`, with the made examples
    held fixed, the generator down the second, with the discriminator held fixed. What the discriminator sees, real or
    made, is smeared by Gaussian noise, in units of the data's standard deviation, whose own falls from smear[0] to
    smear[1] over training; without it the players do not settle (Sønderby et al. 2017; Arjovsky and Bottou 2017).
    `callback(t, (generator, discriminator), d_loss + g_loss)` is called after every update.
    """
    D = np.shape(x)[1]
    x = require_examples(x, [D])
    mean, scale = x.mean(axis=0), np.float32(np.sqrt(np.mean(x.var(axis=0))))
    widths = iter(np.linspace(*smear, steps, dtype=np.float32))

    def batch_of(rows):
        N, width = len(rows), next(widths)
        real = (trembling(x, rows, noise, rng) - mean) / scale
        smears = width * rng.standard_normal((2, N, D), dtype=np.float32)
        return real, rng.standard_normal((N, latents), dtype=np.float32), smears

    def loss(players, batch):
        value, gradients = game(losses, untraced(players), batch)
        return with_gradients(value, arrays_of(gradients), *arrays_of(players))

    start = init_leaky([latents, *hidden, D], rng), init_leaky([D, *hidden, 1], rng)
    wrapped = callback and (lambda t, players, value: callback(t, in_units(players, mean, scale), value))
    options = {"label": "GAN", "callback": wrapped, "schedule": hold_then_linear}
    players = train(loss, start, batch_of, len(x), steps, rng, batch_size, step_size, **options)
    return in_units(players, mean, scale)


def in_units(players: tuple[Network, Network], mean: Array, scale: Any) -> tuple[Network, Network]:
    """Networks trained on (x - mean) / scale, as networks of x: the units go into the last and first weights."""
    generator, discriminator = players
    (W, b), (V, c) = generator[-1], discriminator[0]
    return [*generator[:-1], (W * scale, b * scale + mean)], [(V / scale, c - mean @ V / scale), *discriminator[1:]]


def gan_generate(generator: Network, z: Array) -> Array:
    """Examples (N, D) of noise z (N, K): one pass."""
    return leaky_mlp(generator, np.asarray(z, np.float32))
