"""Wrong answers to notebook 08, from the cards alone."""

import autograd.numpy as anp
import numpy as np
from autograd import grad
from scipy.special import expit, logsumexp, softmax
from scipy.stats import norm

from course_utils.models.vae import encoder_forward, init_vae
from course_utils.networks.nets import init_mlp, mlp
from course_utils.networks.optim import adam, minibatches
from course_utils.probability.gaussians import diagonal_gaussian_log_prob, kl_standard_normal
from course_utils.probability.likelihoods import bernoulli_log_prob
from wrong_corpus import wrong

# --- vae_elbo ---------------------------------------------------------------------------------------------------------


def _average(terms):
    """Mean over the samples, where there are several: (N,) or (S, N) -> (N,)."""
    return anp.mean(terms, axis=0) if terms.ndim == 2 else terms


@wrong("vae_elbo", cause="The KL term is added; it must be subtracted.", line="reconstruction + kl")
def kl_added(encoder, decoder, x, eps):
    mu, log_sigma = encoder_forward(encoder, x)
    z = mu + anp.exp(log_sigma) * eps
    reconstruction = _average(bernoulli_log_prob(x, mlp(decoder, z)))
    kl = kl_standard_normal(mu, log_sigma)
    return reconstruction + kl


@wrong(
    "vae_elbo",
    cause="The log probability is averaged over the pixels; it must be summed.",
    line="anp.mean(x * logits - anp.logaddexp(0, logits), axis=-1)",
)
def mean_over_pixels(encoder, decoder, x, eps):
    mu, log_sigma = encoder_forward(encoder, x)
    logits = mlp(decoder, mu + anp.exp(log_sigma) * eps)
    log_lik = anp.mean(x * logits - anp.logaddexp(0, logits), axis=-1)
    return _average(log_lik) - kl_standard_normal(mu, log_sigma)


@wrong(
    "vae_elbo",
    cause="For logits of size 1000 the sigmoid is exactly 0 or 1, and its logarithm infinite: use logaddexp.",
    line="p = 1 / (1 + anp.exp(-mlp(decoder, z)))",
)
def logarithm_of_the_sigmoid(encoder, decoder, x, eps):
    mu, log_sigma = encoder_forward(encoder, x)
    z = mu + anp.exp(log_sigma) * eps
    with np.errstate(all="ignore"):
        p = 1 / (1 + anp.exp(-mlp(decoder, z)))
        log_lik = anp.sum(x * anp.log(p) + (1 - x) * anp.log(1 - p), axis=-1)
    kl = 0.5 * anp.sum(anp.exp(2 * log_sigma) + mu**2 - 1 - 2 * log_sigma, axis=1)
    return _average(log_lik) - kl


@wrong(
    "vae_elbo",
    cause="The probabilities are clipped, so that a pixel never costs more than 16 nats: wrong for large logits.",
    line="anp.clip(",
)
def clipped_probabilities(encoder, decoder, x, eps):
    mu, log_sigma = encoder_forward(encoder, x)
    logits = mlp(decoder, mu + anp.exp(log_sigma) * eps)
    p = anp.clip(0.5 * (1 + anp.tanh(logits / 2)), 1e-7, 1 - 1e-7)
    log_lik = anp.sum(x * anp.log(p) + (1 - x) * anp.log(1 - p), axis=-1)
    return _average(log_lik) - kl_standard_normal(mu, log_sigma)


@wrong(
    "vae_elbo",
    cause="The noise is multiplied by log_sigma; the encoder's second half is the logarithm of sigma.",
    line="z = mu + sigma * eps",
)
def logarithm_as_width(encoder, decoder, x, eps):
    mu, sigma = encoder_forward(encoder, x)
    z = mu + sigma * eps
    log_lik = _average(bernoulli_log_prob(x, mlp(decoder, z)))
    return log_lik - kl_standard_normal(mu, sigma)


@wrong(
    "vae_elbo",
    cause="The mean over axis 0 is taken for eps (N, K), too, where that axis is the examples.",
    line="anp.mean(bernoulli_log_prob(x, logits), axis=0)",
)
def first_axis_always_averaged(encoder, decoder, x, eps):
    mu, log_sigma = encoder_forward(encoder, x)
    logits = mlp(decoder, mu + anp.exp(log_sigma) * eps)
    reconstruction = anp.mean(bernoulli_log_prob(x, logits), axis=0)
    return reconstruction - kl_standard_normal(mu, log_sigma)


