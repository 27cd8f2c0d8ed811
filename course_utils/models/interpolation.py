"""Ways between two codes, and the morphs that they give."""

from collections.abc import Callable

import numpy as np

from course_utils.networks.arrays import Array, require_one_shape

Encode = Callable[[Array], tuple[Array, Array]]  # x (N, ...) -> mu, log_sigma (N, K)
Decode = Callable[[Array], Array]  # z (N, K) -> (N, ...)


def slerp(a: Array, b: Array, steps: int) -> Array:
    """Points on the great circle from a to b (K,), evenly spaced in angle -> (steps, K).

    [sin((1 - t) w) a + sin(t w) b] / sin w for t from 0 to 1, where w is the angle between a and b; codes in the same
    direction have no such circle, and get the straight line, which is the formula's limit. (Shoemake 1985.)
    """
    a, b = np.asarray(a, float), np.asarray(b, float)
    require_one_shape(a=a, b=b)
    lengths = np.linalg.norm(a), np.linalg.norm(b)
    if a.ndim != 1 or steps < 2 or 0 in lengths:
        raise ValueError(
            f"two codes (K,) that are not 0 and steps >= 2 are expected, but a has shape {a.shape} and length "
            f"{lengths[0]:.3g}, b has length {lengths[1]:.3g}, and steps = {steps}"
        )
    p, q = a / lengths[0], b / lengths[1]
    w = 2 * np.arctan2(np.linalg.norm(p - q), np.linalg.norm(p + q))  # precise also for small angles
    t = np.linspace(0, 1, steps)[:, None]
    if w < 1e-7:
        return (1 - t) * a + t * b
    if np.pi - w < 1e-7:
        raise ValueError("opposite codes have no one great circle between them")
    return (np.sin((1 - t) * w) * a + np.sin(t * w) * b) / np.sin(w)


def slerp_middles(a: Array, b: Array) -> Array:
    """The middle of the great circle for each row of a and b (N, K) -> (N, K)."""
    return np.stack([slerp(p, q, 3)[1] for p, q in zip(a, b, strict=True)])


def morph(encode: Encode, decode: Decode, a: Array, b: Array, steps: int) -> Array:
    """The examples on the way from a to b, as the decoder makes them from the great circle between the two means.

    a and b are single examples, of one shape -> (steps, ...), what `decode` makes of codes (steps, K).
    """
    mu, _ = encode(np.stack([a, b]))
    return decode(slerp(mu[0], mu[1], steps))
