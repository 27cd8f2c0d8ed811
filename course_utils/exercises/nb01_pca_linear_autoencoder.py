"""Exercises of notebook 01: PCA by hand, and the linear autoencoder that finds the same subspace."""

import functools
import math

import numpy as np
from scipy import linalg

from course_utils.exercises.model import Case, Exercise, Finding, Misconception, close, compare_arrays
from course_utils.exercises.stand_ins import Rng
from course_utils.models import pca

exercise = functools.partial(Exercise, notebook="01_pca_linear_autoencoder", compare=close())


def data(rng, N, D):
    """Correlated data away from the origin, with unequal scales."""
    around_the_origin = rng.normal(size=(N, D)) * np.linspace(2, 0.5, D) @ rng.normal(size=(D, D)) / np.sqrt(D)
    return around_the_origin + 3 * rng.normal(size=D)


def orthonormal_rows(rng, K, D):
    """With signs that are not those that np.linalg.qr gives, lest an answer may decompose them once more."""
    signs = rng.choice([-1, 1], size=(K, 1))
    signs[rng.integers(K)] = -1
    return signs * np.linalg.qr(rng.normal(size=(D, K)))[0].T


# pca_fit ------------------------------------------------------------------------------------------------------------


def tied_data(rng):
    """Data whose covariance has the eigenvalues 4, 4, 1, 0.25, so that the first two components may be any pair."""
    scales = np.array([4, 4, 2, 1]) / np.sqrt(2)
    points = np.concatenate([np.diag(scales), -np.diag(scales)]) * 2
    return points @ linalg.qr(rng.normal(size=(4, 4)))[0] + rng.normal(size=4)


def pca_fit_cases(rng):
    return [
        Case((data(rng, 40, 6), 3)),
        Case((data(rng, 30, 5), 1)),
        Case((data(rng, 7, 12), 4), "with fewer examples than dimensions"),
        Case((data(rng, 20, 5), 5), "with K = D"),
        Case((tied_data(rng), 2), "where two eigenvalues are equal"),
    ]


def eigenpairs(x, K):
    """PCA by the other road: eigenvectors of the covariance matrix."""
    values, vectors = np.linalg.eigh(np.cov(x, rowvar=False, bias=True))
    return values[::-1], (x.mean(axis=0), vectors[:, ::-1][:, :K].T)


def compare_components(expected, got, args):
    """Mean entry by entry; components by what defines them, C C^T = I and S c = lambda c in descending order."""
    x, K = args
    finding = close()(expected[0], got[0], args)
    if finding:
        return Finding(finding.kind, f"In the mean: {finding.advice}")
    covariance = np.cov(x, rowvar=False, bias=True)
    values = np.linalg.eigvalsh(covariance)[::-1][:K]

    def wrong_rows(C):
        return np.linalg.norm(C @ covariance - values[:, None] * C, axis=1) > 1e-3 * values[0]

    def orthonormal(C):
        return np.allclose(C @ C.T, np.eye(len(C)), atol=1e-3)

    # a misconception's, not the oracle's: as it stands, up to sign
    if not (orthonormal(expected[1]) and not wrong_rows(expected[1]).any()):
        signs = np.where(np.sum(expected[1] * got[1], axis=1, keepdims=True) < 0, -1, 1)
        return compare_arrays(expected[1], signs * got[1], 1e-4, 1e-5)
    if not np.isfinite(got[1]).all():
        return Finding("not finite", "The components are not all finite.")
    if not orthonormal(got[1]):
        return Finding(
            "values", "The rows of components are not orthonormal: components @ components.T should be the identity."
        )
    wrong = wrong_rows(got[1])
    if wrong.any():
        span = np.allclose(got[1].T @ got[1], expected[1].T @ expected[1], atol=1e-3)
        return Finding(
            "values",
            (
                "The components span the right subspace, but they are not the eigenvectors of the covariance matrix "
                "in descending order of eigenvalue."
                if span
                else (
                    f"Component {int(np.argmax(wrong))} is not the eigenvector of the covariance matrix "
                    "that belongs there."
                )
            ),
        )
    return None


def fit_by(mean=lambda x: x.mean(axis=0), scale=lambda x: 1, rows=lambda P, s, C, K: C[:K]):
    """A wrong pca_fit: what is subtracted, what it is divided by, and which part of the decomposition is returned."""

    def pca_fit(x, K):
        m = mean(x)
        return m, rows(*np.linalg.svd((x - m) / scale(x), full_matrices=False), K)

    return pca_fit


def smallest_first(x, K):
    return x.mean(axis=0), np.linalg.eigh(np.cov(x, rowvar=False, bias=True))[1][:, :K].T


def columns_not_rows(x, K):
    return x.mean(axis=0), np.linalg.svd(x - x.mean(axis=0), full_matrices=False)[2][:K].T


def spelled_pca_fit(P, x, K):
    mean = P.mean(x, 0, "the examples")
    components = np.linalg.svd(x - P.term("the mean that is subtracted from x", mean), full_matrices=False)[2]
    return mean, P("the components", components[:K])


