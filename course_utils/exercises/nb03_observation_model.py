"""Exercises of notebook 03: two observation models, and three ways to the integral over z."""

import functools

import numpy as np
from scipy import integrate, special, stats
from scipy.special import logsumexp

from course_utils.exercises.model import Case, Exercise, Misconception, close
from course_utils.exercises.stand_ins import Named

exercise = functools.partial(Exercise, notebook="03_observation_model", compare=close())


def toy(name):
    return Named(f"course_utils.probability.toy_decoders:{name}")


def squares(x, mean):
    return np.sum((np.asarray(x) - mean) ** 2, axis=-1)


def log_normal(x, mean, eta, D=None):
    """log N(x; mean, eta I), from which the misconceptions depart. D is the number of dimensions in the constant."""
    return -squares(x, mean) / (2 * eta) - (np.shape(x)[-1] if D is None else D) / 2 * np.log(2 * np.pi * eta)


# gaussian_log_prob --------------------------------------------------------------------------------------------------


def gaussian_cases(rng):
    def case(N, D, eta, spread=1.0, label=""):
        mean = rng.normal(size=(N, D)) + 0.5
        return Case((mean + spread * np.sqrt(eta) * rng.normal(size=(N, D)), mean, eta), label)

    low, high = rng.uniform(0.1, 0.4), rng.uniform(2, 4)
    return [
        case(6, 4, float(low)),
        case(5, 3, float(high)),
        case(1, 5, 0.3, label="on a single example"),
        case(5, 4, float(rng.uniform(0.0007, 0.0012)), 3.0, "for eta near 0.001, which the notebook uses"),
        case(4, 3, 0.02, 60.0, "far from the mean, where the density itself underflows to 0"),
        case(3, 900, 2.5, label="with 900 dimensions, where the density itself underflows to 0"),
    ]


def spelled_log_normal(P, x, mean, eta, over="the dimensions"):
    """log N(x; mean, eta I) of vectors along the last axis."""
    distance = P.sum(P.apply("the square", np.square, x - P.term("the mean", mean)), -1, over)
    exponent = P.factor("the 1/2 in the exponent", 0.5) * distance / P.divisor("eta", eta)
    inside = P.factor("2 pi inside the logarithm", 2 * np.pi) * P.factor("eta inside the logarithm", eta)
    constant = P.factor("the 1/2 of the constant", 0.5) * P.factor(
        "the number of dimensions in the constant", x.shape[-1]
    )
    return -P.term("the exponent", exponent) - P.term("the constant (D/2) log(2 pi eta)", constant * np.log(inside))


def spelled_gaussian_log_prob(P, x, mean, eta):
    return spelled_log_normal(P, x, mean, eta)


GAUSSIAN_LOG_PROB = exercise(
    name="gaussian_log_prob",
    points=3,
    minutes=8,
    lines=3,
    lecture_points=("L9", "L13"),
    signature="gaussian_log_prob(x, mean, eta)",
    returns="(N,)",
    task=(
        r"Return $\log \mathcal{N}(\mathbf{x}_n;\, \mathbf{m}_n, \eta I)$ for each row $\mathbf{x}_n$ of `x` (N, "
        r"D) and the same row $\mathbf{m}_n$ of `mean` (N, D), with its full constant; `eta` is the variance. "
        r"Finite also where the density itself is too small for a floating-point number."
    ),
    answer="course_utils.probability.likelihoods:gaussian_log_prob",
    aliases=("course_utils.probability.gaussians:diagonal_gaussian_log_prob",),
    cases=gaussian_cases,
    oracle=lambda x, mean, eta: stats.norm.logpdf(x, mean, np.sqrt(eta)).sum(axis=1),
    spelled=spelled_gaussian_log_prob,
    others={
        "this is the density; its logarithm is asked": lambda x, mean, eta: np.exp(log_normal(x, mean, eta)),
        "these are the log densities entry by entry; sum them over the dimensions": (
            lambda x, mean, eta: stats.norm.logpdf(x, mean, np.sqrt(eta))
        ),
        "the constant counts all entries of x; each example has D dimensions": (
            lambda x, mean, eta: -squares(x, mean) / (2 * eta) - np.size(x) / 2 * np.log(2 * np.pi * eta)
        ),
        "eta is the standard deviation in the constant, and the variance in the exponent; it is the variance in both": (
            lambda x, mean, eta: log_normal(x, mean, eta) - np.shape(x)[1] / 2 * np.log(eta)
        ),
        "the constant counts the examples, and not the dimensions": (
            lambda x, mean, eta: log_normal(x, mean, eta, D=np.shape(x)[0])
        ),
        "the exponent has the length of x - mean, and not its square": (
            lambda x, mean, eta: -np.sqrt(squares(x, mean)) / (2 * eta) + log_normal(x, x, eta)
        ),
    },
    misconceptions={
        "sigma for variance": Misconception(
            lambda x, mean, eta: log_normal(x, mean, eta**2),
            "You treat eta as a standard deviation. "
            "It is a variance: nothing is squared, and the exponent has 2 eta below.",
        ),
        "D missing": Misconception(
            lambda x, mean, eta: log_normal(x, mean, eta, D=1),
            "The constant is there once, as for a single number. "
            "Each of the D dimensions contributes one: where is the factor D?",
        ),
        "no constant": Misconception(
            lambda x, mean, eta: log_normal(x, mean, eta, D=0),
            "This is the exponent alone. Without the normalising constant it is no log density: "
            "it would not integrate to 1, and different values of eta could not be compared.",
        ),
        "half missing": Misconception(
            lambda x, mean, eta: 2 * log_normal(x, mean, eta, D=0) + log_normal(x, x, eta),
            "The squared distance counts twice as much as it should: the exponent has a factor 1/2.",
        ),
        "half missing in the constant": Misconception(
            lambda x, mean, eta: log_normal(x, mean, eta) + log_normal(x, x, eta),
            "The constant is twice as large as it should be. "
            "The density has a square root of 2 pi eta below: its log has a factor 1/2.",
        ),
        "2 pi missing": Misconception(
            lambda x, mean, eta: log_normal(x, mean, eta) + np.shape(x)[1] / 2 * np.log(2 * np.pi),
            "Every value is too large by (D/2) log(2 pi): look at what stands inside the logarithm of the constant.",
        ),
        "mean over dimensions": Misconception(
            lambda x, mean, eta: log_normal(x, mean, eta) / np.shape(x)[1],
            "You average over the dimensions. "
            "The density of a vector is the product over its dimensions, so its log is a sum.",
        ),
        "sum over examples": Misconception(
            lambda x, mean, eta: log_normal(x, mean, eta).sum(),
            "This is one number for all examples together. "
            "Sum over dimensions only (axis=1) and leave one number per example.",
        ),
        "log of the density": Misconception(
            lambda x, mean, eta: np.log(np.prod(stats.norm.pdf(x, mean, np.sqrt(eta)), axis=1)),
            "Right as a formula, but the density underflows to 0 before you take its log. "
            "Write the log down on paper, and compute that.",
        ),
    },
    hints=(
        "Start with one dimension: the density is exp(-(x - m)^2 / (2 eta)) / sqrt(2 pi eta). What is its log?",
        (
            "Dimensions are independent, so their log densities add up: the squares to a squared distance, "
            "the constants to D equal terms."
        ),
        (
            "-||x - mean||^2 / (2 eta) - (D/2) log(2 pi eta), "
            "with the squared distance summed over axis=1 and D = x.shape[1]."
        ),
    ),
)


