"""Exercises of notebook 07: q fitted to one example at a time, the encoder that does without, and what that costs."""

import contextlib
import functools
import io

import autograd.numpy as anp
import numpy as np
from scipy.special import expit

from course_utils.exercises.model import Case, Exercise, Finding, Misconception, close
from course_utils.exercises.network_shapes import shapes_of
from course_utils.exercises.stand_ins import Rng
from course_utils.models import amortization
from course_utils.networks import nets, optim
from course_utils.networks.fast import bernoulli_cross_entropy, gaussian_kl, gaussian_sample

exercise = functools.partial(Exercise, notebook="07_amortized_inference", compare=close())


def linear_model(rng, D, K):
    """W (D, K) with columns that are not orthogonal, b (D,), and a noise variance away from 1."""
    return rng.normal(size=(D, K)), rng.uniform(0.5, 1.5, D), float(rng.uniform(0.3, 0.6))


# linear_posterior ---------------------------------------------------------------------------------------------------


def posterior_cases(rng):
    def case(N, D, K, label=""):
        W, b, eta = linear_model(rng, D, K)
        return Case((rng.normal(size=(N, D)), W, b, eta), label)

    return [
        case(5, 6, 3),
        case(4, 7, 2),
        case(1, 5, 3, "on a single example"),
        case(4, 3, 5, "with more latents than pixels"),
    ]


def posterior_oracle(x, W, b, eta):
    """z given x of the joint Gaussian of (z, x), by the rule for conditioning, which inverts a matrix over pixels."""
    gain = W.T @ np.linalg.inv(W @ W.T + eta * np.eye(len(b)))
    return (x - b) @ gain.T, np.eye(W.shape[1]) - gain @ W


def posterior_with(
    precision=lambda W, eta: np.eye(W.shape[1]) + W.T @ W / eta,
    pull=lambda x, W, b, eta: (x - b) @ W / eta,
    covariance=np.linalg.inv,
):
    """A wrong posterior: each part of the formula may be replaced."""

    def linear_posterior(x, W, b, eta):
        P = precision(W, eta)
        return pull(x, W, b, eta) @ np.linalg.inv(P).T, covariance(P)

    return linear_posterior


def ridge(W, eta):
    return eta * np.eye(W.shape[1]) + W.T @ W


def posterior_with_plain_means(x, W, b, eta):
    return (x - b) @ W / eta, posterior_oracle(x, W, b, eta)[1]


def precision_of(W, eta):
    return np.eye(W.shape[1]) + W.T @ W / eta


def cut_from_the_pixels(W, eta):
    """The first entries of the inverse of I + W W^T / eta, in the place of the covariance."""
    K = W.shape[1]
    return np.linalg.inv(np.eye(len(W)) + W @ W.T / eta)[:K, :K]


def spelled_linear_posterior(P, x, W, b, eta):
    precision = P.term("the prior's part I of the precision", np.eye(W.shape[1])) + W.T @ W / P.divisor(
        "eta in the precision", eta
    )
    covariance = P("the covariance", np.linalg.inv(P("the precision", precision)))
    pull = P("W in the mean", (x - P.term("b", b)) @ W) / P.divisor("eta in the mean", eta)
    return pull @ P("the covariance in the mean", covariance), covariance


LINEAR_POSTERIOR = exercise(
    name="linear_posterior",
    points=3,
    minutes=10,
    lines=3,
    lecture_points=("L16", "L19"),
    signature="linear_posterior(x, W, b, eta)",
    returns="mu (N, K), covariance (K, K)",
    task=(
        r"Return the exact posterior $p(\mathbf{z} \mid \mathbf{x}) = \mathcal{N}(\boldsymbol\mu, S)$ of the model "
        r"$\mathbf{z} \sim \mathcal{N}(0, I)$, $\mathbf{x} = W\mathbf{z} + \mathbf{b} + \text{noise}$ of variance "
        r"$\eta$: a mean for each row of `x`, and the covariance that all rows share."
    ),
    answer="course_utils.models.linear_gaussian:linear_posterior",
    aliases=("course_utils.models.linear_gaussian:mean_field_posterior",),
    cases=posterior_cases,
    oracle=posterior_oracle,
    spelled=spelled_linear_posterior,
    others={
        "the prior is left out: this is least squares": (
            lambda x, W, b, eta: ((x - b) @ np.linalg.pinv(W).T, eta * np.linalg.inv(W.T @ W))
        ),
        "the means are not multiplied by the covariance": posterior_with_plain_means,
        "the covariance is that of x, W W^T + eta I, and not that of z": (
            lambda x, W, b, eta: (posterior_oracle(x, W, b, eta)[0], W @ W.T + eta * np.eye(len(b))),
        ),
        "the variances are returned, the diagonal of the covariance; the whole matrix is asked": (
            lambda x, W, b, eta: (posterior_oracle(x, W, b, eta)[0], np.diag(posterior_oracle(x, W, b, eta)[1]))
        ),
        "the covariance is repeated for every example; it is the same for all, (K, K)": (
            lambda x, W, b, eta: (
                posterior_oracle(x, W, b, eta)[0],
                np.repeat(posterior_oracle(x, W, b, eta)[1][None], len(x), axis=0),
            )
        ),
        "W^T W and the means are multiplied by eta, where they are to be divided by it": (
            posterior_with(lambda W, eta: np.eye(W.shape[1]) + eta * W.T @ W, lambda x, W, b, eta: eta * (x - b) @ W),
        ),
        "each entry of the precision is inverted; invert the matrix": (
            posterior_with(covariance=lambda P: 1 / P),
            lambda x, W, b, eta: ((x - b) @ W @ (1 / precision_of(W, eta)) / eta, 1 / precision_of(W, eta)),
        ),
        "this is right for columns of W that are orthogonal; here they need not be: invert the whole precision": (
            lambda x, W, b, eta: (
                (x - b) @ W / (np.sum(W**2, axis=0) + eta),
                np.diag(eta / (np.sum(W**2, axis=0) + eta)),
            )
        ),
        "the matrix W W^T of the pixels, (D, D), stands where W^T W of the latents, (K, K), belongs": (
            lambda x, W, b, eta: (posterior_oracle(x, W, b, eta)[0], cut_from_the_pixels(W, eta))
        ),
        "the means are those of least squares, which the prior does not pull towards 0": (
            lambda x, W, b, eta: ((x - b) @ np.linalg.pinv(W).T, posterior_oracle(x, W, b, eta)[1])
        ),
    },
    misconceptions={
        "precision returned": Misconception(
            posterior_with(covariance=lambda P: P),
            "The means are right, but the matrix is the precision. The covariance is its inverse.",
        ),
        "widths of q": Misconception(
            posterior_with(covariance=lambda P: np.diag(1 / np.diag(P))),
            "You invert the entries of the precision's diagonal one by one. That is the best diagonal q, "
            "which comes later; the posterior's covariance is the inverse of the whole matrix.",
        ),
        "correlations dropped": Misconception(
            posterior_with(covariance=lambda P: np.diag(np.diag(np.linalg.inv(P)))),
            "The covariance has lost what lies off its diagonal: the posterior's latents are correlated.",
        ),
        "eta left over": Misconception(
            lambda x, W, b, eta: ((x - b) @ W @ np.linalg.inv(ridge(W, eta)), np.linalg.inv(ridge(W, eta))),
            "The means are right; the covariance lacks a factor. "
            "With the matrix W^T W + eta I, the covariance is eta times its inverse.",
        ),
        "b left out": Misconception(
            posterior_with(pull=lambda x, W, b, eta: x @ W / eta),
            "b is left out of the means: what has to be explained is x - b.",
        ),
        "eta squared": Misconception(
            posterior_with(
                lambda W, eta: np.eye(W.shape[1]) + W.T @ W / eta**2, lambda x, W, b, eta: (x - b) @ W / eta**2
            ),
            "You square eta. It is the variance of the noise already, not its standard deviation.",
        ),
        "eta only in the covariance": Misconception(
            posterior_with(pull=lambda x, W, b, eta: (x - b) @ W),
            "The means lack the factor 1/eta: completing the square gives S W^T (x - b) / eta.",
        ),
        "prior as strong as the noise": Misconception(
            posterior_with(lambda W, eta: (np.eye(W.shape[1]) + W.T @ W) / eta),
            "The prior's part of the precision is divided by eta, too. The prior has variance 1: its part is I.",
        ),
    },
    hints=(
        (
            r"$\log p(\mathbf{x}, \mathbf{z}) = -\lVert\mathbf{x} - W\mathbf{z} - \mathbf{b}\rVert^2/2\eta "
            r"- \lVert\mathbf{z}\rVert^2/2 + \text{const}$ is quadratic in $\mathbf{z}$, "
            r"so the posterior is a Gaussian. Collect the squares of $\mathbf{z}$."
        ),
        (
            r"The terms in $\mathbf{z}$ are $-\frac12\mathbf{z}^\top P\mathbf{z} + "
            r"\frac1\eta\mathbf{z}^\top W^\top(\mathbf{x} - \mathbf{b})$ with $P = I + \frac1\eta W^\top W$. "
            r"$P$ is the precision, the inverse of the covariance."
        ),
        "covariance = np.linalg.inv(np.eye(K) + W.T @ W / eta), and for rows mu = (x - b) @ W @ covariance / eta.",
    ),
    afterwards=(
        r"$P = I + \frac1\eta W^\top W$, the prior's precision plus what the pixels add, and "
        r"$\mathbf{a} = \frac1\eta W^\top (\mathbf{x} - \mathbf{b})$."
    ),
)


