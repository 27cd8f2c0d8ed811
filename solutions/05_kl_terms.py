# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The two terms of the bound
#
# *Lecture points L12 to L15 and L17. About 85 minutes, 18 points.*
#
# Notebook 04 found a lower bound on $\log p(\mathbf{x})$ that holds for every distribution $q(\mathbf{z})$ and is tight when $q$ is the
# posterior. It ended with two terms, neither of which mentions the posterior, and a question: what does each of them want from $q$, and what
# happens when they disagree? The answer in one sentence: one wants a point, the other wants the prior, and the posterior is where they
# come to rest. The rest of this notebook is the same with numbers.
#
# By the end you can say, and show with numbers,
#
# - what the KL divergence measures, why it is never negative, and why it is no distance,
# - how much a Gaussian $q$ pays for being far from the prior, or narrow,
# - why the reconstruction term alone wants a point mass, and why a point mass costs infinitely much,
# - what goes wrong on real digits when one of the two terms weighs too much.

# %%
import autograd.numpy as anp
import numpy as np
from autograd import grad
from matplotlib.collections import EllipseCollection
from scipy import integrate
from scipy.stats import multivariate_normal, norm

from course_utils.checking import check, hint, progress
from course_utils.data import load_mnist, shrink
from course_utils.explorables.kl_explorer import kl_explorer
from course_utils.models import linear_gaussian, pca
from course_utils.networks import nets, optim
from course_utils.probability import gaussians
from course_utils.probability.divergences import kl_on_grid
from course_utils.showing import plots
from course_utils.showing.evidence import show_result

digits = load_mnist()
rng = np.random.default_rng(0)

# %% [markdown]
# The digits come at half their size here (each pixel the mean of four), so that nothing takes long: $D = 196$.

# %%
x_train, x_test = shrink(digits.x_train, 14), shrink(digits.x_test, 14)
shape = (14, 14)
print("training set:", x_train.shape, " test set:", x_test.shape)

# %% [markdown]
# ## 1. The bound comes apart
#
# For any $q(\mathbf{z})$, Jensen's inequality gave (L12)
#
# $$\log p(\mathbf{x}) \;\ge\; \mathbb{E}_q\!\left[\log \frac{p(\mathbf{x}, \mathbf{z})}{q(\mathbf{z})}\right] = \mathcal{F}.$$
#
# The joint density is $p(\mathbf{z})\,p(\mathbf{x}|\mathbf{z})$, and the logarithm of a product is a sum:
#
# $$\mathcal{F} = \underbrace{\mathbb{E}_q[\log p(\mathbf{x}|\mathbf{z})]}_{\text{reconstruction term}}
# + \mathbb{E}_q\!\left[\log \frac{p(\mathbf{z})}{q(\mathbf{z})}\right]
# = \mathbb{E}_q[\log p(\mathbf{x}|\mathbf{z})] - \mathrm{KL}(q \,\|\, p).$$
#
# The second term is minus the **Kullback–Leibler divergence** of $q$ from the prior (L14, L15). In physics $-\mathcal{F}$ is a
# *free energy*, hence the other name of the bound.
#
# To see it in numbers we need a model of which everything is known. Take a linear decoder $W\mathbf{z} + \mathbf{b}$ out of PCA: $\mathbf{b}$ is the mean digit, and
# column $k$ of $W$ points along the principal component $\mathbf{c}_k$. Its length is chosen so that the model has the data's variance $\lambda_k$ in this
# direction, $\lVert \mathbf{w}_k \rVert^2 + \eta = \lambda_k$, and the noise variance $\eta$ is the mean of the eigenvalues left over. (Notebook 08 shows that no
# other choice has a higher likelihood.)

# %%
eigenvalues = pca.pca_eigenvalues(x_train)
b, components = pca.pca_fit(x_train.astype(float), 8)
components *= np.sign(components.sum(axis=1, keepdims=True))  # PCA leaves the sign open


def decoder_from_pca(K):
    """W (D, K) and the noise variance eta."""
    eta = eigenvalues[K:].mean()
    return components[:K].T * np.sqrt(eigenvalues[:K] - eta), eta


W, eta = decoder_from_pca(1)
print(f"eta = {eta:.4f};  length of w_1: {np.linalg.norm(W):.3f}")

# %% [markdown]
# With one latent dimension, every expectation is an integral over a line, and the trapezoid rule of notebooks 03 and 04 does it. One test digit, and a $q$ that
# nobody has tuned:

# %%
z = np.linspace(-12, 12, 24001)
x = x_test[5].astype(float)
mean_x = z[:, None] @ W.T + b                     # (G, D): the decoder along the line
log_lik = norm.logpdf(x, mean_x, np.sqrt(eta)).sum(axis=1)
log_prior = norm.logpdf(z)
log_q = norm.logpdf(z, 0.5, 0.4)


def under_q(values):
    """The expectation of values (G,) under q."""
    return np.trapezoid(np.exp(log_q) * values, z)


# %%
F = under_q(log_lik + log_prior - log_q)
reconstruction, kl = under_q(log_lik), under_q(log_q - log_prior)
largest = (log_lik + log_prior).max()
log_p = largest + np.log(np.trapezoid(np.exp(log_lik + log_prior - largest), z))
assert np.isclose(F, reconstruction - kl) and F < log_p
print(f"reconstruction {reconstruction:.3f} - KL {kl:.3f} = F {F:.3f} < {log_p:.3f}")

# %% [markdown]
# Everything is in nats, and these are *densities* over 196 dimensions, so a positive logarithm is nothing strange. Now to the two terms, the second one first.

# %% [markdown]
# ## 2. The price of being different
#
# For distributions over $C$ classes the divergence is a sum:
#
# $$\mathrm{KL}(q\,\|\,p) = \mathbb{E}_q\!\left[\log \frac{q}{p}\right] = \sum_{c=1}^{C} q_c \log \frac{q_c}{p_c}.$$
#
# A class that $q$ never uses counts nothing, since $t \log t \to 0$ as $t \to 0$. A class that $q$ uses and $p$ holds to be impossible costs
# infinitely much.

# %% [markdown]
# {{exercise kl_categorical}}

