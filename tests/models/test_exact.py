"""Networks and tables that are the same on every machine: exact sums, and values that are nowhere near a tie."""

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy import special

from course_utils.models import exact
from course_utils.models.long_training import load_vae_digits
from course_utils.networks.nets import init_mlp, mlp

# Every function that is rounded: the grid of its arguments, the function, what it is multiplied with before rounding.
ROUNDED = {
    "tanh": (np.arange(-8 << 8, (8 << 8) + 1) / (1 << exact.INNER), np.tanh, 1 << exact.ACTIVATION),
    "1 / sigma": (np.arange(-6 << 10, (2 << 10) + 1) / (1 << exact.OUTPUT), lambda s: np.exp(-s), 1 << exact.OUTPUT),
    "sigmoid": (np.arange(-14 << 10, (14 << 10) + 1) / (1 << 10), special.expit, 1 << exact.PIXEL_PRECISION),
    "Phi": (
        np.arange(-8 << 14, (8 << 14) + 1) / (1 << exact.STANDARD),
        special.ndtr,
        (1 << exact.LATENT_PRECISION) - (1 << exact.BUCKET_BITS),
    ),
    "middles": ((np.arange(4096) + 0.5) / 4096, special.ndtri, 1 << exact.ACTIVATION),
    "edges": (np.arange(1, 4096) / 4096, special.ndtri, 1 << exact.EDGE),
}


@pytest.mark.parametrize("name", ROUNDED)
def test_no_value_is_so_near_to_a_tie_that_a_machine_could_decide(name):
    """A library's functions are right to some units in the last place, 2e-16 of the value; there is room for 100."""
    grid, function, scale = ROUNDED[name]
    values = function(grid) * scale
    from_tie = np.abs(values - np.floor(values) - 0.5)
    assert (from_tie > 100 * 2.3e-16 * np.maximum(np.abs(values), 1)).all()


def exactly(params, x):
    """The exact network with rational numbers, whose sums no order can change."""
    h = [Fraction(float(v)) for v in x]
    for n, (W, b) in enumerate(params):
        a = [
            sum((hi * Fraction(float(w)) for hi, w in zip(h, column)), Fraction(float(c))) for column, c in zip(W.T, b)
        ]
        if n == len(params) - 1:
            return np.array([float(Fraction(round(v * 1024), 1024)) for v in a])
        h = [Fraction(round(math.tanh(round(v * 256) / 256) * 4096), 4096) for v in a]


def test_sums_are_exact():
    rng = np.random.default_rng(0)
    params = exact.exact_network(init_mlp([30, 20, 10, 4], rng))
    for x in rng.integers(0, 2, size=(3, 30)):
        np.testing.assert_array_equal(exact.exact_mlp(params, x), exactly(params, x))


def test_the_order_of_the_sums_changes_nothing():
    encoder, decoder, _ = load_vae_digits()
    rng = np.random.default_rng(1)
    for network, x in (
        (encoder, rng.integers(0, 2, (40, 784))),
        (decoder, exact.rounded(rng.normal(size=(40, 20)), 12)),
    ):
        params = exact.exact_network(network)
        order = rng.permutation(len(x[0]))
        turned = [(params[0][0][order], params[0][1]), *params[1:]]
        together = exact.exact_mlp(params, x)
        np.testing.assert_array_equal(together, exact.exact_mlp(turned, x[:, order]))
        np.testing.assert_array_equal(together, [exact.exact_mlp(params, row[None])[0] for row in x])
        assert (together != exact.rounded(mlp([(W, b) for W, b in network], x), 10)).any()  # float32 would differ


def test_little_is_lost_by_rounding():
    encoder, _, _ = load_vae_digits()
    x = np.random.default_rng(2).integers(0, 2, (50, 784))
    assert np.abs(exact.exact_mlp(exact.exact_network(encoder), x) - mlp(encoder, x)).max() < 0.02


def test_large_weights_are_refused():
    with pytest.raises(ValueError, match="no room"):
        exact.exact_network([(np.full((3, 2), 1e7), np.zeros(2))])


def test_pixels_always_have_both_symbols():
    freqs = exact.pixel_frequencies(np.array([-1000.0, -3, 0, 3, 1000]))
    assert (freqs >= 1).all() and (freqs < 1 << 20).all() and freqs[2] == 1 << 19 and freqs[1] + freqs[3] == 1 << 20


def test_posterior_starts_ascend_by_at_least_one_from_0_to_all():
    edges = exact.bucket_edges()
    index = np.arange(4097)
    for mu, log_sigma in [(0.0, 0.0), (1.5, -3.0), (-6.0, -6.0), (0.25, 1.0)]:
        starts = exact.posterior_starts(index, np.full(4097, mu), np.full(4097, log_sigma), edges)
        assert starts[0] == 0 and starts[-1] == 1 << 24 and np.diff(starts).min() >= 1
        below = special.ndtr((edges - mu) / np.exp(log_sigma))
        assert np.abs(starts / (1 << 24) - below).max() < 1e-3


def test_buckets_have_equal_mass():
    edges, middles = exact.bucket_edges(), exact.bucket_middles()
    assert (edges[:-1] < middles).all() and (middles < edges[1:]).all()
    np.testing.assert_allclose(np.diff(special.ndtr(edges)), 1 / 4096, rtol=0.12)  # edges are rounded
