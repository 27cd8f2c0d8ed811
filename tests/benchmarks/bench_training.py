"""How long one step of training takes: this library, plain autograd, PyTorch, and the matrix products alone.

    python tests/benchmarks/bench_training.py [--rounds 15] [--steps 0] [--jobs W1 W2 W3]

One thread, CPU time. In each round every contender takes some steps in turn, and the ratios of a round are of times
measured within the same second or two: what else the machine does reaches all of them. The table shows medians over
rounds, and in brackets the quartiles. PyTorch takes part where it is installed, and threadpoolctl, where it is
installed, says which kernel the matrix products run on. All contenders start from the same parameters, batch and
noise, and have the same loss there and after five steps of Adam, which is checked before anything is measured.
"""

import os

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"
for variable in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):  # the kernel that OpenBLAS chooses itself
    os.environ.pop(variable, None)

import argparse  # noqa: E402
import platform  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import NamedTuple  # noqa: E402

import autograd.numpy as anp  # noqa: E402
import numpy as np  # noqa: E402
from autograd import grad  # noqa: E402
from autograd.misc.optimizers import adam as autograd_adam  # noqa: E402

from course_utils.networks.fast import bernoulli_cross_entropy, gaussian_kl, gaussian_sample  # noqa: E402
from course_utils.networks.nets import init_mlp, mlp  # noqa: E402
from course_utils.networks.optim import adam  # noqa: E402

SECONDS = 0.25  # about what each contender takes in a round


class Job(NamedTuple):
    """A network to train: layers of encoder and decoder, and whether it is a VAE or a plain autoencoder."""

    encoder: list
    decoder: list
    batch: int
    vae: bool


JOBS = {
    "W1": Job([784, 500, 500, 2 * 20], [20, 500, 500, 784], 128, vae=True),
    "W2": Job([64, 128, 64, 2], [2, 64, 128, 64], 64, vae=False),
    "W3": Job([784, 256, 2 * 2], [2, 256, 784], 256, vae=True),
}


def start(job):
    """Parameters (encoder, decoder), a batch x and noise eps, in float32; the same at every call."""
    rng = np.random.default_rng(0)
    x = rng.random((job.batch, job.encoder[0]), dtype=np.float32)
    eps = rng.standard_normal((job.batch, job.decoder[0]), dtype=np.float32)
    x = (x < 0.2).astype(np.float32) if job.vae else x
    return (init_mlp(job.encoder, rng), init_mlp(job.decoder, rng)), x, eps


# Each contender is a function of a job. It returns `run(steps)`, which trains on, and `loss()`, of its parameters.


def ours(job):
    """This library: float32 throughout, `fast` and `optim.adam` with its progress bar."""
    params, x, eps = start(job)

    def vae_loss(params, batch):
        x, eps = batch
        mu, log_sigma = anp.split(mlp(params[0], x), 2, axis=1)
        logits = mlp(params[1], gaussian_sample(mu, log_sigma, eps))
        return anp.sum(bernoulli_cross_entropy(x, logits) + gaussian_kl(mu, log_sigma)) * (1 / len(x))

    def autoencoder_loss(params, batch):
        x, _ = batch
        r = x - mlp(params[1], mlp(params[0], x))
        return anp.sum(r * r) * (1 / len(x))

    objective = vae_loss if job.vae else autoencoder_loss

    def run(steps):
        nonlocal params
        params = adam(objective, params, [(x, eps)] * steps, steps)

    return run, lambda: objective(params, (x, eps))


def plain_autograd(job):
    """The formulas as a student writes them: numpy's default float64, `np.mean`, and autograd's own Adam."""
    params, x, eps = start(job)
    params = [[(W.astype(float), b.astype(float)) for W, b in net] for net in params]

    def mlp(params, h):
        for W, b in params[:-1]:
            h = anp.tanh(h @ W + b)
        W, b = params[-1]
        return h @ W + b

    def objective(params, step=None):
        code = mlp(params[0], x)
        if not job.vae:
            return anp.mean(anp.sum((x - mlp(params[1], code)) ** 2, axis=1))
        K = job.decoder[0]
        mu, log_sigma = code[:, :K], code[:, K:]
        logits = mlp(params[1], mu + anp.exp(log_sigma) * eps)
        log_p = anp.sum(x * logits - anp.logaddexp(0, logits), axis=1)
        kl = 0.5 * anp.sum(anp.exp(2 * log_sigma) + mu**2 - 1 - 2 * log_sigma, axis=1)
        return -anp.mean(log_p - kl)

    def run(steps):
        nonlocal params
        params = autograd_adam(grad(objective), params, num_iters=steps, step_size=1e-3)

    return run, lambda: objective(params)


def pytorch(job, fused=False):
    """PyTorch in eager mode: nn.Sequential of Linear and Tanh, torch.optim.Adam; `fused` updates all in one kernel."""
    import torch
    from torch import nn

    torch.set_num_threads(1)
    params, x, eps = start(job)
    x, eps = torch.from_numpy(x), torch.from_numpy(eps)

    def network(layers):
        modules = []
        for W, b in layers:
            linear = nn.Linear(*W.shape)
            with torch.no_grad():
                linear.weight.copy_(torch.from_numpy(W.T.copy()))
                linear.bias.copy_(torch.from_numpy(b))
            modules += [linear, nn.Tanh()]
        return nn.Sequential(*modules[:-1])

    encoder, decoder = map(network, params)
    weights = [*encoder.parameters(), *decoder.parameters()]

    def objective():
        if not job.vae:
            return nn.functional.mse_loss(decoder(encoder(x)), x, reduction="sum") / len(x)
        mu, log_sigma = encoder(x).chunk(2, dim=1)
        logits = decoder(mu + log_sigma.exp() * eps)
        cross_entropy = nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="sum")
        kl = 0.5 * (torch.exp(2 * log_sigma) + mu**2 - 1 - 2 * log_sigma).sum()
        return (cross_entropy + kl) / len(x)

    def run(steps):
        optimizer = torch.optim.Adam(weights, lr=1e-3, fused=fused)
        for _ in range(steps):
            optimizer.zero_grad()
            objective().backward()
            optimizer.step()

    return run, lambda: objective().item()


