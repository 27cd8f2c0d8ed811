"""Evidence, posterior, ELBO and gap on a grid, against closed forms and adaptive quadrature."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from course_utils.probability import grids, toy_joints
from course_utils.probability.toy_joints import FAINT, LINEAR, bent_log_joint, faint_log_joint, linear_log_joint

GRID = np.linspace(-7, 7, 2801)
JOINTS = [linear_log_joint, bent_log_joint, faint_log_joint]
GAUSSIANS = [(linear_log_joint, LINEAR), (faint_log_joint, FAINT)]
MEANS, WIDTHS = st.floats(-1, 1), st.floats(0.1, 0.7)  # the grid must cover q, too


def gaussian_kl(m_q, s_q, m_p, s_p):
    return np.log(s_p / s_q) + (s_q**2 + (m_q - m_p) ** 2) / (2 * s_p**2) - 0.5


@pytest.mark.parametrize("steps", [[0.1, 0.1, 0.1], [0.05, 1.3, 0.2, 0.7]])
def test_weights_are_the_trapezoid_rule(steps):
    grid = np.append(0, np.cumsum(steps)) - 1
    values = np.cos(grid)
    assert grids.integrate(values, grid) == pytest.approx(integrate.trapezoid(values, grid))
    exact = np.polyval([1, 1, 0], grid[-1]) - np.polyval([1, 1, 0], grid[0])
    assert grids.integrate(2 * grid + 1, grid) == pytest.approx(exact)
    both = grids.integrate(np.stack([values, 3 * values]), grid)
    np.testing.assert_allclose(both, grids.integrate(values, grid) * np.array([1, 3]))


@pytest.mark.parametrize("log_joint, model", GAUSSIANS)
def test_evidence_and_posterior_of_linear_models(log_joint, model):
    evidence = toy_joints.linear_log_evidence(model)
    assert grids.log_evidence_on_grid(log_joint, GRID) == pytest.approx(evidence, abs=1e-8)
    exact = stats.norm.pdf(GRID, *toy_joints.linear_posterior(model))
    np.testing.assert_allclose(grids.posterior_on_grid(log_joint, GRID), exact, atol=1e-8)


def test_evidence_of_the_bent_model_by_adaptive_quadrature():
    area, _ = integrate.quad(lambda z: np.exp(bent_log_joint(z)), -7, 7, points=[-1.1, 1.2], epsabs=1e-13)
    assert grids.log_evidence_on_grid(bent_log_joint, GRID) == pytest.approx(np.log(area), abs=1e-8)


@pytest.mark.parametrize("log_joint", JOINTS)
def test_the_posterior_integrates_to_one_on_uneven_grids(log_joint):
    grid = np.sort(np.random.default_rng(0).uniform(-5, 5, size=300))
    assert grids.integrate(grids.posterior_on_grid(log_joint, grid), grid) == pytest.approx(1)


@pytest.mark.whole
@settings(max_examples=40, deadline=None)
@given(MEANS, WIDTHS, st.sampled_from(GAUSSIANS))
def test_the_gap_of_a_linear_model_is_the_kl_of_two_gaussians(mean, width, joint_and_model):
    log_joint, model = joint_and_model
    q = grids.gaussian_on_grid(GRID, mean, width)
    kl = gaussian_kl(mean, width, *toy_joints.linear_posterior(model))
    assert grids.gap_on_grid(log_joint, q, GRID) == pytest.approx(kl, abs=1e-6, rel=1e-8)
    elbo = toy_joints.linear_log_evidence(model) - kl
    assert grids.elbo_on_grid(log_joint, q, GRID) == pytest.approx(elbo, abs=1e-6, rel=1e-8)


@pytest.mark.whole
@settings(max_examples=60, deadline=None)
@given(MEANS, WIDTHS, st.floats(0, 1), st.floats(-1, 1), st.sampled_from(JOINTS))
def test_f_and_gap_make_up_the_evidence(mean, width, share, cut, log_joint):
    """For Gaussian bumps of any shares, with zeros left of a cut: to 1e-8 of what is added up."""
    first, second = grids.gaussian_on_grid(GRID, mean, width), grids.gaussian_on_grid(GRID, 1.5, 0.3)
    q = share * first + (1 - share) * second
    q = np.where(cut > GRID, 0, q)
    q = q / grids.integrate(q, GRID)
    F, gap = grids.elbo_on_grid(log_joint, q, GRID), grids.gap_on_grid(log_joint, q, GRID)
    assert gap >= 0 and np.isfinite(F)
    assert F + gap == pytest.approx(grids.log_evidence_on_grid(log_joint, GRID), abs=1e-8, rel=1e-12)


@pytest.mark.parametrize("log_joint", JOINTS)
def test_the_posterior_has_no_gap(log_joint):
    posterior = grids.posterior_on_grid(log_joint, GRID)
    assert grids.gap_on_grid(log_joint, posterior, GRID) == pytest.approx(0, abs=1e-8)


def test_a_posterior_cut_short_pays_for_what_it_leaves_out():
    posterior = grids.posterior_on_grid(bent_log_joint, GRID)
    right = np.where(GRID > 0, posterior, 0)
    share = grids.integrate(right, GRID)
    assert 0.1 < share < 0.9
    assert grids.gap_on_grid(bent_log_joint, right / share, GRID) == pytest.approx(-np.log(share), abs=1e-10)


def truncated(z):
    """log p(x, z) of a p(z | x) that is a standard normal without its negative half, and -inf there."""
    return np.where(z >= 0, stats.norm.logpdf(z) - 7, -np.inf)


def test_where_q_and_p_are_both_zero_nothing_counts():
    q = np.where(GRID >= 0, 2 * stats.norm.pdf(GRID), 0)
    q = q / grids.integrate(q, GRID)
    evidence = grids.log_evidence_on_grid(truncated, GRID)
    with np.errstate(all="raise", under="ignore"):
        assert grids.gap_on_grid(truncated, q, GRID) == pytest.approx(0, abs=1e-12)
        assert grids.elbo_on_grid(truncated, q, GRID) == pytest.approx(evidence, abs=1e-12)
        half = np.where(GRID >= 1, q, 0)
        half = half / grids.integrate(half, GRID)
        gap, share = grids.gap_on_grid(truncated, half, GRID), stats.norm.sf(1) / stats.norm.sf(0)
    assert gap == pytest.approx(-np.log(share), abs=5e-3)  # the step at 1 has half a grid's width
    assert grids.elbo_on_grid(truncated, half, GRID) == pytest.approx(evidence - gap, abs=1e-12)


def test_mass_where_p_is_zero_costs_infinitely_much_and_nan_stays_nan():
    q = grids.gaussian_on_grid(GRID, 0, 1)
    assert grids.elbo_on_grid(truncated, q, GRID) == -np.inf and grids.gap_on_grid(truncated, q, GRID) == np.inf
    positive = np.where(GRID >= 0, q, 0)
    broken = lambda z: np.where(z >= 0, -z, np.nan)  # noqa: E731  a mistake where q is 0 must be seen as well
    assert np.isnan(grids.elbo_on_grid(broken, positive, GRID)) and np.isnan(grids.gap_on_grid(broken, positive, GRID))
