# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Four generative models
#
# *Lecture points L1 and L22. About {{core minutes}} minutes, 17 points; {{further minutes}} more and 1 point below "Further". [Glossary](00_start_here.ipynb#Glossary)*
#
# The lecture began with a list: autoregressive models, generative adversarial networks (GANs), reversible architectures, variational autoencoders (VAEs), "all four with different pros and cons".
# You know one of the four. **What do the other three do better, and what worse?** Here all four learn the same data, each for some seconds, and one table says what came of it.
#
# By the end you can say, and show with numbers,
#
# - how each of the four makes an example, and which of them can say how probable a given one is,
# - how many passes through a network a sample takes, and how small a code can be (L22),
# - how to judge samples where there is no likelihood, and whether a model leaves part of the data out,
# - what a classical mixture of Gaussians, which belongs in every such table, can do and what not.

# %%
import autograd.numpy as anp
import numpy as np
from scipy.spatial.distance import cdist
from scipy.special import expit
from scipy.stats import rv_histogram

from course_utils.checking import check, hint, predict, progress, reveal
from course_utils.data import load_mnist, load_pen_digits
from course_utils.explorables.frames_pad import completion_pad, flow_pad, modes_pad
from course_utils.models import flow, gan, gaussian_vae, made
from course_utils.models.long_training import load_vae_digits
from course_utils.models.pca import pca_decode, pca_encode, pca_fit
from course_utils.models.sample_quality import precision_recall_errors
from course_utils.models.vae import binarise, vae_generate
from course_utils.networks.known_runs import processor_time
from course_utils.networks.nets import mlp
from course_utils.networks.optim import adam, cosine_decay

# %%
from course_utils.probability.divergences import kl_categorical
from course_utils.probability.gaussian_mixture import gmm_fit, gmm_log_prob, gmm_sample
from course_utils.probability.ring import (
    ring_entropy, ring_log_prob, ring_sample, ring_shares)
from course_utils.showing import drawings, plots
from course_utils.showing.evidence import expect, results
from course_utils.showing.pen import pen_grid

# %% [markdown]
# ## 1. One data set for all
#
# Digits written with a pen on a tablet, eight points each along the line: $D = 16$ numbers between 0 and 1, $(x_1, y_1, \dots, x_8, y_8)$, in the order of writing. They are rounded to
# hundredths and touch the edges of the square, so many numbers are *exactly* 0 or 1, where a density could become infinite. So every example
# gets a little Gaussian tremble, standard deviation 0.02: fresh in every minibatch, and once for all in the test digits and where a model is fitted to all digits at a time.

# %%
digits, rng = load_pen_digits(), np.random.default_rng(0)
x_fit = digits.x_train.reshape(-1, 16)[:8500]   # the models are fitted to these
TREMBLE = 0.02


def trembling(x):
    return x + np.float32(TREMBLE) * rng.standard_normal(x.shape, dtype=np.float32)


x_held = trembling(digits.x_train.reshape(-1, 16)[8500:])   # for choices
x_test = trembling(digits.x_test.reshape(-1, 16))           # for the final numbers
fig, ax = plots.figure(9, 0.9)
pen_grid(x_test[:20], 20, ax)
ax.set_title("Test digits; a dot is where the pen starts", fontsize=10)
plots.show(fig, alt="Twenty handwritten digits as lines through eight points each.")

# %% [markdown]
# Four ways to make such an example:

# %%
fig, ax = drawings.four_families()
plots.show(fig, alt="Four mechanisms. Autoregressive: each number gets arrows from all "
                    "before it. Reversible: arrows both ways between z and x. VAE: x, "
                    "encoder, z, decoder, x hat. GAN: z, generator, x hat; a judge "
                    "gets x and x hat and says which is real.")

# %% [markdown]
# The classical rival is a mixture of 100 Gaussians with full covariances, fitted by EM (notebook 04). All are judged by the mean of $\log p(\mathbf{x})$ on the test digits, in nats, where they have one. The higher the better.

# %%
predict("11-order", "From the most nats to the fewest?",
        order=["VAE", "autoregressive", "flow"])
# %%
predict("11-mixture", "And where among these three does the mixture stand, which has "
        "no network at all?", ["below all three", "above one of them",
                               "above two of them or all three"])

# %%
seen = trembling(x_fit)
start = processor_time()
mixture = gmm_fit(seen, 100, 8, np.random.default_rng(1), floor=TREMBLE ** 2)
seconds = {"mixture of Gaussians": processor_time() - start}
log_prob = {"mixture of Gaussians": gmm_log_prob(x_test, mixture)}

# %% [markdown]
# How many nats are many? Two simple models give the scale: one Gaussian, and sixteen numbers that know nothing of each other, each with a histogram for its density. (Densities may exceed 1, so nats may be positive.)

# %%
one = gmm_fit(seen, 1, 1, np.random.default_rng(1))
bins = np.linspace(-0.12, 1.12, 63)   # 62 bins, each as wide as the tremble
counts = [np.histogram(seen[:, d], bins)[0] + 0.5 for d in range(16)]
log_alone = np.stack([rv_histogram((counts[d], bins)).logpdf(x_test[:, d])
                      for d in range(16)], axis=1)   # (N, 16)
results({"sixteen numbers, each on its own": log_alone.sum(axis=1).mean(),
         "one Gaussian": gmm_log_prob(x_test, one).mean()}, ["nats a digit"], digits=3)

# %% [markdown]
# ## 2. One number after another
#
# Any density is a product of conditional ones (the chain rule of probability):
#
# $$p(\mathbf{x}) = \prod_{d} p(x_d \mid x_1, \dots, x_{d-1}),$$
#
# with the sixteen numbers one by one: $x_2$ is the first point's $y$.
#
# An **autoregressive** model learns the factors. One network for each would be sixteen networks; MADE (Germain and others, 2015) gets all sixteen out of one, an autoencoder whose output $d$ cannot see what it must not:
# some of the weights are held at 0 by *masks*, so that output $d$ looks at the inputs before $d$ and at no others.
#
# To build the masks, give each unit a *degree*: how many of the first inputs it may know of. A unit takes from units of its own degree or less. The output for $x_d$ may know all that come before, and not $x_d$ itself.

# %% [markdown]
# {{exercise made_masks}}

# %%
def made_masks(sizes, order):
    """Masks (in, out) of 0 and 1; sizes = [D, H..., D], order (D,) the places."""
    ### BEGIN SOLUTION
    D = sizes[0]
    order = np.asarray(order)
    degrees = [order + 1] + [1 + np.arange(H) % (D - 1) for H in sizes[1:-1]]
    masks = [a[:, None] <= b for a, b in zip(degrees, degrees[1:])]
    masks.append(degrees[-1][:, None] <= order)
    return [mask.astype(float) for mask in masks]
    ### END SOLUTION


