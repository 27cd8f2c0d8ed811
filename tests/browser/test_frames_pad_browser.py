"""The frames pad in a real browser: it shows numpy's frames, the keyboard moves it, and its words change with it."""

import numpy as np
import pytest

from course_utils.explorables.frames_pad import frames_pad

pytestmark = pytest.mark.browser


def test_keys_move_the_frames_of_an_exported_page(browser):
    frames = np.zeros((4, 2, 1, 300, 2))
    frames[..., 0], frames[..., 1] = np.arange(4)[:, None, None, None] - 1.5, np.arange(2)[None, :, None, None] - 0.5
    pad = frames_pad(
        frames,
        ["step", "row"],
        [list("abcd"), list("xy")],
        lambda i, j: f"frame {i} {j}",
        "Dots.",
        kind="points",
        extent=(-2, 2, -2, 2),
        width=200,
    )
    page = browser.new_page(viewport={"width": 700, "height": 500})
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.set_content(pad.standalone())
    page.wait_for_selector("input[type=range]")

    def status():
        return page.text_content("[role=status]")

    def painted():
        """The mean place (x, y) of what is not white, in the units of the frames."""
        pixels = page.evaluate(
            """() => { const c = document.querySelector("canvas");
            return [c.width, [...c.getContext("2d").getImageData(0, 0, c.width, c.height).data]]; }"""
        )
        side = pixels[0]
        grey = np.array(pixels[1]).reshape(side, side, 4)[:, :, 0]
        y, x = np.nonzero(grey < 250)
        return 4 * np.mean(x + 0.5) / side - 2, 2 - 4 * np.mean(y + 0.5) / side

    assert status() == "frame 2 1" and page.get_attribute("canvas", "aria-label") == "Dots. frame 2 1"
    np.testing.assert_allclose(painted(), [0.5, 0.5], atol=0.03)
    step, row = page.query_selector_all("input[type=range]")
    page.evaluate("() => { window.keys = 0; document.addEventListener('keydown', () => window.keys++); }")
    step.focus()
    page.keyboard.press("ArrowRight")
    row.focus()
    page.keyboard.press("Home")
    assert status() == "frame 3 0" and step.get_attribute("aria-valuetext") == "d"
    assert page.evaluate("keys") == 0  # else JupyterLab takes them for its own, and the slider stays where it is
    np.testing.assert_allclose(painted(), [1.5, -0.5], atol=0.03)
    page.click("button")  # play begins again at the start, where the end was reached
    assert status() == "frame 0 0" and page.text_content("button") == "Pause"
    page.close()
    assert errors == []
