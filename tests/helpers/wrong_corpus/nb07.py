"""Wrong answers to notebook 07, from the cards alone."""

import numpy as np
from autograd import grad
from autograd import numpy as anp

from course_utils.models.amortization import elbo_of_q
from course_utils.networks.nets import init_mlp, mlp
from course_utils.networks.optim import adam, hold_then_linear, minibatches
from wrong_corpus import wrong

# --- linear_posterior -------------------------------------------------------------------------------------------------


@wrong(
    "linear_posterior",
    cause="The precision P is returned where its inverse, the covariance, is wanted.",
    line="return mu, P",
)
def precision_for_covariance(x, W, b, eta):
    P = np.eye(W.shape[1]) + W.T @ W / eta
    mu = np.linalg.solve(P, W.T @ (x - b).T).T / eta
    return mu, P


@wrong(
    "linear_posterior",
    cause="eta is the noise variance; it is squared here as if it were a standard deviation.",
    line="W.T @ W / eta**2",
)
def eta_squared(x, W, b, eta):
    S = np.linalg.inv(np.eye(W.shape[1]) + W.T @ W / eta**2)
    return (x - b) @ W @ S / eta**2, S


@wrong(
    "linear_posterior",
    cause="The prior's precision I is missing in P.",
    line="P = W.T @ W / eta",
)
def prior_forgotten(x, W, b, eta):
    P = W.T @ W / eta
    covariance = np.linalg.inv(P)
    mu = (x - b) @ W @ covariance / eta
    return mu, covariance


@wrong(
    "linear_posterior",
    cause="b is not subtracted from x.",
    line="x @ W @ S / eta",
)
def bias_not_subtracted(x, W, b, eta):
    K = W.shape[1]
    S = np.linalg.inv(np.eye(K) + W.T @ W / eta)
    return x @ W @ S / eta, S


@wrong(
    "linear_posterior",
    cause="The mean lacks the factor 1 / eta.",
    line="mu = (x - b) @ W @ S",
)
def mean_without_eta(x, W, b, eta):
    P = np.eye(W.shape[1]) + (W.T @ W) / eta
    S = np.linalg.inv(P)
    mu = (x - b) @ W @ S
    return mu, S


@wrong(
    "linear_posterior",
    cause="P is inverted entry by entry; its inverse as a matrix is wanted.",
    line="covariance = 1 / P",
)
def inverse_of_each_entry(x, W, b, eta):
    P = np.eye(W.shape[1]) + W.T @ W / eta
    covariance = 1 / P
    mu = (x - b) @ W @ covariance.T / eta
    return mu, covariance


@wrong(
    "linear_posterior",
    cause="Only the diagonal of P is inverted: this is the best diagonal q, and the posterior has correlations.",
    line="np.diag(1 / np.diag(P))",
)
def widths_of_the_diagonal_q(x, W, b, eta):
    P = np.eye(W.shape[1]) + W.T @ W / eta
    mu = np.linalg.solve(P, ((x - b) @ W / eta).T).T
    covariance = np.diag(1 / np.diag(P))
    return mu, covariance


@wrong(
    "linear_posterior",
    cause="This mean is the least-squares code; the prior must pull it towards 0.",
    line="np.linalg.pinv(W)",
)
def least_squares_mean(x, W, b, eta):
    mu = (x - b) @ np.linalg.pinv(W).T
    return mu, np.linalg.inv(np.eye(W.shape[1]) + W.T @ W / eta)


@wrong(
    "linear_posterior",
    cause="The formula of notebook 05 holds for orthogonal columns of W only; these need not be.",
    line="np.sum(W**2, axis=0) + eta",
)
def as_if_columns_were_orthogonal(x, W, b, eta):
    denominator = np.sum(W**2, axis=0) + eta
    mu = (x - b) @ W / denominator
    return mu, np.diag(eta / denominator)


@wrong(
    "linear_posterior",
    cause="The inverse of W^T W + eta I must still be multiplied by eta to be the covariance.",
    line="return (x - b) @ W @ M, M",
)
def covariance_without_eta(x, W, b, eta):
    M = np.linalg.inv(W.T @ W + eta * np.eye(W.shape[1]))
    return (x - b) @ W @ M, M


