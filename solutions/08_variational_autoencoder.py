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
# *Lecture points L15 and L20 to L22. About {{core minutes}} minutes, 14 points; {{further minutes}} more and 4 points below "Further". [Glossary](00_start_here.ipynb#Glossary)*
#
# Notebook 07 closed with two networks side by side: an inference network that proposes $q(\mathbf{z}|\mathbf{x})$ for any $\mathbf{x}$, and a decoder that says how likely $\mathbf{x}$ is given $\mathbf{z}$. So far
# one of the two always stood still. **What happens when both are trained at once, on the same bound?** That is the variational autoencoder (VAE).
#
# By the end you can say, and show with numbers,
#
# - how to train one on real digits in seconds, and what each term of the bound does meanwhile,
# - how good its random digits are, by a judge that can say no, and what an ordinary autoencoder has to set against them,
# - how far the bound is below the likelihood,
# - what lies where in a space of two latents.

# %%
import autograd.numpy as anp
import numpy as np
from matplotlib.patches import Circle
from scipy.special import logsumexp
from scipy.stats import norm

# %%
from course_utils.checking import check, hint, predict, progress, reveal
from course_utils.data import load_mnist, shrink
from course_utils.explorables.latent_pad import latent_pad
from course_utils.models import autoencoder, classifier, linear_gaussian, vae
from course_utils.models.judge import TAUGHT, judge_train, no_digits, share_of_digits
from course_utils.models.long_training import load_vae_digits
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
from course_utils.showing import drawings, plots
from course_utils.showing.evidence import expect, results
from course_utils.showing.live_curves import live_elbo

# %% [markdown]
# Pixels are black or white in this notebook, so that $p(\mathbf{x}|\mathbf{z})$ can be a product of coin tosses: a grey value of 0.3 becomes white with probability 0.3. The networks are fitted to 9,000 of the 10,000 training digits; every choice
# is made on the **1,000 that are held out**, and the test digits are for the final numbers.

# %%
digits, rng = load_mnist(), np.random.default_rng(0)
x_fit, y_fit = digits.x_train[:9000], digits.y_train[:9000]     # grey
x_bw, x_held = binarise(x_fit, rng), binarise(digits.x_train[9000:], rng)
x_test, y_test = binarise(digits.x_test, rng), digits.y_test
print(f"fit: {x_bw.shape}, held out: {x_held.shape}, test: {x_test.shape}")

# %% [markdown]
# ## 1. One number per example
#
# You have built every part: the encoder's two halves (07), the sample $\mathbf{z} = \boldsymbol\mu + \boldsymbol\sigma\boldsymbol\varepsilon$ (06), the pixels' log probability (03), the divergence (05).

# %%
fig, ax = drawings.vae()
plots.show(fig, alt="x goes into the encoder, which gives mu and log sigma. From them "
                    "and a noise epsilon comes z, from z the decoder makes x-hat. The "
                    "divergence KL(q || p) is computed from mu and log sigma, "
                    "log p(x|z) from the decoder's output.")

# %% [markdown]
# Together they are the bound of notebook 04, also called evidence lower bound or **ELBO**,
#
# $$\log p(\mathbf{x}) \;\ge\; \mathcal{F} = \mathbb{E}_{q(\mathbf{z}|\mathbf{x})}[\log p(\mathbf{x}|\mathbf{z})] - \mathrm{KL}\big(q(\mathbf{z}|\mathbf{x}) \,\|\, \mathcal{N}(0, I)\big),$$
#
# where the encoder gives $(\boldsymbol\mu, \log\boldsymbol\sigma)$ for $\mathbf{x}$, and the decoder the logits of $p(\mathbf{x}|\mathbf{z})$ for $\mathbf{z}$. The expectation is estimated with the noise `eps` that comes in.

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
# Is it a bound? With a single latent, $\log p(\mathbf{x})$ is an integral over a line, and the trapezoid rule of notebook 03 gives it to many digits. The library trains a small VAE for us (how, comes in section 3): one latent, digits of 14 × 14 pixels, each the mean of a block (`shrink`).

# %%
tiny = vae.vae_train(shrink(x_fit, 14), [196, 32, 1], 300, np.random.default_rng(0))
some = binarise(shrink(digits.x_test[:20], 14), rng).astype(float)

# %%
z = np.linspace(-8, 8, 1001)
weights = trapezoid_weights(z)
log_lik = bernoulli_log_prob(some[:, None], mlp(tiny[1], z[:, None]))  # (N, 1001)
log_p_tiny = logsumexp(log_lik + norm.logpdf(z), b=weights, axis=1)

# %%
predict("08-bound", "One decoder, two encoders: the one that was trained with it, and "
        "one with random weights. By how much does the bound lie lower with the random "
        f"one? (−log p(x) is about {-log_p_tiny.mean():.0f} nats.)", unit="nats")

# %% [markdown]
# The gap should be $\mathrm{KL}(q\,\|\,p(\mathbf{z}|\mathbf{x}))$ (notebook 04), which the grid gives without any sample:

# %%
untrained, _ = init_vae(shrink(x_fit, 14).mean(axis=0), [196, 32, 1], rng)
log_posterior = log_lik + norm.logpdf(z) - log_p_tiny[:, None]
noise, bounds, gaps = rng.normal(size=(1000, 20, 1)), {}, {}
for name, net in [("trained encoder", tiny[0]), ("untrained encoder", untrained)]:
    bounds[name] = vae_elbo(net, tiny[1], some, noise)
    mu, log_sigma = encoder_forward(net, some)
    log_q = diagonal_gaussian_log_prob(z[:, None], mu[:, None], log_sigma[:, None])
    gaps[name] = np.sum(weights * np.exp(log_q) * (log_q - log_posterior), axis=1)

# %%
results({name: [bounds[name].mean(), gaps[name].mean(),
                (bounds[name] + gaps[name]).mean(), log_p_tiny.mean()]
         for name in bounds}, ["bound", "gap", "bound + gap", "log p(x)"], digits=4,
        caption="Mean of 20 digits, in nats: the bound by vae_elbo, "
                "the rest by quadrature")
difference = np.subtract(bounds["trained encoder"], bounds["untrained encoder"])
reveal("08-bound", difference.mean(), unit="nats")

# %% tags=["expectation"]
for name in bounds:
    assert np.allclose(bounds[name] + gaps[name], log_p_tiny, atol=1.2)
    expect((bounds[name] + gaps[name] - log_p_tiny).mean(), 0, within=0.25)
assert np.allclose(bounds["trained encoder"] + gaps["trained encoder"], log_p_tiny,
                   atol=0.25)
expect(log_p_tiny.mean(), -51.3, within=1)

# %% tags=["expectation"]
blind = np.clip(shrink(x_fit, 14).mean(axis=0).astype(float), 1e-4, 1 - 1e-4)
blind = np.mean(some @ np.log(blind) + (1 - some) @ np.log(1 - blind))
expect(log_p_tiny.mean() - blind, 2.1, within=0.8)            # it has learned something

# %% tags=["expectation"]
assert np.all(bounds["untrained encoder"] < log_p_tiny)
assert all(np.all(gap > 0) for gap in gaps.values())
assert 0 < gaps["trained encoder"].mean() < 0.3
expect(gaps["untrained encoder"].mean(), 7.1, within=2)

# %% tags=["expectation"]
for part in encoder_forward(untrained, some):                  # mu, log sigma
    expect(np.abs(part).mean(), 0.2, within=0.3)

# %% [markdown]
# With both it is a bound, as with every $q$ (notebook 04). A bad $q$ costs tightness, not validity; here a random one costs some seven nats.
#
# ## 2. What is still an autoencoder about it
#
# Data go in, a code comes out, the decoder makes data of the code: an encoder and a decoder, as in notebook 02 (L21). Three things are new.
#
# 1. The reconstruction term is a *log probability*. With Gaussian pixels of variance $\eta$ around the decoder's output $G(\mathbf{z})$ it is $-\lVert\mathbf{x} - G(\mathbf{z})\rVert^2 / 2\eta$ and a constant (L13); for $\eta = 1/2$, **the squared error of an ordinary autoencoder** as it stands:

# %%
x, x_hat = rng.random((2, 6, 49))
constant = gaussian_log_prob(x, x_hat, 0.5) + autoencoder.squared_error(x, x_hat)
assert np.allclose(constant, -0.5 * 49 * np.log(np.pi))

