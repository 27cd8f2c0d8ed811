# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Deep autoencoders
#
# *Lecture points L2, L3, L4, L6, L7 and L8. About {{core minutes}} minutes, 11 points; {{further minutes}} more minutes below "Further". [Glossary](00_start_here.ipynb#Glossary)*
#
# A linear autoencoder can do no better than PCA: all its reconstructions lie on one *flat* subspace. Notebook 01 ended with a question: **what if the
# encoder and the decoder could bend?** Here they do. You put a nonlinearity between the layers, train with the same squared error, and see what a curved
# surface buys with as many numbers in a code as PCA has, and what it does not.
#
# By the end you can say, and show with numbers,
#
# - on what kind of set the reconstructions of a deep autoencoder lie, and how much closer to new digits they come than PCA's,
# - what the codes are good for: maps, labels, blends between images,
# - why none of this tells you how to make a *new* digit.

# %%
import autograd.numpy as anp
import numpy as np
from scipy.spatial import Delaunay

# %%
from course_utils.checking import check, hint, predict, progress, reveal
from course_utils.data import load_mnist
from course_utils.explorables.latent_pad import latent_pad
from course_utils.models import autoencoder
from course_utils.models.autoencoder import decode, encode, reconstruct
from course_utils.models.classifier import classifier_train
from course_utils.models.judge import no_digits, share_of_digits
from course_utils.models.pca import pca_decode, pca_encode, pca_fit
from course_utils.networks.nets import init_mlp
from course_utils.networks.optim import adam, minibatches
from course_utils.showing import drawings, plots
from course_utils.showing.evidence import expect, results

digits = load_mnist()
x_train, y_train, x_test, y_test = (digits.x_train, digits.y_train,
                                    digits.x_test, digits.y_test)
print(f"digits: x_train {x_train.shape}, x_test {x_test.shape}")

# %% [markdown]
# ## 1. A network that bends
#
# The hourglass of notebook 01 stays: an encoder that narrows to $K$ numbers, and a decoder that widens again. What is new lies inside the two.

# %%
fig, ax = drawings.hourglass([784, 256, 64, 2])
plots.show(fig, alt="An hourglass: x with D = 784 goes through an encoder with layers "
                    "of 256 and 64 units to a code z with K = 2, and through the "
                    "decoder, its mirror image, to a reconstruction with D = 784.")

# %% [markdown]
# A deep network is a chain of layers: here a list of $L$ pairs $(W, \mathbf{b})$, and rows are examples:
#
# $$H_0 = X, \qquad H_l = \tanh(H_{l-1} W_l + \mathbf{b}_l) \;\text{ for } l < L, \qquad \text{output} = H_{L-1} W_L + \mathbf{b}_L .$$
#
# Without $\tanh$ after the last layer the output can take any value. Encoder and decoder are two such networks; the code is the encoder's linear output.

# %% [markdown]
# {{exercise mlp_forward}}

# %%
def mlp_forward(params, x, activation):
    """Output (N, D_out) of the network params = [(W, b), ...] for x (N, D_in)."""
    ### BEGIN SOLUTION
    h = x
    for W, b in params[:-1]:
        h = activation(h @ W + b)
    W, b = params[-1]
    return h @ W + b
    ### END SOLUTION


# %%
mlp_forward = check(mlp_forward)

# %% [markdown]
# In notebook 01 a hundred outputs of a linear decoder filled as many dimensions as the code had numbers. Take a random decoder, from $K = 2$ numbers over 10 hidden units to $D = 12$ pixels.

# %%
predict("02-rank", "How many dimensions do a hundred outputs of this decoder fill, "
        "with tanh in its hidden layer?", [2, 10, 12, 100])

# %%
rng = np.random.default_rng(0)
bent = init_mlp([2, 10, 12], rng, dtype=float)
z = 2 * rng.normal(size=(100, 2))
for name, activation in [("without tanh", lambda h: h), ("with tanh", np.tanh)]:
    outputs = mlp_forward(bent, z, activation)
    rank = np.linalg.matrix_rank(outputs - outputs.mean(axis=0))
    print(f"{name}: rank {rank}")
reveal("02-rank", rank)

# %% [markdown]
# Without $\tanh$ the layers collapse into a single matrix, $W_1 W_2$, and nothing has been gained by depth. With it, the outputs fill all the dimensions that ten hidden
# units can give. Yet there is still only a two-dimensional *choice* to make. Stand at one output and change the code a little: in how many directions can it move? And in how many if we add those at another output? (On a plane they would be the same two.)

# %%
def jacobian(z, activation, change=1e-4):
    """How the output moves, per unit of each code number: (K, D) at a code z (K,)."""
    moved = mlp_forward(bent, z + change * np.eye(len(z)), activation)
    return (moved - mlp_forward(bent, z[None], activation)) / change


for name, activation in [("without tanh", lambda h: h), ("with tanh", np.tanh)]:
    here, there = jacobian(z[0], activation), jacobian(z[1], activation)
    one, two = [np.linalg.matrix_rank(J, tol=1e-6)  # 1e-6: far above rounding
                for J in (here, np.concatenate([here, there]))]
    print(f"{name}: {one} directions from one output, {two} from two taken together")

# %% tags=["expectation"]
step = 1e-4 * np.array([[3, -2]])
more = mlp_forward(bent, z[:1] + step, np.tanh) - mlp_forward(bent, z[:1], np.tanh)
assert np.allclose(more / 1e-4, [[3, -2]] @ here, atol=1e-2)
straight = np.concatenate([jacobian(z[i], lambda h: h) for i in (0, 1)])
assert np.linalg.matrix_rank(straight, tol=1e-6) == 2 and (one, two) == (2, 4)
assert np.linalg.svd(np.concatenate([here, there]))[1].min() > 1e-3

# %% [markdown]
# A small change of the code moves the output, to first order, within a plane, spanned by the two rows of the Jacobian. At another output it is another plane. The set of
# all outputs, the **image of the decoder**, is a curved surface: a $K$-dimensional *manifold* (L6). (That is, where the Jacobian has rank $K$ and the surface does not cross itself.)
#
# ## 2. Training
#
# What we ask of the two networks is what we asked in notebook 01, $\lVert\mathbf{x} - \hat{\mathbf{x}}\rVert^2$ for each example, small on average:

# %% [markdown]
# {{exercise squared_error}}

# %%
def squared_error(x, x_hat):
    """||x - x_hat||^2 for each example: x, x_hat (N, D) -> (N,)."""
    ### BEGIN SOLUTION
    return np.sum((x - x_hat) ** 2, axis=1)
    ### END SOLUTION


# %%
squared_error = check(squared_error)

# %% [markdown]
# No decomposition gives the best networks, so we need gradients. Doing them by hand, as in 01, would be work for every layer; autograd does it for a loss that is
# written with `anp` (`autograd.numpy`). The library brings the rest: `init_mlp(sizes, rng)` makes a network with random weights; `minibatches(x, batch_size, steps, rng)`
# deals out random rows of `x`; `adam(loss, params, batches, steps, step_size=...)` minimises `loss(params, batch)`, where `params` may be any nesting of lists and tuples
# of arrays, and returns the new `params`.
#
# `sizes` names the layers of the encoder, from the input to the code (in the hourglass above, `[784, 256, 64, 2]`); the decoder is its mirror image.

# %% [markdown]
# {{exercise autoencoder_train}}

# %%
def autoencoder_train(x, sizes, steps, rng):
    """Networks (encoder, decoder) after `steps` updates on x (N, D)."""
    ### BEGIN SOLUTION
    params = (init_mlp(sizes, rng), init_mlp(sizes[::-1], rng))

    def loss(params, x):
        z = mlp_forward(params[0], x, anp.tanh)
        x_hat = mlp_forward(params[1], z, anp.tanh)
        return anp.sum((x - x_hat) ** 2) / len(x)
    return adam(loss, params, minibatches(x, 64, steps, rng), steps, step_size=5e-3)
    ### END SOLUTION


# %%
autoencoder_train = check(autoencoder_train)

# %% [markdown]
# ### A surface that can be seen
#
# Three dimensions can be drawn. Here are points near three quarters of a tube: two numbers, the angle and the height, say where on the tube a point is.

# %%
def tube(N, rng):
    """Points (N, 3) near three quarters of a tube."""
    angle, height = rng.uniform(0, 1.5 * np.pi, N), rng.uniform(-1, 1, N)
    points = np.stack([np.cos(angle), np.sin(angle), height], axis=1)
    return points + 0.03 * rng.normal(size=(N, 3))


points = tube(1000, np.random.default_rng(1))
fresh = tube(1000, np.random.default_rng(2))

# %%
def error_of_pca(x, x_new, K):
    """Mean squared error on x_new of PCA fitted to x."""
    mean, components = pca_fit(x, K)
    x_hat = pca_decode(pca_encode(x_new, mean, components), mean, components)
    return squared_error(x_new, x_hat).mean()


def error_of_networks(pair, x_new):
    """Mean squared error on x_new of pair = (encoder, decoder)."""
    return squared_error(x_new, reconstruct(*pair, x_new)).mean()


# %%
tube_nets = autoencoder_train(points, [3, 24, 12, 2], 1200, np.random.default_rng(0))
tube_pca = error_of_pca(points, fresh, 2)
tube_ae = error_of_networks(tube_nets, fresh)
results({"PCA": tube_pca, "deep autoencoder": tube_ae}, best="lowest",
        caption="Squared error on fresh points of the tube, K = 2")

# %% tags=["expectation"]
assert 2e-4 < tube_ae < 0.2 * tube_pca
expect(tube_pca, 0.32, within=0.1)

# %%
tube_mean, tube_axes = pca_fit(points, 2)
plane_codes = np.stack(np.meshgrid(*2 * [np.linspace(-1, 1, 12)]), -1).reshape(-1, 2)
plane = pca_decode(plane_codes, tube_mean, tube_axes)
surface_codes = encode(tube_nets[0], points)
surface = decode(tube_nets[1], surface_codes)
angle = (np.arctan2(points[:, 1], points[:, 0]) + 0.5) % (2 * np.pi)


# %%
def draw_surface(ax, codes, images, colour, title):
    """The image of the codes' region, drawn as triangles between neighbouring codes."""
    triangles = Delaunay(codes).simplices
    sides = images[triangles] - images[np.roll(triangles, 1, axis=1)]
    triangles = triangles[np.linalg.norm(sides, axis=2).max(axis=1) < 0.6]
    ax.plot_trisurf(*images.T, triangles=triangles, color=colour, alpha=0.5)
    ax.scatter(*points[::4].T, s=5, c=angle[::4], depthshade=False)
    ax.view_init(25, -60)
    ax.set_box_aspect((1, 1, 1), zoom=0.8)
    ax.set(xlabel="$x_1$", ylabel="$x_2$", zlabel="$x_3$", title=title)
    for axis in "xyz":
        ax.set(**{f"{axis}ticks": [-1, 0, 1], f"{axis}lim": (-1.2, 1.2)})


# %%
fig, axes = plots.figure(9.6, 3.6, columns=3, subplot_kw={"projection": "3d"})
draw_surface(axes[0], plane_codes, plane, plots.PALETTE[0], "PCA: a plane")
draw_surface(axes[1], surface_codes, surface, plots.PALETTE[1], "autoencoder: a sheet")
axes[2].remove()
ax = fig.add_subplot(axes[2].get_subplotspec())
ax.spines[["top", "right"]].set_visible(False)
ax.scatter(*surface_codes.T, s=5, c=angle)
ax.set(xlabel="$z_1$", ylabel="$z_2$", title="the autoencoder's codes")
plots.show(fig, alt="Points on three quarters of a tube, coloured by the angle. PCA's "
                    "image is a flat plane that cuts through them; the decoder's is a "
                    "sheet that follows the tube. The codes fill a flat patch, in "
                    "which the colour runs from one side to the other.")

# %% tags=["expectation"]
far = np.sum((surface_codes[:, None] - surface_codes) ** 2, axis=2)
np.fill_diagonal(far, np.inf)
turned = np.abs(angle - angle[far.argmin(axis=1)])
assert np.mean(turned < 0.5) > 0.95  # neighbours in codes are neighbours on the tube

