"""Wrong answers to notebook 05, from the cards alone."""

import math

import numpy as np
from scipy import special
from scipy.stats import entropy, multivariate_normal, norm

from wrong_corpus import wrong

# --- kl_categorical ---------------------------------------------------------------------------------------------------


@wrong(
    "kl_categorical",
    cause="A class with q = 0 gives 0 * log 0, which is nan in NumPy, and must count 0.",
    line="np.log(q / p)",
)
def zero_times_minus_infinity(q, p):
    return np.sum(q * np.log(q / p))


@wrong(
    "kl_categorical",
    cause="This is KL(p || q): the average must be taken under q, not under p.",
    line="total += p[c] * math.log(p[c] / q[c])",
)
def other_direction(q, p):
    total = 0.0
    for c in range(len(q)):
        if p[c] > 0:
            if q[c] == 0:
                return np.inf
            total += p[c] * math.log(p[c] / q[c])
    return total


@wrong("kl_categorical", cause="The logarithm is to base 2, so this is in bits, not in nats.", line="np.log2")
def in_bits(q, p):
    used = q > 0
    with np.errstate(divide="ignore"):
        return np.sum(q[used] * np.log2(q[used] / p[used]))


@wrong(
    "kl_categorical",
    cause="The small number added inside the logarithm makes the price finite where p = 0 < q; it must be infinite.",
    line="eps = 1e-10",
)
def small_number_against_zeros(q, p):
    eps = 1e-10
    return np.sum(q * np.log((q + eps) / (p + eps)))


@wrong(
    "kl_categorical",
    cause="Classes with p = 0 are left out of the sum; where q > 0 there, the divergence is infinite.",
    line="(q > 0) & (p > 0)",
)
def skips_impossible_classes(q, p):
    both = (q > 0) & (p > 0)
    return np.sum(q[both] * (np.log(q[both]) - np.log(p[both])))


@wrong(
    "kl_categorical",
    cause="The log ratios are averaged with equal weights, not weighted with q.",
    line="np.mean(log_ratio)",
)
def plain_average_of_log_ratios(q, p):
    support = np.flatnonzero(q)
    with np.errstate(divide="ignore"):
        log_ratio = np.log(q[support]) - np.log(p[support])
    return np.mean(log_ratio)


@wrong(
    "kl_categorical",
    cause="This is the cross-entropy -sum q log p; the term sum q log q is missing.",
    line="-np.sum(q[used] * np.log(p[used]))",
)
def cross_entropy(q, p):
    used = q > 0
    with np.errstate(divide="ignore"):
        return -np.sum(q[used] * np.log(p[used]))


@wrong(
    "kl_categorical",
    cause="p is rescaled to sum to 1 over the classes that q uses; p must stay as it is.",
    line="p = p[keep] / p[keep].sum()",
)
def renormalises_p_on_support(q, p):
    keep = q > 0
    q = q[keep]
    p = p[keep] / p[keep].sum()
    with np.errstate(divide="ignore"):
        return (q * np.log(q / p)).sum()


@wrong(
    "kl_categorical",
    cause="The terms q log(q/p) of the classes are returned one by one; they are not summed.",
    line="special.rel_entr(q, p)",
)
def terms_not_summed(q, p):
    return special.rel_entr(q, p)


@wrong(
    "kl_categorical",
    cause="It returns infinity whenever some p is 0, even where q is 0, too, and the class counts nothing.",
    line="if p_c == 0:",
)
def infinite_for_any_zero_of_p(q, p):
    kl = 0.0
    for q_c, p_c in zip(q, p):
        if p_c == 0:
            return np.inf
        if q_c > 0:
            kl += q_c * np.log(q_c / p_c)
    return kl


@wrong(
    "kl_categorical",
    cause="The arguments of scipy's entropy are in the wrong order: this is KL(p || q).",
    line="entropy(p, q)",
)
def scipy_entropy_wrong_order(q, p):
    return entropy(p, q)


# --- kl_standard_normal -----------------------------------------------------------------------------------------------


@wrong(
    "kl_standard_normal",
    cause="sigma^2 = exp(2 log_sigma), but exp(log_sigma) is only sigma.",
    line="sigma2 = np.exp(log_sigma)",
)
def sigma_for_its_square(mu, log_sigma):
    sigma2 = np.exp(log_sigma)
    return 0.5 * np.sum(sigma2 + mu**2 - 1 - 2 * log_sigma, axis=1)


@wrong("kl_standard_normal", cause="The factor 1/2 is missing.", line="return np.sum(")
def no_half(mu, log_sigma):
    return np.sum(np.exp(2 * log_sigma) + mu**2 - 1 - 2 * log_sigma, axis=1)


