"""What a report says of an answer's behaviour: noise of its own, memory, arguments without effect, zeros and ones."""

import sys

import autograd.numpy as anp
import numpy as np
import pytest

from course_utils.checking import examine, student
from course_utils.checking.behaviour import noise_in_training, without_effect
from course_utils.checking.calling import outcome_of, perform, perform_and_count, threaded, words_between
from course_utils.checking.rows import Row, right
from course_utils.exercises import find_exercise
from course_utils.exercises.model import Case
from course_utils.exercises.stand_ins import Rng
from course_utils.models.amortization import elbo_of_q
from course_utils.models.vae import encoder_forward, init_vae, vae_elbo
from course_utils.networks.nets import init_mlp
from course_utils.networks.optim import adam, minibatches

MEMORY = []


def own_noise(mu, log_sigma, eps):
    rng = np.random.default_rng()
    z = mu + np.exp(log_sigma) * rng.normal(size=eps.shape)
    return z


def own_seed(mu, log_sigma, eps):
    rng = np.random.default_rng(0)
    return mu + np.exp(log_sigma) * rng.normal(size=eps.shape) * np.sign(eps)


def memory(mu, log_sigma, eps):
    MEMORY.append(1)
    return mu + np.exp(log_sigma) * eps + len(MEMORY)


def without_noise(mu, log_sigma, eps):
    return np.sin(mu) * np.cosh(log_sigma) + 0 * eps


def nowhere(mu, log_sigma, eps):
    return np.sin(mu) * np.cosh(mu)


def constant(mu, log_sigma, eps):
    return np.full(eps.shape, 0.25)


@pytest.mark.parametrize(
    "function, key, words, line",
    [
        (own_noise, "random", "it draws random numbers of its own", "rng = np.random.default_rng()"),
        (own_seed, "own seed", "With another seed your function gives another result", "default_rng(0)"),
        (memory, "not repeatable", "remember something from one call to the next", ""),
        (without_noise, "not used: eps", "does not depend on the values in `eps`.", ""),
        (nowhere, "not used: log_sigma, eps", "do not occur in your function", ""),
        (constant, "nothing is used", "is 0.25 in every case of this check", ""),
    ],
)
def test_behaviour(function, key, words, line):
    report = examine(function, name="reparameterize")
    assert report.misconception == key and words in report.advice and report.detail.endswith(line), report
    assert bool(line) == bool(report.detail)


def test_an_argument_is_idle_up_to_rounding_and_where_no_two_cases_have_one_shape():
    """The weights add up to 1, but for the last bit, in whatever order they are added."""

    def iwae_bound(log_w):
        w = np.exp(log_w - log_w.max(axis=0))
        return np.sqrt(len(log_w)) * np.cumsum(w / w.sum(axis=0), axis=0)[-1]

    exercise = find_exercise("iwae_bound")
    rng = np.random.default_rng(0)
    rows = [Row(exercise, Case((w,)), iwae_bound(w)) for w in (rng.normal(size=(40, 3)), rng.normal(size=(50, 6)))]
    for fresh in ([], [Row(exercise, Case((rng.normal(size=(40, 3)),)), None)]):
        idle = without_effect(
            ["log_w"],
            rows,
            fresh,
            lambda args: outcome_of(perform(iwae_bound, args)),
            lambda args: right(exercise, args),
            None,
        )
        assert idle == ("not used: log_w", "your result does not depend on the values in `log_w`", "")


def test_zeros_and_ones_where_something_else_is_asked():
    report = examine(lambda decoder, z: (decoder[-1][1] + z[:, :1] > 0.1).astype(float), name="vae_generate")
    assert report.misconception == "zeros and ones" and "0 or 1" in report.advice


def test_answers_that_are_repeatable_are_not_called_random():
    def reparameterize(mu, log_sigma, eps):
        np.random.default_rng(0).normal()  # drawn, but without effect on the result
        return mu + log_sigma * eps

    assert examine(reparameterize).misconception == "log_sigma for sigma"


# answers that pass, and answers that train ---------------------------------------------------------------------------


def bound_by_loops(encoder, decoder, x, eps):
    """Right, and not to be differentiated: its results are written into an array."""
    result = np.zeros(len(x))
    result[:] = find_exercise("vae_elbo").library_answer()(encoder, decoder, x, eps)
    return result


def test_a_bound_that_autograd_cannot_differentiate_passes_and_is_told_so():
    report = examine(bound_by_loops, name="vae_elbo")
    assert report.passed and report.points == report.max_points
    assert "autograd cannot differentiate your function" in report.advice and "autograd.numpy" in report.advice
    assert examine(find_exercise("vae_elbo").library_answer(), name="vae_elbo").advice == ""


def losses_by_numpy(logits_real, logits_fake):
    """Right, a tuple, and not to be differentiated."""
    d_loss = np.mean(np.logaddexp(0, -np.array(logits_real, float))) + np.mean(np.logaddexp(0, logits_fake))
    return d_loss, np.mean(np.logaddexp(0, -logits_fake))


def test_several_results_are_differentiated_together():
    report = examine(losses_by_numpy, name="gan_losses")
    assert report.passed and "autograd cannot differentiate your function" in report.advice
    assert examine(find_exercise("gan_losses").library_answer(), name="gan_losses").advice == ""


