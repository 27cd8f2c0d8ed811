"""Exercises of notebook 08: the bound of a whole network, its training, samples and likelihood, and what it uses."""

import contextlib
import functools
import io
import math

import autograd.numpy as anp
import numpy as np
from scipy import special, stats

from course_utils.data import load_mnist
from course_utils.exercises.model import Case, Exercise, Finding, Misconception, close
from course_utils.exercises.network_shapes import shapes_of
from course_utils.exercises.stand_ins import Rng
from course_utils.models import vae
from course_utils.networks import nets, optim
from course_utils.networks.fast import bernoulli_cross_entropy, gaussian_kl, gaussian_sample

exercise = functools.partial(Exercise, notebook="08_variational_autoencoder", compare=close())


def network(rng, *sizes, scale=1.0):
    """A network with biases that are not zero."""
    return [
        (scale * rng.normal(size=(n, m)) / np.sqrt(n), 0.3 + 0.3 * rng.normal(size=m)) for n, m in zip(sizes, sizes[1:])
    ]


def by_hand(params, h):
    """The output of a network for one input h, layer by layer."""
    for i, (W, b) in enumerate(params):
        h = W.T @ h + b
        h = np.tanh(h) if i < len(params) - 1 else h
    return h


def halves(encoder, x):
    h = nets.mlp(encoder, x)
    K = h.shape[-1] // 2
    return h[..., :K], h[..., K:]


# vae_elbo -----------------------------------------------------------------------------------------------------------


def autoencoder_pair(rng, D, K, scale=1.0, hidden=(6,), log_sigma=(-1.1, -0.5)):
    """Encoder and decoder; the widths of q differ from 1 and from each other."""
    encoder, decoder = network(rng, D, *hidden, 2 * K), network(rng, K, *(h - 1 for h in hidden), D, scale=scale)
    W, b = encoder[-1]
    encoder[-1] = (W, b + np.append(np.zeros(K), rng.uniform(*log_sigma, K)))
    return encoder, decoder


def elbo_cases(rng):
    def case(N, D, K, S=(), label="", extreme=0, **widths):
        encoder, decoder = autoencoder_pair(rng, D, K, **widths)
        W, b = decoder[-1]
        decoder[-1] = (W, b + extreme * rng.choice([-1, 1], D))
        x = rng.integers(0, 2, size=(N, D)).astype(float)
        return Case((encoder, decoder, x, rng.normal(size=(*S, N, K))), label)

    return [
        case(6, 9, 3),
        case(5, 7, 2, hidden=(5, 5)),
        case(1, 8, 3, label="on a single example"),
        case(4, 9, 3, S=(7,), label="with S samples of noise for each example, eps (S, N, K)"),
        case(5, 8, 2, S=(1,), label="with a single sample, eps (1, N, K)"),
        case(4, 8, 3, log_sigma=(-9.0, -7.0), label="for very small sigma"),
        case(4, 10, 2, label="with logits near 1000 in size", extreme=1000),
    ]


def elbo_oracle(encoder, decoder, x, eps):
    """Example by example and sample by sample; KL as the difference of an entropy and a cross-entropy."""

    def bound(x_n, eps_n):
        mu, log_sigma = np.split(by_hand(encoder, x_n), 2)
        sigma = np.exp(log_sigma)
        kl = np.sum(0.5 * np.log(2 * np.pi) + 0.5 * (mu**2 + sigma**2) - stats.norm(mu, sigma).entropy())
        signs = np.where(x_n == 1, 1, -1)
        log_p = [special.log_expit(signs * by_hand(decoder, mu + sigma * e)).sum() for e in np.atleast_2d(eps_n)]
        return np.mean(log_p) - kl

    return np.array([bound(x_n, eps[..., n, :]) for n, x_n in enumerate(x)])


def stable_log_p(x, logits):
    return np.sum(x * logits - np.logaddexp(0, logits), axis=-1)


def elbo_with(
    log_p=stable_log_p,
    kl=lambda mu, s: gaussian_kl(mu, s),
    weight=-1.0,
    width=lambda s: s,
    noise=lambda e: e,
    split=halves,
    samples=np.mean,
    last=lambda f: f,
):
    """A wrong ELBO: each part may be replaced."""

    def vae_elbo(encoder, decoder, x, eps):
        mu, s = split(encoder, x)
        s = width(s)
        reconstruction = log_p(x, nets.mlp(decoder, mu + np.exp(s) * noise(eps)))
        reconstruction = samples(reconstruction, axis=0) if reconstruction.ndim > 1 else reconstruction
        return last(reconstruction + weight * kl(mu, s))

    return vae_elbo


def naive_log_p(x, logits):
    p = 1 / (1 + np.exp(-logits))
    return np.sum(x * np.log(p) + (1 - x) * np.log(1 - p), axis=-1)


def spelled_network(P, params, h, which):
    """The output of a network with tanh between its layers, for h (..., D)."""
    for W, b in params[:-1]:
        h = P.apply(f"tanh in the {which}", np.tanh, h @ W + P.term(f"the bias of the {which}'s hidden layer", b))
    W, b = params[-1]
    return h @ W + P.term(f"the bias of the {which}'s last layer", b)


def spelled_log_p(P, x, logits):
    """log p(x | z) of black and white pixels."""
    ones = P.term("the part of the white pixels", x * special.log_expit(logits))
    return P.sum(ones + P.term("the part of the black pixels", (1 - x) * special.log_expit(-logits)), -1, "the pixels")


def spelled_kl(P, mu, log_sigma):
    """KL(q || N(0, I))."""
    log_sigma = P("log_sigma in KL", log_sigma)
    terms = P.term("sigma^2 in KL", np.exp(2 * log_sigma)) + P.term("mu^2 in KL", np.square(mu))
    terms = terms - P.term("the 1 in KL", np.ones_like(mu)) - P.term("2 log sigma in KL", 2 * log_sigma)
    return P.factor("the factor 1/2 of KL", 0.5) * P.sum(terms, -1, "the latent dimensions in KL")


def elbo_with_sigma(sigma):
    """The bound where another function of the encoder's second half is the standard deviation, in z alone."""

    def vae_elbo(encoder, decoder, x, eps):
        mu, s = halves(encoder, x)
        log_p = stable_log_p(x, nets.mlp(decoder, mu + sigma(s) * eps))
        return (log_p if log_p.ndim == 1 else log_p.mean(axis=0)) - gaussian_kl(mu, s)

    return vae_elbo


def elbo_of_mean(average):
    """The bound where the logits of several samples are averaged before their log probability."""

    def vae_elbo(encoder, decoder, x, eps):
        mu, s = halves(encoder, x)
        logits = nets.mlp(decoder, mu + np.exp(s) * eps)
        return stable_log_p(x, average(logits) if logits.ndim == 3 else logits) - gaussian_kl(mu, s)

    return vae_elbo


def elbo_with_first_axis_averaged(encoder, decoder, x, eps):
    mu, s = halves(encoder, x)
    return np.mean(stable_log_p(x, nets.mlp(decoder, mu + np.exp(s) * eps)), axis=0) - gaussian_kl(mu, s)


def elbo_sampled(encoder, decoder, x, eps):
    """The bound with log q(z) - log p(z) of the samples in the place of KL."""
    mu, s = halves(encoder, x)
    z = mu + np.exp(s) * eps
    log_ratio = np.sum(0.5 * z**2 - 0.5 * eps**2 - s, axis=-1)
    bound = stable_log_p(x, nets.mlp(decoder, z)) - log_ratio
    return bound if bound.ndim == 1 else bound.mean(axis=0)