@wrong(
    "kl_standard_normal",
    cause="log sigma^2 is 2 log_sigma; inside the half, only one log_sigma is subtracted.",
    line="- log_sigma, axis=1)",
)
def log_variance_not_doubled(mu, log_sigma):
    sigma = np.exp(log_sigma)
    return 0.5 * np.sum(sigma**2 + mu**2 - 1 - log_sigma, axis=1)


@wrong("kl_standard_normal", cause="The K dimensions are averaged; they must be summed.", line="np.mean(")
def mean_over_dimensions(mu, log_sigma):
    price = 0.5 * (np.exp(2 * log_sigma) + mu * mu - 1) - log_sigma
    return np.mean(price, axis=1)


@wrong(
    "kl_standard_normal",
    cause="The sum runs over the examples as well: one number comes out where one for each example is wanted.",
    line="return total / 2",
)
def one_sum_over_everything(mu, log_sigma):
    var = np.exp(log_sigma) ** 2
    total = var.sum() + (mu**2).sum() - mu.size - np.log(var).sum()
    return total / 2


@wrong(
    "kl_standard_normal",
    cause="The sign is that of -KL, as it stands in the bound: everything must change its sign.",
    line="1 + 2 * log_sigma - mu**2 - np.exp(2 * log_sigma)",
)
def minus_kl_as_in_the_paper(mu, log_sigma):
    return 0.5 * np.sum(1 + 2 * log_sigma - mu**2 - np.exp(2 * log_sigma), axis=1)


@wrong(
    "kl_standard_normal",
    cause="1 is subtracted once for each example; it must be subtracted once for each of the K dimensions.",
    line="- 1)",
)
def one_subtracted_once(mu, log_sigma):
    return 0.5 * (np.sum(np.exp(2 * log_sigma) + mu**2 - 2 * log_sigma, axis=1) - 1)


@wrong(
    "kl_standard_normal",
    cause="This is KL(N(0, I) || q): the two distributions have changed places.",
    line="(1 + mu[n, k] ** 2) / (2 * s**2)",
)
def reverse_divergence(mu, log_sigma):
    kl = np.zeros(len(mu))
    for n in range(mu.shape[0]):
        for k in range(mu.shape[1]):
            s = math.exp(log_sigma[n, k])
            kl[n] += math.log(s) + (1 + mu[n, k] ** 2) / (2 * s**2) - 0.5
    return kl


@wrong(
    "kl_standard_normal",
    cause="log_sigma is taken for the log of the variance; the variance is exp(2 log_sigma), its log 2 log_sigma.",
    line="log_var = log_sigma",
)
def as_if_log_variance(mu, log_sigma):
    log_var = log_sigma
    return -0.5 * np.sum(1 + log_var - mu**2 - np.exp(log_var), axis=-1)


@wrong(
    "kl_standard_normal",
    cause="The sum is over the examples (axis 0); it must be over the dimensions (axis 1).",
    line="axis=0",
)
def sum_over_examples(mu, log_sigma):
    inside = np.square(mu) + np.exp(2 * log_sigma) - 2 * log_sigma - 1
    return np.sum(inside, axis=0) / 2


@wrong(
    "kl_standard_normal",
    cause="The average of log q contributes -1/2 for each dimension, which is missing.",
    line="log_q = -log_sigma",
)
def entropy_without_its_half(mu, log_sigma):
    log_q = -log_sigma
    log_p = -0.5 * (np.exp(2 * log_sigma) + mu**2)
    return np.sum(log_q - log_p, axis=1)


@wrong(
    "kl_standard_normal",
    cause="The mean's entries are summed before they are squared; the squares must be summed.",
    line="mu.sum(axis=1) ** 2",
)
def square_of_the_sum(mu, log_sigma):
    K = mu.shape[1]
    length = mu.sum(axis=1) ** 2
    spread = np.exp(2 * log_sigma).sum(axis=1)
    return 0.5 * (spread + length - K) - log_sigma.sum(axis=1)


# --- kl_gaussians -----------------------------------------------------------------------------------------------------


@wrong(
    "kl_gaussians",
    cause="log(sigma_p / sigma_q) is log_sigma_p - log_sigma_q; the sign of this term is wrong.",
    line="log_sigma_q - log_sigma_p",
)
def log_ratio_upside_down(mu_q, log_sigma_q, mu_p, log_sigma_p):
    var_q, var_p = np.exp(2 * log_sigma_q), np.exp(2 * log_sigma_p)
    terms = log_sigma_q - log_sigma_p + (var_q + (mu_q - mu_p) ** 2) / (2 * var_p) - 0.5
    return np.sum(terms, axis=1)


@wrong(
    "kl_gaussians",
    cause="q and p have changed places: this is KL(p || q).",
    line="(s_p**2 + (mu_p - mu_q) ** 2) / (2 * s_q**2)",
)
def places_exchanged(mu_q, log_sigma_q, mu_p, log_sigma_p):
    s_q = np.exp(log_sigma_q)
    s_p = np.exp(log_sigma_p)
    return np.sum(np.log(s_q / s_p) + (s_p**2 + (mu_p - mu_q) ** 2) / (2 * s_q**2) - 0.5, axis=1)


