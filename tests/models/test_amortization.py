"""Fitting q to single examples, and the gaps: against autograd, grids, and decoders that are straight lines."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad, jacobian
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logsumexp

from course_utils.models import amortization as am
from course_utils.models import vae
from course_utils.models.linear_gaussian import elbo_linear_gaussian, mean_field_posterior
from course_utils.models.two_latents import log_p_on_grid
from course_utils.networks import nets
from course_utils.probability.bounds import iwae_bound
from course_utils.probability.likelihoods import bernoulli_log_prob

N, D, K = 5, 12, 2


def decoder_and_x(seed=0, hidden=(7,), K=K, dtype=np.float32, scale=1.5):
    rng = np.random.default_rng(seed)
    decoder = [
        (scale * W, (0.3 * rng.normal(size=b.shape)).astype(dtype))
        for W, b in nets.init_mlp([K, *hidden, D], rng, dtype)
    ]
    return decoder, (rng.random((N, D)) < 0.5).astype(dtype), rng


def linear_model(seed):
    rng = np.random.default_rng(seed)
    return (
        rng.normal(size=(N, 6)),
        rng.normal(size=(6, 3)),
        rng.normal(size=6),
        rng.normal(size=(N, 3)),
        rng.normal(size=(N, 3)) / 2,
    )


@pytest.mark.whole
@given(st.integers(0, 1000), st.floats(0.2, 3))
def test_a_step_follows_the_slope_of_each_example_s_elbo(seed, eta):
    x, W, b, mu, log_sigma = linear_model(seed)
    slopes = [grad(lambda *q: anp.sum(elbo_linear_gaussian(x, W, b, eta, *q)), i)(mu, log_sigma) for i in (0, 1)]
    new = am.svi_step(x, mu, log_sigma, W, b, eta, 0.01)
    for after, before, slope in zip(new, (mu, log_sigma), slopes):
        np.testing.assert_allclose(after, before + 0.01 * slope, rtol=1e-9, atol=1e-9)


def test_many_steps_end_at_the_best_diagonal_q():
    x, W, b, mu, log_sigma = linear_model(3)
    for _ in range(4000):
        mu, log_sigma = am.svi_step(x, mu, log_sigma, W, b, 0.5, 0.02)
    best_mu, best_log_sigma = mean_field_posterior(x, W, b, 0.5)
    np.testing.assert_allclose(mu, best_mu, atol=1e-8)
    np.testing.assert_allclose(log_sigma, best_log_sigma, atol=1e-8)


def test_the_ledger_adds_up_and_keeps_negative_gaps():
    gaps = am.gap_ledger([-90.0, -80.0], [-91.0, -79.5], [-93.0, -84.0])
    np.testing.assert_allclose(gaps["approximation"], [1.0, -0.5])
    np.testing.assert_allclose(gaps["amortization"], [2.0, 4.5])


@given(st.integers(2, 30), st.floats(-900, 900), st.integers(0, 1000))
def test_effective_sample_size_lies_between_one_and_s_and_ignores_a_common_factor(S, shift, seed):
    log_w = np.random.default_rng(seed).normal(size=(S, 3))
    ess = am.effective_sample_size(log_w)
    assert np.all((ess > 1 - 1e-9) & (ess < S + 1e-9))
    np.testing.assert_allclose(am.effective_sample_size(log_w + shift), ess, rtol=1e-9)
    np.testing.assert_allclose(am.effective_sample_size(np.full((S, 1), shift)), S)
    np.testing.assert_allclose(am.effective_sample_size([[0.0], *[[-800.0]] * (S - 1)]), 1)


def test_the_elbo_of_the_encoder_s_q_is_the_vae_s_elbo():
    decoder, x, rng = decoder_and_x()
    encoder = nets.init_mlp([D, 6, 2 * K], rng)
    eps = rng.standard_normal((9, N, K), dtype=np.float32)
    elbo = am.elbo_of_q(decoder, x, *vae.encoder_forward(encoder, x), eps)
    np.testing.assert_allclose(elbo, vae.vae_elbo(encoder, decoder, x, eps), rtol=1e-5)


def test_work_in_parts_changes_nothing(monkeypatch):
    decoder, x, rng = decoder_and_x()
    q = rng.normal(size=(2, N, K)).astype("f4")
    eps = rng.standard_normal((11, N, K), dtype=np.float32)
    P = am.local_precision(decoder, q[0])
    whole = am.elbo_of_q(decoder, x, *q, eps), am.log_weights_of(decoder, x, q[0], P, eps)
    monkeypatch.setattr(vae, "PIXELS", 2 * x.size)
    np.testing.assert_allclose(am.elbo_of_q(decoder, x, *q, eps), whole[0], rtol=1e-6)
    np.testing.assert_allclose(am.log_weights_of(decoder, x, q[0], P, eps), whole[1], rtol=1e-6)


def test_refinement_climbs_and_no_example_feels_the_others():
    decoder, x, rng = decoder_and_x()
    q = rng.normal(size=(2, N, K)).astype("f4")
    eps = rng.standard_normal((2000, N, K), dtype=np.float32)
    refined = am.refine(decoder, x, *q, 200, np.random.default_rng(0), samples=16, step_size=0.05)
    before, after = am.elbo_of_q(decoder, x, *q, eps), am.elbo_of_q(decoder, x, *refined, eps)
    assert np.all(after > before)
    nudged = [part + 0.3 * rng.standard_normal(part.shape).astype("f4") for part in refined]
    assert np.all(am.elbo_of_q(decoder, x, *nudged, eps) < after + 0.02)

    visited = []
    others = x.copy()
    others[1:] = 1 - others[1:]
    for images in (x, others):
        am.refine(decoder, images, *q, 5, np.random.default_rng(0), callback=lambda t, q, loss: visited.append(q))
    np.testing.assert_allclose(visited[4][0][0], visited[9][0][0], rtol=1e-5)
    assert not np.allclose(visited[4][0][1:], visited[9][0][1:])
    with pytest.raises(ValueError, match="even number, got 3"):
        am.refine(decoder, x, *q, 5, rng, samples=3)


@pytest.mark.parametrize("hidden", [(), (7,), (7, 5)])
def test_local_precision_is_the_gauss_newton_matrix_and_exact_where_the_logits_are_linear(hidden):
    decoder, x, rng = decoder_and_x(hidden=hidden, dtype=float)
    z = rng.normal(size=(N, K))
    for z_n, P in zip(z, am.local_precision(decoder, z)):
        J = jacobian(lambda z: nets.mlp(decoder, z))(z_n)
        p = expit(nets.mlp(decoder, z_n))
        np.testing.assert_allclose(P, np.eye(K) + J.T @ np.diag(p * (1 - p)) @ J, rtol=1e-10)
        if not hidden:  # then it is minus the Hessian of log p(x, z)
            slope = grad(lambda z: bernoulli_log_prob(x[0], nets.mlp(decoder, z)) - anp.sum(z**2) / 2)
            steps = [(slope(z_n + h) - slope(z_n - h)) / 2e-5 for h in 1e-5 * np.eye(K)]
            np.testing.assert_allclose(P, -np.array(steps), rtol=1e-5)


def test_the_weights_average_to_p_whatever_the_proposal():
    decoder, x, rng = decoder_and_x()
    z = rng.normal(size=(N, K)) * 0.3
    eps = rng.standard_normal((20_000, N, K)).astype("f4")
    exact = log_p_on_grid(decoder, x)
    for widen in (1.2, 2.0):
        log_w = am.log_weights_of(decoder, x, z, np.tile([[2.0, 0.5], [0.5, 1.5]], (N, 1, 1)), eps, widen)
        error = 1 / np.sqrt(am.effective_sample_size(log_w).min())
        np.testing.assert_allclose(iwae_bound(log_w), exact, atol=5 * error)
    assert error < 0.02


@pytest.mark.parametrize("dtype", ["u1", "i8", "?", "f8"])
def test_the_weights_of_black_and_white_pixels_do_not_depend_on_their_type(dtype):
    decoder, x, rng = decoder_and_x()
    eps = rng.standard_normal((6, N, K), dtype=np.float32)
    z, P = rng.normal(size=(N, K)), np.tile([[2.0, 0.5], [0.5, 1.5]], (N, 1, 1))
    expected = am.log_weights_of(decoder, x, z, P, eps)
    np.testing.assert_allclose(am.log_weights_of(decoder, x.astype(dtype), z, P, eps), expected, rtol=1e-5)


def test_log_p_sums_to_one_over_all_images():
    decoder = [(np.array([[1.0, -2.0, 0.5], [0.3, 0.4, 1.5]], "f4"), np.array([0.2, -0.1, 0.0], "f4"))]
    images = np.array(np.meshgrid(*[[0, 1]] * 3)).reshape(3, -1).T.astype("f4")
    assert logsumexp(log_p_on_grid(decoder, images)) == pytest.approx(0, abs=1e-4)


def slopes_of(decoder, x, q, noise):
    """The slopes (N, K) in mu and in log_sigma, from the ELBO of one example at a time."""

    def of(n, i):
        def elbo(*own):
            return am.elbo_of_q(decoder, x[n : n + 1], *own, noise[:, n : n + 1])[0]

        return grad(elbo, i)(*(part[n : n + 1] for part in q))[0]

    return [np.array([of(n, i) for n in range(len(x))]) for i in (0, 1)]


def test_refinement_by_plain_steps_follows_each_example_s_own_slope():
    decoder, x, rng = decoder_and_x(dtype=float)
    mu, log_sigma = rng.normal(size=(2, N, K))
    eps = rng.normal(size=(3, 4, N, K))
    q = [mu, log_sigma]
    for noise in eps:
        q = [part + 0.03 * slope for part, slope in zip(q, slopes_of(decoder, x, q, noise))]
    np.testing.assert_allclose(am.refine_q(decoder, x, mu, log_sigma, eps, 0.03), q, rtol=1e-9)
    halves = (part.astype("f4") for part in (mu, log_sigma))
    assert all(
        part.dtype == np.float32 for part in am.refine_q(decoder, x.astype("f4"), *halves, eps.astype("f4"), 0.03)
    )


@pytest.mark.whole
def test_an_encoder_is_trained_to_the_bound_of_the_best_q_and_the_decoder_stays():
    decoder, _, rng = decoder_and_x(dtype=float)
    z = rng.normal(size=(800, K))
    x = (rng.random((800, D)) < expit(nets.mlp(decoder, z))).astype(np.float32)
    before = [(W.copy(), b.copy()) for W, b in decoder]
    encoder = am.encoder_train(x[:600], decoder, [D, 20, K], 400, np.random.default_rng(0))
    assert [W.shape for W, _ in encoder] == [(D, 20), (20, 2 * K)]
    for layer, old in zip(decoder, before):
        np.testing.assert_array_equal(layer[0], old[0])
    eps = rng.standard_normal((64, 200, K), dtype=np.float32)
    q = vae.encoder_forward(encoder, x[600:])
    best = am.refine(decoder, x[600:], *q, 60, np.random.default_rng(1))
    prior = 0 * q[0], 0 * q[1]
    F, top, floor = (am.elbo_of_q(decoder, x[600:], *part, eps).mean() for part in (q, best, prior))
    assert F > floor + 0.9 * (top - floor)
