# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # PCA is a linear autoencoder
#
# *Lecture points L2, L4 and L5. About {{core minutes}} minutes, 18 points; {{further minutes}} more and 2 points below "Further". [Glossary](00_start_here.ipynb#Glossary)*
#
# A photograph of a face is thousands of numbers. How few numbers could stand for it? This notebook answers the question for
# the simplest machine that can be asked: a network with one hidden layer and no nonlinearity, trained to give back its
# own input. You will see that its best answer, known since 1901, is now called *principal component
# analysis* (PCA), and that gradient descent finds it unaided.
#
# By the end you can say, and show with numbers,
#
# - why a bottleneck makes "predict your own input" a problem worth solving,
# - what "the best subspace" can mean, and which one it is,
# - what a trained linear autoencoder shares with PCA, and what it does not.

# %%
import numpy as np

from course_utils.checking import check, hint, predict, progress, reveal
from course_utils.data import load_faces, load_mnist
from course_utils.explorables.pca_explorer import PCASet, pca_explorer
from course_utils.models import pca
from course_utils.models.pca import subspace_angle
from course_utils.showing import drawings, plots
from course_utils.showing.evidence import expect, results

faces, digits = load_faces(), load_mnist()
print("faces:", faces.x_train.shape, "digits:", digits.x_train.shape, faces.note)

# %% [markdown]
# One example is one row: the pixels of an image in reading order, from 0 (black) to 1 (white). The faces are 40 people with
# ten photographs each (eight to train on, two to test on).

# %%
fig, (left, right) = plots.figure(9, 1.5, columns=2)
plots.image_grid(faces.x_train[4::20][:16], faces.shape, columns=8, ax=left)
plots.image_grid(digits.x_train[:16], digits.shape, columns=8, ax=right)
plots.show(fig, alt="Sixteen faces and sixteen handwritten digits.")

# %% [markdown]
# ## 1. A network that predicts its own input
#
# An **autoencoder** takes $\mathbf{x}$ and predicts $\mathbf{x}$ (L2). The simplest has one hidden layer with $K$ units and no nonlinearity (L4):
#
# $$\mathbf{z} = V\mathbf{x}, \qquad \hat{\mathbf{x}} = U\mathbf{z} = UV\mathbf{x}, \qquad
# \mathcal{L}(\mathbf{x}, \hat{\mathbf{x}}) = \lVert \mathbf{x} - \hat{\mathbf{x}} \rVert^2,$$
#
# with an encoder $V$ ($K \times D$) and a decoder $U$ ($D \times K$). Our examples are rows, so in code $\hat{\mathbf{x}} = UV\mathbf{x}$ reads
# `x @ V.T @ U.T`.

# %%
fig, ax = drawings.hourglass([4096, 40], "$V$", "$U$")
plots.show(fig, alt="An hourglass: x with D = 4096 goes through V to a code z with K = "
                    "40, and through U to a reconstruction with D = 4096.")

# %%
predict("01-identity", "Let K = D, and let training end with an error of 0. What must "
        "the network have learned about faces?",
        ["the mean face", "the most common features", "nothing"])

# %%
rng = np.random.default_rng(0)
x = digits.x_train[:5, 300:312].astype(float)  # twelve pixels of five digits: D = 12
V = rng.normal(size=(12, 12))
U = np.linalg.inv(V)
print("error:", np.round(np.sum((x - x @ V.T @ U.T) ** 2), 10))
reveal("01-identity", "nothing")

# %% [markdown]
# Zero, with a *random* encoder: whatever $V$ scrambles, $U = V^{-1}$ puts back, so that $UV = I$. Nothing was learned about the pictures. The same goes for $K > D$, where $U$ can be any left inverse of $V$.
#
# So the hidden layer must be a **bottleneck**, $K < D$. Now something has to be lost.

# %%
predict("01-rank", "K = 3, with random U and V. A hundred inputs of 12 numbers go "
        "through: how many dimensions do the outputs fill?", [1, 3, 12, 100])

# %%
U, V = rng.normal(size=(12, 3)), rng.normal(size=(3, 12))
x_hat = rng.normal(size=(100, 12)) @ V.T @ U.T
print("rank of 100 outputs:", np.linalg.matrix_rank(x_hat))
reveal("01-rank", np.linalg.matrix_rank(x_hat))
P = U @ V
print("P @ P equals P:", np.allclose(P @ P, P))

# %% [markdown]
# Three, as $U$ and $V$ have rank 3. Every output is a combination of the $K$ columns of $U$: the network *maps* everything into a $K$-dimensional subspace. (It does not *project*: for that, doing it twice would have to change
# nothing, $P^2 = P$ for $P = UV$, and this random $P$ fails.) Learning means choosing the subspace, and the way into it. Which one is best?

# %% [markdown]
# ## 2. Encode and decode with a given subspace
#
# Let $\mathbf{c}_1, \dots, \mathbf{c}_K$ be orthonormal vectors that span the subspace, and let it pass through the mean
# $\boldsymbol\mu$ of the data rather than the origin. The point of the subspace that is nearest to $\mathbf{x}$ has the coordinates
#
# $$z_k = \mathbf{c}_k^\top (\mathbf{x} - \boldsymbol\mu), \qquad \hat{\mathbf{x}} = \boldsymbol\mu + \sum_{k=1}^{K} z_k \mathbf{c}_k.$$
#
# In code the $\mathbf{c}_k$ are the rows of `components`.

# %% [markdown]
# {{exercise pca_encode}}

