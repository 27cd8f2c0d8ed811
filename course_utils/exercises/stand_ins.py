"""Stand-ins for arguments that cannot be sent to the process of an answer: generators and functions.

A case holds the stand-in, a frame carries it, and `resolve` makes the real argument where the call is made. This
module is all of the exercises that an answer's process has, so nothing else belongs here.
"""

import importlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Rng(NamedTuple):
    """Stands for `np.random.default_rng(seed)` in the arguments of a case, so that they can be sent."""

    seed: int

    def resolve(self) -> np.random.Generator:
        """A fresh generator."""
        return np.random.default_rng(self.seed)


class Named(NamedTuple):
    """Stands for the library's function at `path` ("module:name"): functions go by name, never by value.

    "module:name()" stands for the function that this one makes: a new one for each call of an answer.
    """

    path: str

    def resolve(self) -> Callable:
        """The function at `path`, or the one that it makes."""
        module, name = self.path.split(":")
        function = getattr(importlib.import_module(module), name.removesuffix("()"))
        return function() if name.endswith("()") else function


def resolve(tree: Any) -> Any:
    """Real arguments from a case's: fresh generators and functions for their stand-ins, copies of the arrays."""
    if isinstance(tree, Rng | Named):
        return tree.resolve()
    if isinstance(tree, np.ndarray):
        return tree.copy()
    if isinstance(tree, list | tuple):
        return type(tree)(map(resolve, tree))
    if isinstance(tree, dict):
        return {key: resolve(value) for key, value in tree.items()}
    return tree
