# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The variational autoencoder
#
# *Lecture points L15 and L20 to L22. About 90 minutes, 18 points.*
#
# Notebook 07 closed with two networks side by side: an inference network that proposes $q(\mathbf{z}|\mathbf{x})$ for any $\mathbf{x}$, and a decoder that says how likely $\mathbf{x}$ is given $\mathbf{z}$. So far
# one of the two always stood still. **What happens when both are trained at once, on the same bound?** That is the variational autoencoder, and it is what the last seven notebooks were for.
#
# By the end you can say, and show with numbers,
#
# - how to train one on real digits in half a minute on one processor core, and what each term of the bound does meanwhile,
# - why its random codes decode to digits, where those of an ordinary autoencoder do not,
# - how far the bound is from the likelihood, and what the bound becomes when everything is linear,
# - how to see which latents it uses, and how to make it use none.

# %%
import time

import autograd.numpy as anp
import numpy as np
from scipy.special import logsumexp
from scipy.stats import norm

# %%
from course_utils.checking import check, hint, progress
from course_utils.data import load_mnist, shrink
from course_utils.explorables.latent_pad import latent_pad
from course_utils.models import autoencoder, classifier, linear_gaussian, vae
from course_utils.models.pca import pca_eigenvalues, pca_fit, subspace_angle
from course_utils.models.vae import binarise, encoder_forward, init_vae
from course_utils.networks import optim
from course_utils.networks.nets import mlp
from course_utils.networks.optim import adam, minibatches
from course_utils.probability.gaussian_mixture import gmm_fit, gmm_log_prob, gmm_sample
from course_utils.probability.gaussians import (
    diagonal_gaussian_log_prob, kl_standard_normal)
from course_utils.probability.grids import trapezoid_weights
from course_utils.probability.likelihoods import bernoulli_log_prob, gaussian_log_prob
from course_utils.probability.marginals import log_marginal_linear
from course_utils.showing import plots
from course_utils.showing.evidence import show_result
from course_utils.showing.live_curves import live_elbo

# %% [markdown]
# Pixels are black or white in this notebook, so that $p(\mathbf{x}|\mathbf{z})$ can be a product of coin tosses: a grey value of 0.3 becomes white with probability 0.3. The 10,000 training digits are split: the networks
# are fitted to 9,000 of them, and **1,000 are held out** for looking at while we train. The widths of the networks, the number of steps and the step size below were chosen on those 1,000. The test digits played no part in
# any choice; they are for the final numbers.

# %%
digits, rng = load_mnist(), np.random.default_rng(0)
x_fit, x_held = digits.x_train[:9000], digits.x_train[9000:]
x_test, y_test = binarise(digits.x_test, rng), digits.y_test
print(f"fit: {x_fit.shape}, held out: {x_held.shape}, test: {x_test.shape}")

# %% [markdown]
# ## 1. One number per example
#
# You have built every part: the encoder's two halves (07), the sample $\mathbf{z} = \boldsymbol\mu + \boldsymbol\sigma\boldsymbol\varepsilon$ (06), the pixels' log probability (03), the divergence (05). Together they are the bound of notebook 04,
#
# $$\log p(\mathbf{x}) \;\ge\; \mathcal{F} = \mathbb{E}_{q(\mathbf{z}|\mathbf{x})}[\log p(\mathbf{x}|\mathbf{z})] - \mathrm{KL}\big(q(\mathbf{z}|\mathbf{x}) \,\|\, \mathcal{N}(0, I)\big),
# \qquad (\boldsymbol\mu, \log\boldsymbol\sigma) = \text{encoder}(\mathbf{x}), \quad \text{logits of } p(\mathbf{x}|\mathbf{z}) = \text{decoder}(\mathbf{z}).$$
#
# The expectation is estimated with the noise that comes in as `eps`, the divergence has its closed form.

# %% [markdown]
# {{exercise vae_elbo}}

# %%
def vae_elbo(encoder, decoder, x, eps):
    """Bound (N,) for x (N, D), in nats; eps (N, K), or (S, N, K) for S samples."""
    ### BEGIN SOLUTION
    mu, log_sigma = encoder_forward(encoder, x)
    logits = mlp(decoder, mu + anp.exp(log_sigma) * eps)
    log_p = bernoulli_log_prob(x, logits)
    if log_p.ndim > 1:
        log_p = anp.mean(log_p, axis=0)
    return log_p - kl_standard_normal(mu, log_sigma)
    ### END SOLUTION


# %%
vae_elbo = check(vae_elbo)

# %% [markdown]
# Is it a bound? With a single latent, $\log p(\mathbf{x})$ is an integral over a line, and the trapezoid rule of notebook 03 gives it to many digits. The library trains a small VAE for us (how, comes in section 3): one latent, digits of 7 × 7 pixels, each the mean of a block (`shrink`).

# %%
tiny = vae.vae_train(shrink(x_fit, 7), [49, 32, 1], 500, np.random.default_rng(0))
some = binarise(shrink(digits.x_test[:20], 7), rng).astype(float)

# %%
z = np.linspace(-8, 8, 4001)
weights = trapezoid_weights(z)
log_lik = bernoulli_log_prob(some[:, None], mlp(tiny[1], z[:, None]))     # (N, G)
log_p = logsumexp(log_lik + norm.logpdf(z), b=weights, axis=1)
show_result("log p(x), mean of 20 digits", log_p.mean(), -14.5, 0.8)

# %% [markdown]
# Two encoders for this decoder: the one that was trained with it, and one that nobody has trained.
#
# **Predict.** For which of them is the result a lower bound?

# %%
untrained, _ = init_vae(shrink(x_fit, 7).mean(axis=0), [49, 32, 1], rng)
noise, bounds = rng.normal(size=(4000, 20, 1)), {}
for name, net, gap in [("trained", tiny[0], 0.02), ("untrained", untrained, 1.1)]:
    bounds[name] = vae_elbo(net, tiny[1], some, noise)
    missing = (log_p - bounds[name]).mean()
    show_result(f"{name} encoder: below log p(x) by", missing, gap, 0.05 + 0.6 * gap)
