"""What is held out for choosing recipes: a part of the training sets that no training and no near relative is in."""

import dataclasses

import numpy as np
import pytest
from weekly import WEEKLY

from course_utils.data import load_kanji, load_melodies, load_pen_digits
from course_utils.models import recipes, sketch

SHARE = 1 if WEEKLY else 4  # of the tunes: comparing each with each takes 20 seconds


def test_a_tenth_of_the_characters_is_held_out():
    out = recipes.held_out_characters(2347)
    assert out.sum() == 234 and out.shape == (2347,)
    np.testing.assert_array_equal(out, recipes.held_out_characters(2347))


@pytest.mark.slow
def test_no_tune_is_on_both_sides(monkeypatch):
    tunes = load_melodies()
    some = tunes.y_train % SHARE == 0
    tunes = dataclasses.replace(tunes, x_train=tunes.x_train[some], y_train=tunes.y_train[some])
    monkeypatch.setattr(recipes, "load_melodies", lambda: tunes)
    out = recipes.held_out_melodies()
    assert 200 < SHARE * out.sum() < 700
    assert not set(tunes.y_train[out]) & set(tunes.y_train[~out])
    names = np.array(tunes.names)
    assert not set(names[tunes.y_train[out]]) & set(names[tunes.y_train[~out]])


@pytest.mark.slow
def test_changes_reach_the_training_and_the_judge_gets_what_was_held_out(monkeypatch, capsys):
    seen = {}

    def train(x, counts, shape, rng, **recipe):
        seen.update(recipe, N=len(x), x=x)
        return "a model"

    def judge(model, x, n, x_fit, n_fit):
        both = {drawing.tobytes() for drawing in x} & {drawing.tobytes() for drawing in x_fit}
        return {"drawings": len(x), "also trained on": len(both), "is": float(model == "a model")}

    monkeypatch.setattr(sketch, "sketch_train", train)
    monkeypatch.setattr(recipes, "judge_characters", judge)
    monkeypatch.setattr("sys.argv", ["recipes", "kanji", "steps=7", "hidden=(5, 6)"])
    recipes.main()
    assert capsys.readouterr().out == "drawings: 234\nalso trained on: 0\nis: 1\n"
    assert seen["steps"] == 7 and seen["hidden"] == (5, 6) and seen["kl_weight"] == recipes.KANJI_RECIPE["kl_weight"]
    assert seen["N"] == len(sketch.drawings_of(load_kanji().x_train)[0]) - 234


def test_pen_digits_that_are_held_out_are_not_trained_on(monkeypatch):
    seen, pens = {}, load_pen_digits()

    def train(x, counts, shape, rng, **recipe):
        seen.update(recipe, x=x, counts=counts)
        return "a model"

    monkeypatch.setattr(sketch, "sketch_train", train)
    monkeypatch.setattr(recipes, "judge_digits", lambda model, x, y, x_fit, y_fit: {"x": x, "y": y, "fit": x_fit})
    got = recipes.compare("pens", steps=7)
    assert seen["steps"] == 7 and seen["step_size"] == recipes.PEN_RECIPE["step_size"] and set(seen["counts"]) == {8}
    np.testing.assert_array_equal(seen["x"], pens.x_train[:8000, :, None])
    np.testing.assert_array_equal(got["fit"], seen["x"])
    np.testing.assert_array_equal(got["x"], pens.x_train[8000:, :, None])
    np.testing.assert_array_equal(got["y"], pens.y_train[8000:])


def test_a_judge_of_digits_likes_what_is_right(monkeypatch):
    """A model that gives back what it is shown, and a classifier that reads the label from the first point."""
    y = np.arange(40) % 10
    x = np.random.default_rng(0).random((40, 8, 1, 2)).astype("f4")
    x[:, 0, 0, 0] = y
    sure = lambda flat: np.log(0.999 * np.eye(10)[np.rint(flat[:, 0]).astype(int)] + 1e-4)  # noqa: E731
    monkeypatch.setattr(recipes, "classifier_train", lambda *args: "a judge")
    monkeypatch.setattr(recipes, "class_log_probs", lambda judge, flat: sure(np.clip(flat, 0, 9)))
    monkeypatch.setattr(sketch, "sketch_encode", lambda model, x, n: (x.reshape(len(x), -1),))
    monkeypatch.setattr(sketch, "sketch_decode", lambda model, z, shape: (z.reshape(-1, 8, 1, 2), None))
    monkeypatch.setattr(sketch, "sketch_elbo", lambda model, x, counts, eps, shape: np.full(len(x), 7.0))
    got = recipes.judge_digits({}, x, y, x, y)
    assert got["error"] == 0 and got["own label"] == 1 and got["ELBO"] == 7
    assert got["sureness, line"] == got["sureness, averages"] == pytest.approx(0.9991)


def test_judges_like_what_is_right():
    """A model that gives back what it is shown: no distance, every stroke and token right."""
    x, n, _ = sketch.drawings_of(load_kanji().x_test[:60])
    monkey = pytest.MonkeyPatch()
    with monkey.context() as patch:
        patch.setattr(
            sketch, "sketch_encode", lambda model, x, n: (np.concatenate([x.reshape(len(x), -1), n[:, None]], 1),)
        )
        patch.setattr(
            sketch,
            "sketch_decode",
            lambda model, z, shape: (z[:, :-1].reshape(-1, 10, 6, 2), np.clip(np.rint(z[:, -1]), 1, 10).astype(int)),
        )
        got = recipes.judge_characters({}, x, n, x, n)
    assert got["Chamfer distance"] == 0 and got["strokes right"] == 1 and got["of raw averages"] > 0
