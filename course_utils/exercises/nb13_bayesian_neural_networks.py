"""Exercises of notebook 13: what weights cost, where everything is exact, and in networks."""

import functools

import numpy as np
from scipy import optimize, special, stats

from course_utils.exercises.model import Case, Exercise, Misconception, close

exercise = functools.partial(Exercise, notebook="13_bayesian_neural_networks", compare=close(), lecture_points=("L14",))


GAUSS_HERMITE = np.polynomial.hermite_e.hermegauss(5)  # made once: a search asks for the oracle thousands of times


def a_scale(rng):
    """A prior scale away from 1, above or below."""
    return float(rng.uniform(0.4, 0.7) if rng.random() < 0.5 else rng.uniform(1.5, 2.5))


def weights(rng, *shape):
    """mu and log_sigma of that shape, no width near 1."""
    return rng.uniform(0.3, 1.2, shape) * rng.choice([-1, 1], shape), rng.uniform(-1.6, -0.3, shape)


def regression(rng, N, P, eta=None):
    """x (N, P), y (N,) that some weights explain, and a noise variance away from 1."""
    x, eta = rng.normal(size=(N, P)), float(rng.uniform(0.3, 0.6)) if eta is None else eta
    return x, x @ rng.normal(size=P) + np.sqrt(eta) * rng.normal(size=N), eta


def sigma_as_variance(f):
    """The function, called with the log of the standard deviation halved: as if it were that of the variance."""
    return lambda mu, log_sigma, *rest: f(mu, log_sigma / 2, *rest)


# weight_prices ------------------------------------------------------------------------------------------------------


def price_cases(rng):
    def case(P, label=""):
        return Case((*weights(rng, P), a_scale(rng)), label)

    tiny = case(4, "for very narrow weights")
    tiny = tiny._replace(args=(tiny.args[0], np.full(4, -40.0) - rng.random(4), tiny.args[2]))
    as_prior = Case((np.zeros(3), np.full(3, np.log(0.3)), 0.3), "for weights that are as under the prior")
    return [case(6), case(5), case(7), case(1, "for a single weight"), tiny, as_prior]


def price_oracle(mu, log_sigma, tau):
    """E_q[log q - log p] by Gauss and Hermite, which is exact: the integrand is a quadratic."""
    nodes, shares = GAUSS_HERMITE
    w = mu + np.exp(log_sigma) * nodes[:, None]
    log_q = -0.5 * nodes[:, None] ** 2 - log_sigma
    log_p = -0.5 * (w / tau) ** 2 - np.log(tau)
    return shares / shares.sum() @ (log_q - log_p)


def spelled_weight_prices(P, mu, log_sigma, tau):
    variance = P.term("sigma^2", P.apply("the square of sigma", np.square, np.exp(log_sigma)))
    square = P.term("mu^2", P.apply("the square of mu", np.square, mu))
    prior = P.divisor("tau^2", P.apply("the square of tau", np.square, tau))
    spread = P.factor("the factor 1/2", 0.5) * (variance + square) / prior
    return (
        P.term("log tau", np.log(tau))
        - P.term("log sigma", log_sigma)
        + P.term("the term with the squares", spread)
        - P.term("the 1/2", 0.5)
    )


WEIGHT_PRICES = exercise(
    name="weight_prices",
    points=2,
    minutes=6,
    lines=2,
    signature="weight_prices(mu, log_sigma, tau)",
    returns="(P,)",
    task=(
        r"Return for each of $P$ weights the KL divergence of $q(w) = \mathcal{N}(\mu, \sigma^2)$ from the prior "
        r"$p(w) = \mathcal{N}(0, \tau^2)$, that is $\mathrm{KL}(q \,\Vert\, p)$, in nats. `mu` and `log_sigma` are "
        "(P,), the second the log of the standard deviation; `tau` is a positive number, a standard deviation, the "
        "same for all weights. No sum over the weights."
    ),
    answer="course_utils.models.bayesian:weight_prices",
    cases=price_cases,
    oracle=price_oracle,
    spelled=spelled_weight_prices,
    others={
        "this is the sum over all weights; each weight has a price of its own": (
            lambda mu, s, tau: np.sum(price_oracle(mu, s, tau))
        ),
        "this is the price under the prior N(0, 1): tau is not used": lambda mu, s, tau: price_oracle(mu, s, 1.0),
        "these are bits; nats are asked": lambda mu, s, tau: price_oracle(mu, s, tau) / np.log(2),
        "this is the price of mu alone, mu^2 / (2 tau^2); that of the width is missing": (
            lambda mu, s, tau: mu**2 / (2 * tau**2)
        ),
        "this is the price of the width alone; mu^2 / (2 tau^2) is missing": (
            lambda mu, s, tau: price_oracle(0 * mu, s, tau)
        ),
    },
    misconceptions={
        "tau as variance": Misconception(
            lambda mu, s, tau: price_oracle(mu, s, np.sqrt(tau)),
            "You treat tau as the prior's variance. It is the standard deviation: the variance is tau^2.",
        ),
        "log variance": Misconception(
            sigma_as_variance(price_oracle),
            "You treat log_sigma as the log of the variance. It is the log of the standard deviation.",
        ),
        "the other way round": Misconception(
            lambda mu, s, tau: s - np.log(tau) + (tau**2 + mu**2) / (2 * np.exp(2 * s)) - 0.5,
            "This is KL(p || q). The price is KL(q || p): the average of log q - log p under q.",
        ),
        "mu not divided": Misconception(
            lambda mu, s, tau: np.log(tau) - s + np.exp(2 * s) / (2 * tau**2) + mu**2 / 2 - 0.5,
            "mu^2 is not divided by tau^2: a mean of 1 is far out only where the prior is narrow.",
        ),
        "wrong sign": Misconception(
            lambda mu, s, tau: -price_oracle(mu, s, tau),
            "This is minus the KL, as it stands in the bound. A price is positive.",
        ),
        "log tau left out": Misconception(
            lambda mu, s, tau: price_oracle(mu, s, tau) - np.log(tau),
            "The term log tau is missing: it comes from the prior's own constant, 1 / (sqrt(2 pi) tau).",
        ),
    },
    hints=(
        r"Dividing $w$ by $\tau$ turns the prior into $\mathcal{N}(0, 1)$ and changes no KL: notebook 05 has that one.",
        (
            r"$\mathrm{KL}(\mathcal{N}(m, s^2) \,\Vert\, \mathcal{N}(0, 1)) = \frac12(s^2 + m^2 - 1) - \log s$, with "
            r"$m = \mu/\tau$ and $s = \sigma/\tau$."
        ),
        "Return np.log(tau) - log_sigma + (np.exp(2 * log_sigma) + mu ** 2) / (2 * tau ** 2) - 0.5.",
    ),
    afterwards="In PyTorch: `torch.distributions.kl_divergence(Normal(mu, sigma), Normal(0, tau))`.",
)