def spelled_vae_elbo(P, encoder, decoder, x, eps):
    mu, log_sigma = np.split(spelled_network(P, encoder, x, "encoder"), 2, axis=-1)
    sigma = P.factor("sigma in z", P.apply("exp in sigma", np.exp, log_sigma))
    z = P.term("mu in z", mu) + sigma * P.factor("eps in z", eps)
    log_p = spelled_log_p(P, x, spelled_network(P, decoder, z, "decoder"))
    log_p = log_p if log_p.ndim == 1 else P.mean(log_p, 0, "the samples")
    return P.term("the reconstruction term", log_p) - P.term("KL", spelled_kl(P, mu, log_sigma))


SMALL = (
    "A small number is added to the probabilities (or they are clipped) before the logarithm, so that a pixel that the"
    " decoder holds for impossible does not cost its whole logit. Work with the logits, as in notebook 03: log p(x) ="
    " x l - log(1 + exp(l)), with log(1 + exp(l)) = np.logaddexp(0, l)."
)


def small_log_p(x, logits, small, clip):
    """Through probabilities that are kept away from 0 and 1 by a small number."""
    p = special.expit(logits)
    if clip:
        p = np.clip(p, small, 1 - small)
        return np.sum(x * np.log(p) + (1 - x) * np.log(1 - p), axis=-1)
    return np.sum(x * np.log(p + small) + (1 - x) * np.log(1 - p + small), axis=-1)


VAE_ELBO = exercise(
    name="vae_elbo",
    points=4,
    minutes=15,
    lines=6,
    lecture_points=("L15", "L20", "L21"),
    signature="vae_elbo(encoder, decoder, x, eps)",
    returns="(N,)",
    task=(
        r"Return the bound $\mathbb{E}_q[\log p(\mathbf{x}|\mathbf{z})] - \mathrm{KL}(q\,\|\,p)$ of each example. "
        r"The encoder gives $q = \mathcal{N}(\boldsymbol\mu, \mathrm{diag}(\boldsymbol\sigma^2))$, the decoder "
        r"the logits of black and white pixels at $\mathbf{z} = \boldsymbol\mu + "
        r"\boldsymbol\sigma\boldsymbol\varepsilon$; KL has its closed form. "
        "With `eps` (S, N, K) the reconstruction term is the mean over the S samples. Logits may be as large as 1000. "
        "You will train with this function, so write it with `autograd.numpy` (`anp`)."
    ),
    answer="course_utils.models.vae:vae_elbo",
    aliases=("course_utils.models.vae:elbo_terms",),
    cases=elbo_cases,
    oracle=elbo_oracle,
    differentiated=2,
    spelled=spelled_vae_elbo,
    others={
        SMALL: tuple(
            elbo_with(log_p=functools.partial(small_log_p, small=10.0**-k, clip=clip))
            for k in range(5, 17)
            for clip in (False, True)
        ),
        "the encoder's second half is used as sigma itself; it is log sigma": (
            elbo_with(width=lambda s: np.log(np.abs(s))),
            elbo_with_sigma(lambda s: s),
        ),
        "the decoder's outputs are taken for probabilities; they are logits": (
            elbo_with(log_p=lambda x, l: np.sum(x * np.log(l) + (1 - x) * np.log(1 - l), axis=-1))
        ),
        "the reconstruction term is a squared error; pixels are black or white, with the decoder's logits": (
            elbo_with(log_p=lambda x, l: -np.sum((x - special.expit(l)) ** 2, axis=-1)),
            elbo_with(log_p=lambda x, l: -0.5 * np.sum((x - special.expit(l)) ** 2, axis=-1)),
            elbo_with(log_p=lambda x, l: -np.sum((x - l) ** 2, axis=-1)),
            elbo_with(log_p=lambda x, l: -0.5 * np.sum((x - l) ** 2, axis=-1)),
        ),
        "KL is estimated with the samples; here it is asked in closed form": elbo_sampled,
        "KL is weighted with a factor other than 1": (
            elbo_with(weight=-0.5),
            elbo_with(weight=-2.0),
            elbo_with(weight=-0.1),
        ),
        "the logits of the S samples are averaged; their log probabilities are averaged, after the sum over pixels": (
            elbo_of_mean(lambda logits: logits.mean(axis=0))
        ),
        "the mean over axis 0 is taken for eps (N, K), too, where that axis is the examples, and not the samples": (
            elbo_with_first_axis_averaged
        ),
        "in KL log_sigma is taken for the log of the variance": (elbo_with(kl=lambda mu, s: gaussian_kl(mu, s / 2)),),
        "log(1 + exp(l)) is left out of log p(x|z)": elbo_with(log_p=lambda x, l: np.sum(x * l, axis=-1)),
        "the bound is averaged over the examples; each has its own, (N,)": elbo_with(last=np.mean),
        "the bound is summed over the examples; each has its own, (N,)": elbo_with(last=np.sum),
    },
    misconceptions={
        "KL added": Misconception(
            elbo_with(weight=1.0), "The divergence is added. It is a price: reconstruction minus KL."
        ),
        "KL left out": Misconception(
            elbo_with(weight=0.0),
            "This is the reconstruction term alone, what an ordinary autoencoder has. Subtract KL(q || p).",
        ),
        "negative": Misconception(
            elbo_with(last=np.negative),
            "This is minus the bound, a loss. The bound itself is asked, and it is negative here.",
        ),
        "log variance": Misconception(
            elbo_with(width=lambda s: s / 2),
            "You read the encoder's second half as the logarithm of the variance. "
            "In this course it is the logarithm of the standard deviation: sigma = exp(log_sigma).",
        ),
        "halves swapped": Misconception(
            elbo_with(split=lambda encoder, x: halves(encoder, x)[::-1]),
            "mu and log_sigma are swapped: the first K outputs of the encoder are mu.",
        ),
        "no noise": Misconception(
            elbo_with(noise=lambda e: 0 * e), "The decoder gets mu. It gets a sample of q, z = mu + sigma * eps."
        ),
        "same noise for all": Misconception(
            elbo_with(noise=lambda e: np.broadcast_to(e[..., :1, :], e.shape)),
            "All examples get the noise of the first. Row n of eps belongs to example n.",
        ),
        "KL once per example": Misconception(
            elbo_with(kl=lambda mu, s: gaussian_kl(mu, s) / mu.shape[-1]),
            "Your KL term is averaged over the K dimensions. It is their sum.",
        ),
        "mean over pixels": Misconception(
            elbo_with(log_p=lambda x, l: stable_log_p(x, l) / x.shape[-1]),
            "The reconstruction term is averaged over the pixels. The log probability of an image is the sum "
            "over its pixels; as a mean it would weigh hundreds of times too little against KL.",
        ),
        "white pixels only": Misconception(
            elbo_with(log_p=lambda x, l: np.sum(-x * np.logaddexp(0, -l), axis=-1)),
            "Only the white pixels, x = 1, count in your reconstruction term. A black one counts log(1 - p).",
        ),
        "overflow": Misconception(
            elbo_with(log_p=naive_log_p),
            "For logits near 1000 in size, log(p) or log(1 - p) is the logarithm of 0. Work with the logits, "
            "as in notebook 03: log p(x) = x l - log(1 + exp(l)), with log(1 + exp(l)) = np.logaddexp(0, l).",
        ),
        "samples summed": Misconception(
            elbo_with(samples=np.sum), "You sum over the S samples. The expectation is estimated by their mean."
        ),
    },
    hints=(
        (
            "You have all the parts: encoder_forward (notebook 07), the sample (06), bernoulli_log_prob (03), "
            "kl_standard_normal (05). Follow the drawing from left to right."
        ),
        (
            "mu, log_sigma = encoder_forward(encoder, x); z = mu + anp.exp(log_sigma) * eps; logits = mlp(decoder, z). "
            r"The divergence needs no sample: it depends on $\boldsymbol\mu$ and $\log\boldsymbol\sigma$ alone."
        ),
        (
            r"$\log p(\mathbf{x}|\mathbf{z})$, bernoulli_log_prob(x, logits), has shape (N,), or (S, N) if eps is "
            r"(S, N, K): "
            "then take the mean over axis 0, and subtract kl_standard_normal(mu, log_sigma)."
        ),
    ),
    afterwards=(
        "In PyTorch: `Normal(mu, sigma).rsample()`, `kl_divergence(q, Normal(0, 1)).sum(-1)`, and "
        '`BCEWithLogitsLoss(reduction="none")(logits, x).sum(-1)`; its default, a mean over pixels, would weigh the '
        "reconstruction 784 times too little."
    ),
)


