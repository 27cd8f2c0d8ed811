"""Wrong answers to notebook 09, from the cards alone."""

import numpy as np
from scipy.special import entr, expit, logsumexp, softmax

from course_utils.models.vae import encoder_forward
from course_utils.networks.nets import mlp
from course_utils.probability.gaussians import kl_standard_normal
from course_utils.probability.likelihoods import bernoulli_log_prob
from wrong_corpus import wrong

# --- one_hot ----------------------------------------------------------------------------------------------------------


@wrong(
    "one_hot",
    cause="The places are shifted by one: labels count from 0, so label 0 belongs in the first place.",
    line="y - 1",
)
def labels_counted_from_one(y, C):
    out = np.zeros((len(y), C))
    out[np.arange(len(y)), y - 1] = 1.0
    return out


@wrong(
    "one_hot",
    cause="The number of places is taken from the largest label that occurs; it must be C.",
    line="y.max() + 1",
)
def places_from_the_largest_label(y, C):
    y = np.asarray(y)
    return np.eye(y.max() + 1)[y]


@wrong(
    "one_hot",
    cause="The labels are columns here; they must be rows: (N, C).",
    line="np.zeros((C, len(y)))",
)
def columns_for_rows(y, C):
    out = np.zeros((C, len(y)))
    for n, label in enumerate(y):
        out[label, n] = 1.0
    return out


@wrong(
    "one_hot",
    cause="The places up to the label are all set; only the label's own is.",
    line="np.arange(C) <= y[:, None]",
)
def ones_up_to_the_label(y, C):
    y = np.asarray(y)
    return (np.arange(C) <= y[:, None]).astype(float)


@wrong(
    "one_hot",
    cause="Y[:, y] = 1 sets the columns of all labels in every row; each row has one place.",
    line="Y[:, y] = 1.0",
)
def whole_columns(y, C):
    Y = np.zeros((len(y), C))
    Y[:, y] = 1.0
    return Y


@wrong(
    "one_hot",
    cause="The label itself is written at its place; 1.0 belongs there.",
    line="out[n, y[n]] = y[n]",
)
def label_at_its_place(y, C):
    out = np.zeros((len(y), C))
    for n in range(len(y)):
        out[n, y[n]] = y[n]
    return out


@wrong(
    "one_hot",
    cause="[[0.0] * C] * N repeats one and the same row N times, so each label is set in all of them.",
    line="[[0.0] * C] * len(y)",
)
def the_same_row_for_all(y, C):
    rows = [[0.0] * C] * len(y)
    for n in range(len(y)):
        rows[n][int(y[n])] = 1.0
    return np.array(rows)


@wrong(
    "one_hot",
    cause="The place is the rank among the labels that occur, not the label; with a label missing, the others move up.",
    line="np.unique(y, return_inverse=True)",
)
def rank_among_the_labels(y, C):
    _, place = np.unique(y, return_inverse=True)
    out = np.zeros((len(y), C))
    out[np.arange(len(y)), place] = 1.0
    return out


@wrong(
    "one_hot",
    cause="The other places hold -1; they must hold 0.",
    line="-np.ones((len(y), C))",
)
def minus_ones_elsewhere(y, C):
    out = -np.ones((len(y), C))
    out[np.arange(len(y)), y] = 1.0
    return out


@wrong(
    "one_hot",
    cause="The loop stops before the last label, whose row stays 0.",
    line="range(len(y) - 1)",
)
def last_row_left_out(y, C):
    Y = np.zeros((len(y), C))
    for i in range(len(y) - 1):
        Y[i, y[i]] = 1
    return Y


@wrong(
    "one_hot",
    cause="The identity has as many rows as there are examples; it must have C.",
    line="np.eye(len(y))[y]",
)
def identity_of_the_wrong_size(y, C):
    return np.eye(len(y))[y]


# --- cvae_elbo --------------------------------------------------------------------------------------------------------


def _right_of(a, y):
    """[a, y] for a (N, A) or (S, N, A)."""
    return np.concatenate([a, np.broadcast_to(y, (*a.shape[:-1], y.shape[-1]))], axis=-1)


def _average(terms):
    return terms.mean(axis=0) if terms.ndim == 2 else terms


@wrong(
    "cvae_elbo",
    cause="The label stands to the left of x in the encoder's input; it must stand to the right.",
    line="np.hstack([y, x])",
)
def label_left_of_x(encoder, decoder, x, y, eps):
    mu, log_sigma = encoder_forward(encoder, np.hstack([y, x]))
    z = mu + np.exp(log_sigma) * eps
    log_lik = bernoulli_log_prob(x, mlp(decoder, _right_of(z, y)))
    return _average(log_lik) - kl_standard_normal(mu, log_sigma)


