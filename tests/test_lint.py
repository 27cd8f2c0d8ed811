"""`course lint`: what it lets pass and what not, and two habits that it has no rule for: types, and `encoding=`."""

import ast
import fnmatch
import re
import shutil
from pathlib import Path

import pytest
import yaml

from course_utils import cli

ROOT = Path(__file__).parents[1]
TIDY = '''"""Sums."""

import numpy as np


def total(x: np.ndarray) -> float:
    """The sum of all entries of x."""
    return float(x.sum())
'''


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A course of one module, with the real configuration; the working directory is in it."""
    for name in ("pyproject.toml", "run.py", "solutions/ruff.toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "solutions" / "00_start_here.py").write_text("# %%\nimport numpy as np\n", encoding="utf-8")
    for folder in ("course_utils", "course_utils/showing"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").write_text('"""A room."""\n', encoding="utf-8")
    (tmp_path / "course_utils" / "showing" / "sums.py").write_text(TIDY, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def verdicts(capfd):
    """{what was looked at: the line on it} at the end of the output, and all of the output."""
    out = capfd.readouterr().out
    return {re.split(r"  |: ", line)[1]: line for line in out.splitlines() if line[:6] in ("passed", "FAILED")}, out


@pytest.mark.whole
def test_a_tidy_tree_passes(tree, capfd):
    assert cli.main(["lint"]) == 0
    found, _ = verdicts(capfd)
    assert list(found) == ["faults and habits", "layout", "types"] and "FAILED" not in str(found)


@pytest.mark.slow
@pytest.mark.parametrize(
    "what, old, new, said",
    [
        ("faults and habits", "import numpy as np\n", "import os\n\nimport numpy as np\n", "F401"),
        ("faults and habits", '    """The sum of all entries of x."""\n', "", "D103"),
        ("faults and habits", "of x.", f"of x{' and so on' * 12}.", "E501"),
        ("faults and habits", "x.sum()", '["1" "2", "3"][0]', "ISC004"),
        ("layout", "float(x.sum())", "float( x.sum() )", "sums.py"),
        ("types", "float(x.sum())", "float(x.summ())", "summ"),
        ("types", "float(x.sum())", "str(x.sum())", "float"),
        ("types", "float(x.sum())", "total(x, 1)", "too-many-positional-arguments"),
    ],
)
def test_what_is_wrong_is_said_with_what_mends_it(tree, capfd, what, old, new, said):
    assert old in TIDY
    (tree / "course_utils" / "showing" / "sums.py").write_text(TIDY.replace(old, new), encoding="utf-8")
    assert cli.main(["lint"]) == 1
    found, out = verdicts(capfd)
    failed = {name for name, line in found.items() if line.startswith("FAILED")}
    assert what in failed and "types" not in failed - {what} and said in out
    assert ("by hand" if what == "types" else "python3 run.py lint --fix") in found[what]


@pytest.mark.whole
def test_fix_mends_what_a_program_can(tree, capfd):
    module = tree / "course_utils" / "showing" / "sums.py"
    untidy = TIDY.replace("import numpy", "import os\nimport numpy").replace("(x: ", "( x : ")
    module.write_text(untidy, encoding="utf-8")
    assert cli.main(["lint", "--fix"]) == 0
    assert module.read_text(encoding="utf-8") == TIDY
    assert "FAILED" not in str(verdicts(capfd))


@pytest.mark.whole
def test_sources_of_notebooks_are_linted_and_never_laid_out(tree, capfd):
    source = tree / "solutions" / "00_start_here.py"
    source.write_text("# %%\nx = [ 1,\n  2 ]\nprint( undefined )\n", encoding="utf-8")
    assert cli.main(["lint", "--fix"]) == 1
    found, out = verdicts(capfd)
    assert "FAILED" in found["faults and habits"] and "F821" in out
    assert "print( undefined )" in source.read_text(encoding="utf-8")


def test_without_its_tools_it_says_what_to_install(tree, capsys, monkeypatch):
    monkeypatch.setattr(cli.importlib.util, "find_spec", lambda name: None if name == "ty" else object())
    assert cli.main(["lint"]) == 2
    assert "ty is not installed; run: pip install" in capsys.readouterr().err


def test_hooks_and_ci_run_the_course_s_own_command():
    """Nothing is fetched, and no version is named a second time."""
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert repository["repo"] == "local"
    assert [hook["entry"] for hook in repository["hooks"]] == ["python3 run.py lint"]
    assert "\npython3 run.py lint\n" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


# -- types of public functions ---------------------------------------------------------------------


def untyped(tree):
    """Names of the public functions and methods of a module whose arguments or result have no type."""
    found = []
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            found += [f"{node.name}.{name}" for name in untyped(node)]
        if not isinstance(node, ast.FunctionDef) or (node.name.startswith("_") and node.name != "__init__"):
            continue
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg]
        types = [argument.annotation for argument in arguments if argument and argument.arg not in ("self", "cls")]
        if None in [*types, node.returns or node.name == "__init__" or None]:
            found.append(node.name)
    return found


def test_what_counts_as_untyped():
    source = """
def a(x: int, *y: int, z: int = 0, **k: int) -> int: ...
def b(x: int): ...
def c(x) -> int: ...
def d(*x) -> int: ...
def e(*, x) -> int: ...
def _f(x): ...
class A:
    def __init__(self, x: int): ...
    def g(self) -> int:
        def nested(x): ...
    def h(self, x) -> int: ...
    def __eq__(self, x): ...
class B:
    def __init__(self, x): ...
class _C:
    def i(self, x): ...
"""
    assert untyped(ast.parse(source)) == ["b", "c", "d", "e", "A.h", "B.__init__"]


@pytest.mark.whole
def test_public_functions_have_types():
    """In all rooms; the functions of exercises/nb*.py serve their module alone."""
    seen = 0
    for path in sorted((ROOT / "course_utils").rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if fnmatch.fnmatch(name, "*/nb[0-9]*.py"):
            continue
        seen += 1
        assert not untyped(ast.parse(path.read_text(encoding="utf-8"))), name
    assert seen > 80


# -- text files say how they are written -----------------------------------------------------------


def without_encoding(tree):
    """Lines that read or write text in whatever encoding the system has, which on Windows is seldom UTF-8."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and not any(keyword.arg == "encoding" for keyword in node.keywords):
            mode = [*node.args[1:2], *(keyword.value for keyword in node.keywords if keyword.arg == "mode")]
            binary = any("b" in str(getattr(value, "value", "")) for value in mode)
            method = getattr(node.func, "attr", "")
            if (getattr(node.func, "id", "") == "open" and not binary) or method in ("read_text", "write_text"):
                yield node.lineno


def test_what_counts_as_text():
    source = """
open(x)
open(x, "w")
open(x, mode="a", errors="replace")
path.read_text()
path.write_text(x, newline="")
open(x, "rb"), open(x, mode="wb"), open(x, encoding="utf-8"), path.read_text(encoding="utf-8"), os.open(x, flags)
"""
    assert list(without_encoding(ast.parse(source))) == [2, 3, 4, 5, 6]


@pytest.mark.slow
def test_text_files_have_their_encoding():
    paths = sorted((ROOT / "course_utils").rglob("*.py"))
    assert len(paths) > 100
    for path in paths:
        lines = list(without_encoding(ast.parse(path.read_text(encoding="utf-8"))))
        assert not lines, f"{path}: lines {lines}"
