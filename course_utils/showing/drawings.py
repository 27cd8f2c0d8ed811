"""Drawings of mechanisms in one visual language: data are blue boxes, codes orange circles, distributions purple bells,
losses red diamonds, networks grey trapezoids that narrow or widen with their layers. Values flow along dark arrows,
gradients back along red dashed ones; a cross says that none gets through.

Every function returns `(fig, ax)`; finish with `plots.show(fig, alt)`.
"""

from collections.abc import Callable, Sequence
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


def canvas(width: float, height: float, below: float = 0.0) -> tuple[Figure, Axes]:
    """`(fig, ax)` without axes, one unit an inch, the origin at the left and so much `below` it."""
    fig, ax = plots.figure(width, height + below)
    ax.set(xlim=(0, width), ylim=(-below, height), aspect="equal")
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


def two_terms() -> tuple[Figure, Axes]:
    """Where the two terms of the bound come from: q against the prior, and codes from q, decoded, against x."""
    fig, ax = canvas(9.4, 3.0)
    distribution(ax, 0.9, 2.3, r"prior $p(\mathbf{z})$", 1.4, 0.5, label_below=False)
    distribution(ax, 0.9, 0.85, r"$q(\mathbf{z})$", 0.8, 0.75)
    loss(ax, 3.1, 2.3, r"$\mathrm{KL}(q\,\|\,p)$", 1.9, 0.8)
    code(ax, 3.1, 0.85, r"$\mathbf{z}$")
    network(ax, 4.6, 0.85, r"$G$", 0.6, 1.2, 1.0)
    data(ax, 6.05, 0.85, r"$G(\mathbf{z})$", 0.95)
    loss(ax, 8.1, 0.85, r"$\mathbb{E}_q[\log p(\mathbf{x}|\mathbf{z})]$", 2.4, 0.9)
    data(ax, 8.1, 2.3, r"$\mathbf{x}$", 0.7)
    arrow(ax, (1.65, 2.25), (2.13, 2.3))
    arrow(ax, (1.25, 1.1), (2.5, 2.13))
    arrow(ax, (1.35, 0.85), (2.78, 0.85), "draw", above=False)
    for start, end in [(3.42, 4.08), (5.12, 5.55), (6.55, 6.88)]:
        arrow(ax, (start, 0.85), (end, 0.85))
    arrow(ax, (8.1, 1.97), (8.1, 1.32))
    note(ax, 5.8, 2.3, "one term compares q with the prior, the\nother compares what comes out with x")
    return fig, ax


def sampling_paths() -> tuple[Figure, Axes]:
    """Encoder, sample and decoder, and how far a gradient comes back: z drawn from q stops it, z computed from a noise
    lets it pass."""
    fig, ax = canvas(9.6, 4.7)
    for y, drawn in [(3.4, True), (1.25, False)]:
        data(ax, 0.5, y, r"$\mathbf{x}$", 0.6, 1.0)
        network(ax, 1.75, y, "encoder", 1.2, 0.8)
        code(ax, 3.15, y + 0.42, r"$\mu$", 0.27)
        code(ax, 3.15, y - 0.42, r"$\sigma$", 0.27)
        code(ax, 5.5, y, r"$\mathbf{z}$", 0.3)
        network(ax, 6.95, y, "decoder", 0.8, 1.2)
        loss(ax, 8.8, y, r"$-\mathcal{F}$", 1.1, 0.8)
        for start, end in [
            ((0.82, y), (1.18, y)),
            ((5.82, y + 0.08), (6.38, y + 0.08)),
            ((7.52, y + 0.08), (8.32, y + 0.08)),
        ]:
            arrow(ax, start, end)
        for start, end in [((8.32, y - 0.1), (7.52, y - 0.1)), ((6.38, y - 0.1), (5.82, y - 0.1))]:
            gradient(ax, start, end)
        note(ax, 6.1, y - 0.33, r"$\bar{\mathbf{z}}$", color=LOSS)
        for sign in (1, -1):
            arrow(ax, (2.32, y + 0.2 * sign), (2.87, y + 0.42 * sign))
        if drawn:
            distribution(ax, 4.35, y + 0.05, r"draw from $q$", 0.8, 0.5)
            for sign in (1, -1):
                arrow(ax, (3.44, y + 0.38 * sign), (3.95, y + 0.15 * sign))
            arrow(ax, (4.78, y + 0.08), (5.18, y + 0.08))
            gradient(ax, (5.27, y - 0.24), (4.45, y - 1.0), blocked=True, bend=-0.2)
        else:
            distribution(ax, 5.5, y - 0.9, r"$\varepsilon$", 0.7, 0.4)
            arrow(ax, (5.5, y - 0.68), (5.5, y - 0.33))
            note(ax, 4.42, y, r"$\mathbf{z} = \mu + \sigma\varepsilon$", color=INK)
            for sign in (1, -1):
                arrow(ax, (3.44, y + 0.42 * sign), (5.2, y + 0.13 * sign))
                gradient(ax, (5.25, y + 0.27 * sign), (3.42, y + 0.6 * sign))
                gradient(ax, (2.92, y + 0.62 * sign), (2.34, y + 0.42 * sign))
    note(ax, 4.8, 4.5, "z is drawn: the gradient stops at the draw", fontsize=11, color=INK)
    note(ax, 4.8, 2.3, "z is computed from a noise: the gradient reaches the encoder", fontsize=11, color=INK)
    return fig, ax


