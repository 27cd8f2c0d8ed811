"""Exercises of notebook 11: masks, sampling one by one, couplings, the losses of a GAN, precision and recall."""

import functools

import numpy as np
from scipy import special
from scipy.spatial import distance

from course_utils.exercises.model import Case, Exercise, Finding, Misconception, close
from course_utils.exercises.stand_ins import Named

exercise = functools.partial(
    Exercise, notebook="11_four_generative_models", lecture_points=("L1", "L22"), compare=close()
)


# made_masks ---------------------------------------------------------------------------------------------------------


def unlike_its_inverse(rng, D):
    """An order of D dimensions that differs from its inverse, from 0..D-1 and from the inverse's reverse."""
    while True:
        order = rng.permutation(D)
        inverse = np.argsort(order)
        others = (inverse, inverse[::-1], np.arange(D), np.arange(D)[::-1], D - 1 - inverse)
        if not any(np.array_equal(order, other) for other in others):
            return order


def mask_cases(rng):
    def case(D, hidden, label="", order=None):
        order = unlike_its_inverse(rng, D) if order is None else np.array(order)
        return Case(([D, *hidden, D], order), label)

    return [
        case(5, [11, 14]),
        case(6, [13]),
        case(4, [9, 8, 10]),
        case(5, [4, 4], "where a hidden layer has just D - 1 units"),
        case(2, [3, 1], "for two dimensions", order=[1, 0]),
    ]


def built_masks(sizes, degrees, order):
    """Masks from the degrees of each hidden layer, a tuple."""
    places = [np.asarray(order) + 1, *degrees]
    masks = [(a[:, None] <= b).astype(float) for a, b in zip(places, places[1:])]
    return (*masks, (degrees[-1][:, None] <= np.asarray(order)).astype(float))


def cycling(sizes, low=1, high=None):
    """Degrees low..high (D - 1 where None), over and over, for every hidden layer."""
    high = sizes[0] - 1 if high is None else high
    return [low + np.arange(H) % (high - low + 1) for H in sizes[1:-1]]