PCA_FIT = exercise(
    name="pca_fit",
    points=3,
    minutes=10,
    lines=3,
    lecture_points=("L5",),
    signature="pca_fit(x, K)",
    returns="mean (D,), components (K, D)",
    task=(
        "Return the mean of `x` (N, D) and its first `K` principal components, as orthonormal rows, the one with "
        "the largest variance first."
    ),
    answer="course_utils.models.pca:pca_fit",
    cases=pca_fit_cases,
    oracle=lambda x, K: eigenpairs(x, K)[1],
    compare=compare_components,
    spelled=spelled_pca_fit,
    others={
        "the components are the right ones, but in ascending order of variance, as np.linalg.eigh has them": (
            lambda x, K: (x.mean(axis=0), eigenpairs(x, K)[1][1][::-1])
        ),
        "the second result holds left singular vectors, which have an entry for each example; the components are the "
        "third result of np.linalg.svd": (
            lambda x, K: (x.mean(axis=0), np.linalg.svd(centred(x), full_matrices=False)[0][:, :K].T)
        ),
        "two things: x is not centred, and these are the eigenvectors of the smallest eigenvalues, with which "
        "np.linalg.eigh begins": lambda x, K: (x.mean(axis=0), np.linalg.eigh(x.T @ x)[1][:, :K].T),
        "the components are columns of the third result of np.linalg.svd; they are its rows": (
            lambda x, K: (x.mean(axis=0), np.linalg.svd(centred(x), full_matrices=False)[2][:, :K].T)
        ),
        "the components are the last K, and not the first": (
            lambda x, K: (x.mean(axis=0), np.linalg.svd(x - x.mean(axis=0))[2][-K:])
        ),
        "the components start with the second, and not with the first": (
            lambda x, K: (x.mean(axis=0), np.linalg.svd(x - x.mean(axis=0))[2][1 : K + 1])
        ),
        "all components are returned, and not the first K": (
            lambda x, K: (x.mean(axis=0), np.linalg.svd(x - x.mean(axis=0), full_matrices=False)[2])
        ),
        "the second result is the codes of x, and not the components": (
            lambda x, K: (x.mean(axis=0), (x - x.mean(axis=0)) @ eigenpairs(x, K)[1][1].T)
        ),
    },
    misconceptions={
        "not centred": Misconception(
            lambda x, K: (x.mean(axis=0), np.linalg.svd(x, full_matrices=False)[2][:K]),
            "The decomposition is of x itself. Subtract the mean first: "
            "otherwise the first component mostly points from the origin to the data's centre.",
        ),
        "smallest first": Misconception(
            smallest_first,
            "These are the directions of smallest variance: np.linalg.eigh sorts eigenvalues in ascending order.",
        ),
        "columns": Misconception(
            columns_not_rows, "The components should be the rows of a (K, D) array; yours are columns."
        ),
        "standardised": Misconception(
            fit_by(scale=lambda x: x.std(axis=0)),
            "You divide by the standard deviation of each dimension. "
            "That is PCA of the correlation matrix; here it is the covariance matrix: only centre.",
        ),
        "scaled by singular values": Misconception(
            fit_by(rows=lambda P, s, C, K: s[:K, None] * C[:K]),
            "The rows are multiplied by the singular values. The components are directions, of length 1.",
        ),
        "mean over the wrong axis": Misconception(
            lambda x, K: (x.mean(axis=1), np.linalg.svd(x - x.mean(axis=1, keepdims=True), full_matrices=False)[2][:K]),
            "The mean is taken over dimensions (axis=1), one number per example. It should be over examples, axis=0.",
        ),
        "left singular vectors": Misconception(
            fit_by(rows=lambda P, s, C, K: P[:, :K]),
            "You return left singular vectors, which live in the space of examples. "
            "np.linalg.svd returns the components, transposed already, as its third result.",
        ),
    },
    hints=(
        "Centre the data first. Then a singular value decomposition of the centred matrix holds everything you need.",
        (
            "np.linalg.svd(centred, full_matrices=False) returns P, s, C with centred = P @ diag(s) @ C, "
            "the values s in descending order. Which of the three lives in the space of pixels?"
        ),
        (
            "The covariance matrix is C.T @ diag(s**2 / N) @ C, so the rows of C are its eigenvectors: "
            "return x.mean(axis=0) and C[:K]."
        ),
    ),
)


# pca_encode, pca_decode ---------------------------------------------------------------------------------------------


def encode_cases(rng):
    return [
        Case((data(rng, N, D), rng.normal(size=D), orthonormal_rows(rng, K, D)), label)
        for N, D, K, label in [(9, 6, 2, ""), (5, 7, 4, ""), (1, 4, 2, "on a single example")]
    ]


def spelled_pca_encode(P, x, mean, components):
    centred = x - P.term("the mean", mean, why="A code says where x lies as seen from the mean.")
    return P.sum(centred[:, None] * components, 2, "the dimensions")


PCA_ENCODE = exercise(
    name="pca_encode",
    points=1,
    minutes=3,
    lines=1,
    lecture_points=("L4", "L5"),
    signature="pca_encode(x, mean, components)",
    returns="(N, K)",
    task=(
        "Return the code of each row of `x` (N, D): its coordinates in the subspace through the point `mean` (D,)"
        " that the rows of `components` (K, D) span."
    ),
    answer="course_utils.models.pca:pca_encode",
    cases=encode_cases,
    oracle=lambda x, mean, components: np.array([[sum(c * (x_n - mean)) for c in components] for x_n in x]),
    spelled=spelled_pca_encode,
    others={
        "this is the reconstruction; the codes are asked, without going back": (
            lambda x, mean, components: (x - mean) @ components.T @ components + mean
        ),
        "this is the projection of x - mean, in D dimensions; the K coordinates are asked": (
            lambda x, mean, components: (x - mean) @ components.T @ components
        ),
        "these are x's coordinates with one number, the mean of `mean`, subtracted": (
            lambda x, mean, components: (x - np.mean(mean)) @ components.T
        ),
    },
    misconceptions={
        "not centred": Misconception(
            lambda x, mean, components: x @ components.T,
            "The mean is not subtracted: a code says where x lies as seen from the mean.",
        ),
        "the batch's own mean": Misconception(
            lambda x, mean, components: (x - x.mean(axis=0)) @ components.T,
            "You subtract the mean of these examples. Use the mean that is given: "
            "it is the training set's, and a new example must get the same code whichever batch it comes in.",
        ),
        "mean added": Misconception(
            lambda x, mean, components: (x + mean) @ components.T,
            "The mean is added; encoding subtracts it, and decoding adds it back.",
        ),
        "scaled to unit variance": Misconception(
            lambda x, mean, components: (x - mean) @ components.T / np.std((x - mean) @ components.T, axis=0),
            "The codes are divided by their standard deviation (whitening). Plain PCA coordinates keep their scale.",
        ),
    },
    hints=(
        "A coordinate along a unit vector c is the inner product of c with (x - mean).",
        (
            "All coordinates of all examples at once are one matrix product. "
            "Which of (N, D) and (K, D) must be transposed?"
        ),
        "(x - mean) is (N, D), components.T is (D, K).",
    ),
)


def decode_cases(rng):
    return [
        Case((rng.normal(size=(N, K)) + 1, 3 * rng.normal(size=D), orthonormal_rows(rng, K, D)), label)
        for N, D, K, label in [(9, 6, 2, ""), (5, 7, 4, ""), (1, 4, 2, "on a single code")]
    ]


def spelled_pca_decode(P, z, mean, components):
    return P.sum(z[:, :, None] * components, 1, "the components") + P.term("the mean", mean)


