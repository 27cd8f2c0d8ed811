"""Wrong answers to notebook 01, from the cards alone."""

import numpy as np

from wrong_corpus import wrong

# pca_encode


@wrong("pca_encode", cause="The mean is not subtracted.", line="x @ components.T")
def not_centred(x, mean, components):
    return x @ components.T


@wrong(
    "pca_encode",
    cause="The components are rows, so they have to be transposed: (N, D) @ (D, K).",
    line="(x - mean) @ components",
)
def components_not_transposed(x, mean, components):
    return (x - mean) @ components


@wrong(
    "pca_encode",
    cause="It subtracts the mean of the x that it is given, and ignores the argument mean.",
    line="x.mean(axis=0)",
)
def own_mean_of_x(x, mean, components):
    centred = x - x.mean(axis=0)
    return centred @ components.T


@wrong(
    "pca_encode",
    cause=(
        "The mean is subtracted along the wrong axis: each example loses its own average brightness, and the "
        "argument mean is ignored."
    ),
    line="x.mean(axis=1, keepdims=True)",
)
def centred_by_example(x, mean, components):
    return (x - x.mean(axis=1, keepdims=True)) @ components.T


@wrong("pca_encode", cause="The mean is added, where it should be subtracted.", line="x + mean")
def mean_added(x, mean, components):
    return np.dot(x + mean, components.T)


@wrong(
    "pca_encode",
    cause="The codes are divided by their standard deviation, which the coordinates in the subspace are not.",
    line="z / z.std(axis=0)",
)
def codes_whitened(x, mean, components):
    z = (x - mean) @ components.T
    return z / z.std(axis=0)


@wrong(
    "pca_encode",
    cause="The codes come out as columns, (K, N): the product is transposed.",
    line="components @ (x - mean).T",
)
def examples_as_columns(x, mean, components):
    return components @ (x - mean).T


@wrong(
    "pca_encode",
    cause=(
        "It returns the reconstruction's offset in the D dimensions of x, not the K coordinates: the last "
        "product goes back out of the subspace."
    ),
    line="@ components.T @ components",
)
def projected_back_to_all_dimensions(x, mean, components):
    return (x - mean) @ components.T @ components


@wrong(
    "pca_encode",
    cause="The length of the projection is taken, so all coordinates lose their sign.",
    line="np.linalg.norm(on_line, axis=1)",
)
def lengths_without_sign(x, mean, components):
    z = np.zeros((len(x), len(components)))
    for k, c in enumerate(components):
        on_line = np.outer((x - mean) @ c, c)
        z[:, k] = np.linalg.norm(on_line, axis=1)
    return z


@wrong(
    "pca_encode",
    cause="The loop over components starts at 1, so the first coordinate stays 0.",
    line="range(1, K)",
)
def first_coordinate_left_out(x, mean, components):
    K = components.shape[0]
    z = np.zeros((x.shape[0], K))
    for k in range(1, K):
        z[:, k] = (x - mean) @ components[k]
    return z


@wrong(
    "pca_encode",
    cause="The centred examples are scaled to length 1, so these are cosines, not coordinates.",
    line="centred / np.linalg.norm(centred, axis=1, keepdims=True)",
)
def cosines_for_coordinates(x, mean, components):
    centred = x - mean
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    return unit @ components.T


@wrong(
    "pca_encode",
    cause=(
        "The centred x is divided by its standard deviations before it is projected; only the mean should be taken off."
    ),
    line="/ x.std(axis=0)",
)
def x_standardised(x, mean, components):
    standardised = (x - mean) / x.std(axis=0)
    return np.einsum("nd,kd->nk", standardised, components)


# pca_decode


@wrong("pca_decode", cause="The mean is not added.", line="return z @ components")
def mean_not_added(z, mean, components):
    return z @ components


@wrong("pca_decode", cause="The mean is subtracted, where it should be added.", line="- mean")
def mean_subtracted(z, mean, components):
    return z @ components - mean


@wrong(
    "pca_decode",
    cause="components has shape (K, D) and must not be transposed here: (N, K) @ (K, D).",
    line="z @ components.T",
)
def components_transposed(z, mean, components):
    return mean + z @ components.T


@wrong(
    "pca_decode",
    cause=(
        "The loop overwrites the point for each component instead of adding to it, so only the last component is left."
    ),
    line="x_hat = mean +",
)
def only_last_component(z, mean, components):
    for k in range(len(components)):
        x_hat = mean + np.outer(z[:, k], components[k])
    return x_hat


@wrong(
    "pca_decode",
    cause="The mean is added once for every component, so it counts K times.",
    line="x_hat += mean +",
)
def mean_added_for_every_component(z, mean, components):
    x_hat = np.zeros((len(z), len(mean)))
    for k in range(len(components)):
        x_hat += mean + np.outer(z[:, k], components[k])
    return x_hat


@wrong(
    "pca_decode",
    cause="The loop stops before the last component.",
    line="range(K - 1)",
)
def last_component_left_out(z, mean, components):
    N, K = z.shape
    x_hat = np.tile(mean, (N, 1)).astype(float)
    for k in range(K - 1):
        x_hat += z[:, k : k + 1] * components[k]
    return x_hat


