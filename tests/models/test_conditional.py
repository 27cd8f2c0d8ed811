"""The class-conditional VAE: its bound, its labels, and what its training reaches."""

import autograd
import autograd.numpy as anp
import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
from scipy.special import expit, logsumexp
from scipy.stats import bernoulli, norm

from course_utils.models import vae
from course_utils.models.conditional import analogy, cvae_elbo, cvae_train, fold_label, one_hot, style_codes, style_grid
from course_utils.networks.nets import init_mlp, mlp


def networks(D=5, K=2, C=3, seed=0):
    rng = np.random.default_rng(seed)
    encoder, decoder = init_mlp([D + C, 6, 2 * K], rng, float), init_mlp([K + C, 6, D], rng, float)
    return [[(W, b + 0.3 * rng.normal(size=b.shape)) for W, b in part] for part in (encoder, decoder)]


def data(N=4, D=5, C=3, seed=1):
    rng = np.random.default_rng(seed)
    return (rng.random((N, D)) < 0.5).astype(float), np.arange(N) % C


@hypothesis.given(st.integers(1, 6), st.lists(st.integers(0, 99), min_size=1, max_size=8))
def test_one_hot_rows_name_their_label(C, labels):
    y = np.array(labels) % C
    rows = one_hot(y, C)
    assert rows.shape == (len(y), C)
    assert np.all(rows.sum(axis=1) == 1) and np.all(rows @ np.arange(C) == y)
    assert np.all(rows[np.arange(len(y)), y] == 1)


@pytest.mark.parametrize("labels", [[0, 3], [-1], [0.5], [[1, 2]]])
def test_labels_that_are_none_are_refused(labels):
    with pytest.raises(ValueError, match=r"whole numbers 0..2 of shape \(N,\)"):
        one_hot(labels, 3)


def test_the_bound_is_its_definition_written_out():
    encoder, decoder = networks()
    x, y = data()
    y, eps = one_hot(y, 3), np.random.default_rng(2).normal(size=(3, 4, 2))
    mu, log_sigma = np.split(mlp(encoder, np.hstack([x, y])), 2, axis=1)
    sigma = np.exp(log_sigma)
    log_p = np.mean(
        [bernoulli.logpmf(x, expit(mlp(decoder, np.hstack([mu + sigma * e, y])))).sum(axis=1) for e in eps], axis=0
    )
    t, w = np.polynomial.hermite_e.hermegauss(20)
    z = mu[..., None] + sigma[..., None] * t
    kl = ((norm.logpdf(z, mu[..., None], sigma[..., None]) - norm.logpdf(z)) @ w / w.sum()).sum(axis=1)
    np.testing.assert_allclose(cvae_elbo(encoder, decoder, x, y, eps), log_p - kl, rtol=1e-10)
    np.testing.assert_allclose(vae.elbo_terms(encoder, decoder, x, eps, y), (log_p, kl), rtol=1e-10)
    np.testing.assert_allclose(
        np.mean([cvae_elbo(encoder, decoder, x, y, e) for e in eps], axis=0), log_p - kl, rtol=1e-10
    )


@pytest.mark.whole
def test_it_bounds_log_p_x_given_y_from_below():
    """log p(x | y) by quadrature over one latent; the bound's expectation over eps by quadrature as well."""
    encoder, decoder = networks(K=1)
    x, y = data()
    y, z = one_hot(y, 3), np.linspace(-9, 9, 1801)
    log_lik = np.array(
        [[bernoulli.logpmf(row, expit(mlp(decoder, np.append(s, label)))).sum() for s in z] for row, label in zip(x, y)]
    )
    log_p = logsumexp(log_lik + norm.logpdf(z), axis=1) + np.log(z[1] - z[0])
    t, w = np.polynomial.hermite_e.hermegauss(30)
    bound = np.array([cvae_elbo(encoder, decoder, x, y, np.full((4, 1), node)) for node in t]).T @ w / w.sum()
    assert np.all(bound < log_p)


