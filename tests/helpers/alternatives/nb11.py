"""Right answers to notebook 11."""

import math

import autograd.numpy as anp
import numpy as np
from scipy.spatial import cKDTree
from scipy.special import expit, log_expit, logsumexp


# made_masks
def masks_by_loops(sizes, order):
    D, degrees = sizes[0], [[place + 1 for place in order]]
    for H in sizes[1:-1]:
        degrees.append([h % (D - 1) + 1 for h in range(H)])
    masks = []
    for below, above in zip(degrees, degrees[1:]):
        masks.append([[1 if a <= b else 0 for b in above] for a in below])
    masks.append([[1 if a <= place else 0 for place in order] for a in degrees[-1]])
    return masks


def masks_in_blocks(sizes, order):
    D = sizes[0]
    degrees = [np.asarray(order)] + [np.sort(np.arange(H) % (D - 1)) for H in sizes[1:-1]]
    masks = [a.reshape(-1, 1) <= b.reshape(1, -1) for a, b in zip(degrees[:-1], degrees[1:])]
    return [*masks, degrees[-1][:, None] < np.asarray(order)[None]]


def masks_from_above(sizes, order):
    D = sizes[0]
    degrees = [np.asarray(order) + 1] + [D - 1 - np.arange(H) % (D - 1) for H in sizes[1:-1]]
    inner = [np.greater_equal.outer(b, a).T * 1.0 for a, b in zip(degrees, degrees[1:])]
    return (*inner, np.greater.outer(degrees[0], degrees[-1]).T.astype("f4"))


# autoregressive_sample
def sample_by_columns(logits, u):
    x = np.full_like(u, 0.5)
    for d, column in enumerate(u.T):
        x[:, d] = np.where(column < expit(logits(x)[:, d]), 1.0, 0.0)
    return x


def sample_example_by_example(logits, u):
    rows = []
    for row in u:
        x = [0.0] * len(row)
        for d, level in enumerate(row):
            x[d] = 1.0 if math.log(level / (1 - level)) < logits(np.array([x]))[0, d] else 0.0
        rows.append(x)
    return rows


def sample_growing(logits, u):
    N, D = u.shape
    x = np.empty((N, 0))
    for d in range(D):
        padded = np.hstack([x, np.zeros((N, D - d))])
        x = np.hstack([x, u[:, d : d + 1] < expit(logits(padded)[:, d : d + 1])])
    return x


# coupling_forward
def forward_by_where(x, mask, s, t):
    kept = np.where(mask > 0, x, 0)
    scale, shift = s(kept), t(kept)
    return np.where(mask > 0, x, x * np.exp(scale) + shift), np.where(mask > 0, 0, scale).sum(axis=-1)


def forward_by_indices(x, mask, s, t):
    free = np.flatnonzero(np.asarray(mask) == 0)
    kept, z = np.array(x), np.array(x)
    kept[:, free] = 0
    scale = s(kept)[:, free]
    z[:, free] = x[:, free] * np.exp(scale) + t(kept)[:, free]
    return [z, scale @ np.ones(len(free))]


def forward_single(x, mask, s, t):
    x, mask = np.asarray(x, "f4"), np.asarray(mask, "f4")
    a, b = s(x * mask) * (1 - mask), t(x * mask) * (1 - mask)
    return x * np.exp(a) + b, np.log(np.prod(np.exp(a), axis=1))


# coupling_inverse
def inverse_by_where(z, mask, s, t):
    kept = np.where(mask == 1, z, 0)
    return np.where(mask == 1, z, (z - t(kept)) / np.exp(s(kept)))


def inverse_by_indices(z, mask, s, t):
    x = np.array(z)
    for d in np.flatnonzero(1 - np.asarray(mask)):
        x[:, d] = (z[:, d] - t(mask * z)[:, d]) * np.exp(-s(mask * z)[:, d])
    return x.tolist()


def inverse_by_factors(z, mask, s, t):
    a, b = (1 - mask) * s(mask * z), (1 - mask) * t(mask * z)
    return (z - b) / np.exp(a)


# gan_losses
def losses_by_where(logits_real, logits_fake):
    def softplus(a):
        return anp.maximum(a, 0) + anp.log1p(anp.exp(-anp.abs(a)))

    return anp.mean(softplus(-logits_real)) + anp.mean(softplus(logits_fake)), anp.mean(softplus(-logits_fake))


def losses_by_sums(logits_real, logits_fake):
    N, M = len(logits_real), len(logits_fake)
    d_loss = anp.sum(anp.logaddexp(0.0, -logits_real)) / N + anp.sum(anp.logaddexp(logits_fake, 0.0)) / M
    return [d_loss, anp.sum(anp.logaddexp(logits_fake, 0.0) - logits_fake) / M]


# optimal_discriminator
def discriminator_by_expit(log_p, log_q):
    return expit(np.subtract(log_p, log_q))


def discriminator_by_logsumexp(log_p, log_q):
    return np.exp(log_p - logsumexp(np.stack([log_p, log_q]), axis=0))


def discriminator_by_tanh(log_p, log_q):
    return [0.5 + 0.5 * math.tanh((p - q) / 2) for p, q in zip(log_p, log_q)]


def discriminator_by_logarithm(log_p, log_q):
    return np.exp(log_expit(log_p - log_q))


# precision_recall
def cover_by_loops(real, fake, k):
    def share(points, others):
        radii = [sorted(np.linalg.norm(others - one, axis=1))[k] for one in others]
        inside = [any(np.linalg.norm(p - o) <= r for o, r in zip(others, radii)) for p in points]
        return sum(inside) / len(inside)

    return share(fake, real), share(real, fake)


def cover_by_trees(real, fake, k):
    def share(points, others):
        radii = cKDTree(others).query(others, k + 1)[0][:, -1]
        gaps = np.sqrt(((points[:, None] - others) ** 2).sum(axis=-1))
        return np.mean((gaps <= radii).any(axis=1))

    return [share(fake, real), share(real, fake)]


def cover_by_infinite_diagonal(real, fake, k):
    def squared(a, b):
        return ((a[:, None, :] - b[None, :, :]) ** 2).sum(axis=2)

    def radii(a):
        table = squared(a, a)
        np.fill_diagonal(table, np.inf)
        return np.partition(table, k - 1, axis=1)[:, k - 1]

    between = squared(real, fake)
    return (between <= radii(real)[:, None]).any(0).mean(), (between <= radii(fake)[None]).any(1).mean()


ALTERNATIVES = {
    "made_masks": [masks_by_loops, masks_in_blocks, masks_from_above],
    "autoregressive_sample": [sample_by_columns, sample_example_by_example, sample_growing],
    "coupling_forward": [forward_by_where, forward_by_indices, forward_single],
    "coupling_inverse": [inverse_by_where, inverse_by_indices, inverse_by_factors],
    "gan_losses": [losses_by_where, losses_by_sums],
    "optimal_discriminator": [
        discriminator_by_expit,
        discriminator_by_logsumexp,
        discriminator_by_tanh,
        discriminator_by_logarithm,
    ],
    "precision_recall": [cover_by_loops, cover_by_trees, cover_by_infinite_diagonal],
}
