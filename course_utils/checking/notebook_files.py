"""What a notebook's file says: its code cells, and which notebook of the course it is. Files of strangers, too: only
JSON and strings are handled here."""

import re
from typing import Any

MAX_BYTES, MAX_CELLS, MAX_SOURCE = 32 << 20, 5_000, 2_000_000  # what is larger is not graded


def code_cells(notebook: Any) -> tuple[list[str], str]:
    """Sources of the code cells of a notebook's JSON, and its name in the metadata; ValueError where it is none."""
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        old = isinstance(notebook, dict) and "worksheets" in notebook
        raise ValueError("a notebook of format 3; open it in JupyterLab and save it" if old else "not a notebook")
    sources = []
    for cell in notebook["cells"]:
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            source = cell.get("source", "")
            if isinstance(source, list) and all(isinstance(line, str) for line in source):
                source = "".join(source)
            if not isinstance(source, str):
                raise ValueError("a cell whose source is no text")
            sources.append(source)
    if len(sources) > MAX_CELLS or sum(map(len, sources)) > MAX_SOURCE:
        raise ValueError(f"more than {MAX_CELLS} code cells or {MAX_SOURCE} characters of code")
    metadata = notebook.get("metadata")
    course = metadata.get("course") if isinstance(metadata, dict) else None
    name = course.get("notebook") if isinstance(course, dict) else None
    return sources, name if isinstance(name, str) else ""


def recognise(stem: str, metadata: str, known: list[str]) -> str | None:
    """The course notebook that a file is: by its name, also with a prefix or suffix, else by its metadata."""
    for name in sorted(known, key=len, reverse=True):
        if re.search(rf"(?<![0-9A-Za-z]){re.escape(name)}(?![0-9A-Za-z])", stem, re.IGNORECASE):
            return name
    return metadata if metadata in known else None
