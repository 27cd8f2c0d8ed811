"""Canvas: the points of a gradebook, merged into the roster that Canvas exports, ready for its import.

Canvas reads a CSV whose header begins with Student, ID (or LastName, FirstName, ID), then SIS columns, Section and one
column for each assignment, "Title (id)"; a row "Points Possible" says what each is worth. It knows a student by ID,
else by SIS User ID, else by SIS Login ID; an assignment by its id, else by its title, and makes one that it does not
know. An empty cell changes nothing.
"""

import csv
import io
import re
from pathlib import Path
from typing import NamedTuple

from course_utils.checking.notebook_files import recognise
from course_utils.exercises import all_exercises
from course_utils.exporting import ExportError
from course_utils.exporting.files import write_files

IDENTIFYING = ("ID", "SIS User ID", "SIS Login ID", "Integration ID")
NAMES = ("Student", "LastName", "FirstName")
KEYS = (*IDENTIFYING, "Email", "E-mail")  # what a submission's folder may be called by
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
CALLS = re.compile(r"""[^\w.@+\- ]""")  # without one of these, what follows = + - @ can call nothing
NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)*%?")


class Table(NamedTuple):
    """A CSV file as it stands: cells, and how it was written."""

    path: Path
    header: list[str]
    rows: list[list[str]]
    delimiter: str = ","
    bom: bool = False


class Merged(NamedTuple):
    """A roster with grades, and what must be known about them."""

    table: Table
    written: int
    unknown: list[str]  # graded, but not on the roster
    without: list[str]  # on the roster, but nothing was graded
    ungraded: list[str]  # handed in something that could not be graded, or several files for one notebook


def export_canvas(gradebook: Path, roster: Path, file: Path, force: bool = False) -> Merged:
    """Writes the roster with the gradebook's points, a column for each notebook, and returns what there is to tell."""
    merged = merge(read_table(gradebook), read_table(roster))
    write_files({file: text_of(merged.table)}, force)
    return merged