# %% [markdown]
# PCA must cut through the tube. The decoder has rolled a flat sheet of codes into a tube, and the encoder has learned to unroll it (the colour is the angle): to encode is to ask *where on the surface*.
#
# ### How many numbers in a code?
#
# Here we know that two numbers are enough. Would the data have told us? (L8)

# %%
toy_ks = (1, 2, 3)
toy_pca = [error_of_pca(points, fresh, K) for K in toy_ks]
tube_of = {K: tube_nets if K == 2 else autoencoder_train(
    points, [3, 24, 12, K], 1200, np.random.default_rng(0)) for K in toy_ks}
toy_ae = [error_of_networks(tube_of[K], fresh) for K in toy_ks]

# %%
fig, ax = plots.figure(5.2, 3.1)
ax.plot(toy_ks, toy_pca, "o--", label="PCA")
ax.plot(toy_ks, toy_ae, "s-", label="deep autoencoder")
ax.set(xlabel="K", ylabel="squared error on fresh points", xticks=toy_ks)
ax.set(ylim=(0, None), title="The tube: error against K")
ax.legend()
plots.show(fig, alt="PCA's error falls steadily and is zero only at K = 3. The deep "
                    "autoencoder's is close to zero from K = 2 on.")

# %% [markdown]
# The autoencoder's curve bends sharply at $K = 2$, the dimension of the surface; PCA needs $K = 3$, the dimension of the flat space around it.
# What does a third number tell, then? Noise puts points a little inside or outside the tube's wall. Do the reconstructions follow?

# %%
along = {}
for K in (2, 3):
    pair = fresh, reconstruct(*tube_of[K], fresh)
    along[f"K = {K}"] = np.corrcoef([np.hypot(x[:, 0], x[:, 1]) for x in pair])[0, 1]
results(along, digits=1, caption="Correlation of a fresh point's distance from the "
                                 "axis with its reconstruction's")

# %% tags=["expectation"]
assert toy_ae[1] < 0.1 * toy_ae[0] and toy_ae[0] < 0.7 * toy_pca[0]
assert toy_pca[1] > 0.3 * toy_pca[0] and toy_ae[2] < toy_ae[1]
assert abs(along["K = 2"]) < 0.25 and along["K = 3"] > 0.35

# %% [markdown]
# With two numbers they hardly do, with three they do: the third is spent on noise. Do digits have an elbow? (Section 7.)
#
# ## 3. Digits
#
# `autoencoder_train` can learn digits, too. 800 steps with $K = 2$:

# %%
mine = autoencoder_train(x_train, [784, 256, 64, 2], 800, np.random.default_rng(0))
results({"autoencoder_train, 800 steps": error_of_networks(mine, x_test),
         "PCA": error_of_pca(x_train, x_test, 2)},
        caption="Squared error per test digit, K = 2")

# %% tags=["expectation"]
expect(error_of_networks(mine, x_test), 37.5, within=3)

# %% [markdown]
# From here on the library's `autoencoder.autoencoder_train` trains: $K = 2$, 8 and 30, the same hidden layers and 2,000 steps each. It minimises the same loss, but first keeps the data's 150 strongest principal axes;
# Adam works in their coordinates, all divided by one number, and its step size shrinks towards the end. (This is for speed. A rotation leaves the squared error as it is. Cutting 634 axes off is not free: no network trained so can win back what they hold.)

# %%
networks = {K: autoencoder.autoencoder_train(
    x_train, [784, 256, 64, K], 2000, np.random.default_rng(0)) for K in (2, 8, 30)}

# %%
mean, components = pca_fit(x_train, 150)


def pca_codes(x, K):
    return pca_encode(x, mean, components[:K])


def pca_images(z):
    return pca_decode(z, mean, components[:z.shape[1]])


pca_error = np.sum((x_test - mean) ** 2, axis=1).mean() - np.cumsum(
    (pca_codes(x_test, 150) ** 2).mean(axis=0))  # PCA's error with 1 to 150 components
error = {K: error_of_networks(networks[K], x_test) for K in networks}
print(f"error that the 634 other axes hold: {pca_error[149]:.1f}")

# %%
predict("02-lead", "How many components does PCA need to come as near to the test "
        "digits as the autoencoder does with K = 8?", unit="components")

# %%
needed = {K: np.argmax(pca_error <= error[K]) + 1 for K in networks}
results({"PCA": [pca_error[K - 1] for K in networks],
         "deep autoencoder": [error[K] for K in networks],
         "components that PCA needs for that": [f"{needed[K]}" for K in networks],
         "PCA, published": [None, None, "13.87"],
         "deep autoencoder, published": [None, None, "3.00"]},
        [f"K = {K}" for K in networks], caption="Squared error per test digit")
reveal("02-lead", needed[8], unit="components")

# %% tags=["expectation"]
for K, expected in {2: 33.4, 8: 19.7, 30: 10.7}.items():
    expect(error[K], expected, within=0.06 * expected)
    assert error[K] < 0.8 * pca_error[K - 1]  # a clear margin, on digits never seen
    assert abs(squared_error(x_test, pca_images(pca_codes(x_test, K))).mean()
               - pca_error[K - 1]) < 0.01
assert abs(pca_error[29] - 13.87) < 0.5  # theirs and ours agree
for K, expected in {2: 6, 8: 19, 30: 42}.items():
    expect(needed[K], expected, within=0.1 * expected)

# %% tags=["expectation"]
assert len(components) == autoencoder.AXES and len(pca_error) == 150
beyond = squared_error(x_test, pca_images(pca_codes(x_test, 150)))
expect(beyond.mean(), pca_error[149], within=0.01)
expect(pca_error[149], 2.744, within=0.01)
ours = decode(networks[30][1], np.random.default_rng(0).normal(size=(300, 30)))
assert np.linalg.matrix_rank(ours - ours.mean(axis=0), tol=1e-2) <= 150

# %% [markdown]
# The published figures are **theirs**, from the caption of figure 2B of Hinton and Salakhutdinov (2006): average squared errors on test images of MNIST. Their PCA and ours
# agree closely. Their autoencoder is far better than ours. Which of the differences matter most, nothing here tells: theirs had layers of 1000, 500 and 250 units, weights pretrained layer by layer, all
# 60,000 training digits (ours: 10,000, and 2,000 steps may be too few), all 784 pixels (ours: 150 axes), and logistic output units with a cross-entropy loss (with these, their *logistic PCA* has 8.01).