@wrong(
    "kl_gaussians",
    cause="The fraction is divided by 2 sigma_q^2; it must be p's variance, 2 sigma_p^2.",
    line="(2 * s_q**2)",
)
def divides_by_the_variance_of_q(mu_q, log_sigma_q, mu_p, log_sigma_p):
    s_q, s_p = np.exp(log_sigma_q), np.exp(log_sigma_p)
    first = np.log(s_p / s_q)
    second = (s_q**2 + (mu_q - mu_p) ** 2) / (2 * s_q**2)
    return (first + second - 0.5).sum(axis=1)


@wrong("kl_gaussians", cause="The difference of the means is not squared.", line="+ np.abs(mu_q - mu_p)")
def distance_not_squared(mu_q, log_sigma_q, mu_p, log_sigma_p):
    numerator = np.exp(2 * log_sigma_q) + np.abs(mu_q - mu_p)
    return np.sum(log_sigma_p - log_sigma_q + numerator / (2 * np.exp(2 * log_sigma_p)) - 0.5, axis=1)


@wrong(
    "kl_gaussians",
    cause="1/2 is subtracted once for each example; it belongs to each of the K dimensions.",
    line="+ fraction.sum(axis=1) - 0.5",
)
def half_subtracted_once(mu_q, log_sigma_q, mu_p, log_sigma_p):
    fraction = (np.exp(2 * log_sigma_q) + (mu_q - mu_p) ** 2) / (2 * np.exp(2 * log_sigma_p))
    return (log_sigma_p - log_sigma_q).sum(axis=1) + fraction.sum(axis=1) - 0.5


@wrong(
    "kl_gaussians",
    cause="exp(log_sigma) is the standard deviation; it is used where the formula has the variance.",
    line="v_q, v_p = np.exp(log_sigma_q), np.exp(log_sigma_p)",
)
def widths_not_squared(mu_q, log_sigma_q, mu_p, log_sigma_p):
    v_q, v_p = np.exp(log_sigma_q), np.exp(log_sigma_p)
    kl = log_sigma_p - log_sigma_q + (v_q + (mu_q - mu_p) ** 2) / (2 * v_p) - 0.5
    return kl.sum(axis=1)


@wrong(
    "kl_gaussians",
    cause="The logarithm of a ratio is the difference of the logarithms, not their ratio.",
    line="log_ratio = log_sigma_p / log_sigma_q",
)
def ratio_of_logarithms(mu_q, log_sigma_q, mu_p, log_sigma_p):
    log_ratio = log_sigma_p / log_sigma_q
    spread = np.exp(2 * log_sigma_q) + (mu_q - mu_p) ** 2
    return np.sum(log_ratio + 0.5 * spread / np.exp(2 * log_sigma_p) - 0.5, axis=1)


@wrong(
    "kl_gaussians",
    cause="A bracket is missing: sigma_q^2 must be divided by 2 sigma_p^2, too.",
    line="sigma_q**2 + (mu_q - mu_p) ** 2 / (2 * sigma_p**2)",
)
def bracket_missing(mu_q, log_sigma_q, mu_p, log_sigma_p):
    sigma_q, sigma_p = np.exp(log_sigma_q), np.exp(log_sigma_p)
    return np.sum(np.log(sigma_p / sigma_q) + sigma_q**2 + (mu_q - mu_p) ** 2 / (2 * sigma_p**2) - 1 / 2, axis=1)


@wrong(
    "kl_gaussians",
    cause="The means' distance is not divided by sigma_p: the axis is stretched for the widths only.",
    line="moved_mu = mu_q - mu_p",
)
def moved_but_not_stretched(mu_q, log_sigma_q, mu_p, log_sigma_p):
    moved_mu = mu_q - mu_p
    moved_log_sigma = log_sigma_q - log_sigma_p
    return 0.5 * np.sum(np.exp(2 * moved_log_sigma) + moved_mu**2 - 1 - 2 * moved_log_sigma, axis=1)


@wrong(
    "kl_gaussians",
    cause="The divergences of the dimensions are not summed: the result is (N, K), not (N,).",
    line="return kl",
)
def one_for_each_dimension(mu_q, log_sigma_q, mu_p, log_sigma_p):
    ratio = np.exp(log_sigma_q - log_sigma_p)
    shift = (mu_q - mu_p) / np.exp(log_sigma_p)
    kl = 0.5 * (ratio**2 + shift**2 - 1) - np.log(ratio)
    return kl


