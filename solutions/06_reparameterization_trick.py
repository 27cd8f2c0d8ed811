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
# *Lecture point L18. About {{core minutes}} minutes, 14 points; {{further minutes}} more and 1 point below "Further". [Glossary](00_start_here.ipynb#Glossary)*
#
# Notebook 05 left this question: to climb the bound we need the derivatives of an average over samples of $q$ with respect to $\boldsymbol\mu$ and $\boldsymbol\sigma$, and these are parameters of the distribution that the samples come from. **How do you differentiate through a sample?**
#
# There are two ways. One never looks inside the function that is averaged, and is noisy; it is how agents learn from rewards. The other writes the sample as a function of
# the parameters and of noise that does not depend on them, and lets the chain rule do the rest. The second is what makes a VAE trainable.
#
# By the end you can say, and show with numbers,
#
# - why a random number generator has no derivative, and what can be differentiated in its place,
# - that both ways are right on average (the second for smooth $f$), and how far single estimates are off,
# - what backprop does at a sampling step, and how to teach it to autograd.

# %%
import sys

import autograd.numpy as anp
import numpy as np
from autograd import grad
from autograd.extend import defvjp, primitive
from matplotlib.colors import BoundaryNorm
from scipy.optimize import brentq
from scipy.stats import norm
from tqdm import tqdm

# %%
from course_utils.checking import check, hint, predict, progress, reveal
from course_utils.data import load_mnist, shrink
from course_utils.explorables.gradient_explorer import gradient_explorer
from course_utils.models import autoencoder, linear_gaussian, pca
from course_utils.networks import nets
from course_utils.networks.reparameterization import (
    leave_one_out, score_function_variance)
from course_utils.probability.gaussians import (
    diagonal_gaussian_log_prob, kl_standard_normal)
from course_utils.probability.likelihoods import gaussian_log_prob
from course_utils.showing import drawings, plots
from course_utils.showing.evidence import expect, results

# %% [markdown]
# ## 1. A random number has no derivative
#
# The smallest case that has everything: $q = \mathcal{N}(\mu, \sigma^2)$ on the line, and $f(z) = z^2$. Here the answer is known, which makes it a good test:
#
# $$\mathbb{E}_q[z^2] = \mu^2 + \sigma^2, \qquad \frac{\mathrm d}{\mathrm d\mu}\,\mathbb{E}_q[z^2] = 2\mu .$$
#
# Suppose we did not know, and had only samples. Let autograd try:

# %%
rng = np.random.default_rng(0)
mu, sigma = 0.8, 0.6  # of q, up to section 5
try:
    grad(lambda m: anp.mean(rng.normal(m, sigma, 1000) ** 2))(mu)
except (TypeError, ValueError):
    print("drawn inside: an error, no derivative")

z = rng.normal(mu, sigma, 1000)
print("drawn before:", grad(lambda m: anp.mean(z ** 2) + 0 * m)(mu))  # m must occur
print("exact:       ", 2 * mu)

# %% [markdown]
# Inside, autograd meets the generator, an operation for which nobody has written a derivative. Drawn before, the samples are constants, and their mean has derivative 0, which is wrong. The samples *would have come out differently* with another $\mu$, but nothing in the program says how.
#
# What about finite differences: average $f$ at $\mu + h$ and at $\mu - h$, with a hundred samples on each side, and divide the difference by $2h$?

# %%
predict("06-h", "The samples on the two sides are drawn independently. Make h ten "
        "times smaller: what becomes of the slope's error?",
        ["it shrinks to a tenth", "it stays as it is", "it grows tenfold"])


# %%
def slope(h, eps_up, eps_down):
    """Finite difference of the mean of z^2, from noise (repeats, S) on each side."""
    up, down = mu + h + sigma * eps_up, mu - h + sigma * eps_down
    return (np.mean(up ** 2, axis=1) - np.mean(down ** 2, axis=1)) / (2 * h)


noise = rng.normal(size=(2, 2000, 100))
slope_errors = {h: [slope(h, *noise).std(), slope(h, noise[0], noise[0]).std()]
           for h in (0.1, 0.01, 0.001)}
results({f"h = {h}": row for h, row in slope_errors.items()},
        ["independent samples", "the same noise"], trained=False,
        caption="Standard deviation of the slope (which is 1.6)")
reveal("06-h", "it grows tenfold")

# %% tags=["expectation"]
for h, (fresh, same) in slope_errors.items():
    expect(fresh * h, slope_errors[0.1][0] * 0.1, within=0.01)
    expect(same, 2 * sigma / 10, within=0.005)

# %% [markdown]
# With independent samples, the difference of the two means is almost all noise, and it is divided by an ever smaller $h$. But with *the same noise on both sides*, $z = \mu \pm h + \sigma\varepsilon$, the noise of a smooth $f$ cancels in the difference, and $h$ no longer
# matters. What is left, $2\sigma/\sqrt{100} = 0.12$, is the standard error of a mean of a hundred slopes $2z$. The sample mean as a function of $\mu$, both ways:

# %%
means = np.linspace(-1, 2, 301)
eps = rng.normal(size=20)
fresh = [np.mean((m + sigma * rng.normal(size=20)) ** 2) for m in means]
same = [np.mean((m + sigma * eps) ** 2) for m in means]

# %%
fig, ax = plots.figure(6.4, 3.3)
ax.plot(means, fresh, color=plots.PALETTE[3], linewidth=1, label="fresh noise")
ax.plot(means, same, color=plots.PALETTE[0], linewidth=2, label="the same noise")
ax.plot(means, means ** 2 + sigma ** 2, "k--", linewidth=1, label="exact")
ax.set(xlabel="μ", ylabel="mean of z²", title="Sample means of 20 samples")
ax.legend()
plots.show(fig, alt="With fresh noise for every mu the sample mean is a jagged line. "
                    "With the same noise it is a smooth curve near the exact parabola.")

# %% [markdown]
# The jagged line has no usable slope; the smooth one has. There are two ways out:

# %%
fig, axes = drawings.two_estimators()
plots.show(fig, alt="Left: samples on the axis under a bell, each with an arrow up or "
                    "down, the longer the larger f is and the farther the sample is "
                    "from the mean. Right: samples on the curve f, each with an arrow "
                    "sideways, the longer the steeper f is there.")

# %% [markdown]
# Either the samples stay where they are, and those with a large $f$ are made more probable: they get *weights*. Or they *move* with $\mu$, and $f'$ says what each gains. First the weights, which need nothing to be smooth.

# %% [markdown]
# ## 2. Weights: differentiate the density
#
# Write the average as an integral, in which $\mu$ can be seen:
#
# $$\frac{\mathrm d}{\mathrm d\mu}\,\mathbb{E}_q[f(z)] = \frac{\mathrm d}{\mathrm d\mu}\int q_\mu(z)\, f(z)\,\mathrm dz = \int \frac{\partial q_\mu(z)}{\partial\mu}\, f(z)\,\mathrm dz .$$
#
# The last integral is no average under $q$ any more, so samples of $q$ do not help, yet. But the derivative of a density is the density times the derivative of its logarithm,
# $\partial q = q\,\partial\log q$ (the *log-derivative trick*), and it is an average again:
#
# $$\frac{\mathrm d}{\mathrm d\mu}\,\mathbb{E}_q[f(z)] = \mathbb{E}_q\!\left[f(z)\,\frac{\partial \log q_\mu(z)}{\partial\mu}\right].$$
#
# The derivative $\partial \log q_\mu(z)/\partial\mu$ is called the **score**. Each sample gives one estimate, $f(z)$ times the score at $z$. Work out the score of a Gaussian, and write the estimates down:

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
# An error, counted in standard errors, should look like a draw from $\mathcal{N}(0, 1)$.

