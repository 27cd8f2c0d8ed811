# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The reparameterization trick
#
# *Lecture point L18. About 80 minutes, 13 points.*
#
# Notebook 05 left this question: to climb the bound we need the derivatives of an average over samples of $q$ with respect to $\boldsymbol\mu$ and $\boldsymbol\sigma$, and these are the
# parameters of the very distribution that the samples come from. **How do you differentiate through a sample?**
#
# There are two ways. One never looks inside the function that is averaged, works for everything, and is noisy; it is how agents learn from rewards. The other writes the sample as a function of
# the parameters and of noise that does not depend on them, and lets the chain rule do the rest. The second is what makes a VAE trainable.
#
# By the end you can say, and show with numbers,
#
# - why a random number generator has no derivative, and what can be differentiated in its place,
# - that both ways are right on average, and how far single estimates are off, also when the dimension grows,
# - what backprop does at a sampling step, and why it is the same as for dropout,
# - when the trick cannot be used.

# %%
import itertools

import autograd.numpy as anp
import numpy as np
from autograd import grad
from autograd.extend import defvjp, primitive
from autograd.tracer import getval
from matplotlib.colors import BoundaryNorm
from scipy.stats import norm

# %%
from course_utils.checking import check, hint, progress
from course_utils.data import load_mnist, shrink
from course_utils.explorables.gradient_explorer import gradient_explorer
from course_utils.models import autoencoder, linear_gaussian, pca
from course_utils.networks import nets, optim
from course_utils.networks.reparameterization import (
    leave_one_out, score_function_variance)
from course_utils.probability.gaussians import (
    diagonal_gaussian_log_prob, kl_standard_normal)
from course_utils.probability.likelihoods import gaussian_log_prob
from course_utils.showing import plots
from course_utils.showing.evidence import show_result

rng = np.random.default_rng(0)

# %% [markdown]
# ## 1. A random number has no derivative
#
# The smallest case that has everything: $q = \mathcal{N}(\mu, \sigma^2)$ on the line, and $f(z) = z^2$. Here the answer is known, which is what makes it a good test:
#
# $$\mathbb{E}_q[z^2] = \mu^2 + \sigma^2, \qquad \frac{\mathrm d}{\mathrm d\mu}\,\mathbb{E}_q[z^2] = 2\mu .$$
#
# Suppose we did not know, and had only samples. Let autograd try:

# %%
mu, sigma = 0.8, 0.6
try:
    grad(lambda mu: anp.mean(rng.normal(mu, sigma, 1000) ** 2))(mu)
except (TypeError, ValueError):
    print("drawn inside: an error, no derivative")

z = rng.normal(mu, sigma, 1000)
print("drawn before:", grad(lambda mu: anp.mean(z ** 2) + 0 * mu)(mu))
print("exact:       ", 2 * mu)

# %% [markdown]
# Inside, autograd meets the generator, an operation for which nobody has written a derivative. Drawn before, the samples are constants, and their mean has derivative 0, which is wrong. The samples *would have come out differently* with another $\mu$, but nothing in the program says how.
#
# What about finite differences: average $f$ at $\mu + h$ and at $\mu - h$, and divide the difference by $2h$?
#
# **Predict.** With fresh samples on both sides, what happens to the error as $h$ gets smaller?

# %%
def slope(h, eps_up, eps_down):
    """Finite difference of the mean of z^2, from noise (repeats, S) on each side."""
    up, down = mu + h + sigma * eps_up, mu - h + sigma * eps_down
    return (np.mean(up ** 2, axis=1) - np.mean(down ** 2, axis=1)) / (2 * h)


eps = rng.normal(size=(2, 2000, 100))
print("h        fresh noise       the same noise")
for h in (0.1, 0.01, 0.001):
    fresh, same = slope(h, *eps), slope(h, eps[0], eps[0])
    print(f"{h:5.3f}  {fresh.mean():7.2f} ± {fresh.std():5.1f}"
          f"  {same.mean():8.3f} ± {same.std():.3f}")

# %% [markdown]
# With fresh noise, the difference of the two means is hardly anything but noise, and it is divided by an ever smaller $h$. But *with the same noise on both sides* the difference is as precise as you like. Look at
# the sample mean as a function of $\mu$, both ways:

# %%
line = np.linspace(-1, 2, 301)
fresh = [np.mean((m + sigma * rng.normal(size=20)) ** 2) for m in line]
eps = rng.normal(size=20)
same = [np.mean((m + sigma * eps) ** 2) for m in line]

# %%
fig, ax = plots.figure(6.4, 3.3)
ax.plot(line, fresh, color=plots.PALETTE[3], linewidth=1, label="fresh noise each time")
ax.plot(line, same, color=plots.PALETTE[0], linewidth=2, label="the same noise")
ax.plot(line, line ** 2 + sigma ** 2, "k--", linewidth=1, label="exact")
ax.set(xlabel="μ", ylabel="mean of z²", title="Sample means of 20 samples")
ax.legend()
plots.show(fig, alt="With fresh noise for every mu the sample mean is a jagged line. "
                    "With the same noise it is a smooth curve near the exact parabola.")

# %% [markdown]
# The jagged line has no slope worth the name; the smooth one has. Hold that thought until section 3. First the other way, which needs nothing to be smooth.

# %% [markdown]
# ## 2. Differentiate the density
#
# Write the average as an integral. There $\mu$ stands in the open:
#
# $$\frac{\mathrm d}{\mathrm d\mu}\,\mathbb{E}_q[f(z)] = \frac{\mathrm d}{\mathrm d\mu}\int q_\mu(z)\, f(z)\,\mathrm dz = \int \frac{\partial q_\mu(z)}{\partial\mu}\, f(z)\,\mathrm dz .$$
#
# The last integral is no average under $q$ any more, so samples of $q$ do not help, yet. Since $\partial \log q = \partial q / q$, the derivative of a density is the density times the derivative of its logarithm,
# $\partial q = q\,\partial\log q$ (the *log-derivative trick*), and it is an average again:
#
# $$\frac{\mathrm d}{\mathrm d\mu}\,\mathbb{E}_q[f(z)] = \mathbb{E}_q\!\left[f(z)\,\frac{\partial \log q_\mu(z)}{\partial\mu}\right].$$
#
# The derivative $\partial \log q_\mu(z)/\partial\mu$ is called the **score**. For a Gaussian,
#
# $$\log q_\mu(z) = -\frac{(z-\mu)^2}{2\sigma^2} + \text{const}, \qquad \frac{\partial \log q_\mu(z)}{\partial\mu} = \frac{z-\mu}{\sigma^2}.$$
#
# Each sample gives one estimate, $f(z)$ times the score. Write $z = \mu + \sigma\varepsilon$ with standard normal $\varepsilon$, as in notebook 05:

