"""The latent pad: what it sends to the browser, what it refuses, and what stands in for it."""

import base64
import re

import numpy as np
import pytest

from course_utils.explorables import latent_pad

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def network(sizes, seed=0):
    rng = np.random.default_rng(seed)
    return [(rng.normal(size=(m, n)), rng.normal(size=n)) for m, n in zip(sizes, sizes[1:])]


def test_decode_is_the_networks_forward_pass():
    (W1, b1), (W2, b2) = decoder = network([2, 5, 6])
    z = np.array([[0.3, -1.0], [2.0, 0.5]])
    expected = np.tanh(z @ W1 + b1) @ W2 + b2
    np.testing.assert_allclose(latent_pad.decode(decoder, z, "identity"), expected)
    np.testing.assert_allclose(latent_pad.decode(decoder, z), 1 / (1 + np.exp(-expected)))
    with np.errstate(all="raise"):
        assert latent_pad.decode([(np.array([[1e4]]), np.zeros(1))], [[-1.0]]) == 0


def test_pad_sends_the_weights_once_as_float16():
    decoder = network([2, 5, 6])
    pad = latent_pad.latent_pad(decoder, (2, 3))
    assert len(pad.weights) == 2 * (2 * 5 + 5 + 5 * 6 + 6)
    for (W, b), (W_sent, b_sent) in zip(decoder, pad.layers(), strict=True):
        np.testing.assert_array_equal(W_sent, W.astype("f2"))
        np.testing.assert_array_equal(b_sent, b.astype("f2"))


def test_pad_takes_the_chosen_dimensions_of_codes_and_base():
    codes = np.arange(12.0).reshape(3, 4)
    pad = latent_pad.latent_pad(
        network([4, 6]), (2, 3), codes=codes, labels=["b", "a", "b"], dims=(3, 1), base=[9, 5, 9, 7]
    )
    np.testing.assert_array_equal(np.frombuffer(pad.codes, "<f4").reshape(-1, 2), codes[:, [3, 1]])
    assert pad.value == (7, 5) and pad.labels == [1, 0, 1] and pad.label_names == ["a", "b"]
    left, right, bottom, top = pad.extent
    assert left < 3 and right > 11 and bottom < 1 and top > 9 and right - left == pytest.approx(top - bottom)
    pad.base = [0, 0, 0, 1]  # for example other label units
    with pytest.raises(Exception, match="base: expected 4 numbers"):
        pad.base = [0, 0]


@pytest.mark.parametrize(
    "change, message",
    [
        ({"decoder": []}, r"expected a list of \(W, b\)"),
        ({"decoder": [(np.zeros((2, 6)),)]}, r"expected a list of \(W, b\), got layers with \[1\]"),
        ({"decoder": [(1.0, 2.0)]}, r"layer 0: expected W \(K, n\) and b \(n,\), got \(\) and \(\)"),
        ({"decoder": network([2, 5]) + network([4, 6])}, r"layer 1: expected W \(5, n\).* got \(4, 6\)"),
        ({"decoder": [(np.zeros((2, 6)), np.zeros(5))]}, r"layer 0: .* got \(2, 6\) and \(5,\)"),
        ({"decoder": [(np.zeros(6), np.zeros(6))]}, "layer 0"),
        ({"decoder": [(np.full((2, 6), np.nan), np.zeros(6))]}, "not finite"),
        ({"decoder": [(np.full((2, 6), 7e4), np.zeros(6))]}, "not finite in float16"),
        ({"shape": (3, 3)}, "3 x 3 needs 9 outputs, the decoder has 6"),
        ({"decoder": network([1, 6])}, "two different dimensions of a code with K = 1"),
        ({"dims": (1, 1)}, "two different dimensions"),
        ({"dims": (0, 2)}, "two different dimensions"),
        ({"codes": np.zeros((5, 3))}, r"shape \(N, 2\), .* got shape \(5, 3\)"),
        ({"codes": np.zeros(5)}, r"shape \(N, 2\)"),
        ({"codes": np.full((1, 2), np.inf)}, "finite"),
        ({"codes": np.zeros((5, 2)), "labels": np.zeros(4)}, "one for each of 5 codes"),
        ({"labels": np.zeros(4)}, "one for each of 0 codes"),
        ({"codes": np.zeros((11, 2)), "labels": np.arange(11)}, "at most 10"),
        ({"extent": (1, 1, 0, 2)}, "left < right"),
        ({"output": "softmax"}, '"sigmoid" or "identity", got \'softmax\''),
        ({"base": [1.0]}, r"base: expected shape \(2,\)"),
    ],
)
def test_pad_refuses_what_does_not_fit(change, message):
    with pytest.raises(ValueError, match=message):
        latent_pad.latent_pad(**{"decoder": network([2, 5, 6]), "shape": (2, 3)} | change)


@pytest.mark.whole
def test_pad_has_a_static_figure_and_a_copy_that_needs_no_kernel():
    pad = latent_pad.latent_pad(network([2, 5, 6]), (2, 3))
    data, _ = pad._repr_mimebundle_()
    assert set(data) == {WIDGET_VIEW, "text/html", "text/plain"}
    assert data["text/plain"] == pad.description
    assert data["text/html"].startswith('<div><img alt="Latent pad: the image that the decoder makes')
    assert base64.b64encode(pad.weights).decode() in data["text/html"]
    assert "http" not in re.sub('base64,[^"]+', "", data["text/html"])  # nothing is fetched


def test_manifold_is_the_grid_of_decoded_codes():
    decoder = network([3, 6])
    pad = latent_pad.latent_pad(decoder, (2, 3), dims=(2, 0), base=[0, 0.7, 0], extent=(-1, 1, -2, 2))
    tiles = pad.picture(3).axes[0].images[0].get_array()
    expected = latent_pad.decode(pad.layers(), [[2.0, 0.7, -1.0], [-2.0, 0.7, 1.0]])  # top left, bottom right
    np.testing.assert_allclose(tiles[:2, :3], expected[0].reshape(2, 3), atol=1e-6)
    np.testing.assert_allclose(tiles[-2:, -3:], expected[1].reshape(2, 3), atol=1e-6)
