# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Amortized inference
#
# *Lecture points L19 and L20. About 80 minutes, 11 points.*
#
# Notebook 06 ended with a $q$ that can be trained: move $\boldsymbol\mu$ and $\log\boldsymbol\sigma$ of one example uphill, step by step, until the bound is as high as it goes. It left a question:
# fitting one example takes many gradient steps. **Must we do it for each example?** No: a network can learn to give the answer at once. This notebook measures what
# that saves, what it loses, and where the loss comes from.
#
# By the end you can say, and show with numbers,
#
# - what it costs to fit a $q$ to each example, and how far below $\log p(\mathbf{x})$ even the best one stays,
# - why an encoder returns $\log\boldsymbol\sigma$, and what keeps it from returning $\boldsymbol\sigma = 0$,
# - how $\log p(\mathbf{x})$ divides into the encoder's ELBO and two gaps, digit by digit,
# - what a few steps of refinement from the encoder's answer win back.

# %%
import time

import autograd.numpy as anp
import numpy as np
from matplotlib.patches import Ellipse
from scipy.stats import multivariate_normal

from course_utils.checking import check, hint, progress
from course_utils.data import load_mnist, shrink
from course_utils.explorables.amortization_explorer import amortization_explorer
from course_utils.models import amortization, pca, vae
from course_utils.models.amortization import elbo_of_q, refine
from course_utils.models.linear_gaussian import (
    elbo_linear_gaussian, mean_field_posterior)
from course_utils.models.two_latents import log_p_on_grid
from course_utils.networks import nets, optim
from course_utils.probability.bounds import iwae_bound
from course_utils.probability.gaussians import kl_standard_normal
from course_utils.showing import plots
from course_utils.showing.evidence import show_result

digits = load_mnist()
rng = np.random.default_rng(0)

# %% [markdown]
# ## 1. One example at a time
#
# We start where everything is known: the linear decoder of notebook 05, $\mathbf{x} = W\mathbf{z} + \mathbf{b} + \text{noise}$, made out of PCA, on digits at half their size ($D = 196$), now with
# $K = 8$ latents. One thing is new. We *turn* the latent space: $W$ becomes $WR$ with a rotation $R$.

# %%
X_train, X_test = (shrink(x, 14).astype(float) for x in (digits.x_train, digits.x_test))
K = 8
eigenvalues = pca.pca_eigenvalues(X_train)
b, components = pca.pca_fit(X_train, K)
eta = eigenvalues[K:].mean()
W_straight = components.T * np.sqrt(eigenvalues[:K] - eta)
R = np.linalg.qr(rng.normal(size=(K, K)))[0]
W = W_straight @ R

# %% [markdown]
# **Predict.** Does turning the latents change $p(\mathbf{x})$? Does it change the posterior $p(\mathbf{z}|\mathbf{x})$?

# %%
covariance_x = W @ W.T + eta * np.eye(196)
assert np.allclose(covariance_x, W_straight @ W_straight.T + eta * np.eye(196))
log_p_linear = multivariate_normal.logpdf(X_test, b, covariance_x)
print(f"mean log p(x) of the test digits, either way: {log_p_linear.mean():.3f} nats")

# %% [markdown]
# $p(\mathbf{x})$ stays, since $WR(WR)^\top = WW^\top$ and the prior looks the same from all sides. The posterior turns along. To see what that means for $q$, compute it: $\log p(\mathbf{x}, \mathbf{z})$ is
# quadratic in $\mathbf{z}$, so the posterior is a Gaussian, $\mathcal{N}(\boldsymbol\mu, S)$ with
#
# $$S^{-1} = P = I + \tfrac{1}{\eta} W^\top W, \qquad \boldsymbol\mu = \tfrac{1}{\eta}\, S\, W^\top (\mathbf{x} - \mathbf{b}).$$
#
# $P$ is the *precision*: the prior's, plus what the pixels add.

# %% [markdown]
# {{exercise linear_posterior}}

# %%
def linear_posterior(x, W, b, eta):
    """mu (N, K) and covariance (K, K) of p(z | x) = N(mu, covariance)."""
    ### BEGIN SOLUTION
    covariance = np.linalg.inv(np.eye(W.shape[1]) + W.T @ W / eta)
    return (x - b) @ W @ covariance / eta, covariance
    ### END SOLUTION


# %%
linear_posterior = check(linear_posterior)

# %% [markdown]
# Bayes' rule must hold at *every* $\mathbf{z}$: $\log p(\mathbf{x}) = \log p(\mathbf{x}|\mathbf{z}) + \log p(\mathbf{z}) - \log p(\mathbf{z}|\mathbf{x})$. Try a random one:

# %%
mu, S = linear_posterior(X_test, W, b, eta)
z = rng.normal(size=K)
log_joint = (multivariate_normal.logpdf(X_test, W @ z + b, eta * np.eye(196))
             + multivariate_normal.logpdf(z, np.zeros(K)))
log_posterior = multivariate_normal.logpdf(mu, z, S)  # symmetric in mean and point
assert np.allclose(log_joint - log_posterior, log_p_linear)