assert np.all(bounds["untrained"] < log_p)

# %% [markdown]
# For both, of course: it is a bound for *every* $q$. What is missing should be $\mathrm{KL}(q\,\|\,p(\mathbf{z}|\mathbf{x}))$, which the same grid gives:

# %%
log_posterior = log_lik + norm.logpdf(z) - log_p[:, None]
for name, net in [("trained", tiny[0]), ("untrained", untrained)]:
    mu, log_sigma = encoder_forward(net, some)
    log_q = diagonal_gaussian_log_prob(z[:, None], mu[:, None], log_sigma[:, None])
    gap = np.sum(weights * np.exp(log_q) * (log_q - log_posterior), axis=1)
    assert np.allclose(bounds[name] + gap, log_p, atol=0.3) and np.all(gap > 0)

# %% [markdown]
# **Predict.** For which decoder could the gap be exactly 0, whatever $\mathbf{x}$?
#
# For one whose posterior is a Gaussian. The plainest of them ignores $z$, so that the posterior is the prior; then an encoder that always answers $\mu = 0$, $\log\sigma = 0$ gives it:

# %%
blind = [(np.zeros((1, 49)), tiny[1][-1][1])]        # only a bias: z has no effect
always_prior = [(np.zeros((49, 2)), np.zeros(2))]
exact = bernoulli_log_prob(some, mlp(blind, np.zeros((20, 1))))
bound = vae_elbo(always_prior, blind, some, rng.normal(size=(20, 1)))
assert np.allclose(bound, exact)

# %% [markdown]
# ## 2. What is still an autoencoder about it
#
# Data go in, a code comes out, the decoder makes data of the code: an encoder and a decoder, as in notebook 02 (L21). Three things are new, and each can be taken back.
#
# 1. The reconstruction term is a *log probability*. With Gaussian pixels of variance $\eta$ it is $-\lVert\mathbf{x} - G(\mathbf{z})\rVert^2 / 2\eta$ and a constant, that is, **the squared error of an ordinary autoencoder** (L13). For $\eta = 1/2$ it is the squared error as it stands:

# %%
x, x_hat = rng.random((2, 6, 49))
constant = gaussian_log_prob(x, x_hat, 0.5) + autoencoder.squared_error(x, x_hat)
assert np.allclose(constant, -0.5 * 49 * np.log(np.pi))

# %% [markdown]
# 2. The code is a *sample*. With $\sigma$ near 0 it is $\boldsymbol\mu$, and noise no longer matters (L20).
# 3. There is a *price* on the code. Without the KL term nothing keeps $\sigma$ away from 0, and what is left is an ordinary autoencoder.
#
# Points 2 and 3 in numbers: force $\sigma = e^{-10}$ on the encoder above.

# %%
W, b = tiny[0][-1]
sharp = tiny[0][:-1] + [(W * [1, 0], b * [1, 0] + [0, -10])]
mu, log_sigma = encoder_forward(sharp, some)
kl = kl_standard_normal(mu, log_sigma)
first, second = [vae_elbo(sharp, tiny[1], some, rng.normal(size=(20, 1))) + kl
                 for _ in range(2)]
assert np.allclose(first, second, atol=0.01)
show_result("KL for sigma = exp(-10)", kl.mean(), 10, 1)

# %% [markdown]
# The reconstruction no longer depends on the noise, and the price has gone up to about ten nats. (The slide with this comparison says that the reconstruction term is "like in an ordinary VAE"; it means an ordinary *autoencoder*.)
#
# ## 3. Training
#
# Everything is differentiable, so one pass forward and one pass of backprop through decoder, sample and encoder give the gradient of $\mathcal{F}$ with respect to *all* weights (L21). A step:
#
# 1. take a minibatch, and draw fresh $\boldsymbol\varepsilon$ for it,
# 2. compute the mean of $\mathcal{F}$ over the minibatch, and its gradient,
# 3. let Adam move the weights uphill.
#
# `init_vae(mean, sizes, rng)` gives the pair (encoder, decoder) to start from, with the decoder's last bias set so that it begins with the mean image; `adam` and `minibatches` are those of notebook 02, and a minibatch may be any
# object, such as a pair of rows and noise.

# %% [markdown]
# {{exercise vae_train}}

# %%
def vae_train(x, sizes, steps, rng):
    """(encoder, decoder) after `steps` updates; x (N, D) of 0 and 1."""
    ### BEGIN SOLUTION
    def batches():
        for rows in minibatches(x, 128, steps, rng):
            yield rows, rng.standard_normal((len(rows), sizes[-1]), dtype=np.float32)

    def loss(params, batch):
        rows, eps = batch
        return -anp.sum(vae_elbo(*params, rows, eps)) * (1 / len(rows))

    params = init_vae(x.mean(axis=0), sizes, rng)
    return adam(loss, params, batches(), steps, step_size=4e-3)
    ### END SOLUTION


# %%
vae_train = check(vae_train)

# %% [markdown]
# ### The real thing
#
# 784 pixels, two hidden layers of 300 units on either side, 20 latents. The library's `vae.vae_train` has your loss, but each layer and each term is one hand-written node on autograd's tape, a minibatch is drawn to black and white afresh every time, and the step size shrinks
# in the second half. That makes it about four times as fast as the plain way, fast enough for half a minute.
#
# While it trains, a picture is drawn with both terms on 250 held-out digits. The **stop button** (■) ends the training whenever you like, and what it has reached is kept.
#
# **Predict.** At the start the decoder draws the mean digit whatever $\mathbf{z}$ is. In which order will the two terms move, and in which direction will the KL term go?

# %%
held = binarise(x_held[:250], rng)
held_eps = rng.standard_normal((250, 20), dtype=np.float32)
steps, history = 1700, []
start = time.process_time()
encoder, decoder = vae.vae_train(
    x_fit, [784, 300, 300, 20], steps, np.random.default_rng(0),
    callback=live_elbo(history, held, held_eps, steps))
seconds = time.process_time() - start

