"""The third blind set: six wrong answers to each of sixteen exercises that were drawn at random, from the cards alone.

What was measured before anything was changed stands in README.md.
"""

import autograd.numpy as anp
import numpy as np
from autograd import grad
from scipy.special import expit, logsumexp
from scipy.stats import norm

from course_utils.models.amortization import elbo_of_q
from course_utils.networks.nets import mlp
from wrong_corpus import wrong

# 00


@wrong(
    "log_mean_exp",
    cause="The size counted is that of the first axis, not of all entries.",
    line="len(a)",
)
def length_for_size(a):
    a = np.asarray(a)
    top = a.max()
    return top + np.log(np.exp(a - top).sum() / len(a))


@wrong(
    "log_mean_exp",
    cause="The number of entries is subtracted, not its logarithm.",
    line="- np.size(a)",
)
def size_without_log(a):
    return logsumexp(a) - np.size(a)


@wrong(
    "log_mean_exp",
    cause="The maximum is added back inside the logarithm.",
    line="np.log(m + ",
)
def maximum_inside_the_log(a):
    m = np.max(a)
    return np.log(m + np.mean(np.exp(a - m)))


@wrong(
    "log_mean_exp",
    cause="Only the last axis is reduced: several values come out, and not one.",
    line="axis=-1",
)
def last_axis_only(a):
    m = np.max(a)
    return m + np.log(np.mean(np.exp(a - m), axis=-1))


@wrong(
    "log_mean_exp",
    cause="The result is divided by n outside of the logarithm.",
    line="/ a.size",
)
def mean_outside_the_log(a):
    a = np.array(a, float)
    biggest = a.max()
    total = biggest + np.log(np.sum(np.exp(a - biggest)))
    return total / a.size


@wrong(
    "log_mean_exp",
    cause="The running sum starts at 1 and not at 0.",
    line="total = 1.0",
)
def loop_starts_at_one(a):
    flat = np.ravel(a)
    biggest = max(flat)
    total = 1.0
    for value in flat:
        total += np.exp(value - biggest)
    return biggest + np.log(total / len(flat))


# 01


@wrong(
    "residual_variance",
    cause="x is not centred: the mean is not subtracted before it is projected.",
    line="x @ components.T",
)
def projected_without_centring(x, components):
    reconstruction = (x @ components.T) @ components
    return np.mean(np.sum((x - reconstruction) ** 2, axis=1))


@wrong(
    "residual_variance",
    cause="The mean is not added back to the reconstruction.",
    line="x - reconstruction",
)
def mean_not_added_back(x, components):
    mean = x.mean(axis=0)
    reconstruction = (x - mean) @ components.T @ components
    return np.mean(np.sum((x - reconstruction) ** 2, axis=1))


@wrong(
    "residual_variance",
    cause="The squared distances are averaged over the dimensions, too.",
    line="np.mean(",
)
def mean_over_all_entries(x, components):
    centred = x - x.mean(0)
    left = centred - centred @ components.T @ components
    return np.mean(left**2)


@wrong(
    "residual_variance",
    cause="The distance is not squared.",
    line="np.linalg.norm",
)
def distance_not_squared_again(x, components):
    c = x - np.mean(x, axis=0)
    rec = c @ components.T @ components
    return np.linalg.norm(c - rec, axis=1).mean()


@wrong(
    "residual_variance",
    cause="This is the variance inside of the subspace; the rest of the total is asked for.",
)
def variance_inside(x, components):
    codes = (x - x.mean(axis=0)) @ components.T
    return np.sum(np.var(codes, axis=0))


@wrong(
    "residual_variance",
    cause="The two variances divide by different numbers: np.cov by N - 1.",
    line="np.cov",
)
def covariance_with_n_minus_one(x, components):
    total = np.trace(np.cov(x.T))
    codes = (x - x.mean(axis=0)) @ components.T
    return total - (codes**2).sum(axis=1).mean()


@wrong(
    "linear_ae_gradients",
    cause="The factor 2 of the square's derivative is missing.",
    line="r = ",
)
def two_forgotten(x, U, V):
    z = x @ V.T
    r = (z @ U.T - x) / len(x)
    return r.T @ z, (r @ U).T @ x


@wrong(
    "linear_ae_gradients",
    cause="The sign is wrong: the derivative of x - UVx with respect to U has a minus.",
    line="r = x -",
)
def residual_sign(x, U, V):
    N = x.shape[0]
    z = x @ V.T
    r = x - z @ U.T
    dU = 2 / N * r.T @ z
    dV = 2 / N * U.T @ r.T @ x
    return dU, dV