# %% [markdown]
# ### The best that a diagonal q can do
#
# Our $q = \mathcal{N}(\boldsymbol\mu, \mathrm{diag}(\boldsymbol\sigma^2))$ has no correlations; since the turn, the posterior has. Setting the derivatives of $\mathcal{F}$ to zero, as in notebook 05, gives the
# posterior's mean and widths that are read off the *precision*,
#
# $$\sigma_k^2 = \frac{1}{P_{kk}} = \frac{1}{1 + \lVert\mathbf{w}_k\rVert^2/\eta},
# \qquad \log p(\mathbf{x}) - \mathcal{F} = \mathrm{KL}(q\,\|\,p(\mathbf{z}|\mathbf{x})) = \tfrac12\Big(\sum_k \log P_{kk} - \log\det P\Big),$$
#
# the same for all $\mathbf{x}$, and zero only if $P$ is diagonal (Hadamard's inequality). `mean_field_posterior` returns this $q$.

# %%
def approximation_gap(P):
    """KL(best diagonal q || posterior) in nats, for precisions P (..., K, K)."""
    diagonal = np.diagonal(P, axis1=-2, axis2=-1)
    return 0.5 * (np.log(diagonal).sum(axis=-1) - np.linalg.slogdet(P)[1])


P = np.eye(K) + W.T @ W / eta
best = mean_field_posterior(X_test, W, b, eta)
best_F = elbo_linear_gaussian(X_test, W, b, eta, *best)
assert np.allclose(best[0], mu)
assert np.allclose(log_p_linear - best_F, approximation_gap(P), atol=1e-9)
straight_gap = approximation_gap(np.eye(K) + W_straight.T @ W_straight / eta)
print(f"gap of the best diagonal q: {approximation_gap(P):.4f} nats,"
      f" before the turn {abs(straight_gap):.4f}")

# %% [markdown]
# So the gap is a property of the *family* of $q$, not of how well we fit: the two models are the same to everybody who sees only $\mathbf{x}$, yet in one of them a diagonal $q$ can be the posterior and in the
# other it cannot. This is called the **approximation gap**. Here are the two latents with the strongest correlation, for the first test digit:

# %%
correlation = S / np.sqrt(np.outer(np.diag(S), np.diag(S)))
i, j = np.unravel_index(np.abs(correlation - np.eye(K)).argmax(), (K, K))
pair = np.ix_([i, j], [i, j])
fig, ax = plots.figure(4.6, 3.8)
values, axes = np.linalg.eigh(S[pair])
angle = np.degrees(np.arctan2(*axes[::-1, 1]))
centre, widths = mu[0, [i, j]], np.exp(best[1][0, [i, j]])
ax.add_patch(Ellipse(centre, *4 * np.sqrt(values[::-1]), angle=angle, alpha=0.35,
                     color=plots.PALETTE[3], label="posterior"))
ax.add_patch(Ellipse(centre, *4 * widths, fill=False, linewidth=2,
                     color=plots.PALETTE[0], label="best diagonal q"))
ax.set(xlabel=f"$z_{i + 1}$", ylabel=f"$z_{j + 1}$", aspect="equal")
ax.set(xlim=centre[0] + [-0.6, 0.6], ylim=centre[1] + [-0.6, 0.6])
ax.set_title(f"correlation {correlation[i, j]:.2f} (2 std. dev.)")
ax.legend(loc="upper left", fontsize=9)
plots.show(fig, alt="A tilted grey ellipse, the posterior of two latents, and on it a "
                    "narrower one with axes along the coordinates, the best q.")
assert np.all(1 / np.diag(P) <= np.diag(S))

# %% [markdown]
# The best $q$ leaves out the posterior's far ends: it is too narrow in every coordinate rather than too wide, as notebook 05 foretold of $\mathrm{KL}(q\,\|\,p)$. In numbers, $1/P_{kk} \le S_{kk}$, the width of $z_k$ *given all other latents* against the width of $z_k$ by itself.
#
# ### Uphill
#
# Suppose that we had no formula for the best $q$. Then we climb, for each example by itself (L19). The slopes of $\mathcal{F}$ for one example are
#
# $$\frac{\partial\mathcal{F}}{\partial\boldsymbol\mu} = \frac1\eta W^\top(\mathbf{x} - \mathbf{b} - W\boldsymbol\mu) - \boldsymbol\mu,
# \qquad \frac{\partial\mathcal{F}}{\partial\log\sigma_k} = 1 - \sigma_k^2\Big(1 + \frac{\lVert\mathbf{w}_k\rVert^2}{\eta}\Big).$$
#
# The literature calls the method *stochastic variational inference*, SVI, when the slopes are estimated from samples; here they are exact.

# %% [markdown]
# {{exercise svi_step}}

# %%
def svi_step(x, mu, log_sigma, W, b, eta, step_size):
    """One step uphill for each row: new mu, log_sigma (N, K)."""
    ### BEGIN SOLUTION
    slope_mu = (x - b - mu @ W.T) @ W / eta - mu
    diagonal = 1 + np.sum(W ** 2, axis=0) / eta
    slope_log_sigma = 1 - np.exp(2 * log_sigma) * diagonal
    return mu + step_size * slope_mu, log_sigma + step_size * slope_log_sigma
    ### END SOLUTION


# %%
svi_step = check(svi_step)


# %%
def climb(x, steps, step_size):
    """F after 0, 1, ... steps from the prior, as an array (steps + 1, N)."""
    q = np.zeros((2, len(x), K))
    heights = [elbo_linear_gaussian(x, W, b, eta, *q)]
    for _ in range(steps):
        q = svi_step(x, *q, W, b, eta, step_size)
        heights.append(elbo_linear_gaussian(x, W, b, eta, *q))
    return np.array(heights)


# %% [markdown]
# **Predict.** From the prior, $\boldsymbol\mu = 0$ and $\boldsymbol\sigma = 1$: how many steps until $\mathcal{F}$ is within 0.1 nat of the best? What if the steps are twice as long, and twice again?

