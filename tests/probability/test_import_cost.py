"""What importing the room loads: numpy and autograd, and nothing that takes as long as they do."""

import ast
import subprocess
import sys
from pathlib import Path

import course_utils.probability

MODULES = sorted(path.stem for path in Path(course_utils.probability.__file__).parent.glob("[!_]*.py"))
HEAVY = {"scipy", "tqdm", "matplotlib", "PIL", "pandas", "numpy.testing", "numpy.f2py", "unittest", "asyncio"}


def loaded(code):
    """The names of all modules that are there after the code has run in a new process."""
    code += "; import sys; print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(ast.literal_eval(done.stdout))


def test_importing_the_room_loads_nothing_heavy():
    """Beside itself it adds to autograd.numpy what `statistics` takes, a few small modules."""
    room = {f"course_utils.probability.{module}" for module in MODULES}
    found = loaded(f"import {', '.join(room)}")
    assert room <= found and not found & HEAVY
    more = found - loaded("import autograd.numpy") - room - {"course_utils", "course_utils.probability"}
    assert {name for name in more if not name.startswith("_")} <= {"decimal", "fractions", "numbers", "statistics"}
