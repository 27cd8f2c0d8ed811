"""Notebook 07's explorable: q walks, step by step, from the encoder's answer or from the prior to the true posterior.

With two latents the posterior can be drawn and log p(x) integrated on a grid, so nothing in the picture is sampled.
"""

from collections.abc import Sequence

import ipywidgets
import numpy as np
from matplotlib.patches import Ellipse
from numpy.typing import ArrayLike
from scipy.special import logsumexp

from course_utils.models.amortization import refine
from course_utils.models.two_latents import PLANE, elbo_by_quadrature, log_joint_on_grid
from course_utils.models.vae import encoder_forward, vae_generate
from course_utils.networks.arrays import Network
from course_utils.showing import plots
from course_utils.showing.widgets import WIDE, Explorable, figure_explorer

STEPS = 60  # of the slider
SHOWN = 14.0  # nats below log p(x) that the bars show
STARTS = ("encoder", "prior")


def paths(
    encoder: Network, decoder: Network, x: np.ndarray, steps: int = STEPS
) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """{start: (mu, log_sigma, elbo)} after 0, 1, ... steps of refinement: (T, N, 2), (T, N, 2) and (T, N)."""
    mu, log_sigma = encoder_forward(encoder, x)
    found = {}
    for start, q, step_size in zip(STARTS, [(mu, log_sigma), (0 * mu, 0 * mu)], (0.03, 0.1)):  # the prior is far away
        visited = [q]
        refine(
            decoder,
            x,
            *q,
            steps,
            np.random.default_rng(0),
            samples=16,
            step_size=step_size,
            callback=lambda t, q, loss, visited=visited: visited.append(q),
        )
        elbo = np.array([elbo_by_quadrature(decoder, x, *q) for q in visited])
        found[start] = *map(np.array, zip(*visited)), elbo
    return found


def _window(log_joint, grid, mu, sigma):
    """A square around the posterior: its centre (2,), and half its side, four of its largest standard deviations, or
    more where the ring of the encoder's q at two of its own would not fit. mu, sigma (2,) are that q's."""
    weights = np.exp(log_joint - log_joint.max())
    weights /= weights.sum()
    margins = weights.sum(axis=0), weights.sum(axis=1)
    centre = np.array([margin @ grid for margin in margins])
    half = 4 * np.sqrt(max(margin @ (grid - m) ** 2 for margin, m in zip(margins, centre)))
    return centre, max(half, 1.05 * np.max(np.abs(mu - centre) + 2 * sigma))


