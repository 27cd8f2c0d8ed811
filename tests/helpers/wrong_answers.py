"""Wrong answers to every exercise: its own misconceptions, and mechanical mutations of the right answer's source.

A mutation changes one thing: an operator, a constant, an axis, a sign, a function, a comparison, an index, the order of
arguments or results; or it leaves a term, a transpose or a statement out. A mutant that changes no value within the
exercise's domain is no wrong answer: it stands in EQUIVALENT with the reason.
"""

import ast
import copy
import random
import re

from answers import EXERCISES, Answer, Parts, solution, text

BINARY = {
    ast.Add: [ast.Sub],
    ast.Sub: [ast.Add],
    ast.Mult: [ast.Div],
    ast.Div: [ast.Mult],
    ast.Pow: [ast.Mult],
    ast.FloorDiv: [ast.Mult],
    ast.Mod: [ast.Mult],
    ast.MatMult: [],
    ast.BitAnd: [ast.BitOr],
    ast.BitOr: [ast.BitAnd],
}
COMPARISON = {
    ast.Gt: [ast.GtE, ast.Lt],
    ast.GtE: [ast.Gt, ast.Lt],
    ast.Lt: [ast.LtE, ast.Gt],
    ast.LtE: [ast.Lt, ast.Gt],
    ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq],
    ast.In: [ast.NotIn],
    ast.NotIn: [ast.In],
    ast.Is: [ast.IsNot],
    ast.IsNot: [ast.Is],
}
FUNCTION = {
    "sum": "mean",
    "mean": "sum",
    "max": "min",
    "min": "max",
    "argmax": "argmin",
    "argmin": "argmax",
    "std": "var",
    "var": "std",
    "maximum": "minimum",
    "minimum": "maximum",
    "sin": "cos",
    "cos": "sin",
    "arccos": "arcsin",
    "any": "all",
    "all": "any",
    "exp": "expm1",
    "log": "log1p",
    "zeros": "ones",
    "ones": "zeros",
    "floor": "ceil",
    "ceil": "floor",
    "vstack": "hstack",
    "normal": "uniform",
    "logaddexp": "maximum",
    "logsumexp": "max",
    "cumsum": "cumprod",
}
DROPPED = {"exp", "log", "sqrt", "abs", "tanh", "square", "log1p", "expm1", "clip", "cumsum", "mean", "sum"}


