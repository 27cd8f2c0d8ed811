"""Exercises of notebook 02: networks by hand, deep autoencoders, and what their codes are good for."""

import functools

import numpy as np

from course_utils.exercises.model import Case, Exercise, Finding, Misconception, close
from course_utils.exercises.network_shapes import shapes_of
from course_utils.exercises.stand_ins import Named, Rng
from course_utils.models import autoencoder, pca
from course_utils.networks import nets
from course_utils.networks.optim import adam, minibatches

exercise = functools.partial(Exercise, notebook="02_deep_autoencoders", compare=close())


# mlp_forward --------------------------------------------------------------------------------------------------------


def network(rng, *sizes):
    """A network with biases that are not zero."""
    return [(rng.normal(size=(n, m)) / np.sqrt(n), 0.5 + 0.3 * rng.normal(size=m)) for n, m in zip(sizes, sizes[1:])]


def forward_cases(rng):
    def case(sizes, N, activation, label=""):
        return Case((network(rng, *sizes), rng.normal(size=(N, sizes[0])), Named(f"numpy:{activation}")), label)

    return [
        case((4, 6, 3), 5, "tanh"),
        case((3, 5, 4, 2), 7, "tanh"),
        case((4, 5, 3), 6, "cos", "with an activation other than tanh"),
        case((4, 4, 4, 4), 3, "tanh", "with layers that are all of the same width"),
        case((4, 3), 5, "tanh", "with a network of a single layer, which has no activation"),
        case((3, 4, 2), 1, "tanh", "on a single example"),
    ]


def forward_by_loops(params, x, activation):
    """Unit by unit: every unit's weighted sum, written out."""

    def run(h):
        for i, (W, b) in enumerate(params):
            sums = [b[j] + sum(h[k] * W[k, j] for k in range(len(h))) for j in range(len(b))]
            h = [float(activation(s)) for s in sums] if i < len(params) - 1 else sums
        return h

    return np.array([run(list(row)) for row in x])


def forward_with(layer, last=lambda h, W, b, f: h @ W + b):
    """A wrong network: its layers, and its last layer."""

    def mlp_forward(params, x, activation):
        h = x
        for W, b in params[:-1]:
            h = layer(h, W, b, activation)
        return last(h, *params[-1], activation)

    return mlp_forward


def spelled_mlp_forward(P, params, x, activation):
    h = x
    for W, b in params[:-1]:
        h = P.apply("the activation", activation, h @ W + P.term("the bias of a hidden layer", b))
    W, b = params[-1]
    return h @ W + P.term("the bias of the last layer", b)


