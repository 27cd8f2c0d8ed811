"""Exercises of notebook 06: gradients of expectations, and the backprop rules of a sample."""

import functools

import autograd.numpy as anp
import numpy as np
from scipy import stats

from course_utils.exercises.model import Case, Exercise, Misconception, close
from course_utils.exercises.stand_ins import Named

exercise = functools.partial(Exercise, notebook="06_reparameterization_trick", lecture_points=("L18",), compare=close())


def signs(rng, shape):
    return rng.choice([-1.0, 1.0], shape)


def away_from_zero(rng, *shape):
    return rng.uniform(0.3, 1.5, shape) * signs(rng, shape)


def log_widths(rng, *shape):
    """log_sigma away from 0, where sigma, its square and its root would be the same."""
    return rng.uniform(0.3, 1.0, shape) * signs(rng, shape)


def derivatives(function, x, h=1e-4):
    """Derivatives of function(x), one number, with respect to every entry of x, by central differences."""

    def change(index):
        up, down = x.copy(), x.copy()
        up[index] += h
        down[index] -= h
        return (function(up) - function(down)) / (2 * h)

    return np.array([change(index) for index in np.ndindex(x.shape)]).reshape(x.shape)


# score_function_gradient, pathwise_gradient -------------------------------------------------------------------------


def slope(function, z, h=1e-5):
    """The derivative of a function of numbers at z, by central differences."""
    return (function(z + h) - function(z - h)) / (2 * h)


# The oracle of each estimator differentiates by finite differences what the answer differentiates by formula.
ANTIDERIVATIVES = {np.cos: np.sin, np.exp: np.exp, np.sinh: np.cosh, np.cosh: np.sinh}


def estimator_cases(rng):
    def case(function, S, sigma, label="", mu=None):
        mu = float(away_from_zero(rng)) if mu is None else mu
        return Case((Named(f"numpy:{function}"), mu, float(sigma), rng.normal(size=S)), label)

    return [
        case("cosh", 6, rng.uniform(0.3, 0.7)),
        case("exp", 5, rng.uniform(1.4, 2)),
        case("cos", 7, rng.uniform(0.3, 0.7)),
        case("sinh", 1, rng.uniform(1.4, 2), "with a single sample"),
        case("cos", 6, rng.uniform(1.4, 2), "for mu = 0", mu=0.0),
        case("cosh", 6, rng.uniform(0.3, 0.7), "for mu far from 0", mu=float(rng.uniform(12, 14) * signs(rng, ()))),
    ]


def score_oracle(f, mu, sigma, eps):
    """f times the derivative of the log density by its mean, from central differences (exact for a quadratic)."""
    h = 1e-3

    def one(z):
        return f(z) * (stats.norm.logpdf(z, mu + h, sigma) - stats.norm.logpdf(z, mu - h, sigma)) / (2 * h)

    return np.array([one(mu + sigma * e) for e in eps])


def pathwise_oracle(df, mu, sigma, eps):
    """How f(mu + sigma eps) changes with mu while eps stands still, by central differences."""
    f, h = ANTIDERIVATIVES[df], 1e-5
    return np.array([(f(mu + h + sigma * e) - f(mu - h + sigma * e)) / (2 * h) for e in eps])


def spelled_score_function_gradient(P, f, mu, sigma, eps):
    z = P.term("mu in z", mu) + P.factor("sigma in z", sigma) * P("eps in z", eps)
    score = P.factor("eps in the score", eps) / P.divisor("sigma in the score", sigma)
    return P.factor("f(z)", P.apply("f", f, z)) * P.factor("the score", score)


SCORE_FUNCTION_GRADIENT = exercise(
    name="score_function_gradient",
    points=2,
    minutes=6,
    lines=2,
    signature="score_function_gradient(f, mu, sigma, eps)",
    returns="(S,)",
    task=(
        r"For each sample $z = \mu + \sigma\varepsilon$ the score-function estimate of "
        r"$\frac{\mathrm d}{\mathrm d\mu}\mathbb{E}[f(z)]$, without a baseline; `mu` and `sigma` are numbers, `eps` "
        r"is (S,)."
    ),
    answer="course_utils.networks.reparameterization:score_function_gradient",
    cases=estimator_cases,
    oracle=score_oracle,
    spelled=spelled_score_function_gradient,
    others={
        "this is f(z) alone; it is weighted with the score": lambda f, mu, sigma, eps: f(mu + sigma * eps),
        "this is f(z) times the density; the score is the derivative of its logarithm": (
            lambda f, mu, sigma, eps: f(mu + sigma * eps) * stats.norm.pdf(eps) / sigma
        ),
        "f(z) is weighted with the log density; the score is its derivative": (
            lambda f, mu, sigma, eps: f(mu + sigma * eps) * stats.norm.logpdf(mu + sigma * eps, mu, sigma)
        ),
        "this is df/dz, the pathwise estimate; here f itself is evaluated, and weighted with the score": (
            lambda f, mu, sigma, eps: slope(f, mu + sigma * eps)
        ),
        "f(z) times the score is multiplied by the density of z once more; the samples come from it already": (
            lambda f, mu, sigma, eps: f(mu + sigma * eps) * stats.norm.pdf(eps) / sigma * eps / sigma
        ),
        "f is evaluated at mu; it is evaluated at each sample": lambda f, mu, sigma, eps: f(mu + 0 * eps) * eps / sigma,
        "f(mu) is subtracted as a baseline; none is asked": (
            lambda f, mu, sigma, eps: (f(mu + sigma * eps) - f(mu)) * eps / sigma
        ),
        "the score is (z - mu)/sigma, without the square of sigma": lambda f, mu, sigma, eps: f(mu + sigma * eps) * eps,
        "z stands where z - mu belongs": lambda f, mu, sigma, eps: f(mu + sigma * eps) * (mu + sigma * eps) / sigma,
        "the noise in z is stretched by sigma^2": lambda f, mu, sigma, eps: f(mu + sigma**2 * eps) * eps / sigma,
    },
    misconceptions={
        "not divided by sigma": Misconception(
            lambda f, mu, sigma, eps: f(mu + sigma * eps) * eps,
            "The score is missing a factor: (z - mu)/sigma^2 is eps/sigma, not eps. "
            "A narrow density changes faster when it is moved.",
        ),
        "divided by sigma twice": Misconception(
            lambda f, mu, sigma, eps: f(mu + sigma * eps) * eps / sigma**2,
            "You divide eps by sigma^2. It is z - mu that is divided by sigma^2, and z - mu is sigma times eps.",
        ),
        "mean not subtracted": Misconception(
            lambda f, mu, sigma, eps: f(mu + sigma * eps) * (mu + sigma * eps) / sigma**2,
            "You have z/sigma^2 where the derivative of -(z - mu)^2/(2 sigma^2) stands: subtract mu from z.",
        ),
        "wrong sign": Misconception(
            lambda f, mu, sigma, eps: -f(mu + sigma * eps) * eps / sigma,
            (
                "The sign is wrong. The derivative of -(z - mu)^2/(2 sigma^2) with respect to mu is positive where z "
                "> mu."
            ),
        ),
        "score alone": Misconception(
            lambda f, mu, sigma, eps: eps / sigma, "This is the score alone, whose mean is 0. It is weighted by f(z)."
        ),
        "f at the noise": Misconception(
            lambda f, mu, sigma, eps: f(eps) * eps / sigma,
            "You evaluate f at eps. It is evaluated at the sample, z = mu + sigma eps.",
        ),
        "derivative with respect to sigma": Misconception(
            lambda f, mu, sigma, eps: f(mu + sigma * eps) * (eps**2 - 1) / sigma,
            "This estimates the derivative with respect to sigma. Asked is the one with respect to mu.",
        ),
        "baseline subtracted": Misconception(
            lambda f, mu, sigma, eps: (f(mu + sigma * eps) - np.mean(f(mu + sigma * eps))) * eps / sigma,
            "You subtract the mean of f as a baseline. "
            "No baseline is asked here; and one that is made of the same sample brings a bias.",
        ),
        "mean over samples": Misconception(
            lambda f, mu, sigma, eps: np.mean(f(mu + sigma * eps) * eps / sigma),
            "You return the mean over the samples. "
            "Return the estimates one by one, (S,): their spread is what we are after.",
        ),
        "sigma taken as its logarithm": Misconception(
            lambda f, mu, sigma, eps: f(mu + np.exp(sigma) * eps) * eps / np.exp(sigma),
            "You take the exponential of sigma. Here the argument is sigma itself.",
        ),
    },
    hints=(
        r"The estimate is $f(z)$ times the score, the derivative of $\log\mathcal{N}(z; \mu, \sigma^2)$ by $\mu$.",
        (
            r"The log density is $-(z - \mu)^2/(2\sigma^2)$ plus what does not depend on $\mu$, "
            r"so the score is $(z - \mu)/\sigma^2$. Put $z = \mu + \sigma\varepsilon$ into it."
        ),
        "f(mu + sigma * eps) * eps / sigma.",
    ),
)


