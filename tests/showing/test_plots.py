"""Figures carry alt text, leave no trace in matplotlib's global state, and show the values they are given."""

import base64
import html
import io
import re
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure
from PIL import Image

from course_utils.showing import plots


@pytest.fixture(autouse=True)
def untouched_globals():
    """No drawing function may change the user's settings or leave a figure with pyplot."""
    pyplot.close("all")
    before = dict(matplotlib.rcParams)
    yield
    assert dict(matplotlib.rcParams) == before
    assert pyplot.get_fignums() == []


@pytest.fixture
def shown(monkeypatch):
    """Collect what `show` displays."""
    bundles = []
    monkeypatch.setattr(plots, "display", lambda bundle, raw: bundles.append(bundle))
    return bundles


def picture(tag):
    return Image.open(io.BytesIO(base64.b64decode(re.search(r'base64,([^"]+)', tag)[1])))


def test_show_gives_alt_text_at_twice_the_pixels(shown):
    fig, ax = plots.figure(4, 3)
    ax.plot([1, 2], [3, 4])
    plots.show(fig, ' Error "falls" & K < 10 ')
    (bundle,) = shown
    tag = bundle["text/html"]
    assert set(bundle) == {"text/html", "text/plain"}
    assert bundle["text/plain"] == 'Error "falls" & K < 10'
    assert html.unescape(re.search(r'alt="([^"]*)"', tag)[1]) == 'Error "falls" & K < 10'
    assert 'width="384"' in tag and "max-width:100%" in tag
    assert picture(tag).size == (768, 576)


def test_show_closes_a_figure_of_pyplot(shown):
    fig, _ = pyplot.subplots()
    assert pyplot.get_fignums()
    plots.show(fig, "An empty figure.")
    assert pyplot.get_fignums() == []


@pytest.mark.parametrize("alt", ["", "  \n", None])
def test_show_refuses_a_missing_alt_text(shown, alt):
    with pytest.raises(ValueError, match="alt text is missing"):
        plots.show(plots.figure()[0], alt)
    assert shown == []


def test_show_refuses_what_is_no_figure():
    with pytest.raises(TypeError, match="expects a matplotlib Figure, got str"):
        plots.show("picture.png", "A picture.")


def test_the_same_figure_gives_the_same_bytes():
    def draw():
        fig, ax = plots.figure(2, 2)
        ax.plot([0, 1], [1, 0])
        return plots.png(fig)

    assert draw() == draw()


def rgb(png_bytes):
    return np.asarray(Image.open(io.BytesIO(png_bytes)).convert("RGB"), int)


@pytest.mark.whole
def test_a_palette_costs_nothing_to_see(shown):
    rng = np.random.default_rng(0)
    dots, ax = plots.figure(6, 4)
    plots.codes(rng.normal(size=(3000, 2)), rng.integers(10, size=3000), ax=ax)
    images, ax = plots.figure(4, 4)
    plots.image_grid(rng.random((16, 64)), (8, 8), columns=4, ax=ax)
    plain = plots.png(dots)
    packed = plots.with_palette(plain)
    assert len(plain) > plots.LARGE > 2 * len(packed)
    difference = np.abs(rgb(plain) - rgb(packed))
    assert difference.mean() < 1 and np.mean(difference.max(axis=2) > 24) < 0.01
    plain = plots.png(images)  # greys
    packed = plots.with_palette(plain)
    assert len(packed) < 0.8 * len(plain) < plots.LARGE and np.array_equal(rgb(plain), rgb(packed))
    plots.show(images, "greys")
    assert base64.b64encode(packed).decode() in shown[0]["text/html"]


@pytest.mark.whole
def test_a_picture_with_more_colours_or_transparent_parts_stays_as_it_is(monkeypatch):
    fig, axes = plots.figure(3, 2, columns=2)
    for ax, colours in zip(axes, ["Blues", "viridis"]):
        ax.imshow(np.linspace(0, 1, 3000).reshape(50, 60), cmap=colours)
    assert plots.with_palette(plots.png(fig)) == plots.png(fig)
    monkeypatch.setattr(plots, "LARGE", 0)
    assert plots.with_palette(plots.png(fig)) != plots.png(fig)
    fig.set_facecolor("none")  # would turn black
    assert plots.with_palette(plots.png(fig)) == plots.png(fig)


