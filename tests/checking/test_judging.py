"""What a report says about answers that are wrong in mechanical ways."""

import dataclasses
import math
import os
import re
import sys
import time

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from autograd.extend import defvjp, primitive

from course_utils.checking import examine
from course_utils.checking.calling import Outcome
from course_utils.checking.judging import case_seed, describe, judge, shape_advice
from course_utils.exercises import all_exercises
from course_utils.exercises.model import Exercise
from course_utils.exercises.nb01_pca_linear_autoencoder import compare_components
from course_utils.networks.nets import mlp

RIGHT = {name: e.library_answer() for name, e in all_exercises().items()}
encode, variance, gradients = RIGHT["pca_encode"], RIGHT["projected_variance"], RIGHT["linear_ae_gradients"]


def report(function, name):
    return examine(function, name=name)


def raises(*args):
    raise ValueError("my own words")


def overwrites(x, mean, components):
    x -= mean
    return x @ components.T


class EqualsAll(np.ndarray):
    def __eq__(self, other):
        return np.ones(self.shape, bool)

    __ne__ = __lt__ = __gt__ = __le__ = __ge__ = __eq__


@pytest.mark.parametrize(
    "name, function, kind, words, key",
    [  # without a key: what no explanation is found for
        (*row, None)[:5]
        for row in [
            ("pca_encode", 3, "not callable", "'int', not a function"),
            ("pca_encode", raises, "raised", "raised an error"),
            ("pca_encode", lambda x, mean: x, "raised", "raised an error"),
            ("pca_encode", lambda *a: None, "type", "returns None"),
            ("pca_encode", lambda *a: "codes", "type", "a string"),
            ("pca_encode", lambda *a: object(), "type", "object"),
            ("pca_encode", lambda *a: np.array([["a"]]), "type", "expected"),
            ("pca_encode", lambda *a: encode(*a).astype(object), "type", "dtype object"),
            ("pca_encode", lambda *a: encode(*a) + 0j, "type", "complex"),
            ("pca_encode", lambda *a: [[1, 2], [3]], "type", "a list"),
            ("pca_encode", lambda *a: {"z": encode(*a)}, "type", "a dict"),
            ("pca_encode", lambda *a: (encode(*a), 1), "type", "a tuple of 2"),
            ("pca_encode", lambda *a: encode(*a).T, "shape", "transposed", "result: transposed"),
            ("pca_encode", lambda *a: encode(*a)[..., None], "shape", "length 1", "result: column"),
            (
                "pca_encode",
                lambda *a: encode(*a).sum(axis=1),
                "shape",
                "over its second axis",
                "result: summed over axis 1",
            ),
            ("pca_encode", lambda *a: encode(*a)[:, :1] * np.ones(5), "shape", "has shape (9, 5)"),
            ("pca_encode", lambda *a: encode(*a) * np.nan, "not finite", "nan"),
            ("pca_encode", lambda *a: encode(*a) / 0, "not finite", "where a finite number is expected"),
            ("pca_encode", lambda *a: -encode(*a), "values", "wrong sign", "result: times -1"),
            ("pca_encode", lambda *a: 3 * encode(*a), "values", "3 times what it should be"),
            ("pca_encode", lambda *a: encode(*a) + 0.1, "values", "same amount"),
            ("pca_encode", lambda *a: encode(*a) + np.eye(*encode(*a).shape), "values", "the worst is at index"),
            ("pca_encode", lambda *a: np.zeros_like(encode(*a)).view(EqualsAll), "values", "is 0", "nothing is used"),
            ("pca_encode", overwrites, "changed inputs", "overwrites its arguments"),
            (
                "projected_variance",
                lambda *a: [variance(*a)],
                "shape",
                "return the number itself",
                "result: in an array",
            ),
            ("projected_variance", lambda *a: -variance(*a), "values", "wrong sign", "result: times -1"),
            ("projected_variance", lambda *a: 2 * variance(*a), "values", "twice", "result: times 2"),
            ("projected_variance", lambda *a: 1.234 * variance(*a), "values", "off"),
            ("linear_ae_gradients", lambda *a: gradients(*a)[0], "type", "first of the results", "results: only 0"),
            ("linear_ae_gradients", lambda *a: (gradients(*a)[0], None), "type", "second result"),
            (
                "linear_ae_gradients",
                lambda *a: (gradients(*a)[0], gradients(*a)[1] + 1),
                "values",
                "second result",
                "In the second result: result: plus one",
            ),
        ]
    ],
)
def test_the_report_says_what_is_off(name, function, kind, words, key):
    result = report(function, name)
    assert (result.passed, result.points, result.kind, result.misconception) == (False, 0, kind, key), result
    assert words in result.advice
    assert words in str(result) and result.headline in str(result)


@pytest.mark.parametrize(
    "function",
    [
        lambda *a: encode(*a).tolist(),
        lambda *a: list(encode(*a)),
        lambda *a: encode(*a).astype("f4"),
        lambda *a: tuple(map(tuple, encode(*a))),
        lambda *a: np.asfortranarray(encode(*a)),
        lambda *a: np.ma.masked_array(encode(*a)),
        lambda *a: print("hello" * 10**6) or encode(*a),
    ],
)
def test_equivalent_answers_pass(function):
    assert report(function, "pca_encode").passed