# bernoulli_log_prob -------------------------------------------------------------------------------------------------


def bernoulli_cases(rng):
    def case(N, D):
        x, logits = rng.integers(0, 2, size=(N, D)).astype(float), 2 * rng.normal(size=(N, D)) + 0.7
        x[:, 0], logits[:, 0] = 1, rng.uniform(6.2, 8, size=N)  # log(1 + exp(l)) is not yet l
        return Case((x, logits))

    # a row whose logits are all large, one where they are all very negative, and a mixed one
    right = np.array([[1.0, 1, 1], [0, 0, 0], [1, 0, 1]])
    huge = 1000 * (2 * right - 1)
    wrong = right.copy()
    wrong[:, 0] = 1 - wrong[:, 0]  # one pixel of each row is not what its logit says
    return [
        case(6, 4),
        case(5, 7),
        case(1, 3),
        Case((wrong, huge + rng.uniform(-3, 3, size=(3, 3))), "for logits near 1000 and -1000"),
        Case((right, huge / 20 + rng.uniform(-3, 3, size=(3, 3))), "for logits near 50 and -50"),
    ]


def bernoulli(x, logits, p=special.expit):
    """The formula as it stands, through the probabilities."""
    q = p(np.asarray(logits))
    return np.sum(x * np.log(q) + (1 - x) * np.log(1 - q), axis=-1)


def exact_bernoulli(x, logits):
    return np.sum(x * special.log_expit(logits) + (1 - x) * special.log_expit(-logits), axis=1)


def spelled_bernoulli_log_prob(P, x, logits):
    ones = P.term("the part of the pixels that are 1", x * special.log_expit(logits))
    zeros = P.term("the part of the pixels that are 0", (1 - x) * special.log_expit(-logits))
    return P.sum(ones + zeros, 1, "the pixels")


CLIPPED = (
    "The probabilities are clipped (or a small number is added to them) before the logarithm. That hides the infinity"
    " and puts a wrong number in its place: a pixel that the model holds for impossible should cost its whole logit."
    " Stay with logits."
)


def clipped_log_prob(x, logits, small, add=False):
    """Through probabilities that are kept away from 0 and 1 by a small number."""
    p = special.expit(logits)
    if add:
        return np.sum(x * np.log(p + small) + (1 - x) * np.log(1 - p + small), axis=-1)
    p = np.clip(p, small, 1 - small)
    return np.sum(x * np.log(p) + (1 - x) * np.log(1 - p), axis=-1)


SMALL = [(10.0**-k, add) for k in range(5, 17) for add in (False, True)]