# bayes_by_backprop_elbo ---------------------------------------------------------------------------------------------


def elbo_cases(rng):
    def case(N, P, S, label=""):
        x, y, eta = regression(rng, N, P)
        return Case((*weights(rng, P), x, y, eta, a_scale(rng), rng.normal(size=(S, P))), label)

    return [
        case(7, 3, 5),
        case(5, 4, 6),
        case(8, 2, 4),
        case(6, 3, 1, "for a single sample"),
        case(3, 5, 4, "with more weights than examples"),
    ]


def sampled_log_likelihoods(mu, log_sigma, x, y, eta, eps):
    """log p(y | x, w_s), an entry for each sample and example (S, N), by scipy's density."""
    return np.array([stats.norm.logpdf(y, x @ (mu + np.exp(log_sigma) * e), np.sqrt(eta)) for e in eps])


def elbo_oracle(mu, log_sigma, x, y, eta, tau, eps):
    total = sampled_log_likelihoods(mu, log_sigma, x, y, eta, eps).sum(axis=1)
    return float(total.mean() - price_oracle(mu, log_sigma, tau).sum())


def elbo_with(likelihood=lambda each: each.sum(axis=1).mean(), price=lambda mu, s, tau: price_oracle(mu, s, tau).sum()):
    """A wrong bound: either term may be replaced."""

    def elbo(mu, log_sigma, x, y, eta, tau, eps):
        each = sampled_log_likelihoods(mu, log_sigma, x, y, eta, eps)
        return likelihood(each) - price(mu, log_sigma, tau)

    return elbo


def sampled_kl(mu, s, x, y, eta, tau, eps):
    """The bound with the KL averaged over the samples, as in Blundell et al."""
    w = mu + np.exp(s) * eps
    log_q = stats.norm.logpdf(w, mu, np.exp(s)).sum(axis=1)
    log_p = stats.norm.logpdf(w, 0, tau).sum(axis=1)
    return float(sampled_log_likelihoods(mu, s, x, y, eta, eps).sum(axis=1).mean() - np.mean(log_q - log_p))


def spelled_elbo(P, mu, log_sigma, x, y, eta, tau, eps):
    w = P.term("mu in w", mu) + P.factor("sigma in w", np.exp(log_sigma)) * P.factor("eps", eps)
    errors = P.apply("the square of the errors", np.square, P.term("y", y) - P.term("x w", w @ x.T))
    total = P.sum(errors, 1, "the examples", "The log likelihood is that of all N numbers together.")
    fit = P.mean(total, 0, "the samples") / P.divisor("2 eta", 2 * eta)
    constant = P.factor("N, the number of examples,", len(y)) * P(
        "half the log of 2 pi eta", 0.5 * np.log(2 * np.pi * eta)
    )
    kl = P.sum(price_oracle(mu, log_sigma, tau), 0, "the weights")
    return (
        -P.term("the constant of the likelihood", constant) - P.term("the squared errors", fit) - P.term("the KL", kl)
    )


