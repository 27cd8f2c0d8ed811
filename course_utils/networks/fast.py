"""The few operations that networks spend their time in, each as a single node of autograd's tape, with its gradient.

They compute what the plain formulas compute, and differentiate as those do, to any order. Gradients have the type of
the arrays that they belong to: float32 stays float32, also under an objective with `np.mean`, whose gradient is
float64 in autograd; only those of integers are real numbers. Examples are rows, `(..., D)`; sums run over the last
axis. Arguments go by position: autograd does not look at others. `anp` is where autograd may differentiate once more,
`np` where nobody looks on.
"""

from collections.abc import Callable, Sequence

import autograd.numpy as anp
import numpy as np
from autograd.extend import defvjp, defvjp_argnums, primitive

from course_utils.networks.arrays import Array, Network, require_one_shape
from course_utils.networks.flat import matmul_into_gradient
from course_utils.networks.products import matmul

Vjp = Callable[[Array], Array]  # from the gradient of the result to that of an argument


def _real(a):
    """The array (or number, or list), with integers as float64."""
    a = np.asarray(a)
    return a if a.dtype.kind == "f" else a.astype(float)


def _in_type_of(a, gradient):
    """The gradient in the type of a, unless that is an integer's, which would cut it."""
    return gradient.astype(a.dtype, copy=False) if a.dtype.kind == "f" else gradient


@primitive
def dense(h: Array, W: Array, b: Array, /) -> Array:
    """A layer without activation, h W + b. h (..., in), W (in, out), b (out,) -> (..., out)."""
    a = matmul(h, _real(W))
    a += b
    return a


@primitive
def dense_tanh(h: Array, W: Array, b: Array, /) -> Array:
    """A layer, tanh(h W + b). h (..., in), W (in, out), b (out,) -> (..., out)."""
    a = matmul(h, _real(W))
    a += b
    return np.tanh(a, out=a)


def dense_vjp(argnums: Sequence[int], args: Sequence[Array], a_bar: Array) -> list[Array]:
    """The gradients of the arguments with these numbers, given that of a = h W + b:

    h_bar = a_bar W^T, W_bar = h^T a_bar and b_bar = a_bar, both summed over all examples.
    """
    h, W, _ = args
    a_bar = _in_type_of(W, a_bar)
    h_rows, a_rows = h.reshape(-1, W.shape[0]), a_bar.reshape(-1, W.shape[1])
    gradients = (
        lambda: matmul(a_bar, W.T),
        lambda: matmul_into_gradient(W, h_rows.T, a_rows),
        lambda: a_rows.sum(axis=0),
    )
    return [_in_type_of(args[i], gradients[i]()) for i in argnums]


defvjp_argnums(dense, lambda argnums, ans, args, _: lambda g: dense_vjp(argnums, args, g))
defvjp_argnums(  # tanh' = 1 - tanh^2
    dense_tanh, lambda argnums, ans, args, _: lambda g: dense_vjp(argnums, args, g * (1 - ans * ans))
)


def tanh_layers(params: Network, x: Array) -> list[Array]:
    """What `nets.mlp` computes on its way, without a tape: [x, the first layer's output, ..., the network's output]."""
    layers = [x]
    for i, (W, b) in enumerate(params, start=1):
        a = matmul(layers[-1], W)
        a += b
        layers.append(np.tanh(a, out=a) if i < len(params) else a)
    return layers


def tanh_gradients(params: Network, layers: list[Array], bar: Array) -> tuple[Network, Array]:
    """(the gradients of all W and b, that of x), from `tanh_layers` and the gradient of the network's output, (N, out):
    `dense_vjp` layer by layer, and tanh' = 1 - tanh^2."""
    gradients: Network = []
    for i, ((W, _), h) in enumerate(zip(params[::-1], layers[-2::-1]), start=1):
        gradients.append((matmul(h.T, bar), bar.sum(axis=0)))
        bar = matmul(bar, W.T)
        if i < len(params):
            slope = h * h
            bar *= np.subtract(1, slope, out=slope)
    return gradients[::-1], bar


@primitive
def bernoulli_cross_entropy(x: Array, logits: Array, /) -> Array:
    """-log p(x) of independent pixels with p(x_d = 1) = 1 / (1 + exp(-l_d)): sum_d [log(1 + exp(l_d)) - x_d l_d], nats.

    x (..., D) between 0 and 1, which is not differentiated, logits (..., D) -> (...); leading axes of x broadcast, D
    does not.
    log(1 + exp(l)) = max(l, 0) + log(1 + exp(-|l|)) does not overflow. log(1 + u) is five times as fast as log1p(u)
    in float32, and costs at most one rounding of 1 (6e-8) a pixel.
    """
    logits = _real(logits)
    if np.shape(x)[-1:] != logits.shape[-1:]:
        raise ValueError(f"x and logits should have as many pixels, but they have {np.shape(x)} and {logits.shape}")
    terms = np.abs(logits)
    np.exp(np.negative(terms, out=terms), out=terms)
    terms += 1
    np.log(terms, out=terms)
    terms += np.maximum(logits, 0)
    return np.sum(terms - x * logits, axis=-1)


