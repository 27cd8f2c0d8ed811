"""Black and white pictures: read exactly or refused, and the sizes of other programs are sizes of what can be read."""

import io

import numpy as np
import pytest
from PIL import Image

from course_utils.showing import black_and_white
from course_utils.showing.black_and_white import png_bytes, read_black_and_white, sizes_of_others

WHITE = np.random.default_rng(0).random((30, 41)) < 0.2


def saved(tmp_path, image, name="picture.png"):
    image.save(tmp_path / name)
    return tmp_path / name


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "RGBA", "P"])
def test_black_and_white_pictures_are_read_exactly(tmp_path, mode):
    path = saved(tmp_path, Image.fromarray(WHITE.astype(np.uint8) * np.uint8(255)).convert(mode))
    np.testing.assert_array_equal(read_black_and_white(path), WHITE)


def test_the_png_that_is_written_is_read_again(tmp_path):
    (tmp_path / "a.png").write_bytes(png_bytes(WHITE))
    np.testing.assert_array_equal(read_black_and_white(tmp_path / "a.png"), WHITE)
    assert Image.open(tmp_path / "a.png").mode == "1"


def test_greys_need_a_threshold(tmp_path):
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    path = saved(tmp_path, Image.fromarray(grey))
    with pytest.raises(ValueError, match="254 of its 256 pixels are grey.*--threshold"):
        read_black_and_white(path)
    np.testing.assert_array_equal(read_black_and_white(path, 100), grey >= 100)


def test_what_is_no_image_is_refused(tmp_path):
    (tmp_path / "a.png").write_text("no image")
    with pytest.raises(ValueError, match="no image that can be read"):
        read_black_and_white(tmp_path / "a.png")


def test_sizes_are_those_of_files_that_hold_the_picture():
    sizes = sizes_of_others(WHITE)
    assert sizes["eight pixels a byte"] == -(-WHITE.size // 8)
    assert {"gzip", "bz2", "lzma", "PNG"} <= sizes.keys() and min(sizes.values()) > 50
    webp = black_and_white._saved(WHITE, **black_and_white.WEBP)
    pixels = np.asarray(Image.open(io.BytesIO(webp)).convert("L"))
    np.testing.assert_array_equal(pixels > 127, WHITE)
    assert sizes["WebP"] == len(webp) and set(np.unique(pixels)) <= {0, 255}


def test_without_lzma_as_in_a_browser_the_others_are_as_they_were(monkeypatch):
    sizes = sizes_of_others(WHITE)
    monkeypatch.setattr(black_and_white, "lzma", None)
    assert sizes_of_others(WHITE) == {name: size for name, size in sizes.items() if name != "lzma"}