def spelled_pathwise_gradient(P, df, mu, sigma, eps):
    return P.apply("df", df, P.term("mu in z", mu) + P.factor("sigma in z", sigma) * P("eps in z", eps))


PATHWISE_GRADIENT = exercise(
    name="pathwise_gradient",
    points=2,
    minutes=2,
    lines=1,
    signature="pathwise_gradient(df, mu, sigma, eps)",
    returns="(S,)",
    task=(
        r"For each sample $z = \mu + \sigma\varepsilon$ the pathwise estimate of "
        r"$\frac{\mathrm d}{\mathrm d\mu}\mathbb{E}[f(z)]$, given `df`, the function $f'$; `eps` is (S,)."
    ),
    answer="course_utils.networks.reparameterization:pathwise_gradient",
    cases=estimator_cases,
    oracle=pathwise_oracle,
    spelled=spelled_pathwise_gradient,
    others={
        "df(z) is divided by sigma": lambda df, mu, sigma, eps: df(mu + sigma * eps) / sigma,
        "df(z) is multiplied by z: dz/dmu is 1": (lambda df, mu, sigma, eps: df(mu + sigma * eps) * (mu + sigma * eps)),
        "df(z) is multiplied by sigma eps: dz/dmu is 1": (
            lambda df, mu, sigma, eps: df(mu + sigma * eps) * sigma * eps
        ),
        "df(z) is multiplied by mu: dz/dmu is 1": (lambda df, mu, sigma, eps: df(mu + sigma * eps) * mu),
        "df(z) is multiplied by 1 + sigma eps: dz/dmu is 1": (
            lambda df, mu, sigma, eps: df(mu + sigma * eps) * (1 + sigma * eps)
        ),
        "df(z) is multiplied by 1 + eps: dz/dmu is 1": (lambda df, mu, sigma, eps: df(mu + sigma * eps) * (1 + eps)),
        "df(z) is multiplied by 1 + sigma: dz/dmu is 1": (
            lambda df, mu, sigma, eps: df(mu + sigma * eps) * (1 + sigma)
        ),
        "df is differentiated once more: it is the derivative of f already, and evaluated at each sample": (
            lambda df, mu, sigma, eps: slope(df, mu + sigma * eps)
        ),
        "the noise is added to df(mu): it belongs inside, df(mu + sigma eps)": (
            lambda df, mu, sigma, eps: df(mu) + sigma * eps
        ),
        "the noise is multiplied with df(mu): it belongs inside, df(mu + sigma eps)": (
            lambda df, mu, sigma, eps: df(mu) * sigma * eps
        ),
        "this is z itself": lambda df, mu, sigma, eps: mu + sigma * eps,
        "mu is subtracted from the samples, and not added": lambda df, mu, sigma, eps: df(sigma * eps - mu),
    },
    misconceptions={
        "derivative with respect to sigma": Misconception(
            lambda df, mu, sigma, eps: df(mu + sigma * eps) * eps,
            "This is f'(z) eps, the derivative with respect to sigma. "
            "Asked is the one with respect to mu: what is dz/dmu?",
        ),
        "times sigma": Misconception(
            lambda df, mu, sigma, eps: df(mu + sigma * eps) * sigma,
            "You multiply by sigma, which is dz/deps. Asked is the derivative with respect to mu: what is dz/dmu?",
        ),
        "times the score": Misconception(
            lambda df, mu, sigma, eps: df(mu + sigma * eps) * eps / sigma,
            "You multiply by the score. That belongs to the other estimator, where f is not differentiated.",
        ),
        "df at the mean": Misconception(
            lambda df, mu, sigma, eps: df(mu + 0 * eps),
            "You evaluate df at mu. It is evaluated at each sample, z = mu + sigma eps.",
        ),
        "df at the noise": Misconception(
            lambda df, mu, sigma, eps: df(1 * eps),
            "You evaluate df at eps. It is evaluated at the sample, z = mu + sigma eps.",
        ),
        "mean over samples": Misconception(
            lambda df, mu, sigma, eps: np.mean(df(mu + sigma * eps)),
            "You return the mean over the samples. "
            "Return the estimates one by one, (S,): their spread is what we are after.",
        ),
        "variance for sigma": Misconception(
            lambda df, mu, sigma, eps: df(mu + sigma**2 * eps),
            "The noise is stretched by sigma^2. Its standard deviation has to be sigma: z = mu + sigma eps.",
        ),
        "sigma taken as its logarithm": Misconception(
            lambda df, mu, sigma, eps: df(mu + np.exp(sigma) * eps),
            "You take the exponential of sigma. Here the argument is sigma itself.",
        ),
    },
    hints=(
        (
            r"Hold $\varepsilon$ fixed. Then $f(\mu + \sigma\varepsilon)$ is an ordinary function of $\mu$: "
            r"differentiate it."
        ),
        (
            r"The chain rule: $f'(z)\,\mathrm dz/\mathrm d\mu$, and $z = \mu + \sigma\varepsilon$ moves one for one "
            r"with $\mu$."
        ),
        "df(mu + sigma * eps).",
    ),
)


