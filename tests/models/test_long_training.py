"""The stored networks are what the notebook says of them, and their script leaves out what the course holds out."""

import numpy as np

from course_utils.data import build_packs, load_mnist
from course_utils.models import long_training, vae
from course_utils.models.long_training import FOLDER, HELD_OUT, SIZES, all_digits, load_vae_digits


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