@wrong(
    "kl_gaussians",
    cause="This is the difference of the two prices against N(0, I), which is not the divergence of q from p.",
    line="return price(mu_q, log_sigma_q) - price(mu_p, log_sigma_p)",
)
def difference_of_prices(mu_q, log_sigma_q, mu_p, log_sigma_p):
    def price(mu, log_sigma):
        return 0.5 * np.sum(np.exp(2 * log_sigma) + mu**2 - 1 - 2 * log_sigma, axis=1)

    return price(mu_q, log_sigma_q) - price(mu_p, log_sigma_p)


# --- kl_monte_carlo ---------------------------------------------------------------------------------------------------


@wrong(
    "kl_monte_carlo",
    cause="The noise is stretched by log_sigma; it must be stretched by sigma = exp(log_sigma).",
    line="z = mu + log_sigma * eps",
)
def stretched_by_the_logarithm(mu, log_sigma, eps):
    z = mu + log_sigma * eps
    log_q = norm.logpdf(z, mu, np.exp(log_sigma)).sum(axis=2)
    log_p = norm.logpdf(z).sum(axis=2)
    return np.mean(log_q - log_p, axis=0)


@wrong(
    "kl_monte_carlo",
    cause="log p - log q is averaged, which estimates -KL; it must be log q - log p.",
    line="log_p - log_q",
)
def other_way_round(mu, log_sigma, eps):
    sigma = np.exp(log_sigma)
    z = mu + sigma * eps
    log_q = np.sum(-0.5 * eps**2 - log_sigma, axis=-1)
    log_p = np.sum(-0.5 * z**2, axis=-1)
    return np.mean(log_p - log_q, axis=0)


@wrong(
    "kl_monte_carlo",
    cause="The density of z is taken for that of eps: the term -log_sigma, from stretching, is missing in log q.",
    line="log_q = norm.logpdf(eps)",
)
def density_of_the_noise(mu, log_sigma, eps):
    z = mu + np.exp(log_sigma) * eps
    log_q = norm.logpdf(eps)
    log_p = norm.logpdf(z)
    return (log_q - log_p).sum(axis=2).mean(axis=0)


@wrong(
    "kl_monte_carlo",
    cause="The prior is evaluated at the noise eps; it must be evaluated at the sample z.",
    line="log_p = norm.logpdf(eps)",
)
def prior_at_the_noise(mu, log_sigma, eps):
    sigma = np.exp(log_sigma)
    z = eps * sigma + mu
    log_q = norm.logpdf(z, loc=mu, scale=sigma)
    log_p = norm.logpdf(eps)
    return np.mean(np.sum(log_q - log_p, axis=-1), axis=0)


@wrong(
    "kl_monte_carlo",
    cause="This is the exact divergence by its closed form; the mean over the samples is wanted, and eps is not used.",
    line="np.exp(2 * log_sigma) + mu**2 - 1 - 2 * log_sigma",
)
def closed_form_instead(mu, log_sigma, eps):
    return 0.5 * np.sum(np.exp(2 * log_sigma) + mu**2 - 1 - 2 * log_sigma, axis=1)


@wrong(
    "kl_monte_carlo",
    cause="It draws its own samples instead of using the noise eps that was given.",
    line="rng.normal(mu, sigma, size=eps.shape)",
)
def draws_its_own_samples(mu, log_sigma, eps):
    rng = np.random.default_rng()
    sigma = np.exp(log_sigma)
    z = rng.normal(mu, sigma, size=eps.shape)
    return np.mean(np.sum(norm.logpdf(z, mu, sigma) - norm.logpdf(z), axis=2), axis=0)


@wrong(
    "kl_monte_carlo",
    cause="The mean is also taken over the K dimensions, where the log densities must be summed.",
    line="axis=(0, 2)",
)
def mean_over_dimensions_too(mu, log_sigma, eps):
    z = mu + np.exp(log_sigma) * eps
    log_ratio = norm.logpdf(z, mu, np.exp(log_sigma)) - norm.logpdf(z)
    return np.mean(log_ratio, axis=(0, 2))


@wrong(
    "kl_monte_carlo",
    cause="The samples come from q already, so weighting them with q once more is wrong: a plain mean is wanted.",
    line="np.exp(log_q) * (log_q - log_p)",
)
def weighted_with_q_again(mu, log_sigma, eps):
    sigma = np.exp(log_sigma)
    z = mu + sigma * eps
    log_q = norm.logpdf(z, mu, sigma).sum(axis=2)
    log_p = norm.logpdf(z, 0, 1).sum(axis=2)
    return np.mean(np.exp(log_q) * (log_q - log_p), axis=0)


@wrong(
    "kl_monte_carlo",
    cause="The scale of norm.logpdf is the standard deviation; sigma**2 was given to it.",
    line="sigma[n] ** 2",
)
def variance_as_scale(mu, log_sigma, eps):
    S, N, _ = eps.shape
    sigma = np.exp(log_sigma)
    estimate = np.zeros(N)
    for s in range(S):
        for n in range(N):
            z = mu[n] + sigma[n] * eps[s, n]
            estimate[n] += np.sum(norm.logpdf(z, mu[n], sigma[n] ** 2) - norm.logpdf(z))
    return estimate / S


