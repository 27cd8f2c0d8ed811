"""Mixtures of Gaussians in the plane whose parameters are a network's outputs: sketch-rnn's next pen movement.

params (N, 6M) are M logits, then M each of mu_x, mu_y, log_sigma_x, log_sigma_y, and of a number whose tanh is the
correlation. (`mixture_outputs` has the mixtures of single numbers, without correlation.)
"""

import autograd.numpy as anp
import numpy as np
from autograd.extend import defvjp, primitive
from numpy.random import Generator

from course_utils.networks.arrays import Array
from course_utils.networks.mixture_outputs import log_sum_and_weights

LOG_2PI = float(np.log(2 * np.pi))


def mixture_parts(params: Array) -> tuple[Array, ...]:
    """(logits, mu_x, mu_y, log_sigma_x, log_sigma_y, correlation before its tanh), each (N, M), of params (N, 6M)."""
    shape = np.shape(params)
    if len(shape) != 2 or not shape[1] or shape[1] % 6:
        raise ValueError(f"params should be (N, 6M), six numbers for each component, but the shape is {shape}")
    M = shape[1] // 6
    return tuple(params[:, i * M : (i + 1) * M] for i in range(6))


def log_sum_exp(a: Array) -> Array:
    """log sum exp over the last axis, (N, M) -> (N,), without overflow."""
    top = anp.max(a, axis=-1, keepdims=True)
    return top[..., 0] + anp.log(anp.sum(anp.exp(a - top), axis=-1))


def component_log_probs(params: Array, dx: Array, dy: Array) -> Array:
    """log pi_m + log N((dx, dy); component m), in nats, (N, M).

    log N = -log(2 pi sigma_x sigma_y sqrt(1 - rho^2)) - (a^2 + b^2 - 2 rho a b) / (2 (1 - rho^2)) with
    a = (dx - mu_x) / sigma_x, b = (dy - mu_y) / sigma_y; log(1 - tanh^2 k) = -2 log cosh k stays finite for large k.
    """
    logits, mu_x, mu_y, s_x, s_y, k = mixture_parts(params)
    if not np.shape(dx) == np.shape(dy) == np.shape(params)[:1]:
        raise ValueError(f"dx and dy should be ({len(params)},), but they have {np.shape(dx)} and {np.shape(dy)}")
    a, b = (dx[:, None] - mu_x) * anp.exp(-s_x), (dy[:, None] - mu_y) * anp.exp(-s_y)
    log_cosh = anp.logaddexp(k, -k) - float(np.log(2))
    # (a^2 + b^2 - 2 rho a b) / (1 - rho^2) = (a - rho b)^2 cosh^2 k + b^2
    square = ((a - anp.tanh(k) * b) * anp.exp(log_cosh)) ** 2 + b**2
    return logits - log_sum_exp(logits)[:, None] - LOG_2PI - s_x - s_y + log_cosh - square / 2


def mixture_nll(params: Array, dx: Array, dy: Array) -> Array:
    """-log p(dx, dy) under the mixture, in nats, (N,); finite however far all components are. dx, dy (N,).

    (Ha and Eck 2018, eq. 3 and 9.)
    """
    return -log_sum_exp(component_log_probs(params, dx, dy))


def at_temperature(params: Array, tau: float) -> Array:
    """The mixture's parameters at temperature tau > 0: logits / tau, log sigma + log(tau) / 2, the rest as it was.

    tau < 1 prefers likely components and makes all of them narrower: sigma becomes sigma sqrt(tau).
    (Ha and Eck 2018, eq. 8.)
    """
    if not tau > 0:
        raise ValueError(f"a temperature is above 0, but tau = {tau} came")
    logits, mu_x, mu_y, s_x, s_y, k = mixture_parts(params)
    wider = float(np.log(tau)) / 2
    return anp.concatenate([logits / tau, mu_x, mu_y, s_x + wider, s_y + wider, k], axis=1)


def mixture_sample(params: Array, rng: Generator) -> Array:
    """One sample (dx, dy) of each row's mixture, (N, 2)."""
    logits, mu_x, mu_y, s_x, s_y, k = map(np.asarray, mixture_parts(params))
    N = len(logits)
    chosen = np.argmax(logits + rng.gumbel(size=logits.shape), axis=1)
    mu_x, mu_y, s_x, s_y, k = (part[np.arange(N), chosen] for part in (mu_x, mu_y, s_x, s_y, k))
    e, f = rng.normal(size=(2, N))
    rho = np.tanh(k)
    return np.stack([mu_x + np.exp(s_x) * e, mu_y + np.exp(s_y) * (rho * e + np.sqrt(1 - rho**2) * f)], axis=1)