# %%
made_masks = check(made_masks)

# %% [markdown]
# The masks for five numbers in the order $x_3, x_0, x_4, x_1, x_2$ (counted from 0, as in the code):

# %%
order = [1, 3, 4, 0, 2]
fig, ax = drawings.masked_network(made_masks([5, 8, 8, 5], order), order)
plots.show(fig, alt="A network of four columns. The third output in the order is "
                    "connected with the first two inputs alone, through some of the "
                    "hidden units.")

# %% [markdown]
# What comes out are distributions: for each $x_d$ a mixture of ten Gaussians, weights, means and widths (30 outputs a number). Training maximises the mean of $\log p(\mathbf{x})$, which one pass through the network gives *exactly*.

# %%
masks = made_masks([16, 128, 128, 16], range(16))
start = processor_time()
autoregressive = made.made_train(x_fit, masks, 2000, rng, noise=TREMBLE,
                                 batch_size=128)
seconds["autoregressive"] = processor_time() - start
log_factors = made.made_log_factors(autoregressive, x_test)   # (N, 16)
log_prob["autoregressive"] = log_factors.sum(axis=1)

# %%
fig, ax = plots.figure(7.4, 2.8)
for i, (name, value) in enumerate([("given those before it", log_factors),
                                   ("on its own", log_alone)]):
    ax.bar(np.arange(16) + 0.2 - 0.4 * i, value.mean(axis=0), 0.38, label=name,
           color=plots.PALETTE[3 * i])
ax.set_xticks(range(16), [f"{c}{i}" for i in range(1, 9) for c in "xy"])
ax.set(ylabel="nats", xlabel="number, in the order of writing", ylim=(None, 2.3))
ax.set_title("Mean log density of each number")
ax.legend(ncols=2, loc="upper left")
plots.show(fig, alt="Two bars for each of sixteen numbers: nearly alike at the first "
                    "point; from the fourth on, knowing those before is worth about "
                    "two thirds of a nat or more.")
results({"autoregressive": log_prob["autoregressive"].mean()}, ["nats a digit"],
        digits=4)

# %% tags=["expectation"]
gained = np.mean(log_factors - log_alone, axis=0)   # what the earlier numbers tell
assert abs(gained[0]) < 0.05 and abs(gained[1]) < 0.3 and 0.6 < gained[6:].min() < 0.75
assert np.abs(log_alone[:, :2].mean() - log_alone[:, -2:].mean()) < 0.2
expect(log_alone.sum(axis=1).mean(), 3.15, within=0.1)

# %% [markdown]
# The difference of two bars is what the earlier numbers tell of this one: hardly anything at the first point (and nothing, as it must be, for its first number), about two thirds of a nat or more from the fourth on. It is not that the pen's later way varies less: on their own, the later points are no easier than the first.
#
# ### Explore: a digit that was begun
#
# As every number is drawn given those before it, this model can *finish* what has begun. The blue points are a test digit's; the rest is drawn, eight times. (a) After how many points is it settled which digit it becomes, for the eight (digit 1) and for the first one (digit 2)? (b) Could the model also find the *beginning* of a digit whose end is given?

# %%
shown = x_test[[0, 2, 9, 13]]   # 8, 1, 3, 1
completion_pad(autoregressive, shown, np.random.default_rng(3), 8, columns=4)

# %% [markdown] tags=["expectation"]
# <details><summary>Answers</summary>
#
# (a) The first 1 is settled after two or three points, the 8 only after six: until then it might become another digit. (b) Not in this way: the factors go in one order, and $p(\text{beginning} \mid \text{end})$ is none of them. One would have to train another order (the masks can), or weigh many beginnings by how well the end follows.
#
# </details>

# %% [markdown]
# To *sample*, one has to go the same way: draw $x_1$, put it in, run the network again for $x_2$ given $x_1$, and so on. You write it for numbers that are 0 or 1, where the network puts out one logit each:

# %% [markdown]
# {{exercise autoregressive_sample}}

# %%
def autoregressive_sample(logits, u):
    """Samples (N, D) of 0 and 1, one dimension at a time; u (N, D) uniform."""
    ### BEGIN SOLUTION
    x = np.zeros(u.shape)
    for d in range(u.shape[1]):
        x[:, d] = u[:, d] < expit(logits(x)[:, d])
    return x
    ### END SOLUTION


# %%
autoregressive_sample = check(autoregressive_sample)

# %% [markdown]
# ### L22, first half: how long a picture takes
#
# Black and white digits of $28 \times 28$ pixels, the lecture's case. A MADE of pixels, trained for a few seconds with `made_masks`, against notebook 08's VAE; each makes 25 digits.

# %%
predict("11-passes", "For a picture of 784 pixels, how many times as long as the VAE "
        "does the autoregressive model take?",
        ["about as long", "about 28 times, once a row", "hundreds of times or more"])

# %%
pixels = load_mnist().x_train[:9000]
pixel_masks = made_masks([784, 800, 784], range(784))
pixel_made = made.made_binary_train(pixels, pixel_masks, 60, rng)

# %%
calls = 0
masked = [(W * mask, b) for (W, b), mask in zip(*pixel_made)]   # once for all passes


def counted_logits(x):
    global calls
    calls += 1
    return mlp(masked, x.astype(np.float32))


start = processor_time()
made_digits = autoregressive_sample(counted_logits, rng.random((25, 784)))
made_ms = 1000 * (processor_time() - start)

# %%
decoder = load_vae_digits()[1]
start = processor_time()
for _ in range(20):   # too quick to be timed once
    vae_digits = vae_generate(decoder, rng.normal(size=(25, 20)).astype(np.float32))
vae_ms = 1000 * (processor_time() - start) / 20

# %%
ratio = made_ms / vae_ms
results({"autoregressive (MADE)": [calls, made_ms / calls, made_ms],
         "VAE": [1, vae_ms, vae_ms], "ratio": [calls, ratio / calls, ratio]},
        ["passes", "ms a pass", "ms"], caption="Making 25 digits of 784 pixels")
reveal("11-passes", ["about as long", "about 28 times, once a row",
                     "hundreds of times or more"][int(ratio > 5) + int(ratio > 100)])

# %%
fig, axes = plots.figure(9, 3.2, columns=3)
real_digits = binarise(pixels[:25], np.random.default_rng(4))
for ax, x, title in zip(axes, [real_digits, made_digits, vae_digits],
                        ["real, drawn to 0 and 1", "MADE of pixels", "VAE"]):
    plots.image_grid(x, (28, 28), 5, ax=ax)
    ax.set_title(title, fontsize=11)