# %%
def summary(estimates, exact):
    """Mean of estimates (S,), its standard error, and how many of these it is off."""
    mean, error = np.mean(estimates), np.std(estimates) / np.sqrt(len(estimates))
    return mean, error, (mean - exact) / error


rng = np.random.default_rng(2)
eps = rng.normal(size=100_000)
estimates = score_function_gradient(np.square, mu, sigma, eps)
mean, error, off = summary(estimates, 2 * mu)
print(f"exact {2 * mu:.3f}, score function {mean:.3f} ± {error:.3f}"
      f" ({off:+.1f} standard errors off)")
assert abs(off) < 4

# %% [markdown]
# $f$ was only *evaluated*, never differentiated: it may be a black box, a computer game, or a person who says "warmer". In reinforcement learning $q$ is the *policy*, $z$ an *action*, $f(z)$ its *reward*, and this estimator is called REINFORCE (Williams 1992).
#
# ### A baseline
#
# Suppose every reward is raised by 1000. The best $q$ is the same, and so is the exact gradient. The estimates are not: the score of each sample, good or bad, is now multiplied by about a thousand. So one subtracts a **baseline** $b$:
#
# $$\mathbb{E}_q\!\left[(f(z) - b)\,\frac{\partial\log q}{\partial\mu}\right] = \frac{\mathrm d}{\mathrm d\mu}\,\mathbb{E}_q[f(z)] - b\,\underbrace{\mathbb{E}_q\!\left[\frac{\partial\log q}{\partial\mu}\right]}_{=\,0}$$
#
# The score has mean 0, since $\int \partial q\,\mathrm dz = \partial \int q\,\mathrm dz = \partial\, 1 = 0$. So any $b$ that does not depend on *this* sample leaves the estimate right on average. A simple one is the mean reward of the other samples (Mnih and Rezende 2016).
#
# In a program nobody writes scores down by hand: autograd differentiates $\log q$. So one builds a *loss* whose gradient, as autograd finds it, is the estimate. The samples and their rewards go into it as plain numbers:

# %% [markdown]
# {{exercise score_function_loss}}

# %%
def score_function_loss(mu, log_sigma, z, rewards):
    """A loss: mu, log_sigma (K,), samples z (S, K), their rewards (S,) -> a number."""
    ### BEGIN SOLUTION
    baseline = (np.sum(rewards) - rewards) / (len(rewards) - 1)
    log_q = diagonal_gaussian_log_prob(z, mu, log_sigma)
    return -anp.mean((rewards - baseline) * log_q)
    ### END SOLUTION


# %%
score_function_loss = check(score_function_loss)

# %% [markdown]
# Its gradient must be minus the mean of reward less baseline times score (`score_function_gradient` for $f = 1$); the library has that baseline as `leave_one_out`. (The *value* of such a loss says nothing.)

# %%
q_line = np.array([mu]), np.array([np.log(sigma)])
eps = rng.normal(size=10)
z = mu + sigma * eps
by_loss = grad(score_function_loss)(*q_line, z[:, None], z ** 2)[0]
advantage = z ** 2 - leave_one_out(z ** 2)
by_hand = -np.mean(advantage * score_function_gradient(np.ones_like, mu, sigma, eps))
assert np.isclose(by_loss, by_hand)
print(f"gradient of the loss by mu: {by_loss:.4f}, by hand: {by_hand:.4f}")

# %%
predict("06-detach", "Now let autograd follow the samples, too: z = mu + sigma eps is "
        "computed inside (the rewards stay numbers). What is the gradient by mu?",
        ["the same", "twice as large", "0", "the pathwise gradient"])

# %%
inside = lambda m, s: score_function_loss(
    m, s, m + anp.exp(s) * eps[:, None], z ** 2)
by_mu, by_log_sigma = grad(inside, (0, 1))(*q_line)
print(f"size of the gradient by mu: {abs(by_mu[0]):.6f}, "
      f"by log sigma: {abs(by_log_sigma[0]):.6f}")
reveal("06-detach", "0")

# %% tags=["expectation"]
expect(by_mu[0], 0, within=1e-12)
expect(by_log_sigma[0], 0, within=1e-12)
plain = lambda s: -anp.mean(z ** 2 * diagonal_gaussian_log_prob(
    mu + anp.exp(s) * eps[:, None], q_line[0], s))
expect(grad(plain)(q_line[1])[0], np.mean(z ** 2), within=1e-12)

# %% [markdown]
# Nothing is left: $\log q$ at $z = \mu + \sigma\varepsilon$ is $-\varepsilon^2/2 - \log\sigma + \text{const}$, in which $\mu$ does not occur. A sample that moves along with $q$ is as probable as before. So the samples must be constants here (in PyTorch, `sample()` or
# `detach()`; JAX has `stop_gradient`). Forgetting it raises no error, and $\mu$ learns nothing. Neither does $\sigma$, with this baseline: $-\log\sigma$ is the same for all samples, and rewards less baselines add up to 0. (Without one, its gradient would be the mean reward.)
#
# Now raise $f(z) = z^2$ by a constant, and look at gradients from ten samples each:

# %%
groups = mu + sigma * rng.normal(size=(500, 10, 1))
slope_of_loss = grad(score_function_loss)
spreads = {}
for raised in (0, 10, 1000):
    f = lambda z: z ** 2 + raised
    without = [np.mean(score_function_gradient(f, mu, sigma, (z[:, 0] - mu) / sigma))
               for z in groups]
    with_one = [-slope_of_loss(*q_line, z, f(z)[:, 0])[0] for z in groups]
    assert all(abs(summary(e, 2 * mu)[2]) < 4 for e in (without, with_one))
    spreads[f"raised by {raised}"] = [np.std(without), np.std(with_one)]
results(spreads, ["without a baseline", "with one"], trained=False,
        caption="Standard deviation of the gradient (which is 1.6) from ten samples")

# %% tags=["expectation"]
assert spreads["raised by 1000"][0] > 300
expect(spreads["raised by 1000"][1], spreads["raised by 0"][1], within=1e-6)

# %% [markdown]
# Without a baseline the noise grows with a constant that has nothing to do with the gradient; with one it does not notice. Rewards like $\log p(\mathbf{x}|\mathbf{z})$ may be any large number.

# %% [markdown]
# ## 3. Motion: move the sample
#
# The smooth curve of section 1 came from holding the noise fixed. Make that a principle: a sample of $q$ is a *function* of the parameters and of noise that does not know them (L18),
#
# $$z = \mu + \sigma\,\varepsilon, \qquad \varepsilon \sim \mathcal{N}(0, 1),$$
#
# so the average over $q$ is an average over a distribution without parameters, and where $f$ is smooth the derivative may go inside:
#
# $$\frac{\mathrm d}{\mathrm d\mu}\,\mathbb{E}_q[f(z)] = \frac{\mathrm d}{\mathrm d\mu}\,\mathbb{E}_\varepsilon[f(\mu + \sigma\varepsilon)]
# = \mathbb{E}_\varepsilon\!\left[\frac{\partial}{\partial\mu} f(\mu + \sigma\varepsilon)\right].$$
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
# Each sample is asked what it would gain by moving along with $\mu$; hence the name **pathwise** estimator.

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
# Four functions with known averages ("Further" does the same for $\sigma$):