def mutations(node: ast.AST):
    """Other nodes in this one's place, each a mistake."""
    match node:
        case ast.BinOp(left, op, right):
            for other in BINARY.get(type(op), []):
                yield ast.BinOp(left, other(), right)
            yield left
            yield ast.UnaryOp(ast.USub(), right) if isinstance(op, ast.Sub) else right
        case ast.UnaryOp(ast.USub(), operand):
            yield operand
        case ast.UnaryOp(ast.Not(), operand):
            yield operand
        case ast.Constant(bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(int() | float() as value):
            for other in dict.fromkeys([value + 1, value - 1, -value, 1, 0]):
                if other != value:
                    yield ast.Constant(other)
        case ast.Compare(left, [op], [right]):
            for other in COMPARISON.get(type(op), []):
                yield ast.Compare(left, [other()], [right])
        case ast.BoolOp(op, values):
            yield ast.BoolOp(ast.And() if isinstance(op, ast.Or) else ast.Or(), values)
        case ast.IfExp(test, body, orelse):
            yield body
            yield orelse
        case ast.keyword("axis", ast.Constant(axis)):
            yield from (ast.keyword("axis", ast.Constant(other)) for other in ((0,) if axis else (1, None)))
        case ast.Subscript(ast.Attribute(_, "shape") as value, ast.Constant(axis), ctx):
            yield ast.Subscript(value, ast.Constant(0 if axis else 1), ctx)
        case ast.Attribute(value, "T"):
            yield value
        case ast.Subscript(value, ast.Slice(lower, upper, step), ctx) if isinstance(ctx, ast.Load):
            for part in ("lower", "upper"):
                bound = getattr(node.slice, part)
                if bound and not isinstance(bound, ast.Constant):
                    for sign in (ast.Add(), ast.Sub()):
                        bounds = {
                            "lower": lower,
                            "upper": upper,
                            "step": step,
                            part: ast.BinOp(bound, sign, ast.Constant(1)),
                        }
                        yield ast.Subscript(value, ast.Slice(**bounds), ctx)
            yield value
        case ast.Call():
            yield from calls(node)
        case ast.Return(value) if value is not None:
            if isinstance(value, ast.Tuple):
                yield ast.Return(ast.Tuple(value.elts[::-1], ast.Load()))
                for i, item in enumerate(value.elts):
                    yield ast.Return(
                        ast.Tuple([*value.elts[:i], ast.UnaryOp(ast.USub(), item), *value.elts[i + 1 :]], ast.Load())
                    )
            elif not isinstance(value, ast.Dict | ast.List):
                yield ast.Return(ast.UnaryOp(ast.USub(), value))
        case ast.If(test, body, orelse):
            yield ast.If(ast.UnaryOp(ast.Not(), test), body, orelse)
        case ast.Assign() | ast.AugAssign() | ast.Expr() if not isinstance(getattr(node, "value", None), ast.Constant):
            yield ast.Pass()


def calls(node: ast.Call):
    """Mistakes in a call: another function, arguments in another order, keywords left out, one step less."""
    args, keywords = node.args, node.keywords
    for i, keyword in enumerate(keywords):
        if keyword.arg:
            yield ast.Call(node.func, args, keywords[:i] + keywords[i + 1 :])
    if len(args) >= 2 and not any(isinstance(arg, ast.Starred) for arg in args[:2]):
        yield ast.Call(node.func, [args[1], args[0], *args[2:]], keywords)
    if isinstance(node.func, ast.Attribute):
        name, value = node.func.attr, node.func.value
        if name in FUNCTION:
            yield ast.Call(ast.Attribute(value, FUNCTION[name], ast.Load()), args, keywords)
        if name in DROPPED:
            yield args[0] if args and isinstance(value, ast.Name) and value.id in ("np", "anp", "math") else value
    if isinstance(node.func, ast.Name) and node.func.id == "range":
        yield ast.Call(node.func, [*args[:-1], ast.BinOp(args[-1], ast.Sub(), ast.Constant(1))], keywords)
        if len(args) == 1:
            yield ast.Call(node.func, [ast.Constant(1), *args], keywords)


def mutants(function: ast.FunctionDef):
    """(the statement as it has become, the whole function) for each mutation of a function's body."""
    seen = {text(function)}
    for where, statement in enumerate(ast.walk(function)):
        if not isinstance(statement, ast.stmt) or statement is function:
            continue
        for path, node in nodes_of(statement):
            for other in mutations(node):
                changed = copy.deepcopy(function)
                own = list(ast.walk(changed))[where]
                if path:
                    place(own, path, copy.deepcopy(other))
                else:
                    own = replace_statement(changed, own, copy.deepcopy(other))
                source = text(changed)
                if source not in seen:
                    seen.add(source)
                    said = f"without {text(node)}" if isinstance(other, ast.Pass) else head(own)
                    yield said, source


def head(statement):
    """A statement's text without the statements inside it."""
    bare = copy.deepcopy(statement)
    if hasattr(bare, "body"):
        bare.body, bare.orelse = [ast.Expr(ast.Constant(...))], []
    return text(bare).split("\n")[0].removesuffix("...").strip() if hasattr(bare, "body") else text(bare)


def nodes_of(statement):
    """(path, node) of a statement and of the expressions in it, but of no statement inside it and no assigned name."""

    def walk(node, path):
        yield path, node
        if (isinstance(node, ast.keyword) and node.arg == "axis") or (
            isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute) and node.value.attr == "shape"
        ):
            return  # an axis is another one of the two: -1 is the last, and a third there is not
        for field, value in ast.iter_fields(node):
            inner = field in ("targets", "target", "body", "orelse", "args") and isinstance(node, ast.stmt | ast.Lambda)
            if inner and not (isinstance(node, ast.Lambda) and field == "body"):
                continue
            for i, item in enumerate(value if isinstance(value, list) else [value]):
                if isinstance(item, ast.expr | ast.slice | ast.keyword | ast.comprehension):
                    yield from walk(item, [*path, (field, i if isinstance(value, list) else None)])

    yield from walk(statement, [])


def place(node, path, other):
    """Puts `other` where the path leads."""
    for field, i in path[:-1]:
        node = getattr(node, field) if i is None else getattr(node, field)[i]
    field, i = path[-1]
    if i is None:
        setattr(node, field, other)
    else:
        getattr(node, field)[i] = other


