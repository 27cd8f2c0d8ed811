"""Training exercises ask for training: weights from elsewhere do not fit hidden data, which no answer can draw."""

import itertools

import numpy as np
import pytest
from answers import EXERCISES
from scipy.optimize import linear_sum_assignment

from course_utils.checking import examine, wire
from course_utils.checking.calling import Outcome
from course_utils.checking.judging import find
from course_utils.exercises import nb02_deep_autoencoders as nb02
from course_utils.exercises import nb07_amortized_inference as nb07
from course_utils.exercises import nb08_variational_autoencoder as nb08
from course_utils.exercises.model import Rng
from course_utils.models import autoencoder
from course_utils.networks import nets

TRAINING = [name for name, exercise in EXERCISES.items() if exercise.trains]
SEEDS = range(3)


def finding(name, case, value):
    """What a check says of a result; it comes over the wire, as an answer's does."""
    return find(EXERCISES[name], case, Outcome("value", wire.decode_frame(wire.encode(value))))


def case_of(name, seed, i=0):
    return EXERCISES[name].cases(np.random.default_rng(seed))[i]


@pytest.mark.parametrize("name", TRAINING)
def test_what_the_answer_gets_does_not_say_how_the_data_were_drawn(name):
    """The generator's seed is a number of its own, and all the data are in the frame that is sent, nothing hidden."""
    for seed in SEEDS:
        for case in EXERCISES[name].cases(np.random.default_rng(seed)):
            (own,) = (arg.seed for arg in case.args if isinstance(arg, Rng))
            assert own not in case.hidden
            assert all(str(number) not in str(wire.encode(list(case.args))[:2000]) for number in case.hidden)
    if name == "linear_ae_train":
        return  # judged by the data that it gets
    assert all(case.hidden for case in EXERCISES[name].cases(np.random.default_rng(1)))


@pytest.fixture(scope="module")
def trained():
    """Networks that were trained on digits, as somebody could carry them into a notebook, and digits of that kind."""
    return nb08.reference((196, 64, 8), nb08.STEPS), nb08.drawn_digits(5, as_they_are=True)


def as_it_is(x, known):
    return np.arange(196)


def by_means(x, known):
    order = np.empty(196, int)
    order[np.argsort(x.mean(axis=0))] = np.argsort(known.mean(axis=0))
    return order


def by_covariances(x, known):
    """Each pixel's mean and sorted covariances, matched as well as they can be."""
    a, b = (np.column_stack([3 * x.mean(axis=0), np.sort(np.cov(x.T), axis=1)]) for x in (x, known))
    return linear_sum_assignment(((a[:, None] - b) ** 2).sum(axis=-1))[1]


@pytest.mark.slow
@pytest.mark.parametrize("match", [as_it_is, by_means, by_covariances])
@pytest.mark.parametrize("seed", SEEDS)
def test_weights_from_elsewhere_are_no_answer_to_vae_train(trained, match, seed):
    (encoder, decoder), known = trained
    case = case_of("vae_train", seed)
    order = match(case.args[0], known)
    (W, b), *others = encoder
    *before, (V, c) = decoder
    moved = [(W[order], b), *others], [*before, (V[:, order], c[order])]
    assert finding("vae_train", case, moved).kind == "values"
    case = case._replace(args=(nb08.drawn_digits(9, as_they_are=True), *case.args[1:]), hidden=(9,))
    with pytest.MonkeyPatch.context() as patch:  # where pixels have their places, they would be
        draw = nb08.drawn_digits
        patch.setattr(nb08, "drawn_digits", lambda key, fresh=False, as_they_are=True: draw(key, fresh, True))
        assert finding("vae_train", case, (encoder, decoder)) is None


def axes(x):
    """Mean and principal axes, as columns, the largest first."""
    return x.mean(axis=0), np.linalg.eigh(np.cov(x.T))[1][:, ::-1]


def turned(networks, turn, mean, own_mean):
    """Networks for (x - mean) @ turn + own_mean, as networks for x."""
    (W, b), *others = networks[0]
    *before, (V, c) = networks[1]
    return [(turn @ W, b + (own_mean - mean @ turn) @ W), *others], [
        *before,
        (V @ turn.T, (c - own_mean) @ turn.T + mean),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_weights_from_elsewhere_are_no_answer_to_autoencoder_train(seed):
    """Networks for another surface, turned so that principal axes meet, with the best of all signs."""
    case = case_of("autoencoder_train", seed, 1)
    x, sizes, *_ = case.args
    other = nb02.curved_data(99, sizes, 400)
    networks = [
        [(np.asarray(W, float), np.asarray(b, float)) for W, b in part]
        for part in autoencoder.autoencoder_train(other, sizes, 1500, np.random.default_rng(0))
    ]
    assert finding("autoencoder_train", case, networks).kind == "values"
    (mean, own), (other_mean, others) = axes(x), axes(other)
    best = min(
        (
            turned(networks, own * signs @ others.T, mean, other_mean)
            for signs in map(np.array, itertools.product([1, -1], repeat=len(mean)))
        ),
        key=lambda pair: np.mean((nets.mlp(pair[1], nets.mlp(pair[0], x)) - x) ** 2),
    )
    assert finding("autoencoder_train", case, best).kind == "values"


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_an_encoder_of_another_decoder_is_no_answer_to_encoder_train(seed):
    case = case_of("encoder_train", seed)
    _, _, sizes, steps, _ = case.args
    other, own = (nb07.reference(key, tuple(sizes), steps) for key in (99, *case.hidden))
    assert finding("encoder_train", case, other).kind == "values"
    assert finding("encoder_train", case, own) is None


@pytest.mark.slow
def test_linear_training_is_judged_as_steps():
    def by_svd(x, K, steps, rng):
        components = np.linalg.svd(x)[2][:K]
        return components.T, components

    def by_turns(x, K, steps, rng):  # for one matrix after the other
        V = np.linalg.qr(rng.normal(size=(x.shape[1], K)))[0].T
        for _ in range(steps):
            U = np.linalg.lstsq(x @ V.T, x, rcond=None)[0].T
            V = np.linalg.pinv(U)
        return U, V

    for answer in (by_svd, by_turns):
        for seed in range(5):
            report = examine(answer, name="linear_ae_train", seed=seed)
            assert (report.passed, report.misconception) == (False, "not by steps"), report


@pytest.mark.parametrize("terms, key", [((-33.0, 16.6), "mean over K"), ((-39.0, 10.5), None)])
def test_a_large_kl_is_laid_to_its_weight_only_where_reconstructions_are_better_for_it(terms, key, monkeypatch):
    """Steps that are too long end with a large KL term, too, but with poor reconstructions."""
    networks = [(np.ones((4, 6)), np.zeros(6))], [(np.ones((3, 4)), np.zeros(4))]
    monkeypatch.setattr(nb08, "fresh_terms", lambda args, networks, **readings: terms)
    monkeypatch.setattr(nb08, "reference_terms", lambda args: (-37.0, 6.6))
    monkeypatch.setattr(nb08, "without_latents", lambda args: -52.7)
    monkeypatch.setattr(nb08, "_as_probabilities", lambda args, networks: -np.inf)
    assert nb08.diagnose_terms((np.ones((5, 4)), [4, 3], nb08.STEPS, None, 0), networks) == key
