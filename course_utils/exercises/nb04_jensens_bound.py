"""Exercises of notebook 04: Jensen's inequality, the lower bound and its gap, EM, and the S-sample bound."""

import functools
import math
from decimal import Decimal

import numpy as np
from scipy import special, stats
from scipy.special import logsumexp, xlogy

from course_utils.exercises.model import Case, Exercise, Misconception, close
from course_utils.exercises.stand_ins import Named
from course_utils.probability import grids, mixtures

exercise = functools.partial(Exercise, notebook="04_jensens_bound")


# jensen_gap ---------------------------------------------------------------------------------------------------------


def jensen_cases(rng):
    def case(h, n):
        x = rng.permutation(np.linspace(0.4, 2.8, n) + rng.uniform(-0.1, 0.1, size=n))
        return Case((Named(f"numpy:{h}"), x, rng.dirichlet(np.linspace(2, 5, n))))

    def rare(n):
        x, weights = (
            np.append(rng.uniform(0.4, 2, n), 7 + rng.uniform()),
            np.append(0.995 * rng.dirichlet(np.full(n, 3.0)), 0.005),
        )
        return Case((Named("numpy:exp"), x, weights), "where a value is rare and far out")

    return [
        case("exp", 7),
        case("log", 5),
        case("square", 9),
        case("sqrt", 6),
        case("reciprocal", 4),
        case("exp", 2),
        rare(5),
    ]


def loop_gap(h, x, weights):
    mean = math.fsum(float(w) * float(v) for v, w in zip(x, weights))
    return math.fsum(float(w) * float(h(v)) for v, w in zip(x, weights)) - float(h(mean))


def spelled_jensen_gap(P, h, x, weights):
    mean_of_h = P.sum(P("the weights of E[h(X)]", weights) * P.apply("h in E[h(X)]", h, x), 0, "the values in E[h(X)]")
    mean = P.sum(P("the weights of E[X]", weights) * x, 0, "the values in E[X]")
    return P.term("E[h(X)]", mean_of_h) - P.term("h(E[X])", P.apply("h in h(E[X])", h, mean))


JENSEN_GAP = exercise(
    name="jensen_gap",
    points=1,
    minutes=3,
    lines=1,
    lecture_points=("L11",),
    signature="jensen_gap(h, x, weights)",
    returns="scalar",
    task=(
        r"Return the gap $\mathbb{E}[h(X)] - h(\mathbb{E}[X])$ for an $X$ that takes the value `x[i]` with probability "
        "`weights[i]`; `h` is a function such as `np.exp`."
    ),
    answer="course_utils.probability.bounds:jensen_gap",
    cases=jensen_cases,
    oracle=loop_gap,
    compare=close(rtol=2e-4, atol=5e-6),  # a small difference of two large numbers: float32 loses digits
    spelled=spelled_jensen_gap,
    others={
        "the weights are taken for a density, and integrated over x; they are probabilities: sum their products": (
            lambda h, x, weights: np.trapezoid(weights * h(x), x) - h(np.trapezoid(weights * x, x))
        ),
        "two things: the weights are not used, and the sign is turned round": (
            lambda h, x, weights: h(np.mean(x)) - np.mean(h(x))
        ),
        "this is h of the mean, without E[h(X)]": lambda h, x, weights: h(weights @ x),
        "E[h(X)] is taken without the weights; E[X] is right": lambda h, x, weights: np.mean(h(x)) - h(weights @ x),
        "the mean of h(X) is divided by the number of values once more": (
            lambda h, x, weights: np.mean(weights * h(x)) - h(weights @ x)
        ),
        "the mean of X is divided by the number of values once more": (
            lambda h, x, weights: weights @ h(x) - h(np.mean(weights * x))
        ),
        "these are the differences value by value; take their mean under the weights": (
            lambda h, x, weights: weights * h(x) - h(weights @ x),
            lambda h, x, weights: h(x) - h(weights @ x),
        ),
        "this is the quotient of E[h(X)] and h(E[X]); their difference is asked": (
            lambda h, x, weights: weights @ h(x) / h(weights @ x)
        ),
    },
    misconceptions={
        "sign": Misconception(
            lambda h, x, weights: h(weights @ x) - weights @ h(x),
            "The sign is turned round: the gap is E[h(X)] - h(E[X]), so that it is positive for a convex h.",
        ),
        "unweighted": Misconception(
            lambda h, x, weights: np.mean(h(x)) - h(np.mean(x)),
            "Both means are taken as if all values were equally likely. Use the weights: they are the probabilities.",
        ),
        "one mean unweighted": Misconception(
            lambda h, x, weights: weights @ h(x) - h(np.mean(x)),
            "E[h(X)] is right. The mean inside h does not use the weights.",
        ),
        "h of the sum": Misconception(
            lambda h, x, weights: weights @ h(x) - h(np.sum(x)),
            "In the second term, h is applied to the sum of the values. "
            "E[X] is their mean: weight each value by its probability.",
        ),
        "weights inside h": Misconception(
            lambda h, x, weights: np.sum(h(weights * x)) - h(weights @ x),
            "In the first term you apply h to weight times value. E[h(X)] weights h(x): the weight stays outside h.",
        ),
        "divided by n": Misconception(
            lambda h, x, weights: np.mean(weights * h(x)) - h(np.mean(weights * x)),
            "The weights sum to 1 already, and np.mean divides by n once more: use np.sum.",
        ),
        "first term only": Misconception(
            lambda h, x, weights: weights @ h(x), "This is E[h(X)] alone. Subtract h(E[X])."
        ),
    },
    hints=(
        "An expectation weighs each value by its probability: that of f(X) is the sum of weights[i] * f(x[i]).",
        "Do it twice: once with $f = h$, and once with $f(x) = x$, whose result then goes into $h$.",
        r"np.sum(weights * h(x)) is $\mathbb{E}[h(X)]$, and np.sum(weights * x) is $\mathbb{E}[X]$.",
    ),
)


# on the grid --------------------------------------------------------------------------------------------------------

LINEAR, BENT, FAINT, DENSE, SHARP = (
    Named(f"course_utils.probability.toy_joints:{name}_log_joint")
    for name in ("linear", "bent", "faint", "dense", "sharp")
)
UNEVEN = "on a grid with uneven steps"
ENDS = "where the density is not 0 at the ends of the grid"


def even_grid(rng, G, reach=4.5):
    return np.linspace(-reach - rng.uniform(), reach + rng.uniform(), G)


def uneven_grid(rng, G, reach=5):
    """Steps that differ by a factor of up to ten, between about -reach and reach."""
    steps = rng.uniform(0.1, 1, size=G - 1)
    return -reach + rng.uniform(-0.5, 0.5) + 2 * reach * np.append(0, np.cumsum(steps)) / steps.sum()


def narrow_grid(rng, G):
    """A grid too short for the mass: the integrand at its ends counts, with the trapezoid rule's weight."""
    return np.linspace(-0.6 - rng.uniform(), 0.6 + rng.uniform(), G)


def drawn_q(rng, grid, zeros=False):
    """A density on the grid with two bumps, its trapezoid integral 1; with zeros, nothing left of its middle."""
    a, b = rng.uniform(-2, -0.5), rng.uniform(0.3, 2)
    q = 0.4 * grids.gaussian_on_grid(grid, a, rng.uniform(0.4, 0.9))
    q = q + grids.gaussian_on_grid(grid, b, rng.uniform(0.3, 1))
    if zeros:
        q = np.where(grid < (a + b) / 2, 0.0, q)
    return q / grids.integrate(q, grid)


def loop_integral(values, grid):
    """The trapezoid rule, interval by interval, in decimal arithmetic."""
    values, grid = [Decimal(v) for v in values], [Decimal(float(z)) for z in grid]
    return sum((b - a) * (f + g) / 2 for a, b, f, g in zip(grid, grid[1:], values, values[1:]))


def decimal_joint(log_joint, grid):
    return [Decimal(float(v)).exp() for v in log_joint(grid)]  # exp(-2000) is no problem for a Decimal


def decimal_posterior(log_joint, grid):
    joint = decimal_joint(log_joint, grid)
    evidence = loop_integral(joint, grid)
    return [p / evidence for p in joint]


def first_step(values, grid):
    return np.sum(values, axis=-1) * (grid[1] - grid[0])


def log_values(log_joint, grid, log_total):
    """log p(z | x) for a rule that gives log p(x) from log p(x, z)."""
    log_p = log_joint(grid)
    return log_p - log_total(log_p, grid)


