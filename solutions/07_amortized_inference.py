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
# *Lecture points L19 and L20. About {{core minutes}} minutes, 16 points; {{further minutes}} more minutes below "Further". [Glossary](00_start_here.ipynb#Glossary)*
#
# Notebook 06 ended with a $q$ that can be trained: move $\boldsymbol\mu$ and $\log\boldsymbol\sigma$ of one example uphill, step by step, until the bound is as high as it goes. It left a question:
# that takes many steps for one example. **Must we do it for each?** A network could learn to give the answer at once. You will train it, and measure what it loses, and
# what wins the loss back.
#
# By the end you can say, and show with numbers,
#
# - what it takes to fit a $q$ to one example, and how far below $\log p(\mathbf{x})$ even the best one stays,
# - how to train an encoder, and why it returns $\log\boldsymbol\sigma$,
# - how $\log p(\mathbf{x})$ divides into the encoder's ELBO and two gaps, digit by digit,
# - what a few steps for the single digit win back.

# %%
import autograd.numpy as anp
import numpy as np
from autograd import grad
from scipy.stats import multivariate_normal

from course_utils.checking import check, hint, predict, progress, reveal
from course_utils.data import load_mnist, shrink
from course_utils.explorables.amortization_explorer import amortization_explorer
from course_utils.models import amortization, pca, vae
from course_utils.models.amortization import elbo_of_q, refine
from course_utils.models.linear_gaussian import (
    elbo_linear_gaussian, mean_field_posterior)
from course_utils.networks import nets
from course_utils.networks.nets import init_mlp
from course_utils.networks.optim import adam, hold_then_linear, minibatches
from course_utils.probability.bounds import iwae_bound
from course_utils.probability.gaussians import kl_standard_normal
from course_utils.showing import drawings, plots
from course_utils.showing.evidence import expect, results

digits = load_mnist()

# %% [markdown]
# On the left the numbers $\boldsymbol\mu$ and $\log\boldsymbol\sigma$ are moved themselves, anew for every $\mathbf{x}$; on the right the weights of a network are.

# %%
fig, ax = drawings.two_ways_to_q()
plots.show(fig, alt="Left: mu and log sigma of one x go into the bound F, whose slope "
                    "goes back to them. Right: an encoder computes them from x, and "
                    "the slope goes back to the encoder's weights.")

# %% [markdown]
# ## 1. One example at a time
#
# We start where everything is known: the linear decoder of notebook 05, $\mathbf{x} = W\mathbf{z} + \mathbf{b} + \text{noise}$, on digits at half their size ($D = 196$), with
# $K = 8$ latents. Its best parameters come from PCA (notebook 08 checks it): the noise variance $\eta$ is the mean of the eigenvalues $\lambda_k$ that PCA drops, and column $k$ of $W$ is eigenvector $k$ with the length $\sqrt{\lambda_k - \eta}$.
# One thing is new, and you will soon see what for. We *turn* the latent space: $W$ becomes $WR$ with a rotation $R$.

# %%
small_train, small_test = (shrink(x, 14).astype(float)
                           for x in (digits.x_train, digits.x_test))
K = 8
eigenvalues = pca.pca_eigenvalues(small_train)
b, components = pca.pca_fit(small_train, K)
eta = eigenvalues[K:].mean()
W_straight = components.T * np.sqrt(eigenvalues[:K] - eta)
R = np.linalg.qr(np.random.default_rng(0).normal(size=(K, K)))[0]
R[:, 0] *= np.linalg.det(R)  # 1 or -1: no mirror
W = W_straight @ R

# %%
predict("07-turn", "What does the turn change?",
        ["nothing", "p(x)", "the posteriors p(z | x)", "both"])

# %% [markdown]
# Find out. $\log p(\mathbf{x}, \mathbf{z}) = \log p(\mathbf{x}|\mathbf{z}) + \log p(\mathbf{z})$ is quadratic in $\mathbf{z}$, so the posterior is a Gaussian $\mathcal{N}(\boldsymbol\mu, S)$.
# Write the quadratic as $-\frac12\mathbf{z}^\top P\mathbf{z} + \mathbf{z}^\top\mathbf{a} + \text{const}$ and complete the square: $S = P^{-1}$, $\boldsymbol\mu = S\mathbf{a}$. What are $P$ and $\mathbf{a}$?

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
# $P$ is called the *precision*.

# %%
mu, S = linear_posterior(small_test, W, b, eta)
_, S_straight = linear_posterior(small_test, W_straight, b, eta)
covariance_x = W @ W.T + eta * np.eye(196)
same_p_x = np.allclose(covariance_x, W_straight @ W_straight.T + eta * np.eye(196))
same_posterior = np.allclose(S, S_straight)
reveal("07-turn", ["both", "the posteriors p(z | x)", "p(x)", "nothing"][
    same_p_x + 2 * same_posterior])

# %% [markdown]
# $p(\mathbf{x})$ stays, as $WR(WR)^\top = WW^\top$: $\mathcal{N}(0, I)$ is the same in all directions. The posterior turns along. It must obey Bayes' rule, $\log p(\mathbf{x}) = \log p(\mathbf{x}|\mathbf{z}) + \log p(\mathbf{z}) - \log p(\mathbf{z}|\mathbf{x})$, at *every* $\mathbf{z}$; try one:

# %%
log_p_linear = multivariate_normal.logpdf(small_test, b, covariance_x)
z = np.random.default_rng(1).normal(size=K)
log_joint = (multivariate_normal.logpdf(small_test, W @ z + b, eta * np.eye(196))
             + multivariate_normal.logpdf(z, np.zeros(K)))
log_posterior = multivariate_normal.logpdf(mu, z, S)  # symmetric in mean and point
assert np.allclose(log_joint - log_posterior, log_p_linear)

# %% [markdown]
# ### The best that a diagonal q can do
#
# Our $q = \mathcal{N}(\boldsymbol\mu, \mathrm{diag}(\boldsymbol\sigma^2))$ has no correlations; since the turn, the posterior has. Setting the derivatives of $\mathcal{F}$ to zero gives the
# posterior's mean, and widths that are read off the *precision*,
#
# $$\sigma_k^2 = \frac{1}{P_{kk}},
# \qquad \log p(\mathbf{x}) - \mathcal{F} = \mathrm{KL}(q\,\|\,p(\mathbf{z}|\mathbf{x})) = \tfrac12\Big(\sum_k \log P_{kk} - \log\det P\Big),$$
#
# the same for all $\mathbf{x}$, and zero only if $P$ is diagonal (Hadamard's inequality). `mean_field_posterior` returns this $q$, as $\boldsymbol\mu$ and $\log\boldsymbol\sigma$.

