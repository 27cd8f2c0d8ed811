# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Jensen's inequality and the lower bound
#
# *Lecture points L10, L11, L12, L15 and L16. About 90 minutes, 17 points.*
#
# Notebook 03 gave every $\mathbf{x}$ a density, $p(\mathbf{x}) = \int p(\mathbf{z})\, p(\mathbf{x} \mid \mathbf{z})\, d\mathbf{z}$, and ended in a circle: a decoder
# that bends leaves the integral without a closed form, a good estimate of it needs the posterior, and the posterior needs the integral. How can one
# maximise what one cannot compute?
#
# The way out: find something that can be computed and always lies *below* $\log p(\mathbf{x})$, know how far below, and push it up. One inequality, about where
# a logarithm stands, is all it takes.
#
# By the end you can say, and show with numbers,
#
# - why the logarithm of an average is never less than the average of the logarithms,
# - how any density $q(\mathbf{z})$ at all gives a lower bound on $\log p(\mathbf{x})$, and which $q$ loses nothing,
# - why the EM algorithm can never make things worse, and what has to change when the decoder bends.

# %%
import numpy as np
from scipy.stats import norm

from course_utils.checking import check, hint, progress
from course_utils.data import load_mnist, load_pen_digits
from course_utils.explorables.bound_explorer import bound_explorer
from course_utils.models import pca
from course_utils.probability import grids, mixtures, toy_joints
from course_utils.probability.likelihoods import gaussian_log_prob
from course_utils.probability.marginals import log_marginal_linear
from course_utils.showing import plots
from course_utils.showing.evidence import show_result

digits, pen = load_mnist(), load_pen_digits()

# %% [markdown]
# ## 1. The average of a bent function
#
# How much ink does a digit take? Let $X$ be the brightness of a digit, averaged over its 784 pixels.
#
# **Predict.** Which is larger: the logarithm of the average of $X$ over all digits, or the average of $\log X$?

# %%
ink = digits.x_train.mean(axis=1).astype(float)
print(f"log of the mean: {np.log(ink.mean()):.4f}")
print(f"mean of the log: {np.log(ink).mean():.4f}")

# %% [markdown]
# The difference has nothing to do with digits. A function $h$ is **convex** when every chord lies on or above its graph, as for $e^x$, and
# **concave** when every chord lies on or below, as for $\log x$. Let $X$ take two values. Then $(\mathbb{E}[X], \mathbb{E}[h(X)])$ is a point of the
# chord, and $(\mathbb{E}[X], h(\mathbb{E}[X]))$ the point of the graph above or below it:

# %%
def draw_chord(ax, h, name):
    """The graph of h, a chord, and the gap between them at E[X]."""
    t = np.linspace(0.15, 2.3, 100)
    x, weights = np.array([0.3, 2.1]), np.array([0.4, 0.6])
    mean = weights @ x
    ax.plot(t, h(t), label="h")
    ax.plot(x, h(x), "o--", color=plots.PALETTE[8], label="chord")
    gap = [h(mean), weights @ h(x)]
    ax.plot([mean, mean], gap, color=plots.PALETTE[2], lw=3, label="gap")
    ax.set(xlabel="x", ylabel="h(x)", title=name)
    return ax


# %%
fig, (left, right) = plots.figure(8.4, 3, columns=2)
draw_chord(left, np.exp, "convex: exp").legend()
draw_chord(right, np.log, "concave: log").legend(loc="lower right")
plots.show(fig, alt="A chord above the graph of exp, and a chord below that of log; "
                    "the gap is the vertical distance between them at E[X].")

# %% [markdown]
# **Jensen's inequality** (L11) says that the same holds for any $X$, whatever the number of its values:
#
# $$\mathbb{E}[h(X)] \ge h(\mathbb{E}[X]) \quad\text{for convex } h, \qquad\qquad \mathbb{E}[h(X)] \le h(\mathbb{E}[X]) \quad\text{for concave } h.$$
#
# Call the difference $\mathbb{E}[h(X)] - h(\mathbb{E}[X])$ the *Jensen gap*.

# %% [markdown]
# {{exercise jensen_gap}}

# %%
def jensen_gap(h, x, weights):
    """E[h(X)] - h(E[X]) for values x (n,) with probabilities weights (n,)."""
    ### BEGIN SOLUTION
    return np.sum(weights * h(x)) - h(np.sum(weights * x))
    ### END SOLUTION


# %%
jensen_gap = check(jensen_gap)

# %% [markdown]
# **Predict.** For each of these five functions: is the gap of the digits' ink positive, negative or zero? And for $h(x) = x^2$, which well-known quantity is it?

# %%
equal = np.full(len(ink), 1 / len(ink))
for h in (np.exp, np.square, np.negative, np.sqrt, np.log):
    gap = round(float(jensen_gap(h, ink, equal)), 5) + 0
    print(f"{h.__name__:>8}: {gap:+.5f}")
assert np.isclose(jensen_gap(np.square, ink, equal), np.var(ink))

# %% [markdown]
# A straight line has no gap (`+0.00000`), and the gap of the square is the variance, $\mathbb{E}[X^2] - (\mathbb{E}[X])^2$. This is the picture to keep: **the gap comes
# from the bend of $h$ and the spread of $X$ together.**
#
# ### The proof, in three steps
#
# Take a concave $h$ with a derivative (for a convex one, turn the signs), and write $m = \mathbb{E}[X]$.
#
# 1. A concave function lies on or below each of its tangents: $h(x) \le h(m) + h'(m)\,(x - m)$ for all $x$.
# 2. Average both sides over $X$. The right side becomes $h(m) + h'(m)\,(\mathbb{E}[X] - m)$.
# 3. The bracket is zero. What is left is $\mathbb{E}[h(X)] \le h(m)$.
#
# For $h = \log$ the slope at $m$ is $1/m$. Step 1 as a picture, for the digits:

# %%
m = ink.mean()
tangent = np.log(m) + (ink - m) / m
fig, ax = plots.figure(6, 3.2)
ax.plot(np.sort(ink), np.log(np.sort(ink)), label="log")
ax.plot(ink, tangent, "--", color=plots.PALETTE[8], label="tangent at E[X]")
ax.plot(m, np.log(m), "o", color=plots.PALETTE[2], label="(E[X], log E[X])")
ax.set(xlabel="mean brightness of a digit (0 to 1)", ylabel="log")
ax.set_title("The logarithm lies below its tangent")
ax.legend(loc="lower right")
plots.show(fig, alt="The logarithm over the range of the digits' ink, and a line "
                    "above it that touches it at the mean.")

# %% [markdown]
# And the whole proof in numbers:

# %%
assert np.all(np.log(ink) <= tangent)                # step 1, digit by digit
assert np.log(ink).mean() <= tangent.mean()          # step 2
assert np.isclose(tangent.mean(), np.log(m))         # step 3

# %% [markdown]
# Equality needs equality in step 1 for every value that occurs. As the logarithm touches its tangent at $m$ alone, **$\mathbb{E}[\log X] = \log \mathbb{E}[X]$ only when
# $X$ is constant.** Section 4 comes back to this sentence.

# %% [markdown]
# ## 2. One example, one hidden number
#
# To see every quantity, take a model small enough for a grid: one hidden number $z$ with prior $\mathcal{N}(0, 1)$, and a decoder that bends,
#
# $$G(z) = (0.4\,z,\; z^2), \qquad p(\mathbf{x} \mid z) = \mathcal{N}(\mathbf{x};\, G(z),\, \eta I), \quad \eta = 0.4.$$
#
# We observe one $\mathbf{x}$. Which $z$ may it have come from? The joint density $p(\mathbf{x}, z) = p(z)\,p(\mathbf{x} \mid z)$, as a function of $z$, answers, and the
# area under it is the integral that we are after, $p(\mathbf{x})$.

# %%
grid = np.linspace(-5, 5, 2001)
joint = np.exp(toy_joints.bent_log_joint(grid))
log_p_x = np.log(np.trapezoid(joint, grid))
print(f"log p(x) = {log_p_x:.4f} nats")

# %%
fig, (left, right) = plots.figure(9.2, 3.1, columns=2, width_ratios=[1, 1.5])
left.plot(*toy_joints.bent_decoder(np.linspace(-1.8, 1.8, 100)).T, label="G(z)")
left.plot(*toy_joints.BENT_X, "o", color=plots.PALETTE[2], label="x")
left.set(xlabel="$x_1$", ylabel="$x_2$", title="The decoder's curve and x")
left.legend(loc="lower left")
right.fill_between(grid, joint, color=plots.PALETTE[0], alpha=0.5)
right.set(xlim=(-3, 3), xlabel="z", ylabel="p(x, z)", title="The area is p(x)")
plots.show(fig, alt="Left: x lies inside a parabola, near both of its arms. Right: the "
                    "joint density has a hill at about -1.1 and a higher one at 1.2.")

# %% [markdown]
# Both arms of the parabola pass near $\mathbf{x}$, so there are two explanations. Divide the joint density by its area, and you have the **posterior**
# $p(z \mid \mathbf{x}) = p(\mathbf{x}, z) / p(\mathbf{x})$: what is known about $z$ once $\mathbf{x}$ has been seen.
#
# Before you write it, look at what happens with another model, the same $z$ read off 800 times with noise. A density of 800 numbers is tiny:

# %%
log_joint_800 = toy_joints.faint_log_joint(grid)
print(f"largest log p(x, z): {log_joint_800.max():.1f}")
print("area under exp of it:", np.trapezoid(np.exp(log_joint_800), grid))

# %% [markdown]
# Nothing is left to divide by. Notebook 00 has the remedy: take out the maximum before `exp`. An image of 784 pixels is in the same position.

# %% [markdown]
# {{exercise posterior_on_grid}}

# %%
def posterior_on_grid(log_joint, grid):
    """The density p(z | x) at the grid's points (G,); log_joint(z) = log p(x, z)."""
    ### BEGIN SOLUTION
    log_p = log_joint(grid)
    density = np.exp(log_p - log_p.max())
    return density / np.trapezoid(density, grid)
    ### END SOLUTION


# %%
posterior_on_grid = check(posterior_on_grid)

# %% [markdown]
# With a *linear* decoder everything is Gaussian, and the posterior has a closed form. The grid must agree with it, for the 800 readings and for another
# linear model with three:

# %%
for log_joint, model in [(toy_joints.linear_log_joint, toy_joints.LINEAR),
                         (toy_joints.faint_log_joint, toy_joints.FAINT)]:
    exact = norm.pdf(grid, *toy_joints.linear_posterior(model))
    assert np.abs(posterior_on_grid(log_joint, grid) - exact).max() < 1e-8

# %% [markdown]
# ## 3. A bound, line by line
#
# Now suppose that we could *not* do the integral. Choose any density $q(z)$ whatsoever; it need not have anything to do with the posterior. Then (L12)
#
# $$\begin{aligned}
# \log p(\mathbf{x}) &= \log \int p(\mathbf{x}, z)\, dz && (1) \\
# &= \log \int q(z)\, \frac{p(\mathbf{x}, z)}{q(z)}\, dz && (2)\quad\text{multiply and divide by } q(z) \\
# &= \log \mathbb{E}_q\!\left[ \frac{p(\mathbf{x}, z)}{q(z)} \right] && (3)\quad\text{that is an expectation} \\
# &\ge \mathbb{E}_q\!\left[ \log \frac{p(\mathbf{x}, z)}{q(z)} \right] && (4)\quad\text{Jensen: log is concave} \\
# &= \mathbb{E}_q\!\left[ \log \frac{p(z)}{q(z)} \right] + \mathbb{E}_q\big[ \log p(\mathbf{x} \mid z) \big] && (5)\quad p(\mathbf{x}, z) = p(z)\, p(\mathbf{x} \mid z)
# \end{aligned}$$
#
# The logarithm has moved inside, where it meets products and turns them into sums. Line (3) averages densities, which differ by many powers of ten;
# lines (4) and (5) average logarithms.
#
# **Predict.** Compute all five lines for $q = \mathcal{N}(0.8, 0.7^2)$. At which line does the number change?

