# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Latent-space interpolation: sketches and music
#
# *Lecture points L3, L26 and L27. About {{core minutes}} minutes, 13 points; {{further minutes}} more and 1 point below "Further". [Glossary](00_start_here.ipynb#Glossary)*
#
# What lies half-way between two drawings, or two tunes? Their average is two ghosts on top of each other, or no tune at all. A latent variable model has another answer: go half-way *between the codes*, and decode. The lecture
# ends on it: morphs of sketches (Ha and Eck) and of melodies (MusicVAE). Here you make both, watch, listen, and measure what can be measured.
#
# By the end you can say, and show with numbers,
#
# - which way between two codes is a good one, and for whom,
# - why a decoder that writes step by step tends to ignore its code, and how a *conductor* keeps it listening,
# - how one judges things that do not exist, and which of those judgements can be fooled.

# %%
import numpy as np
from scipy.special import logsumexp

# %%
from course_utils.checking import check, hint, predict, progress, reveal
from course_utils.data import load_kanji, load_melodies, load_pen_digits
from course_utils.explorables.digit_drawer import digit_drawer
from course_utils.explorables.melody_pad import melody_pad
from course_utils.explorables.sketch_player import sketch_player
from course_utils.models import melody, melody_judge, sketch
from course_utils.models.classifier import class_log_probs, classifier_train
from course_utils.models.conductor import roll_out
from course_utils.models.interpolation import slerp_middles
from course_utils.models.long_training import (
    load_kanji_model, load_melody_model, load_pen_models)
from course_utils.models.sketch import DIGITS, KANJI, sketch_train
from course_utils.networks.mixture_density import mixture_sample
from course_utils.showing import drawings, plots, sketches
from course_utils.showing.evidence import expect, results
from course_utils.showing.sound import play

# %% [markdown]
# ## 1. Half-way between two digits
#
# These digits were written on a tablet: each is eight points in the order of writing, stretched to fill the unit square. A model of points can do what a model of pixels cannot: write. (Nothing below trains on the last 992 training digits.)

# %%
pens = load_pen_digits()
x_fit, y_fit = pens.x_train[:8000, :, None], pens.y_train[:8000]  # (N, 8, 1, 2)
x_test, y_test = pens.x_test[:, :, None], pens.y_test
eight = lambda x: np.full(len(x), 8)  # how many strokes: a stroke is one point here

fig = sketches.sheet(x_test[:20], eight(x_test[:20]), 10, joined=True)
plots.show(fig, alt="Twenty digits as lines through eight points, dark at the start of "
                    "the writing and bright at its end.")

# %% [markdown]
# To judge what lies between digits we need somebody who knows digits and has never met our models: a small classifier. How *sure* is it, on average, of its favourite label? A drawing between two digits should leave it in doubt. As controls it gets the plain averages of two test digits with different labels, point by point, and things that are
# no digits at all: the points of test digits in a random order, and eight random points.

# %%
rng = np.random.default_rng(0)
flat = lambda x: np.asarray(x, np.float32).reshape(len(x), 16)
judge = classifier_train(flat(x_fit), y_fit, [16, 200, 100, 10], 2000, rng)


def sureness(x):
    """The judge's mean probability of its favourite label for drawings (N, 8, 1, 2)."""
    return np.mean(np.exp(class_log_probs(judge, flat(x))).max(axis=1))


predict("10-judge", "How sure is the judge of eight random points, on average?",
        ["about 0.1", "about 0.5", "about 0.8"])

# %%
def to_nearest(x):
    """Mean distance (rms of a coordinate) to the nearest digit of x_fit."""
    x, real = flat(x), flat(x_fit)
    least = ((real**2).sum(axis=1) - 2 * x @ real.T).min(axis=1)
    return np.sqrt(np.maximum((x**2).sum(axis=1) + least, 0) / 16).mean()


one, other = rng.permutation(2000), rng.permutation(2000)
differ = y_test[one] != y_test[other]
one, other = one[differ], other[differ]

# %%
average = (x_test[one] + x_test[other]) / 2
right = np.mean(class_log_probs(judge, flat(x_test)).argmax(axis=1) == y_test)
judged = {"real digits": x_test, "averages of two": average,
          "points in random order": rng.permuted(x_test, axis=1),
          "random points": rng.random(x_test.shape)}
controls = {name: [sureness(x), to_nearest(x)] for name, x in judged.items()}
results(controls, ["sureness", "distance to the nearest training digit"],
        caption=f"2,000 test digits, {len(one)} pairs of them")
reveal("10-judge", f"about {controls['random points'][0]:.1f}")

# %% tags=["expectation"]
assert right > 0.98 and controls["real digits"][0] > 0.98
expect(controls["averages of two"][0], 0.80, within=0.04)
assert 0.75 < controls["random points"][0] < 0.85  # "about 0.8"
assert controls["points in random order"][1] > 1.5 * controls["averages of two"][1]
assert controls["averages of two"][1] > 2 * controls["real digits"][1]

# %% [markdown]
# The judge is less sure of averages than of digits, but about as sure of rubble as of averages: a classifier that was never asked to doubt takes random points for one digit or another. Hence the second column: how far is it to the nearest of the 8,000 training digits? Rubble is far from all of them. (A model that writes one training digit
# by heart would fool that column.) From here on both are asked.

# %% [markdown]
# ### The way
#
# Notebook 02 went from code to code along the straight line. But where do codes live? A VAE pulls $q(\mathbf z|\mathbf x)$, averaged over the data, towards $\mathcal N(0, I)$, and in $K$ dimensions nearly all of $\mathcal N(0, I)$ lies near a sphere of radius $\sqrt K$. Take two independent draws
# $\mathbf a$, $\mathbf b$ of it: their midpoint $(\mathbf a + \mathbf b)/2$ has variance $\tfrac12$ in each dimension, so it lies near the radius $\sqrt{K/2}$.

