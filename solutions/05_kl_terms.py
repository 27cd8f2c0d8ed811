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
# *Lecture points L12 to L15 and L17. About {{core minutes}} minutes, 13 points; {{further minutes}} more and 7 points below "Further". [Glossary](00_start_here.ipynb#Glossary)*
#
# Notebook 04 found a lower bound on $\log p(\mathbf{x})$ that is tight when $q(\mathbf{z})$ is the
# posterior. It ended with two terms, neither of which mentions the posterior. What does each of them want from $q$, and what
# happens when they disagree?
#
# By the end you can say, and show with numbers,
#
# - what the KL divergence measures, why it is never negative, and whether it is a distance,
# - what each term would do with $q$ if it were alone, and what that would cost,
# - where the two come to rest together, and what decides how much of one is worth how much of the other,
# - what goes wrong on real digits when one of them weighs too much.

# %%
import numpy as np
from matplotlib.collections import EllipseCollection
from matplotlib.patches import Circle
from scipy.optimize import minimize
from scipy.stats import multivariate_normal, norm

from course_utils.checking import check, hint, predict, progress, reveal
from course_utils.data import load_mnist, shrink
from course_utils.explorables.kl_explorer import kl_explorer
from course_utils.models import pca
from course_utils.probability.divergences import kl_on_grid
from course_utils.showing import drawings, plots
from course_utils.showing.evidence import expect, results

# %% [markdown]
# The digits come at half their size here (each pixel the mean of four): $D = 196$.

# %%
digits = load_mnist()
x_train, x_test = [shrink(part, 14).astype(float)
                   for part in (digits.x_train[::2], digits.x_test)]

# %% [markdown]
# ## 1. The bound comes apart
#
# For every $q(\mathbf{z})$, Jensen's inequality gave (L12)
#
# $$\log p(\mathbf{x}) \;\ge\; \mathbb{E}_q\!\left[\log \frac{p(\mathbf{x}, \mathbf{z})}{q(\mathbf{z})}\right] = \mathcal{F}.$$
#
# The joint density is $p(\mathbf{z})\,p(\mathbf{x}|\mathbf{z})$, and the logarithm of a product is a sum:
#
# $$\mathcal{F} = \underbrace{\mathbb{E}_q[\log p(\mathbf{x}|\mathbf{z})]}_{\text{reconstruction term}}
# + \mathbb{E}_q\!\left[\log \frac{p(\mathbf{z})}{q(\mathbf{z})}\right]
# = \mathbb{E}_q[\log p(\mathbf{x}|\mathbf{z})] - \mathrm{KL}(q \,\|\, p).$$
#
# The second term is minus the **Kullback–Leibler divergence** of $q$ from the prior (L14, L15), the *price* that $q$ pays for being different.

# %%
fig, ax = drawings.two_terms()
plots.show(fig, alt="The prior p(z) and q(z) go into KL(q || p). A code z, drawn from "
                    "q, goes through the decoder G, and what comes out is compared "
                    "with x in log p(x | z).")

# %% [markdown]
# For numbers, take a linear decoder $W\mathbf{z} + \mathbf{b}$ out of PCA: $\mathbf{b}$ is the mean digit, and
# column $k$ of $W$ points along the principal component $\mathbf{c}_k$ and gives the model the data's variance $\lambda_k$ in this
# direction: $\lVert \mathbf{w}_k \rVert^2 + \eta = \lambda_k$. The noise variance $\eta$ is the mean of the eigenvalues left over. (Section 8 finds columns of the same lengths in the same plane by training, at this $\eta$.)

# %%
eigenvalues = pca.pca_eigenvalues(x_train)
b, components = pca.pca_fit(x_train, 8)
components *= np.sign(components.sum(axis=1, keepdims=True))  # PCA leaves the sign open


def decoder_from_pca(K):
    """W (D, K) and the noise variance eta."""
    eta = eigenvalues[K:].mean()
    return components[:K].T * np.sqrt(eigenvalues[:K] - eta), eta


(W_1, eta_1), (W_2, eta_2), (W_8, eta_8) = [decoder_from_pca(K) for K in (1, 2, 8)]

# %% [markdown]
# With one latent, the trapezoid rule of notebooks 03 and 04 gives every expectation. One test digit, and an untuned $q = \mathcal{N}(0.5, 0.4^2)$:

# %%
z = np.linspace(-12, 12, 6001)
x = x_test[5:6]                                   # one digit, as a row (1, 196)
log_lik = norm.logpdf(x, z[:, None] @ W_1.T + b, np.sqrt(eta_1)).sum(axis=1)
log_prior = norm.logpdf(z)
log_guess = norm.logpdf(z, 0.5, 0.4)


def under(log_q, values):
    """The expectation under q of values (G,) on the grid z."""
    return np.trapezoid(np.exp(log_q) * values, z)


# %%
F_guess = under(log_guess, log_lik + log_prior - log_guess)
reconstruction = under(log_guess, log_lik)
price = under(log_guess, log_guess - log_prior)
log_p_x = multivariate_normal.logpdf(x, b, W_1 @ W_1.T + eta_1 * np.eye(196))
assert np.isclose(F_guess, reconstruction - price) and F_guess < log_p_x
results({"this q": [reconstruction, price, F_guess, log_p_x]}, trained=False,
        columns=["reconstruction term", "KL", "F", "log p(x)"], digits=5)

# %% [markdown]
# All in nats; these are *densities* over 196 dimensions, so their logarithms may be positive. Now to the two terms, the second one first.

# %% [markdown]
# ## 2. The price of being different
#
# For distributions over $C$ classes the divergence is a sum:
#
# $$\mathrm{KL}(q\,\|\,p) = \mathbb{E}_q\!\left[\log \frac{q}{p}\right] = \sum_{c=1}^{C} q_c \log \frac{q_c}{p_c}.$$
#
# What does a class cost that $q$ never uses, and one that $q$ uses and $p$ holds to be impossible?

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
# with equality only for $p = q$. A thousand random pairs, in which $q$ never uses the last class:

# %%
rng = np.random.default_rng(0)
for _ in range(1000):
    q, p = np.append(rng.dirichlet(np.ones(5)), 0), rng.dirichlet(np.ones(6))
    assert -kl_categorical(q, p) < np.log(np.sum(p[q > 0])) < 0

# %% [markdown]
# ### Is it a distance?
#
# Three coins fall heads with probability 0.5, 0.25 and 0.1.

# %%
predict("05-detour", "You go from the first coin to the third, KL(first || third), or "
        "by way of the second, KL(first || second) + KL(second || third). Which way is "
        "longer?", ["the detour", "the direct way", "both are equally long"])

# %%
first, second, third = np.array([[0.5, 0.5], [0.25, 0.75], [0.1, 0.9]])
direct = kl_categorical(first, third)
detour = kl_categorical(first, second) + kl_categorical(second, third)
results({"KL(first || third)": direct, "by way of the second": detour,
         "KL(third || first)": kl_categorical(third, first)}, trained=False)