# %% [markdown]
# Both rise together: the KL term is a price, and it goes *up*. As long as a nat of KL buys more than a nat of reconstruction, the networks buy, until the two balance; notebook 05 called it the exchange rate. From then on the price stays, and the reconstruction goes on improving: the networks learn to make more of the same number of nats.
#
# We asked for half a minute on one core. The time depends on the machine:

# %%
# NBVAL_IGNORE_OUTPUT
print(f"{seconds:.0f} CPU-seconds: {seconds / 30:.2f} of a budget of 30")

# %% [markdown]
# Now the test digits, for the first time. For comparison, the best that a model without latents can do: independent pixels, each white with the probability that it has among the training digits.

# %%
def mean_elbo(networks, x, samples=5):
    """Mean of the bound over x and fresh noise, in nats."""
    rng = np.random.default_rng(1)
    K = len(networks[1][0][0])
    return np.mean([vae.vae_elbo(*networks, x, rng.standard_normal(
        (len(x), K), dtype=np.float32)).mean() for _ in range(samples)])


p = np.clip(x_fit.mean(axis=0).astype(float), 1e-4, 1 - 1e-4)
independent = np.mean(x_test @ np.log(p) + (1 - x_test) @ np.log(1 - p))
print(f"independent pixels: {independent:.1f} nats per test digit")

# %%
test_elbo = mean_elbo((encoder, decoder), x_test)
fit_elbo = mean_elbo((encoder, decoder), binarise(x_fit[:2000], rng))
show_result("ELBO, test digits", test_elbo, -105.05, 0.8)
show_result("ELBO, digits it was fitted to", fit_elbo, -101, 1.2)
assert test_elbo > -106

# %% [markdown]
# The bound on $\log p(\mathbf{x})$ of a digit that the networks have never seen is about a hundred nats higher than that of independent pixels: such a digit is $e^{100}$ times as probable under this model. It does better on the digits that it was fitted to;
# with 60,000 digits instead of 9,000 this difference would be smaller.
#
# ## 4. New digits
#
# To generate is now a matter of two lines: draw $\mathbf{z} \sim \mathcal{N}(0, I)$, which is what the model *says* codes are, and decode. The pixels are white with probability $1/(1 + e^{-\text{logit}})$.

# %% [markdown]
# {{exercise vae_generate}}

# %%
def vae_generate(decoder, z):
    """Probability of white for every pixel (N, D), from codes z (N, K)."""
    ### BEGIN SOLUTION
    logits = mlp(decoder, z)
    with np.errstate(over="ignore"):      # exp(-logit) may be infinite: p is 0 then
        return 1 / (1 + np.exp(-logits))
    ### END SOLUTION


# %%
vae_generate = check(vae_generate)

# %% [markdown]
# The rival is an ordinary autoencoder with as many codes, trained on the same digits with the squared error. Where should *its* random codes come from? We give it two chances: $\mathcal{N}(0, I)$, and a Gaussian with the mean and the covariance of its own codes.
#
# **Predict.** Which of the three panels will show digits?

# %%
plain = autoencoder.autoencoder_train(x_fit, [784, 256, 20], 1600,
                                      np.random.default_rng(0))
codes = autoencoder.encode(plain[0], x_fit).astype(float)


def samples(N, rng):
    """Images (N, 784) of random codes: VAE, autoencoder twice."""
    z = rng.normal(size=(N, 20))
    fitted = rng.multivariate_normal(codes.mean(axis=0), np.cov(codes.T), N)
    return {"VAE": vae_generate(decoder, z),
            "autoencoder, N(0, I)": autoencoder.decode(plain[1], z),
            "autoencoder, fitted": autoencoder.decode(plain[1], fitted)}


# %%
images = samples(30, np.random.default_rng(2))
fig, axes = plots.figure(9.6, 3.2, columns=3)
for ax, (name, pictures) in zip(axes, images.items()):
    plots.image_grid(pictures, digits.shape, columns=6, ax=ax).set_title(name)
plots.show(fig, alt="Thirty random images each. The VAE's are clear strokes, many of "
                    "them digits; both kinds from the autoencoder are grey tangles.")

# %% [markdown]
# Nobody chose these pictures: they are the first thirty draws. The VAE's are shown as probabilities, which is why some strokes are grey; a draw of the pixels would add the coin tosses.
#
# About half of the VAE's can be read without effort; the others lie between two digits or are none (section 8 shows why, and section 9 what helps). Of the autoencoder's hardly one is a digit. As in notebook 02, take the squared distance to the nearest of the training digits as a rough measure.

# %%
def nearest(images):
    """Index of the nearest digit of x_fit, and the squared distance to it."""
    d = np.sum(x_fit**2, axis=1) - 2 * images @ x_fit.T
    return np.argmin(d, axis=1), d.min(axis=1) + np.sum(images**2, axis=1)


images = samples(400, np.random.default_rng(3))
for (name, pictures), expected in zip(images.items(), (27.7, 39, 34.5)):
    distance = nearest(pictures)[1].mean()
    show_result(f"{name}: distance to a digit", distance, expected, 4)

# %% [markdown]
# Has it perhaps learned the training digits by heart? Then samples would lie much nearer to some training digit than anything new does. The measure for "by heart" are reconstructions of training digits, which should lie near their originals; the measure for "new" are reconstructions of test digits.

# %%
for name, x, expected in [("training", x_fit, 6.9), ("test", digits.x_test, 18.8)]:
    mu, _ = encoder_forward(encoder, x[:400])
    distance = nearest(vae_generate(decoder, mu))[1].mean()
    show_result(f"reconstructions of {name} digits", distance, expected, 3)

# %%
pictures = images["VAE"][:12]
neighbours = x_fit[nearest(pictures)[0]]
fig, ax = plots.figure(8.4, 1.8)
plots.image_grid(np.concatenate([pictures, neighbours]), digits.shape, 12, ax=ax,
                 row_labels=["sample", "nearest"])
plots.show(fig, alt="Twelve samples above their nearest training digits: mostly the "
                    "same digit, with strokes that run differently.")

# %% [markdown]
# Samples are farther from every training digit than reconstructions of digits that the model has never seen. The neighbours are mostly the same digit in another hand: not copies.
#
# The same networks reconstruct, and walk between digits, as any autoencoder does:

# %%
chosen = np.array([np.flatnonzero(y_test == c)[1] for c in range(10)])
mu, _ = encoder_forward(encoder, x_test[chosen])
rows = [x_test[chosen], vae_generate(decoder, mu),
        autoencoder.reconstruct(*plain, digits.x_test[chosen])]
t = np.linspace(0, 1, 10)[:, None]
walks = [vae_generate(decoder, (1 - t) * mu[a] + t * mu[b])
         for a, b in [(0, 6), (7, 2)]]
fig, ax = plots.figure(7.4, 4)
plots.image_grid(np.concatenate(rows + walks), digits.shape, 10, ax=ax,
                 row_labels=["original", "VAE", "autoencoder", "walk 0 to 6",
                             "walk 7 to 2"])
plots.show(fig, alt="Ten test digits, their reconstructions by the VAE and by the "
                    "autoencoder, both good; and two walks between codes, on which "
                    "strokes bend from one digit to the next.")

# %% [markdown]
# Both reconstruct; the autoencoder, whose only aim that is, lost where reconstruction does not help: it never learned which codes mean something. The price on the code is what made the prior's draws meaningful.
#
# ## 5. How good is the bound?
#
# The ELBO is a lower bound. How far below $\log p(\mathbf{x})$ is it? In twenty dimensions no grid will do, but notebook 04 had a bound that climbs: with $S$ samples from $q$,
#
# $$\log p(\mathbf{x}) \;\ge\; \mathbb{E}\left[\log \frac1S \sum_{s=1}^{S} w_s\right], \qquad w_s = \frac{p(\mathbf{x}|\mathbf{z}_s)\,p(\mathbf{z}_s)}{q(\mathbf{z}_s|\mathbf{x})}, \quad \mathbf{z}_s \sim q(\mathbf{z}|\mathbf{x}).$$

# %% [markdown]
# {{exercise vae_log_likelihood}}

# %%
def vae_log_likelihood(encoder, decoder, x, eps):
    """Estimate (N,) of log p(x) with S importance weights; eps (S, N, K)."""
    ### BEGIN SOLUTION
    mu, log_sigma = encoder_forward(encoder, x)
    z = mu + np.exp(log_sigma) * eps
    log_p = bernoulli_log_prob(x, mlp(decoder, z))                       # (S, N)
    log_prior_over_q = np.sum((eps**2 - z**2) / 2 + log_sigma, axis=-1)
    return logsumexp(log_p + log_prior_over_q, axis=0) - np.log(len(eps))
    ### END SOLUTION


# %%
vae_log_likelihood = check(vae_log_likelihood)

# %% [markdown]
# First where the truth is known, on the one-latent VAE of section 1:

# %%
estimate = vae_log_likelihood(*tiny, some, rng.normal(size=(5000, 20, 1)))
assert np.allclose(estimate, log_p, atol=0.05)

# %% [markdown]
# Then on the first 100 test digits, with the library's function, which goes through the samples a few at a time. For $S = 1$ this is the ELBO, with the KL term estimated, too.
#
# **Predict.** Will the steps from 1 to 10, from 10 to 100 and from 100 to 1000 samples be of equal size?

# %%
few, ladder = x_test[:100], {}
for S in (1, 10, 100, 1000):
    eps = np.random.default_rng(S).standard_normal((S, 100, 20), dtype=np.float32)
    ladder[S] = vae.vae_log_likelihood(encoder, decoder, few, eps)

# %%
expected = {1: -105.4, 10: -101.5, 100: -100.2, 1000: -99.5}
for S, values in ladder.items():
    show_result(f"S = {S:4d}: log p(x) at least", values.mean(), expected[S], 1.5)
for low, high, climb in [(1, 10, 3.9), (10, 100, 1.4), (100, 1000, 0.7)]:
    step = ladder[high] - ladder[low]               # of the same digits: paired
    error = step.std(ddof=1) / 10
    show_result(f"step from {low} to {high}", step.mean(), climb, 0.7)
    assert step.mean() > 2 * error                  # two standard errors above 0

# %%
fig, ax = plots.figure(6, 3.2)
means = np.array([v.mean() for v in ladder.values()])
spread = [(v - ladder[1000]).std(ddof=1) / 10 for v in ladder.values()]
ax.errorbar(list(ladder), means, spread, fmt="o-", capsize=4)
ax.set(xscale="log", xlabel="samples S", ylabel="nats per digit")
ax.set_title("The importance-weighted bound on 100 test digits")
plots.show(fig, alt="The bound rises with the number of samples, by ever smaller "
                    "steps, and has not quite stopped at 1000.")

# %% [markdown]
# (The bars are standard errors of the difference to $S = 1000$; how probable the 100 digits are differs far more, but that is the same for all four.) The bound climbs by smaller and smaller steps, and every rung is still a lower bound in expectation. So a few nats of the ELBO's distance are not the model's fault:
# they are the gap of notebook 07, of a $q$ that is a diagonal Gaussian, proposed by a network.
#
# For orientation, published figures, not ours:

# %%
print("Burda and others 2016, log p of MNIST test digits, 5000 samples:")
print("  VAE                            -86.76")
print("  trained with the bound, S = 5  -85.54;  S = 50  -84.78")

# %% [markdown]
# These are **theirs**: 60,000 training digits, 50 latents, hidden layers of 200 units, and far longer training than half a minute. Two of the three models were trained with the $S$-sample bound itself, which pays.
#
# ## 6. When everything is linear
#
# Notebook 01 began with a linear autoencoder and found PCA. What does a linear *variational* autoencoder find? The model $\mathbf{x} = W\mathbf{z} + \mathbf{b} + \text{noise of variance } \eta$, $\mathbf{z} \sim \mathcal{N}(0, I)$, is **probabilistic PCA**. Here $p(\mathbf{x}) = \mathcal{N}(\mathbf{b}, WW^\top + \eta I)$, and the maximum of the likelihood has a closed
# form (Tipping and Bishop 1999): with the eigenvalues $\lambda_1 \ge \lambda_2 \ge \dots$ of the data's covariance and its eigenvectors $\mathbf{u}_k$,
#
# $$\eta = \frac{1}{D - K}\sum_{k > K} \lambda_k, \qquad \mathbf{w}_k = \sqrt{\lambda_k - \eta}\;\mathbf{u}_k .$$
#
# The noise gets what PCA drops; each column of $W$ gets what is left in its direction once the noise is there.