@wrong(
    "pca_decode",
    cause="One number, the average over all dimensions, is added instead of the mean vector.",
    line="np.mean(mean)",
)
def scalar_mean_added(z, mean, components):
    return z @ components + np.mean(mean)


@wrong(
    "pca_decode",
    cause="The contributions of the K components are averaged, where they should be summed.",
    line="contributions.mean(axis=1)",
)
def components_averaged(z, mean, components):
    contributions = z[:, :, None] * components  # (N, K, D)
    return mean + contributions.mean(axis=1)


@wrong(
    "pca_decode",
    cause="The result is clipped to [0, 1], but points of the subspace may lie outside.",
    line="np.clip(x_hat, 0, 1)",
)
def clipped_to_brightness(z, mean, components):
    x_hat = z @ components + mean
    return np.clip(x_hat, 0, 1)


@wrong(
    "pca_decode",
    cause=(
        "The mean is projected onto the components before it is added, so what of it lies outside the "
        "subspace through the origin is lost."
    ),
    line="mean @ components.T",
)
def mean_projected(z, mean, components):
    mean_code = mean @ components.T
    return (z + mean_code) @ components


@wrong(
    "pca_decode",
    cause="Examples come out as columns, (D, N).",
    line="mean[:, None] + components.T @ z.T",
)
def points_as_columns(z, mean, components):
    return mean[:, None] + components.T @ z.T


@wrong(
    "pca_decode",
    cause="The codes are centred on their own mean before decoding, which moves all points.",
    line="z - z.mean(axis=0)",
)
def codes_centred_first(z, mean, components):
    z = z - z.mean(axis=0)
    return mean + z @ components


# projected_variance


@wrong(
    "projected_variance",
    cause="x is not centred, so it is the mean square of the codes, not their variance.",
    line="z = x @ components.T",
)
def codes_not_centred(x, components):
    z = x @ components.T
    return np.sum(z**2) / len(x)


@wrong(
    "projected_variance",
    cause="The variance is taken with 1/(N - 1), not with 1/N.",
    line="ddof=1",
)
def divided_by_n_minus_one(x, components):
    z = (x - x.mean(axis=0)) @ components.T
    return np.var(z, axis=0, ddof=1).sum()


@wrong(
    "projected_variance",
    cause="np.cov divides by N - 1 unless told otherwise (bias=True).",
    line="np.cov(x, rowvar=False)",
)
def trace_of_unbiased_covariance(x, components):
    S = np.cov(x, rowvar=False)
    return np.trace(components @ S @ components.T)


@wrong(
    "projected_variance",
    cause="np.var without an axis averages over the K coordinates as well, where they should be summed.",
    line="np.var(z)",
)
def averaged_over_coordinates(x, components):
    z = (x - x.mean(axis=0)) @ components.T
    return np.var(z)


@wrong(
    "projected_variance",
    cause="It sums standard deviations, not variances.",
    line="z.std(axis=0)",
)
def standard_deviations_summed(x, components):
    z = x @ components.T
    return z.std(axis=0).sum()


@wrong(
    "projected_variance",
    cause="The squares are not divided by N.",
    line="return np.sum(z**2)",
)
def not_divided_by_n(x, components):
    mu = np.mean(x, axis=0)
    z = (x - mu) @ components.T
    return np.sum(z**2)


@wrong(
    "projected_variance",
    cause="The variance is taken over the coordinates of each example (axis=1) instead of over the examples.",
    line="axis=1",
)
def variance_within_each_example(x, components):
    centred = x - x.mean(axis=0)
    codes = centred @ components.T
    return np.var(codes, axis=1).sum()


@wrong(
    "projected_variance",
    cause="It returns one variance per coordinate; their sum is missing.",
    line="return np.mean(z**2, axis=0)",
)
def one_variance_per_coordinate(x, components):
    z = (x - x.mean(axis=0)) @ components.T
    return np.mean(z**2, axis=0)


@wrong(
    "projected_variance",
    cause="It is divided by the total variance of x, so it is the share that is kept, not the variance.",
    line="/ np.var(x, axis=0).sum()",
)
def share_of_total_variance(x, components):
    z = (x - x.mean(axis=0)) @ components.T
    kept = np.var(z, axis=0).sum()
    return kept / np.var(x, axis=0).sum()


@wrong(
    "projected_variance",
    cause="All entries of C S C^T are summed, also the covariances; the variances are its diagonal.",
    line="np.sum(components @ S @ components.T)",
)
def covariances_summed_too(x, components):
    S = np.cov(x, rowvar=False, bias=True)
    return np.sum(components @ S @ components.T)


@wrong(
    "projected_variance",
    cause="x.mean() without an axis is one number for all dimensions, so the columns are not centred.",
    line="x - x.mean()",
)
def centred_by_one_number(x, components):
    z = (x - x.mean()) @ components.T
    return np.sum(np.mean(z**2, axis=0))


@wrong(
    "projected_variance",
    cause=(
        "The sum of squares is divided by the number of dimensions D (x.shape[1]), not by the number of examples N."
    ),
    line="x.shape[1]",
)
def divided_by_number_of_dimensions(x, components):
    z = (x - x.mean(axis=0)) @ components.T
    total = 0.0
    for row in z:
        total += row @ row
    return total / x.shape[1]


