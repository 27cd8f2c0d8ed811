"""Exercises of notebook 10: ways between codes, recurrent steps, mixtures for pen movements, and melodies."""

import functools
import itertools
import math

import numpy as np
from scipy import special, stats

from course_utils.exercises.model import Case, Exercise, Misconception, close
from course_utils.exercises.stand_ins import Named

exercise = functools.partial(Exercise, notebook="10_latent_interpolation", compare=close())


# slerp --------------------------------------------------------------------------------------------------------------


def slerp_cases(rng):
    def case(K, steps, label="", length=0.8):
        a, b = (v / np.linalg.norm(v) for v in rng.normal(size=(2, K)))
        b = b + a * rng.uniform(0.2, 0.8)
        b /= np.linalg.norm(b)
        return Case((a * length * rng.uniform(1.2, 1.5), b * length * rng.uniform(0.5, 0.8), steps), label)

    a = rng.normal(size=4)
    return [
        case(3, 7),  # the product of the lengths is below 1: arccos(a @ b) is wrong there, but not nan
        case(6, 4),
        case(2, 5),
        case(5, 6, "for codes much longer than 1", length=4.0),
        case(4, 2, "with steps = 2, which gives only the two ends"),
        Case((a, 2.5 * a, 5), "for codes in the same direction, where the angle is 0"),
        Case((a, a.copy(), 4), "for two equal codes, where the angle is 0"),
        Case((np.array([0, 2, 1]), np.array([3, 0, 1]), 6), "on integers"),
    ]


def slerp_oracle(a, b, steps):
    """In the plane of a and b, as complex numbers: the angle runs evenly, lengths are mixed by the circle's weights.

    With a = |a| and b = |b| exp(iw), the point is the sum of both, each times sin of the other's angle; solved here as
    the two weights that reproduce unit vectors exp(itw) from 1 and exp(iw).
    """
    a, b = np.asarray(a, float), np.asarray(b, float)
    cosine = min(1.0, float(a @ b) / math.sqrt(float(a @ a) * float(b @ b)))
    w = math.acos(cosine)
    points = []
    for t in np.arange(steps) / (steps - 1):
        if w < 1e-6:
            weights = 1 - t, t
        else:  # p 1 + q exp(iw) = exp(itw)
            weights = np.linalg.solve([[1, math.cos(w)], [0, math.sin(w)]], [math.cos(t * w), math.sin(t * w)])
        points.append(weights[0] * a + weights[1] * b)
    return np.array(points)


def unit(a):
    return np.asarray(a, float) / np.linalg.norm(a)


