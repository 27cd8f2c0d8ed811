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
# *Lecture points L10, L11, L12, L15 and L16. About {{core minutes}} minutes, 13 points; {{further minutes}} more and 4 points below "Further". [Glossary](00_start_here.ipynb#Glossary)*
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
# - what happens when a logarithm and an average change places,
# - how a density $q(\mathbf{z})$ gives a lower bound on $\log p(\mathbf{x})$, where that bound loses something, and which $q$ loses nothing,
# - why the EM algorithm can never make things worse, and what has to change when the decoder bends.

# %%
import numpy as np
from matplotlib.patches import Circle
from scipy.stats import norm

from course_utils.checking import check, hint, predict, progress, reveal
from course_utils.data import load_mnist, load_pen_digits
from course_utils.explorables.bound_explorer import bound_explorer
from course_utils.probability import grids, toy_joints
from course_utils.probability.bounds import iwae_bound
from course_utils.probability.mixtures import mixture_elbo, mixture_log_prob
from course_utils.showing import drawings, plots
from course_utils.showing.evidence import expect, results

digits, pen = load_mnist(), load_pen_digits()

# %% [markdown]
# ## 1. The average of a bent function
#
# How much ink does a digit take? Let $X$ be the brightness of a digit, averaged over its 784 pixels.

# %%
predict("04-ink", "Which is larger: the logarithm of the average of X over all digits, "
        "or the average of log X?", ["the logarithm of the average",
                                     "the average of the logarithms", "they are equal"])

# %%
ink = digits.x_train.mean(axis=1).astype(float)
print(f"logarithm of the average: {np.log(ink.mean()):.4f}")
print(f"average of the logarithms: {np.log(ink).mean():.4f}")
reveal("04-ink", "the logarithm of the average")

# %% tags=["expectation"]
expect(np.log(ink.mean()) - np.log(ink).mean(), 0.0559, within=1e-4)

# %% [markdown]
# The difference has nothing to do with digits. A function $h$ is **convex** when every chord lies on or above its graph, as for $e^x$, and
# **concave** when every chord lies on or below, as for $\log x$. Put every value of $X$ on the graph, as a dot. The centroid of the dots is the
# point $(\mathbb{E}[X], \mathbb{E}[h(X)])$: of two dots it lies on their chord, of sixty digits somewhere inside the bend. The graph itself has the height
# $h(\mathbb{E}[X])$ there: for a convex $h$ it runs below the centroid, for a concave one above.

# %%
fig, (left, right) = plots.figure(9.4, 3.4, columns=2)
sixty = ink[:60]
drawings.centroid(np.exp, np.array([0.3, 2.1]), np.array([0.4, 0.6]), left)
drawings.centroid(np.log, sixty, ax=right, closer=0.012)
left.set_title("convex: exp, two values")
right.set(title="concave: log, sixty digits", xlabel="mean brightness (0 to 1)")
left.legend()
plots.show(fig, alt="Two dots on the graph of exp, with their centroid on the chord "
                    "above it; sixty on that of log, with their centroid below it.")

# %% [markdown]
# **Jensen's inequality** (L11) says so for any $X$, whether it takes two values or infinitely many, as long as both sides exist:
#
# $$\mathbb{E}[h(X)] \ge h(\mathbb{E}[X]) \quad\text{for convex } h, \qquad\qquad \mathbb{E}[h(X)] \le h(\mathbb{E}[X]) \quad\text{for concave } h.$$
#
# Call the difference $\mathbb{E}[h(X)] - h(\mathbb{E}[X])$ the *Jensen gap*. For a concave $h$ it is negative or zero.

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
# For each of these five functions, decide before you run the cell: is the gap of the digits' ink positive, negative or zero?

# %%
equal = np.full(len(ink), 1 / len(ink))
for h in (np.exp, np.square, np.negative, np.sqrt, np.log):  # negative: h(x) = -x
    gap = round(float(jensen_gap(h, ink, equal)), 5) + 0     # + 0: never shows "-0"
    print(f"{h.__name__:>8}: {gap:+.5f}")

# %% tags=["expectation"]
assert np.isclose(jensen_gap(np.square, ink, equal), np.var(ink))
assert np.isclose(jensen_gap(np.negative, ink, equal), 0)
for h, second in [(np.exp, np.exp), (np.sqrt, lambda m: -m**-1.5 / 4)]:
    estimate = second(ink.mean()) * np.var(ink) / 2
    expect(jensen_gap(h, ink, equal) / estimate, 1, within=0.1)
expect(-np.var(ink) / ink.mean()**2 / 2, -0.0534, within=1e-4)

# %% [markdown]
# A straight line has no gap, and the gap of the square is the variance, $\mathbb{E}[X^2] - (\mathbb{E}[X])^2$. **The gap comes
# from the bend of $h$ and the spread of $X$ together**: where the spread is small, it is about $\frac12 h''(\mathbb{E}[X])\, \mathrm{Var}(X)$, which is $-0.0534$ for the logarithm of the ink.
#
# ### The proof, in three steps
#
# Take a concave $h$ with a derivative (for a convex one, turn the signs), and write $m = \mathbb{E}[X]$.
#
# 1. A concave function lies on or below each of its tangents: $h(x) \le h(m) + h'(m)\,(x - m)$ for all $x$.
# 2. Average both sides over $X$. The right side becomes $h(m) + h'(m)\,(\mathbb{E}[X] - m)$.
# 3. The bracket is zero. What is left is $\mathbb{E}[h(X)] \le h(m)$.
#
# For $h = \log$ the slope at $m$ is $1/m$. Step 1 as a picture, and all three in numbers:

# %%
m = sixty.mean()
tangent = np.log(m) + (sixty - m) / m
assert np.all(np.log(sixty) <= tangent)              # step 1, digit by digit
assert np.log(sixty).mean() <= tangent.mean()        # step 2
assert np.isclose(tangent.mean(), np.log(m))         # step 3
fig, ax = plots.figure(7.2, 3.6)
drawings.centroid(np.log, sixty, ax=ax, closer=0.012)
for part in (ax, *ax.child_axes):
    part.plot(sixty, tangent, color=plots.PALETTE[5], label="tangent at E[X]")