plots.show(fig, alt="25 real digits in black and white with frayed edges; 25 clouds of "
                    "white pixels, a few of which resemble digits; 25 grey digits, "
                    "most of them legible.")

# %% tags=["expectation"]
assert calls == 784

# %% [markdown]
# 784 passes are a matter of principle: each pixel needs those before it. The VAE draws one short code, and one pass makes all pixels from it (L22). What the ratio has above 784 is no principle: a pass of this MADE takes longer than one of this decoder. (PixelCNN, WaveNet and language models are autoregressive, too. They may save work between passes, and can be *trained* in one, as all of a given $\mathbf{x}$ is known.)
# The pictures do not compare like with like: seconds of training against minutes, draws against probabilities.

# %% [markdown]
# ## 3. There and back
#
# A **reversible** model makes $\mathbf{x}$ from noise $\mathbf{z} \sim \mathcal{N}(0, I)$ by a function that can be undone. Then $\mathbf{z}$ is a function of $\mathbf{x}$, and densities change by the volume that the function squeezes or stretches:
#
# $$\log p(\mathbf{x}) = \log \mathcal{N}(\mathbf{z}; 0, I) + \log \left| \det \frac{\partial \mathbf{z}}{\partial \mathbf{x}} \right|.$$
#
# A determinant of a network's Jacobian would cost $D^3$, and the network need not be invertible at all. RealNVP's **coupling** (Dinh and others, 2017) has both for nothing. A mask $m$ keeps some of the numbers as they are; the others are scaled and shifted by what networks $s$ and $t$ make of those that are kept:
#
# $$\mathbf{z} = m\,\mathbf{x} + (1 - m)\left(\mathbf{x}\, e^{s(m \mathbf{x})} + t(m \mathbf{x})\right).$$

# %%
fig, ax = drawings.coupling()
plots.show(fig, alt="What the mask keeps goes through from x to z, and also into the "
                    "networks s and t. The rest is multiplied by e to the s, and then "
                    "t is added.")

# %% [markdown]
# {{exercise coupling_forward}}

# %%
def coupling_forward(x, mask, s, t):
    """(z (N, D), log_det (N,)) from x (N, D), mask (D,), functions s and t."""
    ### BEGIN SOLUTION
    kept = mask * x
    scale = (1 - mask) * s(kept)
    return kept + (1 - mask) * (x * np.exp(scale) + t(kept)), np.sum(scale, axis=1)
    ### END SOLUTION


# %%
coupling_forward = check(coupling_forward)

# %% [markdown]
# {{exercise coupling_inverse}}

# %%
def coupling_inverse(z, mask, s, t):
    """The x (N, D) whose coupling_forward is z."""
    ### BEGIN SOLUTION
    kept = mask * z
    return kept + (1 - mask) * (z - t(kept)) * np.exp(-s(kept))
    ### END SOLUTION


# %%
coupling_inverse = check(coupling_inverse)

# %% [markdown]
# Eight couplings in a row, whose masks take turns (single numbers, points, pairs of points, halves: each time the one part and then the other), so that every number is moved. The library trains them; the two functions do the rest.

# %%
start = processor_time()
trained = flow.flow_train(x_fit, flow.alternating_masks(16, 8), [96, 96], 1050, rng,
                          noise=TREMBLE)
seconds["flow"] = processor_time() - start


def to_z(x, model=trained):
    """(z, log |det dz/dx|): standardise, then coupling after coupling."""
    z, log_det = (x - model.mean) / model.scale, -np.log(model.scale).sum()
    for mask, s, t in model.couplings():
        z, more = coupling_forward(z, mask, s, t)
        log_det = log_det + more
    return z, log_det


def to_x(z):
    for mask, s, t in reversed(trained.couplings()):
        z = coupling_inverse(z, mask, s, t)
    return z * trained.scale + trained.mean


# %%
z_test, log_det = to_z(x_test)
log_normal = -0.5 * np.sum(z_test ** 2, axis=1) - 8 * np.log(2 * np.pi)
log_prob["flow"] = log_normal + log_det
results({"flow": log_prob["flow"].mean()}, ["nats a digit"], digits=4)

# %% tags=["expectation"]
# The way back ends where it began, and the sum of all s is the log determinant of the
# chain's Jacobian by finite differences, in double precision.
from course_utils.networks.flat import map_leaves
exact = trained._replace(networks=map_leaves(np.float64, trained.networks))
steps, row = 1e-5 * np.eye(16), x_test[0].astype(float)
slopes = (to_z(row + steps, exact)[0] - to_z(row - steps, exact)[0]) / 2e-5
assert np.abs(to_x(z_test) - x_test).max() < 1e-3
assert np.isclose(np.linalg.slogdet(slopes)[1], to_z(row[None], exact)[1][0], atol=1e-4)

# %% [markdown]
# A sample takes one pass, like the VAE's: $\mathbf{z} \sim \mathcal{N}(0, I)$, then `to_x`. The price stands in the formula: $\mathbf{x}$ and $\mathbf{z}$ have the *same number* of dimensions, or there would be no determinant. A code of sixteen numbers for sixteen numbers.
#
# ## 4. Six numbers a digit
#
# You know the VAE. Here the observation is Gaussian, $p(\mathbf{x}|\mathbf{z}) = \mathcal{N}(\mathbf{x}; G(\mathbf{z}), \eta I)$, with a trained $\eta$ and $K = 6$ latents.

# %%
start = processor_time()
vae = gaussian_vae.gaussian_vae_train(x_fit, [16, 160, 160, 6], 3900, rng,
                                      noise=TREMBLE, step_size=8e-3)
seconds["VAE"] = processor_time() - start
log_prob["VAE"] = gaussian_vae.gaussian_vae_log_likelihood(vae, x_test, 200, rng)
results({"importance-weighted, S = 200 (nats)": log_prob["VAE"].mean(),
         "noise, root of eta": np.exp(vae[2][0] / 2)}, digits=4,
        caption="The VAE on the test digits")

# %% [markdown]
# ### L22, second half: a small code
#
# Who can keep a digit in six numbers, and give it back? The VAE's code *is* six numbers. Of the flow's sixteen latents one can keep six and put 0, their mean, in place of the others; not six of its axes, but the six *directions* that move $\mathbf{x}$ most on the held-out digits. PCA keeps six components (notebook 01). The error is the root mean square of the 16 differences.

# %%
predict("11-six", "From the smallest error to the largest:",
        order=["PCA, 6 components", "flow, 6 of 16 directions", "VAE, 6 latents"])

# %%
def rms(x_hat, x):
    return float(np.sqrt(np.mean((x_hat - x) ** 2)))


