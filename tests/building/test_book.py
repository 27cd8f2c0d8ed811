"""The reading edition: its formulas, figures as files, folds, links."""

import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_output

from course_utils.building.book import Page, Renderer, book_page, build_book, output_html
from course_utils.building.build import BuildError
from course_utils.building.formulas import mathml

ROOT = Path(__file__).resolve().parents[2]


def test_a_formula_with_an_unknown_command_is_refused():
    assert "<mfrac>" in mathml(r"\frac{1}{2}")
    with pytest.raises(BuildError, match="unheard"):
        mathml(r"\unheard x")


def test_a_heading_that_comes_twice_has_two_ids():
    page = Page("x")
    renderer = Renderer(page)
    assert 'id="A-b"' in renderer.heading("A b", 2)
    assert 'id="A-b-2"' in renderer.heading("A b", 2)


def test_solutions_are_folded_or_left_out(tmp_path):
    notebook = nbformat.read(ROOT / "solutions" / "00_start_here.ipynb", as_version=4)
    without, folded = (book_page(notebook, "00", tmp_path, solutions) for solutions in (False, True))
    assert "BEGIN SOLUTION" not in without.body + folded.body
    assert "<summary>Solution</summary>" in folded.body and "<summary>Solution</summary>" not in without.body
    assert "NotImplementedError" in re.sub("<[^>]+>", "", without.body)


def test_what_a_solved_exercise_is_told_is_folded(tmp_path):
    said = new_output("display_data", data={"text/markdown": "So $a = b$.", "text/plain": "So $a = b$."})
    shown = output_html(said, "00", tmp_path)
    assert shown.startswith('<details class="answer"><summary>Once you have solved it</summary>') and "<math" in shown


@pytest.mark.slow
def test_pages_of_all_notebooks_hold_no_figure_and_link_only_to_files_that_are_there(tmp_path):
    pages = build_book(ROOT, tmp_path)
    assert len(pages) == len(list((ROOT / "solutions").glob("*.ipynb")))
    for path in tmp_path.glob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert "data:image" not in text and not re.search(r'(?:src|href)="(?:https?:)?//', text)
        for address in re.findall(r'(?:src|data-pad)="(?!data:audio/)([^"#]+)', text):
            assert (tmp_path / address).is_file(), address


def test_a_folder_without_notebooks_is_refused(tmp_path):
    with pytest.raises(BuildError, match="no built notebook"):
        build_book(tmp_path, tmp_path / "out")
