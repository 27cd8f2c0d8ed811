"""Gated recurrent units: one step as a formula, and a whole sequence as a single node of autograd's tape.

params = (W (I, 3H), U (H, 3H), b (3H,), c (3H,)), whose columns are three blocks: reset, update, new.
"""

from collections.abc import Callable, Sequence

import autograd.numpy as anp
import numpy as np
from autograd.extend import defvjp_argnums, primitive
from autograd.tracer import isbox
from numpy.random import Generator

from course_utils.networks.arrays import Array
from course_utils.networks.fast import sigmoid
from course_utils.networks.flat import matmul_into_gradient
from course_utils.networks.products import matmul

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


def gru_sequence_and_back(params: Gru, h: Array, x: Array) -> tuple[Array, Callable[[Array], list[Array]]]:
    """(the states of `gru_sequence`, a function from their gradient (T, B, H) to those of x, h, W, U, b and c)."""
    args = (x, h, *params, [])
    states = _states(*args)
    return states, lambda bar: _states_vjp(range(6), states, args, bar)


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
    """The states (T, B, H); the list `keep`, unless None, gets the gates' values and h U_n + c_n of every step."""
    T, B, inputs = x.shape
    H = U.shape[0]
    both = b.copy()
    both[: 2 * H] += c[: 2 * H]  # in the gates the two biases only add up
    W, half = W.copy(), U.copy()  # sigmoid(a) = (1 + tanh(a / 2)) / 2, which cannot overflow
    for a in (both, W, half):
        a[..., : 2 * H] *= 0.5
    gates = matmul(x.reshape(T * B, inputs), W).reshape(T, B, 3 * H)
    states = np.empty((T, B, H), gates.dtype)
    shares = np.empty((T if keep is not None else 1, B, H), gates.dtype)
    from_h = np.empty((B, 3 * H), gates.dtype)
    for t in range(T):
        matmul(h, half, out=from_h)
        ru, n, share = gates[t, :, : 2 * H], gates[t, :, 2 * H :], shares[t if keep is not None else 0]
        gates[t] += both
        ru += from_h[:, : 2 * H]
        np.tanh(ru, out=ru)
        ru += 1
        ru *= 0.5
        np.add(from_h[:, 2 * H :], c[2 * H :], out=share)
        new = np.multiply(ru[:, :H], share, out=states[t])
        n += new
        np.tanh(n, out=n)
        np.subtract(h, n, out=new)
        new *= ru[:, H:]
        new += n
        h = new
    if keep is not None:
        keep.extend((gates, shares))
    return states


def _states_vjp(argnums: Sequence[int], states: Array, args: Sequence, g: Array) -> list[Array]:
    """The gradients of the arguments with these numbers, given that of the states, g (T, B, H): back through time.

    Step by step, in arrays that stay in the processor's cache; the weights' gradients are one product each, over all
    steps.
    """
    x, h0, W, U, _, _, (gates, shares) = args
    if isbox(g):
        raise NotImplementedError("gru_sequence has first derivatives alone; for more, loop over gru_step")
    T, B, H = states.shape
    from_x, from_h = np.empty_like(gates), np.empty_like(gates)  # gradients of x W + b and of h U + c
    back, h_bar, one, two = (np.zeros((B, H), states.dtype) for _ in range(4))
    to_h = np.ascontiguousarray(U.T)
    before = np.concatenate([h0[None], states[:-1]])
    for t in range(T - 1, -1, -1):
        r, u, n = (gates[t, :, i * H : (i + 1) * H] for i in range(3))
        to_r, to_u, to_n = (from_h[t, :, i * H : (i + 1) * H] for i in range(3))
        np.add(back, g[t], out=h_bar)
        np.multiply(h_bar, u, out=back)  # what goes straight to the state before
        np.subtract(before[t], n, out=one)
        one *= back
        np.subtract(1, u, out=two)
        np.multiply(one, two, out=to_u)  # h_bar (h - n) u (1 - u)
        two *= h_bar
        np.multiply(n, n, out=one)
        np.subtract(1, one, out=one)
        one *= two  # h_bar (1 - u) (1 - n^2)
        from_x[t, :, 2 * H :] = one
        np.multiply(one, r, out=to_n)
        np.multiply(to_n, shares[t], out=one)
        np.subtract(1, r, out=two)
        np.multiply(one, two, out=to_r)
        from_x[t, :, : 2 * H] = from_h[t, :, : 2 * H]
        matmul(from_h[t], to_h, out=one)
        back += one
    h0_bar = back
    rows_x, rows_h = from_x.reshape(T * B, -1), from_h.reshape(T * B, -1)
    gradients = {
        0: lambda: matmul(rows_x, W.T).reshape(x.shape),
        1: lambda: h0_bar,
        2: lambda: matmul_into_gradient(W, x.reshape(T * B, -1).T, rows_x),
        3: lambda: matmul_into_gradient(U, before.reshape(T * B, H).T, rows_h),
        4: lambda: rows_x.sum(axis=0),
        5: lambda: rows_h.sum(axis=0),
    }
    return [gradients[i]().astype(np.result_type(args[i]), copy=False) for i in argnums]


defvjp_argnums(_states, lambda argnums, ans, args, _: lambda g: _states_vjp(argnums, ans, args, g))
