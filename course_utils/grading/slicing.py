"""Which statements of a notebook an answer needs. Runs in the child only: parsing is no job for the trusted parent.

A slice is every statement that binds the answer's name, and, again and again, every statement that binds or changes
a name that the chosen ones use. Star imports always count. Statements that only show something
(a plot, a demonstration, a slow import for it) are left out, so that they can neither cost time nor fail.
"""

import ast
import copy
import re
import symtable
from types import CodeType
from typing import NamedTuple

DYNAMIC = {
    "exec",
    "eval",
    "globals",
    "locals",
    "vars",
    "setattr",
    "get_ipython",
    "__dict__",
    "__main__",
    "builtins",
    "__builtins__",
}  # words with which a notebook can bind names that no analysis sees
MAX_MAGICS = 300  # lines of IPython's in one cell; the time to take them out grows with their square
PYTHON_MAGICS = ("time", "timeit", "capture", "prun")  # cell magics whose body is Python


class Unit(NamedTuple):
    """One top-level statement. `binds`: names that it binds or changes; `imported`: names that it imports."""

    cell: int
    code: CodeType
    binds: frozenset
    uses: frozenset
    imported: frozenset
    star: bool
    tree: ast.Module


class Broken(NamedTuple):
    """A cell that is not Python, with the syntax error's text and line."""

    cell: int
    source: str
    message: str
    line: str


def parse(source: str) -> tuple[ast.Module, str]:
    """The cell's tree and the text it came from, IPython's own syntax taken out; SyntaxError where it is no Python."""
    magic = re.match(r"\s*%%(\w+)[^\n]*", source)
    if magic:
        if magic[1] not in PYTHON_MAGICS:
            return ast.Module([], []), ""
        source = "pass" + source[magic.end() :]
    for _ in range(min(source.count("\n"), MAX_MAGICS) + 1):
        try:
            return ast.parse(source), source
        except SyntaxError as error:
            mended = _without_magic(source, error.lineno or 0)
            if mended == source:
                raise
            source = mended
    return ast.parse(source), source


def _without_magic(source, number):
    """The source with line `number` neutralised where it is IPython's and no Python: nothing ever reaches a shell."""
    lines = source.split("\n")
    if not 1 <= number <= len(lines):
        return source
    line = lines[number - 1]
    line = re.sub(r"^(\s*)%(?:time|timeit|prun)\s+(?!-)(?=\S)", r"\1", line)  # %time statement
    line = re.sub(r"^(\s*)(?:[%!?].*|[\w.]+\s*\?\??\s*)$", r"\1pass", line)  # %magic, !shell, ?help, help?
    lines[number - 1] = re.sub(r"^(\s*[\w, ]+=\s*)(?:%\w+|!).*$", r"\1None", line)  # x = !shell
    return "\n".join(lines)


def units_of(sources: list[str]) -> tuple[list[Unit], list[Broken]]:
    """The notebook's top-level statements in order, and the cells that cannot be parsed. Cells count from 1."""
    units, broken = [], []
    for number, source in enumerate(sources, 1):
        source = source.replace("\r\n", "\n").replace("\r", "\n")
        try:
            tree, text = parse(source)
            units += [_unit(number, part, text) for part in _parts(tree.body)]
        except SyntaxError as error:
            line = f"line {error.lineno}: {(error.text or '').strip()}" if error.lineno else ""
            broken.append(Broken(number, source, f"SyntaxError: {error.msg}", line))
        except (ValueError, RecursionError, MemoryError) as error:  # null bytes, lone surrogates, deep nesting
            broken.append(Broken(number, source, f"{type(error).__name__}: {error}", ""))
    modules = frozenset().union(*(unit.imported for unit in units))
    return _with_effects([_with_changes(unit, modules) for unit in units]), broken


def _parts(statements):
    """Statements one by one: those that share a line stay together, imports of several names come apart."""
    parts: list[list[ast.stmt]] = []
    end = 0
    for statement in statements:
        start = min([statement.lineno, *(d.lineno for d in getattr(statement, "decorator_list", []))])
        if start <= end:
            parts[-1].append(statement)
        else:
            parts.append([statement])
        end = max(end, statement.end_lineno)
    for part in parts:
        if len(part) == 1 and isinstance(part[0], ast.Import | ast.ImportFrom):
            for name in part[0].names:
                one = copy.copy(part[0])
                one.names = [name]
                yield [one]
        else:
            yield part


