"""Mixtures as outputs: densities by scipy, gradients by finite differences, draws by their distribution."""

import numpy as np
import pytest
from autograd.test_util import check_grads
from scipy import special, stats

from course_utils.networks.mixture_outputs import mixture_log_densities, mixture_nll, mixture_sample

N, M, D = 4, 3, 2


def outputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(N, 3 * M * D)), rng.normal(size=(N, D))


def by_scipy(out, x):
    logits, mu, log_sigma = np.split(out, 3, axis=1)
    log_p = np.empty(x.shape)
    for n in range(len(x)):
        for d in range(x.shape[1]):
            w = special.softmax(logits[n].reshape(M, -1)[:, d])
            parts = stats.norm.pdf(x[n, d], mu[n].reshape(M, -1)[:, d], np.exp(log_sigma[n].reshape(M, -1)[:, d]))
            log_p[n, d] = np.log(w @ parts)
    return log_p


def test_densities():
    out, x = outputs()
    np.testing.assert_allclose(mixture_log_densities(out, x), by_scipy(out, x), rtol=1e-10)
    np.testing.assert_allclose(mixture_nll(out, x), -by_scipy(out, x).sum(axis=1), rtol=1e-10)


def test_far_away_it_stays_finite():
    out, x = outputs()
    assert np.isfinite(mixture_nll(out.astype("f4"), (x + 1e4).astype("f4"))).all()


def test_gradient():
    out, x = outputs(1)
    check_grads(lambda out: mixture_nll(out, x), modes=["rev"], order=1)(out)


def test_float32_stays():
    from autograd import grad

    out, x = (a.astype("f4") for a in outputs())
    assert grad(lambda out: np.float32(1) * mixture_nll(out, x).sum())(out).dtype == np.float32


def test_inputs_are_left_as_they_are():
    out, x = outputs()
    before = out.copy(), x.copy()
    mixture_nll(out, x), mixture_sample(out, np.full((N, D), 0.5), np.zeros((N, D)))
    np.testing.assert_array_equal(out, before[0]), np.testing.assert_array_equal(x, before[1])


def test_draws_follow_the_density():
    out, rng = np.repeat(outputs(2)[0][:1], 20_000, axis=0), np.random.default_rng(3)
    drawn = mixture_sample(out, rng.random((20_000, D)), rng.normal(size=(20_000, D)))
    grid = np.linspace(-25, 25, 5001)
    for d in range(D):
        x = np.zeros((len(grid), D))
        x[:, d] = grid
        density = np.exp(mixture_log_densities(np.repeat(out[:1], len(grid), axis=0), x)[:, d])
        cumulative = np.cumsum(density) * (grid[1] - grid[0])
        assert abs(cumulative[-1] - 1) < 1e-3
        assert stats.kstest(drawn[:, d], lambda v, c=cumulative: np.interp(v, grid, c)).pvalue > 1e-3


def test_other_widths_are_refused():
    with pytest.raises(ValueError, match="with D = 2 are expected"):
        mixture_nll(np.zeros((3, 7)), np.zeros((3, 2)))