# %%
def approximation_gap(P):
    """KL(best diagonal q || posterior) in nats, for precisions P (..., K, K)."""
    diagonal = np.diagonal(P, axis1=-2, axis2=-1)
    return 0.5 * (np.log(diagonal).sum(axis=-1) - np.linalg.slogdet(P)[1])


P, P_straight = np.linalg.inv(S), np.linalg.inv(S_straight)
best = mean_field_posterior(small_test, W, b, eta)
best_F = elbo_linear_gaussian(small_test, W, b, eta, *best)
assert np.allclose(log_p_linear - best_F, approximation_gap(P), atol=1e-8)
print(f"gap of the best diagonal q: {approximation_gap(P):.4f} nats,"
      f" before the turn {abs(approximation_gap(P_straight)):.4f}")

# %% [markdown]
# So this gap is a property of the *family* of $q$, not of how well we fit: the two models are the same to everybody who sees only $\mathbf{x}$, yet in one of them a diagonal $q$ can be the posterior and in the
# other it cannot. It is called the **approximation gap**. The two latents with the strongest correlation, for the first test digit:

# %%
correlation = S / np.sqrt(np.outer(np.diag(S), np.diag(S)))
i, j = np.unravel_index(np.abs(correlation - np.eye(K)).argmax(), (K, K))
shapes = {"posterior": S[np.ix_([i, j], [i, j])],
          "best diagonal q": np.diag(np.exp(2 * best[1][0, [i, j]]))}
turn = np.linspace(0, 2 * np.pi, 200)
circle, centre = np.stack([np.cos(turn), np.sin(turn)]), mu[0, [i, j]]

# %% tags=["expectation"]
assert np.all(1 / np.diag(P) <= np.diag(S))

# %%
fig, ax = plots.figure(4.6, 3.8)
for (name, covariance), colour in zip(shapes.items(), ("black", plots.PALETTE[4])):
    outline = 2 * np.linalg.cholesky(covariance) @ circle  # two standard deviations
    ax.plot(*(centre[:, None] + outline), color=colour, linewidth=2, label=name)
ax.set(xlabel=f"$z_{i + 1}$", ylabel=f"$z_{j + 1}$", aspect="equal")
ax.set(xlim=centre[0] + [-0.6, 0.6], ylim=centre[1] + [-0.6, 0.6])
ax.set_title(f"two std. deviations; correlation {correlation[i, j]:.2f}", fontsize=11)
ax.legend(loc="upper left", fontsize=9)
plots.show(fig, alt="A tilted ellipse, the posterior of two latents, and on it a "
                    "narrower one with axes along the coordinates, the best q.")

# %% [markdown]
# The best $q$ is too narrow rather than too wide, as notebook 05 said of $\mathrm{KL}(q\,\|\,p)$: $1/P_{kk} \le S_{kk}$, the variance of $z_k$ *given all other latents* against its variance by itself.
#
# ### Uphill
#
# Suppose that we had no formula for the best $q$. Then we climb, for each example by itself (L19). Up to a constant,
#
# $$\mathcal{F} = -\frac{1}{2\eta}\Big(\lVert\mathbf{x} - \mathbf{b} - W\boldsymbol\mu\rVert^2 + \sum_k \sigma_k^2\lVert\mathbf{w}_k\rVert^2\Big)
# - \frac12\sum_k\big(\mu_k^2 + \sigma_k^2 - 2\log\sigma_k\big),$$
#
# with the columns $\mathbf{w}_k$ of $W$. Work out its slopes in $\boldsymbol\mu$ and in $\log\sigma_k$.

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


missing = {s: np.median(best_F[:100] - climb(small_test[:100], 120, s), axis=1)
           for s in (0.01, 0.02, 0.04, 0.05)}
arrived = {s: int(np.argmax(short < 0.1)) for s, short in missing.items()}
smallest, fastest = np.linalg.eigvalsh(P)[[0, -1]]
print("steps until 0.1 nat is left:", {size: arrived[size] for size in (0.01, 0.02)})
print(f"eigenvalues of P: {smallest:.1f} to {fastest:.1f}")

# %%
predict("07-steps", "And steps of 0.04? Of 0.05? (What does a step do to the distance "
        "of mu from its goal?)",
        ["about 20; about 15", "about 20; never", "never; never", "both about 40"])

# %%
fig, ax = plots.figure(6.6, 3.4)
for (s, short), style in zip(missing.items(), ["-", "--", "-.", ":"]):
    ax.plot(short, style, label=f"step size {s}")
ax.set(yscale="log", ylim=(1e-4, 1e5), xlabel="steps from the prior", xlim=(0, 120))
ax.set(ylabel="nats below the best q", title="100 test digits, median")
ax.legend()
plots.show(fig, alt="Nats below the best q against steps, on a logarithmic axis: "
                    "three curves fall, the faster the longer the steps; with "
                    "the longest steps it rises.")
fell = [missing[s][-1] < missing[s][0] for s in (0.04, 0.05)]
reveal("07-steps", ["never; never", "about 20; never", "about 20; about 15",
                    "both about 40"][sum(fell) + (arrived[0.04] > 30)])

# %% [markdown]
# A step of size $s$ multiplies the distance of $\boldsymbol\mu$ from its goal by $1 - s\lambda$ along each eigenvector of $P$. Beyond $s = 2/\lambda_{\max} = 0.0447$ it jumps ever farther past the goal: $\boldsymbol\mu$ sets the limit. Does it also set the pace? Stop after 20 steps of size 0.01, and put one of the two where it should be:

# %%
nearly, goal = np.zeros((2, 100, K)), [part[:100] for part in best]
for _ in range(20):
    nearly = svi_step(small_test[:100], *nearly, W, b, eta, 0.01)
late = {"μ": (nearly[0], goal[1]), "log σ": (goal[0], nearly[1])}
late = {f"because of {name}": np.median(
    best_F[:100] - elbo_linear_gaussian(small_test[:100], W, b, eta, *q))
    for name, q in late.items()}
results(late, trained=False, digits=2, caption="Nats still missing after 20 steps")

# %% tags=["expectation"]
assert [arrived[s] for s in (0.01, 0.02, 0.04)] == [78, 38, 17]
expect(2 / fastest, 0.0447, within=0.0001)
assert missing[0.05][-1] > 1e3 * missing[0.05][0]
assert np.isclose(sum(late.values()), missing[0.01][20], atol=0.1)
assert late["because of log σ"] > 50 * late["because of μ"]