PCA_DECODE = exercise(
    name="pca_decode",
    points=1,
    minutes=3,
    lines=1,
    lecture_points=("L4", "L5"),
    signature="pca_decode(z, mean, components)",
    returns="(N, D)",
    task=("Return the point of the subspace for each code, a row of `z` (N, K)."),
    answer="course_utils.models.pca:pca_decode",
    cases=decode_cases,
    oracle=lambda z, mean, components: np.array([mean + sum(a * c for a, c in zip(z_n, components)) for z_n in z]),
    spelled=spelled_pca_decode,
    others={
        "the mean is added once for every component: add it once, after the sum over the components": (
            lambda z, mean, C: z @ C + len(C) * mean
        ),
        "the mean is projected onto the components before it is added: what of it lies outside their span is lost": (
            lambda z, mean, C: (z + mean @ C.T) @ C
        ),
        "the mean is added to each component and so counts with the codes; add it once, at the end": (
            lambda z, mean, components: z @ (components + mean)
        ),
    },
    misconceptions={
        "mean left out": Misconception(
            lambda z, mean, components: z @ components,
            "The mean is not added back: this is the reconstruction of x - mean, not of x.",
        ),
        "mean subtracted": Misconception(
            lambda z, mean, components: z @ components - mean,
            "The mean is subtracted; encoding subtracted it, so decoding adds it.",
        ),
        "mean of all entries": Misconception(
            lambda z, mean, components: z @ components + np.mean(mean),
            "A single number is added to all dimensions. The mean has one entry per dimension.",
        ),
        "codes centred": Misconception(
            lambda z, mean, components: (z - z.mean(axis=0)) @ components + mean,
            "The codes are centred before decoding, so that a batch is moved to the mean. Decode each code as it is.",
        ),
        "mean overwritten": Misconception(
            lambda z, mean, components: np.cumsum(z, axis=0) @ components + mean,
            "Every point starts where the one before it ended. After `p = mean`, p is another name "
            "for the same array, and `p += ...` changes mean itself: write `p = mean.copy()`, or `p = p + ...`.",
        ),
    },
    hints=(
        "A code is a recipe: start at the mean and go z_k steps along component k, for each k.",
        "x_hat = mean + z_1 c_1 + ... + z_K c_K is a matrix product for all examples together.",
        "z is (N, K) and components is (K, D): nothing has to be transposed.",
    ),
)


# projected_variance, residual_variance ------------------------------------------------------------------------------


def variance_cases(rng):
    return [Case((data(rng, N, D), orthonormal_rows(rng, K, D))) for N, D, K in [(12, 5, 2), (9, 6, 4), (6, 8, 1)]]


def centred(x):
    return x - x.mean(axis=0)


def covariance_trace(x, C):
    """tr(C S C^T): projected variance from the covariance matrix."""
    return np.trace(C @ np.cov(x, rowvar=False, bias=True) @ C.T)


def spelled_projected_variance(P, x, components):
    codes = (x - P.term("the mean of x", P.mean(x, 0, "the examples in the mean of x"))) @ components.T
    return P.sum(P.mean(P.apply("the square", np.square, codes), 0, "the examples"), 0, "the coordinates")


PROJECTED_VARIANCE = exercise(
    name="projected_variance",
    points=2,
    minutes=5,
    lines=2,
    lecture_points=("L5",),
    signature="projected_variance(x, components)",
    returns="scalar",
    task=(
        "Return the variance of the codes of `x`, summed over the K coordinates. Variance has $1/N$; `x` need not"
        " be centred."
    ),
    answer="course_utils.models.pca:projected_variance",
    cases=variance_cases,
    oracle=covariance_trace,
    spelled=spelled_projected_variance,
    others={
        "two things: you divide by N - 1, where N is meant, and average over the coordinates, where a sum is meant": (
            lambda x, C: (x @ C.T).var(axis=0, ddof=1).mean()
        ),
        "all entries of the codes' covariance matrix are summed; the variances are those on its diagonal": (
            lambda x, C: (C @ np.cov(x, rowvar=False, bias=True) @ C.T).sum()
        ),
        "this is the variance of x itself, summed over its dimensions; project on the components first": (
            lambda x, C: x.var(axis=0).sum()
        ),
        "this is the variance that the projection loses; what it keeps is asked": (
            lambda x, C: x.var(axis=0).sum() - covariance_trace(x, C)
        ),
        "this is the share of the variance; the variance itself is asked": (
            lambda x, C: covariance_trace(x, C) / x.var(axis=0).sum()
        ),
        "these are the variances of the coordinates one by one; add them up": lambda x, C: (x @ C.T).var(axis=0),
        "this is the variance of all codes thrown together; each coordinate has its own, and they are summed": (
            lambda x, C: (x @ C.T).var()
        ),
        "this is the covariance matrix of the codes; sum its diagonal": (
            lambda x, C: np.atleast_2d(C @ np.cov(x, rowvar=False, bias=True) @ C.T)
        ),
        "the variance is taken over the coordinates of each example (axis=1); take it over the examples": (
            lambda x, C: (x @ C.T).var(axis=1).sum(),
            lambda x, C: (x @ C.T).var(axis=1).mean(),
        ),
    },
    misconceptions={
        "not centred": Misconception(
            lambda x, C: ((x @ C.T) ** 2).sum(axis=1).mean(),
            "This is the mean squared length of the projection, not its variance: centre first.",
        ),
        "N - 1": Misconception(
            lambda x, C: covariance_trace(x, C) * len(x) / (len(x) - 1),
            "You divide by N - 1. "
            "The course uses 1/N throughout, so that variances and mean squared errors add up exactly.",
        ),
        "mean over coordinates": Misconception(
            lambda x, C: covariance_trace(x, C) / len(C),
            "You average over the K coordinates. The variance of a vector is the sum of its coordinates' variances.",
        ),
        "sum over examples": Misconception(
            lambda x, C: covariance_trace(x, C) * len(x),
            "You sum over the examples. A variance averages over them: where is 1/N?",
        ),
        "standard deviation": Misconception(
            lambda x, C: (centred(x) @ C.T).std(axis=0).sum(),
            "These are standard deviations. Variances are their squares, and only variances add up.",
        ),
    },
    hints=(
        "Project the centred data on the components. What is the mean squared length of a row?",
        "The variance of coordinate k is the mean over examples of its square, once centred. Sum them over k.",
        "np.var(x @ components.T, axis=0) has one variance per coordinate (and centres by itself).",
    ),
)


def spelled_residual_variance(P, x, components):
    centred = x - P.term("the mean of x", P.mean(x, 0, "the examples in the mean of x"))
    r = centred - P.term("the reconstruction", centred @ components.T @ components)
    return P.mean(P.sum(P.apply("the square", np.square, r), 1, "the dimensions"), 0, "the examples")


