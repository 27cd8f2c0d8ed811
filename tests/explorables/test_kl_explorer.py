"""Notebook 05's explorable: its numbers, and that every slider moves picture and text."""

import re

import ipywidgets
import numpy as np
import pytest
from matplotlib import pyplot
from scipy import stats

from course_utils.explorables.kl_explorer import BAR_TOP, GRID, kl_both_ways, kl_explorer, log_ratio_areas


def sliders(explorer):
    return [control for row in explorer.children if isinstance(row, ipywidgets.HBox) for control in row.children]


def shown(explorer):
    html = next(child for child in explorer.children if isinstance(child, ipywidgets.HTML)).value
    return re.search(r'alt="([^"]*)".*base64,([^"]*)', html, re.DOTALL).groups()


def extremes():
    explorer = kl_explorer()
    return [(slider.min, slider.max) for slider in sliders(explorer)]


@pytest.mark.whole
def test_the_areas_add_up_to_the_divergence_for_every_setting_of_the_sliders():
    (m_low, m_high), (s_low, s_high) = extremes()[:2]
    for setting in [
        (1, 0.6, -0.5, 1.5),
        (m_low, s_high, m_high, s_low),
        (m_high, s_low, m_low, s_high),
        (m_low, s_high, m_high, s_high),
    ]:
        q, p, integrand, (plus, minus) = log_ratio_areas(*setting)
        forward, reverse = kl_both_ways(*setting)
        assert plus >= 0 >= minus
        assert plus + minus == pytest.approx(forward, rel=1e-4)
        assert reverse == pytest.approx(kl_both_ways(*setting[2:], *setting[:2])[0])
        np.testing.assert_allclose(q, stats.norm.pdf(GRID, *setting[:2]), atol=1e-12)
        assert np.all((integrand > 0) <= (q >= p))


def test_divergences_are_the_closed_form():
    forward, reverse = kl_both_ways(1.0, 0.5, 0.0, 1.0)
    assert forward == pytest.approx((0.25 + 1 - 1) / 2 - np.log(0.5))
    assert reverse == pytest.approx(np.log(0.5) + (1 + 1) / (2 * 0.25) - 0.5)


@pytest.mark.whole
def test_every_slider_changes_picture_and_text():
    explorer = kl_explorer()
    for slider in sliders(explorer):
        before = shown(explorer)
        slider.value += 0.5
        after = shown(explorer)
        assert after[0] != before[0] and after[1] != before[1], slider.description
    assert pyplot.get_fignums() == []


@pytest.mark.whole
def test_equal_gaussians_cost_nothing_and_long_bars_keep_their_number():
    explorer = kl_explorer()
    for slider, value in zip(sliders(explorer), (1, 1.2, 1, 1.2)):
        slider.value = value
    assert "KL(q || p) = 0.00 nats" in shown(explorer)[0] and "KL(p || q) = 0.00" in shown(explorer)[0]
    for slider, value in zip(sliders(explorer), (3, 2.5, -3, 0.4)):
        slider.value = value
    forward, _ = kl_both_ways(3, 2.5, -3, 0.4)
    assert forward > BAR_TOP and f"KL(q || p) = {forward:.2f} nats" in shown(explorer)[0]


@pytest.mark.whole
def test_the_first_state_is_the_static_figure():
    bundle = kl_explorer()._repr_mimebundle_()
    assert bundle["text/plain"].startswith("q has mean 1 and width 0.6") and "<img" in bundle["text/html"]