@wrong(
    "linear_ae_gradients",
    cause="Both are divided by N D, not by N.",
    line="x.size",
)
def mean_over_entries(x, U, V):
    z = x @ V.T
    x_hat_bar = -2 * (x - z @ U.T) / x.size
    return x_hat_bar.T @ z, U.T @ x_hat_bar.T @ x


@wrong(
    "linear_ae_gradients",
    cause="The two gradients are returned in the wrong order.",
    line="return dV, dU",
)
def order_of_the_two(x, U, V):
    r = x @ V.T @ U.T - x
    dU = 2 * r.T @ (x @ V.T) / len(x)
    dV = 2 * U.T @ (r.T @ x) / len(x)
    return dV, dU


@wrong(
    "linear_ae_gradients",
    cause="For dV, the error goes back through V instead of U.",
    line="dV = ",
)
def back_through_v(x, U, V):
    n = len(x)
    z = x @ V.T
    error = z @ U.T - x
    dU = 2 / n * error.T @ z
    dV = 2 / n * (error @ V.T).T @ x
    return dU, dV


@wrong(
    "linear_ae_gradients",
    cause="dU takes x where the codes z belong, projected afterwards with U instead of V.",
    line="dU = ",
)
def codes_with_u(x, U, V):
    x_hat = x @ V.T @ U.T
    x_hat_bar = 2 * (x_hat - x) / len(x)
    dU = x_hat_bar.T @ (x @ U)
    dV = (x_hat_bar @ U).T @ x
    return dU, dV


# 02


@wrong(
    "nearest_neighbour_accuracy",
    cause="The farthest training code is taken, not the nearest.",
    line="argmax",
)
def farthest_code(codes_train, y_train, codes_test, y_test):
    d = ((codes_test[:, None, :] - codes_train[None, :, :]) ** 2).sum(axis=-1)
    return np.mean(y_train[d.argmax(axis=1)] == y_test)


@wrong(
    "nearest_neighbour_accuracy",
    cause="The number of hits is returned, not their share.",
    line="hits += ",
)
def hits_counted(codes_train, y_train, codes_test, y_test):
    hits = 0
    for code, label in zip(codes_test, y_test):
        nearest = np.argmin(np.linalg.norm(codes_train - code, axis=1))
        hits += int(y_train[nearest] == label)
    return hits


@wrong(
    "nearest_neighbour_accuracy",
    cause="The distance is the sum of absolute differences, not the Euclidean one.",
    line="np.abs",
)
def city_block_distance_again(codes_train, y_train, codes_test, y_test):
    distance = np.abs(codes_test[:, None] - codes_train[None]).sum(axis=2)
    guess = y_train[np.argmin(distance, axis=1)]
    return (guess == y_test).mean()


@wrong(
    "nearest_neighbour_accuracy",
    cause="The share of errors is returned, not that of hits.",
    line="!=",
)
def share_of_errors(codes_train, y_train, codes_test, y_test):
    wrong_ones = 0
    for i in range(len(codes_test)):
        d = np.sum((codes_train - codes_test[i]) ** 2, axis=1)
        if y_train[np.argmin(d)] != y_test[i]:
            wrong_ones += 1
    return wrong_ones / len(codes_test)


@wrong(
    "nearest_neighbour_accuracy",
    cause="The nearest is sought among the test codes for each training code: argmin over the wrong axis.",
    line="axis=0",
)
def argmin_over_the_test_codes(codes_train, y_train, codes_test, y_test):
    d = np.linalg.norm(codes_test[:, None] - codes_train, axis=2)
    nearest = d.argmin(axis=0)
    return np.mean(y_test[nearest] == y_train)


@wrong(
    "nearest_neighbour_accuracy",
    cause="The most similar code by the dot product is taken, not the nearest one.",
    line="@ codes_train.T",
)
def dot_product_similarity(codes_train, y_train, codes_test, y_test):
    similarity = codes_test @ codes_train.T
    best = similarity.argmax(axis=1)
    return np.mean(y_train[best] == y_test)


# 03


def _log_normal(x, mean, variance):
    return -0.5 * np.sum((x - mean) ** 2, axis=-1) / variance - 0.5 * x.shape[-1] * np.log(2 * np.pi * variance)


def _pictures(decoder, z):
    flat = decoder(z.reshape(-1, z.shape[-1]))
    return flat.reshape(*z.shape[:-1], -1)


@wrong(
    "log_marginal_importance",
    cause="The weights lack the division by q(z).",
    line="log_w = ",
)
def without_the_proposal(x, decoder, eta, mu, log_sigma, eps):
    z = mu + np.exp(log_sigma) * eps
    log_prior = norm.logpdf(z).sum(axis=-1)
    log_lik = _log_normal(x, _pictures(decoder, z), eta)
    log_w = log_prior + log_lik
    return logsumexp(log_w, axis=0) - np.log(len(eps))


