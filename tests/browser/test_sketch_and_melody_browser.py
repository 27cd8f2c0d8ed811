"""Notebook 10's widgets in a real browser: their numbers are numpy's, and pointer, keyboard and sound work."""

import numpy as np
import pytest

from course_utils.data import load_melodies
from course_utils.explorables.digit_drawer import digit_drawer
from course_utils.explorables.melody_pad import melody_pad
from course_utils.explorables.sketch_player import sketch_player
from course_utils.models.conductor import init_decoder
from course_utils.models.interpolation import slerp
from course_utils.models.melody import notes
from course_utils.models.sketch import DIGITS, sketch_decode, sketch_encode
from course_utils.networks.nets import init_mlp

pytestmark = pytest.mark.browser

STATUS = "() => document.querySelector('[role=status]').textContent"
# Keys that reach the document are JupyterLab's, which then keeps a slider from moving.
COUNT_KEYS = "() => { window.keys = 0; document.addEventListener('keydown', () => window.keys++); }"
MODULE = """async (source) => {
  window.module = await import(URL.createObjectURL(new Blob([source], {type: "text/javascript"}))); }"""


@pytest.fixture
def page(browser):
    page = browser.new_page(viewport={"width": 900, "height": 600})
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    page.close()
    assert errors == []


def show(page, widget):
    """The widget as exported HTML has it: without a kernel; and its module for calls of single functions."""
    page.set_content(f"<p>before</p>{widget.standalone()}<p>after</p>")
    page.wait_for_selector("[role=status]")
    assert page.locator("img").count() == 0  # the static figure is gone
    page.evaluate(MODULE, widget._esm)
    looks = page.locator("button").evaluate_all("all => all.map((one) => getComputedStyle(one).borderTopStyle)")
    assert looks == ["none"]  # flat, as JupyterLab's own are, and not the browser's


def pen_model(K=4, H=6, message=3):
    rng = np.random.default_rng(0)
    return {
        "encoder": init_mlp([24, 7, 2 * K], rng),
        "decoder": init_decoder(K, 5, 8, message, 2, H, DIGITS.M * 6 + 1, rng),
    }


def test_a_drawn_digit_is_encoded_and_decoded_as_numpy_does(page):
    model, targets = pen_model(), np.random.default_rng(1).normal(size=(3, 4))
    widget = digit_drawer(model, targets, "123")
    show(page, widget)
    x = np.random.default_rng(2).random((1, 8, 1, 2))
    mu = sketch_encode(model, x, [8])[0]
    z = slerp(mu[0], targets[1], 5)
    got = page.evaluate(
        """([sizes, weights, points, target, M]) => {
      const model = module.unpack(sizes, Float32Array.from(weights)), code = module.encode(model, points);
      const way = [0, 0.25, 0.5, 0.75, 1].map((t) => module.slerp(code, target, t));
      return [code, way.map((z) => module.decode(model, z, M))]; }""",
        [
            widget.sizes,
            np.frombuffer(widget.weights, "<f4").tolist(),
            x[0, :, 0].tolist(),
            targets[1].tolist(),
            DIGITS.M,
        ],
    )
    np.testing.assert_allclose(got[0], mu[0], atol=1e-5)
    np.testing.assert_allclose(got[1], sketch_decode(model, z, DIGITS)[0][:, :, 0], atol=1e-5)


def test_a_line_becomes_eight_points_at_equal_steps_in_the_unit_square(page):
    show(page, digit_drawer(pen_model(), np.random.default_rng(1).normal(size=(2, 4)), "12"))
    points = np.array(page.evaluate("() => module.normalise([[0, 0], [3, 0], [3, 0], [3, 4]])"))
    along = np.arange(8.0)
    expected = np.stack([np.minimum(along, 3) / 3, np.maximum(along - 3, 0) / 4], axis=1)
    np.testing.assert_allclose(points, expected, atol=1e-12)


def test_drawing_with_the_mouse_and_with_keys(page):
    show(page, digit_drawer(pen_model(), np.random.default_rng(1).normal(size=(2, 4)), "17"))
    paper = page.locator("canvas[role=application]")
    box = paper.bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 90, steps=4)
    page.mouse.move(box["x"] + 120, box["y"] + 240, steps=4)
    page.mouse.up()
    assert page.evaluate(STATUS) == "0 % of the way from your digit to 1."
    page.evaluate(COUNT_KEYS)
    page.locator("input[type=range]").press("End")
    assert page.evaluate(STATUS) == "100 % of the way from your digit to 1." and page.evaluate("keys") == 0
    page.locator("button").click()
    assert page.evaluate(STATUS) == "Nothing drawn yet."
    for key in ("Space", "ArrowDown", "Shift+ArrowLeft", "ArrowUp", "Enter"):
        paper.press(key)
    assert page.evaluate(STATUS).endswith("% of the way from your digit to 1.")


def test_the_player_slides_and_writes(page):
    rng = np.random.default_rng(0)
    points, counts = rng.random((2, 3, 4, 5, 2)), np.array([[1, 2, 3], [2, 2, 4]])
    show(page, sketch_player(points, counts, ["a to b", "c to d"]))
    assert page.evaluate(STATUS) == "a to b: 50 % of the way; 2 strokes"
    page.evaluate(COUNT_KEYS)
    page.locator("input[type=range]").press("ArrowRight")
    assert page.evaluate(STATUS) == "a to b: 100 % of the way; 3 strokes" and page.evaluate("keys") == 0
    page.locator("select").select_option("1")
    assert page.evaluate(STATUS) == "c to d: 100 % of the way; 4 strokes"
    page.locator("button").click()  # from the start, as it stood at the end
    page.wait_for_function(f"() => ({STATUS})() === 'c to d: 50 % of the way; 2 strokes'", timeout=30_000)
    page.locator("button").click()
    assert page.locator("button").text_content() == "Write"


def test_the_pad_moves_and_schedules_what_the_notes_are(page):
    melodies = load_melodies().x_test[:9].reshape(3, 3, 32)
    show(page, melody_pad(melodies, ["one", "two", "three", "four"]))
    assert page.evaluate(STATUS).startswith("50 % to the right, 50 % down")
    for key, place in (("ArrowLeft", "0 % to the right, 50 % down"), ("ArrowUp", "0 % to the right, 0 % down")):
        page.locator("canvas[role=application]").press(key)
        assert page.evaluate(STATUS).startswith(place)
    found = page.evaluate("(melody) => module.notes(melody)", melodies[0, 0].tolist())
    expected = np.stack(notes(melodies[0, 0]), axis=1)
    np.testing.assert_array_equal([[n["start"], n["length"], n["pitch"]] for n in found], expected)


def test_the_sound_has_the_right_pitch_and_no_click(page):
    """Rendered by WebAudio itself, offline."""
    show(page, melody_pad(np.full((2, 2, 8), 69), ["one", "two", "three", "four"]))
    samples = np.array(
        page.evaluate("""async () => {
      const audio = new OfflineAudioContext(1, 22050, 44100);
      module.schedule(audio, [69, -2, -2, -2, -1, -2, -2, -2], 0.05, 0);
      return [...(await audio.startRendering()).getChannelData(0)]; }""")
    )
    assert 0.2 < np.abs(samples).max() < 0.95 and np.abs(samples[9000:]).max() < 1e-3
    spectrum = np.abs(np.fft.rfft(samples[:8820] * np.hanning(8820), 2**17))
    assert np.argmax(spectrum) * 44100 / 2**17 == pytest.approx(440, rel=0.005)
    assert np.abs(np.diff(samples)).max() < 0.05
