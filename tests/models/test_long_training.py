"""The stored networks are what the notebook says of them, and their script leaves out what the course holds out."""

import numpy as np
import pytest

from course_utils.data import build_packs, load_kanji, load_melodies, load_mnist
from course_utils.models import long_training, melody, sketch, vae
from course_utils.models.long_training import FOLDER, HELD_OUT, SIZES, all_digits, load_vae_digits
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
    assert np.mean(apart) < 0.042 and np.mean(n == counts) > 0.74 and seconds > 0
    model, seconds = long_training.load_melody_model()
    tunes = load_melodies().x_test
    again = melody.melody_decode(model, melody.melody_encode(model, tunes)[0])
    assert np.mean(again == tunes) > 0.85 and seconds > 0
    readme = (FOLDER / "README.md").read_text()
    for name in long_training.SEQUENCES:
        assert (FOLDER / f"{name}.npz").stat().st_size < 2e6 and f"{name}.npz" in readme


def test_the_script_trains_and_stores(monkeypatch, tmp_path):
    monkeypatch.setattr(long_training, "FOLDER", tmp_path)
    monkeypatch.setitem(long_training.SEQUENCES, "kanji", lambda: {"head": [(np.full((2, 2), 0.25), np.zeros(2))]})
    monkeypatch.setattr("sys.argv", ["long_training", "kanji"])
    long_training.main()
    model, seconds = long_training._stored("kanji")
    np.testing.assert_array_equal(model["head"][0][0], np.full((2, 2), 0.25))
    assert seconds >= 0
