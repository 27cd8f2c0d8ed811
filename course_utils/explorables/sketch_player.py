"""Morphs of drawings to slide through and to watch being written, stroke by stroke, without a kernel."""

from collections.abc import Sequence
from importlib import resources

import numpy as np
import traitlets
from matplotlib.figure import Figure

from course_utils.explorables.browser_widget import BrowserWidget
from course_utils.showing import sketches

CJK = "\u2e80"  # here the scripts of East Asia begin


class SketchPlayer(BrowserWidget):
    """Ways between drawings: see `sketch_player`."""

    _esm = resources.files("course_utils.explorables").joinpath("sketch_player.js").read_text(encoding="utf-8")
    shape = traitlets.List(traitlets.Int()).tag(sync=True)  # ways, frames, strokes, points
    points = traitlets.Bytes().tag(sync=True)  # float32
    counts = traitlets.Bytes().tag(sync=True)  # float32, strokes of each frame
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    joined = traitlets.Bool().tag(sync=True)
    scale = 2.0

    def ways(self) -> tuple[np.ndarray, np.ndarray]:
        """(drawings (W, F, T, P, 2), counts (W, F)) as the browser has them."""
        points = np.frombuffer(self.points, "<f4").reshape(*self.shape, 2)
        return points, np.frombuffer(self.counts, "<f4").reshape(self.shape[:2]).astype(int)

    def picture(self) -> Figure:
        """The first two ways, as rows of at most nine drawings."""
        points, counts = self.ways()
        some = np.linspace(0, self.shape[1] - 1, min(9, self.shape[1])).astype(int)
        flat = points[:2, some].reshape(-1, *points.shape[2:])
        labels = [_written(name) for name in self.names[:2]]
        return sketches.sheet(
            flat, counts[:2, some].ravel(), len(some), joined=self.joined, row_labels=labels, side=0.95
        )


def _written(name):
    """A name without characters that matplotlib's own font lacks; "" where no word is left."""
    left = " ".join("".join(c for c in name if c < CJK).split())
    return left if any(map(str.isalnum, left)) else ""


def sketch_player(
    ways: Sequence[np.ndarray], counts: Sequence[np.ndarray], names: Sequence[str], joined: bool = False
) -> SketchPlayer:
    """Return a player of morphs: a slider along each way, and a button that writes its drawings one after another.

    `ways` (W, F, T, P, 2) are F drawings on each of W ways, in the unit square, y up, of which the first `counts`
    (W, F) strokes are drawn. With `joined`, strokes are single points (P = 1), joined by lines.
    """
    points, numbers = np.asarray(ways, "<f4"), np.asarray(counts, "<f4")
    if points.ndim != 5 or points.shape[-1] != 2 or numbers.shape != points.shape[:2] or len(names) != len(points):
        raise ValueError(
            "ways (W, F, T, P, 2), counts (W, F) and W names are expected, but they have shapes "
            f"{points.shape}, {numbers.shape} and {len(names)} names"
        )
    if not np.isfinite(points).all() or numbers.min() < 1 or numbers.max() > points.shape[2]:
        raise ValueError(f"points should be finite and counts from 1 to {points.shape[2]}")
    if joined and points.shape[3] != 1:
        raise ValueError(f"joined strokes are single points, but there are {points.shape[3]} points a stroke")
    return SketchPlayer(
        shape=list(points.shape[:4]),
        points=points.tobytes(),
        counts=numbers.tobytes(),
        names=list(map(str, names)),
        joined=joined,
        description=f"Drawings on the way from one to another, {points.shape[1]} each: {', '.join(map(str, names))}.",
    )
