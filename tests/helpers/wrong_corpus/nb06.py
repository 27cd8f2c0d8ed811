"""Wrong answers to notebook 06, from the cards alone."""

import numpy as np
from autograd import elementwise_grad, grad
from autograd import numpy as anp
from autograd.extend import defvjp, primitive
from scipy.stats import norm

from course_utils.probability.gaussians import diagonal_gaussian_log_prob
from wrong_corpus import wrong

# --- score_function_gradient ------------------------------------------------------------------------------------------


@wrong(
    "score_function_gradient",
    cause="The score is eps / sigma; the division by sigma is missing.",
    line="f(z) * eps",
)
def score_is_the_noise(f, mu, sigma, eps):
    z = mu + sigma * eps
    return f(z) * eps


@wrong(
    "score_function_gradient",
    cause="The score is (z - mu) / sigma^2 = eps / sigma; eps is divided by sigma twice.",
    line="score = eps / sigma**2",
)
def sigma_divided_twice(f, mu, sigma, eps):
    score = eps / sigma**2
    return f(mu + sigma * eps) * score


@wrong("score_function_gradient", cause="f is evaluated at the noise eps; it must be at z.", line="f(eps)")
def f_at_the_noise(f, mu, sigma, eps):
    return f(eps) * eps / sigma


@wrong(
    "score_function_gradient",
    cause="The sign of the score is wrong: d/dmu log q is (z - mu) / sigma^2.",
    line="(mu - z) / sigma**2",
)
def sign_of_the_score(f, mu, sigma, eps):
    z = mu + sigma * eps
    dlogq = (mu - z) / sigma**2
    return f(z) * dlogq


@wrong(
    "score_function_gradient",
    cause="The mean reward is subtracted as a baseline; the card asks for the estimates without one.",
    line="rewards - rewards.mean()",
)
def with_a_baseline(f, mu, sigma, eps):
    rewards = f(mu + sigma * eps)
    return (rewards - rewards.mean()) * eps / sigma


@wrong(
    "score_function_gradient",
    cause="The estimates are averaged to one number; the estimate of each single sample is wanted.",
    line="np.mean(",
)
def averaged_estimates(f, mu, sigma, eps):
    z = mu + sigma * eps
    return np.mean(f(z) * (z - mu) / sigma**2)


@wrong(
    "score_function_gradient",
    cause="f is multiplied by log q itself; it must be the derivative of log q with respect to mu.",
    line="norm.logpdf(z, mu, sigma)",
)
def log_density_not_its_derivative(f, mu, sigma, eps):
    z = mu + sigma * eps
    return f(z) * norm.logpdf(z, mu, sigma)


@wrong(
    "score_function_gradient",
    cause="The samples come from q already; the density of q must not be multiplied in once more.",
    line="norm.pdf(z, mu, sigma)",
)
def density_counted_twice(f, mu, sigma, eps):
    z = mu + sigma * eps
    q = norm.pdf(z, mu, sigma)
    dq_dmu = q * (z - mu) / sigma**2
    return f(z) * dq_dmu


@wrong(
    "score_function_gradient",
    cause="This is the pathwise estimate: it differentiates f. The score-function estimate only evaluates f.",
    line="elementwise_grad(f)",
)
def derivative_of_f(f, mu, sigma, eps):
    return elementwise_grad(f)(mu + sigma * eps)


@wrong(
    "score_function_gradient",
    cause="sigma is the standard deviation; the noise is multiplied with its root, as if it were a variance.",
    line="np.sqrt(sigma)",
)
def sigma_taken_for_variance(f, mu, sigma, eps):
    z = mu + np.sqrt(sigma) * eps
    return f(z) * (z - mu) / sigma


@wrong(
    "score_function_gradient",
    cause="This is the score for sigma, (eps^2 - 1) / sigma; the one for mu is eps / sigma.",
    line="(eps[s] ** 2 - 1) / sigma",
)
def score_of_sigma(f, mu, sigma, eps):
    estimates = np.zeros(len(eps))
    for s in range(len(eps)):
        estimates[s] = f(mu + sigma * eps[s]) * (eps[s] ** 2 - 1) / sigma
    return estimates