# %%
rng = np.random.default_rng(4)
eps = rng.normal(size=200_000)
functions = {  # name: f, f', and the exact gradient of its average by mu
    "z²": (np.square, lambda z: 2 * z, 2 * mu),
    "z³": (lambda z: z ** 3, lambda z: 3 * z ** 2, 3 * (mu ** 2 + sigma ** 2)),
    "exp z": (np.exp, np.exp, np.exp(mu + sigma ** 2 / 2)),
    "cos z": (np.cos, lambda z: -np.sin(z), -np.exp(-sigma ** 2 / 2) * np.sin(mu))}

# %%
table = {}
for name, (f, df, exact) in functions.items():
    both = [summary(np.asarray(estimates), exact) for estimates in (
        score_function_gradient(f, mu, sigma, eps),
        pathwise_gradient(df, mu, sigma, eps))]
    assert all(abs(off) < 4 for _, _, off in both)
    table[name] = [exact, *((mean, error) for mean, error, _ in both)]
results(table, ["exact, by μ", "score function", "pathwise"], digits=4, trained=False)

# %% tags=["expectation"]
assert all(row[2][1] < row[1][1] / 2 for row in table.values())

# %% [markdown]
# All eight agree with the exact values (they share their noise), and in every row the pathwise error is the smaller one. The pathwise estimator knows more: it is told $f'$, the direction in which
# $f$ grows, where the other one must find out by comparing rewards.
#
# Is that a law? "Further" looks for a counterexample.

# %% [markdown]
# ## 5. How noisy?
#
# A standard error that is three times as large asks for nine times as many samples, so the variance of a single estimate is the price of an estimator. Latent codes have many dimensions: take
#
# $$f(\mathbf{z}) = \sum_{i=1}^K z_i^2, \qquad q = \mathcal{N}(\boldsymbol\mu, \mathrm{diag}(\boldsymbol\sigma^2)),$$
#
# and look at the gradient by a single $\mu_k$, which is $2\mu_k$ whatever the other dimensions do.

# %%
predict("06-growth", "How do the variances grow with K: score function, score function "
        "with the baseline, pathwise?",
        ["like K, not at all, not at all", "like K², not at all, not at all",
         "like K², like K, not at all", "like K², like K, like K"])


# %% [markdown]
# Samples in groups of ten, as before: each one's baseline is the mean reward of the other nine.

# %%
def measured_variances(K, groups=1000):
    """{estimator: (variance, its standard error)} from groups of ten samples."""
    eps = rng.normal(size=(10, groups, K))
    z = mu + sigma * eps
    rewards, noise = np.sum(z ** 2, axis=-1), eps[..., 0]
    estimates = {"score function": rewards * noise / sigma,
                 "with baseline": (rewards - leave_one_out(rewards)) * noise / sigma,
                 "pathwise": 2 * z[..., 0]}
    return {name: summary(np.mean((e - 2 * mu) ** 2, axis=0), 0)[:2]
            for name, e in estimates.items()}


# %%
def exact_variances(K):
    """The same from formulas; "Further" derives them."""
    q, f_mean = (np.full(K, mu), np.full(K, sigma)), K * (mu ** 2 + sigma ** 2)
    f_variance = K * (4 * mu ** 2 * sigma ** 2 + 2 * sigma ** 4)
    best = score_function_variance(*q, f_mean)[0] + f_variance / 9 / sigma ** 2
    return {"score function": score_function_variance(*q)[0], "with baseline": best,
            "pathwise": 4 * sigma ** 2}


# %%
rng, Ks = np.random.default_rng(5), 2 ** np.arange(0, 11)
measured, formulas = zip(*((measured_variances(K), exact_variances(K)) for K in Ks))
fig, ax = plots.figure(6.4, 4)
for name, colour, marker in zip(formulas[0], (6, 8, 0), "o^s"):
    ax.loglog(Ks, [e[name] for e in formulas], color=plots.PALETTE[colour], linewidth=1)
    values, errors = np.array([m[name] for m in measured]).T
    ax.errorbar(Ks, values, 2 * errors, fmt=marker, color=plots.PALETTE[colour],
                label=name)
ax.set(xlabel="dimensions K", ylabel="variance of a single estimate")
ax.set_title("Points: measured (± 2 standard errors). Lines: formulas")
ax.legend()
plots.show(fig, alt="On logarithmic axes the score function's variance grows with "
                    "slope 2, with the baseline with slope 1; pathwise stays flat.")
reveal("06-growth", "like K², like K, not at all")

# %% tags=["expectation"]
for m, e in zip(measured, formulas):
    assert all(abs(m[name][0] - e[name]) < 4 * m[name][1] for name in e)
for name, growth in zip(formulas[0], (2, 1, 0)):
    expect(np.log2(formulas[-1][name] / formulas[-2][name]), growth, within=0.02)

# %%
last = formulas[-1]
results({name: f"{last[name] / last['pathwise']:,.0f}" for name in last}, trained=False,
        caption=f"Samples that are worth one pathwise sample, at K = {Ks[-1]}")

# %% [markdown]
# The score function's variance grows like $K^2$: the reward is a sum over all dimensions, and $\mu_k$ cannot tell which part of it is its own doing. The baseline takes away the part that is always there, and leaves growth like $K$. The pathwise estimate gets its
# own derivative from each dimension.

# %% [markdown]
# ## 6. What backprop does at a sampling step
#
# In a network $f$ is everything that comes after the sample, and its derivative arrives by backprop. This is where the course is going: a network that says for each $\mathbf{x}$ what $\mu$ and $\sigma$ are. For backprop to train it, the gradient has to get past the sample.

# %%
fig, ax = drawings.sampling_paths()
plots.show(fig, alt="Two rows: x, encoder, mu and sigma, z, decoder, loss. Above, z is "
                    "drawn from q, and the gradient that comes back through the "
                    "decoder stops before the draw. Below, z is computed from mu, "
                    "sigma and a noise, and the gradient goes on to them and the "
                    "encoder.")

# %% [markdown]
# A bar over a quantity is the derivative of the objective by that quantity: $\bar z$ arrives, $\bar\mu$ and $\bar\sigma$ are asked for. With $z_i = \mu_i + \sigma_i\varepsilon_i$,
# sampling is one multiplication and one addition, so the chain rule says it all (L18). One rule is $\bar\mu_i = \bar z_i$. The other:

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
# The course keeps $\log\sigma$, so one more link is needed. A function that takes the gradient of a result
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
# In section 1 autograd failed at `rng.normal`, an operation for which nobody had written a derivative. Write it. `primitive` makes a function one step of autograd's record, and `defvjp` registers what backprop does there, a rule for each argument. This is how it goes for $a = uv$:

# %%
times = primitive(lambda u, v: u * v)
defvjp(times,
       lambda a, u, v: lambda a_bar: a_bar * v,  # result, arguments -> a_bar -> u_bar
       lambda a, u, v: lambda a_bar: a_bar * u)
print("derivatives of 3 · 5:", *map(float, grad(times, (0, 1))(3.0, 5.0)))

# %% [markdown]
# A generator keeps its noise to itself: it takes $\mu$ and $\sigma$ and returns $z$. But a rule sees the result, too.

# %% [markdown]
# {{exercise sample_gradients}}

