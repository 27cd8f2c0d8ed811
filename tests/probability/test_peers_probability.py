"""The room beside its peers: scipy.stats, scipy's quadrature, scikit-learn, and PyTorch where it is installed.

Every comparison is drawn anew for several shapes, a single example and a single dimension among them, and in sizes
from the ordinary to where densities underflow.
"""

import warnings

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import elementwise_grad
from scipy import integrate, special, stats
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from course_utils.probability import (
    bounds,
    divergences,
    gaussian_mixture,
    gaussians,
    grids,
    likelihoods,
    marginals,
    mixtures,
    numerics,
)

SHAPES = [(1, 1), (1, 5), (6, 1), (7, 3), (4, 40)]
SIZES = [1e-3, 1.0, 30.0]
drawn = pytest.mark.parametrize("shape", SHAPES), pytest.mark.parametrize("size", SIZES)


def with_draws(test):
    """The test, once for every shape and size."""
    for mark in drawn:
        test = mark(test)
    return test


@pytest.fixture
def rng(request):
    """A generator of its own for every test and parameter."""
    return np.random.default_rng(list(request.node.name.encode()))


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="PyTorch is no dependency; it is compared where it is installed")


def tensor(torch, array, requires_grad=False):
    """The array as a tensor, by way of lists: some builds of PyTorch and NumPy cannot share memory."""
    return torch.tensor(np.asarray(array, float).tolist(), dtype=torch.float64, requires_grad=requires_grad)


def close(got, expected, rtol=1e-9, atol=1e-9):
    np.testing.assert_allclose(got, np.asarray(expected, float), rtol=rtol, atol=atol)


def pair(rng, shape, size):
    """Means and log standard deviations of two Gaussians."""
    mu_q, mu_p = size * rng.normal(size=(2, *shape))
    log_sigma_q, log_sigma_p = rng.normal(size=(2, *shape)) + np.log(size)
    return mu_q, log_sigma_q, mu_p, log_sigma_p


def a_mixture(rng, C, K, size=1.0):
    roots = rng.normal(size=(C, K, K))
    S = roots @ roots.swapaxes(1, 2) + 0.1 * np.eye(K)
    return rng.dirichlet(np.ones(C)), 2 * size * rng.normal(size=(C, K)), size**2 * S


# Densities


@with_draws
def test_gaussian_densities_are_scipys(rng, shape, size):
    x, mean = size * rng.normal(size=(2, *shape))
    log_sigma, eta = rng.normal(size=shape) + np.log(size), size**2 * rng.uniform(0.1, 3)
    same = [stats.multivariate_normal(m, eta * np.eye(shape[1])).logpdf(row) for row, m in zip(x, mean)]
    close(likelihoods.gaussian_log_prob(x, mean, eta), same)
    own = [stats.multivariate_normal(m, np.diag(np.exp(2 * s))).logpdf(row) for row, m, s in zip(x, mean, log_sigma)]
    close(gaussians.diagonal_gaussian_log_prob(x, mean, log_sigma), own)


@with_draws
def test_bernoulli_densities_are_scipys(rng, shape, size):
    x, logits = rng.integers(0, 2, shape), np.clip(size * rng.normal(size=shape), -30, 30)
    close(likelihoods.bernoulli_log_prob(x, logits), stats.bernoulli.logpmf(x, special.expit(logits)).sum(axis=1), 1e-4)
    exact = np.where(x == 1, special.log_expit(logits), special.log_expit(-logits)).sum(axis=1)
    close(likelihoods.bernoulli_log_prob(x, logits), exact, 1e-12, 1e-12)


@with_draws
def test_the_linear_marginal_is_scipys_gaussian(rng, shape, size):
    D = shape[1]
    for K in {1, D, D + 2}:
        x, W, b, eta = rng.normal(size=shape), rng.normal(size=(D, K)), rng.normal(size=D), size**2
        peer = stats.multivariate_normal(b, W @ W.T + eta * np.eye(D)).logpdf(x)
        close(marginals.log_marginal_linear(x, W, b, eta), np.reshape(peer, len(x)), 1e-7, 1e-7)


@with_draws
def test_sums_of_exponentials_are_scipys(rng, shape, size):
    a = 100 * size * rng.normal(size=shape)
    close(numerics.log_mean_exp(a), special.logsumexp(a) - np.log(a.size))
    close(bounds.iwae_bound(a), special.logsumexp(a, axis=0) - np.log(len(a)))