def circle(a, b, steps, angle=None, weigh=None, t=None, normalise=False, length=None):
    """The formula with one thing done otherwise."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    p, q = a / np.linalg.norm(a), b / np.linalg.norm(b)
    w = np.arccos(np.clip(p @ q, -1, 1)) if angle is None else angle(a, b)
    t = (np.linspace(0, 1, steps) if t is None else t(steps))[:, None]
    start, end = (p, q) if normalise else (a, b)
    with np.errstate(all="ignore"):
        if weigh is not None:
            points = weigh(t, w, start, end)
        elif abs(w) < 1e-6:
            points = (1 - t) * start + t * end
        else:
            points = (np.sin((1 - t) * w) * start + np.sin(t * w) * end) / np.sin(w)
    return points if length is None else points * length(t, a, b)


def quiet_arccos(cosine):
    with np.errstate(invalid="ignore"):
        return np.arccos(cosine)


def line(a, b, steps):
    return circle(a, b, steps, weigh=lambda t, w, p, q: (1 - t) * p + t * q)


def spelled_slerp(P, a, b, steps):
    a, b = np.asarray(a, float), np.asarray(b, float)
    cosine = (
        np.sum(a * b)
        / P.divisor("the length of a", np.linalg.norm(a))
        / P.divisor("the length of b", np.linalg.norm(b))
    )
    w = P("the angle w", np.arccos(np.clip(cosine, -1, 1)))
    t = (np.arange(steps) / P.divisor("steps - 1", float(steps - 1)))[:, None]
    if np.all(w < 1e-6):
        return P.term("the share of a", (1 - t) * a) + P.term("the share of b", t * b)
    start = P.factor("sin((1 - t) w)", np.sin((1 - t) * w)) * P.factor("a", a)
    end = P.factor("sin(t w)", np.sin(t * w)) * P.factor("b", b)
    total = P.term("the share of a", start) + P.term("the share of b", end)
    return total / P.divisor("sin w", np.sin(w))


SLERP = exercise(
    name="slerp",
    points=2,
    minutes=7,
    lines=6,
    lecture_points=("L26", "L27"),
    signature="slerp(a, b, steps)",
    returns="(steps, K)",
    task=(
        r"Return `steps` points $\frac{\sin((1-t)\,\omega)\,\mathbf a + \sin(t\,\omega)\,\mathbf b}{\sin\omega}$ for "
        r"$t$ evenly from 0 to 1, both included, where $\omega$ is the angle between the codes `a` and `b` (K,). Codes "
        "in the same direction, also equal ones, give the straight line. Opposite codes and codes of length 0 need not "
        "be handled; `steps` is at least 2."
    ),
    answer="course_utils.models.interpolation:slerp",
    cases=slerp_cases,
    oracle=slerp_oracle,
    spelled=spelled_slerp,
    others={
        "the points lie on the straight line; the great circle is asked": line,
        "all points have length 1; a and b keep their lengths": functools.partial(circle, normalise=True),
        "the points of the straight line are stretched to lengths between those of a and b": (
            lambda a, b, steps: (
                line(a, b, steps)
                / np.linalg.norm(line(a, b, steps), axis=1, keepdims=True)
                * np.linspace(np.linalg.norm(a), np.linalg.norm(b), steps)[:, None]
            )
        ),
        "unit vectors are turned, and their lengths mixed along a line; the formula mixes a and b themselves": (
            lambda a, b, steps: circle(
                a,
                b,
                steps,
                normalise=True,
                length=lambda t, a, b: (1 - t) * np.linalg.norm(a) + t * np.linalg.norm(b),
            )
        ),
        "the angle is in degrees; sines take radians": functools.partial(
            circle, angle=lambda a, b: np.degrees(np.arccos(np.clip(unit(a) @ unit(b), -1, 1)))
        ),
        "`a` is repeated where both codes point in the same direction; the straight line from a to b belongs there": (
            lambda a, b, steps: np.tile(a, (steps, 1)) if unit(a) @ unit(b) > 1 - 1e-12 else slerp_oracle(a, b, steps)
        ),
        "the weights are cos and sin of a quarter turn, whatever the angle": functools.partial(
            circle, weigh=lambda t, w, p, q: np.cos(t * np.pi / 2) * p + np.sin(t * np.pi / 2) * q
        ),
        "the weights are the roots of 1 - t and t, which is right for a right angle alone and not even there in t": (
            functools.partial(circle, weigh=lambda t, w, p, q: np.sqrt(1 - t) * p + np.sqrt(t) * q)
        ),
    },
    misconceptions={
        "lengths not divided out": Misconception(
            functools.partial(circle, angle=lambda a, b: quiet_arccos(a @ b)),
            "The cosine of the angle is the inner product of the *directions*: divide it by the lengths of both codes.",
        ),
        "cosine for the angle": Misconception(
            functools.partial(circle, angle=lambda a, b: a @ b / np.linalg.norm(a) / np.linalg.norm(b)),
            "You put the cosine of the angle where the angle itself belongs: take its arccos first.",
        ),
        "straight line": Misconception(
            line, "These points lie on the straight line between a and b. The weights are sines of parts of the angle."
        ),
        "from b to a": Misconception(
            lambda a, b, steps: circle(b, a, steps), "The points go from b to a: the first should be a, the last b."
        ),
        "not divided": Misconception(
            functools.partial(circle, weigh=lambda t, w, p, q: np.sin((1 - t) * w) * p + np.sin(t * w) * q),
            "Nothing is divided by sin(w), so that the first point is not a and the last not b.",
        ),
        "unit length": Misconception(
            functools.partial(circle, normalise=True),
            "The points all have length 1. Directions are for the angle alone; the weights go to a and b as they are.",
        ),
        "angle 0 forgotten": Misconception(
            lambda a, b, steps: circle(
                a,
                b,
                steps,
                weigh=lambda t, w, p, q: (np.sin((1 - t) * w) * p + np.sin(t * w) * q) / np.sin(w) + 0 / (w > 1e-6),
            ),
            "Right in general, but where both codes point in the same direction sin(w) is 0 and you divide 0 by 0. "
            "Return the straight line there.",
        ),
        "end left out": Misconception(
            functools.partial(circle, t=lambda steps: np.arange(steps) / steps),
            "The last point is not b: t should be 1 there, with steps - 1 intervals between the points.",
        ),
    },
    hints=(
        (
            r"The angle: $\cos\omega = \mathbf a^\top\mathbf b / (\lVert\mathbf a\rVert\,\lVert\mathbf b\rVert)$. "
            "Rounding can lift the cosine above 1, where arccos is nan: np.clip."
        ),
        "With t = np.linspace(0, 1, steps)[:, None], t has a row for each point, and the formula works as it stands.",
        (
            "w = np.arccos(np.clip(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)), -1, 1)); where w < 1e-6 return "
            "(1 - t) * a + t * b, else (np.sin((1 - t) * w) * a + np.sin(t * w) * b) / np.sin(w)."
        ),
    ),
)


# gru_step -----------------------------------------------------------------------------------------------------------


def gru_cases(rng):
    def case(B, I, H, label=""):
        W, U = rng.normal(size=(I, 3 * H)), rng.normal(size=(H, 3 * H)) * 0.8
        b, c = rng.normal(size=(2, 3 * H))
        return Case(((W, U, b, c), rng.normal(size=(B, H)), rng.normal(size=(B, I))), label)

    return [
        case(4, 3, 2),
        case(3, 2, 5),
        case(5, 4, 3),
        case(1, 3, 2, "on a single sequence"),
        case(3, 1, 4, "with a single input"),
        case(2, 3, 1, "with a single unit"),
    ]


def gru_oracle(params, h, x):
    """Sequence by sequence and unit by unit, from the blocks taken apart."""
    W, U, b, c = params
    B, H = h.shape
    block = [slice(i * H, (i + 1) * H) for i in range(3)]
    result = np.empty((B, H))
    for i in range(B):
        for j in range(H):
            at = [range(3 * H)[s][j] for s in block]
            from_x = [math.fsum(x[i] * W[:, k]) + b[k] for k in at]
            from_h = [math.fsum(h[i] * U[:, k]) + c[k] for k in at]
            r, u = (special.expit(from_x[k] + from_h[k]) for k in range(2))
            n = math.tanh(from_x[2] + r * from_h[2])
            result[i, j] = n + u * (h[i, j] - n)
    return result


def gru(params, h, x, order="run", reset="behind", mix=None, gate=special.expit, new=np.tanh, b=True, c=True):
    """The step with one thing done otherwise."""
    W, U, b_, c_ = params
    H = U.shape[0]
    from_x, from_h = x @ W + b * b_, h @ U + c * c_
    at = {name: slice(i * H, (i + 1) * H) for i, name in enumerate("run")}
    R, Z, N = (at["run"[order.index(name)]] for name in "run")
    r, u = gate(from_x[:, R] + from_h[:, R]), gate(from_x[:, Z] + from_h[:, Z])
    if reset == "behind":
        inner = from_x[:, N] + r * from_h[:, N]
    elif reset == "before":
        inner = from_x[:, N] + (r * h) @ U[:, N] + c * c_[N]
    elif reset == "without c":
        inner = from_x[:, N] + r * (h @ U[:, N]) + c_[N]
    elif reset == "all":
        inner = r * (from_x[:, N] + from_h[:, N])
    else:
        inner = from_x[:, N] + from_h[:, N]
    n = new(inner)
    return (1 - u) * n + u * h if mix is None else mix(u, n, h, r)


def blocks_of_every_third(p):
    """Columns 0, 3, 6 ..., then 1, 4, 7 ..., then the others: what is read by those who step over the columns."""
    return np.concatenate([p[..., k::3] for k in range(3)], axis=-1)


def spelled_gru_step(P, params, h, x):
    W, U, b, c = params
    H = U.shape[0]
    at = [slice(i * H, (i + 1) * H) for i in range(3)]

    def gate(name, s):
        total = P.term(f"x W in the {name} gate", x @ W[:, s]) + P.term(f"b in the {name} gate", b[s])
        total = total + P.term(f"h U in the {name} gate", h @ U[:, s]) + P.term(f"c in the {name} gate", c[s])
        return P.apply(f"the sigmoid of the {name} gate", special.expit, total)

    r, u = gate("reset", at[0]), gate("update", at[1])
    from_h = P.term("h U_n", h @ U[:, at[2]]) + P.term("c_n", c[at[2]])
    inner = P.term("x W_n", x @ W[:, at[2]]) + P.term("b_n", b[at[2]]) + P.factor("the reset gate r", r) * from_h
    n = P("n", P.apply("tanh", np.tanh, inner))
    keep = P.term("the 1 in 1 - u", 1.0) - P.term("u in 1 - u", u)
    return P.term("(1 - u) n", keep * n) + P.term("u h", P.factor("u before h", u) * P.factor("h", h))


GRU_STEP = exercise(
    name="gru_step",
    points=3,
    minutes=10,
    lines=7,
    lecture_points=("L26", "L27"),
    signature="gru_step(params, h, x)",
    returns="(B, H)",
    task=(
        "Return the next state of a gated recurrent unit for each of B sequences, from the state `h` (B, H) and the "
        "input `x` (B, I). `params` is (W, U, b, c) with shapes (I, 3H), (H, 3H), (3H,), (3H,), whose columns are "
        r"three blocks of H: reset, update, new. With $\sigma$ the sigmoid, $r, u = \sigma(xW + b + hU + c)$ of "
        r"their blocks, $n = \tanh(xW_n + b_n + r \odot (hU_n + c_n))$, and the result is "
        r"$(1 - u) \odot n + u \odot h$. Large inputs need not be handled."
    ),
    answer="course_utils.networks.recurrent:gru_step",
    aliases=(
        "course_utils.networks.recurrent:gru_sequence",
        "course_utils.networks.recurrent:gru_sequence_and_back",
    ),
    cases=gru_cases,
    oracle=gru_oracle,
    spelled=spelled_gru_step,
    others={
        "this is n, the new content alone; it is mixed with h": functools.partial(gru, mix=lambda u, n, h, r: n),
        "this is a plain recurrent step without gates": functools.partial(gru, reset="none", mix=lambda u, n, h, r: n),
        "the reset gate multiplies x W_n + b_n, too": functools.partial(gru, reset="all"),
        "the reset gate is there in place of the update gate": functools.partial(
            gru, mix=lambda u, n, h, r: (1 - r) * n + r * h
        ),
        "c_n stands outside of the reset gate": functools.partial(gru, reset="without c"),
        "every third column is taken for a gate; the columns are three blocks of H": (
            lambda params, h, x: gru(tuple(blocks_of_every_third(p) for p in params), h, x)
        ),
        "a sigmoid stands where tanh belongs": functools.partial(gru, new=special.expit),
        "tanh stands where the sigmoids belong": functools.partial(gru, gate=np.tanh),
        "the order of the blocks is taken as reset, new, update": functools.partial(gru, order="rnu"),
        "the order of the blocks is taken as new, reset, update": functools.partial(gru, order="nru"),
        "the order of the blocks is taken as new, update, reset": functools.partial(gru, order="nur"),
        "the order of the blocks is taken as update, new, reset": functools.partial(gru, order="unr"),
    },
    misconceptions={
        "update gate turned": Misconception(
            functools.partial(gru, mix=lambda u, n, h, r: u * n + (1 - u) * h),
            "The update gate is turned round: where u is 1 the old state h stays, and n counts 1 - u.",
        ),
        "order of gates": Misconception(
            functools.partial(gru, order="urn"),
            "The first block is taken for the update gate. The order is reset, update, new.",
        ),
        "reset before the product": Misconception(
            functools.partial(gru, reset="before"),
            "You reset h before it is multiplied by U_n. Here (as in PyTorch) the gate stands behind the product: "
            "r * (h U_n + c_n).",
        ),
        "no reset": Misconception(
            functools.partial(gru, reset="none"),
            "The reset gate has no effect: it multiplies h U_n + c_n inside the tanh.",
        ),
        "bias c outside": Misconception(
            functools.partial(gru, reset="without c"),
            "c_n is added outside of the reset gate. It stands inside the brackets, r * (h U_n + c_n): that is why "
            "there are two biases.",
        ),
        "no c": Misconception(functools.partial(gru, c=False), "The second bias, c, is left out."),
        "no b": Misconception(functools.partial(gru, b=False), "The first bias, b, is left out."),
        "not mixed": Misconception(
            functools.partial(gru, mix=lambda u, n, h, r: n),
            "This is n alone. The update gate mixes it with the old state: (1 - u) * n + u * h.",
        ),
    },
    hints=(
        (
            "H = U.shape[0]. Compute x @ W + b and h @ U + c once, both (B, 3H), and cut each into three blocks of H "
            "columns: np.split(a, 3, axis=1)."
        ),
        (
            "The first two blocks of both are added, and go through the sigmoid 1 / (1 + np.exp(-a)). In the third the "
            "part of h is multiplied by r first."
        ),
        (
            "xr, xu, xn = np.split(x @ W + b, 3, axis=1); hr, hu, hn = np.split(h @ U + c, 3, axis=1); "
            "r, u = 1 / (1 + np.exp(-xr - hr)), 1 / (1 + np.exp(-xu - hu)); n = np.tanh(xn + r * hn); "
            "return (1 - u) * n + u * h."
        ),
    ),
)


# categorical_log_prob -----------------------------------------------------------------------------------------------


def categorical_cases(rng):
    def case(N, T, V, label="", scale=2.0, shift=1.0):
        return Case((scale * rng.normal(size=(N, T, V)) + shift, rng.integers(0, V, size=(N, T))), label)

    logits = 1000 * rng.choice([-1.0, 1.0], size=(2, 3, 4)) + rng.uniform(-3, 3, size=(2, 3, 4))
    return [
        case(4, 3, 5),
        case(3, 6, 4),
        case(2, 5, 3),
        case(1, 4, 6, "on a single sequence"),
        case(3, 1, 5, "on sequences of a single token"),
        Case((logits, rng.integers(0, 4, size=(2, 3))), "for logits near 1000 and -1000"),
        case(2, 3, 4, "where all logits are near -1000", shift=-1000.0),
    ]


def categorical_oracle(logits, tokens):
    """Token by token, by scipy's log softmax."""
    N, T, _ = logits.shape
    return np.array([sum(special.log_softmax(logits[i, t])[tokens[i, t]] for t in range(T)) for i in range(N)])