# %%
def sample_gradients(f, mu, log_sigma, draw):
    """Gradients of sum f(z) by mu and log_sigma (N, K), where z = draw(mu, sigma)."""
    ### BEGIN SOLUTION
    sample = primitive(lambda mu, log_sigma: draw(mu, np.exp(log_sigma)))
    defvjp(sample,
           lambda z, mu, log_sigma: lambda z_bar: z_bar,
           lambda z, mu, log_sigma: lambda z_bar: z_bar * (z - mu))
    objective = lambda mu, log_sigma: anp.sum(f(sample(mu, log_sigma)))
    return grad(objective, (0, 1))(mu, log_sigma)
    ### END SOLUTION


# %%
sample_gradients = check(sample_gradients)

# %% [markdown]
# The very call of section 1, with numpy's generator, now has a gradient:

# %%
rng = np.random.default_rng(6)
q_rows = np.full((10_000, 1), mu), np.full((10_000, 1), np.log(sigma))
mu_bar, log_sigma_bar = sample_gradients(np.square, *q_rows, rng.normal)
for name, estimates, exact in [("mu", mu_bar, 2 * mu),
                               ("log sigma", log_sigma_bar, 2 * sigma ** 2)]:
    mean, error, off = summary(estimates, exact)
    print(f"by {name}: exact {exact:.3f}, through rng.normal {mean:.3f} ± {error:.3f}")
    assert abs(off) < 4

# %% [markdown]
# And with a network after the sample, where the noise is known, these rules must agree with autograd going through the formula step by step.

# %%
network = nets.init_mlp([3, 8, 5], rng, dtype=float)
q_net, eps = rng.normal(size=(2, 4, 3)), rng.normal(size=(4, 3))
loss = lambda z: anp.sum(nets.mlp(network, z) ** 2)
formula = lambda q: loss(q[0] + anp.exp(q[1]) * eps)
ours = np.array(sample_gradients(loss, *q_net, lambda m, s: m + s * eps))
assert np.allclose(ours, grad(formula)(q_net))
z_bar = grad(loss)(q_net[0] + np.exp(q_net[1]) * eps)
assert np.allclose(ours, reparameterize_vjp(z_bar, q_net[1], eps))

# %% tags=["expectation"]
nudges = 1e-5 * np.eye(q_net.size).reshape(-1, *q_net.shape)
differences = [formula(q_net + d) - formula(q_net - d) for d in nudges]
assert np.allclose(ours.ravel(), np.array(differences) / 2e-5, atol=1e-4)

# %% [markdown]
# So **given the noise, a stochastic layer is an ordinary layer**. (PyTorch calls a draw that knows this `rsample`, and one that does not `sample`; own rules go into a `torch.autograd.Function`.) You may have trained through random numbers before: dropout multiplies by a random mask forwards, and by *the same* mask backwards. "Further" has you write its rule.

# %% [markdown]
# ## 7. A digit, both ways
#
# Maximise the bound of notebook 05 for one digit, by stochastic gradients. First where the best $q$ is known: the linear decoder out of PCA, with $K = 8$.

# %%
digits = load_mnist()
x_train, x_test = shrink(digits.x_train, 14), shrink(digits.x_test, 14)
K, x = 8, x_test[5:6].astype(float)
eigenvalues = pca.pca_eigenvalues(x_train)
x_mean, components = pca.pca_fit(x_train.astype(float), K)
components *= np.sign(components.sum(axis=1, keepdims=True))  # PCA leaves it open
eta = eigenvalues[K:].mean()
W = components.T * np.sqrt(eigenvalues[:K] - eta)
total = np.sum(W ** 2, axis=0) + eta                 # the formulas of notebook 05
best_q = np.stack([((x - x_mean) @ W / total)[0], 0.5 * np.log(eta / total)])


# %%
def bound(q):
    """The exact F of the digit; q (2, K) holds mu and log sigma."""
    return linear_gaussian.elbo_linear_gaussian(x, W, x_mean, eta, q[:1], q[1:])[0]


def log_lik(z):
    return gaussian_log_prob(x, z @ W.T + x_mean, eta)


best = bound(best_q)
print(f"best possible F: {best:.2f} nats")

# %% [markdown]
# The score function uses only values of $\log p(\mathbf{x}|\mathbf{z})$, the pathwise estimator also its derivative, by backprop. The KL term keeps its closed form, whose gradient notebook 05 found. Three gradients of $-\mathcal{F}$ from $S$ samples:

# %%
def kl_gradient(q):
    return np.stack([q[0], np.exp(2 * q[1]) - 1])


def rows_of(q, S):
    return [np.tile(a, (S, 1)) for a in q]  # mu and log sigma, once for each sample


def by_score(q, eps, loss=score_function_loss):
    z = np.asarray(reparameterize(*rows_of(q, len(eps)), eps))  # numbers, for autograd
    by_mu_and_log_sigma = grad(loss, (0, 1))(*q, z, log_lik(z))
    return np.stack(by_mu_and_log_sigma) + kl_gradient(q)


def by_path(q, eps):
    draw = lambda mu, sigma: mu + sigma * eps
    gradients = sample_gradients(log_lik, *rows_of(q, len(eps)), draw)
    return kl_gradient(q) - np.mean(gradients, axis=1)          # over the S samples


# %%
def without_baseline(mu, log_sigma, z, rewards):
    return -anp.mean(rewards * diagonal_gaussian_log_prob(z, mu, log_sigma))


gradients = {"score function": lambda q, eps: by_score(q, eps, without_baseline),
             "with baseline": by_score, "pathwise": by_path}
colours = dict(zip(gradients, (plots.PALETTE[i] for i in (6, 8, 0))))

# %% [markdown]
# All three climb with Adam, the same step size, the same start at the prior, ten samples a step and 1000 steps.

# %%
predict("06-arrive", "Which of the three come within a nat of the best bound?",
        ["all three", "pathwise, and the score function with a baseline",
         "pathwise alone"])


# %%
def climb(gradient, q, steps=1000, S=10, seed=0, size=0.02):
    """q (2, K) after each of Adam's steps down the gradient, S samples a step."""
    rng, m, v, path = np.random.default_rng(seed), 0 * q, 0 * q, []
    for t in tqdm(range(1, steps + 1), "a climb", leave=False, file=sys.stdout):
        g = gradient(q, rng.normal(size=(S, q.shape[1])))
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g ** 2
        m_hat, v_hat = m / (1 - 0.9 ** t), v / (1 - 0.999 ** t)
        q = q - size * m_hat / (np.sqrt(v_hat) + 1e-8)
        path.append(q)
    return np.array(path)


# %%
prior = np.zeros((2, K))
gaps = {name: np.array([[best - bound(q) for q in climb(g, prior, seed=seed)]
                        for seed in range(3)]) for name, g in gradients.items()}

# %%
fig, ax = plots.figure(6.8, 3.6)
for name, three in gaps.items():
    ax.semilogy(three.T, color=colours[name], linewidth=0.9)
    ax.plot([], [], color=colours[name], label=name)
ax.set(xlabel="step", ylabel="nats below the best F", title="Three climbs each")
ax.legend()
plots.show(fig, alt="Distance from the best bound on a logarithmic axis. Pathwise "
                    "falls below a tenth of a nat, with the baseline it is about a "
                    "tenth, and the plain score function stays several nats away.")
reveal("06-arrive", "pathwise, and the score function with a baseline")

# %% [markdown]
# Is it the noise that keeps the plain score function away? Then more samples a step must help it. And how few are enough for the others?

# %%
def reached(name, S):
    """Mean gap of the last 400 of 1000 steps with S samples a step."""
    if S == 10:
        return gaps[name][0, -400:].mean()
    return np.mean([best - bound(q) for q in climb(gradients[name], prior, S=S)[-400:]])