@wrong(
    "vae_elbo",
    cause="The reconstruction terms of the S samples are summed, not averaged.",
    line="total = total + bernoulli_log_prob(x, mlp(decoder, z))",
)
def sum_over_samples(encoder, decoder, x, eps):
    mu, log_sigma = encoder_forward(encoder, x)
    if eps.ndim == 2:
        eps = eps[None]
    total = 0
    for e in eps:
        z = mu + anp.exp(log_sigma) * e
        total = total + bernoulli_log_prob(x, mlp(decoder, z))
    return total - kl_standard_normal(mu, log_sigma)


@wrong(
    "vae_elbo",
    cause="The KL term is estimated from the samples; its closed form is asked for.",
    line="log_q - log_p",
)
def kl_from_samples(encoder, decoder, x, eps):
    mu, log_sigma = encoder_forward(encoder, x)
    z = mu + anp.exp(log_sigma) * eps
    log_q = diagonal_gaussian_log_prob(z, mu, log_sigma)
    log_p = diagonal_gaussian_log_prob(z, anp.zeros(mu.shape), anp.zeros(mu.shape))
    return _average(bernoulli_log_prob(x, mlp(decoder, z)) - (log_q - log_p))


@wrong(
    "vae_elbo",
    cause="In the KL term log_sigma is taken for the log of the variance.",
    line="1 + log_sigma - mu**2 - anp.exp(log_sigma)",
)
def kl_of_a_log_variance(encoder, decoder, x, eps):
    mu, log_sigma = encoder_forward(encoder, x)
    z = mu + anp.exp(log_sigma) * eps
    logits = mlp(decoder, z)
    log_lik = _average(anp.sum(x * logits - anp.logaddexp(0, logits), axis=-1))
    kl = -0.5 * anp.sum(1 + log_sigma - mu**2 - anp.exp(log_sigma), axis=-1)
    return log_lik - kl


@wrong(
    "vae_elbo",
    cause="The reconstruction term is a squared error; it must be the pixels' Bernoulli log probability.",
    line="-anp.sum((x - x_hat) ** 2, axis=-1)",
)
def squared_error(encoder, decoder, x, eps):
    mu, log_sigma = encoder_forward(encoder, x)
    x_hat = 0.5 * (1 + anp.tanh(0.5 * mlp(decoder, mu + anp.exp(log_sigma) * eps)))
    return _average(-anp.sum((x - x_hat) ** 2, axis=-1)) - kl_standard_normal(mu, log_sigma)


@wrong(
    "vae_elbo",
    cause="The decoder gets the mean mu; it must get the sample z = mu + sigma eps.",
    line="mlp(decoder, mu)",
)
def decodes_the_mean(encoder, decoder, x, eps):
    mu, log_sigma = encoder_forward(encoder, x)
    return bernoulli_log_prob(x, mlp(decoder, mu)) - kl_standard_normal(mu, log_sigma)


@wrong(
    "vae_elbo",
    cause="The mean over the examples is returned; each example has a bound of its own.",
    line="anp.mean(",
)
def mean_over_examples(encoder, decoder, x, eps):
    mu, log_sigma = encoder_forward(encoder, x)
    z = mu + anp.exp(log_sigma) * eps
    return anp.mean(bernoulli_log_prob(x, mlp(decoder, z))) - anp.mean(kl_standard_normal(mu, log_sigma))


@wrong(
    "vae_elbo",
    cause="The samples' logits are averaged; it must be their log probabilities.",
    line="logits.mean(axis=0)",
)
def averages_the_logits(encoder, decoder, x, eps):
    mu, log_sigma = encoder_forward(encoder, x)
    logits = mlp(decoder, mu + anp.exp(log_sigma) * eps)
    if eps.ndim == 3:
        logits = logits.mean(axis=0)
    return anp.sum(x * logits - anp.logaddexp(0, logits), axis=1) - kl_standard_normal(mu, log_sigma)


# --- vae_train --------------------------------------------------------------------------------------------------------


def _elbo(encoder, decoder, x, eps):
    mu, log_sigma = encoder_forward(encoder, x)
    z = mu + anp.exp(log_sigma) * eps
    return bernoulli_log_prob(x, mlp(decoder, z)) - kl_standard_normal(mu, log_sigma)


def _loss(params, batch):
    encoder, decoder = params
    return -anp.mean(_elbo(encoder, decoder, *batch))


def _noisy(x, K, steps, rng, size=100):
    for rows in minibatches(x, size, steps, rng):
        yield rows, rng.standard_normal((len(rows), K), dtype=np.float32)


@wrong(
    "vae_train",
    cause="The noise is 0 in training, so z is mu and nothing prepares the decoder for fresh noise.",
    line="no_noise = np.zeros((len(rows), sizes[-1]))",
)
def trains_without_noise(x, sizes, steps, rng):
    def batches():
        for rows in minibatches(x, 100, steps, rng):
            no_noise = np.zeros((len(rows), sizes[-1]))
            yield rows, no_noise

    return adam(_loss, init_vae(x.mean(axis=0), sizes, rng), batches(), steps, step_size=5e-3)