# %%
some = np.array([np.flatnonzero(y_test == c)[0] for c in range(10)])
originals = x_test[some]
rows, labels = [originals], ["original"]
for K in networks:
    rows += [pca_images(pca_codes(originals, K)), reconstruct(*networks[K], originals)]
    labels += [f"K = {K}, PCA", "autoencoder"]
fig, ax = plots.figure(7.4, 5.2)
plots.image_grid(np.concatenate(rows), digits.shape, 10, row_labels=labels, ax=ax)
plots.show(fig, alt="Ten test digits and their reconstructions. With K = 2 PCA "
                    "gives grey clouds, where the autoencoder draws clear strokes, at "
                    "times of another digit; with 30 both are readable.")

# %% [markdown]
# With the same $K$, the deep autoencoder comes closer; for the same error PCA needs more numbers, at $K = 2$ and 8 more than twice as many. The autoencoder learns **more powerful codes** (L7). At $K = 2$ PCA's failures are blurred averages. The autoencoder's are mostly clear strokes, at times of another digit or of a blend of two.
# (Does it *project* onto its surface, as the lecture says? "Further" looks.)
#
# ## 4. A map
#
# The first of the lecture's four reasons for autoencoders is **visualisation** (L3a): with $K = 2$ a code is a place on a map. The labels were not used in training; we only colour with them.

# %%
codes_2 = encode(networks[2][0], x_test)
fig, axes = plots.figure(9.6, 4.6, columns=2)
plots.codes(pca_codes(x_test, 2), y_test, ax=axes[0]).set_title("PCA")
plots.codes(codes_2, y_test, ax=axes[1]).set_title("deep autoencoder")
plots.show(fig, alt="Two maps of the test digits, coloured by label. In PCA's most "
                    "lie on top of each other; in the autoencoder's they form "
                    "patches, with 4, 7 and 9 in one region, 3, 5, 8 in another.")

# %% [markdown]
# How much do digits overlap? Count which one is nearest to each test digit on the map; in brackets, how often one of two digits has the other for its neighbour. (3 and 5, not among PCA's three, have a column.)

# %%
def meetings(codes):
    """met[a, b]: how often a test digit a has a b for its nearest neighbour."""
    distances = np.sum((codes[:, None] - codes) ** 2, axis=2)
    np.fill_diagonal(distances, np.inf)
    nearest = y_test[distances.argmin(axis=1)]
    return np.histogram2d(y_test, nearest, bins=range(11))[0]


neighbours = {}
for name, codes in [("PCA", pca_codes(x_test, 2)), ("deep autoencoder", codes_2)]:
    met = meetings(codes)
    mixed = np.triu(met + met.T, 1).astype(int).ravel()
    pairs = [f"{k // 10} and {k % 10} ({mixed[k]})" for k in np.argsort(-mixed)[:3]]
    neighbours[name] = [f"{np.trace(met) / met.sum():.0%}", ", ".join(pairs), mixed[35]]
results(neighbours, ["neighbour is the same digit", "mixed most often", "3 and 5"])

# %% tags=["expectation"]
assert pairs[0].startswith("4 and 9") and 0.5 < np.trace(met) / met.sum() < 0.9
flat_met = meetings(pca_codes(x_test, 2))
assert np.trace(met) > 1.3 * np.trace(flat_met)
assert met[3, 5] + met[5, 3] > 1.1 * (flat_met[3, 5] + flat_met[5, 3])
expect((met[4, 9] + met[9, 4]) / (flat_met[4, 9] + flat_met[9, 4]), 1, within=0.25)

# %% [markdown]
# Altogether the neighbour is far more often of the same digit on the autoencoder's map. But digits that look alike, such as 4 and 9, are neighbours on both, and the autoencoder hardly parts these two; 3 and 5 it even mixes more often.
#
# ### Explore
#
# Drag the point over the map. The pad shows what the scatter plot cannot: **what lies between the patches**.
#
# Before you move: what do you expect half-way between the patches of two digits, a mixture or a sudden change? And in a corner where no code lies?

# %%
latent_pad(networks[2][1], digits.shape, codes=codes_2, labels=y_test,
           extent=(-6, 6, -6, 6), output="identity")

# %% [markdown] tags=["expectation"]
# <details><summary>Answers</summary>
#
# Something between the two. On the way from one patch to another the picture changes all along, seldom anywhere over twice as fast as on average, and half-way it is not the average of the two ends: for most pairs it differs from it by more than half of the distance between the ends. In a corner the decoder still answers: in the upper left with something like a 0, in the upper right like a 2, in the lower right like a broken 4, in the lower left with a tangle of strokes. (In three of the four, some values lie below those of any reconstruction of a test digit. The pad cannot show it: all below 0 is black.)
#
# </details>

# %% tags=["expectation"]
centres = [np.median(codes_2[y_test == c], axis=0) for c in range(10)]
way = np.linspace(0, 1, 41)[:, None]
paths = [mlp_forward(networks[2][1], a + (b - a) * way, np.tanh)
         for i, a in enumerate(centres) for b in centres[i + 1:]]
off = [np.linalg.norm(p[20] - (p[0] + p[-1]) / 2) / np.linalg.norm(p[0] - p[-1])
       for p in paths]
assert np.mean(np.array(off) > 0.5) > 0.6

# %% tags=["expectation"]
speeds = [np.linalg.norm(np.diff(p, axis=0), axis=1) for p in paths]
assert max(v.max() / v.mean() for v in speeds) < 2.8
assert min(v.min() / v.mean() for v in speeds) > 0.2  # all along
at = 6.0 * np.array([[-1, 1], [1, 1], [-1, -1], [1, -1]])
corner = mlp_forward(networks[2][1], at, np.tanh)
lowest = mlp_forward(networks[2][1], codes_2, np.tanh).min()
assert (corner.min(axis=1) < lowest - 0.05).tolist() == [False, True, True, True]
to_digits = ((np.clip(corner, 0, 1)[:, None] - x_train) ** 2).sum(axis=2)
kinds = y_train[to_digits.argmin(axis=1)]  # a slanting 2 may be nearest to a 1 or a 7
assert kinds[0] == 0 and kinds[1] in (1, 2, 7) and kinds[3] == 4
assert to_digits.min(axis=1)[2] > 1.4 * to_digits.min(axis=1)[[0, 1, 3]].max()

