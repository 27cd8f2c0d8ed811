"""Right answers to notebook 06."""

import math

import autograd.numpy as anp
import numpy as np
from autograd import elementwise_grad, grad, make_vjp
from scipy import stats


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
    "reparameterize": [sample_by_scipy, sample_by_loops, sample_by_autograd, sample_by_einsum, sample_single],
    "pathwise_gradient": [path_by_loop, path_single, path_by_chain_rule],
    "sigma_bar": [sigma_bar_by_autograd, sigma_bar_by_loops, sigma_bar_single],
    "reparameterize_vjp": [vjp_by_autograd, vjp_by_loops, vjp_as_list, vjp_from_the_sample],
    "dropout_vjp": [dropout_by_where, dropout_by_loops, dropout_by_autograd, dropout_single],
}