# %% [markdown]
# {{exercise score_function_gradient}}

# %%
def score_function_gradient(f, mu, sigma, eps):
    """Estimates (S,) of d/dmu E[f(z)] from f, numbers mu and sigma, noise eps (S,)."""
    ### BEGIN SOLUTION
    z = mu + sigma * eps
    return f(z) * eps / sigma
    ### END SOLUTION


# %%
score_function_gradient = check(score_function_gradient)

# %% [markdown]
# How good is a mean of estimates? Its standard error says, and where the exact value is known, the error divided by the standard error, the *z-score*, should be a number of ordinary size, like a draw
# from $\mathcal{N}(0, 1)$.

# %%
def summary(estimates, exact):
    """Mean, standard error, and z-score of estimates (S,)."""
    mean, error = np.mean(estimates), np.std(estimates) / np.sqrt(len(estimates))
    return mean, error, (mean - exact) / error


eps = rng.normal(size=100_000)
estimates = score_function_gradient(np.square, mu, sigma, eps)
mean, error, z_score = summary(estimates, 2 * mu)
print(f"exact {2 * mu:.3f}, score function {mean:.3f} ± {error:.3f}"
      f" (z-score {z_score:+.1f})")
assert abs(z_score) < 4

# %% [markdown]
# $f$ was only *evaluated*, never differentiated: it may be a black box, a computer game, or a person who says "warmer".
#
# ### The same thing is called REINFORCE
#
# That is exactly the situation of an agent that learns from rewards. Reinforcement learning has other names for everything (Williams 1992 called the estimator REINFORCE):
#
# | here | in reinforcement learning |
# |---|---|
# | the distribution $q_\mu(z)$, with its parameters | the **policy** $\pi_\theta(a)$ (there it also depends on the state) |
# | a sample $z$ | an **action**, tried out at random |
# | $f(z)$ | the **reward** that the action brings |
# | $\mathbb{E}_q[f(z)]$ | the expected reward, to be maximised |
# | $f(z)\,\partial \log q_\mu(z)/\partial\mu$ | the policy gradient: actions that brought a reward become more probable |
#
# An agent cannot differentiate the world, so it must do without $f'$. What does it do about the noise? It compares the reward with what was to be expected. Suppose every reward is raised by 1000: the best policy
# is the same, and so is the exact gradient. The estimates are not: each action, good or bad, is now pulled at with a force of a thousand scores. So one subtracts a **baseline** $b$:
#
# $$\mathbb{E}_q\!\left[(f(z) - b)\,\frac{\partial\log q}{\partial\mu}\right] = \frac{\mathrm d}{\mathrm d\mu}\,\mathbb{E}_q[f(z)] - b\,\underbrace{\mathbb{E}_q\!\left[\frac{\partial\log q}{\partial\mu}\right]}_{=\,0}$$
#
# The score has mean 0, since $\int \partial q\,\mathrm dz = \partial \int q\,\mathrm dz = \partial\, 1 = 0$. So any $b$ that does not depend on this sample leaves the estimate right on average. A simple one is the mean reward of the *other*
# samples (`leave_one_out` of the library).
#
# **Predict.** Raise $z^2$ by 0, 10 and 1000. What do the spreads of single estimates do, without a baseline and with one?

# %%
print("raised by    without a baseline    with one        (spread of single estimates)")
for raised in (0, 10, 1000):
    rewards = (mu + sigma * eps) ** 2 + raised
    without = score_function_gradient(lambda z: z ** 2 + raised, mu, sigma, eps)
    with_one = (rewards - leave_one_out(rewards)) * eps / sigma
    for estimates in (without, with_one):
        assert abs(summary(estimates, 2 * mu)[2]) < 4
    print(f"{raised:9d}  {np.std(without):20.2f}  {np.std(with_one):10.2f}")

# %% [markdown]
# Without a baseline the noise grows with a constant that has nothing to do with the gradient; with one it stays. Keep this in mind for rewards like $\log p(\mathbf{x}|\mathbf{z})$, which may be any large number.

# %% [markdown]
# ## 3. Move the sample
#
# The smooth curve of section 1 came from holding the noise fixed. Make that a principle: a sample of $q$ is a *function* of the parameters and of noise that does not know them (L18),
#
# $$z = \mu + \sigma\,\varepsilon, \qquad \varepsilon \sim \mathcal{N}(0, 1),$$
#
# so the average over $q$ is an average over a distribution without parameters, and the derivative goes inside:
#
# $$\frac{\mathrm d}{\mathrm d\mu}\,\mathbb{E}_q[f(z)] = \frac{\mathrm d}{\mathrm d\mu}\,\mathbb{E}_\varepsilon[f(\mu + \sigma\varepsilon)]
# = \mathbb{E}_\varepsilon\!\left[f'(\mu + \sigma\varepsilon)\,\frac{\partial z}{\partial\mu}\right] = \mathbb{E}_\varepsilon[f'(z)].$$
#
# This is the **reparameterization trick**. First the sample itself, for rows of $K$ numbers, with the course's $\log\sigma$:

# %% [markdown]
# {{exercise reparameterize}}

# %%
def reparameterize(mu, log_sigma, eps):
    """From N(mu, diag(sigma^2)); mu, log_sigma (N, K), eps (N, K) or (S, N, K)."""
    ### BEGIN SOLUTION
    return mu + np.exp(log_sigma) * eps
    ### END SOLUTION


# %%
reparameterize = check(reparameterize)

# %% [markdown]
# Then the estimate. Each sample asks $f$ in which direction it would like to move, and $\mu$ takes it along; hence the name **pathwise** estimator.

# %% [markdown]
# {{exercise pathwise_gradient}}

# %%
def pathwise_gradient(df, mu, sigma, eps):
    """Estimates (S,) of d/dmu E[f(z)] from df = f', numbers mu and sigma, eps (S,)."""
    ### BEGIN SOLUTION
    return df(mu + sigma * eps)
    ### END SOLUTION


# %%
pathwise_gradient = check(pathwise_gradient)

