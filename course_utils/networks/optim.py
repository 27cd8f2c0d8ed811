"""Gradient descent with Adam, as a plain loop with a progress bar."""

import math
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.random import Generator

from course_utils.networks import known_runs
from course_utils.networks.arrays import Array
from course_utils.networks.flat import flatten, leaves, unflatten, value_and_gradient

Schedule = Callable[[int], float]  # from t = 1, 2, ... to the step size
REFRESH = 1.0 if sys.platform == "emscripten" else 0.2  # seconds: drawing a bar takes a browser as long as some steps
LONG = 1.0  # seconds: the bar of a training that took longer stays, and says how many steps, how long, and which loss
BLOCK = 2**16  # numbers that Adam updates at a time: few enough to stay in the processor's cache meanwhile


class Checkpoint(NamedTuple):
    """Where a long training keeps what it has reached, every so many steps; started again, it goes on from there and
    ends with the very numbers that it would have had. A file is of one training: name it after it."""

    path: Path
    every: int = 250

    def restore(self, *vectors: Array) -> int:
        """Overwrites the vectors, if any, with what was kept; returns the number of steps done, 0 where nothing was."""
        if not self.path.exists():
            return 0
        with np.load(self.path, allow_pickle=False) as kept:
            for i, vector in enumerate(vectors):
                vector[:] = kept[f"vector{i}"]
            return int(kept["steps"])

    def keep(self, steps: int, *vectors: Array) -> None:
        """Writes the vectors, where it is time to; the file changes in one go."""
        if steps % self.every == 0:
            new = self.path.with_suffix(".new.npz")
            arrays: dict[str, Any] = {f"vector{i}": vector for i, vector in enumerate(vectors)}
            np.savez(new, steps=steps, **arrays)
            new.replace(self.path)