@wrong(
    "vae_train",
    cause="adam minimises, and it is given the bound itself, not minus the bound: training goes downhill.",
    line="return anp.mean(_elbo(encoder, decoder, rows, eps))",
)
def minimises_the_bound(x, sizes, steps, rng):
    def objective(params, batch):
        encoder, decoder = params
        rows, eps = batch
        return anp.mean(_elbo(encoder, decoder, rows, eps))

    start = init_vae(x.mean(axis=0), sizes, rng)
    return adam(objective, start, _noisy(x, sizes[-1], steps, rng), steps, step_size=1e-3)


@wrong(
    "vae_train",
    cause="The reconstruction term is averaged over the pixels, so the KL term weighs D times too much.",
    line="anp.mean(x * logits - anp.logaddexp(0, logits), axis=1)",
)
def reconstruction_per_pixel(x, sizes, steps, rng):
    def loss(params, batch):
        (encoder, decoder), (x, eps) = params, batch
        mu, log_sigma = encoder_forward(encoder, x)
        logits = mlp(decoder, mu + anp.exp(log_sigma) * eps)
        log_lik = anp.mean(x * logits - anp.logaddexp(0, logits), axis=1)
        return -anp.mean(log_lik - kl_standard_normal(mu, log_sigma))

    start = init_vae(x.mean(axis=0), sizes, rng)
    return adam(loss, start, _noisy(x, sizes[-1], steps, rng), steps, step_size=5e-3)


@wrong(
    "vae_train",
    cause="adam returns the trained networks; the result is thrown away, and the untrained ones are returned.",
    line="adam(_loss, (encoder, decoder),",
)
def returns_the_start(x, sizes, steps, rng):
    encoder, decoder = init_vae(x.mean(axis=0), sizes, rng)
    adam(_loss, (encoder, decoder), _noisy(x, sizes[-1], steps, rng), steps, step_size=3e-3)
    return encoder, decoder


@wrong(
    "vae_train",
    cause="Only the decoder is trained; the encoder's weights stay as they were drawn.",
    line="-anp.mean(_elbo(encoder, decoder, *batch))",
)
def encoder_stands_still(x, sizes, steps, rng):
    encoder, decoder = init_vae(x.mean(axis=0), sizes, rng)

    def loss(decoder, batch):
        return -anp.mean(_elbo(encoder, decoder, *batch))

    decoder = adam(loss, decoder, _noisy(x, sizes[-1], steps, rng), steps, step_size=5e-3)
    return encoder, decoder


@wrong(
    "vae_train",
    cause="The encoder's last layer has K outputs; it needs 2K, for mu and log_sigma.",
    line="encoder = init_mlp(sizes, rng)",
)
def encoder_with_k_outputs(x, sizes, steps, rng):
    encoder = init_mlp(sizes, rng)
    decoder = init_mlp(sizes[::-1], rng)
    return adam(_loss, (encoder, decoder), _noisy(x, sizes[-1], steps, rng), steps, step_size=5e-3)


@wrong(
    "vae_train",
    cause="One noise vector is drawn before the training and used for every example: z holds no fresh noise.",
    line="eps = rng.standard_normal((1, sizes[-1]))",
)
def one_noise_for_all_steps(x, sizes, steps, rng):
    eps = rng.standard_normal((1, sizes[-1]))

    def loss(params, rows):
        return -anp.mean(_elbo(*params, rows, eps))

    return adam(loss, init_vae(x.mean(axis=0), sizes, rng), minibatches(x, 100, steps, rng), steps, step_size=5e-3)


@wrong(
    "vae_train",
    cause="Every step sees the same hundred rows, the first ones; the others are never used, and the networks overfit.",
    line="rows = x[:100]",
)
def always_the_first_rows(x, sizes, steps, rng):
    def batches():
        while True:
            rows = x[:100]
            yield rows, rng.standard_normal((len(rows), sizes[-1]))

    return adam(_loss, init_vae(x.mean(axis=0), sizes, rng), batches(), steps, step_size=5e-3)


@wrong(
    "vae_train",
    cause="The KL term is missing from the loss, so nothing keeps sigma up or the codes near the prior.",
    line="-anp.mean(bernoulli_log_prob(rows, mlp(decoder, z)))",
)
def no_kl_in_the_loss(x, sizes, steps, rng):
    def loss(params, batch):
        encoder, decoder = params
        rows, eps = batch
        mu, log_sigma = encoder_forward(encoder, rows)
        z = mu + anp.exp(log_sigma) * eps
        return -anp.mean(bernoulli_log_prob(rows, mlp(decoder, z)))

    start = init_vae(x.mean(axis=0), sizes, rng)
    return adam(loss, start, _noisy(x, sizes[-1], steps, rng), steps, step_size=5e-3)