@wrong(
    "cvae_elbo",
    cause="The label stands to the left of z in the decoder's input; it must stand to the right.",
    line="np.concatenate([labels, z], axis=-1)",
)
def label_left_of_z(encoder, decoder, x, y, eps):
    mu, log_sigma = encoder_forward(encoder, np.concatenate([x, y], axis=1))
    z = mu + np.exp(log_sigma) * eps
    labels = np.broadcast_to(y, (*z.shape[:-1], y.shape[1]))
    logits = mlp(decoder, np.concatenate([labels, z], axis=-1))
    return _average(bernoulli_log_prob(x, logits)) - kl_standard_normal(mu, log_sigma)


@wrong(
    "cvae_elbo",
    cause="The label is not given to the encoder: its input is [x, y], not x.",
    line="encoder_forward(encoder, x)",
)
def encoder_without_label(encoder, decoder, x, y, eps):
    mu, log_sigma = encoder_forward(encoder, x)
    z = mu + np.exp(log_sigma) * eps
    log_lik = bernoulli_log_prob(x, mlp(decoder, _right_of(z, y)))
    return _average(log_lik) - kl_standard_normal(mu, log_sigma)


@wrong(
    "cvae_elbo",
    cause="log C is subtracted for the label; in log p(x | y) the label is given and costs nothing.",
    line="- np.log(y.shape[1])",
)
def pays_for_the_label(encoder, decoder, x, y, eps):
    mu, log_sigma = encoder_forward(encoder, _right_of(x, y))
    z = mu + np.exp(log_sigma) * eps
    log_lik = _average(bernoulli_log_prob(x, mlp(decoder, _right_of(z, y))))
    return log_lik - kl_standard_normal(mu, log_sigma) - np.log(y.shape[1])


@wrong(
    "cvae_elbo",
    cause="For eps (S, N, K) the label has one axis less than z; it must be repeated for each sample.",
    line="np.concatenate([z, y], axis=-1)",
)
def label_not_repeated(encoder, decoder, x, y, eps):
    mu, log_sigma = encoder_forward(encoder, np.concatenate([x, y], axis=-1))
    z = mu + np.exp(log_sigma) * eps
    log_lik = bernoulli_log_prob(x, mlp(decoder, np.concatenate([z, y], axis=-1)))
    return log_lik - kl_standard_normal(mu, log_sigma)


@wrong(
    "cvae_elbo",
    cause="np.repeat puts copies of a label side by side, but z's rows go sample by sample: use np.tile.",
    line="np.repeat(y, S, axis=0)",
)
def labels_in_the_wrong_order(encoder, decoder, x, y, eps):
    N, K = len(x), eps.shape[-1]
    mu, log_sigma = encoder_forward(encoder, np.hstack([x, y]))
    z = (mu + np.exp(log_sigma) * eps).reshape(-1, K)
    S = len(z) // N
    logits = mlp(decoder, np.hstack([z, np.repeat(y, S, axis=0)]))
    log_lik = bernoulli_log_prob(np.tile(x, (S, 1)), logits).reshape(S, N)
    return log_lik.mean(axis=0) - kl_standard_normal(mu, log_sigma)


@wrong(
    "cvae_elbo",
    cause="For logits in the thousands the sigmoid is 0 or 1 and its logarithm infinite: use logaddexp.",
    line="np.log(1 - p)",
)
def logarithm_of_the_sigmoid(encoder, decoder, x, y, eps):
    mu, log_sigma = encoder_forward(encoder, np.hstack([x, y]))
    z = mu + np.exp(log_sigma) * eps
    p = expit(mlp(decoder, _right_of(z, y)))
    with np.errstate(all="ignore"):
        log_lik = np.sum(x * np.log(p) + (1 - x) * np.log(1 - p), axis=-1)
    return _average(log_lik) - kl_standard_normal(mu, log_sigma)


@wrong(
    "cvae_elbo",
    cause="The mean of q is decoded; the bound averages over samples z = mu + sigma eps.",
    line="_right_of(mu, y)",
)
def decodes_the_mean(encoder, decoder, x, y, eps):
    mu, log_sigma = encoder_forward(encoder, _right_of(x, y))
    logits = mlp(decoder, _right_of(mu, y))
    log_lik = np.sum(x * logits - np.logaddexp(0, logits), axis=1)
    kl = 0.5 * np.sum(mu**2 + np.exp(2 * log_sigma) - 2 * log_sigma - 1, axis=1)
    return log_lik - kl