# %% [markdown]
# Everywhere the decoder answers, and nothing in it says which places are worth visiting. (You have the dots. The loss never asked where they lie.)
#
# ## 5. Codes for a few labels
#
# Labels cost work, pictures do not. So learn codes from all 10,000 digits *without* labels, then use them for a task with 100 labelled ones (L3c). A test digit gets the
# label of its nearest labelled neighbour.

# %% [markdown]
# {{exercise nearest_neighbour_accuracy}}

# %%
def nearest_neighbour_accuracy(codes_train, y_train, codes_test, y_test):
    """Share of test labels that equal the nearest training code's label."""
    ### BEGIN SOLUTION
    # ||a - b||^2 = ||a||^2 - 2 a.b + ||b||^2, and ||a||^2 does not matter here
    distances = np.sum(codes_train ** 2, axis=1) - 2 * codes_test @ codes_train.T
    return np.mean(y_train[np.argmin(distances, axis=1)] == y_test)
    ### END SOLUTION


# %%
nearest_neighbour_accuracy = check(nearest_neighbour_accuracy)

# %% [markdown]
# Which 100 digits get labels is luck, so we repeat with ten different choices, ten of each digit, the same choices for every kind of code.
#
# %%
predict("02-labels", "Order these codes by their accuracy with 100 labels, best first.",
        order=["784 pixels", "PCA, K = 8", "autoencoder, K = 2", "autoencoder, K = 8"])

# %%
def labelled(seed):
    """Indices of 100 training digits, ten of each."""
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.choice(np.flatnonzero(y_train == c), 10, replace=False)
                           for c in range(10)])


choices = [labelled(seed) for seed in range(10)]


# %%
def accuracies(describe):
    """Accuracy for each choice of labelled digits, with codes describe(x)."""
    test = describe(x_test)
    quarters = np.split(np.arange(2000), 4)  # a quarter at a time, to save memory
    return np.array([np.mean([nearest_neighbour_accuracy(
        describe(x_train[i]), y_train[i], test[q], y_test[q]) for q in quarters])
        for i in choices])


# %%
codes_of = {"784 pixels": lambda x: x}
for K in networks:
    codes_of[f"PCA, K = {K}"] = lambda x, K=K: pca_codes(x, K)
    codes_of[f"autoencoder, K = {K}"] = lambda x, K=K: encode(networks[K][0], x)
accuracy = {name: accuracies(describe) for name, describe in codes_of.items()}
mean_of = {name: values.mean() for name, values in accuracy.items()}

# %% tags=["expectation"]
for name, expected in zip(mean_of, [0.724, 0.369, 0.6, 0.7, 0.745, 0.756, 0.745]):
    expect(mean_of[name], expected, within=0.06)
assert mean_of["784 pixels"] > mean_of["PCA, K = 8"] + 0.015
assert mean_of["PCA, K = 8"] > mean_of["autoencoder, K = 2"] + 0.05

# %%
fig, ax = plots.figure(7.4, 3.2)
for row, (name, values) in enumerate(accuracy.items()):
    colour = plots.PALETTE[{"7": 8, "P": 0, "a": 1}[name[0]]]
    ax.plot(values, np.full(10, row), "o", alpha=0.5, color=colour)
    ax.plot(values.mean(), row, "|", markersize=18, color="black", clip_on=False)
ax.set_yticks(range(len(accuracy)), accuracy)
ax.invert_yaxis()
ax.set(xlabel="accuracy", title="Nearest neighbour, 100 labels: ten choices and mean")
plots.show(fig, alt="Ten accuracies for each kind of code. With K = 2 the "
                    "autoencoder lies far above PCA, with 8 a little above; with "
                    "30 the clouds of PCA, autoencoder and pixels overlap.")
offered = ["784 pixels", "PCA, K = 8", "autoencoder, K = 2", "autoencoder, K = 8"]
reveal("02-labels", sorted(offered, key=lambda name: -mean_of[name]))

# %% [markdown]
# A mixed result. With $K = 2$ the autoencoder is far ahead of PCA for every choice of labels; with 8 it is ahead, and eight numbers do at least as well as all 784 pixels. With 30 it has
# no lead: its reconstructions are better than PCA's, but *better reconstruction is not better classification*. Nothing in the loss asks for codes in which same digits are near each other. (Networks and test digits are the same throughout.) Does it matter that labels are few?

# %%
# the library's function, which never holds all differences at once: less memory
many = {name: autoencoder.nearest_neighbour_accuracy(
    describe(x_train[::2]), y_train[::2], describe(x_test), y_test)
    for name, describe in codes_of.items()}
results({name: [mean_of[name], many[name]] for name in many},
        ["100 labels", "5,000 labels"], caption="Accuracy on 2,000 test digits")

# %% tags=["expectation"]
gain = {K: accuracy[f"autoencoder, K = {K}"] - accuracy[f"PCA, K = {K}"]
        for K in networks}
assert gain[2].min() > 0.1 and gain[8].mean() > 0.01 and -0.025 < gain[30].mean() < 0
for K, lead in [(2, 0.15), (8, 0.015)]:
    assert many[f"autoencoder, K = {K}"] > many[f"PCA, K = {K}"] + lead
assert mean_of["autoencoder, K = 8"] > mean_of["784 pixels"] + 0.005
assert many["784 pixels"] > many["autoencoder, K = 8"] + 0.025
assert many["autoencoder, K = 30"] < many["PCA, K = 30"] + 0.003
assert abs(many["autoencoder, K = 30"] - many["784 pixels"]) < 0.015

# %% [markdown]
# Against PCA it does not: with $K = 2$ and 8 the autoencoder is ahead with many labels, too, and with 30 it is not. Against the pixels it does: now they do better than eight numbers, which have left out what would help; thirty have not.
#
# ## 6. Between two images
#
# The fourth reason (L3d): walk from one image to another. In the space of pixels, or in the space of codes?

# %% [markdown]
# {{exercise interpolate_linear}}