def posterior_cases(rng):
    return [
        Case((LINEAR, even_grid(rng, 90))),
        Case((BENT, even_grid(rng, 120))),
        Case((BENT, uneven_grid(rng, 80)), UNEVEN),
        Case((FAINT, uneven_grid(rng, 150)), "where log_joint is near -2000"),
        Case((DENSE, uneven_grid(rng, 150)), "where log_joint is near +1300"),
        Case(
            (SHARP, even_grid(rng, 900)),
            "where the posterior has a narrow peak, beside which log_joint falls by thousands",
        ),
        Case((BENT, narrow_grid(rng, 30)), ENDS),
    ]


def posterior_by(log_total):
    return lambda log_joint, grid: np.exp(log_values(log_joint, grid, log_total))


SMALL = (1e-300, 1e-100, 1e-50, 1e-30, 1e-20, 1e-16, 1e-15, 1e-12, 1e-10)  # what stands in for 0


def gaussian_of_the_posterior(log_joint, grid):
    p = grids.posterior_on_grid(log_joint, grid) * grids.trapezoid_weights(grid)
    return stats.norm.pdf(grid, p @ grid, np.sqrt(p @ (grid - p @ grid) ** 2))


def spelled_posterior_on_grid(P, log_joint, grid):
    log_p = log_joint(grid)
    p = P.apply("exp", np.exp, log_p - log_p.max())
    widths = P("the steps' widths", grids.trapezoid_weights(grid))
    return p / P.divisor("the integral", P.sum(widths * p, 0, "the grid"))


POSTERIOR_ON_GRID = exercise(
    name="posterior_on_grid",
    points=2,
    minutes=8,
    lines=3,
    lecture_points=("L10", "L16"),
    signature="posterior_on_grid(log_joint, grid)",
    returns="(G,)",
    task=(
        r"Return the density $p(z \mid \mathbf{x})$ at the points of `grid` (G,), given the function `log_joint`, "
        r"which is $\log p(\mathbf{x}, z)$. By the trapezoid rule its integral must be 1, also where "
        r"$p(\mathbf{x}, z)$ is 0 or infinite in floating point. The points of the grid need not be evenly spaced."
    ),
    answer="course_utils.probability.grids:posterior_on_grid",
    cases=posterior_cases,
    oracle=lambda log_joint, grid: np.array([float(p) for p in decimal_posterior(log_joint, grid)]),
    compare=close(rtol=4e-4),  # a float32 near -2000 is rounded by 1e-4, and exp makes that a relative error
    spelled=spelled_posterior_on_grid,
    others={
        "the sign is turned round: are the arguments of np.trapezoid exchanged? It takes the values, then the grid": (
            lambda log_joint, grid: -grids.posterior_on_grid(log_joint, grid)
        ),
        "these are the probabilities of the points, density times width of the step; the density itself is asked": (
            lambda log_joint, grid: grids.posterior_on_grid(log_joint, grid) * grids.trapezoid_weights(grid)
        ),
        "this is the Gaussian with the posterior's mean and variance; the posterior itself need not be Gaussian": (
            gaussian_of_the_posterior
        ),
        "the prior is multiplied in once more; it is part of log_joint already": (
            lambda log_joint, grid: grids.posterior_on_grid(lambda z: log_joint(z) + stats.norm.logpdf(z), grid)
        ),
        "a small number in the denominator avoids 0 / 0, and leaves 0 everywhere. Subtract the maximum of log_joint "
        "before exp": tuple(
            lambda log_joint, grid, t=t: np.exp(log_joint(grid)) / (np.trapezoid(np.exp(log_joint(grid)), grid) + t)
            for t in SMALL
        ),
        "the posterior is multiplied by p(x), where it should be divided": (
            lambda log_joint, grid: np.exp(log_joint(grid)) * np.trapezoid(np.exp(log_joint(grid)), grid)
        ),
        "this is log p(x), the log of the integral": (
            lambda log_joint, grid: logsumexp(log_joint(grid), b=grids.trapezoid_weights(grid))
        ),
        "the steps are taken as all alike, by their mean width": (
            posterior_by(lambda log_p, grid: logsumexp(log_p) + np.log(np.mean(np.diff(grid)))),
            posterior_by(lambda log_p, grid: logsumexp(log_p) + np.log((grid[-1] - grid[0]) / len(grid))),
        ),
        "the values are divided by their number; divide by the integral": (
            posterior_by(lambda log_p, grid: np.log(len(grid)))
        ),
        "the mean of the values is 1; their integral is to be 1": (
            posterior_by(lambda log_p, grid: logsumexp(log_p) - np.log(len(grid)))
        ),
        (
            "the widths are those of np.gradient, which gives the end points a whole step; the"
            " trapezoid rule gives them half"
        ): (posterior_by(lambda log_p, grid: logsumexp(log_p, b=np.gradient(grid)))),
        "the last point counts nothing in the integral, and each other one a whole step: use the trapezoid rule": (
            posterior_by(lambda log_p, grid: logsumexp(log_p[:-1], b=np.diff(grid)))
        ),
        "the first point counts nothing in the integral, and each other one a whole step: use the trapezoid rule": (
            posterior_by(lambda log_p, grid: logsumexp(log_p[1:], b=np.diff(grid)))
        ),
        (
            "the grid's spacing is missing in the trapezoid rule, so that every step counts 1"
            " (np.trapezoid(values, grid))"
        ): (posterior_by(lambda log_p, grid: np.log(np.trapezoid(np.exp(log_p))))),
        "log_joint itself is normalised: exp comes first": (
            lambda log_joint, grid: log_joint(grid) / np.trapezoid(log_joint(grid), grid),
            lambda log_joint, grid: np.exp(log_joint(grid) / np.trapezoid(log_joint(grid), grid)),
        ),
        "the posterior is divided by the square root of its integral of squares: the integral itself is to be 1": (
            lambda log_joint, grid: np.exp(log_joint(grid)) / np.sqrt(np.trapezoid(np.exp(2 * log_joint(grid)), grid)),
        ),
        "this is the prior N(0, 1), and not the posterior": (lambda log_joint, grid: stats.norm.pdf(grid),),
    },
    misconceptions={
        "not normalised": Misconception(
            lambda log_joint, grid: np.exp(log_joint(grid)),
            "This is the joint density p(x, z). Divide it by p(x), its integral over the grid.",
        ),
        "peak of one": Misconception(
            posterior_by(lambda log_p, grid: np.max(log_p)),
            "The highest value is 1. "
            "Taking out the maximum makes exp safe, but the result must still be divided by its integral.",
        ),
        "sum for integral": Misconception(
            posterior_by(lambda log_p, grid: logsumexp(log_p)),
            "The values sum to 1. "
            "A density has the integral 1: weight the values with the steps of the grid (trapezoid rule).",
        ),
        "first step for all": Misconception(
            posterior_by(lambda log_p, grid: logsumexp(log_p) + np.log(grid[1] - grid[0])),
            "You multiply the sum by one step, as if all steps were equal. "
            "Use the trapezoid rule, np.trapezoid(values, grid).",
        ),
        "exp underflows": Misconception(
            lambda log_joint, grid: np.exp(log_joint(grid)) / np.trapezoid(np.exp(log_joint(grid)), grid),
            "Right where log_joint is moderate, but exp(-2000) is 0 in floating point, and 0 / 0 is nan. "
            "Subtract the maximum of log_joint before exp: the factor cancels in the division.",
        ),
        "logarithm returned": Misconception(
            lambda log_joint, grid: log_values(
                log_joint, grid, lambda log_p, z: logsumexp(log_p, b=grids.trapezoid_weights(z))
            ),
            "This is log p(z | x). The density is asked: exp is missing at the end.",
        ),
    },
    hints=(
        "Bayes: divide p(x, z) by p(x), which is the integral of p(x, z) over z.",
        "np.trapezoid(values, grid) is the trapezoid rule, for uneven steps too.",
        (
            "Dividing by the integral cancels any constant factor. So subtract the largest value of log_joint(grid) "
            "before np.exp: then the largest value is 1, and nothing that matters underflows."
        ),
    ),
)


def elbo_cases(rng):
    def case(log_joint, grid, label="", zeros=False):
        return Case((log_joint, drawn_q(rng, grid, zeros), grid), label)

    return [
        case(LINEAR, even_grid(rng, 90)),
        case(BENT, uneven_grid(rng, 110), UNEVEN),
        case(BENT, even_grid(rng, 100), "where q is 0 on part of the grid", zeros=True),
        case(LINEAR, uneven_grid(rng, 70), "where q is 0 on part of the grid and its steps are uneven", zeros=True),
        case(BENT, narrow_grid(rng, 40), ENDS),
    ]


