"""Principal component analysis, and the linear autoencoder that finds the same subspace.

Rows are examples: x (N, D). Variances are taken with 1/N and summed over dimensions.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.random import Generator

from course_utils.networks.arrays import Array, require_matrix


def pca_fit(x: Array, K: int) -> tuple[Array, Array]:
    """Mean and first K principal components of x, by the singular value decomposition of the centred data.

    x - mean = P diag(s) C: the rows of C are the eigenvectors of the covariance matrix, with eigenvalues s^2 / N in
    descending order. x (N, D), 1 <= K <= min(N, D). Returns mean (D,) and components (K, D), orthonormal rows.
    (Bishop 2006, section 12.1.)
    """
    x = np.asarray(x)
    require_matrix(x)
    if not 1 <= K <= min(x.shape):
        raise ValueError(f"K must be between 1 and min(N, D) = {min(x.shape)}, but K = {K} came")
    mean = x.mean(axis=0)
    _, _, components = np.linalg.svd(x - mean, full_matrices=False)
    return mean, components[:K]


def pca_eigenvalues(x: Array) -> Array:
    """Eigenvalues of the covariance matrix (1/N) sum_n (x_n - mean)(x_n - mean)^T, descending. x (N, D) -> (D,).

    They are s^2 / N, with the singular values s of the centred data, and 0 where there are more dimensions than s. The
    matrix itself, whose entries are squares, is not made: it would lose eigenvalues below 1e-16 of the largest, and
    this way those down to 1e-32 of it are found.
    """
    x = np.asarray(x, float)
    require_matrix(x)
    s = np.linalg.svd(x - x.mean(axis=0), compute_uv=False)
    return np.concatenate([s**2 / len(x), np.zeros(x.shape[1] - len(s))])


def pca_encode(x: Array, mean: Array, components: Array) -> Array:
    """Coordinates of x in the subspace: z = (x - mean) C^T. x (N, D), components C (K, D) -> z (N, K)."""
    return (np.asarray(x) - mean) @ np.asarray(components).T


def pca_decode(z: Array, mean: Array, components: Array) -> Array:
    """Points of the subspace from their coordinates: x_hat = mean + z C. z (N, K), components C (K, D) -> (N, D)."""
    return np.asarray(mean) + np.asarray(z) @ components


def total_variance(x: Array) -> float:
    """Variance of x (N, D) summed over dimensions: (1/N) sum_n ||x_n - mean||^2."""
    x = np.asarray(x)
    return ((x - x.mean(axis=0)) ** 2).sum(axis=1).mean()


def projected_variance(x: Array, components: Array) -> float:
    """Variance of the projection of x on orthonormal rows C: (1/N) sum_n ||C (x_n - mean)||^2, a scalar."""
    x = np.asarray(x)
    return total_variance(x @ np.asarray(components).T)


def residual_variance(x: Array, components: Array) -> float:
    """Variance that the projection on orthonormal rows C loses: (1/N) sum_n ||(I - C^T C)(x_n - mean)||^2, a scalar."""
    x, components = np.asarray(x), np.asarray(components)
    centred = x - x.mean(axis=0)
    return total_variance(centred - centred @ components.T @ components)


def choose_k(eigenvalues: Array, fraction: float) -> int:
    """The smallest K with lambda_1 + ... + lambda_K >= fraction * (the sum of all). eigenvalues descending -> int.

    A share that misses the fraction by less than 1e-12 counts as reached: sums round, and that of eight eigenvalues of
    0.1 may end below 0.8. 0 <= fraction <= 1.
    """
    sums = np.cumsum(np.asarray(eigenvalues, float))
    if not (0 <= fraction <= 1 and sums.size and sums[-1] > 0):
        raise ValueError(
            "a fraction between 0 and 1 of eigenvalues with a positive sum is expected, "
            f"but {fraction} of {eigenvalues} came"
        )
    return int(np.argmax(sums / sums[-1] >= fraction - 1e-12)) + 1


def linear_ae_gradients(x: Array, U: Array, V: Array) -> tuple[Array, Array]:
    """Gradients of the mean over examples of ||x_n - U V x_n||^2 with respect to U (D, K) and V (K, D).

    With residual r_n = x_n - U V x_n: dU = -(2/N) sum_n r_n (V x_n)^T and dV = -(2/N) U^T sum_n r_n x_n^T.
    x (N, D). Returns dU (D, K), dV (K, D).
    """
    x, U, V = map(np.asarray, (x, U, V))
    z = x @ V.T
    residual = x - z @ U.T
    dU = -2 / len(x) * residual.T @ z
    dV = -2 / len(x) * U.T @ (residual.T @ x)
    return dU, dV


def linear_ae_train(
    x: Array,
    K: int,
    steps: int,
    rng: Generator,
    step_size: float | None = None,
    callback: Callable[[int, Array, Array], Any] | None = None,
) -> tuple[Array, Array]:
    """Trains x_hat = U V x on centred x (N, D) by gradient descent with momentum 0.9, `steps` updates.

    The loss depends on the data only through S = x^T x / N, so a step costs O(D^2 K) and not O(N D K):
    with E = (I - U V) S, dU = -2 E V^T and dV = -2 U^T E, neither of which needs the matrix E (D, D) itself.
    The default step is 0.1 / (largest eigenvalue of S).
    `callback(step, U, V)`, if given, is called after every update. Returns U (D, K), V (K, D).
    """
    x = np.asarray(x)
    require_matrix(x)
    x = x if x.dtype.kind == "f" else x.astype(float)  # products of small integers would wrap
    S = x.T @ x / len(x)
    if step_size is None:
        step_size = float(0.1 / np.linalg.norm(S, 2))
    U = rng.normal(size=(x.shape[1], K)) / np.sqrt(x.shape[1])
    V = rng.normal(size=(K, x.shape[1])) / np.sqrt(x.shape[1])
    speed_U, speed_V = np.zeros_like(U), np.zeros_like(V)
    for step in range(steps):
        SV, SU = np.split(S @ np.concatenate([V.T, U], axis=1), 2, axis=1)  # S V^T and S U, in one pass over S
        speed_U = 0.9 * speed_U + 2 * (SV - U @ (V @ SV))
        speed_V = 0.9 * speed_V + 2 * (SU - SV @ (U.T @ U)).T
        U, V = U + step_size * speed_U, V + step_size * speed_V
        if callback:
            callback(step, U, V)
    return U, V


def subspace_angle(A: Array, B: Array) -> float:
    """The largest principal angle between the column spaces of A (D, K) and B (D, K), in radians in [0, pi/2].

    With orthonormal bases Q_A and Q_B, the cosines of the principal angles are the singular values of Q_A^T Q_B.
    The columns must be independent, but need not be orthonormal. (Bjorck and Golub 1973.)
    """
    Q_A, Q_B = np.linalg.qr(A)[0], np.linalg.qr(B)[0]
    cosines = np.linalg.svd(Q_A.T @ Q_B, compute_uv=False)
    return float(np.arccos(np.clip(cosines.min(), -1, 1)))