# %%
def pca_encode(x, mean, components):
    """Codes (N, K) of x (N, D); mean (D,), components (K, D) with orthonormal rows."""
    ### BEGIN SOLUTION
    return (x - mean) @ components.T
    ### END SOLUTION


# %%
pca_encode = check(pca_encode)

# %% [markdown]
# {{exercise pca_decode}}

# %%
def pca_decode(z, mean, components):
    """Points (N, D) of the subspace that have the codes z (N, K)."""
    ### BEGIN SOLUTION
    return mean + z @ components
    ### END SOLUTION


# %%
pca_decode = check(pca_decode)

# %% [markdown]
# Take two pixels of the faces, one on each cheek, so that the data are points in a plane and a subspace with $K = 1$ is a
# line through their mean. Here is one line, at 20°:

# %%
cheeks = faces.x_train.reshape(-1, 64, 64)[:, 36, [16, 48]].astype(float)
centre = cheeks.mean(axis=0)


def line(degrees):  # the direction at an angle, as components (1, 2)
    return np.array([[np.cos(np.radians(degrees)), np.sin(np.radians(degrees))]])


on_line = pca_decode(pca_encode(cheeks, centre, line(20)), centre, line(20))

# %%
fig, ax = plots.figure(5, 4.4)
ax.plot(*np.stack([cheeks, on_line]).transpose(2, 0, 1), color="#94a4a2", linewidth=0.5)
ax.scatter(*cheeks.T, s=9, label="x")
ax.scatter(*on_line.T, s=9, label="reconstruction")
ax.set(xlabel="brightness of the left cheek", ylabel="brightness of the right cheek")
ax.set(aspect="equal", title="Faces, reconstructed on a line at 20°")
ax.legend()
plots.show(fig, alt="Points around the diagonal, each joined to its foot on a line.")

# %% [markdown]
# ## 3. Keep much, lose little
#
# There are two ways to say what a good subspace is (L5). **Lose little**: make the mean squared length of the grey segments small. **Keep
# much**: spread the orange points as widely as possible. Write both as variances, with $\frac1N$ and summed over dimensions:
#
# $$\underbrace{\frac1N \sum_n \lVert \mathbf{x}_n - \hat{\mathbf{x}}_n \rVert^2}_{\text{residual variance}} \qquad\text{and}\qquad
# \underbrace{\frac1N \sum_n \lVert \mathbf{z}_n \rVert^2}_{\text{projected variance}}, \qquad \mathbf{z}_n = C(\mathbf{x}_n - \boldsymbol\mu).$$

# %% [markdown]
# {{exercise projected_variance}}

# %%
def projected_variance(x, components):
    """Variance of x (N, D) along the orthonormal rows of components (K, D)."""
    ### BEGIN SOLUTION
    z = (x - x.mean(axis=0)) @ components.T
    return np.mean(np.sum(z ** 2, axis=1))
    ### END SOLUTION


# %%
projected_variance = check(projected_variance)

# %% [markdown]
# {{exercise residual_variance}}

# %%
def residual_variance(x, components):
    """Variance of x (N, D) outside the subspace through its mean; a scalar."""
    ### BEGIN SOLUTION
    centred = x - x.mean(axis=0)
    lost = centred - centred @ components.T @ components
    return np.mean(np.sum(lost ** 2, axis=1))
    ### END SOLUTION


# %%
residual_variance = check(residual_variance)

# %%
predict("01-sum", "Turn the line from 0° to 180°. What does the sum of projected and "
        "residual variance do?", ["it is largest where the projected variance is",
                         "it stays the same", "it is smallest at the best angle"])

# %%
angles = np.arange(181)
kept = np.array([projected_variance(cheeks, line(a)) for a in angles])
lost = np.array([residual_variance(cheeks, line(a)) for a in angles])

# %%
fig, ax = plots.figure(7, 3.2)
ax.plot(angles, kept, label="projected (kept)")
ax.plot(angles, lost, "--", label="residual (lost)")
ax.plot(angles, kept + lost, ":", label="sum")
ax.set(xlabel="angle of the line in degrees", ylabel="variance (brightness²)")
ax.set(ylim=(0, None), xticks=range(0, 181, 30), title="Kept and lost variance")
ax.legend(loc="lower center", ncols=3)
plots.show(fig, alt="Projected variance has its top where residual variance has its "
                    "bottom; their sum is a flat line.")
reveal("01-sum", "it stays the same")

# %% [markdown]
# The sum is constant, so the best angle for one is the best for the other. The reason is Pythagoras: the segment to the line is at right
# angles to the line, so for every example $\lVert \mathbf{x} - \boldsymbol\mu \rVert^2 = \lVert \mathbf{z} \rVert^2 + \lVert \mathbf{x} - \hat{\mathbf{x}} \rVert^2$. Averaged,
#
# $$\text{projected} + \text{residual} = \text{total variance}, \quad\text{whatever the subspace.}$$

# %%
total = np.var(cheeks, axis=0).sum()
print(f"best angle: {kept.argmax()}°, keeps {kept.max() / total:.1%} of the variance")

# %% tags=["expectation"]
assert np.allclose(kept + lost, total)
assert kept.argmax() == lost.argmin()

# %% [markdown]
# ## 4. The best subspace
#
# For one direction $\mathbf{u}$ of length 1, the projected variance is $\mathbf{u}^\top S \mathbf{u}$ with the covariance matrix
# $S = \frac1N \sum_n (\mathbf{x}_n - \boldsymbol\mu)(\mathbf{x}_n - \boldsymbol\mu)^\top$. For the line at 20°:

# %%
S = np.cov(cheeks, rowvar=False, bias=True)
u = line(20)[0]
print(f"u S u: {u @ S @ u:.6f}, projected: {projected_variance(cheeks, line(20)):.6f}")

# %% [markdown]
# To maximise $\mathbf{u}^\top S\mathbf{u}$ on the circle $\mathbf{u}^\top\mathbf{u} = 1$, use a Lagrange multiplier:
# the gradient of $\mathbf{u}^\top S\mathbf{u} - \lambda(\mathbf{u}^\top\mathbf{u} - 1)$ vanishes where
#
# $$S\mathbf{u} = \lambda\mathbf{u}, \qquad\text{and there}\qquad \mathbf{u}^\top S\mathbf{u} = \lambda.$$
#
# The candidates are the eigenvectors $\mathbf{q}_1, \dots, \mathbf{q}_D$ of $S$, and the variance along each is its eigenvalue. The best single direction is the eigenvector with the largest eigenvalue.
#
# And for $K > 1$? Write $S = \sum_j \lambda_j \mathbf{q}_j\mathbf{q}_j^\top$. A subspace with orthonormal rows $C$ keeps
#
# $$\mathrm{tr}(C S C^\top) = \sum_j \lambda_j h_j, \qquad h_j = \lVert C\mathbf{q}_j \rVert^2 .$$
#
# $h_j$ says how much of $\mathbf{q}_j$ lies in the subspace: it is between 0 and 1, and $\sum_j h_j = K$. There are $K$ units to give away, at most one to each eigenvalue; most is kept when the $K$ largest eigenvalues get one each. So the best
# subspace is spanned by the $K$ *dominant* eigenvectors (the only best one, if $\lambda_K > \lambda_{K+1}$).

# %%
pixels = digits.x_train[:500, 376:388].astype(float)
lam, q = np.linalg.eigh(np.cov(pixels, rowvar=False, bias=True))
C = np.linalg.qr(rng.normal(size=(12, 3)))[0].T  # any three orthonormal rows
h = np.sum((C @ q) ** 2, axis=0)
print(f"kept: {projected_variance(pixels, C):.4f}, lambda h: {lam @ h:.4f}, "
      f"at most: {lam[-3:].sum():.4f}; h from {h.min():.2f} to {h.max():.2f}")

# %% tags=["expectation"]
assert np.isclose(projected_variance(pixels, C), lam @ h)
assert h.min() >= 0 and h.max() <= 1 and np.isclose(h.sum(), 3)
assert lam @ h <= lam[-3:].sum()

# %% [markdown]
# Back to the cheeks, where $K = 1$:

# %%
values, vectors = np.linalg.eigh(S)  # eigenvalues in ascending order
u = vectors[:, -1]
degrees = np.degrees(np.arctan2(u[1], u[0])) % 180
print(f"eigenvector: {degrees:.1f}°, eigenvalue: {values[-1]:.6f}, "
      f"projected: {projected_variance(cheeks, u[None]):.6f}")

# %% tags=["expectation"]
assert abs(degrees - kept.argmax()) < 0.5
assert np.isclose(projected_variance(cheeks, u[None]), values[-1])

# %% [markdown]
# The eigenvector points where the curve above has its top. For faces, with 4096 pixels, $S$ would have 16.8 million entries. The **singular value decomposition** of the centred data avoids it:
#
# $$X - \boldsymbol\mu = P\,\mathrm{diag}(\mathbf{s})\,C \quad\Rightarrow\quad
# S = \tfrac1N (X-\boldsymbol\mu)^\top (X-\boldsymbol\mu) = C^\top\, \mathrm{diag}(\mathbf{s}^2/N)\; C,$$
#
# so the rows of $C$ are the eigenvectors of $S$ and $s_k^2/N$ its eigenvalues, in descending order.

# %% [markdown]
# {{exercise pca_fit}}

# %%
def pca_fit(x, K):
    """mean (D,) and the first K principal components (K, D) of x (N, D)."""
    ### BEGIN SOLUTION
    mean = x.mean(axis=0)
    _, _, components = np.linalg.svd(x - mean, full_matrices=False)
    return mean, components[:K]
    ### END SOLUTION


# %%
pca_fit = check(pca_fit)

# %% [markdown]
# ## 5. Eigenfaces and eigendigits
#
# An eigenvector of $S$ has as many entries as an image has pixels, so it can be drawn as one (red adds light, blue takes it away; its sign is arbitrary).

# %%
regions = {"the whole picture": slice(0, 64), "its top third": slice(0, 21),
           "its middle third": slice(21, 43), "its bottom third": slice(43, 64)}
predict("01-faces", "A component gives each face one number. The number of the first: "
        "the brightness of what does it follow most closely?", list(regions))

# %%
face_mean, eigenfaces = pca_fit(faces.x_train, 200)

# %% tags=["expectation"]
assert np.allclose(eigenfaces @ eigenfaces.T, np.eye(200), atol=1e-4)

# %%
fig, (left, right) = plots.figure(7.4, 2.9, columns=2, width_ratios=[1, 4.6])
plots.image_grid(face_mean[None], faces.shape, columns=1, titles=["mean"], ax=left)
plots.image_grid(eigenfaces[:10], faces.shape, columns=5, titles=range(1, 11),
                 diverging=True, ax=right)
plots.show(fig, alt="The blurred mean face and ten eigenfaces: masks of red and blue.")

# %% [markdown]
# A walk is easier to read. Each row goes through the mean, from $-2.5$ to $2.5$ standard
# deviations $\sqrt{\lambda_k}$ along one component.