@wrong(
    "projected_variance",
    cause=("Two things: np.cov divides by N - 1, and the variances of the coordinates are averaged instead of summed."),
    line="np.mean(np.diag(np.cov(z, rowvar=False)))",
)
def mean_of_unbiased_variances(x, components):
    z = np.dot(x, components.T)
    return np.mean(np.diag(np.cov(z, rowvar=False)))


# residual_variance


@wrong(
    "residual_variance",
    cause="np.mean averages over the D dimensions, too; the squares of an example should be summed.",
    line="np.mean((x - x_hat) ** 2)",
)
def averaged_over_dimensions(x, components):
    mean = x.mean(axis=0)
    x_hat = mean + (x - mean) @ components.T @ components
    return np.mean((x - x_hat) ** 2)


@wrong(
    "residual_variance",
    cause="The reconstruction lacks the mean: it is not added back after decoding.",
    line="x_hat = z @ components",
)
def reconstruction_without_mean(x, components):
    z = (x - x.mean(axis=0)) @ components.T
    x_hat = z @ components
    return np.mean(np.sum((x - x_hat) ** 2, axis=1))


@wrong(
    "residual_variance",
    cause="x is not centred: the subspace passes through the origin, not through the mean of x.",
    line="x @ components.T @ components",
)
def subspace_through_origin(x, components):
    x_hat = x @ components.T @ components
    return np.sum((x - x_hat) ** 2) / len(x)


@wrong(
    "residual_variance",
    cause="The distances are not squared before the mean.",
    line="np.linalg.norm(x - x_hat, axis=1).mean()",
)
def distance_not_squared(x, components):
    mu = x.mean(axis=0)
    x_hat = (x - mu) @ components.T @ components + mu
    return np.linalg.norm(x - x_hat, axis=1).mean()


@wrong(
    "residual_variance",
    cause="The squares are summed over the examples, not averaged.",
    line="np.sum((centred - projected) ** 2)",
)
def summed_over_examples(x, components):
    centred = x - x.mean(axis=0)
    projected = centred @ components.T @ components
    return np.sum((centred - projected) ** 2)


@wrong(
    "residual_variance",
    cause="x is encoded without subtracting the mean, but the mean is added when decoding.",
    line="z = x @ components.T",
)
def mean_added_but_not_subtracted(x, components):
    mean = x.mean(axis=0)
    z = x @ components.T
    x_hat = mean + z @ components
    return np.mean(np.sum((x - x_hat) ** 2, axis=1))


@wrong(
    "residual_variance",
    cause="The kept variance is taken with 1/(N - 1) and the total with 1/N, so the difference does not fit.",
    line="ddof=1",
)
def total_minus_unbiased_projected(x, components):
    total = np.var(x, axis=0).sum()
    kept = np.var(x @ components.T, axis=0, ddof=1).sum()
    return total - kept


@wrong(
    "residual_variance",
    cause=("np.var without axis=0 is the average variance of an entry; the variances of the columns should be summed."),
    line="np.var(x) - np.var(z)",
)
def difference_of_overall_variances(x, components):
    z = (x - x.mean(axis=0)) @ components.T
    return np.var(x) - np.var(z)


@wrong(
    "residual_variance",
    cause="It returns one squared distance per example; their mean is missing.",
    line="return np.sum((x - x_hat) ** 2, axis=1)",
)
def one_value_per_example(x, components):
    mean = x.mean(axis=0)
    z = (x - mean) @ components.T
    x_hat = mean + z @ components
    return np.sum((x - x_hat) ** 2, axis=1)


@wrong(
    "residual_variance",
    cause="The residuals are averaged before they are squared, so they cancel to 0.",
    line="np.mean(residual, axis=0)",
)
def squared_after_averaging(x, components):
    mu = x.mean(axis=0)
    residual = (x - mu) - (x - mu) @ components.T @ components
    return np.sum(np.mean(residual, axis=0) ** 2)


@wrong(
    "residual_variance",
    cause=(
        "It measures the reconstruction's distance from the mean, which is the projected variance, not what is lost."
    ),
    line="x_hat - mean",
)
def projected_for_residual(x, components):
    mean = x.mean(axis=0)
    x_hat = mean + (x - mean) @ components.T @ components
    return np.mean(np.sum((x_hat - mean) ** 2, axis=1))


@wrong(
    "residual_variance",
    cause="The root of the mean square is returned; it should stay a squared distance.",
    line="np.sqrt(",
)
def root_mean_square(x, components):
    mean = x.mean(axis=0)
    lost = 0.0
    for row in x:
        z = components @ (row - mean)
        lost += np.sum((row - mean - components.T @ z) ** 2)
    return np.sqrt(lost / len(x))


@wrong(
    "residual_variance",
    cause="Two things: x is not centred, and the squares are averaged over the dimensions instead of summed.",
    line="np.mean((x - x @ P) ** 2)",
)
def not_centred_and_averaged(x, components):
    P = components.T @ components
    return np.mean((x - x @ P) ** 2)


# pca_fit