def loop_elbo(log_joint, q, grid):
    terms = [float(p) * (float(v) - math.log(p)) if p > 0 else 0.0 for p, v in zip(q, log_joint(grid))]
    return float(loop_integral(terms, grid))


def elbo_by(integrate=grids.integrate, integrand=lambda log_p, q: q * log_p - xlogy(q, q)):
    return lambda log_joint, q, grid: integrate(integrand(log_joint(grid), q), grid)


def log_outside(log_joint, q, grid):
    return logsumexp(log_joint(grid)[q > 0], b=grids.trapezoid_weights(grid)[q > 0])


def spelled_log_of_density(q):
    """log q, and 0 where q is 0: there it is multiplied by 0."""
    return np.log(np.where(q > 0, q, 1))


def elbo_of_the_rest(log_joint, q, grid):
    """By the trapezoid rule on the points where q is positive, as if there were no others."""
    kept = q > 0
    values = q[kept] * (log_joint(grid[kept]) - np.log(q[kept]))
    return np.trapezoid(values, grid[kept])


def spelled_elbo_on_grid(P, log_joint, q, grid):
    log_ratio = P.term("log p(x, z)", log_joint(grid)) - P.term("log q(z)", spelled_log_of_density(q))
    widths = P("the steps' widths", grids.trapezoid_weights(grid))
    return P.sum(widths * P.factor("q(z) in front of the logarithm", q) * log_ratio, 0, "the grid")


ELBO_ON_GRID = exercise(
    name="elbo_on_grid",
    points=2,
    minutes=8,
    lines=3,
    lecture_points=("L12", "L15"),
    signature="elbo_on_grid(log_joint, q, grid)",
    returns="scalar",
    task=(
        r"Return the bound $\mathcal{F}(q) = \int q(z) \big(\log p(\mathbf{x}, z) - \log q(z)\big)\, dz$ by the "
        "trapezoid rule. `q` (G,) holds the values of a density on `grid` (G,), whose points need not be evenly "
        "spaced; where `q` is 0, the integrand counts as 0."
    ),
    answer="course_utils.probability.grids:elbo_on_grid",
    cases=elbo_cases,
    oracle=loop_elbo,
    compare=close(),
    spelled=spelled_elbo_on_grid,
    others={
        "this is log p(x), which F bounds: it does not depend on q": (
            lambda log_joint, q, grid: grids.log_evidence_on_grid(log_joint, grid)
        ),
        "this is the gap log p(x) - F, and not the bound": grids.gap_on_grid,
        "this is the entropy of q alone": lambda log_joint, q, grid: -grids.integrate(xlogy(q, q), grid),
        "p(x, z) stands where its logarithm belongs": (
            lambda log_joint, q, grid: grids.integrate(q * np.exp(log_joint(grid)) - xlogy(q, q), grid)
        ),
        "q stands where its logarithm belongs": (
            lambda log_joint, q, grid: grids.integrate(q * (log_joint(grid) - q), grid)
        ),
        "log p(x, z) is divided by log q(z), where log q(z) should be subtracted": (
            lambda log_joint, q, grid: grids.integrate(q * log_joint(grid) / np.log(q), grid)
        ),
        "the mean over the grid's points stands where the trapezoid rule is asked": (
            elbo_by(lambda values, grid: np.mean(values)),
            elbo_by(lambda values, grid: np.mean(values) * (grid[-1] - grid[0])),
        ),
        (
            "the grid's spacing is missing in the trapezoid rule, so that every step counts 1"
            " (np.trapezoid(values, grid))"
        ): (elbo_by(lambda values, grid: np.trapezoid(values))),
        "the last point counts nothing, and each other one a whole step: use the trapezoid rule": (
            elbo_by(lambda values, grid: np.sum(values[:-1] * np.diff(grid)))
        ),
        "the first point counts nothing, and each other one a whole step: use the trapezoid rule": (
            elbo_by(lambda values, grid: np.sum(values[1:] * np.diff(grid)))
        ),
        "this is the integrand on the grid; integrate it": (
            lambda log_joint, q, grid: q * log_joint(grid) - xlogy(q, q)
        ),
        "the average is taken under the posterior, and not under q": (
            lambda log_joint, q, grid: grids.integrate(
                grids.posterior_on_grid(log_joint, grid) * (log_joint(grid) - np.log(q)), grid
            )
        ),
        "the posterior stands where the joint density belongs: this is minus the gap": (
            lambda log_joint, q, grid: -grids.gap_on_grid(log_joint, q, grid)
        ),
        "points where q is small are left out, too, and not only those where it is 0": (
            lambda log_joint, q, grid: grids.integrate(np.where(q > 1e-2, q * log_joint(grid) - xlogy(q, q), 0), grid),
            lambda log_joint, q, grid: grids.integrate(np.where(q > 1e-3, q * log_joint(grid) - xlogy(q, q), 0), grid),
        ),
        (
            "the points where q is 0 are cut out of the grid, so that the rule bridges the hole"
            " with a wide step: let them count 0"
        ): (lambda log_joint, q, grid: elbo_of_the_rest(log_joint, q, grid)),
    },
    misconceptions={
        "sum for integral": Misconception(
            elbo_by(lambda values, grid: np.sum(values)),
            "This is the sum over the grid's points. "
            "The integral weights them with the steps: np.trapezoid(values, grid).",
        ),
        "first step for all": Misconception(
            elbo_by(first_step),
            "The sum is multiplied by one step, as if all steps were equal. Use np.trapezoid(values, grid).",
        ),
        "missing entropy": Misconception(
            elbo_by(integrand=lambda log_p, q: q * log_p),
            "This is E_q[log p(x, z)]. The part - E_q[log q(z)], the entropy of q, is missing.",
        ),
        "entropy subtracted": Misconception(
            elbo_by(integrand=lambda log_p, q: q * log_p + xlogy(q, q)),
            "log q comes in with a plus. The bound is E_q[log p(x, z) - log q(z)].",
        ),
        "0 log 0": Misconception(
            elbo_by(integrand=lambda log_p, q: q * (log_p - np.log(q))),
            "Right where q is positive. Where q is 0, np.log gives -inf and 0 * inf is nan; these points should count 0"
            " (np.where, or scipy.special.xlogy), and stay on the grid.",
        ),
        "log outside": Misconception(
            log_outside,
            "This is the logarithm of the integral of p(x, z) over the z where q > 0: "
            "the mean of p / q was taken before the logarithm. The bound is the mean of the logarithm.",
        ),
        "sign": Misconception(
            elbo_by(integrand=lambda log_p, q: xlogy(q, q) - q * log_p),
            "The sign is turned round: this is E_q[log q - log p(x, z)], which bounds -log p(x) from above.",
        ),
    },
    hints=(
        (
            "An expectation under q is an integral with q(z) as a factor, "
            "here that of q(z) * (log p(x, z) - log q(z)): np.trapezoid(values, grid)."
        ),
        "What does q * np.log(q) give where q is 0, and what should it give?",
        (
            "np.where(q > 0, q, 1) is a q whose logarithm is safe: "
            r"where $q = 0$ that logarithm is 0, and the factor $q$ in front is 0 anyway."
        ),
    ),
)


def gap_cases(rng):
    def case(log_joint, grid, label="", zeros=False):
        return Case((log_joint, drawn_q(rng, grid, zeros), grid), label)

    narrow = "where the posterior is so narrow that it is 0 in floating point on part of the grid"
    return [
        case(LINEAR, even_grid(rng, 90)),
        # The bent posterior must not underflow, so that the narrow ones alone show who takes its logarithm.
        case(BENT, uneven_grid(rng, 110, reach=3), UNEVEN),
        case(BENT, even_grid(rng, 50, reach=2.5), "where q is 0 on part of the grid", zeros=True),
        case(LINEAR, uneven_grid(rng, 40), "where q is 0 on part of the grid and its steps are uneven", zeros=True),
        case(FAINT, even_grid(rng, 200), narrow),
        case(SHARP, even_grid(rng, 300), narrow),
        case(LINEAR, narrow_grid(rng, 40), ENDS),
    ]


def loop_gap_on_grid(log_joint, q, grid):
    posterior = decimal_posterior(log_joint, grid)
    terms = [
        Decimal(float(p)) * (Decimal(float(p)).ln() - r.ln()) if p > 0 else Decimal(0) for p, r in zip(q, posterior)
    ]
    return float(loop_integral(terms, grid))


