"""The search for what explains a wrong answer: each sort of explanation, and what must not be called one."""

import os
import re
import sys
from dataclasses import replace

import numpy as np
import pytest
from scipy import special

from course_utils.checking import examine, judging
from course_utils.checking import steps as stepwise
from course_utils.checking.calling import outcome_of, perform, perform_all
from course_utils.checking.candidates import known, of_the_arguments, of_the_result, of_the_steps
from course_utils.checking.judging import case_seed
from course_utils.checking.repairs import source_of
from course_utils.checking.rows import Row, bits, identical, may_be, parts, probe_of, same
from course_utils.checking.search import Search
from course_utils.checking.wording import sentence
from course_utils.exercises import all_exercises, find_exercise
from course_utils.exercises.model import Misconception
from course_utils.exercises.stand_ins import resolve
from course_utils.networks.nets import mlp

EXERCISES = {name: exercise for name, exercise in all_exercises().items() if not exercise.trains}


def kl(variance=lambda s: np.exp(2 * s), square=np.square, one=1.0, log=lambda s: 2 * s, half=0.5, axis=1):
    def kl_standard_normal(mu, log_sigma):
        return half * np.sum(variance(log_sigma) + square(mu) - one - log(log_sigma), axis=axis)

    return kl_standard_normal


def summed_without_prior(encoder, decoder, x, eps):
    mu, log_sigma = RIGHT["encoder_forward"](encoder, x)
    log_p = RIGHT["bernoulli_log_prob"](x, mlp(decoder, mu + np.exp(log_sigma) * eps))
    log_q = -0.5 * eps**2 - 0.5 * np.log(2 * np.pi) - log_sigma
    return special.logsumexp(log_p - log_q.sum(axis=-1), axis=0)


