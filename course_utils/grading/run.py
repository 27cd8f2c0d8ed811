"""A whole grading run: every notebook below a folder, some at a time, each result written as soon as it is there."""

import contextlib
import hashlib
import json
import os
import platform
import secrets
import sys
import tempfile
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from importlib.metadata import version
from pathlib import Path

from tqdm import tqdm

from course_utils.exercises import Exercise, all_exercises
from course_utils.grading import feedback, library, results, sandbox
from course_utils.grading.cleaning import remove
from course_utils.grading.isolation import Isolation, choose
from course_utils.grading.sandbox import Child, ChildError
from course_utils.grading.scoring import failed, presentable, score
from course_utils.grading.submissions import Submission, find_submissions, read_cells, recognise
from course_utils.grading.watching import watching


def grade_folder(submissions: Path, out: Path, *, seed: int | None = None, workers: int | None = None,
                 isolation: str = "auto", trusted: bool = False) -> int:
    """Grades every notebook below `submissions` into `out` (grades.csv, results/, feedback/); 0 when all have a row.

    Without a seed, a run goes on with the seed that `out` has from an earlier run, or draws a fresh one. A submission
    whose result is in `out` already (same file, exercises, seed and isolation) is not graded again.
    `isolation` is "strict", "plain" (for `trusted` submissions only) or "auto": strict or, where that cannot be had and
    the submissions are trusted, plain. OSError where that leaves nothing.
    """
    if not hasattr(os, "fork"):
        raise OSError("grading needs Linux or macOS; on Windows, use the Linux subsystem (WSL) or a container")
    submissions, out = Path(submissions), Path(out)
    rows, reused = [], 0
    with contextlib.ExitStack() as stack:
        temporary = Path(tempfile.mkdtemp(prefix="course-grade-"))
        stack.callback(remove, temporary)
        tier = choose(isolation, trusted, (submissions, out, temporary), _fonts())
        print(tier.notice)
        found = find_submissions(submissions, leave_out=out)
        out.mkdir(parents=True, exist_ok=True)
        seed = kept_seed(out) if seed is None else seed
        results.write(out / "seed.json", json.dumps({"seed": seed}) + "\n")
        grader = Grader(out, seed, temporary, tier)
        workers = workers or os.cpu_count() or 1
        stack.enter_context(watching(sandbox.RUNNING, min(sandbox.MEMORY, memory() * 4 // 5 // workers)))
        pool = ThreadPoolExecutor(workers)
        stack.callback(pool.shutdown, wait=True, cancel_futures=True)
        waiting = [pool.submit(grader.grade, submission) for submission in found]
        bar = stack.enter_context(tqdm(total=len(found), desc="grading", unit="notebook", file=sys.stderr))
        for future in as_completed(waiting):
            row, taken_over = future.result()
            rows.append(row)
            reused += taken_over
            bar.update()
    files = Counter((row["student"], row["course_notebook"]) for row in rows)
    for row in rows:  # nobody's points may count twice unseen
        count = files[row["student"], row["course_notebook"]]
        if row["student"] and row["course_notebook"] and count > 1:
            row["status"] += f"; one of {count} files of this student for this notebook"
    graded = {row.pop("course_notebook") for row in rows}
    names = [name for name, exercise in grader.exercises.items() if exercise.notebook in graded]
    path = results.write_gradebook(out, rows, names)
    print(summary(rows, reused, seed, path, submissions))
    return 0


def memory() -> int:
    """Bytes of this machine's memory."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def kept_seed(out: Path) -> int:
    """The seed of an earlier run into `out`, or a fresh one."""
    try:
        return int(json.loads((out / "seed.json").read_text())["seed"])
    except (OSError, ValueError, KeyError, TypeError):
        return secrets.randbelow(2 ** 31)


def summary(rows, reused, seed, path, submissions) -> str:
    """What the run has come to, in a few lines."""
    odd = sum(not row["status"].startswith("graded") for row in rows)
    lines = [f"{len(rows)} submissions, seed {seed}; {reused} taken over from an earlier run." if rows else
             f"There is no notebook below {submissions} (<student>/<notebook>.ipynb is expected)."]
    if odd:
        lines.append(f"{odd} could not be graded as usual: see the column `status`.")
    return "\n".join([*lines, f"Gradebook: {path}", f"Feedback pages: {path.parent / 'feedback'}"])


NO_DEFINITIONS = {"cli.py", "build.py", "checking.py", "progress.py", "plots.py", "widgets.py", "build_packs.py"}


def definitions_hash() -> str:
    """A fingerprint of all that decides on points: exercises, library and grader, and what they compute with."""
    digest = hashlib.sha256()
    for name in ("numpy", "scipy", "autograd"):
        digest.update(f"{name} {version(name)} ".encode())
    digest.update(platform.python_version().encode())
    for file in sorted(file for file in library.SOURCE.rglob("*.py") if file.name not in NO_DEFINITIONS):
        digest.update(file.relative_to(library.SOURCE).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:32]


class Grader:
    """What all submissions of a run share: exercises, seed, and the copies of the library, made when they are needed."""

    def __init__(self, out: Path, seed: int, temporary: Path, tier: Isolation):
        self.out, self.seed, self.temporary, self.tier = out, seed, temporary, tier
        self.exercises = all_exercises()
        self.notebooks: dict[str, dict[str, Exercise]] = {}
        for name, exercise in self.exercises.items():
            self.notebooks.setdefault(exercise.notebook, {})[name] = exercise
        self.definitions = definitions_hash()
        self.libraries: dict[frozenset, Path] = {}
        self.lock = threading.Lock()
        try:
            Child(self.library(frozenset()), [], [], temporary / "probe", tier).close()
        except ChildError as error:
            raise OSError(f"no child process can be started to run submissions in: {error}") from None

    def library(self, hidden: frozenset) -> Path:
        """The folder of the library's copy that hides the answers to these exercises."""
        with self.lock:
            if hidden not in self.libraries:
                folder = self.temporary / f"library{len(self.libraries)}"
                answers = [self.exercises[name] for name in sorted(hidden)]
                self.libraries[hidden] = library.make_library(folder, answers)
            return self.libraries[hidden]

    def grade(self, submission: Submission) -> tuple[dict, bool]:
        """The submission's row, and whether it was taken over from an earlier run. Never raises for what students do."""
        cells = None if submission.refusal else read_cells(submission.path)
        digest = cells.digest if cells else ""
        same = {"submission": digest, "definitions": self.definitions, "seed": self.seed, "isolation": self.tier.name}
        known = results.earlier_result(self.out, submission.student, submission.notebook, **same) if digest else None
        result = known or self.result(submission, cells) | same
        page = results.path_of(self.out, "feedback", submission.student, submission.notebook, ".html")
        if not known or not page.exists():
            results.write(page, feedback.page(result, self.exercises))
        if not known:  # last: where the result is, all of it is
            results.write_result(self.out, result)
        return results.row_of(result) | {"course_notebook": result["course_notebook"]}, bool(known)

    def result(self, submission: Submission, cells) -> dict:
        """The submission's result: status, points and a report for each exercise of its notebook."""
        name = recognise(Path(submission.notebook).name, cells.metadata if cells else "", list(self.notebooks))
        exercises = self.notebooks.get(name, {})
        status, entries = submission.refusal or cells.status, {}
        if not status and not exercises:
            status = "unknown notebook: neither its name nor its metadata is of a notebook with exercises"
        if not status:
            try:
                status, entries = self.scored(submission, cells, exercises)
            except ChildError as error:
                status = f"error: the cells cannot be read ({error})"[:200]
            except Exception as error:  # a fault of ours must not cost the others their rows
                status = f"error: the grader failed ({type(error).__name__}: {error})"[:200]
        for exercise in exercises.values():
            entries.setdefault(exercise.name, failed(exercise, "not graded", "").as_dict() | {"notes": []})
        return {"student": submission.student, "notebook": submission.notebook, "course_notebook": name,
                "status": status, "points": sum(entry["points"] for entry in entries.values()),
                "max_points": sum(entry["max_points"] for entry in entries.values()), "exercises": entries}

    def scored(self, submission, cells, exercises) -> tuple[str, dict]:
        """Status and entries of a submission whose cells run."""
        folder = Path(tempfile.mkdtemp(dir=self.temporary))
        try:
            reports, out_of_time = score(cells.sources, exercises, (self.seed, submission.student), self.library,
                                         folder, self.tier)
        finally:
            remove(folder)
        entries = {}
        for name, (report, notes) in reports.items():
            report, notes = presentable(report, notes, cells.sources, folder)
            entries[name] = report.as_dict() | {"notes": notes}
        if out_of_time:
            return "timeout: the whole notebook took too long; what came later has no points", entries
        return "graded" if submission.student else "graded (without a student's folder)", entries


def _fonts() -> Path | None:
    """Matplotlib's list of fonts, so that a child need not make it anew; None where there is none yet."""
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cache = Path(os.environ.get("MPLCONFIGDIR") or caches / "matplotlib")
    return max(cache.glob("fontlist-*.json"), default=None) if cache.is_dir() else None