@wrong(
    "score_function_gradient",
    cause="mu is not subtracted: the score is (z - mu) / sigma^2.",
    line="z / sigma**2",
)
def mean_not_subtracted(f, mu, sigma, eps):
    z = mu + sigma * eps
    return f(z) * z / sigma**2


# --- reparameterize ---------------------------------------------------------------------------------------------------


@wrong(
    "reparameterize",
    cause="The noise is multiplied by log_sigma; it must be by sigma = exp(log_sigma).",
    line="mu + log_sigma * eps",
)
def logarithm_as_width(mu, log_sigma, eps):
    return mu + log_sigma * eps


@wrong(
    "reparameterize",
    cause="The noise is stretched by the variance; it must be by the standard deviation.",
    line="np.exp(2 * log_sigma)",
)
def stretched_by_the_variance(mu, log_sigma, eps):
    variance = np.exp(2 * log_sigma)
    return mu + variance * eps


@wrong(
    "reparameterize",
    cause="log_sigma is the log of the standard deviation, not of the variance: no half in the exponent.",
    line="np.exp(0.5 * log_sigma)",
)
def half_in_the_exponent(mu, log_sigma, eps):
    std = np.exp(0.5 * log_sigma)
    return mu + eps * std


@wrong(
    "reparameterize",
    cause="It draws noise of its own; the sample must be made of the eps that was given.",
    line="rng.normal(loc=mu, scale=np.exp(log_sigma), size=eps.shape)",
)
def draws_again(mu, log_sigma, eps):
    rng = np.random.default_rng()
    return rng.normal(loc=mu, scale=np.exp(log_sigma), size=eps.shape)


@wrong(
    "reparameterize",
    cause="The S samples are averaged; each of them is wanted, in the shape of eps.",
    line="z.mean(axis=0)",
)
def mean_over_samples(mu, log_sigma, eps):
    z = mu + np.exp(log_sigma) * eps
    if eps.ndim == 3:
        z = z.mean(axis=0)
    return z


@wrong(
    "reparameterize",
    cause="The mean is stretched, too: the noise is to be stretched first and moved after.",
    line="(mu + eps) * sigma",
)
def moved_before_stretched(mu, log_sigma, eps):
    sigma = np.exp(log_sigma)
    return (mu + eps) * sigma


@wrong(
    "reparameterize",
    cause="The noise is divided by sigma, as for standardising; to make a sample it must be multiplied.",
    line="eps / np.exp(log_sigma)",
)
def divided_by_sigma(mu, log_sigma, eps):
    return mu + eps / np.exp(log_sigma)


@wrong(
    "reparameterize",
    cause="The loop over the first axis of eps goes over the examples; for eps (S, N, K) that axis is the samples.",
    line="for n in range(len(mu)):",
)
def loop_for_two_axes_only(mu, log_sigma, eps):
    z = np.zeros(mu.shape)
    for n in range(len(mu)):
        z[n] = mu[n] + np.exp(log_sigma[n]) * eps[n]
    return z


@wrong(
    "reparameterize",
    cause="For eps (S, N, K) the samples and examples are put into one axis; the result must have the shape of eps.",
    line="reshape(-1, mu.shape[1])",
)
def flattens_the_samples(mu, log_sigma, eps):
    z = mu + np.exp(log_sigma) * eps
    return z.reshape(-1, mu.shape[1])


@wrong(
    "reparameterize",
    cause="sigma is computed by softplus; the course stores log_sigma, so sigma is exp(log_sigma).",
    line="np.log1p(np.exp(log_sigma))",
)
def softplus_for_exp(mu, log_sigma, eps):
    sigma = np.log1p(np.exp(log_sigma))
    return mu + sigma * eps


@wrong(
    "reparameterize",
    cause="eps is standardised first; it is standard normal noise already and must be used as it is.",
    line="(eps - eps.mean()) / eps.std()",
)
def standardises_the_noise(mu, log_sigma, eps):
    noise = (eps - eps.mean()) / eps.std()
    return mu + np.exp(log_sigma) * noise


@wrong(
    "reparameterize",
    cause="Every example gets the noise of the first one: eps has a row for each example.",
    line="eps[..., :1, :]",
)
def same_noise_for_all_examples(mu, log_sigma, eps):
    return mu + np.exp(log_sigma) * eps[..., :1, :] * np.ones_like(eps)


