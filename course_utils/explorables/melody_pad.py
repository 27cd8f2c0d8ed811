"""The melody pad: four melodies in the corners, and what the decoder makes between them, drawn and played."""

from collections.abc import Sequence
from importlib import resources

import numpy as np
import traitlets
from matplotlib.figure import Figure

from course_utils.explorables.browser_widget import BrowserWidget
from course_utils.showing import sketches
from course_utils.showing.sound import STEP


class MelodyPad(BrowserWidget):
    """A square of melodies: see `melody_pad`."""

    _esm = resources.files("course_utils.explorables").joinpath("melody_pad.js").read_text(encoding="utf-8")
    shape = traitlets.List(traitlets.Int()).tag(sync=True)  # n melodies a side, T steps
    melodies = traitlets.Bytes().tag(sync=True)  # (n, n, T) float32
    corners = traitlets.List(traitlets.Unicode()).tag(sync=True)
    step = traitlets.Float().tag(sync=True)  # seconds
    scale = 2.0

    def square(self) -> np.ndarray:
        """The melodies (n, n, T), row by row from the top."""
        n, T = self.shape
        return np.frombuffer(self.melodies, "<f4").reshape(n, n, T).astype(int)

    def picture(self) -> Figure:
        """The piano rolls of three by three of them."""
        square, middle = self.square(), (self.shape[0] - 1) // 2
        some = square[np.ix_([0, middle, -1], [0, middle, -1])].reshape(9, -1)
        return sketches.rolls(list(some), ["A", "", "B", "", "middle", "", "C", "", "D"], 3, 3.0)


def melody_pad(melodies: np.ndarray, corners: Sequence[str], step: float = STEP) -> MelodyPad:
    """Return a pad over melodies (n, n, T), row by row from the top, that shows and plays the chosen one.

    `corners` are the names of the four in the corners: upper left, upper right, lower left, lower right.
    """
    square = np.asarray(melodies)
    if square.ndim != 3 or square.shape[0] != square.shape[1] or len(square) < 2 or len(corners) != 4:
        raise ValueError(
            f"melodies (n, n, T), n >= 2, and four names are expected, but there are shape {square.shape} and "
            f"{len(corners)} names"
        )
    return MelodyPad(
        shape=[len(square), square.shape[2]],
        melodies=square.astype("<f4").tobytes(),
        corners=list(map(str, corners)),
        step=float(step),
        description="Melody pad: four melodies in the corners, and between them what the decoder makes of mixed codes.",
    )
