"""Zip archives that are the same bytes for the same files, whenever and wherever they are written."""

import io
import zipfile
from collections.abc import Callable, Mapping

LONG_AGO = (1980, 1, 1, 0, 0, 0)  # as far back as a zip archive's clock goes
UNIX, PRIVATE = 3, 0o100600  # who says what the rights mean; an ordinary file for its owner alone


def zipped(
    files: Mapping[str, str | bytes],
    rights: Callable[[str | bytes], int] = lambda content: PRIVATE,
    when: tuple[int, int, int, int, int, int] = LONG_AGO,
    level: int | None = None,
) -> bytes:
    """A zip archive of {name: content}, in their order. `rights`: a file's kind and rights, from its content; `level`:
    of the compression, 9 for the smallest."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, when)
            entry.create_system, entry.external_attr = UNIX, rights(content) << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED, level)
    return made.getvalue()
