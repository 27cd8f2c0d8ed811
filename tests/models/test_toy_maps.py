"""The functions that couplings and samplers are tried with: what they look at."""

import numpy as np
import pytest

from course_utils.models import toy_maps


@pytest.mark.parametrize("logits", [toy_maps.causal_logits, toy_maps.sure_logits])
def test_a_logit_looks_at_what_comes_before(logits):
    x = np.random.default_rng(0).integers(0, 2, (1, 6)).astype(float)
    for d in range(6):
        flipped = x.copy()
        flipped[0, d] = 1 - flipped[0, d]
        changed = (logits(flipped) != logits(x))[0]
        assert not changed[: d + 1].any() and changed[d + 1 :].all()


@pytest.mark.parametrize("function", [toy_maps.wavy_scale, toy_maps.wavy_shift])
def test_every_output_looks_at_every_input(function):
    h = np.random.default_rng(1).normal(size=(1, 5))
    for d in range(5):
        assert (function(h + 0.3 * np.eye(5)[d]) != function(h)).all()
