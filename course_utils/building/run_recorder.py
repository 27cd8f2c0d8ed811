"""Records the long trainings of notebooks, so that a browser need not do them again (`networks.known_runs`).

    nice python -m course_utils.building.run_recorder 07 08 09 12

runs the solutions and the student copies of these notebooks, and writes what their trainings of more than LONG
seconds came to into models/trained/known_runs/NN.npz and known_runs.json, in place of what stood there of the same
notebooks; what both copies train alike stands there once. (They differ where the library's function takes the place of
an answer.) To be done again when a notebook's trainings change: until then, browsers do them in full.
"""

import argparse
import inspect
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
from nbclient import NotebookClient

from course_utils.building.build import find_built
from course_utils.networks import known_runs, optim
from course_utils.networks.flat import flatten, leaves, unflatten

ON_THE_WAY = {"GAN"}  # trainings that, with a callback, are shown at steps which a recorded run does not have
LONG = 1.0  # second of processor time; in a browser it is ten to twenty times as much
ROOT = Path(__file__).parents[2]
FIRST_CELL = "from pathlib import Path\nfrom course_utils.building import run_recorder\nrun_recorder.record({!r}, {!r})"


def recording(adam: Callable, keep: Callable[[Mapping[str, Any]], Any]) -> Any:
    """A function that does what `adam` does, and afterwards gives `keep` what there is to know of the training.

    Where `keep` says that it has kept it, the weights are those that the pack will give: a later training that begins
    with them has the losses that it will have in a browser.
    """

    def recorded(*args, **options):
        given = inspect.signature(adam).bind(*args, **options)
        given.apply_defaults()
        asked, losses = given.arguments, []
        callback, start = asked["callback"], flatten(asked["params"])

        def note(t, params, loss):
            losses.append(loss)
            if callback:
                callback(t, params, loss)

        asked["callback"] = note
        begun = time.process_time()
        params = adam(*given.args, **given.kwargs)
        seconds, rate, steps = time.process_time() - begun, asked["step_size"], asked["steps"]
        run = {
            "label": asked["label"],
            "watched": callback is not None,
            "seconds": seconds,
            "steps": steps,
            "step sizes": known_runs.some_sizes(rate if callable(rate) else lambda t: rate, steps),
            "losses": losses,
            "start": start,
            "end": flatten(params),
            "lengths": [np.size(leaf) for leaf in leaves(params)],
        }
        if not keep(run):
            return params
        change, units = known_runs.packed(start, run["end"], run["lengths"])
        return unflatten(start + change * np.repeat(units, run["lengths"]), params)

    return recorded


def record(folder: str, notebook: str, long: float = LONG) -> None:
    """From now on, keep what there is to know of every training of this process that takes long, in a folder.

    Those of the children in which answers are checked are not kept.
    """
    found, process = 0, os.getpid()

    def keep(run):
        nonlocal found
        whole = len(run["losses"]) == run["steps"] > known_runs.LOOKED
        needed = run["watched"] and run["label"] in ON_THE_WAY
        if os.getpid() != process or run["seconds"] < long or not whole or needed:
            return False
        found += 1
        np.savez(Path(folder) / f"{notebook}-{found:02}.npz", **run)
        return True

    optim.adam = recording(optim.adam, keep)


def run_notebook(path: Path, folder: Path) -> None:
    """Run the notebook at `path`, so that `folder` holds a file of each of its long trainings afterwards."""
    notebook = nbformat.read(path, as_version=4)
    name = f"{path.stem[:2]}-{path.parent.name}"
    notebook.cells.insert(0, nbformat.v4.new_code_cell(FIRST_CELL.format(str(folder), name)))
    NotebookClient(notebook, timeout=None, resources={"metadata": {"path": str(folder)}}).execute()


def trainings(folder: Path) -> Iterator[tuple[dict[str, Any], dict[str, np.ndarray]]]:
    """(description, arrays) of each training that was kept in a folder, as the pack has them."""
    for kept in sorted(folder.glob("*-*.npz"), reverse=True):  # solutions before notebooks
        with np.load(kept, allow_pickle=False) as run:
            change, units = known_runs.packed(run["start"], run["end"], run["lengths"])
            description = {
                "name": kept.stem,
                "label": str(run["label"]),
                "parameters": len(change),
                "steps": int(run["steps"]),
                "step sizes": run["step sizes"].tolist(),
                "first losses": run["losses"][: known_runs.LOOKED].tolist(),
                "last loss": float(run["losses"][-1]),
                "seconds": round(float(run["seconds"]), 1),
            }
        yield description, {f"{kept.stem}.change": change, f"{kept.stem}.units": units}


def same(run: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two descriptions are of the same training, by what a browser would look at."""
    alike = (run[key] == other[key] for key in ("parameters", "steps", "step sizes"))
    return all(alike) and np.allclose(run["first losses"], other["first losses"], rtol=known_runs.CLOSE / 10, atol=0)


def put_into_pack(numbers: Sequence[str], folder: Path) -> None:
    """Write the trainings that were kept in a folder into the pack, in place of all of these notebooks."""
    listed = known_runs.FOLDER / "known_runs.json"
    known = known_runs.described() if listed.exists() else []
    descriptions = [run for run in known if run["name"][:2] not in numbers]
    arrays: dict[str, dict[str, Any]] = {number: {} for number in numbers}
    for description, found in trainings(folder):
        if any(same(description, other) for other in descriptions):
            continue
        descriptions.append(description)
        arrays[description["name"][:2]] |= found
        print(*(description[key] for key in ("name", "label", "parameters", "steps", "seconds")), flush=True)
    descriptions.sort(key=lambda run: run["name"])
    listed.write_text(json.dumps(descriptions, indent=1) + "\n", encoding="utf-8")
    for number, found in arrays.items():
        path = known_runs.pack_of(number)
        path.parent.mkdir(exist_ok=True)
        np.savez_compressed(path, **dict(sorted(found.items()))) if found else path.unlink(missing_ok=True)


def main() -> None:
    """Run notebooks, and write the pack."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebooks", nargs="+", metavar="NN")
    paths = find_built(ROOT, parser.parse_args().notebooks)
    with tempfile.TemporaryDirectory() as folder:
        for path in paths:
            run_notebook(path, Path(folder))
            run_notebook(ROOT / "notebooks" / path.name, Path(folder))
        put_into_pack([path.stem[:2] for path in paths], Path(folder))


if __name__ == "__main__":
    main()
