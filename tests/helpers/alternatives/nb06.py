"""Right answers to notebook 06."""

import math

import autograd.numpy as anp
import numpy as np
from autograd import elementwise_grad, grad, make_vjp
from autograd.extend import defvjp, defvjp_argnums, primitive
from scipy import stats

from course_utils.networks.reparameterization import leave_one_out
from course_utils.probability.gaussians import diagonal_gaussian_log_prob


# score_function_gradient
def score_by_z(f, mu, sigma, eps):
    z = mu + sigma * eps
    return f(z) * (z - mu) / sigma**2


def score_by_loop(f, mu, sigma, eps):
    return [float(f(mu + sigma * e)) * e / sigma for e in eps]


def score_by_autograd(f, mu, sigma, eps):
    z = mu + sigma * eps
    slope = elementwise_grad(lambda m: -0.5 * ((z - m) / sigma) ** 2)
    return f(z) * slope(np.full(len(z), mu))


def score_single(f, mu, sigma, eps):
    eps = np.asarray(eps, "f4")
    return f(np.float32(mu) + np.float32(sigma) * eps) * eps / np.float32(sigma)


# score_function_loss
def loss_with_the_librarys_baseline(mu, log_sigma, z, rewards):
    log_q = diagonal_gaussian_log_prob(z, mu, log_sigma)
    return -anp.mean((rewards - leave_one_out(rewards)) * log_q)


def loss_written_out(mu, log_sigma, z, rewards):
    S = len(rewards)
    sigma = anp.exp(log_sigma)
    log_q = anp.sum(-((z - mu) ** 2) / (2 * sigma**2) - log_sigma - 0.5 * np.log(2 * np.pi), axis=1)
    advantage = S / (S - 1) * (rewards - np.mean(rewards))  # the own reward taken out of the mean of all
    return -anp.dot(advantage, log_q) / S


def loss_by_loop(mu, log_sigma, z, rewards):
    total = 0.0
    for s in range(len(rewards)):
        others = [r for i, r in enumerate(rewards) if i != s]
        total = total + (rewards[s] - sum(others) / len(others)) * diagonal_gaussian_log_prob(z[s], mu, log_sigma)
    return -total / len(rewards)


def loss_by_autograds_densities(mu, log_sigma, z, rewards):
    from autograd.scipy.stats import norm

    weights = rewards - (rewards.sum() - rewards) / (rewards.size - 1)
    return anp.mean(-weights[:, None] * norm.logpdf(z, mu, anp.exp(log_sigma))) * len(mu)


# sample_gradients
def gradients_by_one_rule_for_both(f, mu, log_sigma, draw):
    @primitive
    def sample(mu, log_sigma):
        return draw(mu, np.exp(log_sigma))

    def rules(argnums, z, args, kwargs):
        return lambda z_bar: [z_bar if i == 0 else z_bar * (z - args[0]) for i in argnums]

    defvjp_argnums(sample, rules)
    return grad(lambda q: anp.sum(f(sample(q[0], q[1]))))((mu, log_sigma))


def gradients_by_a_primitive_of_sigma(f, mu, log_sigma, draw):
    sample = primitive(lambda mu, sigma: draw(mu, sigma))
    defvjp(
        sample,
        lambda z, mu, sigma: lambda g: g,
        lambda z, mu, sigma: lambda g: g * (z - mu) / sigma,
    )
    return list(grad(lambda m, s: anp.sum(f(sample(m, anp.exp(s)))), (0, 1))(mu, log_sigma))


def gradients_by_hand(f, mu, log_sigma, draw):
    z = draw(mu, np.exp(log_sigma))
    z_bar = elementwise_grad(f)(z)
    return z_bar, z_bar * (z - mu)


def gradients_through_the_noise(f, mu, log_sigma, draw):
    eps = (draw(mu, np.exp(log_sigma)) - mu) / np.exp(log_sigma)
    return tuple(grad(lambda *q: anp.sum(f(q[0] + anp.exp(q[1]) * eps)), i)(mu, log_sigma) for i in (0, 1))


# reparameterize
def sample_by_scipy(mu, log_sigma, eps):
    return stats.norm.ppf(stats.norm.cdf(eps), loc=mu, scale=np.exp(log_sigma))


