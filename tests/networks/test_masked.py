"""Masked networks: what they are connected with, found by changing inputs, and gradients by finite differences."""

import itertools

import autograd.numpy as anp
import numpy as np
import pytest
from autograd.test_util import check_grads

from course_utils.networks.masked import made_masks, masked_dense, masked_dense_tanh, masked_mlp
from course_utils.networks.nets import init_mlp


def paths(masks):
    """Which inputs reach which outputs, path by path."""
    D = len(masks[0])
    reached = np.eye(D, dtype=bool)
    for mask in masks:
        reached = np.array(
            [[any(row[h] and mask[h, j] for h in range(len(mask))) for j in range(mask.shape[1])] for row in reached]
        )
    return reached


@pytest.mark.parametrize("hidden", [[4], [9, 6], [5, 4, 11]])
def test_an_output_is_reached_by_the_inputs_before_it_and_by_no_others(hidden):
    for order in itertools.islice(itertools.permutations(range(5)), 0, 120, 17):
        masks = made_masks([5, *hidden, 5], order)
        wanted = [[order[i] < order[j] for j in range(5)] for i in range(5)]
        np.testing.assert_array_equal(paths(masks), wanted)
        for i, mask in enumerate(masks[:-1]):
            known = paths(masks[: i + 1]).sum(axis=0)  # inputs that reach a hidden unit
            assert known.min() >= 1 and masks[i + 1].any(axis=1).all()
            assert np.ptp(np.bincount(known, minlength=5)[1:]) <= 1, mask.shape


def test_the_network_sees_what_its_masks_say():
    order, rng = [2, 0, 3, 1], np.random.default_rng(0)
    masks = made_masks([4, 7, 6, 4], order)
    params = init_mlp([4, 7, 6, 4], rng, float)
    x = rng.normal(size=(1, 4))
    base = masked_mlp(params, masks, x)
    for i in range(4):
        changed = masked_mlp(params, masks, x + np.eye(4)[i]) != base
        np.testing.assert_array_equal(changed[0], [order[i] < place for place in order])


@pytest.mark.parametrize("layer, outer", [(masked_dense, lambda a: a), (masked_dense_tanh, anp.tanh)])
def test_layers_and_their_gradients(layer, outer):
    rng = np.random.default_rng(1)
    h, W, b = rng.normal(size=(5, 3)), rng.normal(size=(3, 4)), rng.normal(size=4)
    mask = (rng.random((3, 4)) < 0.6).astype(float)
    np.testing.assert_allclose(layer(h, W, b, mask), outer(h @ (W * mask) + b))
    check_grads(lambda h, W, b: layer(h, W, b, mask), modes=["rev"], order=1)(h, W, b)


@pytest.mark.parametrize(
    "sizes, order, message",
    [
        ([3, 5, 4], [0, 1, 2], r"\[D, H..., D\]"),
        ([3, 3], [0, 1, 2], r"\[D, H..., D\]"),
        ([4, 2, 4], [0, 1, 2, 3], "every H >= D - 1"),
        ([3, 4, 3], [1, 2, 3], "places 0..2, each once"),
        ([3, 4, 3], [0, 1], "places 0..2"),
    ],
)
def test_what_cannot_be_masked_is_refused(sizes, order, message):
    with pytest.raises(ValueError, match=message):
        made_masks(sizes, order)


def test_masks_must_fit_the_layers():
    params = init_mlp([3, 4, 3], np.random.default_rng(0))
    with pytest.raises(ValueError, match="needs a mask of its shape"):
        masked_mlp(params, made_masks([3, 5, 3], [0, 1, 2]), np.zeros((1, 3)))