# %%
def gaussian(mean, width):
    """A Gaussian density on the grid, scaled to have exactly area 1 there."""
    density = grids.gaussian_on_grid(grid, mean, width)
    return density / np.trapezoid(density, grid)


q = gaussian(0.8, 0.7)
ratio = joint / q

# %%
def mean_q(values):
    """Expectation under q: the integral of q(z) times the values."""
    return np.trapezoid(q * values, grid)


lines = [np.log(np.trapezoid(joint, grid)), np.log(np.trapezoid(q * ratio, grid)),
         np.log(mean_q(ratio)), mean_q(np.log(ratio)),
         mean_q(toy_joints.log_prior(grid) - np.log(q))
         + mean_q(toy_joints.bent_log_likelihood(grid))]
for number, value in enumerate(lines, 1):
    print(f"({number})  {value:.6f}")

# %% [markdown]
# At line (4) and nowhere else. What is lost there is a Jensen gap, that of the logarithm for the ratio $p(\mathbf{x}, z) / q(z)$, with $z$ drawn from $q$. On the grid, each
# point's probability is $q$ times the width that the trapezoid rule gives it:

# %%
assert np.allclose(lines[:3], log_p_x) and np.isclose(lines[3], lines[4])
probabilities = q * grids.trapezoid_weights(grid)
assert np.isclose(jensen_gap(np.log, ratio, probabilities), lines[3] - lines[2])

# %% [markdown]
# The lower bound of lines (4) and (5) is the **variational lower bound**, or **variational free energy** (L15):
#
# $$\mathcal{F}(q) = \mathbb{E}_q\big[ \log p(\mathbf{x}, z) - \log q(z) \big] \;\le\; \log p(\mathbf{x}).$$
#
# $p(\mathbf{x})$ is also called the *evidence*, and $\mathcal{F}$ the evidence lower bound, or **ELBO**. (In physics the free energy has the opposite sign and is
# minimised. Here $\mathcal{F}$ is to be maximised.)
#
# Where $q(z) = 0$, the integrand $q(z) \log q(z)$ counts as $0$, its limit, since a $z$ that is never drawn cannot matter to an average. The computer needs to be told.

# %% [markdown]
# {{exercise elbo_on_grid}}

# %%
def elbo_on_grid(log_joint, q, grid):
    """E_q[log p(x, z) - log q(z)] by the trapezoid rule; q (G,), 0 log 0 = 0."""
    ### BEGIN SOLUTION
    log_q = np.log(np.where(q > 0, q, 1))
    return np.trapezoid(q * (log_joint(grid) - log_q), grid)
    ### END SOLUTION


# %%
elbo_on_grid = check(elbo_on_grid)

# %% [markdown]
# Any $q$ gives a bound. Here are a thousand, drawn at random:

# %%
rng = np.random.default_rng(0)
means, widths = rng.uniform(-2, 2, size=1000), rng.uniform(0.2, 1.2, size=1000)
bounds = np.array([
    elbo_on_grid(toy_joints.bent_log_joint, gaussian(a, b), grid)
    for a, b in zip(means, widths)])
assert np.all(bounds < log_p_x)
print(f"log p(x) = {log_p_x:.3f}; F from {bounds.min():.1f} to {bounds.max():.3f}")

# %% [markdown]
# ## 4. What the bound loses
#
# Some bounds are useless and some are good. Which? Put Bayes' rule, $p(\mathbf{x}, z) = p(z \mid \mathbf{x})\, p(\mathbf{x})$, into $\mathcal{F}$:
#
# $$\mathcal{F}(q) = \mathbb{E}_q\big[ \log p(\mathbf{x}) + \log p(z \mid \mathbf{x}) - \log q(z) \big]
# = \log p(\mathbf{x}) - \underbrace{\mathbb{E}_q\big[ \log q(z) - \log p(z \mid \mathbf{x}) \big]}_{\mathrm{KL}(q \,\|\, p(z \mid \mathbf{x}))}.$$
#
# $\log p(\mathbf{x})$ does not depend on $z$, so its expectation is itself. No inequality was used: the **gap is exactly a Kullback-Leibler divergence** (L16),
#
# $$\log p(\mathbf{x}) - \mathcal{F}(q) = \mathrm{KL}\big(q(z) \,\|\, p(z \mid \mathbf{x})\big).$$

# %% [markdown]
# {{exercise gap_on_grid}}

# %%
def gap_on_grid(log_joint, q, grid):
    """KL(q || p(z | x)) by the trapezoid rule; q (G,) with integral 1."""
    ### BEGIN SOLUTION
    log_p = log_joint(grid)
    top = log_p.max()
    log_posterior = log_p - top - np.log(np.trapezoid(np.exp(log_p - top), grid))
    log_q = np.log(np.where(q > 0, q, 1))
    return np.trapezoid(q * (log_q - log_posterior), grid)
    ### END SOLUTION


# %%
gap_on_grid = check(gap_on_grid)

