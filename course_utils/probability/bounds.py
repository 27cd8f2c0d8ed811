"""Jensen's inequality in numbers, and the bound on log p(x) that averages S weights inside the logarithm."""

from collections.abc import Callable

import numpy as np

from course_utils.probability.expecting import Array, floats, probabilities, shapes
from course_utils.probability.numerics import log_sum_exp


def jensen_gap(h: Callable[[Array], Array], x: Array, weights: Array) -> float:
    """E[h(X)] - h(E[X]) for a discrete X: positive or 0 for convex h, negative or 0 for concave h, a scalar.

    X takes the value x_i with probability weights_i: sum_i weights_i h(x_i) - h(sum_i weights_i x_i). x and
    weights (n,), weights >= 0 with sum 1; h works entry by entry. (Jensen 1906.)
    """
    x, weights = floats(x), floats(weights)
    shapes(x=(x, "n"), weights=(weights, "n"))
    probabilities(weights=weights)
    return weights @ h(x) - h(weights @ x)


def iwae_bound(log_w: Array) -> Array:
    """The S-sample bound log (1/S) sum_s w_s of each example, in nats. log_w (S, N) -> (N,).

    log_w[s, n] = log p(x_n, z_s) - log q(z_s) with z_s drawn from q. Its mean over draws is at most log p(x_n),
    and is the ELBO for S = 1. Stable: the largest weight of each column is taken out of the sum. (Burda, Grosse
    and Salakhutdinov 2016, eq. 8.)
    """
    log_w = floats(log_w)
    shapes(log_w=(log_w, "S N"))
    return log_sum_exp(log_w, axis=0) - np.log(len(log_w))
