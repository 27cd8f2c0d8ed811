"""`course compress` and `course decompress`: a picture to a file and back, and what is said when that cannot be."""

import numpy as np
import pytest
from PIL import Image

from course_utils.cli import main
from course_utils.data import load_mnist
from course_utils.models.digit_files import untiled
from course_utils.showing.black_and_white import png_bytes


@pytest.fixture
def picture(tmp_path):
    white = untiled(load_mnist().x_test[:30] > 0.5, 5 * 28, 6 * 28)
    (tmp_path / "digits.png").write_bytes(png_bytes(white))
    return tmp_path / "digits.png"


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


def test_nothing_is_overwritten_unasked(tmp_path, picture, capsys):
    file = tmp_path / "digits.bb"
    file.write_text("precious")
    assert "--force replaces it" in refusal(["compress", picture, file], capsys)
    assert file.read_text() == "precious"
    assert main(["compress", str(picture), str(file), "--force"]) == 0
    assert "--force replaces it" in refusal(["decompress", file, picture], capsys)


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
