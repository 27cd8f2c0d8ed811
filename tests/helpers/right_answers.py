"""Right answers to every exercise in the many styles that students write in: each must earn full marks.

A style takes the solution and gives the code cells of a submission, or None where it does not suit the exercise.
"""

import ast
import functools
import itertools
import random
import re

import numpy as np
from answers import EXERCISES, KEY, Answer, Parts, alternatives, copy_of, rename, solution, text

from course_utils.checking.judging import case_seed
from course_utils.exercises.stand_ins import resolve

STYLES = {}
HELPERS = re.compile(
    r"\b(first_version|the_formula|my_solver|for_one|CONSTANT_\d+)\b"
)  # one set of them for each exercise
RARE = ("while_loops", "star_import")  # styles that suit few exercises: where one does, it comes
SLOW_STYLES = (
    "as_in_the_solution",
    "prints_and_warns",
    "renamed_import",
    "callable_object",
)  # enough for an exercise that trains


def style(function):
    """Enters a style under its name."""
    STYLES[function.__name__] = function
    return function


def parameters(parts: Parts) -> list[str]:
    return [arg.arg for arg in parts.function.args.args]


def signature(parts: Parts) -> str:
    return f"{parts.function.name}({', '.join(parameters(parts))})"


def renamed(parts: Parts, name: str) -> str:
    """The function's source under another name."""
    return text(rename(parts.function, {parts.function.name: name}))


def names_in(tree) -> set[str]:
    """Every name in a function, assigned ones and parameters too."""
    return {getattr(node, "id", getattr(node, "arg", None)) for node in ast.walk(tree)}


def wrapped(parts: Parts, *lines: str) -> list[str]:
    """An answer that calls the solution under the name `first_version`, and these lines after `result = ...`."""
    call = f"result = first_version({', '.join(parameters(parts))})"
    return [
        text(parts.before),
        renamed(parts, "first_version"),
        f"def {signature(parts)}:\n    {call}\n    " + "\n    ".join(lines),
    ]


@style
def as_in_the_solution(parts):
    return [text(parts.before), text(parts.function)]


@style
def type_hints_and_docstring(parts):
    function = copy_of(parts.function)
    for arg in function.args.args:
        arg.annotation = ast.parse("np.ndarray", mode="eval").body
    function.returns = ast.Constant("np.ndarray")
    function.body.insert(
        0, ast.Expr(ast.Constant("What it does.\n\n    :param all: as asked\n    >>> 1 + 1\n    3\n    "))
    )
    return ["import numpy as np", text(parts.before), text(function)]


@style
def other_parameter_names(parts):
    other = {name: f"my_{name}_" for name in parameters(parts)}
    return [text(parts.before), text(rename(parts.function, other)).replace("my_", "given_")]


@style
def optional_parameters(parts):
    function = copy_of(parts.function)
    more = ast.parse("def f(*, verbose=False, dtype=None, **options): pass").body[0].args
    function.args.kwonlyargs, function.args.kw_defaults, function.args.kwarg = (
        more.kwonlyargs,
        more.kw_defaults,
        more.kwarg,
    )
    function.body.insert(0, ast.parse("if verbose:\n    print(options)").body[0])
    return [text(parts.before), text(function)]


@style
def renamed_import(parts):
    if not {"np", "anp"} & names_in(parts.function):
        return None
    before, function = (rename(tree, {"np": "numerics", "anp": "jnp"}) for tree in parts)
    return ["import numpy as numerics, autograd.numpy as jnp", text(_without_numpy(before)), text(function)]


def _without_numpy(statements):
    """The statements without imports of numpy."""
    return [s for s in statements if not (isinstance(s, ast.Import) and s.names[0].name in ("numpy", "autograd.numpy"))]


class _Bare(ast.NodeTransformer):
    """np.sum becomes sum."""

    def visit_Attribute(self, node):
        if isinstance(node.value, ast.Name) and node.value.id == "np":
            return ast.Name(node.attr, node.ctx)
        return self.generic_visit(node)