def masks_oracle(sizes, order):
    """From hidden layers whose degrees come in blocks: unit h has degree 1 + floor(h (D - 1) / H)."""
    degrees = [1 + np.arange(H) * (sizes[0] - 1) // H for H in sizes[1:-1]]
    return built_masks(sizes, degrees, order)


def connected(masks):
    """Which inputs reach which outputs, (D, D)."""
    return np.linalg.multi_dot([np.asarray(mask, float) for mask in masks]) > 0.5


def hidden_units(masks):
    """For each hidden layer how many inputs reach a unit, and how many outputs it reaches."""
    for i in range(1, len(masks)):
        reached = functools.reduce(np.matmul, [np.asarray(mask, float) for mask in masks[:i]])
        reaches = functools.reduce(np.matmul, [np.asarray(mask, float) for mask in masks[i:]])
        yield (reached > 0.5).sum(axis=0), (reaches > 0.5).sum(axis=1)


def mask_problem(masks, sizes, order):
    """(key, sentence) for masks without the property that is asked, None where they have it."""
    D, order = sizes[0], np.asarray(order)
    if not all(np.isin(mask, (0, 1)).all() for mask in masks):
        return "entries", "A mask holds something else than 0 and 1."
    wanted, found = order[:, None] < order, connected(masks)
    if (found & ~wanted).any():
        share = int((found & ~wanted).sum())
        return "too many", f"{share} of {D * D} pairs of input and output are connected that must not be."
    if (wanted & ~found).any():
        share = int((wanted & ~found).sum())
        return "too few", f"{share} of {D * D} pairs of input and output are not connected, and should be."
    for reached, reaches in hidden_units(masks):
        if not (reached.all() and reaches.all()):
            return "dead", "The right pairs are connected, but a hidden unit has no input or no output."
        counts = np.bincount(reached, minlength=D)[1:D]
        if np.ptp(counts) > 1:
            return "uneven", "The right pairs are connected, but some degrees have many more units than others."
    return None


def compare_masks(expected, got, args):
    """By the property; masks that lack it agree with what is `expected` only where they are the same."""
    problem = mask_problem(got, *args)
    if problem is None or all(np.array_equal(a, b) for a, b in zip(expected, got, strict=True)):
        return None
    return Finding("values", problem[1])


def diagnose_masks(args, got):
    """Which outputs look at which inputs says which mistake it is."""
    sizes, order = args[:2]
    order = np.asarray(order)
    problem = mask_problem(got, sizes, order)
    if problem is None or problem[0] == "entries":
        return None
    if problem[0] in ("dead", "uneven"):
        return problem[0]
    found, inverse, natural = connected(got), np.argsort(order), np.arange(sizes[0])
    if np.diag(found).any() and not (found & (order[:, None] > order)).any():
        return "sees itself"  # all outputs, or all but the last in the order: where no hidden unit has degree D
    patterns = {
        "order ignored": natural[:, None] < natural,
        "order inverted": inverse[:, None] < inverse,
        "reversed": order[:, None] > order,
        "not masked": np.ones_like(found),
    }
    key = next((key for key, pattern in patterns.items() if np.array_equal(found, pattern)), None)
    return key or ("too few" if problem[0] == "too few" else None)


def spelled_made_masks(P, sizes, order):
    D = sizes[0]
    place = P("the places of the inputs", np.asarray(order) + 1)
    cycle = [P("the degrees of the hidden units", 1 + np.arange(H) % (D - 1)) for H in sizes[1:-1]]
    degrees = [place, *cycle]
    masks = [(a[:, None] <= b).astype(float) for a, b in zip(degrees, degrees[1:])]
    last = P("the places of the outputs", np.asarray(order))
    return (*masks, (degrees[-1][:, None] <= last).astype(float))


def strict_masks(sizes, order):
    degrees = [np.asarray(order) + 1, *cycling(sizes)]
    masks = [(a[:, None] < b).astype(float) for a, b in zip(degrees, degrees[1:])]
    return (*masks, (degrees[-1][:, None] <= np.asarray(order)).astype(float))


def itself_masks(sizes, order):
    degrees = [np.asarray(order) + 1, *cycling(sizes)]
    masks = [(a[:, None] <= b).astype(float) for a, b in zip(degrees, degrees[1:])]
    return (*masks, (degrees[-1][:, None] <= np.asarray(order) + 1).astype(float))


MADE_MASKS = exercise(
    name="made_masks",
    points=4,
    minutes=14,
    lines=6,
    signature="made_masks(sizes, order)",
    returns="list of (in, out)",
    compare=compare_masks,
    diagnose=diagnose_masks,
    task=(
        r"The masks of a network with layers `sizes` $= [D, H, \dots, D]$, a list with one array (in, out) of 0 and 1 "
        r"for each weight matrix. `order[d]` is the place of dimension $d$, from 0: output $j$ must be connected, "
        r"through "
        r"some path of ones, with input $i$ exactly where `order[i] < order[j]`. Every hidden unit needs an input "
        r"and an output that it is connected with; in each hidden layer the degrees $1, \dots, D - 1$ are spread "
        r"evenly "
        r"(how many units have each differs by at most 1; a unit's degree is the number of inputs that reach it). "
        r"Every "
        r"$H \ge D - 1$; there are one or more hidden layers, and $D \ge 2$. Which unit has which degree is up to you."
    ),
    answer="course_utils.networks.masked:made_masks",
    cases=mask_cases,
    oracle=masks_oracle,
    spelled=spelled_made_masks,
    others={
        "the masks are turned: a layer's mask has as many rows as the layer before it has units": (
            lambda sizes, order: tuple(mask.T for mask in built_masks(sizes, cycling(sizes), order))
        ),
    },
    misconceptions={
        "sees itself": Misconception(
            itself_masks,
            "An output looks at its own input, too: then the network copies, and the factors are no conditional "
            "densities. Input d knows itself, so its degree is order[d] + 1; the last comparison must leave the "
            "output's own place out.",
        ),
        "order ignored": Misconception(
            lambda sizes, order: built_masks(sizes, cycling(sizes), np.arange(sizes[0])),
            "The masks are right for the order 0, 1, 2, ...; the argument `order` has no effect.",
        ),
        "order inverted": Misconception(
            lambda sizes, order: built_masks(sizes, cycling(sizes), np.argsort(order)),
            "You read order[k] as the dimension that comes at place k. It is the other way: order[d] is the place of "
            "dimension d.",
        ),
        "reversed": Misconception(
            lambda sizes, order: built_masks(sizes, cycling(sizes), sizes[0] - 1 - np.asarray(order)),
            "The outputs look at the inputs that come later. Turn the comparisons round: a unit takes from those "
            "whose degree is not above its own.",
        ),
        "too few": Misconception(
            strict_masks,
            "Nothing is connected that must not be, but some paths are missing. Between the inputs and hidden "
            "units, and "
            "between hidden layers, equal degrees may be connected; which layer alone is strict?",
        ),
        "not masked": Misconception(
            lambda sizes, order: tuple(np.ones(shape) for shape in zip(sizes, sizes[1:])),
            "Every output is connected with every input: these masks leave everything in.",
        ),
        "dead": Misconception(
            lambda sizes, order: built_masks(sizes, cycling(sizes, high=sizes[0]), order),
            "The right pairs are connected, but a hidden unit has no input or no output: with a degree of 0 it "
            "sees nothing, "
            "with D it may tell nobody. Degrees run from 1 to D - 1.",
        ),
        "uneven": Misconception(
            lambda sizes, order: built_masks(
                sizes, [np.minimum(1 + np.arange(H), sizes[0] - 1) for H in sizes[1:-1]], order
            ),
            "The right pairs are connected, but the degrees are not spread evenly over a hidden layer: how many units "
            "have each may differ by 1 at most. Go round: from 1 to D - 1, and then from 1 again.",
        ),
    },
    hints=(
        (
            "Work out a small case: D = 3, order = [1, 0, 2], two hidden units of degrees 1 and 2. The inputs have "
            "degrees 2, 1, 3, so the first mask is [[0, 1], [1, 1], [0, 0]] and the last [[1, 0, 1], [0, 0, 1]]. "
            "Check each entry against the rule."
        ),
        (
            "A unit may take from those whose degree is not above its own: mask = degrees_below[:, None] <= "
            "degrees_above. Only the output must not know itself: it takes from degrees of at most order[j]."
        ),
        (
            "degrees = [order + 1] and 1 + np.arange(H) % (D - 1) for each H in sizes[1:-1]; the masks are "
            "a[:, None] <= b for neighbours a, b in degrees, and last degrees[-1][:, None] <= order, all as floats."
        ),
    ),
)


# autoregressive_sample ----------------------------------------------------------------------------------------------


def sample_cases(rng):
    def case(N, D, label="", logits="causal_logits"):
        return Case((Named(f"course_utils.models.toy_maps:{logits}"), rng.random((N, D))), label)

    return [
        case(12, 5),
        case(9, 7),
        case(10, 4),
        case(1, 6, "for a single example"),
        case(8, 5, "for logits of thousands", "sure_logits"),
    ]


def sample_oracle(logits, u):
    """Example by example and pixel by pixel, with scipy's sigmoid; what comes later is filled with noise."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, u.shape).astype(float)
    for n in range(len(u)):
        for d in range(u.shape[1]):
            x[n, d] = float(u[n, d] < special.expit(logits(x[n : n + 1])[0, d]))
    return x


def one_by_one(choose):
    """A sampler with its own rule: choose(u_d, logit_d)."""

    def sample(logits, u):
        x = np.zeros(u.shape)
        for d in range(u.shape[1]):
            x[:, d] = choose(u[:, d], logits(x)[:, d])
        return x

    return sample


def spelled_autoregressive_sample(P, logits, u):
    x = np.zeros(u.shape)
    for d in range(u.shape[1]):
        logit = P("the logits", logits(x)[:, d])
        x[:, d] = P("u", u[:, d]) < P.apply("the sigmoid", special.expit, logit)
    return x


AUTOREGRESSIVE_SAMPLE = exercise(
    name="autoregressive_sample",
    points=2,
    minutes=6,
    lines=4,
    signature="autoregressive_sample(logits, u)",
    returns="(N, D)",
    task=(
        r"Samples of 0 and 1, one dimension at a time, in the order $0, \dots, D - 1$: $x_d = 1$ where "
        r"$u_d < \sigma(\ell_d)$, else 0. `logits(x)` takes (N, D) and returns the $\ell$, (N, D), whose column "
        r"$d$ looks "
        r"at `x[:, :d]` alone, whatever stands in the other columns; `u` (N, D) is uniform between 0 and 1. It "
        r"must not fail "
        r"for logits of thousands."
    ),
    answer="course_utils.models.made:autoregressive_sample",
    cases=sample_cases,
    oracle=sample_oracle,
    spelled=spelled_autoregressive_sample,
    others={
        "these are the probabilities; compare them with u": lambda logits, u: special.expit(
            logits(sample_oracle(logits, u))
        ),
        "the logits themselves are compared with u, without the sigmoid": one_by_one(lambda u, l: u < l),
        "every dimension is drawn from its first logit; column d has those of dimension d": (
            lambda logits, u: (u < special.expit(logits(np.zeros(u.shape))[:, :1])).astype(float)
        ),
    },
    misconceptions={
        "all at once": Misconception(
            lambda logits, u: (u < special.expit(logits(np.zeros(u.shape)))).astype(float),
            "All dimensions are drawn from the logits of an x of zeros. Each must see those that were drawn before it: "
            "go from the first to the last, and call logits again after every dimension.",
        ),
        "two passes": Misconception(
            lambda logits, u: (
                u < special.expit(logits((u < special.expit(logits(np.zeros(u.shape)))).astype(float)))
            ).astype(float),
            "You call logits twice, on zeros and on what that gives. Only the first two dimensions are sure to be "
            "right then: go from the first to the last, and call logits again after every dimension.",
        ),
        "wrong side": Misconception(
            one_by_one(lambda u, l: u >= special.expit(l)),
            "0 and 1 change places: x is 1 where u is *below* the probability of a 1.",
        ),
        "most probable": Misconception(
            one_by_one(lambda u, l: l > 0),
            "You take the more probable value, and u plays no part: that gives the same picture every time. "
            "Compare u with the probability.",
        ),
        "one u": Misconception(
            lambda logits, u: sample_oracle(logits, np.tile(u[:, :1], (1, u.shape[1]))),
            "You compare with the same number in every dimension, u[:, 0]. Dimension d has its own, u[:, d].",
        ),
        "overflow": Misconception(
            one_by_one(lambda u, l: u < np.exp(l) / (1 + np.exp(l))),
            "Right on ordinary logits, but exp(l) / (1 + exp(l)) is inf / inf for large ones, which is no number, and "
            "u is not below it. 1 / (1 + exp(-l)) has no such trouble.",
        ),
        "probabilities kept": Misconception(
            one_by_one(lambda u, l: special.expit(l)),
            "You put probabilities into x, and the next logits see these. A sample is 0 or 1 in every dimension.",
        ),
    },
    hints=(
        "Begin with x = np.zeros(u.shape). The logit of dimension 0 looks at nothing, so it is right from the start.",
        "In a loop over d: call logits(x), take column d, and write 0 or 1 into x[:, d] before the next call.",
        "for d in range(u.shape[1]): x[:, d] = u[:, d] < sigmoid(logits(x)[:, d]); return x.",
    ),
)


# coupling_forward, coupling_inverse ---------------------------------------------------------------------------------

SCALE, SHIFT = (Named(f"course_utils.models.toy_maps:wavy_{name}") for name in ("scale", "shift"))


def coupling_cases(rng):
    def case(N, mask, label=""):
        mask = np.array(mask, float)
        x = rng.uniform(0.4, 1.6, (N, len(mask))) * rng.choice([-1.0, 1.0], (N, len(mask)))
        return Case((x, mask, SCALE, SHIFT), label)

    return [
        case(6, [1, 0, 0, 1, 0]),
        case(4, [0, 1, 1, 0, 0, 0]),
        case(7, [0, 0, 1]),
        case(1, [1, 0, 1, 0], "for a single example"),
        case(5, [0, 1, 0, 0], "where only one dimension is kept"),
    ]


def forward_oracle(x, mask, s, t):
    """Row by row and dimension by dimension, and the log determinant from a Jacobian by central differences."""

    def one(row):
        kept = np.where(mask == 1, row, 0.0)[None]
        scale, shift = s(kept)[0], t(kept)[0]
        return np.array([r if m == 1 else r * np.exp(a) + b for r, m, a, b in zip(row, mask, scale, shift)])

    def jacobian(row, h=1e-5):
        return np.stack([(one(row + h * e) - one(row - h * e)) / (2 * h) for e in np.eye(len(row))])

    return np.stack([one(row) for row in x]), np.array([np.linalg.slogdet(jacobian(row))[1] for row in x])


def inverse_oracle(z, mask, s, t):
    """Row by row: the root of every dimension of z - forward(x) = 0, which is linear in what is free."""
    kept = np.where(mask == 1, z, 0.0)
    at_0, at_1 = t(kept), np.exp(s(kept)) + t(kept)
    return np.where(mask == 1, z, (z - at_0) / (at_1 - at_0))


def coupled(kept=lambda x, m: m * x, scale=np.exp, shifted=lambda y, b: y + b, free=lambda m: 1 - m):
    """coupling_forward's z with something done otherwise."""

    def z(x, m, s, t):
        h = kept(x, m)
        return m * x + free(m) * shifted(x * scale(s(h)), t(h))

    return z


def log_det(x, m, s, t):
    return np.sum((1 - m) * s(m * x), axis=1)


def z_of(x, m, s, t):
    return coupled()(x, m, s, t)


def spelled_coupling_forward(P, x, mask, s, t):
    kept = P.factor("the mask in m x", mask) * x
    free = P.term("the 1 in 1 - m", np.ones(len(mask))) - P.term("m in 1 - m", mask)
    scale = P("s(m x)", s(kept))
    moved = P.factor("x in x exp(s)", x) * P.apply("exp", np.exp, scale) + P.term("t(m x)", t(kept))
    z = P.term("m x", mask * x) + P.factor("1 - m in z", free) * moved
    return z, P.sum(P.factor("1 - m in the log determinant", free) * scale, 1, "the dimensions")


COUPLING_FORWARD = exercise(
    name="coupling_forward",
    points=3,
    minutes=8,
    lines=3,
    signature="coupling_forward(x, mask, s, t)",
    returns="z (N, D), log_det (N,)",
    task=(
        r"$\mathbf{z} = m\mathbf{x} + (1 - m)\,(\mathbf{x}\,e^{s(m\mathbf{x})} + t(m\mathbf{x}))$, entry by "
        r"entry, and for "
        r"each row $\log|\det \partial\mathbf{z}/\partial\mathbf{x}|$ (natural logarithm). `x` is (N, D), the "
        r"mask $m$ is (D,) "
        r"of 0 and 1, `s` and `t` are functions that take (N, D) and return (N, D), with numbers in every column, "
        r"also where "
        r"$m = 1$."
    ),
    answer="course_utils.models.flow:coupling_forward",
    cases=coupling_cases,
    oracle=forward_oracle,
    spelled=spelled_coupling_forward,
    others={
        "the log determinant is that of the inverse: its sign is turned": (
            lambda x, m, s, t: (z_of(x, m, s, t), -log_det(x, m, s, t))
        ),
        "the second result is the mean of s, and not its sum": (
            lambda x, m, s, t: (z_of(x, m, s, t), np.mean((1 - m) * s(m * x), axis=1))
        ),
        "z is the inverse map: t is subtracted and divided by exp(s)": (
            lambda x, m, s, t: (m * x + (1 - m) * (x - t(m * x)) * np.exp(-s(m * x)), log_det(x, m, s, t))
        ),
    },
    misconceptions={
        "determinant of all": Misconception(
            lambda x, m, s, t: (z_of(x, m, s, t), np.sum(s(m * x), axis=1)),
            "In the log determinant s counts in the dimensions that are kept, too. Those go through unchanged: their "
            "factor is 1, whose logarithm is 0. Multiply by 1 - m before you sum.",
        ),
        "determinant, not its logarithm": Misconception(
            lambda x, m, s, t: (z_of(x, m, s, t), np.exp(log_det(x, m, s, t))),
            "The second result is the determinant itself. Its logarithm is asked, which is a plain sum of s.",
        ),
        "sum of exponentials": Misconception(
            lambda x, m, s, t: (z_of(x, m, s, t), np.sum((1 - m) * np.exp(s(m * x)), axis=1)),
            "You add up exp(s). The determinant of a triangular matrix is the *product* of its diagonal, and the "
            "logarithm "
            "of a product of exp(s) is the sum of s.",
        ),
        "x for m x": Misconception(
            lambda x, m, s, t: (coupled(kept=lambda x, m: x)(x, m, s, t), np.sum((1 - m) * s(x), axis=1)),
            "s and t look at all of x. They may look at m x alone: else nobody could undo the step, and the "
            "Jacobian would "
            "not be triangular.",
        ),
        "mask turned": Misconception(
            lambda x, m, s, t: (z_of(x, 1 - m, s, t), log_det(x, 1 - m, s, t)),
            "The mask is the wrong way round: where it is 1, x is kept as it is.",
        ),
        "shift scaled": Misconception(
            lambda x, m, s, t: (
                m * x + (1 - m) * (x + t(m * x)) * np.exp(s(m * x)),
                log_det(x, m, s, t),
            ),
            "You shift before you scale, so t is scaled, too. Asked is x exp(s) + t.",
        ),
        "not exponentiated": Misconception(
            lambda x, m, s, t: (coupled(scale=lambda a: a)(x, m, s, t), log_det(x, m, s, t)),
            "You multiply by s. Multiply by exp(s), which is never 0, so that one can divide by it again.",
        ),
        "one number": Misconception(
            lambda x, m, s, t: (z_of(x, m, s, t), np.sum((1 - m) * s(m * x))),
            "The second result is one number for all examples. Each row has a Jacobian of its own: sum over the "
            "dimensions, axis=1.",
        ),
        "order": Misconception(
            lambda x, m, s, t: (log_det(x, m, s, t), z_of(x, m, s, t)),
            "The two results are in the wrong order: z comes first.",
        ),
    },
    hints=(
        r"First kept = mask * x, which has zeros where $m = 0$. Then s(kept) and t(kept) are arrays (N, D).",
        (
            r"Sorted with the kept dimensions first, the Jacobian is triangular: ones on the diagonal for what is "
            r"kept, "
            r"$e^{s_d}$ for the rest. So the logarithm of its determinant is the sum of $s_d$ over the dimensions "
            r"with $m_d = 0$."
        ),
        (
            "z = kept + (1 - mask) * (x * np.exp(s(kept)) + t(kept)); log_det = np.sum((1 - mask) * s(kept), axis=1); "
            "return z, log_det."
        ),
    ),
)


def uncoupled(kept=lambda z, m: m * z, back=lambda z, a, b: (z - b) * np.exp(-a)):
    """coupling_inverse with something done otherwise."""

    def x(z, m, s, t):
        h = kept(z, m)
        return m * z + (1 - m) * back(z, s(h), t(h))

    return x


def spelled_coupling_inverse(P, z, mask, s, t):
    kept = P.factor("the mask in m z", mask) * z
    free = P.term("the 1 in 1 - m", np.ones(len(mask))) - P.term("m in 1 - m", mask)
    back = P.term("z in z - t", z) - P.term("t(m z)", t(kept))
    scaled = back / P.divisor("exp(s)", P.apply("exp", np.exp, P("s(m z)", s(kept))))
    return P.term("m z", mask * z) + P.factor("1 - m", free) * scaled


COUPLING_INVERSE = exercise(
    name="coupling_inverse",
    points=2,
    minutes=5,
    lines=2,
    signature="coupling_inverse(z, mask, s, t)",
    returns="(N, D)",
    task=(
        r"The $\mathbf{x}$ whose `coupling_forward` is $\mathbf{z}$ (N, D), with the same mask (D,) and the same "
        r"functions "
        r"`s` and `t`, (N, D) to (N, D), neither of which need be inverted."
    ),
    answer="course_utils.models.flow:coupling_inverse",
    cases=coupling_cases,
    oracle=inverse_oracle,
    spelled=spelled_coupling_inverse,
    others={
        "this is z, unchanged": lambda z, m, s, t: 1 * z,
        "this is the forward map with -s and -t: what was done last is to be undone first": (
            uncoupled(back=lambda z, a, b: z * np.exp(-a) - b)
        ),
    },
    misconceptions={
        "forward": Misconception(
            z_of,
            "This is the forward map once more. To undo it, subtract t first, then divide by exp(s).",
        ),
        "order of undoing": Misconception(
            uncoupled(back=lambda z, a, b: z * np.exp(-a) - b),
            "You divide by exp(s) before you subtract t. What was done last, adding t, is undone first.",
        ),
        "s and t of z": Misconception(
            uncoupled(kept=lambda z, m: z),
            "s and t get all of z. They got m x on the way there, and m z is the same as m x, as the kept "
            "dimensions did "
            "not change.",
        ),
        "multiplied": Misconception(
            uncoupled(back=lambda z, a, b: (z - b) * np.exp(a)),
            "After t is subtracted you multiply by exp(s). That was done on the way there: divide by it.",
        ),
        "added": Misconception(
            uncoupled(back=lambda z, a, b: (z + b) * np.exp(-a)),
            "You add t. It was added on the way there: subtract it.",
        ),
        "divided by s": Misconception(
            uncoupled(back=lambda z, a, b: (z - b) / a),
            "You divide by s. The factor was exp(s).",
        ),
        "mask turned": Misconception(
            lambda z, m, s, t: uncoupled()(z, 1 - m, s, t),
            "The mask is the wrong way round: where it is 1, z is kept as it is.",
        ),
    },
    hints=(
        r"The kept dimensions went through unchanged: $m\mathbf{z} = m\mathbf{x}$: compute s and t once more.",
        r"Where $m = 0$, $z = x e^s + t$. Solve for $x$: first subtract, then divide.",
        "kept = mask * z; return kept + (1 - mask) * (z - t(kept)) * np.exp(-s(kept)).",
    ),
)


# gan_losses, optimal_discriminator ----------------------------------------------------------------------------------


def loss_cases(rng):
    def case(N, M, centre=0.0, label=""):
        real, fake = rng.normal(0.8, 1.2, N), rng.normal(-0.5, 1.2, M)
        return Case((real + centre, fake - centre), label)

    return [
        case(7, 5),
        case(6, 9),
        case(8, 4, -0.7),
        case(1, 3, label="for a single real example"),
        case(5, 6, 1000.0, "for logits near 1000"),
        case(5, 6, -1000.0, "where the discriminator is wrong with logits near 1000"),
    ]


def minus_log_sigmoid(logits):
    """-log sigmoid(l), each one by scipy."""
    return np.array([-special.log_expit(logit) for logit in logits])


def losses_oracle(logits_real, logits_fake):
    d_loss = np.mean(minus_log_sigmoid(logits_real)) + np.mean(minus_log_sigmoid(-logits_fake))
    return d_loss, np.mean(minus_log_sigmoid(logits_fake))


def spelled_gan_losses(P, logits_real, logits_fake):
    def softplus(a):
        return np.logaddexp(0, a)

    real = P.mean(P.apply("-log D of the real ones", softplus, -logits_real), 0, "the real examples")
    fake = P.mean(P.apply("-log(1 - D) of the made ones", softplus, logits_fake), 0, "the made examples")
    made = P.apply("-log D of the made ones, in g_loss,", softplus, P("minus the logits in g_loss", -logits_fake))
    d_loss = P.term("the part of the real ones", real) + P.term("the part of the made ones", fake)
    return d_loss, P.mean(made, 0, "the made examples in g_loss")


def by_probabilities(D):
    """Losses by logarithms of probabilities D(logits)."""
    return lambda real, fake: (
        -np.mean(np.log(D(real))) - np.mean(np.log(1 - D(fake))),
        -np.mean(np.log(D(fake))),
    )


def both(d, g):
    """Losses from two functions of (softplus(-real), softplus(fake), softplus(-fake))."""

    def losses(real, fake):
        parts = np.logaddexp(0, -real), np.logaddexp(0, fake), np.logaddexp(0, -fake)
        return d(*parts), g(*parts)

    return losses


def right_d(real, fake, fooled):
    return np.mean(real) + np.mean(fake)


def right_g(real, fake, fooled):
    return np.mean(fooled)


GAN_LOSSES = exercise(
    name="gan_losses",
    points=3,
    minutes=8,
    lines=3,
    signature="gan_losses(logits_real, logits_fake)",
    returns="d_loss, g_loss: two numbers",
    differentiated=2,
    task=(
        r"The two losses, in nats, from the discriminator's *logits* of real (N,) and of made examples (M,), "
        r"$D = \sigma(\text{logit})$ being the probability of real: "
        r"$L_D = -\operatorname{mean}\log D(\text{real}) - \operatorname{mean}\log(1 - D(\text{made}))$ and "
        r"$L_G = -\operatorname{mean}\log D(\text{made})$. Each mean goes over its own examples. Stable for "
        r"logits near "
        r"$\pm 1000$, where the losses are near 0 or near 1000. Training differentiates both with autograd: use `anp`."
    ),
    answer="course_utils.models.gan:gan_losses",
    cases=loss_cases,
    oracle=losses_oracle,
    spelled=spelled_gan_losses,
    others={
        "the second result is minus d_loss, as if both players had one objective": (
            both(right_d, lambda r, f, o: -right_d(r, f, o))
        ),
        "the second result counts real examples; the generator has no part in them": (
            both(right_d, lambda r, f, o: np.mean(o) + np.mean(r))
        ),
        "the first result is halved: real and made examples are averaged together": (
            both(lambda r, f, o: right_d(r, f, o) / 2, right_g)
        ),
        "the first result is the mean over all examples, where each kind has a mean of its own": (
            both(lambda r, f, o: np.mean(np.concatenate([r, f])), right_g)
        ),
        "the logarithm is taken of a probability that is rounded to 0 for large logits; use log(1 + exp(a))": tuple(
            by_probabilities(D)
            for D in (special.expit, lambda l: 1 / (1 + np.exp(-l)), lambda l: np.exp(l) / (1 + np.exp(l)))
        ),
        "the probability of being right is returned, and not minus its logarithm": both(
            lambda r, f, o: np.mean(np.exp(-r)) + np.mean(np.exp(-f)), lambda r, f, o: np.mean(np.exp(-o))
        ),
    },
    misconceptions={
        "saturating": Misconception(
            both(right_d, lambda r, f, o: -np.mean(f)),
            "The second result is mean log(1 - D(made)), the loss of the game as it was first written. Where the "
            "discriminator is sure, it is flat and teaches nothing; asked is the non-saturating -mean log D(made).",
        ),
        "labels turned": Misconception(
            lambda real, fake: (
                np.mean(np.logaddexp(0, real)) + np.mean(np.logaddexp(0, -fake)),
                np.mean(np.logaddexp(0, fake)),
            ),
            "Real and made change places: D is the probability that an example is *real*.",
        ),
        "generator helps": Misconception(
            both(right_d, lambda r, f, o: np.mean(f)),
            "The second result is -mean log(1 - D(made)): with it the generator would learn to be found out. It "
            "is rewarded "
            "where D takes its examples for real.",
        ),
        "sums": Misconception(
            both(lambda r, f, o: np.sum(r) + np.sum(f), lambda r, f, o: np.sum(o)),
            "You sum over the examples. Means are asked, each over its own examples.",
        ),
        "no minus": Misconception(
            both(lambda r, f, o: -right_d(r, f, o), lambda r, f, o: -right_g(r, f, o)),
            "Both results have the wrong sign: losses are *minus* mean logarithms of probabilities, and so are "
            "positive.",
        ),
        "order": Misconception(
            both(right_g, right_d),
            "The two results are in the wrong order: the discriminator's loss comes first.",
        ),
        "only made": Misconception(
            both(lambda r, f, o: np.mean(f), right_g),
            "In the first result the real examples are missing: the discriminator must know them, too.",
        ),
        "logits for probabilities": Misconception(
            lambda real, fake: (-np.mean(real) + np.mean(fake), -np.mean(fake)),
            "You average the logits themselves. They become probabilities by the sigmoid, and the loss has their "
            "logarithms. "
            "(Without it this is the loss of a Wasserstein GAN.)",
        ),
    },
    hints=(
        r"With $D = \sigma(\ell)$: $-\log D = \log(1 + e^{-\ell})$, and $-\log(1 - D) = \log(1 + e^{\ell})$.",
        r"anp.logaddexp(0, a) is $\log(1 + e^a)$ and does not overflow. Which sign has a for real ones, which else?",
        (
            "d_loss = anp.mean(anp.logaddexp(0, -logits_real)) + anp.mean(anp.logaddexp(0, logits_fake)); "
            "g_loss = anp.mean(anp.logaddexp(0, -logits_fake)); return d_loss, g_loss."
        ),
    ),
)


def density_cases(rng):
    def case(N, shift=0.0, spread=1.5, label=""):
        log_p = rng.normal(-1.0, 1.0, N)
        return Case((log_p + shift, log_p + shift + rng.normal(0.4, spread, N)), label)

    def levels(N, label):
        level = rng.permutation(np.r_[0.0, -2000.0, rng.uniform(-1500, 0, N - 2)])
        return Case((level, level + rng.normal(0.4, 1.5, N)), label)

    return [
        case(7),
        case(5, 2.0),
        case(9, -3.0),
        case(6, -1500.0, label="where both densities underflow"),
        case(6, 900.0, label="where both densities overflow"),
        case(6, 0.0, 900.0, label="where one density is far larger than the other"),
        levels(7, label="where some points have far smaller densities than others"),
    ]


def discriminator_oracle(log_p, log_q):
    """exp(log p - log(p + q)), from logarithms alone."""
    return np.array([np.exp(p - special.logsumexp([p, q])) for p, q in zip(log_p, log_q)])


def shared_maximum(p, q, top):
    """By densities with one number taken out of all their logarithms."""
    return np.exp(p - top) / (np.exp(p - top) + np.exp(q - top))


def spelled_optimal_discriminator(P, log_p, log_q):
    difference = P.term("log p", log_p) - P.term("log q", log_q)
    return P.apply("the sigmoid", special.expit, difference)


OPTIMAL_DISCRIMINATOR = exercise(
    name="optimal_discriminator",
    points=1,
    minutes=4,
    lines=1,
    signature="optimal_discriminator(log_p, log_q)",
    returns="(N,)",
    task=(
        r"What the best discriminator says: the probability that an example is real, when real and made ones "
        r"come equally often and have densities $p$ and $q$, by Bayes' rule. Given are $\log p$ and $\log q$ at "
        r"N points, natural logarithms, finite. Stable where the densities themselves overflow or underflow."
    ),
    answer="course_utils.models.gan:optimal_discriminator",
    cases=density_cases,
    oracle=discriminator_oracle,
    spelled=spelled_optimal_discriminator,
    others={
        "this is the logit, log p - log q; the sigmoid makes a probability of it": lambda p, q: p - q,
        "this is the logarithm of the probability": lambda p, q: special.log_expit(p - q),
        "this is p alone": lambda p, q: np.exp(p),
        "the densities themselves are rounded to 0 or infinite there: take the difference of the logs before exp": (
            lambda p, q: np.exp(p) / (np.exp(p) + np.exp(q)),
            lambda p, q: 1 / (1 + np.exp(q) / np.exp(p)),
        ),
        "one maximum is taken out for all points: those far below it underflow. Take log p - log q at each point": (
            lambda p, q: shared_maximum(p, q, max(p.max(), q.max())),
            lambda p, q: shared_maximum(p, q, p.max()),
        ),
        "densities are divided by their sums over the points; p / (p + q) concerns one point": (
            lambda p, q: special.expit(p - special.logsumexp(p) - q + special.logsumexp(q))
        ),
        "the logs are taken for logs to base 2; they are natural": lambda p, q: special.expit((p - q) * np.log(2)),
        "this is the ratio p / q": lambda p, q: np.exp(p - q),
    },
    misconceptions={
        "logs as densities": Misconception(
            lambda p, q: p / (p + q),
            "You divide logarithms. What is divided are the densities: p / (p + q), where p = exp(log_p).",
        ),
        "of being made": Misconception(
            lambda p, q: special.expit(q - p),
            "This is q / (p + q), the probability of being made. Asked is that of being real.",
        ),
        "ratio": Misconception(
            lambda p, q: np.exp(p - q),
            "This is p / q, which can be any positive number. The probability is p / (p + q).",
        ),
        "decision": Misconception(
            lambda p, q: (p > q).astype(float),
            "You return the decision, 0 or 1. The probability is asked.",
        ),
        "tanh": Misconception(
            lambda p, q: np.tanh((p - q) / 2),
            "This is (p - q) / (p + q), which runs from -1 to 1. The probability is p / (p + q).",
        ),
        "joint": Misconception(
            lambda p, q: np.exp(p - np.logaddexp(p, q) - np.log(2)),
            "The result is half of what it should be: the two halves of the prior stand above and below the fraction.",
        ),
    },
    hints=(
        r"Divide above and below by $p$: $p/(p + q) = 1/(1 + q/p)$.",
        r"$q/p = e^{\log q - \log p}$, so this is the sigmoid of $\log p - \log q$: the best *logit* is the log ratio.",
        "sigmoid(log_p - log_q).",
    ),
)


# precision_recall ---------------------------------------------------------------------------------------------------


def cover_cases(rng):
    def case(N, M, D, k, shift=0.7, width=0.8, label=""):
        shifts = shift * rng.choice([-1.0, 1.0], D)
        return Case((rng.normal(size=(N, D)), shifts + width * rng.normal(size=(M, D)), k), label)

    return [
        case(31, 23, 2, 2),
        case(26, 37, 3, 3, width=0.6),
        case(40, 29, 2, 4, shift=1.0, width=1.5),
        case(24, 33, 4, 2, shift=0.4, width=0.6),
        case(22, 27, 3, 1, label="for k = 1"),
        case(20, 25, 2, 3, shift=6.0, label="where hardly anything is covered"),
    ]


def radius(points, k):
    """Distance to the k-th nearest other point, one by one."""
    return np.array([np.sort(np.delete(row, i))[k - 1] for i, row in enumerate(distance.cdist(points, points))])


def covered(points, by, k):
    """Which points lie within the k-NN balls of the others, (N,)."""
    return (distance.cdist(points, by) <= radius(by, k)).any(axis=1)


def cover_oracle(real, fake, k):
    return float(np.mean(covered(fake, real, k))), float(np.mean(covered(real, fake, k)))


def covers(rule):
    """precision_recall with another rule covered(points, by, k)."""
    return lambda real, fake, k: (float(np.mean(rule(fake, real, k))), float(np.mean(rule(real, fake, k))))


def own_ball(points, by, k):
    return (distance.cdist(points, by) <= radius(points, k)[:, None]).any(axis=1)


def spelled_precision_recall(P, real, fake, k):
    between = P("the distances between real and fake", distance.cdist(real, fake))
    of_real = P("the radii of the real points", radius(real, k))
    of_fake = P("the radii of the fake points", radius(fake, k))
    precision = P.mean((between <= of_real[:, None]).any(axis=0), 0, "the fake points")
    return precision, P.mean((between <= of_fake).any(axis=1), 0, "the real points")


PRECISION_RECALL = exercise(
    name="precision_recall",
    points=3,
    minutes=10,
    lines=7,
    signature="precision_recall(real, fake, k)",
    returns="precision, recall: two numbers",
    task=(
        r"Two shares between 0 and 1. Each point of a set has a ball around it, whose radius is the distance to "
        r"its $k$-th "
        r"nearest neighbour *in its own set*, itself not counted. A point of the other set is covered if it lies "
        r"in at least "
        r"one of these balls ($\le$). Precision is the share of points of `fake` (M, D) that the balls of `real` "
        r"(N, D) "
        r"cover, recall the share of real points that the balls of `fake` cover. Distances are Euclidean; ties do "
        r"not occur; "
        r"$1 \le k$, and $k$ is below N and M."
    ),
    answer="course_utils.models.sample_quality:precision_recall",
    cases=cover_cases,
    oracle=cover_oracle,
    spelled=spelled_precision_recall,
    others={
        "the counts are returned, and not the shares": lambda real, fake, k: (
            np.sum(covered(fake, real, k)),
            np.sum(covered(real, fake, k)),
        ),
        "the radius is the mean distance to the k nearest": covers(
            lambda points, by, k: (
                distance.cdist(points, by) <= np.sort(distance.cdist(by, by))[:, 1 : k + 1].mean(axis=1)
            ).any(axis=1)
        ),
        "a ball's radius reaches to the k-th nearest point of the other set": covers(
            lambda points, by, k: (distance.cdist(points, by) <= np.sort(distance.cdist(by, points))[:, k - 1]).any(
                axis=1
            )
        ),
        "one radius, the largest, is taken for all balls": covers(
            lambda points, by, k: (distance.cdist(points, by) <= radius(by, k).max()).any(axis=1)
        ),
        "one radius, the mean, is taken for all balls": covers(
            lambda points, by, k: (distance.cdist(points, by) <= radius(by, k).mean()).any(axis=1)
        ),
        "only the ball of the nearest point counts; any ball will do": covers(
            lambda points, by, k: (
                distance.cdist(points, by).min(axis=1) <= radius(by, k)[distance.cdist(points, by).argmin(axis=1)]
            )
        ),
    },
    misconceptions={
        "itself counted": Misconception(
            lambda real, fake, k: tuple(
                float(np.mean((distance.cdist(a, b) <= np.sort(distance.cdist(b, b))[:, k - 1]).any(axis=1)))
                for a, b in ((fake, real), (real, fake))
            ),
            "A point counts as its own nearest neighbour, at distance 0, so your balls reach to neighbour k - 1. "
            "In a sorted "
            "row of distances within a set, place 0 is the point itself.",
        ),
        "order": Misconception(
            lambda real, fake, k: cover_oracle(real, fake, k)[::-1],
            "The two results are in the wrong order: precision, the share of *fake* points that are covered, "
            "comes first.",
        ),
        "own ball": Misconception(
            covers(own_ball),
            "You ask whether a point of the other set lies in the ball of the point that is judged. It is the "
            "other way: the "
            "judged point must lie in a ball of the other set.",
        ),
        "one neighbour more": Misconception(
            lambda real, fake, k: cover_oracle(real, fake, k + 1),
            "Your balls reach to neighbour k + 1: place 0 in a sorted row is the point itself, so the k-th "
            "neighbour is at place k.",
        ),
        "all balls": Misconception(
            covers(lambda points, by, k: (distance.cdist(points, by) <= radius(by, k)).all(axis=1)),
            "You ask whether a point lies in all balls. One ball is enough: any, not all.",
        ),
        "share of pairs": Misconception(
            covers(lambda points, by, k: distance.cdist(points, by) <= radius(by, k)),
            "You average over all pairs of a point and a ball. A point is covered or not: `any` over the balls "
            "first, then the "
            "mean over the points.",
        ),
        "city blocks": Misconception(
            lambda real, fake, k: tuple(
                float(
                    np.mean(
                        (distance.cdist(a, b, "cityblock") <= np.sort(distance.cdist(b, b, "cityblock"))[:, k]).any(
                            axis=1
                        )
                    )
                )
                for a, b in ((fake, real), (real, fake))
            ),
            "You add up absolute differences. The Euclidean distance is the root of the sum of their squares.",
        ),
    },
    hints=(
        (
            "Three tables of distances: real to real (N, N), fake to fake (M, M), real to fake (N, M). "
            "scipy's cdist(a, b) makes each."
        ),
        (
            "np.sort(table, axis=1)[:, k] of the tables within a set gives the radii, as place 0 is the point "
            "itself. Then a "
            "fake point (a column) is covered if its distance to some real point is at most that point's radius."
        ),
        (
            "between = cdist(real, fake); r = np.sort(cdist(real, real), axis=1)[:, k], f the same for fake; "
            "precision = "
            "np.mean(np.any(between <= r[:, None], axis=0)); recall = np.mean(np.any(between <= f, axis=1))."
        ),
    ),
)

EXERCISES = [
    MADE_MASKS,
    AUTOREGRESSIVE_SAMPLE,
    COUPLING_FORWARD,
    COUPLING_INVERSE,
    GAN_LOSSES,
    OPTIMAL_DISCRIMINATOR,
    PRECISION_RECALL,
]
