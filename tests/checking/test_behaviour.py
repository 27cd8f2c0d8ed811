"""What a report says of an answer's behaviour: noise of its own, memory, arguments without effect, zeros and ones."""

import numpy as np
import pytest

from course_utils.checking import examine

MEMORY = []


def own_noise(mu, log_sigma, eps):
    rng = np.random.default_rng()
    z = mu + np.exp(log_sigma) * rng.normal(size=eps.shape)
    return z


def memory(mu, log_sigma, eps):
    MEMORY.append(1)
    return mu + np.exp(log_sigma) * eps + len(MEMORY)


def without_noise(mu, log_sigma, eps):
    return np.sin(mu) * np.cosh(log_sigma) + 0 * eps


def nowhere(mu, log_sigma, eps):
    return np.sin(mu) * np.cosh(mu)


def constant(mu, log_sigma, eps):
    return np.full(eps.shape, 0.25)


@pytest.mark.parametrize(
    "function, key, words, line",
    [
        (own_noise, "random", "it draws random numbers of its own", "rng = np.random.default_rng()"),
        (memory, "not repeatable", "remember something from one call to the next", ""),
        (without_noise, "not used: eps", "does not depend on the values in `eps`.", ""),
        (nowhere, "not used: log_sigma, eps", "do not occur in your function", ""),
        (constant, "nothing is used", "is 0.25, whatever the arguments are", ""),
    ],
)
def test_behaviour(function, key, words, line):
    report = examine(function, name="reparameterize")
    assert report.misconception == key and words in report.advice and report.detail.endswith(line), report
    assert bool(line) == bool(report.detail)


def test_zeros_and_ones_where_something_else_is_asked():
    report = examine(lambda decoder, z: (decoder[-1][1] + z[:, :1] > 0.1).astype(float), name="vae_generate")
    assert report.misconception == "zeros and ones" and "0 or 1" in report.advice


def test_answers_that_are_repeatable_are_not_called_random():
    def reparameterize(mu, log_sigma, eps):
        np.random.default_rng(0).normal()  # drawn, but without effect on the result
        return mu + log_sigma * eps

    assert examine(reparameterize).misconception == "log_sigma for sigma"
