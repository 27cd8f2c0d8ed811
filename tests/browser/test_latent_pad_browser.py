"""The latent pad in a real browser: its numbers are numpy's, and mouse, keyboard and kernel all move it."""

import base64

import numpy as np
import pytest

from course_utils.explorables import latent_pad
from course_utils.explorables.style_pad import style_pad

pytestmark = pytest.mark.browser

FAKE_MODEL = r"""async ({source, state, buffers}) => {
  const listeners = {};
  for (const [name, text] of Object.entries(buffers)) {
    const bytes = Uint8Array.from("\0" + atob(text), (c) => c.charCodeAt(0));  // odd offset, as on a socket
    state[name] = new DataView(bytes.buffer, 1);
  }
  window.sent = [];
  window.model = {
    get: (name) => state[name],
    set(name, value) { state[name] = value; (listeners["change:" + name] || []).forEach((f) => f()); },
    save_changes() { window.sent.push([...state.value]); },
    on(name, f) { (listeners[name] ||= []).push(f); },
    off(name, f) { listeners[name] = listeners[name].filter((g) => g !== f); },
    listeners,
  };
  window.module = await import(URL.createObjectURL(new Blob([source], {type: "text/javascript"})));
  window.stop = window.module.default.render({model: window.model, el: document.getElementById("root")});
}"""
PIXELS = """() => { const c = document.querySelector("canvas[role=img]");
  return [...c.getContext("2d").getImageData(0, 0, c.width, c.height).data]; }"""
STATUS = "() => document.querySelector('[role=status]').textContent"


@pytest.fixture
def page(browser):
    page = browser.new_page(viewport={"width": 900, "height": 600})
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.set_content("<div id=root></div>")
    yield page
    page.close()
    assert errors == []


def network(sizes, seed=0):
    rng = np.random.default_rng(seed)
    return [(rng.normal(size=(m, n)) / np.sqrt(m), rng.normal(size=n)) for m, n in zip(sizes, sizes[1:])]


def start(page, pad):
    """Render the pad's module in the page on a model that holds the pad's state."""
    state = {name: getattr(pad, name) for name in pad.trait_names(sync=True) if not name.startswith("_")}
    state = {name: value for name, value in state.items() if isinstance(value, (list, tuple, str, int))}
    page.evaluate(
        FAKE_MODEL,
        {
            "source": pad._esm,
            "state": state,
            "buffers": {
                name: base64.b64encode(getattr(pad, name)).decode() for name in ("weights", "codes", "label_places")
            },
        },
    )


def image_at(pad, z):
    """Return the grey values 0..255 that numpy decodes at z."""
    return 255 * np.clip(latent_pad.decode(pad.layers(), np.atleast_2d(z), pad.output)[0], 0, 1)


def grey(page):
    return np.array(page.evaluate(PIXELS)).reshape(-1, 4)[:, 0]


def test_a_button_writes_the_style_with_another_label(page):
    pad = style_pad(network([5, 24, 12]), (3, 4), ["cat", "dog", "owl"], label=1)
    start(page, pad)
    assert page.get_by_role("radio", name="dog").is_checked()
    page.get_by_role("radio", name="owl").check()
    pad.choice = 2
    np.testing.assert_allclose(grey(page), image_at(pad, pad.base), atol=1)
    page.get_by_role("radio", name="owl").press("ArrowLeft")  # by the keyboard, as any group of radio buttons
    assert page.get_by_role("radio", name="dog").is_checked()
    pad.choice = 1
    np.testing.assert_allclose(grey(page), image_at(pad, pad.base), atol=1)
    assert page.evaluate("() => window.model.get('choice')") == 1
    assert page.get_by_role("img").get_attribute("aria-label").endswith("written as dog")