def read_table(path: Path) -> Table:
    """A CSV file with a header; ExportError that says what is wrong with it."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ExportError(f"{path} cannot be read ({error.strerror})") from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ExportError(f"{path} is not UTF-8 text; save it as CSV in UTF-8") from None
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise ExportError(f"{path} is no CSV ({error})") from None
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    if not rows:
        raise ExportError(f"{path} is empty")
    header, *rows = rows
    for number, row in enumerate(rows, 2):
        if len(row) > len(header):
            raise ExportError(f"{path}: row {number} has {len(row)} cells, but the header has {len(header)}")
    names = [name.strip() for name in header if name.strip()]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ExportError(f"{path}: two columns are called {twice[0]!r}")
    return Table(
        path,
        header,
        [row + [""] * (len(header) - len(row)) for row in rows],
        delimiter,
        raw.startswith(b"\xef\xbb\xbf"),
    )


def merge(gradebook: Table, roster: Table) -> Merged:
    """The roster with grades. Its own columns, their order and its rows stay."""
    grades, most, ungraded = read_grades(gradebook)
    first = next((i for i, row in enumerate(roster.rows) if not about_assignments(row)), len(roster.rows))
    column = {name.strip(): i for i, name in enumerate(roster.header)}
    if not ("Student" in column or "LastName" in column) or "ID" not in column:
        raise ExportError(
            f"{roster.path} is no gradebook of Canvas: its columns begin with Student, ID, ..., Section "
            f"(here: {', '.join(roster.header[:4])})"
        )
    students = roster.rows[first:]
    late = [row for row in students if about_assignments(row)]
    if late:
        raise ExportError(f"{roster.path}: a row 'Points Possible' stands among the students; Canvas has it above them")
    found, unknown = match(
        sorted({student for student, _ in grades} | {s for s, _, _ in ungraded}), students, column, roster.path
    )
    header, rows = list(roster.header), [safe_row(row, roster, column) for row in roster.rows]
    where = {notebook: assignment_column(notebook, header, rows[:first], most[notebook], roster) for notebook in most}
    if not any(is_points(row) for row in roster.rows[:first]) and any(i == len(header) for i in where.values()):
        rows.insert(0, ["    Points Possible", *[""] * (len(header) - 1)])
        first += 1
    places: dict[str, int] = {}
    for notebook, place in where.items():
        if place is None:
            place = len(header)
            header.append(notebook)
            for row in rows:
                row.append(number(most[notebook], roster) if is_points(row) else "")
        places[notebook] = place
    written = 0
    for (student, notebook), points in grades.items():
        if student in found:
            rows[first + found[student]][places[notebook]] = number(points, roster)
            written += 1
    without = [label(row, column) for i, row in enumerate(students) if i not in found.values()]
    told = [f"{student}: {notebook}: {status}" for student, notebook, status in ungraded]
    return Merged(roster._replace(header=header, rows=rows), written, unknown, without, told)


def read_grades(gradebook: Table) -> tuple[dict, dict, list]:
    """Points by (student, notebook), what each notebook is worth, and (student, file, status) of rows without a grade.

    Where a student has several graded files for one notebook, none of them counts: nobody else has to wait until that
    is settled.
    """
    column = {name.strip(): i for i, name in enumerate(gradebook.header)}
    missing = [name for name in ("student", "notebook", "points", "max_points", "status") if name not in column]
    if missing:
        raise ExportError(f"{gradebook.path} is no gradebook of `course grade`: it has no column {missing[0]!r}")
    exercises = {name: exercise.notebook for name, exercise in all_exercises().items() if name in column}
    known = list(dict.fromkeys(exercise.notebook for exercise in all_exercises().values()))
    grades: dict[tuple[str, str], float] = {}
    most: dict[str, float] = {}
    ungraded: list[tuple[str, str, str]] = []
    files: dict[tuple[str, str], list[str]] = {}
    for line, row in enumerate(gradebook.rows, 2):
        student, file, points, worth, status = (
            row[column[name]] for name in ("student", "notebook", "points", "max_points", "status")
        )
        student = student[1:] if student.startswith("'") else student  # put there against formulas
        file = file[1:] if file.startswith("'") else file
        # A file may have any name: its exercises say which notebook it is, as they have points there.
        graded_as = {notebook for name, notebook in exercises.items() if row[column[name]].strip()}
        notebook = graded_as.pop() if len(graded_as) == 1 else recognise(file.rpartition("/")[2], "", known) or file
        if not student:
            raise ExportError(f"{gradebook.path}: row {line}: {file} belongs to nobody: it lay in no student's folder")
        if not status.startswith(("graded", "timeout")):
            ungraded.append((student, file, status))
            continue
        try:
            grades[student, notebook], value = float(points), float(worth)
        except ValueError:
            raise ExportError(f"{gradebook.path}: row {line}: points are {points!r} of {worth!r}") from None
        if most.setdefault(notebook, value) != value:
            raise ExportError(
                f"{gradebook.path}: {notebook} is worth {most[notebook]:g} points in one row and "
                f"{value:g} in row {line}: grade all with the same exercises"
            )
        files.setdefault((student, notebook), []).append(file)
    for (student, notebook), several in files.items():
        if len(several) > 1:
            del grades[student, notebook]
            ungraded.append((student, notebook, f"{len(several)} graded files, {' and '.join(several[:5])}: keep one"))
    return grades, most, ungraded


def match(
    wanted: list[str], students: list[list[str]], column: dict[str, int], path: Path
) -> tuple[dict[str, int], list[str]]:
    """Each student's row, and those that have none; ExportError where it could be two rows, or two students one."""
    rows: dict[str, dict[int, str]] = {}
    for i, row in enumerate(students):
        for name in KEYS:
            if name in column and row[column[name]].strip():
                rows.setdefault(row[column[name]].strip().casefold(), {}).setdefault(i, name)
    found: dict[str, int] = {}
    unknown: list[str] = []
    taken: dict[int, str] = {}
    for student in wanted:
        hits = rows.get(student.strip().casefold(), {})
        if len(hits) > 1:
            which = " and ".join(f"{label(students[i], column)} ({name})" for i, name in list(hits.items())[:3])
            raise ExportError(f"{path}: {student!r} could be {which}")
        if not hits:
            unknown.append(student)
            continue
        i = next(iter(hits))
        if i in taken:
            raise ExportError(
                f"{path}: {taken[i]!r} and {student!r} are one student, {label(students[i], column)}: "
                "put their submissions into one folder and grade again"
            )
        found[student], taken[i] = i, student
    return found, unknown


