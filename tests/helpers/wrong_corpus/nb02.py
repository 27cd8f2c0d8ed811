"""Wrong answers to notebook 02, from the cards alone."""

import autograd.numpy as anp
import numpy as np

from course_utils.networks.nets import init_mlp
from course_utils.networks.optim import adam, minibatches
from wrong_corpus import wrong

# mlp_forward


@wrong(
    "mlp_forward",
    cause="The activation is applied after the last layer, too.",
    line="h = activation(h @ W + b)",
)
def activation_after_every_layer(params, x, activation):
    h = x
    for W, b in params:
        h = activation(h @ W + b)
    return h


@wrong("mlp_forward", cause="The activation is never applied.", line="h = h @ W + b")
def no_activation(params, x, activation):
    h = x
    for W, b in params:
        h = h @ W + b
    return h


@wrong(
    "mlp_forward",
    cause="tanh is written into the function; the argument activation is ignored.",
    line="np.tanh(h @ W + b)",
)
def tanh_whatever_the_activation(params, x, activation):
    h = x
    for W, b in params[:-1]:
        h = np.tanh(h @ W + b)
    W, b = params[-1]
    return h @ W + b


@wrong(
    "mlp_forward",
    cause="The weights are transposed; with examples as rows, a layer is h @ W + b.",
    line="h @ W.T + b",
)
def weights_transposed(params, x, activation):
    h = x
    last = len(params) - 1
    for i, (W, b) in enumerate(params):
        h = h @ W.T + b
        if i < last:
            h = activation(h)
    return h


@wrong("mlp_forward", cause="The biases b are not added.", line="np.dot(h, W)")
def biases_forgotten(params, x, activation):
    h = x
    for i, (W, _) in enumerate(params):
        h = np.dot(h, W)
        if i < len(params) - 1:
            h = activation(h)
    return h


@wrong(
    "mlp_forward",
    cause="Every layer gets the input x instead of the output of the layer before it.",
    line="activation(x @ W + b)",
)
def every_layer_reads_x(params, x, activation):
    h = x
    for W, b in params[:-1]:
        h = activation(x @ W + b)
    W_last, b_last = params[-1]
    return h @ W_last + b_last


@wrong(
    "mlp_forward",
    cause="The activation is applied before each layer, so the input x passes through it as well.",
    line="activation(h) @ W + b",
)
def activation_before_each_layer(params, x, activation):
    h = x
    for W, b in params:
        h = activation(h) @ W + b
    return h


@wrong(
    "mlp_forward",
    cause="The last layer is never applied: what is returned is the last hidden layer.",
    line="return h",
)
def last_layer_left_out(params, x, activation):
    h = x
    for W, b in params[:-1]:
        h = activation(h @ W + b)
    return h


@wrong(
    "mlp_forward",
    cause="Off by one: the last hidden layer gets no activation either.",
    line="len(params) - 2",
)
def last_two_layers_linear(params, x, activation):
    h = x
    for i, (W, b) in enumerate(params):
        h = h @ W + b
        if i < len(params) - 2:
            h = activation(h)
    return h


@wrong(
    "mlp_forward",
    cause="The return stands inside the loop, so only the first layer is computed.",
    line="        return h",
)
def returns_after_the_first_layer(params, x, activation):
    h = x
    for i, (W, b) in enumerate(params):
        h = h @ W + b
        if i < len(params) - 1:
            h = activation(h)
        return h


@wrong(
    "mlp_forward",
    cause="It takes for granted that the network has exactly two layers.",
    line="(W1, b1), (W2, b2) = params",
)
def two_layers_only(params, x, activation):
    (W1, b1), (W2, b2) = params
    hidden = activation(x @ W1 + b1)
    return hidden @ W2 + b2


@wrong(
    "mlp_forward",
    cause="The bias is added after the activation instead of inside it.",
    line="activation(h @ W) + b",
)
def bias_outside_the_activation(params, x, activation):
    h = x
    for W, b in params[:-1]:
        h = activation(h @ W) + b
    return h @ params[-1][0] + params[-1][1]


