"""Notebook 06's explorable: its numbers, and that every control moves picture and text."""

import re

import ipywidgets
import numpy as np
import pytest
from matplotlib import pyplot

from course_utils.explorables.gradient_explorer import EPS, FUNCTIONS, MOST, estimates, gradient_explorer

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(80)
WEIGHTS = WEIGHTS / WEIGHTS.sum()


def controls(explorer):
    return {
        control.description: control
        for row in explorer.children
        if isinstance(row, ipywidgets.HBox)
        for control in row.children
    }


def shown(explorer):
    html = next(child for child in explorer.children if isinstance(child, ipywidgets.HTML)).value
    return re.search(r'alt="([^"]*)".*base64,([^"]*)', html, re.DOTALL).groups()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives_and_exact_gradients_belong_to_the_functions(name):
    f, df, exact = FUNCTIONS[name]
    z = np.linspace(-2, 2, 9)
    np.testing.assert_allclose(df(z), (f(z + 1e-6) - f(z - 1e-6)) / 2e-6, rtol=1e-6, atol=1e-6)
    for mu, sigma in [(0.7, 0.3), (-1.5, 1.6), (2.0, 0.05)]:
        assert WEIGHTS @ df(mu + sigma * NODES) == pytest.approx(exact(mu, sigma), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_both_clouds_lie_around_the_exact_gradient(name):
    for mu, log_sigma, offset in [(1.0, -0.5, 0), (-2.0, 0.5, -20), (0.5, -3.0, 20)]:
        *_, path, score, exact = estimates(name, mu, log_sigma, offset, MOST)
        for cloud in (path, score):
            assert abs(cloud.mean() - exact) < 4 * cloud.std() / np.sqrt(MOST)


def test_an_offset_moves_only_the_score_function_s_cloud():
    before, after = (estimates("z²", 1.0, -1.0, offset, 50) for offset in (0, 10))
    np.testing.assert_array_equal(after[2], before[2])
    np.testing.assert_allclose(after[3] - before[3], 10 * EPS[:50] / np.exp(-1.0))
    assert before[4] == after[4] == 2.0


@pytest.mark.whole
def test_every_control_changes_picture_and_text():
    explorer = gradient_explorer()
    assert list(controls(explorer)) == ["Mean of q", "Log sigma of q", "Offset c", "Samples", "f(z) ="]
    for name, control in controls(explorer).items():
        before = shown(explorer)
        control.value = "eᶻ" if name == "f(z) =" else control.value + 10 * control.step
        after = shown(explorer)
        assert after[0] != before[0] and after[1] != before[1], name
    assert pyplot.get_fignums() == []


@pytest.mark.whole
def test_the_text_says_what_the_picture_shows():
    explorer = gradient_explorer()
    controls(explorer)["Log sigma of q"].value = -3
    *_, path, score, exact = estimates("z²", 1.0, -3, 0, 100)
    text = shown(explorer)[0]
    assert f"exact gradient is {exact:.2f}" in text
    assert f"{path.mean():.2f} on average, with a standard deviation of {path.std():.3g};" in text
    assert f"{score.mean():.2f} on average, with a standard deviation of {score.std():.3g}." in text


@pytest.mark.whole
def test_the_first_state_is_the_static_figure():
    bundle = gradient_explorer()._repr_mimebundle_()
    assert bundle["text/plain"].startswith("f(z) = z², lifted by 0; q has mean 1") and "<img" in bundle["text/html"]