def chosen(a, tokens):
    return np.take_along_axis(np.asarray(a), np.asarray(tokens)[..., None], axis=-1)[..., 0]


def plain_softmax(logits):
    with np.errstate(all="ignore"):
        e = np.exp(logits)
        return e / e.sum(axis=-1, keepdims=True)


def quiet_log(a):
    with np.errstate(all="ignore"):
        return np.log(a)


def spelled_categorical_log_prob(P, logits, tokens):
    normaliser = P.log_sum_exp(logits, 2, "the V logits")
    return P.sum(
        P.term("the token's logit", chosen(logits, tokens)) - P.term("log sum exp", normaliser), 1, "the steps"
    )


CATEGORICAL_LOG_PROB = exercise(
    name="categorical_log_prob",
    points=2,
    minutes=6,
    lines=4,
    lecture_points=("L27",),
    signature="categorical_log_prob(logits, tokens)",
    returns="(N,)",
    task=(
        "Return the log probability of each sequence of `tokens` (N, T), whole numbers 0 to V - 1: the sum over its T "
        "steps of the log of the softmax of `logits` (N, T, V), taken at the token. "
        r"$\log p = \sum_t \big[\ell_{t, x_t} - \log\sum_v e^{\ell_{tv}}\big]$. Right also for logits of 1000 "
        "and -1000."
    ),
    answer="course_utils.models.melody:categorical_log_prob",
    cases=categorical_cases,
    oracle=categorical_oracle,
    spelled=spelled_categorical_log_prob,
    others={
        "these are log probabilities token by token; sum them over the steps": (
            lambda logits, tokens: chosen(special.log_softmax(logits, axis=-1), tokens)
        ),
        "the probabilities are summed, and not their logs": (
            lambda logits, tokens: chosen(special.softmax(logits, axis=-1), tokens).sum(axis=1)
        ),
        "a small number is added to probabilities before the logarithm: impossible tokens cost too little": tuple(
            lambda logits, tokens, small=10.0**-k: np.log(chosen(special.softmax(logits, axis=-1), tokens) + small).sum(
                axis=1
            )
            for k in range(5, 17)
        ),
        "this is the product of the probabilities; its log is asked": (
            lambda logits, tokens: chosen(special.softmax(logits, axis=-1), tokens).prod(axis=1)
        ),
        "the softmax is taken over the steps; it goes over the V tokens": (
            lambda logits, tokens: chosen(special.log_softmax(logits, axis=1), tokens).sum(axis=1)
        ),
        "each token has a sigmoid of its own; a softmax is meant": (
            lambda logits, tokens: chosen(special.log_expit(logits), tokens).sum(axis=1)
        ),
        "the largest logit is subtracted, and the rest of the normaliser left out": (
            lambda logits, tokens: chosen(logits - logits.max(axis=-1, keepdims=True), tokens).sum(axis=1)
        ),
        "the log probabilities of all tokens are summed, and not those of the tokens that came": (
            lambda logits, tokens: special.log_softmax(logits, axis=-1).sum(axis=(1, 2))
        ),
        "this is the likeliest sequence's log probability; the tokens do not count": (
            lambda logits, tokens: special.log_softmax(logits, axis=-1).max(axis=-1).sum(axis=1)
        ),
    },
    misconceptions={
        "softmax overflows": Misconception(
            lambda logits, tokens: quiet_log(chosen(plain_softmax(logits), tokens)).sum(axis=1),
            "Right as a formula, but exp of a large logit overflows (and of a very negative one underflows to 0). "
            "Subtract the largest logit of each step first: the softmax is the same.",
        ),
        "log of the softmax": Misconception(
            lambda logits, tokens: quiet_log(chosen(special.softmax(logits, axis=-1), tokens)).sum(axis=1),
            "The softmax is stable, but the probability of an unlikely token is rounded to 0 before you take its log. "
            "Stay with logits: l - log sum exp(l), with the largest taken out of the sum.",
        ),
        "wrong sign": Misconception(
            lambda logits, tokens: -categorical_oracle(logits, tokens),
            "This is the cross-entropy, minus the log probability: the sign is wrong.",
        ),
        "mean over steps": Misconception(
            lambda logits, tokens: categorical_oracle(logits, tokens) / np.shape(tokens)[1],
            "You average over the steps. The probability of a sequence is a product over them, so its log is a sum.",
        ),
        "no normaliser": Misconception(
            lambda logits, tokens: chosen(logits, tokens).sum(axis=1),
            "These are the logits of the tokens. A log probability has the log of the normaliser subtracted.",
        ),
        "one number": Misconception(
            lambda logits, tokens: categorical_oracle(logits, tokens).sum(),
            "This is one number for all sequences together. Sum over the steps, and leave one number per sequence.",
        ),
        "axis of the softmax": Misconception(
            lambda logits, tokens: chosen(special.log_softmax(logits, axis=1), tokens).sum(axis=1),
            "The softmax is normalised over the steps. It is the V tokens, the last axis, that compete.",
        ),
    },
    hints=(
        "First the log softmax, (N, T, V): logits minus the log of the sum over the last axis of their exponentials.",
        (
            "For stability subtract logits.max(axis=-1, keepdims=True) first. np.take_along_axis(a, tokens[..., None], "
            "axis=-1) picks each token's entry, (N, T, 1)."
        ),
        (
            "l = logits - logits.max(axis=-1, keepdims=True); l = l - np.log(np.exp(l).sum(axis=-1, keepdims=True)); "
            "return np.take_along_axis(l, tokens[..., None], axis=-1)[..., 0].sum(axis=1)."
        ),
    ),
)


