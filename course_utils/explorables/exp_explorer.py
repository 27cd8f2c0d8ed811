"""Notebook 00's explorable: where exp leaves the range of floating-point numbers."""

import ipywidgets
import numpy as np

from course_utils.probability.numerics import log_mean_exp
from course_utils.showing import plots
from course_utils.showing.widgets import WIDE, Explorable, figure_explorer

SPREAD = np.array([-30.0, -12, -5, 0, 8])  # five entries around the shift


def exp_explorer() -> Explorable:
    """Return a slider that shifts five entries a_i: their exponentials, and log-mean-exp as it stands and shifted.

    exp(a) of a 64-bit number overflows above a = 709.8 and is 0 below -745.1; of a 32-bit number, 88.7 and -103.97.
    """
    fig, (left, right) = plots.figure(9, 3.1, columns=2, width_ratios=[1, 1.2])
    (entries,) = left.plot(range(1, 6), SPREAD, "o", color=plots.PALETTE[0], markersize=7, zorder=3)
    limits = [left.axhline(0, color=plots.PALETTE[2], linestyle="--") for _ in range(2)]
    left.set(
        xlabel="i", ylabel="$a_i$, the exponent of $e^{a_i}$", ylim=(-900, 900), title="Entries, and the range of exp"
    )
    left.set(xlim=(0.5, 5.5), xticks=range(1, 6))
    shifts = np.linspace(-850, 850, 341)
    right.plot(
        shifts,
        [log_mean_exp(SPREAD + c) for c in shifts],
        label="largest entry taken out first",
        color=plots.PALETTE[0],
    )
    (naive,) = right.plot([], [], label="the formula as it stands", color=plots.PALETTE[1], linewidth=4, zorder=1)
    (point,) = right.plot([], [], "o", color=plots.PALETTE[0], markersize=8)
    right.set(
        xlabel="shift c of all entries", ylabel="log-mean-exp", title="The result", xlim=(-870, 870), ylim=(-900, 900)
    )
    right.legend(loc="upper left", fontsize=9)

    def update(shift, precision):
        kind = {"64 bits": np.float64, "32 bits": np.float32}[precision]
        with np.errstate(all="ignore"):
            values = np.array([np.log(np.mean(np.exp((SPREAD + c).astype(kind)), dtype=kind)) for c in shifts])
            here = np.log(np.mean(np.exp((SPREAD + shift).astype(kind)), dtype=kind))
        naive.set_data(shifts, np.where(np.isfinite(values), values, np.nan))
        point.set_data([shift], [log_mean_exp(SPREAD + shift)])
        entries.set_ydata(SPREAD + shift)
        least = np.log(np.nextafter(kind(0), kind(1), dtype=kind), dtype=np.float64)  # of the numbers above 0
        smallest = least - np.log(2)  # half of it rounds to 0
        for line, limit in zip(limits, (np.log(np.finfo(kind).max, dtype=np.float64), smallest)):
            line.set_ydata([limit, limit])
        return (
            f"Five entries around {shift:g}, in {precision}. "
            f"Log-mean-exp is {log_mean_exp(SPREAD + shift):.1f}; the formula as it stands gives {here:.1f}."
        )

    return figure_explorer(
        fig,
        update,
        {
            "shift": ipywidgets.FloatSlider(value=0, min=-850, max=850, step=10, description="Shift c", **WIDE),
            "precision": ipywidgets.ToggleButtons(options=["64 bits", "32 bits"]),
        },
    )