@wrong(
    "mlp_forward",
    cause="Two things: the biases are left out, and the activation is applied after the last layer, too.",
    line="activation(np.matmul(h, W))",
)
def no_biases_and_activation_everywhere(params, x, activation):
    h = x
    for W, _b in params:
        h = activation(np.matmul(h, W))
    return h


# squared_error


@wrong(
    "squared_error",
    cause="The squares are averaged over the dimensions, where they should be summed.",
    line="np.mean((x - x_hat) ** 2, axis=1)",
)
def averaged_over_dimensions(x, x_hat):
    return np.mean((x - x_hat) ** 2, axis=1)


@wrong(
    "squared_error",
    cause="It is the distance, not its square.",
    line="np.linalg.norm(x - x_hat, axis=1)",
)
def distance_not_squared(x, x_hat):
    return np.linalg.norm(x - x_hat, axis=1)


@wrong(
    "squared_error",
    cause="The sum runs over the examples as well, so there is one number for all of them.",
    line="np.sum((x - x_hat) ** 2)",
)
def summed_over_everything(x, x_hat):
    return np.sum((x - x_hat) ** 2)


@wrong(
    "squared_error",
    cause="The errors of the examples are averaged; one error for each example was asked for.",
    line="/ len(x)",
)
def averaged_over_examples(x, x_hat):
    difference = x - x_hat
    return np.sum(difference * difference) / len(x)


@wrong(
    "squared_error",
    cause="axis=0 sums over the examples, not over the dimensions.",
    line="axis=0",
)
def summed_over_the_wrong_axis(x, x_hat):
    return ((x - x_hat) ** 2).sum(axis=0)


@wrong(
    "squared_error",
    cause="Absolute differences are summed, not squares.",
    line="np.abs(x - x_hat)",
)
def absolute_differences(x, x_hat):
    return np.abs(x - x_hat).sum(axis=1)


@wrong(
    "squared_error",
    cause="A factor 1/2 is put in front, which ||x - x_hat||^2 does not have.",
    line="0.5 *",
)
def half_the_square(x, x_hat):
    return 0.5 * np.sum((x - x_hat) ** 2, axis=1)


@wrong(
    "squared_error",
    cause="The differences are summed before they are squared, so they cancel each other.",
    line="np.sum(x - x_hat, axis=1) ** 2",
)
def squared_after_the_sum(x, x_hat):
    return np.sum(x - x_hat, axis=1) ** 2


@wrong(
    "squared_error",
    cause="It is a difference of squares, not the square of the difference.",
    line="x**2 - x_hat**2",
)
def difference_of_squares(x, x_hat):
    return np.sum(x**2 - x_hat**2, axis=1)


@wrong(
    "squared_error",
    cause="When the square is expanded, the cross term counts twice: the factor 2 is missing.",
    line="- np.sum(x * x_hat, axis=1)",
)
def cross_term_counted_once(x, x_hat):
    return np.sum(x**2, axis=1) - np.sum(x * x_hat, axis=1) + np.sum(x_hat**2, axis=1)


@wrong(
    "squared_error",
    cause="Every example is compared with every reconstruction, not only with its own: the result is (N, N).",
    line="x[:, None] - x_hat[None]",
)
def all_pairs(x, x_hat):
    return np.sum((x[:, None] - x_hat[None]) ** 2, axis=-1)


@wrong(
    "squared_error",
    cause="The result is a column (N, 1), because of keepdims; it should be (N,).",
    line="keepdims=True",
)
def a_column(x, x_hat):
    return np.sum((x - x_hat) ** 2, axis=1, keepdims=True)


# autoencoder_train


def _forward(params, x):
    h = x
    for W, b in params[:-1]:
        h = anp.tanh(anp.dot(h, W) + b)
    W, b = params[-1]
    return anp.dot(h, W) + b


