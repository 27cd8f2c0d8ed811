"""What a student has solved, kept in one small file beside the notebooks."""

import contextlib
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

EMPTY: dict[str, dict[str, int]] = {"solved": {}, "hints": {}}
PREDICTIONS = "predictions"


def progress_path() -> Path:
    """Where progress is kept: $COURSE_PROGRESS, or .course_progress.json in the notebook's folder."""
    return Path(os.environ.get("COURSE_PROGRESS") or Path.cwd() / ".course_progress.json")


def load_progress() -> dict:
    """{"solved": {exercise: points}, "hints": {exercise: how many were opened}, "predictions": {key: prediction}}.

    A file that cannot be read is kept under another name, never overwritten.
    """
    path = progress_path()
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
        kept = {key: {str(k): int(v) for k, v in state[key].items()} for key in EMPTY}
        return kept | {PREDICTIONS: _predictions(state.get(PREDICTIONS, {}))}  # files of older courses have none
    except FileNotFoundError:
        return _nothing()
    except OSError as error:
        print(f"Your progress file {path} cannot be read ({error.strerror}); solved exercises are not shown.")
        return _nothing()
    except (ValueError, KeyError, TypeError, AttributeError):
        kept = path.with_name(f"{path.name}.damaged-{int(time.time())}")
        try:
            os.replace(path, kept)
            print(f"Your progress file was damaged. It is kept as {kept.name}, and a new one begins.")
        except OSError as error:
            print(f"Your progress file {path} is damaged and cannot be moved ({error.strerror}).")
        return _nothing()


def _nothing() -> dict:
    return {key: {} for key in (*EMPTY, PREDICTIONS)}


def _predictions(state) -> dict:
    """Predictions as they were noted: a text, a list of texts, or a number; ValueError for anything else."""
    for value in state.values():
        texts = value if isinstance(value, list) else [value]
        if not isinstance(value, int | float) and not all(isinstance(text, str) for text in texts):
            raise ValueError("a prediction is a text, a list of texts, or a number")
    return {str(key): float(value) if isinstance(value, int) else value for key, value in state.items()}


def load_predictions() -> dict:
    """{key: what was predicted}: a choice, a list of texts in an order, or a number."""
    return load_progress()[PREDICTIONS]


def record_prediction(key: str, prediction: Any) -> None:
    """Notes a prediction. The first one stays: what is said after the result has been seen is none."""
    state = load_progress()
    if key not in state[PREDICTIONS]:
        state[PREDICTIONS][key] = prediction
        _write(state)


def record(kind: str, exercise: str, value: int) -> None:
    """Notes that an exercise was solved (kind "solved", its points) or how many of its hints are open ("hints")."""
    state = load_progress()  # read anew: another notebook may have written since
    state[kind][exercise] = max(value, state[kind].get(exercise, 0))
    _write(state)


def _write(state) -> None:
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
