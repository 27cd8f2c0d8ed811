"""Wrong answers to notebook 11, from the cards alone."""

import autograd.numpy as anp
import numpy as np
from scipy.spatial.distance import cdist
from scipy.special import expit

from wrong_corpus import wrong

# --- made_masks -------------------------------------------------------------------------------------------------------


def _degrees(sizes):
    D = sizes[0]
    return [1 + np.arange(H) % (D - 1) for H in sizes[1:-1]]


@wrong(
    "made_masks",
    cause="The output may see its own input: the last mask needs < and not <=.",
    line="hidden[-1][:, None] <= ",
)
def output_sees_itself(sizes, order):
    order = np.asarray(order)
    hidden = _degrees(sizes)
    masks = [(order[:, None] + 1 <= hidden[0]).astype(float)]
    for low, high in zip(hidden, hidden[1:], strict=False):
        masks.append((low[:, None] <= high).astype(float))
    masks.append((hidden[-1][:, None] <= order + 1).astype(float))
    return masks


@wrong(
    "made_masks",
    cause="The order is not used: the inputs are taken in the order 0, 1, 2, ....",
    line="places = np.arange(D)",
)
def order_ignored(sizes, order):
    D = sizes[0]
    places = np.arange(D)
    hidden = _degrees(sizes)
    degrees = [places + 1, *hidden, places]
    return [(low[:, None] <= high).astype(float) for low, high in zip(degrees[:-1], degrees[1:], strict=True)]


@wrong(
    "made_masks",
    cause="The masks are transposed: (out, in) for (in, out).",
    line="high[:, None] >= low",
)
def masks_transposed(sizes, order):
    order = np.asarray(order)
    degrees = [order + 1, *_degrees(sizes), order]
    return [(high[:, None] >= low).astype(float) for low, high in zip(degrees[:-1], degrees[1:], strict=True)]


@wrong(
    "made_masks",
    cause="order is read the wrong way round, as the dimensions by place; order[d] is the place of dimension d.",
    line="np.argsort(order)",
)
def order_inverted(sizes, order):
    place = np.argsort(order)
    degrees = [place + 1, *_degrees(sizes), place]
    return [(a[:, None] <= b).astype(float) for a, b in zip(degrees[:-1], degrees[1:], strict=True)]


@wrong(
    "made_masks",
    cause="Hidden units of degree D have no output, and those of degree 0 no input: degrees run from 1 to D - 1.",
    line="np.arange(H) % D",
)
def degrees_from_zero(sizes, order):
    D = sizes[0]
    order = np.asarray(order)
    hidden = [np.arange(H) % D for H in sizes[1:-1]]
    degrees = [order + 1, *hidden, order]
    return [(a[:, None] <= b).astype(float) for a, b in zip(degrees[:-1], degrees[1:], strict=True)]


@wrong(
    "made_masks",
    cause="Between hidden layers a unit takes from units of strictly smaller degree only; its own degree is allowed.",
    line="a[:, None] < b",
)
def strictly_smaller_everywhere(sizes, order):
    order = np.asarray(order)
    degrees = [order, *_degrees(sizes), order + 1]
    masks = []
    for a, b in zip(degrees[:-1], degrees[1:], strict=True):
        masks.append((a[:, None] < b).astype(float))
    masks[-1] = (degrees[-2][:, None] <= order).astype(float)
    return masks


@wrong(
    "made_masks",
    cause="The degrees are drawn at random: they are not spread evenly.",
    line="rng.integers(",
)
def random_degrees(sizes, order):
    rng = np.random.default_rng(0)
    D = sizes[0]
    order = np.asarray(order)
    hidden = [rng.integers(1, D, size=H) for H in sizes[1:-1]]
    degrees = [order + 1, *hidden, order]
    return [(a[:, None] <= b).astype(float) for a, b in zip(degrees[:-1], degrees[1:], strict=True)]


@wrong(
    "made_masks",
    cause="The comparison is turned round: outputs see the inputs after them.",
    line="a[:, None] >= b",
)
def looks_into_the_future(sizes, order):
    order = np.asarray(order)
    degrees = [order, *_degrees(sizes), order + 1]
    return [(a[:, None] >= b).astype(float) for a, b in zip(degrees[:-1], degrees[1:], strict=True)]


