"""The VAE: its bound against quadrature and exact models, its training, and what an interruption keeps."""

import autograd.numpy as anp
import numpy as np
import pytest
from scipy import special, stats

from course_utils.data import load_mnist
from course_utils.models import vae
from course_utils.models.vae import (
    active_units,
    binarise,
    elbo_terms,
    encoder_forward,
    init_vae,
    log_weights,
    vae_elbo,
    vae_generate,
    vae_log_likelihood,
    vae_train,
)
from course_utils.networks.flat import flatten
from course_utils.networks.nets import init_mlp, mlp
from course_utils.networks.optim import adam, hold_then_linear, minibatches
from course_utils.probability.gaussians import diagonal_gaussian_log_prob
from course_utils.probability.grids import trapezoid_weights


def small(D=6, K=1, seed=0):
    rng = np.random.default_rng(seed)
    encoder, decoder = init_mlp([D, 5, 2 * K], rng, float), init_mlp([K, 7, D], rng, float)
    return encoder, [(2 * W, b + 0.3) for W, b in decoder], rng.integers(0, 2, (9, D)).astype(float), rng


def on_a_grid(encoder, decoder, x):
    """Exact log p(x) and KL(q || posterior) for K = 1."""
    z = np.linspace(-9, 9, 6001)
    weights = trapezoid_weights(z)
    signs = 2 * x[:, None] - 1
    log_joint = special.log_expit(signs * mlp(decoder, z[:, None])).sum(axis=-1) + stats.norm.logpdf(z)
    log_p = special.logsumexp(log_joint, b=weights, axis=1)
    mu, log_sigma = encoder_forward(encoder, x)
    log_q = diagonal_gaussian_log_prob(z[:, None], mu[:, None], log_sigma[:, None])
    return log_p, np.sum(weights * np.exp(log_q) * (log_q - log_joint + log_p[:, None]), axis=1)


def test_the_bound_is_log_p_minus_the_divergence_from_the_posterior():
    encoder, decoder, x, rng = small()
    log_p, gap = on_a_grid(encoder, decoder, x)
    eps = rng.normal(size=(40_000, 9, 1))
    bound = vae_elbo(encoder, decoder, x, eps)
    assert np.all(gap > 0) and np.all(bound < log_p)
    np.testing.assert_allclose(bound + gap, log_p, atol=0.03)


def test_the_bound_is_tight_where_q_is_the_posterior():
    _, decoder, x, rng = small(K=2)
    blind = [(0 * decoder[0][0], decoder[0][1]), *decoder[1:]]
    prior = [(np.zeros((6, 4)), np.zeros(4))]
    exact = special.log_expit((2 * x - 1) * mlp(blind, np.zeros((9, 2)))).sum(axis=1)
    np.testing.assert_allclose(vae_elbo(prior, blind, x, rng.normal(size=(9, 2))), exact, rtol=1e-12)


def test_terms_add_up_and_samples_are_averaged():
    encoder, decoder, x, rng = small(K=3)
    eps = rng.normal(size=(4, 9, 3))
    reconstruction, kl = elbo_terms(encoder, decoder, x, eps)
    each = [vae_elbo(encoder, decoder, x, e) for e in eps]
    np.testing.assert_allclose(reconstruction - kl, np.mean(each, axis=0))
    np.testing.assert_allclose(vae_elbo(encoder, decoder, x, eps), np.mean(each, axis=0))


def test_importance_weights_find_log_p_and_climb():
    encoder, decoder, x, rng = small()
    log_p, gap = on_a_grid(encoder, decoder, x)
    np.testing.assert_allclose(
        vae_log_likelihood(encoder, decoder, x, rng.normal(size=(20_000, 9, 1))), log_p, atol=0.05
    )
    log_w = log_weights(decoder, x, *encoder_forward(encoder, x), rng.normal(size=(20_000, 9, 1)))
    means = [special.logsumexp(log_w.reshape(S, -1, 9), axis=0).mean(axis=0) - np.log(S) for S in (1, 5, 50)]
    np.testing.assert_allclose(means[0], log_p - gap, atol=0.05)
    assert np.all(means[0] < means[1]) and np.all(means[1] < means[2])


