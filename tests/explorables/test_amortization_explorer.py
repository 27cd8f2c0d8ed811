"""Notebook 07's explorable: paths that climb, a ledger that adds up, and controls that all move something."""

import re

import ipywidgets
import numpy as np
import pytest
from matplotlib import pyplot
from two_latent_model import D, small_model

from course_utils.explorables.amortization_explorer import STARTS, STEPS, amortization_explorer, paths
from course_utils.models.two_latents import elbo_by_quadrature, log_p_on_grid
from course_utils.networks import nets


@pytest.fixture(scope="module")
def model():
    return small_model()


@pytest.fixture
def explorer(model):
    return amortization_explorer(*model, ["a", "b", "c"], shape=(4, 4))


def controls(explorer):
    return [control for row in explorer.children if isinstance(row, ipywidgets.HBox) for control in row.children]


def shown(explorer):
    html = next(child for child in explorer.children if isinstance(child, ipywidgets.HTML)).value
    return re.search(r'alt="([^"]*)".*base64,([^"]*)', html, re.DOTALL).groups()


def test_both_paths_climb_towards_log_p_and_never_pass_it(model):
    encoder, decoder, x = model
    top = log_p_on_grid(decoder, x)
    for start, (mu, log_sigma, elbo) in paths(encoder, decoder, x).items():
        assert mu.shape == log_sigma.shape == (STEPS + 1, 3, 2) and elbo.shape == (STEPS + 1, 3)
        assert np.all(elbo < top) and np.all(elbo[-1] >= elbo[0] - 0.01), start
        np.testing.assert_allclose(elbo[7], elbo_by_quadrature(decoder, x, mu[7], log_sigma[7]), rtol=1e-6)


@pytest.mark.slow
def test_every_control_changes_picture_and_text(explorer):
    example, start, steps = controls(explorer)
    for control, value in ((steps, 25), (start, STARTS[1]), (example, "c")):
        before = shown(explorer)
        control.value = value
        after = shown(explorer)
        assert after[0] != before[0] and after[1] != before[1], control.description
    assert pyplot.get_fignums() == []


@pytest.mark.whole
def test_the_ledger_in_the_text_adds_up(explorer):
    for control, value in zip(controls(explorer), ("b", STARTS[0], 3)):
        control.value = value
    text = shown(explorer)[0]
    assert text.startswith("b, 3 steps from the encoder")
    elbo, gain, gap, top = map(
        float,
        re.search(
            r"ELBO (-?[\d.]+).*gain (-?[\d.]+), approximation gap (-?[\d.]+), together log p\(x\) = (-?[\d.]+)", text
        ).groups(),
    )
    assert elbo + gain + gap == pytest.approx(top, abs=0.03) and gain >= 0 and gap > 0


@pytest.mark.whole
def test_the_first_state_is_the_static_figure(explorer):
    bundle = explorer._repr_mimebundle_()
    assert bundle["text/plain"].startswith("a, 0 steps from the encoder") and "<img" in bundle["text/html"]


def test_what_it_cannot_draw_is_refused(model):
    encoder, decoder, x = model
    with pytest.raises(ValueError, match="2 latents, but the decoder has 3"):
        amortization_explorer(encoder, nets.init_mlp([3, D], np.random.default_rng(0)), x, ["a", "b", "c"], (4, 4))
    with pytest.raises(ValueError, match="expected 3 different ones"):
        amortization_explorer(encoder, decoder, x, ["a", "b", "b"], (4, 4))