# %%
predict("10-midpoint", "K = 64. Of 100,000 draws from N(0, I), how many are as short "
        "as the midpoint of two of them is on average?", unit="draws")

# %%
radii = np.linalg.norm(rng.normal(size=(100_000, 64)), axis=1)
middle = np.linalg.norm(rng.normal(size=(2, 1000, 64)).mean(axis=0), axis=1).mean()
print(f"length of a draw: {radii.mean():.1f} ± {radii.std():.1f}, "
      f"of a midpoint: {middle:.1f} on average")
reveal("10-midpoint", int(np.sum(radii <= middle)), unit="draws")

# %% tags=["expectation"]
assert np.sum(radii <= middle) < 100

# %% [markdown]
# If codes are like such draws ("Further" looks whether they are), the straight line cuts through a region where the decoder has hardly ever been trained. A **great circle** goes round it: with $\omega$ the angle between $\mathbf a$ and $\mathbf b$,
#
# $$\mathrm{slerp}(t) = \frac{\sin((1 - t)\,\omega)\,\mathbf a + \sin(t\,\omega)\,\mathbf b}{\sin\omega}, \qquad t \in [0, 1].$$
#
# (It is a circle where both codes have the same length, and the arc of an ellipse otherwise.)

# %% [markdown]
# {{exercise slerp}}

