"""Small decoders: shapes, and what their docstrings promise."""

import numpy as np
import pytest

from course_utils.probability import toy_decoders

SHAPES = {
    "half_moon": (1, 2),
    "spiral": (1, 2),
    "helix": (1, 3),
    "line": (1, 3),
    "plane": (2, 3),
    "bowl": (2, 3),
    "waves": (2, 400),
}


@pytest.mark.parametrize("name", SHAPES)
def test_any_leading_shape_gives_the_same_points(name):
    decoder, (K, D) = getattr(toy_decoders, name), SHAPES[name]
    z = np.random.default_rng(0).normal(size=(4, 5, K))
    together = decoder(z)
    assert together.shape == (4, 5, D)
    np.testing.assert_allclose(decoder(z[2]), together[2])
    np.testing.assert_allclose(decoder(z[2, 3]), together[2, 3])
    np.testing.assert_allclose(decoder(z[2].tolist()), together[2])


@pytest.mark.parametrize("name", SHAPES)
def test_only_the_straight_ones_are_straight(name):
    decoder, K = getattr(toy_decoders, name), SHAPES[name][0]
    at_0, at_1, at_2 = decoder(np.outer([0, 1, 2], np.ones(K)))
    assert np.allclose(at_2 - at_0, 2 * (at_1 - at_0)) == (name in ("line", "plane"))


@pytest.mark.parametrize("bend", [0.0, 1e-6, 0.7, 2.0])
def test_an_arc_has_unit_speed_its_bend_and_mean_zero_under_the_prior(bend):
    z = np.linspace(-9, 9, 18001)
    points = toy_decoders.arc(z[:, None], bend)
    steps = np.diff(points, axis=0) / (z[1] - z[0])
    np.testing.assert_allclose(np.hypot(*steps.T), 1, atol=1e-6)
    curvature = np.hypot(*np.diff(steps, axis=0).T) / (z[1] - z[0])
    np.testing.assert_allclose(curvature, bend, atol=1e-3)
    prior = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    np.testing.assert_allclose(np.trapezoid(prior[:, None] * points, z, axis=0), 0, atol=1e-8)


def test_an_arc_without_bend_is_the_limit_of_small_bends():
    z = np.linspace(-3, 3, 50)[:, None]
    np.testing.assert_allclose(toy_decoders.arc(z, 1e-7), toy_decoders.arc(z, 0), atol=1e-6)