def test_log_weights_do_not_depend_on_how_many_are_computed_at_a_time(monkeypatch):
    encoder, decoder, x, rng = small(K=2)
    q, eps = encoder_forward(encoder, x), rng.normal(size=(11, 9, 2))
    whole = log_weights(decoder, x, *q, eps)
    monkeypatch.setattr(vae, "PIXELS", 4 * x.size)
    np.testing.assert_allclose(log_weights(decoder, x, *q, eps), whole)
    monkeypatch.setattr(vae, "PIXELS", 1)
    np.testing.assert_allclose(log_weights(decoder, x, *q, eps), whole)


def test_probabilities_are_those_of_the_logits_and_bear_any_size():
    decoder = [(np.eye(2), np.array([0.0, 0.0]))]
    p = vae_generate(decoder, np.array([[0.0, 1000.0], [-1000.0, 3.0]]))
    np.testing.assert_allclose(p, [[0.5, 1], [0, special.expit(3.0)]])


@pytest.fixture(scope="module")
def digits():
    """Digits of 14 x 14 pixels: (train, test), grey."""
    data = load_mnist()
    return [
        x.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(-1, 196) for x in (data.x_train[:3000], data.x_test[:500])
    ]


def test_training_starts_a_little_below_the_best_model_without_latents(digits):
    """The decoder's bias alone is that model; random weights cost some nats, and far less than a start at grey."""
    train, test = digits
    encoder, decoder = init_vae(train.mean(axis=0), [196, 64, 6], np.random.default_rng(0))
    rng = np.random.default_rng(1)
    x = binarise(test, rng)
    alone = [*decoder[:-1], (0 * decoder[-1][0], decoder[-1][1])]
    p = np.clip(train.mean(axis=0).astype(float), 1 / 510, 1 - 1 / 510)
    best = stats.bernoulli.logpmf(x, p).sum(axis=1)
    eps = rng.standard_normal((len(x), 6), dtype=np.float32)
    np.testing.assert_allclose(elbo_terms(encoder, alone, x, eps)[0], best, rtol=1e-4)
    start = vae_elbo(encoder, decoder, x, eps).mean()
    assert 1 < best.mean() - start < 0.1 * (best.mean() + 196 * np.log(2))


def test_training_starts_with_the_mean_image():
    mean = np.array([0.1, 0.5, 0.9, 0.0, 1.0])
    encoder, decoder = init_vae(mean, [5, 4, 2], np.random.default_rng(0))
    assert [W.shape for W, b in encoder] == [(5, 4), (4, 4)] and [W.shape for W, b in decoder] == [(2, 4), (4, 5)]
    np.testing.assert_allclose(mlp(encoder[:1], mean[None]), 0, atol=1e-6)
    np.testing.assert_allclose(
        vae_generate([decoder[-1]], np.zeros((1, 4)))[0], np.clip(mean, 1 / 510, 1 - 1 / 510), rtol=1e-4
    )
    with_labels = init_vae(mean, [5, 4, 2], np.random.default_rng(0), labels=3)
    assert with_labels[0][0][0].shape == (8, 4) and with_labels[1][0][0].shape == (5, 4)


def test_binarise_keeps_the_mean():
    x = np.full((20_000, 3), [0, 0.3, 1], np.float32)
    drawn = binarise(x, np.random.default_rng(0))
    assert drawn.dtype == np.float32 and set(np.unique(drawn)) == {0, 1}
    np.testing.assert_allclose(drawn.mean(axis=0), [0, 0.3, 1], atol=0.01)


@pytest.mark.slow
def test_training_gains_on_independent_pixels_and_uses_its_latents(digits):
    train, test = digits
    networks = vae_train(train, [196, 64, 6], 400, np.random.default_rng(0))
    assert all(W.dtype == b.dtype == np.float32 for part in networks for W, b in part)
    rng = np.random.default_rng(1)
    x = binarise(test, rng)
    p = np.clip(train.mean(axis=0).astype(float), 1e-3, 1 - 1e-3)
    independent = np.mean(x @ np.log(p) + (1 - x) @ np.log(1 - p))
    reconstruction, kl = elbo_terms(*networks, x, rng.standard_normal((5, 500, 6), dtype=np.float32))
    assert reconstruction.dtype == kl.dtype == np.float32
    assert (reconstruction - kl).mean() > independent + 6 and kl.mean() > 3
    assert active_units(encoder_forward(networks[0], x)[0]) >= 5


@pytest.mark.slow
def test_a_heavy_kl_term_collapses_the_latents(digits):
    encoder, _ = vae_train(digits[0], [196, 64, 6], 400, np.random.default_rng(0), kl_weight=100)
    mu, log_sigma = encoder_forward(encoder, digits[1])
    assert active_units(mu) == 0 and np.abs(log_sigma).max() < 0.2