ax.set(xlabel="mean brightness (0 to 1)", title="log lies below its tangent")
ax.legend(loc="upper left", fontsize=9)
plots.show(fig, alt="Sixty digits as dots on the graph of log; a straight line above "
                    "them touches the graph at the mean. Enlarged: the centroid "
                    "below the point where they touch.")

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
fig, (left, right) = plots.figure(9.2, 3.4, columns=2, width_ratios=[1, 1.9])
left.plot(*toy_joints.bent_decoder(np.linspace(-1.8, 1.8, 100)).T, "k")
for at, side in [(-1.5, "right"), (-1, "right"), (1, "left"), (1.5, "left")]:
    left.plot(*toy_joints.bent_decoder(at), "ko", ms=4)
    left.text(*toy_joints.bent_decoder(at) + [at / 6, -0.25], f"G({at})", ha=side)
left.plot(*toy_joints.BENT_X, "o", color=drawings.DATA, label="x")
left.add_patch(Circle(toy_joints.BENT_X, 0.4 ** 0.5, fill=False, color=drawings.DATA))
left.set(xlabel="$x_1$", ylabel="$x_2$", title="G(z), and x with its noise, √η")
left.set(aspect="equal", xlim=(-1.8, 1.8))
left.text(*toy_joints.BENT_X, " x")
right.fill_between(grid, joint, color=plots.PALETTE[3], alpha=0.6)
right.set(xlim=(-3, 3), xlabel="z", ylabel="p(x, z)", title="The area is p(x)")
plots.show(fig, alt="Left: x lies inside a parabola, near both of its arms: a circle "
                    "of radius root eta crosses one and nearly the other. Right: the "
                    "joint density has a hill at about -1.1 and a higher one at 1.2.")

# %% [markdown]
# Both arms pass near $\mathbf{x}$ (the circle around it is one standard deviation of the noise), so there are two explanations. Divide the joint density by its area, and you have the **posterior**
# $p(z \mid \mathbf{x}) = p(\mathbf{x}, z) / p(\mathbf{x})$: what is known about $z$ once $\mathbf{x}$ has been seen.
#
# Before you write it, look at another model, the same $z$ read off 800 times with much noise. Its density is tiny:

# %%
log_joint_800 = toy_joints.faint_log_joint(grid)
print(f"largest log p(x, z): {log_joint_800.max():.1f}")
print("area under exp of it:", np.trapezoid(np.exp(log_joint_800), grid))

# %% [markdown]
# Nothing is left to divide by. Notebook 00 has the remedy: take out the maximum before `exp`.

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
# ## 3. A bound, line by line
#
# Now suppose that we could *not* do the integral. Choose a density $q(z)$ that is easy to handle; it need not have anything to do with the posterior. Then (L12)
#
# $$\begin{aligned}
# \log p(\mathbf{x}) &= \log \int p(\mathbf{x}, z)\, dz && (1) \\
# &= \log \int q(z)\, \frac{p(\mathbf{x}, z)}{q(z)}\, dz && (2)\quad\text{multiply and divide by } q(z) \\
# &= \log \mathbb{E}_q\!\left[ \frac{p(\mathbf{x}, z)}{q(z)} \right] && (3)\quad\text{that is an expectation} \\
# &\ge \mathbb{E}_q\!\left[ \log \frac{p(\mathbf{x}, z)}{q(z)} \right] && (4)\quad\text{Jensen: log is concave} \\
# &= \mathbb{E}_q\!\left[ \log \frac{p(z)}{q(z)} \right] + \mathbb{E}_q\big[ \log p(\mathbf{x} \mid z) \big] && (5)\quad p(\mathbf{x}, z) = p(z)\, p(\mathbf{x} \mid z)
# \end{aligned}$$
#
# Line (3) averages the importance weights of notebook 03, ratios of densities. Line (4) averages their logarithms, and the logarithm of a product is a sum: line (5).
#
# Here are all five lines as numbers, for two choices of $q$: the Gaussian $\mathcal{N}(0.8, 0.7^2)$, and the posterior with its left hill cut away, set to 0 for
# $z \le 0$ and scaled back to area 1.

# %%
predict("04-line", "The posterior with its left hill cut away: where does the number "
        "change?", ["at line (4)", "at line (2)", "at lines (2) and (4)",
                    "at no line"])

# %%
def gaussian(mean, width):
    """A Gaussian density on the grid, scaled to have exactly area 1 there."""
    density = grids.gaussian_on_grid(grid, mean, width)
    return density / np.trapezoid(density, grid)


posterior = posterior_on_grid(toy_joints.bent_log_joint, grid)
half = np.where(grid > 0, posterior, 0)
half = half / np.trapezoid(half, grid)
widths = grids.trapezoid_weights(grid)  # how much each point counts in an integral


# %%
def five_lines(q):
    """The numbers of lines (1) to (5) for a density q (G,), which may have zeros."""
    drawn = q > 0                          # what q never draws does not count
    mass = (q * widths)[drawn]             # each point's share, with its own width
    z, density = grid[drawn], q[drawn]
    ratio = joint[drawn] / density         # p(x, z) / q(z)
    parts = (mass @ (toy_joints.log_prior(z) - np.log(density)),
             mass @ toy_joints.bent_log_likelihood(z))
    return [np.log(joint @ widths), np.log((density * ratio) @ widths[drawn]),
            np.log(mass @ ratio), mass @ np.log(ratio), sum(parts)]


# %%
lines = {"Gaussian": five_lines(gaussian(0.8, 0.7)), "half": five_lines(half)}
results(lines, ["(1)", "(2)", "(3)", "(4)", "(5)"], digits=5, trained=False)
changes = [f"({i + 2})" for i in range(4) if np.diff(lines["half"])[i] < -1e-6]
reveal("04-line", "at line " + " and ".join(changes))

# %% [markdown]
# The Gaussian loses at line (4), as Jensen says, and nowhere else. Half of the posterior loses *nothing* at line (4): where it draws, the ratio is constant.
# Its loss comes earlier. Multiplying and dividing by $q$ is allowed only where $q$ is not 0, so line (2) needs a condition,
#
# $$q(z) > 0 \quad\text{wherever}\quad p(\mathbf{x}, z) > 0,$$
#
# which a Gaussian fulfils. Without it, (2) has lost the area under $p(\mathbf{x}, z)$ where $q = 0$, and its sign is $\ge$, too. So the last line is
# a lower bound for *every* $q$, but there are two ways to lose: what $q$ leaves out, at (2), and what it weighs unevenly, at (4). The second step is a Jensen gap, that of
# the logarithm for the ratio $p(\mathbf{x}, z) / q(z)$, and like every gap of the logarithm never positive:

# %%
q = gaussian(0.8, 0.7)
change_at_4 = lines["Gaussian"][3] - lines["Gaussian"][2]
assert np.isclose(jensen_gap(np.log, joint / q, q * widths), change_at_4)
kept = np.trapezoid(np.where(grid > 0, posterior, 0), grid)  # P(z > 0 | x)
assert np.isclose(lines["half"][1] - lines["half"][0], np.log(kept))

# %% tags=["expectation"]
expect(lines["Gaussian"][0], log_p_x, within=1e-9)
assert np.ptp(lines["Gaussian"][:3]) < 1e-9 and change_at_4 < -0.1
assert np.ptp(lines["half"][1:]) < 1e-9 and changes == ["(2)"]

# %% [markdown]
# The number of lines (4) and (5) is the **variational lower bound**, or **variational free energy** (L15):
#
# $$\mathcal{F}(q) = \mathbb{E}_q\big[ \log p(\mathbf{x}, z) - \log q(z) \big] \;\le\; \log p(\mathbf{x}).$$
#
# $p(\mathbf{x})$ is also called the *evidence*, and $\mathcal{F}$ the evidence lower bound, or **ELBO**. (In physics the free energy has the opposite sign and is
# minimised. Here $\mathcal{F}$ is to be maximised.)
#
# Where $q(z) = 0$, the integrand $q(z) \log q(z)$ counts as $0$, its limit: a $z$ that is never drawn cannot matter to an average. The computer needs to be told.

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

# %%
F = elbo_on_grid(toy_joints.bent_log_joint, half, grid)
assert np.isclose(F, lines["half"][-1])                # the last of the five numbers

# %% [markdown]
# ## 4. What the bound loses
#
# Some bounds are useless and some are good. Put Bayes' rule, $p(\mathbf{x}, z) = p(z \mid \mathbf{x})\, p(\mathbf{x})$, into $\mathcal{F}$:
#
# $$\mathcal{F}(q) = \mathbb{E}_q\big[ \log p(\mathbf{x}) + \log p(z \mid \mathbf{x}) - \log q(z) \big]
# = \log p(\mathbf{x}) - \underbrace{\mathbb{E}_q\big[ \log q(z) - \log p(z \mid \mathbf{x}) \big]}_{\mathrm{KL}(q \,\|\, p(z \mid \mathbf{x}))}.$$
#
# $\log p(\mathbf{x})$ does not depend on $z$, so its expectation is itself. No inequality was used, and both losses are in it: the **gap of the bound**, what it lacks, **is exactly a Kullback-Leibler divergence** (L16),
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
# Here are five choices of $q$ (purple) over the posterior (grey):

# %%
candidates = {"prior": gaussian(0, 1), "between the hills": gaussian(0, 0.5),
              "on the higher hill": gaussian(1.2, 0.25),
              "half of the posterior": half, "the posterior": posterior}
fig, axes = plots.figure(9.8, 2.3, columns=5, sharey=True)
for ax, (name, q) in zip(axes, candidates.items()):
    ax.fill_between(grid, posterior, color=plots.PALETTE[3], alpha=0.6, lw=0)
    ax.plot(grid, q, color=drawings.DISTRIBUTION, lw=2)
    ax.set(xlim=(-2.6, 2.6), ylim=(0, 1.7), xlabel="z")
    ax.set_title(name, fontsize=10)
axes[0].set_ylabel("density")
plots.show(fig, alt="Five panels. The prior is wide over both hills of the posterior; "
                    "a Gaussian fills the valley; one sits on the right hill; the "
                    "right hill alone, scaled up; the posterior itself.")

# %%
predict("04-order", "Order the five by their gap, the smallest first.",
        order=list(candidates))

# %%
losses = {}
for name, q in candidates.items():
    F = elbo_on_grid(toy_joints.bent_log_joint, q, grid)
    gap = gap_on_grid(toy_joints.bent_log_joint, q, grid)
    lost = -np.diff(five_lines(q))
    losses[name] = [F, abs(gap), F + gap, abs(lost[0]), abs(lost[2])]
shown = {name: [f"{v:.4f}".replace("-", "−") for v in row]
         for name, row in losses.items()}
results(shown, ["F", "gap", "F + gap", "lost at (2)", "lost at (4)"],
        trained=False)
reveal("04-order", sorted(losses, key=lambda name: losses[name][1]))

# %% tags=["expectation"]
for F, gap, both, left_out, uneven in losses.values():
    assert abs(both - log_p_x) < 1e-8 and abs(left_out + uneven - gap) < 1e-8
assert abs(losses["half of the posterior"][1] + np.log(kept)) < 1e-8
q = candidates["prior"]  # the control: the divergence the other way round does not fit
other = np.trapezoid(posterior * np.log(posterior / q), grid)
assert abs(losses["prior"][0] + other - log_p_x) > 0.1

# %% [markdown]
# The third column is $\log p(\mathbf{x})$ every time, to $10^{-8}$, also for the $q$ that has zeros, and the two losses add up to the gap. Now to the last two rows.
#
# **Half of the posterior.** Where it is not zero, this $q$ is the posterior divided by $P(z > 0 \mid \mathbf{x})$, so the gap is
# $-\log P(z > 0 \mid \mathbf{x}) = -\log 0.623 = 0.473$: to drop an explanation costs minus the logarithm of the probability *that is kept*. Here that is cheap; when the kept hill has one
# hundredth of the probability, it is 4.6 nats.
#
# **The posterior.** Its gap is zero: the bound is *tight*. Section 1 says why. Jensen loses nothing only when the ratio $p(\mathbf{x}, z) / q(z)$ is constant where $q$ draws, and line (2)
# loses nothing only when $q$ leaves nothing out. Both together make $q$ proportional to $p(\mathbf{x}, z)$ everywhere, and the only density that is so is the posterior,
# with the constant $p(\mathbf{x})$.
#
# That a KL divergence is never negative is one more use of Jensen. With another density $r$ in the posterior's place,
#
# $$-\mathrm{KL}(q \,\|\, r) = \mathbb{E}_q\!\left[ \log \frac{r(z)}{q(z)} \right] \le \log \mathbb{E}_q\!\left[ \frac{r(z)}{q(z)} \right]
# = \log \int_{q > 0} r(z)\, dz \le \log 1 = 0.$$
#
# So the identity contains the bound, and more: **maximising $\mathcal{F}$ over $q$ is finding the posterior**, without ever computing $p(\mathbf{x})$. (Where a divergence has a closed form,
# PyTorch has it as `torch.distributions.kl_divergence(q, r)`.)

