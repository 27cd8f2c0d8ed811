"""Short names for the types that networks and models are made of, and what their functions require of arguments.

Each check says what was expected and what came. Those that look at shapes cost microseconds and stand in functions that
training calls at every step; those that look at values stand where data enter, once. What autograd traces passes.
"""

from collections.abc import Sequence

import numpy as np
from autograd.tracer import getval

Array = np.ndarray
Network = list[tuple[Array, Array]]  # layer by layer (W, b), W (in, out), b (out,)


def require_finite(a: Array, name: str) -> None:
    """Raises ValueError where `a` has entries that are nan or infinite."""
    bad = ~np.isfinite(getval(a))
    if bad.any():
        raise ValueError(f"{name} should hold finite numbers alone, but {bad.sum()} of {bad.size} are nan or infinite")


def require_matrix(x: Array, name: str = "x", D: int | None = None) -> None:
    """Raises ValueError unless x is (N, D), rows that are examples, with at least one row, and finite."""
    shape = np.shape(x)
    if len(shape) != 2 or not shape[0] or (D is not None and shape[1] != D):
        expected = "(N, D)" if D is None else f"(N, {D})"
        raise ValueError(f"{name} should be {expected}, rows that are examples, but it has shape {shape}")
    require_finite(x, name)


def require_examples(x: Array, sizes: Sequence[int], name: str = "x", black_to_white: bool = False) -> Array:
    """The data that a network with layers `sizes` is trained on, as float32 (N, sizes[0]); ValueError unless they fit.

    With `black_to_white` they are grey values between 0 and 1.
    """
    x = np.asarray(x, np.float32)
    if x.ndim != 2 or sizes[0] != x.shape[1]:
        raise ValueError(
            f"sizes[0] must be the dimension of {name}, but sizes = {list(sizes)} and {name} has shape {x.shape}"
        )
    require_matrix(x, name)
    if black_to_white and (x.min() < 0 or x.max() > 1):
        raise ValueError(f"{name} must lie between 0 and 1, but it goes from {x.min():.3g} to {x.max():.3g}")
    return x


def require_labels(y: Array, C: int, N: int | None = None) -> Array:
    """The labels as whole numbers (N,); ValueError unless they are such numbers, 0..C-1, and as many as there are
    examples."""
    y = np.asarray(y)
    if y.ndim != 1 or y.dtype.kind not in "buif" or np.any(y < 0) or np.any(y >= C) or np.any(y != np.round(y)):
        raise ValueError(f"labels should be whole numbers 0..{C - 1} of shape (N,), but they are {y!r:.200}")
    if N is not None and len(y) != N:
        raise ValueError(f"each of the {N} examples should have one label, but {len(y)} labels came")
    return y.astype(int)


def require_noise(eps: Array, mu: Array, samples: bool = False) -> None:
    """Raises ValueError unless eps is noise for codes like mu (N, K): (S, N, K) or, but for `samples`, also (N, K)."""
    wanted, shape = np.shape(mu), np.shape(eps)
    if shape[-2:] != wanted or len(shape) not in ((3,) if samples else (2, 3)):
        N, K = wanted if len(wanted) == 2 else ("N", "K")
        other = "" if samples else f"({N}, {K}) or "
        raise ValueError(f"eps should be {other}(S, {N}, {K}), noise for each code, but it has shape {shape}")


def require_one_shape(**arrays: Array) -> None:
    """Raises ValueError unless the two or more named arrays have one shape."""
    shapes = [np.shape(a) for a in arrays.values()]
    if len(set(shapes)) > 1:
        names, came = (" and ".join(map(str, these)) for these in (arrays, shapes))
        raise ValueError(f"{names} should have one shape, but they have {came}")


def require_rows(**arrays: Array) -> None:
    """Raises ValueError unless the named arrays have as many rows, one for each example."""
    if len({np.shape(a)[:1] or None for a in arrays.values()}) > 1:
        came = " and ".join(f"{name} {np.shape(a)}" for name, a in arrays.items())
        raise ValueError(f"one row for each example is expected in every array, but there are {came}")


def require_positive(number: float | Array, name: str) -> None:
    """Raises ValueError unless the number (or every number of the array) is above 0."""
    value = np.asarray(getval(number))
    if not np.all(value > 0):
        raise ValueError(f"{name} should be positive, but {value} came")