# %% [markdown]
# No: $\log\boldsymbol\sigma$ does. At a distance $u_k$ from its goal its slope is $1 - e^{2u_k} \approx -2u_k$, whatever $P$ is, so that a step takes away only the share $2s$ of the distance, against $s\lambda$, with $\lambda \ge 12$, for $\boldsymbol\mu$.
#
# Here the slopes are exact. (Where they are estimated from samples, Kim et al. (2018) call such a climb for each example *stochastic variational inference*, SVI; in Hoffman et al.
# (2013) it is the data that are subsampled.) And this is only half of the lecture's method: "then update $\theta$" (L19). Once the decoder has moved, every $q$ is out of date, and the climb
# starts again.

# %% [markdown]
# ## 2. Why the logarithm
#
# Why climb in $\log\sigma$, and not in $\sigma$ itself? In $\sigma$ the slope is $1/\sigma - \sigma P_{kk}$. Take the latent with the largest $P_{kk}$, and the best step size above, 0.04.

# %%
largest = np.diag(P).max()


def one_step(sigma):
    """sigma after a step of size 0.04 in sigma, and in log sigma."""
    slope = 1 / sigma - sigma * largest
    return [sigma + 0.04 * slope, np.exp(np.log(sigma) + 0.04 * slope * sigma)]


results({"from σ = 1": one_step(1.0), "from σ = exp(2)": one_step(np.exp(2))},
        ["in σ", "in log σ"], trained=False, digits=2,
        caption=f"σ after one step; the goal is {largest ** -0.5:.2f}")

# %% tags=["expectation"]
assert one_step(1.0)[0] < 0 < one_step(np.exp(2))[1] < 1e-25
with np.errstate(invalid="ignore"):
    assert np.isnan(kl_standard_normal(np.zeros((1, 1)), np.log([[one_step(1.0)[0]]])))
landed = 2 + 0.04 * (1 - np.exp(4) * largest)
expect(landed, -70.9, within=0.5)
back = 0
while landed < np.log(0.9 * largest ** -0.5):
    landed, back = landed + 0.04 * (1 - np.exp(2 * landed) * largest), back + 1
expect(back, 1700, within=100)

# %% [markdown]
# Below zero a standard deviation means nothing; its logarithm is not a number, and one such example in a batch is enough to spoil all weights of a network. In $\log\sigma$ every number is allowed (L20).
#
# The logarithm makes $\sigma$ valid; it does not make steps safe. From $\log\sigma = 2$ the same step lands near $-71$. There the slope is 1, so that the way back takes some 1,700 steps. Start with small $\sigma$ and short steps, or use Adam, whose steps are about as long as its step size.

# %% [markdown]
# ## 3. One network for all
#
# Look again at the best $q$ of the linear model: $\boldsymbol\mu$ is the *same function* of $\mathbf{x}$ for all digits, $\boldsymbol\mu = (\mathbf{x} - \mathbf{b})\,WS/\eta$, and $\log\boldsymbol\sigma$ is even a constant. Whoever knows the function need not climb. An **inference network**, or encoder, is such a
# function with weights $\phi$: from $\mathbf{x}$ it computes $2K$ numbers, the first half of which is $\boldsymbol\mu$ and the second $\log\boldsymbol\sigma$. The climb is paid for once, when the network is
# trained, and shared by all examples that it will ever see: **amortized** inference. (Should it say $\boldsymbol\sigma \approx 0$, then $\mathbf{z} = \boldsymbol\mu$, as in an ordinary autoencoder; the KL term holds $\boldsymbol\sigma$ up. "Further" shows it.)

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
# For the linear model one layer is enough, and we can write its weights down. It gives each of 2,000 digits its best $q$:

# %%
A = W @ S / eta
weights = np.hstack([A, np.zeros((196, K))])
layer = weights, np.append(-b @ A, -np.log(np.diag(P)) / 2)
best_q = encoder_forward([layer], small_test)
exact_F = elbo_linear_gaussian(small_test, W, b, eta, *best_q)
assert np.allclose(exact_F, best_F, atol=1e-9)

# %% [markdown]
# ### What q(z|x) is not
#
# The lecture writes $q(\mathbf{z}|\mathbf{x})$. The bar says that $q$ depends on $\mathbf{x}$; it does not say that $q$ is the conditional of the *model's* joint distribution. That is the posterior, and averaged over $p(\mathbf{x})$ it gives the prior back,
# $\int p(\mathbf{z}|\mathbf{x})\,p(\mathbf{x})\,\mathrm{d}\mathbf{x} = p(\mathbf{z})$. Here we can compute the covariance of this average: that of the means, $A^\top (WW^\top + \eta I) A$, plus that of each $q$ about its mean.

# %%
between = A.T @ covariance_x @ A
assert np.allclose(between + S, np.eye(K))        # the posterior's: the prior
averaged = between + np.diag(1 / np.diag(P))      # the best q's
off = np.abs(averaged - np.eye(K))
print(f"largest deviation from I: {off.max():.4f}")

# %% [markdown]
# Small, but not zero: no joint distribution with this prior and this $p(\mathbf{x})$ has these conditionals. (Some other joint has: $p(\mathbf{x})\,q(\mathbf{z}|\mathbf{x})$.) So read $q(\mathbf{z}|\mathbf{x})$ as
# $q(\mathbf{z};\, \phi(\mathbf{x}))$, a distribution whose parameters a network computes (L20).

# %% [markdown]
# ## 4. Train the encoder
#
# Now a decoder that bends, for pixels that are black or white, $p(\mathbf{x}|\mathbf{z}) = \prod_d \mathrm{Bernoulli}(x_d)$, with ten latents. (`K` stays the 8 of the linear model.) There is no formula for the best $q$, and so none for the encoder. `vae.vae_train` trains an encoder and a decoder *together*, which is
# notebook 08's subject. Here we take its decoder, and throw its encoder away.

# %%
x_train = vae.binarise(digits.x_train, np.random.default_rng(1))
x_test = vae.binarise(digits.x_test, np.random.default_rng(2))
sizes = [784, 200, 10]
its_encoder, decoder = vae.vae_train(x_train, sizes, 900, np.random.default_rng(0))

# %% [markdown]
# `elbo_of_q(decoder, x, mu, log_sigma, eps)` is the ELBO of each example, wherever its $q$ comes from, as the mean over the samples in `eps` (S, N, K). It reparameterizes, so autograd can differentiate it. In section 1 its slope in $\boldsymbol\mu$ and $\log\boldsymbol\sigma$ moved *one* example. Now let
# $\boldsymbol\mu$ and $\log\boldsymbol\sigma$ come out of the encoder, and go uphill with its weights $\phi$:
#
# $$\max_\phi\ \frac1N\sum_n \mathcal{F}\big(\theta,\ q(\mathbf{z};\, \phi(\mathbf{x}_n))\big), \qquad \theta\text{ fixed}.$$
#
# `init_mlp`, `minibatches` and `adam` are those of notebook 02; `hold_then_linear(step_size, steps)` lets Adam's step size fall to 0 in the second half, as `vae_train` does.