# %%
def kl_categorical(q, p):
    """KL(q || p) in nats of probabilities q (C,), p (C,); 0 log 0 = 0, a scalar."""
    ### BEGIN SOLUTION
    q, p = np.asarray(q, float), np.asarray(p, float)
    used = q > 0
    with np.errstate(divide="ignore"):
        return np.sum(q[used] * np.log(q[used] / p[used]))
    ### END SOLUTION


# %%
kl_categorical = check(kl_categorical)

# %% [markdown]
# ### Never negative
#
# Notebook 04 showed it for densities; for classes it is the same line. The logarithm is concave, so
#
# $$-\mathrm{KL}(q\,\|\,p) = \mathbb{E}_q\!\left[\log \frac{p}{q}\right] \;\le\; \log \mathbb{E}_q\!\left[\frac{p}{q}\right]
# = \log \sum_{q_c > 0} p_c \;\le\; \log 1 = 0,$$
#
# with equality only if $p/q$ is the same everywhere, that is $p = q$. A thousand random pairs do not break it, neither the first inequality nor the second:

# %%
for _ in range(1000):
    q, p = np.append(rng.dirichlet(np.ones(5)), 0), rng.dirichlet(np.ones(6))
    log_of_mean = np.log(np.sum(p[q > 0]))  # below 0: q never uses the last class
    assert -kl_categorical(q, p) < log_of_mean < 0
    assert abs(kl_categorical(q, q)) < 1e-12

# %% [markdown]
# ### Not a distance
#
# The lecture calls KL "a measure of distance, though not a distance metric". A metric is symmetric and obeys the triangle inequality: a detour is never shorter.
#
# **Predict.** Three coins fall heads with probability 0.5, 0.25 and 0.1. Is the way from the first to the third longer than by way of the second?

# %%
fair, bent, very_bent = np.array([[0.5, 0.5], [0.25, 0.75], [0.1, 0.9]])
print(f"KL(fair || very bent) = {kl_categorical(fair, very_bent):.3f}")
print(f"KL(very bent || fair) = {kl_categorical(very_bent, fair):.3f}")
detour = kl_categorical(fair, bent) + kl_categorical(bent, very_bent)
print(f"KL(fair || bent) + KL(bent || very bent) = {detour:.3f}")
assert detour < kl_categorical(fair, very_bent) != kl_categorical(very_bent, fair)

# %% [markdown]
# The two directions differ, and the detour is *shorter*. So KL is no metric, and saying "the divergence between $q$ and $p$" leaves out half of the information: which
# of the two takes the average?
#
# One reading that will carry you further than "distance": $\mathrm{KL}(q\,\|\,p)$ is the **price, in nats, of using $q$ when $p$ was agreed on**. Notebook 12 pays it in
# bits of a compressed file. Notebook 13 puts a $q$ on the weights of a network, and then the same term is the price of what the network has learned (the "more
# interesting reading" that the lecture promises, L14).

# %% [markdown]
# ## 3. Gaussians: a price list
#
# In the bound, $p$ is $\mathcal{N}(0, I)$ and $q$ will be a Gaussian $\mathcal{N}(\boldsymbol\mu, \mathrm{diag}(\boldsymbol\sigma^2))$. One dimension first. Two averages are
# all that is needed:
#
# $$\mathbb{E}_q[\log q(z)] = -\tfrac12\log(2\pi\sigma^2) - \tfrac12
# \qquad\text{because } \mathbb{E}_q[(z-\mu)^2] = \sigma^2,$$
# $$\mathbb{E}_q[\log p(z)] = -\tfrac12\log(2\pi) - \tfrac12(\sigma^2 + \mu^2)
# \qquad\text{because } \mathbb{E}_q[z^2] = \sigma^2 + \mu^2.$$
#
# Check both on the grid before you go on:

# %%
mu, sigma = 1.2, 0.5
log_q = norm.logpdf(z, mu, sigma)
assert np.isclose(under_q(log_q), -0.5 * np.log(2 * np.pi * sigma**2) - 0.5)
assert np.isclose(under_q(log_prior), -0.5 * np.log(2 * np.pi) - (sigma**2 + mu**2) / 2)

# %% [markdown]
# Subtract the second from the first. In $K$ independent dimensions both log densities are sums, so the divergence is a sum, too. The
# course stores $\log\sigma$, which may be any number while $\sigma$ stays positive.

# %% [markdown]
# {{exercise kl_standard_normal}}

# %%
def kl_standard_normal(mu, log_sigma):
    """KL(N(mu, diag(sigma^2)) || N(0, I)) for each row of mu, log_sigma (N, K)."""
    ### BEGIN SOLUTION
    variance = np.exp(2 * log_sigma)
    return 0.5 * np.sum(variance + mu ** 2 - 1 - 2 * log_sigma, axis=1)
    ### END SOLUTION


# %%
kl_standard_normal = check(kl_standard_normal)

# %% [markdown]
# **Predict.** Start with $\mu = 2$ and walk downhill on the price. Where do you end? And which width costs more, $e^{2}$ or $e^{-2}$?

# %%
ms, ss = np.meshgrid(np.linspace(-3, 3, 121), np.linspace(-3, 1.6, 121))
price = kl_standard_normal(ms.reshape(-1, 1), ss.reshape(-1, 1)).reshape(ms.shape)
downhill = -ms, 1 - np.exp(2 * ss)          # minus the derivatives, by hand
for i in (0, 1):                            # and by autograd
    slope = grad(lambda *at: anp.sum(gaussians.kl_standard_normal(*at)), i)
    assert np.allclose(slope(ms[..., None], ss[..., None])[..., 0], -downhill[i])

# %%
fig, ax = plots.figure(6.4, 3.8)
levels = ax.contourf(ms, ss, price, levels=[0, 0.1, 0.5, 1, 2, 4, 8, 16], cmap="Blues")
few = slice(6, None, 12)
arrows = [a[few, few] for a in (ms, ss, *(downhill / np.hypot(*downhill)))]
ax.quiver(*arrows, angles="xy", scale=28, width=4e-3, color=plots.PALETTE[8])
ax.plot(0, 0, "o", color=plots.PALETTE[2])
ax.set(xlabel="mean μ", ylabel="log σ", title="KL(q || N(0, 1)) and the way downhill")
fig.colorbar(levels, label="nats")
plots.show(fig, alt="Contours of the divergence around its only minimum, mean 0 and "
                    "log sigma 0; arrows of equal length lead there from everywhere.")