@wrong(
    "pca_fit",
    cause="The singular value decomposition is taken of x itself, not of x minus its mean.",
    line="np.linalg.svd(x, full_matrices=False)",
)
def svd_of_uncentred_x(x, K):
    mean = x.mean(axis=0)
    _, _, Vt = np.linalg.svd(x, full_matrices=False)
    return mean, Vt[:K]


@wrong(
    "pca_fit",
    cause="eigh sorts its eigenvalues in ascending order, so the first K are those of the smallest variance.",
    line="vectors[:, :K].T",
)
def smallest_eigenvalues(x, K):
    mean = x.mean(axis=0)
    S = np.cov(x, rowvar=False, bias=True)
    _, vectors = np.linalg.eigh(S)
    return mean, vectors[:, :K].T


@wrong(
    "pca_fit",
    cause=(
        "The last K eigenvectors of eigh are the right ones, but in ascending order: the largest variance comes last."
    ),
    line="vectors[:, -K:].T",
)
def largest_variance_last(x, K):
    mu = np.mean(x, axis=0)
    _, vectors = np.linalg.eigh((x - mu).T @ (x - mu) / len(x))
    return mu, vectors[:, -K:].T


@wrong(
    "pca_fit",
    cause="eigh returns eigenvectors as columns; here its rows are taken.",
    line="vectors[order][:K]",
)
def rows_of_eigenvector_matrix(x, K):
    mean = x.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(x.T, bias=True))
    order = np.argsort(-values)
    return mean, vectors[order][:K]


@wrong(
    "pca_fit",
    cause="svd returns the components as the rows of its third matrix; here columns of it are taken.",
    line="C[:, :K].T",
)
def columns_of_vt(x, K):
    mean = x.mean(axis=0)
    C = np.linalg.svd(x - mean, full_matrices=False)[2]
    return mean, C[:, :K].T


@wrong(
    "pca_fit",
    cause="It takes the left singular vectors, which have N entries, instead of the right ones with D.",
    line="P[:, :K].T",
)
def left_singular_vectors(x, K):
    mean = x.mean(axis=0)
    P, _, _ = np.linalg.svd(x - mean, full_matrices=False)
    return mean, P[:, :K].T


@wrong(
    "pca_fit",
    cause="The components are multiplied by their singular values, so the rows no longer have length 1.",
    line="s[:K, None] * C[:K]",
)
def scaled_by_singular_values(x, K):
    mean = x.mean(axis=0)
    _, s, C = np.linalg.svd(x - mean, full_matrices=False)
    return mean, s[:K, None] * C[:K]


@wrong(
    "pca_fit",
    cause="The components are returned as columns, (D, K); they should be rows.",
    line="return mean, vectors[:, ::-1][:, :K]",
)
def components_as_columns(x, K):
    mean = x.mean(axis=0)
    _, vectors = np.linalg.eigh(np.cov(x, rowvar=False, bias=True))
    return mean, vectors[:, ::-1][:, :K]


@wrong(
    "pca_fit",
    cause="x was replaced by the centred x before its mean is returned, so the mean comes out as 0.",
    line="return x.mean(axis=0)",
)
def mean_of_centred_x(x, K):
    x = x - x.mean(axis=0)
    _, _, vt = np.linalg.svd(x, full_matrices=False)
    return x.mean(axis=0), vt[:K]


@wrong(
    "pca_fit",
    cause=(
        "The columns are scaled to standard deviation 1 first, so these are the eigenvectors of the "
        "correlation matrix, not of the covariance."
    ),
    line="/ x.std(axis=0)",
)
def standardised_first(x, K):
    mean = x.mean(axis=0)
    standardised = (x - mean) / x.std(axis=0)
    _, _, vt = np.linalg.svd(standardised, full_matrices=False)
    return mean, vt[:K]


@wrong(
    "pca_fit",
    cause="Only the components are returned; the card asks for the mean and the components.",
    line="return vt[:K]",
)
def mean_not_returned(x, K):
    centred = x - x.mean(axis=0)
    _, _, vt = np.linalg.svd(centred, full_matrices=False)
    return vt[:K]


@wrong(
    "pca_fit",
    cause=(
        "x.mean() without axis=0 is one number for all dimensions: the data are not centred and the mean is no vector."
    ),
    line="mean = x.mean()",
)
def mean_is_one_number(x, K):
    mean = x.mean()
    _, _, vt = np.linalg.svd(x - mean, full_matrices=False)
    return mean, vt[:K]


@wrong(
    "pca_fit",
    cause="Two things: x is not centred before x^T x, and eigh puts the smallest eigenvalues first.",
    line="np.linalg.eigh(x.T @ x / len(x))",
)
def not_centred_and_smallest_first(x, K):
    _, vectors = np.linalg.eigh(x.T @ x / len(x))
    return np.mean(x, axis=0), vectors.T[:K]


# choose_k


@wrong(
    "choose_k",
    cause="argmax gives an index that counts from 0; K is one more.",
    line="np.argmax(share >= fraction)",
)
def index_for_count(eigenvalues, fraction):
    share = np.cumsum(eigenvalues) / np.sum(eigenvalues)
    return int(np.argmax(share >= fraction))