# %%
def slerp(a, b, steps):
    """Points on the great circle from a to b (K,), both included: (steps, K)."""
    ### BEGIN SOLUTION
    cosine = a @ b / (np.linalg.norm(a) * np.linalg.norm(b))
    angle = np.arccos(np.clip(cosine, -1, 1))
    t = np.linspace(0, 1, steps)[:, None]
    if angle < 1e-6:
        return (1 - t) * a + t * b
    return (np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / np.sin(angle)
    ### END SOLUTION


# %%
slerp = check(slerp)

# %% [markdown]
# A morph, then, is: encode both ends, walk from mean to mean, decode.

# %% [markdown]
# {{exercise morph}}

# %%
def morph(encode, decode, a, b, steps):
    """The steps examples on the great circle from a to b, decoded: (steps, ...)."""
    ### BEGIN SOLUTION
    mu, _ = encode(np.stack([a, b]))
    return decode(slerp(mu[0], mu[1], steps))
    ### END SOLUTION


# %%
morph = check(morph)

# %% [markdown]
# ## 2. A decoder that writes
#
# Drawings and tunes are sequences. What comes next depends on what came before, so the decoder carries a *state* $\mathbf h$ from step to step. Its update is a **gated recurrent unit**: a new content $\mathbf n$ is proposed, and a gate $\mathbf u$ decides, unit by unit, whether the old state stays ($u = 1$) or the new one comes in. A second gate $\mathbf r$ decides how much of the old state the proposal may see.

# %% [markdown]
# {{exercise gru_step}}

# %%
def gru_step(params, h, x):
    """The next state (B, H) of a GRU from h (B, H) and input x (B, I)."""
    ### BEGIN SOLUTION
    W, U, b, c = params
    x_r, x_u, x_n = np.split(x @ W + b, 3, axis=1)
    h_r, h_u, h_n = np.split(h @ U + c, 3, axis=1)
    r = 1 / (1 + np.exp(-(x_r + h_r)))
    u = 1 / (1 + np.exp(-(x_u + h_u)))
    n = np.tanh(x_n + r * h_n)
    return (1 - u) * n + u * h
    ### END SOLUTION


# %%
gru_step = check(gru_step)

# %% [markdown]
# (PyTorch: `nn.GRUCell`, weights transposed.)
#
# At each step the decoder must say where the pen goes, as a *density*, not as a point: one point, trained by squared error, would end up at the average of all possible continuations. Sketch-rnn's answer is a **mixture of Gaussians** in the plane, whose $6M$ numbers the network puts out.

# %% [markdown]
# {{exercise mixture_nll}}

# %%
def mixture_nll(params, dx, dy):
    """-log density (N,) of movements dx, dy (N,) under mixtures params (N, 6M)."""
    ### BEGIN SOLUTION
    logits, mu_x, mu_y, log_s_x, log_s_y, k = np.split(params, 6, axis=1)
    rho = np.tanh(k)
    a = (dx[:, None] - mu_x) / np.exp(log_s_x)
    b = (dy[:, None] - mu_y) / np.exp(log_s_y)
    log_n = -(a**2 + b**2 - 2 * rho * a * b) / (2 * (1 - rho**2))
    log_n = log_n - np.log(2 * np.pi) - log_s_x - log_s_y - np.log(1 - rho**2) / 2
    log_pi = logits - logsumexp(logits, axis=1, keepdims=True)
    return -logsumexp(log_pi + log_n, axis=1)
    ### END SOLUTION


# %%
mixture_nll = check(mixture_nll)

# %% [markdown]
# ### Who listens to z?
#
# Now the trap. At step $t$ the decoder has read $\mathbf x_1, \dots, \mathbf x_{t-1}$ already, and after the first three points of a 7 much of the rest can be guessed. Why should it ask $\mathbf z$? Each nat that $\mathbf z$ carries is paid for in the KL term, whereas what was read comes free.
#
# Telling $\mathbf z$ once, as the first state $\mathbf h_0$, is a weak remedy: it has to be carried along. MusicVAE's remedy is a **conductor**: a network turns $\mathbf z$ into a message for *each* step (theirs, a recurrent one, for each bar), so that $\mathbf z$ is never far away. And what was read before is taken away now and then: the decoder sees each
# earlier step with some probability while it trains (*word dropout*, Bowman et al.).

# %%
fig, ax = drawings.conductor()
plots.show(fig, alt="The code z goes through a network, the conductor, which sends one "
                    "message to each step. At each step a GRU reads its message, its "
                    "own last state and, sometimes, what came out before.")

# %% [markdown]
# Three models, each of which differs from the one before in one thing. The first has *no conductor*: $\mathbf h_0 = \tanh f(\mathbf z)$ with a network $f$, and the decoder reads all that came before. The second, *reads all*, has a conductor. The third has one, too, and *reads a few* of the earlier steps, about three in ten. After training all three read all, and write the mean of the likeliest Gaussian at each step.

# %%
predict("10-elbo", "Which of the three has the highest ELBO on test digits?",
        ["no conductor", "reads all", "reads a few"])

# %%
predict("10-same", "Of ten test digits, how many does the one without a conductor "
        "write as the same digit again, given their mean codes?", unit="of ten")

# %% [markdown]
# (A density can grow without bound on grid points that come again and again, as 0 and 1 do here. So noise as wide as the tablet's grid is added.)

# %%
def train_pen(kept=0.3, kl_weight=1.0, noise=1.0, message=16, steps=800):
    """A model of pen digits, K = 10; `grid` is the tablet's."""
    return sketch_train(
        x_fit, eight(x_fit), DIGITS, 10, steps, np.random.default_rng(1), kept=kept,
        kl_weight=kl_weight, noise=noise, message=message, step_size=8e-3, grid=0.01)


pen_models = {"no conductor": train_pen(kept=1.0, message=0)}

# %%
pen_models["reads all"] = train_pen(kept=1.0)

# %%
pen_models["reads a few"] = train_pen()

# %%
eps = rng.standard_normal((len(x_test), 10), dtype=np.float32)
x_noisy = x_test + rng.uniform(-0.005, 0.005, x_test.shape)


def pen_functions(model):
    """(encode, decode) of a model of pen digits; your gru_step moves the decoder."""
    return (lambda x: sketch.sketch_encode(model, x, eight(x)),
            lambda z: sketch.sketch_decode(model, z, DIGITS, gru_step)[0])


def is_same(drawn):
    """How often the judge gives what was written for a test digit that one's label."""
    return np.mean(class_log_probs(judge, flat(drawn)).argmax(axis=1) == y_test)

# %%
def report(model):
    """ELBO, KL; own label, root mean square error; of midpoints sureness, distance."""
    encode, decode = pen_functions(model)
    mu, log_sigma = encode(x_test)
    kl = sketch.gaussian_kl(mu, log_sigma).mean()
    elbo = sketch.sketch_elbo(model, x_noisy, eight(x_test), eps, DIGITS).mean()
    again = decode(mu)
    middles = decode(slerp_middles(mu[one], mu[other]))
    return [elbo, kl, is_same(again), np.sqrt(np.mean((again - x_test) ** 2)),
            sureness(middles), to_nearest(middles)]


columns = ["ELBO, nats", "KL, nats", "own label", "error", "sureness", "distance"]
pen_table = {name: report(model) for name, model in pen_models.items()}
results(pen_table, columns, caption="2,000 test digits; sureness and distance: of "
        "midpoints of pairs; error: a coordinate's")

# %%
reveal("10-elbo", max(pen_models, key=lambda name: pen_table[name][0]))
reveal("10-same", round(10 * pen_table["no conductor"][2]), unit="of ten")

# %% tags=["expectation"]
nothing, everything, a_few = (pen_table[name] for name in pen_models)
assert nothing[1] < 2 < everything[1] < a_few[1]
assert nothing[2] < 0.4 < everything[2] < a_few[2]
assert nothing[3] > everything[3] > a_few[3]
assert nothing[4] > a_few[4]

# %%
fig = sketches.sheet(np.concatenate([x_test[:8], *(
    pen_functions(model)[1](pen_functions(model)[0](x_test[:8])[0])
    for model in pen_models.values())]), np.full(32, 8), 8, joined=True,
    row_labels=["test digit", *pen_models])
plots.show(fig, alt="Eight test digits and what the three models write from their "
                    "codes: without a conductor the same digit eight times; reading "
                    "all, clean digits, some of them other ones; reading a few steps, "
                    "closest to the shape.")

# %% [markdown]
# Your `mixture_nll` as a map: where the decoder expects the next point of a test digit, after one point and after four. (Here dx, dy are the point itself, twice its distance from the centre. Colour: the fourth root of the density.)

# %%
few, across = pen_models["reads a few"], np.linspace(-1, 1, 60)  # 2 (x - centre)
seen = sketch.features(x_test[2:3], [8])  # what the networks read: (8, 1, 3)
z = sketch.read(few["encoder"], seen)[0]  # the mean code
before = sketch.shifted(seen[..., :2])  # at each step, the point before
heads = sketch.outputs(few["decoder"], z, before)[:, 0]
dx, dy = (side.ravel() for side in np.meshgrid(across, across))

# %%
fig, axes = plots.figure(8.4, 4.9, 2)
for ax, step in zip(axes, (1, 4)):
    params, _ = sketch.scaled(heads[step:step + 1], DIGITS)
    density = np.exp(-mixture_nll(np.repeat(params, 3600, axis=0), dx, dy) / 4)
    ax.imshow(density.reshape(60, 60), origin="lower", extent=(0, 1, 0, 1),
              cmap="Blues")
    ax.grid(False)
    ax.plot(*x_test[2, :step, 0].T, "o-", color="black", label="written so far")
    ax.plot(*x_test[2, step, 0], "*", color=plots.PALETTE[6], markersize=13,
            label="what came next")
    ax.set(title=f"point {step + 1} of 8", xlim=(-0.05, 1.05), ylim=(-0.05, 1.05))
fig.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=2)
plots.show(fig, alt="Two maps of density over the unit square, darkest near the point "
                    "that came next; colour shows the fourth root of the density.")