# %% [markdown]
# 2. The code is a *sample*. With $\boldsymbol\sigma$ near 0 it is $\boldsymbol\mu$, and the noise no longer matters (L20).
# 3. There is a *price* on the code, which keeps $\boldsymbol\sigma$ away from 0 and makes $\mathbf{z}$ more stochastic (L21).
#
# Section 4 takes 2 and 3 back again, and looks at what is left. (The slide says that the reconstruction term is "like in an ordinary VAE"; it means an ordinary *autoencoder*.)
#
# ## 3. Training
#
# Everything is differentiable, so one pass forward and one pass of backprop through decoder, sample and encoder give an unbiased estimate of the gradient of $\mathcal{F}$ with respect to *all* weights (L21; notebook 06). A step:
#
# 1. take a minibatch, and draw fresh $\boldsymbol\varepsilon$ for it,
# 2. compute the mean of $\mathcal{F}$ over the minibatch, and its gradient,
# 3. let Adam move the weights uphill in $\mathcal{F}$.
#
# `init_vae(mean, sizes, rng)` gives the pair (encoder, decoder) to start from, whose first guess is the mean image (the decoder's last bias is its logit); `adam`, which goes downhill, and `minibatches` are those of notebook 02, and a batch may be any
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
# Now the real thing: 784 pixels, two hidden layers of 300 units on either side, 20 latents, 450 steps of `vae_train`.

# %%
SIZES, STEPS = [784, 300, 300, 20], 450
mine = vae_train(x_bw, SIZES, STEPS, np.random.default_rng(0))

# %% [markdown]
# For comparison, a decoder that gets no code: independent pixels, each white with the probability that it has among the training digits.

# %%
def mean_elbo(networks, x, samples=2):
    """Mean of the bound over x and fresh noise, in nats."""
    rng, K = np.random.default_rng(1), len(networks[1][0][0])
    return np.mean([vae.vae_elbo(*networks, x, rng.standard_normal(
        (len(x), K), dtype=np.float32)).mean() for _ in range(samples)])


p = np.clip(x_fit.mean(axis=0).astype(float), 1e-4, 1 - 1e-4)
independent = np.mean(x_held @ np.log(p) + (1 - x_held) @ np.log(1 - p))
mine_held = mean_elbo(mine, x_held)
blank, _ = init_vae(p, SIZES, np.random.default_rng(1))
results({"independent pixels": independent, f"VAE, {STEPS} steps": mine_held,
         "VAE's decoder, random encoder": mean_elbo((blank, mine[1]), x_held)},
        digits=4, best="highest", caption="Nats per held-out digit (VAE: a bound)")

# %% tags=["expectation"]
expect(independent, -208.2, within=0.5)
assert -125 < mine_held < -112
expect(mine_held - mean_elbo((blank, mine[1]), x_held), 318, within=30)

# %% [markdown]
# In the (geometric) mean, a digit that the networks have never seen is at least some $e^{88}$ times as probable as under independent pixels. With a random encoder the same decoder's bound is some 300 nats lower, far below independent pixels, and no less a bound.
#
# ## 4. New digits
#
# To generate takes two lines: draw $\mathbf{z} \sim \mathcal{N}(0, I)$, which is what the model *says* codes are, and decode.

# %% [markdown]
# {{exercise vae_generate}}

# %%
def vae_generate(decoder, z):
    """Probability of white for every pixel: codes z (N, K) -> (N, D)."""
    ### BEGIN SOLUTION
    return 1 / (1 + np.exp(-mlp(decoder, z)))
    ### END SOLUTION


# %%
vae_generate = check(vae_generate)

# %% [markdown]
# Reconstructions first, of ten test digits, then the first thirty draws, shown as probabilities (a draw of the pixels would add the coin tosses).

# %%
chosen = np.array([np.flatnonzero(y_test == c)[0] for c in range(10)])
mu, _ = encoder_forward(mine[0], x_test[chosen])
z_prior = np.random.default_rng(2).normal(size=(2000, 20)).astype(np.float32)
drawn = vae_generate(mine[1], z_prior)
fig, (top, bottom) = plots.figure(8.4, 4.3, rows=2, height_ratios=[2, 3])
plots.image_grid(np.concatenate([x_test[chosen], vae_generate(mine[1], mu)]), (28, 28),
                 10, ax=top, row_labels=["test digit", "reconstruction"])
plots.image_grid(drawn[:30], (28, 28), 10, ax=bottom, row_labels=["", "drawn", ""])
plots.show(fig, alt="Above, ten test digits and their reconstructions, nearly the same "
                    "but smoother. Below, thirty random images of white strokes on "
                    "black; some are clear digits.")

# %%
predict("08-count", "How many of the thirty will pass for digits, before a judge who "
        "has seen digits and things that are none?", unit="of 30")

# %% [markdown]
# ### A judge that may say no
#
# A classifier with ten labels cannot count them for us: it has to choose one of them for anything, noise included. So train one with an eleventh class, **"none of these"**, on digits and on four kinds of pictures that are none.
# A judge is worth what its controls say: digits that it has not seen; smooth digits, each the mean of the five training digits nearest to a test digit; and *kinds* of non-digits that it has not been taught.

# %%
judge = judge_train(x_fit, y_fit, 1000, np.random.default_rng(0))
unlike = np.sum(x_fit**2, axis=1) - 2 * digits.x_test[:500] @ x_fit.T
smooth = x_fit[np.argpartition(unlike, 5, axis=1)[:, :5]].mean(axis=1)
controls = {"real test digits": digits.x_test, "smooth digits": smooth} | {
    kind + ("" if kind in TAUGHT else " (not taught)"): pictures for kind, pictures in
    no_digits(digits.x_test, y_test, np.random.default_rng(1)).items()}
passed = {kind: share_of_digits(judge, x) for kind, x in controls.items()}
reveal("08-count", round(30 * share_of_digits(judge, drawn[:30])), unit="of 30")
results(passed, digits=2, caption="Share that the judge takes for a digit")

# %% tags=["expectation"]
expect(passed["real test digits"], 0.96, within=0.025)
expect(passed["smooth digits"], 0.965, within=0.025)
assert passed["noise"] < 0.01 and passed["shuffled pixels"] < 0.01
assert passed["averages of two"] < 0.2 and max([*passed.values()][2:]) < 0.45
assert 8 < 30 * share_of_digits(judge, drawn[:30]) < 22
assert share_of_digits(judge, np.repeat(digits.x_test[:1], 2000, axis=0)) == 1

# %%
shown = np.concatenate([x[:16] for x in controls.values()])
refused = classifier.predict(judge, shown)[:, None] == 10     # 10 is "none of these"
fig, ax = plots.figure(9.0, 4.3)
plots.image_grid(np.where(refused, 0.45 + 0.55 * shown, shown), (28, 28), 16, ax=ax,
                 row_labels=[*controls]).set_title("on grey: refused")
plots.show(fig, alt="Nine rows, most on grey: real and smooth digits, noise, shuffled "
                    "pixels, averages of two digits, their halves, one over the other, "
                    "pixels of both. On black are nearly all of the first two rows, "
                    "and of the others some that look like a digit.")

# %% [markdown]
# It passes real digits and smooth ones, and refuses noise and nearly nine in ten averages; of halves of two digits it passes up to three in ten, and some do look like one. So a single verdict proves little. Shares of thousands of pictures can be compared, as far as the judge errs alike in all of them. It counts no variety: one good digit, drawn 2,000 times, would pass each time. The level is this judge's own.
#
# ### A rival with a fair chance
#
# Take back points 2 and 3 of section 2: the same networks, start, pixels and steps, but $\mathbf{z} = \boldsymbol\mu$ without noise, and no KL term. What is left is an **ordinary autoencoder**.

# %%
def plain_loss(params, rows):
    codes, _ = encoder_forward(params[0], rows)
    log_p = bernoulli_log_prob(rows, mlp(params[1], codes))
    return -anp.sum(log_p) * (1 / len(rows))


start = init_vae(x_bw.mean(axis=0), SIZES, np.random.default_rng(0))
plain = adam(plain_loss, start, minibatches(x_bw, 128, STEPS, np.random.default_rng(0)),
             STEPS, step_size=4e-3, label="autoencoder")