@wrong(
    "kl_monte_carlo",
    cause="The logarithm of the mean ratio is taken; it must be the mean of the logarithms.",
    line="np.log(np.mean(ratio, axis=0))",
)
def logarithm_of_the_mean(mu, log_sigma, eps):
    sigma = np.exp(log_sigma)
    z = mu + sigma * eps
    ratio = np.prod(norm.pdf(z, mu, sigma) / norm.pdf(z), axis=2)
    return np.log(np.mean(ratio, axis=0))


@wrong(
    "kl_monte_carlo",
    cause="The samples' log ratios are summed and never divided by S: it must be their mean.",
    line="return total",
)
def sum_over_samples(mu, log_sigma, eps):
    total = 0
    for e in eps:
        z = mu + np.exp(log_sigma) * e
        log_q = -0.5 * np.sum(e**2 + 2 * log_sigma, axis=1)
        log_p = -0.5 * np.sum(z**2, axis=1)
        total = total + log_q - log_p
    return total


# --- expected_squared_error -------------------------------------------------------------------------------------------


@wrong(
    "expected_squared_error",
    cause="This is the error at the mean of q only; what the spread of z adds, sum_k sigma_k^2 ||w_k||^2, is missing.",
    line="return np.sum(residual**2, axis=1)",
)
def error_at_the_mean(x, W, b, mu, log_sigma):
    residual = x - mu @ W.T - b
    return np.sum(residual**2, axis=1)


@wrong(
    "expected_squared_error",
    cause="The spread has sigma_k where it must have sigma_k^2.",
    line="np.exp(log_sigma) @ lengths",
)
def spread_with_sigma(x, W, b, mu, log_sigma):
    lengths = np.sum(W**2, axis=0)
    fixed = np.sum((x - mu @ W.T - b) ** 2, axis=1)
    return fixed + np.exp(log_sigma) @ lengths


@wrong(
    "expected_squared_error",
    cause="The variances of z are added as they are; each must be multiplied by its column's ||w_k||^2.",
    line="np.sum(np.exp(2 * log_sigma), axis=1)",
)
def spread_without_columns(x, W, b, mu, log_sigma):
    x_hat = mu @ W.T + b
    return np.sum((x - x_hat) ** 2, axis=1) + np.sum(np.exp(2 * log_sigma), axis=1)


@wrong(
    "expected_squared_error",
    cause="Each sigma_k^2 goes with its own column's length; here their sum is multiplied by that of all columns.",
    line="np.sum(W**2) * np.sum(sigma**2, axis=1)",
)
def product_of_two_sums(x, W, b, mu, log_sigma):
    sigma = np.exp(log_sigma)
    fixed = np.sum((x - mu @ W.T - b) ** 2, axis=1)
    random = np.sum(W**2) * np.sum(sigma**2, axis=1)
    return fixed + random


@wrong(
    "expected_squared_error",
    cause="The columns' lengths are not squared: ||w_k||^2 is wanted.",
    line="np.linalg.norm(W, axis=0)",
)
def length_not_squared(x, W, b, mu, log_sigma):
    spread = np.exp(2 * log_sigma) @ np.linalg.norm(W, axis=0)
    return np.linalg.norm(x - mu @ W.T - b, axis=1) ** 2 + spread


@wrong(
    "expected_squared_error",
    cause="The sum over k is squared as if all eps_k were the same; the squares sigma_k^2 w_dk^2 must be summed.",
    line="np.sum((sigma @ W.T) ** 2, axis=1)",
)
def square_of_the_summed_spread(x, W, b, mu, log_sigma):
    sigma = np.exp(log_sigma)
    fixed = x - mu @ W.T - b
    return np.sum(fixed**2, axis=1) + np.sum((sigma @ W.T) ** 2, axis=1)


@wrong(
    "expected_squared_error",
    cause="The spread is subtracted; it makes the error larger and must be added.",
    line="fixed - spread",
)
def spread_subtracted(x, W, b, mu, log_sigma):
    fixed = np.sum((x - (mu @ W.T + b)) ** 2, axis=1)
    spread = np.sum(np.exp(2 * log_sigma) * np.sum(W**2, axis=0), axis=1)
    return fixed - spread


@wrong(
    "expected_squared_error",
    cause="The squared error at the mean is averaged over the pixels; the squared length is a sum.",
    line="np.mean((x - mu @ W.T - b) ** 2, axis=1)",
)
def mean_over_pixels(x, W, b, mu, log_sigma):
    return np.mean((x - mu @ W.T - b) ** 2, axis=1) + np.exp(2 * log_sigma) @ np.sum(W**2, axis=0)


