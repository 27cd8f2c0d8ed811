"""What the functions of this room expect of their arguments, asked at their entrance.

A refusal is a ValueError that says what was expected and what came. Boxes of autograd pass like the arrays in them.
"""

import numpy as np
from autograd.tracer import isbox


def floats(value):
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
