"""What a report says of what a training does: steps that lead nowhere, networks that stand still, rows not seen."""

import autograd.numpy as anp
import numpy as np
import pytest

from course_utils.checking.calling import outcome_of, perform
from course_utils.checking.training import explained
from course_utils.exercises import find_exercise
from course_utils.models.amortization import elbo_of_q
from course_utils.models.vae import encoder_forward, init_vae, vae_elbo
from course_utils.networks.nets import init_mlp
from course_utils.networks.optim import adam, minibatches


def loss(params, batch):
    return -anp.sum(vae_elbo(*params, *batch)) / len(batch[0])


def batches(x, sizes, steps, rng):
    for rows in minibatches(x, 32, steps, rng):
        yield rows, rng.standard_normal((len(rows), sizes[-1]))


def start(x, sizes, rng):
    return init_vae(x.mean(axis=0), sizes, rng)


def trained(x, sizes, steps, rng, step_size=4e-3):
    return adam(loss, start(x, sizes, rng), batches(x, sizes, steps, rng), steps, step_size=step_size)


def whole(x, sizes, steps, rng):
    """No minibatches: every step sees all rows."""
    noise = ((x, rng.standard_normal((len(x), sizes[-1]))) for _ in range(steps))
    return adam(loss, start(x, sizes, rng), noise, steps, step_size=4e-3)


def thrown_away(x, sizes, steps, rng):
    params = start(x, sizes, rng)
    adam(loss, params, batches(x, sizes, steps, rng), steps, step_size=4e-3)
    return params


def tiny_steps(x, sizes, steps, rng):
    return trained(x, sizes, steps, rng, step_size=1e-5)


def decoder_alone(x, sizes, steps, rng):
    encoder, decoder = start(x, sizes, rng)
    return encoder, adam(lambda d, b: loss((encoder, d), b), decoder, batches(x, sizes, steps, rng), steps, 4e-3)


def encoder_alone(x, sizes, steps, rng):
    encoder, decoder = start(x, sizes, rng)
    return adam(lambda e, b: loss((e, decoder), b), encoder, batches(x, sizes, steps, rng), steps, 4e-3), decoder


def first_rows(x, sizes, steps, rng):
    return adam(loss, start(x, sizes, rng), batches(x[:100], sizes, steps, rng), steps, step_size=4e-3)


@pytest.mark.parametrize(
    "function, key, words",
    [
        (trained, None, ""),
        (whole, None, ""),
        (find_exercise("vae_train").library_answer(), None, ""),
        (thrown_away, "nothing moves", "not those that came out of it?"),
        (tiny_steps, "small steps", "leads nowhere"),
        (decoder_alone, "the encoder stands still", "only the decoder is trained"),
        (encoder_alone, "the decoder stands still", "only the encoder is trained"),
        (first_rows, "first rows only", "drawn from all of x"),
        (lambda x, sizes, steps, rng: 1 / 0, None, ""),
        (lambda x, sizes, steps, rng: (1.0, 2.0), None, ""),
        (lambda x, sizes, steps, rng: np.zeros(3), None, ""),
    ],
)
def test_what_a_training_does(function, key, words):
    found = explained(lambda args: outcome_of(perform(function, args)), find_exercise("vae_train").noisy)
    assert (found and found[0]) == key and words in (found or ("", ""))[1]
    assert found == explained(lambda args: outcome_of(perform(function, args)), find_exercise("vae_train").noisy)


def an_encoder(x, decoder, sizes, steps, rng):
    start = init_mlp([*sizes[:-1], 2 * sizes[-1]], rng)

    def minus_elbo(encoder, batch):
        rows, eps = batch
        return -anp.mean(elbo_of_q(decoder, rows, *encoder_forward(encoder, rows), eps[None]))

    return adam(minus_elbo, start, batches(x, sizes, steps, rng), steps, step_size=4e-3), start


@pytest.mark.parametrize("which, key", [(0, None), (1, "nothing moves")])
def test_what_the_training_of_an_encoder_alone_does(which, key):
    found = explained(
        lambda args: outcome_of(perform(lambda *args: an_encoder(*args)[which], args)),
        find_exercise("encoder_train").noisy,
    )
    assert (found and found[0]) == key
    assert not found or "your encoder is what it was after" in found[1]