# mixture_nll and at_temperature -------------------------------------------------------------------------------------


def mixture_params(rng, N, M):
    """Components apart, widths away from 1, correlations of either sign; below 1 even where tanh is forgotten."""
    logits = 1.5 * rng.normal(size=(N, M))
    means = rng.normal(size=(N, 2 * M))
    log_sigmas = rng.uniform(0.25, 0.8, size=(N, 2 * M)) * rng.choice([-1, 1], size=(N, 2 * M))
    before_tanh = rng.uniform(0.5, 0.95, size=(N, M)) * rng.choice([-1, 1], size=(N, M))
    return np.hstack([logits, means, log_sigmas, before_tanh])


def mixture_cases(rng):
    def case(N, M, label="", far=1.0):
        return Case((mixture_params(rng, N, M), *(far * rng.normal(size=(2, N)))), label)

    return [
        case(6, 3),
        case(4, 5),
        case(5, 2),
        case(1, 3, "on a single movement"),
        case(4, 1, "with a single component"),
        case(4, 3, "where every component is far away, so that all densities underflow to 0", far=200.0),
    ]


def parts_of(params):
    return np.split(np.asarray(params), 6, axis=1)


def log_components(params, dx, dy, rho=np.tanh, width=np.exp, root=True, cross=2.0, constant=True, scale=True):
    """log N of each component, with one thing done otherwise."""
    _, mx, my, sx, sy, k = parts_of(params)
    a, b = (np.asarray(dx)[:, None] - mx) / width(sx), (np.asarray(dy)[:, None] - my) / width(sy)
    r = rho(k)
    rest = 1 - r**2
    square = (a**2 + b**2 - cross * r * a * b) / rest
    log_n = -square / 2
    if constant:
        log_n = log_n - np.log(2 * np.pi)
    if scale:
        log_n = log_n - np.log(width(sx) * width(sy))
    return log_n - (0.5 * np.log(rest) if root is True else np.log(rest) if root == "whole" else 0)


def mixture_of(log_n, params, log_pi=None):
    logits = parts_of(params)[0]
    return -special.logsumexp(log_n + (special.log_softmax(logits, axis=1) if log_pi is None else log_pi), axis=1)