@pytest.mark.parametrize("h", [np.exp, np.log, np.sqrt, np.square])
def test_jensens_gap_is_that_of_scipys_expectations(rng, h):
    values, weights = np.arange(1, 7), rng.dirichlet(np.ones(6))
    X = stats.rv_discrete(values=(values, weights))
    close(bounds.jensen_gap(h, values, weights), X.expect(h) - h(X.mean()))


# Divergences


@pytest.mark.parametrize("C", [1, 2, 9, 500])
def test_categorical_divergences_are_scipys_entropies(rng, C):
    q, p = rng.dirichlet(np.full(C, 0.3), size=2)
    for first, second in ((q, p), (p, q), (q, q), (np.eye(C)[0], p)):
        close(divergences.kl_categorical(first, second), stats.entropy(first, second), 1e-9, 1e-12)


@pytest.mark.slow
@with_draws
def test_gaussian_divergences_are_the_integrals(rng, shape, size):
    mu_q, log_sigma_q, mu_p, log_sigma_p = pair(rng, shape, size)

    def divergence(q, p):
        def f(t):  # z = mean + t standard deviations of q, which puts the mass where quad looks for it
            z = q.mean() + t * q.std()
            return stats.norm.pdf(t) * (q.logpdf(z) - p.logpdf(z))

        return integrate.quad(f, -12, 12, epsabs=0, epsrel=1e-11)[0]

    at = [(0, 0), (-1, -1)]  # two entries: quad takes milliseconds
    for i, k in at:
        m_q, s_q, m_p, s_p = (float(a[i, k]) for a in (mu_q, log_sigma_q, mu_p, log_sigma_p))
        q, p = stats.norm(m_q, np.exp(s_q)), stats.norm(m_p, np.exp(s_p))
        one = [np.full((1, 1), a) for a in (m_q, s_q, m_p, s_p)]
        close(gaussians.kl_gaussians(*one), [divergence(q, p)], 1e-7, 1e-8)
        close(gaussians.kl_standard_normal(*one[:2]), [divergence(q, stats.norm())], 1e-7, 1e-8)
        point = gaussians.kl_to_point_mass(np.array([m_q]), np.exp(np.array([s_q])))
        close(point, [divergence(q, stats.norm())], 1e-7, 1e-8)


@pytest.mark.parametrize("name", ["normal", "laplace", "logistic", "gumbel_r", "t"])
def test_divergences_bounds_and_gaps_on_a_grid_are_the_integrals(name):
    """q is a density of scipy's, and p(x, z) a Gaussian times exp(-3): evidence -3, posterior N(0.3, 1.2^2)."""
    q = {"normal": stats.norm(-0.4, 0.7), "t": stats.t(30, 0.2, 0.5)}.get(name) or getattr(stats, name)(0.2, 0.4)
    p, grid = stats.norm(0.3, 1.2), np.linspace(-14, 14, 28_001)
    expected = integrate.quad(lambda z: q.pdf(z) * (q.logpdf(z) - p.logpdf(z)), -14, 14, points=[0.2], limit=400)[0]

    def log_joint(z):
        return p.logpdf(z) - 3

    close(divergences.kl_on_grid(q.logpdf(grid), p.logpdf(grid), grid), expected, 1e-5)
    close(grids.gap_on_grid(log_joint, q.pdf(grid), grid), expected, 1e-5)
    close(grids.elbo_on_grid(log_joint, q.pdf(grid), grid), -3 - expected, 1e-5)  # the Laplace density has a kink
    close(grids.log_evidence_on_grid(log_joint, grid), -3)
    close(grids.posterior_on_grid(log_joint, grid), p.pdf(grid))
    close(grids.gaussian_on_grid(grid, 0.3, 1.2), p.pdf(grid))
    close(grids.integrate(q.pdf(grid), grid), integrate.trapezoid(q.pdf(grid), grid))


# Mixtures


def scikit_learns(mixture, **options):
    """scikit-learn's mixture with these parameters (pi, mu, S); with max_iter it goes on from them."""
    pi, mu, S = mixture
    precisions = np.linalg.inv(S)
    peer = GaussianMixture(
        len(pi), weights_init=pi, means_init=mu, precisions_init=(precisions + precisions.swapaxes(1, 2)) / 2,
        tol=0, init_params="random", random_state=0, **options,
    )  # fmt: skip
    peer.weights_, peer.means_, peer.covariances_ = pi, mu, S
    peer.precisions_cholesky_ = np.linalg.cholesky(peer.precisions_init)
    return peer


