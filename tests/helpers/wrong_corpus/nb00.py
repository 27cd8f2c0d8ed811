"""Wrong answers to notebook 00, from the cards alone."""

import math

import numpy as np
from scipy.special import logsumexp

from wrong_corpus import wrong


@wrong(
    "log_mean_exp",
    cause="exp overflows or underflows, because no maximum is taken out first.",
    line="np.exp(a)",
)
def formula_as_it_stands(a):
    return np.log(np.mean(np.exp(a)))


@wrong(
    "log_mean_exp",
    cause="It is the log of the sum: log n has not been subtracted.",
    line="np.sum(np.exp(a - m))",
)
def sum_for_mean(a):
    m = np.max(a)
    return m + np.log(np.sum(np.exp(a - m)))


@wrong(
    "log_mean_exp",
    cause="The maximum was subtracted before exp and never added back.",
    line="return np.log(np.mean(np.exp(shifted)))",
)
def maximum_not_added_back(a):
    shifted = a - a.max()
    return np.log(np.mean(np.exp(shifted)))


@wrong(
    "log_mean_exp",
    cause="The maximum is subtracted once more at the end, where it should be added.",
    line="np.log(small.mean()) - biggest",
)
def maximum_subtracted_again(a):
    biggest = np.max(a)
    small = np.exp(a - biggest)
    return np.log(small.mean()) - biggest


@wrong(
    "log_mean_exp",
    cause="len(a) counts only the rows of a matrix; the number of all entries is a.size.",
    line="len(a)",
)
def counts_rows_only(a):
    return logsumexp(a) - np.log(len(a))


@wrong(
    "log_mean_exp",
    cause=("Maximum and mean are taken along axis 0 only, so a matrix gives one value per column instead of a scalar."),
    line="np.mean(np.exp(a - m), axis=0)",
)
def one_value_per_column(a):
    m = np.max(a, axis=0)
    return m + np.log(np.mean(np.exp(a - m), axis=0))


@wrong(
    "log_mean_exp",
    cause=("The mean is taken out instead of the maximum, so that an entry far above the mean still overflows."),
    line="centre = a.mean()",
)
def shifted_by_the_mean(a):
    centre = a.mean()
    return centre + np.log(np.mean(np.exp(a - centre)))


@wrong(
    "log_mean_exp",
    cause="The smallest entry is taken out instead of the largest, so exp can still overflow.",
    line="m = np.min(a)",
)
def shifted_by_the_minimum(a):
    m = np.min(a)
    return np.log(np.mean(np.exp(a - m))) + m


@wrong(
    "log_mean_exp",
    cause=(
        "The largest absolute value is taken out; where all entries are negative, that makes them smaller "
        "still, and exp underflows."
    ),
    line="np.abs(a).max()",
)
def shifted_by_the_largest_absolute_value(a):
    c = np.abs(a).max()
    return c + np.log(np.exp(a - c).mean())


@wrong(
    "log_mean_exp",
    cause=("log and exp are taken entry by entry and cancel, so this is the mean of a, not the log of a mean of exp."),
    line="np.mean(np.log(np.exp(a - m)))",
)
def mean_of_the_logs(a):
    m = np.max(a)
    return m + np.mean(np.log(np.exp(a - m)))


@wrong(
    "log_mean_exp",
    cause="The log of the sum is divided by n; the division belongs inside the logarithm.",
    line="/ a.size",
)
def log_of_sum_divided_by_n(a):
    m = a.max()
    return (m + np.log(np.exp(a - m).sum())) / a.size


@wrong(
    "log_mean_exp",
    cause=(
        "A tiny number added inside the log only hides the underflow: very negative entries all give "
        "log(1e-300), and large ones still overflow."
    ),
    line="1e-300",
)
def tiny_number_inside_the_log(a):
    return np.log(np.mean(np.exp(a)) + 1e-300)


@wrong(
    "log_mean_exp",
    cause="Exponents beyond 700 are clipped, which changes the entries instead of shifting them.",
    line="np.clip(a, -700, 700)",
)
def exponents_clipped(a):
    safe = np.clip(a, -700, 700)
    return np.log(np.mean(np.exp(safe)))


@wrong(
    "log_mean_exp",
    cause=(
        "The search for the maximum starts at 0, so with only negative entries nothing is taken out and exp underflows."
    ),
    line="largest = 0.0",
)
def maximum_search_starts_at_zero(a):
    values = np.ravel(a)
    largest = 0.0
    for value in values:
        if value > largest:
            largest = value
    total = 0.0
    for value in values:
        total += math.exp(value - largest)
    return largest + np.log(total / len(values))


@wrong(
    "log_mean_exp",
    cause="The logarithm is missing: the maximum is added to the mean of the exponentials themselves.",
    line="m + np.mean(np.exp(a - m))",
)
def logarithm_forgotten(a):
    m = np.max(a)
    return m + np.mean(np.exp(a - m))
