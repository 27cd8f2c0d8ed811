# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Compression with VAEs
#
# *Lecture points L3 (b) and L14. About {{core minutes}} minutes, 17 points; {{further minutes}} more below "Further". [Glossary](00_start_here.ipynb#Glossary)*
#
# The lecture's second reason for autoencoders was compression, "i.e. a smaller file", with a footnote: this needs a VAE, not an ordinary autoencoder (L3). And its KL term (L14) was a distance so far. Here it
# becomes something that you can weigh: bits. **How does a model that only bounds $\log p(\mathbf{x})$ make a file smaller, down to the bit, and give every pixel back?**
#
# By the end you can say, and show with numbers,
#
# - how any model with probabilities becomes a file format, and what a good one is worth in bytes,
# - how to send a latent variable for its KL, so that a digit costs $-\text{ELBO}/\ln 2$ bits,
# - what an ordinary autoencoder lacks, and why sender and receiver must agree to the last bit.

# %%
import bisect
import math

import autograd.numpy as anp
import numpy as np
from matplotlib.patches import Rectangle
from scipy.special import expit, ndtr, ndtri

from course_utils.checking import check, hint, predict, progress, reveal
from course_utils.data import load_doodles, load_mnist

# %%
from course_utils.explorables.bits_back_stack import bits_back_stack
from course_utils.models import coder, digit_files, vae, vae_coder
from course_utils.networks import nets
from course_utils.networks.fast import (
    bernoulli_cross_entropy, dense, dense_tanh)
from course_utils.networks.optim import train
from course_utils.showing import drawings, plots
from course_utils.showing.black_and_white import png_bytes, sizes_of_others
from course_utils.showing.evidence import expect, results

# %%
digits = load_mnist()
x_train = digits.x_train
x_test = vae.binarise(digits.x_test, np.random.default_rng(12))  # 0 and 1
BITS = 1 / np.log(2)  # a nat is 1.44 bits

# %% [markdown]
# ## 1. What there is to beat
#
# The data are the 2,000 test digits in black and white, each pixel drawn once from its grey value as in notebook 08. One bit a pixel makes 784 bits a digit. What do programs for files and for pictures make of them? Each has the pixels as bits and as bytes, digit after
# digit and as one large sheet, and its best result counts. Beside them stands the simplest model with probabilities, from notebook 03: each pixel on its own, white as often as in the training digits. A symbol of probability $p$ is worth $-\log_2 p$ bits (Shannon), so its cross-entropy is what it needs *in principle*.

# %%
predict("12-rivals", "Which needs the fewest bits for a digit?",
        ["gzip", "bz2", "PNG", "each pixel on its own"])

# %%
sheet = digit_files.untiled(x_test, 40 * 28, 50 * 28)
both = [sizes_of_others(form) for form in (x_test, sheet)]
others = {name: min(form[name] for form in both) * 8 / 2000 for name in both[0]}
frequency = (x_train.sum(axis=0) + 1) / (len(x_train) + 2)  # never 0 or 1
logits = np.log(frequency / (1 - frequency))
alone = BITS * bernoulli_cross_entropy(x_test, np.tile(logits, (2000, 1))).mean()
shown = dict(sorted(others.items(), key=lambda item: -item[1]))
results({name: [bits, bits / 784] for name, bits in
         (shown | {"each pixel on its own": alone}).items()},
        ["bits a digit", "bits a pixel"])

# %%
contest = {name: others[name] for name in ("gzip", "bz2", "PNG")}
contest["each pixel on its own"] = alone
reveal("12-rivals", min(contest, key=contest.get))

# %% tags=["expectation"]
expect(alone, 298, within=5)
expect(others["bz2"], 203, within=8)

# %% [markdown]
# bz2 knows nothing of digits, only what follows what, and that is worth more than knowing pixels one by one. A model that knows which pixels go together should win. But two things are missing: a way to turn probabilities into bits, and a way to do it with a *latent* variable.

# %% [markdown]
# ## 2. A stack in one number
#
# Probabilities first. Cut the numbers $0, 1, 2, \dots$ into rounds of $2^r$ *slots*, and give each symbol some slots of every round: symbol $v$ has $f_v$ of them, beginning at $c_v$, so that its probability is $f_v / 2^r$. Here $r = 3$ and three symbols have
# 5, 2 and 1 slots of 8. Every number carries the symbol in whose slots it lies, and we count them, symbol by symbol: 5 is the first *b*, b0, and 14 the fourth, b3.

# %%
table = [0, 5, 7, 8]
numbers = np.arange(40)
symbols = np.searchsorted(table, numbers % 8, side="right") - 1
fig, ax = plots.figure(8.6, 3.6)
for number, v in zip(numbers, symbols):
    row, slot = divmod(int(number), 8)
    rank = int(np.sum(symbols[:number] == v))
    colour = plots.PALETTE[v]
    ax.add_patch(Rectangle((slot, -row - 0.4), 0.9, 0.8, color=colour, alpha=0.3))
    ax.text(slot + 0.36, -row, number, ha="right", va="center", fontsize=13)
    ax.text(slot + 0.46, -row, f"{'abc'[v]}{rank}", va="center", fontsize=9)
ax.set(xlim=(-0.1, 8), ylim=(-4.6, 0.6), yticks=[], xlabel="slot")
ax.set_xticks(np.arange(8) + 0.45, range(8))
ax.set_title("Each number, its symbol, and how many before it have that one")
ax.grid(False)
ax.spines["left"].set_visible(False)
plots.show(fig, alt="Forty numbers in five rows of eight. Slots 0 to 4 are symbol a, "
                    "5 and 6 are b, 7 is c; each cell has its count among its symbol.")

# %% [markdown]
# That is a code. The message so far is a number $s$, the **state**. To put symbol $v$ on top, go to the $s$-th number that carries $v$: from 11, an *a* leads to the cell *a11*, which is 17, and a *c* to *c11*, far below the picture, which is 95. A rare symbol moves the state far, a frequent one hardly: to about $s \cdot 2^r / f$ for large $s$, so that $\log_2 s$ grows by $-\log_2$ of the symbol's probability. This is an *asymmetric numeral system* (ANS; Duda 2009). It is in the file formats zstd and JPEG XL.

