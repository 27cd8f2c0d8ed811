"""fast and flat: the same numbers and gradients as the plain formulas, in float32 all the way, and nothing lost."""

import itertools
import subprocess
import sys
from pathlib import Path

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import elementwise_grad, grad, value_and_grad
from autograd.extend import defvjp, primitive
from autograd.test_util import check_grads
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from course_utils.networks import fast, flat, optim
from course_utils.networks.nets import init_mlp, mlp


def plain_dense(h, W, b):
    return h @ W + b


def plain_dense_tanh(h, W, b):
    return anp.tanh(h @ W + b)


def plain_cross_entropy(x, logits):
    return anp.sum(anp.logaddexp(0, logits) - x * logits, axis=-1)


def plain_kl(mu, log_sigma):
    return 0.5 * anp.sum(anp.exp(2 * log_sigma) + mu**2 - 1 - 2 * log_sigma, axis=-1)


def plain_sample(mu, log_sigma, eps):
    return mu + anp.exp(log_sigma) * eps


def plain_sigmoid(logits):
    return 1 / (1 + anp.exp(-logits))


# name: the fast and the plain function, the shapes of the arguments, and which of them are differentiated
CASES = {
    "dense": (fast.dense, plain_dense, [(5, 3), (3, 4), (4,)], [0, 1, 2]),
    "dense, one row": (fast.dense, plain_dense, [(1, 3), (3, 1), (1,)], [0, 1, 2]),
    "dense, no rows": (fast.dense, plain_dense, [(0, 3), (3, 2), (2,)], [0, 1, 2]),
    "dense, a vector": (fast.dense, plain_dense, [(3,), (3, 4), (4,)], [0, 1, 2]),
    "dense, samples": (fast.dense, plain_dense, [(2, 5, 3), (3, 4), (4,)], [0, 1, 2]),
    "dense_tanh": (fast.dense_tanh, plain_dense_tanh, [(5, 3), (3, 4), (4,)], [0, 1, 2]),
    "dense_tanh, a vector": (fast.dense_tanh, plain_dense_tanh, [(3,), (3, 1), (1,)], [0, 1, 2]),
    "dense_tanh, samples": (fast.dense_tanh, plain_dense_tanh, [(2, 5, 3), (3, 4), (4,)], [0, 1, 2]),
    "cross-entropy": (fast.bernoulli_cross_entropy, plain_cross_entropy, [(4, 6), (4, 6)], [1]),
    "cross-entropy, one pixel": (fast.bernoulli_cross_entropy, plain_cross_entropy, [(1, 1), (1, 1)], [1]),
    "cross-entropy, a vector": (fast.bernoulli_cross_entropy, plain_cross_entropy, [(6,), (6,)], [1]),
    "cross-entropy, samples": (fast.bernoulli_cross_entropy, plain_cross_entropy, [(4, 6), (3, 4, 6)], [1]),
    "sigmoid": (fast.sigmoid, plain_sigmoid, [(3, 2)], [0]),
    "kl": (fast.gaussian_kl, plain_kl, [(5, 3), (5, 3)], [0, 1]),
    "kl, a vector": (fast.gaussian_kl, plain_kl, [(3,), (3,)], [0, 1]),
    "kl, one latent": (fast.gaussian_kl, plain_kl, [(4, 1), (4, 1)], [0, 1]),
    "sample": (fast.gaussian_sample, plain_sample, [(5, 3), (5, 3), (5, 3)], [0, 1]),
    "sample, many": (fast.gaussian_sample, plain_sample, [(5, 3), (5, 3), (7, 5, 3)], [0, 1]),
    "sample, one": (fast.gaussian_sample, plain_sample, [(1, 1), (1, 1), (1, 1)], [0, 1]),
}
cases = pytest.mark.parametrize("case", CASES)
cases_with_numbers = pytest.mark.parametrize("case", [case for case in CASES if "no rows" not in case])


def arguments(case, dtype=np.float64):
    rng = np.random.default_rng(3)
    return [np.asarray(rng.normal(0.3, 0.8, size=shape), dtype) for shape in CASES[case][2]]


def assert_same_gradients(f, g, args, argnums, rtol):
    """f and g agree, and so do their vector-Jacobian products with a random vector, for every subset of argnums."""
    np.testing.assert_allclose(f(*args), g(*args), rtol=rtol, atol=rtol)
    weights = np.random.default_rng(4).normal(size=np.shape(g(*args)))
    subsets = [s for n in range(1, len(argnums) + 1) for s in itertools.combinations(argnums, n)]
    for subset in subsets:
        ours, theirs = (grad(lambda *args, f=f: anp.sum(f(*args) * weights), subset)(*args) for f in (f, g))
        for got, expected, argnum in zip(ours, theirs, subset):
            assert np.shape(got) == np.shape(args[argnum]) and got.dtype == args[argnum].dtype
            np.testing.assert_allclose(got, expected, rtol=rtol, atol=rtol)


