"""Melodies: tokens there and back, notes, probabilities against scipy, training; and the judges that stand apart."""

import itertools

import numpy as np
import pytest
from autograd import grad
from autograd.test_util import check_grads
from scipy import special

from course_utils.data import HOLD, REST, load_melodies
from course_utils.models import melody, melody_judge
from course_utils.models.conductor import outputs, shifted


def test_tokens_go_there_and_back_for_every_melody_in_every_key():
    x = load_melodies().x_train
    for shift in (-melody.SHIFT, 0, melody.SHIFT):
        moved = np.where(x >= 0, x + shift, x)
        tokens = melody.to_tokens(moved)
        assert tokens.min() == 0 and tokens.max() < melody.V
        np.testing.assert_array_equal(melody.to_melodies(tokens), moved)
    with pytest.raises(ValueError, match="expected pitches 50..93"):
        melody.to_tokens([[40]])


@pytest.mark.parametrize("T", [1, 2, 5])
def test_notes_of_every_melody_of_a_few_symbols(T):
    """All melodies of length T over two pitches, hold and rest, against a state machine."""
    for x in itertools.product((0, 7, HOLD, REST), repeat=T):
        sounding, found = None, []
        for t, value in enumerate(x):
            if value >= 0:
                found.append([t, 1, value])
                sounding = found[-1]
            elif value == REST:
                sounding = None
            elif sounding:
                sounding[1] += 1
        got = np.stack(melody.notes(np.array(x)), axis=1)
        np.testing.assert_array_equal(got.reshape(-1, 3), np.array(found, int).reshape(-1, 3))


def test_log_probabilities_are_scipys_also_for_huge_logits():
    rng = np.random.default_rng(0)
    logits, tokens = rng.normal(size=(4, 3, 5)) * 3, rng.integers(0, 5, (4, 3))
    for scale in (1, 500):
        expected = np.take_along_axis(special.log_softmax(scale * logits, axis=2), tokens[..., None], 2).sum(
            axis=(1, 2)
        )
        np.testing.assert_allclose(melody.categorical_log_prob(scale * logits, tokens), expected)
    total = [
        np.exp(melody.categorical_log_prob(logits[:1, :2], np.array([pair])))[0]
        for pair in itertools.product(range(5), repeat=2)
    ]
    assert sum(total) == pytest.approx(1)
    with pytest.raises(ValueError, match=r"logits \(N, T, V\)"):
        melody.categorical_log_prob(logits, tokens[0])


def test_its_gradient_is_that_of_finite_differences_and_float32_stays():
    rng = np.random.default_rng(0)
    logits, tokens = rng.normal(size=(2, 3, 4)), rng.integers(0, 4, (2, 3))
    check_grads(lambda logits: melody.categorical_log_prob(logits, tokens), modes=["rev"], order=1)(logits)
    single = grad(lambda a: np.float32(1) * melody.categorical_log_prob(a, tokens).sum())(logits.astype("f4"))
    assert single.dtype == np.float32


@pytest.fixture(scope="module")
def trained():
    x = load_melodies().x_train[:600]
    return melody.melody_train(x, 8, 130, np.random.default_rng(0), hidden=32, H=32, message=8, step_size=6e-3), x


@pytest.mark.slow
def test_training_lowers_the_loss_below_that_of_the_tokens_frequencies(trained):
    model, x = trained
    tokens = melody.to_tokens(x)
    frequencies = np.bincount(tokens.ravel(), minlength=melody.V) / tokens.size
    entropy = -np.sum(frequencies * np.log(np.maximum(frequencies, 1e-12))) * 32
    hot = melody.ONE_HOT[tokens.T]
    r, _ = melody.melody_terms(model, tokens, hot, np.zeros((600, 8), "f4"), shifted(hot))
    assert -r.mean() < entropy


