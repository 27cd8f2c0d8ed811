"""Gradient descent with Adam, as a plain loop with a progress bar."""

import numpy as np
from autograd import value_and_grad
from autograd.misc import flatten
from tqdm import tqdm


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


def adam(loss, params, batches, steps, step_size=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8, label="training",
         callback=None):
    """Minimises loss(params, batch) over `steps` batches and returns the new parameters.

    m <- beta1 m + (1 - beta1) g,  v <- beta2 v + (1 - beta2) g^2,
    params <- params - step_size * m_hat / (sqrt(v_hat) + epsilon), where m_hat = m / (1 - beta1^t) and
    v_hat = v / (1 - beta2^t) undo the start at 0 (Kingma and Ba 2015, algorithm 1). `params` is any nesting of lists,
    tuples and dicts of arrays. `callback(t, params, loss)`, if given, is called after every update. Interrupting
    (the stop button) ends the training and keeps what it has reached.
    """
    flat, unflatten = flatten(params)
    value_and_gradient = value_and_grad(lambda flat, batch: loss(unflatten(flat), batch))
    m, v = np.zeros_like(flat), np.zeros_like(flat)
    with tqdm(total=steps, desc=label, leave=False, mininterval=0.2) as bar:
        try:
            for t, batch in enumerate(batches, start=1):
                value, gradient = value_and_gradient(flat, batch)
                m = beta1 * m + (1 - beta1) * gradient
                v = beta2 * v + (1 - beta2) * gradient ** 2
                m_hat, v_hat = m / (1 - beta1 ** t), v / (1 - beta2 ** t)
                flat = flat - step_size * m_hat / (np.sqrt(v_hat) + epsilon)
                bar.set_postfix(loss=f"{value:.4g}", refresh=False)
                bar.update()
                if callback:
                    callback(t, unflatten(flat), value)
        except KeyboardInterrupt:
            print(f"{label} stopped after {bar.n} of {steps} steps; the parameters reached so far are kept.")
    return unflatten(flat)