def sample_by_loops(mu, log_sigma, eps):
    if eps.ndim == 3:
        return [sample_by_loops(mu, log_sigma, e) for e in eps]
    return [[m + math.exp(s) * e for m, s, e in zip(*rows)] for rows in zip(mu, log_sigma, eps)]


def sample_by_autograd(mu, log_sigma, eps):
    return anp.add(mu, anp.exp(log_sigma) * eps)


def sample_by_einsum(mu, log_sigma, eps):
    return np.einsum("nk,...nk->...nk", np.exp(log_sigma), eps) + mu


def sample_single(mu, log_sigma, eps):
    return mu.astype("f4") + np.exp(log_sigma.astype("f4")) * eps.astype("f4")


# pathwise_gradient
def path_by_loop(df, mu, sigma, eps):
    return [df(mu + sigma * e) for e in eps]


def path_single(df, mu, sigma, eps):
    return df((mu + sigma * eps).astype("f4"))


def path_by_chain_rule(df, mu, sigma, eps):
    z = np.add(mu, np.multiply(sigma, eps))
    return df(z) * np.ones_like(z)


# sigma_bar
def sigma_bar_by_autograd(z_bar, eps):
    return grad(lambda sigma: anp.sum(z_bar * sigma * eps))(np.ones_like(eps))


def sigma_bar_by_loops(z_bar, eps):
    return [[g * e for g, e in zip(*rows)] for rows in zip(z_bar, eps)]


def sigma_bar_single(z_bar, eps):
    return np.multiply(z_bar, eps, dtype="f4", casting="same_kind")


# reparameterize_vjp
def vjp_by_autograd(z_bar, log_sigma, eps):
    vjp, _ = make_vjp(lambda args: args[0] + anp.exp(args[1]) * eps)((np.zeros_like(eps), log_sigma))
    return vjp(z_bar)


def vjp_by_loops(z_bar, log_sigma, eps):
    return z_bar, [[g * math.exp(s) * e for g, s, e in zip(*rows)] for rows in zip(z_bar, log_sigma, eps)]


def vjp_as_list(z_bar, log_sigma, eps):
    return [z_bar.copy(), sigma_bar_single(z_bar, eps) * np.exp(log_sigma)]


def vjp_from_the_sample(z_bar, log_sigma, eps):
    z_minus_mu = np.exp(log_sigma) * eps
    return np.stack([z_bar, z_bar * z_minus_mu])


# dropout_vjp
def dropout_by_where(h_bar, mask, rate):
    return np.where(np.asarray(mask) > 0, h_bar, 0) / (1 - rate)


def dropout_by_loops(h_bar, mask, rate):
    return [[g / (1 - rate) if kept else 0.0 for g, kept in zip(*rows)] for rows in zip(h_bar, mask)]


def dropout_by_autograd(h_bar, mask, rate):
    return grad(lambda h: anp.sum(h_bar * h * mask / (1 - rate)))(np.ones_like(h_bar))


def dropout_single(h_bar, mask, rate):
    return h_bar.astype("f4") * mask.astype("f4") / np.float32(1 - rate)


ALTERNATIVES = {
    "score_function_gradient": [score_by_z, score_by_loop, score_by_autograd, score_single],
    "score_function_loss": [
        loss_with_the_librarys_baseline,
        loss_written_out,
        loss_by_loop,
        loss_by_autograds_densities,
    ],
    "sample_gradients": [
        gradients_by_one_rule_for_both,
        gradients_by_a_primitive_of_sigma,
        gradients_by_hand,
        gradients_through_the_noise,
    ],
    "reparameterize": [sample_by_scipy, sample_by_loops, sample_by_autograd, sample_by_einsum, sample_single],
    "pathwise_gradient": [path_by_loop, path_single, path_by_chain_rule],
    "sigma_bar": [sigma_bar_by_autograd, sigma_bar_by_loops, sigma_bar_single],
    "reparameterize_vjp": [vjp_by_autograd, vjp_by_loops, vjp_as_list, vjp_from_the_sample],
    "dropout_vjp": [dropout_by_where, dropout_by_loops, dropout_by_autograd, dropout_single],
}
