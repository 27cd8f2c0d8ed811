"""The one place in a wrong answer's source where a small change makes it right.

The source is read as text and changed as a syntax tree; nothing of it is run here. The changed functions run where the
answer runs, in its child, and the values that come back are compared as the answer's own are. What has been found is a
fact: with this change, the answer is right on all ordinary cases of two draws. The student is told where, not what.
"""

import ast
import contextlib
import functools
import inspect
import itertools
import textwrap
import threading
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

Other = tuple[float, str, str, Any]  # cost, kind, what to look at, the other node
LONGEST = 6000  # characters of a source that is looked at
PARSING = threading.Lock()
MOST = 250  # changed sources that are tried
NUMPY = ("np", "anp", "numpy", "math", "special", "scipy")
SWAPPED = {
    "sum": ("mean", "prod", "cumsum"),
    "mean": ("sum", "median", "max"),
    "average": ("sum",),
    "max": ("min", "sum", "mean"),
    "min": ("max",),
    "nanmax": ("max",),
    "argmax": ("argmin",),
    "argmin": ("argmax",),
    "std": ("var",),
    "var": ("std",),
    "exp": ("log", "square"),
    "log": ("exp", "log1p"),
    "log2": ("log",),
    "log10": ("log",),
    "log1p": ("log",),
    "expm1": ("exp",),
    "sqrt": ("square",),
    "square": ("sqrt",),
    "abs": ("square", "exp"),
    "sin": ("cos", "arccos"),
    "cos": ("sin", "arccos"),
    "arcsin": ("arccos",),
    "arccos": ("cos", "arcsin"),
    "arctan": ("arccos",),
    "maximum": ("minimum", "logaddexp"),
    "minimum": ("maximum",),
    "logaddexp": ("maximum",),
    "cumsum": ("cumprod", "sum"),
    "cumprod": ("cumsum",),
    "zeros": ("ones",),
    "ones": ("zeros",),
    "ones_like": ("zeros_like",),
    "zeros_like": ("ones_like",),
    "any": ("all",),
    "all": ("any",),
    "tanh": ("sinh",),
    "vstack": ("hstack",),
    "hstack": ("vstack",),
    "full": ("zeros",),
    "arange": ("ones",),
    "dot": ("multiply",),
    "multiply": ("dot",),
    "prod": ("sum",),
    "median": ("mean",),
    "linspace": ("arange",),
}
DROPPED = {
    "exp",
    "log",
    "sqrt",
    "square",
    "abs",
    "tanh",
    "sum",
    "mean",
    "max",
    "min",
    "cumsum",
    "clip",
    "sigmoid",
    "expit",
    "maximum",
    "absolute",
    "softmax",
    "sort",
    "round",
    "std",
    "var",
}
OPERATORS = {
    ast.Add: (ast.Sub, ast.Mult),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div, ast.Add, ast.MatMult),
    ast.Div: (ast.Mult,),
    ast.Pow: (ast.Mult,),
    ast.MatMult: (ast.Mult,),
    ast.FloorDiv: (ast.Div,),
    ast.Mod: (ast.Mult,),
}
COMPARED = {
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
}


class Source(NamedTuple):
    """The text of a function, and the number in its cell of the line that it begins with."""

    text: str
    first: int = 1


AS_IT_STANDS = ("exp", "log", "sqrt", "square", "factor", "one minus")
HINTS = {
    "transpose": "is it to be transposed?",
    "transposed": "is it to be transposed at all?",
    "comparison": "what if both sides are equal?",
    "order": "is it the other way round?",
    "range": "where does it begin and end?",
    "dropped": "is it needed there?",
    "part": "does it belong there?",
    "divisor": "does it divide by the number of examples, or by one less?",
    "index": "one entry, or all of them?",
}


class Repair(NamedTuple):
    """A changed source, the sort of change, what to look at, and the line where that stands."""

    cost: float
    kind: str
    look: str
    line: int
    text: str

    def says(self, line: str) -> str:
        """Where to look; `line` is the line as a report names it."""
        where = f"one small change makes your function right. Look at {self.look} in {line.partition(':')[0]}"
        if self.kind in AS_IT_STANDS:
            return f"{where}; it stands there as it is"
        return f"{where}: {HINTS[self.kind]}" if self.kind in HINTS else where


def source_of(function: Any) -> Source | None:
    """The source of a function of this process, where there is one."""
    try:
        lines, first = inspect.getsourcelines(function)
    except (OSError, TypeError):
        return None
    return Source(textwrap.dedent("".join(lines)), first)


