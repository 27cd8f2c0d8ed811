"""Wrong answers to notebook 13, from the cards alone."""

import autograd.numpy as anp
import numpy as np
from scipy.special import logsumexp, softmax
from scipy.stats import multivariate_normal

from wrong_corpus import wrong

# --- weight_prices ----------------------------------------------------------------------------------------------------


@wrong(
    "weight_prices",
    cause="This is the divergence from N(0, 1): tau is not used.",
    line="np.exp(2 * log_sigma) + mu**2 - 1",
)
def standard_prior(mu, log_sigma, tau):
    return 0.5 * (np.exp(2 * log_sigma) + mu**2 - 1 - 2 * log_sigma)


@wrong(
    "weight_prices",
    cause="tau is taken for a variance: its square is missing.",
    line="/ tau - 1",
)
def tau_is_a_variance(mu, log_sigma, tau):
    variance = np.exp(2 * log_sigma)
    return 0.5 * ((variance + mu**2) / tau - 1 + np.log(tau) - np.log(variance))


@wrong(
    "weight_prices",
    cause="mu is not squared.",
    line="sigma**2 + mu)",
)
def mean_not_squared(mu, log_sigma, tau):
    sigma = np.exp(log_sigma)
    return np.log(tau / sigma) + (sigma**2 + mu) / (2 * tau**2) - 0.5


@wrong(
    "weight_prices",
    cause="The prices are summed; one for each weight is asked.",
    line="np.sum(",
)
def summed_over_the_weights(mu, log_sigma, tau):
    sigma = np.exp(log_sigma)
    return np.sum(np.log(tau) - log_sigma + (sigma**2 + mu**2) / (2 * tau**2) - 0.5)


@wrong(
    "weight_prices",
    cause="This is KL(p || q): the divergence is turned round.",
    line="(tau**2 + mu**2) / (2 * sigma**2)",
)
def turned_round(mu, log_sigma, tau):
    sigma = np.exp(log_sigma)
    return np.log(sigma / tau) + (tau**2 + mu**2) / (2 * sigma**2) - 0.5


@wrong(
    "weight_prices",
    cause="log tau is forgotten in the log ratio.",
    line="- 1 - 2 * log_sigma",
)
def log_tau_forgotten(mu, log_sigma, tau):
    return 0.5 * (np.exp(2 * log_sigma) / tau**2 + mu**2 / tau**2 - 1 - 2 * log_sigma)


@wrong(
    "weight_prices",
    cause="The prices are in bits; nats are asked.",
    line="/ np.log(2)",
)
def in_bits(mu, log_sigma, tau):
    sigma = np.exp(log_sigma)
    nats = np.log(tau / sigma) + 0.5 * (sigma**2 + mu**2) / tau**2 - 0.5
    return nats / np.log(2)


@wrong(
    "weight_prices",
    cause="log_sigma is taken for the log of the variance.",
    line="variance = np.exp(log_sigma)",
)
def log_variance_read(mu, log_sigma, tau):
    variance = np.exp(log_sigma)
    return 0.5 * ((variance + mu**2) / tau**2 - 1 - log_sigma + 2 * np.log(tau))


@wrong(
    "weight_prices",
    cause="The mean is not divided by tau^2.",
    line="(sigma / tau) ** 2 + mu**2",
)
def mean_not_scaled(mu, log_sigma, tau):
    sigma = np.exp(log_sigma)
    return 0.5 * ((sigma / tau) ** 2 + mu**2 - 1) - log_sigma + np.log(tau)


@wrong(
    "weight_prices",
    cause="The factor 1/2 is missing.",
    line="return (sigma**2 + mu**2)",
)
def half_forgotten(mu, log_sigma, tau):
    sigma = np.exp(log_sigma)
    return (sigma**2 + mu**2) / tau**2 - 1 - 2 * np.log(sigma / tau)


# --- bayes_by_backprop_elbo -------------------------------------------------------------------------------------------


def _kl(mu, log_sigma, tau):
    return anp.sum(0.5 * ((anp.exp(2 * log_sigma) + mu**2) / tau**2 - 1) - log_sigma + anp.log(tau))


