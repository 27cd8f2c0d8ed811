"""Drawings: strokes and features there and back, the conductor's decoder, the bound against sums by hand, training."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad, value_and_grad
from autograd.test_util import check_grads
from scipy.spatial import cKDTree

from course_utils.data import load_kanji, load_pen_digits
from course_utils.models import sketch
from course_utils.models.conductor import (
    first_state,
    init_decoder,
    keep_some,
    messages,
    outputs,
    read,
    roll_out,
    shifted,
)
from course_utils.models.sketch import DIGITS, KANJI, Shape
from course_utils.networks.flat import leaves, map_leaves
from course_utils.networks.mixture_density import stroke_cross_entropy
from course_utils.networks.nets import init_mlp
from course_utils.networks.recurrent import gru_step

SMALL = Shape(4, 3, 2, True)


def model(shape=SMALL, K=3, seed=0, message=5):
    rng = np.random.default_rng(seed)
    return {
        "encoder": init_mlp([shape.T * (2 * shape.P + 1), 9, 2 * K], rng, np.float64),
        "decoder": init_decoder(K, 7, shape.T, message, 2 * shape.P, 6, shape.M * (1 + 5 * shape.P) + 1, rng),
    }


def drawings(N=5, shape=SMALL, seed=1):
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, shape.T + 1, N)
    x = rng.random((N, shape.T, shape.P, 2)).astype("f4")
    return x * (np.arange(shape.T) < counts[:, None])[..., None, None], counts


def test_strokes_end_where_the_pen_is_lifted():
    steps = np.array([[0.1, 0.1, 0], [0.2, 0, 1], [0, 0.3, 0], [0, 0.1, 0], [0.1, 0, 1]])
    first, second = sketch.strokes_of(steps)
    np.testing.assert_allclose(first, [[0.1, 0.1], [0.3, 0.1]])
    np.testing.assert_allclose(second, [[0.3, 0.4], [0.3, 0.5], [0.4, 0.5]])


def test_resampling_keeps_ends_and_steps_evenly():
    points = sketch.resample(np.array([[0, 0], [1, 0], [1, 2]]), 7)
    np.testing.assert_allclose(points, [[0, 0], [0.5, 0], [1, 0], [1, 0.5], [1, 1], [1, 1.5], [1, 2]])
    np.testing.assert_allclose(sketch.resample(np.array([[0.3, 0.4]]), 3), [[0.3, 0.4]] * 3)


def test_kanji_of_at_most_ten_strokes_come_out_whole():
    data = load_kanji()
    x, counts, which = sketch.drawings_of(data.x_test)
    assert len(which) == sum(steps[:, 2].sum() <= 10 for steps in data.x_test)
    assert (counts == [data.x_test[i][:, 2].sum() for i in which]).all() and counts.max() == 10
    first = sketch.strokes_of(data.x_test[which[3]])
    for stroke, original in zip(x[3], first):
        np.testing.assert_allclose(stroke[[0, -1]], original[[0, -1]], atol=1e-6)
    assert not x[0, counts[0] :].any()


def test_features_go_there_and_back():
    x, counts = drawings()
    seen = sketch.features(x, counts)
    assert seen.shape == (4, 5, 7) and (seen[..., -1].sum(axis=0) == counts).all()
    back = sketch.points_of(seen[..., :-1].transpose(1, 0, 2))
    drawn = np.arange(4) < counts[:, None]
    np.testing.assert_allclose(back[drawn], x[drawn], atol=1e-6)
    assert not seen[~drawn.T].any()


def test_the_loss_is_that_of_each_stroke_and_of_going_on():
    x, counts = drawings()
    seen = sketch.features(x, counts)
    out = np.random.default_rng(2).normal(size=(4, 5, SMALL.M * 16 + 1))
    got = sketch.drawing_cross_entropy(out, seen, SMALL)
    for n in range(5):
        total = 0.0
        for t in range(counts[n]):
            params, more = sketch.scaled(out[t, n : n + 1], SMALL)
            total += stroke_cross_entropy(params, seen[t, n : n + 1, :-1].reshape(1, 3, 2))[0]
            if t + 1 < 4:
                total += np.log1p(np.exp(-more[0] if t + 1 < counts[n] else more[0]))
            else:
                total += np.log1p(np.exp(more[0]))
        assert got[n] == pytest.approx(total, rel=1e-6)


@pytest.mark.parametrize("ends", [True, False])
def test_the_loss_has_the_slopes_of_finite_differences(ends):
    x, counts = drawings()
    seen = sketch.features(x, counts).astype(float)
    out = np.random.default_rng(3).normal(size=(4, 5, SMALL.M * 16 + 1))
    out[0, 0] *= 4  # widths near their floor
    check_grads(lambda out: sketch.drawing_cross_entropy(out, seen, SMALL._replace(ends=ends)), modes=["rev"], order=1)(
        out
    )


@pytest.mark.parametrize("message", [3, 0])
def test_the_gradients_written_out_are_those_of_the_plain_terms(message):
    """`loss_and_gradients` gives what autograd gives of `sketch_terms`, with a conductor and without."""
    rng, (x, counts) = np.random.default_rng(5), drawings()
    model = map_leaves(
        lambda leaf: leaf + 0.1 * rng.normal(size=leaf.shape),
        {
            "encoder": init_mlp([4 * 7, 6, 5, 4], rng),
            "decoder": init_decoder(2, 5, 4, message, 6, 3, SMALL.M * 16 + 1, rng),
        },
    )
    seen, eps = sketch.features(x, counts).astype(float), rng.normal(size=(5, 2))
    batch = seen, eps, keep_some(shifted(seen[..., :-1]), 0.5, rng)

    def plain(model):
        reconstruction, kl = sketch.sketch_terms(model, *batch, SMALL)
        return anp.mean(0.7 * kl - reconstruction)

    value, gradients = sketch.loss_and_gradients(model, *batch, SMALL, 0.7)
    exact, expected = value_and_grad(plain)(model)
    assert value == pytest.approx(exact)
    for found, leaf in zip(leaves(gradients), leaves(expected), strict=True):
        np.testing.assert_allclose(found, leaf, rtol=1e-5, atol=1e-7)


def test_what_was_not_drawn_changes_no_loss():
    x, counts = drawings()
    counts[:] = 2
    seen = sketch.features(x, counts)
    out = np.random.default_rng(2).normal(size=(4, 5, SMALL.M * 16 + 1))
    other = out.copy()
    other[2:] = 7
    np.testing.assert_array_equal(
        sketch.drawing_cross_entropy(out, seen, SMALL), sketch.drawing_cross_entropy(other, seen, SMALL)
    )


def test_widths_have_a_floor():
    out = np.full((1, SMALL.M * 16 + 1), -50.0)
    params, _ = sketch.scaled(out, SMALL)
    assert params[0, SMALL.M * 7] == pytest.approx(-6.5, abs=1e-6)


@pytest.mark.parametrize("message", [5, 0])
def test_decoding_is_feeding_back_what_came_out(message):
    """roll_out against `outputs` on what roll_out has made, with a conductor and without."""
    m, shape = model(message=message), SMALL
    z = np.random.default_rng(3).normal(size=(5, 3))
    x, counts = sketch.sketch_decode(m, z, shape)
    seen = sketch.features(x, np.full(5, shape.T))
    out = outputs(m["decoder"], z.astype("f4"), shifted(seen[..., :-1]))
    for t in range(shape.T):
        params, more = sketch.scaled(out[t], shape)
        points = sketch.points_of(sketch.likeliest_strokes(params, 3).reshape(5, -1))
        np.testing.assert_allclose(points, x[:, t], atol=1e-5)
        assert ((more > 0) == (counts > t + 1))[counts > t].all() or t == shape.T - 1


def test_another_step_can_move_the_decoder():
    m, z = model(), np.ones((1, 3))
    calls = []

    def counting(params, h, x):
        calls.append(x.shape)
        return gru_step(params, h, x)

    a, b = sketch.sketch_decode(m, z, SMALL)[0], sketch.sketch_decode(m, z, SMALL, counting)[0]
    np.testing.assert_array_equal(a, b)
    assert len(calls) == 4


def test_without_a_conductor_z_is_the_first_state_and_nothing_more():
    """Against a loop over `gru_step`; the code gets its gradient through that state."""
    decoder = model(message=0)["decoder"]
    rng = np.random.default_rng(4)
    z, before = rng.normal(size=(2, 3)), rng.normal(size=(4, 2, 6))
    (W, b), (V, c) = decoder["start"]
    h = np.tanh(np.tanh(z @ W + b) @ V + c)
    np.testing.assert_allclose(first_state(decoder, z), h, rtol=1e-6)
    wanted = []
    for x in before:
        h = gru_step(decoder["gru"], h, x)
        wanted.append(h @ decoder["head"][0][0] + decoder["head"][0][1])
    np.testing.assert_allclose(outputs(decoder, z, before), wanted, rtol=1e-5, atol=1e-6)
    assert messages(decoder, z, 4).shape == (4, 2, 0) and "conductor" not in decoder
    wide = {name: [tuple(np.asarray(a, float) for a in part) for part in decoder[name]] for name in ("start", "head")}
    wide["gru"] = tuple(np.asarray(a, float) for a in decoder["gru"])
    total = lambda z: outputs(wide, z, before).sum()  # noqa: E731
    step = 1e-6 * np.eye(3)[1]
    assert grad(total)(z)[:, 1].sum() == pytest.approx((total(z + step) - total(z - step)) / 2e-6, rel=1e-6)
    assert not first_state(model()["decoder"], z).any()


def test_the_conductor_sends_each_step_its_message():
    m = model()
    z = np.random.default_rng(0).normal(size=(2, 3)).astype("f4")
    told = messages(m["decoder"], z, 4)
    (W, b), (V, c) = m["decoder"]["conductor"]
    flat = np.tanh(np.tanh(z @ W + b) @ V + c)
    for t in range(4):
        np.testing.assert_allclose(told[t], flat[:, 5 * t : 5 * t + 5], rtol=1e-5)
    came = roll_out(m["decoder"], z, 4, lambda out: (out[:, :1], np.zeros((2, 6))))
    assert came.shape == (4, 2, 1)


def test_word_dropout_takes_whole_steps():
    x = np.ones((30, 40, 3), "f4")
    kept = keep_some(x, 0.3, np.random.default_rng(0))
    assert kept.dtype == np.float32 and set(kept.sum(axis=2).ravel()) == {0.0, 3.0}
    assert kept.mean() == pytest.approx(0.3, abs=0.04)
    np.testing.assert_array_equal(keep_some(x, 1.0, np.random.default_rng(0)), x)


def test_the_encoder_reads_all_steps():
    m, (x, counts) = model(), drawings()
    seen = sketch.features(x, counts)
    mu, log_sigma = read(m["encoder"], seen)
    (W, b), (V, c) = m["encoder"]
    flat = np.concatenate([seen[t] for t in range(4)], axis=1)
    np.testing.assert_allclose(np.hstack([mu, log_sigma]), np.tanh(flat @ W + b) @ V + c, rtol=1e-6)


def test_the_elbo_counts_units_of_the_box():
    """A density in units of half the box is lower by log 2 a coordinate than one in units of the box."""
    m, (x, counts) = model(), drawings()
    eps = np.random.default_rng(0).normal(size=(5, 3))
    seen = sketch.features(x, counts)
    r, kl = sketch.sketch_terms(m, seen, eps, shifted(seen[..., :-1]), SMALL)
    np.testing.assert_allclose(
        sketch.sketch_elbo(m, x, counts, eps, SMALL), r - kl + np.log(2) * 2 * 3 * counts, rtol=1e-6
    )


def test_the_whole_loss_has_the_gradient_of_finite_differences():
    m, (x, counts) = model(), drawings()
    seen, eps = sketch.features(x, counts).astype(float), np.random.default_rng(0).normal(size=(5, 3))
    to_float = lambda tree: (  # noqa: E731
        {k: to_float(v) for k, v in tree.items()}
        if isinstance(tree, dict)
        else [to_float(v) for v in tree]
        if isinstance(tree, list | tuple)
        else np.asarray(tree, float)
    )
    m = to_float(m)

    def loss(V):
        changed = {**m, "encoder": [m["encoder"][0], [V, m["encoder"][1][1]]]}
        r, kl = sketch.sketch_terms(changed, seen, eps, shifted(seen[..., :-1]), SMALL)
        return (kl - r).sum()

    V = m["encoder"][1][0]
    got = grad(loss)(V)
    for index in [(0, 0), (3, 2), (8, 5)]:
        up, down = V.copy(), V.copy()
        up[index] += 1e-5
        down[index] -= 1e-5
        assert got[index] == pytest.approx((loss(up) - loss(down)) / 2e-5, rel=1e-4, abs=1e-4)


@pytest.mark.slow
def test_training_learns_pen_digits_and_is_reproducible():
    pens = load_pen_digits()
    x, counts = pens.x_train[:2000, :, None], np.full(2000, 8)
    first, second = (
        sketch.sketch_train(x, counts, DIGITS, 10, 150, np.random.default_rng(0), grid=0.01) for _ in range(2)
    )
    np.testing.assert_array_equal(first["decoder"]["gru"][0], second["decoder"]["gru"][0])
    test = pens.x_test[:500, :, None]
    eps = np.random.default_rng(1).standard_normal((500, 10), dtype=np.float32)
    elbo = sketch.sketch_elbo(first, test, np.full(500, 8), eps, DIGITS).mean()
    assert elbo > 2  # the uniform density on the square has 0


def test_chamfer_is_that_of_nearest_neighbours():
    a, b = np.random.default_rng(0).random((2, 30, 2))
    expected = (cKDTree(a).query(b)[0].mean() + cKDTree(b).query(a)[0].mean()) / 2
    assert sketch.chamfer(a, b) == pytest.approx(expected)
    assert sketch.chamfer(a, a) == 0


def test_ink_and_stroke_distances():
    x = np.zeros((1, 3, 2, 2))
    x[0, 0] = [[0, 0], [1, 0]]
    x[0, 1] = [[0.5, 0.5], [0.5, 1]]
    dots = sketch.ink(x[0], 2, dots=3)
    np.testing.assert_allclose(dots, [[0, 0], [0.5, 0], [1, 0], [0.5, 0.5], [0.5, 0.75], [0.5, 1]])
    own = sketch.stroke_shapes(x, [2])
    np.testing.assert_allclose(own, [[0, 0, 1, 0], [0, 0, 0, 0.5]])
    assert sketch.distance_to_strokes(x, [2], own.astype("f4")) == pytest.approx(0, abs=1e-6)
    moved = own.copy()
    moved[:, 2] += 0.1
    assert sketch.distance_to_strokes(x, [2], moved.astype("f4")) == pytest.approx(0.1 / np.sqrt(2), rel=1e-3)


def test_kanji_shape_fits_its_data():
    assert KANJI.ends and KANJI.T == 10 and not DIGITS.ends and DIGITS.P == 1


def test_the_length_of_the_drawn_strokes():
    x = np.zeros((2, 3, 3, 2))
    x[0, 0, :, 0], x[0, 1, :, 1], x[1, 0, 1] = [0, 1, 3], [0, 2, 0], [3, 4]
    x[0, 2] = np.random.default_rng(0).normal(size=(3, 2))  # not drawn
    assert sketch.stroke_length(x, [2, 1]) == pytest.approx((3 + 4 + 10) / 3)