# --- pathwise_gradient ------------------------------------------------------------------------------------------------


@wrong(
    "pathwise_gradient",
    cause="dz/dmu is 1; the factor eps is dz/dsigma and belongs to the gradient by sigma.",
    line="df(z) * eps",
)
def gradient_by_sigma(df, mu, sigma, eps):
    z = mu + sigma * eps
    return df(z) * eps


@wrong("pathwise_gradient", cause="f' is evaluated at the noise; it must be at z = mu + sigma eps.", line="df(eps)")
def slope_at_the_noise(df, mu, sigma, eps):
    return df(eps)


@wrong(
    "pathwise_gradient",
    cause="f' is evaluated at mu for every sample; it must be at each sample z.",
    line="df(mu)",
)
def slope_at_the_mean(df, mu, sigma, eps):
    return df(mu) * np.ones(len(eps))


@wrong(
    "pathwise_gradient",
    cause="The factor sigma is dz/deps; the path's derivative by mu is 1.",
    line="df(mu + sigma * eps) * sigma",
)
def times_sigma(df, mu, sigma, eps):
    return df(mu + sigma * eps) * sigma


@wrong(
    "pathwise_gradient",
    cause="The estimates are averaged; one for each sample is wanted.",
    line="total / len(eps)",
)
def mean_of_the_slopes(df, mu, sigma, eps):
    total = 0.0
    for e in eps:
        total += df(mu + sigma * e)
    return total / len(eps)


@wrong(
    "pathwise_gradient",
    cause="The score eps / sigma is multiplied in; it belongs to the other estimator, with f in the place of f'.",
    line="eps / sigma",
)
def score_times_slope(df, mu, sigma, eps):
    score = eps / sigma
    return df(mu + sigma * eps) * score


@wrong(
    "pathwise_gradient",
    cause="df is the derivative already; it is differentiated once more.",
    line="elementwise_grad(df)",
)
def second_derivative(df, mu, sigma, eps):
    slope = elementwise_grad(df)
    return slope(mu + sigma * eps)


@wrong(
    "pathwise_gradient",
    cause="sigma is a standard deviation here, not its logarithm: no exp.",
    line="np.exp(sigma)",
)
def exponential_of_sigma(df, mu, sigma, eps):
    z = mu + np.exp(sigma) * eps
    return df(z)


@wrong(
    "pathwise_gradient",
    cause="The noise is added to the slope at mu; it belongs inside, in the place where f' is evaluated.",
    line="df(mu) + sigma * eps",
)
def noise_outside(df, mu, sigma, eps):
    return df(mu) + sigma * eps


@wrong(
    "pathwise_gradient",
    cause="The noise is multiplied by sigma^2; it must be by sigma.",
    line="sigma**2 * eps",
)
def noise_times_variance(df, mu, sigma, eps):
    samples = mu + sigma**2 * eps
    return df(samples)


@wrong(
    "pathwise_gradient",
    cause="Fresh samples are drawn; the estimates must belong to the given eps.",
    line="rng.normal(mu, sigma, len(eps))",
)
def fresh_samples(df, mu, sigma, eps):
    rng = np.random.default_rng(0)
    z = rng.normal(mu, sigma, len(eps))
    return df(z)


@wrong(
    "pathwise_gradient",
    cause="df is the derivative of f already; this takes the difference quotient of df, which is f''.",
    line="(df(z + h) - df(z - h)) / (2 * h)",
)
def finite_difference_of_the_slope(df, mu, sigma, eps):
    h = 1e-5
    z = mu + sigma * eps
    return (df(z + h) - df(z - h)) / (2 * h)


# --- sigma_bar --------------------------------------------------------------------------------------------------------


@wrong("sigma_bar", cause="This is the rule for mu; for sigma the factor eps is missing.", line="return z_bar")
def rule_of_mu(z_bar, eps):
    return z_bar


@wrong(
    "sigma_bar",
    cause="This is dz/dsigma alone; the chain rule multiplies it by the gradient z_bar.",
    line="return eps",
)
def local_derivative_only(z_bar, eps):
    return eps


