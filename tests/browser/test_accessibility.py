"""axe-core over what else people read: exported copies, the grader's pages, cards, reports and widgets in JupyterLab.

The book and the slides have tests of their own. Beside axe: one H1, no heading skipped, alt texts, link texts, keys.
"""

import random
import shutil
from pathlib import Path

import lab
import nbformat
import pytest
from axe import violations
from grading_corpus import PCA, START, exercises_of
from nbformat.v4 import new_code_cell, new_output
from weekly import WEEKLY

from course_utils.building.book import build_book
from course_utils.checking.report import Report
from course_utils.exercises import all_exercises
from course_utils.grading.class_report import Tally
from course_utils.grading.class_report import page as class_page
from course_utils.grading.feedback import page as feedback_page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
EXERCISES = all_exercises()
ALL = sorted(path.stem for path in (ROOT / "solutions").glob("*.ipynb"))
# headings, alt texts, texts of links that say nothing or lead to two places
STRUCTURE = """() => {
  const levels = [...document.querySelectorAll("h1,h2,h3,h4,h5,h6")].map((h) => Number(h.tagName[1]));
  const alts = [...document.images].map((img) => img.alt.trim());
  const links = [...document.querySelectorAll("main a[href]")]
    .map((a) => [a.getAttribute("aria-label") ?? a.textContent.trim(), a.getAttribute("href")]);
  return {
    headings: levels.filter((level) => level === 1).length,
    skipped: levels.filter((level, i) => level > (i ? levels[i - 1] : 0) + 1).length,
    alts: alts.filter((alt, i) => !alt || alts.indexOf(alt) !== i),
    links: links.filter(([text, to]) => !text || /^(here|link|this|click|more|https?:.*)$/i.test(text)
      || links.some(([other, elsewhere]) => other === text && elsewhere !== to)),
  };
}"""
SOUND = {"headings": 1, "skipped": 0, "alts": [], "links": []}
WRONG = Report(
    "log_mean_exp", False, 0, 1, "key", "Look at `a < 1`.", "values", "line 2: a < 1", "A note.", "3 of 5 > 0."
)


@pytest.fixture
def blank(browser):
    """blank(scheme): a page of 1280 x 900 that reaches no host and whose system is light or dark."""
    contexts = []

    def opened(scheme="light"):
        context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        context.route("http*://**", lambda route: route.abort())
        return context.new_page()

    yield opened
    for context in contexts:
        context.close()


def worked(path):
    """A student's copy as somebody has left it: with all outputs, and one more report of a wrong answer."""
    notebook = nbformat.read(path, as_version=4)
    failed = new_code_cell("f = check(f)")
    failed.outputs = [new_output("display_data", data={"text/html": WRONG._repr_html_(), "text/plain": str(WRONG)})]
    notebook.cells.append(failed)
    return notebook


def test_axe_sees_what_is_wrong_and_says_where(blank):
    page = blank()
    page.set_content(
        "<html lang=en><title>t</title><main><p style='color: #aaa'>pale</p><img src='data:,'></main></html>"
    )
    found = {name: (html, why) for name, _, html, why in violations(page)}
    assert found.keys() == {"color-contrast", "image-alt"}
    assert "pale" in found["color-contrast"][0] and "contrast of 2.32" in found["color-contrast"][1]


@pytest.mark.parametrize("name", ALL if WEEKLY else ["00_start_here"])
def test_a_worked_copy_as_pages_of_its_own(blank, tmp_path, name):
    (tmp_path / "notebooks").mkdir()
    nbformat.write(worked(ROOT / "solutions" / f"{name}.ipynb"), tmp_path / "notebooks" / f"{name}.ipynb")
    build_book(tmp_path, tmp_path / "out", copies=True)
    for scheme in ("light", "dark"):
        page = blank(scheme)
        page.goto((tmp_path / "out" / f"{name}.html").as_uri())
        page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
        assert page.locator(".course-report").count() > 1 and "Look at a < 1." in page.inner_text("main")
        assert page.evaluate(STRUCTURE) == SOUND
        assert violations(page) == []