@wrong("expected_squared_error", cause="The decoder's bias b is left out.", line="x[n] - W @ mu[n]")
def bias_forgotten(x, W, b, mu, log_sigma):
    errors = []
    for n in range(len(x)):
        at_mean = x[n] - W @ mu[n]
        variances = np.exp(log_sigma[n]) ** 2
        errors.append(at_mean @ at_mean + np.sum(W**2 @ variances))
    return np.array(errors)


@wrong(
    "expected_squared_error",
    cause="The expectation is estimated from own samples; the card asks for the exact one, which has a formula.",
    line="rng.normal(size=(500, *mu.shape))",
)
def average_of_samples(x, W, b, mu, log_sigma):
    rng = np.random.default_rng(0)
    z = mu + np.exp(log_sigma) * rng.normal(size=(500, *mu.shape))
    return np.mean(np.sum((x - z @ W.T - b) ** 2, axis=-1), axis=0)


@wrong(
    "expected_squared_error",
    cause="The squared error is summed over all examples, so each gets the total of all.",
    line="np.sum((x - mu @ W.T - b) ** 2)",
)
def total_error_for_everyone(x, W, b, mu, log_sigma):
    error = np.sum((x - mu @ W.T - b) ** 2)
    return error + np.sum(np.exp(2 * log_sigma) * (W**2).sum(axis=0), axis=1)


# --- kl_to_point_mass -------------------------------------------------------------------------------------------------


@wrong(
    "kl_to_point_mass",
    cause="sigma^2 - 1 - 2 log sigma occurs in each of the K dimensions; the factor K is missing.",
    line="sigmas**2 - 1 - 2 * np.log(sigmas)",
)
def dimensions_not_counted(mu, sigmas):
    return 0.5 * (np.sum(mu**2) + sigmas**2 - 1 - 2 * np.log(sigmas))


@wrong(
    "kl_to_point_mass",
    cause="K log sigma is wanted: the logarithm is counted for a single dimension only.",
    line="- np.log(sigmas)",
)
def logarithm_counted_once(mu, sigmas):
    K = len(mu)
    return 0.5 * (K * sigmas**2 + mu @ mu - K) - np.log(sigmas)


@wrong(
    "kl_to_point_mass",
    cause="||mu||^2 is a sum over the K dimensions already; it must not be multiplied by K once more.",
    line="K * (sigmas**2 + np.sum(mu**2) - 1 - 2 * np.log(sigmas))",
)
def length_of_mu_times_dimensions(mu, sigmas):
    K = mu.size
    return 0.5 * K * (sigmas**2 + np.sum(mu**2) - 1 - 2 * np.log(sigmas))


@wrong(
    "kl_to_point_mass",
    cause="The sigmas are standard deviations, not their logarithms: exp must not be applied.",
    line="np.exp(2 * sigmas)",
)
def sigmas_taken_for_logarithms(mu, sigmas):
    K = len(mu)
    return 0.5 * (K * np.exp(2 * sigmas) + np.sum(mu**2) - K - 2 * K * sigmas)


@wrong(
    "kl_to_point_mass",
    cause="The small number added to sigma caps the price: for sigmas below it the divergence stops growing.",
    line="sigmas + 1e-8",
)
def guarded_logarithm(mu, sigmas):
    K = mu.shape[0]
    log_sigmas = np.log(sigmas + 1e-8)
    return K * (sigmas**2 - 1) / 2 - K * log_sigmas + np.sum(mu**2) / 2


@wrong(
    "kl_to_point_mass",
    cause="The sigmas are standard deviations; they are used as variances.",
    line="v - 1 - np.log(v)",
)
def sigmas_taken_for_variances(mu, sigmas):
    result = np.zeros(len(sigmas))
    for i, v in enumerate(sigmas):
        result[i] = 0.5 * np.sum(mu**2 + v - 1 - np.log(v))
    return result


@wrong(
    "kl_to_point_mass",
    cause="A point mass costs infinitely much, but for each sigma above 0 the divergence is finite.",
    line="np.full(len(sigmas), np.inf)",
)
def limit_instead_of_values(mu, sigmas):
    return np.full(len(sigmas), np.inf)


@wrong(
    "kl_to_point_mass",
    cause="Only the leading term -K log sigma is kept; mu and the rest are missing.",
    line="-len(mu) * np.log(sigmas)",
)
def leading_term_only(mu, sigmas):
    return -len(mu) * np.log(sigmas)


@wrong(
    "kl_to_point_mass",
    cause="The dimensions are not summed: there is one number for each sigma and each dimension.",
    line="mu[None, :] ** 2",
)
def dimensions_not_summed(mu, sigmas):
    s = sigmas[:, None]
    return 0.5 * (s**2 + mu[None, :] ** 2 - 1) - np.log(s)


