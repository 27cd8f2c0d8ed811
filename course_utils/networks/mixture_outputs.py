"""Outputs of a network as mixtures of Gaussians: for each of D real numbers a density of its own, which may have
several bumps (Bishop 1994, "Mixture density networks"; Uria, Murray and Larochelle 2013, "RNADE", one number after
another).

The outputs (N, 3 M D) are, in this order, M logits of weights, M means and M logarithms of standard deviations, each of
them for D numbers: as (N, 3, M, D).
"""

import numpy as np
from autograd.extend import defvjp, primitive
from autograd.tracer import getval, isbox

from course_utils.networks.arrays import Array

LOG_ROOT_TAU = float(0.5 * np.log(2 * np.pi))


def split_mixture(out: Array, D: int) -> tuple[Array, Array, Array]:
    """(logits, mu, log_sigma), each (N, M, D), views of the outputs (N, 3 M D)."""
    if np.ndim(out) != 2 or np.shape(out)[1] % (3 * D):
        raise ValueError(f"outputs (N, 3 M D) with D = {D} are expected, but they have shape {np.shape(out)}")
    parts = out.reshape(len(out), 3, -1, D)
    return parts[:, 0], parts[:, 1], parts[:, 2]


def log_sum_and_weights(a: Array) -> tuple[Array, Array]:
    """(log sum exp over axis 1, softmax over axis 1), without overflow: a (N, M, ...), which it overwrites with the
    second -> (N, ...), (N, M, ...). `mixture_density` has it for (N, M)."""
    top = a.max(axis=1, keepdims=True)
    a -= top
    np.exp(a, out=a)
    total = a.sum(axis=1, keepdims=True)
    a /= total
    return (top + np.log(total))[:, 0], a


def _parts(out, x):
    """Log density (N, D); responsibilities and weights (N, M, D); standardised distance and 1 / sigma (N, M, D)."""
    logits, mu, log_sigma = split_mixture(out, x.shape[-1])
    inverse = np.exp(-log_sigma)
    u = x[:, None] - mu
    u *= inverse
    joint = u * u
    joint *= -0.5
    joint += logits
    joint -= log_sigma
    log_joint, responsibilities = log_sum_and_weights(joint)
    log_total, weights = log_sum_and_weights(logits.copy())
    return log_joint - log_total - LOG_ROOT_TAU, responsibilities, weights, u, inverse


def mixture_log_densities(out: Array, x: Array) -> Array:
    """log sum_m w_m N(x_d; mu_m, sigma_m^2), number by number: out (N, 3 M D), x (N, D) -> (N, D), in nats."""
    return _parts(out, x)[0]


def mixture_nll(out: Array, x: Array) -> Array:
    """Minus the log density of x, summed over its D numbers: out (N, 3 M D), x (N, D), not differentiated -> (N,)."""
    if not isbox(out):
        return -np.sum(_parts(out, x)[0], axis=1)
    return _known(out, *_nll_and_gradient(getval(out), x))


@primitive
def _known(out: Array, value: Array, gradient: Array, /) -> Array:
    """A node of autograd's tape whose value (N,) and gradient (N, ...) are known: spares half of the exponentials."""
    return value


defvjp(
    _known,
    lambda ans, out, value, gradient: lambda g: g.astype(out.dtype, copy=False)[:, None] * gradient,
    argnums=[0],
)


def _nll_and_gradient(out, x):
    """With responsibilities r, weights w and u = (x - mu) / sigma: logits_bar = w - r, mu_bar = -r u / sigma,
    log_sigma_bar = r (1 - u^2). (N,), (N, 3 M D)."""
    log_p, r, w, u, inverse = _parts(out, x)
    bar = np.empty((len(x), 3, *r.shape[1:]), out.dtype)
    np.subtract(w, r, out=bar[:, 0])
    np.multiply(r, u, out=bar[:, 1])
    np.multiply(bar[:, 1], u, out=bar[:, 2])
    np.subtract(r, bar[:, 2], out=bar[:, 2])
    bar[:, 1] *= inverse
    np.negative(bar[:, 1], out=bar[:, 1])
    return -np.sum(log_p, axis=1), bar.reshape(out.shape)


def mixture_sample(out: Array, u: Array, eps: Array) -> Array:
    """A draw from each mixture: out (N, 3 M D), uniform u (N, D), which choose the components, normal eps (N, D)."""
    logits, mu, log_sigma = split_mixture(out, u.shape[-1])
    running = np.cumsum(log_sum_and_weights(np.array(logits, float))[1], axis=1)  # ends at 1, up to rounding
    chosen = np.minimum(np.sum(u[:, None] >= running, axis=1), logits.shape[1] - 1)[:, None]  # (N, 1, D)
    mean, log_width = (np.take_along_axis(part, chosen, axis=1)[:, 0] for part in (mu, log_sigma))
    return mean + np.exp(log_width) * eps
