"""What used to give garbage without a word: each call is refused, with what was expected and what came."""

import numpy as np
import pytest

from course_utils.models import (
    amortization,
    autoencoder,
    classifier,
    conditional,
    linear_gaussian,
    pca,
    ppca,
    semi_supervised,
    two_latents,
    vae,
)
from course_utils.networks import fast, nets

N, D, K, C = 4, 6, 2, 3
RNG = np.random.default_rng(0)
X = (RNG.random((N, D)) < 0.5).astype(float)
Y = np.array([0, 2, 1, 1])
ONE_HOT = np.eye(C)[Y]
ENCODER, DECODER = nets.init_mlp([D, 5, 2 * K], RNG), nets.init_mlp([K, 5, D], RNG)
TOLD = nets.init_mlp([D + C, 5, 2 * K], RNG), nets.init_mlp([K + C, 5, D], RNG)
MU, LOG_SIGMA = RNG.normal(size=(2, N, K))
EPS, MANY = RNG.normal(size=(N, K)), RNG.normal(size=(7, N, K))
W, B = RNG.normal(size=(D, K)), RNG.normal(size=D)
P = np.tile(np.eye(K), (N, 1, 1))
GREY, HOLE, FLAT = 255 * X, np.where(np.arange(D) == 3, np.nan, X), X[0]

TRAININGS = {
    "vae": lambda x, y=Y, sizes=(D, 5, K), **rest: vae.vae_train(x, sizes, 2, RNG, **rest),
    "cvae": lambda x, y=Y, sizes=(D, 5, K), **rest: conditional.cvae_train(x, y, C, sizes, 2, RNG, **rest),
    "m2": lambda x, y=Y, sizes=(D, 5, K), **rest: semi_supervised.m2_train(x, X, y, C, sizes, [5], 2, RNG, **rest),
    "m2, labelled": lambda x, y=Y, sizes=(D, 5, K), **rest: semi_supervised.m2_train(
        X, x, y, C, sizes, [5], 2, RNG, **rest
    ),
    "autoencoder": lambda x, y=Y, sizes=(D, 5, K), **rest: autoencoder.autoencoder_train(x, sizes, 2, RNG, **rest),
    "classifier": lambda x, y=Y, sizes=(D, 5, K), **rest: classifier.classifier_train(
        x, y, [*sizes[:-1], C], 2, RNG, **rest
    ),
}
PIXELS = ("vae", "cvae", "m2", "m2, labelled")
LABELS = ("cvae", "m2", "classifier")


@pytest.mark.parametrize("training", TRAININGS)
def test_training_takes_good_data_and_no_others(training):
    train = TRAININGS[training]
    train(X), train(X.tolist()), train(X.astype("u1"))
    for x, message in (
        (HOLE, "should hold finite numbers alone, but 4 of 24 are nan or infinite"),
        (FLAT, r"has shape \(6,\)"),
        (X[:, :, None], r"has shape \(4, 6, 1\)"),
        (X[:, :5], r"sizes\[0\] must be the dimension of .*, but sizes = \[6, .*\] and .* has shape \(4, 5\)"),
        (X[:0], r"has shape \(0, 6\)"),
    ):
        with pytest.raises(ValueError, match=message):
            train(x)
    if training != "m2, labelled":
        with pytest.raises(ValueError, match="at least one example, but batch_size = 0 of 4 examples came"):
            train(X, batch_size=0)
    with pytest.raises(ValueError, match="a network needs two sizes or more, all at least 1"):
        train(X, sizes=(D, 0, K))


@pytest.mark.parametrize("training", PIXELS)
def test_pixels_lie_between_black_and_white(training):
    with pytest.raises(ValueError, match=r"x.* must lie between 0 and 1, but it goes from 0 to 255"):
        TRAININGS[training](GREY)
    with pytest.raises(ValueError, match=r"between 0 and 1, but it goes from -1 to 0"):
        TRAININGS[training](X - 1)


@pytest.mark.parametrize("training", LABELS)
def test_each_example_has_a_label_that_there_is(training):
    for y in ([0, 1, 2, 3], [-1, 0, 1, 2], [0, 1, 2, 0.5], [np.nan, 0, 1, 2]):
        with pytest.raises(ValueError, match="labels should be whole numbers 0..2"):
            TRAININGS[training](X, y=np.array(y))
    for y in (Y[:1], Y[:3], np.tile(Y, 2)):
        with pytest.raises(ValueError, match=f"each of the 4 examples should have one label, but {len(y)} labels came"):
            TRAININGS[training](X, y=y)