@wrong(
    "bayes_by_backprop_elbo",
    cause="The log likelihood is averaged over the examples; it is a sum.",
    line="anp.mean(log_lik)",
)
def mean_over_the_examples(mu, log_sigma, x, y, eta, tau, eps):
    w = mu + anp.exp(log_sigma) * eps
    errors = y - anp.dot(w, x.T)
    log_lik = -0.5 * errors**2 / eta - 0.5 * anp.log(2 * anp.pi * eta)
    return anp.mean(log_lik) - _kl(mu, log_sigma, tau)


@wrong(
    "bayes_by_backprop_elbo",
    cause="eta is squared: it is the variance already.",
    line="eta**2",
)
def eta_is_a_deviation(mu, log_sigma, x, y, eta, tau, eps):
    w = mu + anp.exp(log_sigma) * eps
    errors = y - w @ x.T
    log_lik = anp.sum(-0.5 * errors**2 / eta**2 - 0.5 * anp.log(2 * anp.pi * eta**2), axis=1)
    return anp.mean(log_lik) - _kl(mu, log_sigma, tau)


@wrong(
    "bayes_by_backprop_elbo",
    cause="The constants -N/2 log(2 pi eta) are left out.",
    line="-0.5 * anp.sum(errors**2, axis=1) / eta",
)
def constants_left_out(mu, log_sigma, x, y, eta, tau, eps):
    w = mu + anp.exp(log_sigma) * eps
    errors = y - w @ x.T
    log_lik = -0.5 * anp.sum(errors**2, axis=1) / eta
    return anp.mean(log_lik) - _kl(mu, log_sigma, tau)


@wrong(
    "bayes_by_backprop_elbo",
    cause="The KL term is subtracted for each example, N times; the weights are sent once.",
    line="len(y) * ",
)
def price_for_each_example(mu, log_sigma, x, y, eta, tau, eps):
    w = mu + anp.exp(log_sigma) * eps
    errors = y - w @ x.T
    log_lik = anp.sum(-0.5 * errors**2 / eta - 0.5 * anp.log(2 * anp.pi * eta), axis=1)
    return anp.mean(log_lik) - len(y) * _kl(mu, log_sigma, tau)


@wrong(
    "bayes_by_backprop_elbo",
    cause="The KL term is added.",
    line="+ _kl(",
)
def price_added(mu, log_sigma, x, y, eta, tau, eps):
    total = 0.0
    for e in eps:
        w = mu + anp.exp(log_sigma) * e
        total = total + anp.sum(-0.5 * (y - x @ w) ** 2 / eta) - 0.5 * len(y) * anp.log(2 * anp.pi * eta)
    return total / len(eps) + _kl(mu, log_sigma, tau)


@wrong(
    "bayes_by_backprop_elbo",
    cause="KL is estimated with the samples; the closed form is asked.",
    line="log_q - log_p",
)
def kl_from_the_samples(mu, log_sigma, x, y, eta, tau, eps):
    w = mu + anp.exp(log_sigma) * eps
    log_q = anp.sum(-0.5 * eps**2 - log_sigma, axis=1)
    log_p = anp.sum(-0.5 * w**2 / tau**2 - anp.log(tau), axis=1)
    log_lik = anp.sum(-0.5 * (y - w @ x.T) ** 2 / eta - 0.5 * anp.log(2 * anp.pi * eta), axis=1)
    return anp.mean(log_lik - (log_q - log_p))


@wrong(
    "bayes_by_backprop_elbo",
    cause="The samples of the weights are averaged before the likelihood is taken.",
    line="anp.mean(mu + anp.exp(log_sigma) * eps, axis=0)",
)
def weights_averaged(mu, log_sigma, x, y, eta, tau, eps):
    w = anp.mean(mu + anp.exp(log_sigma) * eps, axis=0)
    log_lik = anp.sum(-0.5 * (y - x @ w) ** 2 / eta - 0.5 * anp.log(2 * anp.pi * eta))
    return log_lik - _kl(mu, log_sigma, tau)


@wrong(
    "bayes_by_backprop_elbo",
    cause="The log likelihood is summed over the samples; it is averaged.",
    line="anp.sum(log_lik)",
)
def summed_over_the_samples(mu, log_sigma, x, y, eta, tau, eps):
    w = mu + anp.exp(log_sigma) * eps
    log_lik = -0.5 * (y - w @ x.T) ** 2 / eta - 0.5 * anp.log(2 * anp.pi * eta)
    return anp.sum(log_lik) - _kl(mu, log_sigma, tau)