RESIDUAL_VARIANCE = exercise(
    name="residual_variance",
    points=2,
    minutes=5,
    lines=3,
    lecture_points=("L5",),
    signature="residual_variance(x, components)",
    returns="scalar",
    task=(
        "Return the mean over the examples of the squared distance between `x` and its reconstruction from the "
        "subspace through the mean of `x`."
    ),
    answer="course_utils.models.pca:residual_variance",
    cases=variance_cases,
    oracle=lambda x, C: np.trace(np.cov(x, rowvar=False, bias=True)) - covariance_trace(x, C),
    spelled=spelled_residual_variance,
    others={
        "x is encoded without its mean being subtracted, but the mean is added on decoding: do both": (
            lambda x, C: ((x - x @ C.T @ C - x.mean(axis=0)) ** 2).sum(axis=1).mean()
        ),
        "a variance without axis=0 is that of all entries thrown together; add up the variances of the columns": (
            lambda x, C: x.var() - (centred(x) @ C.T).var(),
            lambda x, C: x.var() - (x @ C.T).var(),
            lambda x, C: x.var() - ((x @ C.T).var(axis=0)).sum(),
        ),
        "the kept variance is divided by N - 1, and the whole one by N: the two do not fit together": (
            lambda x, C: x.var(axis=0).sum() - (x @ C.T).var(axis=0, ddof=1).sum()
        ),
        "this is the variance that the projection keeps; what is left over is asked": covariance_trace,
        "this is the share of the variance that is left; the mean squared distance itself is asked": (
            lambda x, C: 1 - covariance_trace(x, C) / x.var(axis=0).sum()
        ),
        "the reconstruction lacks the mean, which must be added back before x is compared with it": (
            lambda x, C: ((x - centred(x) @ C.T @ C) ** 2).sum(axis=1).mean()
        ),
        "this is the squared distance of each example; average over the examples": (
            lambda x, C: ((centred(x) - centred(x) @ C.T @ C) ** 2).sum(axis=1)
        ),
        "this is the root of the mean squared distance": (
            lambda x, C: np.sqrt(((centred(x) - centred(x) @ C.T @ C) ** 2).sum(axis=1).mean())
        ),
        "this is the variance of the residuals' entries thrown together; sum their squares over the dimensions": (
            lambda x, C: (centred(x) - centred(x) @ C.T @ C).var()
        ),
    },
    misconceptions={
        "not centred": Misconception(
            lambda x, C: ((x - x @ C.T @ C) ** 2).sum(axis=1).mean(),
            "You project x itself on a subspace through the origin. The subspace goes through the mean: centre first.",
        ),
        "mean over dimensions": Misconception(
            lambda x, C: np.mean((centred(x) - centred(x) @ C.T @ C) ** 2),
            "np.mean averages over dimensions too. Sum the squares over dimensions, and average over examples only.",
        ),
        "N - 1": Misconception(
            lambda x, C: ((centred(x) - centred(x) @ C.T @ C) ** 2).sum() / (len(x) - 1),
            "You divide by N - 1. "
            "The course uses 1/N throughout, so that variances and mean squared errors add up exactly.",
        ),
        "distance not squared": Misconception(
            lambda x, C: np.linalg.norm(centred(x) - centred(x) @ C.T @ C, axis=1).mean(),
            "This is the mean distance. The objective of PCA is the mean of the squared distance.",
        ),
        "sum over examples": Misconception(
            lambda x, C: ((centred(x) - centred(x) @ C.T @ C) ** 2).sum(),
            "You sum over the examples. The mean over examples is meant: where is 1/N?",
        ),
    },
    hints=(
        "Encode and decode the centred data. What is left over when you subtract the reconstruction?",
        "The projection of the centred rows on the subspace is centred @ components.T @ components.",
        "Square the difference, sum over dimensions (axis=1), then average over examples.",
    ),
)


# linear_ae_gradients ------------------------------------------------------------------------------------------------


def gradient_cases(rng):
    def case(N, D, K, label=""):
        return Case((rng.normal(size=(N, D)) + 0.5, rng.normal(size=(D, K)), rng.normal(size=(K, D))), label)

    return [case(8, 5, 2), case(6, 4, 3), case(1, 5, 3, "on a single example"), case(5, 3, 4, "for K > D")]


def loss(x, U, V):
    return ((x - x @ V.T @ U.T) ** 2).sum(axis=1).mean()


def finite_differences(x, U, V, h=1e-5):
    """Gradients of the loss by central differences, entry by entry."""

    def slope(parameter, entry):
        step = np.zeros_like(parameter)
        step[entry] = h
        plus, minus = [(U + s * step, V) if parameter is U else (U, V + s * step) for s in (1, -1)]
        return (loss(x, *plus) - loss(x, *minus)) / (2 * h)

    return tuple(np.array([slope(P, entry) for entry in np.ndindex(P.shape)]).reshape(P.shape) for P in (U, V))


def scaled_gradients(scale):
    return lambda x, U, V: tuple(scale(x) * g for g in pca.linear_ae_gradients(x, U, V))


def gradients_with_reconstruction(x, U, V):
    x_hat = x @ V.T @ U.T
    return pca.linear_ae_gradients(x, U, V)[0], -2 / len(x) * U.T @ (x - x_hat).T @ x_hat


def gradients_of_the_distance(x, U, V):
    r = x @ V.T @ U.T - x
    back = r / np.linalg.norm(r, axis=1, keepdims=True) / len(x)
    return back.T @ (x @ V.T), (back @ U).T @ x


def spelled_linear_ae_gradients(P, x, U, V):
    z = P("the codes z = x V^T", x @ V.T)
    r = P.term("x", x) - P.term("the reconstruction x_hat", z @ U.T)
    back = P.factor("the factor -2", -2.0) * r / P.divisor("N", float(len(x)))
    return back.T @ P("z in dU", z), (back @ P("U in dV", U)).T @ P("x in dV", x)


