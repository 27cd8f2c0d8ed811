"""Autoregressive models: densities that integrate to 1, samples by enumeration, and what was given stays."""

import itertools

import numpy as np
import pytest
from scipy import special

from course_utils.models import made
from course_utils.networks.masked import made_masks
from course_utils.networks.nets import init_mlp


@pytest.fixture(scope="module")
def model():
    """On two numbers that depend on each other: x_1 is near the square of x_0."""
    rng = np.random.default_rng(0)
    a = rng.normal(size=4000)
    x = np.stack([a, a**2 + 0.1 * rng.normal(size=4000)], axis=1)
    return made.made_train(x, made_masks([2, 24, 24, 2], [0, 1]), 700, rng, components=6)


@pytest.mark.slow
def test_the_density_integrates_to_one(model):
    side, up = np.linspace(-6, 6, 301), np.linspace(-4, 25, 1451)
    plane = np.stack(np.meshgrid(side, up), axis=-1).reshape(-1, 2)
    total = np.exp(made.made_log_prob(model, plane)).sum() * (side[1] - side[0]) * (up[1] - up[0])
    assert abs(total - 1) < 0.01


@pytest.mark.whole
def test_training_comes_close_to_the_entropy(model):
    rng = np.random.default_rng(1)
    a = rng.normal(size=4000)
    x = np.stack([a, a**2 + 0.1 * rng.normal(size=4000)], axis=1)
    entropy = 0.5 * np.log(2 * np.pi * np.e) + 0.5 * np.log(2 * np.pi * np.e * 0.01)
    assert -entropy - 0.25 < made.made_log_prob(model, x).mean() < -entropy + 0.05
    np.testing.assert_allclose(made.made_log_factors(model, x).sum(axis=1), made.made_log_prob(model, x), rtol=1e-5)


def test_samples_follow_the_dependence_and_keep_what_is_given(model):
    rng = np.random.default_rng(2)
    u, eps = rng.random((3000, 2)), rng.normal(size=(3000, 2))
    x = made.made_sample(model, [0, 1], u, eps)
    assert abs(x[:, 0].mean()) < 0.1 and abs(x[:, 0].std() - 1) < 0.1
    assert np.median(np.abs(x[:, 1] - x[:, 0] ** 2)) < 0.2  # 0.07 for the data; 1 where it does not depend
    given = np.full((3000, 2), 1.5)
    finished = made.made_sample(model, [0, 1], u, eps, x=given, given=1)
    assert (finished[:, 0] == 1.5).all() and abs(np.median(finished[:, 1]) - 2.25) < 0.15


def test_pixels_are_drawn_with_their_probabilities():
    """All pictures of three pixels, enumerated."""
    rng = np.random.default_rng(3)
    masks = made_masks([3, 6, 3], [0, 1, 2])
    model = [(3 * W.astype(float), b + 0.2) for W, b in init_mlp([3, 6, 3], rng)], masks
    pictures = np.array(list(itertools.product([0.0, 1.0], repeat=3)))
    logits = made.made_logits(model, pictures)
    exact = np.exp(special.log_expit((2 * pictures - 1) * logits).sum(axis=1))
    assert np.isclose(exact.sum(), 1)
    drawn = made.autoregressive_sample(lambda x: made.made_logits(model, x), rng.random((20_000, 3)))
    counts = np.bincount((drawn @ [4, 2, 1]).astype(int), minlength=8) / 20_000
    assert np.abs(counts - exact).max() < 5 * np.sqrt(exact.max() / 20_000)


def test_training_on_pixels_beats_independent_ones():
    rng = np.random.default_rng(4)
    a = rng.integers(0, 2, (600, 1)).astype(float)
    x = np.hstack([a, 1 - a, a, a])  # one bit
    model = made.made_binary_train(x, made_masks([4, 12, 4], range(4)), 300, rng, step_size=2e-2)
    log_p = special.log_expit((2 * x - 1) * made.made_logits(model, x)).sum(axis=1)
    assert log_p.mean() > 1.5 * np.log(0.5)  # independent pixels: 4 log 0.5


def test_data_must_fit_the_masks():
    with pytest.raises(ValueError, match=r"sizes\[0\]"):
        made.made_train(np.zeros((5, 3)), made_masks([2, 4, 2], [0, 1]), 1, np.random.default_rng(0))