# %% [markdown]
# Without a conductor the code carries nothing, and what is written is one and the same clean digit, whatever was shown: *posterior collapse*. A conductor alone changes that: a decoder that still reads all listens now. (Deafness alone does about as much, see "Explore".) With both, the model that reads a few steps carries most nats and comes closest to the digit that it was shown.
# In the table's last two columns the judge is surest of the midpoints of the model that ignores its code, and they are nearest to training digits: it writes its one digit, whatever $\mathbf z$ says. **So a judge of quality is not enough**: whoever scores only how real the middle looks rewards a decoder that does not listen. The third
# column belongs beside it: does the code still say which digit it was?
#
# The ELBO is no help: it asks for a good density of $\mathbf x$. It puts *reads all* first, but the model that ignores its code above the one that listens best, which has hardly learned to use what it reads.

# %% [markdown]
# ## 3. Rivals, and the weight of the KL
#
# `reads a few` is the model to go on with. Its rivals get the same networks and the same number of steps: an **autoencoder** (no noise, no KL), whose usual way is the straight line, and models with the KL weighted less and more. Two of them were also trained longer.

# %%
predict("10-weight", "With three times the KL, how many of ten test digits are written "
        "as the same digit again?", unit="of ten")

# %%
ladder = {0.0: train_pen(kl_weight=0.0, noise=0.0)}

# %%
ladder[0.3] = train_pen(kl_weight=0.3)

# %%
ladder |= {1.0: pen_models["reads a few"], 3.0: train_pen(kl_weight=3.0)}

# %%
longer, longer_auto, _ = load_pen_models()  # trained beforehand, twelve times as long

# %%
def on_the_line(model):
    """What `report` says of midpoints, for the straight line."""
    encode, decode = pen_functions(model)
    mu = encode(x_test)[0]
    middles = decode((mu[one] + mu[other]) / 2)
    return [None, None, sureness(middles), to_nearest(middles)]


# %%
table = {f"weight {weight:g}": report(model)[2:] for weight, model in ladder.items()}
long_report = report(longer)
table |= {"weight 1, trained longer": long_report[2:],
          "weight 0, trained longer": report(longer_auto)[2:],
          "weight 1, longer, on the line": on_the_line(longer),
          "weight 0, longer, on the line": on_the_line(longer_auto),
          "averages of points": [None, None, *controls["averages of two"]],
          "real digits": [right, 0, *controls["real digits"]]}
results(table, columns[2:],
        caption="2,000 test digits and pairs of them; on the circle unless it says so")
reveal("10-weight", round(10 * table["weight 3"][0]), unit="of ten")

# %% tags=["expectation"]
main, auto, raw = (table[name] for name in (
    "weight 1, trained longer", "weight 0, longer, on the line", "averages of points"))
assert main[2] > 0.92 and main[2] > raw[2] + 0.12 and main[2] > auto[2] + 0.09
assert main[0] > 0.9 and main[1] < 0.085 and main[3] < 0.6 * raw[3]
assert table["weight 3"][0] < table["weight 1"][0] - 0.2
assert max(table["weight 0"][1], table["weight 0.3"][1]) < main[1]
assert main[1] < table["weight 1"][1]
assert table["weight 1"][1] < table["weight 3"][1] - 0.1
expect(long_report[0], 22.2, within=1)

# %% [markdown]
# Without noise and KL, or with little of it, digits come back closely, but the judge is little surer of their midpoints than of averages. The weight 1 pays for better midpoints with an error about three times as large. With three times the KL the code is given up, and the digit's identity with it: the failure of section 2, by another
# road. Training longer improves both ends, and brings the autoencoder's midpoints no nearer to digits. Between the two ways, the circle's middles are a little better for the VAE, the line's a little nearer for the autoencoder. We go on with the longer training.

# %%
pen_encode, pen_decode = pen_functions(longer)
legible = np.array([5, 1763, 1, 9, 3, 6, 4, 36, 0, 105])  # test digits, from 0 to 9
pairs = [(1, 7), (4, 9), (3, 8), (0, 6)]
frames = np.array([morph(pen_encode, pen_decode, *x_test[legible[[a, b]]], 17)
                   for a, b in pairs])
fig = sketches.sheet(np.concatenate(frames[:, ::2]), np.full(36, 8), 9, joined=True,
                     row_labels=[f"{a} to {b}" for a, b in pairs])
plots.show(fig, alt="Four rows of nine drawings, each a digit that turns step by step "
                    "into another one, as a single line.")

# %% tags=["expectation"]
assert np.all(y_test[legible] == np.arange(10))

# %% [markdown]
# *Write* writes them. The whole stroke bends; nothing fades.

# %%
sketch_player(frames, np.full(frames.shape[:2], 8),
              [f"{a} to {b}" for a, b in pairs], joined=True)

# %% [markdown]
# **Your own.** Draw a digit in one line, with mouse, finger or keys. The networks run in this page: they take eight points of your line (the dots), encode them, and write what lies on the way to one of the data's digits.

# %%
ten_codes = pen_encode(x_test[legible])[0]
digit_drawer(longer, ten_codes, [str(digit) for digit in range(10)])

# %% [markdown]
# ## 4. Characters that do not exist
#
# A script: the characters of KanjiVG, most of them Japanese, with up to ten strokes. One step of the GRU writes one *stroke*, six points at once, and says whether another stroke follows. It was **trained beforehand**; the test characters are new to it.

