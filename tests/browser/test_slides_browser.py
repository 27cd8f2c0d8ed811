"""The slides in a real Chromium: nothing runs over, text is large, keys reach all, notes, print, axe-core."""

import re
from pathlib import Path

import pytest
from axe import violations
from weekly import WEEKLY

from course_utils.building.slides import build_slides

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
ALL = sorted(path.stem for path in (ROOT / "solutions").glob("*.ipynb"))
# the derivation, the pads of 11 and its wide tables, the first pad; each week all of them
NAMES = ALL if WEEKLY else ["04_jensens_bound", "08_variational_autoencoder", "11_four_generative_models"]
# Slides with something that is cut off, or text below 24 px in a window that is 1280 px wide (indices of formulas, and
# what a pad writes, are as large as they are).
FAULTS = """() => {
  const faults = [];
  document.body.classList.add("measured");
  for (const slide of document.querySelectorAll(".slide")) {
    const body = slide.querySelector(".body"), edge = slide.getBoundingClientRect(), n = slide.dataset.number;
    if (body.scrollHeight > body.clientHeight + 1) faults.push([n, "too high", body.scrollHeight - body.clientHeight]);
    if (body.scrollWidth > body.clientWidth + 1) faults.push([n, "too wide", body.scrollWidth - body.clientWidth]);
    for (const block of slide.querySelectorAll("header *, .body *")) {
      const box = block.getBoundingClientRect();
      if (box.width && (box.right > edge.right + 1 || box.bottom > edge.bottom + 1 || box.left < edge.left - 1)) {
        faults.push([n, "cut off", block.tagName]);
        break;
      }
    }
    const texts = document.createTreeWalker(slide, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const at = texts.currentNode.parentElement, size = parseFloat(getComputedStyle(at).fontSize) * 1280 / wide;
      if (texts.currentNode.data.trim() && !at.closest("math, .note, .pad .body") && size < 23.9) {
        faults.push([n, "small", size, texts.currentNode.data.slice(0, 40)]);
        break;
      }
    }
  }
  document.body.classList.remove("measured");
  return faults;
}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("slides")
    build_slides(ROOT, out, tuple(name[:2] for name in NAMES))
    return out


@pytest.fixture
def show(browser, folder):
    """show(name, width, height, ...): a page with the slides; errors, and requests for other files, fail the test."""
    wrong, contexts = [], []

    def only_the_folder(route):
        if route.request.url.startswith((folder.as_uri(), "data:", "blob:")):
            route.continue_()
        else:
            wrong.append(route.request.url)
            route.abort()

    def shown(name="04_jensens_bound", width=1280, height=720, **options):
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.route("**/*", only_the_folder)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if said.type in ("error", "warning") else None)
        page.goto((folder / f"{name}.html").as_uri())
        page.wait_for_function("wide !== 0")
        return page

    yield shown
    for context in contexts:
        context.close()
    assert wrong == []


def at(page):
    return page.evaluate("at + 1")


@pytest.mark.parametrize("name", NAMES)
def test_no_slide_runs_over_and_no_text_is_small(show, name):
    for width, height in ((1280, 720), (1024, 768)):
        page = show(name, width, height)
        assert page.evaluate("wide") == (1280 if width == 1280 else 960)
        assert page.evaluate("slides.length") > 20
        assert page.evaluate(FAULTS) == []


def test_the_measure_sees_what_is_too_much(show):
    page = show()
    page.evaluate("""() => { const body = (n) => slides[n - 1].querySelector(".body");
        body(4).innerHTML += "<p>more</p>".repeat(30);
        body(5).innerHTML = "<p style='font-size:20px'>small</p>";
        body(6).innerHTML = "<p style='white-space:nowrap'>" + "wide ".repeat(60) + "</p>"; }""")
    assert [(n, what) for n, what, *_ in page.evaluate(FAULTS)] == [
        ("4", "too high"), ("4", "cut off"), ("5", "small"), ("6", "too wide"),
    ]  # fmt: skip


def test_all_that_the_source_holds_is_on_a_slide(show, folder):
    """Slides that are too full go on: nothing is lost on the way."""
    page = show()
    words = """(root) => [...root.querySelectorAll(".body")]
        .map((body) => body.textContent.split(/\\s+/).join("")).join("")"""
    here = page.evaluate(f"({words})(deck)")
    there = page.evaluate(f"({words})(new DOMParser().parseFromString(original, 'text/html'))")
    assert here == there
    assert page.evaluate("slides.length") > page.evaluate("original.split('<section').length - 1")


def test_keys_lead_through_the_slides(show):
    page = show()
    last = page.evaluate("slides.length")
    for key, expected in [
        ("ArrowRight", 2), ("Space", 3), ("PageDown", 4), ("ArrowLeft", 3), ("Shift+Space", 2), ("End", last),
        ("ArrowRight", last), ("Home", 1), ("ArrowLeft", 1), ("ArrowDown", 2),
    ]:  # fmt: skip
        page.keyboard.press(key)
        assert at(page) == expected, key
    assert page.locator(".slide:visible").count() == 1
    page.keyboard.press("Escape")
    assert page.locator(".slide:visible").count() == last
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert at(page) == 3 and page.locator(".slide:visible").count() == 1
    assert page.url.endswith("#3")
    page.reload()
    page.wait_for_function("wide !== 0")
    assert at(page) == 3
    page.keyboard.press("Escape")
    page.locator(".slide").nth(6).click()
    assert at(page) == 7 and page.locator(".slide:visible").count() == 1


def test_notes_below_and_in_a_window_of_their_own(show):
    page = show()
    vote = page.evaluate("slides.findIndex((slide) => slide.matches('.vote')) + 1")
    page.evaluate(f"go({vote - 1})")
    assert "logarithm of the average" not in page.locator(".slide:visible .answer").all_inner_texts()
    page.keyboard.press("n")
    assert "The answer: the logarithm of the average" in page.inner_text("#notes")
    stage, panel = page.locator(".slide:visible").bounding_box(), page.locator("#notes").bounding_box()
    assert stage["y"] + stage["height"] <= panel["y"] + 1
    page.keyboard.press("n")
    assert page.locator("#notes").is_hidden()
    with page.expect_popup() as opened:
        page.keyboard.press("p")
    window = opened.value
    assert "The answer: the logarithm of the average" in window.inner_text("#notes")
    assert re.fullmatch(
        r"1\. The average of a bent function: \d+ minutes, done at minute \d+", window.inner_text("#plan")
    )
    assert re.search(r"minute 0:0\d", window.inner_text("#clock"))
    window.keyboard.press("ArrowRight")  # the keys work there, too
    assert at(page) == vote + 1
    assert window.inner_text("#now").startswith(f"{vote + 1} of")
    assert violations(window) == []


def test_a_slide_is_a_page_in_print(show, tmp_path):
    page = show("08_variational_autoencoder")
    made = page.pdf(path=tmp_path / "slides.pdf", prefer_css_page_size=True, print_background=True)
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", made)
    assert len(boxes) == page.evaluate("slides.length")
    assert {(round(float(w) / 0.75), round(float(h) / 0.75)) for w, h in boxes} == {(1280, 720)}


def test_a_pad_lives_on_its_slide_and_has_its_own_arrows(show):
    page = show("08_variational_autoencoder")
    pad_slide = page.evaluate("slides.findIndex((slide) => slide.matches('.pad'))")
    page.evaluate(f"go({pad_slide})")
    pad = page.locator(".slide:visible canvas[role=application]")
    pad.wait_for()
    status = page.locator(".slide:visible [role=status]").first
    before = status.text_content()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('role')") == "application"
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(400)
    assert status.text_content() != before and at(page) == pad_slide + 1
    box = pad.bounding_box()
    assert box["height"] > 400 and box["y"] + box["height"] < 720
    page.mouse.click(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.25)
    page.wait_for_timeout(400)
    assert status.text_content().startswith("z1 = 2.00, z2 = 2.00")  # the middle of the upper right quarter of -4 ... 4
    page.keyboard.press("PageDown")
    assert at(page) == pad_slide + 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_slides_are_accessible_in_both_modes(show, scheme):
    page = show("11_four_generative_models", color_scheme=scheme)
    one_of_each = """[...new Set(slides.map((slide) => slide.className))]
        .map((kind) => slides.findIndex((slide) => slide.className === kind))"""
    numbers = range(page.evaluate("slides.length")) if WEEKLY else page.evaluate(one_of_each)
    for number in numbers:
        page.evaluate(f"go({number})")
        assert violations(page) == [], number
    page.keyboard.press("Escape")
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3')].map((h) => Number(h.tagName[1]))")
    assert levels.count(1) == 1 and all(b - a <= 1 for a, b in zip([0, *levels], levels))
    alts = page.evaluate("[...deck.querySelectorAll('img')].map((img) => img.alt)")
    assert all(alts) and len(set(alts)) == len(alts)
    assert page.evaluate("document.getAnimations().length") == 0


def test_at_200_per_cent_all_slides_are_one_page_that_can_be_read(show):
    page = show("08_variational_autoencoder", 640, 360)
    assert page.evaluate("document.body.className") == "flow"
    assert page.evaluate("document.documentElement.scrollWidth") <= 640
    assert page.locator(".slide:visible").count() == page.evaluate("document.querySelectorAll('.slide').length") > 20
    page.set_viewport_size({"width": 1280, "height": 720})
    page.wait_for_function("document.body.className === 'stage'")
    assert page.locator(".slide:visible").count() == 1
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_function("document.body.className === 'flow'")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert violations(page) == []


# what can be seen of a pad: its canvases, drawings and words
SEEN = """() => { const pad = document.querySelector(".slide.current .body");
  return JSON.stringify([...pad.querySelectorAll("canvas")].map((canvas) => canvas.toDataURL()))
    + [...pad.querySelectorAll("svg")].map((svg) => svg.outerHTML) + pad.textContent; }"""
WITH_PADS = [name for name in NAMES if name[:2] in ("02", "08", "09", "10", "11", "12")]


@pytest.mark.parametrize("name", WITH_PADS)
def test_pads_answer_to_the_keyboard_alone_and_stand_still_until_then(show, name):
    page = show(name, reduced_motion="reduce")
    for number in page.evaluate("slides.flatMap((slide, n) => (slide.matches('.pad') ? [n] : []))"):
        page.evaluate(f"go({number})")
        page.wait_for_function("!document.querySelector('.slide.current img')")
        page.wait_for_timeout(300)
        before = page.evaluate(SEEN)
        page.wait_for_timeout(300)
        assert page.evaluate(SEEN) == before, f"slide {number + 1} moves by itself"
        moved = reached = 0
        for _ in range(12):
            page.keyboard.press("Tab")
            if not page.evaluate("document.activeElement.closest('.slide.current .body') !== null"):
                break
            reached += 1
            for key in ("ArrowRight", "ArrowDown", "Enter"):
                page.keyboard.press(key)
                page.wait_for_timeout(150)
                moved += page.evaluate(SEEN) != before
            assert at(page) == number + 1, "an arrow key left the slide"
        assert reached and moved, f"slide {number + 1}: {reached} places reached, {moved} of its keys do something"
