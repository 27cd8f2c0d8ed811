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
    reach_real, reach_fake = (_radii(squared_distances(x, x), k) for x in (real, fake))
    return _shares(squared_distances(real, fake), reach_real, reach_fake)


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
    near_real, near_fake = (_nearest(distances, 2 * k + 54) for distances in (reals, fakes))
    shares = []
    for _ in range(halves):
        i, j = rng.permutation(len(real))[:N], rng.permutation(len(fake))[:M]
        reach_real, reach_fake = _radii_within(i, reals, near_real, k), _radii_within(j, fakes, near_fake, k)
        shares.append(_shares(between[np.ix_(i, j)], reach_real, reach_fake))
    precision, recall = np.std(shares, axis=0, ddof=1)
    return float(precision), float(recall)


def covered(real: Array, fake: Array, k: int) -> Array:
    """Which made examples fake (M, D) lie where real ones (N, D) are, (M,) bool: their mean is the precision of
    `precision_recall`. 1 <= k < N."""
    require_matrix(real, "real")
    require_matrix(fake, "fake", np.shape(real)[1])
    if not 1 <= k < len(real):
        raise ValueError(f"k should be at least 1 and below {len(real)}, the real points, not {k}")
    reach = _radii(squared_distances(real, real), k)
    return np.any(squared_distances(real, fake) <= reach[:, None], axis=0)


def _nearest(distances, number):
    """The indices of each point's nearest, itself first, by distance: (N, number), or all where they are fewer."""
    number = min(number, len(distances))
    some = np.argpartition(distances, number - 1, axis=1)[:, :number]
    order = np.argsort(np.take_along_axis(distances, some, axis=1), axis=1)
    return np.take_along_axis(some, order, axis=1)


def _radii_within(chosen, distances, nearest, k):
    """The distance of each chosen point to its k-th neighbour among the chosen; found among its `nearest` of all, which
    is quicker than to sort again, and by sorting where they are too few."""
    member = np.zeros(len(distances), bool)
    member[chosen] = True
    near = nearest[chosen]
    place = np.cumsum(member[near], axis=1)  # 1 at the point itself
    if place[:, -1].min() <= k:
        return _radii(distances[np.ix_(chosen, chosen)], k)
    return distances[chosen, near[np.arange(len(near)), np.argmax(place == k + 1, axis=1)]]


def _radii(distances, k):
    """The distance of each point to its k-th neighbour; place 0 is the point itself."""
    return np.partition(distances, k, axis=1)[:, k]


def _shares(between, reach_real, reach_fake):
    """Precision and recall from distances (N, M) and the radii (N,) and (M,)."""
    precision = np.mean(np.any(between <= reach_real[:, None], axis=0))
    recall = np.mean(np.any(between <= reach_fake, axis=1))
    return float(precision), float(recall)
