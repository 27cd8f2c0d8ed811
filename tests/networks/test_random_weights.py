"""Layers whose weights are random: their values, their gradients, and what they refuse."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from scipy.optimize import minimize_scalar

from course_utils.networks import random_weights
from course_utils.networks.fast import softmax_cross_entropy
from course_utils.networks.flat import flatten, unflatten


def layer(rng, I=4, H=3, dtype=float):
    return rng.normal(size=(I, H)).astype(dtype), rng.uniform(-1.5, -0.2, (I, H)).astype(dtype)


def differences(f, a, h=1e-6):
    """Central differences of a number by every entry of a."""
    slope = np.zeros(a.shape)
    for index in np.ndindex(a.shape):
        up, down = a.copy(), a.copy()
        up[index] += h
        down[index] -= h
        slope[index] = (f(up) - f(down)) / (2 * h)
    return slope


def test_a_noisy_layer_has_the_moments_of_drawn_weights():
    rng = np.random.default_rng(0)
    mu, log_sigma = layer(rng)
    h, many = rng.normal(size=(1, 4)), 200_000
    drawn = (h @ (mu + np.exp(log_sigma) * rng.normal(size=(many, 4, 3))))[:, 0]
    fast = random_weights.noisy_dense(np.repeat(h, many, axis=0), mu, log_sigma, rng.normal(size=(many, 3)))
    error = drawn.std(axis=0) / np.sqrt(many)
    assert np.all(np.abs(fast.mean(axis=0) - drawn.mean(axis=0)) < 6 * error)
    np.testing.assert_allclose(fast.std(axis=0), drawn.std(axis=0), rtol=0.01)


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_noisy_layers_gradients_are_finite_differences(which):
    rng = np.random.default_rng(1)
    args = [rng.normal(size=(5, 4)), *layer(rng), rng.normal(size=(5, 3))]
    weights = rng.normal(size=(5, 3))

    def f(a):
        return anp.sum(weights * anp.sin(random_weights.noisy_dense(*args[:which], a, *args[which + 1 :])))

    np.testing.assert_allclose(grad(f)(args[which]), differences(f, args[which]), rtol=1e-6, atol=1e-8)


def test_a_row_of_zeros_gives_no_nan():
    rng = np.random.default_rng(2)
    mu, log_sigma = layer(rng)
    h = np.vstack([np.zeros(4), rng.normal(size=4)])
    eps = rng.normal(size=(2, 3))
    slopes = grad(lambda part: anp.sum(random_weights.noisy_dense(h, part[0], part[1], eps)))((mu, log_sigma))
    assert all(np.isfinite(slope).all() for slope in slopes)


def test_float32_stays_float32():
    rng = np.random.default_rng(3)
    mu, log_sigma = layer(rng, dtype=np.float32)
    h, eps = rng.normal(size=(5, 4)).astype("f4"), rng.normal(size=(5, 3)).astype("f4")

    def loss(part):
        price = random_weights.layer_price(part[0], part[1])
        return price + anp.sum(random_weights.noisy_dense(h, part[0], part[1], eps))

    assert random_weights.noisy_dense(h, mu, log_sigma, eps).dtype == np.float32
    assert all(slope.dtype == np.float32 for slope in grad(loss)((mu, log_sigma)))


def total_price(mu, log_sigma, log_tau):
    """The sum of the KLs, from the formula for two Gaussians."""
    variance = np.exp(2 * log_sigma)
    return np.sum(log_tau - log_sigma + (variance + mu**2) / (2 * np.exp(2 * log_tau)) - 0.5)


def test_a_layers_price_is_the_lowest_over_all_prior_scales():
    mu, log_sigma = layer(np.random.default_rng(4))
    found = minimize_scalar(lambda t: total_price(mu, log_sigma, t), bounds=(-5, 5), method="bounded")
    assert random_weights.layer_price(mu, log_sigma) == pytest.approx(found.fun, rel=1e-9)
    assert random_weights.best_log_tau(mu, log_sigma) == pytest.approx(found.x, abs=1e-4)


@pytest.mark.parametrize("which", [0, 1])
def test_a_layers_price_has_the_slope_of_finite_differences(which):
    args = list(layer(np.random.default_rng(5)))

    def f(a):
        return random_weights.layer_price(*args[:which], a, *args[which + 1 :])

    np.testing.assert_allclose(grad(f)(args[which]), differences(f, args[which]), rtol=1e-6, atol=1e-8)


def test_a_network_starts_as_it_says():
    network = random_weights.init_random([40, 30, 5], np.random.default_rng(6), sigma=0.02)
    assert [mu.shape for mu, _ in network] == [(41, 30), (31, 5)]
    assert all(a.dtype == np.float32 for part in network for a in part)
    assert np.allclose(np.exp(flatten([s for _, s in network])), 0.02)
    assert network[0][0].std() == pytest.approx(1 / (2 * np.sqrt(40)), rel=0.1)
    assert random_weights.count_weights([40, 30, 5]) == sum(mu.size for mu, _ in network)


def test_draws_have_the_means_and_widths_of_q_and_the_forward_pass_is_the_plain_one():
    rng = np.random.default_rng(7)
    network = [layer(rng, 3, 4), layer(rng, 5, 2)]
    draws = np.array([flatten(random_weights.sample_weights(network, rng)) for _ in range(20_000)])
    mu, sigma = flatten([m for m, _ in network]), np.exp(flatten([s for _, s in network]))
    assert np.all(np.abs(draws.mean(axis=0) - mu) < 5 * sigma / np.sqrt(20_000))
    np.testing.assert_allclose(draws.std(axis=0), sigma, rtol=0.03)
    W1, W2 = unflatten(draws[0], [m for m, _ in network])
    x = rng.normal(size=(6, 2))
    expected = np.tanh(x @ W1[:-1] + W1[-1]) @ W2[:-1] + W2[-1]
    np.testing.assert_allclose(random_weights.forward([W1, W2], x), expected)


def test_what_does_not_fit_is_refused():
    rng = np.random.default_rng(8)
    mu, log_sigma = layer(rng)
    with pytest.raises(ValueError, match=r"expected h \(N, I\).*\(5, 3\), \(4, 3\)"):
        random_weights.noisy_dense(np.zeros((5, 3)), mu, log_sigma, np.zeros((5, 3)))
    with pytest.raises(ValueError, match="mu and log_sigma should have one shape"):
        random_weights.layer_price(mu, log_sigma[:2])
    with pytest.raises(ValueError, match="two sizes or more"):
        random_weights.init_random([3], rng)


def test_cross_entropy_is_the_log_softmax_and_has_its_gradient():
    rng = np.random.default_rng(9)
    logits, targets = 3 * rng.normal(size=(5, 4)), rng.dirichlet(np.ones(4), 5)
    plain = -np.sum(targets * (logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))), axis=1)
    np.testing.assert_allclose(softmax_cross_entropy(targets, logits), plain)
    shares = rng.normal(size=5)

    def f(a):
        return anp.sum(shares * softmax_cross_entropy(targets, a))

    np.testing.assert_allclose(grad(f)(logits), differences(f, logits), rtol=1e-6, atol=1e-8)
    assert softmax_cross_entropy(np.eye(2), np.array([[1000.0, -1000], [1000, -1000]])).tolist() == [0, 2000]
    assert grad(lambda a: anp.sum(softmax_cross_entropy(targets.astype("f4"), a)))(logits.astype("f4")).dtype == "f4"
    with pytest.raises(ValueError, match="one shape"):
        softmax_cross_entropy(targets, logits[:, :3])


def test_weights_without_any_variance_give_no_nan():
    mu, log_sigma = np.ones((2, 3), np.float32), np.full((2, 3), -60, np.float32)
    x, eps = np.zeros((4, 2), np.float32), [np.ones((4, 3), np.float32)]
    outputs, kept = random_weights.noisy_layers([(mu, log_sigma)], x, eps)
    assert not outputs.any()
    bars = random_weights.noisy_gradients([(mu, log_sigma)], kept, eps, np.ones((4, 3), np.float32))
    assert all(np.isfinite(bar).all() for bar in bars[0])
