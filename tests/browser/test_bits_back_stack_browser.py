"""The stack of bits back in a real browser: its whole numbers are Python's, and buttons, keys and clicks work."""

import pytest

from course_utils.explorables.bits_back_stack import LOAN, PRECISION, bits_back_stack
from course_utils.models.coding import bits_back_encode

pytestmark = pytest.mark.browser


def test_symbols_are_sent_read_and_damaged(browser):
    prior, likelihood = [0.5, 0.3, 0.2], [[0.6, 0.3, 0.1], [0.1, 0.3, 0.6], [0.1, 0.5, 0.4]]
    stack = bits_back_stack(prior, likelihood, [[0.7, 0.2, 0.1], [0.4, 0.3, 0.3], [0.2, 0.5, 0.3]], names="ABC")
    tables = (stack.prior, stack.likelihood, stack.posterior, PRECISION)
    page = browser.new_page(viewport={"width": 900, "height": 600})
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.set_content(stack.standalone())
    # set_content runs the script; the stack then takes the figure's place
    page.wait_for_selector("canvas[role=application]")

    def text():
        return page.locator("[role=group]").inner_text()

    assert "nothing yet" in text()
    state = LOAN
    for name in "CABBA":
        state = bits_back_encode(state, "ABC".index(name), *tables)
        page.get_by_role("button", name=f"send {name}").click()
        assert "finish the three steps" in text()
        page.get_by_role("button", name="next step").click()
        page.get_by_role("button", name="next step").click()
    assert "sent:     C A B B A" in text() and "received: C A B B A  and the loan is back" in text()
    # the bits that are drawn: ask the canvas for the number of its cells by walking to the last one
    bar = page.locator("canvas[role=application]")
    bar.focus()
    for _ in range(state.bit_length() + 3):
        page.keyboard.press("ArrowRight")
    last = state & 1
    assert f"Bit {state.bit_length()} of {state.bit_length()} is {last}." in text()
    page.keyboard.press("Space")
    assert "is flipped" in text() and "NOT what it was" in text()
    page.keyboard.press("Space")
    assert "received: C A B B A  and the loan is back" in text()
    page.get_by_role("button", name="read one").click()
    assert "Read A" in text() and "received: C A B B  and the loan is back" in text()
    box = bar.bounding_box()
    page.mouse.click(box["x"] + 0.9 * box["width"], box["y"] + 20)
    assert "is flipped" in text() and "received: C A B B" not in text()
    page.get_by_role("button", name="start again").click()
    assert "nothing yet" in text()
    page.close()
    assert errors == []