def gap_by(integrate=grids.integrate, integrand=lambda q, log_r: xlogy(q, q) - q * log_r, log_r=None):
    def gap(log_joint, q, grid):
        log_posterior = log_joint(grid) - grids.log_evidence_on_grid(log_joint, grid)
        return integrate(integrand(q, log_posterior if log_r is None else log_r(log_posterior)), grid)

    return gap


def spelled_gap_on_grid(P, log_joint, q, grid):
    log_p = log_joint(grid)
    largest, steps = log_p.max(), P("the steps' widths in p(x)", grids.trapezoid_weights(grid))
    evidence = P.sum(steps * np.exp(log_p - P("the maximum before exp", largest)), 0, "the grid in p(x)")
    log_evidence = P.term("the maximum that is added back", largest) + np.log(evidence)
    log_posterior = P.term("log p(x, z)", log_p) - P.term("log p(x)", np.full(log_p.shape, log_evidence))
    log_ratio = P.term("log q(z)", spelled_log_of_density(q)) - P.term("log p(z | x)", log_posterior)
    widths = P("the steps' widths", grids.trapezoid_weights(grid))
    return P.sum(widths * P.factor("q(z) in front of the logarithm", q) * log_ratio, 0, "the grid")


GAP_ON_GRID = exercise(
    name="gap_on_grid",
    points=3,
    minutes=11,
    lines=4,
    lecture_points=("L16",),
    signature="gap_on_grid(log_joint, q, grid)",
    returns="scalar",
    task=(
        r"Return $\mathrm{KL}(q \,\|\, p(z \mid \mathbf{x}))$ by the trapezoid rule, from its own definition: "
        r"not by way of `elbo_on_grid`, or the comparison with $\mathcal{F}$ below would be empty. Where `q` is 0, "
        "the integrand counts as 0. "
        "The posterior may be so narrow that its density is 0 in floating point: its logarithm is finite all the same."
    ),
    answer="course_utils.probability.grids:gap_on_grid",
    cases=gap_cases,
    oracle=loop_gap_on_grid,
    aliases=("course_utils.probability.divergences:kl_on_grid",),
    compare=close(),
    spelled=spelled_gap_on_grid,
    others={
        "a small number is added inside the logarithm, which cuts log p(z | x) off where the posterior is tiny": tuple(
            lambda log_joint, q, grid, t=t: grids.integrate(
                q * np.log((q + t) / (grids.posterior_on_grid(log_joint, grid) + t)), grid
            )
            for t in SMALL
        )
        + tuple(
            lambda log_joint, q, grid, t=t: grids.integrate(
                xlogy(q, q) - q * np.log(grids.posterior_on_grid(log_joint, grid) + t), grid
            )
            for t in SMALL
        ),
        "the points where the posterior is 0 in floating point are left out, and it is there that q loses most: use "
        "log p(z | x) = log p(x, z) - log p(x)": (
            gap_by(log_r=lambda log_r: np.where(np.exp(log_r) > 0, log_r, 0)),
            gap_by(
                integrand=lambda q, log_r: np.where(np.exp(log_r) > 0, xlogy(q, q) - q * log_r, 0),
            ),
        ),
        "log p(x) overflows or underflows: subtract the largest log p(x, z) before exp, and add it after the log": (
            lambda log_joint, q, grid: grids.integrate(
                xlogy(q, q) - q * (log_joint(grid) - np.log(np.trapezoid(np.exp(log_joint(grid)), grid))), grid
            )
        ),
        "this is the total variation distance of the two densities; their KL divergence is asked": (
            lambda log_joint, q, grid: (
                0.5 * grids.integrate(np.abs(q - grids.posterior_on_grid(log_joint, grid)), grid)
            ),
            lambda log_joint, q, grid: grids.integrate(np.abs(q - grids.posterior_on_grid(log_joint, grid)), grid),
        ),
        "this is the bound F, and not its gap": grids.elbo_on_grid,
        "this is log p(x), of which F must be subtracted": (
            lambda log_joint, q, grid: grids.log_evidence_on_grid(log_joint, grid)
        ),
        "F is added to log p(x), where it should be subtracted": (
            lambda log_joint, q, grid: (
                grids.log_evidence_on_grid(log_joint, grid) + grids.elbo_on_grid(log_joint, q, grid)
            )
        ),
        "log p(x) is added, where it should be subtracted": (
            lambda log_joint, q, grid: grids.integrate(
                xlogy(q, q) - q * (log_joint(grid) + grids.log_evidence_on_grid(log_joint, grid)), grid
            )
        ),
        "p(x) is subtracted where its logarithm belongs": (
            lambda log_joint, q, grid: grids.integrate(
                xlogy(q, q) - q * (log_joint(grid) - np.exp(grids.log_evidence_on_grid(log_joint, grid))), grid
            )
        ),
        "p(z | x) stands where its logarithm belongs": (
            gap_by(integrand=lambda q, log_r: xlogy(q, q) - q * np.exp(log_r))
        ),
        "the posterior is normalised by its sum, and not by its integral": (
            lambda log_joint, q, grid: grids.integrate(
                xlogy(q, q) - q * (log_joint(grid) - logsumexp(log_joint(grid))), grid
            )
        ),
        "the posterior is normalised by its largest value, and not by its integral": (
            lambda log_joint, q, grid: grids.integrate(
                xlogy(q, q) - q * (log_joint(grid) - log_joint(grid).max()), grid
            )
        ),
        "the mean over the grid's points stands where the trapezoid rule is asked": (
            gap_by(lambda values, grid: np.mean(values)),
            gap_by(lambda values, grid: np.mean(values) * (grid[-1] - grid[0])),
        ),
        "every step of the grid is taken as wide as the first": gap_by(first_step),
        (
            "the grid's spacing is missing in the trapezoid rule, so that every step counts 1"
            " (np.trapezoid(values, grid))"
        ): (gap_by(lambda values, grid: np.trapezoid(values))),
        "this is the integrand on the grid; integrate it": gap_by(lambda values, grid: values),
        "an absolute value is taken of the integrand": gap_by(
            lambda values, grid: grids.integrate(np.abs(values), grid)
        ),
        "the average is taken under the posterior, and not under q": (
            gap_by(integrand=lambda q, log_r: np.exp(log_r) * (np.log(q) - log_r))
        ),
        "this is the squared distance of the two densities, and not KL": (
            gap_by(integrand=lambda q, log_r: (q - np.exp(log_r)) ** 2)
        ),
        (
            "the points where q is 0 are cut out of the grid, so that the rule bridges the hole"
            " with a wide step: let them count 0"
        ): (
            lambda log_joint, q, grid: (
                grids.log_evidence_on_grid(log_joint, grid) - elbo_of_the_rest(log_joint, q, grid)
            )
        ),
    },
    misconceptions={
        "turned round": Misconception(
            gap_by(integrand=lambda q, log_r: np.exp(log_r) * (log_r - np.log(q))),
            "This is KL(p(z | x) || q). The divergence is not symmetric: here the expectation is under q.",
        ),
        "sign": Misconception(
            gap_by(integrand=lambda q, log_r: q * log_r - xlogy(q, q)),
            "This is minus the divergence: it has log p(z | x) - log q(z) where log q(z) - log p(z | x) is meant. "
            "A KL is never negative.",
        ),
        "joint for posterior": Misconception(
            lambda log_joint, q, grid: grids.integrate(xlogy(q, q) - q * log_joint(grid), grid),
            "You compare q with the joint density p(x, z), which gives -F. "
            "Divide it by p(x) first: the gap is log p(x) larger.",
        ),
        "log ratio unweighted": Misconception(
            gap_by(integrand=lambda q, log_r: np.log(q) - log_r),
            "The factor q in front of the logarithm is missing: the log ratio must be averaged under q.",
        ),
        "sum for integral": Misconception(
            gap_by(lambda values, grid: np.sum(values)),
            "This is the sum over the grid's points. "
            "The integral weights them with the steps: np.trapezoid(values, grid).",
        ),
        "0 log 0": Misconception(
            gap_by(integrand=lambda q, log_r: q * (np.log(q) - log_r)),
            "Right where q is positive. Where q is 0, np.log gives -inf and 0 * inf is nan; "
            "these points should count 0.",
        ),
        "posterior underflows": Misconception(
            gap_by(log_r=lambda log_r: np.log(np.exp(log_r))),
            "Right where the posterior is wide. Where its density underflows to 0, the logarithm of that 0 is -inf: "
            "use log p(z | x) = log p(x, z) - log p(x) and never take the density's logarithm.",
        ),
        "cross entropy": Misconception(
            gap_by(integrand=lambda q, log_r: -q * log_r),
            "This is the cross entropy -E_q[log p(z | x)]. The term E_q[log q(z)] is missing.",
        ),
    },
    hints=(
        "KL(q || r) is the integral of q(z) * (log q(z) - log r(z)), and here r is the posterior.",
        (
            "Where q is 0 the integrand is 0. And take no logarithm of a density that may have underflowed: "
            r"$\log p(z \mid \mathbf{x}) = \log p(\mathbf{x}, z) - \log p(\mathbf{x})$."
        ),
        (
            r"For $\log p(\mathbf{x})$, with top = log_joint(grid).max(): integrate np.exp(log_joint(grid) - top), "
            "take the logarithm, and add top again. Then integrate q * (log_q - log_posterior), with log_q made safe "
            "as in elbo_on_grid."
        ),
    ),
)