# %% [markdown]
# ## 4. Side by side
#
# Four functions whose averages are known, with respect to $\mu$ and to $\sigma$:
#
# | $f(z)$ | $\mathbb{E}_q[f]$ | by $\mu$ | by $\sigma$ |
# |---|---|---|---|
# | $z^2$ | $\mu^2 + \sigma^2$ | $2\mu$ | $2\sigma$ |
# | $z^3$ | $\mu^3 + 3\mu\sigma^2$ | $3(\mu^2 + \sigma^2)$ | $6\mu\sigma$ |
# | $e^z$ | $E = e^{\mu + \sigma^2/2}$ | $E$ | $\sigma E$ |
# | $\cos z$ | $e^{-\sigma^2/2}\cos\mu$ | $-e^{-\sigma^2/2}\sin\mu$ | $-\sigma e^{-\sigma^2/2}\cos\mu$ |
#
# For $\sigma$ both rules change in one factor: the score becomes $\partial\log q/\partial\sigma = (\varepsilon^2 - 1)/\sigma$, as $\log q$ contains $-\log\sigma$, too; and the path becomes $\partial z/\partial\sigma = \varepsilon$.

# %%
eps = rng.normal(size=200_000)
E, damping = np.exp(mu + sigma ** 2 / 2), np.exp(-sigma ** 2 / 2)
functions = {  # name: f, f', and the exact gradients with respect to mu and sigma
    "z^2": (np.square, lambda z: 2 * z, 2 * mu, 2 * sigma),
    "z^3": (lambda z: z ** 3, lambda z: 3 * z ** 2,
            3 * (mu**2 + sigma**2), 6 * mu * sigma),
    "e^z": (np.exp, np.exp, E, sigma * E),
    "cos z": (np.cos, lambda z: -np.sin(z), -damping * np.sin(mu),
              -sigma * damping * np.cos(mu))}


# %%
def both_estimators(f, df):
    """Score-function and pathwise estimates with respect to mu, then to sigma."""
    z = mu + sigma * eps
    yield (score_function_gradient(f, mu, sigma, eps),
           pathwise_gradient(df, mu, sigma, eps))
    yield f(z) * (eps ** 2 - 1) / sigma, df(z) * eps


# %% [markdown]
# **Predict.** Which column will have the smaller standard errors, and will that be so in every row?

# %%
print(f"{'':15s} exact   score function  (z-score)     pathwise  (z-score)")
for name, (f, df, *exact) in functions.items():
    for by, value, pair in zip(("mu", "sigma"), exact, both_estimators(f, df)):
        row = [summary(np.asarray(estimates), value) for estimates in pair]
        print(f"{name:5s} by {by:6s}{value:6.3f}   " + "   ".join(
            f"{mean:6.3f} ± {error:.4f} ({z:+.1f})" for mean, error, z in row))
        assert max(abs(z) for _, _, z in row) < 4 and row[1][1] < row[0][1]

# %% [markdown]
# All sixteen are right: no z-score is out of the ordinary. And in every row the pathwise errors are the smaller ones. The pathwise estimator knows more: it is told $f'$, the direction in which
# $f$ grows, where the other one must find out by comparing rewards.

# %% [markdown]
# ## 5. How noisy?
#
# A standard error that is three times as large asks for nine times as many samples. So the variance of a single estimate is the price of an estimator. In one dimension it seems bearable. Latent codes have many dimensions, though: take
#
# $$f(\mathbf{z}) = \sum_{i=1}^K z_i^2, \qquad q = \mathcal{N}(\boldsymbol\mu, \mathrm{diag}(\boldsymbol\sigma^2)),$$
#
# and look at the gradient with respect to a single $\mu_k$, which is $2\mu_k$ whatever the other dimensions do. The pathwise estimate is $2z_k$. Its variance, **$4\sigma_k^2$**, does not know how many dimensions there are.
#
# The score-function estimate is $f(\mathbf{z})\,\varepsilon_k/\sigma_k$. Split $f = z_k^2 + R$, where $R$, the sum over the other dimensions, is independent of $\varepsilon_k$. Then
#
# $$\mathbb{E}\left[f^2\,\frac{\varepsilon_k^2}{\sigma_k^2}\right] = \frac{1}{\sigma_k^2}\Big(\mathbb{E}[R^2] + 2\,\mathbb{E}[R]\,\mathbb{E}[z_k^2\varepsilon_k^2] + \mathbb{E}[z_k^4\varepsilon_k^2]\Big),$$
#
# and with $z_k = \mu_k + \sigma_k\varepsilon_k$ and the Gaussian's moments $\mathbb{E}[\varepsilon^2] = 1$, $\mathbb{E}[\varepsilon^4] = 3$, $\mathbb{E}[\varepsilon^6] = 15$,
#
# $$\mathbb{E}[z_k^2\varepsilon_k^2] = \mu_k^2 + 3\sigma_k^2, \qquad \mathbb{E}[z_k^4\varepsilon_k^2] = \mu_k^4 + 18\mu_k^2\sigma_k^2 + 15\sigma_k^4 .$$
#
# The square of the mean, $4\mu_k^2$, is still to be subtracted. Each $z_i^2$ has mean $\mu_i^2 + \sigma_i^2$ and variance $4\mu_i^2\sigma_i^2 + 2\sigma_i^4$, which gives the moments of $R$. A constant baseline $b$ replaces $R$ by $R - b$:

# %%
def score_variance(K, b=0.0):
    """Variance of (f(z) - b) eps_k / sigma, where all K dimensions have the same q."""
    m, v = mu ** 2, sigma ** 2
    mean_R, variance_R = (K - 1) * (m + v) - b, (K - 1) * (4 * m * v + 2 * v ** 2)
    own = 2 * mean_R * (m + 3 * v) + m ** 2 + 18 * m * v + 15 * v ** 2
    return (mean_R ** 2 + variance_R + own) / v - 4 * m


for b in (0, 5):  # the library's works for any mu and sigma
    by_library = score_function_variance(np.full(7, mu), np.full(7, sigma), b)
    assert np.allclose(score_variance(7, b), by_library)

# %% [markdown]
# **Predict.** How does the variance of the score-function estimate grow with $K$? And with the baseline $b = \mathbb{E}[f]$?
#
# Now measure it. The samples come in groups of ten; with the baseline, each sample's is the mean reward of the other nine in its group. A baseline that is itself estimated adds its own variance,
# $\mathrm{Var}[f]/9$, times $\mathbb{E}[\varepsilon_k^2]/\sigma^2$.

