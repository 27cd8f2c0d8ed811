"""Networks that an answer returns, looked at before they are run."""

from typing import Any

import numpy as np


def shapes_of(network: Any) -> list[tuple[int, ...]] | None:
    """[(in, out), ...] of a list of (W, b); None for anything else."""
    try:
        shapes = [(*np.shape(W), *np.shape(b)) for W, b in network]
    except (TypeError, ValueError):
        return None
    return [s[:2] for s in shapes] if shapes and all(len(s) == 3 for s in shapes) else None
