"""The `course` command: open the notebooks, test and lint, build notebooks, grade submissions, show progress.

Imports of anything heavy stay inside the commands, so that `course --help` answers at once. An error that the
user can mend is one line on standard error and exit status 2.
"""

import argparse
import contextlib
import importlib.util
import io
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import course_utils.quick_start  # noqa: F401

FIRST_NOTEBOOK = "00_start_here"
# The course's matrices are small: a second BLAS thread saves nothing in its training, and beside other programs it
# makes that ten to a hundred times as long, since the threads wait for each other by spinning.
ONE_BLAS_THREAD = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
}
# With a fixed hash seed, too: built outputs and grades must not depend on the number of cores.
REPRODUCIBLE = {
    **ONE_BLAS_THREAD,
    "PYTHONHASHSEED": "0",
    "PYTHONUTF8": "1",
}
# What commands import beyond the library, by the extra of pyproject.toml that brings it.
EXTRAS = {
    "lab": ("ipykernel", "jupyterlab"),
    "authoring": (
        "a11y_pygments",
        "ipykernel",
        "jinja2",
        "jupytext",
        "latex2mathml",
        "nbclient",
        "nbconvert",
        "nbformat",
        "pygments",
    ),
    "lint": ("ruff", "ty"),
    "test": ("nbval", "pytest", "xdist"),
}

# The folders that `course test` goes through, and what is said of each.
STAGES = {
    "tests": "unit and browser tests",
    "solutions": "solutions, outputs compared",
    "notebooks": "student notebooks, run only",
}


class CourseError(Exception):
    """Something that the user can mend; its text is the one line that is shown."""


def require(extra: str) -> None:
    """Raise CourseError, which says what to install, unless the packages of an extra are there."""
    missing = [name for name in EXTRAS[extra] if importlib.util.find_spec(name) is None]
    if missing:
        raise CourseError(f'{missing[0]} is not installed; run: pip install "generative-models-course[{extra}]"')


def find_root(start: Path) -> Path:
    """Return the course's folder: the nearest at or above `start` with its notebooks, else this checkout."""
    checkout = Path(__file__).resolve().parents[1]
    for folder in (start, *start.parents, checkout):
        first = (folder / "notebooks" / f"{FIRST_NOTEBOOK}.ipynb", folder / "solutions" / f"{FIRST_NOTEBOOK}.py")
        if any(path.is_file() for path in first):
            return folder
    raise CourseError(
        f"no course found: neither {start} nor a folder above it holds notebooks/{FIRST_NOTEBOOK}.ipynb; "
        "change to the course's folder first"
    )


