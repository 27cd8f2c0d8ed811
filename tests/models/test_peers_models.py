"""The models beside scikit-learn's, scipy's and, where it is installed, PyTorch's: the same numbers, others' code."""

import importlib.util

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special
from sklearn.decomposition import PCA, FactorAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier

from course_utils.models import autoencoder, classifier, conditional, linear_gaussian, pca, ppca, semi_supervised, vae
from course_utils.networks.flat import flatten
from course_utils.networks.nets import init_mlp
from course_utils.probability.marginals import log_marginal_linear

needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
seeds = st.integers(0, 2**31)


def cloud(seed, N=60, D=6, scale=1.0, offset=0.0):
    """Correlated data whose axes have quite different lengths, the last a thousandth of the first."""
    rng = np.random.default_rng(seed)
    turned = np.linalg.qr(rng.normal(size=(D, D)))[0]
    return scale * (rng.normal(size=(N, D)) * np.geomspace(1, 1e-3, D) @ turned + offset)


@settings(max_examples=25)
@given(seeds, st.sampled_from([(60, 6), (5, 9), (4, 4)]), st.sampled_from([1e-4, 1.0, 1e4]), st.floats(-10, 10))
def test_pca_is_scikit_learns(seed, size, scale, offset):
    x = cloud(seed, *size, scale, offset)
    N, K = len(x), min(x.shape) - 1
    peer = PCA(K, svd_solver="full").fit(x)
    mean, components = pca.pca_fit(x, K)
    signs = np.sign(np.sum(components * peer.components_, axis=1))
    np.testing.assert_allclose(components * signs[:, None], peer.components_, atol=1e-9)
    np.testing.assert_allclose(mean, peer.mean_, rtol=1e-12, atol=1e-12 * scale)
    np.testing.assert_allclose(pca.pca_eigenvalues(x)[:K], peer.explained_variance_ * (N - 1) / N, rtol=1e-8)
    z = pca.pca_encode(x, mean, components)
    np.testing.assert_allclose(z * signs, peer.transform(x), atol=1e-8 * scale)
    np.testing.assert_allclose(
        pca.pca_decode(z, mean, components), peer.inverse_transform(peer.transform(x)), rtol=1e-9, atol=1e-9 * scale
    )


@settings(max_examples=25)
@given(seeds, st.floats(0.05, 0.9999999))
def test_so_many_components_take_scikit_learn_and_us(seed, fraction):
    x = cloud(seed)
    assert pca.choose_k(pca.pca_eigenvalues(x), fraction) == PCA(fraction, svd_solver="full").fit(x).n_components_


@settings(max_examples=25)
@given(seeds, st.integers(1, 5), st.sampled_from([1e-5, 1.0, 1e5]))
def test_ppcas_covariance_and_noise_are_scikit_learns(seed, K, scale):
    """Also where the noise is a millionth of the largest variance; scikit-learn divides by N - 1."""
    x = cloud(seed, scale=scale)
    peer = PCA(K, svd_solver="full").fit(x)
    W, mean, eta = ppca.ppca_fit(x, K)
    share = (len(x) - 1) / len(x)
    assert eta == pytest.approx(peer.noise_variance_ * share, rel=1e-7)
    np.testing.assert_allclose(
        W @ W.T + eta * np.eye(6), peer.get_covariance() * share, rtol=1e-9, atol=1e-12 * scale**2
    )
    like_peer = log_marginal_linear(x, W / np.sqrt(share), mean, eta / share)
    np.testing.assert_allclose(like_peer, peer.score_samples(x), rtol=1e-6)