RIGHT = {name: exercise.library_answer() for name, exercise in EXERCISES.items()}
posterior, ledger, encode = RIGHT["linear_posterior"], RIGHT["gap_ledger"], RIGHT["encoder_forward"]
WRONG = [
    # steps
    (
        "kl_standard_normal",
        kl(square=lambda m: m**3),
        "the square of mu: a cube",
        "A cube stands where the square of mu",
    ),
    ("kl_standard_normal", kl(one=-1.0), "the 1 of each dimension: sign", "has the wrong sign"),
    ("kl_standard_normal", kl(axis=0), "the latent dimensions: other", "a sum over the latent dimensions is meant"),
    ("kl_standard_normal", kl(square=lambda m: 0 * m), "mu^2: left out", "mu^2 is left out"),
    # arguments
    ("kl_standard_normal", lambda mu, s: kl()(mu, s**2), "`log_sigma`: squared", "`log_sigma` is squared"),
    (
        "pathwise_gradient",
        lambda df, mu, sigma, eps: RIGHT["pathwise_gradient"](df, sigma, mu, eps),
        "`mu` and `sigma` exchanged",
        "are exchanged",
    ),
    (
        "analogy",
        lambda e, d, x, y, n, C: RIGHT["analogy"](e, d, x, (y + 1) % C, (n + 1) % C, C),
        "labels +1, round",
        "count from 0",
    ),
    ("jensen_gap", lambda h, x, w: RIGHT["jensen_gap"](np.log, x, w), "`h`: the logarithm", "is always applied"),
    # two steps that are combined otherwise
    (
        "kl_gaussians",
        lambda m, s, n, t: np.sum(s * t + 0.5 * (np.exp(2 * s) + (m - n) ** 2) / np.exp(2 * t) - 0.5, axis=1),
        "log sigma_p times log sigma_q",
        "log sigma_p is multiplied with log sigma_q",
    ),
    (
        "elbo_linear_gaussian",
        lambda x, W, b, eta, m, s: (
            -x.shape[1] / 2 * np.log(2 * np.pi + eta)
            - RIGHT["expected_squared_error"](x, W, b, m, s) / (2 * eta)
            - kl()(m, s)
        ),
        "2 pi inside the logarithm plus eta inside the logarithm",
        "are added, where they are to be multiplied",
    ),
    # relations
    ("vae_generate", lambda d, z: RIGHT["vae_generate"](d, z)[-1:], "result: last row", "only the last row"),
    (
        "pca_decode",
        lambda z, mean, c: np.clip(RIGHT["pca_decode"](z, mean, c), 0, 1),
        "result: clipped to 1",
        "clipped to [0, 1]",
    ),
    (
        "pca_encode",
        lambda x, mean, c: RIGHT["pca_encode"](x, mean, c) * (np.arange(len(c)) > 0),
        "result: first column 0",
        "does a loop start at 1",
    ),
    ("vae_generate", lambda d, z: 1 / RIGHT["vae_generate"](d, z), "result: reciprocal", "upside down"),
    ("iwae_bound", lambda w: RIGHT["iwae_bound"](w) + len(w), "result: plus S", "too large by S"),
    ("em_e_step", lambda *a: RIGHT["em_e_step"](*a).T, "result: transposed", "transposed"),
    # other quantities
    ("elbo_on_grid", RIGHT["gap_on_grid"], "this is the gap", "This is the gap log p(x) - F"),
    (
        "mixture_elbo",
        lambda x, r, *a: -special.xlogy(r, r).sum(axis=1),
        "entropy",
        "entropy of the responsibilities alone",
    ),
    # what is not finite, or next to 0
    (
        "kl_to_point_mass",
        lambda mu, s: np.full(len(s), np.inf),
        "this is the limit",
        "above 0 the divergence is finite",
    ),
    (
        "kl_categorical",
        lambda q, p: np.inf if (p == 0).any() else RIGHT["kl_categorical"](q, p),
        "always infinite",
        "not where q and p are zero at the same place",
    ),
    (
        "gap_ledger",
        lambda p, b, e: {"approximation": np.exp(p) - np.exp(b), "amortization": np.exp(b) - np.exp(e)},
        "probabilities are subtracted",
        "differences of the logarithms",
    ),
    # several results
    (
        "linear_posterior",
        lambda *a: posterior(*a)[::-1],
        "results: order",
        "another order than mu (N, K), covariance (K, K)",
    ),
    ("linear_posterior", lambda *a: posterior(*a)[0], "results: only 0", "only the first of the results"),
    (
        "encoder_forward",
        lambda *a: (2 * encode(*a)[0], -encode(*a)[1]),
        "In the first result: result: times 2 | In the second result: result: times -1",
        "In the second result: it has the wrong sign",
    ),
    (
        "gap_ledger",
        lambda *a: ledger(*a) | {"amortization": -ledger(*a)["amortization"]},
        "Under 'amortization': result: times -1",
        "Under 'amortization': it has the wrong sign.",
    ),
    # a function and a reduction in the other order
    (
        "best_prior_scale",
        lambda mu, s: np.mean(np.sqrt(mu**2 + np.exp(2 * s))),
        "the root: before the weights",
        "The root is taken before the mean over the weights, where it belongs after it.",
    ),
    (
        "sigma_bar",
        lambda z_bar, eps: np.tile(np.mean(z_bar * eps, axis=0), (len(eps), 1)),
        "result: mean for all over axis 0",
        "the same for all",
    ),
    # two things
    (
        "vae_log_likelihood",
        lambda *args: summed_without_prior(*args),
        "log p(z): left out & result: plus log S",
        "Two things: log p(z) is left out",
    ),
    ("kl_standard_normal", kl(square=lambda m: m / 2, half=1.0, one=0.5), None, None),
    ("kl_standard_normal", kl(one=0.0, half=1.0), "&", "Two things: "),
]


@pytest.mark.parametrize("name, function, key, words", WRONG)
def test_what_is_found(name, function, key, words):
    report = examine(function, name=name)
    assert not report.passed and report.points == 0
    if key is None:
        assert report.misconception is None or report.misconception in EXERCISES[name].misconceptions
    else:
        assert key in report.misconception and words.lower() in report.advice.lower(), report


def test_an_axis_that_stays_is_no_explanation_where_the_shape_is_right():
    def vae_elbo(encoder, decoder, x, eps):
        mu, log_sigma = RIGHT["encoder_forward"](encoder, x)
        logits = mlp(decoder, mu + np.exp(log_sigma) * eps)
        return np.mean(RIGHT["bernoulli_log_prob"](x, logits), axis=0) - kl()(mu, log_sigma)

    report = examine(vae_elbo, name="vae_elbo")
    assert "where that axis is the examples" in report.advice and "kept" not in report.misconception


def test_an_encoder_of_two_layers_is_told_of_those_between():
    report = examine(lambda params, x: encode([params[0], params[-1]], x), name="encoder_forward")
    assert "only the first and the last layer" in report.advice.lower()


@pytest.mark.slow
def test_the_same_answer_gets_the_same_report_and_another_seed_the_same_explanation():
    for name, function, _, _ in WRONG[:6]:
        one, two, other = (examine(function, name=name, seed=seed) for seed in (0, 0, 1))
        assert one == two and one.misconception == other.misconception