@wrong("sigma_bar", cause="z_bar is divided by eps; it must be multiplied.", line="z_bar / eps")
def divided_by_the_noise(z_bar, eps):
    return z_bar / eps


@wrong("sigma_bar", cause="eps is squared; dz/dsigma is eps itself.", line="eps**2")
def noise_squared(z_bar, eps):
    return z_bar * eps**2


@wrong(
    "sigma_bar",
    cause="The gradient is averaged over the examples; each example has a sigma of its own.",
    line="np.mean(z_bar * eps, axis=0)",
)
def mean_over_the_batch(z_bar, eps):
    return np.mean(z_bar * eps, axis=0)


@wrong(
    "sigma_bar",
    cause="The K gradients are summed; each sigma_k has one of its own.",
    line="np.sum(z_bar * eps, axis=1, keepdims=True)",
)
def summed_over_dimensions(z_bar, eps):
    return np.sum(z_bar * eps, axis=1, keepdims=True) * np.ones_like(eps)


@wrong(
    "sigma_bar",
    cause="This is a matrix product over the examples; the rule multiplies entry by entry.",
    line="z_bar.T @ eps",
)
def matrix_product(z_bar, eps):
    return z_bar.T @ eps


@wrong(
    "sigma_bar",
    cause="The absolute value of eps is taken; the sign of the noise decides in which direction sigma moves z.",
    line="np.abs(eps)",
)
def size_of_the_noise(z_bar, eps):
    return z_bar * np.abs(eps)


@wrong("sigma_bar", cause="The sign is wrong: the gradient is wanted, not a step downhill.", line="-z_bar * eps")
def downhill(z_bar, eps):
    return -z_bar * eps


@wrong(
    "sigma_bar",
    cause="Gradient and noise are added; the chain rule multiplies them.",
    line="z_bar[n, k] + eps[n, k]",
)
def added_to_the_noise(z_bar, eps):
    N, K = eps.shape
    result = np.zeros((N, K))
    for n in range(N):
        for k in range(K):
            result[n, k] = z_bar[n, k] + eps[n, k]
    return result


@wrong(
    "sigma_bar",
    cause="The noise is drawn anew; it must be the eps of the forward pass.",
    line="rng.standard_normal(z_bar.shape)",
)
def new_noise_backwards(z_bar, eps):
    rng = np.random.default_rng()
    return z_bar * rng.standard_normal(z_bar.shape)


# --- reparameterize_vjp -----------------------------------------------------------------------------------------------


@wrong(
    "reparameterize_vjp",
    cause="z_bar eps is the gradient of sigma; that of log_sigma has one more factor, sigma.",
    line="z_bar * eps",
)
def gradient_of_sigma(z_bar, log_sigma, eps):
    return z_bar, z_bar * eps


@wrong(
    "reparameterize_vjp",
    cause="The noise is missing in the gradient of log_sigma: it is z_bar sigma eps.",
    line="z_bar * sigma",
)
def noise_left_out(z_bar, log_sigma, eps):
    sigma = np.exp(log_sigma)
    log_sigma_bar = z_bar * sigma
    return z_bar, log_sigma_bar


@wrong(
    "reparameterize_vjp",
    cause="The two gradients are returned in the wrong order: mu's comes first.",
    line="return log_sigma_bar, mu_bar",
)
def wrong_order(z_bar, log_sigma, eps):
    mu_bar = z_bar
    log_sigma_bar = z_bar * np.exp(log_sigma) * eps
    return log_sigma_bar, mu_bar


@wrong(
    "reparameterize_vjp",
    cause="dsigma/dlog_sigma is sigma = exp(log_sigma), not log_sigma.",
    line="sigma_bar * log_sigma",
)
def times_the_logarithm(z_bar, log_sigma, eps):
    sigma_bar = z_bar * eps
    return z_bar, sigma_bar * log_sigma


@wrong(
    "reparameterize_vjp",
    cause="The last link of the chain divides by sigma; dsigma/dlog_sigma is sigma, so it multiplies.",
    line="sigma_bar / sigma",
)
def divides_by_sigma(z_bar, log_sigma, eps):
    sigma = np.exp(log_sigma)
    sigma_bar = z_bar * eps
    log_sigma_bar = sigma_bar / sigma
    return z_bar, log_sigma_bar