# %% [markdown]
# {{exercise ppca_fit}}

# %%
def ppca_fit(x, K):
    """W (D, K), mean (D,) and eta of maximal likelihood, for x (N, D)."""
    ### BEGIN SOLUTION
    mean, components = pca_fit(x, K)
    eigenvalues = pca_eigenvalues(x)
    eta = eigenvalues[K:].mean()
    return components.T * np.sqrt(eigenvalues[:K] - eta), mean, eta
    ### END SOLUTION


# %%
ppca_fit = check(ppca_fit)

# %% [markdown]
# Nothing beats this log-likelihood. Grey digits of 14 × 14 pixels, six latents:

# %%
grey = shrink(x_fit, 14)
W, mean, eta = ppca_fit(grey.astype(float), 6)
best = log_marginal_linear(grey, W, mean, eta).mean()
for factor in (0.9, 1.1):
    assert log_marginal_linear(grey, factor * W, mean, eta).mean() < best
    assert log_marginal_linear(grey, W, mean, factor * eta).mean() < best
print(f"maximum of the mean log-likelihood: {best:.2f} nats")

# %% [markdown]
# Now a VAE without hidden layers, encoder 196 → 12, decoder 6 → 196, Gaussian pixels, trained as any VAE is: with one sample of noise per example, and with $\log\eta$ as one more parameter. It is told nothing of eigenvectors.
#
# **Predict.** A VAE maximises a bound, not the likelihood. Will it stop short of the maximum? By the gap of a diagonal $q$?

# %%
def minus_elbo(params, batch):
    (encoder, decoder, log_eta), (x, eps) = params, batch
    mu, log_sigma = encoder_forward(encoder, x)
    residual = x - mlp(decoder, mu + anp.exp(log_sigma) * eps)
    error = anp.sum(residual * residual) * (0.5 / len(x)) * anp.exp(-log_eta[0])
    kl = anp.sum(kl_standard_normal(mu, log_sigma)) * (1 / len(x))
    return error + 98 * (log_eta[0] + float(np.log(2 * np.pi))) + kl


def noisy_batches(x, K, steps, rng):
    for rows in minibatches(x, 250, steps, rng):
        yield rows, rng.standard_normal((len(rows), K), dtype=np.float32)


# %%
rng = np.random.default_rng(0)
linear = (*init_vae(grey.mean(axis=0), [196, 6], rng), np.float32([-3]))
linear[1][0] = (0.1 * linear[1][0][0], grey.mean(axis=0))
linear = adam(minus_elbo, linear, noisy_batches(grey, 6, 1500, rng), 1500,
              step_size=optim.hold_then_linear(0.01, 1500), label="linear VAE")

# %% [markdown]
# For a linear decoder the ELBO is exact (notebook 05) and so is the likelihood (notebook 03):

# %%
mu, log_sigma = encoder_forward(linear[0], grey)
(V, b), = linear[1]
V, b, noise = V.T.astype(float), b.astype(float), float(np.exp(linear[2][0]))
exact_elbo = linear_gaussian.elbo_linear_gaussian(
    grey.astype(float), V, b, noise, mu.astype(float), log_sigma.astype(float)).mean()
likelihood = log_marginal_linear(grey, V, b, noise).mean()
assert exact_elbo < likelihood < best
show_result("ELBO of the linear VAE below the maximum", best - exact_elbo, 0.08, 0.12)
show_result("its noise variance, against PPCA's", noise / eta, 1, 0.02)
show_result("largest angle to PCA's subspace", subspace_angle(V, W), 0.02, 0.06)

# %% [markdown]
# It lands on the maximum, but for a small part of a nat that more steps would remove. So the bound cost nothing here. Why? The gap is $\mathrm{KL}(q\,\|\,p(\mathbf{z}|\mathbf{x}))$, and the posterior of this model is a Gaussian with covariance $(I + W^\top W/\eta)^{-1}$. For a diagonal $q$ to hit it, the columns of $W$ must be **orthogonal**. PPCA's solution is, but
# $WR$ with any rotation $R$ has the same likelihood, and not the same bound. The best diagonal $q$ misses a Gaussian with precision $\Lambda$ by $\frac12(\sum_k \log \Lambda_{kk} - \log\det\Lambda)$:

# %%
def gap_of_diagonal_q(W, eta):
    precision = np.eye(W.shape[1]) + W.T @ W / eta
    return 0.5 * (np.log(np.diag(precision)).sum() - np.linalg.slogdet(precision)[1])


R, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(6, 6)))
assert np.allclose(log_marginal_linear(grey, W @ R, mean, eta).mean(), best)
print(f"gap with PPCA's W: {abs(gap_of_diagonal_q(W, eta)):.3f} nats, "
      f"with W R: {gap_of_diagonal_q(W @ R, eta):.3f} nats")
show_result("gap with the VAE's W", gap_of_diagonal_q(V, noise), 0.005, 0.03)

# %% [markdown]
# The VAE has turned its axes so that the gap closes. Notebook 01's linear autoencoder found PCA's *subspace* only; the linear VAE finds the principal *directions*, because its $q$ is diagonal (Lucas and others 2019). With a decoder that bends, no rotation will make every posterior a diagonal Gaussian, and the gap of section 5 remains.
#
# ## 7. Latents that say nothing
#
# Which of the latents does a VAE use? An unused one shows $\mu \approx 0$ and $\sigma \approx 1$ for every $\mathbf{x}$: its $q$ is the prior, it costs nothing and tells nothing. The usual count takes the variance of $\mu_k$ over the data.

# %% [markdown]
# {{exercise active_units}}

# %%
def active_units(mu):
    """How many columns of mu (N, K) have a variance above 0.01."""
    ### BEGIN SOLUTION
    return int(np.sum(np.var(mu, axis=0) > 0.01))
    ### END SOLUTION


