"""Writing results: one JSON per submission, the gradebook as CSV. Every file is whole or not there."""

import contextlib
import csv
import hashlib
import io
import json
import os
import tempfile
from pathlib import Path

COLUMNS = ("student", "notebook", "points", "max_points", "status", "adjusted", "seed", "isolation")


def write(path: Path, content: str) -> None:
    """Writes a text file atomically: a reader, or a run after a crash, sees the old file or the new one. OSError where
    there is no room, or no right to write."""
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        with open(descriptor, "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException as error:
        if temporary:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        if isinstance(error, OSError):
            raise OSError(
                f"{path} cannot be written ({error.strerror}). What is finished is kept: when there is room, or "
                "the right to write there, start the same command again and it goes on"
            ) from error
        raise


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

    Folders that could be taken for such a file, and paths too long for a file system, have names of their own.
    """
    *folders, name = notebook.split("/")
    if len(os.fsencode(notebook)) > 1000:
        folders, name = [], digested(notebook)
    folders = [digested(part) if part.lower().endswith((".json", ".html")) else part for part in (student, *folders)]
    return out.joinpath(kind, *folders, f"{name}{suffix}")


def digested(name: str) -> str:
    """A name of bounded length that only this name has."""
    return f"{name[:40]}~{hashlib.sha256(os.fsencode(name)).hexdigest()[:16]}"


def write_result(out: Path, result: dict) -> None:
    """Writes OUT/results/<student>/<notebook>.json."""
    path = path_of(out, "results", result["student"], result["notebook"], ".json")
    write(path, json.dumps(result, indent=1) + "\n")


def earlier_result(out: Path, student: str, notebook: str, **wanted) -> dict | None:
    """The result of an earlier run, where it has the same submission, definitions, seed and isolation.

    One that ended in an error of ours (no memory left for a child, say) is not taken over.
    """
    try:
        result = json.loads(path_of(out, "results", student, notebook, ".json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    asked = wanted | {"student": student, "notebook": notebook}
    same = isinstance(result, dict) and all(result.get(key) == value for key, value in asked.items())
    return result if same and not str(result.get("status")).startswith("error") else None


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


def harmless(value):
    """A cell that no spreadsheet takes for a formula, and that shows what does not print ("\\r", "\\u202e")."""
    if not isinstance(value, str):
        return value
    formula = value and not (value[0].isalnum() or value[0] == "_")
    return "'" * bool(formula) + "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in value)