MLP_FORWARD = exercise(
    name="mlp_forward",
    points=2,
    minutes=6,
    lines=4,
    lecture_points=("L2", "L6"),
    signature="mlp_forward(params, x, activation)",
    returns="(N, D_out)",
    task=(
        r"Return the output of a network, a list of `(W, b)`, by the formula above, with `activation` in the place of "
        r"$\tanh$."
    ),
    answer="course_utils.networks.nets:mlp",
    aliases=tuple(f"course_utils.networks.fast:{name}" for name in ("dense", "dense_tanh")),
    cases=forward_cases,
    oracle=forward_by_loops,
    spelled=spelled_mlp_forward,
    others={
        "two things: the biases are left out, and the activation comes after the last layer, too": (
            forward_with(lambda h, W, b, f: f(h @ W), lambda h, W, b, f: f(h @ W))
        ),
        "the last hidden layer has no activation": (
            lambda params, x, f: (
                forward_by_loops(params[:-2], x, f) @ params[-2][0] @ params[-1][0]
                if len(params) < 3
                else (f(forward_by_loops(params[:-2], x, f)) @ params[-2][0] + params[-2][1]) @ params[-1][0]
                + params[-1][1]
            )
        ),
        "the input is added back to the output, as in a residual network": (
            lambda params, x, activation: x + forward_by_loops(params, x, activation)
        ),
        "the activation comes before the last layer's bias is added": (
            forward_with(lambda h, W, b, f: f(h @ W + b), lambda h, W, b, f: f(h @ W) + b)
        ),
        "this is the output of the first layer": lambda params, x, f: f(x @ params[0][0] + params[0][1]),
        "the activation acts on the input, too": lambda params, x, f: forward_by_loops(params, f(x), f),
        "only the hidden layers are run: the last layer is missing": (
            lambda params, x, f: f(forward_by_loops(params[:-1], x, f))
        ),
    },
    misconceptions={
        "activation on the output": Misconception(
            forward_with(lambda h, W, b, f: f(h @ W + b), lambda h, W, b, f: f(h @ W + b)),
            "The activation comes after the last layer, too. "
            "The output is linear: it has to reach any value, not only -1 to 1.",
        ),
        "no activation": Misconception(
            forward_with(lambda h, W, b, f: h @ W + b),
            "There is no activation between the layers, so the whole network is one linear map, however deep it is.",
        ),
        "no biases": Misconception(
            forward_with(lambda h, W, b, f: f(h @ W), lambda h, W, b, f: h @ W), "The biases b are missing."
        ),
        "bias after the activation": Misconception(
            forward_with(lambda h, W, b, f: f(h @ W) + b),
            "The bias is added after the activation. It belongs inside: it shifts the weighted sum.",
        ),
        "activation on the input": Misconception(
            forward_with(lambda h, W, b, f: f(h) @ W + b, lambda h, W, b, f: f(h) @ W + b),
            "The activation comes before each layer, so that it also acts on the input x. "
            "It comes after, between the layers.",
        ),
        "always tanh": Misconception(
            forward_with(lambda h, W, b, f: np.tanh(h @ W + b)),
            "Your function uses tanh whatever `activation` is given.",
        ),
        "last bias missing": Misconception(
            forward_with(lambda h, W, b, f: f(h @ W + b), lambda h, W, b, f: h @ W), "The last layer's bias is missing."
        ),
    },
    hints=(
        "Keep one variable h, which starts as x and goes through the layers one by one.",
        "`for W, b in params[:-1]:` visits every layer but the last, which has no activation.",
        "In the loop h = activation(h @ W + b). After it, take W, b = params[-1] and return h @ W + b.",
    ),
)


# squared_error ------------------------------------------------------------------------------------------------------


def error_cases(rng):
    def case(N, D, label="", size=1.0):
        x = rng.normal(size=(N, D)) + 1
        return Case((x, x + size * rng.normal(size=(N, D))), label)

    return [
        case(6, 4),
        case(3, 7),
        case(1, 5, "on a single example"),
        case(5, 6, "where the differences are large", 30.0),
    ]


def per_example(function):
    return lambda x, x_hat: function(np.asarray(x) - np.asarray(x_hat))


def spelled_squared_error(P, x, x_hat):
    r = P.term("x", x) - P.term("x_hat", x_hat)
    return P.sum(P.apply("the square", np.square, r), 1, "the dimensions")


SQUARED_ERROR = exercise(
    name="squared_error",
    points=1,
    minutes=2,
    lines=1,
    lecture_points=("L4",),
    signature="squared_error(x, x_hat)",
    returns="(N,)",
    task=(r"Return $\|\mathbf{x}_n - \hat{\mathbf{x}}_n\|^2$ for each example, summed over its dimensions."),
    answer="course_utils.models.autoencoder:squared_error",
    cases=error_cases,
    oracle=lambda x, x_hat: np.array(
        [sum((a - b) ** 2 for a, b in zip(row, row_hat)) for row, row_hat in zip(x, x_hat)]
    ),
    spelled=spelled_squared_error,
    others={
        "the cross term -2 x x_hat of the square counts once only": (
            lambda x, x_hat: np.sum(x**2 - x * x_hat + x_hat**2, axis=1)
        ),
        "this is the largest squared difference of each example; sum them": per_example(lambda r: np.max(r**2, axis=1)),
        "these are the squared differences entry by entry; sum them over the dimensions": per_example(lambda r: r**2),
        "this is the squared error between each x and every x_hat; compare each with its own": (
            lambda x, x_hat: ((x[:, None] - x_hat) ** 2).sum(axis=2)
        ),
        "this is the variance of the differences: their mean is subtracted": per_example(lambda r: r.var(axis=1)),
    },
    misconceptions={
        "mean over dimensions": Misconception(
            per_example(lambda r: np.mean(r**2, axis=1)),
            "This is the mean over dimensions (pixels). "
            "The squared length is a sum; a mean would make errors of large and small images look alike.",
        ),
        "length": Misconception(
            per_example(lambda r: np.linalg.norm(r, axis=1)),
            "This is the length of the difference. Its square is asked: no root.",
        ),
        "absolute values": Misconception(
            per_example(lambda r: np.abs(r).sum(axis=1)), "These are sums of absolute values; square them."
        ),
        "half": Misconception(
            per_example(lambda r: 0.5 * np.sum(r**2, axis=1)), "There is a factor 1/2 that this loss does not have."
        ),
        "difference of lengths": Misconception(
            lambda x, x_hat: np.sum(np.square(x), axis=1) - np.sum(np.square(x_hat), axis=1),
            "You subtract sums of squares. First subtract, then square: (a - b)^2 is not a^2 - b^2.",
        ),
        "square of the sum": Misconception(
            per_example(lambda r: r.sum(axis=1) ** 2),
            "You sum first and square then, so that errors of opposite sign cancel. Square every entry first.",
        ),
    },
    hints=(
        "x - x_hat has one row for each example.",
        "Square every entry, then sum over the dimensions of an example: axis=1.",
        "np.sum((x - x_hat) ** 2, axis=1).",
    ),
)


