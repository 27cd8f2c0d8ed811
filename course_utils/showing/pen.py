"""Pen digits as lines: one picture of many digits, with what was given in another colour than what was drawn."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from numpy.typing import ArrayLike

from course_utils.showing import plots

CELL = 1.35  # from one digit to the next, where a digit is 1 wide
BESIDE = 0.5  # left and right of them, so that two grids side by side do not read as one


def pen_grid(
    x: ArrayLike,
    columns: int,
    ax: Axes | None = None,
    *,
    given: int | Sequence[int] = 0,
    colour: str | Sequence[str] = "#222222",
    row_labels: Sequence[str] | None = None,
    squares: bool = False,
) -> Axes:
    """Draw digits x (N, 2P), points (x_1, y_1, x_2, y_2, ...) in the order of writing, as lines; return the axes.

    A dot marks the start. `colour` is one, or one for each digit; the first `given` points, one number or one for each
    digit, are drawn in blue. With `squares` each digit's square from 0 to 1 is shaded, which says whose a line is that
    leaves it.
    """
    x = np.asarray(x, dtype=float)
    if x.ndim != 2 or x.shape[1] % 2 or len(x) == 0 or columns < 1:
        raise ValueError(f"digits (N, 2P), N >= 1, and columns >= 1 are expected, got {x.shape} and {columns}")
    N, rows = len(x), -(-len(x) // columns)
    if row_labels is not None and len(row_labels) != rows:
        raise ValueError(f"row_labels: expected {rows}, got {len(row_labels)}")
    if ax is None:
        scale = min(0.62, 9.0 / columns)
        ax = plots.figure(max(1.5, columns * scale), rows * scale + 0.1)[1]
    corner = CELL * np.stack([np.arange(N) % columns, rows - 1 - np.arange(N) // columns], axis=1)
    points = x.reshape(N, -1, 2) + corner[:, None]
    if squares:
        unit = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
        ax.add_collection(PolyCollection(list(unit + corner[:, None]), facecolors="#ebebeb", zorder=0))
    ax.add_collection(LineCollection(list(points), colors=colour, linewidths=1.4, capstyle="round"))
    begun = [line[:n] for line, n in zip(points, np.broadcast_to(given, N)) if n > 1]
    ax.add_collection(LineCollection(begun, colors=plots.PALETTE[0], linewidths=3, capstyle="round"))
    ax.scatter(*points[:, 0].T, s=7, color=colour, zorder=3)
    ax.set(
        xlim=(-BESIDE, CELL * (columns - 1) + 1 + BESIDE), ylim=(-0.25, CELL * rows - 0.1), aspect="equal", xticks=[]
    )
    ax.set_yticks(CELL * (rows - 1 - np.arange(rows)) + 0.5 if row_labels is not None else [], row_labels)
    ax.tick_params(length=0)
    ax.grid(False)
    ax.spines[:].set_visible(False)
    return ax
