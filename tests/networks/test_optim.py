"""Adam against its formulas written out, what ends it, schedules, minibatches."""

import functools
import itertools

import autograd.numpy as anp
import numpy as np
import pytest
import tqdm
from autograd.extend import defvjp, primitive

from course_utils.networks import optim
from course_utils.networks.flat import flatten
from course_utils.networks.nets import init_mlp, mlp
from course_utils.networks.optim import adam, cosine_decay, hold_then_linear, minibatches, train


def test_adam_follows_its_formulas():
    """Three steps on one number, by hand (Kingma and Ba 2015, algorithm 1)."""
    rates = [0.1, 0.1, 0.05]
    theta, m, v = 2.0, 0.0, 0.0
    for t, rate in enumerate(rates, start=1):
        g = 2 * (theta - 0.5)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        theta -= rate * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    got = adam(
        lambda p, batch: anp.sum((p - batch) ** 2), np.array([2.0]), [0.5] * 3, 3, step_size=lambda t: rates[t - 1]
    )
    np.testing.assert_allclose(got, [theta], rtol=1e-12)


@pytest.mark.whole
def test_adam_minimises_over_nested_parameters_and_keeps_float32():
    params = [{"b": np.zeros(2, "f4"), "a": (np.ones((2, 2), "f4"),)}, (np.float32([5]),)]
    target = [{"b": np.float32([1, -1]), "a": (np.float32([[0, 1], [2, 3]]),)}, (np.float32([-2]),)]
    seen = []

    def loss(p, batch):
        first, (c,) = p
        return (
            anp.sum((first["b"] - target[0]["b"]) ** 2)
            + anp.sum((first["a"][0] - target[0]["a"][0]) ** 2)
            + anp.sum((c - target[1][0]) ** 2)
        )

    got = adam(
        loss,
        params,
        [None] * 600,
        600,
        step_size=cosine_decay(0.1, 600),
        callback=lambda t, p, value: seen.append((t, float(value))),
    )
    assert got[0]["b"].dtype == got[0]["a"][0].dtype == np.float32
    np.testing.assert_allclose(flatten(got), flatten(target), atol=1e-2)
    assert [t for t, _ in seen] == list(range(1, 601)) and seen[-1][1] < 1e-3 < seen[0][1]
    assert params[1][0][0] == 5  # the caller's parameters stay


def test_cosine_decay_falls_from_the_step_size_to_zero():
    rate = cosine_decay(0.4, 100)
    rates = [rate(t) for t in range(1, 101)]
    assert rates[0] == 0.4 and rates[50] == pytest.approx(0.2) and 0 < rates[-1] < 1e-3
    assert all(np.diff(rates) < 0)


def test_minibatches_visit_every_row_equally_often():
    x = np.arange(10)
    batches = list(minibatches(x, 4, 5, np.random.default_rng(0)))
    assert [len(batch) for batch in batches] == [4] * 5
    assert (np.bincount(np.concatenate(batches)) == 2).all()
    assert all(batch is x for batch in minibatches(x, 10, 3, np.random.default_rng(0)))


def quadratic(params, batch):
    return anp.sum((params["a"] - batch) ** 2) + anp.sum(params["b"][0] ** 2)


def test_adam_follows_the_paper():
    """Against the algorithm written out in scalars."""
    start, rate, trace = {"a": np.array([1.0, -2.0]), "b": [np.array(3.0)]}, 0.1, []
    adam(quadratic, start, [0.5] * 20, 20, step_size=rate, callback=lambda t, p, loss: trace.append((p["a"][0], loss)))
    theta, m, v = 1.0, 0.0, 0.0
    for t in range(1, 21):
        g = 2 * (theta - 0.5)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        theta -= rate * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        assert np.isclose(trace[t - 1][0], theta)
    assert trace[0][1] > trace[-1][1] and start["a"][0] == 1.0  # the start is not overwritten


def test_adam_keeps_float32():
    params = init_mlp([4, 3], np.random.default_rng(0))
    x = np.ones((5, 4), np.float32)
    trained = adam(lambda p, batch: anp.sum(mlp(p, batch) ** 2), params, [x] * 3, 3)
    assert all(part.dtype == np.float32 for layer in trained for part in layer)


@pytest.mark.parametrize("long, stays", [(-1, True), (float("inf"), False)])
def test_the_bar_of_a_long_training_stays_and_that_of_a_short_one_does_not(long, stays, capsys, monkeypatch):
    monkeypatch.setattr(optim, "LONG", long)
    monkeypatch.setattr(tqdm, "tqdm", functools.partial(tqdm.tqdm, disable=False))
    adam(lambda p, batch: anp.sum((p - batch) ** 2), np.array([2.0]), [0.5] * 5, 5, label="toy")
    last = capsys.readouterr().out.rstrip("\n").split("\r")[-1]
    assert ("toy: 100%" in last and "5/5" in last and "loss=" in last) == stays and bool(last.strip()) == stays


def test_interrupting_training_keeps_what_it_reached(capsys):
    def stop(t, params, loss):
        if t == 5:
            raise KeyboardInterrupt

    trained = adam(quadratic, {"a": np.zeros(2), "b": [np.zeros(())]}, [1.0] * 100, 100, callback=stop, label="toy")
    assert 0.004 < trained["a"][0] < 0.006 and "toy stopped after 5 of 100 steps" in capsys.readouterr().out


