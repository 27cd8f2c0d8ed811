"""Exercises of notebook 12: a stack of symbols in one number, tables for it, and bits back."""

import functools
from bisect import bisect_left, bisect_right

import numpy as np
from scipy import integrate, special, stats

from course_utils.exercises.model import Case, Exercise, Finding, Misconception

exercise = functools.partial(Exercise, notebook="12_compression_with_vaes")
HUGE = 700  # bits of a state that no floating-point number holds


def whole(rng, bits):
    """A whole number with this many bits, the highest and the lowest of them 1."""
    return int("1" + "".join(map(str, rng.integers(0, 2, bits - 2))) + "1", 2)


def some_starts(rng, V, precision):
    """Starts of V symbols, none of which has fewer than two slots, with uneven frequencies."""
    freqs = 2 + rng.multinomial((1 << precision) - 2 * V, rng.dirichlet(np.full(V, 1.5)))
    return [0, *np.cumsum(freqs).tolist()]


def exactly(expected, got, args):
    """A comparison of whole numbers of any size, entry by entry."""
    if isinstance(expected, tuple):
        findings = (exactly(e, g, args) for e, g in zip(expected, got, strict=True))
        return next((finding.in_item(i) for i, finding in enumerate(findings) if finding), None)
    expected, got = (np.atleast_1d(np.asarray(value)).ravel().tolist() for value in (expected, got))
    off = sum(g != e for g, e in zip(got, expected))
    if not off:
        return None
    if any(isinstance(g, float) and not np.isfinite(g) for g in got):
        return Finding("not finite", "The result is not finite, where a whole number is expected.")
    largest = max(map(abs, got))
    return Finding("values", "The result is off." if largest < 1 << 60 else "The number is not the right one.")


