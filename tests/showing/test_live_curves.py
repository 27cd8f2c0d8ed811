"""Curves during training: what is recorded, how often it is drawn, and what an interruption leaves."""

import functools

import numpy as np
import pytest
import tqdm

from course_utils.models.vae import elbo_terms, vae_train
from course_utils.showing import live_curves
from course_utils.showing.live_curves import ALT, draw_elbo, live_elbo


class Output:
    """Stands for the notebook's output: what was displayed first, and what replaced it."""

    def __init__(self):
        self.pictures = []

    def show(self, picture):
        self.pictures.append(picture)
        return self

    def update(self, picture, raw):
        assert raw
        self.pictures.append(picture)


@pytest.fixture
def output(monkeypatch):
    output = Output()
    monkeypatch.setattr(live_curves, "_show", output.show)
    return output


def patterns(rng, N=200):
    """Two bars that are on or off together."""
    return np.repeat(rng.integers(0, 2, (N, 2)), 4, axis=1).astype(np.float32)


def train(history, steps=120, every=50, stop=None):
    rng = np.random.default_rng(0)
    x, held = patterns(rng), patterns(rng, 30)
    eps = rng.standard_normal((30, 2), dtype=np.float32)
    watch = live_elbo(history, held, eps, steps, every)

    def callback(t, params, loss):
        watch(t, params, loss)
        if t == stop:
            raise KeyboardInterrupt

    return vae_train(x, [8, 6, 2], steps, rng, callback=callback), held, eps


@pytest.mark.slow
def test_both_terms_are_recorded_every_so_often_and_after_the_last_step(output):
    history = []
    networks, held, eps = train(history)
    assert [t for t, _, _ in history] == [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 50, 100, 120]
    reconstruction, kl = elbo_terms(*networks, held, eps)
    assert history[-1][1:] == pytest.approx((reconstruction.mean(), kl.mean()), rel=1e-5)


@pytest.mark.whole
def test_the_output_is_one_picture_that_is_replaced_and_says_the_same_in_words(output):
    train([])
    assert len(output.pictures) >= 3  # empty axes before the progress bar, the first, and the one after the last step
    assert all(picture["text/plain"] == ALT and f'alt="{ALT}"' in picture["text/html"] for picture in output.pictures)
    assert output.pictures[0]["text/html"] != output.pictures[-1]["text/html"]


@pytest.mark.slow
def test_drawing_takes_a_small_part_of_the_time(output, monkeypatch):
    now = iter(np.arange(0, 1e6, 0.5))  # every look at the clock: half a second later
    monkeypatch.setattr(live_curves.time, "monotonic", lambda: next(now))
    history = []
    train(history, steps=400, every=4)
    assert len(history) == 103 and 2 <= len(output.pictures) <= 12


@pytest.mark.slow
def test_an_interruption_keeps_curves_and_picture(output, capsys):
    history = []
    networks, *_ = train(history, steps=500, every=10, stop=35)
    assert [t for t, _, _ in history] == [1, 2, 3, 4, 6, 8, 10, 20, 30] and output.pictures
    assert "stopped after 35 of 500" in capsys.readouterr().out
    assert all(np.isfinite(W).all() for part in networks for W, b in part)


def test_the_figure_shows_terms_and_their_difference():
    fig = draw_elbo([(50, -120.0, 10.0), (100, -90.0, 20.0)], 200)
    both, alone = fig.axes
    lines = {line.get_label(): list(line.get_ydata()) for line in both.lines}
    assert lines == {"reconstruction": [-120, -90], "ELBO": [-130, -110]}
    assert list(alone.lines[0].get_ydata()) == [10, 20] and alone.get_ylim()[0] == 0
    assert "Step 100" in both.get_title() and "−110.0" in both.get_title()


@pytest.mark.slow
def test_without_a_notebook_nothing_is_shown(capsys, monkeypatch):
    monkeypatch.setattr(tqdm, "tqdm", functools.partial(tqdm.tqdm, disable=True))
    history = []
    train(history)
    assert len(history) == 14 and capsys.readouterr().out == ""