# svi_step -----------------------------------------------------------------------------------------------------------


def step_cases(rng):
    def case(N, D, K, label=""):
        mu, log_sigma = rng.normal(size=(N, K)), rng.uniform(-1.2, -0.3, (N, K)) + 1.8 * (rng.random((N, K)) < 0.3)
        return Case(
            (rng.normal(size=(N, D)), mu, log_sigma, *linear_model(rng, D, K), float(rng.uniform(0.03, 0.1))), label
        )

    precise = case(3, 6, 2, "for a small eta")
    precise = precise._replace(args=(*precise.args[:5], 0.001, 1e-5))
    return [case(5, 6, 3), case(4, 7, 2), case(1, 5, 3, "on a single example"), precise]


def bound_in_one(x, W, b, eta, mu, log_sigma):
    """F of one example up to a constant, from the trace form of the expected error."""
    r, sigma = x - W @ mu - b, np.exp(log_sigma)
    return (
        -(r @ r + np.trace(W @ np.diag(sigma**2) @ W.T)) / (2 * eta) - 0.5 * (sigma @ sigma + mu @ mu) + log_sigma.sum()
    )


def step_oracle(x, mu, log_sigma, W, b, eta, step_size, h=1e-4):
    """The slopes by central differences of each example's own F."""
    new_mu, new_log_sigma = mu.copy(), log_sigma.copy()
    for n, (m, s) in enumerate(zip(mu, log_sigma)):
        for k, e in enumerate(h * np.eye(len(m))):
            new_mu[n, k] += (
                step_size
                * (bound_in_one(x[n], W, b, eta, m + e, s) - bound_in_one(x[n], W, b, eta, m - e, s))
                / (2 * h)
            )
            new_log_sigma[n, k] += (
                step_size
                * (bound_in_one(x[n], W, b, eta, m, s + e) - bound_in_one(x[n], W, b, eta, m, s - e))
                / (2 * h)
            )
    return new_mu, new_log_sigma


def right_slope_mu(x, mu, W, b, eta):
    return (x - b - mu @ W.T) @ W / eta - mu


def right_slope_log_sigma(s, W, eta):
    return 1 - np.exp(2 * s) * (1 + np.sum(W**2, axis=0) / eta)


def step_with(slope_mu=right_slope_mu, slope_log_sigma=right_slope_log_sigma, share=lambda x: 1.0):
    """A wrong step: either slope may be replaced, or multiplied with a share."""

    def svi_step(x, mu, log_sigma, W, b, eta, step_size):
        rate = step_size * share(x)
        return mu + rate * slope_mu(x, mu, W, b, eta), log_sigma + rate * slope_log_sigma(log_sigma, W, eta)

    return svi_step


def unit_rows(a):
    return a / np.linalg.norm(a, axis=1, keepdims=True)


def spelled_svi_step(P, x, mu, log_sigma, W, b, eta, step_size):
    r = x - P.term("b", b) - P.term("W mu", mu @ W.T)
    pull = P.term("the reconstruction's part of mu's slope", r @ W / P.divisor("eta in mu's slope", eta))
    slope_mu = pull - P.term("mu in its own slope", mu)
    variance = P.apply("the square of sigma", np.square, P.apply("exp", np.exp, log_sigma))
    lengths = P.sum(P.apply("the square of W", np.square, W), 0, "the rows of W") / P.divisor(
        "eta in log_sigma's slope", eta
    )
    costs = P.factor("sigma^2", variance) * (
        P.term("the 1 of the prior", np.ones(W.shape[1])) + P.term("||w_k||^2 / eta", lengths)
    )
    slope_log_sigma = P.term("the 1 that keeps sigma from shrinking", np.ones_like(mu)) - P.term(
        "sigma^2 (1 + ||w_k||^2 / eta)", costs
    )
    steps = (
        P.factor("the step size of mu", step_size) * slope_mu,
        P.factor("the step size of log_sigma", step_size) * slope_log_sigma,
    )
    return P.term("the old mu", mu) + P.term("the step of mu", steps[0]), P.term(
        "the old log_sigma", log_sigma
    ) + P.term("the step of log_sigma", steps[1])