# %%
def measured_variances(K, groups=1000):
    """{estimator: (variance, its standard error)} from groups of ten samples."""
    eps = rng.normal(size=(10, groups, K))
    z = mu + sigma * eps
    rewards, noise = np.sum(z ** 2, axis=-1), eps[..., 0]
    estimates = {"score function": rewards * noise / sigma,
                 "with baseline": (rewards - leave_one_out(rewards)) * noise / sigma,
                 "pathwise": 2 * z[..., 0]}
    result = {}
    for name, e in estimates.items():
        squares = np.mean((e - 2 * mu) ** 2, axis=0)  # groups are independent
        result[name] = squares.mean(), squares.std() / np.sqrt(groups)
    return result


# %%
def exact_variances(K):
    mean_f = K * (mu ** 2 + sigma ** 2)
    variance_f = K * (4 * mu ** 2 * sigma ** 2 + 2 * sigma ** 4)
    return {"score function": score_variance(K),
            "with baseline": score_variance(K, mean_f) + variance_f / 9 / sigma ** 2,
            "pathwise": 4 * sigma ** 2}


# %%
Ks = 2 ** np.arange(0, 11)
measured, exact = [measured_variances(K) for K in Ks], [exact_variances(K) for K in Ks]
for m, e in zip(measured, exact):
    assert all(abs(m[name][0] - e[name]) < 4 * m[name][1] for name in e)
print("   K", *(f"{name + ' (exact)':>25s}" for name in exact[0]))
for K, m, e in list(zip(Ks, measured, exact))[::5]:
    print(f"{K:4d}", *(f"{m[n][0]:13.2f} {f'({e[n]:.2f})':>11s}" for n in e))

# %%
fig, ax = plots.figure(6.4, 4)
for name, colour, marker in zip(exact[0], plots.PALETTE, "os^"):
    ax.loglog(Ks, [e[name] for e in exact], color=colour, linewidth=1)
    values, errors = np.array([m[name] for m in measured]).T
    ax.errorbar(Ks, values, 2 * errors, fmt=marker, color=colour, label=name)
ax.set(xlabel="dimensions K", ylabel="variance of a single estimate")
ax.set_title("Points: measured (± 2 standard errors). Lines: formulas")
ax.legend()
plots.show(fig, alt="On logarithmic axes the score function's variance grows with "
                    "slope 2, with the baseline with slope 1; pathwise stays flat.")

# %%
slopes = {name: np.log2(exact[-1][name] / exact[-2][name]) for name in exact[0]}
print("slopes at the right end:", {name: f"{s:.2f}" for name, s in slopes.items()})
print(f"samples that are worth one pathwise sample, at K = {Ks[-1]}: "
      f"{exact[-1]['score function'] / exact[-1]['pathwise']:,.0f}, with the baseline "
      f"{exact[-1]['with baseline'] / exact[-1]['pathwise']:,.0f}")

# %% [markdown]
# The score function's variance grows like $K^2$: the reward is a sum over all dimensions, and $\mu_k$ cannot tell which part of it is its own doing. The baseline takes away the part that is always there, and leaves growth like $K$. The pathwise estimate gets its
# own derivative from each dimension.
#
# ### Not a law of nature
#
# The pathwise variance is that of $f'$, the other's is that of $f$ times the score. A function that is small but wiggles fast turns the tables. Both variances of $f(z) = \cos\omega z$ are known, too (from $\cos^2 a = \tfrac12(1 + \cos 2a)$).
#
# **Predict.** For which $\omega$ is the score function better?

# %%
for omega in (1, 10, 100):
    mean = omega * np.sin(omega * mu) * np.exp(-omega**2 * sigma**2 / 2)  # of -f'
    wave = np.exp(-2 * omega**2 * sigma**2) * np.cos(2 * omega * mu)
    path = omega ** 2 * (1 - wave) / 2 - mean ** 2
    score = (1 + wave * (1 - 4 * omega**2 * sigma**2)) / (2 * sigma**2) - mean ** 2
    print(f"omega = {omega:3d}: variance {score:5.2f} (score), {path:7.2f} (pathwise)")
    by_score = score_function_gradient(lambda z: np.cos(omega * z), mu, sigma, eps)
    by_path = pathwise_gradient(lambda z: -omega * np.sin(omega * z), mu, sigma, eps)
    for estimates, exact_variance in [(by_score, score), (by_path, path)]:
        assert abs(summary((np.asarray(estimates) + mean) ** 2, exact_variance)[2]) < 4

# %% [markdown]
# A decoder's $\log p(\mathbf{x}|\mathbf{z})$ is of the first kind: large, and smooth on the scale of $q$'s width.
#
# ### Explore
#
# Each dot is the estimate that one sample gives, and keeps its colour and its height while you move the sliders, so you can follow it. What no still picture shows: how the score function's dots fly apart while nothing about the
# exact gradient changes, and that they do so in opposite directions, left or right by the sign of their $\varepsilon$.
#
# **Predict** before you move anything: (a) Make $\sigma$ smaller. One cloud shrinks; what does the other do? (b) Lift $f$ by $c = 20$. Which cloud notices? Which $c$ makes it narrowest? (c) Take $4\cos 6z$ and a wide $q$.

# %%
gradient_explorer()

# %% [markdown]
# A narrow $q$ has a steep density, so each sample's score is large, while $f'$ hardly varies within it. And a lift of $f$ is seen by the score function alone. The best constant baseline is not quite $\mathbb{E}[f]$, as the formula for the variance, a parabola in $b$, shows: for this $f$
# it is $\mathbb{E}[f] + 2\sigma^2$. In the panel the cloud is at its narrowest near $c = -b$. With the fast wave and a wide $q$ the
# two change places, as the variances above have it.

# %%
bs = np.linspace(0, 40, 4001)
for K in (1, 10, 30):
    best_b = bs[np.argmin(score_variance(K, bs))]
    assert np.isclose(best_b, K * (mu ** 2 + sigma ** 2) + 2 * sigma ** 2, atol=0.006)

# %% [markdown]
# ## 6. What backprop does at a sampling step
#
# In a network $f$ is everything that comes after the sample, and its derivative arrives by backprop. The lecture writes $\bar z$ for the derivative of the objective with respect to $z$. With $z_i = \mu_i + \sigma_i\varepsilon_i$,
# sampling is one multiplication and one addition, and the chain rule gives (L18)
#
# $$\bar\mu_i = \bar z_i, \qquad \bar\sigma_i = \bar z_i\,\varepsilon_i .$$

# %% [markdown]
# {{exercise sigma_bar}}

