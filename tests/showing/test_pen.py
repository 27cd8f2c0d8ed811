"""Pen digits as lines: each in its cell, what was given in blue, and what cannot be drawn refused."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from course_utils.showing import plots
from course_utils.showing.pen import CELL, pen_grid


def lines(ax):
    return [[np.array(path.vertices) for path in collection.get_paths()] for collection in ax.collections[:2]]


def test_digits_stand_in_their_cells_in_order():
    x = np.random.default_rng(0).random((5, 16))
    ax = pen_grid(x, 3)
    drawn, _ = lines(ax)
    corners = [(0, CELL), (CELL, CELL), (2 * CELL, CELL), (0, 0), (CELL, 0)]
    for digit, line, corner in zip(x, drawn, corners):
        np.testing.assert_allclose(line, digit.reshape(8, 2) + corner)


def test_a_square_is_shaded_behind_each_digit():
    ax = pen_grid(np.random.default_rng(0).random((5, 16)), 3, squares=True)
    low, high = (np.array([path.vertices[:4] for path in ax.collections[0].get_paths()])[:, i] for i in (0, 2))
    np.testing.assert_allclose(low, [(0, CELL), (CELL, CELL), (2 * CELL, CELL), (0, 0), (CELL, 0)])
    np.testing.assert_allclose(high, low + 1)


def test_two_grids_side_by_side_do_not_read_as_one():
    low, high = pen_grid(np.tile([0.0, 0.0, 1.0, 1.0], (3, 1)), 3).get_xlim()
    assert (high - (2 * CELL + 1)) + (0 - low) > 2 * (CELL - 1)  # wider than between two digits


def test_what_was_given_is_blue():
    x = np.random.default_rng(1).random((3, 16))
    ax = pen_grid(x, 3, given=[0, 3, 8])
    begun = lines(ax)[1]
    assert [len(line) for line in begun] == [3, 8]
    assert to_hex(ax.collections[1].get_edgecolor()[0]) == plots.PALETTE[0]


def test_each_digit_may_have_its_colour():
    ax = pen_grid(np.random.default_rng(2).random((3, 16)), 3, colour=np.array(["#222222", "#b0b0b0", "#222222"]))
    for colours in (ax.collections[0].get_edgecolor(), ax.collections[2].get_facecolor()):  # lines and dots
        assert [to_hex(colour) for colour in colours] == ["#222222", "#b0b0b0", "#222222"]


def test_what_is_no_digit_is_refused():
    with pytest.raises(ValueError, match=r"digits \(N, 2P\)"):
        pen_grid(np.zeros((2, 15)), 2)
    with pytest.raises(ValueError, match="row_labels: expected 1, got 2"):
        pen_grid(np.zeros((2, 16)), 2, row_labels=["a", "b"])
