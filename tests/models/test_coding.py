"""ANS on one number: against counting, exact for states of any size, and bits back against the ELBO by enumeration."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from course_utils.models import coding


def carriers(start, freq, precision, limit):
    """All numbers below `limit` whose slot is the symbol's, in order."""
    return [m for m in range(limit) if start <= m % (1 << precision) < start + freq]


@pytest.mark.parametrize("start, freq", [(0, 1), (3, 2), (5, 3), (0, 8), (7, 1)])
def test_a_push_leads_to_the_number_that_counts_its_symbol(start, freq):
    found = carriers(start, freq, 3, 2000)
    assert [coding.ans_push(state, start, freq, 3) for state in range(len(found))] == found


@pytest.mark.whole
@given(st.integers(0, 2**3000), st.lists(st.integers(1, 50), min_size=1, max_size=9), st.data())
def test_a_pop_undoes_a_push_whatever_the_state(state, freqs, data):
    precision = sum(freqs).bit_length()
    freqs[-1] += (1 << precision) - sum(freqs)
    starts = [0, *np.cumsum(freqs).tolist()]
    symbol = data.draw(st.integers(0, len(freqs) - 1))
    pushed = coding.ans_push(state, starts[symbol], freqs[symbol], precision)
    assert coding.ans_pop(pushed, starts, precision) == (symbol, state)
    popped, rest = coding.ans_pop(state, starts, precision)
    assert coding.push_symbol(rest, popped, starts, precision) == state  # and a push undoes a pop


@pytest.mark.whole
@given(st.lists(st.floats(0, 1), min_size=1, max_size=40).filter(lambda w: sum(w) > 0.01), st.integers(8, 20))
def test_quantised_frequencies_are_at_least_one_and_near_the_probabilities(weights, precision):
    p = np.array(weights) / sum(weights)
    starts = coding.quantise(p, precision)
    freqs = np.diff(starts)
    assert starts[0] == 0 and starts[-1] == 1 << precision and all(type(start) is int for start in starts)
    assert freqs.min() >= 1 and np.abs(freqs - (1 << precision) * p).max() <= max(2, len(p))


@pytest.mark.parametrize("mu, sigma", [(0.0, 1.0), (0.7, 0.3), (-2.0, 0.02), (40.0, 1.0)])
def test_gaussian_starts_have_the_mass_between_the_edges(mu, sigma):
    edges = np.concatenate([[-np.inf], stats.norm.ppf(np.arange(1, 64) / 64), [np.inf]])
    starts = coding.gaussian_starts(mu, sigma, edges, 16)
    mass = np.diff(stats.norm.cdf(edges, mu, sigma))
    assert starts[0] == 0 and starts[-1] == 1 << 16 and np.diff(starts).min() >= 1
    assert np.abs(np.diff(starts) - 65536 * mass).max() <= 64


def small_model(rng, Z=3, X=4):
    prior, likelihood = rng.dirichlet(np.ones(Z)), rng.dirichlet(np.ones(X), size=Z)
    posterior = (prior[:, None] * likelihood / (prior @ likelihood)).T
    return prior, likelihood, posterior


def tables_of(p, precision=16):
    return coding.quantise(p, precision) if p.ndim == 1 else [tables_of(row, precision) for row in p]


def test_bits_back_costs_the_elbo_and_returns_the_loan():
    rng = np.random.default_rng(0)
    prior, likelihood, posterior = small_model(rng)
    q = 0.7 * posterior + 0.3 / 3
    args = (*map(tables_of, (prior, likelihood, q)), 16)
    for x in range(4):
        grown = []
        for _ in range(400):
            state = int.from_bytes(rng.bytes(20), "little")
            longer = coding.bits_back_encode(state, x, *args)
            assert coding.bits_back_decode(longer, *args) == (x, state)
            grown.append(math.log2(longer) - math.log2(state))
        elbo = np.sum(q[x] * (np.log2(prior) + np.log2(likelihood[:, x]) - np.log2(q[x])))
        assert abs(np.mean(grown) + elbo) < 5 * np.std(grown) / 20 + 0.01


def test_with_the_posterior_every_z_costs_the_same():
    """-log2 p(x | z) - log2 p(z) + log2 p(z | x) = -log2 p(x), whatever z is popped."""
    rng = np.random.default_rng(1)
    prior, likelihood, posterior = small_model(rng)
    args = (*map(tables_of, (prior, likelihood, posterior)), 16)
    for x, p_x in enumerate(prior @ likelihood):
        for _ in range(20):
            state = int.from_bytes(rng.bytes(20), "little")
            assert math.log2(coding.bits_back_encode(state, x, *args) / state) == pytest.approx(-np.log2(p_x), abs=0.01)


@pytest.mark.parametrize(
    "call, says",
    [
        (lambda: coding.ans_push(5, 3, 0, 3), "freq >= 1"),
        (lambda: coding.ans_push(5, 6, 3, 3), "start . freq <= 2.precision"),
        (lambda: coding.ans_push(-1, 0, 3, 3), "state >= 0"),
        (lambda: coding.ans_pop(5, [0, 3, 7], 3), "from 0 to 8"),
        (lambda: coding.quantise([0.5, 0.2], 8), "add up to 1"),
        (lambda: coding.quantise([1.5, -0.5], 8), "probabilities"),
        (lambda: coding.quantise(np.full(5, 0.2), 2), "too few for 5 symbols"),
        (lambda: coding.gaussian_starts(0, 0, [-np.inf, np.inf], 8), "sigma should be positive"),
        (lambda: coding.gaussian_starts(0, 1, [-1, 0, 1], 8), "ascend from -inf to inf"),
    ],
)
def test_what_does_not_fit_is_refused(call, says):
    with pytest.raises(ValueError, match=says):
        call()
