"""Sums of exponentials against scipy."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.special import logsumexp

from course_utils.probability.numerics import log_mean_exp


@given(hnp.arrays(np.float64, hnp.array_shapes(max_dims=3), elements=st.floats(-5000, 5000)))
def test_log_mean_exp_agrees_with_scipy(a):
    assert np.isclose(log_mean_exp(a), logsumexp(a) - np.log(a.size), atol=1e-9)
