"""What a student who runs an unsolved copy from top to bottom sees: no answer below its check, no label that calls the
library's function theirs, no mark that is meant for tests."""

import ast
import json
import re
from functools import cache
from pathlib import Path

import pytest

from course_utils.building.build import FURTHER, without_solution
from course_utils.exercises import Exercise, exercises_of

ROOT = Path(__file__).parents[2]
COPIES = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
notebooks = pytest.mark.parametrize("path", COPIES, ids=lambda path: path.stem)

CHECK = re.compile(r"^(\w+) = check\(\1\b", re.MULTILINE)
SPAN = re.compile(r"\$\$(.+?)\$\$|\$(.+?)\$|`(.+?)`", re.DOTALL)
WORDS = re.compile(r"[A-Za-z]+|\d+(?:\.\d+)?")
# LaTeX that only lays out, and what any line of numpy has
LAYOUT = {"mathbf", "boldsymbol", "mathrm", "mathcal", "mathbb", "frac", "tfrac", "left", "right", "top", "text"}
LAYOUT |= {"lVert", "rVert", "np", "anp", "return"}
# below em_e_step stands the M step, another exercise, whose formulas have the same letters
OTHER_FORMULAS = {"em_e_step"}
NAME_ALONE = {"gru_step"}  # below it PyTorch's name of the thing, which tells nothing of how it is done


def words_of(text: str) -> list[str]:
    """The names and numbers of a formula or a piece of code: "x_n" gives x and n."""
    text = text.replace("logvar", "log sigma").replace("varepsilon", "eps").replace("_", " ")
    return [word for word in WORDS.findall(text) if word not in LAYOUT]


def spans_of(markdown: str) -> list[str]:
    """Its formulas and pieces of code, without those of cards."""
    text = re.sub(r"^>.*$", "", markdown, flags=re.MULTILINE)
    return ["".join(found) for found in SPAN.findall(text)]


def cells_of(path: Path) -> list[tuple[str, str]]:
    """(kind, source) of each cell."""
    return [(cell["cell_type"], "".join(cell["source"])) for cell in json.loads(path.read_text("utf-8"))["cells"]]


@cache
def answers(stem: str) -> dict[str, str]:
    """{exercise: the lines of its answer}, from the built solution."""
    found = {}
    for cell in json.loads((ROOT / "solutions" / f"{stem}.ipynb").read_text("utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["metadata"].get("nbgrader", {}).get("solution"):
            kept = without_solution(source).splitlines()
            name = cell["metadata"]["nbgrader"]["grade_id"]
            found[name] = "\n".join(line for line in source.splitlines() if line not in kept)
    return found


def below_checks(cells: list[tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """{exercise: (all Markdown before its check, the first Markdown cell below)}, where that is no other one's card."""
    found = {}
    for i, (kind, source) in enumerate(cells):
        for name in CHECK.findall(source) if kind == "code" else ():
            before = "\n".join(text for kind, text in cells[:i] if kind == "markdown")
            below = next((text for kind, text in cells[i + 1 :] if kind == "markdown"), "")
            found[name] = before, "" if "> **Exercise `" in below else below
    return found


def telling(exercise: Exercise, answer: str, before: str, below: str) -> list[str]:
    """The formulas and code in the text `below` a check that are made of the answer's, or its hints', own letters and
    did not stand before the exercise."""
    own = set(words_of(answer + " ".join(exercise.hints)))
    new = [span for span in spans_of(below) if span not in before and len(words_of(span)) >= 5]
    return [span for span in new if all(word in own for word in words_of(span))]


@notebooks
def test_the_text_below_a_check_does_not_give_the_answer(path):
    mine, given = exercises_of(path.stem), answers(path.stem)
    for name, (before, below) in below_checks(cells_of(path)).items():
        if name not in OTHER_FORMULAS:
            assert not telling(mine[name], given[name], before, below), f"{name}: below its check in {path.name}"
        if name not in NAME_ALONE:
            assert "PyTorch" not in below, f"{name}: how PyTorch does it belongs to Exercise.afterwards"


@notebooks
def test_what_comes_after_an_exercise_stands_nowhere_in_the_copy(path):
    text = "\n".join(source for _, source in cells_of(path))
    for exercise in exercises_of(path.stem).values():
        for span in spans_of(exercise.afterwards):
            assert len(words_of(span)) < 4 or span not in text, f"{exercise.name}: {span}"


def test_an_answer_in_view_is_found():
    """The texts that stood below these checks once."""
    once = {
        "em_m_step": r"So each component gets its share, $\pi_c = N_c / N$.",
        "kl_standard_normal": "Many VAEs write `-0.5 * (1 + logvar - mu**2 - logvar.exp())`.",
        "linear_posterior": r"$P = I + \frac1\eta W^\top W$ is the precision.",
        "best_prior_scale": r"What is left is $P\log\tau - \sum\log\sigma$.",
    }
    for path in COPIES:
        for name, exercise in exercises_of(path.stem).items():
            if name in once:
                assert len(telling(exercise, answers(path.stem)[name], "", once.pop(name))) == 1
    assert not once


@notebooks
def test_labels_call_nothing_yours(path):
    """An unsolved exercise has the library's function: "your bound" beside its numbers would not be true."""
    for kind, source in cells_of(path):
        if kind == "code":
            tree = ast.parse(re.sub(r"^[%!].*", "pass", source, flags=re.MULTILINE))
            strings = {
                node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
            }
            for node in ast.walk(tree):
                asked = isinstance(node, ast.Call) and ast.unparse(node.func) in ("NotImplementedError", "predict")
                if asked or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):  # or a docstring
                    strings -= set(ast.walk(node))
            comments = re.findall(r"# .*", source.replace("# a place for your own experiments", ""))
            said = " ".join([*(node.value for node in strings), *comments])
            assert not re.search(r"\byours?\b", said, re.IGNORECASE), source


@notebooks
def test_marks_for_tests_are_tags_in_the_copy(path):
    cells = json.loads(path.read_text("utf-8"))["cells"]
    assert not any(mark in "".join(cell["source"]) for cell in cells for mark in ("NBVAL", "≈"))  # ≈: not compared
    tagged = ["".join(c["source"]) for c in cells if "nbval-ignore-output" in c["metadata"].get("tags", [])]
    assert "progress()" in tagged


@notebooks
def test_what_is_further_begins_with_a_heading_alone(path):
    (folded,) = [source for _, source in cells_of(path) if source.startswith(FURTHER)]
    heading, text = folded.split("\n\n")
    assert heading.startswith(FURTHER) and "opens this part" in text


@notebooks
def test_answers_to_explore_stand_in_solutions_alone(path):
    assert "<summary>Answers" not in "".join(source for _, source in cells_of(path))