LINEAR_AE_GRADIENTS = exercise(
    name="linear_ae_gradients",
    points=4,
    minutes=15,
    lines=4,
    lecture_points=("L4",),
    signature="linear_ae_gradients(x, U, V)",
    returns="dU (D, K), dV (K, D)",
    task=(
        r"Return the gradients of $\frac1N \sum_n \|\mathbf{x}_n - U V \mathbf{x}_n\|^2$, derived by hand: one "
        r"with the shape of `U` (D, K), one with that of `V` (K, D)."
    ),
    answer="course_utils.models.pca:linear_ae_gradients",
    cases=gradient_cases,
    oracle=finite_differences,
    spelled=spelled_linear_ae_gradients,
    others={
        "dU is right. dV is its transpose: the error does not pass back through U, nor meet the input x": (
            lambda x, U, V: (pca.linear_ae_gradients(x, U, V)[0], pca.linear_ae_gradients(x, U, V)[0].T)
        ),
        "dV is right. The codes in dU are x U; the encoder's weights make them: x V^T": (
            lambda x, U, V: (-2 / len(x) * (x - x @ V.T @ U.T).T @ (x @ U), pca.linear_ae_gradients(x, U, V)[1])
        ),
        "the codes are x U everywhere; the encoder's weights make them: x V^T": (
            lambda x, U, V: pca.linear_ae_gradients(x, U, U.T)
        ),
        "only the last example counts: its gradients overwrite those of the others. Add them all up": (
            lambda x, U, V: tuple(g / len(x) for g in pca.linear_ae_gradients(x[-1:], U, V)),
            lambda x, U, V: pca.linear_ae_gradients(x[-1:], U, V),
        ),
        "these are the gradients of the distance; the loss is its square: residuals are not divided by their length": (
            gradients_of_the_distance
        ),
        "both gradients are transposed: each has the shape of its matrix": (
            lambda x, U, V: tuple(g.T for g in finite_differences(x, U, V))
        ),
        "this is the loss, and not its gradients": loss,
        "dU is right. dV lacks the factor U: the error passes through the decoder on its way back": (
            lambda x, U, V: (finite_differences(x, U, V)[0], (-2 / len(x) * (x - x @ V.T @ U.T)).T @ x)
        ),
    },
    misconceptions={
        "factor 2": Misconception(
            scaled_gradients(lambda x: 0.5),
            "Both gradients are half of what they should be: the derivative of r^2 is 2 r.",
        ),
        "sum over examples": Misconception(
            scaled_gradients(len), "This is the gradient of the sum over examples; the loss is the mean: divide by N."
        ),
        "mean over dimensions": Misconception(
            scaled_gradients(lambda x: 1 / x.shape[1]),
            "You divide by D as well. The squared error is summed over dimensions and averaged over examples only.",
        ),
        "wrong sign": Misconception(
            scaled_gradients(lambda x: -1),
            "Both gradients have the wrong sign: the residual x - x_hat falls when x_hat grows, "
            "so a minus comes down from inside the square.",
        ),
        "reconstruction for input": Misconception(
            gradients_with_reconstruction,
            "dU is right. In dV, the encoder's input is x, and not the reconstruction x_hat.",
        ),
        "order": Misconception(
            lambda x, U, V: pca.linear_ae_gradients(x, U, V)[::-1],
            "You return (dV, dU). The order is (dU, dV), each with the shape of its matrix.",
        ),
    },
    hints=(
        "Give names to the stages: z = x V^T, x_hat = z U^T, r = x - x_hat. The loss is the sum of r^2, divided by N.",
        (
            "Go backwards. The loss changes with x_hat as -2 r / N. "
            "With x_hat_bar for that, x_hat = z U^T gives dU = x_hat_bar^T z and z_bar = x_hat_bar U."
        ),
        "And z = x V^T gives dV = z_bar^T x. Check the shapes: x_hat_bar (N, D), z (N, K), z_bar (N, K), x (N, D).",
    ),
)


# linear_ae_train ----------------------------------------------------------------------------------------------------

STEPS, FEW_STEPS = 3000, 2


def train_cases(rng):
    def case(N, D, K, steps=STEPS, label=""):
        """Centred data with K strong directions: variances from 1 down to 0.5, then at most 0.1."""
        scales = np.sqrt(np.concatenate([np.linspace(1, 0.5, K), np.linspace(0.1, 0.02, D - K)]))
        x = linalg.qr(centred(rng.normal(size=(N, D))), mode="economic")[0] * np.sqrt(N) * scales
        return Case((x @ linalg.qr(rng.normal(size=(D, D)))[0], K, steps, Rng(int(rng.integers(2**62)))), label)

    return [case(60, 9, 3), case(40, 7, 2), case(50, 8, 2, FEW_STEPS, "when asked for 2 steps alone")]


def best_linear(x, K, steps, rng):
    components = eigenpairs(x, K)[1][1]
    return components.T, components


def compare_error(expected, got, args):
    x, best = args[0], loss(args[0], *expected)
    error, total = loss(x, *got), (x**2).sum(axis=1).mean()
    if not np.isfinite(error):
        return Finding("not finite", "U or V is not finite after training: the step size is too large.")
    if args[2] == FEW_STEPS:  # no gradient leads there in two steps, whatever the start that does not know x
        return Finding("values", "After 2 steps the error is PCA's already.") if at_once(error, best, total) else None
    if error - best > 0.01 * (total - best):
        return Finding(
            "values",
            f"After {args[2]} steps the error is {error / best:.3g} times PCA's. "
            "Print the loss while you train: does it fall, and does it still fall at the end?",
        )
    return None


def at_once(error, best, total):
    return error - best < 0.2 * (total - best)


def diagnose_training(args, got):
    x, K, steps, _ = args
    D = x.shape[1]
    if not isinstance(got, list | tuple) or len(got) != 2:
        return None
    try:
        U, V = (np.asarray(part, float) for part in got)
    except (ValueError, TypeError):
        return None
    if U.shape == (K, D) and V.shape == (D, K):
        return "order"
    if U.shape != (D, K) or V.shape != (K, D):
        return None
    if compare_error(best_linear(*args), (U, V), args) is None:  # something else is wrong
        return None
    error, total = loss(x, U, V), (x**2).sum(axis=1).mean()
    if steps == FEW_STEPS:
        return "not by steps" if at_once(error, loss(x, *best_linear(*args)), total) else None
    if not (U.any() and V.any()):
        return "start at zero"
    if not error < 1000 * total:  # random matrices, of whatever usual size, are at most 100 times as bad as zero
        return "uphill"
    return one_matrix_only(x, U, V, error) or ("one step" if error > 0.8 * total else None)


def one_matrix_only(x, U, V, error):
    """The key where one matrix is as good as the other lets it be, and that other one has nothing of the data's
    principal directions, as a random matrix has not. (Training that stops too early, or on other data, finds some of
    them; training from small numbers on any data makes all singular values 1.)"""
    K, S = len(V), x.T @ x / len(x)
    components = eigenpairs(x, K)[1][1]

    def untrained(rows):
        values = np.linalg.svd(rows, compute_uv=False)
        return (
            values[-1] > 1e-3 * values[0]
            and np.abs(values - 1).max() > 0.05
            and cosines(rows.T, components.T).max() ** 2 < 0.9
        )

    if not np.isfinite(error) or error < 1.3 * loss(x, components.T, components):
        return None
    if untrained(V) and error < 1.01 * loss(x, S @ V.T @ np.linalg.pinv(V @ S @ V.T), V):
        return "decoder only"
    if untrained(U.T) and error < 1.01 * loss(x, U, np.linalg.pinv(U)):
        return "encoder only"
    equal = [np.allclose(rows, rows[0], rtol=1e-3, atol=1e-6 * np.abs(rows).max()) for rows in (U.T, V)]
    return "equal columns" if K > 1 and all(equal) else None


def descend(x, K, steps, rng, rate=0.05, update_U=1.0, update_V=1.0, size=0.3, start=None):
    U, V = size * rng.normal(size=(x.shape[1], K)), size * rng.normal(size=(K, x.shape[1]))
    if start is not None:
        U, V = np.full_like(U, start), np.full_like(V, start)
    for _ in range(steps):
        with np.errstate(all="ignore"):
            dU, dV = pca.linear_ae_gradients(x, U, V)
        if not np.isfinite(dU).all():
            break
        U, V = U - update_U * rate * dU, V - update_V * rate * dV
    return U, V


