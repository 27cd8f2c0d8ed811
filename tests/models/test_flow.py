"""Flows: determinants from finite differences, the way back, and a density that integrates to 1."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import value_and_grad

from course_utils.models import flow
from course_utils.models.toy_maps import wavy_scale, wavy_shift
from course_utils.networks.flat import leaves, map_leaves
from course_utils.networks.nets import init_mlp, mlp


def some_flow(D=4, layers=4, seed=0):
    rng = np.random.default_rng(seed)
    networks = [init_mlp([D, 6, 2 * D], rng, float) for _ in range(layers)]
    return flow.Flow(rng.normal(size=D), rng.uniform(0.5, 2, D), flow.alternating_masks(D, layers), networks), rng


def slope(f, x, h=1e-5):
    """The Jacobian (D, D) of f (1, D) -> (1, D) at x (D,), by central differences."""
    return np.stack([(f((x + h * e)[None])[0] - f((x - h * e)[None])[0]) / (2 * h) for e in np.eye(len(x))]).T


def test_a_coupling_and_its_inverse():
    rng, mask = np.random.default_rng(1), np.array([1.0, 0, 0, 1, 0])
    x = rng.normal(size=(6, 5))
    z, log_det = flow.coupling_forward(x, mask, wavy_scale, wavy_shift)
    assert (z[:, mask == 1] == x[:, mask == 1]).all() and not np.isclose(z, x)[:, mask == 0].any()
    np.testing.assert_allclose(flow.coupling_inverse(z, mask, wavy_scale, wavy_shift), x, atol=1e-12)
    for row, value in zip(x, log_det):
        J = slope(lambda x: flow.coupling_forward(x, mask, wavy_scale, wavy_shift)[0], row)
        assert np.isclose(np.linalg.slogdet(J)[1], value, atol=1e-7)


def test_a_whole_flow():
    model, rng = some_flow()
    x = rng.normal(size=(5, 4))
    z, log_det = flow.flow_forward(model, x)
    np.testing.assert_allclose(flow.flow_inverse(model, z), x, atol=1e-10)
    for row, value in zip(x, log_det):
        assert np.isclose(np.linalg.slogdet(slope(lambda x: flow.flow_forward(model, x)[0], row))[1], value, atol=1e-6)
    path = flow.flow_path(model, z)
    assert len(path) == 5
    np.testing.assert_allclose(path[0], z * model.scale + model.mean)


def test_a_network_runs_once_for_s_and_t_and_anew_for_other_numbers(monkeypatch):
    model, rng = some_flow()
    runs = []
    monkeypatch.setattr(flow, "mlp", lambda network, h: runs.append(1) or mlp(network, h))
    (_, s, t), h = model.couplings()[0], rng.normal(size=(5, 4))
    scale, shift = s(h), t(h)
    out = mlp(model.networks[0], h)
    np.testing.assert_array_equal(shift, out[:, 4:])
    np.testing.assert_array_equal(scale, flow.REACH * np.tanh(out[:, :4] / flow.REACH))
    scale *= 2  # what a caller does with them changes nothing
    shift += 1
    np.testing.assert_array_equal(t(h), out[:, 4:])
    np.testing.assert_array_equal(s(h), scale / 2)
    assert len(runs) == 1
    h += 1  # the same array, with other numbers
    np.testing.assert_array_equal(t(h), mlp(model.networks[0], h)[:, 4:])
    assert s(h.astype(np.float32)).dtype == np.float64 and len(runs) == 3


@pytest.mark.slow
def test_the_density_integrates_to_one():
    model, _ = some_flow(D=2)
    side = np.linspace(-25, 25, 1001)
    plane = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    assert abs(np.exp(flow.flow_log_prob(model, plane)).sum() * (side[1] - side[0]) ** 2 - 1) < 1e-3


def test_the_gradients_written_out_are_those_of_the_formulas():
    """`loss_and_gradients` gives what autograd gives of the couplings as plain formulas."""
    model, rng = some_flow(D=3, layers=5)
    z = rng.normal(size=(6, 3))

    def plain(networks):
        log_det, h = 0.0, z
        for mask, (first, last) in zip(model.masks, networks):
            a = anp.dot(anp.tanh(anp.dot(mask * h, first[0]) + first[1]), last[0]) + last[1]
            s = flow.REACH * anp.tanh(a[:, :3] / flow.REACH)
            h, log_det = mask * h + (1 - mask) * (h * anp.exp(s) + a[:, 3:]), log_det + anp.sum((1 - mask) * s)
        return (0.5 * anp.sum(h * h) - log_det) / len(z)

    value, gradients = flow.loss_and_gradients(model.networks, model.masks, z)
    exact, expected = value_and_grad(plain)(model.networks)
    assert np.isclose(value, exact)
    assert all(np.abs(leaf).max() > 1e-3 for leaf in leaves(expected))
    for found, leaf in zip(leaves(gradients), leaves(expected), strict=True):
        np.testing.assert_allclose(found, leaf, rtol=1e-5, atol=1e-7)


@pytest.mark.slow
def test_training_minimises_what_flow_log_prob_computes():
    rng = np.random.default_rng(3)
    a = rng.normal(size=2000)
    x = np.stack([a, np.sin(2 * a) + 0.2 * rng.normal(size=2000)], axis=1)
    losses = []
    model = flow.flow_train(x, flow.alternating_masks(2, 4), [16], 400, rng, callback=lambda t, p, v: losses.append(v))
    gaussian = -0.5 * np.linalg.slogdet(2 * np.pi * np.e * np.cov(x.T))[1]
    reached = flow.flow_log_prob(model, x).mean()
    assert reached > gaussian + 0.3
    assert abs(np.mean(losses[-50:]) + reached) < 0.1
    in_64 = model._replace(networks=map_leaves(np.float64, model.networks))
    np.testing.assert_allclose(flow.flow_log_prob(in_64, x[:9]), flow.flow_log_prob(model, x[:9]), atol=1e-3)


@pytest.mark.parametrize("D, layers", [(16, 8), (2, 4), (3, 5)])
def test_every_number_is_moved_and_kept(D, layers):
    masks = flow.alternating_masks(D, layers)
    assert masks.shape == (layers, D) and masks.any(axis=0).all() and (masks == 0).any(axis=0).all()
    np.testing.assert_array_equal(masks[0] + masks[1], 1)
