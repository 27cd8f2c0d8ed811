"""A variational autoencoder of melodies with a conductor, and what melodies are measured by (Roberts et al. 2018).

A melody (T,) is as `load_melodies` has it: pitches, HOLD and REST. Tokens are whole numbers 0..V-1: 0 holds, 1 rests,
and 2 + (pitch - LOW) starts a note.
"""

from collections.abc import Callable
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.extend import defvjp, primitive
from numpy.random import Generator

from course_utils.data import HOLD, REST
from course_utils.models.conductor import init_decoder, keep_some, outputs, read, roll_out, shifted
from course_utils.networks.arrays import Array
from course_utils.networks.fast import gaussian_kl, gaussian_sample
from course_utils.networks.nets import init_mlp
from course_utils.networks.optim import Checkpoint, train

LOW, HIGH = 50, 93  # the pitches of the data, transposed by up to 5 semitones
V, SHIFT = HIGH - LOW + 3, 5
Melodist = dict[str, Any]


def to_tokens(melodies: Array) -> Array:
    """Tokens of melodies, entry by entry; ValueError for pitches below LOW or above HIGH."""
    x = np.asarray(melodies)
    if np.any((x < HOLD) | (x > HIGH) | ((x >= 0) & (x < LOW))):
        raise ValueError(f"expected pitches {LOW}..{HIGH}, {HOLD} to hold and {REST} to rest, got {np.unique(x)}")
    return np.where(x == HOLD, 0, np.where(x == REST, 1, x - LOW + 2))


def to_melodies(tokens: Array) -> Array:
    """Melodies of tokens, entry by entry: the inverse of `to_tokens`."""
    t = np.asarray(tokens)
    return np.where(t == 0, HOLD, np.where(t == 1, REST, t + LOW - 2))


def notes(melody: Array) -> tuple[Array, Array, Array]:
    """(starts, lengths, pitches) of a melody's notes, whole numbers (n,). melody (T,).

    A pitch starts a note, HOLD lengthens it, REST ends it; a HOLD at the start or behind a rest is silence.
    """
    melody = np.asarray(melody)
    starts = np.flatnonzero(melody >= 0)
    ends = np.flatnonzero(melody != HOLD)  # each note lasts until the next entry that is no hold
    after = np.append(ends, len(melody))[np.searchsorted(ends, starts, side="right")]
    return starts, after - starts, melody[starts]


@primitive
def token_cross_entropy(logits: Array, tokens: Array, /) -> Array:
    """-log of the softmax of logits (..., V) at the tokens (...), in nats; one node of autograd's tape."""
    shifted_ = logits - logits.max(axis=-1, keepdims=True)
    at = np.take_along_axis(shifted_, np.asarray(tokens)[..., None], axis=-1)[..., 0]
    return np.log(np.exp(shifted_).sum(axis=-1)) - at


def _token_vjp(ans, logits, tokens):
    def gradient(g):
        p = np.exp(logits - logits.max(axis=-1, keepdims=True))
        p /= p.sum(axis=-1, keepdims=True)
        at = np.asarray(tokens)[..., None]
        np.put_along_axis(p, at, np.take_along_axis(p, at, axis=-1) - 1, axis=-1)
        p *= np.asarray(g, p.dtype)[..., None]
        return p

    return gradient


defvjp(token_cross_entropy, _token_vjp, argnums=[0])


def categorical_log_prob(logits: Array, tokens: Array) -> Array:
    """log p of each sequence of tokens (N, T), (N,): the sum over its steps of the log softmax of logits (N, T, V).

    In nats; exact for logits of any finite size.
    """
    if np.shape(logits)[:-1] != np.shape(tokens) or np.ndim(tokens) != 2:
        raise ValueError(
            f"logits (N, T, V) and tokens (N, T) are expected, but they have {np.shape(logits)} and {np.shape(tokens)}"
        )
    return -anp.sum(token_cross_entropy(logits, tokens), axis=1)