# %% [markdown]
# It says nothing about where its codes lie, but we can look: fit a Gaussian to the codes $\boldsymbol\mu$ of the training digits, with its mean $\mathbf{m}$ and full covariance $AA^\top$, and draw from that: codes $\mathbf{m} + A\mathbf{z}$ with $\mathbf{z} \sim \mathcal{N}(0, I)$. With $\mathbf{m}$ and $A$ put into the decoder's first layer
# it is a model like ours (`with_gaussian_prior`), so that even its bound can be computed: for $q(\mathbf{z}|\mathbf{x})$ we take $\mathcal{N}(A^{-1}(\mathbf{c} - \mathbf{m}), \sigma^2 I)$, $\mathbf{c}$ the code of $\mathbf{x}$, with one $\sigma$ for all, chosen on held-out digits.

# %%
predict("08-rival", "The judge looks at 2,000 pictures of each. The autoencoder with "
        "codes from that Gaussian: how do its pictures compare with the VAE's?",
        ["hardly any of them pass", "about half as many pass", "as many pass, or more"])

# %%
rival = max((vae.with_gaussian_prior(*plain, x_bw, width)
             for width in (0.15, 0.2, 0.25, 0.3)),
            key=lambda networks: mean_elbo(networks, x_held))
made = {"VAE, N(0, I)": drawn, "autoencoder, N(0, I)": vae_generate(plain[1], z_prior),
        "autoencoder, fitted Gaussian": vae_generate(rival[1], z_prior),
        "VAE, fitted Gaussian": vae_generate(
            vae.with_gaussian_prior(*mine, x_bw, 1)[1], z_prior)}
share = {name: share_of_digits(judge, pictures) for name, pictures in made.items()}
bound = dict(zip(made, [mine_held, None, mean_elbo(rival, x_held), None]))
results({n: [(s, ((s - s * s) / 2000)**0.5), bound[n]] for n, s in share.items()},
        ["share of digits", "bound (nats, held out)"], digits=4,
        caption="2,000 pictures each, the share with its standard error")
ratio = share["autoencoder, fitted Gaussian"] / share["VAE, N(0, I)"]
reveal("08-rival", "as many pass, or more" if ratio > 0.75 else
       "about half as many pass" if ratio > 0.25 else "hardly any of them pass")

# %% tags=["expectation"]
expect(share["VAE, N(0, I)"], 0.45, within=0.09)
expect(share["autoencoder, N(0, I)"], 0.2, within=0.09)
expect(ratio, 1.18, within=0.12)
expect(share["VAE, fitted Gaussian"] / share["autoencoder, fitted Gaussian"], 1.02,
       within=0.2)
assert 0.5 < bound["VAE, N(0, I)"] - bound["autoencoder, fitted Gaussian"] < 8

# %%
fig, axes = plots.figure(9.6, 3.1, columns=3)
for ax, (name, pictures) in zip(axes, made.items()):
    plots.image_grid(pictures[:30], (28, 28), 6, ax=ax).set_title(name, fontsize=11)
plots.show(fig, alt="Thirty random images each. Of the VAE's and of the autoencoder's "
                    "with a fitted Gaussian about half can be read, of the "
                    "autoencoder's with N(0, I) few.")

# %% [markdown]
# Drawn from $\mathcal{N}(0, I)$, which nobody asked it to use, the autoencoder's pictures are mostly tangles. With one Gaussian fitted to its codes they pass more often than the VAE's, and about as often as these do after the same fit (one start does not tell which of those two is ahead). As a model its bound is some two nats lower after these 450 steps. So what made the autoencoder no generative model (L8) was less its decoder than that nobody had said
# where its codes are. The VAE says so *before* training, and the KL term holds it to that: nothing *must* be fitted afterwards, and training and judging use one number, the bound.
#
# ### Learned by heart?
#
# A model that had learned its training digits by heart would draw pictures as near to one of them as those are that the decoder makes of draws from *their* $q$.

# %%
def nearest(images):
    """Squared distance of each to the nearest digit of x_fit."""
    d = np.sum(x_fit**2, axis=1) - 2 * images @ x_fit.T
    return d.min(axis=1) + np.sum(images**2, axis=1)


readable = drawn[classifier.predict(judge, drawn) < 10]       # 10 is "none of these"
mu_400, ls_400 = encoder_forward(mine[0], x_bw[:400])
own = mu_400 + np.exp(ls_400) * np.random.default_rng(4).normal(size=(400, 20))
distance = {"decoded from draws of training digits' q": nearest(
                vae_generate(mine[1], own)),
            "test digits themselves": nearest(digits.x_test[:400]),
            "drawn, and passed by the judge": nearest(readable[:400])}
as_copies = np.median(distance["decoded from draws of training digits' q"])
results({name: [d.mean(), np.mean(d < as_copies)] for name, d in distance.items()},
        ["mean squared distance", "share nearer than half of the first row"],
        digits=2, caption="To the nearest training digit")

# %% tags=["expectation"]
d = [values.mean() for values in distance.values()]
assert d[0] < 0.7 * d[1] and d[0] < 0.65 * d[2]
expect(d[0], 14.5, within=2)
expect(d[2] / d[1], 1.05, within=0.15)
assert np.mean(distance["drawn, and passed by the judge"] < as_copies) < 0.1

# %% [markdown]
# Those that can be read are about as far from the training digits as new digits are, and hardly any is as near as half of the first row is: they are not copies.
#
# ## 5. The library's training
#
# The library's `vae.vae_train` has the same loss. It draws the pixels to black and white afresh for every minibatch, here of 200 digits, and lets the step size shrink in the second half. While it trains, a picture is drawn with both terms on 250 held-out digits. The **stop
# button** (■) ends the training, and what it has reached is kept.

# %%
predict("08-kl", "KL is a price. From the first step to the last, the bound will rise. "
        "Which way will the KL term go?",
        ["down, from the start", "up, in the end", "up, then down again"])

# %%
held_eps = rng.standard_normal((250, 20), dtype=np.float32)
steps, history = 1000, []
encoder, decoder = vae.vae_train(
    x_fit, SIZES, steps, np.random.default_rng(0), batch_size=200, step_size=5e-3,
    callback=live_elbo(history, x_held[:250], held_eps, steps))

# %%
kl_curve = np.array([kl for _, _, kl in history])
reveal("08-kl", "down, from the start" if kl_curve[-1] < kl_curve[0] else
       "up, in the end" if kl_curve[-1] > kl_curve.max() - 2 else "up, then down again")
results({f"after step {t}": terms for t, *terms in (history[0], history[-1])},
        ["reconstruction", "KL"], digits=4, caption="Nats, 250 held-out digits")

# %% tags=["expectation"]
assert np.allclose(vae.vae_elbo(encoder, decoder, x_held[:250], held_eps),
                   vae_elbo(encoder, decoder, x_held[:250], held_eps), rtol=1e-4)
expect(kl_curve[-1], 24.8, within=1.5)
assert kl_curve[:5].max() < 14 and kl_curve[-1] > kl_curve.max() - 2
expect(kl_curve[0] / kl_curve[-1], 0.52, within=0.06)
expect(history[0][1], independent, within=3)
after_300 = next(kl for t, _, kl in history if t >= 300)
assert after_300 - kl_curve[0] > 0.8 * (kl_curve[-1] - kl_curve[0])

# %% [markdown]
# Up, after a dip of a few steps. Half of the KL is there at the start, and buys nothing: the reconstruction is that of independent pixels (section 3). As long as a nat of KL buys more than a nat of reconstruction, the networks buy, until the two balance (notebook 05). Nearly all that is added comes in the first three hundred steps (hence the logarithmic axis). From then on the networks make more of the same number of nats.

# %% [markdown]
# Now the test digits, too:

# %%
library_drawn = vae_generate(decoder, z_prior)
library_share = share_of_digits(judge, library_drawn)
mine_on, library_on = ([mean_elbo(pair, x) for x in (x_bw[:1000], x_held, x_test)]
                       for pair in (mine, (encoder, decoder)))