@wrong(
    "vae_train",
    cause="The step size is far too small: in so few steps the networks hardly move.",
    line="step_size=1e-5",
)
def tiny_step_size(x, sizes, steps, rng):
    params = init_vae(x.mean(axis=0), sizes, rng)
    batches = _noisy(x, sizes[-1], steps, rng)
    encoder, decoder = adam(_loss, params, batches, steps, step_size=1e-5)
    return encoder, decoder


@wrong(
    "vae_train",
    cause="Plain gradient descent with a small step size instead of Adam gets nowhere in 600 steps.",
    line="W - 1e-4 * dW",
)
def plain_gradient_descent(x, sizes, steps, rng):
    encoder, decoder = init_vae(x.mean(axis=0), sizes, rng)
    slope = grad(_loss)
    for batch in _noisy(x, sizes[-1], steps, rng):
        by_encoder, by_decoder = slope((encoder, decoder), batch)
        encoder = [(W - 1e-4 * dW, b - 1e-4 * db) for (W, b), (dW, db) in zip(encoder, by_encoder)]
        decoder = [(W - 1e-4 * dW, b - 1e-4 * db) for (W, b), (dW, db) in zip(decoder, by_decoder)]
    return encoder, decoder


@wrong(
    "vae_train",
    cause="The networks are returned in the wrong order: the encoder comes first.",
    line="return decoder, encoder",
)
def decoder_first(x, sizes, steps, rng):
    networks = init_vae(x.mean(axis=0), sizes, rng)
    encoder, decoder = adam(_loss, networks, _noisy(x, sizes[-1], steps, rng), steps, step_size=5e-3)
    return decoder, encoder


# --- vae_generate -----------------------------------------------------------------------------------------------------


@wrong("vae_generate", cause="The logits are returned; the sigmoid is missing.", line="return mlp(decoder, z)")
def logits_returned(decoder, z):
    return mlp(decoder, z)


@wrong(
    "vae_generate",
    cause="exp(1000) is infinite, and infinity over infinity is nan: write 1 / (1 + exp(-l)) or use expit.",
    line="np.exp(logits) / (1 + np.exp(logits))",
)
def infinity_over_infinity(decoder, z):
    logits = mlp(decoder, z)
    with np.errstate(all="ignore"):
        return np.exp(logits) / (1 + np.exp(logits))


@wrong(
    "vae_generate",
    cause="Softmax makes the pixels share one probability; each pixel has its own coin, a sigmoid.",
    line="softmax(",
)
def softmax_over_pixels(decoder, z):
    return softmax(mlp(decoder, z), axis=1)


@wrong(
    "vae_generate",
    cause="The probabilities are rounded to black and white; they are wanted themselves.",
    line="> 0.5",
)
def rounded_to_black_and_white(decoder, z):
    p = expit(mlp(decoder, z))
    return (p > 0.5).astype(float)


@wrong(
    "vae_generate",
    cause="The pixels are tossed; their probabilities are wanted.",
    line="rng.random(p.shape) < p",
)
def tosses_the_pixels(decoder, z):
    rng = np.random.default_rng()
    p = expit(mlp(decoder, z))
    return (rng.random(p.shape) < p).astype(float)


@wrong(
    "vae_generate",
    cause="(1 + tanh(l)) / 2 is the sigmoid of 2 l; the tanh must be of half the logits.",
    line="np.tanh(logits)",
)
def tanh_of_the_whole_logit(decoder, z):
    logits = mlp(decoder, z)
    return 0.5 * (1 + np.tanh(logits))


@wrong(
    "vae_generate",
    cause="The sigmoid is used between the layers as well; the hidden units are tanh units.",
    line="h = expit(h @ W + b)",
)
def sigmoid_in_every_layer(decoder, z):
    h = z
    for W, b in decoder:
        h = expit(h @ W + b)
    return h


@wrong(
    "vae_generate",
    cause="tanh is applied to the last layer's output before the sigmoid; it stands between layers only.",
    line="h = np.tanh(h @ W + b)",
)
def tanh_before_the_sigmoid(decoder, z):
    h = z
    for W, b in decoder:
        h = np.tanh(h @ W + b)
    return 1 / (1 + np.exp(-h))


