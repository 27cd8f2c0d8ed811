"""Gradients through a Gaussian sample: the reparameterization z = mu + sigma eps, its backprop rules, and the two
estimators of the gradient of an expectation, with their variances where these have a closed form."""

from collections.abc import Callable

import autograd.numpy as np
from autograd import grad
from autograd.extend import defvjp, primitive
from numpy.random import default_rng

from course_utils.networks.arrays import Array


def reparameterize(mu: Array, log_sigma: Array, eps: Array) -> Array:
    """z = mu + exp(log_sigma) eps: a sample of N(mu, diag(sigma^2)) for standard normal eps.

    mu, log_sigma (N, K), eps (N, K) or (S, N, K) -> the shape of eps. (Kingma and Welling 2014, section 2.4.)
    """
    return mu + np.exp(log_sigma) * eps


def sigma_bar(z_bar: Array, eps: Array) -> Array:
    """The gradient of sigma, given that of z = mu + sigma eps: z_bar eps, entry by entry. All (N, K)."""
    return np.multiply(z_bar, eps)


def reparameterize_vjp(z_bar: Array, log_sigma: Array, eps: Array) -> tuple[Array, Array]:
    """(mu_bar, log_sigma_bar), the gradients given that of z: z_bar, and z_bar sigma eps. All (N, K)."""
    return np.multiply(z_bar, 1), z_bar * np.exp(log_sigma) * eps


def dropout_vjp(h_bar: Array, mask: Array, rate: float) -> Array:
    """The gradient of h, given that of h mask / (1 - rate) (inverted dropout): h_bar mask / (1 - rate).

    `rate` is the probability of dropping, 0 <= rate < 1; mask is 1 where kept, 0 where dropped. h_bar, mask (N, K).
    (Srivastava et al. 2014, section 10, where the scaling is done at test time.)
    """
    return h_bar * (np.array(mask) / (1 - rate))


def score_function_gradient(f: Callable[[Array], Array], mu: float, sigma: float, eps: Array) -> Array:
    """Estimates of d/dmu E[f(z)], z ~ N(mu, sigma^2), one a sample: f(z) (z - mu) / sigma^2 = f(z) eps / sigma.

    f works entry by entry and need not be differentiable; mu and sigma scalars, eps (S,) -> (S,). No baseline.
    (Williams 1992.)
    """
    eps = np.array(eps)
    return f(mu + sigma * eps) * eps / sigma


def pathwise_gradient(df: Callable[[Array], Array], mu: float, sigma: float, eps: Array) -> Array:
    """Estimates of d/dmu E[f(z)], z ~ N(mu, sigma^2), one a sample: f'(z), as dz/dmu = 1.

    df, the derivative of f, works entry by entry; mu and sigma scalars, eps (S,) -> (S,).
    """
    return df(mu + sigma * np.array(eps))


def score_function_loss(mu: Array, log_sigma: Array, z: Array, rewards: Array) -> Array:
    """A loss whose gradient by (mu, log_sigma) is the score-function estimate of that of -E[f(z)], with a baseline.

    -1/S sum_s (r_s - b_s) log N(z_s; mu, diag(sigma^2)), where b_s is the mean of the other rewards. mu, log_sigma
    (K,); the samples z (S, K) and their rewards r = f(z) (S,) are constants. S > 1. As sum_s (r_s - b_s) = 0, what is
    the same in log q of every sample does not count. (Mnih and Rezende 2016.)
    """
    z, rewards = np.array(z), np.array(rewards)
    exponent = -0.5 * np.sum(((z - mu) * np.exp(-log_sigma)) ** 2, axis=1)
    return -np.mean((rewards - leave_one_out(rewards)) * (exponent - np.sum(log_sigma)))


def sample_gradients(
    f: Callable[[Array], Array], mu: Array, log_sigma: Array, draw: Callable[[Array, Array], Array]
) -> tuple[Array, Array]:
    """(mu_bar, log_sigma_bar) of the sum of f(z) for z = draw(mu, sigma), a step that autograd does not know.

    It is taught the rule: z_bar and z_bar (z - mu), since z - mu = sigma times the noise. `draw` takes plain arrays and
    may be any way to draw from a family with that mean (or location) and width; autograd differentiates f. All (N, K).
    """
    sample = primitive(lambda mu, log_sigma: draw(mu, np.exp(log_sigma)))
    defvjp(sample, lambda z, mu, log_sigma: lambda z_bar: z_bar, lambda z, mu, _: lambda z_bar: z_bar * (z - mu))
    return grad(lambda mu, log_sigma: np.sum(f(sample(mu, log_sigma))), (0, 1))(mu, log_sigma)


def normal_draws() -> Callable[[Array, Array], Array]:
    """A function (mu, sigma) -> z that draws from N(mu, sigma^2), new noise at each call; plain arrays (N, K) alone."""
    return _with_widths(default_rng(0).normal)


def laplace_draws() -> Callable[[Array, Array], Array]:
    """A function (mu, sigma) -> z that draws from the Laplace density with location mu and scale sigma, new noise at
    each call; plain arrays (N, K) alone."""
    return _with_widths(default_rng(1).laplace)


def _with_widths(family: Callable) -> Callable[[Array, Array], Array]:
    def draw(mu, sigma):
        if np.any(np.array(sigma) <= 0):
            raise ValueError("draw takes mu and sigma, and sigma is positive; was it called with log_sigma?")
        return family(mu, sigma)

    return draw


def leave_one_out(rewards: Array) -> Array:
    """For each sample the mean reward of the others: a baseline that does not depend on the sample. (S, ...) -> same.

    Subtracting it leaves the score-function estimator without bias (Mnih and Rezende 2016). S > 1.
    """
    S = len(rewards)
    if S < 2:
        raise ValueError(f"a baseline from the other samples needs at least 2 samples, got {S}")
    return (np.sum(rewards, axis=0) - rewards) / (S - 1)


def score_function_variance(mu: Array, sigma: Array, baseline: float = 0.0) -> Array:
    """Variance of (f(z) - baseline) eps_k / sigma_k, the estimate of the gradient of E[f] with respect to mu_k.

    For f(z) = sum_i z_i^2 and z ~ N(mu, diag(sigma^2)), from the moments of a Gaussian up to the sixth. mu, sigma (K,),
    the baseline a constant -> (K,).
    """
    mu, sigma = np.array(mu, float), np.array(sigma, float)
    mean, variance = mu**2 + sigma**2, 4 * mu**2 * sigma**2 + 2 * sigma**4  # of each z_i^2
    rest = np.sum(mean) - mean - baseline  # mean of sum_{i != k} z_i^2 - baseline ...
    rest_variance = np.sum(variance) - variance  # ... which is independent of eps_k
    second_moment = (
        rest_variance + rest**2 + 2 * rest * (mu**2 + 3 * sigma**2) + mu**4 + 18 * mu**2 * sigma**2 + 15 * sigma**4
    ) / sigma**2
    return second_moment - (2 * mu) ** 2


def pathwise_variance(mu: Array, sigma: Array) -> Array:
    """Variance of 2 z_k, the pathwise estimate of the same gradient as in `score_function_variance`: 4 sigma_k^2.

    mu, sigma (K,) -> (K,). It does not depend on mu, nor on the other dimensions.
    """
    return 4 * np.square(np.array(sigma, float)) + 0 * np.array(mu, float)