@pytest.mark.parametrize("sizes", [[2, 12], [2, 16, 12], [5, 32, 24, 12]])
def test_the_browser_computes_numpys_numbers(page, sizes):
    pad = latent_pad.latent_pad(network(sizes), (3, 4))
    start(page, pad)
    z = np.random.default_rng(1).normal(size=(20, sizes[0])) * 2
    out = page.evaluate(
        """([sizes, zs]) => {
      const layers = module.unpack(sizes, module.halves(model.get("weights")));
      return zs.map((z) => [...module.forward(layers, z)]); }""",
        [sizes, z.tolist()],
    )
    np.testing.assert_allclose(out, latent_pad.decode(pad.layers(), z, "identity"), rtol=0, atol=1e-5)


def test_the_browser_reads_every_float16_as_numpy_does(page):
    start(page, latent_pad.latent_pad(network([2, 12]), (3, 4)))
    halves = np.arange(2**16, dtype="<u2").view("<f2")
    halves = halves[np.isfinite(halves)]  # the pad refuses the others
    out = page.evaluate(
        """(text) => {
      const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
      return [...module.halves(new DataView(bytes.buffer))]; }""",
        base64.b64encode(halves.tobytes()).decode(),
    )
    np.testing.assert_array_equal(np.array(out), halves.astype(float))


@pytest.mark.parametrize("output", ["sigmoid", "identity"])
def test_the_pixels_are_the_decoded_image(page, output):
    pad = latent_pad.latent_pad(network([2, 16, 12]), (3, 4), output=output)
    start(page, pad)
    np.testing.assert_allclose(grey(page), image_at(pad, (0, 0)), atol=0.51)


def eventually(page, condition, seconds=10):
    """Wait until the condition holds: a busy machine draws and tells late."""
    for _ in range(20 * seconds):
        if condition():
            return
        page.wait_for_timeout(50)
    assert condition()


def test_a_drag_moves_the_point_and_the_pixels(page):
    pad = latent_pad.latent_pad(network([3, 16, 12]), (3, 4), dims=(2, 0), base=[0.0, 0.5, 0.0], extent=(-2, 2, -2, 2))
    start(page, pad)
    before = grey(page)
    box = page.locator("canvas[role=application]").bounding_box()
    page.mouse.move(box["x"] + 160, box["y"] + 160)
    page.mouse.down()
    page.mouse.move(box["x"] + 240, box["y"] + 120, steps=5)
    eventually(page, lambda: np.abs(grey(page) - before).max() > 5)  # while the button is still down
    page.mouse.move(box["x"] + 9000, box["y"] + 80, steps=5)  # leaves the pad: stays at its edge
    page.mouse.up()
    eventually(page, lambda: page.evaluate("() => sent.at(-1)") == pytest.approx([2.0, 1.0], abs=0.02))
    z = page.evaluate("() => sent.at(-1)")
    assert z[0] == 2
    eventually(page, lambda: np.allclose(grey(page), image_at(pad, [z[1], 0.5, z[0]]), rtol=0, atol=0.51))
    page.wait_for_timeout(250)
    moved = page.evaluate("() => sent.length")
    page.mouse.move(box["x"] + 20, box["y"] + 20)  # no button: no drag
    page.wait_for_timeout(250)
    assert page.evaluate("() => sent.length") == moved


def test_arrow_keys_move_the_point_and_say_where_it_is(page):
    codes = np.array([[0.0, 0.0], [0.4, 0.0], [0.0, 3.0]])
    pad = latent_pad.latent_pad(
        network([2, 12]), (3, 4), codes=codes, labels=["nought", "east", "north"], extent=(-4, 4, -4, 4)
    )
    start(page, pad)
    assert page.evaluate(STATUS) == "z1 = 0.00, z2 = 0.00; the nearest code has label nought"
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.role") == "application"
    steps = [
        ("ArrowRight", "z1 = 0.16, z2 = 0.00; the nearest code has label nought"),
        ("ArrowRight", "z1 = 0.32, z2 = 0.00; the nearest code has label east"),
        ("ArrowLeft", "z1 = 0.16, z2 = 0.00; the nearest code has label nought"),
        ("Shift+ArrowUp", "z1 = 0.16, z2 = 0.80; the nearest code has label nought"),
        ("ArrowDown", "z1 = 0.16, z2 = 0.64; the nearest code has label nought"),
        ("Home", "z1 = 0.00, z2 = 0.00; the nearest code has label nought"),
    ]
    for key, expected in steps:
        page.keyboard.press(key)
        page.wait_for_function(f"() => ({STATUS})() === {expected!r}")
    eventually(page, lambda: np.allclose(grey(page), image_at(pad, (0, 0)), rtol=0, atol=0.51))


