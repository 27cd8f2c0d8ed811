"""Notebook 04's explorable: move a Gaussian q over a posterior and watch F and the gap share out log p(x)."""

from collections.abc import Callable, Mapping

import ipywidgets
import numpy as np
from numpy.typing import ArrayLike

from course_utils.probability.grids import (
    elbo_on_grid,
    gap_on_grid,
    gaussian_on_grid,
    log_evidence_on_grid,
    posterior_on_grid,
)
from course_utils.showing import drawings, plots
from course_utils.showing.widgets import WIDE, Explorable, figure_explorer

SHOWN = 5.0  # nats below log p(x) that the right panel shows
GAP = "#ecc0b8"  # a light shade of the bound's colour


def bound_explorer(joints: Mapping[str, Callable[[np.ndarray], np.ndarray]], grid: ArrayLike) -> Explorable:
    """Return sliders for q's mean and standard deviation over the posteriors of `joints` (name -> log_joint).

    Left, the two densities on the grid (G,); right, the levels of F and log p(x), and the gap between them. The grid
    must reach far beyond the posteriors: q's mean may be anywhere in its middle half.
    """
    if not joints:
        raise ValueError("bound_explorer expects at least one named log_joint, got none")
    grid = np.asarray(grid, dtype=float)
    evidence = {name: log_evidence_on_grid(joint, grid) for name, joint in joints.items()}
    posterior = {name: posterior_on_grid(joint, grid) for name, joint in joints.items()}
    low, high = np.round(np.quantile(grid, [0.25, 0.75]), 1)
    fig, (left, right) = plots.figure(9, 3.5, columns=2, width_ratios=[1.9, 1])
    (shape,) = left.fill(*_outline(grid, grid), color=plots.PALETTE[3], alpha=0.45, label="posterior p(z | x)")
    (curve,) = left.plot(grid, grid, color=drawings.DISTRIBUTION, linewidth=2, label="q(z)")
    left.set(xlim=(low, high), ylim=(0, 2), xlabel="z", ylabel="density", title="q and the posterior")
    left.legend(loc="upper left", ncols=2)
    (gap_bar,) = right.bar([0], [1], width=1, color=GAP)
    (level_F,) = right.plot([-0.5, 0.5], [0, 0], color=drawings.LOSS, linewidth=3)
    (level_p,) = right.plot([-0.5, 0.5], [0, 0], color="black", linewidth=3)
    texts = [right.text(0, 0, "", ha="center", va=va, fontsize=10) for va in ("top", "center", "bottom")]
    right.set(xticks=[], xlim=(-0.7, 0.7), ylabel="nats", title="F, the gap and log p(x)")

    def update(mean, width, joint):
        q = gaussian_on_grid(grid, mean, width)
        q = q / np.trapezoid(q, grid)
        F, gap = elbo_on_grid(joints[joint], q, grid), gap_on_grid(joints[joint], q, grid)
        shape.set_xy(np.column_stack(_outline(grid, posterior[joint])))
        curve.set_ydata(q)
        top, floor = evidence[joint], evidence[joint] - SHOWN
        level = max(F, floor)
        gap_bar.set(y=level, height=top - level)
        level_F.set_ydata([F, F])
        level_p.set_ydata([top, top])
        right.set_ylim(floor, top + 0.9)
        texts[0].set(y=level - 0.1, text=f"F = {F:.2f}" if level - floor > 0.5 else "")
        texts[1].set(y=(level + top) / 2, text=f"gap = {gap:.2f}" if top - level > 0.4 else "")
        texts[2].set(y=top + 0.1, text=f"log p(x) = {top:.2f}")
        below = " (below the axis)" if F < floor else ""
        return (
            f"q has mean {mean:.2f} and standard deviation {width:.2f}; the posterior has {joint}. "
            f"F = {F:.3f}{below}, gap = {gap:.3f}, and together log p(x) = {top:.3f} nats."
        )

    return figure_explorer(
        fig,
        update,
        {
            "mean": _slider("Mean of q", 0.0, low, high),
            "width": _slider("Std. dev. of q", 0.6, 0.05, 1.5),
            "joint": ipywidgets.ToggleButtons(options=list(joints), description="Posterior"),
        },
    )


def _slider(name, value, low, high):
    return ipywidgets.FloatSlider(value=value, min=low, max=high, step=0.05, description=name, **WIDE)


def _outline(grid, density):
    """The corners of the area under a density: (x, y), each (G + 2,)."""
    return np.concatenate([grid[:1], grid, grid[-1:]]), np.concatenate([[0], density, [0]])