@cases
def test_values_and_gradients_are_those_of_the_plain_formulas(case):
    f, g, _, argnums = CASES[case]
    assert_same_gradients(f, g, arguments(case), argnums, rtol=1e-10)


@pytest.mark.parametrize("off", [(1.001, 1), (1, 1.001)])
def test_a_gradient_that_is_off_by_a_thousandth_is_noticed(off):
    @primitive
    def planted(mu, log_sigma):
        return plain_kl(mu, log_sigma)

    defvjp(
        planted,
        *(
            lambda ans, *args, vjp=vjp, factor=factor: lambda g: factor * vjp(ans, *args)(g)
            for vjp, factor in zip((fast.gaussian_kl_vjp_mu, fast.gaussian_kl_vjp_log_sigma), off)
        ),
    )
    with pytest.raises(AssertionError):
        assert_same_gradients(planted, plain_kl, arguments("kl"), [0, 1], rtol=1e-10)
    np.random.seed(5)  # noqa: NPY002 (check_grads draws its directions from the global state)
    with pytest.raises(AssertionError):
        check_grads(planted, (0, 1), modes=["rev"], order=1)(*arguments("kl"))


@cases_with_numbers
def test_gradients_are_finite_differences_also_of_second_order(case):
    f, _, _, argnums = CASES[case]
    args = arguments(case)

    def of(*varied):
        at = iter(varied)
        return f(*[next(at) if i in argnums else arg for i, arg in enumerate(args)])

    np.random.seed(5)  # noqa: NPY002 (check_grads draws its directions from the global state)
    check_grads(of, tuple(range(len(argnums))), modes=["rev"], order=2)(*[args[i] for i in argnums])


def gradient(objective, function, argnum):
    return grad(lambda *args: objective(function(*args)), argnum)


@cases_with_numbers
def test_float32_stays_float32_whatever_the_objective(case):
    """Also under np.mean, whose gradient autograd makes float64, and close to the gradients in float64."""
    f, g, _, argnums = CASES[case]
    single, double = arguments(case, np.float32), arguments(case)
    assert f(*single).dtype == np.float32
    for argnum in argnums:
        for objective in (anp.mean, anp.sum):
            got = gradient(objective, f, argnum)(*single)
            assert got.dtype == np.float32
            np.testing.assert_allclose(got, gradient(objective, g, argnum)(*double), rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extreme_logits(dtype):
    logits = np.array([[1000.0, 1000.0, -1000.0, -1000.0, 0.0]], dtype)
    x = np.array([[1.0, 0.0, 1.0, 0.0, 1.0]], dtype)
    with np.errstate(all="raise"), np.errstate(under="ignore"):
        np.testing.assert_allclose(fast.bernoulli_cross_entropy(x, logits), [2000 + np.log(2)], rtol=1e-6)
        slope = elementwise_grad(fast.bernoulli_cross_entropy, 1)(x, logits)
    np.testing.assert_allclose(slope, [[0, 1, -1, 0, -0.5]], atol=1e-7)


@given(st.floats(-90, 90), st.floats(0, 1))
def test_cross_entropy_in_float32_is_as_exact_as_promised(logit, x):
    single = fast.bernoulli_cross_entropy(*np.array([[x], [logit]], np.float32))
    x, logit = np.array([[x], [logit]], np.float32).astype(float)
    exact = plain_cross_entropy(x, logit)
    assert abs(float(single) - exact) <= 1.2e-7 * (1 + abs(logit[0]))


def test_shapes_that_do_not_fit_are_refused():
    for function, rest in ((fast.gaussian_kl, ()), (fast.gaussian_sample, (np.ones((2, 3)),))):
        with pytest.raises(ValueError, match=r"one shape, but they have \(2, 3\) and \(3,\)"):
            function(np.ones((2, 3)), np.ones(3), *rest)
    with pytest.raises(NotImplementedError):  # the data are not differentiated, rather than wrongly so
        grad(lambda x: anp.sum(fast.bernoulli_cross_entropy(x, np.ones((2, 3)))))(np.ones((2, 3)))


def plain_mlp(params, h, activation=anp.tanh):
    for W, b in params[:-1]:
        h = activation(h @ W + b)
    W, b = params[-1]
    return h @ W + b


@pytest.mark.parametrize("activation", [anp.tanh, anp.sin, lambda h: h])
def test_a_network_is_the_plain_formula_and_differentiates_as_it_does(activation):
    params = init_mlp([3, 5, 4, 2], np.random.default_rng(0), np.float64)
    for shape in ((6, 3), (3,), (2, 6, 3)):
        x = np.random.default_rng(1).normal(size=shape)
        np.testing.assert_allclose(mlp(params, x, activation), plain_mlp(params, x, activation), rtol=1e-12)
        for argnum in (0, 1):
            ours, plain = (
                grad(lambda p, x, f=f: anp.sum(f(p, x, activation) ** 2), argnum)(params, x) for f in (mlp, plain_mlp)
            )
            np.testing.assert_allclose(flat.flatten(ours), flat.flatten(plain), rtol=1e-10, atol=1e-12)


# ----- flat -----

nestings = st.recursive(
    st.tuples(st.lists(st.integers(0, 3), max_size=3), st.integers(0, 9)).map(
        lambda pair: np.random.default_rng(pair[1]).normal(size=pair[0])
    ),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.sampled_from("abc"), inner, min_size=1)
    ),
    max_leaves=6,
)


