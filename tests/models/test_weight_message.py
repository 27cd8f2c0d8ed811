"""Labels and weights as a message: what comes out, what it weighs, and what comes back."""

import numpy as np
import pytest
from scipy.stats import norm

from course_utils.models import bayesian, coder, weight_message


@pytest.fixture(scope="module")
def problem():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 5)).astype(np.float32)
    y = np.argmax(x @ rng.normal(size=(5, 3)) + 0.3 * rng.normal(size=(400, 3)), axis=1)
    return x, y, bayesian.bayesian_train(x, y, [5, 4, 3], 800, np.random.default_rng(1))


@pytest.mark.whole
@pytest.mark.parametrize("lanes", [1, 7])
def test_labels_and_borrowed_bits_come_back(problem, lanes):
    x, y, network = problem
    pile = coder.random_message(np.random.default_rng(2), lanes, 100)
    sent = weight_message.send(pile, network, x, y)
    scales = weight_message.prior_scales(network)
    arrived = coder.message_of(coder.words_of(sent.message), lanes)
    labels, buckets, rest = weight_message.receive(arrived, scales, [5, 4, 3], x)
    np.testing.assert_array_equal(labels, y)
    back = weight_message.give_back(rest, buckets, network, scales)
    np.testing.assert_array_equal(coder.words_of(back), coder.words_of(pile))


@pytest.mark.slow
def test_on_average_the_message_grows_by_minus_the_bound(problem):
    x, y, network = problem
    bits = [
        weight_message.send(coder.random_message(np.random.default_rng(seed), 4, 100), network, x, y).bits
        for seed in range(60)
    ]
    expected = sum(bayesian.description_bits(network, x, y, np.random.default_rng(3), 200))
    assert abs(np.mean(bits) - expected) < 4 * np.std(bits) / np.sqrt(60) + 0.01 * expected


@pytest.mark.whole
def test_buckets_are_drawn_from_q(problem):
    _, _, network = problem
    scales = weight_message.prior_scales(network)
    tables = weight_message.posterior_tables(network, scales)
    shares = np.diff(tables, axis=1) / 2**32
    middles = shares @ weight_message.MIDDLES
    mu = np.concatenate([np.ravel(m) / tau for (m, _), tau in zip(network, scales)])
    np.testing.assert_allclose(middles, mu, atol=0.01)
    prior = np.diff(weight_message.prior_table()) / 2**32
    np.testing.assert_allclose(prior, np.diff(norm.cdf(weight_message.EDGES)), atol=2e-6)


def test_another_q_gives_rubble_in_place_of_the_borrowed_bits_but_the_labels_stay(problem):
    x, y, network = problem
    letter = bytes(np.random.default_rng(4).integers(0, 256, 301, dtype=np.uint8))
    pile = weight_message.pile_of(letter)
    assert weight_message.bytes_of(pile)[:301] == letter
    sent = weight_message.send(pile, network, x, y)
    scales = weight_message.prior_scales(network)
    labels, buckets, rest = weight_message.receive(sent.message, scales, [5, 4, 3], x)
    other = [(mu + 0.01, log_sigma) for mu, log_sigma in network]
    right, wrong = (
        weight_message.bytes_of(weight_message.give_back(rest, buckets, q, scales))[:301] for q in (network, other)
    )
    assert right == letter and wrong != letter and np.array_equal(labels, y)


@pytest.mark.parametrize("size", [101, 102, 103, 104])
def test_the_word_that_chooses_first_is_as_random_as_the_data(size):
    """Filled up with zeros, the top of the tail was below 2^24, a weight six deviations away."""
    piles = [np.random.default_rng(seed).bytes(size) for seed in range(60)]
    tops = [int(weight_message.pile_of(data).tail[0][-1]) for data in piles]
    assert abs(np.mean(tops) / 2**32 - 0.5) < 0.15 and min(tops) > 2**20
    for data in piles[:4]:
        assert weight_message.bytes_of(weight_message.pile_of(data))[:size] == data


def test_too_few_bits_to_choose_with_are_an_error(problem):
    x, y, network = problem
    with pytest.raises(coder.EmptyMessageError):
        weight_message.send(coder.empty(1), network, x, y)
    with pytest.raises(ValueError, match="at least 16 bytes"):
        weight_message.pile_of(b"short")


def test_tables_do_not_hang_on_last_digits(problem):
    x, _, network = problem
    weights = [np.asarray(mu, float) for mu, _ in network]
    one = weight_message.label_tables(weights, x)
    other = weight_message.label_tables([w * (1 + 1e-14) for w in weights], x)
    assert np.mean(one == other) == 1
