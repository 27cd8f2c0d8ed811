"""Drawings as strokes on a sheet, and melodies as piano rolls."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from course_utils.models.melody import notes
from course_utils.showing import plots

ORDER = colormaps["viridis"]


def draw(ax: Axes, x: np.ndarray, count: int, joined: bool = False, width: float = 1.8, **options: Any) -> Axes:
    """One drawing x (T, P, 2) in the unit square; dark strokes come first, bright ones last. `joined`: single points,
    joined by lines."""
    lines = [np.concatenate(x[s : s + 2]) for s in range(count - 1)] if joined else list(x[:count])
    for s, line in enumerate(lines):
        colour = ORDER(0.9 * s / max(1, len(lines) - 1))
        look: dict[str, Any] = {"color": colour, "linewidth": width, "solid_capstyle": "round"} | options
        ax.plot(*line.T, **look)
    ax.set(xlim=(-0.06, 1.06), ylim=(-0.06, 1.06), aspect="equal", xticks=[], yticks=[])
    ax.grid(False)
    ax.spines[:].set_visible(False)
    return ax


def sheet(
    x: np.ndarray,
    counts: Sequence[int] | np.ndarray,
    columns: int,
    joined: bool = False,
    row_labels: Sequence[str] = (),
    column_labels: Sequence[str] = (),
    side: float = 0.66,
) -> Figure:
    """Drawings x (N, T, P, 2), row by row, as a figure."""
    rows = -(-len(x) // columns)
    room = max((0.09 * len(line) for label in row_labels for line in label.split("\n")), default=0.0)
    fig, axes = plots.figure(side * columns + room, side * rows + 0.3, columns, rows, squeeze=False)
    for ax in axes.flat:
        ax.axis("off")
    for ax, one, count in zip(axes.flat, x, counts):
        ax.axis("on")
        draw(ax, one, int(count), joined)
    for ax, label in zip(axes[:, 0], row_labels):
        ax.set_ylabel(label, rotation=0, ha="right", va="center", fontsize=9)
    for ax, label in zip(axes[0], column_labels):
        ax.set_title(label, fontsize=9)
    return fig


def roll(ax: Axes, melody: Sequence[int] | np.ndarray, low: int = 53, high: int = 90, colour: str = "") -> Axes:
    """A melody (T,) as a piano roll: a bar for each note, at its pitch, as long as it sounds."""
    for start, length, pitch in zip(*notes(np.asarray(melody))):
        corner, sounds = (start + 0.1, pitch - 0.45), length - 0.4  # a gap: the same pitch twice is two bars
        ax.add_patch(Rectangle(corner, sounds, 0.9, color=colour or plots.PALETTE[0], linewidth=0))
    ax.set(xlim=(0, len(melody)), ylim=(low, high), xticks=[0, 8, 16, 24, 32], yticks=[60, 72, 84])
    return ax


def rolls(melodies: Sequence[np.ndarray], titles: Sequence[str], columns: int = 5, width: float = 1.95) -> Figure:
    """Melodies as piano rolls side by side, each so many inches wide. Grid lines mark half bars, and the C's."""
    rows = -(-len(melodies) // columns)
    fig, axes = plots.figure(
        width * columns, 0.77 * width * rows + 0.3, columns, rows, squeeze=False, sharex=True, sharey=True
    )
    for ax, melody, title in zip(axes.flat, melodies, titles):
        roll(ax, melody).set_title(title, fontsize=10)
    for ax in axes.flat[len(melodies) :]:
        ax.axis("off")
    for ax in axes[-1]:
        ax.set_xlabel("sixteenth", fontsize=9)
    for ax in axes[:, 0]:
        ax.set_ylabel("pitch (60 = C)", fontsize=9)
    return fig