@pytest.mark.whole
@given(nestings)
def test_unflatten_undoes_flatten_without_a_copy(tree):
    vector = flat.flatten(tree)
    again = flat.unflatten(vector, tree)
    assert len(vector) == sum(np.size(leaf) for leaf in flat.leaves(tree))
    for one, other in zip(flat.leaves(again), flat.leaves(tree), strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.size == 0 or np.shares_memory(one, vector)


def shared_weights(params, batch):
    """A parameter used twice by dense layers, one used by other operations too, one not at all, and one nested deep."""
    W, b = params["layer"]
    h = fast.dense_tanh(fast.dense_tanh(batch, W, b), W, b)
    return anp.sum(fast.dense(h, W, b) ** 2) + anp.sum(W[0] ** 3) + anp.sum(anp.exp(params["deep"][0][0]))


def shared_parameters():
    rng = np.random.default_rng(0)
    return {
        "layer": (rng.normal(size=(4, 4)), rng.normal(size=4)),
        "deep": [[rng.normal(size=())]],
        "unused": rng.normal(size=3),
    }


def test_the_gradient_is_autograds_for_any_nesting_and_use():
    params, batch = shared_parameters(), np.random.default_rng(1).normal(size=(5, 4))
    gradient = np.full(len(flat.flatten(params)), np.nan)
    compute = flat.value_and_gradient(shared_weights, params, out=flat.unflatten(gradient, params))
    value, expected = value_and_grad(shared_weights)(params, batch)
    for _ in range(2):  # the second time over what the first has left
        assert np.isclose(compute(batch), value, rtol=1e-12)
        np.testing.assert_allclose(gradient, flat.flatten(expected), rtol=1e-10)
    assert not flat._slots


def test_the_product_is_written_straight_into_the_gradient():
    """The address of what autograd hands on is that of the flat vector, so nothing was copied."""
    params = [(np.ones((3, 2)), np.zeros(2))]
    gradient = np.zeros(8)
    slot = flat.unflatten(gradient, params)[0][0]
    flat._slots[id(params[0][0])] = slot
    try:
        first = flat.matmul_into_gradient(params[0][0], np.ones((3, 4)), np.ones((4, 2)))
        second = flat.matmul_into_gradient(params[0][0], np.ones((3, 4)), np.ones((4, 2)))
    finally:
        flat._slots.clear()
    assert first is slot and np.all(gradient[:6] == 4) and not np.shares_memory(second, gradient)


def test_an_error_in_the_loss_leaves_nothing_behind():
    params = shared_parameters()
    out = flat.unflatten(np.zeros(len(flat.flatten(params))), params)

    @primitive
    def broken(x):
        return x

    for loss in (lambda p, x: 1 / 0, lambda p, x: broken(shared_weights(p, x))):
        with pytest.raises((ZeroDivisionError, NotImplementedError)):
            flat.value_and_gradient(loss, params, out)(np.ones((5, 4)))
        assert not flat._slots
    with pytest.raises(TypeError, match=r"one number, but it has shape \(5,\)"):
        flat.value_and_gradient(lambda p, x: fast.gaussian_kl(x, x * p["layer"][1]), params, out)(np.ones((5, 4)))
    with pytest.warns(UserWarning, match="does not depend on the parameters"):
        assert flat.value_and_gradient(lambda p, x: 3.0, params, out)(None) == 3.0
    assert not np.any(flat.flatten(out))


# ----- training with them -----


def vae_loss(layers, cross_entropy, kl, sample):
    def loss(params, batch):
        x, eps = batch
        mu, log_sigma = anp.split(layers(params[0], x), 2, axis=-1)
        return anp.sum(cross_entropy(x, layers(params[1], sample(mu, log_sigma, eps))) + kl(mu, log_sigma)) / len(x)

    return loss


def vae_start(dtype):
    rng = np.random.default_rng(0)
    batches = [((rng.random((6, 7)) < 0.4).astype(dtype), rng.normal(size=(6, 2)).astype(dtype)) for _ in range(30)]
    return [init_mlp([7, 5, 4], rng, dtype), init_mlp([2, 5, 7], rng, dtype)], batches


def test_training_with_them_is_training_with_the_plain_formulas():
    params, batches = vae_start(np.float64)
    plain = optim.adam(vae_loss(plain_mlp, plain_cross_entropy, plain_kl, plain_sample), params, batches, 30)
    quick = optim.adam(
        vae_loss(mlp, fast.bernoulli_cross_entropy, fast.gaussian_kl, fast.gaussian_sample), params, batches, 30
    )
    np.testing.assert_allclose(flat.flatten(quick), flat.flatten(plain), rtol=1e-8, atol=1e-10)
    assert np.abs(flat.flatten(quick) - flat.flatten(params)).max() > 0.01


def test_float32_from_data_to_adam():
    """Every gradient as autograd hands it on, and what training returns; and it is close to training in float64."""
    loss = vae_loss(mlp, fast.bernoulli_cross_entropy, fast.gaussian_kl, fast.gaussian_sample)
    params, batches = vae_start(np.float32)
    value, gradient = value_and_grad(loss)(params, batches[0])
    assert {value.dtype, *(leaf.dtype for leaf in flat.leaves(gradient))} == {np.dtype(np.float32)}
    single, double = (optim.adam(loss, *vae_start(dtype), 30) for dtype in (np.float32, np.float64))
    assert flat.flatten(single).dtype == np.float32
    np.testing.assert_allclose(flat.flatten(single), flat.flatten(double), atol=2e-3)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 7), st.integers(1, 12), st.sampled_from([np.float32, np.float64]))