# %%
for log_sigma in (2.0, -2.0):
    exact = kl_standard_normal(np.zeros((1, 1)), np.full((1, 1), log_sigma))[0]
    print(f"mean 0, log sigma {log_sigma:+.0f}: {exact:6.2f} nats")

# %% [markdown]
# From everywhere the arrows lead to $\mu = 0$, $\sigma = 1$: the term pulls $q$ towards $\mathcal{N}(0, I)$ (L14). Too wide is dear, as $\sigma^2$ grows like $e^{2\log\sigma}$; too narrow is cheap at
# first, as the price grows like $-\log\sigma$ only. Keep that slope in mind for section 6.

# %% [markdown]
# ### Any two Gaussians
#
# When $p$ has a mean and widths of its own, the same two averages give, for one dimension,
#
# $$\mathrm{KL}(q\,\|\,p) = \log\frac{\sigma_p}{\sigma_q} + \frac{\sigma_q^2 + (\mu_q - \mu_p)^2}{2\sigma_p^2} - \frac12.$$

# %% [markdown]
# {{exercise kl_gaussians}}

# %%
def kl_gaussians(mu_q, log_sigma_q, mu_p, log_sigma_p):
    """KL(q || p) of Gaussians with diagonal covariance; all (N, K), result (N,)."""
    ### BEGIN SOLUTION
    var_q, var_p = np.exp(2 * log_sigma_q), np.exp(2 * log_sigma_p)
    quadratic = (var_q + (mu_q - mu_p) ** 2) / (2 * var_p)
    return np.sum(log_sigma_p - log_sigma_q + quadratic - 0.5, axis=1)
    ### END SOLUTION


# %%
kl_gaussians = check(kl_gaussians)

# %% [markdown]
# Two checks. An integral in each dimension must give the same; and moving and stretching the axis, $z \mapsto (z - \mu_p)/\sigma_p$, changes both densities alike, so it must not change
# the divergence. It turns $p$ into $\mathcal{N}(0, 1)$:

# %%
q, p = rng.normal(size=(2, 4, 3)) / 2, rng.normal(size=(2, 4, 3)) / 2  # mu, log_sigma
by_formula = kl_gaussians(*q, *p)


def one_dimension(m_q, s_q, m_p, s_p):
    q, p = norm(m_q, np.exp(s_q)), norm(m_p, np.exp(s_p))
    lowest, highest = q.interval(1 - 1e-15)  # all but all of q's mass
    return integrate.quad(lambda z: q.pdf(z) * (q.logpdf(z) - p.logpdf(z)),
                          lowest, highest)[0]


assert np.allclose(np.vectorize(one_dimension)(*q, *p).sum(axis=1), by_formula)
moved = (q[0] - p[0]) / np.exp(p[1]), q[1] - p[1]
assert np.allclose(kl_standard_normal(*moved), by_formula)

# %% [markdown]
# ### Without a formula
#
# Where nobody has worked out the integral, samples will do: draw $z_s$ from $q$ and average $\log q(z_s) - \log p(z_s)$. A sample of $\mathcal{N}(\mu, \sigma^2)$ is standard normal noise, stretched and
# moved: $z_s = \mu + \sigma\,\varepsilon_s$.

# %% [markdown]
# {{exercise kl_monte_carlo}}

# %%
def kl_monte_carlo(mu, log_sigma, eps):
    """Estimate of KL(q || N(0, I)) from noise eps (S, N, K); mu, log_sigma (N, K)."""
    ### BEGIN SOLUTION
    z = mu + np.exp(log_sigma) * eps
    log_q = -0.5 * eps ** 2 - log_sigma
    log_p = -0.5 * z ** 2
    return np.mean(np.sum(log_q - log_p, axis=2), axis=0)
    ### END SOLUTION


# %%
kl_monte_carlo = check(kl_monte_carlo)

# %% [markdown]
# An estimate is worth as much as its standard error: the spread of the estimates that single samples give, divided by $\sqrt S$. Your function gives those single estimates when each
# sample is handed over as an example of its own, with one sample.
#
# **Predict.** How many times more samples halve the error?

# %%
mu, log_sigma = np.array([[1.0, -0.5]]), np.array([[-1.0, 0.3]])
exact = kl_standard_normal(mu, log_sigma)[0]
print(f"exact: {exact:.4f}")
for S in (10, 1000, 100_000):
    eps = rng.normal(size=(S, 1, 2))
    same_q = np.repeat(mu, S, axis=0), np.repeat(log_sigma, S, axis=0)
    single = kl_monte_carlo(*same_q, eps.reshape(1, S, 2))
    estimate, error = kl_monte_carlo(mu, log_sigma, eps)[0], single.std() / np.sqrt(S)
    print(f"S = {S:6d}: {estimate:.4f} ± {error:.4f}")
    assert abs(estimate - exact) < 4 * error and np.isclose(estimate, single.mean())

# %% [markdown]
# Four times as many: the error falls like $1/\sqrt S$. A formula needs no samples and has no noise, which is why VAEs take the closed form wherever
# there is one.

# %% [markdown]
# ## 4. Which way round?
#
# In the bound $q$ stands first: $\mathrm{KL}(q\,\|\,p)$ to the prior, and, in notebook 04's gap, $\mathrm{KL}(q\,\|\,\text{posterior})$. Would the other way round do as well?
#
# Take a target with two bumps, and look for the Gaussian $q$ that is closest to it: once in the sense of $\mathrm{KL}(p\,\|\,q)$, once in the sense of $\mathrm{KL}(q\,\|\,p)$.
#
# **Predict.** Where will each of the two put its mean?

# %%
line = np.linspace(-12, 12, 601)
log_target = np.logaddexp(np.log(0.6) + norm.logpdf(line, -2.0, 0.5),
                          np.log(0.4) + norm.logpdf(line, 2.0, 0.7))
mus, log_sigmas = np.linspace(-4, 4, 161), np.linspace(np.log(0.4), np.log(4), 93)
log_fits = norm.logpdf(line, mus[:, None, None], np.exp(log_sigmas)[:, None])
target_first = kl_on_grid(log_target, log_fits, line)   # KL(p || q), (161, 93)
fit_first = kl_on_grid(log_fits, log_target, line)      # KL(q || p)