# %%
slowest, fastest = np.linalg.eigvalsh(P)[[0, -1]]
print(f"the precision's eigenvalues go from {slowest:.1f} to {fastest:.1f},"
      f" so steps must be below {2 / fastest:.4f}")
for step_size in (0.005, 0.01, 0.02, 0.04):
    F = climb(X_test[:100], 200, step_size)
    needed = np.argmax(best_F[:100] - F < 0.1, axis=0)
    assert (best_F[:100] - F[-1]).max() < 0.1
    print(f"step size {step_size}: {np.median(needed):.0f} steps")
assert (best_F[:100] - climb(X_test[:100], 200, 0.05)[-1]).min() > 1e6

# %% [markdown]
# A step of size $s$ multiplies the distance of $\boldsymbol\mu$ from its goal by $1 - s\lambda$ along each eigenvector of $P$, so beyond $s = 2/\lambda_{\max}$ it jumps ever farther past it (the last line asserts that); and
# the direction with the smallest $\lambda$ sets the pace.
#
# This is a lucky case, with exact slopes and a parabola to climb. And it is only half of the lecture's method: "then update $\theta$" (L19). Once the decoder has moved, every $q$ is out of date, and the climb
# starts again, for each of thousands of digits, for each of thousands of updates.

# %% [markdown]
# ## 2. Why the logarithm
#
# Why do we climb in $\log\sigma$, and not in $\sigma$ itself? In $\sigma$ the slope is $1/\sigma - \sigma P_{kk}$.
#
# **Predict.** Take the latent with the largest $P_{kk}$ and the step size 0.04, the fastest above. Start at $\sigma = 1$ and take a few steps in $\sigma$. What happens?

# %%
largest, sigma, log_sigma = np.diag(P).max(), 1.0, 0.0
for step in range(1, 4):
    sigma = sigma + 0.04 * (1 / sigma - sigma * largest)
    log_sigma = log_sigma + 0.04 * (1 - np.exp(2 * log_sigma) * largest)
    with np.errstate(invalid="ignore"):
        kl = kl_standard_normal(np.zeros((1, 1)), np.log([[sigma]]))[0]
    print(f"step {step}: sigma {sigma:+.3f} (KL {kl:.2f});"
          f"  by its logarithm {np.exp(log_sigma):.3f}")
assert sigma < 0 and np.isnan(kl)

# %% [markdown]
# The first step leads below zero, where a standard deviation means nothing: its logarithm is not a number, and one such example in a batch is enough to spoil all weights of a network. Nothing in the formula for the slope pulls back:
# it has a second, mirrored goal at negative $\sigma$, and near 0 the term $1/\sigma$ throws $\sigma$ about. In $\log\sigma$ every number is allowed, $\sigma = e^{\log\sigma}$ is positive, and a step that went too far comes back (L20).
#
# The logarithm is not the only way to keep $\sigma$ positive. *Softplus*, $\sigma = \log(1 + e^{\rho})$, grows like $\rho$ and not like $e^\rho$, so large outputs do less harm; many programs use it. What matters is a map from all numbers to the positive ones.

# %% [markdown]
# ## 3. One network for all
#
# Look again at the best $q$ of the linear model: $\boldsymbol\mu$ is the *same function* of $\mathbf{x}$ for all digits, and so is $\log\boldsymbol\sigma$. Whoever knows the function need not climb. An **inference network**, or encoder, is such a
# function with weights $\phi$: from $\mathbf{x}$ it computes $2K$ numbers, the first half of which is $\boldsymbol\mu$ and the second $\log\boldsymbol\sigma$. The cost of the climb is paid once, when the network is
# trained, and shared by all examples that it will ever see. Hence **amortized** inference.

# %% [markdown]
# {{exercise encoder_forward}}

# %%
def encoder_forward(params, x):
    """(mu, log_sigma), each (N, K), of the network params for x (N, D)."""
    ### BEGIN SOLUTION
    h = nets.mlp(params, x)
    K = h.shape[1] // 2
    return h[:, :K], h[:, K:]
    ### END SOLUTION


# %%
encoder_forward = check(encoder_forward)

# %% [markdown]
# For the linear model a single layer is enough, and we can write its weights down: $\boldsymbol\mu = \mathbf{x} A + \mathbf{c}$ with $A = WS/\eta$, and constant $\log\boldsymbol\sigma$.
#
# **Predict.** How far is this encoder from the best $q$ of each digit?

# %%
A = W @ S / eta
layer = np.hstack([A, np.zeros((196, K))]), np.append(-b @ A, -np.log(np.diag(P)) / 2)
exact_F = elbo_linear_gaussian(X_test, W, b, eta, *encoder_forward([layer], X_test))
assert np.allclose(exact_F, best_F, atol=1e-9)

# %% [markdown]
# ### The ledger
#
# Not at all. In general an encoder is not exact, and $\log p(\mathbf{x})$ is the sum of three numbers:
#
# $$\log p(\mathbf{x}) = \underbrace{\mathcal{F}(q_\phi)}_{\text{ELBO of the encoder}}
# + \underbrace{\mathcal{F}(q^*) - \mathcal{F}(q_\phi)}_{\text{amortization gap}}
# + \underbrace{\log p(\mathbf{x}) - \mathcal{F}(q^*)}_{\text{approximation gap}}$$
#
# with $q^*$ the best member of the family for this $\mathbf{x}$. The approximation gap is the family's fault, the amortization gap is the network's. (The names are those of Cremer, Li and Duvenaud, 2018.)