# %%
active_units = check(active_units)

# %% [markdown]
# Let us provoke it: a generous 30 latents, a single hidden layer of 60 units, and a KL term that weighs $\beta$ times as much as it should.
#
# **Predict.** How many of the 30 will tell something at $\beta = 1$? Do the others fade together as $\beta$ grows, or one by one?

# %%
def per_dimension(encoder, x):
    """KL of each latent, mean over x, descending."""
    mu, log_sigma = encoder_forward(encoder, x)
    kl = [kl_standard_normal(mu[:, [k]], log_sigma[:, [k]]).mean() for k in range(30)]
    return np.sort(kl)[::-1]


weighted = {beta: vae.vae_train(x_fit, [784, 60, 30], 900, np.random.default_rng(0),
                                batch_size=64, step_size=8e-3, kl_weight=beta)
            for beta in (1, 5, 25)}

# %%
expected = {1: (25, 5, -125, 3), 5: (14, 7, -149.5, 4), 25: (0, 1, -206, 2)}
for beta, (units, off, bound, tolerance) in expected.items():
    mu, _ = encoder_forward(weighted[beta][0], x_test)
    show_result(f"beta = {beta:2d}: active units", active_units(mu), units, off)
    show_result(f"beta = {beta:2d}: ELBO", mean_elbo(weighted[beta], x_test), bound,
                tolerance)

# %%
fig, axes = plots.figure(9.6, 2.8, columns=3, sharey=True)
for ax, (beta, (net, _)) in zip(axes, weighted.items()):
    kl = per_dimension(net, x_test)
    ax.bar(np.arange(1, 31), kl, color=plots.PALETTE[0])
    ax.set(xlabel="latent, most used first")
    ax.set_title(f"β = {beta}: {kl.sum():.1f} nats")
axes[0].set(ylabel="KL (nats)")
plots.show(fig, alt="The divergence of each of 30 latents for three weights. At weight "
                    "1 about half of them carry a nat or more, the others next to "
                    "none; at 5 about six do; at 25 none.")

# %% [markdown]
# The bars do not shrink together; they drop out, one after another, as in the linear model, where a column vanishes once $\beta\eta$ exceeds its eigenvalue (notebook 05). (The count of active units is generous: its threshold of 0.01 also counts units with a hundredth of a nat that a longer training would switch off.) At the far end is **posterior collapse**: every
# digit has the same $q$, and the VAE is exactly as good as independent pixels. In practice collapse comes less openly: a reconstruction term averaged over pixels where it should be summed is a $\beta$ of hundreds.
#
# Look at the latents of $\beta = 5$ more closely, the six that say most and the fifteen that say least:

# %%
mu, log_sigma = encoder_forward(weighted[5][0], x_test)
order = np.argsort(-np.var(mu, axis=0))
for name, units, spread, width in [("most", order[:6], 0.8, 0.45),
                                   ("least", order[15:], 0.05, 1)]:
    show_result(f"{name} used: spread of mu", mu[:, units].std(axis=0).mean(), spread,
                0.05 + 0.2 * spread)
    show_result(f"{name} used: mean of sigma", np.exp(log_sigma[:, units]).mean(),
                width, 0.12)

# %% [markdown]
# The unused ones are at $\mu \approx 0$, $\sigma \approx 1$, the prior.
#
# And the good side of it. Notebook 02 asked **how to choose $K$** (L8), and had no answer, as the squared error always wants more. At $\beta = 1$ we offered 30 latents and the bound took what it could use: a latent is kept if it earns its price.
#
# ## 8. Two latents: a map of handwriting
#
# With $K = 2$ all of the latent space fits on a page.

# %%
map_encoder, map_decoder = vae.vae_train(x_fit, [784, 200, 100, 2], 900,
                                         np.random.default_rng(0), step_size=5e-3)
show_result("ELBO with 2 latents, test digits",
            mean_elbo((map_encoder, map_decoder), x_test), -154, 4)

# %% [markdown]
# The prior is known, so we know where to look: at its quantiles. Every cell of the grid on the right stands for the same share of the prior's mass.
#
# **Predict.** In notebook 02, the autoencoder's map had patches at odd places and empty regions between them. What will differ?

# %%
mu, _ = encoder_forward(map_encoder, x_test)
edges = norm.ppf(np.linspace(0.03, 0.97, 15))
grid = np.stack(np.meshgrid(edges, edges[::-1]), axis=-1).reshape(-1, 2)
fig, (left, right) = plots.figure(9.6, 4.8, columns=2)
plots.codes(mu, y_test, ax=left).set_title("means of q, test digits")
plots.image_grid(vae_generate(map_decoder, grid), digits.shape, 15, ax=right, gap=1)
right.set_title("decoded quantiles of the prior")
plots.show(fig, alt="Left: test digits' codes, coloured by label, in patches that "
                    "crowd around 0. Right: a mosaic of 15 by 15 decoded codes, in "
                    "which digits pass smoothly into each other.")

# %% [markdown]
# The codes crowd around 0 as the prior does, patch against patch, and nearly every cell can be read. Why are hardly any of these pictures failures, when some of section 4 were? A digit whose KL term is $k$ nats claims, roughly, the share $e^{-k}$ of the prior's mass. So 9,000 training digits claim $9000\,e^{-k}$ of it:

# %%
claims = {"2 latents": map_encoder, "20 latents": encoder}
for (name, net), expected in zip(claims.items(), (3.2, -16)):
    kl = kl_standard_normal(*encoder_forward(net, x_fit)).mean()
    show_result(f"{name}: log of the share claimed", np.log(9000) - kl, expected, 1.5)

# %% [markdown]
# With 2 latents the digits cover the prior several times over. With 20 they claim about $e^{-16}$ of it, and nearly every draw falls *between* what the decoder has seen: that so many of section 4's pictures were digits all the same is generalisation. More training digits help there, and so do fewer latents, at the price of worse reconstructions and a lower bound.
#
# ### Explore
#
# Drag the point. The pad shows what the mosaic cannot: how *one* stroke moves as the code moves, in steps as small as you like. It decodes in your browser.
#
# **Predict** before you move: (a) Start in the patch of the 1s and move across it: what about the 1 changes? (b) Where do you have to go to leave the digits?