# %% [markdown]
# **Predict.** Five choices of $q$: the prior; a Gaussian between the two hills; a Gaussian on the higher hill; the posterior with its left hill cut away (and scaled back
# to area 1); the posterior. Order them by their gap.

# %%
posterior = posterior_on_grid(toy_joints.bent_log_joint, grid)
right_hill = np.where(grid > 0, posterior, 0)
candidates = {"prior": gaussian(0, 1),
              "between the hills": gaussian(0, 0.5),
              "on the higher hill": gaussian(1.05, 0.3),
              "posterior, z > 0": right_hill / np.trapezoid(right_hill, grid),
              "posterior": posterior}
print("                          F      gap   F + gap")
for name, q in candidates.items():
    F = elbo_on_grid(toy_joints.bent_log_joint, q, grid)
    gap = gap_on_grid(toy_joints.bent_log_joint, q, grid)
    assert abs(log_p_x - F - gap) < 1e-8
    print(f"{name:>20}  {F:.4f}  {abs(gap):.4f}  {F + gap:.4f}")

# %% [markdown]
# The last column is $\log p(\mathbf{x})$ every time, to $10^{-8}$, also for the $q$ that has zeros. Two rows deserve a thought.
#
# **The posterior, $z > 0$.** Where it is not zero, this $q$ is the posterior divided by $P(z > 0 \mid \mathbf{x})$, so the log ratio is constant and the gap is
# $-\log P(z > 0 \mid \mathbf{x})$. To leave out an explanation costs as much as it was likely, and no more.

# %%
share = np.trapezoid(right_hill, grid)
gap = gap_on_grid(toy_joints.bent_log_joint, candidates["posterior, z > 0"], grid)
print(f"P(z > 0 | x) = {share:.4f}, -log of it = {-np.log(share):.4f}")
assert abs(gap + np.log(share)) < 1e-8

# %% [markdown]
# **The posterior.** Its gap is zero: the bound is *tight*. Section 1 says why. Jensen's inequality loses nothing only when the random variable is constant,
# here the ratio $p(\mathbf{x}, z) / q(z)$. Which $q$ makes it constant? One proportional to $p(\mathbf{x}, z)$; and the only density among these is the posterior, with
# the constant $p(\mathbf{x})$. For two of the candidates, the ratio between $z = 0.3$ and $z = 1.7$:

# %%
seen = np.abs(grid - 1) < 0.7
for name in ("on the higher hill", "posterior"):
    ratio = joint[seen] / candidates[name][seen] / np.exp(log_p_x)
    print(f"{name}: ratio / p(x) from {ratio.min():.2f} to {ratio.max():.2f}")

# %% [markdown]
# That a KL divergence is never negative is one more use of Jensen. Write $r$ for the other density; the logarithm of the mean of $r/q$ is at most $\log 1$:
#
# $$-\mathrm{KL}(q \,\|\, r) = \mathbb{E}_q\!\left[ \log \frac{r(z)}{q(z)} \right] \le \log \mathbb{E}_q\!\left[ \frac{r(z)}{q(z)} \right]
# = \log \int_{q > 0} r(z)\, dz \le \log 1 = 0.$$
#
# So the identity contains the bound, and more: **maximising $\mathcal{F}$ over $q$ is finding the posterior**, without ever computing $p(\mathbf{x})$.

# %% [markdown]
# ## 5. Explore
#
# The panel lets you be the optimiser: it shows how $\log p(\mathbf{x})$, which never moves, is shared out anew between $\mathcal{F}$ and the gap with every step that you take.
#
# **Predict** before you move anything: (a) With two modes, will the best Gaussian $q$ lie between the hills, or on one of them? Which gap will be left? (b) With one mode, can
# you bring the gap to zero?

# %%
bound_explorer({"two modes": toy_joints.bent_log_joint,
                "one mode": toy_joints.linear_log_joint}, grid[::2])

# %% [markdown]
# For (a), let the computer try every Gaussian of a fine lattice:

# %%
means, widths = np.linspace(-1.5, 1.5, 61), np.linspace(0.1, 1.5, 29)
lattice = [(a, b) for a in means for b in widths]
gaps = [gap_on_grid(toy_joints.bent_log_joint, gaussian(a, b), grid)
        for a, b in lattice]
best = int(np.argmin(gaps))
print(f"best: mean {lattice[best][0]:.2f}, standard deviation {lattice[best][1]:.2f}")
print(f"its gap: {gaps[best]:.3f}, of leaving out the left hill: {-np.log(share):.3f}")

# %% [markdown]
# On the higher hill, and its gap is hardly more than what leaving out the other one costs. Between the hills $q$ would put its mass where the posterior is small, and there
# $\log q - \log p(z \mid \mathbf{x})$ is large. Missing a hill is cheap; covering a valley is dear. (With the divergence the other way round it would be the
# opposite: notebook 05.)
#
# For (b), yes: the linear model's posterior is itself a Gaussian.
#
# The bars split $\log p(\mathbf{x})$ in a way that we can only see because this model is small. Line (5) splits $\mathcal{F}$ itself in two terms that never mention the
# posterior. What do those two want from $q$? Keep the question for the end.

# %% [markdown]
# ## 6. EM climbs the bound
#
# So far the model was given. Now let it have parameters $\theta$ that are to be learned, so that $\mathcal{F}(\theta, q)$ depends on two things. $\log p_\theta(\mathbf{x})$ may
# be hard to raise directly, but its lower bound can be raised in turns: over $q$ with $\theta$ fixed, then over $\theta$ with $q$ fixed. That is the **EM algorithm**
# (L10), here on pen strokes.
#
# The pen digits are points that people drew on a tablet, eight per digit in the order of writing. Take the fives, and of each a single number: how far the pen moves to the right
# between its second point and its third.