z_held = to_z(x_held[:250])[0]
moved = [(to_x(z_held + h) - to_x(z_held - h)) / 0.04 for h in 0.02 * np.eye(16)]
jacobian = np.stack(moved, axis=2)   # dx/dz (N, 16, 16)
most = np.linalg.eigh(np.einsum("nij,nik->jk", jacobian, jacobian))[1][:, -6:]

# %%
def from_mixture(x, numbers):
    """x from its nearest component, and numbers along that one's longest axes."""
    centres, covariances = mixture[1:]
    kind = cdist(x, centres).argmin(axis=1)
    axes = np.linalg.eigh(covariances)[1][kind][:, :, 16 - numbers:]   # (N, 16, n)
    return centres[kind] + np.einsum("nik,njk,nj->ni", axes, axes, x - centres[kind])


with_kind = [rms(from_mixture(x_test, numbers), x_test) for numbers in (5, 0)]


# %%
mean, components = pca_fit(x_fit, 6)
from_six = {
    "VAE, 6 latents": gaussian_vae.reconstruct(vae, x_test),
    "PCA, 6 components": pca_decode(pca_encode(x_test, mean, components), mean,
                                    components),
    "flow, 6 of 16 directions": to_x(z_test @ most @ most.T)}
six = {name: rms(x_hat, x_test) for name, x_hat in from_six.items()}
results(six | {"mixture, which of 100, and 5": with_kind[0],
               "mixture, which of 100 (a control)": with_kind[1],
               "the mean digit (a control)": rms(mean, x_test)}, best=None,
        caption="Error of test digits from their code")
reveal("11-six", sorted(six, key=six.get))

# %%
fig, ax = plots.figure(9, 2.6)
shown = np.vstack([x_test[:14], *(x_hat[:14] for x_hat in from_six.values())])
pen_grid(shown, 14, ax, row_labels=["test digits", "VAE", "PCA", "flow"])
plots.show(fig, alt="Fourteen test digits. The VAE's reconstructions look like them, "
                    "PCA's and the flow's are roughly like them.")

# %% [markdown]
# Nothing in the flow's training asks for a short code: turn $\mathbf{z}$ by any rotation, and the likelihood stays the same. Six of its directions, those that move $\mathbf{x}$ most, keep a little less than PCA's six components. The autoregressive model has no latents at all. A VAE's code is as short as you choose (L22). What it does not say goes into the noise $\eta$. A PCA for each of the mixture's components, *which* of 100 and five numbers, does as well as the VAE here, on sixteen numbers.
#
# ## 5. A game without likelihood
#
# A **GAN** (Goodfellow and others, 2014) has a generator that makes $\mathbf{x} = G(\mathbf{z})$ of noise, and no density. In its place a second network, the *discriminator* or judge, is trained to tell real examples from made ones; it puts out $D(\mathbf{x})$, the probability of real. (Not the $D$ and $G$ of before.) The generator is trained to be taken for real:
#
# $$L_D = -\operatorname{mean}\log D(\mathbf{x}_{\text{real}}) - \operatorname{mean}\log(1 - D(\mathbf{x}_{\text{made}})), \qquad L_G = -\operatorname{mean}\log D(\mathbf{x}_{\text{made}}).$$
#
# ($L_G = +\operatorname{mean}\log(1 - D)$ would be the same game with one objective. But a discriminator that is sure makes it flat, and then it teaches nothing; hence the *non-saturating* form.)

# %% [markdown]
# {{exercise gan_losses}}

# %%
def gan_losses(logits_real, logits_fake):
    """(d_loss, g_loss), numbers, from the judge's logits of real (N,), made (M,)."""
    ### BEGIN SOLUTION
    d_real = anp.mean(anp.logaddexp(0, -logits_real))
    d_fake = anp.mean(anp.logaddexp(0, logits_fake))
    return d_real + d_fake, anp.mean(anp.logaddexp(0, -logits_fake))
    ### END SOLUTION


# %%
gan_losses = check(gan_losses)

# %% [markdown]
# Train with these losses: in every step the judge goes down $L_D$ with the made examples held fixed, and the generator down $L_G$ with the judge held fixed. (What the judge sees, real or made, is smeared with a little noise, less and less of it.)

# %%
start = processor_time()
generator, _ = gan.gan_train(
    x_fit, 16, [128, 128], 3600, rng, noise=TREMBLE, losses=gan_losses, batch_size=64,
    step_size=1e-3)   # chosen on held-out digits
seconds["GAN"] = processor_time() - start

# %% [markdown]
# Do the losses say how training goes, as a likelihood would? Each player's depends on the other: a low one may mean a good player or a poor opponent. One needs a measure from outside the game.
#
# ### Precision and recall
#
# Without nats, how good are the samples? Two questions (Kynkäänniemi and others, 2019): are the made digits where real ones are (**precision**), and are the real digits where made ones are (**recall**)? "Where" means: in the ball around a point that reaches to its $k$-th neighbour.

# %% [markdown]
# {{exercise precision_recall}}

# %%
def precision_recall(real, fake, k):
    """(precision, recall), two numbers, of made points (M, D) against real (N, D)."""
    ### BEGIN SOLUTION
    between = cdist(real, fake)
    reach_real = np.sort(cdist(real, real), axis=1)[:, k]
    reach_fake = np.sort(cdist(fake, fake), axis=1)[:, k]
    precision = np.mean(np.any(between <= reach_real[:, None], axis=0))
    return precision, np.mean(np.any(between <= reach_fake, axis=1))
    ### END SOLUTION


# %%
precision_recall = check(precision_recall)

# %% [markdown]
# A thousand digits from each model, with the time they take:

# %%
def normal(*shape):
    return rng.standard_normal(shape, dtype=np.float32)


makers = {
    "autoregressive": lambda N: made.made_sample(
        autoregressive, range(16), rng.random((N, 16)), normal(N, 16)),
    "flow": lambda N: to_x(normal(N, 16)),
    "VAE": lambda N: gaussian_vae.gaussian_vae_generate(
        vae, normal(N, 6), normal(N, 16)),
    "GAN": lambda N: gan.gan_generate(generator, normal(N, 16)),
    "mixture of Gaussians": lambda N: gmm_sample(mixture, N, rng)}

# %%
samples, ms = {}, {}
for name, maker in makers.items():
    start = processor_time()
    samples[name] = maker(1000)
    ms[name] = 1000 * (processor_time() - start)

# %%
predict("11-recall", "Which model's samples leave out most of the real digits?",
        ["autoregressive", "flow", "VAE", "GAN", "mixture of Gaussians"])

# %%
fig, axes = plots.figure(9.8, 3.4, columns=5)
for ax, (name, x) in zip(axes, samples.items()):
    pen_grid(x[:40], 5, ax)
    ax.set_title(name, fontsize=11)
plots.show(fig, alt="Forty samples of each of five models: pen digits, with some "
                    "that cannot be read in every sheet.")