def test_the_kernel_moves_the_point_and_the_other_dimensions(page):
    pad = latent_pad.latent_pad(network([3, 12]), (3, 4))
    start(page, pad)
    for name, value, z in [("value", [1.5, -0.5], [1.5, -0.5, 0]), ("base", [0, 0, 2], [1.5, -0.5, 2])]:
        page.evaluate("change => model.set(...change)", [name, value])
        eventually(page, lambda z=z: np.allclose(grey(page), image_at(pad, z), rtol=0, atol=0.51))
    assert "z1 = 1.50, z2 = -0.50" in page.evaluate(STATUS)
    assert page.evaluate("() => sent") == []  # what came from the kernel is not sent back
    page.evaluate("() => stop()")
    assert page.evaluate("() => Object.values(model.listeners).flat().length") == 0


def test_the_kernel_is_told_at_most_ten_times_a_second(page):
    pad = latent_pad.latent_pad(network([2, 12]), (3, 4))
    start(page, pad)
    spent = page.evaluate("""async () => {
      const pad = document.querySelector("canvas[role=application]"), box = pad.getBoundingClientRect();
      const t = performance.now();
      pad.setPointerCapture = () => {};
      const go = (type, x) => pad.dispatchEvent(
        new PointerEvent(type, {clientX: box.left + x, clientY: box.top + 50, buttons: 1}));
      go("pointerdown", 0);
      const wait = (ms) => new Promise((done) => setTimeout(done, ms));
      for (let i = 0; i < 100; i++) { go("pointermove", i); await wait(5); }
      await wait(600);
      return performance.now() - t; }""")
    sent = page.evaluate("() => sent")
    assert 2 <= len(sent) <= spent / 100 + 1
    assert sent[-1][0] == pytest.approx(-3 + 6 * 99 / 320, abs=0.02)  # the last position arrives


def test_exported_html_works_without_a_kernel(page):
    pad = latent_pad.latent_pad(network([2, 16, 12]), (3, 4))
    pad.value = (0.5, -1.0)
    page.set_content(f"<p>before</p>{pad.standalone()}<p>after</p>")
    page.wait_for_selector("canvas[role=application]")
    eventually(page, lambda: np.allclose(grey(page), image_at(pad, (0.5, -1.0)), rtol=0, atol=0.51))
    assert page.locator("img").count() == 0  # the working pad has taken the place of the static figure
    page.locator("canvas[role=application]").press("Home")
    page.wait_for_function(f"() => ({STATUS})().startsWith('z1 = 0.00, z2 = 0.00')")
    eventually(page, lambda: np.allclose(grey(page), image_at(pad, (0, 0)), rtol=0, atol=0.51))


def test_without_scripts_the_static_figure_stays(browser):
    pad = latent_pad.latent_pad(network([2, 16, 12]), (3, 4))
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.set_content(pad.standalone())
    assert page.locator("img").get_attribute("alt").startswith("Latent pad")
    assert page.locator("img").bounding_box()["width"] == pytest.approx(576, abs=1)
    context.close()


def test_time_of_a_frame(page):
    """Prints how long a frame takes with a decoder of the size that the course trains."""
    codes = np.random.default_rng(0).normal(size=(2000, 2))
    pad = latent_pad.latent_pad(network([2, 128, 256, 784]), (28, 28), codes=codes)
    start(page, pad)
    times = page.evaluate("""() => Array.from({length: 100}, (_, i) => {
      const t = performance.now(); model.set("value", [i / 50, 0]); return performance.now() - t; })""")
    print(f"{np.median(times):.2f} ms a frame with {len(pad.weights) // 2} weights")
    assert len(times) == 100 and np.isfinite(times).all()