def mixture_oracle(params, dx, dy):
    """By scipy's multivariate normal density, movement by movement and component by component."""
    result = []
    for row, x, y in zip(params, dx, dy):
        logits, *rest = np.split(row, 6)
        terms = []
        for mx, my, sx, sy, k in zip(*rest):
            covariance = np.tanh(k) * np.exp(sx + sy)
            matrix = [[np.exp(2 * sx), covariance], [covariance, np.exp(2 * sy)]]
            terms.append(stats.multivariate_normal.logpdf([x, y], [mx, my], matrix))
        result.append(-special.logsumexp(np.array(terms) + special.log_softmax(logits)))
    return np.array(result)


def altered(**how):
    return lambda params, dx, dy: mixture_of(log_components(params, dx, dy, **how), params)


def with_blocks_exchanged(i, j):
    def exchanged(params, dx, dy):
        order = np.arange(6)
        order[[i, j]] = j, i
        moved = np.hstack([parts_of(params)[k] for k in order])
        return mixture_of(log_components(moved, dx, dy), moved)

    return exchanged


def spelled_mixture_nll(P, params, dx, dy):
    logits, mx, my, sx, sy, k = parts_of(params)
    sigma_x, sigma_y = P.divisor("sigma_x", np.exp(sx)), P.divisor("sigma_y", np.exp(sy))
    a = (P.term("dx", dx[:, None]) - P.term("mu_x", mx)) / sigma_x
    b = (P.term("dy", dy[:, None]) - P.term("mu_y", my)) / sigma_y
    rho = P("the correlation", np.tanh(k))
    rest = P("1 - rho^2", 1 - rho**2)
    cross = P.term("the term with the correlation, 2 rho a b", 2 * rho * a * b)
    square = (P.term("a^2", a**2) + P.term("b^2", b**2) - cross) / P.divisor("1 - rho^2 in the exponent", rest)
    log_n = P.factor("the 1/2 in the exponent", -0.5) * square - P.term("log(2 pi)", np.log(2 * np.pi))
    log_n = log_n - P.term("log sigma_x", sx) - P.term("log sigma_y", sy)
    log_n = log_n - P.term("half of log(1 - rho^2)", 0.5 * np.log(rest))
    log_pi = P.term("the logits", logits) - P.term(
        "the normaliser of the logits", np.logaddexp.reduce(logits, axis=1)[:, None]
    )
    total = P.term("log pi", log_pi) + P.term("log N", log_n)
    return P.factor("the minus sign", -1.0) * P.log_sum_exp(total, 1, "the components")


MIXTURE_NLL = exercise(
    name="mixture_nll",
    points=3,
    minutes=12,
    lines=9,
    lecture_points=("L26",),
    signature="mixture_nll(params, dx, dy)",
    returns="(N,)",
    task=(
        "Return minus the log density, in nats, of each pen movement `dx`, `dy` (N,) under its own mixture of M "
        "Gaussians in the plane. `params` (N, 6M) has, M columns each and in this order: logits of the weights "
        r"(softmax over the M), $\mu_x$, $\mu_y$, $\log\sigma_x$, $\log\sigma_y$ (logs of standard deviations), and "
        r"a number whose tanh is the correlation $\rho$. With $a = (dx - \mu_x)/\sigma_x$ and "
        r"$b = (dy - \mu_y)/\sigma_y$, "
        r"$\log\mathcal N = -\frac{a^2 + b^2 - 2\rho ab}{2(1 - \rho^2)} - \log\!\big(2\pi\,\sigma_x\sigma_y"
        r"\sqrt{1 - \rho^2}\big)$. Finite also where every component is far away; $|\rho|$ near 1 need not be handled."
    ),
    answer="course_utils.networks.mixture_density:mixture_nll",
    cases=mixture_cases,
    oracle=mixture_oracle,
    spelled=spelled_mixture_nll,
    others={
        "these are log densities; minus that is asked": lambda params, dx, dy: -mixture_oracle(params, dx, dy),
        "only the nearest component counts; the mixture sums over all": (
            lambda params, dx, dy: (
                -np.max(log_components(params, dx, dy) + special.log_softmax(parts_of(params)[0], axis=1), axis=1)
            )
        ),
        "the log densities are averaged with the weights; it is the densities that are": (
            lambda params, dx, dy: (
                -np.sum(log_components(params, dx, dy) * special.softmax(parts_of(params)[0], axis=1), axis=1)
            )
        ),
        "all weights are equal; they are the softmax of the logits": (
            lambda params, dx, dy: mixture_of(log_components(params, dx, dy), params, -np.log(np.shape(params)[1] / 6))
        ),
        "the softmax goes over the movements; it goes over the components": (
            lambda params, dx, dy: mixture_of(
                log_components(params, dx, dy), params, special.log_softmax(parts_of(params)[0], axis=0)
            )
        ),
        "the correlation is left out: dx and dy are independent here": altered(rho=lambda k: 0 * k),
        "two blocks are exchanged: their order is logits, mu_x, mu_y, log sigma_x, log sigma_y, correlation": tuple(
            with_blocks_exchanged(i, j) for i, j in itertools.combinations(range(6), 2)
        ),
        "the six numbers of a component are taken as if they stood side by side; M columns each are": (
            lambda params, dx, dy: mixture_oracle(
                np.asarray(params).reshape(len(params), -1, 6).transpose(0, 2, 1).reshape(len(params), -1), dx, dy
            )
        ),
    },
    misconceptions={
        "density underflows": Misconception(
            lambda params, dx, dy: (
                -quiet_log(
                    np.sum(
                        special.softmax(parts_of(params)[0], axis=1) * np.exp(log_components(params, dx, dy)), axis=1
                    )
                )
            ),
            "Right as a formula, but far from every component all densities are rounded to 0 before you take the log. "
            "Add log weights to log densities, and take a log-sum-exp with the largest taken out.",
        ),
        "no tanh": Misconception(
            altered(rho=lambda k: k),
            "The sixth block is not the correlation yet: its tanh is.",
        ),
        "log sigma taken as sigma": Misconception(
            altered(width=np.abs), "You take log sigma for sigma: the widths are exponentials of these blocks."
        ),
        "log variance": Misconception(
            altered(width=lambda s: np.exp(s / 2)),
            "You take log sigma for the log of the variance. It is the log of the standard deviation: sigma is exp of "
            "it.",
        ),
        "no 2 pi": Misconception(
            altered(constant=False), "Every value is too small by log(2 pi): it belongs to the density's constant."
        ),
        "no sigmas in the constant": Misconception(
            altered(scale=False),
            "The constant lacks sigma_x sigma_y: a density that is wide has to be low.",
        ),
        "no root": Misconception(
            altered(root="whole"),
            "In the constant 1 - rho^2 stands under a square root: its log counts half.",
        ),
        "no correlation in the constant": Misconception(
            altered(root=None), "The constant lacks the square root of 1 - rho^2."
        ),
        "cross term once": Misconception(
            altered(cross=1.0), "The term with the correlation is 2 rho a b: the 2 is missing."
        ),
        "cross term's sign": Misconception(
            altered(cross=-2.0),
            "The term with the correlation has the wrong sign: it is subtracted inside the bracket.",
        ),
        "weights not normalised": Misconception(
            lambda params, dx, dy: mixture_of(log_components(params, dx, dy), params, parts_of(params)[0]),
            "The logits are not normalised: their softmax has to sum to 1, or this is no density.",
        ),
        "wrong sign": Misconception(
            lambda params, dx, dy: -mixture_oracle(params, dx, dy),
            "This is the log density. Asked is minus that, a loss.",
        ),
        "mean over movements": Misconception(
            lambda params, dx, dy: mixture_oracle(params, dx, dy).mean(),
            "This is one number for all movements together. Leave one number for each.",
        ),
    },
    hints=(
        (
            "logits, mx, my, sx, sy, k = np.split(params, 6, axis=1), each (N, M). dx[:, None] lets each movement meet "
            "its M components."
        ),
        (
            "Write log N with logs: -log(2 pi) - sx - sy - log(1 - rho^2)/2 minus the quadratic form. The log weights "
            "are logits minus the log of the sum of their exponentials."
        ),
        (
            "Sum the M terms in the log domain: logsumexp(log_pi + log_n, axis=1), which takes the largest out before "
            "it takes exponentials."
        ),
        (
            "rho = np.tanh(k); a = (dx[:, None] - mx) / np.exp(sx); b = (dy[:, None] - my) / np.exp(sy); log_n = "
            "-(a**2 + b**2 - 2 * rho * a * b) / (2 * (1 - rho**2)) - np.log(2 * np.pi) - sx - sy - "
            "np.log(1 - rho**2) / 2; log_pi = logits - logsumexp(logits, axis=1, keepdims=True); "
            "return -logsumexp(log_pi + log_n, axis=1)."
        ),
    ),
)