EPS_OF_A_WRONG_RANK = [EPS[0], EPS[:, 0], EPS[:1], EPS[:, :1], MANY[None], MANY[:, :1], MANY[:, :, :1]]


@pytest.mark.parametrize("eps", EPS_OF_A_WRONG_RANK, ids=lambda eps: str(eps.shape))
def test_noise_has_a_number_for_each_code(eps):
    for bound in (
        lambda: vae.vae_elbo(ENCODER, DECODER, X, eps),
        lambda: vae.elbo_terms(ENCODER, DECODER, X, eps),
        lambda: conditional.cvae_elbo(*TOLD, X, ONE_HOT, eps),
    ):
        with pytest.raises(ValueError, match=r"eps should be \(4, 2\) or \(S, 4, 2\)"):
            bound()


@pytest.mark.parametrize("eps", [EPS, *EPS_OF_A_WRONG_RANK], ids=lambda eps: str(eps.shape))
def test_samples_have_an_axis_of_their_own(eps):
    for estimate in (
        lambda: vae.vae_log_likelihood(ENCODER, DECODER, X, eps),
        lambda: vae.log_weights(DECODER, X, MU, LOG_SIGMA, eps),
        lambda: amortization.elbo_of_q(DECODER, X, MU, LOG_SIGMA, eps),
        lambda: amortization.log_weights_of(DECODER, X, MU, P, eps),
    ):
        with pytest.raises(ValueError, match=r"eps should be \(S, 4, 2\)"):
            estimate()


@pytest.mark.parametrize("y", [ONE_HOT[:1], ONE_HOT[0], ONE_HOT[:3], Y], ids=lambda y: str(y.shape))
def test_one_label_is_not_that_of_all(y):
    for function in (
        lambda: conditional.cvae_elbo(*TOLD, X, y, EPS),
        lambda: vae.elbo_terms(*TOLD, X, MANY, y),
        lambda: nets.beside(X, y),
        lambda: nets.beside(MANY, y),
    ):
        with pytest.raises(ValueError, match=r"y should be \(N, C\), a row for each of the N rows of"):
            function()