# %%
k = 5
quality = {name: precision_recall(x_test[:1000], x, k) for name, x in samples.items()}
few = x_fit[digits.y_train[:8500] < 5]   # five of the ten classes
controls = {"other real digits": trembling(x_fit[:1000]),
            "real digits 0 to 4": trembling(few[:1000]),
            "one digit, 1,000 times": trembling(np.tile(x_fit[:1], (1000, 1))),
            "one Gaussian": gmm_sample(one, 1000, np.random.default_rng(2))}
check_up = {name: precision_recall(x_test[:1000], x, k) for name, x in controls.items()}

# %% [markdown]
# (Lines that run into a neighbour's square are the model's own.)
#
# How far would other digits change such a number? The spread over random *halves* of both sets tells: half the examples have twice a mean's variance, and half of it shows, as halves have much in common.

# %%
def with_errors(shares, x):
    """[(precision, its standard error), the same for recall] of made digits x."""
    errors = precision_recall_errors(x_test[:1000], x, k, np.random.default_rng(3))
    return list(zip(shares, errors))


judged = {name: with_errors(quality[name], x) for name, x in samples.items()}
results(judged, ["precision", "recall"], best="highest",
        caption="1,000 made digits against 1,000 test digits, k = 5")
results({name: with_errors(check_up[name], x) for name, x in controls.items()},
        ["precision", "recall"], caption="The same for controls")
reveal("11-recall", min(quality, key=lambda name: quality[name][1]))

# %% [markdown]
# The star stands where the best is ahead of the next by more than the error of the difference.
#
# The controls: real digits reach nearly 1, five classes of ten full precision and half of the recall. Precision alone can be had with a single good digit, recall alone with a wide scatter (one Gaussian).
#
# Of all models the GAN covers least, and its precision is lowest, too: it had some seconds, like the others, and is not finished. Is something left out, or only not yet learned? Below "Further" one takes twice as many steps: its precision passes that of two other networks, its recall stays below all. The objectives do differ: a log likelihood is a mean over the *real* digits, and one to which a model gives no density costs it without limit; a generator's loss is a mean over the *made* ones, and none of them need be an 8.

# %% [markdown]
# ## 6. The table
#
# The same data, and training times of the same order:

# %%
passes = {"autoregressive": 16, "flow": 1, "VAE": 1, "GAN": 1,
          "mixture of Gaussians": 0}
latents = {"autoregressive": "none", "flow": "16", "VAE": "6", "GAN": "16, one way",
           "mixture of Gaussians": "1 of 100, 16 axes"}
how = {"autoregressive": "exact", "flow": "exact", "VAE": "IWAE, a bound",
       "GAN": "none", "mixture of Gaussians": "exact"}

# %%
nats = {name: value.mean() for name, value in log_prob.items()}
with_error = {name: (value.mean(), value.std() / np.sqrt(len(value)))
              for name, value in log_prob.items()}
results({name: [with_error.get(name), how[name], seconds[name], passes[name], ms[name],
                latents[name], *quality[name]] for name in makers},
        ["nats", "known how", "training (s)", "passes", "ms for 1,000", "latents",
         "precision", "recall"], caption="Four families and a classic, test digits")
three = ["autoregressive", "flow", "VAE"]
reveal("11-order", sorted(three, key=nats.get, reverse=True))
above = sum(nats["mixture of Gaussians"] > nats[name] for name in three)
reveal("11-mixture", ["below all three", "above one of them",
                      *2 * ["above two of them or all three"]][above])

# %% tags=["expectation"]
assert nats["autoregressive"] > 16.6 and nats["flow"] > 15.9 and nats["VAE"] > 13
assert nats["mixture of Gaussians"] > max(nats["VAE"], 16.5)
assert six["VAE, 6 latents"] < 0.052
expect(six["PCA, 6 components"], 0.105, within=0.002)
assert 1 < six["flow, 6 of 16 directions"] / six["PCA, 6 components"] < 1.35
expect(with_kind[0], six["VAE, 6 latents"], within=0.006)
expect(with_kind[1], six["PCA, 6 components"], within=0.006)

# %% tags=["expectation"]
others = [quality[name][1] for name in makers if name != "GAN"]
assert quality["GAN"][1] < 0.9 < min(others)
precise = sorted((judged[name][0] for name in makers), reverse=True)
assert precise[0][0] - precise[1][0] > 2 * np.hypot(precise[0][1], precise[1][1])
assert np.ptp(others) < 2 * max(judged[name][1][1] for name in makers)
assert quality["GAN"][0] < min(quality[name][0] for name in makers if name != "GAN")
assert np.mean(np.abs(samples["GAN"] - 0.5) > 0.6) > 0.001   # out of the square

# %% tags=["expectation"]
# The VAE's noise costs precision: the same samples with the data's own tremble.
rng_again = np.random.default_rng(7)
z_made, eps = rng_again.normal(size=(1000, 6)), rng_again.normal(size=(1000, 16))
clean = gaussian_vae.gaussian_vae_generate(vae, z_made)
noisy = clean + np.exp(vae[2] / 2) * eps
with_noise, with_tremble = (precision_recall(x_test[:1000], x, k)[0]
                            for x in (noisy, clean + TREMBLE * eps))
assert with_tremble > with_noise + 0.04

# %% [markdown]
# ("One way": the GAN has codes, but nothing that finds the code of a given digit. The VAE's samples carry its noise, $\sqrt\eta$, which costs precision.) The pros and cons of L1 and L22, each with its number:

# %%
told = {name: "precision {:.2f}, recall {:.2f}".format(*pair)
        for name, pair in quality.items()}
slow = f"784 passes for a picture, {made_ms / vae_ms:,.0f} times the VAE's time (L22)"
bound = f"known to have {nats['VAE']:.1f} nats or more, a bound; {told['VAE']}"
in_seconds = "{:.1f} nats in {:.0f} s; six numbers: error {:.3f}".format(
    nats["mixture of Gaussians"], seconds["mixture of Gaussians"], with_kind[0])
covariances = f"{16 * 17 // 2} numbers a covariance; of 784 pixels {784 * 785 // 2:,}"
six_rms = {name.split(",")[0]: f"{error:.3f}" for name, error in six.items()}
# %%
results({
    "autoregressive": [f"{nats['autoregressive']:.1f} nats, exact", slow],
    "flow": [f"{nats['flow']:.1f} nats, exact, and one pass",
             f"16 latents; with six the error is {six_rms['flow']} (L22)"],
    "VAE": [f"six numbers: error {six_rms['VAE']}, PCA {six_rms['PCA']} (L22)", bound],
    "GAN": [f"one pass, {ms['GAN']:.1f} ms for 1,000; needs no density",
            f"no nats; {told['GAN']}"],
    "mixture of Gaussians": [in_seconds, covariances]}, ["for it", "against it"])