def in_process(function, name, seed=0):
    """The report without a fork, and how often the answer was called."""
    calls = []

    def call(args, deadline, variants=()):
        calls.append(args)
        reply = perform_all(function, variants, args) if variants else perform(function, args)
        return outcome_of(reply)

    return judging.judge(EXERCISES[name], call, seed), calls


def test_what_fits_one_draw_alone_is_no_explanation():
    """An answer that is the negative on the inputs of the first draw and something else on all others."""
    first = {
        case.args[0].tobytes()
        for case in EXERCISES["iwae_bound"].cases(np.random.default_rng(case_seed(EXERCISES["iwae_bound"], 0)))
    }

    def iwae_bound(log_w):
        right = RIGHT["iwae_bound"](log_w)
        return -right if log_w.tobytes() in first else right**3 + 0.1

    assert in_process(lambda w: -RIGHT["iwae_bound"](w), "iwae_bound")[0].misconception == "result: times -1"
    assert in_process(iwae_bound, "iwae_bound")[0].misconception is None


def test_ordinary_cases_decide_whatever_special_ones_say():
    """log sigma is halved, but for tiny sigma the answer does something of its own: the cause is named all the same."""

    def kl_standard_normal(mu, log_sigma):
        return kl(square=lambda m: m**3)(mu, log_sigma) if log_sigma.min() > -20 else np.zeros(len(mu))

    assert examine(kl_standard_normal).misconception.startswith("the square of mu")


def test_what_draws_is_new_for_every_candidate():
    """`draw` goes on from call to call; a second candidate that used the first one's would fit nothing."""

    def sample_gradients(f, mu, log_sigma, draw):
        by_mu, by_log_sigma = RIGHT["sample_gradients"](f, mu, log_sigma, draw)
        return by_mu / mu.size, by_log_sigma / mu.size

    assert "of the mean of f, and not of its sum" in examine(sample_gradients).misconception


def test_samples_that_are_averaged_too_early_are_known_where_only_special_cases_have_several():
    def vae_elbo(encoder, decoder, x, eps):
        return RIGHT["vae_elbo"](encoder, decoder, x, eps if eps.ndim == 2 else eps.mean(axis=0))

    report = examine(vae_elbo)
    assert report.misconception == "`eps`: mean sample" and "right on ordinary inputs" in report.advice


def test_an_argument_that_the_source_lacks_explains_more_than_what_each_result_lacks():
    """Both results are K times off in their own ways; one cause is said, where there is one."""

    def point_mass_limit(widths, nats, K):
        return -np.log(widths / np.sqrt(2 * np.pi)), np.sqrt(2 * np.pi) * np.exp(-nats)

    exercise = replace(EXERCISES["point_mass_limit"], others={})
    reports = [
        judging.judge(
            exercise, lambda args, seconds, **more: outcome_of(perform(point_mass_limit, args)), 0, source=source
        )
        for source in (source_of(point_mass_limit), None)
    ]
    assert reports[0].misconception == "not used: K" and "does not occur in your function" in reports[0].advice
    assert " | " in reports[1].misconception


@pytest.mark.parametrize("small", [1e-12, 1e-9, 1e-8])
def test_a_small_number_before_the_logarithm_is_known_by_what_the_impossible_costs(small):
    def losses(real, fake):
        D, G = special.expit(real), special.expit(fake)
        return -np.mean(np.log(D + small)) - np.mean(np.log(1 - G + small)), -np.mean(np.log(G + small))

    assert examine(losses, name="gan_losses").misconception == "small number in the logarithm"
    other = examine(
        lambda real, fake: tuple(np.minimum(v, 30.0) for v in RIGHT["gan_losses"](real, fake)), name="gan_losses"
    )
    assert not other.passed and other.misconception != "small number in the logarithm"


@pytest.mark.parametrize("small", [1e-15, 1e-12, 1e-9, 1e-8])
def test_clipped_probabilities_are_known_by_the_special_cases(small):
    def bernoulli_log_prob(x, logits):
        p = np.clip(special.expit(logits), small, 1 - small)
        return np.sum(x * np.log(p) + (1 - x) * np.log(1 - p), axis=1)

    report = examine(bernoulli_log_prob)
    assert "right on ordinary inputs, but not for logits near" in report.advice and "clipped" in report.advice, report