def replace_statement(function, statement, other):
    """Puts one statement in another's place, wherever in the function that is."""
    for node in ast.walk(function):
        for body in (getattr(node, "body", None), getattr(node, "orelse", None)):
            if isinstance(body, list) and any(item is statement for item in body):
                body[[item is statement for item in body].index(True)] = other
                return other
    raise AssertionError("the statement is not in the function")


def mutants_of(name: str, parts: Parts | None = None) -> list[Answer]:
    """Every mutant of an answer: the solution, unless another is given."""
    parts = parts or solution(name)
    before = text(parts.before)
    return [Answer(name, said, [before, source]) for said, source in mutants(parts.function)]


def misconceptions_of(name: str) -> list[Answer]:
    """The wrong answers that the exercise knows by name."""
    return [Answer(name, key, wrong.function) for key, wrong in EXERCISES[name].misconceptions.items()]


def equivalent(answer: Answer) -> str | None:
    """Why a mutant is no wrong answer, if it is none."""
    rows = [*EQUIVALENT.get(answer.exercise, []), *EVERYWHERE]
    return next((reason for pattern, reason in rows if re.fullmatch(pattern, answer.style)), None)


def sample_of_mutants(name: str, most: int) -> list[Answer]:
    """At most so many mutants that are wrong, always the same ones."""
    every = [answer for answer in mutants_of(name) if not equivalent(answer)]
    return random.Random(name).sample(every, min(most, len(every)))


SAME_UP_TO_SIGN = "components count up to sign"
MORE_ROWS = "only more rows than are needed are computed"
LOGADDEXP = "logaddexp is symmetric"
SYMMETRIC = "a Gaussian's density is symmetric in x and its mean"
ACHIEVES = "judged by what it achieves: this start, rate, batch or number of steps achieves it, too"
NOTHING_TIMES_LOG = "where q is 0 the logarithm is multiplied by 0"