# score_function_loss ------------------------------------------------------------------------------------------------


def loss_cases(rng):
    def case(S, K, label="", lift=0.0):
        mu, log_sigma = away_from_zero(rng, K), log_widths(rng, K)
        z = mu + np.exp(log_sigma) * rng.normal(size=(S, K))
        return Case((mu, log_sigma, z, lift + 2 * rng.normal(size=S)), label)

    return [
        case(6, 3),
        case(5, 2),
        case(8, 4),
        case(2, 3, "with two samples, where the baseline is the other reward"),
        case(7, 1, "with a single dimension"),
        case(6, 3, "for rewards that are all near 40", 40.0),
    ]


def log_densities(mu, log_sigma, z):
    """log N(z; mu, diag(sigma^2)) entry by entry, (S, K)."""
    return stats.norm.logpdf(z, mu, np.exp(log_sigma))


def loss_oracle(mu, log_sigma, z, rewards):
    """Sample by sample, each baseline from the rewards that are left when its own is deleted."""
    terms = [
        (rewards[s] - np.delete(rewards, s).mean()) * log_densities(mu, log_sigma, z[s]).sum() for s in range(len(z))
    ]
    return -np.mean(terms)


def spelled_score_function_loss(P, mu, log_sigma, z, rewards):
    S = len(rewards)
    others = P.term("the sum of all rewards", np.full(S, rewards.sum())) - P.term("the own reward in the sum", rewards)
    baseline = others / P.divisor("the number of the others", S - 1.0)
    advantage = P.term("the reward", rewards) - P.term("the baseline", baseline)
    standard = (z - P.term("mu", mu)) / P.divisor("sigma", np.exp(log_sigma))
    squares = P.sum(P.apply("the square", np.square, standard), 1, "the latent dimensions")
    constant = np.sum(log_sigma) + len(mu) / 2 * np.log(2 * np.pi)  # the same for all samples: it cancels
    log_q = P.factor("the 1/2 in log q", -0.5) * squares - constant
    return P.factor("the minus sign of the loss", -1.0) * P.mean(
        P.factor("reward minus baseline", advantage) * P.factor("log q", log_q), 0, "the samples"
    )


def weighted(rewards, log_q, baseline):
    """-mean((r - b) log q), from which the misconceptions depart."""
    return -np.mean((rewards - baseline) * log_q)


def others_mean(rewards):
    return (np.sum(rewards) - rewards) / (len(rewards) - 1)


def log_q_of(mu, log_sigma, z):
    return log_densities(mu, log_sigma, z).sum(axis=1)


SCORE_FUNCTION_LOSS = exercise(
    name="score_function_loss",
    points=3,
    minutes=13,
    lines=4,
    signature="score_function_loss(mu, log_sigma, z, rewards)",
    returns="a number",
    task=(
        r"A loss whose gradient by $\boldsymbol\mu$ and $\log\boldsymbol\sigma$ (K,), as autograd finds it, is "
        r"$-\frac1S\sum_s (r_s - b_s)\,\partial\log q(\mathbf{z}_s)$, for samples `z` (S, K) with the `rewards` "
        "$r_s$ (S,); the baseline $b_s$ is the mean reward of the *others*. "
        "`diagonal_gaussian_log_prob(z, mu, log_sigma)` gives log q (S,)."
    ),
    answer="course_utils.networks.reparameterization:score_function_loss",
    cases=loss_cases,
    oracle=loss_oracle,
    differentiated=2,
    spelled=spelled_score_function_loss,
    others={
        "the gradient of this loss is weighted with the baselines alone; the weight is reward minus baseline": (
            lambda mu, s, z, r: -np.mean(others_mean(r) * log_q_of(mu, s, z))
        ),
        "the baseline is the mean of the other rewards, and their sum is subtracted": (
            lambda mu, s, z, r: weighted(r, log_q_of(mu, s, z), np.sum(r) - r)
        ),
        "the score stands where log q belongs; autograd differentiates, so the loss has log q itself": (
            lambda mu, s, z, r: -np.mean((r - others_mean(r))[:, None] * (z - mu) / np.exp(2 * s)),
            lambda mu, s, z, r: -np.mean((r - others_mean(r))[:, None] * (z - mu) / np.exp(2 * s), axis=0),
        ),
        "the sum of the other rewards is divided by S; there are S - 1 of them": (
            lambda mu, s, z, r: weighted(r, log_q_of(mu, s, z), (np.sum(r) - r) / len(r))
        ),
        "the baseline is subtracted from reward times log q; subtract it from the reward, and multiply then": (
            lambda mu, s, z, r: -np.mean(r * log_q_of(mu, s, z) - others_mean(r))
        ),
        "reward minus baseline is squared": lambda mu, s, z, r: (
            -np.mean((r - others_mean(r)) ** 2 * log_q_of(mu, s, z))
        ),
        "this is minus the mean of log q: the rewards have no part in it": (
            lambda mu, s, z, r: -np.mean(log_q_of(mu, s, z))
        ),
        "this is minus the mean reward, in which mu and log_sigma do not occur: its gradient is 0": (
            lambda mu, s, z, r: -np.mean(r)
        ),
        "the rewards are divided by their spread, too; that changes the gradient": (
            lambda mu, s, z, r: weighted(r, log_q_of(mu, s, z), np.mean(r)) / np.std(r)
        ),
        "the baseline is the median reward; asked is the mean of the others": (
            lambda mu, s, z, r: weighted(r, log_q_of(mu, s, z), np.median(r))
        ),
        "the density of the standard normal stands where q belongs": (
            lambda mu, s, z, r: weighted(r, log_q_of(0 * mu, 0 * s, z), others_mean(r))
        ),
        "the mean of z is subtracted, where mu belongs": (
            lambda mu, s, z, r: weighted(r, log_q_of(z.mean(axis=0), s, z), others_mean(r))
        ),
        "the baseline is the largest of the rewards; asked is the mean of the others": (
            lambda mu, s, z, r: weighted(r, log_q_of(mu, s, z), np.max(r))
        ),
    },
    misconceptions={
        "no baseline": Misconception(
            lambda mu, s, z, r: weighted(r, log_q_of(mu, s, z), 0),
            "The baseline is missing: subtract from each reward the mean of the others.",
        ),
        "own reward in the baseline": Misconception(
            lambda mu, s, z, r: weighted(r, log_q_of(mu, s, z), np.mean(r)),
            "Your baseline is the mean of all rewards. A baseline must not depend on the sample's own reward: "
            "take the mean of the others. (Yours makes the gradient too short, by a factor of (S - 1)/S.)",
        ),
        "to be maximised": Misconception(
            lambda mu, s, z, r: -weighted(r, log_q_of(mu, s, z), others_mean(r)),
            "The sign is wrong. A loss is made small, and E[f] is to become large: the loss has a minus in front.",
        ),
        "summed over samples": Misconception(
            lambda mu, s, z, r: len(r) * weighted(r, log_q_of(mu, s, z), others_mean(r)),
            "You sum over the samples. The estimate is their mean.",
        ),
        "density for its logarithm": Misconception(
            lambda mu, s, z, r: weighted(r, np.exp(log_q_of(mu, s, z)), others_mean(r)),
            (
                "You weight the density q(z). The score is the derivative of its logarithm, so log q(z) is what is "
                "weighted."
            ),
        ),
        "averaged over dimensions": Misconception(
            lambda mu, s, z, r: weighted(r, log_densities(mu, s, z).mean(axis=1), others_mean(r)),
            (
                "You average log q over the latent dimensions. The density of a vector is a product, so its "
                "logarithm is a sum."
            ),
        ),
        "log variance": Misconception(
            lambda mu, s, z, r: weighted(r, log_q_of(mu, s / 2, z), others_mean(r)),
            "You take log_sigma for the log of the variance. It is the log of the standard deviation.",
        ),
        "variance for sigma": Misconception(
            lambda mu, s, z, r: weighted(r, log_q_of(mu, 2 * s, z), others_mean(r)),
            "In your log q the variance stands where the standard deviation belongs.",
        ),
        "half missing": Misconception(
            lambda mu, s, z, r: 2 * weighted(r, log_q_of(mu, s, z), others_mean(r)),
            "The result is twice what it should be: log q has a factor 1/2 in front of the squares.",
        ),
        "one by one": Misconception(
            lambda mu, s, z, r: -(r - others_mean(r)) * log_q_of(mu, s, z),
            "You return one number for each sample. A loss is one number: their mean.",
        ),
    },
    hints=(
        (
            r"Which function of $\boldsymbol\mu$ has the gradient "
            r"$f(\mathbf{z})\,\partial\log q(\mathbf{z})/\partial\boldsymbol\mu$, where $f(\mathbf{z})$ is a number? "
            r"$f(\mathbf{z})\log q(\mathbf{z})$."
        ),
        (
            r"With the baseline, $-\frac1S\sum_s (r_s - b_s)\log q(\mathbf{z}_s)$. The mean of the others is the sum "
            r"of all rewards, "
            r"less the own one, over $S - 1$. For $\log q$ there is diagonal_gaussian_log_prob(z, mu, log_sigma)."
        ),
        (
            "baseline = (np.sum(rewards) - rewards) / (len(rewards) - 1); the loss is minus the mean of "
            "(rewards - baseline) * diagonal_gaussian_log_prob(z, mu, log_sigma)."
        ),
    ),
)


