"""Precision and recall against scikit-learn's neighbours and cases that can be counted by hand."""

import numpy as np
import pytest

from course_utils.models import sample_quality
from course_utils.models.sample_quality import covered, precision_recall, precision_recall_errors


def by_neighbours(real, fake, k):
    neighbors = pytest.importorskip("sklearn.neighbors")

    def share(points, others):
        radii = neighbors.NearestNeighbors(n_neighbors=k + 1).fit(others).kneighbors(others)[0][:, k]
        distances = neighbors.NearestNeighbors(n_neighbors=len(others)).fit(others).kneighbors(points)
        return np.mean([np.any(d <= radii[i]) for d, i in zip(*distances)])

    return share(fake, real), share(real, fake)


@pytest.mark.parametrize("k", [1, 3, 7])
def test_against_another_library(k):
    rng = np.random.default_rng(k)
    real, fake = rng.normal(size=(60, 4)), 0.6 * rng.normal(size=(45, 4)) + 0.4
    np.testing.assert_allclose(precision_recall(real, fake, k), by_neighbours(real, fake, k))


def test_by_hand():
    real = np.array([[0.0], [1], [2.5], [10]])  # radii for k = 1: 1, 1, 1.5, 7.5
    fake = np.array([[0.5], [3.2], [60], [62]])  # radii: 2.7, 2.7, 2, 2
    assert precision_recall(real, fake, 1) == (0.5, 0.75)
    assert covered(real, fake, 1).tolist() == [True, True, False, False]


def test_what_is_asked_is_said():
    x = np.zeros((4, 2))
    with pytest.raises(ValueError, match="k should be at least 1 and below 4"):
        precision_recall(x, x, 4)
    with pytest.raises(ValueError, match=r"fake should be \(N, 2\)"):
        precision_recall(x, np.zeros((4, 3)), 1)
    with pytest.raises(ValueError, match="k should be at least 1 and below 4, the real points"):
        covered(x, np.zeros((9, 2)), 4)
    with pytest.raises(ValueError, match=r"fake should be \(N, 2\)"):
        covered(x, np.zeros((4, 3)), 1)


def test_errors_are_those_of_repeated_draws():
    """Against what they stand for: the spread of the shares over 60 fresh pairs of sets. It is three times that of a
    share of independent examples: the balls differ, too."""

    def draw(rng):
        return rng.normal(size=(200, 3)), 0.8 * rng.normal(size=(300, 3)) + 1

    rng = np.random.default_rng(0)
    spread = np.std([precision_recall(*draw(rng), 3) for _ in range(60)], axis=0, ddof=1)
    errors = np.mean([precision_recall_errors(*draw(rng), 3, rng) for _ in range(10)], axis=0)
    np.testing.assert_allclose(errors, spread, rtol=0.35)


@pytest.mark.parametrize("near", [200, 12])
def test_radii_among_the_nearest_are_those_of_sorting(near):
    """Also where a point's nearest hold too few of the chosen: among 12, six of a half are missing now and then."""
    rng = np.random.default_rng(4)
    distances = sample_quality.squared_distances(*[rng.normal(size=(200, 3))] * 2)
    chosen = rng.permutation(200)[:100]
    found = sample_quality._radii_within(chosen, distances, sample_quality._nearest(distances, near), 5)
    np.testing.assert_array_equal(found, np.sort(distances[np.ix_(chosen, chosen)], axis=1)[:, 5])


def test_no_error_where_nothing_can_differ():
    real = np.random.default_rng(1).normal(size=(40, 2))
    assert precision_recall_errors(real, real + 100, 3, np.random.default_rng(2)) == (0, 0)


def test_errors_have_halves_with_neighbours():
    x, rng = np.zeros((8, 2)), np.random.default_rng(0)
    with pytest.raises(ValueError, match="below 4, half the points .* k = 4 and halves = 20"):
        precision_recall_errors(x, x, 4, rng)
    with pytest.raises(ValueError, match="halves = 1"):
        precision_recall_errors(x, x, 1, rng, halves=1)
