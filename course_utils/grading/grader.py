"""From one submission to its result: the same wherever it is computed, on this machine or on another one."""

import errno
import hashlib
import platform
import tempfile
import threading
from importlib.metadata import version
from pathlib import Path

from course_utils.checking.judging import tidy
from course_utils.checking.notebook_files import recognise
from course_utils.exercises import Exercise, all_exercises
from course_utils.grading import library
from course_utils.grading.cleaning import remove
from course_utils.grading.isolation import Isolation
from course_utils.grading.nurseries import POSSIBLE, Nurseries
from course_utils.grading.sandbox import Child, ChildError, LostError
from course_utils.grading.scoring import failed, presentable, score
from course_utils.grading.submissions import Cells, Submission
from course_utils.grading.turns import Turns

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


def failure(why: str) -> str:
    """The status of a submission that the grader could not grade; such a result is not taken over by the next run."""
    return f"error: {why}"[:200]


def in_part(entries: dict) -> str:
    """What a status says of exercises with a part of their points: "; partial credit for pca_fit"."""
    names = [name for name, entry in entries.items() if entry["points"] and not entry["passed"]]
    return f"; partial credit for {', '.join(names)}" if names else ""


DECIDE_NOTHING = {
    "showing",
    "explorables",
    "building",
    "exporting",
    "cli.py",
    "data/build_packs.py",
    "checking/__init__.py",
    "checking/handing_in.py",
    "checking/student.py",
    "checking/progress_file.py",
    "checking/predictions.py",
    "checking/prediction_widget.py",
}


def definitions_hash() -> str:
    """A fingerprint of all that decides on points: exercises, library and grader, and what they compute with."""
    digest = hashlib.sha256()
    for name in ("numpy", "scipy", "autograd"):
        digest.update(f"{name} {version(name)} ".encode())
    digest.update(platform.python_version().encode())
    for file in sorted(library.SOURCE.rglob("*.py")):
        name = file.relative_to(library.SOURCE)
        if not DECIDE_NOTHING & {*name.parts, name.as_posix()}:
            digest.update(name.as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:32]


class Grader:
    """What all submissions of a run share: exercises, seed, and copies of the library, made when they are needed."""

    def __init__(self, seed: int, temporary: Path, tier: Isolation, partial: bool = False):
        self.seed, self.temporary, self.tier, self.partial = seed, temporary, tier, partial
        self.exercises = all_exercises()
        self.notebooks: dict[str, dict[str, Exercise]] = {}
        for name, exercise in self.exercises.items():
            self.notebooks.setdefault(exercise.notebook, {})[name] = exercise
        self.definitions = definitions_hash()
        self.libraries: dict[frozenset, Path] = {}
        self.lock, self.turns = threading.Lock(), Turns()

    def probe(self) -> None:
        """OSError where submissions cannot be run at all. Decides, too, whether strict children come from nurseries:
        some kernels allow no namespaces within namespaces."""
        alone = self.tier
        tiers = [alone._replace(nurseries=Nurseries())] if alone.name == "strict" and POSSIBLE else []
        for self.tier in (*tiers, alone):
            try:
                return Child(self.library(frozenset()), [], [], self.temporary / "probe", self.tier).close()
            except ChildError as error:
                refusal = str(error)
        raise OSError(f"no child process can be started to run submissions in: {refusal}")

    def close(self) -> None:
        """Ends what waits for more submissions."""
        if self.tier.nurseries:
            self.tier.nurseries.close()

    def identity(self, digest: str) -> dict:
        """What a result depends on; where all of it is the same, the result is."""
        same = {"submission": digest, "definitions": self.definitions, "seed": self.seed, "isolation": self.tier.name}
        return same | ({"partial": True} if self.partial else {})

    def library(self, hidden: frozenset) -> Path:
        """The folder of the library's copy that hides the answers to these exercises."""
        with self.lock:
            if hidden not in self.libraries:
                above = self.temporary
                if self.tier.nurseries:  # which see the folder that holds all copies, and nothing else of ours
                    above = above / "libraries"
                    above.mkdir(exist_ok=True)
                    above.chmod(0o755)  # whatever the umask
                folder = above / f"library{len(self.libraries)}"
                answers = [self.exercises[name] for name in sorted(hidden)]
                self.libraries[hidden] = library.make_library(folder, answers)
            return self.libraries[hidden]

    def result(self, submission: Submission, cells: Cells) -> dict:
        """The submission's result: status, points and a report for each exercise of its notebook. It does not raise for
        what students do, but for a machine that is full: then no result would be worth keeping."""
        exercises = self.notebooks.get(self.notebook_of(submission, cells), {})
        status, entries = submission.refusal or cells.status, {}
        if not status and not exercises:
            status = "unknown notebook: neither its name nor its metadata is of a notebook with exercises"
        if not status:
            try:
                status, entries = self.scored(submission, cells, exercises)
            except LostError as error:
                status = failure(f"this machine did not let it run, not even alone ({error}); grade again later")
            except ChildError as error:
                status = failure(f"the cells cannot be read ({error})")
            except Exception as error:  # a fault of ours must not cost the others their rows
                if isinstance(error, OSError) and error.errno in FULL:
                    raise OSError(
                        f"{self.temporary} cannot be written ({error.strerror}); make room there, or set TMPDIR "
                        "to another folder, and start the same command again: it goes on"
                    ) from error
                status = failure(f"the grader failed ({type(error).__name__}: {error})")
        return self.complete(submission, cells, status, entries)

    def notebook_of(self, submission: Submission, cells: Cells) -> str | None:
        """The course's notebook that this one is, by its name or its metadata."""
        return recognise(Path(submission.notebook).name, cells.metadata, list(self.notebooks))

    def complete(self, submission: Submission, cells: Cells, status: str, entries: dict) -> dict:
        """The result with these entries; exercises without one were not graded."""
        name = self.notebook_of(submission, cells)
        for exercise in self.notebooks.get(name, {}).values():
            entries.setdefault(exercise.name, failed(exercise, "not graded", "").as_dict() | {"notes": [], "said": []})
        return {
            "student": submission.student,
            "notebook": submission.notebook,
            "course_notebook": name,
            "status": status + in_part(entries),
            "points": tidy(sum(entry["points"] for entry in entries.values())),
            "max_points": sum(entry["max_points"] for entry in entries.values()),
            "exercises": entries,
            **self.identity(cells.digest),
        }

    def scored(self, submission: Submission, cells: Cells, exercises: dict[str, Exercise]) -> tuple[str, dict]:
        """Status and entries of a submission whose cells run."""
        try:
            with self.turns.beside_others():
                folder, answers, out_of_time = self._scored(submission, cells, exercises, self.tier)
        except LostError:
            with self.turns.alone():
                tier = self.tier._replace(alone=True)
                folder, answers, out_of_time = self._scored(submission, cells, exercises, tier)
        entries = {}
        for name, answer in answers.items():
            answer = presentable(answer, folder)
            entries[name] = answer.report.as_dict() | {"notes": answer.notes, "said": answer.said}
        if out_of_time:
            return "timeout: the whole notebook took too long; what came later has no points", entries
        return "graded" if submission.student else "graded (without a student's folder)", entries

    def _scored(self, submission, cells, exercises, tier):
        folder = Path(tempfile.mkdtemp(dir=self.temporary))
        try:
            # With the submission in the key, what one submission tells of its inputs is of no use for the next one.
            key = (self.seed, submission.student, cells.digest)
            return folder, *score(cells.sources, exercises, key, self.library, folder, tier, self.partial)
        finally:
            remove(folder)