CALLS = {
    "labels, too few": (lambda: conditional.style_codes(TOLD[0], X, Y[:1], C), r"y should be \(N, C\)"),
    "labels, none": (lambda: conditional.style_codes(TOLD[0], X, Y - 1, C), "labels should be whole numbers 0..2"),
    "new label, one": (lambda: conditional.analogy(*TOLD, X, Y, Y[:1], C), r"y should be \(N, C\)"),
    "label of a style": (lambda: conditional.style_grid(TOLD[1], -1, C, EPS), "labels should be whole numbers 0..2"),
    "decoder of other codes": (lambda: vae.vae_generate(DECODER, MANY[..., :1]), "takes 2 numbers for each example"),
    "x of another width": (lambda: vae.vae_elbo(ENCODER, DECODER, X[:, :1], EPS), "takes 6 numbers for each example"),
    "pixels": (
        lambda: fast.bernoulli_cross_entropy(X[:, :1], X),
        r"as many pixels, but they have \(4, 1\) and \(4, 6\)",
    ),
    "one image for all": (lambda: vae.log_weights(DECODER, X[:1], MU, LOG_SIGMA, MANY), r"x \(1, 6\) and mu \(4, 2\)"),
    "elbo of one image": (
        lambda: amortization.elbo_of_q(DECODER, X[:1], MU, LOG_SIGMA, MANY),
        r"x \(1, 6\) and mu \(4, 2\)",
    ),
    "precision": (
        lambda: amortization.log_weights_of(DECODER, X, MU, P[:1], MANY),
        r"x \(4, 6\) and mu \(4, 2\) and precision \(1, 2, 2\)",
    ),
    "refine, nan": (lambda: amortization.refine(DECODER, HOLE, MU, LOG_SIGMA, 2, RNG), "x should hold finite numbers"),
    "refine, rows": (lambda: amortization.refine(DECODER, X, MU[:1], LOG_SIGMA[:1], 2, RNG), r"and mu \(1, 2\)"),
    "refine, log_sigma": (lambda: amortization.refine(DECODER, X, MU, LOG_SIGMA[:1], 2, RNG), "should have one shape"),
    "ledger": (lambda: amortization.gap_ledger([1.0, 2], [0.0], [0.0, 0]), "should have one shape"),
    "quadrature": (
        lambda: two_latents.elbo_by_quadrature(DECODER, X[:1], MU, LOG_SIGMA),
        r"x \(1, 6\) and mu \(4, 2\)",
    ),
    "three latents": (
        lambda: two_latents.log_p_on_grid(nets.init_mlp([3, D], RNG), X),
        "a decoder with 2 latents is expected, but this one has 3",
    ),
    "mean of a pixel": (
        lambda: vae.init_vae(X.mean(), [D, 5, K], RNG),
        r"mean should be \(6,\) for sizes = \[6, 5, 2\]",
    ),
    "active units": (lambda: vae.active_units(MU[:, 0]), r"mu should be \(N, D\), .* has shape \(4,\)"),
    "errors": (lambda: autoencoder.squared_error(X, X[:1]), r"one shape, but they have \(4, 6\) and \(1, 6\)"),
    "codes with nan": (
        lambda: autoencoder.nearest_neighbour_accuracy(HOLE, Y, X, Y),
        "codes_train should hold finite numbers alone",
    ),
    "codes of other widths": (
        lambda: autoencoder.nearest_neighbour_accuracy(X, Y, X[:, :1], Y),
        r"codes_test should be \(N, 6\)",
    ),
    "neighbours' labels": (
        lambda: autoencoder.nearest_neighbour_accuracy(X, Y[:1], X, Y),
        r"codes_train \(4, 6\) and y_train \(1,\)",
    ),
    "labels tested": (
        lambda: autoencoder.nearest_neighbour_accuracy(X, Y, X, Y[:1]),
        r"codes_test \(4, 6\) and y_test \(1,\)",
    ),
    "bounds per class": (lambda: semi_supervised.m2_unlabelled_elbo(ONE_HOT, ONE_HOT[:1]), "should have one shape"),
    "pca, nan": (lambda: pca.pca_fit(HOLE, 2), "x should hold finite numbers alone"),
    "pca, a vector": (lambda: pca.pca_fit(FLAT, 1), r"x should be \(N, D\)"),
    "eigenvalues, nan": (lambda: pca.pca_eigenvalues(HOLE), "x should hold finite numbers alone"),
    "linear ae, nan": (lambda: pca.linear_ae_train(HOLE, 2, 3, RNG), "x should hold finite numbers alone"),
    "ppca, nan": (lambda: ppca.ppca_fit(HOLE, 2), "x should hold finite numbers alone"),
    "one pixel of many": (
        lambda: linear_gaussian.elbo_linear_gaussian(X[:, :1], W, B, 0.5, MU, LOG_SIGMA),
        r"x \(N, D\) and W \(D, K\) are expected, but they have \(4, 1\) and \(6, 2\)",
    ),
    "posterior of one pixel": (lambda: linear_gaussian.linear_posterior(X[:, :1], W, B, 0.5), "are expected, but they"),
    "one code for all": (
        lambda: linear_gaussian.expected_squared_error(X, W, B, MU[:1], LOG_SIGMA),
        r"mu should be \(N, K\) = \(4, 2\), but it has shape \(1, 2\)",
    ),
    "step of one code": (
        lambda: amortization.svi_step(X, MU, LOG_SIGMA[:1], W, B, 0.5, 0.1),
        r"log_sigma should be \(N, K\) = \(4, 2\), but it has shape \(1, 2\)",
    ),
}


@pytest.mark.parametrize("call", CALLS)
def test_other_calls_that_fit_nothing(call):
    function, message = CALLS[call]
    with pytest.raises(ValueError, match=message):
        function()


@pytest.mark.parametrize("eta", [0.0, -0.5, np.nan])
def test_a_variance_is_positive(eta):
    for function in (
        lambda: linear_gaussian.elbo_linear_gaussian(X, W, B, eta, MU, LOG_SIGMA),
        lambda: linear_gaussian.linear_posterior(X, W, B, eta),
        lambda: linear_gaussian.mean_field_posterior(X, W, B, eta),
        lambda: amortization.svi_step(X, MU, LOG_SIGMA, W, B, eta, 0.1),
    ):
        with pytest.raises(ValueError, match=f"eta, the variance of the noise, should be positive, but {eta} came"):
            function()