# autoencoder_train --------------------------------------------------------------------------------------------------

STEPS = 1200
LIMIT = {1: 0.95, 2: 0.8}  # of PCA's error with the same K, for a curve and for a surface


def curved_data(key, sizes, N, fresh=False):
    """Points on a curve (K = 1) or a surface (K = 2) in D dimensions, with a little noise. The key fixes curve and
    points; `fresh` gives other points of the same one.

    The curve is an arc, turned. Each surface is bent in its own way in D - 2 dimensions: networks that were trained on
    another one do not fit, however they are turned.
    """
    D, K = sizes[0], sizes[-1]
    surface, points = np.random.default_rng([key, 0]), np.random.default_rng([key, 1 + fresh])
    turn, offset = np.linalg.qr(surface.normal(size=(D, D)))[0], 0.3 * surface.normal(size=D)
    s = points.uniform(-1, 1, size=(N, K))
    if K == 1:
        y = 1.2 * np.concatenate([np.cos(2 * s), np.sin(2 * s)], axis=1)
    else:
        angle = surface.uniform(0, np.pi) + np.arange(D - 2) * np.pi / (D - 2)
        waves = surface.uniform(2.5, 2.8, size=D - 2) * np.stack([np.cos(angle), np.sin(angle)])
        y = 0.8 * np.cos(s @ waves + surface.uniform(0, 2 * np.pi, size=D - 2))
    return y @ turn[: y.shape[1]] + offset + 0.05 * points.normal(size=(N, D))


def training_cases(rng):
    def case(*sizes):
        key, seed = map(int, rng.integers(2**62, size=2))
        return Case((curved_data(key, sizes, 400), list(sizes), STEPS, Rng(seed)), hidden=(key,))

    return [case(5, 16, 1), case(10, 24, 16, 2)]


def empty_networks(x, sizes, steps, rng):
    """What the result must look like; what it must achieve is measured against PCA by `compare_training`."""

    def layers(sizes):
        return tuple((np.zeros((n, m)), np.zeros(m)) for n, m in zip(sizes, sizes[1:]))

    return layers(sizes), layers(sizes[::-1])


def fresh_errors(args, got, activation=np.tanh, on_output=lambda a: a, on_code=lambda a: a, shift=0.0, scale=1.0):
    """Mean squared error on fresh data: of the networks, and of PCA with the same K, both fitted to the same x. With
    shift and scale the networks see (x - shift) / scale, and what they put out is brought back."""
    x, sizes, *_, key = args
    fresh = curved_data(key, sizes, 1000, fresh=True)
    encoder, decoder = [[(np.asarray(W, float), np.asarray(b, float)) for W, b in part] for part in got]
    x_hat = (
        on_output(nets.mlp(decoder, on_code(nets.mlp(encoder, (fresh - shift) / scale, activation)), activation))
        * scale
        + shift
    )
    mean, components = pca.pca_fit(x, sizes[-1])
    by_pca = pca.pca_decode(pca.pca_encode(fresh, mean, components), mean, components)
    return np.mean(autoencoder.squared_error(fresh, x_hat)), np.mean(autoencoder.squared_error(fresh, by_pca))


