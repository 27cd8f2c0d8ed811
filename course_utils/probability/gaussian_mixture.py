"""A Gaussian mixture model (GMM) with full covariances in K dimensions: what notebook 08 fits to a VAE's codes.

p(z) = sum_c pi_c N(z; mu_c, S_c). Points z (N, K); pi (C,), mu (C, K), covariances S (C, K, K), a triple in this order.
(Bishop 2006, section 9.2; `mixtures` has the one-dimensional case and its bound.)
"""

import sys

import numpy as np

from course_utils.probability.expecting import Array, not_negative, probabilities, shapes
from course_utils.probability.numerics import log_sum_exp, quiet_log

Mixture = tuple[Array, Array, Array]  # pi, mu, S


def _checked(mixture: Mixture) -> Mixture:
    """The triple (pi, mu, S) as arrays of float64, once their shapes fit and pi are probabilities."""
    pi, mu, S = (np.asarray(part, float) for part in mixture)
    shapes(pi=(pi, "C"), mu=(mu, "C K"), S=(S, "C K K"))
    probabilities(pi=pi)
    return pi, mu, S


def _roots(S: Array) -> Array:
    """The lower triangular L (C, K, K) with L L^T = S, or a ValueError where there is none."""
    try:
        return np.linalg.cholesky(S)
    except np.linalg.LinAlgError:
        raise ValueError(
            "a covariance is not positive definite: its points lie on one point, line or plane, or are fewer than its"
            " dimensions; `floor` of gmm_fit, above 0 and not too small beside the variances, prevents that"
        ) from None


def _log_joint(z: Array, mixture: Mixture) -> Array:
    """log pi_c + log N(z_n; mu_c, S_c): (N, C)."""

    def of_component(log_pi, mu, root):
        standardised = np.linalg.inv(root) @ (z - mu).T  # (K, N); with many points far quicker than solve
        constant = log_pi - np.log(np.diagonal(root)).sum() - 0.5 * len(mu) * np.log(2 * np.pi)
        return constant - 0.5 * np.einsum("kn,kn->n", standardised, standardised)

    pi, mu, S = mixture
    return np.stack([of_component(*component) for component in zip(quiet_log(pi), mu, _roots(S))], axis=1)


def gmm_log_prob(z: Array, mixture: Mixture) -> Array:
    """log p(z) of points z (N, K) under a mixture (pi, mu, S) -> (N,), in nats; a ValueError where an S is singular."""
    z, mixture = np.asarray(z, float), _checked(mixture)
    shapes(z=(z, "N K"), mu=(mixture[1], "C K"))
    return log_sum_exp(_log_joint(z, mixture), axis=1)


def gmm_fit(z: Array, C: int, steps: int, rng: np.random.Generator, floor: float = 1e-3) -> Mixture:
    """The mixture (pi, mu, S) of C Gaussians after `steps` of EM on the points z (N, K).

    It starts from C of the points, each with the covariance of all. `floor`, in the units of z squared, is added to the
    variances at the start and in every step, so that no component shrinks onto a single point, where the likelihood has
    no maximum, and so that features may be constant, repeat each other, or be more than the points. With a floor of 0
    the likelihood never falls, and a covariance that becomes singular is a ValueError, as are z that are not finite. A
    component that no point is left to gets weight 0, and mean and covariance of all points, which then play no part.
    """
    from tqdm import trange

    z = np.asarray(z, float)
    if z.ndim != 2 or not 1 <= C <= len(z):
        raise ValueError(
            f"points z (N, K) and 1 <= C <= N components are expected, but z has shape {z.shape} and C is {C}"
        )
    if not np.isfinite(z).all():
        raise ValueError(f"finite points are expected, but {np.sum(~np.isfinite(z))} of {z.size} numbers are not")
    not_negative(floor=floor)
    N, K = z.shape
    least = floor * np.eye(K)
    of_all = np.atleast_2d(np.cov(z.T, bias=True)) + least
    mixture = np.full(C, 1 / C), z[rng.choice(N, C, replace=False)], np.tile(of_all, (C, 1, 1))
    for _ in trange(steps, desc=f"EM, C = {C}", leave=False, mininterval=0.2, file=sys.stdout):
        log_joint = _log_joint(z, mixture)
        r = np.exp(log_joint - log_sum_exp(log_joint, axis=1)[:, None])
        counts = r.sum(axis=0)
        weights = np.where(counts == 0, 1 / N, r / np.where(counts == 0, 1, counts)).T  # (C, N), rows sum to 1
        mu = weights @ z
        S = np.stack([((z - m) * w[:, None]).T @ (z - m) for m, w in zip(mu, weights)])
        mixture = counts / counts.sum(), mu, S + least
    return mixture


def gmm_sample(mixture: Mixture, N: int, rng: np.random.Generator) -> Array:
    """N independent draws (N, K) from a mixture (pi, mu, S)."""
    pi, mu, S = _checked(mixture)
    component = rng.choice(len(pi), size=N, p=pi / pi.sum())
    roots = _roots(S)[component]
    return mu[component] + np.einsum("nij,nj->ni", roots, rng.standard_normal((N, mu.shape[1])))
