"""Right answers to notebook 10."""

import itertools

import autograd.numpy as anp
import numpy as np
from scipy import special, stats

from course_utils.models import interpolation


# slerp
def slerp_by_loop(a, b, steps):
    cosine = sum(p * q for p, q in zip(a, b)) / np.sqrt(sum(p * p for p in a) * sum(q * q for q in b))
    w = np.arccos(min(1.0, cosine))
    points = []
    for i in range(steps):
        t = i / (steps - 1)
        if w < 1e-6:
            points.append([(1 - t) * p + t * q for p, q in zip(a, b)])
        else:
            points.append([(np.sin((1 - t) * w) * p + np.sin(t * w) * q) / np.sin(w) for p, q in zip(a, b)])
    return points


def slerp_by_sinc(a, b, steps):
    cosine = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
    w = np.arccos(np.clip(cosine, -1, 1)) / np.pi
    t = np.linspace(0, 1, steps)[:, None]
    return ((1 - t) * np.sinc((1 - t) * w) * a + t * np.sinc(t * w) * b) / np.sinc(w)


def slerp_nudged(a, b, steps):
    a, b = np.asarray(a, float), np.asarray(b, float)
    w = max(1e-6, np.arccos(np.minimum(1, a @ b / np.sqrt((a @ a) * (b @ b)))))
    t = np.linspace(0, 1, steps)
    return (np.outer(np.sin((1 - t) * w), a) + np.outer(np.sin(t * w), b)) / np.sin(w)


# morph
def morph_one_by_one(encode, decode, a, b, steps):
    p, q = encode(a[None])[0][0], encode(b[None])[0][0]
    return np.stack([decode(z[None])[0] for z in interpolation.slerp(p, q, steps)])


def morph_as_list(encode, decode, a, b, steps):
    mu = encode(np.array([a, b]))[0]
    return list(decode(slerp_nudged(mu[0], mu[1], steps)))


# gru_step
def gru_from_blocks(params, h, x):
    (W_r, W_u, W_n), (U_r, U_u, U_n) = (np.split(m, 3, axis=1) for m in params[:2])
    (b_r, b_u, b_n), (c_r, c_u, c_n) = (np.split(v, 3) for v in params[2:])
    r = special.expit(x @ W_r + b_r + h @ U_r + c_r)
    u = special.expit(x @ W_u + b_u + h @ U_u + c_u)
    n = np.tanh(x @ W_n + b_n + r * (h @ U_n + c_n))
    return n + u * (h - n)


def gru_one_by_one(params, h, x):
    W, U, b, c = params
    H = len(U)
    rows = []
    for state, row in zip(h, x):
        s, t = row.dot(W) + b, state.dot(U) + c
        gates = 1 / (1 + np.exp(-(s[: 2 * H] + t[: 2 * H])))
        n = np.tanh(s[2 * H :] + gates[:H] * t[2 * H :])
        rows.append([(1 - u) * new + u * old for u, new, old in zip(gates[H:], n, state)])
    return rows


def gru_single(params, h, x):
    return gru_from_blocks([np.asarray(p, "f4") for p in params], h.astype("f4"), x.astype("f4"))


def gru_by_einsum(params, h, x):
    W, U, b, c = params
    H = h.shape[1]
    s = (np.einsum("bi,ik->bk", x, W) + b).reshape(-1, 3, H)
    t = (np.einsum("bi,ik->bk", h, U) + c).reshape(-1, 3, H)
    r, u = 0.5 * (1 + np.tanh((s[:, 0] + t[:, 0]) / 2)), 0.5 * (1 + np.tanh((s[:, 1] + t[:, 1]) / 2))
    return u * h + (1 - u) * np.tanh(s[:, 2] + r * t[:, 2])


# categorical_log_prob
def tokens_by_scipy(logits, tokens):
    N, T, _ = logits.shape
    return special.log_softmax(logits, axis=2)[np.arange(N)[:, None], np.arange(T), tokens].sum(axis=1)


def tokens_by_one_hot(logits, tokens):
    one_hot = np.eye(logits.shape[2])[tokens]
    return np.sum(one_hot * logits, axis=(1, 2)) - special.logsumexp(logits, axis=2).sum(axis=1)


def tokens_by_loop(logits, tokens):
    return [
        sum(row[token] - np.logaddexp.reduce(row) for row, token in zip(rows, these))
        for rows, these in zip(logits, tokens)
    ]


