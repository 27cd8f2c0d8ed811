"""Wrong answers to notebook 10, from the cards alone."""

import math

import numpy as np
from scipy.special import expit, log_softmax, logsumexp, softmax
from scipy.stats import multivariate_normal

from wrong_corpus import wrong

# --- slerp ------------------------------------------------------------------------------------------------------------


@wrong(
    "slerp",
    cause="This is the straight line: the weights are 1 - t and t, and not sines of parts of the angle.",
    line="(1 - t) * a + t * b",
)
def straight_line(a, b, steps):
    t = np.linspace(0, 1, steps)[:, None]
    return (1 - t) * a + t * b


@wrong(
    "slerp",
    cause="The angle is taken from the plain inner product; the codes have to be divided by their lengths first.",
    line="np.arccos(np.clip(a @ b, -1, 1))",
)
def lengths_forgotten(a, b, steps):
    omega = np.arccos(np.clip(a @ b, -1, 1))
    if omega < 1e-6:
        return np.linspace(a, b, steps)
    t = np.linspace(0, 1, steps)[:, None]
    return (np.sin((1 - t) * omega) * a + np.sin(t * omega) * b) / np.sin(omega)


@wrong(
    "slerp",
    cause="Equal codes give 0 / 0: codes in the same direction are not handled.",
    line="/ np.sin(omega)",
)
def same_direction_divides_by_zero(a, b, steps):
    cosine = a @ b / (np.linalg.norm(a) * np.linalg.norm(b))
    omega = np.arccos(np.clip(cosine, -1, 1))
    t = np.linspace(0, 1, steps)[:, None]
    return (np.sin((1 - t) * omega) * a + np.sin(t * omega) * b) / np.sin(omega)


@wrong(
    "slerp",
    cause="The walk starts at b and ends at a: the weights are exchanged.",
    line="np.sin(t * omega) * a",
)
def from_b_to_a(a, b, steps):
    u, v = a / np.linalg.norm(a), b / np.linalg.norm(b)
    omega = np.arccos(np.clip(np.dot(u, v), -1.0, 1.0))
    rows = []
    for t in np.linspace(0, 1, steps):
        if np.isclose(omega, 0):
            rows.append(t * a + (1 - t) * b)
        else:
            rows.append((np.sin(t * omega) * a + np.sin((1 - t) * omega) * b) / np.sin(omega))
    return np.array(rows)


@wrong(
    "slerp",
    cause="t does not reach 1: the end point b is left out.",
    line="i / steps",
)
def end_not_included(a, b, steps):
    omega = np.arccos(np.clip(a @ b / np.linalg.norm(a) / np.linalg.norm(b), -1, 1))
    out = np.zeros((steps, len(a)))
    for i in range(steps):
        t = i / steps
        if omega < 1e-8:
            out[i] = (1 - t) * a + t * b
        else:
            out[i] = (np.sin((1 - t) * omega) * a + np.sin(t * omega) * b) / np.sin(omega)
    return out


@wrong(
    "slerp",
    cause="Directions and not codes are interpolated: the lengths of a and b are lost, the result has length 1.",
    line="* u + np.sin(t * omega)[:, None] * v",
)
def unit_vectors_interpolated(a, b, steps):
    u = a / np.linalg.norm(a)
    v = b / np.linalg.norm(b)
    t = np.linspace(0, 1, steps)
    omega = np.arccos(np.clip(u @ v, -1, 1))
    if omega < 1e-8:
        return (1 - t)[:, None] * a + t[:, None] * b
    return (np.sin((1 - t) * omega)[:, None] * u + np.sin(t * omega)[:, None] * v) / np.sin(omega)


@wrong(
    "slerp",
    cause="The angle is not taken: the cosine itself stands where arccos of it belongs.",
    line="omega = np.clip(",
)
def cosine_for_the_angle(a, b, steps):
    omega = np.clip(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)), -1, 1)
    if omega > 1 - 1e-12:
        return np.linspace(a, b, steps)
    t = np.linspace(0, 1, steps)[:, None]
    return (np.sin((1 - t) * omega) * a + np.sin(t * omega) * b) / np.sin(omega)


@wrong(
    "slerp",
    cause="The division by sin omega is left out.",
    line="np.sin((1 - t) * omega), a) + np.outer(",
)
def sine_not_divided_out(a, b, steps):
    t = np.linspace(0, 1, steps)
    cosine = np.sum(a * b) / np.sqrt(np.sum(a**2) * np.sum(b**2))
    if cosine >= 1 - 1e-12:
        return np.outer(1 - t, a) + np.outer(t, b)
    omega = np.arccos(cosine)
    return np.outer(np.sin((1 - t) * omega), a) + np.outer(np.sin(t * omega), b)


