"""Black and white digits to a message and back, by bits back with a VAE (Townsend et al. 2019).

The VAE's networks are made exact first (`models.exact`), so that sender and receiver have the same tables. Latents lie
in buckets of equal mass under the prior: the posterior's table is that of a Gaussian, the prior's is uniform.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from course_utils.models import exact
from course_utils.models.coder import EmptyMessageError, Message, length, pop, pop_rows, push, random_message, words_of
from course_utils.networks.arrays import Array, Network

LOAN_SEED = 12  # of the bits that the first digit borrows: both sides know them
MOST_LANES = 32
FIRST_LOAN = 8  # words


class DigitCoder(NamedTuple):
    """A VAE, exact, with the buckets of its latents."""

    encoder: Network
    decoder: Network
    edges: Array
    middles: Array


def digit_coder(encoder: Network, decoder: Network) -> DigitCoder:
    """The coder of a VAE with Bernoulli pixels, N(0, I) prior and Gaussian posterior."""
    networks = exact.exact_network(encoder), exact.exact_network(decoder)
    return DigitCoder(*networks, exact.bucket_edges(), exact.bucket_middles())


def push_digits(message: Message, coder: DigitCoder, x: Array) -> Message:
    """The message with n digits x (n, D) of 0 and 1 on top, one in each of its first n lanes, by bits back.

    Pops z with q(z | x), one latent after the other; pushes the pixels with p(x | z), then z with p(z).
    """
    mu, log_sigma = np.split(exact.exact_mlp(coder.encoder, x), 2, axis=1)
    z, message = _pop_posterior(message, coder, mu, log_sigma)
    ones = exact.pixel_frequencies(exact.exact_mlp(coder.decoder, coder.middles[z]))
    total = 1 << exact.PIXEL_PRECISION
    white = np.asarray(x) > 0.5
    starts, freqs = np.where(white, total - ones, 0), np.where(white, ones, total - ones)
    message = push(message, starts.T, freqs.T, exact.PIXEL_PRECISION)
    return push(message, z.T, np.ones_like(z.T), exact.BUCKET_BITS)


def pop_digits(message: Message, coder: DigitCoder, n: int) -> tuple[Array, Message]:
    """(x (n, D), message): undoes `push_digits`, each step of it from the last to the first."""
    K, one = len(coder.decoder[0][0]), np.ones(n, np.uint64)
    found, message = pop_rows(message, K * [lambda slots: (slots, slots, one)], n, exact.BUCKET_BITS)
    z = np.array(found[::-1], np.int64).T
    ones = exact.pixel_frequencies(exact.exact_mlp(coder.decoder, coder.middles[z]))
    found, message = pop_rows(message, map(_pixel, ones.T[::-1].astype(np.uint64)), n, exact.PIXEL_PRECISION)
    x = np.array(found[::-1], float).T
    mu, log_sigma = np.split(exact.exact_mlp(coder.encoder, x), 2, axis=1)
    return x, _push_posterior(message, coder, z, mu, log_sigma)


def _pixel(ones):
    """The lookup of a pixel, whose 0 has the first slots and whose 1 has `ones` (n,) after them."""
    total = np.uint64(1 << exact.PIXEL_PRECISION)
    zeros = total - ones

    def find(slots):
        white = slots >= zeros
        return white, white * zeros, np.where(white, ones, zeros)

    return find


def _pop_posterior(message, coder, mu, log_sigma):
    z = np.zeros(mu.shape, np.int64)
    for k in range(mu.shape[1]):

        def find(slots, k=k):
            return _bisect(slots, lambda index: exact.posterior_starts(index, mu[:, k], log_sigma[:, k], coder.edges))

        z[:, k], message = pop(message, find, len(mu), exact.LATENT_PRECISION)
    return z, message


def _push_posterior(message, coder, z, mu, log_sigma):
    for k in reversed(range(mu.shape[1])):
        low, high = (exact.posterior_starts(z[:, k] + step, mu[:, k], log_sigma[:, k], coder.edges) for step in (0, 1))
        message = push(message, low, high - low, exact.LATENT_PRECISION)
    return message


def _bisect(slots, start_of):
    """(index, start, frequency) of the bucket that holds each slot, with start_of(index) ascending in the index."""
    low, low_start = np.zeros(len(slots), np.int64), np.zeros(len(slots), np.int64)
    high_start = np.full(len(slots), 1 << exact.LATENT_PRECISION)
    for bit in reversed(range(exact.BUCKET_BITS)):
        middle = low + (1 << bit)
        start = start_of(middle)
        above = start <= slots.astype(np.int64)
        low, low_start = np.where(above, middle, low), np.where(above, start, low_start)
        high_start = np.where(above, high_start, start)
    return low, low_start.astype(np.uint64), (high_start - low_start).astype(np.uint64)


def batches(count: int, lanes: int) -> Iterator[int]:
    """How many digits are coded at a time: 1, 1, 1, 1, 2, 3, 4, 6 ... up to the number of lanes, `count` in all.

    A digit borrows some 200 bits and leaves some 140 more than it found. So half as many are coded at a time as have
    left theirs already, and only the first needs a loan.
    """
    done = 0
    while done < count:
        n = min(max(1, done // 2), lanes, count - done)
        yield n
        done += n


def lanes_for(count: int) -> int:
    """Lanes for so many digits: a power of 2, at most 32, and one for every eight digits at most; each costs a word."""
    return min(MOST_LANES, 1 << (max(1, count // 8).bit_length() - 1))


def loan(lanes: int, words: int) -> Message:
    """What the message starts with, bits that both sides know: random ones, as zeros would pop improbable latents."""
    return random_message(np.random.default_rng(LOAN_SEED), lanes, words)


def encode_digits(coder: DigitCoder, x: Array) -> tuple[Message, float]:
    """(message, bits): digits x (N, D) of 0 and 1, from the last to the first, on a loan that is as small as can be.

    `bits` is by how much the message is longer than the loan, which decoding gives back.
    """
    x, words, lanes = np.asarray(x), FIRST_LOAN, lanes_for(len(x))
    while True:
        message, end = loan(lanes, words), len(x)
        try:
            for n in batches(len(x), lanes):
                message, end = push_digits(message, coder, x[end - n : end]), end - n
            return message, length(message) - length(loan(lanes, words))
        except EmptyMessageError:
            words *= 2


def decode_digits(message: Message, coder: DigitCoder, count: int) -> Array:
    """The digits (N, D) in a message of `encode_digits`. ValueError where it is none: the loan must be what is left."""
    lanes, parts = len(message.heads), []
    if lanes != lanes_for(count):
        raise ValueError(f"{count} digits have {lanes_for(count)} lanes, but the message has {lanes}")
    for n in reversed(list(batches(count, lanes))):
        x, message = pop_digits(message, coder, n)
        parts.append(x)
    left = words_of(message)
    if (left != words_of(loan(lanes, len(left) - 2 * lanes))).any():
        raise ValueError("what is left of the message is not what it began with: it was made with other networks")
    return np.concatenate(parts)