BAYES_BY_BACKPROP_ELBO = exercise(
    name="bayes_by_backprop_elbo",
    points=3,
    minutes=10,
    lines=5,
    signature="bayes_by_backprop_elbo(mu, log_sigma, x, y, eta, tau, eps)",
    returns="scalar",
    task=(
        r"Estimate the bound $\mathcal{F} = \mathbb{E}_q[\log p(\mathbf{y} \mid \mathbf{x}, \mathbf{w})] - "
        r"\mathrm{KL}(q \,\Vert\, p)$ of the regression $y_n = \mathbf{x}_n^\top\mathbf{w} + \text{noise}$ of variance "
        r"$\eta$, in nats, with its constants. The first term is the log likelihood of *all* $N$ numbers `y` (N,), a "
        r"sum, averaged over the $S$ samples $\mathbf{w}_s = \boldsymbol\mu + \boldsymbol\sigma \odot "
        r"\boldsymbol\varepsilon_s$ with `eps` (S, P); the second the closed form, summed over the weights, with the "
        r"prior $\mathcal{N}(0, \tau^2)$. `x` is (N, P), `mu` and `log_sigma` are (P,), `eta` is a variance, `tau` a "
        "standard deviation. Written with autograd.numpy (`anp`), so that it can be differentiated by `mu` and "
        "`log_sigma`."
    ),
    answer="course_utils.models.bayesian_regression:bayes_by_backprop_elbo",
    cases=elbo_cases,
    oracle=elbo_oracle,
    spelled=spelled_elbo,
    differentiated=2,
    others={
        "the KL is averaged over the samples, log q - log p; the closed form is asked": sampled_kl,
        "this is the log likelihood alone: the KL is missing": elbo_with(price=lambda mu, s, tau: 0.0),
        "this is the bound at the means of q: no noise is added to mu": (
            lambda mu, s, x, y, eta, tau, eps: elbo_oracle(mu, s, x, y, eta, tau, 0 * eps)
        ),
        "this is minus the bound, a loss; the bound itself is asked": lambda *args: -elbo_oracle(*args),
        "the bound is divided by N; it is that of all examples together": (
            lambda mu, s, x, y, eta, tau, eps: elbo_oracle(mu, s, x, y, eta, tau, eps) / len(y)
        ),
        "the log of the mean likelihood is taken, as for importance sampling; the bound is the mean of the logs": (
            elbo_with(lambda each: special.logsumexp(each.sum(axis=1)) - np.log(len(each)))
        ),
        "eta is not in the squared errors, only in the constant": (
            lambda mu, s, x, y, eta, tau, eps: elbo_oracle(mu, s, x, y, 1.0, tau, eps) - 0.5 * len(y) * np.log(eta)
        ),
    },
    misconceptions={
        "mean over examples": Misconception(
            elbo_with(lambda each: each.mean()),
            "The log likelihood is averaged over the examples. The weights are paid once for all N of them: sum.",
        ),
        "sum over samples": Misconception(
            elbo_with(lambda each: each.sum()),
            "You sum over the samples of the weights. An expectation is their mean.",
        ),
        "KL for each example": Misconception(
            lambda mu, s, x, y, eta, tau, eps: (
                sampled_log_likelihoods(mu, s, x, y, eta, eps).sum(axis=1).mean()
                - len(y) * price_oracle(mu, s, tau).sum()
            ),
            "The KL is subtracted once for each example. In a VAE every example has a z; here all share the weights.",
        ),
        "KL shared out": Misconception(
            lambda mu, s, x, y, eta, tau, eps: (
                sampled_log_likelihoods(mu, s, x, y, eta, eps).sum(axis=1).mean()
                - price_oracle(mu, s, tau).sum() / len(y)
            ),
            "The KL is divided by N, and the log likelihood is not. The bound of all N examples has the whole KL.",
        ),
        "KL added": Misconception(
            elbo_with(price=lambda mu, s, tau: -price_oracle(mu, s, tau).sum()),
            "The KL is added. It is what the weights cost: subtract it.",
        ),
        "eta as deviation": Misconception(
            lambda mu, s, x, y, eta, tau, eps: elbo_oracle(mu, s, x, y, eta**2, tau, eps),
            "You treat eta as the noise's standard deviation. It is the variance.",
        ),
        "tau as variance": Misconception(
            lambda mu, s, x, y, eta, tau, eps: elbo_oracle(mu, s, x, y, eta, np.sqrt(tau), eps),
            "You treat tau as the prior's variance. It is the standard deviation.",
        ),
        "log variance": Misconception(
            sigma_as_variance(elbo_oracle),
            "You treat log_sigma as the log of the variance. It is the log of the standard deviation.",
        ),
        "no constant": Misconception(
            lambda mu, s, x, y, eta, tau, eps: (
                elbo_oracle(mu, s, x, y, eta, tau, eps) + 0.5 * len(y) * np.log(2 * np.pi * eta)
            ),
            "The constant of the Gaussian likelihood, -N/2 log(2 pi eta), is missing.",
        ),
        "prior N(0, 1)": Misconception(
            elbo_with(price=lambda mu, s, tau: price_oracle(mu, s, 1.0).sum()),
            "The KL is to a prior N(0, 1). The prior's standard deviation is tau.",
        ),
    },
    hints=(
        (
            r"Three steps: the samples $\mathbf{w}_s$, (S, P); the errors "
            r"$y_n - \mathbf{x}_n^\top\mathbf{w}_s$, (S, N); then the log of a Gaussian density, "
            "summed over $n$ and averaged over $s$."
        ),
        (
            r"$\log p(\mathbf{y} \mid \mathbf{x}, \mathbf{w}) = -\frac{N}{2}\log 2\pi\eta - \frac{1}{2\eta}\sum_n "
            r"(y_n - \mathbf{x}_n^\top\mathbf{w})^2$. The KL is the sum of your weight_prices."
        ),
        (
            "w = mu + anp.exp(log_sigma) * eps; error = anp.sum((y - w @ x.T) ** 2, axis=1); then "
            "-0.5 * len(y) * np.log(2 * np.pi * eta) - anp.mean(error) / (2 * eta) "
            "- anp.sum(weight_prices(mu, log_sigma, tau))."
        ),
    ),
)


# log_evidence -------------------------------------------------------------------------------------------------------


def evidence_cases(rng):
    def case(N, P, label="", eta=None):
        return Case((*regression(rng, N, P, eta), a_scale(rng)), label)

    return [
        case(7, 3),
        case(6, 2),
        case(5, 4),
        case(3, 6, "with more weights than examples"),
        case(1, 3, "for a single example"),
        case(500, 3, "for many examples, where the determinant leaves floating point", 0.01),
    ]


def evidence_oracle(x, y, eta, tau):
    """In the eigenvectors of C the entries of y are independent: their variances are eta + tau^2 s^2, s from an SVD."""
    U, s, _ = np.linalg.svd(x, full_matrices=True)
    variances = np.full(len(y), float(eta))
    variances[: len(s)] += tau**2 * s**2
    return float(np.sum(stats.norm.logpdf(U.T @ y, 0, np.sqrt(variances))))


def evidence_with(C, y, half=0.5):
    """log N(y; 0, C) for a wrong C."""
    log_det = np.linalg.slogdet(C)[1]
    return float(-0.5 * y @ np.linalg.solve(C, y) - half * log_det - 0.5 * len(y) * np.log(2 * np.pi))


def covariance_of(x, eta, tau):
    return eta * np.eye(len(x)) + tau**2 * x @ x.T


def spelled_log_evidence(P, x, y, eta, tau):
    noise = P.term("eta I", eta * np.eye(len(y)))
    spread = P.term("tau^2 x x^T", P.factor("tau^2", tau**2) * (x @ x.T))
    C = P("the covariance of y", noise + spread)
    fit = P.factor("the factor 1/2 of the quadratic term", 0.5) * (y @ np.linalg.solve(C, y))
    log_det = P.factor("the factor 1/2 of the log determinant", 0.5) * np.linalg.slogdet(C)[1]
    constant = 0.5 * P.factor("N in N/2 log 2 pi", len(y)) * np.log(2 * np.pi)
    return (
        -P.term("the quadratic term", fit) - P.term("the log determinant", log_det) - P.term("N/2 log 2 pi", constant)
    )