# %%
def sigma_bar(z_bar, eps):
    """The gradient of sigma, given that of z = mu + sigma eps; all (N, K)."""
    ### BEGIN SOLUTION
    return z_bar * eps
    ### END SOLUTION


# %%
sigma_bar = check(sigma_bar)

# %% [markdown]
# The course keeps $\log\sigma$, so one more link is needed. From $\sigma = e^{\log\sigma}$ follows $\mathrm d\sigma/\mathrm d\log\sigma = \sigma$, and $\overline{\log\sigma}_i$ is $\bar\sigma_i$ times that. A function that takes the gradient of a result
# to the gradients of the arguments is called a *vector–Jacobian product*, vjp. Write it for the whole step:

# %% [markdown]
# {{exercise reparameterize_vjp}}

# %%
def reparameterize_vjp(z_bar, log_sigma, eps):
    """(mu_bar, log_sigma_bar), given the gradient z_bar of the sample; all (N, K)."""
    ### BEGIN SOLUTION
    return z_bar, z_bar * np.exp(log_sigma) * eps
    ### END SOLUTION


# %%
reparameterize_vjp = check(reparameterize_vjp)

# %% [markdown]
# ### Teach it to autograd
#
# In section 1 autograd failed at an operation for which nobody had written a derivative. You have written one now. `primitive` makes a function one step of autograd's record, and `defvjp` says
# what backprop does there, argument by argument (`eps` gets no rule: nobody asks for its gradient).

# %%
sample = primitive(lambda *args: np.asarray(reparameterize(*args)))


def rule(i):
    """Autograd's form of a vjp: from result and arguments to a function of z_bar."""
    return lambda z, mu, log_sigma, eps: (
        lambda z_bar: np.asarray(reparameterize_vjp(z_bar, log_sigma, eps)[i]))


defvjp(sample, rule(0), rule(1))

# %% [markdown]
# The test: a small random network after the sample, and three ways to its gradient. Your primitive; autograd going through the formula step by step; finite differences with the noise held fixed.

# %%
network = nets.init_mlp([3, 8, 5], rng, dtype=float)
q, eps = rng.normal(size=(2, 4, 3)), rng.normal(size=(4, 3))  # q: mu and log_sigma


def objective(q, draw):
    return anp.sum(nets.mlp(network, draw(q[0], q[1], eps)) ** 2)


def formula(mu, log_sigma, eps):
    return mu + anp.exp(log_sigma) * eps


# %%
nudges = 1e-5 * np.eye(q.size).reshape(-1, *q.shape)
differences = [objective(q + d, formula) - objective(q - d, formula) for d in nudges]
by_differences = np.reshape(differences, q.shape) / 2e-5
ours, autograds = grad(objective)(q, sample), grad(objective)(q, formula)
for name, other in {"autograd's": autograds, "differences": by_differences}.items():
    assert np.allclose(ours, other, rtol=1e-4, atol=1e-5)
    print(f"norms of the gradients by mu and by log sigma, ours and {name}:",
          *(np.round(np.linalg.norm(g, axis=(1, 2)), 3) for g in (ours, other)))

# %% [markdown]
# So nothing mysterious happens at a stochastic layer: **given the noise, it is an ordinary layer**. (The library has this primitive as `fast.gaussian_sample`, and the VAEs of notebooks 07 to 09 run on it.)
#
# ### Exactly as for dropout
#
# You may have backpropagated through randomness before. Dropout multiplies each hidden unit $h$ by a random mask: $\tilde h = h\, m/(1-r)$, where $m$ is 0 with probability $r$ and 1 otherwise. (This is *inverted* dropout; the
# division keeps the mean at $h$.) The mask is drawn in the forward pass and *kept* for the backward pass.

# %% [markdown]
# {{exercise dropout_vjp}}

# %%
def dropout_vjp(h_bar, mask, rate):
    """The gradient of h, given h_bar, that of h * mask / (1 - rate); all (N, K)."""
    ### BEGIN SOLUTION
    return h_bar * mask / (1 - rate)
    ### END SOLUTION


# %%
dropout_vjp = check(dropout_vjp)

# %% [markdown]
# The two graphs, forwards in black, backwards in red:

# %%
RED = plots.PALETTE[2]


def edge(ax, start, end, backwards):
    """An arrow from node to node, and what backprop sends the other way."""
    ax.annotate("", end, start,
                arrowprops={"arrowstyle": "->", "shrinkA": 17, "shrinkB": 17})
    ax.text((start[0] + end[0]) / 2, (start[1] + end[1]) / 2 + 0.14, backwards,
            color=RED, ha="center", fontsize=12)


# %%
def draw_graph(ax, nodes, edges, title):
    for name, at in nodes.items():
        ax.text(*at, name, ha="center", va="center", fontsize=14)
    for start, end, backwards in edges:
        edge(ax, nodes[start], nodes[end], backwards)
    ax.set(xlim=(-0.6, 3.6), ylim=(-1.5, 1.6), title=title)
    ax.axis("off")


# %%
fig, (left, right) = plots.figure(8.6, 2.8, columns=2)
draw_graph(left, {"σ": (0, 0), "ε": (1.2, -1.2), "×": (1.2, 0), "μ": (1.2, 1.1),
                  "+": (2.3, 0), "z": (3.3, 0)},
           [("σ", "×", r"$\bar z\,ε$"), ("ε", "×", ""), ("×", "+", r"$\bar z$"),
            ("μ", "+", r"$\bar z$"), ("+", "z", r"$\bar z$")], "sampling")
draw_graph(right, {"h": (0, 0), r"$\dfrac{m}{1 - r}$": (1.5, -1.2), "×": (1.5, 0),
                   r"$\tilde h$": (3, 0)},
           [("h", "×", r"$\bar{\tilde h}\,m\,/\,(1-r)$"),
            (r"$\dfrac{m}{1 - r}$", "×", ""),
            ("×", r"$\tilde h$", r"$\bar{\tilde h}$")],
           "dropout")
plots.show(fig, alt="Two graphs. Sampling: sigma times eps, plus mu, is z; backwards, "
                    "z-bar reaches mu, and z-bar times eps sigma. Dropout: h times the "
                    "scaled mask; backwards, the gradient times the scaled mask.")

# %% [markdown]
# In both, a parameter is multiplied by noise on the way forwards, and its gradient by *the same noise* on the way back. The noise itself, $\varepsilon$ or $m$, is an input like any other; its gradient is not asked for. Four units of each:

