"""Files of digits: back exactly, as long as the ELBO says, the same on other machines, and refused when damaged."""

import os
import subprocess
import sys
import zlib

import numpy as np
import pytest

from course_utils.data import load_mnist
from course_utils.models import coder, digit_files, vae_coder
from course_utils.models.digit_files import DigitFileError, compress_picture, decompress_picture
from course_utils.models.long_training import load_vae_digits
from course_utils.models.vae import binarise, vae_elbo


@pytest.fixture(scope="module")
def digits():
    return binarise(load_mnist().x_test, np.random.default_rng(0))


@pytest.fixture(scope="module")
def content(digits):
    return compress_picture(digit_files.untiled(digits[:40], 5 * 28, 8 * 28))


@pytest.mark.slow
def test_digits_come_back_at_the_price_of_the_elbo(digits):
    encoder, decoder, _ = load_vae_digits()
    message, bits = vae_coder.encode_digits(digit_files.shipped().coder, digits[:600])
    back = vae_coder.decode_digits(message, digit_files.shipped().coder, 600)
    np.testing.assert_array_equal(back, digits[:600])
    eps = np.random.default_rng(1).standard_normal((20, 600, 20), dtype=np.float32)
    ideal = -vae_elbo(encoder, decoder, digits[:600], eps).mean() / np.log(2)
    assert bits / 600 == pytest.approx(ideal, rel=0.01)
    assert 32 * len(coder.words_of(message)) < 1.05 * bits


@pytest.mark.whole
@pytest.mark.parametrize("count", [1, 2, 7, 9, 33, 100])
def test_any_number_of_digits(digits, count):
    message, _ = vae_coder.encode_digits(digit_files.shipped().coder, digits[-count:])
    np.testing.assert_array_equal(vae_coder.decode_digits(message, digit_files.shipped().coder, count), digits[-count:])


def test_batches_add_up_and_never_borrow_more_than_half_of_what_is_there():
    for count in (1, 5, 64, 1000):
        for lanes in (1, 8, 32):
            sizes = list(vae_coder.batches(count, lanes))
            assert sum(sizes) == count and max(sizes) <= lanes
            assert all(n <= max(1, sum(sizes[:i]) // 2) for i, n in enumerate(sizes))


@pytest.mark.parametrize("shape", [(28, 28), (1, 1), (31, 57), (56, 27)])
@pytest.mark.parametrize("share", [0.0, 0.2, 0.9, 1.0])
def test_any_black_and_white_picture_comes_back(shape, share):
    white = np.random.default_rng(3).random(shape) < share
    np.testing.assert_array_equal(decompress_picture(compress_picture(white)), white)


@pytest.mark.whole
def test_a_picture_and_its_negative_cost_about_the_same(digits, content):
    white = digit_files.untiled(digits[:40], 5 * 28, 8 * 28)
    assert abs(len(compress_picture(1 - white)) - len(content)) < 20


def test_tiles_and_back():
    picture = np.random.default_rng(4).integers(0, 2, (60, 90))
    x = digit_files.tiles(picture)
    assert x.shape == (3 * 4, 784)
    np.testing.assert_array_equal(x[1].reshape(28, 28), picture[:28, 28:56])
    np.testing.assert_array_equal(digit_files.untiled(x, 60, 90), picture)


@pytest.mark.parametrize("picture", [np.full((3, 3), 0.5), np.zeros(4), np.zeros((0, 3)), np.full((2, 2), 255)])
def test_what_is_not_black_and_white_is_refused(picture):
    with pytest.raises(ValueError, match="0 and 1 alone"):
        compress_picture(picture)


def test_every_flipped_bit_and_every_cut_is_noticed(content):
    for at in range(len(content)):
        damaged = bytearray(content)
        damaged[at] ^= 1 << at % 8
        with pytest.raises(DigitFileError):
            decompress_picture(bytes(damaged))
    for end in range(len(content)):
        with pytest.raises(DigitFileError):
            decompress_picture(content[:end])


def resealed(content, change):
    """The file with its body changed, under a checksum that fits."""
    body = bytearray(content[:-4])
    change(body)
    return bytes(body) + digit_files.CHECKSUM.pack(zlib.crc32(body))


def set_byte(at, value):
    def change(body):
        body[at] = value

    return change


@pytest.mark.parametrize(
    "change, says",
    [
        (set_byte(4, 2), "has version 2 of the format, and this program reads version 1"),
        (set_byte(14, 0x55), "made with other networks"),
        (set_byte(5, 7), "makes no sense"),
        (set_byte(60, 0x55), "cannot be decoded|is not what was coded"),
        (set_byte(22, 0x55), "what was decoded is not what was coded"),
        (lambda body: body.__delitem__(slice(-4, None)), "cannot be decoded|is not what was coded"),
        (set_byte(6, 0xFF), "cannot be decoded|is not what was coded"),
    ],
    ids=["version", "weights", "header", "word", "pixels", "cut", "height"],
)
def test_a_file_that_only_pretends_to_be_whole_is_refused(content, change, says):
    with pytest.raises(DigitFileError, match=says):
        decompress_picture(resealed(content, change))


def test_other_weights_are_noticed(content, monkeypatch):
    coder_of, digest = digit_files.shipped()
    (W, b), *rest = coder_of.decoder
    other = W.copy()
    other[0, 0] += 2.0**-10
    changed = digit_files.Shipped(coder_of._replace(decoder=[(other, b), *rest]), digest)
    monkeypatch.setattr(digit_files, "shipped", lambda: changed)
    with pytest.raises(DigitFileError, match="cannot be decoded|is not what was coded"):
        decompress_picture(content)


ELSEWHERE = """
import sys
import numpy as np
from course_utils.models.digit_files import decompress_picture
from course_utils.models.exact import exact_mlp
sys.stdout.buffer.write(np.packbits(decompress_picture(sys.stdin.buffer.read())).tobytes())
"""
# What another machine does otherwise: threads among which a product is split, kernels of other processors' widths, and
# the versions that numpy chooses of its own functions.
MACHINES = {
    "one thread": {"OPENBLAS_NUM_THREADS": "1"},
    "two threads": {"OPENBLAS_NUM_THREADS": "2"},
    "an old processor": {"OPENBLAS_NUM_THREADS": "1", "OPENBLAS_CORETYPE": "Nehalem"},
    "another kernel": {"OPENBLAS_NUM_THREADS": "1", "OPENBLAS_CORETYPE": "Sandybridge"},
    "numpy without wide registers": {
        "OPENBLAS_NUM_THREADS": "1",
        "NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR",
    },
}


@pytest.mark.slow
@pytest.mark.parametrize("machine", MACHINES)
def test_what_one_machine_writes_another_reads(digits, machine):
    white = digit_files.untiled(digits[:400], 20 * 28, 20 * 28)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ELSEWHERE],
        input=compress_picture(white),
        capture_output=True,
        env={**os.environ, **MACHINES[machine]},
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout == np.packbits(white > 0).tobytes()
