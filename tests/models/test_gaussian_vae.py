"""The VAE of real numbers: its density by scipy, its bound below an exact likelihood, its training."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import value_and_grad
from autograd.test_util import check_grads
from scipy import stats

from course_utils.models import gaussian_vae as vae
from course_utils.networks.flat import leaves
from course_utils.networks.nets import init_mlp


def linear_model(seed=0, D=3, K=2):
    """An encoder and a decoder without hidden layers: p(x) is a Gaussian."""
    rng = np.random.default_rng(seed)
    W, b, eta = rng.normal(size=(K, D)), rng.normal(size=D), 0.3
    inner = np.linalg.inv(np.eye(K) + W @ W.T / eta)  # the posterior's covariance
    V = W.T @ inner / eta
    log_sigma = 0.5 * np.log(np.diag(inner))
    encoder = [(np.hstack([V, np.zeros((D, K))]), np.concatenate([-b @ V, log_sigma]))]
    return (encoder, [(W, b)], np.array([np.log(eta)])), stats.multivariate_normal(b, W.T @ W + eta * np.eye(D))


def test_the_density_of_the_noise():
    rng = np.random.default_rng(0)
    x, mean, log_eta = rng.normal(size=(4, 3)), rng.normal(size=(4, 3)), np.array([-0.7])
    expected = -stats.norm.logpdf(x, mean, np.exp(log_eta / 2)).sum(axis=1)
    np.testing.assert_allclose(vae.gaussian_nll(x, mean, log_eta), expected)
    check_grads(lambda mean, log_eta: vae.gaussian_nll(x, mean, log_eta), modes=["rev"], order=1)(mean, log_eta)


def test_bounds_lie_below_the_exact_likelihood_and_climb():
    model, exact = linear_model()
    x = exact.rvs(200, random_state=1)
    rng, truth = np.random.default_rng(2), exact.logpdf(x)
    terms = [vae.gaussian_vae_terms(model, x, rng.normal(size=(200, 2))) for _ in range(300)]
    elbo = np.mean([reconstruction - kl for reconstruction, kl in terms], axis=0)
    weighted = vae.gaussian_vae_log_likelihood(model, x, 400, rng)
    assert elbo.mean() < truth.mean() - 0.01  # the posterior has correlations, q has not
    assert np.abs(weighted - truth).max() < 0.5 and abs(weighted.mean() - truth.mean()) < 0.02


def test_the_gradients_written_out_are_those_of_the_formulas():
    """`loss_and_gradients` gives what autograd gives of the VAE's two terms as plain formulas."""
    rng = np.random.default_rng(4)
    encoder, decoder = init_mlp([3, 6, 5, 4], rng, float), init_mlp([2, 5, 3], rng, float)
    model = encoder, decoder, np.array([-0.8])
    x, eps = rng.normal(size=(7, 3)), rng.normal(size=(7, 2))

    def network(params, h):
        for W, b in params[:-1]:
            h = anp.tanh(anp.dot(h, W) + b)
        return anp.dot(h, params[-1][0]) + params[-1][1]

    def plain(model):
        a = network(model[0], x)
        mu, sigma, eta = a[:, :2], anp.exp(a[:, 2:]), anp.exp(model[2][0])
        error = x - network(model[1], mu + sigma * eps)
        nll = 0.5 * anp.sum(error**2, axis=1) / eta + 1.5 * anp.log(2 * np.pi * eta)
        return anp.mean(nll + 0.5 * anp.sum(sigma**2 + mu**2 - 1 - 2 * anp.log(sigma), axis=1))

    value, gradients, of_eta = vae.loss_and_gradients(model, x, eps)
    exact, expected = value_and_grad(plain)(model)
    reconstruction, kl = vae.gaussian_vae_terms(model, x, eps)
    assert value == pytest.approx(exact) == np.mean(kl - reconstruction)
    for found, leaf in zip(leaves([gradients, of_eta]), leaves(expected), strict=True):
        np.testing.assert_allclose(found, leaf, rtol=1e-5, atol=1e-7)


@pytest.mark.slow
def test_training_finds_a_curve_and_its_noise():
    rng = np.random.default_rng(3)
    t = rng.normal(size=3000)
    x = np.stack([t, np.sin(t)], axis=1) + 0.1 * rng.normal(size=(3000, 2))
    model = vae.gaussian_vae_train(x, [2, 32, 1], 1500, rng)
    assert 0.08 < np.exp(model[2][0] / 2) < 0.2
    assert np.sqrt(np.mean((vae.reconstruct(model, x) - x) ** 2)) < 0.15
    made = vae.gaussian_vae_generate(model, rng.normal(size=(500, 1)), rng.normal(size=(500, 2)))
    assert np.median(np.abs(made[:, 1] - np.sin(made[:, 0]))) < 0.3


def test_noise_must_fit_the_code():
    encoder, decoder = init_mlp([3, 4], np.random.default_rng(0)), init_mlp([2, 3], np.random.default_rng(0))
    with pytest.raises(ValueError, match="eps should be"):
        vae.gaussian_vae_terms((encoder, decoder, np.zeros(1)), np.zeros((5, 3)), np.zeros((5, 3)))
