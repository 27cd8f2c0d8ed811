"""OUT/report.html: what the class can do and what it believes, so that the instructor knows what to teach again."""

from collections import Counter, defaultdict
from typing import NamedTuple

from course_utils.exercises import Exercise
from course_utils.grading.feedback import document, escape

UNTRIED = ("not started", "missing", "not graded")
SHOWN = 8  # misconceptions at the top of the page
BARS = 10  # of a histogram at most

STYLE = """
body { max-width: 60rem; } table { border-collapse: collapse; width: 100%; margin: .6rem 0 1.4rem; }
th, td { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid #7a7a7a55; vertical-align: top; }
td.n, th.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
svg { max-width: 100%; height: auto; display: block; }
svg text { fill: currentColor; font: 12px system-ui, sans-serif; }
.bar { fill: #2f6f9f; } .track { fill: #7a7a7a44; } figure { margin: 1rem 0; } .scroll { overflow-x: auto; }
.known th, .known td { overflow-wrap: normal; } .known svg { max-width: none; }
.known td:first-child { white-space: nowrap; }
.line { display: block; overflow-wrap: anywhere; }
h2 { margin-top: 2.2rem; font-size: 1.2rem; } h3 { font-size: 1rem; margin: 1.2rem 0 .2rem; }
"""


class Answer(NamedTuple):
    """What is kept of a student's answer: whether it passed, the kind of its report, the key of the explanation that
    was found, what the student was told, and the line of the source that it points to."""

    passed: bool
    kind: str
    misconception: str | None
    advice: str = ""
    partly: bool = False  # whether it has a part of the points
    line: str = ""  # of the answer's source: "line 3: return x - mean"


class Tally:
    """The class, student by student; where somebody handed a notebook in several times, the file with most points."""

    def __init__(self, exercises: dict[str, Exercise]):
        self.exercises, self.partial = exercises, False
        self.points: dict[str, dict[str, float]] = defaultdict(dict)  # notebook -> student -> points
        self.answers: dict[str, dict[str, dict[str, Answer]]] = defaultdict(dict)  # notebook -> student -> exercise ->
        self.odd: list[tuple[str, str, str]] = []  # (student, file, status)
        self.places: dict[tuple[str, str], str] = {}  # (notebook, student) -> file

    def add(self, result: dict) -> None:
        """Takes a result in, in whatever order they come."""
        student, notebook, file = result["student"], result["course_notebook"], result["notebook"]
        self.partial |= bool(result.get("partial"))
        if not result["status"].startswith("graded"):
            self.odd.append((student, file, result["status"]))
        if not notebook:
            return
        who = student or file  # a loose file is somebody's of whom nothing else is known
        rank = (result["points"], file)
        if who in self.points[notebook] and rank <= (self.points[notebook][who], self.places[notebook, who]):
            return
        self.points[notebook][who], self.places[notebook, who] = rank
        self.answers[notebook][who] = {
            name: Answer(
                e["passed"],
                e["kind"],
                e["misconception"],
                e.get("advice", ""),
                partly=bool(e["points"]) and not e["passed"],
                line=line_in(e.get("detail", "")),
            )
            for name, e in result["exercises"].items()
        }

    def of(self, exercise: Exercise) -> list[Answer]:
        """All students' answers to an exercise."""
        return [
            answers[exercise.name] for answers in self.answers[exercise.notebook].values() if exercise.name in answers
        ]

    def misconceptions(self, notebook: str | None = None) -> list[tuple[Exercise, str, int, int]]:
        """(exercise, key, students who hold it, students who tried), most widely held first."""
        held = []
        for exercise in self.exercises.values():
            if notebook in (None, exercise.notebook):
                answers = [answer for answer in self.of(exercise) if answer.kind not in UNTRIED]
                counts = Counter(answer.misconception for answer in answers if answer.misconception)
                held += [(exercise, key, count, len(answers)) for key, count in counts.items()]
        return sorted(held, key=lambda row: (-row[2], -row[2] / row[3], row[0].name, row[1]))

    def told(self, exercise: Exercise, key: str) -> str:
        """What students are told who hold a misconception, or whose answer is explained in another way."""
        if key in exercise.misconceptions:
            return exercise.misconceptions[key].sentence
        if key.startswith("line: "):
            return "One small change makes the answer right."
        return min((a.advice for a in self.of(exercise) if a.misconception == key), default="") or key

    def example(self, exercise: Exercise, key: str) -> str:
        """The line of an answer with this explanation, without its number: the one that most of them have; or ""."""
        lines = Counter(a.line.partition(": ")[2] for a in self.of(exercise) if a.misconception == key and a.line)
        return min(lines, key=lambda line: (-lines[line], line), default="")


