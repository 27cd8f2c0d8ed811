"""Small encoders and decoders with a name, to try functions with that take any: for pairs (N, 2) and grids (N, 2, 3).

Nothing is learned here. The widths are not small, so that a code that was drawn differs from the mean.
"""

import numpy as np

from course_utils.networks.arrays import Array

TURN = np.array([[0.8, -0.5, 0.3], [0.4, 0.9, -0.7]])


def encode_pairs(x: Array) -> tuple[Array, Array]:
    """x (N, 2) -> mu, log_sigma (N, 3)."""
    x = _checked(x, (2,))
    return x @ TURN + 0.3 * np.sin(x @ TURN) + 0.4, np.tanh(x @ TURN) - 0.5


def decode_pairs(z: Array) -> Array:
    """z (N, 3) -> (N, 2)."""
    z = _checked(z, (3,))
    return np.tanh(z @ TURN.T) + 0.2 * z[:, :2] ** 2


def encode_grids(x: Array) -> tuple[Array, Array]:
    """x (N, 2, 3) -> mu, log_sigma (N, 2): sums over all, bent weighted sums of the first row."""
    x = _checked(x, (2, 3))
    weighted = x[:, 0] @ np.array([1.0, -1.0, 2.0])
    mu = np.stack([x.sum(axis=(1, 2)) + 0.5, weighted + 0.3 * np.sin(weighted)], axis=1)
    return mu, 0.3 * mu - 0.4


def decode_grids(z: Array) -> Array:
    """z (N, 2) -> (N, 2, 3)."""
    z = _checked(z, (2,))
    return np.sin(z)[:, :, None] * np.array([1.0, 2.0, -0.5]) + z.sum(axis=1)[:, None, None]


def _checked(a, shape):
    a = np.asarray(a, float)
    if a.shape[1:] != shape:
        raise ValueError(f"expected (N, {', '.join(map(str, shape))}), one row for each example, got shape {a.shape}")
    return a