def compare_training(expected, got, args):
    error, linear = fresh_errors(args, got)
    if not np.isfinite(error):
        return Finding("not finite", "The networks' output is not finite after training: the step size is too large.")
    limit = LIMIT[args[1][-1]]
    if error > limit * linear:
        return Finding(
            "values",
            f"On fresh data the error is {error / linear:.3g} times PCA's with the same K; at most {limit} is asked. "
            "Print the loss while you train: does it fall, and does it still fall at the end? If it does, training is "
            "too short: does it take `steps` steps, one for each minibatch?",
        )
    if error_with_tanh(args, got) < 0.7 * error:
        return Finding(
            "values",
            "The error would be much smaller if tanh came after the last layer of a network; "
            "code and output are to be linear.",
        )
    return None


def error_with_tanh(args, got):
    """The error if tanh came after the encoder, after the decoder, or after both."""
    return min(
        fresh_errors(args, got, on_output=out, on_code=code)[0]
        for out, code in [(np.tanh, np.tanh), (np.tanh, np.array), (np.array, np.tanh)]
    )


def diagnose_training(args, got):
    _, sizes, *_ = args
    D, K = sizes[0], sizes[-1]
    if not isinstance(got, list | tuple):
        return None
    whole = shapes_of(got)
    if whole and whole[0][0] == D == whole[-1][1]:
        return "one network"
    if len(got) != 2:
        return None
    encoder, decoder = shapes_of(got[0]), shapes_of(got[1])
    if not encoder or not decoder:
        return None
    if encoder[0][0] == K and decoder[0][0] == D and encoder[-1][1] == D:
        return "order"
    if encoder[0][0] == D and encoder[-1][1] != K:
        return "code width"
    if encoder != list(zip(sizes, sizes[1:])):
        return None
    if decoder != list(zip(sizes[::-1], sizes[-2::-1])):
        return "not mirrored" if decoder[0][0] == K and decoder[-1][1] == D else None
    return diagnose_values(args, got)


def diagnose_values(args, got):
    """The key for networks of the right shapes that reconstruct badly: by what they would do if run otherwise."""
    error, linear = fresh_errors(args, got)
    if not np.isfinite(error):
        return None
    straight = fresh_errors(args, got, activation=np.array)[0]
    if straight < min(1.1 * linear, 0.9 * error):
        return "linear"
    if error_with_tanh(args, got) < min(0.7 * error, linear):
        return "activation on the output"
    if error < LIMIT[args[1][-1]] * linear:  # something else is wrong
        return None
    if fresh_errors(args, got, activation=relu)[0] < 0.9 * linear:
        return "relu"
    mean, scale = args[0].mean(axis=0), args[0].std(axis=0)
    if min(fresh_errors(args, got, shift=mean, scale=s)[0] for s in (1.0, scale)) < 0.9 * linear:
        return "other data"
    total = np.mean(np.sum((args[0] - mean) ** 2, axis=1))
    return "not trained" if error > 0.9 * total else None


def relu(a):
    import autograd.numpy as anp

    return anp.maximum(a, 0)


def train_wrongly(
    x,
    sizes,
    steps,
    rng,
    activation=np.tanh,
    on_code=lambda z: z,
    on_output=lambda x: x,
    mirrored=True,
    prepare=lambda x: x,
):
    """A short autoencoder_train, with a place for every mistake."""
    x = prepare(x).astype(np.float32)
    back = sizes[::-1] if mirrored else [sizes[-1], sizes[0]]
    params = (nets.init_mlp(sizes, rng), nets.init_mlp(back, rng))

    def loss(params, x):
        z = on_code(nets.mlp(params[0], x, activation))
        r = x - on_output(nets.mlp(params[1], z, activation))
        return (r * r).sum() * (1 / len(x))

    return adam(loss, params, minibatches(x, 64, steps, rng), steps, step_size=5e-3)


def tanh(a):
    import autograd.numpy as anp

    return anp.tanh(a)