# em_e_step, em_m_step, mixture_elbo ---------------------------------------------------------------------------------


def drawn_mixture(rng, C):
    """pi, mu, sigma, unequal in every way."""
    return (
        rng.dirichlet(np.linspace(1, 4, C)),
        np.linspace(-2, 2.5, C) + 0.3 * rng.normal(size=C),
        rng.uniform(0.4, 1.7, size=C),
    )


def e_step_cases(rng):
    x = rng.normal(size=9) * 2
    far = np.array([-400.0, 300, 1.2, 900]) + rng.normal(size=4)
    # Halfway between the two, both densities are 0 in floating point. The numbers are exact, for float32.
    m = float(rng.integers(40, 45))
    between = np.array([-2, -1, 1, 2]) / 64, np.array([0.3, 0.7]), np.array([-m, m]), np.ones(2)
    return [
        Case((x, *drawn_mixture(rng, 3))),
        Case((x[:5], *drawn_mixture(rng, 2))),
        Case((far, *drawn_mixture(rng, 3)), "for examples far out in the tails of every component"),
        Case(between, "for examples far from two components, one about as far as the other"),
        Case((x[:1], *drawn_mixture(rng, 3)), "for a single example"),
        Case((x[:4], *drawn_mixture(rng, 1)), "for a single component"),
    ]


def decimal_responsibilities(x, pi, mu, sigma):
    """Bayes' rule as it stands, in decimal arithmetic, where nothing underflows."""

    def joint(x_n, p, m, s):
        return (
            Decimal(float(p))
            / Decimal(float(s))
            * (-(((Decimal(float(x_n)) - Decimal(float(m))) / Decimal(float(s))) ** 2) / 2).exp()
        )

    rows = [[joint(x_n, *component) for component in zip(pi, mu, sigma)] for x_n in x]
    return np.array([[float(p / sum(row)) for p in row] for row in rows])


def softmax_of(log_p):
    def em_e_step(x, pi, mu, sigma):
        a = log_p(x[:, None], pi, mu, sigma)
        return np.exp(a - logsumexp(a, axis=1, keepdims=True))

    return em_e_step


def normal_pdf(x, pi, mu, sigma):
    return pi * stats.norm.pdf(x[:, None], mu, sigma)


def spelled_mixture_log_joint(P, x, pi, mu, sigma):
    """log pi + log N(x; mu, sigma^2), (N, C)."""
    distance = P.apply("the square", np.square, x[:, None] - P.term("mu", mu))
    exponent = (
        P.factor("the 1/2 in the exponent", 0.5) * distance / P.divisor("sigma^2 in the exponent", np.square(sigma))
    )
    constant = P.term("log sigma", np.log(sigma)) + P.term(
        "(1/2) log(2 pi)", np.full(len(sigma), 0.5 * np.log(2 * np.pi))
    )
    return P.term("log pi", np.log(pi)) - P.term("the exponent", exponent) - constant


def responsibilities_by(x, pi, mu, sigma, taken_out, more=0.0):
    log_p = np.log(pi) + stats.norm.logpdf(x[:, None], mu, sigma)
    p = np.exp(log_p - taken_out(log_p))
    return p / (p.sum(axis=1, keepdims=True) + more)


def spelled_em_e_step(P, x, pi, mu, sigma):
    log_p = spelled_mixture_log_joint(P, x, pi, mu, sigma)
    p = P.apply("exp", np.exp, log_p - log_p.max(axis=1, keepdims=True))
    return p / P.sum(p, 1, "the components")[:, None]


EM_E_STEP = exercise(
    name="em_e_step",
    points=3,
    minutes=10,
    lines=4,
    lecture_points=("L10", "L16"),
    signature="em_e_step(x, pi, mu, sigma)",
    returns="(N, C)",
    task=(
        r"Return the responsibilities $r_{nc} = p(z = c \mid x_n)$ under a mixture of Gaussians with the weights `pi`, "
        "means `mu` and standard deviations `sigma`, each (C,); `x` is (N,). They must be right also for an example so "
        "far from every component that all its densities are 0 in floating point."
    ),
    answer="course_utils.probability.mixtures:em_e_step",
    cases=e_step_cases,
    oracle=decimal_responsibilities,
    compare=close(),
    spelled=spelled_em_e_step,
    others={
        "one maximum is taken out of all examples together, so that those far away still underflow: take out "
        "the maximum of each row": lambda x, pi, mu, sigma: responsibilities_by(
            x, pi, mu, sigma, lambda log_p: log_p.max()
        ),
        "a small number in the denominator avoids 0 / 0, and leaves 0 for all components. Work with logarithms, and "
        "subtract each row's maximum before exp": tuple(
            lambda x, pi, mu, sigma, t=t: responsibilities_by(x, pi, mu, sigma, np.zeros_like, t) for t in SMALL
        ),
        "the maximum of each column is taken out, which changes the ratios in a row: take out that of each row": (
            lambda x, pi, mu, sigma: responsibilities_by(x, pi, mu, sigma, lambda log_p: log_p.max(axis=0))
        ),
        "this is log p(x, z = c): take exp, and divide each row by its sum": mixtures.mixture_log_joint,
        "these are the logarithms of the responsibilities: exp is missing": (
            lambda x, pi, mu, sigma: np.log(mixtures.em_e_step(x, pi, mu, sigma))
        ),
        "each example is given to its most probable component alone, as in K-means": (
            lambda x, pi, mu, sigma: np.eye(len(pi))[mixtures.em_e_step(x, pi, mu, sigma).argmax(axis=1)]
        ),
        "this is which component is the most probable; the responsibilities are asked": (
            lambda x, pi, mu, sigma: mixtures.em_e_step(x, pi, mu, sigma).argmax(axis=1)
        ),
        "this is p(x), by which each row is to be divided": lambda x, pi, mu, sigma: normal_pdf(x, pi, mu, sigma).sum(
            axis=1
        ),
        "everything is divided by one sum, over examples and components; each row has its own": (
            lambda x, pi, mu, sigma: normal_pdf(x, pi, mu, sigma) / normal_pdf(x, pi, mu, sigma).sum()
        ),
        "each row is divided by its maximum, and not by its sum": (
            lambda x, pi, mu, sigma: (
                normal_pdf(x, pi, mu, sigma) / normal_pdf(x, pi, mu, sigma).max(axis=1, keepdims=True)
            )
        ),
        "pi itself is added to the log density: take its logarithm": (
            softmax_of(lambda x, pi, mu, sigma: pi + stats.norm.logpdf(x, mu, sigma))
        ),
        "the log density is multiplied by pi; log pi is to be added to it": (
            softmax_of(lambda x, pi, mu, sigma: pi * stats.norm.logpdf(x, mu, sigma))
        ),
        "the factor in front of the Gaussian is 1 / sigma^2; it is 1 / sigma": (
            softmax_of(lambda x, pi, mu, sigma: np.log(pi / sigma**2) - 0.5 * ((x - mu) / sigma) ** 2)
        ),
        "the factor in front of the Gaussian is 1 / sqrt(sigma); it is 1 / sigma": (
            softmax_of(lambda x, pi, mu, sigma: np.log(pi / np.sqrt(sigma)) - 0.5 * ((x - mu) / sigma) ** 2)
        ),
        "the factor in front of the Gaussian is sigma; it is 1 / sigma": (
            softmax_of(lambda x, pi, mu, sigma: np.log(pi * sigma) - 0.5 * ((x - mu) / sigma) ** 2)
        ),
        "(x - mu)^2 is divided by sigma; it is to be divided by sigma^2": (
            softmax_of(lambda x, pi, mu, sigma: np.log(pi / sigma) - 0.5 * (x - mu) ** 2 / sigma)
        ),
        "the densities are normalised before they are weighted with pi": (
            lambda x, pi, mu, sigma: (
                pi
                * stats.norm.pdf(x[:, None], mu, sigma)
                / stats.norm.pdf(x[:, None], mu, sigma).sum(axis=1, keepdims=True)
            )
        ),
    },
    misconceptions={
        "wrong axis": Misconception(
            lambda x, pi, mu, sigma: np.exp(
                mixtures.mixture_log_joint(x, pi, mu, sigma)
                - logsumexp(mixtures.mixture_log_joint(x, pi, mu, sigma), axis=0)
            ),
            "Your columns sum to 1. Each example's responsibilities must sum to 1: "
            "normalise over the components, axis=1.",
        ),
        "not normalised": Misconception(
            normal_pdf, "This is the joint density p(x, z = c). Divide each row by its sum, which is p(x)."
        ),
        "weights left out": Misconception(
            softmax_of(lambda x, pi, mu, sigma: stats.norm.logpdf(x, mu, sigma)),
            "The weights pi are left out: a component that is common takes more of an example than a rare one.",
        ),
        "variance for standard deviation": Misconception(
            softmax_of(lambda x, pi, mu, sigma: np.log(pi) + stats.norm.logpdf(x, mu, np.sqrt(sigma))),
            "sigma is used as if it were the variance. "
            "It is the standard deviation: the exponent has sigma squared, and the factor in front 1 / sigma.",
        ),
        "normaliser left out": Misconception(
            softmax_of(lambda x, pi, mu, sigma: np.log(pi) - 0.5 * ((x - mu) / sigma) ** 2),
            "The factor 1 / sigma of the Gaussian is left out. It differs between components, so it does not cancel.",
        ),
        "half left out": Misconception(
            softmax_of(lambda x, pi, mu, sigma: np.log(pi / sigma) - ((x - mu) / sigma) ** 2),
            "Is the factor 1/2 in the exponent? A Gaussian has exp(-(x - mu)^2 / (2 sigma^2)).",
        ),
        "densities underflow": Misconception(
            lambda x, pi, mu, sigma: (
                normal_pdf(x, pi, mu, sigma) / normal_pdf(x, pi, mu, sigma).sum(axis=1, keepdims=True)
            ),
            "Right near the components. Far out, every density is 0 in floating point, and 0 / 0 is nan: "
            "work with logarithms, and subtract each row's maximum before exp.",
        ),
    },
    hints=(
        (
            "Bayes: pi_c times the component's density at x, divided by the sum of the same over all components. "
            "x[:, None] against (C,) gives (N, C)."
        ),
        (
            r"Work with logarithms: $\log \pi_c - (x_n - \mu_c)^2 / (2 \sigma_c^2) - \log \sigma_c$. "
            "Constants that all components share cancel."
        ),
        (
            "Subtract each row's maximum (axis=1, keepdims=True), take exp, and divide by the row's sum. "
            "scipy.special.softmax(a, axis=1) does all three."
        ),
    ),
)


