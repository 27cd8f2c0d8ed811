"""The book in a real Chromium: nothing is asked of another host, no errors, axe-core finds nothing, keys reach all."""

from pathlib import Path

import pytest
from axe import violations
from weekly import WEEKLY

from course_utils.building.book import build_book

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# axe-core takes ten seconds a page: three pages hold all that there is; the weekly workflow looks at all of them
LOOKED_AT = ("index", "00_start_here", "08_variational_autoencoder")
ROOT = Path(__file__).resolve().parents[2]
STRUCTURE = """() => {
  const levels = [...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map((h) => Number(h.tagName[1]));
  const alts = [...document.images].map((i) => i.alt.trim());
  return {
    headings: levels.filter((l) => l === 1).length,
    skipped: levels.filter((l, i) => l > (i ? levels[i - 1] : 0) + 1).length,
    empty: alts.filter((a) => !a).length,
    repeated: alts.filter((a, i) => alts.indexOf(a) !== i),
    broken: [...document.querySelectorAll('a[href^="#"]')].map((a) => decodeURIComponent(a.hash.slice(1)))
      .filter((id) => !document.getElementById(id)),
    errors: document.querySelectorAll('merror').length,
  };
}"""
SOUND = {"headings": 1, "skipped": 0, "empty": 0, "repeated": [], "broken": [], "errors": 0}
EVERYTHING = """async () => {
  document.querySelectorAll('details').forEach((d) => { d.open = true; });
  document.querySelectorAll('img').forEach((i) => { i.loading = 'eager'; });
  await Promise.all([...document.images].map((i) => i.decode()));
}"""


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    out = tmp_path_factory.mktemp("book")
    build_book(ROOT, out, solutions=True)
    return out


@pytest.fixture
def strict_page(browser, book):
    """A page that notes errors, and requests for anything but the book's files, which are refused."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    page, wrong = context.new_page(), []

    def only_the_book(route):
        url = route.request.url
        if url.startswith((book.as_uri(), "data:", "blob:")):
            route.continue_()
        else:
            wrong.append(url)
            route.abort()

    page.route("**/*", only_the_book)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("requestfailed", lambda request: wrong.append(f"failed: {request.url}"))
    yield page
    context.close()
    assert wrong == []


def pages():
    return ["index", *sorted(path.stem for path in (ROOT / "solutions").glob("*.ipynb"))]


@pytest.mark.parametrize("name", pages())
def test_every_page_is_whole_and_accessible_in_both_modes(strict_page, book, name):
    page = strict_page
    page.goto((book / f"{name}.html").as_uri())
    page.evaluate(EVERYTHING)
    assert page.evaluate(STRUCTURE) == SOUND
    for mode in ("light", "dark") if name in LOOKED_AT or WEEKLY else ():
        page.emulate_media(color_scheme=mode, reduced_motion="reduce")
        assert violations(page) == []
    page.set_viewport_size({"width": 640, "height": 450})  # 1280 wide at 200 %
    assert page.evaluate("document.documentElement.scrollWidth") <= 640
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_search_switch_and_folds_work_by_keyboard_alone(strict_page, book):
    page = strict_page
    page.goto((book / "04_jensens_bound.html").as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the text"
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("amortization gap")
    assert "found" in page.inner_text("#search-count")
    page.keyboard.press("Tab")
    href = page.evaluate("document.activeElement.getAttribute('href')")
    page.keyboard.press("Enter")
    page.wait_for_url("**/07_amortized_inference.html#*")
    assert href.startswith("07_amortized_inference.html#")
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.focus("#theme")
    page.keyboard.press("Enter")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"  # it is remembered
    page.focus("details.solution summary")
    page.keyboard.press("Enter")
    assert page.locator("details.solution pre").first.is_visible()


@pytest.mark.parametrize("name", ["02_deep_autoencoders", "08_variational_autoencoder", "09_class_conditional_vae"])
def test_a_pad_is_alive_without_a_kernel(strict_page, book, name):
    from playwright.sync_api import expect

    page = strict_page
    page.goto((book / f"{name}.html").as_uri())
    page.locator("[data-pad]").first.scroll_into_view_if_needed()
    pad = page.locator("canvas[role=application]")
    pad.wait_for()
    status = page.locator("[data-pad] [role=status], .output [role=status]").filter(has_text="z1").first
    before = status.text_content()
    pad.focus()
    page.keyboard.press("ArrowRight")
    expect(status).not_to_have_text(before, timeout=10_000)