@wrong(
    "log_marginal_importance",
    cause="log q(z) lacks -log sigma: it is the density of eps, not that of z.",
    line="log_q = ",
)
def density_of_the_noise(x, decoder, eta, mu, log_sigma, eps):
    sigma = np.exp(log_sigma)
    z = mu + sigma * eps
    log_q = norm.logpdf(eps).sum(axis=2)
    log_p = norm.logpdf(z).sum(axis=2) + _log_normal(x, _pictures(decoder, z), eta)
    return logsumexp(log_p - log_q, axis=0) - np.log(eps.shape[0])


@wrong(
    "log_marginal_importance",
    cause="The mean of the log weights is taken: that is a bound, the log belongs outside of the mean.",
    line="np.mean",
)
def mean_of_log_weights(x, decoder, eta, mu, log_sigma, eps):
    z = mu + np.exp(log_sigma) * eps
    log_q = -0.5 * np.sum(eps**2 + 2 * log_sigma + np.log(2 * np.pi), axis=-1)
    log_p_z = -0.5 * np.sum(z**2 + np.log(2 * np.pi), axis=-1)
    log_p_x = _log_normal(x, _pictures(decoder, z), eta)
    return np.mean(log_p_x + log_p_z - log_q, axis=0)


@wrong(
    "log_marginal_importance",
    cause="The prior is evaluated at mu, not at the samples z.",
    line="log_prior = ",
)
def prior_at_the_mean(x, decoder, eta, mu, log_sigma, eps):
    S = eps.shape[0]
    z = mu[None] + np.exp(log_sigma)[None] * eps
    log_prior = np.sum(norm.logpdf(mu), axis=-1)
    log_q = np.sum(norm.logpdf(z, mu, np.exp(log_sigma)), axis=-1)
    log_w = log_prior + _log_normal(x, _pictures(decoder, z), eta) - log_q
    top = log_w.max(axis=0)
    return top + np.log(np.exp(log_w - top).sum(axis=0) / S)


@wrong(
    "log_marginal_importance",
    cause=(
        "The exponential of log_sigma is half as large as it should be: sigma = exp(log_sigma / 2) takes"
        " it for a log variance."
    ),
    line="log_sigma / 2",
)
def log_variance_habit(x, decoder, eta, mu, log_sigma, eps):
    sigma = np.exp(log_sigma / 2)
    z = mu + sigma * eps
    log_q = np.sum(-0.5 * eps**2 - np.log(sigma) - 0.5 * np.log(2 * np.pi), axis=2)
    log_prior = np.sum(-0.5 * z**2 - 0.5 * np.log(2 * np.pi), axis=2)
    log_lik = _log_normal(x, _pictures(decoder, z), eta)
    return logsumexp(log_lik + log_prior - log_q, axis=0) - np.log(len(z))


@wrong(
    "log_marginal_importance",
    cause="The weights are summed, not averaged: log S is not subtracted.",
    line="return",
)
def weights_summed(x, decoder, eta, mu, log_sigma, eps):
    z = mu + np.exp(log_sigma) * eps
    log_q = norm.logpdf(z, mu, np.exp(log_sigma)).sum(axis=-1)
    joint = norm.logpdf(z).sum(axis=-1) + _log_normal(x, _pictures(decoder, z), eta)
    return logsumexp(joint - log_q, axis=0)


# 04


@wrong(
    "elbo_on_grid",
    cause="log q is added, not subtracted.",
    line="log_joint(grid) + ",
)
def entropy_subtracted(log_joint, q, grid):
    log_q = np.log(np.where(q > 0, q, 1))
    return np.trapezoid(q * (log_joint(grid) + log_q), grid)


@wrong(
    "elbo_on_grid",
    cause="The weights of the trapezoid rule are missing: the points are summed with one step width.",
    line="width = ",
)
def one_width_for_all(log_joint, q, grid):
    width = grid[1] - grid[0]
    inside = q > 0
    return np.sum(q[inside] * (log_joint(grid[inside]) - np.log(q[inside]))) * width


@wrong(
    "elbo_on_grid",
    cause="The integrand is not multiplied by q.",
    line="integrand = ",
)
def not_weighted_by_q_again(log_joint, q, grid):
    safe = np.where(q > 0, q, 1.0)
    integrand = np.where(q > 0, log_joint(grid) - np.log(safe), 0)
    return np.trapezoid(integrand, grid)


@wrong(
    "elbo_on_grid",
    cause="Where q is 0, the points are taken out of the grid, so that the rule bridges the gap.",
    line="keep",
)
def zeros_cut_out(log_joint, q, grid):
    keep = q > 0
    return np.trapezoid(q[keep] * (log_joint(grid[keep]) - np.log(q[keep])), grid[keep])