def test_adam_in_blocks_is_adam(block, size, dtype):
    """Blocks of any length, against the formulas of the paper in float64."""
    rng = np.random.default_rng(size)
    p = rng.normal(size=size).astype(dtype)
    theta, m, v = p.astype(float), np.zeros(size), np.zeros(size)
    M, V = np.zeros(size, dtype), np.zeros(size, dtype)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(optim, "BLOCK", block)
        for t in range(1, 6):
            g = rng.normal(size=size).astype(dtype)
            m, v = 0.8 * m + 0.2 * g, 0.99 * v + 0.01 * g.astype(float) ** 2
            theta -= 0.05 * m / (1 - 0.8**t) / (np.sqrt(v / (1 - 0.99**t)) + 1e-3)
            optim._adam_update(p, g.copy(), M, V, t, 0.05, 0.8, 0.99, 1e-3)
    np.testing.assert_allclose(p, theta, rtol=1e-5 if dtype == np.float32 else 1e-12, atol=1e-6)


def test_what_a_callback_keeps_does_not_change():
    params, batches = vae_start(np.float32)
    loss, kept = vae_loss(mlp, fast.bernoulli_cross_entropy, fast.gaussian_kl, fast.gaussian_sample), []
    optim.adam(
        loss, params, batches, 30, callback=lambda t, params, value: kept.append((params, flat.flatten(params), value))
    )
    assert all(np.array_equal(flat.flatten(params), then) for params, then, _ in kept)
    assert len({then.tobytes() for _, then, _ in kept}) == 30 and all(type(value) is float for *_, value in kept)


def test_integer_parameters_and_numbers_can_be_trained():
    trained = optim.adam(
        lambda p, batch: (p["a"] - batch) ** 2 + anp.sum(p["b"] ** 2),
        {"a": 3, "b": [1, 2][0] * np.ones(2, int)},
        [1.0] * 300,
        300,
        step_size=0.05,
    )
    assert abs(trained["a"] - 1) < 0.05 and np.all(np.abs(trained["b"]) < 0.05)


