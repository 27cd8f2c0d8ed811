"""The classifier: softmax in logarithms, and a training that finds what is there."""

import autograd
import numpy as np
import pytest
from scipy.special import log_softmax as scipy_log_softmax

from course_utils.models.classifier import class_log_probs, classifier_train, log_softmax, predict
from course_utils.networks.nets import init_mlp


def test_log_softmax_is_that_of_scipy_also_far_out():
    logits = np.random.default_rng(0).normal(size=(2, 5, 4)) * 3
    np.testing.assert_allclose(log_softmax(logits), scipy_log_softmax(logits, axis=-1), rtol=1e-12)
    far = np.array([[1e4, -1e4, 0.0]])
    np.testing.assert_allclose(log_softmax(far), [[0, -2e4, -1e4]])
    assert log_softmax(logits.astype("f4")).dtype == np.float32


def test_its_gradient_is_the_target_less_the_probabilities():
    logits, target = np.random.default_rng(1).normal(size=(3, 4)), np.eye(4)[[1, 0, 3]]
    gradient = autograd.grad(lambda l: (target * log_softmax(l)).sum())(logits)
    np.testing.assert_allclose(gradient, target - np.exp(scipy_log_softmax(logits, axis=-1)), rtol=1e-10)


def rings(N, rng):
    """Two classes that no straight line parts: a disc and the ring around it."""
    y, angle = rng.integers(2, size=N), rng.uniform(0, 2 * np.pi, N)
    radius = np.where(y, rng.uniform(1.5, 2, N), rng.uniform(0, 1, N))
    return radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1), y


@pytest.mark.slow
def test_it_learns_what_is_not_linear_and_is_float32():
    network = classifier_train(
        *rings(500, np.random.default_rng(0)), [2, 20, 2], 600, np.random.default_rng(0), step_size=2e-2
    )
    x, y = rings(500, np.random.default_rng(1))
    assert np.mean(predict(network, x) == y) > 0.97
    assert network[0][0].dtype == np.float32
    linear = classifier_train(
        *rings(500, np.random.default_rng(0)), [2, 2], 300, np.random.default_rng(0), step_size=2e-2
    )
    assert np.mean(predict(linear, x) == y) < 0.75


def test_prediction_is_the_largest_probability_and_bad_shapes_are_refused():
    network, x = init_mlp([3, 4, 5], np.random.default_rng(0)), np.random.default_rng(1).normal(size=(6, 3))
    np.testing.assert_array_equal(predict(network, x), np.exp(class_log_probs(network, x)).argmax(axis=1))
    with pytest.raises(ValueError, match=r"sizes = \[4, 2\] and x has shape \(6, 3\)"):
        classifier_train(x, np.zeros(6, int), [4, 2], 5, np.random.default_rng(0))