@wrong(
    "elbo_on_grid",
    cause="The arguments of the trapezoid rule are exchanged: values first, then the grid.",
    line="np.trapezoid(grid",
)
def grid_first(log_joint, q, grid):
    values = np.zeros(len(grid))
    values[q > 0] = q[q > 0] * (log_joint(grid[q > 0]) - np.log(q[q > 0]))
    return np.trapezoid(grid, values)


@wrong(
    "elbo_on_grid",
    cause="The loop takes the value at the left of each step, not the mean of both ends.",
    line="total += ",
)
def left_ends(log_joint, q, grid):
    total = 0.0
    for i in range(len(grid) - 1):
        if q[i] > 0:
            total += (grid[i + 1] - grid[i]) * q[i] * (log_joint(grid[i]) - np.log(q[i]))
    return total


@wrong(
    "iwae_bound",
    cause="The mean of the log weights is taken.",
    line="np.mean",
)
def mean_of_logs(log_w):
    return np.mean(log_w, axis=0)


@wrong(
    "iwae_bound",
    cause="It averages over the examples, not over the samples.",
    line="axis=1",
)
def over_the_examples(log_w):
    return logsumexp(log_w, axis=1) - np.log(log_w.shape[1])


@wrong(
    "iwae_bound",
    cause="log N is subtracted, where log S belongs.",
    line="np.log(N)",
)
def n_for_s(log_w):
    N = log_w.shape[1]
    return logsumexp(log_w, axis=0) - np.log(N)


@wrong(
    "iwae_bound",
    cause="The maximum is not added back.",
    line="return",
)
def maximum_not_added_back(log_w):
    m = log_w.max(axis=0, keepdims=True)
    w = np.exp(log_w - m)
    return np.log(w.mean(axis=0))


@wrong(
    "iwae_bound",
    cause="The mean over the examples is returned, one number for all.",
    line=".mean()",
)
def mean_bound(log_w):
    m = log_w.max(axis=0)
    return (m + np.log(np.mean(np.exp(log_w - m), axis=0))).mean()


@wrong(
    "iwae_bound",
    cause="The weights are normalised first, so that their mean is always 1/S.",
    line="log_w -= ",
)
def normalised_weights(log_w):
    log_w = log_w.copy()
    log_w -= logsumexp(log_w, axis=0)
    return logsumexp(log_w, axis=0) - np.log(len(log_w))


# 05


@wrong(
    "expected_squared_error",
    cause="The variance term is left out: only the error at the mean is computed.",
    line="return",
)
def error_at_the_mean_again(x, W, b, mu, log_sigma):
    r = x - mu @ W.T - b
    return np.sum(r**2, axis=1)


@wrong(
    "expected_squared_error",
    cause="sigma stands where its square belongs.",
    line="np.exp(log_sigma)",
)
def sigma_not_squared(x, W, b, mu, log_sigma):
    fixed = np.sum((x - mu @ W.T - b) ** 2, axis=1)
    spread = np.exp(log_sigma) @ np.sum(W**2, axis=0)
    return fixed + spread


@wrong(
    "expected_squared_error",
    cause=(
        "The squared length of the columns of W is summed over the wrong axis: one for each row, "
        "multiplied with nothing that fits."
    ),
    line="W.sum(axis=0) ** 2",
)
def squared_after_the_sum(x, W, b, mu, log_sigma):
    fixed = ((x - mu @ W.T - b) ** 2).sum(axis=1)
    random = (np.exp(2 * log_sigma) * W.sum(axis=0) ** 2).sum(axis=1)
    return fixed + random


@wrong(
    "expected_squared_error",
    cause="The variance is subtracted.",
    line="- np.sum(",
)
def spread_subtracted_again(x, W, b, mu, log_sigma):
    var = np.exp(log_sigma) ** 2
    return np.sum((x - (mu @ W.T + b)) ** 2, 1) - np.sum(var @ (W.T**2), 1)


@wrong(
    "expected_squared_error",
    cause="b is added to the residual, not subtracted.",
    line="+ b",
)
def bias_added(x, W, b, mu, log_sigma):
    residual = x - mu @ W.T + b
    lengths = np.einsum("dk,dk->k", W, W)
    return np.einsum("nd,nd->n", residual, residual) + np.exp(2 * log_sigma) @ lengths


@wrong(
    "expected_squared_error",
    cause="W is left out of the variance term: it is the sum of the variances alone.",
    line="trace = ",
)
def variance_without_w(x, W, b, mu, log_sigma):
    fixed = np.linalg.norm(x - mu @ W.T - b, axis=1) ** 2
    trace = np.sum(np.exp(2 * log_sigma), axis=1)
    return fixed + trace


