"""Public pages: no photograph of the ORL faces, nor anything that is made of them."""

import base64
import io
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
from matplotlib.image import imread
from nbformat.v4 import new_code_cell, new_notebook, new_output
from weekly import WEEKLY

from course_utils import cli
from course_utils.building import build
from course_utils.building.book import build_book
from course_utils.building.build import BuildError, executed, shows_faces
from course_utils.building.slides import build_slides
from course_utils.data import DRAWN
from course_utils.data.orl import orl_installed

ROOT = Path(__file__).resolve().parents[2]
SOLUTIONS = sorted((ROOT / "solutions").glob("*.ipynb"))


def read(path):
    return nbformat.read(path, as_version=4)


def said(text):
    """A notebook that loads the faces, as if executed: it has printed this text."""
    output = new_output("stream", name="stdout", text=text)
    return new_notebook(cells=[new_code_cell("faces = load_faces()", outputs=[output])])


def test_the_environment_asks_for_drawn_faces(monkeypatch):
    monkeypatch.setattr("course_utils.data.orl.find_spec", lambda name: object())
    monkeypatch.setenv("COURSE_FACES", "drawn")
    assert not orl_installed()
    monkeypatch.delenv("COURSE_FACES")
    assert orl_installed()


@pytest.mark.whole
def test_book_and_slides_take_what_is_executed_anew_where_faces_are_loaded(monkeypatch, tmp_path):
    anew = []

    def execute(path, cells, faces=True):
        anew.append((path.stem, faces))
        text = f"faces\n{DRAWN}\n" + "more\n" * 12  # on slides, so many lines are left out
        cell = new_code_cell("load_faces()", outputs=[new_output("stream", name="stdout", text=text)])
        return new_notebook(cells=[*read(path).cells[:1], cell])

    monkeypatch.setattr(build, "execute", execute)
    build_book(ROOT, tmp_path / "book", only=("01", "03"), faces=False)
    build_slides(ROOT, tmp_path / "slides", only=("01", "03"), faces=False)
    assert anew == [("01_pca_linear_autoencoder", False)] * 2
    for room in ("book", "slides"):
        page = (tmp_path / room / "01_pca_linear_autoencoder.html").read_text(encoding="utf-8")
        assert page.count("These faces are drawn") == 1
        assert not list((tmp_path / room).glob("files/01_*/*.png"))  # of the execution with photographs
        assert list((tmp_path / room).glob("files/03_*/*.png"))


@pytest.mark.whole
def test_every_notebook_that_loads_faces_is_found_and_says_when_they_are_drawn():
    names = [path.stem[:2] for path in SOLUTIONS if shows_faces(read(path))]
    assert names == ["00", "01"]
    for path in SOLUTIONS:
        source = path.with_suffix(".py").read_text(encoding="utf-8")
        assert ("faces.note" in source) == (path.stem[:2] in names) and "read_orl_faces" not in source


def test_pages_that_do_not_say_that_the_faces_are_drawn_are_refused(monkeypatch):
    monkeypatch.setattr(build, "execute", lambda path, cells, faces: said("The faces are photographs."))
    with pytest.raises(BuildError, match="faces.note"):
        executed(SOLUTIONS[1], faces=False)
    monkeypatch.setattr(build, "execute", lambda path, cells, faces: said(DRAWN))
    assert executed(SOLUTIONS[1], faces=False).cells[0].outputs[0].text == DRAWN


def test_a_book_of_copies_cannot_leave_the_faces_out(tmp_path):
    with pytest.raises(BuildError, match="as it stands"):
        build_book(ROOT, tmp_path, copies=True, faces=False)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("words", ["book OUT", "slides all OUT", "site OUT"])
def test_whatever_can_be_made_public_has_the_option(words):
    words = words.split()
    assert cli.parser().parse_args([*words, "--no-faces"]).no_faces
    assert not cli.parser().parse_args(words).no_faces


def pictures(cell):
    """The figures that a cell has shown: arrays (height, width, 3), from 0 to 1."""
    shown = " ".join(output.get("data", {}).get("text/html", "") for output in cell.get("outputs", []))
    found = re.findall(r'data:image/png;base64,([^"]+)"', shown)
    return [imread(io.BytesIO(base64.b64decode(data)), format="png")[..., :3] for data in found]


def alike(a, b):
    """Whether two figures show the same, however they are stored: next to no pixel differs by more than a tenth."""
    return a.shape == b.shape and np.mean(np.abs(a - b).max(axis=2) > 0.1) < 0.002


def test_figures_are_compared_by_what_they_show():
    """The same photographs, stored in fewer colours, are found; one new line is a difference."""
    [[photographs]] = [
        shown for cell in read(SOLUTIONS[0]).cells if "faces.x_train" in cell.source and (shown := pictures(cell))
    ]
    assert alike(photographs, np.round(photographs * 15) / 15)
    other = photographs.copy()
    other[100:104] = 0.5
    assert not alike(photographs, other)


@pytest.mark.skipif(not WEEKLY, reason="executes notebooks: in the weekly run")
@pytest.mark.parametrize("number", ["00", "01"])
def test_with_drawn_faces_a_notebook_runs_and_no_figure_of_faces_is_the_photographs(number):
    path = next(path for path in SOLUTIONS if path.stem.startswith(number))
    before, after = read(path), executed(path, faces=False)
    assert len(before.cells) == len(after.cells)
    of_faces = [i for i, cell in enumerate(before.cells) if "face" in cell.source and pictures(cell)]
    assert len(of_faces) >= (1 if number == "00" else 5)
    for i in of_faces:
        pairs = list(zip(pictures(before.cells[i]), pictures(after.cells[i]), strict=True))
        assert pairs and not any(alike(*pair) for pair in pairs), i
