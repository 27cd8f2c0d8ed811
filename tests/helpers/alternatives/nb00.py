"""Right answers to notebook 00."""

import math

import autograd.numpy as anp
import numpy as np
from scipy.special import logsumexp


def by_scipy(a):
    return logsumexp(a) - np.log(np.size(a))


def by_loops(a):
    entries = [float(v) for v in np.ravel(a)]
    m = max(entries)
    return m + math.log(math.fsum(math.exp(v - m) for v in entries) / len(entries))


def single_precision(a):
    a = anp.asarray(a, dtype=anp.float32)
    return a.max() + anp.log(anp.mean(anp.exp(a - a.max())))


def by_logaddexp(a):
    return np.array(np.logaddexp.reduce(np.ravel(a)) - np.log(np.size(a)))


ALTERNATIVES = {"log_mean_exp": [by_scipy, by_loops, single_precision, by_logaddexp]}