@wrong(
    "vae_generate",
    cause="The sign of the logits is wrong: this is the probability of black.",
    line="1 / (1 + np.exp(logits))",
)
def probability_of_black(decoder, z):
    logits = mlp(decoder, z)
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(logits))


@wrong(
    "vae_generate",
    cause="The logits are stretched to the range from 0 to 1; the sigmoid makes probabilities of them.",
    line="(logits - low) / (high - low)",
)
def stretched_to_the_unit_range(decoder, z):
    logits = mlp(decoder, z)
    low, high = logits.min(axis=1, keepdims=True), logits.max(axis=1, keepdims=True)
    return (logits - low) / (high - low)


@wrong(
    "vae_generate",
    cause="This is the logarithm of the probability.",
    line="-np.logaddexp(0, -mlp(decoder, z))",
)
def log_probability(decoder, z):
    return -np.logaddexp(0, -mlp(decoder, z))


@wrong(
    "vae_generate",
    cause="The decoder's hidden units are left linear: tanh is missing between the layers.",
    line="h = h @ W + b",
)
def linear_decoder(decoder, z):
    h = z
    for W, b in decoder:
        h = h @ W + b
    return expit(h)


# --- vae_log_likelihood -----------------------------------------------------------------------------------------------


def _log_normal(z):
    return norm.logpdf(z).sum(axis=-1)


@wrong(
    "vae_log_likelihood",
    cause="The logarithms of the weights are averaged (the ELBO); it must be the logarithm of their mean.",
    line="np.mean(log_w, axis=0)",
)
def mean_of_the_logarithms(encoder, decoder, x, eps):
    mu, log_sigma = encoder_forward(encoder, x)
    z = mu + np.exp(log_sigma) * eps
    log_w = bernoulli_log_prob(x, mlp(decoder, z)) + _log_normal(z) - diagonal_gaussian_log_prob(z, mu, log_sigma)
    return np.mean(log_w, axis=0)


@wrong(
    "vae_log_likelihood",
    cause="The weights are summed, not averaged: log S must be subtracted.",
    line="return logsumexp(log_w, axis=0)",
)
def sum_of_the_weights(encoder, decoder, x, eps):
    mu, log_sigma = encoder_forward(encoder, x)
    z = mu + np.exp(log_sigma) * eps
    log_w = (
        bernoulli_log_prob(x, mlp(decoder, z))
        + diagonal_gaussian_log_prob(z, 0 * mu, 0 * mu)
        - diagonal_gaussian_log_prob(z, mu, log_sigma)
    )
    return logsumexp(log_w, axis=0)


@wrong(
    "vae_log_likelihood",
    cause="exp underflows for log weights near -1000, and the result is -inf: use logsumexp.",
    line="np.log(np.mean(np.exp(log_w), axis=0))",
)
def exponential_underflows(encoder, decoder, x, eps):
    mu, log_sigma = encoder_forward(encoder, x)
    z = mu + np.exp(log_sigma) * eps
    log_w = bernoulli_log_prob(x, mlp(decoder, z)) + _log_normal(z) - diagonal_gaussian_log_prob(z, mu, log_sigma)
    with np.errstate(divide="ignore"):
        return np.log(np.mean(np.exp(log_w), axis=0))


@wrong(
    "vae_log_likelihood",
    cause="The prior p(z) is missing in the weights.",
    line="log_w = log_lik - log_q",
)
def prior_forgotten(encoder, decoder, x, eps):
    mu, log_sigma = encoder_forward(encoder, x)
    sigma = np.exp(log_sigma)
    z = mu + sigma * eps
    log_lik = bernoulli_log_prob(x, mlp(decoder, z))
    log_q = norm.logpdf(z, mu, sigma).sum(axis=2)
    log_w = log_lik - log_q
    return logsumexp(log_w, axis=0) - np.log(len(eps))


@wrong(
    "vae_log_likelihood",
    cause="The weights are not divided by q(z|x), from which the samples come.",
    line="log_w = log_lik + log_p",
)
def proposal_forgotten(encoder, decoder, x, eps):
    mu, log_sigma = encoder_forward(encoder, x)
    z = mu + np.exp(log_sigma) * eps
    log_lik = bernoulli_log_prob(x, mlp(decoder, z))
    log_p = _log_normal(z)
    log_w = log_lik + log_p
    return logsumexp(log_w, axis=0) - np.log(len(eps))


@wrong(
    "vae_log_likelihood",
    cause="The scale of norm.logpdf is sigma; log_sigma was given to it.",
    line="norm.logpdf(z, mu, np.abs(log_sigma))",
)
def logarithm_as_scale(encoder, decoder, x, eps):
    mu, log_sigma = encoder_forward(encoder, x)
    z = mu + np.exp(log_sigma) * eps
    log_q = norm.logpdf(z, mu, np.abs(log_sigma)).sum(axis=-1)
    log_w = bernoulli_log_prob(x, mlp(decoder, z)) + norm.logpdf(z).sum(axis=-1) - log_q
    return logsumexp(log_w, axis=0) - np.log(eps.shape[0])


