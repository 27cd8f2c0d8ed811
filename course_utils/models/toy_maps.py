"""Small functions with a name, (N, D) -> (N, D) for any D: what couplings and samplers are tried with.

Their coefficients are fixed, and differ for every pair of dimensions.
"""

import numpy as np

from course_utils.networks.arrays import Array


def _matrix(D: int, phase: float) -> Array:
    """Fixed coefficients (D, D), about as large as standard normal ones."""
    i, j = np.indices((D, D))
    return 1.4 * np.sin(1.7 * i + 2.3 * j + i * j + phase)


def wavy_scale(h: Array) -> Array:
    """Between -0.9 and 0.9, and 0 nowhere in particular: s of a coupling."""
    h = np.asarray(h)
    return 0.9 * np.sin(h @ _matrix(h.shape[1], 0.4) + 0.7)


def wavy_shift(h: Array) -> Array:
    """Between -1 and 2: t of a coupling."""
    h = np.asarray(h)
    return 0.5 + 1.5 * np.cos(h @ _matrix(h.shape[1], 1.9))


def causal_logits(x: Array) -> Array:
    """Logits whose column d depends on x[:, :d] alone, with some in both directions."""
    x = np.asarray(x)
    return 0.3 + 1.6 * (2 * x - 1) @ np.triu(_matrix(x.shape[1], 0.9), 1)


def sure_logits(x: Array) -> Array:
    """`causal_logits` times 1000: exp overflows, and every pixel is certain once those before it are known."""
    return 1000 * causal_logits(x)