@wrong(
    "cvae_elbo",
    cause="The log probability is averaged over the pixels; it must be summed.",
    line="np.mean(x * logits - np.logaddexp(0, logits), axis=-1)",
)
def mean_over_pixels(encoder, decoder, x, y, eps):
    mu, log_sigma = encoder_forward(encoder, np.hstack([x, y]))
    z = mu + np.exp(log_sigma) * eps
    logits = mlp(decoder, _right_of(z, y))
    return _average(np.mean(x * logits - np.logaddexp(0, logits), axis=-1)) - kl_standard_normal(mu, log_sigma)


@wrong(
    "cvae_elbo",
    cause="Only the white pixels count; the black ones' log(1 - p) is missing.",
    line="np.sum(x * log_p_white, axis=-1)",
)
def white_pixels_only(encoder, decoder, x, y, eps):
    mu, log_sigma = encoder_forward(encoder, np.hstack([x, y]))
    z = mu + np.exp(log_sigma) * eps
    logits = mlp(decoder, _right_of(z, y))
    log_p_white = -np.logaddexp(0, -logits)
    return _average(np.sum(x * log_p_white, axis=-1)) - kl_standard_normal(mu, log_sigma)


@wrong(
    "cvae_elbo",
    cause="The samples enter by the logarithm of a mean; the bound takes the mean of the log probabilities.",
    line="logsumexp(log_lik, axis=0)",
)
def logarithm_of_the_mean(encoder, decoder, x, y, eps):
    mu, log_sigma = encoder_forward(encoder, _right_of(x, y))
    z = mu + np.exp(log_sigma) * eps
    log_lik = bernoulli_log_prob(x, mlp(decoder, _right_of(z, y)))
    if eps.ndim == 3:
        log_lik = logsumexp(log_lik, axis=0) - np.log(len(eps))
    return log_lik - kl_standard_normal(mu, log_sigma)


@wrong("cvae_elbo", cause="The KL term is added; it must be subtracted.", line="bound[n] += kl")
def kl_added(encoder, decoder, x, y, eps):
    if eps.ndim == 2:
        eps = eps[None]
    N = len(x)
    bound = np.zeros(N)
    mu, log_sigma = encoder_forward(encoder, np.concatenate((x, y), axis=1))
    for n in range(N):
        for e in eps[:, n]:
            z = mu[n] + np.exp(log_sigma[n]) * e
            logits = mlp(decoder, np.append(z, y[n])[None])[0]
            bound[n] += np.sum(x[n] * logits - np.logaddexp(0, logits)) / len(eps)
        kl = 0.5 * np.sum(np.exp(2 * log_sigma[n]) + mu[n] ** 2 - 1 - 2 * log_sigma[n])
        bound[n] += kl
    return bound


# --- style_grid -------------------------------------------------------------------------------------------------------


@wrong(
    "style_grid",
    cause="The logits are returned; the sigmoid is missing.",
    line="return mlp(decoder, np.hstack([zs, y]))",
)
def logits_returned(decoder, label, C, zs):
    y = np.zeros((len(zs), C))
    y[:, label] = 1
    return mlp(decoder, np.hstack([zs, y]))


@wrong(
    "style_grid",
    cause="The label stands to the left of the code; the decoder's input is [z, y].",
    line="np.hstack([y, zs])",
)
def label_left_of_the_code(decoder, label, C, zs):
    y = np.tile(np.eye(C)[label], (len(zs), 1))
    return expit(mlp(decoder, np.hstack([y, zs])))


@wrong(
    "style_grid",
    cause="The label is one number beside the code; the decoder wants its C one-hot places.",
    line="np.full((len(zs), 1), label)",
)
def label_as_a_number(decoder, label, C, zs):
    y = np.full((len(zs), 1), label)
    return expit(mlp(decoder, np.concatenate([zs, y], axis=1)))


@wrong(
    "style_grid",
    cause="Labels count from 0: the place before the label's is set.",
    line="label - 1",
)
def place_before_the_label(decoder, label, C, zs):
    one_hot = np.zeros((len(zs), C))
    one_hot[:, label - 1] = 1.0
    logits = mlp(decoder, np.concatenate([zs, one_hot], axis=1))
    return 1 / (1 + np.exp(-logits))


