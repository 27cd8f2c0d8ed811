"""Black and white pictures: read from image files, written as PNG, and how small other programs make them."""

import bz2
import gzip
import io
import lzma
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError, features

WEBP = {
    "format": "WEBP",
    "lossless": True,
    "quality": 100,
    "method": 4,
}  # methods 5 and 6 take 30 times as long for the same size


def read_black_and_white(path: str | Path, threshold: int | None = None) -> np.ndarray:
    """The pixels (H, W) of an image file, True for white. ValueError where there are other greys or colours.

    With a threshold, from 1 to 255, every grey of at least this value counts as white.
    """
    try:
        with Image.open(path) as image:
            grey = np.asarray(image.convert("RGBA").convert("L") if image.mode == "P" else image.convert("L"))
    except UnidentifiedImageError:
        raise ValueError(f"{path} is no image that can be read") from None
    if threshold is not None:
        return grey >= threshold
    others = np.count_nonzero((grey > 0) & (grey < 255))
    if others:
        raise ValueError(
            f"{path} is not black and white alone: {others} of its {grey.size} pixels are grey. "
            "Say from which grey on a pixel is white: --threshold 128"
        )
    return grey > 0


def png_bytes(white: np.ndarray) -> bytes:
    """The picture (H, W) as a PNG of one bit a pixel."""
    return _saved(white, format="PNG", optimize=True)


def _saved(white, **options):
    file = io.BytesIO()
    image = Image.fromarray(np.asarray(white, np.uint8) * np.uint8(255))
    (image if options["format"] == "WEBP" else image.convert("1")).save(file, **options)
    return file.getvalue()


def sizes_of_others(white: np.ndarray) -> dict[str, int]:
    """How many bytes other programs need for a picture (H, W), each at its best settings or nearly so.

    gzip, bz2 and lzma have the pixels as bits, and as bytes, and the smaller result counts.
    """
    white = np.asarray(white, bool)
    forms = [np.packbits(white).tobytes(), np.asarray(white, np.uint8).tobytes()]
    sizes = {"eight pixels a byte": len(forms[0])}
    for name, compress in (
        ("gzip", lambda form: gzip.compress(form, 9, mtime=0)),
        ("bz2", lambda form: bz2.compress(form, 9)),
        ("lzma", lambda form: lzma.compress(form, preset=9 | lzma.PRESET_EXTREME if len(form) < 1 << 20 else 6)),
    ):
        sizes[name] = min(len(compress(form)) for form in forms)
    sizes["PNG"] = len(png_bytes(white))
    if features.check("webp"):
        sizes["WebP"] = len(_saved(white, **WEBP))
    if features.check("libtiff"):
        sizes["TIFF, fax group 4"] = len(_saved(white, format="TIFF", compression="group4"))
    return sizes