LINEAR_AE_TRAIN = exercise(
    name="linear_ae_train",
    points=4,
    minutes=10,
    lines=6,
    lecture_points=("L4", "L5"),
    trains=True,
    signature="linear_ae_train(x, K, steps, rng)",
    returns="U (D, K), V (K, D)",
    task=(
        "Start from small random numbers, drawn from `rng`, and take `steps` gradient steps on the mean squared "
        "error of a linear autoencoder; `x` is centred. Momentum or Adam are fine, minibatches too; computing PCA"
        " directly is not (after 2 steps the result must not be PCA yet). In the check `x` has variance about 1 "
        "along its largest component, and there are 3000 steps."
    ),
    answer="course_utils.models.pca:linear_ae_train",
    aliases=("course_utils.models.autoencoder:autoencoder_train",),
    cases=train_cases,
    oracle=best_linear,
    compare=compare_error,
    diagnose=diagnose_training,
    misconceptions={
        "uphill": Misconception(
            functools.partial(descend, rate=-0.05),
            "The error ends above where it began. Is the step along minus the gradient? "
            "If it is, the step size is too large.",
        ),
        "start at zero": Misconception(
            functools.partial(descend, size=0.0),
            "U or V is still exactly zero. At U = 0, V = 0 both gradients vanish (a saddle point), "
            "so training never leaves it: start from small random numbers.",
        ),
        "decoder only": Misconception(
            functools.partial(descend, update_V=0.0),
            "U is the best decoder for this V, but V has not been trained: update both in every step.",
        ),
        "encoder only": Misconception(
            functools.partial(descend, update_U=0.0),
            "V is the best encoder for this U, but U has not been trained: update both in every step.",
        ),
        "one step": Misconception(
            lambda x, K, steps, rng: descend(x, K, 1, rng, rate=0.01),
            "The error is about that of random matrices, as after a single step. Do you return what went into "
            "training, and not what came out? Does a `return` or a `break` end the loop too early (where it "
            "starts, the loss changes little)? Or is the step size tiny, or does it become so?",
        ),
        "equal columns": Misconception(
            functools.partial(descend, start=0.1),
            "All columns of U are equal, and all rows of V: together they code no more than one number. "
            "What starts equal gets equal gradients and never parts: start from random numbers.",
        ),
        "not by steps": Misconception(
            best_linear,
            "The result is right, but asked for 2 steps, your function returns it, too. Does it take gradient steps, as"
            " many as `steps` says? An SVD, or solving for one matrix after the other, gets there in another way.",
        ),
        "order": Misconception(
            lambda x, K, steps, rng: descend(x, K, steps, rng)[::-1],
            "You return (V, U). The order is (U, V): decoder (D, K), then encoder (K, D).",
        ),
    },
    hints=(
        "Start U and V as small random numbers from rng (not zeros), then repeat: gradients, step.",
        "for _ in range(steps): dU, dV = linear_ae_gradients(x, U, V); U = U - rate * dU; V = V - rate * dV.",
        (
            "With 0.3 * rng.normal(size=...) to start from and a rate of 0.05, the 3000 steps of the check are plenty. "
            "Return U, V after the loop, not in it."
        ),
    ),
)


# subspace_angle -----------------------------------------------------------------------------------------------------


def angle_cases(rng):
    A, B = rng.normal(size=(2, 7, 3)) / 4
    mix = rng.normal(size=(3, 3)) + 2 * np.eye(3)
    a = rng.normal(size=(6, 1))
    return [
        Case((A, B)),
        Case((A, A @ mix + 0.2 * rng.normal(size=(7, 3)))),
        Case((rng.normal(size=(5, 2)), rng.normal(size=(5, 2)))),
        Case((a, -2 * a + 0.8 * rng.normal(size=(6, 1))), "for two lines that point in opposite directions"),
        Case(tilted(rng), "for two subspaces at a small angle"),
        Case((A, A @ mix), "for two bases of the same subspace"),
        Case(parallel(rng), "for two parallel lines, where rounding makes the cosine larger than 1"),
    ]


def tilted(rng):
    """Two subspaces that share two dimensions, and whose third ones differ by a small angle."""
    Q, angle = np.linalg.qr(rng.normal(size=(7, 4)))[0], rng.uniform(0.05, 0.08)
    B = np.column_stack([Q[:, :2], np.cos(angle) * Q[:, 2] + np.sin(angle) * Q[:, 3]])
    return tuple(basis @ (rng.normal(size=(3, 3)) + 2 * np.eye(3)) for basis in (Q[:, :3], B))


def parallel(rng):
    """Two columns in the same direction whose cosine comes out above 1: a nan where arccos is taken as it stands."""
    for _ in range(200):
        a = rng.normal(size=(6, 1))
        if np.linalg.svd(np.linalg.qr(a)[0].T @ np.linalg.qr(2 * a)[0], compute_uv=False) > 1:
            break
    return a, 2 * a


def angle_of(A, B):
    """The largest angle between the column spaces of A and B, if their columns are orthonormal."""
    return np.arccos(np.clip(np.linalg.svd(A.T @ B, compute_uv=False).min(), -1, 1))


def cosines(A, B):
    return np.clip(np.linalg.svd(np.linalg.qr(A)[0].T @ np.linalg.qr(B)[0], compute_uv=False), 0, 1)


def spelled_subspace_angle(P, A, B):
    Q_A, Q_B = P("the basis of A's columns", np.linalg.qr(A)[0]), P("the basis of B's columns", np.linalg.qr(B)[0])
    values = np.linalg.svd(Q_A.T @ Q_B, compute_uv=False)
    return P.apply("the arccosine", np.arccos, np.clip(P("the smallest cosine", values.min()), -1, 1))