# %% [markdown]
# {{exercise ans_push}}

# %%
def ans_push(state, start, freq, precision):
    """The state with a symbol on top, which has slots start .. start + freq - 1."""
    ### BEGIN SOLUTION
    return (state // freq) * 2 ** precision + start + state % freq
    ### END SOLUTION


# %%
ans_push = check(ans_push)

# %% [markdown]
# Reading goes back: the slot $s \bmod 2^r$ says which symbol is on top, and its count says what the state was before. So the symbol that was put there last comes first: a **stack**.

# %% [markdown]
# {{exercise ans_pop}}

# %%
def ans_pop(state, starts, precision):
    """(symbol, state): the symbol on top, and the state without it. starts (V + 1,)."""
    ### BEGIN SOLUTION
    slot = state % 2 ** precision
    symbol = bisect.bisect_right(starts, slot) - 1
    freq = starts[symbol + 1] - starts[symbol]
    return symbol, freq * (state // 2 ** precision) + slot - starts[symbol]
    ### END SOLUTION


# %%
ans_pop = check(ans_pop)

# %% [markdown]
# Both functions on a message of a thousand letters that come as often as the table says:

# %%
def put(state, symbol, starts, precision):
    """A push of a symbol by its number."""
    start, end = int(starts[symbol]), int(starts[symbol + 1])
    return ans_push(state, start, end - start, precision)


# %%
rng = np.random.default_rng(0)
letters = rng.choice(3, size=1000, p=[5 / 8, 2 / 8, 1 / 8]).tolist()
state, sizes = 1, []
for letter in letters:
    state = put(state, letter, table, 3)
    sizes.append(math.log2(state))

# %%
back, rest = [], state
for _ in letters:
    letter, rest = ans_pop(rest, table, 3)
    back.append(letter)
assert back == letters[::-1] and rest == 1
information = -np.log2(np.take([5 / 8, 2 / 8, 1 / 8], letters)).sum()
whole_bits = np.take([1, 2, 2], letters).sum()  # Huffman's code: 0, 10, 11
results({"log2 of the state": sizes[-1], "-log2 of the probabilities": information,
         "Huffman's code, whole bits for each": whole_bits},
        trained=False, digits=5, caption="A thousand letters, in bits")

# %% tags=["expectation"]
assert abs(sizes[-1] - information) < 3 and whole_bits > information + 40

# %% [markdown]
# One number of some 1,300 bits, and it is the information to a bit: nothing is lost to rounding each letter to whole bits, as Huffman's code must.

# %% [markdown]
# ## 3. Tables from a model
#
# A model gives probabilities, and the coder wants whole numbers. One thing must not happen: that a symbol which *can* come has no slot, for then the message ends there.

# %% [markdown]
# {{exercise quantise}}

# %%
def quantise(p, precision):
    """Starts (V + 1,) from 0 to 2^precision, each frequency at least 1 and near p."""
    ### BEGIN SOLUTION
    V, slots = len(p), 2 ** precision
    below = np.append(0, np.cumsum(p))
    starts = [v + math.floor((slots - V) * below[v]) for v in range(V)]
    return starts + [slots]
    ### END SOLUTION


# %%
quantise = check(quantise)

# %% [markdown]
# Send a hundred digits with the simplest model, all pixels as one message. A receiver who has the same table of frequencies gets them back.

# %%
R = 20  # precision: a million slots
hundred = x_test[:100].astype(int)


def whole(starts):
    """A table as a list of Python's whole numbers, which may be of any size."""
    return [int(start) for start in starts]


# %%
pixel_tables = [whole(quantise([1 - p, p], R)) for p in frequency.astype(float)]
state = 1
for digit in hundred:
    for pixel, starts in zip(digit, pixel_tables):
        state = put(state, pixel, starts, R)

# %%
received, rest = np.zeros_like(hundred), state
for n in reversed(range(100)):
    for d in reversed(range(784)):
        received[n, d], rest = ans_pop(rest, pixel_tables[d], R)
assert (received == hundred).all() and rest == 1
shannon = BITS * bernoulli_cross_entropy(hundred, np.tile(logits, (100, 1))).mean()
results({"measured": math.log2(state) / 100, "cross-entropy": shannon}, digits=5,
        caption="Bits a digit, each pixel on its own")

# %% tags=["expectation"]
expect(math.log2(state) / 100, shannon, within=0.05)

# %% [markdown]
# So this half is settled: **a model of $p(\mathbf{x})$ is a file format, with $-\log_2 p(\mathbf{x})$ bits for $\mathbf{x}$.** Better likelihood, smaller file.

# %% [markdown]
# ## 4. A latent variable, for its KL
#
# A VAE has no $p(\mathbf{x})$ to make a table of. It has $p(\mathbf{z})$ and $p(\mathbf{x} \mid \mathbf{z})$: given $\mathbf{z}$, pixels are independent, and that is easy. So the sender chooses a code $\mathbf{z}$, sends it with the prior, and then the pixels with $p(\mathbf{x} \mid \mathbf{z})$:
#
# $$-\log_2 p(\mathbf{z}) - \log_2 p(\mathbf{x} \mid \mathbf{z}) \quad\text{bits, at least } -\log_2 p(\mathbf{x}), \text{ as } p(\mathbf{x}) = \sum_{\mathbf{z}} p(\mathbf{z})\, p(\mathbf{x} \mid \mathbf{z}).$$
#
# Try it where all can be counted: three values of $z$, four of $x$.

# %%
prior = np.array([0.5, 0.3, 0.2])
likelihood = np.array([[0.5, 0.3, 0.1, 0.1],
                       [0.1, 0.3, 0.5, 0.1],
                       [0.1, 0.2, 0.3, 0.4]])
joint = prior[:, None] * likelihood  # (Z, X)
p_x = joint.sum(axis=0)
posterior = (joint / p_x).T  # (X, Z)

# %%
entropy = -np.sum(p_x * np.log2(p_x))
best_z = -np.sum(p_x * np.log2(joint.max(axis=0)))
drawn_z = -np.sum(joint * np.log2(joint))
results({"the likeliest z for each x": best_z, "a z drawn from the posterior": drawn_z,
         "the entropy of x": entropy}, trained=False,
        caption="Bits for an x, on average")

# %% [markdown]
# What is wasted? Where several $z$ could have led to this $x$, the sender makes a *choice*, and the receiver, who decodes $z$, learns which. A choice can carry a message: let the bits that are on the stack already make it. **Pop $z$ from the stack with the table of $q(z \mid x)$**: the stack becomes shorter, as if $z$ had been written
# there. Then push $x$ with $p(x \mid z)$, and $z$ with $p(z)$. The receiver, who has $z$ and $x$ by then, knows $q(z \mid x)$, and *pushes* $z$ with it: the borrowed bits are back.

# %%
fig, ax = drawings.bits_back()
plots.show(fig, alt="Four states of a stack. Popping z with q(z|x) makes it shorter; "
                    "pushing x with p(x|z) and z with p(z) makes it longer.")

# %% [markdown]
# These are **bits back** (Hinton and van Camp 1993; with ANS: Townsend et al. 2019).

# %%
predict("12-toy", "With the true posterior for q, how many bits does an x cost on "
        "average?", ["less than its entropy", "exactly its entropy",
                     "its entropy and that of z given x"])

# %% [markdown]
# {{exercise bits_back_encode}}

# %%
def bits_back_encode(state, x, prior, likelihood, posterior, precision):
    """The state with x on top, by bits back."""
    ### BEGIN SOLUTION
    z, state = ans_pop(state, posterior[x], precision)
    of_x = likelihood[z]
    state = ans_push(state, of_x[x], of_x[x + 1] - of_x[x], precision)
    return ans_push(state, prior[z], prior[z + 1] - prior[z], precision)
    ### END SOLUTION


# %%
bits_back_encode = check(bits_back_encode)

# %% [markdown]
# {{exercise bits_back_decode}}

# %%
def bits_back_decode(state, prior, likelihood, posterior, precision):
    """(x, state): undoes bits_back_encode."""
    ### BEGIN SOLUTION
    z, state = ans_pop(state, prior, precision)
    x, state = ans_pop(state, likelihood[z], precision)
    of_z = posterior[x]
    return x, ans_push(state, of_z[z], of_z[z + 1] - of_z[z], precision)
    ### END SOLUTION


# %%
bits_back_decode = check(bits_back_decode)

# %% [markdown]
# What does an $x$ cost now? Shorter by $-\log_2 q(z \mid x)$, longer by the other two: on average over the $z$ that the stack chooses
#
# $$\mathbb{E}_q\big[-\log_2 p(x \mid z) - \log_2 p(z) + \log_2 q(z \mid x)\big] = -\frac{\text{ELBO}}{\ln 2}
# = \underbrace{\mathbb{E}_q[-\log_2 p(x \mid z)]}_{\text{pixels}} + \underbrace{\mathrm{KL}(q \,\|\, p) / \ln 2}_{\text{the code}}.$$
#
# The KL term (L14) is the net price of $z$ in bits. And by notebook 04 the whole is $-\log_2 p(x)$ plus the gap $\mathrm{KL}(q \,\|\, p(z \mid x)) / \ln 2$: a $q$ that is not the posterior costs just that. Three choices of $q$:

# %%
def tables(p):
    """Starts for the last axis of p, as lists."""
    return whole(quantise(p, R)) if p.ndim == 1 else [tables(row) for row in p]


# %%
def measured_bits(q, count=4000):
    """Mean bits an x with tables of q (X, Z), each on a stack of fresh random bits."""
    rng = np.random.default_rng(1)
    p_z, p_x_z, q_z_x = tables(prior), tables(likelihood), tables(q)
    grown = []
    for x in rng.choice(4, size=count, p=p_x).tolist():
        stack = int.from_bytes(rng.bytes(16), "little")
        longer = bits_back_encode(stack, x, p_z, p_x_z, q_z_x, R)
        assert bits_back_decode(longer, p_z, p_x_z, q_z_x, R) == (x, stack)
        grown.append(math.log2(longer) - math.log2(stack))
    return np.mean(grown), np.std(grown) / np.sqrt(count)


# %%
flat = np.tile([1 / 3, 1 / 3, 1 / 3], (4, 1))
choices = {"the posterior": posterior, "the prior": np.tile(prior, (4, 1)),
           "all z alike": flat}
rows = {}
for name, q in choices.items():
    gap = np.sum(p_x * np.sum(q * np.log2(q / posterior), axis=1))
    rows[name] = [measured_bits(q), entropy + gap, gap]
results(rows, ["measured", "-ELBO / ln 2", "KL(q || posterior) in it"], digits=4,
        trained=False, caption=f"Bits for an x, whose entropy is {entropy:.4f}")
reveal("12-toy", "exactly its entropy")

# %% tags=["expectation"]
for (mean, error), bound, _ in rows.values():
    expect(mean, bound, within=4 * error)
assert rows["the posterior"][0][0] < best_z - 0.4

# %% [markdown]
# The asserts have seen that every $x$ came back and every loan was returned, bit for bit. The lower bound of notebook 04 has become a file's size, and its gap is waste.
#
# The stack itself, with the three tables: step through it, and then flip one of its bits.

# %%
bits_back_stack(prior, likelihood, posterior, names="ABCD")

# %% [markdown]
# ## 5. Digits
#
# Now the VAE: the digits' prior, observation model and encoder, trained on the ELBO as in notebook 08 (one hidden layer, more steps). Its latents are real numbers, and a table wants finitely many symbols: cut the line into $B$ buckets of equal mass under the prior. Then the prior's table is flat, and $q$'s table is the mass of $\mathcal{N}(\mu_k, \sigma_k^2)$ in each bucket.

# %% [markdown]
# {{exercise gaussian_starts}}

# %%
def gaussian_starts(mu, sigma, edges, precision):
    """Starts (B + 1,) for the mass of N(mu, sigma^2) between neighbouring edges."""
    ### BEGIN SOLUTION
    from scipy.stats import norm

    return quantise(np.diff(norm.cdf(edges, mu, sigma)), precision)
    ### END SOLUTION


# %%
gaussian_starts = check(gaussian_starts)

# %%
B = 256
edges = ndtri(np.arange(B + 1) / B)                     # -inf ... inf
middles = ndtri((np.arange(B) + 0.5) / B)
fig, ax = plots.figure(8, 3)
for mu, sigma in [(0.0, 1.0), (0.8, 0.3), (-1.5, 0.1)]:
    counts = np.diff(gaussian_starts(mu, sigma, edges, R))
    ax.step(np.arange(B), counts / 2 ** R, where="mid", label=f"{mu}, {sigma}")
ax.set(xlabel="bucket", ylabel="probability", yscale="log")
ax.set_title("Tables of three Gaussians over 256 buckets of equal prior mass")
fig.legend(title="mu, sigma", loc="outside right center")
plots.show(fig, alt="The prior is flat over the buckets; the narrow ones are bumps, "
                    "and no bucket has less than one slot.")

# %% [markdown]
# High where $q$ is. The floor is the one slot, $2^{-20}$, that every bucket keeps; spikes on it are a slot more, from rounding.

# %%
SIZES, STEPS = [784, 300, 20], 1800
encoder, decoder = vae.vae_train(x_train, SIZES, STEPS, np.random.default_rng(0),
                                 step_size=8e-3)

# %% [markdown]
# Bits back with 20 latents and 784 pixels is the exercise's three steps, each with a loop. Sender and receiver compute the networks in float64 and round what comes out to multiples of $2^{-10}$; section 7 says why.

# %%
def table_maker(encoder, decoder, dtype=float, places=10):
    """Functions q (x -> tables of z) and p (z -> tables of pixels), network to list."""
    parts = [[(W.astype(dtype), b.astype(dtype)) for W, b in network]
             for network in (encoder, decoder)]

    def outputs(network, h):
        out = nets.mlp(network, np.asarray(h, dtype)[None])[0].astype(float)
        return out if places is None else np.round(out * 2 ** places) / 2 ** places

    def q(x):
        mu, log_sigma = np.split(outputs(parts[0], x), 2)
        return [whole(gaussian_starts(m, s, edges, R))
                for m, s in zip(mu, np.exp(log_sigma))]

    def p(z):
        slots = np.clip(np.round(2 ** R * expit(outputs(parts[1], middles[z]))), 1,
                        2 ** R - 1)
        return [[0, 2 ** R - int(n), 2 ** R] for n in slots]

    return q, p


# %%
FLAT = whole(quantise(np.full(B, 1 / B), R))


def push_digit(state, x, q, p):
    """Bits back: pop each z_k with q, push each pixel with p(x | z), push each z_k."""
    z = []
    for starts in q(x):
        z_k, state = ans_pop(state, starts, R)
        z.append(z_k)
    for pixel, starts in zip(x, p(z)):
        state = put(state, pixel, starts, R)
    for z_k in z:
        state = put(state, z_k, FLAT, R)
    return state


# %%
def pop_digit(state, q, p):
    """(x, state): the same steps, from the last to the first."""
    z = []
    for _ in range(20):
        z_k, state = ans_pop(state, FLAT, R)
        z.insert(0, z_k)
    x = []
    for starts in reversed(p(z)):
        pixel, state = ans_pop(state, starts, R)
        x.insert(0, pixel)
    for z_k, starts in reversed(list(zip(z, q(x)))):
        state = put(state, z_k, starts, R)
    return x, state


# %% [markdown]
# Fifty digits, on a stack with some random bits to begin with:

# %%
q, p = table_maker(encoder, decoder)
loan = state = int.from_bytes(np.random.default_rng(5).bytes(100), "little")
for digit in hundred[:50]:
    state = push_digit(state, digit, q, p)
by_hand = (math.log2(state) - math.log2(loan)) / 50
restored = []
for _ in range(50):
    digit, state = pop_digit(state, q, p)
    restored.insert(0, digit)
assert np.array_equal(restored, hundred[:50]) and state == loan
print("50 of 50 digits restored, and the borrowed bits are there again")

# %% [markdown]
# For all 2,000 the library does the same in words of 32 bits, for 32 digits side by side in numpy arrays (`models/coder.py`), with 4,096 buckets and 24 bits of precision.

# %%
predict("12-vae", "bz2 needs about 204 bits for a digit. How many does the VAE need, "
        "including the price of z?", unit="bits")

# %%
fast = vae_coder.digit_coder(encoder, decoder)
message, bits = vae_coder.encode_digits(fast, x_test)
assert np.array_equal(vae_coder.decode_digits(message, fast, 2000), x_test)
eps = np.random.default_rng(6).standard_normal((10, 2000, 20), dtype=np.float32)
log_p_x_z, kl_nats = vae.elbo_terms(encoder, decoder, x_test, eps)
pixels, kl = -BITS * log_p_x_z.mean(), BITS * kl_nats.mean()
measured = bits / 2000
results({"pixels: E[-log2 p(x | z)]": pixels, "the code: KL / ln 2": kl,
         "sum: -ELBO / ln 2": pixels + kl, "measured, 2,000 digits": measured,
         "measured, the first 50": vae_coder.encode_digits(fast, x_test[:50])[1] / 50,
         "by ans_push and ans_pop, the same 50": by_hand},
        digits=4, caption="Bits a digit")
reveal("12-vae", measured, unit="bits")

# %% tags=["expectation"]
assert measured / 784 < 0.197
assert abs(measured / (pixels + kl) - 1) < 0.005
assert measured < 0.76 * others["bz2"]

# %% [markdown]
# The ledger closes, but for chance: pixels and code add up to what the stack has grown by, though the 20 numbers of $\mathbf{z}$ were sent in full. Without bits back they would have to be paid for. How coarse should they be then? Send $q$'s mean on a grid, whose step is best for training digits, each point with its share of the prior:

# %%
x_fit = vae.binarise(x_train[:2000], np.random.default_rng(7))


def on_a_grid(networks, step, x):
    """Bits a digit: codes on a grid, each point with its share of N(0, I)."""
    k = np.rint(vae.encoder_forward(networks[0], x)[0] / step)
    inner, outer = (ndtr(-(abs(k) + side) * float(step)) for side in (-0.5, 0.5))
    pixels = bernoulli_cross_entropy(x, nets.mlp(networks[1], np.float32(k * step)))
    return BITS * (pixels - np.log(inner - outer).sum(axis=1)).mean()


steps = (0.2, 0.4, 0.6, 0.8, 1, 1.2)
tried = {step: on_a_grid((encoder, decoder), step, x_fit) for step in steps}
no_back = on_a_grid((encoder, decoder), min(tried, key=tried.get), x_test)
results({f"step {step}": bits for step, bits in tried.items()}, best="lowest",
        caption="Bits for a training digit without bits back")

# %% tags=["expectation"]
assert measured + 5 < no_back < measured + 10
assert min(tried, key=tried.get) not in (steps[0], steps[-1])

# %%
all_bits = {name: others[name] for name in ("gzip", "PNG", "lzma", "bz2")
            if name in others}  # a browser's Python has no lzma
all_bits |= {"each pixel on its own": alone, "VAE, without bits back": no_back,
             "VAE, measured": measured}
results({name: [bits, bits / 784, bits / others["bz2"]]
         for name, bits in all_bits.items()},
        ["bits a digit", "a pixel", "to bz2's"], best="lowest")

# %% [markdown]
# A quarter less than bz2; bits back is worth less than ten bits of it, and little against a *search* for each digit's best grid point ("Further").
#
# ### A file that nobody wrote
#
# The receiver turns bits into digits. What if the bits mean nothing, if they come out of a random number generator?

# %%
predict("12-random", "Random bits are decoded as if they were a message. What comes "
        "out?", ["noise, pixel by pixel", "digits, as the model draws them",
                 "digits of the training set", "an error"])

# %%
random_bits = coder.random_message(np.random.default_rng(10), 20, 400)
nobodys, _ = vae_coder.pop_digits(random_bits, fast, 20)
ax = plots.image_grid(nobodys, (28, 28), 10)
ax.set_title("Decoded from random bits")
plots.show(ax.figure, alt="Twenty pictures that look like roughly drawn digits.")
reveal("12-random", "digits, as the model draws them")

# %% [markdown]
# Rough ones, as every pixel is drawn, too. A symbol with a share $p$ of the slots is popped from random bits with probability $p$. So popping $\mathbf{z}$ with $p(\mathbf{z})$ and pixels with $p(\mathbf{x} \mid \mathbf{z})$ *is* sampling from the model: a decoder for files is a generator.

# %% [markdown]
# ## 6. "This needs a VAE, not an ordinary autoencoder"
#
# Why (L3)? Train an ordinary autoencoder, the same networks with the same steps: the KL term has weight 0, so nothing keeps $\sigma$ from going to 0. It keeps 20 numbers for a digit: is that not compression?

# %%
predict("12-ae", "Take test digits black and white at one half, so without chance. How "
        "many of 2,000 are the same in the decoder's picture of the exact code?",
        ["fewer than 50", "about 200", "about 1,000", "nearly all"])

# %%
plain = vae.vae_train(x_train, SIZES, STEPS, np.random.default_rng(0),
                      step_size=8e-3, kl_weight=0.0)
cut = digits.x_test > 0.5


def wrong_pixels(networks):
    """How many pixels of each digit's picture, made from its exact code, are wrong."""
    codes, _ = vae.encoder_forward(networks[0], cut.astype(np.float32))
    return np.sum((nets.mlp(networks[1], codes) > 0) != cut, axis=1)


# %%
wrong, wrong_vae = (wrong_pixels(both) for both in (plain, (encoder, decoder)))
exact = int(np.sum(wrong == 0))
codes, _ = vae.encoder_forward(plain[0], x_test)
residual = BITS * bernoulli_cross_entropy(x_test, nets.mlp(plain[1], codes)).mean()
reveal("12-ae", ["fewer than 50", "about 200", "about 1,000", "nearly all"][
    np.searchsorted([50, 500, 1500], exact, side="right")])

# %% [markdown]
# Hardly any: some 21 pixels of a digit are wrong. This code of 20 numbers is a *lossy* copy, and the VAE's own is no better one (in the table below). To be lossless it must send the rest, too, and for that its outputs have to be read as what the lecture calls an observation model, $p(\mathbf{x} \mid \mathbf{z})$: then what is left costs $-\log_2 p(\mathbf{x} \mid \mathbf{z})$. The code itself has no price,
# as there is no $p(\mathbf{z})$: as 20 float32 numbers it takes 640 bits. (Rounded to 12 levels it takes 72; less, if frequent levels get short names: a prior.) Give it what it lacks: fit a Gaussian to the training digits' codes for a prior, and one width $\sigma$ for all to make $q$ (notebook 08), chosen on training digits. Then it *is* a VAE, if not a good one, and bits back works:

# %%
noise = np.random.default_rng(8).standard_normal((2000, 20), dtype=np.float32)
widths = {sigma: vae.with_gaussian_prior(*plain, x_fit, sigma)
          for sigma in (0.05, 0.1, 0.14, 0.18, 0.22, 0.3)}
width = max(widths, key=lambda s: vae.vae_elbo(*widths[s], x_fit, noise).mean())
fitted = vae_coder.digit_coder(*widths[width])
ae_message, ae_bits = vae_coder.encode_digits(fitted, x_test)
assert np.array_equal(vae_coder.decode_digits(ae_message, fitted, 2000), x_test)

# %%
ae_step = min(steps, key=lambda step: on_a_grid(widths[width], step, x_fit))
on_grid = on_a_grid(widths[width], ae_step, x_test)
results({"autoencoder, its code alone": [640, wrong.mean()],
         "VAE, its code alone": [640, wrong_vae.mean()],
         "autoencoder, with the rest coded by p(x | z)": [640 + residual, 0],
         "and on the best grid, with a prior": [on_grid, 0],
         f"and with bits back, sigma = {width}": [ae_bits / 2000, 0],
         "VAE, bits back": [measured, 0]}, ["bits a digit", "wrong pixels a digit"],
        caption="Bits: digits drawn to 0 and 1; wrong pixels: cut at one half")

# %% tags=["expectation"]
assert exact < 30
expect(wrong.mean(), 20.9, within=1.5)
expect(wrong_vae.mean(), 21.7, within=1.5)
expect(640 + residual, 739, within=6)
expect(ae_bits / 2000, 164, within=6)
expect(on_grid, 166, within=6)
assert ae_bits / 2000 < on_grid
assert measured + 5 < ae_bits / 2000 < others["bz2"] - 20

# %% [markdown]
# So what an ordinary autoencoder lacks is not the network but a $p(\mathbf{z})$; its outputs, trained with a cross-entropy, can be read as a $p(\mathbf{x} \mid \mathbf{z})$. Once it has both, it beats bz2, and the VAE, trained for them, beats it by some 10 bits.

# %% [markdown]
# ## 7. The trap: who computes the tables?
#
# The receiver computes the tables anew, with the same weights, on another machine. A matrix product adds up hundreds of numbers, and machines add in different orders; in floating point the sum then differs in its last digits. Play the other machine: take the hidden units in reverse order, which is the same network.

# %%
predict("12-order", "Sender and receiver compute in float32, the receiver in reverse "
        "order. How many of 30 digits come back?", ["all 30", "about 25", "0 to 5"])

# %%
def turned(network):
    """The same function, whose hidden units are added up in reverse order."""
    (W, b), (V, c) = network
    return [(W[:, ::-1].copy(), b[::-1].copy()), (V[::-1].copy(), c)]


# %%
def sent(dtype, places, count=30):
    """(digits restored, those received) where the receiver adds in another order."""
    mine = table_maker(encoder, decoder, dtype, places)
    theirs = table_maker(turned(encoder), turned(decoder), dtype, places)
    state = loan
    for digit in hundred[:count]:
        state = push_digit(state, digit, *mine)
    got = []
    for _ in range(count):
        digit, state = pop_digit(state, *theirs)
        got.insert(0, digit)
    return int(np.sum(np.all(np.array(got) == hundred[:count], axis=1))), np.array(got)


# %%
trials = {"float32": sent(np.float32, None), "float64": sent(float, None),
          "float32, rounded to 2⁻¹⁰": sent(np.float32, 10),
          "float64, rounded to 2⁻¹⁰": sent(float, 10)}


# %%
def torn(dtype):
    """How many pixels' tables of 2,000 digits two orders are expected to tear."""
    z = np.random.default_rng(11).normal(size=(2000, 20)).astype(dtype)
    one, other = (nets.mlp([(W.astype(dtype), b.astype(dtype)) for W, b in network], z)
                  for network in (decoder, turned(decoder)))
    p = expit(one.astype(float))
    moves = np.minimum(1, 2 ** (R - 10) * p * (1 - p))  # slots, by a step of 2^-10
    return np.sum(np.abs(one - other) * 2 ** 10 * moves)


results({name: [n, torn(name[:7]) if "rounded" in name else None]
         for name, (n, _) in trials.items()},
        ["restored, of 30", "tables torn, in 2,000 digits"])
reveal("12-order", "0 to 5" if trials["float32"][0] <= 5 else "about 25")

# %%
fig, axes = plots.figure(9.6, 2.0, columns=2)
for ax, name in zip(axes, ["float32", "float64, rounded to 2⁻¹⁰"]):
    plots.image_grid(trials[name][1][::-1], (28, 28), 10, ax=ax)
    ax.set_title(f"received, the last first: {name}")
plots.show(fig, alt="What came back, the last digit first. In float32: rough pictures, "
                    "at most the first like one that was sent. In rounded "
                    "float64: thirty digits.")

# %% tags=["expectation"]
assert trials["float32"][0] < 30
assert trials["float64, rounded to 2⁻¹⁰"][0] == trials["float64"][0] == 30
z = np.random.default_rng(11).normal(size=(2000, 20))
one, other = (expit(nets.mlp([(W.astype(float), b.astype(float)) for W, b in n], z))
              for n in (decoder, turned(decoder)))
unrounded = np.abs(one - other).sum() * 2 ** R  # tables are rounded in any case
assert 3 * torn("float64") < unrounded < 0.01
assert 0.2 < torn("float32") / 2000 < 0.4 and 0.5e-6 < torn("float64") < 2e-6

# %% [markdown]
# The first table that differs sends the state elsewhere, and everything below it in the stack is lost: what comes out are samples, as in section 5. Rounding helps only where two results rarely lie on either side of a boundary.
#
# Precision does most of it: float64 alone restores all, and rounding makes a failure rarer still. The second column is how often that is to be expected, the sum of all differences in steps of $2^{-10}$ that move a slot: in float32 for three tables in ten digits, in float64 for one table in a million such files.
# The library goes one step further: its weights and activations are rounded to binary fractions so short that every sum is *exact*, whatever the order (`models/exact.py`).

# %% [markdown]
# ## 8. Files
#
# With a header and a checksum this is a file format. The course has it as a command, with a larger VAE, trained for longer (on 59,000 digits; no test digit is among them):
#
# ```
# course compress digits.png digits.bb
# course decompress digits.bb again.png
# ```
#
# Here it is on 1,000 test digits as a sheet, each pixel white where its grey value is above one half; and, as a control, on a sheet of 100 sketches that are no digits. Each rival has the better of section 1's two forms.

# %%
doodles = load_doodles()
sheets = {"1,000 digits": digit_files.untiled(cut[:1000], 40 * 28, 25 * 28),
          "one digit": digits.x_test[0].reshape(28, 28) > 0.5,
          "100 doodles": digit_files.untiled(doodles.x_test[:100] > 0.5, 280, 280)}
columns = ["gzip", "bz2", "lzma", "PNG", "WebP", "TIFF, fax group 4"]
rows, files = {}, {}
for name, white in sheets.items():
    files[name] = digit_files.compress_picture(white)
    assert np.array_equal(digit_files.decompress_picture(files[name]), white)
    forms = [sizes_of_others(form) for form in (white, digit_files.tiles(white))]
    rows[name] = [*(min(form[c] for form in forms) if c in forms[0] else None
                    for c in columns), len(files[name])]
results(rows, [*columns, "course compress"], caption="Bytes")

# %% tags=["expectation"]
assert rows["1,000 digits"][-1] < 0.8 * min(filter(None, rows["1,000 digits"][:-1]))
assert rows["100 doodles"][-1] > 1.2 * sheets["100 doodles"].size / 8
assert rows["100 doodles"][-1] > 1.5 * rows["100 doodles"][1]
assert rows["one digit"][-1] > max(rows["one digit"][:2])

# %% [markdown]
# The digits' file is smaller than any other by more than a fifth. One digit alone has to carry the header and its loan, and needs more than gzip and bz2 do, which put no size of a picture into theirs. Doodles come back exactly, too, for the code is lossless whatever the picture, but the model is surprised by them, and surprise is what it charges for: more than twice as much as bz2, and more than the 9,800 bytes of their bits as they are.

# %% [markdown]
# ## What you have shown
#
# - A model with probabilities is a file format: with ANS, a symbol costs $-\log_2 p$ bits, and many symbols lie in one number.
# - A latent variable can be sent for its KL: bits back costs $-\text{ELBO}/\ln 2$ a digit, as measured, and what $q$ lacks to the posterior is paid in bits (L14).
# - An ordinary autoencoder does not say how probable a code is. Given a prior, it compresses, too, if less well (L3).
# - Sender and receiver must have the same tables, to the last bit.
#
# ## What is left open
#
# The receiver needs the weights, too, and nobody paid for those: 1.2 MB for the course's VAE, eighty times the file. What do *weights* cost? They can be seen as latent variables, with a prior and a $q$, and sent with bits back as well: that is the other reading of the KL term which the lecture promises (L14), and notebook 13.

# %%
# NBVAL_IGNORE_OUTPUT
progress()

# %% [markdown]
# ## Further ({{further minutes}} minutes)
#
# ### What the encoder's q costs
#
# The measured size is $-\log_2 p(\mathbf{x})$ plus $\mathrm{KL}(q \,\|\, p(\mathbf{z} \mid \mathbf{x}))/\ln 2$. The first is estimated by importance sampling (notebook 08), from above, so the second from below:

# %%
some = x_test[:200]
eps = np.random.default_rng(9).standard_normal((300, 200, 20), dtype=np.float32)
log_p = BITS * vae.vae_log_likelihood(encoder, decoder, some, eps).mean()
elbo = BITS * vae.vae_elbo(encoder, decoder, some, eps[:10]).mean()
results({"-ELBO / ln 2": -elbo, "-log2 p(x), 300 samples": -log_p,
         "what q costs": log_p - elbo}, digits=4,
        caption="Bits a digit, 200 test digits")

# %% tags=["expectation"]
assert 2 < log_p - elbo < 20

# %% [markdown]
# Notebook 07 took this gap apart: a better encoder, or a few steps of gradient ascent on $q$ for each digit before it is sent, would save a part of it.

# %% [markdown]
# ### A sender who searches
#
# Without bits back, sections 5 and 6 rounded the encoder's mean. But a receiver takes any grid point, so the sender may look for the one that costs least: move one number after another by a step, and keep what is better. The grid's step is chosen on training digits, as before:

# %%
def price(networks, step, x, k):
    """Bits of each digit (N,) with the grid points k (N, 20)."""
    inner, outer = (ndtr(-(abs(k) + side) * float(step)) for side in (-0.5, 0.5))
    pixels = bernoulli_cross_entropy(x, nets.mlp(networks[1], np.float32(k * step)))
    return BITS * (pixels - np.log(inner - outer).sum(axis=1))


def searched(networks, step, x):
    """Bits a digit, after one search through the 20 numbers of each."""
    k = np.rint(vae.encoder_forward(networks[0], x)[0] / step)
    cost = price(networks, step, x, k)
    for j in range(20):
        for other in (k + np.eye(20)[j], k - np.eye(20)[j]):
            found = price(networks, step, x, other)
            better = found < cost
            k[better], cost[better] = other[better], found[better]
    return cost.mean()


# %%
pairs = {"VAE": (encoder, decoder), "autoencoder, with a prior": widths[width]}
best_step = {name: min(steps[1:], key=lambda step: searched(pair, step, x_fit[:300]))
             for name, pair in pairs.items()}
search = {name: searched(pair, best_step[name], x_test) for name, pair in pairs.items()}
results({"VAE": [no_back, search["VAE"], measured],
         "autoencoder, with a prior": [on_grid, search["autoencoder, with a prior"],
                                       ae_bits / 2000]},
        ["rounded", "searched", "bits back"], digits=4, caption="Bits a test digit")

# %% tags=["expectation"]
assert abs(search["VAE"] - measured) < 1.5 and search["VAE"] < no_back - 5
assert search["autoencoder, with a prior"] < min(on_grid, ae_bits / 2000) - 2

# %% [markdown]
# The search saves the VAE nearly what bits back saves, and the autoencoder more: its one $\sigma$ for all is no good posterior. So bits back is not the only way to a short code, but it needs no search, and no choice of a step. (With a $q$ that is searched for each digit it would gain as well.)

# %% [markdown]
# ### Beside a model without latents
#
# An autoregressive model has $p(\mathbf{x})$ itself, pixel after pixel, so section 3 is enough: it needs no bits back. A masked network with one hidden layer of the same width (MADE, notebook 11), trained for 750 steps of 256 digits with the VAE's step size, is its rival:

# %%
places = np.linspace(0, 782, 300).round()
sees = (np.arange(784)[:, None] <= places).astype(np.float32)      # pixel -> unit
tells = (places[:, None] < np.arange(784)).astype(np.float32)      # unit -> pixel


def made(params, x):
    """Logits of each pixel given those before it: x (N, 784) -> (N, 784)."""
    (W, b), (V, c) = params
    return dense(dense_tanh(x, W * sees, b), V * tells, c)


def made_loss(params, x):
    return anp.sum(bernoulli_cross_entropy(x, made(params, x))) * (1 / len(x))


# %%
rng = np.random.default_rng(0)
start = nets.init_mlp([784, 300, 784], rng)
start[1] = (start[1][0], logits.astype(np.float32))
rival = train(made_loss, start, lambda rows: vae.binarise(x_train[rows], rng),
              len(x_train), 750, rng, 256, 8e-3, label="MADE")
made_bits = BITS * bernoulli_cross_entropy(x_test, made(rival, x_test)).mean()
assert np.allclose(made(rival, x_test[:1])[0, :400],          # later pixels are unseen
                   made(rival, np.where(np.arange(784) < 399, x_test[:1], 0))[0, :400])

# %%
results({"MADE, -log2 p(x)": [made_bits, made_bits / 784],
         "VAE, measured": [measured, measured / 784]}, ["bits a digit", "a pixel"])

# %% tags=["expectation"]
assert 0.9 < made_bits / measured < 1.15
assert 0.8 < 750 * 256 / (STEPS * 128) < 0.85  # digits seen

# %% [markdown]
# About even here, where MADE has seen a sixth fewer digits than the VAE: one pair of networks, one seed, and less than half a minute of training each, so this does not say which sort is the better one. To decode pixel by pixel, MADE runs its network 784 times a digit (fewer if it guesses ahead, as in notebook 11); the VAE runs two networks once.

# %% [markdown]
# ### The first digit has nothing to borrow from
#
# Bits back needs bits on the stack. A bucket of 4,096 is worth 12 bits under the prior, so the 20 of a digit borrow 240 less the KL: some 200, where the digit costs some 150 net. So the first must be lent some. For a long message that is nothing; for one digit it is most of the file:

# %%
counts = [1, 3, 10, 30, 100, 300]
per_digit = {}
for count in counts:
    some_message, net = vae_coder.encode_digits(fast, x_test[:count])
    per_digit[count] = [32 * len(coder.words_of(some_message)) / count, net / count]
results({f"{count} digit{'s' * (count > 1)}": bits
         for count, bits in per_digit.items()},
        ["in the file", "without the loan"], caption="Bits a digit")

# %% tags=["expectation"]
assert per_digit[1][0] > 2 * per_digit[300][0]

# %% [markdown]
# ### A damaged file
#
# Section 8's format has a checksum. One bit flipped, an end that is missing, a file of another kind:

# %%
damaged = bytearray(files["one digit"])
damaged[40] ^= 1  # one bit
whole_file, picture_file = files["one digit"], png_bytes(sheets["one digit"])
for content in (bytes(damaged), whole_file[:-3], picture_file):
    try:
        digit_files.decompress_picture(content)
    except digit_files.DigitFileError as error:
        print(error)

# %% [markdown]
# ### Explore
#
# - Use fewer buckets or a lower precision in section 5 (`B`, `R`). From where on does the file grow?
# - Sort the test digits by their cost. Which are expensive?
# - Section 4 took fresh random bits for every $x$. Send all on one stack, with the prior for $q$: which $z$ are popped?
# - Push the same ten digits in another order. Does the size change, and by how much?
# - Draw ten digits of your own, white on black, in squares of 28 × 28, save them as PNG and try `course compress`. What do they cost beside MNIST's?

# %%
# a place for your own experiments

# %% [markdown] tags=["expectation"]
# <details><summary>Answers</summary>
#
# - Some two bits a digit are lost with 16 buckets, and eight with 8. The precision matters, too: with 256 buckets and 16 bits a digit costs two or three bits more. Every bucket has a slot, so that in 256 of 65,536 pops, for each of 20 latents, a bucket is drawn that may be far from where $q$ is, and such a digit costs some sixty bits more. With 12 bits it is thirty more on average.
# - The 8s and the 2s, and those with much ink; the cheapest are all 1s.
# - The same $z$ again and again: the slot that it was pushed to is the one that is popped next, with the same table. The bits on a stack are as good as random only where what was pushed came as its table says; with the posterior for $q$ that is so.
# - By some tens of bits: other bits are borrowed, so other codes are drawn from $q$. On average it is the same.
# - Whatever they cost, they come back exactly. What is unlike MNIST's pen (thickness, size, place in the square) is what the model charges for.
#
# </details>

# %% [markdown]
# **Sources.** G. Hinton and D. van Camp, *Keeping the neural networks simple by minimizing the description length of the weights*, 1993. B. Frey and G. Hinton, *Efficient stochastic source coding and an application to a Bayesian network source model*, 1997. J. Duda, *Asymmetric numeral systems*, 2009. J. Townsend, T. Bird and D. Barber, *Practical lossless compression with latent variables using bits back coding*, 2019.
# M. Germain et al., *MADE: masked autoencoder for distribution estimation*, 2015. Digits: MNIST, Y. LeCun, C. Cortes, C. Burges.
