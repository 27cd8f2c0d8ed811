"""Exercises of notebook 05: the two terms of the bound, the divergence from the prior and the expected error."""

import functools
import itertools

import numpy as np
from scipy import optimize, stats
from scipy.special import entr, rel_entr

from course_utils.exercises.model import Case, Exercise, Misconception, close

exercise = functools.partial(Exercise, notebook="05_kl_terms", compare=close())
nodes_and_weights = functools.cache(np.polynomial.hermite_e.hermegauss)
FAST_KL = "course_utils.networks.fast:gaussian_kl"


def signs(rng, shape):
    return rng.choice([-1.0, 1.0], shape)


def gaussian(rng, N, K):
    """mu and log_sigma away from 0, so that no wrong formula is right by accident."""
    return rng.uniform(0.4, 2, (N, K)) * signs(rng, (N, K)), rng.uniform(0.25, 0.9, (N, K)) * signs(rng, (N, K))


def kl_by_quadrature(mu, sigma, nodes=20):
    """KL(N(mu, sigma^2) || N(0, 1)) of each entry, from the definition, by Gauss-Hermite quadrature over t.

    z = mu + t sigma may be mu in floating point.
    """
    t, weights = nodes_and_weights(nodes)
    mu, sigma = np.asarray(mu)[..., None], np.asarray(sigma)[..., None]
    log_ratio = stats.norm.logpdf(t) - np.log(sigma) - stats.norm.logpdf(mu + sigma * t)
    return log_ratio @ weights / weights.sum()


# kl_categorical -----------------------------------------------------------------------------------------------------


def categorical_cases(rng):
    def pair(C):
        return rng.dirichlet(np.full(C, 2.0)), rng.dirichlet(np.full(C, 2.0))

    def without(probabilities, *zeros):
        kept = probabilities.copy()
        kept[list(zeros)] = 0
        return kept / kept.sum()

    def with_tiny(probabilities, place):
        rest = without(probabilities, place)
        rest[place] = 10 ** rng.uniform(-22, -18)
        return rest

    def near(C):
        """A divergence so small that four decimals are not enough."""
        q, p = pair(C)
        return q, 0.8 * q + 0.2 * p

    (q, p), (q_hole, p_whole), (q_whole, p_hole) = pair(5), pair(6), pair(4)
    (q_both, p_both), (q_tiny, p_tiny) = pair(6), pair(4)
    return [
        Case((q, p)),
        Case(pair(3)),
        Case(near(4)),
        Case(near(6)),
        Case((without(q_hole, 1, 4), p_whole), "where q has zeros: 0 log 0 counts 0"),
        Case((without(q_both, 2), without(p_both, 2)), "where q and p are zero at the same place"),
        Case((q_whole, without(p_hole, 2)), "where p = 0 < q, so that the divergence is infinite"),
        Case((q_tiny, with_tiny(p_tiny, 1)), "where p is tiny, but not 0"),
        Case(
            (with_tiny(q_tiny, 1), without(p_tiny, 1)),
            "where p = 0 and q is tiny, but not 0, so that the divergence is infinite",
        ),
    ]


def kl_sum(q, p):
    return np.sum(rel_entr(q, p))


def only_where_both(q, p):
    both = (q > 0) & (p > 0)
    return np.sum(q[both] * np.log(q[both] / p[both]))


def kl_with_small(q, p, small, to):
    """The sum over all classes, kept from infinity by a small number."""
    on_q, on_p = {"q": (small, 0), "p": (0, small), "both": (small, small), "ratio": (0, 0)}[to]
    return np.sum(q * np.log(q / p + small)) if to == "ratio" else np.sum(q * np.log((q + on_q) / (p + on_p)))


def spelled_kl_categorical(P, q, p):
    inside = q > 0
    weights, log_q, log_p = q[inside], np.log(q[inside]), np.log(p[inside])
    log_ratio = P.term("log q", log_q) - P.term("log p", log_p)
    return P.sum(P.factor("the weights q in front", weights) * log_ratio, 0, "the classes")


KL_CATEGORICAL = exercise(
    name="kl_categorical",
    points=2,
    minutes=7,
    lines=3,
    lecture_points=("L14",),
    signature="kl_categorical(q, p)",
    returns="scalar",
    task=(
        r"The divergence $\mathrm{KL}(q\,\|\,p)$ in nats of two distributions, arrays of probabilities `(C,)` each, "
        r"with $0 \log 0 = 0$, and infinity where $p_c = 0 < q_c$."
    ),
    answer="course_utils.probability.divergences:kl_categorical",
    aliases=("course_utils.probability.numerics:bound_terms",),
    cases=categorical_cases,
    oracle=kl_sum,
    spelled=spelled_kl_categorical,
    others={
        "this is the entropy of q": lambda q, p: np.sum(entr(q)),
        "this is the entropy of p": lambda q, p: np.sum(entr(p)),
        "this is the symmetric divergence, KL(q || p) + KL(p || q)": lambda q, p: kl_sum(q, p) + kl_sum(p, q),
        "this is the mean of KL(q || p) and KL(p || q)": lambda q, p: (kl_sum(q, p) + kl_sum(p, q)) / 2,
        "this is the Jensen-Shannon divergence": (lambda q, p: (kl_sum(q, (q + p) / 2) + kl_sum(p, (q + p) / 2)) / 2),
        "the average is taken under p: log(q / p) is weighted with p": lambda q, p: np.sum(p * np.log(q / p)),
        "log q is divided by log p; subtract it": lambda q, p: np.sum(q * np.log(q) / np.log(p)),
        "these are the parts of the classes one by one; sum them": rel_entr,
        "the difference of the entropies is no divergence: log p is averaged under q, too": (
            lambda q, p: np.sum(entr(p)) - np.sum(entr(q)),
            lambda q, p: np.sum(entr(q)) - np.sum(entr(p)),
        ),
        "log(q - p) stands where log q - log p belongs": lambda q, p: np.sum(q * np.log(np.abs(q - p))),
        "an absolute value is taken of each part": lambda q, p: np.sum(np.abs(rel_entr(q, p))),
        "p is divided by its sum over the classes with q > 0; p stands as it is": (
            lambda q, p: kl_sum(q[q > 0], p[q > 0] / np.sum(p[q > 0]))
        ),
        "where p is 0 the result is always infinite; where q is 0, too, the class counts nothing": (
            lambda q, p: np.inf if np.any(p == 0) else kl_sum(q, p)
        ),
        "the logarithms are weighted equally: the weights q in front of them are missing": (
            lambda q, p: np.mean(np.log(q[q > 0]) - np.log(p[q > 0])),
            lambda q, p: np.sum(np.log(q[q > 0]) - np.log(p[q > 0])),
        ),
        "this is the squared distance of q and p": lambda q, p: np.sum((q - p) ** 2),
        "this is the total variation, and not KL": (
            lambda q, p: np.sum(np.abs(q - p)),
            lambda q, p: np.sum(np.abs(q - p)) / 2,
        ),
        "a small number is added before the logarithm, which hides the infinity and changes the value": tuple(
            functools.partial(kl_with_small, small=10.0**-k, to=to)
            for k in range(3, 16)
            for to in ("q", "p", "both", "ratio")
        ),
    },
    misconceptions={
        "turned round": Misconception(
            lambda q, p: kl_sum(p, q),
            "This is KL(p || q). The average is taken under the first argument, q: "
            "the weights in front of the logarithm are q, and q stands on top inside it.",
        ),
        "zeros give nan": Misconception(
            lambda q, p: np.sum(q * np.log(q / p)),
            "Right formula, but where q is 0 numpy computes 0 * log(0) = nan. "
            "Such classes count nothing: leave them out of the sum.",
        ),
        "wrong sign": Misconception(
            lambda q, p: -kl_sum(q, p), "The sign is wrong: this is E_q[log p/q], which is minus the divergence."
        ),
        "cross-entropy": Misconception(
            lambda q, p: kl_sum(q, p) + np.sum(entr(q)),
            "This is the cross-entropy -sum q log p. "
            "The divergence is what it exceeds the entropy of q by: the term with log q is missing.",
        ),
        "bits": Misconception(
            lambda q, p: kl_sum(q, p) / np.log(2),
            "This is in bits. The course counts in nats: take the natural logarithm.",
        ),
        "impossible classes dropped": Misconception(
            only_where_both,
            "Classes with p = 0 are left out even where q > 0. There q says possible and p says impossible: "
            "the divergence is infinite. Leave out only the classes with q = 0.",
        ),
        "mean over classes": Misconception(
            lambda q, p: kl_sum(q, p) / len(q),
            "You average over the classes. The weights q already make it an average: sum.",
        ),
    },
    hints=(
        r"$\mathrm{KL}(q\,\|\,p)$ is the average, under q, of $\log(q_c / p_c)$: a sum of $q_c \log(q_c / p_c)$.",
        (
            "Choose the classes with q > 0 first (a boolean mask), and compute the sum only over them: "
            r"that is $0 \log 0 = 0$."
        ),
        (
            "With inside = q > 0: np.sum(q[inside] * np.log(q[inside] / p[inside])). "
            "Where p is 0, numpy gives infinity (and may warn), which is the right answer."
        ),
    ),
    afterwards=(
        'In PyTorch: `torch.nn.functional.kl_div(log_p, q, reduction="sum")`, where $p$ comes first, as logarithms.'
    ),
)