def _reconstruction_loss(params, batch):
    encoder, decoder = params
    x_hat = _forward(decoder, _forward(encoder, batch))
    return anp.mean(anp.sum((batch - x_hat) ** 2, axis=1))


@wrong(
    "autoencoder_train",
    cause="The decoder is made with the encoder's sizes; it needs them in reverse order.",
    line="decoder = init_mlp(sizes, rng)",
)
def decoder_not_mirrored(x, sizes, steps, rng):
    encoder = init_mlp(sizes, rng)
    decoder = init_mlp(sizes, rng)
    batches = minibatches(x, 100, steps, rng)
    return adam(_reconstruction_loss, (encoder, decoder), batches, steps, step_size=0.01)


@wrong(
    "autoencoder_train",
    cause="adam's result is thrown away: the networks are returned as they started.",
    line="adam(_reconstruction_loss, (encoder, decoder), batches, steps, step_size=0.01)",
)
def untrained_networks_returned(x, sizes, steps, rng):
    encoder = init_mlp(sizes, rng)
    decoder = init_mlp(sizes[::-1], rng)
    batches = minibatches(x, 100, steps, rng)
    adam(_reconstruction_loss, (encoder, decoder), batches, steps, step_size=0.01)
    return encoder, decoder


@wrong(
    "autoencoder_train",
    cause="There is no tanh between the layers during training: the networks learn to be linear, like PCA.",
    line="h = anp.dot(h, W) + b",
)
def linear_networks(x, sizes, steps, rng):
    def loss(params, batch):
        h = batch
        for network in params:
            for W, b in network:
                h = anp.dot(h, W) + b
        return anp.mean(anp.sum((batch - h) ** 2, axis=1))

    start = init_mlp(sizes, rng), init_mlp(sizes[::-1], rng)
    return adam(loss, start, minibatches(x, 100, steps, rng), steps, step_size=0.01)


@wrong(
    "autoencoder_train",
    cause="The output goes through a tanh in training, but the card says that it is linear.",
    line="x_hat = anp.tanh(",
)
def tanh_on_the_output(x, sizes, steps, rng):
    def loss(params, batch):
        x_hat = anp.tanh(_forward(params[1], _forward(params[0], batch)))
        return anp.mean(anp.sum((batch - x_hat) ** 2, axis=1))

    params = init_mlp(sizes, rng), init_mlp(sizes[::-1], rng)
    return adam(loss, params, minibatches(x, 128, steps, rng), steps, step_size=0.01)


@wrong(
    "autoencoder_train",
    cause="The step size is so small that the networks have hardly moved after all steps.",
    line="step_size=1e-5",
)
def step_size_too_small(x, sizes, steps, rng):
    params = (init_mlp(sizes, rng), init_mlp(sizes[::-1], rng))
    batches = minibatches(x, 100, steps, rng)
    encoder, decoder = adam(_reconstruction_loss, params, batches, steps, step_size=1e-5)
    return encoder, decoder


@wrong(
    "autoencoder_train",
    cause="Only the encoder is trained; the decoder keeps its random weights.",
    line="adam(loss, encoder, batches",
)
def only_the_encoder_trained(x, sizes, steps, rng):
    encoder = init_mlp(sizes, rng)
    decoder = init_mlp(sizes[::-1], rng)

    def loss(params, batch):
        x_hat = _forward(decoder, _forward(params, batch))
        return anp.mean(anp.sum((batch - x_hat) ** 2, axis=1))

    batches = minibatches(x, 100, steps, rng)
    encoder = adam(loss, encoder, batches, steps, step_size=0.01)
    return encoder, decoder


@wrong(
    "autoencoder_train",
    cause=(
        "Batch size and number of steps are interchanged, so there are only 100 batches and training ends after them."
    ),
    line="minibatches(x, steps, 100, rng)",
)
def batch_size_and_steps_interchanged(x, sizes, steps, rng):
    encoder = init_mlp(sizes, rng)
    decoder = init_mlp(sizes[::-1], rng)
    batches = minibatches(x, steps, 100, rng)
    return adam(_reconstruction_loss, (encoder, decoder), batches, steps)