arrived = {name: [None if (name, S) == ("with baseline", 1) else reached(name, S)
                  for S in (1, 10, 100)] for name in gradients}
results(arrived, ["1 sample", "10 samples", "100 samples"], best="lowest", digits=2,
        caption="Nats below the best F at the end (a baseline needs two samples)")

# %% tags=["expectation"]
for name, sizes in {"score function": (11.6, 5.3, 1.4),
                    "with baseline": (None, 0.113, 0.022),
                    "pathwise": (0.14, 0.037, 0.005)}.items():
    for got, size in zip(arrived[name], sizes):
        if size:
            expect(np.log(got / size), 0, within=0.6)
assert gaps["score function"][:, -200:].mean(axis=1).min() > 1

# %% [markdown]
# It is the noise: with a hundred samples a step, nothing else changed, the plain score function comes four times as near, and it is still ten times as far away as the pathwise climb with a *single* sample. The baseline helps a good deal, and people seek better
# ones where the trick is not available. The pathwise climb gets by with one sample; so do VAEs, with one per example and step (notebook 08).

# %% [markdown]
# ## 8. A decoder that bends
#
# And now what notebook 05 could not do. A bent decoder, from the autoencoders of notebook 02, with a single latent, so that everything can be drawn and checked on a grid. Its codes are rescaled to mean 0 and variance 1, to fit the prior, and $\eta$ is
# the mean squared error of a pixel.

# %%
encoder, decoder = autoencoder.autoencoder_train(
    x_train, [196, 64, 1], 1500, np.random.default_rng(0))
codes = autoencoder.encode(encoder, x_train)
(W1, b1), *later = decoder
decoder = [(codes.std() * W1, b1 + codes.mean() * W1[0]), *later]
x_hat = nets.mlp(decoder, (codes - codes.mean()) / codes.std())
bent_eta = float(np.mean((x_train - x_hat) ** 2))

# %% tags=["expectation"]
expect(bent_eta, 0.0417, within=0.004)

# %% [markdown]
# One digit of the test set, a 0. Its $\log p(\mathbf{x}|z)$ on a grid gives everything exactly: $\log p(\mathbf{x})$, the posterior, and $\mathcal{F}$ for any $q$ on the line.

# %%
zero = x_test[3]


def log_lik_bent(z):
    return gaussian_log_prob(zero, nets.mlp(decoder, z), bent_eta)


line = np.linspace(-14, 14, 5601)
log_lik_line = log_lik_bent(line[:, None])
log_joint = log_lik_line + norm.logpdf(line)
top = log_joint.max()
log_p = top + np.log(np.trapezoid(np.exp(log_joint - top), line))


# %%
def exact_bound(mu, log_sigma):
    """F of N(mu, sigma^2) by the trapezoid rule in eps; mu, log_sigma (M,)."""
    t = np.linspace(-6, 6, 121)
    z = mu[:, None] + np.exp(log_sigma)[:, None] * t
    average = np.trapezoid(norm.pdf(t) * np.interp(z, line, log_lik_line), t, axis=1)
    return average - kl_standard_normal(mu[:, None], log_sigma[:, None])


# %% [markdown]
# The climb uses none of it, only samples and backprop through the decoder. Four starts $(\mu, \log\sigma)$:

# %%
predict("06-starts", "Starts (0, 0), (-2.5, -1), (1, 0) and (1, -2.5): in how many "
        "different places do the four climbs end?", [1, 2, 3, 4])

# %%
def bent(q, eps):
    """`by_path` for climbs side by side: one in each column of q (2, M), eps (S, M)."""
    draw = lambda mu, sigma: mu + sigma * eps.reshape(-1, 1)
    each = sample_gradients(log_lik_bent, *np.tile(q, len(eps))[:, :, None], draw)
    return kl_gradient(q) - np.mean(np.reshape(each, (2, *eps.shape)), axis=1)


starts = [(0.0, 0.0), (-2.5, -1.0), (1.0, 0.0), (1.0, -2.5)]
q = np.transpose(starts)
walks = np.moveaxis(np.concatenate([[q], climb(bent, q, steps=600)]), 2, 0)
ends = walks[:, -100:].mean(axis=1)

# %%
ms, ss = np.meshgrid(np.linspace(-3, 3, 121), np.linspace(-4.2, 0.6, 97))
height = exact_bound(ms.ravel(), ss.ravel()).reshape(ms.shape) - log_p
levels = [-200, -150, -120, -100, -92, -88, -85, -80, -60, -40, -20, -5, -1, 0]


# %%
def draw_climbs(ax):
    shades = ax.contourf(ms, ss, height, levels, cmap="Blues_r", extend="min",
                         norm=BoundaryNorm(levels, 256, extend="min"))
    four = "#333333", *(plots.PALETTE[i] for i in (2, 4, 1))
    for walk, start, colour in zip(walks, starts, four):
        ax.plot(*walk.T, color=colour, linewidth=1.8, label=f"{start}")
        ax.plot(*walk[0], "o", color=colour)
        ax.plot(*walk[-1], "*", color=colour, markersize=13, markeredgecolor="black")
    ax.set(xlabel="μ", ylabel="log σ", title="Four climbs; shades: F − log p(x), nats")
    ax.legend(title="start", fontsize=8, loc="lower right")
    return shades


# %%
fig, (left, right) = plots.figure(9.8, 4, columns=2, width_ratios=[1.3, 1])
fig.colorbar(draw_climbs(left), ax=left, ticks=levels[::2])
for width, style in [(0.0, "-"), (-1.5, "--"), (-2.5, ":")]:
    along = exact_bound(ms[0], np.full(121, width)) - log_p
    right.plot(ms[0], along, style, color=plots.PALETTE[0], label=f"log σ = {width:g}")
right.set(xlim=(-0.7, 1.2), ylim=(-112, -68), xlabel="μ")
right.set(ylabel="F − log p(x) (nats)", title="Three cuts, near the lower summit")
right.legend(loc="upper right")
plots.show(fig, alt="Left: the exact bound over mean and log sigma, with two summits. "
                    "Three climbs end at the higher one, one at the other. Right: "
                    "against the mean the bound has a second top near 0.5 for a narrow "
                    "q, a flat stretch for a middling one, and none for a wide one.")
reveal("06-starts", str(len(np.unique(np.round(ends[:, 0])))))

# %%
results({f"start {start}": [*end, log_p - exact_bound(*end[:, None])[0]]
         for start, end in zip(starts, ends)},
        ["μ at the end", "log σ at the end", "log p(x) − F"], digits=2)

# %% tags=["expectation"]
for end, m, gap, most in zip(ends, (-1.65, -1.65, -1.65, 0.49), (0.01,) * 3 + (87,),
                             (0.04,) * 3 + (6,)):
    expect(end[0], m, within=0.1)
    expect(log_p - exact_bound(*end[:, None])[0], gap, within=most)
expect(height.max(), 0, within=0.01)

# %%
fig, ax = plots.figure(4.6, 1.9)
pictures = np.concatenate([zero[None], nets.mlp(decoder, ends[[0, 3], :1])])
plots.image_grid(pictures, (14, 14), columns=3, ax=ax,
                 column_labels=["the digit", "first climb's μ", "last climb's μ"])
plots.show(fig, alt="The digit 0; the decoder's picture at the first climb's mean, "
                    "a 0; and that at the last climb's mean, which looks like a 9.")

