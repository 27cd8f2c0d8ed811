"""The coder in words of 32 bits: against the coder on one number, against the entropy, and its inverse."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils.models import coder, coding


def some_symbols(rng, T, V):
    p = rng.dirichlet(np.full(V, 0.5), size=T)
    return p, np.array([rng.choice(V, p=row) for row in p])


@pytest.mark.parametrize("lanes", [1, 7, 32])
@pytest.mark.parametrize("precision", [8, 16, 31, 32])
def test_what_is_pushed_is_popped_and_costs_its_information(lanes, precision):
    rng = np.random.default_rng(lanes)
    p, symbols = some_symbols(rng, 1001, 10)
    starts = coder.starts_of_probabilities(p, precision)
    before = coder.random_message(rng, lanes, 5)
    message = coder.push_symbols(before, symbols, starts, precision)
    back, rest = coder.pop_symbols(message, 1001, starts, precision)
    np.testing.assert_array_equal(back, symbols)
    np.testing.assert_array_equal(coder.words_of(rest), coder.words_of(before))
    freqs = np.diff(starts, axis=1)[np.arange(1001), symbols]
    loss = 1e-3 if precision > 30 else 1e-5  # a head of 33 bits is cut coarsely by frequencies of 30
    information = 1001 * precision - np.log2(freqs).sum()
    assert coder.length(message) - coder.length(before) == pytest.approx(information, abs=0.1 * lanes, rel=loss)


@pytest.mark.whole
@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(0, 2**31))
def test_a_push_undoes_a_pop(seed, precision, head):
    """Bits back rests on it: what is popped with any table from any message can be put back."""
    rng = np.random.default_rng(seed)
    message = coder.Message(np.array([2**32 + head, 2**63 + 7 * head], np.uint64), (np.arange(9, dtype=np.uint32), ()))
    starts = coder.starts_of_probabilities(rng.dirichlet(np.ones(2)), precision)
    symbols, shorter = coder.pop_symbols(message, 8, starts, precision)
    np.testing.assert_array_equal(
        coder.words_of(coder.push_symbols(shorter, symbols, starts, precision)), coder.words_of(message)
    )


def test_one_lane_does_what_one_number_does():
    """The tail's words and the head, put together from the bottom, are the state of `coding`, as long as no head
    has spilled; later they are as long to a part of a bit."""
    rng = np.random.default_rng(3)
    p, symbols = some_symbols(rng, 300, 5)
    message, state = coder.empty(), 1 << 32
    for row, symbol in zip(p, symbols):
        starts = coding.quantise(row, 12)
        message = coder.push_symbols(message, [symbol], np.array(starts), 12)
        state = coding.push_symbol(state, int(symbol), starts, 12)
        if not message.tail:
            assert int(message.heads[0]) == state
    assert message.tail and abs(coder.length(message) - (np.log2(float(state >> 100)) + 100 - 32)) < 0.01


def test_messages_are_not_changed():
    message = coder.random_message(np.random.default_rng(0), 3, 4)
    words = coder.words_of(message).copy()
    starts = coder.starts_of_probabilities(np.full(4, 0.25), 8)
    coder.push_symbols(message, np.arange(4).repeat(9), starts, 8)
    coder.pop_symbols(message, 20, starts, 8)
    np.testing.assert_array_equal(coder.words_of(message), words)


def test_words_and_back():
    message = coder.random_message(np.random.default_rng(1), 4, 6)
    words = coder.words_of(message)
    assert words.dtype == np.uint32 and len(words) == 6 + 2 * 4
    np.testing.assert_array_equal(coder.words_of(coder.message_of(words, 4)), words)


def test_a_certain_symbol_costs_nothing():
    message = coder.random_message(np.random.default_rng(2), 2, 0)
    pushed = coder.push_symbols(message, np.zeros(50, int), [0, 1 << 16], 16)
    np.testing.assert_array_equal(coder.words_of(pushed), coder.words_of(message))


@pytest.mark.parametrize(
    "call, error, says",
    [
        (lambda m: coder.pop_symbols(m, 500, [0, 1, 256], 8), coder.EmptyMessageError, "come to its end"),
        (lambda m: coder.push(m, [0, 0, 0], [1, 1, 1], 8), ValueError, "at most 2 symbols"),
        (lambda m: coder.push(m, [0], [0], 8), ValueError, "at least 1"),
        (lambda m: coder.push(m, [255], [2], 8), ValueError, "within 2.precision"),
        (lambda m: coder.push(m, [0], [1], 33), ValueError, "precision of 1 to 32"),
        (lambda m: coder.message_of(np.zeros(3, np.uint32), 2), coder.EmptyMessageError, "too few"),
        (lambda m: coder.message_of(np.zeros(4, np.uint32), 2), coder.EmptyMessageError, "no message"),
        (lambda m: coder.empty(0), ValueError, "one lane or more"),
        (lambda m: coder.starts_of_probabilities([[0.5, 0.6]], 8), ValueError, "add up to 1"),
    ],
)
def test_what_does_not_fit_is_refused(call, error, says):
    with pytest.raises(error, match=says):
        call(coder.empty(2))