# %% [markdown]
# ## 5. Explore
#
# The panel lets you be the optimiser: it shows how $\log p(\mathbf{x})$, which never moves, is shared out between $\mathcal{F}$ and the gap.
#
# It has a second model, too, with a *linear* decoder: three readings $x_d = w_d z + b_d$ plus noise (`toy_joints.LINEAR`). Everything about it is Gaussian, so its posterior has one mode.
#
# Before you move anything, decide what you expect: (a) With two modes, how small can the gap of a Gaussian $q$ become: smaller than that of half of the posterior, 0.473, or not? (b) With one mode, can
# you bring the gap to zero?

# %%
bound_explorer({"two modes": toy_joints.bent_log_joint,
                "one mode": toy_joints.linear_log_joint}, grid[::2])

# %% [markdown] tags=["expectation"]
# <details><summary>Answers</summary>
#
# (a) Not smaller: the best one, on the higher hill at a mean of 1.05 with a standard deviation of about 0.3, leaves 0.530 (the next cell finds it). No Gaussian is as good as the posterior cut in two. (b) Yes: the linear model's posterior is itself a Gaussian,
# with the mean and the standard deviation that `toy_joints.linear_posterior()` gives. The sliders come as near as their steps of 0.05 allow.
#
# </details>

# %% [markdown]
# For (a), let the computer try every Gaussian of a fine lattice; (b) has a closed form:

# %%
lattice = [(a, b) for a in np.linspace(-1.5, 1.5, 61)
           for b in np.linspace(0.1, 1.5, 29)]
gaps = [gap_on_grid(toy_joints.bent_log_joint, gaussian(a, b), grid)
        for a, b in lattice]
best = int(np.argmin(gaps))
print(f"best: mean {lattice[best][0]:.2f}, standard deviation {lattice[best][1]:.2f}")
print(f"its gap: {gaps[best]:.3f}; of dropping the left hill: {-np.log(kept):.3f}")
between = min(gap for (a, _), gap in zip(lattice, gaps) if abs(a) < 0.3)
print(f"least gap with a mean between -0.3 and 0.3: {between:.3f}")
m_post, s_post = toy_joints.linear_posterior()
print(f"one mode: the posterior has mean {m_post:.2f}, standard deviation {s_post:.2f}")

# %% tags=["expectation"]
assert abs(lattice[best][0] - 1.05) < 0.06 and between > gaps[best] + 0.3
expect(gaps[best], 0.530, within=0.003)
expect(-np.log(kept), 0.473, within=0.001)

# %% [markdown]
# With one mode, a Gaussian $q$ can be the posterior, and the gap is 0. With two, the best gap is hardly larger than that of dropping the left hill. Between the hills $q$ would put its mass where the posterior is small, and there
# $\log q - \log p(z \mid \mathbf{x})$ is large. For hills as far apart as these, covering the valley costs more than missing a hill. (Closer hills are another matter: notebook 05.)

# %% [markdown]
# ## 6. EM climbs the bound
#
# Now let the model have parameters $\theta$ that are to be learned. $\log p_\theta(\mathbf{x})$ may
# be hard to raise directly, but its lower bound $\mathcal{F}(\theta, q)$ can be raised in turns: over $q$ with $\theta$ fixed, then over $\theta$ with $q$ fixed. That is the **EM algorithm**
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
axes[0].hist(x, bins=40, color=drawings.DATA, alpha=0.6)
axes[0].set(xlabel="move to the right (widths of the box)", ylabel="number of fives")
for ax, five in zip(axes[1:], [*fives[x < 0][:2], *fives[x > 0][:3]]):
    ax.plot(*five.T, color=plots.PALETTE[8])
    ax.plot(*five[1:3].T, color=drawings.DATA, lw=4)
    ax.plot(*five[0], "o", color="black")
    ax.set(aspect="equal", xlim=(-0.1, 1.1), ylim=(-0.1, 1.1))
    ax.set_axis_off()
plots.show(fig, alt="The histogram of the move has two humps, near -0.3 and 0.4. "
                    "Two fives of the left hump and three of the right one.")

# %% [markdown]
# The first two fives are from the left hump, the other three from the right one; the dot is the start, and the blue piece is our number. There seem to be two ways to
# write a five (we leave the small hump at 0 aside). Let a hidden $z \in \{0, 1\}$ say which way was taken, with a Gaussian for each:
#
# $$p(z = c) = \pi_c, \qquad p(x \mid z = c) = \mathcal{N}(x;\, \mu_c, \sigma_c^2), \qquad p(x) = \sum_c \pi_c\, \mathcal{N}(x;\, \mu_c, \sigma_c^2).$$
#
# (In this section $\sigma$ belongs to a component, not to $q$.) $z$ is discrete, so integrals over $z$ become sums, and $q_n$ is a row of two
# numbers $r_{n0} + r_{n1} = 1$ for every example, its **responsibilities**. The bound on $\log p(x_n)$ is
#
# $$\mathcal{F}_n = \sum_c r_{nc} \big( \log p(x_n, z = c) - \log r_{nc} \big), \qquad \log p(x_n, z = c) = \log \pi_c + \log \mathcal{N}(x_n;\, \mu_c, \sigma_c^2).$$
#
# It is `elbo_on_grid` with a sum for the integral; the library has it as `mixture_elbo` (you can write it yourself below "Further").
#
# **E step.** Hold $\theta = (\pi, \mu, \sigma)$. Section 4 says which $q_n$ is best: the posterior, and then the bound touches $\log p(x_n)$. Here it can be computed, by
# Bayes' rule from the $\pi_c$ and the Gaussian densities at $x_n$.

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
# maximum has a closed form. For $\mu_c$,
#
# $$\frac{\partial}{\partial \mu_c} \sum_n \mathcal{F}_n = \sum_n r_{nc}\, \frac{x_n - \mu_c}{\sigma_c^2} = 0
# \quad\Rightarrow\quad \mu_c = \frac{\sum_n r_{nc}\, x_n}{N_c}, \qquad N_c = \sum_n r_{nc}.$$
#
# $\sigma_c$ is found in the same way. $\pi$ occurs in $\sum_c N_c \log \pi_c$ alone, which would grow without end if $\sum_c \pi_c = 1$ did not hold it: that
# takes a Lagrange multiplier, as in notebook 01, and setting the derivative of $\sum_c N_c \log \pi_c - \lambda (\sum_c \pi_c - 1)$ to zero gives $\pi_c = N_c / \lambda$. What must $\lambda$ be?

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
# ### What the two steps do
#
# For a picture, let a single parameter be unknown, the mean of component 1, and start it on the wrong side. An E step makes a bound that
# touches $\log p_\theta$ where we stand; the M step goes to its top. With `em_e_step` and `em_m_step` (the best mean does not depend on the other parameters that `em_m_step` returns):

