"""Deep autoencoders: two networks that are trained to copy their input through a narrow code."""

from collections.abc import Callable, Sequence
from typing import Any

import autograd.numpy as np
from numpy.random import Generator

from course_utils.networks.arrays import (
    Array,
    Network,
    require_examples,
    require_matrix,
    require_one_shape,
    require_rows,
)
from course_utils.networks.nets import init_mlp, mlp
from course_utils.networks.optim import cosine_decay, train

AXES = 150  # of the data's principal axes, how many a network learns to see and to draw


def squared_error(x: Array, x_hat: Array) -> Array:
    """||x - x_hat||^2, summed over dimensions, for each example. x, x_hat (N, D) -> (N,)."""
    require_one_shape(x=x, x_hat=x_hat)
    r = 1.0 * np.asarray(x) - np.asarray(x_hat)  # real: differences of bytes, 0..255, would wrap
    return np.sum(r * r, axis=1)


def encode(encoder: Network, x: Array) -> Array:
    """Codes of x: the encoder's output, computed in the network's own precision. x (N, D) -> (N, K)."""
    return mlp(encoder, np.asarray(x, encoder[0][0].dtype))


def decode(decoder: Network, z: Array) -> Array:
    """What the decoder makes of codes z (N, K), in the network's own precision -> (N, D)."""
    return mlp(decoder, np.asarray(z, decoder[0][0].dtype))


def reconstruct(encoder: Network, decoder: Network, x: Array) -> Array:
    """x through the bottleneck and back. x (N, D) -> (N, D)."""
    return decode(decoder, encode(encoder, x))


def autoencoder_train(
    x: Array,
    sizes: Sequence[int],
    steps: int,
    rng: Generator,
    batch_size: int = 64,
    step_size: float = 5e-3,
    callback: Callable[[int, float], Any] | None = None,
) -> tuple[Network, Network]:
    """Trains encoder and decoder to minimise the mean over examples of ||x - decoder(encoder(x))||^2.

    sizes = [D, H..., K]; the decoder has them in reverse order; tanh between layers, code and output linear. x (N, D).
    Adam takes `steps` minibatches, with a step size that falls to 0. `callback(t, loss)`, if given, is called after
    every update with that minibatch's loss, before it. Returns (encoder, decoder), lists of (W, b) in float32.

    Training sees x in the coordinates of its principal axes, scaled to variance 1 on average. A rotation does not
    change the squared error, and Adam, which steps along coordinates, gets on several times faster there; at most
    AXES axes are kept. At the end, both changes of coordinates become part of the first and the last layer.
    """
    x = require_examples(x, sizes)
    mean, axes, scale = _principal_coordinates(x)
    u = (x - mean) @ axes / scale
    lost = np.sum(((x - mean) / scale - u @ axes.T) ** 2, axis=1)  # what no network in these coordinates can draw: (N,)
    inner = [axes.shape[1], *sizes[1:]]
    start = (init_mlp(inner, rng), init_mlp(inner[::-1], rng))

    def batch_of(rows):
        return u[rows], float(lost[rows].mean())

    def loss(params, batch):
        u, lost = batch
        r = u - mlp(params[1], mlp(params[0], u))
        return np.sum(r * r) * (1 / len(u)) + lost  # Python floats: others would turn float32 gradients into float64

    def report(t, params, value):
        if callback:
            callback(t, value * scale**2)

    encoder, decoder = train(
        loss,
        start,
        batch_of,
        len(x),
        steps,
        rng,
        batch_size,
        step_size,
        schedule=cosine_decay,
        label=f"autoencoder, K = {sizes[-1]}",
        callback=report,
    )
    (W, b), (V, c) = encoder[0], decoder[-1]
    encoder[0] = (axes @ W / scale, b - mean @ axes @ W / scale)
    decoder[-1] = (scale * V @ axes.T, mean + scale * c @ axes.T)
    return encoder, decoder


def _principal_coordinates(x):
    """mean (D,), leading principal axes (D, n) as columns, and the standard deviation along them, on average."""
    mean = x.mean(axis=0)
    values, axes = np.linalg.eigh(np.cov(x, rowvar=False, bias=True).reshape(len(mean), -1))
    values, axes = values[::-1][:AXES], axes[:, ::-1][:, :AXES]
    return mean, axes.astype(np.float32), float(np.sqrt(max(np.mean(values), 1e-12)))


def nearest_neighbour_accuracy(codes_train: Array, y_train: Array, codes_test: Array, y_test: Array) -> float:
    """The share of test examples whose label is that of the nearest training example, by Euclidean distance.

    codes_train (N, K), y_train (N,), codes_test (M, K), y_test (M,) -> scalar in [0, 1]. (Cover and Hart 1967.)
    """
    a, b = np.asarray(codes_test, float), np.asarray(codes_train, float)
    require_matrix(b, "codes_train")
    require_matrix(a, "codes_test", b.shape[1])
    require_rows(codes_train=b, y_train=y_train)
    require_rows(codes_test=a, y_test=y_test)
    a, b = a - b.mean(axis=0), b - b.mean(axis=0)  # far from the origin, the squares below would drown the differences
    # ||a - b||^2 = ||a||^2 - 2 a^T b + ||b||^2, and ||a||^2 is the same for all b.
    nearest = np.argmin(np.sum(b * b, axis=1) - 2 * a @ b.T, axis=1)
    return float(np.mean(np.asarray(y_train)[nearest] == np.asarray(y_test)))


def interpolate_linear(a: Array, b: Array, steps: int) -> Array:
    """Points on the straight line from a to b, both ends included, evenly spaced: (1 - t) a + t b. -> (steps, ...)."""
    a, b = np.asarray(a), np.asarray(b)
    t = np.linspace(0, 1, steps).reshape(-1, *(1 for _ in a.shape))
    return (1 - t) * a + t * b
