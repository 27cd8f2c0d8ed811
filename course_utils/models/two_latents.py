"""A VAE with two latents, whose integrals can be had without sampling: log p(x) on a grid, the ELBO by a Gauss rule."""

import numpy as np

from course_utils.networks.arrays import Array, Network, require_rows
from course_utils.networks.fast import bernoulli_cross_entropy, gaussian_kl
from course_utils.networks.nets import mlp

PLANE = np.linspace(-5, 5, 201)  # where log p(x) is integrated: the prior leaves about a millionth outside
NODES = 10  # of the Gauss rule in each dimension


def log_joint_on_grid(decoder: Network, x: Array, z_1: Array, z_2: Array) -> Array:
    """log p(x_n, z) for every z on the grid of z_1 (A,) and z_2 (B,). x (N, D) -> (N, B, A), computed row by row."""

    if len(decoder[0][0]) != 2:
        raise ValueError(f"a decoder with 2 latents is expected, but this one has {len(decoder[0][0])}")

    def row(second):
        z = np.column_stack([z_1, np.full_like(z_1, second)])
        logits = mlp(decoder, z.astype(np.float32))
        log_norm = bernoulli_cross_entropy(np.zeros(logits.shape[1], np.float32), logits)  # sum_d log(1 + exp(l_d))
        return x @ logits.T - log_norm - np.sum(z**2, axis=1) / 2 - np.log(2 * np.pi)

    return np.stack([row(second) for second in z_2], axis=1)


def log_p_on_grid(decoder: Network, x: Array, grid: Array = PLANE) -> Array:
    """log p(x) of a decoder with two latents, by the trapezoid rule on grid x grid, evenly spaced -> (N,)."""
    from scipy.special import logsumexp  # here: it loads much else

    log_joint = log_joint_on_grid(decoder, x, grid, grid)
    return logsumexp(log_joint, axis=(1, 2)) + 2 * np.log(grid[1] - grid[0])


def elbo_by_quadrature(decoder: Network, x: Array, mu: Array, log_sigma: Array, nodes: int = NODES) -> Array:
    """The ELBO of q = N(mu, diag(sigma^2)) with two latents, by a Gauss-Hermite rule. mu, log_sigma (N, 2) -> (N,).

    Good to a hundredth of a nat where the decoder is smooth across q; to some tenths for a q as wide as the prior.
    """
    require_rows(x=x, mu=mu)
    t, w = np.polynomial.hermite_e.hermegauss(nodes)
    eps = np.stack(np.meshgrid(t, t), axis=-1).reshape(-1, 1, 2)
    weights = np.outer(w, w).ravel() / w.sum() ** 2
    z = (mu + np.exp(log_sigma) * eps).astype(np.float32)
    return -weights @ bernoulli_cross_entropy(x, mlp(decoder, z)) - gaussian_kl(mu, log_sigma)
