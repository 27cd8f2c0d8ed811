"""Exercises of notebook 09: labels beside the inputs, grids of one label, analogies, and labels that are missing."""

import functools

import numpy as np
from scipy.special import entr, expit

from course_utils.exercises.model import Case, Exercise, Misconception, close

exercise = functools.partial(Exercise, notebook="09_class_conditional_vae", compare=close())


# one_hot ------------------------------------------------------------------------------------------------------------


def label_cases(rng):
    some = np.array([2, 0, 3, 2, 1, 3])[rng.permutation(6)]
    return [
        Case((some, 4)),
        Case((rng.permutation([0, 1, 2, 0, 2, 2, 1]), 3)),
        Case((rng.permutation([0, 4, 4, 2, 0, 1, 4, 2]), 5)),  # one class does not occur
        Case((rng.integers(1, 4, size=7), 6), "where the last class does not occur among the labels"),
        Case((np.array([11]), 13), "on a single label"),
    ]


def rows_by_loop(y, C):
    return np.array([[1.0 if c == label else 0.0 for c in range(C)] for label in y])


def rows_with(place=lambda y: y, on=1.0, off=0.0):
    """Wrong rows: another place for the label, other values."""
    return lambda y, C: np.where(np.arange(C) == np.asarray(place(y))[:, None], on, off)


def spelled_one_hot(P, y, C):
    return np.where(np.arange(C) == P("the labels", y)[:, None], P("the 1.0", 1.0), P("the 0.0", 0.0))


ONE_HOT = exercise(
    name="one_hot",
    points=1,
    minutes=4,
    lines=3,
    lecture_points=("L23",),
    signature="one_hot(y, C)",
    returns="(N, C)",
    task=(
        "Return a row of C numbers for each label in `y` (N,), an integer from 0 to $C - 1$: "
        "1.0 at the label's place, 0.0 elsewhere."
    ),
    answer="course_utils.models.conditional:one_hot",
    cases=label_cases,
    oracle=rows_by_loop,
    spelled=spelled_one_hot,
    others={
        "the 1.0 stands one place too far to the right, and there is a column more: labels count from 0": (
            lambda y, C: rows_by_loop(np.asarray(y) + 1, C + 1)
        ),
        "there is a column too many: the classes are 0 to C - 1": lambda y, C: rows_by_loop(y, C + 1),
        "there are as many columns as the largest label asks for; their number is C": (
            lambda y, C: rows_by_loop(y, int(np.max(y)) + 1)
        ),
        "the labels are sorted first, so that the rows belong to other examples": lambda y, C: rows_by_loop(
            np.sort(y), C
        ),
        "the place is the label's rank among those that occur; a label that does not occur moves the others": (
            lambda y, C: rows_by_loop(np.unique(y, return_inverse=True)[1], C)
        ),
        "there are as many columns as examples; their number is C": lambda y, C: rows_by_loop(y, len(y)),
        "all places from the label on are 1.0; only the label's own is": (
            lambda y, C: (np.arange(C) >= np.asarray(y)[:, None]).astype(float)
        ),
        "all places below the label are 1.0; only the label's own is": (
            lambda y, C: (np.arange(C) < np.asarray(y)[:, None]).astype(float)
        ),
        "every column of a label that occurs is 1.0, in all rows: a row has one 1.0, at its own label": (
            lambda y, C: np.tile(rows_by_loop(y, C).max(axis=0), (len(y), 1))
        ),
        "only the first row has its 1.0": (lambda y, C: rows_by_loop(y, C) * (np.arange(len(y)) == 0)[:, None]),
        "only the last row has its 1.0": (lambda y, C: rows_by_loop(y, C) * (np.arange(len(y)) == len(y) - 1)[:, None]),
        "the rows count how often each class occurs; each example has a row of its own": (
            lambda y, C: np.bincount(y, minlength=C)
        ),
        "each row sums to more than 1: the rows before are added in, too": (
            lambda y, C: np.cumsum(rows_by_loop(y, C), axis=0),
            lambda y, C: np.minimum(np.cumsum(rows_by_loop(y, C), axis=0), 1),
        ),
        "the rows are 1/C everywhere: only the label's own place is 1.0": lambda y, C: np.full((len(y), C), 1 / C),
        "rows of the first label are used for all": lambda y, C: rows_by_loop(np.full(len(y), y[0]), C),
    },
    misconceptions={
        "transposed": Misconception(
            lambda y, C: rows_by_loop(y, C).T, "The result is transposed: examples are rows, so the shape is (N, C)."
        ),
        "counted from one": Misconception(
            rows_with(lambda y: np.asarray(y) - 1),
            "The 1.0 stands one place too far to the left. Labels count from 0: label 0 belongs into column 0.",
        ),
        "counted from the end": Misconception(
            lambda y, C: rows_by_loop(y, C)[:, ::-1],
            "The columns run backwards: label 0 belongs into the first column.",
        ),
        "classes that occur": Misconception(
            lambda y, C: (np.asarray(y)[:, None] == np.unique(y)).astype(float),
            "There are only as many columns as different labels occur. "
            "A batch need not hold every class: the number of columns is C.",
        ),
        "zeros and ones swapped": Misconception(
            rows_with(on=0.0, off=1.0), "Zeros and ones are swapped: the label's own place is the 1.0."
        ),
        "label as the value": Misconception(
            lambda y, C: rows_by_loop(y, C) * np.asarray(y)[:, None],
            "You write the label's number into its place. A row only says which place it is: write 1.0.",
        ),
        "up to the label": Misconception(
            lambda y, C: (np.arange(C) <= np.asarray(y)[:, None]).astype(float),
            "All places up to the label are 1.0. Only the label's own place is: the classes have no order.",
        ),
    },
    hints=(
        "Start from np.zeros((N, C)), then write one 1.0 into every row.",
        "Two index arrays pick one entry of each row: a[np.arange(N), y].",
        "Or take rows of the identity matrix: np.eye(C)[y].",
    ),
    afterwards="In PyTorch: `torch.nn.functional.one_hot`.",
)


