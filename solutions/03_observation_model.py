# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The observation model
#
# *Lecture points L9 and L10. About {{core minutes}} minutes, 17 points; {{further minutes}} more and 3 points below "Further". [Glossary](00_start_here.ipynb#Glossary)*
#
# Notebook 02 ended with a failure: fed with random codes, a decoder drew much that is no digit, because nobody had said
# how codes are distributed. So let us say it. What else is needed, so that every picture gets a density $p(\mathbf{x})$ that makes
# sense, and a decoder can be trained to make our pictures probable?
#
# By the end you can say, and show with numbers,
#
# - which density a decoder gives to pictures, without noise and with it,
# - how to compute $p(\mathbf{x})$ when the code is one number, and how to check it,
# - why neither a grid nor plain sampling gets there with twenty, and what would.

# %%
import numpy as np
from matplotlib.patches import Ellipse
from scipy import optimize, stats
from scipy.special import logsumexp

from course_utils.checking import check, hint, predict, progress, reveal
from course_utils.data import load_mnist
from course_utils.explorables.density_explorer import density_explorer
from course_utils.models import pca
from course_utils.probability.marginals import log_marginal_linear
from course_utils.probability.toy_decoders import arc, line
from course_utils.showing import drawings, plots
from course_utils.showing.evidence import expect, results

digits = load_mnist()
ones = digits.x_train[digits.y_train == 1].astype(float)
print(f"{len(digits.x_train)} digits, {len(ones)} of them ones")

# %% [markdown]
# ## 1. A story of how the data came about
#
# To begin with, let every example be two numbers, so that a density can be drawn. The thousand ones of the training set, reduced to their first two
# principal components (notebook 01), are real data with a bend in them:

# %%
mean, components = pca.pca_fit(ones, 2)
components *= np.sign(components[:, [213]])  # signs are free: entry 213 positive
x = pca.pca_encode(ones, mean, components)


def curve(z, bend=1.28, scale=4.68):
    """G(z), an arc: z (..., 1) -> (..., 2). Section 3 will find bend and scale."""
    return scale * arc(z, bend)


zs = np.linspace(-1.6, 1.6, 9)[:, None]

# %%
fig, (left, right) = plots.figure(9.6, 3.6, columns=2, width_ratios=[1.5, 1])
left.scatter(*x.T, s=4, color=plots.PALETTE[3], label="ones")
left.plot(*curve(np.linspace(-2, 2, 99)[:, None]).T, color=plots.PALETTE[2],
          label="G(z)")
left.plot(*curve(zs).T, "o", color=plots.PALETTE[2], markersize=5)
left.set(xlabel="component 1", ylabel="component 2", aspect="equal")
left.set_title("A thousand ones, and a curve")
left.legend(loc="lower center")
plots.image_grid(pca.pca_decode(curve(zs), mean, components), (28, 28), 3, ax=right,
                 titles=[f"z = {z:.1f}" for z in zs[:, 0]])
plots.show(fig, alt="A horseshoe of points with an arc through it. Nine pictures along "
                    "the arc: a one that turns from leaning left to leaning right.")

# %% [markdown]
# One number, the slant, says much about a one, and the data lie along a curve (at its ends two flat dimensions are too few: crossed strokes). Here is a story of how they could have come about:
#
# 1. A code is drawn from a distribution that we choose: $\mathbf{z} \sim p(\mathbf{z}) = \mathcal{N}(\mathbf{0}, I)$, the **prior**.
# 2. A decoder with parameters $\theta$ turns it into an example: $\mathbf{x} = G_\theta(\mathbf{z})$.
#
# The story defines a distribution of $\mathbf{x}$. To *train* it, choose $\theta$ so that the data are as probable as possible: maximise
# $\sum_n \log p_\theta(\mathbf{x}_n)$, the **log-likelihood** (L9).
#
# %%
predict("03-density", "By this story, what is the density p(x) at most of the thousand "
        "ones?", ["0", "small, but more than 0", "infinite"])

# %%
fine = curve(np.linspace(-4, 4, 8001)[:, None])


def distance_to_curve(points):
    return np.array([np.min(np.hypot(*(fine - point).T)) for point in points])


distance = distance_to_curve(x)
control = distance_to_curve(curve(np.random.default_rng(1).normal(size=(200, 1))))
results({"ones": [np.median(distance), distance.max()],
         "drawn by the story (a control)": [np.median(control), control.max()]},
        ["median", "largest"], digits=2, caption="Distance to the curve")
reveal("03-density", "0")

# %% tags=["expectation"]
assert np.median(distance) > 100 * control.max()

# %% [markdown]
# What the story draws lies on the curve, up to the fineness of the search; the ones do not. The curve has no area, yet all of the probability is on it: off the curve $p(\mathbf{x}) = 0$, and on it there is no finite density. So
# $\log p(\mathbf{x}_n) = -\infty$ for the data, for every bend and scale. A better curve is not rewarded, for it misses the points as well. (A curve with enough bends could be led through a thousand given points, but not through the next ones.) In 784 dimensions
# it is no different: with fewer codes than pixels, the decoder's pictures fill a surface of no volume (L9).
#
# ## 2. The remedy: a noisy observation
#
# Add a third step to the story: what the decoder makes is observed with noise,
#
# $$p(\mathbf{x} \mid \mathbf{z}) = \mathcal{N}(\mathbf{x};\; G_\theta(\mathbf{z}),\; \eta I)
# = \frac{1}{(2\pi\eta)^{D/2}} \exp\left(-\frac{\lVert \mathbf{x} - G_\theta(\mathbf{z}) \rVert^2}{2\eta}\right).$$
#
# This is the **observation model**. Its noise has the *variance* $\eta$ in each of the $D$ dimensions.

# %%
fig, ax = drawings.generation()
plots.show(fig, alt="A code z is drawn from the prior, goes through the decoder G, "
                    "noise of variance eta is added, and x comes out.")

# %% [markdown]
#
# The slides call this variance $\eta$ (L9) and later $\sigma^2$ (L17). Here it is always $\eta$; $\sigma$ is kept for section 6 and the sigmoid.
#
# In many dimensions such a density may be too small for a floating-point number, so compute $\log p(\mathbf{x} \mid \mathbf{z})$ and never the density itself.

# %% [markdown]
# {{exercise gaussian_log_prob}}

# %%
def gaussian_log_prob(x, mean, eta):
    """log N(x; mean, eta I) for each row: x, mean (N, D), eta a variance -> (N,)."""
    ### BEGIN SOLUTION
    D = x.shape[1]
    squared_distance = np.sum((x - mean) ** 2, axis=1)
    return -squared_distance / (2 * eta) - D / 2 * np.log(2 * np.pi * eta)
    ### END SOLUTION


# %%
gaussian_log_prob = check(gaussian_log_prob)

# %% [markdown]
# For fixed $\eta$ the log density is the squared error of an autoencoder, $-\lVert \mathbf{x} - G(\mathbf{z})\rVert^2 / 2\eta$, plus
# a constant: notebook 05 comes back to this. The constant matters as soon as $\eta$ may change: it keeps $\eta$ from growing without bound.

