"""What might have been done otherwise, as data: a cost, a key, a sentence, and what such an answer would return."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from course_utils.checking import steps as stepwise
from course_utils.checking.readings import readings
from course_utils.checking.relations import numbers_of, relations
from course_utils.checking.rows import Row, right
from course_utils.checking.wording import about
from course_utils.exercises.model import Exercise

ITEMS = ("first", "second", "third", "fourth")


class Explanation(NamedTuple):
    """A candidate: `value(row)` is what an answer with this mistake would return. Pairs are made of light ones; those
    that are not `single` speak of all results together; `again` says whether its value takes the answer once more."""

    cost: float
    key: str
    says: str
    value: Callable[["Row"], Any]
    light: bool = False
    single: bool = True
    again: bool = True


def functions_of(entry: Any) -> tuple[Callable, ...]:
    """An entry of an exercise's `others`: one function, or several of which the same is to be said."""
    return (entry,) if callable(entry) else tuple(entry)


def known(exercise: Exercise) -> Iterator[Explanation]:
    """The misconceptions that people wrote down, and quantities that are other than the one asked."""
    for key, wrong in exercise.misconceptions.items():
        yield Explanation(0.5, key, wrong.sentence, lambda row, f=wrong.function: f(*row.args), single=False)
    yield from other_quantities(exercise)


def other_quantities(exercise: Exercise) -> Iterator[Explanation]:
    """Quantities that are other than the one asked."""
    for says, functions in exercise.others.items():
        for function in functions_of(functions):
            yield Explanation(0.6, says, says, lambda row, f=function: f(*row.args), single=False)


def of_the_result(row: Row) -> Iterator[Explanation]:
    """Relations of the result to the right one; of several results: one of them alone, or all joined."""
    numbers = numbers_of(row.exercise.parameters, row.args)
    for relation in relations({s: n for s, n in row.sizes.items() if s not in numbers}, numbers):
        yield Explanation(
            relation.cost,
            relation.key,
            relation.says,
            lambda row, f=relation.value: tuple(tried(f, w, row.sizes) for w in row.want),
            relation.light,
            again=False,
        )
    n = len(row.want)
    if n > 1:
        for i in range(n):
            yield Explanation(
                1,
                f"results: only {i}",
                f"only the {ITEMS[i]} of the results is returned",
                lambda row, i=i: (row.want[i],),
            )
        yield Explanation(
            1.2,
            "results: joined",
            "the results are joined to one array",
            lambda row: (np.concatenate(row.want, axis=-1),),
        )


def tried(function: Callable, *args: Any) -> Any:
    """The function's value, or nan: a relation may make sense for one of several results only."""
    try:
        return function(*args)
    except Exception:
        return np.array(np.nan)


def of_the_arguments(row: Row) -> Iterator[Explanation]:
    """Arguments that are read otherwise."""
    for reading in readings(row.exercise.parameters, row.args):
        yield Explanation(
            reading.cost,
            reading.key,
            reading.says,
            lambda row, f=reading.change: right(row.exercise, f(row.args)),
            reading.light,
        )


def of_the_steps(row: Row) -> Iterator[Explanation]:
    """Steps of the spelled answer that are done otherwise."""
    shaped = [w.shape for w in row.want] == [g.shape for g in row.got]
    for change in stepwise.changes(row.steps, row.arguments):
        if shaped and change.key.split(": ")[-1] in ("kept", "nothing"):
            continue  # an axis that stays would show in the shape
        yield Explanation(
            change.cost,
            change.key,
            change.says,
            lambda row, c=change: stepwise.run(
                row.exercise.spelled, row.args, stepwise.in_force(c, row.steps, row.arguments)
            ),
            change.light,
        )


COMBINED = (  # role, how, what is said, and what stands in the place of the first step and of the second
    ("term", "divided by", "{a} is divided by {b}, where the one is to be added or subtracted", np.divide, 0.0),
    ("term", "times", "{a} is multiplied with {b}, where the one is to be added or subtracted", np.multiply, 0.0),
    ("factor", "plus", "{a} and {b} are added, where they are to be multiplied", np.add, 1.0),
)