# vae_train ----------------------------------------------------------------------------------------------------------

STEPS, FEW_STEPS, SHARE = 600, 60, 0.8
EXAMPLES, FRESH = 2000, 1000
REFERENCE = 0  # the key of the digits that the library's own networks are trained on


@functools.cache
def small_digits():
    """All digits at half their size, (12000, 196), grey."""
    digits = load_mnist()
    x = np.concatenate([digits.x_train, digits.x_test])
    return x.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(-1, 196)


def drawn_digits(key, fresh=False, as_they_are=False):
    """Black and white digits, chosen and drawn by the key; `fresh` gives others, which the answer has not seen.

    The key also puts the pixels into another order, the same for all digits, unless they are wanted as they are. To a
    network that is nothing: it knows no neighbours. But weights that were trained elsewhere do not fit.
    """
    rng = np.random.default_rng([key, 0])
    order, pixels = rng.permutation(len(small_digits())), rng.permutation(196)
    some = order[-FRESH:] if fresh else order[:EXAMPLES]
    x = vae.binarise(small_digits()[some], np.random.default_rng([key, 1 + fresh]))
    return x if as_they_are else x[:, pixels]


def training_cases(rng):
    def case(*sizes, steps=STEPS, label=""):
        key, seed = map(int, rng.integers(1, 2**62, size=2))
        return Case((drawn_digits(key), [196, *sizes], steps, Rng(seed)), label, (key,))

    return [
        case(64, 8),
        case(32, 16, 4, steps=FEW_STEPS, label="with two hidden layers"),  # for its shapes alone
    ]


def empty_networks(x, sizes, steps, rng):
    """What the result must look like; what it must achieve is measured by `compare_training`."""

    def layers(sizes):
        return tuple((np.zeros((n, m)), np.zeros(m)) for n, m in zip(sizes, sizes[1:]))

    return layers([*sizes[:-1], 2 * sizes[-1]]), layers(sizes[::-1])


def fresh_terms(args, networks, width=lambda s: s, noise=1.0, as_they_are=False):
    """(reconstruction, KL), means over fresh digits with fresh noise; the widths of q and the noise may be changed."""
    *_, key = args
    x = drawn_digits(key, True, as_they_are)
    encoder, decoder = [[(np.asarray(W, float), np.asarray(b, float)) for W, b in part] for part in networks]
    mu, log_sigma = halves(encoder, x)
    log_sigma = width(log_sigma)
    eps = noise * np.random.default_rng([key, 3]).normal(size=(4, *mu.shape))
    log_p = -bernoulli_cross_entropy(x, nets.mlp(decoder, mu + np.exp(log_sigma) * eps))
    return float(np.mean(log_p)), float(np.mean(gaussian_kl(mu, log_sigma)))


def without_latents(args):
    """The mean log probability of fresh digits under the best model of independent pixels."""
    p = np.clip(args[0].mean(axis=0), 0.5 / EXAMPLES, 1 - 0.5 / EXAMPLES)
    x = drawn_digits(args[-1], fresh=True)
    return float(np.mean(x @ np.log(p) + (1 - x) @ np.log(1 - p)))


@functools.cache
def reference(sizes, steps):
    """The library's own networks, trained on digits as they are."""
    with contextlib.redirect_stdout(
        io.StringIO()
    ):  # its progress is nobody's business: there is a grader's bar, perhaps
        x = drawn_digits(REFERENCE, as_they_are=True)
        return vae.vae_train(x, sizes, steps, np.random.default_rng(REFERENCE))


def reference_terms(args):
    """(reconstruction, KL) of the reference on the same fresh digits, which it sees as they are: no order of the pixels
    makes training easier or harder, so one reference does for all of them, and each answer costs no other training."""
    return fresh_terms(args, reference(tuple(args[1]), args[2]), as_they_are=True)


def share_of_gain(args, reconstruction, kl):
    """How much better than independent pixels, in parts of what the reference gains."""
    floor, (r, k) = without_latents(args), reference_terms(args)
    return (reconstruction - kl - floor) / (r - k - floor)


def compare_training(expected, got, args):
    terms = fresh_terms(args, got)
    if not np.isfinite(terms).all():
        return Finding(
            "not finite",
            "The bound is not finite after training. Is a sign wrong, the step size too large, or the log "
            "of a probability computed from the probability instead of from the logits?",
        )
    if args[2] == FEW_STEPS:
        return None
    share = share_of_gain(args, *terms)
    if share < SHARE:
        return Finding(
            "values",
            f"On fresh digits the ELBO (reconstruction {terms[0]:.4g}, KL {terms[1]:.4g} nats) gains {share:.2g} "
            f"of what it could over independent pixels; at least {SHARE} is asked. Print the loss while you train: "
            "does it fall, and does it still fall at the end? A step size of a few thousandths is about right.",
        )
    return None


def diagnose_training(args, got):
    sizes = args[1]
    D, K = sizes[0], sizes[-1]
    if not isinstance(got, list | tuple) or len(got) != 2:
        return None
    encoder, decoder = map(shapes_of, got)
    if not encoder or not decoder:
        return None
    if encoder[0][0] == K and decoder[0][0] == D:
        return "order"
    if encoder == list(zip(sizes, sizes[1:])):
        return "code width"
    wide = [*sizes[:-1], 2 * K]
    if encoder != list(zip(wide, wide[1:])) or decoder != list(zip(sizes[::-1], sizes[-2::-1])):
        return None
    return diagnose_terms(args, got)


def diagnose_terms(args, got):
    """The key for networks of the right shapes with a poor bound: by its two terms, and by what other readings of the
    networks would give."""
    reconstruction, kl = fresh_terms(args, got)
    if not np.isfinite([reconstruction, kl]).all():
        return None
    floor, (usual, usual_kl) = without_latents(args), reference_terms(args)
    if kl > 1000:
        return "wrong sign" if reconstruction < 4 * floor else "KL added"
    encoder, _ = got
    mu, log_sigma = halves([(np.asarray(W, float), np.asarray(b, float)) for W, b in encoder], args[0])
    if np.mean(np.abs(log_sigma)) < 0.2 and fresh_terms(args, got, noise=0.0)[0] > 0.85 * floor > reconstruction:
        return "no noise"
    if kl < 0.05 and abs(reconstruction / floor - 1) < 0.05:
        return "mean over pixels"
    if _as_probabilities(args, got) > max(1.5 * floor, 0.75 * reconstruction):
        return "squared error"
    share = share_of_gain(args, reconstruction, kl)
    by_half = share_of_gain(args, *fresh_terms(args, got, width=lambda s: s / 2))
    # Stretching z changes nothing but KL, which is smallest where mu^2 + sigma^2 is 1 on average: so that tells sigma.
    moment, moment_by_half = (np.mean(mu**2 + np.exp(c * log_sigma)) for c in (2, 1))
    if by_half > max(0.7, share + 0.1) and abs(moment_by_half - 1) < abs(moment - 1):
        return "log variance"
    if kl > 1.3 * usual_kl and share < SHARE and reconstruction > usual:  # long steps have a large KL, too
        return "no KL" if share < 0 else "mean over K"
    return "not trained" if share < 0.2 else None


