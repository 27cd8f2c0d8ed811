"""PCA and the linear autoencoder against oracles that share no code with them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import linalg
from scipy.optimize import check_grad

from course_utils.data import load_mnist
from course_utils.models import pca

sizes = st.tuples(st.integers(3, 12), st.integers(2, 8), st.integers(0, 2**31))


def draw(N, D, seed):
    rng = np.random.default_rng(seed)
    return rng, rng.normal(size=(N, D)) @ rng.normal(size=(D, D)) + rng.normal(size=D)


@given(sizes)
def test_components_are_orthonormal_eigenvectors_in_descending_order(size):
    N, D, seed = size
    _, x = draw(N, D, seed)
    K = min(N, D)
    mean, C = pca.pca_fit(x, K)
    S = np.cov(x, rowvar=False, bias=True)
    values = np.linalg.eigvalsh(S)[::-1]
    np.testing.assert_allclose(mean, [sum(column) / N for column in x.T], atol=1e-10)
    np.testing.assert_allclose(C @ C.T, np.eye(K), atol=1e-8)
    np.testing.assert_allclose(C @ S, values[:K, None] * C, atol=1e-8 * max(1, values[0]))
    np.testing.assert_allclose(pca.pca_eigenvalues(x), np.maximum(values, 0), atol=1e-8 * max(1, values[0]))


@pytest.mark.whole
@given(sizes)
def test_projected_and_residual_variance_add_up(size):
    N, D, seed = size
    rng, x = draw(N, D, seed)
    C = linalg.orth(rng.normal(size=(D, max(1, D // 2)))).T
    total = np.trace(np.atleast_2d(np.cov(x, rowvar=False, bias=True)))
    assert np.isclose(pca.projected_variance(x, C) + pca.residual_variance(x, C), total)
    assert np.isclose(pca.total_variance(x), total)


@pytest.mark.whole
@given(sizes)
def test_no_subspace_loses_less_than_pcas(size):
    N, D, seed = size
    rng, x = draw(N, D, seed)
    K = min(N, D) - 1
    _, C = pca.pca_fit(x, K)
    other = linalg.orth(rng.normal(size=(D, K))).T
    assert pca.residual_variance(x, C) <= pca.residual_variance(x, other) + 1e-9
    assert np.isclose(pca.residual_variance(x, C), pca.pca_eigenvalues(x)[K:].sum(), atol=1e-8)


@given(sizes)
def test_decoding_what_was_encoded_is_the_nearest_point_of_the_subspace(size):
    N, D, seed = size
    rng, x = draw(N, D, seed)
    mean, C = pca.pca_fit(x, 1)
    z = pca.pca_encode(x, mean, C)
    x_hat = pca.pca_decode(z, mean, C)
    np.testing.assert_allclose(pca.pca_encode(x_hat, mean, C), z, atol=1e-8)
    nearby = pca.pca_decode(z + 0.1 * rng.normal(size=z.shape), mean, C)
    assert (((x - x_hat) ** 2).sum(1) <= ((x - nearby) ** 2).sum(1) + 1e-9).all()


@pytest.mark.parametrize("N", [40, 5])
@pytest.mark.parametrize("smallest", [1e-1, 1e-6, 1e-12])
def test_eigenvalues_far_below_the_largest_are_found(N, smallest):
    """Data made with the singular values that they shall have; their squares go beyond the 16 digits of a number."""
    rng = np.random.default_rng(0)
    D = 7
    basis = linalg.qr(np.column_stack([np.ones(N), rng.normal(size=(N, min(N - 1, D)))]), mode="economic")[0][:, 1:]
    s = np.geomspace(10, 10 * smallest, basis.shape[1])
    x = basis * s @ linalg.qr(rng.normal(size=(D, D)))[0][: len(s)]
    values = pca.pca_eigenvalues(x)
    np.testing.assert_allclose(values[: len(s)], s**2 / N, rtol=1e-13 / smallest)
    np.testing.assert_allclose(values[len(s) :], 0, atol=1e-28)
    assert values.shape == (D,) and np.all(np.diff(values) <= 0)


def test_k_out_of_range_is_refused():
    for K in (0, 4, -1):
        with pytest.raises(ValueError, match=rf"between 1 and min\(N, D\) = 3, but K = {K} came"):
            pca.pca_fit(np.zeros((3, 5)), K)


def test_gradients_agree_with_finite_differences():
    _, x = draw(9, 5, 0)

    def unpack(w):
        return w[:10].reshape(5, 2), w[10:].reshape(2, 5)

    def loss(w):
        U, V = unpack(w)
        return np.mean(np.sum((x - x @ V.T @ U.T) ** 2, axis=1))

    for seed in range(3):
        w = np.random.default_rng(seed).normal(size=20)
        error = check_grad(
            loss, lambda w: np.concatenate([g.ravel() for g in pca.linear_ae_gradients(x, *unpack(w))]), w
        )
        assert error < 1e-4 * np.linalg.norm(
            np.concatenate([g.ravel() for g in pca.linear_ae_gradients(x, *unpack(w))])
        )


def test_training_reaches_pcas_error_and_subspace_and_reports_every_step():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(200, 8)) * np.array([3, 2.5, 2, 0.5, 0.4, 0.3, 0.2, 0.1])
    x -= x.mean(axis=0)
    _, C = pca.pca_fit(x, 3)
    steps = []
    U, V = pca.linear_ae_train(x, 3, 3000, np.random.default_rng(0), callback=lambda step, U, V: steps.append(step))
    error = np.mean(np.sum((x - x @ V.T @ U.T) ** 2, axis=1))
    assert steps == list(range(3000)) and np.isclose(error, pca.residual_variance(x, C), rtol=1e-6)
    assert pca.subspace_angle(U, C.T) < 1e-4


def test_training_on_small_integers_is_training_on_the_same_real_numbers():
    x = np.random.default_rng(0).integers(0, 200, size=(50, 4))
    first, second = (pca.linear_ae_train(y, 2, 30, np.random.default_rng(1)) for y in (x.astype("u1"), x.astype(float)))
    for one, other in zip(first, second):
        np.testing.assert_allclose(one, other)


@pytest.mark.whole
@given(st.integers(2, 7), st.integers(0, 2**31))
def test_angles_agree_with_scipys_and_do_not_depend_on_the_basis(D, seed):
    rng = np.random.default_rng(seed)
    K = max(1, D // 2)
    A, B = rng.normal(size=(2, D, K))
    mix = rng.normal(size=(K, K)) + 3 * np.eye(K)
    expected = linalg.subspace_angles(A, B).max()
    assert np.isclose(pca.subspace_angle(A, B), expected, atol=1e-7)
    assert np.isclose(pca.subspace_angle(B @ mix, A), expected, atol=1e-6)
    assert 0 <= pca.subspace_angle(A, A @ mix) < 1e-6


def test_angle_of_known_lines():
    assert np.isclose(pca.subspace_angle(np.array([[1.0], [0]]), np.array([[-1.0], [1]])), np.pi / 4)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=10).filter(any), st.floats(0.01, 1))
def test_choose_k_is_the_first_that_is_enough(values, fraction):
    values = sorted(map(float, values), reverse=True)
    K = pca.choose_k(values, fraction)
    share = np.cumsum(values) / np.sum(values)
    assert share[K - 1] >= fraction and (K == 1 or share[K - 2] < fraction)


@given(st.integers(1, 200), st.sampled_from([0.1, 0.3, 1e-9, 7.7, 1e5]), st.data())
def test_choose_k_is_not_decided_by_rounding(n, value, data):
    """n equal eigenvalues: the share k / n is reached with the first k, whatever their sums round to."""
    k = data.draw(st.integers(1, n))
    assert pca.choose_k([value] * n, k / n) == k
    assert pca.choose_k(np.full(n, value, "f4"), 1.0) == n


@pytest.mark.whole
def test_all_the_variance_of_digits_takes_all_directions_that_vary():
    x = load_mnist().x_train[:1500]
    values = pca.pca_eigenvalues(x)
    K = pca.choose_k(values, 1.0)
    assert K == np.sum(np.cumsum(values[::-1])[::-1] > 1e-12 * values.sum()) > 500


@pytest.mark.parametrize(
    "eigenvalues, fraction", [([1.0], 1.1), ([1.0], -0.1), ([1.0], np.nan), ([0.0], 0.5), ([], 0.5)]
)
def test_choose_k_refuses_what_is_no_share(eigenvalues, fraction):
    with pytest.raises(ValueError, match="a fraction between 0 and 1 of eigenvalues with a positive sum is expected"):
        pca.choose_k(eigenvalues, fraction)


def test_linear_training_takes_steps_along_the_gradients_with_momentum():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 7)) @ rng.normal(size=(7, 7))
    U, V = pca.linear_ae_train(x, 3, 0, np.random.default_rng(1))
    speed = 0, 0
    for steps in (1, 2, 3):
        speed = [0.9 * s - g for s, g in zip(speed, pca.linear_ae_gradients(x, U, V))]
        U, V = U + 0.002 * speed[0], V + 0.002 * speed[1]
        got = pca.linear_ae_train(x, 3, steps, np.random.default_rng(1), step_size=0.002)
        np.testing.assert_allclose(got[0], U, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(got[1], V, rtol=1e-10, atol=1e-12)