ONE_HOT = np.eye(V, dtype=np.float32)


def melody_terms(model: Melodist, tokens: Array, seen: Array, eps: Array, before: Array) -> tuple[Array, Array]:
    """(reconstruction, KL), each (N,), in nats: of tokens (N, T), where the encoder reads
    `seen` and the decoder `before` (T, N, V)."""
    mu, log_sigma = read(model["encoder"], seen)
    out = outputs(model["decoder"], gaussian_sample(mu, log_sigma, eps), before)
    return -anp.sum(token_cross_entropy(out, tokens.T), axis=0), gaussian_kl(mu, log_sigma)


def melody_encode(model: Melodist, melodies: Array) -> tuple[Array, Array]:
    """(mu, log_sigma) of q(z | x), each (N, K). melodies (N, T)."""
    return read(model["encoder"], ONE_HOT[to_tokens(melodies).T])


def melody_logits(model: Melodist, z: Array, melodies: Array) -> Array:
    """The decoder's logits (N, T, V) of every token of melodies (N, T), given codes z (N, K) and the tokens before."""
    before = shifted(ONE_HOT[to_tokens(melodies).T])
    return np.transpose(outputs(model["decoder"], np.asarray(z, np.float32), before), (1, 0, 2))


def melody_decode(model: Melodist, z: Array, T: int = 32, rng: Generator | None = None, tau: float = 1.0) -> Array:
    """Melodies (N, T) of codes z (N, K): the likeliest token at every step, or, with `rng`, one drawn from the softmax
    of the logits divided by tau."""

    def choose(out):
        hidden = rng.gumbel(size=out.shape) if rng is not None else 0
        tokens = np.argmax(out / (tau if rng is not None else 1) + hidden, axis=1)
        return tokens, ONE_HOT[tokens]

    return to_melodies(roll_out(model["decoder"], z, T, choose).T)


def melody_train(
    melodies: Array,
    K: int,
    steps: int,
    rng: Generator,
    hidden: int = 256,
    H: int = 128,
    message: int = 32,
    kl_weight: float = 0.3,
    noise: float = 1.0,
    kept: float = 0.5,
    seen: float = 0.9,
    batch_size: int = 64,
    step_size: float = 2e-3,
    callback: Callable[[int, Any, float], Any] | None = None,
    checkpoint: Checkpoint | None = None,
) -> Melodist:
    """Trains encoder and decoder to maximise the mean of reconstruction - kl_weight KL; float32.

    Every minibatch is transposed afresh, each melody by up to SHIFT semitones. In training the decoder reads a share
    `kept` of the tokens before, and the encoder a share `seen` of all. `noise` = 0 and `kl_weight` = 0 make an
    ordinary autoencoder of it.
    """
    tokens, T = to_tokens(melodies), np.shape(melodies)[1]
    start = {
        "encoder": init_mlp([T * V, hidden, 2 * K], rng),
        "decoder": init_decoder(K, hidden, T, message, V, H, V, rng),
    }

    def batch_of(rows):
        some = tokens[rows]
        some = np.where(some >= 2, some + rng.integers(-SHIFT, SHIFT + 1, (len(rows), 1)), some)
        eps = np.float32(noise) * rng.standard_normal((len(rows), K), dtype=np.float32)
        hot = ONE_HOT[some.T]
        return some, keep_some(hot, seen, rng), eps, keep_some(shifted(hot), kept, rng)

    def loss(model, batch):
        reconstruction, kl = melody_terms(model, *batch)
        return anp.sum(kl_weight * kl - reconstruction) * (1 / len(batch[0]))

    label = f"melodies, K = {K}"
    return train(
        loss,
        start,
        batch_of,
        len(melodies),
        steps,
        rng,
        batch_size,
        step_size,
        label=label,
        callback=callback,
        checkpoint=checkpoint,
    )
