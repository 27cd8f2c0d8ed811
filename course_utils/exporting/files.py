"""What all exports write: which notebooks, the copy of the library that grades, and files that replace none unasked."""

import json
import os
import re
import tempfile
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

import course_utils
from course_utils.checking import zips
from course_utils.exercises import Exercise, all_exercises
from course_utils.exporting import ExportError
from course_utils.grading.results import make_folder

SOURCE = Path(course_utils.__file__).parent
DISTRIBUTION = "generative-models-course"
OF_GRADING = re.compile(r"(?:^|\s*and )extra == ['\"]grading['\"]$")
SETTINGS = "settings.json"


def chosen(only: Sequence[str] = ()) -> dict[str, dict[str, Exercise]]:
    """The exercises by notebook; `only` names some ("01", "01_pca_...")."""
    notebooks: dict[str, dict[str, Exercise]] = {}
    for name, exercise in all_exercises().items():
        notebooks.setdefault(exercise.notebook, {})[name] = exercise
    for wanted in only:
        if not any(name.startswith(wanted) for name in notebooks):
            raise ExportError(f"no notebook with exercises is called {wanted!r}; there are {', '.join(notebooks)}")
    return {
        name: exercises
        for name, exercises in notebooks.items()
        if not only or any(name.startswith(wanted) for wanted in only)
    }


def settings_json(notebooks: dict[str, dict[str, Exercise]], seed: int, **other: Any) -> str:
    """What the grading end of an export must know, as text."""
    points = {name: {e.name: e.points for e in exercises.values()} for name, exercises in notebooks.items()}
    return json.dumps({"seed": seed, "notebooks": points, **other}, indent=1) + "\n"


def library() -> dict[str, bytes]:
    """The package as files below course_utils/, grader and answers included: for the grader's side only."""
    return {
        f"course_utils/{file.relative_to(SOURCE).as_posix()}": file.read_bytes()
        for file in sorted(SOURCE.rglob("*"))
        if file.is_file()
        and not {"__pycache__", "building"} & {*file.parts}
        and not file.name.startswith(".")
        and file.name not in ("build_packs.py", "cli.py")
    }


def requirements() -> str:
    """What grading imports, at the versions of this environment: the same grades there as here."""
    try:
        named = requires(DISTRIBUTION) or []
    except PackageNotFoundError:
        raise ExportError(
            "the course is not installed here, so its requirements are not known; run: pip install -e ."
        ) from None
    lines = []
    for requirement in named:
        name = re.sub(r"[^\w.-].*", "", requirement)
        marker = OF_GRADING.sub("", requirement.partition(";")[2].strip())
        if "extra" in marker:  # of another one
            continue
        try:
            lines.append(f"{name}=={version(name)}" + (f" ; {marker}" if marker else ""))
        except PackageNotFoundError:
            lines.append(requirement)
    return "\n".join(lines) + "\n"


def zipped(files: dict[str, str | bytes]) -> bytes:
    """A zip archive that everybody may read; scripts may be executed, and the same files give the same bytes."""
    return zips.zipped(files, lambda text: 0o100755 if text[:2] in ("#!", b"#!") else 0o100644, (2020, 1, 1, 0, 0, 0))


def write_files(files: dict[Path, str | bytes], force: bool) -> None:
    """Writes all files, each in one step; ExportError before the first where one is there and `force` is not given."""
    there = [path for path in files if os.path.lexists(path)]
    if there and not force:
        more = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise ExportError(f"{there[0]}{more} would be overwritten; take another place, or add --force")
    folders = [path for path in there if path.is_dir()]
    if folders:
        raise ExportError(f"{folders[0]} is a folder, where a file is to be written")
    for path, content in files.items():
        _write(path, content.encode() if isinstance(content, str) else content)


def _write(path: Path, content: bytes) -> None:
    try:
        make_folder(path.parent)
    except NotADirectoryError:
        raise ExportError(f"{path.parent} is a file, where a folder is to be") from None
    if not path.parent.is_dir():
        raise ExportError(f"{path.parent} is a file, where a folder is to be")
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
        os.chmod(temporary, 0o700 if content.startswith(b"#!") else 0o600)  # answers, a seed or grades are in it
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
