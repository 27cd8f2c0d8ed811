"""Drawings: one colour for each sort of thing, texts that lie within the picture and beside each other."""

import itertools

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import FancyArrowPatch

from course_utils.networks.masked import made_masks
from course_utils.showing import drawings, plots

DRAWINGS = {
    "hourglass": lambda: drawings.hourglass([784, 128, 64, 2], heading="an autoencoder"),
    "linear": lambda: drawings.hourglass([4096, 40], "$V$", "$U$"),
    "generation": drawings.generation,
    "two_terms": drawings.two_terms,
    "sampling_paths": drawings.sampling_paths,
    "two_ways_to_q": drawings.two_ways_to_q,
    "vae": drawings.vae,
    "conditional vae": lambda: drawings.vae(label=True),
    "analogy": drawings.analogy,
    "four families": drawings.four_families,
    "coupling": drawings.coupling,
    "masked network": lambda: drawings.masked_network(made_masks([5, 8, 8, 5], [1, 3, 4, 0, 2]), [1, 3, 4, 0, 2]),
    "bits_back": drawings.bits_back,
}


@pytest.mark.parametrize("draw", DRAWINGS.values(), ids=DRAWINGS)
def test_texts_lie_inside_and_do_not_collide(draw):
    fig, ax = draw()
    fig.canvas.draw()
    boxes = {text.get_text(): text.get_window_extent() for text in ax.texts if text.get_text()}
    inside = fig.bbox
    for text, box in boxes.items():
        assert inside.x0 <= box.x0 and box.x1 <= inside.x1 and inside.y0 <= box.y0 and box.y1 <= inside.y1, text
    for (one, a), (other, b) in itertools.combinations(boxes.items(), 2):
        assert not a.overlaps(b), f"{one} lies over {other}"
    for patch in ax.patches:
        if isinstance(patch, FancyArrowPatch):
            outline = patch.get_path().transformed(patch.get_transform()).to_polygons(closed_only=False)
            line = np.concatenate([np.linspace(a, b, 20) for part in outline for a, b in itertools.pairwise(part)])
            for text, box in boxes.items():
                through = np.all((line > box.min) & (line < box.max), axis=1)
                assert not np.any(through), f"an arrow goes through {text}"


@pytest.mark.parametrize("draw", DRAWINGS.values(), ids=DRAWINGS)
def test_colours_have_one_meaning(draw):
    _, ax = draw()
    known = {drawings.DATA, drawings.CODE, drawings.DISTRIBUTION, drawings.LOSS, "#8a8a8a", drawings.INK}
    assert {to_hex(patch.get_edgecolor()) for patch in ax.patches} <= known
    assert len({drawings.DATA, drawings.CODE, drawings.DISTRIBUTION, drawings.LOSS}) == 4


def test_layers_stand_in_the_networks():
    _, ax = drawings.hourglass([784, 128, 64, 2])
    texts = [text.get_text() for text in ax.texts]
    assert "encoder\n128 → 64" in texts and "decoder\n64 → 128" in texts and "D = 784" in texts and "K = 2" in texts


def test_a_drawing_can_be_shown(capsys):
    fig, _ = drawings.generation()
    assert plots.png(fig)[:4] == b"\x89PNG"


def line(ax, label):
    """The points (2, n) of the line that has this label."""
    (found,) = [line for line in ax.lines if line.get_label() == label]
    return np.array(found.get_data(), float)


def test_the_gap_reaches_from_the_graph_to_the_centroid():
    x, weights = np.array([0.3, 1.1, 2.1]), np.array([0.2, 0.5, 0.3])
    for h, sign in [(np.exp, 1), (np.log, -1)]:
        _, ax = drawings.centroid(h, x, weights, closer=0.2)
        (mean, height), (at, ends) = line(ax, "centroid")[:, 0], line(ax, "gap")
        assert mean == pytest.approx(weights @ x) and height == pytest.approx(weights @ h(x))
        assert ends == pytest.approx([h(mean), height]) and at == pytest.approx([mean, mean])
        assert sign * (height - h(mean)) > 0
        np.testing.assert_allclose(line(ax.child_axes[0], "gap"), line(ax, "gap"))
        low, high = ax.child_axes[0].get_xlim()
        assert (low, high) == pytest.approx((mean - 0.2, mean + 0.2))


def test_two_values_are_joined_and_the_graph_stays_in_its_domain():
    _, ax = drawings.centroid(np.log, np.array([0.01, 2.0]))
    chord = next(line for line in ax.lines if line.get_label() == "values of X")
    assert chord.get_linestyle() == "--" and line(ax, "graph of h")[0].min() > 0
    _, ax = drawings.centroid(np.log, np.array([0.1, 1.0, 2.0]))
    assert next(line for line in ax.lines if line.get_label() == "values of X").get_linestyle() == "None"


def test_bounds_touch_and_have_their_tops_at_the_stops():
    theta, stops = np.linspace(-3, 3, 601), [-2.0, -1.0, -0.5]
    bounds = [-(s**2) / 2 - s * (theta - s) - (theta - s) ** 2 for s in stops[:2]]  # each has its top at s / 2
    _, ax = drawings.surrogates(theta, -(theta**2) / 2, bounds, stops)
    marks = {
        style: np.array([np.ravel(line.get_data()) for line in ax.lines if line.get_marker() == style][:2])
        for style in "oD"
    }
    np.testing.assert_allclose(marks["o"], [[-2, -2], [-1, -0.5]], atol=1e-9)
    np.testing.assert_allclose(marks["D"], [[-1, bounds[0].max()], [-0.5, bounds[1].max()]], atol=1e-9)


def test_weights_and_moves_are_what_the_estimators_say():
    """Upwards where f times the score is positive, sideways as far as f' is steep: f rises everywhere."""
    _, (left, right) = drawings.two_estimators()
    ends = [np.array([patch._posA_posB for patch in ax.patches]) for ax in (left, right)]
    weights, moves = (e[:, 1] - e[:, 0] for e in ends)
    assert len(weights) == len(moves) == 6
    assert (weights[:, 0] == 0).all() and (np.sign(weights[:, 1]) == np.sign(ends[0][:, 0, 0])).all()
    assert (moves[:, 1] == 0).all() and (moves[:, 0] > 0).all() and (np.diff(moves[:, 0]) > 0).all()