def minibatches(x: Array, batch_size: int, steps: int, rng: Generator) -> Iterator[Array]:
    """Yields `steps` random batches of rows of x (N, ...): shuffled epochs, one after another, so that every example
    comes up equally often. Where batch_size >= N, each batch is all of x."""
    N = len(x)
    if batch_size < 1 or not N:
        raise ValueError(f"a batch needs at least one example, but batch_size = {batch_size} of {N} examples came")
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
    loss: Callable[[Any, Any], Any],
    params: Any,
    batches: Iterable,
    steps: int,
    step_size: float | Schedule = 1e-3,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
    label: str = "training",
    callback: Callable[[int, Any, float], Any] | None = None,
    checkpoint: Checkpoint | None = None,
) -> Any:
    """Minimises loss(params, batch) over the first `steps` batches and returns the new parameters.

    m <- beta1 m + (1 - beta1) g,  v <- beta2 v + (1 - beta2) g^2,
    params <- params - step_size * m_hat / (sqrt(v_hat) + epsilon), where m_hat = m / (1 - beta1^t) and
    v_hat = v / (1 - beta2^t) undo the start at 0 (Kingma and Ba 2015, algorithm 1). `params` is any nesting of lists,
    tuples and dicts of arrays. `step_size` is a number, or a function of t = 1, 2, ... where it should shrink (see
    `cosine_decay`), never negative. `callback(t, params, loss)`, if given, is called after every update.
    With a `checkpoint` that has been reached before, the batches up to it are drawn and not used. In a browser, a
    training that the course has done before and that would take longer than some seconds there ends as it did then, see
    `known_runs`: its other batches are drawn and not used, and `callback` is called once more, at the end.

    Three things end the training early, with a line that says so, and keep the parameters reached so far: an interrupt
    (the stop button), batches that run out, and a loss or gradient that is not finite, before it spoils them. Where
    the very first is not finite, there is nothing to keep: FloatingPointError.
    """
    from tqdm import tqdm  # here: the mathematics alone need not wait for it

    flat = flatten(params)
    flat = flat if np.issubdtype(flat.dtype, np.floating) else flat.astype(float)
    gradient, m, v = np.zeros_like(flat), np.zeros_like(flat), np.zeros_like(flat)
    current = unflatten(flat, params)
    compute = value_and_gradient(loss, current, out=unflatten(gradient, params))
    rate: Callable[[int], Any] = step_size if callable(step_size) else lambda t: step_size
    lengths = [np.size(leaf) for leaf in leaves(params)]
    watch = known_runs.watch(flat, lengths, steps, rate, label) if not checkpoint else None
    before = checkpoint.restore(flat, m, v) if checkpoint else 0
    done, why = 0, ": there are no more batches"
    with tqdm(
        total=steps, desc=label, leave=False, mininterval=REFRESH, file=sys.stdout
    ) as bar:  # stderr leaves a red line
        try:
            for t, batch in zip(range(1, steps + 1), batches):  # in this order: no batch is drawn beyond the last
                if t <= before:
                    bar.update()
                    done = t
                    continue
                value, size = compute(batch), float(rate(t))
                if not (math.isfinite(value) and math.isfinite(gradient @ gradient)):
                    why = f": the loss ({value:.4g}) or its gradient is not finite"
                    if t == 1:
                        raise FloatingPointError(f"{label} cannot start{why}. Is there a nan in the data, a log of 0?")
                    break
                if not 0 <= size < math.inf:
                    raise ValueError(
                        f"the step size should be finite and not negative, but it is {size:.4g} at step {t}"
                    )
                _adam_update(flat, gradient, m, v, t, size, beta1, beta2, epsilon)
                bar.set_postfix_str(f"loss={value:.4g}", refresh=False)
                bar.update()
                done = t
                if checkpoint:
                    checkpoint.keep(t, flat, m, v)
                if callback:
                    callback(t, unflatten(flat.copy(), params), value)  # a copy: the next update is in place
                if watch and (run := watch.seen(value)):
                    flat[:] = watch.start + run.change
                    done += sum(1 for _ in zip(range(t, steps), batches))  # draws from the same generator as training
                    if callback:
                        callback(steps, unflatten(flat.copy(), params), run.loss)
                    break
        except KeyboardInterrupt:
            why = ""
        bar.leave = bar.format_dict["elapsed"] > LONG  # others leave nothing
    if watch and watch.said:
        print(watch.said)
    if done < steps:
        print(f"{label} stopped after {done} of {steps} steps{why}; the parameters reached so far are kept.")
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


def cosine_decay(step_size: float, steps: int) -> Schedule:
    """A step size for `adam` that falls from step_size to 0 along half a cosine (Loshchilov and Hutter 2017), and
    beyond `steps` stays there."""
    return lambda t: step_size * 0.5 * (1 + math.cos(math.pi * min(1.0, (t - 1) / steps)))


def hold_then_linear(step_size: float, steps: int) -> Schedule:
    """A step size for `adam` that stays for the first half of the steps, then falls linearly to 0, and beyond `steps`
    stays there."""
    return lambda t: step_size * max(0.0, min(1.0, 2 * (steps - t + 1) / steps))


def train(
    loss: Callable[[Any, Any], Any],
    start: Any,
    batch_of: Callable[[Array], Any],
    N: int,
    steps: int,
    rng: Generator,
    batch_size: int,
    step_size: float,
    schedule: Callable[[float, int], Schedule] = hold_then_linear,
    label: str = "training",
    callback: Callable[[int, Any, float], Any] | None = None,
    checkpoint: Any = None,  # a Checkpoint
) -> Any:
    """Trains a model of the course on N examples from the parameters `start`, and returns the new ones: `adam` on
    shuffled minibatches, with a step size that falls to 0.

    `batch_of(rows)` makes the batch of the examples with these indices (B,); noise that it needs it draws from `rng`.
    `schedule(step_size, steps)` is the step size as a function of t. The rest is as in `adam`.
    """
    batches = (batch_of(rows) for rows in minibatches(np.arange(N), batch_size, steps, rng))
    size = schedule(step_size, steps)
    return adam(loss, start, batches, steps, size, label=label, callback=callback, checkpoint=checkpoint)