@style
def star_import(parts):
    """from numpy import *: where no variable of the answer and no builtin that it uses has a numpy function's name."""
    bare = _Bare().visit(copy_of(parts.function))
    hidden = {"sum", "max", "min", "abs", "round", "all", "any", "pow"} & names_in(parts.function)
    stored = {node.id for node in ast.walk(bare) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    used = names_in(bare) - names_in(parts.function)
    if not used or not used <= set(np.__all__) or used & ({*parameters(parts)} | stored) or hidden:
        return None
    return ["from numpy import *\nfrom numpy.linalg import *", text(parts.before), text(bare)]


@style
def prints_and_warns(parts):
    function = copy_of(parts.function)
    function.body[:0] = ast.parse(f"""
print("called with", *map(type, [{", ".join(parameters(parts))}]))
print("to stderr", file=sys.stderr)
sys.stdout.write("x" * 10000)
warnings.warn("is this stable?")
warnings.warn("deprecated", DeprecationWarning)
logging.getLogger().warning("a line of the log")""").body
    return ["import sys, warnings, logging", text(parts.before), text(function)]


@style
def single_precision_result(parts):
    return [
        """
import numpy as np
def to_single(result):
    if isinstance(result, (tuple, list)):
        return type(result)(to_single(item) for item in result)
    if isinstance(result, dict):
        return {key: to_single(item) for key, item in result.items()}
    result = np.asarray(result)
    return result.astype(np.float32) if result.dtype == float else result""",
        *wrapped(parts, "return to_single(result)"),
    ]


@style
def nested_lists(parts):
    return [
        """
def to_lists(result):
    if isinstance(result, (tuple, list)):
        return [to_lists(item) for item in result]
    if isinstance(result, dict):
        return {key: to_lists(item) for key, item in result.items()}
    return result.tolist() if hasattr(result, "tolist") else result""",
        *wrapped(parts, "return to_lists(result)"),
    ]


@style
def odd_memory_layout(parts):
    """Arrays in Fortran order, strided, read-only; numbers as arrays without axes."""
    return [
        """
import numpy
def laid_out(result):
    if isinstance(result, (tuple, list)):
        return tuple(laid_out(item) for item in result)
    if isinstance(result, dict):
        return {key: laid_out(item) for key, item in result.items()}
    wide = numpy.asfortranarray(numpy.stack([result, result], axis=-1))[..., 1]
    wide.flags.writeable = False
    return wide""",
        *wrapped(parts, "return laid_out(result)"),
    ]


@style
def helper_in_another_cell(parts):
    return [
        text(parts.before),
        "# my own cell\n" + renamed(parts, "the_formula"),
        f"def {signature(parts)}:\n    return the_formula({', '.join(parameters(parts))})",
    ]


@style
def autograd_numpy(parts):
    if "np" not in names_in(parts.function):
        return None
    return [text(parts.before), "import autograd.numpy as np\nfrom autograd import grad", text(parts.function)]


class _Constants(ast.NodeTransformer):
    """Numbers become global names."""

    def __init__(self):
        self.found = {}

    def visit_Constant(self, node):
        if type(node.value) not in (int, float):
            return node
        return ast.Name(self.found.setdefault(repr(node.value), f"CONSTANT_{len(self.found)}"), ast.Load())


@style
def constants_in_an_earlier_cell(parts):
    constants = _Constants()
    function = constants.visit(copy_of(parts.function))
    if not constants.found:
        return None
    return [
        "\n".join(f"{name} = {value}" for value, name in constants.found.items()),
        text(parts.before),
        text(function),
    ]


@style
def slow_imports(parts):
    return [
        (
            "import time\ntime.sleep(0.05)\nimport scipy.stats, scipy.signal, scipy.optimize\nimport matplotlib.pyplot"
            " as plt"
        ),
        text(parts.before),
        "from scipy.integrate import quad",
        text(parts.function),
    ]


@style
def failing_plots(parts):
    """Cells that raise, and figures, on both sides of the answer; one of them uses it."""
    name = parts.function.name
    plot = "fig, ax = plt.subplots()\nax.plot([1, 2], [1, 2, 3])"
    return [
        "import matplotlib.pyplot as plt\nplt.style.use('no such style')",
        plot,
        text(parts.before),
        "1 / 0",
        text(parts.function),
        f"ax.plot({name}('nonsense'))\nplt.show()",
        f"print({name}, undefined)",
        "for i in range(3)",
        "assert False, 'not what I expected'",
    ]


@style
def magics(parts):
    return [
        "%matplotlib inline\n%load_ext autoreload\n!pip list",
        text(parts.before),
        "%%time\n" + text(parts.function),
        "%timeit 1 + 1",
        "%%bash\nexit 1",
        "?print",
    ]


@style
def first_try_left_in(parts):
    stub = f"def {signature(parts)}:\n    raise NotImplementedError"
    return [stub, f"def {signature(parts)}:\n    return 0.0", text(parts.before), text(parts.function)]


@style
def lambda_with_the_name(parts):
    body = parts.function.body
    given = ", ".join(parameters(parts))
    if len(body) == 1 and isinstance(body[0], ast.Return):
        return [text(parts.before), f"{parts.function.name} = lambda {given}: {text(body[0].value)}"]
    return [
        text(parts.before),
        renamed(parts, "my_solver"),
        f"{parts.function.name} = lambda {given}: my_solver({given})",
    ]


@style
def nested_function(parts):
    inner = renamed(parts, "inner").replace("\n", "\n    ")
    return [
        text(parts.before),
        f"def {signature(parts)}:\n    {inner}\n    return inner({', '.join(parameters(parts))})",
    ]


@style
def callable_object(parts):
    given = ", ".join(parameters(parts))
    return [
        text(parts.before),
        renamed(parts, "my_solver"),
        (
            f"class Solver:\n    calls = 0\n    def __call__(self, {given}):\n"
            f"        self.calls += 1\n        return my_solver({given})"
        ),
        f"{parts.function.name} = Solver()",
    ]


@style
def decorated(parts):
    return [
        """
import functools, time
def timed(function):
    @functools.wraps(function)
    def inner(*args, **kwargs):
        start = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            print(f"{time.perf_counter() - start:.3f} s")
    return inner""",
        text(parts.before),
        "@timed\n" + text(parts.function),
    ]


class _While(ast.NodeTransformer):
    """for x in xs becomes a while loop over an index."""

    loops = 0

    def visit_For(self, node):
        self.generic_visit(node)
        if any(isinstance(inner, ast.Continue) for inner in ast.walk(node)) or node.orelse:
            return node
        self.loops += 1
        items, i = f"items_{self.loops}", f"i_{self.loops}"
        loop = ast.parse(
            f"{items} = list({text(node.iter)})\n{i} = 0\nwhile {i} < len({items}):\n"
            f"    {text(node.target)} = {items}[{i}]\n    {i} = {i} + 1"
        ).body
        loop[2].body += node.body
        return loop


@style
def while_loops(parts):
    loops = _While()
    function = loops.visit(copy_of(parts.function))
    return [text(parts.before), text(function)] if loops.loops else None


@functools.cache
def row_arguments(name) -> dict[int, int] | None:
    """{argument: axis} along which the exercise treats each example by itself, or None where it does not."""
    exercise = EXERCISES[name]
    if exercise.trains:
        return None
    with np.errstate(all="ignore"):
        try:
            cases = [resolve(c.args) for c in exercise.cases(np.random.default_rng(case_seed(exercise, *KEY)))]
            results = [np.asarray(exercise.library_answer()(*args)) for args in cases]
            if any(result.ndim == 0 for result in results) or max(map(len, results)) < 2:
                return None
            for axes in _possible(cases, results):
                if all(_by_rows(exercise, args, result, axes) for args, result in zip(cases, results)):
                    return axes
        except (ValueError, TypeError, IndexError, AttributeError):
            pass
    return None


def _possible(cases, results):
    """Assignments of axes to arguments that go with the lengths of the results, most arguments first."""
    choices = []
    for position in range(len(cases[0])):
        fits = [
            axis
            for axis in (0, 1)
            if all(
                isinstance(args[position], np.ndarray)
                and args[position].ndim > axis
                and args[position].shape[axis] == len(r)
                for args, r in zip(cases, results)
            )
        ]
        choices.append([*fits, None])
    for axes in itertools.product(*choices):
        chosen = {position: axis for position, axis in enumerate(axes) if axis is not None}
        if chosen:
            yield chosen


def _by_rows(exercise, args, result, axes):
    rows = []
    for n in range(len(result)):
        one = [np.take(arg, [n], axis=axes[i]) if i in axes else arg for i, arg in enumerate(args)]
        rows.append(np.asarray(exercise.library_answer()(*one))[0])
    return np.allclose(np.array(rows), result, equal_nan=True)


def _rows(parts, n):
    """The arguments of a call for the rows n of the examples, as source."""
    axes = row_arguments(parts.function.name)
    return axes and ", ".join(
        f"{name}[{':, ' * axes[i]}{n}]" if i in axes else name for i, name in enumerate(parameters(parts))
    )


@style
def loop_over_rows(parts):
    given = _rows(parts, "n:n + 1")
    if not given:
        return None
    axes = row_arguments(parts.function.name)
    i = min(axes)
    count = f"{parameters(parts)[i]}.shape[{axes[i]}]"
    return [
        text(parts.before),
        renamed(parts, "for_one"),
        (
            f"def {signature(parts)}:\n    rows = []\n    n = 0\n    while n < {count}:\n"
            f"        rows.append(for_one({given})[0])\n        n += 1\n    return rows"
        ),
    ]


@style
def recursion_over_rows(parts):
    given = [_rows(parts, n) for n in (":1", "1:")]
    if not given[0]:
        return None
    axes = row_arguments(parts.function.name)
    i = min(axes)
    count = f"{parameters(parts)[i]}.shape[{axes[i]}]"
    return [
        "import numpy as np",
        text(parts.before),
        renamed(parts, "for_one"),
        (
            f"def {signature(parts)}:\n    if {count} == 1:\n        return for_one({', '.join(parameters(parts))})\n"
            f"    return np.concatenate([{parts.function.name}({given[0]}), {parts.function.name}({given[1]})])"
        ),
    ]


def styled(name: str) -> list[Answer]:
    """The solution in every style that suits it."""
    parts = solution(name)
    answers = [
        Answer(name, label, [HELPERS.sub(rf"\g<0>_{name}", cell) for cell in cells])
        for label, write in STYLES.items()
        if (cells := write(parts))
    ]
    return [answer for answer in answers if answer.style in SLOW_STYLES] if EXERCISES[name].trains else answers


def alternatives_of(name: str) -> list[Answer]:
    """The other right answers, as source."""
    return [Answer(name, label, [text(parts.before), text(parts.function)]) for label, parts in alternatives(name)]


def sample_of_styles(name: str, most: int) -> list[Answer]:
    """At most so many answers in different styles, always the same ones; over all exercises every style comes up."""
    every = random.Random(name).sample(answers := styled(name), len(answers))
    return sorted(every, key=lambda answer: answer.style not in RARE)[:most]
