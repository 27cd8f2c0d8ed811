"""Recipes of the long trainings, compared on held-out parts of the training sets: what no test set has seen.

    nice python -m course_utils.models.recipes pens steps=4800
    nice python -m course_utils.models.recipes kanji steps=1500 kl_weight=0.15
    nice python -m course_utils.models.recipes melodies steps=1200

trains PEN_RECIPE, KANJI_RECIPE or MELODY_RECIPE with these changes on the first 8,000 pen digits, on nine tenths of the
training characters, or on eleven twelfths of the families of training tunes, and prints what the rest says of it.
"""

import argparse
import ast
from typing import Any

import numpy as np

from course_utils.data import load_kanji, load_melodies, load_pen_digits
from course_utils.models import melody, melody_judge, sketch
from course_utils.models.classifier import class_log_probs, classifier_train
from course_utils.models.interpolation import slerp_middles
from course_utils.models.long_training import KANJI_RECIPE, MELODY_RECIPE, PEN_RECIPE, PENS
from course_utils.networks.arrays import Array


def held_out_characters(N: int) -> Array:
    """Which of N training characters are held out: a tenth, by lot; (N,) of True and False."""
    out = np.zeros(N, bool)
    out[np.random.default_rng(11).permutation(N)[: N // 10]] = True
    return out


def held_out_melodies() -> Array:
    """Which training melodies are held out, (N,): those of every twelfth family of tunes, from the seventh largest."""
    from course_utils.data.build_packs import families

    tunes = load_melodies()
    numbers = np.unique(tunes.y_train)
    family = families([(tunes.names[i], list(tunes.x_train[tunes.y_train == i])) for i in numbers])
    of_melody = np.array(family)[np.searchsorted(numbers, tunes.y_train)]
    names, sizes = np.unique(of_melody, return_counts=True)
    return np.isin(of_melody, names[np.argsort(-sizes, kind="stable")][6::12])


def judge_digits(model: sketch.Sketcher, x: Array, y: Array, x_fit: Array, y_fit: Array) -> dict[str, float]:
    """What notebook 10 asks of pen digits x (N, 8, 1, 2) with labels y, whose judge learns from x_fit, y_fit."""
    flat = lambda drawn: np.asarray(drawn, np.float32).reshape(-1, 16)  # noqa: E731
    judge = classifier_train(flat(x_fit), y_fit, [16, 200, 100, 10], 2000, np.random.default_rng(0))
    log_p = lambda drawn: class_log_probs(judge, flat(drawn))  # noqa: E731
    sureness = lambda drawn: float(np.exp(log_p(drawn)).max(axis=1).mean())  # noqa: E731
    rng, eight = np.random.default_rng(3), np.full(len(x), 8)
    mu = sketch.sketch_encode(model, x, eight)[0]
    again = sketch.sketch_decode(model, mu, sketch.DIGITS)[0]
    one, other = np.tile(np.arange(len(x)), 2), np.concatenate([rng.permutation(len(x)), rng.permutation(len(x))])
    one, other = one[y[one] != y[other]], other[y[one] != y[other]]
    noisy = x + PEN_RECIPE["grid"] * rng.uniform(-0.5, 0.5, x.shape)
    eps = rng.standard_normal(mu.shape, dtype=np.float32)
    middles = {"circle": slerp_middles(mu[one], mu[other]), "line": (mu[one] + mu[other]) / 2}
    return {
        "ELBO": float(sketch.sketch_elbo(model, noisy, eight, eps, sketch.DIGITS).mean()),
        "error": float(np.sqrt(np.mean((again - x) ** 2))),
        "own label": float(np.mean(log_p(again).argmax(axis=1) == y)),
        **{
            f"sureness, {way}": sureness(sketch.sketch_decode(model, z, sketch.DIGITS)[0]) for way, z in middles.items()
        },
        "sureness, averages": sureness((x[one] + x[other]) / 2),
    }


def judge_characters(model: sketch.Sketcher, x: Array, n: Array, x_fit: Array, n_fit: Array) -> dict[str, float]:
    """What notebook 10 asks of characters x, n, with x_fit, n_fit for the real strokes."""
    real, others = sketch.stroke_shapes(x_fit, n_fit), np.random.default_rng(3).permutation(len(x))
    mu = sketch.sketch_encode(model, x, n)[0]
    again, n_again = sketch.sketch_decode(model, mu, sketch.KANJI)
    apart = [sketch.chamfer(sketch.ink(*a), sketch.ink(*b)) for a, b in zip(zip(again, n_again), zip(x, n))]
    middles = sketch.sketch_decode(model, slerp_middles(mu, mu[others]), sketch.KANJI)
    return {
        "Chamfer distance": float(np.mean(apart)),
        "strokes right": float(np.mean(n_again == n)),
        "strokes of middles": sketch.distance_to_strokes(*middles, real),
        "of raw averages": sketch.distance_to_strokes((x + x[others]) / 2, np.minimum(n, n[others]), real),
    }


def judge_melodies(model: melody.Melodist, x: Array, x_fit: Array) -> dict[str, float]:
    """What notebook 10 asks of melodies x, with x_fit for the n-gram model."""
    ngrams, rng = melody_judge.ngram_fit(x_fit), np.random.default_rng(4)
    p, q = rng.permutation(len(x)), rng.permutation(len(x))
    mu = melody.melody_encode(model, x)[0]
    circle = melody.melody_decode(model, slerp_middles(mu[p], mu[q]))
    line = melody.melody_decode(model, (mu[p] + mu[q]) / 2)
    nats = lambda some: float(melody_judge.ngram_log_prob(ngrams, some).mean() / some.shape[1])  # noqa: E731
    return {
        "tokens right": float(np.mean(melody.melody_decode(model, mu) == x)),
        "nats a step": nats(x),
        "circle": nats(circle),
        "line": nats(line),
        "notes": float(melody_judge.onsets(x).mean()),
        "notes of the circle": float(melody_judge.onsets(circle).mean()),
        "notes of the line": float(melody_judge.onsets(line).mean()),
    }


def compare(name: str, **changes: Any) -> dict[str, float]:
    """Trains "pens", "kanji" or "melodies" without what is held out, by its recipe with `changes`, and judges it."""
    rng = np.random.default_rng(1)
    if name == "pens":
        pens = load_pen_digits()
        x, y = pens.x_train[:, :, None], pens.y_train
        recipe = {**PEN_RECIPE, **changes}
        model = sketch.sketch_train(x[:PENS], np.full(PENS, 8), sketch.DIGITS, rng=rng, **recipe)
        return judge_digits(model, x[PENS:], y[PENS:], x[:PENS], y[:PENS])
    if name == "kanji":
        x, n, _ = sketch.drawings_of(load_kanji().x_train)
        out = held_out_characters(len(x))
        model = sketch.sketch_train(x[~out], n[~out], sketch.KANJI, rng=rng, **{**KANJI_RECIPE, **changes})
        return judge_characters(model, x[out], n[out], x[~out], n[~out])
    tunes, out = load_melodies().x_train, held_out_melodies()
    model = melody.melody_train(tunes[~out], rng=rng, **{**MELODY_RECIPE, **changes})
    return judge_melodies(model, tunes[out], tunes[~out])


def main() -> None:
    """Compares, and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=["pens", "kanji", "melodies"])
    parser.add_argument("changes", nargs="*", metavar="setting=value")
    options = parser.parse_args()
    pairs = [change.split("=", 1) for change in options.changes]
    for what, value in compare(options.name, **{key: ast.literal_eval(text) for key, text in pairs}).items():
        print(f"{what}: {value:.4g}")


if __name__ == "__main__":
    main()