LOG_EVIDENCE = exercise(
    name="log_evidence",
    points=2,
    minutes=7,
    lines=4,
    signature="log_evidence(x, y, eta, tau)",
    returns="scalar",
    task=(
        r"Return $\log p(\mathbf{y} \mid \mathbf{x})$ in nats, with its constants: what is left of "
        r"$\mathbf{y} = \mathbf{x}\mathbf{w} + \text{noise}$ when $\mathbf{w} \sim \mathcal{N}(0, \tau^2 I)$ is "
        "integrated out, a Gaussian density with mean 0. Which covariance? `x` is (N, P), `y` (N,), "
        "`eta` the noise's variance, `tau` the prior's standard deviation. It must also work for many examples, where "
        "the determinant is too large or too small for a floating-point number."
    ),
    answer="course_utils.models.bayesian_regression:log_evidence",
    cases=evidence_cases,
    oracle=evidence_oracle,
    spelled=spelled_log_evidence,
    others={
        "the weights are not integrated out: this is the noise alone, at w = 0": (
            lambda x, y, eta, tau: evidence_with(eta * np.eye(len(y)), y)
        ),
        "the log determinant is left out": lambda x, y, eta, tau: evidence_with(covariance_of(x, eta, tau), y, 0.0),
        "this is the log likelihood at the posterior's mean: the best fit, without the price of the weights": (
            lambda x, y, eta, tau: float(
                np.sum(stats.norm.logpdf(y, x @ posterior_of(x, y, eta, tau)[0], np.sqrt(eta)))
            )
        ),
        "only the diagonal of the covariance is used; the y's are correlated, as they share the weights": (
            lambda x, y, eta, tau: evidence_with(np.diag(np.diag(covariance_of(x, eta, tau))), y)
        ),
        "eta is added to every entry of the covariance; noise that is independent adds to its diagonal alone": tuple(
            lambda x, y, eta, tau, small=small: evidence_with(eta + tau**2 * x @ x.T + small * np.eye(len(y)), y)
            for small in (0, 1e-12, 1e-10, 1e-9, 1e-8, 1e-6)
        ),
        "this is the density's exponent alone: log determinant and constant are missing": (
            lambda x, y, eta, tau: float(-0.5 * y @ np.linalg.solve(covariance_of(x, eta, tau), y))
        ),
    },
    misconceptions={
        "tau as variance": Misconception(
            lambda x, y, eta, tau: evidence_oracle(x, y, eta, np.sqrt(tau)),
            "You multiply x x^T by tau. The prior's variance is tau^2.",
        ),
        "eta as deviation": Misconception(
            lambda x, y, eta, tau: evidence_oracle(x, y, eta**2, tau),
            "You square eta. It is the noise's variance already.",
        ),
        "noise everywhere": Misconception(
            lambda x, y, eta, tau: evidence_with(eta + tau**2 * x @ x.T + 1e-12 * np.eye(len(y)), y),
            "eta is added to every entry of the matrix. It belongs on the diagonal: eta times the identity.",
        ),
        "no half on the determinant": Misconception(
            lambda x, y, eta, tau: evidence_with(covariance_of(x, eta, tau), y, 1.0),
            "The log determinant lacks its factor 1/2.",
        ),
        "plus the determinant": Misconception(
            lambda x, y, eta, tau: evidence_with(covariance_of(x, eta, tau), y, -0.5),
            "The log determinant is added. A wide density is low: subtract it.",
        ),
        "no constant": Misconception(
            lambda x, y, eta, tau: evidence_oracle(x, y, eta, tau) + 0.5 * len(y) * np.log(2 * np.pi),
            "The constant -N/2 log(2 pi) is missing.",
        ),
        "a plain determinant": Misconception(
            lambda x, y, eta, tau: float(
                -0.5 * y @ np.linalg.solve(covariance_of(x, eta, tau), y)
                - 0.5 * np.log(np.linalg.det(covariance_of(x, eta, tau)))
                - 0.5 * len(y) * np.log(2 * np.pi)
            ),
            "For many examples the determinant is no floating-point number any more. Take its log without it: "
            "np.linalg.slogdet, or twice the sum of the logs on the diagonal of a Cholesky factor.",
        ),
    },
    hints=(
        (
            r"The noise and $\mathbf{x}\mathbf{w}$ are independent, so their covariances add up, to a matrix $C$ of "
            r"$N \times N$. That of $\mathbf{x}\mathbf{w}$ is "
            r"$\mathbf{x}\,\mathbb{E}[\mathbf{w}\mathbf{w}^\top]\,\mathbf{x}^\top$."
        ),
        (
            r"$C = \eta I + \tau^2\mathbf{x}\mathbf{x}^\top$, and the log density is "
            r"$-\frac12\mathbf{y}^\top C^{-1}\mathbf{y} - \frac12\log\det C "
            r"- \frac N2\log 2\pi$. np.linalg.slogdet gives the log determinant where np.linalg.det is 0 or infinite."
        ),
        (
            "C = eta * np.eye(len(y)) + tau ** 2 * x @ x.T; then -0.5 * y @ np.linalg.solve(C, y) "
            "- 0.5 * np.linalg.slogdet(C)[1] - 0.5 * len(y) * np.log(2 * np.pi)."
        ),
    ),
)


# best_mean_field ----------------------------------------------------------------------------------------------------


def mean_field_cases(rng):
    def case(N, P, label=""):
        x, y, eta = regression(rng, N, P)
        x = x @ (np.eye(P) + 0.5 * np.tri(P, k=-1))  # correlated columns: the posterior's weights are, too
        return Case((x, y, eta, a_scale(rng)), label)

    unseen = case(6, 3, "where one weight meets no data")
    unseen.args[0][:, 1] = 0
    return [case(8, 3), case(7, 4), case(3, 5, "with more weights than examples"), unseen]


def posterior_of(x, y, eta, tau):
    """Mean and covariance of w given y, by conditioning the joint Gaussian of both: the inverse is over examples."""
    gain = tau**2 * x.T @ np.linalg.inv(covariance_of(x, eta, tau))
    return gain @ y, tau**2 * (np.eye(x.shape[1]) - gain @ x)


def mean_field_oracle(x, y, eta, tau):
    """Each weight's spread when all the others are known: the Schur complement in the posterior's covariance."""
    mean, S = posterior_of(x, y, eta, tau)
    sigma = []
    for p in range(len(mean)):
        rest = np.delete(np.arange(len(mean)), p)
        known = S[p, rest] @ np.linalg.solve(S[np.ix_(rest, rest)], S[rest, p]) if len(rest) else 0.0
        sigma.append(np.sqrt(S[p, p] - known))
    return mean, np.array(sigma)