# %% [markdown]
# ## 3. The integral
#
# The story has two random steps, and we see only the result of the second. The density of what we see adds up all the codes that could have led there (L9):
#
# $$p(\mathbf{x}) = \int p(\mathbf{z})\, p(\mathbf{x} \mid \mathbf{z})\, d\mathbf{z}.$$
#
# This is the **marginal likelihood** of $\mathbf{x}$. For a code that is one number, cut the axis at points $z_1 < \dots < z_J$ and add up
# trapezoids. Every point counts with half of the steps on its two sides,
#
# $$p(\mathbf{x}) \approx \sum_j w_j\, p(z_j)\, p(\mathbf{x} \mid z_j), \qquad w_j = \tfrac12 (z_{j+1} - z_j) + \tfrac12 (z_j - z_{j-1}),$$
#
# where the first and the last point have only one step. As densities may underflow, keep the *logarithm* of each term, and add up the terms by a log-sum-exp, as in notebook 00:
# `logsumexp(a, axis=0)` from scipy is $\log \sum e^a$ over the first axis.

# %% [markdown]
# {{exercise log_marginal_quadrature}}

# %%
def log_marginal_quadrature(x, decoder, eta, grid):
    """log p(x) by the trapezoid rule, z one number: x (N, D), grid (J,) -> (N,)."""
    ### BEGIN SOLUTION
    steps = np.diff(grid)
    weights = (np.append(steps, 0) + np.append(0, steps)) / 2
    log_prior = -0.5 * grid ** 2 - 0.5 * np.log(2 * np.pi)
    log_p = [gaussian_log_prob(x, decoder(np.full((len(x), 1), z)), eta) for z in grid]
    log_terms = np.array(log_p) + (log_prior + np.log(weights))[:, None]     # (J, N)
    return logsumexp(log_terms, axis=0)
    ### END SOLUTION


# %%
log_marginal_quadrature = check(log_marginal_quadrature)

# %% [markdown]
# Can we trust it? For one kind of decoder the integral is easy: a straight one, $G(\mathbf{z}) = W\mathbf{z} + \mathbf{b}$. Then $\mathbf{x} = W\mathbf{z} + \mathbf{b} +
# \text{noise}$ is a sum of Gaussians, so it is Gaussian, with mean $\mathbf{b}$ and with the covariances added up:
#
# $$p(\mathbf{x}) = \mathcal{N}(\mathbf{x};\; \mathbf{b},\; WW^\top + \eta I).$$
#
# The library's `line` is one, in three dimensions. Read off $\mathbf{b}$ and $W$, and compare:

# %%
grid = np.linspace(-6, 6, 601)
b = line(np.zeros((1, 1)))[0]
W = line(np.ones((1, 1))).T - b[:, None]                        # (D, K) = (3, 1)
points = np.random.default_rng(3).normal(size=(20, 3))
for variance in [3.0, 0.3, 0.03]:
    known = stats.multivariate_normal.logpdf(points, b, W @ W.T + variance * np.eye(3))
    error = log_marginal_quadrature(points, line, variance, grid) - known
    assert np.abs(error).max() < 1e-6

# %% [markdown]
# It agrees to a millionth of a nat. A map of $p(\mathbf{x})$ over the plane for three noise variances:
#
# %%
side_1, side_2 = np.linspace(-6, 6, 81), np.linspace(-6, 4, 67)
plane_points = np.stack(np.meshgrid(side_1, side_2), axis=-1).reshape(-1, 2)
maps = {variance: log_marginal_quadrature(plane_points, curve, variance, grid[::2])
        for variance in [3.0, 0.3, 0.03]}

# %%
fig, axes = plots.figure(9.8, 3.1, columns=3, sharey=True)
for ax, (variance, log_map) in zip(axes, maps.items()):
    image = ax.imshow(log_map.reshape(67, 81) / np.log(10), origin="lower",
                      extent=(-6, 6, -6, 4), cmap="Blues", vmin=-5, vmax=0)
    ax.scatter(*x[::5].T, s=2, color=plots.PALETTE[1])
    ax.grid(False)
    ax.set(title=f"$\\eta$ = {variance}", xlabel="component 1", xticks=[-5, 0, 5])
axes[0].set_ylabel("component 2")
fig.colorbar(image, ax=axes, label="log10 p(x)", extend="min", shrink=0.9)
plots.show(fig, alt="Density of the model for three noise variances: a wide blot, "
                    "a soft ring, and a thin dark ring that some of the ones miss.")

# %% [markdown]
# ### Train the generator by maximum likelihood
#
# With much noise the curve no longer matters, with little every miss costs much: in between lies a best noise variance. So choose *all* parameters, $\theta = (\text{bend}, \text{scale})$ and $\eta$, so that
# the mean of $\log p(\mathbf{x}_n)$ over the training data is largest. Start from a bad guess, and judge by ones that
# were not used: those of the test set.

# %%
predict("03-noise", "With a bend of 0 the curve is a straight line: PCA with K = 1, "
        "plus noise. How many times the noise variance of the best arc will it need? "
        "(Section 1's figure helps: how wide is the band, how high the whole cloud?)")

# %%
train_grid = np.linspace(-5, 5, 101)
ones_new = digits.x_test[digits.y_test == 1].astype(float)
x_new = pca.pca_encode(ones_new, mean, components)


# %%
def model(parameters):
    """The decoder and eta. Logs, as the optimiser may try any number."""
    bend, log_scale, log_eta = parameters
    return lambda z: np.exp(log_scale) * arc(z, abs(bend)), np.exp(log_eta)


def cost(parameters, data=x):
    """Minus the mean of log p(x) over the data."""
    return -np.mean(log_marginal_quadrature(data, *model(parameters), train_grid))


start = [0.3, np.log(2.0), np.log(2.0)]  # bend, log scale, log eta
found = optimize.minimize(cost, start).x
bend, scale, eta = abs(found[0]), *np.exp(found[1:])
results({"start": [start[0], np.exp(start[1]), np.exp(start[2]), -cost(start, x_new)],
         "after training": [bend, scale, eta, -cost(found, x_new)]},
        ["bend", "scale", "eta", "log p of a test one (nats)"])

# %% tags=["expectation"]
expect(bend, 1.282, within=0.01)
expect(eta, 0.365, within=0.01)
expect(-cost(found), -3.8046, within=0.001)
assert cost(start, x_new) - cost(found, x_new) > 0.5

# %%
steps = np.random.default_rng(4).normal(size=(1000, 3))  # for the code, and the noise
fig, axes = plots.figure(9, 3.9, columns=2, sharex=True, sharey=True)
for ax, parameters, title in zip(axes, [start, found], ["start", "after training"]):
    G, variance = model(parameters)
    made = G(steps[:, :1]) + np.sqrt(variance) * steps[:, 1:]
    ax.scatter(*made.T, s=3, color=plots.PALETTE[0], label="drawn by the model")
    ax.scatter(*x_new.T, s=6, color=plots.PALETTE[1], label="test ones")
    ax.plot(*G(np.linspace(-2, 2, 99)[:, None]).T, color=plots.PALETTE[2],
            label="G(z), |z| ≤ 2")
    ax.set(xlabel="component 1", aspect="equal", title=title)