# cvae_elbo ----------------------------------------------------------------------------------------------------------


def network(rng, *sizes):
    """A network with biases that are not zero."""
    return [(rng.normal(size=(n, m)) / np.sqrt(n), 0.3 + 0.3 * rng.normal(size=m)) for n, m in zip(sizes, sizes[1:])]


def hot(rng, N, C):
    """One-hot labels in which neighbours differ, so that a wrong pairing of examples and labels shows."""
    return np.eye(C)[(rng.integers(C) + np.arange(N)) % C]


def elbo_cases(rng):
    def case(N, S, D=6, K=2, C=3, scale=1.0, label="", hidden=(5,)):
        encoder, decoder = network(rng, D + C, *hidden, 2 * K), network(rng, K + C, *hidden[1:], 4, D)
        W, b = decoder[-1]
        decoder[-1] = (scale * W, scale * b)
        x = (rng.random((N, D)) < 0.4).astype(float)
        return Case((encoder, decoder, x, hot(rng, N, C), rng.normal(size=(S, N, K) if S else (N, K))), label)

    return [
        case(5, 0),
        case(4, 0, D=5, K=3, C=2, hidden=(4, 4)),
        case(1, 0, label="on a single example"),
        case(5, 4, label="with several samples, eps (S, N, K)"),
        case(4, 0, scale=3000.0, label="with logits in the thousands"),
    ]


def tanh_network(params, h):
    for W, b in params[:-1]:
        h = np.tanh(h @ W + b)
    return h @ params[-1][0] + params[-1][1]


def elbo_one_by_one(encoder, decoder, x, y, eps):
    """Example by example and sample by sample, in the words of the definition."""

    def one(x, y, eps):
        mu, log_sigma = np.split(tanh_network(encoder, np.concatenate([x, y])), 2)
        sigma, total = np.exp(log_sigma), 0.0
        for e in eps:
            logits = tanh_network(decoder, np.concatenate([mu + sigma * e, y]))
            total += sum(-np.logaddexp(0, -l) if pixel else -np.logaddexp(0, l) for pixel, l in zip(x, logits))
        kl = sum((s * s + m * m - 1) / 2 - np.log(s) for m, s in zip(mu, sigma))
        return total / len(eps) - kl

    eps = eps if eps.ndim == 3 else eps[None]
    return np.array([one(x[n], y[n], eps[:, n]) for n in range(len(x))])


def beside(a, y):
    return np.concatenate([a, np.broadcast_to(y, (*a.shape[:-1], y.shape[-1]))], axis=-1)


def wrong_elbo(join=beside, kl_sign=-1.0, extra=lambda y: 0.0, pixels=np.sum, sigma=np.exp, unstable=False, last=None):
    """A wrong bound: each part of the right one may be replaced."""

    def cvae_elbo(encoder, decoder, x, y, eps):
        mu, log_sigma = np.split(tanh_network(encoder, join(x, y)), 2, axis=1)
        logits = tanh_network(decoder, (last or beside)(mu + sigma(log_sigma) * eps, y))
        terms = x * logits - np.logaddexp(0, logits)
        if unstable == "products":
            terms = x * np.log(expit(logits)) + (1 - x) * np.log(1 - expit(logits))
        elif unstable:
            terms = x * logits - np.log1p(np.exp(logits))
        log_p = pixels(terms, axis=-1)
        kl = 0.5 * np.sum(np.exp(2 * log_sigma) + mu**2 - 1 - 2 * log_sigma, axis=1)
        return (log_p if log_p.ndim == 1 else log_p.mean(axis=0)) + kl_sign * kl + extra(y)

    return cvae_elbo


def spelled_tanh_network(P, params, h, which):
    """The output of a network with tanh between its layers, for h (..., D)."""
    for W, b in params[:-1]:
        h = P.apply(f"tanh in the {which}", np.tanh, h @ W + P.term(f"the bias of the {which}'s hidden layer", b))
    W, b = params[-1]
    return h @ W + P.term(f"the bias of the {which}'s last layer", b)


def pixels_with(terms):
    """The bound with another log probability of the pixels."""

    def cvae_elbo(encoder, decoder, x, y, eps):
        mu, log_sigma = np.split(tanh_network(encoder, beside(x, y)), 2, axis=1)
        logits = tanh_network(decoder, beside(mu + np.exp(log_sigma) * eps, y))
        log_p = np.sum(terms(x, logits), axis=-1)
        kl = 0.5 * np.sum(np.exp(2 * log_sigma) + mu**2 - 1 - 2 * log_sigma, axis=1)
        return (log_p if log_p.ndim == 1 else log_p.mean(axis=0)) - kl

    return cvae_elbo


