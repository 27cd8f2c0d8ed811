"""The stack of bits back as a barcode: pop z, push x, push z, read it again, and flip a bit.

Everything runs in the browser (`bits_back_stack.js`), so that the explorable lives on in exported HTML. It carries a
static figure for pages that run no scripts.
"""

import math
from importlib import resources

import numpy as np
import traitlets
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from course_utils.explorables.browser_widget import BrowserWidget
from course_utils.models.coding import ans_pop, push_symbol, quantise
from course_utils.showing import plots

PRECISION = 6
LOAN = 0x9E3779B97F4A7C15  # 64 bits without a pattern
SENT_IN_FIGURE = 3


class BitsBackStack(BrowserWidget):
    """A barcode of the stack, with buttons for the steps of bits back: see `bits_back_stack`."""

    _esm = resources.files("course_utils.explorables").joinpath("bits_back_stack.js").read_text(encoding="utf-8")
    prior = traitlets.List(traitlets.Int()).tag(sync=True)
    likelihood = traitlets.List(traitlets.List(traitlets.Int())).tag(sync=True)
    posterior = traitlets.List(traitlets.List(traitlets.Int())).tag(sync=True)
    precision = traitlets.Int().tag(sync=True)
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    loan = traitlets.Unicode().tag(sync=True)  # whole numbers of any size go as text
    value = traitlets.Unicode().tag(sync=True)
    sent = traitlets.Unicode().tag(sync=True)
    scale = 2.0

    def steps(self, x: int, state: int) -> list[tuple[str, int]]:
        """What is done to send symbol x, and the state after it: (text, state) for each of the three steps."""
        z, popped = ans_pop(state, self.posterior[x], self.precision)
        pushed = push_symbol(popped, x, self.likelihood[z], self.precision)
        name = self.names[x]
        return [
            (f"pop z = {z} with q(z|{name})", popped),
            (f"push {name} with p({name}|z)", pushed),
            (f"push z = {z} with p(z)", push_symbol(pushed, z, self.prior, self.precision)),
        ]

    @property
    def alt(self) -> str:
        """The text of the static figure."""
        return (
            f"{self.description} Here: barcodes of the stack while {', '.join(self.names[:SENT_IN_FIGURE])} are sent."
        )

    def picture(self) -> Figure:
        """A figure of the stack, step by step, while the first symbols are sent."""
        rows, state = [("the loan", int(self.loan))], int(self.loan)
        for x in range(min(SENT_IN_FIGURE, len(self.names))):
            rows += self.steps(x, state)
            state = rows[-1][1]
        longest = max(state.bit_length() for _, state in rows)
        fig, ax = plots.figure(9, 0.32 * len(rows) + 0.8)
        for row, (_, state) in enumerate(rows):
            bits = np.array([[int(bit) for bit in f"{state:b}"]])
            ax.imshow(1 - bits, cmap="gray", vmin=-0.15, vmax=1.15, extent=(0, bits.size, row + 0.38, row - 0.38))
        ax.set(xlim=(0, longest + 4), ylim=(len(rows) - 0.4, -0.6), aspect="auto", xlabel="bits of the state")
        ax.set_yticks(range(len(rows)), [f"{text}: {math.log2(state):.1f} bits" for text, state in rows])
        ax.grid(False)
        ax.set_title("The stack, from its bottom (left) to its top (right); black is 1")
        return fig


def bits_back_stack(
    prior: ArrayLike, likelihood: ArrayLike, posterior: ArrayLike, names: str = "ABCD"
) -> BitsBackStack:
    """A stack to send symbols on by bits back, step by step, to read from again, and to damage.

    Probabilities: prior (Z,), likelihood (Z, X), posterior (X, Z), each row adding up to 1; `names` has a letter for
    each of the X symbols. `stack.sent` is what has been sent, `stack.value` the state, a whole number, as text.
    """
    p_z, p_x_z, q_z_x = (np.asarray(p, float) for p in (prior, likelihood, posterior))
    Z, X = p_z.shape[0], len(names)
    if p_z.shape != (Z,) or p_x_z.shape != (Z, X) or q_z_x.shape != (X, Z):
        raise ValueError(
            f"expected prior (Z,), likelihood (Z, {X}) and posterior ({X}, Z), but they are {p_z.shape}, {p_x_z.shape} "
            f"and {q_z_x.shape}"
        )
    return BitsBackStack(
        prior=quantise(p_z, PRECISION),
        likelihood=[quantise(row, PRECISION) for row in p_x_z],
        posterior=[quantise(row, PRECISION) for row in q_z_x],
        precision=PRECISION,
        names=list(names),
        loan=str(LOAN),
        value=str(LOAN),
        sent="",
        description=(
            f"The stack of bits back as a barcode. Buttons send one of the symbols {', '.join(names)} in three steps, "
            "and read one again; a click on a bit flips it."
        ),
    )