def source_in(cells: list[str], name: str) -> Source | None:
    """The source of the last function of this name at the top level of some cells."""
    for cell in reversed(cells):
        if f"def {name}" in cell and len(cell) <= LONGEST:
            tree = parsed(cell)
            for node in reversed(tree.body if tree else []):
                if isinstance(node, ast.FunctionDef) and node.name == name:
                    first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
                    return Source("\n".join(cell.splitlines()[first - 1 : node.end_lineno]), first)
    return None


def parse(text: str) -> ast.Module:
    """The syntax tree of a text, in one thread after the other: before Python 3.11.8, two that parse at the same time
    may end in "AST constructor recursion depth mismatch" (python/cpython#106905), and a grader has several."""
    with PARSING:
        return ast.parse(text)


def parsed(text: str) -> ast.Module | None:
    """The syntax tree of a text; None where it is no Python."""
    try:
        return parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def function_in(source: Source | None) -> ast.FunctionDef | None:
    """The syntax tree of a source's function; None where it is too long, or no function alone."""
    tree = parsed(source.text) if source and len(source.text) <= LONGEST else None
    if tree and len(tree.body) == 1 and isinstance(tree.body[0], ast.FunctionDef):
        return tree.body[0]
    return None


def line_of(source: Source, number: int) -> str:
    """ "line 3: return x - mean", as a traceback shows it; `number` counts within the source."""
    return f"line {source.first + number - 1}: {source.text.splitlines()[number - 1].strip()}"[:300]


def line_starts(text: bytes) -> list[int]:
    """Where each line begins, and where the text ends."""
    return [0, *itertools.accumulate(len(line) for line in text.splitlines(keepends=True))]


def with_other(text: bytes, starts: list[int], node: Any, code: str) -> bytes:
    """The text with this code in the place of a node of its syntax tree."""
    start, end = starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset
    return text[:start] + code.encode() + text[end:]


def repairs(source: Source | None, most: int = MOST) -> list[Repair]:
    """Changed sources, the likeliest changes first, and not more than `most`."""
    function = function_in(source)
    if function is None or source is None:
        return []
    names, text = names_in(function), source.text.encode()
    starts = line_starts(text)
    with contextlib.suppress(RecursionError, ValueError):
        likeliest = sorted(
            ((node, *change) for node in places(function) for change in changes(node, names)), key=lambda row: row[1]
        )
        return list(itertools.islice(_written(likeliest, text, starts), min(most, MOST)))
    return []


def _written(likeliest: Iterable[tuple], text: bytes, starts: list[int]) -> Iterator[Repair]:
    """The changed sources of changes (node, cost, kind, what to look at, other node), each source once."""
    seen = {text}
    for node, cost, kind, look, other in likeliest:
        new = ast.unparse(other)
        new = new if isinstance(node, ast.keyword | ast.Return) else f"({new})"
        changed = with_other(text, starts, node, new)
        if changed not in seen:
            seen.add(changed)
            yield Repair(cost, kind, look, node.lineno, changed.decode())


class Names(NamedTuple):
    """Parameters and local variables with the line after which each is known, those of them that are called, and from
    which others each is made."""

    known_after: dict[str, int]
    called: set[str]
    made_from: dict[str, set[str]]

    def instead_of(self, node: ast.Name) -> Iterator[tuple[float, str]]:
        """(cost, name) of what may be mistaken for a name: others that are known there, functions for functions.

        The likeliest are those that it is made from, or that are made from it: x for x - mean, mu for mu + sigma eps.
        """
        for name, line in self.known_after.items():
            if name != node.id and line < node.lineno and (name in self.called) == (node.id in self.called):
                near = name in self.made_from.get(node.id, ()) or node.id in self.made_from.get(name, ())
                yield (2.1 if near else 2.4), name


def names_in(function: ast.FunctionDef) -> Names:
    """Parameters and local variables: what may be mistaken for each other."""
    known = {arg.arg: 0 for arg in function.args.args}
    inner = {n for c in ast.walk(function) if isinstance(c, ast.comprehension) for n in ast.walk(c.target)}
    for n in ast.walk(function):
        if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store):
            line = 0 if n in inner else n.lineno
            known[n.id] = min(known.get(n.id, line), line)
    called = {n.func.id for n in ast.walk(function) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    made_from: dict[str, set[str]] = {}
    for n in ast.walk(function):
        if isinstance(n, ast.Assign) and len(n.targets) == 1 and isinstance(n.targets[0], ast.Name):
            inside = {m.id for m in ast.walk(n.value) if isinstance(m, ast.Name)}
            made_from.setdefault(n.targets[0].id, set()).update(inside)
    return Names(known, called, made_from)


WHOLE_KEYWORDS = {"axis", "keepdims", "ddof", "dtype"}  # changed as such, or not at all
LEFT_ALONE = {"ctx", "annotation", "returns", "targets", "target", "decorator_list"}


def places(node: ast.AST, inside: bool = False) -> Iterator[Any]:
    """The expressions and returns of a function's body; parameters and the conditions of `while` are left alone."""
    if inside and hasattr(node, "lineno"):
        yield node
    if isinstance(node, ast.JoinedStr | ast.arguments) or (
        isinstance(node, ast.keyword) and node.arg in WHOLE_KEYWORDS
    ):
        return
    if isinstance(node, ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Subscript):
                yield target
                yield from places(target.slice, True)
    for field, value in ast.iter_fields(node):
        if field not in LEFT_ALONE and not (
            (field == "test" and isinstance(node, ast.While)) or (field == "slice" and isinstance(value, ast.Constant))
        ):
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, ast.AST):
                    yield from places(item, True)


