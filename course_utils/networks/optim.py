"""Gradient descent with Adam, as a plain loop with a progress bar."""

import math
import sys

import numpy as np
from tqdm import tqdm

from course_utils.networks.flat import flatten, unflatten, value_and_gradient

BLOCK = 2**16  # numbers that Adam updates at a time: few enough to stay in the processor's cache meanwhile


def minibatches(x, batch_size, steps, rng):
    """Yields `steps` random batches of rows of x (N, ...): shuffled epochs, one after another, so that every example
    comes up equally often. Where batch_size >= N, each batch is all of x."""
    N = len(x)
    if batch_size >= N:
        yield from (x for _ in range(steps))
        return
    order = np.empty(0, int)
    for _ in range(steps):
        if len(order) < batch_size:
            order = np.concatenate([order, rng.permutation(N)])
        batch, order = order[:batch_size], order[batch_size:]
        yield x[batch]


def adam(
    loss, params, batches, steps, step_size=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8, label="training", callback=None
):
    """Minimises loss(params, batch) over `steps` batches and returns the new parameters.

    m <- beta1 m + (1 - beta1) g,  v <- beta2 v + (1 - beta2) g^2,
    params <- params - step_size * m_hat / (sqrt(v_hat) + epsilon), where m_hat = m / (1 - beta1^t) and
    v_hat = v / (1 - beta2^t) undo the start at 0 (Kingma and Ba 2015, algorithm 1). `params` is any nesting of lists,
    tuples and dicts of arrays. `step_size` is a number, or a function of t = 1, 2, ... where it should shrink (see
    `cosine_decay`). `callback(t, params, loss)`, if given, is called after every update. Interrupting (the stop
    button) ends the training and keeps what it has reached.
    """
    flat = flatten(params)
    flat = flat if np.issubdtype(flat.dtype, np.floating) else flat.astype(float)
    gradient, m, v = np.zeros_like(flat), np.zeros_like(flat), np.zeros_like(flat)
    current = unflatten(flat, params)
    compute = value_and_gradient(loss, current, out=unflatten(gradient, params))
    rate = step_size if callable(step_size) else lambda t: step_size
    done = 0
    with tqdm(
        total=steps, desc=label, leave=False, mininterval=0.2, file=sys.stdout
    ) as bar:  # stderr leaves a red line
        try:
            for t, batch in enumerate(batches, start=1):
                value = compute(batch)
                _adam_update(flat, gradient, m, v, t, float(rate(t)), beta1, beta2, epsilon)
                bar.set_postfix_str(f"loss={value:.4g}", refresh=False)
                bar.update()
                done = t
                if callback:
                    callback(t, unflatten(flat.copy(), params), value)  # a copy: the next update is in place
        except KeyboardInterrupt:
            print(f"{label} stopped after {done} of {steps} steps; the parameters reached so far are kept.")
    return current


def _adam_update(params, gradient, m, v, t, step_size, beta1, beta2, epsilon):
    """Update number t of Adam, in place, on vectors of equal length and without temporary ones; overwrites `gradient`.

    m and v are kept without their factors 1 - beta (m <- beta1 m + g, v <- beta2 v + g^2), which spares two passes
    over memory. Together with the factors of m_hat and v_hat these are numbers, a and b below:
    m_hat = a m and sqrt(v_hat) = b sqrt(v).
    """
    a, b = (1 - beta1) / (1 - beta1**t), math.sqrt((1 - beta2) / (1 - beta2**t))
    for start in range(0, len(params), BLOCK):
        p, g, m_, v_ = (vector[start : start + BLOCK] for vector in (params, gradient, m, v))
        m_ *= beta1
        m_ += g
        g *= g
        v_ *= beta2
        v_ += g
        update = np.sqrt(v_, out=g)
        update += epsilon / b
        np.divide(m_, update, out=update)
        update *= step_size * a / b
        p -= update


def cosine_decay(step_size, steps):
    """A step size for `adam` that falls from step_size to 0 along half a cosine (Loshchilov and Hutter 2017)."""
    return lambda t: step_size * 0.5 * (1 + math.cos(math.pi * (t - 1) / steps))


def hold_then_linear(step_size, steps):
    """A step size for `adam` that stays for the first half of the steps, then falls linearly to 0."""
    return lambda t: step_size * min(1.0, 2 * (steps - t + 1) / steps)


def train(
    loss,
    start,
    batch_of,
    N,
    steps,
    rng,
    batch_size,
    step_size,
    schedule=hold_then_linear,
    label="training",
    callback=None,
):
    """Trains a model of the course on N examples from the parameters `start`, and returns the new ones: `adam` on
    shuffled minibatches, with a step size that falls to 0.

    `batch_of(rows)` makes the batch of the examples with these indices (B,); noise that it needs it draws from `rng`.
    `schedule(step_size, steps)` is the step size as a function of t. The rest is as in `adam`.
    """
    batches = (batch_of(rows) for rows in minibatches(np.arange(N), batch_size, steps, rng))
    return adam(loss, start, batches, steps, schedule(step_size, steps), label=label, callback=callback)
