"""Answers as source code, as students hand them in: where they come from, and how one is judged."""

import ast
import dataclasses
import functools
import importlib
import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jupytext
import numpy as np
from alternatives import all_alternatives

from course_utils.checking.calling import forked
from course_utils.checking.judging import judge
from course_utils.exercises import Exercise, all_exercises
from course_utils.grading import child, slicing

SOLUTIONS = Path(__file__).parents[2] / "solutions"
EXERCISES = all_exercises()
KEY = (11, "fairness")  # what the inputs are drawn from
PATIENCE = 8  # seconds for an answer that does not train, and for one statement of its cells
EVERYTHING = os.environ.get("FAIRNESS") == "all"  # judge all there is, and not a sample of it
for _module in ("matplotlib.pyplot", "scipy.integrate", "scipy.optimize", "scipy.signal", "scipy.stats"):
    importlib.import_module(_module)  # once, before the forks, as the grader's child does


class Answer(NamedTuple):
    """An answer to an exercise, and what is particular about it.

    Code cells that leave a function behind which is called as the exercise; or the function itself.
    """

    exercise: str
    style: str
    cells: list[str] | Callable


class Parts(NamedTuple):
    """An answer in two parts: what stands in the notebook before it, and the function."""

    before: list[ast.stmt]
    function: ast.FunctionDef


def text(tree) -> str:
    """The source of one or more statements."""
    return "\n".join(map(text, tree)) if isinstance(tree, list) else ast.unparse(ast.fix_missing_locations(tree))


@functools.cache
def _units(path):
    """The top-level statements of a notebook or a module."""
    if path.parent == SOLUTIONS:
        cells = jupytext.read(path, fmt="py:percent").cells
        sources = [cell.source for cell in cells if cell.cell_type == "code"]
    else:
        sources = [path.read_text(encoding="utf-8")]
    units, broken = slicing.units_of(sources)
    assert not broken, broken
    return units


def _parts(path, name) -> Parts:
    chosen, _ = slicing.slice_for(name, _units(path))
    statements = [statement for unit in chosen for statement in unit.tree.body]
    own = [s for s in statements if isinstance(s, ast.FunctionDef) and s.name == name]
    assert len(own) == 1, f"{path.name} defines {name} {len(own)} times at its top level"
    return Parts([s for s in statements if s is not own[0] and not _is_check(s)], own[0])


def _is_check(statement):
    """f = check(f)"""
    value = getattr(statement, "value", None)
    return isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in ("check", "hint")


def solution(name) -> Parts:
    """The answer that stands in the exercise's notebook in solutions/."""
    return _parts(SOLUTIONS / f"{EXERCISES[name].notebook}.py", name)


def alternatives(name):
    """The other right answers to an exercise: (its name, parts with the function called as the exercise)."""
    for function in all_alternatives()[name]:
        path = Path(inspect.getsourcefile(function))
        parts = _parts(path, function.__name__)
        yield function.__name__, Parts(*(rename(tree, {function.__name__: name}) for tree in parts))


class _Renaming(ast.NodeTransformer):
    def __init__(self, names):
        self.names = names

    def visit_Name(self, node):
        return ast.Name(self.names.get(node.id, node.id), node.ctx)

    def visit_arg(self, node):
        return ast.arg(self.names.get(node.arg, node.arg))

    def visit_FunctionDef(self, node):
        self.generic_visit(node)
        node.name = self.names.get(node.name, node.name)
        return node


def rename(tree, names: dict[str, str]):
    """A copy of one or more statements with other names for variables, parameters and functions."""
    if isinstance(tree, list):
        return [rename(statement, names) for statement in tree]
    return _Renaming(names).visit(copy_of(tree))


def copy_of(tree):
    """A copy of a statement without anything in common with it."""
    return ast.parse(text(tree)).body[0]


def load(answer: Answer):
    """The function that an answer's cells leave behind, as the grader's child finds it: only what it needs is run."""
    if callable(answer.cells):
        return answer.cells
    units, _ = slicing.units_of(answer.cells)
    namespace: dict = {"__name__": "__main__"}
    for unit in slicing.slice_for(answer.exercise, units)[0]:
        child.run(unit.code, namespace, PATIENCE)
    return namespace[answer.exercise]


def _fingerprint(value):
    """Something hashable that is the same for the same arguments of a call; TypeError where there is no such thing."""
    if isinstance(value, np.ndarray):
        return value.shape, value.dtype.str, value.tobytes()
    if isinstance(value, list | tuple):
        return tuple(map(_fingerprint, value))
    if isinstance(value, np.random.Generator):
        return repr(value.bit_generator.state)
    if callable(value) or isinstance(value, int | float | str):
        return value
    raise TypeError(type(value))


def remembering(function):
    """The function, but asked once for the same arguments: an oracle by quadrature takes its time."""
    known: dict = {}

    @functools.wraps(function)
    def inner(*args):
        try:
            key = _fingerprint(args)
        except TypeError:
            return function(*args)
        if key not in known:
            try:
                known[key] = function(*args)
            except Exception as error:  # a misconception's; it counts as "other values"
                known[key] = error
        if isinstance(known[key], Exception):
            raise known[key]
        return known[key]

    return inner


@functools.cache
def remembered(name) -> Exercise:
    """The exercise with an oracle and misconceptions that remember their values."""
    exercise = EXERCISES[name]
    return dataclasses.replace(
        exercise,
        oracle=remembering(exercise.oracle),
        misconceptions={
            key: wrong._replace(function=remembering(wrong.function)) for key, wrong in exercise.misconceptions.items()
        },
    )


def with_one_case(exercise: Exercise) -> Exercise:
    """The exercise with its first case alone."""
    return dataclasses.replace(exercise, cases=lambda rng: exercise.cases(rng)[:1])


def judged(answers, first_case_first=False):
    """(answer, the grader's report on it) for each of some answers to one exercise.

    They are called in a fork of this process, each with names of its own; one that hangs or dies costs it its fork.
    What the first case of an exercise refuses is refused: where answers are wrong and train, that saves their time.
    """
    answers = list(answers)
    functions: dict = {}

    def one_of_them(i, *args):  # runs in the fork, and runs an answer's cells there when it is called first
        if i not in functions:
            functions[i] = load(answers[i])
        return functions[i](*args)

    reports: list = []
    while len(reports) < len(answers):
        with forked(one_of_them) as ask:
            lost = False
            while len(reports) < len(answers) and not lost:
                i, exercise = len(reports), remembered(answers[len(reports)].exercise)

                def call(args, seconds, i=i, exercise=exercise):
                    return ask((i, *args), seconds if exercise.trains else min(seconds, PATIENCE))

                report = None
                if first_case_first and exercise.trains:
                    report = judge(with_one_case(exercise), call, *KEY, explain=False)
                reports.append(report if report and not report.passed else judge(exercise, call, *KEY, explain=False))
                lost = reports[-1].kind in ("timeout", "died", "unreadable")
    return list(zip(answers, reports))
