"""Masked networks: layers in which some weights are held at 0, so that each output looks at chosen inputs alone.

A masked network is a list of (W, b) as in `nets`, beside a list of masks of the shapes of its W, with 1 where a weight
is used. (Germain, Gregor, Murray and Larochelle 2015, "MADE: masked autoencoder for distribution estimation".)
"""

from collections.abc import Sequence

import numpy as np
from autograd.extend import defvjp_argnums, primitive

from course_utils.networks.arrays import Array, Network
from course_utils.networks.products import matmul


def made_masks(sizes: Sequence[int], order: Sequence[int]) -> list[Array]:
    """Masks (in, out) of 0 and 1 for layers `sizes` = [D, H..., D]: output j looks at the inputs i with
    order[i] < order[j], all of them and no others. `order[d]` is the place of dimension d, from 0; each H >= D - 1.

    A hidden unit with degree k, 1 <= k <= D - 1, may look at the k inputs that come first. Input d has degree
    order[d] + 1; a unit takes from units whose degree is not above its own, output j from hidden units with a degree
    of at most order[j]. Degrees are spread evenly: how many units have each differs by at most 1. (Germain et al. 2015,
    section 4.1, where degrees are drawn at random.)
    """
    sizes, place = list(sizes), np.asarray(order)
    D = sizes[0]
    if len(sizes) < 3 or sizes[-1] != D or D < 2 or min(sizes[1:-1]) < D - 1:
        raise ValueError(f"sizes should be [D, H..., D] with D >= 2 and every H >= D - 1, but {sizes} came")
    if place.shape != (D,) or sorted(place.tolist()) != list(range(D)):
        raise ValueError(f"order should hold the places 0..{D - 1}, each once, but it is {place.tolist()}")
    degrees = [place + 1, *(1 + np.arange(H) % (D - 1) for H in sizes[1:-1])]
    masks = [below[:, None] <= above for below, above in zip(degrees, degrees[1:])]
    masks.append(degrees[-1][:, None] <= place)
    return [mask.astype(np.float32) for mask in masks]


@primitive
def masked_dense(h: Array, W: Array, b: Array, mask: Array, /) -> Array:
    """A layer without activation, h (W * mask) + b. h (N, in), W and mask (in, out), b (out,) -> (N, out)."""
    a = matmul(h, W * mask)
    a += b
    return a


@primitive
def masked_dense_tanh(h: Array, W: Array, b: Array, mask: Array, /) -> Array:
    """A layer, tanh(h (W * mask) + b). h (N, in), W and mask (in, out), b (out,) -> (N, out)."""
    a = matmul(h, W * mask)
    a += b
    return np.tanh(a, out=a)


def masked_dense_vjp(argnums: Sequence[int], args: Sequence[Array], a_bar: Array) -> list[Array]:
    """The gradients of h, W and b with these numbers, given that of a = h (W * mask) + b:
    h_bar = a_bar (W * mask)^T, W_bar = (h^T a_bar) * mask, b_bar = a_bar summed over the examples."""
    h, W, _, mask = args
    a_bar = a_bar.astype(W.dtype, copy=False)
    gradients = (lambda: matmul(a_bar, (W * mask).T), lambda: matmul(h.T, a_bar) * mask, lambda: a_bar.sum(axis=0))
    return [gradients[i]() for i in argnums]


defvjp_argnums(masked_dense, lambda argnums, ans, args, _: lambda g: masked_dense_vjp(argnums, args, g))
defvjp_argnums(
    masked_dense_tanh, lambda argnums, ans, args, _: lambda g: masked_dense_vjp(argnums, args, g * (1 - ans * ans))
)


def masked_mlp(params: Network, masks: Sequence[Array], x: Array) -> Array:
    """The masked network's output, tanh between layers, none after the last. x (N, in) -> (N, out)."""
    if len(masks) != len(params) or any(np.shape(m) != np.shape(W) for m, (W, _) in zip(masks, params)):
        came = [np.shape(mask) for mask in masks]
        raise ValueError(f"each layer {[np.shape(W) for W, _ in params]} needs a mask of its shape, but {came} came")
    h = x
    for (W, b), mask in zip(params[:-1], masks):
        h = masked_dense_tanh(h, W, b, mask)
    return masked_dense(h, *params[-1], masks[-1])
