"""How long a GRU's sequence takes with its gradient: the fused node, a loop over steps, and the matrix products alone.

    python tests/benchmarks/bench_gru.py [--rounds 15]

One thread, CPU time, float32; in each round every contender runs some times in turn, and the table has medians of the
rounds' ratios to the products alone, with quartiles.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import argparse
import time

import autograd.numpy as anp
import numpy as np
from autograd import grad

from course_utils.networks.recurrent import gru_sequence, gru_step, init_gru

JOBS = {  # T, B, I, H
    "pen digits": (8, 100, 18, 64),
    "characters": (10, 64, 44, 128),
    "melodies": (32, 64, 78, 128),
    "larger": (32, 128, 128, 256),
}


def contenders(T, B, I, H):
    """{name: a function without arguments that computes a loss's gradient by the parameters, or just the products}."""
    rng = np.random.default_rng(0)
    params = init_gru(I, H, rng)
    x = rng.standard_normal((T, B, I), dtype=np.float32)
    h, g = np.zeros((B, H), np.float32), rng.standard_normal((T, B, H), dtype=np.float32)
    wide = rng.standard_normal((T, B, 3 * H), dtype=np.float32)
    W, U, _, _ = params

    def products():
        x.reshape(-1, I) @ W
        for t in range(T):
            g[t] @ U  # forwards
        for t in range(T):
            wide[t] @ U.T  # back
        x.reshape(-1, I).T @ wide.reshape(-1, 3 * H)
        g.reshape(-1, H).T @ wide.reshape(-1, 3 * H)

    def loop(params):
        state, total = h, 0.0
        for t in range(T):
            state = gru_step(params, state, x[t])
            total = total + anp.sum(state * g[t])
        return total

    fused = grad(lambda params: anp.sum(gru_sequence(params, h, x) * g))
    by_loop = grad(loop)
    for one, other in zip(fused(params), by_loop(params)):
        np.testing.assert_allclose(one, other, rtol=1e-2, atol=1e-2)
    return {"products": products, "fused": lambda: fused(params), "loop": lambda: by_loop(params)}


def seconds(function, times):
    """CPU seconds of one call."""
    start = time.process_time()
    for _ in range(times):
        function()
    return (time.process_time() - start) / times


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    print(f"{'':12}{'products, ms':>14}{'fused / products':>26}{'loop / products':>26}")
    for name, job in JOBS.items():
        runs = contenders(*job)
        times = max(1, int(0.05 / seconds(runs["products"], 2)))
        table = np.array([[seconds(run, times) for run in runs.values()] for _ in range(rounds)])
        ratios = table[:, 1:] / table[:, :1]
        shown = [f"{np.median(r):.2f} [{np.quantile(r, 0.25):.2f}, {np.quantile(r, 0.75):.2f}]" for r in ratios.T]
        print(f"{name:12}{1000 * np.median(table[:, 0]):14.2f}{shown[0]:>26}{shown[1]:>26}")


if __name__ == "__main__":
    main()