@wrong(
    "made_masks",
    cause="Only two masks come back: deeper networks have one for each weight matrix.",
    line="return [first, last]",
)
def one_hidden_layer_only(sizes, order):
    order = np.asarray(order)
    hidden = _degrees(sizes)[0]
    first = (order[:, None] < hidden).astype(float)
    last = (hidden[:, None] <= order).astype(float)
    return [first, last]


@wrong(
    "made_masks",
    cause="The degrees come in blocks of H // (D - 1); what is left all goes to the largest degree: not spread evenly.",
    line="np.minimum(",
)
def rest_to_the_last_degree(sizes, order):
    D = sizes[0]
    order = np.asarray(order)
    hidden = [np.minimum(1 + np.arange(H) // (H // (D - 1)), D - 1) for H in sizes[1:-1]]
    degrees = [order + 1, *hidden, order]
    return [(a[:, None] <= b).astype(float) for a, b in zip(degrees[:-1], degrees[1:], strict=True)]


# --- autoregressive_sample --------------------------------------------------------------------------------------------


@wrong(
    "autoregressive_sample",
    cause="All dimensions are drawn at once from one pass on zeros: no dimension sees the ones before it.",
    line="logits(np.zeros_like(u))",
)
def one_pass_for_all(logits, u):
    p = expit(logits(np.zeros_like(u)))
    return (u < p).astype(float)


@wrong(
    "autoregressive_sample",
    cause="The comparison is turned round: x is 1 where u is below the probability.",
    line="u[:, d] > expit(",
)
def comparison_turned_round(logits, u):
    x = np.zeros(u.shape)
    for d in range(u.shape[1]):
        x[:, d] = u[:, d] > expit(logits(x)[:, d])
    return x


@wrong(
    "autoregressive_sample",
    cause="The probabilities are put in, and not what is drawn with u.",
    line="x[:, d] = expit(logits(x)[:, d])",
)
def probabilities_for_samples(logits, u):
    x = np.zeros(u.shape)
    for d in range(u.shape[1]):
        x[:, d] = expit(logits(x)[:, d])
    return x


@wrong(
    "autoregressive_sample",
    cause="1 / (1 + exp(-l)) is fine, but exp(l) / (1 + exp(l)) is inf / inf for logits of thousands.",
    line="np.exp(l) / (1 + np.exp(l))",
)
def odds_overflow(logits, u):
    x = np.zeros(u.shape)
    for d in range(u.shape[1]):
        l = logits(x)[:, d]
        p = np.exp(l) / (1 + np.exp(l))
        x[:, d] = np.where(u[:, d] < p, 1.0, 0.0)
    return x


@wrong(
    "autoregressive_sample",
    cause="Fresh random numbers are drawn; the given u is to be used.",
    line="np.random.default_rng()",
)
def own_uniforms(logits, u):
    N, D = u.shape
    x = np.zeros((N, D))
    for d in range(D):
        p = 1 / (1 + np.exp(-np.clip(logits(x)[:, d], -700, 700)))
        x[:, d] = (np.random.default_rng().random(N) < p).astype(float)
    return x


@wrong(
    "autoregressive_sample",
    cause="The logit is compared with u; its sigmoid has to be taken.",
    line="u[:, d] < logits(x)[:, d]",
)
def sigmoid_forgotten(logits, u):
    x = np.zeros_like(u)
    for d in range(x.shape[1]):
        x[:, d] = (u[:, d] < logits(x)[:, d]).astype(float)
    return x


@wrong(
    "autoregressive_sample",
    cause="The dimensions are drawn from the last to the first.",
    line="reversed(range(",
)
def last_dimension_first(logits, u):
    x = np.zeros_like(u, dtype=float)
    for d in reversed(range(x.shape[1])):
        x[:, d] = u[:, d] < expit(logits(x)[:, d])
    return x


@wrong(
    "autoregressive_sample",
    cause="Each number is rounded: the likeliest value is taken, u is not used.",
    line="> 0",
)
def likeliest_value(logits, u):
    x = np.zeros(u.shape)
    for d in range(u.shape[1]):
        x[:, d] = logits(x)[:, d] > 0
    return x


@wrong(
    "autoregressive_sample",
    cause="The uniform numbers of one column serve for all dimensions.",
    line="u[:, 0]",
)
def one_column_of_noise(logits, u):
    x = np.zeros(u.shape)
    for d in range(u.shape[1]):
        p = expit(logits(x)[:, d])
        x[:, d] = u[:, 0] < p
    return x


@wrong(
    "autoregressive_sample",
    cause="The first dimension is never drawn: the loop starts at 1.",
    line="range(1, ",
)
def first_dimension_left_out(logits, u):
    x = np.zeros(u.shape)
    for d in range(1, u.shape[1]):
        x[:, d] = u[:, d] < expit(logits(x)[:, d])
    return x


# --- coupling_forward -------------------------------------------------------------------------------------------------


@wrong(
    "coupling_forward",
    cause="The log determinant adds s in all columns; only those that are scaled, 1 - m, count.",
    line="np.sum(scale, axis=1)",
)
def all_columns_in_the_determinant(x, mask, s, t):
    kept = mask * x
    scale = s(kept)
    z = kept + (1 - mask) * (x * np.exp(scale) + t(kept))
    return z, np.sum(scale, axis=1)


@wrong(
    "coupling_forward",
    cause="s and t are given all of x, not only what the mask keeps.",
    line="s(x), t(x)",
)
def networks_see_everything(x, mask, s, t):
    log_scale, shift = s(x), t(x)
    z = mask * x + (1 - mask) * (x * np.exp(log_scale) + shift)
    return z, ((1 - mask) * log_scale).sum(axis=1)


@wrong(
    "coupling_forward",
    cause="The logarithm of s is taken; s is the log of the scale already.",
    line="np.log(np.abs(scale))",
)
def log_of_s(x, mask, s, t):
    kept = mask * x
    scale = s(kept)
    z = kept + (1 - mask) * (x * np.exp(scale) + t(kept))
    return z, np.sum((1 - mask) * np.log(np.abs(scale)), axis=1)


@wrong(
    "coupling_forward",
    cause="The mask is turned round: what m keeps is changed.",
    line="kept = (1 - mask) * x",
)
def mask_turned_round(x, mask, s, t):
    kept = (1 - mask) * x
    scale = s(kept)
    z = kept + mask * (x * np.exp(scale) + t(kept))
    return z, np.sum(mask * scale, axis=1)


@wrong(
    "coupling_forward",
    cause="The shift t is scaled, too: exp(s) multiplies x alone.",
    line="(x + t(kept)) * np.exp(log_scale)",
)
def shift_before_the_scale(x, mask, s, t):
    kept = x * mask
    log_scale = s(kept)
    z = np.where(mask == 1, x, (x + t(kept)) * np.exp(log_scale))
    return z, np.where(mask == 1, 0, log_scale).sum(axis=1)


@wrong(
    "coupling_forward",
    cause="The determinant is returned, not its logarithm.",
    line="np.prod(np.exp(",
)
def determinant_for_its_log(x, mask, s, t):
    kept = mask * x
    a = (1 - mask) * s(kept)
    z = kept + (1 - mask) * (x * np.exp(a) + t(kept))
    return z, np.prod(np.exp(a), axis=1)


@wrong(
    "coupling_forward",
    cause="The sign is that of the inverse: the log determinant of dz/dx is plus the sum of s.",
    line="-np.sum(",
)
def determinant_of_the_inverse(x, mask, s, t):
    kept = mask * x
    a = s(kept)
    z = kept + (1 - mask) * (x * np.exp(a) + t(kept))
    return z, -np.sum((1 - mask) * a, axis=1)


@wrong(
    "coupling_forward",
    cause="x is multiplied by s, where e^s belongs.",
    line="x * a + t(kept)",
)
def scale_without_exp(x, mask, s, t):
    kept = mask * x
    a = s(kept)
    z = kept + (1 - mask) * (x * a + t(kept))
    return z, np.sum((1 - mask) * a, axis=1)


@wrong(
    "coupling_forward",
    cause="The log determinant is averaged over the dimensions; it is a sum.",
    line="np.mean(",
)
def mean_of_the_scales(x, mask, s, t):
    kept = mask * x
    a = s(kept)
    z = kept + (1 - mask) * (x * np.exp(a) + t(kept))
    return z, np.mean((1 - mask) * a, axis=1)


@wrong(
    "coupling_forward",
    cause="What is kept is lost: m x is not added.",
    line="z = (1 - mask) * (x * np.exp(a) + t(kept))",
)
def kept_part_lost(x, mask, s, t):
    kept = mask * x
    a = s(kept)
    z = (1 - mask) * (x * np.exp(a) + t(kept))
    return z, np.sum((1 - mask) * a, axis=1)


# --- coupling_inverse -------------------------------------------------------------------------------------------------


@wrong(
    "coupling_inverse",
    cause="It is scaled back before the shift is subtracted: z e^-s - t for (z - t) e^-s.",
    line="z * np.exp(-s(kept)) - t(kept)",
)
def scaled_before_shifted(z, mask, s, t):
    kept = mask * z
    return kept + (1 - mask) * (z * np.exp(-s(kept)) - t(kept))


@wrong(
    "coupling_inverse",
    cause="It is scaled by e^s again; the inverse divides by it.",
    line="* np.exp(s(kept))",
)
def scaled_the_wrong_way(z, mask, s, t):
    kept = mask * z
    return kept + (1 - mask) * (z - t(kept)) * np.exp(s(kept))


@wrong(
    "coupling_inverse",
    cause="s and t are given all of z, not only what the mask keeps.",
    line="s(z)",
)
def networks_see_all_of_z(z, mask, s, t):
    x = (z - t(z)) / np.exp(s(z))
    return mask * z + (1 - mask) * x


@wrong(
    "coupling_inverse",
    cause="This is the forward map once more.",
    line="z * np.exp(s(kept)) + t(kept)",
)
def forward_again(z, mask, s, t):
    kept = mask * z
    return kept + (1 - mask) * (z * np.exp(s(kept)) + t(kept))


@wrong(
    "coupling_inverse",
    cause="The shift is added; it has to be subtracted.",
    line="z + t(kept)",
)
def shift_added(z, mask, s, t):
    kept = mask * z
    return kept + (1 - mask) * (z + t(kept)) * np.exp(-s(kept))


@wrong(
    "coupling_inverse",
    cause="The mask is turned round.",
    line="free = (1 - mask) * z",
)
def wrong_half_kept(z, mask, s, t):
    free = (1 - mask) * z
    return free + mask * (z - t(free)) * np.exp(-s(free))


@wrong(
    "coupling_inverse",
    cause="z is divided by s, where e^s belongs.",
    line="/ s(kept)",
)
def divided_by_s(z, mask, s, t):
    kept = z * mask
    x = z.copy()
    moved = mask == 0
    x[:, moved] = ((z - t(kept)) / s(kept))[:, moved]
    return x


@wrong(
    "coupling_inverse",
    cause="The kept numbers are changed, too: m z has to be put back.",
    line="return (z - t(kept)) * np.exp(-s(kept))",
)
def kept_numbers_changed(z, mask, s, t):
    kept = mask * z
    return (z - t(kept)) * np.exp(-s(kept))


@wrong(
    "coupling_inverse",
    cause="The scale is not undone at all: only the shift is subtracted.",
    line="z - t(kept)",
)
def only_the_shift_undone(z, mask, s, t):
    kept = mask * z
    return mask * z + (1 - mask) * (z - t(kept))


# --- gan_losses -------------------------------------------------------------------------------------------------------


@wrong(
    "gan_losses",
    cause="The generator's loss is the saturating one, + mean log(1 - D).",
    line="g_loss = -anp.mean(anp.logaddexp(0, logits_fake))",
)
def saturating_generator(logits_real, logits_fake):
    d_loss = anp.mean(anp.logaddexp(0, -logits_real)) + anp.mean(anp.logaddexp(0, logits_fake))
    g_loss = -anp.mean(anp.logaddexp(0, logits_fake))
    return d_loss, g_loss


@wrong(
    "gan_losses",
    cause="log of 0 for large logits: the log is taken of a sigmoid that has rounded to 0 or 1.",
    line="anp.log(1 - d_fake)",
)
def logs_of_rounded_sigmoids(logits_real, logits_fake):
    d_real = 1 / (1 + anp.exp(-logits_real))
    d_fake = 1 / (1 + anp.exp(-logits_fake))
    d_loss = -anp.mean(anp.log(d_real)) - anp.mean(anp.log(1 - d_fake))
    return d_loss, -anp.mean(anp.log(d_fake))


@wrong(
    "gan_losses",
    cause="One mean goes over real and made together; each has its own.",
    line="anp.concatenate",
)
def one_mean_for_both(logits_real, logits_fake):
    losses = anp.concatenate([anp.logaddexp(0, -logits_real), anp.logaddexp(0, logits_fake)])
    return anp.mean(losses), anp.mean(anp.logaddexp(0, -logits_fake))


@wrong(
    "gan_losses",
    cause="The terms are summed; each is a mean over its own examples.",
    line="anp.sum(",
)
def sums_for_means(logits_real, logits_fake):
    d_loss = anp.sum(anp.logaddexp(0, -logits_real)) + anp.sum(anp.logaddexp(0, logits_fake))
    return d_loss, anp.sum(anp.logaddexp(0, -logits_fake))


@wrong(
    "gan_losses",
    cause="The sign of the logits is turned round in the discriminator's loss: D would be the probability of made.",
    line="anp.mean(anp.logaddexp(0, logits_real)) + anp.mean(anp.logaddexp(0, -logits_fake))",
)
def discriminator_turned_round(logits_real, logits_fake):
    d_loss = anp.mean(anp.logaddexp(0, logits_real)) + anp.mean(anp.logaddexp(0, -logits_fake))
    return d_loss, anp.mean(anp.logaddexp(0, -logits_fake))


@wrong(
    "gan_losses",
    cause="The discriminator's loss is halved, as a mean of its two terms.",
    line="0.5 * (",
)
def discriminator_halved(logits_real, logits_fake):
    real = anp.mean(anp.log1p(anp.exp(-anp.abs(logits_real))) + anp.maximum(-logits_real, 0))
    fake = anp.mean(anp.log1p(anp.exp(-anp.abs(logits_fake))) + anp.maximum(logits_fake, 0))
    g = anp.mean(anp.log1p(anp.exp(-anp.abs(logits_fake))) + anp.maximum(-logits_fake, 0))
    return 0.5 * (real + fake), g


@wrong(
    "gan_losses",
    cause="The losses are in bits; nats are asked.",
    line="/ np.log(2)",
)
def losses_in_bits(logits_real, logits_fake):
    def softplus(a):
        return anp.logaddexp(0, a)

    d_loss = anp.mean(softplus(-logits_real)) + anp.mean(softplus(logits_fake))
    g_loss = anp.mean(softplus(-logits_fake))
    return d_loss / np.log(2), g_loss / np.log(2)


@wrong(
    "gan_losses",
    cause="The generator's loss is taken at the real examples.",
    line="g_loss = anp.mean(anp.logaddexp(0, -logits_real))",
)
def generator_on_real(logits_real, logits_fake):
    d_loss = anp.mean(anp.logaddexp(0, -logits_real)) + anp.mean(anp.logaddexp(0, logits_fake))
    g_loss = anp.mean(anp.logaddexp(0, -logits_real))
    return d_loss, g_loss


@wrong(
    "gan_losses",
    cause="A small number is added before the log, so that a logit of -1000 costs some 18 nats and not 1000.",
    line="tiny = 1e-8",
)
def small_number_before_the_log(logits_real, logits_fake):
    tiny = 1e-8

    def discriminator(logit):
        return 0.5 * (1 + anp.tanh(logit / 2))

    made = discriminator(logits_fake)
    d_loss = -anp.mean(anp.log(discriminator(logits_real) + tiny)) - anp.mean(anp.log(1 - made + tiny))
    return d_loss, -anp.mean(anp.log(discriminator(logits_fake) + tiny))


@wrong(
    "gan_losses",
    cause="These are the log likelihoods, not the losses: the minus signs are missing.",
    line="return log_real + log_made, log_fooled",
)
def signs_missing(logits_real, logits_fake):
    log_real = anp.mean(-anp.logaddexp(0, -logits_real))
    log_made = anp.mean(-anp.logaddexp(0, logits_fake))
    log_fooled = anp.mean(-anp.logaddexp(0, -logits_fake))
    return log_real + log_made, log_fooled


# --- optimal_discriminator --------------------------------------------------------------------------------------------


@wrong(
    "optimal_discriminator",
    cause="The densities underflow (0 / 0) or overflow (inf / inf).",
    line="p / (p + q)",
)
def densities_underflow(log_p, log_q):
    p, q = np.exp(log_p), np.exp(log_q)
    return p / (p + q)


@wrong(
    "optimal_discriminator",
    cause="This is the probability of made: p and q are exchanged.",
    line="expit(log_q - log_p)",
)
def probability_of_made(log_p, log_q):
    return expit(log_q - log_p)


@wrong(
    "optimal_discriminator",
    cause="The logs are divided by each other as if they were the densities.",
    line="log_p / (log_p + log_q)",
)
def ratio_of_logs(log_p, log_q):
    return log_p / (log_p + log_q)


@wrong(
    "optimal_discriminator",
    cause="This is the logarithm of the probability: exp is missing.",
    line="return log_p - np.logaddexp(log_p, log_q)",
)
def log_of_the_answer(log_p, log_q):
    return log_p - np.logaddexp(log_p, log_q)


@wrong(
    "optimal_discriminator",
    cause="The logit log p - log q is returned: its sigmoid is missing.",
    line="return log_p - log_q",
)
def logit_of_the_answer(log_p, log_q):
    return log_p - log_q


@wrong(
    "optimal_discriminator",
    cause="This is the hard decision which density is larger, and not a probability.",
    line="log_p > log_q",
)
def hard_decision(log_p, log_q):
    return np.where(log_p > log_q, 1.0, 0.0)


@wrong(
    "optimal_discriminator",
    cause="This is the ratio p / q, not p / (p + q).",
    line="np.exp(log_p - log_q)",
)
def density_ratio(log_p, log_q):
    return np.exp(log_p - log_q)


@wrong(
    "optimal_discriminator",
    cause="The largest of all logs is taken out; points that lie far below it still underflow to 0 / 0.",
    line="top = max(",
)
def one_maximum_for_all(log_p, log_q):
    top = max(np.max(log_p), np.max(log_q))
    p, q = np.exp(log_p - top), np.exp(log_q - top)
    return p / (p + q)


@wrong(
    "optimal_discriminator",
    cause="The densities are divided by their sums over the points, so that they are compared as shares of each set.",
    line="p / p.sum()",
)
def normalised_over_the_points(log_p, log_q):
    p, q = np.exp(log_p - log_p.max()), np.exp(log_q - log_q.max())
    p, q = p / p.sum(), q / q.sum()
    return p / (p + q)


@wrong(
    "optimal_discriminator",
    cause="The logs are exponentiated with base 2, but they are natural.",
    line="2.0 ** (",
)
def base_two(log_p, log_q):
    return 1 / (1 + 2.0 ** (log_q - log_p))


# --- precision_recall -------------------------------------------------------------------------------------------------


@wrong(
    "precision_recall",
    cause="The point itself counts as its first neighbour: the radius reaches to the (k-1)-th only.",
    line="[:, k - 1]",
)
def itself_counted(real, fake, k):
    r_real = np.sort(cdist(real, real), axis=1)[:, k - 1]
    r_fake = np.sort(cdist(fake, fake), axis=1)[:, k - 1]
    d = cdist(real, fake)
    return np.mean(np.any(d <= r_real[:, None], axis=0)), np.mean(np.any(d <= r_fake, axis=1))


@wrong(
    "precision_recall",
    cause="Precision and recall are exchanged.",
    line="return recall, precision",
)
def exchanged(real, fake, k):
    r_real = np.sort(cdist(real, real), axis=1)[:, k]
    r_fake = np.sort(cdist(fake, fake), axis=1)[:, k]
    d = cdist(real, fake)
    precision = np.mean((d <= r_real[:, None]).any(axis=0))
    recall = np.mean((d <= r_fake[None, :]).any(axis=1))
    return recall, precision


@wrong(
    "precision_recall",
    cause="The radius is the distance to the k-th neighbour in the other set; it is taken in the point's own set.",
    line="np.sort(d, axis=1)[:, k - 1]",
)
def radius_from_the_other_set(real, fake, k):
    d = cdist(real, fake)
    r_real = np.sort(d, axis=1)[:, k - 1]
    r_fake = np.sort(d, axis=0)[k - 1]
    precision = np.mean(np.any(d <= r_real[:, None], axis=0))
    recall = np.mean(np.any(d <= r_fake[None], axis=1))
    return precision, recall


@wrong(
    "precision_recall",
    cause="The shares are taken over the pairs: a point is covered if it lies in at least one ball.",
    line="np.mean(d <= r_real[:, None])",
)
def share_of_pairs(real, fake, k):
    r_real = np.sort(cdist(real, real), axis=1)[:, k]
    r_fake = np.sort(cdist(fake, fake), axis=1)[:, k]
    d = cdist(real, fake)
    return np.mean(d <= r_real[:, None]), np.mean(d <= r_fake[None, :])


@wrong(
    "precision_recall",
    cause="All balls must cover the point here; one is enough.",
    line=".all(axis=0)",
)
def covered_by_all(real, fake, k):
    r_real = np.sort(cdist(real, real), axis=1)[:, k]
    r_fake = np.sort(cdist(fake, fake), axis=1)[:, k]
    d = cdist(real, fake)
    return (d <= r_real[:, None]).all(axis=0).mean(), (d <= r_fake).all(axis=1).mean()


@wrong(
    "precision_recall",
    cause="The numbers of covered points are returned, not their shares.",
    line="return covered_fake, covered_real",
)
def counts_for_shares(real, fake, k):
    def radii(points):
        out = []
        for p in points:
            out.append(np.sort(np.linalg.norm(points - p, axis=1))[k])
        return np.array(out)

    r_real, r_fake = radii(real), radii(fake)
    covered_fake = sum(np.any(np.linalg.norm(real - f, axis=1) <= r_real) for f in fake)
    covered_real = sum(np.any(np.linalg.norm(fake - r, axis=1) <= r_fake) for r in real)
    return covered_fake, covered_real


@wrong(
    "precision_recall",
    cause="The distances are Manhattan distances; Euclidean ones are asked.",
    line='metric="cityblock"',
)
def city_blocks(real, fake, k):
    def between(a, b):
        return cdist(a, b, metric="cityblock")

    r_real = np.sort(between(real, real), axis=1)[:, k]
    r_fake = np.sort(between(fake, fake), axis=1)[:, k]
    d = between(real, fake)
    return np.mean((d <= r_real[:, None]).any(axis=0)), np.mean((d <= r_fake).any(axis=1))


@wrong(
    "precision_recall",
    cause="The radii belong to the covered points: the ball around a made point is used for precision.",
    line="d.min(axis=0) <= r_fake",
)
def balls_of_the_covered_points(real, fake, k):
    r_real = np.sort(cdist(real, real), axis=1)[:, k]
    r_fake = np.sort(cdist(fake, fake), axis=1)[:, k]
    d = cdist(real, fake)
    precision = np.mean(d.min(axis=0) <= r_fake)
    recall = np.mean(d.min(axis=1) <= r_real)
    return precision, recall


@wrong(
    "precision_recall",
    cause="All balls have one radius, the mean over the set; each has its own.",
    line=".mean()",
)
def one_radius_for_all(real, fake, k):
    r_real = np.partition(cdist(real, real), k, axis=1)[:, k].mean()
    r_fake = np.partition(cdist(fake, fake), k, axis=1)[:, k].mean()
    d = cdist(real, fake)
    return np.mean(d.min(axis=0) <= r_real), np.mean(d.min(axis=1) <= r_fake)


@wrong(
    "precision_recall",
    cause="The nearest ball's centre decides alone; another, larger ball may cover the point, too.",
    line="d.argmin(axis=0)",
)
def only_the_nearest_ball(real, fake, k):
    r_real = np.sort(cdist(real, real), axis=1)[:, k]
    r_fake = np.sort(cdist(fake, fake), axis=1)[:, k]
    d = cdist(real, fake)
    precision = np.mean(d.min(axis=0) <= r_real[d.argmin(axis=0)])
    recall = np.mean(d.min(axis=1) <= r_fake[d.argmin(axis=1)])
    return precision, recall