def test_not_started_is_its_own_kind():
    def stub(*args):
        raise NotImplementedError("your answer goes here")

    result = report(stub, "pca_fit")
    assert result.kind == "not started" and "NotImplementedError" in result.advice and result.headline.startswith("○")


def test_a_step_without_a_rule_is_no_stub():
    """Autograd, too, raises NotImplementedError where a primitive has no rule: that answer has been started."""

    def without_rules(f, mu, log_sigma, draw):
        sample = primitive(lambda mu, log_sigma: draw(mu, np.exp(log_sigma)))
        return grad(lambda *q: anp.sum(f(sample(*q))), (0, 1))(mu, log_sigma)

    result = report(without_rules, "sample_gradients")
    assert result.kind == "raised" and "defvjp" in result.advice and "VJP of" in result.detail


@pytest.mark.parametrize("at_once", [True, False])
def test_a_rule_that_draws_the_sample_again_is_told_so(at_once):
    """With a real generator its gradient by log_sigma would be right nowhere, not even on average."""

    def draws_again(f, mu, log_sigma, draw):
        sample = primitive(draw)
        defvjp(sample, lambda z, m, s: lambda g: g, lambda z, m, s: lambda g: g * (draw(m, s) - m) / s)
        both = grad(lambda m, l: anp.sum(f(sample(m, anp.exp(l)))), (0, 1))
        return both(mu, log_sigma) if at_once else [both(mu, log_sigma)[i] for i in (0, 1)]

    result = report(draws_again, "sample_gradients")
    assert result.points == 0 and ("The second rule draws again" in result.advice) >= at_once


def test_an_error_comes_with_its_text_and_line():
    result = report(raises, "pca_encode")
    assert "ValueError: my own words" in result.detail and 'raise ValueError("my own words")' in result.detail


def test_an_answer_that_fails_only_on_special_inputs_is_told_so():
    def naive(a):  # right unless exp overflows or underflows, and not the misconception's value there
        with np.errstate(all="ignore"):
            value = np.log(np.mean(np.exp(a)))
        return value if np.isfinite(value) else 0.0

    result = report(naive, "log_mean_exp")
    assert "right on ordinary inputs, but not for entries near 2000" in result.advice


@pytest.mark.whole
def test_overwriting_is_named_beside_wrong_values_and_excuses_no_accusation():
    def decode_in_place(z, mean, components):
        mean += 1
        return z @ components + mean

    assert report(decode_in_place, "pca_decode").advice.endswith("overwrites its arguments; is that why?")

    def train_in_place(x, K, steps, rng):
        x -= x.mean(axis=0)
        return RIGHT["linear_ae_train"](x + 0, K, steps, rng)

    result = report(train_in_place, "linear_ae_train")
    assert result.kind == "changed inputs" and result.misconception is None


@pytest.mark.slow
@pytest.mark.parametrize("name", all_exercises())
def test_praise_for_ordinary_inputs_is_earned(name):
    for answer in (raises, lambda *args: None, lambda *args: args[0]):
        assert "right on ordinary" not in report(answer, name).advice


def test_an_answer_that_raises_on_special_inputs_only_is_told_so():
    def without_numpy(decoder, z):
        return [[1 / (1 + math.exp(-logit)) for logit in row] for row in mlp(decoder, z)]

    advice = report(without_numpy, "vae_generate").advice
    assert advice == "Your function is right on ordinary inputs, but raised an error with logits near 1000 in size."


def test_a_result_inside_results_is_named_once():
    result = report(
        lambda x, sizes, steps, rng: (([np.zeros((2, 2)), np.zeros(2)],) * 3, ([1.0, 2.0],) * 3), "vae_train"
    )
    assert result.advice.count("In the first result") <= 1


@pytest.mark.skipif(sys.platform != "linux", reason="answers are forked on Linux only")
@pytest.mark.parametrize("function, kind", [(lambda *a: os._exit(0), "died"), (lambda *a: sys.exit(), "raised")])
def test_an_answer_that_exits_is_a_report(function, kind):
    assert report(function, "pca_encode").kind == kind


@pytest.mark.slow
def test_an_endless_answer_is_stopped(monkeypatch):
    monkeypatch.setattr(Exercise, "seconds", property(lambda self: 1))

    def endless(*args):
        while True:
            pass

    result = report(endless, "pca_encode")
    assert result.kind == "timeout" and re.match("No answer after (1 CPU|5) seconds", result.advice)


def test_the_time_limits_are_those_that_the_course_promises():
    assert {e.seconds for e in all_exercises().values()} == {10, 60}
    assert all(e.seconds == (60 if e.trains else 10) for e in all_exercises().values())


def test_hidden_values_are_never_printed():
    x = np.array([[123.456]])
    result = report(lambda *a: encode(*a) + 123.456, "pca_encode")
    assert "123" not in str(result) and x.size