@wrong(
    "bayes_by_backprop_elbo",
    cause="KL is the one from N(0, 1): tau is not used.",
    line="anp.exp(2 * log_sigma) + mu**2 - 1",
)
def prior_of_width_one(mu, log_sigma, x, y, eta, tau, eps):
    w = mu + anp.exp(log_sigma) * eps
    log_lik = anp.sum(-0.5 * (y - w @ x.T) ** 2 / eta - 0.5 * anp.log(2 * anp.pi * eta), axis=1)
    kl = 0.5 * anp.sum(anp.exp(2 * log_sigma) + mu**2 - 1 - 2 * log_sigma)
    return anp.mean(log_lik) - kl


@wrong(
    "bayes_by_backprop_elbo",
    cause="np is used in place of anp: float() of the result cannot be differentiated.",
    line="return float(",
)
def cannot_be_differentiated(mu, log_sigma, x, y, eta, tau, eps):
    w = mu + np.exp(log_sigma) * eps
    log_lik = np.sum(-0.5 * (y - w @ x.T) ** 2 / eta - 0.5 * np.log(2 * np.pi * eta), axis=1)
    return float(np.mean(log_lik) - _kl(mu, log_sigma, tau))


# --- log_evidence -----------------------------------------------------------------------------------------------------


@wrong(
    "log_evidence",
    cause="The determinant itself under- or overflows for many examples: slogdet is needed.",
    line="np.linalg.det",
)
def determinant_runs_out(x, y, eta, tau):
    C = eta * np.eye(len(y)) + tau**2 * x @ x.T
    return -0.5 * (len(y) * np.log(2 * np.pi) + np.log(np.linalg.det(C)) + y @ np.linalg.solve(C, y))


@wrong(
    "log_evidence",
    cause="tau is not squared.",
    line="tau * x @ x.T",
)
def tau_not_squared(x, y, eta, tau):
    C = eta * np.eye(len(y)) + tau * x @ x.T
    return multivariate_normal.logpdf(y, np.zeros(len(y)), C)


@wrong(
    "log_evidence",
    cause="eta is squared; it is the variance already.",
    line="eta**2",
)
def eta_squared(x, y, eta, tau):
    N = len(y)
    C = eta**2 * np.eye(N) + tau**2 * x @ x.T
    _, logdet = np.linalg.slogdet(C)
    return -0.5 * (N * np.log(2 * np.pi) + logdet + y @ np.linalg.inv(C) @ y)


@wrong(
    "log_evidence",
    cause="The constant N/2 log 2 pi is left out.",
    line="-0.5 * (logdet + ",
)
def constant_left_out(x, y, eta, tau):
    C = eta * np.eye(len(y)) + tau**2 * x @ x.T
    _, logdet = np.linalg.slogdet(C)
    return -0.5 * (logdet + y @ np.linalg.solve(C, y))


@wrong(
    "log_evidence",
    cause="The determinant is left out.",
    line="np.log(2 * np.pi) + quadratic",
)
def determinant_left_out(x, y, eta, tau):
    C = eta * np.eye(len(y)) + tau**2 * x @ x.T
    quadratic = y @ np.linalg.solve(C, y)
    return -0.5 * (len(y) * np.log(2 * np.pi) + quadratic)


@wrong(
    "log_evidence",
    cause="The constant counts the P weights; y has N dimensions.",
    line="P * np.log(2 * np.pi)",
)
def weights_counted(x, y, eta, tau):
    N, P = x.shape
    C = eta * np.eye(N) + tau**2 * x @ x.T
    return -0.5 * (P * np.log(2 * np.pi) + np.linalg.slogdet(C)[1] + y @ np.linalg.solve(C, y))


@wrong(
    "log_evidence",
    cause="eta is added to every entry of the covariance, not on the diagonal alone.",
    line="eta + tau**2",
)
def eta_everywhere(x, y, eta, tau):
    C = eta + tau**2 * x @ x.T + 1e-9 * np.eye(len(y))
    _, logdet = np.linalg.slogdet(C)
    return -0.5 * (len(y) * np.log(2 * np.pi) + logdet + y @ np.linalg.solve(C, y))