@wrong(
    "vae_log_likelihood",
    cause="log q is that of the noise; for z the term -log_sigma of each dimension is missing.",
    line="log_q = _log_normal(eps)",
)
def density_of_the_noise(encoder, decoder, x, eps):
    mu, log_sigma = encoder_forward(encoder, x)
    z = mu + np.exp(log_sigma) * eps
    log_q = _log_normal(eps)
    log_w = bernoulli_log_prob(x, mlp(decoder, z)) + _log_normal(z) - log_q
    return logsumexp(log_w, axis=0) - np.log(len(eps))


@wrong(
    "vae_log_likelihood",
    cause="The KL term stands in for p(z) / q(z|x), which belongs inside every weight.",
    line="- kl_standard_normal(mu, log_sigma)",
)
def kl_in_the_place_of_weights(encoder, decoder, x, eps):
    mu, log_sigma = encoder_forward(encoder, x)
    z = mu + np.exp(log_sigma) * eps
    log_lik = bernoulli_log_prob(x, mlp(decoder, z))
    return logsumexp(log_lik, axis=0) - np.log(len(log_lik)) - kl_standard_normal(mu, log_sigma)


@wrong(
    "vae_log_likelihood",
    cause="The ratio p(z) / q(z|x) is missing: this averages p(x|z) over q, and log p(x) averages it over the prior.",
    line="log_w = bernoulli_log_prob(x, mlp(decoder, z))",
)
def likelihood_averaged_under_q(encoder, decoder, x, eps):
    mu, log_sigma = encoder_forward(encoder, x)
    z = mu + np.exp(log_sigma) * eps
    log_w = bernoulli_log_prob(x, mlp(decoder, z))
    top = log_w.max(axis=0)
    return top + np.log(np.mean(np.exp(log_w - top), axis=0))


@wrong(
    "vae_log_likelihood",
    cause="The largest log weight is subtracted before exp, and not added again after the logarithm.",
    line="return np.log(np.mean(w, axis=0))",
)
def maximum_not_added_back(encoder, decoder, x, eps):
    mu, log_sigma = encoder_forward(encoder, x)
    z = mu + np.exp(log_sigma) * eps
    log_w = bernoulli_log_prob(x, mlp(decoder, z)) + _log_normal(z) - diagonal_gaussian_log_prob(z, mu, log_sigma)
    w = np.exp(log_w - log_w.max(axis=0))
    return np.log(np.mean(w, axis=0))


@wrong(
    "vae_log_likelihood",
    cause="The weights are averaged over the examples (axis 1); the samples are axis 0.",
    line="logsumexp(log_w, axis=1)",
)
def average_over_examples(encoder, decoder, x, eps):
    S, N, K = eps.shape
    mu, log_sigma = encoder_forward(encoder, x)
    log_w = np.zeros((S, N))
    for s in range(S):
        z = mu + np.exp(log_sigma) * eps[s]
        log_p = -0.5 * np.sum(z**2, axis=1) - K / 2 * np.log(2 * np.pi)
        log_q = -0.5 * np.sum(eps[s] ** 2, axis=1) - K / 2 * np.log(2 * np.pi) - log_sigma.sum(axis=1)
        log_w[s] = bernoulli_log_prob(x, mlp(decoder, z)) + log_p - log_q
    return logsumexp(log_w, axis=1) - np.log(N)


@wrong(
    "vae_log_likelihood",
    cause="log q lacks the constant -K/2 log(2 pi), which the prior has: the two do not cancel any more.",
    line="log_q = np.sum(-0.5 * eps**2 - log_sigma, axis=2)",
)
def constant_in_one_density_only(encoder, decoder, x, eps):
    mu, log_sigma = encoder_forward(encoder, x)
    z = mu + np.exp(log_sigma) * eps
    log_p = norm.logpdf(z).sum(axis=2)
    log_q = np.sum(-0.5 * eps**2 - log_sigma, axis=2)
    log_w = bernoulli_log_prob(x, mlp(decoder, z)) + log_p - log_q
    return logsumexp(log_w, axis=0) - np.log(len(eps))


# --- ppca_fit ---------------------------------------------------------------------------------------------------------


def _descending(x):
    """Eigenvalues and eigenvectors (columns) of the covariance, the largest first."""
    values, vectors = np.linalg.eigh(np.cov(x.T, bias=True))
    return values[::-1], vectors[:, ::-1]