# %%
def with_mean(m):
    """pi, mu, sigma with all but the mean of component 1 held fixed."""
    return np.array([0.5, 0.5]), np.array([-0.3, m]), np.array([0.4, 0.4])


ms, stops, curves = np.linspace(-1, 1.2, 111), [-0.9], []
for _ in range(3):
    r = em_e_step(x, *with_mean(stops[-1]))
    curves.append([mixture_elbo(x, r, *with_mean(m)).mean() for m in ms])
    stops.append(em_m_step(x, r)[1][1])
log_ps = [mixture_log_prob(x, *with_mean(m)).mean() for m in ms]

# %%
fig, ax = drawings.surrogates(ms, log_ps, curves, stops)
ax.set(xlabel="mean of component 1", ylabel="nats per five", ylim=(-2.1, -0.3))
ax.set_title("Three steps of EM")
plots.show(fig, alt="The curve of log p with three bounds below it. Each touches it at "
                    "one point and has its top further to the right, where the next "
                    "one touches: -0.9, -0.3, 0.2, 0.3, ever nearer to the summit.")

# %% [markdown]
# Both steps raise the same $\mathcal{F}$, so it can never fall. And as the E step makes it touch $\log p$ again, $\log p$ cannot fall either:
#
# $$\log p_{\theta}(x) \overset{\text{E}}{=} \mathcal{F}(\theta, q) \overset{\text{M}}{\le} \mathcal{F}(\theta_{\text{new}}, q) \overset{\text{bound}}{\le} \log p_{\theta_{\text{new}}}(x).$$
#
# Now all five parameters at once, from two components that nearly coincide.

# %%
predict("04-climb", "60 steps of EM from there. After the first step, how does the "
        "climb go on?", ["ever slower", "evenly", "slow, then fast, then slow"])

# %%
theta = np.array([0.5, 0.5]), np.array([0.0, 0.2]), np.array([0.4, 0.4])
bound, log_p, thetas = [-np.inf], [-np.inf], [theta]  # then after E, M, E, M, ...
for step in range(60):
    r = em_e_step(x, *theta)
    bound.append(mixture_elbo(x, r, *theta).mean())
    log_p.append(mixture_log_prob(x, *theta).mean())
    theta = em_m_step(x, r)
    bound.append(mixture_elbo(x, r, *theta).mean())
    log_p.append(mixture_log_prob(x, *theta).mean())
    thetas.append(theta)
assert np.all(np.diff(bound) > -1e-12)  # never down

# %%
fig, (left, right) = plots.figure(9.6, 3.5, columns=2, width_ratios=[1.1, 1])
for ax, part in [(left, slice(1, 61)), (right, slice(13, 25))]:  # two entries a step
    t = np.arange(121)[part] / 2
    ax.fill_between(t, bound[part], log_p[part], color=drawings.LOSS, alpha=0.25,
                    lw=0, label="gap")
    ax.plot(t, log_p[part], "o-", color="black", ms=4, label="log p(x)")
    ax.plot(t, bound[part], "s--", color=drawings.LOSS, ms=4, label="F")
    ax.set(xlabel="step (half: after E, whole: after M)", ylabel="nats per five")
    ax.legend(loc="lower right")
left.set_title("Never down (the first 30 steps)")
right.set_title("Steps 7 to 12: E closes the gap, M opens it")
plots.show(fig, alt="F and log p(x) climb in an S-shape and level out. Enlarged: "
                    "equal after every E step, higher and apart after every M step.")
reveal("04-climb", "slow, then fast, then slow")

# %% [markdown]
# The M step raises $\mathcal{F}$, and $\log p$ rises *more*, because the old $q$ is no longer the posterior of the new model. That is the gap, and the next
# E step closes it. The components on the way:

# %%
t = np.linspace(-1.1, 1.2, 300)
fig, axes = plots.figure(9.6, 2.8, columns=4, sharey=True)
for ax, step in zip(axes, (0, 8, 11, 60)):
    doubt = 1 - em_e_step(x, *thetas[step]).max(axis=1).mean()
    ax.hist(x, bins=40, density=True, color=drawings.DATA, alpha=0.4)
    for c, (p, m_c, s_c) in enumerate(zip(*thetas[step])):
        ax.plot(t, p * norm.pdf(t, m_c, s_c), "-" if c else "--", lw=2,
                color=drawings.DISTRIBUTION, label=f"component {c}")
    ax.plot(t, np.exp(mixture_log_prob(t, *thetas[step])), "k", lw=1, label="sum")
    ax.set(xlabel="move to the right", title=f"step {step}: in doubt {doubt:.0%}")
axes[0].set_ylabel("density")
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
plots.show(fig, alt="Two nearly equal Gaussians drift apart until each covers one "
                    "hump of the histogram, which their sum then follows.")

# %% tags=["expectation"]
expect(theta[1][0], -0.308, within=0.003)
expect(theta[1][1], 0.421, within=0.003)
expect(theta[0][1], 0.630, within=0.003)
assert np.allclose(bound[1::2], log_p[1::2], atol=1e-10)  # after E
assert np.all(np.array(bound[2::2]) <= np.array(log_p[2::2]) + 1e-12)  # after M
gains = np.diff(bound[1::2])
assert 5 <= gains.argmax() <= 12 and gains[1] < 0.2 * gains.max() > 5 * gains[-1]

# %% [markdown]
# In doubt is the mean probability of the component that is *not* the likelier one. After a first jump the climb is slow while the posterior hardly tells the components apart;
# at the end there is little left to win. "Never down" does not mean "up to the top", though: EM can stop on the way ("Further" shows where). (PyTorch has this density as `MixtureSameFamily(Categorical(pi), Normal(mu, sigma))`.)

