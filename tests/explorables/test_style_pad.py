"""Notebook 09's explorable: a button changes the label that the browser decodes, and nothing else."""

import numpy as np
import pytest

from course_utils.explorables.latent_pad import decode
from course_utils.explorables.style_pad import style_pad
from course_utils.models.conditional import fold_label, style_grid
from course_utils.networks.nets import init_mlp

NAMES = ("cat", "dog", "owl")


def decoder(K=2, seed=0):
    network = init_mlp([K + 3, 5, 6], np.random.default_rng(seed))
    return [tuple(array.astype(np.float16).astype(float) for array in layer) for layer in network]  # as a pad has it


def drawn(pad):
    """What the browser draws: the pad's weights at `base`, with the point's place put in."""
    z = np.array(pad.base)
    z[pad.dims] = pad.value
    return decode(pad.layers(), z[None], pad.output)[0]


@pytest.mark.parametrize("K", [2, 4])
def test_buttons_write_the_same_style_with_another_label(K):
    network = decoder(K)
    pad = style_pad(network, (2, 3), NAMES, label=1)
    assert (pad.choices, pad.choice) == (list(NAMES), 1)
    pad.value = (0.7, -1.2)
    z = np.array([[0.7, -1.2, *np.zeros(K - 2)]])
    for label in (1, 2, 0):
        pad.choice = label
        assert pad.value == (0.7, -1.2)
        np.testing.assert_allclose(drawn(pad), style_grid(network, label, 3, z)[0], rtol=1e-5)
        np.testing.assert_allclose(drawn(pad), decode(fold_label(network, label, 3), z)[0], rtol=1e-5)


def test_every_label_draws_something_else():
    pad = style_pad(decoder(), (2, 3), NAMES)
    pictures = []
    for label in range(3):
        pad.choice = label
        pictures.append(drawn(pad))
    assert min(np.abs(a - b).max() for a, b in zip(pictures, pictures[1:])) > 1e-3


@pytest.mark.whole
def test_the_static_page_holds_a_picture_and_says_which_label_it_is():
    bundle, _ = style_pad(decoder(), (2, 3), NAMES, label=2)._repr_mimebundle_()
    assert bundle["text/plain"].startswith("Style pad") and bundle["text/plain"].endswith("at first owl.")
    assert "<img" in bundle["text/html"] and "<script>" in bundle["text/html"]


def test_a_decoder_without_room_for_labels_is_refused():
    with pytest.raises(ValueError, match=r"at least 2 \+ 3 inputs"):
        style_pad(init_mlp([4, 6], np.random.default_rng(0)), (2, 3), NAMES)