def _as_probabilities(args, got):
    """The reconstruction term if the decoder's outputs are taken for probabilities."""
    x = drawn_digits(args[-1], fresh=True)
    encoder, decoder = [[(np.asarray(W, float), np.asarray(b, float)) for W, b in part] for part in got]
    p = np.clip(nets.mlp(decoder, halves(encoder, x)[0]), 0.02, 0.98)
    return float(np.mean(np.sum(x * np.log(p) + (1 - x) * np.log(1 - p), axis=1)))


def train_on(objective):
    """A wrong vae_train, which minimises objective(reconstruction, kl, D, K)."""

    def vae_train(
        x, sizes, steps, rng, width=lambda s: s, noise=1.0, log_p=lambda x, out: -bernoulli_cross_entropy(x, out)
    ):
        x, K = x.astype(np.float32), sizes[-1]

        def batches():
            for rows in optim.minibatches(x, 128, steps, rng):
                yield rows, np.float32(noise) * rng.standard_normal((len(rows), K), dtype=np.float32)

        def loss(params, batch):
            rows, eps = batch
            mu, log_sigma = anp.split(nets.mlp(params[0], rows), 2, axis=-1)
            log_sigma = width(log_sigma)
            reconstruction = log_p(rows, nets.mlp(params[1], gaussian_sample(mu, log_sigma, eps)))
            return anp.sum(objective(reconstruction, gaussian_kl(mu, log_sigma), len(x[0]), K)) * (1 / len(rows))

        return optim.adam(
            loss,
            vae.init_vae(x.mean(axis=0), sizes, rng),
            batches(),
            steps,
            step_size=optim.hold_then_linear(4e-3, steps),
        )

    return vae_train


minus_elbo = train_on(lambda r, kl, D, K: kl - r)


def untrained(x, sizes, rng):
    return nets.init_mlp([*sizes[:-1], 2 * sizes[-1]], rng), nets.init_mlp(sizes[::-1], rng)


VAE_TRAIN = exercise(
    name="vae_train",
    points=5,
    minutes=20,
    lines=10,
    lecture_points=("L15", "L18", "L20", "L21"),
    trains=True,
    noisy=lambda x, sizes, steps, rng: (x, sizes, steps, rng),
    signature="vae_train(x, sizes, steps, rng)",
    returns="encoder, decoder: lists of (W, b)",
    task=(
        "Train a VAE on black and white `x` (N, D), and return its networks. With `sizes = [D, H..., K]` the "
        "encoder has layers `D, H..., 2K` and the decoder `K, ..., H, D`, with tanh between them. All random numbers "
        "come from `rng`, with fresh noise for each minibatch; batches of 128 and a step size of 0.004 serve "
        "well. It is judged by the mean bound on "
        f"digits that it has not seen: in {STEPS} steps it should gain at least {100 * SHARE:.0f} % of what the "
        f"library's "
        "training gains over the best model of independent pixels."
    ),
    answer="course_utils.models.vae:vae_train",
    aliases=("course_utils.models.conditional:cvae_train", "course_utils.models.semi_supervised:m2_train"),
    cases=training_cases,
    oracle=empty_networks,
    compare=compare_training,
    diagnose=diagnose_training,
    misconceptions={
        "no KL": Misconception(
            train_on(lambda r, kl, D, K: -r),
            "The reconstructions are excellent and the KL term is huge: this is an ordinary autoencoder. "
            "Its codes do not care for the prior. The loss needs the KL term, too.",
        ),
        "KL added": Misconception(
            train_on(lambda r, kl, D, K: -r - kl),
            "The KL term has grown without limit: the loss rewards it. "
            "The loss is minus the ELBO, so KL comes in with a plus: -reconstruction + KL.",
        ),
        "wrong sign": Misconception(
            train_on(lambda r, kl, D, K: r - kl),
            "Both terms have become as bad as they can be: `adam` minimises, so give it minus the mean ELBO.",
        ),
        "mean over pixels": Misconception(
            train_on(lambda r, kl, D, K: -r / D + kl),
            "The KL term is 0 and every digit decodes to the mean digit: the latents have collapsed. The KL term "
            "weighs too much; is your reconstruction term a mean over the pixels, where it should be their sum?",
        ),
        "mean over K": Misconception(
            train_on(lambda r, kl, D, K: -r + kl / K),
            "The reconstructions are good, but the KL term is larger than the gain is worth: "
            "it weighed too little in training. Is it a mean over the K latents, where it should be their sum?",
        ),
        "no noise": Misconception(
            lambda x, sizes, steps, rng: minus_elbo(x, sizes, steps, rng, noise=0.0),
            "Without noise the digits come back well, with fresh noise they do not, and sigma is near 1: training has "
            "never seen fresh noise. Is z = mu, or is eps drawn once, before the loop? Every minibatch needs its own.",
        ),
        "log variance": Misconception(
            lambda x, sizes, steps, rng: minus_elbo(x, sizes, steps, rng, width=lambda s: s * 0.5),
            "The encoder's second half works as the logarithm of the variance. "
            "Here it is log_sigma, of the standard deviation: sigma = exp(log_sigma).",
        ),
        "squared error": Misconception(
            lambda x, sizes, steps, rng: minus_elbo(
                x, sizes, steps, rng, log_p=lambda x, out: -anp.sum((x - out) ** 2, axis=-1)
            ),
            "The decoder's outputs look like probabilities or grey values. "
            "They are meant as logits: is the reconstruction term the Bernoulli log probability?",
        ),
        "not trained": Misconception(
            lambda x, sizes, steps, rng: untrained(x, sizes, rng),
            "The networks are no better than independent pixels. "
            "Do you return the parameters that came out of training, and not those that went in? "
            "If so: is the step size sensible (a few thousandths), and do the minibatches come from all of x?",
        ),
        "order": Misconception(
            lambda x, sizes, steps, rng: untrained(x, sizes, rng)[::-1],
            "You return (decoder, encoder). The encoder, from D to 2K, comes first.",
        ),
        "code width": Misconception(
            lambda x, sizes, steps, rng: (nets.init_mlp(sizes, rng), nets.init_mlp(sizes[::-1], rng)),
            "Your encoder's last layer is K wide. It puts out mu and log_sigma, K numbers each: 2K.",
        ),
    },
    hints=(
        (
            "params = init_vae(x.mean(axis=0), sizes, rng) makes both networks, as a tuple, "
            "so that one gradient serves both."
        ),
        (
            "A batch is a pair: some rows, and noise for them. Write a generator: "
            "for rows in minibatches(x, 128, steps, rng): yield rows, rng.standard_normal((len(rows), sizes[-1]))."
        ),
        (
            r"The loss of a batch is $-\frac{1}{B}\sum_n \mathcal{F}(\mathbf{x}_n)$, minus the mean of your "
            "vae_elbo(*params, rows, eps): -anp.sum(...) / len(rows)."
        ),
        (
            "return adam(loss, params, batches(), steps, step_size=4e-3). "
            "If autograd complains about your vae_elbo: does it use anp throughout?"
        ),
    ),
)


# vae_generate -------------------------------------------------------------------------------------------------------