# %% [markdown]
# The classic has no fewer nats than the best network, covers as much, and took the least time: without it one would have thought that these data need a network. What it lacks: each component's covariance grows with $D^2$, and its code is a kind and that kind's own axes, with no path from one kind to another.
#
# The order of nats says something about *these* data, and about trainings of seconds. "Passes", and that a flow's code is as long as $\mathbf{x}$, are matters of principle. Diffusion models, which had their breakthrough at about the time of this lecture, are close kin of the VAE, with many latents of full size.
#
# ## What you have shown
#
# - An autoregressive model gives exact likelihoods in one pass, and samples in $D$ passes: 784 calls for a picture against one (L1, L22).
# - Couplings can be undone, and their log determinant is a sum: exact likelihood and one pass, with a code as long as $\mathbf{x}$. Six of its latents, even turned, kept less of a digit than PCA's six components; the VAE's six kept more (L22).
# - A GAN needs no density, and has none to offer. It left more of the real digits uncovered than any other model here (L1).
# - On sixteen numbers a mixture of Gaussians does as well as the best network in nats, and as the VAE in six numbers.
# - Precision and recall judge samples without a likelihood, with controls that say what the numbers can mean.
#
# ## What is left open
#
# Nats are more than a score: once $\mathbf{x}$ is rounded, a model that says how probable each example is can *store* it, in $-\log_2$ of that probability. Notebook 12 does that in earnest, with the family whose likelihood is only a bound.

# %%
# NBVAL_IGNORE_OUTPUT
progress()

# %% [markdown]
# ## Further ({{further minutes}} minutes)
#
# What a judge learns, the flow layer by layer, a ring that all four learn, and what a GAN that trains longer leaves out.

# %% [markdown]
# ### What the judge knows

# %%
predict("11-judge", "The generator is perfect, q = p. What is the best judge's loss?",
        ["0", "log 2", "2 log 2", "infinite"])

# %% [markdown]
# What does a judge learn? If real and made examples come equally often, with densities $p$ and $q$, Bayes' rule says what the best one answers:

# %% [markdown]
# {{exercise optimal_discriminator}}

# %%
def optimal_discriminator(log_p, log_q):
    """The probability p / (p + q) of real, from log densities (N,), stable."""
    ### BEGIN SOLUTION
    return expit(log_p - log_q)
    ### END SOLUTION


# %%
optimal_discriminator = check(optimal_discriminator)

# %% [markdown]
# Put this $D$ into $L_D$, take expectations for means, and with $m = \frac12(p + q)$ it becomes
#
# $$L_D = 2 \log 2 - 2\,\mathrm{JSD}(p, q), \qquad \mathrm{JSD}(p, q) = \tfrac12 \mathrm{KL}(p \,\|\, m) + \tfrac12 \mathrm{KL}(q \,\|\, m),$$
#
# the Jensen-Shannon divergence of $p$ and $q$. So a judge that is trained measures a divergence, and a generator that goes up against it by the one objective of section 5, $L_G = +\operatorname{mean} \log(1 - D)$, makes it smaller. (The non-saturating form does something else far from $q = p$: Arjovsky and Bottou, 2017, theorem 2.5.)
#
# This divergence is never above $\log 2$, and so forgives what $\mathrm{KL}(p \,\|\, q)$, the price in likelihood, does not. Ten kinds, equally often, and a model without one of them:

# %%
p_kinds, q_kinds = np.full(10, 0.1), np.append(np.full(9, 1 / 9), 0)
m_kinds = (p_kinds + q_kinds) / 2
results({"JSD(p, q)": (kl_categorical(p_kinds, m_kinds)
                       + kl_categorical(q_kinds, m_kinds)) / 2,
         "KL(p || q)": kl_categorical(p_kinds, q_kinds)}, digits=2, trained=False,
        caption="One kind of ten is missing (nats)")

# %% [markdown]
# A test where both densities are known: $p$ is a ring of eight Gaussians in the plane, $q$ one round Gaussian with the same variance. A judge is trained on the first loss.

# %%
rng = np.random.default_rng(5)
width = np.sqrt(ring_sample(20_000, rng).var(axis=0).mean())
side = np.linspace(-8, 8, 321)
plane = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2).astype(np.float32)
area = (side[1] - side[0]) ** 2
log_p = ring_log_prob(plane)
log_q = -0.5 * np.sum((plane / width) ** 2, axis=1) - np.log(2 * np.pi * width ** 2)


def pairs(steps, N=256):   # real and made points, fresh in every step
    for _ in range(steps):
        yield (ring_sample(N, rng).astype(np.float32),
               np.float32(width) * rng.standard_normal((N, 2), dtype=np.float32))


def judge_loss(params, batch):
    real, fake = (gan.leaky_mlp(params, points)[:, 0] for points in batch)
    return gan_losses(real, fake)[0]


# %%
ring_judge = adam(judge_loss, gan.init_leaky([2, 64, 64, 1], rng), pairs(1200), 1200,
                  step_size=cosine_decay(5e-3, 1200), label="judge")
measured = float(judge_loss(ring_judge, next(pairs(1, 20_000))))
best = optimal_discriminator(log_p, log_q)
possible = -area * np.sum(np.exp(log_p) * np.log(np.maximum(best, 1e-300))
                          + np.exp(log_q) * np.log(np.maximum(1 - best, 1e-300)))
m = np.logaddexp(log_p, log_q) - np.log(2)
jsd = 0.5 * area * np.sum(np.exp(log_p) * (log_p - m) + np.exp(log_q) * (log_q - m))
assert np.isclose(possible, 2 * np.log(2) - 2 * jsd, atol=1e-6)
results({"the trained judge, on new points": measured,
         "the best judge, 2 log 2 − 2 JSD": possible,
         "nobody can tell, 2 log 2": 2 * np.log(2)}, caption="Loss (nats)")
reveal("11-judge", "2 log 2")

# %% tags=["expectation"]
expect(measured, possible, within=0.05)

# %%
fig, axes = plots.figure(7.6, 4.0, columns=2, sharey=True)
said = expit(gan.leaky_mlp(ring_judge, plane)[:, 0])
for ax, value, title in zip(axes, [best, said], ["p / (p + q)", "the trained judge"]):
    image = ax.imshow(np.reshape(value, (321, 321)), origin="lower", vmin=0, vmax=1,
                      extent=(-8, 8, -8, 8), cmap="Purples")
    ax.set(title=title, xlabel="$x_1$", xlim=(-3.5, 3.5), ylim=(-3.5, 3.5))
    ax.grid(False)