@pytest.mark.slow
def test_greedy_decoding_is_feeding_back_what_came_out(trained):
    model, x = trained
    z = melody.melody_encode(model, x[:6])[0]
    made = melody.melody_decode(model, z)
    hot = melody.ONE_HOT[melody.to_tokens(made).T]
    logits = outputs(model["decoder"], z, shifted(hot))
    np.testing.assert_array_equal(melody.melody_logits(model, z, made), logits.transpose(1, 0, 2))
    np.testing.assert_array_equal(logits.argmax(axis=2).T, melody.to_tokens(made))
    cold = melody.melody_decode(model, z, rng=np.random.default_rng(0), tau=1e-6)
    np.testing.assert_array_equal(cold, made)


def test_the_ngrams_events_are_the_same_in_every_key():
    x = load_melodies().x_test[:50]
    np.testing.assert_array_equal(melody_judge.events(np.where(x >= 0, x + 3, x)), melody_judge.events(x))
    got = melody_judge.events(np.array([[60, HOLD, 64, REST, HOLD, 59]]))
    middle = 2 + melody_judge.LEAP
    np.testing.assert_array_equal(got, [[middle, 0, middle + 4, 1, 0, middle - 5]])


def test_the_ngram_model_is_a_distribution():
    """The probabilities of all events behind any beginning sum to 1: as pitches, with holds and rests."""
    model = melody_judge.ngram_fit(load_melodies().x_train[:800], 4)
    for start in load_melodies().x_test[:5, :7]:
        last = start[start >= 0][-1]
        nexts = [HOLD, REST, *range(last - melody_judge.LEAP, last + melody_judge.LEAP + 1)]
        whole = melody_judge.ngram_log_prob(model, np.array([[*start, value] for value in nexts]))
        before = melody_judge.ngram_log_prob(model, start[None])
        assert np.exp(whole - before).sum() == pytest.approx(1)


def test_the_ngram_model_is_that_of_counts_by_hand():
    x = load_melodies().x_train[:40]
    model, e = melody_judge.ngram_fit(x, 2), melody_judge.events(x)
    total = 0.0
    for t in range(32):
        p = 1 / melody_judge.EVENTS
        for same in (
            [(n, s) for n in range(40) for s in range(t % 4, 32, 4)],
            [
                (n, s)
                for n in range(40)
                for s in range(t % 4, 32, 4)
                if (s and t and e[n, s - 1] == e[7, t - 1]) or s == t == 0
            ],
        ):
            followers = [e[n, s] for n, s in same]
            d = len(set(followers))
            p = (followers.count(e[7, t]) + d * p) / (len(followers) + d)
        total += np.log(p)
    assert melody_judge.ngram_log_prob(model, x[7:8])[0] == pytest.approx(total)


def test_the_judge_prefers_real_melodies_to_shuffled_ones():
    tunes = load_melodies()
    model = melody_judge.ngram_fit(tunes.x_train)
    shuffled = np.random.default_rng(0).permuted(tunes.x_test, axis=1)
    assert melody_judge.ngram_log_prob(model, tunes.x_test).mean() > (
        melody_judge.ngram_log_prob(model, shuffled).mean() + 32
    )


def test_keys_onsets_and_mixtures():
    scale = np.array([60, 62, 64, 65, 67, 69, 71, 72])
    assert melody_judge.share_in_key(scale + 5) == 1
    assert melody_judge.share_in_key(np.arange(60, 72)) == pytest.approx(7 / 12)
    assert np.isnan(melody_judge.share_in_key(np.array([REST, HOLD])))
    a, b = np.array([[60, HOLD, REST, 70]]), np.array([[64, 66, HOLD, HOLD]])
    np.testing.assert_array_equal(melody_judge.onsets(a), [2])
    np.testing.assert_array_equal(melody_judge.mean_pitch(a, b), [[62, 63, HOLD, 68]])
    mixed = melody_judge.random_mix(np.repeat(a, 200, 0), np.repeat(b, 200, 0), np.random.default_rng(0))
    assert ((mixed == a) | (mixed == b)).all() and 0.4 < np.mean(mixed[:, 0] == 60) < 0.6
