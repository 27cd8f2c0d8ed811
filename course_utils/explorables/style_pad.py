"""Notebook 09's explorable: a plane of styles to drag over, and buttons for the label that is written in that style."""

from collections.abc import Sequence

import numpy as np

from course_utils.explorables.latent_pad import LatentPad, latent_pad
from course_utils.networks.arrays import Network


def style_pad(
    decoder: Network,
    shape: tuple[int, int],
    names: Sequence[object],
    label: int = 0,
    extent: tuple[float, float, float, float] = (-2.5, 2.5, -2.5, 2.5),
) -> LatentPad:
    """Return a pad over z1 and z2 of a class-conditional decoder, with a button for each label in `names`.

    `decoder` takes [z, y], y one-hot of C = len(names) places; its outputs are logits of an image of `shape`. The
    label's places are inputs that do not move while z is dragged; a button sets them. Other dimensions of z than the
    first two are 0. All of it runs in the browser; `pad.choice` is the label's place among the names.
    """
    C, inputs = len(names), len(decoder[0][0])
    if inputs < C + 2:
        raise ValueError(f"a decoder with at least 2 + {C} inputs is expected, for z and {C} labels; it has {inputs}")
    bases = np.hstack([np.zeros((C, inputs - C)), np.eye(C)]).tolist()
    pad = latent_pad(decoder, shape, extent=extent, base=bases[label])
    pad.choices, pad.bases, pad.choice = [str(name) for name in names], bases, label
    left, right, bottom, top = extent
    pad.description = (
        f"Style pad: the image that the decoder makes of the style at z1 from {left:.3g} to {right:.3g} and z2 "
        f"from {bottom:.3g} to {top:.3g}, written as the label that is chosen by the buttons, at first {names[label]}."
    )
    return pad
