"""What a lesson needs to know of a notebook: its parts with their minutes, its votes with their answers, its goals.

Slides and lesson plans are made from this. It is read from the executed solution, so that answers are the computed
ones.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from nbformat import NotebookNode

from course_utils.building.build import EXPECTATION, FURTHER, minutes
from course_utils.exercises import Exercise, all_exercises

VOTE_MINUTES = 2  # to read a question, raise hands, and say why
EXERCISE = re.compile(r"^> \*\*Exercise `(\w+)`\*\*(?:.*\n?)(?:^>.*\n?)*", re.MULTILINE)
PREDICT = re.compile(r"^predict\(\s*\"([\w-]+)\"", re.MULTILINE)
REVEAL = re.compile(r"^reveal\(\s*\"([\w-]+)\"", re.MULTILINE)
SAID = re.compile(r"^(?:The answer: |It is )(.*)\. \(You made no prediction\.\)$", re.DOTALL)


@dataclass
class Vote:
    """A prediction as a question to a class: `kind` is "choose", "order" or "number"; its answer as text."""

    key: str
    question: str
    kind: str
    choices: list[str] = field(default_factory=list)
    unit: str = ""
    answer: str = ""

    @property
    def right_order(self) -> list[str]:
        """The choices in the order of the answer: "a, then b"."""
        rest, found = self.answer, []
        while item := max((c for c in self.choices if rest.startswith(c)), key=len, default=None):
            found.append(item)
            rest = rest[len(item) :].removeprefix(", then ")
        return found


@dataclass
class Part:
    """What stands below one "##" heading, or before the first: cells, and minutes of talk and of exercises."""

    title: str  # Markdown; "" before the first heading
    cells: list[NotebookNode] = field(default_factory=list)
    further: bool = False
    talk: float = 0.0
    work: float = 0.0
    votes: list[Vote] = field(default_factory=list)
    exercises: list[Exercise] = field(default_factory=list)


def shown_cells(notebook: NotebookNode) -> Iterator[NotebookNode]:
    """The cells of an executed solution that its readers see, a markdown cell cut where a new part begins."""
    cut = r"\n(?=## )"
    for cell in notebook.cells:
        if EXPECTATION in cell.metadata.get("tags", []):
            continue
        if cell.source.startswith(FURTHER):
            cut = r"\n(?=##+ )"
        pieces = re.split(cut, cell.source) if cell.cell_type == "markdown" else [cell.source]
        for piece in pieces:
            yield NotebookNode({**cell, "source": piece})


def parts(notebook: NotebookNode, exercises: Mapping[str, Exercise] | None = None) -> list[Part]:
    """The parts of an executed solution, in their order; what is below "## Further" is cut at its "###" headings."""
    known = all_exercises() if exercises is None else exercises
    answers = answers_of(notebook)
    found, further = [Part("")], False
    for cell in shown_cells(notebook):
        heading = re.match(r"(##|###) (.*)", cell.source) if cell.cell_type == "markdown" else None
        if heading and (heading[1] == "##" or further):
            further = further or cell.source.startswith(FURTHER)
            found.append(Part(heading[2], further=further))
        part = found[-1]
        part.cells.append(cell)
        if cell.cell_type == "markdown":
            part.exercises += [known[name] for name in EXERCISE.findall(cell.source) if name in known]
        else:
            part.votes += votes_of(cell, answers)
    for part in found:
        part.work = float(sum(exercise.minutes for exercise in part.exercises))
        part.talk = talk_minutes(part.cells) + VOTE_MINUTES * len(part.votes)
    return found


def talk_minutes(cells: Iterable[NotebookNode]) -> float:
    """Minutes for prose and code as the notebook itself counts them (building/build.py), without cards and votes."""
    prose = [NotebookNode({**cell, "source": EXERCISE.sub("", cell.source)}) for cell in cells]
    return sum(minutes(prose, {}).values())


def answers_of(notebook: NotebookNode) -> dict[str, str]:
    """{key: answer} of all votes, as the executed notebook says them."""
    found = {}
    for cell in notebook.cells:
        keys = REVEAL.findall(cell.source) if cell.cell_type == "code" else []
        said = [match[1] for output in cell.get("outputs", []) if (match := SAID.match(plain_text(output)))]
        found |= {key: answer.strip("“”") for key, answer in zip(keys, said)}
    return found


def plain_text(output: NotebookNode) -> str:
    """An output's plain text."""
    return output.get("data", {}).get("text/plain", "")


def votes_of(cell: NotebookNode, answers: Mapping[str, str]) -> list[Vote]:
    """The questions that a code cell asks. Computed choices are read from its output, which has the last one."""
    if not PREDICT.search(cell.source):
        return []
    calls = [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Call)]
    found = []
    for call in (call for call in calls if ast.unparse(call.func) == "predict"):
        key = ast.literal_eval(call.args[0])
        try:
            question = ast.literal_eval(call.args[1])
        except ValueError:  # with values in it
            question = asked(cell)[0]
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        given |= {"choices": call.args[2]} if len(call.args) > 2 else {}
        vote = Vote(key, question, "number", answer=answers.get(key, ""))
        if "unit" in given:
            vote.unit = ast.literal_eval(given["unit"])
        for kind, name in (("choose", "choices"), ("order", "order")):
            if name in given:
                vote.kind, vote.choices = kind, listed(given[name], cell)
        found.append(vote)
    return sorted(found, key=lambda vote: cell.source.index(f'"{vote.key}"'))


def listed(node: ast.expr, cell: NotebookNode) -> list[str]:
    """The items of a question as texts: from the source where they stand there, else from what the cell has shown."""
    try:
        return [str(item) for item in ast.literal_eval(node)]
    except ValueError:
        return asked(cell)[1].partition(": ")[2].split(" / ")


def asked(cell: NotebookNode) -> tuple[str, str]:
    """The question that a cell has shown, and what may be answered ("choose: a / b")."""
    said = next(text for output in cell.outputs if (text := plain_text(output)).startswith("Predict: "))
    question, how = said.removeprefix("Predict: ").split("\n")[:2]
    return question, how.strip()


def goals(first: Part) -> list[str]:
    """What a student can say by the end, as Markdown, from the list below that sentence; [] where there is none."""
    text = "\n".join(cell.source for cell in first.cells if cell.cell_type == "markdown")
    listed = re.search(r"^By the end .*\n\s*\n((?:- .*\n?)+)", text, re.MULTILINE)
    return [line[2:].rstrip(" ,.") for line in listed[1].splitlines()] if listed else []