SUBSPACE_ANGLE = exercise(
    name="subspace_angle",
    points=2,
    minutes=8,
    lines=3,
    lecture_points=("L4", "L5"),
    signature="subspace_angle(A, B)",
    returns="scalar, radians",
    task=(
        "Return the largest principal angle between the column spaces of `A` (D, K) and `B` (D, K). Their columns"
        " are linearly independent, but not orthonormal."
    ),
    answer="course_utils.models.pca:subspace_angle",
    cases=angle_cases,
    oracle=lambda A, B: linalg.subspace_angles(A, B).max(),
    # arccos is steep at 1: float32's rounding of a cosine moves an angle near 0 by up to 5e-4.
    compare=close(rtol=2e-4, atol=6e-4),
    spelled=spelled_subspace_angle,
    others={
        "the singular values of A^T B are cosines only where the columns of A and of B are orthonormal, which they "
        "need not be: take those of Q_A^T Q_B, with bases from np.linalg.qr": (
            lambda A, B: np.arccos(np.linalg.svd(A.T @ B, compute_uv=False).min()),
        ),
        "each basis vector of A is compared with the one of B in the same place; take the singular values of "
        "Q_A^T Q_B, as the same subspace has many bases": (
            lambda A, B: np.arccos(np.clip(np.abs((np.linalg.qr(A)[0] * np.linalg.qr(B)[0]).sum(axis=0)), 0, 1).min())
        ),
        "the determinant is the product of the cosines of all principal angles; the smallest cosine is asked": (
            lambda A, B: np.arccos(np.clip(np.abs(np.linalg.det(np.linalg.qr(A)[0].T @ np.linalg.qr(B)[0])), 0, 1))
        ),
        "A and B are compared entry by entry, as two long vectors: that depends on the bases, not on the subspaces": (
            lambda A, B: np.arccos(np.sum(A * B) / np.linalg.norm(A) / np.linalg.norm(B)),
            lambda A, B: np.arccos(np.abs(np.sum(A * B)) / np.linalg.norm(A) / np.linalg.norm(B)),
        ),
        "this is the mean of the principal angles; the largest is asked": lambda A, B: np.arccos(cosines(A, B)).mean(),
        "this is the sum of the principal angles; the largest is asked": lambda A, B: np.arccos(cosines(A, B)).sum(),
        "these are all principal angles; the largest is asked": lambda A, B: np.arccos(cosines(A, B)),
        "this is the angle of the mean cosine; the smallest cosine belongs to the largest angle": (
            lambda A, B: np.arccos(cosines(A, B).mean())
        ),
        "this is the length of the vector of all principal angles; the largest angle is asked": (
            lambda A, B: np.linalg.norm(np.arccos(cosines(A, B)))
        ),
        "the rows of A and B are scaled to length 1; an orthonormal basis of their columns is needed (np.linalg.qr)": (
            lambda A, B: np.arccos(
                np.clip(
                    np.linalg.svd(
                        (A / np.linalg.norm(A, axis=1)[:, None]).T @ (B / np.linalg.norm(B, axis=1)[:, None])
                    )[1].min(),
                    -1,
                    1,
                )
            )
        ),
        "this is the angle between the first columns alone": (
            lambda A, B: np.arccos(A[:, 0] @ B[:, 0] / np.linalg.norm(A[:, 0]) / np.linalg.norm(B[:, 0])),
            lambda A, B: np.arccos(abs(A[:, 0] @ B[:, 0]) / np.linalg.norm(A[:, 0]) / np.linalg.norm(B[:, 0])),
        ),
        "the inner products of the two bases are taken for cosines; their singular values are the cosines": (
            lambda A, B: np.arccos(np.clip((np.linalg.qr(A)[0].T @ np.linalg.qr(B)[0]).min(), -1, 1)),
            lambda A, B: np.arccos(np.clip(np.abs(np.linalg.qr(A)[0].T @ np.linalg.qr(B)[0]).min(), -1, 1)),
            lambda A, B: np.arccos(np.clip(np.diag(np.linalg.qr(A)[0].T @ np.linalg.qr(B)[0]).min(), -1, 1)),
        ),
        "the trace, or the norm, of the product of the bases is no cosine: take its smallest singular value": (
            lambda A, B: np.arccos(np.clip(np.trace(np.linalg.qr(A)[0].T @ np.linalg.qr(B)[0]) / A.shape[1], -1, 1)),
            lambda A, B: np.arccos(
                np.clip(np.linalg.norm(np.linalg.qr(A)[0].T @ np.linalg.qr(B)[0]) / np.sqrt(A.shape[1]), -1, 1)
            ),
        ),
        "eigenvalues of the product of the bases stand where its singular values belong": (
            lambda A, B: np.arccos(
                np.clip(np.abs(np.linalg.eigvals(np.linalg.qr(A)[0].T @ np.linalg.qr(B)[0])).min(), -1, 1)
            )
        ),
    },
    misconceptions={
        "columns taken as orthonormal": Misconception(
            angle_of,
            "The columns of A and B need not be orthonormal: "
            "find an orthonormal basis of each column space first (np.linalg.qr).",
        ),
        "columns only normalised": Misconception(
            lambda A, B: angle_of(A / np.linalg.norm(A, axis=0), B / np.linalg.norm(B, axis=0)),
            "The columns now have length 1, but they are not at right angles to each other: use np.linalg.qr.",
        ),
        "not clipped": Misconception(
            lambda A, B: np.arccos(np.linalg.svd(np.linalg.qr(A)[0].T @ np.linalg.qr(B)[0], compute_uv=False).min()),
            "Right but for rounding: a cosine can come out as 1 + 2e-16, and its arccos is nan. "
            "Clip the cosine to [-1, 1] first.",
        ),
        "smallest angle": Misconception(
            lambda A, B: np.arccos(cosines(A, B).max()),
            "This is the smallest principal angle, from the largest singular value. "
            "Two subspaces can share a line and still differ: take the largest angle.",
        ),
        "cosine": Misconception(
            lambda A, B: cosines(A, B).min(), "This is the cosine of the angle: np.arccos is missing."
        ),
        "degrees": Misconception(
            lambda A, B: np.degrees(np.arccos(cosines(A, B).min())), "This is in degrees; radians are meant."
        ),
        "row spaces": Misconception(
            lambda A, B: angle_of(np.linalg.qr(A.T)[0], np.linalg.qr(B.T)[0]),
            "The angle is 0 whatever A and B are, as between their row spaces, which are all of R^K. The columns span"
            " the subspaces: do you compare these?",
        ),
    },
    hints=(
        "Find an orthonormal basis of each column space. What do the inner products of the two bases say?",
        (
            "With orthonormal bases Q_A and Q_B, the singular values of Q_A.T @ Q_B are the cosines "
            "of the principal angles."
        ),
        (
            "np.linalg.qr(A)[0] is a basis, np.linalg.svd(..., compute_uv=False) the cosines; the smallest cosine "
            "belongs to the largest angle. np.clip(cosine, -1, 1) before np.arccos guards against rounding."
        ),
    ),
)


# choose_k -----------------------------------------------------------------------------------------------------------


