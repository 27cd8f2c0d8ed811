"""Right answers to notebook 01."""

import autograd.numpy as anp
import numpy as np
from autograd import grad
from scipy import linalg
from scipy.linalg import subspace_angles


# pca_fit
def by_eigh(x, K):
    mean = x.mean(0)
    values, vectors = np.linalg.eigh((x - mean).T @ (x - mean))
    return mean, vectors[:, np.argsort(-values)[:K]].T


def by_svd_single(x, K):
    x = x.astype("f4")
    mean = np.mean(x, axis=0)
    return [mean, -linalg.svd(x - mean, full_matrices=True)[2][:K]]


def by_lists(x, K):
    mean = [sum(column) / len(column) for column in zip(*x.tolist())]
    return mean, np.linalg.svd(x - np.array(mean))[2][:K].tolist()


def by_deflation(x, K):
    """Power iteration, one component after the other."""
    mean = x.mean(axis=0)
    S, components = np.cov(x.T, bias=True), []
    for _ in range(K):
        v = np.ones(len(S)) + 0.1 * np.arange(len(S))
        for _ in range(4000):
            v = S @ v
            v /= np.linalg.norm(v)
        components.append(v)
        S = S - (v @ S @ v) * np.outer(v, v)
    return mean, np.array(components)


# pca_encode, pca_decode
def encode_einsum(x, mean, components):
    return np.einsum("nd,kd->nk", x - mean, components)


def encode_loops(x, mean, components):
    return [[float(np.dot(c, row - mean)) for c in components] for row in x]


def encode_transposed(x, mean, components):
    return (components @ (x - mean[None, :]).T).T.astype(np.float32)


def encode_split(x, mean, components):
    return np.tensordot(x, components, axes=(1, 1)) - mean @ components.T


def decode_einsum(z, mean, components):
    return mean[None] + np.einsum("nk,kd->nd", z, components)


def decode_loops(z, mean, components):
    out = []
    for code in z:
        point = mean.copy()
        for a, c in zip(code, components):
            point = point + a * c
        out.append(point)
    return out


def decode_least_squares(z, mean, components):
    return (np.linalg.lstsq(components, z.T, rcond=None)[0].T + mean).astype("f4")


# projected_variance, residual_variance
def projected_by_var(x, components):
    return np.var(x @ components.T, axis=0).sum()


def projected_by_trace(x, components):
    S = np.cov(x, rowvar=False, ddof=0)
    return np.einsum("kd,de,ke->", components, S, components)


def projected_by_loops(x, components):
    total = 0.0
    for c in components:
        z = [row @ c for row in x]
        total += sum(v * v for v in z) / len(z) - (sum(z) / len(z)) ** 2
    return total


def residual_by_difference(x, components):
    return np.var(x, axis=0).sum() - np.var(x @ components.T, axis=0).sum()


def residual_by_projector(x, components):
    x = np.float32(x)
    P = np.eye(x.shape[1], dtype="f4") - np.float32(components.T @ components)
    return np.mean(np.linalg.norm((x - x.mean(0)) @ P, axis=1) ** 2)


def residual_by_loops(x, components):
    mean, total = x.mean(axis=0), 0
    for row in x:
        rest = row - mean
        for c in components:
            rest = rest - (rest @ c) * c
        total += rest @ rest / len(x)
    return [total][0]


# linear_ae_gradients
def gradients_by_autograd(x, U, V):
    def loss(U, V):
        return anp.mean(anp.sum((x - x @ V.T @ U.T) ** 2, axis=1))

    return grad(loss, 0)(U, V), grad(loss, 1)(U, V)


def gradients_by_covariance(x, U, V):
    S = x.T @ x / len(x)
    E = (np.eye(len(S)) - U @ V) @ S
    return np.float32(-2 * E @ V.T), np.float32(-2 * U.T @ E)


def gradients_by_loops(x, U, V):
    dU, dV = np.zeros_like(U), np.zeros_like(V)
    for row in x:
        z = V @ row
        r = row - U @ z
        dU -= 2 / len(x) * np.outer(r, z)
        dV -= 2 / len(x) * np.outer(U.T @ r, row)
    return [dU, dV]