def elbo_of_repeated_labels(encoder, decoder, x, y, eps):
    """The bound where each label is repeated for the samples of its example, beside codes that go sample by sample."""
    mu, log_sigma = np.split(tanh_network(encoder, beside(x, y)), 2, axis=1)
    z = (mu + np.exp(log_sigma) * eps).reshape(-1, mu.shape[1])
    S = len(z) // len(x)
    logits = tanh_network(decoder, beside(z, np.repeat(y, S, axis=0)))
    x_s = np.tile(x, (S, 1))
    log_p = np.sum(x_s * logits - np.logaddexp(0, logits), axis=1).reshape(S, len(x)).mean(axis=0)
    return log_p - 0.5 * np.sum(np.exp(2 * log_sigma) + mu**2 - 1 - 2 * log_sigma, axis=1)


def spelled_cvae_elbo(P, encoder, decoder, x, y, eps):
    inputs = beside(P("x in the encoder", x), P("the label in the encoder", y))
    mu, log_sigma = np.split(spelled_tanh_network(P, encoder, inputs, "encoder"), 2, axis=1)
    sigma = P.factor("sigma in z", P.apply("exp in sigma", np.exp, log_sigma))
    z = P.term("mu in z", mu) + sigma * P.factor("eps in z", eps)
    logits = spelled_tanh_network(P, decoder, beside(z, P("the label in the decoder", y)), "decoder")
    white = P.term("the part of the white pixels", x * -np.logaddexp(0, -logits))
    log_p = P.sum(white + P.term("the part of the black pixels", (1 - x) * -np.logaddexp(0, logits)), -1, "the pixels")
    log_p = log_p if log_p.ndim == 1 else P.mean(log_p, 0, "the samples")
    log_sigma = P("log_sigma in KL", log_sigma)
    terms = (
        P.term("sigma^2 in KL", np.exp(2 * log_sigma))
        + P.term("mu^2 in KL", mu**2)
        - P.term("the 1 in KL", np.ones_like(mu))
    )
    terms = terms - P.term("2 log sigma in KL", 2 * log_sigma)
    kl = P.factor("the factor 1/2 of KL", 0.5) * P.sum(terms, 1, "the latent dimensions in KL")
    return P.term("the reconstruction term", log_p) - P.term("KL", kl)