def precision_of(x, eta, tau):
    return np.eye(x.shape[1]) / tau**2 + x.T @ x / eta


def mean_field_with(mean=None, sigma=None):
    """A wrong answer: either result may be replaced by a function of (x, y, eta, tau)."""

    def best(x, y, eta, tau):
        right = mean_field_oracle(x, y, eta, tau)
        return (
            mean(x, y, eta, tau) if mean else right[0],
            sigma(x, y, eta, tau) if sigma else right[1],
        )

    return best


def spelled_best_mean_field(P, x, y, eta, tau):
    prior = P.term("the prior's part I / tau^2", np.eye(x.shape[1]) / P.divisor("tau^2", tau**2))
    data = P.term("the data's part x^T x / eta", x.T @ x / P.divisor("eta in the precision", eta))
    precision = P("the precision", prior + data)
    mean = np.linalg.solve(precision, P("x^T y", x.T @ y) / P.divisor("eta in the mean", eta))
    diagonal = P("the diagonal of the precision", np.diag(precision))
    return mean, 1 / P.apply("the root", np.sqrt, diagonal)


BEST_MEAN_FIELD = exercise(
    name="best_mean_field",
    points=3,
    minutes=10,
    lines=4,
    signature="best_mean_field(x, y, eta, tau)",
    returns="mu (P,), sigma (P,)",
    task=(
        r"Return means and standard deviations of the $q(\mathbf{w}) = \prod_p \mathcal{N}(w_p; \mu_p, \sigma_p^2)$ "
        r"with the highest $\mathcal{F}$, exactly. The model is $\mathbf{y} = \mathbf{x}\mathbf{w} + \text{noise}$ of "
        r"variance $\eta$ with the prior $\mathbf{w} \sim \mathcal{N}(0, \tau^2 I)$; `x` is (N, P), `y` (N,), `tau` a "
        "standard deviation. There may be more weights than examples."
    ),
    answer="course_utils.models.bayesian_regression:best_mean_field",
    cases=mean_field_cases,
    oracle=mean_field_oracle,
    spelled=spelled_best_mean_field,
    others={
        "the widths are right, and the means are those of least squares, without a prior": (
            mean_field_with(mean=lambda x, y, eta, tau: np.linalg.pinv(x) @ y)
        ),
        "log sigma is returned; sigma is asked": (
            mean_field_with(sigma=lambda *args: np.log(mean_field_oracle(*args)[1]))
        ),
        "the widths are all those of the prior": (
            mean_field_with(sigma=lambda x, y, eta, tau: np.full(x.shape[1], tau))
        ),
        "the whole covariance matrix is returned; asked is a standard deviation for each weight": (
            mean_field_with(sigma=lambda *args: posterior_of(*args)[1])
        ),
        "each mean is that of a regression on its column alone; the columns are correlated": (
            mean_field_with(
                mean=lambda x, y, eta, tau: x.T @ y / eta / np.diag(precision_of(x, eta, tau)),
            )
        ),
    },
    misconceptions={
        "marginal widths": Misconception(
            mean_field_with(sigma=lambda *args: np.sqrt(np.diag(posterior_of(*args)[1]))),
            "The standard deviations are the posterior's own, from the diagonal of its covariance. The best q of "
            "independent weights is narrower: invert the entries on the diagonal of the precision.",
        ),
        "variances": Misconception(
            mean_field_with(sigma=lambda *args: mean_field_oracle(*args)[1] ** 2),
            "The second result holds variances. Standard deviations are asked: take the root.",
        ),
        "precisions": Misconception(
            mean_field_with(sigma=lambda x, y, eta, tau: np.diag(precision_of(x, eta, tau))),
            "The second result is the precision's diagonal. A standard deviation is one over its root.",
        ),
        "tau as variance": Misconception(
            lambda x, y, eta, tau: mean_field_oracle(x, y, eta, np.sqrt(tau)),
            "You treat tau as the prior's variance. The prior's part of the precision is I / tau^2.",
        ),
        "eta as deviation": Misconception(
            lambda x, y, eta, tau: mean_field_oracle(x, y, eta**2, tau),
            "You square eta. It is the noise's variance already.",
        ),
        "prior left out of the widths": Misconception(
            mean_field_with(sigma=lambda x, y, eta, tau: 1 / np.sqrt(np.sum(x**2, axis=0) / eta)),
            "The prior is missing from the widths: a weight that meets no data keeps sigma = tau, and not infinity.",
        ),
        "mean without noise": Misconception(
            mean_field_with(mean=lambda x, y, eta, tau: np.linalg.solve(precision_of(x, eta, tau), x.T @ y)),
            "The means lack the factor 1/eta: completing the square gives P^-1 x^T y / eta.",
        ),
        "prior precision tau squared": Misconception(
            lambda x, y, eta, tau: mean_field_oracle(x, y, eta, 1 / tau),
            "The prior's part of the precision is multiplied by tau^2. A precision is one over a variance: I / tau^2.",
        ),
    },
    hints=(
        (
            r"$\mathcal{F}$ is $\log p(\mathbf{y} \mid \mathbf{x})$ less $\mathrm{KL}(q \,\Vert\, p(\mathbf{w} \mid "
            r"\mathbf{y}))$. The posterior is Gaussian with precision $P = I/\tau^2 + \mathbf{x}^\top\mathbf{x}/\eta$ "
            r"and mean $P^{-1}\mathbf{x}^\top\mathbf{y}/\eta$."
        ),
        (
            r"Write the KL down for a diagonal $q$: $\frac12\sum_p (P_{pp}\sigma_p^2 - \log\sigma_p^2)$ and a square "
            r"in the means. Its derivative by $\sigma_p$ is 0 at $\sigma_p^2 = 1/P_{pp}$."
        ),
        (
            "precision = np.eye(x.shape[1]) / tau ** 2 + x.T @ x / eta; the means are "
            "np.linalg.solve(precision, x.T @ y / eta), the deviations 1 / np.sqrt(np.diag(precision))."
        ),
    ),
)