@wrong(
    "style_grid",
    cause="The label's places are all 0: the label is never set.",
    line="np.zeros((len(zs), C))",
)
def label_never_set(decoder, label, C, zs):
    inputs = np.concatenate([zs, np.zeros((len(zs), C))], axis=1)
    return expit(mlp(decoder, inputs))


@wrong(
    "style_grid",
    cause="The pixels are rounded to black and white; probabilities are wanted.",
    line="np.round(",
)
def black_and_white(decoder, label, C, zs):
    y = np.tile(np.eye(C)[label], (len(zs), 1))
    return np.round(expit(mlp(decoder, np.hstack([zs, y]))))


@wrong(
    "style_grid",
    cause="Softmax makes the pixels compete; each has a probability of its own, the sigmoid of its logit.",
    line="softmax(logits, axis=1)",
)
def softmax_over_pixels(decoder, label, C, zs):
    y = np.repeat(np.eye(C)[[label]], len(zs), axis=0)
    logits = mlp(decoder, np.hstack([zs, y]))
    return softmax(logits, axis=1)


@wrong(
    "style_grid",
    cause="Code m gets the label m; all codes must get the one label.",
    line="np.eye(C)[np.arange(len(zs)) % C]",
)
def labels_along_the_codes(decoder, label, C, zs):
    y = np.eye(C)[np.arange(len(zs)) % C]
    return expit(mlp(decoder, np.concatenate((zs, y), axis=1)))


@wrong(
    "style_grid",
    cause="The pictures of all labels are averaged; only the given label's are wanted.",
    line="pictures / C",
)
def average_of_all_labels(decoder, label, C, zs):
    pictures = 0
    for c in range(C):
        y = np.tile(np.eye(C)[c], (len(zs), 1))
        pictures = pictures + expit(mlp(decoder, np.hstack([zs, y])))
    return pictures / C


@wrong(
    "style_grid",
    cause="The rows of the label's weights begin after the K rows of the code: it is row K + label, not row label.",
    line="W[label]",
)
def wrong_row_folded_into_the_bias(decoder, label, C, zs):
    (W, b), *later = decoder
    K = zs.shape[1]
    folded = [(W[:K], b + W[label]), *later]
    return expit(mlp(folded, zs))


@wrong(
    "style_grid",
    cause="The picture is overwritten for each code, and only the last one is returned.",
    line="picture = 1 / (1 + np.exp(-mlp(decoder, row)))",
)
def last_picture_only(decoder, label, C, zs):
    y = np.eye(C)[label]
    for z in zs:
        row = np.concatenate([z, y])[None]
        picture = 1 / (1 + np.exp(-mlp(decoder, row)))
    return picture


@wrong(
    "style_grid",
    cause="The sigmoid has the wrong sign: this is the probability of black.",
    line="1 / (1 + np.exp(logits))",
)
def probability_of_black(decoder, label, C, zs):
    y = np.tile(np.eye(C)[label], (len(zs), 1))
    logits = mlp(decoder, np.hstack([zs, y]))
    return 1 / (1 + np.exp(logits))


# --- analogy ----------------------------------------------------------------------------------------------------------


@wrong(
    "analogy",
    cause="The encoder gets the new label; it must read the style with the old one, which belongs to x.",
    line="encoder_forward(encoder, np.hstack([x, new]))",
)
def encoder_gets_the_new_label(encoder, decoder, x, y, y_new, C):
    new = np.eye(C)[y_new]
    mu, _ = encoder_forward(encoder, np.hstack([x, new]))
    return expit(mlp(decoder, np.hstack([mu, new])))


@wrong(
    "analogy",
    cause="The decoder gets the old label, so this is the reconstruction; it must get the new one.",
    line="np.hstack([z, hot])",
)
def decoder_gets_the_old_label(encoder, decoder, x, y, y_new, C):
    hot = np.eye(C)[y]
    z, _ = encoder_forward(encoder, np.hstack([x, hot]))
    return expit(mlp(decoder, np.hstack([z, hot])))


@wrong(
    "analogy",
    cause="The old and the new label are exchanged.",
    line="y, y_new = y_new, y",
)
def labels_exchanged(encoder, decoder, x, y, y_new, C):
    y, y_new = y_new, y
    h = np.concatenate([x, np.eye(C)[y]], axis=1)
    mu = encoder_forward(encoder, h)[0]
    return expit(mlp(decoder, np.concatenate([mu, np.eye(C)[y_new]], axis=1)))


