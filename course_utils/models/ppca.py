"""Probabilistic PCA: z ~ N(0, I), x = W z + mean + noise of variance eta, and its maximum of the likelihood."""

import warnings

import numpy as np

from course_utils.models.pca import pca_eigenvalues, pca_fit
from course_utils.networks.arrays import Array, require_matrix


def ppca_fit(x: Array, K: int) -> tuple[Array, Array, float]:
    """(W (D, K), mean (D,), eta) that maximise the likelihood of x (N, D), in closed form, K < D.

    With the eigenvalues lambda_1 >= lambda_2 >= ... of the covariance (1/N), and its first eigenvectors as columns of
    U: eta = the mean of lambda_{K+1}, ..., lambda_D, and W = U diag(sqrt(lambda_k - eta)). Any W R with R a rotation
    has the same likelihood, as only W W^T enters it. (Tipping and Bishop 1999, eqs. 7 and 8.)

    Where the examples lie in K dimensions or fewer, as N <= K + 1 of them always do, nothing is left for the noise: eta
    is 0 but for rounding, the likelihood has no maximum, and a warning says so. Equal examples are refused.
    """
    x = np.asarray(x, float)
    require_matrix(x)
    D = x.shape[1]
    if not 1 <= K < D:
        raise ValueError(
            f"K must be between 1 and D - 1 = {D - 1}: some directions must be left for the noise, but K = {K} came"
        )
    if np.all(x == x[:1]):
        raise ValueError(f"ppca_fit needs examples that differ, but all {len(x)} of x {x.shape} are the same")
    eigenvalues = pca_eigenvalues(x)
    eta = eigenvalues[K:].mean()
    if eta < eigenvalues[0] * (max(x.shape) * np.finfo(float).eps) ** 2:
        warnings.warn(f"x {x.shape} lies in K = {K} dimensions or fewer: eta is 0 but for rounding", stacklevel=2)
    mean, components = pca_fit(x, min(K, len(x)))  # with N < K the other columns of W are 0
    W = np.zeros((D, K))
    W[:, : len(components)] = components.T * np.sqrt(np.maximum(eigenvalues[: len(components)] - eta, 0))
    return W, mean, eta