@pytest.mark.parametrize("name", ALL if WEEKLY else ["00_start_here"])
def test_a_copy_that_is_still_to_do_as_pages(blank, tmp_path, name):
    build_book(ROOT, tmp_path, only=[name], copies=True)
    page = blank()
    page.goto((tmp_path / f"{name}.html").as_uri())
    assert "NotImplementedError" in page.inner_text("main") and "predict(" in page.inner_text("main")
    assert page.evaluate(STRUCTURE) == SOUND
    assert violations(page) == []


@pytest.mark.parametrize("name", ALL if WEEKLY else ["00_start_here"])
def test_our_part_of_what_nbconvert_exports(blank, tmp_path, name):
    """Prompts and the colours of code are nbconvert's (its contrast is too small); text and outputs are ours."""
    from nbconvert import HTMLExporter

    html, _ = HTMLExporter().from_notebook_node(worked(ROOT / "solutions" / f"{name}.ipynb"))
    (tmp_path / "page.html").write_text(html, encoding="utf-8")
    page = blank()
    page.goto((tmp_path / "page.html").as_uri())
    assert page.locator(".jp-RenderedHTMLCommon .course-report").count() > 1
    assert violations(page, "{include: [['.jp-RenderedHTMLCommon']]}") == []


def feedback(**more):
    entry = WRONG.as_dict() | {"notes": ["A note."], "said": ["printed"], "hint": "A hint."} | more
    return feedback_page(
        {
            "student": "ann", "notebook": START, "status": "graded", "points": 0, "max_points": 1,
            "adjustments": [], "exercises": {"log_mean_exp": entry}, "submission": "0" * 64, "isolation": "strict",
        },
        EXERCISES,
    )  # fmt: skip


def class_report():
    """Of eleven students in two notebooks, with misconceptions, a refused file and a time-out."""
    tally = Tally(EXERCISES)
    kinds = ["passed", "passed", "values", "not started", "timeout"]
    for number in range(11):
        for notebook in (START, PCA):
            rng = random.Random(f"{number}{notebook}")
            entries = {}
            for name, exercise in exercises_of(notebook).items():
                kind = rng.choice(kinds)
                key = rng.choice(sorted(exercise.misconceptions)) if kind == "values" else None
                points = exercise.points * (kind == "passed")
                entries[name] = {"passed": kind == "passed", "kind": kind, "misconception": key, "points": points}
                entries[name]["advice"] = "What was told." if key else ""
            tally.add(
                {
                    "student": f"s{number}", "course_notebook": notebook, "notebook": notebook,
                    "status": "timeout: too slow" if number == 7 else "graded",
                    "points": sum(entry["points"] for entry in entries.values()), "exercises": entries,
                }
            )  # fmt: skip
    return class_page(tally, 5, "strict")


@pytest.mark.parametrize("made", [feedback, class_report], ids=["feedback", "class report"])
def test_the_graders_pages(blank, made):
    for scheme in ("light", "dark"):
        page = blank(scheme)
        page.set_content(made())
        page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
        assert page.evaluate(STRUCTURE) == SOUND
        assert violations(page) == []
        page.set_viewport_size({"width": 640, "height": 450})  # 200 per cent
        assert page.evaluate("document.documentElement.scrollWidth") <= 640


def test_cards_reports_and_questions_in_jupyterlab(page, lab_server):
    """JupyterLab's own parts are left out: only what the course has put into the notebook's cells is looked at."""
    shutil.copy(ROOT / "notebooks" / f"{START}.ipynb", lab_server.root / "looked_at.ipynb")
    lab.open_notebook(page, lab_server.url, "looked_at.ipynb")
    lab.run_all(page)
    page.locator(".course-report").first.wait_for()
    ours = "{include: [['.jp-MarkdownOutput'], ['.jp-OutputArea-output']]}"
    assert page.locator(".jp-MarkdownOutput blockquote").count() == 1  # the card
    assert page.get_by_role("radio").count() + page.get_by_role("button", name="inf").count() > 0  # the question
    assert violations(page, ours) == []
