"""The room as a whole: what importing it loads, and that its functions have types."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import course_utils.probability

ROOMS = Path(course_utils.probability.__file__).parents[1]
MODULES = sorted(path.stem for path in (ROOMS / "probability").glob("[!_]*.py"))
HEAVY = {"scipy", "tqdm", "matplotlib", "PIL", "pandas", "numpy.testing", "numpy.f2py", "unittest", "asyncio"}


def loaded(code):
    """The names of all modules that are there after the code has run in a new process."""
    code += "; import sys; print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(ast.literal_eval(done.stdout))


@pytest.mark.whole
def test_importing_the_room_loads_nothing_heavy():
    """Beside itself it adds to autograd.numpy what `statistics` takes, a few small modules."""
    room = {f"course_utils.probability.{module}" for module in MODULES}
    found = loaded(f"import {', '.join(room)}")
    assert room <= found and not found & HEAVY
    more = found - loaded("import autograd.numpy") - room - {"course_utils", "course_utils.probability"}
    assert {name for name in more if not name.startswith("_")} <= {"decimal", "fractions", "numbers", "statistics"}


@pytest.mark.parametrize(
    "path", [path for room in ("probability", "data") for path in sorted((ROOMS / room).glob("*.py"))]
)
def test_public_functions_have_types(path):
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            arguments = [*node.args.args, *node.args.kwonlyargs, *filter(None, [node.args.vararg, node.args.kwarg])]
            assert node.returns and all(argument.annotation for argument in arguments), f"{path}: {node.name}"