# 06


@wrong(
    "sigma_bar",
    cause="eps is left out: that is the gradient of mu.",
    line="return",
)
def gradient_of_mu(z_bar, eps):
    return z_bar


@wrong(
    "sigma_bar",
    cause="It divides by eps, where it should multiply.",
    line="/ eps",
)
def divided_by_eps(z_bar, eps):
    return z_bar / eps


@wrong(
    "sigma_bar",
    cause="It is summed over the examples.",
    line=".sum(",
)
def summed_over_examples(z_bar, eps):
    return (z_bar * eps).sum(axis=0)


@wrong(
    "sigma_bar",
    cause="z_bar is left out: only the local derivative is returned.",
    line="return",
)
def local_derivative(z_bar, eps):
    return eps.copy()


@wrong(
    "sigma_bar",
    cause="eps is squared.",
    line="eps ** 2",
)
def eps_squared(z_bar, eps):
    return z_bar * eps**2


@wrong(
    "sigma_bar",
    cause="1 is added: the derivative of mu is added to that of sigma.",
    line="(1 + eps)",
)
def both_derivatives(z_bar, eps):
    return z_bar * (1 + eps)


# 07


@wrong(
    "refine_q",
    cause="The step goes downhill: the gradient is subtracted.",
    line="-= step_size",
)
def downhill_again(decoder, x, mu, log_sigma, eps, step_size):
    mu, log_sigma = mu.copy(), log_sigma.copy()
    for noise in eps:
        slope_mu = grad(lambda m: anp.sum(elbo_of_q(decoder, x, m, log_sigma, noise)))(mu)  # noqa: B023
        slope_ls = grad(lambda s: anp.sum(elbo_of_q(decoder, x, mu, s, noise)))(log_sigma)  # noqa: B023
        mu -= step_size * slope_mu
        log_sigma -= step_size * slope_ls
    return mu, log_sigma


@wrong(
    "refine_q",
    cause="log_sigma's slope is taken at the mu that has moved already: both move at once.",
    line="mu = mu + ",
)
def one_after_the_other_again(decoder, x, mu, log_sigma, eps, step_size):
    for t in range(len(eps)):
        d_mu = grad(lambda m: anp.sum(elbo_of_q(decoder, x, m, log_sigma, eps[t])))  # noqa: B023
        mu = mu + step_size * d_mu(mu)
        d_sigma = grad(lambda s: anp.sum(elbo_of_q(decoder, x, mu, s, eps[t])))  # noqa: B023
        log_sigma = log_sigma + step_size * d_sigma(log_sigma)
    return mu, log_sigma


@wrong(
    "refine_q",
    cause="The mean over the examples is differentiated: every slope is divided by N.",
    line="anp.mean",
)
def mean_over_examples(decoder, x, mu, log_sigma, eps, step_size):
    def objective(q, noise):
        return anp.mean(elbo_of_q(decoder, x, q[0], q[1], noise))

    slope = grad(objective)
    for noise in eps:
        g = slope((mu, log_sigma), noise)
        mu, log_sigma = mu + step_size * g[0], log_sigma + step_size * g[1]
    return mu, log_sigma


@wrong(
    "refine_q",
    cause="All T noises are used in one step, and not one noise for each step.",
    line="reshape",
)
def all_noises_at_once(decoder, x, mu, log_sigma, eps, step_size):
    noise = eps.reshape(-1, *eps.shape[2:])
    slopes = grad(lambda q: anp.sum(elbo_of_q(decoder, x, q[0], q[1], noise)))((mu, log_sigma))
    return mu + step_size * slopes[0], log_sigma + step_size * slopes[1]


@wrong(
    "refine_q",
    cause="Only mu moves; log_sigma is returned as it came.",
    line="return mu, log_sigma",
)
def only_mu_moves_again(decoder, x, mu, log_sigma, eps, step_size):
    def objective(mu, noise):
        return anp.sum(elbo_of_q(decoder, x, mu, log_sigma, noise))

    for noise in eps:
        mu = mu + step_size * grad(objective)(mu, noise)
    return mu, log_sigma


@wrong(
    "refine_q",
    cause="Every step uses the first noise.",
    line="eps[0]",
)
def first_noise_always_again(decoder, x, mu, log_sigma, eps, step_size):
    for _ in range(len(eps)):
        g_mu, g_ls = grad(lambda q: anp.sum(elbo_of_q(decoder, x, *q, eps[0])))((mu, log_sigma))
        mu = mu + step_size * g_mu
        log_sigma = log_sigma + step_size * g_ls
    return mu, log_sigma