@pytest.mark.parametrize("noise", [1e-2, 1e-5])
def test_the_smallest_noise_is_found_as_by_scikit_learn(noise):
    """That of the issue: 1e-10 of the largest variance, which the covariance matrix cannot hold."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 2)) @ rng.normal(size=(2, 5)) + noise * rng.normal(size=(100, 5))
    assert ppca.ppca_fit(x, 2)[2] == pytest.approx(PCA(2, svd_solver="full").fit(x).noise_variance_ * 0.99, rel=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_factor_analysis_in_units_of_its_noise_is_the_linear_gaussian_model(seed):
    """There the noise has variance 1: posterior means and log p(x) are those of the whitened data."""
    x = cloud(seed, N=200) + 0.3 * np.random.default_rng(seed).normal(size=(200, 6)) * np.linspace(0.5, 2, 6)
    peer = FactorAnalysis(2, tol=1e-8, max_iter=5000, svd_method="lapack").fit(x)
    units = np.sqrt(peer.noise_variance_)
    white, W, b = x / units, (peer.components_ / units).T, peer.mean_ / units
    mu, _ = linear_gaussian.linear_posterior(white, W, b, 1.0)
    np.testing.assert_allclose(mu, peer.transform(x), rtol=1e-8, atol=1e-8)
    log_p = log_marginal_linear(white, W, b, 1.0) - np.log(units).sum()
    np.testing.assert_allclose(log_p, peer.score_samples(x), rtol=1e-8)
    q = linear_gaussian.mean_field_posterior(white, W, b, 1.0)
    elbo = linear_gaussian.elbo_linear_gaussian(white, W, b, 1.0, *q) - np.log(units).sum()
    assert np.all(elbo < peer.score_samples(x) + 1e-9)
    W, mean, eta = ppca.ppca_fit(x, 2)
    assert log_marginal_linear(x, W, mean, eta).mean() < peer.score(x)  # it has a variance for each dimension


@settings(max_examples=25)
@given(seeds, st.sampled_from([0.0, 1e6]), st.integers(1, 4))
def test_neighbours_are_scikit_learns(seed, offset, K):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(60, K)) + offset, rng.normal(size=(40, K)) + offset
    y, y_new = rng.integers(5, size=60), rng.integers(5, size=40)
    peer = KNeighborsClassifier(1, algorithm="kd_tree").fit(a, y)
    assert autoencoder.nearest_neighbour_accuracy(a, y, b, y_new) == pytest.approx(peer.score(b, y_new))


def test_a_classifier_s_probabilities_are_scikit_learns():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(50, 4)), rng.integers(3, size=50)
    with pytest.warns(Warning, match="Maximum iterations"):
        peer = MLPClassifier((6,), activation="tanh", max_iter=5, random_state=0).fit(x, y)
    network = list(zip(peer.coefs_, peer.intercepts_))
    np.testing.assert_allclose(classifier.class_log_probs(network, x), peer.predict_log_proba(x), rtol=1e-10)
    np.testing.assert_array_equal(classifier.predict(network, x), peer.predict(x))


@pytest.mark.whole
def test_a_classifier_without_hidden_layer_learns_logistic_regression():
    rng = np.random.default_rng(0)
    x, centres = rng.normal(size=(300, 3)), 1.2 * rng.normal(size=(4, 3))
    y = rng.integers(4, size=300)
    x = x + centres[y]
    network = classifier.classifier_train(x, y, [3, 4], 600, rng, batch_size=300, step_size=5e-2)
    peer = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(x, y)
    ours = classifier.class_log_probs(network, x)[np.arange(300), y].mean()
    best = peer.predict_log_proba(x)[np.arange(300), y].mean()
    assert best - 1e-4 < ours < best + 1e-6
    np.testing.assert_allclose(np.exp(classifier.class_log_probs(network, x)), peer.predict_proba(x), atol=0.02)


@pytest.mark.whole
def test_an_autoencoder_without_hidden_layers_learns_pca():
    x = cloud(0, N=300, D=8, scale=5.0, offset=1.0)
    rng = np.random.default_rng(0)
    encoder, decoder = autoencoder.autoencoder_train(x, [8, 3], 600, rng, batch_size=300, step_size=3e-2)
    peer = PCA(3, svd_solver="full").fit(x)
    best = autoencoder.squared_error(x, peer.inverse_transform(peer.transform(x))).mean()
    ours = autoencoder.squared_error(x, autoencoder.reconstruct(encoder, decoder, x)).mean()
    assert best * (1 - 1e-4) < ours < 1.01 * best


def test_the_unlabelled_bound_is_largest_for_scipys_softmax():
    bounds = np.random.default_rng(0).normal(scale=5, size=(7, 4))
    best = semi_supervised.m2_unlabelled_elbo(bounds, special.softmax(bounds, axis=1))
    np.testing.assert_allclose(best, special.logsumexp(bounds, axis=1), rtol=1e-12)


# ----- PyTorch -----


def small_vae(seed, C=0):
    """Networks in float64, images, noise of three samples, and labels if there are classes."""
    rng = np.random.default_rng(seed)
    N, D, K = 5, 6, 2
    encoder, decoder = init_mlp([D + C, 7, 2 * K], rng, np.float64), init_mlp([K + C, 7, D], rng, np.float64)
    x = (rng.random((N, D)) < 0.5).astype(float)
    return encoder, decoder, x, rng.normal(size=(3, N, K)), np.eye(C)[np.arange(N) % C] if C else None


def terms_of_torch(networks, x, eps, y=None):
    """(reconstruction, KL) from torch.distributions; networks as lists of (W, b) tensors."""
    import torch
    from torch.distributions import Bernoulli, Independent, Normal, kl_divergence

    def run(params, h):
        for W, b in params[:-1]:
            h = torch.tanh(h @ W + b)
        return h @ params[-1][0] + params[-1][1]

    def told(a):
        return a if y is None else torch.cat([a, y.expand(*a.shape[:-1], -1)], dim=-1)

    mu, log_sigma = run(networks[0], told(x)).chunk(2, dim=-1)
    z = mu + log_sigma.exp() * eps
    log_p = Independent(Bernoulli(logits=run(networks[1], told(z))), 1).log_prob(x.expand(len(eps), -1, -1))
    prior = Independent(Normal(torch.zeros_like(mu), torch.ones_like(mu)), 1)
    return log_p.mean(dim=0), kl_divergence(Independent(Normal(mu, log_sigma.exp()), 1), prior)


@needs_torch
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("C", [0, 3])
def test_the_elbo_s_terms_and_gradients_are_those_of_torch_distributions(seed, C):
    import torch

    encoder, decoder, x, eps, y = small_vae(seed, C)
    tensors = [
        [[torch.tensor(part, requires_grad=True) for part in layer] for layer in net] for net in (encoder, decoder)
    ]
    expected = terms_of_torch(tensors, *(torch.tensor(a) for a in (x, eps, y) if a is not None))
    ours = vae.elbo_terms(encoder, decoder, x, eps, y)
    for got, term in zip(ours, expected):
        np.testing.assert_allclose(got, term.detach().numpy(), rtol=1e-10)

    def elbo(params):
        bound = conditional.cvae_elbo(*params, x, y, eps) if C else vae.vae_elbo(*params, x, eps)
        return anp.mean(bound)

    (expected[0] - expected[1]).mean().backward()
    theirs = [[tuple(part.grad.numpy() for part in layer) for layer in net] for net in tensors]
    np.testing.assert_allclose(flatten(grad(elbo)([encoder, decoder])), flatten(theirs), rtol=1e-8, atol=1e-11)


@needs_torch
@pytest.mark.parametrize("seed", range(3))
def test_importance_weights_are_those_of_torch_distributions(seed):
    import torch
    from torch.distributions import Independent, Normal

    encoder, decoder, x, eps, _ = small_vae(seed)
    mu, log_sigma = (torch.tensor(part) for part in vae.encoder_forward(encoder, x))
    z = mu + log_sigma.exp() * torch.tensor(eps)
    q, prior = (Independent(Normal(*p), 1) for p in ((mu, log_sigma.exp()), (torch.zeros(2), torch.ones(2))))
    logits = torch.tensor(np.array([vae.mlp(decoder, z_s.numpy()) for z_s in z]))
    log_p = torch.distributions.Independent(torch.distributions.Bernoulli(logits=logits), 1).log_prob(torch.tensor(x))
    log_w = log_p + prior.log_prob(z) - q.log_prob(z)
    np.testing.assert_allclose(
        vae.log_weights(decoder, x, mu.numpy(), log_sigma.numpy(), eps), log_w.numpy(), rtol=1e-6, atol=1e-6
    )
    estimate = torch.logsumexp(log_w, dim=0) - np.log(3)
    np.testing.assert_allclose(vae.vae_log_likelihood(encoder, decoder, x, eps), estimate.numpy(), rtol=1e-6)


@needs_torch
def test_a_classifier_s_loss_and_gradient_are_pytorchs_cross_entropy():
    import torch

    rng = np.random.default_rng(0)
    logits, y = 3 * rng.normal(size=(6, 4)), rng.integers(4, size=6)
    tensor = torch.tensor(logits, requires_grad=True)
    theirs = torch.nn.functional.cross_entropy(tensor, torch.tensor(y))
    theirs.backward()

    def ours(logits):
        return -anp.mean(anp.sum(conditional.one_hot(y, 4) * classifier.log_softmax(logits), axis=1))

    assert ours(logits) == pytest.approx(theirs.item(), rel=1e-12)
    np.testing.assert_allclose(grad(ours)(logits), tensor.grad.numpy(), rtol=1e-10, atol=1e-14)
