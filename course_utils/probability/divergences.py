"""The Kullback-Leibler divergence of distributions without a formula: categorical ones, and densities on a grid."""

import numpy as np

from course_utils.probability.expecting import Array, ascending, probabilities, same_last_axis, shapes
from course_utils.probability.numerics import quiet_log


def kl_categorical(q: Array, p: Array) -> float:
    """KL(q || p) = sum_c q_c log(q_c / p_c) in nats, of probabilities q (C,) and p (C,); a scalar.

    Classes with q_c = 0 count nothing (0 log 0 = 0); where p_c = 0 < q_c the divergence is infinite.
    (Kullback and Leibler 1951.)
    """
    q, p = np.asarray(q, float), np.asarray(p, float)
    shapes(q=(q, "C"), p=(p, "C"))
    probabilities(q=q, p=p)
    possible = q > 0
    return np.sum(q[possible] * (np.log(q[possible]) - quiet_log(p[possible])))


def kl_on_grid(log_q: Array, log_p: Array, grid: Array) -> Array:
    """KL(q || p) = int q(z) (log q(z) - log p(z)) dz by the trapezoid rule, in nats.

    log_q and log_p (..., G), broadcast against each other, are log densities on grid (G,) -> (...). The grid must hold
    the mass of q. Logarithms keep the result finite where p itself would underflow to 0; a log density of -inf means 0.
    Where q is 0, or so small that exp(log q) is, nothing counts (0 log 0 = 0); where p is 0 and q is not, the
    divergence is infinite.
    """
    log_q, log_p, grid = (np.asarray(values, float) for values in (log_q, log_p, grid))
    ascending(grid)
    same_last_axis(log_q=log_q, log_p=log_p, grid=grid)
    log_q, log_p = np.broadcast_arrays(log_q, log_p)
    q = np.exp(log_q)
    with np.errstate(invalid="ignore"):  # -inf + inf where both are 0, and 0 * inf where q is
        integrand = np.where((q == 0) & ~np.isnan(log_p), 0.0, q * (log_q - log_p))
    return np.trapezoid(integrand, grid, axis=-1)
