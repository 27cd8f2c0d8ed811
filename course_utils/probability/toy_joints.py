"""Small models with one hidden number z and one fixed x: log p(x, z) as a function of z.

Every one has the prior p(z) = N(0, 1) and p(x | z) = N(x; G(z), eta I). Functions of z work entry by entry: any
shape in, the same shape out, nats.

- linear: G(z) = w z + b, three readings; the evidence is known, and the posterior is a Gaussian.
- faint: 800 readings of z itself, so that log p(x, z) is near -2000 and the posterior narrow; known as well.
- dense: 800 readings with little noise that hardly move with z, so that log p(x, z) is near +1300; known as well.
- sharp: one reading of z with hardly any noise, so that log p(x, z) falls by thousands beside its peak; known as well.
- bent: G(z) = (0.4 z, z^2), so that z and -z both explain x, one a little better: two modes.
"""

from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from course_utils.probability.expecting import Array, floats
from course_utils.probability.likelihoods import gaussian_log_prob
from course_utils.probability.marginals import log_marginal_linear


class Observed(NamedTuple):
    """An example x (D,) seen through a linear decoder G(z) = w z + b with noise variance eta."""

    x: np.ndarray
    w: np.ndarray
    b: np.ndarray
    eta: float


LINEAR = Observed(np.array([1.9, -0.4, 0.7]), np.array([1.2, -0.7, 0.4]), np.array([0.3, 0.1, -0.2]), 0.6)
# 800 readings of 0.7, spread as the quantiles of the noise.
QUANTILES = np.array([NormalDist().inv_cdf((i + 0.5) / 800) for i in range(800)])
FAINT = Observed(0.7 + np.sqrt(8) * QUANTILES, np.ones(800), np.zeros(800), 8.0)
DENSE = Observed(0.007 + np.sqrt(0.002) * QUANTILES, np.full(800, 0.01), np.zeros(800), 0.002)
SHARP = Observed(np.ones(1), np.ones(1), np.zeros(1), 1e-4)
BENT_X, BENT_ETA = np.array([0.25, 1.6]), 0.4


def log_prior(z: Array | float) -> Array:
    """log N(z; 0, 1)."""
    return -0.5 * floats(z) ** 2 - 0.5 * np.log(2 * np.pi)


def _linear_log_joint(z: Array | float, model: Observed) -> Array:
    z = np.asarray(floats(z))
    return log_prior(z) + gaussian_log_prob(model.x, z[..., None] * model.w + model.b, model.eta)


def linear_log_joint(z: Array | float) -> Array:
    """log p(x, z) of the linear model."""
    return _linear_log_joint(z, LINEAR)


def faint_log_joint(z: Array | float) -> Array:
    """log p(x, z) of the faint model."""
    return _linear_log_joint(z, FAINT)


def dense_log_joint(z: Array | float) -> Array:
    """log p(x, z) of the dense model."""
    return _linear_log_joint(z, DENSE)


def sharp_log_joint(z: Array | float) -> Array:
    """log p(x, z) of the sharp model."""
    return _linear_log_joint(z, SHARP)


def bent_decoder(z: Array | float) -> Array:
    """G(z) = (0.4 z, z^2). z (...) -> (..., 2)."""
    z = np.asarray(floats(z))
    return np.stack([0.4 * z, z**2], axis=-1)


def bent_log_likelihood(z: Array | float) -> Array:
    """log p(x | z) of the bent model."""
    return gaussian_log_prob(BENT_X, bent_decoder(z), BENT_ETA)


def bent_log_joint(z: Array | float) -> Array:
    """log p(x, z) of the bent model."""
    return log_prior(z) + bent_log_likelihood(z)


def linear_log_evidence(model: Observed = LINEAR) -> float:
    """log p(x) = log N(x; b, w w^T + eta I) of a linear model, in closed form."""
    return log_marginal_linear(model.x[None], model.w[:, None], model.b, model.eta)[0]


def linear_posterior(model: Observed = LINEAR) -> tuple[float, float]:
    """Mean and standard deviation of p(z | x) of a linear model (Bishop 2006, eqs. 2.116 and 2.117)."""
    precision = 1 + model.w @ model.w / model.eta
    return model.w @ (model.x - model.b) / model.eta / precision, precision**-0.5