axes[0].set_ylabel("$x_2$")
fig.colorbar(image, ax=axes, label="probability of real", shrink=0.9)
plots.show(fig, alt="Two maps: eight dark spots on a ring, where real points are more "
                    "probable. The trained judge's spots are much like the best one's.")

# %% [markdown]
# The judge comes close to what is possible, where there are points to learn from. In a GAN the generator moves on after every step.

# %% [markdown]
# ### Explore: one latent through the layers
#
# Six test digits, as codes. The first slider moves one latent of all six, the second undoes coupling after coupling, from $\mathbf{z}$ (0) to the digit (8). (a) How many couplings does it take until something like a digit is there? (b) Does this latent mean the same for all six digits?

# %%
flow_pad(trained, z_test[:6], latent=3)   # the fourth

# %% [markdown] tags=["expectation"]
# <details><summary>Answers</summary>
#
# (a) Nearly all: halfway the lines are still scribbles. (b) No. The same move does different things to different digits: nothing in training asks a latent to mean one thing.
#
# </details>

# %% [markdown]
# ### The ring, four times
#
# In the plane a density can be seen. All four families learn from 8,000 points of the ring. On average over new points no model can have more nats than the truth, and what it lacks is $\mathrm{KL}(p \,\|\, \text{model})$; the VAE's nats are a bound, so it lacks at most about this. (The GAN has no nats.)

# %%
rng = np.random.default_rng(6)
ring, new = (ring_sample(N, rng).astype(np.float32) for N in (8000, 4000))
ring_made = made.made_train(ring, made_masks([2, 64, 64, 2], [0, 1]), 500, rng)
ring_flow = flow.flow_train(ring, flow.alternating_masks(2, 8), [48, 48], 1000, rng)
ring_vae = gaussian_vae.gaussian_vae_train(ring, [2, 64, 64, 2], 1200, rng,
                                           step_size=1e-2)
moments, rng = {}, np.random.default_rng(0)


def keep_moment(t, players, value):
    if t % 60 == 0:
        moments[t] = players[0]   # the generator


ring_gan = gan.gan_train(
    ring, 2, [64, 64], 2400, rng, losses=gan_losses, smear=(0.0, 0.0), step_size=2e-3,
    callback=keep_moment)[0]

# %%
ring_log_p = {
    "autoregressive": lambda x: made.made_log_prob(ring_made, x),
    "flow": lambda x: flow.flow_log_prob(ring_flow, x),
    "VAE": lambda x: gaussian_vae.gaussian_vae_log_likelihood(ring_vae, x, 100, rng)}
ring_nats = {name: np.mean(f(new)) for name, f in ring_log_p.items()}
truth = np.mean(ring_log_prob(new))
results({"the truth on these points": [truth, 0.0]}
        | {name: [value, truth - value] for name, value in ring_nats.items()},
        ["nats", "lacking"], caption="New points of the ring")

# %% tags=["expectation"]
assert all(value < truth + 0.02 for value in ring_nats.values())
assert truth - ring_nats["autoregressive"] < 0.06 < 0.2 < truth - max(
    ring_nats["flow"], ring_nats["VAE"])
expect(truth, -ring_entropy(), within=0.05)

# %%
side = np.linspace(-3.2, 3.2, 97)
plane = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2).astype(np.float32)
z = rng.normal(size=(40_000, 2)).astype(np.float32)
noise = rng.normal(size=z.shape)
drawn = {"VAE": gaussian_vae.gaussian_vae_generate(ring_vae, z, noise),
         "GAN": gan.gan_generate(ring_gan, z)}
edges = np.linspace(-3.2, 3.2, 65)
maps = {"the truth": np.exp(ring_log_prob(plane))} | {
    name: np.exp(ring_log_p[name](plane)) for name in ["autoregressive", "flow"]} | {
    f"{name},\n40,000 samples": np.histogram2d(*x.T[::-1], bins=[edges, edges],
                                              density=True)[0].ravel()
    for name, x in drawn.items()}
drawn["flow"] = flow.flow_inverse(ring_flow, z)
drawn["autoregressive"] = made.made_sample(ring_made, [0, 1], rng.random(z.shape),
                                           noise)

# %%
angle = rng.uniform(0, 2 * np.pi, 40_000)
circle = 2 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
off = {"the truth": ring} | drawn | {"a circle without spots (a control)": circle}
results({name: 1 - ring_shares(x).sum() for name, x in off.items()}, digits=2,
        caption="Share of samples farther than 3 standard deviations from every spot")

# %%
fig, axes = plots.figure(10, 2.4, columns=5, sharey=True)
for ax, (name, density) in zip(axes, maps.items()):
    n = int(np.sqrt(len(density)))
    image = ax.imshow(np.reshape(density, (n, n)), origin="lower", vmin=0, vmax=0.5,
                      extent=(-3.2, 3.2, -3.2, 3.2), cmap="Purples")
    ax.set_title(name, fontsize=10)
    ax.grid(False)
fig.colorbar(image, ax=axes, label="density", shrink=0.8, extend="max")
plots.show(fig, alt="Five maps of a density. The truth has eight round spots, and so "
                    "has the autoregressive model; the VAE's are paler; the flow has a "
                    "band with hardly a spot, the GAN a thin line with darker spots.")

# %% [markdown]
# The flow's map is continuous, so to part its round cloud of $\mathbf{z}$ into eight spots, a thin strip of it must be pulled over every gap. That needs steep places, and this flow, trained for seconds, has none that are steep enough: bands remain, and what lies on them is lost to the spots. (It is not impossible: the truth's density is positive between the spots, too.) The VAE's and the GAN's maps are as smooth. The autoregressive model's factors are mixtures, here of the truth's own form: the steep places are built in.
#
# The GAN's spots while it trains: in how many of the eight does it put at least 6 % of its samples, about half of a fair share? (One round Gaussian with the ring's variance has 3.3 % in each; a circle of radius 2 without any spots has 9.6 %. So this says whether a part of the ring is left out, not how sharp the spots are.)

# %%
z = rng.normal(size=(4000, 2))
occupied = [np.sum(ring_shares(gan.gan_generate(player, z)) > 0.06)
            for player in moments.values()]
fig, ax = plots.figure(7, 2.4)
ax.step(list(moments), occupied, where="mid", color=plots.PALETTE[0])
ax.set(xlabel="step", ylabel="spots", ylim=(-0.3, 8.5), title="Spots that are occupied")
plots.show(fig, alt="The number of occupied spots against the training step: 0 to 2 "
                    "for the first thousand steps, then one after another up to 8.")

