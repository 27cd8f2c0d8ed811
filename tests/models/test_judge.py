"""The judge with a class for "none of these": what its negative controls are made of, and that it tells them apart."""

import numpy as np
import pytest

from course_utils.data import load_mnist, shrink
from course_utils.models.judge import NONE, TAUGHT, judge_train, no_digits, share_of_digits


def test_the_controls_are_made_of_two_digits_with_different_labels():
    x = np.repeat(np.arange(6.0), 16).reshape(6, 16) / 8  # one grey value a picture, which tells its label
    y = np.arange(6) // 2
    kinds = no_digits(x, y, np.random.default_rng(0))
    label_of = {float(grey): label for grey, label in zip(x[:, 0], y)}
    for halves, here, there in (("left and right halves", 0, 3), ("upper and lower halves", 0, 12)):
        for picture in kinds[halves]:
            assert label_of[float(picture[here])] != label_of[float(picture[there])] and len(set(picture)) == 2
    average, largest = kinds["averages of two"][:, 0], kinds["one over the other"][:, 0]
    left, right = kinds["left and right halves"][:, [0, 3]].T
    assert np.allclose(average, (left + right) / 2) and np.array_equal(largest, np.maximum(left, right))
    assert np.isin(kinds["pixels of both"], x).all() and set(TAUGHT) < set(kinds)
    assert all(pictures.shape == average.shape + (16,) and pictures.dtype == np.float32 for pictures in kinds.values())


def test_shuffled_pixels_have_the_same_ink():
    digits = load_mnist()
    kinds = no_digits(digits.x_test[:50], digits.y_test[:50], np.random.default_rng(0))
    shuffled, known = kinds["shuffled pixels"].sum(axis=1), digits.x_test[:50].sum(axis=1)
    assert all(np.isclose(known, ink, rtol=1e-4).any() for ink in shuffled)


@pytest.mark.slow
def test_it_takes_digits_for_digits_and_the_controls_for_none_also_those_that_it_was_not_taught():
    digits = load_mnist()
    x, held = (shrink(part, 14) for part in (digits.x_train[:4000], digits.x_test[:1000]))
    judge = judge_train(x, digits.y_train[:4000], 600, np.random.default_rng(0))
    assert judge[-1][1].shape == (NONE + 1,)
    shares = {
        kind: share_of_digits(judge, pictures)
        for kind, pictures in no_digits(held, digits.y_test[:1000], np.random.default_rng(1)).items()
    }
    shown = share_of_digits(judge, held), shares
    assert shown[0] > 0.85, shown
    assert max(shares["noise"], shares["shuffled pixels"]) < 0.01 and max(shares.values()) < 0.6, shown


def test_refusals():
    with pytest.raises(ValueError, match="square pictures"):
        no_digits(np.zeros((4, 15)), np.zeros(4), np.random.default_rng(0))
    with pytest.raises(ValueError, match="shapes are"):
        no_digits(np.zeros((4, 16)), np.zeros(3), np.random.default_rng(0))