# %% [markdown]
# {{exercise encoder_train}}

# %%
def encoder_train(x, decoder, sizes, steps, rng):
    """An encoder D, H..., 2K for a decoder that stays; x (N, D), sizes [D, H..., K]."""
    ### BEGIN SOLUTION
    encoder = init_mlp([*sizes[:-1], 2 * sizes[-1]], rng)

    def batches():
        for rows in minibatches(x, 128, steps, rng):
            yield rows, rng.standard_normal((1, len(rows), sizes[-1]), dtype="f4")

    def loss(encoder, batch):
        rows, eps = batch
        mu, log_sigma = encoder_forward(encoder, rows)
        return -anp.mean(elbo_of_q(decoder, rows, mu, log_sigma, eps))

    return adam(loss, encoder, batches(), steps, hold_then_linear(4e-3, steps))
    ### END SOLUTION


# %%
encoder_train = check(encoder_train)

# %% [markdown]
# The decoder has grown up together with the encoder that we threw away. The new one begins with random weights, and the decoder no longer moves.

# %%
predict("07-new-encoder", "Train for as many steps as the old one had. Where will the "
        "new encoder's ELBO on test digits be, compared with the old one's?",
        ["far below", "about the same", "far above"])

# %%
encoder = encoder_train(x_train, decoder, sizes, 900, np.random.default_rng(1))

# %%
eps_many = np.random.default_rng(9).standard_normal((2, 2000, 10), dtype=np.float32)


def elbo_of(encoder, x):
    """The mean ELBO of an encoder on x, and its standard error."""
    F = elbo_of_q(decoder, x, *encoder_forward(encoder, x), eps_many[:, :len(x)])
    return F.mean(), F.std() / np.sqrt(len(x))


nothing = [(np.zeros((784, 20)), np.zeros(20))]  # q = p(z), whatever x is
results({name: [elbo_of(e, x_train[:2000]), elbo_of(e, x_test)] for name, e in
         {"the old encoder": its_encoder, "the new one": encoder,
          "q = p(z)": nothing}.items()},
        ["training digits", "test digits"], caption="Mean ELBO ± s.e. (nats)")
apart = elbo_of(encoder, x_test)[0] - elbo_of(its_encoder, x_test)[0]
reveal("07-new-encoder", "about the same" if abs(apart) < 3 else
       "far below" if apart < 0 else "far above")

# %% tags=["expectation"]
expect(elbo_of(its_encoder, x_test)[0], -120.8, within=1.5)
expect(apart, -0.2, within=1)

# %% [markdown]
# Little or nothing was lost with the old encoder: for a given decoder, an encoder can be trained again. It is no part of the model; the decoder *is* the model $p(\mathbf{x})$.
#
# So what happens to an encoder that sees few digits? Decoder, $p(\mathbf{x})$ and every digit's best $q$ stay what they are; only $\phi$ is learned, from the first hundred training digits.

# %%
predict("07-hundred", "On its own hundred digits this encoder reaches an ELBO of about "
        "-115 nats. On test digits?", unit="nats")

# %%
few = x_train[:100]
encoder_100, as_short = (
    encoder_train(rows, decoder, sizes, 450, np.random.default_rng(1))
    for rows in (few, x_train))
results({name: [elbo_of(e, few), elbo_of(e, x_test)] for name, e in
         {"10,000 digits, 900 steps": encoder, "10,000 digits, 450 steps": as_short,
          "100 digits, 450 steps": encoder_100}.items()},
        ["the first 100 digits", "test digits"],
        caption="Mean ELBO ± s.e. (nats), by what the encoder was trained on")
reveal("07-hundred", elbo_of(encoder_100, x_test)[0], unit="nats")

# %% tags=["expectation"]
expect(elbo_of(encoder_100, few)[0], -115, within=2)
expect(elbo_of(encoder, x_test)[0] - elbo_of(encoder_100, x_test)[0], 18.8, within=5)
expect(elbo_of(as_short, x_test)[0], -121.5, within=1.5)
for rows in (few, x_test):
    expect(elbo_of(encoder, rows)[0] - elbo_of(as_short, rows)[0], 0.6, within=0.25)
own = [elbo_of_q(decoder, few, *encoder_forward(e, few), eps_many[:, :100])
       for e in (encoder_100, encoder)]
assert np.mean(own[0] - own[1]) > 3 * np.std(own[0] - own[1]) / 10

# %% [markdown]
# It serves its own digits two nats better than the encoder that saw them all (the errors of the two are those of the same hundred digits; the difference is known to 0.2 nats), and strangers nineteen nats worse. The number of steps has little to do with it. So an encoder can **overfit**, although the model stands still. A $q$ that climbs for its own example cannot: it learns nothing from others, good or bad.

# %% [markdown]
# ## 5. A few steps for one digit
#
# The encoder is fast, but is its $q$ the best for a digit? Start from its answer and climb, digit by digit, as in section 1. The slopes are now estimated: the sum over examples of `elbo_of_q`, differentiated with respect to $\boldsymbol\mu$ and $\log\boldsymbol\sigma$ themselves.

# %% [markdown]
# {{exercise refine_q}}

# %%
def refine_q(decoder, x, mu, log_sigma, eps, step_size):
    """mu, log_sigma (N, K) after a step uphill for each noise in eps (T, S, N, K)."""
    ### BEGIN SOLUTION
    slope = grad(lambda q, noise: anp.sum(elbo_of_q(decoder, x, *q, noise)))
    for noise in eps:
        mu_bar, log_sigma_bar = slope((mu, log_sigma), noise)
        mu, log_sigma = mu + step_size * mu_bar, log_sigma + step_size * log_sigma_bar
    return mu, log_sigma
    ### END SOLUTION


# %%
refine_q = check(refine_q)

# %% [markdown]
# To say how much is won back we need the top. The library's `refine` climbs like `refine_q`, but with Adam, and with steps that shrink to 0. Two climbs, one from the encoder's answer and one from the prior, should end at the same height, on a hundred training and a hundred test digits:

# %%
N = 100
x = np.concatenate([x_train[:N], x_test[:N]])
train, test = slice(0, N), slice(N, 2 * N)
q_encoder = encoder_forward(encoder, x)
q_prior = 0 * q_encoder[0], 0 * q_encoder[1]
q_best = refine(decoder, x, *q_encoder, 100, np.random.default_rng(3))
q_other = refine(decoder, x, *q_prior, 150, np.random.default_rng(4), step_size=0.1)