# %%
fives = pen.x_train[pen.y_train == 5].astype(float)
x = fives[:, 2, 0] - fives[:, 1, 0]
print(f"{len(x)} fives; the pen goes right in {np.mean(x > 0):.0%} of them")

# %%
fig, axes = plots.figure(9.6, 2.6, columns=6, width_ratios=[2.6, 1, 1, 1, 1, 1])
axes[0].hist(x, bins=40, color=plots.PALETTE[3])
axes[0].set(xlabel="move to the right (widths of the box)", ylabel="number of fives")
for ax, five in zip(axes[1:], [*fives[x < 0][:2], *fives[x > 0][:3]]):
    ax.plot(*five.T, color=plots.PALETTE[8])
    ax.plot(*five[1:3].T, color=plots.PALETTE[2], lw=3)
    ax.plot(*five[0], "o", color=plots.PALETTE[0])
    ax.set(aspect="equal", xlim=(-0.1, 1.1), ylim=(-0.1, 1.1))
    ax.set_axis_off()
plots.show(fig, alt="The histogram of the move has two humps, near -0.3 and 0.4. "
                    "Two fives of the left hump and three of the right one.")

# %% [markdown]
# The first two fives are from the left hump, the other three from the right one; the blue dot is the start, and the red piece is our number. There seem to be two ways to
# write a five. Let a hidden $z \in \{0, 1\}$ say which way was taken, with a Gaussian for each:
#
# $$p(z = c) = \pi_c, \qquad p(x \mid z = c) = \mathcal{N}(x;\, \mu_c, \sigma_c^2), \qquad p(x) = \sum_c \pi_c\, \mathcal{N}(x;\, \mu_c, \sigma_c^2).$$
#
# (In this section $\sigma$ is the standard deviation of a component, not of $q$.) $z$ is discrete, so integrals over $z$ become sums, and $q_n$ is a row of two
# numbers $r_{n0} + r_{n1} = 1$ for every example, its **responsibilities**. The bound on $\log p(x_n)$ is
#
# $$\mathcal{F}_n = \sum_c r_{nc} \big( \log p(x_n, z = c) - \log r_{nc} \big), \qquad \log p(x_n, z = c) = \log \pi_c + \log \mathcal{N}(x_n;\, \mu_c, \sigma_c^2).$$

# %% [markdown]
# {{exercise mixture_elbo}}

# %%
def mixture_elbo(x, responsibilities, pi, mu, sigma):
    """The bound F of each example (N,); responsibilities (N, C), the rest (C,)."""
    ### BEGIN SOLUTION
    log_joint = np.log(pi) + norm.logpdf(x[:, None], mu, sigma)
    log_r = np.log(np.where(responsibilities > 0, responsibilities, 1))
    return np.sum(responsibilities * (log_joint - log_r), axis=1)
    ### END SOLUTION


# %%
mixture_elbo = check(mixture_elbo)

# %% [markdown]
# **E step.** Hold $\theta = (\pi, \mu, \sigma)$. Section 4 says which $q_n$ is best, and by how much: the posterior, and then the bound touches $\log p(x_n)$. Here it can be computed, by
# Bayes' rule:
#
# $$r_{nc} = p(z = c \mid x_n) = \frac{\pi_c\, \mathcal{N}(x_n;\, \mu_c, \sigma_c^2)}{\sum_{c'} \pi_{c'}\, \mathcal{N}(x_n;\, \mu_{c'}, \sigma_{c'}^2)}.$$

# %% [markdown]
# {{exercise em_e_step}}

# %%
def em_e_step(x, pi, mu, sigma):
    """Responsibilities p(z = c | x_n) (N, C); x (N,), the rest (C,)."""
    ### BEGIN SOLUTION
    log_r = np.log(pi) - np.log(sigma) - 0.5 * ((x[:, None] - mu) / sigma) ** 2
    r = np.exp(log_r - log_r.max(axis=1, keepdims=True))
    return r / r.sum(axis=1, keepdims=True)
    ### END SOLUTION


# %%
em_e_step = check(em_e_step)

# %% [markdown]
# **M step.** Hold $q$. In $\sum_n \mathcal{F}_n$ the parameters occur inside $\log p(x_n, z = c)$ alone, *after* the logarithm has gone inside the sum, and so the
# maximum has a closed form. For $\mu_c$ it is found in one line, and $\pi_c$ and $\sigma_c$ go the same way:
#
# $$\frac{\partial}{\partial \mu_c} \sum_n \mathcal{F}_n = \sum_n r_{nc}\, \frac{x_n - \mu_c}{\sigma_c^2} = 0
# \quad\Rightarrow\quad \mu_c = \frac{\sum_n r_{nc}\, x_n}{N_c}, \qquad N_c = \sum_n r_{nc},$$
#
# $$\pi_c = \frac{N_c}{N}, \qquad \sigma_c^2 = \frac{1}{N_c} \sum_n r_{nc}\, (x_n - \mu_c)^2 .$$

# %% [markdown]
# {{exercise em_m_step}}

# %%
def em_m_step(x, responsibilities):
    """pi, mu, sigma (C,) that maximise the bound for given responsibilities (N, C)."""
    ### BEGIN SOLUTION
    counts = responsibilities.sum(axis=0)
    mu = x @ responsibilities / counts
    variance = np.sum(responsibilities * (x[:, None] - mu) ** 2, axis=0) / counts
    return counts / len(x), mu, np.sqrt(variance)
    ### END SOLUTION


# %%
em_m_step = check(em_m_step)

# %% [markdown]
# A maximum can be checked by leaving it. Whatever the responsibilities, no nearby parameters may have a higher bound:

# %%
r = rng.dirichlet([2, 3], size=len(x))
pi, mu, sigma = em_m_step(x, r)
top = mixture_elbo(x, r, pi, mu, sigma).mean()
for _ in range(200):
    nudge = np.exp(0.05 * rng.normal(size=(3, 2)))
    moved = pi * nudge[0] / np.sum(pi * nudge[0]), mu * nudge[1], sigma * nudge[2]
    assert mixture_elbo(x, r, *moved).mean() < top