# %% [markdown]
# Three climbs end on the same summit, at most a few hundredths of a nat below $\log p(\mathbf{x})$: this posterior is nearly Gaussian, so a Gaussian $q$ loses next to nothing. No formula for
# $\mathbb{E}_q\lVert\mathbf{x} - G(z)\rVert^2$ was needed. The last climb is stuck on a lower summit, where the decoder draws something like a 9. The third started from the same mean with a wide $q$ and got away: over a wide $q$ the dip between the summits averages out (the cuts on the right). "Further" tests whether it was the width, or the luck of its noise.

# %% [markdown]
# ## What you have shown
#
# - A sample has no derivative as long as nobody says how it depends on the parameters. Two estimators of the gradient of an expectation are right on average: the score function's, $f(z)\,\partial\log q$, known as REINFORCE, and, for smooth $f$, the pathwise, $f'(z)\,\partial z$ with $z = \mu + \sigma\varepsilon$ (L18).
# - Their variances differ. For a sum of $K$ squares, the first grows like $K^2$, with a baseline like $K$, and the second not at all. That is no law: "Further" has a wave for which the score function is the better one.
# - Backprop's rules at a sampling step are $\bar\mu = \bar z$, $\bar\sigma = \bar z\varepsilon$, and $\overline{\log\sigma} = \bar z\sigma\varepsilon$; like dropout's, they multiply the gradient by the noise of the forward pass. Registered as rules, they are all that autograd needs, even for a generator.
# - With them, stochastic gradients take one digit's $q$ to its exact optimum, and up the bound of a decoder that bends.
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
# ## Further ({{further minutes}} minutes)

# %% [markdown]
# ### Explore
#
# Each dot is the estimate that one sample gives, and keeps its colour and its height while you move the sliders. Before you move anything: (a) Make $\sigma$ smaller. One cloud shrinks; what does the other do? (b) Lift $f$ by $c = 20$. Which cloud notices? Which $c$ makes it narrowest? (c) Take $4\cos 6z$ and a wide $q$: which cloud is the narrower one now?

# %%
gradient_explorer()

# %% [markdown] tags=["expectation"]
# <details><summary>Answers</summary>
#
# (a) A narrow $q$ has a steep density: the scores are large, and the score function's dots fly apart, to both sides, by the sign of their $\varepsilon$. Meanwhile $f'$ hardly varies within $q$, and the pathwise cloud shrinks. (b) Only the score function's: a constant has no slope. Its cloud is narrowest a little beyond $c = -\mathbb{E}[f]$ (for $z^2$ at $-\mathbb{E}[f] - 2\sigma^2$: see below). (c) The clouds change places: here $\omega\sigma$ is far above 1.
#
# </details>

# %% [markdown]
# ### A wave
#
# Section 4 had four functions for which the pathwise estimator is the less noisy one. Is that a law? Pathwise, the variance is that of $f'$; by the score, it is that of $f$ times the score. Take a wave, $f(z) = \cos\omega z$: it never exceeds 1, but its slope can be as steep as you like.

# %%
predict("06-omega", "From which omega times sigma on is the score function the better "
        "one?", ["from about 0.1", "from about 1", "from about 10", "from about 100"])


# %%
def wave_variances(omega):
    """Exact variances (score function, pathwise), from cos^2 a = (1 + cos 2a) / 2."""
    scale = omega * sigma
    mean = omega * np.sin(omega * mu) * np.exp(-scale ** 2 / 2)
    wave = np.exp(-2 * scale ** 2) * np.cos(2 * omega * mu)
    score = (1 + wave * (1 - 4 * scale ** 2)) / (2 * sigma ** 2) - mean ** 2
    return score, omega ** 2 * (1 - wave) / 2 - mean ** 2


crossing = brentq(lambda w: np.subtract(*wave_variances(w)), 0.5 / sigma, 5 / sigma)
omegas = np.geomspace(0.2, 8, 9) / sigma
eps = np.random.default_rng(4).normal(size=200_000)
wave_score = [np.var(score_function_gradient(lambda z: np.cos(w * z), mu, sigma, eps))
              for w in omegas]
wave_path = [np.var(pathwise_gradient(lambda z: -w * np.sin(w * z), mu, sigma, eps))
             for w in omegas]

# %%
fig, ax = plots.figure(6.4, 3.6)
fine = np.geomspace(0.2, 8, 200)
curves = np.transpose([wave_variances(w / sigma) for w in fine])
for exact_ones, dots, name, colour, marker in zip(
        curves, (wave_score, wave_path), ("score function", "pathwise"), (6, 0), "os"):
    ax.loglog(fine, exact_ones, color=plots.PALETTE[colour], linewidth=1)
    ax.loglog(omegas * sigma, dots, marker, color=plots.PALETTE[colour], label=name)
ax.axvline(crossing * sigma, color="black", linestyle=":")
ax.set(xlabel="ω σ", ylabel="variance of one estimate")
ax.set_title("f(z) = cos ωz. Points: measured. Lines: exact")
ax.set_xticks([0.2, 0.5, 1, 2, 5], [0.2, 0.5, 1, 2, 5], minor=False)
ax.set_xticks([], minor=True)
ax.legend()
plots.show(fig, alt="Both variances against omega sigma on logarithmic axes. The "
                    "pathwise one starts far below, grows all the way, and crosses "
                    "the score function's, which stays level, near 1.1.")
reveal("06-omega", f"from about {10.0 ** np.log10(crossing * sigma).round():g}")

# %% tags=["expectation"]
expect(crossing * sigma, 1.1075, within=0.0005)
exact = np.transpose([wave_variances(w) for w in omegas])
assert np.allclose([wave_score, wave_path], exact, rtol=0.05)

# %% [markdown]
# They change places at $\omega\sigma \approx 1.1$, where $\mu \pm \sigma$ covers about a third of a wavelength. (With another $\mu$ they may do so more than once, but always between 0.85 and 1.11.) So "pathwise is better" is no law; here it holds for waves that are long on the scale of $q$'s width.

# %% tags=["expectation"]
for phase, edge in [(1, 0.85), (-1, 1.109)]:  # cos 2 omega mu; the means cancel
    gap = lambda s: 1 - s ** 2 + phase * np.exp(-2 * s ** 2) * (1 - 3 * s ** 2)
    expect(brentq(gap, 0.6, 1.4), edge, within=0.002)
gap = lambda s: 2 * sigma ** 2 * np.subtract(*wave_variances(s / sigma))
expect(gap(0.7), 1 - 0.49 + np.exp(-0.98) * np.cos(1.4 * mu / sigma) * (1 - 1.47), 1e-9)

# %% [markdown]
# ### The width, or the luck of the noise?
#
# In section 8 two climbs started from the same mean, and the one with the wide $q$ got away from the lower summit. Start from there
# with several widths, twelve times each, and once with the exact gradient, without any noise:

# %%
def exact_gradient(q, eps, h=1e-4):
    """Of -F, by differences of the exact bound; the noise is not used."""
    up, down = ([exact_bound(*(q + d * one[:, None])) for one in np.eye(2)]
                for d in (h, -h))
    return np.subtract(down, up) / (2 * h)