def two_estimators() -> tuple[Figure, np.ndarray]:
    """Two ways to estimate how E[f(z)] changes with the mean of q, on the same samples: they stay where they are and
    get weights f(z) times the score, or they move, each the way f'(z) points."""

    def f(z):
        return 1.5 + 0.75 * z + 0.12 * z**2

    fig, axes = plots.figure(9.6, 3.1, columns=2, sharey=True)
    grid = np.linspace(-2.2, 2.2, 201)
    z = np.array([-1.6, -0.9, -0.35, 0.35, 0.9, 1.5])
    for ax, title in zip(axes, ["samples stay, and are weighted: f(z) · score", "samples move: f'(z)"]):
        ax.fill_between(grid, 1.1 * np.exp(-0.5 * grid**2), color=_light(DISTRIBUTION), zorder=1)
        ax.plot(grid, 1.1 * np.exp(-0.5 * grid**2), color=DISTRIBUTION, linewidth=1.8, label="q(z)")
        ax.plot(grid, f(grid), color=INK, linewidth=1.8, label="f(z)")
        ax.set(xlim=(-2.3, 2.3), ylim=(-0.8, 4.1), xticks=[0], xticklabels=["μ"], yticks=[], title=title)
        ax.grid(False)
        ax.axhline(0, color="#999999", linewidth=0.8)
    left, right = axes
    for sample in z:
        slope = (f(sample + 1e-3) - f(sample - 1e-3)) / 2e-3
        _arrow(left, (sample, 0), (sample, 0.45 * f(sample) * sample), 0, color=LOSS)
        _arrow(right, (sample, f(sample)), (sample + 0.55 * slope, f(sample)), 0, color=LOSS)
    left.plot(z, 0 * z, "o", color=CODE, markersize=6, zorder=3, label="samples")
    right.plot(z, f(z), "o", color=CODE, markersize=6, zorder=3)
    left.legend(loc="upper center", ncols=3, fontsize=9, frameon=False)
    return fig, axes


def vae(label: bool = False) -> tuple[Figure, Axes]:
    """The variational autoencoder: x to (mu, log sigma), to z with a noise, to x-hat, and the two terms of the bound.
    With `label`, the class-conditional one, in which y goes to both networks."""
    fig, ax = canvas(9.4, 3.6, below=0.6)
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
    arrow(ax, (3.4, y0 - 0.78), (3.72, 0.87))
    arrow(ax, (3.56, y0 + 0.24), (4.06, 0.9))
    arrow(ax, (8.3, y0 - 0.67), (8.3, 0.97))
    arrow(ax, (0.4, y0 - 0.68), (7.75, 0.3), bend=0.37)
    note(ax, 5.0, y0 - 0.5, r"$\mu + \sigma\epsilon$")
    note(ax, 6.08, 0.28, "the bound: right minus left")
    if label:
        for x in (2.0, 6.6):
            data(ax, x, 0.75, r"$\mathbf{y}$", 0.6, 0.5)
            arrow(ax, (x, 1.0), (x, y0 - 0.54))
    return fig, ax


