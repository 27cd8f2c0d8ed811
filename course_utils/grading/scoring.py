"""From a submission's cells to one report per exercise. Trusted: inputs, comparison and points are decided here."""

import itertools
import re
import time
from dataclasses import replace
from pathlib import Path

from course_utils.checking.calling import Outcome
from course_utils.checking.judging import judge
from course_utils.checking.repairs import source_in
from course_utils.checking.report import Report
from course_utils.exercises import Exercise
from course_utils.grading.isolation import WORK, Isolation
from course_utils.grading.sandbox import BROKEN, PLAIN, Child

PATIENCE = 1.0  # multiplies every limit on wall-clock time; the tests of hostile code lower it
CELL_SECONDS = 20  # for one statement; a tenth of it where its cell was out of time before
CELLS_SECONDS = 60  # for the cells that one answer needs
WHOLE_SECONDS = 180  # for the whole notebook, where a slice does not do
SUBMISSION_SECONDS = 600


def score(
    cells: list[str], exercises: dict[str, Exercise], key: tuple, libraries, folder: Path, tier: Isolation = PLAIN
):
    """Reports and notes by exercise's name, and whether the submission ran out of time.

    libraries(hidden names) gives the folder of a library that hides these answers; `key` draws the inputs.
    """
    with Scorer(cells, exercises, key, libraries, folder, tier) as scorer:
        results = {name: scorer.grade(name, frozenset(exercises)) for name in exercises}
        # An answer may lean on one that was not solved. The notebook goes on with the library's there, and so do we:
        # it is asked again where only its own answer is hidden, and the unsolved others are the library's.
        unsolved = {name for name, (report, *_) in results.items() if not report.passed}
        for name in sorted(unsolved):
            report, _, hidden = results[name]
            others = unsolved - {name}
            if (hidden or scorer.mentioned(name) & others) and report.kind not in ("timeout", "missing"):
                results[name] = scorer.grade(name, frozenset([name]), others)
        return {name: (report, notes) for name, (report, notes, _) in results.items()}, scorer.out_of_time


class Scorer:
    """Grades answers one by one in forks of a child, which is started anew when an answer has killed it."""

    def __init__(self, cells, exercises, key, libraries, folder, tier):
        self.cells, self.exercises, self.key, self.libraries, self.tier = cells, exercises, key, libraries, tier
        self.folders = (folder / str(i) for i in itertools.count())
        self.deadline = time.monotonic() + SUBMISSION_SECONDS * PATIENCE
        self.child, self.hidden = None, None
        self.slow: set[int] = set()  # cells that were out of time once: no other answer waits as long for them
        self.out_of_time = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.child:
            self.child.close()

    def mentioned(self, name) -> set[str]:
        """The other exercises whose names the cells of this one use."""
        mentions = self.child.facts.get("mentions") if self.child else None
        names = mentions.get(name) if isinstance(mentions, dict) else None
        return set(map(str, names)) & set(self.exercises) if isinstance(names, list) else set()

    def _child(self, hidden):
        if self.child and (hidden != self.hidden or not self.child.alive()):
            self.child.close()
            self.child = None
        if not self.child:
            self.child = Child(self.libraries(hidden), self.cells, list(self.exercises), next(self.folders), self.tier)
            self.hidden = hidden
        return self.child

    def grade(self, name, hidden, unsolved=()):
        """(report, notes, whether the answer leaned on another exercise's hidden answer)."""
        report, notes, leans, lost = self._attempt(name, hidden, unsolved, whole=False)
        if lost and self.child.facts.get("dynamic") is True:
            report, notes, leans, lost = self._attempt(name, hidden, unsolved, whole=True)
        return report, notes, leans

    def _attempt(self, name, hidden, unsolved, whole):
        exercise = self.exercises[name]

        def lost_time_or_child(kind, advice):
            return failed(exercise, kind, advice), [], False, False

        if time.monotonic() > self.deadline:
            self.out_of_time = True
            return lost_time_or_child("timeout", "The notebook was out of time before this exercise.")
        unbound = self._child(hidden).facts.get("unbound")
        if isinstance(unbound, list) and name in unbound:  # no need to run what leads to nothing
            return self._without(exercise, CellsRan.read({}), self._broken(name)), [], False, False
        outcomes: list[Outcome] = []
        with self._child(hidden).fork() as pipe:
            limit = min(self.deadline, time.monotonic() + (WHOLE_SECONDS if whole else CELLS_SECONDS) * PATIENCE)
            try:
                pipe.send(
                    {
                        "name": name,
                        "whole": whole,
                        "seconds": CELL_SECONDS * PATIENCE,
                        "slow": sorted(self.slow),
                        "replace": {other: self.exercises[other].answer for other in unsolved},
                    },
                    limit,
                )
                ran = CellsRan.read(pipe.receive(limit))
            except TimeoutError:
                return lost_time_or_child("timeout", "The cells that this answer needs did not end in time.")
            except BROKEN:
                return lost_time_or_child(
                    "died",
                    "Python itself ended while the cells that this answer needs ran: "
                    "they may have called exit, or used more memory than there is.",
                )
            self.slow |= {cell for cell, error, *_ in ran.failed if error == "CellTimeout"}
            broken = self._broken(name)
            notes = [
                note(cell, "failed", f"{error}: {message}", line)
                for cell, error, message, line, _ in ran.failed
                if not is_absence(name, error, message)
            ]
            notes += [note(cell, "is not Python", message, line) for cell, message, line in broken]
            if not ran.callable:
                return self._without(exercise, ran, broken), notes, False, not ran.bound

            def call(args, deadline, **more):
                deadline -= exercise.seconds * (1 - PATIENCE)
                outcomes.append(pipe.ask({"call": "answer", "args": list(args)} | more, min(deadline, self.deadline)))
                return outcomes[-1]

            report = judged(exercise, call, self.key, source_in(self.cells, name))
        hid = {outcome.message for outcome in outcomes if outcome.error == "AnswerHidden"}
        lost = any(outcome.error == "NameError" for outcome in outcomes)
        if hid & {name} and not report.passed:
            asked = exercise.answer.replace(":", ".")
            report = failed(
                exercise,
                "hidden",
                f"Your answer asks the library for {asked}, which is what the exercise asks of you. Write it yourself.",
            )
        return report, notes, bool(hid - {name}), lost

    def _broken(self, name):
        """Cells that are no Python and mention the answer."""
        rows = self.child.facts.get("broken") if self.child else None
        rows = [row for row in rows if isinstance(row, list) and len(row) == 4] if isinstance(rows, list) else []
        return [
            (cell, text(message), text(line))
            for cell, message, line, names in rows
            if isinstance(names, list) and name in names and type(cell) is int
        ]

    def _without(self, exercise, ran, broken):
        """The report where the cells have left no function behind."""
        name = exercise.name
        failures = [
            (error, f"{error}: {message}".strip(": ") + (f"\n{line}" if line else ""))
            for _, error, message, line, binding in ran.failed
            if binding and not is_absence(name, error, message)
        ]
        so = "so there is no function to ask."
        if ran.bound:
            return failed(
                exercise,
                "not callable",
                f"{name} is of type {ran.type}, not a function. Was its name used for something else in another cell?",
            )
        if broken:
            return failed(
                exercise,
                "raised",
                f"The cell with your answer is not Python, {so}",
                "\n".join(filter(None, broken[-1][1:])),
            )
        if any(error == "CellTimeout" for error, _ in failures):
            return failed(exercise, "timeout", f"The cell with your answer did not end in time, {so}")
        if failures:
            return failed(exercise, "raised", f"The cell with your answer fails, {so}", failures[-1][1])
        return failed(exercise, "missing", f"No cell defines {name}. Was its cell deleted, or the function renamed?")