# %% [markdown]
# ### Step by step
#
# Both steps raise the same $\mathcal{F}$, so it can never fall. And as the E step makes it touch $\log p$ again, $\log p$ cannot fall either:
#
# $$\log p_{\theta}(x) \overset{\text{E}}{=} \mathcal{F}(\theta, q) \overset{\text{M}}{\le} \mathcal{F}(\theta_{\text{new}}, q) \overset{\text{bound}}{\le} \log p_{\theta_{\text{new}}}(x).$$
#
# **Predict.** We start with two components that nearly coincide. Will the climb be fastest at the start, in the middle or at the end?

# %%
theta = np.array([0.5, 0.5]), np.array([0.0, 0.2]), np.array([0.4, 0.4])
F, log_p, thetas = [-np.inf], [-np.inf], [theta]
for step in range(60):
    r = em_e_step(x, *theta)
    F.append(mixture_elbo(x, r, *theta).mean())
    log_p.append(mixtures.mixture_log_prob(x, *theta).mean())
    assert abs(F[-1] - log_p[-1]) < 1e-10 and F[-1] >= F[-2] - 1e-12  # E: it touches
    theta = em_m_step(x, r)
    F.append(mixture_elbo(x, r, *theta).mean())
    log_p.append(mixtures.mixture_log_prob(x, *theta).mean())
    assert F[-2] - 1e-12 <= F[-1] <= log_p[-1] + 1e-12                # M: it rises
    thetas.append(theta)

# %%
fig, (left, right) = plots.figure(9.6, 3.5, columns=2, width_ratios=[1.1, 1])
for ax, part in [(left, slice(1, 61)), (right, slice(13, 25))]:
    t = np.arange(121)[part] / 2
    ax.fill_between(t, F[part], log_p[part], color=plots.PALETTE[1], label="gap")
    ax.plot(t, log_p[part], "o-", color=plots.PALETTE[2], ms=4, label="log p(x)")
    ax.plot(t, F[part], "s--", color=plots.PALETTE[0], ms=4, label="F")
    ax.set(xlabel="step (half: after E, whole: after M)", ylabel="nats per example")
    ax.legend(loc="lower right")
left.set_title("Never down")
right.set_title("Steps 7 to 12: E closes the gap, M opens it")
plots.show(fig, alt="F and log p(x) climb in an S-shape and level out. Enlarged: "
                    "equal after every E step, higher and apart after every M step.")

# %% [markdown]
# In the middle: while the components nearly coincide, the responsibilities hardly tell them apart, and near the top there is little left to win. Look at the enlarged part. The
# M step raises $\mathcal{F}$, and $\log p$ rises *more*, because the old $q$ is no longer the posterior of the new model. The orange gap is what the M step won without trying;
# the E step makes it visible to $\mathcal{F}$.

# %%
t = np.linspace(-1.1, 1.2, 300)
fig, axes = plots.figure(9.6, 2.8, columns=4, sharey=True)
for ax, step in zip(axes, (0, 8, 11, 60)):
    ax.hist(x, bins=40, density=True, color=plots.PALETTE[3], alpha=0.6)
    for c in range(2):
        p, m_c, s_c = (parameter[c] for parameter in thetas[step])
        ax.plot(t, p * norm.pdf(t, m_c, s_c), color=plots.PALETTE[2 * c], lw=2)
    ax.set(xlabel="move to the right", title=f"after {step} steps")
axes[0].set_ylabel("density")
plots.show(fig, alt="Two nearly equal Gaussians drift apart until each covers one "
                    "hump of the histogram.")

# %%
pi, mu, sigma = theta
show_result("mean of component 0", mu[0], -0.308, 0.003)
show_result("mean of component 1", mu[1], 0.421, 0.003)
show_result("share of component 1", pi[1], 0.630, 0.003)

# %% [markdown]
# ### Does the hidden variable mean anything?
#
# EM saw one number per five. Look at something that it has not seen, the *end* of the stroke: does the pen finish to the right or to the left?

# %%
kind = em_e_step(x, *theta).argmax(axis=1)
ends_right = fives[:, 7, 0] > fives[:, 6, 0]
for c in range(2):
    print(f"component {c}: {np.mean(ends_right[kind == c]):.1%} end to the right")
show_result("agreement", np.mean(kind == ends_right), 0.925, 0.01)

# %%
fig, axes = plots.figure(6.4, 3, columns=2)
for c, ax in enumerate(axes):
    for five in fives[kind == c][:40]:
        ax.plot(*five.T, color=plots.PALETTE[3], lw=0.5, alpha=0.6)
    middle = np.median(fives[kind == c], axis=0)
    ax.plot(*middle.T, "o-", color=plots.PALETTE[2 * c], lw=2)
    for i, point in enumerate(middle, 1):
        ax.annotate(i, point, xytext=(5, 4), textcoords="offset points", fontsize=9)
    ax.set(aspect="equal", title=f"component {c}: {np.sum(kind == c)} fives")
    ax.set_axis_off()
plots.show(fig, alt="Component 0: one stroke that starts at the top right and ends "
                    "at the bottom left. Component 1: the bar on top comes last.")

# %% [markdown]
# Yes. Some people write a five in one stroke, from the right end of the bar; others begin with the body and set the bar on top at the end. The hidden variable that makes one
# coordinate likely is the order of the strokes.
#
# **Predict.** Start both components at *exactly* the same place. What happens?

# %%
stuck = np.array([0.5, 0.5]), np.array([0.1, 0.1]), np.array([0.4, 0.4])
for _ in range(60):
    stuck = em_m_step(x, em_e_step(x, *stuck))