AUTOENCODER_TRAIN = exercise(
    name="autoencoder_train",
    points=5,
    minutes=25,
    lines=10,
    lecture_points=("L2", "L6", "L7"),
    trains=True,
    signature="autoencoder_train(x, sizes, steps, rng)",
    returns="encoder, decoder: lists of (W, b)",
    task=(
        "Return the two networks of an autoencoder, trained with `steps` parameter updates on minibatches of `x`. The "
        "encoder has layers of the sizes `[D, H..., K]`, and the decoder mirrors it; tanh between layers, code and "
        "output linear. Start and minibatches come from `rng`; batch size and step size are yours to choose. The check "
        f"trains with {STEPS} steps, and on points that were not used the error must be at most {LIMIT[1]} times PCA's "
        f"with the same K where they lie near a curve, and {LIMIT[2]} times where they lie near a surface."
    ),
    answer="course_utils.models.autoencoder:autoencoder_train",
    aliases=("course_utils.models.gaussian_vae:gaussian_vae_train",),
    cases=training_cases,
    oracle=empty_networks,
    compare=compare_training,
    diagnose=diagnose_training,
    misconceptions={
        "order": Misconception(
            lambda x, sizes, steps, rng: train_wrongly(x, sizes, 10, rng)[::-1],
            "You return (decoder, encoder). The encoder, from D to K, comes first.",
        ),
        "one network": Misconception(
            lambda x, sizes, steps, rng: [layer for part in train_wrongly(x, sizes, 10, rng) for layer in part],
            "You return one network from D to D. "
            "Split it at the code: the encoder ends with the layer of width K, the decoder begins there.",
        ),
        "code width": Misconception(
            lambda x, sizes, steps, rng: train_wrongly(x, sizes[:-1], 10, rng),
            "The code that your encoder puts out is not K wide. "
            "K is the last of `sizes`; the encoder needs a layer for every pair of neighbours in it.",
        ),
        "not mirrored": Misconception(
            lambda x, sizes, steps, rng: train_wrongly(x, sizes, 10, rng, mirrored=False),
            "Your decoder goes from K to D, but its hidden layers are not the encoder's in reverse order: "
            "its sizes are sizes[::-1].",
        ),
        "linear": Misconception(
            functools.partial(train_wrongly, activation=lambda a: a),
            "Your networks were trained without tanh between the layers: run that way they do what PCA "
            "does, and with tanh they do worse. Use the same network, with tanh, in training.",
        ),
        "activation on the output": Misconception(
            functools.partial(train_wrongly, on_code=tanh, on_output=tanh),
            "Your networks were trained with tanh after the last layer of the encoder or of the decoder; "
            "the code and the output are linear.",
        ),
        "relu": Misconception(
            functools.partial(train_wrongly, activation=relu),
            "Your networks were trained with ReLU, max(0, a), between the layers, where tanh is asked: "
            "run with tanh, they do badly.",
        ),
        "other data": Misconception(
            functools.partial(train_wrongly, prepare=lambda x: (x - x.mean(axis=0)) / x.std(axis=0)),
            "Your networks do well on x after its mean is subtracted (or after it is standardised), and badly on x "
            "as it is given: what comes before the first layer in training must be part of the networks, too. "
            "Train on x itself.",
        ),
        "not trained": Misconception(
            lambda x, sizes, steps, rng: (nets.init_mlp(sizes, rng), nets.init_mlp(sizes[::-1], rng)),
            "The networks are about as bad as random ones. Do you return the parameters that came out "
            "of training, and not those that went in? Are both networks among the parameters that are trained? "
            "Is `return` inside the loop, or is the step size tiny?",
        ),
    },
    hints=(
        (
            "Two networks: init_mlp(sizes, rng) and init_mlp(sizes[::-1], rng). "
            "Keep them in one tuple `params`, so that one gradient serves both."
        ),
        (
            "The loss of a batch: encode, decode, subtract from the batch, square, sum, "
            "divide by the number of examples. Written with autograd.numpy it can be differentiated."
        ),
        (
            "params = adam(loss, params, minibatches(x, 64, steps, rng), steps, step_size=5e-3) does the training "
            "(both are in course_utils.networks.optim); then return params[0], params[1]."
        ),
        (
            "def loss(params, x): r = x - mlp_forward(params[1], mlp_forward(params[0], x, np.tanh), np.tanh); "
            "return np.sum(r * r) / len(x), with np = autograd.numpy."
        ),
    ),
)


# nearest_neighbour_accuracy -----------------------------------------------------------------------------------------


