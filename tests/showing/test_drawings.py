"""Drawings: one colour for each sort of thing, texts that lie within the picture and beside each other."""

import itertools

import pytest
from matplotlib.colors import to_hex

from course_utils.showing import drawings, plots

DRAWINGS = {
    "hourglass": lambda: drawings.hourglass([784, 128, 64, 2], heading="an autoencoder"),
    "linear": lambda: drawings.hourglass([4096, 40], "$V$", "$U$"),
    "generation": drawings.generation,
    "sampling_paths": drawings.sampling_paths,
    "two_ways_to_q": drawings.two_ways_to_q,
    "vae": drawings.vae,
    "conditional vae": lambda: drawings.vae(label=True),
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