@wrong(
    "slerp",
    cause="The angle is in degrees, but np.sin takes radians.",
    line="np.degrees",
)
def angle_in_degrees(a, b, steps):
    cosine = np.clip(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)), -1, 1)
    omega = np.degrees(np.arccos(cosine))
    t = np.linspace(0, 1, steps)[:, None]
    if omega < 1e-6:
        return (1 - t) * a + t * b
    return (np.sin((1 - t) * omega) * a + np.sin(t * omega) * b) / np.sin(omega)


@wrong(
    "slerp",
    cause="For codes in the same direction a is repeated; the straight line from a to b belongs there.",
    line="np.tile(a",
)
def same_direction_stands_still(a, b, steps):
    cosine = np.clip(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)), -1, 1)
    omega = np.arccos(cosine)
    if omega < 1e-6:
        return np.tile(a, (steps, 1))
    t = np.linspace(0, 1, steps)[:, None]
    return np.sin((1 - t) * omega) / np.sin(omega) * a + np.sin(t * omega) / np.sin(omega) * b


# --- morph ------------------------------------------------------------------------------------------------------------


def _slerp(a, b, steps):
    cosine = np.clip(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)), -1, 1)
    omega, t = np.arccos(cosine), np.linspace(0, 1, steps)[:, None]
    if omega < 1e-8:
        return (1 - t) * a + t * b
    return (np.sin((1 - t) * omega) * a + np.sin(t * omega) * b) / np.sin(omega)


@wrong(
    "morph",
    cause="The way goes along the straight line between the codes, not along the great circle.",
    line="np.linspace",
)
def straight_line_of_codes(encode, decode, a, b, steps):
    mu_a = encode(a[None])[0][0]
    mu_b = encode(b[None])[0][0]
    return decode(np.linspace(mu_a, mu_b, steps))


@wrong(
    "morph",
    cause="The examples themselves are interpolated, and then encoded and decoded; the way goes between the codes.",
    line="np.linspace(a, b, steps)",
)
def pixels_interpolated(encode, decode, a, b, steps):
    between = np.linspace(a, b, steps)
    mu, _ = encode(between)
    return decode(mu)


@wrong(
    "morph",
    cause="The codes are samples of q; the means are asked.",
    line="np.random.default_rng()",
)
def samples_for_means(encode, decode, a, b, steps):
    mu, log_sigma = encode(np.stack([a, b]))
    z = mu + np.exp(log_sigma) * np.random.default_rng().normal(size=mu.shape)
    return decode(_slerp(z[0], z[1], steps))


@wrong(
    "morph",
    cause="log sigma is taken for the mean: encode returns mu first.",
    line="_, code = encode",
)
def second_output_for_the_mean(encode, decode, a, b, steps):
    _, code = encode(np.stack([a, b]))
    return decode(_slerp(code[0], code[1], steps))


@wrong(
    "morph",
    cause="encode gets a single example without the axis of rows: a[None] makes it a row.",
    line="encode(a)",
)
def no_axis_of_rows(encode, decode, a, b, steps):
    mu_a, _ = encode(a)
    mu_b, _ = encode(b)
    return decode(_slerp(mu_a, mu_b, steps))


@wrong(
    "morph",
    cause="The way goes from b to a.",
    line="_slerp(mu[1], mu[0], steps)",
)
def turned_round(encode, decode, a, b, steps):
    mu = encode(np.array([a, b]))[0]
    return decode(_slerp(mu[1], mu[0], steps))


@wrong(
    "morph",
    cause="The codes are returned: they still have to be decoded.",
    line="return _slerp",
)
def codes_not_decoded(encode, decode, a, b, steps):
    mu, _ = encode(np.stack([a, b]))
    return _slerp(mu[0], mu[1], steps)


@wrong(
    "morph",
    cause="The first and the last frame are the examples themselves; they have to be decoded codes, too.",
    line="frames[0], frames[-1] = a, b",
)
def originals_at_the_ends(encode, decode, a, b, steps):
    mu, _ = encode(np.stack([a, b]))
    frames = np.array(decode(_slerp(mu[0], mu[1], steps)), dtype=float)
    frames[0], frames[-1] = a, b
    return frames


@wrong(
    "morph",
    cause="Two frames too many: steps counts both ends.",
    line="steps + 2",
)
def steps_between_the_ends(encode, decode, a, b, steps):
    mu, _ = encode(np.stack([a, b]))
    return decode(_slerp(mu[0], mu[1], steps + 2))