def neighbour_cases(rng):
    def case(N, M, K, label=""):
        """Overlapping clouds at some distance from the origin, dimensions on different scales, labels that are no
        indices. The first and the last example of each set have labels of their own, so that none can be left out."""
        labels, scales = np.array([3, 5, 8, 19]), np.linspace(2.5, 0.5, K)
        centres = 1.1 * rng.normal(size=(4, K))
        y, y_new = rng.integers(4, size=N), rng.integers(4, size=M)
        x, x_new = [(centres[i] + 0.9 * rng.normal(size=(len(i), K)) + 1.5) * scales for i in (y, y_new)]
        y, y_new = labels[y], labels[y_new]
        x[[0, -1]], y[[0, -1]], y_new[[-1, 0]] = x_new[[-1, 0]], [4, 7], [4, 7]
        return Case((x, y, x_new, y_new), label)

    return [case(60, 211, 3), case(40, 173, 2), case(80, 193, 5)]


def neighbours(train, test, distance):
    return distance(np.asarray(test)[:, None], np.asarray(train)[None])


def by_scipy(train, y_train, test, y_test):
    from scipy.spatial import KDTree

    return np.mean(np.asarray(y_train)[KDTree(train).query(test)[1]] == y_test)


def squared_distance(a, b):
    return np.sum((a - b) ** 2, axis=-1)


def neighbour_with(distance=squared_distance, pick=np.argmin, score=lambda hit: np.mean(hit)):
    def nearest_neighbour_accuracy(codes_train, y_train, codes_test, y_test):
        return score(np.asarray(y_train)[pick(neighbours(codes_train, codes_test, distance), axis=1)] == y_test)

    return nearest_neighbour_accuracy


def to_the_means(train, y_train, test, y_test):
    classes = np.unique(y_train)
    means = np.array([np.asarray(train)[np.asarray(y_train) == c].mean(axis=0) for c in classes])
    return np.mean(classes[np.argmin(neighbours(means, test, squared_distance), axis=1)] == y_test)


def neighbour_labels(train, y_train, test):
    """The label of the nearest training code, for each test code."""
    return np.asarray(y_train)[neighbours(train, test, squared_distance).argmin(axis=1)]


def spelled_nearest_neighbour_accuracy(P, codes_train, y_train, codes_test, y_test):
    r = P.term("the training codes", codes_train[None]) - P.term("the test codes", codes_test[:, None])
    distances = P.sum(P.apply("the square", np.square, r), 2, "the dimensions")
    return P.mean(y_train[np.argmin(distances, axis=1)] == y_test, 0, "the test examples")