def test_figure_has_the_style_and_the_panels():
    fig, axes = plots.figure(6, 2, columns=3, rows=2, sharex=True)
    assert isinstance(fig, Figure) and axes.shape == (2, 3)
    (line,) = axes[0, 0].plot([0, 1])
    assert line.get_color() == plots.PALETTE[0]
    assert not axes[0, 0].spines["top"].get_visible()


def test_mosaic_puts_each_image_in_its_place():
    rng = np.random.default_rng(0)
    images = rng.random((5, 3 * 4))
    tiles = plots.mosaic(images, (3, 4), columns=2, gap=1, title_band=2)
    assert tiles.shape == (3 * (2 + 3 + 1) - 1, 2 * (4 + 1) - 1)
    for n in range(5):
        top, left = 6 * (n // 2) + 2, 5 * (n % 2)
        np.testing.assert_array_equal(tiles[top : top + 3, left : left + 4], images[n].reshape(3, 4))
    assert np.isfinite(tiles).sum() == images.size  # everything else is gap
    np.testing.assert_array_equal(plots.mosaic(images.reshape(5, 3, 4), (3, 4), 2, 1, 2), tiles)
    assert plots.mosaic(images[:1], (3, 4), 1, gap=0).shape == (3, 4)


@pytest.mark.parametrize(
    "images, columns", [(np.zeros((2, 11)), 2), (np.zeros((0, 12)), 2), (np.zeros(12), 1), (np.zeros((2, 12)), 0)]
)
def test_mosaic_refuses_what_does_not_fit(images, columns):
    with pytest.raises(ValueError, match=r"images of shape \(3, 4\)|columns must be"):
        plots.mosaic(images, (3, 4), columns)


def test_titles_and_neighbours_do_not_touch_the_tiles():
    ax = plots.image_grid(np.ones((6, 16)), (4, 4), 3)
    high, wide = ax.images[0].get_array().shape
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    assert left < -0.5 - 0.02 * wide and right > wide - 0.5 + 0.02 * wide
    assert top < -0.5 - 0.02 * high and bottom == high - 0.5


def test_image_grid_labels_and_limits():
    images = np.linspace(-2, 1, 6 * 12).reshape(6, 12)
    ax = plots.image_grid(images, (3, 4), 3, titles=list("abcdef"), row_labels=["x", "y"], column_labels=[1, 2, 3])
    assert [text.get_text() for text in ax.texts] == list("abcdef")
    assert [text.get_text() for text in ax.get_xticklabels()] == ["1", "2", "3"]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["x", "y"]
    assert ax.images[0].get_clim() == (0, 1)
    assert len(ax.images) == 1  # one mosaic: an axes for every image is thirty times slower


def test_a_diverging_map_is_centred_at_zero():
    ax = plots.image_grid([[-2.0, 0.0, 1.0]], (1, 3), 1, diverging=True)
    assert ax.images[0].get_clim() == (-2, 2)
    red, _, blue, _ = ax.images[0].to_rgba(np.array([[0.0]]))[0, 0]
    assert red == pytest.approx(blue, abs=0.01) and red > 0.9  # zero is white
    plots.image_grid(np.zeros((1, 3)), (1, 3), 1, diverging=True)  # no division by zero


@pytest.mark.parametrize("name", ["titles", "row_labels", "column_labels"])
def test_image_grid_refuses_a_wrong_number_of_labels(name):
    with pytest.raises(ValueError, match=f"{name}: expected [1-4], got 5"):
        plots.image_grid(np.zeros((4, 12)), (3, 4), 2, **{name: list("abcde")})


def test_functions_draw_on_the_axes_they_are_given():
    axes = plots.figure(9, 3, 3)[1]
    assert plots.scree([2.0, 1.0], ax=axes[0]) is axes[0]
    assert plots.codes(np.eye(2), [0, 1], ax=axes[1]) is axes[1]
    assert plots.image_grid(np.zeros((4, 12)), (3, 4), 2, ax=axes[2]) is axes[2]


def test_scree_shows_shares():
    cumulative, alone = plots.scree([3.0, 1.0, 1.0]).lines
    np.testing.assert_allclose(cumulative.get_ydata(), [0.6, 0.8, 1.0])
    np.testing.assert_allclose(alone.get_ydata(), [0.6, 0.2, 0.2])
    assert plots.scree([3.0, 1.0], total=8.0).lines[0].get_ydata()[-1] == 0.5
    with pytest.raises(ValueError, match="1-D array of eigenvalues with a positive sum"):
        plots.scree([0.0, 0.0])


def test_codes_have_the_colour_and_the_name_of_their_label():
    rng = np.random.default_rng(1)
    y = np.repeat([3, 7], 50)
    z = rng.normal(size=(100, 2)) + 10 * (y == 7)[:, None]
    ax = plots.codes(z, y, names={3: "three", 7: "seven"})
    dots = ax.collections[0]
    far = dots.get_offsets().sum(axis=1) > 10
    colours = np.array([matplotlib.colors.to_hex(c) for c in dots.get_facecolors()])
    assert set(colours[far]) == {plots.TEN[1]} and set(colours[~far]) == {plots.TEN[0]}
    where = {text.get_text(): text.get_position() for text in ax.texts}
    np.testing.assert_allclose(where["seven"], np.median(z[y == 7], axis=0))
    with pytest.raises(ValueError, match="z \\(N, 2\\) and y \\(N,\\)"):
        plots.codes(z, y[:-1])
    with pytest.raises(ValueError, match="at most 10 labels"):
        plots.codes(rng.normal(size=(11, 2)), np.arange(11))


def test_names_of_codes_do_not_lie_on_each_other():
    z = np.repeat([[0.0, 0.0], [0.1, 0.0], [0.0, 0.1], [10.0, 10.0]], 20, axis=0)
    where = np.array([text.get_position() for text in plots.codes(z, np.repeat(np.arange(4), 20)).texts])
    distance = np.linalg.norm(where[:, None] - where, axis=-1)
    assert distance[np.triu_indices(4, 1)].min() > 0.55
    np.testing.assert_allclose(where[3], [10, 10])


def _lab(rgb):
    """CIELAB (D65) of linear RGB `(N, 3)`."""
    xyz = rgb @ np.array([[0.4124, 0.2126, 0.0193], [0.3576, 0.7152, 0.1192], [0.1805, 0.0722, 0.9505]])
    f = np.cbrt(np.maximum(xyz / [0.9505, 1.0, 1.089], 0.008856))
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)


