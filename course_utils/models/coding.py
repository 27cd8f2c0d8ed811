"""Asymmetric numeral systems on one whole number, and bits back: what notebook 12 builds, on Python's integers.

A table of *starts* cuts the slots 0 .. 2^precision - 1 into one interval for each of V symbols: symbol v has the slots
starts[v] .. starts[v + 1] - 1, and its frequency, how many these are, over 2^precision is its probability. The message
is one number, the state. `models.coder` does the same in words of 32 bits, for many lanes at once. (Duda 2009; Townsend
et al. 2019, "Practical lossless compression with latent variables using bits back coding".)
"""

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np

from course_utils.networks.arrays import Array, require_positive

Starts = Sequence[int]


def ans_push(state: int, start: int, freq: int, precision: int) -> int:
    """The state with one more symbol on top: (state // freq) 2^precision + start + state % freq.

    state >= 0, a whole number of any size; the symbol has the slots start .. start + freq - 1 of 2^precision. The state
    grows by a factor of 2^precision / freq: by -log2 of the symbol's probability, in bits.
    """
    if not 0 < freq <= (1 << precision) - start or start < 0 or state < 0:
        raise ValueError(
            "expected state >= 0, start >= 0, freq >= 1 and start + freq <= 2^precision, but state = "
            f"{state:.20g}, start = {start}, freq = {freq} and precision = {precision} came"
        )
    times, rest = divmod(state, freq)
    return (times << precision) + start + rest


def ans_pop(state: int, starts: Starts, precision: int) -> tuple[int, int]:
    """(symbol, state): the symbol on top of the state, and the state without it. The inverse of `ans_push`.

    The slot state % 2^precision lies in the interval of the symbol, and the state before was
    freq (state // 2^precision) + slot - start. starts (V + 1,) from 0 to 2^precision.
    """
    if starts[0] != 0 or starts[-1] != 1 << precision:
        raise ValueError(f"starts should go from 0 to {1 << precision}, but they go from {starts[0]} to {starts[-1]}")
    slot = state & ((1 << precision) - 1)
    symbol = bisect_right(starts, slot) - 1
    start = int(starts[symbol])
    return symbol, (int(starts[symbol + 1]) - start) * (state >> precision) + slot - start


def starts_of_cumulative(below: Array, precision: int) -> Array:
    """Starts from cumulative probabilities: below (..., V + 1), ascending from 0 to 1 -> whole numbers (..., V + 1).

    start_v = v + floor((2^precision - V) below_v): each symbol has one slot for sure, and its share of the others.
    """
    V = below.shape[-1] - 1
    if not 0 < V <= 1 << precision:
        raise ValueError(f"2^{precision} slots are too few for {V} symbols, each of which needs one")
    starts = np.arange(V + 1) + np.floor(((1 << precision) - V) * np.clip(below, 0, 1)).astype(np.int64)
    starts[..., 0], starts[..., -1] = 0, 1 << precision
    return starts


def quantise(p: Array, precision: int) -> list[int]:
    """The starts of V symbols with probabilities p (V,): V + 1 whole numbers from 0 to 2^precision.

    Every frequency is at least 1, also where p is 0, and within V of 2^precision p.
    """
    p = np.asarray(p, float)
    if p.ndim != 1 or not len(p) or not (p >= 0).all() or abs(p.sum() - 1) > 1e-3:
        raise ValueError(f"p should be probabilities (V,) that add up to 1, but {p!r:.200} came")
    below = np.append(0, np.cumsum(p))
    return starts_of_cumulative(below / below[-1], precision).tolist()


def gaussian_starts(mu: float, sigma: float, edges: Array, precision: int) -> list[int]:
    """The starts of B intervals, whose probabilities are the mass of N(mu, sigma^2) between neighbouring edges.

    edges (B + 1,) ascending, the first -inf and the last inf -> B + 1 whole numbers from 0 to 2^precision.
    """
    from scipy.special import ndtr

    edges = np.asarray(edges, float)
    require_positive(sigma, "sigma")
    if (
        edges.ndim != 1
        or len(edges) < 2
        or edges[0] != -np.inf
        or edges[-1] != np.inf
        or not (np.diff(edges) > 0).all()
    ):
        raise ValueError(f"edges should ascend from -inf to inf, but {edges!r:.200} came")
    return starts_of_cumulative(ndtr((edges - mu) / sigma), precision).tolist()


def push_symbol(state: int, symbol: int, starts: Starts, precision: int) -> int:
    """`ans_push` of a symbol by its number, with the table that `ans_pop` takes."""
    return ans_push(state, int(starts[symbol]), int(starts[symbol + 1]) - int(starts[symbol]), precision)


def bits_back_encode(
    state: int, x: int, prior: Starts, likelihood: Sequence[Starts], posterior: Sequence[Starts], precision: int
) -> int:
    """The state with x on top, by way of a latent z that the state itself chooses.

    Pops z with q(z | x) = posterior[x], which gives back -log2 q(z | x) bits, pushes x with p(x | z) = likelihood[z]
    and z with p(z) = prior. In the mean over z that costs -ELBO / ln 2 bits. (Hinton and van Camp 1993; Frey and Hinton
    1997.)
    """
    z, state = ans_pop(state, posterior[x], precision)
    return push_symbol(push_symbol(state, x, likelihood[z], precision), z, prior, precision)


def bits_back_decode(
    state: int, prior: Starts, likelihood: Sequence[Starts], posterior: Sequence[Starts], precision: int
) -> tuple[int, int]:
    """(x, state): undoes `bits_back_encode`, step by step from the last: pops z, pops x, pushes z with q(z | x)."""
    z, state = ans_pop(state, prior, precision)
    x, state = ans_pop(state, likelihood[z], precision)
    return x, push_symbol(state, z, posterior[x], precision)
