"""Answers to "Explore" that no cell of the notebook computes, as it would take too long there. Weekly."""

import contextlib
import io
from pathlib import Path

import numpy as np
import pytest
from weekly import WEEKLY

from course_utils.building.build import read_source

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not WEEKLY, reason="a minute and more for each notebook: weekly")]


def solved(stem):
    """What the names of a solution stand for when its last cell has run."""
    names = {"__name__": "__main__"}
    with contextlib.redirect_stdout(io.StringIO()):
        for cell in read_source(ROOT / "solutions" / f"{stem}.py"):
            if cell.cell_type == "code":
                exec(compile(cell.source, stem, "exec"), names)
    return names


@pytest.fixture(scope="module")
def nine():
    return solved("09_class_conditional_vae")


@pytest.mark.parametrize("seed", [0, 1])
def test_with_ten_latents_little_is_left_of_the_gain(nine, seed):
    few, data = nine["few_labels"](seed), nine["small_fit"]
    *_, net = nine["m2_train"](
        data, data[few], nine["y_fit"][few], 10, [196, 100, 100, 10], [100], 300, np.random.default_rng(seed),
        alpha=10, batch_size=80, step_size=8e-3,
    )  # fmt: skip
    error, with_two, alone = nine["wrong"](net), nine["errors"]["M2"][seed], nine["errors"]["100 labels alone"][seed]
    assert error == pytest.approx([20.8, 19.6][seed], abs=0.7)
    assert error - with_two > 3 and alone - error < 2


def test_between_two_networks_slants_agree_by_chance(nine):
    labels, old, new = nine["y_fit"], nine["y_600"], nine["y_other"]
    hot, same = np.eye(10), (old >= 5) == (new >= 5)
    slants, between = nine["source_style"][0], []
    for seed in (0, 2, 4):
        z, pictures = np.empty((600, 4)), np.empty_like(nine["x_600"])
        nets = [
            nine["cvae_train"](
                nine["x_fit"][(labels >= 5) == k], labels[(labels >= 5) == k], 10, [784, 300, 4], 650,
                np.random.default_rng(seed + k), batch_size=128, step_size=7e-3,
            )
            for k in (0, 1)
        ]  # fmt: skip
        for k, (encoder, _) in enumerate(nets):
            mine = (old >= 5) == k
            z[mine] = nine["encoder_forward"](encoder, np.hstack([nine["x_600"][mine], hot[old[mine]]]))[0]
        for k, (_, decoder) in enumerate(nets):
            mine = (new >= 5) == k
            pictures[mine] = nine["vae_generate"](decoder, np.hstack([z[mine], hot[new[mine]]]))
        written = nine["style"](pictures, new)[0]
        assert np.corrcoef(written[same], slants[same])[0, 1] == pytest.approx(0.86, abs=0.04)
        between.append(np.corrcoef(written[~same], slants[~same])[0, 1])
    assert min(between) < -0.2 and max(between) > 0.5 and max(np.abs(between)) < 0.85
