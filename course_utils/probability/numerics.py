"""Sums of exponentials that neither overflow nor underflow."""

from typing import Any

import autograd.numpy as np

from course_utils.probability.expecting import Array, floats


def log_mean_exp(a: Array) -> float:
    """The logarithm of the mean of exp(a) over all entries of `a`, as a scalar.

    log (1/n) sum_i exp(a_i) = m + log (1/n) sum_i exp(a_i - m) with m = max_i a_i, so that the largest term is
    exp(0): nothing overflows, and the sum is never 0. In nats where `a` is. Any shape, at least one entry. An entry of
    -inf counts exp(-inf) = 0: where all are -inf, so is the result.
    """
    a = floats(a)
    if not np.size(a):
        raise ValueError(f"at least one entry is expected, but an array of shape {np.shape(a)} came")
    m = np.max(a)
    if not np.isfinite(m):  # a - m would be inf - inf, which is nan
        return m
    return m + np.log(np.mean(np.exp(a - m)))


def quiet_log(p: Array | float) -> Array:
    """log p for p >= 0, with log 0 = -inf and no warning."""
    with np.errstate(divide="ignore"):
        return np.log(floats(p))


def bound_terms(q: Array, log_p: Array) -> Array:
    """q (log p - log q) entry by entry, with 0 log 0 = 0: where q is 0 it is 0, also for a log p of -inf."""
    q, log_p = floats(q), floats(log_p)
    log_p = np.where((q == 0) & (log_p == -np.inf), 0.0, log_p)  # a nan stays to be seen
    return q * log_p - q * np.log(np.where(q == 0, 1.0, q))


def log_sum_exp(a: Array, axis: int | None = None) -> Any:
    """log sum_i exp(a_i) over the given axis, or over all entries, with the largest taken out as in `log_mean_exp`."""
    a = floats(a)
    m = np.max(a, axis=axis, keepdims=True)
    m = np.where(np.isfinite(m), m, 0.0)  # a - m would be inf - inf, which is nan
    return np.squeeze(m + quiet_log(np.sum(np.exp(a - m), axis=axis, keepdims=True)), axis=axis)
