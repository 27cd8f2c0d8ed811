"""nets, optim, numerics and evidence: small pieces that everything else stands on."""

import subprocess
import sys
from pathlib import Path

import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.special import logsumexp

import course_utils
from course_utils.evidence import show_result
from course_utils.nets import beside, count_parameters, init_mlp, mlp
from course_utils.numerics import log_mean_exp
from course_utils.optim import adam, minibatches


@given(hnp.arrays(np.float64, hnp.array_shapes(max_dims=3), elements=st.floats(-5000, 5000)))
def test_log_mean_exp_agrees_with_scipy(a):
    assert np.isclose(log_mean_exp(a), logsumexp(a) - np.log(a.size), atol=1e-9)


def test_a_network_is_its_layers():
    params = init_mlp([3, 5, 4, 2], np.random.default_rng(0), np.float64)
    x = np.random.default_rng(1).normal(size=(6, 3))
    h = x
    for i, (W, b) in enumerate(params):
        h = np.array([[sum(row[k] * W[k, j] for k in range(len(row))) + b[j] for j in range(len(b))] for row in h])
        h = np.tanh(h) if i < 2 else h
    np.testing.assert_allclose(mlp(params, x), h)
    assert count_parameters(params) == 3 * 5 + 5 + 5 * 4 + 4 + 4 * 2 + 2


def test_initial_weights_keep_the_variance():
    (W, b), = init_mlp([400, 300], np.random.default_rng(0))
    assert W.dtype == b.dtype == np.float32 and not b.any()
    assert abs(W.var() * 400 - 1) < 5 * np.sqrt(2 / W.size)  # five standard errors


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
        theta -= rate * (m / (1 - 0.9 ** t)) / (np.sqrt(v / (1 - 0.999 ** t)) + 1e-8)
        assert np.isclose(trace[t - 1][0], theta)
    assert trace[0][1] > trace[-1][1] and start["a"][0] == 1.0  # the start is not overwritten


def test_adam_keeps_float32():
    params = init_mlp([4, 3], np.random.default_rng(0))
    x = np.ones((5, 4), np.float32)
    trained = adam(lambda p, batch: anp.sum(mlp(p, batch) ** 2), params, [x] * 3, 3)
    assert all(part.dtype == np.float32 for layer in trained for part in layer)


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


def test_a_result_outside_its_tolerance_fails(capsys):
    show_result("error", 1.23456, expected=1.2, tolerance=0.1)
    assert capsys.readouterr().out == "≈ error: 1.235 (expected 1.2 ± 0.1)\n"
    for value in (1.4, float("nan")):
        with pytest.raises(AssertionError, match="expected 1.2 ± 0.1"):
            show_result("error", value, expected=1.2, tolerance=0.1)


PICTURES_AND_TOOLS = {"build", "checking", "cli", "live_curves", "plots", "widgets"}
MATHEMATICS = sorted(path.stem for path in Path(course_utils.__file__).parent.glob("*.py")
                     if path.stem not in PICTURES_AND_TOOLS | {"__init__"})


@pytest.mark.parametrize("module", MATHEMATICS)
def test_the_mathematics_loads_no_pictures_and_no_grader(module):
    code = (f"import sys, course_utils.{module}; print([m for m in sys.modules if m.split('.')[0] in "
            "('matplotlib', 'ipywidgets', 'IPython', 'PIL') or m.startswith(('course_utils.grading', 'course_utils.plots'))])")
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_beside_repeats_the_labels_for_samples_and_keeps_the_type():
    a, y = np.zeros((2, 4, 3), np.float32), np.eye(4)
    joined = beside(a, y)
    assert joined.shape == (2, 4, 7) and joined.dtype == np.float32
    np.testing.assert_array_equal(joined[1, :, 3:], y)
