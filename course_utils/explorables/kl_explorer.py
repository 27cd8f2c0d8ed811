"""Notebook 05's explorable: two Gaussians, where their log ratio adds and where it takes away, and both divergences."""

import ipywidgets
import numpy as np

from course_utils.probability.gaussians import diagonal_gaussian_log_prob, kl_gaussians
from course_utils.showing import plots
from course_utils.showing.widgets import WIDE, Explorable, figure_explorer

GRID = np.linspace(-16, 16, 1601)
BAR_TOP = 6.0  # nats; a longer bar ends in an arrow, its number says how long it is
Q, P, PLUS, MINUS = (plots.PALETTE[i] for i in (4, 8, 2, 9))  # q and p as in the notebook's figures: no data, no code


def kl_both_ways(mu_q: float, sigma_q: float, mu_p: float, sigma_p: float) -> tuple[float, float]:
    """KL(q || p) and KL(p || q) of two Gaussians on the line, in nats."""
    q, p = ((np.full((1, 1), mu), np.full((1, 1), np.log(sigma))) for mu, sigma in [(mu_q, sigma_q), (mu_p, sigma_p)])
    return float(kl_gaussians(*q, *p)[0]), float(kl_gaussians(*p, *q)[0])


def log_ratio_areas(
    mu_q: float, sigma_q: float, mu_p: float, sigma_p: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[float]]:
    """Densities q, p and the integrand q log(q/p) on GRID, with the areas where it is positive and negative."""
    log_q, log_p = (
        diagonal_gaussian_log_prob(GRID[:, None], np.full((1, 1), mu), np.full((1, 1), np.log(sigma)))
        for mu, sigma in [(mu_q, sigma_q), (mu_p, sigma_p)]
    )
    integrand = np.exp(log_q) * (log_q - log_p)
    areas = [float(np.trapezoid(part, GRID)) for part in (np.maximum(integrand, 0), np.minimum(integrand, 0))]
    return np.exp(log_q), np.exp(log_p), integrand, areas


def _outline(y):
    """Vertices of the area between y and 0 on GRID."""
    return [np.column_stack([np.append(GRID, GRID[::-1]), np.append(y, np.zeros_like(y))])]


def kl_explorer() -> Explorable:
    """Return sliders for means and widths of q and p: densities, shaded integrand of KL(q || p), both divergences."""
    fig, (density, integrand_ax, bars_ax) = plots.figure(9.4, 3.1, columns=3, width_ratios=[1.5, 1.5, 1])
    (line_q,) = density.plot(GRID, 0 * GRID, color=Q, label="q")
    (line_p,) = density.plot(GRID, 0 * GRID, color=P, linestyle="--", label="p")
    density.set(xlim=(-7, 7), ylim=(0, 1.05), xlabel="z", ylabel="density", title="q and p")
    density.legend(loc="upper right")
    (line,) = integrand_ax.plot(GRID, 0 * GRID, color="black", linewidth=0.8)
    plus = integrand_ax.fill_between(GRID, 0, 1, color=PLUS, alpha=0.7, label="q > p: adds")
    minus = integrand_ax.fill_between(GRID, 0, -1, color=MINUS, alpha=0.7, label="q < p: takes away")
    integrand_ax.set(xlim=(-7, 7), ylim=(-0.5, 2), xlabel="z", ylabel="q log(q/p)", title="What KL(q || p) adds up")
    integrand_ax.legend(loc="upper left", fontsize=9)
    bars = bars_ax.bar(["KL(q || p)", "KL(p || q)"], [1, 1], color=[Q, P])
    numbers = [bars_ax.text(i, 0, "", ha="center", va="bottom") for i in range(2)]
    bars_ax.set(ylim=(0, BAR_TOP * 1.12), ylabel="nats", title="Both ways round")
    bars_ax.grid(axis="x", visible=False)

    def update(mu_q, sigma_q, mu_p, sigma_p):
        q, p, integrand, (added, taken) = log_ratio_areas(mu_q, sigma_q, mu_p, sigma_p)
        forward, reverse = kl_both_ways(mu_q, sigma_q, mu_p, sigma_p)
        line_q.set_ydata(q)
        line_p.set_ydata(p)
        line.set_ydata(integrand)
        plus.set_verts(_outline(np.maximum(integrand, 0)))
        minus.set_verts(_outline(np.minimum(integrand, 0)))
        for bar, number, value in zip(bars, numbers, (forward, reverse)):
            bar.set_height(min(value, BAR_TOP))
            number.set_y(min(value, BAR_TOP))
            number.set_text(f"{value:.2f}" + (" ↑" if value > BAR_TOP else ""))
        return (
            f"q has mean {mu_q:g} and width {sigma_q:g}, p has mean {mu_p:g} and width {sigma_p:g}. "
            f"The integrand adds {added:.2f} where q > p and takes away {-taken:.2f} where q < p, "
            f"so KL(q || p) = {forward:.2f} nats; the other way round, KL(p || q) = {reverse:.2f}."
        )

    def mean(value, text):
        return ipywidgets.FloatSlider(value=value, min=-3, max=3, step=0.1, description=text, **WIDE)

    def width(value, text):
        return ipywidgets.FloatSlider(value=value, min=0.4, max=2.5, step=0.1, description=text, **WIDE)

    controls = {
        "mu_q": mean(1.0, "Mean of q"),
        "sigma_q": width(0.6, "Width of q"),
        "mu_p": mean(-0.5, "Mean of p"),
        "sigma_p": width(1.5, "Width of p"),
    }
    moving = [line_q, line_p, density.get_legend(), plus, minus, line, integrand_ax.get_legend(), *bars, *numbers]
    return figure_explorer(fig, update, controls, moving=moving)
