"""What a wrong answer does, whatever its formula: noise of its own, idle arguments, results that are 0 or 1."""

import ast
import contextlib
import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from course_utils.checking.calling import Outcome
from course_utils.checking.repairs import Source, function_in, line_of, line_starts, with_other
from course_utils.checking.rows import Row
from course_utils.exercises.model import Exercise
from course_utils.exercises.stand_ins import Rng

Behaves = tuple[str, str, str]  # key, sentence, line
Ask = Callable[..., Outcome]  # of the arguments
PAIRS = 3  # of calls in which an argument is replaced
ROWS = 4  # cases whose arguments are exchanged
ROUNDED = 1e-12  # what is no difference: sums in another order are not the same to the last bit
AGAIN = 4  # calls with the same arguments, where the source draws random numbers
RANDOM = ("random", "default_rng", "randn", "normal", "standard_normal", "uniform", "seed", "rvs")


def equal(a: Outcome, b: Outcome) -> bool:
    """Whether two outcomes have the same value, entry by entry; nan is nan."""
    if a.kind != b.kind:
        return False
    return _equal(a.value, b.value)


def _equal(a, b, rounded=0.0):
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_equal(a[key], b[key], rounded) for key in a)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(_equal(x, y, rounded) for x, y in zip(a, b))
    try:
        a, b = np.asarray(a, float), np.asarray(b, float)
    except (TypeError, ValueError):
        return a == b
    if a.shape != b.shape or not rounded:
        return np.array_equal(a, b, equal_nan=True)
    return np.allclose(a, b, rtol=rounded, atol=rounded, equal_nan=True)


def not_repeatable(ask: Ask, args: tuple, outcome: Outcome, source: Source | None) -> Behaves | None:
    """Where the same arguments give another result the second time."""
    function = function_in(source)
    lines = sorted(
        {
            node.lineno
            for node in ast.walk(function or ast.Pass())
            if isinstance(node, ast.Attribute | ast.Name)
            and (node.attr if isinstance(node, ast.Attribute) else node.id) in RANDOM
        }
    )
    for _ in range(AGAIN if lines else 1):  # whole numbers that are drawn may be the same again
        again = ask(args)
        if again.kind not in ("value", "raised"):
            return None
        if not equal(again, outcome):
            break
    else:
        return None
    twice = "called twice with the same arguments, your function gives two results"
    if lines and source:
        return "random", f"{twice}: it draws random numbers of its own. Use what is given", line_of(source, lines[0])
    says = f"{twice}. Does it draw random numbers of its own, or remember something from one call to the next?"
    return "not repeatable", says, ""


def without_effect(
    names: list[str],
    rows: list[Row],
    fresh: list[Row],
    ask: Ask,
    right: Callable[[tuple], Any],
    source: Source | None,
) -> Behaves | None:
    """Where arguments change nothing that should; `fresh` are rows of another draw.

    Each argument in turn is replaced by one of the same shape from a row of the other draw, or, where there is none, by
    its own values in another order.
    """
    found = [(a, b) for a in rows for b in fresh if shapes(a.args) == shapes(b.args)]
    pairs = list({id(b): (a, b) for a, b in reversed(found)}.values())[-PAIRS:] or [(a, moved(a)) for a in rows[:PAIRS]]
    row = pairs[-1][0]
    idle = [name for i, name in enumerate(names) if idles(i, pairs, ask, right)]
    if not idle:
        return None
    values = np.concatenate([np.ravel(g) for a in rows for g in a.got])
    if len(idle) == len(names) and len(set(values.tolist())) == 1:
        return "nothing is used", f"every value that you return is {values[0]:g} in every case of this check", ""
    if len(idle) == len(names) and all(_equal(a.value, row.value, ROUNDED) for a in rows):
        return "nothing is used", "your result is the same in every case of this check", ""
    return no_effect_of(idle, set(idle) <= set(absent(names, source)))


def moved(row: Row) -> Row:
    """The row with the values of its arrays in another order."""
    args = tuple(np.roll(arg, 1) if isinstance(arg, np.ndarray) else arg for arg in row.case_args)
    return Row(row.exercise, row.case._replace(args=args), None)


def no_effect_of(idle: list[str], unnamed: bool) -> Behaves:
    """What to say of arguments that change nothing; `unnamed`: the source does not name them."""
    words = ", ".join(f"`{name}`" for name in idle[:-1]) + " and " * (len(idle) > 1) + f"`{idle[-1]}`"
    says = f"your result does not depend on the values in {words}"
    if unnamed:
        says += f": {'these arguments do' if len(idle) > 1 else 'this argument does'} not occur in your function at all"
    return "not used: " + ", ".join(idle), says, ""


def absent(names: list[str], source: Source | None) -> list[str]:
    """The arguments that a source does not name."""
    function = function_in(source)
    used = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)} if function else set(names)
    return [name for name in names if name not in used]


def forgotten(
    names: list[str], rows: list[Row], right: Callable[[tuple], Any], source: Source | None
) -> Behaves | None:
    """Where the source does not name arguments that matter: with another row's, the right result is another."""
    missing, unnamed = [], absent(names, source)
    for i, name in enumerate(names):
        if name in unnamed:
            pairs = [(a, b) for a, b in itertools.permutations(rows[:ROWS], 2) if a.case_args[i] is not b.case_args[i]]
            with np.errstate(all="ignore"), contextlib.suppress(ValueError, IndexError, ArithmeticError):
                missing += [name] * any(
                    not _equal(right((*a.case_args[:i], b.case_args[i], *a.case_args[i + 1 :])), a.right)
                    for a, b in pairs
                )
    return no_effect_of(missing, True) if missing else None