# reparameterize, sigma_bar, reparameterize_vjp ----------------------------------------------------------------------


def sample_cases(rng):
    def case(*shape, label="", log_sigma=None):
        N, K = shape[-2:]
        log_sigma = log_widths(rng, N, K) if log_sigma is None else log_sigma
        return Case((away_from_zero(rng, N, K), log_sigma, rng.normal(size=shape)), label)

    return [
        case(5, 3),
        case(4, 2),
        case(6, 3, 2, label="with S samples of every example, eps (S, N, K)"),
        case(1, 4, 2, label="with one sample of every example, eps (1, N, K)"),
        case(1, 4, label="on a single example"),
        case(4, 3, label="for a tiny sigma", log_sigma=rng.uniform(-9, -7, (4, 3))),
        case(4, 3, label="for a large sigma", log_sigma=rng.uniform(10.5, 12, (4, 3))),
    ]


def sample_oracle(mu, log_sigma, eps):
    """The quantile of N(mu, sigma^2) that eps is of N(0, 1); from the nearer tail, for precision."""
    sigma = np.exp(log_sigma)
    return np.where(
        eps < 0, stats.norm.ppf(stats.norm.cdf(eps), mu, sigma), stats.norm.isf(stats.norm.sf(eps), mu, sigma)
    )


def spelled_reparameterize(P, mu, log_sigma, eps):
    sigma = P.factor("sigma", P.apply("exp", np.exp, log_sigma))
    return P.term("mu", np.broadcast_to(mu, eps.shape)) + P.term("sigma eps", sigma * P.factor("eps", eps))


REPARAMETERIZE = exercise(
    name="reparameterize",
    points=1,
    minutes=2,
    lines=1,
    signature="reparameterize(mu, log_sigma, eps)",
    returns="(N, K) or (S, N, K), as eps",
    task=(
        r"The sample of $\mathcal{N}(\boldsymbol\mu, \mathrm{diag}(\boldsymbol\sigma^2))$ that belongs to the "
        r"standard "
        r"normal noise `eps`, which is (N, K) or (S, N, K); `mu` and `log_sigma` are (N, K)."
    ),
    answer="course_utils.networks.reparameterization:reparameterize",
    aliases=("course_utils.networks.fast:gaussian_sample",),
    cases=sample_cases,
    oracle=sample_oracle,
    spelled=spelled_reparameterize,
    others={
        "eps is divided by sigma, where it should be multiplied": lambda mu, s, eps: mu + eps / np.exp(s),
        "the noise is sigma plus eps; multiply": lambda mu, s, eps: mu + np.exp(s) + eps,
        "mu is multiplied, and not added": lambda mu, s, eps: mu * np.exp(s) * eps,
        "mu and eps change places": lambda mu, s, eps: eps + np.exp(s) * mu,
        "sigma is added without noise": lambda mu, s, eps: mu + np.exp(s) + 0 * eps,
        "the samples are averaged over S; every eps has a sample of its own": (
            lambda mu, s, eps: mu + np.exp(s) * (eps.mean(axis=0) if eps.ndim == 3 else eps)
        ),
        "samples and examples are laid into one axis; the result has the shape of eps, (S, N, K)": (
            lambda mu, s, eps: (mu + np.exp(s) * eps).reshape(-1, mu.shape[1])
        ),
        "log(1 + exp(log_sigma)) stands where sigma = exp(log_sigma) belongs": (
            lambda mu, s, eps: mu + np.logaddexp(0, s) * eps
        ),
        "eps is standardised first; it is standard normal noise, and each entry is used as it is": (
            lambda mu, s, eps: mu + np.exp(s) * (eps - eps.mean()) / eps.std(),
            lambda mu, s, eps: mu + np.exp(s) * (eps - eps.mean(axis=0)) / eps.std(axis=0),
            lambda mu, s, eps: mu + np.exp(s) * (eps - eps.mean(axis=-1, keepdims=True)) / eps.std(-1, keepdims=True),
        ),
        "the square root of log_sigma stands where its exponential belongs": (lambda mu, s, eps: mu + np.sqrt(s) * eps),
        "the exponential is taken of log_sigma times eps": (lambda mu, s, eps: mu + np.exp(s * eps)),
        "the exponential is taken of mu + log_sigma eps": (lambda mu, s, eps: np.exp(mu + s * eps)),
    },
    misconceptions={
        "log_sigma for sigma": Misconception(
            lambda mu, log_sigma, eps: mu + log_sigma * eps,
            "You multiply eps by log_sigma. The standard deviation is its exponential.",
        ),
        "log variance": Misconception(
            lambda mu, log_sigma, eps: mu + np.exp(0.5 * log_sigma) * eps,
            "You treat log_sigma as the log of the variance. "
            "It is the log of the standard deviation: no half, no root.",
        ),
        "variance for sigma": Misconception(
            lambda mu, log_sigma, eps: mu + np.exp(2 * log_sigma) * eps,
            "The noise is stretched by sigma^2. For a variance of sigma^2 the noise is multiplied by sigma.",
        ),
        "mean stretched, too": Misconception(
            lambda mu, log_sigma, eps: np.exp(log_sigma) * (mu + eps),
            "You stretch after moving, so that the mean becomes sigma mu. Stretch first, then add mu.",
        ),
        "no noise": Misconception(
            lambda mu, log_sigma, eps: mu + 0 * eps,
            "This is the mean of q, without noise. Every eps has a sample of its own.",
        ),
        "mean forgotten": Misconception(
            lambda mu, log_sigma, eps: np.exp(log_sigma) * eps, "The samples have mean 0: mu is missing."
        ),
        "noise turned round": Misconception(
            lambda mu, log_sigma, eps: mu - np.exp(log_sigma) * eps,
            "You subtract the noise. The distribution is the same, "
            "but in the course z = mu + sigma eps, and the gradient of sigma depends on the sign.",
        ),
        "standardised": Misconception(
            lambda mu, log_sigma, eps: (eps - mu) / np.exp(log_sigma),
            "This is the way back, from a sample to its noise. Asked is the sample.",
        ),
    },
    hints=(
        (
            r"A sample of $\mathcal{N}(\mu, \sigma^2)$ is standard normal noise, "
            "stretched by the standard deviation and then moved to the mean."
        ),
        r"The standard deviation is $e^{\log\sigma}$. Broadcasting takes care of a leading axis of samples.",
        "mu + np.exp(log_sigma) * eps.",
    ),
)