def line_in(detail: str) -> str:
    """The line of the source in the details of a report, or ""."""
    last = detail.split("\n")[-1]
    return last if last.startswith("line ") else ""


def page(tally: Tally, seed: int, isolation: str) -> str:
    """The class report as a self-contained page without scripts."""
    notebooks = sorted(notebook for notebook, students in tally.points.items() if students)
    students = {student for notebook in notebooks for student in tally.points[notebook]}
    body = [
        f"<h1>Class report: {plural(len(students), 'student')}, {plural(len(notebooks), 'notebook')}</h1>",
        "<h2>To teach again</h2>",
        _teach_again(tally, tally.misconceptions()),
    ]
    for notebook in notebooks:
        body += [
            f"<h2>{escape(notebook)}</h2>",
            _distribution(tally, notebook),
            _exercises(tally, notebook),
            _misconceptions(tally, tally.misconceptions(notebook)),
        ]
    if tally.odd:
        rows = [[escape(student), escape(file), escape(status)] for student, file, status in sorted(tally.odd)]
        body += ["<h2>Not graded as usual</h2>", _table(["student", "file", "why"], rows, names="any")]
    return document(
        "Class report",
        body,
        f"Seed {seed}, isolation {isolation}. Students are counted once for each "
        "notebook: with the file that has most points."
        + " Points with partial credit for answers that are right on ordinary inputs."
        * tally.partial,
        STYLE,
    )


def _teach_again(tally, held) -> str:
    if not held:
        return "<p>No answer shows one of the known misconceptions.</p>"
    rows = [
        f"<li><strong>{plural(count, 'student')} of {tried} who tried</strong> "
        f"{_link(exercise, key)} ({escape(_points_of(exercise))}): "
        f"{escape(tally.told(exercise, key))}{_example(tally, exercise, key)}</li>"
        for exercise, key, count, tried in held[:SHOWN]
    ]
    return "<ol>" + "".join(rows) + "</ol>"


def _link(exercise, key) -> str:
    """The exercise's name as a link to the misconception, which it names for those who hear the link alone."""
    name = escape(exercise.name)
    return f"<a href='#{_anchor(exercise, key)}' aria-label='{name}: {escape(key)}'>{name}</a>"


def _points_of(exercise):
    return "lecture " + ", ".join(exercise.lecture_points)


def _distribution(tally, notebook) -> str:
    """A histogram of points, and quartiles in words."""
    highest = sum(exercise.points for exercise in tally.exercises.values() if exercise.notebook == notebook)
    points = sorted(tally.points[notebook].values())
    bars = min(BARS, highest + 1)
    edges = [round(i * (highest + 1) / bars) for i in range(bars)] + [float("inf")]
    edges[0] = float("-inf")
    counts = [sum(low <= p < high for p in points) for low, high in zip(edges, edges[1:])]
    names = [_range(0 if i == 0 else edges[i], highest if i == bars - 1 else edges[i + 1] - 1) for i in range(bars)]
    middle = " / ".join(f"{points[round(q * (len(points) - 1))]:g}" for q in (0.25, 0.5, 0.75))
    words = (
        f"{plural(len(points), 'student')}; points from {points[0]:g} to {points[-1]:g} of {highest}; "
        f"quartiles {middle}"
    )
    return f"<figure>{_histogram(names, counts, words)}<figcaption>{escape(words)}.</figcaption></figure>"