@wrong(
    "analogy",
    cause="A sample of q is decoded; z is to be its mean.",
    line="rng.normal(size=mu.shape)",
)
def sample_of_q(encoder, decoder, x, y, y_new, C):
    rng = np.random.default_rng(0)
    mu, log_sigma = encoder_forward(encoder, np.hstack([x, np.eye(C)[y]]))
    z = mu + np.exp(log_sigma) * rng.normal(size=mu.shape)
    return expit(mlp(decoder, np.hstack([z, np.eye(C)[y_new]])))


@wrong("analogy", cause="The logits are returned; the sigmoid is missing.", line="return mlp(decoder,")
def logits_returned_too(encoder, decoder, x, y, y_new, C):
    mu, _ = encoder_forward(encoder, np.hstack([x, np.eye(C)[y]]))
    return mlp(decoder, np.hstack([mu, np.eye(C)[y_new]]))


@wrong(
    "analogy",
    cause="The encoder's whole output is decoded; z is its first half, the mean.",
    line="z = mlp(encoder, np.hstack([x, eye[y]]))",
)
def whole_output_as_code(encoder, decoder, x, y, y_new, C):
    eye = np.eye(C)
    z = mlp(encoder, np.hstack([x, eye[y]]))
    return expit(mlp(decoder, np.hstack([z, eye[y_new]])))


@wrong(
    "analogy",
    cause="The second half of the encoder's output is decoded, which is log_sigma; the mean is the first.",
    line="out[:, K:]",
)
def log_sigma_as_code(encoder, decoder, x, y, y_new, C):
    out = mlp(encoder, np.hstack([x, np.eye(C)[y]]))
    K = out.shape[1] // 2
    z = out[:, K:]
    return expit(mlp(decoder, np.hstack([z, np.eye(C)[y_new]])))


@wrong(
    "analogy",
    cause="The labels stand to the left in both networks; they must stand to the right of x and of z.",
    line="np.hstack([old, x])",
)
def labels_to_the_left(encoder, decoder, x, y, y_new, C):
    old, new = np.eye(C)[y], np.eye(C)[y_new]
    mu, _ = encoder_forward(encoder, np.hstack([old, x]))
    return expit(mlp(decoder, np.hstack([new, mu])))


@wrong(
    "analogy",
    cause="sigma is added to the mean; z is the mean alone.",
    line="mu + np.exp(log_sigma)",
)
def mean_plus_sigma(encoder, decoder, x, y, y_new, C):
    mu, log_sigma = encoder_forward(encoder, np.hstack([x, np.eye(C)[y]]))
    z = mu + np.exp(log_sigma)
    return expit(mlp(decoder, np.hstack([z, np.eye(C)[y_new]])))


@wrong(
    "analogy",
    cause="The difference of two decoded pictures is added to x; only the one with the new label is wanted.",
    line="x + write(y_new) - write(y)",
)
def arithmetic_with_pictures(encoder, decoder, x, y, y_new, C):
    mu, _ = encoder_forward(encoder, np.hstack([x, np.eye(C)[y]]))

    def write(labels):
        return expit(mlp(decoder, np.hstack([mu, np.eye(C)[labels]])))

    return x + write(y_new) - write(y)


@wrong(
    "analogy",
    cause="All rows are written with the first new label; each has its own.",
    line="y_new[0]",
)
def first_new_label_for_all(encoder, decoder, x, y, y_new, C):
    hot = np.zeros((len(x), C))
    hot[np.arange(len(x)), y] = 1
    mu, _ = encoder_forward(encoder, np.hstack([x, hot]))
    new = np.zeros((len(x), C))
    new[:, y_new[0]] = 1
    return expit(mlp(decoder, np.hstack([mu, new])))


@wrong(
    "analogy",
    cause="The codes are standardised over the examples before decoding; each z must stay as the encoder gives it.",
    line="(mu - mu.mean(axis=0)) / mu.std(axis=0)",
)
def standardised_codes(encoder, decoder, x, y, y_new, C):
    mu, _ = encoder_forward(encoder, np.hstack([x, np.eye(C)[y]]))
    z = (mu - mu.mean(axis=0)) / mu.std(axis=0)
    return expit(mlp(decoder, np.hstack([z, np.eye(C)[y_new]])))


# --- m2_unlabelled_elbo -----------------------------------------------------------------------------------------------