@wrong(
    "log_evidence",
    cause="This is the log likelihood at the posterior mean of the weights; nothing is integrated out.",
    line="x @ w",
)
def likelihood_at_the_mean(x, y, eta, tau):
    P = x.shape[1]
    w = np.linalg.solve(x.T @ x + eta / tau**2 * np.eye(P), x.T @ y)
    r = y - x @ w
    return -0.5 * np.sum(r**2) / eta - 0.5 * len(y) * np.log(2 * np.pi * eta)


@wrong(
    "log_evidence",
    cause="The factor 1/2 of the log determinant is missing.",
    line="- logdet",
)
def full_log_determinant(x, y, eta, tau):
    C = eta * np.eye(len(y)) + tau**2 * x @ x.T
    L = np.linalg.cholesky(C)
    a = np.linalg.solve(L, y)
    logdet = 2 * np.sum(np.log(np.diag(L)))
    return -0.5 * a @ a - logdet - 0.5 * len(y) * np.log(2 * np.pi)


@wrong(
    "log_evidence",
    cause="With Cholesky, log det is twice the sum of the logs of the diagonal; here it is once that.",
    line="logdet = np.sum(np.log(np.diag(L)))",
)
def cholesky_once(x, y, eta, tau):
    C = eta * np.eye(len(y)) + tau**2 * x @ x.T
    L = np.linalg.cholesky(C)
    a = np.linalg.solve(L, y)
    logdet = np.sum(np.log(np.diag(L)))
    return -0.5 * (a @ a + logdet + len(y) * np.log(2 * np.pi))


# --- best_mean_field --------------------------------------------------------------------------------------------------


@wrong(
    "best_mean_field",
    cause="The widths are the posterior's own marginals; the best independent q has 1 over the precision's diagonal.",
    line="np.diag(np.linalg.inv(precision))",
)
def posterior_marginals(x, y, eta, tau):
    P = x.shape[1]
    precision = x.T @ x / eta + np.eye(P) / tau**2
    mu = np.linalg.solve(precision, x.T @ y / eta)
    return mu, np.sqrt(np.diag(np.linalg.inv(precision)))


@wrong(
    "best_mean_field",
    cause="Variances are returned; standard deviations are asked.",
    line="1 / np.diag(precision)",
)
def variances_returned(x, y, eta, tau):
    P = x.shape[1]
    precision = x.T @ x / eta + np.eye(P) / tau**2
    mu = np.linalg.solve(precision, x.T @ y / eta)
    return mu, 1 / np.diag(precision)


@wrong(
    "best_mean_field",
    cause="The mean is least squares: the prior is left out.",
    line="np.linalg.lstsq",
)
def least_squares_mean(x, y, eta, tau):
    mu = np.linalg.lstsq(x, y, rcond=None)[0]
    sigma = 1 / np.sqrt(np.sum(x**2, axis=0) / eta + 1 / tau**2)
    return mu, sigma


@wrong(
    "best_mean_field",
    cause="tau is taken for a variance.",
    line="np.eye(P) / tau",
)
def tau_read_as_variance(x, y, eta, tau):
    P = x.shape[1]
    precision = x.T @ x / eta + np.eye(P) / tau
    mu = np.linalg.solve(precision, x.T @ y / eta)
    return mu, 1 / np.sqrt(np.diag(precision))


@wrong(
    "best_mean_field",
    cause="Each mean is fitted alone, as if the features were orthogonal: the coupling of the weights is ignored.",
    line="mu = (x.T @ y / eta) / precisions",
)
def each_weight_alone(x, y, eta, tau):
    precisions = np.sum(x**2, axis=0) / eta + 1 / tau**2
    mu = (x.T @ y / eta) / precisions
    return mu, precisions**-0.5


@wrong(
    "best_mean_field",
    cause="The ridge term is 1 / tau^2 without eta: it has to be eta / tau^2 beside x^T x.",
    line="x.T @ x + np.eye(P) / tau**2",
)
def eta_missing_in_the_ridge(x, y, eta, tau):
    P = x.shape[1]
    A = x.T @ x + np.eye(P) / tau**2
    mu = np.linalg.solve(A, x.T @ y)
    return mu, np.sqrt(eta / np.diag(A))


@wrong(
    "best_mean_field",
    cause="x^T y is not divided by eta.",
    line="np.linalg.solve(precision, x.T @ y)",
)
def not_divided_by_eta(x, y, eta, tau):
    P = x.shape[1]
    precision = x.T @ x / eta + np.eye(P) / tau**2
    mu = np.linalg.solve(precision, x.T @ y)
    return mu, 1 / np.sqrt(np.diag(precision))


