"""Eight Gaussians on a ring, a density on the plane with eight equal modes: a test for models that may drop some."""

import numpy as np

from course_utils.probability.expecting import Array, floats
from course_utils.probability.numerics import log_sum_exp

MODES, RADIUS, SIGMA = 8, 2.0, 0.2
ANGLES = 2 * np.pi * np.arange(MODES) / MODES
CENTRES = RADIUS * np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)  # (8, 2)


def ring_log_prob(x: Array) -> Array:
    """log p(x) of points x (N, 2), p = (1/8) sum_m N(x; centre_m, 0.2^2 I), centres at radius 2 -> (N,), in nats."""
    x = floats(x)
    if np.ndim(x) != 2 or np.shape(x)[1] != 2:
        raise ValueError(f"points x (N, 2) are expected, but x {np.shape(x)} came")
    squared = np.sum((x[:, None] - CENTRES) ** 2, axis=-1)  # (N, 8)
    return log_sum_exp(-squared / (2 * SIGMA**2), axis=1) - np.log(MODES * 2 * np.pi * SIGMA**2)


def ring_sample(N: int, rng: np.random.Generator) -> Array:
    """N independent draws (N, 2)."""
    return CENTRES[rng.integers(0, MODES, N)] + SIGMA * rng.standard_normal((N, 2))


def ring_shares(x: Array) -> Array:
    """The share of the points x (N, 2) that lie within 3 standard deviations of each centre -> (8,)."""
    x = floats(x)
    if np.ndim(x) != 2 or np.shape(x)[1] != 2:
        raise ValueError(f"points x (N, 2) are expected, but x {np.shape(x)} came")
    if np.isnan(x).any():
        raise ValueError("points x should be numbers, but nan came, which lies nowhere")
    return np.mean(np.linalg.norm(x[:, None] - CENTRES, axis=-1) <= 3 * SIGMA, axis=0)


def ring_entropy() -> float:
    """-int p log p, in nats, by the trapezoid rule on a square that holds all but 1e-30 of the mass.

    Without overlap it would be log 8 + log(2 pi e sigma^2), 1.698; neighbours are 7.7 sigma apart.
    """
    side = np.linspace(-4.4, 4.4, 881)
    log_p = ring_log_prob(np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2))
    return float(-np.sum(np.exp(log_p) * log_p) * (side[1] - side[0]) ** 2)