# %% [markdown]
# {{exercise gap_ledger}}

# %%
def gap_ledger(log_p, elbo_best, elbo_encoder):
    """The two gaps of each example, under "approximation" and "amortization"."""
    ### BEGIN SOLUTION
    return {"approximation": log_p - elbo_best,
            "amortization": elbo_best - elbo_encoder}
    ### END SOLUTION


# %%
gap_ledger = check(gap_ledger)

# %% [markdown]
# In the linear model all three terms are exact. The encoder above against one of the same shape that was *trained*, to maximise the mean ELBO of all digits, or of only a hundred of them:

# %%
def train_encoder(x, steps=800):
    """One layer, 196 -> 2K, fitted to x by Adam; the decoder stays as it is."""
    def minus_elbo(layer, x):
        q = vae.encoder_forward([layer], x)
        return -anp.sum(elbo_linear_gaussian(x, W, b, eta, *q)) / len(x)
    rng = np.random.default_rng(1)
    V = 0.02 * rng.normal(size=(196, 2 * K))
    batches = optim.minibatches(x, 100, steps, rng)
    return optim.adam(minus_elbo, (V, -b @ V), batches, steps,
                      step_size=optim.hold_then_linear(0.03, steps))


# %% [markdown]
# **Predict.** For the hundred digits that it was trained on, how large is the amortization gap of the second? And for digits that it has never seen?

# %%
def linear_ledger(layer, x):
    """The gaps in the linear model, for x (N, D); every term is exact."""
    log_p = multivariate_normal.logpdf(x, b, covariance_x)
    F_best = elbo_linear_gaussian(x, W, b, eta, *mean_field_posterior(x, W, b, eta))
    F_layer = elbo_linear_gaussian(x, W, b, eta, *encoder_forward([layer], x))
    return gap_ledger(log_p, F_best, F_layer)


# %%
layers = {"10,000": train_encoder(X_train), "100": train_encoder(X_train[:100])}
expected = {"10,000": (0.05, 0.06), "100": (0.06, 9)}
for name, fitted in layers.items():
    for where, rows, e in zip(("its own", "test"), (X_train[:100], X_test),
                              expected[name]):
        gaps = linear_ledger(fitted, rows)
        assert np.allclose(gaps["approximation"], approximation_gap(P), atol=1e-8)
        assert gaps["amortization"].min() > 0
        show_result(f"trained on {name}, gap on {where} digits",
                    gaps["amortization"].mean(), e, tolerance=0.4 * e + 0.05)

# %% [markdown]
# The approximation gap is the same in all rows (asserted), the formula's. The amortization gap is not: an encoder that has seen few examples gives *them* the right answer and strangers a wrong one. It has
# **overfitted**, although the decoder, and with it the model $p(\mathbf{x})$, stood still. A $q$ that is fitted by climbing cannot do that: it learns nothing from other examples, good or bad.
#
# ### What q(z|x) is not
#
# From now on everybody, the lecture included, writes $q(\mathbf{z}|\mathbf{x})$. The bar says that $q$ depends on $\mathbf{x}$; it does not say that $q$ is the conditional of some joint distribution. The posterior is one, and so it has a
# property: averaged over $p(\mathbf{x})$ it gives the prior back, $\int p(\mathbf{z}|\mathbf{x})\,p(\mathbf{x})\,\mathrm{d}\mathbf{x} = p(\mathbf{z})$.
#
# **Predict.** Average the best $q(\mathbf{z}|\mathbf{x})$ over $p(\mathbf{x})$. Is the result $\mathcal{N}(0, I)$?
#
# Here that is arithmetic: the covariance of the average is the covariance of the means, $A^\top (WW^\top + \eta I) A$, plus the covariance within.

# %%
between = A.T @ covariance_x @ A
assert np.allclose(between + S, np.eye(K))        # the posterior's: the prior
averaged = between + np.diag(1 / np.diag(P))      # the best q's
off = np.abs(averaged - np.eye(K))
print(f"largest deviation from I: {off.max():.4f}")

# %% [markdown]
# The deviation is small, as the approximation gap is, but it is not zero: no joint distribution with this prior and this $p(\mathbf{x})$ has these conditionals. So $q(\mathbf{z}|\mathbf{x})$ is best read as
# $q(\mathbf{z};\, \phi(\mathbf{x}))$, a distribution whose parameters a network computes from $\mathbf{x}$ (L20).

# %% [markdown]
# ## 4. Real digits
#
# Now a decoder that bends, and pixels that are black or white, $p(\mathbf{x}|\mathbf{z}) = \prod_d \mathrm{Bernoulli}(x_d)$. `vae.vae_train` trains the encoder and the decoder *together* on the mean ELBO; how, is the matter of
# notebook 08. We need a model whose encoder we can examine: one with ten latents, and a small one with two, for which integrals can be done on a grid.

# %%
encoder, decoder = vae.vae_train(digits.x_train, [784, 200, 10], 1200,
                                 np.random.default_rng(0))

# %%
encoder_2, decoder_2 = vae.vae_train(digits.x_train, [784, 100, 2], 700,
                                     np.random.default_rng(0))

# %% [markdown]
# We examine a hundred training digits and a hundred test digits, made black and white once and for all, with one set of noise for every comparison. `elbo_of_q(decoder, x, mu, log_sigma, eps)` is the ELBO of any $q$, wherever it comes
# from.