@pytest.mark.whole
def test_the_benchmark_runs():
    script = Path(__file__).parents[1] / "benchmarks" / "bench_training.py"
    done = subprocess.run(
        [sys.executable, script, "--rounds", "2", "--steps", "2", "--jobs", "W2"],
        text=True,
        capture_output=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert all(f"| W2 | {name} |" in done.stdout for name in ("ours", "plain autograd", "floor"))


# ----- integers -----


@pytest.mark.parametrize("dtypes", list(itertools.product(["f8", "i8", "u1"], repeat=3)), ids="-".join)
@pytest.mark.parametrize("layer", [(fast.dense, plain_dense, 100), (fast.dense_tanh, plain_dense_tanh, 0)])
def test_a_layer_of_whole_numbers_is_the_layer_of_the_same_real_numbers(layer, dtypes):
    """Its value does not overflow, and its gradient, also that of a real input, is not cut to whole numbers."""
    rng = np.random.default_rng(0)
    fast_layer, plain_layer, offset = layer
    real = [rng.integers(0, 2, size=shape).astype(float) for shape in [(5, 3), (3, 4), (4,)]]
    real[0] += offset
    real = [arg + 0.3 if dtype == "f8" else arg for arg, dtype in zip(real, dtypes)]
    whole = [arg.astype(dtype) for arg, dtype in zip(real, dtypes)]
    np.testing.assert_allclose(fast_layer(*whole), plain_layer(*real), rtol=1e-12)
    weights = rng.normal(size=(5, 4))
    for i in (i for i in range(3) if dtypes[i] == "f8"):
        got, expected = (
            grad(lambda *args, f=f: anp.sum(f(*args) * weights), i)(*these)
            for f, these in ((fast_layer, whole), (plain_layer, real))
        )
        np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("types", list(itertools.product(["f4", "f8"], repeat=3)), ids="-".join)
def test_gradients_have_the_types_that_the_module_promises(types):
    """That of the argument, whatever the others' are. (One by one: of several at once, autograd sees to it itself.)"""
    for case in ("dense", "dense_tanh", "cross-entropy", "kl", "sample"):
        args = [arg.astype(dtype) for arg, dtype in zip(arguments(case), types)]
        f, _, _, argnums = CASES[case]
        for i in argnums:
            assert gradient(anp.mean, f, i)(*args).dtype == args[i].dtype, case


def test_the_sigmoid_of_a_number_is_a_number_and_of_whole_numbers_that_of_the_same_real_numbers():
    assert fast.sigmoid(0.5) == pytest.approx(special.expit(0.5), rel=1e-15) and np.ndim(fast.sigmoid(0.5)) == 0
    assert grad(fast.sigmoid)(0.5) == pytest.approx(special.expit(0.5) * special.expit(-0.5), rel=1e-14)
    assert fast.sigmoid(np.float32(0.5)).dtype == np.float32
    np.testing.assert_allclose(fast.sigmoid([0.5, -2.0]), special.expit([0.5, -2.0]), rtol=1e-15)
    for dtype in ("i8", "i1", "u1"):
        logits = np.array([0, 1, 3, 100], dtype)
        np.testing.assert_allclose(fast.sigmoid(logits), special.expit([0.0, 1, 3, 100]), rtol=1e-15)
    with np.errstate(all="raise"), np.errstate(under="ignore"):
        assert fast.sigmoid(-1000) == 0 and fast.sigmoid(1000) == 1


@pytest.mark.parametrize("dtype", ["i8", "i1"])
def test_gradients_of_whole_numbers_are_not_cut(dtype):
    """Of logits, means and log sigmas, under a mean over examples: every slope is a fraction."""
    x, logits = np.array([[1, 0, 1], [0, 0, 1]]), np.array([[2, -1, 0], [1, 3, -4]], dtype)
    np.testing.assert_allclose(fast.bernoulli_cross_entropy(x, logits), plain_cross_entropy(x, 1.0 * logits))
    slope = gradient(anp.mean, fast.bernoulli_cross_entropy, 1)(x, logits)
    np.testing.assert_allclose(slope, (special.expit(1.0 * logits) - x) / 2, rtol=1e-10)
    mu, log_sigma = logits, np.array([[0, 1, 0], [0, 0, 2]], "i8")
    np.testing.assert_allclose(gradient(anp.mean, fast.gaussian_kl, 0)(mu, log_sigma), mu / 2)
    np.testing.assert_allclose(
        gradient(anp.mean, fast.gaussian_kl, 1)(mu, log_sigma), (np.exp(2.0 * log_sigma) - 1) / 2
    )
    np.testing.assert_allclose(
        gradient(anp.mean, fast.gaussian_sample, 0)(mu, log_sigma, 0.0 * mu), np.full((2, 3), 1 / 6)
    )