def centroid(
    h: Callable[[np.ndarray], np.ndarray],
    x: np.ndarray,
    weights: np.ndarray | None = None,
    ax: Axes | None = None,
    closer: float | None = None,
) -> tuple[Figure, Axes]:
    """Jensen's inequality: values x (n,) as dots on the graph of h, their centroid (E[X], E[h(X)]) under the weights
    (n,), and the gap between it and the graph. Two values are joined by their chord; `closer` enlarges the place from
    E[X] - closer to E[X] + closer."""
    fig: Any = None if ax is None else ax.figure
    if ax is None:
        fig, ax = plots.figure(4.2, 3.2)
    mean, height = np.average(x, weights=weights), np.average(h(x), weights=weights)
    margin = 0.06 * np.ptp(x)
    t = np.linspace(x.min() - min(margin, 0.5 * x.min()), x.max() + margin, 300)
    ax.plot(t, h(t), color=INK, linewidth=1.4, label="graph of h")
    ax.plot(x, h(x), "o--" if len(x) == 2 else "o", color=DATA, markersize=5, alpha=0.7, label="values of X")
    ax.plot([mean, mean], [h(mean), height], color=LOSS, linewidth=3, label="gap")
    ax.plot(mean, height, "D", color=LOSS, markersize=6, label="centroid")
    ax.set(xlabel="X", ylabel="h(X)")
    ax.locator_params(axis="x", nbins=6)
    if closer is not None:
        inset = ax.inset_axes((0.5, 0.09, 0.47, 0.46))
        centroid(h, x, weights, inset)
        low, high = sorted([h(mean - closer), h(mean + closer)])
        inset.set(xlim=(mean - closer, mean + closer), ylim=(low, high), xticks=[], yticks=[], xlabel="", ylabel="")
        ax.indicate_inset_zoom(inset, edgecolor=INK)
    return fig, ax


def surrogates(
    theta: np.ndarray, log_p: np.ndarray, bounds: Sequence[np.ndarray], stops: Sequence[float]
) -> tuple[Figure, Axes]:
    """EM over one parameter theta (n,): log p(theta) (n,), and the `bounds` F(theta, q_t) (n,) below it, the later the
    darker. `stops` (T + 1): bound t touches log p at stops[t] and has its top at stops[t + 1]."""
    fig, ax = plots.figure(7.6, 3.8)
    ax.plot(theta, log_p, color=INK, linewidth=2.4, label=r"$\log p_\theta$")
    for t, bound in enumerate(bounds):
        share = 0.45 + 0.55 * (t + 1) / len(bounds)
        ax.plot(theta, bound, color=_light(LOSS, share), linewidth=1.7, label=rf"$\mathcal{{F}}(\theta, q_{t})$")
        touch, top = np.interp(stops[t], theta, log_p), np.interp(stops[t + 1], theta, bound)
        ax.plot(stops[t], touch, "o", color=INK, markersize=7)
        ax.plot(stops[t + 1], top, "D", color=_light(LOSS, share), markersize=6)
        ax.plot([stops[t + 1]] * 2, [top, np.interp(stops[t + 1], theta, log_p)], ":", color=INK, linewidth=1.2)
    ax.plot([], [], "o", color=INK, label="E: a bound that touches here")
    ax.plot([], [], "D", color=LOSS, label="M: its top")
    ax.legend(loc="upper left", fontsize=9)
    return fig, ax


def analogy() -> tuple[Figure, Axes]:
    """How notebook 09 solves an analogy: the style is read with the label of the picture and written with another."""
    fig, ax = canvas(8.6, 2.5)
    y0 = 1.6
    data(ax, 0.7, y0, r"$\mathbf{x}$", 0.7, 1.3)
    network(ax, 2.4, y0, "encoder", 1.4, 0.8)
    code(ax, 4.3, y0, r"$\mu$")
    network(ax, 6.2, y0, "decoder", 0.8, 1.4)
    data(ax, 7.9, y0, "the same\nstyle", 1.0, 1.3)
    for a, b in [(1.05, 1.83), (2.97, 3.98), (4.62, 5.63), (6.77, 7.38)]:
        arrow(ax, (a, y0), (b, y0))
    for x, label, words in [(2.4, r"$\mathbf{y}$", "its label"), (6.2, r"$\mathbf{y}_{new}$", "another label")]:
        data(ax, x, 0.35, label, 0.7, 0.5)
        arrow(ax, (x, 0.6), (x, y0 - 0.57))
        note(ax, x + 0.95, 0.35, words)
    note(ax, 4.3, y0 + 0.5, "style")
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
            gradient(ax, (x0 + 3.68, 1.18), (x0 + 2.98, 0.72), bend=-0.2)
            note(ax, x0 + 3.1, 2.52, r"the slope in $\mu$, $\log\sigma$", color=LOSS)
    return fig, ax