def sigma_bar_cases(rng):
    def case(N, K, label=""):
        return Case((away_from_zero(rng, N, K), rng.normal(size=(N, K))), label)

    return [case(5, 3), case(4, 2), case(1, 4, "on a single example")]


def sigma_bar_oracle(z_bar, eps):
    return derivatives(lambda sigma: np.sum(z_bar * (sigma * eps)), np.ones(z_bar.shape))


def spelled_sigma_bar(P, z_bar, eps):
    return P.factor("z_bar", z_bar) * P.factor("eps", eps)


SIGMA_BAR = exercise(
    name="sigma_bar",
    points=1,
    minutes=1,
    lines=1,
    signature="sigma_bar(z_bar, eps)",
    returns="(N, K)",
    task=r"The gradient of $\sigma$, given `z_bar`, that of $z = \mu + \sigma\varepsilon$; all (N, K).",
    answer="course_utils.networks.reparameterization:sigma_bar",
    cases=sigma_bar_cases,
    oracle=sigma_bar_oracle,
    spelled=spelled_sigma_bar,
    others={
        "z_bar and eps are added; the chain rule multiplies": lambda z_bar, eps: z_bar + eps,
        "this is the sum over all entries; each has a sigma of its own": lambda z_bar, eps: np.sum(z_bar * eps),
        "the gradients are summed over the K dimensions, and each dimension gets the sum; each has its own": (
            lambda z_bar, eps: np.broadcast_to(np.sum(z_bar * eps, axis=1, keepdims=True), eps.shape)
        ),
        "a matrix product stands where entries are multiplied one by one": (
            lambda z_bar, eps: z_bar @ eps.T,
            lambda z_bar, eps: z_bar.T @ eps,
        ),
        "z_bar is squared": lambda z_bar, eps: z_bar**2 * eps,
        "eps^2 - 1 stands where eps belongs: that is the score of sigma; asked is the derivative of z": (
            lambda z_bar, eps: z_bar * (eps**2 - 1)
        ),
        "eps is divided by z_bar": lambda z_bar, eps: eps / z_bar,
        "this is averaged over the examples": lambda z_bar, eps: np.mean(z_bar * eps, axis=0),
        "the exponential of eps stands where eps belongs": lambda z_bar, eps: z_bar * np.exp(eps),
        "an absolute value is taken of eps": lambda z_bar, eps: z_bar * np.abs(eps),
    },
    misconceptions={
        "rule for mu": Misconception(
            lambda z_bar, eps: 1 * z_bar,
            "This is the rule for mu. Moving sigma by a little moves z by eps times as much.",
        ),
        "z_bar left out": Misconception(
            lambda z_bar, eps: 1 * eps,
            "This is dz/dsigma alone. The chain rule multiplies it by z_bar, the gradient that arrives at z.",
        ),
        "sum over dimensions": Misconception(
            lambda z_bar, eps: np.sum(z_bar * eps, axis=1),
            "You sum over the K dimensions. Each of them has a sigma of its own.",
        ),
        "sum over examples": Misconception(
            lambda z_bar, eps: np.sum(z_bar * eps, axis=0),
            "You sum over the examples. Each of them has a sigma of its own.",
        ),
        "divided by the noise": Misconception(
            lambda z_bar, eps: z_bar / eps,
            "You divide by eps. In the chain rule derivatives are multiplied, and dz/dsigma is eps.",
        ),
        "wrong sign": Misconception(
            lambda z_bar, eps: -z_bar * eps,
            "The sign is wrong: z = mu + sigma eps grows with sigma where eps is positive.",
        ),
        "noise squared": Misconception(
            lambda z_bar, eps: z_bar * eps**2,
            "There is one eps too many: the derivative of sigma eps with respect to sigma is eps.",
        ),
    },
    hints=(
        (
            "A bar over a quantity is the derivative of the objective by that quantity. "
            r"$z$ depends on $\sigma$: use the chain rule, entry by entry."
        ),
        (
            r"$\bar\sigma = \bar z\,\partial z/\partial\sigma$. What is the derivative of $\mu + \sigma\varepsilon$ "
            r"by $\sigma$?"
        ),
        "z_bar * eps.",
    ),
)


def vjp_cases(rng):
    def case(N, K, label="", log_sigma=None):
        log_sigma = log_widths(rng, N, K) if log_sigma is None else log_sigma
        return Case((away_from_zero(rng, N, K), log_sigma, rng.normal(size=(N, K))), label)

    return [
        case(5, 3),
        case(4, 2),
        case(1, 4, "on a single example"),
        case(4, 3, "for a tiny sigma", rng.uniform(-9, -7, (4, 3))),
        case(4, 3, "for a large sigma", rng.uniform(6, 8, (4, 3))),
    ]


def vjp_oracle(z_bar, log_sigma, eps):
    """Central differences of sum(z_bar z), at mu = 0."""
    zeros = np.zeros(z_bar.shape)
    return (
        derivatives(lambda mu: np.sum(z_bar * (mu + np.exp(log_sigma) * eps)), zeros),
        derivatives(lambda s: np.sum(z_bar * np.exp(s) * eps), log_sigma),
    )