BERNOULLI_LOG_PROB = exercise(
    name="bernoulli_log_prob",
    points=3,
    minutes=8,
    lines=2,
    lecture_points=("L9",),
    signature="bernoulli_log_prob(x, logits)",
    returns="(N,)",
    task=(
        r"Return the log probability of each row of pixels `x` (N, D), each 0 or 1, where pixel $d$ is 1 with the "
        r"probability $1 / (1 + e^{-\ell_{nd}})$ and $\ell$ are the `logits` (N, D). Right also for logits of 1000"
        r" and -1000."
    ),
    answer="course_utils.probability.likelihoods:bernoulli_log_prob",
    aliases=("course_utils.networks.fast:bernoulli_cross_entropy",),
    cases=bernoulli_cases,
    oracle=exact_bernoulli,
    spelled=spelled_bernoulli_log_prob,
    others={
        "a softmax is taken over the pixels, as if just one of them could be 1; each has a sigmoid of its own": (
            lambda x, logits: np.sum(x * special.log_softmax(logits, axis=1), axis=1)
        ),
        "the logits are clipped, so that large ones count as less. np.logaddexp(0, l) needs no clipping": (
            tuple(
                lambda x, logits, m=m: np.sum(
                    x * np.clip(logits, -m, m) - np.logaddexp(0, np.clip(logits, -m, m)), axis=1
                )
                for m in (10, 15, 20, 30, 35, 36, 40, 50, 80, 88, 100, 200, 500, 600, 700, 709)
            )
        ),
        "with max(l, 0) in front it is log(1 + exp(-|l|)): the absolute value is missing": (
            lambda x, logits: np.sum(x * logits - np.maximum(logits, 0) - np.logaddexp(0, -logits), axis=1)
        ),
        CLIPPED: tuple(functools.partial(clipped_log_prob, small=small, add=add) for small, add in SMALL),
        "the logits are not multiplied by x: the first part is x l": (
            lambda x, logits: np.sum(logits - np.logaddexp(0, logits), axis=1)
        ),
        "log(1 + exp(l)) is left out: this is the sum of x l": lambda x, logits: np.sum(x * logits, axis=1),
        "x l is left out: this is minus the sum of log(1 + exp(l))": (
            lambda x, logits: -np.sum(np.logaddexp(0, logits), axis=1)
        ),
        "log(1 + exp(l)) has the wrong sign: it is subtracted from x l": (
            lambda x, logits: np.sum(x * logits + np.logaddexp(0, logits), axis=1)
        ),
        "the sign of l inside log(1 + exp(l)) is wrong: with x l in front it is log(1 + exp(l))": (
            lambda x, logits: np.sum(x * logits - np.logaddexp(0, -logits), axis=1)
        ),
        "log(1 + exp(l)) counts only where x is 1": (
            lambda x, logits: np.sum(x * (logits - np.logaddexp(0, logits)), axis=1)
        ),
        "max(l, 0) stands where log(1 + exp(l)) belongs": (
            lambda x, logits: np.sum(x * logits - np.maximum(logits, 0), axis=1)
        ),
        "log(exp(1) + exp(l)) stands where log(1 + exp(l)) belongs: in np.logaddexp the 1 is exp(0)": (
            lambda x, logits: np.sum(x * logits - np.logaddexp(1, logits), axis=1),
        ),
        "these are log probabilities pixel by pixel; sum them": (
            lambda x, logits: x * special.log_expit(logits) + (1 - x) * special.log_expit(-logits)
        ),
        "this is the squared error of the probabilities, and not the log probability": (
            lambda x, logits: np.sum((x - special.expit(logits)) ** 2, axis=1),
            lambda x, logits: -np.sum((x - special.expit(logits)) ** 2, axis=1),
        ),
    },
    misconceptions={
        "through probabilities": Misconception(
            bernoulli,
            "Right as a formula, but the sigmoid of a large logit is rounded "
            "to exactly 1 (or 0), and the log of what is left is infinite. "
            "Stay with logits: bring x l - log(1 + exp(l)) into a form in which exp cannot overflow.",
        ),
        "softplus overflows": Misconception(
            lambda x, logits: np.sum(x * logits - np.log(1 + np.exp(logits)), axis=1),
            "The formula in logits is right, but exp(l) overflows for large l. "
            "np.logaddexp(0, l) computes log(1 + exp(l)) without that.",
        ),
        "softplus overflows for negative logits": Misconception(
            lambda x, logits: np.sum(x * logits - logits - np.log(1 + np.exp(-logits)), axis=1),
            "The formula in logits is right, but exp(-l) overflows where l is very negative. -np.logaddexp(0, -l) "
            "computes l - log(1 + exp(l)) without that.",
        ),
        "log of the probability": Misconception(
            lambda x, logits: np.log(
                np.prod(np.where(np.asarray(x) == 1, special.expit(logits), 1 - special.expit(logits)), axis=1)
            ),
            "Right as a formula, but the probability of an unlikely pixel is rounded to 0, "
            "as is a product of many, and the log of that is infinite. "
            "Stay with logits and add up logs: bring x l - log(1 + exp(l)) into a form in which exp cannot overflow.",
        ),
        "clipped": Misconception(
            lambda x, logits: bernoulli(x, logits, lambda l: np.clip(special.expit(l), 1e-7, 1 - 1e-7)),
            "Clipping the probabilities hides the infinity and puts a wrong number in its place: "
            "a pixel that the model holds for impossible should cost its whole logit. Stay with logits.",
        ),
        "ones only": Misconception(
            lambda x, logits: np.sum(x * special.log_expit(logits), axis=1),
            "Only the pixels that are 1 are counted. A pixel that is 0 has the log probability log(1 - p).",
        ),
        "sign": Misconception(
            lambda x, logits: -exact_bernoulli(x, logits),
            "Every value has the wrong sign: this is the cross-entropy, a cost. A log probability is never above 0.",
        ),
        "mean over dimensions": Misconception(
            lambda x, logits: exact_bernoulli(x, logits) / np.shape(x)[1],
            "You average over the pixels. "
            "The probability of an image is the product over its pixels, so its log is a sum.",
        ),
        "sum over examples": Misconception(
            lambda x, logits: exact_bernoulli(x, logits).sum(),
            "This is one number for all examples together. "
            "Sum over pixels only (axis=1) and leave one number per example.",
        ),
        "logits as probabilities": Misconception(
            lambda x, logits: bernoulli(x, logits, lambda l: l),
            "You take the logits for probabilities. "
            "A logit can be any real number; the probability is 1 / (1 + exp(-logit)).",
        ),
        "0 and 1 exchanged": Misconception(
            lambda x, logits: exact_bernoulli(1 - x, logits),
            "0 and 1 are exchanged: the larger the logit, the more probable is a 1.",
        ),
    },
    hints=(
        (
            "Take one pixel. With sigmoid(l) = exp(l) / (1 + exp(l)), what is log(sigmoid(l)), for x = 1, "
            "and what is log(1 - sigmoid(l)), for x = 0? What have the two in common?"
        ),
        (
            "What is left is x l - log(1 + exp(l)). "
            "For l = 1000, exp overflows, though log(1 + exp(l)) is 1000 to all digits."
        ),
        "np.logaddexp(a, b) is log(exp(a) + exp(b)), computed safely. Which a makes exp(a) = 1? Sum over axis=1.",
    ),
    afterwards=(
        r"For one pixel, $x \log \sigma(\ell) + (1 - x) \log(1 - \sigma(\ell)) = x\,\ell - \log(1 + e^\ell)$. "
        'In PyTorch: `-torch.nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1)`.'
    ),
)


# log_marginal_quadrature --------------------------------------------------------------------------------------------


def near(decoder, rng, N, K, eta, spread=1.0):
    """Examples as the model draws them, with `spread` times its noise."""
    mean = Named.resolve(decoder)(1.2 * rng.normal(size=(N, K)))
    return mean + spread * np.sqrt(eta) * rng.normal(size=mean.shape)


def quadrature_cases(rng):
    def case(name, N, eta, grid, spread=1.0, label=""):
        return Case((near(toy(name), rng, N, 1, eta, spread), toy(name), eta, grid), label)

    jitter = np.linspace(-6, 6.5, 1000) + rng.uniform(-0.003, 0.003, size=1000)
    stretched = np.sinh(np.linspace(-2.2, 2.6, 600)) * 1.4

    def coarse():
        return -0.9 + 0.3 * np.cumsum(rng.permutation([0, 0.4, 0.6, 0.9, 1.1, 1.3, 1.5]) + 0.1 * rng.random(7))

    return [
        case("line", 6, float(rng.uniform(0.2, 0.5)), np.linspace(-8, 8, 401)),
        case("half_moon", 5, float(rng.uniform(0.1, 0.3)), stretched),
        case("spiral", 4, float(rng.uniform(0.1, 0.3)), jitter),
        case("helix", 1, 0.3, np.linspace(-7, 9, 640), label="on a single example"),
        *(
            case(
                name,
                6,
                float(rng.uniform(0.6, 1.2)),
                coarse(),
                label="on a coarse and uneven grid that ends where the integrand is still large",
            )
            for name in ("spiral", "half_moon")
        ),
        case(
            "half_moon",
            3,
            0.05,
            np.linspace(-7, 7, 701),
            60.0,
            "far from the curve, where every p(x|z) underflows to 0",
        ),
        case("waves", 3, 3.0, np.linspace(-7, 7, 701), label="in 400 dimensions, where every p(x|z) underflows to 0"),
    ]