# kl_standard_normal, kl_gaussians -----------------------------------------------------------------------------------


def standard_cases(rng):
    N, K = 4, 3
    small = rng.normal(size=(N, K)), -rng.uniform(20, 40, (N, K))
    return [
        Case(gaussian(rng, 5, 3)),
        Case(gaussian(rng, 4, 2)),
        Case(gaussian(rng, 1, 4), "on a single example"),
        Case(small, "for very small sigma"),
    ]


def standard_oracle(mu, log_sigma):
    return kl_by_quadrature(mu, np.exp(log_sigma)).sum(axis=1)


def standard_terms(variance=lambda s: np.exp(2 * s), log_variance=lambda s: 2 * s, square=lambda m: m**2, one=1.0):
    """A wrong divergence from N(0, I): each part of the formula may be replaced."""
    return lambda mu, s: 0.5 * np.sum(variance(s) + square(mu) - one - log_variance(s), axis=1)


right_standard = standard_terms()


def standard_terms_of_ratio(mu, s):
    return 0.5 * np.sum(np.exp(2 * s) + mu**2 / np.exp(2 * s) - 1 - 2 * s, axis=1)


def spelled_kl_standard_normal(P, mu, log_sigma):
    variance = P.apply("exp", np.exp, P.factor("the 2 in exp(2 log sigma)", 2.0) * log_sigma)
    square = P.term("mu^2", P.apply("the square of mu", np.square, mu))
    terms = P.term("sigma^2", variance) + square - P.term("the 1 of each dimension", np.ones_like(mu))
    log_variance = P.term("log sigma^2", P.factor("the 2 in log sigma^2 = 2 log sigma", 2.0) * log_sigma)
    return P.factor("the factor 1/2", 0.5) * P.sum(terms - log_variance, 1, "the latent dimensions")


KL_STANDARD_NORMAL = exercise(
    name="kl_standard_normal",
    points=3,
    minutes=10,
    lines=2,
    lecture_points=("L14", "L20"),
    signature="kl_standard_normal(mu, log_sigma)",
    returns="(N,)",
    task=(
        r"$\mathrm{KL}(q\,\|\,\mathcal{N}(\mathbf{0}, I))$ for each example, where "
        r"$q = \mathcal{N}(\boldsymbol\mu, \mathrm{diag}(\boldsymbol\sigma^2))$ and `log_sigma` is the logarithm of "
        "the standard deviation; both arguments are `(N, K)`."
    ),
    answer="course_utils.probability.gaussians:kl_standard_normal",
    aliases=("course_utils.probability.gaussians:kl_gaussians", FAST_KL),
    cases=standard_cases,
    oracle=standard_oracle,
    spelled=spelled_kl_standard_normal,
    others={
        "this is the entropy of q": lambda mu, s: np.sum(s + 0.5 * np.log(2 * np.pi) + 0.5, axis=1),
        "this is the cross-entropy of q and N(0, I): the entropy of q is to be subtracted": (
            lambda mu, s: 0.5 * np.sum(np.exp(2 * s) + mu**2 + np.log(2 * np.pi), axis=1)
        ),
        "the factor 1/2 is taken of the first terms only, and not of log sigma^2": (
            lambda mu, s: np.sum(0.5 * (np.exp(2 * s) + mu**2 - 1) - 2 * s, axis=1)
        ),
        "the factor 1/2 is taken of log sigma^2 only": lambda mu, s: np.sum(np.exp(2 * s) + mu**2 - 1 - s, axis=1),
        "the 1 is subtracted once, and not in each of the K dimensions": (
            lambda mu, s: 0.5 * (np.sum(np.exp(2 * s) + mu**2 - 2 * s, axis=1) - 1)
        ),
        "these are the divergences dimension by dimension; sum over the K dimensions": (
            lambda mu, s: 0.5 * (np.exp(2 * s) + mu**2 - 1 - 2 * s)
        ),
        "log_sigma is taken for sigma itself": lambda mu, s: 0.5 * np.sum(s**2 + mu**2 - 1 - np.log(s**2), axis=1),
        "log_sigma is squared where sigma^2 belongs": standard_terms(lambda s: s**2),
        "log sigma is squared where log sigma^2 belongs": standard_terms(log_variance=lambda s: s**2),
        "mu is summed before it is squared": (
            lambda mu, s: 0.5 * (np.sum(np.exp(2 * s) - 1 - 2 * s, axis=1) + np.sum(mu, axis=1) ** 2)
        ),
        "mu^2 is divided by sigma^2; p has the variance 1": standard_terms_of_ratio,
    },
    misconceptions={
        "factor 1/2 missing": Misconception(
            lambda mu, s: 2 * right_standard(mu, s),
            "Your KL is twice as large as it should be: is the factor 1/2 there?",
        ),
        "log variance": Misconception(
            standard_terms(lambda s: np.exp(s), lambda s: s),
            "You treat log_sigma as the log of the variance. "
            "It is the log of the standard deviation, so the variance is its exponential squared.",
        ),
        "sigma for its square": Misconception(
            standard_terms(lambda s: np.exp(s)),
            "You have sigma where sigma squared belongs: the second moment of q needs the variance.",
        ),
        "log sigma once": Misconception(
            standard_terms(log_variance=lambda s: s),
            "The logarithm in the formula is of the variance, which is twice log_sigma.",
        ),
        "minus one missing": Misconception(
            standard_terms(one=0.0),
            "Every value is K/2 too large: where is the -1? At mu = 0, sigma = 1 the divergence must be 0.",
        ),
        "wrong sign": Misconception(
            lambda mu, s: -right_standard(mu, s),
            "The sign is wrong: a KL divergence is never negative. "
            "In the bound it is subtracted; here it is KL itself.",
        ),
        "mean over dimensions": Misconception(
            lambda mu, s: right_standard(mu, s) / mu.shape[1],
            "You average over the K dimensions. Independent dimensions add their divergences: sum.",
        ),
        "turned round": Misconception(
            lambda mu, s: np.sum(s + (1 + mu**2) / (2 * np.exp(2 * s)) - 0.5, axis=1),
            "This is KL(N(0, I) || q), the other way round: q's variance must not stand in a denominator.",
        ),
        "sum over examples": Misconception(
            lambda mu, s: np.sum(right_standard(mu, s)),
            "You sum over the examples, too. "
            "Each example has a divergence of its own: sum over the K dimensions only, axis=1.",
        ),
        "mu not squared": Misconception(
            standard_terms(square=lambda m: m), "mu enters squared: a mean of -2 is as far from 0 as a mean of 2."
        ),
    },
    hints=(
        (
            r"One dimension first: $\mathbb{E}_q[\log q(z)] = -\frac12 - \log\sigma - \frac12\log 2\pi$, "
            r"as $(z - \mu)^2 / \sigma^2$ averages to 1. What does $z^2$ average to under q?"
        ),
        (
            r"$\mathbb{E}_q[z^2] = \sigma^2 + \mu^2$, so $\mathrm{KL} = \frac12(\sigma^2 + \mu^2 - 1 - \log\sigma^2)$ "
            "in one dimension. Sum over dimensions."
        ),
        (
            r"$\sigma^2$ is np.exp(2 * log_sigma), and $\log\sigma^2$ is 2 * log_sigma. "
            "Sum over axis=1, and do not forget the half."
        ),
    ),
    afterwards=(
        "In PyTorch: `kl_divergence(Normal(mu, sigma), Normal(0, 1)).sum(1)`; many VAEs write "
        "`-0.5 * (1 + logvar - mu**2 - logvar.exp())`, with the logarithm of the *variance*."
    ),
)


def pair_cases(rng):
    def case(N, K, label=""):
        return Case((*gaussian(rng, N, K), *gaussian(rng, N, K)), label)

    def extreme(low, high, label):
        """q and p of nearly the same width, and their means within a few widths."""
        log_sigma_q, log_sigma_p = rng.uniform(low, high, (2, 4, 3))
        mu_q, mu_p = rng.normal(size=(2, 4, 3)) * np.exp(log_sigma_p)
        return Case((mu_q, log_sigma_q, mu_p, log_sigma_p), label)

    return [
        case(5, 3),
        case(4, 2),
        case(1, 4, "on a single example"),
        extreme(-9, -7, "for narrow Gaussians"),
        extreme(6, 8, "for wide Gaussians"),
    ]


