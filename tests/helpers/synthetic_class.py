"""A class of synthetic students whose points are known: right, wrong and open answers side by side, and attacks.

Every notebook is put together out of the corpora (right_answers, wrong_answers) and the adversarial suite (hostile).
"""

import ast
import csv
import functools
import random
from typing import NamedTuple

from answers import EXERCISES, Answer, text
from grading_corpus import exercises_of, hand_in
from hostile import ATTACKS, Place
from right_answers import alternatives_of, styled
from wrong_answers import equivalent, mutants_of

# Styles that change what names mean in a whole notebook.
ALONE = ("star_import", "autograd_numpy", "loop_over_rows")
SLOW = ("timeout", "died")  # what must come of attacks that take a grader long


class Submission(NamedTuple):
    """What one student hands in for one notebook, and the points that every exercise must get."""

    student: str
    notebook: str
    content: list[str] | str | bytes
    points: dict[str, int]
    said: dict[str, str]  # for each exercise, what its answer is; for people who read a discrepancy
    attack: bool = False


@functools.cache
def corpora(name) -> tuple[list[Answer], list[Answer]]:
    """Right and wrong answers to an exercise that go together with other answers in one notebook."""
    right = [answer for answer in styled(name) + alternatives_of(name) if answer.style not in ALONE]
    return right, [answer for answer in mutants_of(name) if not equivalent(answer)]


def without_other_answers(answer: Answer) -> list[str]:
    """The cells of an answer without answers to other exercises, which the student's notebook has already."""

    def own(cell):
        try:
            statements = ast.parse(cell).body
        except SyntaxError:
            return cell
        others = [
            s
            for s in statements
            if isinstance(s, ast.FunctionDef) and s.name in EXERCISES and s.name != answer.exercise
        ]
        return text([s for s in statements if s not in others]) if others else cell

    return [own(cell) for cell in answer.cells]


def student(rng: random.Random, who: str, notebook: str) -> Submission:
    """A notebook with an answer to each exercise: right (three in five), wrong, or left open."""
    cells, points, said = (
        ["import numpy as np\nimport autograd.numpy as anp\nfrom course_utils.checking import check"],
        {},
        {},
    )
    for name, exercise in exercises_of(notebook).items():
        right, wrong = corpora(name)
        draw = rng.random() + 0.55 * exercise.trains  # one that trains is mostly left open: it takes seconds
        stub = Answer(name, "open", [f"def {exercise.signature}:\n    raise NotImplementedError"])
        answer = rng.choice(right) if draw < 0.6 else rng.choice(wrong) if draw < 0.9 and not exercise.trains else stub
        cells += [*without_other_answers(answer), f"{name} = check({name})"]
        points[name] = exercise.points if answer in right else 0
        said[name] = f"{'right' if answer in right else 'wrong'}: {answer.style}"
    return Submission(who, notebook, cells, points, said)


def synthetic_class(n: int, seed: int, place: Place, attacks=tuple(ATTACKS), notebooks=None) -> list[Submission]:
    """n submissions, every seventh an attack; the same ones for the same seed."""
    rng = random.Random(seed)
    notebooks = notebooks or sorted({exercise.notebook for exercise in EXERCISES.values()})
    chosen = []
    for i in range(n):
        who = f"student-{i:04}"
        if i % 7 == 3:
            key = attacks[(i // 7 + seed) % len(attacks)]
            attack = ATTACKS[key]
            nothing = dict.fromkeys(exercises_of(attack.notebook), 0)
            chosen.append(
                Submission(who, attack.notebook, attack.content(place), nothing, {"attack": key}, attack=True)
            )
        else:
            chosen.append(student(rng, who, notebooks[i % len(notebooks)]))
    return chosen


def hand_in_class(place: Place, submissions: list[Submission]):
    """Writes the notebooks below place.submissions."""
    for one in submissions:
        hand_in(place.submissions, f"{one.student}/{one.notebook}.ipynb", one.content)


def discrepancies(grades, submissions: list[Submission]) -> list[str]:
    """What the gradebook says otherwise than expected, a line each."""
    with open(grades, encoding="utf-8", newline="") as file:
        rows = {(row["student"], row["notebook"]): row for row in csv.DictReader(file)}
    found = [f"{key}: a row too many" for key in rows.keys() - {(one.student, one.notebook) for one in submissions}]
    for one in submissions:
        row = rows.get((one.student, one.notebook))
        if row is None:
            found.append(f"{one.student}, {one.notebook}: no row")
            continue
        for name, points in one.points.items():
            if float(row[name] or 0) != points:
                found.append(
                    f"{one.student}, {one.notebook}, {name}: {row[name] or 'none'} and not {points} points ({one.said})"
                )
        if float(row["points"]) != sum(one.points.values()):
            found.append(
                f"{one.student}, {one.notebook}: {row['points']} and not {sum(one.points.values())} points in all"
            )
    return found
