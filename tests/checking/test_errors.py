"""What an exception means, in the card's words; that nothing of its text is repeated; and where to look for it."""

import numpy as np
import pytest

from course_utils.checking import examine
from course_utils.checking.errors import error_explained

X, MEAN, C = np.ones((5, 4)), np.ones(4), np.ones((3, 4))


def error_of(function):
    try:
        function()
    except Exception as error:
        return type(error).__name__, str(error)
    raise AssertionError("no error")


def unset():
    if not X.any():
        there = 1
    return there


SAID = [
    (lambda: X @ C, "error: product", "differ, D against K"),
    (lambda: np.dot(X, C), "error: product", "differ, D against K"),
    (lambda: X @ np.ones((7, 2)), "error: product", "(n, a) @ (b, m) needs a = b"),
    (lambda: MEAN + np.ones(3), "error: broadcast", "(D,) and (K,) do not fit together: to compare each with each"),
    (lambda: X + np.ones((5, 3)), "error: broadcast", "(N, D) and (N, K) do not fit together entry by entry"),
    (lambda: X + np.ones((9, 8)), "error: broadcast", "The shapes of two arrays do not fit"),
    (lambda: -unset, "error: function", "a function stands there"),
    (lambda: len([1].reverse()), "error: None", "returns None"),
    (lambda: X[7], "error: index", "count from 0"),
    (lambda: float(X), "error: one number", "np.exp"),
    (lambda: X if X else 0, "error: truth value", "np.where"),
    (lambda: X.sum(axis=2), "error: axis", "fewer axes"),
    (lambda: X(2), "error: called array", "a `*` missing"),
    (lambda: nowhere, "error: name", "not defined"),  # noqa: F821
    (unset, "error: unset", "before it has a value"),
]


@pytest.mark.parametrize("function, key, words", SAID)
def test_what_an_error_means(function, key, words):
    found, says = error_explained(["x", "mean", "components"], (X, MEAN, C), *error_of(function))
    assert found == key and words.lower() in says.lower()


def test_a_function_among_the_arguments_is_named():
    key, says = error_explained(["h", "x"], (np.exp, X), *error_of(lambda: -np.exp))
    assert key == "error: function" and "`h` is a function. Call it" in says


def test_layers_are_spoken_of_where_there_is_a_network():
    args = ([(np.ones((4, 3)), np.ones(3))], X, np.tanh)
    assert "each layer gets" in error_explained(["params", "x", "activation"], args, *error_of(lambda: X @ C))[1]
    assert "a decoder begins" not in error_explained(["params", "x", "activation"], args, *error_of(lambda: X @ C))[1]
    trained = error_explained(["x", "sizes", "steps", "rng"], (X, [4, 2], 3, None), *error_of(lambda: X @ C))
    assert "each layer gets" in trained[1] and "a decoder begins with as many numbers as a code has" in trained[1]


def test_nothing_of_a_text_is_repeated():
    """An answer could tell hidden inputs in what it raises."""
    for text in (
        "could not be broadcast together with shapes (123456,) (7,)",
        "matmul: (size 123456 is different from 7)",
        "shapes (1,123456) and (7,2) not aligned: 123456 (dim 1) != 7 (dim 0)",
        "too many values to unpack (expected 123456)",
        "123456 NoneType 123456",
    ):
        assert "123456" not in error_explained(["x", "mean", "components"], (X, MEAN, C), "ValueError", text)[1]
    assert error_explained(["x"], (X,), "ValueError", "secret 123456") is None


def pca_encode(x, mean, components):
    return (x - mean) @ components


def test_the_line_is_named_where_one_small_change_helps():
    report = examine(pca_encode)
    assert report.kind == "raised" and report.misconception == "error: product"
    assert "D against K" in report.advice and "Look at `components` in line" in report.advice
    assert report.detail.splitlines()[-1].endswith("return (x - mean) @ components")


def test_an_undefined_name_is_what_is_said():
    """Leaving the name out may make an answer right; that would be no help."""
    namespace = {}
    exec("def pca_encode(x, mean, components):\n    return xp.abs((x - mean) @ components.T)", namespace)
    report = examine(namespace["pca_encode"])
    assert report.misconception == "error: name" and "small change" not in report.advice


def test_special_inputs_are_named():
    def interpolate_linear(a, b, steps):
        t = np.linspace(0, 1, steps)[:, None]
        return (1 - t) * a + t * b

    advice = examine(interpolate_linear).advice
    assert advice.startswith("Your function is right on ordinary inputs, but raised an error on arrays with two axes.")
    assert "small change" not in advice  # `a.T` lets the error vanish, on inputs that were right before


def test_training_is_explained_too():
    def autoencoder_train(x, sizes, steps, rng):
        return len(sizes.reverse())

    report = examine(autoencoder_train)
    assert report.misconception == "error: None" and "in place" in report.advice