def conductor() -> tuple[Figure, Axes]:
    """A sequence decoder with a conductor: z to a message for every step, GRU states in a row, and what came out before
    read again."""
    fig, ax = canvas(9.4, 3.7)
    code(ax, 0.5, 2.95, r"$\mathbf{z}$", 0.3)
    network(ax, 1.9, 2.95, "conductor", 0.5, 1.0, 1.3)
    arrow(ax, (0.82, 2.95), (1.23, 2.95))
    for i, x in enumerate((3.6, 5.5, 7.4)):
        ax.plot([2.57 if i == 0 else x - 1.9, x], [2.95, 2.95], color=INK, linewidth=1.6)
        arrow(ax, (x, 2.95), (x, 2.3), f"$m_{i + 1}$")
        network(ax, x, 1.95, "GRU", 0.6, 0.6, 0.9)
        arrow(ax, (x, 1.63), (x, 0.87))
        data(ax, x, 0.55, rf"$\mathbf{{x}}_{i + 1}$", 0.7, 0.56)
        arrow(ax, (x + 0.47, 1.95), (x + 1.42, 1.95), f"$h_{i + 1}$")
        arrow(ax, (x + 0.37, 0.62), (x + 1.45, 1.7), bend=0.15)
    note(ax, 9.1, 1.95, "…")
    note(ax, 2.1, 0.55, "what came out is read\nagain, now and then", fontsize=9)
    note(ax, 8.4, 2.95, "a message for each step", fontsize=9)
    return fig, ax


def four_families() -> tuple[Figure, Axes]:
    """Notebook 11's four models, side by side: one number after another, an invertible map, a VAE, a game of two."""
    fig, ax = canvas(9.8, 3.9)
    for x0, y0, heading in [
        (0.0, 2.0, "autoregressive: each number from those before"),
        (5.0, 2.0, "reversible: x and z, each from the other"),
        (0.0, 0.0, "VAE: a short code, and noise on top"),
        (5.0, 0.0, "GAN: a generator and a judge"),
    ]:
        note(ax, x0 + 2.35, y0 + 1.72, heading, fontsize=11, color=INK)
    for i in range(4):  # autoregressive
        data(ax, 0.6 + 1.15 * i, 2.5, f"$x_{i + 1}$", 0.6, 0.5)
        for j in range(i):
            arrow(ax, (0.6 + 1.15 * j, 2.77), (0.52 + 1.15 * i, 2.77), bend=-0.22 - 0.06 * (i - j))
    code(ax, 5.5, 2.75, r"$\mathbf{z}$", 0.32)  # reversible
    network(ax, 7.35, 2.75, "flow", 0.9, 0.9, 1.3)
    data(ax, 9.2, 2.75, r"$\mathbf{x}$", 0.64, 0.64)
    for y, ends in [(2.9, (0, 1)), (2.6, (1, 0))]:
        for pair in [(5.87, 6.68), (8.02, 8.84)]:
            arrow(ax, (pair[ends[0]], y), (pair[ends[1]], y))
    data(ax, 0.4, 0.8, r"$\mathbf{x}$", 0.56, 0.9)  # VAE
    network(ax, 1.4, 0.8, "encoder", 0.9, 0.5, 0.9)
    code(ax, 2.4, 0.8, r"$\mathbf{z}$", 0.24)
    network(ax, 3.4, 0.8, "decoder", 0.5, 0.9, 0.9)
    data(ax, 4.4, 0.8, r"$\hat{\mathbf{x}}$", 0.56, 0.9)
    for a, b in [(0.7, 0.93), (1.87, 2.14), (2.66, 2.93), (3.87, 4.1)]:
        arrow(ax, (a, 0.8), (b, 0.8))
    code(ax, 5.28, 0.45, r"$\mathbf{z}$", 0.26)  # GAN
    network(ax, 6.36, 0.45, "generator", 0.5, 0.8, 1.1)
    data(ax, 7.42, 0.45, r"$\hat{\mathbf{x}}$", 0.5, 0.5)
    data(ax, 7.42, 1.25, r"$\mathbf{x}$", 0.5, 0.5)
    network(ax, 8.34, 0.85, "judge", 0.9, 0.4, 0.8)
    loss(ax, 9.42, 0.85, "real?", 0.7, 0.7)
    for start, end in [
        ((5.56, 0.45), (5.79, 0.45)),
        ((6.93, 0.45), (7.15, 0.45)),
        ((7.69, 0.5), (7.92, 0.66)),
        ((7.69, 1.2), (7.92, 1.04)),
        ((8.76, 0.85), (9.06, 0.85)),
    ]:
        arrow(ax, start, end)
    return fig, ax