# %%
deviations = pca_encode(faces.x_train, face_mean, eigenfaces).std(axis=0)
ts = np.linspace(-2.5, 2.5, 7)
codes = np.concatenate([np.outer(ts * deviations[k], np.eye(200)[k]) for k in range(4)])
walk = pca_decode(codes, face_mean, eigenfaces)

# %%
fig, ax = plots.figure(7.2, 4.3)
plots.image_grid(walk, faces.shape, columns=7, column_labels=[f"{t:.1f}" for t in ts],
                 row_labels=[f"component {k}" for k in range(1, 5)], ax=ax)
plots.show(fig, alt="Four rows of seven blurred faces. Each row changes smoothly in "
                    "its own way: large regions become brighter or darker, hair and "
                    "outlines come and go.")

# %% [markdown]
# How much of the variance of a region's mean brightness do the first components account for? (The control: the same, of other faces.)

# %%
def share_explained(target, z):  # R^2 of the least-squares fit of target (N,)
    centred = target - target.mean()
    fit = z @ np.linalg.lstsq(z, centred, rcond=None)[0]
    return np.sum(fit ** 2) / np.sum(centred ** 2)


z = pca_encode(faces.x_train, face_mean, eigenfaces[:2])
lines = faces.x_train.reshape(-1, 64, 64).mean(axis=2)  # the 64 lines' brightness
bright = {name: lines[:, rows].mean(axis=1) for name, rows in regions.items()}
shuffled = np.random.default_rng(0).permutation(lines.mean(axis=1))
shares = {name: [share_explained(b, z[:, k]) for k in ([0], [1], [0, 1])]
          for name, b in (bright | {"control": shuffled}).items()}
results(shares, ["component 1", "component 2", "both"], digits=2,
        caption="Share of the variance of brightness")
reveal("01-faces", max(regions, key=lambda name: shares[name][0]))

# %% tags=["expectation"]
assert shares["the whole picture"][2] > 0.9 and max(shares["control"]) < 0.05
if not faces.note:  # the photographs
    expect(shares["its top third"][0], 0.913, within=0.02)
    expect(shares["the whole picture"][0], 0.586, within=0.02)
    expect(shares["its bottom third"][1], 0.733, within=0.02)
    people = np.stack([z[faces.y_train == person].mean(axis=0) for person in range(40)])
    between = people.var(axis=0) / z.var(axis=0)  # by chance 39/319 = 0.12
    assert between[0] > 0.88 and between[1] > 0.8

# %% [markdown]
# In the photographs, the first component is how bright the top of the picture is: hair, or forehead. The second is the rest; together they all but give the whole. That says something of who it is: 91 and
# 83 per cent of the two components' variance lie between the forty people's means (by chance, 12). But PCA did not look for people. It keeps what is *large in pixels*, not what matters to us.

# %% [markdown]
# The same for the digits, from half of the training set:

# %%
digit_mean, eigendigits = pca_fit(digits.x_train[::2], 784)
fig, (left, right) = plots.figure(7.4, 2.9, columns=2, width_ratios=[1, 4.6])
plots.image_grid(digit_mean[None], digits.shape, columns=1, titles=["mean"], ax=left)
plots.image_grid(eigendigits[:10], digits.shape, columns=5, titles=range(1, 11),
                 diverging=True, ax=right)
plots.show(fig, alt="The blurred mean digit and ten eigendigits: rings and waves.")

# %% [markdown]
# ## 6. How many components?
#
# The eigenvalues say what each component is worth: the first $K$ together keep the share
# $(\lambda_1 + \dots + \lambda_K) / (\lambda_1 + \dots + \lambda_D)$ of the variance. A drawing of them is called a *scree plot*.

# %%
def eigenvalues_of(x, mean):
    return np.linalg.svd(x - mean, compute_uv=False) ** 2 / len(x)


face_values = eigenvalues_of(faces.x_train, face_mean)
digit_values = eigenvalues_of(digits.x_train[::2], digit_mean)

# %%
fig, (left, right) = plots.figure(9.6, 3.2, columns=2, sharey=True)
plots.scree(face_values, ax=left).set_title("faces")
plots.scree(digit_values, ax=right).set(title="digits", ylabel="")
plots.show(fig, alt="Share of the variance against K, for faces and digits: single "
                    "shares fall quickly; the first K together climb to 100 per cent.")

# %% [markdown]
# {{exercise choose_k}}

# %%
def choose_k(eigenvalues, fraction):
    """The smallest K whose eigenvalues are at least `fraction` of the sum of all."""
    ### BEGIN SOLUTION
    share = np.cumsum(eigenvalues) / np.sum(eigenvalues)
    return int(np.argmax(share >= fraction)) + 1
    ### END SOLUTION


# %%
choose_k = check(choose_k)

# %%
for fraction in (0.5, 0.9, 0.95):
    K_faces, K_digits = [choose_k(v, fraction) for v in (face_values, digit_values)]
    print(f"{fraction:.0%} of the variance: faces K = {K_faces}, digits K = {K_digits}")

# %% [markdown]
# 90 per cent of the variance sounds like a good reconstruction. Look:

# %%
def reconstruct(x, mean, components, K):
    return pca_decode(pca_encode(x, mean, components[:K]), mean, components[:K])


ks = sorted([1, 5, 20, choose_k(face_values, 0.9), 200])
some = faces.x_test[10:18]
rows = [some] + [reconstruct(some, face_mean, eigenfaces, K) for K in ks]