def temperature_cases(rng):
    def case(N, M, tau, label=""):
        return Case((mixture_params(rng, N, M), float(tau)), label)

    return [
        case(4, 3, rng.uniform(0.2, 0.5)),
        case(3, 5, rng.uniform(1.6, 2.5)),
        case(5, 2, rng.uniform(0.5, 0.7)),
        case(1, 1, rng.uniform(0.2, 0.5), "with a single component"),
        case(3, 2, 1.0, "for tau = 1, where nothing changes"),
    ]


def heated(params, tau, logits=None, width=None, rest=lambda v, t: v, means=lambda v, t: v):
    l, mx, my, sx, sy, k = parts_of(params)
    logits = logits or (lambda v, t: v / t)
    width = width or (lambda v, t: v + np.log(t) / 2)
    return np.hstack([logits(l, tau), means(mx, tau), means(my, tau), width(sx, tau), width(sy, tau), rest(k, tau)])


def temperature_oracle(params, tau):
    """By scaling sigma itself, and the logits row by row."""
    M = params.shape[1] // 6
    out = np.array(params)
    for row in out:
        for j in range(M):
            row[j] = row[j] / tau
        for j in range(3 * M, 5 * M):
            row[j] = math.log(math.exp(row[j]) * math.sqrt(tau))
    return out


def spelled_at_temperature(P, params, tau):
    l, mx, my, sx, sy, k = parts_of(params)
    l = l / P.divisor("tau in the logits", tau)
    wider = P.factor("the 1/2 before log(tau)", 0.5) * P.apply("the log of tau", np.log, tau)
    sx, sy = (s + P.term("log(tau) / 2", wider) for s in (sx, sy))
    return np.hstack([l, mx, my, sx, sy, k])


AT_TEMPERATURE = exercise(
    name="at_temperature",
    points=1,
    minutes=5,
    lines=3,
    lecture_points=("L26",),
    signature="at_temperature(params, tau)",
    returns="(N, 6M)",
    task=(
        r"Return the mixtures `params` (N, 6M; blocks as in `mixture_nll`) at the temperature $\tau > 0$: the logits "
        r"divided by $\tau$, both standard deviations multiplied by $\sqrt\tau$ (the blocks hold their logs), the "
        "means and the sixth block as they were. `params` itself stays unchanged."
    ),
    answer="course_utils.networks.mixture_density:at_temperature",
    cases=temperature_cases,
    oracle=temperature_oracle,
    spelled=spelled_at_temperature,
    others={
        "the logits are left as they were": functools.partial(heated, logits=lambda v, t: v),
        "the widths are left as they were": functools.partial(heated, width=lambda v, t: v),
        "the sixth block is divided by tau; it stays as it was": functools.partial(heated, rest=lambda v, t: v / t),
        "the means are divided by tau; they stay as they were": functools.partial(heated, means=lambda v, t: v / t),
        "the means are multiplied by tau; they stay as they were": functools.partial(heated, means=lambda v, t: v * t),
        "log(tau) / 2 is added to the means; it belongs to the logs of the standard deviations": functools.partial(
            heated, width=lambda v, t: v, means=lambda v, t: v + np.log(t) / 2
        ),
        "means and correlations are divided by tau, too; they stay as they were": functools.partial(
            heated, rest=lambda v, t: v / t, means=lambda v, t: v / t
        ),
        "everything is divided by tau; only the logits are": lambda params, tau: np.asarray(params) / tau,
    },
    misconceptions={
        "sigma tau": Misconception(
            functools.partial(heated, width=lambda v, t: v + np.log(t)),
            "You multiply sigma by tau. It is the variance that is, so sigma goes with the square root: log(tau) / 2.",
        ),
        "log sigma scaled": Misconception(
            functools.partial(heated, width=lambda v, t: v * np.sqrt(t)),
            "You multiply log sigma by the root of tau. To multiply sigma, add log(tau) / 2 to its log.",
        ),
        "root not logged": Misconception(
            functools.partial(heated, width=lambda v, t: v + np.sqrt(t)),
            "You add the root of tau to log sigma. Multiplying sigma by it adds its *log*, log(tau) / 2.",
        ),
        "logits multiplied": Misconception(
            functools.partial(heated, logits=lambda v, t: v * t),
            "You multiply the logits by tau. A low temperature makes the likely components likelier: divide.",
        ),
        "logits alone": Misconception(
            functools.partial(heated, width=lambda v, t: v),
            "The weights change, but the components keep their widths: each sigma is multiplied by the root of tau.",
        ),
        "widths alone": Misconception(
            functools.partial(heated, logits=lambda v, t: v),
            "The widths change, but the weights do not: the logits are divided by tau.",
        ),
        "narrower when hot": Misconception(
            functools.partial(heated, width=lambda v, t: v - np.log(t) / 2),
            "A high temperature makes your components narrower: add log(tau) / 2, do not subtract it.",
        ),
    },
    hints=(
        "Cut params into its six blocks of M columns, change three of them, and put them side by side again.",
        r"$\log(\sigma\sqrt\tau) = \log\sigma + \tfrac12\log\tau$.",
        (
            "l, mx, my, sx, sy, k = np.split(params, 6, axis=1); return np.hstack([l / tau, mx, my, sx + "
            "np.log(tau) / 2, sy + np.log(tau) / 2, k])."
        ),
    ),
)