@wrong(
    "ppca_fit",
    cause="The columns have length sqrt(lambda); the noise's part must be subtracted: sqrt(lambda - eta).",
    line="np.sqrt(values[:K])",
)
def noise_not_subtracted(x, K):
    values, vectors = _descending(x)
    eta = values[K:].mean()
    W = vectors[:, :K] * np.sqrt(values[:K])
    return W, x.mean(axis=0), eta


@wrong(
    "ppca_fit",
    cause="eta is the sum of the eigenvalues left over; it must be their mean.",
    line="eta = values[K:].sum()",
)
def sum_of_the_rest(x, K):
    values, vectors = _descending(x)
    eta = values[K:].sum()
    W = vectors[:, :K] * np.sqrt(np.maximum(values[:K] - eta, 0))
    return W, np.mean(x, axis=0), eta


@wrong(
    "ppca_fit",
    cause="The eigenvalues left over are divided by D; there are D - K of them.",
    line="values[K:].sum() / D",
)
def divided_by_all_dimensions(x, K):
    N, D = x.shape
    mean = x.mean(axis=0)
    values, vectors = np.linalg.eigh((x - mean).T @ (x - mean) / N)
    values, vectors = values[::-1], vectors[:, ::-1]
    eta = values[K:].sum() / D
    return vectors[:, :K] * np.sqrt(values[:K] - eta), mean, eta


@wrong(
    "ppca_fit",
    cause="The covariance is divided by N - 1; the maximum of the likelihood has 1/N.",
    line="np.cov(x, rowvar=False)",
)
def covariance_with_n_minus_1(x, K):
    values, vectors = np.linalg.eigh(np.cov(x, rowvar=False))
    order = np.argsort(values)[::-1]
    values, vectors = values[order], vectors[:, order]
    eta = np.mean(values[K:])
    W = vectors[:, :K] @ np.diag(np.sqrt(values[:K] - eta))
    return W, x.mean(axis=0), eta


@wrong(
    "ppca_fit",
    cause="eigh sorts the eigenvalues ascending: the first K are the smallest, and the largest are wanted.",
    line="np.linalg.eigh(np.cov(x.T, bias=True))",
)
def smallest_eigenvalues(x, K):
    values, vectors = np.linalg.eigh(np.cov(x.T, bias=True))
    eta = values[K:].mean()
    W = vectors[:, :K] * np.sqrt(np.abs(values[:K] - eta))
    return W, x.mean(axis=0), eta


@wrong(
    "ppca_fit",
    cause="eta is the largest eigenvalue left over; it must be the mean of all that are left over.",
    line="eta = values[K]",
)
def first_dropped_eigenvalue(x, K):
    values, vectors = _descending(x)
    eta = values[K]
    W = vectors[:, :K] * np.sqrt(values[:K] - eta)
    return W, x.mean(axis=0), eta


@wrong(
    "ppca_fit",
    cause="The root is missing: the columns' length is sqrt(lambda - eta).",
    line="vectors[:, k] * (values[k] - eta)",
)
def root_forgotten(x, K):
    values, vectors = _descending(x)
    D = x.shape[1]
    eta = 0.0
    for k in range(K, D):
        eta += values[k] / (D - K)
    W = np.zeros((D, K))
    for k in range(K):
        W[:, k] = vectors[:, k] * (values[k] - eta)
    return W, x.mean(axis=0), eta


@wrong(
    "ppca_fit",
    cause="The mean is not subtracted before the products are averaged, so this is no covariance.",
    line="x.T @ x / len(x)",
)
def data_not_centred(x, K):
    values, vectors = np.linalg.eigh(x.T @ x / len(x))
    values, vectors = values[::-1], vectors[:, ::-1]
    eta = values[K:].mean()
    return vectors[:, :K] * np.sqrt(values[:K] - eta), x.mean(axis=0), eta


@wrong(
    "ppca_fit",
    cause="The eigenvectors are the columns of what eigh returns; its rows are taken.",
    line="vectors[:K].T",
)
def rows_for_columns(x, K):
    values, vectors = _descending(x)
    eta = values[K:].mean()
    W = vectors[:K].T * np.sqrt(values[:K] - eta)
    return W, x.mean(axis=0), eta


@wrong(
    "ppca_fit",
    cause="One eigenvalue too few goes into eta: those left over begin at index K.",
    line="values[K + 1 :].mean()",
)
def noise_off_by_one(x, K):
    values, vectors = _descending(x)
    eta = values[K + 1 :].mean()
    W = vectors[:, :K] * np.sqrt(values[:K] - eta)
    return W, x.mean(axis=0), eta