axes[0].set_ylabel("component 2")
axes[0].legend(loc="lower left", fontsize=8)
plots.show(fig, alt="Before training a short, hardly bent curve in a round cloud of "
                    "draws; after it an arc along the horseshoe of the test ones.")

# %% [markdown]
# The straight line needs no optimiser. In two dimensions, $WW^\top + \eta I$ with one column in $W$ can be any covariance matrix; the best matches that of the data, and the mean of $\log p$ is then $-\frac12 \sum_d \log(2\pi e \lambda_d)$ with the eigenvalues $\lambda_d$:

# %%
eigenvalues = np.var(x, axis=0)  # x holds PCA codes: its covariance is diagonal
straight = -0.5 * np.sum(np.log(2 * np.pi * np.e * eigenvalues))
W_2 = np.array([[np.sqrt(eigenvalues[0] - eigenvalues[1])], [0]])
log_p_line = log_marginal_linear(x, W_2, np.zeros(2), eigenvalues[1])
assert np.isclose(log_p_line.mean(), straight)
straight_new = log_marginal_linear(x_new, W_2, np.zeros(2), eigenvalues[1]).mean()
gain = -cost(found, x_new) - straight_new
results({"straight": [eigenvalues[1], straight, straight_new],
         "bent": [eta, -cost(found), -cost(found, x_new)]},
        ["eta", "log p of a training one", "of a test one"], caption="Eta, and nats")
reveal("03-noise", eigenvalues[1] / eta)
print(f"gained by bending: {gain:.1f} nats a test one, a factor of {np.exp(gain):.1f}")

# %% tags=["expectation"]
expect(-cost(found) - straight, 0.689, within=0.002)
assert 0.5 < gain < 1.0
in_gap = lambda points: np.mean((np.abs(points[:, 0]) < 1) & (points[:, 1] < -4))
draws = np.random.default_rng(7).normal(size=(20_000, 3))
drawn_in_gap = lambda G: in_gap(G(draws[:, :1]) + np.sqrt(eta) * draws[:, 1:])
assert drawn_in_gap(lambda z: scale * arc(z, bend)) > 0.01
assert in_gap(np.concatenate([x, x_new])) == 0

# %% tags=["expectation"]
# one circle: at constant speed, and slowing down towards the ends (fitted elsewhere)
circle = lambda angle: 3.61 * np.stack([np.sin(angle), np.cos(angle) - 0.418], axis=-1)
steady = lambda z: circle(1.29 * z[..., 0])
slowing = lambda z: circle(2.22 * np.tanh(0.753 * z[..., 0]))
assert drawn_in_gap(steady) > 0.01 and drawn_in_gap(slowing) == 0
log_p_ends = [log_marginal_quadrature(x_new, G, eta, train_grid).mean()
              for G in (steady, slowing)]
expect(log_p_ends[1], -3.535, within=0.01)
assert abs(log_p_ends[0] + cost(found, x_new)) < 0.03

# %% [markdown]
# Bending makes the ones about twice as probable, in the (geometric) mean, also those that were not used: what the line has to call noise, the curve explains.
#
# In the gap of the figure above the model draws ones that nobody writes. The arc is run through at constant speed, so along it the draws thin out like a Gaussian, and both tails end there. A decoder that slows down towards its ends draws none, with the same prior.

# %% [markdown]
# ## 4. The same for pictures
#
# All of this holds for 784 pixels. Let the decoder be PCA's (notebook 01): $\mathbf{b}$ is the mean image, and column $k$ of $W$ the eigenvector $\mathbf{c}_k$, times the standard deviation $\sqrt{\lambda_k}$ of
# the codes along it, so that codes from $\mathcal{N}(\mathbf{0}, I)$ come out as spread as those of the digits. It is straight, so $p(\mathbf{x})$ has the closed form of section 3 (the library's
# `log_marginal_linear` computes it without a $784 \times 784$ matrix).
#
# %%
x_train, x_test = digits.x_train[::2].astype(float), digits.x_test.astype(float)
digit_mean, eigendigits = pca.pca_fit(x_train, 20)
deviations = pca.pca_encode(x_train, digit_mean, eigendigits).std(axis=0)


def pca_weights(K):
    return (eigendigits[:K] * deviations[:K, None]).T               # (784, K)


# %% [markdown]
# Which $\eta$ is best? Only the $D - K$ dimensions off the plane are explained by noise alone, and there the variance of a Gaussian is best matched to that of the data, so
# expect the residual variance over $D - K$:

# %%
def best_eta(K, data):
    """The noise variance with the largest mean of log p(x) over the data."""
    loss = lambda log_eta: -np.mean(
        log_marginal_linear(data, pca_weights(K), digit_mean, np.exp(log_eta)))
    return np.exp(optimize.minimize_scalar(loss, bounds=(-6, 0), method="bounded").x)


for K in [2, 5, 20]:
    best = best_eta(K, x_train)
    rule = pca.residual_variance(x_train, eigendigits[:K]) / (784 - K)
    print(f"K = {K:2d}: best eta {best:.4f}, rule {rule:.4f}")

# %% [markdown]
# The more the code explains, the less is left to noise. (The best $W$ is a little shorter than ours: *probabilistic PCA*, which notebook 08 fits.)

# %% [markdown]
# ## 5. More than one code: sampling
#
# For twenty codes at 100 points each a grid would have $10^{40}$ points; at a billion a second, some $10^{23}$ years. But $p(\mathbf{x})$ is an expectation under the prior, and an expectation can be estimated by sampling, in any number of dimensions:
#
# $$p(\mathbf{x}) = \mathbb{E}_{p(\mathbf{z})}\big[p(\mathbf{x} \mid \mathbf{z})\big] \approx \frac1S \sum_{s=1}^S p(\mathbf{x} \mid \mathbf{z}_s), \qquad \mathbf{z}_s \sim p(\mathbf{z}).$$
#
# This **Monte Carlo estimate** is right on average, for every $S$. In many dimensions all $S$ densities may underflow to 0, but the log of the estimate is an ordinary number:

# %% [markdown]
# {{exercise log_marginal_monte_carlo}}

# %%
def log_marginal_monte_carlo(x, decoder, eta, eps):
    """log of the estimate of p(x): eps (S, N, K) are samples of the prior -> (N,)."""
    ### BEGIN SOLUTION
    log_p = np.array([gaussian_log_prob(x, decoder(z), eta) for z in eps])  # (S, N)
    return logsumexp(log_p, axis=0) - np.log(len(eps))
    ### END SOLUTION


# %%
log_marginal_monte_carlo = check(log_marginal_monte_carlo)

# %% [markdown]
# Take forty test digits and PCA's decoder with $K = 1, \dots, 20$, whose exact answer we know. Estimate each $\log p(\mathbf{x})$ with $S = 1000$ samples of its own.
#
# %%
predict("03-error", "K = 20. Which way will most of the forty estimates be off?",
        ["as often up as down, as the estimate is right on average", "far too low",
         "far too high"])