# %%
N = 100
grey = np.concatenate([digits.x_train[:N], digits.x_test[:N]])
x = vae.binarise(grey, np.random.default_rng(1))
train, test = slice(0, N), slice(N, 2 * N)
eps = np.random.default_rng(2).standard_normal((256, 2 * N, 10), dtype=np.float32)
q_encoder = encoder_forward(encoder, x)
elbo_encoder = elbo_of_q(decoder, x, *q_encoder, eps)
show_result("mean ELBO of the encoder, training digits", elbo_encoder[train].mean(),
            expected=-115, tolerance=3)
show_result("mean ELBO of the encoder, test digits", elbo_encoder[test].mean(),
            expected=-118, tolerance=3)

# %% [markdown]
# ### A sigma near zero
#
# What if an encoder said $\boldsymbol\sigma \approx 0$? Then $\mathbf{z} = \boldsymbol\mu + \boldsymbol\sigma\odot\boldsymbol\varepsilon$ is $\boldsymbol\mu$, the noise has no effect, and encoder and decoder are an *ordinary autoencoder*: deterministic, a code and its
# reconstruction. We can do that to ours: subtract $\delta$ from each $\log\sigma$.
#
# **Predict.** Draw the reconstruction term, the KL term and the ELBO against $\delta$. Which of them is a straight line for large $\delta$, and what is its slope?

# %%
deltas = np.arange(0, 6.1, 0.5, dtype=np.float32)
mu, log_sigma = (part[test] for part in q_encoder)
elbos = np.array([elbo_of_q(decoder, x[test], mu, log_sigma - d, eps[:64, test]).mean()
                  for d in deltas])
kls = np.array([kl_standard_normal(mu, log_sigma - d).mean() for d in deltas])
point = vae.elbo_terms(encoder, decoder, x[test], 0 * eps[0, test])[0].mean()
assert abs(elbos[-1] + kls[-1] - point) < 0.1
slope = (kls[-1] - kls[-3]) / (deltas[-1] - deltas[-3])
show_result("slope of the KL term", slope, expected=10, tolerance=0.02)

# %%
fig, ax = plots.figure(6.4, 3.6)
ax.plot(deltas, elbos + kls, "--", label="reconstruction term")
ax.axhline(point, color=plots.PALETTE[8], linewidth=0.8)
ax.plot(deltas, -kls, "-.", label="− KL")
ax.plot(deltas, elbos, "o-", markersize=4, label="ELBO")
ax.text(0.1, point + 2, "an ordinary autoencoder's", fontsize=9)
ax.set(xlabel="δ, by which each log σ is lowered", ylabel="nats, mean over test digits")
ax.set_title("Forcing σ towards 0")
ax.legend()
plots.show(fig, alt="As sigma shrinks, the reconstruction term rises a little and "
                    "levels off, minus KL falls in a straight line, "
                    "and so does the ELBO.")

# %% [markdown]
# The reconstruction gains a little and then no more, while the price grows by $K$ nats for each unit of $\delta$, without end: that is notebook 05's $-K\log\sigma$. So it is the KL term, and nothing else, that keeps the VAE
# from becoming an ordinary autoencoder (L17, L20).

# %% [markdown]
# ## 5. The ledger, measured
#
# Three numbers are needed for each digit. The encoder's ELBO we have. The **best** $q$ comes from the climb: `refine` takes Adam steps on every digit's own $(\boldsymbol\mu, \log\boldsymbol\sigma)$, with pathwise gradients as in notebook 06,
# and touches no weights.

# %%
q_best = refine(decoder, x, *q_encoder, 100, np.random.default_rng(3))
elbo_best = elbo_of_q(decoder, x, *q_best, eps)
assert (elbo_best - elbo_encoder).min() > 0  # the same noise for both

# %% [markdown]
# Is this the top? A climb can end on a lower one. So we climb again from far away, from the prior, and compare:

# %%
q_prior = 0 * q_encoder[0], 0 * q_encoder[1]
visited, began = [], time.process_time()
q_cold = refine(decoder, x, *q_prior, 150, np.random.default_rng(4), step_size=0.1,
                callback=lambda t, q, loss: visited.append(q))
time_per_step = (time.process_time() - began) / 150 / (2 * N)
difference = elbo_of_q(decoder, x, *q_cold, eps) - elbo_best
show_result("digits where both climbs end within 0.1 nat",
            np.sum(np.abs(difference) < 0.1), expected=199, tolerance=9)
assert difference.max() < 1

# %% [markdown]
# ### log p(x)
#
# The third number is the hard one: an integral over ten dimensions. Notebook 03's answer was importance sampling: draw $\mathbf{z}_s$ from a proposal $r$ and average the weights $w_s = p(\mathbf{x}, \mathbf{z}_s)/r(\mathbf{z}_s)$. How good is that? If one weight is as
# large as all the others together, then a thousand samples are worth little more than one. The **effective sample size** says how many samples of equal weight would be worth as much:
#
# $$\mathrm{ESS} = \frac{\big(\sum_s w_s\big)^2}{\sum_s w_s^2}, \qquad \text{between } 1 \text{ and } S.$$

# %% [markdown]
# {{exercise effective_sample_size}}

# %%
def effective_sample_size(log_w):
    """(sum_s w_s)^2 / sum_s w_s^2 for each column of log_w (S, N); stable."""
    ### BEGIN SOLUTION
    w = np.exp(log_w - log_w.max(axis=0))
    return w.sum(axis=0) ** 2 / (w ** 2).sum(axis=0)
    ### END SOLUTION