@wrong(
    "linear_posterior",
    cause="The covariance is returned once for each example; it is the same for all, and (K, K) is wanted.",
    line="np.tile(S, (len(x), 1, 1))",
)
def covariance_for_every_row(x, W, b, eta):
    S = np.linalg.inv(np.eye(W.shape[1]) + W.T @ W / eta)
    mu = np.array([S @ W.T @ (row - b) / eta for row in x])
    return mu, np.tile(S, (len(x), 1, 1))


@wrong(
    "linear_posterior",
    cause="W W^T is the (D, D) matrix of the pixels; the precision of the latents needs W^T W.",
    line="W @ W.T / eta",
)
def matrix_of_the_pixels(x, W, b, eta):
    D, K = W.shape
    P = np.eye(D) + W @ W.T / eta
    S = np.linalg.inv(P)
    return (x - b) @ S @ W / eta, S[:K, :K]


# --- svi_step ---------------------------------------------------------------------------------------------------------


@wrong(
    "svi_step",
    cause="The step goes downhill: the slope must be added, not subtracted.",
    line="mu - step_size * d_mu",
)
def descends(x, mu, log_sigma, W, b, eta, step_size):
    d_mu = (x - b - mu @ W.T) @ W / eta - mu
    d_log_sigma = 1 - np.exp(2 * log_sigma) * (1 + np.sum(W**2, axis=0) / eta)
    return mu - step_size * d_mu, log_sigma - step_size * d_log_sigma


@wrong(
    "svi_step",
    cause="The prior's pull, -mu, is missing in the slope by mu.",
    line="d_mu = (x - b - mu @ W.T) @ W / eta",
)
def prior_does_not_pull(x, mu, log_sigma, W, b, eta, step_size):
    d_mu = (x - b - mu @ W.T) @ W / eta
    sigma2 = np.exp(2 * log_sigma)
    d_log_sigma = 1 - sigma2 - sigma2 * np.sum(W**2, axis=0) / eta
    return mu + step_size * d_mu, log_sigma + step_size * d_log_sigma


@wrong(
    "svi_step",
    cause="This is the slope by sigma; the one by log_sigma has one more factor sigma.",
    line="1 / sigma - sigma * P_diag",
)
def slope_by_sigma(x, mu, log_sigma, W, b, eta, step_size):
    sigma = np.exp(log_sigma)
    P_diag = 1 + np.sum(W**2, axis=0) / eta
    slope_mu = (x - b - mu @ W.T) @ W / eta - mu
    slope_sigma = 1 / sigma - sigma * P_diag
    return mu + step_size * slope_mu, log_sigma + step_size * slope_sigma


@wrong(
    "svi_step",
    cause="The slope by log_sigma contains sigma^2 = exp(2 log_sigma); exp(log_sigma) is sigma.",
    line="np.exp(log_sigma) * (1 + lengths / eta)",
)
def sigma_not_squared(x, mu, log_sigma, W, b, eta, step_size):
    lengths = np.sum(W**2, axis=0)
    new_mu = mu + step_size * ((x - b - mu @ W.T) @ W / eta - mu)
    new_log_sigma = log_sigma + step_size * (1 - np.exp(log_sigma) * (1 + lengths / eta))
    return new_mu, new_log_sigma


@wrong(
    "svi_step",
    cause="The columns' lengths ||w_k|| are not squared.",
    line="np.linalg.norm(W, axis=0)",
)
def column_lengths_not_squared(x, mu, log_sigma, W, b, eta, step_size):
    w = np.linalg.norm(W, axis=0)
    d_mu = (x - b - mu @ W.T) @ W / eta - mu
    d_log_sigma = 1 - np.exp(2 * log_sigma) * (1 + w / eta)
    return mu + step_size * d_mu, log_sigma + step_size * d_log_sigma