@wrong(
    "choose_k",
    cause=("The share must be at least the fraction; with > a share that is exactly the fraction is passed over."),
    line="share > fraction",
)
def strictly_more(eigenvalues, fraction):
    share = np.cumsum(eigenvalues) / np.sum(eigenvalues)
    return int(np.argmax(share > fraction)) + 1


@wrong(
    "choose_k",
    cause="The running sum is not divided by the sum of all eigenvalues.",
    line="np.cumsum(eigenvalues) >= fraction",
)
def sums_not_divided_by_total(eigenvalues, fraction):
    enough = np.cumsum(eigenvalues) >= fraction
    return int(np.argmax(enough)) + 1


@wrong(
    "choose_k",
    cause="Each eigenvalue's own share is compared with the fraction; the shares have to be added up first.",
    line="eigenvalues / np.sum(eigenvalues) >= fraction",
)
def single_shares_compared(eigenvalues, fraction):
    return int(np.sum(eigenvalues / np.sum(eigenvalues) >= fraction))


@wrong(
    "choose_k",
    cause="It takes that fraction of the number of components, whatever their eigenvalues are.",
    line="np.ceil(fraction * len(eigenvalues))",
)
def fraction_of_the_number(eigenvalues, fraction):
    return int(np.ceil(fraction * len(eigenvalues)))


@wrong(
    "choose_k",
    cause="The eigenvalues are squared, as if they were singular values; they are variances already.",
    line="np.asarray(eigenvalues) ** 2",
)
def eigenvalues_squared(eigenvalues, fraction):
    energy = np.asarray(eigenvalues) ** 2
    share = np.cumsum(energy) / energy.sum()
    return int(np.searchsorted(share, fraction)) + 1


@wrong(
    "choose_k",
    cause="It is the largest K whose share still stays below the fraction, one too few.",
    line="kept < fraction",
)
def largest_k_below(eigenvalues, fraction):
    kept = np.cumsum(eigenvalues) / np.sum(eigenvalues)
    return int(np.count_nonzero(kept < fraction))


@wrong(
    "choose_k",
    cause="The eigenvalues are sorted in ascending order, so the smallest are added first.",
    line="np.sort(eigenvalues)",
)
def smallest_added_first(eigenvalues, fraction):
    ordered = np.sort(eigenvalues)
    share = np.cumsum(ordered) / np.sum(ordered)
    return int(np.argmax(share >= fraction)) + 1


@wrong(
    "choose_k",
    cause="Eigenvalues are compared with the largest one, not added up and compared with their sum.",
    line="value >= fraction * eigenvalues[0]",
)
def compared_with_the_largest(eigenvalues, fraction):
    K = 0
    for value in eigenvalues:
        if value >= fraction * eigenvalues[0]:
            K += 1
    return K


@wrong(
    "choose_k",
    cause=("The loop asks before it adds the eigenvalue and returns the index one step later, so K is one too large."),
    line="return k + 1",
)
def one_too_many(eigenvalues, fraction):
    goal = fraction * np.sum(eigenvalues)
    total = 0.0
    for k, value in enumerate(eigenvalues):
        if total >= goal:
            return k + 1
        total += value
    return len(eigenvalues)


@wrong(
    "choose_k",
    cause="It returns an array with all K that are large enough, not the smallest one as a number.",
    line="np.where(share >= fraction)[0] + 1",
)
def all_k_that_suffice(eigenvalues, fraction):
    share = np.cumsum(eigenvalues) / np.sum(eigenvalues)
    return np.where(share >= fraction)[0] + 1


# linear_ae_gradients


@wrong(
    "linear_ae_gradients",
    cause=("The sign is wrong: x_hat enters the residual x - x_hat with a minus, so these are minus the gradients."),
    line="r = x - x_hat",
)
def sign_of_residual(x, U, V):
    z = x @ V.T
    x_hat = z @ U.T
    r = x - x_hat
    dU = 2 / len(x) * r.T @ z
    dV = 2 / len(x) * U.T @ r.T @ x
    return dU, dV


@wrong(
    "linear_ae_gradients",
    cause="The factor 2 of the derivative of the square is missing.",
    line="(x_hat - x) / len(x)",
)
def factor_two_missing(x, U, V):
    z = x @ V.T
    x_hat = z @ U.T
    d_hat = (x_hat - x) / len(x)
    return d_hat.T @ z, (d_hat @ U).T @ x


@wrong(
    "linear_ae_gradients",
    cause="The gradients are summed over the examples; the mean asks for 1/N.",
    line="2 * (x @ V.T @ U.T - x)",
)
def summed_not_averaged(x, U, V):
    bar_x_hat = 2 * (x @ V.T @ U.T - x)
    bar_z = bar_x_hat @ U
    dU = bar_x_hat.T @ (x @ V.T)
    dV = bar_z.T @ x
    return dU, dV


@wrong(
    "linear_ae_gradients",
    cause=(
        "It divides by all N * D entries, but the loss sums over the dimensions and averages over the N examples only."
    ),
    line="x.size",
)
def divided_by_all_entries(x, U, V):
    z = x @ V.T
    bar = 2 * (z @ U.T - x) / x.size
    return bar.T @ z, U.T @ bar.T @ x


