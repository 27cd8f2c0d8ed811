"""A mixture of one-dimensional Gaussians: its density, the lower bound on it, and the two steps of EM.

p(x) = sum_c pi_c N(x; mu_c, sigma_c^2). Examples x (N,); pi, mu, sigma (C,), sigma standard deviations; the
hidden z is the component that an example came from. (Bishop 2006, sections 9.2 to 9.4.)
"""

import numpy as np

from course_utils.probability.expecting import Array, floats, not_negative, positive, probabilities, shapes
from course_utils.probability.numerics import bound_terms, log_sum_exp, quiet_log


def mixture_log_joint(x: Array, pi: Array, mu: Array, sigma: Array) -> Array:
    """log p(x_n, z = c) = log pi_c + log N(x_n; mu_c, sigma_c^2). x (N,) -> (N, C); -inf where pi_c is 0."""
    x, pi, mu, sigma = map(floats, (x, pi, mu, sigma))
    shapes(x=(x, "N"), pi=(pi, "C"), mu=(mu, "C"), sigma=(sigma, "C"))
    probabilities(pi=pi)
    positive(sigma=sigma)
    standardised = (x[:, None] - mu) / sigma
    return quiet_log(pi) - 0.5 * standardised**2 - np.log(sigma) - 0.5 * np.log(2 * np.pi)


def mixture_log_prob(x: Array, pi: Array, mu: Array, sigma: Array) -> Array:
    """log p(x_n), summed over the components without leaving logarithms. x (N,) -> (N,)."""
    return log_sum_exp(mixture_log_joint(x, pi, mu, sigma), axis=1)


def em_e_step(x: Array, pi: Array, mu: Array, sigma: Array) -> Array:
    """Responsibilities p(z = c | x_n) (N, C), rows sum to 1; stable far from every component."""
    log_joint = mixture_log_joint(x, pi, mu, sigma)
    return np.exp(log_joint - log_sum_exp(log_joint, axis=1)[:, None])


def em_m_step(x: Array, responsibilities: Array) -> tuple[Array, Array, Array]:
    """The parameters that maximise the bound for given responsibilities (N, C): pi, mu, sigma, each (C,).

    With N_c = sum_n r_nc: pi_c = N_c / N, mu_c = sum_n r_nc x_n / N_c, and
    sigma_c^2 = sum_n r_nc (x_n - mu_c)^2 / N_c. A component that has no share of any example (N_c = 0) gets pi_c = 0,
    and the bound no longer depends on its mu_c and sigma_c: they become those of all examples together.
    """
    x, r = floats(x), floats(responsibilities)
    shapes(x=(x, "N"), responsibilities=(r, "N C"))
    not_negative(responsibilities=r)
    counts = r.sum(axis=0)
    pi = counts / len(x)
    empty = counts == 0
    r, counts = np.where(empty, 1.0, r), np.where(empty, len(x), counts)
    mu = x @ r / counts
    sigma = np.sqrt((r * (x[:, None] - mu) ** 2).sum(axis=0) / counts)
    return pi, mu, sigma


def mixture_elbo(x: Array, responsibilities: Array, pi: Array, mu: Array, sigma: Array) -> Array:
    """The bound F_n = sum_c r_nc (log p(x_n, z = c) - log r_nc). r (N, C) -> (N,).

    Where r_nc is 0 nothing counts, not even a pi_c of 0 (0 log 0 = 0); F_n is -inf where pi_c is 0 and r_nc is not.
    """
    r = floats(responsibilities)
    shapes(x=(x, "N"), responsibilities=(r, "N C"), pi=(pi, "C"))
    not_negative(responsibilities=r)
    return np.sum(bound_terms(r, mixture_log_joint(x, pi, mu, sigma)), axis=1)