# %%
effective_sample_size = check(effective_sample_size)

# %% [markdown]
# Which proposal? $q^*$ is too narrow, and knows no correlations. But near the posterior the decoder is *nearly straight*, and for a straight decoder section 1 has the posterior's precision. With the Jacobian $J$ of the logits at
# $\boldsymbol\mu$, and $p_d(1 - p_d)$, a pixel's variance, in the place of $1/\eta$,
#
# $$P \approx I + J^\top \mathrm{diag}\big(p_d(1 - p_d)\big)\, J.$$
#
# `local_precision` computes it, and `log_weights_of` draws from $\mathcal{N}(\boldsymbol\mu, (1.2)^2 P^{-1})$, a little wider, as a proposal must never be too narrow.
#
# **Predict.** Of 1000 samples, how many effective ones does $q^*$ give for the typical digit? And the new proposal?

# %%
P_local = amortization.local_precision(decoder, q_best[0])
noise = np.random.default_rng(5).standard_normal((2000, 2 * N, 10), dtype=np.float32)
log_w_q = vae.log_weights(decoder, x[::4], *(p[::4] for p in q_best), noise[:1000, ::4])
log_w = amortization.log_weights_of(decoder, x, q_best[0], P_local, noise)
log_p = iwae_bound(log_w)
show_result("median ESS of 1000 samples from the best q",
            np.median(effective_sample_size(log_w_q)), expected=100, tolerance=70)
show_result("median ESS of 1000 samples from the new proposal",
            np.median(effective_sample_size(log_w[:1000])), expected=390, tolerance=140)
show_result("digits with an ESS below 50 of 2000",
            np.sum(effective_sample_size(log_w) < 50), expected=1, tolerance=5)

# %% [markdown]
# Two checks before we trust it. When the number of samples grows fourfold, from 500 to 2000, the estimate must stay:

# %%
growth = log_p - iwae_bound(log_w[:500])
show_result("mean change of log p(x)", growth.mean(), expected=0, tolerance=0.03)
show_result("digits of 200 where it changes by less than 0.25",
            np.sum(np.abs(growth) < 0.25), expected=198, tolerance=6)

# %% [markdown]
# And for the model with two latents, the same procedure must agree with an integral on a fine grid, which has no samples in it at all:

# %%
some = x[test][:60]
climbs = [refine(decoder_2, some, *start, 100, np.random.default_rng(6), step_size=size)
          for start, size in ((encoder_forward(encoder_2, some), 0.03),
                              (np.zeros((2, 60, 2)), 0.1))]
noise_2 = np.random.default_rng(7).standard_normal((2000, 60, 2), dtype=np.float32)
heights = [elbo_of_q(decoder_2, some, *q, noise_2[:256]) for q in climbs]
higher = np.argmax(heights, axis=0)[:, None]                      # of the two climbs
mu_2, _ = (np.where(higher == 0, *parts) for parts in zip(*climbs))

# %%
log_w_2 = amortization.log_weights_of(
    decoder_2, some, mu_2, amortization.local_precision(decoder_2, mu_2), noise_2)
error = iwae_bound(log_w_2) - log_p_on_grid(decoder_2, some)
show_result("2 latents, median absolute error", np.median(np.abs(error)), 0.01, 0.02)
show_result("digits of 60 with an error below 0.1", np.sum(np.abs(error) < 0.1), 57, 3)
assert error.max() < 0.2

# %%
# NBVAL_IGNORE_OUTPUT
for n in np.argsort(error)[:3]:
    print(f"test digit {n}: error {error[n]:+.2f} nats, effective sample size "
          f"{effective_sample_size(log_w_2)[n]:.0f} of 2000")

# %% [markdown]
# They agree, but for a few digits (the three worst are listed), and there the estimate is too *low*. Those posteriors have two hills, and a proposal around one of them hardly visits the other. What it does not visit, the effective sample size does not
# know of, nor does it help to draw more: both checks are blind there. (With two latents this is not rare: many digits must share little room.) With ten latents, what speaks against a second hill is that climbs from two places ended at the same height.
# So the estimates of $\log p(\mathbf{x})$, and with them the approximation gaps, may be somewhat too low, and are never much too high.

# %% [markdown]
# ### The result
#
# **Predict.** Which gap is larger, that of the family or that of the network? Which of them will be larger on test digits than on training digits?

# %%
gaps = gap_ledger(log_p, elbo_best, elbo_encoder)
assert np.allclose(elbo_encoder + gaps["amortization"] + gaps["approximation"], log_p)
expected = {"approximation": (0.88, 0.98), "amortization": (2.4, 3.3)}
for name, gap in gaps.items():
    for rows, where, e in zip((train, test), ("training", "test"), expected[name]):
        show_result(f"{name} gap, {where} digits", gap[rows].mean(), e, 0.3 * e)

# %%
# NBVAL_IGNORE_OUTPUT
print("nats, mean ± standard error       training digits     test digits")
for name, values in {"ELBO of the encoder": elbo_encoder,
                     "+ amortization gap": gaps["amortization"],
                     "+ approximation gap": gaps["approximation"],
                     "= log p(x)": log_p}.items():
    cells = [f"{values[rows].mean():8.2f} ± {values[rows].std() / np.sqrt(N):4.2f}"
             for rows in (train, test)]
    print(f"{name:32s}", "    ".join(cells))