# %% [markdown]
# ### Why this is not enough
#
# The E step needs the posterior, and the posterior needs $p(\mathbf{x})$. For two components that is no problem; for a deep decoder it is the integral that we could not
# do (L10). But any step that raises $\mathcal{F}$ raises a floor that $\log p(\mathbf{x})$ cannot fall below, and **$\mathcal{F}$ can be estimated without
# the posterior**. So: restrict $q$ to densities that can be handled, such as Gaussians, raise $\mathcal{F}$ over both, and accept the gap that is left. That is the plan for the rest
# of this course.

# %% [markdown]
# ## 7. More than one sample
#
# Notebook 03 estimated $p(\mathbf{x})$ by an average of importance weights, with draws $z_s$ from $q$:
#
# $$\hat p_S = \frac1S \sum_{s=1}^{S} w_s, \qquad w_s = \frac{p(\mathbf{x}, z_s)}{q(z_s)}, \qquad \mathbb{E}[\hat p_S] = p(\mathbf{x}).$$
#
# (The last holds under the condition of line (2).) The average is right on average. Its logarithm is not: by Jensen, $\mathcal{L}_S = \mathbb{E}[\log \hat p_S] \le \log p(\mathbf{x})$. With a single sample, $\mathcal{L}_1 = \mathbb{E}_q[\log w] = \mathcal{F}$. So
# **the ELBO is the mean logarithm of an estimate with one sample, and the bias of that logarithm is minus the gap.** More samples make the average vary less, and a Jensen gap
# shrinks with the spread. On the model of section 2, with $q = \mathcal{N}(0.8, 0.7^2)$ and the library's `iwae_bound`, the logarithm of the mean over the first axis:

# %%
z = np.random.default_rng(2).normal(0.8, 0.7, size=100_000)
log_w = toy_joints.bent_log_joint(z) - norm.logpdf(z, 0.8, 0.7)
estimates = {S: iwae_bound(log_w.reshape(S, -1)) for S in (1, 10, 100, 1000)}
results({"bound": [(L.mean(), L.std() / np.sqrt(L.size)) for L in estimates.values()]},
        [f"S = {S}" for S in estimates], trained=False,
        caption=f"Mean ± its standard error, in nats. F = {lines['Gaussian'][-1]:.3f}, "
                f"log p(x) = {log_p_x:.3f}")

# %% tags=["expectation"]
L = estimates[1]
expect(L.mean(), lines["Gaussian"][-1], within=4 * L.std() / np.sqrt(L.size))
assert np.all(np.diff([L.mean() for L in estimates.values()]) > 0)
expect(estimates[1000].mean(), log_p_x, within=0.03)

# %% [markdown]
# It never falls as $S$ grows (the proof is below "Further"). Notebooks 07 and 08 measure their models with it.
#
# ## What you have shown
#
# - For a concave $h$, $\mathbb{E}[h(X)] \le h(\mathbb{E}[X])$; a tangent proves it, and for the logarithm only a constant $X$ loses nothing (L11).
# - Every $q$ gives a lower bound $\mathcal{F}(q)$ on $\log p(\mathbf{x})$ (L12, L15). It loses what $q$ leaves out and what it weighs unevenly, together exactly
#   $\mathrm{KL}(q \,\|\, p(z \mid \mathbf{x}))$, so the bound is tight when $q$ is the posterior (L16).
# - EM raises $\mathcal{F}$ in turns over $q$ and over the parameters. It never falls, and it needs the posterior (L10).
# - The ELBO is the mean logarithm of importance sampling with one sample.
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
# ## Further ({{further minutes}} minutes)
#
# ### The bound of a mixture
#
# Write the function that measured EM above.

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
last_r = em_e_step(x, *thetas[-2])
assert np.isclose(mixture_elbo(x, last_r, *thetas[-1]).mean(), bound[-1])

# %% [markdown]
# ### Where EM stops
#
# It never goes down. Does it always go up?

# %%
predict("04-tie", "Start both components at exactly the same place: means 0.1, "
        "widths 0.4, shares 1/2. Where are the means after 200 steps?",
        ["both still at 0.1", "both at the mean of all fives, 0.15",
         "one in each hump, as before"])

# %%
ends = {}
for name, apart in {"exactly together": 0, "a millionth apart": 1e-6}.items():
    pair = np.array([0.5, 0.5]), np.array([0.1, 0.1 + apart]), np.array([0.4, 0.4])
    for _ in range(200):
        pair = em_m_step(x, em_e_step(x, *pair))
    ends[name] = [*pair[1], mixture_log_prob(x, *pair).mean()]
results(ends, ["mean, component 0", "mean, component 1", "log p (nats per five)"])
reveal("04-tie", "both at the mean of all fives, 0.15")

# %% tags=["expectation"]
tied, nudged = ends.values()
assert tied[0] == tied[1] and np.isclose(tied[0], x.mean())
expect(nudged[2] - tied[2], 0.1918, within=0.001)
stopped = np.array([0.5, 0.5]), np.full(2, x.mean()), np.full(2, x.std())
def at(moved, stretched=0):  # log p with the means moved and the widths stretched
    return mixture_log_prob(x, stopped[0], stopped[1] + moved,
                            stopped[2] * np.exp(stretched)).mean()
apart, zeros = 0.05 * np.array([-1, 1]), np.zeros(2)
assert at(apart + 0.1) < at(zeros) < at(apart, -apart / 2) - 1e-4  # down, and up
expect(at(zeros), tied[2], within=1e-9)

# %% [markdown]
# The first M step moves both to the mean of all fives, and gives both the width of all fives. After that nothing moves: every responsibility is one half. EM stops wherever both steps leave everything as it is, and
# this is a saddle, as in notebook 01: moving both means the same way lowers $\log p$; moving them apart while the right component gets narrower and the left one wider raises it. A millionth is enough to get away. Is such a stop likely? Twenty starts, each from two fives drawn at random:

# %%
tops = []
for start in range(20):
    pair = np.random.default_rng(start).choice(x, 2, replace=False)
    now = np.array([0.5, 0.5]), pair, np.full(2, x.std())
    for _ in range(150):
        now = em_m_step(x, em_e_step(x, *now))
    tops.append(mixture_log_prob(x, *now).mean())
print(f"from {min(tops):.4f} to {max(tops):.4f} nats per five")

# %% tags=["expectation"]
expect(min(tops), nudged[2], within=1e-4)
expect(max(tops), nudged[2], within=1e-4)

# %% [markdown]
# All reach the same *local* maximum. There is no highest one: put a component on a single five and let its width go to 0, and the density there grows without end.