test_elbo = library_on[2]
results({f"vae_train, {STEPS} steps": [*mine_on, (share["VAE, N(0, I)"], 0.011)],
         f"vae.vae_train, {steps} steps": [*library_on, (library_share, 0.011)]},
        ["fitted to", "held out", "test", "share of digits"], digits=4, best="highest",
        caption="Bounds in nats on three sets of digits; what passes of 2,000 draws")

# %% tags=["expectation"]
expect(test_elbo, -105.2, within=0.75)
expect(library_on[0], -101.8, within=1.5)
for fitted, held, test in (mine_on, library_on):
    expect(fitted - held, 5.3, within=1.5)
    expect(test - held, 1.9, within=0.8)
expect(library_share, 0.54, within=0.08)
assert test_elbo > -106

# %% [markdown]
# Both do better on digits that they were fitted to, by some five or six nats against held-out ones. (The test digits are easier, by about two.) Some thirteen nats more in the bound, and only nine in a hundred more of the pictures pass: **the bound and the look of samples are two different measures.** The bound asks whether the model gives probability to digits that exist; it hardly minds wasted draws: a model that draws digits only half of the time gives each of them half the probability, $\log 2 = 0.7$ nats less.
#
# ## 6. How good is the bound?
#
# How far below $\log p(\mathbf{x})$ is it? In twenty dimensions no grid will do, but notebook 04 had a bound that climbs: with $S$ samples from $q$,
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
estimate = vae_log_likelihood(*tiny, some, rng.normal(size=(1000, 20, 1)))
assert np.allclose(estimate, log_p_tiny, atol=0.2)

# %% [markdown]
# Then on the first 100 test digits, with the library's function. The row $S = 1$ is the bound of section 1, with 50 draws of noise.

# %%
few, counts = x_test[:100], [1, 10, 100, 1000]
eps = np.random.default_rng(1).standard_normal((50, 100, 20), dtype=np.float32)
ladder = {1: vae.vae_elbo(encoder, decoder, few, eps)}
for S in counts[1:]:
    eps = np.random.default_rng(S).standard_normal((S, 100, 20), dtype=np.float32)
    ladder[S] = vae.vae_log_likelihood(encoder, decoder, few, eps)
climbs = [ladder[b] - ladder[a] for a, b in zip(counts, counts[1:])]    # of one digit
climbs = [(climb.mean(), climb.std(ddof=1) / 10) for climb in climbs]

# %%
published = {"VAE (Burda and others 2016, S = 5000)": ["−86.76", None]}
results({f"S = {S}": [ladder[S].mean(), climb]
         for S, climb in zip(counts, [None, *climbs])} | published,
        ["log p(x) at least", "climb"], digits=4,
        caption="Nats per digit; the climb with its standard error over 100 digits")

# %% tags=["expectation"]
for S, value in {1: -106.2, 10: -102.7, 100: -101.3, 1000: -100.4}.items():
    expect(ladder[S].mean(), value, within=1.5)
for (climb, error), value in zip(climbs, (3.4, 1.4, 0.9)):
    expect(climb, value, within=0.7)
    assert climb > 2 * error
expect((ladder[1000] - ladder[1]).mean(), 5.8, within=0.7)

# %% [markdown]
# It climbs by smaller and smaller steps, and every row is still a lower bound in expectation. So $\log p(\mathbf{x})$ lies nearly six nats above the bound, or more, and that is no lack of the model: these are the two gaps of notebook 07, of a $q$ that is a diagonal Gaussian, and of the network that proposes it.
# The published figure is **theirs**: all 10,000 test digits, 60,000 for training, 50 latents, hidden layers of 200 units, far longer training.
#
# ## 7. Two latents: a map of handwriting
#
# With $K = 2$ all of the latent space fits on a page. Whatever holds most of the prior should hold most of the codes, so we know where to look: in a circle of radius 2, which holds $1 - e^{-2}$ or 86 % of $\mathcal{N}(0, I)$.

# %%
map_encoder, map_decoder = vae.vae_train(x_fit, [784, 200, 100, 2], 700,
                                         np.random.default_rng(0), step_size=6e-3)
map_codes, _ = encoder_forward(map_encoder, x_test)

# %%
predict("08-box", "Of which digits do the codes lie outside of that circle?",
        ["of each about 14 %", "hardly any of any digit",
         "very unevenly: of some nearly all, of some none"])

# %%
r = np.linalg.norm(map_codes, axis=1)
of_digit = [y_test == c for c in range(10)] + [y_test >= 0]          # the last is all
outside = [np.mean(r[which] > 2) for which in of_digit]
read = classifier.predict(judge, vae_generate(map_decoder, map_codes)) < 10
results({"share outside": np.round(outside, 2),
         "reconstructions that pass": np.round([read[i].mean() for i in of_digit], 2)},
        [*"0123456789", "all"], digits=2)
results({"share within the circle that holds half of the prior": np.mean(r < 1.18)})
uneven = max(outside) > 0.8 and min(outside) < 0.03
reveal("08-box", "very unevenly: of some nearly all, of some none" if uneven else
       "of each about 14 %" if outside[-1] > 0.05 else "hardly any of any digit")

# %% tags=["expectation"]
expect(outside[1], 0.93, within=0.07)
expect(outside[7], 0.45, within=0.3)
expect(np.mean(r[y_test == 1] ** 2) / 2, 4.6, within=1)
assert uneven and 0.1 < outside[-1] < 0.3
assert sum(part < 0.03 for part in outside[:10]) >= 3
expect(np.mean(r < 1.18), 0.5, within=0.06)

# %%
side = np.linspace(-3.6, 3.6, 13)
grid = np.stack(np.meshgrid(side, side[::-1]), axis=-1).reshape(-1, 2)
fig, (left, right) = plots.figure(9.6, 4.8, columns=2)
plots.codes(map_codes, y_test, ax=left).set_title("test digits; 50 and 86 % of N(0, I)")
left.set(adjustable="box", xlim=(-3.9, 3.9), ylim=(-3.9, 3.9))
plots.image_grid(vae_generate(map_decoder, grid), (28, 28), 13, ax=right, gap=1)
for ax, middle, unit, colour in [(left, 0, 1, "black"),
                                 (right, 187, 29 / 0.6, "white")]:     # in pixels
    for radius in (1.18, 2):
        ax.add_patch(Circle((middle, middle), radius * unit, fill=False, linewidth=2,
                            edgecolor=colour))
right.set_title("decoded from −3.6 to 3.6, laid out as on the left")
plots.show(fig, alt="Left: test digits' codes, coloured by label, crowded around 0, "
                    "with two circles; the 1s lie outside, to one side, many 7s and "
                    "2s to others. Right: a mosaic of 13 by 13 decoded codes, with "
                    "the same circles; digits pass smoothly into each other.")

# %% [markdown]
# Together the codes nearly follow the prior: a fifth lie outside, where it has 14 %. But nothing asks *each* digit's codes to look like $\mathcal{N}(0, I)$. Every code is pulled towards 0, and the reconstruction keeps those apart that need different pictures, so the digits share the plane out. A place at distance $r$ from 0 costs $r^2/2$ nats, outside of the circle more than 2: nearly all 1s pay this, and here many 7s and 2s.
#
# Does each draw of the prior meet a digit now? Compare draws with what the decoder can do at best, reconstructions:

# %%
z_map = z_prior[:, :2]
sharp = {name: [share_of_digits(judge, vae_generate(net, codes)) for codes in pair]
         for name, net, pair in [
             ("2 latents", map_decoder, (map_codes, z_map)),
             ("20 latents", decoder, (encoder_forward(encoder, x_test)[0], z_prior))]}
results(sharp, ["reconstructions", "draws"], digits=2,
        caption="Share that the judge takes for a digit")

# %% tags=["expectation"]
by_digit = np.array([read[which].mean() for which in of_digit])
assert by_digit[1] > 0.9 and by_digit[[0, 2]].min() > 0.5 and by_digit[-1] < 0.33
assert by_digit[[3, 5, 6, 8]].max() < 0.1
expect(sharp["2 latents"][0] - sharp["2 latents"][1], 0.06, within=0.08)
expect(sharp["20 latents"][0] - sharp["20 latents"][1], 0.41, within=0.1)
assert sharp["2 latents"][0] < 0.5 < 0.9 < sharp["20 latents"][0]
expect(mean_elbo((map_encoder, map_decoder), x_test), -154, within=4)

