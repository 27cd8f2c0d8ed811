"""`course compress` and `course decompress`: a picture to a file and back, and what is said when that cannot be."""

import re
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from course_utils.cli import main
from course_utils.data import load_mnist
from course_utils.models.digit_files import untiled
from course_utils.showing.black_and_white import png_bytes, read_black_and_white


@pytest.fixture
def picture(tmp_path):
    white = untiled(load_mnist().x_test[:30] > 0.5, 5 * 28, 6 * 28)
    (tmp_path / "digits.png").write_bytes(png_bytes(white))
    return tmp_path / "digits.png"


@pytest.mark.whole
def test_there_and_back_is_the_same_picture(tmp_path, picture, capsys):
    file, again = tmp_path / "digits.bb", tmp_path / "again.png"
    assert main(["compress", str(picture), str(file)]) == 0
    table = capsys.readouterr().out
    for name in ("gzip", "bz2", "lzma", "PNG", "digits.png", "digits.bb"):
        assert name in table
    sizes = {line.split("  ")[-1].strip(): int(line.split()[0].replace(",", "")) for line in table.splitlines()}
    assert sizes["digits.bb"] == file.stat().st_size < 0.8 * min(sizes[n] for n in ("gzip", "bz2", "lzma", "PNG"))
    assert main(["decompress", str(file), str(again)]) == 0
    np.testing.assert_array_equal(np.asarray(Image.open(again)), np.asarray(Image.open(picture)))


def refusal(arguments, capsys):
    assert main([str(argument) for argument in arguments]) == 2
    said = capsys.readouterr().err
    assert said.startswith("course: ") and said.count("\n") == 1
    return said


@pytest.mark.whole
def test_nothing_is_overwritten_unasked(tmp_path, picture, capsys):
    file = tmp_path / "digits.bb"
    file.write_text("precious")
    assert "--force replaces it" in refusal(["compress", picture, file], capsys)
    assert file.read_text() == "precious"
    assert main(["compress", str(picture), str(file), "--force"]) == 0
    assert "--force replaces it" in refusal(["decompress", file, picture], capsys)


@pytest.mark.whole
def test_a_damaged_file_is_refused_and_leaves_nothing(tmp_path, picture, capsys):
    file = tmp_path / "digits.bb"
    main(["compress", str(picture), str(file)])
    content = bytearray(file.read_bytes())
    content[50] ^= 4
    file.write_bytes(content)
    capsys.readouterr()
    assert "damaged" in refusal(["decompress", file, tmp_path / "out.png"], capsys)
    assert not (tmp_path / "out.png").exists()
    assert "does not begin with BBVA" in refusal(["decompress", picture, tmp_path / "out.png"], capsys)


def test_greys_are_asked_about(tmp_path, capsys):
    grey = tmp_path / "grey.png"
    Image.fromarray((255 * load_mnist().x_test[0].reshape(28, 28)).astype(np.uint8)).save(grey)
    assert "pixels are grey" in refusal(["compress", grey, tmp_path / "a.bb"], capsys)
    assert main(["compress", str(grey), str(tmp_path / "a.bb"), "--threshold", "128"]) == 0
    assert main(["decompress", str(tmp_path / "a.bb"), str(tmp_path / "b.png")]) == 0
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "b.png")), np.asarray(Image.open(grey)) >= 128)


def test_missing_files_are_one_line(tmp_path, capsys):
    assert "No such file" in refusal(["compress", tmp_path / "none.png", tmp_path / "a.bb"], capsys)
    assert "No such file" in refusal(["decompress", tmp_path / "none.bb", tmp_path / "a.png"], capsys)


@pytest.mark.parametrize("threshold", ["0", "256", "grey"])
def test_thresholds_are_grey_levels(tmp_path, picture, threshold, capsys):
    with pytest.raises(SystemExit):
        main(["compress", str(picture), str(tmp_path / "a.bb"), "--threshold", threshold])


def opaque(grey):
    return np.dstack([grey, grey, grey, np.full_like(grey, 255)])