@wrong(
    "svi_step",
    cause="The slopes are averaged over the examples, so all of them take the same step; each has its own.",
    line="d_mu.mean(axis=0)",
)
def one_step_for_all(x, mu, log_sigma, W, b, eta, step_size):
    d_mu = (x - b - mu @ W.T) @ W / eta - mu
    d_log_sigma = 1 - np.exp(2 * log_sigma) * (1 + (W * W).sum(axis=0) / eta)
    return mu + step_size * d_mu.mean(axis=0), log_sigma + step_size * d_log_sigma.mean(axis=0)


@wrong(
    "svi_step",
    cause="The slopes are divided by the number of examples; each example climbs its own ELBO, not the mean.",
    line="step_size / len(x)",
)
def slope_of_the_mean_bound(x, mu, log_sigma, W, b, eta, step_size):
    step = step_size / len(x)
    residual = x - b - mu @ W.T
    mu_new = mu + step * (residual @ W / eta - mu)
    log_sigma_new = log_sigma + step * (1 - np.exp(2 * log_sigma) * (1 + np.sum(W**2, axis=0) / eta))
    return mu_new, log_sigma_new


@wrong(
    "svi_step",
    cause="The step is taken in sigma and turned back to a logarithm; it must be a step in log_sigma.",
    line="np.log(sigma + step_size * (1 / sigma - sigma * precision))",
)
def step_in_sigma(x, mu, log_sigma, W, b, eta, step_size):
    sigma = np.exp(log_sigma)
    precision = 1 + np.sum(W**2, axis=0) / eta
    mu = mu + step_size * ((x - b - mu @ W.T) @ W / eta - mu)
    with np.errstate(invalid="ignore"):
        log_sigma = np.log(sigma + step_size * (1 / sigma - sigma * precision))
    return mu, log_sigma


@wrong(
    "svi_step",
    cause="It jumps to the best q at once; one step of gradient ascent from the given mu and log_sigma is wanted.",
    line="np.linalg.solve(P, W.T @ (x - b).T / eta).T",
)
def jumps_to_the_top(x, mu, log_sigma, W, b, eta, step_size):
    P = np.eye(W.shape[1]) + W.T @ W / eta
    best_mu = np.linalg.solve(P, W.T @ (x - b).T / eta).T
    best_log_sigma = np.tile(-0.5 * np.log(np.diag(P)), (len(x), 1))
    return best_mu, best_log_sigma


@wrong(
    "svi_step",
    cause="The slopes themselves are returned; the step must still be added to mu and log_sigma.",
    line="return step_size * d_mu, step_size * d_log_sigma",
)
def step_not_added(x, mu, log_sigma, W, b, eta, step_size):
    N, K = mu.shape
    d_mu, d_log_sigma = np.zeros((N, K)), np.zeros((N, K))
    for n in range(N):
        d_mu[n] = W.T @ (x[n] - b - W @ mu[n]) / eta - mu[n]
        for k in range(K):
            d_log_sigma[n, k] = 1 - np.exp(2 * log_sigma[n, k]) * (1 + W[:, k] @ W[:, k] / eta)
    return step_size * d_mu, step_size * d_log_sigma


@wrong(
    "svi_step",
    cause="The whole rows of P are summed; the slope by log_sigma needs its diagonal, 1 + ||w_k||^2 / eta.",
    line="P.sum(axis=0)",
)
def rows_of_the_precision(x, mu, log_sigma, W, b, eta, step_size):
    P = np.eye(W.shape[1]) + W.T @ W / eta
    d_mu = (x - b) @ W / eta - mu @ P
    d_log_sigma = 1 - np.exp(2 * log_sigma) * P.sum(axis=0)
    return mu + step_size * d_mu, log_sigma + step_size * d_log_sigma


@wrong(
    "svi_step",
    cause="Both slopes are scaled to length 1 before the step; gradient ascent takes them as they are.",
    line="np.linalg.norm(d_mu, axis=1, keepdims=True)",
)
def slopes_of_length_one(x, mu, log_sigma, W, b, eta, step_size):
    d_mu = (x - b - mu @ W.T) @ W / eta - mu
    d_log_sigma = 1 - np.exp(2 * log_sigma) * (1 + np.sum(W**2, axis=0) / eta)
    d_mu = d_mu / np.linalg.norm(d_mu, axis=1, keepdims=True)
    d_log_sigma = d_log_sigma / np.linalg.norm(d_log_sigma, axis=1, keepdims=True)
    return mu + step_size * d_mu, log_sigma + step_size * d_log_sigma


