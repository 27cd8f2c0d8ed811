"""Ways between codes: the circle against rotations, its limits, and morphs against decoding one by one."""

import numpy as np
import pytest
from scipy.linalg import expm

from course_utils.models import toy_codes
from course_utils.models.interpolation import morph, slerp, slerp_middles


@pytest.mark.parametrize("K", [2, 3, 10])
def test_unit_codes_are_turned_evenly(K):
    """Against the rotation that turns a into b: exp(t w (q p^T - p q^T)) a, q the part of b that is orthogonal to a."""
    rng = np.random.default_rng(K)
    a, b = (v / np.linalg.norm(v) for v in rng.normal(size=(2, K)))
    w = np.arccos(a @ b)
    q = (b - (a @ b) * a) / np.sin(w)
    turn = np.outer(q, a) - np.outer(a, q)
    expected = [expm(t * w * turn) @ a for t in np.linspace(0, 1, 7)]
    np.testing.assert_allclose(slerp(a, b, 7), expected, atol=1e-12)


def test_codes_of_any_length_enter_linearly():
    a, b = np.random.default_rng(0).normal(size=(2, 5))
    t = np.linspace(0, 1, 4)
    p, q = a / np.linalg.norm(a), b / np.linalg.norm(b)
    unit = slerp(p, q, 4)
    basis = np.linalg.lstsq(np.stack([p, q], axis=1), unit.T, rcond=None)[0]
    expected = basis[0][:, None] * a + basis[1][:, None] * b
    np.testing.assert_allclose(slerp(a, b, 4), expected, atol=1e-12)
    assert t[0] == 0 and np.allclose(slerp(a, b, 4)[[0, -1]], [a, b])


def test_small_angles_go_over_into_the_straight_line():
    a = np.random.default_rng(0).normal(size=4)
    for change in (1e-5, 1e-8, 1e-12, 0):
        b = 2 * a + change * np.array([1, -1, 0, 2])
        line = np.linspace(0, 1, 5)[:, None] * (b - a) + a
        np.testing.assert_allclose(slerp(a, b, 5), line, atol=1e-4 * max(change, 1e-10) + 1e-9)


def test_what_has_no_great_circle_is_refused():
    a = np.array([1.0, 2.0])
    for other, message in ((-a, "opposite"), (0 * a, "not 0"), (np.ones(3), "one shape")):
        with pytest.raises(ValueError, match=message):
            slerp(a, other, 5)
    with pytest.raises(ValueError, match="steps = 1"):
        slerp(a, a + 1, 1)


def test_middles_are_the_sums_stretched():
    """The middle of the circle is (a + b) / (2 cos(w / 2))."""
    a, b = np.random.default_rng(1).normal(size=(2, 6, 4))
    cosine = np.sum(a * b, axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    expected = (a + b) / (2 * np.sqrt((1 + cosine) / 2))[:, None]
    np.testing.assert_allclose(slerp_middles(a, b), expected)


def test_a_morph_decodes_the_circle_between_the_means():
    a, b = np.random.default_rng(2).normal(size=(2, 2, 3))
    mu = [toy_codes.encode_grids(x[None])[0][0] for x in (a, b)]
    expected = [toy_codes.decode_grids(z[None])[0] for z in slerp(*mu, 5)]
    got = morph(toy_codes.encode_grids, toy_codes.decode_grids, a, b, 5)
    assert got.shape == (5, 2, 3)
    np.testing.assert_allclose(got, expected)


def test_toy_codes_want_rows():
    for function, wrong in ((toy_codes.encode_pairs, np.zeros(2)), (toy_codes.decode_grids, np.zeros((3, 5)))):
        with pytest.raises(ValueError, match="one row for each example"):
            function(wrong)
    for encode, decode, shape in (
        (toy_codes.encode_pairs, toy_codes.decode_pairs, (3, 2)),
        (toy_codes.encode_grids, toy_codes.decode_grids, (3, 2, 3)),
    ):
        x = np.random.default_rng(0).normal(size=shape)
        mu, log_sigma = encode(x)
        assert mu.shape == log_sigma.shape and decode(mu).shape == shape
        np.testing.assert_allclose(encode(x[1:2])[0][0], mu[1])  # row by row