# %%
fig, ax = plots.figure(7.6, 5.8)
plots.image_grid(np.concatenate(rows), faces.shape, columns=8, ax=ax,
                 row_labels=["original"] + [f"K = {K}" for K in ks])
plots.show(fig, alt="Eight test faces, and below them their reconstructions from ever "
                    "more components: blurred, then sharper.")

# %% [markdown]
# These are *test* photographs, which PCA has not seen; but it has seen eight others of each of these people. For an honest curve, keep eight of the forty people out altogether.

# %%
predict("01-new", "PCA is fitted to 256 photographs of 32 people. With K = 255 its "
        "training error is 0. What share of the error at K = 1 is left on photographs "
        "of eight other people?", unit="per cent")

# %%
known = faces.y_train < 32
mean, components = pca_fit(faces.x_train[known], 256)
ks = [1, 2, 5, 10, 20, 50, 100, 255]
sets = {"training photographs": faces.x_train[known],
        "new photographs of the same people": faces.x_test[faces.y_test < 32],
        "photographs of new people": faces.x_train[~known]}


def error(x, K):
    return np.mean(np.sum((x - reconstruct(x, mean, components, K)) ** 2, axis=1))


errors = {name: [error(x, K) for K in ks] for name, x in sets.items()}

# %%
fig, ax = plots.figure(6.6, 3.4)
for (name, values), marker in zip(errors.items(), "os^"):
    ax.plot(ks, values, marker=marker, label=name, clip_on=False)
ax.set(xscale="log", xlabel="K", ylabel="squared error per face", ylim=(0, None),
       title="Faces: error against K")
ax.set_xticks(ks, ks)
ax.legend()
plots.show(fig, alt="Squared error per face against K: the training error falls to "
                    "zero at K = 255; on new photographs of the same people it "
                    "flattens out above zero, and on new people higher still.")

# %%
K = choose_k(eigenvalues_of(faces.x_train[known], mean), 0.9)
results({name: [*(round(errors[name][i], 6) for i in (0, 4, -1)),
                f"{1 - error(x, K) / error(x, 0):.0%}"] for name, x in sets.items()},
        ["K = 1", "K = 20", "K = 255", f"variance kept with K = {K}"],
        caption="Squared error per face, and share of the variance")
new = errors["photographs of new people"]
reveal("01-new", 100 * new[-1] / new[0], unit="per cent")

# %% tags=["expectation"]
last = [values[-1] for values in errors.values()]
assert last[0] < 1e-3 and last[1] < 0.85 * last[2]
if not faces.note:  # the photographs
    assert last[1] > 8
    expect(last[2], 15.6, within=0.5)
    kept_new = [1 - error(x, K) / error(x, 0) for x in sets.values()]
    assert 0.9 <= kept_new[0] < 0.91 and kept_new[1] < 0.82 and kept_new[2] < 0.79
    for seed in (1, 4):                 # eight other people
        inside = np.isin(faces.y_train, np.random.default_rng(seed).permutation(40)[8:])
        m, c = pca_fit(faces.x_train[inside], 256)
        left = [np.sum((faces.x_train[~inside] - reconstruct(
            faces.x_train[~inside], m, c, k)) ** 2) for k in (255, 1)]
        expect(100 * left[0] / left[1], 19.5, within=2.5)

# %% [markdown]
# Centred, 256 examples span only 255 dimensions, so with $K = 255$ every training face is reproduced, which says nothing about new ones. What the code is worth shows on photographs that were not used, and, for a code of *faces*,
# on people who were not. A $K$ that is chosen by the variance of the training set alone is too hopeful, as the last column shows. (With other choices of eight people, too, the photographs leave about a fifth of the error.)

# %% [markdown]
# ## 7. Explore
#
# The panel shows an example, its reconstruction from $K$ numbers, and that reconstruction moved along one component: which *kind* of detail arrives when?
#
# Decide before you move anything: at which $K$ will you first recognise the person? And if you move digit component 1 from $-3$ to $+3$ standard deviations, between which two digits will it go?

# %%
face_set = PCASet(faces.x_test, face_mean, eigenfaces, face_values, faces.shape)
digit_set = PCASet(digits.x_test, digit_mean, eigendigits[:200], digit_values,
                   digits.shape)
pca_explorer({"faces": face_set, "digits": digit_set})

# %% [markdown] tags=["expectation"]
# <details><summary>Answers</summary>
#
# When you know the person, only you can say. A program that takes the nearest training photograph, by the first $K$ codes, finds the right person for a third of the test photographs with 2 components, for three quarters with 5, for more than nine in ten with 10, and after that for hardly any more. Digit component 1 goes from a one to a zero, or back: its sign is arbitrary.
#
# </details>

# %% tags=["expectation"]
face_codes, new_codes = ((f - face_mean) @ eigenfaces.T
                         for f in (faces.x_train, faces.x_test))
for K, low, high in [(2, 0.2, 0.45), (5, 0.65, 0.85), (10, 0.9, 1), (60, 0.9, 1)]:
    away = ((new_codes[:, None, :K] - face_codes[None, :, :K]) ** 2).sum(axis=2)
    found = np.mean(faces.y_train[away.argmin(axis=1)] == faces.y_test)
    assert faces.note or low < found < high, (K, found)
means = np.array([digits.x_train[digits.y_train == c].mean(axis=0) for c in range(10)])
far = 3 * np.sqrt(digit_values[0]) * eigendigits[0]
ends = [((means - x) ** 2).sum(axis=1).argmin()
        for x in (digit_mean - far, digit_mean + far)]
assert {*ends} == {0, 1}, ends

