"""Deep autoencoders: what training reaches and returns, and the helpers against other ways to compute the same."""

import numpy as np
import pytest
from hypothesis import given, strategies
from hypothesis.extra.numpy import arrays
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from course_utils.models import autoencoder, pca
from course_utils.models.autoencoder import decode, encode, reconstruct, squared_error
from course_utils.networks.nets import init_mlp, mlp
from course_utils.networks.optim import minibatches

numbers = strategies.floats(-100, 100)


def arc(N, rng, offset=0.0):
    """Points near a bent line in 4 dimensions, the last of which is constant."""
    t = rng.uniform(-2, 2, N)
    points = np.stack([np.cos(t), np.sin(t), 0.3 * t, 0 * t], axis=1)
    return (points + 0.02 * rng.normal(size=(N, 4)) * [1, 1, 1, 0] + offset).astype("f4")


@pytest.fixture(scope="module")
def trained():
    losses = []
    networks = autoencoder.autoencoder_train(
        arc(300, np.random.default_rng(0)),
        [4, 16, 8, 1],
        500,
        np.random.default_rng(1),
        callback=lambda t, loss: losses.append(loss),
    )
    return networks, losses


@pytest.mark.whole
def test_training_beats_pca_on_fresh_data(trained):
    fresh = arc(500, np.random.default_rng(2))
    mean, components = pca.pca_fit(arc(300, np.random.default_rng(0)), 1)
    by_pca = squared_error(fresh, pca.pca_decode(pca.pca_encode(fresh, mean, components), mean, components)).mean()
    assert squared_error(fresh, reconstruct(*trained[0], fresh)).mean() < 0.2 * by_pca


def test_the_networks_are_plain_float32_layers_and_the_decoder_mirrors_the_encoder(trained):
    encoder, decoder = trained[0]
    assert [W.shape for W, b in encoder] == [(4, 16), (16, 8), (8, 1)]
    assert [W.shape for W, b in decoder] == [(1, 8), (8, 16), (16, 4)]
    assert all(W.dtype == b.dtype == np.float32 and b.shape == W.shape[1:] for W, b in encoder + decoder)
    x = arc(7, np.random.default_rng(3))
    np.testing.assert_allclose(reconstruct(encoder, decoder, x), mlp(decoder, mlp(encoder, x)), rtol=1e-5)
    assert encode(encoder, x.astype(float)).dtype == decode(decoder, np.zeros((2, 1))).dtype == np.float32


def test_the_reported_loss_is_the_squared_error_in_the_units_of_x():
    x, losses = arc(50, np.random.default_rng(0)), []
    networks = autoencoder.autoencoder_train(
        x, [4, 8, 2], 30, np.random.default_rng(1), step_size=0.0, callback=lambda t, loss: losses.append(loss)
    )
    assert len(losses) == 30
    np.testing.assert_allclose(losses, squared_error(x, reconstruct(*networks, x)).mean(), rtol=1e-3)


@pytest.mark.parametrize("D", [4, 9])
def test_the_reported_loss_is_that_of_the_minibatch_also_where_axes_are_left_out(D, monkeypatch):
    """Of seven minibatches of ten, with networks that stay as they were: each against their reconstruction."""
    monkeypatch.setattr(autoencoder, "AXES", 4)
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(70, D)) * np.linspace(3, 1, D) + 5).astype("f4")
    losses = []
    networks = autoencoder.autoencoder_train(
        x,
        [D, 6, 2],
        7,
        np.random.default_rng(1),
        batch_size=10,
        step_size=0.0,
        callback=lambda t, loss: losses.append(loss),
    )
    rng = np.random.default_rng(1)
    init_mlp([4, 6, 2], rng), init_mlp([2, 6, 4], rng)  # draws from rng what training has drawn before the minibatches
    expected = [squared_error(rows, reconstruct(*networks, rows)).mean() for rows in minibatches(x, 10, 7, rng)]
    np.testing.assert_allclose(losses, expected, rtol=1e-5)


def test_loss_falls(trained):
    losses = trained[1]
    assert np.mean(losses[-20:]) < 0.1 * np.mean(losses[:5])


def test_training_is_the_same_wherever_the_data_lie_and_however_large_they_are():
    x = arc(60, np.random.default_rng(0))
    results = [autoencoder.autoencoder_train(y, [4, 8, 1], 40, np.random.default_rng(1)) for y in (x, 10 * x + 5)]
    first, second = (reconstruct(*networks, y) for networks, y in zip(results, (x, 10 * x + 5)))
    np.testing.assert_allclose(10 * first + 5, second, atol=0.05)


def test_the_same_generator_gives_the_same_networks():
    x = arc(40, np.random.default_rng(0))
    one, two = (autoencoder.autoencoder_train(x, [4, 6, 2], 10, np.random.default_rng(5)) for _ in range(2))
    assert all(np.array_equal(a, b) for p, q in zip(one, two) for m, n in zip(p, q) for a, b in zip(m, n))


