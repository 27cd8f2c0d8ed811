"""Exercise of notebook 00: one to learn how exercises work."""

import numpy as np
from scipy.special import logsumexp

from course_utils.exercises.model import Case, Exercise, Misconception, close


def cases(rng):
    return [
        Case((rng.normal(size=7),)),
        Case((rng.normal(size=(4, 5)),)),
        Case((5 * rng.normal(size=(2, 3, 4)) - 1,)),
        Case((rng.normal(size=4)[rng.integers(4, size=(3, 3))],), "where several entries are equal"),
        Case((rng.normal(size=6) * 30 + 2000,), "for entries near 2000, where exp overflows"),
        Case((rng.normal(size=(3, 2)) * 30 - 2000,), "for entries near -2000, where exp underflows"),
        Case((rng.normal(size=(4, 2)) + [-1500, 1500],), "for entries that lie thousands apart"),
        Case((rng.normal(size=(4, 3)) + [400, -600, 300],), "for entries of which some are 400 and others -600"),
        Case((rng.normal(size=(3, 2)) + [-1500, -100],), "for entries of which some are -100 and others -1500"),
    ]


def without_add_back(a):
    a = np.asarray(a)
    return np.log(np.mean(np.exp(a - a.max())))


def about_the_minimum(a):
    m = np.min(a)
    return m + np.log(np.mean(np.exp(a - m)))


def spelled_log_mean_exp(P, a):
    largest = np.max(a)
    mean = P.mean(P.apply("exp", np.exp, a - P("the largest entry before exp", largest)), None, "the entries")
    made = P.term("the largest entry that is added back", largest) + P.apply("the logarithm", np.log, mean)
    return P.log_mean_exp(a, None, "all entries", made=made)


LOG_MEAN_EXP = Exercise(
    name="log_mean_exp",
    notebook="00_start_here",
    points=1,
    minutes=5,
    lines=3,
    lecture_points=("L10",),
    signature="log_mean_exp(a)",
    returns="scalar",
    task=(
        "The logarithm of the mean of exp(a) over all entries of a, for entries as large as 2000 or as small as -2000."
    ),
    answer="course_utils.probability.numerics:log_mean_exp",
    aliases=("course_utils.probability.bounds:iwae_bound",),
    cases=cases,
    oracle=lambda a: logsumexp(a) - np.log(a.size),
    compare=close(),
    spelled=spelled_log_mean_exp,
    others={
        "this is the largest entry alone": np.max,
        "you average over the first axis only; the mean is over all entries": (
            lambda a: logsumexp(a, axis=0) - np.log(a.shape[0])
        ),
        "this is the logarithm of the mean of the entries: exp is missing": lambda a: np.log(np.mean(a)),
        "this is the mean of log(1 + exp(a))": lambda a: np.mean(np.logaddexp(0, a)),
    },
    misconceptions={
        "sum for mean": Misconception(
            lambda a: logsumexp(a),
            "This is the log of the sum, not of the mean: where is the division by the number of entries?",
        ),
        "mean of logs": Misconception(
            lambda a: np.mean(a),
            "This is the mean of a, which is what you get when log and mean change places. "
            "The log of a mean is not the mean of the logs: that gap is what notebook 04 is about.",
        ),
        "naive": Misconception(
            lambda a: np.log(np.mean(np.exp(a))),
            "Right formula, but exp overflows to infinity (or underflows to 0) for large entries. "
            "Take out the largest entry first: subtract it before exp, add it after log.",
        ),
        "last axis only": Misconception(
            lambda a: logsumexp(a, axis=-1) - np.log(a.shape[-1]),
            "You average over the last axis only. "
            "Here the mean is over all entries, so the result is one number whatever the shape.",
        ),
        "length for size": Misconception(
            lambda a: logsumexp(a) - np.log(len(a)),
            "len(a) counts the rows of a matrix. How many entries are there in all? (a.size)",
        ),
        "maximum not added back": Misconception(
            without_add_back,
            "You subtract the largest entry before exp, which is right, but then it must be added back after log.",
        ),
        "minimum for maximum": Misconception(
            about_the_minimum,
            "You subtract the smallest entry before exp, so that the largest exponents still overflow. "
            "Take out the largest one: then every exponent is at most 0.",
        ),
        "maximum added after dividing": Misconception(
            lambda a: (np.max(a) + np.log(np.sum(np.exp(a - np.max(a))))) / a.size,
            "You divide the log-sum-exp by the number of entries. "
            "The division belongs inside the logarithm: outside, it becomes - log n.",
        ),
    },
    hints=(
        "Write down log((1/n) sum exp(a_i)) and pull the factor exp(m) out of the sum, for any number m.",
        (
            "log((1/n) sum exp(a_i)) = m + log((1/n) sum exp(a_i - m)). "
            "With m the largest entry, every exponent is at most 0."
        ),
        "m = np.max(a), then m + np.log(np.mean(np.exp(a - m))). np.mean without axis averages over all entries.",
    ),
)

EXERCISES = [LOG_MEAN_EXP]
