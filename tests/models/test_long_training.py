"""The stored networks are what the notebook says of them, and their script leaves out what the course holds out."""

import hashlib

import autograd.numpy as anp
import numpy as np
import pytest

from course_utils.data import build_packs, load_kanji, load_melodies, load_mnist, load_pen_digits
from course_utils.models import long_training, melody, sketch, vae
from course_utils.models.conductor import keep_some, shifted
from course_utils.models.long_training import (
    FOLDER,
    HELD_OUT,
    KANJI_RECIPE,
    MELODY_RECIPE,
    PEN_RECIPE,
    SIZES,
    all_digits,
    load_vae_digits,
)
from course_utils.networks import optim
from course_utils.networks.flat import leaves


def test_the_pack_is_small_and_says_how_it_was_made():
    encoder, decoder, how = load_vae_digits()
    assert [len(W) for W, _ in encoder] + [len(encoder[-1][1])] == [*SIZES[:-1], 2 * SIZES[-1]]
    assert [len(W) for W, _ in decoder] + [len(decoder[-1][1])] == SIZES[::-1]
    assert {part.dtype for network in (encoder, decoder) for layer in network for part in layer} == {np.dtype("f4")}
    assert how["steps"] == long_training.STEPS and how["digits"] == 59_000 and how["seconds"] > 0
    assert (FOLDER / "vae_digits.npz").stat().st_size < 3e6
    assert "vae_digits.npz" in (FOLDER / "README.md").read_text()


def test_its_bound_on_test_digits_is_above_what_a_notebook_reaches():
    encoder, decoder, _ = load_vae_digits()
    rng = np.random.default_rng(0)
    x = vae.binarise(load_mnist().x_test[:500], rng)
    assert vae.vae_elbo(encoder, decoder, x, rng.standard_normal((500, 20), dtype=np.float32)).mean() > -100


def test_digits_that_the_course_holds_out_are_left_out(monkeypatch, tmp_path):
    course = np.rint(255 * load_mnist().x_train).astype(np.uint8)
    monkeypatch.setattr(build_packs, "archive", lambda work, *package: work)
    monkeypatch.setattr(build_packs, "members", lambda path, pattern: {"images": bytes(16) + course.tobytes()})
    kept = all_digits(tmp_path)
    assert kept.dtype == np.float32 and np.array_equal(kept, load_mnist().x_train[:-HELD_OUT])


