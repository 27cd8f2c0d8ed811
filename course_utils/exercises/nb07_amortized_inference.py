"""Exercises of notebook 07: q fitted to one example at a time, the encoder that does without, and what that costs."""

import functools

import numpy as np
from scipy.special import logsumexp

from course_utils.exercises.model import Case, Exercise, Misconception, close

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
        "The exact posterior p(z|x) = N(mu, covariance) of the model z ~ N(0, I), x = W z + b + noise of variance eta."
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
            "log p(x, z) = -||x - W z - b||^2 / (2 eta) - ||z||^2 / 2 + const is quadratic in z, "
            "so the posterior is a Gaussian. Collect z's squares."
        ),
        (
            "The terms in z are -z^T P z / 2 + z^T W^T (x - b) / eta with P = I + W^T W / eta. "
            "P is the precision, the inverse of the covariance."
        ),
        "covariance = np.linalg.inv(np.eye(K) + W.T @ W / eta), and for rows mu = (x - b) @ W @ covariance / eta.",
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
    minutes=12,
    lines=4,
    lecture_points=("L19",),
    signature="svi_step(x, mu, log_sigma, W, b, eta, step_size)",
    returns="mu (N, K), log_sigma (N, K)",
    task=(
        "One step of gradient ascent on the exact ELBO of the linear-Gaussian model: "
        "each example follows the slope of its own ELBO with respect to its own mu and log_sigma."
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
            "F = -(||x - W mu - b||^2 + sum_k sigma_k^2 ||w_k||^2) / (2 eta) - sum_k (sigma_k^2 + mu_k^2) / 2 + sum_k "
            "log sigma_k + const. Differentiate it with respect to mu, then to log sigma_k."
        ),
        (
            "dF/dmu = W^T (x - W mu - b) / eta - mu. "
            "For the other, write sigma_k^2 = exp(2 log sigma_k), whose derivative is 2 sigma_k^2."
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
    points=2,
    minutes=6,
    lines=3,
    lecture_points=("L20",),
    signature="encoder_forward(params, x)",
    returns="mu (N, K), log_sigma (N, K)",
    task=(
        "The encoder's answer for each row of x: the output (N, 2K) of the network, tanh between layers, "
        "split into mu and log_sigma."
    ),
    answer="course_utils.models.vae:encoder_forward",
    cases=encoder_cases,
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
        "h = nets.mlp(params, x), then mu, log_sigma = np.split(h, 2, axis=1).",
    ),
)


# effective_sample_size ----------------------------------------------------------------------------------------------


def weight_cases(rng):
    def log_w(S, N, spread=1.0, low=-3.0, high=3.0):
        return spread * rng.normal(size=(S, N)) + rng.uniform(low, high, N)

    far = log_w(12, 4) + np.array([-1000.0, 0.0, 800.0, -90.0])
    return [
        Case((log_w(20, 3),)),
        Case((log_w(9, 5, spread=2.0, low=-110, high=-90),)),
        Case((far,), "for log weights near -1000 and 800"),
        Case((log_w(8, 3) + np.repeat([-900.0, 0.0], 4)[:, None],), "for samples whose log weights differ by hundreds"),
        Case((log_w(7, 3, spread=0.0),), "when all weights of an example are equal"),
        Case((log_w(1, 3),), "for S = 1"),
        Case((log_w(6, 1),), "on a single example"),
    ]


def ess_by_logarithms(log_w):
    return np.exp(2 * logsumexp(log_w, axis=0) - logsumexp(2 * np.asarray(log_w), axis=0))


def normalised(log_w):
    return np.exp(log_w - logsumexp(log_w, axis=0))


def spelled_effective_sample_size(P, log_w):
    w = P.apply("exp", np.exp, log_w - log_w.max(axis=0))
    total = P.apply("the square of the sum", np.square, P.sum(w, 0, "the samples in the numerator"))
    return P.factor("the squared sum", total) / P.divisor(
        "the sum of squares",
        P.sum(P.apply("the square of the weights", np.square, w), 0, "the samples in the denominator"),
    )


