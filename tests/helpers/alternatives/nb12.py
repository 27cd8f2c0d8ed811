"""Right answers to notebook 12."""

import bisect
import itertools
import math
from fractions import Fraction

import numpy as np
from scipy import special, stats


# ans_push
def push_divmod(state, start, freq, precision):
    quotient, remainder = divmod(state, freq)
    return quotient << precision | (start + remainder)


def push_by_remainder(state, start, freq, precision):
    rest = state % freq
    return (state - rest) // freq * 2**precision + start + rest


def push_by_fraction(state, start, freq, precision):
    return math.floor(Fraction(state, freq)) * pow(2, precision) + start + state % freq


# ans_pop
def pop_bisect(state, starts, precision):
    slot = state & ((1 << precision) - 1)
    symbol = bisect.bisect(starts, slot) - 1
    return symbol, (starts[symbol + 1] - starts[symbol]) * (state >> precision) + slot - starts[symbol]


def pop_by_loop(state, starts, precision):
    times, slot = divmod(state, 2**precision)
    for symbol, (low, high) in enumerate(zip(starts, starts[1:])):
        if low <= slot < high:
            return [symbol, (high - low) * times + slot - low]
    raise ValueError


def pop_searchsorted(state, starts, precision):
    slot = state % 2**precision
    symbol = int(np.searchsorted(starts, slot, side="right")) - 1
    low, high = starts[symbol], starts[symbol + 1]
    return symbol, int(high - low) * (state // 2**precision) + slot - int(low)


def pop_by_mask(state, starts, precision):
    slot = state % 2**precision
    symbol = np.sum(np.array(starts[1:]) <= slot)
    return symbol, (starts[symbol + 1] - starts[symbol]) * (state // 2**precision) + slot - starts[symbol]


# quantise
def quantise_by_cumsum(p, precision):
    V = len(p)
    starts = np.arange(V + 1) + np.floor((2**precision - V) * np.append(0, np.cumsum(p)))
    starts[-1] = 2**precision
    return starts.astype(int)


def quantise_the_largest_pays(p, precision):
    freqs = [max(1, round(float(value) * 2**precision)) for value in p]
    freqs[int(np.argmax(freqs))] += 2**precision - sum(freqs)
    return [0, *itertools.accumulate(freqs)]


def quantise_rounded_shares(p, precision):
    V, below = len(p), 0.0
    starts = [0]
    for v, value in enumerate(p, 1):
        below += float(value)
        starts.append(v + round((2**precision - V) * min(below, 1.0)))
    return starts[:-1] + [2**precision]


# gaussian_starts
def gaussian_by_ndtr(mu, sigma, edges, precision):
    B = len(edges) - 1
    below = special.ndtr((np.asarray(edges) - mu) / sigma)
    return (np.arange(B + 1) + np.floor((2**precision - B) * below)).astype(int).tolist()


def gaussian_by_quantise(mu, sigma, edges, precision):
    return quantise_by_cumsum(np.diff(stats.norm.cdf(edges, mu, sigma)), precision)


def gaussian_by_erf(mu, sigma, edges, precision):
    B = len(edges) - 1
    below = [0.5 * (1 + math.erf((edge - mu) / (sigma * math.sqrt(2)))) for edge in edges]
    return [j + round((2**precision - B) * b) for j, b in enumerate(below)]


# bits_back_encode
def encode_by_alternatives(state, x, prior, likelihood, posterior, precision):
    z, state = pop_bisect(state, posterior[x], precision)
    for symbol, table in [(x, likelihood[z]), (z, prior)]:
        state = push_divmod(state, table[symbol], table[symbol + 1] - table[symbol], precision)
    return state


def encode_from_the_library(state, x, prior, likelihood, posterior, precision):
    from course_utils.models.coding import ans_pop, push_symbol

    z, state = ans_pop(state, posterior[x], precision)
    return push_symbol(push_symbol(state, x, likelihood[z], precision), z, prior, precision)


# bits_back_decode
def decode_by_alternatives(state, prior, likelihood, posterior, precision):
    z, state = pop_bisect(state, prior, precision)
    x, state = pop_by_loop(state, likelihood[z], precision)
    low, high = posterior[x][z : z + 2]
    return x, push_divmod(state, low, high - low, precision)


def decode_from_the_library(state, prior, likelihood, posterior, precision):
    from course_utils.models.coding import ans_pop, push_symbol

    z, state = ans_pop(state, prior, precision)
    x, state = ans_pop(state, likelihood[z], precision)
    return [x, push_symbol(state, z, posterior[x], precision)]


ALTERNATIVES = {
    "ans_push": [push_divmod, push_by_remainder, push_by_fraction],
    "ans_pop": [pop_bisect, pop_by_loop, pop_searchsorted, pop_by_mask],
    "quantise": [quantise_by_cumsum, quantise_the_largest_pays, quantise_rounded_shares],
    "gaussian_starts": [gaussian_by_ndtr, gaussian_by_quantise, gaussian_by_erf],
    "bits_back_encode": [encode_by_alternatives, encode_from_the_library],
    "bits_back_decode": [decode_by_alternatives, decode_from_the_library],
}
