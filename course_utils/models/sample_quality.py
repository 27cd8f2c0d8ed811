"""How good samples are, where there is no likelihood: precision and recall from neighbours."""

import numpy as np
from numpy.random import Generator

from course_utils.networks.arrays import Array, require_matrix


def squared_distances(a: Array, b: Array) -> Array:
    """||a_i - b_j||^2, (N, M), from differences: exact where rows nearly agree."""
    from scipy.spatial.distance import cdist  # here: the mathematics alone need not wait for it

    return cdist(np.asarray(a, float), np.asarray(b, float), "sqeuclidean")


def precision_recall(real: Array, fake: Array, k: int) -> tuple[float, float]:
    """(precision, recall) of made examples fake (M, D) against real ones (N, D), shares between 0 and 1.

    A point is covered by the other set where it lies within the distance of some point of that set to its k-th
    nearest neighbour in its own set, itself not counted. Precision is the share of fake points that real ones cover,
    recall the share of real points that the fake ones cover. 1 <= k < N, M. (Kynkäänniemi et al. 2019, eq. 1 and 2,
    there in a network's feature space.)
    """
    require_matrix(real, "real")
    require_matrix(fake, "fake", np.shape(real)[1])
    if not 1 <= k < min(len(real), len(fake)):
        raise ValueError(f"k should be at least 1 and below {min(len(real), len(fake))}, the points of a set, not {k}")
    return _shares(squared_distances(real, fake), squared_distances(real, real), squared_distances(fake, fake), k)


def precision_recall_errors(real: Array, fake: Array, k: int, rng: Generator, halves: int = 20) -> tuple[float, float]:
    """Standard errors of `precision_recall`'s two shares: how far they would differ with other examples, real and made.

    The standard deviation of the shares over random halves of both sets: a mean of half the examples has twice the
    variance, and drawing without replacement leaves half of it (the jackknife that leaves half out, Shao and Wu 1989,
    with the factor (n - d) / d = 1). Not a bootstrap: an example that is drawn twice is its own neighbour, at distance
    0. 1 <= k < N / 2, M / 2.
    """
    require_matrix(real, "real")
    require_matrix(fake, "fake", np.shape(real)[1])
    N, M = len(real) // 2, len(fake) // 2
    if not 1 <= k < min(N, M) or halves < 2:
        raise ValueError(
            f"k should be at least 1 and below {min(N, M)}, half the points of a set, and there should be two halves "
            f"or more, but k = {k} and halves = {halves}"
        )
    between, reals, fakes = (squared_distances(a, b) for a, b in ((real, fake), (real, real), (fake, fake)))
    shares = []
    for _ in range(halves):
        i, j = rng.permutation(len(real))[:N], rng.permutation(len(fake))[:M]
        shares.append(_shares(between[np.ix_(i, j)], reals[np.ix_(i, i)], fakes[np.ix_(j, j)], k))
    precision, recall = np.std(shares, axis=0, ddof=1)
    return float(precision), float(recall)


def _shares(between, reals, fakes, k):
    """Precision and recall from distances (N, M), (N, N), (M, M)."""

    def radii(distances):
        return np.partition(distances, k, axis=1)[:, k]  # place 0 is the point itself

    precision = np.mean(np.any(between <= radii(reals)[:, None], axis=0))
    recall = np.mean(np.any(between <= radii(fakes), axis=1))
    return float(precision), float(recall)
