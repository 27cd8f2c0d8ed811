"""The library as a submission sees it: a copy without answers.

Left out: exercises, grader, builder. Replaced: the checks, by silent ones, and every function that is the answer to
an exercise of the notebook being graded, by one that raises AnswerHidden. The source is changed, not the objects, so
that no import, getattr or inspect finds the answer.
"""

import ast
import functools
import importlib.util
import marshal
import os
import shutil
import struct
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import course_utils
from course_utils.checking.repairs import parse
from course_utils.exercises import Exercise

SOURCE = Path(course_utils.__file__).parent
LEFT_OUT = {
    "exercises",
    "building",
    "exporting",
    "grading",
    "cli.py",
    "data/build_packs.py",
    "__pycache__",
    "checking",
}
IN_CHILD = (
    "checking/calling.py",
    "checking/limits.py",
    "checking/wire.py",
    "exercises/stand_ins.py",
    "grading/child.py",
    "grading/cleaning.py",
    "grading/hardening.py",
    "grading/nursery.py",
    "grading/slicing.py",
)  # what the child itself needs of checks, exercises and grader

HIDDEN = '''"""Why a function of the library is not there while its own exercise is graded."""


class AnswerHidden(RuntimeError):
    """The answer to an exercise is asked of the library while that exercise is graded."""
'''
SILENT_CHECKING = '''"""What a notebook calls while it is graded: nothing is shown, and an answer comes back as it is.

An answer that has turned out wrong is replaced by the library's where another answer is graded, as in a notebook.
"""
import importlib

replacements = {}


def check(function, *, name=None):
    """The function itself, or the library's where the function is known to be wrong."""
    path = replacements.get(name or getattr(function, "__name__", None))
    if path is None:
        return function
    module, name = path.split(":")
    return getattr(importlib.import_module(module), name)


def examine(function, *, name=None, seed=0):
    """No report: the grader makes it."""


def hand_in():
    """Writes nothing."""


def hint(name):
    """Shows nothing."""


def progress():
    """Shows nothing."""


def predict(key, question, choices=None, **_):
    """Asks nothing."""


def reveal(key, answer):
    """Shows nothing."""
'''


def make_library(folder: Path, hide: Iterable[Exercise]) -> Path:
    """Writes the copy that hides the answers of `hide` to `folder`, compiled, and returns the folder. Where that fails,
    nothing of the copy stays, so that it can be tried again."""
    try:
        return _make_library(folder, hide)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _make_library(folder, hide):
    answers: dict[str, list[str]] = {}
    for exercise in hide:
        for path in (exercise.answer, *exercise.aliases):
            module, name = path.split(":")
            answers.setdefault(module.removeprefix("course_utils.").replace(".", "/") + ".py", []).append(name)
    files = {file.relative_to(SOURCE).as_posix(): file for file in source_files()}
    files |= {name: SOURCE / name for name in IN_CHILD}
    made = {
        "checking/__init__.py": SILENT_CHECKING,
        "hidden.py": HIDDEN,
        "exercises/__init__.py": "",
        "grading/__init__.py": "",
    }
    if missing := answers.keys() - files.keys():
        raise ValueError(f"answers are named in modules that do not exist: {', '.join(sorted(missing))}")
    package, shared = folder / "course_utils", folder.parent / "shared"
    shared.mkdir(parents=True, exist_ok=True)
    shared.chmod(0o700)  # before there is anything in it: it holds the answers that other copies do not hide
    targets = [package / name for name in [*files, *made]]
    for room in {t.parent for t in targets} | {_compiled(t).parent for t in targets if t.suffix == ".py"}:
        room.mkdir(parents=True, exist_ok=True)
    for name in files.keys() - answers.keys():
        _share(package / name, shared / name, functools.partial(shutil.copyfile, files[name]))
        if name.endswith(".py"):
            write = functools.partial(_compile, files[name], name)
            _share(_compiled(package / name), _compiled(shared / name), write)
    for name, hidden in answers.items():
        made[name] = without_answers(files[name].read_text(encoding="utf-8"), hidden, name)
    for name, text in made.items():
        _write(package / name, text.encode())
        _write(_compiled(package / name), bytecode(text.encode(), f"course_utils/{name}"))
    for above, _, _ in os.walk(folder):
        os.chmod(above, 0o755)  # whatever the umask: a strict child is nobody in particular
    return folder


def _write(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    file.chmod(0o444)


def _compile(file: Path, name: str, target: Path) -> None:
    target.write_bytes(bytecode(file.read_bytes(), f"course_utils/{name}"))


def _compiled(file: Path) -> Path:
    """Where Python looks for what a module is compiled to."""
    return Path(importlib.util.cache_from_source(str(file)))


@functools.lru_cache(maxsize=512)  # the copies for different notebooks have most modules in common
def bytecode(source: bytes, name: str) -> bytes:
    """The content of a module's .pyc that is taken as it is, whatever becomes of the source. `name`: of the file; where
    it really lies is entered when it is imported."""
    code = compile(source, name, "exec", dont_inherit=True)
    hashed, unchecked = importlib.util.source_hash(source), 1  # PEP 552
    return importlib.util.MAGIC_NUMBER + struct.pack("<I", unchecked) + hashed + marshal.dumps(code)


def source_files() -> Iterator[Path]:
    """The files of the library that a submission may see."""
    for file in sorted(SOURCE.rglob("*")):
        parts = file.relative_to(SOURCE).parts
        kept = not LEFT_OUT & {*parts, "/".join(parts)}
        if kept and file.is_file() and not file.name.startswith("."):
            yield file


def _share(target: Path, kept: Path, write: Callable[[Path], object]) -> None:
    """What copies have in common (modules, data packs) is written once, to `kept`, and linked from there where the file
    system can."""
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        half = kept.with_name(f".{kept.name}")
        write(half)
        half.chmod(0o444)
        half.replace(kept)  # a copy that stops halfway is no copy
    try:
        os.link(kept, target)
    except OSError:
        shutil.copyfile(kept, target)
        target.chmod(0o444)


def without_answers(source: str, names: list[str], where: str) -> str:
    """The module's source with the bodies of the named functions replaced; signature and docstring stay."""
    tree = parse(source)
    missing = set(names)
    for i, node in enumerate(tree.body):
        if isinstance(node, ast.FunctionDef) and node.name in names:
            refusal = f"from course_utils.hidden import AnswerHidden\nraise AnswerHidden({node.name!r})"
            documented = ast.get_docstring(node, clean=False) is not None
            node.body = node.body[:documented] + parse(refusal).body
            node.decorator_list = []
            missing.discard(node.name)
        elif isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id in names for t in node.targets):
            name = next(t.id for t in node.targets if isinstance(t, ast.Name) and t.id in names)
            tree.body[i] = parse(
                f"def {name}(*_, **__):\n    from course_utils.hidden import AnswerHidden\n"
                f"    raise AnswerHidden({name!r})"
            ).body[0]
            missing.discard(name)
    if missing:
        raise ValueError(f"{where} defines no {', '.join(sorted(missing))} at its top level, so it cannot be hidden")
    return ast.unparse(ast.fix_missing_locations(tree))