SQUARE = np.pad(np.full((10, 10), 255, np.uint8), 9)
PICTURES = {  # each would come back as another picture, were it not refused
    "a colour that is nearly white": (np.dstack([SQUARE, SQUARE, np.minimum(SQUARE, 254)]), "pixels are grey or col"),
    "a colour that is nearly black": (np.dstack([SQUARE, SQUARE, np.maximum(SQUARE, 1)]), "pixels are grey or col"),
    "a 16-bit grey that 8 bits cut off": (SQUARE.astype(np.uint16) * 200, "pixels are grey"),
    "black on transparent": (np.dstack([0 * SQUARE, 0 * SQUARE, 0 * SQUARE, SQUARE]), "684 transparent pixels"),
    "floats": (SQUARE.astype(np.float32), "32 bits a pixel"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_what_could_not_come_back_is_refused(name, tmp_path, capsys):
    pixels, text = PICTURES[name]
    path = tmp_path / ("a.tif" if pixels.dtype == np.float32 else "a.png")
    Image.fromarray(pixels).save(path)
    assert re.search(text, refusal(["compress", path, tmp_path / "a.bb"], capsys))
    assert not (tmp_path / "a.bb").exists()


@pytest.mark.parametrize("pixels", [opaque(SQUARE), SQUARE.astype(np.uint16) * 257], ids=["opaque", "16 bits"])
def test_other_forms_of_black_and_white_are_read(pixels, tmp_path):
    Image.fromarray(pixels).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_black_and_white(tmp_path / "a.png"), SQUARE > 0)


def test_a_threshold_is_a_share_of_16_bits_too(tmp_path):
    Image.fromarray(np.array([[0, 127 * 257, 128 * 257, 65535]], np.uint16)).save(tmp_path / "a.png")
    assert read_black_and_white(tmp_path / "a.png", 128).tolist() == [[False, False, True, True]]


def test_folders_and_files_that_are_no_picture_are_named(tmp_path, picture, capsys):
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.png").touch()
    (tmp_path / "half.png").write_bytes(picture.read_bytes()[:60])
    frame = Image.fromarray(SQUARE)
    frame.save(tmp_path / "two.gif", save_all=True, append_images=[Image.fromarray(255 - SQUARE)])
    for source, text in {
        "folder": "folder is a folder. Expected is one image file",
        "empty.png": "empty.png is empty",
        "half.png": "half.png is damaged",
        "two.gif": "two.gif has 2 pictures in it",
    }.items():
        assert text in refusal(["compress", tmp_path / source, tmp_path / "a.bb"], capsys)
    (tmp_path / "empty.bb").touch()
    assert "the file is empty" in refusal(["decompress", tmp_path / "empty.bb", tmp_path / "a.png"], capsys)
    assert "is a folder. Exp" in refusal(["decompress", tmp_path / "folder", tmp_path / "a.png"], capsys)


@pytest.mark.parametrize("side", [8000, 20_000])  # the second is too much for Pillow, too
def test_pictures_too_large_are_refused_before_they_are_read(side, tmp_path, capsys):
    chunk = struct.pack(">4sIIBBBBB", b"IHDR", side, side, 1, 0, 0, 0, 0)
    ends = [chunk, b"IDAT" + zlib.compress(b""), b"IEND"]
    parts = [struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in ends]
    (tmp_path / "large.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    assert "large.png is too large: at most 50," in refusal(["compress", tmp_path / "large.png", "a.bb"], capsys)


def test_where_nothing_can_be_written_is_said_before_any_work(tmp_path, picture, capsys):
    assert "is a folder" in refusal(["compress", picture, tmp_path, "--force"], capsys)
    assert "there is no folder" in refusal(["compress", picture, tmp_path / "none" / "a.bb"], capsys)
    assert "another name" in refusal(["compress", picture, picture, "--force"], capsys)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "should end in .png" in refusal(["decompress", tmp_path / "a.bb", tmp_path / "a.jpg"], capsys)