def trapezoid_rule(x, decoder, eta, grid):
    """The trapezoid rule itself, by scipy, on integrands divided by their largest value; densities from scipy, too."""
    log_likelihood = stats.norm.logpdf(x, decoder(grid[:, None])[:, None], np.sqrt(eta)).sum(axis=-1)
    log_joint = stats.norm.logpdf(grid)[:, None] + log_likelihood
    largest = log_joint.max(axis=0)
    return largest + np.log(integrate.trapezoid(np.exp(log_joint - largest), grid, axis=0))


def log_joint_on_grid(x, decoder, eta, grid, prior=True):
    """log p(z) + log p(x|z) for every grid point and example, (G, N); without log p(z) on request."""
    log_likelihood = log_normal(x, decoder(grid[:, None])[:, None], eta)
    return log_likelihood + stats.norm.logpdf(grid)[:, None] * prior


def spacing(grid):
    """The trapezoid rule's weights."""
    return np.array([(b - a) / 2 for a, b in zip([grid[0], *grid[:-1]], [*grid[1:], grid[-1]])])


def log_likelihoods_on_grid(x, decoder, eta, grid):
    """log p(x|z) at every point, (G, N)."""
    return log_normal(x, decoder(grid[:, None])[:, None], eta)


def quadrature_by(weights, **options):
    return lambda x, decoder, eta, grid: logsumexp(
        log_joint_on_grid(x, decoder, eta, grid, **options), axis=0, b=weights(grid)[:, None]
    )


def spelled_log_standard_normal(P, z, over="the latent dimensions"):
    """log p(z) under N(0, I), along the last axis."""
    exponent = P.term("z^2 / 2 in log p(z)", 0.5 * np.square(z))
    constant = P.term("log(2 pi) / 2 in log p(z)", np.full(np.shape(z), 0.5 * np.log(2 * np.pi)))
    return P.sum(-exponent - constant, -1, over)


def spelled_log_marginal_quadrature(P, x, decoder, eta, grid):
    log_prior = P.term("log p(z)", spelled_log_standard_normal(P, grid[:, None], "the one latent dimension"))
    log_likelihood = spelled_log_normal(P, x, decoder(grid[:, None])[:, None], eta)
    log_width = P.term("the log of the steps' widths", np.log(spacing(grid)))
    terms = P.term("log p(x|z)", log_likelihood) + (log_prior + log_width)[:, None]
    return P.log_sum_exp(terms, 0, "the grid")


