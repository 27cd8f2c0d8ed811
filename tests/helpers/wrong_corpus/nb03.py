"""Wrong answers to notebook 03, from the cards alone."""

import numpy as np
from scipy import stats
from scipy.special import expit, log_softmax, logsumexp

from wrong_corpus import wrong


def _log_normal(x, mean, eta):
    """log N(x; mean, eta I) over the last axis."""
    D = x.shape[-1]
    return -np.sum((x - mean) ** 2, axis=-1) / (2 * eta) - D / 2 * np.log(2 * np.pi * eta)


# gaussian_log_prob


@wrong(
    "gaussian_log_prob",
    cause="eta is taken for the standard deviation and squared; it is the variance.",
    line="eta**2",
)
def eta_as_standard_deviation(x, mean, eta):
    D = x.shape[1]
    variance = eta**2
    squared = np.sum((x - mean) ** 2, axis=1)
    return -squared / (2 * variance) - D / 2 * np.log(2 * np.pi * variance)


@wrong(
    "gaussian_log_prob",
    cause="norm.logpdf wants a standard deviation, sqrt(eta), but gets the variance.",
    line="stats.norm.logpdf(x, mean, eta)",
)
def variance_as_scale(x, mean, eta):
    return stats.norm.logpdf(x, mean, eta).sum(axis=1)


@wrong(
    "gaussian_log_prob",
    cause="The constant is that of one dimension; it counts D times.",
    line="- 0.5 * np.log(2 * np.pi * eta)",
)
def constant_of_one_dimension(x, mean, eta):
    return -np.sum((x - mean) ** 2, axis=1) / (2 * eta) - 0.5 * np.log(2 * np.pi * eta)


@wrong(
    "gaussian_log_prob",
    cause="The normalising constant is missing.",
    line="return -np.sum((x - mean) ** 2, axis=1) / (2 * eta)",
)
def no_constant(x, mean, eta):
    return -np.sum((x - mean) ** 2, axis=1) / (2 * eta)


@wrong(
    "gaussian_log_prob",
    cause="The squared distance is divided by eta, not by 2 eta.",
    line="/ eta",
)
def half_missing_in_exponent(x, mean, eta):
    D = x.shape[1]
    distance = np.linalg.norm(x - mean, axis=1)
    return -(distance**2) / eta - 0.5 * D * np.log(2 * np.pi * eta)


@wrong(
    "gaussian_log_prob",
    cause="The constant is added; its logarithm has to be subtracted, as it stands in the denominator.",
    line="constant + exponent",
)
def constant_with_wrong_sign(x, mean, eta):
    D = x.shape[1]
    constant = D / 2 * np.log(2 * np.pi * eta)
    exponent = -np.sum((x - mean) ** 2, axis=1) / (2 * eta)
    return constant + exponent


@wrong(
    "gaussian_log_prob",
    cause="The density is computed first; where it underflows to 0, its log is minus infinity.",
    line="np.log(density)",
)
def log_of_underflowing_density(x, mean, eta):
    D = x.shape[1]
    density = np.exp(-np.sum((x - mean) ** 2, axis=1) / (2 * eta)) / (2 * np.pi * eta) ** (D / 2)
    return np.log(density)


@wrong(
    "gaussian_log_prob",
    cause="The log densities of the dimensions are averaged; they should be summed.",
    line=".mean(axis=1)",
)
def mean_over_dimensions(x, mean, eta):
    per_dimension = -0.5 * (x - mean) ** 2 / eta - 0.5 * np.log(2 * np.pi * eta)
    return per_dimension.mean(axis=1)


@wrong(
    "gaussian_log_prob",
    cause="eta is missing in the constant: it should be log(2 pi eta).",
    line="np.log(2 * np.pi)",
)
def eta_missing_in_constant(x, mean, eta):
    D = x.shape[-1]
    return -0.5 * D * np.log(2 * np.pi) - 0.5 / eta * np.sum((x - mean) ** 2, axis=-1)


@wrong(
    "gaussian_log_prob",
    cause="D is taken from len(x), which is the number of examples, not of dimensions.",
    line="D = len(x)",
)
def number_of_examples_for_dimension(x, mean, eta):
    D = len(x)
    squared = ((x - mean) ** 2).sum(axis=1)
    return -squared / (2 * eta) - D / 2 * np.log(2 * np.pi * eta)