@wrong(
    "kl_to_point_mass",
    cause="The length of mu is not squared.",
    line="np.linalg.norm(mu)",
)
def norm_of_mu_not_squared(mu, sigmas):
    K = len(mu)
    return 0.5 * (K * sigmas**2 + np.linalg.norm(mu) - K - 2 * K * np.log(sigmas))


# --- elbo_linear_gaussian ---------------------------------------------------------------------------------------------


def _error(x, W, b, mu, log_sigma):
    return np.sum((x - mu @ W.T - b) ** 2, axis=1) + np.exp(2 * log_sigma) @ np.sum(W**2, axis=0)


def _kl(mu, log_sigma):
    return 0.5 * np.sum(np.exp(2 * log_sigma) + mu**2 - 1 - 2 * log_sigma, axis=1)


@wrong(
    "elbo_linear_gaussian",
    cause="The Gaussian's constant -D/2 log(2 pi eta) is missing.",
    line="return -_error(x, W, b, mu, log_sigma) / (2 * eta)",
)
def without_the_constant(x, W, b, eta, mu, log_sigma):
    return -_error(x, W, b, mu, log_sigma) / (2 * eta) - _kl(mu, log_sigma)


@wrong(
    "elbo_linear_gaussian",
    cause="The constant is that of one pixel; it must be multiplied by D.",
    line="0.5 * np.log(2 * np.pi * eta)",
)
def constant_of_one_pixel(x, W, b, eta, mu, log_sigma):
    reconstruction = -_error(x, W, b, mu, log_sigma) / (2 * eta) - 0.5 * np.log(2 * np.pi * eta)
    return reconstruction - _kl(mu, log_sigma)


@wrong(
    "elbo_linear_gaussian",
    cause="eta is the noise variance; it is squared here as if it were a standard deviation.",
    line="noise = eta**2",
)
def eta_as_standard_deviation(x, W, b, eta, mu, log_sigma):
    D = x.shape[1]
    noise = eta**2
    log_lik = -_error(x, W, b, mu, log_sigma) / (2 * noise) - D / 2 * np.log(2 * np.pi * noise)
    return log_lik - _kl(mu, log_sigma)


@wrong("elbo_linear_gaussian", cause="The KL term is added; it must be subtracted.", line="reconstruction + kl")
def kl_added(x, W, b, eta, mu, log_sigma):
    D = W.shape[0]
    kl = _kl(mu, log_sigma)
    reconstruction = -0.5 * (_error(x, W, b, mu, log_sigma) / eta + D * np.log(2 * np.pi * eta))
    return reconstruction + kl


@wrong(
    "elbo_linear_gaussian",
    cause="log p(x|z) is taken at the mean of q instead of averaged over q: the spread's part of the error is missing.",
    line="norm.logpdf(x, mu @ W.T + b, np.sqrt(eta))",
)
def likelihood_at_the_mean(x, W, b, eta, mu, log_sigma):
    log_lik = norm.logpdf(x, mu @ W.T + b, np.sqrt(eta)).sum(axis=1)
    return log_lik - _kl(mu, log_sigma)


@wrong(
    "elbo_linear_gaussian",
    cause="The constant has the wrong sign: -D/2 log(2 pi eta) is wanted.",
    line="+ D / 2 * np.log(2 * np.pi * eta)",
)
def sign_of_the_constant(x, W, b, eta, mu, log_sigma):
    D = x.shape[1]
    return -_error(x, W, b, mu, log_sigma) / (2 * eta) + D / 2 * np.log(2 * np.pi * eta) - _kl(mu, log_sigma)


@wrong(
    "elbo_linear_gaussian",
    cause="The squared error is divided by eta; it must be divided by 2 eta.",
    line="/ eta - constant",
)
def error_over_eta(x, W, b, eta, mu, log_sigma):
    constant = x.shape[1] / 2 * np.log(2 * np.pi * eta)
    return -_error(x, W, b, mu, log_sigma) / eta - constant - _kl(mu, log_sigma)


@wrong(
    "elbo_linear_gaussian",
    cause="len(x) is the number of examples; the constant needs the number of pixels, D.",
    line="D = len(x)",
)
def examples_counted_for_pixels(x, W, b, eta, mu, log_sigma):
    D = len(x)
    squared = _error(x, W, b, mu, log_sigma)
    return -squared / (2 * eta) - D / 2 * np.log(2 * np.pi * eta) - _kl(mu, log_sigma)


@wrong(
    "elbo_linear_gaussian",
    cause="This is log p(x) itself, which does not depend on q; the bound F for this q is wanted.",
    line="multivariate_normal.logpdf(x, b, cov)",
)
def marginal_likelihood(x, W, b, eta, mu, log_sigma):
    cov = W @ W.T + eta * np.eye(len(W))
    return np.atleast_1d(multivariate_normal.logpdf(x, b, cov))