# %%
eps = np.random.default_rng(5).standard_normal((256, 2 * N, 10), dtype=np.float32)
elbo_encoder, elbo_best, elbo_other = (elbo_of_q(decoder, x, *q, eps)
                                       for q in (q_encoder, q_best, q_other))
agree = np.sum(np.abs(elbo_other - elbo_best) < 0.1)
results({"digits of 200 where both climbs end within 0.1 nat": int(agree)})

# %% tags=["expectation"]
assert agree >= 190 and (elbo_best - elbo_encoder).min() > 0  # the same noise for all
assert np.maximum(elbo_other - elbo_best, 0).mean() < 0.05
assert np.abs(elbo_other - elbo_best).max() < 0.5

# %% [markdown]
# ### A few steps
#
# Nearly all do, and the others nearly: `q_best` is the top. Now up to twenty steps with `refine_q`, from both starts. For each number we take the step size, of four, that is best on *training* digits; the picture shows test digits.

# %%
predict("07-five", "Which share of the nats between the encoder's ELBO and the best "
        "q's do five steps win back, on test digits?", unit="per cent")

# %%
budgets, step_sizes = (1, 2, 5, 10, 20), (0.005, 0.01, 0.02, 0.04)
noises = np.random.default_rng(8).standard_normal((20, 8, N, 10), dtype=np.float32)
best_32 = elbo_of_q(decoder, x, *q_best, eps[:32])


def short_of_best(start, rows, step_size):
    """Mean nats below the best q after each of the numbers of steps from `start`."""
    q, short = (start[0][rows], start[1][rows]), []
    for done, steps in zip([0, *budgets], budgets):
        q = refine_q(decoder, x[rows], *q, noises[done:steps], step_size)
        left = best_32[rows] - elbo_of_q(decoder, x[rows], *q, eps[:32, rows])
        short.append(np.mean(left))
    return short


# %%
lost = {}
for name, start in {"encoder": q_encoder, "prior": q_prior}.items():
    on_train = [short_of_best(start, train, size) for size in step_sizes]
    chosen = [step_sizes[i] for i in np.argmin(on_train, axis=0)]  # for each budget
    on_test = {size: short_of_best(start, test, size) for size in set(chosen)}
    lost[name] = [on_test[size][i] for i, size in enumerate(chosen)]

# %%
gap_0 = np.mean(best_32[test] - elbo_of_q(
    decoder, x[test], q_encoder[0][test], q_encoder[1][test], eps[:32, test]))
fig, ax = plots.figure(6.4, 3.6)
ax.axhline(gap_0, color="black", linestyle=":", label="encoder alone")
for name, style, colour in (("prior", "s--", 4), ("encoder", "o-", 8)):
    ax.plot(budgets, lost[name], style, color=plots.PALETTE[colour],
            label=f"started at the {name}")
ax.set(xscale="log", yscale="log", xlabel="steps", ylabel="nats below the best q")
ax.set_xticks([], minor=True)
ax.set_xticks(budgets, budgets)
ax.set_title("What a few steps win back (test digits)")
ax.legend()
plots.show(fig, alt="Nats below the best q against steps, both axes logarithmic. From "
                    "the encoder a few nats fall to a few tenths; from the prior the "
                    "climb begins near a hundred and after twenty steps is at a few.")
won = 100 * (1 - np.array(lost["encoder"]) / gap_0)
reveal("07-five", won[budgets.index(5)], unit="per cent")

# %% tags=["expectation"]
expect(won[budgets.index(5)], 78, within=12)
expect(won[budgets.index(20)], 93, within=6)
assert lost["prior"][-1] > lost["encoder"][budgets.index(2)]

# %% [markdown]
# The first steps from the encoder's answer pay most. So a network that is only roughly right is worth a great deal as a place to start from. Kim et al. (2018) refine in training, too, and differentiate through the steps: *semi-amortized* inference. VAEs mostly stay with the
# encoder alone and live with the gap; when $\log p(\mathbf{x})$ is to be reported, or an important $\mathbf{x}$ understood, refining is worth its price: with eight samples, one step takes as many products as 16 passes of the encoder ("Further", with times).


# %% [markdown]
# ## 6. The ledger
#
# A ledger is a book of accounts: where do the nats go? With $q^*$ the best of the family for this $\mathbf{x}$, $\log p(\mathbf{x})$ is the sum of three numbers:
#
# $$\log p(\mathbf{x}) = \underbrace{\mathcal{F}(q_\phi)}_{\text{ELBO of the encoder}}
# + \underbrace{\mathcal{F}(q^*) - \mathcal{F}(q_\phi)}_{\text{amortization gap}}
# + \underbrace{\log p(\mathbf{x}) - \mathcal{F}(q^*)}_{\text{approximation gap}}$$
#
# (The names are those of Cremer, Li and Duvenaud, 2018.)

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
# $\log p(\mathbf{x})$ is an integral over ten dimensions. As in notebook 03 we estimate it by importance sampling, from a Gaussian near the posterior. Near $q^*$'s mean the decoder is nearly straight, and for a straight decoder section 1 has the posterior: with the Jacobian $J$ of the logits, and a pixel's variance
# $p_d(1 - p_d)$, the precision is $P \approx I + J^\top \mathrm{diag}\big(p_d(1 - p_d)\big)\, J$. We draw from $\mathcal{N}(\boldsymbol\mu, 1.2^2 P^{-1})$: too wide is the safe side. (Such a Gaussian is called *Laplace's approximation*; its centre is usually the mode.) ("Further" asks whether this estimate can be trusted.)

# %%
P_local = amortization.local_precision(decoder, q_best[0])
noise = np.random.default_rng(6).standard_normal((1000, 2 * N, 10), dtype=np.float32)
log_w = amortization.log_weights_of(decoder, x, q_best[0], P_local, noise)
log_p = iwae_bound(log_w)
gaps = gap_ledger(log_p, elbo_best, elbo_encoder)

# %%
predict("07-larger", "On test digits, which gap is larger?",
        ["the approximation gap", "the amortization gap", "they are about equal"])

# %%
def with_error(values):
    return values.mean(), values.std() / np.sqrt(len(values))


rows_of = {"ELBO of the encoder": elbo_encoder,
           "+ amortization gap": gaps["amortization"],
           "+ approximation gap": gaps["approximation"], "= log p(x)": log_p}
results({name: [with_error(values[train]), with_error(values[test])]
         for name, values in rows_of.items()}, ["training digits", "test digits"],
        caption="Nats per digit, mean ± standard error")