show_result("distance of the means", abs(stuck[1][0] - stuck[1][1]), 0, 1e-6)
below = log_p[-1] - mixtures.mixture_log_prob(x, *stuck).mean()
show_result("nats per example lost", below, 0.1918, 0.001)

# %% [markdown]
# Nothing: every responsibility is one half, for ever. "Never down" does not mean "up to the top". EM climbs, and it can stop on a ledge.
#
# ### Why this is not enough
#
# The E step needs the posterior, and the posterior needs $p(\mathbf{x})$. For a sum over two components that is no problem. For a deep decoder it is the integral that we could not
# do in the first place (L10). But look at what the argument used: any step that raises $\mathcal{F}$ raises a floor that $\log p(\mathbf{x})$ cannot fall below, and **$\mathcal{F}$ can be estimated without
# the posterior**. So: restrict $q$ to densities that can be handled, such as Gaussians, raise $\mathcal{F}$ over both, and accept the gap that is left. That is the plan for the rest
# of this course.

# %% [markdown]
# ## 7. More than one sample
#
# Notebook 03 estimated $p(\mathbf{x})$ by averaging importance weights, with the draws $\mathbf{z}_s$ coming from a $q$:
#
# $$\hat p_S = \frac1S \sum_{s=1}^{S} w_s, \qquad w_s = \frac{p(\mathbf{x}, \mathbf{z}_s)}{q(\mathbf{z}_s)}, \qquad \mathbb{E}[\hat p_S] = p(\mathbf{x}).$$
#
# The average is right on average. Its logarithm is not: by Jensen, $\mathcal{L}_S = \mathbb{E}[\log \hat p_S] \le \log p(\mathbf{x})$. With a single sample, $\mathcal{L}_1 = \mathbb{E}_q[\log w] = \mathcal{F}$, our
# bound. So **the ELBO is an importance-sampling estimate with one sample, and the bound's gap is the bias of its logarithm.** More samples make the average vary less, and a Jensen gap
# shrinks with the spread.

# %% [markdown]
# {{exercise iwae_bound}}

# %%
def iwae_bound(log_w):
    """log of the mean over S of exp(log_w), for log_w (S, N); returns (N,)."""
    ### BEGIN SOLUTION
    top = log_w.max(axis=0)
    return top + np.log(np.mean(np.exp(log_w - top), axis=0))
    ### END SOLUTION


# %%
iwae_bound = check(iwae_bound)

# %% [markdown]
# To measure a bias we must know the truth. A linear decoder gives it (notebook 03): $p(\mathbf{x} \mid \mathbf{z}) = \mathcal{N}(\mathbf{x};\, W\mathbf{z} + \mathbf{b},\, \eta I)$ makes $p(\mathbf{x}) =
# \mathcal{N}(\mathbf{x};\, \mathbf{b},\, WW^\top + \eta I)$. For a model of digits, let the columns of $W$ be the first $K = 8$ eigendigits of notebook 01, scaled to carry the variance that they have,
# and let the noise $\eta$ carry the rest, spread evenly. (That this is the best such model is a theorem: notebook 08.)

# %%
K, D = 8, 784
some = digits.x_train[::5].astype(float)
b, components = pca.pca_fit(some, K)
values = pca.pca_eigenvalues(some)
eta = values[K:].sum() / (D - K)
W = components.T * np.sqrt(values[:K] - eta)

# %%
x = digits.x_test[0].astype(float)
log_p_x = log_marginal_linear(x[None], W, b, eta)[0]
# The posterior: its covariance is diagonal, as the columns of W are orthogonal.
variance = eta / (np.sum(W ** 2, axis=0) + eta)
mean = variance * (W.T @ (x - b)) / eta
print(f"log p(x) = {log_p_x:.3f} nats")

# %% [markdown]
# We know the posterior, too, so we can spoil it on purpose: the right mean, with all eight standard deviations multiplied by a factor $a$. The gap of this $q$ is the divergence between
# two Gaussians, $K \left( \tfrac12 (a^2 - 1) - \log a \right)$.

# %%
residual, lengths = x - b, np.sum(W ** 2, axis=0)


def log_likelihood(z):
    """log p(x | z); the squared error is expanded, as the columns are orthogonal."""
    squared = residual @ residual - 2 * z @ (W.T @ residual) + z ** 2 @ lengths
    return -squared / (2 * eta) - D / 2 * np.log(2 * np.pi * eta)


z = rng.normal(size=(3, K))
slow = gaussian_log_prob(x, z @ W.T + b, eta)
assert np.allclose(log_likelihood(z), slow)

# %%
def log_weights(factor, n, rng):
    """log p(x, z) - log q(z) for n draws of z from q, a posterior `factor` too wide."""
    z = mean + factor * np.sqrt(variance) * rng.normal(size=(n, K))
    log_q = norm.logpdf(z, mean, factor * np.sqrt(variance)).sum(axis=1)
    return norm.logpdf(z).sum(axis=1) + log_likelihood(z) - log_q


# %%
def gap_of(factor):
    return K * ((factor ** 2 - 1) / 2 - np.log(factor))


factors = {"too wide": 1.6, "too narrow": 0.505}
for name, a in factors.items():
    print(f"{name}, a = {a}: gap {gap_of(a):.3f}")

# %% [markdown]
# Two errors that the ELBO takes for equal.
#
# **Predict.** With more and more samples, which of the two climbs faster, or do they stay together?

# %%
rng = np.random.default_rng(7)
pools = {name: log_weights(a, 100_000, rng) for name, a in factors.items()}
sizes = [1, 10, 100, 1000]
bounds = {name: [iwae_bound(pool.reshape(S, -1)) for S in sizes]
          for name, pool in pools.items()}