@wrong(
    "elbo_linear_gaussian",
    cause="The KL term is divided by 2 eta along with the error; only the error is.",
    line="-(error + kl) / (2 * eta)",
)
def both_terms_divided(x, W, b, eta, mu, log_sigma):
    error, kl = _error(x, W, b, mu, log_sigma), _kl(mu, log_sigma)
    return -(error + kl) / (2 * eta) - 0.5 * x.shape[1] * np.log(2 * np.pi * eta)


@wrong(
    "elbo_linear_gaussian",
    cause="The mean over the examples is returned; each example has a bound of its own.",
    line="F.mean()",
)
def mean_over_examples(x, W, b, eta, mu, log_sigma):
    N, D = x.shape
    F = np.empty(N)
    for n in range(N):
        r = x[n] - W @ mu[n] - b
        var = np.exp(2 * log_sigma[n])
        F[n] = -(r @ r + var @ np.sum(W**2, axis=0)) / (2 * eta) - D / 2 * np.log(2 * np.pi * eta)
        F[n] -= 0.5 * np.sum(var + mu[n] ** 2 - 1 - 2 * log_sigma[n])
    return F.mean()


# --- point_mass_limit -------------------------------------------------------------------------------------------------


@wrong(
    "point_mass_limit",
    cause="K is not used: the volume of the cube is its side to the K, and so is the density of K dimensions.",
    line="np.log(widths / np.sqrt(2 * np.pi))",
)
def one_dimension(widths, nats, K):
    bounds = -np.log(widths / np.sqrt(2 * np.pi))
    side = np.sqrt(2 * np.pi) * np.exp(-nats)
    return bounds, side


@wrong(
    "point_mass_limit",
    cause="The density is left out: the bound is minus the log of the volume alone.",
    line="-K * np.log(widths)",
)
def volume_alone(widths, nats, K):
    return -K * np.log(widths), np.exp(-nats / K)


@wrong(
    "point_mass_limit",
    cause="The largest density is taken as 1 / (2 pi)^K, without the root.",
    line="(2 * np.pi) ** -K",
)
def density_without_root(widths, nats, K):
    density = (2 * np.pi) ** -K
    return -np.log(widths**K * density), np.exp(-nats / K) / density ** (1 / K)


@wrong(
    "point_mass_limit",
    cause="A negative bound is set to 0; the card leaves it negative.",
    line="np.maximum(",
)
def cut_at_zero(widths, nats, K):
    P = (widths / np.sqrt(2 * np.pi)) ** K
    return np.maximum(-np.log(P), 0), np.sqrt(2 * np.pi) * np.exp(-nats / K)


@wrong(
    "point_mass_limit",
    cause="The side is that of one dimension: nats are not divided by K.",
    line="np.exp(-nats)",
)
def nats_not_shared(widths, nats, K):
    peak = 1 / np.sqrt(2 * np.pi)
    bounds = -K * np.log(widths * peak)
    return bounds, np.exp(-nats) / peak


@wrong(
    "point_mass_limit",
    cause="The sign of nats is wrong in the side: a higher price means a smaller cube.",
    line="np.exp(nats / K)",
)
def side_grows(widths, nats, K):
    constant = 0.5 * K * np.log(2 * np.pi)
    bounds = constant - K * np.log(widths)
    return bounds, np.sqrt(2 * np.pi) * np.exp(nats / K)


@wrong(
    "point_mass_limit",
    cause="The density of a standard normal has sqrt(2 pi); the pi alone is under the root here.",
    line="2 * np.sqrt(np.pi)",
)
def two_outside_the_root(widths, nats, K):
    peak = 1 / (2 * np.sqrt(np.pi))
    return -K * np.log(widths * peak), np.exp(-nats / K) / peak


@wrong(
    "point_mass_limit",
    cause="The bounds are in bits: the natural logarithm gives nats.",
    line="np.log2(",
)
def price_in_bits(widths, nats, K):
    bounds = -K * np.log2(widths / np.sqrt(2 * np.pi))
    return bounds, np.sqrt(2 * np.pi) * 2 ** (-nats / K)


@wrong(
    "point_mass_limit",
    cause="P itself is returned, not -log P.",
    line="return (widths / np.sqrt(2 * np.pi)) ** K",
)
def probability_for_price(widths, nats, K):
    side = np.sqrt(2 * np.pi) * np.exp(-nats / K)
    return (widths / np.sqrt(2 * np.pi)) ** K, side


@wrong(
    "point_mass_limit",
    cause="The logarithm of the side is returned: exp is missing.",
    line="- nats / K",
)
def log_of_the_side(widths, nats, K):
    bounds = 0.5 * K * np.log(2 * np.pi) - K * np.log(widths)
    return bounds, 0.5 * np.log(2 * np.pi) - nats / K