# %%
def best(divergence, allowed=True):
    """mean, log width and divergence of the best fit among the allowed means."""
    masked = np.where(np.reshape(allowed, (-1, 1)), divergence, np.inf)
    i, j = np.unravel_index(masked.argmin(), divergence.shape)
    return mus[i], log_sigmas[j], divergence[i, j]


fits = {"KL(p || q)": best(target_first), "KL(q || p)": best(fit_first),
        "KL(q || p), right": best(fit_first, mus > 1),
        "KL(q || p), middle": best(fit_first, abs(mus) < 1)}
for name, (m, s, kl) in fits.items():
    print(f"{name:18s} {kl:.2f} nats at mean {m:+.2f}, width {np.exp(s):.2f}")

# %%
fig, axes = plots.figure(9.6, 3.4, columns=3, width_ratios=[1, 1, 1.4])
for ax, surface, name in zip(axes, (target_first, fit_first), fits):
    ax.contourf(mus, log_sigmas, np.log(surface).T, levels=16, cmap="Blues")
    ax.set(xlabel="mean of q", ylabel="log width of q", title=name)
for i, (name, (m, s, _)) in enumerate(fits.items()):
    axes[min(i, 1)].plot(m, s, "o", color=plots.PALETTE[[1, 2, 4, 9][i]])
    if i < 3:
        axes[2].plot(line, norm.pdf(line, m, np.exp(s)), ["-", "--", ":"][i],
                     color=plots.PALETTE[[1, 2, 4][i]], label=name)
axes[2].fill_between(line, np.exp(log_target), color=plots.PALETTE[3], alpha=0.5)
axes[2].set(xlim=(-6, 6), ylim=(0, 1.4), xlabel="z", ylabel="density")
axes[2].set_title("p (grey) and fits q")
axes[2].legend(fontsize=9, ncols=2)
plots.show(fig, alt="KL(p || q) has one minimum, a wide Gaussian over both bumps. "
                    "KL(q || p) has one at each bump and a shallow one between.")

# %% [markdown]
# With the target first, $q$ must be large wherever $p$ is: a place that $p$ visits and $q$ forgets costs $p \log(p/q)$, and $q$ **covers**. Its best mean and width are those of
# the target, as setting the derivatives to zero shows. With the fit first, a place where $q$ is and $p$ is not costs $q \log (q/p)$; forgetting a whole bump costs little. So $q$ **settles on one
# bump**. The other bump is a minimum too, though not so deep, and so is a wide Gaussian in the middle: where a search ends depends on where it starts.

# %%
target = np.exp(log_target)
centre = np.trapezoid(target * line, line)
width = np.sqrt(np.trapezoid(target * (line - centre) ** 2, line))
assert np.allclose(fits["KL(p || q)"][:2], [centre, np.log(width)], atol=0.025)
for name in list(fits)[1:]:                 # each is lower than all its neighbours
    m, s, kl = fits[name]
    near = (abs(mus - m) < 0.06)[:, None] & (abs(log_sigmas - s) < 0.03)
    assert near.sum() == 9 and fit_first[near].min() == kl

# %% [markdown]
# The bound uses the second. Its average is under $q$, which we chose and can sample from; an average under the posterior is what we could not compute in the first place.
# The price: where the posterior has a shape that $q$ cannot take, several bumps for instance, $q$ ends up too narrow rather than too wide.

# %% [markdown]
# ### Explore
#
# The panel shows what no still picture can: how the places *along the axis* where a divergence is paid, and where some of it is paid back, shift and grow as you move $q$ or $p$.
#
# **Predict** before you move anything: (a) Make $q$ narrower than $p$, then wider, with equal means. Which of the two mistakes makes
# $\mathrm{KL}(q\,\|\,p)$ larger? (b) Can the blue area ever outweigh the red one?

# %%
kl_explorer()

# %% [markdown]
# ## 5. The reconstruction term
#
# With the Gaussian observation model of notebook 03, $p(\mathbf{x}|\mathbf{z}) = \mathcal{N}(\mathbf{x};\, G(\mathbf{z}), \eta I)$, the first term of the bound is (L13)
#
# $$\mathbb{E}_q[\log p(\mathbf{x}|\mathbf{z})] = -\frac{1}{2\eta}\, \mathbb{E}_q\lVert \mathbf{x} - G(\mathbf{z}) \rVert^2 - \frac{D}{2}\log(2\pi\eta).$$
#
# (The slides call the noise variance both $\eta$ and $\sigma^2$. Here it is always $\eta$; $\sigma$ belongs to $q$.) So the term is an old acquaintance, the squared error of an autoencoder, with
# one difference: the code is not a point, but a cloud.
#
# For the linear decoder $G(\mathbf{z}) = W\mathbf{z} + \mathbf{b}$ the average can be worked out. Write $\mathbf{z} = \boldsymbol\mu + \boldsymbol\sigma\odot\boldsymbol\varepsilon$ with standard normal
# $\boldsymbol\varepsilon$; then
#
# $$\mathbf{x} - W\mathbf{z} - \mathbf{b} = \underbrace{\mathbf{x} - W\boldsymbol\mu - \mathbf{b}}_{\text{fixed}} - \underbrace{\textstyle\sum_k \varepsilon_k\, \sigma_k \mathbf{w}_k}_{\text{random, mean } 0}$$
#
# with $\mathbf{w}_k$ the columns of $W$. Square and average: the cross term vanishes, since $\mathbb{E}[\varepsilon_k] = 0$; and of the square of the sum only $\mathbb{E}[\varepsilon_k^2] = 1$ is left.

# %% [markdown]
# {{exercise expected_squared_error}}

# %%
def expected_squared_error(x, W, b, mu, log_sigma):
    """E_q ||x - W z - b||^2; x (N, D), W (D, K), b (D,), mu, log_sigma (N, K)."""
    ### BEGIN SOLUTION
    error_of_mean = np.sum((x - mu @ W.T - b) ** 2, axis=1)
    return error_of_mean + np.exp(2 * log_sigma) @ np.sum(W ** 2, axis=0)
    ### END SOLUTION


# %%
expected_squared_error = check(expected_squared_error)

# %% [markdown]
# Samples must agree, within their standard error. Two latents, one digit:

# %%
W, eta = decoder_from_pca(2)
x = x_test[5:6].astype(float)
mu, log_sigma = np.array([[0.5, -1.0]]), np.log([[0.4, 0.8]])
samples = mu + np.exp(log_sigma) * rng.normal(size=(100_000, 2))
errors = np.sum((x - samples @ W.T - b) ** 2, axis=1)
exact = expected_squared_error(x, W, b, mu, log_sigma)[0]
standard_error = errors.std() / np.sqrt(len(errors))
print(f"exact {exact:.4f}, by samples {errors.mean():.4f} ± {standard_error:.4f}")
assert abs(errors.mean() - exact) < 4 * standard_error

# %% [markdown]
# ### What the term wants
#
# **Predict.** Suppose the reconstruction term were all. Which $q$ makes it as large as it can be?

# %%
z_star = np.linalg.lstsq(W, (x - b)[0], rcond=None)[0][None]  # argmin ||x - W z - b||^2
sizes = (1.0, 0.3, 0.1, 0.01, 0.0)
with np.errstate(divide="ignore"):  # log 0 = -inf: a point mass
    qs = [(z_star, np.log([[s, s]])) for s in sizes]
errors = [expected_squared_error(x, W, b, *q)[0] for q in qs]
for s, error in zip(sizes, errors):
    print(f"sigma = {s:4.2f}: expected squared error {error:.4f}")
assert np.all(np.diff(errors) < 0)
assert np.isclose(errors[-1], np.sum((x - z_star @ W.T - b) ** 2))
others = z_star + rng.normal(size=(1000, 2)), rng.normal(size=(1000, 2))
many = np.repeat(x, 1000, axis=0)
assert np.all(expected_squared_error(many, W, b, *others) > errors[-1])

# %% [markdown]
# A **point mass** at the best code, $\mathbf{z}^* = \operatorname{argmin}_{\mathbf{z}} \lVert \mathbf{x} - G(\mathbf{z})\rVert^2$: an average is never better than its best case, so every cloud loses against $\mathbf{z}^*$ (L17). Left to this
# term alone, $q$ shrinks to a point, and what remains is an ordinary autoencoder.
#
# *A remark on the slide.* It says that $-\frac{1}{2\sigma^2}\mathbb{E}\lVert \mathbf{x} - G(\mathbf{z})\rVert^2$ is *minimised* by the point mass. As signed, it is **maximised**: the squared error is what becomes minimal.

# %% [markdown]
# ## 6. The price of a point
#
# The lecture leaves an exercise: show that a point mass has infinite KL divergence. Do it with a Gaussian that shrinks: $q = \mathcal{N}(\boldsymbol\mu, \sigma^2 I)$ with the same $\sigma$ in all
# $K$ dimensions, and $\sigma \to 0$.

# %% [markdown]
# {{exercise kl_to_point_mass}}

# %%
def kl_to_point_mass(mu, sigmas):
    """KL(N(mu, sigma^2 I) || N(0, I)) for each of sigmas (M,); mu (K,)."""
    ### BEGIN SOLUTION
    K = len(mu)
    return 0.5 * (K * sigmas ** 2 + np.sum(mu ** 2) - K) - K * np.log(sigmas)
    ### END SOLUTION


# %%
kl_to_point_mass = check(kl_to_point_mass)

# %%
sigmas = np.logspace(-8, 0.7, 200)
fig, ax = plots.figure(6.4, 3.4)
for K, style in [(1, "-"), (2, "--"), (8, ":")]:
    ax.plot(sigmas, kl_to_point_mass(np.ones(K), sigmas), style, label=f"K = {K}")
ax.set(xscale="log", ylim=(0, None), xlabel="σ", ylabel="KL (nats)")
ax.set_title("The price of shrinking to a point")
ax.legend()
plots.show(fig, alt="The divergence against sigma, on a logarithmic axis: straight "
                    "lines that rise towards small sigma, the steeper the larger K.")

# %% [markdown]
# Straight lines on a logarithmic axis. Their slope against $\log\sigma$, measured between $10^{-8}$ and $10^{-4}$:

# %%
small = sigmas < 1e-4
for K in (1, 2, 8):
    price = kl_to_point_mass(np.ones(K), sigmas[small])
    slope = np.polyfit(np.log(sigmas[small]), price, 1)[0]
    assert abs(slope + K) < 1e-6
    print(f"K = {K}: slope {slope:.4f}")

# %% [markdown]
# The divergence grows like $-K\log\sigma$, without bound: the density of $q$ at its own centre is of order $\sigma^{-K}$, while the prior's is what it was. Each halving of $\sigma$ costs
# $K \log 2$ nats, and the reconstruction term can gain at most what the spread cost it, which is finite. So the point mass never wins.

# %% [markdown]
# ## 7. Both terms together
#
# Now put the two together, $\mathcal{F} = \mathbb{E}_q[\log p(\mathbf{x}|\mathbf{z})] - \mathrm{KL}(q\,\|\,p)$, and leave nothing out: only with the constant
# $-\frac{D}{2}\log(2\pi\eta)$ is it a bound on $\log p(\mathbf{x})$.

# %% [markdown]
# {{exercise elbo_linear_gaussian}}

# %%
def elbo_linear_gaussian(x, W, b, eta, mu, log_sigma):
    """F for each row of x (N, D), exactly, with the constant; W (D, K), b (D,)."""
    ### BEGIN SOLUTION
    D = x.shape[1]
    error = expected_squared_error(x, W, b, mu, log_sigma)
    log_lik = -0.5 * D * np.log(2 * np.pi * eta) - error / (2 * eta)
    return log_lik - kl_standard_normal(mu, log_sigma)
    ### END SOLUTION


# %%
elbo_linear_gaussian = check(elbo_linear_gaussian)

# %% [markdown]
# In this model $\log p(\mathbf{x})$ is known: $\mathbf{x} = W\mathbf{z} + \mathbf{b} + \text{noise}$ is Gaussian with mean $\mathbf{b}$ and covariance $WW^\top + \eta I$. So the gap can be measured. First with one
# latent, as a function of $\sigma$ alone:
#
# **Predict.** Draw both terms against $\sigma$. At the best $\sigma$, what do their slopes have to do with each other?

# %%
W, eta = decoder_from_pca(1)
sigmas = np.logspace(-2.5, 0.3, 300)[:, None]
m = (x - b) @ W / (W.T @ W + eta)          # where this comes from: see below
many = np.repeat(x, 300, axis=0)
F = elbo_linear_gaussian(many, W, b, eta, np.repeat(m, 300, axis=0), np.log(sigmas))
minus_kl = -kl_standard_normal(np.repeat(m, 300, axis=0), np.log(sigmas))
top = sigmas[F.argmax(), 0]