@wrong(
    "morph",
    cause="The decoded ends are interpolated, not the codes.",
    line="_slerp(x_a.ravel(), x_b.ravel(), steps)",
)
def decoded_ends_interpolated(encode, decode, a, b, steps):
    x_a, x_b = decode(encode(np.stack([a, b]))[0])
    return _slerp(x_a.ravel(), x_b.ravel(), steps).reshape(steps, *x_a.shape)


# --- gru_step ---------------------------------------------------------------------------------------------------------


@wrong(
    "gru_step",
    cause="The update gate is turned round: u keeps the old state, and 1 - u takes the new one.",
    line="u * n + (1 - u) * h",
)
def update_gate_turned_round(params, h, x):
    W, U, b, c = params
    H = h.shape[1]
    A, B = x @ W + b, h @ U + c
    r = expit(A[:, :H] + B[:, :H])
    u = expit(A[:, H : 2 * H] + B[:, H : 2 * H])
    n = np.tanh(A[:, 2 * H :] + r * B[:, 2 * H :])
    return u * n + (1 - u) * h


@wrong(
    "gru_step",
    cause="The reset gate multiplies h before the matrix; here it multiplies h U_n + c_n.",
    line="(r * h) @ U[:, 2 * H :]",
)
def reset_before_the_matrix(params, h, x):
    W, U, b, c = params
    H = h.shape[1]
    r = expit(x @ W[:, :H] + b[:H] + h @ U[:, :H] + c[:H])
    u = expit(x @ W[:, H : 2 * H] + b[H : 2 * H] + h @ U[:, H : 2 * H] + c[H : 2 * H])
    n = np.tanh(x @ W[:, 2 * H :] + b[2 * H :] + (r * h) @ U[:, 2 * H :] + c[2 * H :])
    return (1 - u) * n + u * h


@wrong(
    "gru_step",
    cause="The reset gate is left out of the proposal.",
    line="n = np.tanh(pre[:, 2 * H :])",
)
def reset_gate_left_out(params, h, x):
    W, U, b, c = params
    H = h.shape[1]
    pre = x @ W + b + h @ U + c
    u = expit(pre[:, H : 2 * H])
    n = np.tanh(pre[:, 2 * H :])
    return (1 - u) * n + u * h


@wrong(
    "gru_step",
    cause="The first block is the reset gate, the second the update gate; here they are exchanged.",
    line="u, r, _ =",
)
def blocks_exchanged(params, h, x):
    W, U, b, c = params
    H = U.shape[0]
    from_x, from_h = x @ W + b, h @ U + c
    u, r, _ = np.split(expit(from_x + from_h), 3, axis=1)
    n = np.tanh(from_x[:, 2 * H :] + r * from_h[:, 2 * H :])
    return (1 - u) * n + u * h


@wrong(
    "gru_step",
    cause="The bias c_n stands outside the reset gate; r multiplies it, too.",
    line="+ c[2 * H :])",
)
def bias_outside_the_reset_gate(params, h, x):
    W, U, b, c = params
    H = h.shape[1]
    gates = expit(x @ W[:, : 2 * H] + b[: 2 * H] + h @ U[:, : 2 * H] + c[: 2 * H])
    r, u = gates[:, :H], gates[:, H:]
    n = np.tanh(x @ W[:, 2 * H :] + b[2 * H :] + r * (h @ U[:, 2 * H :]) + c[2 * H :])
    return (1 - u) * n + u * h


@wrong(
    "gru_step",
    cause="The gates are made with tanh, not with the sigmoid.",
    line="r, u = np.tanh(rx + rh), np.tanh(ux + uh)",
)
def tanh_for_the_gates(params, h, x):
    W, U, b, c = params
    rx, ux, nx = np.split(x @ W + b, 3, axis=1)
    rh, uh, nh = np.split(h @ U + c, 3, axis=1)
    r, u = np.tanh(rx + rh), np.tanh(ux + uh)
    n = np.tanh(nx + r * nh)
    return (1 - u) * n + u * h


@wrong(
    "gru_step",
    cause="The proposal has no tanh.",
    line="n = nx + r * nh",
)
def proposal_without_tanh(params, h, x):
    W, U, b, c = params
    rx, ux, nx = np.split(x @ W + b, 3, axis=1)
    rh, uh, nh = np.split(h @ U + c, 3, axis=1)
    r, u = expit(rx + rh), expit(ux + uh)
    n = nx + r * nh
    return (1 - u) * n + u * h