# %%
ks, S, forty = [1, 2, 3, 5, 10, 15, 20], 1000, x_test[:40]
rng = np.random.default_rng(4)
noise = {K: best_eta(K, x_train[:1000]) for K in ks}
exact = {K: log_marginal_linear(forty, pca_weights(K), digit_mean, noise[K])
         for K in ks}


def generator(K):
    W = pca_weights(K)
    return lambda z: z @ W.T + digit_mean


plain = {K: log_marginal_monte_carlo(forty, generator(K), noise[K],
                                     rng.normal(size=(S, 40, K))) - exact[K]
         for K in ks}


# %%
def draw_errors(errors, title):
    """Mean and range of the errors of forty estimates, for each K."""
    fig, ax = plots.figure(6, 3.3)
    ax.plot(ks, [errors[K].mean() for K in ks], marker="o", label="mean of 40 digits")
    ax.fill_between(ks, [errors[K].min() for K in ks], [errors[K].max() for K in ks],
                    alpha=0.25, linewidth=0, label="smallest to largest")
    ax.axhline(0, color="black", linewidth=0.8)
    ax.set(xlabel="K", ylabel="error of log p(x) (nats)", xticks=[1, 5, 10, 15, 20])
    ax.set_title(title)
    ax.legend(loc="lower left")
    return fig


# %%
plots.show(draw_errors(plain, "1000 samples of the prior"),
           alt="The error of the estimated log p goes from nothing at K = 1 to "
               "hundreds of nats too low at K = 20.")
reveal("03-error", "far too low")

# %% tags=["expectation"]
expect(plain[1].mean(), 0, within=0.06)
expect(plain[20].mean(), -345, within=50)
assert plain[20].max() < -100

# %% [markdown]
# The estimate of $p(\mathbf{x})$ is right on average, and yet all forty are far too low at $K = 20$: the average is carried by samples so rare that none of the forty thousand was one. To see it without the exact answer, compare the largest density with the sum:

# %%
for K in (1, 20):
    decode, samples = generator(K), rng.normal(size=(S, 1, 40, K))  # one at a time
    log_p = [log_marginal_monte_carlo(forty, decode, noise[K], z) for z in samples]
    share = np.median(np.exp(np.max(log_p, axis=0) - logsumexp(log_p, axis=0)))
    print(f"K = {K}: the largest of 1000 densities makes up {share:.2f} of the sum")

# %% tags=["expectation"]
assert share > 0.95

# %% [markdown]
# At $K = 20$ one sample makes up the mean (for most digits): a sign of failure.
#
# The reason is geometric: given a digit, code $k$ is known up to a fraction $\sqrt{\eta / (\eta + \lambda_k)}$ of its spread under the prior
# (section 6 derives it), and a blind draw has to hit all $K$ of these small intervals at once.

# %%
fractions = np.sqrt(noise[20] / (noise[20] + deviations ** 2))
low, high = fractions.min(), fractions.max()
print(f"each code is known to within {low:.2f} to {high:.2f} of its spread")
print(f"all twenty at once: {np.prod(fractions):.1e} of the prior's volume")

# %% tags=["expectation"]
assert high < 0.2

# %% [markdown]
# Each of the twenty codes multiplies this share by 0.2 or less, so that the number of samples needed grows exponentially with $K$. ("Further" computes it: for most of our digits more than $10^{20}$ at $K = 20$.)
#
# For two codes and the first digit it can be drawn:

# %%
total = noise[2] + deviations[:2] ** 2
centre = (forty[0] - digit_mean) @ pca_weights(2) / total
width = np.sqrt(noise[2] / total)
cloud = rng.normal(size=(1000, 2))
hits = np.sum(np.sum(((cloud - centre) / width) ** 2, axis=1) < 4)

# %%
fig, ax = plots.figure(4.6, 4.2)
ax.scatter(*cloud.T, s=4, color=plots.PALETTE[3], label="the prior")
ax.add_patch(Ellipse(centre, *(4 * width), fill=False, color=plots.PALETTE[4],
                     linewidth=1.5, label="most codes given the digit"))
ax.set(xlabel="$z_1$", ylabel="$z_2$", aspect="equal", title=f"{hits} of 1000 inside")
ax.legend(loc="upper right", fontsize=8)
plots.show(fig, alt="A wide round cloud of a thousand draws of the prior, and in it a "
                    "small ellipse, a fraction of its width in each direction.")

# %% [markdown]
# ## 6. Sampling where it matters
#
# So draw codes where they matter for *this* $\mathbf{x}$. Multiply and divide by a density $q(\mathbf{z})$ that we may choose:
#
# $$p(\mathbf{x}) = \int q(\mathbf{z})\, \frac{p(\mathbf{z})\, p(\mathbf{x} \mid \mathbf{z})}{q(\mathbf{z})}\, d\mathbf{z}
# = \mathbb{E}_{q(\mathbf{z})}\left[\frac{p(\mathbf{z})\, p(\mathbf{x} \mid \mathbf{z})}{q(\mathbf{z})}\right].$$
#
# Average the **weights** $w_s = p(\mathbf{z}_s)\, p(\mathbf{x} \mid \mathbf{z}_s) / q(\mathbf{z}_s)$ over samples of $q$: this is *importance sampling*. It is right on average for every $q$ that is nowhere 0 where $p(\mathbf{z})\,p(\mathbf{x}|\mathbf{z})$ is not. Let $q$ be a Gaussian with a mean and a
# standard deviation of its own in each dimension, and for each example: $z_k = \mu_k + \sigma_k \varepsilon_k$ with $\varepsilon_k \sim \mathcal{N}(0, 1)$. We keep $\log \sigma$ rather than $\sigma$, because it may be any number.

# %% [markdown]
# {{exercise log_marginal_importance}}

# %%
def log_marginal_importance(x, decoder, eta, mu, log_sigma, eps):
    """log p(x) from samples of q: mu, log_sigma (N, K), eps (S, N, K) -> (N,)."""
    ### BEGIN SOLUTION
    def log_normal(a):  # log N(a; 0, I), over the last axis
        return np.sum(-0.5 * a ** 2 - 0.5 * np.log(2 * np.pi), axis=-1)

    z = mu + np.exp(log_sigma) * eps                                        # (S, N, K)
    log_q = log_normal(eps) - np.sum(log_sigma, axis=-1)
    log_p = np.array([gaussian_log_prob(x, decoder(z_s), eta) for z_s in z])
    return logsumexp(log_p + log_normal(z) - log_q, axis=0) - np.log(len(eps))
    ### END SOLUTION


# %%
log_marginal_importance = check(log_marginal_importance)

# %%
predict("03-single", "Back to PCA's decoder with K = 20, where samples of the prior "
        "fail. Take the best q there is. How many samples of it are needed for an "
        "error below a millionth of a nat?", [1, 1000, "1e12"])