reveal("05-detour", "the direct way" if direct > detour else "the detour")

# %% tags=["expectation"]
assert detour < direct and not np.isclose(direct, kl_categorical(third, first))

# %% [markdown]
# A detour can be *shorter*, and the way back is not as long as the way there. So KL is no metric (the lecture: "a measure of distance, though not a distance metric"), and it matters which
# of the two takes the average.
#
# A better reading: $\mathrm{KL}(q\,\|\,p)$ is **what a wrong code costs** (a code as in a zip file, not the $\mathbf{z}$ of an autoencoder). Messages come from $q$, but their code was made for $p$: it gives message $c$ the length $-\log p_c$, where the best code for $q$ gives it
# $-\log q_c$. The mean excess is the divergence.

# %%
letters, assumed = np.array([1/2, 1/4, 1/8, 1/8]), np.full(4, 1/4)
best_length = np.sum(letters * -np.log2(letters))    # letters are drawn from q ...
length = np.sum(letters * -np.log2(assumed))         # ... and coded for p
assert np.isclose(length - best_length, kl_categorical(letters, assumed) / np.log(2))
print(f"{length:.2f} bits a letter in place of {best_length:.2f}")

# %% [markdown]
# Notebook 12 builds such codes. In notebook 13, with a $q$ on a network's weights, the same term is the price of what the network has learned (the "more
# interesting reading" that the lecture promises, L14).

# %% [markdown]
# ## 3. Gaussians: a price list
#
# In the bound, $p$ is $\mathcal{N}(\mathbf{0}, I)$ and $q$ will be a Gaussian $\mathcal{N}(\boldsymbol\mu, \mathrm{diag}(\boldsymbol\sigma^2))$. One dimension first. The average of $\log q$ is
#
# $$\mathbb{E}_q[\log q(z)] = -\tfrac12\log(2\pi\sigma^2) - \tfrac12
# \qquad\text{because } \mathbb{E}_q[(z-\mu)^2] = \sigma^2.$$
#
# You need one more average, $\mathbb{E}_q[\log p(z)]$, and the difference. In $K$ independent dimensions both log densities are sums, so the divergence is a sum, too. The
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
# The grid of section 1 knows nothing of this formula:

# %%
by_formula = kl_standard_normal(np.array([[0.5]]), np.log([[0.4]]))[0]
assert np.isclose(by_formula, price)

# %%
predict("05-wide", "Both at the mean 0: which width is more expensive?",
        ["exp(2), too wide", "exp(-2), too narrow", "both cost the same"])

# %%
ms, ss = np.meshgrid(np.linspace(-3, 3, 121), np.linspace(-3, 2.1, 103))
prices = kl_standard_normal(ms.reshape(-1, 1), ss.reshape(-1, 1)).reshape(ms.shape)
slope_s, slope_m = np.gradient(prices, ss[:, 0], ms[0])

# %%
fig, ax = plots.figure(6.4, 3.8)
filled = ax.contourf(ms, ss, prices, [0.03, 0.1, 0.3, 1, 3, 10, 30], norm="log",
                     cmap="Blues", extend="both")
few = slice(6, None, 12)
down = -np.stack([slope_m, slope_s]) / np.hypot(slope_m, slope_s)
ax.quiver(ms[few, few], ss[few, few], *down[:, few, few], angles="xy", scale=22,
          width=4e-3, headlength=3, headaxislength=3, color=plots.PALETTE[6])
ax.plot(0, 0, "o", color=plots.PALETTE[6], markeredgecolor="white")
ax.set(xlabel="mean μ", ylabel="log σ", title="KL(q || N(0, 1)), and the way downhill")
fig.colorbar(filled, label="nats", format="%g")
plots.show(fig, alt="Contours of the divergence around its only minimum, mean 0 and "
                    "log sigma 0; arrows of equal length lead there from everywhere. "
                    "Upwards, to wide q, it rises steeply; downwards slowly.")

# %%
wide, narrow = kl_standard_normal(np.zeros((2, 1)), np.array([[2.0], [-2.0]]))
results({"log σ = +2": wide, "log σ = −2": narrow}, ["nats"], trained=False)
reveal("05-wide", "exp(2), too wide" if wide > narrow else "exp(-2), too narrow")

# %% [markdown]
# From everywhere the arrows lead to $\mu = 0$, $\sigma = 1$: the term pulls $q$ towards $\mathcal{N}(\mathbf{0}, I)$ (L14). Near $\sigma = 1$ both mistakes cost alike. Farther out, too wide is expensive, as $\sigma^2 = e^{2\log\sigma}$ grows fast; too narrow is cheap, as the price
# grows like $-\log\sigma$ only (but without end: section 6).

# %% [markdown]
# ## 4. Which way round?
#
# In the bound $q$ stands first: $\mathrm{KL}(q\,\|\,p)$ to the prior, and, in notebook 04's gap, $\mathrm{KL}(q\,\|\,\text{posterior})$. Would the other way round do as well?
# Take a target with two equal bumps of width 1, at $-a$ and $a$, and look for the Gaussian $q$ that is closest to it.
#
# With the target first, in $\mathrm{KL}(p\,\|\,q)$, a place that $p$ visits and $q$ forgets costs $p \log(p/q)$, so $q$ **covers** all of $p$; its best mean and width are those of $p$, 0 and $\sqrt{1 + a^2}$, as the average under $p$ of a Gaussian's $\log q$ depends on nothing else of $p$. With the fit first, in $\mathrm{KL}(q\,\|\,p)$, a place where $q$ is and $p$ is not costs $q \log (q/p)$, while forgetting
# a whole bump costs $\log 2 \approx 0.69$ nats and no more.

# %%
predict("05-near", "a = 2, so the bumps are four widths apart and p has two tops. "
        "Where does the q with the lowest KL(q || p) have its mean?",
        ["on one of the bumps", "in the middle, at 0", "between a bump and the middle"])

# %%
line = np.linspace(-12, 12, 601)


def two_bumps(a):
    return np.logaddexp(norm.logpdf(line, -a), norm.logpdf(line, a)) - np.log(2)


def closest(a):
    """Mean, width and KL(q || p) of the best q; the better end of two searches."""
    def cost(q):
        return kl_on_grid(norm.logpdf(line, q[0], np.exp(q[1])), two_bumps(a), line)

    ends = [minimize(cost, start, bounds=[(-6, 6), (-2, 2)])
            for start in ([0.1, 0.5], [a, 0.0])]
    found = min(ends, key=lambda end: end.fun)
    return abs(found.x[0]), np.exp(found.x[1]), found.fun


distances = [1, 1.5, 2, 2.5, 2.7, 2.9, 3.5, 4]
nearest = np.array([closest(a) for a in distances])