def _range(low, high):
    return f"{low}" if low >= high else f"{low}–{high}"


def _histogram(names, counts, title, step=56, height=120) -> str:
    top = max(counts) or 1
    parts = []
    for i, (name, count) in enumerate(zip(names, counts)):
        tall, centre = height * count / top, step * i + step / 2
        parts.append(
            f"<rect class='bar' x='{step * i + 4}' y='{20 + height - tall:.1f}' width='{step - 8}' "
            f"height='{tall:.1f}'/><text x='{centre}' y='{14 + height - tall:.1f}' text-anchor='middle'>{count}"
            f"</text><text x='{centre}' y='{height + 36}' text-anchor='middle'>{name}</text>"
        )
    width = max(step * len(names), 320)
    return (
        f"<svg role='img' viewBox='0 0 {width} {height + 62}' width='{width}' height='{height + 62}'>"
        f"<title>{escape(title)}</title>{''.join(parts)}"
        f"<text x='{width / 2}' y='{height + 56}' text-anchor='middle'>points (students above the bars)</text></svg>"
    )


def _exercises(tally, notebook) -> str:
    rows = []
    for exercise in tally.exercises.values():
        answers = tally.of(exercise) if exercise.notebook == notebook else []
        if answers:
            passed, untried = sum(a.passed for a in answers), sum(a.kind in UNTRIED for a in answers)
            share = passed / len(answers)
            rows.append(
                [
                    escape(exercise.name),
                    _bar(share),
                    f"{share:.0%}",
                    str(passed),
                    str(len(answers) - passed - untried),
                    str(untried),
                    *([str(sum(a.partly for a in answers))] if tally.partial else []),
                ]
            )
    head = ["exercise", "passed", "", "passed", "tried, not passed", "not tried"]
    head += ["of those not passed: partial credit"] * tally.partial
    return _table(head, rows, numbers=(2, 3, 4, 5, 6))


def _bar(share):
    return (
        f"<svg role='img' width='160' height='14' viewBox='0 0 160 14'><title>{share:.0%} passed</title>"
        f"<rect class='track' width='160' height='14'/><rect class='bar' width='{160 * share:.1f}' height='14'/></svg>"
    )


def _misconceptions(tally, held) -> str:
    if not held:
        return ""
    rows = [
        [
            f"<span id='{_anchor(exercise, key)}'>{escape(exercise.name)}</span>",
            escape(key),
            str(count),
            f"{count / tried:.0%}",
            escape(tally.told(exercise, key)) + _example(tally, exercise, key),
        ]
        for exercise, key, count, tried in held
    ]
    return "<h3>Misconceptions</h3>" + _table(
        ["exercise", "misconception", "students", "of those who tried", "what they were told"], rows, numbers=(2, 3)
    )


def _example(tally, exercise, key) -> str:
    line = tally.example(exercise, key)
    return f" <span class='line'>For example: <code>{escape(line)}</code></span>" if line else ""


def _anchor(exercise, key):
    return escape(f"{exercise.name}-{key}".replace(" ", "-"), quote=True)


def _table(head, rows, numbers=(), names="known") -> str:
    def cell(tag, i, text, scope=""):
        return f"<{tag}{scope}{' class=n' if i in numbers else ''}>{text}</{tag}>"

    lines = ["<tr>" + "".join(cell("th", i, text, " scope='col'") for i, text in enumerate(head)) + "</tr>"]
    lines += ["<tr>" + "".join(cell("td", i, text) for i, text in enumerate(row)) + "</tr>" for row in rows]
    return f"<div class='scroll'><table class='{names}'>{''.join(lines)}</table></div>"


def plural(n: int, word: str) -> str:
    """A number with its noun."""
    return f"{n} {word}{'' if n == 1 else 's'}"
