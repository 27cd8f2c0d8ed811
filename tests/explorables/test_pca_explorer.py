"""The explorable of notebook 01: the numbers it shows, what it refuses, and what stands in for it."""

import base64
import io
import re

import numpy as np
import pytest
from matplotlib import pyplot
from PIL import Image

from course_utils.explorables.pca_explorer import PCASet, pca_explorer

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def pca_set(n, shape, seed):
    """Return a PCASet of n random images."""
    rng = np.random.default_rng(seed)
    d = shape[0] * shape[1]
    x = 0.5 + 0.1 * rng.normal(size=(n, 6)) @ rng.normal(size=(6, d)) + 0.01 * rng.normal(size=(n, d))
    x = x.astype("f4")
    mean = x.mean(axis=0)
    _, s, components = np.linalg.svd(x - mean, full_matrices=False)
    return PCASet(x, mean, components, s**2 / n, shape)


@pytest.fixture(scope="module")
def sets():
    return {"faces": pca_set(30, (12, 10), 0), "digits": pca_set(40, (5, 8), 1)}


def panels(explorer):
    """Return [(alt, image as an array in 0..1)] of what the explorer shows."""
    tags = re.findall(r'<img alt="([^"]*)"[^>]*base64,([^"]+)"', explorer._picture.value)
    return [(alt, np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))) / 255) for alt, data in tags]


def test_explorer_shows_the_reconstruction_and_the_move(sets):
    explorer = pca_explorer(sets)
    explorer.data.value = "digits"
    explorer.example.value, explorer.k.value, explorer.component.value, explorer.amount.value = 7, 3, 2, -1.5
    x, mean, components, eigenvalues, shape = sets["digits"]
    rebuilt = mean + (x[7] - mean) @ components[:3].T @ components[:3]
    moved = rebuilt - 1.5 * np.sqrt(eigenvalues[1]) * components[1]
    (_, first), (alt, second), (alt_moved, third), (alt_curve, _) = panels(explorer)
    for image, expected in [(first, x[7]), (second, rebuilt), (third, moved)]:
        np.testing.assert_allclose(image, np.clip(expected.reshape(shape), 0, 1), atol=1 / 255)
    assert "3 numbers" in alt and "-1.5 standard deviations along component 2" in alt_moved
    error, whole = ((x[7] - rebuilt) ** 2).sum(), ((x[7] - mean) ** 2).sum()
    assert f"{error / whole:.1%} at the marked K = 3" in alt_curve
    text = explorer._picture.value
    assert f"example: {error:.3g} of {whole:.3g}" in text
    assert f"keep {eigenvalues[:3].sum() / ((x - mean) ** 2).sum(axis=1).mean():.1%}" in text
    assert pyplot.get_fignums() == []


def test_the_share_kept_is_measured_on_the_examples_shown(sets):
    """Test images with the components of other, training images: the usual case in a notebook."""
    fresh = pca_set(25, (12, 10), 7).x
    faces = sets["faces"]._replace(x=fresh)
    explorer = pca_explorer({"faces": faces})
    explorer.k.value = 4
    centred = fresh - faces.mean
    rest = centred - centred @ faces.components[:4].T @ faces.components[:4]
    share = 1 - (rest**2).sum() / (centred**2).sum()
    assert f"keep {share:.1%} of the variance of all 25 faces" in explorer._picture.value
    assert f"over all examples it is {1 - share:.1%}" in panels(explorer)[3][0]


def test_every_control_changes_the_picture(sets):
    explorer = pca_explorer(sets)
    for control, value in [("example", 3), ("k", 2), ("amount", 2.0), ("component", 4), ("data", "digits")]:
        before = explorer._picture.value
        getattr(explorer, control).value = value
        assert explorer._picture.value != before, control


def test_all_components_rebuild_the_image_and_none_give_the_mean(sets):
    explorer = pca_explorer(sets)
    x, mean, components, _, shape = sets["faces"]
    assert explorer.k.options[0] == 0 and explorer.k.options[-1] == len(components)
    explorer.k.value = len(components)
    np.testing.assert_allclose(panels(explorer)[1][1], np.clip(x[0].reshape(shape), 0, 1), atol=1 / 255)
    assert "0.0% at the marked" in panels(explorer)[3][0]
    explorer.k.value = 0
    np.testing.assert_allclose(panels(explorer)[1][1], np.clip(mean.reshape(shape), 0, 1), atol=1 / 255)
    assert "100.0% at the marked" in panels(explorer)[3][0]


def test_the_curve_marks_the_current_k(sets):
    explorer = pca_explorer(sets)
    explorer.k.value = 0
    at_0 = panels(explorer)[3][1]
    explorer.k.value = 5
    at_5 = panels(explorer)[3][1]
    red = [np.argwhere((image[..., 0] > 0.6) & (image[..., 1] < 0.3)).mean(axis=0) for image in (at_0, at_5)]
    assert red[1][1] > red[0][1] + 20 and red[1][0] > red[0][0] + 20  # to the right, and lower


def test_changing_the_set_keeps_every_control_in_range(sets):
    explorer = pca_explorer({"small": pca_set(3, (4, 4), 2), **sets})
    explorer.data.value = "digits"
    explorer.example.value, explorer.component.value = 39, 30
    explorer.k.value = explorer.k.options[-1]
    explorer.data.value = "small"
    assert (explorer.example.value, explorer.k.value, explorer.component.value) == (2, 3, 3)
    assert panels(explorer)[0][1].shape == (4, 4)


@pytest.mark.whole
def test_explorer_has_a_static_figure_with_alt_text(sets):
    bundle = pca_explorer(sets)._repr_mimebundle_()
    assert set(bundle) == {WIDGET_VIEW, "text/html", "text/plain"}
    assert bundle["text/html"].startswith('<img alt="Rows: faces, digits.')
    image = Image.open(io.BytesIO(base64.b64decode(re.search('base64,([^"]+)', bundle["text/html"])[1])))
    assert np.asarray(image.convert("L")).std() > 10  # not an empty page


def test_explorer_refuses_what_does_not_fit(sets):
    with pytest.raises(ValueError, match="at least one data set"):
        pca_explorer({})
    faces = sets["faces"]
    with pytest.raises(ValueError, match=r"'faces': expected x \(N, D\).*D = 12 \* 11 = 132"):
        pca_explorer({"faces": faces._replace(shape=(12, 11))})
    with pytest.raises(ValueError, match="not orthonormal"):
        pca_explorer({"faces": faces._replace(components=2 * faces.components)})