@wrong(
    "svi_step",
    cause="The slope of the entropy, the 1 in the slope by log_sigma, is missing, so sigma only ever shrinks.",
    line="-np.exp(2 * log_sigma) * (1 + np.sum(W**2, axis=0) / eta)",
)
def entropy_forgotten(x, mu, log_sigma, W, b, eta, step_size):
    d_mu = (x - b - mu @ W.T) @ W / eta - mu
    d_log_sigma = -np.exp(2 * log_sigma) * (1 + np.sum(W**2, axis=0) / eta)
    return mu + step_size * d_mu, log_sigma + step_size * d_log_sigma


# --- encoder_forward --------------------------------------------------------------------------------------------------


@wrong(
    "encoder_forward",
    cause="tanh is applied after the last layer, too; it stands between layers only.",
    line="h = np.tanh(h @ W + b)",
)
def tanh_after_the_last_layer(params, x):
    h = x
    for W, b in params:
        h = np.tanh(h @ W + b)
    K = h.shape[1] // 2
    return h[:, :K], h[:, K:]


@wrong(
    "encoder_forward",
    cause="The units between layers are rectified; they must be tanh units.",
    line="np.maximum(0, h @ W + b)",
)
def relu_units(params, x):
    *hidden, last = params
    h = x
    for W, b in hidden:
        h = np.maximum(0, h @ W + b)
    out = h @ last[0] + last[1]
    K = out.shape[1] // 2
    return out[:, :K], out[:, K:]


@wrong(
    "encoder_forward",
    cause="Every second output is taken; mu is the first half of the outputs, log_sigma the second.",
    line="out[:, ::2], out[:, 1::2]",
)
def every_second_output(params, x):
    out = mlp(params, x)
    return out[:, ::2], out[:, 1::2]


@wrong(
    "encoder_forward",
    cause="The halves are exchanged: mu is the first, log_sigma the second.",
    line="log_sigma, mu = np.split(mlp(params, x), 2, axis=1)",
)
def halves_exchanged(params, x):
    log_sigma, mu = np.split(mlp(params, x), 2, axis=1)
    return mu, log_sigma


@wrong(
    "encoder_forward",
    cause="The second half is log_sigma already and must be returned as it is; exp makes it sigma.",
    line="np.exp(out[:, K:])",
)
def returns_sigma(params, x):
    out = mlp(params, x)
    K = out.shape[1] // 2
    return out[:, :K], np.exp(out[:, K:])


@wrong(
    "encoder_forward",
    cause="The tanh between the layers is missing, so the network is linear.",
    line="h = h @ W + b",
)
def no_activation(params, x):
    h = x
    for W, b in params:
        h = h @ W + b
    mu, log_sigma = np.split(h, 2, axis=1)
    return mu, log_sigma


@wrong(
    "encoder_forward",
    cause="The rows are divided in two halves instead of the outputs: axis=1 is missing.",
    line="np.split(mlp(params, x), 2)",
)
def splits_the_examples(params, x):
    mu, log_sigma = np.split(mlp(params, x), 2)
    return mu, log_sigma


@wrong(
    "encoder_forward",
    cause="K is taken for all outputs of the last layer; it is half of them, so log_sigma comes out empty.",
    line="K = len(params[-1][1])",
)
def latents_counted_double(params, x):
    K = len(params[-1][1])
    out = mlp(params, x)
    return out[:, :K], out[:, K:]


@wrong(
    "encoder_forward",
    cause="The halves overlap: the second starts at K - 1 and the first ends before K.",
    line="out[:, K - 1 : -1]",
)
def halves_overlap(params, x):
    out = mlp(params, x)
    K = out.shape[1] // 2
    return out[:, :K], out[:, K - 1 : -1]