def general_gaussian_kl(m_q, S_q, m_p, S_p):
    """KL of Gaussians with any covariance matrices, by the matrix formula."""
    d = m_p - m_q
    return 0.5 * (
        np.trace(np.linalg.solve(S_p, S_q))
        + d @ np.linalg.solve(S_p, d)
        - len(d)
        + np.linalg.slogdet(S_p)[1]
        - np.linalg.slogdet(S_q)[1]
    )


def pair_oracle(mu_q, log_sigma_q, mu_p, log_sigma_p):
    return np.array(
        [
            general_gaussian_kl(m_q, np.diag(np.exp(2 * s_q)), m_p, np.diag(np.exp(2 * s_p)))
            for m_q, s_q, m_p, s_p in zip(mu_q, log_sigma_q, mu_p, log_sigma_p)
        ]
    )


def pair_terms(log_ratio=1.0, divisor=lambda s_q, s_p: np.exp(2 * s_p), power=2, half=0.5, quadratic=0.5):
    """A wrong divergence of two Gaussians: each part of the formula may be replaced."""

    def kl(m_q, s_q, m_p, s_p):
        second_moment = np.exp(power * s_q) + (m_q - m_p) ** 2
        return np.sum(log_ratio * (s_p - s_q) + quadratic * second_moment / divisor(s_q, s_p) - half, axis=1)

    return kl


def spelled_kl_gaussians(P, mu_q, log_sigma_q, mu_p, log_sigma_p):
    log_ratio = P.term("log sigma_p", log_sigma_p) - P.term("log sigma_q", log_sigma_q)
    variance = P.term("sigma_q^2", P.apply("the square of sigma_q", np.square, np.exp(log_sigma_q)))
    square = P.term("(mu_q - mu_p)^2", P.apply("the square of mu_q - mu_p", np.square, mu_q - P.term("mu_p", mu_p)))
    quadratic = (variance + square) / P.divisor("sigma_p^2", np.exp(2 * log_sigma_p))
    quadratic = P.factor("the 1/2 of the quadratic term", 0.5) * quadratic
    half = P.term("the 1/2 of each dimension", np.full(mu_q.shape, 0.5))
    return P.sum(P.term("the quadratic term", quadratic) + log_ratio - half, 1, "the latent dimensions")


KL_GAUSSIANS = exercise(
    name="kl_gaussians",
    points=2,
    minutes=8,
    lines=3,
    lecture_points=("L14",),
    signature="kl_gaussians(mu_q, log_sigma_q, mu_p, log_sigma_p)",
    returns="(N,)",
    task=(
        r"$\mathrm{KL}(q\,\|\,p)$ for each example, where q and p are Gaussians with diagonal covariance; "
        "all four arguments are `(N, K)`."
    ),
    answer="course_utils.probability.gaussians:kl_gaussians",
    cases=pair_cases,
    oracle=pair_oracle,
    spelled=spelled_kl_gaussians,
    others={
        "the logarithms of the widths are divided; the logarithm of their ratio is a difference": (
            lambda mu_q, s_q, mu_p, s_p: np.sum(
                0.5 * (np.exp(2 * s_q / s_p) + (mu_q - mu_p) ** 2 / np.exp(2 * s_p) - 1) - s_q / s_p, axis=1
            )
        ),
        "in the quadratic term q and p have changed places; the log ratio is the right way round": (
            lambda mu_q, s_q, mu_p, s_p: np.sum(
                s_p - s_q + (np.exp(2 * s_p) + (mu_q - mu_p) ** 2) / (2 * np.exp(2 * s_q)) - 0.5, axis=1
            )
        ),
        "this is KL(q || N(0, I)): p is not used": lambda m_q, s_q, m_p, s_p: right_standard(m_q, s_q),
        "this is the difference of the divergences of q and of p from N(0, I), which is not KL(q || p)": (
            lambda m_q, s_q, m_p, s_p: right_standard(m_q, s_q) - right_standard(m_p, s_p)
        ),
        "only sigma_q^2 is divided by sigma_p^2; divide (mu_q - mu_p)^2, too": (
            lambda m_q, s_q, m_p, s_p: np.sum(
                s_p - s_q + 0.5 * np.exp(2 * (s_q - s_p)) + 0.5 * (m_q - m_p) ** 2 - 0.5, axis=1
            )
        ),
        "only (mu_q - mu_p)^2 is divided by sigma_p^2; divide sigma_q^2, too": (
            lambda m_q, s_q, m_p, s_p: np.sum(
                s_p - s_q + 0.5 * np.exp(2 * s_q) + 0.5 * (m_q - m_p) ** 2 / np.exp(2 * s_p) - 0.5, axis=1
            )
        ),
        "only (mu_q - mu_p)^2 is halved and divided; sigma_q^2 belongs into the same fraction": (
            lambda m_q, s_q, m_p, s_p: np.sum(
                s_p - s_q + np.exp(2 * s_q) + (m_q - m_p) ** 2 / (2 * np.exp(2 * s_p)) - 0.5, axis=1
            )
        ),
        "the variances are divided, but (mu_q - mu_p)^2 is divided by sigma_q^2": (
            lambda m_q, s_q, m_p, s_p: np.sum(
                s_p - s_q + 0.5 * np.exp(2 * (s_q - s_p)) + 0.5 * (m_q - m_p) ** 2 / np.exp(2 * s_q) - 0.5, axis=1
            )
        ),
        "the 1/2 is subtracted once, and not in each of the K dimensions": (
            lambda m_q, s_q, m_p, s_p: pair_terms(half=0.0)(m_q, s_q, m_p, s_p) - 0.5
        ),
        "(mu_q - mu_p) is not squared": (
            lambda m_q, s_q, m_p, s_p: np.sum(
                s_p - s_q + 0.5 * (np.exp(2 * s_q) + np.abs(m_q - m_p)) / np.exp(2 * s_p) - 0.5, axis=1
            ),
            lambda m_q, s_q, m_p, s_p: np.sum(
                s_p - s_q + 0.5 * (np.exp(2 * s_q) + m_q - m_p) / np.exp(2 * s_p) - 0.5, axis=1
            ),
        ),
        "1 is subtracted in each dimension where 1/2 is meant": pair_terms(half=1.0),
        "the log of the ratio of variances stands where that of standard deviations belongs": pair_terms(log_ratio=2.0),
        "log sigma_p is divided by log sigma_q: the logarithm of a ratio is the difference of the logarithms": (
            lambda m_q, s_q, m_p, s_p: pair_terms(log_ratio=0.0)(m_q, s_q, m_p, s_p) + np.sum(s_p / s_q, axis=1)
        ),
        "the logarithm of the ratio of widths is left out": pair_terms(log_ratio=0.0),
        "the logarithm of the ratio is halved once too often": pair_terms(log_ratio=0.5),
        "mu_q^2 - mu_p^2 stands where (mu_q - mu_p)^2 belongs": (
            lambda m_q, s_q, m_p, s_p: np.sum(
                s_p - s_q + 0.5 * (np.exp(2 * s_q) + m_q**2 - m_p**2) / np.exp(2 * s_p) - 0.5, axis=1
            )
        ),
        "these are the divergences dimension by dimension; sum over the K dimensions": (
            lambda m_q, s_q, m_p, s_p: s_p - s_q + 0.5 * (np.exp(2 * s_q) + (m_q - m_p) ** 2) / np.exp(2 * s_p) - 0.5
        ),
    },
    misconceptions={
        "turned round": Misconception(
            lambda m_q, s_q, m_p, s_p: pair_terms()(m_p, s_p, m_q, s_q),
            "This is KL(p || q). In KL(q || p) the average is under q, so p's variance stands in the denominator.",
        ),
        "log ratio upside down": Misconception(
            pair_terms(log_ratio=-1.0),
            "The logarithm of the ratio of widths has the wrong sign: a q narrower than p must cost more, "
            "so it is log(sigma_p / sigma_q).",
        ),
        "divided by q's variance": Misconception(
            pair_terms(divisor=lambda s_q, s_p: np.exp(2 * s_q)),
            "You divide by q's variance. The squared distance from p's mean comes from log p, so it is divided by p's.",
        ),
        "widths for variances": Misconception(
            pair_terms(divisor=lambda s_q, s_p: np.exp(s_p), power=1),
            "You use standard deviations where variances belong: square sigma_q and sigma_p in the quadratic term.",
        ),
        "minus one half missing": Misconception(
            pair_terms(half=0.0),
            "Every value is K/2 too large: where is the -1/2 in each dimension? For q = p the divergence must be 0.",
        ),
        "quadratic term not halved": Misconception(
            pair_terms(quadratic=1.0),
            "The quadratic term is twice too large: a Gaussian's exponent is divided by 2 sigma_p^2.",
        ),
        "mean over dimensions": Misconception(
            lambda *args: pair_terms()(*args) / args[0].shape[1],
            "You average over the K dimensions. Independent dimensions add their divergences: sum.",
        ),
        "log variance": Misconception(
            lambda m_q, s_q, m_p, s_p: pair_terms()(m_q, s_q / 2, m_p, s_p / 2),
            "You treat log_sigma as the log of the variance. It is the log of the standard deviation.",
        ),
        "mean of p left out": Misconception(
            lambda m_q, s_q, m_p, s_p: pair_terms()(m_q, s_q, 0, s_p),
            "p's mean is left out: what counts is how far q's mean is from p's.",
        ),
    },
    hints=(
        (
            r"Moving and stretching the axis, $z \mapsto (z - \mu_p) / \sigma_p$, changes both densities alike, "
            r"so the divergence stays. It makes p a $\mathcal{N}(0, 1)$. What does it make of q?"
        ),
        (
            r"q becomes a Gaussian with the mean $(\mu_q - \mu_p) / \sigma_p$ and the width $\sigma_q / \sigma_p$, "
            r"whose logarithm is $\log\sigma_q - \log\sigma_p$. You have a function for its divergence."
        ),
        (
            r"In one dimension: $\log(\sigma_p / \sigma_q) + (\sigma_q^2 + (\mu_q - \mu_p)^2) / (2 \sigma_p^2) "
            r"- \frac12$. Or in one line: kl_standard_normal((mu_q - mu_p) / np.exp(log_sigma_p), "
            "log_sigma_q - log_sigma_p)."
        ),
    ),
)


