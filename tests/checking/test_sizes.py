"""Sizes in an error's text become letters of the card, where they can be nothing else."""

import numpy as np
import pytest

from course_utils.checking import examine
from course_utils.checking.sizes import as_a_sum, in_letters
from course_utils.exercises import find_exercise
from course_utils.models.vae import encoder_forward
from course_utils.networks.nets import mlp


@pytest.mark.parametrize(
    "number, letters",
    [(9, "D"), (2, "K"), (13, "D + C"), (6, "K + C"), (8, "2 K + C"), (3, "K + 1"), (10, "D + 1"), (4, ""), (7, "")],
)
def test_a_number_as_a_sum_of_letters(number, letters):
    assert as_a_sum(number, {"D": 9, "K": 2, "C": 4}) == letters  # 4 is C and 2 K, 7 is none


def test_two_texts_are_known_and_nothing_of_them_is_repeated():
    exercise = find_exercise("style_grid")
    args = ([(np.zeros((6, 5)), np.zeros(5))], 1, 4, np.zeros((7, 2)))
    says = "a network that takes K + C numbers for each example gets K; K is the number of latent dimensions, C is the"
    for text in (
        "the network takes 6 numbers for each example, but x has shape (7, 2)",
        "matmul: Input operand 1 has a mismatch in its core dimension 0 (size 6 is different from 2)",
    ):
        assert in_letters(exercise, args, text).startswith(says)
    for text in ("", "the network takes 77 numbers for each example, but x has shape (7, 2)", "size 6"):
        assert in_letters(exercise, args, text) == ""


def test_where_there_is_no_network_none_is_spoken_of():
    report = examine(lambda x, mean, components: (x - mean) @ components, name="pca_encode")
    assert report.misconception == "error: product" and "network" not in report.advice


def test_the_report_says_what_a_network_lacks():
    def analogy(encoder, decoder, x, y, y_new, C):
        z, _ = encoder_forward(encoder, np.hstack([x, np.eye(C)[y]]))
        return mlp(decoder, z)

    report = examine(analogy, name="analogy")
    assert report.kind == "raised" and report.misconception == "error: sizes"
    assert "takes K + C numbers for each example gets K;" in report.advice
    assert "takes" in report.detail and "mlp(decoder, z)" in report.detail