def test_gradients_are_those_of_finite_differences_and_keep_float32():
    params = networks()
    x, y = data()
    y, eps = one_hot(y, 3), np.random.default_rng(2).normal(size=(4, 2))

    def loss(params):
        return anp.sum(cvae_elbo(*params, x, y, eps))

    gradient = autograd.grad(loss)(params)
    for part, layer, place in [(0, 0, (6, 2)), (0, 1, (3, 1)), (1, 0, (4, 0)), (1, 1, (2, 3))]:
        W, h = params[part][layer][0], 1e-6
        old = W[place]
        W[place] = old + h
        up = loss(params)
        W[place] = old - h
        down = loss(params)
        W[place] = old
        assert gradient[part][layer][0][place] == pytest.approx((up - down) / (2 * h), rel=1e-5)
    single = [[(W.astype("f4"), b.astype("f4")) for W, b in part] for part in params]
    x, y, eps = (a.astype("f4") for a in (x, y, eps))
    for part in autograd.grad(loss)(single):
        assert all(W.dtype == b.dtype == np.float32 for W, b in part)


def test_a_folded_label_is_the_conditional_decoder():
    _, decoder = networks()
    zs = np.random.default_rng(3).normal(size=(7, 2))
    for label in range(3):
        folded = fold_label(decoder, label, 3)
        assert len(folded[0][0]) == 2
        np.testing.assert_allclose(vae.vae_generate(folded, zs), style_grid(decoder, label, 3, zs), rtol=1e-12)
    with pytest.raises(ValueError, match=r"a label 0..2 and a decoder of K \+ 3 inputs"):
        fold_label(decoder, 3, 3)


def test_an_analogy_with_the_old_label_is_the_reconstruction_and_with_a_new_one_its_style_grid():
    encoder, decoder = networks()
    x, y = data()
    z = style_codes(encoder, x, y, 3)
    np.testing.assert_allclose(z, mlp(encoder, np.hstack([x, one_hot(y, 3)]))[:, :2])
    same, moved = analogy(encoder, decoder, x, y, y, 3), analogy(encoder, decoder, x, y, (y + 1) % 3, 3)
    for n in range(4):
        np.testing.assert_allclose(same[n], style_grid(decoder, y[n], 3, z[n : n + 1])[0])
        np.testing.assert_allclose(moved[n], style_grid(decoder, (y[n] + 1) % 3, 3, z[n : n + 1])[0])
    assert np.abs(same - moved).max() > 0.01


def two_patterns(N, rng):
    """Label 0 lights the left half, label 1 the right; in both, the style says how far down. 2 x 8 pixels."""
    y, style = rng.integers(2, size=N), rng.integers(1, 5, size=N)
    x = np.zeros((N, 2, 4), np.float32)
    x[np.arange(N), y] = np.arange(4) < style[:, None]
    return x.reshape(N, 8), y, style


@pytest.mark.whole
def test_training_puts_the_style_into_z_and_leaves_the_label_out():
    x, y, style = two_patterns(600, np.random.default_rng(0))
    encoder, decoder = cvae_train(x, y, 2, [8, 16, 1], 500, np.random.default_rng(1), batch_size=60, step_size=1e-2)
    assert encoder[0][0].dtype == np.float32
    x, y, style = two_patterns(400, np.random.default_rng(2))
    eps = np.random.default_rng(3).normal(size=(20, 400, 1))
    elbo = cvae_elbo(encoder, decoder, x, one_hot(y, 2), eps).mean()
    assert -np.log(4) - 1.2 < elbo < -np.log(4) + 0.1  # four equally frequent styles: log p(x | y) = -log 4
    z = style_codes(encoder, x, y, 2)[:, 0]
    for label in (0, 1):  # z may run up for the one and down for the other: no term of the bound would mind
        assert abs(np.corrcoef(z[y == label], style[y == label])[0, 1]) > 0.85
    assert abs(np.corrcoef(z, y)[0, 1]) < 0.4
    written = analogy(encoder, decoder, x, y, 1 - y, 2).reshape(-1, 2, 4)
    other_half = written[np.arange(400), 1 - y]
    assert np.mean(other_half.sum(axis=1)) == pytest.approx(2.5, abs=0.4)
    assert written[np.arange(400), y].max() < 0.3


def test_the_same_seed_trains_the_same_networks_and_nonsense_is_refused():
    x, y, _ = two_patterns(50, np.random.default_rng(0))
    first, second = (cvae_train(x, y, 2, [8, 4, 1], 5, np.random.default_rng(1)) for _ in range(2))
    np.testing.assert_array_equal(first[1][0][0], second[1][0][0])
    with pytest.raises(ValueError, match=r"sizes = \[9, 4, 1\] and x has shape \(50, 8\)"):
        cvae_train(x, y, 2, [9, 4, 1], 5, np.random.default_rng(1))
    with pytest.raises(ValueError, match="whole numbers 0..1"):
        cvae_train(x, y + 1, 2, [8, 4, 1], 5, np.random.default_rng(1))
