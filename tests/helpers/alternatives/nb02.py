"""Right answers to notebook 02."""

import autograd.numpy as anp
import numpy as np
from autograd import grad, value_and_grad
from scipy.spatial.distance import cdist

from course_utils.networks.nets import init_mlp, mlp
from course_utils.networks.optim import adam, minibatches


# mlp_forward
def recursive(params, x, activation):
    (W, b), *rest = params
    h = np.einsum("ni,io->no", x, W) + b
    return recursive(rest, activation(h), activation) if rest else h


def biases_as_weights(params, x, activation):
    h = x
    for i, (W, b) in enumerate(params):
        h = np.c_[h, np.ones(len(h))] @ np.vstack([W, b])
        h = activation(h) if i + 1 < len(params) else h
    return h.tolist()


def single_precision(params, x, activation):
    h = x.astype("f4")
    for W, b in params[:-1]:
        h = activation(h @ W.astype("f4") + b.astype("f4"))
    return h @ params[-1][0].astype("f4") + params[-1][1].astype("f4")


# squared_error
def by_einsum(x, x_hat):
    return np.einsum("nd,nd->n", x - x_hat, x - x_hat)


def by_norm(x, x_hat):
    return np.linalg.norm(x.astype("f4") - x_hat.astype("f4"), axis=-1) ** 2


def by_loops(x, x_hat):
    return [sum((a - b) ** 2 for a, b in zip(p, q)) for p, q in zip(x, x_hat)]


# autoencoder_train
def with_adam(x, sizes, steps, rng):
    """All of x in every step, Adam's usual step size, double precision."""

    def loss(params, x):
        return anp.mean(anp.sum((x - mlp(params[1], mlp(params[0], x))) ** 2, axis=1))

    params = (init_mlp(sizes, rng, float), init_mlp(sizes[::-1], rng, float))
    return adam(loss, params, (x for _ in range(steps)), steps)


def gradient_descent(x, sizes, steps, rng):
    """Plain steps against the gradient, on one list of layers."""

    def loss(layers):
        h = x
        for i, (W, b) in enumerate(layers):
            h = anp.dot(h, W) + b
            if i not in (len(sizes) - 2, len(layers) - 1):
                h = anp.tanh(h)
        return anp.mean(anp.sum((h - x) ** 2, axis=1))

    mirror = sizes + sizes[-2::-1]
    layers = [[rng.normal(size=(n, m)) / n**0.5, np.zeros(m)] for n, m in zip(mirror, mirror[1:])]
    for _ in range(steps):
        layers = [[p - 0.03 * g for p, g in zip(layer, slopes)] for layer, slopes in zip(layers, grad(loss)(layers))]
    return [layers[: len(sizes) - 1], layers[len(sizes) - 1 :]]


def momentum_on_minibatches(x, sizes, steps, rng):
    """Lists in lists come back, and the loss is a mean over all entries."""
    params = [init_mlp(sizes, rng, float), init_mlp(sizes[::-1], rng, float)]
    slope = value_and_grad(lambda p, x: anp.mean((x - mlp(p[1], mlp(p[0], x))) ** 2))
    speed = [[[0 * W, 0 * b] for W, b in part] for part in params]
    for batch in minibatches(x, 50, steps, rng):
        _, g = slope(params, batch)
        speed = [[[0.9 * v - 0.03 * d for v, d in zip(*pair)] for pair in zip(s, part)] for s, part in zip(speed, g)]
        params = [[[a + v for a, v in zip(*pair)] for pair in zip(part, s)] for part, s in zip(params, speed)]
    return [[[W.tolist(), b.tolist()] for W, b in part] for part in params]


# nearest_neighbour_accuracy
def by_cdist(codes_train, y_train, codes_test, y_test):
    return (y_train[cdist(codes_test, codes_train).argmin(1)] == y_test).mean()


def one_by_one(codes_train, y_train, codes_test, y_test):
    right = 0
    for code, y in zip(codes_test, y_test):
        right += y_train[min(range(len(y_train)), key=lambda n: sum((codes_train[n] - code) ** 2))] == y
    return float(right) / len(y_test)


def broadcast_single(codes_train, y_train, codes_test, y_test):
    differences = codes_test.astype("f4")[:, None] - codes_train.astype("f4")
    return np.mean(y_train[np.argmin(np.sum(differences**2, axis=-1), axis=1)] == y_test, dtype="f4")


# interpolate_linear
def by_linspace(a, b, steps):
    return np.linspace(a, b, steps)


def by_outer_product(a, b, steps):
    t = np.arange(steps) / (steps - 1)
    return a + np.multiply.outer(t, np.subtract(b, a))


def step_by_step(a, b, steps):
    return [a + (b - a) * (i / (steps - 1)) for i in range(steps)]


ALTERNATIVES = {
    "mlp_forward": [recursive, biases_as_weights, single_precision],
    "squared_error": [by_einsum, by_norm, by_loops],
    "autoencoder_train": [with_adam, gradient_descent, momentum_on_minibatches],
    "nearest_neighbour_accuracy": [by_cdist, one_by_one, broadcast_single],
    "interpolate_linear": [by_linspace, by_outer_product, step_by_step],
}