@wrong(
    "best_mean_field",
    cause="The root of the precision is returned, the inverse of the standard deviation.",
    line="return mu, np.sqrt(np.diag(precision))",
)
def precision_for_deviation(x, y, eta, tau):
    P = x.shape[1]
    precision = x.T @ x / eta + np.eye(P) / tau**2
    mu = np.linalg.solve(precision, x.T @ y / eta)
    return mu, np.sqrt(np.diag(precision))


@wrong(
    "best_mean_field",
    cause="The prior's precision is left out of the widths.",
    line="np.sqrt(eta / np.sum(x**2, axis=0))",
)
def prior_left_out_of_the_widths(x, y, eta, tau):
    P = x.shape[1]
    mu = np.linalg.solve(x.T @ x + eta / tau**2 * np.eye(P), x.T @ y)
    return mu, np.sqrt(eta / np.sum(x**2, axis=0))


@wrong(
    "best_mean_field",
    cause="The log of the standard deviation is returned.",
    line="-0.5 * np.log(",
)
def log_sigma_returned(x, y, eta, tau):
    precision = x.T @ x / eta + np.eye(x.shape[1]) / tau**2
    mu = np.linalg.inv(precision) @ x.T @ y / eta
    return mu, -0.5 * np.log(np.diag(precision))


# --- best_prior_scale -------------------------------------------------------------------------------------------------


@wrong(
    "best_prior_scale",
    cause="The variance is returned: the root is missing.",
    line="return np.mean(",
)
def variance_returned(mu, log_sigma):
    return np.mean(mu**2 + np.exp(2 * log_sigma))


@wrong(
    "best_prior_scale",
    cause="The spread of q is left out: only the means count.",
    line="np.mean(mu**2)",
)
def means_only(mu, log_sigma):
    return np.sqrt(np.mean(mu**2))


@wrong(
    "best_prior_scale",
    cause="The mean of the means is subtracted (np.var): the prior is centred at 0.",
    line="np.var(mu)",
)
def centred_means(mu, log_sigma):
    return np.sqrt(np.var(mu) + np.mean(np.exp(2 * log_sigma)))


@wrong(
    "best_prior_scale",
    cause="log_sigma is taken for the log of the variance.",
    line="np.exp(log_sigma)",
)
def log_of_the_variance(mu, log_sigma):
    return np.sqrt(np.mean(mu**2 + np.exp(log_sigma)))


@wrong(
    "best_prior_scale",
    cause="The squares are summed, not averaged over the P weights.",
    line="np.sum(",
)
def sum_of_squares(mu, log_sigma):
    return np.sqrt(np.sum(mu**2 + np.exp(log_sigma) ** 2))


@wrong(
    "best_prior_scale",
    cause="A scale for each weight is returned; there is one for all.",
    line="np.sqrt(mu**2 + np.exp(2 * log_sigma))",
)
def one_for_each_weight(mu, log_sigma):
    return np.sqrt(mu**2 + np.exp(2 * log_sigma))


@wrong(
    "best_prior_scale",
    cause="The roots are averaged; the root is taken of the average.",
    line="np.mean(np.sqrt(",
)
def mean_of_roots(mu, log_sigma):
    return np.mean(np.sqrt(mu**2 + np.exp(2 * log_sigma)))


@wrong(
    "best_prior_scale",
    cause="sigma is not squared.",
    line="mu**2 + sigma",
)
def sigma_not_squared_with_mean(mu, log_sigma):
    sigma = np.exp(log_sigma)
    P = len(mu)
    total = sum((mu**2 + sigma)[p] for p in range(P))
    return (total / P) ** 0.5


@wrong(
    "best_prior_scale",
    cause="The means are not counted: this is the root mean square of sigma.",
    line="np.mean(np.exp(log_sigma) ** 2)",
)
def widths_only(mu, log_sigma):
    return np.sqrt(np.mean(np.exp(log_sigma) ** 2))


@wrong(
    "best_prior_scale",
    cause="It is divided by P - 1; the minimum has P.",
    line="/ (len(mu) - 1)",
)
def divided_by_one_less(mu, log_sigma):
    return np.sqrt(np.sum(mu**2 + np.exp(2 * log_sigma)) / (len(mu) - 1))