SVI_STEP = exercise(
    name="svi_step",
    points=3,
    minutes=10,
    lines=4,
    lecture_points=("L19",),
    signature="svi_step(x, mu, log_sigma, W, b, eta, step_size)",
    returns="mu (N, K), log_sigma (N, K)",
    task=(
        "Take one step of gradient ascent on the exact ELBO of the linear-Gaussian model: each example follows the "
        r"slope of its own $\mathcal{F}$ with respect to its own $\boldsymbol\mu$ and $\log\boldsymbol\sigma$, "
        "both taken at the old values. No average over examples."
    ),
    answer="course_utils.models.amortization:svi_step",
    cases=step_cases,
    oracle=step_oracle,
    spelled=spelled_svi_step,
    others={
        "these are the slopes; add step_size times each to mu and log_sigma": (
            lambda x, mu, s, W, b, eta, step_size: (right_slope_mu(x, mu, W, b, eta), right_slope_log_sigma(s, W, eta))
        ),
        "these are the steps; add them to mu and log_sigma": (
            lambda x, mu, s, W, b, eta, step_size: (
                step_size * right_slope_mu(x, mu, W, b, eta),
                step_size * right_slope_log_sigma(s, W, eta),
            )
        ),
        "log_sigma's slope has 2 eta where eta is meant: the derivative of sigma^2 brings a 2, which cancels it": (
            step_with(slope_log_sigma=lambda s, W, eta: 1 - np.exp(2 * s) * (1 + np.sum(W**2, axis=0) / (2 * eta))),
        ),
        "mu's slope has 2 eta where eta is meant: the 2 of the square cancels the 1/2": (
            step_with(lambda x, mu, W, b, eta: (x - b - mu @ W.T) @ W / (2 * eta) - mu)
        ),
        "the 2 of the square is left in mu's slope: it cancels the 1/2 in front": (
            step_with(lambda x, mu, W, b, eta: 2 * (x - b - mu @ W.T) @ W / eta - mu)
        ),
        "the squared entries of W are summed over all of W; each sigma_k goes with its own column (axis=0)": (
            step_with(slope_log_sigma=lambda s, W, eta: 1 - np.exp(2 * s) * (1 + np.sum(W**2) / eta)),
        ),
        "the rows of the precision are summed in log_sigma's slope; it has the diagonal, 1 + ||w_k||^2 / eta": (
            step_with(slope_log_sigma=lambda s, W, eta: 1 - np.exp(2 * s) * np.sum(precision_of(W, eta), axis=0)),
        ),
        "the slopes are scaled to length 1 before the step; it takes them as they are": (
            lambda x, mu, s, W, b, eta, step_size: (
                mu + step_size * unit_rows(right_slope_mu(x, mu, W, b, eta)),
                s + step_size * unit_rows(right_slope_log_sigma(s, W, eta)),
            ),
        ),
        "the lengths of W's columns are not squared: ||w_k||^2 is the sum of their squared entries": (
            step_with(slope_log_sigma=lambda s, W, eta: 1 - np.exp(2 * s) * (1 + np.linalg.norm(W, axis=0) / eta)),
        ),
        "the slopes are averaged over the examples; each example has its own": (
            lambda x, mu, s, W, b, eta, step_size: (
                mu + step_size * right_slope_mu(x, mu, W, b, eta).mean(axis=0),
                s + step_size * right_slope_log_sigma(s, W, eta).mean(axis=0),
            ),
        ),
        "sigma is returned; log_sigma is asked": (
            lambda x, mu, s, W, b, eta, step_size: (
                step_with()(x, mu, s, W, b, eta, step_size)[0],
                np.exp(step_with()(x, mu, s, W, b, eta, step_size)[1]),
            )
        ),
        "the step is taken in sigma, whose logarithm is returned; the step is to be taken in log_sigma": (
            lambda x, mu, s, W, b, eta, step_size: (
                step_with()(x, mu, s, W, b, eta, step_size)[0],
                np.log(np.exp(s) + step_size * right_slope_log_sigma(s, W, eta) / np.exp(s)),
            ),
        ),
    },
    misconceptions={
        "downhill": Misconception(
            step_with(share=lambda x: -1.0), "You step downhill. The ELBO is to be maximised: add the gradient."
        ),
        "divided by N": Misconception(
            step_with(share=lambda x: 1 / len(x)),
            "The steps are N times too short, as if the objective were a mean over examples. "
            "Each example has a q and an ELBO of its own.",
        ),
        "slope in sigma": Misconception(
            step_with(slope_log_sigma=lambda s, W, eta: right_slope_log_sigma(s, W, eta) / np.exp(s)),
            "log_sigma moves by the slope with respect to sigma. By the chain rule, dF/dlog sigma = sigma dF/dsigma.",
        ),
        "no pull to the prior": Misconception(
            step_with(lambda x, mu, W, b, eta: (x - b - mu @ W.T) @ W / eta),
            "mu follows the reconstruction term alone. The KL term contains mu^2 / 2, which pulls mu towards 0.",
        ),
        "log variance": Misconception(
            step_with(slope_log_sigma=lambda s, W, eta: 1 - np.exp(s) * (1 + np.sum(W**2, axis=0) / eta)),
            "In log_sigma's slope the variance is np.exp(log_sigma), which is sigma: "
            "log_sigma is the log of the standard deviation.",
        ),
        "nothing holds sigma up": Misconception(
            step_with(slope_log_sigma=lambda s, W, eta: right_slope_log_sigma(s, W, eta) - 1),
            "Nothing keeps sigma from shrinking for ever. "
            "Minus the KL term contains + log sigma: its slope, 1, is missing.",
        ),
        "spread not decoded": Misconception(
            step_with(slope_log_sigma=lambda s, W, eta: 1 - np.exp(2 * s)),
            "log_sigma follows the KL term alone. "
            "The spread of q costs reconstruction, too: sigma_k^2 ||w_k||^2 / (2 eta).",
        ),
        "prior left out for sigma": Misconception(
            step_with(slope_log_sigma=lambda s, W, eta: 1 - np.exp(2 * s) * np.sum(W**2, axis=0) / eta),
            "In log_sigma's slope the prior's part is missing: the KL term contains sigma^2 / 2.",
        ),
        "eta squared": Misconception(
            step_with(
                lambda x, mu, W, b, eta: (x - b - mu @ W.T) @ W / eta**2 - mu,
                lambda s, W, eta: right_slope_log_sigma(s, W, eta**2),
            ),
            "You square eta. It is the variance of the noise already, not its standard deviation.",
        ),
        "b left out": Misconception(
            step_with(lambda x, mu, W, b, eta: right_slope_mu(x, mu, W, 0 * b, eta)),
            "b is left out: the decoder is mu @ W.T + b.",
        ),
    },
    hints=(
        (
            r"Two slopes, each with the other part held. In $\boldsymbol\mu$ the $\frac12$ and the 2 of the square "
            r"cancel. For $\log\sigma_k$ write $\sigma_k^2 = e^{2\log\sigma_k}$: its derivative is $2\sigma_k^2$."
        ),
        (
            r"$\partial\mathcal{F}/\partial\boldsymbol\mu = \frac1\eta W^\top(\mathbf{x} - W\boldsymbol\mu - "
            r"\mathbf{b}) - \boldsymbol\mu$ and $\partial\mathcal{F}/\partial\log\sigma_k = "
            r"1 - \sigma_k^2(1 + \lVert\mathbf{w}_k\rVert^2/\eta)$. All rows at once: $W\boldsymbol\mu$ is `mu @ W.T`."
        ),
        (
            "mu + step_size * ((x - b - mu @ W.T) @ W / eta - mu), "
            "and log_sigma + step_size * (1 - np.exp(2 * log_sigma) * (1 + np.sum(W ** 2, axis=0) / eta))."
        ),
    ),
)


# encoder_forward ----------------------------------------------------------------------------------------------------