@wrong(
    "encoder_forward",
    cause="tanh is applied before each layer, so also to the input x.",
    line="np.tanh(h) @ W + b",
)
def tanh_on_the_input(params, x):
    h = x
    for W, b in params:
        h = np.tanh(h) @ W + b
    half = h.shape[-1] // 2
    return h[..., :half], h[..., half:]


@wrong(
    "encoder_forward",
    cause="Exactly two layers are assumed; the network may have one or more than two.",
    line="(W1, b1), (W2, b2) = params[0], params[-1]",
)
def two_layers_assumed(params, x):
    (W1, b1), (W2, b2) = params[0], params[-1]
    out = np.tanh(x @ W1 + b1) @ W2 + b2
    K = out.shape[1] // 2
    return out[:, :K], out[:, K:]


@wrong(
    "encoder_forward",
    cause="The outputs are taken for log variances and halved; they are log_sigma as they stand.",
    line="0.5 * log_var",
)
def halves_the_second_half(params, x):
    h = anp.dot(x, params[0][0]) + params[0][1]
    for W, b in params[1:]:
        h = anp.dot(anp.tanh(h), W) + b
    mu, log_var = anp.split(h, 2, axis=1)
    return mu, 0.5 * log_var


# --- gap_ledger -------------------------------------------------------------------------------------------------------


@wrong(
    "gap_ledger",
    cause="The names are exchanged: the gap of the best q is the approximation gap.",
    line='"amortization": log_p - elbo_best',
)
def names_exchanged(log_p, elbo_best, elbo_encoder):
    return {"amortization": log_p - elbo_best, "approximation": elbo_best - elbo_encoder}


@wrong(
    "gap_ledger",
    cause="The amortization gap is measured from log p(x), so it contains the other gap; start at the best q.",
    line="log_p - elbo_encoder",
)
def amortization_from_log_p(log_p, elbo_best, elbo_encoder):
    return {"approximation": log_p - elbo_best, "amortization": log_p - elbo_encoder}


@wrong(
    "gap_ledger",
    cause="The approximation gap is that of the best q; this is the whole distance of the encoder from log p(x).",
    line="approximation = log_p - elbo_encoder",
)
def approximation_of_the_encoder(log_p, elbo_best, elbo_encoder):
    approximation = log_p - elbo_encoder
    amortization = elbo_best - elbo_encoder
    return {"approximation": approximation, "amortization": amortization}


@wrong(
    "gap_ledger",
    cause="Both gaps have the wrong sign: the bound is subtracted from what lies above it.",
    line="elbo_best - log_p",
)
def gaps_below_zero(log_p, elbo_best, elbo_encoder):
    gaps = {"approximation": elbo_best - log_p}
    gaps["amortization"] = elbo_encoder - elbo_best
    return gaps


@wrong(
    "gap_ledger",
    cause="The gaps are averaged; one for each example is wanted.",
    line="np.mean(log_p - elbo_best)",
)
def mean_gaps(log_p, elbo_best, elbo_encoder):
    return {"approximation": np.mean(log_p - elbo_best), "amortization": np.mean(elbo_best - elbo_encoder)}


@wrong(
    "gap_ledger",
    cause="A tuple is returned; a dict with the names of the gaps is wanted.",
    line="return approximation, amortization",
)
def tuple_of_gaps(log_p, elbo_best, elbo_encoder):
    approximation = log_p - elbo_best
    amortization = elbo_best - elbo_encoder
    return approximation, amortization


@wrong(
    "gap_ledger",
    cause='The keys must be "approximation" and "amortization", without "_gap".',
    line='"approximation_gap"',
)
def other_keys(log_p, elbo_best, elbo_encoder):
    return {"approximation_gap": log_p - elbo_best, "amortization_gap": elbo_best - elbo_encoder}


@wrong(
    "gap_ledger",
    cause="The gaps are differences of the logarithms, in nats; the probabilities are subtracted here.",
    line="np.exp(log_p) - np.exp(elbo_best)",
)
def differences_of_probabilities(log_p, elbo_best, elbo_encoder):
    return {
        "approximation": np.exp(log_p) - np.exp(elbo_best),
        "amortization": np.exp(elbo_best) - np.exp(elbo_encoder),
    }