# --- local_reparameterization -----------------------------------------------------------------------------------------


@wrong(
    "local_reparameterization",
    cause="h is not squared in the variance.",
    line="h @ anp.exp(2 * log_sigma)",
)
def inputs_not_squared(h, mu, log_sigma, eps):
    variance = anp.abs(h @ anp.exp(2 * log_sigma))
    return h @ mu + anp.sqrt(variance) * eps


@wrong(
    "local_reparameterization",
    cause="Standard deviations are added up; variances add.",
    line="anp.abs(h) @ anp.exp(log_sigma)",
)
def deviations_added(h, mu, log_sigma, eps):
    return h @ mu + (anp.abs(h) @ anp.exp(log_sigma)) * eps


@wrong(
    "local_reparameterization",
    cause="The noise is multiplied by the variance: its root is missing.",
    line="return mean + variance * eps",
)
def variance_for_deviation(h, mu, log_sigma, eps):
    mean = h @ mu
    variance = h**2 @ anp.exp(log_sigma) ** 2
    return mean + variance * eps


@wrong(
    "local_reparameterization",
    cause="log_sigma is taken for the log of the variance.",
    line="h**2 @ anp.exp(log_sigma)",
)
def log_sigma_for_log_variance(h, mu, log_sigma, eps):
    return anp.dot(h, mu) + anp.sqrt(h**2 @ anp.exp(log_sigma)) * eps


@wrong(
    "local_reparameterization",
    cause="One draw of the weights serves all examples; each example has its own noise.",
    line="eps[0]",
)
def one_noise_for_all(h, mu, log_sigma, eps):
    return h @ mu + anp.sqrt(h**2 @ anp.exp(2 * log_sigma)) * eps[0]


@wrong(
    "local_reparameterization",
    cause="The sigmas are put through the layer like the means; squares have to be added.",
    line="h @ anp.exp(log_sigma)",
)
def sigma_through_the_layer(h, mu, log_sigma, eps):
    mean = h @ mu
    deviation = h @ anp.exp(log_sigma)
    return mean + deviation * eps


@wrong(
    "local_reparameterization",
    cause="Own random numbers are drawn; eps is given.",
    line="np.random.default_rng()",
)
def own_noise(h, mu, log_sigma, eps):
    W = mu + np.exp(log_sigma) * np.random.default_rng().standard_normal(mu.shape)
    return h @ W


@wrong(
    "local_reparameterization",
    cause="The square is taken of the sum, (h sigma)^2, and not of each term.",
    line="(h * anp.sum(anp.exp(log_sigma)",
)
def spread_does_not_depend_on_the_output(h, mu, log_sigma, eps):
    spread = anp.sqrt(anp.sum((h * anp.sum(anp.exp(log_sigma), axis=1)) ** 2, axis=1, keepdims=True))
    return h @ mu + spread * eps


@wrong(
    "local_reparameterization",
    cause="Only the mean is returned: the noise is not used.",
    line="return h @ mu",
)
def mean_alone(h, mu, log_sigma, eps):
    return h @ mu


@wrong(
    "local_reparameterization",
    cause="The spread is averaged over the inputs; variances are summed.",
    line="/ h.shape[1]",
)
def averaged_over_the_inputs(h, mu, log_sigma, eps):
    variance = (h**2) @ anp.exp(2 * log_sigma) / h.shape[1]
    return h @ mu + anp.sqrt(variance) * eps


# --- predictive -------------------------------------------------------------------------------------------------------


@wrong(
    "predictive",
    cause="The logits are averaged before the softmax; the probabilities have to be.",
    line="softmax(np.mean(logits, axis=0), axis=1)",
)
def logits_averaged(logits):
    return softmax(np.mean(logits, axis=0), axis=1)


@wrong(
    "predictive",
    cause="exp overflows for logits of 1000.",
    line="np.exp(logits)",
)
def softmax_overflows(logits):
    e = np.exp(logits)
    return np.mean(e / e.sum(axis=2, keepdims=True), axis=0)


@wrong(
    "predictive",
    cause="The softmax goes over the examples, and not over the classes.",
    line="softmax(logits, axis=1)",
)
def softmax_over_the_examples(logits):
    return softmax(logits, axis=1).mean(axis=0)


@wrong(
    "predictive",
    cause="The probabilities are summed over the samples; their mean is asked.",
    line="np.sum(",
)
def summed_over_the_draws(logits):
    return np.sum(softmax(logits, axis=-1), axis=0)