means = {name: gaps[name][test].mean() for name in gaps}
reveal("07-larger", f"the {max(means, key=means.get)} gap")

# %% tags=["expectation"]
assert np.allclose(elbo_encoder + gaps["amortization"] + gaps["approximation"], log_p)
expect(means["approximation"], 0.98, within=0.2)
expect(means["amortization"], 3.5, within=1)
shift = gaps["amortization"][test].mean() - gaps["amortization"][train].mean()
errors = [with_error(gaps["amortization"][rows])[1] for rows in (train, test)]
assert shift > 2 * np.hypot(*errors)
half_trained = elbo_of_q(decoder, x, *encoder_forward(as_short, x), eps)
for rows in (train, test):
    expect((elbo_encoder - half_trained)[rows].mean(), 0.6, within=0.35)

# %%
fig, panels = plots.figure(9.6, 3.5, columns=2, sharey=True)
for ax, rows, title in zip(panels, (train, test), ("training digits", "test digits")):
    parts = np.array([gaps["approximation"][rows], gaps["amortization"][rows]])
    upper, lower = parts[:, np.argsort(parts.sum(axis=0))]
    ax.bar(np.arange(N), -upper, 1, color=plots.PALETTE[3], label="approximation gap")
    ax.bar(np.arange(N), -lower, 1, bottom=-upper, color=plots.PALETTE[4],
           label="amortization gap")
    ax.set(xlabel="digits, sorted by the sum", title=f"100 {title}", xlim=(-1, N))
panels[0].set(ylabel="nats, from log p(x) at 0")
panels[0].legend(loc="lower left")
plots.show(fig, alt="Bars that hang from log p(x) down to the encoder's ELBO, sorted "
                    "by length. The upper part, the approximation gap, is short and "
                    "alike in both panels; the amortization gap is longer, most so "
                    "on test digits.")

# %% [markdown]
# Most of what the bound loses, it loses to the network *as trained here*, not to the diagonal family (in section 4 half the steps left half a nat more); and the network's part is larger on digits that it has not been trained on, by more than twice the standard error. Which digits does it get wrong? Those with the largest amortization gaps:

# %%
worst = N + np.argsort(gaps["amortization"][test])[:-9:-1]
pictures = np.concatenate([x[worst], *(vae.vae_generate(decoder, q[0][worst])
                                       for q in (q_encoder, q_best))])
fig, ax = plots.figure(8.4, 3.1)
plots.image_grid(pictures, digits.shape, columns=8, ax=ax, row_labels=[
    "x", "decoded from the encoder's μ", "decoded from the best μ"],
    column_labels=[f"{gaps['amortization'][n]:.1f}" for n in worst])
ax.set_title("Test digits with the largest amortization gaps (nats)", pad=22)
plots.show(fig, alt="Eight test digits, and what is decoded from the encoder's code "
                    "and from the best one. The first, a 5, becomes a 9 with the "
                    "encoder's code; with the best it is again more like itself.")

# %% [markdown]
# (With the library's encoder, the first is a 5 that is read as a 9. Yours may have other random weights.)
#
# Cremer, Li and Duvenaud found, for their networks, that the loss is often due to the network rather than to the family, partly because the decoder learns to accommodate the family. Would a richer family (full covariance, normalizing flows) mend the smaller gap only? They report otherwise: its additional parameters
# also help inference to *generalize*. So the ledger says where nats are lost with this $q$; it does not say that the two can be mended one by one.
#
# ### Explore
#
# Two latents can be drawn. The panel shows $q$ on its way to the *true* posterior of a digit, and what each step adds to the ledger. Its numbers are integrals; only the steps use samples. (The square in the first panel is the
# second one; the circle holds most of the prior.)
#
# Before you move anything: (a) Does the encoder err in the place of $q$, or in its width? (b) From the prior, which of the two is right first?

# %%
encoder_2, decoder_2 = vae.vae_train(x_train, [784, 100, 2], 700,
                                     np.random.default_rng(0))
firsts = [np.flatnonzero(digits.y_test == label)[0] for label in range(10)]
amortization_explorer(encoder_2, decoder_2, x_test[firsts], [str(c) for c in range(10)])

# %% tags=["expectation"]
from course_utils.explorables.amortization_explorer import paths
from course_utils.models.two_latents import elbo_by_quadrature

walks = paths(encoder_2, decoder_2, x_test[firsts])
(m, s, F), (m_0, s_0, _) = walks["encoder"], walks["prior"]
moved = elbo_by_quadrature(decoder_2, x_test[firsts], m[-1], s[0]) - F[0]
assert moved.mean() > 0.9 * (F[-1] - F[0]).mean()  # the best mean, the encoder's widths
left_mu = np.linalg.norm(m_0 - m_0[-1], axis=-1)
left_sigma = np.abs(s_0 - s_0[-1]).mean(axis=-1)
expect((left_mu[10] / left_mu[0]).mean(), 0.40, within=0.1)
expect((left_sigma[10] / left_sigma[0]).mean(), 0.65, within=0.1)
assert (left_sigma[30] / left_sigma[0]).mean() < (left_mu[30] / left_mu[0]).mean()

# %% [markdown] tags=["expectation"]
# <details><summary>Answers</summary>
#
# (a) In its place: the mean of the last step with the encoder's widths has already won more than nine tenths of what can be won, on average over the ten digits. (b) The place, roughly: after ten steps from the prior, 40 per cent of the way of $\boldsymbol\mu$ is left, and 65 per cent of that of $\log\boldsymbol\sigma$. By thirty steps $\log\boldsymbol\sigma$ has caught up.
#
# </details>

# %% [markdown]
# ## What you have shown
#
# - Without amortization, each example's $(\boldsymbol\mu, \log\boldsymbol\sigma)$ is found by climbing its own ELBO, dozens of steps for each, again after every change of the decoder (L19).
# - An encoder is trained on the mean ELBO, and then computes $(\boldsymbol\mu, \log\boldsymbol\sigma)$ in one pass. The logarithm keeps $\boldsymbol\sigma$ positive; the KL term keeps it from vanishing, which would leave an ordinary autoencoder. $q(\mathbf{z}|\mathbf{x})$ is not a conditional of the model's joint distribution (L20).
# - $\log p(\mathbf{x})$ = ELBO of the encoder + amortization gap + approximation gap. Here the first gap was the larger one, and grew on new digits: an encoder can overfit while the model stands still.
# - A few steps from the encoder's answer win back most of what amortization costs.
#
# ## What is left open
#
# We took a decoder that somebody else had trained, and asked how good our $q$ for it is. The other half has not been looked at: draw $\mathbf{z}$ from the prior, decode, and see. Encoder and decoder trained together, by one gradient: **what does it generate?** That is
# notebook 08.