def test_a_small_number_inside_the_logarithm_of_the_bound_is_known():
    def vae_elbo(encoder, decoder, x, eps):
        mlp, kl_term = RIGHT["mlp_forward"], RIGHT["kl_standard_normal"]
        h = mlp(encoder, x, np.tanh)
        mu, log_sigma = np.split(h, 2, axis=1)
        p = special.expit(mlp(decoder, mu + np.exp(log_sigma) * eps, np.tanh))
        log_p = np.sum(x * np.log(p + 1e-8) + (1 - x) * np.log(1 - p + 1e-8), axis=-1)
        return (log_p if log_p.ndim == 1 else log_p.mean(axis=0)) - kl_term(mu, log_sigma)

    assert "A small number is added" in examine(vae_elbo).advice


@pytest.mark.whole
def test_a_search_tries_a_limited_number_of_candidates(monkeypatch):
    tried = []
    fits = Search.fits
    monkeypatch.setattr(Search, "fits", lambda self, candidate: tried.append(self.left) or fits(self, candidate))
    for name in ("kl_gaussians", "cvae_elbo"):
        tried.clear()
        assert in_process(lambda *args, name=name: np.sin(17 * RIGHT[name](*args)), name)[0].misconception is None
        assert len(tried) > 500 and min(tried) >= 0


@pytest.mark.skipif(sys.platform != "linux", reason="answers are forked on Linux only")
def test_an_explanation_costs_no_fork(monkeypatch):
    forks, fork = [], os.fork
    monkeypatch.setattr(os, "fork", lambda: forks.append(1) or fork())
    assert examine(kl(square=lambda m: m**3)).misconception and len(forks) == 1


def test_right_answers_are_called_once_for_each_case_and_never_searched(monkeypatch):
    monkeypatch.setattr(judging, "explained", lambda *args: pytest.fail("a right answer was searched"))
    report, calls = in_process(RIGHT["kl_gaussians"], "kl_gaussians")
    assert report.passed and len(calls) == len(EXERCISES["kl_gaussians"].cases(np.random.default_rng(0)))


def test_numbers_are_told_by_their_information():
    class Values:
        def __init__(self, *got):
            self.got = [np.asarray(g) for g in got]

    assert bits([Values([0.25, 0.5]), Values(0.75)]) == 30
    assert bits([Values([0.25, 0.25, 0.25])]) == 10  # one number, however often
    assert bits([Values([1, 1, 1, 1])]) == 0
    assert bits([Values([0.0, 1.0, 1.0, 0.0])]) == 4
    assert bits([Values([np.nan, np.inf])]) == 0
    assert bits([Values([1e-40, 3e-40])]) == 10  # in parts of the largest, which is 1


LOG_MEAN_EXP = {
    "count": (lambda a, m: special.logsumexp(a) - np.size(a), "The number of all entries is subtracted after the log"),
    "added inside": (lambda a, m: np.log(m + np.mean(np.exp(a - m))), "is added back inside the log"),
    "taken out twice": (lambda a, m: np.log(np.mean(np.exp(a - m))) - m, "is subtracted after the log"),
    "log added": (lambda a, m: special.logsumexp(a) + np.log(np.size(a)), "is added, where it should be subtracted"),
    "not added back": (lambda a, m: np.log(np.mean(np.exp(a - m))), "and not added back after the log"),
    "divided outside": (lambda a, m: special.logsumexp(a) / np.size(a), "outside the log"),
}


@pytest.mark.parametrize("key", LOG_MEAN_EXP)
def test_mistakes_about_the_log_of_a_mean_of_exponentials(key):
    """Where nobody wrote them down: of an exercise whose answer is one step."""
    function, words = LOG_MEAN_EXP[key]
    exercise = replace(
        EXERCISES["log_mean_exp"],
        misconceptions={str(i): Misconception(lambda a: np.nan, "") for i in range(3)},
        others={},
        diagnose=None,
        spelled=lambda P, a: P.log_mean_exp(a, None, "all entries"),
    )
    report = judging.judge(
        exercise, lambda args, seconds, **more: outcome_of(perform(lambda a: function(a, np.max(a)), args)), 0
    )
    assert report.misconception == f"all entries: {key}" and words in report.advice, report


def test_what_a_candidate_costs_is_counted_and_the_same_at_every_time():
    args = resolve(EXERCISES["slerp"].cases(np.random.default_rng(0))[0].args)
    before = sys.getprofile()
    first = stepwise.effort(EXERCISES["slerp"].spelled, args)
    assert first == stepwise.effort(EXERCISES["slerp"].spelled, args) and sys.getprofile() is before
    assert (
        40
        < first
        < stepwise.effort(
            EXERCISES["precision_recall"].spelled,
            resolve(EXERCISES["precision_recall"].cases(np.random.default_rng(0))[0].args),
        )
    )