@wrong(
    "gaussian_log_prob",
    cause="The distance in the exponent is not squared.",
    line="np.linalg.norm(x - mean, axis=1) / (2 * eta)",
)
def distance_not_squared(x, mean, eta):
    D = x.shape[1]
    return -np.linalg.norm(x - mean, axis=1) / (2 * eta) - D / 2 * np.log(2 * np.pi * eta)


@wrong(
    "gaussian_log_prob",
    cause="All rows are added up to one number; one log density for each row was asked for.",
    line="np.sum(log_p)",
)
def summed_over_the_rows_too(x, mean, eta):
    log_p = stats.norm.logpdf(x, loc=mean, scale=np.sqrt(eta))
    return np.sum(log_p)


@wrong(
    "gaussian_log_prob",
    cause="The constant lacks the factor 1/2: it is D/2 log(2 pi eta).",
    line="D * np.log(2 * np.pi * eta)",
)
def constant_not_halved(x, mean, eta):
    D = x.shape[1]
    return -0.5 * np.sum((x - mean) ** 2, axis=1) / eta - D * np.log(2 * np.pi * eta)


@wrong(
    "gaussian_log_prob",
    cause=("Two things: eta is squared as if it were a standard deviation, and the constant is that of one dimension."),
    line="np.log(eta * np.sqrt(2 * np.pi))",
)
def school_formula_with_sigma(x, mean, eta):
    z_score = (x - mean) / eta
    return -0.5 * np.sum(z_score**2, axis=1) - np.log(eta * np.sqrt(2 * np.pi))


# log_marginal_quadrature


def _trapezoid_weights(grid):
    gaps = np.diff(grid)
    weights = np.zeros(len(grid))
    weights[:-1] += gaps / 2
    weights[1:] += gaps / 2
    return weights


@wrong(
    "log_marginal_quadrature",
    cause="The prior p(z) is left out.",
    line="terms = log_lik + np.log(_trapezoid_weights(grid))[:, None]",
)
def prior_left_out(x, decoder, eta, grid):
    images = decoder(grid[:, None])
    log_lik = _log_normal(x[None], images[:, None], eta)
    terms = log_lik + np.log(_trapezoid_weights(grid))[:, None]
    return logsumexp(terms, axis=0)


@wrong(
    "log_marginal_quadrature",
    cause="The first step of the grid is used everywhere, but the steps may differ.",
    line="step = grid[1] - grid[0]",
)
def uniform_steps(x, decoder, eta, grid):
    step = grid[1] - grid[0]
    weights = np.full(len(grid), step)
    weights[[0, -1]] = step / 2
    log_joint = _log_normal(x[None], decoder(grid[:, None])[:, None], eta)
    log_joint = log_joint + stats.norm.logpdf(grid)[:, None]
    return logsumexp(log_joint + np.log(weights)[:, None], axis=0)


@wrong(
    "log_marginal_quadrature",
    cause="The first and the last point get a whole step; they have only half of their one step.",
    line="np.gradient(grid)",
)
def ends_with_whole_steps(x, decoder, eta, grid):
    images = decoder(grid[:, None])
    weights = np.gradient(grid)
    result = []
    for row in x:
        log_joint = _log_normal(row, images, eta) + stats.norm.logpdf(grid)
        result.append(logsumexp(log_joint + np.log(weights)))
    return np.array(result)


@wrong(
    "log_marginal_quadrature",
    cause=(
        "The densities are added up themselves, so that the integral underflows to 0 and its log to minus infinity."
    ),
    line="np.trapezoid(joint, grid)",
)
def integral_underflows(x, decoder, eta, grid):
    images = decoder(grid[:, None])
    prior = stats.norm.pdf(grid)
    result = np.zeros(len(x))
    for n, row in enumerate(x):
        joint = prior * np.exp(_log_normal(row, images, eta))
        result[n] = np.log(np.trapezoid(joint, grid))
    return result


