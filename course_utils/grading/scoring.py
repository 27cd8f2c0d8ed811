"""From a submission's cells to one report per exercise. Trusted: inputs, comparison and points are decided here."""

import itertools
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from course_utils.checking.calling import Outcome
from course_utils.checking.judging import OPEN, judge
from course_utils.checking.limits import STILL, WALL, Meter
from course_utils.checking.repairs import source_in
from course_utils.checking.report import Report
from course_utils.exercises import Exercise
from course_utils.grading.isolation import WORK, Isolation
from course_utils.grading.sandbox import BROKEN, PLAIN, Child
from course_utils.grading.telling import Guarded

# Seconds of the processor, of a child and all that it starts. Each limit has one on the wall's clock behind it (WALL
# times as long), so that a busy machine makes nobody's answer wrong, and one on the time in which nothing is computed.
PATIENCE = 1.0  # multiplies every limit; the tests of hostile code lower it
CELL_SECONDS = 20  # for one statement; a tenth of it where its cell was out of time before
CELLS_SECONDS = 60  # for the cells that one answer needs, awake or asleep
WHOLE_SECONDS = 180  # for the whole notebook, where a slice does not do
SUBMISSION_SECONDS, SUBMISSION_ASLEEP = 300, 90

ALONE = "Beside your other answers it raises an error; beside the library's it is right, and that counts."


class Scored(NamedTuple):
    """What has come of an answer. `notes` on cells that failed are for the student; what the student's code itself said
    (`said`) is for the instructor alone. `leans`: the answer asked for another exercise's hidden answer."""

    report: Report
    notes: list[str]
    said: list[str]
    leans: bool = False
    lost: bool = False  # names were not there: the slice of cells may have missed some


def score(
    cells: list[str],
    exercises: dict[str, Exercise],
    key: tuple,
    libraries: Callable[[frozenset], Path],
    folder: Path,
    tier: Isolation = PLAIN,
    partial: bool = False,
) -> tuple[dict[str, Scored], bool]:
    """What has come of each exercise, by name, and whether the submission ran out of time.

    libraries(hidden names) gives the folder of a library that hides these answers; `key` draws the inputs. With
    `partial`, an answer that is right on ordinary inputs has a share of the points.
    """
    with Scorer(cells, exercises, key, libraries, folder, tier, partial) as scorer:
        results = {name: scorer.grade(name, frozenset(exercises)) for name in exercises}
        # An answer may lean on one that was not solved. The notebook goes on with the library's there, and so do we:
        # it is asked again where only its own answer is hidden, and the unsolved others are the library's.
        unsolved = {name for name, scored in results.items() if not scored.report.passed}
        for name in sorted(unsolved):
            others, kind = unsolved - {name}, results[name].report.kind
            if (results[name].leans or scorer.mentioned(name) & others) and kind not in ("timeout", "missing"):
                results[name] = scorer.grade(name, frozenset([name]), others)
        # Two right answers may not fit together: one returns a list, where the other computes with an array.
        for name in sorted(unsolved):
            if results[name].report.kind == "raised" and scorer.mentioned(name) - unsolved:
                alone = scorer.grade(name, frozenset([name]), frozenset(exercises) - {name})
                if alone.report.passed:
                    results[name] = alone._replace(report=replace(alone.report, advice=ALONE))
        return results, scorer.out_of_time


