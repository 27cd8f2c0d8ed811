"""How long a check takes over an answer in which nothing can be found, exercise by exercise.

    python tests/benchmarks/bench_explanations.py [names of exercises or numbers of notebooks] [--profile]

Each answer is the source of the solution with noise in the place of its values, which depends on the arguments:
no candidate fits, every search runs to its limit, and every change of a source is tried. CPU seconds of this process
and of the one in which the answer runs, with one thread; the time for a right answer is subtracted.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import argparse
import cProfile
import functools
import linecache
import pstats
import resource
import statistics
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))
from answers import EXERCISES, load, solution, text
from right_answers import Answer

from course_utils.checking import examine


def scrambled(function):
    """The function with noise in the place of its values, a function of them."""

    @functools.wraps(function)
    def inner(*args):
        return noise(function(*args))

    return inner


def noise(value):
    """Values of the same kind, shape and size as these, and nothing to do with them."""
    if isinstance(value, dict):
        return {key: noise(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(noise, value))
    if isinstance(value, int):
        return value * 48271 % 65537 % (value + 2)
    array = np.asarray(value)
    if array.dtype.kind in "biu":
        low, high = min(array.min(initial=0), 0), max(array.max(initial=1), 1)
        mixed = 48271 * (array + 3 * np.arange(array.size).reshape(array.shape) + 1) % 65537
        made = low + mixed % (high - low + 1)
        return made if array.ndim else int(made)
    finite = np.where(np.isfinite(array), array, 0)
    turned = np.sin(1e4 * finite + np.arange(array.size).reshape(array.shape) + finite.sum())
    made = np.abs(turned) * (np.abs(finite) + np.abs(finite).mean()) * np.sign(finite)
    return made if array.ndim else float(made)


def answer_to(name):
    """The solution, scrambled, with a source of its own that the check may read and change."""
    parts = solution(name)
    namespace = {"scrambled": scrambled, "__name__": "__main__"}
    namespace |= load(Answer(name, "", [text(parts.before), text(parts.function)])).__globals__
    source, file = "@scrambled\n" + text(parts.function) + "\n", f"<answer to {name}>"
    linecache.cache[file] = (len(source), None, source.splitlines(True), file)
    exec(compile(source, file, "exec"), namespace)
    return namespace[name]


def cost(function, name):
    """(report, CPU seconds of this process, of its children) of one check."""
    before, own = resource.getrusage(resource.RUSAGE_CHILDREN), time.process_time()
    report = examine(function, name=name)
    own, after = time.process_time() - own, resource.getrusage(resource.RUSAGE_CHILDREN)
    return report, own, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def profiled(function, name):
    """Where the time of this process goes."""
    profile = cProfile.Profile()
    profile.runcall(examine, function, name=name)
    pstats.Stats(profile).sort_stats("cumulative").print_stats(45)


def main():
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("chosen", nargs="*")
    asked.add_argument("--profile", action="store_true")
    asked = asked.parse_args()
    rows = []
    for name, exercise in EXERCISES.items():
        if exercise.trains or (asked.chosen and not {name, exercise.notebook[:2]} & set(asked.chosen)):
            continue
        function = answer_to(name)
        if asked.profile:
            profiled(function, name)
        right = cost(function.__wrapped__, name)
        report, own, child = cost(function, name)
        rows.append((own + child - right[1] - right[2], own, child, right[1] + right[2], name, report))
        assert right[0].passed, name
        print(
            f"{name:28} {rows[-1][0]:6.3f} = {own:.3f} + {child:.3f} - {rows[-1][3]:.3f}  {report.misconception or ''}"
        )
    total = sorted(row[0] for row in rows)
    print(f"{len(rows)} exercises: median {statistics.median(total):.3f} s, worst {total[-1]:.3f} s")
    print("above 0.5 s:", ", ".join(f"{row[4]} {row[0]:.2f}" for row in sorted(rows, reverse=True) if row[0] > 0.5))


main()
