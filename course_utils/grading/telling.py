"""What a feedback page may say about things that the student's code has made up: words, and no data.

An error's text, the name of a type or the keys of a dict are the student's to choose while the hidden inputs lie before
them. So nothing of it is repeated. What is told instead is chosen from lists that are fixed before the code runs:

- the error's type, if it is Python's, numpy's or ours;
- its text, if it is one of the texts that Python and numpy have for everyday mistakes. Names in it are told if they
  stand in the line that is shown or in the exercise's signature, or are those of common types and modules; numbers, if
  they are lengths of the inputs (or sums or products of two of them) or at most 6: lengths say how much data there is,
  not what it is, and without them a message on shapes helps nobody. Everything else becomes "…";
- the line that raised it, by its number: what is shown comes from the submission's own source.

With many lines to choose from, some 60 bits an answer can still be told in this way. They are of no use for another
submission, whose inputs are others (Grader.scored).
"""

import builtins
import functools
import os
import re
from collections.abc import Iterable
from itertools import chain, zip_longest
from typing import Any

import numpy as np

from course_utils.checking.judging import Words
from course_utils.checking.wire import MAX_DEPTH
from course_utils.exercises import Exercise

MOST = 500  # characters of an error's text that are looked at
SMALL = 6
ELSE = "…"
ERRORS = {
    name for name, value in vars(builtins).items() if isinstance(value, type) and issubclass(value, BaseException)
}
ERRORS |= {"LinAlgError", "AxisError", "AnswerHidden", "CellTimeout", "_ArrayMemoryError"}
ERRORS |= {f"_UFunc{what}Error" for what in ("NoLoop", "BinaryResolution", "OutputCasting", "InputCasting")}
TYPES = {name for name, value in vars(builtins).items() if isinstance(value, type)} | {
    "NoneType",
    "function",
    "builtin_function_or_method",
    "method",
    "module",
    "generator",
    "ellipsis",
    "ndarray",
    "numpy.ndarray",
    "ArrayBox",
    "SequenceBox",
    "Generator",
    "MaskedArray",
    "DataFrame",
    "Series",
    "Tensor",
    "dtype",
    *(
        f"{prefix}{kind}"
        for prefix in ("", "numpy.")
        for kind in ("float32", "float64", "int32", "int64", "bool", "bool_")
    ),
    *(f"array of dtype {kind}" for kind in ("object", "complex64", "complex128")),
    f"containers nested more than {MAX_DEPTH} deep",
}
MODULES = {"numpy", "numpy.linalg", "scipy", "scipy.special", "scipy.stats", "autograd", "autograd.numpy", "<lambda>"}