@wrong(
    "linear_ae_gradients",
    cause=("dV is not passed back through U: it multiplies the output's error with z, which only gives dU transposed."),
    line="dV = z.T @ bar_x_hat",
)
def encoder_gradient_without_decoder(x, U, V):
    N = len(x)
    z = x @ V.T
    bar_x_hat = -2 / N * (x - z @ U.T)
    dU = bar_x_hat.T @ z
    dV = z.T @ bar_x_hat
    return dU, dV


@wrong(
    "linear_ae_gradients",
    cause="The error is passed back through V, where it should go through U.",
    line="bar_z = bar_x_hat @ V.T",
)
def back_through_the_encoder(x, U, V):
    z = x @ V.T
    bar_x_hat = 2 * (z @ U.T - x) / len(x)
    bar_z = bar_x_hat @ V.T
    return bar_x_hat.T @ z, bar_z.T @ x


@wrong(
    "linear_ae_gradients",
    cause="The code is computed as x @ U, with the decoder's weights, instead of x @ V.T.",
    line="z = x @ U",
)
def code_from_decoder_weights(x, U, V):
    N = x.shape[0]
    r = x - x @ V.T @ U.T
    z = x @ U
    dU = -2 / N * r.T @ z
    dV = -2 / N * U.T @ r.T @ x
    return dU, dV


@wrong(
    "linear_ae_gradients",
    cause="V receives x, not its reconstruction: dV should end with @ x.",
    line="dV = U.T @ error.T @ x_hat",
)
def encoder_gradient_with_reconstruction(x, U, V):
    z = x @ V.T
    x_hat = z @ U.T
    error = 2 * (x_hat - x) / len(x)
    dU = error.T @ z
    dV = U.T @ error.T @ x_hat
    return dU, dV


@wrong(
    "linear_ae_gradients",
    cause="Both gradients are transposed: dU should be (D, K) and dV (K, D).",
    line="return z.T @ bar, x.T @ bar @ U",
)
def gradients_transposed(x, U, V):
    z = x @ V.T
    bar = 2 / len(x) * (z @ U.T - x)
    return z.T @ bar, x.T @ bar @ U


@wrong(
    "linear_ae_gradients",
    cause=("The loop overwrites the gradients for each example instead of adding them, so only the last one counts."),
    line="dU = 2 * np.outer(r, z) / N",
)
def only_last_example(x, U, V):
    N = len(x)
    for n in range(N):
        z = V @ x[n]
        r = U @ z - x[n]
        dU = 2 * np.outer(r, z) / N
        dV = 2 * np.outer(U.T @ r, x[n]) / N
    return dU, dV


@wrong(
    "linear_ae_gradients",
    cause="It differentiates the distance, not its square: the residuals are divided by their length.",
    line="r / np.linalg.norm(r, axis=1, keepdims=True)",
)
def derivative_of_unsquared_norm(x, U, V):
    z = x @ V.T
    r = z @ U.T - x
    bar = r / np.linalg.norm(r, axis=1, keepdims=True) / len(x)
    return bar.T @ z, (bar @ U).T @ x


@wrong(
    "linear_ae_gradients",
    cause="The derivative of a tanh, 1 - z^2, is multiplied in, but the hidden layer is linear.",
    line="(1 - z**2)",
)
def tanh_derivative_at_linear_layer(x, U, V):
    z = x @ V.T
    bar_x_hat = 2 * (z @ U.T - x) / len(x)
    bar_z = (bar_x_hat @ U) * (1 - z**2)
    dU = bar_x_hat.T @ z
    dV = bar_z.T @ x
    return dU, dV


@wrong(
    "linear_ae_gradients",
    cause="dU is averaged over the examples, but dV is not: its 1/N is missing.",
    line="dV = -2 * U.T @ r.T @ x",
)
def encoder_gradient_not_averaged(x, U, V):
    r = x - x @ V.T @ U.T
    dU = -2 * r.T @ (x @ V.T) / len(x)
    dV = -2 * U.T @ r.T @ x
    return dU, dV


@wrong(
    "linear_ae_gradients",
    cause="Two things: the minus sign of the derivative with respect to x_hat is missing, and so is 1/N.",
    line="error = 2 * (x - x @ V.T @ U.T)",
)
def sign_and_mean_forgotten(x, U, V):
    error = 2 * (x - x @ V.T @ U.T)
    dU = np.einsum("nd,nk->dk", error, x @ V.T)
    dV = np.einsum("nk,nd->kd", error @ U, x)
    return dU, dV


# linear_ae_train


def _gradients(x, U, V):
    bar = 2 * (x @ V.T @ U.T - x) / len(x)
    return bar.T @ (x @ V.T), (bar @ U).T @ x


@wrong(
    "linear_ae_train",
    cause="The steps go up the gradient: it is added, not subtracted.",
    line="U = U + 0.1 * dU",
)
def climbs_the_loss(x, K, steps, rng):
    D = x.shape[1]
    U, V = 0.1 * rng.normal(size=(D, K)), 0.1 * rng.normal(size=(K, D))
    for _ in range(steps):
        dU, dV = _gradients(x, U, V)
        U = U + 0.1 * dU
        V = V + 0.1 * dV
    return U, V


