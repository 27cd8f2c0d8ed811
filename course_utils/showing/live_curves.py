"""Curves that are drawn while a training runs, in the output of the cell that trains.

One picture is replaced in place: no widget is needed, and the last picture stays in the notebook when it is saved.
"""

import time
from collections.abc import Callable, Sequence

import numpy as np
from IPython import get_ipython
from IPython.display import display
from matplotlib.figure import Figure

from course_utils.models.vae import elbo_terms
from course_utils.showing import plots
from course_utils.showing.drawings import DATA, DISTRIBUTION, LOSS

ALT = (
    "Two panels over the training steps, on examples held out from training: "
    "the reconstruction term above the ELBO, with the KL term between them, and the KL term alone."
)
Row = tuple[int, float, float]  # (step, reconstruction, KL)
EARLY = {factor * 2**i for factor in (1, 3) for i in range(12)}  # 1, 2, 3, 4, 6, 8, 12, ...: most happens at the start
SHARE = 30  # drawing takes at most about one part in SHARE of the time


def draw_elbo(history: Sequence[Row], steps: int) -> Figure:
    """A figure of the rows (step, reconstruction, KL) of `history`: the terms, and their difference, the ELBO. Without
    rows, the axes."""
    t, reconstruction, kl = map(list, zip(*history)) if history else ([], [], [])
    elbo = [r - k for r, k in zip(reconstruction, kl)]
    fig, (both, alone) = plots.figure(9.4, 3.1, columns=2, width_ratios=[1.7, 1], sharex=True)
    both.fill_between(t, elbo, reconstruction, color=DISTRIBUTION, alpha=0.25, label="KL between them")
    both.plot(t, reconstruction, color=DATA, label="reconstruction")
    both.plot(t, elbo, color=LOSS, label="ELBO")
    both.set(xscale="log", xlim=(1, max(steps, 2)), xlabel="step (logarithmic)", ylabel="nats per example")
    both.xaxis.set_major_formatter("{x:g}")
    if history:
        both.set_title(f"Step {t[-1]}: {reconstruction[-1]:.1f} - {kl[-1]:.1f} = {elbo[-1]:.1f}".replace("-", "−"))
    both.legend(loc="lower right")
    alone.plot(t, kl, color=DISTRIBUTION)
    alone.set(xlabel="step (logarithmic)", ylabel="KL (nats)", ylim=(0, None), title="KL")
    return fig


def live_elbo(
    history: list[Row], x: np.ndarray, eps: np.ndarray, steps: int, every: int = 50
) -> Callable[[int, tuple, float], None]:
    """A callback for `vae_train` that evaluates both terms of the ELBO on held-out x, and draws their curves meanwhile.

    After steps 1, 2, 3, 4, 6, 8, 12, ... at first, then every `every` steps, and after the last, the mean terms over
    x (N, D) with the fixed noise eps (N, K) or (S, N, K) are appended to the list `history` as (step, reconstruction,
    KL). When the training is interrupted, `history` and the picture stay as they are.
    """

    def picture():
        fig = draw_elbo(history, steps)
        html = plots.image_tag(plots.png(fig), ALT, fig.get_figwidth() * plots.CSS_DPI)
        return {"text/html": html, "text/plain": ALT}

    waiting_until = 0.0
    handle = _show(picture())  # before the training's progress bar, which something shown later would tear in two

    def draw():
        nonlocal waiting_until
        start = time.monotonic()
        handle.update(picture(), raw=True)
        waiting_until = time.monotonic() + SHARE * (time.monotonic() - start)

    def callback(t, params, loss):
        if t % every and t != steps and not (t < every and t in EARLY):
            return
        reconstruction, kl = elbo_terms(*params, x, eps)
        history.append((t, float(reconstruction.mean()), float(kl.mean())))
        if handle and (t == steps or time.monotonic() >= waiting_until):
            draw()

    return callback


def _show(picture):
    """Displays the picture and returns what can replace it; outside of a notebook nothing is shown."""
    return display(picture, raw=True, display_id=True) if get_ipython() else None