@wrong(
    "reparameterize_vjp",
    cause="mu's gradient is z_bar, as it comes in; here it is dz/dmu = 1 alone.",
    line="np.ones_like(z_bar)",
)
def ones_for_mu(z_bar, log_sigma, eps):
    mu_bar = np.ones_like(z_bar)
    return mu_bar, z_bar * np.exp(log_sigma) * eps


@wrong(
    "reparameterize_vjp",
    cause="exp(2 log_sigma) is the variance; the factor is sigma = exp(log_sigma).",
    line="np.exp(2 * log_sigma)",
)
def variance_as_factor(z_bar, log_sigma, eps):
    return z_bar, z_bar * eps * np.exp(2 * log_sigma)


@wrong(
    "reparameterize_vjp",
    cause="The gradients are summed over the examples; each example has its own mu and log_sigma.",
    line="np.sum(z_bar, axis=0)",
)
def summed_over_examples(z_bar, log_sigma, eps):
    mu_bar = np.sum(z_bar, axis=0)
    log_sigma_bar = np.sum(z_bar * np.exp(log_sigma) * eps, axis=0)
    return mu_bar, log_sigma_bar


@wrong(
    "reparameterize_vjp",
    cause="mu is added after the stretching, so its gradient is z_bar without the factor sigma.",
    line="mu_bar[n] = z_bar[n] * sigma",
)
def sigma_in_the_gradient_of_mu(z_bar, log_sigma, eps):
    mu_bar, log_sigma_bar = np.zeros(z_bar.shape), np.zeros(z_bar.shape)
    for n in range(len(z_bar)):
        sigma = np.exp(log_sigma[n])
        mu_bar[n] = z_bar[n] * sigma
        log_sigma_bar[n] = z_bar[n] * sigma * eps[n]
    return mu_bar, log_sigma_bar


@wrong(
    "reparameterize_vjp",
    cause="The slope of the entropy is added to log_sigma's gradient; only what comes through z is wanted.",
    line="+ 1",
)
def entropy_term_added(z_bar, log_sigma, eps):
    return z_bar, z_bar * eps * np.exp(log_sigma) + 1


@wrong(
    "reparameterize_vjp",
    cause="A half too many: log_sigma is the log of the standard deviation, not of the variance.",
    line="0.5 * z_bar",
)
def half_of_a_log_variance(z_bar, log_sigma, eps):
    sigma = np.exp(log_sigma)
    return z_bar, 0.5 * z_bar * sigma * eps


@wrong(
    "reparameterize_vjp",
    cause="Both are the derivatives of z alone; each must be multiplied by the incoming gradient z_bar.",
    line="return np.ones(eps.shape), np.exp(log_sigma) * eps",
)
def jacobian_without_z_bar(z_bar, log_sigma, eps):
    return np.ones(eps.shape), np.exp(log_sigma) * eps


# --- dropout_vjp ------------------------------------------------------------------------------------------------------


@wrong(
    "dropout_vjp",
    cause="The division by 1 - rate, which inverted dropout makes in the forward pass, is missing.",
    line="h_bar * mask",
)
def plain_dropout(h_bar, mask, rate):
    return h_bar * mask


@wrong(
    "dropout_vjp",
    cause="rate is the probability of dropping; the division must be by that of keeping, 1 - rate.",
    line="/ rate",
)
def rate_taken_for_keeping(h_bar, mask, rate):
    return h_bar * mask / rate


@wrong(
    "dropout_vjp",
    cause="The gradient is multiplied by 1 - rate; as in the forward pass, it must be divided.",
    line="* (1 - rate)",
)
def multiplied_backwards(h_bar, mask, rate):
    return h_bar * mask * (1 - rate)


@wrong(
    "dropout_vjp",
    cause="mask is 1 where a unit is kept; here the gradient goes to the dropped ones.",
    line="np.where(mask == 1, 0.0, h_bar)",
)
def mask_upside_down(h_bar, mask, rate):
    passed = np.where(mask == 1, 0.0, h_bar)
    return passed / (1 - rate)