def m_step_cases(rng):
    def shares(N, C, alpha):
        """Responsibilities, each component's the largest for some example: none is empty if all go to the likeliest."""
        r = rng.dirichlet(alpha, size=N)
        chosen = rng.choice(N, C, replace=False)
        r[chosen] = 0.4 * r[chosen] + 0.6 * np.eye(C)
        return r

    def case(N, C, label=""):
        return Case((rng.normal(size=N) * 1.7 + 3, shares(N, C, np.linspace(0.6, 2, C))), label)

    close_by = 0.02 * rng.normal(size=9), shares(9, 3, np.ones(3))
    return [
        case(12, 3),
        case(30, 2),
        case(8, 4),
        case(7, 1, "for a single component"),
        Case(close_by, "for examples that lie close together"),
    ]


def weighted_statistics(x, r):
    """The weighted share, mean and standard deviation by numpy's own routines, one component at a time."""
    sigma = [np.sqrt(np.cov(x, aweights=column, ddof=0)) for column in r.T]
    return r.mean(axis=0), np.array([np.average(x, weights=column) for column in r.T]), np.array(sigma)


def m_step_by(pi=lambda pi, r: pi, mu=lambda mu, x, r: mu, sigma=lambda sigma, mu, x, r: sigma):
    """The right M step with one of its parts replaced."""

    def m_step(x, r):
        right = mixtures.em_m_step(x, r)
        means = mu(right[1], x, r)
        return pi(right[0], r), means, sigma(right[2], means, x, r)

    return m_step


def spelled_em_m_step(P, x, responsibilities):
    counts = P.sum(responsibilities, 0, "the examples")
    mu = P.sum(responsibilities * x[:, None], 0, "the examples in mu") / P.divisor("N_c in mu", counts)
    squares = P.apply("the square in sigma", np.square, x[:, None] - P.term("mu in sigma", mu))
    variance = P.sum(responsibilities * squares, 0, "the examples in sigma") / P.divisor("N_c in sigma", counts)
    return counts / P.divisor("N in pi", float(len(x))), mu, P.apply("the square root", np.sqrt, variance)


EM_M_STEP = exercise(
    name="em_m_step",
    points=2,
    minutes=11,
    lines=4,
    lecture_points=("L10", "L15"),
    signature="em_m_step(x, responsibilities)",
    returns="pi (C,), mu (C,), sigma (C,)",
    task=(
        r"Return the $\pi$, $\mu$ and $\sigma$ that maximise the bound for given `responsibilities` (N, C); `x` is "
        r"(N,). $\mu$ stands above; find $\sigma$ in the same way, and the $\lambda$ of $\pi$ from the constraint."
    ),
    answer="course_utils.probability.mixtures:em_m_step",
    cases=m_step_cases,
    oracle=weighted_statistics,
    compare=close(),
    spelled=spelled_em_m_step,
    others={
        "the means are divided by N; divide by N_c, the sum of the component's responsibilities": (
            lambda x, r: (
                r.mean(axis=0),
                x @ r / len(x),
                np.sqrt((r * (x[:, None] - x @ r / len(x)) ** 2).sum(axis=0) / r.sum(axis=0)),
            )
        ),
        "pi and mu are right. sigma is the deviation of the products r x; weigh the squared deviations of x with r": (
            lambda x, r: (*mixtures.em_m_step(x, r)[:2], np.std(r * x[:, None], axis=0))
        ),
        "pi and mu are right. sigma is a variance divided by N: divide by N_c, and take the square root": (
            lambda x, r: (
                *mixtures.em_m_step(x, r)[:2],
                (r * (x[:, None] - mixtures.em_m_step(x, r)[1]) ** 2).mean(axis=0),
            )
        ),
        "all components get the same weight 1/C": lambda x, r: (
            np.full(r.shape[1], 1 / r.shape[1]),
            *mixtures.em_m_step(x, r)[1:],
        ),
        "the responsibilities are left out of mu and sigma: each is the plain mean, or deviation, of all x": (
            lambda x, r: (r.mean(axis=0), np.full(r.shape[1], x.mean()), np.full(r.shape[1], x.std()))
        ),
        "pi and mu are right. The responsibilities are left out of sigma": (
            m_step_by(sigma=lambda sigma, mu, x, r: np.sqrt(((x[:, None] - mu) ** 2).mean(axis=0)))
        ),
        "pi and mu are right. In sigma the deviations are weighted before they are squared": (
            m_step_by(sigma=lambda sigma, mu, x, r: np.sqrt(((r * (x[:, None] - mu)) ** 2).sum(axis=0) / r.sum(axis=0)))
        ),
        "pi and mu are right. In sigma the root is taken before the division by N_c": (
            m_step_by(sigma=lambda sigma, mu, x, r: np.sqrt((r * (x[:, None] - mu) ** 2).sum(axis=0)) / r.sum(axis=0))
        ),
        "pi and mu are right. sigma is the mean absolute deviation": (
            m_step_by(sigma=lambda sigma, mu, x, r: (r * np.abs(x[:, None] - mu)).sum(axis=0) / r.sum(axis=0))
        ),
        "the counts are divided by C, the number of components; divide them by N": (
            m_step_by(pi=lambda pi, r: r.sum(axis=0) / r.shape[1])
        ),
        "pi is averaged over the components (axis=1); average over the examples": (
            m_step_by(pi=lambda pi, r: r.mean(axis=1))
        ),
    },
    misconceptions={
        "variance for standard deviation": Misconception(
            m_step_by(sigma=lambda sigma, mu, x, r: sigma**2),
            "pi and mu are right. The third result is the variance; the standard deviation is its square root.",
        ),
        "counts for weights": Misconception(
            m_step_by(pi=lambda pi, r: r.sum(axis=0)),
            "mu and sigma are right. pi holds counts; weights sum to 1: divide by N.",
        ),
        "divided by N": Misconception(
            lambda x, r: (
                r.mean(axis=0),
                x @ r / len(x),
                np.sqrt((r * (x[:, None] - x @ r / len(x)) ** 2).mean(axis=0)),
            ),
            "The weighted sums are divided by N. A component's mean and variance are averages "
            "over what it is responsible for: divide by the sum of its responsibilities.",
        ),
        "hard assignment": Misconception(
            lambda x, r: mixtures.em_m_step(x, np.eye(r.shape[1])[r.argmax(axis=1)]),
            "Each example counts for one component alone, as in K-means. "
            "It should count for every component, as much as the responsibility says.",
        ),
        "around the overall mean": Misconception(
            m_step_by(
                sigma=lambda sigma, mu, x, r: np.sqrt((r * (x[:, None] - x.mean()) ** 2).sum(axis=0) / r.sum(axis=0))
            ),
            "pi and mu are right. sigma is measured from the mean of all x; measure it from each component's own mean.",
        ),
        "one sigma for all": Misconception(
            m_step_by(
                sigma=lambda sigma, mu, x, r: np.full(len(mu), np.sqrt((r * (x[:, None] - mu) ** 2).sum() / len(x)))
            ),
            "pi and mu are right. All components get the same sigma; each has its own.",
        ),
        "order": Misconception(
            lambda x, r: tuple(mixtures.em_m_step(x, r)[i] for i in (1, 2, 0)),
            "You return (mu, sigma, pi). The order is (pi, mu, sigma).",
        ),
        "squared responsibilities": Misconception(
            lambda x, r: (r.mean(axis=0), *mixtures.em_m_step(x, r**2)[1:]),
            "pi is right. mu and sigma weight the examples with squared responsibilities; use them as they are.",
        ),
    },
    hints=(
        (
            "The sum of a component's responsibilities (over axis 0) is the number of examples that it stands for: "
            "each answer is what you would write for these examples alone, with weights."
        ),
        (
            r"Setting the derivative of $\sum_c N_c \log \pi_c - \lambda (\sum_c \pi_c - 1)$ to zero gives "
            r"$\pi_c = N_c / \lambda$, and the constraint gives $\lambda$. For $\sigma_c$, that of "
            r"$\sum_n r_{nc} \big( -\log \sigma_c - (x_n - \mu_c)^2 / (2 \sigma_c^2) \big)$."
        ),
        (
            r"$\pi_c = N_c / N$; $\sigma_c$ is the square root of the weighted mean of $(x_n - \mu_c)^2$, "
            r"$\sum_n r_{nc} (x_n - \mu_c)^2 / N_c$, with the new $\mu_c$."
        ),
    ),
    afterwards=(
        r"So each component gets its weighted share, mean and standard deviation: $\pi_c = N_c / N$, as the shares add "
        r"up to 1, and $\sigma_c^2 = \frac{1}{N_c} \sum_n r_{nc} (x_n - \mu_c)^2$."
    ),
)