def likeliest_mean(params: Array) -> Array:
    """The mean (mu_x, mu_y) of each row's most probable component, (N, 2)."""
    logits, mu_x, mu_y, *_ = mixture_parts(params)
    rows, chosen = np.arange(len(logits)), np.argmax(logits, axis=1)
    return np.stack([mu_x[rows, chosen], mu_y[rows, chosen]], axis=1)


# Strokes: P points at once, which one component explains together. For P = 1 the parameters are those above.


def stroke_parts(params: Array, P: int) -> tuple[Array, Array]:
    """(logits (N, M), the five other blocks (N, 5, P, M)) of params (N, M + 5 P M): logits, then P M columns each of
    mu_x, mu_y, log_sigma_x, log_sigma_y and of the correlation before its tanh, point by point."""
    N, width = np.shape(params)
    M, rest = divmod(width, 1 + 5 * P)
    if rest:
        raise ValueError(f"params should have M (1 + 5 P) columns, P = {P}, but there are {width}")
    return params[:, :M], params[:, M:].reshape(N, 5, P, M)


def _standard(params, points):
    """What density and gradient of a stroke share."""
    logits, (mu_x, mu_y, s_x, s_y, k) = (
        f(part) for f, part in zip((np.asarray, lambda p: np.moveaxis(p, 1, 0)), stroke_parts(params, points.shape[1]))
    )
    rho, log_cosh = np.tanh(k), np.logaddexp(k, -k) - params.dtype.type(np.log(2))
    a, b = (points[:, :, :1] - mu_x) * np.exp(-s_x), (points[:, :, 1:] - mu_y) * np.exp(-s_y)
    c = np.exp(2 * log_cosh)  # 1 / (1 - rho^2)
    square = (a - rho * b) ** 2 * c + b * b
    log_n = np.sum(log_cosh - s_x - s_y - params.dtype.type(LOG_2PI) - square / 2, axis=1)
    return logits, rho, a, b, c, square, log_n, s_x, s_y


@primitive
def stroke_cross_entropy(params: Array, points: Array, /) -> Array:
    """-log of sum_m pi_m prod_p N(point p; component m), in nats: params (N, M + 5 P M), points (N, P, 2) -> (N,).

    One node of autograd's tape, with `mixture_nll`'s values for P = 1; the points are not differentiated.
    """
    logits, *_, log_n, _, _ = _standard(params, points)
    return log_sum_and_weights(logits.copy())[0] - log_sum_and_weights(logits + log_n)[0]


def stroke_slopes(params: Array, points: Array) -> tuple[Array, Array]:
    """(`stroke_cross_entropy` (N,), the slope of each by its row of parameters, (N, M + 5 P M)), in one go.

    (Graves 2013, eq. 23-28.)
    """
    logits, rho, a, b, c, square, log_n, s_x, s_y = _standard(params, points)
    (log_sum, prior), (log_joint, share) = map(log_sum_and_weights, (logits.copy(), logits + log_n))
    out = np.empty_like(params)
    to_logits, parts = stroke_parts(out, points.shape[1])
    np.subtract(prior, share, out=to_logits)  # share: of each component in the density
    weight = -share[:, None]
    p, q = c * (a - rho * b), c * (b - rho * a)
    parts[:, 0], parts[:, 1] = weight * p * np.exp(-s_x), weight * q * np.exp(-s_y)
    parts[:, 2], parts[:, 3] = weight * (a * p - 1), weight * (b * q - 1)
    parts[:, 4] = weight * (a * b + rho * (1 - square * c * (1 - rho * rho)))
    return log_sum - log_joint, out


def _stroke_vjp(ans, params, points):
    return lambda g: stroke_slopes(params, points)[1] * np.asarray(g, params.dtype)[:, None]


defvjp(stroke_cross_entropy, _stroke_vjp, argnums=[0])


def likeliest_strokes(params: Array, P: int) -> Array:
    """The means of each row's most probable component, (N, P, 2)."""
    logits, parts = stroke_parts(params, P)
    means = np.take_along_axis(parts[:, :2], np.argmax(logits, axis=1)[:, None, None, None], axis=3)[..., 0]
    return np.moveaxis(means, 1, 2)