# %% [markdown]
# Which $q$ is best? One that makes all weights equal, if there is one. They are equal when $q(\mathbf{z}) \propto p(\mathbf{z})\,p(\mathbf{x}|\mathbf{z})$, and the constant that makes this a density is $p(\mathbf{x})$:
#
# $$q(\mathbf{z}) = \frac{p(\mathbf{z})\, p(\mathbf{x} \mid \mathbf{z})}{p(\mathbf{x})} = p(\mathbf{z} \mid \mathbf{x}),$$
#
# the **posterior**: which codes may have led to this $\mathbf{x}$. For PCA's decoder it is known. As a function of $z_k$, the exponent of $p(\mathbf{z})\,p(\mathbf{x}|\mathbf{z})$ is a parabola,
# $-\frac12 z_k^2 - \frac{1}{2\eta}(\lambda_k z_k^2 - 2 z_k \sqrt{\lambda_k}\, \mathbf{c}_k^\top(\mathbf{x} - \mathbf{b})) + \dots$ (the columns $\sqrt{\lambda_k}\, \mathbf{c}_k$ of $W$ are orthogonal), so the posterior is
# Gaussian, and completing the square gives
#
# $$\sigma_k^2 = \frac{\eta}{\eta + \lambda_k}, \qquad \mu_k = \frac{\sqrt{\lambda_k}\, \mathbf{c}_k^\top (\mathbf{x} - \mathbf{b})}{\eta + \lambda_k}.$$
#
# %%
def posterior(x, K, eta):
    """mu (N, K) and log_sigma (N, K) of p(z | x) under PCA's decoder."""
    W, total = pca_weights(K), eta + deviations[:K] ** 2
    mu = (x - digit_mean) @ W / total
    return mu, np.tile(0.5 * np.log(eta / total), (len(x), 1))


rng = np.random.default_rng(5)
mu, log_sigma = posterior(forty, 20, noise[20])
single = log_marginal_importance(forty, generator(20), noise[20], mu, log_sigma,
                                 rng.normal(size=(1, 40, 20)))
assert np.abs(single - exact[20]).max() < 1e-6
reveal("03-single", "1")

# %% [markdown]
# With equal weights one sample does: it is exact, for each of forty digits. Now spoil $q$: make it wider by a fifth in each dimension, and shift its mean by
# half a standard deviation.

# %%
def spoiled(K):
    """A q near the posterior: 1.2 times as wide, its mean off by 0.5 sigma."""
    mu, log_sigma = posterior(forty, K, noise[K])
    return mu + 0.5 * np.exp(log_sigma), log_sigma + np.log(1.2)


near = {K: log_marginal_importance(forty, generator(K), noise[K], *spoiled(K),
                                   rng.normal(size=(S, 40, K))) - exact[K]
        for K in ks}

# %%
plots.show(draw_errors(near, "1000 samples of q near the posterior: tenths of a nat"),
           alt="The error near the posterior is 0 on average; the forty errors spread "
               "from a few hundredths of a nat at K = 1 to some tenths at K = 20.")

# %% [markdown]
# Tenths of a nat, where samples of the prior missed by hundreds: a $q$ that is *roughly* the posterior is good enough here. But the spread grows with $K$, as the misfits of all dimensions multiply. Importance sampling does not escape exponential growth; its *base* is nearer to 1 the nearer $q$ is to the posterior. ("Further" computes it.)

# %% [markdown]
# ## 7. And there the trouble starts
#
# So we want the posterior. For a decoder that bends, what does it look like? With one code a grid can show it: Bayes' rule divides $p(z)\,p(\mathbf{x}|z)$ by $p(\mathbf{x})$.
#
# %%
predict("03-bumps", "Three points: on the band of the ones; inside the horseshoe, "
        "just above the circle's centre; in the gap between its ends. How many bumps "
        "higher than 0.01 does the posterior of each have, in this order?",
        ["1, 1, 1", "1, 1, 2", "1, 2, 2", "2, 2, 2"])

# %%
places = {"on the band": [3.0, 1.3], "above the centre": [0.0, -1.3],
          "in the gap": [0.0, -4.8]}
z_line = np.linspace(-4, 4, 801)


def posterior_and_tops(place):
    """p(z | x) along z_line for the point x, and where it has a maximum."""
    log_joint = stats.norm.logpdf(z_line) + gaussian_log_prob(
        np.tile(place, (801, 1)), curve(z_line[:, None]), 0.37)
    p = np.exp(log_joint - log_marginal_quadrature(
        np.array([place]), curve, 0.37, z_line))
    higher = (p[1:-1] > p[:-2]) & (p[1:-1] > p[2:]) & (p[1:-1] > 0.01)
    return p, z_line[1:-1][higher]

# %%
fig, (left, right) = plots.figure(9.6, 3.4, columns=2, width_ratios=[1, 1.3])
left.scatter(*x.T, s=3, color=plots.PALETTE[3])
left.plot(*curve(np.linspace(-2.45, 2.45, 199)[:, None]).T, "k", linewidth=0.8)
shapes = {name: posterior_and_tops(place) for name, place in places.items()}
for (name, (p, tops)), style in zip(shapes.items(), ["-", "--", ":"]):
    dots, = left.plot(*places[name], "o", markersize=9)
    left.plot(*curve(tops[:, None]).T, "x", color=dots.get_color(), mew=2.5)
    right.plot(z_line, p, style, color=dots.get_color(), label=name)
left.set(xlabel="component 1", ylabel="component 2", aspect="equal")
left.set_title("Points, and where bumps lead (×)")
right.set(xlabel="z", ylabel="p(z | x)", title="Which codes may have led there?")
right.legend()
plots.show(fig, alt="Three points and the curve, and their posteriors: a narrow bump, "
                    "a wide one about zero, and two bumps far apart in z, whose places "
                    "on the curve are close together.")
reveal("03-bumps", ", ".join(str(len(tops)) for _, tops in shapes.values()))

# %% tags=["expectation"]
assert all(np.isclose(np.trapezoid(p, z_line), 1) for p, _ in shapes.values())
gap_tops, lower_tops = shapes["in the gap"][1], posterior_and_tops([0.0, -1.8])[1]
assert np.allclose(gap_tops, [-2.4, 2.4], atol=0.05) and len(lower_tops) == 2
assert np.linalg.norm(np.subtract(*curve(gap_tops[:, None]))) < np.sqrt(0.37)
to_curve = np.linalg.norm(curve(z_line[:, None]) - places["above the centre"], axis=1)
assert abs(z_line[to_curve.argmin()]) < 0.05
assert np.ptp(to_curve) < 0.25 * to_curve.min()
at_centre = posterior_and_tops([0.0, -4.68 / 1.28 * np.exp(-1.28 ** 2 / 2)])[0]
assert np.allclose(at_centre, stats.norm.pdf(z_line), atol=1e-4)