# 08


@wrong(
    "vae_generate",
    cause="The logits are returned: the sigmoid is missing.",
    line="return mlp",
)
def logits_returned_again(decoder, z):
    return mlp(decoder, z)


@wrong(
    "vae_generate",
    cause="The sign in the exponent is wrong: this is the probability of black.",
    line="np.exp(mlp",
)
def probability_of_black_again(decoder, z):
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(mlp(decoder, z)))


@wrong(
    "vae_generate",
    cause="Pixels are drawn, or thresholded, where their probability is asked.",
    line="> 0.5",
)
def thresholded(decoder, z):
    probabilities = expit(mlp(decoder, z))
    return (probabilities > 0.5).astype(float)


@wrong(
    "vae_generate",
    cause="A softmax over the pixels is taken, where each pixel has a sigmoid of its own.",
    line="logsumexp",
)
def softmax_of_pixels(decoder, z):
    logits = mlp(decoder, z)
    return np.exp(logits - logsumexp(logits, axis=1, keepdims=True))


@wrong(
    "vae_generate",
    cause="New noise is added to z, which is a sample already.",
    line="standard_normal",
)
def noise_added_to_the_codes(decoder, z):
    rng = np.random.default_rng(0)
    z = z + rng.standard_normal(z.shape)
    return expit(mlp(decoder, z))


@wrong(
    "vae_generate",
    cause="The sigmoid is applied twice.",
    line="expit(expit",
)
def two_sigmoids(decoder, z):
    return expit(expit(mlp(decoder, z)))


# 09


@wrong(
    "style_grid",
    cause="The label comes first: the decoder's inputs are [z, y].",
    line="np.concatenate",
)
def label_first(decoder, label, C, zs):
    y = np.zeros((len(zs), C))
    y[:, label] = 1
    logits = mlp(decoder, np.concatenate([y, zs], axis=1))
    return expit(logits)


@wrong(
    "style_grid",
    cause="The labels are counted from 1: the one-hot vector is one place too early.",
    line="label - 1",
)
def labels_from_one(decoder, label, C, zs):
    y = np.eye(C)[label - 1]
    inputs = np.hstack([zs, np.tile(y, (len(zs), 1))])
    return expit(mlp(decoder, inputs))


@wrong(
    "style_grid",
    cause="The sigmoid is missing.",
    line="return",
)
def no_sigmoid(decoder, label, C, zs):
    y = np.tile(np.eye(C)[label], (zs.shape[0], 1))
    return mlp(decoder, np.hstack((zs, y)))


@wrong(
    "style_grid",
    cause="exp overflows for large logits: 1 - 1/(1 + e^l) is fine, e^l / (1 + e^l) is not.",
    line="np.exp(l) /",
)
def overflowing_sigmoid(decoder, label, C, zs):
    y = np.zeros((len(zs), C))
    y[np.arange(len(zs)), label] = 1.0
    l = mlp(decoder, np.hstack([zs, y]))
    return np.exp(l) / (1 + np.exp(l))


@wrong(
    "style_grid",
    cause="The label is passed as a number, repeated C times, and not one-hot.",
    line="np.full",
)
def label_as_a_number_again(decoder, label, C, zs):
    y = np.full((len(zs), C), float(label))
    return 1 / (1 + np.exp(-mlp(decoder, np.concatenate([zs, y], axis=1))))


@wrong(
    "style_grid",
    cause="Only the first code is decoded with the label: the others have y = 0.",
    line="y[0, label]",
)
def only_the_first_row_has_a_label(decoder, label, C, zs):
    y = np.zeros((len(zs), C))
    y[0, label] = 1
    return expit(mlp(decoder, np.hstack([zs, y])))


# 10


@wrong(
    "slerp",
    cause="The weights of a and b are exchanged: it goes from b to a.",
    line="np.sin(t * omega) * a",
)
def from_b_to_a_again(a, b, steps):
    cosine = np.clip(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)), -1, 1)
    omega = np.arccos(cosine)
    t = np.linspace(0, 1, steps)[:, None]
    if omega < 1e-6:
        return t * a + (1 - t) * b
    return (np.sin(t * omega) * a + np.sin((1 - t) * omega) * b) / np.sin(omega)


@wrong(
    "slerp",
    cause="The codes are not divided by their lengths before the arccosine.",
    line="np.arccos",
)
def angle_without_lengths(a, b, steps):
    omega = np.arccos(np.clip(np.dot(a, b), -1, 1))
    t = np.linspace(0, 1, steps)
    if np.isclose(np.sin(omega), 0):
        return np.outer(1 - t, a) + np.outer(t, b)
    return (np.outer(np.sin((1 - t) * omega), a) + np.outer(np.sin(t * omega), b)) / np.sin(omega)


