"""Networks and models load nothing heavy when they are imported: scipy and tqdm come where they are used."""

import ast
import sys
from pathlib import Path

import pytest

import course_utils

ROOMS = [Path(course_utils.__file__).parent / room for room in ("networks", "models")]
MODULES = [path for room in ROOMS for path in sorted(room.glob("*.py"))]


def at_the_top(path):
    """The packages that a module imports while it is imported itself."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_at_the_top_stand_numpy_and_autograd_alone(path):
    assert set(at_the_top(path)) <= {"numpy", "autograd", "course_utils", *sys.stdlib_module_names}


def test_what_comes_later_was_found_elsewhere():
    """That the search sees imports: each room uses scipy or tqdm, in a function."""
    for room in ROOMS:
        nested = [
            node.module.partition(".")[0]
            for path in room.glob("*.py")
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.ImportFrom)
        ]
        assert {"scipy", "tqdm"} & set(nested), room