# %%
widths = (0.0, -0.5, -1.0, -1.5, -2.5)
at = np.array([np.ones(5), widths])
noisy = climb(bent, np.repeat(at, 12, axis=1), steps=300)[-1, 0] < 0
away = dict(zip(widths, noisy.reshape(5, 12)))
exactly = dict(zip(widths, climb(exact_gradient, at, steps=300)[-1, 0] < 0))
cuts = [exact_bound(ms[0], np.full(121, w)) for w in widths]
tops = [int(np.sum((F[1:-1] > F[:-2]) & (F[1:-1] > F[2:]))) for F in cuts]
results({"with noise, of twelve climbs": [int(sum(away[w])) for w in widths],
         "without noise": ["yes" if exactly[w] else "no" for w in widths],
         "tops of F along μ, at this width": tops},
        [f"{w}" for w in widths],
        caption="Got away to the higher summit, and tops of F, by log σ of the start")

# %% tags=["expectation"]
assert [sum(away[w]) for w in (0.0, -0.5, -1.5, -2.5)] == [12, 12, 0, 0]
assert 0 < sum(away[-1.0]) < 12
assert [exactly[w] for w in widths] == [True] * 2 + [False] * 3

# %% [markdown]
# It is the width: the wide ones get away without noise, too, and noise decides only at the border. A wide $q$ averages $\log p(\mathbf{x}|z)$ over a large part of the line, and the dip between the summits is smoothed away. But $q$ narrows while it climbs; one that starts at $-1.5$ has a free way at first, and is too narrow before it is through.

# %% [markdown]
# ### Exactly as for dropout
#
# You may have backpropagated through randomness before. Dropout multiplies each hidden unit $h$ by a random mask: $\tilde h = h\, m/(1-r)$, where $m$ is 0 with probability $r$ and 1 otherwise. (This is *inverted* dropout; the
# division keeps the mean at $h$.) The mask is drawn in the forward pass and *kept* for the backward pass.

# %% [markdown]
# {{exercise dropout_vjp}}

# %%
def dropout_vjp(h_bar, mask, rate):
    """The gradient of h, given that of the output h * mask / (1 - rate); (N, K)."""
    ### BEGIN SOLUTION
    return h_bar * mask / (1 - rate)
    ### END SOLUTION


# %%
dropout_vjp = check(dropout_vjp)

# %% [markdown]
# Six units of sampling and six of dropout, a gradient of 1 arriving at all of them:

# %%
rng = np.random.default_rng(8)
arriving, eps = np.ones((1, 6)), rng.normal(size=(1, 6))
mask = np.array([[1.0, 0, 1, 1, 0, 1]])
rows = {"sampling, forwards": eps, "sampling, backwards": sigma_bar(arriving, eps),
        "dropout, forwards": mask / 0.6,
        "dropout, backwards": dropout_vjp(arriving, mask, 0.4)}
results({name: list(np.ravel(row)) for name, row in rows.items()},
        [f"unit {i}" for i in range(1, 7)], trained=False,
        caption="What the parameter and its gradient are multiplied by")

# %% [markdown]
# In both, a parameter is multiplied by noise on the way forwards, and its gradient by *the same noise* on the way back. The noise itself, $\varepsilon$ or $m$, is an input like any other; its gradient is not asked for.

# %% [markdown]
# The likeness goes further. The factor $m/(1-r)$ has mean 1 and variance $r/(1-r)$, so dropout's $\tilde h$ has the mean and the width of a sample with $\mu = h$ and $\sigma = |h|\sqrt{r/(1-r)}$: noise that grows with the signal.

# %%
rate = 0.4
scaled_masks = (np.random.default_rng(11).random(200_000) >= rate) / (1 - rate)
for name, values, exact in [("mean", scaled_masks, 1),
                            ("variance", (scaled_masks - 1) ** 2, rate / (1 - rate))]:
    mean, error, off = summary(values, exact)
    print(f"{name}: exact {exact:.4f}, measured {mean:.4f} ± {error:.4f}")
    assert abs(off) < 4

# %% [markdown]
# ### The gradient by the width
#
# For $\sigma$ both rules change in one factor: the score becomes $\partial\log q/\partial\sigma = (\varepsilon^2 - 1)/\sigma$, as $\log q$ contains $-\log\sigma$, too; and the path becomes $\partial z/\partial\sigma = \varepsilon$.

# %%
eps = rng.normal(size=200_000)
z, damping = mu + sigma * eps, np.exp(-sigma ** 2 / 2)
by_sigma = {"z²": 2 * sigma, "z³": 6 * mu * sigma,
            "exp z": sigma * np.exp(mu + sigma ** 2 / 2),
            "cos z": -sigma * damping * np.cos(mu)}
sigma_table = {}
for name, (f, df, _) in functions.items():
    both = [summary(estimates, by_sigma[name])
            for estimates in (f(z) * (eps ** 2 - 1) / sigma, df(z) * eps)]
    assert all(abs(off) < 4 for _, _, off in both)
    sigma_table[name] = [by_sigma[name], *((mean, error) for mean, error, _ in both)]
results(sigma_table, ["exact, by σ", "score function", "pathwise"], digits=4,
        trained=False)

# %% [markdown]
# ### The variances of section 5
#
# The pathwise estimate is $2z_k$, so its variance is $4\sigma_k^2$. The score-function estimate is $f(\mathbf{z})\,\varepsilon_k/\sigma_k$. Split $f = z_k^2 + R$, where $R$, the sum over the other dimensions, is independent of $\varepsilon_k$. Then
#
# $$\mathbb{E}\left[f^2\,\frac{\varepsilon_k^2}{\sigma_k^2}\right] = \frac{1}{\sigma_k^2}\Big(\mathbb{E}[R^2] + 2\,\mathbb{E}[R]\,\mathbb{E}[z_k^2\varepsilon_k^2] + \mathbb{E}[z_k^4\varepsilon_k^2]\Big),$$
#
# and with $z_k = \mu_k + \sigma_k\varepsilon_k$ and the Gaussian's moments $\mathbb{E}[\varepsilon^2] = 1$, $\mathbb{E}[\varepsilon^4] = 3$, $\mathbb{E}[\varepsilon^6] = 15$,
#
# $$\mathbb{E}[z_k^2\varepsilon_k^2] = \mu_k^2 + 3\sigma_k^2, \qquad \mathbb{E}[z_k^4\varepsilon_k^2] = \mu_k^4 + 18\mu_k^2\sigma_k^2 + 15\sigma_k^4 .$$
#
# The square of the mean, $4\mu_k^2$, is still to be subtracted. Each $z_i^2$ has mean $\mu_i^2 + \sigma_i^2$ and variance $4\mu_i^2\sigma_i^2 + 2\sigma_i^4$, which gives the moments of $R$. A constant baseline $b$ replaces $R$ by $R - b$; one that is estimated from nine other samples adds its own variance, $\mathrm{Var}[f]/9$, times $\mathbb{E}[\varepsilon_k^2]/\sigma_k^2$.
#
# The variance is a parabola in $b$. Its lowest point is not quite $\mathbb{E}[f]$, but $\mathbb{E}[f] + 2\sigma_k^2$:

# %%
def score_variance(K, b=0.0):
    """Variance of (f(z) - b) eps_k / sigma, where all K dimensions have the same q."""
    m, v = mu ** 2, sigma ** 2
    mean_R, variance_R = (K - 1) * (m + v) - b, (K - 1) * (4 * m * v + 2 * v ** 2)
    own = 2 * mean_R * (m + 3 * v) + m ** 2 + 18 * m * v + 15 * v ** 2
    return (mean_R ** 2 + variance_R + own) / v - 4 * m