# %%
fig, axes = plots.figure(9.8, 2.9, columns=3)
for ax, a in zip(axes, (2, 3.5)):
    m, s, _ = nearest[distances.index(a)]
    ax.fill_between(line, np.exp(two_bumps(a)), color=plots.PALETTE[3], alpha=0.6,
                    label="p")
    ax.plot(line, norm.pdf(line, m, s), color=plots.PALETTE[4], label="best KL(q || p)")
    ax.plot(line, norm.pdf(line, 0, np.sqrt(1 + a ** 2)), "--", color=plots.PALETTE[5],
            label="best KL(p || q)")
    ax.set(xlim=(-7, 7), ylim=(0, 0.55), xlabel="z", title=f"a = {a}")
axes[0].set_ylabel("density")
axes[0].legend(loc="upper left", fontsize=8)
axes[2].plot(distances, nearest[:, 0], "o-", label="mean", color=plots.PALETTE[4])
axes[2].plot(distances, nearest[:, 1], "s:", label="width", color=plots.PALETTE[4])
axes[2].set(xlabel="a", title="q with the lowest KL(q || p)")
axes[2].legend(fontsize=9)
plots.show(fig, alt="At a = 2 the best q lies over both bumps, at 3.5 on one of them. "
                    "Its mean is 0 up to a = 2.7 and jumps onto a bump at 2.9, where "
                    "its width falls from 2.5 to 1.")
in_middle = nearest[distances.index(2), 0] < 0.1
reveal("05-near", "in the middle, at 0" if in_middle else "on one of the bumps")

# %% tags=["expectation"]
expect(nearest[2, 1], 2.047, within=0.002)
expect(nearest[2, 2], 0.2265, within=0.0005)
assert np.all(nearest[:, 1] < np.sqrt(1 + np.square(distances)))
assert (nearest[:5, 0] < 0.01).all() and (nearest[5:, 0] > 2.85).all()
log_cover = norm.logpdf(line, 0.05 * np.arange(-2, 3)[:, None], np.sqrt(5))
assert np.argmin(kl_on_grid(two_bumps(2), log_cover, line)) == 2
scales = np.sqrt(5) * np.exp(0.02 * np.arange(-2, 3))[:, None]
assert np.argmin(kl_on_grid(two_bumps(2), norm.logpdf(line, 0, scales), line)) == 2

# %% [markdown]
# In the middle, with a width of 2.05, for 0.23 nats. A $q$ over both bumps pays for the valley between them, and the valley is cheaper than a bump until the two are between 5.4 and 5.8 widths apart. Then the best $q$ jumps, and **settles on one bump**. Near or far, it is narrower than $p$ here.
#
# The bound uses this direction. Its average is under $q$, which we chose and can sample from; an average under the posterior is what we could not compute in the first place.

# %% [markdown]
# ### Explore
#
# The panel shows *where along the axis* a divergence is paid, and where some of it is paid back, as you move $q$ or $p$.
# Before you move anything, decide what you expect: (a) Make $q$ half as wide as $p$, then twice as wide, with equal means. Which of the two mistakes makes
# $\mathrm{KL}(q\,\|\,p)$ larger? And $\mathrm{KL}(p\,\|\,q)$? (b) Can the area below the axis ever outweigh the one above?

# %%
kl_explorer()

# %% [markdown] tags=["expectation"]
# <details><summary>Answers</summary>
#
# (a) For $\mathrm{KL}(q\,\|\,p)$ twice as wide, 0.81 nats against 0.32; for $\mathrm{KL}(p\,\|\,q)$ it is the other way round, with the same two numbers. (b) No: the areas add up to the divergence, which is never negative.
#
# </details>

# %% tags=["expectation"]
mistakes = kl_standard_normal(np.zeros((2, 1)), np.log([[2.0], [0.5]]))
assert np.allclose(mistakes, [0.81, 0.32], atol=0.005)

# %% [markdown]
# ## 5. The reconstruction term
#
# With the Gaussian observation model of notebook 03, $p(\mathbf{x}|\mathbf{z}) = \mathcal{N}(\mathbf{x};\, G(\mathbf{z}), \eta I)$, the first term of the bound is (L13)
#
# $$\mathbb{E}_q[\log p(\mathbf{x}|\mathbf{z})] = -\frac{1}{2\eta}\, \mathbb{E}_q\lVert \mathbf{x} - G(\mathbf{z}) \rVert^2 - \frac{D}{2}\log(2\pi\eta).$$
#
# Up to a factor and a constant it is the squared error of an autoencoder (PyTorch: `MSELoss(reduction="sum")`), with
# one difference: $\mathbf{z}$ is not a point, but a cloud.
#
# For the linear decoder $G(\mathbf{z}) = W\mathbf{z} + \mathbf{b}$ the average can be worked out. Write $\mathbf{z} = \boldsymbol\mu + \boldsymbol\sigma\odot\boldsymbol\varepsilon$ with standard normal
# $\boldsymbol\varepsilon$; then, with $\mathbf{w}_k$ the columns of $W$,
#
# $$\mathbf{x} - W\mathbf{z} - \mathbf{b} = \underbrace{\mathbf{x} - W\boldsymbol\mu - \mathbf{b}}_{\text{fixed}} - \underbrace{\textstyle\sum_k \varepsilon_k\, \sigma_k \mathbf{w}_k}_{\text{random, mean } 0}.$$
#
# Square and average. Which products of two $\varepsilon$ survive?

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
# ### If it were alone

# %%
predict("05-alone", "Suppose the reconstruction term were all, on our digit, with two "
        "latents. Which q makes it largest?",
        ["the prior", "the posterior", "a point at the best code",
         "a wide cloud around the best code"])

# %%
z_star = np.linalg.lstsq(W_2, (x - b)[0], rcond=None)[0][None]  # the best code
factor = 1 / (1 + eta_2 / np.sum(W_2 ** 2, axis=0))  # section 7 derives the posterior


def with_variance(mean, variance):
    with np.errstate(divide="ignore"):                # log 0, for the point
        return mean, 0.5 * np.log(variance * np.ones((1, 2)))


q_s = {"the prior": with_variance(0 * z_star, 1),
       "the posterior": with_variance(factor * z_star, 1 - factor),
       "a point at the best code": with_variance(z_star, 0),
       "a wide cloud around the best code": with_variance(z_star, 1)}
errors_of = {name: expected_squared_error(x, W_2, b, *q)[0] for name, q in q_s.items()}
results(errors_of, ["expected squared error"], best="lowest", trained=False)
reveal("05-alone", min(errors_of, key=errors_of.get))

# %% tags=["expectation"]
several = np.random.default_rng(5).normal(size=(2, 1000, 2))
several[0] += z_star
errors_of_others = expected_squared_error(np.tile(x, (1000, 1)), W_2, b, *several)
assert errors_of_others.min() > min(errors_of.values())
assert min(errors_of.values()) == errors_of["a point at the best code"]

