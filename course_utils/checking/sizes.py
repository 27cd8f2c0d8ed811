"""The sizes in an error's text, in the letters of the card: "the network takes D + C numbers, and gets D"."""

import itertools
import re

from course_utils.checking.errors import LAYERS
from course_utils.checking.relations import WORDS, sizes_of
from course_utils.exercises.model import Exercise

# What a layer takes, and what it gets: the text of nets.mlp, and numpy's of a matrix product.
MISFITS = (
    re.compile(r"takes (\d+) numbers for each example, but x has shape \((?:\d+, )*(\d+),?\)"),
    re.compile(r"mismatch in its core dimension 0.*size (\d+) is different from (\d+)"),
)
MANY = ("N", "M", "S", "G")  # letters that count examples and samples, of which a network knows nothing


def in_letters(exercise: Exercise, args: tuple, message: str) -> str:
    """What a network takes and what it gets, where both are sums of the card's letters; else ""."""
    found = next((match for pattern in MISFITS if (match := pattern.search(message))), None)
    if not found or not LAYERS & set(exercise.parameters):
        return ""
    sizes = {
        letter: int(size)
        for letter, size in sizes_of(exercise.parameters, args).items()
        if len(letter) == 1 and letter not in MANY
    }
    if "encoder" in exercise.parameters:
        sizes["K"] = len(args[exercise.parameters.index("encoder")][-1][1]) // 2
    takes, gets = (as_a_sum(int(number), sizes) for number in found.groups())
    if not takes or not gets:
        return ""
    where = ", ".join(f"{letter} is {WORDS[letter]}" for letter in "DKC" if letter in takes + gets)
    return f"a network that takes {takes} numbers for each example gets {gets}; {where}"


def as_a_sum(number: int, sizes: dict[str, int]) -> str:
    """The sum of letters, as networks' inputs are, that is this number; "" where there is none, or more than one."""
    known = [letter for letter in "DKC" if letter in sizes]
    sums = {letter: sizes[letter] for letter in known}
    sums |= {f"{a} + {b}": sizes[a] + sizes[b] for a, b in itertools.combinations(known, 2)}
    sums |= {f"{letter} + 1": sizes[letter] + 1 for letter in known if letter != "C"}
    if "K" in sizes:
        sums |= {"2 K": 2 * sizes["K"]} | ({"2 K + C": 2 * sizes["K"] + sizes["C"]} if "C" in sizes else {})
    fitting = [text for text, size in sums.items() if size == number]
    return fitting[0] if len(fitting) == 1 else ""