@functools.lru_cache(maxsize=2048)  # a node is looked at with each of its changes
def code(node: ast.AST) -> str:
    """A node as code in a sentence, cut where it is long."""
    text = " ".join(ast.unparse(node).split())
    return f"`{text}`" if len(text) <= 40 else f"`{text[:37]}...`"


def changes(node: ast.AST, names: Names) -> Iterator[Other]:
    """(cost, kind, what to look at, other node) for one place."""
    match node:
        case ast.Constant(bool()):
            return
        case ast.Constant(int() | float() as value):
            for other in dict.fromkeys(
                [
                    1,
                    2,
                    0,
                    0.5,
                    -value,
                    value + 1,
                    value - 1,
                    2 * value,
                    value / 2,
                    value**2 if abs(value) < 1e3 else 1,
                    -1,
                    -2,
                ]
            ):
                if other != value or type(other) is not type(value):
                    yield 2, "number", f"the number {code(node)}", ast.Constant(other)
        case ast.BinOp(left, op, right):
            for other in OPERATORS.get(type(op), ()):
                yield 1, "operator", f"the sign between {code(left)} and {code(right)}", ast.BinOp(left, other(), right)
            if isinstance(op, ast.Sub | ast.Div | ast.MatMult | ast.Pow):
                yield 1.5, "order", f"the order in {code(node)}", ast.BinOp(right, op, left)
            yield 2, "part", f"{code(right)} in {code(node)}", left
            yield 2, "part", f"{code(left)} in {code(node)}", right
            if (
                isinstance(op, ast.Mult | ast.Div | ast.Add | ast.Sub)
                and isinstance(left, ast.BinOp)
                and isinstance(left.op, ast.Add | ast.Sub | ast.Mult | ast.Div)
            ):
                yield (
                    1.2,
                    "brackets",
                    f"the brackets in {code(node)}",
                    ast.BinOp(left.left, left.op, ast.BinOp(left.right, op, right)),
                )
            if isinstance(right, ast.BinOp):
                yield (
                    1.2,
                    "brackets",
                    f"the brackets in {code(node)}",
                    ast.BinOp(ast.BinOp(left, op, right.left), right.op, right.right),
                )
        case ast.UnaryOp(ast.USub(), operand):
            yield 1, "sign", f"the minus in {code(node)}", operand
        case ast.Compare(left, [op], [right]):
            for other in COMPARED.get(type(op), ()):
                yield 1, "comparison", code(node), ast.Compare(left, [other()], [right])
        case ast.keyword("axis", value):
            for other in (0, 1, -1, None, 2):
                if not (isinstance(value, ast.Constant) and value.value == other):
                    yield 1, "axis", f"`axis={ast.unparse(value)}`", ast.keyword("axis", ast.Constant(other))
        case ast.Call():
            yield from calls(node)
        case ast.Name(name) if name in names.known_after:
            yield from of_name(node, names)
        case ast.Attribute(value, "T"):
            yield 1, "transposed", code(node), value
        case ast.Subscript(value, ast.Slice(), _):
            yield 2, "slice", code(node), value
        case ast.Subscript(value, ast.Constant(int() as index)):
            for other in dict.fromkeys([0, index + 1, index - 1, -1]):
                if other != index:
                    yield 2, "number", f"the index `{index}` in {code(node)}", ast.Subscript(value, ast.Constant(other))
        case ast.Subscript(value, ast.Tuple(indices)):
            for i, index in enumerate(indices):
                if isinstance(index, ast.Constant) and isinstance(index.value, int):
                    every = ast.Tuple([*indices[:i], ast.Slice(), *indices[i + 1 :]], ast.Load())
                    yield 1.5, "index", f"the index `{ast.unparse(index)}` in {code(node)}", ast.Subscript(value, every)
        case ast.Return(value) if value is not None:
            yield from returns(value)
        case _:
            return


