"""Slant and thickness measure what they say, on pictures whose slant and thickness are known."""

import numpy as np
import pytest

from course_utils.data import load_mnist
from course_utils.models.digit_style import shuffle_within, slant, stroke_thickness, without_label_means

SHAPE = (28, 28)


def bar(angle=0.0, width=4.0, half_length=9.0):
    """A bar through the middle, leaning `angle` degrees to the right, `width` wide across it; grey at its edge."""
    rows, columns = np.mgrid[:280, :280] / 10 - 13.95  # ten by ten points in a pixel
    a = np.radians(angle)
    along, across = columns * np.sin(a) - rows * np.cos(a), columns * np.cos(a) + rows * np.sin(a)
    inside = (np.abs(along) < half_length) & (np.abs(across) < width / 2)
    return inside.reshape(28, 10, 28, 10).mean(axis=(1, 3)).reshape(1, -1)


def test_slant_of_a_leaning_bar_is_its_angle():
    for angle in (-35, -10, 0, 20, 40):
        assert slant(bar(angle, width=1.5), SHAPE)[0] == pytest.approx(angle, abs=1)


def test_a_sheared_picture_gains_the_shear():
    """Rows pushed to the side: x -> x + s y adds s to E[xy] / E[y^2], whatever the picture."""
    for image in load_mnist().x_test[:5].reshape(-1, *SHAPE):
        wide = np.pad(image, ((0, 0), (28, 28)))
        sheared = np.stack([np.roll(row, 28 - i) for i, row in enumerate(wide)])  # one pixel to the right per row up
        tangents = np.tan(np.radians(slant(np.stack([wide, sheared]), wide.shape)))
        assert tangents[1] - tangents[0] == pytest.approx(1, abs=1e-9)


def test_slant_does_not_depend_on_place_brightness_or_mirror_image():
    x = bar(25)
    image = x.reshape(SHAPE)
    moved = np.roll(image, (2, -3), axis=(0, 1))
    values = slant(np.stack([image, moved, 0.3 * image, image[:, ::-1]]), SHAPE)
    np.testing.assert_allclose(values, values[0] * np.array([1, 1, 1, -1]), rtol=1e-9)


def test_thickness_of_a_bar_is_its_width_in_any_direction():
    for width in (2, 3, 4, 6):
        for angle in (0, 30, 45, 90):
            ends = width**2 / (3 * 18)  # near the ends the nearest edge is the end: exact for a rectangle
            assert stroke_thickness(bar(angle, width), SHAPE)[0] == pytest.approx(width - ends, abs=0.3)


def test_thickness_orders_pens_and_is_zero_without_ink():
    widths = stroke_thickness(np.concatenate([bar(15, w) for w in np.arange(1.5, 6, 0.5)]), SHAPE)
    assert np.all(np.diff(widths) > 0)
    assert stroke_thickness(np.zeros((1, 784)), SHAPE)[0] == 0


def test_thickness_is_the_same_wherever_the_ink_lies_and_whatever_pictures_come_with_it():
    """In no rectangle about the ink does a stroke lose its background: in a corner, and on pictures that are wide."""
    wide = np.zeros((5, 20, 40))
    places = [(8, 15), (0, 0), (14, 30), (0, 15)]
    for picture, (row, column) in zip(wide, places):  # the last one stays black
        picture[row : row + 6, column : column + 10] = 1
    thickness = stroke_thickness(wide.reshape(5, -1), (20, 40))
    alone = [stroke_thickness(picture.reshape(1, -1), (20, 40))[0] for picture in wide]
    np.testing.assert_allclose(thickness, alone, rtol=1e-12)
    # the mean distance of a rectangle's points to its edge, and beyond the picture there is background
    rows, columns = np.mgrid[:18, :30] + 0.5
    nearest = np.minimum.reduce([rows, 18 - rows, columns, 30 - columns]).mean() / 3
    np.testing.assert_allclose(thickness[:4], 4 * nearest, rtol=0.03)
    assert thickness[4] == 0


def test_pictures_without_ink_have_no_slant():
    with pytest.raises(ValueError, match="images with ink"):
        slant(np.zeros((2, 784)), SHAPE)


def test_label_means_are_taken_out_and_nothing_else():
    values, labels = np.array([1.0, 5, 3, 9, 2]), np.array([7, 2, 7, 2, 7])
    np.testing.assert_allclose(without_label_means(values, labels), [-1, -2, 1, 2, 0])


def test_shuffles_stay_within_a_label_and_move_partners():
    labels = np.random.default_rng(0).integers(4, size=200)
    order = shuffle_within(labels, np.random.default_rng(1))
    np.testing.assert_array_equal(np.sort(order), np.arange(200))
    np.testing.assert_array_equal(labels[order], labels)
    assert np.mean(order == np.arange(200)) < 0.1
