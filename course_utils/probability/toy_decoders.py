"""Small decoders with a name: functions from z (..., K) to x (..., D), for whatever leading shape z has.

Straight ones, for which integrals over z have a closed form, and bent ones, for which they have not.
"""

import numpy as np

from course_utils.probability.expecting import Array, floats


def _codes(z: Array, K: int) -> Array:
    """The codes z (..., K) in floating point, or a ValueError where their last axis has another length."""
    z = floats(z)
    if np.shape(z)[-1:] != (K,):
        raise ValueError(f"expected codes z (..., {K}), but z {np.shape(z)} came")
    return z


def arc(z: Array, bend: float = 1.0) -> Array:
    """An arc of curvature `bend` >= 0, drawn at unit speed, K = 1 -> D = 2; bend = 0 is a straight line.

    x_1 = sin(bend z) / bend, x_2 = (cos(bend z) - exp(-bend^2 / 2)) / bend: z is the length along the arc, and the
    constant puts the mean of x under z ~ N(0, 1) at the origin, whatever the bend.
    """
    z = _codes(z, 1)[..., 0]
    if bend == 0:
        return np.stack([z, np.zeros_like(z)], axis=-1)
    return np.stack([np.sin(bend * z), np.cos(bend * z) - np.exp(-(bend**2) / 2)], axis=-1) / bend


def half_moon(z: Array) -> Array:
    """An arc that is bent to about half a circle where the prior has most of its mass; K = 1 -> D = 2."""
    return 1.5 * arc(z, bend=1.2)


def spiral(z: Array) -> Array:
    """A logarithmic spiral, exp(0.3 z) (cos 2z, sin 2z); K = 1 -> D = 2."""
    z = _codes(z, 1)
    return np.exp(0.3 * z) * np.concatenate([np.cos(2 * z), np.sin(2 * z)], axis=-1)


def helix(z: Array) -> Array:
    """A screw, (cos 2z, sin 2z, z / 2); K = 1 -> D = 3."""
    z = _codes(z, 1)
    return np.concatenate([np.cos(2 * z), np.sin(2 * z), z / 2], axis=-1)


def line(z: Array) -> Array:
    """A straight line, z W^T + b; K = 1 -> D = 3."""
    return _codes(z, 1) @ np.array([[1.2, -0.5, 0.8]]) + np.array([0.3, 0.9, -0.4])


def plane(z: Array) -> Array:
    """A tilted plane, z W^T + b; K = 2 -> D = 3."""
    return _codes(z, 2) @ np.array([[0.9, -0.4, 0.5], [0.3, 0.8, -0.6]]) + np.array([-0.5, 0.2, 0.7])


def bowl(z: Array) -> Array:
    """A bent plane, (z_1, 0.8 z_2, 0.4 (z_1^2 + z_1 z_2)); K = 2 -> D = 3."""
    z = _codes(z, 2)
    z_1, z_2 = z[..., 0], z[..., 1]
    return np.stack([z_1, 0.8 * z_2, 0.4 * (z_1**2 + z_1 * z_2)], axis=-1)


def waves(z: Array) -> Array:
    """A curved surface in many dimensions, x_d = sum_k sin(f_kd z_k + k); any K -> D = 400.

    k counts from 0, and f_kd goes from 0.3 to 1.1 + 0.3 k in even steps.
    """
    z = floats(z)
    k = np.arange(z.shape[-1])
    frequencies = np.linspace(0.3, 1.1 + 0.3 * k, 400, axis=-1)  # (K, 400)
    return np.sum(np.sin(z[..., None] * frequencies + k[:, None]), axis=-2)