# %% [markdown]
# With 2 latents the judge passes hardly fewer draws than reconstructions, but fewer than a third of these, too: nearly all 1s, most 0s and 2s, hardly any 3, 5, 6 or 8. Where digits share a place, one picture has to serve them all. With 20 latents reconstructions are good, and half of the draws miss.
#
# ### Explore
#
# Drag the point, and see *one* stroke move as the code moves. Decide before you move: (a) start at the upper end of the 1s' region and follow it down: what about the 1 changes? (b) From the 0s to the 7s on a straight line: through which digits will you pass? (c) What is at $(0, 0)$?

# %%
latent_pad(map_decoder, digits.shape, codes=map_codes[:1000], labels=y_test[:1000],
           extent=(-4, 4, -4, 4))

# %% [markdown] tags=["expectation"]
# <details><summary>Answers</summary>
#
# (a) The 1 turns, from upright to leaning far to the right. For the 1s $z_2$ is nearly slant; elsewhere it changes digits. (b) 0, a blur of 5, 3 and 8, then 9 or 4, and only beyond the printed 7, to the upper left, a clear 7: through the regions that lie between them on the map, without a jump. The decoder is continuous, so on the border of two regions there is a picture that is neither.
# (c) A 3, with something of a 5 and an 8: nearly all of the hundred test digits whose codes are nearest to 0 are 3s, 5s and 8s, most of them 3s. The mode of the prior is neither the mean of all digits nor the most probable picture.
#
# </details>

# %% [markdown]
# ## 8. Beside the others
#
# The lecture compares VAEs with two other families (L22). Unlike *autoregressive* models, which mostly draw one pixel after another, a pass for each, a VAE generates in **one forward pass**. Unlike *reversible* models, whose latent space must have as many dimensions as the data, it may have a **low-dimensional latent representation**.
# The price is what you have measured: only a bound on the likelihood. Notebook 11 puts four families in one table.
#
# ## What you have shown
#
# - A VAE is the bound $\mathbb{E}_q[\log p(\mathbf{x}|\mathbf{z})] - \mathrm{KL}$ with one network for $q$ and one for $p(\mathbf{x}|\mathbf{z})$, trained together by ordinary backprop (L15, L20, L21); it lies below $\log p(\mathbf{x})$ by $\mathrm{KL}(q\,\|\,\text{posterior})$.
# - A thousand steps take it above −106 nats on the test digits; importance weights climb nearly six nats higher.
# - About half of the prior's draws pass for digits, and they are no copies. An ordinary autoencoder's random codes give tangles, until a density is fitted to its codes (L8).
# - On a map of two latents the digits share the prior out, some of them at its rim: here nearly all 1s.
#
# ## What is left open
#
# Drag the pad once more, slowly: the digit changes, and so do slant, width and thickness, all at once. One code $\mathbf{z}$ mixes **what** digit it is with **how** it is written. We know the labels; the model has never seen them. Can the two be separated? That is notebook 09.

# %%
# NBVAL_IGNORE_OUTPUT
progress()

# %% [markdown]
# ## Further ({{further minutes}} minutes)
#
# ### When everything is linear
#
# Notebook 01 began with a linear autoencoder and found PCA. What does a linear *variational* autoencoder find? The model $\mathbf{x} = W\mathbf{z} + \mathbf{b} + \text{noise of variance } \eta$, $\mathbf{z} \sim \mathcal{N}(0, I)$, is **probabilistic PCA**. It is a Gaussian, $p(\mathbf{x}) = \mathcal{N}(\mathbf{b}, \Sigma)$ with $\Sigma = WW^\top + \eta I$, and the maximum of its likelihood has a closed form (Tipping and Bishop 1999). Notebooks 05 to 07 took it for granted; now find it.
#
# A rotation of $\mathbf{z}$ changes nothing in $\Sigma$, so let the columns $\mathbf{w}_k$ of $W$ be at right angles. Then $\Sigma$ has the variance $\lVert\mathbf{w}_k\rVert^2 + \eta$ along $\mathbf{w}_k$, and $\eta$ in each of the $D - K$ directions at right angles to all of them. The data have the variances $\lambda_1 \ge \lambda_2 \ge \dots$ (the eigenvalues of their covariance) along its eigenvectors $\mathbf{u}_1, \mathbf{u}_2, \dots$ The best $\mathbf{w}_k$ lie along the first $K$ of these, and there $\Sigma$ can have the data's own variances. In all other directions together it has one number, $\eta$; as whenever one variance is fitted to many Gaussian numbers, the best is their mean square.

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
# It should be a maximum: changes of $W$ or $\eta$ by a tenth must lower the log-likelihood. Grey digits of 14 × 14 pixels, six latents:

# %%
grey = shrink(x_fit, 14)
W, mean, eta = ppca_fit(grey.astype(float), 6)
highest = log_marginal_linear(grey, W, mean, eta).mean()
for factor in (0.9, 1.1):
    assert log_marginal_linear(grey, factor * W, mean, eta).mean() < highest
    assert log_marginal_linear(grey, W, mean, factor * eta).mean() < highest
print(f"maximum of the mean log-likelihood: {highest:.2f} nats")

# %% [markdown]
# Now a VAE without hidden layers, encoder 196 → 12, decoder 6 → 196, Gaussian pixels, trained as any VAE is: with one sample of noise per example, and with $\log\eta$ as one more parameter. It is told nothing of eigenvectors, and it maximises a bound, not the likelihood.

# %%
predict("08-linear", "Notebook 01's linear autoencoder found the subspace of PCA, in "
        "some coordinates. What will linear VAEs, from three starts, "
        "have found after 500 steps?",
        ["neither subspace nor directions", "the subspace, in some coordinates",
         "the subspace and the principal directions"])

# %%
def minus_elbo(params, batch):
    (encoder, decoder, log_eta), (x, eps) = params, batch
    mu, log_sigma = encoder_forward(encoder, x)
    residual = x - mlp(decoder, mu + anp.exp(log_sigma) * eps)
    error = anp.sum(residual * residual) * (0.5 / len(x)) * anp.exp(-log_eta[0])
    kl = anp.sum(kl_standard_normal(mu, log_sigma)) * (1 / len(x))
    return error + 98 * (log_eta[0] + float(np.log(2 * np.pi))) + kl       # 98 = D/2


def noisy_batches(x, K, steps, rng):
    for rows in minibatches(x, 250, steps, rng):
        yield rows, rng.standard_normal((len(rows), K), dtype=np.float32)


# %%
def linear_vae(seed, steps=500):
    """(V, b, eta), encoder: a linear VAE, trained from the start that `seed` gives."""
    rng = np.random.default_rng(seed)
    start = (*init_vae(grey.mean(axis=0), [196, 6], rng), np.float32([-3]))
    start[1][0] = (0.1 * start[1][0][0], grey.mean(axis=0))
    encoder, ((V, b),), log_eta = adam(
        minus_elbo, start, noisy_batches(grey, 6, steps, rng), steps,
        step_size=optim.hold_then_linear(0.03, steps), label="linear VAE")
    return (V.T.astype(float), b.astype(float), float(np.exp(log_eta[0]))), encoder


linear = [linear_vae(seed) for seed in range(3)]

# %% [markdown]
# For a linear decoder the bound has a closed form (notebook 05). The best diagonal $q$ misses a Gaussian posterior with precision $\Lambda = I + W^\top W/\eta$ by $\frac12(\sum_k \log \Lambda_{kk} - \log\det\Lambda)$. PPCA's columns are orthogonal, so that this gap is 0; $WR$ with a rotation $R$ has the same likelihood, but a gap. For comparison, from the same three starts, a hundred steps of Adam on the likelihood itself, which knows of no $q$. And the directions: $|\cos|$ between a column and the eigenvector nearest to it, in the mean.

# %%
eigenvectors = pca_fit(grey.astype(float), 6)[1]
covariance = np.cov(grey.astype(float).T, bias=True)


def minus_log_p(params, _):
    """Minus the mean log-likelihood of PPCA; params: W transposed, log eta."""
    V, log_eta = params[0], params[1][0]
    M = V @ V.T + anp.exp(log_eta) * anp.eye(6)
    explained = anp.trace(anp.linalg.solve(M, V @ covariance @ V.T))
    left = (np.trace(covariance) - explained) * anp.exp(-log_eta)
    log_det = 190 * log_eta + anp.linalg.slogdet(M)[1]
    return (196 * np.log(2 * np.pi) + log_det + left) / 2