# %% [markdown]
# ## 8. Now let a network find it
#
# A network only needs a loss and its gradient. Back to the linear autoencoder of section
# 1, on centred data:
#
# $$\mathcal{J}(U, V) = \frac1N \sum_n \lVert \mathbf{x}_n - UV\mathbf{x}_n \rVert^2.$$
#
# Backpropagate by hand. Call the stages $\mathbf{z} = V\mathbf{x}$, $\hat{\mathbf{x}} = U\mathbf{z}$ and $\mathbf{r} = \mathbf{x} - \hat{\mathbf{x}}$; the bar
# over a letter stands for the derivative of $\mathcal{J}$ with respect to it, as in the lecture.

# %% [markdown]
# {{exercise linear_ae_gradients}}

# %%
def linear_ae_gradients(x, U, V):
    """dU (D, K), dV (K, D) of the mean over rows of ||x - U V x||^2; x (N, D)."""
    ### BEGIN SOLUTION
    z = x @ V.T
    x_hat_bar = -2 * (x - z @ U.T) / len(x)
    z_bar = x_hat_bar @ U
    return x_hat_bar.T @ z, z_bar.T @ x
    ### END SOLUTION


# %%
linear_ae_gradients = check(linear_ae_gradients)

# %% [markdown]
# {{exercise linear_ae_train}}

# %%
def linear_ae_train(x, K, steps, rng):
    """U (D, K), V (K, D) after `steps` updates on centred x (N, D)."""
    ### BEGIN SOLUTION
    D = x.shape[1]
    U, V = 0.3 * rng.normal(size=(D, K)), 0.3 * rng.normal(size=(K, D))
    for _ in range(steps):
        dU, dV = linear_ae_gradients(x, U, V)
        U, V = U - 0.05 * dU, V - 0.05 * dV
    return U, V
    ### END SOLUTION


# %%
linear_ae_train = check(linear_ae_train)

# %% [markdown]
# ### The same subspace?
#
# To compare what training found with PCA we need a distance between *subspaces*: $U$ and the eigenvectors may be different bases of the same one. The
# **principal angles** measure it. The first is the smallest angle between a vector of one subspace and a vector of the other; the next is the smallest at
# right angles to those; and so on. If the *largest* is 0, the subspaces are the same. With orthonormal bases $Q_A$ and $Q_B$ of the two, the cosines of the principal angles are the singular values of $Q_A^\top Q_B$. The library's `subspace_angle`
# returns the largest angle; below "Further" you can write it yourself.

# %% [markdown]
# ### On the digits
#
# First with the loop of `linear_ae_train`. Give it the digits' first 50 principal components, scaled so that the largest variance is 1. PCA's subspace is then that of the first six coordinates.

# %%
predict("01-columns", "Train with K = 6. What will agree with PCA?",
        ["the error", "the error and the subspace",
         "the error, the subspace, and the columns of U are the eigendigits"])

# %%
codes = pca_encode(digits.x_train[::2], digit_mean, eigendigits[:50]).astype(float)
codes /= codes.std(axis=0).max()
six = np.eye(50)[:, :6]
U, V = linear_ae_train(codes, 6, 1400, np.random.default_rng(0))
my_error = np.mean(np.sum((codes - codes @ V.T @ U.T) ** 2, axis=1))
pca_error = residual_variance(codes, six.T)
my_angle = subspace_angle(U, six)
random_angle = subspace_angle(np.random.default_rng(0).normal(size=(50, 6)), six)
results({"PCA": [pca_error, 0], "linear_ae_train": [my_error, my_angle],
         "control: a random U": [None, random_angle]},
        ["error", "angle to PCA's subspace (radians)"], digits=4)

# %% tags=["expectation"]
assert pca_error <= my_error < 1.005 * pca_error and my_angle < 0.1 < 1 < random_angle

# %%
columns = (eigendigits[:50].T @ U).T  # from 50 numbers back to pixels
columns /= np.linalg.norm(columns, axis=1, keepdims=True)
fig, ax = plots.figure(7.2, 2.2)
plots.image_grid(np.concatenate([columns, eigendigits[:6]]), digits.shape, columns=6,
                 ax=ax, row_labels=["columns of U", "eigendigits"], diverging=True)
plots.show(fig, alt="Six columns of U, drawn as images, above the first six "
                    "eigendigits: similar waves, but no column is one of them.")
reveal("01-columns", "the error and the subspace")

# %% [markdown]
# The same on all 784 pixels, with the library's `linear_ae_train`. Its loss and its gradients are the same, but it uses that the loss depends on the data only through $S$ (it is the trace of $S - 2\,UVS + UVS\,V^\top U^\top$), so that a step does not have to visit the 5,000 digits; and
# it descends with momentum.

# %%
centred = (digits.x_train[::2] - digit_mean).astype(float)
best = eigendigits[:6].T
angles = []
U, V = pca.linear_ae_train(
    centred, K=6, steps=400, rng=np.random.default_rng(1),
    callback=lambda step, U, V: angles.append(subspace_angle(U, best)))

# %%
def error_of(U, V):
    return np.mean(np.sum((centred - centred @ V.T @ U.T) ** 2, axis=1))


pca_error = residual_variance(centred, best.T)
results({"PCA": [pca_error, 0], "network": [error_of(U, V), angles[-1]]},
        ["error", "angle to PCA's subspace (radians)"], digits=4)

# %% tags=["expectation"]
assert pca_error <= error_of(U, V) < pca_error + 0.03 and angles[-1] < 5e-3