@wrong(
    "slerp",
    cause="The same direction is not treated: 0 / 0 where the angle is 0.",
    line="return",
)
def parallel_codes_forgotten(a, b, steps):
    omega = np.arccos(np.clip(np.sum(a * b) / np.sqrt(np.sum(a**2) * np.sum(b**2)), -1, 1))
    t = np.linspace(0, 1, steps).reshape(-1, 1)
    return (np.sin((1 - t) * omega) * a + np.sin(t * omega) * b) / np.sin(omega)


@wrong(
    "slerp",
    cause="The end point is left out: linspace with endpoint=False, or arange(steps) / steps.",
    line="/ steps",
)
def end_left_out(a, b, steps):
    na, nb = a / np.linalg.norm(a), b / np.linalg.norm(b)
    omega = np.arccos(np.clip(na @ nb, -1.0, 1.0))
    t = np.arange(steps)[:, None] / steps
    if omega < 1e-7:
        return (1 - t) * a + t * b
    return np.sin((1 - t) * omega) / np.sin(omega) * a + np.sin(t * omega) / np.sin(omega) * b


@wrong(
    "slerp",
    cause="a and b are scaled to length 1, and their lengths are lost.",
    line="a / np.linalg.norm(a)",
)
def lengths_lost(a, b, steps):
    a = a / np.linalg.norm(a)
    b = b / np.linalg.norm(b)
    omega = np.arccos(np.clip(a @ b, -1, 1))
    t = np.linspace(0, 1, steps)[:, None]
    if omega < 1e-8:
        return (1 - t) * a + t * b
    return (np.sin((1 - t) * omega) * a + np.sin(t * omega) * b) / np.sin(omega)


@wrong(
    "slerp",
    cause="The division by sin(omega) is missing.",
    line="points.append",
)
def not_divided(a, b, steps):
    omega = np.arccos(min(1.0, a @ b / np.linalg.norm(a) / np.linalg.norm(b)))
    points = []
    for t in np.linspace(0, 1, steps):
        if omega < 1e-6:
            points.append((1 - t) * a + t * b)
        else:
            points.append(np.sin((1 - t) * omega) * a + np.sin(t * omega) * b)
    return np.array(points)


# 11


def _distances(a, b):
    return np.sqrt(((a[:, None] - b[None]) ** 2).sum(axis=2))


@wrong(
    "precision_recall",
    cause="A point is its own first neighbour here: the radius is that of neighbour k - 1.",
    line="[:, k - 1]",
)
def own_neighbour_counted(real, fake, k):
    radius_real = np.sort(_distances(real, real), axis=1)[:, k - 1]
    radius_fake = np.sort(_distances(fake, fake), axis=1)[:, k - 1]
    d = _distances(fake, real)
    precision = np.mean((d <= radius_real).any(axis=1))
    recall = np.mean((d.T <= radius_fake).any(axis=1))
    return precision, recall


@wrong(
    "precision_recall",
    cause="Precision and recall are exchanged.",
    line="return recall, precision",
)
def exchanged_results(real, fake, k):
    d = _distances(real, fake)
    r_real = np.sort(_distances(real, real), axis=0)[k]
    r_fake = np.sort(_distances(fake, fake), axis=0)[k]
    precision = np.mean(np.any(d <= r_real[:, None], axis=0))
    recall = np.mean(np.any(d <= r_fake[None], axis=1))
    return recall, precision


@wrong(
    "precision_recall",
    cause=("The balls belong to the other set: the radius of the point itself is used, not that of the ball's centre."),
    line="r_fake[:, None]",
)
def radius_of_the_point_itself(real, fake, k):
    r_real = np.sort(_distances(real, real), axis=1)[:, k]
    r_fake = np.sort(_distances(fake, fake), axis=1)[:, k]
    d = _distances(fake, real)
    precision = np.mean((d <= r_fake[:, None]).any(axis=1))
    recall = np.mean((d <= r_real[None, :]).any(axis=0))
    return precision, recall


@wrong(
    "precision_recall",
    cause="A point counts only if all balls cover it: all() where any() belongs.",
    line=".all(axis",
)
def in_all_balls(real, fake, k):
    r_real = np.sort(_distances(real, real))[:, k]
    r_fake = np.sort(_distances(fake, fake))[:, k]
    d = _distances(fake, real)
    return (d <= r_real).all(axis=1).mean(), (d <= r_fake[:, None]).all(axis=0).mean()