# notes --------------------------------------------------------------------------------------------------------------

HOLD, REST = -2, -1


def random_melody(rng, T, low=55, high=80):
    """Notes that are held and rests that last, with holds at the start and after rests."""
    melody = rng.integers(low, high, size=T)
    melody[rng.random(T) < 0.45] = HOLD
    melody[rng.random(T) < 0.2] = REST
    return melody


def notes_cases(rng):
    first = np.r_[HOLD, HOLD, random_melody(rng, 12), REST, HOLD, 61, HOLD, HOLD]
    second = np.r_[random_melody(rng, 10), 60, 60, REST, HOLD, 62, HOLD, REST]
    third = np.r_[64, HOLD, HOLD, random_melody(rng, 14), REST, HOLD, HOLD, 70]
    return [
        Case((first,)),
        Case((second,)),
        Case((third,)),
        Case((random_melody(rng, 20, 0, 3),), "where pitches are 0 and near it"),
        Case((np.full(6, REST),), "on nothing but silence"),
        Case((np.r_[np.full(3, HOLD), REST, HOLD],), "on holds that hold nothing"),
        Case((np.array([60]),), "on a single note"),
        Case((np.r_[REST, REST, 67, np.full(5, HOLD)],), "where a note is held to the end"),
    ]


def notes_oracle(melody):
    """From a string of letters, by a regular expression: a note is an N and the Hs behind it."""
    import re

    letters = "".join("H" if value == HOLD else "R" if value == REST else "N" for value in melody)
    found = [(m.start(), m.end() - m.start(), int(melody[m.start()])) for m in re.finditer("NH*", letters)]
    starts, lengths, pitches = np.array(found, int).reshape(-1, 3).T
    return starts, lengths, pitches


def notes_by_rule(melody, pitched=lambda v: v >= 0, hold_after_rest=False, first_hold=True, until_next=False, one=1):
    """Token by token, with one thing done otherwise."""
    starts, lengths, pitches, sounding = [], [], [], False
    for t, value in enumerate(melody):
        if pitched(value):
            starts.append(t), lengths.append(one), pitches.append(int(value))
            sounding = True
        elif value == HOLD and lengths and (sounding or hold_after_rest):
            lengths[-1] += 1
        elif value == REST:
            if until_next and lengths:
                lengths[-1] += 1
            else:
                sounding = False
    return np.array(starts, int), np.array(lengths, int), np.array(pitches, int)


def until_next_start(melody):
    """Each note lasts until the next one starts, rests or not."""
    starts = np.flatnonzero(np.asarray(melody) >= 0)
    return starts, np.diff(np.r_[starts, len(melody)]), np.asarray(melody)[starts]


def repeats_go_on(melody):
    """A number that repeats the pitch that sounds makes its note longer."""
    starts, lengths, pitches = [], [], []
    for start, length, pitch in zip(*notes_oracle(melody)):
        if starts and pitch == pitches[-1] and start == starts[-1] + lengths[-1]:
            lengths[-1] += length
        else:
            starts.append(start), lengths.append(length), pitches.append(pitch)
    return np.array(starts, int), np.array(lengths, int), np.array(pitches, int)


def ends_sounding(melody):
    """Whether the last note sounds until the melody ends."""
    starts, lengths, _ = notes_oracle(melody)
    return len(starts) > 0 and starts[-1] + lengths[-1] == len(melody)


def spelled_notes(P, melody):
    starts, lengths, pitches = notes_oracle(melody)
    return (
        P("the starts", starts.astype(float)),
        P("the lengths", lengths.astype(float)),
        P("the pitches", pitches.astype(float)),
    )


NOTES = exercise(
    name="notes",
    points=2,
    minutes=8,
    lines=10,
    lecture_points=("L27",),
    signature="notes(melody)",
    returns="starts (n,), lengths (n,), pitches (n,)",
    task=(
        "Return the n notes of a `melody` (T,) as three arrays of whole numbers: at which step each starts (counted "
        "from 0), for how many steps it sounds, and its pitch. In the melody a number from 0 on is a pitch and starts "
        "a note (also when it repeats the pitch before), -2 holds the note that sounds for one more step, and -1 is "
        "a rest. A hold at the beginning or after a rest holds nothing: it is silence. A melody of nothing but "
        "silence gives three empty arrays."
    ),
    answer="course_utils.models.melody:notes",
    cases=notes_cases,
    oracle=notes_oracle,
    spelled=spelled_notes,
    others={
        "the ends stand in place of the lengths": (
            lambda melody: (notes_oracle(melody)[0], sum(notes_oracle(melody)[:2]), notes_oracle(melody)[2])
        ),
        "the lengths count the holds alone, without the step in which a note starts": (
            functools.partial(notes_by_rule, one=0)
        ),
        "a note lasts until the next one starts: rests are counted in": until_next_start,
        "a pitch that comes again goes on with its note; every number from 0 on starts one": repeats_go_on,
        "holds and rests are exchanged: -2 holds, -1 is a rest": (
            lambda melody: notes_oracle(np.select([melody == HOLD, melody == REST], [REST, HOLD], melody))
        ),
        "only one hold is counted; a note goes on as long as it is held": (
            lambda melody: (lambda s, n, p: (s, np.minimum(n, 2), p))(*notes_oracle(melody))
        ),
        "a note that sounds until the melody ends is left out": (
            lambda melody: tuple(a[: len(a) - ends_sounding(melody)] for a in notes_oracle(melody))
        ),
    },
    misconceptions={
        "lengths without the start": Misconception(
            functools.partial(notes_by_rule, one=0),
            "A note that is not held has length 0 here: the step in which it starts counts, too.",
        ),
        "until the next start": Misconception(
            until_next_start,
            "Your notes sound until the next one starts. A rest ends a note earlier.",
        ),
        "holds after a rest": Misconception(
            functools.partial(notes_by_rule, hold_after_rest=True),
            "A hold after a rest lengthens the note before the rest. That note has ended: the hold is silence.",
        ),
        "pitch 0 left out": Misconception(
            functools.partial(notes_by_rule, pitched=lambda v: v > 0),
            "Pitch 0 is a pitch, and starts a note.",
        ),
        "rests as notes": Misconception(
            functools.partial(notes_by_rule, pitched=lambda v: v >= -1),
            "A rest is given as a note of pitch -1. It is silence.",
        ),
        "order": Misconception(
            lambda melody: (notes_oracle(melody)[2], *notes_oracle(melody)[:2]),
            "The order of the three is starts, lengths, pitches.",
        ),
        "ends for lengths": Misconception(
            lambda melody: (notes_oracle(melody)[0], sum(notes_oracle(melody)[:2]), notes_oracle(melody)[2]),
            "The second array has the steps at which notes end. Asked are their lengths.",
        ),
    },
    hints=(
        "Go through the melody step by step, and remember whether a note sounds.",
        (
            "A pitch (>= 0) appends a note of length 1. A hold (-2), while a note sounds, adds 1 to the last length. A "
            "rest (-1) ends what sounds."
        ),
        (
            "starts, lengths, pitches, sounding = [], [], [], False, and for t, value in enumerate(melody): if "
            "value >= 0, append t, 1 and value and set sounding = True; elif value == -1, set sounding = False; elif "
            "sounding, lengths[-1] += 1. Return np.array(..., dtype=int) of each of the three."
        ),
    ),
)


