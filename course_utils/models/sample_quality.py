"""How good samples are, where there is no likelihood: precision and recall from neighbours."""

import numpy as np

from course_utils.networks.arrays import Array, require_matrix


def squared_distances(a: Array, b: Array) -> Array:
    """||a_i - b_j||^2, (N, M), from differences dimension by dimension: exact where rows nearly agree."""
    total = np.zeros((len(a), len(b)))
    for column_a, column_b in zip(np.asarray(a, float).T, np.asarray(b, float).T):
        difference = np.subtract.outer(column_a, column_b)
        difference *= difference
        total += difference
    return total


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
    between = squared_distances(real, fake)

    def radii(points):
        return np.partition(squared_distances(points, points), k, axis=1)[:, k]  # place 0 is the point itself

    precision = np.mean(np.any(between <= radii(real)[:, None], axis=0))
    recall = np.mean(np.any(between <= radii(fake), axis=1))
    return float(precision), float(recall)