EFFECTIVE_SAMPLE_SIZE = exercise(
    name="effective_sample_size",
    points=2,
    minutes=8,
    lines=2,
    lecture_points=("L16",),
    signature="effective_sample_size(log_w)",
    returns="(N,)",
    task=(
        "(sum_s w_s)^2 / sum_s w_s^2 of each column of log_w (S, N), the logarithms of the weights; "
        "stable for log weights near -1000."
    ),
    answer="course_utils.models.amortization:effective_sample_size",
    cases=weight_cases,
    oracle=ess_by_logarithms,
    spelled=spelled_effective_sample_size,
    others={
        "you sum over the examples (axis=1); sum over the samples, axis 0": (
            lambda log_w: np.exp(2 * logsumexp(log_w, axis=1) - logsumexp(2 * log_w, axis=1))
        ),
        "this is one over the sum of squared weights that are not normalised": (
            lambda log_w: 1 / np.sum(np.exp(log_w) ** 2, axis=0),
            lambda log_w: 1 / np.sum(np.exp(log_w - log_w.max(axis=0)) ** 2, axis=0),
        ),
        "this is one over the largest share of a weight, another measure; here the squares of the weights are summed": (
            lambda log_w: np.exp(logsumexp(log_w, axis=0) - log_w.max(axis=0)),
            lambda log_w: 1 / normalised(log_w).max(axis=0),
        ),
        "the weights are divided by the sum of the whole table; each column is divided by its own": (
            lambda log_w: (
                1 / np.sum((np.exp(log_w - log_w.max(axis=0)) / np.exp(log_w - log_w.max(axis=0)).sum()) ** 2, 0)
            ),
            lambda log_w: 1 / np.sum((np.exp(log_w - log_w.max()) / np.exp(log_w - log_w.max()).sum()) ** 2, axis=0),
        ),
        "the log weights are squared: the logarithm of w^2 is 2 log w": (
            lambda log_w: np.exp(2 * logsumexp(log_w, axis=0) - logsumexp(log_w**2, axis=0))
        ),
        "this is the logarithm of the effective sample size; exp is missing": lambda log_w: np.log(
            ess_by_logarithms(log_w)
        ),
        "this is the sum of the normalised weights' squares, its reciprocal is asked": (
            lambda log_w: np.sum(normalised(log_w) ** 2, axis=0)
        ),
        "this is how many weights are above their mean; (sum w)^2 / sum w^2 is asked": (
            lambda log_w: np.sum(normalised(log_w) > 1 / len(log_w), axis=0),
        ),
    },
    misconceptions={
        "exponential of -1000": Misconception(
            lambda log_w: np.exp(log_w).sum(0) ** 2 / np.sum(np.exp(log_w) ** 2, 0),
            "Right formula, but exp(-1000) is 0 and exp(800) is infinite. The result does not change when all weights "
            "of an example are multiplied by a number: take the largest log weight out first.",
        ),
        "largest of all taken out": Misconception(
            lambda log_w: np.exp(log_w - log_w.max()).sum(0) ** 2 / np.sum(np.exp(log_w - log_w.max()) ** 2, 0),
            "You take out the largest log weight of the whole array, "
            "so that an example with small weights is left with zeros. Each column has a largest of its own.",
        ),
        "logarithms taken as weights": Misconception(
            lambda log_w: log_w.sum(0) ** 2 / np.sum(log_w**2, 0),
            "You put the log weights into the formula. The weights are their exponentials.",
        ),
        "share of S": Misconception(
            lambda log_w: ess_by_logarithms(log_w) / len(log_w),
            "This is the share of the S samples. Their number is asked: from 1 to S.",
        ),
        "upside down": Misconception(
            lambda log_w: 1 / ess_by_logarithms(log_w),
            "The fraction is upside down: with equal weights the result has to be S.",
        ),
        "entropy": Misconception(
            lambda log_w: np.exp(-np.sum(normalised(log_w) * np.log(normalised(log_w)), axis=0)),
            "This is the exponential of the weights' entropy, another measure of the same thing. "
            "Here the squares of the weights are summed.",
        ),
        "one number": Misconception(
            lambda log_w: ess_by_logarithms(np.ravel(log_w)),
            "You sum over the examples, too. Each column of log_w has a number of its own.",
        ),
    },
    hints=(
        (
            "With w = np.exp(log_w) it is one line. But exp underflows: "
            "what happens to the fraction when all w of a column are multiplied by the same number?"
        ),
        "Nothing happens to it. So subtract the largest log weight of each column first; then the largest weight is 1.",
        "w = np.exp(log_w - log_w.max(axis=0)), then w.sum(axis=0) ** 2 / (w ** 2).sum(axis=0).",
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
    minutes=4,
    lines=2,
    lecture_points=("L16", "L20"),
    signature="gap_ledger(log_p, elbo_best, elbo_encoder)",
    returns="a dict with approximation (N,) and amortization (N,)",
    task=(
        "The two gaps of each example: `approximation`, what the best q of the family leaves "
        "of log p(x), and `amortization`, what the encoder's q loses against the best."
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
            "log p(x) is the highest of the three, then comes the ELBO of the best q, then the encoder's. "
            "The gaps are the two differences."
        ),
        "Together they are log_p - elbo_encoder. The approximation gap is the upper part of it.",
        "dict(approximation=log_p - elbo_best, amortization=elbo_best - elbo_encoder).",
    ),
)

EXERCISES = [LINEAR_POSTERIOR, SVI_STEP, ENCODER_FORWARD, EFFECTIVE_SAMPLE_SIZE, GAP_LEDGER]
