"""Slides for the lecture hall, made from the executed solutions by rules, so that no second text can go stale.

What a lecturer would put on the board goes on a slide, all prose into the presenter's notes:

- each "##" heading opens a part, with its minutes; each "###" heading begins a slide;
- of prose: sentences with **bold** words, displayed formulas and lists with the sentence that leads to them, tables;
- figures, tables of results, printed lines (with the code, where it is short); explorables of the browser, alive;
- where a part has none of these, the first sentence of each paragraph;
- a prediction is a slide to vote on, and what comes next a new slide, which ends in its answer; an exercise is a slide.

In the browser (slide_assets/slides.js) a slide that is too full goes on on the next one, for 16:9 and 4:3 alike.
"""

import html
import itertools
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import jinja2
from nbconvert.filters.markdown_mistune import MarkdownWithMath
from nbformat import NotebookNode

from course_utils.building.book import Page, Renderer, code, output_html, plain, write_assets
from course_utils.building.build import BuildError, executed, find_built, says_faces_are_drawn
from course_utils.building.lessons import EXERCISE, PREDICT, Part, Vote, goals, parts
from course_utils.data import DRAWN
from course_utils.exercises import Exercise

ASSETS = Path(__file__).with_name("slide_assets")
CODE_LINES = 6  # code that is longer is read in the notebook, not in the hall
OUTPUT_LINES = 12
CODE_WIDTH = 80  # characters: at the end of a longer line a comment is left out
ITEM = 200  # characters of Markdown of an item of a list
SHORT = 70  # characters: a shorter sentence with bold words needs the one before it
LEAD = 40  # characters: a shorter sentence leads to a formula together with the one before it
GUARDED = re.compile(r"\$[^$]*\$|`[^`]*`|\*\*.+?\*\*|\[[^\]]*\]\([^)]*\)", re.DOTALL)
SENTENCE_END = re.compile(r"(?<=[.!?])(?<![ .(][A-Z]\.)(?<!et al\.)(?<!e\.g\.)(?<!i\.e\.)\s+(?=[A-Z(“\"*\ue000])")
SOURCES = ("**Sources", "**Source")  # a paragraph that begins so stays in the notes
RUN_IN = 40  # characters: bold words that are shorter and end with a full stop are a heading within the line
BLOCKS = (
    ("heading", r"#"),
    ("formula", r"\$\$|\\begin\{"),
    ("list", r"(?:[-*]|\d+\.) "),
    ("quote", r">"),
    ("table", r"\|"),
    ("markup", r"<"),
    ("text", r""),
)


@dataclass
class Slide:
    """A slide: what kind it is, its heading as HTML, what stands on it and in its notes (in order), as HTML."""

    kind: str = "plain"
    heading: str = ""
    body: list[str] = field(default_factory=list)


@dataclass
class DeckPart:
    """The slides of a part, and its minutes in the lesson (of talk and of exercises)."""

    title: str
    talk: float
    work: float
    further: bool
    slides: list[Slide]

    @property
    def minutes(self) -> int:
        """All minutes of the part, rounded up."""
        return math.ceil(self.talk + self.work)


class SlideRenderer(Renderer):
    """The book's renderer; a link to a notebook is its words alone, as no page of it lies beside the slides."""

    def link(self, text: str, url: str, title: str | None = None) -> str:
        """A link to elsewhere, or the words of one to another notebook or place."""
        return text if ".ipynb" in url or url.startswith("#") else super().link(text, url, title)


def sentences(text: str) -> list[str]:
    """The sentences of a paragraph of Markdown; formulas, code, bold words and links stay whole.

    Bold words at the beginning that are a heading ("**E step.** Hold ...") stay with the sentence after them.
    """
    kept: list[str] = []

    def guard(match: re.Match) -> str:
        kept.append(match[0])
        ends = match[0].endswith((".**", "?**", "!**")) and len(match[0]) > RUN_IN
        return f"\ue000{len(kept) - 1}\ue001" + ("." if ends else "")

    guarded = GUARDED.sub(guard, " ".join(text.split()))
    found = SENTENCE_END.split(guarded)
    restore = re.compile("\ue000(\\d+)\ue001(\\.?)")

    def whole(match: re.Match) -> str:
        original = kept[int(match[1])]
        return original if original.endswith((".**", "?**", "!**")) and len(original) > RUN_IN else original + match[2]

    return [restore.sub(whole, sentence).strip() for sentence in found if sentence.strip()]


