"""GANs: losses by scipy, whose gradient reaches whom, and what training does on a line."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from autograd.test_util import check_grads
from scipy import special, stats

from course_utils.models import gan
from course_utils.networks.flat import leaves, map_leaves


def test_losses():
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=7), rng.normal(size=5)
    D_real, D_fake = special.expit(real), special.expit(fake)
    d_loss, g_loss = gan.gan_losses(real, fake)
    assert np.isclose(d_loss, -np.log(D_real).mean() - np.log(1 - D_fake).mean())
    assert np.isclose(g_loss, -np.log(D_fake).mean())
    extreme = gan.gan_losses(np.array([1000.0, -1000]), np.array([1000.0, -1000]))
    np.testing.assert_allclose(extreme, [1000, 500])


def test_the_best_judge():
    x = np.linspace(-4, 4, 9)
    log_p, log_q = stats.norm.logpdf(x, 1, 1), stats.norm.logpdf(x, -1, 2)
    p, q = np.exp(log_p), np.exp(log_q)
    np.testing.assert_allclose(gan.optimal_discriminator(log_p, log_q), p / (p + q))
    np.testing.assert_allclose(gan.optimal_discriminator(log_p - 2000, log_q - 2000), p / (p + q))


def test_the_leaky_layer_and_its_gradient():
    rng = np.random.default_rng(1)
    h, W, b = rng.normal(size=(5, 3)), rng.normal(size=(3, 4)), rng.normal(size=4)
    a = h @ W + b
    np.testing.assert_allclose(gan.dense_leaky(h, W, b), np.where(a > 0, a, 0.2 * a), rtol=1e-6)
    check_grads(gan.dense_leaky, modes=["rev"], order=1)(h, W, b)


def test_both_gradients_are_those_of_the_formulas():
    """One pass through each network gives what autograd gives of the networks as formulas: the judge's of d_loss with
    what is made held fixed, the generator's of g_loss with the judge held fixed."""

    def network(params, x):
        for W, b in params[:-1]:
            x = anp.where(anp.dot(x, W) + b > 0, anp.dot(x, W) + b, 0.2 * (anp.dot(x, W) + b))
        return anp.dot(x, params[-1][0]) + params[-1][1]

    rng = np.random.default_rng(6)
    players = map_leaves(
        lambda leaf: leaf.astype(float) + 0.1 * rng.normal(size=leaf.shape),
        (gan.init_leaky([4, 9, 8, 3], rng), gan.init_leaky([3, 6, 5, 1], rng)),
    )
    real, z, smears = rng.normal(size=(7, 3)), rng.normal(size=(7, 4)), rng.normal(size=(2, 7, 3))

    def value(generator, judge, which):
        seen = real + smears[0], network(generator, z) + smears[1]
        return gan.gan_losses(*(network(judge, points)[:, 0] for points in seen))[which]

    total, gradients = gan.game(gan.gan_losses, players, (real, z, smears))
    assert np.isclose(total, value(*players, 0) + value(*players, 1))
    expected = grad(value, 0)(*players, 1), grad(value, 1)(*players, 0)
    for ours, theirs in zip(leaves(gradients), leaves(expected), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-8)


def trained(steps, losses=gan.gan_losses, **more):
    x = 3 + 0.5 * np.random.default_rng(2).normal(size=(2000, 1))
    return gan.gan_train(x, 2, [16], steps, np.random.default_rng(3), losses=losses, **more)


@pytest.mark.parametrize("part, still", [(0, "generator"), (1, "discriminator")])
def test_each_player_goes_down_its_own_loss_alone(part, still):
    """With one of the losses 0, its player stays where it began; the other one moves."""

    def only(real, fake):
        both = list(gan.gan_losses(real, fake))
        both[1 - part] = 0.0 * both[1 - part]
        return both

    begun, ended = trained(0), trained(20, losses=only)
    moved = [max(np.abs(a - b).max() for a, b in zip(leaves(x), leaves(y))) for x, y in zip(begun, ended)]
    stays = ("generator", "discriminator").index(still)
    assert moved[stays] < 1e-6 < 1e-3 < moved[1 - stays]


@pytest.mark.slow
def test_samples_come_to_lie_where_the_data_are():
    generator, _ = trained(800)
    made = gan.gan_generate(generator, np.random.default_rng(4).normal(size=(2000, 2)))
    assert abs(made.mean() - 3) < 0.3 and 0.2 < made.std() < 0.9


def test_units_go_into_the_weights():
    rng = np.random.default_rng(5)
    players = gan.init_leaky([2, 4, 3], rng), gan.init_leaky([3, 4, 1], rng)
    mean, scale, z = np.array([1.0, 2, 3]), np.float32(2.5), rng.normal(size=(5, 2))
    generator, judge = gan.in_units(players, mean, scale)
    made = gan.leaky_mlp(players[0], z)
    np.testing.assert_allclose(gan.leaky_mlp(generator, z), made * scale + mean, rtol=1e-5)
    np.testing.assert_allclose(
        gan.leaky_mlp(judge, made * scale + mean), gan.leaky_mlp(players[1], made), rtol=1e-4, atol=1e-5
    )
