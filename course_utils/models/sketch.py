"""Variational autoencoders of drawings: one GRU step a stroke, a mixture of Gaussians for the points of each.

A drawing is `x` (N, T, P, 2), T strokes of P points each in the unit square, y up, of which the first `counts` (N,) are
drawn. A pen digit is eight strokes of a single point. (After Ha and Eck 2018, with a conductor in place of the one z
that sketch-rnn gives to every step.)
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import autograd.numpy as anp
import numpy as np
from autograd.extend import defvjp, primitive
from autograd.tracer import getval, isbox
from numpy.random import Generator

from course_utils.models.conductor import Step, init_decoder, keep_some, outputs, read, roll_out, shifted
from course_utils.networks.arrays import Array
from course_utils.networks.fast import (
    bernoulli_cross_entropy,
    gaussian_kl,
    gaussian_sample,
    sigmoid,
    tanh_gradients,
    tanh_layers,
)
from course_utils.networks.flat import leaves, map_leaves, with_gradients
from course_utils.networks.mixture_density import likeliest_strokes, stroke_cross_entropy, stroke_slopes
from course_utils.networks.nets import init_mlp
from course_utils.networks.optim import Checkpoint, train
from course_utils.networks.recurrent import gru_sequence_and_back, gru_step

Sketcher = dict[str, Any]  # {"encoder": a network, "decoder": a decoder}


class Shape(NamedTuple):
    """What drawings have in common: at most T strokes, P points each, M components, and whether they may end early."""

    T: int
    P: int
    M: int
    ends: bool


DIGITS, KANJI = Shape(8, 1, 5, False), Shape(10, 6, 4, True)


def resample(points: Array, P: int) -> Array:
    """P points at equal distances along the polyline through `points` (n, 2), both ends included; one point stays."""
    at = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    return np.stack([np.interp(np.linspace(0, at[-1], P), at, c) for c in points.T], axis=1)


def strokes_of(steps: Array) -> list[Array]:
    """The strokes of a drawing in steps (dx, dy, lift), each (n, 2) in the unit square: see `load_kanji`."""
    points = np.cumsum(steps[:, :2], axis=0)
    return [stroke for stroke in np.split(points, np.flatnonzero(steps[:, 2]) + 1) if len(stroke)]


def drawings_of(data: Sequence[Array], shape: Shape = KANJI) -> tuple[Array, Array, Array]:
    """(x (N, T, P, 2), counts (N,), which (N,)) of those drawings in steps that have at most T strokes."""
    strokes = [strokes_of(steps) for steps in data]
    which = np.array([i for i, s in enumerate(strokes) if len(s) <= shape.T], int)
    x = np.zeros((len(which), shape.T, shape.P, 2), np.float32)
    for row, i in enumerate(which):
        x[row, : len(strokes[i])] = [resample(stroke, shape.P) for stroke in strokes[i]]
    return x, np.array([len(strokes[i]) for i in which], int), which


def features(x: Array, counts: Array) -> Array:
    """What the networks read of drawings, (T, N, 2P + 1): 2 (start - centre), 2 (other points - start), 1 if drawn."""
    drawn = np.arange(x.shape[1]) < np.asarray(counts)[:, None]
    relative = np.concatenate([x[:, :, :1] - 0.5, x[:, :, 1:] - x[:, :, :1]], axis=2)
    flat = 2 * relative.reshape(*x.shape[:2], -1) * drawn[..., None]
    return np.concatenate([flat, drawn[..., None]], axis=2).transpose(1, 0, 2).astype(np.float32)


def points_of(flat: Array) -> Array:
    """Points in the unit square, (..., P, 2), of features (..., 2P)."""
    relative = flat.reshape(*flat.shape[:-1], -1, 2) / 2
    start = relative[..., :1, :] + 0.5
    return np.concatenate([start, start + relative[..., 1:, :]], axis=-2)


def scaled(out: Array, shape: Shape) -> tuple[Array, Array]:
    """(mixture parameters (N, M (1 + 5 P)), logit (N,) of one more stroke) of the head's outputs (N, O).

    Widths begin at exp(-1.5), and stay above a fifth of the data's grid of 1/255 of the box.
    """
    M, PM = shape.M, shape.P * shape.M
    start, wide = M + 2 * PM, M + 4 * PM
    widths = anp.logaddexp(out[:, start:wide] - np.float32(1.5), np.float32(-6.5))
    return anp.concatenate([out[:, :start], widths, out[:, wide : wide + PM]], axis=1), out[:, -1]


def drawing_cross_entropy(out: Array, seen: Array, shape: Shape) -> Array:
    """-log p of each drawing, (N,), in nats: the points in units of half the box, and, where drawings may end early,
    after each stroke whether there is one more. out (T, N, O), features `seen` (T, N, 2P + 1).

    One node of autograd's tape; first derivatives alone, by `out`, which are worked out with the values where autograd
    looks on.
    """
    return _drawing_cross_entropy(out, seen, shape, [] if isbox(out) else None)


@primitive
def _drawing_cross_entropy(out, seen, shape, slopes):
    """The values (N,); the list `slopes`, unless None, gets those by `out`, (T, N, O)."""
    T, N, _ = seen.shape
    flat = out.reshape(T * N, -1)
    params, more = scaled(flat, shape)
    points = seen[..., :-1].reshape(T * N, shape.P, 2)
    loss, bar = (stroke_cross_entropy(params, points), None) if slopes is None else stroke_slopes(params, points)
    goes_on = np.concatenate([seen[1:, :, -1], 0 * seen[:1, :, -1]]).reshape(-1)
    if shape.ends:
        loss = loss + bernoulli_cross_entropy(goes_on[:, None], more[:, None])
    if bar is not None:
        start, wide = shape.M * (1 + 2 * shape.P), shape.M * (1 + 4 * shape.P)
        bar[:, start:wide] *= sigmoid(flat[:, start:wide] + np.float32(5))  # the slope of `scaled`'s widths
        last = sigmoid(more) - goes_on if shape.ends else 0 * more
        slopes.append(seen[..., -1:] * np.concatenate([bar, last[:, None]], axis=1).reshape(out.shape))
    return np.sum(seen[..., -1] * loss.reshape(T, N), axis=0)


def _drawing_vjp(ans, out, seen, shape, slopes):
    def gradient(g):
        if isbox(g):
            raise NotImplementedError("drawing_cross_entropy has first derivatives alone")
        return slopes[0] * np.asarray(g, out.dtype)[:, None]

    return gradient


defvjp(_drawing_cross_entropy, _drawing_vjp, argnums=[0])


def sketch_terms(model: Sketcher, seen: Array, eps: Array, before: Array, shape: Shape) -> tuple[Array, Array]:
    """(reconstruction, KL), each (N,), in nats: of features `seen`, where the decoder reads `before`."""
    mu, log_sigma = read(model["encoder"], seen)
    out = outputs(model["decoder"], gaussian_sample(mu, log_sigma, eps), before)
    return -drawing_cross_entropy(out, seen, shape), gaussian_kl(mu, log_sigma)


def loss_and_gradients(
    model: Sketcher, seen: Array, eps: Array, before: Array, shape: Shape, kl_weight: float
) -> tuple[float, Sketcher]:
    """(the mean of kl_weight KL - reconstruction, its gradients, a nesting like the model), as `sketch_terms` has them.

    Written out, layer by layer and back: for networks as small as these a tape takes a good part of the time.
    """
    decoder, (N, K), share = model["decoder"], eps.shape, np.float32(1 / len(eps))
    # forward: code, messages (or the first state), states, drawing
    encoding = tanh_layers(model["encoder"], seen.transpose(1, 0, 2).reshape(N, -1))
    mu, log_sigma = encoding[-1][:, :K], encoding[-1][:, K:]
    shift = np.exp(log_sigma) * eps
    teller = "conductor" if "conductor" in decoder else "start"
    telling = tanh_layers(decoder[teller], mu + shift)
    told, h = np.tanh(telling[-1]), np.zeros((N, len(decoder["gru"][1])), telling[-1].dtype)
    inputs: Array = before
    if teller == "conductor":
        inputs = np.concatenate([told.reshape(N, len(seen), -1).transpose(1, 0, 2), before], axis=2)
    else:
        h = told
    states, back_through_time = gru_sequence_and_back(decoder["gru"], h, inputs)
    drawing = tanh_layers(decoder["head"], states.reshape(-1, states.shape[2]))
    slopes: list[Array] = []
    loss = _drawing_cross_entropy(drawing[-1].reshape(*states.shape[:2], -1), seen, shape, slopes)
    # and back
    of_head, bar = tanh_gradients(decoder["head"], drawing, share * slopes[0].reshape(len(drawing[0]), -1))
    inputs_bar, h_bar, *of_gru = back_through_time(bar.reshape(states.shape))
    if teller == "conductor":
        h_bar = inputs_bar[..., : inputs.shape[2] - before.shape[2]].transpose(1, 0, 2).reshape(N, -1)
    of_teller, z_bar = tanh_gradients(decoder[teller], telling, h_bar * (1 - told * told))
    weight = np.float32(kl_weight) * share
    of_sigma = z_bar * shift + weight * (np.exp(2 * log_sigma) - 1)
    of_encoder, _ = tanh_gradients(model["encoder"], encoding, np.concatenate([z_bar + weight * mu, of_sigma], axis=1))
    value = float(np.mean(loss + kl_weight * gaussian_kl(mu, log_sigma)))
    return value, {"encoder": of_encoder, "decoder": {teller: of_teller, "gru": tuple(of_gru), "head": of_head}}


def sketch_elbo(model: Sketcher, x: Array, counts: Array, eps: Array, shape: Shape) -> Array:
    """The lower bound on log p(x), (N,), in nats, for coordinates in units of the box; eps (N, K)."""
    seen = features(x, counts)
    reconstruction, kl = sketch_terms(model, seen, eps, shifted(seen[..., :-1]), shape)
    return reconstruction - kl + 2 * shape.P * np.log(2) * np.asarray(counts)


def sketch_encode(model: Sketcher, x: Array, counts: Array) -> tuple[Array, Array]:
    """(mu, log_sigma) of q(z | x), each (N, K)."""
    return read(model["encoder"], features(x, counts))


def sketch_decode(model: Sketcher, z: Array, shape: Shape, step: Step = gru_step) -> tuple[Array, Array]:
    """(x (N, T, P, 2), counts (N,)): for each stroke the likeliest component's mean, and one more stroke where that is
    likelier than not."""

    def choose(out):
        params, more = scaled(out, shape)
        flat = likeliest_strokes(params, shape.P).reshape(len(out), -1)
        return np.concatenate([flat, more[:, None] > 0], axis=1), flat

    came = roll_out(model["decoder"], z, shape.T, choose, step).transpose(1, 0, 2)
    goes_on = came[:, :-1, -1] if shape.ends else np.ones((len(came), shape.T - 1))
    return points_of(came[..., :-1]), 1 + np.cumprod(goes_on, axis=1).sum(axis=1).astype(int)


def sketch_train(
    x: Array,
    counts: Array,
    shape: Shape,
    K: int,
    steps: int,
    rng: Generator,
    hidden: Sequence[int] = (128, 128),
    H: int = 64,
    message: int = 16,
    kl_weight: float = 1.0,
    noise: float = 1.0,
    jitter: float = 0.0,
    grid: float = 1 / 255,
    kept: float = 0.3,
    batch_size: int = 100,
    step_size: float = 4e-3,
    callback: Callable[[int, Any, float], Any] | None = None,
    checkpoint: Checkpoint | None = None,
) -> Sketcher:
    """Trains encoder and decoder to maximise the mean ELBO; float32.

    Every minibatch has the coordinates dequantised afresh (uniform within one step of the data's `grid`), and turned
    and stretched by a random matrix I + `jitter` N(0, 1). In training the decoder reads a share `kept` of the strokes
    before.
    `noise` = 0 and `kl_weight` = 0 make an ordinary autoencoder of it.
    """
    start = {
        "encoder": init_mlp([shape.T * (2 * shape.P + 1), *hidden, 2 * K], rng),
        "decoder": init_decoder(K, hidden[-1], shape.T, message, 2 * shape.P, H, shape.M * (1 + 5 * shape.P) + 1, rng),
    }

    def batch_of(rows):
        some = x[rows] + rng.uniform(-grid / 2, grid / 2, x[rows].shape)
        if jitter:
            turned = np.eye(2) + jitter * rng.standard_normal((len(rows), 2, 2))
            some = np.einsum("ntpi,nij->ntpj", some - 0.5, turned) + 0.5
            some += jitter / 2 * rng.standard_normal((len(rows), 1, 1, 2))
        seen = features(some, counts[rows])
        eps = np.float32(noise) * rng.standard_normal((len(rows), K), dtype=np.float32)
        return seen, eps, keep_some(shifted(seen[..., :-1]), kept, rng)

    def loss(model, batch):
        value, gradients = loss_and_gradients(map_leaves(getval, model), *batch, shape, kl_weight)
        return with_gradients(value, leaves(gradients), *leaves(model))

    label = f"sketches, K = {K}"
    return train(
        loss,
        start,
        batch_of,
        len(x),
        steps,
        rng,
        batch_size,
        step_size,
        label=label,
        callback=callback,
        checkpoint=checkpoint,
    )


def ink(x: Array, count: int, dots: int = 6) -> Array:
    """Points along the strokes of one drawing x (T, P, 2), (n, 2): `dots` on every piece between two points."""
    t = np.linspace(0, 1, dots)[:, None]
    pieces = x[:count]
    return (pieces[:, :-1, None] * (1 - t) + pieces[:, 1:, None] * t).reshape(-1, 2)


def chamfer(a: Array, b: Array) -> float:
    """The mean distance from a point of a (n, 2) to the nearest of b (m, 2), and back, averaged."""
    from scipy.spatial.distance import cdist  # here: the mathematics alone need not wait for it

    distances = cdist(a, b)
    return float(distances.min(axis=0).mean() + distances.min(axis=1).mean()) / 2


def stroke_shapes(x: Array, counts: Array) -> Array:
    """The drawn strokes of drawings x (N, T, P, 2), each moved to start at the origin, as rows (n, 2 P)."""
    drawn = np.arange(x.shape[1]) < np.asarray(counts)[:, None]
    return (x - x[:, :, :1])[drawn].reshape(-1, 2 * x.shape[2])


def stroke_length(x: Array, counts: Array) -> float:
    """The mean length of the drawn strokes of drawings x (N, T, P, 2), in units of the box."""
    drawn = np.arange(x.shape[1]) < np.asarray(counts)[:, None]
    return float(np.mean(np.linalg.norm(np.diff(x, axis=2), axis=-1).sum(axis=-1)[drawn]))


def distance_to_strokes(x: Array, counts: Array, real: Array) -> float:
    """How far strokes are from real ones: the root mean square distance a point to the nearest row of `real` (n, 2 P),
    whose strokes start at the origin as `stroke_shapes` has them; mean over strokes, in units of the box."""
    own = stroke_shapes(x, counts).astype(np.float32)
    squares = (own**2).sum(axis=1)[:, None] + (real**2).sum(axis=1) - 2 * own @ real.T
    return float(np.mean(np.sqrt(np.maximum(squares.min(axis=1), 0) / (x.shape[2]))))