LOG_MARGINAL_QUADRATURE = exercise(
    name="log_marginal_quadrature",
    points=4,
    minutes=20,
    lines=6,
    lecture_points=("L9", "L10"),
    signature="log_marginal_quadrature(x, decoder, eta, grid)",
    returns="(N,)",
    task=(
        r"Return $\log p(\mathbf{x}_n) = \log \int \mathcal{N}(z; 0, 1)\, \mathcal{N}(\mathbf{x}_n; G(z), \eta "
        r"I)\, dz$ for each row of `x` (N, D) by the trapezoid rule on `grid` (J,), which ascends; its steps may "
        r"differ. `decoder` is $G$: it maps codes, one a row, (M, 1), to points (M, D). Finite also where every "
        r"$p(\mathbf{x}|z)$ underflows to 0."
    ),
    answer="course_utils.probability.marginals:log_marginal_quadrature",
    aliases=("course_utils.probability.grids:log_evidence_on_grid",),
    cases=quadrature_cases,
    oracle=trapezoid_rule,
    spelled=spelled_log_marginal_quadrature,
    others={
        "the values of p(z) are added to log p(x|z): their logarithm is missing": (
            lambda x, decoder, eta, grid: logsumexp(
                log_likelihoods_on_grid(x, decoder, eta, grid) + np.exp(log_normal(grid[:, None], 0, 1))[:, None],
                axis=0,
                b=spacing(grid)[:, None],
            )
        ),
        "the widths of the steps are added to the logarithms: take their logarithm, or multiply with them after exp": (
            lambda x, decoder, eta, grid: logsumexp(
                log_joint_on_grid(x, decoder, eta, grid) + spacing(grid)[:, None], axis=0
            )
        ),
        "what is taken out before exp, the largest entry, is not added back after the logarithm": (
            lambda x, decoder, eta, grid: (
                quadrature_by(spacing)(x, decoder, eta, grid) - log_joint_on_grid(x, decoder, eta, grid).max(axis=0)
            ),
            lambda x, decoder, eta, grid: (
                quadrature_by(spacing)(x, decoder, eta, grid)
                - (log_joint_on_grid(x, decoder, eta, grid) + np.log(spacing(grid))[:, None]).max(axis=0)
            ),
        ),
        "p(x|z) is averaged over the points of the grid: both the prior p(z) and the widths of the steps are missing": (
            lambda x, decoder, eta, grid: (
                logsumexp(log_likelihoods_on_grid(x, decoder, eta, grid), axis=0) - np.log(len(grid))
            )
        ),
        "p(x|z) is summed over the points of the grid: both the prior p(z) and the widths of the steps are missing": (
            lambda x, decoder, eta, grid: logsumexp(log_likelihoods_on_grid(x, decoder, eta, grid), axis=0)
        ),
        "the steps of the grid are all taken as wide as the last": (
            quadrature_by(lambda grid: np.full_like(grid, grid[-1] - grid[-2]))
        ),
        "the steps are taken as all alike, by their mean width": (
            quadrature_by(lambda grid: np.full_like(grid, np.mean(np.diff(grid)))),
            quadrature_by(lambda grid: np.full_like(grid, (grid[-1] - grid[0]) / len(grid))),
        ),
        (
            "each point counts with the whole step after it (a left Riemann sum); the trapezoid"
            " rule takes half of both steps"
        ): (quadrature_by(lambda grid: np.append(np.diff(grid), 1e-300))),
        (
            "each point counts with the whole step before it (a right Riemann sum); the"
            " trapezoid rule takes half of both steps"
        ): (quadrature_by(lambda grid: np.append(1e-300, np.diff(grid)))),
        (
            "the widths are those of np.gradient, which gives the end points a whole step; the"
            " trapezoid rule gives them half"
        ): (quadrature_by(np.gradient)),
        "the steps count whole, before and after each point: twice as much as the trapezoid rule": (
            quadrature_by(lambda grid: 2 * spacing(grid))
        ),
        "this is the largest of log p(z) + log p(x|z) on the grid; integrate over the grid": (
            lambda x, decoder, eta, grid: log_joint_on_grid(x, decoder, eta, grid).max(axis=0)
        ),
        "the prior's exponent is z^2 without the factor 1/2": (
            lambda x, decoder, eta, grid: logsumexp(
                log_joint_on_grid(x, decoder, eta, grid) - grid[:, None] ** 2 / 2,
                axis=0,
                b=spacing(grid)[:, None],
            )
        ),
    },
    misconceptions={
        "prior left out": Misconception(
            quadrature_by(spacing, prior=False),
            "The prior is missing: the integrand is p(z) p(x|z), with p(z) the density of N(0, 1) at the grid point.",
        ),
        "prior not normalised": Misconception(
            lambda x, decoder, eta, grid: quadrature_by(spacing)(x, decoder, eta, grid) + np.log(2 * np.pi) / 2,
            "Every value is too large by the same amount, (1/2) log(2 pi): the prior has a normalising constant, too.",
        ),
        "spacing left out": Misconception(
            quadrature_by(np.ones_like),
            "You sum p(z) p(x|z) over the grid without the widths of the steps. "
            "An integral is height times width: a finer grid must not give a larger value.",
        ),
        "mean over the grid": Misconception(
            quadrature_by(lambda grid: np.ones_like(grid) / len(grid)),
            "You average p(z) p(x|z) over the grid. "
            "Grid points are not samples from p(z): each stands for the width of its step.",
        ),
        "uniform spacing": Misconception(
            quadrature_by(lambda grid: np.full_like(grid, grid[1] - grid[0])),
            "Right on a uniform grid, but you take every step to be as wide as the first. "
            "Use the differences of neighbours.",
        ),
        "uniform spacing, half at the ends": Misconception(
            quadrature_by(lambda grid: spacing(np.linspace(0, (grid[1] - grid[0]) * (len(grid) - 1), len(grid)))),
            "Half a step at the ends is right, but you take every step to be as wide as the first. "
            "Use the differences of neighbours.",
        ),
        "whole steps at the ends": Misconception(
            quadrature_by(lambda grid: spacing(grid) * np.where(np.isin(grid, grid[[0, -1]]), 2, 1)),
            "Right where the integrand vanishes at both ends of the grid. "
            "Else the end points count too much: each has one step only, and the trapezoid rule gives it half of that.",
        ),
        "ends left out": Misconception(
            quadrature_by(lambda grid: spacing(grid) * np.where(np.isin(grid, grid[[0, -1]]), 1e-300, 1)),
            "Right where the integrand vanishes at both ends of the grid. "
            "Else the two end points are missing: each counts with half of its one step.",
        ),
        "prior normalised on the grid": Misconception(
            lambda x, decoder, eta, grid: (
                quadrature_by(spacing)(x, decoder, eta, grid) - np.log(integrate.trapezoid(stats.norm.pdf(grid), grid))
            ),
            "You divide by the integral of p(z) over the grid. "
            "p(z) is a density already, and what lies outside the grid is simply left out.",
        ),
        "log inside the integral": Misconception(
            lambda x, decoder, eta, grid: (
                (spacing(grid) * stats.norm.pdf(grid)) @ log_joint_on_grid(x, decoder, eta, grid, prior=False)
            ),
            "You integrate p(z) log p(x|z). "
            "The log stands outside the integral: it is log of the mean, not the mean of logs.",
        ),
        "density": Misconception(
            lambda x, decoder, eta, grid: spacing(grid) @ np.exp(log_joint_on_grid(x, decoder, eta, grid)),
            "This is p(x). What is asked is its logarithm (taken before anything underflows).",
        ),
        "underflow": Misconception(
            lambda x, decoder, eta, grid: np.log(spacing(grid) @ np.exp(log_joint_on_grid(x, decoder, eta, grid))),
            "Right as a formula, but where all of p(z) p(x|z) underflows to 0 its log is infinite. "
            "Add up logs: log p(z) + log p(x|z) + log width, and then a log-sum-exp over the grid.",
        ),
        "sigma for variance": Misconception(
            lambda x, decoder, eta, grid: quadrature_by(spacing)(x, decoder, eta**2, grid),
            "You treat eta as the standard deviation of the noise. It is the variance.",
        ),
    },
    hints=(
        (
            "Begin with one example and two grid points. Write the sum out and take the log of each term: "
            "which three logs make it up?"
        ),
        (
            "p(x) = sum_j w_j p(z_j) p(x|z_j). "
            "With everything in logs: logsumexp over j of log w_j + log p(z_j) + log p(x|z_j)."
        ),
        (
            "With steps = np.diff(grid), the weights are (np.append(steps, 0) + np.append(0, steps)) / 2. "
            "log p(x|z_j) for all examples is gaussian_log_prob(x, decoder(np.full((len(x), 1), z_j)), eta); "
            "collect these for all j in an array (J, N) and sum over axis=0."
        ),
    ),
)


# log_marginal_monte_carlo -------------------------------------------------------------------------------------------


def sampling_cases(rng, arguments):
    """Cases over several decoders; arguments(rng, N, K, S) are what comes after eta."""

    def case(name, N, K, S, eta, spread=1.0, label=""):
        return Case((near(toy(name), rng, N, K, eta, spread), toy(name), eta, *arguments(rng, N, K, S)), label)

    return [
        case("plane", 5, 2, 30, float(rng.uniform(0.2, 0.5))),
        case("half_moon", 4, 1, 25, float(rng.uniform(0.2, 0.5))),
        case("bowl", 6, 2, 20, float(rng.uniform(1.8, 2.5))),
        case("line", 1, 1, 12, 0.4, label="on a single example"),
        case("bowl", 3, 2, 15, 0.05, 70.0, "far from the surface, where every p(x|z) underflows to 0"),
        case("waves", 4, 3, 10, 3.0, label="in 400 dimensions, where every p(x|z) underflows to 0"),
    ]


def noise(rng, N, K, S):
    return (rng.normal(size=(S, N, K)),)


def log_likelihoods(x, decoder, eta, z):
    """log p(x_n | z_sn), (S, N), for z (S, N, K)."""
    return log_normal(x, decoder(z), eta)


def monte_carlo_one_by_one(x, decoder, eta, eps):
    """The same estimator, number by number."""
    S, N, _ = eps.shape
    return np.array(
        [
            logsumexp([stats.norm.logpdf(x[n], decoder(eps[s, n]), np.sqrt(eta)).sum() for s in range(S)]) - np.log(S)
            for n in range(N)
        ]
    )


def spelled_log_marginal_monte_carlo(P, x, decoder, eta, eps):
    return P.log_mean_exp(spelled_log_normal(P, x, decoder(P("z", eps)), eta), 0, "the samples")