bs = np.linspace(0, 40, 4001)
for K_ in (1, 10, 30):
    by_library = score_function_variance(np.full(K_, mu), np.full(K_, sigma), 5)
    assert np.allclose(score_variance(K_, 5), by_library)
    best_b = bs[np.argmin(score_variance(K_, bs))]
    assert np.isclose(best_b, K_ * (mu ** 2 + sigma ** 2) + 2 * sigma ** 2, atol=0.006)

# %% [markdown]
# ### Noise at the top
#
# At the best $q$ of section 7 the exact gradient is zero, so all that a step's gradient shows there is noise:

# %%
at_best = {name: np.array([g(best_q, rng.normal(size=(10, K)))[0] for _ in range(500)])
           for name, g in gradients.items()}
results({name: g.std() for name, g in at_best.items()}, best="lowest", digits=2,
        caption="Noise of a step's gradient by μ")

# %% tags=["expectation"]
for g, size in zip(at_best.values(), (94, 4.0, 1.5)):
    expect(g.std(), size, within=0.1 * size)
    assert np.all(abs(g.mean(axis=0)) < 4 * g.std(axis=0) / np.sqrt(len(g)))

# %% [markdown]
# So the plain score function's last steps should be a random walk. Then it must walk away even from the best $q$, and in as many steps less far when they are smaller:

# %%
drift = {size: np.mean([best - bound(q) for q in climb(
    gradients["score function"], best_q, size=size)[-400:]]) for size in (0.02, 0.005)}
for size, nats in drift.items():
    print(f"from the best q, with steps of {size}: {nats:.1f} nats below it")

# %% tags=["expectation"]
for size, nats in {0.02: 5.5, 0.005: 0.75}.items():
    expect(np.log(drift[size] / nats), 0, within=0.7)

# %% [markdown]
# ### Discrete latents
#
# Let $z_k \in \{0, 1\}$, with probability $p_k = 1/(1 + e^{-l_k})$ of a 1: the code says for each of the first five columns of section 7's $W$ whether it is added or subtracted. A sample can be written as $z_k = 1$ where $u_k < p_k$, with uniform noise $u_k$. That is
# a reparameterization, too.
#
# The score function only needs the probabilities: $\partial \log q(\mathbf{z})/\partial l_k = z_k - p_k$. With five bits, all 32 codes can be listed, so the exact gradient is known.

# %%
predict("06-bits", "Finite differences along the path, with the same u on both sides "
        "and a step of 1e-9: what do 200,000 samples give for this gradient?",
        ["the exact gradient, with little noise", "0", "enormous numbers"])


# %%
def log_lik_bits(bits):
    """log p(x|z), where each component is added or subtracted."""
    return gaussian_log_prob(x, x_mean + (2 * bits - 1) @ W[:, :5].T, eta)


def average_over_codes(logits):
    codes = np.indices((2,) * 5).reshape(5, -1).T
    p = 1 / (1 + anp.exp(-logits))
    q = anp.prod(codes * p + (1 - codes) * (1 - p), axis=1)
    return anp.sum(q * log_lik_bits(codes))


# %%
logits = np.array([0.5, -1.0, 0.3, 1.2, -0.4])
p, by_listing = 1 / (1 + np.exp(-logits)), grad(average_over_codes)(logits)
u = rng.random((200_000, 5))
bits = (u < p).astype(float)
rewards = log_lik_bits(bits)
estimates = (rewards - leave_one_out(rewards))[:, None] * (bits - p)
nudged = (u < 1 / (1 + np.exp(-logits - 1e-9))).astype(float)
along_path = (log_lik_bits(nudged) - rewards).mean() / 1e-9

# %%
pairs = [summary(e, g) for e, g in zip(estimates.T, by_listing)]
results({f"logit {k}": [exact, pair[:2]]
         for k, exact, pair in zip(range(1, 6), by_listing, pairs)},
        ["exact, all 32 codes listed", "score function"], digits=4)
print("along the path:", along_path)
reveal("06-bits", "0")
assert all(abs(off) < 4 for _, _, off in pairs)

# %% [markdown]
# Along the path nothing happens: $z_k$ is a step function of $l_k$, whose slope is 0 wherever it has one, and the derivative may not go inside the average. What is there, then, for discrete latents? Where the codes are few they can be *listed*, as here, and the gradient is exact. Otherwise the score function with a good baseline is right on average. Or one accepts a bias: steps are replaced by steep smooth functions (Maddison and others 2017, Jang and others 2017), or
# the steps are kept forwards, and backwards one pretends that they were the identity (*straight-through*, Bengio and others 2013).
#
# ### Other densities
#
# The trick is not about Gaussians. Families with a location and a scale, like the Laplace density, have $z = \mu + s\,\varepsilon$ with their own noise, and `sample_gradients` serves them as it is. A
# density on the line with a known *inverse distribution function* is reached from uniform $u$ by $z = F^{-1}(u)$; for the exponential density $\lambda e^{-\lambda z}$ that is $z = -\log(1-u)/\lambda$, so $\partial z/\partial\lambda = -z/\lambda$. And where $F^{-1}$ has no formula (gamma, beta), $F(z) = u$ can be differentiated
# as it stands: $\partial z/\partial\lambda = -(\partial F/\partial\lambda)/q(z)$, the *implicit* reparameterization (Figurnov and others 2018). Exact values for
# $f(z) = z^2$: $\mathbb{E}[z^2] = \mu^2 + 2s^2$ and $2/\lambda^2$.

# %%
location, scale, lam, many = 0.7, 0.4, 1.5, 200_000
laplace = np.full((many, 1), location), np.full((many, 1), np.log(scale))
by_location, by_log_scale = sample_gradients(np.square, *laplace, rng.laplace)
z = -np.log(1 - rng.random(many)) / lam
implicit = -(z * np.exp(-lam * z)) / (lam * np.exp(-lam * z))   # F = 1 - exp(-lam z)
assert np.allclose(implicit, -z / lam)

# %%
cases = {"Laplace, by location": (by_location[:, 0], 2 * location),
         "Laplace, by log scale": (by_log_scale[:, 0], 4 * scale ** 2),
         "exponential, by λ": (2 * z * implicit, -4 / lam ** 3)}
for estimates, exact in cases.values():
    assert abs(summary(estimates, exact)[2]) < 4
results({name: [exact, summary(estimates, exact)[:2]]
         for name, (estimates, exact) in cases.items()},
        ["exact", "pathwise"], digits=4)

# %% [markdown]
# **Sources.** R. Williams, *Simple statistical gradient-following algorithms for connectionist reinforcement learning*, 1992. Y. Bengio, N. Léonard and A. Courville, *Estimating or propagating gradients through stochastic neurons for conditional computation*, 2013. N. Srivastava and others, *Dropout: a simple way to prevent neural networks from overfitting*, 2014. D. Kingma and M. Welling, *Auto-encoding variational
# Bayes*, 2014. D. Rezende, S. Mohamed and D. Wierstra, *Stochastic backpropagation and approximate inference in deep generative models*, 2014. A. Mnih and D. Rezende, *Variational inference for Monte Carlo objectives*, 2016. C. Maddison, A. Mnih and Y. W. Teh, *The Concrete
# distribution*, 2017. E. Jang, S. Gu and B. Poole, *Categorical reparameterization with Gumbel-softmax*, 2017. M. Figurnov, S. Mohamed and A. Mnih, *Implicit reparameterization gradients*, 2018. S. Mohamed, M. Rosca, M. Figurnov and A. Mnih, *Monte Carlo gradient estimation in machine learning*, 2020. Digits: MNIST, Y. LeCun, C. Cortes, C. Burges.
