"""A lesson plan for each notebook, docs/lessons/NN.md, written from the executed solution and the exercises."""

import math
import re
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_utils.building.build import find_built
from course_utils.building.lessons import Part, Vote, goals, parts

MISCONCEPTIONS = 3
# what a cell's source holds, and what a lesson then needs
NEEDS = (
    (r"^(\w+_explorer)\(", "a running notebook on the projector, for `{}`"),
    (r"^(\w+_pad|digit_drawer|sketch_player|bits_back_stack)\(", "the slides: `{}` is alive on them"),
    (r"\bAudio\(|\bmelody_pad\(|\bplay\(", "loudspeakers"),
)


def lesson_plan(notebook: NotebookNode, stem: str) -> str:
    """The lesson plan of an executed solution, as Markdown."""
    found = parts(notebook)
    core, further = [p for p in found if not p.further], [p for p in found if p.further]
    title = found[0].cells[0].source.splitlines()[0].removeprefix("# ")
    text = "\n".join(cell.source for cell in found[0].cells if cell.cell_type == "markdown")
    points = re.search(r"^\*(Lecture points? [^.]*)\.", text, re.MULTILINE)
    talk, work = round(sum(part.talk for part in core)), round(sum(part.work for part in core))
    sections = [
        f"# {stem[:2]} {title}: lesson plan",
        f"{points[1] + '. ' if points else ''}{talk} minutes of talk and votes, {work} of exercises.",
        (
            f"Slides: `course slides {stem[:2]}`. This page is written by `course lessons`, from `solutions/{stem}` "
            "and its exercises: mend it there."
        ),
        *section(
            "Goals", "By the end students can say, and show with numbers,", [f"- {goal}" for goal in goals(found[0])]
        ),
        "## Minutes\n\n" + minutes_table(core),
        *section(
            "Votes", "Each takes about two minutes: read, raise hands, let two students say why, go on.", votes(core)
        ),
        *section("What students get wrong", "", misconceptions(core)),
        *section("What to bring", "", [f"- {need}" for need in needs(notebook, text)]),
        *section(
            "Below Further, for homework",
            "",
            [homework(part) for part in further if not part.title.startswith("Further") or part.exercises],
        ),
    ]
    return "\n\n".join(sections) + "\n"


def section(title: str, lead: str, lines: Sequence[str]) -> list[str]:
    """A section of a plan with a list; nothing where the list is empty."""
    return ["\n\n".join([f"## {title}", *([lead] if lead else []), "\n".join(lines)])] if lines else []


def minutes_table(core: Sequence[Part]) -> str:
    """The parts with their minutes; the clock at the end of each."""
    rows, clock = [], 0.0
    for part in core:
        clock += part.talk + part.work
        names = ", ".join(f"`{exercise.name}`" for exercise in part.exercises)
        minutes = f"{math.ceil(part.talk)} | {round(part.work) or ''}"
        rows.append(
            f"| {part.title or 'Introduction'} | {minutes} | {names} | {len(part.votes) or ''} | {math.ceil(clock)} |"
        )
    head = "| part | talk | exercises | which | votes | done at |\n|---|---:|---:|---|---:|---:|"
    return "\n".join([head, *rows])


def votes(core: Sequence[Part]) -> list[str]:
    """The votes as a list: question, choices, answer."""
    return [f"{i}. {vote_line(vote)}" for i, vote in enumerate((v for part in core for v in part.votes), 1)]


def vote_line(vote: Vote) -> str:
    """A vote as one line of Markdown."""
    if vote.kind == "number":
        return f"{vote.question} **{vote.answer}**"
    if vote.kind == "order":
        return f"{vote.question} **{' · '.join(vote.right_order)}**"
    shown = [f"**{choice}**" if choice == vote.answer else choice for choice in vote.choices]
    answer = "" if vote.answer in vote.choices else f" **{vote.answer}**"
    return f"{vote.question} {' / '.join(shown)}{answer}"


def misconceptions(core: Sequence[Part]) -> list[str]:
    """Three misconceptions: the first, as most common, of each of the exercises with most points; in their order."""
    exercises = [exercise for part in core for exercise in part.exercises]
    by_points = sorted(exercises, key=lambda exercise: -exercise.points)
    ranked = [(rank, e) for rank in range(MISCONCEPTIONS) for e in by_points if rank < len(e.misconceptions)]
    chosen = sorted(ranked[:MISCONCEPTIONS], key=lambda pair: exercises.index(pair[1]))
    sentences = [(e.name, list(e.misconceptions.values())[rank].sentence) for rank, e in chosen]
    return [f"- `{name}`: {sentence}" for name, sentence in sentences]


def needs(notebook: NotebookNode, introduction: str) -> list[str]:
    """What a lesson needs, by what stands in the notebook's cells."""
    earlier = list(dict.fromkeys(re.findall(r"[Nn]otebook (\d\d)", introduction)))
    found = [f"students who have done notebook {' and '.join(earlier)}"] if earlier else []
    sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    for pattern, need in NEEDS:
        names = [match[1] if match.re.groups else "" for s in sources if (match := re.search(pattern, s, re.MULTILINE))]
        found += list(dict.fromkeys(need.format(name) for name in names))
    return found


def homework(part: Part) -> str:
    """A part below Further as a line."""
    names = "".join(f", `{exercise.name}`" for exercise in part.exercises)
    return f"- {part.title}: {math.ceil(part.talk + part.work)} minutes{names}"


def write_lessons(root: Path, only: Sequence[str] = ()) -> list[Path]:
    """Write root/docs/lessons/NN.md for all executed solutions, or for `only` some; return those that have changed."""
    folder, changed = root / "docs" / "lessons", []
    folder.mkdir(parents=True, exist_ok=True)
    for path in find_built(root, only):
        file, plan = folder / f"{path.stem[:2]}.md", lesson_plan(nbformat.read(path, as_version=4), path.stem)
        if not file.exists() or file.read_text(encoding="utf-8") != plan:
            file.write_text(plan, encoding="utf-8", newline="\n")
            changed.append(file)
    return changed
