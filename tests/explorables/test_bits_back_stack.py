"""The stack of bits back: its tables, its steps, its static figure and the copy that needs no kernel."""

import math
import re

import numpy as np
import pytest

from course_utils.explorables.bits_back_stack import LOAN, PRECISION, bits_back_stack
from course_utils.models.coding import bits_back_decode, bits_back_encode

PRIOR = np.array([0.5, 0.3, 0.2])
LIKELIHOOD = np.array([[0.5, 0.3, 0.1, 0.1], [0.1, 0.3, 0.5, 0.1], [0.1, 0.2, 0.3, 0.4]])
POSTERIOR = (PRIOR[:, None] * LIKELIHOOD / (PRIOR @ LIKELIHOOD)).T


@pytest.fixture
def stack():
    return bits_back_stack(PRIOR, LIKELIHOOD, POSTERIOR)


def test_tables_are_the_probabilities(stack):
    for starts, p in [(stack.prior, PRIOR), (stack.likelihood, LIKELIHOOD), (stack.posterior, POSTERIOR)]:
        np.testing.assert_allclose(np.diff(np.array(starts)) / (1 << PRECISION), p, atol=4 / (1 << PRECISION))


def test_three_steps_are_bits_back(stack):
    tables = (stack.prior, stack.likelihood, stack.posterior, PRECISION)
    for x in range(4):
        (_, popped), (_, _), (_, end) = stack.steps(x, LOAN)
        assert popped < LOAN < end == bits_back_encode(LOAN, x, *tables)
        assert bits_back_decode(end, *tables) == (x, LOAN)


def test_the_static_figure_shows_the_states_bit_by_bit(stack):
    ax = stack.picture().axes[0]
    assert len(ax.images) == 1 + 3 * 3
    first = 1 - np.asarray(ax.images[0].get_array())[0]
    assert int("".join(map(str, first.astype(int))), 2) == LOAN
    assert f"{math.log2(LOAN):.1f} bits" in ax.get_yticklabels()[0].get_text()


@pytest.mark.whole
def test_there_is_a_copy_that_needs_no_kernel(stack):
    data, _ = stack._repr_mimebundle_()
    assert data["text/plain"] == stack.description
    assert data["text/html"].startswith('<div><img alt="The stack of bits back as a barcode.')
    assert "http" not in re.sub('base64,[^"]+', "", data["text/html"])  # nothing is fetched


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"likelihood \(Z, 3\) and posterior \(3, Z\)"):
        bits_back_stack(PRIOR, LIKELIHOOD, POSTERIOR, names="ABC")
    with pytest.raises(ValueError, match="add up to 1"):
        bits_back_stack(2 * PRIOR, LIKELIHOOD, POSTERIOR)