def amortization_explorer(
    encoder: Network, decoder: Network, x: ArrayLike, names: Sequence[str], shape: tuple[int, int] = (28, 28)
) -> Explorable:
    """Return controls for example, start and steps over q's way, the posterior with q, the ledger and the images.

    encoder and decoder of a VAE with two latents, x (N, D) black and white, `names` (N,) for the buttons.
    """
    x = np.asarray(x, np.float32)
    if decoder[0][0].shape[0] != 2:
        raise ValueError(
            f"amortization_explorer draws the plane of 2 latents, but the decoder has {decoder[0][0].shape[0]}"
        )
    if len(names) != len(x) or len(set(names)) != len(names):
        raise ValueError(f"names: expected {len(x)} different ones, one for each example, got {list(names)}")
    walks = paths(encoder, decoder, x)
    log_joint = log_joint_on_grid(decoder, x, PLANE, PLANE)
    log_p = logsumexp(log_joint, axis=(1, 2)) + 2 * np.log(PLANE[1] - PLANE[0])
    best = np.max([walk[2].max(axis=0) for walk in walks.values()], axis=0)
    close_ups = []
    for n in range(len(x)):
        mu, log_sigma = (part[0, n] for part in walks["encoder"][:2])
        centre, half = _window(log_joint[n], PLANE, mu, np.exp(log_sigma))
        sides = centre[:, None] + np.linspace(-half, half, 61)
        close_ups.append((sides, np.exp(log_joint_on_grid(decoder, x[n : n + 1], *sides)[0] - log_joint[n].max())))

    fig, (whole, near, bars_ax, pictures) = plots.figure(9.8, 3.2, columns=4, width_ratios=[1.25, 1.25, 0.8, 0.5])
    walked = [ax.plot([], [], ".-", color=plots.PALETTE[2], linewidth=1, markersize=3)[0] for ax in (whole, near)]
    whole.plot(*2 * np.array([np.cos(PLANE * np.pi / 5), np.sin(PLANE * np.pi / 5)]), color="black", linewidth=0.6)
    (square,) = whole.plot([], [], color=plots.PALETTE[8], linewidth=0.8)
    whole.set(xlim=(-4, 4), ylim=(-4, 4), aspect="equal", xlabel="$z_1$", ylabel="$z_2$", title="the way of q's mean")
    density = near.imshow(np.zeros((2, 2)), origin="lower", cmap="Greys", aspect="equal", interpolation="bilinear")
    near.grid(False)
    near.set(xlabel="$z_1$", ylabel="$z_2$", title="posterior (grey) and q")
    ellipses = [
        ax.add_patch(Ellipse((0, 0), 1, 1, fill=False, color=plots.PALETTE[4], linewidth=1.5))
        for ax in (whole, near, near)
    ]
    bars = bars_ax.bar([0] * 3, [1] * 3, width=0.8, color=[plots.PALETTE[i] for i in (0, 4, 3)])
    texts = [bars_ax.text(0, 0, "", ha="center", va="center", fontsize=9) for _ in bars]
    bars_ax.set(xticks=[], xlim=(-0.6, 0.6), ylabel="nats", title="the ledger")
    image = pictures.imshow(np.zeros((2 * shape[0] + 2, shape[1])), cmap="gray", vmin=0, vmax=1)
    pictures.set(xticks=[], yticks=[shape[0] / 2, 1.5 * shape[0] + 2], yticklabels=["x", "made"], title="pixels")
    pictures.grid(False)

    def update(example, start, steps):
        n = list(names).index(example)
        mu, log_sigma, elbo = (part[:, n] for part in walks[start])
        here, widths, F = mu[steps], np.exp(log_sigma[steps]), float(elbo[steps])
        sides, posterior = close_ups[n]
        (left, right), (low, high) = sides[:, [0, -1]]
        for line in walked:
            line.set_data(*mu[: steps + 1].T)
        square.set_data([left, right, right, left, left], [low, low, high, high, low])
        density.set(data=posterior, extent=(left, right, low, high), clim=(0, posterior.max()))
        near.set(xlim=(left, right), ylim=(low, high))
        for ellipse, radius in zip(ellipses, (2, 1, 2)):
            ellipse.set(center=here, width=2 * radius * widths[0], height=2 * radius * widths[1])
        top, floor = log_p[n], log_p[n] - SHOWN
        ends = np.maximum([floor, F, best[n], top], floor)
        amounts = [f"ELBO\n{F:.1f}".replace("-", "−"), f"to gain\n{best[n] - F:.2f}", f"approx.\n{top - best[n]:.2f}"]
        below = []  # what is too low for words inside; the ELBO is told by the axis then
        for bar, text, bottom, end, words in zip(bars, texts, ends, ends[1:], amounts):
            bar.set(y=bottom, height=end - bottom)
            fits = end - bottom > 1.6
            text.set(y=(bottom + end) / 2, text=words if fits else "")
            below += [words.replace("\n", " ")] if not fits and bar is not bars[0] else []
        bars_ax.set(ylim=(floor, top + 0.5))
        bars_ax.set_xlabel("\n".join((*below, " ", " ")[:2]))  # always as many lines: the layout stays
        made = vae_generate(decoder, here[None])[0].reshape(shape)
        image.set_data(np.concatenate([x[n].reshape(shape), np.full((2, shape[1]), 0.5), made]))
        image.set_extent((-0.5, shape[1] - 0.5, 2 * shape[0] + 1.5, -0.5))
        off = " (below the axis)" if F < floor else ""
        return (
            f"{example}, {steps} steps from the {start}: q has mean ({here[0]:.2f}, {here[1]:.2f}) and standard "
            f"deviations ({widths[0]:.2f}, {widths[1]:.2f}). ELBO {F:.2f}{off}, still to gain {best[n] - F:.2f}, "
            f"approximation gap {top - best[n]:.2f}, together log p(x) = {top:.2f} nats."
        )

    return figure_explorer(
        fig,
        update,
        {
            "example": ipywidgets.ToggleButtons(
                options=list(names), description="Digit", style={"button_width": "4em"}
            ),
            "start": ipywidgets.ToggleButtons(options=STARTS, description="Start", style={"button_width": "6em"}),
            "steps": ipywidgets.IntSlider(value=0, min=0, max=STEPS, description="Refinement steps", **WIDE),
        },
    )