@wrong(
    "ppca_fit",
    cause="The squared singular values must be divided by N to be the covariance's eigenvalues.",
    line="values = s**2",
)
def singular_values_not_divided(x, K):
    mean = x.mean(axis=0)
    _, s, Vt = np.linalg.svd(x - mean, full_matrices=False)
    values = s**2
    eta = values[K:].mean()
    return Vt[:K].T * np.sqrt(values[:K] - eta), mean, eta


@wrong(
    "ppca_fit",
    cause="W is returned as (K, D), with the columns as rows.",
    line="vectors[:, :K].T",
)
def transposed(x, K):
    values, vectors = _descending(x)
    eta = np.mean(values[K:])
    W = np.sqrt(values[:K] - eta)[:, None] * vectors[:, :K].T
    return W, x.mean(axis=0), eta


@wrong(
    "ppca_fit",
    cause="The root of the noise variance is returned; eta is the variance.",
    line="np.sqrt(values[K:].mean())",
)
def noise_as_standard_deviation(x, K):
    values, vectors = _descending(x)
    W = vectors[:, :K] * np.sqrt(values[:K] - values[K:].mean())
    return W, x.mean(axis=0), np.sqrt(values[K:].mean())


# --- active_units -----------------------------------------------------------------------------------------------------


@wrong(
    "active_units",
    cause="The standard deviation is compared with 0.01; it must be the variance.",
    line="np.std(mu, axis=0) > 0.01",
)
def standard_deviation_compared(mu):
    return int(np.sum(np.std(mu, axis=0) > 0.01))


@wrong(
    "active_units",
    cause="The variance is taken within each example (axis 1); it must be over the examples (axis 0).",
    line="mu.var(axis=1)",
)
def variance_within_examples(mu):
    return int(np.sum(mu.var(axis=1) > 0.01))


@wrong(
    "active_units",
    cause="This is the mean square, not the variance: a latent with a constant mean away from 0 is counted.",
    line="np.mean(mu**2, axis=0)",
)
def mean_square(mu):
    return int((np.mean(mu**2, axis=0) > 0.01).sum())


@wrong(
    "active_units",
    cause="The latents' average is compared with 0.01; what counts is how much it varies.",
    line="np.abs(mu.mean(axis=0)) > 0.01",
)
def size_of_the_average(mu):
    return int(np.count_nonzero(np.abs(mu.mean(axis=0)) > 0.01))


@wrong("active_units", cause="The threshold is 0.1; it must be 0.01.", line="threshold = 0.1")
def larger_threshold(mu):
    threshold = 0.1
    count = 0
    for k in range(mu.shape[1]):
        if np.var(mu[:, k]) > threshold:
            count += 1
    return count


@wrong(
    "active_units",
    cause="It returns which latents are active; their number is asked for.",
    line="return np.var(mu, axis=0) > 0.01",
)
def mask_of_the_latents(mu):
    return np.var(mu, axis=0) > 0.01


@wrong(
    "active_units",
    cause="It returns the share of the latents; their number is asked for.",
    line="np.mean(np.var(mu, axis=0) > 0.01)",
)
def share_of_the_latents(mu):
    return np.mean(np.var(mu, axis=0) > 0.01)


@wrong(
    "active_units",
    cause="The latents below the threshold are counted: those that say nothing.",
    line="variances < 0.01",
)
def counts_the_silent_ones(mu):
    variances = np.var(mu, axis=0)
    return int(sum(variances < 0.01))


@wrong(
    "active_units",
    cause="The deviations are summed over the examples, not averaged: the variance is divided by N.",
    line="np.sum((mu - mu.mean(axis=0)) ** 2, axis=0)",
)
def sum_of_squared_deviations(mu):
    spread = np.sum((mu - mu.mean(axis=0)) ** 2, axis=0)
    return int(np.sum(spread > 0.01))


@wrong(
    "active_units",
    cause="Each latent's share of the total variance is compared with 0.01; it must be its variance itself.",
    line="variance / variance.sum()",
)
def share_of_the_variance(mu):
    variance = mu.var(axis=0)
    explained = variance / variance.sum()
    return int(np.sum(explained > 0.01))


@wrong(
    "active_units",
    cause="The active variances are added up; their number is asked for.",
    line="np.sum(v[v > 0.01])",
)
def sum_of_the_active_variances(mu):
    v = np.var(mu, axis=0)
    return int(np.sum(v[v > 0.01]))


@wrong(
    "active_units",
    cause="The variance of the whole table is taken: axis=0 is missing.",
    line="np.var(mu)",
)
def variance_of_the_whole_table(mu):
    return int(np.sum(np.var(mu) > 0.01))