@wrong(
    "dropout_vjp",
    cause="A new mask is drawn; backwards it must be the mask of the forward pass.",
    line="rng.random(h_bar.shape) >= rate",
)
def draws_a_new_mask(h_bar, mask, rate):
    rng = np.random.default_rng()
    keep = rng.random(h_bar.shape) >= rate
    return h_bar * keep / (1 - rate)


@wrong(
    "dropout_vjp",
    cause="The mask is left out: dropped units have no effect on the result, so their gradient is 0.",
    line="h_bar / (1 - rate)",
)
def mask_forgotten(h_bar, mask, rate):
    return h_bar / (1 - rate)


@wrong(
    "dropout_vjp",
    cause="Only the kept entries are returned, as a flat array; the dropped ones must be there, with gradient 0.",
    line="h_bar[mask == 1]",
)
def kept_entries_only(h_bar, mask, rate):
    return h_bar[mask == 1] / (1 - rate)


@wrong(
    "dropout_vjp",
    cause="It divides by the share of units that this mask happens to keep; the factor is 1 - rate.",
    line="mask.mean()",
)
def measured_rate(h_bar, mask, rate):
    kept = mask.mean()
    return h_bar * mask / kept


@wrong(
    "dropout_vjp",
    cause="A bracket is missing: this divides by 1 and subtracts rate.",
    line="h_bar * mask / 1 - rate",
)
def brackets_missing(h_bar, mask, rate):
    return h_bar * mask / 1 - rate


@wrong(
    "dropout_vjp",
    cause="Dropped units let the gradient through unscaled; theirs is 0.",
    line="grad_h = h_bar.copy()",
)
def dropped_units_pass(h_bar, mask, rate):
    grad_h = h_bar.copy()
    grad_h[mask > 0] /= 1 - rate
    return grad_h


@wrong(
    "dropout_vjp",
    cause="The factor 1 / (1 - rate) is applied twice; one is all that the forward pass has.",
    line="(1 - rate) ** 2",
)
def scaled_twice(h_bar, mask, rate):
    return h_bar * mask / (1 - rate) ** 2


@wrong(
    "dropout_vjp",
    cause="The gradients of the examples are averaged; h has one row for each of them.",
    line="g.mean(axis=0)",
)
def mean_over_rows(h_bar, mask, rate):
    g = h_bar * mask / (1 - rate)
    return g.mean(axis=0)


# --- score_function_loss ----------------------------------------------------------------------------------------------


def _others(rewards):
    return (np.sum(rewards) - rewards) / (len(rewards) - 1)


@wrong(
    "score_function_loss",
    cause="The loss has no minus sign: going down it would make the rewards smaller.",
    line="return anp.mean(",
)
def sign_of_the_loss(mu, log_sigma, z, rewards):
    log_q = diagonal_gaussian_log_prob(z, mu, log_sigma)
    return anp.mean((rewards - _others(rewards)) * log_q)


@wrong(
    "score_function_loss",
    cause="There is no baseline.",
    line="-anp.mean(rewards * ",
)
def no_baseline(mu, log_sigma, z, rewards):
    return -anp.mean(rewards * diagonal_gaussian_log_prob(z, mu, log_sigma))


@wrong(
    "score_function_loss",
    cause="The baseline is the mean of all rewards, the own one among them.",
    line="rewards - rewards.mean()",
)
def mean_of_all(mu, log_sigma, z, rewards):
    advantage = rewards - rewards.mean()
    log_q = diagonal_gaussian_log_prob(z, mu, log_sigma)
    return -anp.mean(advantage * log_q)


@wrong(
    "score_function_loss",
    cause="The terms are summed over the samples, not averaged.",
    line="-anp.sum(",
)
def sum_over_the_samples(mu, log_sigma, z, rewards):
    S = len(rewards)
    baseline = np.array([np.mean(np.delete(rewards, s)) for s in range(S)])
    return -anp.sum((rewards - baseline) * diagonal_gaussian_log_prob(z, mu, log_sigma))


