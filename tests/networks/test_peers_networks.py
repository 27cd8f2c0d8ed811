"""Networks, their gradients and Adam beside PyTorch, scikit-learn and autograd's own optimiser, in float64.

PyTorch is no requirement of the course or its tests: what needs it is left out where it is not installed.
"""

import importlib.util

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from autograd.misc.optimizers import adam as autograds_adam
from sklearn.neural_network import MLPClassifier, MLPRegressor

from course_utils.networks import fast
from course_utils.networks.flat import flatten, unflatten
from course_utils.networks.nets import init_mlp, mlp
from course_utils.networks.optim import adam, cosine_decay, hold_then_linear, minibatches

needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
seeds = pytest.mark.parametrize("seed", range(3))


@pytest.mark.parametrize(
    "activation, ours", [("tanh", anp.tanh), ("logistic", fast.sigmoid), ("identity", lambda h: h)]
)
def test_a_network_says_what_scikit_learns_says(activation, ours):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 4)), rng.normal(size=(30, 3))
    with pytest.warns(Warning, match="Maximum iterations"):
        peer = MLPRegressor(hidden_layer_sizes=(6, 5), activation=activation, max_iter=3, random_state=0).fit(x, y)
    params = list(zip(peer.coefs_, peer.intercepts_))
    np.testing.assert_allclose(mlp(params, x, ours), peer.predict(x), rtol=1e-12)


def test_a_sigmoid_s_probability_is_scikit_learns():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(40, 3)), rng.integers(2, size=40)
    with pytest.warns(Warning, match="Maximum iterations"):
        peer = MLPClassifier((5,), activation="tanh", max_iter=3, random_state=0).fit(x, y)
    logits = mlp(list(zip(peer.coefs_, peer.intercepts_)), x)
    np.testing.assert_allclose(fast.sigmoid(logits)[:, 0], peer.predict_proba(x)[:, 1], rtol=1e-12)
    log_p = -fast.bernoulli_cross_entropy(y[:, None], logits)
    np.testing.assert_allclose(log_p, peer.predict_log_proba(x)[np.arange(40), y], rtol=1e-9)


def regression(seed):
    """A network, batches (x, y), and the loss of their squared error."""
    rng = np.random.default_rng(seed)
    params = init_mlp([4, 6, 2], rng, np.float64)
    x = rng.normal(size=(20, 4))
    rows = list(minibatches(np.arange(20), 8, 40, rng))
    target = np.sin(2 * x[:, :2]) + x[:, 2:]
    return params, [(x[r], target[r]) for r in rows]


def squared(params, batch):
    x, y = batch
    return anp.sum((mlp(params, x) - y) ** 2) / len(x)


@seeds
@pytest.mark.parametrize("rates", [{}, {"step_size": 0.05, "beta1": 0.5, "beta2": 0.9, "epsilon": 1e-4}])
def test_adam_goes_where_autograds_adam_goes(seed, rates):
    params, batches = regression(seed)
    ours, theirs = [], []
    adam(squared, params, batches, len(batches), **rates, callback=lambda t, p, loss: ours.append(flatten(p)))
    start, names = flatten(params), {"step_size": "step_size", "beta1": "b1", "beta2": "b2", "epsilon": "eps"}

    def gradient(flat, t):
        return grad(lambda flat: squared(unflatten(flat, params), batches[t]))(flat)

    end = autograds_adam(
        gradient,
        start,
        lambda x, t, g: theirs.append(x),  # before each update
        len(batches),
        **{"step_size": 1e-3, **{names[key]: value for key, value in rates.items()}},
    )
    np.testing.assert_allclose(ours, [*theirs[1:], end], rtol=1e-9, atol=1e-11)


# ----- PyTorch -----


def as_tensors(arrays, needs_grad=True):
    import torch

    return [torch.tensor(np.asarray(a), requires_grad=needs_grad) for a in arrays]


def peer_of(params):
    """The same network as an nn.Sequential of Linear and Tanh."""
    import torch
    from torch import nn

    layers = []
    for W, b in params:
        linear = nn.Linear(*W.shape, dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(W.T))
            linear.bias.copy_(torch.tensor(b))
        layers += [linear, nn.Tanh()]
    return nn.Sequential(*layers[:-1])


def gradients_of(network):
    return [(layer.weight.grad.numpy().T, layer.bias.grad.numpy()) for layer in network[::2]]