# %% [markdown]
# A **point mass** at the best code, $\mathbf{z}^* = \operatorname{argmin}_{\mathbf{z}} \lVert \mathbf{x} - G(\mathbf{z})\rVert^2$: an average is never better than its best case, so every cloud loses against $\mathbf{z}^*$ (L17). Left to this
# term alone, $q$ shrinks to a point, and what remains is an ordinary autoencoder.
#
# *A remark on the slide.* It says that $-\frac{1}{2\sigma^2}\mathbb{E}\lVert \mathbf{x} - G(\mathbf{z})\rVert^2$ (its $\sigma^2$ is our $\eta$) is *minimised* by the point mass. As signed, it is **maximised**.

# %% [markdown]
# ## 6. The price of a point
#
# The lecture leaves an exercise: show that a point mass has infinite KL divergence (L17). First look at a Gaussian that shrinks, $\mathcal{N}(\boldsymbol\mu, \sigma^2 I)$ with $\sigma \to 0$, in `kl_standard_normal`:

# %%
log_sigmas = np.linspace(-18, 1.5, 200)[:, None]
fig, ax = plots.figure(6.4, 3)
for K, style in [(8, ":"), (2, "--"), (1, "-")]:
    shrinking = kl_standard_normal(np.ones((200, K)), np.tile(log_sigmas, (1, K)))
    ax.plot(log_sigmas, shrinking, style, label=f"K = {K}", color=plots.PALETTE[2])
ax.set(ylim=(0, None), xlabel="log σ", ylabel="KL (nats)")
ax.set_title("The price of shrinking to a point")
ax.legend()
plots.show(fig, alt="The divergence against log sigma: straight lines that rise "
                    "towards small sigma, the steeper the larger K.")

# %% tags=["expectation"]
slopes = np.diff(kl_standard_normal(np.ones((2, 8)), np.array([[-18.0] * 8, [-8] * 8])))
expect(slopes[0] / 10, -8, within=1e-6)

# %% [markdown]
# Straight lines: the price grows like $-K\log\sigma$. But this is only *one* way to the point; other shapes might get there for less. Three
# steps settle it for every shape.
#
# **Step 1.** Cut the space into two classes, a cube with sides $w$ and the rest. Merging all points of a class can only lower a divergence: when points $i$ with the total probabilities $Q = \sum_i q_i$ and $P = \sum_i p_i$ become one, Jensen's inequality under the weights $q_i / Q$ says
#
# $$-\sum_i q_i \log\frac{q_i}{p_i} = Q \sum_i \frac{q_i}{Q} \log\frac{p_i}{q_i} \;\le\; Q \log \sum_i \frac{q_i}{Q}\,\frac{p_i}{q_i} \;\le\; -Q \log \frac{Q}{P}$$
#
# (the last sign is "=" unless $q$ leaves some $p_i$ out).
#
# A $q$ with all its mass in the cube has the probabilities $(1, 0)$, the prior has
# $(P, 1 - P)$ with $P = P(\text{cube})$, and $\mathrm{KL}$ of these two is $-\log P$. So *every* such $q$ pays at least $-\log P(\text{cube})$. (For a $q$ without a density, like a point mass, the divergence is *defined* as the most that any cut gives.)
#
# **Step 2.** The prior's density is nowhere larger than at $\mathbf{0}$, so $P(\text{cube})$ is at most the volume of the cube times the density there.
#
# **Step 3.** However many nats somebody names, there is a side at which the bound of step 2 reaches them.

# %% [markdown]
# {{exercise point_mass_limit}}

# %%
def point_mass_limit(widths, nats, K):
    """Bounds (M,) on the price in cubes with sides widths (M,); the side for nats."""
    ### BEGIN SOLUTION
    log_density = -0.5 * np.log(2 * np.pi)  # the largest, of one dimension
    bound = -K * (np.log(widths) + log_density)
    return bound, np.exp(-log_density - nats / K)
    ### END SOLUTION


# %%
point_mass_limit = check(point_mass_limit)

# %% [markdown]
# Check each step on cubes around the best code of our digit, with a $q$ that is flat in the cube:

# %%
sides = np.array([1, 0.1, 1e-3, 1e-6])
low, high = [norm.cdf(z_star[0] + sign * sides[:, None] / 2) for sign in (-1, 1)]
two_classes = [kl_categorical(np.array([1.0, 0]), np.array([P, 1 - P]))
               for P in np.prod(high - low, axis=1)]
ts = np.linspace(-0.5, 0.5, 2001)                     # along a side, in units of w
flat_q = [sum(kl_on_grid(np.full(2001, -np.log(w)), norm.logpdf(m + w * ts), w * ts)
              for m in z_star[0]) for w in sides]
bound, side_for_100 = point_mass_limit(sides, 100, 2)
results({"the bound of step 2": bound, "−log P(cube)": two_classes, "a flat q": flat_q},
        [f"w = {w:g}" for w in sides], digits=4, caption="Nats, K = 2", trained=False)
print(f"every q in a cube with sides {side_for_100:.1e} costs at least 100 nats")

# %% tags=["expectation"]
assert np.all(bound < two_classes)
assert np.all(two_classes <= np.array(flat_q) + 1e-8)  # with w = 1e-6, all but equal
assert two_classes[0] < flat_q[0] and two_classes[1] < flat_q[1]
assert np.allclose(np.diff(bound) / np.diff(np.log(sides)), -2)
pyramid = np.log(2 - 4 * np.abs(ts[1:-1]))            # a q that is highest at the code
for w, least in zip(sides, two_classes):
    parts = [kl_on_grid(pyramid - np.log(w), norm.logpdf(m + side), side)
             for m in z_star[0] for side in [w * ts[1:-1]]]
    assert least < sum(parts)
for merged in range(200):                             # merging classes lowers KL
    q_fine, p_fine = np.random.default_rng(merged).dirichlet(np.ones(6), size=2)
    q_two, p_two = [a.reshape(2, 3).sum(axis=1) for a in (q_fine, p_fine)]
    assert kl_categorical(q_two, p_two) < kl_categorical(q_fine, p_fine)

# %% [markdown]
# A point lies in cubes of every size, so it costs more than every number of nats: its divergence is infinite. And what it gains in the reconstruction term is finite:

# %%
gain = (errors_of["the posterior"] - min(errors_of.values())) / (2 * eta_2)
print(f"from the posterior to the point: {gain:.2f} nats gained, infinitely many paid")

# %% [markdown]
# ## 7. Both terms together
#
# Now put the two together, and leave nothing out: only with the constant
# $-\frac{D}{2}\log(2\pi\eta)$ is $\mathcal{F}$ a bound on $\log p(\mathbf{x})$.

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
# Where is the best $q$? The derivatives of $\mathcal{F}$ with respect to $\boldsymbol\mu$ and $\sigma_k$ vanish where
#
# $$\frac{W^\top(\mathbf{x} - \mathbf{b} - W\boldsymbol\mu)}{\eta} = \boldsymbol\mu
# \quad\text{and}\quad \frac{\sigma_k\lVert\mathbf{w}_k\rVert^2}{\eta} = \frac{1}{\sigma_k} - \sigma_k,$$
# $$\text{that is}\qquad (W^\top W + \eta I)\,\boldsymbol\mu = W^\top(\mathbf{x}-\mathbf{b}),
# \qquad \sigma_k^2 = \frac{\eta}{\lVert\mathbf{w}_k\rVert^2 + \eta}.$$