# %%
rate, h_bar = 0.4, np.ones((1, 4))
mask = (rng.random((1, 4)) >= rate).astype(float)
noise = rng.normal(size=(1, 4))
factors = {"sampling": (noise, sigma_bar(h_bar, noise)),
           "dropout": (mask / (1 - rate), dropout_vjp(h_bar, mask, rate))}
for name, (forwards, backwards) in factors.items():
    print(f"{name + ':':9s} multiplied by {np.round(forwards, 2)[0]} forwards, "
          f"{np.round(backwards, 2)[0]} backwards")
    assert np.allclose(forwards, backwards)

# %% [markdown]
# The likeness goes further. The factor $m/(1-r)$ has mean 1 and variance $r/(1-r)$, so dropout's $\tilde h$ has the mean and width of a sample with $\mu = h$ and $\sigma = h\sqrt{r/(1-r)}$: noise that grows with the signal.

# %%
scaled_masks = (rng.random(200_000) >= rate) / (1 - rate)
for values, exact_mean in [(scaled_masks, 1),
                           ((scaled_masks - 1) ** 2, rate / (1 - rate))]:
    mean, error, z_score = summary(values, exact_mean)
    print(f"exact {exact_mean:.4f}, measured {mean:.4f} ± {error:.4f}")
    assert abs(z_score) < 4

# %% [markdown]
# ## 7. A digit, both ways
#
# Now the purpose of it all: maximise the bound of notebook 05 for one digit, by stochastic gradients. First where we know the best $q$: the linear decoder out of PCA, with $K = 8$ latents.

# %%
digits = load_mnist()
x_train, x_test = shrink(digits.x_train, 14), shrink(digits.x_test, 14)
K, x = 8, x_test[5:6].astype(float)
eigenvalues = pca.pca_eigenvalues(x_train)
b, components = pca.pca_fit(x_train.astype(float), K)
components *= np.sign(components.sum(axis=1, keepdims=True))  # PCA leaves the sign open
eta = eigenvalues[K:].mean()
W = components.T * np.sqrt(eigenvalues[:K] - eta)


# %%
def bound(mu, log_sigma):
    """The exact F of the digit, as a number."""
    return linear_gaussian.elbo_linear_gaussian(x, W, b, eta, mu, log_sigma)[0]


denominator = np.sum(W ** 2, axis=0) + eta           # the formulas of notebook 05
best_mu = (x - b) @ W / denominator
best_log_sigma = 0.5 * np.log(eta / denominator)[None]
best = bound(best_mu, best_log_sigma)
print(f"best possible F: {best:.2f} nats")

# %% [markdown]
# Pretend that only the *value* of $\log p(\mathbf{x}|\mathbf{z})$ can be computed, and its derivative by backprop, as for any decoder. The KL term keeps its closed form. Ten samples a step, made as ten rows.
#
# The pathwise loss is what you would write down anyway: the estimate of $-\mathcal{F}$, with the sample done by your primitive. For the score function one writes a *surrogate*: in
# $\text{reward} \times \log q(\mathbf{z})$ the samples and rewards are plain numbers (`getval` takes them off autograd's record), so that only $\log q$ is differentiated, which is the score.

# %%
def log_lik(z):
    return gaussian_log_prob(x, z @ W.T + b, eta)


def pathwise_loss(q, eps):
    mu, log_sigma = (anp.ones((len(eps), 1)) * a for a in q)
    z = sample(mu, log_sigma, eps)
    return anp.sum(kl_standard_normal(*q)) - anp.mean(log_lik(z))


# %%
def score_loss(q, eps, baseline=lambda rewards: 0):
    mu, log_sigma = (getval(a) for a in q)
    z = mu + np.exp(log_sigma) * eps
    rewards = log_lik(z)
    surrogate = (rewards - baseline(rewards)) * diagonal_gaussian_log_prob(z, *q)
    return anp.sum(kl_standard_normal(*q)) - anp.mean(surrogate)


losses = {"score function": score_loss,
          "with baseline": lambda q, eps: score_loss(q, eps, leave_one_out),
          "pathwise": pathwise_loss}

# %% [markdown]
# How noisy are they here? At the best $q$ the gradient of $\mathcal{F}$ is zero, so everything that a step's gradient shows is noise. (And on average over steps it is zero, for all three.)

# %%
best_q = best_mu, best_log_sigma
for (name, loss), expected in zip(losses.items(), (94, 4.1, 1.5)):
    gradients = [grad(loss)(best_q, rng.normal(size=(10, K)))[0] for _ in range(500)]
    show_result(f"{name}: noise of a step's gradient by mu", np.std(gradients),
                expected, 0.1 * expected)
    error = np.std(gradients, axis=0) / np.sqrt(len(gradients))
    assert np.all(abs(np.mean(gradients, axis=0)) < 4 * error)

# %% [markdown]
# **Predict.** All three climb with Adam, the same step size, the same start at the prior, and 1000 steps. Who arrives?

# %%
def climb(loss, start, K, steps=1000, seed=0):
    """q after every one of the stochastic gradient steps, ten samples each."""
    rng, path = np.random.default_rng(seed), []
    noise = (rng.normal(size=(10, K)) for _ in range(steps))
    optim.adam(loss, start, noise, steps, step_size=0.02, label=f"{steps} steps",
               callback=lambda t, q, value: path.append(q))
    return path


prior = np.zeros((1, K)), np.zeros((1, K))
paths = {name: climb(loss, prior, K) for name, loss in losses.items()}
gaps = {name: [best - bound(*q) for q in path] for name, path in paths.items()}

# %%
fig, ax = plots.figure(6.8, 3.6)
for (name, gap), colour in zip(gaps.items(), plots.PALETTE):
    ax.semilogy(gap, color=colour, label=name, linewidth=1.2)
ax.set(xlabel="step", ylabel="nats below the best F", title="Climbs with one digit's q")
ax.legend()
plots.show(fig, alt="Distance from the best bound on a logarithmic axis. Pathwise "
                    "falls below a tenth of a nat, with the baseline it is about a "
                    "tenth, and the plain score function stays several nats away.")

# %%
for name, gap in gaps.items():
    last = np.mean(gap[-200:])
    show_result(f"{name}: nats below the best, last 200 steps", last,
                {"score function": 6.8, "with baseline": 0.11, "pathwise": 0.039}[name],
                {"score function": 3, "with baseline": 0.05, "pathwise": 0.02}[name])