# {name}: in the line shown, or known. {n}: a length. {shape}: a tuple of lengths. {rest}: never told.
TEXTS = """
name '{name}' is not defined
cannot access local variable '{name}' where it is not associated with a value
cannot access free variable '{name}' where it is not associated with a value in enclosing scope
'{name}' object has no attribute '{name}'
'{name}' object has no attribute '{name}' and no __dict__ for setting new attributes
module '{name}' has no attribute '{name}'
type object '{name}' has no attribute '{name}'
No module named '{name}'
No module named '{name}'; '{name}' is not a package
cannot import name '{name}' from '{name}' ({rest})
cannot import name '{name}' from '{name}'
{name}() missing {n} required positional argument: '{name}'
{name}() missing {n} required positional arguments: '{name}' and '{name}'
{name}() missing {n} required positional arguments: {rest}
{name}() missing {n} required keyword-only argument: '{name}'
{name}() takes {n} positional arguments but {n} were given
{name}() takes {n} positional argument but {n} were given
{name}() takes from {n} to {n} positional arguments but {n} were given
{name}() takes no arguments
{name}() got an unexpected keyword argument '{name}'
{name}() got multiple values for argument '{name}'
unsupported operand type(s) for {op}: '{name}' and '{name}'
bad operand type for {op}: '{name}'
'{op}' not supported between instances of '{name}' and '{name}'
'{name}' object is not callable
'{name}' object is not subscriptable
'{name}' object is not iterable
'{name}' object is not an iterator
'{name}' object is not reversible
'{name}' object does not support item assignment
'{name}' object does not support the context manager protocol
'{name}' object cannot be interpreted as an integer
cannot unpack non-iterable {name} object
argument of type '{name}' is not iterable
object of type '{name}' has no len()
unhashable type: '{name}'
must be real number, not {name}
loop of ufunc does not support argument {n} of type {name} which has no callable {name} method
float() argument must be a string or a real number, not '{name}'
int() argument must be a string, a bytes-like object or a real number, not '{name}'
can only concatenate {name} (not "{name}") to {name}
can't multiply sequence by non-int of type '{name}'
list indices must be integers or slices, not {name}
tuple indices must be integers or slices, not {name}
only integer scalar arrays can be converted to a scalar index
only length-1 arrays can be converted to Python scalars
only 0-dimensional arrays can be converted to Python scalars
only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and integer or boolean arrays are valid indices
arrays used as indices must be of integer (or boolean) type
iteration over a 0-d array
len() of unsized object
not enough values to unpack (expected {n}, got {n})
not enough values to unpack (expected at least {n}, got {n})
too many values to unpack (expected {n})
too many values to unpack (expected {n}, got {n})
could not convert string to float: {rest}
invalid literal for int() with base {n}: {rest}
expected a positive input{rest}
math domain error
math range error
division by zero
float division by zero
integer division or modulo by zero
float modulo
Python int too large to convert to C long
cannot convert float NaN to integer
cannot convert float infinity to integer
can't convert complex to float
list index out of range
tuple index out of range
string index out of range
pop from empty list
maximum recursion depth exceeded
maximum recursion depth exceeded {rest}
arg must be a non-empty sequence
{name}() arg is an empty sequence
{name}() iterable argument is empty
'{name}'
{n}
index {n} is out of bounds for axis {n} with size {n}
index {n} is out of bounds for size {n}
too many indices for array: array is {n}-dimensional, but {n} were indexed
axis {n} is out of bounds for array of dimension {n}
boolean index did not match indexed array along axis {n}; size of axis is {n} but size of corresponding boolean axis is {n}
operands could not be broadcast together with shapes {shape} {shape}
operands could not be broadcast together with shapes {shape} {shape} {shape}
operands could not be broadcast together with shapes {shape} and {shape}
operands could not be broadcast together with remapped shapes [original->remapped]: {rest}
non-broadcastable output operand with shape {shape} doesn't match the broadcast shape {shape}
could not broadcast input array from shape {shape} into shape {shape}
shape mismatch: objects cannot be broadcast to a single shape. {rest}
shape mismatch: indexing arrays could not be broadcast together with shapes {shape} {shape}
shape mismatch: value array of shape {shape} could not be broadcast to indexing result of shape {shape}
cannot reshape array of size {n} into shape {shape}
cannot select an axis to squeeze out which has size not equal to one
shapes {shape} and {shape} not aligned: {n} (dim {n}) != {n} (dim {n})
matmul: Input operand {n} has a mismatch in its core dimension {n}, with gufunc signature (n?,k),(k,m?)->(n?,m?) (size {n} is different from {n})
matmul: Input operand {n} does not have enough dimensions (has {n}, gufunc core with signature (n?,k),(k,m?)->(n?,m?) requires {n})
all the input array dimensions except for the concatenation axis must match exactly, but along dimension {n}, the array at index {n} has size {n} and the array at index {n} has size {n}
all the input arrays must have same number of dimensions, but the array at index {n} has {n} dimension(s) and the array at index {n} has {n} dimension(s)
all input arrays must have the same shape
zero-dimensional arrays cannot be concatenated
need at least one array to concatenate
need at least one array to stack
array split does not result in an equal division
axes don't match array
repeated axis in transpose
einstein sum subscripts string {rest}
operand has more dimensions than subscripts given in einstein sum, but no '...' ellipsis provided to broadcast the extra dimensions.
setting an array element with a sequence.
setting an array element with a sequence. {rest}
The truth value of an array with more than one element is ambiguous. Use a.any() or a.all()
The truth value of an empty array is ambiguous. {rest}
zero-size array to reduction operation {name} which has no identity
attempt to get argmax of an empty sequence
attempt to get argmin of an empty sequence
assignment destination is read-only
ufunc '{name}' not supported for the input types, and the inputs could not be safely coerced {rest}
ufunc '{name}' did not contain a loop with signature matching types {rest}
Cannot cast ufunc '{name}' output from {rest}
{name}() takes from {n} to {n} positional arguments but {n} was given
Unable to allocate {rest}
Maximum allowed dimension exceeded
array is too big; {rest}
negative dimensions are not allowed
incompatible dimensions for cross product {rest}
Singular matrix
Matrix is not positive definite
SVD did not converge
Eigenvalues did not converge
Array must not contain infs or NaNs
array must not contain infs or NaNs
Last 2 dimensions of the array must be square
{n}-dimensional array given. Array must be at least two-dimensional
{n}-dimensional array given. Array must be two-dimensional
diag requires an array of at least two dimensions
Input must be 1- or 2-d.
object arrays are not supported
Can't differentiate w.r.t. type <class '{name}'>
Grad only applies to real scalar-output functions. Try jacobian, elementwise_grad or holomorphic_grad.
grad requires real-valued outputs (output dtype {rest}
VJP of {name} wrt argnums {rest}
Can only differentiate {rest}
probabilities do not sum to 1
probabilities are not non-negative
a and p must have same size
Cannot take a larger sample than population when replace is False
'a' cannot be empty unless no samples are taken
can't start new thread
out of time
generator raised StopIteration
dictionary changed size during iteration
"""  # noqa: E501  each is a line as it comes
HOLES = {
    "name": r"""([^'"\s]{1,60})""",
    "n": r"(-?\d{1,9})",
    "shape": r"(\([\d, ?-]{0,60}\))",
    "op": r"((?:[-+*/%@&|^]|//|<<|>>)=?|<=?|>=?|\*\* or pow\(\)|\*\*=|unary [-+~]|abs\(\)|divmod\(\))",
    "rest": r"(.{0,500})",
}