def training(noise):
    """vae_train whose minibatches get noise(rng, number of rows, K), or whose generator is another one."""

    def vae_train(x, sizes, steps, rng):
        draw = noise(rng, sizes[-1])
        params = init_vae(x.mean(axis=0), sizes, rng)

        def batches():
            for rows in minibatches(x, 32, steps, rng):
                yield rows, draw(len(rows))

        return adam(lambda p, b: -anp.sum(vae_elbo(*p, *b)) / len(b[0]), params, batches(), steps, step_size=4e-3)

    return vae_train


def fresh(rng, K):
    return lambda n: rng.standard_normal((n, K))


def once(rng, K):
    eps = rng.standard_normal((32, K))
    return lambda n: eps[:n]


def seeded_again(rng, K):
    return lambda n: np.random.default_rng(0).standard_normal((n, K))


def without_generator(x, sizes, steps, rng):
    return training(fresh)(x, sizes, steps, np.random.default_rng(5))


@pytest.mark.parametrize(
    "function, key",
    [
        (training(fresh), None),
        (find_exercise("vae_train").library_answer(), None),
        (training(once), "noise not fresh"),
        (training(seeded_again), "noise not fresh"),
        (without_generator, "rng ignored"),
        (lambda x, sizes, steps, rng: 1 / 0, None),
    ],
)
def test_noise_in_training_is_counted(function, key):
    found = noise_in_training(
        lambda args, drawn: outcome_of(perform_and_count(function, args)), find_exercise("vae_train").noisy
    )
    assert (found and found[0]) == key


def encoder_training(noise):
    """An encoder_train; noise(rng, K) gives what draws the noise of a minibatch, for its size."""

    def encoder_train(x, decoder, sizes, steps, rng):
        draw = noise(rng, sizes[-1])

        def loss(encoder, batch):
            rows, eps = batch
            return -anp.mean(elbo_of_q(decoder, rows, *encoder_forward(encoder, rows), eps[None]))

        batches = ((rows, draw(len(rows))) for rows in minibatches(x, 32, steps, rng))
        return adam(loss, init_mlp([*sizes[:-1], 2 * sizes[-1]], rng), batches, steps, step_size=4e-3)

    return encoder_train


@pytest.mark.parametrize(
    "function, key",
    [
        (encoder_training(fresh), None),
        (find_exercise("encoder_train").library_answer(), None),
        (encoder_training(once), "noise not fresh"),
        (encoder_training(seeded_again), "noise not fresh"),
    ],
)
def test_noise_in_training_an_encoder_is_counted_too(function, key):
    found = noise_in_training(
        lambda args, drawn: outcome_of(perform_and_count(function, args)), find_exercise("encoder_train").noisy
    )
    assert (found and found[0]) == key


@pytest.mark.slow
def test_an_encoder_that_passes_with_noise_that_is_drawn_once_is_told_so():
    report = examine(encoder_training(once), name="encoder_train")
    assert report.passed and "is eps drawn once, before the loop" in report.advice


def test_the_words_that_a_generator_was_asked_for_are_counted():
    before, after = np.random.default_rng(3), np.random.default_rng(3)
    assert words_between(before, after) == 0
    after.random(1000)
    assert words_between(before, after) == 1000
    after.standard_normal(500)
    assert 1500 <= words_between(before, after) < 1600
    assert words_between(before, np.random.default_rng(4)) == -1
    assert words_between(before, np.random.Generator(np.random.MT19937(3))) == -1


@pytest.mark.slow
@pytest.mark.parametrize("value", [np.zeros(2), np.ones(1), (), None], ids=repr)
def test_draws_are_counted_whatever_the_answer_gives(value):
    assert perform_and_count(lambda rng: [rng.random(5), value][1], (Rng(0),))["value"] == [5]


@pytest.mark.whole
def test_what_a_training_does_says_more_than_that_it_was_none():
    def untrained(x, sizes, steps, rng):
        params = init_vae(x.mean(axis=0), sizes, rng)
        for rows in minibatches(x, 32, steps, rng):
            rng.standard_normal((len(rows), sizes[-1]))
        return params

    report = examine(untrained, name="vae_train")
    assert (report.misconception, report.kind) == ("nothing moves", "values")


@pytest.mark.slow
def test_training_that_ignores_its_generator_is_told_so_whether_it_passes_or_not():
    report = examine(without_generator, name="vae_train")
    assert "`rng` is not used" in report.advice

    def barely(x, sizes, steps, rng):
        return training(once)(x, sizes, 150, rng)

    report = examine(barely, name="vae_train")
    assert not report.passed and report.misconception == "noise not fresh"


@pytest.mark.skipif(sys.platform != "linux", reason="answers are forked on Linux only")
def test_in_a_thread_only_the_answer_itself_is_called(monkeypatch):
    monkeypatch.setattr(student, "isolated", threaded)
    report = examine(lambda mu, s, eps: np.exp(s) * eps + np.tan(mu), name="reparameterize")
    assert not report.passed and report.misconception is None
    assert examine(bound_by_loops, name="vae_elbo").advice == ""
