"""Notebook 13's explorable: the prices of the weights of a regression, while the data come in."""

import ipywidgets
import numpy as np
from numpy.typing import ArrayLike

from course_utils.models.bayesian import LN2, weight_prices
from course_utils.models.bayesian_regression import (
    best_mean_field,
    bumps,
    log_evidence,
    predictive_deviation,
    weight_posterior,
)
from course_utils.showing import plots
from course_utils.showing.widgets import WIDE, Explorable, figure_explorer


def prices_of(t: ArrayLike, y: ArrayLike, centres: ArrayLike, width: float, eta: float, tau: float) -> np.ndarray:
    """The price in bits of each bump's weight, for the best q of independent weights; t, y (N,), N from 0 -> (P,)."""
    mu, sigma = best_mean_field(bumps(np.asarray(t), np.asarray(centres), width), np.asarray(y), eta, tau)
    return weight_prices(mu, np.log(sigma), tau) / LN2


def price_explorer(
    t: ArrayLike,
    y: ArrayLike,
    centres: ArrayLike,
    width: float = 0.12,
    eta: float = 0.02,
    tau: float = 1.0,
    start: int = 3,
    most_bits: float = 6.0,
) -> Explorable:
    """Return sliders for the number of data points and the noise over the fit, and the price of each weight in bits.

    t, y (N,) are the data in the order in which they come in; `centres` (P,) and `width` are the bumps'. The bars have
    a fixed scale, up to `most_bits`.
    """
    t, y, centres = (np.asarray(a, float) for a in (t, y, centres))
    if t.ndim != 1 or t.shape != y.shape or centres.ndim != 1 or not 0 <= start <= len(t):
        raise ValueError(
            "price_explorer expects t and y (N,), centres (P,) and a start from 0 to N, but they have shapes "
            f"{t.shape}, {y.shape} and {centres.shape}, and start is {start}"
        )
    line = np.linspace(centres[0], centres[-1], 181)
    features = bumps(line, centres, width)
    fig, (above, below) = plots.figure(6.8, 4.8, rows=2, sharex=True, height_ratios=[1.5, 1])
    upper, middle, lower = (
        above.plot([], [], color=plots.PALETTE[4], linewidth=w, alpha=a)[0] for w, a in [(1, 0.6), (2, 1), (1, 0.6)]
    )
    (dots,) = above.plot([], [], "o", color=plots.PALETTE[0], markersize=5)
    above.set(ylim=(-3, 3), ylabel="y", xlim=(centres[0], centres[-1]))
    bars = below.bar(centres, np.zeros(len(centres)), 0.8 * (centres[1] - centres[0]), color=plots.PALETTE[1])
    below.set(xlabel="t; a bar for each bump", ylabel="price of its weight\n(bits)", ylim=(0, most_bits))

    def update(n, noise):
        x = bumps(t[:n], centres, width)
        mean, precision = weight_posterior(x, y[:n], noise, tau)
        centre, band = features @ mean, 2 * predictive_deviation(features, np.linalg.inv(precision))
        for curve, values in ((upper, centre + band), (middle, centre), (lower, centre - band)):
            curve.set_data(line, values)
        dots.set_data(t[:n], y[:n])
        prices = prices_of(t[:n], y[:n], centres, width, noise, tau)
        for bar, height in zip(bars, prices, strict=True):
            bar.set_height(height)
        points = f"{n} point{'s' * (n != 1)}"
        evidence = log_evidence(x, y[:n], noise, tau) if n else 0.0
        above.set_title(
            f"{points}: {prices.sum():.1f} bits for the weights, log p(y) = {evidence:.1f} nats".replace("-", "−"),
            fontsize=11,
        )
        return (
            f"{points} with noise variance {noise:.3g}: the weights cost {prices.sum():.1f} bits in all, the most "
            f"expensive {prices.max():.1f}, and {np.sum(prices < 0.1)} of {len(centres)} less than a tenth of a bit."
        )

    controls = {
        "n": ipywidgets.IntSlider(value=start, min=0, max=len(t), description="Data points", **WIDE),
        "noise": ipywidgets.FloatLogSlider(value=eta, min=-3, max=0.5, step=0.05, description="Noise variance", **WIDE),
    }
    moving = (upper, middle, lower, dots, *bars, above.title)
    return figure_explorer(fig, update, controls, moving=moving)