# %%
latent_pad(map_decoder, digits.shape, codes=mu[:1000], labels=y_test[:1000],
           extent=(-4, 4, -4, 4))

# %% [markdown]
# ## 9. Codes from where the codes are
#
# So with 20 latents most draws of $\mathcal{N}(0, I)$ fall where no digit has its code. What does that cost the bound, and can it be had back? Let $q(\mathbf{z}) = \frac1N\sum_n q(\mathbf{z}|\mathbf{x}_n)$ be the density of all codes together, the **aggregate posterior**. The KL term has two parts (Hoffman and Johnson 2016),
#
# $$\frac1N\sum_n \mathrm{KL}\big(q(\mathbf{z}|\mathbf{x}_n)\,\|\,p(\mathbf{z})\big) = \frac1N\sum_n \mathrm{KL}\big(q(\mathbf{z}|\mathbf{x}_n)\,\|\,q(\mathbf{z})\big) + \mathrm{KL}\big(q(\mathbf{z})\,\|\,p(\mathbf{z})\big).$$
#
# The first says what a code tells about *which* digit it belongs to. The second is the price of a prior that does not look like the codes. Both are expectations, so a few hundred samples of $q$ measure them.
#
# **Predict.** There are 9,000 digits. How large can the first part become?

# %%
def sample_codes(x, rng):
    """q(z | x) as (mu, log_sigma), and one sample of it: three of (N, 20)."""
    mu, log_sigma = encoder_forward(encoder, x)
    return mu, log_sigma, mu + np.exp(log_sigma) * rng.normal(size=mu.shape)


# %%
rng = np.random.default_rng(3)
mu, log_sigma, z_fit = sample_codes(binarise(x_fit, rng), rng)


def log_q_of_all(z):
    """log q(z) of codes z (N, 20), one after another to save memory."""
    return np.array([logsumexp(diagonal_gaussian_log_prob(one, mu, log_sigma))
                     for one in z]) - np.log(len(mu))


# %%
log_q = diagonal_gaussian_log_prob(z_fit, mu, log_sigma)[:400]
log_q_all = log_q_of_all(z_fit[:400])
log_p = norm.logpdf(z_fit[:400]).sum(axis=1)

# %%
show_result("first part, what z tells", (log_q - log_q_all).mean(), np.log(9000), 0.1)
show_result("second part, prior that does not fit", (log_q_all - log_p).mean(), 16, 1.5)
kl, error = kl_standard_normal(mu, log_sigma)[:400], (log_q - log_p).std() / 20
assert abs((log_q - log_p).mean() - kl.mean()) < 4 * error

# %% [markdown]
# Each code tells exactly which digit it belongs to, $\log 9000 = 9.1$ nats: the patches of the $q(\mathbf{z}|\mathbf{x}_n)$ hardly overlap. The other 16 nats are the exponent of section 8.
#
# Nothing forbids another prior. With any density $r(\mathbf{z})$ in the place of $p(\mathbf{z})$, the same decoder is a model as good as any, and its bound is
#
# $$\mathcal{F}_r = \mathcal{F} + \mathbb{E}_{q(\mathbf{z}|\mathbf{x})}\big[\log r(\mathbf{z}) - \log p(\mathbf{z})\big].$$
#
# With $r(\mathbf{z}) = q(\mathbf{z})$ all 16 nats would be ours, on the digits that it was fitted to. But that prior is a list of 9,000 digits. What is it worth on the held-out ones?

# %%
z_held, z_test = (sample_codes(x, rng)[2] for x in (binarise(x_held, rng), x_test))
log_ratio = log_q_of_all(z_held[:400]) - norm.logpdf(z_held[:400]).sum(axis=1)
show_result("r = q(z), held-out digits: gain", log_ratio.mean(), -15, 5)

# %% [markdown]
# Much less than nothing. So let $r$ be something simpler, a mixture of $C$ Gaussians, fitted to `z_fit` by the EM of notebook 04, now with means and covariance matrices in 20 dimensions (`gmm_fit`). The networks stay as they are.
#
# **Predict.** How many Gaussians will suit the codes of the *held-out* digits best: 1, 10, 30, 100?

# %%
def gain(mixture, z):
    """Mean of log r(z) - log N(z; 0, I), in nats."""
    log_r = gmm_log_prob(z, mixture)
    return np.mean(log_r - norm.logpdf(z).sum(axis=1))


# %%
priors = {C: gmm_fit(z_fit, C, 20, rng) for C in (1, 10, 30, 100)}
expected = {1: (0.1, 0.1), 10: (2.4, 2.7), 30: (3.2, 4), 100: (2.4, 5.8)}
for C, values in expected.items():
    for name, z, value in zip(("held-out", "fitted"), (z_held, z_fit), values):
        show_result(f"{C:3d} Gaussians, {name}: gain", gain(priors[C], z), value, 0.4)
assert max(priors, key=lambda C: gain(priors[C], z_held)) == 30

# %% [markdown]
# A single Gaussian gains next to nothing: the mean and the covariance of all codes together are nearly those of the prior already. Thirty gain about three nats. A hundred follow the codes they were fitted to more closely, and those of other digits less well: they have begun to learn by heart, which only the held-out digits show. With thirty, the bound on the *test* digits:

# %%
prior = priors[30]
show_result("gain in the bound, test digits", gain(prior, z_test), 3.2, 0.4)
show_result("bound with this prior", test_elbo + gain(prior, z_test), -102, 1)

# %% [markdown]
# Three nats more on average, and no weight of a network has moved. Now draw codes from the mixture.
#
# **Predict.** The decoder is the one of section 4, to the last weight. How many of the thirty will you be able to read?

# %%
z = gmm_sample(prior, 2000, np.random.default_rng(2)).astype(np.float32)
z_prior = np.random.default_rng(2).normal(size=(2000, 20)).astype(np.float32)
sheets = {"codes from N(0, I)": vae_generate(decoder, z_prior),
          "codes from 30 Gaussians": vae_generate(decoder, z)}