def coupling() -> tuple[Figure, Axes]:
    """Notebook 11's coupling: what is kept goes through, and says how the rest is scaled and shifted."""
    fig, ax = canvas(7.6, 2.7)
    for x, name in [(1.1, "x"), (6.5, "z")]:
        data(ax, x, 2.1, rf"$m\,\mathbf{{{name}}}$", 1.1, 0.6)
        data(ax, x, 0.55, rf"$(1 - m)\,\mathbf{{{name}}}$", 1.3, 0.6)
    arrow(ax, (1.67, 2.1), (5.93, 2.1), "kept as they are")
    network(ax, 3.75, 1.33, "s, t", 0.5, 0.5, 1.5)
    arrow(ax, (3.75, 2.08), (3.75, 1.6))
    for x, text in [(3.2, r"$\times\; e^{s}$"), (4.4, r"$+\; t$")]:
        note(ax, x, 0.55, text, fontsize=13, color=INK)
        arrow(ax, (x + 0.1 * (3.75 - x), 1.06), (x, 0.78))
    for start, end in [(1.77, 2.75), (3.65, 4.08), (4.72, 5.83)]:
        arrow(ax, (start, 0.55), (end, 0.55))
    return fig, ax


def masked_network(masks: Sequence[np.ndarray], order: Sequence[int]) -> tuple[Figure, Axes]:
    """A small masked network from its masks, list of (in, out): units in columns, lines where a mask is 1. Inputs and
    outputs stand in their `order`; the connections of the output in the middle of the order are dark."""
    fig, ax = canvas(7.6, 3.2)
    masks = [np.asarray(mask) for mask in masks]
    place, D = np.asarray(order), len(masks[0])
    sizes = [D, *(mask.shape[1] for mask in masks)]

    def positions(i):
        n = sizes[i]
        rows = place if i in (0, len(masks)) else np.arange(n)
        return np.stack([np.full(n, 0.7 + 6.2 * i / len(masks)), 2.75 - 2.3 * rows / max(n - 1, 1)], axis=1)

    layers = [positions(i) for i in range(len(sizes))]
    reach = [np.arange(D) == np.argsort(place)[D // 2]]  # units with a path to that output, from the last layer back
    for mask in reversed(masks):
        reach.insert(0, (mask @ reach[0]) > 0)
    for i, mask in enumerate(masks):
        for a, b in zip(*np.nonzero(mask)):
            seen = reach[i + 1][b]
            look: dict[str, Any] = {"color": INK, "linewidth": 1.3} if seen else {"color": "#d0d0d0", "linewidth": 0.6}
            ax.plot(*np.stack([layers[i][a], layers[i + 1][b]]).T, zorder=2 if seen else 1, **look)
    for i, layer in enumerate(layers):
        colour = DATA if i in (0, len(masks)) else "#8a8a8a"
        for (x, y), used in zip(layer, reach[i]):
            ax.add_patch(
                Circle((x, y), 0.13, facecolor=_light(colour, 0.7 if used else 0.15), edgecolor=colour, zorder=3)
            )
    for layer, side in [(layers[0], -0.38), (layers[-1], 0.38)]:
        for d, (x, y) in enumerate(layer):
            ax.text(x + side, y, f"$x_{d}$", fontsize=11, **TEXT)
    note(ax, 3.8, 3.02, "inputs in their order; what one output may look at is dark")
    return fig, ax


def bits_back() -> tuple[Figure, Axes]:
    """The stack through the three steps of bits back: z popped with q(z | x), x pushed, z pushed with p(z)."""
    fig, ax = canvas(10.6, 4.5)
    low = 0.75
    for x, below, title in [
        (1.1, 2.3, "the stack"),
        (3.9, 1.6, "pop $z$"),
        (6.7, 1.6, "push $x$"),
        (9.5, 1.6, "push $z$"),
    ]:
        corners = [(x - 0.55, low), (x + 0.55, low), (x + 0.55, low + below), (x - 0.55, low + below)]
        ax.add_patch(Polygon(corners, facecolor=NETWORK, edgecolor="#8a8a8a", linewidth=1.2))
        ax.text(x, low + 0.55, "earlier\nsymbols", fontsize=10, **TEXT)
        ax.text(x, 0.35, title, fontsize=12, **TEXT)
    arrow(ax, (3.9, low + 1.62), (3.9, low + 2.25))
    code(ax, 3.9, low + 2.55, "$z$")
    for x in (6.7, 9.5):
        data(ax, x, low + 1.6 + 0.4, "$x$", width=1.1, height=0.7)
    code(ax, 9.5, low + 2.35 + 0.3, "$z$")
    for x, text in [(2.5, "$q(z|x)$"), (5.3, "$p(x|z)$"), (8.1, "$p(z)$")]:
        arrow(ax, (x - 0.6, 1.75), (x + 0.6, 1.75))
        distribution(ax, x, 2.4, "", width=0.8, height=0.4)
        note(ax, x, 2.85, text, color=DISTRIBUTION, fontsize=11)
    for x, text in [
        (2.5, "shorter by\n$-\\log_2 q(z|x)$"),
        (5.3, "longer by\n$-\\log_2 p(x|z)$"),
        (8.1, "longer by\n$-\\log_2 p(z)$"),
    ]:
        note(ax, x, 1.25, text)
    note(ax, 5.3, 4.2, "Decoding goes through the same steps from right to left: pop $z$, pop $x$, push $z$.")
    return fig, ax


def weight_message() -> tuple[Figure, Axes]:
    """Labels as a message of notebook 13: bits of another message choose the weights; labels and weights are sent; who
    has the labels trains as the sender did, and finds those bits."""
    fig, ax = canvas(9.8, 3.4, below=0.4)
    note(ax, 2.1, 3.2, "sender: has the pictures and the labels", fontsize=11, color=INK)
    note(ax, 7.9, 3.2, "receiver: has the pictures", fontsize=11, color=INK)
    data(ax, 0.7, 2.4, r"$\mathbf{x}, \mathbf{y}$", 1.0)
    distribution(ax, 2.6, 2.4, r"$q(\mathbf{w})$", 0.9, 0.6)
    code(ax, 3.9, 1.35, r"$\mathbf{w}$")
    arrow(ax, (1.25, 2.4), (2.1, 2.4), "train")
    arrow(ax, (3.0, 2.25), (3.7, 1.6))
    for x, width, text, colour in [
        (0.9, 1.6, "other bits", NETWORK),
        (4.35, 1.1, "labels", _light(DATA)),
        (5.5, 1.2, "weights", _light(CODE)),
    ]:
        box = FancyBboxPatch((x - width / 2, 0.12), width, 0.5, boxstyle="round,pad=0,rounding_size=0.06")
        box.set(facecolor=colour, edgecolor="#8a8a8a", linewidth=1.2)
        ax.add_patch(box)
        ax.text(x, 0.37, text, fontsize=11, **TEXT)
    arrow(ax, (1.2, 0.65), (3.57, 1.3), bend=-0.1)
    note(ax, 2.0, 1.45, r"choose $\mathbf{w}$ from $q$", color=INK)
    arrow(ax, (4.0, 1.03), (4.25, 0.65))
    arrow(ax, (4.2, 1.25), (5.3, 0.65))
    arrow(ax, (6.15, 0.5), (6.75, 1.1))
    code(ax, 7.0, 1.35, r"$\mathbf{w}$")
    data(ax, 7.0, 2.4, r"$\mathbf{x}$", 0.7)
    data(ax, 8.2, 1.35, r"$\mathbf{y}$", 0.7)
    distribution(ax, 9.25, 2.2, r"$q(\mathbf{w})$", 0.9, 0.6, label_below=False)
    for start, end in [((7.32, 1.35), (7.83, 1.35)), ((7.35, 2.2), (7.95, 1.7)), ((8.57, 1.5), (9.05, 1.87))]:
        arrow(ax, start, end)
    box = FancyBboxPatch((8.45, 0.12), 1.3, 0.5, boxstyle="round,pad=0,rounding_size=0.06")
    box.set(facecolor=NETWORK, edgecolor="#8a8a8a", linewidth=1.2)
    ax.add_patch(box)
    ax.text(9.1, 0.37, "other bits", fontsize=11, **TEXT)
    arrow(ax, (9.35, 1.87), (9.2, 0.65))
    note(ax, 8.55, 1.95, "train,\ntoo", color=INK)
    arrow(ax, (4.6, 0.08), (8.25, 0.98), bend=0.22)
    return fig, ax
