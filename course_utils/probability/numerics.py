"""Sums of exponentials that neither overflow nor underflow."""

import autograd.numpy as np

from course_utils.probability.expecting import floats


def log_mean_exp(a):
    """The logarithm of the mean of exp(a) over all entries of `a`, as a scalar.

    log (1/n) sum_i exp(a_i) = m + log (1/n) sum_i exp(a_i - m) with m = max_i a_i, so that the largest term is
    exp(0): nothing overflows, and the sum is never 0. In nats where `a` is. Any shape, at least one entry.
    """
    a = floats(a)
    m = np.max(a)
    return m + np.log(np.mean(np.exp(a - m)))