# %%
# NBVAL_IGNORE_OUTPUT
progress()

# %% [markdown]
# ## Further ({{further minutes}} minutes)
#
# ### What it costs
#
# Count the products of two numbers that one digit needs, and measure.

# %%
import time


def seconds(f, times):
    """CPU seconds of one call of f."""
    began = time.process_time()
    for _ in range(times):
        f()
    return (time.process_time() - began) / times


def pass_for(rows):
    return lambda: encoder_forward(encoder, x[rows])


def step_for(rows):
    return lambda: refine_q(decoder, x[rows], q_prior[0][rows], q_prior[1][rows],
                            noises[:1, :, :len(x[rows])], 0.01)


# %%
pass_cost = sum(V.size for V, _ in encoder)            # products for one digit
step_cost = 2 * 8 * sum(V.size for V, _ in decoder)    # 8 samples, there and back
work = {"one pass of the encoder": (pass_cost, pass_for(test), pass_for(slice(0, 1))),
        "one step of refine_q": (step_cost, step_for(test), step_for(slice(0, 1)))}
results({name: [cost / 1e6, 1e6 * seconds(together, 20) / N, 1e6 * seconds(alone, 20)]
         for name, (cost, together, alone) in work.items()},
        ["million products", "μs, 100 at once", "μs, one alone"], digits=2,
        caption="Cost for one digit (times: this machine's)")

# %% tags=["expectation"]
expect(step_cost / pass_cost, 15.8, within=0.1)

# %% [markdown]
# Eight samples go through the decoder, and their gradients back through the same weights: as many products as in 16 passes. Ten steps for each of 10,000 digits would be worth 160 passes through the data, for *one* update of the decoder. The times depend on the machine; on the one that made this page a step took longer than its products alone would, and a digit by itself several times as long as
# one among a hundred.

# %% [markdown]
# ### A sigma near zero
#
# What if an encoder said $\boldsymbol\sigma \approx 0$? Then $\mathbf{z} = \boldsymbol\mu + \boldsymbol\sigma\odot\boldsymbol\varepsilon$ is $\boldsymbol\mu$, and encoder and decoder are an *ordinary autoencoder* (L20). Do that to `encoder`: subtract $\delta$ from each $\log\sigma$.

# %%
mu_test, log_sigma_test = encoder_forward(encoder, x_test)
deltas = np.arange(0, 6.1, 0.5, dtype=np.float32)
elbos = np.array([np.mean(elbo_of_q(decoder, x_test, mu_test, log_sigma_test - d,
                                    eps_many)) for d in deltas])
kls = np.array([kl_standard_normal(mu_test, log_sigma_test - d).mean() for d in deltas])
point = (elbo_of_q(decoder, x_test, mu_test, log_sigma_test, 0 * eps_many)
         + kl_standard_normal(mu_test, log_sigma_test)).mean()

# %%
fig, ax = plots.figure(6.4, 3.4)
ax.plot(deltas, elbos + kls, "--", label="reconstruction term")
ax.axhline(point, color=plots.PALETTE[8], linewidth=0.8, label="the same at z = μ")
ax.plot(deltas, -kls, "-.", label="− KL")
ax.plot(deltas, elbos, "o-", markersize=4, label="ELBO")
ax.set(xlabel="δ, by which each log σ is lowered", title="Forcing σ towards 0")
ax.set(ylabel="nats, mean over test digits", ylim=(-185, 45))
ax.legend(loc="upper right", fontsize=9)
plots.show(fig, alt="As sigma shrinks, the reconstruction term rises a little and "
                    "levels off, minus KL falls in a straight line, "
                    "and so does the ELBO.")

# %% tags=["expectation"]
assert abs(elbos[-1] + kls[-1] - point) < 0.1
expect((kls[-1] - kls[-3]) / (deltas[-1] - deltas[-3]), 10, within=0.02)

# %% [markdown]
# The reconstruction gains a little and then no more, while the price grows by ten nats for each unit of $\delta$, one for each latent: notebook 05's $-\log\sigma$, ten times. The reconstruction term alone would let $\boldsymbol\sigma$ shrink; the KL term holds it up (L17, L20).

# %% [markdown]
# ### Can the estimate of log p(x) be trusted?
#
# If one weight is larger than all the others together, a thousand samples are worth fewer than four. The **effective sample size** says how many samples of equal weight would be worth as much:
#
# $$\mathrm{ESS} = \frac{\big(\sum_s w_s\big)^2}{\sum_s w_s^2}, \qquad \text{between } 1 \text{ and } S.$$

# %%
log_w_q = vae.log_weights(decoder, x, *q_best, noise)
ess = {"the best q": amortization.effective_sample_size(log_w_q),
       "the local Gaussian": amortization.effective_sample_size(log_w)}
results({name: [np.median(n), n.min()] for name, n in ess.items()},
        ["median", "smallest"], digits=2, caption="ESS of 1000 samples, 200 digits")

# %% tags=["expectation"]
expect(np.median(ess["the best q"]), 100, within=60)
expect(np.median(ess["the local Gaussian"]), 390, within=140)

# %% [markdown]
# $q^*$ is too narrow and knows no correlations. Two checks of the local Gaussian. With four times as many samples, 1000 in place of 250, the estimate must stay:

# %%
growth = log_p - iwae_bound(log_w[:250])
stay = int(np.sum(abs(growth) < 0.25))
results({"mean change (nats)": growth.mean(),
         "digits of 200 that change by less than 0.25": stay}, digits=2)

# %% tags=["expectation"]
expect(growth.mean(), 0, within=0.03)
assert stay >= 190

# %% [markdown]
# And for the model with two latents, the same procedure must agree with an integral on a fine grid, which has no samples in it at all. On the grid we also see what a proposal *reaches*: the share of the posterior within four of its standard deviations.

# %%
from scipy.special import logsumexp

from course_utils.models.two_latents import PLANE, log_joint_on_grid

M = 150
some = x_test[:M]
climbs = [refine(decoder_2, some, *start, 100, np.random.default_rng(6), step_size=size)
          for start, size in ((encoder_forward(encoder_2, some), 0.03),
                              (np.zeros((2, M, 2)), 0.1))]
noise_2 = np.random.default_rng(7).standard_normal((2000, M, 2), dtype=np.float32)
heights = [elbo_of_q(decoder_2, some, *q, noise_2[:256]) for q in climbs]
higher = np.argmax(heights, axis=0)[:, None]                      # of the two climbs
mu_2, _ = (np.where(higher == 0, *parts) for parts in zip(*climbs))