@wrong(
    "log_marginal_quadrature",
    cause="The terms are averaged over the grid points; the widths of the steps do not enter.",
    line="- np.log(len(grid))",
)
def mean_over_the_grid(x, decoder, eta, grid):
    log_prior = stats.norm.logpdf(grid)[:, None]
    log_lik = _log_normal(x[None], decoder(grid[:, None])[:, None], eta)
    return logsumexp(log_prior + log_lik, axis=0) - np.log(len(grid))


@wrong(
    "log_marginal_quadrature",
    cause="The logarithms are integrated: this is an average of log p(x|z), not the log of the integral.",
    line="np.trapezoid(prior * log_lik, grid)",
)
def logarithm_inside_the_integral(x, decoder, eta, grid):
    images = decoder(grid[:, None])
    prior = np.exp(-(grid**2) / 2) / np.sqrt(2 * np.pi)
    log_p = []
    for row in x:
        log_lik = _log_normal(row, images, eta)
        log_p.append(np.trapezoid(prior * log_lik, grid))
    return np.array(log_p)


@wrong(
    "log_marginal_quadrature",
    cause="The prior lacks its constant 1/sqrt(2 pi).",
    line="log_prior = -0.5 * grid**2",
)
def prior_not_normalised(x, decoder, eta, grid):
    log_prior = -0.5 * grid**2
    log_w = np.log(_trapezoid_weights(grid))
    log_lik = _log_normal(x[:, None], decoder(grid[:, None])[None], eta)
    return logsumexp(log_lik + log_prior + log_w, axis=1)


@wrong(
    "log_marginal_quadrature",
    cause="The prior's values are added to log densities; their logarithm should be.",
    line="+ stats.norm.pdf(grid)[:, None]",
)
def prior_without_log(x, decoder, eta, grid):
    log_lik = _log_normal(x[None], decoder(grid[:, None])[:, None], eta)
    terms = log_lik + stats.norm.pdf(grid)[:, None]
    return logsumexp(terms, axis=0, b=_trapezoid_weights(grid)[:, None])


@wrong(
    "log_marginal_quadrature",
    cause=(
        "Each point counts with the step to its right only (a Riemann sum), not with half of the steps on both sides."
    ),
    line="np.diff(grid)",
)
def left_riemann_sum(x, decoder, eta, grid):
    left = grid[:-1]
    log_step = np.log(np.diff(grid))
    log_joint = stats.norm.logpdf(left)[:, None] + _log_normal(x[None], decoder(left[:, None])[:, None], eta)
    return logsumexp(log_joint + log_step[:, None], axis=0)


@wrong(
    "log_marginal_quadrature",
    cause=("Only the best point of the grid counts: this is the largest log p(x, z), not the log of the integral."),
    line=".max(axis=0)",
)
def best_code_only(x, decoder, eta, grid):
    z = grid[:, None]
    log_joint = _log_normal(x[None], decoder(z)[:, None], eta) + stats.norm.logpdf(z)
    return log_joint.max(axis=0)


@wrong(
    "log_marginal_quadrature",
    cause="eta is used as the standard deviation of the noise; it is the variance.",
    line="scale=eta",
)
def eta_as_standard_deviation_of_noise(x, decoder, eta, grid):
    images = decoder(grid[:, None])
    log_w = np.log(_trapezoid_weights(grid)) + stats.norm.logpdf(grid)
    log_p = np.empty(len(x))
    for n in range(len(x)):
        log_lik = stats.norm.logpdf(x[n], loc=images, scale=eta).sum(axis=1)
        log_p[n] = logsumexp(log_lik + log_w)
    return log_p


@wrong(
    "log_marginal_quadrature",
    cause="The maximum that is taken out before exp is never added back.",
    line="return np.log(np.sum(weights[:, None] * np.exp(log_joint), axis=0))",
)
def maximum_not_added_back(x, decoder, eta, grid):
    weights = _trapezoid_weights(grid)
    log_joint = _log_normal(x[None], decoder(grid[:, None])[:, None], eta)
    log_joint = log_joint + stats.norm.logpdf(grid)[:, None]
    log_joint = log_joint - log_joint.max(axis=0)
    return np.log(np.sum(weights[:, None] * np.exp(log_joint), axis=0))