@wrong(
    "gap_ledger",
    cause="The gaps are divided by their sum; they are wanted in nats, not as shares.",
    line="/ total",
)
def shares_of_the_loss(log_p, elbo_best, elbo_encoder):
    total = log_p - elbo_encoder
    gaps = {}
    gaps["approximation"] = (log_p - elbo_best) / total
    gaps["amortization"] = (elbo_best - elbo_encoder) / total
    return gaps


@wrong(
    "gap_ledger",
    cause="Each example's best q has its own bound; the largest bound of all examples is used here.",
    line="elbo_best.max()",
)
def best_of_all_examples(log_p, elbo_best, elbo_encoder):
    best = elbo_best.max()
    return {"approximation": log_p - best, "amortization": best - elbo_encoder}


@wrong(
    "gap_ledger",
    cause="What was computed for the best q and for the encoder is exchanged: elbo_best stands second.",
    line="ledger = zip(log_p, elbo_encoder, elbo_best)",
)
def bounds_exchanged(log_p, elbo_best, elbo_encoder):
    ledger = zip(log_p, elbo_encoder, elbo_best)
    approximation, amortization = [], []
    for p, best, enc in ledger:
        approximation.append(p - best)
        amortization.append(best - enc)
    return {"approximation": np.array(approximation), "amortization": np.array(amortization)}


# --- encoder_train ----------------------------------------------------------------------------------------------------


def _encode(encoder, x):
    out = mlp(encoder, x)
    K = out.shape[1] // 2
    return out[:, :K], out[:, K:]


def _rows_and_noise(x, K, steps, rng):
    for rows in minibatches(x, 128, steps, rng):
        yield rows, rng.standard_normal((1, len(rows), K)).astype(np.float32)


def _start(sizes, rng):
    return init_mlp([*sizes[:-1], 2 * sizes[-1]], rng)


@wrong(
    "encoder_train",
    cause="The ELBO is minimised: adam goes downhill, so the loss is minus its mean.",
    line="return anp.mean(elbo_of_q(",
)
def goes_downhill(x, decoder, sizes, steps, rng):
    def loss(encoder, batch):
        rows, eps = batch
        return anp.mean(elbo_of_q(decoder, rows, *_encode(encoder, rows), eps))

    batches = _rows_and_noise(x, sizes[-1], steps, rng)
    return adam(loss, _start(sizes, rng), batches, steps, hold_then_linear(4e-3, steps))


@wrong(
    "encoder_train",
    cause="The encoder has K outputs, and not 2K.",
    line="init_mlp(sizes, rng)",
)
def half_the_outputs(x, decoder, sizes, steps, rng):
    def loss(encoder, batch):
        rows, eps = batch
        mu = mlp(encoder, rows)
        return -anp.mean(elbo_of_q(decoder, rows, mu, 0 * mu, eps))

    batches = _rows_and_noise(x, sizes[-1], steps, rng)
    return adam(loss, init_mlp(sizes, rng), batches, steps, hold_then_linear(4e-3, steps))


@wrong(
    "encoder_train",
    cause="The noise is 0 in every minibatch: sigma is never felt, so that it is not trained.",
    line="np.zeros(",
)
def no_noise(x, decoder, sizes, steps, rng):
    def batches():
        for rows in minibatches(x, 128, steps, rng):
            yield rows, np.zeros((1, len(rows), sizes[-1]), np.float32)

    def loss(encoder, batch):
        rows, eps = batch
        return -anp.mean(elbo_of_q(decoder, rows, *_encode(encoder, rows), eps))

    return adam(loss, _start(sizes, rng), batches(), steps, hold_then_linear(4e-3, steps))


@wrong(
    "encoder_train",
    cause="The step size is 4e-6, so that it hardly learns in the steps it has.",
    line="4e-6",
)
def steps_too_small(x, decoder, sizes, steps, rng):
    def loss(encoder, batch):
        rows, eps = batch
        return -anp.mean(elbo_of_q(decoder, rows, *_encode(encoder, rows), eps))

    batches = _rows_and_noise(x, sizes[-1], steps, rng)
    return adam(loss, _start(sizes, rng), batches, steps, hold_then_linear(4e-6, steps))