# %% [markdown]
# ### Does the hidden variable mean anything?
#
# EM saw one number per five. Look at something that it has not seen, the *end* of the stroke, in the fives of the test set: does the pen finish to the right or to the left?

# %%
new = pen.x_test[pen.y_test == 5].astype(float)
x_new = new[:, 2, 0] - new[:, 1, 0]
r_new = em_e_step(x_new, *thetas[-1])
kind = r_new.argmax(axis=1)
ends_right = new[:, 7, 0] > new[:, 6, 0]
results({"component of EM": np.mean(kind == ends_right),
         "as EM expects (mean responsibility)": np.mean(r_new.max(axis=1)),
         "x > 0, without EM": np.mean((x_new > 0) == ends_right),
         "x > its mean, without EM": np.mean((x_new > x.mean()) == ends_right),
         "always to the right": np.mean(ends_right)},
        trained=False, caption="Agreement with where the stroke ends, 200 new fives")

# %% tags=["expectation"]
for cut in (0, x.mean()):
    expect(np.mean((x_new > cut) == ends_right), np.mean(kind == ends_right),
           within=0.02)
assert np.mean(kind == ends_right) > np.mean(ends_right) + 0.25
expect(np.mean(r_new.max(axis=1)), 0.979, within=0.005)
first, second = new[kind == 0, 0, 0], new[kind == 0, 1, 0]
expect(np.mean(first > second), 0.42, within=0.05)    # these draw the bar to the left

# %%
fig, axes = plots.figure(6.4, 3, columns=2)
for c, ax in enumerate(axes):
    for five in new[kind == c][:40]:
        ax.plot(*five.T, color=plots.PALETTE[3], lw=0.5, alpha=0.6)
    middle = np.median(new[kind == c], axis=0)
    ax.plot(*middle.T, "o-", color=drawings.DATA, lw=2)
    for i, point in enumerate(middle, 1):
        ax.annotate(i, point, xytext=(7, 3), textcoords="offset points", weight="bold")
    ax.set(aspect="equal", title=f"component {c}: {np.sum(kind == c)} fives")
    ax.set_axis_off()
plots.show(fig, alt="Component 0: the points start at the top and end at the bottom "
                    "left. Component 1: the last points are the bar on top.")

# %% [markdown]
# (Blue: the medians of the eight points; grey: the first forty.) The components are two orders of writing: in one the bar comes first, points 1 to 3 (some draw it to the left, more to the right and back), in the other last, points 7 and 8. But two thresholds that need no EM, 0 and the mean of all fives, agree just as well:
# the meaning was in the number $x$. What EM adds is a density for each way, and with it a probability for each five. (Not one to bet on: it expects to be right in 98 %, as two Gaussians know nothing of the small hump at 0.)

# %% [markdown]
# ### Too wide or too narrow?
#
# First the function that averaged weights.

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
# Suppose the posterior of $K = 8$ codes is a Gaussian, as under every linear decoder with Gaussian noise, and spoil it on purpose: let $q$ have the right mean, and all
# eight standard deviations multiplied by a factor $a$. With $z_k = \mu_k + a \sigma_k \varepsilon_k$, Bayes' rule gives the weights without any model,
#
# $$\frac{w}{p(\mathbf{x})} = \frac{p(\mathbf{z} \mid \mathbf{x})}{q(\mathbf{z})} = a^K \exp\Big( \tfrac12 (1 - a^2) \sum_k \varepsilon_k^2 \Big), \qquad
# \log p(\mathbf{x}) - \mathcal{F} = K \left( \tfrac12 (a^2 - 1) - \log a \right).$$

# %%
K, factors = 8, {"too wide": 1.6, "too narrow": 0.5055,
                 "a little too wide": 1.2145, "a little too narrow": 0.8}


def log_weights(a, n, rng):
    """log w - log p(x) for n draws from a q a times as wide as the posterior."""
    eps = rng.normal(size=(n, K))
    return K * np.log(a) + (1 - a ** 2) / 2 * np.sum(eps ** 2, axis=1)


for name, a in factors.items():
    print(f"{name}, a = {a}: gap {K * ((a ** 2 - 1) / 2 - np.log(a)):.3f}")

# %% [markdown]
# Two pairs of errors that the ELBO takes for equal.

# %%
predict("04-faster", "With more and more samples, whose bound climbs faster?",
        ["the wide q's", "the narrow q's", "both alike"])

# %%
pools = {name: np.array([log_weights(a, 100_000, np.random.default_rng(seed))
                         for seed in range(20)]) for name, a in factors.items()}
sizes = [1, 10, 100, 1000]
heights = {name: [iwae_bound(pool.reshape(S, -1)) for S in sizes]
           for name, pool in pools.items()}
table = {name: [(L.mean(), L.std() / np.sqrt(L.size)) for L in row]
         for name, row in heights.items()}
results(table, [f"S = {S}" for S in sizes], trained=False,
        caption="S-sample bound minus log p(x) (nats), from two million weights each")
reveal("04-faster", "the wide q's")

# %%
fig, ax = plots.figure(6.6, 3.4)
for (name, row), marker in zip(table.items(), "os"):
    middle, error = np.transpose(row)
    ax.errorbar(sizes, middle, yerr=2 * error, marker=marker, capsize=4,
                color=drawings.DISTRIBUTION if marker == "o" else plots.PALETTE[5],
                label=f"q {name}")
ax.axhline(0, color="black", ls="--")
ax.text(1, 0.08, "log p(x)")
ax.set(xscale="log", xlabel="samples S", ylim=(-2.8, 0.4))
ax.set(ylabel="bound minus log p(x) (nats)", title="The S-sample bound")
ax.legend(loc="lower right")
plots.show(fig, alt="Both bounds start 2.5 nats below log p(x). The wide q's is there "
                    "at S = 100, the narrow q's not even at S = 1000.")

# %% tags=["expectation"]
for name, a in factors.items():
    (first, error), *_, (last, last_error) = table[name]
    expect(first, -K * ((a ** 2 - 1) / 2 - np.log(a)), within=4 * error)
    assert last < 3 * last_error
def variance(a):  # of w / p(x), where it is finite
    return (a ** 2 / np.sqrt(2 * a ** 2 - 1)) ** K - 1
expect(variance(1.6), 5.4, within=0.05)
for name in ("too wide", "a little too wide"):
    middle, error = table[name][2]
    expect(middle, -variance(factors[name]) / 200, within=4 * error)