@wrong(
    "log_marginal_quadrature",
    cause="The weights themselves are added to the log densities; their logarithm should be.",
    line="+ weights[:, None]",
)
def weights_added_without_log(x, decoder, eta, grid):
    weights = _trapezoid_weights(grid)
    log_prior = stats.norm.logpdf(grid)[:, None]
    log_lik = _log_normal(x[None], decoder(grid[:, None])[:, None], eta)
    return logsumexp(log_prior + log_lik + weights[:, None], axis=0)


@wrong(
    "log_marginal_quadrature",
    cause="Two things: p(x|z) is averaged over the grid points, without the prior and without the steps.",
    line="logsumexp(log_lik, axis=1) - np.log(len(grid))",
)
def plain_average_over_the_grid(x, decoder, eta, grid):
    images = decoder(grid.reshape(-1, 1))
    log_lik = np.stack([_log_normal(row, images, eta) for row in x])
    return logsumexp(log_lik, axis=1) - np.log(len(grid))


# log_marginal_monte_carlo


@wrong(
    "log_marginal_monte_carlo",
    cause="It is the log of the sum over the samples: log S is not subtracted.",
    line="return logsumexp(log_p, axis=0)",
)
def sum_over_samples(x, decoder, eta, eps):
    log_p = np.stack([_log_normal(x, decoder(z), eta) for z in eps])
    return logsumexp(log_p, axis=0)


@wrong(
    "log_marginal_monte_carlo",
    cause="The logarithms are averaged; it should be the logarithm of the average of p(x|z).",
    line="np.mean(log_p, axis=0)",
)
def mean_of_logs(x, decoder, eta, eps):
    log_p = np.array([_log_normal(x, decoder(z), eta) for z in eps])
    return np.mean(log_p, axis=0)


@wrong(
    "log_marginal_monte_carlo",
    cause="The densities are averaged themselves: where all underflow to 0, the log is minus infinity.",
    line="total += np.exp(",
)
def mean_underflows(x, decoder, eta, eps):
    total = np.zeros(len(x))
    for z in eps:
        total += np.exp(_log_normal(x, decoder(z), eta))
    return np.log(total / len(eps))


@wrong(
    "log_marginal_monte_carlo",
    cause="The prior is multiplied in once more, though the samples are already drawn from it.",
    line="stats.norm.logpdf(z).sum(axis=1)",
)
def prior_counted_twice(x, decoder, eta, eps):
    S = len(eps)
    terms = []
    for z in eps:
        log_prior = stats.norm.logpdf(z).sum(axis=1)
        terms.append(_log_normal(x, decoder(z), eta) + log_prior)
    return logsumexp(np.array(terms), axis=0) - np.log(S)


@wrong(
    "log_marginal_monte_carlo",
    cause="The number of examples is divided by, where it should be the number of samples S.",
    line="np.log(len(x))",
)
def divided_by_number_of_examples(x, decoder, eta, eps):
    log_p = np.stack([_log_normal(x, decoder(z), eta) for z in eps])
    return logsumexp(log_p, axis=0) - np.log(len(x))


@wrong(
    "log_marginal_monte_carlo",
    cause="The codes are averaged before they are decoded, so there is only one sample, near 0.",
    line="eps.mean(axis=0)",
)
def codes_averaged_first(x, decoder, eta, eps):
    z = eps.mean(axis=0)
    return _log_normal(x, decoder(z), eta)


@wrong(
    "log_marginal_monte_carlo",
    cause=("The decoded means are averaged, and p(x|z) is taken at that average; the densities should be averaged."),
    line="np.mean([decoder(z) for z in eps], axis=0)",
)
def decoded_means_averaged(x, decoder, eta, eps):
    mean = np.mean([decoder(z) for z in eps], axis=0)
    return _log_normal(x, mean, eta)


@wrong(
    "log_marginal_monte_carlo",
    cause=(
        "x is repeated row by row, but the flattened samples run through all rows before the next sample: x "
        "and z are paired wrongly."
    ),
    line="np.repeat(x, S, axis=0)",
)
def examples_paired_wrongly(x, decoder, eta, eps):
    S, N, K = eps.shape
    images = decoder(eps.reshape(S * N, K))
    log_p = _log_normal(np.repeat(x, S, axis=0), images, eta)
    return logsumexp(log_p.reshape(S, N), axis=0) - np.log(S)