@wrong(
    "autoencoder_train",
    cause="Encoder and decoder are returned in the wrong order.",
    line="return decoder, encoder",
)
def networks_swapped(x, sizes, steps, rng):
    start = init_mlp(sizes, rng), init_mlp(sizes[::-1], rng)
    batches = minibatches(x, 100, steps, rng)
    encoder, decoder = adam(_reconstruction_loss, start, batches, steps, step_size=0.01)
    return decoder, encoder


@wrong(
    "autoencoder_train",
    cause="list.reverse() reverses in place and returns None, so there are no sizes for the decoder.",
    line="sizes.reverse()",
)
def sizes_reversed_in_place(x, sizes, steps, rng):
    encoder = init_mlp(sizes, rng)
    decoder = init_mlp(sizes.reverse(), rng)
    batches = minibatches(x, 100, steps, rng)
    return adam(_reconstruction_loss, (encoder, decoder), batches, steps, step_size=0.01)


@wrong(
    "autoencoder_train",
    cause="The hidden layers H are left out: both networks have a single layer, and nothing can bend.",
    line="[sizes[0], sizes[-1]]",
)
def hidden_layers_left_out(x, sizes, steps, rng):
    D_to_K = [sizes[0], sizes[-1]]
    params = init_mlp(D_to_K, rng), init_mlp(D_to_K[::-1], rng)
    batches = minibatches(x, 100, steps, rng)
    encoder, decoder = adam(_reconstruction_loss, params, batches, steps, step_size=0.01)
    return encoder, decoder


@wrong(
    "autoencoder_train",
    cause="The loss is written with np, which autograd cannot differentiate; it needs anp.",
    line="np.tanh(",
)
def loss_without_anp(x, sizes, steps, rng):
    def forward(params, h):
        for W, b in params[:-1]:
            h = np.tanh(np.dot(h, W) + b)
        return np.dot(h, params[-1][0]) + params[-1][1]

    def loss(params, batch):
        x_hat = forward(params[1], forward(params[0], batch))
        return np.mean(np.sum((batch - x_hat) ** 2, axis=1))

    params = (init_mlp(sizes, rng), init_mlp(sizes[::-1], rng))
    return adam(loss, params, minibatches(x, 100, steps, rng), steps, step_size=0.01)


# nearest_neighbour_accuracy


def _squared_distances(a, b):
    return np.sum((a[:, None] - b[None]) ** 2, axis=2)


@wrong(
    "nearest_neighbour_accuracy",
    cause="argmax finds the farthest training code, not the nearest.",
    line="argmax(axis=1)",
)
def farthest_neighbour(codes_train, y_train, codes_test, y_test):
    distances = _squared_distances(codes_test, codes_train)
    nearest = distances.argmax(axis=1)
    return np.mean(y_train[nearest] == y_test)


@wrong(
    "nearest_neighbour_accuracy",
    cause="It returns the share of errors: the comparison should be ==, not !=.",
    line="y_train[nearest] != y_test",
)
def error_rate(codes_train, y_train, codes_test, y_test):
    nearest = np.argmin(_squared_distances(codes_test, codes_train), axis=1)
    return np.mean(y_train[nearest] != y_test)


@wrong(
    "nearest_neighbour_accuracy",
    cause="It counts the hits; their number is not divided by the number of test examples.",
    line="correct += 1",
)
def number_of_hits(codes_train, y_train, codes_test, y_test):
    correct = 0
    for code, label in zip(codes_test, y_test, strict=True):
        distances = np.linalg.norm(codes_train - code, axis=1)
        if y_train[np.argmin(distances)] == label:
            correct += 1
    return correct


@wrong(
    "nearest_neighbour_accuracy",
    cause="The number of hits is divided by the number of training codes, not of test examples.",
    line="len(codes_train)",
)
def divided_by_training_size(codes_train, y_train, codes_test, y_test):
    hits = 0
    for i in range(len(codes_test)):
        d = np.sum((codes_train - codes_test[i]) ** 2, axis=1)
        hits += y_train[d.argmin()] == y_test[i]
    return hits / len(codes_train)