# %%
fig, panels = plots.figure(9.6, 3.7, columns=2, sharey=True)
for ax, rows, title in zip(panels, (train, test), ("training digits", "test digits")):
    parts = np.array([gaps["approximation"][rows], gaps["amortization"][rows]])
    upper, lower = parts[:, np.argsort(parts.sum(axis=0))]
    ax.bar(np.arange(N), -upper, 1, color=plots.PALETTE[3], label="approximation gap")
    ax.bar(np.arange(N), -lower, 1, bottom=-upper, color=plots.PALETTE[1],
           label="amortization gap")
    ax.plot(-upper - lower, color=plots.PALETTE[0], label="ELBO of the encoder")
    ax.set(xlabel="digits, sorted by the sum", title=f"100 {title}", xlim=(-1, N))
panels[0].set(ylabel="nats below log p(x)")
panels[0].legend(loc="lower left")
plots.show(fig, alt="Bars that hang from log p(x) down to the encoder's ELBO, sorted "
                    "by length. The upper part, the approximation gap, is short and "
                    "alike in both panels; the amortization gap is longer, "
                    "most on test digits.")

# %%
difference = gaps["amortization"][test].mean() - gaps["amortization"][train].mean()
error = np.sqrt(gaps["amortization"][test].var() / N
                + gaps["amortization"][train].var() / N)
show_result("amortization gap, test minus training", difference, 0.9, tolerance=0.7)
assert difference > 2 * error

# %% [markdown]
# Most of what this VAE's bound loses, it loses to the network, not to the diagonal family. And the network's part is larger on digits that it has not been trained on, by more than chance can explain: the encoder overfits, as in section 3. Cremer, Li and Duvenaud came to the
# same conclusion, for networks and training times of their own: the loss is often due to the network rather than to the family. They add a reason why the family gets off so lightly: the decoder was trained together with it, and has learned to make posteriors that suit it.
#
# ### Where the approximation gap comes from
#
# Section 1 had a formula, $\frac12(\sum_k\log P_{kk} - \log\det P)$, for a straight decoder. With the local precision of each digit it becomes a *prediction* for the bent one.

# %%
predicted = approximation_gap(P_local)
fig, ax = plots.figure(4.6, 3.9)
ax.plot(predicted, gaps["approximation"], ".", alpha=0.7)
ax.plot([0, 2.5], [0, 2.5], color=plots.PALETTE[8], linewidth=0.8)
ax.set(xlabel="predicted from the Jacobian (nats)", ylabel="measured (nats)")
ax.set(xlim=(0, 2.5), ylim=(0, 2.5), title="Approximation gap, 200 digits")
plots.show(fig, alt="A cloud of points around the diagonal: the measured approximation "
                    "gap against the one predicted from a locally straight decoder.")
show_result("measured over predicted, on average",
            gaps["approximation"].mean() / predicted.mean(), 0.98, tolerance=0.15)
show_result("correlation", np.corrcoef(predicted, gaps["approximation"])[0, 1],
            expected=0.56, tolerance=0.3)

# %% [markdown]
# On average the formula hits the mark: what a diagonal $q$ misses are the posterior's *correlations*. The scatter is what the decoder's bend adds, and takes away. A richer family (full covariance, normalising flows) would shrink this gap; it would not touch the other.

# %% [markdown]
# ## 6. What it costs
#
# **Predict.** How many steps does a digit need from the prior until its ELBO is within 0.1 nat of the best? How many times the cost of one pass through the encoder is that?
#
# The second climb of section 5 has kept every $q$ that it visited.

# %%
x_new, eps_new = x[test], eps[:64, test]
from_prior, from_encoder = (tuple(p[test] for p in q) for q in (q_prior, q_encoder))
best_new = elbo_of_q(decoder, x_new, *(p[test] for p in q_best), eps_new)
checked = np.arange(10, 151, 5)
missing = np.array([best_new - elbo_of_q(
    decoder, x_new, *(p[test] for p in visited[t - 1]), eps_new) for t in checked])
arrived = (missing < 0.1).any(axis=0)
steps_needed = np.median(checked[np.argmax(missing < 0.1, axis=0)][arrived])
show_result("steps until within 0.1 nat, median", steps_needed, 75, tolerance=25)
show_result("test digits that got there", arrived.sum(), expected=99, tolerance=7)

# %% [markdown]
# The times are this machine's. Both are per digit, with a hundred or more digits at once, which is kind to the climb; one by one it takes several times longer.

# %%
# NBVAL_IGNORE_OUTPUT
began = time.process_time()
for _ in range(100):
    encoder_forward(encoder, x_new)
time_encoder = (time.process_time() - began) / 100 / N
ratio = time_per_step * steps_needed / time_encoder
print(f"one step of the climb:   {time_per_step * 1e6:9.1f} microseconds of CPU time")
print(f"the climb:               {time_per_step * 1e6 * steps_needed:9.1f}")
print(f"one pass of the encoder: {time_encoder * 1e6:9.1f}")
print(f"ratio: {ratio:.0f}")
assert ratio > 100

# %% [markdown]
# The ratio must be large: a step sends several samples forward and backward through the decoder, the climb has many steps, and the encoder is one network of the same size that is passed through once. In training it is decisive. VAEs go through
# the data dozens of times, and each time the decoder has changed.
#
# ## 7. A little of both
#
# The encoder is fast and a few nats off; the climb is exact and slow. What about a *few* steps, from the encoder's answer? (This is called *semi-amortized* inference.)
#
# **Predict.** Of the amortization gap on test digits, which share do 1, 5 and 20 steps win back? Where is the climb from the prior after as many steps?
#
# Each number of steps is a run of its own, with the better of two step sizes: a long way calls for longer steps.