@wrong(
    "gru_step",
    cause="The old state is not mixed in with its own gate: u * h is added to all of n.",
    line="return n + u * h",
)
def new_state_in_full(params, h, x):
    W, U, b, c = params
    rx, ux, nx = np.split(x @ W + b, 3, axis=1)
    rh, uh, nh = np.split(h @ U + c, 3, axis=1)
    r, u = expit(rx + rh), expit(ux + uh)
    n = np.tanh(nx + r * nh)
    return n + u * h


@wrong(
    "gru_step",
    cause="The second bias c is not used.",
    line="np.split(h @ U, 3, axis=1)",
)
def one_bias_forgotten(params, h, x):
    W, U, b, _ = params
    rx, ux, nx = np.split(x @ W + b, 3, axis=1)
    rh, uh, nh = np.split(h @ U, 3, axis=1)
    r, u = expit(rx + rh), expit(ux + uh)
    return (1 - u) * np.tanh(nx + r * nh) + u * h


@wrong(
    "gru_step",
    cause="The columns are read unit by unit (every third one), but they are three blocks of H.",
    line="[:, 0::3]",
)
def every_third_column(params, h, x):
    W, U, b, c = params
    A, B = x @ W + b, h @ U + c
    r = expit(A[:, 0::3] + B[:, 0::3])
    u = expit(A[:, 1::3] + B[:, 1::3])
    n = np.tanh(A[:, 2::3] + r * B[:, 2::3])
    return (1 - u) * n + u * h


# --- mixture_nll ------------------------------------------------------------------------------------------------------


@wrong(
    "mixture_nll",
    cause="The normalisation lacks sqrt(1 - rho^2).",
    line="log_norm = np.log(2 * np.pi) + lx + ly",
)
def correlation_left_out_of_the_normalisation(params, dx, dy):
    logits, mx, my, lx, ly, r = np.split(params, 6, axis=1)
    rho = np.tanh(r)
    a = (dx[:, None] - mx) / np.exp(lx)
    b = (dy[:, None] - my) / np.exp(ly)
    q = (a**2 + b**2 - 2 * rho * a * b) / (2 * (1 - rho**2))
    log_norm = np.log(2 * np.pi) + lx + ly
    return -logsumexp(log_softmax(logits, axis=1) - q - log_norm, axis=1)


@wrong(
    "mixture_nll",
    cause="The log density of far components underflows: log of a sum of exponentials without logsumexp.",
    line="-np.log(np.sum(",
)
def underflow_far_away(params, dx, dy):
    logits, mx, my, lx, ly, r = np.split(params, 6, axis=1)
    rho = np.tanh(r)
    sx, sy = np.exp(lx), np.exp(ly)
    a = (dx[:, None] - mx) / sx
    b = (dy[:, None] - my) / sy
    weights = softmax(logits, axis=1)
    density = np.exp(-(a**2 + b**2 - 2 * rho * a * b) / (2 * (1 - rho**2)))
    density /= 2 * np.pi * sx * sy * np.sqrt(1 - rho**2)
    return -np.log(np.sum(weights * density, axis=1))


@wrong(
    "mixture_nll",
    cause="The logits are used as log weights: the softmax is missing.",
    line="logsumexp(logits + log_normal, axis=1)",
)
def weights_not_normalised(params, dx, dy):
    M = params.shape[1] // 6
    logits, mx, my, lx, ly, r = (params[:, k * M : (k + 1) * M] for k in range(6))
    rho = np.tanh(r)
    a = (dx[:, None] - mx) * np.exp(-lx)
    b = (dy[:, None] - my) * np.exp(-ly)
    log_normal = (
        -(a**2 + b**2 - 2 * rho * a * b) / (2 * (1 - rho**2)) - np.log(2 * np.pi) - lx - ly - 0.5 * np.log(1 - rho**2)
    )
    return -logsumexp(logits + log_normal, axis=1)


@wrong(
    "mixture_nll",
    cause="rho is the number itself; its tanh is missing.",
    line="rho = np.clip(r, -0.999, 0.999)",
)
def tanh_forgotten(params, dx, dy):
    logits, mx, my, lx, ly, r = np.split(params, 6, axis=1)
    rho = np.clip(r, -0.999, 0.999)
    a = (dx[:, None] - mx) / np.exp(lx)
    b = (dy[:, None] - my) / np.exp(ly)
    z = a**2 + b**2 - 2 * rho * a * b
    log_n = -z / (2 * (1 - rho**2)) - np.log(2 * np.pi * np.exp(lx + ly) * np.sqrt(1 - rho**2))
    return -logsumexp(log_softmax(logits, axis=1) + log_n, axis=1)