# %%
def gap_of_diagonal_q(W, eta):
    precision = np.eye(W.shape[1]) + W.T @ W / eta
    return 0.5 * (np.log(np.diag(precision)).sum() - np.linalg.slogdet(precision)[1])


def alignment(V):
    """Mean |cosine| between a column of V and the eigenvector nearest to it."""
    return np.abs(eigenvectors @ V / np.linalg.norm(V, axis=0)).max(axis=0).mean()


# %%
def row(parameters, encoder):
    mu, log_sigma = (a.astype(float) for a in encoder_forward(encoder, grey))
    bound = linear_gaussian.elbo_linear_gaussian(
        grey.astype(float), *parameters, mu, log_sigma).mean()
    V, _, noise = parameters
    return [bound, np.max(subspace_angle(V, W)), gap_of_diagonal_q(V, noise),
            alignment(V)]


# %%
def without_q(seed, steps=100):
    """(V, eta) after Adam on the likelihood, from the start that `seed` gives."""
    _, ((V, _),) = init_vae(grey.mean(axis=0), [196, 6], np.random.default_rng(seed))
    V, log_eta = adam(
        minus_log_p, (0.1 * V.astype(float), np.array([-3.0])), range(steps), steps,
        step_size=optim.hold_then_linear(0.03, steps), label="likelihood")
    return V.T, float(np.exp(log_eta[0]))


rows, free = [row(*trained) for trained in linear], []
for V, variance in map(without_q, range(3)):
    gap = gap_of_diagonal_q(V, variance)
    free.append([log_marginal_linear(grey, V, mean, variance).mean() - gap,
                 np.max(subspace_angle(V, W)), gap, alignment(V)])

# %%
results({"PPCA": [highest, 0, gap_of_diagonal_q(W, eta), alignment(W)]}
        | {f"linear VAE, start {seed}": values for seed, values in enumerate(rows)}
        | {f"likelihood, start {seed}": values for seed, values in enumerate(free)},
        ["bound", "angle of subspaces", "gap of the best diagonal q", "cosine"],
        digits=4)
same_space = max(angle for _, angle, _, _ in rows) < 0.1
same_axes = same_space and min(cosine for *_, cosine in rows) > 0.95
reveal("08-linear", "the subspace and the principal directions" if same_axes
       else "the subspace, in some coordinates" if same_space
       else "neither subspace nor directions")

# %% tags=["expectation"]
linear_rng = np.random.default_rng(0)
turned = [W @ np.linalg.qr(linear_rng.normal(size=(6, 6)))[0] for _ in range(100)]
turned_gaps, cosines = zip(*[(gap_of_diagonal_q(V, eta), alignment(V)) for V in turned])
for (bound, angle, gap, cosine), (parameters, _) in zip(rows, linear):
    assert bound < log_marginal_linear(grey, *parameters).mean() < highest
    expect(highest - bound, 0.24, within=0.09)
    expect(angle, 0.04, within=0.04)
    assert gap < min(turned_gaps) and cosine < max(cosines)
    expect(parameters[2] / eta, 1, within=0.02)

# %% tags=["expectation"]
for bound, angle, gap, cosine in free:
    assert highest - 0.02 < bound + gap < highest + 1e-6 and angle < 0.1
    assert gap > 2 * max(gap for _, _, gap, _ in rows)
    expect(cosine, 0.69, within=0.1)
    expect(gap, 0.095, within=0.035)
assert abs(gap_of_diagonal_q(W, eta)) < 1e-6 and abs(alignment(W) - 1) < 1e-6
assert np.isclose(log_marginal_linear(grey, turned[0], mean, eta).mean(), highest)
expect(np.mean(turned_gaps), 0.08, within=0.02)
expect(np.mean([cosine for *_, cosine in rows]), 0.75, within=0.08)
expect(np.mean(cosines), 0.71, within=0.03)

# %% [markdown]
# Within a third of a nat of the maximum, and in PPCA's subspace, from each start. The gap is a quarter of that to which the likelihood alone leads: the VAE's $q$ is diagonal, so the bound rewards columns of the decoder that are at right angles. At its very top $WW^\top$ is PPCA's as well, and then they are the principal *directions* (if no two of the $\lambda_k$ are equal; Lucas and others 2019). After 500 steps no start has arrived there: the cosines are hardly above those of the likelihood alone, which prefers no rotation to another. Columns at right angles gain no more than these 0.1 nats, so a small gap does not show that the columns are principal directions. With a decoder that bends, in general no rotation makes every posterior a diagonal Gaussian, and then a part of the gap remains: notebook 07 measured it.
#
# ### Latents that say nothing
#
# Which of the latents does a VAE use? An unused one shows $\mu \approx 0$ and $\sigma \approx 1$ for every $\mathbf{x}$: its $q$ is the prior, it costs nothing and tells nothing. The usual count of those in use, the *active units* of Burda and others (2016), looks at $\boldsymbol\mu$ alone.

# %% [markdown]
# {{exercise active_units}}

# %%
def active_units(mu):
    """How many of K latents are in use, from mu (N, K)."""
    ### BEGIN SOLUTION
    return int(np.sum(np.var(mu, axis=0) > 0.01))
    ### END SOLUTION


# %%
active_units = check(active_units)

# %% [markdown]
# Let us provoke it: a generous 30 latents, a single hidden layer of 60 units, and a KL term that weighs $\beta$ times as much as it should. Do the latents fade together as $\beta$ grows, or does one after another drop out?

# %%
def per_dimension(encoder, x):
    """KL of each latent, mean over x, descending."""
    mu, log_sigma = encoder_forward(encoder, x)
    kl = [kl_standard_normal(mu[:, [k]], log_sigma[:, [k]]).mean()
          for k in range(mu.shape[1])]
    return np.sort(kl)[::-1]


def small_vae(K, beta):
    return vae.vae_train(x_fit, [784, 60, K], 450, np.random.default_rng(0),
                         batch_size=100, step_size=1e-2, kl_weight=beta)


weighted = {f"β = {beta}": small_vae(30, beta) for beta in (1, 3, 8, 25)}
weighted["β = 1, offered 60"] = small_vae(60, 1)
kl_of = {name: per_dimension(pair[0], x_held) for name, pair in weighted.items()}

# %%
units = {name: active_units(encoder_forward(pair[0], x_held)[0])
         for name, pair in weighted.items()}
held_bound = {name: mean_elbo(pair, x_held) for name, pair in weighted.items()}
used = {name: int(np.sum(kl > 0.1)) for name, kl in kl_of.items()}
results({name: [units[name], used[name], round(kl.sum(), 2), held_bound[name]]
         for name, kl in kl_of.items()},
        ["active units", "with more than 0.1 nat", "KL", "bound, held out"])

# %% tags=["expectation"]
one, three, eight, collapsed, sixty = weighted
for name, count, off, value, tolerance in [
        (one, 28, 5, -130, 4), (three, 20, 10, -144, 5), (eight, 10, 7, -170, 5),
        (collapsed, 0, 1, -208.3, 2), (sixty, 57, 6, -130, 4)]:
    expect(units[name], count, within=off)
    expect(held_bound[name], value, within=tolerance)
expect(held_bound[collapsed], independent, within=1.5)
assert used[one] > used[three] + 3 > used[eight] + 5 and used[eight] > 0
assert kl_of[one][0] > kl_of[three][0] > kl_of[eight][0]
expect(used[one], 18, within=4)
expect(used[sixty] / used[one], 1.1, within=0.25)
assert abs(held_bound[sixty] - held_bound[one]) < 2

# %%
fig, axes = plots.figure(9.6, 2.8, columns=3, sharey=True)
for ax, (name, kl) in zip(axes, kl_of.items()):
    ax.bar(np.arange(1, 31), kl, color=drawings.DISTRIBUTION)
    ax.set(xlabel="latent, most used first")
    ax.set_title(f"{name}: {kl.sum():.1f} nats")
axes[0].set(ylabel="KL (nats)")
plots.show(fig, alt="The divergence of each of 30 latents for three weights. At weight "
                    "1 half of them carry half a nat or more; at 3 about ten carry "
                    "more than a tenth, at 8 four, and each of those less than before.")