def pytorch_fused(job):
    """PyTorch with its fused Adam."""
    return pytorch(job, fused=True)


def matrix_products(job):
    """The floor: the float32 matrix products of one step with numpy, into arrays that are there already.

    Forward h W, backward h^T g and, but for the first layer, g W^T. There is no loss.
    """
    rng = np.random.default_rng(0)
    layers = []
    for sizes in (job.encoder, job.decoder):
        for n_in, n_out in zip(sizes[:-1], sizes[1:]):
            shapes = (job.batch, n_in), (n_in, n_out), (job.batch, n_out)
            given = [rng.standard_normal(shape, dtype=np.float32) for shape in shapes]
            results = [np.empty(shape, np.float32) for shape in (shapes[2], shapes[1], shapes[0])]
            layers.append((given, results, bool(layers)))

    def run(steps):
        for _ in range(steps):
            for (h, W, g), (a, W_bar, h_bar), inner in layers:
                np.matmul(h, W, out=a)
                np.matmul(h.T, g, out=W_bar)
                if inner:
                    np.matmul(g, W.T, out=h_bar)

    return run, None


CONTENDERS = {
    "ours": ours,
    "plain autograd": plain_autograd,
    "PyTorch": pytorch,
    "PyTorch, fused Adam": pytorch_fused,
    "floor": matrix_products,
}


def cpu_time(run, steps):
    """CPU seconds for one step."""
    began = time.process_time()
    run(steps)
    return (time.process_time() - began) / steps


def measure(job, contenders, rounds, steps=0):
    """{contender: CPU seconds of a step (rounds,)}. steps = 0: as many in a round as take some SECONDS, at least 10."""
    made = {name: contender(job) for name, contender in contenders.items()}
    runs = {name: run for name, (run, _) in made.items()}
    for steps_before, tolerance in ((0, 1e-5), (5, 1e-3)):  # after five steps, float32 and float64 have drifted apart
        losses = {}
        for name, (run, loss) in made.items():
            run(steps_before)
            if loss:
                losses[name] = loss()
        if not np.allclose(list(losses.values()), losses["plain autograd"], rtol=tolerance):
            raise AssertionError(f"the contenders do not do the same; losses after {steps_before} steps: {losses}")
    per_round = {name: steps or max(10, round(SECONDS / cpu_time(run, 3))) for name, run in runs.items()}
    times = {name: [] for name in runs}
    for i in range(rounds):
        for name in list(runs)[:: -1 if i % 2 else 1]:
            times[name].append(cpu_time(runs[name], per_round[name]))
    return {name: np.array(values) for name, values in times.items()}


def quartiles(values):
    """Median and quartiles, as they stand in the table."""
    low, middle, high = np.percentile(values, [25, 50, 75])
    return f"{middle:.2f} ({low:.2f}–{high:.2f})"


def table(results):
    """The Markdown table of {job: {contender: times}}."""
    lines = ["| job | contender | ms a step | × floor | ours / it |", "|---|---|---:|---:|---:|"]
    for job, times in results.items():
        for name, values in times.items():
            lines.append(
                f"| {job} | {name} | {1e3 * np.median(values):.2f} | {quartiles(values / times['floor'])} | "
                f"{quartiles(times['ours'] / values)} |"
            )
    return "\n".join(lines)


def machine():
    """The processor, and what numpy multiplies matrices with."""
    cpuinfo = Path("/proc/cpuinfo")
    names = (
        [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        if cpuinfo.exists()
        else []
    )
    try:
        from threadpoolctl import threadpool_info

        blas = ", ".join(
            f"{lib['internal_api']} {lib['version']}, kernel {lib.get('architecture')}, {lib['num_threads']} thread"
            for lib in threadpool_info()
            if lib["user_api"] == "blas"
        )
    except ImportError:
        built = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
        blas = f"{built['name']} {built['version']} (threadpoolctl, not installed, would tell the kernel in use)"
    return f"{names[0] if names else platform.processor()}; numpy {np.__version__} on {blas}"


def main(argv=None):
    """Measures, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument(
        "--steps", type=int, default=0, help="of each contender in a round; 0: a quarter second's, at least 10"
    )
    parser.add_argument("--jobs", nargs="+", choices=JOBS, default=list(JOBS))
    options = parser.parse_args(argv)
    contenders = dict(CONTENDERS)
    try:
        import torch

        print(f"PyTorch {torch.__version__}")
    except ImportError:
        print("PyTorch is not installed: without it.")
        del contenders["PyTorch"], contenders["PyTorch, fused Adam"]
    print(machine())
    print(table({name: measure(JOBS[name], contenders, options.rounds, options.steps) for name in options.jobs}))


if __name__ == "__main__":
    sys.exit(main())
