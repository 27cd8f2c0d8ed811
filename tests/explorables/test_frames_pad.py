"""The frames pad: what is in its frames, what is said of them, and what is refused."""

import json
import re

import numpy as np
import pytest
import traitlets

from course_utils.explorables.frames_pad import completion_pad, flow_pad, frames_pad, modes_pad
from course_utils.models import flow, gan, made
from course_utils.models.flow import Flow, alternating_masks
from course_utils.networks.masked import made_masks
from course_utils.networks.nets import init_mlp
from course_utils.probability.ring import CENTRES


def some_pad(sizes=(3, 2), **more):
    frames = np.random.default_rng(0).random((*sizes, 4, 5, 2))
    names, labels = ["a", "b"][: len(sizes)], [[f"{i}!" for i in range(n)] for n in sizes]
    return frames, frames_pad(frames, names, labels, lambda *at: f"at {at}", "Frames.", columns=2, **more)


def test_frames_go_to_the_browser_as_they_are():
    frames, pad = some_pad()
    np.testing.assert_allclose(pad.array(), frames, rtol=1e-6)
    assert json.loads(pad.captions) == [f"at {(i, j)}" for i in range(3) for j in range(2)] and pad.value == [1, 1]


def test_the_page_has_a_picture_with_a_text_and_the_whole_state():
    _, pad = some_pad(given=[0, 2, 5])
    page = pad.standalone()
    assert re.search(r'<img alt="Frames. Here: some of the frames."', page)
    state = json.loads(re.search(r"const state = (\{.*?\}), urls", page)[1])
    assert state["labels"] == pad.labels and state["given"] == [0, 2, 5]
    assert len(pad.picture().axes) == 3


def test_what_does_not_fit_is_refused():
    frames, pad = some_pad()
    with pytest.raises(ValueError, match="a name and labels for each size"):
        frames_pad(frames, ["a"], [["1"] * 3], str, "Frames.")
    with pytest.raises(ValueError, match="given: one number for each of the 3 places"):
        some_pad(given=[1])
    with pytest.raises(ValueError, match='"points" with an extent'):
        some_pad(kind="points")
    with pytest.raises(traitlets.TraitError, match=r"below \[3, 2\]"):
        pad.value = [3, 0]


def test_a_flows_latent_moves_alone():
    rng = np.random.default_rng(1)
    model = Flow(np.zeros(16), np.ones(16), alternating_masks(16, 4), [init_mlp([16, 8, 32], rng) for _ in range(4)])
    z = rng.normal(size=(3, 16))
    frames = flow_pad(model, z, 2, reach=2.0, values=5).array()
    assert frames.shape == (5, 5, 3, 8, 2)
    start = frames[:, 0].reshape(5, 3, 16)
    np.testing.assert_allclose(start[:, :, 2], np.repeat(np.linspace(-2, 2, 5)[:, None], 3, axis=1), atol=1e-6)
    np.testing.assert_allclose(np.delete(start, 2, axis=2)[4], np.delete(z, 2, axis=1), rtol=1e-5)
    z[:, 2] = -2
    np.testing.assert_allclose(frames[0, -1].reshape(3, 16), flow.flow_inverse(model, z), atol=1e-4)


def test_completions_keep_what_is_given():
    rng = np.random.default_rng(2)
    x = rng.random((2, 16))
    model = made.init_made(x, made_masks([16, 20, 16], range(16)), 2, rng)
    pad = completion_pad(model, x, rng, completions=4)
    frames = pad.array()
    assert frames.shape == (9, 2, 4, 8, 2) and pad.given == list(range(9)) and pad.value == [4, 0]
    for begun in range(9):
        for n in range(2):
            same = np.isclose(frames[begun, n], x[n].reshape(8, 2)).all(axis=(0, 2))
            assert same[:begun].all() and not same[begun:].any()


def test_modes_are_counted():
    constant = [(np.zeros((2, 2), np.float32), CENTRES[3].astype(np.float32))]  # always on one spot
    pad = modes_pad({10: gan.init_leaky([2, 4, 2], np.random.default_rng(3)), 20: constant}, np.zeros((50, 2)))
    assert json.loads(pad.captions)[1].startswith("Step 20: 1 of 8 spots has")
    as_it_is = [(np.eye(2, dtype=np.float32), np.zeros(2, np.float32))]
    pad = modes_pad({30: as_it_is}, CENTRES[[0] * 2 + [1] * 4 + [2] * 44])  # 4, 8 and 88 %
    assert json.loads(pad.captions) == ["Step 30: 2 of 8 spots have at least 6 % of 50 samples."]


def test_all_samples_are_counted_and_some_are_drawn():
    as_it_is = [(np.eye(2, dtype=np.float32), np.zeros(2, np.float32))]
    pad = modes_pad({30: as_it_is}, CENTRES[[0] * 5 + [1] * 45], drawn=5)
    assert json.loads(pad.captions)[0].startswith("Step 30: 2 of 8 spots have") and pad.array().shape == (1, 1, 5, 2)