# %%
def best_q(x, W, b, eta):
    """mu, log_sigma (N, K) that maximise F; at eta = 0 points, with log_sigma -inf."""
    A = W.T @ W + eta * np.eye(W.shape[1])
    mu = np.linalg.solve(A, W.T @ (x - b).T).T
    with np.errstate(divide="ignore"):
        log_sigma = 0.5 * np.log(eta / np.diag(A))
    return mu, np.tile(log_sigma, (len(x), 1))


best = np.array(best_q(x, W_2, b, eta_2))  # mu, log_sigma of our digit

# %% tags=["expectation"]
expect(expected_squared_error(x, W_2, b, *best)[0], errors_of["the posterior"],
       within=1e-9)
nudges = best + 0.1 * np.random.default_rng(7).normal(size=(2, 1000, 2))
nudged = elbo_linear_gaussian(np.tile(x, (1000, 1)), W_2, b, eta_2, *nudges)
assert nudged.max() < elbo_linear_gaussian(x, W_2, b, eta_2, *best)[0]

# %% [markdown]
# Notebook 04 promised that the best $q$ is the posterior. Here $\log p(\mathbf{x})$ is known, as $\mathbf{x}$ is Gaussian with mean $\mathbf{b}$ and covariance $WW^\top + \eta I$. So the gap can be measured, on all test digits:

# %%
log_p = multivariate_normal.logpdf(x_test, b, W_2 @ W_2.T + eta_2 * np.eye(196))
F = elbo_linear_gaussian(x_test, W_2, b, eta_2, *best_q(x_test, W_2, b, eta_2))
assert np.allclose(F, log_p, atol=1e-8, rtol=0)

# %% [markdown]
# The gap $\mathrm{KL}(q\,\|\,\text{posterior})$ is zero, and $q$ *is* the posterior. (PCA's columns are at right angles; were they not, the posterior would lean, and no $q$ without correlations could be it. Notebook 07 measures what that costs.)
# What would other widths lose, at the best mean, on our digit?

# %%
widths = np.logspace(-2.5, 0.3, 300)[:, None]
clouds = np.tile(best[0], (300, 1)), np.log(np.tile(widths, (1, 2)))
F_of_width = elbo_linear_gaussian(np.tile(x, (300, 1)), W_2, b, eta_2, *clouds)
minus_kl = -kl_standard_normal(*clouds)
first_term = F_of_width - minus_kl
top = widths[F_of_width.argmax(), 0]

# %%
fig, ax = plots.figure(6.6, 3.4)
for y, label, style, i in [
        (first_term - first_term.max(), "reconstruction term − its best", "--", 0),
        (minus_kl, "−KL", "-.", 2)]:
    ax.semilogx(widths, y, style, label=label, color=plots.PALETTE[i])
ax.semilogx(widths, F_of_width - first_term.max(), "k", lw=2, label="sum")
ax.axvline(top, color=plots.PALETTE[3], linewidth=1)
ax.text(top, -8.5, f" σ = {top:.2f}")
ax.set(ylim=(-14, 0.5), xlabel="one width σ for both dimensions of q", ylabel="nats")
ax.set_title("What a width costs, at the best mean")
ax.legend(loc="lower center")
plots.show(fig, alt="Against sigma, the reconstruction term falls, minus KL rises up "
                    "to sigma 1, and their sum has its top in between, at {top:.2f}.",
           top=top)

# %% [markdown]
# The reconstruction term pushes $\sigma$ down, the KL term pulls it up, and at the top their slopes cancel. With columns at right angles the best mean is the least-squares code *shrunk* by $\lVert\mathbf{w}_k\rVert^2/(\lVert\mathbf{w}_k\rVert^2 + \eta)$, as the prior pulls it in. The width does not depend on $\mathbf{x}$: with a linear decoder, all
# digits are equally uncertain.

# %% [markdown]
# ### The exchange rate
#
# Keep the decoder ($K = 8$) and let the noise variance $\eta$ grow from tiny to huge, with the best $q$ each time.

# %%
predict("05-noise", "As eta grows, what becomes of the expected squared error, and of "
        "the KL term?", ["both grow", "the error grows, KL falls",
                         "the error falls, KL grows", "both fall"])

# %%
etas = np.logspace(-4, 2, 61)
qs = [best_q(x_test, W_8, b, eta) for eta in etas]
errors = np.array([expected_squared_error(x_test, W_8, b, *q).mean() for q in qs])
kls = np.array([kl_standard_normal(*q).mean() for q in qs])

# %%
fig, (left, middle, right) = plots.figure(9.8, 3, columns=3)
left.semilogx(etas, errors, color=plots.PALETTE[0])
left.set(xlabel="η", ylabel="expected squared error", title="reconstruction")
middle.semilogx(etas, kls, color=plots.PALETTE[2])
middle.set(xlabel="η", ylabel="KL (nats)", title="price")
right.plot(kls, errors, color="black")
at = [np.interp(np.log(eta_8), np.log(etas), a) for a in (kls, errors)]
right.plot(*at, "o", color="black", label="PCA's η")
right.axline(at, slope=-2 * eta_8, color=plots.PALETTE[1], label="slope −2η")
right.set(xlabel="KL (nats)", ylabel="expected squared error")
right.set_title("error against price")
right.legend()
plots.show(fig, alt="With growing eta the expected error rises and the divergence "
                    "falls to zero; against each other they form a falling curve, with "
                    "a tangent at PCA's eta.")
grows = {True: "grows", False: "falls"}
up = [bool(np.all(np.diff(a) > 0)) for a in (errors, kls)]
reveal("05-noise", f"the error {grows[up[0]]}, KL {grows[up[1]]}")

# %% [markdown]
# Small $\eta$: an error is expensive, and $q$ narrows towards the point mass. Large $\eta$: an error costs nothing, and $q$ relaxes to the prior. For each $\eta$, $-\text{error}/(2\eta) - \mathrm{KL}$ is at its maximum on the
# curve on the right, so a small step along it changes nothing: $\mathrm{d}\,\text{error} = -2\eta\;\mathrm{d}\,\mathrm{KL}$. The noise variance is an **exchange rate**, $2\eta$ of squared
# error per nat:

# %%
rate = -np.diff(errors) / np.diff(kls)
etas_between = np.sqrt(etas[1:] * etas[:-1])
assert np.allclose(rate, 2 * etas_between, rtol=0.01)