# %% [markdown]
# The pathwise climb ends at the exact optimum but for a shiver. The score function is right on average, too, and yet it stays nats away: its noise is so large that Adam's steps are mostly noise. The baseline helps a good deal. (More samples, smaller steps
# and better baselines help further; people work hard on them where the trick is not available.) With the pathwise gradient so little noise is left that VAEs get by with a single sample per example and step, as notebook 08 will.

# %% [markdown]
# ## 8. A decoder that bends
#
# And now what notebook 05 could not do. A bent decoder, from the autoencoders of notebook 02, with a single latent, so that everything can be drawn and checked on a grid. Its codes are rescaled to mean 0 and variance 1, to fit the prior, and $\eta$ is
# the mean squared error of a pixel. (Notebook 08 trains a decoder properly, by the bound itself.)

# %%
encoder, decoder = autoencoder.autoencoder_train(
    x_train, [196, 64, 1], 1500, np.random.default_rng(0))
codes = autoencoder.encode(encoder, x_train)
(W1, b1), *later = decoder
decoder = [(codes.std() * W1, b1 + codes.mean() * W1[0]), *later]
x_hat = nets.mlp(decoder, (codes - codes.mean()) / codes.std())
bent_eta = float(np.mean((x_train - x_hat) ** 2))
show_result("noise variance eta", bent_eta, 0.0417, 0.004)

# %% [markdown]
# One digit of the test set, a 0. Its $\log p(\mathbf{x}|z)$ on a grid, as in notebooks 03 and 04, gives everything exactly: $\log p(\mathbf{x})$, the posterior, and $\mathcal{F}$ for any $q$ on the line.

# %%
zero = x_test[3]
line = np.linspace(-14, 14, 5601)
log_lik_line = gaussian_log_prob(zero, nets.mlp(decoder, line[:, None]), bent_eta)
log_joint = log_lik_line + norm.logpdf(line)
top = log_joint.max()
log_p = top + np.log(np.trapezoid(np.exp(log_joint - top), line))
posterior = np.exp(log_joint - log_p)


# %%
def exact_bound(mu, log_sigma):
    """F of N(mu, sigma^2) by the trapezoid rule in eps; mu, log_sigma (M,)."""
    t = np.linspace(-6, 6, 121)
    z = mu[:, None] + np.exp(log_sigma)[:, None] * t
    average = np.trapezoid(norm.pdf(t) * np.interp(z, line, log_lik_line), t, axis=1)
    return average - kl_standard_normal(mu[:, None], log_sigma[:, None])


# %% [markdown]
# The climb uses none of it, only samples and backprop through the decoder. Four starts $(\mu, \log\sigma)$; the last two have the same mean, and differ in their width.
#
# **Predict.** Will they all end in the same place?

# %%
def bent_loss(q, eps):
    mu, log_sigma = (anp.ones((len(eps), 1)) * a for a in q)
    z = sample(mu, log_sigma, eps)
    log_p_x_given_z = gaussian_log_prob(zero, nets.mlp(decoder, z), bent_eta)
    return anp.sum(kl_standard_normal(*q)) - anp.mean(log_p_x_given_z)


starts = [(0.0, 0.0), (-2.5, -1.0), (1.0, 0.0), (1.0, -2.5)]
walks = []
for start in starts:
    path = climb(bent_loss, tuple(np.full((1, 1), s) for s in start), 1, steps=600)
    walks.append(np.array([start] + [np.ravel(q) for q in path]))

# %%
ends = np.array([walk[-100:].mean(axis=0) for walk in walks])
ms, ss = np.meshgrid(np.linspace(-3, 3, 121), np.linspace(-4.2, 0.6, 97))
below = log_p - exact_bound(ms.ravel(), ss.ravel()).reshape(ms.shape)


def draw_climbs(ax):
    heights = [0, 1, 5, 20, 40, 60, 80, 85, 88, 92, 100, 120, 150, 200]
    levels = ax.contourf(ms, ss, below, heights, cmap="Blues_r", extend="max",
                         norm=BoundaryNorm(heights, 256, extend="max"))
    for walk, colour in zip(walks, np.array(plots.PALETTE)[[1, 2, 4, 9]]):
        ax.plot(*walk.T, color=colour, linewidth=1.6)
        ax.plot(*walk[0], "o", color=colour)
        ax.plot(*walk[-1], "*", color=colour, markersize=13, markeredgecolor="black")
    ax.set(xlabel="μ", ylabel="log σ", title="log p(x) − F, and four climbs")
    return levels


# %%
fig, (left, right) = plots.figure(9.6, 3.8, columns=2, width_ratios=[1.3, 1])
fig.colorbar(draw_climbs(left), label="nats", ax=left)
mu, sigma = ends[0, 0], np.exp(ends[0, 1])
right.fill_between(line, posterior, color=plots.PALETTE[3], alpha=0.5,
                   label="posterior")
right.plot(line, norm.pdf(line, mu, sigma), color=plots.PALETTE[1],
           label="q, first climb")
right.set(xlim=(mu - 5 * sigma, mu + 5 * sigma), ylim=(0, None), xlabel="z")
right.set(ylabel="density", title="where it ends")
right.legend()
plots.show(fig, alt="Left: the exact bound over mean and log sigma, with two summits. "
                    "Three climbs end at the higher one, one at the other. Right: the "
                    "first climb's q lies on the posterior.")

# %%
reached = log_p - exact_bound(*ends.T)
for start, end, gap, expected in zip(starts, ends, reached, (-1.65, -1.65, -1.65, 0.5)):
    show_result(f"start {start}: mean", end[0], expected, 0.1)
    show_result("    nats below log p(x)", gap,
                *((0.01, 0.04) if end[0] < 0 else (86, 6)))
show_result("best F of the picture: nats below log p(x)", below.min(), 0.002, 0.01)

# %%
fig, ax = plots.figure(4.6, 1.9)
pictures = np.concatenate([zero[None], nets.mlp(decoder, ends[[0, 3], :1])])
plots.image_grid(pictures, (14, 14), columns=3, ax=ax,
                 column_labels=["the digit", "first climb's μ", "last climb's μ"])
plots.show(fig, alt="The digit 0; the decoder's picture at the first climb's mean, "
                    "a 0; and that at the last climb's mean, which looks like a 9.")

# %% [markdown]
# Three climbs end at the same summit, hundredths of a nat below $\log p(\mathbf{x})$ itself: this posterior is nearly Gaussian, so a Gaussian $q$ has next to nothing to lose, and the noise of the last steps costs no more. No formula for
# $\mathbb{E}_q\lVert\mathbf{x} - G(z)\rVert^2$ was needed. The last climb is stuck on a lower summit, where the decoder draws something like a 9: gradients climb, with or without noise, and what bends can have several summits. The third started from the same mean
# and did not get stuck. Its $q$ was wide, so some of its samples saw the better place from afar, where the narrow $q$ saw only its surroundings.