CVAE_ELBO = exercise(
    name="cvae_elbo",
    points=4,
    minutes=12,
    lines=7,
    lecture_points=("L23",),
    signature="cvae_elbo(encoder, decoder, x, y, eps)",
    returns="(N,)",
    task=(
        r"Return the bound on $\log p(\mathbf{x}|y)$ of each example: the mean over the samples of "
        r"$\log p(\mathbf{x}|\mathbf{z}, y)$, minus $\mathrm{KL}(q(\mathbf{z}|\mathbf{x}, y)\,\|\,\mathcal{N}(0, I))$. "
        r"The networks are lists of `(W, b)`, the pixels black or white; `y` (N, C) is one-hot and stands right of "
        r"$\mathbf{x}$ in the encoder and right of $\mathbf{z}$ in the decoder; `eps` is (N, K) or (S, N, K). "
        "Logits may be in the thousands. You will train with this function, so write it with `autograd.numpy` (`anp`)."
    ),
    differentiated=2,
    answer="course_utils.models.conditional:cvae_elbo",
    cases=elbo_cases,
    oracle=elbo_one_by_one,
    aliases=("course_utils.models.vae:elbo_terms", "course_utils.models.semi_supervised:elbo_of_every_class"),
    spelled=spelled_cvae_elbo,
    others={
        "the label stands to the left of x in the encoder: [x, y] is expected": (
            wrong_elbo(lambda a, y: np.concatenate([y, a], axis=-1))
        ),
        "the label stands to the left of z in the decoder: [z, y] is expected": (
            wrong_elbo(last=lambda a, y: np.concatenate([np.broadcast_to(y, (*a.shape[:-1], y.shape[-1])), a], axis=-1))
        ),
        "log(1 + exp(l)) is left out of log p(x|z, y)": pixels_with(lambda x, l: x * l),
        "x l is left out of log p(x|z, y)": pixels_with(lambda x, l: -np.logaddexp(0, l)),
        "the reconstruction term is a squared error; pixels are black or white, with the decoder's logits": (
            pixels_with(lambda x, l: -((x - expit(l)) ** 2)),
            pixels_with(lambda x, l: -0.5 * (x - expit(l)) ** 2),
        ),
        "log p(y) = -log C is subtracted; the bound is on log p(x | y)": wrong_elbo(extra=lambda y: np.log(y.shape[1])),
        "with several samples, the labels are repeated one by one (np.repeat), but z goes sample by sample (np.tile)": (
            elbo_of_repeated_labels
        ),
        "the labels of the examples are taken in another order": (
            lambda encoder, decoder, x, y, eps: wrong_elbo()(encoder, decoder, x, y[::-1], eps),
            lambda encoder, decoder, x, y, eps: wrong_elbo()(encoder, decoder, x, np.roll(y, 1, axis=0), eps),
        ),
        "the bound is averaged over the examples; each has its own, (N,)": (lambda *args: np.mean(wrong_elbo()(*args))),
    },
    misconceptions={
        "label first": Misconception(
            wrong_elbo(
                lambda a, y: beside(np.broadcast_to(y, (*a.shape[:-1], y.shape[-1])), a) if a.ndim == 2 else a,
                last=lambda a, y: np.concatenate([np.broadcast_to(y, (*a.shape[:-1], y.shape[-1])), a], axis=-1),
            ),
            "The label stands to the left: the networks expect [x, y] and [z, y], the label last.",
        ),
        "log of 0": Misconception(
            wrong_elbo(unstable="products"),
            "Right on ordinary logits, but for large ones a probability is rounded to 0 or 1, and 0 * log(0) is nan. "
            "Stay with the logits: np.logaddexp(0, l), as in notebook 03.",
        ),
        "label is not used": Misconception(
            wrong_elbo(lambda a, y: beside(a, 0 * y), last=lambda a, y: beside(a, 0 * y)),
            "The result does not depend on y: both networks must see the label.",
        ),
        "decoder without label": Misconception(
            wrong_elbo(last=lambda a, y: beside(a, 0 * y)),
            "The decoder does not see the label. It needs [z, y], or z would have to carry the label after all.",
        ),
        "encoder without label": Misconception(
            wrong_elbo(lambda a, y: beside(a, 0 * y)),
            "The encoder does not see the label: it needs [x, y], as q depends on both.",
        ),
        "KL added": Misconception(wrong_elbo(kl_sign=1.0), "The KL term is added. It is a price: subtract it."),
        "KL missing": Misconception(
            wrong_elbo(kl_sign=0.0), "This is the reconstruction term alone: the KL term is missing."
        ),
        "with log p(y)": Misconception(
            wrong_elbo(extra=lambda y: -np.log(y.shape[1])),
            "You add log p(y) = -log C. That would bound log p(x, y); "
            "here y is given, and the bound is on log p(x | y).",
        ),
        "mean over pixels": Misconception(
            wrong_elbo(pixels=np.mean),
            "The log probability is averaged over the pixels. Independent pixels multiply, so their logs add: sum.",
        ),
        "log sigma for sigma": Misconception(
            wrong_elbo(sigma=lambda s: s),
            "z = mu + sigma eps: you multiply eps by log sigma. Take its exponential first.",
        ),
        "overflows": Misconception(
            wrong_elbo(unstable=True),
            "Right on ordinary logits, but exp(l) overflows for large ones. "
            "np.logaddexp(0, l) is log(1 + exp(l)) without that, as in notebook 03.",
        ),
    },
    hints=(
        (
            "It is the bound of notebook 08 with two concatenations: anp.concatenate([x, y], axis=1) goes into "
            r"encoder_forward, and $\mathbf{z}$ with the label beside it into the network mlp(decoder, ...)."
        ),
        (
            r"For eps (S, N, K), $\mathbf{z}$ has three axes and $\mathbf{y}$ only two: "
            "np.broadcast_to(y, (*z.shape[:-1], y.shape[1])) repeats the label for every sample; "
            "concatenate along the last axis, axis=-1."
        ),
        (
            r"$\log p(\mathbf{x}|\mathbf{z}, y)$ is bernoulli_log_prob(x, logits) of notebook 03; then the mean over "
            "the samples, if there are several, and minus kl_standard_normal(mu, log_sigma) of notebook 05."
        ),
    ),
    afterwards="In PyTorch: `torch.cat([x, y], dim=1)` in front of both networks.",
)


# style_grid, analogy ------------------------------------------------------------------------------------------------


def grid_cases(rng):
    def case(M, K, C, D=5, scale=1.0, label="", hidden=(4,), y=None):
        decoder = network(rng, K + C, *hidden, D)
        W, b = decoder[-1]
        decoder[-1] = (scale * W, scale * b)
        return Case((decoder, int(rng.integers(2, C)) if y is None else y, C, rng.normal(size=(M, K))), label)

    return [
        case(6, 2, 4),
        case(3, 3, 5, hidden=(4, 4)),
        case(4, 2, 3, y=0, label="for label 0"),
        case(1, 2, 3, label="on a single code"),
        case(4, 2, 4, scale=3000.0, label="with logits in the thousands"),
    ]


def sigmoid_one_by_one(logits):
    return np.array([1 / (1 + np.exp(-l)) if l > 0 else np.exp(l) / (1 + np.exp(l)) for l in logits])


def grid_by_loop(decoder, label, C, zs):
    y = [float(c == label) for c in range(C)]
    return np.array([sigmoid_one_by_one(tanh_network(decoder, np.array([*z, *y]))) for z in zs])


def wrong_grid(row=lambda label, C: np.eye(C)[label], join=np.append, squash=expit):
    return lambda decoder, label, C, zs: squash(np.array([tanh_network(decoder, join(z, row(label, C))) for z in zs]))


def overflowing(logits):
    return np.exp(logits) / (1 + np.exp(logits))


def spelled_style_grid(P, decoder, label, C, zs):
    y = P("the one-hot label", np.tile(np.eye(C)[label], (len(zs), 1)))
    logits = spelled_tanh_network(P, decoder, np.hstack([P("the codes", zs), y]), "decoder")
    return P.apply("the sigmoid", expit, logits)


