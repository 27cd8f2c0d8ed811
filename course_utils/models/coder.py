"""A coder in words of 32 bits, for many lanes at once: what `models.coding` does on one number of any size.

A message is a stack with L heads, numbers between 2^32 and 2^64, over one tail of words that they share. A push works
on the first n of the heads with one symbol each; a head that grows too large puts its lower word onto the tail, one
that shrinks too far takes a word back. What was pushed last is popped first, and a pop undoes a push exactly, which
bits back rests on. Messages are never changed: each function returns a new one. (Giesen 2014, "Interleaved entropy
coders"; the layout is that of J. Townsend's craystack.)

    message = empty(lanes=1)
    message = push_symbols(message, labels, starts_of_probabilities(p, 16), 16)     # p (N, C)
    labels, message = pop_symbols(message, len(labels), starts_of_probabilities(p, 16), 16)
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from course_utils.models.coding import starts_of_cumulative
from course_utils.networks.arrays import Array

WORD = np.uint64(32)
LOW = np.uint64(0xFFFFFFFF)
LEAST = np.uint64(1 << 32)  # what a head never falls below
MOST_PRECISION = 32
Lookup = Callable[[Array], tuple[Array, Array, Array]]  # slots (n,) -> symbols, their starts, their frequencies


class EmptyMessageError(ValueError):
    """More is asked of a message than is in it."""


class Message(NamedTuple):
    """heads (L,) uint64; tail: (), or (words (m,) uint32, the tail below them)."""

    heads: Array
    tail: tuple = ()


def empty(lanes: int = 1) -> Message:
    """A message with nothing in it: each of its lanes holds the least number that a head may be."""
    if lanes < 1:
        raise ValueError(f"a message needs one lane or more, but lanes = {lanes} came")
    return Message(np.full(lanes, LEAST))


def random_message(rng: np.random.Generator, lanes: int, words: int) -> Message:
    """A message of random bits that can be borrowed: in each lane one word in the head, and `words` in the tail."""
    heads = LEAST + rng.integers(0, 1 << 32, lanes, dtype=np.uint64)
    return Message(heads, (rng.integers(0, 1 << 32, words, dtype=np.uint32), ()) if words else ())


def push(message: Message, starts: Array, freqs: Array, precision: int) -> Message:
    """One more symbol on each of the first n lanes: starts and freqs (n,), slots of 2^precision, freqs at least 1."""
    heads, tail = message
    starts, freqs = (np.asarray(a).astype(np.uint64) for a in (starts, freqs))
    n = len(starts)
    _check(n, heads, precision)
    if len(freqs) != n or (freqs == 0).any() or (starts + freqs > np.uint64(1 << precision)).any():
        raise ValueError("every symbol needs a start and a frequency of at least 1, within 2^precision")
    head, places = heads[:n], np.uint64(precision)
    full = (head >> np.uint64(64 - precision)) >= freqs
    if full.any():
        tail = ((head[full] & LOW).astype(np.uint32), tail)
        head = np.where(full, head >> WORD, head)
    times = head // freqs
    head = (times << places) + starts + (head - times * freqs)
    return Message(np.concatenate([head, heads[n:]]), tail)


def pop(message: Message, lookup: Lookup, n: int, precision: int) -> tuple[Array, Message]:
    """(symbols (n,), message): takes one symbol off each of the first n lanes. `lookup` finds those of slots (n,)."""
    heads, tail = message
    _check(n, heads, precision)
    head, places = heads[:n], np.uint64(precision)
    slots = head & np.uint64((1 << precision) - 1)
    symbols, starts, freqs = lookup(slots.astype(np.int64))
    head = np.asarray(freqs).astype(np.uint64) * (head >> places) + slots - np.asarray(starts).astype(np.uint64)
    low = head < LEAST
    missing = int(low.sum())
    if missing:
        words, tail = _take(tail, missing)
        head = head.copy()
        head[low] = (head[low] << WORD) | words
    return symbols, Message(np.concatenate([head, heads[n:]]), tail)


def _check(n, heads, precision):
    if not 0 < n <= len(heads) or not 0 < precision <= MOST_PRECISION:
        raise ValueError(
            f"expected at most {len(heads)} symbols, one for each lane, and a precision of 1 to {MOST_PRECISION}, "
            f"but {n} symbols and precision {precision} came"
        )


def _take(tail, n):
    """The n words on top of a tail, in the order in which they were put there, and the tail below them."""
    parts: list[Array] = []
    while n:
        if not tail:
            raise EmptyMessageError(f"{n} more words of 32 bits are asked of a message that has come to its end")
        words, tail = tail
        parts.insert(0, words[-n:])
        if len(words) > n:
            tail = (words[:-n], tail)
        n -= len(parts[0])
    return np.concatenate(parts).astype(np.uint64), tail


def starts_of_probabilities(p: Array, precision: int) -> Array:
    """Tables for `push_symbols`: p (..., V), each row adding up to 1 -> starts (..., V + 1), as `coding.quantise`."""
    p = np.asarray(p, float)
    if p.ndim < 1 or not (p >= 0).all() or (np.abs(p.sum(axis=-1) - 1) > 1e-3).any():
        raise ValueError(f"p should be rows of probabilities that add up to 1, but an array of {p.shape} came")
    below = np.concatenate([np.zeros((*p.shape[:-1], 1)), np.cumsum(p, axis=-1)], axis=-1)
    return starts_of_cumulative(below / below[..., -1:], precision)


def push_symbols(message: Message, symbols: Array, starts: Array, precision: int) -> Message:
    """T symbols, L at a time, with tables starts (V + 1,) that all share, or (T, V + 1)."""
    symbols, starts = np.asarray(symbols), np.asarray(starts)
    L = len(message.heads)
    for at in range(0, len(symbols), L):
        some = symbols[at : at + L]
        table = np.broadcast_to(starts, (len(symbols), starts.shape[-1]))[at : at + L]
        low, high = (np.take_along_axis(table, some[:, None] + step, axis=1)[:, 0] for step in (0, 1))
        message = push(message, low, high - low, precision)
    return message


def pop_symbols(message: Message, count: int, starts: Array, precision: int) -> tuple[Array, Message]:
    """(symbols (T,), message): undoes `push_symbols` of `count` = T symbols with the same tables."""
    starts = np.asarray(starts)
    L, symbols = len(message.heads), np.zeros(count, np.int64)
    for at in reversed(range(0, count, L)):
        table = np.broadcast_to(starts, (count, starts.shape[-1]))[at : at + L]
        found, message = pop(message, _lookup(table), len(table), precision)
        symbols[at : at + L] = found
    return symbols, message


def _lookup(table):
    """The lookup in a table of starts (n, V + 1), a row for each lane."""

    def find(slots):
        symbols = (table[:, 1:] <= slots[:, None]).sum(axis=1)
        low, high = (np.take_along_axis(table, symbols[:, None] + step, axis=1)[:, 0] for step in (0, 1))
        return symbols, low, high - low

    return find


def words_of(message: Message) -> Array:
    """All words of a message, uint32: the tail from its bottom, then the heads, each as its lower and upper word."""
    parts: list[Array] = []
    heads, tail = message
    while tail:
        words, tail = tail
        parts.append(words)
    halves = np.stack([heads & LOW, heads >> WORD], axis=1).astype(np.uint32)
    return np.concatenate([*parts[::-1], halves.ravel()])


def message_of(words: Array, lanes: int) -> Message:
    """The message with these words: undoes `words_of`. EmptyMessageError where they are too few for the lanes."""
    words = np.asarray(words, np.uint32)
    tail_length = len(words) - 2 * lanes
    if lanes < 1 or tail_length < 0:
        raise EmptyMessageError(f"{len(words)} words are too few for the heads of {lanes} lanes")
    halves = words[tail_length:].reshape(lanes, 2).astype(np.uint64)
    heads = halves[:, 0] | (halves[:, 1] << WORD)
    if (heads < LEAST).any():
        raise EmptyMessageError("a head below 2^32: these words are no message")
    return Message(heads, (words[:tail_length], ()) if tail_length else ())


def length(message: Message) -> float:
    """How many bits a message holds: 32 for each word of the tail, and log2(head / 2^32) for each head.

    The difference of two lengths is what was pushed in between, to a part of a bit. As a file it is 32 bits for each
    of `words_of(message)`, which is at most 64 bits a lane more.
    """
    heads, tail = message
    bits = 0
    while tail:
        words, tail = tail
        bits += 32 * len(words)
    return bits + float(np.sum(np.log2(heads.astype(float)) - 32))