@with_draws
def test_densities_of_mixtures_are_scikit_learns(rng, shape, size):
    N, K = shape
    for C in (1, 4):
        mixture = a_mixture(rng, C, K, size)
        z = size * rng.normal(size=(N, K))
        close(gaussian_mixture.gmm_log_prob(z, mixture), scikit_learns(mixture).score_samples(z), 1e-8)


@pytest.mark.parametrize("N, C", [(1, 2), (9, 1), (50, 3)])
def test_one_dimensional_mixtures_are_scikit_learns(rng, N, C):
    x, pi, mu, sigma = rng.normal(size=N), rng.dirichlet(np.ones(C)), rng.normal(size=C), rng.uniform(0.3, 2, C)
    peer = scikit_learns((pi, mu[:, None], sigma[:, None, None] ** 2))
    close(mixtures.mixture_log_prob(x, pi, mu, sigma), peer.score_samples(x[:, None]))
    r = mixtures.em_e_step(x, pi, mu, sigma)
    close(r, peer.predict_proba(x[:, None]))
    close(mixtures.mixture_elbo(x, r, pi, mu, sigma), peer.score_samples(x[:, None]))


@pytest.mark.parametrize("C", [1, 3])
def test_a_step_of_em_is_scikit_learns(rng, C):
    x, pi, mu, sigma = rng.normal(size=60), rng.dirichlet(np.ones(C)), rng.normal(size=C), rng.uniform(0.3, 2, C)
    after = mixtures.em_m_step(x, mixtures.em_e_step(x, pi, mu, sigma))
    peer = scikit_learns((pi, mu[:, None], sigma[:, None, None] ** 2), max_iter=1, reg_covar=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        peer.fit(x[:, None])
    for got, expected in zip(after, (peer.weights_, peer.means_[:, 0], np.sqrt(peer.covariances_[:, 0, 0]))):
        close(got, expected)


def test_draws_from_a_mixture_have_its_moments(rng):
    mixture = pi, mu, S = a_mixture(rng, 3, 2)
    z = gaussian_mixture.gmm_sample(mixture, 100_000, rng)
    mean = pi @ mu
    covariance = np.einsum("c,cij->ij", pi, S + np.einsum("ci,cj->cij", mu - mean, mu - mean))
    close(z.mean(axis=0), mean, atol=5 * np.sqrt(covariance.max() / len(z)))
    close(np.cov(z.T), covariance, atol=30 * covariance.max() / np.sqrt(len(z)))


# PyTorch: values, and gradients beside autograd's


@with_draws
def test_densities_are_pytorchs(torch, rng, shape, size):
    distributions = torch.distributions
    x, mean = size * rng.normal(size=(2, *shape))
    log_sigma, eta = rng.normal(size=shape) + np.log(size), size**2 * rng.uniform(0.1, 3)
    t_x, t_mean, t_sigma = tensor(torch, x), tensor(torch, mean), tensor(torch, np.exp(log_sigma))
    peer = distributions.Independent(distributions.Normal(t_mean, eta**0.5), 1)
    close(likelihoods.gaussian_log_prob(x, mean, eta), peer.log_prob(t_x).tolist())
    peer = distributions.Independent(distributions.Normal(t_mean, t_sigma), 1)
    close(gaussians.diagonal_gaussian_log_prob(x, mean, log_sigma), peer.log_prob(t_x).tolist())
    pixels = rng.integers(0, 2, shape)
    peer = distributions.Independent(distributions.Bernoulli(logits=t_x), 1)
    close(likelihoods.bernoulli_log_prob(pixels, x), peer.log_prob(tensor(torch, pixels)).tolist())
    W = rng.normal(size=(shape[1], 2))
    peer = distributions.LowRankMultivariateNormal(t_mean[0], tensor(torch, W), torch.full_like(t_mean[0], eta))
    close(marginals.log_marginal_linear(x, W, mean[0], eta), peer.log_prob(t_x).tolist(), 1e-6, 1e-6)


@with_draws
def test_divergences_are_pytorchs(torch, rng, shape, size):
    normal, kl = torch.distributions.Normal, torch.distributions.kl_divergence
    mu_q, log_sigma_q, mu_p, log_sigma_p = pair(rng, shape, size)
    t_q, t_p = (
        normal(tensor(torch, mu), tensor(torch, np.exp(s))) for mu, s in ((mu_q, log_sigma_q), (mu_p, log_sigma_p))
    )
    close(gaussians.kl_gaussians(mu_q, log_sigma_q, mu_p, log_sigma_p), kl(t_q, t_p).sum(1).tolist())
    close(gaussians.kl_standard_normal(mu_q, log_sigma_q), kl(t_q, normal(0.0, 1.0)).sum(1).tolist())
    eps = rng.normal(size=(6, *shape))
    z = t_q.loc + t_q.scale * tensor(torch, eps)
    estimate = (t_q.log_prob(z) - normal(0.0, 1.0).log_prob(z)).sum(-1).mean(0)
    close(gaussians.kl_monte_carlo(mu_q, log_sigma_q, eps), estimate.tolist())
    q, p = rng.dirichlet(np.ones(shape[1] + 1), size=2)
    t_q, t_p = (torch.distributions.Categorical(probs=tensor(torch, probabilities)) for probabilities in (q, p))
    close(divergences.kl_categorical(q, p), float(kl(t_q, t_p)))


@with_draws
def test_mixtures_are_pytorchs(torch, rng, shape, size):
    distributions = torch.distributions
    N, K = shape
    pi, mu, S = a_mixture(rng, 4, K, size)
    z = size * rng.normal(size=(N, K))
    weights = distributions.Categorical(probs=tensor(torch, pi))
    parts = distributions.MultivariateNormal(tensor(torch, mu), tensor(torch, S))
    peer = distributions.MixtureSameFamily(weights, parts)
    close(gaussian_mixture.gmm_log_prob(z, (pi, mu, S)), peer.log_prob(tensor(torch, z)).tolist(), 1e-7)
    sigma = np.sqrt(S[:, 0, 0])
    parts = distributions.Normal(tensor(torch, mu[:, 0]), tensor(torch, sigma))
    peer = distributions.MixtureSameFamily(weights, parts)
    close(mixtures.mixture_log_prob(z[:, 0], pi, mu[:, 0], sigma), peer.log_prob(tensor(torch, z[:, 0])).tolist())
    close(numerics.log_sum_exp(z, axis=1), torch.logsumexp(tensor(torch, z), 1).tolist())


@with_draws
def test_gradients_are_pytorchs(torch, rng, shape, size):
    x, mu, log_sigma = rng.normal(size=shape), size * rng.normal(size=shape), rng.normal(size=shape)
    eps, pixels = rng.normal(size=(3, *shape)), rng.integers(0, 2, shape)
    normal, bernoulli, kl = torch.distributions.Normal, torch.distributions.Bernoulli, torch.distributions.kl_divergence
    t_x, t_eps, t_pixels = (tensor(torch, a) for a in (x, eps, pixels))

    def z(m, s):
        return m + s.exp() * t_eps

    both = {
        "gaussian": (
            lambda m, s: anp.sum(likelihoods.gaussian_log_prob(x, m, 0.7)) + 0 * anp.sum(s),
            lambda m, s: normal(m, 0.7**0.5).log_prob(t_x).sum() + 0 * s.sum(),
        ),
        "diagonal": (
            lambda m, s: anp.sum(gaussians.diagonal_gaussian_log_prob(x, m, s)),
            lambda m, s: normal(m, s.exp()).log_prob(t_x).sum(),
        ),
        "bernoulli": (
            lambda m, s: anp.sum(likelihoods.bernoulli_log_prob(pixels, m * s)),
            lambda m, s: bernoulli(logits=m * s).log_prob(t_pixels).sum(),
        ),
        "divergence": (
            lambda m, s: anp.sum(gaussians.kl_gaussians(m, s, s, m / 30)),
            lambda m, s: kl(normal(m, s.exp()), normal(s, (m / 30).exp())).sum(),
        ),
        "Monte Carlo": (
            lambda m, s: anp.sum(gaussians.kl_monte_carlo(m, s, eps)),
            lambda m, s: (normal(m, s.exp()).log_prob(z(m, s)) - normal(0.0, 1.0).log_prob(z(m, s))).sum() / 3,
        ),
    }
    for ours, theirs in both.values():
        t_mu, t_log_sigma = (tensor(torch, a, requires_grad=True) for a in (mu, log_sigma))
        theirs(t_mu, t_log_sigma).backward()
        close(elementwise_grad(ours, 0)(mu, log_sigma), t_mu.grad.tolist(), 1e-7)
        close(elementwise_grad(ours, 1)(mu, log_sigma), t_log_sigma.grad.tolist(), 1e-7)