def idles(i: int, pairs: list[tuple[Row, Row]], ask: Ask, right: Callable[[tuple], Any]) -> bool:
    """Whether argument i of the first row may be that of the second in all pairs, and nothing changes that should."""
    should = False
    for row, other in pairs:
        args = (*row.case_args[:i], other.case_args[i], *row.case_args[i + 1 :])
        if _equal(right(args), row.right):
            continue
        should, got = True, ask(args)
        if got.kind != "value" or not _equal(got.value, row.value, ROUNDED):
            return False
    return should


def shapes(args: Iterable) -> list:
    """The shapes of arrays and numbers, and the types of whatever else there is."""
    return [np.shape(arg) if isinstance(arg, np.ndarray | float | int) else type(arg) for arg in args]


SEEDED = ("default_rng", "RandomState", "seed", "Random", "Generator")


def own_seeds(function: ast.FunctionDef) -> Iterator[Any]:
    """The whole numbers that stand as seeds in a function's calls."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in SEEDED and node.args:
            seed = node.args[0]
            if isinstance(seed, ast.Constant) and isinstance(seed.value, int):
                yield seed


def seeded(ask: Ask, rows: list[Row], source: Source | None) -> Behaves | None:
    """Where another seed of the answer's own gives another result: then its noise is its own."""
    function = function_in(source)
    if function is None or source is None:
        return None
    text = source.text.encode()
    for seed in own_seeds(function):
        variant = with_other(text, line_starts(text), seed, str(seed.value + 1)).decode()
        again = ask(rows[0].case_args, variants=[variant])
        if again.kind == "value" and again.value[0] and not _equal(again.value[0][0], rows[0].value):
            says = (
                "with another seed your function gives another result: it draws random numbers of its own, "
                "where nothing is left to chance. Use what is given"
            )
            return "own seed", says, line_of(source, seed.lineno)
    return None


def zeros_and_ones(rows: list[Row]) -> Behaves | None:
    """Where all values are 0 or 1, and ought not to be."""
    got = np.concatenate([np.ravel(g).astype(float) for row in rows for g in row.got])
    want = np.concatenate([np.ravel(w).astype(float) for row in rows for w in row.want])
    if 0 < np.abs(got).max() < 1e-10 < np.abs(want).max():
        return (
            "zero",
            (
                "your result is 0 in every case, up to rounding. Does something cancel in a sum or mean, before it is "
                "squared or multiplied?"
            ),
            "",
        )
    if np.isin(want, (0, 1)).all() or set(got.tolist()) != {0.0, 1.0}:
        return None
    return (
        "zeros and ones",
        "every value that you return is 0 or 1. Is a comparison or a rounding left where its outcome is not asked?",
        "",
    )


# what a check in the notebook looks at besides, in answers that pass or train ---------------------------------------


def not_differentiable(exercise: Exercise, ask: Any) -> str:
    """What to say of a right answer that autograd must differentiate, and cannot; "" where it can."""
    outcome = ask(ask.cases(1)[0].args, differentiated=exercise.differentiated)
    if outcome.kind == "value" or outcome.kind == "unreadable":
        return ""
    return (
        "The values are right, but autograd cannot differentiate your function, which training with it needs: "
        f"{outcome.error}: {outcome.message}".rstrip(": ")[:300]
        + ". Write it with autograd.numpy throughout, and without assigning to entries of arrays."
    )


WIDTHS, FEW = (2, 64), (4, 8)  # of the code, and steps, of short trainings whose draws are counted


def noise_in_training(ask: Ask, arguments: Callable[..., tuple], rng_seed: int = 0) -> tuple[str, str] | None:
    """(key, sentence) where training ignores its generator, or draws no fresh noise for every minibatch.

    `arguments(x, sizes, steps, rng)` are those of the answer (`Exercise.noisy`).
    Each step needs noise for the code of every example in its minibatch, so what a step draws from the generator grows
    with the width of the code; what chooses the minibatch does not.
    """
    x = (np.random.default_rng(rng_seed).random((64, 12)) < 0.5).astype(float)
    drawn = {}
    for K in WIDTHS:
        for steps in FEW:
            outcome = ask(arguments(x, [12, 5, K], steps, Rng(rng_seed)), drawn=True)
            if outcome.kind != "value" or not isinstance(outcome.value, list) or len(outcome.value) != 1:
                return None
            drawn[K, steps] = int(outcome.value[0])
    if min(drawn.values()) < 0:
        return None
    if max(drawn.values()) == 0:
        return "rng ignored", "`rng` is not used: the random numbers come from elsewhere. Draw them all from `rng`"
    per_step = [(drawn[K, FEW[1]] - drawn[K, FEW[0]]) / (FEW[1] - FEW[0]) for K in WIDTHS]
    if per_step[1] - per_step[0] < (WIDTHS[1] - WIDTHS[0]) / 2:
        advice = (
            "what your training draws from `rng` in each step does not grow with the number of latents, as noise for "
            "their samples would: is eps drawn once, before the loop, or not from `rng`? Every minibatch needs its own"
        )
        return "noise not fresh", advice
    return None