# %%
fig, ax = plots.figure(6.6, 3.6)
offset = (F - minus_kl).max()              # the best that the first term can do
ax.semilogx(sigmas, F - minus_kl - offset, "--", label="reconstruction, less its best")
ax.semilogx(sigmas, minus_kl, "-.", label="− KL")
ax.semilogx(sigmas, F - offset, label="F, less the same")
ax.axvline(top, color=plots.PALETTE[3], linewidth=1)
ax.set(ylim=(-9, 0.5), xlabel="σ", ylabel="nats", title=f"Best at σ = {top:.2f}")
ax.legend(loc="lower center")
plots.show(fig, alt="Against sigma, the reconstruction term falls, minus KL rises up "
                    "to sigma 1, and their sum has its top in between.")

# %% [markdown]
# The reconstruction term pushes $\sigma$ down, the KL term pulls it up, and at the top their slopes cancel. Where is that? Suppose that the columns of $W$ are at right angles to each other, as PCA's are. Then $\mathcal{F}$ is a sum over
# the latents, and the derivatives with respect to $\mu_k$ and $\sigma_k$ vanish where
#
# $$\frac{\mathbf{w}_k^\top(\mathbf{x} - \mathbf{b}) - \lVert\mathbf{w}_k\rVert^2\mu_k}{\eta} = \mu_k
# \quad\text{and}\quad \frac{\sigma_k\lVert\mathbf{w}_k\rVert^2}{\eta} = \frac{1}{\sigma_k} - \sigma_k,$$
# $$\text{that is}\qquad \mu_k = \frac{\mathbf{w}_k^\top(\mathbf{x}-\mathbf{b})}{\lVert\mathbf{w}_k\rVert^2 + \eta},
# \qquad \sigma_k^2 = \frac{\eta}{\lVert\mathbf{w}_k\rVert^2 + \eta}.$$

# %%
def best_q(x, W, b, eta):
    """mu, log_sigma (N, K) that maximise F, for W with orthogonal columns."""
    denominator = np.sum(W ** 2, axis=0) + eta
    log_sigma = 0.5 * np.log(eta / denominator)
    return (x - b) @ W / denominator, np.tile(log_sigma, (len(x), 1))


mu, log_sigma = best_q(x, W, b, eta)
for i in (4, 5):  # the derivatives with respect to mu and log_sigma
    slope = grad(lambda *args: anp.sum(linear_gaussian.elbo_linear_gaussian(*args)), i)
    assert np.abs(slope(x, W, b, eta, mu, log_sigma)).max() < 1e-9
print(f"best sigma by the formula: {np.exp(log_sigma[0, 0]):.4f}")

# %% [markdown]
# Notebook 04 promised that the best $q$ is the posterior. Is it? The posterior on the grid, from the joint density as in 04, knows nothing of the formula:

# %%
log_lik = norm.logpdf(x, z[:, None] @ W.T + b, np.sqrt(eta)).sum(axis=1)
log_joint = log_lik + norm.logpdf(z)
posterior = np.exp(log_joint - log_joint.max())
posterior /= np.trapezoid(posterior, z)
mean = np.trapezoid(posterior * z, z)
deviation = np.sqrt(np.trapezoid(posterior * (z - mean) ** 2, z))
assert np.isclose(mean, mu[0, 0], atol=1e-8)
assert np.isclose(deviation, np.exp(log_sigma[0, 0]), atol=1e-8)

# %% [markdown]
# And with more latents, on all test digits at once: $\mathcal{F}$ reaches $\log p(\mathbf{x})$ itself, so the gap $\mathrm{KL}(q\,\|\,\text{posterior})$ is zero, and $q$ *is* the posterior.

# %%
W, eta = decoder_from_pca(2)
X = x_test.astype(float)
log_p = multivariate_normal.logpdf(X, b, W @ W.T + eta * np.eye(196))
F = elbo_linear_gaussian(X, W, b, eta, *best_q(X, W, b, eta))
assert np.allclose(F, log_p, atol=1e-8, rtol=0)
print(f"mean over {len(X)} digits: F {F.mean():.4f}, log p(x) {log_p.mean():.4f}")

# %% [markdown]
# So for this model no $q$ does better. Here is what others lose, on the digit of section 1:

# %%
mu, log_sigma = best_q(x, W, b, eta)
choices = {"the prior N(0, I)": (0 * mu, 0 * log_sigma),
           "right place, prior's width": (mu, 0 * log_sigma),
           "near a point mass at z*": (z_star, 0 * log_sigma - 5),
           "the posterior": (mu, log_sigma)}
log_p_x = multivariate_normal.logpdf(x, b, W @ W.T + eta * np.eye(196))
print(f"{'q':27s} reconstruction     KL       F   gap")
for name, q in choices.items():
    F, kl = elbo_linear_gaussian(x, W, b, eta, *q)[0], kl_standard_normal(*q)[0]
    print(f"{name:27s} {F + kl:14.2f} {kl:6.2f} {F:7.2f} {log_p_x - F:z5.2f}")

# %% [markdown]
# The near point mass has the best reconstruction and a high price; the prior is free and reconstructs badly; the posterior has the largest difference. Two things about its formula: the
# mean is the least-squares code *shrunk* by the factor $\lVert\mathbf{w}_k\rVert^2/(\lVert\mathbf{w}_k\rVert^2 + \eta)$, as the prior pulls it in; and the width does not depend on $\mathbf{x}$: with a linear decoder, all
# digits are equally uncertain.

# %% [markdown]
# ### The exchange rate
#
# What decides how much reconstruction a nat of KL is worth? The squared error is divided by $2\eta$.
#
# **Predict.** Keep the decoder ($K = 8$) and let the noise variance $\eta$ grow from tiny to huge, with the best $q$ each time. What do the expected error and the KL term do?

# %%
W, eta_8 = decoder_from_pca(8)
etas = np.logspace(-4, 2, 61)
qs = [best_q(X, W, b, e) for e in etas]
errors = np.array([expected_squared_error(X, W, b, *q).mean() for q in qs])
kls = np.array([kl_standard_normal(*q).mean() for q in qs])

