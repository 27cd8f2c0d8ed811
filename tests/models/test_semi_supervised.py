"""M2: the bound for examples without a label, and that unlabelled examples help where they must."""

import numpy as np
import pytest
from scipy.special import logsumexp, softmax
from scipy.stats import entropy

from course_utils.models.classifier import classifier_train, predict
from course_utils.models.conditional import cvae_elbo, one_hot
from course_utils.models.semi_supervised import elbo_of_every_class, m2_train, m2_unlabelled_elbo
from course_utils.models.vae import init_vae


def random_bounds(seed, N=6, C=4):
    rng = np.random.default_rng(seed)
    return rng.uniform(-9, -1, (N, C)), rng.dirichlet(np.ones(C), size=N)


def test_the_unlabelled_bound_is_the_mean_plus_the_entropy():
    elbo, q = random_bounds(0)
    np.testing.assert_allclose(m2_unlabelled_elbo(elbo, q), np.sum(q * elbo, axis=1) + entropy(q, axis=1))
    with np.errstate(all="raise"):
        np.testing.assert_allclose(
            m2_unlabelled_elbo(elbo, np.eye(4)[[0, 1, 2, 3, 0, 1]]), elbo[range(6), [0, 1, 2, 3, 0, 1]]
        )


def test_the_softmax_of_the_bounds_is_the_best_q():
    elbo, q = random_bounds(1)
    best = m2_unlabelled_elbo(elbo, softmax(elbo, axis=1))
    np.testing.assert_allclose(best, logsumexp(elbo, axis=1))
    gap = best - m2_unlabelled_elbo(elbo, q)
    np.testing.assert_allclose(gap, entropy(q, softmax(elbo, axis=1), axis=1))  # KL(q || posterior)


def test_all_classes_in_one_batch_are_the_classes_one_by_one():
    rng = np.random.default_rng(0)
    x = (rng.random((5, 7)) < 0.5).astype(np.float32)
    encoder, decoder = init_vae(x.mean(axis=0), [7, 6, 2], rng, labels=3)
    eps = rng.standard_normal((15, 2), dtype=np.float32)
    bounds = elbo_of_every_class(encoder, decoder, x, 3, eps)
    assert bounds.shape == (5, 3) and bounds.dtype == np.float32
    for c in range(3):
        alone = cvae_elbo(encoder, decoder, x, one_hot(np.full(5, c), 3).astype("f4"), eps[5 * c : 5 * c + 5])
        np.testing.assert_allclose(bounds[:, c], alone - np.log(3), rtol=1e-5)


def three_stamps(N, rng):
    """Three stamps of 30 pixels, 15 % of the pixels flipped: neighbours in a cluster, hard from one example each."""
    stamps = np.random.default_rng(7).random((3, 30)) < 0.5
    y = np.arange(N) % 3
    return np.logical_xor(stamps[y], rng.random((N, 30)) < 0.15).astype(np.float32), y


@pytest.mark.slow
def test_unlabelled_examples_help_where_classes_are_clusters():
    x, y = three_stamps(600, np.random.default_rng(0))
    x_test, y_test = three_stamps(600, np.random.default_rng(1))
    sizes = [30, 16, 1]
    alone = classifier_train(x[:3], y[:3], [30, 16, 3], 200, np.random.default_rng(0))
    encoder, decoder, helped = m2_train(
        x, x[:3], y[:3], 3, sizes, [16], 300, np.random.default_rng(0), alpha=10, batch_size=60, step_size=1e-2
    )
    before, after = (np.mean(predict(network, x_test) == y_test) for network in (alone, helped))
    assert after > before + 0.03 and after > 0.95
    assert [len(part[0][0]) for part in (encoder, decoder, helped)] == [33, 4, 30]
    assert helped[0][0].dtype == encoder[0][0].dtype == np.float32