def mixture_elbo_cases(rng):
    def case(N, C, label="", certain=False):
        r = rng.dirichlet(np.linspace(0.8, 2, C), size=N)
        if certain:
            r[::2] = np.eye(C)[rng.integers(C, size=len(r[::2]))]
        return Case((rng.normal(size=N) * 2, r, *drawn_mixture(rng, C)), label)

    pi, mu, _ = drawn_mixture(rng, 2)
    narrow = (
        mu[0] + 0.02 * rng.normal(size=5),
        rng.dirichlet(np.ones(2), size=5),
        pi,
        mu,
        np.array([rng.uniform(0.01, 0.03), 1.2]),
    )
    return [
        case(8, 3),
        case(5, 2),
        case(6, 3, "where some responsibilities are exactly 0 and 1", certain=True),
        Case(narrow, "where a component is narrow"),
        case(1, 3, "for a single example"),
        case(4, 1, "for a single component"),
    ]


def loop_mixture_elbo(x, r, pi, mu, sigma):
    def term(x_n, r_nc, p, m, s):
        return r_nc * (math.log(p) + stats.norm(m, s).logpdf(x_n) - math.log(r_nc)) if r_nc > 0 else 0.0

    return np.array([math.fsum(term(x_n, *column) for column in zip(row, pi, mu, sigma)) for x_n, row in zip(x, r)])


def mixture_elbo_by(combine):
    return lambda x, r, pi, mu, sigma: np.sum(
        combine(r, mixtures.mixture_log_joint(x, pi, mu, sigma), np.log(pi)), axis=1
    )


def spelled_mixture_elbo(P, x, responsibilities, pi, mu, sigma):
    log_p = P.term("log p(x, z)", spelled_mixture_log_joint(P, x, pi, mu, sigma))
    log_ratio = log_p - P.term("log r", spelled_log_of_density(responsibilities))
    return P.sum(P.factor("the weights r in front", responsibilities) * log_ratio, 1, "the components")


MIXTURE_ELBO = exercise(
    name="mixture_elbo",
    points=2,
    minutes=6,
    lines=4,
    lecture_points=("L12", "L15"),
    signature="mixture_elbo(x, responsibilities, pi, mu, sigma)",
    returns="(N,)",
    task=(
        r"Return the bound $\mathcal{F}_n$ of each example of `x` (N,) under a mixture of Gaussians, with $q_n(z = c)$ "
        r"given by its row of `responsibilities` (N, C); $0 \log 0 = 0$."
    ),
    answer="course_utils.probability.mixtures:mixture_elbo",
    cases=mixture_elbo_cases,
    oracle=loop_mixture_elbo,
    compare=close(),
    spelled=spelled_mixture_elbo,
    others={
        "the logarithm is taken of the average of p(x, z) under q; the bound is the average of log p(x, z)": (
            lambda x, r, pi, mu, sigma: (
                np.log(np.sum(r * pi * stats.norm.pdf(x[:, None], mu, sigma), axis=1)) - xlogy(r, r).sum(axis=1)
            ),
            lambda x, r, pi, mu, sigma: np.log(np.sum(r * pi * stats.norm.pdf(x[:, None], mu, sigma), axis=1)),
        ),
        "this is the entropy of the responsibilities alone": lambda x, r, pi, mu, sigma: -xlogy(r, r).sum(axis=1),
        "this is the gap log p(x) - F, and not the bound": (
            lambda x, r, pi, mu, sigma: (
                logsumexp(mixtures.mixture_log_joint(x, pi, mu, sigma), axis=1)
                - mixtures.mixture_elbo(x, r, pi, mu, sigma)
            )
        ),
        "the joint density stands where its logarithm belongs": (
            lambda x, r, pi, mu, sigma: np.sum(r * normal_pdf(x, pi, mu, sigma) - xlogy(r, r), axis=1)
        ),
        "the responsibilities are added to log p where they weigh it": (
            lambda x, r, pi, mu, sigma: np.sum(mixtures.mixture_log_joint(x, pi, mu, sigma) + r - xlogy(r, r), axis=1)
        ),
        "pi is added where log pi belongs": (
            mixture_elbo_by(lambda r, log_p, log_pi: r * (log_p - log_pi + np.exp(log_pi)) - xlogy(r, r))
        ),
        "pi takes the place of the responsibilities as weights": (
            lambda x, r, pi, mu, sigma: np.sum(pi * mixtures.mixture_log_joint(x, pi, mu, sigma) - xlogy(r, r), axis=1),
            lambda x, r, pi, mu, sigma: np.sum(pi * (mixtures.mixture_log_joint(x, pi, mu, sigma) - np.log(r)), axis=1),
        ),
        "the entropy is that of pi, and not that of the responsibilities": (
            lambda x, r, pi, mu, sigma: np.sum(
                r * mixtures.mixture_log_joint(x, pi, mu, sigma) - xlogy(pi, pi), axis=1
            ),
        ),
    },
    misconceptions={
        "missing entropy": Misconception(
            mixture_elbo_by(lambda r, log_p, log_pi: r * log_p),
            "This is E_q[log p(x, z)], what textbooks call the expected complete-data log-likelihood. "
            "The entropy of q, -E_q[log q], is missing.",
        ),
        "entropy subtracted": Misconception(
            mixture_elbo_by(lambda r, log_p, log_pi: r * log_p + xlogy(r, r)),
            "log q comes in with a plus. The bound is E_q[log p(x, z) - log q(z)].",
        ),
        "log outside": Misconception(
            lambda x, r, pi, mu, sigma: logsumexp(mixtures.mixture_log_joint(x, pi, mu, sigma), axis=1),
            "This is log p(x): it does not depend on the responsibilities at all. "
            "The bound is their average of log p(x, z) - log q(z).",
        ),
        "0 log 0": Misconception(
            mixture_elbo_by(lambda r, log_p, log_pi: r * (log_p - np.log(r))),
            "Right where every responsibility is positive. "
            "0 * log(0) is nan for the computer and should count 0 (np.where, or scipy.special.xlogy).",
        ),
        "weights left out": Misconception(
            mixture_elbo_by(lambda r, log_p, log_pi: r * (log_p - log_pi) - xlogy(r, r)),
            "log pi is left out: the joint density p(x, z = c) is pi_c N(x; mu_c, sigma_c^2).",
        ),
        "mean over components": Misconception(
            lambda x, r, pi, mu, sigma: mixtures.mixture_elbo(x, r, pi, mu, sigma) / len(pi),
            "You take the mean over the components. "
            "The responsibilities are the weights of the average already: sum over axis 1.",
        ),
        "variance for standard deviation": Misconception(
            lambda x, r, pi, mu, sigma: mixtures.mixture_elbo(x, r, pi, mu, np.sqrt(sigma)),
            "sigma is used as if it were the variance. It is the standard deviation.",
        ),
    },
    hints=(
        "z has C values, so the integral of q * (log p(x, z) - log q) becomes a sum over components.",
        (
            r"$\log p(x_n, z = c) = \log \pi_c + \log \mathcal{N}(x_n;\, \mu_c, \sigma_c^2)$, an array (N, C); "
            "scipy.stats.norm.logpdf(x[:, None], mu, sigma) helps."
        ),
        (
            "Multiply by the responsibilities and sum over axis 1. "
            r"For $r \log r$ with $0 \log 0 = 0$: scipy.special.xlogy(r, r)."
        ),
    ),
)


