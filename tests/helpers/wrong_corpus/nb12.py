"""Wrong answers to notebook 12, from the cards alone."""

import bisect

import numpy as np
from scipy.special import ndtr
from scipy.stats import norm

from wrong_corpus import wrong

# --- ans_push ---------------------------------------------------------------------------------------------------------


@wrong(
    "ans_push",
    cause="/ divides into a float, which is not exact for large states; // is whole.",
    line="int(state / freq)",
)
def float_division(state, start, freq, precision):
    return int(state / freq) * 2**precision + start + state % freq


@wrong(
    "ans_push",
    cause="It is multiplied by the precision r; there are 2^r slots.",
    line="* precision",
)
def precision_for_two_to_it(state, start, freq, precision):
    return (state // freq) * precision + start + state % freq


@wrong(
    "ans_push",
    cause="The rest s mod f is left out.",
    line="+ start",
)
def rest_left_out(state, start, freq, precision):
    return ((state // freq) << precision) + start


@wrong(
    "ans_push",
    cause="The first slot of the symbol is left out.",
    line="quotient * 2**precision + rest",
)
def start_left_out(state, start, freq, precision):
    quotient, rest = divmod(state, freq)
    return quotient * 2**precision + rest


@wrong(
    "ans_push",
    cause="The roles of f and 2^r are exchanged: this is pop's arithmetic.",
    line="state // M * freq + start + state % M",
)
def pop_for_push(state, start, freq, precision):
    M = 2**precision
    return state // M * freq + start + state % M


@wrong(
    "ans_push",
    cause="The rest is taken modulo 2^r; it is s mod f.",
    line="state % 2**precision",
)
def rest_of_all_slots(state, start, freq, precision):
    return state // freq * 2**precision + start + state % 2**precision


@wrong(
    "ans_push",
    cause="^ is no power in Python, it is exclusive or: 2**precision.",
    line="2 ^ precision",
)
def exclusive_or(state, start, freq, precision):
    slots = 2 ^ precision
    return (state // freq) * slots + start + state % freq


@wrong(
    "ans_push",
    cause="numpy's whole numbers have 64 bits: larger states overflow.",
    line="np.int64",
)
def sixty_four_bits(state, start, freq, precision):
    s = np.array(state % 2**63).astype(np.int64)
    return int((s // freq) * 2**precision + start + s % freq)


@wrong(
    "ans_push",
    cause="The quotient is not taken: s stands where floor(s / f) belongs.",
    line="state * 2**precision",
)
def not_divided(state, start, freq, precision):
    return state * 2**precision + start + state % freq


@wrong(
    "ans_push",
    cause="The shift goes the wrong way: it divides by 2^r.",
    line=">> precision",
)
def shifted_to_the_right(state, start, freq, precision):
    return (state // freq >> precision) + start + state % freq


# --- ans_pop ----------------------------------------------------------------------------------------------------------


@wrong(
    "ans_pop",
    cause="A slot that equals a start goes to the symbol before: bisect_left for bisect_right.",
    line="bisect.bisect_left",
)
def start_belongs_to_the_one_before(state, starts, precision):
    slot = state % 2**precision
    symbol = max(bisect.bisect_left(starts, slot) - 1, 0)
    freq = starts[symbol + 1] - starts[symbol]
    return symbol, state // 2**precision * freq + slot - starts[symbol]


@wrong(
    "ans_pop",
    cause="The symbol's first slot is not subtracted.",
    line="* freq + slot",
)
def start_not_subtracted(state, starts, precision):
    high, slot = divmod(state, 2**precision)
    symbol = bisect.bisect_right(starts, slot) - 1
    freq = starts[symbol + 1] - starts[symbol]
    return symbol, high * freq + slot


@wrong(
    "ans_pop",
    cause="The symbol is one too large: bisect_right counts the starts up to the slot.",
    line="symbol = bisect.bisect_right(starts, slot)",
)
def symbol_one_too_large(state, starts, precision):
    slot = state & (2**precision - 1)
    symbol = bisect.bisect_right(starts, slot)
    freq = starts[symbol] - starts[symbol - 1]
    return symbol, (state >> precision) * freq + slot - starts[symbol - 1]


@wrong(
    "ans_pop",
    cause="The state is only shifted: the quotient has to be multiplied by the symbol's f, and the rest added.",
    line="return symbol, state >> precision",
)
def only_shifted(state, starts, precision):
    slot = state % (1 << precision)
    symbol = bisect.bisect_right(starts, slot) - 1
    return symbol, state >> precision


@wrong(
    "ans_pop",
    cause="State and symbol are returned in the wrong order.",
    line="rest, symbol",
)
def pair_turned_round(state, starts, precision):
    slot = state % 2**precision
    symbol = int(np.searchsorted(starts, slot, side="right")) - 1
    freq = starts[symbol + 1] - starts[symbol]
    rest = state // 2**precision * freq + slot - starts[symbol]
    return rest, symbol


@wrong(
    "ans_pop",
    cause="The slot is returned, not the symbol in whose slots it lies.",
    line="return slot, ",
)
def slot_for_the_symbol(state, starts, precision):
    slot = state % 2**precision
    v = 0
    while starts[v + 1] <= slot:
        v += 1
    return slot, state // 2**precision * (starts[v + 1] - starts[v]) + slot - starts[v]


@wrong(
    "ans_pop",
    cause="/ makes a float, which is not exact for large states.",
    line="int(state / 2**precision)",
)
def float_quotient(state, starts, precision):
    slot = state % 2**precision
    v = bisect.bisect_right(starts, slot) - 1
    return v, int(state / 2**precision) * (starts[v + 1] - starts[v]) + slot - starts[v]


@wrong(
    "ans_pop",
    cause="The quotient is multiplied by the start, not by the frequency.",
    line="* starts[symbol] + slot",
)
def start_for_the_frequency(state, starts, precision):
    M = 2**precision
    slot = state % M
    symbol = 0
    for v in range(len(starts) - 1):
        if starts[v] <= slot < starts[v + 1]:
            symbol = v
    return symbol, state // M * starts[symbol] + slot - starts[symbol]


@wrong(
    "ans_pop",
    cause="The rest, slot - start, is not added.",
    line="(state // M) * f",
)
def rest_not_added(state, starts, precision):
    M = 2**precision
    slot = state % M
    symbol = bisect.bisect_right(starts, slot) - 1
    f = starts[symbol + 1] - starts[symbol]
    return symbol, (state // M) * f


@wrong(
    "ans_pop",
    cause="The frequency is that of the symbol before: starts[v] - starts[v - 1].",
    line="starts[v] - starts[v - 1]",
)
def neighbours_frequency(state, starts, precision):
    slot = state % 2**precision
    v = bisect.bisect_right(starts, slot) - 1
    freq = starts[v] - starts[v - 1]
    return v, (state // 2**precision) * freq + slot - starts[v]


# --- quantise ---------------------------------------------------------------------------------------------------------


@wrong(
    "quantise",
    cause="Symbols of small probability get no slot: each needs at least 1.",
    line="np.round(np.cumsum(p) * 2**precision)",
)
def no_slot_for_the_rare(p, precision):
    ends = np.round(np.cumsum(p) * 2**precision).astype(int)
    ends[-1] = 2**precision
    return np.concatenate([[0], ends])


@wrong(
    "quantise",
    cause="With at least 1 each the frequencies add up to more than 2^r: the last start is not 2^r.",
    line="np.maximum(1, ",
)
def sum_too_large(p, precision):
    f = np.maximum(1, np.round(p * 2**precision)).astype(int)
    return np.concatenate([[0], np.cumsum(f)])


@wrong(
    "quantise",
    cause="The frequencies are returned, not their running sums.",
    line="return f",
)
def frequencies_for_starts(p, precision):
    V = len(p)
    f = 1 + np.floor(np.asarray(p) * (2**precision - V)).astype(int)
    f[np.argmax(f)] += 2**precision - f.sum()
    return f


@wrong(
    "quantise",
    cause="The first 0 is missing: there are V + 1 starts.",
    line="return np.cumsum(f)",
)
def zero_missing(p, precision):
    V = len(p)
    f = 1 + np.floor(np.asarray(p) * (2**precision - V)).astype(int)
    f[np.argmax(f)] += 2**precision - f.sum()
    return np.cumsum(f)


@wrong(
    "quantise",
    cause="The last start is missing: it is 2^r.",
    line="np.cumsum(f)[:-1]",
)
def end_missing(p, precision):
    V = len(p)
    f = 1 + np.floor(np.asarray(p) * (2**precision - V)).astype(int)
    f[np.argmax(f)] += 2**precision - f.sum()
    return np.concatenate([[0], np.cumsum(f)[:-1]])


@wrong(
    "quantise",
    cause="The starts are not whole numbers.",
    line="np.cumsum(1 + p * (2**precision - V))",
)
def not_rounded(p, precision):
    V = len(p)
    return np.concatenate([[0.0], np.cumsum(1 + p * (2**precision - V))])


@wrong(
    "quantise",
    cause="Everything that is too much is taken from the last symbol, whose frequency falls below 1.",
    line="f[-1] += ",
)
def last_symbol_pays(p, precision):
    f = np.maximum(np.ceil(np.asarray(p) * 2**precision), 1).astype(int)
    f[-1] += 2**precision - f.sum()
    return np.append(0, np.cumsum(f))


@wrong(
    "quantise",
    cause="The slots are 2^r, not r.",
    line="precision - V",
)
def precision_slots(p, precision):
    V = len(p)
    f = 1 + np.floor(p * max(precision - V, 0)).astype(int)
    return np.concatenate([[0], np.cumsum(f)])


@wrong(
    "quantise",
    cause="1 slot is added to each on top of 2^r p: the sum is 2^r + V.",
    line="np.floor(p * 2**precision) + 1",
)
def one_more_for_each(p, precision):
    f = (np.floor(p * 2**precision) + 1).astype(int)
    starts = np.zeros(len(p) + 1, dtype=int)
    starts[1:] = np.cumsum(f)
    return starts


@wrong(
    "quantise",
    cause="The probabilities are not used: all symbols get the same number of slots.",
    line="np.linspace(0, 2**precision, ",
)
def all_alike(p, precision):
    return np.round(np.linspace(0, 2**precision, len(p) + 1)).astype(int)


# --- gaussian_starts --------------------------------------------------------------------------------------------------


@wrong(
    "gaussian_starts",
    cause="sigma is taken for the variance: its root is the scale.",
    line="np.sqrt(sigma)",
)
def variance_read(mu, sigma, edges, precision):
    B = len(edges) - 1
    cdf = ndtr((np.asarray(edges) - mu) / np.sqrt(sigma))
    return np.floor(cdf * (2**precision - B)).astype(int) + np.arange(B + 1)


@wrong(
    "gaussian_starts",
    cause="Intervals of little mass get no slot: each needs at least 1.",
    line="np.round(2**precision * norm.cdf(edges, mu, sigma))",
)
def empty_intervals(mu, sigma, edges, precision):
    return np.round(2**precision * norm.cdf(edges, mu, sigma)).astype(int)


@wrong(
    "gaussian_starts",
    cause="The density at the edges is used, not the mass between them.",
    line="norm.pdf(",
)
def density_for_mass(mu, sigma, edges, precision):
    middle = 0.5 * (np.clip(edges[1:], -8, 8) + np.clip(edges[:-1], -8, 8))
    p = norm.pdf(middle, mu, sigma)
    p = p / p.sum()
    B = len(p)
    f = 1 + np.floor(p * (2**precision - B)).astype(int)
    f[np.argmax(f)] += 2**precision - f.sum()
    return np.concatenate([[0], np.cumsum(f)])


@wrong(
    "gaussian_starts",
    cause="mu is not used: the Gaussian is centred at 0.",
    line="ndtr(edges / sigma)",
)
def mean_forgotten(mu, sigma, edges, precision):
    B = len(edges) - 1
    p = np.diff(ndtr(edges / sigma))
    f = 1 + np.floor(p * (2**precision - B)).astype(int)
    f[np.argmax(f)] += 2**precision - f.sum()
    return np.concatenate([[0], np.cumsum(f)])


@wrong(
    "gaussian_starts",
    cause="sigma is not used: the Gaussian has width 1.",
    line="norm.cdf(edges - mu)",
)
def width_forgotten(mu, sigma, edges, precision):
    B = len(edges) - 1
    return np.floor(norm.cdf(edges - mu) * (2**precision - B)).astype(int) + np.arange(B + 1)


@wrong(
    "gaussian_starts",
    cause="It is standardised the wrong way: multiplied by sigma, not divided.",
    line="(edges - mu) * sigma",
)
def multiplied_by_sigma(mu, sigma, edges, precision):
    B = len(edges) - 1
    p = np.diff(ndtr((edges - mu) * sigma))
    f = 1 + np.floor(p * (2**precision - B)).astype(int)
    f[np.argmax(f)] += 2**precision - f.sum()
    return np.concatenate([[0], np.cumsum(f)])


@wrong(
    "gaussian_starts",
    cause="sigma is taken for its logarithm: exp of it is the width.",
    line="np.exp(sigma)",
)
def log_sigma_read(mu, sigma, edges, precision):
    B = len(edges) - 1
    return np.floor(norm.cdf(edges, mu, np.exp(sigma)) * (2**precision - B)).astype(int) + np.arange(B + 1)


@wrong(
    "gaussian_starts",
    cause="The infinite edges are left out: there are B - 2 intervals in place of B.",
    line="edges[1:-1]",
)
def outer_intervals_lost(mu, sigma, edges, precision):
    inner = edges[1:-1]
    p = np.diff(norm.cdf(inner, loc=mu, scale=sigma))
    p = p / p.sum()
    f = 1 + np.floor(p * (2**precision - len(p))).astype(int)
    f[np.argmax(f)] += 2**precision - f.sum()
    return np.concatenate([[0], np.cumsum(f)])


@wrong(
    "gaussian_starts",
    cause="The frequencies are returned, not the starts.",
    line="return f",
)
def frequencies_returned(mu, sigma, edges, precision):
    p = np.diff(norm.cdf(edges, mu, sigma))
    f = 1 + np.floor(p * (2**precision - len(p))).astype(int)
    f[np.argmax(f)] += 2**precision - f.sum()
    return f


@wrong(
    "gaussian_starts",
    cause="At least 1 each makes the sum larger than 2^r.",
    line="np.maximum(1, ",
)
def more_than_all_slots(mu, sigma, edges, precision):
    p = np.diff(norm.cdf(edges, mu, sigma))
    f = np.maximum(1, np.rint(p * 2**precision)).astype(int)
    return np.concatenate([[0], np.cumsum(f)])


# --- bits_back_encode and bits_back_decode ----------------------------------------------------------------------------


def _push(state, symbol, starts, precision):
    start, freq = starts[symbol], starts[symbol + 1] - starts[symbol]
    return state // freq * 2**precision + start + state % freq


def _pop(state, starts, precision):
    slot = state % 2**precision
    symbol = bisect.bisect_right(list(starts), slot) - 1
    freq = starts[symbol + 1] - starts[symbol]
    return symbol, state // 2**precision * freq + slot - starts[symbol]


@wrong(
    "bits_back_encode",
    cause="z is popped with the prior, not with the posterior of x.",
    line="_pop(state, prior, precision)",
)
def popped_with_the_prior(state, x, prior, likelihood, posterior, precision):
    z, state = _pop(state, prior, precision)
    state = _push(state, x, likelihood[z], precision)
    return _push(state, z, prior, precision)


@wrong(
    "bits_back_encode",
    cause="z is pushed with the posterior again; the prior is its price.",
    line="_push(state, z, posterior[x], precision)",
)
def pushed_with_the_posterior(state, x, prior, likelihood, posterior, precision):
    z, state = _pop(state, posterior[x], precision)
    state = _push(state, x, likelihood[z], precision)
    return _push(state, z, posterior[x], precision)


@wrong(
    "bits_back_encode",
    cause="z is pushed before x: x comes first, then z.",
    line="state = _push(state, z, prior, precision)",
)
def z_before_x(state, x, prior, likelihood, posterior, precision):
    z, state = _pop(state, posterior[x], precision)
    state = _push(state, z, prior, precision)
    return _push(state, x, likelihood[z], precision)


@wrong(
    "bits_back_encode",
    cause="The state after the pop is lost: z was read, but not taken off.",
    line="z, _ = _pop(",
)
def z_not_taken_off(state, x, prior, likelihood, posterior, precision):
    z, _ = _pop(state, posterior[x], precision)
    longer = _push(state, x, likelihood[z], precision)
    return _push(longer, z, prior, precision)


@wrong(
    "bits_back_encode",
    cause="z is not pushed: the receiver cannot know it.",
    line="return _push(state, x, likelihood[z], precision)",
)
def z_never_sent(state, x, prior, likelihood, posterior, precision):
    z, state = _pop(state, posterior[x], precision)
    return _push(state, x, likelihood[z], precision)


@wrong(
    "bits_back_encode",
    cause="z is the likeliest under the posterior; it has to be popped from the state.",
    line="np.argmax(np.diff(posterior[x]))",
)
def likeliest_z(state, x, prior, likelihood, posterior, precision):
    z = int(np.argmax(np.diff(posterior[x])))
    state = _push(state, x, likelihood[z], precision)
    return _push(state, z, prior, precision)


@wrong(
    "bits_back_encode",
    cause="The rows are mixed up: x is pushed with likelihood[x].",
    line="likelihood[x % len(likelihood)]",
)
def likelihood_of_x(state, x, prior, likelihood, posterior, precision):
    z, state = _pop(state, posterior[x], precision)
    state = _push(state, x, likelihood[x % len(likelihood)], precision)
    state = _push(state, z, prior, precision)
    return state


@wrong(
    "bits_back_encode",
    cause="z is drawn at random; bits back pops it from the state.",
    line="np.random.default_rng()",
)
def random_z(state, x, prior, likelihood, posterior, precision):
    z = int(np.random.default_rng().integers(len(prior) - 1))
    state = _push(state, x, likelihood[z], precision)
    return _push(state, z, prior, precision)


@wrong(
    "bits_back_encode",
    cause="The symbol z is pushed with the likelihood and x with the prior: the tables are exchanged.",
    line="_push(state, z, likelihood[z], precision)",
)
def tables_exchanged(state, x, prior, likelihood, posterior, precision):
    z, state = _pop(state, posterior[x], precision)
    state = _push(state, x % (len(prior) - 1), prior, precision)
    return _push(state, z, likelihood[z], precision)


@wrong(
    "bits_back_decode",
    cause="The loan is not returned: z has to be pushed with posterior[x].",
    line="return x, state",
)
def loan_not_returned(state, prior, likelihood, posterior, precision):
    z, state = _pop(state, prior, precision)
    x, state = _pop(state, likelihood[z], precision)
    return x, state


@wrong(
    "bits_back_decode",
    cause="z is pushed back with the prior, not with the posterior of x.",
    line="_push(state, z, prior, precision)",
)
def returned_with_the_prior(state, prior, likelihood, posterior, precision):
    z, state = _pop(state, prior, precision)
    x, state = _pop(state, likelihood[z], precision)
    return x, _push(state, z, prior, precision)


@wrong(
    "bits_back_decode",
    cause="The steps go in the sender's order; they have to be undone from the last to the first.",
    line="x, state = _pop(state, likelihood[0], precision)",
)
def senders_order(state, prior, likelihood, posterior, precision):
    x, state = _pop(state, likelihood[0], precision)
    z, state = _pop(state, prior, precision)
    return x, _push(state, z, posterior[x], precision)


@wrong(
    "bits_back_decode",
    cause="z is returned, where x is asked.",
    line="return z, ",
)
def z_returned(state, prior, likelihood, posterior, precision):
    z, state = _pop(state, prior, precision)
    x, state = _pop(state, likelihood[z], precision)
    return z, _push(state, z, posterior[x], precision)


@wrong(
    "bits_back_decode",
    cause="The posterior is taken at z: posterior has a table for each x.",
    line="posterior[z % len(posterior)]",
)
def posterior_of_z(state, prior, likelihood, posterior, precision):
    z, state = _pop(state, prior, precision)
    x, state = _pop(state, likelihood[z], precision)
    state = _push(state, z, posterior[z % len(posterior)], precision)
    return x, state


@wrong(
    "bits_back_decode",
    cause="z is popped once more with the posterior; it has to be pushed.",
    line="_, state = _pop(state, posterior[x], precision)",
)
def popped_once_more(state, prior, likelihood, posterior, precision):
    z, state = _pop(state, prior, precision)
    x, state = _pop(state, likelihood[z], precision)
    _, state = _pop(state, posterior[x], precision)
    return x, state


@wrong(
    "bits_back_decode",
    cause="x is pushed back in place of z.",
    line="_push(state, x % (len(posterior[x]) - 1), posterior[x], precision)",
)
def x_pushed_back(state, prior, likelihood, posterior, precision):
    z, state = _pop(state, prior, precision)
    x, state = _pop(state, likelihood[z], precision)
    return x, _push(state, x % (len(posterior[x]) - 1), posterior[x], precision)


@wrong(
    "bits_back_decode",
    cause="The state and x are returned in the wrong order.",
    line="return _push(state, z, posterior[x], precision), x",
)
def pair_turned(state, prior, likelihood, posterior, precision):
    z, state = _pop(state, prior, precision)
    x, state = _pop(state, likelihood[z], precision)
    return _push(state, z, posterior[x], precision), x


@wrong(
    "bits_back_decode",
    cause="z is popped with a posterior; nothing but the prior is known before x.",
    line="_pop(state, posterior[0], precision)",
)
def posterior_before_x(state, prior, likelihood, posterior, precision):
    z, state = _pop(state, posterior[0], precision)
    x, state = _pop(state, likelihood[z], precision)
    return x, _push(state, z, posterior[x], precision)