def assignment_column(
    notebook: str, header: list[str], above: list[list[str]], most: float, roster: Table
) -> int | None:
    """The roster's column of a notebook, "01_..." or "01_... (4711)"; None where it has none yet."""
    wanted = re.compile(rf"{re.escape(notebook)}(\s*\(\d+\))?")
    columns = [i for i, name in enumerate(header) if wanted.fullmatch(name.strip())]
    if len(columns) > 1:
        raise ExportError(f"{roster.path}: {' and '.join(header[i] for i in columns)} could both be {notebook}")
    if not columns:
        return None
    for row in above:
        worth = row[columns[0]].strip() if is_points(row) else ""
        if NUMBER.fullmatch(worth) and value_of(worth) != most:
            raise ExportError(
                f"{roster.path}: {header[columns[0]]} is worth {worth} points in Canvas, but {most:g} in "
                f"the gradebook; set it to {most:g} there and export the roster again"
            )
    return columns[0]


def about_assignments(row: list[str]) -> bool:
    """Whether a row is Canvas's own: what assignments are worth, or which of them are posted by hand."""
    return is_points(row) or all(
        cell.strip().lower() in ("", "muted") or cell.strip().lower().startswith("manual posting") for cell in row
    )


def is_points(row: list[str]) -> bool:
    """Whether a row says what assignments are worth."""
    return "Points Possible" in row[0]


def label(row: list[str], column: dict[str, int]) -> str:
    """A student as the roster calls them."""
    name = " ".join(row[column[part]].strip() for part in NAMES if part in column)
    return f"{name} [{row[column['ID']].strip()}]"


def safe_row(row: list[str], roster: Table, column: dict[str, int]) -> list[str]:
    """A row whose names no spreadsheet takes for formulas. What Canvas identifies by must stay as it is, so a formula
    there is an error."""
    if about_assignments(row):
        return list(row)
    identifying = {column[name] for name in IDENTIFYING if name in column}
    for i in identifying:
        if row[i].startswith(FORMULA) and (row[i][0] not in "+-@=" or CALLS.search(row[i])):
            raise ExportError(
                f"{roster.path}: {roster.header[i].strip()} of {label(row, column)} is {row[i]!r}, which "
                "a spreadsheet would run as a formula; change it in Canvas, or take the row out"
            )
    return [
        (
            cell
            if i in identifying
            or not cell.lstrip(" ").startswith(FORMULA)
            or NUMBER.fullmatch(cell.strip())
            or cell.strip() == "-"
            else f"'{cell}"
        )
        for i, cell in enumerate(row)
    ]


def value_of(text: str) -> float:
    """A number as Canvas writes it: 10, 10.00, 1,234.50 or 10,00."""
    *whole, last = re.split(r"[.,]", text.rstrip("%"))
    return float("".join(whole) + "." + last) if whole else float(last)


def number(value: float, roster: Table) -> str:
    """Points as Canvas writes them in this roster: with a comma where semicolons part its cells."""
    text = f"{value:g}" if value == round(value, 2) else f"{value:.2f}"
    return text.replace(".", ",") if roster.delimiter == ";" else text


def text_of(table: Table) -> str:
    """The table as CSV."""
    content = io.StringIO()
    writer = csv.writer(content, delimiter=table.delimiter, lineterminator="\n")
    writer.writerows([table.header, *table.rows])
    return ("\ufeff" if table.bom else "") + content.getvalue()
