"""The GRU: a step against an independent one, the sequence against the loop, gradients against differences."""

import gc
import weakref

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from autograd.core import make_vjp
from autograd.test_util import check_grads
from scipy.special import expit

from course_utils.networks import recurrent
from course_utils.networks.recurrent import gru_sequence, gru_step, init_gru


def some(I=3, H=4, B=5, T=6, dtype=float):
    rng = np.random.default_rng(0)
    params = tuple((a + 0.3 * rng.normal(size=a.shape)).astype(dtype) for a in init_gru(I, H, rng, dtype))
    return params, rng.normal(size=(B, H)).astype(dtype), rng.normal(size=(T, B, I)).astype(dtype)


def by_blocks(params, h, x):
    """One step as PyTorch's documentation of GRUCell writes it, from the blocks taken apart."""
    W, U, b, c = params
    H = h.shape[1]
    r, z, n = (slice(i * H, (i + 1) * H) for i in range(3))
    reset = expit(x @ W[:, r] + b[r] + h @ U[:, r] + c[r])
    update = expit(x @ W[:, z] + b[z] + h @ U[:, z] + c[z])
    new = np.tanh(x @ W[:, n] + b[n] + reset * (h @ U[:, n] + c[n]))
    return (1 - update) * new + update * h


def by_loop(params, h, x):
    states = []
    for step in range(x.shape[0]):
        h = gru_step(params, h, x[step])
        states.append(h)
    return anp.stack(states)


def test_a_step_is_the_formula():
    params, h, x = some()
    np.testing.assert_allclose(gru_step(params, h, x[0]), by_blocks(params, h, x[0]), rtol=1e-12)


def test_an_open_update_gate_keeps_the_state_and_a_closed_one_takes_the_new():
    (W, U, b, c), h, x = some()
    H = h.shape[1]
    b[H : 2 * H] = 1000
    np.testing.assert_allclose(gru_step((W, U, b, c), h, x[0]), h, rtol=1e-12)
    b[H : 2 * H] = -1000
    assert np.abs(gru_step((W, U, b, c), h, x[0])).max() < 1  # n alone, a tanh


def test_the_sequence_is_the_loop():
    params, h, x = some()
    np.testing.assert_allclose(gru_sequence(params, h, x), by_loop(params, h, x), rtol=1e-12)


@pytest.mark.parametrize("T", [1, 2, 6])
def test_the_gradient_is_that_of_finite_differences_in_float64(T):
    params, h, x = some(T=T)
    check_grads(lambda W, U, b, c, h, x: gru_sequence((W, U, b, c), h, x), modes=["rev"], order=1)(*params, h, x)


def test_the_gradient_is_that_of_the_loop():
    params, h, x = some()
    weights = np.random.default_rng(1).normal(size=(6, 5, 4))
    fused, plain = (grad(lambda a, f=f: anp.sum(weights * f(*a)))((params, h, x)) for f in (gru_sequence, by_loop))
    for one, other in zip((*fused[0], *fused[1:]), (*plain[0], *plain[1:])):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)


def test_a_gradient_through_the_last_state_alone_and_by_the_inputs_alone():
    params, h, x = some()
    got = grad(lambda x: anp.sum(gru_sequence(params, h, x)[-1] ** 2))(x)
    np.testing.assert_allclose(got, grad(lambda x: anp.sum(by_loop(params, h, x)[-1] ** 2))(x), atol=1e-12)


def test_float32_stays_float32():
    params, h, x = some(dtype=np.float32)
    assert gru_sequence(params, h, x).dtype == np.float32
    gradients = grad(lambda a: anp.mean(gru_sequence(a, h, x)))(params)
    assert {g.dtype for g in gradients} == {np.dtype("f4")}


def test_extreme_inputs_overflow_nothing():
    params, h, x = some()
    with np.errstate(all="raise"):
        assert np.isfinite(gru_sequence(params, h, 1e6 * x)).all()


@pytest.mark.whole
def test_nothing_is_kept_where_no_gradient_follows(monkeypatch):
    """Without a tracer the node keeps no gates; with one, they go with the tape, without help of the collector."""
    kept = []
    original = recurrent._states

    def watch(*args):
        kept.append(args[-1])
        return original(*args)

    monkeypatch.setattr(recurrent, "_states", watch)
    params, h, x = some()
    gru_sequence(params, h, x)
    assert kept == [None]
    gc.collect()
    gc.disable()
    try:
        vjp, _ = make_vjp(lambda W: anp.sum(gru_sequence((W, *params[1:]), h, x)), params[0])
        gates = weakref.ref(kept.pop()[0])
        assert gates() is not None
        del vjp
        assert gates() is None
    finally:
        gc.enable()


def test_second_derivatives_are_refused_with_a_reason():
    params, h, x = some()
    first = grad(lambda x: anp.sum(gru_sequence(params, h, x) ** 2))
    with pytest.raises(NotImplementedError, match="first derivatives alone"):
        grad(lambda x: anp.sum(first(x) ** 2))(x)


def test_shapes_that_do_not_fit_are_named():
    (W, U, b, c), h, x = some()
    with pytest.raises(ValueError, match=r"inputs \(B, 3\) and states \(B, 4\) should come"):
        gru_step((W, U, b, c), h, x[0, :, :2])
    with pytest.raises(ValueError, match=r"should have shapes \(I, 3H\)"):
        gru_sequence((W, U[:, :5], b, c), h, x)
    with pytest.raises(ValueError, match="one input and one unit at least"):
        init_gru(0, 3, np.random.default_rng(0))