@wrong(
    "log_marginal_monte_carlo",
    cause="The log of the mean is taken over the examples (axis=1); the samples are axis 0.",
    line="axis=1) - np.log(S)",
)
def mean_over_the_examples(x, decoder, eta, eps):
    S = eps.shape[0]
    log_p = np.stack([_log_normal(x, decoder(eps[s]), eta) for s in range(S)])
    return logsumexp(log_p, axis=1) - np.log(S)


@wrong(
    "log_marginal_monte_carlo",
    cause="Each example is averaged over the samples of all examples; eps holds samples of its own for each.",
    line="for z in eps.reshape(-1, eps.shape[2])",
)
def samples_of_all_examples(x, decoder, eta, eps):
    terms = [_log_normal(x, decoder(z[None]), eta) for z in eps.reshape(-1, eps.shape[2])]
    return logsumexp(np.stack(terms), axis=0) - np.log(len(terms))


@wrong(
    "log_marginal_monte_carlo",
    cause="It draws codes of its own instead of using eps.",
    line="rng.normal(size=x.shape[:1] + eps.shape[2:])",
)
def own_codes(x, decoder, eta, eps):
    rng = np.random.default_rng(0)
    S = len(eps)
    log_p = []
    for _ in range(S):
        z = rng.normal(size=x.shape[:1] + eps.shape[2:])
        log_p.append(_log_normal(x, decoder(z), eta))
    return logsumexp(log_p, axis=0) - np.log(S)


@wrong(
    "log_marginal_monte_carlo",
    cause="eta is the variance of the noise; here it is used as its standard deviation.",
    line="scale=eta",
)
def eta_as_the_noise_standard_deviation(x, decoder, eta, eps):
    log_p = [stats.norm.logpdf(x, decoder(z), scale=eta).sum(axis=1) for z in eps]
    return logsumexp(np.array(log_p), axis=0) - np.log(len(eps))


@wrong(
    "log_marginal_monte_carlo",
    cause=("Two things: the prior is multiplied in although the samples come from it, and log S is not subtracted."),
    line="logsumexp(log_prior + log_lik, axis=0)",
)
def integral_as_a_plain_sum(x, decoder, eta, eps):
    log_prior = -0.5 * np.sum(eps**2, axis=2) - eps.shape[2] / 2 * np.log(2 * np.pi)
    log_lik = np.array([_log_normal(x, decoder(z), eta) for z in eps])
    return logsumexp(log_prior + log_lik, axis=0)


# log_marginal_importance


@wrong(
    "log_marginal_importance",
    cause="The weights are not divided by q(z): log q is missing.",
    line="log_w.append(log_prior + log_lik)",
)
def q_not_divided_by(x, decoder, eta, mu, log_sigma, eps):
    log_w = []
    for e in eps:
        z = mu + np.exp(log_sigma) * e
        log_prior = stats.norm.logpdf(z).sum(axis=1)
        log_lik = _log_normal(x, decoder(z), eta)
        log_w.append(log_prior + log_lik)
    return logsumexp(log_w, axis=0) - np.log(len(eps))


@wrong(
    "log_marginal_importance",
    cause="The prior p(z) is missing in the weights.",
    line="_log_normal(x, decoder(z), eta) - log_q",
)
def prior_missing(x, decoder, eta, mu, log_sigma, eps):
    sigma = np.exp(log_sigma)
    log_w = np.zeros(eps.shape[:2])
    for s in range(len(eps)):
        z = mu + sigma * eps[s]
        log_q = stats.norm.logpdf(z, mu, sigma).sum(axis=1)
        log_w[s] = _log_normal(x, decoder(z), eta) - log_q
    return logsumexp(log_w, axis=0) - np.log(len(eps))


@wrong(
    "log_marginal_importance",
    cause="log_sigma is used as the standard deviation: its exp is missing when z is drawn.",
    line="z = mu + log_sigma * e",
)
def log_sigma_as_sigma(x, decoder, eta, mu, log_sigma, eps):
    log_w = []
    for e in eps:
        z = mu + log_sigma * e
        log_q = stats.norm.logpdf(z, mu, np.exp(log_sigma)).sum(axis=1)
        log_p = stats.norm.logpdf(z).sum(axis=1) + _log_normal(x, decoder(z), eta)
        log_w.append(log_p - log_q)
    return logsumexp(np.stack(log_w), axis=0) - np.log(len(eps))


