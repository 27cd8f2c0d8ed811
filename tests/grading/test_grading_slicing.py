"""Slices of notebooks: what an answer needs is run, what it does not need is not."""

import pytest

from course_utils.grading.slicing import is_dynamic, parse, slice_for, units_of


def run_slice(cells, name="f"):
    """Runs the slice for `name` and returns its namespace."""
    units, _ = units_of(cells)
    namespace = {}
    for unit in slice_for(name, units)[0]:
        exec(unit.code, namespace)
    return namespace


CELLS_AND_VALUE = {
    "helper": (["def g(): return 2", "def f(): return g() + 1"], 3),
    "helper defined later": (["def f(): return g() + 1", "def g(): return 2"], 3),
    "constant of a helper": (["c = 2", "def g(): return c", "def f(): return g()"], 2),
    "last definition wins": (["def f(): return 1", "def f(): return 2"], 2),
    "renamed import": (["import math as m, os", "def f(): return m.floor(2.5)"], 2),
    "import of several names": (["from math import floor as fl, ceil", "def f(): return fl(2.5) + ceil(2.5)"], 5),
    "star import": (["from math import *", "def f(): return floor(2.5)"], 2),
    "import with a fallback": (
        [
            "try:\n    import no_such_module as m\nexcept ImportError:\n    import math as m",
            "def f(): return m.floor(2.5)",
        ],
        2,
    ),
    "wrapped": (["def f(): return 1", "def twice(g): return lambda: 2 * g()", "f = twice(f)"], 2),
    "decorated": (["def twice(g): return lambda: 2 * g()", "@twice\ndef f(): return 1"], 2),
    "bound under a condition": (["flag = True", "if flag:\n    def f(): return 1\nelse:\n    f = None"], 1),
    "bound in a loop": (["for f in (lambda: 1, lambda: 2): pass"], 2),
    "bound in a with": (["import contextlib", "with contextlib.nullcontext(lambda: 3) as f: pass"], 3),
    "bound by a walrus": (["print(f := lambda: 4)"], 4),
    "unpacked": (["f, g = (lambda: 5), None"], 5),
    "bound through global": (["def make():\n    global f\n    def f(): return 6", "make()"], 6),
    "changed by a function": (
        [
            "kept = []",
            "def keep(x): kept.append(x)",
            "def keep_two(x):\n    keep(x); keep(x)",
            "keep_two(1)",
            "def f(): return len(kept)",
        ],
        2,
    ),
    "lambda": (["k = 3", "f = lambda: k"], 3),
    "class": (
        ["class A:\n    size = 4\n    def get(self): return base + self.size", "base = 1", "def f(): return A().get()"],
        5,
    ),
    "item stored": (["table = {}", "table['a'] = 1", "def f(): return table['a']"], 1),
    "attribute stored": (["class T: pass", "T.a = 1", "def f(): return T.a"], 1),
    "appended": (["items = []", "items.append(1)", "def f(): return len(items)"], 1),
    "augmented": (["n = 1", "n += 1", "def f(): return n"], 2),
    "chained change": (["d = {}", "d.setdefault('a', []).append(1)", "def f(): return d['a'][0]"], 1),
    "two statements on a line": (["a = 1; b = 2", "def f(): return b"], 2),
    "default argument": (["width = 7", "def f(x=width): return x"], 7),
    "comprehension": (["base = [1, 2]", "def f(): return sum(x for x in base)"], 3),
    "annotations": (["import typing", "def f(x: typing.Any = 1) -> 'int': return x"], 1),
    "deleted and made again": (["k = 1", "del k", "k = 2", "def f(): return k"], 2),
    "carriage returns": (["k = 1\r\ndef f():\r\n    return k\r\n"], 1),
}


@pytest.mark.parametrize("cells, value", CELLS_AND_VALUE.values(), ids=CELLS_AND_VALUE)
def test_a_slice_gives_what_the_whole_notebook_gives(cells, value):
    whole = {}
    for cell in cells:
        exec(cell, whole)
    assert run_slice(cells)["f"]() == whole["f"]() == value


@pytest.mark.parametrize(
    "cell",
    [
        "raise RuntimeError('not needed')",
        "x = 1 / 0",
        "import no_such_module",
        "from math import no_such_name, floor",
        "f()  # a demonstration",
        "value = f(undefined)",
        "assert f() == 2",
        "f().real.conjugate(undefined)",
        "table = {}\ntable['x'] = undefined",
        "def g(x):\n    x.append(undefined)\ng(1)",
    ],
)
def test_what_is_not_needed_does_not_run(cell):
    assert run_slice([cell, "def f(x=None):\n    table = x\n    return 1", cell])["f"]() == 1


def test_parameters_and_locals_are_no_uses():
    units, _ = units_of(["x = 1 / 0", "rows = 1 / 0", "def f(x):\n    rows = [r for r in x]\n    return rows"])
    chosen, needed = slice_for("f", units)
    assert [unit.cell for unit in chosen] == [3] and needed == {"f"}


def test_a_cell_that_is_no_python_is_told_with_its_line():
    units, broken = units_of(["a = 1", "def f(x)\n    return x", "\x00", "b = '\ud800'", "(" * 300])
    assert {unit.cell for unit in units} == {1}
    assert [row.cell for row in broken] == [2, 3, 4, 5]
    assert "expected ':'" in broken[0].message and broken[0].line == "line 1: def f(x)"


@pytest.mark.parametrize(
    "cell, after",
    [
        ("%matplotlib inline\na = 1", "pass\na = 1"),
        ("for i in x:\n    !rm -rf {i}\n    y = i", "for i in x:\n    pass\n    y = i"),
        ("files = !ls *.py", "files = None"),
        ("n = %env HOME", "n = None"),
        ("np.exp?", "pass"),
        ("?np.exp", "pass"),
        ("a = 1\nnp.exp??", "a = 1\npass"),
        ("%time x = f(3)", "x = f(3)"),
        ("%%time\nx = 1", "pass\nx = 1"),
        ("%%bash\nrm -rf /", ""),
        ("%%html\n<b>", ""),
        ("text = '''\n%matplotlib\n!ls\n'''\n%pylab", "text = '''\n%matplotlib\n!ls\n'''\npass"),
        ("x = 7 % 3\ny = not x", "x = 7 % 3\ny = not x"),
    ],
)
def test_ipythons_syntax_is_taken_out(cell, after):
    assert parse(cell)[1] == after


def test_words_that_bind_names_unseen_are_noticed():
    assert is_dynamic(["a = 1", "globals()['f'] = 1"]) and is_dynamic(["exec('f = 1')"]) and is_dynamic(["%run x.py"])
    assert not is_dynamic(["evaluate = executed = 1", "np.linalg.norm(a)"])