LOG_MARGINAL_MONTE_CARLO = exercise(
    name="log_marginal_monte_carlo",
    points=4,
    minutes=8,
    lines=2,
    lecture_points=("L9", "L10"),
    signature="log_marginal_monte_carlo(x, decoder, eta, eps)",
    returns="(N,)",
    task=(
        r"Return the log of the Monte Carlo estimate of $p(\mathbf{x}_n)$ for each row of `x` (N, D). Its S samples "
        r"of the prior are `eps[:, n]`, with `eps` (S, N, K). `decoder` maps codes, one a row, (M, K), to points "
        r"(M, D). Finite also where every $p(\mathbf{x}|\mathbf{z})$ underflows to 0."
    ),
    answer="course_utils.probability.marginals:log_marginal_monte_carlo",
    aliases=("course_utils.probability.marginals:log_marginal_importance",),
    cases=lambda rng: sampling_cases(rng, noise),
    oracle=monte_carlo_one_by_one,
    spelled=spelled_log_marginal_monte_carlo,
    others={
        "x is repeated row by row (np.repeat), but the samples come all examples at a time: use np.tile(x, (S, 1))": (
            lambda x, decoder, eta, eps: (
                logsumexp(
                    log_normal(np.repeat(x, len(eps), axis=0), decoder(eps.reshape(-1, eps.shape[2])), eta).reshape(
                        eps.shape[:2]
                    ),
                    axis=0,
                )
                - np.log(len(eps))
            )
        ),
        "each example is averaged over the samples of all examples; eps[:, n] are those of example n": (
            lambda x, decoder, eta, eps: (
                logsumexp(log_normal(x, decoder(eps.reshape(-1, eps.shape[2]))[:, None], eta), axis=0)
                - np.log(eps.shape[0] * eps.shape[1])
            )
        ),
        "two things: p(z) counts twice, as the samples are drawn from it already, and log S is not subtracted": (
            lambda x, decoder, eta, eps: logsumexp(
                log_likelihoods(x, decoder, eta, eps) + log_normal(eps, 0, 1), axis=0
            )
        ),
        "the logarithm is divided by S; the division belongs inside it": (
            lambda x, decoder, eta, eps: logsumexp(log_likelihoods(x, decoder, eta, eps), axis=0) / len(eps),
        ),
        "log N is subtracted where log S is meant: average over the samples": (
            lambda x, decoder, eta, eps: logsumexp(log_likelihoods(x, decoder, eta, eps), axis=0) - np.log(len(x)),
        ),
        "log S is added where it is to be subtracted": (
            lambda x, decoder, eta, eps: logsumexp(log_likelihoods(x, decoder, eta, eps), axis=0) + np.log(len(eps)),
        ),
        "this is log p(x|z) at the mean of the samples: decode every sample": (
            lambda x, decoder, eta, eps: log_normal(x, decoder(eps.mean(axis=0)), eta)
        ),
        "the decoded samples are averaged; average the densities": (
            lambda x, decoder, eta, eps: log_normal(x, decoder(eps).mean(axis=0), eta)
        ),
        "this is log p(x|z) of each sample, (S, N); average the densities over the samples": log_likelihoods,
        "this is log p(x|z) at z = 0: the samples are not used": (
            lambda x, decoder, eta, eps: log_normal(x, decoder(0 * eps[0]), eta)
        ),
        "this is the mean of p(x|z); its logarithm is asked": (
            lambda x, decoder, eta, eps: np.exp(log_likelihoods(x, decoder, eta, eps)).mean(axis=0)
        ),
        "the maximum that is taken out before exp is not added back after the logarithm": (
            lambda x, decoder, eta, eps: (
                logsumexp(log_likelihoods(x, decoder, eta, eps), axis=0)
                - np.log(len(eps))
                - log_likelihoods(x, decoder, eta, eps).max(axis=0)
            )
        ),
    },
    misconceptions={
        "mean of logs": Misconception(
            lambda x, decoder, eta, eps: log_likelihoods(x, decoder, eta, eps).mean(axis=0),
            "This is the mean of log p(x|z). "
            "The log stands outside the mean: average the densities, then take the log (safely).",
        ),
        "sum for mean": Misconception(
            lambda x, decoder, eta, eps: logsumexp(log_likelihoods(x, decoder, eta, eps), axis=0),
            "This is the log of the sum over samples, too large by log S: "
            "more samples must not make an example more probable.",
        ),
        "prior counted twice": Misconception(
            lambda x, decoder, eta, eps: (
                logsumexp(log_likelihoods(x, decoder, eta, eps) + log_normal(eps, 0, 1), axis=0) - np.log(len(eps))
            ),
            "You multiply p(x|z) by p(z). "
            "The samples come from p(z) already: drawing them is what weighs by the prior.",
        ),
        "mean over examples": Misconception(
            lambda x, decoder, eta, eps: logsumexp(log_likelihoods(x, decoder, eta, eps), axis=1) - np.log(len(x)),
            "You average over the examples (axis=1) and keep the samples. "
            "Samples are the first axis: average over axis=0.",
        ),
        "one number": Misconception(
            lambda x, decoder, eta, eps: (
                logsumexp(log_likelihoods(x, decoder, eta, eps)) - np.log(eps.shape[0] * eps.shape[1])
            ),
            "This is one number over samples and examples. "
            "Average over the samples only (axis=0), and leave one number per example.",
        ),
        "same noise for all": Misconception(
            lambda x, decoder, eta, eps: (
                logsumexp(log_likelihoods(x, decoder, eta, eps[:, :1]), axis=0) - np.log(len(eps))
            ),
            "Every example gets the noise of the first one. eps[:, n] are the samples of example n.",
        ),
        "underflow": Misconception(
            lambda x, decoder, eta, eps: np.log(np.exp(log_likelihoods(x, decoder, eta, eps)).mean(axis=0)),
            "Right as a formula, but where every p(x|z) underflows to 0 the log of their mean is infinite. "
            "Take out the largest first: log-sum-exp.",
        ),
        "sigma for variance": Misconception(
            lambda x, decoder, eta, eps: logsumexp(log_likelihoods(x, decoder, eta**2, eps), axis=0) - np.log(len(eps)),
            "You treat eta as the standard deviation of the noise. It is the variance.",
        ),
    },
    hints=(
        (
            "Row n of x has S samples, and so S densities p(x_n|z), whose mean is asked. The function that you have "
            "gives their logs. How did notebook 00 take the log of a mean whose terms are given by their logs?"
        ),
        (
            "Each eps[s] (N, K) is one draw of z per example: gaussian_log_prob(x, decoder(eps[s]), eta) is log p(x|z) "
            "for all examples at once. Collect these for all s in an array (S, N)."
        ),
        "logsumexp(a, axis=0) - log(S), from scipy.special, is the log of the mean of exp(a) over the first axis.",
    ),
)