# %%
fig, (left, middle, right) = plots.figure(9.6, 3.1, columns=3)
left.semilogx(etas, errors)
left.set(xlabel="η", ylabel="expected squared error", title="reconstruction")
middle.semilogx(etas, kls, color=plots.PALETTE[1])
middle.set(xlabel="η", ylabel="KL (nats)", title="price")
right.plot(kls, errors, color=plots.PALETTE[2])
right.plot(*[np.interp(np.log(eta_8), np.log(etas), a) for a in (kls, errors)], "o",
           color="black", label="PCA's η")
right.set(xlabel="KL (nats)", ylabel="expected squared error")
right.set_title("error against price")
right.legend()
plots.show(fig, alt="With growing eta the expected error rises and the divergence "
                    "falls to zero; against each other they form a falling curve.")

# %% [markdown]
# Small $\eta$: reconstruction is precious, $q$ narrows towards the point mass, the KL term goes up without end. Large $\eta$: an error costs nothing, and $q$ relaxes to the prior. Along the
# curve on the right, $-\text{error}/2\eta - \mathrm{KL}$ is at its maximum for each $\eta$, so a small step along it changes neither up nor down: $\mathrm{d}\,\text{error} = -2\eta\;\mathrm{d}\,\mathrm{KL}$. The noise variance is an **exchange rate**, $2\eta$ of squared
# error per nat. Measured:

# %%
rate = -np.diff(errors) / np.diff(kls)
between = np.sqrt(etas[1:] * etas[:-1])
assert np.all(np.diff(errors) > 0) and np.all(np.diff(kls) < 0)
assert np.allclose(rate, 2 * between, rtol=0.01)
for i in (10, 30, 50):
    print(f"2 eta = {2 * between[i]:.4f}: {rate[i]:.4f} of squared error per nat")

# %% [markdown]
# ## 8. Too little and too much
#
# So far the decoder stood still. Now train it, too. To see what each term does to a model, give the KL term a weight $\beta$:
#
# $$\mathcal{F}_\beta = \mathbb{E}_q[\log p(\mathbf{x}|\mathbf{z})] - \beta\,\mathrm{KL}(q \,\|\, p).$$
#
# At $\beta = 1$ this is the bound. Dividing by $\beta$ moves no maximum, so the weight acts as a noise variance $\beta\eta$ would: it changes the exchange rate. Section 1 chose $\lVert\mathbf{w}_k\rVert^2 = \lambda_k - \eta$;
# with $\beta\eta$ in place of $\eta$ the best column has $\lVert\mathbf{w}_k\rVert^2 = \lambda_k - \beta\eta$, and **none is left once $\beta > \lambda_k/\eta$**:

# %%
W, eta = decoder_from_pca(2)
print("lambda / eta of the first two components:", np.round(eigenvalues[:2] / eta, 1))

# %% [markdown]
# The model: two latents, a decoder $W\mathbf{z} + \mathbf{b}$, and a $q$ for each digit. We saw that the best mean is a linear function of $\mathbf{x}$ and the best width the same for all digits, so a single layer from
# $\mathbf{x}$ to $(\boldsymbol\mu, \log\boldsymbol\sigma)$ can give every digit its best $q$. (Whether a network may do that in general is the question of notebook 07.) The expected error is exact, so no
# samples are needed, and Adam does the rest, as in notebook 02. Every run starts from codes that are spread too wide.

# %%
mean_digit, noise = x_train.mean(axis=0), float(eta)


def encode(layer, x):
    """mu, log_sigma (N, 2) from one layer (196, 4)."""
    h = nets.mlp([layer], x - mean_digit)
    return h[:, :2], h[:, 2:]


def terms(params, x):
    """Expected squared error and KL, each (N,)."""
    layer, W, b = params
    q = encode(layer, x)
    error = linear_gaussian.expected_squared_error(x, W, b, *q)
    return error, gaussians.kl_standard_normal(*q)


# %%
def train(beta, steps=1200, spread=30):
    """Maximises F_beta, less its constant; starts with codes of the given spread."""
    def minus_bound(params, x):
        error, kl = terms(params, x)
        return anp.sum(error / (2 * noise) + beta * kl) / len(x)

    rng = np.random.default_rng(1)
    V, c = nets.init_mlp([196, 4], rng)[0]
    V = V * np.float32([spread, spread, 0.1, 0.1])  # mu far apart, sigma about 1
    start = (V, c), np.float32(0.03 * rng.normal(size=(196, 2))), mean_digit
    batches = optim.minibatches(x_train, 250, steps, rng)
    return optim.adam(minus_bound, start, batches, steps, 0.02, label=f"beta = {beta}")


# %% [markdown]
# **Predict.** Four weights: no KL term at all ($\beta = 0$), the bound ($\beta = 1$), $\beta = 24$ and $\beta = 40$. How will the codes of the digits lie in each, and how wide will the clouds be? Use
# the two numbers above.

# %%
models = {beta: train(beta) for beta in (0, 1, 24, 40)}

# %%
fig, axes = plots.figure(7.4, 7, columns=2, rows=2)
colours = np.array(plots.PALETTE)[digits.y_test[:200]]
for ax, (beta, (layer, W, b)) in zip(axes.flat, models.items()):
    mu, log_sigma = encode(layer, x_test[:200])
    widths = 2 * np.exp(log_sigma).T                # one standard deviation each way
    ax.add_collection(EllipseCollection(
        *widths, np.zeros(200), units="xy", offsets=mu, offset_transform=ax.transData,
        facecolors="none", edgecolors=colours, linewidths=0.8, alpha=0.6))
    ax.plot(*2 * np.array([np.cos(z), np.sin(z)]), "k", linewidth=0.6)
    limit = 6.4 if beta == 0 else 3.2
    ax.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal")
    ax.set(xlabel="$z_1$", ylabel="$z_2$", title=f"β = {beta}")
plots.show(fig, alt="Codes of 200 digits with their one-sigma ellipses. Beta 0: "
                    "dots, wider than the prior. Beta 1: small ellipses that fill it. "
                    "Beta 24: large ellipses in a row. Beta 40: all the same circle.")