# kl_monte_carlo -----------------------------------------------------------------------------------------------------


def monte_carlo_cases(rng):
    def case(S, N, K, label=""):
        return Case((*gaussian(rng, N, K), rng.normal(size=(S, N, K))), label)

    return [case(6, 4, 3), case(9, 3, 2), case(1, 5, 2, "for S = 1"), case(4, 1, 3, "on a single example")]


def monte_carlo_oracle(mu, log_sigma, eps):
    def one(n):
        sigma = np.exp(log_sigma[n])
        terms = [
            sum(
                stats.norm.logpdf(m + s * e, m, s) - stats.norm.logpdf(m + s * e)
                for m, s, e in zip(mu[n], sigma, noise)
            )
            for noise in eps[:, n]
        ]
        return sum(terms) / len(terms)

    return np.array([one(n) for n in range(len(mu))])


def log_ratio(mu, s, z, at=None):
    """log q(z) - log p(z) per sample and example, (S, N); log p is taken at `at`, if given."""
    return np.sum(stats.norm.logpdf(z, mu, np.exp(s)) - stats.norm.logpdf(z if at is None else at), axis=-1)


def sampled(mu, s, eps):
    return log_ratio(mu, s, mu + np.exp(s) * eps)


def spelled_kl_monte_carlo(P, mu, log_sigma, eps):
    z = P.term("mu in z", mu) + P.factor("sigma in z", np.exp(log_sigma)) * P("eps in z", eps)
    log_p = P.term("log p(z)", -P.factor("the 1/2 in log p(z)", 0.5) * P.apply("the square of z", np.square, z))
    exponent = P.factor("the 1/2 in log q(z)", 0.5) * P.apply("the square of eps", np.square, P("eps in log q(z)", eps))
    log_q = -P.term("eps^2 / 2 in log q(z)", exponent) - P.term(
        "log sigma in log q(z)", np.broadcast_to(log_sigma, eps.shape)
    )
    total = P.sum(P.term("log q(z)", log_q) - log_p, 2, "the latent dimensions")
    return P.mean(total, 0, "the samples")


KL_MONTE_CARLO = exercise(
    name="kl_monte_carlo",
    points=3,
    minutes=10,
    lines=4,
    lecture_points=("L14",),
    signature="kl_monte_carlo(mu, log_sigma, eps)",
    returns="(N,)",
    task=(
        r"The mean over the S samples of $\log q(\mathbf{z}_s) - \log p(\mathbf{z}_s)$, "
        r"where $p = \mathcal{N}(\mathbf{0}, I)$ and $\mathbf{z}_s$ comes from q by stretching and moving the given "
        "standard normal noise `eps (S, N, K)`; `mu` and `log_sigma` are `(N, K)`."
    ),
    answer="course_utils.probability.gaussians:kl_monte_carlo",
    cases=monte_carlo_cases,
    oracle=monte_carlo_oracle,
    spelled=spelled_kl_monte_carlo,
    others={
        "this is log q(z), averaged; log p(z) is to be subtracted": (
            lambda mu, s, eps: stats.norm.logpdf(mu + np.exp(s) * eps, mu, np.exp(s)).sum(axis=-1).mean(axis=0)
        ),
        "this is log p(z), averaged; it is to be subtracted from log q(z)": (
            lambda mu, s, eps: stats.norm.logpdf(mu + np.exp(s) * eps).sum(axis=-1).mean(axis=0),
            lambda mu, s, eps: -stats.norm.logpdf(mu + np.exp(s) * eps).sum(axis=-1).mean(axis=0),
        ),
        "q(z) - p(z) stands where log q(z) - log p(z) belongs": (
            lambda mu, s, eps: (
                np.exp(stats.norm.logpdf(mu + np.exp(s) * eps, mu, np.exp(s)).sum(axis=-1))
                - np.exp(stats.norm.logpdf(mu + np.exp(s) * eps).sum(axis=-1))
            ).mean(axis=0)
        ),
        "log q is weighted with q(z) once more; the samples come from q already": (
            lambda mu, s, eps: (
                np.exp(stats.norm.logpdf(mu + np.exp(s) * eps, mu, np.exp(s)).sum(axis=-1)) * sampled(mu, s, eps)
            ).mean(axis=0)
        ),
        "the samples are eps, draws of p; stretch and move them, so that they come from q": (
            lambda mu, s, eps: log_ratio(mu, s, eps).mean(axis=0)
        ),
        "both exponents lack their minus: log q has -eps^2/2, and log p has -z^2/2": (
            lambda mu, s, eps: (0.5 * np.sum(eps**2 - (mu + np.exp(s) * eps) ** 2, axis=-1) - s.sum(axis=-1)).mean(
                axis=0
            )
        ),
        "in log q(z), (z - mu) is not divided by sigma": (
            lambda mu, s, eps: (
                0.5 * np.sum((mu + np.exp(s) * eps) ** 2 - (np.exp(s) * eps) ** 2, axis=-1) - s.sum(axis=-1)
            ).mean(axis=0)
        ),
        "in log q(z), (z - mu)^2 is divided by sigma, and not by sigma^2": (
            lambda mu, s, eps: (
                0.5 * np.sum((mu + np.exp(s) * eps) ** 2 - np.exp(s) * eps**2, axis=-1) - s.sum(axis=-1)
            ).mean(axis=0)
        ),
        "log q(z) has the width sigma^2: the scale of a Gaussian's density is the standard deviation, sigma": (
            lambda mu, s, eps: (
                (stats.norm.logpdf(mu + np.exp(s) * eps, mu, np.exp(2 * s)) - stats.norm.logpdf(mu + np.exp(s) * eps))
                .sum(axis=-1)
                .mean(axis=0)
            )
        ),
        "log p(z) has its constant, log(2 pi) / 2 in every dimension, and log q(z) has not": (
            lambda mu, s, eps: sampled(mu, s, eps).mean(axis=0) + mu.shape[1] / 2 * np.log(2 * np.pi)
        ),
        "log q(z) has its constant, log(2 pi) / 2 in every dimension, and log p(z) has not": (
            lambda mu, s, eps: sampled(mu, s, eps).mean(axis=0) - mu.shape[1] / 2 * np.log(2 * np.pi)
        ),
        "an absolute value is taken of log q(z) - log p(z)": lambda mu, s, eps: np.abs(sampled(mu, s, eps)).mean(
            axis=0
        ),
        "this is the estimate (r - 1) - log r with r = p / q; here log q(z) - log p(z) itself is averaged": (
            lambda mu, s, eps: (np.exp(-sampled(mu, s, eps)) - 1 + sampled(mu, s, eps)).mean(axis=0)
        ),
    },
    misconceptions={
        "closed form": Misconception(
            lambda mu, s, eps: right_standard(mu, s),
            "This is the exact divergence, which does not depend on eps. "
            "The estimate is asked: average log q(z) - log p(z) over the samples.",
        ),
        "stretched by log sigma": Misconception(
            lambda mu, s, eps: log_ratio(mu, s, mu + s * eps).mean(axis=0),
            "The samples are mu + log_sigma * eps. The noise is stretched by sigma, the exponential of log_sigma.",
        ),
        "stretched by the variance": Misconception(
            lambda mu, s, eps: log_ratio(mu, s, mu + np.exp(2 * s) * eps).mean(axis=0),
            "The noise is stretched by the variance. "
            "Multiplying by sigma is what gives a sample the standard deviation sigma.",
        ),
        "p at the noise": Misconception(
            lambda mu, s, eps: log_ratio(mu, s, mu + np.exp(s) * eps, at=eps).mean(axis=0),
            "log p is taken at eps. Both densities are taken at the same point, the sample z = mu + sigma eps.",
        ),
        "width left out of log q": Misconception(
            lambda mu, s, eps: (sampled(mu, s, eps) + np.sum(s, axis=-1)).mean(axis=0),
            "In log q the term -log sigma is missing: a narrow density is high. Only then does it integrate to 1.",
        ),
        "samples summed": Misconception(
            lambda mu, s, eps: sampled(mu, s, eps).sum(axis=0),
            "You sum over the samples. An expectation is estimated by their mean.",
        ),
        "one value per sample": Misconception(
            sampled, "You return one value for each sample and example, (S, N). Average over the samples, axis 0."
        ),
        "mean over dimensions": Misconception(
            lambda mu, s, eps: sampled(mu, s, eps).mean(axis=0) / mu.shape[1],
            "You average over the K dimensions. The log of a product of densities is a sum over dimensions.",
        ),
        "wrong sign": Misconception(
            lambda mu, s, eps: -sampled(mu, s, eps).mean(axis=0),
            "The sign is wrong: KL(q || p) averages log q - log p.",
        ),
    },
    hints=(
        (
            r"Three lines: make the samples z (S, N, K); compute $\log q(\mathbf{z}) - \log p(\mathbf{z})$, "
            "summed over the K dimensions; average over S."
        ),
        (
            "z = mu + np.exp(log_sigma) * eps broadcasts (N, K) against (S, N, K). "
            r"In $\log q$, $(z - \mu) / \sigma$ is eps itself."
        ),
        (
            r"Per dimension, $\log q = -\frac12\varepsilon^2 - \log\sigma - \frac12\log 2\pi$ and "
            r"$\log p = -\frac12 z^2 - \frac12\log 2\pi$. The constants cancel."
        ),
    ),
)