def push(state, start, freq, precision):
    return ((state // freq) << precision) + start + state % freq


def pop(state, starts, precision):
    slot = state % (1 << precision)
    symbol = bisect_right(starts, slot) - 1
    return symbol, (starts[symbol + 1] - starts[symbol]) * (state >> precision) + slot - starts[symbol]


def put(state, symbol, starts, precision):
    return push(state, starts[symbol], starts[symbol + 1] - starts[symbol], precision)


# Ordinary cases are small, so that no two answers agree by the tolerance that explanations of real numbers have. The
# oracles count: a number carries the symbol in whose interval its slot lies, and a pop says how many smaller
# numbers carry the same symbol.


def smaller(state, start, freq, precision):
    """How many of 0 .. state - 1 have their slot in start .. start + freq - 1."""
    whole_rounds, rest = divmod(state, 1 << precision)
    return whole_rounds * freq + min(max(rest - start, 0), freq)


def counted_push(state, start, freq, precision):
    """The number that carries the symbol and has `state` smaller ones that do, found by bisection."""
    low, high = 0, (state + 1) << precision
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if smaller(middle, start, freq, precision) <= state else (low, middle)
    return low


def counted_pop(state, starts, precision):
    slot = state - ((state >> precision) << precision)
    symbol = next(v for v in range(len(starts) - 1) if starts[v] <= slot < starts[v + 1])
    return symbol, smaller(state, starts[symbol], starts[symbol + 1] - starts[symbol], precision)


# ans_push -----------------------------------------------------------------------------------------------------------


def push_cases(rng):
    def case(bits, precision, label="", freq=None):
        total = 1 << precision
        freq = int(rng.integers(3, max(4, total // 2))) if freq is None else freq
        start = int(rng.integers(1, total - freq)) if freq < total else 0
        state = whole(rng, bits)
        state += state % freq == 0
        return Case((state, start, freq, precision), label)

    return [
        case(7, 5),
        case(8, 4),
        case(6, 5),
        case(9, 4),
        case(7, 6),
        case(8, 3),
        case(33, 12, label="for a state of 33 bits"),
        case(40, 6, freq=1, label="for a symbol with a single slot"),
        case(30, 8, freq=256, label="for a symbol that has all slots, which costs nothing"),
        Case((0, int(rng.integers(5, 90)), 20, 8), "for the state 0"),
        case(HUGE, 16, "for a state of 700 bits, which no floating-point number holds"),
    ]


def spelled_push(P, state, start, freq, precision):
    times = P("the quotient state // freq", state // freq)
    moved = P.term("the quotient times 2^precision", times * P.factor("2^precision", 1 << precision))
    return moved + P.term("start", start) + P.term("the remainder state % freq", state % freq)


ANS_PUSH = exercise(
    name="ans_push",
    points=2,
    minutes=6,
    lines=2,
    lecture_points=("L3",),
    signature="ans_push(state, start, freq, precision)",
    returns="a whole number",
    task=(
        r"Return the state with one more symbol on top: the $s$-th number, counted from 0, that carries the symbol. "
        r"The symbol has the slots $c, \dots, c + f - 1$ of each round of $2^r$. All are Python's whole numbers: the "
        r"state $s \ge 0$ (`state`), of any size, $c$ (`start`), $f \ge 1$ (`freq`), and $r$ (`precision`). Exact also "
        r"for states of hundreds of bits."
    ),
    answer="course_utils.models.coding:ans_push",
    cases=push_cases,
    oracle=counted_push,
    compare=exactly,
    spelled=spelled_push,
    others={
        "the quotient is a real number: state / freq must be rounded down before it is multiplied": (
            lambda s, c, f, r: s / f * 2**r + c + s % f,
            lambda s, c, f, r: (s << r) // f + c + s % f,
            lambda s, c, f, r: (s << r) // f + c,
        ),
        "what is above 63 bits is lost, as in numpy's whole numbers: keep Python's own, which have no such end": (
            lambda s, c, f, r: push(s % 2**63, c, f, r)
        ),
        "the quotient is multiplied by precision, and not by 2^precision": (
            lambda s, c, f, r: s // f * r + c + s % f,
            lambda s, c, f, r: s // f * r**2 + c + s % f,
            lambda s, c, f, r: s // f * 2 * r + c + s % f,
        ),
        "start belongs outside of the remainder: it is added after state % freq is taken": (
            lambda s, c, f, r: ((s // f) << r) + (c + s) % f
        ),
        "`^` is Python's exclusive or: 2 to the power of precision is 2 ** precision": (
            lambda s, c, f, r: (s // f) * (2 ^ r) + c + s % f
        ),
        "f and 2^precision have changed places: this is what a pop does": (
            lambda s, c, f, r: (s >> r) * f + c + s % (1 << r)
        ),
        "the quotient is shifted down by precision bits; it is multiplied by 2^precision": (
            lambda s, c, f, r: (s // f >> r) + c + s % f
        ),
        "quotient and remainder have changed places": lambda s, c, f, r: ((s % f) << r) + c + s // f,
        "start is also multiplied by 2^precision": (
            lambda s, c, f, r: ((s // f + c) << r) + s % f,
            lambda s, c, f, r: (s // f + c + s % f) << r,
        ),
    },
    misconceptions={
        "division of floats": Misconception(
            lambda s, c, f, r: int(s / f) * 2**r + c + s % f,
            "state / freq is a floating-point number, which keeps 53 bits of what may be hundreds. Whole numbers are "
            "divided with //, which loses none.",
        ),
        "no start": Misconception(
            lambda s, c, f, r: ((s // f) << r) + s % f,
            "Without start, every symbol is coded as if its slots began at 0: whoever decodes reads the wrong symbol.",
        ),
        "no remainder": Misconception(
            lambda s, c, f, r: ((s // f) << r) + c,
            "The remainder state % freq is left out: freq different states become one, and cannot be told apart again.",
        ),
        "remainder by all slots": Misconception(
            lambda s, c, f, r: ((s // f) << r) + c + s % (1 << r),
            "The remainder is what is left of the division by freq, and less than freq. You take it modulo "
            "2^precision, so that the slot may lie outside of the symbol's interval.",
        ),
        "start for freq": Misconception(
            lambda s, c, f, r: push(s, f, max(c, 1), r),
            "start and freq have changed places: the state is divided by freq, and start is added.",
        ),
        "slots for quotient": Misconception(
            lambda s, c, f, r: ((s >> r) * f) + c + s % f,
            "This makes the state smaller: a push divides by freq and multiplies by 2^precision; a pop does the "
            "opposite.",
        ),
    },
    hints=(
        (
            "Each round has freq numbers that carry the symbol. How many whole rounds come before the one that is "
            "sought, and which of the symbol's slots is it in its own?"
        ),
        (
            "divmod(state, freq) gives both: the quotient is the rounds, of 2^precision numbers each; the remainder "
            "chooses the slot, start + remainder."
        ),
        "return (state // freq) * 2 ** precision + start + state % freq, with // and not /.",
    ),
    afterwards=(
        r"Push: $s \mapsto \lfloor s / f \rfloor\, 2^r + c + (s \bmod f)$. The first term counts whole rounds; the "
        "rest is the place in its own."
    ),
)


# ans_pop ------------------------------------------------------------------------------------------------------------


def pop_cases(rng):
    def case(bits, V, precision, symbol, at=None, label=""):
        starts = some_starts(rng, V, precision)
        first, end = starts[symbol], starts[symbol + 1]
        slot = int(rng.integers(first + 1, end)) if at is None else (first if at == "start" else end - 1)
        return Case(((whole(rng, bits) << precision) + slot, starts, precision), label)

    return [
        case(6, 5, 5, 2),
        case(7, 4, 5, 1),
        case(5, 5, 6, 4),
        case(8, 3, 4, 2),
        case(5, 6, 6, 5),
        case(6, 4, 4, 3),
        case(24, 7, 8, 5, label="for a state of 32 bits"),
        case(25, 5, 8, 3, "start", "where the slot is the start of a symbol"),
        case(25, 4, 6, 0, "start", "where the slot is 0"),
        case(25, 5, 8, 4, "last", "where the slot is the last of all"),
        case(21, 5, 8, 0, "last", "where the slot is the last of the first symbol"),
        case(HUGE, 5, 16, 3, label="for a state of 700 bits, which no floating-point number holds"),
    ]


def spelled_pop(P, state, starts, precision):
    slot = P("the slot", state % (1 << precision))
    symbol = bisect_right(starts, slot) - 1
    times = P("the quotient state // 2^precision", state >> precision)
    freq = P.factor("the frequency of the symbol", starts[symbol + 1] - starts[symbol])
    before = P.term("the frequency times the quotient", freq * times) + P.term("the slot, added", slot)
    return symbol, before - P.term("the start of the symbol", starts[symbol])


ANS_POP = exercise(
    name="ans_pop",
    points=3,
    minutes=9,
    lines=5,
    lecture_points=("L3",),
    signature="ans_pop(state, starts, precision)",
    returns="(symbol, state)",
    task=(
        r"Undo `ans_push`: return the symbol on top of the state and the state without it, as a pair of whole numbers. "
        r"The symbols $0, \dots, V - 1$ share the slots $0, \dots, 2^r - 1$, with $r$ = `precision`: `starts`, a list "
        r"of $V + 1$ whole numbers that ascend from 0 to $2^r$, says where each begins and, as its next entry, where "
        r"it ends. A slot that equals a start belongs to the symbol that begins there. Every symbol has at least one "
        r"slot. Exact also for states of hundreds of bits."
    ),
    answer="course_utils.models.coding:ans_pop",
    cases=pop_cases,
    oracle=counted_pop,
    compare=exactly,
    spelled=spelled_pop,
    others={
        "the slot, and not the symbol, is the first result": (
            lambda s, starts, r: (s % (1 << r), pop(s, starts, r)[1]),
        ),
        "the quotient is multiplied by the frequency of the symbol before: starts[v + 1] - starts[v] is its own": (
            lambda s, starts, r: (
                lambda v, rest: (v, rest + (s >> r) * (2 * starts[v] - starts[v - 1] - starts[v + 1]))
            )(*pop(s, starts, r))
        ),
        "the state is not made smaller: it comes back as it was": lambda s, starts, r: (pop(s, starts, r)[0], s),
        "symbols are counted from 0; yours are too large by one": (
            lambda s, starts, r: (pop(s, starts, r)[0] + 1, pop(s, starts, r)[1])
        ),
        "symbol and state have changed places: the symbol comes first": lambda s, starts, r: pop(s, starts, r)[::-1],
    },
    misconceptions={
        "the symbol before": Misconception(
            lambda s, starts, r: _pop_left(s, starts, r),
            "A slot that equals a start belongs to the symbol that begins there; yours goes to the symbol before. In "
            "a search of sorted numbers that is the side: bisect_right, or searchsorted with side='right'.",
        ),
        "start not taken off": Misconception(
            lambda s, starts, r: (pop(s, starts, r)[0], pop(s, starts, r)[1] + starts[pop(s, starts, r)[0]]),
            "The start of the symbol is not subtracted. A push added start and the remainder; the remainder alone is "
            "slot - start.",
        ),
        "rest thrown away": Misconception(
            lambda s, starts, r: (pop(s, starts, r)[0], _freq(s, starts, r) * (s >> r)),
            "You multiply the quotient by the frequency, and leave out the remainder slot - start: so states that "
            "differ become one.",
        ),
        "only the slots taken off": Misconception(
            lambda s, starts, r: (pop(s, starts, r)[0], s >> r),
            "state // 2^precision takes off all the bits of a slot. A symbol costs fewer: what a push divided by, its "
            "frequency, is to be multiplied with again, and the remainder slot - start is added.",
        ),
        "a push": Misconception(
            lambda s, starts, r: (
                pop(s, starts, r)[0],
                push(s, starts[pop(s, starts, r)[0]], _freq(s, starts, r), r),
            ),
            "This pushes the symbol once more. A pop goes the other way: times the frequency, divided by 2^precision.",
        ),
        "division of floats": Misconception(
            lambda s, starts, r: (
                pop(s, starts, r)[0],
                _freq(s, starts, r) * int(s / 2**r) + s % 2**r - starts[pop(s, starts, r)[0]],
            ),
            "state / 2 ** precision is a floating-point number, which keeps 53 bits of what may be hundreds. Whole "
            "numbers are divided with //, which loses none.",
        ),
    },
    hints=(
        "The slot is state % 2 ** precision. Whose interval starts[v] <= slot < starts[v + 1] is it in?",
        (
            "A push made state // freq and state % freq of the state. The first is now state // 2 ** precision, and "
            "the second is slot - start."
        ),
        (
            "symbol = bisect.bisect_right(starts, slot) - 1, with freq = starts[symbol + 1] - starts[symbol]; the "
            "state before was freq * (state // 2 ** precision) + slot - starts[symbol]."
        ),
    ),
)


def _freq(s, starts, r):
    symbol = pop(s, starts, r)[0]
    return starts[symbol + 1] - starts[symbol]


def _pop_left(s, starts, r):
    slot = s % (1 << r)
    symbol = max(bisect_left(starts, slot) - 1, 0)
    return symbol, (starts[symbol + 1] - starts[symbol]) * (s >> r) + slot - starts[symbol]


# tables of starts: judged by what they must have --------------------------------------------------------------------


def judged_as_starts(mass):
    """A comparison by property: starts from 0 to 2^precision, every frequency at least 1 and within V of 2^precision
    times mass(args). What equals `expected` passes, too: so that a wrong answer can be told what it is."""

    def compare(expected, got, args):
        expected, got = np.asarray(expected, float), np.asarray(got, float)
        if np.array_equal(expected, got):
            return None
        if not np.isfinite(got).all():
            return Finding("not finite", "The starts are not all finite.")
        precision, p = args[-1], np.asarray(mass(*args), float)
        freqs, total = np.diff(got), 1 << precision
        if (got != np.round(got)).any():
            return Finding("values", "The starts are not all whole numbers.")
        if got[0] != 0:
            return Finding("values", "The first start is not 0.")
        if (freqs < 1).any():
            return Finding(
                "values",
                f"{np.sum(freqs < 1)} of {len(freqs)} symbols have no slot: a start is not above "
                "the one before, and such a symbol cannot be coded.",
            )
        if got[-1] != total:
            return Finding(
                "values",
                f"The last entry is {'above' if got[-1] > total else 'below'} 2^precision: the "
                "frequencies must add up to that number.",
            )
        off = np.abs(freqs - total * p) > len(freqs)
        if off.any():
            return Finding(
                "values", f"{np.sum(off)} of {len(freqs)} frequencies are off by more than V, the number of symbols."
            )
        return None

    return compare


def lacking(got, V, precision):
    """What V numbers are that ought to be V + 1 starts: frequencies, or starts without the first or the last."""
    got = np.asarray(got, float)
    if got.shape != (V,) or V < 2 or not np.isfinite(got).all():
        return None
    total = float(1 << precision)
    if got.sum() == total:
        return "frequencies"
    if (np.diff(got) < 0).any():
        return None
    return "no zero in front" if got[-1] == total else "no end" if got[0] == 0 else None


LACKING = {
    "frequencies": (
        "These are the frequencies. Asked are the starts: their running sums, one number more, with a 0 in front."
    ),
    "no zero in front": "The 0 in front is missing: the first start is 0, and the last is the end of the last symbol.",
    "no end": "The end of the last symbol, 2^precision, is missing: there is one start more than there are symbols.",
}


def from_cumulative(below, precision, one=1):
    """start_v = v + floor((2^precision - V) below_v), from which the misconceptions depart."""
    below = np.asarray(below, float)
    V = len(below) - 1
    starts = one * np.arange(V + 1) + np.floor(((1 << precision) - one * V) * below + 1e-9)
    starts[-1] = 1 << precision
    return starts.astype(int).tolist()


def below_of(p):
    return np.append(0, np.cumsum(p)) / np.sum(p)


def largest_remainders(p, precision):
    """Frequencies by the method of largest remainders, after one slot for each, and their running sums: the oracle."""
    p = np.asarray(p, float) / np.sum(p)
    share = ((1 << precision) - len(p)) * p
    freqs = 1 + np.floor(share).astype(int)
    for v in np.argsort(np.floor(share) - share, kind="stable")[: (1 << precision) - freqs.sum()]:
        freqs[v] += 1
    return [0, *np.cumsum(freqs).tolist()]


# quantise -----------------------------------------------------------------------------------------------------------


def quantise_cases(rng):
    def case(V, precision, label="", concentration=1.0):
        p = rng.dirichlet(np.full(V, concentration))
        return Case((p, precision), label)

    def spiky(V, precision, label=""):
        """A few symbols have nearly everything, the others less than a slot each."""
        p = np.full(V, 0.2 / (1 << precision))
        chosen = rng.permutation(V)[:2]
        p[chosen] = rng.dirichlet([3, 3]) * (1 - p.sum() + p[chosen].sum())
        return Case((p / p.sum(), precision), label)

    with_zeros = rng.dirichlet(np.ones(6))
    with_zeros[[0, 3]] = 0
    certain = np.zeros(5)
    certain[int(rng.integers(1, 4))] = 1.0
    return [
        spiky(7, 8),
        spiky(12, 10),
        spiky(9, 7),
        case(5, 9),
        Case((with_zeros / with_zeros.sum(), 10), "with probabilities of 0"),
        Case((certain, 8), "where one symbol is certain"),
        Case((np.array([1.0]), 4), "with a single symbol"),
        case(60, 16, "with 60 symbols", 0.2),
    ]


def spelled_quantise(P, p, precision):
    below = P("the running sums of p, from 0", below_of(p))
    V = P("the number of symbols", len(p))
    share = np.floor(P.factor("2^precision - V", (1 << precision) - V) * below + 1e-9)
    return P.term("one slot for each symbol before", np.arange(len(p) + 1)) + P.term("the share of the others", share)


def _raised_one_by_one(p, r):
    return [0, *np.cumsum(np.maximum(1, np.round(np.asarray(p) * (1 << r)))).astype(int).tolist()]


QUANTISE = exercise(
    name="quantise",
    points=3,
    minutes=8,
    lines=4,
    lecture_points=("L3",),
    signature="quantise(p, precision)",
    returns="(V + 1,)",
    task=(
        r"Return the starts of $V$ symbols with probabilities `p` (V,): $V + 1$ whole numbers, the running sums of "
        r"frequencies $f_v$, from 0 to $2^r$ with $r$ = `precision`. Every frequency is at least 1, also where $p_v = "
        r"0$, and within $V$ of $2^r p_v$. The probabilities add up to 1, up to rounding, and $V$ is well below $2^r$. "
        r"Any starts that have these properties are right."
    ),
    answer="course_utils.models.coding:quantise",
    cases=quantise_cases,
    oracle=largest_remainders,
    compare=judged_as_starts(lambda p, precision: np.asarray(p) / np.sum(p)),
    diagnose=lambda args, got: lacking(got, len(args[0]), args[1]),
    spelled=spelled_quantise,
    others={
        "these are the running sums of the probabilities; multiply them by the number of slots": (
            lambda p, r: below_of(p),
        ),
        "the starts are no whole numbers: round them": lambda p, r: below_of(p) * (1 << r),
        "the running sums are multiplied by precision, and not by 2^precision": (
            lambda p, r: np.round(below_of(p) * r).astype(int)
        ),
        "`precision` slots are shared out, and not 2^precision": (
            lambda p, r: np.append(0, np.cumsum(1 + np.floor(np.asarray(p) * max(r - len(p), 0)))),
        ),
    },
    misconceptions={
        "rounded sums": Misconception(
            lambda p, r: np.round(below_of(p) * (1 << r)).astype(int).tolist(),
            "You round the running sums of 2^precision p. Then a symbol whose probability is less than a slot may have "
            "none, and if it comes all the same, it cannot be coded. Give each symbol one slot before you share out "
            "the rest.",
        ),
        "sums rounded down": Misconception(
            lambda p, r: np.floor(below_of(p) * (1 << r) + 1e-9).astype(int).tolist(),
            "You round the running sums of 2^precision p down. Then a symbol whose probability is less than a slot may "
            "have none, and if it comes all the same, it cannot be coded. Give each symbol one slot before you share "
            "out the rest.",
        ),
        "at least one, then too many": Misconception(
            lambda p, r: _raised_one_by_one(p, r),
            "Each frequency is rounded and raised to 1 by itself, and so they no longer add up to 2^precision. Share "
            "out 2^precision - V slots, after each symbol has had its one.",
        ),
        "one more for each, then too many": Misconception(
            lambda p, r: [0, *np.cumsum(1 + np.floor(np.asarray(p) * (1 << r))).astype(int).tolist()],
            "Each symbol has one slot more than its share of 2^precision, so that the frequencies add up to more. "
            "Share out 2^precision - V slots, after each symbol has had its one.",
        ),
        "frequencies": Misconception(
            lambda p, r: np.diff(largest_remainders(p, r)).tolist(),
            LACKING["frequencies"],
        ),
        "no zero in front": Misconception(
            lambda p, r: from_cumulative(below_of(p), r)[1:],
            LACKING["no zero in front"],
        ),
        "no end": Misconception(
            lambda p, r: from_cumulative(below_of(p), r)[:-1],
            LACKING["no end"],
        ),
    },
    hints=(
        "Give each symbol one slot first. How many are left to share out in proportion to p?",
        (
            "2 ** precision - V are left. Share them out by running sums: the first v symbols together have "
            "(2 ** precision - V) (p_0 + ... + p_{v-1}) of them, rounded down."
        ),
        (
            "starts[v] = v + floor((2 ** precision - V) * (p_0 + ... + p_{v-1})) for v = 0 ... V, where rounding must "
            "not move the last one: set it to 2 ** precision."
        ),
    ),
)


# gaussian_starts ----------------------------------------------------------------------------------------------------


def edges_of(inner):
    return np.concatenate([[-np.inf], np.sort(inner), [np.inf]])


def gaussian_mass(mu, sigma, edges, precision):
    """The mass between neighbouring edges, from the side where it is not rounded away."""
    edges = np.asarray(edges)
    below, above = stats.norm.cdf(edges, mu, sigma), stats.norm.sf(edges, mu, sigma)
    return np.where(edges[1:] <= mu, np.diff(below), -np.diff(above))


def gaussian_cases(rng):
    def case(B, precision, mu, sigma, label="", width=1.0):
        inner = mu + width * sigma * np.sort(rng.uniform(-1.7, 1.7, B - 1))
        return Case((float(mu), float(sigma), edges_of(inner), precision), label)

    even = special.ndtri(np.arange(1, 16) / 16)  # of equal mass under N(0, 1)
    return [
        case(6, 12, rng.uniform(0.4, 0.9), rng.uniform(1.6, 2.2)),
        case(8, 11, -rng.uniform(0.4, 0.9), rng.uniform(0.3, 0.5)),
        Case((float(rng.uniform(0.5, 0.9)), float(rng.uniform(0.35, 0.5)), edges_of(even), 12)),
        Case((-float(rng.uniform(0.3, 0.7)), float(rng.uniform(1.5, 1.8)), edges_of(even), 14)),
        Case((float(rng.uniform(2.0, 2.4)), 0.05, edges_of(even), 12), "where nearly all mass is in one interval"),
        Case((-40.0, 0.3, edges_of(even), 10), "where the mean is far outside of all inner edges"),
        Case((0.7, 1.3, edges_of([]), 6), "with a single interval"),
    ]


def spelled_gaussian_starts(P, mu, sigma, edges, precision):
    offset = np.asarray(edges) - P.term("mu", mu)
    below = P.apply("the normal distribution function", special.ndtr, offset / P.divisor("sigma", sigma))
    B = len(edges) - 1
    share = np.floor(P.factor("2^precision - B", (1 << precision) - B) * below + 1e-9)
    return P.term("one slot for each interval before", np.arange(B + 1)) + P.term("the share of the others", share)


def gaussian_starts_with(below):
    """Starts from a function of (mu, sigma, edges) that should be the distribution function at the edges."""
    return lambda mu, sigma, edges, precision: from_cumulative(below(mu, sigma, np.asarray(edges)), precision)


def rest_to_the_largest(below):
    """The same, where each interval has its share rounded down, and the largest has what is left."""

    def starts(mu, sigma, edges, precision):
        share = np.diff(below(mu, sigma, np.asarray(edges)))
        freqs = 1 + np.floor(share * ((1 << precision) - len(share))).astype(int)
        freqs[np.argmax(freqs)] += (1 << precision) - freqs.sum()
        return [0, *np.cumsum(freqs).tolist()]

    return starts


def _normalised(mass):
    """The running sums of what should be the intervals' mass, scaled to end at 1."""
    mass = np.nan_to_num(np.asarray(mass, float))
    return below_of(np.maximum(mass, 0))


def _density_at_the_middles(mu, sigma, edges, widest):
    """The density at the intervals' middles, where infinite edges are cut."""
    cut = np.clip(edges, -widest, widest)
    return _normalised(stats.norm.pdf((cut[1:] + cut[:-1]) / 2, mu, sigma))


def _density_times_width(mu, sigma, edges):
    """The density at the intervals' middles times their widths, where the outer ones are cut."""
    inner = edges[1:-1]
    cut = np.concatenate([[min(mu - 6 * sigma, inner[0] - 1)], inner, [max(mu + 6 * sigma, inner[-1] + 1)]])
    return stats.norm.pdf((cut[1:] + cut[:-1]) / 2, mu, sigma) * np.diff(cut)


def integrated_starts(mu, sigma, edges, precision):
    """The oracle: the mass of each interval by quadrature of the density, then largest remainders."""
    finite = np.clip((np.asarray(edges) - mu) / sigma, -12, 12)
    mass = [
        integrate.quad(lambda t: np.exp(-t * t / 2) / np.sqrt(2 * np.pi), a, b, epsabs=1e-13)[0]
        for a, b in zip(finite, finite[1:])
    ]
    return largest_remainders(np.maximum(mass, 0), precision)


GAUSSIAN_STARTS = exercise(
    name="gaussian_starts",
    points=3,
    minutes=6,
    lines=4,
    lecture_points=("L3", "L14"),
    signature="gaussian_starts(mu, sigma, edges, precision)",
    returns="(B + 1,)",
    task=(
        r"Return the starts of $B$ intervals whose probabilities are the mass of $\mathcal{N}(\mu, \sigma^2)$ between "
        r"neighbouring `edges` (B + 1,), which ascend; the first is $-\infty$ and the last $\infty$. As in `quantise`: "
        r"whole numbers from 0 to $2^r$ with $r$ = `precision`, every frequency at least 1 and within $B$ of $2^r$ "
        r"times the mass. `mu` and `sigma` are numbers, `sigma` the standard deviation."
    ),
    answer="course_utils.models.coding:gaussian_starts",
    cases=gaussian_cases,
    oracle=integrated_starts,
    compare=judged_as_starts(gaussian_mass),
    diagnose=lambda args, got: lacking(got, len(args[2]) - 1, args[3]),
    spelled=spelled_gaussian_starts,
    others={
        "this is the distribution function at the edges; multiply it by the number of slots, and round": (
            lambda mu, sigma, edges, r: stats.norm.cdf(edges, mu, sigma),
        ),
        "frequencies are raised to 1 by themselves, so that they add up to more than 2^precision": (
            lambda mu, sigma, edges, r: [
                0,
                *np.cumsum(np.maximum(1, np.rint(gaussian_mass(mu, sigma, edges, r) * (1 << r)))).astype(int).tolist(),
            ]
        ),
        "the probabilities are densities at the intervals' middles; the mass between the edges is asked": tuple(
            starts
            for widest in (3, 4, 5, 6, 8, 10)
            for below in [functools.partial(_density_at_the_middles, widest=widest)]
            for starts in (gaussian_starts_with(below), rest_to_the_largest(below))
        ),
        "the starts are no whole numbers: round them": (
            lambda mu, sigma, edges, r: stats.norm.cdf(edges, mu, sigma) * (1 << r)
        ),
        "sigma is read as its logarithm": gaussian_starts_with(
            lambda mu, sigma, edges: special.ndtr((edges - mu) / np.exp(sigma))
        ),
    },
    misconceptions={
        "variance": Misconception(
            gaussian_starts_with(lambda mu, sigma, edges: special.ndtr((edges - mu) / np.sqrt(sigma))),
            "You treat sigma as a variance. It is the standard deviation: an edge lies (edge - mu) / sigma standard "
            "deviations from the mean.",
        ),
        "sigma squared": Misconception(
            gaussian_starts_with(lambda mu, sigma, edges: special.ndtr((edges - mu) / sigma**2)),
            "You divide by sigma squared. An edge lies (edge - mu) / sigma standard deviations from the mean.",
        ),
        "not standardised": Misconception(
            gaussian_starts_with(lambda mu, sigma, edges: special.ndtr(edges)),
            "This is the mass of N(0, 1) between the edges: mu and sigma are not used.",
        ),
        "density for mass": Misconception(
            gaussian_starts_with(lambda mu, sigma, edges: _normalised(stats.norm.pdf(edges[:-1], mu, sigma))),
            "The probabilities are proportional to the density at the intervals' lower edges. What counts is the mass "
            "between the edges: the difference of the distribution function at the two.",
        ),
        "at least one, then too many": Misconception(
            lambda mu, sigma, edges, r: _raised_one_by_one(np.diff(stats.norm.cdf(edges, mu, sigma)), r),
            "Each frequency is rounded and raised to 1 by itself, and so they no longer add up to 2^precision. Share "
            "out 2^precision - B slots, after each interval has had its one.",
        ),
        "rounded sums": Misconception(
            lambda mu, sigma, edges, r: np.round(stats.norm.cdf(edges, mu, sigma) * (1 << r)).astype(int).tolist(),
            "You round the distribution function times 2^precision. Then an interval with little mass may have no "
            "slot, and cannot be coded. Give each interval one slot before you share out the rest.",
        ),
        "frequencies": Misconception(
            lambda mu, sigma, edges, r: np.diff(integrated_starts(mu, sigma, edges, r)).tolist(),
            LACKING["frequencies"],
        ),
        "no zero in front": Misconception(
            lambda mu, sigma, edges, r: integrated_starts(mu, sigma, edges, r)[1:], LACKING["no zero in front"]
        ),
        "no end": Misconception(
            lambda mu, sigma, edges, r: integrated_starts(mu, sigma, edges, r)[:-1], LACKING["no end"]
        ),
        "mean to the right": Misconception(
            gaussian_starts_with(lambda mu, sigma, edges: special.ndtr((edges + mu) / sigma)),
            "The mean has the wrong sign: an edge lies (edge - mu) / sigma standard deviations from it.",
        ),
    },
    hints=(
        (
            "The mass of an interval is the difference of the distribution function at its two edges: "
            "scipy.stats.norm.cdf(edges, mu, sigma) has it at all edges, 0 and 1 at the two infinite ones."
        ),
        "These are running sums already, from 0 to 1: what `quantise` makes of the sums of p is to be made of them.",
        (
            "starts[j] = j + floor((2 ** precision - B) * cdf[j]) with B = len(edges) - 1; or quantise(np.diff(cdf), "
            "precision)."
        ),
    ),
)


# bits back ----------------------------------------------------------------------------------------------------------


def tables(rng, Z, X, precision):
    """(prior (Z + 1,), likelihood (Z, X + 1), posterior (X, Z + 1)): not those of one model, and all uneven."""
    return (
        some_starts(rng, Z, precision),
        [some_starts(rng, X, precision) for _ in range(Z)],
        [some_starts(rng, Z, precision) for _ in range(X)],
    )


STACKS = [  # bits of the state, values of z and of x, precision; what is special
    (9, 3, 5, 4),
    (10, 4, 3, 4),
    (9, 5, 4, 4),
    (10, 3, 4, 5),
    (9, 4, 6, 4),
    (10, 6, 3, 4),
    (11, 4, 5, 4),
    (33, 4, 5, 6, "for a state of 33 bits"),
    (HUGE, 3, 4, 12, "for a state of 700 bits"),
]


def encode_cases(rng):
    def case(bits, Z, X, precision, label=""):
        return Case((whole(rng, bits), int(rng.integers(0, X)), *tables(rng, Z, X, precision), precision), label)

    return [case(*sizes) for sizes in STACKS]


def back_encode(state, x, prior, likelihood, posterior, precision):
    z, state = pop(state, posterior[x], precision)
    return put(put(state, x, likelihood[z], precision), z, prior, precision)


def back_decode(state, prior, likelihood, posterior, precision):
    z, state = pop(state, prior, precision)
    x, state = pop(state, likelihood[z], precision)
    return x, put(state, z, posterior[x], precision)


def counted_put(state, symbol, starts, precision):
    return counted_push(state, starts[symbol], starts[symbol + 1] - starts[symbol], precision)


def counted_encode(state, x, prior, likelihood, posterior, precision):
    z, state = counted_pop(state, posterior[x], precision)
    return counted_put(counted_put(state, x, likelihood[z], precision), z, prior, precision)


def counted_decode(state, prior, likelihood, posterior, precision):
    z, state = counted_pop(state, prior, precision)
    x, state = counted_pop(state, likelihood[z], precision)
    return x, counted_put(state, z, posterior[x], precision)


def spelled_encode(P, state, x, prior, likelihood, posterior, precision):
    z, state = pop(state, posterior[x], precision)
    state = P("the state after z is popped", state)
    table = entry(likelihood, P("the z that chooses likelihood[z]", z))
    state = P("the state after x is pushed", put_some(state, P("the x that is pushed", x), table, precision))
    return P("the state after z is pushed", put_some(state, P("the z that is pushed", z), prior, precision))


def entry(tables, i):
    """The table of this number, round and round where there are fewer."""
    return tables[int(i) % len(tables)]


def put_some(state, symbol, starts, precision):
    """`put` of a symbol of this number, round and round where there are fewer."""
    return put(state, int(symbol) % (len(starts) - 1), starts, precision)


def likeliest(starts):
    return int(np.argmax(np.diff(starts)))


def _encode_without_pop(s, x, prior, likelihood, posterior, r):
    z = likeliest(posterior[x])
    return put(put(s, x, likelihood[z], r), z, prior, r)


def _encode_prior_pop(s, x, prior, likelihood, posterior, r):
    z, s = pop(s, prior, r)
    return put(put(s, x, likelihood[z], r), z, prior, r)


def _encode_z_first(s, x, prior, likelihood, posterior, r):
    z, s = pop(s, posterior[x], r)
    return put(put(s, z, prior, r), x, likelihood[z], r)


def _encode_no_prior(s, x, prior, likelihood, posterior, r):
    z, s = pop(s, posterior[x], r)
    return put(s, x, likelihood[z], r)


def _encode_kept(s, x, prior, likelihood, posterior, r):
    z, _ = pop(s, posterior[x], r)
    return put(put(s, x, likelihood[z], r), z, prior, r)


def _encode_posterior_back(s, x, prior, likelihood, posterior, r):
    z, s = pop(s, posterior[x], r)
    return put(put(s, x, likelihood[z], r), z, posterior[x], r)


def put_with_end(state, symbol, starts, precision):
    """A push that takes where the symbol ends for how many slots it has."""
    return push(state, starts[symbol], starts[symbol + 1], precision)


def _encode_ends(s, x, prior, likelihood, posterior, r):
    z, s = pop(s, posterior[x], r)
    return put_with_end(put_with_end(s, x, likelihood[z], r), z, prior, r)


def _encode_with_exchanged_tables(s, x, prior, likelihood, posterior, r):
    z, s = pop(s, posterior[x], r)
    return put(put(s, x % (len(prior) - 1), prior, r), z % (len(likelihood[z]) - 1), likelihood[z], r)


END_FOR_FREQUENCY = (
    "ans_push is given starts[symbol + 1], where the symbol ends, for its frequency. It wants how many slots the "
    "symbol has, starts[symbol + 1] - starts[symbol]."
)


BITS_BACK_ENCODE = exercise(
    name="bits_back_encode",
    points=3,
    minutes=8,
    lines=6,
    lecture_points=("L3", "L14"),
    signature="bits_back_encode(state, x, prior, likelihood, posterior, precision)",
    returns="a whole number",
    task=(
        r"Return the state with the symbol `x` on top, by bits back, in the order of the picture above. Tables are "
        r"lists of starts, as `ans_pop` takes them: `prior` (Z + 1,) of $z$, `likelihood` (Z, X + 1) of $x$ with one "
        r"for each $z$, `posterior` (X, Z + 1) with the $q(z \mid x)$ of each $x$, all with the same `precision`. "
        r"Exact also for states of hundreds of bits."
    ),
    answer="course_utils.models.coding:bits_back_encode",
    cases=encode_cases,
    oracle=counted_encode,
    compare=exactly,
    spelled=spelled_encode,
    others={
        "x is pushed with the table of z = x: likelihood has one table for each z": (
            lambda s, x, prior, likelihood, posterior, r: put(
                put(pop(s, posterior[x], r)[1], x, likelihood[min(x, len(likelihood) - 1)], r),
                pop(s, posterior[x], r)[0],
                prior,
                r,
            )
        ),
        "x is pushed with the prior and z with the likelihood; the prior is that of z": _encode_with_exchanged_tables,
        "z is pushed with a frequency of its start alone: the frequency is starts[z + 1] - starts[z]": (
            lambda s, x, prior, likelihood, posterior, r: push(
                put(pop(s, posterior[x], r)[1], x, likelihood[pop(s, posterior[x], r)[0]], r),
                prior[pop(s, posterior[x], r)[0]],
                prior[pop(s, posterior[x], r)[0] + 1],
                r,
            )
        ),
        "x alone is pushed, with one of the tables of likelihood: z is neither popped nor pushed": tuple(
            lambda s, x, prior, likelihood, posterior, r, z=z: put(s, x, likelihood[min(z, len(likelihood) - 1)], r)
            for z in range(6)
        ),
        "x is not pushed": (
            lambda s, x, prior, likelihood, posterior, r: put(
                pop(s, posterior[x], r)[1], pop(s, posterior[x], r)[0], prior, r
            )
        ),
    },
    misconceptions={
        "ends for frequencies": Misconception(_encode_ends, END_FOR_FREQUENCY),
        "no pop": Misconception(
            _encode_without_pop,
            "z is the likeliest one, and nothing is popped. Then the bits that the choice of z could have carried are "
            "lost: let the state choose it, by popping it with posterior[x].",
        ),
        "the state before the pop": Misconception(
            _encode_kept,
            "z is popped, but then x is pushed onto the state from before the pop. Go on with the state that ans_pop "
            "returns: that it is shorter is the whole point.",
        ),
        "popped with the prior": Misconception(
            _encode_prior_pop,
            "z is popped with the prior, so that it knows nothing of x. Pop it with posterior[x].",
        ),
        "z below x": Misconception(
            _encode_z_first,
            "z is pushed before x. The receiver needs z to read x, and reads the top first: push x, then z.",
        ),
        "z not pushed": Misconception(
            _encode_no_prior,
            "z is not pushed. The receiver would have to know z in order to read x: push it last, with the prior.",
        ),
        "z with the posterior": Misconception(
            _encode_posterior_back,
            "z is pushed with posterior[x]. The receiver reads z first, when x is not known yet: push it with the "
            "prior.",
        ),
    },
    hints=(
        "Three lines, in this order: pop z with q(z | x), push x with p(x | z), push z with p(z).",
        (
            "ans_pop(state, posterior[x], precision) gives z and the shorter state. A push wants start and freq: "
            "table[symbol] and table[symbol + 1] - table[symbol]."
        ),
        (
            "After the pop: state = ans_push(state, t[x], t[x + 1] - t[x], precision) with t = likelihood[z]; then the "
            "same for z with prior."
        ),
    ),
)


def decode_cases(rng):
    def case(bits, Z, X, precision, label=""):
        return Case((whole(rng, bits), *tables(rng, Z, X, precision), precision), label)

    return [case(*sizes) for sizes in STACKS]


def spelled_decode(P, state, prior, likelihood, posterior, precision):
    z, state = pop(state, prior, precision)
    state = P("the state after z is popped", state)
    x, state = pop(state, entry(likelihood, P("the z that chooses likelihood[z]", z)), precision)
    state = P("the state after x is popped", state)
    table = entry(posterior, P("the x that chooses posterior[x]", x))
    return x, P("the state after z is pushed", put_some(state, P("the z that is pushed back", z), table, precision))


def _decode_no_return(s, prior, likelihood, posterior, r):
    z, s = pop(s, prior, r)
    return pop(s, likelihood[z], r)


def _decode_prior_back(s, prior, likelihood, posterior, r):
    z, s = pop(s, prior, r)
    x, s = pop(s, likelihood[z], r)
    return x, put(s, z, prior, r)


def _decode_pops_again(s, prior, likelihood, posterior, r):
    z, s = pop(s, prior, r)
    x, s = pop(s, likelihood[z], r)
    return x, pop(s, posterior[x], r)[1]


def _decode_z(s, prior, likelihood, posterior, r):
    z, s = pop(s, prior, r)
    x, s = pop(s, likelihood[z], r)
    return z, put(s, z, posterior[x], r)


def _decode_with(s, first, likelihood, posterior, r):
    z, s = pop(s, first, r)
    x, s = pop(s, likelihood[z], r)
    return x, put(s, z, posterior[x], r)


def _decode_x_first(s, prior, table, posterior, r):
    x, s = pop(s, table, r)
    z, s = pop(s, prior, r)
    return x, put(s, z, posterior[x], r)


def _decode_likeliest(s, prior, likelihood, posterior, r):
    z, s = pop(s, prior, r)
    x, s = pop(s, likelihood[z], r)
    return x, put(s, likeliest(posterior[x]), posterior[x], r)


def _decode_end(s, prior, likelihood, posterior, r):
    z, s = pop(s, prior, r)
    x, s = pop(s, likelihood[z], r)
    return x, put_with_end(s, z, posterior[x], r)


BITS_BACK_DECODE = exercise(
    name="bits_back_decode",
    points=3,
    minutes=6,
    lines=6,
    lecture_points=("L3", "L14"),
    signature="bits_back_decode(state, prior, likelihood, posterior, precision)",
    returns="(x, state)",
    task=(
        r"Undo `bits_back_encode`: return the symbol $x$ and the state from before it was encoded, bit for bit, as a "
        r"pair of whole numbers. The tables are the same: `prior` (Z + 1,), `likelihood` (Z, X + 1), `posterior` (X, Z "
        r"+ 1), lists of starts, with `precision`."
    ),
    answer="course_utils.models.coding:bits_back_decode",
    cases=decode_cases,
    oracle=counted_decode,
    compare=exactly,
    spelled=spelled_decode,
    others={
        "x and the state have changed places: x comes first": (
            lambda s, prior, likelihood, posterior, r: back_decode(s, prior, likelihood, posterior, r)[::-1]
        ),
        "z is popped with a table of posterior; nothing but the prior is known before x": tuple(
            lambda s, prior, likelihood, posterior, r, k=k: _decode_with(s, posterior[k], likelihood, posterior, r)
            for k in range(3)
        ),
        "x is popped before z: the sender pushed z last, so it is on top": tuple(
            lambda s, prior, likelihood, posterior, r, k=k: _decode_x_first(s, prior, likelihood[k], posterior, r)
            for k in range(3)
        ),
        "z is looked up in likelihood's first table for every z": (
            lambda s, prior, likelihood, posterior, r: (
                pop(pop(s, prior, r)[1], likelihood[0], r)[0],
                put(
                    pop(pop(s, prior, r)[1], likelihood[0], r)[1],
                    pop(s, prior, r)[0],
                    posterior[pop(pop(s, prior, r)[1], likelihood[0], r)[0]],
                    r,
                ),
            )
        ),
    },
    misconceptions={
        "end for the frequency": Misconception(_decode_end, END_FOR_FREQUENCY),
        "bits not given back": Misconception(
            _decode_no_return,
            "x is right, but the borrowed bits are not given back: the sender popped z with posterior[x], and to undo "
            "that, z is pushed with posterior[x]. Without it, all that lies below in the stack is lost.",
        ),
        "given back with the prior": Misconception(
            _decode_prior_back,
            "z is pushed back with the prior. What undoes a pop is a push with the same table: the sender popped z "
            "with posterior[x].",
        ),
        "popped again": Misconception(
            _decode_pops_again,
            "You pop with posterior[x] as the sender did. To undo a pop, push: z goes back onto the state, with "
            "posterior[x].",
        ),
        "z for x": Misconception(
            _decode_z,
            "The first result is z. Asked is x, which z helps to read.",
        ),
        "the likeliest z": Misconception(
            _decode_likeliest,
            "What you push back is the likeliest z of posterior[x], not the z that was popped from the state. Only "
            "that one gives back the bits that it was chosen by.",
        ),
    },
    hints=(
        "Undo the three steps of the encoder from the last to the first, where a pop undoes a push, and a push a pop.",
        "The last step was to push z with prior: pop z with prior. Then pop x with likelihood[z].",
        (
            "The first step was to pop z with posterior[x]: now that x is known, push z with that table, and return x "
            "and the state."
        ),
    ),
)


EXERCISES = [ANS_PUSH, ANS_POP, QUANTISE, GAUSSIAN_STARTS, BITS_BACK_ENCODE, BITS_BACK_DECODE]