# %% [markdown]
# On the band, one stretch of the curve is near. Just above the centre, the top is a little nearer: one wide bump. (At the centre itself all codes fit alike: the posterior is the prior. A little below, the bottom is nearer: two bumps.) In the gap, the curve closes: codes near $-2.4$ and $+2.4$ lead to almost the same place. So the posterior has another shape for every $\mathbf{x}$, and for a network no closed form. Worse, to get it we divided by $p(\mathbf{x})$, which is what we wanted to know. The circle closes:
#
# - to estimate $p(\mathbf{x})$ with few samples, we need a $q$ near the posterior;
# - to compute the posterior's density, we need $p(\mathbf{x})$. (Markov chains sample without it, but step by step, and anew for each picture.)
#
# And training needs $\log p_\theta(\mathbf{x}_n)$ and its gradient for thousands of pictures, again at each of thousands of steps (L10).
#
# ## What you have shown
#
# - A decoder without noise gives what lies off its surface the density 0; with the observation model $\mathcal{N}(\mathbf{x}; G_\theta(\mathbf{z}), \eta I)$ the
#   density is positive everywhere, and there is a best $\eta$ (L9).
# - $p(\mathbf{x}) = \int p(\mathbf{z})\,p(\mathbf{x}|\mathbf{z})\,d\mathbf{z}$ has a closed form for a straight decoder; for one code a grid will do, and a bent generator can be trained by
#   maximum likelihood (L9).
# - For more codes, grids and samples of the prior need numbers of points that grow exponentially with $K$; so do samples near the posterior, with a base nearer to 1 (L10).
#
# ## What is left open
#
# We have no $q$ near the posterior (L10). Can we at least compute something that is always below $\log p(\mathbf{x})$,
# push *that* up, and know how far below we are? Importance sampling showed the way: choose a $q$, and average over it. That is notebook 04.

# %%
# NBVAL_IGNORE_OUTPUT
progress()

# %% [markdown]
# ## Further ({{further minutes}} minutes)
#
# ### Explore
#
# The panel shows the density that a bend and a noise variance give to the plane (the scale stays as trained), and the log-likelihood of the thousand ones. Which noise is best depends on the bend, for noise has to make up for what the curve cannot reach. Does the best bend depend on the noise as well?
#
# Before you move anything, decide what you expect: (a) Set $\eta$ to 0.05, to 0.37 and to 3, and look each time for the best bend. Will it move? Would it, if the scale could move as well? (b) At which of 0.05 and 0.37 does bending pay more?

# %%
density_explorer(x, lambda z, bend: scale * arc(z, bend),
                 labels=("component 1", "component 2"))

# %% [markdown] tags=["expectation"]
# <details><summary>Answers</summary>
#
# (a) Hardly: 1.28, 1.28 and 1.31, because the panel keeps the scale. The circle's radius is scale / bend, and the band fixes the radius. With the scale free the best bend at $\eta = 3$ is 0.89, and the radius still 3.7. What one slider shows is a slice through the likelihood, not its top. The best noise does move: at a bend of 0 it is 3.1 (with the curve's scale; a straight line's own gives 3.4), at 1.28 it is 0.37, and at 2.0 it is 1.8. (b) At 0.05: with little noise every miss costs much. There the right bend is worth some thirty nats a one, at 0.37 not quite four. (A line of the same scale that may choose its noise, 3.1, is only 0.9 nats behind.)
#
# </details>

# %% tags=["expectation"]
# at 0.37 and 1.28 both are what the training found
best = lambda loss, bounds: optimize.minimize_scalar(
    loss, bounds=bounds, method="bounded", options={"xatol": 1e-3}).x
for variance, bend_there in {0.05: 1.283, 3.0: 1.313}.items():
    loss = lambda b: cost([b, np.log(scale), np.log(variance)])
    expect(best(loss, (0, 2)), bend_there, within=0.005)
for bend_here, eta_there in {0.0: 3.11, 2.0: 1.75}.items():
    loss = lambda log_eta: cost([bend_here, np.log(scale), log_eta])
    expect(np.exp(best(loss, (-4, 2))), eta_there, within=0.02)
for variance, worth in {0.05: 29.8, 0.37: 3.8}.items():
    straight_bent = [cost([b, np.log(scale), np.log(variance)]) for b in (0.0, 1.25)]
    expect(straight_bent[0] - straight_bent[1], worth, within=0.2)

# %% tags=["expectation"]
expect(cost([0.0, np.log(scale), np.log(3.11)]) - cost(found), 0.915, within=0.01)
free = optimize.minimize(lambda p: cost([*p, np.log(3.0)]), found[:2]).x
expect(abs(free[0]), 0.893, within=0.01)
expect(np.exp(free[1]) / abs(free[0]), scale / bend, within=0.05)

# %% [markdown]
# ### Pixels that are 0 or 1
#
# Compare the greys of a scanned digit with a threshold, and every pixel is 0 or 1. For such pixels Gaussian noise is the wrong story. Let the decoder say for every pixel how probable a 1 is. Any real
# number $\ell$ (a **logit**) becomes a probability by the sigmoid, so that the decoder's output need not be restricted:
#
# $$p(x_d = 1 \mid \mathbf{z}) = \sigma(\ell_d) = \frac{1}{1 + e^{-\ell_d}}, \qquad
# \log p(\mathbf{x} \mid \mathbf{z}) = \sum_d \big[x_d \log \sigma(\ell_d) + (1 - x_d) \log (1 - \sigma(\ell_d))\big].$$
#
# A pixel is 0, but the decoder is sure of a 1, with logit $\ell$. Then $\log(1 - \sigma(\ell)) \approx -\ell$.

# %%
predict("03-logit", "From which logit on does the formula, typed in as it stands, give "
        "minus infinity?", ["about 8", "about 37", "about 300", "about 710"])

# %%
for logit in [5.0, 10.0, 30.0, 40.0, 200.0, 400.0, 800.0]:
    with np.errstate(divide="ignore"):
        print(f"logit {logit:3.0f}: {np.log(1 - 1 / (1 + np.exp(-logit))):.4f}")
reveal("03-logit", "about 37")

# %% tags=["expectation"]
assert 1 / (1 + np.exp(-36.0)) < 1 and 1 / (1 + np.exp(-37.0)) == 1

# %% [markdown]
# At 30 the last digits are wrong already; at 40 the sigmoid is rounded to exactly 1 and the result is $-\infty$: one such pixel would ruin the likelihood of a whole data set, and its
# gradient. Probabilities have lost what the logits still know. Put $\sigma(\ell) = e^\ell / (1 + e^\ell)$ into the formula and simplify *before* you compute.

# %% [markdown]
# {{exercise bernoulli_log_prob}}

# %%
def bernoulli_log_prob(x, logits):
    """Log probability of each row of 0/1 pixels: x, logits (N, D) -> (N,)."""
    ### BEGIN SOLUTION
    return np.sum(x * logits - np.logaddexp(0, logits), axis=1)
    ### END SOLUTION


# %%
bernoulli_log_prob = check(bernoulli_log_prob)

# %% [markdown]
# All probabilities add up to 1. Three pixels make eight pictures:

# %%
pictures = np.array([[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)])
three_logits = np.tile([1.5, -0.3, 2.0], (8, 1))
assert np.isclose(np.sum(np.exp(bernoulli_log_prob(pictures, three_logits))), 1)

# %% [markdown]
# A first number for real digits, black and white at a threshold of one half. A decoder that ignores its code can at best give each pixel the frequency with which it
# is white, the same for every digit:

# %%
white = digits.x_train > 0.5
frequency = (white.sum(axis=0) + 1) / (len(white) + 2)  # never exactly 0 or 1
logits = np.tile(np.log(frequency / (1 - frequency)), (2000, 1))
log_p_white = bernoulli_log_prob((digits.x_test > 0.5).astype(float), logits)
print(f"test digits, each pixel on its own: {log_p_white.mean():.1f} nats per digit")

# %% [markdown]
# Remember this number: whatever a code says about a digit has to show as an improvement on it. Notebook 08 will take it up (there it is two nats lower: other digits, a thousand held out of the training set).

# %% tags=["expectation"]
def pixels_alone(x_fit, x_new):
    frequency = (x_fit.sum(axis=0) + 1) / (len(x_fit) + 2)
    same = np.tile(np.log(frequency / (1 - frequency)), (len(x_new), 1))
    return bernoulli_log_prob(x_new.astype(float), same).mean()


expect(pixels_alone(white, digits.x_test > 0.5), log_p_white.mean(), within=1e-6)
expect(pixels_alone(white[:9000], white[9000:]) - log_p_white.mean(), -2.3, within=0.2)
by_chance = np.random.default_rng(0).random(digits.x_test.shape) < digits.x_test
expect(pixels_alone(white, by_chance), log_p_white.mean(), within=0.15)

# %% [markdown]
# ### How many samples would be enough?
#
# The relative variance of the estimate is $\frac1S \big(\mathbb{E}[p(\mathbf{x}|\mathbf{z})^2] / p(\mathbf{x})^2 - 1\big)$, and for a straight decoder that has a closed form:
# the square of a Gaussian density is again one, with half the variance and a factor, $\mathcal{N}(\mathbf{x}; \mathbf{m}, \eta I)^2 = (4\pi\eta)^{-D/2}\, \mathcal{N}(\mathbf{x}; \mathbf{m}, \tfrac{\eta}{2} I)$. So
# $\mathbb{E}[p(\mathbf{x}|\mathbf{z})^2]$ is the same integral once more, with $\eta/2$, times $(4\pi\eta)^{-D/2}$.

# %%
def samples_needed(K, relative_error=0.1):
    """S at which the estimate's standard deviation is 10 % of p(x), for each digit."""
    log_second_moment = log_marginal_linear(
        forty, pca_weights(K), digit_mean, noise[K] / 2)
    log_second_moment -= 784 / 2 * np.log(4 * np.pi * noise[K])
    return np.expm1(log_second_moment - 2 * exact[K]) / relative_error ** 2


needed = np.array([samples_needed(K) for K in ks])

# %%
fig, ax = plots.figure(6, 3.3)
ax.semilogy(ks, np.median(needed, axis=1), marker="o", label="median of 40 digits")
ax.fill_between(ks, needed.min(axis=1), needed.max(axis=1), alpha=0.25, linewidth=0,
                label="smallest to largest")
ax.legend(loc="upper left")
ax.axhline(S, color="black", linewidth=0.8)
ax.text(20, S * 2, "the 1000 that we took", ha="right", fontsize=9)
ax.set(xlabel="K", ylabel="samples", xticks=[1, 5, 10, 15, 20])
ax.set_title("Samples needed for an error of 10 %")
plots.show(fig, alt="On a logarithmic scale the samples needed rise nearly along a "
                    "line, from some hundreds at K = 1 to some {last:.0e} at K = 20.",
           last=np.median(needed[-1]))

# %% tags=["expectation"]
assert np.all(np.diff(np.log(np.median(needed, axis=1))) > 0)
assert 20 < np.log10(np.median(needed[-1])) < 22
v = np.linspace(-8, 8, 4001)  # the second moment again, by quadrature
log_w = gaussian_log_prob(np.tile(forty[0], (4001, 1)), generator(1)(v[:, None]),
                          noise[1])
moments = [logsumexp(power * log_w + stats.norm.logpdf(v)) + np.log(v[1] - v[0])
           for power in (1, 2)]
expect(np.expm1(moments[1] - 2 * moments[0]) / (0.01 * needed[0, 0]), 1, within=1e-3)

# %% [markdown]
# ### How near is near enough?
#
# The relative variance of the mean of the weights is again $\frac1S \big(\int p(\mathbf{z}|\mathbf{x})^2 / q(\mathbf{z})\, d\mathbf{z} - 1\big)$, and as all dimensions are
# spoiled alike, the integral is $r^K$ with the integral $r$ of one dimension. It need not be finite.

# %%
def base(shift, width):
    """r, the integral of N(z; 0, 1)^2 / N(z; shift, width^2), in closed form; inf."""
    tail = 2 - 1 / width ** 2  # below 0 the ratio grows without limit
    return np.inf if tail <= 0 else (
        width / np.sqrt(tail) * np.exp(shift ** 2 / (2 * width ** 2 - 1)))


u = np.linspace(-12, 12, 4001)
ratio = stats.norm.pdf(u) ** 2 / stats.norm.pdf(u, 0.5, 1.2)
assert np.isclose(base(0.5, 1.2), np.trapezoid(ratio, u))
cases = {"the posterior": (0, 1), "1.2 times as wide, off by 0.5 (ours)": (0.5, 1.2),
         "1.25 times as wide": (0, 1.25), "1/1.25 times as wide": (0, 0.8),
         "twice as wide": (0, 2), "half as wide": (0, 0.5)}
results({name: [base(*case), *(np.sqrt((base(*case) ** K - 1) / S) for K in (20, 100))]
         for name, case in cases.items()}, ["r", "K = 20", "K = 100"], trained=False,
        caption="r; standard deviation of 1000 samples' estimate, in units of p(x)")

# %% tags=["expectation"]
expect(near[20].std(), np.sqrt((base(0.5, 1.2) ** 20 - 1) / S), within=0.09)
assert all(base(0, by) < base(0, 1 / by) for by in np.linspace(1.01, 5, 100))
expect(near[1].mean(), 0, within=0.02)
expect(near[20].mean(), 0, within=0.18)

# %% [markdown]
# A $q$ that is too narrow, below $1/\sqrt2$ of the posterior's width, has weights of *infinite* variance: it hardly ever draws the codes at which its density is far too small, and when it does, that one weight outweighs all others. By the same factor, too wide has the smaller variance: it grows with $K$, but is never infinite.
#
# A standard deviation far above $p(\mathbf{x})$ is not what one sees, though. Repeat the estimate 50 times, and take the median of the errors of $\log p(\mathbf{x})$:

# %%
def typical_error(width, K, runs=50):
    """Median error of log p(x) in nats, with S samples of a q of this width."""
    square = np.sum(np.random.default_rng(8).normal(size=(runs, S, K)) ** 2, axis=2)
    log_w = K * np.log(width) + (1 - width ** 2) / 2 * square
    return np.median(logsumexp(log_w, axis=1) - np.log(S))


typical = {name: [typical_error(cases[name][1], K) for K in (20, 100)]
           for name in ("twice as wide", "half as wide")}
results(typical, ["K = 20", "K = 100"], trained=False, digits=2,
        caption="Median error of log p(x) (nats), 1000 samples")

# %% tags=["expectation"]
medians = {"twice as wide": (-0.6, -28.5), "half as wide": (-2.2, -19)}
for name, errors in medians.items():
    for value, error, tolerance in zip(typical[name], errors, (0.5, 2)):
        expect(value, error, within=tolerance)