@wrong(
    "predictive",
    cause="The log probabilities are averaged: this is a geometric mean, which does not add up to 1.",
    line="np.exp(log_p.mean(axis=0))",
)
def geometric_mean(logits):
    log_p = logits - logsumexp(logits, axis=2, keepdims=True)
    return np.exp(log_p.mean(axis=0))


@wrong(
    "predictive",
    cause="The logarithm of the mean is returned; the probability is asked.",
    line="return logsumexp(log_p, axis=0) - np.log(len(logits))",
)
def log_of_the_mean(logits):
    log_p = logits - logsumexp(logits, axis=2, keepdims=True)
    return logsumexp(log_p, axis=0) - np.log(len(logits))


@wrong(
    "predictive",
    cause="The softmax goes over the samples.",
    line="shifted = logits - logits.max(axis=0)",
)
def softmax_over_the_samples(logits):
    shifted = logits - logits.max(axis=0)
    p = np.exp(shifted) / np.exp(shifted).sum(axis=0)
    return p.mean(axis=0)


@wrong(
    "predictive",
    cause="Only the first draw is used.",
    line="logits[0]",
)
def first_draw_only(logits):
    return softmax(logits[0], axis=1)


@wrong(
    "predictive",
    cause="Each class gets a sigmoid of its own, and not a softmax over the classes.",
    line="np.tanh(logits / 2)",
)
def sigmoids_for_softmax(logits):
    p = 0.5 * (1 + np.tanh(logits / 2))
    return p.mean(axis=0)


@wrong(
    "predictive",
    cause="The votes are counted: how many draws prefer each class, not their probabilities.",
    line="np.argmax(logits, axis=2)",
)
def votes(logits):
    C = logits.shape[2]
    return np.eye(C)[np.argmax(logits, axis=2)].mean(axis=0)


# --- prequential_bits -------------------------------------------------------------------------------------------------


@wrong(
    "prequential_bits",
    cause="The result is in nats: divide by log 2.",
    line="return -np.sum(log_probs)",
)
def in_nats(log_probs):
    return -np.sum(log_probs)


@wrong(
    "prequential_bits",
    cause="exp underflows for logs of -1000, and log2 of 0 is -inf.",
    line="np.log2(np.exp(log_probs))",
)
def through_the_probabilities(log_probs):
    return -np.sum(np.log2(np.exp(log_probs)))


@wrong(
    "prequential_bits",
    cause="The sign is missing: a length is positive.",
    line="np.sum(log_probs) / np.log(2)",
)
def negative_length(log_probs):
    return np.sum(log_probs) / np.log(2)


@wrong(
    "prequential_bits",
    cause="The bits are averaged over the labels; the length is their sum.",
    line="np.mean(",
)
def bits_a_label(log_probs):
    return -np.mean(log_probs) / np.log(2)


@wrong(
    "prequential_bits",
    cause="It is multiplied by log 2; it is divided by it.",
    line="* np.log(2)",
)
def multiplied_by_log_two(log_probs):
    return -np.sum(log_probs) * np.log(2)


@wrong(
    "prequential_bits",
    cause="The logarithm is taken of logarithms.",
    line="np.log2(-log_probs)",
)
def log_of_the_logs(log_probs):
    return np.sum(np.log2(-log_probs))


@wrong(
    "prequential_bits",
    cause="Each label's bits are rounded up; only the sum is asked, exactly.",
    line="np.ceil(",
)
def rounded_up(log_probs):
    bits = 0.0
    for lp in log_probs:
        bits += np.ceil(-lp / np.log(2))
    return bits


@wrong(
    "prequential_bits",
    cause="The bits so far are returned, one number for each label; their total is asked.",
    line="np.cumsum(",
)
def running_total(log_probs):
    return np.cumsum(-log_probs) / np.log(2)


@wrong(
    "prequential_bits",
    cause="It is divided by log 10: these are decimal digits, not bits.",
    line="np.log(10)",
)
def decimal_digits(log_probs):
    return -np.sum(log_probs) / np.log(10)


@wrong(
    "prequential_bits",
    cause="The first label is left out.",
    line="log_probs[1:]",
)
def first_label_free(log_probs):
    return -np.sum(log_probs[1:]) / np.log(2)
