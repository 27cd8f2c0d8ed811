"""Hamiltonian Monte Carlo: draws from a density that is known up to a factor, for small problems.

Slow beside a fitted q, and free of a family: what it draws is the posterior itself, in the end. (Duane et al. 1987;
Neal 2011, "MCMC using Hamiltonian dynamics".)
"""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from course_utils.networks.arrays import Array

TARGET, FASTER, SLOWER = 0.8, 1.02, 0.93  # in the warm-up the step size follows the acceptance that is aimed at


def hmc_sample(
    value_and_grad: Callable[[Array], tuple[float, Array]],
    start: Array,
    draws: int,
    warm_up: int,
    leaps: int,
    rng: Generator,
    step_size: float = 0.1,
) -> tuple[Array, float]:
    """(samples (draws, *start.shape), share accepted) of the density whose log has this value and gradient.

    Each proposal follows a random momentum p ~ N(0, I) for `leaps` leapfrog steps and is accepted with probability
    min(1, exp(H(start) - H(end))), where H = |p|^2 / 2 - log density. In the warm-up, which is thrown away, the step
    size is adapted; afterwards it varies by a fifth about what was found, as some lengths go in circles.
    """
    if draws < 1 or warm_up < 0 or leaps < 1 or step_size <= 0:
        raise ValueError(
            "draws and leaps of at least 1, a warm_up of at least 0 and a positive step_size are expected, but "
            f"{draws}, {leaps}, {warm_up} and {step_size} came"
        )
    at = np.array(start, float)
    value, slope = value_and_grad(at)
    if not np.isfinite(value):
        raise ValueError(f"the log density is {value} at the start")
    samples, accepted = [], 0
    for i in range(warm_up + draws):
        step, momentum = step_size * rng.uniform(0.8, 1.2), rng.standard_normal(at.shape)
        there, there_value, there_slope, p = at, value, slope, momentum
        for _ in range(leaps):
            p = p + 0.5 * step * there_slope
            there = there + step * p
            there_value, there_slope = value_and_grad(there)
            p = p + 0.5 * step * there_slope
        gain = there_value - value + 0.5 * float(np.sum(momentum**2) - np.sum(p**2))
        chance = float(np.exp(min(0.0, gain))) if np.isfinite(gain) else 0.0
        if rng.random() < chance:
            at, value, slope = there, there_value, there_slope
            accepted += i >= warm_up
        if i < warm_up:
            step_size *= FASTER if chance > TARGET else SLOWER
        else:
            samples.append(at)
    return np.array(samples), accepted / draws