# %% [markdown]
# Each ellipse is one test digit's $q$, one standard deviation wide and coloured by its label; the black circle, of radius 2, holds the share $1 - e^{-2}$ of the prior, most of it. (The first panel has another scale.)
#
# **Too much.** With $\beta = 40$ every digit has about the same $q$, the prior (a few stragglers are still on their way). The KL term is all but zero, and $\mathbf{z}$ says nothing about $\mathbf{x}$: the model has **collapsed** (*posterior collapse*, in the literature). With $\beta = 24$, between the two
# thresholds, one latent has collapsed and the other has not, just as the formula has it:

# %%
def columns(beta):
    """Squared singular values of W: squared lengths of its columns, once orthogonal."""
    return np.linalg.svd(models[beta][1], compute_uv=False) ** 2


for beta in (24, 40):
    for k in (0, 1):
        show_result(f"beta = {beta}: squared length of column {k + 1}",
                    columns(beta)[k], max(eigenvalues[k] - beta * eta, 0), 0.03)

# %% [markdown]
# **In balance.** With $\beta = 1$ the clouds are small but not points, and all of them together fill the prior. The trained model is as good as PCA's, whose mean $\log p(\mathbf{x})$ was computed in section 7:

# %%
layer, W, b = models[1]
F = elbo_linear_gaussian(x_test, W, b, noise, *encode(layer, x_test)).mean()
show_result("mean F of the trained model", F, expected=log_p.mean(), tolerance=0.6)
assert F < log_p.mean() + 0.1
mu, log_sigma = encode(layer, x_test)
show_result("mean of mu^2 + sigma^2", np.mean(mu**2 + np.exp(2 * log_sigma)), 1, 0.15)

# %% [markdown]
# The mean of $\mu^2 + \sigma^2$ is the second moment of a draw from all the clouds together; it is near the prior's, which is 1.
#
# **Too little.** With $\beta = 0$ the clouds have shrunk almost to points, and would go on to do so for as long as we train (section 6 says what that costs). And nothing holds the codes in place: make all codes
# and widths five times smaller and $W$ five times larger, and the error is what it was. Where the codes lie is an accident of the start.

# %%
(V, c), W, b = models[0]
fifth = np.float32([0.2, 0.2, 1, 1])
shift = np.log(np.float32([1, 1, 0.2, 0.2]))
models["0, rescaled"] = (V * fifth, c * fifth + shift), 5 * W, b
before, after = [terms(models[name], x_test)[0] for name in (0, "0, rescaled")]
assert np.allclose(before, after, rtol=1e-3)
mu, log_sigma = encode((V, c), x_test)
show_result("spread of the codes", mu.std(), 2.07, 0.4)
show_result("mean width of the clouds", np.exp(log_sigma).mean(), 0.045, 0.03)

# %% [markdown]
# Why does it matter where codes lie? Because the model's pictures are decoded from draws of the *prior*, $\mathbf{z} \sim \mathcal{N}(0, I)$.
#
# **Predict.** Decode the same eight draws with each model. Which one shows the range of pictures that two latents can make?

# %%
draws = np.random.default_rng(4).normal(size=(8, 2))
names = [0, "0, rescaled", 1, 24, 40]
pictures = [draws @ models[name][1].T + models[name][2] for name in names]
fig, ax = plots.figure(7.4, 4.6)
plots.image_grid(np.concatenate(pictures), shape, columns=8, ax=ax,
                 row_labels=[f"β = {name}" for name in names])
plots.show(fig, alt="Eight decoded draws of the prior for each model: much alike at "
                    "beta 0, harsh once rescaled, varied at beta 1, almost the same at "
                    "beta 24, and the same mean digit eight times at beta 40.")

# %%
possible = np.sum(eigenvalues[:2] - eta)  # the variance along PCA's columns
for name, expected in zip(names, [0.27, 6.6, 1.08, 0.08, 0]):
    share = np.sum(models[name][1] ** 2) / possible
    show_result(f"beta = {name}: variance of the draws, against PCA's", share, expected,
                tolerance=0.25 * expected + 0.02)

# %% [markdown]
# Without the KL term the pictures vary too little or too much, as chance will have it; with too much of it they are all the mean digit; with the bound as it stands they vary as the data do. So notebook 02's trouble, that random codes
# decode to nothing sensible, is what the KL term is there to cure. (They are no handsome digits even so: two latents and a flat decoder are a poor model. That changes in notebook 08.)

# %% [markdown]
# ## What you have shown
#
# - The bound is a reconstruction term minus a KL term (L12, L15), and the KL term is never negative, by Jensen's inequality. KL is no metric: it is neither symmetric nor does it
#   obey the triangle inequality (L14).
# - For Gaussians it has a closed form, which pulls $q$ towards $\mathcal{N}(0, I)$; quadrature and samples agree with it. Averaging under $q$, as the bound does, makes $q$ settle on one bump.
# - With Gaussian noise the reconstruction term is an expected squared error (L13). Alone, it is best served by a point mass, and that costs infinitely much, like $-K\log\sigma$ (L17).
# - Together they are best served by the posterior, where their slopes cancel; $2\eta$ is the exchange rate between them. A KL term that weighs too much makes the model collapse, one that weighs too little leaves the codes scattered.
#
# ## What is left open
#
# Everything here leaned on one formula, the expected error of a *linear* decoder. When the decoder bends, $\mathbb{E}_q\lVert\mathbf{x} - G(\mathbf{z})\rVert^2$ has no closed form. It can be estimated from samples of $q$; but to climb the bound we need its
# derivatives with respect to $\boldsymbol\mu$ and $\boldsymbol\sigma$, and these are the parameters of the very distribution that the samples come from. How do you differentiate through a sample? That is notebook 06.

# %%
# NBVAL_IGNORE_OUTPUT
progress()

# %% [markdown]
# **Sources.** S. Kullback and R. Leibler, *On information and sufficiency*, 1951. R. Neal and G. Hinton, *A view of the EM algorithm that justifies incremental, sparse, and other variants*, 1998. M. Tipping and C. Bishop,
# *Probabilistic principal component analysis*, 1999. C. Bishop, *Pattern Recognition and Machine Learning*, 2006, section 10.1. D. Kingma and M. Welling, *Auto-encoding variational Bayes*, 2014. I. Higgins and others, *beta-VAE*, 2017.
# J. Lucas and others, *Don't blame the ELBO! A linear VAE perspective on posterior collapse*, 2019. Digits: MNIST, Y. LeCun, C. Cortes, C. Burges.