# expected_squared_error, elbo_linear_gaussian -----------------------------------------------------------------------


def linear_case(rng, N, D, K, label=""):
    mu, log_sigma = gaussian(rng, N, K)
    W, b = rng.normal(size=(D, K)) + 0.3, rng.normal(size=D) + 0.5
    return Case((mu @ W.T + b + rng.normal(size=(N, D)), W, b, mu, log_sigma), label)


def error_cases(rng):
    return [
        linear_case(rng, 5, 6, 3),
        linear_case(rng, 4, 7, 2),
        linear_case(rng, 1, 5, 3, "on a single example"),
        linear_case(rng, 3, 2, 4, "for K > D"),
        linear_case(rng, 4, 5, 1, "for K = 1"),
        linear_case(rng, 5, 3, 3, "for K = D"),
    ]


def error_oracle(x, W, b, mu, log_sigma):
    """The mean over all 2^K corners mu +- sigma: it agrees with a Gaussian's on every quadratic function."""
    corners = np.array(list(itertools.product([-1, 1], repeat=mu.shape[1])))
    return np.array(
        [
            np.mean([np.sum((x_n - W @ (m + np.exp(s) * c) - b) ** 2) for c in corners])
            for x_n, m, s in zip(x, mu, log_sigma)
        ]
    )


def error_of_mean(x, W, b, mu):
    return np.sum((x - mu @ W.T - b) ** 2, axis=1)


def spread(W, log_sigma):
    return np.exp(2 * log_sigma) @ np.sum(W**2, axis=0)


def spelled_expected_squared_error(P, x, W, b, mu, log_sigma):
    r = x - P.term("b", b) - P.term("W mu", mu @ W.T)
    of_mean = P.sum(P.apply("the square", np.square, r), 1, "the dimensions")
    lengths = P.sum(P.apply("the square of W", np.square, W), 0, "the rows of W")
    variance = P.apply("the square of sigma", np.square, np.exp(log_sigma))
    spread = P.sum(P.factor("sigma^2", variance) * P.factor("||w_k||^2", lengths), 1, "the latent dimensions")
    return P.term("the error of the mean code", of_mean) + P.term("the decoded spread of q", spread)


EXPECTED_SQUARED_ERROR = exercise(
    name="expected_squared_error",
    points=3,
    minutes=12,
    lines=3,
    lecture_points=("L13", "L17"),
    signature="expected_squared_error(x, W, b, mu, log_sigma)",
    returns="(N,)",
    task=(
        r"The exact expectation of $\lVert \mathbf{x} - W\mathbf{z} - \mathbf{b} \rVert^2$ over $\mathbf{z}$ from "
        r"$q = \mathcal{N}(\boldsymbol\mu, \mathrm{diag}(\boldsymbol\sigma^2))$, for each example: `x (N, D)`, "
        "`W (D, K)`, `b (D,)`, `mu` and `log_sigma (N, K)`."
    ),
    answer="course_utils.models.linear_gaussian:expected_squared_error",
    cases=error_cases,
    oracle=error_oracle,
    spelled=spelled_expected_squared_error,
    others={
        "sigma is decoded and joins the residual before the square; the variance adds to the error on its own": (
            lambda x, W, b, mu, s: np.sum((x - mu @ W.T - b - np.exp(s) @ W.T) ** 2, axis=1),
            lambda x, W, b, mu, s: np.sum((x - mu @ W.T - b + np.exp(s) @ W.T) ** 2, axis=1),
        ),
        "the decoded sigma is squared after the sum over k; each sigma_k^2 ||w_k||^2 counts on its own": (
            lambda x, W, b, mu, s: error_of_mean(x, W, b, mu) + np.sum((np.exp(s) @ W.T) ** 2, axis=1)
        ),
        "the lengths of W's columns are not squared: ||w_k||^2 is the sum of their squared entries": (
            lambda x, W, b, mu, s: error_of_mean(x, W, b, mu) + np.exp(2 * s) @ np.linalg.norm(W, axis=0)
        ),
        "the error of the mean code is summed over the examples, too: each example has its own (axis=1)": (
            lambda x, W, b, mu, s: np.sum(error_of_mean(x, W, b, mu)) + spread(W, s)
        ),
        "the variance is decoded with W, and not with its squared entries": (
            lambda x, W, b, mu, s: error_of_mean(x, W, b, mu) + np.sum(np.exp(2 * s) @ W.T, axis=1)
        ),
        "the variances of the entries are divided by D": (
            lambda x, W, b, mu, s: error_of_mean(x, W, b, mu) + spread(W, s) / x.shape[1]
        ),
        "only the error of the mean code is divided by D": (
            lambda x, W, b, mu, s: error_of_mean(x, W, b, mu) / x.shape[1] + spread(W, s)
        ),
        "the length of x - W mu - b stands where its square belongs": (
            lambda x, W, b, mu, s: np.sqrt(error_of_mean(x, W, b, mu)) + spread(W, s)
        ),
        "log_sigma is taken for the log of the variance": (
            lambda x, W, b, mu, s: error_of_mean(x, W, b, mu) + spread(W, s / 2)
        ),
    },
    misconceptions={
        "spread of q left out": Misconception(
            lambda x, W, b, mu, s: error_of_mean(x, W, b, mu),
            "This is the error of the mean code alone. "
            "The spread of q adds to it: E[||r||^2] = ||E[r]||^2 + the sum of r's variances.",
        ),
        "spread not decoded": Misconception(
            lambda x, W, b, mu, s: error_of_mean(x, W, b, mu) + np.sum(np.exp(2 * s), axis=1),
            "You add the variances of z. It is the decoded spread that counts: a unit of z_k moves x by column k of W.",
        ),
        "sigma for its square": Misconception(
            lambda x, W, b, mu, s: error_of_mean(x, W, b, mu) + np.exp(s) @ np.sum(W**2, axis=0),
            "The second term has sigma where the variance sigma squared belongs.",
        ),
        "log variance": Misconception(
            lambda x, W, b, mu, s: error_of_mean(x, W, b, mu) + s**2 @ np.sum(W**2, axis=0),
            "The second term squares log_sigma itself. Take the exponential first: sigma = exp(log_sigma).",
        ),
        "columns summed before squaring": Misconception(
            lambda x, W, b, mu, s: error_of_mean(x, W, b, mu) + np.exp(2 * s) @ np.sum(W, axis=0) ** 2,
            "You sum the entries of each column of W and square the sum. "
            "The squared length of a column is the sum of its squared entries.",
        ),
        "spread subtracted": Misconception(
            lambda x, W, b, mu, s: error_of_mean(x, W, b, mu) - spread(W, s),
            "The spread of q is subtracted. It makes the error larger on average, never smaller.",
        ),
        "b left out": Misconception(
            lambda x, W, b, mu, s: error_of_mean(x, W, 0 * b, mu) + spread(W, s),
            "b is left out: the decoder is z @ W.T + b.",
        ),
        "mean over dimensions": Misconception(
            lambda x, W, b, mu, s: (error_of_mean(x, W, b, mu) + spread(W, s)) / x.shape[1],
            "You average over the D dimensions. The squared error is their sum.",
        ),
        "every column for every sigma": Misconception(
            lambda x, W, b, mu, s: error_of_mean(x, W, b, mu) + np.sum(np.exp(2 * s), axis=1) * np.sum(W**2),
            "You multiply all variances by the squared size of the whole of W. "
            "Each sigma_k goes with its own column of W.",
        ),
    },
    hints=(
        (
            r"Write $\mathbf{z} = \boldsymbol\mu + \boldsymbol\sigma \odot \boldsymbol\varepsilon$, with noise of mean "
            r"0 and variance 1. Then $\mathbf{x} - W\mathbf{z} - \mathbf{b}$ is a fixed vector minus "
            r"$W(\boldsymbol\sigma \odot \boldsymbol\varepsilon)$."
        ),
        (
            "Square and average: the cross term vanishes. What is left of the noise is "
            r"$\mathbb{E}\lVert W(\boldsymbol\sigma \odot \boldsymbol\varepsilon)\rVert^2 = "
            r"\sum_k \sigma_k^2 \lVert\mathbf{w}_k\rVert^2$, with $\mathbf{w}_k$ the columns of W."
        ),
        "np.sum((x - mu @ W.T - b) ** 2, axis=1), plus np.exp(2 * log_sigma) @ np.sum(W ** 2, axis=0): (N, K) @ (K,).",
    ),
)