# %%
budgets = (1, 2, 5, 10, 20)
trials = {"encoder": (from_encoder, (0.03, 0.1)), "prior": (from_prior, (0.2, 0.5))}
short_of_best = {}
for name, (start, step_sizes) in trials.items():
    runs = [[refine(decoder, x_new, *start, steps, np.random.default_rng(8),
                    step_size=s) for steps in budgets] for s in step_sizes]
    lost = [[np.mean(best_new - elbo_of_q(decoder, x_new, *q, eps_new)) for q in run]
            for run in runs]
    short_of_best[name] = np.min(lost, axis=0)

# %%
gap_0 = np.mean(best_new - elbo_of_q(decoder, x_new, *from_encoder, eps_new))
fig, ax = plots.figure(6.4, 3.7)
ax.axhline(gap_0, color=plots.PALETTE[8], linestyle=":", label="encoder alone")
for name, marker in (("prior", "s--"), ("encoder", "o-")):
    ax.plot(budgets, short_of_best[name], marker, label=f"started at the {name}")
ax.set(xscale="log", yscale="log", xlabel="refinement steps", xticks=budgets)
ax.set_xticks([], minor=True)
ax.set_xticklabels(budgets)
ax.set(ylabel="nats below the best q", title="What a few steps win back (test digits)")
ax.legend(loc="lower left")
plots.show(fig, alt="Nats below the best q against steps, both axes logarithmic. From "
                    "the encoder a few nats fall to a few tenths; from the prior the "
                    "climb begins at hundreds and after twenty steps is at about ten.")

# %%
for steps, e, tolerance in ((1, 0.45, 0.25), (5, 0.7, 0.2), (20, 0.9, 0.12)):
    share = 1 - short_of_best["encoder"][budgets.index(steps)] / gap_0
    show_result(f"share of the amortization gap won back by {steps:2} steps", share, e,
                tolerance)
show_result("after 20 steps from the prior, nats short of the best",
            short_of_best["prior"][budgets.index(20)], expected=9, tolerance=7)
assert short_of_best["prior"][budgets.index(20)] > gap_0

# %% [markdown]
# The first steps from the encoder's answer are the most rewarding, and after twenty steps from the prior the climb has not even come to where the encoder *began*. So a network that is only roughly right is worth a great deal as a place to start from. VAEs in practice stay with the
# encoder alone, and live with the gap; when $\log p(\mathbf{x})$ is to be reported, or one important $\mathbf{x}$ to be understood, one refines.
#
# ### Explore
#
# Two latents can be drawn. The panel shows what no still picture can: $q$ on its way to the *true* posterior of a digit, and what each step adds to the ledger. Its numbers are integrals; only the steps themselves use samples. (The square in the first panel is the
# second one; the circle holds most of the prior.)
#
# **Predict** before you move anything: (a) Does the encoder err in the place of $q$, or in its width? (b) From the prior, which of the two is right first?

# %%
firsts = [np.flatnonzero(digits.y_test == label)[0] for label in range(10)]
amortization_explorer(encoder_2, decoder_2, x[test][firsts],
                      [str(c) for c in range(10)])

# %% [markdown]
# ## What you have shown
#
# - Without amortization, each example's $(\boldsymbol\mu, \log\boldsymbol\sigma)$ is found by climbing its own ELBO, dozens of steps for each, again after every change of the decoder (L19). In the linear model the goal is known in closed form, and so is what a diagonal $q$ cannot reach.
# - An encoder computes $(\boldsymbol\mu, \log\boldsymbol\sigma)$ in one pass, at a small fraction of the cost. The logarithm keeps $\boldsymbol\sigma$ positive; the KL term keeps it from vanishing, which would leave an ordinary autoencoder. And $q(\mathbf{z}|\mathbf{x})$ is no conditional distribution of anything (L20).
# - $\log p(\mathbf{x})$ = ELBO of the encoder + amortization gap + approximation gap, measured for two hundred digits. The first gap is the network's, and grows on new digits; the second is the family's, and comes from the posterior's correlations.
# - A few steps from the encoder's answer win back most of what amortization costs.
#
# ## What is left open
#
# We took encoder and decoder from a function that trains both together and asked only how good its $q$ is. The other half of the model has not been looked at: draw $\mathbf{z}$ from the prior, decode, and see. Encoder and decoder trained together, at scale: **what does it generate?** That is
# notebook 08.

# %%
# NBVAL_IGNORE_OUTPUT
progress()

# %% [markdown]
# **Sources.** M. Hoffman, D. Blei, C. Wang and J. Paisley, *Stochastic variational inference*, 2013. D. Kingma and M. Welling, *Auto-encoding variational Bayes*, 2014. D. Rezende, S. Mohamed and D. Wierstra, *Stochastic backpropagation and approximate inference in deep generative models*, 2014. S. Gershman and
# N. Goodman, *Amortized inference in probabilistic reasoning*, 2014. C. Cremer, X. Li and D. Duvenaud, *Inference suboptimality in variational autoencoders*, 2018. Y. Kim, S. Wiseman, A. Miller, D. Sontag and A. Rush, *Semi-amortized variational autoencoders*, 2018. A. Kong, *A note on importance sampling using
# standardized weights*, 1992. C. Bishop, *Pattern Recognition and Machine Learning*, 2006, sections 2.3 and 10.1. Digits: MNIST, Y. LeCun, C. Cortes, C. Burges.