# iwae_bound ---------------------------------------------------------------------------------------------------------


def iwae_cases(rng):
    spread = rng.normal(size=(7, 4)) * 1.5
    # Taken out before exp, the minimum fails in every column, the mean in three, the first weight in two others: each
    # in its own way.
    rows = np.array(
        [
            [-900.0, 850, 0, -900],
            [-900, 850, 0, 0],
            [0, 0, -900, 850],
            [0, 0, 0, 850],
            [850, -900, 0, 0],
            [850, -900, 0, -900],
        ]
    )
    return [
        Case((spread - 3,)),
        Case((rng.normal(size=(5, 8)) * 3,)),
        Case((rng.normal(size=(6, 3)) - 2000,), "for log weights near -2000"),
        Case((rng.normal(size=(4, 3)) + 1500,), "for log weights near +1500"),
        Case(
            (rng.normal(size=(6, 4)) + np.array([-900.0, 0, 850, -1700]),),
            "for examples whose log weights differ by hundreds",
        ),
        Case((rng.normal(size=(6, 4)) + rows,), "for samples whose log weights differ by hundreds"),
        Case((rng.normal(size=(5, 2)) + np.array([-20000.0, 30000]),), "for log weights of tens of thousands"),
        Case((rng.normal(size=(5, 1)),), "for a single example"),
    ]


def decimal_iwae(log_w):
    columns = [[Decimal(float(v)).exp() for v in column] for column in log_w.T]
    return np.array([float((sum(column, Decimal()) / len(column)).ln()) for column in columns])


def about_the_minimum(log_w):
    low = log_w.min(axis=0)
    return low + np.log(np.mean(np.exp(log_w - low), axis=0))


def spelled_iwae_bound(P, log_w):
    largest = log_w.max(axis=0)
    mean = P.mean(P.apply("exp", np.exp, log_w - P("the maximum before exp", largest)), 0, "the samples")
    made = P.term("the maximum that is added back", largest) + P.apply("the logarithm", np.log, mean)
    return P.log_mean_exp(log_w, 0, "all samples", made=made)


IWAE_BOUND = exercise(
    name="iwae_bound",
    points=2,
    minutes=6,
    lines=3,
    lecture_points=("L10", "L11"),
    signature="iwae_bound(log_w)",
    returns="(N,)",
    task=(
        r"Return $\log \frac1S \sum_s w_s$ for each example, from the logarithms `log_w` (S, N) of its weights; "
        "stable for log weights of any size."
    ),
    answer="course_utils.probability.bounds:iwae_bound",
    cases=iwae_cases,
    oracle=decimal_iwae,
    compare=close(),
    spelled=spelled_iwae_bound,
    others={
        "the log weights are averaged with the normalised weights; the logarithm of the plain mean of the weights is "
        "asked": lambda log_w: np.sum(special.softmax(log_w, axis=0) * log_w, axis=0),
        "the weights are divided by their sum before they are averaged, so that their mean is 1/S, whatever they are": (
            lambda log_w: np.full(log_w.shape[1], -np.log(len(log_w)))
        ),
        "this is one number over samples and examples; average over the samples only": (
            lambda log_w: logsumexp(log_w) - np.log(log_w.size)
        ),
        "you average over the examples (axis=1); average over the samples, axis 0": (
            lambda log_w: logsumexp(log_w, axis=1) - np.log(log_w.shape[1])
        ),
        "log S is added where it is to be subtracted": lambda log_w: logsumexp(log_w, axis=0) + np.log(len(log_w)),
        "the logarithm is divided by log S, which is to be subtracted": lambda log_w: (
            logsumexp(log_w, axis=0) / np.log(len(log_w))
        ),
        "the logarithm is divided by S; the division belongs inside it": lambda log_w: (
            logsumexp(log_w, axis=0) / len(log_w)
        ),
        "S is subtracted where log S is meant": lambda log_w: logsumexp(log_w, axis=0) - len(log_w),
        "the maximum is added inside the logarithm; add it after": (
            lambda log_w: np.log(np.mean(np.exp(log_w - log_w.max(axis=0)), axis=0) + log_w.max(axis=0))
        ),
        "the maximum is subtracted after the logarithm, too; add it back": (
            lambda log_w: np.log(np.mean(np.exp(log_w - log_w.max(axis=0)), axis=0)) - log_w.max(axis=0)
        ),
        "the weights are divided by their sum: these are normalised weights": (
            lambda log_w: np.exp(log_w - logsumexp(log_w, axis=0))
        ),
    },
    misconceptions={
        "mean of logs": Misconception(
            lambda log_w: log_w.mean(axis=0),
            "This is the mean of the log weights: S estimates of the ELBO, averaged. "
            "The mean over S belongs inside the logarithm.",
        ),
        "sum for mean": Misconception(
            lambda log_w: logsumexp(log_w, axis=0),
            "This is the log of the sum of the weights. Their mean is S times smaller: log S is to be subtracted.",
        ),
        "log N for log S": Misconception(
            lambda log_w: logsumexp(log_w, axis=0) - np.log(log_w.shape[1]),
            "The sum over S is divided by the number of examples N. S is the length of axis 0.",
        ),
        "exp overflows": Misconception(
            lambda log_w: np.log(np.mean(np.exp(log_w), axis=0)),
            "Right for moderate log weights, but exp(1500) overflows and exp(-2000) is 0. "
            "Take the maximum over S out before exp, and add it back after log.",
        ),
        "one maximum for all": Misconception(
            lambda log_w: log_w.max() + np.log(np.mean(np.exp(log_w - log_w.max()), axis=0)),
            "You take out one maximum for the whole array. "
            "A column far below it still underflows: take the maximum of each column (axis=0).",
        ),
        "minimum for maximum": Misconception(
            about_the_minimum,
            "You take the minimum over S out before exp, so that the largest exponents still overflow. "
            "Take out the maximum.",
        ),
        "maximum not added back": Misconception(
            lambda log_w: logsumexp(log_w, axis=0) - np.log(len(log_w)) - log_w.max(axis=0),
            "The maximum is taken out before exp and not added back after log.",
        ),
        "largest weight": Misconception(
            lambda log_w: log_w.max(axis=0),
            "This is the largest log weight of each example. The others count too, if less.",
        ),
    },
    hints=(
        "log_mean_exp of notebook 00, once for each column: average over axis 0.",
        r"With $m$ the maximum of each column: $\log \frac1S \sum_s e^{a_s} = m + \log \frac1S \sum_s e^{a_s - m}$.",
        "scipy.special.logsumexp(log_w, axis=0) is the log of the sum; what turns a sum into a mean?",
    ),
    afterwards="In PyTorch: `torch.logsumexp(log_w, 0) - math.log(S)`.",
)


EXERCISES = [JENSEN_GAP, POSTERIOR_ON_GRID, ELBO_ON_GRID, GAP_ON_GRID, EM_E_STEP, EM_M_STEP, MIXTURE_ELBO, IWAE_BOUND]