def calls(node: ast.Call) -> Iterator[Other]:
    """Another function, one less, another axis; without a keyword."""
    args, keywords = node.args, node.keywords
    for i, keyword in enumerate(keywords):
        if keyword.arg in ("axis", "keepdims", "ddof", "bias"):
            yield (
                1.2,
                "keyword",
                f"`{keyword.arg}` in {code(node)}",
                ast.Call(node.func, args, keywords[:i] + keywords[i + 1 :]),
            )
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    own = isinstance(node.func, ast.Attribute) and not (
        isinstance(node.func.value, ast.Name) and node.func.value.id in NUMPY
    )
    for other in SWAPPED.get(name, ()):
        func = (
            ast.Attribute(node.func.value, other, ast.Load())
            if isinstance(node.func, ast.Attribute)
            else ast.Attribute(ast.Name("np", ast.Load()), other, ast.Load())
        )
        if not (own and other in ("square", "exp", "log", "multiply", "logaddexp", "median")):
            cost = 2.5 if {name, other} == {"std", "var"} else 1.5  # a threshold may be what is wrong
            yield cost, "function", f"`{ast.unparse(node.func)}`", ast.Call(func, args, keywords)
    if name in ("cov", "var", "std") and not any(k.arg in ("bias", "ddof") for k in keywords):
        other_divisor = ast.keyword("ddof", ast.Constant(0 if name == "cov" else 1))
        yield 1.3, "divisor", code(node), ast.Call(node.func, args, [*keywords, other_divisor])
    if name in DROPPED and (args or own):
        yield 1.5, "dropped", f"`{ast.unparse(node.func)}`", node.func.value if own and not args else args[0]
    if name in (
        "sum",
        "mean",
        "max",
        "min",
        "argmax",
        "argmin",
        "logsumexp",
        "std",
        "var",
        "prod",
        "cumsum",
    ) and not any(k.arg == "axis" for k in keywords):
        for axis in (0, 1, -1):
            yield (
                1.1,
                "axis",
                code(node),
                ast.Call(node.func, args[:1] if not own else [], [*keywords, ast.keyword("axis", ast.Constant(axis))]),
            )
    if name in ("split", "array_split", "concatenate", "norm", "softmax", "stack") and all(
        k.arg != "axis" for k in keywords
    ):
        for axis in (1, 0, -1):
            yield (
                1.1,
                "axis",
                code(node),
                ast.Call(node.func, args, [*keywords, ast.keyword("axis", ast.Constant(axis))]),
            )
    if len(args) >= 2 and not any(isinstance(arg, ast.Starred) for arg in args[:2]):
        yield (
            1.5,
            "order",
            f"the order of the arguments in {code(node)}",
            ast.Call(node.func, [args[1], args[0], *args[2:]], keywords),
        )
    if name == "range":
        for sign in (ast.Add(), ast.Sub()):
            yield (
                1.5,
                "range",
                code(node),
                ast.Call(node.func, [*args[:-1], ast.BinOp(args[-1], sign, ast.Constant(1))], keywords),
            )
    elif not own or args:
        yield 2.5, "sign", code(node), ast.UnaryOp(ast.USub(), node)


def of_name(node: ast.Name, names: Names) -> Iterator[Other]:
    """Another variable; or a function of this one, where it stands as it is."""
    for cost, other in names.instead_of(node):
        yield cost, "name", f"the name {code(node)}", ast.Name(other, ast.Load())
    if node.id in names.called:
        return
    numpy = ast.Name("np", ast.Load())
    for function in ("exp", "log", "sqrt"):
        yield (
            2.1,
            function,
            code(node),
            ast.Call(ast.Attribute(numpy, function, ast.Load()), [node], []),
        )
    yield 2.1, "square", code(node), ast.BinOp(node, ast.Pow(), ast.Constant(2))
    yield 2.2, "one minus", code(node), ast.BinOp(ast.Constant(1), ast.Sub(), node)
    yield 2.2, "transpose", code(node), ast.Attribute(node, "T", ast.Load())
    yield 2.2, "sign", f"the sign of {code(node)}", ast.UnaryOp(ast.USub(), node)
    for c in (2, 0.5):
        yield 2.4, "factor", code(node), ast.BinOp(ast.Constant(c), ast.Mult(), node)


def returns(value: ast.expr) -> Iterator[Other]:
    """The negative, the half or the double of what is returned; two results in another order."""
    if isinstance(value, ast.Tuple):
        if len(value.elts) == 2:
            yield 1, "order", "the order of the results", ast.Return(ast.Tuple(value.elts[::-1], ast.Load()))
    elif not isinstance(value, ast.Dict | ast.List):
        yield 1.4, "sign", f"the sign of {code(value)}", ast.Return(ast.UnaryOp(ast.USub(), value))
        for c in (0.5, 2):
            yield 2, "factor", code(value), ast.Return(ast.BinOp(ast.Constant(c), ast.Mult(), value))
