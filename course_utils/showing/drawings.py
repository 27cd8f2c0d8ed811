"""Drawings of mechanisms in one visual language: data are blue boxes, codes orange circles, distributions purple bells,
losses red diamonds, networks grey trapezoids that narrow or widen with their layers. Values flow along dark arrows,
gradients back along red dashed ones; a cross says that none gets through.

Every function returns `(fig, ax)`; finish with `plots.show(fig, alt)`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Polygon

from course_utils.showing import plots

DATA, CODE, DISTRIBUTION, LOSS = (plots.PALETTE[i] for i in (0, 1, 4, 2))
NETWORK, INK = "#e6e6e6", "#333333"
TEXT: dict[str, Any] = {"ha": "center", "va": "center", "color": INK}
Point = tuple[float, float]


def canvas(width: float, height: float) -> tuple[Figure, Axes]:
    """`(fig, ax)` without axes, one unit an inch, the origin at the lower left."""
    fig, ax = plots.figure(width, height)
    ax.set(xlim=(0, width), ylim=(0, height), aspect="equal")
    ax.axis("off")
    return fig, ax


def data(ax: Axes, x: float, y: float, text: str, width: float = 0.9, height: float = 0.62) -> None:
    """A box for data, centred at (x, y)."""
    box = FancyBboxPatch((x - width / 2, y - height / 2), width, height, boxstyle="round,pad=0,rounding_size=0.08")
    _shape(ax, box, DATA)
    ax.text(x, y, text, fontsize=12, **TEXT)


def code(ax: Axes, x: float, y: float, text: str, radius: float = 0.3) -> None:
    """A circle for a code."""
    _shape(ax, Circle((x, y), radius), CODE)
    ax.text(x, y, text, fontsize=12, **TEXT)


def loss(ax: Axes, x: float, y: float, text: str, width: float = 1.5, height: float = 0.8) -> None:
    """A diamond for a loss."""
    corners = [(x - width / 2, y), (x, y + height / 2), (x + width / 2, y), (x, y - height / 2)]
    _shape(ax, Polygon(corners), LOSS)
    ax.text(x, y, text, fontsize=11, **TEXT)


def distribution(
    ax: Axes, x: float, y: float, text: str, width: float = 1.1, height: float = 0.55, label_below: bool = True
) -> None:
    """A bell for a distribution, its base centred at (x, y - height / 2), its text below or above."""
    t = np.linspace(-1, 1, 61)
    bell = np.exp(-4.5 * t**2)
    points = [(x + width / 2 * a, y - height / 2 + height * b) for a, b in zip(t, bell)]
    _shape(ax, Polygon(points), DISTRIBUTION)
    ax.text(x, y + (-height / 2 - 0.17 if label_below else height / 2 + 0.17), text, fontsize=11, **TEXT)


def network(ax: Axes, x: float, y: float, text: str, left: float, right: float, width: float = 1.1) -> None:
    """A trapezoid for a network, from height `left` to height `right`."""
    a, b = x - width / 2, x + width / 2
    corners = [(a, y - left / 2), (a, y + left / 2), (b, y + right / 2), (b, y - right / 2)]
    ax.add_patch(Polygon(corners, facecolor=NETWORK, edgecolor="#8a8a8a", linewidth=1.2))
    ax.text(x, y, text, fontsize=11, **TEXT)


def arrow(ax: Axes, start: Point, end: Point, text: str = "", bend: float = 0.0, above: bool = True) -> None:
    """An arrow along which values flow."""
    _arrow(ax, start, end, bend, color=INK)
    _beside(ax, start, end, text, INK, above, bend)


def gradient(
    ax: Axes,
    start: Point,
    end: Point,
    text: str = "",
    bend: float = 0.0,
    above: bool = False,
    blocked: bool = False,
) -> None:
    """An arrow along which a gradient flows back; `blocked` ends it in a cross halfway."""
    if blocked:
        end = tuple((np.array(start) + np.array(end)) / 2)
        ax.plot(*end, marker="x", markersize=11, markeredgewidth=3, color=LOSS, zorder=5)
    _arrow(ax, start, end, bend, color=LOSS, linestyle=(0, (4, 2)), arrowstyle="-" if blocked else "-|>")
    _beside(ax, start, end, text, LOSS, above, bend)


def note(ax: Axes, x: float, y: float, text: str, **options: Any) -> None:
    """A line of text, grey."""
    look: dict[str, Any] = TEXT | {"fontsize": 10, "color": "#666666"} | options
    ax.text(x, y, text, **look)


def _shape(ax, patch, colour):
    """Fills a shape lightly in its colour, which its edge carries in full."""
    patch.set(facecolor=_light(colour), edgecolor=colour, linewidth=1.8, zorder=3)
    ax.add_patch(patch)


def _light(colour, share=0.22):
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return tuple(1 - share * (1 - rgb))


def _arrow(ax, start, end, bend, arrowstyle="-|>", **options):
    ax.add_patch(
        FancyArrowPatch(
            start,
            end,
            arrowstyle=arrowstyle,
            mutation_scale=13,
            linewidth=1.6,
            shrinkA=0,
            shrinkB=0,
            connectionstyle=f"arc3,rad={bend}",
            zorder=4,
            **options,
        )
    )


def _beside(ax, start, end, text, colour, above, bend):
    if text:
        start, end = np.array(start), np.array(end)
        along = end - start
        across = np.array([-along[1], along[0]]) / np.hypot(*along)
        across = across if (across[1] > 0) == above else -across
        middle = (start + end) / 2 - bend / 2 * np.array([-along[1], along[0]])
        ax.text(*(middle + 0.17 * across), text, fontsize=10, color=colour, ha="center", va="center", zorder=6)


# the drawings -------------------------------------------------------------------------------------------------------


def hourglass(
    sizes: Sequence[int], encoder: str = "encoder", decoder: str = "decoder", heading: str = ""
) -> tuple[Figure, Axes]:
    """An autoencoder with layers `sizes` = [D, H..., K]: the encoder narrows to the code, the decoder widens again."""
    fig, ax = canvas(8.6, 2.7)
    D, K = sizes[0], sizes[-1]
    inner = " → ".join(map(str, sizes[1:-1]))
    data(ax, 0.75, 1.35, r"$\mathbf{x}$", 0.7, 1.9)
    network(ax, 2.5, 1.35, encoder + (f"\n{inner}" if inner else ""), 1.9, 0.6, 1.7)
    code(ax, 4.3, 1.35, r"$\mathbf{z}$", 0.32)
    network(ax, 6.1, 1.35, decoder + (f"\n{' → '.join(map(str, sizes[-2:0:-1]))}" if inner else ""), 0.6, 1.9, 1.7)
    data(ax, 7.85, 1.35, r"$\hat{\mathbf{x}}$", 0.7, 1.9)
    for a, b in [(1.1, 1.63), (3.37, 3.96), (4.64, 5.23), (6.97, 7.48)]:
        arrow(ax, (a, 1.35), (b, 1.35))
    note(ax, 0.75, 0.2, f"D = {D}")
    note(ax, 4.3, 0.8, f"K = {K}")
    note(ax, 7.85, 0.2, f"D = {D}")
    if heading:
        note(ax, 4.3, 2.45, heading)
    return fig, ax


def generation() -> tuple[Figure, Axes]:
    """How the model of notebook 03 makes an x: a code from the prior, through the decoder G, with noise added."""
    fig, ax = canvas(8.6, 2.3)
    distribution(ax, 0.9, 1.3, r"$p(\mathbf{z}) = \mathcal{N}(0, I)$")
    code(ax, 2.6, 1.15, r"$\mathbf{z}$")
    network(ax, 4.0, 1.15, r"$G_\theta$", 0.6, 1.3, 1.0)
    data(ax, 5.5, 1.15, r"$G_\theta(\mathbf{z})$", 1.0)
    distribution(ax, 6.65, 1.95, r"noise $\mathcal{N}(0, \eta I)$", 0.8, 0.4, label_below=False)
    ax.text(6.65, 1.15, "+", fontsize=20, **TEXT)
    data(ax, 7.9, 1.15, r"$\mathbf{x}$")
    for a, b in [(1.55, 2.28), (2.92, 3.48), (4.52, 4.98), (6.02, 6.47), (6.83, 7.43)]:
        arrow(ax, (a, 1.15), (b, 1.15))
    arrow(ax, (6.65, 1.72), (6.65, 1.34))
    return fig, ax


def sampling_paths() -> tuple[Figure, Axes]:
    """Two ways to write one random z: drawn from q, which stops a gradient, or mu + sigma eps, which lets it pass."""
    fig, ax = canvas(9.4, 3.9)
    for x0, blocked in [(0.0, True), (4.8, False)]:
        note(
            ax,
            x0 + 2.3,
            3.7,
            "z drawn from q: the gradient stops" if blocked else "z computed from a noise: it passes",
            fontsize=11,
            color=INK,
        )
        code(ax, x0 + 0.5, 2.75, r"$\mu$")
        code(ax, x0 + 0.5, 1.35, r"$\sigma$")
        code(ax, x0 + 2.45, 2.05, r"$\mathbf{z}$")
        loss(ax, x0 + 4.0, 2.05, r"$f(\mathbf{z})$", 1.1, 0.8)
        arrow(ax, (x0 + 2.77, 2.15), (x0 + 3.46, 2.15))
        gradient(ax, (x0 + 3.5, 1.93), (x0 + 2.77, 1.93), r"$\bar z$")
        if blocked:
            distribution(ax, x0 + 1.5, 2.1, r"$q(\mathbf{z})$", 0.8, 0.5)
            for y, target in [(2.75, 2.3), (1.35, 1.8)]:
                arrow(ax, (x0 + 0.8, y), (x0 + 1.15, target))
            arrow(ax, (x0 + 1.85, 2.12), (x0 + 2.13, 2.12))
            gradient(ax, (x0 + 2.3, 1.72), (x0 + 0.75, 0.95), bend=-0.25, blocked=True)
        else:
            arrow(ax, (x0 + 0.8, 2.75), (x0 + 2.2, 2.24))
            arrow(ax, (x0 + 0.8, 1.35), (x0 + 2.17, 1.9))
            distribution(ax, x0 + 2.45, 0.75, r"$\epsilon \sim \mathcal{N}(0, 1)$", 0.8, 0.45)
            arrow(ax, (x0 + 2.45, 1.0), (x0 + 2.45, 1.72))
            gradient(ax, (x0 + 2.3, 2.36), (x0 + 0.8, 2.98), r"$\bar\mu = \bar z$", above=True)
            gradient(ax, (x0 + 2.13, 1.72), (x0 + 0.78, 1.12), r"$\bar\sigma = \bar z\,\epsilon$")
            note(ax, x0 + 1.35, 2.02, r"$\mathbf{z} = \mu + \sigma\epsilon$", color=INK)
    return fig, ax


def vae(label: bool = False) -> tuple[Figure, Axes]:
    """The variational autoencoder: x to (mu, log sigma), to z with a noise, to x-hat, and the two terms of the bound.
    With `label`, the class-conditional one, in which y goes to both networks."""
    fig, ax = canvas(9.4, 3.6)
    y0 = 2.1
    data(ax, 0.6, y0, r"$\mathbf{x}$", 0.7, 1.3)
    network(ax, 2.0, y0, "encoder", 1.4, 0.8)
    code(ax, 3.35, y0 + 0.42, r"$\mu$", 0.27)
    code(ax, 3.35, y0 - 0.42, r"$\log\sigma$", 0.34)
    code(ax, 5.0, y0, r"$\mathbf{z}$", 0.3)
    distribution(ax, 5.0, 3.25, r"$\epsilon$", 0.7, 0.4, label_below=False)
    network(ax, 6.6, y0, "decoder", 0.8, 1.4)
    data(ax, 8.3, y0, r"$\hat{\mathbf{x}}$", 0.7, 1.3)
    loss(ax, 3.9, 0.55, r"$\mathrm{KL}(q\,\|\,p)$", 1.9, 0.8)
    given = r"\mathbf{z}, \mathbf{y}" if label else r"\mathbf{z}"
    loss(ax, 8.3, 0.55, rf"$\log p(\mathbf{{x}}|{given})$", 2.0, 0.8)
    arrow(ax, (0.95, y0), (1.43, y0))
    for sign, radius in [(1, 0.27), (-1, 0.34)]:
        arrow(ax, (2.57, y0 + 0.2 * sign), (3.35 - radius - 0.02, y0 + 0.42 * sign))
        arrow(ax, (3.35 + radius + 0.02, y0 + 0.42 * sign), (4.7, y0 + 0.1 * sign))
    arrow(ax, (5.0, 3.03), (5.0, y0 + 0.33))
    arrow(ax, (5.32, y0), (6.03, y0))
    arrow(ax, (7.17, y0), (7.93, y0))
    arrow(ax, (3.4, y0 - 0.78), (3.75, 0.87))
    arrow(ax, (8.3, y0 - 0.67), (8.3, 0.97))
    note(ax, 5.0, y0 - 0.5, r"$\mu + \sigma\epsilon$")
    if label:
        for x in (2.0, 6.6):
            data(ax, x, 0.75, r"$\mathbf{y}$", 0.6, 0.5)
            arrow(ax, (x, 1.0), (x, y0 - 0.54))
    return fig, ax


def two_ways_to_q() -> tuple[Figure, Axes]:
    """A q for one x: climbed to, step by step, for this x alone, or computed by an encoder that is trained on all x."""
    fig, ax = canvas(9.8, 3.1)
    for x0, amortized in [(0.0, False), (5.0, True)]:
        heading = "one network, trained once, answers for every x" if amortized else "for each x by itself: many steps"
        note(ax, x0 + 2.3, 2.9, heading, fontsize=11, color=INK)
        data(ax, x0 + 0.45, 1.4, r"$\mathbf{x}$", 0.6, 0.8)
        code(ax, x0 + 2.65, 1.82, r"$\mu$", 0.27)
        code(ax, x0 + 2.65, 0.98, r"$\log\sigma$", 0.34)
        loss(ax, x0 + 4.0, 1.4, r"$\mathcal{F}$", 1.0, 0.8)
        for sign, radius in [(1, 0.27), (-1, 0.34)]:
            arrow(ax, (x0 + 2.67 + radius, 1.4 + 0.42 * sign), (x0 + 3.6, 1.4 + 0.12 * sign))
        arrow(ax, (x0 + 0.5, 0.97), (x0 + 3.95, 0.97), bend=0.3)
        if amortized:
            network(ax, x0 + 1.5, 1.4, "encoder\n" + r"$\phi$", 1.0, 0.7, 0.95)
            arrow(ax, (x0 + 0.78, 1.4), (x0 + 1.0, 1.4))
            for sign, radius in [(1, 0.27), (-1, 0.34)]:
                arrow(ax, (x0 + 2.0, 1.4 + 0.15 * sign), (x0 + 2.63 - radius, 1.4 + 0.42 * sign))
            gradient(ax, (x0 + 3.9, 1.83), (x0 + 1.5, 1.95), bend=0.3)
            note(ax, x0 + 2.7, 2.52, r"the slope in $\phi$", color=LOSS)
        else:
            gradient(ax, (x0 + 3.9, 1.83), (x0 + 2.8, 2.08), bend=0.35)
            note(ax, x0 + 3.1, 2.52, r"the slope in $\mu$, $\log\sigma$", color=LOSS)
    return fig, ax