@wrong(
    "mixture_nll",
    cause="The mean of the components' log densities is taken, not the log of the mixture's density.",
    line="np.sum(softmax(logits, axis=1) * log_n, axis=1)",
)
def average_of_log_densities(params, dx, dy):
    logits, mx, my, lx, ly, r = np.split(params, 6, axis=1)
    rho = np.tanh(r)
    a = (dx[:, None] - mx) / np.exp(lx)
    b = (dy[:, None] - my) / np.exp(ly)
    z = a**2 + b**2 - 2 * rho * a * b
    log_n = -z / (2 * (1 - rho**2)) - np.log(2 * np.pi) - lx - ly - 0.5 * np.log(1 - rho**2)
    return -np.sum(softmax(logits, axis=1) * log_n, axis=1)


@wrong(
    "mixture_nll",
    cause="The sign is missing: this is the log density.",
    line="return logsumexp(",
)
def log_density_itself(params, dx, dy):
    logits, mx, my, lx, ly, r = np.split(params, 6, axis=1)
    rho = np.tanh(r)
    a = (dx[:, None] - mx) / np.exp(lx)
    b = (dy[:, None] - my) / np.exp(ly)
    z = a**2 + b**2 - 2 * rho * a * b
    log_n = -z / (2 * (1 - rho**2)) - np.log(2 * np.pi) - lx - ly - 0.5 * np.log(1 - rho**2)
    return logsumexp(log_softmax(logits, axis=1) + log_n, axis=1)


@wrong(
    "mixture_nll",
    cause="The logs are read as logs of variances: sigma is exp of half of them.",
    line="np.exp(0.5 * lx), np.exp(0.5 * ly)",
)
def log_sigma_read_as_log_variance(params, dx, dy):
    logits, mx, my, lx, ly, r = np.split(params, 6, axis=1)
    sx, sy = np.exp(0.5 * lx), np.exp(0.5 * ly)
    rho = np.tanh(r)
    a = (dx[:, None] - mx) / sx
    b = (dy[:, None] - my) / sy
    z = a**2 + b**2 - 2 * rho * a * b
    log_n = -z / (2 * (1 - rho**2)) - np.log(2 * np.pi * sx * sy * np.sqrt(1 - rho**2))
    return -logsumexp(log_softmax(logits, axis=1) + log_n, axis=1)


@wrong(
    "mixture_nll",
    cause="The factor 2 of the mixed term 2 rho a b is missing.",
    line="a**2 + b**2 - rho * a * b",
)
def mixed_term_once(params, dx, dy):
    logits, mx, my, lx, ly, r = np.split(params, 6, axis=1)
    rho = np.tanh(r)
    a = (dx[:, None] - mx) / np.exp(lx)
    b = (dy[:, None] - my) / np.exp(ly)
    z = a**2 + b**2 - rho * a * b
    log_n = -z / (2 * (1 - rho**2)) - np.log(2 * np.pi) - lx - ly - 0.5 * np.log(1 - rho**2)
    return -logsumexp(log_softmax(logits, axis=1) + log_n, axis=1)


@wrong(
    "mixture_nll",
    cause="The blocks are read in the wrong order: log sigma_x and mu_y are exchanged.",
    line="logits, mx, lx, my, ly, r",
)
def blocks_in_another_order(params, dx, dy):
    logits, mx, lx, my, ly, r = np.split(params, 6, axis=1)
    rho = np.tanh(r)
    a = (dx[:, None] - mx) / np.exp(lx)
    b = (dy[:, None] - my) / np.exp(ly)
    z = a**2 + b**2 - 2 * rho * a * b
    log_n = -z / (2 * (1 - rho**2)) - np.log(2 * np.pi) - lx - ly - 0.5 * np.log(1 - rho**2)
    return -logsumexp(log_softmax(logits, axis=1) + log_n, axis=1)


@wrong(
    "mixture_nll",
    cause="The result is the mean over all movements; each has its own.",
    line="return np.mean(",
)
def averaged_over_the_movements(params, dx, dy):
    N, M = params.shape[0], params.shape[1] // 6
    nll = np.zeros(N)
    for n in range(N):
        logits, mx, my, lx, ly, r = params[n].reshape(6, M)
        terms = log_softmax(logits)
        for m in range(M):
            sx, sy, rho = np.exp(lx[m]), np.exp(ly[m]), np.tanh(r[m])
            cov = np.array([[sx**2, rho * sx * sy], [rho * sx * sy, sy**2]])
            terms[m] += multivariate_normal.logpdf([dx[n], dy[n]], [mx[m], my[m]], cov, allow_singular=True)
        nll[n] = -logsumexp(terms)
    return np.mean(nll)