# %% tags=["expectation"]
assert occupied[-1] == 8 and max(occupied[:14]) <= 3   # up to step 840
round_one = ring_shares(width * rng.normal(size=(200_000, 2)))
expect(round_one.mean(), 0.033, within=0.002)
expect(ring_shares(circle).mean(), 2 * np.arcsin(0.15) / np.pi, within=0.002)
off_spots = {name: 1 - ring_shares(x).sum() for name, x in off.items()}
assert off_spots["the truth"] < 0.02 and off_spots["autoregressive"] < 0.05
assert min(off_spots[name] for name in ("flow", "VAE", "GAN")) > 0.08

# %%
modes_pad(moments, z[:400])

# %% [markdown]
# (Play it. The eight spots are where the truth's map above has them.) First a cloud that wanders over the plane and holds hardly a spot; from about step 1,000 on one spot after another is found, until it goes all round the ring: nothing is left out, but a circle would do as well by this count.
#
# ### A GAN that trains twice as long
#
# The same networks as in section 5, with another seed and 7,200 steps. Do the losses say how its training goes?

# %%
losses_seen, earlier, rng = [], {}, np.random.default_rng(1)


def keep(t, players, value):
    losses_seen.append(value)
    if t % 100 == 0:
        earlier[t] = players[0]   # the generator


longer, _ = gan.gan_train(
    x_fit, 16, [128, 128], 7200, rng, noise=TREMBLE, losses=gan_losses, batch_size=64,
    step_size=1e-3, callback=keep)

# %%
fig, ax = plots.figure(7, 2.6)
smooth = np.convolve(losses_seen, np.ones(100) / 100, mode="valid")
ax.plot(np.arange(len(smooth)) + 100, smooth, color=plots.PALETTE[2])
ax.set(xlabel="step", ylabel="nats (the start is higher)", ylim=(1.9, 3.2),
       title="Sum of the two losses, mean of the last 100 steps")
plots.show(fig, alt="The sum of both losses falls in a few hundred steps, and then "
                    "goes up and down.")

# %% [markdown]
# Somewhere in the first half of its training the GAN had nearly the same sum as at the end. Was it as good?

# %%
early = min((t for t in earlier if t <= 3600),
            key=lambda t: abs(smooth[t - 100] - smooth[-1]))
z_fixed = normal(1000, 16)
then = {t: gan.gan_generate(earlier[t], z_fixed) for t in [early, max(earlier)]}
judged_then = {t: with_errors(precision_recall(x_test[:1000], x, k), x)
               for t, x in then.items()}
rows = [[t, smooth[t - 100], *pair] for t, pair in judged_then.items()]
results({"early, with nearly the same sum": rows[0], "at its end": rows[1],
         "section 5's GAN at its end": [3600, None, *judged["GAN"]]},
        ["step", "sum of losses", "precision", "recall"])

# %% tags=["expectation"]
assert abs(smooth[early - 100] - smooth[-1]) < 0.1
sooner, at_end = judged_then[early], judged_then[7200]
assert sooner[0][0] < at_end[0][0] - 0.1 and at_end[0][0] > judged["GAN"][0][0] + 0.1
assert at_end[0][0] > max(quality[name][0] for name in ("autoregressive", "VAE"))
assert at_end[1][0] < min(others)

# %% [markdown]
# The same sum, and another quality: this sum does not say how training goes. And twice the time makes better digits. Are all of them there?
#
# ### Which digits are left out?
#
# Each sample gets the label of the nearest training digit, which is the right label for nearly all test digits.

# %%
labels = digits.y_train[:8500]


def nearest(x):
    """The label of the nearest training digit, (N,)."""
    return labels[cdist(x, x_fit).argmin(axis=1)]


found = {"test digits": nearest(x_test[:1000]),
         "autoregressive": nearest(samples["autoregressive"]),
         "GAN": nearest(samples["GAN"]), "GAN, twice as long": nearest(then[max(then)])}
shares = {name: np.mean(y[:, None] == range(10), axis=0) for name, y in found.items()}
results({"labels of test digits that are right":
         np.mean(found["test digits"] == digits.y_test[:1000])})

# %%
fig, ax = plots.figure(9, 2.7)
for i, (name, share) in enumerate(shares.items()):
    ax.bar(np.arange(10) + 0.2 * (i - 1.5), share, 0.18, label=name,
           color=plots.PALETTE[[3, 0, 2, 1][i]])
ax.set(xticks=range(10), xlabel="digit", ylabel="share", title="Which digits are made")
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
plots.show(fig, alt="Bars for the ten digits. Test digits and the autoregressive model "
                    "have about a tenth of each; both GANs make some too often, and 0 "
                    "and 8 too seldom, the one that trained longer hardly any.")

# %% tags=["expectation"]
uneven = {name: np.abs(share - 0.1).max() for name, share in shares.items()}
both = ("GAN", "GAN, twice as long")
assert min(uneven[name] for name in both) > 1.5 * uneven["autoregressive"]
assert shares["GAN"][[0, 8]].mean() < 0.08 and quality["GAN"][0] < 0.5
assert max(shares["GAN, twice as long"][[0, 8]]) < 0.03

# %% tags=["expectation"]
# The completion pad's answers: 64 ways to finish the 8 and the first 1.
rng = np.random.default_rng(0)


def same_label(n, points):
    """Share of completions, from so many points on, with the label of digit n."""
    begun = np.repeat(x_test[[n]], 64, axis=0)
    made_ones = made.made_sample(autoregressive, range(16), rng.random((64, 16)),
                                 normal(64, 16), x=begun, given=2 * points)
    return np.mean(nearest(made_ones) == digits.y_test[n])


assert same_label(2, 3) > 0.85   # the first 1
assert same_label(0, 2) < 0.35 and same_label(0, 4) < 0.9 < same_label(0, 6)   # the 8

# %% [markdown]
# Two digits, 0 and 8, come less often than in the data in both GANs. The one that trained twice as long makes better digits, and hardly any 0 or 8: these are left out, not late. (Labels mean something where digits are good: of the short GAN's more than half lie near no real one. And this is one training of each; the errors above are of the examples alone, and another seed may leave out others.) It is no law, either: on the ring the GAN ends with no part left out.
#
# In PyTorch: `torch.distributions` has `MixtureSameFamily` for the mixtures and `TransformedDistribution` for flows; a GAN's losses are `BCEWithLogitsLoss` with labels 1 and 0.
#
# **Sources.** M. Germain, K. Gregor, I. Murray, H. Larochelle, *MADE: masked autoencoder for distribution estimation*, 2015. L. Dinh, J. Sohl-Dickstein, S. Bengio, *Density estimation using Real NVP*, 2017. I. Goodfellow and others, *Generative adversarial nets*, 2014. M. Arjovsky, L. Bottou, *Towards principled methods for training generative adversarial networks*, 2017. T. Kynkäänniemi and others, *Improved precision and recall metric for assessing generative models*, 2019. Pen digits: E. Alpaydin, F. Alimoglu, 1998.