@wrong(
    "m2_unlabelled_elbo",
    cause="log q is added; it must be subtracted.",
    line="elbo_per_class + log_q",
)
def entropy_with_wrong_sign(elbo_per_class, q_y):
    log_q = np.log(np.where(q_y > 0, q_y, 1))
    return np.sum(q_y * (elbo_per_class + log_q), axis=1)


@wrong(
    "m2_unlabelled_elbo",
    cause="Where q is 0, 0 * log 0 gives nan in NumPy; it must count 0.",
    line="np.log(q_y)",
)
def zero_times_minus_infinity(elbo_per_class, q_y):
    with np.errstate(all="ignore"):
        return np.sum(q_y * (elbo_per_class - np.log(q_y)), axis=1)


@wrong(
    "m2_unlabelled_elbo",
    cause="The entropy of q, the mean of -log q, is missing.",
    line="(q_y * elbo_per_class).sum(axis=1)",
)
def entropy_forgotten(elbo_per_class, q_y):
    return (q_y * elbo_per_class).sum(axis=1)


@wrong(
    "m2_unlabelled_elbo",
    cause="This is the largest value that the bound can take; the one for the given q is wanted, and q_y is not used.",
    line="logsumexp(elbo_per_class, axis=1)",
)
def bound_of_the_best_q(elbo_per_class, q_y):
    return logsumexp(elbo_per_class, axis=1)


@wrong(
    "m2_unlabelled_elbo",
    cause="log p(y) is in elbo_per_class already; log C is subtracted once too often.",
    line="- np.log(C)",
)
def prior_of_the_label_twice(elbo_per_class, q_y):
    C = q_y.shape[1]
    return np.sum(q_y * elbo_per_class + entr(q_y), axis=1) - np.log(C)


@wrong(
    "m2_unlabelled_elbo",
    cause="This is the logarithm of the mean under q; the mean of L - log q is wanted.",
    line="logsumexp(elbo_per_class, axis=1, b=q_y)",
)
def log_of_the_average(elbo_per_class, q_y):
    return logsumexp(elbo_per_class, axis=1, b=q_y)


@wrong(
    "m2_unlabelled_elbo",
    cause="Only the most probable class counts; the mean is over all of them, weighted with q.",
    line="q_y.argmax(axis=1)",
)
def most_probable_class_only(elbo_per_class, q_y):
    rows = np.arange(len(q_y))
    c = q_y.argmax(axis=1)
    return elbo_per_class[rows, c] - np.log(q_y[rows, c])


@wrong(
    "m2_unlabelled_elbo",
    cause="The classes are averaged with equal weights on top of q: it must be a sum over them.",
    line="np.mean(",
)
def mean_over_classes(elbo_per_class, q_y):
    log_q = np.zeros_like(q_y)
    log_q[q_y > 0] = np.log(q_y[q_y > 0])
    return np.mean(q_y * (elbo_per_class - log_q), axis=1)


@wrong(
    "m2_unlabelled_elbo",
    cause="log q is summed without its weight q: both L and log q are averaged under q.",
    line="q_y * elbo_per_class - log_q",
)
def log_q_without_weight(elbo_per_class, q_y):
    log_q = np.log(np.maximum(q_y, 1e-300))
    log_q[q_y == 0] = 0
    return np.sum(q_y * elbo_per_class - log_q, axis=1)


@wrong(
    "m2_unlabelled_elbo",
    cause="q_y holds probabilities already; softmax is applied to them as if they were logits.",
    line="softmax(q_y, axis=1)",
)
def softmax_of_the_probabilities(elbo_per_class, q_y):
    q = softmax(q_y, axis=1)
    return np.sum(q * (elbo_per_class - np.log(q)), axis=1)


@wrong(
    "m2_unlabelled_elbo",
    cause="Picking the places with q > 0 flattens the table, so one sum over all examples comes out.",
    line="[q_y > 0]",
)
def one_sum_for_all_examples(elbo_per_class, q_y):
    q, L = q_y[q_y > 0], elbo_per_class[q_y > 0]
    return np.sum(q * (L - np.log(q)))


@wrong(
    "m2_unlabelled_elbo",
    cause="The entropy is in bits (log2), the bounds are in nats.",
    line="np.log2(q)",
)
def entropy_in_bits(elbo_per_class, q_y):
    N, C = q_y.shape
    U = np.zeros(N)
    for n in range(N):
        for c in range(C):
            q = q_y[n, c]
            if q > 0:
                U[n] += q * (elbo_per_class[n, c] - np.log2(q))
    return U