def of_two_steps(row: Row) -> Iterator[Explanation]:
    """Two terms of one shape that are divided or multiplied, two factors that are added."""
    names = [step.name for step in row.steps]
    once = [step for step in row.steps if names.count(step.name) == 1 and step.role in ("term", "factor")]
    for a, b in itertools.permutations(once, 2):
        for role, how, says, combine, rest in COMBINED:
            ordered = combine is np.divide or names.index(a.name) < names.index(b.name)
            if a.role == b.role == role and np.shape(a.value) == np.shape(b.value) and ordered:
                yield Explanation(
                    1.9,
                    f"{a.name} {how} {b.name}",
                    says.format(a=a.name, b=b.name),
                    lambda row, a=a.name, b=b.name, f=combine, rest=rest: combined(row, a, b, f, rest),
                )


def of_turned_steps(row: Row) -> Iterator[Explanation]:
    """A function and a reduction that follow each other, in the other order: a mean of roots, and no root of a mean."""
    names = [step.name for step in row.steps]
    once = [step for step in row.steps if names.count(step.name) == 1]
    functions = [step for step in once if step.role == "function"]
    reductions = [step for step in once if step.role in WORDS_OF]
    for f, r in itertools.product(functions, reductions):
        with np.errstate(all="ignore"):
            if np.array_equal(f.value, stepwise.REDUCE[r.role](stepwise.filled(r.value), r.axis)):
                word = ("before", "after")
            elif np.array_equal(r.value, f.axis(f.value)):
                word = ("after", "before")
            else:
                continue
        says = about(
            "{n} {is} taken {word} {r}, where {it} belong{s} ",
            f.name,
            word=word[0],
            r=f"{WORDS_OF[r.role]} over {r.name}",
        )
        says += f"{word[1]} it"
        yield Explanation(
            1.25,
            f"{f.name}: {word[0]} {r.name}",
            says,
            lambda row, f=f, r=r, first=word[0] == "before": turned(row, f, r, first),
        )


WORDS_OF = {"sum": "the sum", "mean": "the mean", "max": "the largest"}


def turned(row: Row, f: stepwise.Step, r: stepwise.Step, first: bool) -> Any:
    """The spelled answer where function f is taken before the reduction r, or after it, and not where it stands."""
    reduce = stepwise.REDUCE[r.role]
    changes: dict[stepwise.Place, Callable] = {
        (f.name, None): lambda v: v,
        (r.name, None): lambda v, axis: reduce(f.axis(v), axis) if first else f.axis(reduce(v, axis)),
    }
    return stepwise.run(row.exercise.spelled, row.args, changes)


def combined(row: Row, a: str, b: str, f: Callable, rest: float) -> Any:
    """The spelled answer with f(a, b) in the place of step a, and a number in that of step b."""
    value = {step.name: step.value for step in row.steps if step.name in (a, b)}
    changes = {(a, None): lambda _: f(value[a], value[b]), (b, None): lambda v: 0 * v + rest}
    return stepwise.run(row.exercise.spelled, row.args, changes)


def changed(change: stepwise.Change) -> dict[stepwise.Place, Callable]:
    """A light change as a Steps object takes it: none of them depends on the case."""
    assert change.function
    return {change.place: change.function}


def pairs_of_steps(row: Row) -> Iterator[Explanation]:
    """Two different steps that are both done otherwise."""
    light = [change for change in stepwise.changes(row.steps, row.arguments) if change.light]
    some = [(a, b) for a, b in itertools.combinations(light, 2) if a.place[0] != b.place[0]]
    some.sort(key=lambda pair: (pair[0].cost + pair[1].cost, pair[0].key.split(": ")[1] != pair[1].key.split(": ")[1]))
    for a, b in some:
        yield Explanation(
            2 + a.cost + b.cost,
            f"{a.key} & {b.key}",
            both(a.says, b.says),
            lambda row, a=a, b=b: stepwise.run(row.exercise.spelled, row.args, changed(a) | changed(b)),
        )


def pairs_of_step_and_reading(row: Row) -> Iterator[Explanation]:
    """A step that is done otherwise, and an argument that is read otherwise."""
    light = [change for change in stepwise.changes(row.steps, row.arguments) if change.light]
    for reading in readings(row.exercise.parameters, row.args):
        if reading.light:
            for change in light:
                yield Explanation(
                    4,
                    f"{reading.key} & {change.key}",
                    both(reading.says, change.says),
                    lambda row, f=reading.change, c=change: stepwise.run(row.exercise.spelled, f(row.args), changed(c)),
                )


def both(a: str, b: str) -> str:
    """One sentence of two."""
    return f"two things: {a.rstrip('.')}; and {b}"
