"""A student opens the course in a real JupyterLab: runs a notebook, solves an exercise, moves an explorable."""

import re
import shutil

import lab
import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NOTEBOOK = "01_pca_linear_autoencoder.ipynb"
ANSWER = """def pca_encode(x, mean, components):
    return (x - mean) @ components.T
"""
WRONG = "def pca_encode(x, mean, components):\n    return x @ components.T\n"


@pytest.fixture
def opened(page, lab_server, root):
    shutil.copy(root / "notebooks" / NOTEBOOK, lab_server.root / NOTEBOOK)
    lab.open_notebook(page, lab_server.url, NOTEBOOK)
    return page


def report(page, cell):
    """The check report below a cell: (whether it is green, its text)."""
    shown = lab.cell_locator(page, cell).locator(".course-report").last
    shown.wait_for()
    return "course-passed" in shown.get_attribute("class"), shown.inner_text()


def test_a_student_works_through_notebook_01(opened):
    page = opened
    lab.run_all(page)
    assert not lab.problems(page)
    check = "pca_encode = check(pca_encode)"
    passed, text = report(page, check)
    assert not passed and "not started" in text and "library's function" in text

    answer_cell = "def pca_encode(x, mean, components):"
    for source, green, words in [(WRONG, False, "mean is not subtracted"), (ANSWER, True, "1 of 1 point")]:
        lab.set_cell(page, answer_cell, source)
        lab.run_cell(page, answer_cell)
        lab.run_cell(page, check)
        page.wait_for_function(
            "words => [...document.querySelectorAll('.course-report')].some(r => r.innerText.includes(words))",
            arg=words,
        )
        passed, text = report(page, check)
        assert passed == green and words in text

    explorer = lab.cell_locator(page, "pca_explorer({")
    lab.scroll_to(page, "pca_explorer({")
    pictures = explorer.locator("img")
    assert all(pictures.nth(i).get_attribute("alt") for i in range(pictures.count()))
    rebuilt = pictures.nth(1)
    before, alt = lab.pixels(rebuilt), rebuilt.get_attribute("alt")
    slider = explorer.get_by_role("slider", name=re.compile("Numbers kept"))
    lab.drag(page, slider, 60, 0)
    lab.wait_for_new_pixels(explorer.locator("img").nth(1), before)
    assert explorer.locator("img").nth(1).get_attribute("alt") != alt

    before = lab.pixels(explorer.locator("img").nth(1))
    slider.focus()
    page.keyboard.press("ArrowLeft")  # the keyboard path
    lab.wait_for_new_pixels(explorer.locator("img").nth(1), before)
