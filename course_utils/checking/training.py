"""What a training does, whatever it reaches: how far its steps go, and which examples they see.

A short training of small networks, of which only the answer's own results are compared with each other.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from course_utils.checking.calling import Outcome
from course_utils.exercises.network_shapes import shapes_of
from course_utils.exercises.stand_ins import Rng

STILL = "nothing moves"
SIZES, FEW, MORE, EXAMPLES = [12, 5, 3], 4, 12, 512
SMALL = 2e-4  # a step of this size at most leads nowhere in some hundred steps


def explained(ask: Callable[..., Outcome], arguments: Callable[..., tuple], seed: int = 0) -> tuple[str, str] | None:
    """(key, sentence) where networks do not move, hardly move, or see the first examples only.

    `arguments(x, sizes, steps, rng)` are those of the answer (`Exercise.noisy`).
    """
    rng = np.random.default_rng(seed)
    x = (rng.random((EXAMPLES, SIZES[0])) < rng.uniform(0.2, 0.8, SIZES[0])).astype(float)
    half = EXAMPLES // 2
    other = x.copy()  # with the same means, which a network's start may depend on
    other[half:] = rng.permuted(x[half:], axis=0)
    few, more, with_others = (
        networks(ask(arguments(data, SIZES, steps, Rng(seed)))) for data, steps in ((x, FEW), (x, MORE), (other, MORE))
    )
    if few is None or more is None or with_others is None:
        return None
    moved = [largest_difference(a, b) / (MORE - FEW) for a, b in zip(few, more)]
    if max(moved) == 0:
        trained = "networks are what they were" if len(moved) == 2 else "encoder is what it was"
        return STILL, (
            f"after {MORE} steps your {trained} after {FEW}. Do you return the weights that went into the "
            "training, and not those that came out of it?"
        )
    if min(moved) == 0:
        still, moving = ("encoder", "decoder") if moved[0] == 0 else ("decoder", "encoder")
        return f"the {still} stands still", (
            f"the {still}'s weights stay as they were drawn, only the {moving} is trained. One loss of both networks, "
            "params = (encoder, decoder), has a gradient for both"
        )
    if max(moved) < SMALL:
        return "small steps", (
            f"a step of your training changes no weight by more than {SMALL}, which leads nowhere in some hundred "
            "steps. `adam` with a step size of a few thousandths goes further"
        )
    if max(map(largest_difference, more, with_others)) < 0.05 * max(moved) * (MORE - FEW):
        return "first rows only", (
            "your training does not change when the rows in the second half of x do: it sees the first rows only. "
            "Every minibatch is drawn from all of x"
        )
    return None


def networks(outcome: Outcome) -> list[list[np.ndarray]] | None:
    """The weights of encoder and decoder, or of an encoder alone; None where there are none."""
    value = [outcome.value] if shapes_of(outcome.value) else outcome.value
    try:
        found: Any = [[np.asarray(a, float) for layer in part for a in layer] for part in value]
    except (TypeError, ValueError):
        return None
    return found if outcome.kind == "value" and len(found) in (1, 2) else None


def largest_difference(a: list[np.ndarray], b: list[np.ndarray]) -> float:
    """How far apart two networks of the same shapes are, in the weight that differs most."""
    return max((float(np.abs(v - w).max()) for v, w in zip(a, b) if v.shape == w.shape), default=0.0)
