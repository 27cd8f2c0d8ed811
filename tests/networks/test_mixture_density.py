"""Mixtures in the plane: densities against scipy, the node against finite differences, samples by moments."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from autograd.test_util import check_grads
from scipy import integrate, special, stats

from course_utils.networks import mixture_density as md


def some(N=5, M=3, P=1, seed=0):
    rng = np.random.default_rng(seed)
    params = rng.normal(size=(N, M * (1 + 5 * P)))
    return params, rng.normal(size=(N, P, 2))


def by_scipy(params, dx, dy):
    out = []
    for row, *point in zip(params, dx, dy):
        logits, mx, my, sx, sy, k = np.split(row, 6)
        log_n = [
            stats.multivariate_normal.logpdf(
                point,
                [mx[m], my[m]],
                [
                    [np.exp(2 * sx[m]), np.tanh(k[m]) * np.exp(sx[m] + sy[m])],
                    [np.tanh(k[m]) * np.exp(sx[m] + sy[m]), np.exp(2 * sy[m])],
                ],
            )
            for m in range(len(logits))
        ]
        out.append(-special.logsumexp(special.log_softmax(logits) + log_n))
    return np.array(out)


def test_the_density_is_scipys():
    params, points = some()
    np.testing.assert_allclose(md.mixture_nll(params, *points[:, 0].T), by_scipy(params, *points[:, 0].T), rtol=1e-10)


@pytest.mark.slow
def test_the_density_integrates_to_one():
    params, _ = some(1, 2)
    density = lambda y, x: float(np.exp(-md.mixture_nll(params, np.array([x]), np.array([y])))[0])  # noqa: E731
    total, _ = integrate.dblquad(density, -12, 12, -12, 12, epsabs=1e-4)
    assert total == pytest.approx(1, abs=1e-3)


def test_far_away_and_nearly_straight_stay_finite():
    params, points = some()
    params[:, -3:] = 40  # tanh is 1 in floating point
    with np.errstate(over="ignore"):
        far = md.mixture_nll(some()[0], *(1e4 * points[:, 0].T))
    assert np.isfinite(far).all() and far.min() > 1e5
    params[:, -3:] = 15
    assert np.isfinite(md.mixture_nll(params, *points[:, 0].T)).all()


def test_the_node_has_the_values_of_the_formula():
    params, points = some()
    np.testing.assert_allclose(
        md.stroke_cross_entropy(params, points), md.mixture_nll(params, *points[:, 0].T), rtol=1e-12
    )


def test_one_component_explains_all_points_of_a_stroke():
    params, points = some(4, 2, 3)
    logits, parts = md.stroke_parts(params, 3)
    log_n = np.zeros((4, 2))
    for p in range(3):
        for m in range(2):
            alone = np.hstack([np.zeros((4, 1)), parts[:, :, p, m]])
            log_n[:, m] -= md.mixture_nll(alone, *points[:, p].T)
    expected = -special.logsumexp(special.log_softmax(logits, axis=1) + log_n, axis=1)
    np.testing.assert_allclose(md.stroke_cross_entropy(params, points), expected, rtol=1e-12)


@pytest.mark.parametrize("P", [1, 4])
def test_the_nodes_gradient_is_that_of_finite_differences(P):
    params, points = some(P=P)
    check_grads(lambda params: md.stroke_cross_entropy(params, points), modes=["rev"], order=1)(params)


def test_its_gradient_is_autograds_and_keeps_float32():
    params, points = some()
    plain = grad(lambda p: anp.sum(md.mixture_nll(p, *points[:, 0].T)))(params)
    np.testing.assert_allclose(grad(lambda p: anp.sum(md.stroke_cross_entropy(p, points)))(params), plain, atol=1e-10)
    single = grad(lambda p: anp.mean(md.stroke_cross_entropy(p, points.astype("f4"))))(params.astype("f4"))
    assert single.dtype == np.float32


def test_temperature_changes_samples_as_it_says():
    params, _ = some(1, 1)
    cold = md.at_temperature(params, 0.25)
    rng = np.random.default_rng(0)
    drawn = {
        name: md.mixture_sample(np.repeat(p, 40_000, axis=0), rng) for name, p in (("warm", params), ("cold", cold))
    }
    np.testing.assert_allclose(drawn["cold"].std(axis=0), 0.5 * drawn["warm"].std(axis=0), rtol=0.03)
    logits = md.at_temperature(np.array([[0.0, 1, *np.zeros(10)]]), 0.5)[0, :2]
    np.testing.assert_allclose(logits, [0, 2])
    with pytest.raises(ValueError, match="above 0"):
        md.at_temperature(params, 0)


def test_samples_have_the_mixtures_moments():
    params, _ = some(1, 3)
    drawn = md.mixture_sample(np.repeat(params, 60_000, axis=0), np.random.default_rng(1))
    logits, mx, my, sx, sy, k = np.split(params[0], 6)
    pi = special.softmax(logits)
    mean = np.array([pi @ mx, pi @ my])
    cross = pi @ (np.tanh(k) * np.exp(sx + sy) + mx * my) - mean[0] * mean[1]
    deviation = np.sqrt([pi @ (np.exp(2 * sx) + mx**2) - mean[0] ** 2, pi @ (np.exp(2 * sy) + my**2) - mean[1] ** 2])
    np.testing.assert_allclose(drawn.mean(axis=0), mean, atol=5 * deviation.max() / 245)
    np.testing.assert_allclose(drawn.std(axis=0), deviation, rtol=0.05)
    assert np.cov(drawn.T)[0, 1] == pytest.approx(cross, abs=0.05 * deviation.prod())


def test_the_likeliest_stroke_is_the_mean_of_the_component_with_the_largest_weight():
    params, _ = some(3, 4, 2)
    logits, parts = md.stroke_parts(params, 2)
    chosen = md.likeliest_strokes(params, 2)
    for n in range(3):
        m = logits[n].argmax()
        np.testing.assert_array_equal(chosen[n], parts[n, :2, :, m].T)


def test_columns_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match="six numbers for each component"):
        md.mixture_nll(np.zeros((2, 7)), np.zeros(2), np.zeros(2))
    with pytest.raises(ValueError, match=r"dx and dy should be \(2,\)"):
        md.mixture_nll(np.zeros((2, 6)), np.zeros(3), np.zeros(3))
    with pytest.raises(ValueError, match=r"M \(1 \+ 5 P\) columns"):
        md.stroke_parts(np.zeros((2, 12)), 2)