# %% [markdown]
# ## 8. Too little and too much
#
# So far the decoder stood still. Now train it, too, with a weight $\beta$ on the KL term, to see what each term does to a model:
#
# $$\mathcal{F}_\beta = \mathbb{E}_q[\log p(\mathbf{x}|\mathbf{z})] - \beta\,\mathrm{KL}(q \,\|\, p).$$
#
# At $\beta = 1$ this is the bound. Two latents, a decoder $W\mathbf{z} + \mathbf{b}$, and a $q$ for each digit; as in notebook 04's EM, maximise over the $q$'s and over the decoder in turns. The best $q$ is `best_q` at a noise of $\beta\eta$ (dividing by $\beta$ moves no
# maximum). The best decoder is a least-squares fit of $\mathbf{x}$ to the codes, to whose second moments the clouds' variances are added, because $\mathbb{E}_q[\mathbf{z}\mathbf{z}^\top] = \boldsymbol\mu\boldsymbol\mu^\top + \mathrm{diag}(\boldsymbol\sigma^2)$.

# %%
def best_decoder(x, mu, log_sigma):
    """W, b with the smallest mean expected squared error."""
    codes = np.column_stack([mu, np.ones(len(x))])
    moments = codes.T @ codes
    moments[:-1, :-1] += np.diag(np.exp(2 * log_sigma).sum(axis=0))
    weights = np.linalg.solve(moments, codes.T @ x).T
    return weights[:, :-1], weights[:, -1]


def train(beta, start, seed=1):
    """W, b after a hundred turns, from a random W of the size start."""
    decoder = start * np.random.default_rng(seed).normal(size=(196, 2)), b
    for _ in range(100):
        decoder = best_decoder(x_train, *best_q(x_train, *decoder, beta * eta_2))
    return decoder


# %%
in_noise = eigenvalues[:2] / eta_2
print("variance along both components, in units of eta:",
      "{:.1f} and {:.1f}".format(*in_noise))

# %%
predict("05-beta", "What becomes of the two latents at beta = 24?",
        ["both are used, each a little less", "one is given up, the other is not",
         "both are given up"])

# %%
runs = {"β = 0": (0, 0.014), "β = 0, larger start": (0, 0.126), "β = 1": (1, 0.014),
        "β = 24": (24, 0.014), "β = 40": (40, 0.014)}  # beta, size of the first W
models = {name: train(*run) for name, run in runs.items()}
codes_of = {name: best_q(x_test, *models[name], beta * eta_2)
            for name, (beta, _) in runs.items()}

# %%
fig, axes = plots.figure(9.6, 6.4, columns=3, rows=2)
for ax, (name, (mu, log_sigma)) in zip(axes.flat, codes_of.items()):
    for digit, colour in [(0, 0), (1, 1), (7, 4)]:
        shown = np.flatnonzero(digits.y_test == digit)[:10]
        sizes = np.maximum(2 * np.exp(log_sigma[shown]).T, 0.08)  # a point is a dot
        ax.add_collection(EllipseCollection(
            *sizes, np.zeros(10), units="xy", offsets=mu[shown], facecolors="none",
            offset_transform=ax.transData, edgecolors=plots.PALETTE[colour]))
        ax.plot([], [], "o", markerfacecolor="none", color=plots.PALETTE[colour],
                label=f"{digit}s")
    ax.add_patch(Circle((0, 0), 1, fill=False, linestyle="--"))
    ax.set(xlim=(-4.2, 4.2), ylim=(-4.2, 4.2), aspect="equal", title=name)
    ax.set(xlabel="$z_1$", ylabel="$z_2$")
axes[1, 2].set_axis_off()
axes[1, 2].legend(*axes[0, 0].get_legend_handles_labels(), loc="center", fontsize=13)
plots.show(fig, alt="Codes of zeros, ones and sevens with their one-sigma ellipses. "
                    "Beta 0: dots, wider than the prior, or huddled at its middle. "
                    "Beta 1: small ellipses, spread like it. Beta 24: large ellipses, "
                    "apart in one direction alone. Beta 40: all the prior's circle.")

# %% [markdown]
# Each ellipse is one test digit's $q$, at one standard deviation; the dashed circle is the prior's own. What is left of the decoder's two columns? (At $\beta = 1$ a hundred turns leave them some 25 degrees off PCA's axes, from other starts 5 to 43. More turns bring them nearer, slowly: $q$'s without correlations want columns at right angles, as in section 7; with leaning $q$'s they would stay. The singular values of $W$ are their lengths there.)

# %%
columns = {name: np.linalg.svd(models[name][0], compute_uv=False) ** 2
           for name in ("β = 1", "β = 24", "β = 40")}
results({name: list(lengths.round(3)) for name, lengths in columns.items()},
        ["column 1", "column 2"], digits=2, caption="Squared singular values of W")
kept = int(np.sum(columns["β = 24"] > 1e-3))
reveal("05-beta", ["both are given up", "one is given up, the other is not",
                   "both are used, each a little less"][kept])

# %% tags=["expectation"]
for name, lengths in columns.items():
    by_rule = np.maximum(eigenvalues[:2] - runs[name][0] * eta_2, 0)
    assert np.allclose(lengths, by_rule, atol=0.05)
for seed in (2, 3):
    of_seed = np.linalg.svd(train(24, 0.014, seed)[0], compute_uv=False) ** 2
    assert np.allclose(of_seed, columns["β = 24"], atol=1e-3)
assert np.allclose(eigenvalues[:2] / eta_2, [27.44, 20.09], atol=0.02)
assert columns["β = 24"][1] < 1e-3 < 0.1 < columns["β = 24"][0]
assert columns["β = 40"].max() < 1e-6

# %% tags=["expectation"]
def off_axes(W):
    """Degrees between the columns of W and PCA's axes."""
    cosines = np.abs(components[:2] @ (W / np.linalg.norm(W, axis=0)))
    return np.degrees(np.arccos(cosines.max(axis=0)))

# %% tags=["expectation"]
leaning, later = [], models["β = 1"]
for turns in (0, 300):
    for _ in range(turns):
        later = best_decoder(x_train, *best_q(x_train, *later, eta_2))
    leaning.append(off_axes(later[0]))
assert np.all(leaning[1] < leaning[0])
expect(leaning[0].mean(), 25, within=5)
expect(off_axes(train(1, 0.014, seed=3)[0]).mean(), 5, within=2)
expect(off_axes(train(1, 0.014, seed=6)[0]).mean(), 43, within=2)

# %% tags=["expectation"]
S = np.cov(x_train.T, bias=True)      # the control: q's that may lean leave W turned


def leaning_turn(W):
    """W after one turn with the best q's of any covariance."""
    A = W.T @ W + eta_2 * np.eye(2)
    M = np.linalg.solve(A, W.T)
    return S @ M.T @ np.linalg.inv(M @ S @ M.T + eta_2 * np.linalg.inv(A))