heights = {name: [L.mean() - log_p_x for L in rows] for name, rows in bounds.items()}
errors = {name: [L.std() / np.sqrt(len(L)) for L in rows]
          for name, rows in bounds.items()}

# %%
fig, ax = plots.figure(6.6, 3.4)
for name, marker in [("too wide", "o"), ("too narrow", "s")]:
    ax.errorbar(sizes, heights[name], yerr=2 * np.array(errors[name]), marker=marker,
                capsize=4, label=f"q {name}")
ax.axhline(0, color=plots.PALETTE[8], ls="--")
ax.text(1, 0.08, "log p(x)")
ax.set(xscale="log", xlabel="samples S", ylim=(-2.8, 0.4))
ax.set_ylabel("bound minus log p(x) (nats)")
ax.set_title("The S-sample bound (bars: 2 standard errors)")
ax.legend(loc="lower right")
plots.show(fig, alt="Both bounds start 2.5 nats below log p(x). The wide q's is there "
                    "at S = 100, the narrow q's not even at S = 1000.")

# %%
print("bound minus log p(x) and its standard error for S = 1, 10, 100, 1000:")
for name in bounds:
    row = zip(heights[name], errors[name])
    print(f"{name:>10}:", "  ".join(f"{h:+.3f} ± {e:.3f}" for h, e in row))
for name, a in factors.items():
    assert abs(heights[name][0] + gap_of(a)) < 4 * errors[name][0]  # S = 1 is the ELBO
    assert all(h < 3 * e for h, e in zip(heights[name], errors[name]))
assert heights["too narrow"][-1] < -0.2 < -0.02 < heights["too wide"][-1]

# %% [markdown]
# **Never above, and it climbs.** Never above holds for the expectation; an estimate of it may lie above by about its error bar, as the last point of the wide $q$ does. But both
# curves climb *without any exception*, and that is no luck. The same 100,000 weights went into every point of a curve, so an average of 100 weights is an average of
# ten averages of ten. By Jensen once more, its logarithm is at least the average of theirs:

# %%
for name, rows in bounds.items():
    for S, small, large in zip(sizes, rows, rows[1:]):
        groups = small.reshape(-1, len(large))  # column j: the ten parts of large[j]
        assert np.allclose(np.log(np.mean(np.exp(groups - large), axis=0)), 0)
        assert np.all(groups.mean(axis=0) <= large)

# %% [markdown]
# This is the proof that $\mathcal{L}_S \le \mathcal{L}_{10 S}$ and, with some care about groups that overlap, of $\mathcal{L}_S \le \mathcal{L}_{S+1}$ (Burda, Grosse and Salakhutdinov 2016).
#
# **Too wide beats too narrow.** The ELBO asks where $q$ has mass; an average of weights also asks where $q$ has *none*. A $q$ that is too wide wastes samples, but no weight can be large: at most $a^K$ times
# $p(\mathbf{x})$. With one that is too narrow nothing limits them: the average lives on a few
# enormous weights, from draws in the tails, and most samples of size $S$ do not contain any.

# %%
for name, pool in pools.items():
    w = np.sort(np.exp(pool - log_p_x))  # in units of p(x): their mean should be 1
    share = w[-100:].sum() / w.sum()
    print(f"{name:>10}: mean {w.mean():.2f}, median {np.median(w):.2f}, "
          f"largest {w[-1]:.0f}; the largest 100 are {share:.0%} of the sum")
assert np.exp(pools["too wide"] - log_p_x).max() <= 1.6 ** K

# %% [markdown]
# Even 100,000 draws from the narrow $q$ do not bring the mean near 1.
#
# ## What you have shown
#
# - For a concave $h$, $\mathbb{E}[h(X)] \le h(\mathbb{E}[X])$; a tangent proves it, and only a constant $X$ loses nothing (L11).
# - Any $q$ gives a lower bound $\mathcal{F}(q)$ on $\log p(\mathbf{x})$; one line of the derivation loses something (L12, L15), and what it loses is exactly
#   $\mathrm{KL}(q \,\|\, p(z \mid \mathbf{x}))$, so the bound is tight when $q$ is the posterior (L16).
# - EM raises $\mathcal{F}$ in turns over $q$ and over the parameters. It never falls, and it needs the posterior (L10).
# - The ELBO is importance sampling with one sample. With $S$ samples the bound climbs to $\log p(\mathbf{x})$, sooner when $q$ is too wide than when it is too narrow.
#
# ## What is left open
#
# The bound is tight when $q$ is the posterior, which we cannot compute. But line (5) of the derivation names things that we can:
#
# $$\mathcal{F}(q) = \mathbb{E}_q\big[ \log p(\mathbf{x} \mid \mathbf{z}) \big] - \mathrm{KL}\big( q(\mathbf{z}) \,\|\, p(\mathbf{z}) \big).$$
#
# Two terms, and neither mentions the posterior. What does each of them want from $q$, and what happens when they disagree? That is notebook 05.

# %%
# NBVAL_IGNORE_OUTPUT
progress()

# %% [markdown]
# **Sources.** J. Jensen, *Sur les fonctions convexes et les inégalités entre les valeurs moyennes*, 1906. A. Dempster, N. Laird and D. Rubin, *Maximum likelihood from incomplete data via the EM algorithm*,
# 1977. R. Neal and G. Hinton, *A view of the EM algorithm that justifies incremental, sparse, and other variants*, 1998. C. Bishop, *Pattern Recognition and Machine Learning*, 2006, sections 9.4 and 10.1.
# Y. Burda, R. Grosse and R. Salakhutdinov, *Importance weighted autoencoders*, 2016. Pen digits: E. Alpaydin and F. Alimoglu, 1998. Digits: MNIST, Y. LeCun, C. Cortes, C. Burges.