@wrong(
    "score_function_loss",
    cause="The sum of the others is divided by S, not by S - 1.",
    line="/ len(rewards)",
)
def others_divided_by_all(mu, log_sigma, z, rewards):
    baseline = (np.sum(rewards) - rewards) / len(rewards)
    return -anp.mean((rewards - baseline) * diagonal_gaussian_log_prob(z, mu, log_sigma))


@wrong(
    "score_function_loss",
    cause="The density is weighted, not its logarithm.",
    line="anp.exp(diagonal_gaussian_log_prob(",
)
def density_for_its_log(mu, log_sigma, z, rewards):
    q = anp.exp(diagonal_gaussian_log_prob(z, mu, log_sigma))
    return -anp.mean((rewards - _others(rewards)) * q)


@wrong(
    "score_function_loss",
    cause="The baseline is added to the rewards.",
    line="rewards + baseline",
)
def baseline_added(mu, log_sigma, z, rewards):
    baseline = _others(rewards)
    log_q = diagonal_gaussian_log_prob(z, mu, log_sigma)
    return -anp.mean((rewards + baseline) * log_q)


@wrong(
    "score_function_loss",
    cause="log_sigma is given as sigma: exp is taken before the log density takes it once more.",
    line="anp.exp(log_sigma))",
)
def sigma_for_log_sigma(mu, log_sigma, z, rewards):
    log_q = diagonal_gaussian_log_prob(z, mu, anp.exp(log_sigma))
    return -anp.mean((rewards - _others(rewards)) * log_q)


@wrong(
    "score_function_loss",
    cause="The advantages are divided by their standard deviation, which nobody asked for.",
    line="/ np.std(",
)
def advantages_standardised(mu, log_sigma, z, rewards):
    advantage = rewards - _others(rewards)
    advantage = advantage / np.std(advantage)
    return -anp.mean(advantage * diagonal_gaussian_log_prob(z, mu, log_sigma))


@wrong(
    "score_function_loss",
    cause="The mean of the rewards and the mean of log q are multiplied, where the mean of the products belongs.",
    line="np.mean(advantage) * ",
)
def product_of_means(mu, log_sigma, z, rewards):
    advantage = rewards - _others(rewards)
    return -np.mean(advantage) * anp.mean(diagonal_gaussian_log_prob(z, mu, log_sigma))


# --- sample_gradients -------------------------------------------------------------------------------------------------


@wrong(
    "sample_gradients",
    cause="The gradient by sigma is returned: dsigma/dlog sigma = sigma is missing.",
    line="lambda z_bar: z_bar * (z - mu) / sigma",
)
def gradient_by_sigma_returned(f, mu, log_sigma, draw):
    sample = primitive(lambda mu, log_sigma: draw(mu, np.exp(log_sigma)))

    def by_log_sigma(z, mu, log_sigma):
        sigma = np.exp(log_sigma)
        return lambda z_bar: z_bar * (z - mu) / sigma

    defvjp(sample, lambda z, mu, log_sigma: lambda z_bar: z_bar, by_log_sigma)
    return grad(lambda m, s: anp.sum(f(sample(m, s))), (0, 1))(mu, log_sigma)


@wrong(
    "sample_gradients",
    cause="draw is called twice, so that the two gradients belong to two samples.",
    line="grad(total, 1)",
)
def drawn_twice(f, mu, log_sigma, draw):
    sample = primitive(lambda mu, log_sigma: draw(mu, np.exp(log_sigma)))
    defvjp(sample, lambda z, mu, ls: lambda g: g, lambda z, mu, ls: lambda g: g * (z - mu))

    def total(m, s):
        return anp.sum(f(sample(m, s)))

    return grad(total, 0)(mu, log_sigma), grad(total, 1)(mu, log_sigma)


@wrong(
    "sample_gradients",
    cause="The mean of f is differentiated; the sum is asked.",
    line="anp.mean(f(sample(m, s)))",
)
def mean_for_sum(f, mu, log_sigma, draw):
    sample = primitive(lambda mu, log_sigma: draw(mu, np.exp(log_sigma)))
    defvjp(sample, lambda z, mu, ls: lambda g: g, lambda z, mu, ls: lambda g: g * (z - mu))
    return grad(lambda m, s: anp.mean(f(sample(m, s))), (0, 1))(mu, log_sigma)