def torchs(name):
    """PyTorch's way to the same numbers, by its own functions and distributions where it has them."""
    import torch
    from torch.distributions import Independent, Normal, kl_divergence
    from torch.nn import functional

    def kl(mu, log_sigma):
        prior = Normal(torch.zeros_like(mu), torch.ones_like(mu))
        return kl_divergence(Independent(Normal(mu, log_sigma.exp()), 1), Independent(prior, 1))

    return {
        "dense": lambda h, W, b: functional.linear(h, W.T, b),
        "dense_tanh": lambda h, W, b: functional.linear(h, W.T, b).tanh(),
        "bernoulli_cross_entropy": lambda x, logits: functional.binary_cross_entropy_with_logits(
            logits, x.expand_as(logits), reduction="none"
        ).sum(-1),
        "sigmoid": torch.sigmoid,
        "gaussian_kl": kl,
        "gaussian_sample": lambda mu, log_sigma, eps: torch.addcmul(mu, log_sigma.exp(), eps),
    }[name]


# name: the shapes of the arguments, and which of them are differentiated
OPERATIONS = {
    "dense": ([(3, 5, 4), (4, 2), (2,)], (0, 1, 2)),
    "dense_tanh": ([(5, 4), (4, 2), (2,)], (0, 1, 2)),
    "bernoulli_cross_entropy": ([(5, 4), (3, 5, 4)], (1,)),
    "sigmoid": ([(5, 4)], (0,)),
    "gaussian_kl": ([(5, 4), (5, 4)], (0, 1)),
    "gaussian_sample": ([(5, 4), (5, 4), (3, 5, 4)], (0, 1)),
}


@needs_torch
@seeds
@pytest.mark.parametrize("name", OPERATIONS)
def test_values_and_gradients_are_pytorchs(name, seed):
    shapes, argnums = OPERATIONS[name]
    rng = np.random.default_rng(seed)
    args = [rng.normal(scale=1.5, size=shape) for shape in shapes]
    if name == "bernoulli_cross_entropy":
        args[0] = rng.random(shapes[0])
    tensors = as_tensors(args)
    theirs = torchs(name)(*tensors)
    ours = getattr(fast, name)(*args)
    np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=1e-10, atol=1e-12)
    weights = rng.normal(size=ours.shape)
    (theirs * as_tensors([weights], needs_grad=False)[0]).sum().backward()
    for i in argnums:
        slope = grad(lambda *args: anp.sum(getattr(fast, name)(*args) * weights), i)(*args)
        np.testing.assert_allclose(slope, tensors[i].grad.numpy(), rtol=1e-9, atol=1e-11)


@needs_torch
@seeds
def test_a_network_s_gradients_are_pytorchs(seed):
    params, batches = regression(seed)
    peer = peer_of(params)
    x, y = as_tensors(batches[0], needs_grad=False)
    loss = ((peer(x) - y) ** 2).sum() / len(x)
    loss.backward()
    assert squared(params, batches[0]) == pytest.approx(loss.item(), rel=1e-12)
    np.testing.assert_allclose(flatten(grad(squared)(params, batches[0])), flatten(gradients_of(peer)), rtol=1e-9)


@needs_torch
@seeds
@pytest.mark.parametrize("schedule", [None, cosine_decay, hold_then_linear])
def test_adam_goes_where_pytorchs_goes(seed, schedule):
    import torch

    params, batches = regression(seed)
    peer = peer_of(params)
    optimiser = torch.optim.Adam(peer.parameters(), lr=0.02)
    rate = schedule and schedule(1.0, len(batches))
    decay = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: rate(step + 1) if rate else 1.0)
    ours = []
    adam(
        squared,
        params,
        batches,
        len(batches),
        schedule(0.02, len(batches)) if schedule else 0.02,
        callback=lambda t, p, loss: ours.append(flatten(p)),
    )
    for batch, reached in zip(batches, ours, strict=True):
        x, y = as_tensors(batch, needs_grad=False)
        optimiser.zero_grad()
        (((peer(x) - y) ** 2).sum() / len(x)).backward()
        optimiser.step()
        decay.step()
        theirs = [(layer.weight.detach().numpy().T, layer.bias.detach().numpy()) for layer in peer[::2]]
        np.testing.assert_allclose(reached, flatten(theirs), rtol=1e-8, atol=1e-10)


@needs_torch
def test_the_cosine_is_pytorchs():
    import torch

    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=25)
    rate = cosine_decay(0.3, 25)
    for t in range(1, 26):
        assert rate(t) == pytest.approx(optimiser.param_groups[0]["lr"], rel=1e-9)
        optimiser.step()
        decay.step()