def _pattern(text):
    """A text of the list as a regular expression, and the sorts of its holes."""
    parts = re.split(r"\{(\w+)\}", text)
    pattern = "".join(HOLES[part] if i % 2 else re.escape(part) for i, part in enumerate(parts))
    return re.compile(pattern, re.DOTALL), text, parts[1::2]


@functools.cache
def patterns() -> list[tuple[re.Pattern, str, list[str]]]:
    """All texts of the list; made when the first error is to be told, since it takes as long as a submission does."""
    return [_pattern(text) for text in TEXTS.strip().split("\n")]


SYSTEM = {os.strerror(number) for number in range(1, 134)}


class Guarded(Words):
    """The words for one submission's answer to an exercise."""

    def __init__(self, cells: list[str], exercise: Exercise, names: Iterable[str] = ()):
        self.lines = [cell.splitlines() for cell in cells]
        self.names = {*exercise.parameters, exercise.name, *names}

    def type_name(self, name: str) -> str:
        """A common type by its name."""
        return name if name in TYPES else "an object of another type"

    def keys(self, keys: Iterable[str], expected: Iterable[str] = ()) -> str:
        """Those keys that are expected."""
        keys, expected = set(keys), set(expected)
        others = ["others"] if keys - expected else []
        return " and ".join(filter(None, [", ".join(map(repr, sorted(keys & expected))), *others])) or "none"

    def shape(self, shape: tuple, known: Any) -> str:
        """The shape, where its lengths come from the inputs' or what is expected."""
        lengths = self.lengths(known)
        if len(shape) > SMALL:
            return f"({ELSE})"
        inside = ", ".join(_length(n, lengths) for n in shape)
        return f"({inside},)" if len(shape) == 1 else f"({inside})"

    def count(self, n: int, known: Any) -> str:
        """A number of items."""
        return _length(n, self.lengths(known))

    def lengths(self, known: Any) -> set[int]:
        """The lengths that may be told where the inputs are these: their axes', and sums and products of two."""
        own = set(_lengths(known))
        return own | {n + m for n in own for m in own} | {n * m for n in own for m in own}

    def error(self, error: str, message: str, line: str, args: tuple = ()) -> str:
        """The error in known words, and the line of the submission that raised it."""
        number, shown = self.line(line)
        kind = error.lstrip("_") if error in ERRORS else "An exception of another type"
        text = self.known_text(message[:MOST], shown, self.lengths(args))
        first = f"{kind}: {text}" if text else kind
        return first + (f"\nline {number}: {shown}" if shown else "")

    def line(self, line: str) -> tuple[int, str]:
        """(number, text) as it stands in a cell, of what is said to be "line 3: x = 1"; (0, "") if none has that."""
        said = re.match(r"line (\d{1,6}): (.{1,300})", line[:MOST])
        if not said:
            return 0, ""
        number, text = int(said[1]), said[2]
        for cell in self.lines:
            if 0 < number <= len(cell) and cell[number - 1].strip().startswith(text):
                own = cell[number - 1].strip()
                if own == text or len(text) > 200:  # the end of a long line is cut off on its way
                    return number, own[:200]
        return 0, ""

    def known_text(self, message: str, shown: str, lengths: set[int]) -> str:
        """The message, if it is a known one, without what is not known in it; "" for all others."""
        message = message.strip()
        system = re.match(r"\[Errno \d{1,3}\] ([\w ,/()-]{1,60})", message)
        if system and system[1].strip() in SYSTEM:
            return system[1].strip()
        known = self.names | TYPES | MODULES | set(re.findall(r"\w+", shown)) | set(re.findall(r"[\w.]+", shown))
        for pattern, text, sorts in patterns():
            if found := pattern.fullmatch(message):
                told = [_told(sort, value, known, lengths) for sort, value in zip(sorts, found.groups())]
                between = re.split(r"\{\w+\}", text)
                return "".join(chain(*zip_longest(between, told, fillvalue="")))
        return ""


def _told(sort: str, value: str, known: set[str], lengths: set[int]) -> str:
    """What may be told of a part of a message."""
    if sort == "name":
        return value if value in known else ELSE
    if sort == "n":
        return _length(int(value), lengths)
    if sort == "shape":
        return re.sub(r"-?\d+", lambda n: _length(int(n[0]), lengths), value)
    return value if sort == "op" else ELSE


def _length(n: int, lengths: set[int]) -> str:
    return str(n) if n in lengths or abs(n) <= SMALL else ELSE


def _lengths(tree: Any) -> Iterable[int]:
    """Lengths of the axes of all arrays in it, of its lists, and its whole numbers, as far as they are small."""
    if isinstance(tree, np.ndarray):
        yield from tree.shape
    elif isinstance(tree, list | tuple):
        yield len(tree)
        for item in tree:
            yield from _lengths(item)
    elif isinstance(tree, dict):
        yield from _lengths(list(tree.values()))
    elif isinstance(tree, int) and not isinstance(tree, bool) and 0 <= tree < 10_000:
        yield tree