# --- categorical_log_prob ---------------------------------------------------------------------------------------------


@wrong(
    "categorical_log_prob",
    cause="exp overflows for logits of 1000: log of the softmax without taking out the maximum.",
    line="np.exp(logits)",
)
def softmax_overflows(logits, tokens):
    p = np.exp(logits)
    p = p / p.sum(axis=2, keepdims=True)
    chosen = np.take_along_axis(p, tokens[:, :, None], axis=2)[:, :, 0]
    return np.log(chosen).sum(axis=1)


@wrong(
    "categorical_log_prob",
    cause="The steps are averaged, not summed.",
    line=".mean(axis=1)",
)
def mean_over_the_steps(logits, tokens):
    log_p = log_softmax(logits, axis=-1)
    return np.take_along_axis(log_p, tokens[..., None], axis=-1)[..., 0].mean(axis=1)


@wrong(
    "categorical_log_prob",
    cause="The normalisation is missing: only the logits at the tokens are added up.",
    line="logits[n, t, tokens[n, t]]",
)
def logits_without_normalisation(logits, tokens):
    N, T = tokens.shape
    out = np.zeros(N)
    for n in range(N):
        for t in range(T):
            out[n] += logits[n, t, tokens[n, t]]
    return out


@wrong(
    "categorical_log_prob",
    cause="The softmax goes over the steps, axis 1, and not over the V tokens.",
    line="axis=1, keepdims=True",
)
def softmax_over_the_steps(logits, tokens):
    log_p = logits - logsumexp(logits, axis=1, keepdims=True)
    N, T = tokens.shape
    return log_p[np.arange(N)[:, None], np.arange(T), tokens].sum(axis=1)


@wrong(
    "categorical_log_prob",
    cause="The probabilities are added up, not their logarithms.",
    line="softmax(logits, axis=2)",
)
def probabilities_summed(logits, tokens):
    p = softmax(logits, axis=2)
    N, T = tokens.shape
    return p[np.arange(N)[:, None], np.arange(T), tokens].sum(axis=1)


@wrong(
    "categorical_log_prob",
    cause="The log is taken of the product of T probabilities, which underflows to 0 (log 0 is -inf).",
    line="np.prod(",
)
def log_of_the_product(logits, tokens):
    p = softmax(logits, axis=2)
    chosen = np.take_along_axis(p, tokens[:, :, None], axis=2)[:, :, 0]
    return np.log(np.prod(chosen, axis=1))


@wrong(
    "categorical_log_prob",
    cause="A small number is added to the probability before the log, so that impossible tokens cost too little.",
    line="+ 1e-9",
)
def small_number_in_the_log(logits, tokens):
    p = softmax(logits, axis=-1)
    N, T = tokens.shape
    chosen = p[np.arange(N)[:, None], np.arange(T)[None, :], tokens]
    return np.sum(np.log(chosen + 1e-9), axis=1)


@wrong(
    "categorical_log_prob",
    cause="This is the cross-entropy, minus the log probability.",
    line="total -= ",
)
def cross_entropy_for_log_prob(logits, tokens):
    total = np.zeros(len(tokens))
    for t in range(tokens.shape[1]):
        total -= log_softmax(logits[:, t], axis=1)[np.arange(len(tokens)), tokens[:, t]]
    return total


@wrong(
    "categorical_log_prob",
    cause="The sum goes over all sequences, too: each has its own log probability.",
    line="return np.sum(",
)
def one_number_for_all(logits, tokens):
    onehot = np.eye(logits.shape[2])[tokens]
    return np.sum(onehot * log_softmax(logits, axis=2))


@wrong(
    "categorical_log_prob",
    cause="The likeliest token of each step is taken, not the one that came.",
    line="np.max(",
)
def likeliest_token(logits, tokens):
    log_p = logits - logsumexp(logits, axis=2, keepdims=True)
    return np.sum(np.max(log_p, axis=2), axis=1)


# --- notes ------------------------------------------------------------------------------------------------------------