# {exercise: [(regular expression for the mutated statement, why it is right all the same)]}
EVERYWHERE = [(r"without (\w+(, \w+)*) = .*np\.asarray\(.*", "arguments come as arrays")]
EQUIVALENT = {
    "slerp": [(r"angle = .*np\.clip\(cosine, -\d, 1\).*", "opposite codes are not asked")],
    "morph": [(r"return decode\(slerp\(mu\[0\], mu\[-1\], steps\)\)", "the last row of two is the second")],
    "categorical_log_prob": [
        (r"return np\.take_along_axis\(log_p, tokens\[\.\.\., None\]\).*", "the last axis is take_along_axis's default")
    ],
    "notes": [(r"return tuple\(\(np\.array\(part\) for part in .*", "whole numbers make arrays of whole numbers")],
    "pca_fit": [
        (r"_, _, components = np\.linalg\.svd\(x - mean(, full_matrices=True)?\)", MORE_ROWS),
        (r"return \(mean, -components\[:K\]\)", SAME_UP_TO_SIGN),
    ],
    "linear_ae_train": [
        (r"U, V = \(.*rng\.(normal|uniform)\(.*\)", ACHIEVES),
        (r"U, V = \(U - .*dU, V - .*dV\)", ACHIEVES),
        (r"for _ in range\((steps - 1|1, steps)\):", ACHIEVES),
    ],
    "autoencoder_train": [
        (r"return adam\(.*steps(, step_size=0\.005)?\)", ACHIEVES),
        (r"x_hat = mlp_forward\(params\[-1\], z, anp\.tanh\)", "there are two networks: the last is the second"),
        (
            r"return anp\.(sum|mean)\(\(x - x_hat\) \*\* 2\)( [*/] len\(x\))?",
            "Adam's steps do not depend on the scale of the loss",
        ),
    ],
    "vae_train": [
        (
            r"return -anp\.(sum|mean)\(vae_elbo\(\*params, rows, eps\)\)( [*/] .*)?",
            "Adam's steps do not depend on the scale of the loss",
        ),
        (r"return adam\(.*steps(, step_size=0\.00\d)?\)", ACHIEVES),
        (r"for rows in minibatches\(x, \d+, steps, rng\):", ACHIEVES),
        (r"yield \(rows, rng\.standard_normal\(\(len\(rows\), sizes\[-1\]\)\)\)", "noise in float64"),
    ],
    "subspace_angle": [
        (r"return np\.arccos\(np\.clip\(-1, cosines\.min\(\), 1\)\)", "clip(-1, c, 1) is min(max(-1, c), 1), too"),
        (r"return np\.arccos\(np\.clip\(cosines\.min\(\), (-2|-0|0), 1\)\)", "singular values are not negative"),
    ],
    "bernoulli_log_prob": [(r".*np\.logaddexp\(logits, 0\).*", LOGADDEXP)],
    "log_marginal_quadrature": [(r"log_p = .*gaussian_log_prob\(decoder\(.*\), x, eta\) for z in grid\]", SYMMETRIC)],
    "log_marginal_monte_carlo": [(r"log_p = .*gaussian_log_prob\(decoder\(z\), x, eta\).*", SYMMETRIC)],
    "log_marginal_importance": [
        (r"log_p = .*gaussian_log_prob\(decoder\(z_s\), x, eta\).*", SYMMETRIC),
        (
            r"return np\.sum\(-0\.5 \* a \*\* 2( [-+] (?!.*log\((-2|0) )[^a]*)?, axis=-1\)",
            "the constant of log N stands in log p and in log q and cancels",
        ),
    ],
    "quantise": [
        (r"starts = \[v \+ math\.ceil\(.*", "a share may be rounded up: the last symbol keeps a slot all the same"),
    ],
    "elbo_on_grid": [(r"log_q = np\.log\(np\.where\(q > 0, q, 2\)\)", NOTHING_TIMES_LOG)],
    "gap_on_grid": [(r"log_q = np\.log\(np\.where\(q > 0, q, 2\)\)", NOTHING_TIMES_LOG)],
    "mixture_elbo": [
        (r"log_joint = np\.log\(pi\) \+ norm\.logpdf\(mu, x\[:, None\], sigma\)", SYMMETRIC),
        (r"log_r = np\.log\(np\.where\(responsibilities > 0, responsibilities, 2\)\)", NOTHING_TIMES_LOG),
    ],
    "score_function_loss": [(r"log_q = diagonal_gaussian_log_prob\(mu, z, log_sigma\)", SYMMETRIC)],
    "sample_gradients": [
        (r"return grad\(objective, \(0, -1\)\)\(mu, log_sigma\)", "of two arguments, the last is the second")
    ],
    "encoder_forward": [(r"K = h\.shape\[1\] // -2", "of 2K columns, those up to -K are those up to K")],
    "encoder_train": [
        (
            r"return -anp\.sum\(elbo_of_q\(decoder, rows, mu, log_sigma, eps\)\)",
            "Adam's steps do not depend on the scale of the loss",
        ),
        (r"for rows in minibatches\(x, \d+, steps, rng\):", ACHIEVES),
        (
            r"yield \(rows, rng\.standard_normal\(\([12], len\(rows\), sizes\[-1\]\)(, dtype='f4')?\)\)",
            "noise in float64, or two samples for each example",
        ),
    ],
    "ppca_fit": [(r"return \(-\(components\.T \* .*\), mean, eta\)", SAME_UP_TO_SIGN)],
    "active_units": [(r"return int\(np\.sum\(np\.var\(mu, axis=0\) >= 0\.01\)\)", "no variance is 0.01 exactly")],
    "m2_unlabelled_elbo": [(r"log_q = np\.log\(np\.where\(q_y > 0, q_y, 2\.0\)\)", NOTHING_TIMES_LOG)],
    "made_masks": [(r"D = sizes\[-1\]", "the last layer is as wide as the first")],
    "autoregressive_sample": [
        (r"x = np\.ones\(u\.shape\)", "logits look at nothing that is not drawn yet"),
        (r"x\[:, d\] = u\[:, d\] <= expit\(logits\(x\)\[:, d\]\)", "no u is exactly the probability"),
    ],
    "gan_losses": [(r".*anp\.logaddexp\(-?logits_(real|fake), 0\).*", LOGADDEXP)],
    "precision_recall": [
        (r".*np\.any\(between < reach_.*", "no distance is exactly a radius"),
        (r"reach_(real|fake) = np\.sort\(cdist\(.*\)\)\[:, k\]", "np.sort sorts the last axis"),
    ],
}
