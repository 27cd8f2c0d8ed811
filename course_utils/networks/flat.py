"""Nestings of arrays as views of one flat vector, and gradients that are written straight into such a vector.

autograd can differentiate with respect to a nesting of lists itself; but then it fills a nesting of zeros for every
array that is taken out of it and adds to that, which for a small network costs more than the network.
"""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from autograd.core import VJPNode, backward_pass, vspace
from autograd.extend import defvjp_argnums, primitive
from autograd.tracer import getval, isbox, new_box, trace_stack

from course_utils.networks.products import matmul

_slots: dict[
    int, np.ndarray
] = {}  # while a gradient is computed: id of a parameter -> the array that waits for its gradient


def map_leaves(f: Callable[[Any], Any], tree: Any) -> Any:
    """The nesting of lists, tuples and dicts with f(leaf) in place of each leaf; dicts in the order of their keys."""
    if isinstance(tree, dict):
        return {key: map_leaves(f, tree[key]) for key in sorted(tree)}
    if isinstance(tree, list | tuple):
        return type(tree)([map_leaves(f, item) for item in tree])
    return f(tree)


def leaves(tree: Any) -> list:
    """All leaves of a nesting of lists, tuples and dicts, in the order of `map_leaves`."""
    found: list = []
    map_leaves(found.append, tree)
    return found


def flatten(tree: Any) -> np.ndarray:
    """All numbers of a nesting of lists, tuples and dicts of arrays, in one vector."""
    return np.concatenate([np.ravel(leaf) for leaf in leaves(tree)])


def unflatten(flat: np.ndarray, like: Any) -> Any:
    """The inverse of `flatten`: the vector's numbers as a nesting like `like`. The arrays are views of the vector."""
    at = 0

    def view(leaf):
        nonlocal at
        at += np.size(leaf)
        return flat[at - np.size(leaf) : at].reshape(np.shape(leaf))

    return map_leaves(view, like)


def value_and_gradient(loss: Callable[[Any, Any], Any], params: Any, out: Any) -> Callable[[Any], float]:
    """A function of a batch that returns loss(params, batch), one number, as a float, and overwrites `out`, a nesting
    like `params`, with the gradient with respect to params.

    With `params` and `out` views of two flat vectors, this turns a gradient of nestings into one of vectors without
    a copy. What the loss gets is a real nesting of lists, tuples and dicts; autograd traces its leaves.
    """
    arrays, slots = leaves(params), leaves(out)
    slot_of = {id(array): slot for array, slot in zip(arrays, slots)}

    def compute(batch):
        unreached = dict(enumerate(slots))
        with trace_stack.new_trace() as trace:
            boxes = iter([new_box(array, trace, _root(i, unreached)) for i, array in enumerate(arrays)])
            end = loss(map_leaves(lambda array: next(boxes), params), batch)
        traced = isbox(end) and end._trace == trace
        value = end._value if traced else end
        if np.size(value) != 1:
            raise TypeError(f"the loss should be one number, but it has shape {np.shape(value)}")
        if traced:
            _slots.update(slot_of)
            try:
                backward_pass(vspace(value).ones(), end._node)
            finally:
                for key in slot_of:
                    _slots.pop(key, None)
        else:
            warnings.warn("the loss does not depend on the parameters: its gradient is 0", stacklevel=2)
        for slot in unreached.values():
            slot.fill(0)
        return float(np.reshape(value, ()))

    return compute


def values_and_gradients(
    function: Callable[..., Any], args: Sequence[np.ndarray]
) -> tuple[list[float], list[list[np.ndarray]]]:
    """([value, ...], [[gradient by each of the args], ...]) of a function of arrays that returns several numbers: one
    pass forward, and one back for each of them."""
    slots: dict[int, np.ndarray] = {}
    with trace_stack.new_trace() as trace:
        ends = function(*(new_box(array, trace, _root(i, slots)) for i, array in enumerate(args)))
    values, gradients = [getval(end) for end in ends], []
    for value, end in zip(values, ends):
        if np.size(value) != 1:
            raise TypeError(f"each result should be one number, but one has shape {np.shape(value)}")
        gradients.append([np.zeros_like(array) for array in args])
        slots.update(enumerate(gradients[-1]))
        if isbox(end) and end._trace == trace:
            backward_pass(vspace(value).ones(), end._node)
    return [float(np.reshape(value, ())) for value in values], gradients


def arrays_of(networks: Sequence[Any]) -> list[Any]:
    """All arrays of networks, each a list of pairs, in their order: `leaves` for this nesting alone, and quicker."""
    return [array for network in networks for layer in network for array in layer]


def untraced(networks: Sequence[Any]) -> list[Any]:
    """The networks, each a list of pairs of arrays, without autograd's boxes."""
    return [[(getval(a), getval(b)) for a, b in network] for network in networks]


@primitive
def with_gradients(value: float, gradients: list[np.ndarray], /, *params: np.ndarray) -> float:
    """A node of autograd's tape whose value and gradients by the params are known: of a loss whose gradient is written
    out, which for small networks is quicker than a tape of all that it consists of."""
    return value


defvjp_argnums(
    with_gradients, lambda argnums, ans, args, _: lambda g: [np.float32(g) * args[1][i - 2] for i in argnums]
)


def _root(i, slots):
    """A root of autograd's graph: parameter number i. Its gradient, complete when it arrives, goes to slots.pop(i)."""

    def receive(gradient):
        slot = slots.pop(i)
        if gradient is not slot:
            slot[...] = gradient
        return ()

    root = VJPNode.new_root()
    root.vjp = receive
    return root


def matmul_into_gradient(parameter: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a @ b, as (a part of) the gradient of `parameter`: written where that is collected, so that nothing is copied.

    Only the first such part may go there. Of a parameter that is used twice, autograd adds the second part to the
    first, in an array of its own, which `value_and_gradient` copies. Outside of `value_and_gradient`: plain a @ b.
    """
    slot = _slots.pop(id(parameter), None)
    return matmul(a, b, out=slot)