# %%
kanji = load_kanji()
kanji_model, seconds = load_kanji_model()
x_kanji, n_kanji, _ = sketch.drawings_of(kanji.x_train)
x_new, n_new, which = sketch.drawings_of(kanji.x_test)
names = kanji.y_test[which]
kanji_encode = lambda x, n: sketch.sketch_encode(kanji_model, x, n)[0]
kanji_decode = lambda z: sketch.sketch_decode(kanji_model, z, KANJI, gru_step)
mu_new = kanji_encode(x_new, n_new)
x_again, n_again = kanji_decode(mu_new)
print(f"{len(x_kanji)} training characters, {len(x_new)} test characters; "
      f"{seconds:.0f} s of processor time, beforehand")

# %% [markdown]
# How near is what it writes to what it was shown? The *Chamfer distance*: from a point of one drawing to the nearest point of the other, averaged over points and both directions, in units of the box. The control is another test character. And how often is the number of strokes right? There the control is a guess: always the commonest number.

# %%
def distance(x, n):
    """Chamfer distance (N,) of drawings x, n from the test characters."""
    return np.array([sketch.chamfer(sketch.ink(*p), sketch.ink(*q))
                     for p, q in zip(zip(x, n), zip(x_new, n_new))])


turned = np.roll(np.arange(len(x_new)), 1)
mean = lambda values: (np.mean(values), np.std(values) / np.sqrt(len(values)))
kanji_table = {
    "its own code": [mean(distance(x_again, n_again)), mean(n_again == n_new)],
    "another's code": [mean(distance(x_again[turned], n_again[turned])),
                       mean(n_again[turned] == n_new)],
    "the commonest number": [None, mean(n_new == np.bincount(n_kanji).argmax())]}
results(kanji_table, ["Chamfer distance", "strokes right"],
        caption=f"{len(x_new)} test characters")

# %% tags=["expectation"]
(own, _), (counted, _) = kanji_table["its own code"]
assert own < 0.042 < 0.8 * kanji_table["another's code"][0][0] and counted > 0.75

# %% [markdown]
# Half-way between two characters there is nothing to compare with. But a stroke is a stroke: are the midpoints' strokes like ones that people draw? For each stroke, moved to start at the origin, the distance to the nearest of all training strokes. The raw rival averages two characters stroke by stroke.

# %%
i, j = np.arange(len(x_new)), np.random.default_rng(3).permutation(len(x_new))
x_mid, n_mid = kanji_decode(slerp_middles(mu_new[i], mu_new[j]))
x_line, n_line = kanji_decode((mu_new[i] + mu_new[j]) / 2)
real_strokes = sketch.stroke_shapes(x_kanji, n_kanji)
halved = x_new[:, :, :1] + (x_new - x_new[:, :, :1]) / 2  # each stroke
written = {"test characters": (x_new, n_new), "their own codes": (x_again, n_again),
           "test characters, halved": (halved, n_new),
           "middle of the circle": (x_mid, n_mid),
           "middle of the line": (x_line, n_line),
           "raw averages": ((x_new[i] + x_new[j]) / 2, np.minimum(n_new[i], n_new[j]))}

# %%
strokes = {name: [sketch.distance_to_strokes(*drawn, real_strokes),
                  sketch.stroke_length(*drawn)] for name, drawn in written.items()}
results(strokes, ["distance to the nearest training stroke", "length of a stroke"],
        caption="In units of the box; 270 characters or pairs of them")

# %% tags=["expectation"]
assert strokes["middle of the circle"][0] < strokes["raw averages"][0] - 0.004
assert strokes["their own codes"][0] > 1.5 * strokes["test characters"][0]
assert strokes["test characters, halved"][0] < strokes["middle of the line"][0]
ink_lengths = [strokes[name][1] for name in (
    "test characters, halved", "middle of the line", "middle of the circle",
    "their own codes", "test characters")]
assert np.all(np.diff(ink_lengths) > 0.01)
assert strokes["raw averages"][1] < strokes["middle of the circle"][1]  # of 0.430

# %% [markdown]
# Midpoints' strokes lie nearer to real ones than those of raw averages. Much of what is left is the decoder's: what it writes for a character's own code is twice as far as the character. But short strokes please this judge, and the line's are shorter than the circle's. Below two pairs chosen among those that the model writes well, and two by lot.

# %%
def ways(pairs, frames):
    """Drawings (W, frames, ...) and counts on the circle between test characters."""
    out = [kanji_decode(slerp(mu_new[a], mu_new[b], frames)) for a, b in pairs]
    return [np.array(part) for part in zip(*out)]


# %%
row_of = {name: row for row, name in enumerate(names)}
ends = [(row_of[a], row_of[b]) for a, b in ("妹取", "牛狆")]
ends += np.random.default_rng(0).integers(len(names), size=(2, 2)).tolist()  # by lot
sense = {"妹": "sister", "取": "take", "牛": "ox", "狆": "lapdog", "胯": "hips",
         "桧": "cypress", "扣": "knock"}
called = [" → ".join(f"{names[k]} {sense[names[k]]}" for k in pair) for pair in ends]

# %%
x_way, n_way = ways(ends, 17)
fig = sketches.sheet(np.concatenate(x_way[:, ::2]), n_way[:, ::2].ravel(), 9,
                     row_labels=[f"{sense[names[a]]} to {sense[names[b]]}"
                                 for a, b in ends])
plots.show(fig, alt="Four rows of nine drawings in pen strokes, each a character that "
                    "turns into another: strokes move, bend, appear and vanish.")

# %%
sketch_player(x_way, n_way, called)

# %% [markdown]
# Slide, or press *Write*: strokes are written in their order, from blue to red (in pictures from dark to bright). One can also draw codes: from the prior $\mathcal N(0, I)$, or from the Gaussian that fits the training characters' codes. (With a KL weight of 0.3 the two differ.)