# best_prior_scale ---------------------------------------------------------------------------------------------------


def scale_cases(rng):
    def case(P, label="", factor=1.0):
        mu, log_sigma = weights(rng, P)
        return Case((factor * mu, log_sigma + np.log(factor)), label)

    return [
        case(6),
        case(5),
        case(8),
        case(7, "for small weights", 0.03),
        case(4, "for large weights", 20.0),
        case(1, "for a single weight"),
    ]


def scale_oracle(mu, log_sigma):
    """The lowest total price, found by a search over log tau."""
    centre = np.log(np.max(np.abs(mu)) + np.exp(np.max(log_sigma)))
    found = optimize.minimize_scalar(
        lambda t: np.sum(price_oracle(mu, log_sigma, np.exp(t))),
        bounds=(centre - 8, centre + 3),
        method="bounded",
        options={"xatol": 1e-9},
    )
    return float(np.exp(found.x))


def spelled_best_prior_scale(P, mu, log_sigma):
    squares = P.term("mu^2", P.apply("the square of mu", np.square, mu)) + P.term(
        "sigma^2", P.apply("the square of sigma", np.square, np.exp(log_sigma))
    )
    return P.apply("the root", np.sqrt, P.mean(squares, 0, "the weights"))


BEST_PRIOR_SCALE = exercise(
    name="best_prior_scale",
    points=2,
    minutes=6,
    lines=1,
    signature="best_prior_scale(mu, log_sigma)",
    returns="scalar",
    task=(
        r"Return the $\tau > 0$ at which the $P$ weights $q(w_p) = \mathcal{N}(\mu_p, \sigma_p^2)$ cost least in all: "
        r"where the sum over $p$ of $\mathrm{KL}(q(w_p) \,\Vert\, \mathcal{N}(0, \tau^2))$ is smallest. `mu` and "
        "`log_sigma` are (P,), the second the log of the standard deviation; the result is a standard deviation."
    ),
    answer="course_utils.models.bayesian:best_prior_scale",
    aliases=("course_utils.networks.random_weights:best_log_tau",),
    cases=scale_cases,
    oracle=scale_oracle,
    spelled=spelled_best_prior_scale,
    others={
        "this is the root mean square of mu: the widths of the weights count, too": (
            lambda mu, s: np.sqrt(np.mean(mu**2))
        ),
        "this is the root mean square of sigma: the means of the weights count, too": (
            lambda mu, s: np.sqrt(np.mean(np.exp(2 * s)))
        ),
        "this is the log of tau": lambda mu, s: np.log(scale_oracle(mu, s)),
        "this is the lowest price, and not the tau where it is reached": (
            lambda mu, s: np.sum(price_oracle(mu, s, scale_oracle(mu, s)))
        ),
    },
    misconceptions={
        "variance": Misconception(
            lambda mu, s: scale_oracle(mu, s) ** 2,
            "This is tau^2, the prior's variance. Its root is asked, the standard deviation.",
        ),
        "spread of the means": Misconception(
            lambda mu, s: np.std(mu),
            "This is the standard deviation of the means. The prior is centred at 0, not at their mean, and the widths "
            "of the weights count, too.",
        ),
        "centred at the mean": Misconception(
            lambda mu, s: np.sqrt(np.var(mu) + np.mean(np.exp(2 * s))),
            "The means are taken from their own mean. The prior is centred at 0: take mu^2 as it is.",
        ),
        "summed": Misconception(
            lambda mu, s: np.sqrt(np.sum(mu**2 + np.exp(2 * s))),
            "You sum over the weights. The best tau^2 is the mean: more weights of the same kind do not change it.",
        ),
        "log variance": Misconception(
            sigma_as_variance(lambda mu, s: np.sqrt(np.mean(mu**2 + np.exp(2 * s)))),
            "You treat log_sigma as the log of the variance. It is the log of the standard deviation.",
        ),
    },
    hints=(
        r"Write the total price as a function of $\tau$ alone; terms without $\tau$ do not matter.",
        (
            r"What is left is $P\log\tau + \frac{1}{2\tau^2}\sum_p(\mu_p^2 + \sigma_p^2)$. Set its derivative by "
            r"$\tau$ to 0."
        ),
        "np.sqrt(np.mean(mu ** 2 + np.exp(2 * log_sigma))).",
    ),
    afterwards=(
        r"At this $\tau$ the squares in the price cancel, and what is left is $P\log\tau - \sum\log\sigma$: the "
        "digits, and nothing else."
    ),
)


# local_reparameterization -------------------------------------------------------------------------------------------


def local_cases(rng):
    def case(N, I, H, label=""):
        mu, log_sigma = weights(rng, I, H)
        return Case((rng.normal(size=(N, I)), mu, log_sigma, rng.normal(size=(N, H))), label)

    return [
        case(5, 4, 3),
        case(4, 2, 6),
        case(6, 3, 2),
        case(1, 4, 3, "on a single example"),
        case(5, 3, 1, "for a single output"),
    ]


def local_oracle(h, mu, log_sigma, eps):
    """Output by output: the variance of h w is h^T diag(sigma^2) h."""
    out = np.zeros(np.shape(eps))
    for j in range(mu.shape[1]):
        covariance = np.diag(np.exp(log_sigma[:, j]) ** 2)
        for n, row in enumerate(h):
            out[n, j] = row @ mu[:, j] + np.sqrt(row @ covariance @ row) * eps[n, j]
    return out


def local_with(deviation):
    """A wrong answer: the deviation of the outputs is another function of h and log_sigma."""
    return lambda h, mu, s, eps: h @ mu + deviation(h, s) * eps


def spelled_local(P, h, mu, log_sigma, eps):
    variance = P.apply("the square of sigma", np.square, np.exp(log_sigma))
    square = P.apply("the square of h", np.square, h)
    deviation = P.factor("the deviation of the outputs", P.apply("the root", np.sqrt, square @ variance))
    return P.term("h mu", h @ mu) + P.term("the noise", deviation * P.factor("eps", eps))