# %% tags=["expectation"]
angles, W_turned = [], 0.014 * np.random.default_rng(1).normal(size=(196, 2))
for turn in range(400):
    W_turned = leaning_turn(W_turned)
    if turn in (99, 399):
        angles.append(off_axes(W_turned))
assert np.allclose(*angles, atol=0.2) and np.mean(angles) > 20

# %% [markdown]
# **Too much.** Section 1 had $\lVert\mathbf{w}_k\rVert^2 = \lambda_k - \eta$; with $\beta\eta$ in place of $\eta$ it is $\lambda_k - \beta\eta$, and **nothing is left of column $k$ once $\beta > \lambda_k/\eta$**, here 27.4 and 20.1. At $\beta = 40$ every digit has the same $q$, the prior, and
# $\mathbf{z}$ says nothing about $\mathbf{x}$: the model has **collapsed** (*posterior collapse*).
#
# **Too little.** At $\beta = 0$ the clouds are points, at an infinite price, and nothing holds them in place: make all codes nine times smaller and $W$ nine times larger, and the error stays. Where they lie is an accident of the start.
#
# That matters because the model's pictures are decoded from draws of the *prior*. The same eight draws, decoded by each model:

# %%
draws = np.random.default_rng(4).normal(size=(8, 2))
pictures = [draws @ W.T + bias for W, bias in models.values()]
fig, ax = plots.figure(7.4, 4.2)
plots.image_grid(np.concatenate(pictures), (14, 14), columns=8, ax=ax,
                 row_labels=list(models), limits=(0, 0.8))
plots.show(fig, alt="Eight decoded draws of the prior for each model. Beta 0: pale "
                    "from one start, harsh black and white from the other. Beta 1: "
                    "grey and white. Beta 24: almost the same picture, beta 40: the "
                    "same mean digit, eight times.")

# %%
possible = np.sum(eigenvalues[:2] - eta_2)  # the variance along PCA's columns
table = {name: [
    expected_squared_error(x_test, *models[name], *q).mean(),
    kl_standard_normal(*q).mean().round(6),
    elbo_linear_gaussian(x_test, *models[name], eta_2, *q).mean(),
    np.mean(q[0] ** 2 + np.exp(2 * q[1])),  # of a draw from all clouds together
    np.sum(models[name][0] ** 2).round(6) / possible] for name, q in codes_of.items()}
results(table | {"PCA": [None, None, log_p.mean(), None, 1.0]},
        ["expected error", "KL", "F", "spread of z", "spread of the draws"],
        caption="Test digits, F at β = 1. Spreads: mean squares, as multiples of the "
                "prior's and of PCA's")

# %% tags=["expectation"]
bounds = {name: row[2] for name, row in table.items()}
assert bounds["β = 40"] < bounds["β = 24"] < bounds["β = 1"] < log_p.mean() + 0.1
expect(bounds["β = 1"], log_p.mean(), within=0.1)
expect(table["β = 1"][3], 1, within=0.1)
expect(table["β = 1"][4], 1, within=0.02)
small, large = table["β = 0"], table["β = 0, larger start"]
expect(small[0], large[0], within=1e-6)
assert small[3] > 2 and small[4] < 0.6 and large[3] < 0.1 and large[4] > 10
for seed in (2, 3):  # how pale is chance, that it is pale comes with the small start
    assert np.sum(train(0, 0.014, seed)[0] ** 2) / possible < 0.6

# %% [markdown]
# **In balance.** At $\beta = 1$ the clouds are small but not points, all of them together have the prior's spread, and training has found a model as good as PCA's. What it draws varies as the data do along two components; at the other weights it does not. At $\beta = 0$ the same error goes with draws that are too pale or far too harsh:
# random codes miss the decoder's own, as in notebook 02, and the KL term is there to bring the two together. (They are poor digits all the same: two latents and a flat decoder. Notebook 08 does better.)

# %% [markdown]
# ## What you have shown
#
# - The bound is a reconstruction term minus a KL term (L12, L15), and the KL term is never negative, by Jensen's inequality. KL is no metric: it is neither symmetric nor does it
#   obey the triangle inequality (L14).
# - For Gaussians it has a closed form, which pulls $q$ towards $\mathcal{N}(\mathbf{0}, I)$. Averaging under $q$, as the bound does, makes $q$ settle on one of two bumps when they are far apart, and lie over both when they are not.
# - With Gaussian noise the reconstruction term is an expected squared error (L13). Alone, it is best served by a point mass, and that costs infinitely much: in a cube with sides $w$ at least $-K\log w$, up to a constant (L17).
# - Both together are best served by the posterior, where their slopes cancel; $2\eta$ is the exchange rate. A KL term that weighs too much makes latents collapse; one that weighs nothing leaves it to the start where codes lie.
#
# ## What is left open
#
# Everything here leaned on the expected error of a *linear* decoder. When the decoder bends, $\mathbb{E}_q\lVert\mathbf{x} - G(\mathbf{z})\rVert^2$ has in general no closed form. Samples of $q$ can estimate it; but to climb the bound we need its
# derivatives with respect to $\boldsymbol\mu$ and $\boldsymbol\sigma$, the parameters of the very distribution that the samples come from. How do you differentiate through a sample? That is notebook 06.

# %%
# NBVAL_IGNORE_OUTPUT
progress()

# %% [markdown]
# ## Further ({{further minutes}} minutes)
#
# ### Any two Gaussians
#
# When $p$ has a mean and widths of its own, there is a short way to $\mathrm{KL}(q\,\|\,p)$ that leads through `kl_standard_normal`. Look for it before you integrate.

# %% [markdown]
# {{exercise kl_gaussians}}

# %%
def kl_gaussians(mu_q, log_sigma_q, mu_p, log_sigma_p):
    """KL(q || p) of Gaussians with diagonal covariance; all (N, K), result (N,)."""
    ### BEGIN SOLUTION
    moved = (mu_q - mu_p) / np.exp(log_sigma_p)  # z -> (z - mu_p) / sigma_p
    return kl_standard_normal(moved, log_sigma_q - log_sigma_p)
    ### END SOLUTION


# %%
kl_gaussians = check(kl_gaussians)

# %% [markdown]
# The trapezoid rule must agree, dimension by dimension:

# %%
qp = np.random.default_rng(2).normal(size=(4, 4, 3)) / 2  # mu_q, log_sigma_q, mu_p, ...
logs = norm.logpdf(z, qp[::2, ..., None], np.exp(qp[1::2, ..., None]))  # of q and p
by_grid = kl_on_grid(*logs, z).sum(axis=1)
assert np.allclose(by_grid, kl_gaussians(*qp), atol=1e-6)

# %% [markdown]
# ### One mean, many widths
#
# The Gaussian of section 6, $q = \mathcal{N}(\boldsymbol\mu, \sigma^2 I)$ with the same $\sigma$ in all $K$ dimensions, as a function of its own.

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

