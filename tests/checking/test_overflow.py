"""Answers that are right on ordinary inputs: which way out of overflow they missed, and only what is sure of it."""

import numpy as np
import pytest
from scipy.special import logsumexp

from course_utils.checking import examine


def about(shift):
    def log_mean_exp(a):
        m = shift(np.asarray(a))
        return m + np.log(np.mean(np.exp(a - m)))

    return log_mean_exp


def with_tiny(a):
    return np.log(np.mean(np.exp(a)) + 1e-300)


def clipped(a):
    return np.log(np.mean(np.exp(np.clip(a, -700, 700))))


@pytest.mark.parametrize(
    "function, key, words",
    [
        (about(np.mean), "mean taken out", "what lies far above it still overflows"),
        (about(lambda a: np.abs(a).max()), "largest absolute value", "makes negative entries smaller still"),
        (about(lambda a: max(a.max(), 0)), "maximum from zero", "negative or not"),
        (with_tiny, "1e-300 in the logarithm", "hides that exp underflows"),
        (clipped, "clipped at 700", "the exponents are clipped"),
    ],
)
def test_which_way_out_was_missed(function, key, words):
    report = examine(function, name="log_mean_exp")
    assert report.misconception == f"all entries: {key}" and words in report.advice.lower()
    assert report.advice.startswith("Your function is right on ordinary inputs, but not for entries")


def test_one_maximum_for_all():
    def log_marginal_monte_carlo(x, decoder, eta, eps):
        log_p = np.stack([-0.5 * np.sum((x - decoder(z)) ** 2, axis=1) / eta for z in eps])
        m = log_p.max()
        return m + np.log(np.mean(np.exp(log_p - m), axis=0)) - x.shape[1] / 2 * np.log(2 * np.pi * eta)

    report = examine(log_marginal_monte_carlo)
    assert report.misconception == "the samples: one maximum" and "one for each result" not in report.advice


def test_an_answer_that_fails_in_a_way_of_its_own_is_not_accused():
    def log_mean_exp(a):
        a = np.asarray(a, float)
        return logsumexp(a) - np.log(a.size) if np.abs(a).max() < 300 else 17.25

    report = examine(log_mean_exp)
    assert not report.passed and not (report.misconception or "").startswith("all entries")


def test_where_several_ways_fit_only_what_they_share_is_said(monkeypatch):
    from course_utils.checking import overflow

    ways = list(overflow.of_the_logarithm())
    twice = [*ways, ("as well", "it is something else over {n}", ways[1][2])]
    monkeypatch.setattr(overflow, "of_the_logarithm", lambda: iter(twice))
    report = examine(about(np.mean), name="log_mean_exp")
    assert report.misconception == "exp out of range" and "something else" not in report.advice