# %%
fig, axes = plots.figure(9.6, 4.6, columns=2)
for ax, (name, pictures) in zip(axes, sheets.items()):
    plots.image_grid(pictures[:30], digits.shape, columns=6, ax=ax).set_title(name)
plots.show(fig, alt="Two sheets of thirty random digits from the same decoder. With "
                    "codes from the standard normal about half can be read, with "
                    "codes from the mixture most.")

# %% [markdown]
# Nobody chose these either: the first thirty draws, both times. A count that needs no reader: train a classifier on real digits, and take the share of pictures of which it is *sure*, with a probability above 0.9 for one of the ten labels. It is not sure of all real digits either, so those are in the list, too.
#
# And one more contender. If all that random codes need is a density that fits, then the **ordinary autoencoder** of section 4 should profit from a mixture as well.
#
# **Predict.** Will it?

# %%
judge = classifier.classifier_train(x_fit, digits.y_train[:9000], [784, 100, 10], 800,
                                    np.random.default_rng(0), step_size=5e-3)


def sure(pictures):
    """Share of pictures with a label that the judge gives more than 0.9."""
    log_p = classifier.class_log_probs(judge, pictures.astype(np.float32))
    return np.mean(log_p.max(axis=1) > np.log(0.9))


# %%
codes_prior = gmm_fit(codes, 30, 20, np.random.default_rng(0))
plain_z = gmm_sample(codes_prior, 2000, np.random.default_rng(2))
plain_sheets = {"autoencoder, one Gaussian": samples(2000, rng)["autoencoder, fitted"],
                "autoencoder, 30 Gaussians": autoencoder.decode(plain[1], plain_z)}
others = {"reconstructed test digits": vae_generate(decoder, z_test),
          "real test digits": digits.x_test}
expected = iter((0.47, 0.8, 0.4, 0.78, 0.87, 0.9))
for name, pictures in {**sheets, **plain_sheets, **others}.items():
    show_result(f"sure of: {name}", sure(pictures), next(expected), 0.07)

# %% [markdown]
# With a prior that fits, the share of sure digits goes up from about a half to four fifths, not far from what reconstructions reach. And the autoencoder's goes up as much: what made it no generative model (L8) was not its decoder, but that nobody had said where its codes are (Ghosh and others 2020).
#
# Then what is the rest of the VAE good for? For knowing what we did. Each step of this section was a number in nats on digits held out: a bound on $\log p(\mathbf{x})$ that had to rise, and that told us to stop at thirty. The autoencoder with a mixture draws digits and has no $p(\mathbf{x})$; whether a change made it a better *model* is a question that it cannot answer. (Fitting the prior *while* the networks train is better still: Tomczak and Welling 2018.)

# %% [markdown]
# ## 10. What is it good for, beside the others?
#
# The lecture compares VAEs with two other families (L22). Unlike *autoregressive* models, which draw one pixel after another, a VAE generates in **one forward pass**. Suppose that each pixel of our digits took a pass through a network of the decoder's size:

# %%
def seconds_for(passes):
    z, start = np.ones((16, 20), np.float32), time.perf_counter()
    for _ in range(passes):
        vae.vae_generate(decoder, z)
    return time.perf_counter() - start


one = min(seconds_for(1) for _ in range(50))
ratio = seconds_for(784) / one
show_result("log10 of the slow-down by a pass per pixel", np.log10(ratio), 3.2, 1.2)

# %% [markdown]
# About three orders of magnitude. Unlike *reversible* models, whose latent space must have as many dimensions as the data, a VAE may have a **low-dimensional latent representation**: ours has 20 for 784 pixels, or 2. The price: only a bound on the likelihood, and, as every pixel is tossed on its own given $\mathbf{z}$, some blur. Notebook 11 puts all four families in one table.
#
# ## What you have shown
#
# - A VAE is the bound $\mathbb{E}_q[\log p(\mathbf{x}|\mathbf{z})] - \mathrm{KL}$ with one network for $q$ and one for $p(\mathbf{x}|\mathbf{z})$, trained together by ordinary backprop (L15, L20, L21); it lies below $\log p(\mathbf{x})$ by $\mathrm{KL}(q\,\|\,\text{posterior})$, to the last digit of a quadrature.
# - Half a minute of one processor core takes it above −106 nats on digits that it has not seen.
# - Draws of the prior decode to strokes, many of them digits, where an ordinary autoencoder's random codes give grey tangles; and they are no copies. With a prior fitted to the codes most are digits, the bound rises by three nats, and even the autoencoder's draws can be read.
# - Importance weighting climbs from the ELBO towards $\log p(\mathbf{x})$; with a linear decoder the ELBO reaches probabilistic PCA's maximum itself.
# - Latents switch off when their price exceeds their use, too many of them if KL weighs too much; the rest of the time this chooses $K$ for you.
#
# ## What is left open
#
# Drag the pad once more, slowly: the digit changes, and so do slant, width and thickness, all at once. One code $\mathbf{z}$ mixes **what** digit it is with **how** it is written. We know the labels; the model has never seen them. Can the two be separated? That is notebook 09.

# %%
# NBVAL_IGNORE_OUTPUT
progress()

# %% [markdown]
# **Sources.** D. Kingma and M. Welling, *Auto-encoding variational Bayes*, 2014. D. Rezende, S. Mohamed and D. Wierstra, *Stochastic backpropagation and approximate inference in deep generative models*, 2014. Y. Burda, R. Grosse and R. Salakhutdinov, *Importance weighted autoencoders*, 2016 (published figures: their
# VAE and IWAE with one stochastic layer). M. Tipping and C. Bishop, *Probabilistic principal component analysis*, 1999. J. Lucas, G. Tucker, R. Grosse and M. Norouzi, *Don't blame the ELBO! A linear VAE perspective on posterior collapse*, 2019. M. Hoffman and M. Johnson, *ELBO surgery: yet another way to carve up the variational evidence lower bound*, 2016. J. Tomczak and M. Welling,
# *VAE with a VampPrior*, 2018. P. Ghosh and others, *From variational to deterministic autoencoders*, 2020. Digits: MNIST, Y. LeCun, C. Cortes, C. Burges.