def elbo_cases(rng):
    def case(N, D, K, eta, label=""):
        x, W, b, mu, log_sigma = linear_case(rng, N, D, K).args
        return Case((x, W, b, eta, mu, log_sigma), label)

    return [
        case(5, 6, 3, rng.uniform(0.2, 0.4)),
        case(4, 7, 2, rng.uniform(1.8, 3)),
        case(1, 5, 3, rng.uniform(0.4, 0.6), "on a single example"),
    ]


def elbo_oracle(x, W, b, eta, mu, log_sigma):
    """log p(x) minus the divergence from the posterior, both in closed form: the gap identity of notebook 04."""
    covariance = np.linalg.inv(np.eye(W.shape[1]) + W.T @ W / eta)
    log_p = stats.multivariate_normal.logpdf(x, b, W @ W.T + eta * np.eye(len(b)))
    gaps = [
        general_gaussian_kl(m, np.diag(np.exp(2 * s)), covariance @ W.T @ (x_n - b) / eta, covariance)
        for x_n, m, s in zip(x, mu, log_sigma)
    ]
    return np.atleast_1d(log_p) - gaps


def elbo_terms(
    constant=lambda x, mu, eta: -0.5 * x.shape[1] * np.log(2 * np.pi * eta),
    divisor=lambda eta: 2 * eta,
    kl=-1.0,
    decoded_spread=spread,
):
    """A wrong ELBO: each part of the formula may be replaced."""
    return lambda x, W, b, eta, mu, s: (
        constant(x, mu, eta)
        - (error_of_mean(x, W, b, mu) + decoded_spread(W, s)) / divisor(eta)
        + kl * right_standard(mu, s)
    )


def spelled_elbo_linear_gaussian(P, x, W, b, eta, mu, log_sigma):
    inside = P.factor("2 pi inside the logarithm", 2 * np.pi) * P.factor("eta inside the logarithm", eta)
    D = P.factor("the number of dimensions in the constant", float(x.shape[1]))
    constant = P.factor("the 1/2 of the constant", 0.5) * D * np.log(inside)
    r = x - P.term("b", b) - P.term("W mu", mu @ W.T)
    of_mean = P.sum(np.square(r), 1, "the dimensions")
    decoded = P.term(
        "the decoded spread of q", P.factor("sigma^2 in the error", np.exp(2 * log_sigma)) @ np.sum(W**2, axis=0)
    )
    error = P.factor("the 1/2 of the error", 0.5) * (P.term("the error of the mean code", of_mean) + decoded)
    divergence = spelled_kl_standard_normal(P, mu, P("log_sigma in KL", log_sigma))
    reconstruction = -P.term("the Gaussian's constant", constant) - P.term("the error", error / P.divisor("eta", eta))
    return P.term("the reconstruction term", reconstruction) - P.term("KL(q || N(0, I))", divergence)


ELBO_LINEAR_GAUSSIAN = exercise(
    name="elbo_linear_gaussian",
    points=3,
    minutes=6,
    lines=4,
    lecture_points=("L13", "L15"),
    signature="elbo_linear_gaussian(x, W, b, eta, mu, log_sigma)",
    returns="(N,)",
    task=(
        r"The exact bound $\mathcal{F}$ for each example, with "
        r"$p(\mathbf{x}|\mathbf{z}) = \mathcal{N}(\mathbf{x};\, W\mathbf{z} + \mathbf{b}, \eta I)$, "
        r"$p(\mathbf{z}) = \mathcal{N}(\mathbf{0}, I)$, "
        r"$q = \mathcal{N}(\boldsymbol\mu, \mathrm{diag}(\boldsymbol\sigma^2))$, and the Gaussian's constant; "
        "shapes as before."
    ),
    answer="course_utils.models.linear_gaussian:elbo_linear_gaussian",
    cases=elbo_cases,
    oracle=elbo_oracle,
    spelled=spelled_elbo_linear_gaussian,
    others={
        "this is log p(x), which F bounds: it does not depend on q": (
            lambda x, W, b, eta, mu, s: np.atleast_1d(
                stats.multivariate_normal.logpdf(x, b, W @ W.T + eta * np.eye(len(b)))
            )
        ),
        "this is minus F, a loss": lambda x, W, b, eta, mu, s: -elbo_terms()(x, W, b, eta, mu, s),
        "this is the divergence alone": lambda x, W, b, eta, mu, s: right_standard(mu, s),
        "this is minus the divergence: the reconstruction term is missing": (
            lambda x, W, b, eta, mu, s: -right_standard(mu, s)
        ),
        "the divergence is divided by eta, too": (
            lambda x, W, b, eta, mu, s: elbo_terms(kl=-1 / eta)(x, W, b, eta, mu, s)
        ),
        "the divergence is divided by 2 eta, as the error is; it stands as it is": (
            lambda x, W, b, eta, mu, s: elbo_terms(kl=-1 / (2 * eta))(x, W, b, eta, mu, s)
        ),
        "the divergence is multiplied by eta": (lambda x, W, b, eta, mu, s: elbo_terms(kl=-eta)(x, W, b, eta, mu, s)),
        "the constant counts the examples, and not the dimensions": (
            lambda x, W, b, eta, mu, s: elbo_terms(constant=lambda x, mu, eta: -0.5 * len(x) * np.log(2 * np.pi * eta))(
                x, W, b, eta, mu, s
            )
        ),
        "the constant has the wrong sign": (
            elbo_terms(constant=lambda x, mu, eta: 0.5 * x.shape[1] * np.log(2 * np.pi * eta))
        ),
        "the exponent has eta as a standard deviation: it is the variance already": elbo_terms(
            divisor=lambda eta: 2 * eta**2
        ),
        "the squared error is multiplied by eta, where it should be divided": elbo_terms(divisor=lambda eta: 2 / eta),
        "the squared error is not divided by eta": elbo_terms(divisor=lambda eta: 2.0),
        "eta is squared in the constant": (
            elbo_terms(constant=lambda x, mu, eta: -0.5 * x.shape[1] * np.log(2 * np.pi * eta**2))
        ),
        "a square root is taken of eta in the constant": (
            elbo_terms(constant=lambda x, mu, eta: -0.5 * x.shape[1] * np.log(2 * np.pi * np.sqrt(eta)))
        ),
    },
    misconceptions={
        "constant left out": Misconception(
            elbo_terms(constant=lambda x, mu, eta: 0.0),
            "The Gaussian's constant is missing: log N(x; m, eta I) begins with -(D/2) log(2 pi eta). "
            "Without it F is no bound on log p(x).",
        ),
        "K in the constant": Misconception(
            elbo_terms(constant=lambda x, mu, eta: -0.5 * mu.shape[1] * np.log(2 * np.pi * eta)),
            "The constant counts the K latent dimensions. It belongs to the density of x, which has D dimensions.",
        ),
        "constant once": Misconception(
            elbo_terms(constant=lambda x, mu, eta: -0.5 * np.log(2 * np.pi * eta)),
            "The constant stands there once. Each of the D dimensions of x has its own -log(2 pi eta)/2.",
        ),
        "eta squared": Misconception(
            elbo_terms(
                constant=lambda x, mu, eta: -0.5 * x.shape[1] * np.log(2 * np.pi * eta**2),
                divisor=lambda eta: 2 * eta**2,
            ),
            "You square eta. It is the variance of the noise already (the slides' sigma^2), "
            "not its standard deviation.",
        ),
        "2 missing": Misconception(
            elbo_terms(divisor=lambda eta: eta),
            "The squared error is divided by eta; a Gaussian's exponent divides by 2 eta.",
        ),
        "KL added": Misconception(
            elbo_terms(kl=1.0), "The divergence is added. It is a price: F is the reconstruction term minus KL."
        ),
        "KL left out": Misconception(
            elbo_terms(kl=0.0), "This is the reconstruction term alone. Subtract KL(q || N(0, I))."
        ),
        "spread of q left out": Misconception(
            elbo_terms(decoded_spread=lambda W, s: 0.0),
            "The reconstruction term takes the error of the mean code. "
            "It is the expected error under q: use expected_squared_error.",
        ),
        "mean over examples": Misconception(
            lambda *args: np.mean(elbo_terms()(*args)),
            "You average over the examples. Each example has a bound of its own, (N,).",
        ),
    },
    hints=(
        (
            r"$\mathcal{F}$ has two terms: $\mathbb{E}_q[\log p(\mathbf{x}|\mathbf{z})]$, and minus "
            r"$\mathrm{KL}(q\,\|\,\mathcal{N}(\mathbf{0}, I))$. You have written functions for both of the hard parts."
        ),
        (
            r"$\log \mathcal{N}(\mathbf{x};\, \mathbf{m}, \eta I) = -\frac{D}{2} \log(2\pi\eta) - "
            r"\lVert\mathbf{x} - \mathbf{m}\rVert^2 / (2\eta)$. "
            r"Only the squared error depends on $\mathbf{z}$: put its expectation there."
        ),
        (
            "-0.5 * D * np.log(2 * np.pi * eta) - expected_squared_error(x, W, b, mu, "
            "log_sigma) / (2 * eta) - kl_standard_normal(mu, log_sigma), with D = x.shape[1]."
        ),
    ),
)


