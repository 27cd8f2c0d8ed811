"""Right answers to notebook 08."""

import autograd.numpy as anp
import numpy as np
from autograd import grad
from scipy import special, stats

from course_utils.models.vae import init_vae
from course_utils.networks.nets import init_mlp
from course_utils.networks.optim import adam, minibatches


def run(params, h, tanh=np.tanh):
    for W, b in params[:-1]:
        h = tanh(h @ W + b)
    W, b = params[-1]
    return h @ W + b


# vae_elbo
def elbo_by_loops(encoder, decoder, x, eps):
    eps = np.reshape(eps, (-1, *np.shape(eps)[-2:]))
    result = []
    for n, row in enumerate(x):
        h = run(encoder, row)
        K = len(h) // 2
        kl = sum((m * m + np.exp(2 * s) - 1) / 2 - s for m, s in zip(h[:K], h[K:]))
        log_p = 0.0
        for noise in eps[:, n]:
            logits = run(decoder, h[:K] + np.exp(h[K:]) * noise)
            log_p += sum(-np.logaddexp(0, -l) if pixel else -np.logaddexp(0, l) for pixel, l in zip(row, logits))
        result.append(log_p / len(eps) - kl)
    return result


def elbo_single(encoder, decoder, x, eps):
    encoder, decoder = [[(W.astype("f4"), b.astype("f4")) for W, b in part] for part in (encoder, decoder)]
    mu, s = np.split(run(encoder, x.astype("f4")), 2, axis=1)
    logits = run(decoder, mu + np.exp(s) * eps.astype("f4"))
    log_p = np.sum(special.log_expit((2 * x - 1).astype("f4") * logits), axis=-1)
    log_p = log_p.reshape(-1, len(x)).mean(axis=0)
    return log_p - 0.5 * np.sum(mu**2 + np.exp(2 * s) - 2 * s - 1, axis=1)


def elbo_by_softplus(encoder, decoder, x, eps):
    h = run(encoder, x, anp.tanh)
    mu, sigma = h[:, : h.shape[1] // 2], anp.exp(h[:, h.shape[1] // 2 :])
    logits = run(decoder, mu + sigma * eps, anp.tanh)
    softplus = anp.maximum(logits, 0) + anp.log1p(anp.exp(-anp.abs(logits)))
    log_p = anp.einsum("nd,...nd->...n", x, logits) - anp.sum(softplus, axis=-1)
    while log_p.ndim > 1:
        log_p = anp.mean(log_p, axis=0)
    return log_p + anp.sum(anp.log(sigma) - (mu**2 + sigma**2 - 1) / 2, axis=1)


# vae_train
def plain_autograd(x, sizes, steps, rng):
    """In double precision, with own networks that start from 0 mean images."""
    K = sizes[-1]
    params = [init_mlp([*sizes[:-1], 2 * K], rng, float), init_mlp(sizes[::-1], rng, float)]

    def loss(params, batch):
        rows, eps = batch
        return -anp.mean(elbo_by_softplus(params[0], params[1], rows, eps))

    batches = ((rows, rng.normal(size=(len(rows), K))) for rows in minibatches(x, 64, steps, rng))
    return adam(loss, params, batches, steps, step_size=4e-3)


def usual_step_size(x, sizes, steps, rng):
    """Two samples per example, minibatches of 100, a step size of 2e-3, lists back."""
    params = init_vae(x.mean(axis=0), sizes, rng)
    batches = (
        (rows, rng.normal(size=(2, len(rows), sizes[-1])).astype("f4")) for rows in minibatches(x, 100, steps, rng)
    )
    encoder, decoder = adam(
        lambda p, b: -anp.sum(elbo_by_softplus(*p, *b)) / 100, params, batches, steps, step_size=2e-3
    )
    return [list(map(list, encoder)), list(map(list, decoder))]


def momentum(x, sizes, steps, rng):
    """Plain steps with momentum."""
    params = [[list(layer) for layer in part] for part in init_vae(x.mean(axis=0), sizes, rng)]
    slope = grad(lambda p, rows, eps: -anp.sum(elbo_by_softplus(*p, rows, eps)) / len(rows))
    speed = [[[0 * a for a in layer] for layer in part] for part in params]
    for rows in minibatches(x, 100, steps, rng):
        g = slope(params, rows, rng.standard_normal((len(rows), sizes[-1]), dtype=np.float32))
        speed = [[[0.9 * v - 0.006 * d for v, d in zip(*pair)] for pair in zip(*both)] for both in zip(speed, g)]
        params = [[[a + v for a, v in zip(*pair)] for pair in zip(*both)] for both in zip(params, speed)]
    return params


# vae_generate
def by_expit(decoder, z):
    return special.expit(run(decoder, z))


def by_tanh(decoder, z):
    return [(0.5 + 0.5 * np.tanh(run(decoder, row) / 2)).tolist() for row in z]


def generate_single(decoder, z):
    return 1 / (1 + np.exp(-run([(W.astype("f4"), b.astype("f4")) for W, b in decoder], z.astype("f4"))))


# vae_log_likelihood
def likelihood_by_scipy(encoder, decoder, x, eps):
    mu, s = np.split(run(encoder, x), 2, axis=1)
    z = mu + np.exp(s) * eps
    log_p = special.log_expit((2 * x - 1) * run(decoder, z)).sum(axis=-1)
    log_w = log_p + stats.norm.logpdf(z).sum(axis=-1) - stats.norm.logpdf(z, mu, np.exp(s)).sum(axis=-1)
    return special.logsumexp(log_w, axis=0, b=1 / len(eps))


def likelihood_one_by_one(encoder, decoder, x, eps):
    total = np.full(len(x), -np.inf)
    for noise in eps:
        mu, s = np.split(run(encoder, x), 2, axis=1)
        z = mu + np.exp(s) * noise
        log_w = elbo_by_softplus([(np.zeros((x.shape[1], 2 * mu.shape[1])), np.zeros(2 * mu.shape[1]))], decoder, x, z)
        total = np.logaddexp(total, log_w + np.sum((noise**2 - z**2) / 2 + s, axis=1))
    return total - np.log(len(eps))


def likelihood_single(encoder, decoder, x, eps):
    encoder, decoder = [[(W.astype("f4"), b.astype("f4")) for W, b in part] for part in (encoder, decoder)]
    x, eps = x.astype("f4"), eps.astype("f4")
    mu, s = np.split(run(encoder, x), 2, axis=1)
    z = mu + np.exp(s) * eps
    logits = run(decoder, z)
    log_w = np.sum(x * logits - np.logaddexp(0, logits), -1) + np.sum((eps**2 - z**2) / 2 + s, -1)
    top = log_w.max(axis=0)
    return top + np.log(np.mean(np.exp(log_w - top), axis=0))


# ppca_fit
def ppca_by_svd(x, K):
    mean = x.mean(axis=0)
    _, s, C = np.linalg.svd(x - mean, full_matrices=False)
    eta = (np.sum((x - mean) ** 2) - np.sum(s[:K] ** 2)) / len(x) / (x.shape[1] - K)
    return C[:K].T @ np.diag(np.sqrt(s[:K] ** 2 / len(x) - eta)), mean, eta


def ppca_turned(x, K):
    """Any rotation of z is as good."""
    W, mean, eta = ppca_by_svd(x, K)
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(K, K)))[0]
    return (W @ turn).tolist(), mean.tolist(), float(eta)