LOCAL_REPARAMETERIZATION = exercise(
    name="local_reparameterization",
    points=2,
    minutes=7,
    lines=2,
    signature="local_reparameterization(h, mu, log_sigma, eps)",
    returns="(N, H)",
    task=(
        r"Draw the outputs $\mathbf{h}W$ of a layer whose weights are independent Gaussians, $W_{ij} \sim "
        r"\mathcal{N}(\mu_{ij}, \sigma_{ij}^2)$, *without drawing the weights*: output $j$ of an example is Gaussian, "
        r"too; give it its mean and its standard deviation, and the noise `eps` (N, H). `h` is (N, I), `mu` and "
        "`log_sigma` are (I, H). Each example's noise is its own, as if it had weights of its own. No bias, no "
        "activation. Written with autograd.numpy (`anp`), so that it can be differentiated by `h`, `mu` and "
        "`log_sigma`; rows of `h` that are all 0 need not be handled."
    ),
    answer="course_utils.models.bayesian:local_reparameterization",
    aliases=("course_utils.networks.random_weights:noisy_dense",),
    cases=local_cases,
    oracle=local_oracle,
    spelled=spelled_local,
    differentiated=3,
    others={
        "these are the outputs at the mean weights: the noise is missing": lambda h, mu, s, eps: h @ mu,
        "this is the noise alone: the mean h mu is missing": (lambda h, mu, s, eps: local_oracle(h, 0 * mu, s, eps)),
        "the noise has deviation 1: sigma and h are not in it": lambda h, mu, s, eps: h @ mu + eps,
        "standard deviations are added up, |h| sigma; of independent terms the variances add up": local_with(
            lambda h, s: np.abs(h) @ np.exp(s)
        ),
        "all outputs get one spread: sigma is summed over them, where each has its own, sum_i h_i^2 sigma_i^2": (
            local_with(lambda h, s: np.sqrt(((h * np.exp(s).sum(axis=1)) ** 2).sum(axis=1, keepdims=True))),
            local_with(lambda h, s: np.sqrt(h**2 @ np.exp(2 * s).sum(axis=1, keepdims=True))),
        ),
        "all sigmas are summed, whatever h is": local_with(lambda h, s: np.sqrt(np.exp(2 * s).sum(axis=0))),
    },
    misconceptions={
        "deviations added": Misconception(
            local_with(lambda h, s: h @ np.exp(s)),
            "You add up standard deviations, h sigma. Of independent terms the variances add up: "
            "take the root of h^2 sigma^2.",
        ),
        "variance for deviation": Misconception(
            local_with(lambda h, s: (h**2) @ np.exp(2 * s)),
            "The noise is multiplied by the variance of the output. Take its root, the standard deviation.",
        ),
        "h not squared": Misconception(
            local_with(lambda h, s: np.sqrt(np.abs(h) @ np.exp(2 * s))),
            "The variance of h_i W_ij is h_i^2 sigma_ij^2: h has to be squared.",
        ),
        "squared together": Misconception(
            local_with(lambda h, s: np.sqrt((h @ np.exp(s)) ** 2)),
            "You square the sum, (h sigma)^2. The variance of the sum is the sum of the squares, h^2 sigma^2.",
        ),
        "log variance": Misconception(
            lambda h, mu, s, eps: local_oracle(h, mu, s / 2, eps),
            "You treat log_sigma as the log of the variance. It is the log of the standard deviation.",
        ),
    },
    hints=(
        r"Output $j$ is $\sum_i h_i W_{ij}$: a sum of independent Gaussians. What are its mean and its variance?",
        r"The mean is $\sum_i h_i\mu_{ij}$, the variance $\sum_i h_i^2\sigma_{ij}^2$: two matrix products.",
        "h @ mu + anp.sqrt((h ** 2) @ anp.exp(2 * log_sigma)) * eps.",
    ),
    afterwards=(
        r"In PyTorch: `torch.nn.Linear` twice, with $\boldsymbol\mu$, and with $\boldsymbol\sigma^2$ on the squared "
        "input."
    ),
)


# predictive ---------------------------------------------------------------------------------------------------------


def predictive_cases(rng):
    def case(S, N, C, label="", scale=1.5):
        return Case((scale * rng.normal(size=(S, N, C)),), label)

    extreme = case(3, 2, 4, "for extreme logits")
    extreme.args[0][0, 0] = [1000, -1000, 0, 999]
    return [case(5, 3, 4), case(4, 6, 3), case(1, 5, 4, "for a single sample"), extreme]


def predictive_oracle(logits):
    """Draw by draw, with the largest logit taken out."""
    return sum(special.softmax(sample, axis=1) for sample in logits) / len(logits)


def spelled_predictive(P, logits):
    shifted = logits - np.max(logits, axis=2, keepdims=True)
    e = P.apply("the exponential of the logits", np.exp, shifted)
    total = P.divisor("the sum over the classes", np.sum(e, axis=2, keepdims=True))
    return P.mean(e / total, 0, "the samples")


