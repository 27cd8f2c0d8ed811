"""The explorable of notebook 04: the numbers it shows, what it refuses, and what stands in for it."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from course_utils.explorables.bound_explorer import bound_explorer
from course_utils.probability.toy_joints import bent_log_joint, linear_log_evidence, linear_log_joint, linear_posterior

GRID = np.linspace(-6, 6, 1201)
NUMBERS = r"F = (-?[\d.]+).*?gap = (-?[\d.]+).*?log p\(x\) = (-?[\d.]+)"


@pytest.fixture(scope="module")
def explorer():
    return bound_explorer({"two modes": bent_log_joint, "one mode": linear_log_joint}, GRID)


def controls(explorer):
    """The explorer's controls by name: mean, width, joint."""
    found = [control for row in explorer.children[:-2] for control in row.children]
    return dict(zip(("mean", "width", "joint"), found, strict=True))


def shown(explorer):
    """Return the alt text and the picture (H, W, 4) that the explorer shows now."""
    alt, data = re.search(r'<img alt="([^"]*)"[^>]*base64,([^"]+)"', explorer.children[-2].value).groups()
    return alt, np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


@pytest.mark.whole
def test_the_numbers_are_those_of_the_closed_form(explorer):
    c = controls(explorer)
    c["joint"].value, c["mean"].value, c["width"].value = "one mode", 0.4, 0.8
    F, gap, evidence = map(float, re.search(NUMBERS, shown(explorer)[0]).groups())
    m, s = linear_posterior()
    kl = np.log(s / 0.8) + (0.8**2 + (0.4 - m) ** 2) / (2 * s**2) - 0.5
    assert gap == pytest.approx(kl, abs=6e-4)
    assert evidence == pytest.approx(linear_log_evidence(), abs=6e-4)
    assert F == pytest.approx(evidence - kl, abs=1.2e-3)


@pytest.mark.slow
def test_f_and_gap_always_add_up(explorer):
    c = controls(explorer)
    c["joint"].value = "two modes"
    for mean, width in stats.qmc.Halton(2, seed=0).random(4) * [4, 1.4] + [-2, 0.06]:
        c["mean"].value, c["width"].value = float(mean), float(width)
        F, gap, evidence = map(float, re.search(NUMBERS, shown(explorer)[0]).groups())
        assert gap >= 0 and F + gap == pytest.approx(evidence, abs=2e-3)


@pytest.mark.whole
def test_every_control_changes_the_picture(explorer):
    c = controls(explorer)
    c["joint"].value, c["mean"].value, c["width"].value = "two modes", 0.0, 1.0  # whatever other tests have left
    for name, value in [("mean", 1.3), ("width", 0.25), ("joint", "one mode"), ("joint", "two modes")]:
        before = shown(explorer)[1]
        c[name].value = value
        assert (shown(explorer)[1] != before).any(), name


@pytest.mark.whole
def test_a_bound_far_below_is_said_to_be_off_the_axis(explorer):
    c = controls(explorer)
    c["joint"].value, c["mean"].value, c["width"].value = "one mode", -2.5, 0.1
    assert "below the axis" in shown(explorer)[0]


@pytest.mark.whole
def test_explorer_has_a_static_figure_with_alt_text(explorer):
    bundle = explorer._repr_mimebundle_()
    assert bundle["text/plain"].startswith("q has mean 0.00") and bundle["text/html"].startswith("<img alt=")


def test_explorer_refuses_nothing_to_explore():
    with pytest.raises(ValueError, match="at least one"):
        bound_explorer({}, GRID)