def encoder_cases(rng):
    def case(N, *sizes, label="", shift=0.0):
        """`shift` is added to log sigma."""
        params = [
            (rng.normal(size=(n, m)) / np.sqrt(n), 0.5 + 0.3 * rng.normal(size=m)) for n, m in zip(sizes, sizes[1:])
        ]
        params[-1][1][sizes[-1] // 2 :] += shift
        return Case((params, rng.normal(size=(N, sizes[0]))), label)

    return [
        case(7, 5, 4, 6),
        case(5, 7, 4, 4, 4),
        case(3, 5, 4, 6, shift=-12.0, label="for very small sigma"),
        case(5, 6, 8, label="with an encoder of a single layer"),
        case(1, 4, 3, 6, label="on a single example"),
    ]


def encoder_by_rows(params, x):
    """Row by row, and the two halves of the last layer as two layers of their own."""
    *hidden, (W, b) = params
    K = len(b) // 2
    mu, log_sigma = [], []
    for h in x:
        for V, c in hidden:
            h = np.tanh(V.T @ h + c)
        mu.append(W[:, :K].T @ h + b[:K])
        log_sigma.append(W[:, K:].T @ h + b[K:])
    return np.array(mu), np.array(log_sigma)


def network(params, x, activation=np.tanh):
    h = x
    for W, b in params[:-1]:
        h = activation(h @ W + b)
    return h @ params[-1][0] + params[-1][1]


def encoder_with(split, activation=np.tanh):
    """A wrong encoder: what becomes of the network's output h (N, 2K)."""
    return lambda params, x: split(network(params, x, activation))


def halves(h):
    K = h.shape[1] // 2
    return h[:, :K], h[:, K:]


def spelled_encoder_forward(P, params, x):
    h = x
    for W, b in params[:-1]:
        h = P.apply("tanh between the layers", np.tanh, h @ W + P.term("the bias of a hidden layer", b))
    W, b = params[-1]
    mu, log_sigma = np.split(h @ W + P.term("the bias of the last layer", b), 2, axis=1)
    return P("mu", mu), P("log_sigma", log_sigma)


ENCODER_FORWARD = exercise(
    name="encoder_forward",
    points=1,
    minutes=4,
    lines=2,
    lecture_points=("L20",),
    signature="encoder_forward(params, x)",
    returns="mu (N, K), log_sigma (N, K)",
    task=(
        "Return the encoder's answer for each row of `x`: the output (N, 2K) of the network `params`, tanh between "
        r"layers (`nets.mlp`), split into $\boldsymbol\mu$ and $\log\boldsymbol\sigma$. You will train with it, so "
        "autograd must be able to differentiate it."
    ),
    answer="course_utils.models.vae:encoder_forward",
    aliases=("course_utils.models.conductor:read",),
    cases=encoder_cases,
    differentiated=1,
    oracle=encoder_by_rows,
    spelled=spelled_encoder_forward,
    others={
        "this is the network's output (N, 2K); split it into mu and log_sigma": network,
        "tanh acts on log_sigma": encoder_with(lambda h: (halves(h)[0], np.tanh(halves(h)[1]))),
        "the second result is the variance; log_sigma is asked": (
            encoder_with(lambda h: (halves(h)[0], np.exp(2 * halves(h)[1])))
        ),
        "the first column is mu and the second log_sigma; the first K and the last K columns are": (
            encoder_with(lambda h: (h[:, :1], h[:, 1:2])),
            encoder_with(lambda h: (h[:, 0], h[:, 1])),
        ),
        "mu has a column too many, and log_sigma one too few: each has K": (
            encoder_with(lambda h: (h[:, : h.shape[1] // 2 + 1], h[:, h.shape[1] // 2 + 1 :]))
        ),
        "mu has a column too few, and log_sigma one too many: each has K": (
            encoder_with(lambda h: (h[:, : h.shape[1] // 2 - 1], h[:, h.shape[1] // 2 - 1 :]))
        ),
        "the columns of log_sigma begin one too early: they are the K after those of mu": (
            encoder_with(lambda h: (h[:, : h.shape[1] // 2], h[:, h.shape[1] // 2 - 1 : -1])),
        ),
        "mu has all 2K columns, and nothing is left for log_sigma: K is half of the last layer's width": (
            encoder_with(lambda h: (h, h[:, h.shape[1] :])),
        ),
        "tanh acts on the input x, too; it stands between the layers": (
            lambda params, x: halves(network(params, np.tanh(x))),
        ),
        "only the first and the last layer are run; there may be others between them": (
            lambda params, x: halves(network([params[0], params[-1]], x)),
        ),
        "the rows are split, and not the columns: mu are the first K columns": (
            encoder_with(lambda h: (h[: len(h) // 2], h[len(h) // 2 :]))
        ),
        "ReLU stands between the layers, where tanh is asked": encoder_with(halves, lambda h: np.maximum(h, 0)),
        "the sigmoid stands between the layers, where tanh is asked": encoder_with(
            halves, lambda h: 1 / (1 + np.exp(-h))
        ),
        "an absolute value is taken of log_sigma; it stands as it is": (
            encoder_with(lambda h: (halves(h)[0], np.abs(halves(h)[1])))
        ),
        "log(1 + exp(a)) is taken of log_sigma; it stands as it is": (
            encoder_with(lambda h: (halves(h)[0], np.logaddexp(0, halves(h)[1])))
        ),
        "the logarithm of an absolute value is taken of log_sigma; it stands as it is": (
            encoder_with(lambda h: (halves(h)[0], np.log(np.abs(halves(h)[1]))))
        ),
        "both results are the second half of the output": encoder_with(lambda h: (halves(h)[1], halves(h)[1])),
    },
    misconceptions={
        "halves exchanged": Misconception(
            encoder_with(lambda h: halves(h)[::-1]), "The halves are exchanged: mu comes first, log_sigma second."
        ),
        "every other column": Misconception(
            encoder_with(lambda h: (h[:, ::2], h[:, 1::2])),
            "You take every other column. The first K columns are mu, the last K are log_sigma.",
        ),
        "sigma returned": Misconception(
            encoder_with(lambda h: (halves(h)[0], np.exp(halves(h)[1]))),
            "The second result is sigma. The network's output is log_sigma as it stands; "
            "whoever needs sigma takes the exponential.",
        ),
        "logarithm taken": Misconception(
            encoder_with(lambda h: (halves(h)[0], np.log(halves(h)[1]))),
            "You take the logarithm of the output. The output may be any number, also a negative one; "
            "it is called log_sigma as it stands.",
        ),
        "log variance": Misconception(
            encoder_with(lambda h: (halves(h)[0], halves(h)[1] / 2)),
            "log_sigma is half of what it should be, as if the network gave the log of the variance. "
            "In this course it gives the log of the standard deviation.",
        ),
        "tanh on the output": Misconception(
            encoder_with(lambda h: halves(np.tanh(h))),
            "tanh acts on the last layer, too, so that mu and log_sigma cannot leave -1 to 1. The output is linear.",
        ),
        "no tanh": Misconception(
            encoder_with(halves, lambda h: h),
            "There is no tanh between the layers, so the encoder is one linear map, however deep it is.",
        ),
        "same half twice": Misconception(
            encoder_with(lambda h: (halves(h)[0], halves(h)[0])), "Both results are the first half of the output."
        ),
    },
    hints=(
        (
            "You wrote the network in notebook 02, mlp_forward(params, x, activation); "
            "the library's is nets.mlp(params, x). Its last layer is 2K wide here."
        ),
        (
            "K is half the number of columns: the first K are mu, the others log_sigma. "
            "No exponential: log_sigma is what the network says."
        ),
        "h = nets.mlp(params, x) and K = h.shape[1] // 2, then h[:, :K] and h[:, K:].",
    ),
)


# encoder_train ------------------------------------------------------------------------------------------------------

STEPS, FEW_STEPS, SHARE = 500, 40, 0.95
EXAMPLES, FRESH, SAMPLES = 1000, 500, 16


def some_decoder(rng, *sizes):
    """A decoder with random weights: its latents say something about x, but not everything."""
    return [
        ((1 + 0.5 * (i > 0)) * rng.normal(size=(n, m)) / np.sqrt(n), 0.5 * rng.normal(size=m))
        for i, (n, m) in enumerate(zip(sizes, sizes[1:]))
    ]


def decoder_of(key, D, K):
    return some_decoder(np.random.default_rng([key, 0]), K, 16, D)


def drawn_from(decoder, N, rng):
    """Black and white x (N, D) of the model: z from the prior, pixels from the decoder."""
    p = expit(nets.mlp(decoder, rng.normal(size=(N, len(decoder[0][0])))))
    return (rng.random(p.shape) < p).astype(float)


def data_of(key, D, K, fresh=False):
    """Examples by the key; `fresh` gives others, which the answer has not seen."""
    return drawn_from(decoder_of(key, D, K), FRESH if fresh else EXAMPLES, np.random.default_rng([key, 1 + fresh]))


def training_cases(rng):
    def case(D, *hidden, K, steps=STEPS, label=""):
        key, seed = map(int, rng.integers(1, 2**62, size=2))
        return Case((data_of(key, D, K), decoder_of(key, D, K), [D, *hidden, K], steps, Rng(seed)), label, (key,))

    return [
        case(40, 32, K=3),
        case(12, 8, 6, K=2, steps=FEW_STEPS, label="with two hidden layers"),  # for its shapes alone
    ]


def empty_encoder(x, decoder, sizes, steps, rng):
    """What the result must look like; what it must achieve is measured by `compare_encoders`."""
    wide = [*sizes[:-1], 2 * sizes[-1]]
    return tuple((np.zeros((n, m)), np.zeros(m)) for n, m in zip(wide, wide[1:]))


def fresh_terms(args, encoder, width=lambda s: s, noise=1.0):
    """(reconstruction, KL), means over fresh data with fresh noise, under the decoder that was given."""
    _, decoder, sizes, *_, key = args
    x = data_of(key, sizes[0], sizes[-1], fresh=True)
    mu, log_sigma = halves(network([(np.asarray(W, float), np.asarray(b, float)) for W, b in encoder], x))
    log_sigma = width(log_sigma)
    eps = noise * np.random.default_rng([key, 3]).normal(size=(SAMPLES, *mu.shape))
    with np.errstate(all="ignore"):
        log_p = -bernoulli_cross_entropy(x, nets.mlp(decoder, mu + np.exp(log_sigma) * eps))
        return float(np.mean(log_p)), float(np.mean(gaussian_kl(mu, log_sigma)))


@functools.lru_cache(maxsize=64)
def reference(key, sizes, steps):
    """The library's own encoder for the decoder and the examples of the key."""
    data = data_of(key, sizes[0], sizes[-1]), decoder_of(key, sizes[0], sizes[-1])
    with contextlib.redirect_stdout(io.StringIO()):  # its progress would stand in the way of a grader's bar
        return amortization.encoder_train(*data, sizes, steps, np.random.default_rng(0))


def reference_terms(args):
    return fresh_terms(args, reference(args[-1], tuple(args[2]), args[3]))


def prior_s_bound(args):
    """The ELBO of q = p(z), which asks no network."""
    D, K = args[2][0], args[2][-1]
    return fresh_terms(args, [(np.zeros((D, 2 * K)), np.zeros(2 * K))])[0]


def share_of_gain(args, reconstruction, kl):
    """How much better than q = p(z), in parts of what the reference gains."""
    floor, (r, k) = prior_s_bound(args), reference_terms(args)
    return (reconstruction - kl - floor) / (r - k - floor)


def compare_encoders(expected, got, args):
    terms = fresh_terms(args, got)
    if not np.isfinite(terms).all():
        return Finding(
            "not finite",
            "The bound is not finite after training. Is its sign wrong, or the step size too large?",
        )
    if args[3] == FEW_STEPS:
        return None
    share = share_of_gain(args, *terms)
    if share < SHARE:
        return Finding(
            "values",
            f"On fresh data the ELBO (reconstruction {terms[0]:.4g}, KL {terms[1]:.4g} nats) gains {share:.2g} of what "
            f"it could over q = p(z); at least {SHARE} is asked. Print the loss while you train: does it fall, and "
            "does it still fall at the end? (A step size of a few thousandths is about right.) Does the decoder stay "
            "as it was given, so that the encoder alone learns?",
        )
    return None


def diagnose_encoder(args, got):
    sizes = args[2]
    wide = [*sizes[:-1], 2 * sizes[-1]]
    if isinstance(got, list | tuple) and len(got) == 2 and shapes_of(got[0]) == list(zip(wide, wide[1:])):
        return "decoder too"
    if shapes_of(got) == list(zip(sizes, sizes[1:])):
        return "code width"
    if shapes_of(got) != list(zip(wide, wide[1:])) or args[3] == FEW_STEPS:
        return None
    return diagnose_terms(args, got)


def diagnose_terms(args, got):
    """The key for an encoder with a poor bound: by its two terms, and by what other readings of it would give."""
    reconstruction, kl = fresh_terms(args, got)
    usual, usual_kl = reference_terms(args)
    if share_of_gain(args, *fresh_terms(args, halves_exchanged(got))) > 0.98:
        return "halves exchanged"
    if not np.isfinite([reconstruction, kl]).all() or kl > 30 * usual_kl:
        return "wrong sign"
    share = share_of_gain(args, reconstruction, kl)
    if share >= SHARE:
        return None
    if share_of_gain(args, *fresh_terms(args, got, width=lambda s: s / 2)) > 0.98:
        return "log variance"
    _, log_sigma = halves(network([(np.asarray(W, float), np.asarray(b, float)) for W, b in got], args[0]))
    if np.mean(np.abs(log_sigma)) < 0.1 and kl > 0.15 * usual_kl and share > 0.3:
        return "no noise"
    if 0 < share < 0.4 and kl < 0.15 * usual_kl:
        return "mean over pixels"
    if kl > 1.3 * usual_kl and reconstruction > usual:
        return "no KL" if share < 0.5 else "mean over K"
    return "not trained" if share < 0.2 else None


def halves_exchanged(encoder):
    """The encoder with the second half of its outputs first."""
    W, b = (np.asarray(a) for a in encoder[-1])
    turn = np.roll(np.arange(len(b)), len(b) // 2)
    return [*encoder[:-1], (W[:, turn], b[turn])]


def encoder_trained_on(objective):
    """A wrong encoder_train, which minimises objective(reconstruction, kl, D, K)."""

    def encoder_train(x, decoder, sizes, steps, rng, width=lambda s: s, noise=1.0):
        x, K = x.astype(np.float32), sizes[-1]

        def batches():
            for rows in optim.minibatches(x, 128, steps, rng):
                yield rows, np.float32(noise) * rng.standard_normal((len(rows), K), dtype=np.float32)

        def loss(encoder, batch):
            rows, eps = batch
            mu, log_sigma = anp.split(nets.mlp(encoder, rows), 2, axis=-1)
            log_sigma = width(log_sigma)
            log_p = -bernoulli_cross_entropy(rows, nets.mlp(decoder, gaussian_sample(mu, log_sigma, eps)))
            return anp.sum(objective(log_p, gaussian_kl(mu, log_sigma), x.shape[1], K)) * (1 / len(rows))

        start = nets.init_mlp([*sizes[:-1], 2 * K], rng)
        return optim.adam(loss, start, batches(), steps, step_size=optim.hold_then_linear(4e-3, steps))

    return encoder_train


minus_elbo = encoder_trained_on(lambda r, kl, D, K: kl - r)


def untrained(x, decoder, sizes, steps, rng):
    return nets.init_mlp([*sizes[:-1], 2 * sizes[-1]], rng)


ENCODER_TRAIN = exercise(
    name="encoder_train",
    points=5,
    minutes=16,
    lines=9,
    lecture_points=("L18", "L20"),
    trains=True,
    noisy=lambda x, sizes, steps, rng: (x, decoder_of(0, sizes[0], sizes[-1]), sizes, steps, rng),
    signature="encoder_train(x, decoder, sizes, steps, rng)",
    returns="the encoder, a list of (W, b)",
    task=(
        "Train an inference network for a decoder that stays as it is, on black and white `x` (N, D): layers "
        "`D, H..., 2K` for `sizes = [D, H..., K]`, tanh between layers. "
        "All random numbers come from `rng`, with fresh noise for each minibatch. A batch may be any object, such as a "
        "pair of rows and noise; 128 rows and `hold_then_linear(4e-3, steps)` serve well. "
        "It is judged by its mean ELBO on data that it has not seen: at least "
        f"{100 * SHARE:.0f} % of what the library's gains over $q = p(\\mathbf{{z}})$, in {STEPS} steps."
    ),
    answer="course_utils.models.amortization:encoder_train",
    cases=training_cases,
    oracle=empty_encoder,
    compare=compare_encoders,
    diagnose=diagnose_encoder,
    misconceptions={
        "no KL": Misconception(
            encoder_trained_on(lambda r, kl, D, K: -r),
            "The reconstructions are better than those of the best encoder and the KL term is far too large: nothing "
            "keeps q near the prior. The objective is the whole ELBO.",
        ),
        "wrong sign": Misconception(
            encoder_trained_on(lambda r, kl, D, K: r - kl),
            "The KL term has grown without limit: the loss rewards it. `adam` minimises, so give it minus the ELBO: "
            "minus the reconstruction term, plus the KL term.",
        ),
        "mean over pixels": Misconception(
            encoder_trained_on(lambda r, kl, D, K: -r / D + kl),
            "q hardly moves away from the prior: the KL term weighs too much. "
            "Is your reconstruction term a mean over the pixels, where it should be their sum?",
        ),
        "mean over K": Misconception(
            encoder_trained_on(lambda r, kl, D, K: -r + kl / K),
            "The reconstructions are good, but the KL term is larger than that is worth: "
            "it weighed too little in training. Is it a mean over the K latents, where it should be their sum?",
        ),
        "no noise": Misconception(
            lambda x, decoder, sizes, steps, rng: minus_elbo(x, decoder, sizes, steps, rng, noise=0.0),
            "sigma has stayed near 1: training has never felt it. Is z = mu, without noise? "
            "Give the ELBO fresh noise for every minibatch.",
        ),
        "log variance": Misconception(
            lambda x, decoder, sizes, steps, rng: minus_elbo(x, decoder, sizes, steps, rng, width=lambda s: s * 0.5),
            "The encoder's second half works as the logarithm of the variance. "
            "Here it is log_sigma, of the standard deviation: sigma = exp(log_sigma).",
        ),
        "not trained": Misconception(
            untrained,
            "The encoder is no better than q = p(z). Do you return the parameters that came out of training, and not "
            "those that went in? If so: is the step size sensible (a few thousandths)?",
        ),
        "halves exchanged": Misconception(
            lambda *args: halves_exchanged(minus_elbo(*args)),
            "Your encoder puts out log_sigma first, then mu. The first half is mu, the second log_sigma.",
        ),
        "decoder too": Misconception(
            lambda x, decoder, sizes, steps, rng: (untrained(x, decoder, sizes, steps, rng), decoder),
            "You return two networks. The decoder is given and stays as it is: return the encoder alone.",
        ),
        "code width": Misconception(
            lambda x, decoder, sizes, steps, rng: nets.init_mlp(sizes, rng),
            "Your encoder's last layer is K wide. It puts out mu and log_sigma, K numbers each: 2K.",
        ),
    },
    hints=(
        (
            "Start from init_mlp([*sizes[:-1], 2 * sizes[-1]], rng). What changes is the encoder's weights alone; "
            "the decoder goes into the loss as a constant."
        ),
        (
            "A batch is a pair: some rows, and noise for them. Write a generator, batches(): for rows in "
            "minibatches(x, 128, steps, rng): yield rows, rng.standard_normal((1, len(rows), sizes[-1]))."
        ),
        (
            "The loss of a batch is minus the mean of elbo_of_q(decoder, rows, *encoder_forward(encoder, rows), eps). "
            "Use anp.mean, and an encoder_forward that autograd can differentiate: nets.mlp and slices can be."
        ),
        (
            "return adam(loss, encoder, batches(), steps, hold_then_linear(4e-3, steps)), "
            "where loss(encoder, batch) unpacks the pair."
        ),
    ),
    afterwards=(
        "In PyTorch, `decoder.requires_grad_(False)` holds the decoder still, and the optimizer is given the encoder's "
        "parameters alone."
    ),
)


# refine_q -----------------------------------------------------------------------------------------------------------


def refinement_cases(rng):
    def case(N, D, K, T, S, label="", log_sigma=(-1.1, -0.4), step_size=(0.02, 0.06)):
        decoder = some_decoder(rng, K, 5, D)
        x = (rng.random((N, D)) < 0.5).astype(float)
        q = rng.normal(size=(N, K)), rng.uniform(*log_sigma, (N, K))
        return Case((decoder, x, *q, rng.normal(size=(T, S, N, K)), float(rng.uniform(*step_size))), label)

    return [
        case(5, 9, 2, 2, 3),
        case(4, 7, 3, 3, 2),
        case(3, 8, 2, 1, 4, "for a single step"),
        case(1, 8, 3, 2, 3, "on a single example"),
        case(4, 9, 2, 2, 1, "with a single sample in each step"),
    ]


def elbo_in_one(decoder, x, mu, log_sigma, eps):
    """The ELBO of one example, sample by sample."""
    total = 0.0
    for e in eps:
        logits = network(decoder, (mu + np.exp(log_sigma) * e)[None])[0]
        total += np.sum(x * np.log(expit(logits)) + (1 - x) * np.log(expit(-logits))) / len(eps)
    return total - 0.5 * np.sum(np.exp(2 * log_sigma) + mu**2 - 1 - 2 * log_sigma)


def refinement_oracle(decoder, x, mu, log_sigma, eps, step_size, h=1e-4):
    """The slopes by central differences, each example by itself."""
    q = np.stack([mu, log_sigma], axis=1).astype(float)  # (N, 2, K)
    for noise in eps:
        for n, own in enumerate(q):
            slope = np.zeros_like(own)
            for at in np.ndindex(own.shape):
                e = np.zeros_like(own)
                e[at] = h
                up, down = (elbo_in_one(decoder, x[n], *(own + sign * e), noise[:, n]) for sign in (1, -1))
                slope[at] = (up - down) / (2 * h)
            q[n] = own + step_size * slope
    return q[:, 0], q[:, 1]


def back_through(decoder, z, x):
    """d log p(x|z) / dz, by the chain rule from layer to layer."""
    outputs = [z]
    for W, b in decoder[:-1]:
        outputs.append(np.tanh(outputs[-1] @ W + b))
    h_bar = x - expit(outputs[-1] @ decoder[-1][0] + decoder[-1][1])
    for (W, _), h in zip(decoder[:0:-1], outputs[:0:-1]):
        h_bar = h_bar @ W.T * (1 - h**2)
    return h_bar @ decoder[0][0].T


def refined_with(
    slope_mu=lambda z_bar, mu: z_bar.mean(axis=0) - mu,
    slope_log_sigma=lambda z_bar, s, eps: (z_bar * np.exp(s) * eps).mean(axis=0) + 1 - np.exp(2 * s),
    noises=lambda eps: eps,
    rate=lambda step_size, x: step_size,
    width=np.exp,
):
    """A wrong refinement: slopes, noise and step size may be replaced."""

    def refine_q(decoder, x, mu, log_sigma, eps, step_size):
        for noise in noises(eps):
            z_bar = back_through(decoder, mu + width(log_sigma) * noise, x)
            steps = slope_mu(z_bar, mu), slope_log_sigma(z_bar, log_sigma, noise)
            mu, log_sigma = mu + rate(step_size, x) * steps[0], log_sigma + rate(step_size, x) * steps[1]
        return mu, log_sigma

    return refine_q


def one_after_the_other(decoder, x, mu, log_sigma, eps, step_size):
    for noise in eps:
        z_bar = back_through(decoder, mu + np.exp(log_sigma) * noise, x)
        mu = mu + step_size * (z_bar.mean(axis=0) - mu)
        z_bar = back_through(decoder, mu + np.exp(log_sigma) * noise, x)
        slope = (z_bar * np.exp(log_sigma) * noise).mean(axis=0) + 1 - np.exp(2 * log_sigma)
        log_sigma = log_sigma + step_size * slope
    return mu, log_sigma


def slopes_at_the_start(decoder, x, mu, log_sigma, eps, step_size):
    steps = [right_refinement(decoder, x, mu, log_sigma, noise[None], step_size) for noise in eps]
    return mu + sum(m - mu for m, _ in steps), log_sigma + sum(s - log_sigma for _, s in steps)


def refined_in_sigma(decoder, x, mu, log_sigma, eps, step_size):
    for noise in eps:
        mu, moved = right_refinement(decoder, x, mu, log_sigma, noise[None], step_size)
        log_sigma = np.log(np.exp(log_sigma) + moved - log_sigma)
    return mu, log_sigma


def spelled_refine_q(P, decoder, x, mu, log_sigma, eps, step_size):
    for noise in eps:
        sigma = P.apply("exp", np.exp, log_sigma)
        z = P.term("mu in z", mu) + P.factor("sigma in z", sigma) * noise
        z_bar = back_through(decoder, z, x)
        pull_mu = P.mean(z_bar, 0, "the samples in mu's slope")
        pull_sigma = P.factor("sigma in log_sigma's slope", sigma) * P.mean(
            z_bar * P.factor("eps in log_sigma's slope", noise), 0, "the samples in log_sigma's slope"
        )
        slope_mu = P.term("the reconstruction's part of mu's slope", pull_mu) - P.term("mu in its own slope", mu)
        slope_log_sigma = (
            P.term("the reconstruction's part of log_sigma's slope", pull_sigma)
            + P.term("the 1 that keeps sigma from shrinking", np.ones_like(mu))
            - P.term("sigma^2 in log_sigma's slope", np.exp(2 * log_sigma))
        )
        step_mu = P.term("the step of mu", P.factor("the step size of mu", step_size) * slope_mu)
        step_log_sigma = P.term(
            "the step of log_sigma", P.factor("the step size of log_sigma", step_size) * slope_log_sigma
        )
        mu, log_sigma = mu + step_mu, log_sigma + step_log_sigma
    return mu, log_sigma


right_refinement = refined_with()

REFINE_Q = exercise(
    name="refine_q",
    points=3,
    minutes=8,
    lines=5,
    lecture_points=("L18", "L19"),
    signature="refine_q(decoder, x, mu, log_sigma, eps, step_size)",
    returns="mu (N, K), log_sigma (N, K)",
    task=(
        r"Take one step of gradient ascent for each of the T noises `eps[t]` of `eps` (T, S, N, K). Every example "
        r"follows the slope of its own ELBO, estimated with its S samples, with respect to its own "
        r"$\boldsymbol\mu$ and $\log\boldsymbol\sigma$, both at once; the decoder stays."
    ),
    answer="course_utils.models.amortization:refine_q",
    cases=refinement_cases,
    oracle=refinement_oracle,
    spelled=spelled_refine_q,
    others={
        "only one step is taken, with the first noise; there is one for each eps[t]": refined_with(
            noises=lambda eps: eps[:1]
        ),
        "only one step is taken, with the last noise; there is one for each eps[t]": refined_with(
            noises=lambda eps: eps[-1:]
        ),
        "one step is taken, with all noises together; there is a step for each eps[t]": refined_with(
            noises=lambda eps: eps.reshape(1, -1, *eps.shape[2:])
        ),
        "all slopes are taken at the mu and log_sigma that came in; each step starts where the one before has led": (
            slopes_at_the_start
        ),
        "the step is taken in sigma, with the slope of log_sigma; log_sigma itself takes the step": (refined_in_sigma),
        "the steps are taken in reversed order of the noises": refined_with(noises=lambda eps: eps[::-1]),
        "nothing has moved: these are the mu and log_sigma that came in": (
            lambda decoder, x, mu, log_sigma, eps, step_size: (mu, log_sigma)
        ),
        "one step more is taken than there are noises": refined_with(
            noises=lambda eps: np.concatenate([eps, eps[-1:]])
        ),
        "mu and log_sigma are exchanged in the result": (lambda *args: right_refinement(*args)[::-1],),
        "sigma is returned; log_sigma is asked": (
            lambda *args: (right_refinement(*args)[0], np.exp(right_refinement(*args)[1])),
        ),
        "log_sigma has stayed as it was": lambda *args: (right_refinement(*args)[0], args[3]),
        "the slopes are divided by the number of pixels": refined_with(
            rate=lambda step_size, x: step_size / x.shape[1]
        ),
    },
    misconceptions={
        "downhill": Misconception(
            refined_with(rate=lambda step_size, x: -step_size),
            "You step downhill. The ELBO is to be maximised: add the gradient.",
        ),
        "divided by N": Misconception(
            refined_with(rate=lambda step_size, x: step_size / len(x)),
            "The steps are N times too short, as if the objective were a mean over examples. "
            "Each example has an ELBO of its own: differentiate their sum.",
        ),
        "shared slope": Misconception(
            refined_with(
                lambda z_bar, mu: np.broadcast_to((z_bar.mean(axis=0) - mu).mean(axis=0), mu.shape),
                lambda z_bar, s, eps: np.broadcast_to(
                    ((z_bar * np.exp(s) * eps).mean(axis=0) + 1 - np.exp(2 * s)).mean(axis=0), s.shape
                ),
            ),
            "All examples take the same step, the average one. Each has a slope of its own.",
        ),
        "no KL": Misconception(
            refined_with(
                lambda z_bar, mu: z_bar.mean(axis=0),
                lambda z_bar, s, eps: (z_bar * np.exp(s) * eps).mean(axis=0),
            ),
            "You climb the reconstruction term alone. The ELBO has the KL term, too.",
        ),
        "no noise": Misconception(
            refined_with(
                slope_log_sigma=lambda z_bar, s, eps: 1 - np.exp(2 * s),
                noises=lambda eps: 0 * eps,
            ),
            "z = mu: the noise has no effect, so that sigma feels the KL term alone.",
        ),
        "same noise": Misconception(
            refined_with(noises=lambda eps: [eps[0]] * len(eps)),
            "Every step uses the first noise. Step t has its own, eps[t].",
        ),
        "mean of the noise": Misconception(
            refined_with(noises=lambda eps: eps.mean(axis=1, keepdims=True)),
            "You average the noise over the samples first. "
            "Average the ELBO over the samples: the decoder is not a straight line.",
        ),
        "only mu": Misconception(
            refined_with(slope_log_sigma=lambda z_bar, s, eps: 0 * s),
            "log_sigma does not move. Both halves of q are refined.",
        ),
        "one after the other": Misconception(
            one_after_the_other,
            "log_sigma's slope is taken where mu has already moved. Take both slopes at the old values.",
        ),
    },
    hints=(
        (
            "Section 4 differentiated the mean ELBO with respect to the encoder's weights. "
            "Here differentiate it with respect to mu and log_sigma themselves."
        ),
        (
            "autograd's grad differentiates in the first argument, which may be a pair: "
            "slope = grad(lambda q, noise: anp.sum(elbo_of_q(decoder, x, *q, noise))). "
            "The sum gives each example its own slope, as no other term depends on its q."
        ),
        (
            "for noise in eps: mu_bar, log_sigma_bar = slope((mu, log_sigma), noise), "
            "then add step_size times each, and return both when the noises are used up."
        ),
    ),
)


# gap_ledger ---------------------------------------------------------------------------------------------------------


def ledger_cases(rng):
    def case(N, lowest, label=""):
        log_p, parts = rng.uniform(-140, -60, N), rng.uniform(lowest, 5, (2, N))
        return Case((log_p, log_p - parts[0], log_p - parts.sum(axis=0)), label)

    noisy = case(5, 0.5, "where the noise of the estimates makes a gap negative")
    noisy.args[1][[0, 2]] += 7.0
    noisy.args[2][[0, 1]] += 14.0  # which makes the other gap negative, too
    return [case(6, 0.5), case(3, 0.5), noisy, case(1, 0.5, "on a single example")]


def ledger_by_examples(log_p, elbo_best, elbo_encoder):
    rows = [
        (float(p) - float(best), float(best) - float(encoder))
        for p, best, encoder in zip(log_p, elbo_best, elbo_encoder)
    ]
    approximation, amortization = np.array(rows).T
    return {"approximation": approximation, "amortization": amortization}


def ledger(approximation, amortization):
    return {"approximation": approximation, "amortization": amortization}


def spelled_gap_ledger(P, log_p, elbo_best, elbo_encoder):
    approximation = P.term("log p in the approximation gap", log_p) - P.term(
        "the best ELBO in the approximation gap", elbo_best
    )
    amortization = P.term("the best ELBO in the amortization gap", elbo_best) - P.term(
        "the encoder's ELBO in the amortization gap", elbo_encoder
    )
    return {"approximation": approximation, "amortization": amortization}


GAP_LEDGER = exercise(
    name="gap_ledger",
    points=1,
    minutes=2,
    lines=2,
    lecture_points=("L16", "L20"),
    signature="gap_ledger(log_p, elbo_best, elbo_encoder)",
    returns="a dict with approximation (N,) and amortization (N,)",
    task=(
        r"Return the two gaps of each example: `approximation`, what even the best $q$ of the family leaves of "
        r"$\log p(\mathbf{x})$, and `amortization`, what the encoder's $q$ loses against the best one."
    ),
    answer="course_utils.models.amortization:gap_ledger",
    cases=ledger_cases,
    oracle=ledger_by_examples,
    spelled=spelled_gap_ledger,
    others={
        "both entries are the approximation gap": lambda p, best, encoder: ledger(p - best, p - best),
        "both entries are the amortization gap": lambda p, best, encoder: ledger(best - encoder, best - encoder),
        "both entries are the whole gap": lambda p, best, encoder: ledger(p - encoder, p - encoder),
        "the largest bound of all examples stands where each example's own best bound belongs": (
            lambda p, best, encoder: ledger(p - best.max(), best.max() - encoder)
        ),
        "probabilities are subtracted, exponentials of the three; the gaps are differences of the logarithms": (
            lambda p, best, encoder: ledger(np.exp(p) - np.exp(best), np.exp(best) - np.exp(encoder))
        ),
        "an absolute value is taken of the gaps; noisy estimates may make them negative": (
            lambda p, best, encoder: ledger(np.abs(p - best), np.abs(best - encoder))
        ),
        "the gaps are divided by log p: they are asked in nats": (
            lambda p, best, encoder: ledger((p - best) / p, (best - encoder) / p),
            lambda p, best, encoder: ledger((p - best) / np.abs(p), (best - encoder) / np.abs(p)),
        ),
        "the gaps are shares of the whole gap; they are asked in nats": (
            lambda p, best, encoder: ledger((p - best) / (p - encoder), (best - encoder) / (p - encoder)),
        ),
        "the gaps are summed over the examples": lambda p, best, encoder: ledger(
            (p - best).sum(), (best - encoder).sum()
        ),
        "the entries are exponentials of the gaps; the gaps themselves are asked": (
            lambda p, best, encoder: ledger(np.exp(p - best), np.exp(best - encoder))
        ),
        "the entries are quotients; the gaps are differences": (
            lambda p, best, encoder: ledger(p / best, best / encoder)
        ),
    },
    misconceptions={
        "exchanged": Misconception(
            lambda p, best, encoder: ledger(best - encoder, p - best),
            "The two are exchanged. "
            "The approximation gap is there even for the best q, so it does not contain the encoder.",
        ),
        "whole gap": Misconception(
            lambda p, best, encoder: ledger(p - best, p - encoder),
            "Under amortization you have the whole gap between log p and the encoder's ELBO. "
            "The part that the best q has, too, is not the encoder's fault.",
        ),
        "whole gap twice": Misconception(
            lambda p, best, encoder: ledger(p - encoder, best - encoder),
            "Under approximation you have the whole gap between log p and the encoder's ELBO. "
            "Measure the best q against log p.",
        ),
        "wrong sign": Misconception(
            lambda p, best, encoder: ledger(best - p, encoder - best),
            "The signs are wrong: a gap is how far the lower number stays below the higher one.",
        ),
        "clipped": Misconception(
            lambda p, best, encoder: ledger(np.maximum(p - best, 0), np.maximum(best - encoder, 0)),
            "You replace negative gaps by 0. Noisy estimates may give a negative gap; "
            "leave it, or the means will be too large and the ledger no longer adds up.",
        ),
        "mean over examples": Misconception(
            lambda p, best, encoder: ledger(np.mean(p - best), np.mean(best - encoder)),
            "You average over the examples. Each example has a ledger of its own, (N,).",
        ),
    },
    hints=(
        (
            r"$\log p(\mathbf{x})$ is the highest of the three, then comes the ELBO of the best $q$, then the "
            "encoder's. The gaps are the two differences."
        ),
        "Together they are log_p - elbo_encoder. The approximation gap is the upper part of it.",
        "dict(approximation=log_p - elbo_best, amortization=elbo_best - elbo_encoder).",
    ),
)

EXERCISES = [LINEAR_POSTERIOR, SVI_STEP, ENCODER_FORWARD, ENCODER_TRAIN, REFINE_Q, GAP_LEDGER]