NEAREST_NEIGHBOUR_ACCURACY = exercise(
    name="nearest_neighbour_accuracy",
    points=2,
    minutes=8,
    lines=4,
    lecture_points=("L3",),
    signature="nearest_neighbour_accuracy(codes_train, y_train, codes_test, y_test)",
    returns="scalar in [0, 1]",
    task=(
        "Return the share of test examples whose label is that of the nearest training code, by Euclidean "
        "distance. There are no ties."
    ),
    answer="course_utils.models.autoencoder:nearest_neighbour_accuracy",
    cases=neighbour_cases,
    oracle=by_scipy,
    spelled=spelled_nearest_neighbour_accuracy,
    others={
        "the coordinates are scaled to standard deviation 1 first; take the codes as they are": (
            lambda a, y, b, t: autoencoder.nearest_neighbour_accuracy(a / a.std(axis=0), y, b / a.std(axis=0), t),
            lambda a, y, b, t: autoencoder.nearest_neighbour_accuracy(a / a.std(axis=0), y, b / b.std(axis=0), t),
        ),
        "you look for the nearest test code of every training example; it is the test examples that are classified": (
            lambda train, y_train, test, y_test: by_scipy(test, y_test, train, y_train)
        ),
        "you take the second nearest training code": (
            neighbour_with(pick=lambda d, axis: np.argsort(d, axis=axis)[:, 1])
        ),
        "you compare the largest difference in any dimension; the Euclidean distance sums squares": (
            neighbour_with(lambda a, b: np.abs(a - b).max(axis=-1))
        ),
        "you divide by the number of training examples, not by that of test examples": (
            lambda train, y_train, test, y_test: by_scipy(train, y_train, test, y_test) * len(test) / len(train)
        ),
        "you compare the sums of the codes: subtract first, then square, then sum": (
            neighbour_with(lambda a, b: np.abs((a - b).sum(axis=-1))),
        ),
        "the differences are summed without squaring them": neighbour_with(lambda a, b: (b - a).sum(axis=-1)),
        "only the first dimension of the codes is compared": neighbour_with(lambda a, b: np.abs(a - b)[..., 0]),
        "this is the mean over the classes of each class's accuracy; the share of all test examples is asked": (
            lambda train, y_train, test, y_test: np.mean(
                [np.mean((neighbour_labels(train, y_train, test) == y_test)[y_test == c]) for c in np.unique(y_test)]
            )
        ),
        "these are the predicted labels; the share of right ones is asked": (
            lambda train, y_train, test, y_test: neighbour_labels(train, y_train, test)
        ),
        "this says for each test example whether it is right; the share is asked": (
            lambda train, y_train, test, y_test: neighbour_labels(train, y_train, test) == y_test
        ),
        "the most frequent label of the three nearest decides; the single nearest does": (
            lambda train, y_train, test, y_test: np.mean(
                [
                    np.bincount(y_train[row]).argmax() == y
                    for row, y in zip(np.argsort(neighbours(train, test, squared_distance), axis=1)[:, :3], y_test)
                ]
            )
        ),
    },
    misconceptions={
        "farthest": Misconception(
            neighbour_with(pick=np.argmax),
            "You take the farthest training code: argmin of the distance is meant, not argmax.",
        ),
        "inner product": Misconception(
            neighbour_with(lambda a, b: -np.sum(a * b, axis=-1)),
            "You take the largest inner product. It also grows with the length of the training code; "
            "use the distance between the two codes.",
        ),
        "cosine": Misconception(
            neighbour_with(lambda a, b: -np.sum(a * b, axis=-1) / np.linalg.norm(b, axis=-1)),
            "You compare directions (the cosine). Use the distance between the two codes.",
        ),
        "absolute values": Misconception(
            neighbour_with(lambda a, b: np.abs(a - b).sum(axis=-1)),
            "You sum absolute differences; the Euclidean distance sums squares.",
        ),
        "error": Misconception(
            neighbour_with(score=lambda hit: 1 - np.mean(hit)),
            "This is the share of wrong answers; the share of right ones is asked.",
        ),
        "count": Misconception(
            neighbour_with(score=np.sum), "This is how many are right; divide by the number of test examples."
        ),
        "class means": Misconception(
            to_the_means, "You compare with the mean code of each class. The nearest single training code decides."
        ),
    },
    hints=(
        "For every test code, find the index of the training code at the smallest distance.",
        (
            "codes_test[:, None] - codes_train[None] has shape (M, N, K): "
            "square, sum over the last axis, argmin over axis 1."
        ),
        (
            "y_train[nearest] is the predicted label of each test example. "
            "The mean of `y_train[nearest] == y_test` is the accuracy."
        ),
    ),
)


# interpolate_linear -------------------------------------------------------------------------------------------------


def interpolate_cases(rng):
    return [
        Case((rng.normal(size=4), rng.normal(size=4) + 2, 7)),
        Case((rng.normal(size=(3, 2)), rng.normal(size=(3, 2)) - 1, 4), "on arrays with two axes"),
        Case((rng.normal(size=(1, 3)), rng.normal(size=(1, 3)) - 1, 5), "on arrays with an axis of length 1"),
        Case((rng.normal(size=6), rng.normal(size=6), 2), "with steps = 2, which gives only the two ends"),
        Case((np.array([0, 4, 1]), np.array([3, 1, 8]), 6), "on integers"),
    ]


def line_with(t, combine=lambda a, b, t: (1 - t) * a + t * b):
    return lambda a, b, steps: np.array([combine(np.asarray(a), np.asarray(b), s) for s in t(steps)])


def even(steps):
    return [i / (steps - 1) for i in range(steps)]