@wrong(
    "log_marginal_importance",
    cause="The density q lacks its factor 1/sigma: log_sigma is not subtracted in log q.",
    line="log_q = stats.norm.logpdf(eps).sum(axis=-1)",
)
def q_without_its_width(x, decoder, eta, mu, log_sigma, eps):
    z = mu + np.exp(log_sigma) * eps
    log_q = stats.norm.logpdf(eps).sum(axis=-1)
    log_prior = stats.norm.logpdf(z).sum(axis=-1)
    log_lik = np.stack([_log_normal(x, decoder(z_s), eta) for z_s in z])
    return logsumexp(log_prior + log_lik - log_q, axis=0) - np.log(len(eps))


@wrong(
    "log_marginal_importance",
    cause="The log weights are averaged, which gives the lower bound, not the log of the average weight.",
    line="np.mean(log_w, axis=0)",
)
def log_weights_averaged(x, decoder, eta, mu, log_sigma, eps):
    sigma = np.exp(log_sigma)
    z = mu + sigma * eps
    log_lik = np.array([_log_normal(x, decoder(z_s), eta) for z_s in z])
    log_w = log_lik + np.sum(stats.norm.logpdf(z) - stats.norm.logpdf(z, mu, sigma), axis=2)
    return np.mean(log_w, axis=0)


@wrong(
    "log_marginal_importance",
    cause="The prior is taken at eps, not at the code z.",
    line="log_prior = _log_normal(e, 0, 1)",
)
def prior_at_eps(x, decoder, eta, mu, log_sigma, eps):
    log_w = []
    for e in eps:
        z = mu + np.exp(log_sigma) * e
        log_prior = _log_normal(e, 0, 1)
        log_q = _log_normal(e, 0, 1) - np.sum(log_sigma, axis=1)
        log_w.append(_log_normal(x, decoder(z), eta) + log_prior - log_q)
    return logsumexp(np.array(log_w), axis=0) - np.log(len(eps))


@wrong(
    "log_marginal_importance",
    cause=(
        "The weights are normalised to add up to 1 and then average p(x|z): that is an average under the "
        "posterior, not p(x)."
    ),
    line="log_w - logsumexp(log_w, axis=0)",
)
def weights_normalised_to_one(x, decoder, eta, mu, log_sigma, eps):
    sigma = np.exp(log_sigma)
    z = mu + sigma * eps
    log_lik = np.stack([_log_normal(x, decoder(z_s), eta) for z_s in z])
    log_w = log_lik + np.sum(stats.norm.logpdf(z) - stats.norm.logpdf(z, mu, sigma), axis=-1)
    log_share = log_w - logsumexp(log_w, axis=0)
    return logsumexp(log_share + log_lik, axis=0)


@wrong(
    "log_marginal_importance",
    cause=("The ratio p(z)/q(z) belongs to each sample; here it is replaced by its average log, the KL divergence."),
    line="kl = np.sum(",
)
def kl_for_the_ratio(x, decoder, eta, mu, log_sigma, eps):
    z = mu + np.exp(log_sigma) * eps
    kl = np.sum((np.exp(2 * log_sigma) + mu**2 - 1) / 2 - log_sigma, axis=1)
    log_lik = np.array([_log_normal(x, decoder(z_s), eta) for z_s in z])
    return logsumexp(log_lik, axis=0) - np.log(len(eps)) - kl


@wrong(
    "log_marginal_importance",
    cause="It is the log of the sum of the weights: log S is not subtracted.",
    line="return logsumexp(np.array(log_w), axis=0)",
)
def sum_of_the_weights(x, decoder, eta, mu, log_sigma, eps):
    sigma = np.exp(log_sigma)
    log_w = []
    for e in eps:
        z = mu + sigma * e
        ratio = np.sum(stats.norm.logpdf(z) - stats.norm.logpdf(z, mu, sigma), axis=1)
        log_w.append(_log_normal(x, decoder(z), eta) + ratio)
    return logsumexp(np.array(log_w), axis=0)