def test_few_examples_and_one_dimension_are_no_special_case():
    for x, sizes in [
        (arc(3, np.random.default_rng(0)), [4, 5, 2]),
        (np.arange(6.0)[:, None], [1, 4, 1]),
        (np.ones((5, 3)), [3, 4, 1]),
        (np.random.default_rng(0).normal(size=(9, 200)), [200, 5, 2]),
    ]:
        networks = autoencoder.autoencoder_train(x, sizes, 20, np.random.default_rng(1))
        assert np.isfinite(reconstruct(*networks, x)).all()


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"sizes\[0\] must be the dimension of x, but sizes = \[3, 2\]"):
        autoencoder.autoencoder_train(np.zeros((5, 4)), [3, 2], 1, np.random.default_rng(0))


@pytest.mark.whole
@given(arrays(float, (4, 3), elements=numbers), arrays(float, (4, 3), elements=numbers))
def test_squared_error_is_a_squared_length(x, y):
    np.testing.assert_allclose(squared_error(x, y), np.linalg.norm(x - y, axis=1) ** 2, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(squared_error(x, y), squared_error(y, x))
    assert (squared_error(x, x) == 0).all()


@pytest.mark.parametrize("dtypes", [("u1", "u1"), ("i1", "i1"), ("?", "?"), ("u1", "f4"), ("f8", "u1")])
def test_squared_error_of_bytes_does_not_wrap(dtypes):
    rng = np.random.default_rng(0)
    x, y = ((rng.integers(0, 2 if dtype == "?" else 120, size=(5, 7))).astype(dtype) for dtype in dtypes)
    np.testing.assert_allclose(squared_error(x, y), cdist(x, y, "sqeuclidean").diagonal())
    black, white = np.zeros((1, 784), "u1"), np.full((1, 784), 255, "u1")
    assert squared_error(black, white) == squared_error(white, black) == 784 * 255**2
    assert squared_error(x.astype("f4"), y.astype("f4")).dtype == np.float32


@pytest.mark.parametrize("seed", range(5))
def test_nearest_neighbour_accuracy_is_scipys(seed):
    rng = np.random.default_rng(seed)
    a, b, y, y_new = (
        rng.normal(size=(50, 3)) + 4,
        rng.normal(size=(80, 3)) + 4,
        rng.integers(3, size=50),
        rng.integers(3, size=80),
    )
    assert autoencoder.nearest_neighbour_accuracy(a, y, b, y_new) == np.mean(y[cKDTree(a).query(b)[1]] == y_new)
    assert autoencoder.nearest_neighbour_accuracy(a, y, a, y) == 1
    assert autoencoder.nearest_neighbour_accuracy(a.tolist(), y.tolist(), a.tolist(), (y + 1).tolist()) == 0


@pytest.mark.parametrize("offset", [1e6, 1e9])
def test_the_nearest_neighbour_is_the_same_far_from_the_origin(offset):
    rng = np.random.default_rng(0)
    a, b, y, y_new = rng.normal(size=(900, 2)), rng.normal(size=(900, 2)), np.arange(900), rng.integers(900, size=900)
    a, b = a + offset, b + offset  # as they are after rounding
    nearest = np.argmin(cdist(b, a), axis=1)
    assert autoencoder.nearest_neighbour_accuracy(a, y, b, nearest) == 1
    assert autoencoder.nearest_neighbour_accuracy(a, y, b, y_new) == np.mean(y[nearest] == y_new)


@pytest.mark.whole
@given(arrays(float, (2, 3), elements=numbers), arrays(float, (2, 3), elements=numbers), strategies.integers(2, 9))
def test_interpolation_is_a_straight_even_line_between_its_ends(a, b, steps):
    line = autoencoder.interpolate_linear(a, b, steps)
    assert line.shape == (steps, 2, 3)
    np.testing.assert_array_equal(line[0], a)
    np.testing.assert_array_equal(line[-1], b)
    np.testing.assert_allclose(
        np.diff(line, axis=0), np.broadcast_to((b - a) / (steps - 1), (steps - 1, 2, 3)), atol=1e-9
    )
    np.testing.assert_allclose(line[::-1], autoencoder.interpolate_linear(b, a, steps), atol=1e-9)


def test_mlp_without_activation_is_one_affine_map():
    net, rng = init_mlp([4, 6, 3], np.random.default_rng(0), float), np.random.default_rng(1)
    net = [(W, rng.normal(size=b.shape)) for W, b in net]
    (W, b), (V, c) = net
    x = rng.normal(size=(5, 4))
    np.testing.assert_allclose(mlp(net, x, lambda h: h), x @ (W @ V) + b @ V + c)