# %% [markdown]
# Both: those that stay carry less, and one after another drops out, as in the linear model, where a column vanishes once $\beta\eta$ exceeds its eigenvalue (notebook 05). (After so few steps the count of active units is generous: some of them carry less than a tenth of a nat.) At the far end is **posterior collapse**: every
# digit has the same $q$, and the VAE is as good as independent pixels. In practice collapse comes less openly: a reconstruction term averaged over pixels where it should be summed is a $\beta$ of 784.
#
# And the good side of it. Notebook 02 asked **how to choose $K$** (L8), and had no answer, as the squared error, of new digits too, only falls. The bound decides: a latent is kept if it earns its price. Offered 60 in place of 30, the VAE pays more than a tenth of a nat for hardly more of them, and its bound is nearly the same. (The count of active units doubles, after these 450 steps.)
#
# ### Codes from where the codes are
#
# With 20 latents half of the prior's draws miss. Do they fall where no digit has its code? Let $q(\mathbf{z}) = \frac1N\sum_n q(\mathbf{z}|\mathbf{x}_n)$ be the density of all codes together, the **aggregate posterior**. The KL term has two parts (Hoffman and Johnson 2016),
#
# $$\frac1N\sum_n \mathrm{KL}\big(q(\mathbf{z}|\mathbf{x}_n)\,\|\,p(\mathbf{z})\big) = \frac1N\sum_n \mathrm{KL}\big(q(\mathbf{z}|\mathbf{x}_n)\,\|\,q(\mathbf{z})\big) + \mathrm{KL}\big(q(\mathbf{z})\,\|\,p(\mathbf{z})\big).$$
#
# The first says what a code tells about which of the $N$ *pictures* it belongs to; it cannot exceed $\log N$. The second is the price of a prior that does not look like the codes. Both are expectations, so a few hundred samples of $q$ measure them.

# %%
def sample_codes(x, rng):
    """q(z | x) as (mu, log_sigma), and one sample of it: three of (N, 20)."""
    mu, log_sigma = encoder_forward(encoder, x)
    return mu, log_sigma, mu + np.exp(log_sigma) * rng.normal(size=mu.shape)


code_rng = np.random.default_rng(3)
mu_fit, ls_fit, z_fit = sample_codes(binarise(x_fit, code_rng), code_rng)
z_held, z_test = (sample_codes(x, code_rng)[2] for x in (x_held, x_test))


# %%
def distances(z, N):
    """sum_k (z_k - mu_k)^2 / sigma_k^2 of codes z (M, 20) to N of the q's, (M, N)."""
    mu, precision = mu_fit[:N].astype(float), np.exp(-2.0 * ls_fit[:N])
    return (z**2 @ precision.T - 2 * z @ (mu * precision).T
            + np.sum(mu**2 * precision, axis=1))


def log_q_of_all(z, N):
    """log q(z) of codes z (M, 20), for the first N digits."""
    log_volume = np.sum(ls_fit[:N], axis=1) + 10 * np.log(2 * np.pi)       # K/2
    return logsumexp(-distances(z, N) / 2 - log_volume, axis=1) - np.log(N)


# %%
log_q_own = diagonal_gaussian_log_prob(z_fit, mu_fit, ls_fit)[:300]
log_prior = norm.logpdf(z_fit[:300]).sum(axis=1)
log_q_all = {N: log_q_of_all(z_fit[:300], N) for N in (300, 1000, 3000, 9000)}
results({f"N = {N}": [(log_q_own - every).mean(), np.log(N), (every - log_prior).mean()]
         for N, every in log_q_all.items()},
        ["first part", "log N, its limit", "second part"], caption="In nats")

# %% tags=["expectation"]
for N, all_codes in log_q_all.items():
    expect((log_q_own - all_codes).mean(), np.log(N), within=0.15)
kl, ratios = kl_standard_normal(mu_fit, ls_fit)[:300], log_q_own - log_prior
assert abs(ratios.mean() - kl.mean()) < 4 * ratios.std() / 300**0.5
expect((log_q_all[9000] - log_prior).mean(), 16, within=1.5)

# %% [markdown]
# A code tells which of all 9,000 pictures it belongs to: the first part is at its limit. So the second part is mostly the limit's doing: it is $\mathrm{KL} - \log N$, and falls with every digit that is added. That the $q(\mathbf{z}|\mathbf{x}_n)$ hardly overlap says nothing about bad draws, either.
# Take for the *cell* of a digit the ellipsoid that holds 99 % of its $q$:

# %%
def share_in_cells(z, limit=37.57):                   # 99 % of chi^2 with 20 degrees
    return np.mean(distances(z[:300], 9000).min(axis=1) < limit)


cells = {"codes of training digits": share_in_cells(z_fit),
         "codes of test digits": share_in_cells(z_test),
         "draws of N(0, I)": share_in_cells(z_prior)}
results(cells, digits=2, caption="Share that lies in the cell of a training digit")

# %% tags=["expectation"]
expect(cells["codes of training digits"], 0.99, within=0.02)
expect(cells["codes of test digits"], 0.12, within=0.06)
assert cells["draws of N(0, I)"] < 0.03

# %% [markdown]
# "The draws fall between the codes" is true, and no explanation: nearly nine in ten *test* digits do as well, and are decoded well. An explanation needs an intervention: other codes, same decoder. Nothing forbids another prior. With any density $r(\mathbf{z})$ in the place of $p(\mathbf{z})$, the same decoder is a model, too, with the bound
#
# $$\mathcal{F}_r = \mathcal{F} + \mathbb{E}_{q(\mathbf{z}|\mathbf{x})}\big[\log r(\mathbf{z}) - \log p(\mathbf{z})\big].$$
#
# Let $r$ be $q(\mathbf{z})$ itself, which lists 9,000 Gaussians, one for each digit, or a mixture of $C$ Gaussians, fitted to `z_fit` by the EM of notebook 04, with means and covariance matrices in 20 dimensions (`gmm_fit`). The networks stay as they are. Which suits the codes of the *held-out* digits best?

# %%
def gain(mixture, z):
    """Mean of log r(z) - log N(z; 0, I), in nats."""
    log_r = gmm_log_prob(z, mixture)
    return np.mean(log_r - norm.logpdf(z).sum(axis=1))


components = (1, 10, 30, 100)
priors = {C: gmm_fit(z_fit, C, 8, np.random.default_rng(C)) for C in components}
listed = [(log_q_of_all(z[:300], 9000) - norm.logpdf(z[:300]).sum(axis=1)).mean()
          for z in (z_fit, z_held)]

# %%
gained = {C: [gain(priors[C], z_fit), gain(priors[C], z_held)] for C in components}
results({f"{C} Gaussian{'s' * (C > 1)}": gained[C] for C in components}
        | {"the list of 9,000": listed}, ["digits it was fitted to", "held out"],
        best="highest", caption="Gain in the bound over the prior N(0, I), in nats")
chosen_count = max(components, key=lambda C: gained[C][1])
prior = priors[chosen_count]
gain_test = gain(prior, z_test)
results({"N(0, I)": [0, test_elbo],
         f"{chosen_count} Gaussians": [gain_test, test_elbo + gain_test]},
        ["gain", "bound"], best="highest", digits=4, caption="Test digits, in nats")

# %% tags=["expectation"]
measured = {1: (0.2, 0.1), 10: (2.4, 2.1), 30: (3.9, 3.1), 100: (5.9, 2.2)}
for C, values in measured.items():
    for value, expected in zip(gained[C], values):
        expect(value, expected, within=0.5)
assert chosen_count == 30 and listed[0] > 14 and listed[1] < -8
expect(gain_test, 3.1, within=0.5)

# %% [markdown]
# The list has learned its digits by heart: worth 16 nats on them, and far less than nothing on others. A single Gaussian gains next to nothing, since the codes' mean and covariance are nearly those of the prior. Thirty gain about three nats; a hundred begin to learn by heart, which only the held-out digits show. Now draw from the thirty, for the rival of section 4, too:

# %%
predict("08-prior", "Same decoder, codes from the thirty Gaussians in place of "
        "N(0, I): the bound gains some 3 of 105 nats. How many of 100 draws will "
        "pass, where about 55 did?", unit="of 100")