@wrong(
    "nearest_neighbour_accuracy",
    cause=("Absolute differences are summed (city-block distance), where the Euclidean distance was asked for."),
    line="np.abs(codes_test[:, None] - codes_train)",
)
def city_block_distance(codes_train, y_train, codes_test, y_test):
    distances = np.abs(codes_test[:, None] - codes_train).sum(axis=2)
    return np.mean(y_train[distances.argmin(axis=1)] == y_test)


@wrong(
    "nearest_neighbour_accuracy",
    cause="argmin runs along the wrong axis: it finds a test code for each training code.",
    line="argmin(axis=0)",
)
def nearest_test_code_for_each_training_code(codes_train, y_train, codes_test, y_test):
    distances = _squared_distances(codes_test, codes_train)
    nearest = distances.argmin(axis=0)
    return np.mean(y_test[nearest] == y_train)


@wrong(
    "nearest_neighbour_accuracy",
    cause=(
        "The largest dot product is taken for the smallest distance; the squared lengths of the training "
        "codes are left out."
    ),
    line="codes_test @ codes_train.T",
)
def largest_dot_product(codes_train, y_train, codes_test, y_test):
    similarity = codes_test @ codes_train.T
    nearest = np.argmax(similarity, axis=1)
    return float(np.mean(y_train[nearest] == y_test))


@wrong(
    "nearest_neighbour_accuracy",
    cause="The nearest is passed over: the second nearest training code gives the label.",
    line="order[:, 1]",
)
def second_nearest(codes_train, y_train, codes_test, y_test):
    order = np.argsort(_squared_distances(codes_test, codes_train), axis=1)
    return np.mean(y_train[order[:, 1]] == y_test)


@wrong(
    "nearest_neighbour_accuracy",
    cause="Test codes are compared with the mean code of each label, not with the single training codes.",
    line="codes_train[y_train == c].mean(axis=0)",
)
def nearest_class_mean(codes_train, y_train, codes_test, y_test):
    labels = np.unique(y_train)
    centres = np.stack([codes_train[y_train == c].mean(axis=0) for c in labels])
    nearest = _squared_distances(codes_test, centres).argmin(axis=1)
    return np.mean(labels[nearest] == y_test)


@wrong(
    "nearest_neighbour_accuracy",
    cause=(
        "The index of the nearest training code is compared with the label; it has to be looked up in y_train first."
    ),
    line="nearest == y_test",
)
def index_for_label(codes_train, y_train, codes_test, y_test):
    nearest = np.argmin(_squared_distances(codes_test, codes_train), axis=1)
    return np.mean(nearest == y_test)


@wrong(
    "nearest_neighbour_accuracy",
    cause="Every coordinate is scaled to standard deviation 1 first, which changes the Euclidean distances.",
    line="codes_train.std(axis=0)",
)
def coordinates_standardised(codes_train, y_train, codes_test, y_test):
    scale = codes_train.std(axis=0)
    distances = _squared_distances(codes_test / scale, codes_train / scale)
    return np.mean(y_train[distances.argmin(axis=1)] == y_test)


@wrong(
    "nearest_neighbour_accuracy",
    cause="The three nearest vote; the label of the single nearest code was asked for.",
    line="[:, :3]",
)
def three_nearest_vote(codes_train, y_train, codes_test, y_test):
    order = np.argsort(_squared_distances(codes_test, codes_train), axis=1)[:, :3]
    votes = [np.bincount(y_train[row].astype(int)).argmax() for row in order]
    return np.mean(np.array(votes) == y_test)


@wrong(
    "nearest_neighbour_accuracy",
    cause="It is in per cent, not a share between 0 and 1.",
    line="100 *",
)
def in_per_cent(codes_train, y_train, codes_test, y_test):
    nearest = _squared_distances(codes_test, codes_train).argmin(axis=1)
    return 100 * np.sum(y_train[nearest] == y_test) / len(y_test)


