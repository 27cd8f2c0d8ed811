"""Divergences of categorical distributions and of densities on a grid."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.special import rel_entr

from course_utils.probability.divergences import kl_categorical, kl_on_grid
from course_utils.probability.gaussians import kl_gaussians

GRID = np.linspace(-30, 30, 6001)


def probabilities(seed, C=5):
    return np.random.default_rng(seed).dirichlet(np.ones(C))


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_kl_categorical_is_scipys_and_never_negative(first, second):
    q, p = probabilities(first), probabilities(second)
    assert kl_categorical(q, p) == pytest.approx(rel_entr(q, p).sum(), abs=1e-12)
    assert kl_categorical(q, p) >= -1e-12 and kl_categorical(q, q) == 0


def test_zeros_count_nothing_in_q_and_are_infinite_in_p():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert kl_categorical([0.5, 0.5, 0], [0.25, 0.25, 0.5]) == pytest.approx(np.log(2))
        assert kl_categorical([0.5, 0.5, 0], [0.5, 0.5, 0]) == 0
        assert kl_categorical([0.25, 0.25, 0.5], [0.5, 0.5, 0]) == np.inf


def test_merging_classes_never_raises_the_divergence():
    """The data-processing inequality, which a wrong sign or a wrong weight would break."""
    for seed in range(50):
        q, p = probabilities(seed), probabilities(seed + 1000)
        merged = [np.append(a[:3], a[3:].sum()) for a in (q, p)]
        assert kl_categorical(*merged) <= kl_categorical(q, p) + 1e-12


def test_kl_on_grid_is_the_closed_form_of_gaussians():
    for m_q, s_q, m_p, s_p in [(0.5, -0.4, -1, 0.3), (2, 0.6, 1, -0.3)]:
        got = kl_on_grid(stats.norm.logpdf(GRID, m_q, np.exp(s_q)), stats.norm.logpdf(GRID, m_p, np.exp(s_p)), GRID)
        expected = kl_gaussians(*(np.full((1, 1), a) for a in (m_q, s_q, m_p, s_p)))[0]
        assert got == pytest.approx(expected, rel=1e-8)


def test_kl_on_grid_broadcasts_and_survives_where_densities_underflow():
    means = np.array([0.0, 3.0])
    log_q = stats.norm.logpdf(GRID, means[:, None], 1)
    log_p = stats.norm.logpdf(GRID, 0, 0.3)  # exp underflows to 0 on most of the grid
    assert np.exp(log_p).min() == 0
    expected = (1 + means**2) / (2 * 0.09) - 0.5 + np.log(0.3)
    np.testing.assert_allclose(kl_on_grid(log_q, log_p, GRID), expected, rtol=1e-8)


def test_kl_on_grid_with_densities_that_are_zero():
    grid = np.linspace(0, 2, 2001)
    with np.errstate(divide="ignore"):
        half, whole = np.log(np.where(grid <= 1, 1.0, 0.0)), np.full(2001, np.log(0.5))
    assert kl_on_grid(half, whole, grid) == pytest.approx(np.log(2), abs=1e-3)
    assert kl_on_grid(whole, half, grid) == np.inf
    assert kl_on_grid(half, half, grid) == 0


def test_kl_on_grid_where_exp_of_log_q_underflows():
    """Beyond |z| = 39 a standard normal is 0 in floating point; p is uniform up to there, and 0 beyond."""
    grid = np.linspace(-60, 60, 12001)
    log_q, log_p = stats.norm.logpdf(grid), np.where(np.abs(grid) <= 39, -np.log(78), -np.inf)
    assert np.any((np.exp(log_q) == 0) & (log_p == -np.inf) & np.isfinite(log_q))
    with np.errstate(all="raise", under="ignore"):
        assert kl_on_grid(log_q, log_p, grid) == pytest.approx(np.log(78) - stats.norm.entropy(), abs=1e-9)
    assert kl_on_grid(log_q, np.where(np.abs(grid) <= 30, log_p, -np.inf), grid) == np.inf


@pytest.mark.parametrize("at", [0, 100])
def test_kl_on_grid_hides_no_nan(at):
    grid = np.linspace(-60, 60, 201)
    for i in range(2):
        logs = [stats.norm.logpdf(grid), stats.norm.logpdf(grid)]
        logs[i][at] = np.nan
        assert np.isnan(kl_on_grid(*logs, grid))