@wrong(
    "sample_gradients",
    cause="log_sigma is given to draw, which takes sigma.",
    line="draw(mu, log_sigma)",
)
def log_sigma_given_to_draw(f, mu, log_sigma, draw):
    sample = primitive(lambda mu, log_sigma: draw(mu, log_sigma))
    defvjp(sample, lambda z, mu, ls: lambda g: g, lambda z, mu, ls: lambda g: g * (z - mu))
    return grad(lambda m, s: anp.sum(f(sample(m, s))), (0, 1))(mu, log_sigma)


@wrong(
    "sample_gradients",
    cause="The mean is not subtracted: the noise is z - mu (over sigma), not z.",
    line="lambda g: g * z)",
)
def noise_with_the_mean(f, mu, log_sigma, draw):
    sample = primitive(lambda mu, log_sigma: draw(mu, np.exp(log_sigma)))
    defvjp(sample, lambda z, mu, ls: lambda g: g, lambda z, mu, ls: lambda g: g * z)
    return grad(lambda m, s: anp.sum(f(sample(m, s))), (0, 1))(mu, log_sigma)


@wrong(
    "sample_gradients",
    cause="The rules stand in the wrong order: that of log_sigma first.",
    line="lambda z, mu, ls: lambda g: g * (z - mu), lambda z, mu, ls: lambda g: g)",
)
def rules_exchanged(f, mu, log_sigma, draw):
    sample = primitive(lambda mu, log_sigma: draw(mu, np.exp(log_sigma)))
    defvjp(sample, lambda z, mu, ls: lambda g: g * (z - mu), lambda z, mu, ls: lambda g: g)
    return grad(lambda m, s: anp.sum(f(sample(m, s))), (0, 1))(mu, log_sigma)


@wrong(
    "sample_gradients",
    cause="The rules hold the local derivatives alone: the gradient that arrives is not multiplied in.",
    line="lambda g: np.ones_like(z)",
)
def chain_rule_forgotten(f, mu, log_sigma, draw):
    sample = primitive(lambda mu, log_sigma: draw(mu, np.exp(log_sigma)))
    defvjp(sample, lambda z, mu, ls: lambda g: np.ones_like(z), lambda z, mu, ls: lambda g: z - mu)
    return grad(lambda m, s: anp.sum(f(sample(m, s))), (0, 1))(mu, log_sigma)


@wrong(
    "sample_gradients",
    cause="z is divided by sigma in the rule of mu; dz/dmu is 1.",
    line="lambda g: g / np.exp(ls)",
)
def divided_in_the_rule_of_mu(f, mu, log_sigma, draw):
    sample = primitive(lambda mu, log_sigma: draw(mu, np.exp(log_sigma)))
    defvjp(sample, lambda z, mu, ls: lambda g: g / np.exp(ls), lambda z, mu, ls: lambda g: g * (z - mu))
    return grad(lambda m, s: anp.sum(f(sample(m, s))), (0, 1))(mu, log_sigma)


@wrong(
    "sample_gradients",
    cause="There is one sigma too many: (z - mu) is sigma eps already.",
    line="g * (z - mu) * np.exp(ls)",
)
def one_sigma_too_many(f, mu, log_sigma, draw):
    sample = primitive(lambda mu, log_sigma: draw(mu, np.exp(log_sigma)))
    defvjp(sample, lambda z, mu, ls: lambda g: g, lambda z, mu, ls: lambda g: g * (z - mu) * np.exp(ls))
    return grad(lambda m, s: anp.sum(f(sample(m, s))), (0, 1))(mu, log_sigma)


@wrong(
    "sample_gradients",
    cause="The noise is drawn anew in place of found from z.",
    line="rng.standard_normal",
)
def own_noise_in_the_rule(f, mu, log_sigma, draw):
    rng = np.random.default_rng()
    sample = primitive(lambda mu, log_sigma: draw(mu, np.exp(log_sigma)))
    defvjp(
        sample,
        lambda z, mu, ls: lambda g: g,
        lambda z, mu, ls: lambda g: g * np.exp(ls) * rng.standard_normal(z.shape),
    )
    return grad(lambda m, s: anp.sum(f(sample(m, s))), (0, 1))(mu, log_sigma)
