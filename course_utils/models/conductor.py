"""Sequence models with a conductor: a network turns z into a message for every step (after Roberts et al. 2018).

A decoder is {"conductor": network, "gru": (W, U, b, c), "head": network}. At step t the GRU reads the message for
that step beside what came out before; the head turns its state into the parameters of what comes out. One with a
network "start" in the conductor's place is the rival without one: z becomes the GRU's first state, tanh of that
network's output, and is not heard again (as in Bowman et al. 2016). Sequences are (T, N, ...): the step comes first.
"""

from collections.abc import Callable
from typing import Any

import autograd.numpy as np
from numpy.random import Generator

from course_utils.networks.arrays import Array, Network
from course_utils.networks.nets import init_mlp, mlp
from course_utils.networks.recurrent import gru_sequence, gru_step, init_gru

Decoder = dict[str, Any]
Step = Callable[[Any, Array, Array], Array]


def read(encoder: Network, x: Array) -> tuple[Array, Array]:
    """(mu, log_sigma) of q(z | x), each (N, K): a network reads all steps of x (T, N, I) at once."""
    mu, log_sigma = np.split(mlp(encoder, np.reshape(np.transpose(x, (1, 0, 2)), (x.shape[1], -1))), 2, axis=1)
    return mu, log_sigma


def init_decoder(K: int, hidden: int, T: int, message: int, before: int, H: int, out: int, rng: Generator) -> Decoder:
    """A decoder before training: `hidden` units in the conductor, messages of `message` numbers for T steps, `before`
    numbers of what came out before, H units in the GRU, `out` outputs a step. `message` = 0: without a conductor."""
    first = (
        {"conductor": init_mlp([K, hidden, T * message], rng)} if message else {"start": init_mlp([K, hidden, H], rng)}
    )
    return first | {"gru": init_gru(message + before, H, rng), "head": init_mlp([H, out], rng)}


def messages(decoder: Decoder, z: Array, T: int) -> Array:
    """The conductor's message for each step and each row of z (N, K), between -1 and 1, (T, N, message); of no numbers
    where there is no conductor."""
    if "conductor" not in decoder:
        return np.zeros((T, len(z), 0), np.float32)
    flat = mlp(decoder["conductor"], z)
    return np.transpose(np.tanh(np.reshape(flat, (len(z), T, -1))), (1, 0, 2))


def first_state(decoder: Decoder, z: Array) -> Array:
    """The GRU's state before the first step, (N, H): 0 where there is a conductor."""
    U = decoder["gru"][1]
    return np.tanh(mlp(decoder["start"], z)) if "start" in decoder else np.zeros((len(z), U.shape[0]), U.dtype)


def outputs(decoder: Decoder, z: Array, before: Array) -> Array:
    """The head's outputs (T, N, O) where what came out before each step is known: `before` (T, N, I)."""
    x = np.concatenate([messages(decoder, z, len(before)), before], axis=2)
    return mlp(decoder["head"], gru_sequence(decoder["gru"], first_state(decoder, z), x))


def roll_out(
    decoder: Decoder, z: Array, T: int, choose: Callable[[Array], tuple[Array, Array]], step: Step = gru_step
) -> Array:
    """Decodes z (N, K) step by step: choose(outputs (N, O)) -> (what comes out (N, ...), what the next step reads
    (N, I)); the first step reads zeros. `step` is the GRU's. -> (T, N, ...)."""
    W, U, _, _ = decoder["gru"]
    z = np.asarray(z, U.dtype)
    told, h = messages(decoder, z, T), first_state(decoder, z)
    before, out = np.zeros((len(z), W.shape[0] - told.shape[2]), U.dtype), []
    for message in told:
        h = step(decoder["gru"], h, np.concatenate([message, np.asarray(before, U.dtype)], axis=1))
        came, before = choose(mlp(decoder["head"], h))
        out.append(came)
    return np.stack(out)


def shifted(x: Array) -> Array:
    """What came before each step of x (T, N, I): zeros, then all of x but its last step."""
    return np.concatenate([0 * x[:1], x[:-1]])


def keep_some(x: Array, share: float, rng: Generator) -> Array:
    """x (T, N, I) with whole steps set to 0, all but about `share` of them: so that a decoder has to listen to
    the messages, or an encoder to more than a few steps (word dropout, Bowman et al. 2016)."""
    return x * (rng.random((*x.shape[:2], 1)) < share).astype(x.dtype)