# %%
codes_seen = kanji_encode(x_kanji, n_kanji)
noise = np.random.default_rng(7).standard_normal((100, 32))
root = np.linalg.cholesky(np.cov(codes_seen.T))
drawn = np.concatenate([noise, codes_seen.mean(axis=0) + noise @ root.T])
made, n_made = kanji_decode(drawn)
shown = [*range(11), *range(100, 111)]
fig = sketches.sheet(made[shown], n_made[shown], 11, row_labels=["prior", "fitted"])
plots.show(fig, alt="Two rows of eleven drawings in pen strokes that look more or less "
                    "like Japanese characters.")
distances = [sketch.distance_to_strokes(made[rows], n_made[rows], real_strokes)
             for rows in (slice(100), slice(100, 200))]
results(dict(zip(("prior", "fitted"), distances)),
        ["distance of a stroke to the nearest training stroke"],
        caption="In units of the box; 100 drawings each")

# %% [markdown]
# Some have the build of a character, parts beside or above each other; others are scribbles, and among those of the prior a few have a stroke or two only.

# %% [markdown]
# ## 5. Half-way between two tunes
#
# The last part is music: two bars of fiddle tunes, on a grid of sixteenths. A melody is a row of 32 tokens: a pitch where a note starts, a hold where it goes on, a rest.

# %% [markdown]
# {{exercise notes}}

# %%
def notes(melody):
    """starts, lengths, pitches (n,) of the notes of a melody (T,)."""
    ### BEGIN SOLUTION
    starts, lengths, pitches, sounding = [], [], [], False
    for t, value in enumerate(melody):
        if value >= 0:
            starts.append(t)
            lengths.append(1)
            pitches.append(value)
            sounding = True
        elif value == -1:
            sounding = False
        elif sounding:
            lengths[-1] += 1
    return tuple(np.array(part, dtype=int) for part in (starts, lengths, pitches))
    ### END SOLUTION


# %%
notes = check(notes)

# %%
tunes = load_melodies()
a, b = tunes.x_test[12], tunes.x_test[300]
fig, axes = plots.figure(7.5, 2.2, 2, sharey=True)
for ax, tune, name in zip(axes, (a, b), "ab"):
    starts, lengths, pitches = notes(tune)
    ax.barh(pitches, lengths - 0.15, left=starts, height=0.9)
    ax.set(xlabel="sixteenth", title=f"{name}: {len(starts)} notes", xlim=(0, 32))
axes[0].set(ylabel="pitch (60 is middle C)", ylim=(58, None))
plots.show(fig, alt="Two piano rolls, drawn from your notes: bars over time, at the "
                    "height of their pitch.")
play(a, b)

# %% [markdown]
# The decoder puts out 32 rows of logits, one for each token. What is the log likelihood of a melody?

# %% [markdown]
# {{exercise categorical_log_prob}}