def ppca_by_em(x, K):
    """Tipping and Bishop's EM algorithm, until it stands still."""
    mean = x.mean(axis=0)
    u = x - mean
    S, D = u.T @ u / len(x), x.shape[1]
    W, eta = np.random.default_rng(0).normal(size=(D, K)), 1.0
    for _ in range(20_000):
        old = W
        M_inv = np.linalg.inv(W.T @ W + eta * np.eye(K))
        W = S @ W @ np.linalg.inv(eta * np.eye(K) + M_inv @ W.T @ S @ W)
        eta = np.trace(S - S @ old @ M_inv @ W.T) / D
        if np.abs(W - old).max() < 1e-9:
            break
    return W, mean, eta


def ppca_single(x, K):
    values, vectors = np.linalg.eigh(np.cov(x.astype("f4").T, bias=True, dtype="f4"))
    eta = values[:-K].mean()
    return vectors[:, -K:] * np.sqrt(values[-K:] - eta), x.mean(axis=0, dtype="f4"), eta


# active_units
def active_by_loop(mu):
    return len([k for k in range(mu.shape[1]) if np.var(mu[:, k]) > 0.01])


def active_by_covariance(mu):
    return np.count_nonzero(np.diag(np.atleast_2d(np.cov(mu.T))) > 1e-2)


def active_single(mu):
    return float(sum(mu.astype("f4").std(axis=0) > 0.1))


ALTERNATIVES = {
    "vae_elbo": [elbo_by_loops, elbo_single, elbo_by_softplus],
    "vae_train": [plain_autograd, usual_step_size, momentum],
    "vae_generate": [by_expit, by_tanh, generate_single],
    "vae_log_likelihood": [likelihood_by_scipy, likelihood_one_by_one, likelihood_single],
    "ppca_fit": [ppca_by_svd, ppca_turned, ppca_by_em, ppca_single],
    "active_units": [active_by_loop, active_by_covariance, active_single],
}
