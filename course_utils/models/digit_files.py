"""Files of black and white digits, compressed by bits back with the VAE that comes with the course.

A file holds a header, the message's words, and a checksum. All numbers are little-endian:

    bytes      what
    4          "BBVA"
    1, 1       the format's version; 1 if the picture is stored inverted, else 0
    4, 4       the picture's height and width in pixels
    8          the beginning of the SHA-256 of the networks' weights
    4          the CRC-32 of the picture's pixels, packed to bits
    4 each     the words of the message (`models.vae_coder`)
    4          the CRC-32 of all that stands before it
"""

import functools
import hashlib
import struct
import zlib
from typing import NamedTuple

import numpy as np

from course_utils.models.coder import message_of, words_of
from course_utils.models.long_training import load_vae_digits
from course_utils.models.vae_coder import DigitCoder, decode_digits, digit_coder, encode_digits, lanes_for
from course_utils.networks.arrays import Array

MAGIC, VERSION, SIDE, MOST_PIXELS = b"BBVA", 1, 28, 50_000_000
HEADER = struct.Struct("<4sBBII8sI")
CHECKSUM = struct.Struct("<I")


class DigitFileError(ValueError):
    """Bytes that are no such file, or a damaged one, or one of other networks; the text says which."""


class Shipped(NamedTuple):
    """The coder of the VAE that comes with the course, and the digest of its weights."""

    coder: DigitCoder
    digest: bytes


@functools.cache
def shipped() -> Shipped:
    """The VAE of `long_training`, exact, with the first 8 bytes of the SHA-256 of its weights."""
    coder = digit_coder(*load_vae_digits()[:2])
    arrays = [array for network in (coder.encoder, coder.decoder) for layer in network for array in layer]
    return Shipped(coder, hashlib.sha256(b"".join(a.astype("<f8").tobytes() for a in arrays)).digest()[:8])


def tiles(picture: Array) -> Array:
    """A picture (H, W) cut into squares of 28 x 28, row by row -> (N, 784); black is added at the right and below."""
    rows, columns = (-(-size // SIDE) for size in picture.shape)
    padded = np.zeros((rows * SIDE, columns * SIDE))
    padded[: picture.shape[0], : picture.shape[1]] = picture
    return padded.reshape(rows, SIDE, columns, SIDE).swapaxes(1, 2).reshape(-1, SIDE * SIDE)


def untiled(x: Array, height: int, width: int) -> Array:
    """The picture (height, width) that `tiles` has cut into x (N, 784)."""
    rows, columns = -(-height // SIDE), -(-width // SIDE)
    return x.reshape(rows, columns, SIDE, SIDE).swapaxes(1, 2).reshape(rows * SIDE, -1)[:height, :width]


def compress_picture(picture: Array) -> bytes:
    """The file of a picture (H, W) of 0 and 1, or of False and True, white digits on black in squares of 28 x 28.

    Any other black and white picture comes back as exactly, but at a price. One that is mostly white is inverted first.
    """
    picture = np.asarray(picture)
    if picture.ndim != 2 or not 0 < picture.size <= MOST_PIXELS:
        raise ValueError(
            f"expected a picture (H, W) of 0 and 1 alone, of at most {MOST_PIXELS:,} pixels, but {picture.shape} came"
        )
    if not np.isin(picture, (0, 1)).all():
        raise ValueError("expected a picture of 0 and 1 alone, but there are other numbers in it")
    white = picture.astype(bool)
    inverted = bool(white.mean() > 0.5)
    coder, digest = shipped()
    message, _ = encode_digits(coder, tiles(white ^ inverted))
    header = HEADER.pack(MAGIC, VERSION, inverted, *white.shape, digest, pixel_checksum(white))
    body = header + words_of(message).astype("<u4").tobytes()
    return body + CHECKSUM.pack(zlib.crc32(body))


def decompress_picture(content: bytes) -> Array:
    """The picture (H, W) of True and False in a file of `compress_picture`; DigitFileError where it is damaged."""
    if not content:
        raise DigitFileError("the file is empty")
    if content[: len(MAGIC)] != MAGIC:
        raise DigitFileError("this is no file of compressed digits: it does not begin with BBVA")
    if len(content) < HEADER.size + CHECKSUM.size:
        raise DigitFileError(f"the file is cut off: {len(content)} bytes are less than its header")
    _, version, inverted, height, width, digest, checksum = HEADER.unpack(content[: HEADER.size])
    if version != VERSION:
        raise DigitFileError(f"the file has version {version} of the format, and this program reads version {VERSION}")
    body, (found,) = content[: -CHECKSUM.size], CHECKSUM.unpack(content[-CHECKSUM.size :])
    if zlib.crc32(body) != found:
        raise DigitFileError("the file is damaged: its checksum does not fit its content")
    coder, own = shipped()
    if digest != own:
        raise DigitFileError(
            f"the file was made with other networks (weights {digest.hex()}) than this program has ({own.hex()})"
        )
    words = body[HEADER.size :]
    if inverted > 1 or not 0 < height * width <= MOST_PIXELS or len(words) % 4:
        raise DigitFileError("the file's header makes no sense, though its checksum fits")
    count = -(-height // SIDE) * -(-width // SIDE)
    try:
        message = message_of(np.frombuffer(words, "<u4"), lanes_for(count))
        white = untiled(decode_digits(message, coder, count) > 0.5, height, width) ^ bool(inverted)
    except ValueError as error:
        raise DigitFileError(f"the file cannot be decoded: {error}") from error
    if pixel_checksum(white) != checksum:
        raise DigitFileError("what was decoded is not what was coded: this machine computes other numbers")
    return white


def pixel_checksum(white: Array) -> int:
    """The CRC-32 of the pixels, packed eight to a byte, row by row."""
    return zlib.crc32(np.packbits(white).tobytes())