@wrong(
    "encoder_train",
    cause="The outputs are taken as (log sigma, mu); the first K are mu.",
    line="log_sigma, mu = _encode(",
)
def encoder_halves_exchanged(x, decoder, sizes, steps, rng):
    def loss(encoder, batch):
        rows, eps = batch
        log_sigma, mu = _encode(encoder, rows)
        return -anp.mean(elbo_of_q(decoder, rows, mu, log_sigma, eps))

    batches = _rows_and_noise(x, sizes[-1], steps, rng)
    return adam(loss, _start(sizes, rng), batches, steps, hold_then_linear(4e-3, steps))


@wrong(
    "encoder_train",
    cause="Decoder and encoder are returned as a pair; the encoder alone is asked.",
    line="return encoder, decoder",
)
def a_pair_returned(x, decoder, sizes, steps, rng):
    def loss(encoder, batch):
        rows, eps = batch
        return -anp.mean(elbo_of_q(decoder, rows, *_encode(encoder, rows), eps))

    batches = _rows_and_noise(x, sizes[-1], steps, rng)
    encoder = adam(loss, _start(sizes, rng), batches, steps, hold_then_linear(4e-3, steps))
    return encoder, decoder


@wrong(
    "encoder_train",
    cause="The random numbers do not come from rng, but from a generator of its own.",
    line="np.random.default_rng()",
)
def own_generator(x, decoder, sizes, steps, rng):
    mine = np.random.default_rng()

    def loss(encoder, batch):
        rows, eps = batch
        return -anp.mean(elbo_of_q(decoder, rows, *_encode(encoder, rows), eps))

    batches = _rows_and_noise(x, sizes[-1], steps, mine)
    return adam(loss, _start(sizes, mine), batches, steps, hold_then_linear(4e-3, steps))


@wrong(
    "encoder_train",
    cause="The same noise serves all minibatches; each needs fresh noise.",
    line="eps = rng.standard_normal(",
)
def one_noise_for_all(x, decoder, sizes, steps, rng):
    eps = rng.standard_normal((1, 128, sizes[-1])).astype(np.float32)

    def loss(encoder, rows):
        return -anp.mean(elbo_of_q(decoder, rows, *_encode(encoder, rows), eps[:, : len(rows)]))

    return adam(loss, _start(sizes, rng), minibatches(x, 128, steps, rng), steps, hold_then_linear(4e-3, steps))


# --- refine_q ---------------------------------------------------------------------------------------------------------


@wrong(
    "refine_q",
    cause="The mean over the examples is differentiated, so that each step is N times too short; it is the sum.",
    line="anp.mean(elbo_of_q(",
)
def mean_over_the_examples(decoder, x, mu, log_sigma, eps, step_size):
    slopes = grad(lambda m, s, e: anp.mean(elbo_of_q(decoder, x, m, s, e)), (0, 1))
    for e in eps:
        a, b = slopes(mu, log_sigma, e)
        mu, log_sigma = mu + step_size * a, log_sigma + step_size * b
    return mu, log_sigma


@wrong(
    "refine_q",
    cause="It goes downhill: the slope is subtracted.",
    line="mu - step_size * a",
)
def downhill(decoder, x, mu, log_sigma, eps, step_size):
    def total(m, s, e):
        return anp.sum(elbo_of_q(decoder, x, m, s, e))

    for e in eps:
        a, b = grad(total, (0, 1))(mu, log_sigma, e)
        mu = mu - step_size * a
        log_sigma = log_sigma - step_size * b
    return mu, log_sigma


@wrong(
    "refine_q",
    cause="Only mu moves; log_sigma takes its step, too.",
    line="return mu, log_sigma",
)
def only_mu_moves(decoder, x, mu, log_sigma, eps, step_size):
    slope = grad(lambda m, e: anp.sum(elbo_of_q(decoder, x, m, log_sigma, e)))
    for e in eps:
        mu = mu + step_size * slope(mu, e)
    return mu, log_sigma