def spelled_reparameterize_vjp(P, z_bar, log_sigma, eps):
    sigma = P.apply("exp", np.exp, log_sigma)
    log_sigma_bar = P.factor("z_bar in the second result", z_bar) * P.factor("sigma", sigma) * P.factor("eps", eps)
    return P("mu_bar", z_bar), log_sigma_bar


REPARAMETERIZE_VJP = exercise(
    name="reparameterize_vjp",
    points=2,
    minutes=5,
    lines=2,
    signature="reparameterize_vjp(z_bar, log_sigma, eps)",
    returns="((N, K), (N, K))",
    task=(
        r"The gradients of $\mu$ and $\log\sigma$, in this order, given `z_bar`, "
        r"that of $z = \mu + e^{\log\sigma}\varepsilon$; all (N, K)."
    ),
    answer="course_utils.networks.reparameterization:reparameterize_vjp",
    aliases=(
        "course_utils.networks.fast:gaussian_sample_vjp_mu",
        "course_utils.networks.fast:gaussian_sample_vjp_log_sigma",
    ),
    cases=vjp_cases,
    oracle=vjp_oracle,
    spelled=spelled_reparameterize_vjp,
    others={
        "the first result is 1, the derivative dz/dmu; multiply it by z_bar": (
            lambda z_bar, s, eps: (np.ones_like(z_bar), z_bar * np.exp(s) * eps)
        ),
        "the first result is z_bar eps, the gradient of sigma; that of mu is z_bar": (
            lambda z_bar, s, eps: (z_bar * eps, z_bar * np.exp(s) * eps)
        ),
        "the second result has a half too many: log_sigma is the log of the standard deviation, not of the variance": (
            lambda z_bar, s, eps: (z_bar, 0.5 * z_bar * np.exp(s) * eps)
        ),
        "1 is added to the second result, the slope of an entropy; only what comes through z is asked": (
            lambda z_bar, s, eps: (z_bar, z_bar * np.exp(s) * eps + 1)
        ),
        "both results are the gradient of log_sigma": (
            lambda z_bar, s, eps: (z_bar * np.exp(s) * eps, z_bar * np.exp(s) * eps)
        ),
        "the second result lacks z_bar, the gradient that arrives at z": lambda z_bar, s, eps: (z_bar, np.exp(s) * eps),
        "both results are averaged over the examples": (
            lambda z_bar, s, eps: (z_bar.mean(axis=0), (z_bar * np.exp(s) * eps).mean(axis=0))
        ),
        "both results are summed over the latent dimensions": (
            lambda z_bar, s, eps: (z_bar.sum(axis=1), (z_bar * np.exp(s) * eps).sum(axis=1))
        ),
        "the second result adds z_bar: gradients along one way are multiplied": (
            lambda z_bar, s, eps: (z_bar, z_bar + np.exp(s) * eps)
        ),
    },
    misconceptions={
        "rule for sigma": Misconception(
            lambda z_bar, s, eps: (1 * z_bar, z_bar * eps),
            "The second result is the gradient of sigma. "
            "For log_sigma the chain rule goes on: multiply by the derivative of exp(log_sigma).",
        ),
        "log_sigma for sigma": Misconception(
            lambda z_bar, s, eps: (1 * z_bar, z_bar * s * eps),
            "The second result has log_sigma as a factor. "
            "The derivative of exp(log_sigma) is exp(log_sigma), that is sigma.",
        ),
        "noise left out": Misconception(
            lambda z_bar, s, eps: (1 * z_bar, z_bar * np.exp(s)),
            "In the second result eps is missing: sigma acts on z through sigma eps.",
        ),
        "z_bar left out": Misconception(
            lambda z_bar, s, eps: (np.ones_like(z_bar), np.exp(s) * eps),
            "These are the derivatives of z. The chain rule multiplies them by z_bar, the gradient that arrives at z.",
        ),
        "mu stretched": Misconception(
            lambda z_bar, s, eps: (z_bar * np.exp(s), z_bar * np.exp(s) * eps),
            "The first result is multiplied by sigma. But z moves one for one with mu.",
        ),
        "order": Misconception(
            lambda z_bar, s, eps: (z_bar * np.exp(s) * eps, 1 * z_bar),
            "The two results are in the wrong order: mu_bar comes first.",
        ),
        "divided by sigma": Misconception(
            lambda z_bar, s, eps: (1 * z_bar, z_bar * eps / np.exp(s)),
            "You divide by sigma, which is d log(sigma)/d sigma. "
            "Asked is the other way: sigma = exp(log_sigma), whose derivative is sigma.",
        ),
        "sum over examples": Misconception(
            lambda z_bar, s, eps: (np.sum(z_bar, axis=0), np.sum(z_bar * np.exp(s) * eps, axis=0)),
            "You sum over the examples. Each of them has a mu and a log_sigma of its own.",
        ),
        "log variance": Misconception(
            lambda z_bar, s, eps: (1 * z_bar, 0.5 * z_bar * np.exp(s / 2) * eps),
            "You treat log_sigma as the log of the variance. It is the log of the standard deviation.",
        ),
    },
    hints=(
        (
            r"Two chain rules, entry by entry: $\bar\mu = \bar z\,\partial z/\partial\mu$, and the same with "
            r"$\log\sigma$."
        ),
        r"You have the gradient of $\sigma$ already. $\sigma = e^{\log\sigma}$ is its own derivative: multiply by it.",
        "Return z_bar, and z_bar * np.exp(log_sigma) * eps.",
    ),
)


# sample_gradients ---------------------------------------------------------------------------------------------------

SLOPES = {anp.sin: np.cos, anp.tanh: lambda z: 1 / np.cosh(z) ** 2, anp.exp: np.exp, anp.square: lambda z: 2 * z}


def draw_cases(rng):
    def case(function, draw, N, K, label=""):
        draw = Named(f"course_utils.networks.reparameterization:{draw}_draws()")
        args = Named(f"autograd.numpy:{function}"), away_from_zero(rng, N, K), log_widths(rng, N, K) - 0.3, draw
        return Case(args, label)

    return [
        case("sin", "normal", 5, 3),
        case("square", "normal", 4, 2),
        case("tanh", "normal", 3, 4),
        case("exp", "normal", 1, 3, "on a single example"),
        case("sin", "laplace", 4, 3, "where draw is another density with a location and a scale"),
    ]


def draw_oracle(f, mu, log_sigma, draw):
    """Central differences of the sum of f, with the noise of the only draw on both sides."""
    eps = (draw(mu, np.exp(log_sigma)) - mu) / np.exp(log_sigma)
    return (
        derivatives(lambda mu: np.sum(f(mu + np.exp(log_sigma) * eps)), mu),
        derivatives(lambda s: np.sum(f(mu + np.exp(s) * eps)), log_sigma),
    )


