"""Integrals over a one-dimensional z by the trapezoid rule: evidence, posterior, ELBO and its gap.

A grid (G,) ascends and may be unevenly spaced; it must cover the mass. A `log_joint` is a function of z alone,
log p(x, z) for one fixed x, entry by entry. A density q is its values (G,) on the grid. All in nats.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from course_utils.probability.expecting import Array, ascending, floats, not_negative, positive, same_last_axis, shapes
from course_utils.probability.numerics import bound_terms, log_sum_exp

LogJoint = Callable[[Array], Array]  # z -> log p(x, z), entry by entry


def trapezoid_weights(grid: Array) -> Array:
    """Weights (G,) with sum_g weights_g f(z_g) = the trapezoid rule: half of both neighbouring steps.

    A ValueError where the grid does not ascend or has fewer than two points, here and wherever a grid is taken.
    """
    grid = floats(grid)
    ascending(grid)
    half_steps = np.diff(grid) / 2
    return np.append(half_steps, 0) + np.append(0, half_steps)


def integrate(values: Array, grid: Array) -> Any:
    """The integral of values (..., G) over the grid by the trapezoid rule -> (...)."""
    values, grid = floats(values), floats(grid)
    same_last_axis(values=values, grid=grid)
    return values @ trapezoid_weights(grid)


def gaussian_on_grid(grid: Array, mu: float, sigma: float) -> Array:
    """The density N(z; mu, sigma^2) at the points of the grid (G,)."""
    mu, sigma = floats(mu), floats(sigma)
    positive(sigma=sigma)
    return np.exp(-0.5 * ((floats(grid) - mu) / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))


def log_evidence_on_grid(log_joint: LogJoint, grid: Array) -> float:
    """log p(x) = log of the integral of p(x, z) over z, a scalar; stable where that underflows."""
    return log_sum_exp(log_joint(floats(grid)) + np.log(trapezoid_weights(grid)))


def posterior_on_grid(log_joint: LogJoint, grid: Array) -> Array:
    """The posterior density p(z | x) = p(x, z) / p(x) on the grid (G,); its trapezoid integral is 1."""
    return np.exp(floats(log_joint(floats(grid))) - log_evidence_on_grid(log_joint, grid))


def _density_and_grid(q: Array, grid: Array) -> tuple[Array, Array]:
    q, grid = floats(q), floats(grid)
    shapes(q=(q, "G"), grid=(grid, "G"))
    not_negative(q=q)
    return q, grid


def elbo_on_grid(log_joint: LogJoint, q: Array, grid: Array) -> float:
    """The lower bound F(q) = integral of q(z) (log p(x, z) - log q(z)), a scalar.

    q (G,), integral 1. Where q is 0 nothing counts, not even a log p(x, z) of -inf (0 log 0 = 0); where q is not 0 and
    log p(x, z) is -inf, F is -inf.
    """
    q, grid = _density_and_grid(q, grid)
    return integrate(bound_terms(q, log_joint(grid)), grid)


def gap_on_grid(log_joint: LogJoint, q: Array, grid: Array) -> float:
    """KL(q || p(z | x)) = integral of q(z) (log q(z) - log p(z | x)), a scalar.

    q (G,), integral 1. Equals log p(x) - F(q). Where q is 0 nothing counts (0 log 0 = 0); where p(z | x) is 0 and q is
    not, the divergence is infinite. log p(z | x) is never the log of a density that may have underflowed to 0.
    """
    q, grid = _density_and_grid(q, grid)
    log_posterior = log_joint(grid) - log_evidence_on_grid(log_joint, grid)
    return -integrate(bound_terms(q, log_posterior), grid)