# %%
def interpolate_linear(a, b, steps):
    """`steps` points (steps, ...) on the line from a to b, both ends included."""
    ### BEGIN SOLUTION
    return np.stack([(1 - t) * a + t * b for t in np.linspace(0, 1, steps)])
    ### END SOLUTION


# %%
interpolate_linear = check(interpolate_linear)

# %% [markdown]
# For each $K$, two walks from a 2 to a 0. Both begin and end at the reconstructions with this $K$.

# %%
walks, labels = [], []
for K, (encoder, decoder) in networks.items():
    z_a, z_b = encode(encoder, originals[[2, 0]])
    ends = decode(decoder, np.stack([z_a, z_b]))
    walks += [interpolate_linear(*ends, 9),
              decode(decoder, interpolate_linear(z_a, z_b, 9))]
    labels += [f"K = {K}, pixels", "codes"]

# %%
fig, ax = plots.figure(7.4, 4.4)
plots.image_grid(np.concatenate(walks), digits.shape, 9, row_labels=labels, ax=ax)
plots.show(fig, alt="From a 2 to a 0, two walks of nine images for each K. Through "
                    "pixels the 2 fades out while the 0 fades in. Through codes, "
                    "K = 2 passes an 8 and a 3, K = 8 closes a stroke to a loop, and "
                    "K = 30 looks much as through pixels.")

# %% tags=["expectation"]
bent_by = [np.sum((c[4] - p[4]) ** 2) / np.sum((p[0] - p[4]) ** 2)
           for p, c in zip(walks[::2], walks[1::2])]
assert bent_by[2] < 0.2 < bent_by[1] < 0.8 < bent_by[0]
assert autoencoder.nearest_neighbour_accuracy(  # other digits on the way, K = 2
    x_train[::2], np.isin(y_train[::2], [0, 2]), walks[1][2:6], np.zeros(4, bool)) > 0.7

# %% [markdown]
# Through pixels, the one fades out while the other fades in. Through codes with $K = 2$ the way leads over other digits, with 8 a stroke closes to a loop, and with 30 it looks much like the way through pixels. Is the middle *more like a digit*? To tell, we need a judge that can say no: a classifier with an eleventh label, *none of these*.
# It learns from the training digits and from nearly as many pictures that are none: noise, shuffled pixels, two halves side by side. It is not taught to refuse averages of two digits, which would decide the comparison beforehand. Its controls first:

# %%
taught = ["noise", "shuffled pixels", "left and right halves"]
rng = np.random.default_rng(0)
others = no_digits(x_train, y_train, rng)
none = np.concatenate([others[kind][i::3] for i, kind in enumerate(taught)])
judge = classifier_train(np.concatenate([x_train, none]),
                         np.append(y_train, np.full(len(none), 10)), [784, 200, 11],
                         500, rng, step_size=4e-3)

# %%
fakes = no_digits(x_test, y_test, np.random.default_rng(1))
passed = {"test digits": share_of_digits(judge, x_test)}
for kind in [*taught, "upper and lower halves", "averages of two"]:
    passed[f"{kind}{' (not taught)' * (kind not in taught)}"] = share_of_digits(
        judge, fakes[kind])
results(passed, digits=2, caption="Share that the judge takes for a digit")

# %% tags=["expectation"]
assert passed["test digits"] > 0.92 and 0.8 < len(none) / len(x_train) < 1
assert max(passed["noise"], passed["shuffled pixels"]) < 0.02
assert passed["left and right halves"] < 0.3
for kind in ("upper and lower halves", "averages of two"):
    expect(passed[f"{kind} (not taught)"], 0.36, within=0.13)

# %% [markdown]
# Of what it was not taught to refuse, it lets a good third pass. A single verdict proves little; compare shares.

# %%
predict("02-middle", "Of a hundred middles of walks through codes, K = 8, how many "
        "will the judge take for a digit?", unit="of a hundred")

# %% [markdown]
# Take random pairs of *different* test digits. Beside the two middles stand the ends of the walks, and the upper half of one end over the lower half of the other, mostly no digit.

# %%
rng = np.random.default_rng(0)
from_, to = rng.choice(2000, size=(2, 1000), replace=False)
differ = y_test[from_] != y_test[to]
from_, to = from_[differ], to[differ]


def walk(K):
    """What stands at the ends and half-way between the digits from_ and to."""
    z_a, z_b = encode(networks[K][0], x_test[from_]), encode(networks[K][0], x_test[to])
    a, b = decode(networks[K][1], z_a), decode(networks[K][1], z_b)
    return {"ends": a, "middle in codes": decode(networks[K][1], (z_a + z_b) / 2),
            "middle in pixels": (a + b) / 2,
            "two halves of ends": np.where(np.arange(784) < 392, a, b)}


# %%
walked = {K: walk(K) for K in networks}
shares = {name: [share_of_digits(judge, walked[K][name]) for K in networks]
          for name in walked[2]}
results(shares, [f"K = {K}" for K in networks], digits=2,
        caption="Share that the judge takes for a digit")
reveal("02-middle", 100 * shares["middle in codes"][1], unit="of a hundred")

# %% tags=["expectation"]
ends, in_codes, in_pixels, halves = map(np.array, shares.values())
assert np.all(ends > 1.1 * in_codes)
assert np.all(in_codes > 1.2 * np.maximum(in_pixels, halves))
assert np.all(np.diff(in_codes / ends) < 0) and np.all(np.diff(in_codes) < 0)
assert np.all(in_pixels[1:] > 1.3 * in_pixels[0]) and ends[2] > ends[0] + 0.02
expect(in_codes[0] / in_pixels[0], 4.1, within=0.9)
expect(in_codes[2] / in_pixels[2], 1.5, within=0.2)
expect(in_codes[2] / ends[2], 0.52, within=0.08)

# %% [markdown]
# For every $K$ the middle in codes passes more often than the middle in pixels and than two halves put together, and less often than the ends. At $K = 2$ that is four times as often as in pixels, at $K = 30$ only one and a half times: as $K$ grows, middles in codes pass less often, those in pixels more often (from 2 to 8), and ends no less often.
# How far do the walks **bend** away from the straight line? Compare the ends $\mathbf{a}$ with the two middles:
#
# $$\text{bend} = \lVert\mathbf{m}_\text{codes} - \mathbf{m}_\text{pixels}\rVert^2 \,/\, \lVert\mathbf{a} - \mathbf{m}_\text{pixels}\rVert^2 \qquad \text{(means above and below; 0 if both coincide)}.$$

