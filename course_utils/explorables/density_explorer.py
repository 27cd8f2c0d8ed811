"""Notebook 03's explorable: the density that a bent curve with noise gives to the plane, and to data in it."""

from collections.abc import Callable

import ipywidgets
import matplotlib
import numpy as np
from numpy.typing import ArrayLike

from course_utils.probability.grids import trapezoid_weights
from course_utils.probability.marginals import log_marginal_quadrature
from course_utils.showing import plots
from course_utils.showing.evidence import with_minus
from course_utils.showing.widgets import WIDE, Explorable, figure_explorer

GRID = np.linspace(-5, 5, 401)  # of z; every second point will do for the data
PIXELS = 200  # of the map, along its wider side


def density_map(
    decoder: Callable[[np.ndarray], np.ndarray],
    eta: float,
    x_1: np.ndarray,
    x_2: np.ndarray,
    grid: np.ndarray = GRID,
) -> np.ndarray:
    """p(x) on the points (x_1[j], x_2[i]) of a plane, as an array (len(x_2), len(x_1)); decoder (G, 1) -> (G, 2).

    The noise factorises, N(x; G(z), eta I) = N(x_1; G_1(z), eta) N(x_2; G_2(z), eta), so that the trapezoid rule over z
    is one matrix product. Far from the curve it underflows to 0.
    """

    def normal(points, means):  # (len(points), G)
        return np.exp(-((points[:, None] - means) ** 2) / (2 * eta)) / np.sqrt(2 * np.pi * eta)

    means = decoder(grid[:, None])
    prior = trapezoid_weights(grid) * np.exp(-(grid**2) / 2) / np.sqrt(2 * np.pi)
    return (normal(x_2, means[:, 1]) * prior) @ normal(x_1, means[:, 0]).T


def density_explorer(
    x: ArrayLike,
    decoder: Callable[[np.ndarray, float], np.ndarray],
    bend: float = 0.6,
    eta: float = 1.0,
    bends: tuple[float, float] = (0.0, 2.0),
    etas: tuple[float, float] = (0.02, 5.0),
    labels: tuple[str, str] = ("x_1", "x_2"),
) -> Explorable:
    """Return sliders for eta and the bend over a map of p(x), with the curve, data x (N, 2) and their log-likelihood.

    `decoder(z, bend)` maps z (..., 1) to (..., 2). `bend` and `eta` are where the sliders start; `bends` and `etas` are
    their ranges. The map's colours have a fixed scale, so that a density that rises looks as though it did.
    """
    x = np.asarray(x, float)
    if x.ndim != 2 or x.shape[1] != 2 or not len(x):
        raise ValueError(f"density_explorer expects points x (N, 2), got {x.shape}")
    low, high = x.min(axis=0), x.max(axis=0)
    low, high = low - 0.2 * (high - low), high + 0.2 * (high - low)
    counts = np.ceil(PIXELS * (high - low) / (high - low).max()).astype(int)
    edges = [np.linspace(a, b, n + 1) for a, b, n in zip(low, high, counts)]
    x_1, x_2 = ((e[:-1] + e[1:]) / 2 for e in edges)
    z = np.linspace(-3, 3, 121)[:, None]

    fig, ax = plots.figure(6.4, 4.8)
    image = ax.imshow(
        np.zeros((len(x_2), len(x_1))),
        origin="lower",
        extent=(low[0], high[0], low[1], high[1]),
        cmap=matplotlib.colormaps["Blues"].resampled(50),
        vmin=-5,
        vmax=0,
        interpolation="nearest",
    )
    (data,) = ax.plot(*x.T, ".", color=plots.PALETTE[1], markersize=3, markeredgewidth=0, label="data")
    (curve,) = ax.plot([], [], color=plots.PALETTE[2], linewidth=1.5, label="$G(z)$, $|z| \\leq 3$")
    ax.grid(False)
    ax.set(xlabel=labels[0], ylabel=labels[1], xlim=(low[0], high[0]), ylim=(low[1], high[1]))
    fig.legend(loc="outside lower center", ncols=2, fontsize=9, markerscale=3)
    fig.colorbar(image, ax=ax, label="$\\log_{10} p(x)$", shrink=0.85, extend="min")

    def update(bend, eta):
        def bent(z):
            return decoder(z, bend)

        density = density_map(bent, eta, x_1, x_2)
        image.set_data(np.log10(np.maximum(density, 1e-300)))
        curve.set_data(*bent(z).T)
        total = np.sum(log_marginal_quadrature(x, bent, eta, GRID[::2]))
        each = f"{total / len(x):.3f} nats each"
        ax.set_title(with_minus(f"bend {bend:.2f}, $\\eta$ = {eta:.3g}; log-likelihood: {each}"), fontsize=11)
        return with_minus(
            f"The density around a curve of bend {bend:.2f} with noise variance {eta:.3g}; "
            f"the log-likelihood of the {len(x)} points is {total:,.1f} nats, {each}."
        )

    controls = {
        "bend": ipywidgets.FloatSlider(value=bend, min=bends[0], max=bends[1], step=0.02, description="Bend", **WIDE),
        "eta": ipywidgets.FloatLogSlider(
            value=eta, min=np.log10(etas[0]), max=np.log10(etas[1]), step=0.02, description="Noise variance", **WIDE
        ),
    }
    return figure_explorer(fig, update, controls, moving=(image, data, curve, ax.title))