# log_marginal_importance --------------------------------------------------------------------------------------------


def proposal_and_noise(rng, N, K, S):
    return 0.8 * rng.normal(size=(N, K)), rng.uniform(-1.2, -0.4, size=(N, K)), *noise(rng, N, K, S)


def importance_cases(rng):
    def case(N, S, mu, log_sigma, eps, label):
        eta = float(rng.uniform(0.2, 0.5))
        return Case((near(toy("plane"), rng, N, 2, eta), toy("plane"), eta, mu, log_sigma, eps), label)

    N, S = 3, 8
    signs = rng.choice([-1, 1], size=(3, N, 2))
    return [
        *sampling_cases(rng, proposal_and_noise),
        case(
            N,
            S,
            rng.normal(size=(N, 2)),
            np.stack([rng.uniform(2.3, 2.8, size=N), rng.uniform(-4, -3, size=N)], axis=1),
            *noise(rng, N, 2, S),
            "for a log_sigma below -3 or above 2",
        ),
        case(
            N,
            S,
            40 * signs[0] + rng.normal(size=(N, 2)),
            rng.uniform(-1, 0, size=(N, 2)),
            *noise(rng, N, 2, S),
            "for a mu far from 0, where p(z) underflows to 0",
        ),
        case(
            N,
            2,
            rng.normal(size=(N, 2)),
            rng.uniform(-1, 0, size=(N, 2)),
            signs[1:] * rng.uniform(5.5, 6, size=(2, N, 2)),
            "for eps far out in the tails, where q(z) is tiny",
        ),
    ]


def importance_one_by_one(x, decoder, eta, mu, log_sigma, eps):
    """The same estimator, number by number, with densities from scipy."""
    S, N, _ = eps.shape

    def log_weight(s, n):
        sigma = np.exp(log_sigma[n])
        z = mu[n] + sigma * eps[s, n]
        return (
            stats.norm.logpdf(x[n], decoder(z), np.sqrt(eta)).sum()
            + stats.norm.logpdf(z).sum()
            - stats.norm.logpdf(z, mu[n], sigma).sum()
        )

    return np.array([logsumexp([log_weight(s, n) for s in range(S)]) - np.log(S) for n in range(N)])


def importance_by(
    prior=1, q=-1, log_det=np.sum, sigma=np.exp, combine=lambda log_w: logsumexp(log_w, axis=0) - np.log(len(log_w))
):
    """Importance sampling, parts left out or turned: factors of log p(z) and log q(z), and how the rest is computed."""

    def estimate(x, decoder, eta, mu, log_sigma, eps):
        z = mu + sigma(log_sigma) * eps
        log_q = log_normal(eps, 0, 1) - log_det(log_sigma, axis=-1)
        return combine(log_likelihoods(x, decoder, eta, z) + prior * log_normal(z, 0, 1) + q * log_q)

    return estimate


def spelled_log_q(P, log_sigma, eps, over="the latent dimensions"):
    """log q(z) of z = mu + sigma eps, along the last axis."""
    exponent = P.term("eps^2 / 2 in log q(z)", 0.5 * np.square(eps))
    constant = P.term("log(2 pi) / 2 in log q(z)", np.full(np.shape(eps), 0.5 * np.log(2 * np.pi)))
    return P.sum(
        -exponent - P.term("log sigma in log q(z)", np.broadcast_to(log_sigma, eps.shape)) - constant, -1, over
    )


def importance_at(x, decoder, eta, mu, log_sigma, eps, log_q):
    """Importance sampling with another log q(z)."""
    z = mu + np.exp(log_sigma) * eps
    log_w = log_likelihoods(x, decoder, eta, z) + log_normal(z, 0, 1) - log_q(z)
    return logsumexp(log_w, axis=0) - np.log(len(log_w))


def spelled_log_marginal_importance(P, x, decoder, eta, mu, log_sigma, eps):
    z = P.term("mu", mu) + P.factor("sigma in z", np.exp(log_sigma)) * P("eps in z", eps)
    log_prior = P.term("log p(z)", spelled_log_standard_normal(P, P("z in log p(z)", z)))
    log_q = P.term("log q(z)", spelled_log_q(P, log_sigma, eps))
    return P.log_mean_exp(spelled_log_normal(P, x, decoder(z), eta) + log_prior - log_q, 0, "the samples")