@wrong(
    "linear_ae_train",
    cause="U and V start at 0, where the gradient is 0: they never move.",
    line="np.zeros((D, K))",
)
def starts_at_zero(x, K, steps, rng):
    D = x.shape[1]
    U = np.zeros((D, K))
    V = np.zeros((K, D))
    for _ in range(steps):
        dU, dV = _gradients(x, U, V)
        U -= 0.1 * dU
        V -= 0.1 * dV
    return U, V


@wrong(
    "linear_ae_train",
    cause="The step size is far too small for the number of steps: U and V have hardly left their start.",
    line="step_size = 1e-5",
)
def step_size_too_small(x, K, steps, rng):
    step_size = 1e-5
    U = rng.normal(size=(x.shape[1], K)) * 0.1
    V = rng.normal(size=(K, x.shape[1])) * 0.1
    for _ in range(steps):
        dU, dV = _gradients(x, U, V)
        U, V = U - step_size * dU, V - step_size * dV
    return U, V


@wrong(
    "linear_ae_train",
    cause="The step size is too large, so the weights grow without limit.",
    line="lr = 2.0",
)
def step_size_too_large(x, K, steps, rng):
    lr = 2.0
    D = x.shape[1]
    U, V = rng.normal(size=(D, K)) / np.sqrt(D), rng.normal(size=(K, D)) / np.sqrt(D)
    for _ in range(steps):
        dU, dV = _gradients(x, U, V)
        U = U - lr * dU
        V = V - lr * dV
    return U, V


@wrong(
    "linear_ae_train",
    cause="It computes PCA by a singular value decomposition and takes no gradient steps at all.",
    line="np.linalg.svd(x, full_matrices=False)",
)
def pca_without_training(x, K, steps, rng):
    _, _, C = np.linalg.svd(x, full_matrices=False)
    C = C[:K]
    return C.T, C


@wrong(
    "linear_ae_train",
    cause="The return stands inside the loop, so only one step is taken.",
    line="        return U, V",
)
def returns_after_one_step(x, K, steps, rng):
    U = 0.1 * rng.normal(size=(x.shape[1], K))
    V = 0.1 * rng.normal(size=(K, x.shape[1]))
    for _ in range(steps):
        dU, dV = _gradients(x, U, V)
        U = U - 0.1 * dU
        V = V - 0.1 * dV
        return U, V


@wrong(
    "linear_ae_train",
    cause="Only the decoder U is updated; the encoder V keeps its random start.",
    line="dU, _ = _gradients(x, U, V)",
)
def encoder_never_updated(x, K, steps, rng):
    D = x.shape[1]
    V = 0.3 * rng.normal(size=(K, D))
    U = 0.3 * rng.normal(size=(D, K))
    for _ in range(steps):
        dU, _ = _gradients(x, U, V)
        U -= 0.1 * dU
    return U, V


@wrong(
    "linear_ae_train",
    cause="It always takes 100 steps and ignores the argument steps.",
    line="range(100)",
)
def steps_ignored(x, K, steps, rng):
    D = x.shape[1]
    U, V = 0.1 * rng.normal(size=(D, K)), 0.1 * rng.normal(size=(K, D))
    for _ in range(100):
        dU, dV = _gradients(x, U, V)
        U, V = U - 0.1 * dU, V - 0.1 * dV
    return U, V


@wrong(
    "linear_ae_train",
    cause=(
        "It stops as soon as the loss changes little, which is already so at the start, where small weights "
        "make small gradients."
    ),
    line="if abs(last - loss) < 1e-3",
)
def stops_on_the_plateau(x, K, steps, rng):
    U = 0.01 * rng.normal(size=(x.shape[1], K))
    V = 0.01 * rng.normal(size=(K, x.shape[1]))
    last = np.inf
    for _ in range(steps):
        loss = np.mean(np.sum((x - x @ V.T @ U.T) ** 2, axis=1))
        if abs(last - loss) < 1e-3:
            break
        last = loss
        dU, dV = _gradients(x, U, V)
        U -= 0.1 * dU
        V -= 0.1 * dV
    return U, V


@wrong(
    "linear_ae_train",
    cause="The step size shrinks like 1/t, so fast that training stands still long before it arrives.",
    line="U = U - 0.1 / (t + 1) * dU",
)
def step_size_shrinks_too_fast(x, K, steps, rng):
    D = x.shape[1]
    U, V = 0.1 * rng.normal(size=(D, K)), 0.1 * rng.normal(size=(K, D))
    for t in range(steps):
        dU, dV = _gradients(x, U, V)
        U = U - 0.1 / (t + 1) * dU
        V = V - 0.1 / (t + 1) * dV
    return U, V


# subspace_angle


@wrong(
    "subspace_angle",
    cause="A and B are not orthonormalised first, so the singular values of A^T B are no cosines.",
    line="np.linalg.svd(A.T @ B, compute_uv=False)",
)
def bases_not_orthonormal(A, B):
    s = np.linalg.svd(A.T @ B, compute_uv=False)
    return np.arccos(np.clip(s.min(), -1, 1))


@wrong(
    "subspace_angle",
    cause=("The largest singular value belongs to the smallest angle; the largest angle has the smallest cosine."),
    line="s[0]",
)
def smallest_angle(A, B):
    Q_A, _ = np.linalg.qr(A)
    Q_B, _ = np.linalg.qr(B)
    s = np.linalg.svd(Q_A.T @ Q_B, compute_uv=False)
    return np.arccos(np.clip(s[0], -1, 1))