# %%
fig, (left, right) = plots.figure(9.6, 3.3, columns=2, width_ratios=[1, 1.5])
left.semilogy(np.arange(1, 401), angles)
left.set(xlabel="step", ylabel="angle (radians)", title="U turns into PCA's subspace")
columns = (U / np.linalg.norm(U, axis=0)).T
plots.image_grid(np.concatenate([columns, best.T]), digits.shape, columns=6, ax=right,
                 row_labels=["columns of U", "eigendigits"], diverging=True)
plots.show(fig, alt="The angle between the subspaces falls from above one radian to "
                    "almost zero. No column of U is one of the eigendigits.")

# %% [markdown]
# The error is PCA's and the subspace is PCA's, but $U$ is not made of eigenvectors. The reason: for any invertible $A$ ($K \times K$), the network
# $(UA,\; A^{-1}V)$ computes the same function.

# %%
A = rng.normal(size=(6, 6))
print("same function:", np.allclose((U @ A) @ (np.linalg.inv(A) @ V), U @ V))

# %% tags=["expectation"]
cosines = np.abs(columns @ best).max(axis=1)  # to the nearest eigendigit
expect(cosines.mean(), 0.65, within=0.2)
assert cosines.max() < 0.99
assert np.allclose((U @ A) @ (np.linalg.inv(A) @ V), U @ V)

# %%
predict("01-seeds", "Start from other random numbers. What will be the same?",
        ["U and V", "the subspace, not U and V", "neither"])

# %%
found = {}
for seed in (2, 3, 4):
    rng_other = np.random.default_rng(seed)
    other, _ = pca.linear_ae_train(centred, K=6, steps=400, rng=rng_other)
    alike = np.abs(columns @ (other / np.linalg.norm(other, axis=0))).max()
    found[f"seed {seed}"] = [subspace_angle(other, best), alike]
results(found, ["angle to PCA (radians)", "largest |cosine| of columns, to seed 1"])
same, columns_again = (max(values) for values in zip(*found.values()))
reveal("01-seeds", "the subspace, not U and V" if same < 0.05 and columns_again < 0.999
       else "neither")

# %% tags=["expectation"]
assert same < 0.03 and columns_again < 0.999

# %% [markdown]
# The loss cannot tell these networks apart, so training has no reason to prefer the eigenvectors.

# %% [markdown]
# ## What you have shown
#
# - An autoencoder with $K \ge D$ can copy; a bottleneck forces it to choose a $K$-dimensional subspace (L2, L4).
# - Projected plus residual variance is constant, so the most variance and the least error are the same choice, and the dominant
#   eigenvectors of the covariance matrix make it (L5).
# - Gradient descent on $\lVert \mathbf{x} - UV\mathbf{x} \rVert^2$ reaches PCA's error and PCA's subspace, from each of four random starts; $U$ and $V$ themselves are
#   determined only up to an invertible matrix, and $V$ only where the data vary (L4, L5).
#
# ## What is left open
#
# The set of all reconstructions is *flat*. Halfway between two faces lies a double exposure, not a face, and a digit that is shifted by three pixels is about as far from
# itself as from another digit. Such data may lie near *curved* surfaces. What if the encoder and the decoder could bend? That is notebook 02.

# %% tags=["expectation"]
some = digits.x_train[:400].reshape(-1, 28, 28)
shifted = np.sum((some - np.roll(some, 3, axis=2)) ** 2, axis=(1, 2)).mean()
others = np.sum((some[:200] - some[200:]) ** 2, axis=(1, 2)).mean()
expect(shifted / others, 1, within=0.15)

# %%
# NBVAL_IGNORE_OUTPUT
progress()

# %% [markdown]
# ## Further ({{further minutes}} minutes)
#
# ### Principal angles
#
# Write the function that compared subspaces above.

# %% [markdown]
# {{exercise subspace_angle}}

# %%
def subspace_angle(A, B):
    """Largest principal angle (radians) between the column spaces of A, B (D, K)."""
    ### BEGIN SOLUTION
    Q_A, Q_B = np.linalg.qr(A)[0], np.linalg.qr(B)[0]
    cosines = np.linalg.svd(Q_A.T @ Q_B, compute_uv=False)
    return np.arccos(np.clip(cosines.min(), -1, 1))
    ### END SOLUTION


# %%
subspace_angle = check(subspace_angle)

# %% [markdown]
# ### The eigenvectors, after all
#
# If you want the eigenvectors themselves, they are two lines away: run PCA *inside* the subspace, on codes with $K$ numbers.

# %%
Q = np.linalg.qr(U)[0]             # an orthonormal basis of the subspace
_, turn = pca_fit(centred @ Q, 6)  # PCA of 6 numbers per digit
cosines = np.abs(np.sum((turn @ Q.T) * best.T, axis=1))
results({"component": list(cosines)}, list("123456"), digits=4,
        caption="|cosine| of each component to its eigendigit")

# %% tags=["expectation"]
assert cosines.min() > 0.999

# %% [markdown]
# ### And the encoder?
#
# $U$ spans PCA's subspace. Do the rows of $V$ span it, too?

# %%
predict("01-encoder", "Do the rows of V span the subspace that the columns of U span?",
        ["yes", "no"])

# %%
difference = centred @ V.T @ U.T - centred @ best @ best.T
share = np.sum(difference ** 2) / np.sum(centred ** 2)
results({"angle of V's rows to PCA's subspace (radians)": subspace_angle(V.T, best),
         "difference of the outputs, as a share of the variance": share})
reveal("01-encoder", "yes" if subspace_angle(V.T, best) < 0.05 else "no")