def test_an_interruption_keeps_what_was_reached(digits, capsys):
    seen = []

    def stop(t, params, loss):
        seen.append(params)
        if t == 7:
            raise KeyboardInterrupt

    networks = vae_train(digits[0], [196, 10, 2], 100, np.random.default_rng(0), callback=stop)
    assert len(seen) == 7 and "stopped after 7 of 100 steps" in capsys.readouterr().out
    for part, last in zip(networks, seen[-1]):
        for (W, b), (V, c) in zip(part, last):
            np.testing.assert_array_equal(W, V)
            np.testing.assert_array_equal(b, c)


def test_the_same_generator_gives_the_same_networks(digits):
    one, two = (vae_train(digits[0], [196, 8, 2], 5, np.random.default_rng(3)) for _ in range(2))
    assert all(np.array_equal(a, b) for p, q in zip(one, two) for m, n in zip(p, q) for a, b in zip(m, n))


def test_training_is_a_plain_loop_over_minibatches_drawn_to_black_and_white(digits):
    x, sizes, steps = digits[0][:300], [196, 8, 2], 6
    seen = []
    got = vae_train(x, sizes, steps, np.random.default_rng(3), callback=lambda t, p, loss: seen.append(loss))
    rng = np.random.default_rng(3)
    start = init_vae(x.mean(axis=0), sizes, rng)

    def batches():
        for rows in minibatches(x, 128, steps, rng):
            yield binarise(rows, rng), rng.standard_normal((len(rows), 2), dtype=np.float32)

    def loss(params, batch):
        return -anp.mean(vae_elbo(*params, *batch))

    losses = []
    rate = hold_then_linear(4e-3, steps)
    expected = adam(loss, start, batches(), steps, rate, callback=lambda t, p, loss: losses.append(loss))
    np.testing.assert_allclose(flatten(got), flatten(expected), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(seen, losses, rtol=1e-6)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"sizes = \[5, 3, 2\] and x has shape \(10, 4\)"):
        vae_train(np.zeros((10, 4)), [5, 3, 2], 1, np.random.default_rng(0))
    with pytest.raises(ValueError, match="between 0 and 1, but it goes from 0 to 255"):
        vae_train(np.array([[0.0, 255.0]]), [2, 3, 1], 1, np.random.default_rng(0))


def test_active_units_count_those_that_vary():
    rng = np.random.default_rng(0)
    mu = rng.normal(size=(1000, 4)) * [1, 0.2, 0.05, 0] + [0, 5, 5, 5]
    assert active_units(mu) == 2 and isinstance(active_units(mu.tolist()), int)
    assert active_units(np.zeros((3, 2))) == 0


@pytest.mark.parametrize("hidden", [(7,), (8, 5)])
def test_an_autoencoder_gets_the_gaussian_of_its_codes_for_a_prior_and_draws_what_it_drew(hidden):
    rng = np.random.default_rng(0)
    encoder, decoder = init_mlp([9, *hidden, 6], rng, float), init_mlp([3, *hidden[::-1], 9], rng, float)
    x = rng.random((500, 9))
    other_encoder, other_decoder = vae.with_gaussian_prior(encoder, decoder, x, 0.3)
    z, log_sigma = vae.encoder_forward(other_encoder, x)
    assert (
        np.allclose(z.mean(axis=0), 0) and np.allclose(np.cov(z.T), np.eye(3)) and np.allclose(log_sigma, np.log(0.3))
    )
    codes, _ = vae.encoder_forward(encoder, x)
    assert np.allclose(mlp(other_decoder, z), mlp(decoder, codes))
    drawn = mlp(other_decoder, rng.normal(size=(20_000, 3)))
    fitted = mlp(decoder, rng.multivariate_normal(codes.mean(axis=0), np.cov(codes.T), 20_000))
    assert np.allclose(drawn.mean(axis=0), fitted.mean(axis=0), atol=0.03)
    assert np.allclose(np.cov(drawn.T), np.cov(fitted.T), rtol=0.1, atol=0.03)


def test_a_prior_for_a_network_in_single_precision_leaves_it_so():
    rng = np.random.default_rng(0)
    networks = vae.with_gaussian_prior(init_mlp([9, 5, 4], rng), init_mlp([2, 5, 9], rng), rng.random((50, 9)), 0.3)
    assert {part.dtype for network in networks for layer in network for part in layer} == {np.dtype(np.float32)}