# kl_to_point_mass ---------------------------------------------------------------------------------------------------


def point_mass_cases(rng):
    def case(K, sigmas, label=""):
        return Case((rng.uniform(0.5, 2, K) * signs(rng, K), sigmas), label)

    return [
        case(3, rng.uniform(0.1, 0.8, 5)),
        case(5, rng.uniform(1.3, 3, 4)),
        case(2, 10 ** rng.uniform(-9, -3, 6), "for sigma near 0"),
        case(4, rng.uniform(0.2, 0.7, 1), "for M = 1"),
        case(12, 10 ** rng.uniform(-36, -30, 5), "for sigma near 1e-33"),
    ]


def point_mass_oracle(mu, sigmas):
    return np.array([kl_by_quadrature(mu, sigma).sum() for sigma in sigmas])


def point_mass_terms(
    variances=lambda K, s: K * s**2,
    logs=lambda K, s: 2 * K * np.log(s),
    square=lambda mu: np.sum(mu**2),
    ones=lambda K: K,
):
    """A wrong divergence of N(mu, sigma^2 I): each part of the formula may be replaced."""
    return lambda mu, s: 0.5 * (variances(len(mu), s) + square(mu) - ones(len(mu)) - logs(len(mu), s))


def point_mass_with_small(mu, sigmas, small, square):
    """The divergence with a small number that keeps the logarithm finite."""
    log = np.log(sigmas**2 + small) / 2 if square else np.log(sigmas + small)
    return point_mass_terms(logs=lambda K, s: 2 * K * log)(mu, sigmas)


def spelled_kl_to_point_mass(P, mu, sigmas):
    K = float(len(mu))
    variance = P.factor("the K of sigma^2", K) * P.term("sigma^2", P.apply("the square of sigma", np.square, sigmas))
    square = P.sum(P.apply("the square of mu", np.square, mu), 0, "the latent dimensions")
    terms = variance + P.term("||mu||^2", square) - P.term("the K ones", K)
    logs = P.term(
        "log sigma^2", P.factor("the K of log sigma", K) * P.factor("the 2 of log sigma^2", 2.0) * np.log(sigmas)
    )
    return P.factor("the factor 1/2", 0.5) * (terms - logs)


KL_TO_POINT_MASS = exercise(
    name="kl_to_point_mass",
    points=2,
    minutes=5,
    lines=3,
    lecture_points=("L17",),
    signature="kl_to_point_mass(mu, sigmas)",
    returns="(M,)",
    task=(
        r"$\mathrm{KL}(\mathcal{N}(\boldsymbol\mu, \sigma^2 I)\,\|\,\mathcal{N}(\mathbf{0}, I))$ for one mean "
        "`mu (K,)` and each of the standard deviations `sigmas (M,)`, which may be tiny."
    ),
    answer="course_utils.probability.gaussians:kl_to_point_mass",
    aliases=(
        "course_utils.probability.gaussians:kl_standard_normal",
        "course_utils.probability.gaussians:kl_gaussians",
        FAST_KL,
    ),
    cases=point_mass_cases,
    oracle=point_mass_oracle,
    spelled=spelled_kl_to_point_mass,
    others={
        "the 1 is subtracted once, and not K times": point_mass_terms(ones=lambda K: 1),
        "the factor 1/2 is taken of the first terms only, and not of the logarithm": (
            lambda mu, s: 0.5 * (len(mu) * s**2 + np.sum(mu**2) - len(mu)) - 2 * len(mu) * np.log(s)
        ),
        "mu is summed before it is squared": point_mass_terms(square=lambda mu: np.sum(mu) ** 2),
        "the length of mu stands where its square belongs": point_mass_terms(square=lambda mu: np.linalg.norm(mu)),
        "a small number is added to the sigmas before the logarithm, so that the divergence stops growing": tuple(
            functools.partial(point_mass_with_small, small=10.0**-k, square=square)
            for k in range(4, 21)
            for square in (False, True)
        ),
        "this is the limit for sigma = 0; for every sigma above 0 the divergence is finite": (
            lambda mu, s: np.full(len(s), np.inf)
        ),
        "||mu||^2 counts K times": point_mass_terms(square=lambda mu: len(mu) * np.sum(mu**2)),
        "||mu||^2 is averaged over the K dimensions": point_mass_terms(square=lambda mu: np.mean(mu**2)),
        "these are the divergences dimension by dimension; sum over the K dimensions": (
            lambda mu, s: 0.5 * (s[:, None] ** 2 + mu**2 - 1 - 2 * np.log(s)[:, None]),
            lambda mu, s: 0.5 * (s**2 + mu[:, None] ** 2 - 1 - 2 * np.log(s)),
        ),
        "the divergences are summed over the sigmas; each sigma has its own": (
            lambda mu, s: point_mass_terms()(mu, s).sum()
        ),
        "the divergences are averaged over the sigmas; each sigma has its own": (
            lambda mu, s: point_mass_terms()(mu, s).mean()
        ),
        "log sigma is squared where log sigma^2 belongs": point_mass_terms(logs=lambda K, s: K * np.log(s) ** 2),
        "the sigmas are taken for variances": point_mass_terms(lambda K, s: K * s, lambda K, s: K * np.log(s)),
    },
    misconceptions={
        "one logarithm": Misconception(
            point_mass_terms(logs=lambda K, s: 2 * np.log(s)),
            "The logarithm stands there once. Each of the K dimensions shrinks, so -log sigma counts K times.",
        ),
        "one variance": Misconception(
            point_mass_terms(variances=lambda K, s: s**2),
            "sigma squared stands there once. Every one of the K dimensions has this variance.",
        ),
        "one dimension's share": Misconception(
            point_mass_terms(lambda K, s: s**2, lambda K, s: 2 * np.log(s), ones=lambda K: 1),
            "Only ||mu||^2 counts all dimensions; the terms with sigma, and the -1, count one. "
            "Each of the K dimensions has them.",
        ),
        "leading term only": Misconception(
            lambda mu, s: -len(mu) * np.log(s),
            "This is the term that grows, -K log sigma. The divergence has the others, too.",
        ),
        "log sigma not doubled": Misconception(
            point_mass_terms(logs=lambda K, s: K * np.log(s)),
            "The logarithm is halved once too often: (1/2) log sigma^2 is log sigma.",
        ),
        "sigma for its square": Misconception(
            point_mass_terms(variances=lambda K, s: K * s), "You have sigma where sigma squared belongs."
        ),
        "sigmas taken as logarithms": Misconception(
            point_mass_terms(lambda K, s: K * np.exp(2 * s), lambda K, s: 2 * K * s),
            "You treat the sigmas as logarithms. Here the argument is the standard deviation itself: take its log.",
        ),
        "minus K missing": Misconception(
            point_mass_terms(ones=lambda K: 0), "Every value is K/2 too large: where is the -1 of each dimension?"
        ),
    },
    hints=(
        (
            "Start from your kl_standard_normal in one dimension, "
            r"$\frac12(\sigma^2 + \mu^2 - 1 - \log\sigma^2)$, and add up K dimensions."
        ),
        (
            r"The K dimensions have the same $\sigma$, so three of the terms are multiplied by K. "
            r"The $\mu_k$ differ: sum their squares."
        ),
        (
            "0.5 * (K * sigmas**2 + np.sum(mu**2) - K) - K * np.log(sigmas), with K = len(mu). "
            "Or call kl_standard_normal with M rows."
        ),
    ),
)