# morph --------------------------------------------------------------------------------------------------------------

PAIRS = tuple(Named(f"course_utils.models.toy_codes:{name}_pairs") for name in ("encode", "decode"))
GRIDS = tuple(Named(f"course_utils.models.toy_codes:{name}_grids") for name in ("encode", "decode"))


def morph_cases(rng):
    def case(maps, shape, steps, label=""):
        return Case((*maps, *rng.normal(size=(2, *shape)), steps), label)

    a = rng.normal(size=2)
    return [
        case(PAIRS, (2,), 5),
        case(GRIDS, (2, 3), 4),
        case(PAIRS, (2,), 7),
        case(GRIDS, (2, 3), 2, "with steps = 2, which gives the two reconstructions"),
        Case((*PAIRS, a, a.copy(), 4), "from an example to itself"),
    ]


def morph_oracle(encode, decode, a, b, steps):
    """One row at a time, with the circle as the exercise `slerp` judges it."""
    p, q = (encode(np.asarray(x)[None])[0][0] for x in (a, b))
    return np.concatenate([decode(z[None]) for z in slerp_oracle(p, q, steps)])


def morph_with(codes, which=0, path=slerp_oracle, after=lambda decode, z: decode(z)):
    """The answer with other codes, another path, or something else in place of decoding."""

    def answer(encode, decode, a, b, steps):
        p, q = (encode(np.asarray(x)[None]) for x in (a, b))
        return after(decode, path(codes(p), codes(q), steps))

    return answer


def along_circle(a, b, steps):
    """The great circle between two examples, taken as long vectors."""
    return slerp_oracle(np.ravel(a), np.ravel(b), steps).reshape(steps, *np.shape(a))


def mean_code(pair):
    return pair[0][0]


def spelled_morph(P, encode, decode, a, b, steps):
    p = P("the mean of a", encode(np.asarray(a)[None])[0][0])
    q = P("the mean of b", encode(np.asarray(b)[None])[0][0])
    return P("the decoded points", decode(P("the codes on the way", slerp_oracle(p, q, steps))))


MORPH = exercise(
    name="morph",
    points=1,
    minutes=4,
    lines=2,
    lecture_points=("L3", "L26", "L27"),
    signature="morph(encode, decode, a, b, steps)",
    returns="(steps, ...)",
    task=(
        "Return the `steps` examples on the way from `a` to `b`, single examples of one shape: encode both, take the "
        "*means*, go from one to the other along the great circle (your `slerp`), and decode. `encode(x)` takes any "
        r"number of rows (N, ...) and returns $(\mu, \log\sigma)$, each (N, K); `decode(z)` takes (N, K) and returns "
        "rows (N, ...)."
    ),
    answer="course_utils.models.interpolation:morph",
    cases=morph_cases,
    oracle=morph_oracle,
    spelled=spelled_morph,
    others={
        "these are the codes on the way; decode them": morph_with(mean_code, after=lambda decode, z: z),
        "log sigma stands where the mean belongs": morph_with(lambda pair: pair[1][0]),
        "the examples are mixed before they are encoded; it is their codes that are to be mixed": (
            lambda encode, decode, a, b, steps: decode(encode(np.linspace(a, b, steps))[0]),
            lambda encode, decode, a, b, steps: decode(encode(along_circle(a, b, steps))[0]),
        ),
        "the decoded ends are mixed along a circle; it is the codes that go along it": (
            lambda encode, decode, a, b, steps: along_circle(*decode(encode(np.stack([a, b]))[0]), steps)
        ),
        "the first and the last are a and b themselves; all of them are decoded codes": (
            lambda encode, decode, a, b, steps: np.concatenate(
                [a[None], morph_oracle(encode, decode, a, b, steps)[1:-1], b[None]]
            )
        ),
    },
    misconceptions={
        "straight line": Misconception(
            morph_with(mean_code, path=line),
            "The codes lie on the straight line. Asked is the great circle: slerp.",
        ),
        "decoded ends mixed": Misconception(
            lambda encode, decode, a, b, steps: (
                lambda p, q: np.stack([(1 - t) * p + t * q for t in np.linspace(0, 1, steps)])
            )(*(decode(encode(np.asarray(x)[None])[0])[0] for x in (a, b))),
            "You decode the two ends and mix what comes out: that is a cross-fade. Mix the codes, then decode.",
        ),
        "not decoded": Misconception(
            morph_with(mean_code, after=lambda decode, z: z), "These are codes. The decoder makes examples of them."
        ),
        "log sigma": Misconception(
            morph_with(lambda pair: pair[1][0]),
            "You interpolate log sigma. encode returns (mu, log_sigma): the first is the mean.",
        ),
        "from b to a": Misconception(
            lambda encode, decode, a, b, steps: morph_oracle(encode, decode, b, a, steps),
            "The way goes from b to a: a should come first.",
        ),
        "examples mixed": Misconception(
            lambda encode, decode, a, b, steps: np.stack(
                [(1 - t) * np.asarray(a) + t * np.asarray(b) for t in np.linspace(0, 1, steps)]
            ),
            "This mixes the examples themselves, without encoder and decoder: a cross-fade.",
        ),
    },
    hints=(
        "encode wants rows: encode(np.stack([a, b])) handles both ends at once, and returns two arrays (2, K).",
        "slerp(mu[0], mu[1], steps) is (steps, K), rows of codes, just what decode takes.",
        "mu, log_sigma = encode(np.stack([a, b])); return decode(slerp(mu[0], mu[1], steps)).",
    ),
)

EXERCISES = [SLERP, MORPH, GRU_STEP, MIXTURE_NLL, AT_TEMPERATURE, CATEGORICAL_LOG_PROB, NOTES]
