"""What the functions of this room expect of their arguments, asked at their entrance.

A refusal is a ValueError that says what was expected and what came. Boxes of autograd pass like the arrays in them.
"""

from typing import Any

import numpy as np
from autograd.tracer import getval, isbox

Array = np.ndarray


def floats(value: Any) -> Any:
    """The value in floating point: integers, booleans and lists become float64, all others stay what they are.

    Left as they are, uint8 wraps at 256, an array of integers cuts what is written into it, exp of an 8-bit integer has
    three digits, and twice a list is a longer list. Numbers of Python stay such, as they leave float32 arrays float32.
    """
    if isbox(value) or isinstance(value, float):
        return value
    if isinstance(value, int):
        return float(value)
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"numbers are expected, but an array of {array.dtype} came")
    return array if array.dtype.kind == "f" else array.astype(float)


def shapes(**arrays: tuple[Any, str]) -> None:
    """Refuses arrays whose shapes do not fit together: shapes(x=(x, "N D"), W=(W, "D K")).

    A letter stands for the same length wherever it is. S, a number of samples, is at least 1.
    """
    lengths: dict[str, int] = {}
    fit = True
    for array, axes in arrays.values():
        shape, letters = np.shape(array), axes.split()
        fit &= len(shape) == len(letters) and all(lengths.setdefault(a, n) == n for a, n in zip(letters, shape))
    if not fit or lengths.get("S") == 0:
        expected = ", ".join(f"{name} {_as_shape(axes)}" for name, (_, axes) in arrays.items())
        samples = " with S > 0" if any("S" in axes.split() for _, axes in arrays.values()) else ""
        came = ", ".join(f"{name} {np.shape(array)}" for name, (array, _) in arrays.items())
        raise ValueError(f"expected {expected}{samples}, but these shapes came: {came}")


def _as_shape(axes: str) -> str:
    """ "N D" as (N, D), "N" as (N,)."""
    return f"({axes.replace(' ', ', ')})" if " " in axes else f"({axes},)"


def same_last_axis(**arrays: Any) -> int:
    """The length of the axis that all arrays end in; numbers stand for themselves along it. Leading axes broadcast."""
    found = {name: np.shape(array) for name, array in arrays.items() if np.ndim(array)}
    lengths = {shape[-1] for shape in found.values()}
    if len(lengths) != 1:
        came = ", ".join(f"{name} {shape}" for name, shape in found.items()) or "numbers alone"
        raise ValueError(f"expected arrays {', '.join(arrays)} with equally long last axes, but these came: {came}")
    return lengths.pop()


def _all(value: Any, fine: Any, name: str, what: str) -> None:
    if not np.all(fine):
        first = np.asarray(getval(value))[~np.asarray(fine)].flat[0]
        raise ValueError(f"{name} must be {what}, but {first:.6g} came")


def positive(**values: Any) -> None:
    """Refuses numbers that are not above 0; nan is not."""
    for name, value in values.items():
        _all(value, value > 0, name, "positive")


def not_negative(**values: Any) -> None:
    """Refuses numbers below 0, and nan."""
    for name, value in values.items():
        _all(value, value >= 0, name, "at least 0")


def between_0_and_1(**values: Any) -> None:
    """Refuses numbers outside of [0, 1], and nan."""
    for name, value in values.items():
        _all(value, (value >= 0) & (value <= 1), name, "between 0 and 1")


def probabilities(**values: Array) -> None:
    """Refuses arrays (C,) that are not probabilities: no entry below 0 or nan, and their sum is 1 up to rounding."""
    not_negative(**values)
    for name, value in values.items():
        if abs(np.sum(value) - 1) > 1e-3:  # far more than the rounding of a million float32 entries
            raise ValueError(f"{name} must be probabilities that add up to 1, but they add up to {np.sum(value):.6g}")


def ascending(grid: Array) -> None:
    """Refuses what is no grid (G,) of at least two points, each larger than the one before."""
    if np.ndim(grid) != 1 or len(grid) < 2 or not (np.diff(grid) > 0).all():
        raise ValueError(
            f"the grid must be ascending, of shape (G,) with G >= 2, but one of shape {np.shape(grid)} came"
            + " that does not ascend" * (np.ndim(grid) == 1 and len(grid) > 1)
        )
