"""Notebook 07's explorable: integrals against sampling, a ledger that adds up, and controls that all move something."""
import re

import ipywidgets
import numpy as np
import pytest
from matplotlib import pyplot

from course_utils import nets
from course_utils.amortization import elbo_of_q
from course_utils.amortization_explorer import (
    STARTS, STEPS, amortization_explorer, elbo_by_quadrature, log_joint_on_grid, log_p_on_grid, paths)
from course_utils.gaussians import diagonal_gaussian_log_prob
from course_utils.likelihoods import bernoulli_log_prob

D = 16


@pytest.fixture(scope="module")
def model():
    rng = np.random.default_rng(0)
    encoder, decoder = nets.init_mlp([D, 8, 4], rng), [(2 * W, b) for W, b in nets.init_mlp([2, 8, D], rng)]
    return encoder, decoder, (rng.random((3, D)) < 0.5).astype("f4")


@pytest.fixture
def explorer(model):
    return amortization_explorer(*model, ["a", "b", "c"], shape=(4, 4))


def controls(explorer):
    return [control for row in explorer.children if isinstance(row, ipywidgets.HBox) for control in row.children]


def shown(explorer):
    html = next(child for child in explorer.children if isinstance(child, ipywidgets.HTML)).value
    return re.search(r'alt="([^"]*)".*base64,([^"]*)', html, re.DOTALL).groups()


def test_the_joint_is_likelihood_times_prior_with_the_second_latent_along_the_rows(model):
    _, decoder, x = model
    z_1, z_2 = np.array([-1.0, 0.5, 2.0]), np.array([0.3, -0.7])
    for i, first in enumerate(z_1):
        for j, second in enumerate(z_2):
            z = np.array([first, second])
            expected = bernoulli_log_prob(x, nets.mlp(decoder, z)) + diagonal_gaussian_log_prob(z, 0 * z, 0 * z)
            np.testing.assert_allclose(log_joint_on_grid(decoder, x, z_1, z_2)[:, j, i], expected, rtol=1e-5)


def test_integrals_agree_with_sampling(model):
    _, decoder, x = model
    rng = np.random.default_rng(1)
    likelihoods = np.exp(bernoulli_log_prob(x, nets.mlp(decoder, rng.normal(size=(40_000, 1, 2)))))
    error = likelihoods.std(axis=0) / 200 / likelihoods.mean(axis=0)
    assert np.all(np.abs(np.log(likelihoods.mean(axis=0)) - log_p_on_grid(decoder, x)) < 4 * error)
    mu, log_sigma = rng.normal(size=(2, 3, 2)).astype("f4") / 2
    log_sigma -= 1.5
    sampled = elbo_of_q(decoder, x, mu, log_sigma, rng.standard_normal((40_000, 3, 2), dtype=np.float32))
    np.testing.assert_allclose(elbo_by_quadrature(decoder, x, mu, log_sigma), sampled, atol=0.05)
    np.testing.assert_allclose(elbo_by_quadrature(decoder, x, mu, log_sigma, 40),
                               elbo_by_quadrature(decoder, x, mu, log_sigma), atol=0.01)


def test_both_paths_climb_towards_log_p_and_never_pass_it(model):
    encoder, decoder, x = model
    top = log_p_on_grid(decoder, x)
    for start, (mu, log_sigma, elbo) in paths(encoder, decoder, x).items():
        assert mu.shape == log_sigma.shape == (STEPS + 1, 3, 2) and elbo.shape == (STEPS + 1, 3)
        assert np.all(elbo < top) and np.all(elbo[-1] >= elbo[0] - 0.01), start
        np.testing.assert_allclose(elbo[7], elbo_by_quadrature(decoder, x, mu[7], log_sigma[7]), rtol=1e-6)


def test_every_control_changes_picture_and_text(explorer):
    example, start, steps = controls(explorer)
    for control, value in ((steps, 25), (start, STARTS[1]), (example, "c")):
        before = shown(explorer)
        control.value = value
        after = shown(explorer)
        assert after[0] != before[0] and after[1] != before[1], control.description
    assert pyplot.get_fignums() == []


def test_the_ledger_in_the_text_adds_up(explorer):
    for control, value in zip(controls(explorer), ("b", STARTS[0], 3)):
        control.value = value
    text = shown(explorer)[0]
    assert text.startswith("b, 3 steps from the encoder")
    elbo, gain, gap, top = map(float, re.search(
        r"ELBO (-?[\d.]+).*gain (-?[\d.]+), approximation gap (-?[\d.]+), together log p\(x\) = (-?[\d.]+)", text).groups())
    assert elbo + gain + gap == pytest.approx(top, abs=0.03) and gain >= 0 and gap > 0


def test_the_first_state_is_the_static_figure(explorer):
    bundle = explorer._repr_mimebundle_()
    assert bundle["text/plain"].startswith("a, 0 steps from the encoder") and "<img" in bundle["text/html"]


def test_what_it_cannot_draw_is_refused(model):
    encoder, decoder, x = model
    with pytest.raises(ValueError, match="2 latents, but the decoder has 3"):
        amortization_explorer(encoder, nets.init_mlp([3, D], np.random.default_rng(0)), x, ["a", "b", "c"], (4, 4))
    with pytest.raises(ValueError, match="expected 3 different ones"):
        amortization_explorer(encoder, decoder, x, ["a", "b", "b"], (4, 4))
