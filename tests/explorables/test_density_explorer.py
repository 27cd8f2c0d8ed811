"""The explorable of notebook 03: its density, its log-likelihood, and what its sliders change."""

import base64
import io
import re

import ipywidgets
import numpy as np
import pytest
from PIL import Image

from course_utils.explorables.density_explorer import density_explorer, density_map
from course_utils.probability import toy_decoders
from course_utils.probability.marginals import log_marginal_quadrature

X = toy_decoders.half_moon(np.random.default_rng(0).normal(size=(60, 1))) + 0.2 * np.random.default_rng(1).normal(
    size=(60, 2)
)


def decoder(z, bend):
    return 1.5 * toy_decoders.arc(z, bend)


@pytest.fixture
def explorer():
    made = density_explorer(X, decoder, bend=0.4, eta=0.5)
    sliders = {control.description: control for row in made.children for control in getattr(row, "children", ())}
    return made, sliders["Bend"], sliders["Noise variance"]


def shown(made):
    """(alt text, picture as an array)."""
    html = next(child for child in made.children if isinstance(child, ipywidgets.HTML)).value
    alt, data = re.search(r'alt="([^"]*)".*base64,([^"]*)', html, re.DOTALL).groups()
    return alt, np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")).astype(int)


def test_the_map_is_the_quadrature_of_the_library():
    x_1, x_2 = np.linspace(-3, 3, 7), np.linspace(-2, 2, 5)
    points = np.stack(np.meshgrid(x_1, x_2), axis=-1)
    expected = log_marginal_quadrature(points.reshape(-1, 2), toy_decoders.half_moon, 0.3, np.linspace(-5, 5, 401))
    np.testing.assert_allclose(
        density_map(toy_decoders.half_moon, 0.3, x_1, x_2), np.exp(expected).reshape(5, 7), rtol=1e-9
    )


@pytest.mark.whole
def test_the_log_likelihood_is_that_of_the_sliders(explorer):
    made, bend, eta = explorer
    bend.value, eta.value = 1.2, 0.04
    expected = log_marginal_quadrature(X, toy_decoders.half_moon, eta.value, np.linspace(-7, 7, 3001)).sum()
    alt = shown(made)[0]
    said = float(re.search(r"is (−?[\d,.]+) nats", alt)[1].replace(",", "").replace("−", "-"))
    assert abs(said - expected) < 0.1 and "bend 1.20" in alt


@pytest.mark.whole
def test_both_sliders_change_the_picture_and_back_again_restores_it(explorer):
    made, bend, eta = explorer
    start = shown(made)
    for slider, value in [(bend, 1.4), (eta, 0.05)]:
        before = slider.value
        slider.value = value
        assert np.abs(shown(made)[1] - start[1]).max() > 50
        slider.value = before
        assert shown(made)[0] == start[0] and (shown(made)[1] == start[1]).all()


@pytest.mark.whole
def test_less_noise_makes_the_coloured_area_smaller(explorer):
    made, _, eta = explorer

    def blue(eta_value):
        eta.value = eta_value
        picture = shown(made)[1]
        return np.mean((picture[..., 2] - picture[..., 0]) > 40)

    assert blue(0.02) < 0.6 * blue(0.5)


@pytest.mark.whole
def test_the_static_figure_is_the_start(explorer):
    made, bend, _ = explorer
    bend.value = 1.0
    assert made._repr_mimebundle_()["text/plain"].startswith(
        "The density around a curve of bend 0.40 with noise variance 0.5;"
    )


def test_points_that_are_not_in_a_plane_are_refused():
    with pytest.raises(ValueError, match=r"points x \(N, 2\), got \(4, 3\)"):
        density_explorer(np.zeros((4, 3)), decoder)