# mixture_nll
def mixture_by_scipy(params, dx, dy):
    result = []
    for row, x, y in zip(params, dx, dy):
        logits, *rest = np.split(row, 6)
        log_n = []
        for mx, my, sx, sy, k in zip(*rest):
            cov = np.tanh(k) * np.exp(sx + sy)
            shape = [[np.exp(2 * sx), cov], [cov, np.exp(2 * sy)]]
            log_n.append(stats.multivariate_normal([mx, my], shape).logpdf([x, y]))
        result.append(-special.logsumexp(special.log_softmax(logits) + log_n))
    return np.array(result)


def mixture_in_steps(params, dx, dy):
    """p(dx) p(dy | dx) for each component."""
    logits, mx, my, sx, sy, k = np.split(params, 6, axis=1)
    rho, x, y = np.tanh(k), dx[:, None], dy[:, None]
    mean = my + rho * np.exp(sy - sx) * (x - mx)
    log_n = stats.norm.logpdf(x, mx, np.exp(sx)) + stats.norm.logpdf(y, mean, np.exp(sy) * np.sqrt(1 - rho**2))
    return np.logaddexp.reduce(logits, axis=1) - np.logaddexp.reduce(logits + log_n, axis=1)


def mixture_by_autograd(params, dx, dy):
    M = params.shape[1] // 6
    logits, mx, my, sx, sy, k = (params[:, i * M : (i + 1) * M] for i in range(6))
    rho = anp.tanh(k)
    a, b = (dx[:, None] - mx) / anp.exp(sx), (dy[:, None] - my) / anp.exp(sy)
    rest = 1 - rho**2
    log_n = -(a**2 + b**2 - 2 * rho * a * b) / (2 * rest) - anp.log(2 * anp.pi * anp.exp(sx + sy) * anp.sqrt(rest))
    total = logits - special.logsumexp(logits, axis=1, keepdims=True) + log_n
    top = anp.max(total, axis=1, keepdims=True)
    return -(top[:, 0] + anp.log(anp.sum(anp.exp(total - top), axis=1)))


# at_temperature
def temperature_on_a_copy(params, tau):
    out, M = np.array(params), params.shape[1] // 6
    out[:, :M] /= tau
    out[:, 3 * M : 5 * M] += np.log(np.sqrt(tau))
    return out


def temperature_by_blocks(params, tau):
    blocks = np.reshape(params, (len(params), 6, -1))
    scale, add = np.array([1 / tau, 1, 1, 1, 1, 1]), np.log(tau) / 2 * np.array([0, 0, 0, 1, 1, 0])
    return (blocks * scale[:, None] + add[:, None]).reshape(len(params), -1)


def temperature_of_sigma(params, tau):
    logits, mx, my, sx, sy, k = np.split(params, 6, axis=1)
    wider = [np.log(np.exp(s) * np.sqrt(tau)) for s in (sx, sy)]
    return np.concatenate([logits / tau, mx, my, *wider, k], axis=1)


# notes
def notes_by_loop(melody):
    starts, lengths, pitches, sounding = [], [], [], False
    for t, value in enumerate(melody):
        if value >= 0:
            starts.append(t)
            lengths.append(1)
            pitches.append(value)
            sounding = True
        elif value == -1:
            sounding = False
        elif sounding:
            lengths[-1] += 1
    return starts, lengths, pitches


def notes_by_groups(melody):
    starts = np.flatnonzero(melody >= 0)
    lengths = [1 + len(list(itertools.takewhile(lambda v: v == -2, melody[s + 1 :]))) for s in starts]
    return starts, np.array(lengths, dtype=int), melody[starts]


def notes_by_looking_ahead(melody):
    found = []
    for start, pitch in enumerate(melody):
        if pitch >= 0:
            end = start + 1
            while end < len(melody) and melody[end] == -2:
                end += 1
            found.append((start, end - start, int(pitch)))
    return np.array(found, dtype=int).reshape(-1, 3).T


ALTERNATIVES = {
    "slerp": [slerp_by_loop, slerp_by_sinc, slerp_nudged],
    "morph": [morph_one_by_one, morph_as_list],
    "gru_step": [gru_from_blocks, gru_one_by_one, gru_single, gru_by_einsum],
    "mixture_nll": [mixture_by_scipy, mixture_in_steps, mixture_by_autograd],
    "at_temperature": [temperature_on_a_copy, temperature_by_blocks, temperature_of_sigma],
    "categorical_log_prob": [tokens_by_scipy, tokens_by_one_hot, tokens_by_loop],
    "notes": [notes_by_loop, notes_by_groups, notes_by_looking_ahead],
}