STYLE_GRID = exercise(
    name="style_grid",
    points=2,
    minutes=6,
    lines=4,
    lecture_points=("L24",),
    signature="style_grid(decoder, label, C, zs)",
    returns="(M, D)",
    task=(
        "Return the pixel probabilities, between 0 and 1, of one `label` (an integer below C) for each of the codes "
        r"`zs` (M, K). The decoder's inputs are $[\mathbf{z}, \mathbf{y}]$ with $\mathbf{y}$ one-hot; its outputs "
        "are logits, which may be in the thousands."
    ),
    answer="course_utils.models.conditional:style_grid",
    cases=grid_cases,
    oracle=grid_by_loop,
    spelled=spelled_style_grid,
    others={
        "only the first code is decoded": (
            lambda decoder, label, C, zs: wrong_grid()(decoder, label, C, zs[:1]),
            lambda decoder, label, C, zs: wrong_grid()(decoder, label, C, zs[:1])[0],
        ),
        "every code gets a label of its own, 0, 1, 2, ...; all have the one that is given": (
            lambda decoder, label, C, zs: np.array(
                [wrong_grid()(decoder, i % C, C, zs[i : i + 1])[0] for i in range(len(zs))]
            )
        ),
        "all labels are drawn for every code; one is asked": (
            lambda decoder, label, C, zs: np.array([wrong_grid()(decoder, c, C, zs) for c in range(C)])
        ),
        "only the last code's picture is returned; all M are asked": (
            lambda decoder, label, C, zs: wrong_grid()(decoder, label, C, zs[-1:]),
            lambda decoder, label, C, zs: wrong_grid()(decoder, label, C, zs[-1:])[0],
        ),
        "the pictures of all labels are averaged; that of the given label alone is asked": (
            lambda decoder, label, C, zs: sum(wrong_grid()(decoder, c, C, zs) for c in range(C)) / C
        ),
        "the label's weights are row `label` of the first layer; they are row K + label, after those of the code": (
            lambda decoder, label, C, zs: expit(
                tanh_network([(decoder[0][0][: zs.shape[1]], decoder[0][1] + decoder[0][0][label]), *decoder[1:]], zs)
            )
        ),
        "black and white are exchanged: sigmoid(l) = 1 / (1 + exp(-l)), with a minus": wrong_grid(
            squash=lambda l: expit(-l)
        ),
        "the label is always 0": lambda decoder, label, C, zs: wrong_grid()(decoder, 0, C, zs),
        "the label is always the last": lambda decoder, label, C, zs: wrong_grid()(decoder, C - 1, C, zs),
        "the neighbouring class, label + 1, is drawn: labels count from 0": (
            wrong_grid(row=lambda label, C: np.eye(C)[(label + 1) % C])
        ),
        "all places before the label's are 1.0; only the label's own is": (
            wrong_grid(row=lambda label, C: (np.arange(C) < label).astype(float))
        ),
        "all places up to the label's are 1.0; only the label's own is": (
            wrong_grid(row=lambda label, C: (np.arange(C) <= label).astype(float))
        ),
        "the places of the label are 1/C: it is not one-hot": wrong_grid(row=lambda label, C: np.full(C, 1 / C)),
        "the label is written into its place as a number; write 1.0": (
            wrong_grid(row=lambda label, C: label * np.eye(C)[label])
        ),
        "pixels are decided, black or white; their probabilities are asked": (
            wrong_grid(squash=lambda l: (l > 0).astype(float))
        ),
        "the softmax is taken over the pixels; each has its own sigmoid": (
            wrong_grid(squash=lambda l: np.exp(l) / np.exp(l).sum(axis=1, keepdims=True))
        ),
        "(1 + tanh(l)) / 2 is the sigmoid of 2 l, and not that of l": wrong_grid(squash=lambda l: (1 + np.tanh(l)) / 2),
    },
    misconceptions={
        "logits": Misconception(
            wrong_grid(squash=lambda l: l), "These are the logits. Probabilities are their sigmoids."
        ),
        "label first": Misconception(
            wrong_grid(join=lambda z, y: np.append(y, z)),
            "The label stands to the left of the code; the decoder expects [z, y].",
        ),
        "no label": Misconception(
            wrong_grid(row=lambda label, C: np.zeros(C)), "The label's place holds zeros only: no class was asked for."
        ),
        "all labels at once": Misconception(
            wrong_grid(row=lambda label, C: np.ones(C)),
            "Every class is switched on at once. Only the place of `label` is 1.0.",
        ),
        "label as the value": Misconception(
            wrong_grid(row=lambda label, C: np.full(C, label)),
            "The label's number was written into all C places. Make it one-hot.",
        ),
        "label counted from one": Misconception(
            wrong_grid(row=lambda label, C: np.eye(C)[label - 1]),
            "This is the neighbouring class, label - 1. Labels count from 0.",
        ),
        "overflows": Misconception(
            wrong_grid(squash=overflowing),
            "Right on ordinary logits, but exp(l) / (1 + exp(l)) is inf / inf for large ones. "
            "1 / (1 + exp(-l)) has no such trouble.",
        ),
    },
    hints=(
        "All M rows have one label: np.full(len(zs), label) makes M labels, and your one_hot turns them into (M, C).",
        "Put codes and labels side by side, np.concatenate([zs, y], axis=1), and send them through the decoder.",
        "vae_generate(decoder, inputs) of notebook 08 is the network followed by the sigmoid.",
    ),
)