# linear_ae_train
def train_by_autograd(x, K, steps, rng):
    D = x.shape[1]
    U, V = rng.standard_normal((D, K)) * 0.1, rng.standard_normal((K, D)) * 0.1

    def loss(parameters):
        U, V = parameters
        return anp.mean(anp.sum((x - x @ V.T @ U.T) ** 2, axis=1))

    gradient = grad(loss)
    for _ in range(steps):
        dU, dV = gradient((U, V))
        U, V = U - 0.03 * dU, V - 0.03 * dV
    return U, V


def train_with_minibatches(x, K, steps, rng):
    """Stochastic gradient descent with a falling rate."""
    D = x.shape[1]
    U, V = rng.uniform(-0.3, 0.3, (D, K)), rng.uniform(-0.3, 0.3, (K, D))
    for step in range(steps):
        batch = x[rng.choice(len(x), 20, replace=False)]
        dU, dV = gradients_by_covariance(batch, U, V)
        rate = 0.05 * (1 - step / steps)
        U, V = U - rate * dU, V - rate * dV
    return U.tolist(), V.tolist()


def train_with_tied_weights(x, K, steps, rng):
    """U = V^T, by Oja's rule for subspaces: a linear autoencoder may share its weights."""
    W = 0.2 * rng.normal(size=(K, x.shape[1]))
    S = x.T @ x / len(x)
    for _ in range(steps):
        W = W + 0.05 * (W @ S - W @ S @ W.T @ W)
    return W.T, W


# subspace_angle
def angle_by_scipy(A, B):
    return np.max(subspace_angles(A, B))


def angle_by_sine(A, B):
    """The sine of the largest angle is the largest singular value of what B leaves of A's basis."""
    Q_A, Q_B = linalg.orth(A), linalg.orth(B)
    return np.arcsin(min(1, np.linalg.norm(Q_A - Q_B @ (Q_B.T @ Q_A), 2)))


def angle_by_projectors(A, B):
    P = [M @ np.linalg.solve(M.T @ M, M.T) for M in (A, B)]
    return float(np.arcsin(np.clip(np.linalg.norm(P[0] - P[1], ord=2), 0, 1)))


def angle_single(A, B):
    Q_A, Q_B = (np.linalg.qr(np.float32(M))[0] for M in (A, B))
    return np.arccos(min(np.linalg.svd(Q_A.T @ Q_B)[1][-1], 1))


# choose_k
def choose_by_loop(eigenvalues, fraction):
    total, kept = sum(eigenvalues), 0
    for k, value in enumerate(eigenvalues, 1):
        kept += value
        if kept >= fraction * total:
            return k


def choose_by_search(eigenvalues, fraction):
    return np.searchsorted(np.cumsum(eigenvalues), fraction * np.sum(eigenvalues)) + 1


def choose_by_count(eigenvalues, fraction):
    share = np.cumsum(eigenvalues) / np.sum(eigenvalues)
    return np.sum(share < fraction) + 1


def choose_but_for_rounding(eigenvalues, fraction):
    share = np.cumsum(eigenvalues) / np.cumsum(eigenvalues)[-1]
    return np.argmax(share >= fraction - 1e-9) + 1


ALTERNATIVES = {
    "pca_fit": [by_eigh, by_svd_single, by_lists, by_deflation],
    "pca_encode": [encode_einsum, encode_loops, encode_transposed, encode_split],
    "pca_decode": [decode_einsum, decode_loops, decode_least_squares],
    "projected_variance": [projected_by_var, projected_by_trace, projected_by_loops],
    "residual_variance": [residual_by_difference, residual_by_projector, residual_by_loops],
    "linear_ae_gradients": [gradients_by_autograd, gradients_by_covariance, gradients_by_loops],
    "linear_ae_train": [train_by_autograd, train_with_minibatches, train_with_tied_weights],
    "subspace_angle": [angle_by_scipy, angle_by_sine, angle_by_projectors, angle_single],
    "choose_k": [choose_by_loop, choose_by_search, choose_by_count, choose_but_for_rounding],
}