assert table["too narrow"][-1][0] < -0.3 < -0.03 < table["too wide"][2][0]
for i in (1, 2):
    (wide, e), (narrow, f) = (table[f"a little too {w}"][i] for w in ("wide", "narrow"))
    assert wide - narrow > 4 * np.hypot(e, f)

# %% [markdown]
# $\mathcal{L}_S \le \log p(\mathbf{x})$ speaks of the expectation; an estimate may lie above by about its error. But all
# four rows climb without any exception, and that is no luck. The same weights went into every point of a curve, so an average of 100 weights is an average of
# ten averages of ten. By Jensen once more, its logarithm is at least the average of theirs:

# %%
for row in heights.values():
    for small, large in zip(row, row[1:]):
        groups = small.reshape(-1, len(large))  # column j: the ten parts of large[j]
        assert np.allclose(np.log(np.mean(np.exp(groups - large), axis=0)), 0)
        assert np.all(groups.mean(axis=0) <= large)

# %% [markdown]
# This is the proof that $\mathcal{L}_S \le \mathcal{L}_{10 S}$ and, with some care about groups that overlap, of $\mathcal{L}_S \le \mathcal{L}_{S+1}$ (Burda, Grosse and Salakhutdinov 2016).
#
# Why does the wide one win, in both pairs? The ELBO asks where $q$ has mass; an average of weights also asks where $q$ has *none*. A $q$ that is too wide wastes samples, but no weight can be larger than $a^K$ times
# $p(\mathbf{x})$. Once the average hardly varies, section 1 has its Jensen gap, half its variance: $\mathcal{L}_S \approx \log p(\mathbf{x}) - V/2S$, where $V$ is the variance of a single $w / p(\mathbf{x})$.
# At $a = 1.6$ it is 5.4. With a $q$ that is too narrow nothing limits the weights, and below $a = 1/\sqrt2$ their variance is infinite ("Further" of notebook 03). Then the average of even 100,000 is a matter of a few
# enormous weights, from draws in the tails, and one such average says little. Here are twenty:

# %%
averages = {}
for name, pool in pools.items():
    w = np.sort(np.exp(pool), axis=1)  # in units of p(x): the mean of each row is 1
    means, share = w.mean(axis=1), w[:, -100:].sum(axis=1) / w.sum(axis=1)
    averages[name] = [means.min(), np.median(means), means.max(), np.median(share),
                      w.max()]
results(averages, ["lowest mean", "median mean", "highest mean",
                   "share of top 100", "largest weight"],
        digits=2, trained=False,
        caption="Twenty averages of 100,000 weights; p(x) is 1, the share is a share")
for name in ("too wide", "a little too wide"):
    assert averages[name][-1] <= factors[name] ** K

# %% tags=["expectation"]
narrow = np.exp(pools["too narrow"]).mean(axis=1)
assert np.sum(narrow < 0.95) >= 12 and narrow.max() > 1.5
assert np.all(np.abs(np.exp(pools["too wide"]).mean(axis=1) - 1) < 0.03)

# %% [markdown]
# The true mean is 1 for all. Below $1/\sqrt2$, most averages are too low, and now and then one is far too high.

# %% [markdown]
# ### Four checks
#
# Every $q$ gives a bound. Here are a thousand, drawn at random:

# %%
rng = np.random.default_rng(0)
bounds = np.array([elbo_on_grid(toy_joints.bent_log_joint, gaussian(a, b), grid)
                   for a, b in rng.uniform([-2, 0.2], [2, 1.2], size=(1000, 2))])
assert np.all(bounds < log_p_x)
print(f"log p(x) = {log_p_x:.3f}; F from {bounds.min():.1f} to {bounds.max():.3f}")

# %% [markdown]
# The gap is a divergence. For the linear model, $\log p(\mathbf{x})$ has a closed form, and so has the divergence of two Gaussians (notebook 05):

# %%
kl = np.log(s_post / 0.5) + (0.5**2 + (0.3 - m_post)**2) / (2 * s_post**2) - 0.5
F = elbo_on_grid(toy_joints.linear_log_joint, gaussian(0.3, 0.5), grid)
gap = gap_on_grid(toy_joints.linear_log_joint, gaussian(0.3, 0.5), grid)
assert abs(toy_joints.linear_log_evidence() - F - kl) < 1e-8 and abs(gap - kl) < 1e-8

# %% [markdown]
# A maximum can be checked by leaving it. For responsibilities drawn at random, none of 200 sets of parameters near those of the M step that keep the constraint has a higher bound:

# %%
rng = np.random.default_rng(1)
any_r = rng.dirichlet([2, 3], size=len(x))
top = em_m_step(x, any_r)
for nudge in np.exp(0.05 * rng.normal(size=(200, 3, 2))):
    pi, mu, sigma = (t * n for t, n in zip(top, nudge))
    moved = mixture_elbo(x, any_r, pi / pi.sum(), mu, sigma).mean()
    assert moved < mixture_elbo(x, any_r, *top).mean()

# %% tags=["expectation"]
pi, mu, sigma = top  # the control: from another place, some nudges do go up
elsewhere = [mixture_elbo(x, any_r, pi, mu, sigma * s).mean() for s in (1.1, 1.045)]
assert elsewhere[1] > elsewhere[0]

# %% [markdown]
# And the posterior of a linear decoder has a closed form. The grid must agree with it, for this model and for the 800 readings of section 2:

# %%
for log_joint, model in [(toy_joints.linear_log_joint, toy_joints.LINEAR),
                         (toy_joints.faint_log_joint, toy_joints.FAINT)]:
    exact = norm.pdf(grid, *toy_joints.linear_posterior(model))
    assert np.abs(posterior_on_grid(log_joint, grid) - exact).max() < 1e-8

# %% [markdown]
# **Sources.** J. Jensen, *Sur les fonctions convexes et les inégalités entre les valeurs moyennes*, 1906. A. Dempster, N. Laird and D. Rubin, *Maximum likelihood from incomplete data via the EM algorithm*,
# 1977. R. Neal and G. Hinton, *A view of the EM algorithm that justifies incremental, sparse, and other variants*, 1998. C. Bishop, *Pattern Recognition and Machine Learning*, 2006, sections 9.4 and 10.1.
# Y. Burda, R. Grosse and R. Salakhutdinov, *Importance weighted autoencoders*, 2016. Pen digits: E. Alpaydin and F. Alimoglu, 1998. Digits: MNIST, Y. LeCun, C. Cortes, C. Burges.