@pytest.mark.parametrize("seed", range(3))
def test_one_value_refuses_nothing_that_all_values_would_accept(seed):
    rng = np.random.default_rng(seed)
    for got in (
        rng.normal(size=(3, 2)),
        1e-6 * rng.normal(size=4),
        np.array(3),
        np.array([np.nan, 2.0]),
        1e9 * rng.normal(size=2),
    ):
        for candidate in (got, got * (1 + 1e-4), got + 1e-6, got + 0.1, got.T, np.full(got.shape, np.nan)):
            candidate = np.asarray(candidate)
            assert may_be(candidate, probe_of(got)) or not same(candidate, got)
    assert not may_be(np.array([1.0, 2.0]), probe_of(np.array([1.1, 2.0])))


def test_values_are_compared_in_shape_and_size_but_where_the_answer_is_not_finite():
    assert same(np.array([1.0, 2.0]), np.array([1.0, 2.0001]))
    assert not same(np.array([1.0, 2.0]), np.array([1.0, 2.01]))
    assert not same(np.ones(2), np.ones((2, 1)))
    assert same(np.array([1.0, 2.0]), np.array([1.0, np.nan]))
    assert not same(np.array([1.0, np.inf]), np.array([1.0, 2.0])) and not same(np.array([np.nan, 2.0]), np.ones(2))
    assert same(np.zeros(2), np.full(2, 1e-40)) and not same(np.zeros(2), np.full(2, 1e-40), tiny=True)
    assert same(np.full(2, 1e-40), np.full(2, 1.0001e-40), tiny=True) and same(np.zeros((0, 2)), np.ones((0, 2)))
    assert identical(np.array([np.inf, 1.0]), np.array([np.inf, 1.0]))
    assert not identical(np.array([np.inf, 1.0]), np.array([np.nan, 1.0]))
    assert not same(np.ones(2), np.array(["a", "b"])) and not same(np.ones(2), np.full(2, np.nan))


def test_a_list_of_equal_arrays_may_have_come_as_one_array():
    assert [p.shape for p in parts(np.ones((2, 3)), (np.ones(3), np.ones(3)))] == [(3,), (3,)]
    assert [p.shape for p in parts([[1, 2], [3, 4]], np.ones((2, 2)))] == [(2, 2)]


@pytest.mark.parametrize("name", EXERCISES)
def test_every_sentence_reads_well(name):
    exercise = EXERCISES[name]
    case = exercise.cases(np.random.default_rng(case_seed(exercise, 0)))[0]
    row = Row(exercise, case, exercise.oracle(*resolve(case.args)))
    everything = [*known(exercise), *of_the_result(row), *of_the_arguments(row), *of_the_steps(row)]
    assert len(everything) > 150
    for explanation in everything:
        text = sentence(explanation.says)
        assert not re.search(r"\{|\}|  | ,|,:|\.\.$|,\.$|\bNone\b", text), text
        assert text[-1] in ".?!" and (not text[0].islower() or re.match(r"[a-z][\w^]*\b", text)), text
        assert not re.search(r"\bthe (the|a|an)\b|\ba (a|an|the)\b|\b(is|are) (is|are)\b", text), text


@pytest.mark.parametrize(
    "name, words",
    [
        ("the squares", "The squares are left out."),
        ("the bias", "The bias is left out."),
        ("mu^2", "mu^2 is left out."),
        ("the widths of the steps", "The widths of the steps are left out."),
        ("eps in z", "eps in z is left out."),
        ("the weights q in front", "The weights q in front are left out."),
        ("log p(z)", "log p(z) is left out."),
    ],
)
def test_verbs_agree_with_their_subjects(name, words):
    from course_utils.checking.steps import LEFT_OUT
    from course_utils.checking.wording import about

    assert sentence(about(LEFT_OUT, name)) == words


def test_find_exercise_knows_what_is_spelled():
    assert all(find_exercise(name).spelled and find_exercise(name).others for name in EXERCISES)


def test_what_reduces_nothing_is_no_candidate_and_warns_nobody(recwarn):
    with pytest.raises(ValueError, match="nothing to reduce"):
        stepwise.run(lambda P: P.mean(np.zeros((0, 2)), 0, "the rows"), ())
    change = stepwise.changed_reduction(next(d for d in stepwise.REDUCTION if d.key == "mean of all"), "sum")
    with pytest.raises(ValueError, match="nothing to reduce"):
        change(np.zeros((0, 2)), 0)
    assert not recwarn.list