def generate_cases(rng):
    def case(N, sizes, label="", extreme=0.0):
        decoder = network(rng, *sizes, scale=1.5)
        W, b = decoder[-1]
        decoder[-1] = (W, b + extreme * rng.choice([-1, 1], len(b)))
        return Case((decoder, rng.normal(size=(N, sizes[0]))), label)

    return [
        case(5, (3, 6, 8)),
        case(7, (2, 5, 4, 6)),
        case(1, (3, 4, 5), "on a single code"),
        case(4, (2, 5, 7), "with logits near 1000 in size", 1000),
    ]


def generate_oracle(decoder, z):
    return np.array([0.5 * (1 + np.tanh(0.5 * by_hand(decoder, row))) for row in z])


def generate_with(out, activation=np.tanh):
    return lambda decoder, z: out(nets.mlp(decoder, z, activation))


def spelled_vae_generate(P, decoder, z):
    return P.apply("the sigmoid", special.expit, spelled_network(P, decoder, z, "decoder"))


VAE_GENERATE = exercise(
    name="vae_generate",
    points=1,
    minutes=4,
    lines=2,
    lecture_points=("L22",),
    signature="vae_generate(decoder, z)",
    returns="(N, D)",
    task=(
        r"Return the probability of white, $1/(1 + e^{-\ell})$ with the decoder's logit $\ell$, for every pixel "
        r"of codes "
        "`z` (N, K). Logits may be as large as 1000."
    ),
    answer="course_utils.models.vae:vae_generate",
    aliases=("course_utils.explorables.latent_pad:decode",),
    cases=generate_cases,
    oracle=generate_oracle,
    spelled=spelled_vae_generate,
    others={
        "(1 + tanh(l)) / 2 is the sigmoid of 2 l, and not that of l": (generate_with(lambda l: (1 + np.tanh(l)) / 2)),
        "the logits are clipped to 0..1; take their sigmoid": generate_with(lambda l: np.clip(l, 0, 1)),
        "the logits are brought to 0..1 by their smallest and largest value; take their sigmoid": (
            generate_with(lambda l: (l - l.min()) / (l.max() - l.min())),
            generate_with(lambda l: (l - l.min(axis=1, keepdims=True)) / np.ptp(l, axis=1, keepdims=True)),
        ),
        "this is the log of the probability": generate_with(special.log_expit),
        "the softmax is taken over all pixels of all images": generate_with(lambda l: np.exp(l) / np.exp(l).sum()),
        "the sigmoid stands between the layers, where tanh is asked": generate_with(special.expit, special.expit),
        "ReLU stands between the layers, where tanh is asked": generate_with(special.expit, lambda h: np.maximum(h, 0)),
        "the sigmoid is taken twice": generate_with(lambda l: special.expit(special.expit(l))),
        "tanh acts on the logits before the sigmoid": generate_with(lambda l: special.expit(np.tanh(l))),
        "this is exp of the logits, divided by its sum over the images; each pixel has its own sigmoid": generate_with(
            lambda l: special.softmax(l, axis=0)
        ),
        "log(1 + exp(l)) stands where the sigmoid belongs": generate_with(lambda l: np.logaddexp(0, l)),
    },
    misconceptions={
        "logits": Misconception(
            generate_with(lambda l: l),
            "These are the logits. The sigmoid makes probabilities of them, between 0 and 1.",
        ),
        "colours inverted": Misconception(
            generate_with(lambda l: special.expit(-l)),
            "Black and white are exchanged: sigmoid(l) = 1 / (1 + exp(-l)), with a minus.",
        ),
        "odds": Misconception(
            generate_with(np.exp), "exp of the logits is the odds p / (1 - p), not the probability p."
        ),
        "tanh": Misconception(
            generate_with(np.tanh), "tanh goes from -1 to 1. A probability lies between 0 and 1: use the sigmoid."
        ),
        "softmax": Misconception(
            generate_with(lambda l: special.softmax(l, axis=-1)),
            "Your pixels share one probability, their sum is 1 (a softmax). Each pixel has its own: sigmoid.",
        ),
        "decided pixels": Misconception(
            generate_with(lambda l: (l > 0).astype(float)),
            "You decide black or white. The probability itself is asked.",
        ),
        "overflow": Misconception(
            generate_with(lambda l: np.exp(l) / (1 + np.exp(l))),
            "For logits near 1000, exp(l) / (1 + exp(l)) is infinity over infinity. 1 / (1 + exp(-l)) is not.",
        ),
        "no hidden tanh": Misconception(
            generate_with(special.expit, lambda h: h), "The tanh between the decoder's layers is missing."
        ),
    },
    hints=(
        "Run the decoder, then make probabilities of the logits.",
        "mlp(decoder, z) gives the logits (N, D).",
        r"$1/(1 + e^{-\ell})$ is 1 / (1 + np.exp(-logits)): where exp overflows to infinity, the result is rightly 0.",
    ),
)


# vae_log_likelihood -------------------------------------------------------------------------------------------------


def likelihood_cases(rng):
    def case(N, D, K, S, label="", extreme=0.0, hidden=(6,), scale=2.0):
        encoder, decoder = autoencoder_pair(rng, D, K, scale, hidden)
        W, b = decoder[-1]
        x = rng.integers(0, 2, size=(N, D)).astype(float)
        decoder[-1] = (W, b + extreme * (1 - 2 * x[0]))  # sure of the opposite of the first image
        if extreme:
            x[1] = 1 - x[0]  # and right about the second
        return Case((encoder, decoder, x, rng.normal(size=(S, N, K))), label)

    return [
        case(5, 9, 3, 7),
        case(4, 8, 2, 6, hidden=(5, 5)),
        case(1, 7, 2, 5, "on a single example"),
        case(3, 8, 3, 1, "for S = 1"),
        case(3, 20, 2, 6, "with log weights near -1000", 55.0),
        case(3, 30, 2, 8, "with log weights from near 0 to below -1000", scale=150.0),
    ]


def likelihood_oracle(encoder, decoder, x, eps):
    """Weight by weight, from scipy's densities, summed as exact fractions of the largest."""
    result = []
    for n, x_n in enumerate(x):
        mu, log_sigma = np.split(by_hand(encoder, x_n), 2)
        signs = np.where(x_n == 1, 1, -1)
        log_w = []
        for e in eps[:, n]:
            z = mu + np.exp(log_sigma) * e
            log_w.append(
                special.log_expit(signs * by_hand(decoder, z)).sum()
                + stats.norm.logpdf(z).sum()
                - stats.norm.logpdf(z, mu, np.exp(log_sigma)).sum()
            )
        top = max(log_w)
        result.append(top + math.log(math.fsum(math.exp(w - top) for w in log_w) / len(log_w)))
    return np.array(result)


def log_mean(log_w):
    return special.logsumexp(log_w, axis=0) - np.log(len(log_w))


def weights_with(encoder, decoder, x, eps, prior=1.0, q=1.0, width=lambda s: s, at_noise=False):
    """Log weights (S, N), with a place for mistakes."""
    mu, s = halves(encoder, x)
    s = width(s)
    z = mu + np.exp(s) * eps
    log_q = np.sum(-0.5 * eps**2 - (0 if at_noise else s) - 0.5 * np.log(2 * np.pi), axis=-1)
    log_prior = np.sum(-0.5 * z**2 - 0.5 * np.log(2 * np.pi), axis=-1)
    return stable_log_p(x, nets.mlp(decoder, z)) + prior * log_prior - q * log_q


def likelihood_with(combine=log_mean, **changes):
    return lambda encoder, decoder, x, eps: combine(weights_with(encoder, decoder, x, eps, **changes))