# %% [markdown]
# Each halving of a small $\sigma$ costs $K \log 2$ nats, as much as the bound of section 6 gains when $w$ is halved: the two run side by side. At $w = \sigma$ the Gaussian is even *cheaper* than the bound. That is no contradiction: at $K = 2$ only 0.15 of its mass lies in such a cube, and the bound speaks of a $q$ with all of it there. A cube with sides $12\sigma$ holds it:

# %%
halved = 0.5 ** np.arange(20, 60, 10.0)
price_of_point = kl_to_point_mass(z_star[0], halved)
assert np.allclose(np.diff(price_of_point), 10 * 2 * np.log(2))
at_w = {w: price_of_point - point_mass_limit(w * halved, 100, 2)[0] for w in (1, 12)}
results({f"w = {w} σ": [(2 * norm.cdf(w / 2) - 1) ** 2, above[0]]
         for w, above in at_w.items()}, ["mass in the cube", "KL − bound (nats)"],
        trained=False)

# %% tags=["expectation"]
assert np.allclose(at_w[1], (np.sum(z_star ** 2) - 2) / 2 - np.log(2 * np.pi))
assert np.ptp(at_w[12]) < 1e-9 and at_w[1][0] < 0 < at_w[12][0]
expect((2 * norm.cdf(0.5) - 1) ** 2, 0.147, within=0.001)

# %% [markdown]
# ### Without a formula
#
# Where nobody has worked out the integral, samples will do: draw $\mathbf{z}_s$ from $q$ and average $\log q(\mathbf{z}_s) - \log p(\mathbf{z}_s)$. A sample of $\mathcal{N}(\mu, \sigma^2)$ is standard normal noise, stretched and
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
# An estimate is worth as much as its standard error: the spread of the estimates that single samples give, divided by $\sqrt S$. `kl_monte_carlo` gives those single estimates when each
# sample is handed over as an example of its own, with one sample.

# %%
predict("05-samples", "How many times as many samples halve the standard error?",
        ["twice as many", "four times as many", "sixteen times as many"])

# %%
q_far = np.array([[1.0, -0.5]]), np.array([[-1.0, 0.3]])
estimates = {}
for S in (1000, 4000, 100_000):
    eps = np.random.default_rng(S).normal(size=(S, 1, 2))
    same_q = [np.repeat(a, S, axis=0) for a in q_far]
    single = kl_monte_carlo(*same_q, eps.reshape(1, S, 2))
    estimates[S] = kl_monte_carlo(*q_far, eps)[0], single.std() / np.sqrt(S)
results({f"S = {S:,}": [estimate] for S, estimate in estimates.items()}
        | {"exact": [kl_standard_normal(*q_far)[0]]}, ["KL (nats)"], digits=5)
ratio = (estimates[1000][1] / estimates[4000][1]).round()
reveal("05-samples", {2: "four times as many", 4: "twice as many"}[int(ratio)])

# %% tags=["expectation"]
for S, (estimate, error) in estimates.items():
    assert abs(estimate - kl_standard_normal(*q_far)[0]) < 4 * error
expect(estimates[1000][1] / estimates[4000][1], 2, within=0.2)

# %% [markdown]
# Four times: the error falls like $1/\sqrt S$. A formula needs no samples and has no noise. Is an estimate of the *whole bound* less noisy, then, when its KL term comes from the formula and samples are left to the other term?

# %%
predict("05-noisy", "At the posterior of our digit: which single-sample estimate of F "
        "varies less?", ["KL by formula", "both terms from the sample", "both alike"])

# %%
eps = np.random.default_rng(9).normal(size=(5000, 2))
spreads = {}
for wider in (1, 0.5, 1.5):
    log_s = best[1] + np.log(wider)
    codes = best[0] + np.exp(log_s) * eps
    fit = -np.sum((x - codes @ W_2.T - b) ** 2, axis=1) / (2 * eta_2)
    log_ratio = np.sum(-codes ** 2 / 2 + eps ** 2 / 2 + log_s, axis=1)  # log p - log q
    spreads[f"q {wider} times as wide"] = [fit.std(), (fit + log_ratio).std().round(9)]

# %%
results(spreads, ["KL by formula", "both from the sample"], trained=False,
        caption="Standard deviation of a single-sample estimate of F (nats)")
first = spreads["q 1 times as wide"]
reveal("05-noisy", "both terms from the sample" if first[1] < first[0]
       else "KL by formula")

# %% tags=["expectation"]
assert first[1] < 1e-9 < 0.9 < first[0]
assert spreads["q 0.5 times as wide"][0] < spreads["q 0.5 times as wide"][1]

# %% [markdown]
# Where $q$ is the posterior, $\log p(\mathbf{x}, \mathbf{z}) - \log q(\mathbf{z})$ is $\log p(\mathbf{x})$ for every $\mathbf{z}$, so the noise of the two terms cancels, and a formula for one of them spoils that. For a $q$ that is much too narrow the formula is the better one. Notebook 08 takes the formula.

# %% [markdown]
# ### Two checks
#
# The expected error by samples, within their standard error:

# %%
cloud = np.array([[0.5, -1.0]]), np.log([[0.4, 0.8]])  # mu, log_sigma
noise = np.random.default_rng(5).normal(size=(100_000, 2))
decoded = (cloud[0] + np.exp(cloud[1]) * noise) @ W_2.T + b
sampled = np.sum((x - decoded) ** 2, axis=1)
exact = expected_squared_error(x, W_2, b, *cloud)[0]
assert abs(sampled.mean() - exact) < 4 * sampled.std() / np.sqrt(len(sampled))

# %% [markdown]
# And in section 8 both halves of a turn maximise $\mathcal{F}_\beta$ over something, so it never falls. (Its constant is left out.)

# %%
turning, heights = (0.014 * np.random.default_rng(1).normal(size=(196, 2)), b), []
for _ in range(15):
    clouds_24 = best_q(x_train, *turning, 24 * eta_2)
    for _ in range(2):                             # before and after the second half
        loss = expected_squared_error(x_train, *turning, *clouds_24) / (2 * eta_2)
        heights.append(np.mean(-loss - 24 * kl_standard_normal(*clouds_24)))
        turning = best_decoder(x_train, *clouds_24)
assert np.all(np.diff(heights) > -1e-9)

# %% [markdown]
# **Sources.** S. Kullback and R. Leibler, *On information and sufficiency*, 1951. R. Neal and G. Hinton, *A view of the EM algorithm that justifies incremental, sparse, and other variants*, 1998. M. Tipping and C. Bishop,
# *Probabilistic principal component analysis*, 1999. C. Bishop, *Pattern Recognition and Machine Learning*, 2006, section 10.1. D. Kingma and M. Welling, *Auto-encoding variational Bayes*, 2014. I. Higgins and others, *beta-VAE*, 2017.
# J. Lucas and others, *Don't blame the ELBO! A linear VAE perspective on posterior collapse*, 2019. Digits: MNIST, Y. LeCun, C. Cortes, C. Burges.