# %%
def categorical_log_prob(logits, tokens):
    """log p (N,) of tokens (N, T) under the softmax of logits (N, T, V)."""
    ### BEGIN SOLUTION
    shifted = logits - logits.max(axis=-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return np.take_along_axis(log_p, tokens[..., None], axis=-1)[..., 0].sum(axis=1)
    ### END SOLUTION


# %%
categorical_log_prob = check(categorical_log_prob)

# %% [markdown]
# Again the model was trained beforehand: a conductor with $K = 64$, every training melody transposed by up to five semitones. No tune, under whatever title, is in both sets.

# %%
melody_model, seconds = load_melody_model()
tune_encode = lambda x: melody.melody_encode(melody_model, x)
tune_decode = lambda z: melody.melody_decode(melody_model, z)
x_tunes = tunes.x_test
mu_tunes = tune_encode(x_tunes)[0]
again = tune_decode(mu_tunes)
other_tune = np.roll(np.arange(len(x_tunes)), 1)

# %%
in_nats = lambda z: categorical_log_prob(
    melody.melody_logits(melody_model, z, x_tunes), melody.to_tokens(x_tunes)).mean()
results({"its own code": [np.mean(again == x_tunes), in_nats(mu_tunes)],
         "another's code": [np.mean(again[other_tune] == x_tunes),
                            in_nats(mu_tunes[other_tune])]},
        ["tokens right", "log p(x|z), nats"],
        caption=f"{len(x_tunes)} test melodies; tokens: decoded from the code alone")

# %% tags=["expectation"]
assert np.mean(again == x_tunes) > 0.85 and np.mean(again[other_tune] == x_tunes) < 0.5

# %% [markdown]
# The judge, again, is somebody else: an **n-gram model**, which counts which interval follows which three events and the place in the beat (in nats a step). As one long note is very probable, notes are counted, too, and how many of them lie in one key. Two mixtures without codes are the controls: each step's token from one of the two tunes, by the toss of a coin, and the mean of the two pitches.

# %%
predict("10-line", "Which middle of two codes decodes to the melodies that the judge "
        "finds more probable?", ["the circle's", "the line's"])

# %%
predict("10-notes", "And which one to more notes?", ["the circle's", "the line's"])

# %%
ngrams = melody_judge.ngram_fit(tunes.x_train)
rng = np.random.default_rng(4)
p, q = rng.permutation(len(x_tunes)), rng.permutation(len(x_tunes))
on_circle = slerp_middles(mu_tunes[p], mu_tunes[q])
on_line = (mu_tunes[p] + mu_tunes[q]) / 2
middles = {"real melodies": x_tunes, "middle of the circle": tune_decode(on_circle),
           "middle of the line": tune_decode(on_line),
           "coin tosses": melody_judge.random_mix(x_tunes[p], x_tunes[q], rng),
           "mean pitches": melody_judge.mean_pitch(x_tunes[p], x_tunes[q])}

# %%
music = {name: [melody_judge.ngram_log_prob(ngrams, x).mean() / 32,
                np.nanmean([melody_judge.share_in_key(one) for one in x]),
                melody_judge.onsets(x).mean(), None] for name, x in middles.items()}
for name, codes_of in zip(music, (mu_tunes, on_circle, on_line)):
    music[name][3] = np.linalg.norm(codes_of, axis=1).mean()
results(music, ["nats a step", "in key", "notes", "length of the code"],
        caption="512 pairs of test melodies")
circle, line = music["middle of the circle"], music["middle of the line"]
reveal("10-line", "the circle's" if circle[0] > line[0] else "the line's")
reveal("10-notes", "the circle's" if circle[2] > line[2] else "the line's")

# %% tags=["expectation"]
assert music["middle of the circle"][0] > music["coin tosses"][0] + 0.5
assert music["middle of the circle"][0] > music["mean pitches"][0] + 0.5
assert music["middle of the line"][0] > music["real melodies"][0] - 0.2
from_real = {name: np.abs(np.subtract(row[:2], music["real melodies"][:2]))
             for name, row in music.items()}  # nats, in key
for name in ("coin tosses", "mean pitches"):
    assert np.all(from_real["middle of the circle"] < from_real[name])
assert music["middle of the circle"][0] > music["real melodies"][0] - 0.5

# %% [markdown]
# Both middles are far likelier tunes than the mixtures of notes are. And the line against the circle: the judge likes the straight line better, and its melodies have fewer notes. The two middles point in the same direction, as both weigh $\mathbf a$ and $\mathbf b$ equally; the circle's is the line's, stretched. So length alone makes the difference, and one can try that without any pair of tunes: shorten the codes of real melodies by as much, and decode.

# %%
share = music["middle of the line"][3] / music["middle of the circle"][3]
shorter = tune_decode(share * mu_tunes)
effect = {name: [melody_judge.ngram_log_prob(ngrams, x).mean() / 32,
                 melody_judge.onsets(x).mean()]
          for name, x in (("own codes", again), ("the same, shortened", shorter))}
results(effect, ["nats a step", "notes"], caption="512 test melodies")

# %% tags=["expectation"]
assert effect["the same, shortened"][0] > effect["own codes"][0]
assert effect["the same, shortened"][1] < effect["own codes"][1]
assert music["middle of the line"][2] < music["middle of the circle"][2] - 1

# %% [markdown]
# Shorter codes decode to fewer notes, and to likelier ones, if by less than between the middles: a blander melody. "Slerp is better" is not what the numbers say; they say that it keeps the *amount* that happens in the music.

# %%
way = morph(tune_encode, tune_decode, a, b, 5)  # the ends are decoded from codes, too
fig = sketches.rolls(way, ["a, decoded", "1/4", "1/2", "3/4", "b, decoded"])
plots.show(fig, alt="Five piano rolls: notes as bars over time, from one melody to the "
                    "other in four steps.")
play(*way)

# %% [markdown]
# **A pad that plays.** Four test melodies in the corners; between them, what the decoder makes of mixed codes. Drag or use the arrow keys, and press *Play*.

# %%
corner = mu_tunes[[12, 300, 77, 401]]
upper, lower = slerp(corner[0], corner[1], 9), slerp(corner[2], corner[3], 9)
square = np.stack([tune_decode(slerp(p, q, 9)) for p, q in zip(upper, lower)], axis=1)
titles = [tunes.names[tunes.y_test[k]] for k in (12, 300, 77, 401)]
melody_pad(square, titles)

# %% [markdown]
# ## Closing
#
# - Half-way *between codes* is not half-way between examples: in all measures here but the number of notes, the circle's midpoints were nearer to real examples than averages were.
# - A decoder that writes step by step can do without $\mathbf z$, and the ELBO hardly minds. Without a conductor this one did; a conductor made it listen, and a bit of deafness made it listen more.
# - A judge of quality alone is fooled by a model that has forgotten the question. Ask also what is left of the ends.
# - Line or circle, how much KL: measurements decide that, for the purpose at hand.
#
# **What these numbers are.** Judge, step size and steps of the pen digits, and the steps for the characters, were chosen on training data that none of them was trained on. The networks' sizes, and all else for characters and melodies, had been compared on the test sets: those test numbers may be a little too good. Every row is one training; two more starts of section 2's models, scored on held-out digits, kept their order in
# each column but the last.
#
# **To think about.** A VAE writes by its code *and* by its past. Some models have no code at all; others have codes as large as the data. Notebook 11 sets four families side by side.

# %%
# NBVAL_IGNORE_OUTPUT
progress()

# %% [markdown]
# ## Further ({{further minutes}} minutes)
#
# Drawings at a temperature, the lengths of codes, and what the library's gradient of a GRU is worth.

# %% [markdown]
# ### Temperature
#
# Sketch-rnn draws each movement from its mixture at a *temperature* $\tau$: below 1, likely components become likelier and each one narrower.

# %% [markdown]
# {{exercise at_temperature}}

# %%
def at_temperature(params, tau):
    """The mixtures params (N, 6M) at temperature tau."""
    ### BEGIN SOLUTION
    logits, mu_x, mu_y, log_s_x, log_s_y, k = np.split(params, 6, axis=1)
    wider = np.log(tau) / 2
    return np.hstack([logits / tau, mu_x, mu_y, log_s_x + wider, log_s_y + wider, k])
    ### END SOLUTION


# %%
at_temperature = check(at_temperature)

# %%
def written_at(tau, z, rng):
    """Pen digits (N, 8, 1, 2) of codes z (N, 10), points drawn at temperature tau."""
    def choose(out):
        params, _ = sketch.scaled(out, DIGITS)
        point = mixture_sample(at_temperature(params, tau), rng)
        return point, point

    came = roll_out(longer["decoder"], z, 8, choose, gru_step)
    return sketch.points_of(came.transpose(1, 0, 2))


z = np.repeat(pen_encode(x_test[legible[[2, 5, 8]]])[0], 3, axis=0)
hot = [written_at(tau, z, np.random.default_rng(1)) for tau in (0.05, 0.5, 2)]
fig = sketches.sheet(np.concatenate(hot), np.full(27, 8), 9, joined=True,
                     row_labels=[f"τ = {tau}" for tau in (0.05, 0.5, 2)])
plots.show(fig, alt="Three digits, each written three times at three temperatures: "
                    "nearly alike at 0.05, more and more scattered above.")

# %% [markdown]
# ### Where the codes are
#
# Section 1 argued with draws from $\mathcal N(0, I)$, of length $\sqrt{10} \approx 3.2$ here. But a morph goes from mean to mean.

# %%
mu, log_sigma = (part[:2000] for part in pen_functions(longer)[0](x_fit))
noise = np.random.default_rng(2).standard_normal(mu.shape)
sampled = mu + np.exp(log_sigma) * noise
codes = {"samples, which it was trained on": sampled, "means": mu,
         "middles of the circle": slerp_middles(mu, mu[::-1]),
         "middles of the line": (mu + mu[::-1]) / 2}
lengths = {name: np.linalg.norm(code, axis=1) for name, code in codes.items()}
short = np.sort(lengths["samples, which it was trained on"])
results({name: [length.mean(), np.mean(np.searchsorted(short, length) / len(short))]
         for name, length in lengths.items()},
        ["mean length", "share of samples that are shorter"],
        caption="2,000 training digits; 10 latents, the longer training")

# %% tags=["expectation"]
assert lengths["means"].mean() < 0.85 * short.mean()
assert lengths["middles of the line"].mean() < 0.8 * lengths["means"].mean()

# %% [markdown]
# Means are much shorter than the samples that the decoder was trained on: most of a sample's length is noise. Hardly any sample is as short as a middle of the line, and few are as short as a mean, from which section 3's digits were written so well. So "it has hardly ever been trained there" is a reason to measure, and
# proves nothing.

# %% [markdown]
# ### What a fused gradient is worth
#
# The library's `gru_sequence` is one node of autograd's tape, however many steps it takes; a loop over your `gru_step` makes a dozen nodes a step. Both have the same gradient:

# %%
from timeit import repeat

import autograd.numpy as anp
from autograd import grad

from course_utils.networks.recurrent import gru_sequence
from course_utils.networks.recurrent import gru_step as library_gru_step

# %%
params = tuple(a.astype(float) for a in longer["decoder"]["gru"])
H, inputs = params[1].shape[0], params[0].shape[0]
xs, h0 = rng.normal(size=(8, 5, inputs)), np.zeros((5, H))


def by_loop(params):
    h, total = h0, 0.0
    for x in xs:
        h = library_gru_step(params, h, x)
        total = total + anp.sum(h ** 2)
    return total


fused = grad(lambda params: anp.sum(gru_sequence(params, h0, xs) ** 2))
looped = grad(by_loop)
worst = max(np.abs(a - b).max() for a, b in zip(fused(params), looped(params)))
print("largest difference below 1e-10:", worst < 1e-10)
assert worst < 1e-10
results({name: 1e3 * min(repeat(lambda: gradient(params), number=1, repeat=20))
         for name, gradient in (("a loop of steps", looped), ("one node", fused))},
        ["ms"], caption="Loss and gradient, 8 steps of 5 sequences, least of 20 times")

# %% [markdown]
# ### Explore
#
# - Train a model of pen digits with `kept=0`: it never reads what it wrote. What do ELBO and error do? (Beware: `report` lets it read. The rows of `model["decoder"]["gru"][0]` from 16 on are for that.) And one that reads a few, without a conductor (`message=0`)?
# - Draw letters in the digit drawer, a Z and an S. What does the model make of them?
# - Which two characters of the test set are farthest apart by the angle of their codes? What do they turn into half-way?
# - Decode a melody's code with `melody.melody_decode(melody_model, z, rng=..., tau=...)`. From which temperature on does the n-gram judge notice?

# %%
# a place for your own experiments

# %% [markdown] tags=["expectation"]
# <details><summary>Answers</summary>
#
# - As it stands the ELBO is about 10, but that is a fault of the measurement: the model reads with weights that no step of training has moved. After `model["decoder"]["gru"][0][16:] = 0` it is deaf for good, and its ELBO is about 17.3, its error 0.086 (0.11 with `kept=0.3`). So the past is worth a nat or two here (*reads all* has about 19), and nothing for writing the digit back. Without a conductor, reading a few: 3.6 nats of KL, own label 0.69, error 0.18, nearly as good as the conductor alone.
# - Digits: a 2 of the Z and a 5 of the S, both of which the judge is sure of. It has nothing else to offer, so it writes the nearest that it knows.
# - 吝 (stingy) and 女 (woman), at about 130 degrees. Half-way a drawing of four strokes comes out.
# - Slowly, from about 0.3 on: −1.58 nats a step there, −1.90 at temperature 1 and −2.41 at 1.5, against −1.55 for the likeliest tokens.
#
# </details>

# %% [markdown]
# **Sources.** D. Ha and D. Eck, *A neural representation of sketch drawings*, 2018. A. Roberts, J. Engel, C. Raffel, C. Hawthorne and D. Eck, *A hierarchical latent vector model for learning long-term structure in music*, 2018 (MusicVAE). S. Bowman et al., *Generating sentences from a continuous space*, 2016. K. Cho et al., *Learning phrase representations using RNN encoder-decoder*, 2014.
# Pen digits: E. Alpaydin and F. Alimoglu. Characters: KanjiVG, Ulrich Apel and contributors, CC BY-SA 3.0. Melodies: *Ryan's Mammoth Collection* and *O'Neill's Music of Ireland*, by way of music21.
