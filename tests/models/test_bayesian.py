"""Random weights in classifiers: prices, predictions, lengths, and a training that finds what is known exactly."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import value_and_grad
from scipy.integrate import quad
from scipy.special import log_softmax, softmax
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from course_utils.data import load_mnist, shrink
from course_utils.models import bayesian
from course_utils.networks import random_weights


def test_prices_are_integrals():
    mu, log_sigma, tau = np.array([0.7, -1.2, 0.0]), np.array([-1.0, 0.4, -3.0]), 0.6
    for m, s, price in zip(mu, log_sigma, bayesian.weight_prices(mu, log_sigma, tau)):
        q, p = norm(m, np.exp(s)), norm(0, tau)
        low, high = m - 12 * np.exp(s), m + 12 * np.exp(s)
        integral = quad(lambda w, q=q, p=p: q.pdf(w) * (q.logpdf(w) - p.logpdf(w)), low, high, points=[m], limit=200)[0]
        assert price == pytest.approx(integral, abs=1e-7)


def test_the_best_scale_is_a_minimum_of_the_total_price():
    rng = np.random.default_rng(0)
    mu, log_sigma = rng.normal(size=20), rng.uniform(-2, 0, 20)
    tau = bayesian.best_prior_scale(mu, log_sigma)
    prices = [bayesian.weight_prices(mu, log_sigma, tau * f).sum() for f in (0.99, 1.0, 1.01)]
    assert prices[1] < min(prices[0], prices[2])
    assert prices[1] == pytest.approx(random_weights.layer_price(mu, log_sigma), rel=1e-12)


def test_predictions_are_averages_of_probabilities():
    logits = 3 * np.random.default_rng(1).normal(size=(5, 4, 3))
    expected = sum(softmax(sample, axis=1) for sample in logits) / 5
    np.testing.assert_allclose(bayesian.predictive(logits), expected)
    assert np.isfinite(bayesian.predictive(1000 * logits)).all()


def test_lengths_in_bits():
    assert bayesian.prequential_bits(np.log([0.5, 0.25])) == pytest.approx(3)
    logits, y = np.random.default_rng(2).normal(size=(3, 6, 4)), np.array([0, 1, 2, 3, 0, 1])
    expected = -log_softmax(logits, axis=-1)[:, np.arange(6), y].sum(axis=1) / np.log(2)
    np.testing.assert_allclose(bayesian.label_bits(logits, y), expected)


def test_entropy_and_disagreement():
    assert bayesian.entropy([0.5, 0.5, 0.0]) == pytest.approx(np.log(2))
    opposite = np.array([[[50.0, 0]], [[0, 50.0]]])  # each sure, of another class
    alike = np.zeros((2, 1, 2))  # both undecided
    assert bayesian.disagreement(opposite)[0] == pytest.approx(np.log(2))
    assert bayesian.disagreement(alike)[0] == pytest.approx(0, abs=1e-12)


def test_the_area_is_scikit_learns():
    rng = np.random.default_rng(3)
    negative, positive = rng.integers(0, 6, 40), rng.integers(2, 9, 30)  # with ties
    expected = roc_auc_score(np.repeat([0, 1], [40, 30]), np.concatenate([negative, positive]))
    assert bayesian.area_under_roc(negative, positive) == pytest.approx(expected)


@pytest.mark.whole
def test_labels_that_have_nothing_to_do_with_the_pictures_buy_no_weights():
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(300, 10)), rng.integers(0, 3, 300)
    network = bayesian.bayesian_train(x, y, [10, 3], 600, rng)
    weights, labels = bayesian.description_bits(network, x, y, rng)
    assert weights < 3
    assert weights + labels == pytest.approx(300 * np.log2(3), rel=0.02)


@pytest.mark.slow
def test_a_thousand_digits_labels_take_two_fifths_of_the_uniform_code():
    digits = load_mnist()
    x, y = shrink(digits.x_train, 7)[:1000], digits.y_train[:1000]
    network = bayesian.bayesian_train(x, y, [49, 10], 800, np.random.default_rng(0))
    total = sum(bayesian.description_bits(network, x, y, np.random.default_rng(1)))
    assert total < 0.40 * 1000 * np.log2(10)
    again = bayesian.bayesian_train(x, y, [49, 10], 800, np.random.default_rng(0))
    assert all(np.array_equal(a, b) for one, two in zip(network, again) for a, b in zip(one, two))  # bits back need it


@pytest.mark.whole
def test_a_colder_training_keeps_more_of_its_weights():
    rng = np.random.default_rng(5)
    x = rng.normal(size=(200, 6))
    y = (x @ rng.normal(size=6) > 0).astype(int)
    warm, cold = (
        bayesian.bayesian_train(x, y, [6, 2], 400, np.random.default_rng(0), kl_weight=weight) for weight in (1, 0.1)
    )
    assert bayesian.weight_bits(cold) > 1.5 * bayesian.weight_bits(warm)


def test_the_layer_may_be_the_students_own():
    calls = []

    def layer(h, mu, log_sigma, eps):
        calls.append(eps.shape)
        return random_weights.noisy_dense(h, mu, log_sigma, eps)

    x, y = np.zeros((30, 4)), np.arange(30) % 3
    bayesian.bayesian_train(x, y, [4, 5, 3], 2, np.random.default_rng(0), batch_size=10, layer=layer)
    assert calls == [(10, 5), (10, 3)] * 2


@pytest.mark.parametrize("sizes", [[4, 3], [4, 5, 3], [4, 5, 6, 3]])
def test_the_gradients_written_out_are_those_of_the_plain_bound(sizes):
    """`loss_and_gradients` gives what autograd gives of `network_sample`, the cross-entropy and the weights' prices."""
    rng = np.random.default_rng(6)
    network = [(mu.astype(float), rng.uniform(-2, 0, mu.shape)) for mu, _ in random_weights.init_random(sizes, rng)]
    x, targets, weight = rng.normal(size=(7, 4)), np.eye(3)[rng.integers(0, 3, 7)], 0.3
    eps = [rng.normal(size=(7, n)) for n in sizes[1:]]

    def plain(network):
        logits = bayesian.network_sample(network, x, eps, random_weights.noisy_dense)
        errors = -anp.mean(anp.sum(targets * bayesian.log_softmax(logits), axis=1))
        return errors + weight * sum(random_weights.layer_price(*part) for part in network)

    value, gradients = bayesian.loss_and_gradients(network, random_weights.with_ones(x), targets, eps, weight)
    exact, expected = value_and_grad(plain)(network)
    assert value == pytest.approx(exact)
    for found, part in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(found, part, rtol=1e-6, atol=1e-9)


def test_training_without_a_tape_ends_where_training_with_one_does():
    rng = np.random.default_rng(7)
    x, y = rng.normal(size=(50, 4)), rng.integers(0, 3, 50)
    plain = lambda *args: random_weights.noisy_dense(*args)  # noqa: E731 - a layer, but not the one that is known
    ends = [
        bayesian.bayesian_train(x, y, [4, 5, 3], 40, np.random.default_rng(0), 10, kl_weight=0.5, layer=layer)
        for layer in (random_weights.noisy_dense, plain)
    ]
    for one, two in zip(*ends):
        np.testing.assert_allclose(one, two, atol=1e-4)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"logits should be \(S, N, C\)"):
        bayesian.predictive(np.zeros((3, 2)))
    with pytest.raises(ValueError, match=r"log_probs should be \(N,\)"):
        bayesian.prequential_bits(np.zeros((3, 2)))
    with pytest.raises(ValueError, match="tau"):
        bayesian.weight_prices(np.zeros(2), np.zeros(2), 0.0)
    with pytest.raises(ValueError, match="0..2"):
        bayesian.bayesian_train(np.zeros((4, 2)), np.array([0, 1, 2, 3]), [2, 3], 1, np.random.default_rng(0))