@wrong(
    "precision_recall",
    cause="Only the nearest point of the other set is asked whether its ball reaches, and not every one.",
    line="argmin",
)
def nearest_ball_alone(real, fake, k):
    def share(points, centres):
        radii = np.sort(_distances(centres, centres), axis=1)[:, k]
        d = _distances(points, centres)
        nearest = d.argmin(axis=1)
        return float(np.mean(d[np.arange(len(points)), nearest] <= radii[nearest]))

    return share(fake, real), share(real, fake)


@wrong(
    "precision_recall",
    cause="The squared distance is compared with the distance.",
    line="radii = ",
)
def squared_against_plain(real, fake, k):
    def covered(points, centres):
        squared = ((points[:, None] - centres) ** 2).sum(-1)
        radii = np.sort(_distances(centres, centres), axis=1)[:, k]
        return np.mean((squared <= radii).any(axis=1))

    return covered(fake, real), covered(real, fake)


# 12


@wrong(
    "ans_pop",
    cause="The state is divided by 2^r, but not multiplied by the symbol's count.",
    line="rest = ",
)
def count_forgotten(state, starts, precision):
    slot = state & ((1 << precision) - 1)
    symbol = max(i for i in range(len(starts) - 1) if starts[i] <= slot)
    rest = (state >> precision) + slot - starts[symbol]
    return symbol, rest


@wrong(
    "ans_pop",
    cause="The start of the symbol is not subtracted from the slot.",
    line="+ slot",
)
def start_not_subtracted_again(state, starts, precision):
    slot = state % 2**precision
    symbol = 0
    while starts[symbol + 1] <= slot:
        symbol += 1
    count = starts[symbol + 1] - starts[symbol]
    return symbol, count * (state // 2**precision) + slot


@wrong(
    "ans_pop",
    cause="A slot that equals a start belongs to the symbol that begins there: <= and not <.",
    line="starts[i] < slot",
)
def slot_at_a_start(state, starts, precision):
    r = 2**precision
    slot = state % r
    symbol = 0
    for i in range(len(starts) - 1):
        if starts[i] < slot:
            symbol = i
    return symbol, (starts[symbol + 1] - starts[symbol]) * (state // r) + slot - starts[symbol]


@wrong(
    "ans_pop",
    cause="The quotient is a float, which has not enough digits for large states: // and not /.",
    line="int(state / ",
)
def float_division(state, starts, precision):
    slot = int(state) % (1 << precision)
    symbol = int(np.searchsorted(starts, slot, side="right")) - 1
    count = int(starts[symbol + 1]) - int(starts[symbol])
    return symbol, count * int(state / 2**precision) + slot - int(starts[symbol])


@wrong(
    "ans_pop",
    cause="The pair is returned in the wrong order.",
    line="return",
)
def state_first(state, starts, precision):
    quotient, slot = divmod(state, 1 << precision)
    symbol = next(s for s in range(len(starts) - 1) if starts[s] <= slot < starts[s + 1])
    return (starts[symbol + 1] - starts[symbol]) * quotient + slot - starts[symbol], symbol


@wrong(
    "ans_pop",
    cause="The symbol is one too large: searchsorted gives the index of the next start.",
    line="searchsorted",
)
def symbol_one_too_large_again(state, starts, precision):
    slot = state % (2**precision)
    symbol = int(np.searchsorted(starts[:-1], slot, side="right"))
    begin = int(starts[symbol - 1])
    end = int(starts[symbol])
    return symbol, (end - begin) * (state // 2**precision) + slot - begin


# 13


@wrong(
    "prequential_bits",
    cause="It is in nats: not divided by log 2.",
    line="return",
)
def in_nats_again(log_probs):
    return -np.sum(log_probs)


@wrong(
    "prequential_bits",
    cause="The sign is missing: a length is positive.",
    line="return",
)
def negative_length_again(log_probs):
    return np.sum(log_probs) / np.log(2)


@wrong(
    "prequential_bits",
    cause="The mean is returned, where the length of the whole message is asked.",
    line="mean",
)
def bits_per_label(log_probs):
    return -np.mean(log_probs) / np.log(2)


@wrong(
    "prequential_bits",
    cause="exp underflows at -1000: log2(exp(l)) is l / log 2.",
    line="np.exp",
)
def through_probabilities(log_probs):
    return -np.sum(np.log2(np.exp(log_probs)))


@wrong(
    "prequential_bits",
    cause="log2 is taken of log probabilities: they are logarithms already.",
    line="np.log2",
)
def log_of_a_log(log_probs):
    return np.sum(np.log2(-log_probs))


@wrong(
    "prequential_bits",
    cause="It is multiplied by log 2, where it should be divided.",
    line="* np.log(2)",
)
def multiplied_by_log_two_again(log_probs):
    bits = 0
    for l in log_probs:
        bits += -l * np.log(2)
    return bits