def blocks(source: str) -> Iterator[tuple[str, str]]:
    """(kind, Markdown) of the blocks of a cell, kinds as in BLOCKS; the pieces of a list are one block."""
    source = re.sub(r"<details>.*?</details>", "", source, flags=re.DOTALL)
    source = re.sub(r"^(\$\$.*?\$\$[.,;]?)\s*$", r"\n\1\n", source, flags=re.DOTALL | re.MULTILINE)
    waiting: list[str] = []
    for piece in re.split(r"\n\s*\n", source.strip("\n")):
        kind = next(kind for kind, start in BLOCKS if re.match(start, piece.lstrip()))
        if not piece.strip():
            continue
        if kind == "list" or (waiting and piece.startswith("  ")):
            waiting.append(piece)
            continue
        if waiting:
            yield "list", "\n".join(waiting)
            waiting = []
        yield kind, piece.strip()
    if waiting:
        yield "list", "\n".join(waiting)


def short_list(source: str) -> str:
    """A list with as many whole sentences of each item as go into ITEM characters, at least one."""
    items = re.split(r"\n(?=(?:[-*]|\d+\.) )", source)
    marked = [re.match(r"((?:[-*]|\d+\.) )(.*)", item, re.DOTALL) for item in items]
    return "\n".join(f"{item[1]}{shortened(sentences(item[2]), ITEM)}" for item in marked if item)


def shortened(said: list[str], most: int) -> str:
    """As many of the sentences as have at most this many characters together, at least one."""
    lengths = itertools.accumulate(len(sentence) + 1 for sentence in said)
    kept = sum(length <= most for length in lengths)
    return " ".join(said[: max(1, kept)])


def chosen(said: list[str]) -> list[str]:
    """The sentences of a paragraph that go on a slide: with bold words, or behind a heading in the line."""
    kept = {i for i, sentence in enumerate(said) if "**" in sentence}
    kept |= {i - 1 for i in kept if i and len(said[i]) < SHORT}
    kept |= {i + 1 for i in kept if said[i].startswith("**") and len(said[i]) < 2 * RUN_IN and i + 1 < len(said)}
    return [said[i] for i in sorted(kept)]


def narrow(source: str) -> str:
    """Code without the comments at the end of lines that are too long for a slide."""
    lines = source.splitlines()
    return "\n".join(re.sub(r"\s+# [^\"']*$", "", line) if len(line) > CODE_WIDTH else line for line in lines)


def shown(slide: Slide) -> list[str]:
    """The blocks of a slide that are not notes."""
    return [block for block in slide.body if 'class="note"' not in block]