PREDICTIVE = exercise(
    name="predictive",
    points=1,
    minutes=4,
    lines=3,
    signature="predictive(logits)",
    returns="(N, C)",
    task=(
        r"Return $p(y \mid \mathbf{x}) \approx \frac1S\sum_s p(y \mid \mathbf{x}, \mathbf{w}_s)$, the mean over $S$ "
        r"draws of the weights of the class probabilities. `logits` is (S, N, C): of sample $s$, example $n$, class "
        r"$c$, *before* the softmax over the classes. It must be stable for $|\text{logit}| = 1000$."
    ),
    answer="course_utils.models.bayesian:predictive",
    cases=predictive_cases,
    oracle=predictive_oracle,
    spelled=spelled_predictive,
    others={
        "the average runs over the examples; it runs over the samples, the first axis": (
            lambda logits: special.softmax(logits, axis=-1).mean(axis=1)
        ),
        "these are the probabilities of every sample, not yet averaged": lambda logits: special.softmax(
            logits, axis=-1
        ),
        "these are the logarithms of the probabilities": lambda logits: np.log(predictive_oracle(logits)),
        "each class has a sigmoid of its own; a softmax makes the classes share one probability": (
            lambda logits: special.expit(logits).mean(axis=0)
        ),
        "the samples vote: each counts for its most probable class alone; their probabilities are averaged": (
            lambda logits: np.eye(logits.shape[2])[logits.argmax(axis=2)].mean(axis=0)
        ),
        "these are the logits' means, without a softmax": lambda logits: logits.mean(axis=0),
        "this is the most probable class of each example": lambda logits: predictive_oracle(logits).argmax(axis=1),
    },
    misconceptions={
        "logits averaged": Misconception(
            lambda logits: special.softmax(logits.mean(axis=0), axis=-1),
            "You average the logits, and then take the softmax. The prediction is the mean of the probabilities: "
            "softmax first.",
        ),
        "log probabilities averaged": Misconception(
            lambda logits: np.exp(special.log_softmax(logits, axis=-1).mean(axis=0)),
            "You average log probabilities. Average the probabilities themselves.",
        ),
        "sigmoid": Misconception(
            lambda logits: special.expit(logits).mean(axis=0),
            "A sigmoid is taken of each logit by itself, so that the classes do not add up to 1. Of C classes, one of "
            "which is right, the softmax gives the probabilities.",
        ),
        "softmax over samples": Misconception(
            lambda logits: special.softmax(logits, axis=0).mean(axis=0),
            "The softmax runs over the samples. It runs over the classes, the last axis.",
        ),
        "softmax over examples": Misconception(
            lambda logits: special.softmax(logits, axis=1).mean(axis=0),
            "The softmax runs over the examples. It runs over the classes, the last axis.",
        ),
        "summed": Misconception(
            lambda logits: special.softmax(logits, axis=-1).sum(axis=0),
            "You sum over the samples: the rows add up to S. Take the mean.",
        ),
        "overflow": Misconception(
            lambda logits: (np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)).mean(axis=0),
            "exp overflows for large logits. Subtract each row's largest logit first, which changes no probability.",
        ),
    },
    hints=(
        "Two steps: a softmax over the last axis, then a mean over the first.",
        "Subtract logits.max(axis=-1, keepdims=True) before np.exp, so that nothing overflows.",
        (
            "p = np.exp(logits - logits.max(axis=-1, keepdims=True)); p = p / p.sum(axis=-1, keepdims=True); "
            "return p.mean(axis=0)."
        ),
    ),
)


# prequential_bits ---------------------------------------------------------------------------------------------------


def prequential_cases(rng):
    def case(N, label=""):
        return Case((np.log(rng.uniform(0.05, 0.95, N)),), label)

    return [
        case(7),
        case(9),
        case(5),
        case(1, "for a single label"),
        Case((np.array([-800.0, -0.1, -900.0]),), "for labels of vanishing probability"),
    ]


def prequential_oracle(log_probs):
    """Label by label, the powers of two that make up 1 / p."""
    return float(sum(-entry / np.log(2) for entry in log_probs))


def spelled_prequential(P, log_probs):
    nats = P.sum(log_probs, 0, "the labels")
    return -P("the sum of the logs", nats) / P.divisor("log 2", np.log(2))


PREQUENTIAL_BITS = exercise(
    name="prequential_bits",
    points=1,
    minutes=3,
    lines=1,
    signature="prequential_bits(log_probs)",
    returns="scalar",
    task=(
        r"Return the length in *bits* of $N$ labels that are sent one after another, each with the probability "
        r"$p(y_n \mid \mathbf{x}_n, \text{all labels before})$ that a model gave it. `log_probs` (N,) holds the "
        "natural logs of these probabilities; they may be as low as -1000."
    ),
    answer="course_utils.models.bayesian:prequential_bits",
    cases=prequential_cases,
    oracle=prequential_oracle,
    spelled=spelled_prequential,
    others={
        "these are the bits of each label; their sum is asked": lambda log_probs: -log_probs / np.log(2),
        "these are decimal digits, from the logarithm to base 10": lambda log_probs: -log_probs.sum() / np.log(10),
        "a logarithm is taken of numbers that are logarithms already": (
            lambda log_probs: np.sum(np.log2(-log_probs)),
            lambda log_probs: np.sum(np.log(-log_probs)),
            lambda log_probs: -np.sum(np.log2(-log_probs)),
        ),
        "the bits of each label are rounded up; together they need no more than their sum": (
            lambda log_probs: np.sum(np.ceil(-log_probs / np.log(2)))
        ),
        "this is the number of labels that got more than probability one half": (
            lambda log_probs: np.sum(log_probs > -np.log(2))
        ),
    },
    misconceptions={
        "nats": Misconception(
            lambda log_probs: -np.sum(log_probs),
            "These are nats. A bit is log 2 nats: divide by it.",
        ),
        "multiplied": Misconception(
            lambda log_probs: -np.sum(log_probs) * np.log(2),
            "You multiply by log 2. One bit is 0.69 nats, so there are more bits than nats: divide.",
        ),
        "mean": Misconception(
            lambda log_probs: -np.mean(log_probs) / np.log(2),
            "This is the mean per label. The whole message is asked: sum.",
        ),
        "negative": Misconception(
            lambda log_probs: np.sum(log_probs) / np.log(2),
            "A length is positive: a label of probability p takes -log2 p bits.",
        ),
        "log of the mean": Misconception(
            lambda log_probs: -len(log_probs) * np.log2(np.mean(np.exp(log_probs))),
            "You average the probabilities before the logarithm. Each label has its own length, -log2 p; these add up.",
        ),
        "by way of probabilities": Misconception(
            lambda log_probs: -np.sum(np.log2(np.exp(log_probs))),
            "exp(-900) is 0 in floating point, and its logarithm infinite. Stay with the logs: divide them by log 2.",
        ),
    },
    hints=(
        r"A symbol of probability $p$ takes $-\log_2 p$ bits (notebook 12).",
        r"$\log_2 p = \ln p / \ln 2$, and the lengths of the labels add up.",
        "-np.sum(log_probs) / np.log(2).",
    ),
)

EXERCISES = [
    WEIGHT_PRICES,
    BAYES_BY_BACKPROP_ELBO,
    LOG_EVIDENCE,
    BEST_MEAN_FIELD,
    BEST_PRIOR_SCALE,
    LOCAL_REPARAMETERIZATION,
    PREDICTIVE,
    PREQUENTIAL_BITS,
]