def test_nestings_go_into_a_pack_and_back():
    tree = {"a": [(np.ones((2, 3)), np.zeros(3)), (np.full((3, 1), 0.5), np.ones(1))], "b": {"c": np.arange(4.0)}}
    pack = long_training.as_pack(tree)
    assert list(pack) == ["a.0.0", "a.0.1", "a.1.0", "a.1.1", "b.c"]
    back = long_training.from_pack(pack)
    assert {leaf.dtype for leaf in leaves(back)} == {np.dtype("f4")}
    for one, other in zip(leaves(back), leaves(tree), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_the_models_of_sequences_know_what_they_have_not_seen():
    """What notebook 10 says of them: characters and melodies of the test sets come out of their own codes."""
    model, seconds = long_training.load_kanji_model()
    x, counts, _ = sketch.drawings_of(load_kanji().x_test)
    again, n = sketch.sketch_decode(model, sketch.sketch_encode(model, x, counts)[0], sketch.KANJI)
    apart = [sketch.chamfer(sketch.ink(a, i), sketch.ink(b, j)) for a, i, b, j in zip(again, n, x, counts)]
    assert np.mean(apart) < 0.04 and np.mean(n == counts) > 0.78 and seconds > 0
    model, seconds = long_training.load_melody_model()
    tunes = load_melodies().x_test
    again = melody.melody_decode(model, melody.melody_encode(model, tunes)[0])
    assert np.mean(again == tunes) > 0.85 and seconds > 0
    model, autoencoder, seconds = long_training.load_pen_models()
    x, eight = load_pen_digits().x_test[:, :, None], np.full(2000, 8)
    codes = [sketch.sketch_encode(one, x, eight)[0] for one in (model, autoencoder)]
    errors = [
        np.sqrt(np.mean((sketch.sketch_decode(one, z, sketch.DIGITS)[0] - x) ** 2))
        for one, z in zip((model, autoencoder), codes)
    ]
    assert errors[1] < errors[0] < 0.085 and seconds > 0
    readme = (FOLDER / "README.md").read_text()
    for name in long_training.SEQUENCES:
        assert (FOLDER / f"{name}.npz").stat().st_size < 2e6 and f"{name}.npz" in readme


def test_the_script_trains_and_stores(monkeypatch, tmp_path):
    monkeypatch.setattr(long_training, "FOLDER", tmp_path)

    def train(callback, checkpoint):
        callback(1, None, 2.5)
        return {"head": [(np.full((2, 2), 0.25), np.zeros(2))]}

    monkeypatch.setitem(long_training.SEQUENCES, "kanji", train)
    monkeypatch.setattr("sys.argv", ["long_training", "kanji"])
    long_training.main()
    model, seconds = long_training._stored("kanji")
    np.testing.assert_array_equal(model["head"][0][0], np.full((2, 2), 0.25))
    assert seconds >= 0 and list(model) == ["head"]
    about = long_training.runs()["kanji"]
    assert about["first losses"] == [2.5] and about["mean of the last losses"] == 2.5
    assert about["sha256"] == hashlib.sha256((tmp_path / "kanji.npz").read_bytes()).hexdigest()


def test_a_long_training_that_was_stopped_goes_on_where_it_was(monkeypatch, tmp_path):
    """Stopped in the middle and started again, it ends with the pack of one that was not, but for the seconds."""

    def train(callback, checkpoint):
        x = np.random.default_rng(0).normal(size=(30, 4)).astype("f4")
        rng = np.random.default_rng(1)
        batch_of = lambda rows: x[rows] + rng.normal(size=(5, 4)).astype("f4")  # noqa: E731
        loss = lambda params, batch: anp.sum((batch @ params["head"] - 1) ** 2)  # noqa: E731
        start = {"head": np.ones((4, 2), "f4")}
        return optim.train(loss, start, batch_of, 30, 40, rng, 5, 0.1, callback=callback, checkpoint=checkpoint)

    def stopped(callback, checkpoint):
        def stop(t, params, loss):
            callback(t, params, loss)
            if t == 27:
                raise RuntimeError("the power fails")

        return train(stop, checkpoint)

    monkeypatch.setattr(long_training, "Checkpoint", lambda path: optim.Checkpoint(path, every=10))
    packs = []
    for folder, functions in (("whole", [train]), ("parts", [stopped, train])):
        (tmp_path / folder).mkdir()
        monkeypatch.setattr(long_training, "FOLDER", tmp_path / folder)
        for function in functions:
            monkeypatch.setitem(long_training.SEQUENCES, "kanji", function)
            if function is stopped:
                with pytest.raises(RuntimeError):
                    long_training.store("kanji")
                assert (tmp_path / folder / "kanji.reached.npz").exists()
            else:
                long_training.store("kanji")
        assert sorted(path.name for path in (tmp_path / folder).iterdir()) == ["kanji.npz", "runs.json"]
        losses = {key: value for key, value in long_training.runs()["kanji"].items() if "losses" in key}
        packs.append((long_training._stored("kanji")[0]["head"], losses))
    np.testing.assert_array_equal(packs[0][0], packs[1][0])
    assert packs[0][1] == packs[1][1] and len(packs[0][1]["first losses"]) == 8


@pytest.mark.parametrize("name", long_training.SEQUENCES)
@pytest.mark.slow
def test_the_script_still_begins_as_the_recorded_run_did(name, capsys):
    """Data, recipe, seed and training are those of the record, or the first losses would be others; and the pack is
    the one that the record is of. Where the record knows them, its weights have the losses of that run's end."""
    about = long_training.runs()[name]
    assert hashlib.sha256((FOLDER / f"{name}.npz").read_bytes()).hexdigest() == about["sha256"]
    np.testing.assert_allclose(long_training.first_losses(name, 4), about["first losses"][:4], rtol=1e-3)
    assert "stopped after 4 of" in capsys.readouterr().out
    if about["mean of the last losses"] is not None:
        np.testing.assert_allclose(ends[name](), about["mean of the last losses"], rtol=0.05)


def end_of_kanji():
    """The objective of 300 training characters, as minibatches have it."""
    x, counts, _ = sketch.drawings_of(load_kanji().x_train)
    rng, rows = np.random.default_rng(0), slice(0, 2347, 8)
    model, _ = long_training.load_kanji_model()
    some, jitter = x[rows] + rng.uniform(-0.5, 0.5, x[rows].shape) / 255, KANJI_RECIPE["jitter"]
    turned = np.eye(2) + jitter * rng.standard_normal((len(some), 2, 2))
    some = (
        np.einsum("ntpi,nij->ntpj", some - 0.5, turned) + 0.5 + jitter / 2 * rng.standard_normal((len(some), 1, 1, 2))
    )
    seen = sketch.features(some, counts[rows])
    eps = rng.standard_normal((len(some), KANJI_RECIPE["K"]), dtype=np.float32)
    before = keep_some(shifted(seen[..., :-1]), KANJI_RECIPE["kept"], rng)
    reconstruction, kl = sketch.sketch_terms(model, seen, eps, before, sketch.KANJI)
    return np.mean(KANJI_RECIPE["kl_weight"] * kl - reconstruction)


def end_of_melodies():
    """The objective of 700 training melodies, as minibatches have it, but for the transpositions."""
    tokens = melody.to_tokens(load_melodies().x_train[::8])
    rng = np.random.default_rng(0)
    model, _ = long_training.load_melody_model()
    hot = melody.ONE_HOT[tokens.T]
    eps = rng.standard_normal((len(tokens), MELODY_RECIPE["K"]), dtype=np.float32)
    terms = melody.melody_terms(model, tokens, keep_some(hot, 0.9, rng), eps, keep_some(shifted(hot), 0.5, rng))
    return np.mean(MELODY_RECIPE["kl_weight"] * terms[1] - terms[0])


def end_of_pens(model, weight, noise):
    """The objective of 800 training digits, as minibatches have it."""
    x, rng = load_pen_digits().x_train[: long_training.PENS : 10, :, None], np.random.default_rng(0)
    seen = sketch.features(x + PEN_RECIPE["grid"] * rng.uniform(-0.5, 0.5, x.shape), np.full(len(x), 8))
    eps = np.float32(noise) * rng.standard_normal((len(x), PEN_RECIPE["K"]), dtype=np.float32)
    before = keep_some(shifted(seen[..., :-1]), PEN_RECIPE["kept"], rng)
    reconstruction, kl = sketch.sketch_terms(model, seen, eps, before, sketch.DIGITS)
    return np.mean(weight * kl - reconstruction)


ends = {
    "pens": lambda: end_of_pens(long_training.load_pen_models()[0], 1, 1),
    "pens_autoencoder": lambda: end_of_pens(long_training.load_pen_models()[1], 0, 0),
    "kanji": end_of_kanji,
    "melodies": end_of_melodies,
}
