"""Draw a digit of your own, and morph it into another: encoder and decoder run in the browser."""

from collections.abc import Sequence
from importlib import resources

import numpy as np
import traitlets
from matplotlib.figure import Figure

from course_utils.explorables.browser_widget import BrowserWidget
from course_utils.models.interpolation import slerp
from course_utils.models.sketch import DIGITS, Sketcher, sketch_decode
from course_utils.showing import sketches


class DigitDrawer(BrowserWidget):
    """A paper to draw on, and the digit on the way to another: see `digit_drawer`."""

    _esm = resources.files("course_utils.explorables").joinpath("digit_drawer.js").read_text(encoding="utf-8")
    sizes = traitlets.Dict().tag(sync=True)
    weights = traitlets.Bytes().tag(sync=True)  # encoder, conductor and head layer by layer, then the GRU; float32
    components = traitlets.Int().tag(sync=True)
    targets = traitlets.Bytes().tag(sync=True)  # (N, K) float32
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    value = traitlets.List(traitlets.Float()).tag(sync=True)  # the mean code of what was drawn

    scale = 2.0

    ways: np.ndarray  # (N, 7, T, 1, 2), the static figure's

    def picture(self) -> Figure:
        """The ways from the first of the targets to some others."""
        labels = [f"{self.names[0]} to {name}" for name in self.names[1:4]]
        flat = self.ways.reshape(-1, *self.ways.shape[2:])
        return sketches.sheet(flat, np.full(len(flat), DIGITS.T), 7, joined=True, row_labels=labels, side=0.95)


def digit_drawer(model: Sketcher, targets: np.ndarray, names: Sequence[str]) -> DigitDrawer:
    """Return a paper to draw a digit on with mouse, finger, pen or keys, and what the model of pen digits makes of it
    on the great circle to one of the codes `targets` (N, K), which have `names`.

    What was drawn is treated as the data were: eight points at equal steps along the line, stretched to the unit
    square.
    """
    codes, decoder = np.asarray(targets, "<f4"), model["decoder"]
    K = decoder["conductor"][0][0].shape[0]
    if codes.ndim != 2 or codes.shape[1] != K or len(names) != len(codes) or len(codes) < 2:
        raise ValueError(f"two or more codes (N, {K}) with N names are expected, got {codes.shape} and {len(names)}")
    networks = {"encoder": model["encoder"], "conductor": decoder["conductor"], "head": decoder["head"]}
    sizes: dict = {name: [len(net[0][0]), *(len(b) for _, b in net)] for name, net in networks.items()}
    W, U, b, c = decoder["gru"]
    arrays = [a for net in networks.values() for layer in net for a in layer] + [W, U, b, c]
    drawer = DigitDrawer(
        sizes=sizes | {"gru": [W.shape[0], U.shape[0]]},
        weights=b"".join(np.asarray(a, "<f4").tobytes() for a in arrays),
        components=DIGITS.M,
        targets=codes.tobytes(),
        names=list(map(str, names)),
        description=f"A paper to draw a digit on, which is then morphed into one of {', '.join(map(str, names))}.",
    )
    drawer.ways = np.array([sketch_decode(model, slerp(codes[0], other, 7), DIGITS)[0] for other in codes[1:4]])
    return drawer