LOG_MARGINAL_IMPORTANCE = exercise(
    name="log_marginal_importance",
    points=6,
    minutes=18,
    lines=6,
    lecture_points=("L10", "L12"),
    signature="log_marginal_importance(x, decoder, eta, mu, log_sigma, eps)",
    returns="(N,)",
    task=(
        r"Return an estimate of $\log p(\mathbf{x}_n)$ for each row of `x` (N, D) by importance sampling with S "
        r"samples of $q_n = \mathcal{N}(\boldsymbol\mu_n, \mathrm{diag}(\boldsymbol\sigma_n^2))$: `mu` and "
        r"`log_sigma` are (N, K), `eps` (S, N, K) is standard normal. Finite also where every "
        r"$p(\mathbf{x}|\mathbf{z})$ underflows to 0."
    ),
    answer="course_utils.probability.marginals:log_marginal_importance",
    cases=importance_cases,
    oracle=importance_one_by_one,
    spelled=spelled_log_marginal_importance,
    others={
        "the weights are made to sum to 1, and p(x|z) is averaged with them: that is its mean under the posterior; the "
        "plain mean of the weights p(z) p(x|z) / q(z) is asked": (
            lambda x, decoder, eta, mu, log_sigma, eps: (
                logsumexp(
                    importance_by(combine=lambda log_w: log_w)(x, decoder, eta, mu, log_sigma, eps)
                    + log_likelihoods(x, decoder, eta, mu + np.exp(log_sigma) * eps),
                    axis=0,
                )
                - logsumexp(importance_by(combine=lambda log_w: log_w)(x, decoder, eta, mu, log_sigma, eps), axis=0)
            )
        ),
        "the KL divergence stands where log p(z) - log q(z) of each sample belongs": (
            lambda x, decoder, eta, mu, log_sigma, eps: (
                logsumexp(log_likelihoods(x, decoder, eta, mu + np.exp(log_sigma) * eps), axis=0)
                - np.log(len(eps))
                - np.sum(0.5 * (np.exp(2 * log_sigma) + mu**2 - 1) - log_sigma, axis=1)
            )
        ),
        "this is the plain Monte Carlo estimate with samples of the prior: mu and log_sigma are not used": (
            lambda x, decoder, eta, mu, log_sigma, eps: (
                logsumexp(log_likelihoods(x, decoder, eta, eps), axis=0) - np.log(len(eps))
            )
        ),
        "the log weights are returned, (S, N); average the weights over the samples": (
            importance_by(combine=lambda log_w: log_w)
        ),
        "log_sigma stands where sigma belongs, in z and in q(z): sigma is exp(log_sigma), never negative": (
            lambda x, decoder, eta, mu, log_sigma, eps: (
                logsumexp(
                    log_likelihoods(x, decoder, eta, mu + log_sigma * eps)
                    + log_normal(mu + log_sigma * eps, 0, 1)
                    - stats.norm.logpdf(mu + log_sigma * eps, mu, log_sigma).sum(axis=-1),
                    axis=0,
                )
                - np.log(len(eps))
            )
        ),
        "in log q(z), (z - mu) is not divided by sigma": (
            lambda x, decoder, eta, mu, log_sigma, eps: importance_at(
                x, decoder, eta, mu, log_sigma, eps, lambda z: log_normal(z, mu, 1) - log_sigma.sum(axis=-1)
            )
        ),
        "in log q(z), mu is not subtracted from z": (
            lambda x, decoder, eta, mu, log_sigma, eps: importance_at(
                x,
                decoder,
                eta,
                mu,
                log_sigma,
                eps,
                lambda z: log_normal(z / np.exp(log_sigma), 0, 1) - log_sigma.sum(axis=-1),
            )
        ),
        "in log q(z), (z - mu)^2 is divided by sigma, and not by sigma^2": (
            lambda x, decoder, eta, mu, log_sigma, eps: importance_at(
                x,
                decoder,
                eta,
                mu,
                log_sigma,
                eps,
                lambda z: log_normal((z - mu) / np.exp(log_sigma / 2), 0, 1) - log_sigma.sum(axis=-1),
            )
        ),
        "log q(z) is taken at eps as if q were N(0, I)": (importance_by(log_det=lambda log_sigma, axis: 0)),
        "the maximum that is taken out before exp is not added back after the logarithm": (
            importance_by(combine=lambda log_w: logsumexp(log_w, axis=0) - np.log(len(log_w)) - log_w.max(axis=0))
        ),
    },
    misconceptions={
        "q left out": Misconception(
            importance_by(q=0),
            "You average p(z) p(x|z) over samples of q. "
            "They come from q more often where q is large; dividing by q(z) undoes that.",
        ),
        "prior left out": Misconception(
            importance_by(prior=0), "The weights are p(x|z) / q(z). The integrand is p(z) p(x|z): where is the prior?"
        ),
        "no weights": Misconception(
            importance_by(prior=0, q=0),
            "You average p(x|z) over samples of q as though they came from the prior. Weigh each by p(z) / q(z).",
        ),
        "q multiplied": Misconception(
            importance_by(q=1), "log q(z) has the wrong sign: the weight is divided by q(z), not multiplied."
        ),
        "log sigma as log variance": Misconception(
            importance_by(
                sigma=lambda log_sigma: np.exp(log_sigma / 2), log_det=lambda log_sigma, axis: log_sigma.sum(axis) / 2
            ),
            "You take log_sigma for the log of the variance. "
            "It is the log of the standard deviation: sigma = exp(log_sigma).",
        ),
        "log sigma for sigma": Misconception(
            importance_by(sigma=lambda log_sigma: log_sigma),
            "z = mu + log_sigma * eps: the log is still there. The standard deviation is exp(log_sigma).",
        ),
        "log sigma missing in q": Misconception(
            importance_by(log_det=lambda log_sigma, axis: 0),
            "log q(z) lacks - sum_k log sigma_k: a narrower Gaussian is higher. "
            "Its constant is 1 / (sigma sqrt(2 pi)) in every dimension.",
        ),
        "log sigma not summed": Misconception(
            importance_by(log_det=np.mean),
            "In log q(z), log sigma is averaged over the K dimensions where a sum is meant: "
            "every dimension has its own constant.",
        ),
        "mean of logs": Misconception(
            importance_by(combine=lambda log_w: log_w.mean(axis=0)),
            "This is the mean of the log weights. "
            "The log stands outside the mean: average the weights, then take the log (safely).",
        ),
        "sum for mean": Misconception(
            importance_by(combine=lambda log_w: logsumexp(log_w, axis=0)),
            "This is the log of the sum over samples, too large by log S.",
        ),
        "underflow": Misconception(
            importance_by(combine=lambda log_w: np.log(np.exp(log_w).mean(axis=0))),
            "Right as a formula, but where every weight underflows to 0 the log of their mean is infinite. "
            "Keep the weights as logs, then log-sum-exp.",
        ),
        "self-normalised": Misconception(
            lambda x, decoder, eta, mu, log_sigma, eps: (
                importance_by()(x, decoder, eta, mu, log_sigma, eps)
                - importance_by()(
                    np.zeros((len(x), 1)), lambda z: np.zeros((*z.shape[:-1], 1)), 1 / (2 * np.pi), mu, log_sigma, eps
                )
            ),
            "You divide by the sum of p(z) / q(z). That is self-normalised importance sampling, "
            "for weights that are known up to a factor. Ours are normalised: divide by S.",
        ),
    },
    hints=(
        (
            "You have three log densities to compute at each z drawn from q. "
            "Which of them is easiest to write in terms of eps?"
        ),
        (
            "z = mu + exp(log_sigma) * eps has the density q. "
            "log weight = log p(x|z) + log p(z) - log q(z), each a sum over its own dimensions."
        ),
        (
            "log p(z) = sum_k [-z_k^2 / 2 - log(2 pi) / 2], log q(z) = sum_k [-eps_k^2 / 2 - log_sigma_k - log(2 "
            "pi) / 2], because (z - mu) / sigma = eps. Then logsumexp over s, minus log S."
        ),
    ),
)


EXERCISES = [
    GAUSSIAN_LOG_PROB,
    BERNOULLI_LOG_PROB,
    LOG_MARGINAL_QUADRATURE,
    LOG_MARGINAL_MONTE_CARLO,
    LOG_MARGINAL_IMPORTANCE,
]