# %% [markdown]
# ## 9. Where the path breaks
#
# ### Discrete latents
#
# Let $z_k \in \{0, 1\}$, with probability $p_k = 1/(1 + e^{-l_k})$ of a 1: the code says for each of the first five columns of section 7's $W$ whether it is added or subtracted. A sample can be written as $z_k = 1$ where $u_k < p_k$, with uniform noise $u_k$. That is
# a reparameterization, but a step function of $l_k$, and its slope is 0 wherever it has one.
#
# The score function only needs the probabilities: $\partial \log q(\mathbf{z})/\partial l_k = z_k - p_k$. With five bits, all 32 codes can be listed, so the exact gradient is known.

# %%
def log_lik_bits(bits):
    """log p(x|z) per dimension of x, where each component is added or subtracted."""
    mean = b + (2 * bits - 1) @ W[:, :5].T
    return gaussian_log_prob(x, mean, eta)


def expected(logits):
    codes = np.array(list(itertools.product([0, 1], repeat=5)))
    p = 1 / (1 + anp.exp(-logits))
    q = anp.prod(codes * p + (1 - codes) * (1 - p), axis=1)
    return anp.sum(q * log_lik_bits(codes))


# %%
logits = np.array([0.5, -1.0, 0.3, 1.2, -0.4])
p, exact_gradient = 1 / (1 + np.exp(-logits)), grad(expected)(logits)
u = rng.random((200_000, 5))
z = (u < p).astype(float)
rewards = log_lik_bits(z)
estimates = (rewards - leave_one_out(rewards))[:, None] * (z - p)
nudged = (u < 1 / (1 + np.exp(-logits - 1e-9))).astype(float)
print("exact:         ", np.round(exact_gradient, 2))
print("score function:", np.round(estimates.mean(axis=0), 2))
print("pathwise:      ", (log_lik_bits(nudged) - rewards).mean() / 1e-9)
assert all(abs(summary(e, g)[2]) < 4 for e, g in zip(estimates.T, exact_gradient))

# %% [markdown]
# For discrete latents the score function, with good baselines, is what there is; or one replaces the steps by steep smooth functions and accepts a bias (Maddison and others 2017, Jang and others 2017).
#
# ### Other densities
#
# The trick is not about Gaussians. It needs $z$ as a smooth function of parameters and noise, and there are two recipes. Families with a location and a scale, like the Laplace density, have $z = \mu + s\,\varepsilon$ with their own noise. And
# any density on the line is reached by its *inverse distribution function*: uniform $u$ gives $z = F^{-1}(u)$. For the exponential density $\lambda e^{-\lambda z}$ that is $z = -\log(u)/\lambda$, so $\partial z/\partial\lambda = -z/\lambda$. Exact values for
# $f(z) = z^2$: $\mathbb{E}[z^2] = \mu^2 + 2s^2$ and $2/\lambda^2$.

# %%
location, scale, lam = 0.7, 0.4, 1.5
noise, u = rng.laplace(size=200_000), rng.random(200_000)
z = location + scale * noise
z_exponential = -np.log(u) / lam
cases = {"Laplace, by location": (2 * z, 2 * location),
         "Laplace, by scale": (2 * z * noise, 4 * scale),
         "exponential, by lambda": (2 * z_exponential * -z_exponential / lam,
                                    -4 / lam ** 3)}
for name, (estimates, value) in cases.items():
    mean, error, z_score = summary(estimates, value)
    print(f"{name:24s} exact {value:6.3f}, pathwise {mean:6.3f} ± {error:.3f}")
    assert abs(z_score) < 4

# %% [markdown]
# ## What you have shown
#
# - A sample has no derivative as long as nobody says how it depends on the parameters. Two estimators of the gradient of an expectation are right on average: the score function's, $f(z)\,\partial\log q$, known as REINFORCE, and the pathwise, $f'(z)\,\partial z$ with $z = \mu + \sigma\varepsilon$ (L18).
# - Their variances differ. For a sum of $K$ squares, the first grows like $K^2$, with a baseline like $K$, and the second not at all. For functions that are small and wiggle fast it is the other way round.
# - Backprop's rules at a sampling step are $\bar\mu = \bar z$, $\bar\sigma = \bar z\varepsilon$, and $\overline{\log\sigma} = \bar z\sigma\varepsilon$; like dropout's, they multiply the gradient by the noise of the forward pass. Written as a primitive, they are all that autograd needs.
# - With them, stochastic gradients take one digit's $q$ to its exact optimum, and up the bound of a decoder that bends. Where $z$ is discrete, there is no path, and the score function remains.
#
# ## What is left open
#
# We now fit $(\mu, \log\sigma)$ for *one* $\mathbf{x}$, by many gradient steps. What would it cost to do so for all?

# %%
steps, samples, N = 600, 10, len(x_train)
passes = f"{steps * samples:,} for one digit, {steps * samples * N:,} for {N:,} digits"
print("passes through the decoder and back:", passes)

# %% [markdown]
# And whenever the decoder has learned something, every one of these $q$ is out of date. Nothing was learned from one digit for the next, though a 0 is much like another 0. **Must we do this for each example?** That is the question of notebook 07.

# %%
# NBVAL_IGNORE_OUTPUT
progress()

# %% [markdown]
# **Sources.** R. Williams, *Simple statistical gradient-following algorithms for connectionist reinforcement learning*, 1992. N. Srivastava and others, *Dropout: a simple way to prevent neural networks from overfitting*, 2014. D. Kingma and M. Welling, *Auto-encoding variational
# Bayes*, 2014. D. Rezende, S. Mohamed and D. Wierstra, *Stochastic backpropagation and approximate inference in deep generative models*, 2014. A. Mnih and D. Rezende, *Variational inference for Monte Carlo objectives*, 2016. C. Maddison, A. Mnih and Y. W. Teh, *The Concrete
# distribution*, 2017. E. Jang, S. Gu and B. Poole, *Categorical reparameterization with Gumbel-softmax*, 2017. S. Mohamed, M. Rosca, M. Figurnov and A. Mnih, *Monte Carlo gradient estimation in machine learning*, 2020. Digits: MNIST, Y. LeCun, C. Cortes, C. Burges.