# What readers without green (red) cones see, on linear RGB; Machado, Oliveira, Fernandes 2009, severity 1.
DEUTERANOPIA = [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
PROTANOPIA = [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]


def _closest(palette, matrix):
    srgb = np.array([matplotlib.colors.to_rgb(colour) for colour in palette])
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    lab = _lab(np.clip(linear @ np.array(matrix).T, 0, 1))
    distance = np.linalg.norm(lab[:, None] - lab, axis=-1)
    return distance[np.triu_indices(len(palette), 1)].min()


@pytest.mark.parametrize("matrix", [np.eye(3), DEUTERANOPIA, PROTANOPIA], ids=["all", "deuteranopia", "protanopia"])
def test_palette_is_told_apart(matrix):
    assert len(set(plots.PALETTE)) == len(set(plots.TEN)) == 10
    assert _closest(plots.PALETTE, matrix) > 8  # a difference of 2 is just seen
    assert _closest(plots.TEN, matrix) > 1.15 * _closest(plots.PALETTE, matrix)  # small dots need more
    assert _closest(plots.TEN, np.eye(3)) > 35
    # the measure can fail: matplotlib's own ten have a pair that merges without green cones
    if matrix is DEUTERANOPIA:
        tab10 = [matplotlib.colors.to_hex(c) for c in matplotlib.colormaps["tab10"].colors]
        assert _closest(tab10, matrix) < _closest(plots.PALETTE, matrix)


@pytest.mark.slow
def test_plots_load_no_widgets():
    code = "import sys, course_utils.showing.plots; assert not {'ipywidgets', 'anywidget'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(plots.__file__).parents[2])