@wrong(
    "refine_q",
    cause="mu moves first, and the slope of log_sigma is taken at the new mu; both move at once.",
    line="log_sigma = log_sigma + step_size * grad(total, 1)(mu, log_sigma, e)",
)
def one_after_the_other(decoder, x, mu, log_sigma, eps, step_size):
    def total(m, s, e):
        return anp.sum(elbo_of_q(decoder, x, m, s, e))

    for e in eps:
        mu = mu + step_size * grad(total, 0)(mu, log_sigma, e)
        log_sigma = log_sigma + step_size * grad(total, 1)(mu, log_sigma, e)
    return mu, log_sigma


@wrong(
    "refine_q",
    cause="The same noise, the first, is used in every step.",
    line="eps[0]",
)
def first_noise_always(decoder, x, mu, log_sigma, eps, step_size):
    slopes = grad(lambda m, s: anp.sum(elbo_of_q(decoder, x, m, s, eps[0])), (0, 1))
    for _ in range(len(eps)):
        a, b = slopes(mu, log_sigma)
        mu, log_sigma = mu + step_size * a, log_sigma + step_size * b
    return mu, log_sigma


@wrong(
    "refine_q",
    cause="One step with all noises is taken in place of one step for each.",
    line="eps.reshape(",
)
def one_step_with_all(decoder, x, mu, log_sigma, eps, step_size):
    T, S, N, K = eps.shape
    every = eps.reshape(T * S, N, K)
    a, b = grad(lambda m, s: anp.sum(elbo_of_q(decoder, x, m, s, every)), (0, 1))(mu, log_sigma)
    return mu + step_size * a, log_sigma + step_size * b


@wrong(
    "refine_q",
    cause="The slopes are taken at the start in every step, not at where mu and log_sigma have got to.",
    line="slopes(mu, log_sigma, e)",
)
def always_from_the_start(decoder, x, mu, log_sigma, eps, step_size):
    slopes = grad(lambda m, s, e: anp.sum(elbo_of_q(decoder, x, m, s, e)), (0, 1))
    new_mu, new_log_sigma = np.array(mu), np.array(log_sigma)
    for e in eps:
        a, b = slopes(mu, log_sigma, e)
        new_mu = new_mu + step_size * a
        new_log_sigma = new_log_sigma + step_size * b
    return new_mu, new_log_sigma


@wrong(
    "refine_q",
    cause="The step is divided by the number of steps T.",
    line="step_size / len(eps)",
)
def step_shared_among_the_noises(decoder, x, mu, log_sigma, eps, step_size):
    slopes = grad(lambda m, s, e: anp.sum(elbo_of_q(decoder, x, m, s, e)), (0, 1))
    small = step_size / len(eps)
    for e in eps:
        a, b = slopes(mu, log_sigma, e)
        mu, log_sigma = mu + small * a, log_sigma + small * b
    return mu, log_sigma


@wrong(
    "refine_q",
    cause="Only the first of the T noises is used: the loop ends after one step.",
    line="return mu + step_size * a",
)
def returns_in_the_loop(decoder, x, mu, log_sigma, eps, step_size):
    slopes = grad(lambda m, s, e: anp.sum(elbo_of_q(decoder, x, m, s, e)), (0, 1))
    for e in eps:
        a, b = slopes(mu, log_sigma, e)
        return mu + step_size * a, log_sigma + step_size * b


@wrong(
    "refine_q",
    cause="sigma is moved and its logarithm taken; the slope is that of log sigma.",
    line="np.log(np.exp(log_sigma) + step_size * b)",
)
def sigma_is_moved(decoder, x, mu, log_sigma, eps, step_size):
    slopes = grad(lambda m, s, e: anp.sum(elbo_of_q(decoder, x, m, s, e)), (0, 1))
    for e in eps:
        a, b = slopes(mu, log_sigma, e)
        mu = mu + step_size * a
        log_sigma = np.log(np.exp(log_sigma) + step_size * b)
    return mu, log_sigma
