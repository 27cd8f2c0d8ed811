"""Gated recurrent units: one step as a formula, and a whole sequence as a single node of autograd's tape.

params = (W (I, 3H), U (H, 3H), b (3H,), c (3H,)), whose columns are three blocks: reset, update, new.
"""

from collections.abc import Sequence

import autograd.numpy as anp
import numpy as np
from autograd.extend import defvjp_argnums, primitive
from autograd.tracer import isbox
from numpy.random import Generator

from course_utils.networks.arrays import Array
from course_utils.networks.fast import sigmoid
from course_utils.networks.flat import matmul_into_gradient

Gru = tuple[Array, Array, Array, Array]


def init_gru(inputs: int, H: int, rng: Generator, dtype: type = np.float32) -> Gru:
    """(W, U, b, c) before training: weights N(0, 1 / fan_in), biases 0."""
    if min(inputs, H) < 1:
        raise ValueError(f"a GRU needs one input and one unit at least, but inputs = {inputs} and H = {H} came")
    W = (rng.normal(size=(inputs, 3 * H)) / np.sqrt(inputs)).astype(dtype)
    U = (rng.normal(size=(H, 3 * H)) / np.sqrt(H)).astype(dtype)
    return W, U, np.zeros(3 * H, dtype), np.zeros(3 * H, dtype)


def gru_step(params: Gru, h: Array, x: Array) -> Array:
    """The next state, (1 - u) n + u h. h (B, H), x (B, I) -> (B, H).

    r, u = sigmoid(x W + b + h U + c) of their blocks, n = tanh(x W_n + b_n + r (h U_n + c_n)). (Cho et al. 2014; in
    this form, with the reset behind the product, PyTorch's GRUCell.)
    """
    W, U, b, c = params
    _require_fit(W, U, b, c, x, h)
    H = U.shape[0]
    from_x, from_h = x @ W + b, h @ U + c
    gates = sigmoid(from_x[:, : 2 * H] + from_h[:, : 2 * H])
    r, u = gates[:, :H], gates[:, H:]
    n = anp.tanh(from_x[:, 2 * H :] + r * from_h[:, 2 * H :])
    return (1 - u) * n + u * h


def gru_sequence(params: Gru, h: Array, x: Array) -> Array:
    """The states after each of T steps of `gru_step`, from h (B, H), with inputs x (T, B, I) -> (T, B, H).

    One node of autograd's tape; first derivatives alone, in the type of their arguments. What the gradient needs of
    the forward pass is kept where a gradient may follow, and goes with that node.
    """
    W, U, b, c = params
    _require_fit(W, U, b, c, x[0], h)
    keep = [] if any(isbox(a) for a in (x, h, W, U, b, c)) else None
    return _states(x, h, W, U, b, c, keep)


def _require_fit(W, U, b, c, x, h):
    H = np.shape(U)[0]
    wanted, shapes = [(np.shape(W)[0], 3 * H), (H, 3 * H), (3 * H,), (3 * H,)], list(map(np.shape, (W, U, b, c)))
    if wanted != shapes:
        raise ValueError(f"(W, U, b, c) should have shapes (I, 3H), (H, 3H), (3H,) and (3H,), but they have {shapes}")
    if np.shape(x) != (np.shape(h)[0], wanted[0][0]) or np.shape(h)[1:] != (H,):
        raise ValueError(
            f"inputs (B, {wanted[0][0]}) and states (B, {H}) should come, but they have {np.shape(x)} and {np.shape(h)}"
        )


@primitive
def _states(x, h, W, U, b, c, keep):
    """The states (T, B, H); the list `keep`, unless None, gets the gates' values and the states' share of "new"."""
    T, B, I = x.shape
    H = U.shape[0]
    gates = (x.reshape(T * B, I) @ W).reshape(T, B, 3 * H)
    gates += b
    states = np.empty((T, B, H), gates.dtype)
    shares = np.empty((T, B, H), gates.dtype) if keep is not None else None
    from_h = np.empty((B, 3 * H), gates.dtype)
    for t in range(T):
        np.matmul(h, U, out=from_h)
        from_h += c
        ru, n = gates[t, :, : 2 * H], gates[t, :, 2 * H :]
        ru += from_h[:, : 2 * H]
        _sigmoid_in_place(ru)
        n += ru[:, :H] * from_h[:, 2 * H :]
        np.tanh(n, out=n)
        if shares is not None:
            shares[t] = from_h[:, 2 * H :]
        new = np.subtract(h, n, out=states[t])
        new *= ru[:, H:]
        new += n
        h = new
    if keep is not None:
        keep.extend((gates, shares))
    return states


def _sigmoid_in_place(a):
    """1 / (1 + exp(-a)) = (1 + tanh(a / 2)) / 2, which cannot overflow."""
    a *= 0.5
    np.tanh(a, out=a)
    a += 1
    a *= 0.5


def _states_vjp(argnums: Sequence[int], states: Array, args: Sequence, g: Array) -> list[Array]:
    """The gradients of the arguments with these numbers, given that of the states, g (T, B, H): back through time.

    Those of the pre-activations are collected for all steps, so that the weights' are one product each.
    """
    x, h0, W, U, _, _, (gates, shares) = args
    if isbox(g):
        raise NotImplementedError("gru_sequence has first derivatives alone; for more, loop over gru_step")
    T, B, H = states.shape
    from_x, from_h = np.empty_like(gates), np.empty_like(gates)  # gradients of x W + b and of h U + c
    h_bar = np.zeros((B, H), states.dtype)
    for t in range(T - 1, -1, -1):
        before = states[t - 1] if t else h0
        r, u, n = (gates[t, :, i * H : (i + 1) * H] for i in range(3))
        r_, u_, n_ = (from_x[t, :, i * H : (i + 1) * H] for i in range(3))
        h_bar += g[t]
        kept = h_bar * u
        np.multiply(h_bar - kept, 1 - n * n, out=n_)  # (1 - u) h_bar tanh'
        np.subtract(before, n, out=u_)
        u_ *= kept
        u_ *= 1 - u
        np.multiply(n_, r, out=from_h[t, :, 2 * H :])
        np.multiply(from_h[t, :, 2 * H :], shares[t], out=r_)
        r_ *= 1 - r
        from_h[t, :, : 2 * H] = from_x[t, :, : 2 * H]
        h_bar = np.matmul(from_h[t], U.T)
        h_bar += kept
    rows_x, rows_h = from_x.reshape(T * B, -1), from_h.reshape(T * B, -1)
    gradients = {
        0: lambda: (rows_x @ W.T).reshape(x.shape),
        1: lambda: h_bar,
        2: lambda: matmul_into_gradient(W, x.reshape(T * B, -1).T, rows_x),
        3: lambda: matmul_into_gradient(U, np.concatenate([h0[None], states[:-1]]).reshape(T * B, H).T, rows_h),
        4: lambda: rows_x.sum(axis=0),
        5: lambda: rows_h.sum(axis=0),
    }
    return [gradients[i]().astype(np.result_type(args[i]), copy=False) for i in argnums]


defvjp_argnums(_states, lambda argnums, ans, args, _: lambda g: _states_vjp(argnums, ans, args, g))