# %%
bend = [squared_error(w["middle in codes"], w["middle in pixels"]).mean() /
        squared_error(w["ends"], w["middle in pixels"]).mean()
        for w in walked.values()]
results({"bend": bend}, [f"K = {K}" for K in networks], digits=2)

# %% tags=["expectation"]
assert bend[2] < 0.2 < bend[1] < 1 < bend[0]
expect(bend[2] ** 0.5, 0.33, within=0.06)

# %% [markdown]
# The bend falls, too: at $K = 30$ the two middles are a third as far from each other as an end is from the middle in pixels (the root of the bend), at $K = 2$ farther than that. (To bend more need not be to pass more often.) Notebook 10 comes back to walks, with models that *fill* their code space.
#
# ## 7. What an autoencoder is not
#
# The decoder turns any code into an image. So draw codes at random and decode them: is that not a generator of digits?
#
# It is first of all a question without an answer: *random according to what?* Training never said how codes are distributed. To give them a fair chance, draw them with the mean and the covariance of the training codes.
#
# %%
predict("02-random", "The judge counts digits among decoded random codes and among "
        "reconstructions. For which K do random codes come nearest to its count "
        "for reconstructions?", [2, 8, 30])

# %%
def gaussian(z, N, rng):
    """N random codes with the mean and the covariance of the codes z (M, K)."""
    return rng.multivariate_normal(z.mean(axis=0), np.cov(z, rowvar=False), size=N)


def moved(z, N, rng):
    """N of the codes z, moved by 0.4 standard deviations in random directions."""
    step = 0.4 * z.std(axis=0) * rng.normal(size=(N, z.shape[1]))
    return z[rng.integers(len(z), size=N)] + step


z_of = {K: encode(networks[K][0], x_train).astype(float) for K in networks}

# %%
fig, axes = plots.figure(9.6, 3.2, columns=3)
for ax, K in zip(axes, networks):
    images = decode(networks[K][1], gaussian(z_of[K], 16, np.random.default_rng(4)))
    plots.image_grid(images, digits.shape, columns=4, ax=ax)
    ax.set_title(f"random codes, K = {K}")
plots.show(fig, alt="Sixteen decoded random codes each for K = 2, 8 and 30. Those from "
                    "2 numbers mostly look like digits, those from 30 are tangles.")

# %%
def counted(images_of):
    """For each K, the share of images_of(K) that the judge takes for a digit."""
    return np.array([share_of_digits(judge, images_of(K)) for K in networks])


# %%
rng = np.random.default_rng(5)
real = counted(lambda K: reconstruct(*networks[K], x_test))
near = counted(lambda K: decode(networks[K][1], moved(z_of[K], 2000, rng)))
drawn = counted(lambda K: decode(networks[K][1], gaussian(z_of[K], 2000, rng)))
flat = counted(lambda K: pca_images(pca_codes(x_test, K)))
flat_drawn = counted(lambda K: pca_images(gaussian(pca_codes(x_train, K), 2000, rng)))

# %%
results({"reconstructions of test digits": real, "real codes, moved a little": near,
         "random codes": drawn, "PCA: reconstructions": flat,
         "PCA: random codes": flat_drawn}, [f"K = {K}" for K in networks], digits=2,
        caption="Share that the judge takes for a digit")
reveal("02-random", list(networks)[np.argmax(drawn / real)])

# %% tags=["expectation"]
assert drawn[0] > 0.82 * real[0] and 0.45 < drawn[2] < 0.7 and real[2] > 0.9
assert np.all(near > 0.9 * real) and np.all(near[1:] > drawn[1:] + 0.1)
assert drawn[0] > 3 * flat_drawn[0] and abs(drawn[2] - flat_drawn[2]) < 0.12

# %% [markdown]
# With $K = 2$ random codes pass nearly as often as reconstructions; but two numbers reconstruct badly. With $K = 30$ nearly all reconstructions pass, and little more than half of the random codes, as of PCA's (the judge is lenient: of averages, too, it passes a good third). The decoder is the same, and so are
# the mean and the covariance of the codes; codes near those of real digits pass nearly as often as reconstructions. So what is missing is the rest of their distribution, and the autoencoder has no description of it.
#
# Could the reconstruction error serve as a description, "a good digit is what I can copy"?
#
# %%
predict("02-black", "Order by the error of the copy, K = 30, smallest first.", order=[
    "a test digit", "a digit with its pixels shuffled", "an all-black image",
    "the average of two digits"])

# %%
pictures = {"a test digit": x_test, "an all-black image": np.zeros((1, 784)),
            "a digit with its pixels shuffled": fakes["shuffled pixels"],
            "the average of two digits": fakes["averages of two"]}
copied = {name: error_of_networks(networks[30], x) for name, x in pictures.items()}
away = {name: np.sum((x - mean) ** 2, axis=1).mean() for name, x in pictures.items()}
results({name: [copied[name], copied[name] / away[name]] for name in pictures},
        ["squared error", "share of distance² from the mean"], caption="Copy, K = 30")
reveal("02-black", sorted(copied, key=copied.get))

# %% tags=["expectation"]
digit, black, shuffled, average = copied.values()
assert black < 0.3 * average and average < 0.9 * digit and shuffled > 3 * digit
digit, black, shuffled, average = [copied[name] / away[name] for name in pictures]
assert black < 0.2 * digit and average > 1.3 * digit and shuffled > 3 * digit

# %% [markdown]
# The error does tell digits from shuffled pixels. But the black image and the averages of two digits it copies better than digits. The averages are paler: as a share of their squared distance from the mean image they are copied worse. The black image is copied better by both measures. The error says how well an image can be copied, not how probable it is; it is no density and does not add up to one over all images.
# So **autoencoders are not generative models: they define no distribution** (L8).
#
# Two more things need a distribution, or something in its place.
#
# - **Compression** (L3b), the lecture's second reason. Thirty numbers for 784 looks like a smaller file. But they are real numbers, and to write them down with few bits you must know which values are
#   probable, so that frequent ones get short names. This needs a *variational* autoencoder, the lecture says; notebook 12 builds the file.
# - **How to choose $K$** (L8). The tube had an elbow, because it has a dimension. And digits? Two more networks make it five:

# %%
between = {K: autoencoder.autoencoder_train(
    x_train, [784, 256, 64, K], 2000, np.random.default_rng(0)) for K in (4, 16)}
all_errors = error | {K: error_of_networks(between[K], x_test) for K in between}
total = np.var(x_test, axis=0).sum()
ks = sorted(all_errors)
left_over = np.array([all_errors[K] for K in ks]) / total
results({"share of the variance left": left_over,
         "as a share of the one before": [None, *left_over[1:] / left_over[:-1]]},
        [f"K = {K}" for K in ks], caption="Deep autoencoder, test digits")

# %% tags=["expectation"]
assert np.all(np.diff([all_errors[K] for K in ks]) < 0)
assert all(0.6 < all_errors[b] / all_errors[a] < 0.9 for a, b in zip(ks, ks[1:]))
expect(error[30] / total, 0.203, within=0.03)

# %% [markdown]
# From each $K$ to the next, about twice as large, about three quarters of the error stay, where for the tube less than a tenth stayed from 1 to 2: no elbow from 2 to 30 (with 2,000 steps each). With 100 labels, 8 was as good as 30. For walks and for random codes, measured by what reconstructions achieve, 2 was better than 30. The squared error alone cannot say when to stop, because a longer code
# costs it nothing. In notebook 05 a term appears that makes it cost something.
#
# ## What you have shown
#
# - A deep decoder's image is a curved $K$-dimensional surface; the autoencoder takes a digit to a point of it (L2, L6).
# - With the same $K$ (2, 8 and 30), it comes clearly nearer to new digits than PCA (L7).
# - Its codes make a map (L3a); with few numbers they keep more about the label than PCA's, and 8 beat the pixels only while labels are few (L3c); straight lines through them have better middles than straight lines through pixels, the more so the fewer the numbers (L3d).
# - It defines no distribution: with thirty numbers, random codes are digits far less often than reconstructions, the error is no density, and nothing says how to choose $K$ or how to name codes in few bits (L8, L3b).
#
# ## What is left open
#
# Random codes often decode to no digit, because nobody said how codes are distributed. So say it *first*: let $\mathbf{z}$ be drawn from a known distribution, and ask that the decoder turn such draws into data. Then $p(\mathbf{x})$
# ought to follow, and with it maximum likelihood. But which density does a thin surface give to an image beside it? That is notebook 03.

# %%
# NBVAL_IGNORE_OUTPUT
progress()

# %% [markdown]
# ## Further ({{further minutes}} minutes)
#
# ### Is it a projection?
#
# The lecture says that a deep autoencoder *projects* the data onto a manifold. To project is to change nothing the second time (notebook 01). PCA's projection does more: it takes every point to the *nearest* point of its plane. Does the autoencoder do both? With $K = 2$ we can search the surface on a grid of 40,000 codes.

# %%
predict("02-nearest", "K = 2. By how much is the squared distance from a test digit to "
        "the nearest point of the surface smaller than the squared error of its "
        "reconstruction?", unit="per cent")

# %%
def nearest_on_surface(decoder, codes, x, cells=200):
    """Squared distance of each x to the nearest of cells^2 points of the surface."""
    low, high = codes.min(axis=0) - 1, codes.max(axis=0) + 1
    axes = np.linspace(low, high, cells).T
    grid = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)
    best = np.full(len(x), np.inf)
    for part in np.array_split(grid, 50):
        points = decode(decoder, part)
        away = np.sum(points ** 2, axis=1)[:, None] - 2 * points @ x.T
        best = np.minimum(best, away.min(axis=0))
    return best + np.sum(x ** 2, axis=1)


once = {K: reconstruct(*networks[K], x_test) for K in networks}
twice = {K: squared_error(reconstruct(*networks[K], once[K]), once[K]).mean()
         for K in networks}
codes = encode(networks[2][0], x_train)
sets = {"500 training digits": x_train[::20], "500 test digits": x_test[::4]}
found = {name: error_of_networks(networks[2], x) for name, x in sets.items()}
nearest = {name: nearest_on_surface(networks[2][1], codes, x).mean()
           for name, x in sets.items()}

# %%
results({"error of a reconstruction": [error[K] for K in networks],
         "reconstructed twice: further change": [twice[K] for K in networks]},
        [f"K = {K}" for K in networks], caption="Squared error per test digit")

# %%
results({"reconstruction": list(found.values()), "nearest": list(nearest.values()),
         "smaller by": [f"{1 - nearest[name] / found[name]:.1%}" for name in sets]},
        list(sets), caption="Squared error with K = 2, by encoder and by search")
reveal("02-nearest", 100 * (1 - nearest["500 test digits"] / found["500 test digits"]),
       unit="per cent")

# %% tags=["expectation"]
assert all(0.1 < twice[K] and 0.012 < twice[K] / error[K] < 0.06 for K in networks)
gaps = [1 - nearest[name] / found[name] for name in sets]
assert 0.005 < gaps[0] < 0.05 < gaps[1] < 0.15
near_train, near_test = nearest.values()
assert abs(near_test - near_train) < 0.05 * near_train

# %% [markdown]
# Nearly a projection, and not quite: what has been reconstructed once moves much less the second time (by squares a few per cent of the error, so in length up to about a fifth), but the encoder does not find the nearest point of the surface. On the digits that it was trained on it is almost there; for new ones it has to guess, and is farther off. The surface itself is as near to these new digits as to those of the training: what gets worse on new ones is the encoder.
# (The same gap, for distributions in place of points, has a name in notebook 07.)

# %% [markdown]
# **Sources.** G. Hinton and R. Salakhutdinov, *Reducing the dimensionality of data with neural networks*, Science 313, 504–507, 2006 (published figures: caption of figure 2). D. Kingma and J. Ba, *Adam: a method for stochastic optimization*, 2015.
# T. Cover and P. Hart, *Nearest neighbor pattern classification*, 1967. I. Goodfellow, Y. Bengio and A. Courville, *Deep Learning*, 2016, chapter 14. Digits: MNIST, Y. LeCun, C. Cortes, C. Burges.
