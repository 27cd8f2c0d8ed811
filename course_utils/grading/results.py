"""Writing results: one JSON per submission, the gradebook as CSV. Every file is whole or not there, and its
owner's alone."""

import contextlib
import csv
import hashlib
import io
import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any

from course_utils.checking.judging import tidy

LONGEST = 240  # bytes of a name, to which ".json" is to be added; file systems take 255
COLUMNS = ("student", "notebook", "points", "max_points", "status", "adjusted", "seed", "isolation")


def write(path: Path, content: str) -> None:
    """Writes a text file atomically, for its owner alone: a reader, or a run after a crash, sees the old file or the
    new one. OSError where there is no room, or no right to write."""
    temporary = None
    try:
        make_folder(path.parent)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        with open(descriptor, "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), 0o600)  # whatever the umask
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        if temporary:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        if isinstance(error, OSError):
            raise OSError(
                f"{visible(str(path))} cannot be written ({error.strerror}). What is finished is kept: when there is "
                "room, or the right to write there, start the same command again and it goes on"
            ) from error
        raise


def make_folder(path: Path) -> None:
    """Makes a folder and those above it that are not there yet, for their owner alone."""
    if not path.is_dir():
        if path.parent != path:
            make_folder(path.parent)
        with contextlib.suppress(FileExistsError):  # another thread was faster; if it is a file, the next step fails
            path.mkdir(mode=0o700)
            path.chmod(0o700)  # a umask may have taken rights away


def close_to_others(out: Path) -> None:
    """Takes everybody else's rights to what earlier versions left open."""
    for path in (out / "results", out / "feedback", out / "seed.json"):
        with contextlib.suppress(OSError):
            path.chmod(0o600 if path.suffix else 0o700)


def update(path: Path, content: str) -> None:
    """Writes a file, where it does not hold this already."""
    try:
        if path.read_text(encoding="utf-8", errors="replace") == content:
            return
    except OSError:
        pass
    write(path, content)


def path_of(out: Path, kind: str, student: str, notebook: str, suffix: str) -> Path:
    """Where a submission's result or feedback is: OUT/<kind>/<student>/<notebook><suffix>.

    Folders that could be taken for such a file, and names too long for a file system, have names of their own.
    """
    *folders, name = notebook.split("/")
    if len(os.fsencode(notebook)) > 1000:
        folders, name = [], digested(notebook)
    else:
        name = bounded(name)
    folders = [
        digested(part) if part.lower().endswith((".json", ".html")) else bounded(part) for part in (student, *folders)
    ]
    return out.joinpath(kind, *folders, f"{name}{suffix}")


def bounded(name: str) -> str:
    """The name, or its digest where it is too long with a suffix behind it, or looks like a digest itself."""
    return digested(name) if len(os.fsencode(name)) > LONGEST or re.search("~[0-9a-f]{16}$", name) else name


def digested(name: str) -> str:
    """A name of bounded length that only this name has."""
    return f"{name[:40]}~{hashlib.sha256(os.fsencode(name)).hexdigest()[:16]}"


def write_result(out: Path, result: dict) -> None:
    """Writes OUT/results/<student>/<notebook>.json."""
    path = path_of(out, "results", result["student"], result["notebook"], ".json")
    write(path, json.dumps(result, indent=1) + "\n")


def earlier_result(out: Path, student: str, notebook: str, **wanted: Any) -> dict | None:
    """The result of an earlier run, where it has the same submission, definitions, seed and isolation.

    One that ended in an error of ours (no memory left for a child, say) is not taken over. ValueError where there is a
    file that holds no result: torn, cut off, or edited by hand.
    """
    try:
        text = path_of(out, "results", student, notebook, ".json").read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError("no UTF-8") from error
    except OSError:
        return None
    try:
        result = json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    asked = wanted | {"student": student, "notebook": notebook}
    if isinstance(result, dict) and (
        any(result.get(key, value) != value for key, value in asked.items())
        or bool(result.get("partial")) != bool(asked.get("partial"))
    ):
        return None  # of another submission or version, whatever its form
    if fault := fault_of(result):
        raise ValueError(fault)
    return None if result["status"].startswith("error") else result


FORM: dict[str, type] = {
    "student": str,
    "notebook": str,
    "status": str,
    "points": int,
    "max_points": int,
    "exercises": dict,
}
FORM |= {"submission": str, "definitions": str, "seed": int, "isolation": str}
ENTRY: dict[str, type] = {"exercise": str, "passed": bool, "points": int, "max_points": int, "advice": str, "kind": str}
ENTRY |= {"detail": str, "note": str, "facts": str, "notes": list, "said": list}


def fault_of(result: Any) -> str:
    """What is missing in a value that should be a result; "" for a result."""
    if not isinstance(result, dict):
        return "no result"
    entries = result.get("exercises")
    for value, form in [(result, FORM), *((e, ENTRY) for e in (entries.values() if isinstance(entries, dict) else ()))]:
        if not isinstance(value, dict):
            return "an exercise without entries"
        kinds = {**form, "points": float} if result.get("partial") and type(value.get("points")) is float else form
        wrong = [key for key, kind in kinds.items() if type(value.get(key)) is not kind]
        if wrong:
            return f"no {wrong[0]}"
    texts = [
        text for e in result["exercises"].values() for text in [*e["notes"], *e["said"], e.get("misconception") or ""]
    ]
    if not all(isinstance(text, str) for text in [*texts, result.get("course_notebook") or ""]):
        return "notes that are no text"
    if result["points"] != tidy(sum(e["points"] for e in result["exercises"].values())):
        return "points that are not the sum of the exercises'"
    return ""


def row_of(result: dict) -> dict:
    """A result as a row of the gradebook: points per exercise under the exercise's name."""
    row = result | {"adjusted": "; ".join(result["adjustments"])}
    return {key: row[key] for key in COLUMNS} | {name: e["points"] for name, e in result["exercises"].items()}


def write_gradebook(out: Path, rows: list[dict], exercises: list[str]) -> Path:
    """Writes OUT/grades.csv, a row per submission in order of student and notebook, and returns its path."""
    table = io.StringIO()
    writer = csv.DictWriter(table, [*COLUMNS, *exercises], restval="", lineterminator="\n")
    writer.writeheader()
    for row in sorted(rows, key=lambda row: (row["student"], row["notebook"])):
        writer.writerow({key: harmless(value) for key, value in row.items()})
    write(out / "grades.csv", table.getvalue())
    return out / "grades.csv"


def harmless(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula, and that shows what does not print ("\\r", "\\u202e")."""
    if not isinstance(value, str):
        return value
    formula = value and not (value[0].isalnum() or value[0] == "_")
    return "'" * bool(formula) + visible(value)


def visible(text: str) -> str:
    """The text with what does not print, or turns what follows around, as "\\x1b", "\\u202e"."""
    if text.isprintable():  # as nearly all is
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
