"""Bayesian regression against scipy, scikit-learn, quadrature and identities."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from scipy.optimize import minimize
from scipy.stats import multivariate_normal, norm

from course_utils.models import bayesian_regression as regression


@pytest.fixture
def problem():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(9, 4)) @ (np.eye(4) + 0.5 * np.tri(4, k=-1))
    return x, x @ rng.normal(size=4) + 0.5 * rng.normal(size=9), 0.3, 1.7


def test_the_evidence_is_scipys_density(problem):
    x, y, eta, tau = problem
    C = eta * np.eye(9) + tau**2 * x @ x.T
    assert regression.log_evidence(*problem) == pytest.approx(multivariate_normal(np.zeros(9), C).logpdf(y), rel=1e-10)


def test_the_evidence_is_an_integral_over_one_weight():
    rng = np.random.default_rng(1)
    x, y, w = rng.normal(size=(5, 1)), rng.normal(size=5), np.linspace(-12, 12, 20_001)
    joint = norm.logpdf(y[:, None], x * w, np.sqrt(0.4)).sum(axis=0) + norm.logpdf(w, 0, 0.8)
    assert regression.log_evidence(x, y, 0.4, 0.8) == pytest.approx(np.log(np.trapezoid(np.exp(joint), w)), abs=1e-9)


def test_the_evidence_of_many_examples_is_finite():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(800, 3))
    y = x @ np.ones(3) + 0.03 * rng.normal(size=800)
    assert np.linalg.det(1e-3 * np.eye(800) + x @ x.T) == 0
    by_parts = sum(  # one example after another
        norm.logpdf(
            y[n],
            x[n] @ regression.weight_posterior(x[:n], y[:n], 1e-3, 1.0)[0],
            regression.predictive_deviation(
                x[n : n + 1], np.linalg.inv(regression.weight_posterior(x[:n], y[:n], 1e-3, 1.0)[1]), 1e-3
            )[0],
        )
        for n in range(800)
    )
    assert regression.log_evidence(x, y, 1e-3, 1.0) == pytest.approx(by_parts, rel=1e-7)


def test_the_posterior_is_scikit_learns(problem):
    sklearn = pytest.importorskip("sklearn.gaussian_process")
    x, y, eta, tau = problem
    process = sklearn.GaussianProcessRegressor(
        tau**2 * sklearn.kernels.DotProduct(0, "fixed"), alpha=eta, optimizer=None
    ).fit(x, y)
    new = np.random.default_rng(3).normal(size=(6, 4))
    mean, sd = process.predict(new, return_std=True)
    w, precision = regression.weight_posterior(*problem)
    np.testing.assert_allclose(new @ w, mean, rtol=1e-8)
    np.testing.assert_allclose(regression.predictive_deviation(new, np.linalg.inv(precision)), sd, rtol=1e-6)
    assert regression.log_evidence(*problem) == pytest.approx(process.log_marginal_likelihood(), rel=1e-9)


def test_the_gap_is_the_kl_to_the_posterior(problem):
    rng = np.random.default_rng(4)
    for _ in range(5):
        mu, log_sigma = rng.normal(size=4), rng.uniform(-2, 0.5, 4)
        gap = regression.log_evidence(*problem) - regression.exact_elbo(mu, log_sigma, *problem)
        assert gap == pytest.approx(regression.kl_to_posterior(mu, np.exp(log_sigma), *problem), abs=1e-10)


def test_no_independent_weights_are_better_than_the_best(problem):
    mu, sigma = regression.best_mean_field(*problem)

    def loss(q):
        return -regression.exact_elbo(q[:4], q[4:], *problem)

    found = minimize(loss, np.zeros(8), jac=grad(loss), tol=1e-12)
    np.testing.assert_allclose(found.x[:4], mu, atol=1e-5)
    np.testing.assert_allclose(np.exp(found.x[4:]), sigma, atol=1e-5)
    own = np.sqrt(np.diag(np.linalg.inv(regression.weight_posterior(*problem)[1])))
    assert np.all(sigma < own)


def test_without_data_the_posterior_is_the_prior():
    mean, precision = regression.weight_posterior(np.zeros((0, 3)), np.zeros(0), 0.1, 2.0)
    assert np.all(mean == 0)
    np.testing.assert_allclose(precision, np.eye(3) / 4)


@pytest.mark.whole
def test_the_sampled_bound_is_the_exact_one_on_average(problem):
    rng = np.random.default_rng(5)
    q = rng.normal(size=4), rng.uniform(-2, -1, 4)
    each = np.array([regression.bayes_by_backprop_elbo(*q, *problem, eps[None]) for eps in rng.normal(size=(5_000, 4))])
    assert abs(each.mean() - regression.exact_elbo(*q, *problem)) < 4 * each.std() / np.sqrt(5_000)


def test_the_sampled_bounds_gradient_is_finite_differences(problem):
    rng = np.random.default_rng(6)
    q, eps = np.array([rng.normal(size=4), rng.uniform(-2, -1, 4)]), rng.normal(size=(7, 4))

    def f(q):
        return regression.bayes_by_backprop_elbo(q[0], q[1], *problem, eps)

    slope = grad(f)(q)
    for index in np.ndindex(2, 4):
        h = np.zeros((2, 4))
        h[index] = 1e-5
        assert slope[index] == pytest.approx((f(q + h) - f(q - h)) / 2e-5, rel=1e-5)


def test_bumps_are_one_at_their_centres_and_deviations_take_diagonals():
    x = regression.bumps(np.array([0.0, 0.3]), np.array([0.0, 0.3, 9.0]), 0.3)
    np.testing.assert_allclose(x, [[1, np.exp(-0.5), 0], [np.exp(-0.5), 1, 0]], atol=1e-12)
    variances = np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(
        regression.predictive_deviation(x, variances, 0.5), regression.predictive_deviation(x, np.diag(variances), 0.5)
    )


@pytest.mark.parametrize(
    "change, message",
    [({0: np.zeros(4)}, r"x \(N, P\)"), ({1: np.zeros(3)}, r"y \(N,\)"), ({2: 0.0}, "eta"), ({3: -1.0}, "tau")],
)
def test_what_does_not_fit_is_refused(problem, change, message):
    args = [change.get(i, arg) for i, arg in enumerate(problem)]
    for function in (regression.log_evidence, regression.best_mean_field):
        with pytest.raises(ValueError, match=message):
            function(*args)
    with pytest.raises(ValueError, match="eps"):
        regression.bayes_by_backprop_elbo(anp.zeros(4), anp.zeros(4), *problem, np.zeros((2, 3)))