def lab(arguments: argparse.Namespace, extra: list[str]) -> int | None:
    """Open JupyterLab on the first notebook; what is left of the command line goes to JupyterLab."""
    require("lab")
    notebooks = find_root(Path.cwd()) / "notebooks"
    if not (notebooks / f"{FIRST_NOTEBOOK}.ipynb").is_file():
        raise CourseError(f"{notebooks} holds no {FIRST_NOTEBOOK}.ipynb; make it with: course build")
    options = [
        f"--ServerApp.root_dir={notebooks}",
        f"--LabApp.default_url=/lab/tree/{FIRST_NOTEBOOK}.ipynb",
        # no pop-up about news and no request to the network for a newer version
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    if arguments.no_browser:
        options.append("--no-browser")
    if arguments.port is not None:
        require_free_port(arguments.port)
        options += [f"--ServerApp.port={arguments.port}", "--ServerApp.port_retries=0"]
    if getattr(os, "geteuid", lambda: 1)() == 0:  # in a container root is often the only user
        options.append("--allow-root")
    for name, threads in ONE_BLAS_THREAD.items():
        os.environ.setdefault(name, threads)  # the kernels have it from here
    from jupyterlab.labapp import main as jupyterlab_main

    return jupyterlab_main([*options, *extra])


def require_free_port(port: int) -> None:
    """Raise CourseError when nothing can listen on 127.0.0.1:`port`."""
    with socket.socket() as probe:
        if os.name != "nt":  # as the server itself does: a port that was just closed is free
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            raise CourseError(f"cannot use port {port} ({error}); choose another one with --port") from None


def stages(root: Path) -> dict[str, list[str]]:
    """Return the stages of `course test`: {folder: what pytest collects there}, nothing where there is no notebook."""
    return {"tests": [str(root / "tests")]} | {
        folder: sorted(map(str, (root / folder).glob("*.ipynb")), reverse=True)  # the longest come first
        for folder in ("solutions", "notebooks")
    }


def side_by_side(root: Path, processes: int) -> list[str]:
    """Return pytest's arguments for this many processes; the tests of a file stay together and share its fixtures."""
    return [f"--rootdir={root}", "-n", str(processes), "--dist", "loadfile", "--no-loadscope-reorder"]


def whole_run(root: Path, report: Path) -> list[str]:
    """Return pytest's arguments for all stages in one pool, so that no core idles at the end of a stage.

    Outputs are compared by nbval; that those of the students' copies are not is in tests/conftest.py. JUnit's results
    go to `report`.
    """
    two_more = (os.cpu_count() or 1) + 2  # there are always tests that wait for a server or a deadline
    tests, *notebooks = stages(root).values()
    nbval = [
        "--nbval",
        "--nbval-current-env",
        "--nbval-cell-timeout=120",
        f"--nbval-sanitize-with={root / 'tests' / 'notebooks' / 'nbval_sanitize.cfg'}",
    ]
    paths = [path for stage in notebooks for path in stage]
    return [*side_by_side(root, two_more), f"--junitxml={report}", *(nbval if paths else []), *tests, *paths]


def quick_run(root: Path, extra: list[str]) -> list[str]:
    """Return pytest's arguments for the inner loop: tests that take no time and no browser, and what is asked.

    The folder of the browser tests is not even read, as reading it imports what drives a browser.
    """
    named = any(Path(word.partition("::")[0]).exists() for word in extra)
    everywhere = [f"--ignore={root / 'tests' / 'browser'}", *stages(root)["tests"]]
    chosen = ["-m", "not slow and not whole and not browser", *extra, *([] if named else everywhere)]
    return [*side_by_side(root, os.cpu_count() or 1), *chosen]


def results(report: Path) -> dict[str, list[float]]:
    """Return {folder: [tests, failures and errors, seconds]} of a whole run, from JUnit's file if there is one."""
    from xml.etree import ElementTree

    found = {folder: [0, 0, 0.0] for folder in STAGES}
    for case in ElementTree.parse(report).iter("testcase") if report.is_file() else ():
        address = f"{case.get('classname')}.{case.get('name')}".lstrip(".")  # a file that is not collected has no class
        of_stage = found.get(address.partition(".")[0], found["tests"])
        of_stage[0] += 1
        of_stage[1] += any(child.tag in ("failure", "error") for child in case)
        of_stage[2] += float(case.get("time", 0))
    return found


def isolated_environment(folder: str | Path) -> dict[str, str]:
    """Return variables for tests: reproducible, and blind to the user's progress, settings and kernels."""
    names = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")
    own = {name: str(Path(folder) / name.lower()) for name in names}
    environment = {
        **os.environ,
        **REPRODUCIBLE,
        **own,
        "JUPYTER_PLATFORM_DIRS": "1",
        "TQDM_DISABLE": "1",  # how often a progress bar shows depends on the machine's speed
        "COURSE_PROGRESS": str(Path(folder) / "progress.json"),
    }
    environment.pop("MPLBACKEND", None)  # kernels choose the inline backend only when none is set
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # each of some hundred processes would compile the course anew
    return environment


def run_tests(_: argparse.Namespace, extra: list[str]) -> int:
    """Run the unit and browser tests, all solutions (outputs compared) and all student copies; return 0 if all passed.

    `course test quick`: only what is marked neither slow nor whole nor browser, from every room. What comes
    after `quick` goes on to pytest, as in `course test quick -k pca`; all arguments do, where `quick` is not the first.
    """
    require("test")
    root = find_root(Path.cwd())
    if not (root / "tests").is_dir():
        raise CourseError(f"{root} holds no tests: they come with the full checkout of the course")
    with tempfile.TemporaryDirectory(prefix="course-test-") as folder:
        report = Path(folder) / "results.xml"
        if extra[:1] == ["quick"]:
            name, options = "quick tests", quick_run(root, extra[1:])
        else:
            name, options = ("pytest", extra) if extra else ("all tests", whole_run(root, report))
        print(f"\n== {name}", flush=True)
        started = time.monotonic()
        status = subprocess.call(
            [sys.executable, "-m", "pytest", "-p", "course_utils.quick_start", "-p", "no:cacheprovider", *options],
            cwd=Path.cwd() if extra else root,
            env=isolated_environment(folder),
        )
        print()
        if extra:
            print(f"{'FAILED' if status else 'passed'}  {name} ({time.monotonic() - started:.0f} s)")
            return int(status != 0)
        return int(summary(root, status, results(report)))


def summary(root: Path, status: int, found: dict[str, list[float]]) -> bool:
    """Print a line for each stage of a whole run that ended with pytest's `status`; return whether one has failed."""
    explained = status in (0, 1) and any(failures for _, failures, _ in found.values()) == bool(status)
    failed = False
    for folder, paths in stages(root).items():
        tests, failures, seconds = found[folder]
        bad = bool(failures) or not tests or not explained
        failed |= bad
        what = f"{tests:.0f} tests, {seconds:.0f} s in all processes"
        if not paths:
            what = "there is no notebook to test; make them with: course build"
        print(f"{'FAILED' if bad else 'passed'}  {STAGES[folder]} ({what})")
    return failed


def linters(fix: bool) -> dict[str, tuple[list[str], str]]:
    """Return what `course lint` runs: name -> (module and its arguments, what to do where it fails)."""
    again = "python3 run.py lint --fix"
    return {
        "faults and habits": (
            ["ruff", "check", *(["--fix"] if fix else [])],
            f"what is marked [*] above is mended by: {again}; the rest by hand",
        ),
        "layout": (["ruff", "format", *([] if fix else ["--check"])], f"mended by: {again}"),
        "types": (["ty", "check", "--no-progress", "--python", sys.prefix], "mend by hand what is said above"),
    }


def lint(arguments: argparse.Namespace, _: list[str]) -> int:
    """Look at all Python of the course, not at what it does: faults and habits, layout, types. 0 if all is well."""
    missing = [name for name in ("ruff", "ty") if importlib.util.find_spec(name) is None]
    if missing:
        raise CourseError(f'{missing[0]} is not installed; run: pip install -e ".[lint]"')
    root = find_root(Path.cwd())
    verdicts = []
    for name, (command, remedy) in linters(arguments.fix).items():
        print(f"\n== {name}", flush=True)
        failed = subprocess.call([sys.executable, "-m", *command], cwd=root)
        verdicts.append(f"FAILED  {name}: {remedy}" if failed else f"passed  {name}")
    print("\n" + "\n".join(verdicts))
    return int(any(verdict.startswith("FAILED") for verdict in verdicts))


@contextlib.contextmanager
def building() -> Generator[None]:
    """For commands that need the extra "authoring": what the builder refuses is an error of the command."""
    require("authoring")
    from course_utils.building.build import BuildError

    try:
        yield
    except BuildError as error:
        raise CourseError(error) from None


def build(arguments: argparse.Namespace, _: list[str]) -> int:
    """Build the solution and student notebooks from solutions/*.py."""
    os.environ.update(REPRODUCIBLE)
    with building():
        from course_utils.building.build import build_course

        refused = build_course(find_root(Path.cwd()), only=arguments.notebooks, force=arguments.force)
    return int(refused > 0)


def book(arguments: argparse.Namespace, _: list[str]) -> int:
    """Write the reading edition into a folder: the executed solutions as HTML pages, which any browser opens.

    With --copies, the notebooks of notebooks/ as they stand: your answers, their reports, your figures.
    No page asks another host for anything, and none needs a server: open OUT/index.html.
    """
    os.environ.update(REPRODUCIBLE)  # with --no-faces, notebooks are executed
    with building():
        from course_utils.building.book import build_book

        root, faces = find_root(Path.cwd()), not arguments.no_faces
        pages = build_book(root, arguments.folder, arguments.solutions, copies=arguments.copies, faces=faces)
    print(f"{len(pages)} pages and their contents are written; open {arguments.folder / 'index.html'}")
    return 0


def slides(arguments: argparse.Namespace, _: list[str]) -> int:
    """Write slides for the lecture hall into a folder, from the executed solutions; any browser shows them.

    Arrows and space lead on, Escape shows all slides, n the notes, p the presenter's window; print them for a PDF.
    """
    only = () if arguments.notebook == "all" else (arguments.notebook,)
    os.environ.update(REPRODUCIBLE)  # with --no-faces, notebooks are executed
    with building():
        from course_utils.building.slides import build_slides

        root, faces = find_root(Path.cwd()), not arguments.no_faces
        files = build_slides(root, arguments.folder, only, arguments.solutions, faces)
    start = files[0] if len(files) == 1 else arguments.folder / "index.html"
    print(f"slides of {len(files)} notebook{'s' * (len(files) > 1)}; open {start}")
    return 0


def lessons(_: argparse.Namespace, __: list[str]) -> int:
    """Write the lesson plans, docs/lessons/NN.md, anew from the executed solutions and the exercises."""
    with building():
        from course_utils.building.lesson_plans import write_lessons

        changed = write_lessons(find_root(Path.cwd()))
    print("\n".join([*map(str, changed), f"{len(changed)} lesson plans are new or have changed"]))
    return 0


def site(arguments: argparse.Namespace, _: list[str]) -> int:
    """Write the browser edition into a folder: the course in JupyterLite, which any web server serves.

    Students need a browser and nothing else; answers stay in it. The first build downloads Pyodide and JupyterLite.
    """
    with building():
        from course_utils.building.site import build_site, serve

        if arguments.serve and arguments.port is not None:
            require_free_port(arguments.port)
        weights = build_site(
            find_root(Path.cwd()), arguments.folder, pyodide=arguments.pyodide, faces=not arguments.no_faces
        )
    print("a first visit fetches, compressed:")
    for part, size in [*weights.items(), ("in all", sum(weights.values()))]:
        print(f"{size / 1e6:8.1f} MB  {part}")
    if arguments.serve:
        import webbrowser

        serve(arguments.folder, arguments.port or 0, webbrowser.open)
    return 0


def grade(arguments: argparse.Namespace, _: list[str]) -> int:
    """Grade every notebook below a folder of submissions."""
    if sys.platform == "win32":  # no limits on a process there, and no lock on the folder of results
        raise CourseError("submissions cannot be graded on Windows; grade in a Linux container, as README.md says")
    if not arguments.submissions.is_dir():
        raise CourseError(f"{arguments.submissions} is not a folder of submissions, <student>/<notebook>")
    os.environ.update(REPRODUCIBLE)
    from course_utils.grading import grade_folder

    return grade_folder(
        arguments.submissions,
        arguments.out,
        seed=arguments.seed,
        workers=arguments.workers,
        isolation=arguments.isolation,
        trusted=arguments.i_trust_these_submissions,
        cluster=arguments.cluster,
        partial=arguments.partial,
    )


def export(arguments: argparse.Namespace, _: list[str]) -> int:
    """Write the course, or its grades, in the form of another system."""
    from course_utils.exporting import ExportError

    try:
        return arguments.export(arguments)
    except ExportError as error:
        raise CourseError(error) from None


def exported(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what is exported, as keyword arguments: the notebooks, the seed of their hidden inputs, and `force`."""
    from course_utils.exporting.files import chosen
    from course_utils.grading.run import fresh_seed

    seed = fresh_seed() if arguments.seed is None else arguments.seed
    return {"notebooks": chosen(arguments.notebooks), "seed": seed, "force": arguments.force}


def export_nbgrader(arguments: argparse.Namespace) -> int:
    """Write a course folder for nbgrader; its autograder then grades as `course grade` does."""
    with building():
        from course_utils.exporting.nbgrader import export_nbgrader as write

        root, what = find_root(Path.cwd()), exported(arguments)
        if not arguments.notebooks:  # exercises of a notebook that is not written yet are no reason to stop
            what["notebooks"] = {
                name: exercises
                for name, exercises in what["notebooks"].items()
                if (root / "solutions" / f"{name}.py").is_file()
            }
        write(arguments.folder, root, **what)
    print(f"{arguments.folder} is a course of nbgrader. Next, in it: nbgrader generate_assignment ASSIGNMENT")
    return 0


def export_gradescope(arguments: argparse.Namespace) -> int:
    """Write the zip to upload under "Configure Autograder"."""
    from course_utils.exporting.gradescope import export_gradescope as write

    write(arguments.file, visibility=arguments.visibility, **exported(arguments))
    print(f"{arguments.file} holds the answers: for Gradescope's autograder, and for nobody else.")
    return 0


def export_markus(arguments: argparse.Namespace) -> int:
    """Write the files to upload under "Automated Testing", for the custom tester."""
    from course_utils.exporting.markus import export_markus as write

    write(arguments.folder, trusted=arguments.i_trust_these_submissions, python=arguments.python, **exported(arguments))
    print(f"{arguments.folder} holds the answers: for MarkUs's test files, and for nobody else.")
    return 0


def export_canvas(arguments: argparse.Namespace) -> int:
    """Merge the points of a gradebook into a roster that Canvas has exported; 1 if some could not be placed."""
    from course_utils.exporting.canvas import export_canvas as write

    merged = write(arguments.gradebook, arguments.roster, arguments.file, force=arguments.force)
    for text, names in [
        ("graded, but not in the roster", merged.unknown),
        ("handed in, but not graded", merged.ungraded),
        ("in the roster, but nothing was graded", merged.without),
    ]:
        for name in names:
            print(f"{text}: {''.join(c if c.isprintable() else '?' for c in name)}")
    print(f"{merged.written} grades written to {arguments.file}")
    return int(bool(merged.unknown or merged.ungraded))


def constraints(_: argparse.Namespace, __: list[str]) -> int:
    """Write constraints.txt anew: the newest versions of all packages that fit together."""
    from course_utils.building.constraints import ConstraintsError, write_constraints

    try:
        changed = write_constraints(find_root(Path.cwd()))
    except ConstraintsError as error:
        raise CourseError(error) from None
    print("\n".join([*changed, f"{len(changed)} lines of constraints.txt are new; next: python3 run.py test"]))
    return 0


def compress(arguments: argparse.Namespace, _: list[str]) -> int:
    """Compress a black and white picture of digits without loss, by bits back with the course's VAE (notebook 12).

    The VAE knows white digits on black in squares of 28 x 28 pixels; any other black and white picture comes back
    exactly, too, but its file is larger. What would come back as something else is refused: greys and colours (unless
    --threshold says which are white), transparent pixels, several pictures in one file. Shown beside the file's size is
    what gzip, bz2, lzma, PNG and WebP would need.
    The way back: course decompress FILE.bb DIGITS.png
    """
    from course_utils.models.digit_files import compress_picture
    from course_utils.showing.black_and_white import read_black_and_white, sizes_of_others

    require_new(arguments.file, arguments.force, arguments.picture)
    os.environ.update(ONE_BLAS_THREAD)
    try:
        white = read_black_and_white(arguments.picture, arguments.threshold)
        content = compress_picture(white)
    except ValueError as error:
        raise CourseError(error) from None
    arguments.file.write_bytes(content)
    sizes = sizes_of_others(white) | {arguments.picture.name: arguments.picture.stat().st_size}
    for name, size in [*sorted(sizes.items(), key=lambda item: -item[1]), (arguments.file.name, len(content))]:
        print(f"{size:10,} bytes  {8 * size / white.size:6.3f} bits a pixel  {name}")
    return 0


def decompress(arguments: argparse.Namespace, _: list[str]) -> int:
    """Write the picture of a file that `course compress` has made as a PNG, pixel for pixel what it was.

    A file that is damaged, cut off, or made with other networks or another version of the format is refused.
    """
    from course_utils.models.digit_files import DigitFileError, decompress_picture
    from course_utils.showing.black_and_white import png_bytes

    if arguments.picture.suffix.lower() != ".png":
        raise CourseError(f"{arguments.picture}: a PNG is written, so the name should end in .png")
    require_new(arguments.picture, arguments.force, arguments.file)
    if arguments.file.is_dir():
        raise CourseError(f"{arguments.file} is a folder. Expected is one file that `course compress` has written")
    os.environ.update(ONE_BLAS_THREAD)
    try:
        white = decompress_picture(arguments.file.read_bytes())
    except DigitFileError as error:
        raise CourseError(f"{arguments.file}: {error}") from None
    arguments.picture.write_bytes(png_bytes(white))
    print(f"{arguments.picture}: {white.shape[1]} x {white.shape[0]} pixels")
    return 0


def require_new(path: Path, force: bool, source: Path) -> None:
    """Raise CourseError where a file would be overwritten unasked, or cannot be written beside its source."""
    if path.is_dir():
        raise CourseError(f"{path} is a folder. Say the name of the file to write, as in {path / 'NAME'}")
    if not path.parent.is_dir():
        raise CourseError(f"there is no folder {path.parent} to write {path.name} into")
    if path.exists() and source.exists() and path.samefile(source):
        raise CourseError(f"{path} is the file to read, too: say another name for what is written")
    if path.exists() and not force:
        raise CourseError(f"{path} is there already; --force replaces it")


def threshold(text: str) -> int:
    """Parse a grey level from 1 to 255."""
    value = int(text)
    if not 1 <= value <= 255:
        raise argparse.ArgumentTypeError(f"{text} is no grey level from 1 to 255")
    return value


def progress(_: argparse.Namespace, __: list[str]) -> int:
    """Print the table of exercises: which are solved, and the points so far."""
    os.chdir(find_root(Path.cwd()) / "notebooks")  # where the notebooks' kernels run and keep the progress
    from course_utils.checking import progress as show

    show()
    return 0


def hand_in(_: argparse.Namespace, __: list[str]) -> int:
    """Write one archive of your notebooks and progress beside them, hand-in-001.zip or the next number."""
    os.chdir(find_root(Path.cwd()) / "notebooks")
    from course_utils.checking import hand_in as write

    write()
    return 0


def positive(text: str) -> int:
    """Parse a whole number of at least 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number of at least 1")
    return value


def parser() -> argparse.ArgumentParser:
    """Return the parser of the `course` command; each subcommand's function is its `run`."""
    top = argparse.ArgumentParser(
        prog="course",
        description="A course on generative models in notebooks. Without a command: lab.",
        allow_abbrev=False,
    )
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(run, text, name=None):
        sub = commands.add_parser(name or run.__name__, help=text, description=run.__doc__, allow_abbrev=False)
        sub.set_defaults(run=run)
        return sub

    def no_faces(sub: argparse.ArgumentParser) -> None:
        what = "for a public page: drawn faces for the ORL photographs (notebooks that show them are executed anew)"
        sub.add_argument("--no-faces", action="store_true", help=what)

    sub = command(lab, "open the notebooks in JupyterLab")
    sub.add_argument("--no-browser", action="store_true", help="start the server only")
    sub.add_argument("--port", type=positive, metavar="P", help="listen on this port and no other")
    command(run_tests, "run all tests; quick: those of a minute; other arguments are for one pytest run", name="test")
    sub = command(lint, "look for faults, habits, layout and types in the sources")
    sub.add_argument("--fix", action="store_true", help="mend what can be mended by a program")
    sub = command(build, "build the notebooks from solutions/*.py")
    sub.add_argument("notebooks", nargs="*", metavar="NN", help="only these, by number: 00 01 (default: all)")
    sub.add_argument(
        "--force",
        action="store_true",
        help="rebuild the unchanged, too, and worked-in student copies (keeping the old file)",
    )
    sub = command(book, "write the reading edition: HTML pages from the executed solutions")
    sub.add_argument("folder", type=Path, metavar="OUT", help="gets index.html and a page for each notebook")
    sub.add_argument("--solutions", action="store_true", help="with the exercises' solutions, folded")
    sub.add_argument("--copies", action="store_true", help="of your own copies in notebooks/, with what is in them")
    no_faces(sub)
    sub = command(slides, "write slides for the lecture hall: a set for each notebook")
    sub.add_argument("notebook", metavar="NN", help="a notebook, by number, or: all")
    sub.add_argument(
        "folder", nargs="?", type=Path, default=Path("slides"), metavar="OUT", help="where to (default: slides)"
    )
    sub.add_argument("--solutions", action="store_true", help="with a slide for each exercise's solution")
    no_faces(sub)
    command(lessons, "write the lesson plans of the instructor's guide anew")
    sub = command(site, "write the browser edition: the course in JupyterLite, as static files")
    sub.add_argument("folder", type=Path, metavar="OUT", help="gets index.html and all that it needs")
    sub.add_argument("--pyodide", type=Path, metavar="DIR", help="take Pyodide's files from this folder")
    sub.add_argument("--no-faces", action="store_true", help="for a public site: without the ORL faces")
    sub.add_argument("--serve", action="store_true", help="show it in a browser when it is written")
    sub.add_argument("--port", type=positive, metavar="P", help="with --serve: on this port and no other")
    sub = command(grade, "grade a folder of submissions")
    sub.add_argument("submissions", type=Path, metavar="SUBMISSIONS", help="folder of <student>/<notebook>.ipynb")
    sub.add_argument(
        "--out", type=Path, required=True, metavar="OUT", help="gets grades.csv, report.html, results/, feedback/"
    )
    sub.add_argument(
        "--seed",
        type=int,
        metavar="N",
        help="of the hidden inputs (default: that of an earlier run into OUT, else new)",
    )
    sub.add_argument("--workers", type=positive, metavar="N", help="submissions at a time (default: one for each core)")
    sub.add_argument(
        "--isolation",
        choices=("auto", "strict", "plain"),
        default="auto",
        help=(
            "strict: in a sandbox (Linux with bubblewrap); plain: with your rights; "
            "auto (default): strict where it can be had"
        ),
    )
    sub.add_argument(
        "--i-trust-these-submissions",
        action="store_true",
        help="allow plain isolation: you know all of this code, or this machine is a throw-away one",
    )
    sub.add_argument(
        "--partial",
        action="store_true",
        help=(
            "partial credit: answers that are right on ordinary inputs, but not on special ones, have a share of "
            "their points, 60 %% where the exercise states no other"
        ),
    )
    sub.add_argument(
        "--cluster", metavar="ADDRESS", help="let the workers of the Dask scheduler at tcp://HOST:PORT grade"
    )
    add_exports(command(export, "write the course or its grades for nbgrader, Gradescope, MarkUs or Canvas"))
    sub = command(compress, "compress a picture of digits without loss, with a VAE (notebook 12)")
    sub.add_argument("picture", type=Path, metavar="DIGITS.png", help="an image file, black and white alone")
    sub.add_argument("file", type=Path, metavar="FILE.bb", help="the file to write")
    sub.add_argument(
        "--threshold",
        type=threshold,
        metavar="T",
        help="of a grey picture, take what is at least T of 255 for white: what comes back is black and white",
    )
    sub.add_argument("--force", action="store_true", help="replace FILE.bb if it is there")
    sub = command(decompress, "write the picture that `course compress` has compressed")
    sub.add_argument("file", type=Path, metavar="FILE.bb", help="a file that `course compress` has written")
    sub.add_argument("picture", type=Path, metavar="DIGITS.png", help="the PNG to write")
    sub.add_argument("--force", action="store_true", help="replace DIGITS.png if it is there")
    command(constraints, "write constraints.txt anew, with the newest versions of all packages")
    command(progress, "show which exercises are solved")
    command(hand_in, "write one archive of notebooks and progress, to hand in", name="hand-in")
    return top


def add_exports(sub: argparse.ArgumentParser) -> None:
    """Add the exports to the parser of `course export`."""
    targets = sub.add_subparsers(dest="target", metavar="SYSTEM", required=True)

    def target(name, write, text):
        added = targets.add_parser(name, help=text, description=write.__doc__, allow_abbrev=False)
        added.set_defaults(export=write)
        added.add_argument("--force", action="store_true", help="replace files that are there already")
        if name != "canvas":
            added.add_argument(
                "--notebooks", nargs="+", default=[], metavar="NN", help="only these, by number: 00 01 (default: all)"
            )
            added.add_argument("--seed", type=int, metavar="N", help="of the hidden inputs (default: a new one)")
        return added

    added = target("nbgrader", export_nbgrader, "a course folder for nbgrader")
    added.add_argument("folder", type=Path, metavar="DIR", help="gets nbgrader_config.py and source/")
    added = target("gradescope", export_gradescope, "an autograder for Gradescope")
    added.add_argument("file", type=Path, metavar="FILE.zip", help="the zip to write")
    added.add_argument(
        "--visibility",
        choices=("visible", "after_due_date", "after_published", "hidden"),
        default="visible",
        help="when students see their tests (default: at once)",
    )
    added = target("markus", export_markus, "the files of MarkUs's custom tester")
    added.add_argument("folder", type=Path, metavar="DIR", help="gets course_tester.py and what it needs")
    added.add_argument(
        "--python",
        default="/usr/bin/env python3",
        metavar="PATH",
        help="on the test server, a Python with course_requirements.txt installed",
    )
    added.add_argument(
        "--i-trust-these-submissions",
        action="store_true",
        help="go on in plain isolation where the test server has no better one",
    )
    added = target("canvas", export_canvas, "grades in a roster for Canvas's import")
    added.add_argument("gradebook", type=Path, metavar="GRADES.csv", help="OUT/grades.csv of `course grade`")
    added.add_argument("roster", type=Path, metavar="ROSTER.csv", help="exported by Canvas's gradebook")
    added.add_argument("file", type=Path, metavar="FILE.csv", help="the roster with grades, to write")


def main(arguments: Sequence[str] | None = None) -> int | None:
    """Run the `course` command and return its exit status."""
    for stream in (sys.stdout, sys.stderr):  # a console without "✓" shows "?" and goes on
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    arguments = list(sys.argv[1:] if arguments is None else arguments) or ["lab"]
    if arguments[0] == "test" and arguments[1:2] not in (["-h"], ["--help"]):
        parsed, extra = argparse.Namespace(run=run_tests), arguments[1:]  # all options are pytest's
    else:
        top = parser()
        parsed, extra = top.parse_known_args(arguments)
        if extra and parsed.run is not lab:
            top.error(f"unrecognised arguments: {' '.join(extra)}")
    try:
        return parsed.run(parsed, extra)
    except (CourseError, OSError) as error:
        print(f"course: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("course: stopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