class Deck:
    """The slides of one notebook as they grow."""

    def __init__(self, name: str, out: Path, solutions: bool) -> None:
        self.name, self.out, self.solutions = name, out, solutions
        self.page = Page(name)
        self.markdown = MarkdownWithMath(renderer=SlideRenderer(self.page))
        self.slides: list[Slide] = []
        self.plainly = False  # whether the first sentence of a paragraph is shown, too
        self.asked: list[Vote] = []  # whose answers are still to come

    def render(self, source: str) -> str:
        """Markdown as HTML."""
        return self.markdown.render(source).strip()

    def inline(self, source: str) -> str:
        """Markdown of one line as HTML, without a paragraph around it."""
        no_list = re.sub(r"^(\d+)\. ", r"\1\\. ", source)  # "1. A title" is no list
        return re.sub(r"^<p>(.*)</p>$", r"\1", self.render(no_list), flags=re.DOTALL)

    def begin(self, kind: str = "plain", heading: str = "") -> Slide:
        """A new slide; without a heading, that of the slide before where it is of the same part."""
        if not heading and self.slides and kind == "plain":
            heading = next((slide.heading for slide in reversed(self.slides) if slide.kind == "plain"), "")
        self.slides.append(Slide(kind, heading))
        return self.slides[-1]

    def put(self, block: str, kind: str = "plain") -> None:
        """Put a block on the slide, on a new one where the last is of another kind."""
        if not self.slides or self.slides[-1].kind != kind:
            self.begin(kind)
        self.slides[-1].body.append(block)

    def note(self, block: str) -> None:
        """Add to the presenter's notes of the slide."""
        if not self.slides:
            self.begin()
        self.slides[-1].body.append(f'<div class="note">{block}</div>')

    def part(self, part: Part) -> list[Slide]:
        """The slides of a part; where the rules find nothing to show, the first sentence of each paragraph is shown."""
        made = self.slides_of(part)
        if any(slide.kind != "exercise" and shown(slide) for slide in made):
            return made
        self.plainly = True
        made = self.slides_of(part)
        self.plainly = False
        return made

    def slides_of(self, part: Part) -> list[Slide]:
        """The slides of a part by the rules."""
        self.slides = []
        votes = {vote.key: vote for vote in part.votes}
        exercises = {exercise.name: exercise for exercise in part.exercises}
        for cell in part.cells:
            if cell.cell_type == "markdown":
                self.prose(cell.source, exercises)
            elif cell.cell_type == "code":
                self.cell(cell, votes)
        made, self.slides = self.slides, []
        return [slide for slide in made if shown(slide)] or made[:1]

    def prose(self, source: str, exercises: dict[str, Exercise]) -> None:
        """The slides and notes of a markdown cell."""
        for match in EXERCISE.finditer(source):
            if match[1] in exercises:
                self.exercise(exercises[match[1]])
        # sentences that wait for their slide, and more of them if a formula or a list comes next
        lead: list[str] = []
        follows: list[str] = []
        for kind, text in blocks(EXERCISE.sub("", source)):
            if kind == "heading":
                self.say(lead)
                lead, follows = [], []
                if text.startswith("###"):
                    self.begin(heading=self.inline(re.sub(r"^#+ +", "", text.splitlines()[0])))
            elif kind == "text":
                self.note(self.render(text))
                self.say(lead)
                said = sentences(text)
                lead = [] if text.startswith(SOURCES) else chosen(said) or said[: self.plainly]
                last = said[-2:] if len(said[-1]) < LEAD else said[-1:]
                follows = [sentence for sentence in last if sentence not in lead]
            elif kind in ("formula", "list"):
                shown = self.render(short_list(text) if kind == "list" else text)
                before = f"<p>{self.inline(' '.join([*lead, *follows]))}</p>" if lead or follows else ""
                self.put(f'<div class="together">{before}{shown}</div>')
                if kind == "list":
                    self.note(self.render(text))
                lead, follows = [], []
            elif kind in ("table", "quote"):
                self.say(lead)
                lead, follows = [], []
                self.put(self.render(text))
        self.say(lead)

    def say(self, said: list[str]) -> None:
        """Put sentences on the slide, if there are any."""
        if said:
            self.put(f"<p>{self.inline(' '.join(said))}</p>")

    def cell(self, cell: NotebookNode, votes: dict[str, Vote]) -> None:
        """The slides of a code cell."""
        asked = [votes[key] for key in PREDICT.findall(cell.source) if key in votes]
        if asked:
            for vote in asked:
                self.vote(vote)
            self.begin()
            return
        if re.search(r"^(\w+ = check\(|progress\(\)|hint\()", cell.source, re.MULTILINE):
            for said in (output.get("data", {}).get("text/markdown") for output in cell.outputs):
                if said:
                    self.note(self.render(said))
            return
        source = re.sub(r"^# NBVAL\w+\n", "", cell.source)
        if self.solutions and "### BEGIN SOLUTION" in source:
            whole = re.sub(r"^ *### (BEGIN|END) SOLUTION\n?", "", source, flags=re.MULTILINE)
            self.begin("solution", "A solution").body.append(code(narrow(whole)))
            self.begin()
        printed = [output for output in cell.outputs if output.output_type == "stream"]
        for output in cell.outputs:
            self.output(output, source, alone=len(printed) == len(cell.outputs) == 1)

    def output(self, output: NotebookNode, source: str, alone: bool) -> None:
        """An output of a cell with this source; `alone`: it is a printed text, and the only output."""
        if output.output_type == "stream":
            lines = output.text.splitlines()
            if len(lines) > OUTPUT_LINES:
                return
            shown = output_html(output, self.name, self.out)
            if alone and len(source.splitlines()) <= CODE_LINES and len(lines) <= CODE_LINES:
                shown = f"<div>{code(narrow(source))}{shown}</div>"
            self.put(shown)
            return
        shown = output_html(output, self.name, self.out)
        if not shown:
            return
        if "course-reveal" in shown:
            self.answer(plain(re.sub("<div class='course-asked'.*?</div>", "", shown)))
        elif "data-pad" in shown:
            self.begin("pad").body.append(shown)
        else:
            if explorer := re.match(r"^(\w+_explorer)\(", source):
                shown += f'<p class="quiet">It moves in the notebook: <code>{explorer[1]}</code></p>'
            alts = re.findall(r'<img\b[^>]*\balt="([^"]*)"', shown)
            for alt in alts:
                self.note(f"<p>The figure: {alt}</p>")
            self.put(shown)

    def vote(self, vote: Vote) -> None:
        """A question to vote on; the answer is in the notes. What comes after it begins a new slide."""
        slide = self.begin("vote", "Vote first")
        slide.body.append(f'<p class="question">{html.escape(vote.question)}</p>')
        choices = "".join(f"<li>{html.escape(choice)}</li>" for choice in vote.choices)
        if vote.kind == "choose":
            slide.body.append(f'<ol class="choices">{choices}</ol>')
        elif vote.kind == "order":
            slide.body.append(f'<p class="quiet">Put in order:</p><ul class="choices">{choices}</ul>')
        else:
            unit = f", in {html.escape(vote.unit)}" if vote.unit else ""
            slide.body.append(f'<p class="quiet">A number{unit}: write yours down.</p>')
        self.note(f"<p>The answer: {html.escape(vote.answer)}. It is on the slides that follow.</p>")
        self.asked.append(vote)

    def answer(self, said: str) -> None:
        """What the notebook says is so, below the question where it was a vote."""
        vote = self.asked.pop(0) if self.asked else None
        asked = f'<p class="asked">{html.escape(vote.question)}</p>' if vote else ""
        shown = f"<p><strong>{html.escape(said)}</strong></p>"
        if vote and vote.kind == "order":
            items = "".join(f"<li>{html.escape(item)}</li>" for item in vote.right_order)
            shown = f'<ol class="in-a-row">{items}</ol>'
        elif vote and vote.kind == "choose" and vote.answer in vote.choices:
            letter = chr(ord("A") + vote.choices.index(vote.answer))
            shown = f"<p><strong>{letter}. {html.escape(vote.answer)}</strong></p>"
        self.put(f'<div class="answer">{asked}{shown}</div>')

    def exercise(self, exercise: Exercise) -> None:
        """An exercise's card as a slide, with its misconceptions in the notes; what comes after begins a new slide."""
        slide = self.begin("exercise", f"Your turn: <code>{exercise.name}</code>")
        lines = f"{exercise.lines} line{'s' if exercise.lines > 1 else ''}"
        points = f"{exercise.points} point{'s' if exercise.points > 1 else ''}"
        slide.body.append(f'<div class="task">{self.render(exercise.task)}</div>')
        slide.body.append(f"<p><code>{html.escape(exercise.signature)}</code> → {self.inline(exercise.returns)}</p>")
        slide.body.append(f'<p class="quiet">About {exercise.minutes} minutes, {lines}, {points}</p>')
        wrong = "".join(f"<li>{self.inline(m.sentence)}</li>" for m in list(exercise.misconceptions.values())[:3])
        self.note(f"<p>What is often wrong, and what the check then says:</p><ul>{wrong}</ul>")
        self.begin()