def choose_cases(rng):
    spectrum = np.sort(rng.exponential(size=12))[::-1] ** 2 * 5
    shares = np.cumsum(spectrum) / spectrum.sum()
    between = [(shares[k - 1] + shares[k]) / 2 for k in (2, 4, 7)]  # midway between two shares: rounding cannot decide
    exact = np.array([8.0, 4, 2, 1, 1, 0])  # shares 1/2, 3/4, 7/8, ... are exact in binary
    near = float(rng.uniform(0.0003, 0.0007))
    flat = np.sort(rng.uniform(1, 2, size=6))[::-1]
    return [
        *(Case((spectrum, float(f))) for f in between),
        Case((spectrum, float(shares[0] / 2)), "when one component is enough"),
        Case(
            (np.array([0.6, 0.3 - near, 0.08, 0.02 + near]) * 7, 0.9), "when a share falls just short of the fraction"
        ),
        Case((flat, float(1 - flat[-1] / flat.sum() / 2)), "when all components are needed"),
        Case((exact, 0.75), "when the share is met exactly"),
        Case((exact, 1.0), "when the fraction is 1"),
        Case((np.full(8, 0.1), 0.75), "when a share meets the fraction but for rounding"),  # 0.7499999999999999
    ]


def compare_count(expected, got, args):
    """Of a count one can say more than how it is off. Where np.cumsum and np.sum leave the share of the K that is right
    below the fraction by rounding, K + 1 is what an honest formula gives, and is accepted, too."""
    K = float(got)
    if not np.isfinite(K) or abs(K - round(K)) > 1e-6:
        return close()(expected, got, args)
    eigenvalues, fraction = args
    shares = np.cumsum(eigenvalues) / np.sum(eigenvalues)
    expected = int(expected)
    rounded_off = expected == count_up(*args) < len(shares) and shares[expected - 1] < fraction
    if round(K) == expected or (round(K) == expected + 1 and rounded_off):
        return None
    return Finding(
        "values",
        (
            "K is too large: fewer components reach the fraction."
            if K > expected
            else "K is too small: so few components do not reach the fraction."
        ),
    )


def count_up(eigenvalues, fraction):
    """The smallest K, by adding one eigenvalue at a time. A share that misses it by rounding (1e-9) counts."""
    K, total = 0, 0.0
    while total < (fraction - 1e-9) * math.fsum(eigenvalues):
        total += eigenvalues[K]
        K += 1
    return K


def shares(eigenvalues):
    """What the first 1, 2, 3, ... components keep of the variance."""
    return np.cumsum(eigenvalues) / np.sum(eigenvalues)


def spelled_choose_k(P, eigenvalues, fraction):
    kept = np.cumsum(P("the eigenvalues", eigenvalues))
    short = kept < P("the fraction", fraction) * P("the total", np.sum(eigenvalues))
    return int(np.sum(short) + P.term("the 1 that makes a count of an index", 1))


CHOOSE_K = exercise(
    name="choose_k",
    points=1,
    minutes=4,
    lines=2,
    lecture_points=("L5", "L8"),
    signature="choose_k(eigenvalues, fraction)",
    returns="int",
    task=(
        "Return the smallest K for which the first K of the `eigenvalues` add up to at least `fraction` of their "
        "sum; they come in descending order, and `fraction` is at most 1."
    ),
    answer="course_utils.models.pca:choose_k",
    cases=choose_cases,
    oracle=count_up,
    compare=compare_count,
    spelled=spelled_choose_k,
    others={
        "these are all K that are large enough; the smallest one is asked, as a number": (
            lambda v, f: np.flatnonzero(np.cumsum(v) / v.sum() >= f) + 1
        ),
        "you count the shares that reach the fraction, and not those that fall short of it": (
            lambda e, f: int(np.sum(shares(e) >= f)),
            lambda e, f: int(np.sum(shares(e) > f)),
            lambda e, f: int(np.sum(shares(e) >= f)) + 1,
            lambda e, f: int(np.sum(shares(e) > f)) + 1,
        ),
        "you ask for more than the fraction; `at least` includes equality": (
            lambda e, f: int(np.argmax(shares(e) > f)) + 1,
            lambda e, f: int(np.sum(shares(e) <= f)) + 1,
        ),
        "you take the first share that falls short of the fraction, and not the first that reaches it": (
            lambda e, f: int(np.argmax(shares(e) < f)) + 1,
            lambda e, f: int(np.argmax(shares(e) < f)),
        ),
        "this is how many components are dropped; how many are kept is asked": lambda e, f: len(e) - count_up(e, f),
        "the fraction is not compared with a share: divide by the sum of all eigenvalues": (
            lambda e, f: int(np.argmax(np.cumsum(e) >= f)) + 1
        ),
        "this is the share that is kept; the number of components is asked": (
            lambda e, f: float(np.sum(e[: count_up(e, f)]) / np.sum(e))
        ),
        "you compare with the largest eigenvalue; compare the sum of the first K with the sum of all": (
            lambda e, f: int(np.sum(np.asarray(e) >= f * np.max(e)))
        ),
        "you count from the smallest eigenvalue": lambda e, f: count_up(np.asarray(e)[::-1], f),
    },
    misconceptions={
        "single shares, counted": Misconception(
            lambda v, f: int(np.sum(v / v.sum() >= f)),
            "Each eigenvalue's own share is compared with the fraction. Add the shares up first (np.cumsum).",
        ),
        "index for count": Misconception(
            lambda e, f: count_up(e, f) - 1,
            "This is the index of the last component that is needed, counted from 0. "
            "K is how many there are: one more.",
        ),
        "more than": Misconception(
            lambda e, f: min(int(np.sum(np.cumsum(e) <= f * np.sum(e))) + 1, len(e)),
            "You ask for more than the fraction; `at least` includes equality.",
        ),
        "single shares": Misconception(
            lambda e, f: max(1, int(np.sum(np.asarray(e) / np.sum(e) >= f))),
            "You compare each eigenvalue's own share. "
            "It is the shares together that must reach the fraction: np.cumsum.",
        ),
        "standard deviations": Misconception(
            lambda e, f: count_up(np.sqrt(e), f),
            "You add up standard deviations (square roots). Eigenvalues are variances already.",
        ),
        "squared": Misconception(
            lambda e, f: count_up(np.square(e), f),
            "You add up squared eigenvalues. Singular values would have to be squared; "
            "eigenvalues are variances already.",
        ),
    },
    hints=(
        "np.cumsum(eigenvalues) is the variance that the first 1, 2, 3, ... components keep.",
        "Divide it by the total and find the first entry that is at least `fraction`.",
        (
            "np.argmax of a boolean array is the index of its first True; K is that index plus one. "
            "Sums round: even the last share may end just below 1, and then nothing is True. "
            "A share that misses the fraction by less than 1e-9 counts as reached: compare with `fraction - 1e-9`."
        ),
    ),
)


EXERCISES = [
    PCA_FIT,
    PCA_ENCODE,
    PCA_DECODE,
    PROJECTED_VARIANCE,
    RESIDUAL_VARIANCE,
    LINEAR_AE_GRADIENTS,
    LINEAR_AE_TRAIN,
    SUBSPACE_ANGLE,
    CHOOSE_K,
]
