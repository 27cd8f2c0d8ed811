"""What a student has solved, kept in one small file beside the notebooks."""

import contextlib
import json
import os
import tempfile
import time
from pathlib import Path

EMPTY = {"solved": {}, "hints": {}}


def progress_path() -> Path:
    """Where progress is kept: $COURSE_PROGRESS, or .course_progress.json in the notebook's folder."""
    return Path(os.environ.get("COURSE_PROGRESS") or Path.cwd() / ".course_progress.json")


def load_progress() -> dict:
    """{"solved": {exercise: points}, "hints": {exercise: how many were opened}}.

    A file that cannot be read is kept under another name, never overwritten.
    """
    path = progress_path()
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
        return {key: {str(k): int(v) for k, v in state[key].items()} for key in EMPTY}
    except FileNotFoundError:
        return {key: {} for key in EMPTY}
    except OSError as error:
        print(f"Your progress file {path} cannot be read ({error.strerror}); solved exercises are not shown.")
        return {key: {} for key in EMPTY}
    except (ValueError, KeyError, TypeError, AttributeError):
        kept = path.with_name(f"{path.name}.damaged-{int(time.time())}")
        try:
            os.replace(path, kept)
            print(f"Your progress file was damaged. It is kept as {kept.name}, and a new one begins.")
        except OSError as error:
            print(f"Your progress file {path} is damaged and cannot be moved ({error.strerror}).")
        return {key: {} for key in EMPTY}


def record(kind: str, exercise: str, value: int) -> None:
    """Notes that an exercise was solved (kind "solved", its points) or how many of its hints are open ("hints")."""
    state = load_progress()  # read anew: another notebook may have written since
    state[kind][exercise] = max(value, state[kind].get(exercise, 0))
    path, unfinished = progress_path(), None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
            unfinished = file.name
            json.dump(state, file, indent=1, sort_keys=True)
        os.replace(unfinished, path)
    except OSError as error:
        if unfinished:
            with contextlib.suppress(OSError):
                os.unlink(unfinished)
        print(f"Your progress could not be written to {path} ({error.strerror}); your answer itself is not affected.")