@wrong("subspace_angle", cause="The angle is in degrees, not in radians.", line="np.degrees(")
def in_degrees(A, B):
    Q_A = np.linalg.qr(A)[0]
    Q_B = np.linalg.qr(B)[0]
    cosine = np.linalg.svd(Q_A.T @ Q_B, compute_uv=False).min()
    return np.degrees(np.arccos(min(cosine, 1)))


@wrong(
    "subspace_angle",
    cause="It returns the cosine of the angle, not the angle: the arccos is missing.",
    line="return np.min(cosines)",
)
def cosine_for_angle(A, B):
    Q_A, Q_B = np.linalg.qr(A)[0], np.linalg.qr(B)[0]
    cosines = np.linalg.svd(Q_A.T @ Q_B, compute_uv=False)
    return np.min(cosines)


@wrong(
    "subspace_angle",
    cause=("Rounding can make a cosine a little larger than 1, and its arccos is then nan: it must be clipped."),
    line="np.arccos(s.min())",
)
def cosine_not_clipped(A, B):
    Q_A = np.linalg.qr(A)[0]
    Q_B = np.linalg.qr(B)[0]
    s = np.linalg.svd(Q_A.T @ Q_B, compute_uv=False)
    return np.arccos(s.min())


@wrong(
    "subspace_angle",
    cause=(
        "Column k of one basis is compared with column k of the other; the same subspace may have other "
        "columns, so singular values are needed."
    ),
    line="np.abs(np.sum(Q_A * Q_B, axis=0))",
)
def column_against_column(A, B):
    Q_A, _ = np.linalg.qr(A)
    Q_B, _ = np.linalg.qr(B)
    cosines = np.abs(np.sum(Q_A * Q_B, axis=0))
    return np.arccos(np.clip(cosines, 0, 1)).max()


@wrong(
    "subspace_angle",
    cause="The columns are only scaled to length 1, not made orthogonal to each other.",
    line="A / np.linalg.norm(A, axis=0)",
)
def columns_normalised_only(A, B):
    A = A / np.linalg.norm(A, axis=0)
    B = B / np.linalg.norm(B, axis=0)
    s = np.linalg.svd(A.T @ B)[1]
    return np.arccos(np.clip(s[-1], -1, 1))


@wrong(
    "subspace_angle",
    cause="It averages all principal angles; the largest was asked for.",
    line=".mean()",
)
def mean_of_the_angles(A, B):
    Q_A = np.linalg.qr(A)[0]
    Q_B = np.linalg.qr(B)[0]
    s = np.linalg.svd(Q_A.T @ Q_B, compute_uv=False)
    angles = np.arccos(np.clip(s, -1, 1))
    return angles.mean()


@wrong(
    "subspace_angle",
    cause="arcsin is taken where it should be arccos: the singular values are cosines.",
    line="np.arcsin(",
)
def arcsin_for_arccos(A, B):
    Q_A, Q_B = np.linalg.qr(A)[0], np.linalg.qr(B)[0]
    s = np.linalg.svd(Q_A.T @ Q_B, compute_uv=False)
    return np.arcsin(np.clip(s.min(), 0, 1))


@wrong(
    "subspace_angle",
    cause="The determinant is the product of the cosines of all angles, not the smallest of them.",
    line="np.linalg.det(Q_A.T @ Q_B)",
)
def product_of_cosines(A, B):
    Q_A = np.linalg.qr(A)[0]
    Q_B = np.linalg.qr(B)[0]
    cosine = abs(np.linalg.det(Q_A.T @ Q_B))
    return np.arccos(min(cosine, 1.0))


@wrong(
    "subspace_angle",
    cause=(
        "The two matrices are compared as long vectors; this is an angle between matrices, which depends on the bases."
    ),
    line="np.sum(A * B)",
)
def angle_between_flattened_matrices(A, B):
    cosine = np.sum(A * B) / (np.linalg.norm(A) * np.linalg.norm(B))
    return np.arccos(np.clip(cosine, -1, 1))


@wrong(
    "subspace_angle",
    cause="Eigenvalues of Q_A^T Q_B are taken; the cosines are its singular values.",
    line="np.linalg.eigvals(Q_A.T @ Q_B)",
)
def eigenvalues_for_singular_values(A, B):
    Q_A = np.linalg.qr(A)[0]
    Q_B = np.linalg.qr(B)[0]
    cosines = np.abs(np.linalg.eigvals(Q_A.T @ Q_B))
    return np.arccos(np.clip(cosines.min(), 0, 1))


@wrong(
    "subspace_angle",
    cause="The bases are taken of the row spaces: A and B must not be transposed before qr.",
    line="np.linalg.qr(A.T)",
)
def row_spaces(A, B):
    Q_A, _ = np.linalg.qr(A.T)
    Q_B, _ = np.linalg.qr(B.T)
    cosines = np.linalg.svd(Q_A.T @ Q_B, compute_uv=False)
    return np.arccos(np.clip(cosines.min(), -1, 1))
