"""Black and white pictures: read from image files, written as PNG, and how small other programs make them."""

import bz2
import gzip
import io
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError, features

from course_utils.models.digit_files import MOST_PIXELS

try:
    import lzma
except ImportError:  # Python in a browser comes without it
    lzma = None

WEBP = {
    "format": "WEBP",
    "lossless": True,
    "quality": 100,
    "method": 4,
}  # methods 5 and 6 take 30 times as long for the same size


def read_black_and_white(path: str | Path, threshold: int | None = None) -> np.ndarray:
    """The pixels (H, W) of an image file, True for white.

    With a threshold, from 1 to 255, every grey of at least this value counts as white, and of a colour its grey.
    ValueError where something would be lost without a word: other greys or colours, transparent pixels, a second
    picture in the file; and where the file is a folder, empty, damaged, too large, or no image.
    """
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"{path} is a folder. Expected is one image file; many digits go side by side on one sheet")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit is below Pillow's
            with Image.open(path) as image:
                _check_frame(path, image)
                grey, pure = _greys(path, image)
    except UnidentifiedImageError:
        empty = path.stat().st_size == 0
        raise ValueError(f"{path} is empty" if empty else f"{path} is no image that can be read") from None
    except Image.DecompressionBombError:
        raise ValueError(_too_large(path)) from None
    except (OSError, SyntaxError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # missing, or not ours to read
            raise
        raise ValueError(f"{path} is damaged: {error}") from None
    if threshold is not None:
        return grey >= threshold
    others = np.count_nonzero(~pure)
    if others:
        raise ValueError(
            f"{path} is not black and white alone: {others} of its {grey.size} pixels are grey or coloured. "
            "Say from which grey on a pixel is white: --threshold 128"
        )
    return grey > 0


def _too_large(path):
    return f"{path} is too large: at most {MOST_PIXELS:,} pixels can be read"


def _check_frame(path, image):
    """Raise ValueError for a picture that is too large, one of several, or partly transparent."""
    if image.width * image.height > MOST_PIXELS:
        raise ValueError(_too_large(path))
    frames = getattr(image, "n_frames", 1)
    if frames > 1:
        raise ValueError(f"{path} has {frames} pictures in it. Expected is one")
    if image.has_transparency_data:
        clear = np.count_nonzero(np.asarray(image.convert("RGBA"))[..., 3] < 255)
        if clear:
            raise ValueError(
                f"{path} has {clear} transparent pixels, and black and white is all that can be kept. "
                "Fill its background first"
            )


def _greys(path, image):
    """(greys from 0 to 255, True where a pixel is black or white and nothing else), both (H, W)."""
    if image.mode.startswith("I;16"):  # Pillow's own way to 8 bits cuts off instead of scaling
        grey = np.asarray(image) / 257
        return grey, (grey == 0) | (grey == 255)
    if image.mode in ("I", "F"):
        raise ValueError(f"{path} has 32 bits a pixel. Expected are 1, 8 or 16")
    grey = np.asarray(image.convert("L"))
    colours = grey[..., None] if image.mode in ("1", "L") else np.asarray(image.convert("RGB"))
    return grey, (colours == 0).all(axis=-1) | (colours == 255).all(axis=-1)


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

    gzip, bz2 and lzma have the pixels as bits, and as bytes, and the smaller result counts. What is long enough for
    their best settings to take a second has faster ones. A program that this Python comes without is left out.
    """
    white = np.asarray(white, bool)
    forms = [np.packbits(white).tobytes(), np.asarray(white, np.uint8).tobytes()]
    long = 1 << 20
    sizes = {"eight pixels a byte": len(forms[0])}
    programs: dict[str, Callable[[bytes], bytes]] = {
        "gzip": lambda form: gzip.compress(form, 9 if len(form) < long else 6, mtime=0),
        "bz2": lambda form: bz2.compress(form, 9),
    }
    if lzma:
        by_lzma, best = lzma.compress, 9 | lzma.PRESET_EXTREME
        programs["lzma"] = lambda form: by_lzma(form, preset=best if len(form) < long else 2)
    for name, compress in programs.items():
        sizes[name] = min(len(compress(form)) for form in forms)
    sizes["PNG"] = len(png_bytes(white))
    if features.check("webp"):
        sizes["WebP"] = len(_saved(white, **WEBP))
    if features.check("libtiff"):
        sizes["TIFF, fax group 4"] = len(_saved(white, format="TIFF", compression="group4"))
    return sizes
