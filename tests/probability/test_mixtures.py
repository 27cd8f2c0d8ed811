"""EM for a mixture of Gaussians: against scipy, and the promises that its steps make."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from course_utils.checking import examine
from course_utils.probability.mixtures import em_e_step, em_m_step, mixture_elbo, mixture_log_prob

SEEDS = st.integers(0, 10**6)


def drawn(seed, N=25, C=3):
    rng = np.random.default_rng(seed)
    theta = rng.dirichlet(np.ones(C) * 2), rng.normal(size=C) * 2, rng.uniform(0.3, 2, size=C)
    return rng.normal(size=N) * 2, rng.dirichlet(np.ones(C), size=N), theta


@settings(max_examples=30)
@given(SEEDS)
def test_density_and_responsibilities_by_scipy(seed):
    x, _, (pi, mu, sigma) = drawn(seed)
    joint = pi * stats.norm.pdf(x[:, None], mu, sigma)
    np.testing.assert_allclose(mixture_log_prob(x, pi, mu, sigma), np.log(joint.sum(axis=1)))
    np.testing.assert_allclose(em_e_step(x, pi, mu, sigma), joint / joint.sum(axis=1, keepdims=True))


def test_far_out_the_wide_component_takes_everything():
    r = em_e_step([1e4, -1e6], [0.5, 0.5], [0.0, 0.0], [1.0, 2.0])
    np.testing.assert_allclose(r, [[0, 1], [0, 1]], atol=1e-12)
    assert np.isfinite(mixture_log_prob([1e4], [0.5, 0.5], [0.0, 0.0], [1.0, 2.0])).all()


@settings(max_examples=40)
@given(SEEDS)
def test_the_bound_is_below_and_touches_after_an_e_step(seed):
    x, r, theta = drawn(seed)
    log_p, best = mixture_log_prob(x, *theta), em_e_step(x, *theta)
    assert np.all(mixture_elbo(x, r, *theta) <= log_p + 1e-10)
    np.testing.assert_allclose(mixture_elbo(x, best, *theta), log_p, atol=1e-10)
    kl = np.sum(r * (np.log(r) - np.log(best)), axis=1)
    np.testing.assert_allclose(log_p - mixture_elbo(x, r, *theta), kl, atol=1e-8)


def test_certain_responsibilities_have_no_entropy():
    x, _, (pi, mu, sigma) = drawn(1)
    r = np.eye(3)[np.arange(len(x)) % 3]
    chosen = (np.log(pi) + stats.norm.logpdf(x[:, None], mu, sigma))[r == 1]
    np.testing.assert_allclose(mixture_elbo(x, r, pi, mu, sigma), chosen)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_numerical_optimiser_finds_no_better_m_step(seed):
    x, r, _ = drawn(seed, C=2)
    pi, mu, sigma = em_m_step(x, r)

    def minus_bound(free):
        weights = np.exp([free[0], 0]) / np.exp([free[0], 0]).sum()
        return -mixture_elbo(x, r, weights, free[1:3], np.exp(free[3:])).sum()

    found = optimize.minimize(minus_bound, np.zeros(5), method="BFGS").x
    np.testing.assert_allclose(found[1:3], mu, atol=1e-3)
    np.testing.assert_allclose(np.exp(found[3:]), sigma, atol=1e-3)
    assert 1 / (1 + np.exp(-found[0])) == pytest.approx(pi[0], abs=1e-3) and pi.sum() == pytest.approx(1)


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_no_half_step_of_em_lowers_the_bound(seed):
    x, r, theta = drawn(seed, N=60, C=2)
    before = -np.inf
    for _ in range(10):
        r = em_e_step(x, *theta)
        after_e = mixture_elbo(x, r, *theta).mean()
        theta = em_m_step(x, r)
        if not np.all(theta[2] > 1e-6):
            return  # a component has shrunk onto a single example, where the density is unbounded
        after_m = mixture_elbo(x, r, *theta).mean()
        assert before - 1e-9 <= after_e <= after_m + 1e-9
        before = after_m


def test_an_empty_component_changes_nothing():
    """With a third component of weight 0, all is as it is without it; responsibilities and weights of 0 count 0."""
    x, _, (pi, mu, sigma) = drawn(3, C=2)
    theta = np.append(pi, 0.0), np.append(mu, 5.0), np.append(sigma, 2.0)
    with np.errstate(all="raise", under="ignore"):
        r, less = em_e_step(x, *theta), em_e_step(x, pi, mu, sigma)
        np.testing.assert_allclose(r, np.c_[less, np.zeros(len(x))])
        np.testing.assert_allclose(mixture_elbo(x, r, *theta), mixture_log_prob(x, pi, mu, sigma))
        after = em_m_step(x, r)
        for got, two in zip(after, em_m_step(x, less)):
            np.testing.assert_allclose(got[:2], two)
        assert (after[0][2], after[1][2]) == (0, pytest.approx(x.mean())) and after[2][2] == pytest.approx(x.std())
        assert np.all(mixture_elbo(x, r, *after) > -np.inf)


def test_a_component_that_cannot_be_but_has_responsibility_costs_infinitely_much():
    x, r, (_, mu, sigma) = drawn(4, C=2)
    assert np.all(mixture_elbo(x, r, [0.0, 1.0], mu, sigma) == -np.inf)


def test_a_share_too_small_for_its_square_is_still_a_share():
    x, tiny = np.array([1.0, 2.0, 4.0]), 1e-300
    _, mu, sigma = em_m_step(x, np.array([[1, 0], [1 - tiny, tiny], [1 - tiny, tiny]]))
    assert mu[1] == pytest.approx(3) and sigma[1] == pytest.approx(1)


@pytest.mark.whole
@pytest.mark.parametrize("least", [0.0, 1e-9])
def test_the_exercise_tells_hard_assignments_whether_or_not_they_guard_empty_components(least):
    """Its own wrong answer calls the library, which has numbers for an empty component; students divide 0 by 0."""

    def hard(x, responsibilities):
        r = np.eye(responsibilities.shape[1])[responsibilities.argmax(axis=1)]
        counts = np.maximum(r.sum(axis=0), least)
        mu = x @ r / counts
        return counts / len(x), mu, np.sqrt((r * (x[:, None] - mu) ** 2).sum(axis=0) / counts)

    for seed in range(6):
        assert examine(hard, name="em_m_step", seed=seed).misconception == "hard assignment"