def spelled_sample_gradients(P, f, mu, log_sigma, draw):
    z = draw(mu, P.apply("exp", np.exp, log_sigma))
    z_bar = SLOPES[f](z)
    noise = P.term("z", z) - P.term("mu", mu)
    return P("mu_bar", z_bar), P.factor("z_bar in the rule for log sigma", z_bar) * P.factor("z - mu", noise)


def with_rules(mu_rule, log_sigma_rule, width=np.exp):
    """The gradients that other rules would give: functions of z_bar, z, mu and log_sigma."""

    def gradients(f, mu, log_sigma, draw):
        z = draw(mu, width(log_sigma))
        z_bar = SLOPES[f](z)
        return mu_rule(z_bar, z, mu, log_sigma), log_sigma_rule(z_bar, z, mu, log_sigma)

    return gradients


def drawn_twice(new_gradient):
    """The gradients where the rule for log_sigma has a draw of its own, and with `new_gradient` its z_bar, too."""

    def gradients(f, mu, log_sigma, draw):
        z, again = draw(mu, np.exp(log_sigma)), draw(mu, np.exp(log_sigma))
        z_bar = SLOPES[f](again if new_gradient else z)
        return SLOPES[f](z), right_for_log_sigma(z_bar, again, mu, log_sigma)

    return gradients


def right_for_mu(z_bar, z, mu, s):
    return z_bar


def right_for_log_sigma(z_bar, z, mu, s):
    return z_bar * (z - mu)


SAMPLE_GRADIENTS = exercise(
    name="sample_gradients",
    points=3,
    minutes=15,
    lines=5,
    signature="sample_gradients(f, mu, log_sigma, draw)",
    returns="((N, K), (N, K))",
    task=(
        r"The gradients of the sum of $f(\mathbf{z})$ by $\boldsymbol\mu$ and $\log\boldsymbol\sigma$, both (N, K), "
        r"for `z = draw(mu, sigma)`, which autograd "
        "cannot look into: make the step from `mu` and `log_sigma` to z a `primitive`, register its two rules with "
        "`defvjp`, and let `grad` do the rest. Each call of `draw` brings other noise, so call it once; "
        r"the noise of this sample can be found from $\mathbf{z}$."
    ),
    answer="course_utils.networks.reparameterization:sample_gradients",
    cases=draw_cases,
    oracle=draw_oracle,
    spelled=spelled_sample_gradients,
    others={
        "both gradients are 0: the draws are made before autograd looks, or the rules return 0": (
            lambda f, mu, s, draw: (0 * mu, 0 * s)
        ),
        "the second result lacks z_bar: a rule gets the gradient of z, and multiplies by it": (
            with_rules(right_for_mu, lambda z_bar, z, mu, s: z - mu)
        ),
        "f is differentiated at mu; z_bar is its derivative at the sample": (
            lambda f, mu, s, draw: (SLOPES[f](mu), SLOPES[f](mu) * (draw(mu, np.exp(s)) - mu))
        ),
        "the gradients are those of the mean of f, and not of its sum": (
            lambda f, mu, s, draw: tuple(
                g / mu.size for g in with_rules(right_for_mu, right_for_log_sigma)(f, mu, s, draw)
            )
        ),
        "the first rule has a sigma; dz/dmu is 1": (
            with_rules(lambda z_bar, z, mu, s: z_bar / np.exp(s), right_for_log_sigma),
            with_rules(lambda z_bar, z, mu, s: z_bar * np.exp(s), right_for_log_sigma),
        ),
        "the second rule has a sigma too many: z - mu is sigma times the noise already": (
            with_rules(right_for_mu, lambda z_bar, z, mu, s: z_bar * (z - mu) * np.exp(s))
        ),
        "the second rule divides z - mu by sigma twice": (
            with_rules(right_for_mu, lambda z_bar, z, mu, s: z_bar * (z - mu) / np.exp(2 * s))
        ),
        "the second rule takes z for the noise, and a factor sigma; sigma times the noise is z - mu": (
            with_rules(right_for_mu, lambda z_bar, z, mu, s: z_bar * z * np.exp(s))
        ),
        "the second rule has two factors sigma too many: z - mu is sigma times the noise, and the exp before draw "
        "brings a sigma of its own": (
            with_rules(right_for_mu, lambda z_bar, z, mu, s: z_bar * (z - mu) * np.exp(2 * s))
        ),
        "the second rule has a factor sigma too many: z - mu is sigma times the noise already": (
            with_rules(right_for_mu, lambda z_bar, z, mu, s: z_bar * (z - mu) * np.exp(s))
        ),
        "the second rule is that of the score, (eps^2 - 1): rules of a path have eps": (
            with_rules(right_for_mu, lambda z_bar, z, mu, s: z_bar * (((z - mu) / np.exp(s)) ** 2 - 1))
        ),
        "the first result is 1, as if z itself were summed: f's gradient z_bar is missing": (
            with_rules(lambda z_bar, z, mu, s: 1 + 0 * z, right_for_log_sigma)
        ),
        "this is f's derivative and nothing else, in both places; the rule for log_sigma has z - mu": (
            with_rules(right_for_mu, lambda z_bar, z, mu, s: z_bar)
        ),
    },
    misconceptions={
        "rule for sigma": Misconception(
            with_rules(right_for_mu, lambda z_bar, z, mu, s: z_bar * (z - mu) / np.exp(s)),
            "The second rule is that for sigma: z_bar times the noise. For log_sigma one more factor sigma is needed, "
            "and the noise times sigma is z - mu.",
        ),
        "z for z - mu": Misconception(
            with_rules(right_for_mu, lambda z_bar, z, mu, s: z_bar * z),
            "In the second rule z stands where z - mu belongs: only the noise in z is stretched by sigma.",
        ),
        "sigma alone": Misconception(
            with_rules(right_for_mu, lambda z_bar, z, mu, s: z_bar * np.exp(s)),
            "In the second rule the noise is missing. It is not given, but sigma times the noise is z - mu.",
        ),
        "no upstream gradient": Misconception(
            with_rules(lambda z_bar, z, mu, s: 1 + 0 * z, lambda z_bar, z, mu, s: z - mu),
            (
                "Your rules give the derivatives of z. A rule gets z_bar, the gradient that arrives at z, and "
                "multiplies by it."
            ),
        ),
        "log variance": Misconception(
            with_rules(right_for_mu, right_for_log_sigma, lambda s: np.exp(s / 2)),
            "You call draw with the root of sigma, as if log_sigma were the log of the variance. "
            "It is the log of the standard deviation.",
        ),
        "order": Misconception(
            with_rules(right_for_log_sigma, right_for_mu),
            "The two results are in the wrong order: that for mu comes first. Or are the rules exchanged in defvjp?",
        ),
        "mu stretched": Misconception(
            with_rules(lambda z_bar, z, mu, s: z_bar * np.exp(s), right_for_log_sigma),
            "The first rule has a factor sigma. But z moves one for one with mu: its gradient is passed on as it is.",
        ),
        "wrong sign": Misconception(
            with_rules(right_for_mu, lambda z_bar, z, mu, s: z_bar * (mu - z)),
            "The second result has the wrong sign: the noise times sigma is z - mu, not mu - z.",
        ),
        "drawn again in the rule": Misconception(
            drawn_twice(new_gradient=False),
            "The second rule draws again, and gets other noise. The noise that counts is the one in z: sigma times it "
            "is z - mu.",
        ),
        "drawn for each gradient": Misconception(
            drawn_twice(new_gradient=True),
            "Each of your gradients is at a sample of its own. Both are asked at the same z: call draw once, and "
            "differentiate by both arguments together, grad(..., (0, 1)).",
        ),
    },
    hints=(
        (
            "sample = primitive(lambda mu, log_sigma: draw(mu, np.exp(log_sigma))) is one step for autograd. A rule "
            "has the form "
            "lambda z, mu, log_sigma: lambda z_bar: ..., from the result and the arguments to a function of the "
            "gradient of z."
        ),
        (
            r"The rules are those of reparameterize_vjp, $\bar z$ and $\bar z\,\sigma\varepsilon$. Which expression "
            r"in $z$ and $\mu$ is $\sigma\varepsilon$?"
        ),
        (
            "defvjp(sample, lambda z, mu, log_sigma: lambda z_bar: z_bar, lambda z, mu, log_sigma: lambda z_bar: "
            "z_bar * (z - mu)); "
            "then grad(lambda mu, log_sigma: anp.sum(f(sample(mu, log_sigma))), (0, 1))(mu, log_sigma)."
        ),
    ),
)