# %% [markdown]
# In the median both are too low, like section 5's estimates: the rare samples that would make up for it are missing. At $K = 100$ the $q$ of infinite variance is even the nearer one, and neither is of use.

# %% [markdown]
# ### What happens as the noise goes to zero?
#
# Section 1 said what is left without noise. How does the density get there? Take a point *on* the curve, and one of the data *beside* it, at the
# median distance.
#
# %%
predict("03-limit", "A point on the curve. By how much does log p rise there when eta "
        "falls from 0.1 to 0.001?", ["about 1.2 nats", "about 2.3 nats",
                                     "about 4.6 nats", "about 9.2 nats"])

# %%
beside = np.argsort(distance)[len(x) // 2]
two = np.stack([curve(np.array([0.4])), x[beside]])
etas = np.logspace(-3, 1, 13)
fine_grid = np.linspace(-5, 5, 2001)  # thin densities need small steps
log_p_two = np.array([log_marginal_quadrature(two, curve, eta, fine_grid)
                      for eta in etas])
log_p_all = np.array([log_marginal_quadrature(x, curve, eta, fine_grid[::8]).mean()
                      for eta in etas[4:]])

# %%
fig, ax = plots.figure(6.6, 3.4)
ax.plot(etas, log_p_two[:, 0], marker="o", label="a point on the curve")
ax.plot(etas, log_p_two[:, 1], "--", marker="s", label="a one beside it")
ax.plot(etas[4:], log_p_all, ":", marker="^", label="mean of all ones")
ax.set(xscale="log", ylim=(-30, 3), xlabel="noise variance $\\eta$")
ax.set(ylabel="log p(x) (nats)", title="As the noise goes to zero")
ax.legend(loc="lower right")
plots.show(fig, alt="Log density against eta. On the curve it keeps rising as eta "
                    "falls; off it, it plunges; the mean over all ones has a top.")
reveal("03-limit", f"about {log_p_two[0, 0] - log_p_two[6, 0]:.1f} nats")

# %% [markdown]
# On the curve the density grows without limit, like $\eta^{-(D-K)/2}$: here half a nat for each unit of $\log\eta$, as one of the two dimensions is not filled. At distance $d$ from the curve
# it plunges like $e^{-d^2/2\eta}$. In the limit $p(\mathbf{x})$ is infinite on the curve and 0 off it, as L9 says.

# %% tags=["expectation"]
rise = (log_p_two[0, 0] - log_p_two[1, 0]) / np.log(etas[1] / etas[0])
assert np.isclose(rise, 0.5, rtol=0.01) and np.isclose(etas[6], 0.1)
fall = etas[0] * log_p_two[0, 1]
assert np.isclose(fall, -distance[beside] ** 2 / 2, rtol=0.05)
assert 0 < np.argmax(log_p_all) < len(log_p_all) - 1  # the best eta is inside the range

# %% [markdown]
# ### Digits as the noise goes to zero
#
# The same limit for 784 pixels. (A *density* may be larger than 1, so its log may be positive: in 784 dimensions with little noise, by hundreds of nats and more. Only differences between models mean something.)

# %%
codes = pca.pca_encode(x_test, digit_mean, eigendigits[:2])
x_hat = pca.pca_decode(codes, digit_mean, eigendigits[:2])
digit_etas = np.logspace(-3, 0, 31)
log_p_digits = {
    name: [log_marginal_linear(data, pca_weights(2), digit_mean, variance).mean()
           for variance in digit_etas]
    for name, data in [("test digits", x_test), ("their reconstructions", x_hat)]}

# %%
fig, ax = plots.figure(6.6, 3.2)
for (name, means), style in zip(log_p_digits.items(), ["--", "-"]):
    ax.plot(digit_etas, means, style, label=name)
ax.set(xscale="log", ylim=(-4000, 3000), xlabel="noise variance $\\eta$ (brightness²)")
ax.set(ylabel="mean log p(x) (nats)", title="Digits under PCA's decoder, K = 2")
ax.legend()
plots.show(fig, alt="Mean log density against eta: reconstructions rise without limit "
                    "as eta falls; the digits themselves have a top, then plunge.")

# %% [markdown]
# The reconstructions lie on the decoder's plane, and their density rises without limit; the digits lie beside it, have a best $\eta$, and fall.

# %% [markdown]
# ### Checks
#
# For the arc, with one code, all ways to $\log p(\mathbf{x})$ must agree, up to the error of the sampling. That can be estimated, as long as many samples carry the mean: the standard error of a mean is the standard deviation of its terms
# over $\sqrt S$. (Not at section 5's $K = 20$: there one sample in a thousand makes up the mean, and the formula gives a relative error of about 1, whatever the true one.) And with the prior for $q$ the weights are $p(\mathbf{x}|\mathbf{z})$: importance sampling is plain Monte Carlo.

# %%
rng = np.random.default_rng(6)
eps, zero = rng.normal(size=(4000, 5, 1)), np.zeros((5, 1))
by_grid = log_marginal_quadrature(x[:5], curve, 0.37, np.linspace(-5, 5, 401))
by_sampling = log_marginal_monte_carlo(x[:5], curve, 0.37, eps)
assert np.allclose(log_marginal_importance(x[:5], curve, 0.37, zero, zero, eps),
                   by_sampling)
some_mu, wide = rng.normal(size=(5, 1)), np.full((5, 1), 0.3)
assert np.allclose(log_marginal_importance(x[:5], curve, 0.37, some_mu, wide, eps),
                   by_grid, atol=0.3)
terms = np.exp([gaussian_log_prob(x[:5], curve(z), 0.37) for z in eps])
standard_error = terms.std(axis=0) / terms.mean(axis=0) / np.sqrt(4000)
assert np.all(np.abs(by_sampling - by_grid) < 4 * standard_error)
for n in range(5):
    print(f"quadrature {by_grid[n]:.3f}   sampling {by_sampling[n]:.3f}"
          f" ± {standard_error[n]:.3f}")

# %% tags=["expectation"]
carried = np.exp(log_p - np.max(log_p, axis=0))  # section 5's densities at K = 20
formula = carried.std(axis=0) / carried.mean(axis=0) / np.sqrt(S)
expect(np.median(formula), 1, within=0.05)

# %% [markdown]
# A density must integrate to 1. Add up $p(\mathbf{x})$ over small squares of the plane:

# %%
side = np.linspace(-8, 8, 51)
squares = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
area = (side[1] - side[0]) ** 2
density = np.exp(log_marginal_quadrature(squares, curve, 0.37, np.linspace(-5, 5, 201)))
assert np.isclose(np.sum(density) * area, 1)

# %% [markdown]
# **Sources.** C. Bishop, *Pattern Recognition and Machine Learning*, 2006, sections 2.3 and 11.1. A. Owen, *Monte Carlo theory, methods and examples*, 2013, chapter 9. M. Tipping and C. Bishop, *Probabilistic principal component
# analysis*, 1999. Digits: MNIST, Y. LeCun, C. Cortes, C. Burges.
