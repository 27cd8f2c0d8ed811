"""What an exception in an answer means, in the words of the card: which sizes met, what was no number, what was None.

An exception's text is the student's to choose while hidden inputs lie before the code. So nothing of it is repeated:
it only selects a sentence, and sizes in it become letters of the card, or nothing.
"""

import re
from collections.abc import Callable, Sequence

from course_utils.checking.relations import sizes_of

LONGEST = 500  # characters of a text that are looked at
LAYERS = {
    "params",
    "sizes",
    "encoder",
    "decoder",
    "encoder_params",
    "decoder_params",
}  # parameters that tell of a network
IN_A_NETWORK = " In a network, each layer gets what the one before it puts out, and has to take that size"
MIRRORED = "; a decoder begins with as many numbers as a code has, and its sizes are the encoder's from the end"


def error_explained(names: list[str], args: tuple, error: str, message: str) -> tuple[str, str] | None:
    """(key, sentence) for an exception of this type and text; None where there is nothing to say beyond it."""
    sizes = {letter: n for letter, n in sizes_of(names, args).items() if len(letter) == 1}
    functions = [name for name, value in zip(names, args) if callable(value)]
    for key, pattern, says in KNOWN:
        found = re.search(pattern, f"{error}: {message[:LONGEST]}", re.DOTALL)
        if found:
            more = IN_A_NETWORK if key == "product" and LAYERS & set(names) else ""
            more += MIRRORED if more and "sizes" in names and "decoder" not in names else ""
            text = says if isinstance(says, str) else says(found.groups(), sizes, functions)
            return f"error: {key}", text + more
    return None


def letter_of(size: str, sizes: dict) -> str:
    """The card's letter for a size, where there is exactly one; else ""."""
    letters = [letter for letter, n in sizes.items() if str(n) == size]
    return letters[0] if len(letters) == 1 else ""


def product(found: Sequence[str], sizes: dict, functions: list[str]) -> str:
    """Of a matrix product whose inner sizes differ."""
    left, right = letter_of(found[0], sizes), letter_of(found[1], sizes)
    if left and right and left != right:
        met = f"the inner sizes of the matrix product differ, {left} against {right}"
    else:
        met = "the inner sizes of the matrix product differ: (n, a) @ (b, m) needs a = b"
    return f"{met}. Is a matrix to be transposed, or one transposed that should stand as it is?"


def entry_by_entry(found: Sequence[str], sizes: dict, functions: list[str]) -> str:
    """Of two shapes that cannot be broadcast."""
    shapes = [re.findall(r"\d+", shape) for shape in found]
    letters = [[letter_of(n, sizes) for n in shape] for shape in shapes]
    told = all(letters) and all(map(all, letters)) and letters[0] != letters[1]
    named = [f"({', '.join(some)}{',' * (len(some) == 1)})" for some in letters]
    met = f"shapes {named[0]} and {named[1]} do" if told else "the shapes of two arrays do"
    if {len(shape) for shape in shapes} == {1}:
        return f"{met} not fit together: to compare each with each, one of them needs a new axis, as in `x[:, None]`"
    return (
        f"{met} not fit together entry by entry: is a new axis missing (`[:, None]`), a `keepdims=True`, or a reshape?"
    )


def called(found: Sequence[str], sizes: dict, functions: list[str]) -> str:
    """Of a function that is taken for its value."""
    if len(functions) == 1:
        return f"`{functions[0]}` is a function. Call it, and calculate with what it returns"
    return "a function stands there where its value belongs. Call it, and calculate with what it returns"


Says = str | Callable[[Sequence[str], dict, list[str]], str]
NAMES = ("NameError", "UnboundLocalError", "ModuleNotFoundError", "ImportError")  # it is plain what is wrong
KNOWN: list[tuple[str, str, Says]] = [
    (
        "name",
        r"^NameError",
        "a name there is not defined. Is it misspelled, or has the cell that defines or imports it not been run?",
    ),
    (
        "unset",
        r"^UnboundLocalError",
        "a variable is used there before it has a value: is it set in a branch or a loop that is not always run?",
    ),
    ("product", r"matmul: .*\(size (\d+) is different from (\d+)\)", lambda f, s, n: product(f[::-1], s, n)),
    ("product", r"shapes \([\d, ]+\) and \([\d, ]+\) not aligned: (\d+) \(dim \d\) != (\d+) \(dim \d\)", product),
    ("broadcast", r"could not be broadcast together with shapes (\([\d,]+\)) (\([\d,]+\))", entry_by_entry),
    (
        "function",
        (
            r"TypeError: (?:unsupported operand|bad operand|loop of ufunc|.* not subscript).*(?:function|ufunc)"
            r"|'function' object is not subscriptable"
        ),
        called,
    ),
    (
        "autograd",
        r"ArrayBox",
        (
            "autograd cannot differentiate what goes through numpy's or math's own functions: in everything that is"
            " differentiated, use those of `autograd.numpy` (`anp`)"
        ),
    ),
    (
        "None",
        r"NoneType",
        (
            "something there is None. What changes a list in place (`reverse`, `sort`, `append`) returns None, and so"
            " does a function without `return`"
        ),
    ),
    (
        "unpacking",
        r"values to unpack \(expected",
        (
            "that line unpacks a fixed number of items, and there are more or fewer: loop over them instead, if their"
            " number may differ"
        ),
    ),
    (
        "one number",
        r"only (?:length-1|0-dimensional) arrays can be converted",
        "a function for single numbers got an array: use numpy's (`np.exp`, not `math.exp`), or loop over the entries",
    ),
    (
        "truth value",
        r"truth value of an array",
        (
            "`if`, `and`, `or` and Python's own `max` want one truth value, and an array has many: use `np.where`,"
            " `np.maximum`, or `&` and `|`"
        ),
    ),
    (
        "index",
        r"IndexError: (?:index -?\d+ is out of bounds|(?:list|tuple) index out of range)",
        "an index is too large: indices count from 0, so the last one is the length minus 1",
    ),
    (
        "axis",
        r"axis -?\d+ is out of bounds|too many indices for array",
        "an array has fewer axes there than you take it to have",
    ),
    (
        "called array",
        r"'(?:numpy\.)?(?:ndarray|float64|float|int)' object is not callable",
        "a number or an array is called like a function: is a `*` missing before a bracket, or a name used twice?",
    ),
    (
        "scalar",
        r"'(?:float|float64|int|numpy\.float64)' object is not (?:subscriptable|iterable)",
        "one number stands there where an array is meant: was too much summed or averaged before?",
    ),
]