@pytest.mark.parametrize(
    "expected, got, words",
    [
        ((8,), (7,), "has shape (7,). Expected is (8,), which is (N,). One is missing: the first or the last?"),
        ((8,), (9,), "There is one too many."),
        ((8,), (5,), "has shape (5,), which is (D,). Expected is (8,), which is (N,). Is the right axis summed or"),
        ((8,), (), "The result is one number. Expected is (8,), which is (N,). Is an axis summed or averaged over"),
        ((8,), (8, 5), "has shape (8, 5), which is (N, D). Expected is (8,), which is (N,). Is an axis left over"),
        ((8,), (8, 1), "axis of length 1"),
        ((), (1,), "the number itself"),
        ((), (5,), "has shape (5,), which is (D,). Expected is one number."),
        ((8, 2), (2, 8), "transposed"),
        ((8,), (3,), "The result has shape (3,). Expected is (8,), which is (N,)."),
    ],
)
def test_shape_advice_speaks_in_the_letters_of_the_card_and_accuses_no_argument(expected, got, words):
    advice = shape_advice(expected, got, (np.zeros((8, 5)),), ["x"])
    assert words in advice and "()" not in advice and "`x`" not in advice, advice


def test_nothing_is_said_of_sums_where_there_are_none():
    """The singular values of a product of bases: nothing was summed, and A has nothing to do with it."""
    advice = report(lambda A, B: np.linalg.svd(A.T @ B, compute_uv=False) ** 0.3, "subspace_angle").advice
    assert "Expected is one number." in advice and "`A`" not in advice


def test_a_batch_mean_is_called_a_mean():
    advice = report(lambda mu, s: RIGHT["kl_standard_normal"](mu, s).mean(), "kl_standard_normal").advice
    assert advice == "All entries of the result are averaged to one number."


def test_a_factor_that_is_the_number_of_examples_is_called_so():
    advice = report(lambda x, y: RIGHT["squared_error"](x, y) * len(x), "squared_error").advice
    assert "multiplied by N, the number of examples" in advice and "6" not in advice


def test_zero_components_are_like_no_others():
    x = np.random.default_rng(0).normal(size=(20, 4))
    mean, components = RIGHT["pca_fit"](x, 2)
    assert compare_components((mean, components), (mean, -components), (x, 2)) is None
    assert compare_components((mean, 0 * components), (mean, components), (x, 2)) is not None
    assert compare_components((mean, 2 * components), (mean, 0 * components), (x, 2)) is not None


def test_keys_and_names_of_any_length_cost_nothing_and_are_cut():
    long = "1" * 60_000
    for value in ({long: 1}, {f"{long[:50]}{i}": i for i in range(15_000)}, type(long, (), {})()):
        started = time.process_time()
        result = report(lambda *a, value=value: value, "pca_encode")
        assert result.kind == "type" and len(result.advice) < 1_500 and time.process_time() - started < 1


def test_a_name_that_is_no_unicode_draws_inputs_of_its_own():
    exercise = all_exercises()["pca_encode"]
    seeds = {case_seed(exercise, 1, name) for name in ("M\udcfcller", "Müller", "M\ud800ller", "Mller")}
    assert len(seeds) == 4


def test_a_result_that_a_comparison_trips_over_is_wrong():
    def trips(*_):
        raise np.linalg.LinAlgError("did not converge")

    exercise = dataclasses.replace(all_exercises()["pca_encode"], compare=trips, diagnose=trips)
    call = lambda args, deadline: Outcome("value", encode(*args))  # noqa: E731
    result = judge(exercise, call, 0)
    assert (result.kind, result.points) == ("values", 0) and "cannot be compared (LinAlgError)" in result.advice
    with pytest.raises(np.linalg.LinAlgError):  # a fault of ours is no fault of the answer's
        judge(dataclasses.replace(exercise, oracle=trips), call, 0)


def test_flattened_axes_are_told_from_summed_ones():
    assert "flattened" in shape_advice((4, 3, 2), (4, 6), (), [])
    assert "summed" in shape_advice((4, 3, 2), (4, 3), (), [])


def test_networks_are_described_by_their_layers():
    layer = (np.ones((3, 2)), np.ones(2))
    assert describe([layer]) == "a network of 1 layer" and describe([layer, layer]) == "a network of 2 layers"
    assert describe([1.0, 2.0]) == "a list of 2 (one number, one number)"


def times_precision(state, start, freq, precision):
    return state // freq * precision + start + state % freq


def test_whole_numbers_beyond_64_bits_are_compared_and_hide_no_explanation():
    exercise = all_exercises()["ans_push"]
    cases = exercise.cases(np.random.default_rng(0))
    assert any(case.args[0] > 2**600 for case in cases)
    assert "multiplied by precision, and not by 2^precision" in report(times_precision, "ans_push").advice
    off_by_one_there = report(lambda s, *a: RIGHT["ans_push"](s, *a) + (s > 2**600), "ans_push")
    assert not off_by_one_there.passed and "not for a state of 700 bits" in off_by_one_there.advice