def likelihood_of_width(width):
    """The estimate where another function of log_sigma is the width of q's density."""

    def vae_log_likelihood(encoder, decoder, x, eps):
        mu, s = halves(encoder, x)
        z = mu + np.exp(s) * eps
        log_q = stats.norm.logpdf(z, mu, width(s)).sum(axis=-1)
        return log_mean(stable_log_p(x, nets.mlp(decoder, z)) + stats.norm.logpdf(z).sum(axis=-1) - log_q)

    return vae_log_likelihood


def spelled_vae_log_likelihood(P, encoder, decoder, x, eps):
    mu, log_sigma = np.split(spelled_network(P, encoder, x, "encoder"), 2, axis=-1)
    sigma = P.factor("sigma in z", P.apply("exp in sigma", np.exp, log_sigma))
    z = P.term("mu in z", mu) + sigma * P.factor("eps in z", eps)
    log_p = P.term("log p(x|z)", spelled_log_p(P, x, spelled_network(P, decoder, z, "decoder")))
    squares = P.factor("the 1/2 in log p(z)", 0.5) * np.square(P("z in log p(z)", z))
    constant = np.full(z.shape, 0.5 * np.log(2 * np.pi))
    log_prior = P.sum(-squares - P.term("the constant of log p(z)", constant), -1, "the latent dimensions in log p(z)")
    noise = P.factor("the 1/2 in log q(z|x)", 0.5) * np.square(eps) + P.term("the constant of log q(z|x)", constant)
    noise = noise + P.term("log sigma in log q(z|x)", np.broadcast_to(log_sigma, eps.shape))
    log_q = P.sum(-noise, -1, "the latent dimensions in log q(z|x)")
    log_w = log_p + P.term("log p(z)", log_prior) - P.term("log q(z|x)", log_q)
    return P.log_mean_exp(log_w, 0, "the samples")


VAE_LOG_LIKELIHOOD = exercise(
    name="vae_log_likelihood",
    points=4,
    minutes=15,
    lines=7,
    lecture_points=("L9", "L15", "L20"),
    signature="vae_log_likelihood(encoder, decoder, x, eps)",
    returns="(N,)",
    task=(
        r"Estimate $\log p(\mathbf{x})$ of each example with S importance weights: the logarithm of the mean of "
        r"$w_s = p(\mathbf{x}|\mathbf{z}_s)\,p(\mathbf{z}_s) / q(\mathbf{z}_s|\mathbf{x})$ at "
        r"$\mathbf{z}_s = \boldsymbol\mu + \boldsymbol\sigma\boldsymbol\varepsilon_s$, for `eps` (S, N, K). The "
        r"$\log w_s$ may lie "
        "near −1000."
    ),
    answer="course_utils.models.vae:vae_log_likelihood",
    cases=likelihood_cases,
    oracle=likelihood_oracle,
    spelled=spelled_vae_log_likelihood,
    others={
        "this is the ELBO with KL in closed form": (
            lambda encoder, decoder, x, eps: elbo_with()(encoder, decoder, x, eps)
        ),
        "KL stands in the place of p(z) / q(z|x), which is a factor of every single weight, inside the mean": (
            lambda encoder, decoder, x, eps: (
                likelihood_with(prior=0.0, q=0.0)(encoder, decoder, x, eps) - gaussian_kl(*halves(encoder, x))
            )
        ),
        "log q(z|x) has log_sigma as its width: the scale of a Gaussian's density is sigma = exp(log_sigma)": (
            likelihood_of_width(np.abs),
            likelihood_of_width(lambda s: s),
        ),
        "log q(z|x) has the width sigma^2: the scale of a Gaussian's density is the standard deviation, sigma": (
            likelihood_of_width(lambda s: np.exp(2 * s)),
        ),
        "log S is added where it is to be subtracted": (
            likelihood_with(lambda w: special.logsumexp(w, axis=0) + np.log(len(w)))
        ),
        "log N is subtracted where log S is meant": (
            likelihood_with(lambda w: special.logsumexp(w, axis=0) - np.log(w.shape[1]))
        ),
        "the weights are averaged over the examples (axis=1); average over the samples, axis 0": (
            likelihood_with(lambda w: special.logsumexp(w, axis=1) - np.log(w.shape[1]))
        ),
        "the largest weight is taken, and the others are dropped": likelihood_with(lambda w: np.max(w, axis=0)),
        "the maximum that is taken out before exp is not added back after the logarithm": (
            likelihood_with(lambda w: log_mean(w) - w.max(axis=0))
        ),
        "the prior is missing: the weight is p(x|z) p(z) / q(z|x)": likelihood_with(prior=0.0),
        "log p(z) has the wrong sign": likelihood_with(prior=-1.0),
        "log q(z|x) has the wrong sign: the weight is divided by it": likelihood_with(q=-1.0),
        "log q(z|x) is taken at eps as if q were N(0, I): log sigma is missing": likelihood_with(at_noise=True),
        "this is one number for all examples; each has its own": likelihood_with(lambda w: log_mean(w).sum()),
    },
    misconceptions={
        "mean of logarithms": Misconception(
            likelihood_with(lambda w: np.mean(w, axis=0)),
            "You average the log weights: that is the ELBO, estimated with samples. "
            "Average the weights and take the logarithm of the mean.",
        ),
        "q left out": Misconception(
            likelihood_with(q=0.0),
            "The weights are not divided by q(z|x). "
            "The samples come from q, not from the prior, and the division makes up for it.",
        ),
        "likelihood alone": Misconception(
            likelihood_with(prior=0.0, q=0.0),
            "You average p(x|z) alone. That would be right for samples of the prior; "
            "these come from q, so each needs the factor p(z) / q(z|x).",
        ),
        "prior and q exchanged": Misconception(
            likelihood_with(prior=-1.0, q=-1.0), "The factor is upside down: it is p(z) / q(z|x)."
        ),
        "samples summed": Misconception(
            likelihood_with(lambda w: special.logsumexp(w, axis=0)),
            "You sum over the samples: log S is missing. The mean of the weights is what estimates p(x).",
        ),
        "width left out of q": Misconception(
            likelihood_with(at_noise=True), "In log q the term -log sigma is missing: a narrow density is high."
        ),
        "log variance": Misconception(
            likelihood_with(width=lambda s: s / 2),
            "You read the encoder's second half as the logarithm of the variance. It is log_sigma.",
        ),
        "underflow": Misconception(
            likelihood_with(lambda w: np.log(np.mean(np.exp(w), axis=0))),
            "For log weights near -1000, exp gives 0, and the logarithm of 0 is minus infinity. "
            "Use your iwae_bound of notebook 04, or take the largest out first.",
        ),
        "largest weight": Misconception(
            likelihood_with(lambda w: np.max(w, axis=0) - np.log(len(w))),
            "You keep the largest weight of each example and drop the others.",
        ),
        "not per sample": Misconception(
            lambda encoder, decoder, x, eps: weights_with(encoder, decoder, x, eps),
            "You return one value for each sample and example, (S, N).",
        ),
    },
    hints=(
        (
            r"Three log densities for every sample and example, each (S, N): $\log p(\mathbf{x}|\mathbf{z})$, "
            r"$\log p(\mathbf{z})$, $\log q(\mathbf{z}|\mathbf{x})$. $\log w$ is the first and the second minus "
            r"the third."
        ),
        (
            r"$(\mathbf{z} - \boldsymbol\mu) / \boldsymbol\sigma$ is $\boldsymbol\varepsilon$ itself, so $\log "
            r"q(\mathbf{z}|\mathbf{x}) = \sum_k (-\varepsilon_k^2/2 - \log\sigma_k - \frac12\log 2\pi)$, and "
            r"$\log p(\mathbf{z}) = \sum_k (-z_k^2/2 - \frac12\log 2\pi)$: the constants cancel."
        ),
        (
            "The logarithm of a mean of exponentials, column by column: "
            "iwae_bound(log_w) of notebook 04, or scipy.special.logsumexp(log_w, axis=0) - np.log(len(log_w))."
        ),
    ),
)