@wrong(
    "log_marginal_importance",
    cause="q and the prior are interchanged: the weights should be divided by q, and multiplied with p(z).",
    line="log_lik + log_q - log_prior",
)
def ratio_upside_down(x, decoder, eta, mu, log_sigma, eps):
    sigma = np.exp(log_sigma)
    log_w = []
    for e in eps:
        z = mu + sigma * e
        log_lik = _log_normal(x, decoder(z), eta)
        log_prior = stats.norm.logpdf(z).sum(axis=1)
        log_q = stats.norm.logpdf(z, mu, sigma).sum(axis=1)
        log_w.append(log_lik + log_q - log_prior)
    return logsumexp(log_w, axis=0) - np.log(len(eps))


@wrong(
    "log_marginal_importance",
    cause="log_sigma is read as the log of the variance, so that sigma comes out as exp(log_sigma / 2).",
    line="np.exp(0.5 * log_sigma)",
)
def log_sigma_as_log_variance(x, decoder, eta, mu, log_sigma, eps):
    sigma = np.exp(0.5 * log_sigma)
    z = mu + sigma * eps
    log_q = np.sum(stats.norm.logpdf(z, mu, sigma), axis=2)
    log_prior = np.sum(stats.norm.logpdf(z), axis=2)
    log_lik = np.array([_log_normal(x, decoder(z_s), eta) for z_s in z])
    return logsumexp(log_prior + log_lik - log_q, axis=0) - np.log(len(z))


@wrong(
    "log_marginal_importance",
    cause=(
        "The prior lacks its constant, -1/2 log(2 pi) for each dimension, while q has its own, so they do not cancel."
    ),
    line="log_prior = -0.5 * np.sum(z**2, axis=1)",
)
def prior_without_constant(x, decoder, eta, mu, log_sigma, eps):
    log_w = np.empty(eps.shape[:2])
    for s, e in enumerate(eps):
        z = mu + np.exp(log_sigma) * e
        log_prior = -0.5 * np.sum(z**2, axis=1)
        log_q = np.sum(-0.5 * e**2 - log_sigma - 0.5 * np.log(2 * np.pi), axis=1)
        log_w[s] = log_prior + _log_normal(x, decoder(z), eta) - log_q
    return logsumexp(log_w, axis=0) - np.log(len(eps))


@wrong(
    "log_marginal_importance",
    cause=(
        "The weights are averaged without taking a maximum out, so they underflow to 0 and their log is minus infinity."
    ),
    line="w += np.exp(",
)
def weights_underflow(x, decoder, eta, mu, log_sigma, eps):
    w = 0
    for e in eps:
        z = mu + np.exp(log_sigma) * e
        log_ratio = np.sum(log_sigma + 0.5 * e**2 - 0.5 * z**2, axis=1)
        w += np.exp(_log_normal(x, decoder(z), eta) + log_ratio)
    return np.log(w / len(eps))


@wrong(
    "log_marginal_importance",
    cause=(
        "p(x|z) is averaged over samples of q as if they came from the prior: both log p(z) and log q(z) are missing."
    ),
    line="log_lik[s] = _log_normal(x, decoder(z), eta)",
)
def plain_average_over_samples_of_q(x, decoder, eta, mu, log_sigma, eps):
    S, N, _ = eps.shape
    log_lik = np.zeros((S, N))
    for s in range(S):
        z = mu + np.exp(log_sigma) * eps[s]
        log_lik[s] = _log_normal(x, decoder(z), eta)
    return logsumexp(log_lik, axis=0) - np.log(S)


# bernoulli_log_prob


@wrong(
    "bernoulli_log_prob",
    cause="The sigmoid is rounded to 0 or 1 at large logits, and the log is then infinite or not a number.",
    line="np.log(1 - p)",
)
def formula_typed_in(x, logits):
    p = 1 / (1 + np.exp(-logits))
    return np.sum(x * np.log(p) + (1 - x) * np.log(1 - p), axis=1)


@wrong(
    "bernoulli_log_prob",
    cause="The probabilities are clipped, so a logit of 1000 counts as one of about 16.",
    line="np.clip(expit(logits), 1e-7, 1 - 1e-7)",
)
def probabilities_clipped(x, logits):
    p = np.clip(expit(logits), 1e-7, 1 - 1e-7)
    return np.sum(x * np.log(p) + (1 - x) * np.log(1 - p), axis=1)