# %%
z_mixed = gmm_sample(prior, 2000, np.random.default_rng(2)).astype(np.float32)
rival_codes, _ = encoder_forward(rival[0], x_bw)
rival_prior = gmm_fit(rival_codes, 30, 8, np.random.default_rng(0))
z_rival = gmm_sample(rival_prior, 2000, np.random.default_rng(2)).astype(np.float32)
mixed = vae_generate(decoder, z_mixed)
z_one = gmm_sample(priors[1], 2000, np.random.default_rng(2)).astype(np.float32)
sheets = {"VAE, N(0, I)": library_drawn,
          "VAE, 1 Gaussian": vae_generate(decoder, z_one), "VAE, 30 Gaussians": mixed,
          "autoencoder, 30 Gaussians": vae_generate(rival[1], z_rival),
          "VAE, draws of test digits' q": vae_generate(decoder, z_test)}
read_as = {name: np.bincount(classifier.predict(judge, sheet), minlength=11)[:10]
           for name, sheet in sheets.items()}
final_share = {name: counted.sum() / 2000 for name, counted in read_as.items()}
results({name: [final_share[name], int(read_as[name].min())] for name in sheets},
        ["share of digits", "the rarest digit"], digits=2,
        caption="What the judge reads in 2,000 pictures")
reveal("08-prior", round(100 * final_share["VAE, 30 Gaussians"]), unit="of 100")

# %% tags=["expectation"]
expect(final_share["VAE, 30 Gaussians"], 0.89, within=0.06)
expect(final_share["autoencoder, 30 Gaussians"], 0.88, within=0.08)
expect(np.log(final_share["VAE, 30 Gaussians"] / library_share), 0.45, within=0.15)
assert final_share["VAE, 30 Gaussians"] > final_share["VAE, N(0, I)"] + 0.2

# %%
mu, log_sigma = encoder_forward(mine[0], x_bw)
z_mine = mu + np.exp(log_sigma) * np.random.default_rng(5).normal(size=mu.shape)
spread = {name: np.linalg.eigvalsh(np.cov(z.T))[[0, -1]] for name, z in [
    ("VAE of section 4", z_mine), ("VAE of section 5", z_fit)]}
results(spread | {"prior": [1, 1]}, ["smallest variance", "largest"], digits=2,
        caption="Of sampled codes, over all directions")

# %% tags=["expectation"]
for section, ends in {4: (0.63, 1.9), 5: (0.74, 1.3)}.items():
    expect(spread[f"VAE of section {section}"][0], ends[0], within=0.12)
    expect(spread[f"VAE of section {section}"][1], ends[1], within=0.25)

# %% tags=["expectation"]
shape = np.linalg.cholesky(np.cov(z_mine.T))
scaled, shaped = (share_of_digits(judge, vae_generate(mine[1], z.astype(np.float32)))
                  for z in (z_prior * np.mean(z_mine**2) ** 0.5, z_prior @ shape.T))
expect(scaled - share["VAE, N(0, I)"], 0, within=0.03)         # size mends nothing
assert shaped > scaled + 0.02
assert read_as["VAE, 30 Gaussians"].min() > read_as["VAE, N(0, I)"].min() + 20
expect(final_share["VAE, 1 Gaussian"] - final_share["VAE, N(0, I)"], 0.04, within=0.07)

# %%
fig, axes = plots.figure(9.6, 4.6, columns=2)
for ax, name, pictures in zip(axes, ("codes from N(0, I)", "codes from 30 Gaussians"),
                              (library_drawn, mixed)):
    plots.image_grid(pictures[:30], digits.shape, columns=6, ax=ax).set_title(name)
plots.show(fig, alt="Two sheets of thirty random digits from the same decoder. With "
                    "codes from the standard normal about half can be read, with "
                    "codes from the mixture most.")

# %% [markdown]
# More than eight in ten, with not a weight of a network changed: most of the bad draws came from the prior. It is not that *any* fitted prior mends them: one Gaussian mends little. (In section 4 it mended more; but there the codes' variances go from 0.63 to 1.9 with the direction, here from 0.74 to 1.3, and the prior has 1 in all.) The thirty do not win by sameness, either: even the rarest digit comes more often than before. Three nats are what the thirty win back (the wrong prior may cost more), and a bound of −105 hardly shows it; wasted draws alone, counted as in section 5, would be not quite half a nat: $\log(0.86/0.55)$. The autoencoder's draws, 0.54 with one Gaussian in section 4, profit as well (Ghosh and others 2020). Tomczak and Welling (2018) fit the prior *while* the networks train.
#
# ### What a longer training buys
#
# The same networks once more, trained by a script of the course (`course_utils/models/long_training.py`) on nearly eight times as many pictures in all (12,000 minibatches of 128), from 59,000 digits, all of MNIST's training set but our held-out thousand. These weights are **not** from this page; they come as a file. They differ from ours in steps, minibatches, digits and step size (0.003 in place of 0.005), so what each of these brings is not told here.

# %%
long_encoder, long_decoder, how = load_vae_digits()
long_drawn = vae_generate(long_decoder, z_prior)
long_elbo = mean_elbo((long_encoder, long_decoder), x_test)
mu, log_sigma = encoder_forward(long_encoder, x_bw)
z_long = mu + np.exp(log_sigma) * np.random.default_rng(3).normal(size=mu.shape)
long_prior = gmm_fit(z_long, 30, 8, np.random.default_rng(30))
z_thirty = gmm_sample(long_prior, 2000, np.random.default_rng(2)).astype(np.float32)
long_share = [share_of_digits(judge, pictures)
              for pictures in (long_drawn, vae_generate(long_decoder, z_thirty))]

# %%
results({f"on this page: {steps:,} steps, 9,000 digits": [
             test_elbo, f"{100 * library_share:.0f} %"],
         f"from the file: {how['steps']:,.0f} steps, {how['digits']:,.0f} digits": [
             long_elbo, f"{100 * long_share[0]:.0f} %"],
         "from the file, 30 Gaussians": [None, f"{100 * long_share[1]:.0f} %"]},
        ["bound, test digits", "digits among 2,000 drawn"], digits=4, best="highest")

# %% tags=["expectation"]
expect(long_elbo - test_elbo, 8.8, within=1)
expect(long_share[0] - library_share, 0.09, within=0.06)
assert long_share[1] > 0.82 and long_share[0] < 0.7
assert (how["steps"], how["digits"]) == (12_000, 59_000)
assert 7.5 < how["steps"] * 128 / (steps * 200) < 8

# %%
fig, axes = plots.figure(9.6, 4.6, columns=2)
for ax, name, pictures in zip(axes, ("this page, 9,000 digits",
                                     "the stored networks, 59,000 digits"),
                              (library_drawn, long_drawn)):
    plots.image_grid(pictures[:30], digits.shape, columns=6, ax=ax).set_title(name)
plots.show(fig, alt="Two sheets of thirty images that the same codes give in the two "
                    "decoders. Those of the stored networks have clearer strokes.")

# %% [markdown]
# Nearly nine nats more in the bound, and nine in a hundred more of the draws pass; thirty Gaussians brought three times as many without any training. Of the draws from $\mathcal{N}(0, I)$ more than a third still fail; with thirty Gaussians for *these* codes hardly more than one in ten. The longer training has mended the networks, not the prior.

# %% [markdown]
# **Sources.** D. Kingma and M. Welling, *Auto-encoding variational Bayes*, 2014. D. Rezende, S. Mohamed and D. Wierstra, *Stochastic backpropagation and approximate inference in deep generative models*, 2014. Y. Burda, R. Grosse and R. Salakhutdinov, *Importance weighted autoencoders*, 2016 (published figure: their
# VAE with one stochastic layer). M. Tipping and C. Bishop, *Probabilistic principal component analysis*, 1999. J. Lucas, G. Tucker, R. Grosse and M. Norouzi, *Don't blame the ELBO! A linear VAE perspective on posterior collapse*, 2019. M. Hoffman and M. Johnson, *ELBO surgery: yet another way to carve up the variational evidence lower bound*, 2016. J. Tomczak and M. Welling,
# *VAE with a VampPrior*, 2018. P. Ghosh and others, *From variational to deterministic autoencoders*, 2020. Digits: MNIST, Y. LeCun, C. Cortes, C. Burges.
