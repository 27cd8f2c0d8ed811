"""What melodies are measured by, apart from the model that made them: an n-gram model, their key, their notes."""

from typing import NamedTuple

import numpy as np

from course_utils.data import HOLD, REST
from course_utils.models.melody import notes
from course_utils.networks.arrays import Array

LEAP = 24  # larger intervals count as this
EVENTS, BEAT = 2 + 2 * LEAP + 1, 4  # hold, rest, intervals; sixteenths of a beat
MAJOR = np.array([0, 2, 4, 5, 7, 9, 11])


class NGrams(NamedTuple):
    """Counts of an n-gram model: for each length of context (sorted codes of (context, event), their counts, sorted
    codes of contexts, their counts, how many different events followed)."""

    tables: tuple[tuple[Array, Array, Array, Array, Array], ...]


def events(melodies: Array) -> Array:
    """Holds (0), rests (1) and, where a note starts, 2 + LEAP + its interval from the note before, which is the same in
    every key; the first note counts as a repetition. melodies (N, T) -> (N, T)."""
    x = np.asarray(melodies)
    pitched = x >= 0
    place = np.where(pitched, np.arange(x.shape[1]), -1)
    last = np.maximum.accumulate(place, axis=1)
    before = np.concatenate([np.full((len(x), 1), -1), last[:, :-1]], axis=1)
    previous = np.take_along_axis(x, np.maximum(before, 0), axis=1)
    interval = np.clip(np.where(before >= 0, x - previous, 0), -LEAP, LEAP)
    return np.where(pitched, 2 + LEAP + interval, np.where(x == REST, 1, 0))


def _contexts(e, k):
    """A whole number for the place in the beat and the k events before each event; a mark stands before the start."""
    padded = np.concatenate([np.full((len(e), k), EVENTS), e], axis=1)
    code = np.tile(np.arange(e.shape[1]) % BEAT, (len(e), 1)).astype(np.int64)
    for i in range(k):
        code = code * (EVENTS + 1) + padded[:, i : i + e.shape[1]]
    return code


def ngram_fit(melodies: Array, n: int = 4) -> NGrams:
    """Counts the events of melodies (N, T) behind every context of 0 to n - 1 events."""
    e = events(melodies)
    tables = []
    for k in range(n):
        context = _contexts(e, k)
        pairs, count = np.unique(context * EVENTS + e, return_counts=True)
        contexts, first = np.unique(pairs // EVENTS, return_index=True)
        total = np.add.reduceat(count, first)
        tables.append((pairs, count, contexts, total, np.diff(np.append(first, len(pairs)))))
    return NGrams(tuple(tables))


def ngram_log_prob(model: NGrams, melodies: Array) -> Array:
    """log p of each melody (N, T) under the n-gram model, (N,), in nats.

    p_k(e | context) = (n(context, e) + d p_{k-1}(e | shorter context)) / (n(context) + d), where d is how many
    different events followed the context; p_{-1} is uniform. (Witten and Bell 1991.)
    """
    e = events(melodies)
    p = np.full(e.shape, 1 / EVENTS)
    for k, (pairs, count, contexts, total, different) in enumerate(model.tables):
        context = _contexts(e, k)
        n_pair, n_context, d = (
            _look_up(keys, values, codes)
            for keys, values, codes in (
                (pairs, count, context * EVENTS + e),
                (contexts, total, context),
                (contexts, different, context),
            )
        )
        p = np.where(n_context > 0, (n_pair + d * p) / np.maximum(n_context + d, 1), p)
    return np.log(p).sum(axis=1)


def _look_up(keys, values, codes):
    """values[i] where codes == keys[i], 0 where there is none."""
    at = np.minimum(np.searchsorted(keys, codes), len(keys) - 1)
    return np.where(keys[at] == codes, values[at], 0)


def share_in_key(melody: Array) -> float:
    """The share of a melody's notes that lie in one major scale (or the minor one of the same notes): the best of
    twelve; nan where there is no note."""
    pitches = notes(melody)[2]
    if not len(pitches):
        return float("nan")
    return max(float(np.mean(np.isin((pitches - tonic) % 12, MAJOR))) for tonic in range(12))


def onsets(melodies: Array) -> Array:
    """How many notes each melody has, (N,)."""
    return np.sum(np.asarray(melodies) >= 0, axis=1)


def random_mix(a: Array, b: Array, rng: np.random.Generator) -> Array:
    """Melodies whose every step is that of a or of b (N, T), by the toss of a coin."""
    return np.where(rng.random(np.shape(a)) < 0.5, a, b)


def mean_pitch(a: Array, b: Array) -> Array:
    """Melodies (N, T) of the mean of the two pitches that sound at each step, rounded; a note starts where one starts
    in a or b."""
    out = []
    for one, other in zip(a, b, strict=True):
        first, second = sounding(one), sounding(other)
        both = np.where(first < 0, second, np.where(second < 0, first, (first + second + 1) // 2))
        starts = (np.asarray(one) >= 0) | (np.asarray(other) >= 0)
        out.append(np.where(both < 0, REST, np.where(starts, both, HOLD)))
    return np.array(out)


def sounding(melody: Array) -> Array:
    """The pitch that sounds at each step of a melody (T,), -1 for silence."""
    out = np.full(len(melody), -1)
    for start, length, pitch in zip(*notes(melody)):
        out[start : start + length] = pitch
    return out