# point_mass_limit ---------------------------------------------------------------------------------------------------

HALF_LOG = 0.5 * np.log(2 * np.pi)  # minus the logarithm of N(0; 0, 1), the largest density in one dimension


def limit_cases(rng):
    """Sides and nats for which neither result is near 0, where a wrong one would be, too; K is never 1 but once."""

    def case(K, M, low, high, label=""):
        return Case((rng.uniform(low, high, M), float(K * rng.uniform(0.3, 1.4)), K), label)

    return [
        case(3, 5, 0.1, 0.8),
        case(5, 4, 0.2, 2.0),
        case(4, 1, 0.3, 0.7, "for M = 1"),
        case(1, 3, 0.1, 0.5, "for K = 1"),
        Case((10 ** rng.uniform(-9, -3, 4), float(rng.uniform(3, 6)), 6), "for sides near 0"),
        Case((rng.uniform(3, 6, 3), float(-rng.uniform(0.5, 2)), 2), "for cubes so large that the bound is below 0"),
    ]


def limit_oracle(widths, nats, K):
    """The floor from scipy's density at the origin; the side by looking for it, as the floor falls with the side."""
    largest = stats.multivariate_normal(np.zeros(K)).pdf(np.zeros(K))

    def floor(log_side):
        return -np.log(largest) - K * log_side

    return np.array([floor(np.log(w)) for w in widths]), np.exp(optimize.brentq(lambda s: floor(s) - nats, -50, 50))


def limit_terms(
    logs=lambda K, w: K * np.log(w), constant=lambda K: K * HALF_LOG, enough=lambda n, K: np.exp(HALF_LOG - n / K)
):
    """A wrong pair of floor and side: each part may be replaced."""
    return lambda widths, nats, K: (constant(K) - logs(K, widths), enough(nats, K))


def spelled_point_mass_limit(P, widths, nats, K):
    two_pi = P.factor("2 pi", 2 * np.pi)
    half_log = P.factor("the 1/2 of log 2 pi", 0.5) * np.log(two_pi)
    constant = P.factor("the K of the largest density", K) * half_log
    volume = P.factor("the K of the volume", K) * P.apply("log", np.log, widths)
    floor = P.term("the largest density", constant) - P.term("the volume", volume)
    in_exponent = P.term("nats / K", P("nats", nats) / P.divisor("K in the second result", K))
    return floor, P.factor("sqrt(2 pi) in the second result", np.sqrt(2 * np.pi)) * np.exp(-in_exponent)


POINT_MASS_LIMIT = exercise(
    name="point_mass_limit",
    points=2,
    minutes=11,
    lines=3,
    lecture_points=("L17",),
    signature="point_mass_limit(widths, nats, K)",
    returns="((M,), scalar)",
    task=(
        "Steps 2 and 3 as a pair. First, for each side of `widths (M,)`: the bound on the price of a q with all its "
        "mass in a cube with this side, wherever the cube is, from its volume and the prior's largest density (for a "
        "large cube this is negative; leave it so). Second: the side at which this bound is exactly `nats`, a number."
    ),
    answer="course_utils.probability.gaussians:point_mass_limit",
    cases=limit_cases,
    oracle=limit_oracle,
    spelled=spelled_point_mass_limit,
    others={
        "the first result is the bound on P(cube); the price is at least minus its logarithm": (
            lambda w, n, K: (w**K * np.exp(-K * HALF_LOG), np.exp(HALF_LOG - n / K))
        ),
        "the second result is the logarithm of the side": limit_terms(enough=lambda n, K: HALF_LOG - n / K),
        "the first result is -log of the volume plus log of the density; both belong under the same minus": limit_terms(
            constant=lambda K: -K * HALF_LOG
        ),
        "the second result is the volume of the cube; its side is the K-th root": limit_terms(
            enough=lambda n, K: np.exp(K * HALF_LOG - n)
        ),
        "both results are those of a cube around 0, by the normal distribution function; asked is the bound": (
            lambda w, n, K: (
                -K * np.log(2 * stats.norm.cdf(w / 2) - 1),
                2 * stats.norm.ppf(0.5 + 0.5 * np.exp(-n / K)),
            )
        ),
        "both results are those of one dimension; there are K": (
            lambda w, n, K: (HALF_LOG - np.log(w), np.exp(HALF_LOG - n))
        ),
        "the first result is -log P of the cube around 0; asked is the bound from volume and largest density": (
            lambda w, n, K: (-K * np.log(2 * stats.norm.cdf(w / 2) - 1), np.exp(HALF_LOG - n / K))
        ),
        "the first result is the least price of one dimension; there are K": limit_terms(
            lambda K, w: np.log(w), lambda K: HALF_LOG
        ),
        "the cubes reach w to both sides, but w is the whole side: the volume is w^K": (
            limit_terms(logs=lambda K, w: K * np.log(2 * w)),
            limit_terms(lambda K, w: K * np.log(2 * w), enough=lambda n, K: 0.5 * np.exp(HALF_LOG - n / K)),
        ),
        "the first result is summed over the widths; each has a bound of its own": (
            lambda w, n, K: (np.sum(K * (HALF_LOG - np.log(w))), np.exp(HALF_LOG - n / K))
        ),
    },
    misconceptions={
        "nats not divided by K": Misconception(
            limit_terms(enough=lambda n, K: np.exp(HALF_LOG - n)),
            "In the second result nats are not divided by K. All K sides shrink together, "
            "so each of them has to earn only a K-th of the nats.",
        ),
        "volume of one side": Misconception(
            limit_terms(logs=lambda K, w: np.log(w)),
            "In the first result the side counts once. The volume of a cube with K sides is w to the power K.",
        ),
        "density of one dimension": Misconception(
            limit_terms(constant=lambda K: HALF_LOG),
            "In the first result the density is that of one dimension. In K dimensions the prior's largest density is "
            "the product of K such factors.",
        ),
        "2 pi left out": Misconception(
            limit_terms(constant=lambda K: 0.0, enough=lambda n, K: np.exp(-n / K)),
            "You leave the density out, as if it were 1. At its highest, at 0, the prior's density is "
            "1 / sqrt(2 pi) in each dimension.",
        ),
        "sign": Misconception(
            limit_terms(lambda K, w: -K * np.log(w), lambda K: -K * HALF_LOG),
            "The first result has the wrong sign: this is log P(cube). The price is minus that, "
            "and grows as the cube shrinks.",
        ),
        "square root left out": Misconception(
            limit_terms(constant=lambda K: 2 * K * HALF_LOG, enough=lambda n, K: np.exp(2 * HALF_LOG - n / K)),
            "The density is smaller than you have it: in each dimension a Gaussian has "
            "the square root of 2 pi below, not 2 pi.",
        ),
        "the other way round": Misconception(
            limit_terms(enough=lambda n, K: np.exp(HALF_LOG + n / K)),
            "In the second result the sign of nats is wrong: more nats need a smaller cube.",
        ),
    },
    hints=(
        (
            r"$P(\text{cube})$ is an integral of the density over the cube, so it is at most the volume, $w^K$, times "
            r"the density where it is highest, at $\mathbf{0}$. What is that density? Then take minus the logarithm."
        ),
        (
            r"$\mathcal{N}(\mathbf{0};\, \mathbf{0}, I) = (2\pi)^{-K/2}$, so the bound is "
            r"$\frac{K}{2}\log 2\pi - K \log w$. Set it equal to the nats and solve for $\log w$."
        ),
        (
            "K * (0.5 * np.log(2 * np.pi) - np.log(widths)), and np.sqrt(2 * np.pi) * np.exp(-nats / K). "
            "Return both, in this order."
        ),
    ),
)

EXERCISES = [
    KL_CATEGORICAL,
    KL_STANDARD_NORMAL,
    EXPECTED_SQUARED_ERROR,
    POINT_MASS_LIMIT,
    ELBO_LINEAR_GAUSSIAN,
    KL_GAUSSIANS,
    KL_TO_POINT_MASS,
    KL_MONTE_CARLO,
]