@wrong(
    "notes",
    cause="A repeated pitch does not start a note of its own here; each number from 0 on starts one.",
    line="melody[t] != pitches[-1]",
)
def repeated_pitch_goes_on(melody):
    starts, lengths, pitches = [], [], []
    sounding = False
    for t in range(len(melody)):
        if melody[t] >= 0:
            if not sounding or melody[t] != pitches[-1]:
                starts.append(t)
                lengths.append(1)
                pitches.append(melody[t])
            else:
                lengths[-1] += 1
            sounding = True
        elif melody[t] == -2:
            if sounding:
                lengths[-1] += 1
        else:
            sounding = False
    return np.array(starts, int), np.array(lengths, int), np.array(pitches, int)


@wrong(
    "notes",
    cause="A hold after a rest makes the note before the rest longer; it holds nothing.",
    line="if melody[t] == -2 and starts:",
)
def hold_after_a_rest_counts(melody):
    starts, lengths, pitches = [], [], []
    for t in range(len(melody)):
        if melody[t] == -2 and starts:
            lengths[-1] += 1
        elif melody[t] >= 0:
            starts.append(t)
            lengths.append(1)
            pitches.append(melody[t])
    return np.array(starts, dtype=int), np.array(lengths, dtype=int), np.array(pitches, dtype=int)


@wrong(
    "notes",
    cause="The length is the distance to the next start; rests in between are counted, too.",
    line="np.diff(np.append(starts, len(melody)))",
)
def length_until_the_next_start(melody):
    melody = np.asarray(melody)
    starts = np.flatnonzero(melody >= 0)
    return starts, np.diff(np.append(starts, len(melody))), melody[starts]


@wrong(
    "notes",
    cause="The length counts the holds only: the step in which the note starts counts, too.",
    line="length = 0",
)
def first_step_not_counted(melody):
    starts, lengths, pitches = [], [], []
    T = len(melody)
    for t in range(T):
        if melody[t] < 0:
            continue
        length = 0
        while t + length + 1 < T and melody[t + length + 1] == -2:
            length += 1
        starts.append(t)
        lengths.append(length)
        pitches.append(melody[t])
    return np.array(starts, int), np.array(lengths, int), np.array(pitches, int)


@wrong(
    "notes",
    cause="-1 and -2 are exchanged: -2 holds, -1 is a rest.",
    line="== -1",
)
def rest_and_hold_exchanged(melody):
    melody = np.asarray(melody)
    starts = np.flatnonzero(melody >= 0)
    lengths = np.ones(len(starts), int)
    for i, s in enumerate(starts):
        while s + lengths[i] < len(melody) and melody[s + lengths[i]] == -1:
            lengths[i] += 1
    return starts, lengths, melody[starts]


@wrong(
    "notes",
    cause="A pitch of 0 is taken for silence; numbers from 0 on are pitches.",
    line="> 0",
)
def pitch_zero_is_silence(melody):
    melody = np.asarray(melody)
    starts = np.flatnonzero(melody > 0)
    lengths = []
    for s in starts:
        end = s + 1
        while end < len(melody) and melody[end] == -2:
            end += 1
        lengths.append(end - s)
    return starts, np.array(lengths, int), melody[starts]


@wrong(
    "notes",
    cause="Steps are counted from 1; they count from 0.",
    line="enumerate(melody, start=1)",
)
def steps_counted_from_one(melody):
    starts, lengths, pitches = [], [], []
    on = False
    for t, token in enumerate(melody, start=1):
        if token >= 0:
            starts.append(t)
            lengths.append(1)
            pitches.append(token)
            on = True
        elif token == -2 and on:
            lengths[-1] += 1
        else:
            on = False
    return np.array(starts, int), np.array(lengths, int), np.array(pitches, int)


@wrong(
    "notes",
    cause="The last note is not written down when the melody ends while it sounds.",
    line="if current is not None:",
)
def last_note_lost(melody):
    found, current = [], None
    for t, token in enumerate(melody):
        if token == -2 and current is not None:
            current[1] += 1
            continue
        if current is not None:
            found.append(current)
            current = None
        if token >= 0:
            current = [t, 1, int(token)]
    starts = np.array([f[0] for f in found], dtype=int)
    return starts, np.array([f[1] for f in found], dtype=int), np.array([f[2] for f in found], dtype=int)


@wrong(
    "notes",
    cause="The second array holds where the notes end, not how long they sound.",
    line="ends.append(end)",
)
def ends_for_lengths(melody):
    starts, ends, pitches = [], [], []
    T = len(melody)
    for t in range(T):
        if melody[t] >= 0:
            end = t + 1
            while end < T and melody[end] == -2:
                end += 1
            starts.append(t)
            ends.append(end)
            pitches.append(melody[t])
    return np.array(starts, int), np.array(ends, int), np.array(pitches, int)