def test_minibatches_take_every_row_equally_often():
    x = np.arange(10)
    batches = list(minibatches(x, 4, 25, np.random.default_rng(0)))
    assert len(batches) == 25 and all(len(set(batch)) == 4 for batch in batches[:2])
    assert set(np.bincount(np.concatenate(batches))) == {10}
    again = list(minibatches(x, 4, 25, np.random.default_rng(0)))
    np.testing.assert_array_equal(batches, again)
    assert all(batch is x for batch in minibatches(x, 10, 3, np.random.default_rng(0)))


@pytest.mark.parametrize("schedule", [hold_then_linear, cosine_decay])
def test_to_train_is_adam_on_minibatches_written_out(schedule):
    """Draws of the generator included: rows first, then the batch's own noise."""
    x, seen = np.random.default_rng(0).normal(size=(10, 3)), []

    def loss(p, batch):
        rows, noise = batch
        return anp.sum((rows - noise - p) ** 2)

    rng = np.random.default_rng(1)
    got = train(
        loss,
        np.zeros(3),
        lambda rows: (x[rows], rng.normal(size=3)),
        len(x),
        7,
        rng,
        4,
        0.1,
        schedule=schedule,
        callback=lambda t, p, value: seen.append((t, value)),
    )
    rng, expected = np.random.default_rng(1), np.zeros(3)
    batches = [(rows, rng.normal(size=3)) for rows in minibatches(x, 4, 7, rng)]
    expected = adam(loss, expected, batches, 7, schedule(0.1, 7))
    np.testing.assert_array_equal(got, expected)
    assert [t for t, _ in seen] == list(range(1, 8))


def towards(target):
    return lambda p, batch: anp.sum((p - target) ** 2) * batch


def test_it_ends_after_its_steps_however_many_batches_there_are(capsys):
    """Also of an endless supply, of which no batch is drawn that is not used."""
    drawn = itertools.count()
    endless = (1.0 + 0 * i for i in drawn)
    got = adam(towards(1.0), np.zeros(2), endless, 20, step_size=hold_then_linear(0.1, 20))
    np.testing.assert_array_equal(got, adam(towards(1.0), np.zeros(2), [1.0] * 20, 20, hold_then_linear(0.1, 20)))
    assert next(drawn) == 20 and "stopped" not in capsys.readouterr().out


def test_it_says_so_where_batches_run_out_and_keeps_what_they_reached(capsys):
    got = adam(towards(1.0), np.zeros(2), [1.0] * 3, 20, step_size=0.1, label="toy")
    np.testing.assert_array_equal(got, adam(towards(1.0), np.zeros(2), [1.0] * 3, 3, step_size=0.1))
    line = "toy stopped after 3 of 20 steps: there are no more batches; the parameters reached so far are kept.\n"
    assert line in capsys.readouterr().out


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", ["loss", "gradient"])
def test_a_loss_or_gradient_that_is_not_finite_spoils_no_parameters(where, bad, capsys):
    def loss(p, batch):
        if where == "loss":
            return anp.sum((p - 1.0) ** 2) * batch
        return anp.sum((p - 1.0) ** 2) + anp.sum(leave_value(p, batch))

    @primitive
    def leave_value(p, slope):
        return 0 * p

    defvjp(leave_value, lambda ans, p, slope: lambda g: g * (slope - 1))
    seen = []
    got = adam(
        loss, np.zeros(2), [1.0] * 7 + [bad] + [1.0] * 9, 17, step_size=0.1, callback=lambda t, p, value: seen.append(p)
    )
    np.testing.assert_array_equal(got, seen[-1])
    assert len(seen) == 7 and np.isfinite(got).all()
    assert "stopped after 7 of 17 steps: the loss" in capsys.readouterr().out
    with pytest.raises(FloatingPointError, match=r"toy cannot start: the loss \(.*\) or its gradient is not finite"):
        adam(loss, np.zeros(2), [bad] * 3, 3, label="toy")


@pytest.mark.parametrize("schedule", [hold_then_linear, cosine_decay])
@pytest.mark.parametrize("steps", [1, 2, 7, 100])
def test_no_schedule_goes_up_or_below_zero_also_beyond_its_steps(schedule, steps):
    rates = [schedule(0.3, steps)(t) for t in range(1, 3 * steps + 3)]
    assert rates[0] == 0.3 and np.all(np.diff(rates) <= 0) and min(rates) >= 0
    assert rates[steps - 1] > 0 and np.all(np.array(rates[steps:]) < 1e-15)


@pytest.mark.parametrize("bad", [-0.1, np.nan, np.inf])
def test_a_step_size_that_is_none_is_refused(bad):
    with pytest.raises(ValueError, match=f"should be finite and not negative, but it is {bad} at step 3"):
        adam(towards(1.0), np.zeros(2), [1.0] * 5, 5, step_size=lambda t: 0.1 if t < 3 else bad)


@pytest.mark.parametrize("batch_size", [0, -1])
def test_a_batch_has_at_least_one_example(batch_size):
    with pytest.raises(ValueError, match=f"at least one example, but batch_size = {batch_size} of 5 examples came"):
        next(minibatches(np.arange(5), batch_size, 3, np.random.default_rng(0)))
    with pytest.raises(ValueError, match="batch_size = 3 of 0 examples came"):
        next(minibatches(np.arange(0), 3, 3, np.random.default_rng(0)))