# ppca_fit -----------------------------------------------------------------------------------------------------------


def ppca_cases(rng):
    def case(N, D, K, label=""):
        W = rng.normal(size=(D, K)) * np.linspace(2.2, 1.2, K)
        x = (
            rng.normal(size=(N, K)) @ W.T
            + 0.6 * rng.normal(size=(N, D)) * rng.uniform(0.5, 1.5, D)
            + rng.normal(size=D)
            + 1
        )
        return Case((x, K), label)

    return [case(25, 6, 2), case(30, 8, 3), case(20, 5, 1, "for K = 1"), case(24, 5, 4, "for K = D - 1")]


def ppca_oracle(x, K):
    """From the eigenvectors of the covariance matrix."""
    D = x.shape[1]
    values, vectors = np.linalg.eigh(np.cov(x.T, bias=True))
    eta = np.mean(values[: D - K])
    return vectors[:, D - K :] * np.sqrt(values[D - K :] - eta), np.mean(x, axis=0), eta


def compare_ppca(expected, got, args):
    """W counts only through W W^T, which does not see a rotation of z or a sign."""

    def seen(result):
        W, mean, eta = result
        W = np.asarray(W, float)
        return W @ W.T, mean, eta

    return close()(seen(expected), seen(got), args)


def ppca_with(
    noise=lambda values, K: np.mean(values[K:]),
    length=lambda l, eta: np.sqrt(np.maximum(l - eta, 0)),
    bias=True,
    centre=True,
    last=False,
):
    def ppca_fit(x, K):
        mean = np.mean(x, axis=0)
        u = x - mean if centre else x
        values, vectors = np.linalg.eigh(u.T @ u / (len(x) if bias else len(x) - 1))
        values, vectors = values[::-1], vectors[:, ::-1]
        eta = noise(values, K)
        chosen = slice(-K, None) if last else slice(K)
        return vectors[:, chosen] * length(values[chosen], eta), mean, eta

    return ppca_fit


def ppca_with_root(x, K):
    W, mean, eta = ppca_oracle(x, K)
    return W, mean, np.sqrt(eta)


def ppca_of_singular_values(x, K):
    mean = x.mean(axis=0)
    _, values, rows = np.linalg.svd(x - mean, full_matrices=False)
    eta = values[K:].mean()
    return rows[:K].T * np.sqrt(values[:K] - eta), mean, eta


def ppca_ascending(root_of):
    """As if eigenvalues came in descending order."""

    def ppca_fit(x, K):
        values, vectors = np.linalg.eigh(np.cov(x.T, bias=True))
        eta = values[K:].mean()
        return vectors[:, :K] * np.sqrt(root_of(values[:K] - eta)), x.mean(axis=0), eta

    return ppca_fit


def ppca_of_rows(x, K):
    values, vectors = np.linalg.eigh(np.cov(x.T, bias=True))
    values, vectors = values[::-1], vectors[:, ::-1]
    eta = values[K:].mean()
    return vectors[:K].T * np.sqrt(values[:K] - eta), x.mean(axis=0), eta


def ppca_half_sorted(x, K):
    """The eigenvalues are turned round, the eigenvectors left in ascending order."""
    mean = x.mean(axis=0)
    values, vectors = np.linalg.eigh((x - mean).T @ (x - mean) / len(x))
    eta = values[::-1][K:].mean()
    return vectors[:, :K] * np.sqrt(values[::-1][:K] - eta), mean, eta


def spelled_ppca_fit(P, x, K):
    mean = P.mean(x, 0, "the examples")
    u = x - P.term("the mean that is subtracted from x", mean)
    values, vectors = np.linalg.eigh(u.T @ u / P.divisor("N in the covariance", float(len(x))))
    values, vectors = values[::-1], vectors[:, ::-1]
    eta = P("eta", P.mean(values[K:], 0, "the eigenvalues left over"))
    lengths = P.apply("the square root", np.sqrt, values[:K] - P.term("eta in W", eta))
    return vectors[:, :K] * P.factor("the lengths of W's columns", lengths), mean, eta


PPCA_FIT = exercise(
    name="ppca_fit",
    points=3,
    minutes=12,
    lines=7,
    lecture_points=("L5", "L9", "L15"),
    compare=compare_ppca,
    signature="ppca_fit(x, K)",
    returns="W (D, K), mean (D,), eta",
    task=(
        r"Return the parameters that maximise the likelihood of $\mathbf{x} = W\mathbf{z} + \mathbf{b} + "
        r"\text{noise of variance }\eta$ with $\mathbf{z} \sim \mathcal{N}(0, I)$, from the eigenvalues and "
        r"eigenvectors of the covariance (with $1/N$; `pca_eigenvalues`, `pca_fit`). $K < D$. Give $W$ orthogonal "
        r"columns along the eigenvectors: the check sees $WW^\top$ alone, the page below also their directions."
    ),
    answer="course_utils.models.ppca:ppca_fit",
    cases=ppca_cases,
    oracle=ppca_oracle,
    spelled=spelled_ppca_fit,
    others={
        "eta is the mean of the first K eigenvalues; it is that of the others": (
            ppca_with(noise=lambda v, K: np.mean(v[:K]), length=lambda l, eta: np.sqrt(np.abs(l - eta)))
        ),
        "eta is the mean of all eigenvalues; it is the mean of those left over": (
            ppca_with(noise=lambda v, K: np.mean(v), length=lambda l, eta: np.sqrt(np.abs(l - eta))),
            ppca_with(noise=lambda v, K: np.mean(v)),
        ),
        "the first K eigenvalues from `np.linalg.eigh` are taken, which are the smallest: it sorts them ascending": (
            ppca_ascending(np.abs),
            ppca_ascending(lambda d: np.maximum(d, 0)),
        ),
        "the lengths are those of the largest eigenvalues, the directions those of the smallest": ppca_half_sorted,
        "the eigenvectors are taken as rows of what `np.linalg.eigh` gives; they are its columns": ppca_of_rows,
        "eta is the largest of the eigenvalues left over; it is their mean": ppca_with(noise=lambda v, K: v[K]),
        "eta is 0, so that all variance is in W": ppca_with(noise=lambda v, K: 0.0),
        "eta is the root of the mean, a standard deviation": ppca_with_root,
        "the columns of W have the lengths of the eigenvalues themselves": ppca_with(length=lambda l, eta: l),
        "eta is added in the lengths of W's columns; it is subtracted": ppca_with(
            length=lambda l, eta: np.sqrt(l + eta)
        ),
        "W is transposed: its columns are the K directions, (D, K)": (
            lambda x, K: (ppca_oracle(x, K)[0].T, *ppca_oracle(x, K)[1:])
        ),
        "the eigenvalues are singular values of x - mean, neither squared nor divided by N": ppca_of_singular_values,
    },
    misconceptions={
        "noise summed": Misconception(
            ppca_with(noise=lambda v, K: np.sum(v[K:])),
            "eta is the sum of the eigenvalues left over. "
            "It is their mean: each of the D - K directions has this variance.",
        ),
        "noise over D": Misconception(
            ppca_with(noise=lambda v, K: np.sum(v[K:]) / len(v)),
            "The sum of the eigenvalues left over is divided by D. There are D - K of them.",
        ),
        "noise of the next direction": Misconception(
            ppca_with(noise=lambda v, K: v[-1]),
            "eta is the smallest eigenvalue. It is the mean of all that are left over.",
        ),
        "noise counted twice": Misconception(
            ppca_with(length=lambda l, eta: np.sqrt(l)),
            "The columns of W have the squared lengths lambda_k. "
            "The noise brings eta in every direction already, so lambda_k - eta is left for W.",
        ),
        "no root": Misconception(
            ppca_with(length=lambda l, eta: l - eta),
            "The columns of W have the lengths lambda_k - eta. That is a variance: the length is its square root.",
        ),
        "unit columns": Misconception(
            ppca_with(length=lambda l, eta: np.ones_like(l)),
            "The columns of W have length 1. z has variance 1, so W must carry the size of the data.",
        ),
        "1/(N - 1)": Misconception(
            ppca_with(bias=False), "You divide by N - 1. The maximum of the likelihood has the covariance with 1/N."
        ),
        "not centred": Misconception(
            ppca_with(centre=False), "The mean is not subtracted before the covariance is taken."
        ),
        "last eigenvectors": Misconception(
            ppca_with(last=True, length=lambda l, eta: np.sqrt(np.abs(l - eta))),
            "You take the eigenvectors of the smallest eigenvalues. `np.linalg.eigh` puts them in ascending order.",
        ),
    },
    afterwards=(
        r"In one line: $\eta = \frac{1}{D - K}\sum_{k > K}\lambda_k$ and "
        r"$\mathbf{w}_k = \sqrt{\lambda_k - \eta}\;\mathbf{u}_k$ (Tipping and Bishop 1999). The noise gets what PCA "
        r"drops; each column of $W$ gets what is left of its direction once the noise is there. scikit-learn's "
        "`PCA(K).noise_variance_` is this $\\eta$, with $1/(N - 1)$."
    ),
    hints=(
        (
            "pca_fit(x, K) gives the mean and the first K eigenvectors as rows; "
            "pca_eigenvalues(x) all eigenvalues, descending (notebook 01)."
        ),
        r"$\eta$ is the mean variance in the $D - K$ directions that PCA drops: eigenvalues[K:].mean().",
        (
            r"Column $k$ of $W$ points along eigenvector $k$, with squared length $\lambda_k - \eta$: "
            "components.T * np.sqrt(eigenvalues[:K] - eta)."
        ),
    ),
)