def bernoulli_cross_entropy_vjp(ans: Array, x: Array, logits: Array) -> Vjp:
    """logits_bar_d = g (sigmoid(l_d) - x_d)."""
    return lambda g: _in_type_of(logits, _in_type_of(logits, g[..., None]) * (sigmoid(logits) - x))


@primitive
def sigmoid(logits: Array, /) -> Array:
    """1 / (1 + exp(-l)), entry by entry; exp may overflow to infinity, and then the result is 0, as it should be."""
    with np.errstate(over="ignore"):
        s = np.asarray(np.exp(-_real(logits)))
    s += 1
    return np.divide(1, s, out=s)[()]  # a number for a number


defvjp(sigmoid, lambda ans, logits: lambda g: g.astype(ans.dtype, copy=False) * ans * (1 - ans))
defvjp(bernoulli_cross_entropy, bernoulli_cross_entropy_vjp, argnums=[1])


@primitive
def gaussian_kl(mu: Array, log_sigma: Array, /) -> Array:
    """KL(N(mu, diag(sigma^2)) || N(0, I)) = 1/2 sum_k (sigma_k^2 + mu_k^2 - 1 - log sigma_k^2), in nats.

    mu, log_sigma (..., K), of one shape -> (...). (Kingma and Welling 2014, appendix B.)
    """
    require_one_shape(mu=mu, log_sigma=log_sigma)
    return 0.5 * np.sum(np.exp(2 * log_sigma) + mu * mu - 1 - 2 * log_sigma, axis=-1)


def gaussian_kl_vjp_mu(ans: Array, mu: Array, log_sigma: Array) -> Vjp:
    """mu_bar_k = g mu_k."""
    return lambda g: _in_type_of(mu, g[..., None] * mu)


def gaussian_kl_vjp_log_sigma(ans: Array, mu: Array, log_sigma: Array) -> Vjp:
    """log_sigma_bar_k = g (sigma_k^2 - 1)."""
    return lambda g: _in_type_of(log_sigma, g[..., None] * (anp.exp(2 * log_sigma) - 1))


defvjp(gaussian_kl, gaussian_kl_vjp_mu, gaussian_kl_vjp_log_sigma)


@primitive
def gaussian_sample(mu: Array, log_sigma: Array, eps: Array, /) -> Array:
    """z = mu + exp(log_sigma) eps, a sample of N(mu, diag(sigma^2)) for standard normal eps (reparameterization).

    mu, log_sigma (N, K), of one shape, eps (..., N, K), which is not differentiated -> (..., N, K).
    (Kingma and Welling 2014, section 2.4.)
    """
    require_one_shape(mu=mu, log_sigma=log_sigma)
    return mu + np.exp(log_sigma) * eps


def gaussian_sample_vjp_mu(ans: Array, mu: Array, log_sigma: Array, eps: Array) -> Vjp:
    """mu_bar = z_bar, summed over the samples of an example."""
    return lambda g: _sum_over_samples(g, mu)


def gaussian_sample_vjp_log_sigma(ans: Array, mu: Array, log_sigma: Array, eps: Array) -> Vjp:
    """log_sigma_bar = z_bar sigma eps, summed over the samples of an example."""
    return lambda g: _sum_over_samples(g * anp.exp(log_sigma) * eps, log_sigma)


defvjp(gaussian_sample, gaussian_sample_vjp_mu, gaussian_sample_vjp_log_sigma)


def _sum_over_samples(g, like):
    """g (..., N, K) summed over the leading axes that `like` (N, K) has not, in its type."""
    return _in_type_of(like, anp.sum(g, axis=tuple(range(g.ndim - like.ndim))))


@primitive
def softmax_cross_entropy(targets: Array, logits: Array, /) -> Array:
    """-sum_c t_c log softmax(l)_c, in nats: targets (..., C), rows that add up to 1, not differentiated; logits like
    them -> (...). Finite for any finite logits."""
    logits = _real(logits)
    if np.shape(targets) != logits.shape:
        raise ValueError(f"targets and logits should have one shape, but have {np.shape(targets)} and {logits.shape}")
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return np.log(np.exp(shifted).sum(axis=-1)) - (targets * shifted).sum(axis=-1)


def softmax_cross_entropy_vjp(ans: Array, targets: Array, logits: Array) -> Vjp:
    """logits_bar_c = g (softmax(l)_c - t_c)."""

    def logits_bar(g):
        e = anp.exp(logits - anp.max(logits, axis=-1, keepdims=True))
        p = e / anp.sum(e, axis=-1, keepdims=True)
        return _in_type_of(logits, _in_type_of(logits, g[..., None]) * (p - targets))

    return logits_bar


defvjp(softmax_cross_entropy, softmax_cross_entropy_vjp, argnums=[1])