@wrong(
    "bernoulli_log_prob",
    cause="exp overflows for large logits: log(1 + e^l) has to be computed as logaddexp(0, l).",
    line="np.log(1 + np.exp(logits))",
)
def softplus_overflows(x, logits):
    return np.sum(x * logits - np.log(1 + np.exp(logits)), axis=1)


@wrong(
    "bernoulli_log_prob",
    cause="The sign in the softplus is wrong: it should be log(1 + e^l), not log(1 + e^-l).",
    line="np.logaddexp(0, -logits)",
)
def softplus_of_minus_logits(x, logits):
    return np.sum(x * logits - np.logaddexp(0, -logits), axis=1)


@wrong(
    "bernoulli_log_prob",
    cause="Only the pixels that are 1 count; the term (1 - x) log(1 - p) is missing.",
    line="-x * np.logaddexp(0, -logits)",
)
def black_pixels_ignored(x, logits):
    return np.sum(-x * np.logaddexp(0, -logits), axis=1)


@wrong(
    "bernoulli_log_prob",
    cause="The pixels' log probabilities are averaged; they should be summed.",
    line="np.mean(",
)
def mean_over_pixels(x, logits):
    return np.mean(x * logits - np.logaddexp(0, logits), axis=1)


@wrong(
    "bernoulli_log_prob",
    cause="This is the cross-entropy, minus the log probability: the sign is wrong.",
    line="softplus - x * logits",
)
def cross_entropy(x, logits):
    softplus = np.maximum(logits, 0) + np.log1p(np.exp(-np.abs(logits)))
    return np.sum(softplus - x * logits, axis=1)


@wrong(
    "bernoulli_log_prob",
    cause="The logits are used as if they were probabilities: the sigmoid is missing.",
    line="x * np.log(logits)",
)
def logits_as_probabilities(x, logits):
    return np.sum(x * np.log(logits) + (1 - x) * np.log(1 - logits), axis=1)


@wrong(
    "bernoulli_log_prob",
    cause="All rows are summed to one number; one for each row was asked for.",
    line="total -= ",
)
def one_number_for_all_rows(x, logits):
    total = np.sum(x * logits)
    total -= np.sum(np.logaddexp(0, logits))
    return total


@wrong(
    "bernoulli_log_prob",
    cause="x and 1 - x are interchanged: a pixel of 1 gets the probability of a 0.",
    line="(1 - x) * log_one + x * log_zero",
)
def ones_and_zeros_interchanged(x, logits):
    log_one = -np.logaddexp(0, -logits)
    log_zero = -np.logaddexp(0, logits)
    return np.sum((1 - x) * log_one + x * log_zero, axis=1)


@wrong(
    "bernoulli_log_prob",
    cause=(
        "A softmax over the pixels is taken, as if exactly one of them could be 1; each pixel has a sigmoid of its own."
    ),
    line="log_softmax(logits, axis=1)",
)
def softmax_over_pixels(x, logits):
    return np.sum(x * log_softmax(logits, axis=1), axis=1)


@wrong(
    "bernoulli_log_prob",
    cause="The logits are clipped to 30, so larger ones give the wrong value.",
    line="np.clip(logits, -30, 30)",
)
def logits_clipped(x, logits):
    safe = np.clip(logits, -30, 30)
    return np.sum(x * safe - np.log1p(np.exp(safe)), axis=1)


@wrong(
    "bernoulli_log_prob",
    cause=(
        "In the stable softplus the absolute value is missing, exp(-|l|), so it is wrong for negative logits, "
        "and overflows."
    ),
    line="np.log1p(np.exp(-logits))",
)
def absolute_value_missing(x, logits):
    softplus = np.maximum(logits, 0) + np.log1p(np.exp(-logits))
    return np.sum(x * logits - softplus, axis=1)


@wrong(
    "bernoulli_log_prob",
    cause=("Two things: it is the mean over the pixels, and with the sign of a loss, minus the log probability."),
    line=".mean(axis=1)",
)
def library_loss(x, logits):
    losses = np.maximum(logits, 0) - x * logits + np.log1p(np.exp(-np.abs(logits)))
    return losses.mean(axis=1)