# interpolate_linear


@wrong(
    "interpolate_linear",
    cause="b is not included: with endpoint=False the last point stops one step short.",
    line="endpoint=False",
)
def end_not_included(a, b, steps):
    t = np.linspace(0, 1, steps, endpoint=False)
    return np.stack([a + s * (b - a) for s in t])


@wrong(
    "interpolate_linear",
    cause="The steps are counted as gaps, so there is one point too many.",
    line="steps + 1",
)
def one_point_too_many(a, b, steps):
    return np.linspace(a, b, steps + 1)


@wrong(
    "interpolate_linear",
    cause="The walk goes from b to a.",
    line="t * a + (1 - t) * b",
)
def backwards(a, b, steps):
    return np.array([t * a + (1 - t) * b for t in np.linspace(0, 1, steps)])


@wrong(
    "interpolate_linear",
    cause="The two ends are left out: all points lie strictly between a and b.",
    line="np.linspace(0, 1, steps + 2)[1:-1]",
)
def ends_left_out(a, b, steps):
    ts = np.linspace(0, 1, steps + 2)[1:-1]
    return np.stack([(1 - t) * a + t * b for t in ts])


@wrong(
    "interpolate_linear",
    cause=("t is made a column, which suits vectors a and b only: other shapes do not fit or broadcast wrongly."),
    line="np.linspace(0, 1, steps)[:, None]",
)
def vectors_only(a, b, steps):
    t = np.linspace(0, 1, steps)[:, None]
    return (1 - t) * a + t * b


@wrong(
    "interpolate_linear",
    cause="The last t is (steps - 1) / steps, not 1: there are steps - 1 gaps between the points.",
    line="i / steps",
)
def divided_by_steps(a, b, steps):
    points = []
    for i in range(steps):
        points.append(a + i / steps * (b - a))
    return np.array(points)


@wrong(
    "interpolate_linear",
    cause="The points are a + t b: the part t a is not taken away, so the last one is a + b.",
    line="a + t * b",
)
def a_is_kept_in_full(a, b, steps):
    return np.stack([a + t * b for t in np.linspace(0, 1, steps)])


@wrong(
    "interpolate_linear",
    cause="The points stand along the last axis; they should be along the first.",
    line="axis=-1",
)
def points_along_the_last_axis(a, b, steps):
    return np.linspace(a, b, steps, axis=-1)


@wrong(
    "interpolate_linear",
    cause="The points are not evenly spaced: t is bent by a cosine, slow at the ends and fast in the middle.",
    line="np.cos(",
)
def smooth_start_and_end(a, b, steps):
    t = (1 - np.cos(np.pi * np.linspace(0, 1, steps))) / 2
    return np.stack([(1 - s) * a + s * b for s in t])


@wrong(
    "interpolate_linear",
    cause="Each point is flattened, so the shape of a is lost.",
    line="np.ravel(a), np.ravel(b)",
)
def points_flattened(a, b, steps):
    a, b = np.ravel(a), np.ravel(b)
    t = np.linspace(0, 1, steps).reshape(-1, 1)
    return a + t * (b - a)


@wrong(
    "interpolate_linear",
    cause="np.arange leaves its end out, so the last point, b, is missing.",
    line="np.arange(0, steps - 1)",
)
def last_point_missing(a, b, steps):
    t = np.arange(0, steps - 1) / (steps - 1)
    return np.stack([(1 - s) * a + s * b for s in t])


@wrong(
    "interpolate_linear",
    cause="It walks along a circle (spherical interpolation), not along the straight line.",
    line="np.sin((1 - t) * angle)",
)
def along_a_circle(a, b, steps):
    cosine = np.sum(a * b) / (np.linalg.norm(a) * np.linalg.norm(b))
    angle = np.arccos(np.clip(cosine, -1, 1))
    points = []
    for t in np.linspace(0, 1, steps):
        points.append((np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / np.sin(angle))
    return np.stack(points)