def analogy_cases(rng):
    def case(N, D=6, K=2, C=4, scale=1.0, label="", hidden=(5,), kept=0, classes=None):
        """The first `kept` examples keep their labels; only the first `classes` classes occur."""
        encoder, decoder = network(rng, D + C, *hidden, 2 * K), network(rng, K + C, *hidden[1:], 4, D)
        W, b = decoder[-1]
        decoder[-1] = (scale * W, scale * b)
        y, classes = rng.integers(classes or C, size=N), classes or C
        y_new = (y + rng.integers(1, classes, size=N) * (np.arange(N) >= kept)) % classes
        return Case((encoder, decoder, rng.random((N, D)), y, y_new, C), label)

    return [
        case(6, D=9),
        case(5, D=5, K=3, C=3, hidden=(4, 4)),
        case(1, label="on a single example"),
        case(5, kept=3, label="where the new label is the old one"),
        case(4, C=5, classes=3, label="where not all classes occur"),
        case(4, scale=3000.0, label="with logits in the thousands"),
    ]


def analogy_by_loop(encoder, decoder, x, y, y_new, C):
    images = []
    for picture, old, new in zip(x, y, y_new):
        code = tanh_network(encoder, np.array([*picture, *(float(c == old) for c in range(C))]))
        images.append(
            sigmoid_one_by_one(
                tanh_network(decoder, np.array([*code[: len(code) // 2], *(float(c == new) for c in range(C))]))
            )
        )
    return np.array(images)


def wrong_analogy(read=lambda y, y_new: y, write=lambda y, y_new: y_new, code=lambda mu, log_sigma: mu, squash=expit):
    """A wrong analogy: the labels that encoder and decoder see, the code, the output."""

    def analogy(encoder, decoder, x, y, y_new, C):
        mu, log_sigma = np.split(tanh_network(encoder, np.hstack([x, np.eye(C)[read(y, y_new)]])), 2, axis=1)
        return squash(tanh_network(decoder, np.hstack([code(mu, log_sigma), np.eye(C)[write(y, y_new)]])))

    return analogy


def spelled_analogy(P, encoder, decoder, x, y, y_new, C):
    inputs = np.hstack([x, P("the label that the encoder reads", np.eye(C)[y])])
    mu = np.split(spelled_tanh_network(P, encoder, inputs, "encoder"), 2, axis=1)[0]
    inputs = np.hstack([P("the code mu", mu), P("the label that the decoder writes", np.eye(C)[y_new])])
    return P.apply("the sigmoid", expit, spelled_tanh_network(P, decoder, inputs, "decoder"))


ANALOGY = exercise(
    name="analogy",
    points=3,
    minutes=8,
    lines=5,
    lecture_points=("L25",),
    signature="analogy(encoder, decoder, x, y, y_new, C)",
    returns="(N, D)",
    task=(
        "Return each picture `x` (N, D), whose label is `y` (N,), as it would look with the label `y_new` (N,): the "
        r"code is the mean of $q(\mathbf{z}|\mathbf{x}, y)$, and the decoder writes it with the new label. Give pixel "
        "probabilities, not the decoder's logits; labels are integers below C."
    ),
    answer="course_utils.models.conditional:analogy",
    cases=analogy_cases,
    oracle=analogy_by_loop,
    spelled=spelled_analogy,
    others={
        "the code is sigma; the mean mu is asked": (wrong_analogy(code=lambda mu, s: np.exp(s))),
        "log sigma is added to the code; the mean mu itself is asked": (wrong_analogy(code=lambda mu, s: mu + s)),
        "the label stands to the left in the encoder: [x, y] is expected": (
            lambda encoder, decoder, x, y, y_new, C: expit(
                tanh_network(
                    decoder,
                    np.hstack(
                        [
                            np.split(tanh_network(encoder, np.hstack([np.eye(C)[y], x])), 2, axis=1)[0],
                            np.eye(C)[y_new],
                        ]
                    ),
                )
            )
        ),
        "the label stands to the left in the decoder: [z, y] is expected": (
            lambda encoder, decoder, x, y, y_new, C: expit(
                tanh_network(
                    decoder,
                    np.hstack(
                        [
                            np.eye(C)[y_new],
                            np.split(tanh_network(encoder, np.hstack([x, np.eye(C)[y]])), 2, axis=1)[0],
                        ]
                    ),
                )
            )
        ),
        "the labels stand to the left in both networks: [x, y] and [z, y] are expected": (
            lambda encoder, decoder, x, y, y_new, C: expit(
                tanh_network(
                    decoder,
                    np.hstack(
                        [
                            np.eye(C)[y_new],
                            np.split(tanh_network(encoder, np.hstack([np.eye(C)[y], x])), 2, axis=1)[0],
                        ]
                    ),
                )
            )
        ),
        "the difference of two decoded pictures is added to x; only the one with the new label is asked": (
            lambda encoder, decoder, x, y, y_new, C: (
                x
                + wrong_analogy()(encoder, decoder, x, y, y_new, C)
                - wrong_analogy(write=lambda y, y_new: y)(encoder, decoder, x, y, y_new, C)
            )
        ),
        "the codes are standardised over the examples; each code is what the encoder gives": (
            wrong_analogy(code=lambda mu, s: (mu - mu.mean(axis=0)) / mu.std(axis=0)),
            wrong_analogy(code=lambda mu, s: mu - mu.mean(axis=0)),
        ),
        "the encoder reads without a label, all zeros": (
            lambda encoder, decoder, x, y, y_new, C: expit(
                tanh_network(
                    decoder,
                    np.hstack(
                        [
                            np.split(tanh_network(encoder, np.hstack([x, 0 * np.eye(C)[y]])), 2, axis=1)[0],
                            np.eye(C)[y_new],
                        ]
                    ),
                )
            )
        ),
        "all images get the first new label": wrong_analogy(write=lambda y, y_new: np.full_like(y_new, y_new[0])),
        "the decoder gets both labels at once, the old and the new": (
            lambda encoder, decoder, x, y, y_new, C: expit(
                tanh_network(
                    decoder,
                    np.hstack(
                        [
                            np.split(tanh_network(encoder, np.hstack([x, np.eye(C)[y]])), 2, axis=1)[0],
                            np.eye(C)[y] + np.eye(C)[y_new],
                        ]
                    ),
                )
            )
        ),
        "the difference of the labels is given to the decoder": (wrong_analogy(write=lambda y, y_new: y_new - y),),
        "pixels are decided, black or white; their probabilities are asked": (
            wrong_analogy(squash=lambda l: (l > 0).astype(float))
        ),
    },
    misconceptions={
        "old label": Misconception(
            wrong_analogy(write=lambda y, y_new: y),
            "The decoder got the old label: this is the reconstruction of x. Give it y_new.",
        ),
        "new label in the encoder": Misconception(
            wrong_analogy(read=lambda y, y_new: y_new),
            "The encoder got the new label. It reads x, whose label is y; only the decoder gets y_new.",
        ),
        "labels swapped": Misconception(
            wrong_analogy(lambda y, y_new: y_new, lambda y, y_new: y),
            "The two labels are swapped: the encoder reads with y, the decoder writes with y_new.",
        ),
        "logits": Misconception(
            wrong_analogy(squash=lambda l: l), "These are the logits. Probabilities are their sigmoids."
        ),
        "log sigma for mu": Misconception(
            wrong_analogy(code=lambda mu, s: s),
            "You decode log sigma. The encoder's output holds mu first, then log sigma.",
        ),
        "not the mean": Misconception(
            wrong_analogy(code=lambda mu, s: mu + np.exp(s)),
            "The code is mu + sigma. For an analogy take the mean mu itself, without noise.",
        ),
        "overflows": Misconception(
            wrong_analogy(squash=overflowing),
            "Right on ordinary logits, but exp(l) / (1 + exp(l)) is inf / inf for large ones. "
            "1 / (1 + exp(-l)) has no such trouble.",
        ),
    },
    hints=(
        (
            r"Two steps: read the style, the mean $\boldsymbol\mu$ of $q(\mathbf{z}|\mathbf{x}, y)$; then write, "
            r"the decoder of $[\boldsymbol\mu, \mathbf{y}_{new}]$."
        ),
        (
            "encoder_forward(encoder, inputs) of notebook 07 returns (mu, log_sigma); "
            "the inputs are x with one_hot(y, C) beside it."
        ),
        "mu, _ = encoder_forward(...); then vae_generate(decoder, ...) with mu and one_hot(y_new, C) side by side.",
    ),
)


# m2_unlabelled_elbo -------------------------------------------------------------------------------------------------


def unlabelled_cases(rng):
    def draw(N, C):
        return rng.uniform(-9, -1, (N, C)), rng.dirichlet(np.full(C, 1.5), size=N)

    def sure(N, C):
        elbo, q = draw(N, C)
        q[np.arange(N), rng.integers(C, size=N)] = 0
        q /= q.sum(axis=1, keepdims=True)
        q[0] = np.eye(C)[rng.integers(C)]
        return elbo, q

    def lopsided():
        """Rows that are nearly certain, and unlikely classes that the model finds impossible."""
        elbo, _ = draw(3, 3)
        elbo[2, 1] = -2000.0
        return elbo, np.array([[0.92, 0.08, 0.0], [0.03, 0.95, 0.02], [1 - 4e-4, 4e-4, 0.0]])

    return [
        Case(draw(6, 4)),
        Case(draw(5, 3)),
        Case(draw(1, 5), "on a single example"),
        Case(lopsided(), "where q_y is nearly certain"),
        Case(sure(4, 3), "where q_y has zeros, and a row that is certain"),
    ]


def expected_plus_entropy(elbo_per_class, q_y):
    return np.array([sum(q * e + entr(q) for q, e in zip(qs, es)) for qs, es in zip(q_y, elbo_per_class)])


def wrong_unlabelled(entropy_sign=1.0, weights=lambda q: q):
    return lambda elbo, q: np.sum(weights(q) * elbo, axis=1) + entropy_sign * entr(q).sum(axis=1)


def spelled_m2_unlabelled_elbo(P, elbo_per_class, q_y):
    log_q = P.term("log q(y | x)", np.log(np.where(q_y > 0, q_y, 1.0)))
    terms = P.factor("the weights q(y | x)", q_y) * (P.term("L(x, c)", elbo_per_class) - log_q)
    return P.sum(terms, 1, "the classes")


M2_UNLABELLED = exercise(
    name="m2_unlabelled_elbo",
    points=3,
    minutes=10,
    lines=4,
    lecture_points=("L23",),
    signature="m2_unlabelled_elbo(elbo_per_class, q_y)",
    returns="(N,)",
    task=(
        r"Return the bound on $\log p(\mathbf{x})$ that Jensen's inequality over the labels gives, with "
        r"$q(y|\mathbf{x})$, for examples without a label. `elbo_per_class` (N, C) holds $\mathcal{L}(\mathbf{x}, c)$, "
        r"a bound on $\log p(\mathbf{x}, c)$, and `q_y` (N, C) the probabilities $q(c|\mathbf{x})$; $0 \log 0 = 0$."
    ),
    answer="course_utils.models.semi_supervised:m2_unlabelled_elbo",
    cases=unlabelled_cases,
    oracle=expected_plus_entropy,
    spelled=spelled_m2_unlabelled_elbo,
    others={
        "this is the entropy of q(y | x) alone: the mean of L is missing": lambda elbo, q: entr(q).sum(axis=1),
        "log q is not weighted: the entropy is -sum q log q": (
            lambda elbo, q: np.sum(q * elbo - np.log(q), axis=1),
            lambda elbo, q: np.sum(q * elbo, axis=1) - np.log(q).sum(axis=1),
        ),
        "q log q is weighted with q once more": lambda elbo, q: np.sum(q * (elbo - q * np.log(q)), axis=1),
        "q is subtracted where log q belongs": lambda elbo, q: np.sum(q * (elbo - q), axis=1),
        "only L is summed, without weights, and the entropy added": (
            lambda elbo, q: np.sum(elbo, axis=1) + entr(q).sum(axis=1)
        ),
        "minus log q of the most probable class stands where the entropy belongs": (
            lambda elbo, q: np.sum(q * elbo, axis=1) - np.log(q.max(axis=1))
        ),
        "only the most probable class counts: L - log q is averaged over all classes, with the weights q": (
            lambda elbo, q: np.asarray(elbo)[np.arange(len(elbo)), np.argmax(q, axis=1)] - np.log(np.max(q, axis=1)),
        ),
        "L of the most probable class stands where the mean of L belongs; the entropy is right": (
            lambda elbo, q: np.asarray(elbo)[np.arange(len(elbo)), np.argmax(q, axis=1)] + entr(q).sum(axis=1)
        ),
        "log p(y) = -log C is taken out of L; it belongs to the bound": (
            lambda elbo, q: wrong_unlabelled()(elbo, q) + np.log(np.shape(q)[1])
        ),
        "L's exponential is averaged: this is the log of the mean of exp(L) under q": (
            lambda elbo, q: np.log(np.sum(q * np.exp(elbo), axis=1))
        ),
        "minus the log of the sum of q^2 stands where the entropy -sum q log q belongs": (
            lambda elbo, q: np.sum(q * elbo, axis=1) - np.log(np.sum(q * q, axis=1))
        ),
    },
    misconceptions={
        "entropy missing": Misconception(
            wrong_unlabelled(0.0),
            "This is the mean of L alone. The unknown label is a latent variable, too: "
            "the entropy of q(y | x), -sum q log q, belongs to the bound.",
        ),
        "entropy subtracted": Misconception(
            wrong_unlabelled(-1.0),
            "The entropy has the wrong sign: -log q(c | x) is positive, and the bound rewards a q "
            "that stays undecided.",
        ),
        "log p(y) again": Misconception(
            lambda elbo, q: wrong_unlabelled()(elbo, q) - np.log(np.shape(q)[1]),
            "Every value is log C too small: log p(y) is already in elbo_per_class.",
        ),
        "zeros give nan": Misconception(
            lambda elbo, q: np.sum(q * (elbo - np.log(q)), axis=1),
            "Right formula, but where q is 0 numpy computes 0 * log(0) = nan. Such classes count nothing.",
        ),
        "classes weigh the same": Misconception(
            wrong_unlabelled(weights=lambda q: np.full(np.shape(q), 1 / np.shape(q)[1])),
            "All classes weigh the same in the mean of L. The weights are q(y | x).",
        ),
        "best class only": Misconception(
            lambda elbo, q: np.asarray(elbo)[np.arange(len(elbo)), np.argmax(q, axis=1)],
            "You take L of the most probable class alone. All classes count, each with its probability.",
        ),
        "log of the mean": Misconception(
            lambda elbo, q: np.log(np.sum(np.exp(elbo), axis=1)),
            "This is log sum exp of L, the best that any q(y | x) could reach. "
            "The bound for the q_y that came in is asked: it must use q_y.",
        ),
    },
    hints=(
        (
            r"As in notebook 04: multiply and divide each $p(\mathbf{x}, c)$ by $q(c|\mathbf{x})$, and take the "
            "logarithm inside of the mean."
        ),
        (
            r"For each class $\mathcal{L}(\mathbf{x}, c) - \log q(c|\mathbf{x})$; then the mean with the weights "
            r"$q(c|\mathbf{x})$: a sum over axis 1. It splits into "
            r"$\sum_c q_c \mathcal{L}_c$ and the entropy $-\sum_c q_c \log q_c$. Only the entropy has "
            "trouble with zeros."
        ),
        r"np.log(np.where(q_y > 0, q_y, 1.0)) is $\log q$ where $q > 0$ and 0 elsewhere.",
    ),
    afterwards=(
        r"So $\mathcal{U}(\mathbf{x}) = \sum_y q(y|\mathbf{x})\,[\mathcal{L}(\mathbf{x}, y) - \log q(y|\mathbf{x})] "
        r"\le \log p(\mathbf{x})$."
    ),
)

EXERCISES = [ONE_HOT, CVAE_ELBO, STYLE_GRID, ANALOGY, M2_UNLABELLED]
