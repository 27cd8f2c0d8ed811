"""The explorable of notebook 13: its prices, and what its sliders change."""

import re

import ipywidgets
import numpy as np
import pytest

from course_utils.explorables.price_explorer import price_explorer, prices_of

RNG = np.random.default_rng(0)
T = RNG.uniform(-0.9, 0.2, 20)
Y = np.sin(4 * T) + 0.1 * RNG.normal(size=20)
CENTRES = np.linspace(-1.2, 1.2, 21)


@pytest.fixture
def explorer():
    made = price_explorer(T, Y, CENTRES, 0.1, start=5)
    sliders = {control.description: control for row in made.children for control in getattr(row, "children", ())}
    return made, sliders["Data points"], sliders["Noise variance"]


def alt(made):
    html = next(child for child in made.children if isinstance(child, ipywidgets.HTML)).value
    return re.search(r'alt="([^"]*)"', html)[1]


def test_without_data_nothing_costs_anything():
    np.testing.assert_allclose(prices_of([], [], CENTRES, 0.1, 0.02, 1.0), 0, atol=1e-12)


def test_only_what_meets_data_costs_bits_and_more_data_cost_more():
    few, many = (prices_of(T[:n], Y[:n], CENTRES, 0.1, 0.02, 1.0) for n in (4, 20))
    assert many[CENTRES > 0.8].max() < 0.01 < few.max()
    assert many.sum() > few.sum()


@pytest.mark.whole
def test_the_sliders_change_what_is_said(explorer):
    made, n, noise = explorer
    start = alt(made)
    assert start.startswith("5 points with noise variance 0.02")
    n.value = 0
    assert "cost 0.0 bits in all" in alt(made)
    n.value = 1
    assert alt(made).startswith("1 point with noise variance 0.02")
    n.value = 20
    loud = alt(made)
    noise.value = 0.001
    assert alt(made) != loud
    n.value, noise.value = 5, 0.02
    assert alt(made) == start
    assert made._repr_mimebundle_()["text/plain"].startswith("5 points")


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"t and y \(N,\)"):
        price_explorer(T, Y[:3], CENTRES)