@wrong(
    "notes",
    cause="Only the first hold is counted: the loop stops after one step.",
    line="2 if",
)
def at_most_two_steps(melody):
    melody = np.asarray(melody)
    starts = np.flatnonzero(melody >= 0)
    lengths = np.array([2 if s + 1 < len(melody) and melody[s + 1] == -2 else 1 for s in starts], int)
    return starts, lengths, melody[starts]


# --- at_temperature ---------------------------------------------------------------------------------------------------


@wrong(
    "at_temperature",
    cause="The logs of the standard deviations are multiplied by sqrt(tau); log sqrt(tau) has to be added to them.",
    line="*= np.sqrt(tau)",
)
def logs_multiplied(params, tau):
    out = np.array(params, float)
    M = out.shape[1] // 6
    out[:, :M] /= tau
    out[:, 3 * M : 5 * M] *= np.sqrt(tau)
    return out


@wrong(
    "at_temperature",
    cause="The standard deviations are multiplied by tau: it has to be sqrt(tau), half of log tau in the logs.",
    line="+= np.log(tau)",
)
def tau_for_its_root(params, tau):
    out = params.copy()
    M = params.shape[1] // 6
    out[:, :M] = out[:, :M] / tau
    out[:, 3 * M : 5 * M] += np.log(tau)
    return out


@wrong(
    "at_temperature",
    cause="The logits are multiplied by tau; they are divided by it.",
    line="logits * tau",
)
def logits_multiplied(params, tau):
    logits, mx, my, lx, ly, r = np.split(params, 6, axis=1)
    half = 0.5 * np.log(tau)
    return np.concatenate([logits * tau, mx, my, lx + half, ly + half, r], axis=1)


@wrong(
    "at_temperature",
    cause="params itself is changed: a copy is needed.",
    line="params[:, :M] /= tau",
)
def changed_in_place(params, tau):
    M = params.shape[1] // 6
    params[:, :M] /= tau
    params[:, 3 * M : 5 * M] += 0.5 * np.log(tau)
    return params


@wrong(
    "at_temperature",
    cause="Only sigma_x is changed; both standard deviations are.",
    line="3 * M : 4 * M",
)
def one_deviation_only(params, tau):
    out = np.copy(params)
    M = params.shape[1] // 6
    out[:, :M] /= tau
    out[:, 3 * M : 4 * M] += np.log(np.sqrt(tau))
    return out


@wrong(
    "at_temperature",
    cause="The blocks of the means get log sqrt(tau), not those of the log standard deviations.",
    line="out[:, M : 3 * M] +=",
)
def means_moved(params, tau):
    out = np.copy(params)
    M = params.shape[1] // 6
    out[:, :M] /= tau
    out[:, M : 3 * M] += 0.5 * math.log(tau)
    return out


@wrong(
    "at_temperature",
    cause="The first block is turned into weights; logits are asked.",
    line="softmax(logits / tau, axis=1)",
)
def weights_for_logits(params, tau):
    logits, mx, my, lx, ly, r = np.split(params, 6, axis=1)
    weights = softmax(logits / tau, axis=1)
    return np.hstack([weights, mx, my, lx + 0.5 * np.log(tau), ly + 0.5 * np.log(tau), r])


@wrong(
    "at_temperature",
    cause="Everything is divided by tau; only the logits are.",
    line="out = params / tau",
)
def all_blocks_divided(params, tau):
    out = params / tau
    M = params.shape[1] // 6
    out[:, 3 * M : 5 * M] = params[:, 3 * M : 5 * M] + 0.5 * np.log(tau)
    return out


@wrong(
    "at_temperature",
    cause="The standard deviations are divided by sqrt(tau): the sign of its log is wrong.",
    line="-= 0.5 * np.log(tau)",
)
def narrower_when_hotter(params, tau):
    out = params.astype(float).copy()
    M = out.shape[1] // 6
    out[:, :M] /= tau
    out[:, 3 * M : 5 * M] -= 0.5 * np.log(tau)
    return out


@wrong(
    "at_temperature",
    cause="The blocks hold logs: sqrt(tau) is added to them, where its logarithm belongs.",
    line="+= np.sqrt(tau)",
)
def root_added_without_log(params, tau):
    out = params.copy()
    M = out.shape[1] // 6
    out[:, 0:M] /= tau
    for block in (3, 4):
        out[:, block * M : (block + 1) * M] += np.sqrt(tau)
    return out