def _unit(cell, statements, text):
    tree = ast.Module(statements, [])
    code = compile(tree, cell_name(cell), "exec", dont_inherit=True)
    imports = [node for node in statements if isinstance(node, ast.Import | ast.ImportFrom)]
    names = [name for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom) for name in node.names]
    imported = frozenset(name.asname or name.name.split(".")[0] for name in names)
    star = any(name.name == "*" for name in names)
    if len(imports) == len(statements):
        return Unit(cell, code, imported, frozenset(), imported, star, tree)
    first = min([statements[0].lineno, *(d.lineno for d in getattr(statements[0], "decorator_list", []))])
    lines = text.split("\n")[first - 1 : max(s.end_lineno for s in statements)]
    binds, uses = global_names(symtable.symtable("\n".join(lines), "cell", "exec"))
    return Unit(cell, code, frozenset(binds), frozenset(uses), imported, star, tree)


def cell_name(number: int) -> str:
    """The file name that the code of a cell is compiled with."""
    return f"<code cell {number}>"


def global_names(table: symtable.SymbolTable, top: bool = True) -> tuple[set[str], set[str]]:
    """Global names that a block of code binds, and those that it uses, in functions and classes inside it too."""
    binds: set[str] = set()
    uses: set[str] = set()
    for symbol in table.get_symbols():
        if top or symbol.is_global():
            if (symbol.is_assigned() or symbol.is_imported()) and (top or symbol.is_declared_global()):
                binds.add(symbol.get_name())
            if symbol.is_referenced():
                uses.add(symbol.get_name())
    for child in table.get_children():
        more = global_names(child, top=False)
        binds |= more[0]
        uses |= more[1]
    return binds, uses


def _with_changes(unit, modules):
    """The unit with the names added whose objects it changes: x[0] = ..., x.a = ..., x.append(...).

    A function that is called on an imported module (np.sum) changes nothing.
    """
    changed = set()
    for node in ast.walk(unit.tree):
        if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
            changed.add(_root(node))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            root = _root(node.func)
            changed |= {root} - modules
    return unit._replace(binds=unit.binds | changed & unit.uses)


def _with_effects(units):
    """Units that use a function which binds or changes global names bind or change these names, too."""
    while True:
        effects: dict[str, frozenset] = {}
        for unit in units:
            for node in unit.tree.body:
                if isinstance(node, ast.FunctionDef):
                    effects[node.name] = effects.get(node.name, frozenset()) | unit.binds - {node.name}
        more = [unit._replace(binds=unit.binds.union(*(effects.get(name, ()) for name in unit.uses))) for unit in units]
        if more == units:
            return units
        units = more


def _root(node):
    """The name at the start of a chain such as name.a[0].b(), or None. What a function returns is not the function."""
    while isinstance(node, ast.Attribute | ast.Subscript) or (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    ):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None


def slice_for(name: str, units: list[Unit]) -> tuple[list[Unit], set[str]]:
    """The statements that the answer `name` needs, in the notebook's order, and every name that they use."""
    binders: dict[str, list[int]] = {}
    for i, unit in enumerate(units):
        for bound in unit.binds:
            binders.setdefault(bound, []).append(i)
    chosen = {i for i, unit in enumerate(units) if unit.star}
    needed, open_names = set(), {name}.union(*(units[i].uses for i in chosen))
    while open_names:
        one = open_names.pop()
        needed.add(one)
        new = set(binders.get(one, ())) - chosen
        chosen |= new
        open_names |= set().union(*(units[i].uses for i in new)) - needed
    return [units[i] for i in sorted(chosen)], needed


def is_dynamic(sources: list[str]) -> bool:
    """Whether the notebook may bind names in ways that a slice cannot see."""
    return any(word in DYNAMIC for source in sources for word in re.findall(r"\w+", source)) or any(
        re.search(r"^\s*%run\b", source, re.M) for source in sources
    )
