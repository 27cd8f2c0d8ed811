"""What notebook 10's three widgets send to the browser, refuse, and show where no script runs."""

import re

import numpy as np
import pytest
from matplotlib.text import Text

from course_utils.explorables.digit_drawer import digit_drawer
from course_utils.explorables.melody_pad import melody_pad
from course_utils.explorables.sketch_player import sketch_player
from course_utils.models.conductor import init_decoder
from course_utils.models.sketch import DIGITS
from course_utils.networks.nets import init_mlp
from course_utils.showing import plots

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def pen_model(K=4, H=6, message=3, seed=0):
    rng = np.random.default_rng(seed)
    return {
        "encoder": init_mlp([24, 7, 5, 2 * K], rng),
        "decoder": init_decoder(K, 5, 8, message, 2, H, DIGITS.M * 6 + 1, rng),
    }


def drawer():
    return digit_drawer(pen_model(), np.random.default_rng(1).normal(size=(3, 4)), "123")


def player(joined=False):
    rng = np.random.default_rng(2)
    points, counts = rng.random((2, 5, 4, 1 if joined else 3, 2)), rng.integers(1, 5, (2, 5))
    return sketch_player(points, counts, ["a to b", "c to d"], joined), points, counts


def tunes():
    return np.random.default_rng(3).integers(60, 80, (3, 3, 8))


@pytest.mark.whole
@pytest.mark.parametrize("make", [drawer, lambda: player()[0], lambda: melody_pad(tunes(), "abcd")])
def test_each_has_a_text_a_static_figure_and_a_copy_that_fetches_nothing(make):
    widget = make()
    data, _ = widget._repr_mimebundle_()
    assert set(data) == {WIDGET_VIEW, "text/html", "text/plain"}
    assert data["text/plain"] == widget.description and len(widget.description) > 40
    assert data["text/html"].startswith('<div><img alt="')
    assert "http" not in re.sub('base64,[^"]+', "", data["text/html"])


@pytest.mark.whole
def test_static_figures_are_as_large_as_the_figures_around_them():
    """On the page, and sharp on a fine screen; what is written on them has no letters that the font has not."""
    rng = np.random.default_rng(4)
    ways = sketch_player(rng.random((2, 9, 4, 3, 2)), np.full((2, 9), 4), ["妹 sister → 取 take", "牛 → 狆"])
    for widget in (drawer(), ways, melody_pad(tunes(), "abcd")):
        assert widget.picture().get_figwidth() * plots.CSS_DPI > 600 and widget.scale == 2
        texts = [text for text in widget.picture().findobj(Text) if text.get_text()]
        assert texts and min(text.get_fontsize() for text in texts) >= 9
    assert [ax.get_ylabel() for ax in ways.picture().axes if ax.get_ylabel()] == ["sister → take"]


def test_the_player_sends_points_and_counts():
    widget, points, counts = player()
    sent, numbers = widget.ways()
    np.testing.assert_array_equal(sent, points.astype("f4"))
    np.testing.assert_array_equal(numbers, counts)


def test_the_pad_sends_the_melodies():
    np.testing.assert_array_equal(melody_pad(tunes(), "abcd").square(), tunes())


def test_the_drawer_sends_every_weight_once():
    widget, model = drawer(), pen_model()
    numbers = np.frombuffer(widget.weights, "<f4")
    arrays = [a for layer in model["encoder"] for a in layer]
    arrays += [a for net in ("conductor", "head") for layer in model["decoder"][net] for a in layer]
    arrays += list(model["decoder"]["gru"])
    np.testing.assert_array_equal(numbers, np.concatenate([a.ravel() for a in arrays]))
    assert widget.sizes["gru"] == [5, 6] and widget.sizes["encoder"] == [24, 7, 5, 8]


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: digit_drawer(pen_model(), np.zeros((3, 5)), "123"), r"codes \(N, 4\) with N names"),
        (lambda: digit_drawer(pen_model(), np.zeros((3, 4)), "12"), "names"),
        (lambda: melody_pad(np.zeros((3, 2, 8)), "abcd"), r"melodies \(n, n, T\)"),
        (lambda: melody_pad(tunes(), "abc"), "3 names"),
        (lambda: sketch_player(np.zeros((2, 5, 4, 3)), np.ones((2, 5)), "ab"), r"ways \(W, F, T, P, 2\)"),
        (lambda: sketch_player(np.zeros((2, 5, 4, 3, 2)), np.zeros((2, 5)), "ab"), "counts from 1 to 4"),
        (lambda: sketch_player(np.zeros((2, 5, 4, 3, 2)), np.ones((2, 5)), "ab", joined=True), "single points"),
    ],
)
def test_what_does_not_fit_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