class Scorer:
    """Grades answers one by one in forks of a child, which is started anew when an answer has killed it."""

    def __init__(
        self,
        cells: list[str],
        exercises: dict[str, Exercise],
        key: tuple,
        libraries: Callable[[frozenset], Path],
        folder: Path,
        tier: Isolation,
        partial: bool = False,
    ):
        self.cells, self.exercises, self.key, self.libraries, self.tier = cells, exercises, key, libraries, tier
        self.partial = partial
        self.folders = (folder / str(i) for i in itertools.count())
        seconds = SUBMISSION_SECONDS * PATIENCE
        self.all = Meter(seconds, wall=WALL * seconds, still=SUBMISSION_ASLEEP * PATIENCE)
        self.child, self.hidden = None, None
        self.slow: set[int] = set()  # cells that were out of time once: no other answer waits as long for them
        self.led_nowhere: dict[tuple, CellsRan] = {}  # what came of cells that bind no answer, by what was hidden
        self.out_of_time = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.child:
            self.child.close()

    def mentioned(self, name: str) -> set[str]:
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

    def grade(self, name: str, hidden: frozenset, unsolved: frozenset = frozenset()) -> Scored:
        """Asks the answer `name`, with the library's answers to `hidden` gone, and its own for those in `unsolved`."""
        scored = self._attempt(name, hidden, unsolved, whole=False)
        if scored.lost and self.child and self.child.facts.get("dynamic") is True:
            scored = self._attempt(name, hidden, unsolved, whole=True)
        return scored

    def _attempt(self, name, hidden, unsolved, whole) -> Scored:
        exercise = self.exercises[name]
        words = Guarded(self.cells, exercise, self.exercises)

        def lost_time_or_child(kind, advice):
            return Scored(failed(exercise, kind, advice), [], [])

        try:
            self.all.check()
        except TimeoutError:
            self.out_of_time = True
            return lost_time_or_child("timeout", "The notebook was out of time before this exercise.")
        unbound = self._child(hidden).facts.get("unbound")
        if isinstance(unbound, list) and name in unbound:  # no need to run what leads to nothing
            return Scored(self._without(exercise, CellsRan.read({}), self._broken(name), words), [], [])
        # Names that no statement binds in plain sight have all the same slice; once it has run, we know which of them
        # it has bound out of sight, and need not run it again for the others.
        nowhere = self._child(hidden).facts.get("nowhere")
        same = (hidden, whole) if isinstance(nowhere, list) and name in nowhere and not unsolved else None
        if same in self.led_nowhere and name in self.led_nowhere[same].absent:
            return self._not_there(exercise, self.led_nowhere[same], words)
        outcomes: list[Outcome] = []
        with self._child(hidden).fork() as pipe:
            seconds = (WHOLE_SECONDS if whole else CELLS_SECONDS) * PATIENCE
            limit = Meter(seconds, pipe.clock, still=CELLS_SECONDS * PATIENCE, within=self.all)
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
                ran = CellsRan.read(pipe.receive(limit), len(self.cells))
            except TimeoutError:
                return lost_time_or_child("timeout", "The cells that this answer needs did not end in time.")
            except BROKEN:
                return lost_time_or_child(
                    "died",
                    "Python itself ended while the cells that this answer needs ran: "
                    "they may have called exit, or used more memory than there is.",
                )
            slow = {cell for cell, error, *_ in ran.failed if error == "CellTimeout"}
            self.slow |= slow
            if same and not slow and not ran.bound:
                self.led_nowhere[same] = ran
            if not ran.callable:
                return self._not_there(exercise, ran, words)
            notes, said = self._failures(name, ran, words)

            def call(args, seconds, **more):
                seconds -= exercise.seconds * (1 - PATIENCE)
                request = {"call": "answer", "args": list(args)} | more
                outcomes.append(pipe.ask(request, seconds, still=STILL * PATIENCE, within=self.all))
                return outcomes[-1]

            source = source_in(self.cells, name)
            report = judge(exercise, call, *self.key, words=words, source=source, partial=self.partial)
        raised = [outcome for outcome in outcomes if outcome.kind == "raised"]
        said += [OPEN.error(outcome.error, outcome.message, outcome.line) for outcome in raised[:1]]
        hid = {outcome.message for outcome in outcomes if outcome.error == "AnswerHidden"}
        lost = any(outcome.error == "NameError" for outcome in outcomes)
        if hid & {name} and not report.passed:
            asked = exercise.answer.replace(":", ".")
            report = failed(
                exercise,
                "hidden",
                f"Your answer asks the library for {asked}, which is what the exercise asks of you. Write it yourself.",
            )
        return Scored(report, notes, said, bool(hid - {name}), lost)

    def _not_there(self, exercise, ran, words) -> Scored:
        """What has come of an answer that the cells have not left behind."""
        report = self._without(exercise, ran, self._broken(exercise.name), words)
        return Scored(report, *self._failures(exercise.name, ran, words), lost=not ran.bound)

    def _failures(self, name, ran, words) -> tuple[list[str], list[str]]:
        """What the student and the instructor are told of cells that failed."""
        failures = [row for row in ran.failed if not is_absence(name, *row[1:3])]
        notes = [note(cell, "failed", words.error(*error)) for cell, *error, _ in failures]
        notes += [note(cell, "is not Python", f"{message}\n{line}") for cell, message, line in self._broken(name)]
        return notes, [note(cell, "failed", OPEN.error(*error)) for cell, *error, _ in failures]

    def _broken(self, name):
        """Cells that are no Python and mention the answer."""
        rows = self.child.facts.get("broken") if self.child else None
        rows = [row for row in rows if isinstance(row, list) and len(row) == 4] if isinstance(rows, list) else []
        return [
            (cell, text(message), text(line))
            for cell, message, line, names in rows
            if isinstance(names, list) and name in names and type(cell) is int
        ]

    def _without(self, exercise, ran, broken, words):
        """The report where the cells have left no function behind."""
        name = exercise.name
        failures = [
            (error, words.error(error, message, line))
            for _, error, message, line, binding in ran.failed
            if binding and not is_absence(name, error, message)
        ]
        so = "so there is no function to ask."
        if ran.bound:
            return failed(
                exercise,
                "not callable",
                f"{name} is {words.type_name(ran.type)}, not a function. "
                "Was its name used for something else in another cell?",
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


class CellsRan:
    """What a fork says about the cells it ran: believed in form only."""

    def __init__(self, failed: list[tuple], bound: bool, callable_: bool, type_: str, absent: frozenset = frozenset()):
        self.failed, self.bound, self.callable, self.type, self.absent = failed, bound, callable_, type_, absent

    @classmethod
    def read(cls, reply: Any, cells: int = 0) -> "CellsRan":
        """Takes over what has the right form, for a notebook of so many code cells, and drops the rest."""
        reply = reply if isinstance(reply, dict) else {}
        found = reply.get("failed")
        rows = [
            (row[0], *map(text, row[1:4]), row[4] is True)
            for row in (found[:20] if isinstance(found, list) else [])
            if isinstance(row, list) and len(row) == 5 and type(row[0]) is int and 0 < row[0] <= cells
        ]
        absent = reply.get("absent")
        names = frozenset(name for name in absent if isinstance(name, str)) if isinstance(absent, list) else frozenset()
        kind = text(reply.get("type"))[:50]
        return cls(rows, reply.get("bound") is True, reply.get("callable") is True, kind, names)


def note(cell: int, what: str, error: str) -> str:
    """One sentence on a cell that did not run, from an error and, below it, the line."""
    text, _, line = error.partition("\n")
    return f"Code cell {cell} {what}: {text}" + (f" ({line})" if line else "")


def is_absence(name: str, error: str, message: str) -> bool:
    """Whether an error only says that the answer is not there: `f = check(f)` after a cell that failed."""
    return error == "NameError" and f"'{name}'" in message


def text(value: Any) -> str:
    """A short text out of anything."""
    return value[:500] if isinstance(value, str) else ""


def failed(exercise: Exercise, kind: str, advice: str, detail: str = "") -> Report:
    """A report on an answer that did not come to be called."""
    return Report(exercise.name, False, 0, exercise.points, None, advice, kind, detail)


# No digit before it: else every digit of a long number would begin a search to its end.
DECIMAL = re.compile(r"(?<!\d)[-+]?(?:\d+\.\d*|\.\d+|\d+(?=e[-+]?\d))(?:e[-+]?\d+)?", re.IGNORECASE)


def presentable(scored: Scored, folder: Path) -> Scored:
    """The same without what differs from run to run, and with texts of bounded length that print."""
    report = replace(
        scored.report,
        detail=clean(scored.report.detail, folder, 600),
        advice=clean(scored.report.advice, folder, 800),
        facts=clean(scored.report.facts, folder, 600),
    )
    notes = [clean(text, folder, 600) for text in scored.notes]
    said = [DECIMAL.sub("…", clean(text, folder, 600)) for text in scored.said]
    return scored._replace(report=report, notes=notes, said=said)


def clean(message: str, folder: Path, most: int) -> str:
    """The beginning of a message, without paths of the child's folders, addresses in memory, what does not print."""
    message = re.sub(rf"(?:{re.escape(str(folder))}|{WORK}/job)[/\w]*", "...", message[: 2 * most])
    message = re.sub(r"0x[0-9a-fA-F]{5,}", "0x...", message).replace("\t", " ")
    if not message.isprintable():
        message = "".join(c for c in message if c == "\n" or c.isprintable())
    return message[:most]
