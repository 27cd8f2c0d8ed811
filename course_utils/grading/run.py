"""A whole grading run: every notebook below a folder, some at a time, each result written as soon as it is there."""

import contextlib
import json
import os
import secrets
import sys
import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tqdm import tqdm

from course_utils.checking.limits import one_blas_thread
from course_utils.grading import class_report, feedback, results, sandbox
from course_utils.grading.cleaning import temporary_folder
from course_utils.grading.cluster import Cluster
from course_utils.grading.grader import Grader
from course_utils.grading.isolation import ONE_EACH, choose
from course_utils.grading.overrides import FILE, Override, adjusted, read_overrides
from course_utils.grading.submissions import Cells, Submission, cells_of, find_submissions
from course_utils.grading.watching import watching

GUESSED = 64  # bits of a seed that somebody could try out


def grade_folder(
    submissions: Path,
    out: Path,
    *,
    seed: int | None = None,
    workers: int | None = None,
    isolation: str = "auto",
    trusted: bool = False,
    cluster: str | None = None,
    partial: bool = False,
) -> int:
    """Grades every notebook below `submissions` into `out`: grades.csv, report.html, results/, feedback/. Returns 0.

    Without a seed, a run goes on with the seed that `out` has from an earlier run, or draws a fresh one. A submission
    whose result is in `out` already (same file, exercises, seed and isolation) is not graded again. The lines of
    out/overrides.csv are applied every time. `isolation` is "strict", "plain" (for `trusted` submissions only) or
    "auto": strict or, where that cannot be had and the submissions are trusted, plain. OSError where that leaves
    nothing, where another run works into `out`, or where something cannot be written; what is finished is kept.
    With `partial`, an answer that is right on ordinary inputs, but not on special ones, has a share of its points.
    With the address of a Dask scheduler as `cluster`, its workers grade, and this machine reads and writes the files.
    """
    if not hasattr(os, "fork"):
        raise OSError("grading needs Linux or macOS; on Windows, use the Linux subsystem (WSL) or a container")
    submissions, out = Path(submissions), Path(out)
    with contextlib.ExitStack() as stack:
        stack.enter_context(one_blas_thread())
        temporary = stack.enter_context(temporary_folder())
        tier = choose(isolation, trusted, (submissions, out, temporary), _fonts())
        print(tier.notice)
        found = find_submissions(submissions, leave_out=out)
        stack.enter_context(alone(out))
        results.close_to_others(out)
        seed = seed_for(out, seed)
        grader = Grader(seed, temporary, tier, partial)
        stack.callback(grader.close)
        run = Run(out, grader, read_overrides(out, grader.exercises))
        if cluster:
            there = stack.enter_context(contextlib.closing(Cluster(cluster, grader)))
            compute, workers = there.result, workers or 2 * there.threads  # each has its next one at hand
        else:
            grader.probe()
            if tier.name == "strict" and not grader.tier.nurseries:
                print(ONE_EACH)
            compute, workers = grader.result, workers or os.cpu_count() or 1
            stack.enter_context(watching(sandbox.RUNNING, min(sandbox.MEMORY, memory() * 4 // 5 // workers)))
        pool = ThreadPoolExecutor(workers)
        stack.callback(pool.shutdown, wait=True, cancel_futures=True)
        all_there = threading.Barrier(workers)  # all threads now: later, a submission may leave no room for one more
        list(pool.map(lambda _: all_there.wait(60), range(workers)))
        run.collect(found, (pool.submit(run.grade, submission, compute) for submission in found))
        grader.close()  # before the threads end that have started the nurseries
        run.finish(submissions)
    return 0


@contextlib.contextmanager
def alone(out: Path) -> Generator[None]:
    """Nobody else's run into `out` meanwhile; OSError where there is one. The lock ends with its process, however."""
    import fcntl  # not there on Windows

    try:
        results.make_folder(out)
        descriptor = os.open(out, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise OSError(f"{out} cannot be used as output folder ({error.strerror})") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise OSError(f"another run is grading into {out}; wait for its end, or take another output folder") from None
    except OSError:
        pass  # a network's file system without locks; files are written whole all the same
    try:
        yield
    finally:
        os.close(descriptor)


class Run:
    """What comes together in a run: the gradebook's rows and the figures of the class."""

    def __init__(self, out: Path, grader: Grader, overrides: list[Override]):
        self.out, self.grader, self.overrides = out, grader, overrides
        self.rows: list[dict] = []
        self.reused, self.used = 0, set[Override]()
        self.instead_of: dict[tuple[str, str], tuple[str, ...]] = {}
        self.damaged: list[str] = []  # results of earlier runs that are none
        self.tally = class_report.Tally(grader.exercises)

    def grade(
        self, submission: Submission, compute: Callable[[Submission, Cells], dict]
    ) -> tuple[dict, list[Override], bool]:
        """(result with adjustments, lines of overrides used, whether it was taken over from an earlier run)."""
        cells = cells_of(submission)
        same = self.grader.identity(cells.digest)
        known = self.known(submission, same) if cells.digest else None
        result = known or compute(submission, cells)
        final, used = adjusted(result, self.overrides)
        results.update(
            results.path_of(self.out, "feedback", submission.student, submission.notebook, ".html"),
            feedback.page(final, self.grader.exercises),
        )
        if not known:  # last: where the result is, all of it is
            results.write_result(self.out, result)
        return final, used, bool(known)

    def known(self, submission: Submission, same: dict) -> dict | None:
        """The result of an earlier run, if it is still that of the same submission."""
        try:
            return results.earlier_result(self.out, submission.student, submission.notebook, **same)
        except ValueError as error:
            self.damaged.append(f"{submission.student}/{submission.notebook}: {error}"[:300])
            return None

    def collect(self, found: list[Submission], waiting: Iterable) -> None:
        """Takes the results as they come, and keeps of each what gradebook and class report need."""
        waiting = set(waiting)
        self.instead_of = {(one.student, one.notebook): one.instead_of for one in found if one.instead_of}
        with tqdm(total=len(found), desc="grading", unit="notebook", file=sys.stderr) as bar:
            for future in as_completed(waiting):
                result, used, known = future.result()
                waiting.discard(future)
                row = results.row_of(result)
                others = self.instead_of.get((row["student"], row["notebook"]))
                row["status"] += f"; counts instead of the version in {', '.join(others)}" if others else ""
                self.rows.append(row | {"course_notebook": result["course_notebook"]})
                self.tally.add(result)
                self.used |= set(used)
                self.reused += known
                bar.update()

    def finish(self, submissions: Path) -> None:
        """Writes gradebook and class report, and prints what the run has come to."""
        rows = self.rows
        files = Counter((row["student"], row["course_notebook"]) for row in rows)
        for row in rows:  # nobody's points may count twice unseen
            count = files[row["student"], row["course_notebook"]]
            if row["student"] and row["course_notebook"] and count > 1:
                row["status"] += f"; one of {count} files of this student for this notebook"
        graded = {row.pop("course_notebook") for row in rows}
        names = [name for name, exercise in self.grader.exercises.items() if exercise.notebook in graded]
        book = results.write_gradebook(self.out, rows, names)
        results.write(self.out / "report.html", class_report.page(self.tally, self.grader.seed, self.grader.tier.name))
        replaced = len(self.instead_of)
        odd = sum(not row["status"].startswith("graded") for row in rows)
        unused = [override for override in self.overrides if override not in self.used]
        lines = [
            (
                f"{len(rows)} submissions, seed {self.grader.seed}; {self.reused} taken over from an earlier run."
                if rows
                else f"There is no notebook below {submissions} (<student>/<notebook>.ipynb is expected)."
            )
        ]
        if odd:
            lines.append(f"{odd} could not be graded as usual: see the column `status`.")
        if replaced:
            lines.append(f"{replaced} count instead of other versions in archives: see the column `status`.")
        if self.overrides:
            lines.append(f"{len(self.used)} adjustments from {self.out / FILE}.")
        lines += [
            f"GRADED ANEW: the result of an earlier run could not be used, {results.visible(text)}"
            for text in sorted(self.damaged)
        ]
        lines += [
            f"NOT APPLIED: line {o.line} of {FILE}: no submission of {o.student!r} has the notebook {o.notebook!r}"
            + (f" with {o.exercise}" if o.exercise else "")
            for o in unused
        ]
        print(
            "\n".join(
                [
                    *lines,
                    f"Gradebook: {book}",
                    f"Class report: {self.out / 'report.html'}",
                    f"Feedback pages: {self.out / 'feedback'}",
                ]
            )
        )


def memory() -> int:
    """Bytes of this machine's memory."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def fresh_seed() -> int:
    """A seed that nobody can find by trying, even with a hidden input before them: 128 bits."""
    return secrets.randbits(128)


def seed_for(out: Path, asked: int | None) -> int:
    """The seed of a run into `out`: the one asked for, that of an earlier run, or a fresh one. It is kept there.

    OSError where there was a seed that cannot be read: another one would grade everybody anew, on other inputs.
    """
    kept, file = kept_seed(out, asked is not None), out / "seed.json"
    seed = asked if asked is not None else kept if kept is not None else fresh_seed()
    if kept is not None and seed != kept:
        print(f"Another seed than that of the earlier run into {out}: everything is graded anew, on other inputs.")
    elif kept is not None and kept.bit_length() <= GUESSED and asked is None:
        print(
            f"The seed in {file} has {kept.bit_length()} bits, as those of earlier versions of the course: whoever "
            "knows one hidden input can find it by trying. It is kept, so that grades stay as they are; to have one "
            "of 128 bits, grade into another folder."
        )
    results.write(file, json.dumps({"seed": seed}) + "\n")
    return seed


def kept_seed(out: Path, replaced: bool = False) -> int | None:
    """The seed of an earlier run into `out`, None where there was none. OSError where it is lost and not replaced."""
    file = out / "seed.json"
    try:
        seed = json.loads(file.read_text(encoding="utf-8"))["seed"]
        if type(seed) is int:
            return seed
        fault = "holds no seed"
    except FileNotFoundError:
        if not any((out / "results").rglob("*.json")):
            return None
        fault = "is missing, but there are results"
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        fault = f"cannot be read ({getattr(error, 'strerror', None) or type(error).__name__})"
    if replaced:
        return None
    raise OSError(
        f"{file} {fault}. With another seed everything would be graded anew, on other inputs. Put the file back, or "
        f"give its seed with --seed (it stands in {out / 'grades.csv'} and in every file of {out / 'results'}), or "
        "grade into another folder"
    )


def _fonts() -> Path | None:
    """Matplotlib's list of fonts, so that a child need not make it anew; None where there is none yet."""
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cache = Path(os.environ.get("MPLCONFIGDIR") or caches / "matplotlib")
    return max(cache.glob("fontlist-*.json"), default=None) if cache.is_dir() else None
