"""Trainings that the course has done before: where Python is slow, in a browser, their weights can be had at once.

A training is known when all that decides where it ends is what it was: the numbers of its parameters and of its steps,
its step sizes, and the losses of its first steps, which are taken in earnest. Another start, network, loss, noise or
other data show in these losses; so a training that a student has changed is done, however long it takes, and weights
are taken for a student's own function only where it would have come to them. On a machine of one's own, nothing of
this happens.

The runs lie in models/trained/known_runs, one pack a notebook, and known_runs.json beside it says what they are;
`building.run_recorder` writes both. The browser edition has the packs beside the library, and fetches one when it is
asked for.
"""

import io
import json
import sys
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from course_utils.networks.arrays import Array

LOOKED = 10  # steps that are taken before a run is looked for
CLOSE = 1e-3  # relative difference of losses that another machine's rounding makes in as many steps, at most
FEW = 120_000  # weights
PATIENCE = 10.0  # seconds: a training that would take less is done; a cell may have several
FOLDER = Path(__file__).parents[1] / "models" / "trained"
HOW_TO_TRAIN = "from course_utils.networks import known_runs; known_runs.train_anyway()"

_anyway = sys.platform != "emscripten"
_spared = 0.0  # seconds that trainings would have taken which were not done again


class Run(NamedTuple):
    """How a training ended: what was added to its parameters (P,), all in all, and its last loss."""

    change: Array
    loss: float


def train_anyway(yes: bool = True) -> None:
    """From now on every training is done, step by step, however long it takes; with False, one that the course has done
    before is not, where it would take more than PATIENCE."""
    global _anyway
    _anyway = yes


def processor_time() -> float:
    """Seconds of processor time of this process so far, with those that trainings would have taken here which were not
    done again, as their first steps let expect: for differences, of what a training costs."""
    return time.process_time() + _spared


def some_sizes(rate: Callable[[int], Any], steps: int) -> list[float]:
    """The step sizes at the first step, after each quarter of them, and at the last."""
    return [float(rate(t)) for t in (1, 1 + steps // 4, 1 + steps // 2, 1 + 3 * steps // 4, steps)]


@cache
def described() -> list[dict[str, Any]]:
    """What the runs are: {"name", "parameters", "steps", "step sizes", "first losses", "last loss"} of each."""
    return json.loads((FOLDER / "known_runs.json").read_text(encoding="utf-8"))


def packed(start: Array, end: Array, lengths: Sequence[int]) -> tuple[Array, Array]:
    """The change from start to end (P,) as whole numbers, (P,), and their unit in each array of the network, whose
    sizes are `lengths`. Of many weights these are a sixth of the array's standard deviation, or as 127 units need.

    Compressed, that is less than five bits a weight; of a VAE with 670,000 weights it costs 0.2 of 106 nats. FEW
    weights cost nothing, and may be meant to be exact: they get 16 bits.
    """
    change = np.split(end - start, np.cumsum(lengths)[:-1])
    most, kind = (2**15 - 1, np.int16) if len(start) < FEW else (127, np.int8)
    finest = (0.0 if len(start) < FEW else part.std() / 6 for part in change)
    units = np.array([max(unit, np.abs(part).max() / most) or 1.0 for unit, part in zip(finest, change)], np.float32)
    return np.rint(np.concatenate([part / unit for part, unit in zip(change, units)])).astype(kind), units


def pack_of(name: str) -> Path:
    """Where the pack lies that has the run of this name: that of its notebook."""
    return FOLDER / "known_runs" / f"{name[:2]}.npz"


def fetched(path: Path) -> bytes:
    """The pack's bytes, in a browser from the site's folder static/runs; OSError where they cannot be had."""
    if path.exists():
        return path.read_bytes()
    import js
    import pyodide_js
    from pyodide.ffi import JsException

    request = js.XMLHttpRequest.new()
    request.open("GET", f"{pyodide_js._api.config.indexURL}../runs/{path.name}", False)  # the kernel's thread may wait
    request.responseType = "arraybuffer"
    try:
        request.send()
    except JsException as error:
        raise OSError(f"{path.name} cannot be fetched") from error
    if request.status != 200:
        raise OSError(f"{path.name} cannot be fetched: the server says {request.status}")
    return request.response.to_bytes()


def load(description: dict[str, Any], lengths: Sequence[int]) -> Run:
    """The run that is described so; `lengths` are the sizes of the network's arrays."""
    with np.load(io.BytesIO(fetched(pack_of(description["name"]))), allow_pickle=False) as pack:
        steps, units = (pack[f"{description['name']}.{part}"] for part in ("change", "units"))
    return Run(steps * np.repeat(units, lengths), description["last loss"])


def told(seconds: float) -> str:
    """A time in words, with so many digits as a guess has."""
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{max(seconds, PATIENCE):.0f} s"


class Watch:
    """Looks on at a training's first steps, and knows whether the course has done it before."""

    def __init__(self, start: Array, lengths: Sequence[int], steps: int, rate: Callable[[int], Any], label: str):
        """A training from the parameters `start` (P,), arrays of sizes `lengths` one after another, of so many steps
        with these step sizes; `label` is what its progress bar says."""
        self.start, self.lengths, self.steps, self.rate, self.label = start.copy(), lengths, steps, rate, label
        self.losses: list[float] = []
        self.times: list[float] = []
        self.said = ""

    def seen(self, loss: float) -> Run | None:
        """Notes the loss of the next step. After LOOKED of them, the run where it is known and would take too long."""
        self.losses.append(loss)
        self.times.append(time.monotonic())
        if len(self.losses) != LOOKED:
            return None
        step = float(np.diff(self.times).min())  # the quickest: in others, somebody may look on
        description = self.known() if step * self.steps > PATIENCE else None
        if description is None:
            return None
        try:
            run = load(description, self.lengths)
        except OSError as error:
            self.said = f"{self.label} was done in full; the course has its weights, but {error}."
            return None
        global _spared
        _spared += step * (self.steps - LOOKED)
        self.said = (
            f"{self.label}: {self.steps:,} steps would take some {told(step * self.steps)} here. The first "
            f"{LOOKED} have the losses of a training that the course has done, so the weights that came of it are "
            f"taken. To train all the same, run this cell again after\n    {HOW_TO_TRAIN}"
        )
        return run

    def known(self) -> dict[str, Any] | None:
        """What the run is that this one is, judged by its first losses; None where it is none of them."""
        sizes = None
        for run in described():
            if (run["parameters"], run["steps"]) == (len(self.start), self.steps):
                sizes = sizes or some_sizes(self.rate, self.steps)
                alike = np.allclose(run["step sizes"], sizes, rtol=1e-6, atol=1e-12)
                if alike and np.allclose(run["first losses"], self.losses, rtol=CLOSE, atol=0):
                    return run
        return None


def watch(start: Array, lengths: Sequence[int], steps: int, rate: Callable[[int], Any], label: str) -> Watch | None:
    """A `Watch` where known trainings need not be done again: in a browser, unless `train_anyway` was called."""
    return None if _anyway else Watch(start, lengths, steps, rate, label)