# %%
P_2 = amortization.local_precision(decoder_2, mu_2)
log_w_2 = amortization.log_weights_of(decoder_2, some, mu_2, P_2, noise_2)
log_joint_2 = log_joint_on_grid(decoder_2, some, PLANE, PLANE)
by_integral = logsumexp(log_joint_2, axis=(1, 2)) + 2 * np.log(PLANE[1] - PLANE[0])
error, ess_2 = (iwae_bound(log_w_2) - by_integral,
                amortization.effective_sample_size(log_w_2))
posterior = np.exp(log_joint_2 - by_integral[:, None, None])
away = np.stack(np.meshgrid(PLANE, PLANE), axis=-1) - mu_2[:, None, None]
inside = np.sum(away @ P_2[:, None] * away, axis=-1) < (4 * 1.2) ** 2
log_reach = np.log(np.sum(posterior * inside, axis=(1, 2)) * (PLANE[1] - PLANE[0]) ** 2)

# %%
rows_2 = {"median of 150 digits": (np.median(error), np.median(log_reach),
                                   np.median(ess_2))}
for place, n in zip(("lowest", "second", "third"), np.argsort(error)):
    rows_2[f"the {place} estimate"] = error[n], log_reach[n], ess_2[n]
results({name: list(row) for name, row in rows_2.items()},
        ["estimate less integral", "log of what is in reach", "ESS"], digits=2,
        caption="Two latents, 2000 samples; estimate and log in nats")

# %% tags=["expectation"]
assert np.median(abs(error)) < 0.02 and error.max() < 0.3
assert np.mean(abs(error) < 0.1) > 0.9 and error.min() < -0.1
assert np.corrcoef(error, log_reach)[0, 1] > 0.8
from scipy.ndimage import maximum_filter

low = np.argsort(error)[:5]                  # at one of these it is another hill
tops = maximum_filter(posterior[low], (1, 5, 5)) == posterior[low]
tops &= posterior[low] > np.exp(-12) * posterior[low].max(axis=(1, 2), keepdims=True)
assert np.any(tops & ~inside[low])

# %% [markdown]
# They agree, but for few digits, and there the estimate is too *low*, by about the logarithm of what the proposal reaches: the rest of the posterior lies on another hill, or in a tail that is longer than the Gaussian's. What is out of reach the effective sample size does not
# know of, nor does it help to draw more: both checks are blind there. With ten latents, climbs from two places ended at the same height, which speaks against a second hill; it does not exclude one that neither climb has found, nor a tail.
# So the estimates of $\log p(\mathbf{x})$, and with them the approximation gaps, may be somewhat too low; they are rarely much too high.

# %% [markdown]
# ### Where the approximation gap comes from
#
# Section 1 had a formula, $\frac12(\sum_k\log P_{kk} - \log\det P)$, for a straight decoder. With the local precision of each digit it becomes a *prediction* for the bent one. What it is compared with is an estimate, whose noise must be small beside the differences between digits. The closed form of the KL term gives a noisy one; the mean of
# $\log w = \log p(\mathbf{x}, \mathbf{z}) - \log q(\mathbf{z})$ over samples of $q^*$ is the same $\mathcal{F}$, and varies less, as $\log w$ is nearly constant where $q^*$ is near the posterior.

# %%
predicted = approximation_gap(P_local)
measured = log_p - log_w_q.mean(axis=0)
ways = {"256 samples, KL in closed form": gaps["approximation"],
        "1000 samples, mean log w": measured}
results({name: [gap.mean(), predicted.mean(), np.corrcoef(predicted, gap)[0, 1]]
         for name, gap in ways.items()},
        ["measured", "predicted", "correlation"], digits=2,
        caption="Approximation gap of 200 digits (nats), and its correlation with the "
                "prediction")

# %%
noise_of_F = log_w_q.std(axis=0) / np.sqrt(1000)
noise_of_log_p = np.sqrt(1 / amortization.effective_sample_size(log_w) - 1 / 1000)
of_noise = np.mean(noise_of_F ** 2 + noise_of_log_p ** 2)
share_of_noise = of_noise / np.var(measured - predicted)
results({"share of the scatter that is noise": share_of_noise}, digits=2)

# %%
fig, ax = plots.figure(4.6, 3.9)
ax.plot(predicted, measured, ".", alpha=0.7, label="a digit")
ax.plot([0, 2.5], [0, 2.5], color=plots.PALETTE[8], linewidth=0.8, label="equal")
ax.set(xlabel="predicted from the Jacobian (nats)", ylabel="measured (nats)")
ax.set(xlim=(0, 2.5), ylim=(0, 2.5), title="Approximation gap, 200 digits")
ax.legend(loc="upper left", fontsize=9)
plots.show(fig, alt="A cloud of points around the diagonal: the measured approximation "
                    "gap against the one predicted from a locally straight decoder.")

# %% tags=["expectation"]
expect(measured.mean() / predicted.mean(), 1, within=0.1)
expect(np.corrcoef(predicted, measured)[0, 1] ** 2, 0.42, within=0.1)
explained = 1 - np.mean((measured - predicted) ** 2) / np.var(measured)
assert explained < np.corrcoef(predicted, measured)[0, 1] ** 2 - 0.1
assert share_of_noise < 0.25
assert np.corrcoef(predicted, measured)[0, 1] > np.corrcoef(
    predicted, gaps["approximation"])[0, 1]

# %% [markdown]
# On average the formula hits the mark: what a diagonal $q$ misses are mostly the posterior's *correlations*. Digit by digit a line fitted to the points explains some 40 per cent of the variance (the correlation's square), the formula itself, the line in the figure, about half as much or less. Little of the scatter is noise of the estimates; the rest is what a straight decoder cannot tell, from digit to digit with either sign.

# %% [markdown]
# **Sources.** M. Hoffman, D. Blei, C. Wang and J. Paisley, *Stochastic variational inference*, 2013. D. Kingma and M. Welling, *Auto-encoding variational Bayes*, 2014. D. Rezende, S. Mohamed and D. Wierstra, *Stochastic backpropagation and approximate inference in deep generative models*, 2014. S. Gershman and
# N. Goodman, *Amortized inference in probabilistic reasoning*, 2014. C. Cremer, X. Li and D. Duvenaud, *Inference suboptimality in variational autoencoders*, 2018. Y. Kim, S. Wiseman, A. Miller, D. Sontag and A. Rush, *Semi-amortized variational autoencoders*, 2018. A. Kong, *A note on importance sampling using
# standardized weights*, 1992. C. Bishop, *Pattern Recognition and Machine Learning*, 2006, sections 2.3 and 10.1. Digits: MNIST, Y. LeCun, C. Cortes, C. Burges.