def judged(exercise, call, key, source=None) -> Report:
    """The report on an answer's results. One that a comparison trips over is wrong, and costs no other exercise."""
    try:
        return judge(exercise, call, *key, source=source)
    except (ArithmeticError, LookupError, MemoryError, TypeError, ValueError) as error:  # LinAlgError is a ValueError
        return failed(
            exercise,
            "values",
            f"The result cannot be compared ({type(error).__name__}): is it finite, and of the right size?",
        )


class CellsRan:
    """What a fork says about the cells it ran: believed in form only."""

    def __init__(self, failed, bound, callable_, type_):
        self.failed, self.bound, self.callable, self.type = failed, bound, callable_, type_

    @classmethod
    def read(cls, reply):
        """Takes over what has the right form and drops the rest."""
        reply = reply if isinstance(reply, dict) else {}
        rows = reply.get("failed") if isinstance(reply.get("failed"), list) else []
        rows = [
            (row[0], *map(text, row[1:4]), row[4] is True)
            for row in rows[:20]
            if isinstance(row, list) and len(row) == 5 and type(row[0]) is int
        ]
        return cls(rows, reply.get("bound") is True, reply.get("callable") is True, text(reply.get("type"))[:50])


def note(cell, what, message, line) -> str:
    """One sentence on a cell that did not run."""
    return f"Code cell {cell} {what}: {message}" + (f" ({line})" if line else "")


def is_absence(name, error, message) -> bool:
    """Whether an error only says that the answer is not there: `f = check(f)` after a cell that failed."""
    return error == "NameError" and f"'{name}'" in message


def text(value) -> str:
    """A short text out of anything."""
    return value[:500] if isinstance(value, str) else ""


def failed(exercise, kind, advice, detail="") -> Report:
    """A report on an answer that did not come to be called."""
    return Report(exercise.name, False, 0, exercise.points, None, advice, kind, detail)


DECIMAL = re.compile(r"[-+]?(?:\d+\.\d*|\.\d+|\d+(?=e[-+]?\d))(?:e[-+]?\d+)?", re.IGNORECASE)


def presentable(report: Report, notes: list[str], cells: list[str], folder: Path) -> tuple[Report, list[str]]:
    """The report without what must not be told (values of hidden inputs) or differs from run to run.

    An exception's text may show its inputs, so decimal numbers are taken out of it; the line of the notebook that
    follows it may keep its numbers, as long as it is a line of the notebook.
    """
    message, _, line = report.detail.rpartition("\nline ")
    if line.partition(": ")[2] and any(line.partition(": ")[2] in cell for cell in cells):
        detail = f"{clean(DECIMAL.sub('…', message), folder)[:600]}\nline {clean(line, folder)[:300]}"
    else:
        detail = clean(DECIMAL.sub("…", report.detail), folder)[:600]
    names = report.kind == "type"  # then the advice quotes names that the student's code gave
    advice = DECIMAL.sub("…", report.advice) if names else report.advice
    return replace(report, detail=detail, advice=clean(advice, folder)[:800]), [clean(n, folder)[:600] for n in notes]


def clean(message: str, folder: Path) -> str:
    """The message without paths of the child's folders, addresses in memory, and characters that do not print."""
    message = re.sub(rf"(?:{re.escape(str(folder))}|{WORK}/job)[/\w]*", "...", message)
    message = re.sub(r"0x[0-9a-fA-F]{5,}", "0x...", message).replace("\t", " ")
    return "".join(c for c in message if c == "\n" or c.isprintable())