# %% tags=["expectation"]
assert subspace_angle(V.T, best) > 0.5 and share < 1e-3

# %% [markdown]
# They do not, and yet the outputs are PCA's. Many pixels of the digits never change: at the border all are black. Whatever $V$ does with such a pixel costs nothing; the gradient is zero, and $V$ keeps the
# random numbers that it started from. Is that the whole reason? Set these pixels aside; and look at $V$ as the data see it, each direction weighted by its variance, $SV^\top$:

# %%
S = centred.T @ centred / len(centred)
black = centred.std(axis=0) == 0
_, V_start = pca.linear_ae_train(centred, K=6, steps=0, rng=np.random.default_rng(1))
print(f"{black.sum()} of 784 pixels never change; there, V is as it began:",
      np.allclose(V[:, black], V_start[:, black]))
results({name: [subspace_angle(rows, best)
                for rows in (W.T, np.where(black, 0, W).T, S @ W.T)]
         for name, W in {"V": V, "control: V at the start": V_start}.items()},
        ["all pixels", "without these", "weighted by variance"], digits=3,
        caption="Angle of V's rows to PCA's subspace (radians)")

# %% tags=["expectation"]
assert np.allclose(V[:, black], V_start[:, black])
assert subspace_angle(np.where(black, 0, V).T, best) > 0.6
assert subspace_angle(S @ V.T, best) < 0.01 < 0.3 < subspace_angle(S @ V_start.T, best)

# %% [markdown]
# It is a small part of it. Other pixels change *hardly* ever; there the gradient is almost zero, and 400 steps change next to nothing. In the directions in which the data do vary, $V$ is PCA's.
# An autoencoder is pinned down only *on the data*.

# %% [markdown]
# ### No false minimum
#
# The loss is not convex in $(U, V)$: can training end in a bad place? Baldi and Hornik (1989) showed, for a covariance of full rank with distinct eigenvalues (the digits' has zeros, for the black pixels), that there is no false minimum. Every set of
# $K$ eigenvectors gives points where the gradient vanishes, but only the dominant set gives minima; the others are saddles, and some small push leaves them.

# %%
U = eigendigits[1:7].T.astype(float)  # components 2 to 7: the first is missing
dU, dV = linear_ae_gradients(centred, U, U.T)
assert max(np.abs(dU).max(), np.abs(dV).max()) < 1e-3
print(f"the gradient vanishes, at {error_of(U, U.T) / pca_error:.3f} times PCA's error")

# %%
push = np.zeros_like(U)
push[:, -1] = 0.1 * eigendigits[0]  # turn one column a little towards the missing one
print(f"pushed: {error_of(U + push, (U + push).T) / pca_error:.3f} times PCA's error")

# %% tags=["expectation"]
assert error_of(U + push, (U + push).T) < error_of(U, U.T)
lost = digit_values.sum() - digit_values[1:7].sum()
assert np.isclose(error_of(U, U.T), lost, rtol=1e-3)  # all eigenvalues but those six

# %% [markdown]
# ### Three checks
#
# The standard deviations came from the codes. They must be the square roots of the eigenvalues, and codes along different components must be
# uncorrelated, because $C S C^\top$ is diagonal:

# %%
z = pca_encode(faces.x_train, face_mean, eigenfaces[:50]).astype(float)
covariance = np.cov(z, rowvar=False, bias=True)
singular_values = np.linalg.svd(faces.x_train - face_mean, compute_uv=False)
diagonal = np.diag(covariance)
rest = np.abs(covariance - np.diag(diagonal)).max()
print("variances are eigenvalues:",
      np.allclose(diagonal, singular_values[:50] ** 2 / len(z), rtol=1e-3),
      "| uncorrelated:", rest < 1e-3 * diagonal[0])

# %% tags=["expectation"]
assert np.allclose(diagonal, singular_values[:50] ** 2 / len(z), rtol=1e-3)
assert rest < 1e-3 * diagonal[0]

# %% [markdown]
# You backpropagated by hand. Autograd does the same by recording the operations, and the two must agree to rounding:

# %%
import autograd.numpy as anp
from autograd import grad

x = digits.x_train[:50, 300:312].astype(float)
U, V = rng.normal(size=(12, 3)), rng.normal(size=(3, 12))


def loss(UV):
    return anp.mean(anp.sum((x - x @ UV[1].T @ UV[0].T) ** 2, axis=1))


by_hand, automatic = linear_ae_gradients(x, U, V), grad(loss)((U, V))
print("dU and dV agree:", [np.allclose(*pair) for pair in zip(by_hand, automatic)])

# %% tags=["expectation"]
assert all(np.allclose(*pair) for pair in zip(by_hand, automatic))

# %% [markdown]
# And with more hidden units than inputs, any left inverse of $V$ copies:

# %%
V = rng.normal(size=(20, 12))
U = np.linalg.pinv(V)
print("U V is the identity:", np.allclose(U @ V, np.eye(12)))

# %% tags=["expectation"]
assert np.allclose(U @ V, np.eye(12))

# %% [markdown]
# **Sources.** K. Pearson, *On lines and planes of closest fit*, 1901. P. Baldi and K. Hornik, *Neural networks and principal component analysis: learning
# from examples without local minima*, 1989. M. Turk and A. Pentland, *Eigenfaces for recognition*, 1991. C. Bishop, *Pattern Recognition and Machine
# Learning*, 2006, section 12.1. Faces: AT&T (Olivetti Research Laboratory) Cambridge. Digits: MNIST, Y. LeCun, C. Cortes, C. Burges.