def deck(notebook: NotebookNode, name: str, out: Path, solutions: bool = False) -> tuple[str, list[DeckPart]]:
    """The title (HTML) and the parts of the slides of an executed solution; figures are written below `out`."""
    made, found = Deck(name, out, solutions), []
    title = next(re.match(r"# (.*)", cell.source) for cell in notebook.cells if cell.cell_type == "markdown")
    if title is None:
        raise BuildError(f"{name}: a notebook begins with its title, as '# Title'")
    for part in parts(notebook):
        slides = made.part(part)
        if not part.title:
            listed = "".join(f"<li>{made.inline(goal)}</li>" for goal in goals(part))
            notes = [block for slide in slides for block in slide.body if 'class="note"' in block]
            aim = [f"<p>By the end you can say, and show with numbers,</p><ul>{listed}</ul>"] if listed else []
            slides = [Slide("plain", "Where this leads", [*notes, *aim])] if listed else slides
            if says_faces_are_drawn(notebook):  # in a cell that may have no slide
                slides.insert(0, Slide("plain", "", [f"<p>{html.escape(DRAWN)}</p>"]))
        found.append(DeckPart(made.inline(part.title), part.talk, part.work, part.further, slides))
    return made.inline(title[1]), found


def build_slides(
    root: Path, out: Path, only: Sequence[str] = (), solutions: bool = False, faces: bool = True
) -> list[Path]:
    """Write the slides of the notebooks in root/solutions (`only`: those that start so) into the folder `out`.

    Without `faces`, drawn ones stand in for the ORL faces, which may not be redistributed (`executed`).
    BuildError where there is none, one was not executed, or a formula has no MathML.
    """
    write_assets(out, ASSETS, "slides.css", "slides.js")
    template = jinja2.Template((ASSETS / "deck.html").read_text(encoding="utf-8"), trim_blocks=True, lstrip_blocks=True)
    contents = jinja2.Template((ASSETS / "index.html").read_text(encoding="utf-8"), trim_blocks=True)
    made, rows = [], []
    for path in find_built(root, only):
        title, found = deck(executed(path, faces), path.stem, out, solutions)
        core = [part for part in found if not part.further]
        file = out / f"{path.stem}.html"
        text = template.render(
            title=title,
            plain_title=html.escape(plain(title)),
            number=path.stem[:2],
            parts=found,
            talk=round(sum(part.talk for part in core)),
            work=round(sum(part.work for part in core)),
        )
        file.write_text(text, encoding="utf-8")
        made.append(file)
        rows.append({"file": file.name, "number": path.stem[:2], "title": title})
    (out / "index.html").write_text(contents.render(decks=rows), encoding="utf-8")
    return made
