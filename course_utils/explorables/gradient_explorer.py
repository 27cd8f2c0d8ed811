"""Notebook 06's explorable: clouds of single estimates that two gradient estimators make of the same samples."""

import ipywidgets
import numpy as np
from matplotlib.patches import Polygon

from course_utils.networks.reparameterization import pathwise_gradient, score_function_gradient
from course_utils.showing import plots
from course_utils.showing.widgets import WIDE, Explorable, figure_explorer

# f, its derivative, and d/dmu E[f(z)] under N(mu, sigma^2)
FUNCTIONS = {
    "z²": (np.square, lambda z: 2 * z, lambda mu, sigma: 2 * mu),
    "z³/3": (lambda z: z**3 / 3, np.square, lambda mu, sigma: mu**2 + sigma**2),
    "eᶻ": (np.exp, np.exp, lambda mu, sigma: np.exp(mu + sigma**2 / 2)),
    "4 cos 6z": (
        lambda z: 4 * np.cos(6 * z),
        lambda z: -24 * np.sin(6 * z),
        lambda mu, sigma: -24 * np.sin(6 * mu) * np.exp(-18 * sigma**2),
    ),
}
GRID = np.linspace(-6, 6, 601)
MOST = 400  # samples
LINEAR = 10.0  # estimates up to this size are drawn to scale, larger ones by their logarithm
NOISE = np.random.default_rng(0)
# the same at every move, so that each dot can be followed
EPS, JITTER = NOISE.normal(size=MOST), NOISE.uniform(-0.3, 0.3, MOST)


def estimates(
    name: str, mu: float, log_sigma: float, offset: float, samples: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, float]:
    """z, f(z) + offset, pathwise and score-function estimates, each (samples,), and the exact gradient."""
    f, df, exact = FUNCTIONS[name]
    sigma, eps = np.exp(log_sigma), EPS[:samples]
    z = mu + sigma * eps
    path = pathwise_gradient(df, mu, sigma, eps)  # an offset has no derivative
    score = score_function_gradient(lambda z: f(z) + offset, mu, sigma, eps)
    return z, f(z) + offset, path, score, float(exact(mu, sigma))


def _bell(mu, log_sigma):
    """The density of q as an outline, its peak always as high, at the foot of the panel."""
    return np.column_stack([GRID, -30 + 18 * np.exp(-0.5 * ((GRID - mu) / np.exp(log_sigma)) ** 2)])


def gradient_explorer() -> Explorable:
    """Return sliders for q, the number of samples and an offset of f: samples, and both clouds of estimates."""
    fig, (left, right) = plots.figure(9.4, 3.5, columns=2, width_ratios=[1, 1.5])
    bell = left.add_patch(Polygon(_bell(0, 0), color=plots.PALETTE[4], alpha=0.4, label="q(z)"))
    (curve,) = left.plot(GRID, 0 * GRID, color="black", linewidth=1, label="f(z) + c")
    looks = {
        "c": EPS,
        "cmap": plots.DIVERGING,
        "vmin": -2.5,
        "vmax": 2.5,
        "s": 14,
        "edgecolors": "#555555",
        "linewidths": 0.3,
    }
    on_curve = left.scatter(EPS, EPS, **looks)
    left.set(xlim=(-6, 6), ylim=(-30, 40), xlabel="z", ylabel="f(z) + c", title="Samples, coloured by ε")
    left.legend(loc="upper center", fontsize=9)  # where none of the functions is, without an offset
    clouds = [right.scatter(EPS, JITTER + row, **looks) for row in (1, 0)]
    line = right.axvline(0, color="black", linestyle="--", linewidth=1)
    bars = [
        right.plot([0, 0], [row - 0.42] * 2, color="black", linewidth=4, solid_capstyle="butt")[0] for row in (1, 0)
    ]
    right.set_xscale("symlog", linthresh=LINEAR, linscale=2)
    ticks = [-1000, -100, -10, -5, 0, 5, 10, 100, 1000]
    right.set_xticks(ticks, [f"{t:g}".replace("-", "−") for t in ticks])
    right.set(
        xlim=(-4000, 4000),
        ylim=(-0.6, 1.6),
        xlabel="single estimates of the gradient (logarithmic beyond ±10)",
        title="Dashed: exact. Bars: mean ± 2 standard errors",
    )
    right.set_yticks([1, 0], ["pathwise", "score\nfunction"])
    right.grid(axis="y", visible=False)

    def update(mu, log_sigma, offset, samples, f):
        z, values, *both, exact = estimates(f, mu, log_sigma, offset, samples)
        curve.set_ydata(FUNCTIONS[f][0](GRID) + offset)
        bell.set_xy(_bell(mu, log_sigma))
        on_curve.set_offsets(np.column_stack([z, values]))
        line.set_xdata([exact, exact])
        for cloud, bar, row, sizes in zip(clouds, bars, (1, 0), both):
            cloud.set_offsets(np.column_stack([sizes, row + JITTER[:samples]]))
            error = 2 * sizes.std() / np.sqrt(samples)
            bar.set_xdata([sizes.mean() - error, sizes.mean() + error])
        for dots in (on_curve, *clouds):
            dots.set_array(EPS[:samples])
        said = [f"{sizes.mean():.2f} on average, with a standard deviation of {sizes.std():.3g}" for sizes in both]
        return (
            f"f(z) = {f}, lifted by {offset:g}; q has mean {mu:g} and log sigma {log_sigma:g}. "
            f"The exact gradient is {exact:.2f}. Of {samples} samples the pathwise estimates are {said[0]}; "
            f"the score-function estimates are {said[1]}."
        )

    def slider(value, low, high, step, text):
        return ipywidgets.FloatSlider(value=value, min=low, max=high, step=step, description=text, **WIDE)

    controls = {
        "mu": slider(1, -2, 2, 0.1, "Mean of q"),
        "log_sigma": slider(-0.5, -3, 0.5, 0.1, "Log sigma of q"),
        "offset": slider(0, -20, 20, 1, "Offset c"),
        "samples": ipywidgets.IntSlider(value=100, min=10, max=MOST, step=10, description="Samples", **WIDE),
        "f": ipywidgets.ToggleButtons(
            options=list(FUNCTIONS), description="f(z) =", style={"button_width": "6em", "description_width": "4em"}
        ),
    }
    moving = [bell, curve, on_curve, left.get_legend(), *clouds, line, *bars]
    return figure_explorer(fig, update, controls, moving=moving)