# dropout_vjp --------------------------------------------------------------------------------------------------------


def dropout_cases(rng):
    def case(N, K, rate, label=""):
        mask = (rng.random((N, K)) >= rate).astype(float)
        mask[0, :2] = 1, 0  # some of both, whatever the draw
        return Case((away_from_zero(rng, N, K), mask, float(rate)), label)

    return [
        case(5, 3, rng.uniform(0.15, 0.35)),
        case(4, 6, rng.uniform(0.65, 0.85)),
        case(1, 4, rng.uniform(0.15, 0.35), "on a single example"),
        Case((away_from_zero(rng, 4, 3), np.ones((4, 3)), 0.0), "for rate = 0, where nothing is dropped"),
    ]


def dropout_oracle(h_bar, mask, rate):
    return derivatives(lambda h: np.sum(h_bar[mask == 1] * h[mask == 1]) / (1 - rate), np.ones(h_bar.shape))


def spelled_dropout_vjp(P, h_bar, mask, rate):
    keep = P.term("the 1 in 1 - rate", 1.0) - P.term("the rate", rate)
    return P.factor("h_bar", h_bar) * P.factor("the mask", mask) / P.divisor("1 - rate", keep)


DROPOUT_VJP = exercise(
    name="dropout_vjp",
    points=1,
    minutes=3,
    lines=1,
    signature="dropout_vjp(h_bar, mask, rate)",
    returns="(N, K)",
    task=(
        r"The gradient of $h$, given `h_bar`, here that of the *output* $\tilde h = h\,m/(1 - r)$; the mask $m$ is 1 "
        r"where "
        "a unit is kept, and `rate` is $r$, the probability of dropping."
    ),
    answer="course_utils.networks.reparameterization:dropout_vjp",
    cases=dropout_cases,
    oracle=dropout_oracle,
    spelled=spelled_dropout_vjp,
    others={
        "what was kept is not scaled, and what was dropped is; what was dropped gets 0": (
            lambda h_bar, mask, rate: np.where(mask == 1, h_bar, h_bar / (1 - rate)),
        ),
        "what was dropped keeps its gradient; it gets 0": (
            lambda h_bar, mask, rate: np.where(mask == 1, h_bar / (1 - rate), h_bar)
        ),
        "only the entries that were kept are returned; those that were dropped stand between them, with gradient 0": (
            lambda h_bar, mask, rate: h_bar[mask == 1] / (1 - rate),
            lambda h_bar, mask, rate: h_bar[mask == 1],
        ),
        "brackets are missing: h_bar mask is divided by 1, and the rate subtracted from the quotient": (
            lambda h_bar, mask, rate: h_bar * mask / 1 - rate
        ),
        "this is the mask divided by 1 - rate; multiply it by h_bar": lambda h_bar, mask, rate: mask / (1 - rate),
        "the gradient is divided by the share of units that the mask keeps; divide by 1 - rate": (
            lambda h_bar, mask, rate: h_bar * mask / mask.mean()
        ),
        "the gradient is multiplied by the rate": lambda h_bar, mask, rate: h_bar * mask * rate,
        "the gradient is multiplied by 1 - rate without a mask, as at test time": (
            lambda h_bar, mask, rate: h_bar * (1 - rate)
        ),
        "the mask is there, and rate and 1 - rate change places": lambda h_bar, mask, rate: (
            h_bar * mask * (1 - rate) / rate
        ),
    },
    misconceptions={
        "not scaled": Misconception(
            lambda h_bar, mask, rate: h_bar * mask,
            "The mask is there, but not the factor 1/(1 - rate), which the forward pass multiplied with, too.",
        ),
        "divided by the rate": Misconception(
            lambda h_bar, mask, rate: h_bar * mask / rate,
            "You divide by rate, the probability of dropping. Divide by the probability of keeping.",
        ),
        "scaled the wrong way": Misconception(
            lambda h_bar, mask, rate: h_bar * mask * (1 - rate),
            "You multiply by 1 - rate. Inverted dropout divides by it, forwards and backwards.",
        ),
        "no mask": Misconception(
            lambda h_bar, mask, rate: h_bar / (1 - rate),
            "Units that were dropped get a gradient, too. They had no part in the output: multiply by the mask.",
        ),
        "dropped for kept": Misconception(
            lambda h_bar, mask, rate: h_bar * (1 - mask) / (1 - rate),
            "The mask is the wrong way round: it is 1 where a unit is kept.",
        ),
        "forgotten": Misconception(
            lambda h_bar, mask, rate: 1 * h_bar,
            "This is h_bar as it came. That is right on average over masks, but this mask is known.",
        ),
        "mean over examples": Misconception(
            lambda h_bar, mask, rate: np.mean(h_bar * mask / (1 - rate), axis=0),
            "You average over the examples. Each example has its own h, and its own gradient.",
        ),
    },
    hints=(
        r"Forwards, $h$ is multiplied entry by entry by $m/(1 - r)$, which does not depend on $h$.",
        "The derivative of a product with a constant is the constant: the gradient is multiplied by the same thing.",
        "h_bar * mask / (1 - rate).",
    ),
)

EXERCISES = [
    SCORE_FUNCTION_GRADIENT,
    SCORE_FUNCTION_LOSS,
    REPARAMETERIZE,
    PATHWISE_GRADIENT,
    SIGMA_BAR,
    REPARAMETERIZE_VJP,
    SAMPLE_GRADIENTS,
    DROPOUT_VJP,
]
