"""Networks against their layers written out."""

import numpy as np

from course_utils.networks.nets import beside, count_parameters, init_mlp, mlp


def test_a_network_is_its_layers():
    params = init_mlp([3, 5, 4, 2], np.random.default_rng(0), np.float64)
    x = np.random.default_rng(1).normal(size=(6, 3))
    h = x
    for i, (W, b) in enumerate(params):
        h = np.array([[sum(row[k] * W[k, j] for k in range(len(row))) + b[j] for j in range(len(b))] for row in h])
        h = np.tanh(h) if i < 2 else h
    np.testing.assert_allclose(mlp(params, x), h)
    assert count_parameters(params) == 3 * 5 + 5 + 5 * 4 + 4 + 4 * 2 + 2


def test_initial_weights_keep_the_variance():
    ((W, b),) = init_mlp([400, 300], np.random.default_rng(0))
    assert W.dtype == b.dtype == np.float32 and not b.any()
    assert abs(W.var() * 400 - 1) < 5 * np.sqrt(2 / W.size)  # five standard errors


def test_beside_repeats_the_labels_for_samples_and_keeps_the_type():
    a, y = np.zeros((2, 4, 3), np.float32), np.eye(4)
    joined = beside(a, y)
    assert joined.shape == (2, 4, 7) and joined.dtype == np.float32
    np.testing.assert_array_equal(joined[1, :, 3:], y)