# active_units -------------------------------------------------------------------------------------------------------


def active_cases(rng):
    def case(N, on, off, label=""):
        """Half of the variances lie within a few hundredths of the threshold; dividing by N - 1 changes no answer."""

        def mixed(n, near, far):
            return np.sqrt(np.append(rng.uniform(*near, n - n // 2), rng.uniform(*far, n // 2)))

        sigma = np.concatenate([mixed(on, (0.0103, 0.0106), (0.05, 1.5)), mixed(off, (0.0094, 0.0097), (1e-5, 5e-5))])
        noise = rng.normal(size=(N, on + off))
        far = rng.random((N, len(sigma[::2]))) < 0.1
        noise[:, ::2] = far + 0.01 * noise[:, ::2]  # most examples alike, a few far away
        noise = (noise - noise.mean(axis=0)) / noise.std(axis=0)
        centres = rng.choice([-1, 1], on + off) * rng.uniform(0.3, 2, on + off)
        centres[rng.random(on + off) < 0.3] = 0.0
        mu = noise * sigma + centres
        return Case((rng.permutation(mu, axis=1),), label)

    on, off = rng.integers(3, 7), rng.integers(8, 12)
    return [
        case(200, int(on), int(off)),
        case(300, int(off), int(on)),
        case(150, 0, 5, "when all units are unused"),
        case(150, 6, 0, "when all units are used"),
    ]


def active_oracle(mu):
    return sum(1 for column in np.transpose(mu) if np.mean(column**2) - np.mean(column) ** 2 > 0.01)


def spelled_active_units(P, mu):
    square = P.mean(np.square(mu), 0, "the examples in the mean of squares")
    variance = square - P.term("the squared mean", np.square(mu.mean(axis=0)))
    return int(P.sum(variance > P("the threshold", 0.01), 0, "the latents"))


ACTIVE_UNITS = exercise(
    name="active_units",
    points=1,
    minutes=4,
    lines=1,
    lecture_points=("L20",),
    signature="active_units(mu)",
    returns="int",
    task=(
        r"Return how many of the K latents are in use: those whose mean $\mu_k$, from `mu` (N, K), has a variance "
        "(with $1/N$) above 0.01 over the N examples."
    ),
    answer="course_utils.models.vae:active_units",
    cases=active_cases,
    oracle=active_oracle,
    spelled=spelled_active_units,
    others={
        "the threshold is 0.1; it is 0.01": lambda mu: np.sum(np.var(mu, axis=0) > 0.1),
        "the threshold is 0.001; it is 0.01": lambda mu: np.sum(np.var(mu, axis=0) > 0.001),
        "these are the variances; count those above 0.01": lambda mu: np.var(mu, axis=0),
        "you count entries of mu, and not latents": (
            lambda mu: np.sum(mu > 0.01),
            lambda mu: np.sum(np.abs(mu) > 0.01),
            lambda mu: np.sum((mu - mu.mean(axis=0)) ** 2 > 0.01),
        ),
        "you compare the latents' means, and not their variances": (
            lambda mu: np.sum(np.mean(mu, axis=0) > 0.01),
            lambda mu: np.sum(np.abs(np.mean(mu, axis=0)) > 0.01),
        ),
        "the deviations are summed over the examples; the variance is their mean": (
            lambda mu: np.sum(np.sum((mu - mu.mean(axis=0)) ** 2, axis=0) > 0.01)
        ),
        "each latent's share of the total variance is compared; its variance itself is": (
            lambda mu: np.sum(np.var(mu, axis=0) / np.sum(np.var(mu, axis=0)) > 0.01)
        ),
        "the variances above 0.01 are added up; their number is asked": (
            lambda mu: int(np.sum(np.var(mu, axis=0)[np.var(mu, axis=0) > 0.01])),
            lambda mu: np.sum(np.var(mu, axis=0)[np.var(mu, axis=0) > 0.01]),
        ),
        "this is the variance of all entries, compared once": lambda mu: np.var(mu) > 0.01,
        "the number of latents is returned": lambda mu: mu.shape[1],
    },
    misconceptions={
        "not centred": Misconception(
            lambda mu: np.sum(np.mean(np.square(mu), axis=0) > 0.01),
            "You compare mean squares with 0.01, which counts units whose mean is nearly the same for all examples, but"
            " not 0. Take the variance: the mean square of what is left when the mean over the examples is subtracted.",
        ),
        "standard deviation": Misconception(
            lambda mu: np.sum(np.std(mu, axis=0) > 0.01),
            "You compare the standard deviation with 0.01. The variance is meant.",
        ),
        "unused ones": Misconception(
            lambda mu: np.sum(np.var(mu, axis=0) <= 0.01), "You count the units that are unused."
        ),
        "examples": Misconception(
            lambda mu: np.sum(np.var(mu, axis=1) > 0.01),
            "You count examples: the variance is taken over the latents, axis 1. Take it over the examples, axis 0.",
        ),
        "which": Misconception(
            lambda mu: np.var(mu, axis=0) > 0.01, "You say which units are active. How many is asked: sum the Trues."
        ),
        "share": Misconception(
            lambda mu: np.mean(np.var(mu, axis=0) > 0.01), "This is the share of active units; their number is asked."
        ),
    },
    hints=(
        "One variance for each latent, over the N examples.",
        "np.var(mu, axis=0) has shape (K,).",
        "np.sum(np.var(mu, axis=0) > 0.01).",
    ),
)

EXERCISES = [VAE_ELBO, VAE_TRAIN, VAE_GENERATE, VAE_LOG_LIKELIHOOD, PPCA_FIT, ACTIVE_UNITS]