def along_a_circle(a, b, steps):
    cosine = np.sum(a * b) / (np.linalg.norm(a) * np.linalg.norm(b))
    angle = np.arccos(np.clip(cosine, -1, 1))
    ts = np.linspace(0, 1, steps)
    return np.stack([(np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / np.sin(angle) for t in ts])


def spelled_interpolate_linear(P, a, b, steps):
    t = np.arange(steps) / P.divisor("steps - 1", float(steps - 1))
    t = P.factor("t", t.reshape(-1, *(1 for _ in np.shape(a))))
    return P.term("a", np.asarray(a, float)) + t * (P.term("b in b - a", b) - P.term("a in b - a", a))


INTERPOLATE_LINEAR = exercise(
    name="interpolate_linear",
    points=1,
    minutes=4,
    lines=2,
    lecture_points=("L3",),
    signature="interpolate_linear(a, b, steps)",
    returns="(steps, ...)",
    task=(
        "Return `steps` points, evenly spaced on the straight line from `a` to `b`, both ends included; `a` and "
        "`b` are arrays of the same shape, and `steps` is at least 2."
    ),
    answer="course_utils.models.autoencoder:interpolate_linear",
    cases=interpolate_cases,
    oracle=lambda a, b, steps: np.array(
        [[p + (q - p) * i / (steps - 1) for p, q in zip(np.ravel(a), np.ravel(b))] for i in range(steps)]
    ).reshape(steps, *np.shape(a)),
    spelled=spelled_interpolate_linear,
    others={
        "the points are not evenly spaced: t is slow near the ends and fast in the middle": (
            line_with(lambda steps: list((1 - np.cos(np.pi * np.linspace(0, 1, steps))) / 2)),
            line_with(lambda steps: list(3 * np.linspace(0, 1, steps) ** 2 - 2 * np.linspace(0, 1, steps) ** 3)),
        ),
        "the points go along a circle (spherical interpolation); a straight line is asked": along_a_circle,
        "these are the values of t; the points are asked": lambda a, b, steps: np.linspace(0, 1, steps),
        "this is the point half way, again and again: t does not run": (line_with(lambda steps: [0.5] * steps)),
        "the weights do not add up to one: a is not multiplied by 1 - t": line_with(even, lambda a, b, t: a + t * b),
        "t runs from 1 to steps, and not from 0 to 1": line_with(lambda steps: [float(i + 1) for i in range(steps)]),
        "t runs from 0 to steps - 1, and not from 0 to 1": line_with(lambda steps: [float(i) for i in range(steps)]),
        "b is subtracted": line_with(even, lambda a, b, t: (1 - t) * a - t * b),
        "t (b - a) is subtracted from a": line_with(even, lambda a, b, t: a - t * (b - a)),
        "the weight of a is 1 + t; it is 1 - t": line_with(even, lambda a, b, t: (1 + t) * a + t * b),
        "there are `steps` points between the ends, which come on top": line_with(lambda steps: even(steps + 2)),
        "there is one point too many: `steps` counts the points, not the intervals": (
            line_with(lambda steps: even(steps + 1))
        ),
        "the last axis of the result counts the points; the first should": (
            lambda a, b, steps: np.moveaxis(line_with(even)(a, b, steps), 0, -1)
        ),
    },
    misconceptions={
        "from b to a": Misconception(
            line_with(even, lambda a, b, t: t * a + (1 - t) * b), "The points go from b to a: a is to come first."
        ),
        "end left out": Misconception(
            line_with(lambda steps: [i / steps for i in range(steps)]),
            "The last point is not b: t should be 1 there, with steps - 1 intervals between the points.",
        ),
        "ends left out": Misconception(
            line_with(lambda steps: [(i + 1) / (steps + 1) for i in range(steps)]),
            "The ends are left out: the first point should be a and the last b.",
        ),
        "start left out": Misconception(
            line_with(lambda steps: [(i + 1) / steps for i in range(steps)]),
            "The first point is not a: t should start at 0.",
        ),
        "b for the difference": Misconception(
            line_with(even, lambda a, b, t: a + t * b), "You add t b to a, which ends at a + b. Add t (b - a)."
        ),
        "not even": Misconception(
            line_with(lambda steps: [(3 - 2 * t) * t * t for t in even(steps)]),
            "The ends are right, but the steps between them are not of the same size: t should grow evenly.",
        ),
        "b not weighted": Misconception(
            line_with(even, lambda a, b, t: (1 - t) * a + b),
            "The weights do not add up to one: b is not multiplied by t.",
        ),
    },
    hints=(
        "A point on the line is (1 - t) a + t b, with t from 0 (that is a) to 1 (that is b).",
        "np.linspace(0, 1, steps) are the values of t, both ends included.",
        "np.stack([(1 - t) * a + t * b for t in np.linspace(0, 1, steps)]) works for a and b of any shape.",
    ),
)


EXERCISES = [MLP_FORWARD, SQUARED_ERROR, AUTOENCODER_TRAIN, NEAREST_NEIGHBOUR_ACCURACY, INTERPOLATE_LINEAR]
