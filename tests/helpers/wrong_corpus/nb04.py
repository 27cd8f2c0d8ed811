"""Wrong answers to notebook 04, from the cards alone."""

import numpy as np
from scipy.special import logsumexp, rel_entr, softmax
from scipy.stats import norm

from wrong_corpus import wrong

# jensen_gap


@wrong(
    "jensen_gap",
    cause="The two terms are interchanged, so the sign is wrong.",
    line="h(mean) - np.sum(weights * h(x))",
)
def sign_reversed(h, x, weights):
    mean = np.sum(weights * x)
    return h(mean) - np.sum(weights * h(x))


@wrong(
    "jensen_gap",
    cause="The weights are ignored: all values count alike.",
    line="np.mean(h(x)) - h(np.mean(x))",
)
def weights_ignored(h, x, weights):
    return np.mean(h(x)) - h(np.mean(x))


@wrong(
    "jensen_gap",
    cause="E[X] is taken without the weights, as a plain mean.",
    line="h(x.mean())",
)
def plain_mean_inside_h(h, x, weights):
    return weights @ h(x) - h(x.mean())


@wrong(
    "jensen_gap",
    cause=("The weights are put inside h: E[h(X)] is the sum of weights times h(x), not of h(weights times x)."),
    line="np.sum(h(weights * x))",
)
def weights_inside_h(h, x, weights):
    expected = np.sum(h(weights * x))
    return expected - h(np.sum(weights * x))


@wrong(
    "jensen_gap",
    cause=("The weighted values are averaged once more: np.mean divides by n, though the weights already add up to 1."),
    line="np.mean(weights * h(x))",
)
def divided_by_n_as_well(h, x, weights):
    return np.mean(weights * h(x)) - h(np.mean(weights * x))


@wrong(
    "jensen_gap",
    cause="The absolute value is returned; for a concave h the gap should be negative.",
    line="abs(",
)
def absolute_gap(h, x, weights):
    return abs(np.dot(weights, h(x)) - h(np.dot(weights, x)))


@wrong(
    "jensen_gap",
    cause="h is not applied to E[X] in the second term.",
    line="weights @ x",
)
def h_missing_in_second_term(h, x, weights):
    return weights @ h(x) - weights @ x


@wrong(
    "jensen_gap",
    cause="The logarithm is written into the function; the argument h is ignored.",
    line="np.log(x)",
)
def always_the_logarithm(h, x, weights):
    return np.sum(weights * np.log(x)) - np.log(np.sum(weights * x))


@wrong(
    "jensen_gap",
    cause="E[h(X)] is not summed: there is one number for each value of X.",
    line="weights * h(x) - h(mean)",
)
def expectation_not_summed(h, x, weights):
    mean = np.sum(weights * x)
    return weights * h(x) - h(mean)


@wrong(
    "jensen_gap",
    cause=(
        "The weights are taken for a density and integrated over x; they are probabilities, and their "
        "products are summed."
    ),
    line="np.trapezoid(weights * h(x), x)",
)
def weights_as_a_density(h, x, weights):
    return np.trapezoid(weights * h(x), x) - h(np.trapezoid(weights * x, x))


@wrong(
    "jensen_gap",
    cause="Only E[h(X)] is returned: h(E[X]) is not subtracted.",
    line="return total",
)
def only_the_first_term(h, x, weights):
    total = 0.0
    for value, weight in zip(x, weights, strict=True):
        total += weight * h(value)
    return total


@wrong(
    "jensen_gap",
    cause="Two things: the weights are ignored, and the terms stand in the wrong order.",
    line="h(np.mean(x)) - np.mean(h(x))",
)
def unweighted_and_reversed(h, x, weights):
    return h(np.mean(x)) - np.mean(h(x))


# posterior_on_grid


def _trapezoid_weights(grid):
    gaps = np.diff(grid)
    return (np.append(gaps, 0) + np.insert(gaps, 0, 0)) / 2


@wrong(
    "posterior_on_grid",
    cause="exp underflows to 0 where log p(x, z) is very negative: the maximum has to be taken out first.",
    line="joint = np.exp(log_joint(grid))",
)
def joint_underflows(log_joint, grid):
    joint = np.exp(log_joint(grid))
    return joint / np.trapezoid(joint, grid)


@wrong(
    "posterior_on_grid",
    cause=("The values are made to add up to 1; their integral should be 1, so the steps of the grid are missing."),
    line="density.sum()",
)
def values_add_up_to_one(log_joint, grid):
    a = log_joint(grid)
    density = np.exp(a - a.max())
    return density / density.sum()


@wrong(
    "posterior_on_grid",
    cause="All steps are taken to be as long as the first, but they may differ.",
    line="grid[1] - grid[0]",
)
def steps_taken_as_equal(log_joint, grid):
    a = log_joint(grid)
    density = np.exp(a - np.max(a))
    return density / np.trapezoid(density, dx=grid[1] - grid[0])


@wrong(
    "posterior_on_grid",
    cause="np.trapezoid is not given the grid, so it takes all steps to be 1.",
    line="np.trapezoid(p)",
)
def steps_of_one(log_joint, grid):
    values = log_joint(grid)
    p = np.exp(values - values.max())
    return p / np.trapezoid(p)


@wrong(
    "posterior_on_grid",
    cause="The joint density is only scaled to have the maximum 1; it is not divided by its integral.",
    line="return np.exp(a - a.max())",
)
def not_normalised(log_joint, grid):
    a = log_joint(grid)
    return np.exp(a - a.max())


@wrong(
    "posterior_on_grid",
    cause="It returns the logarithm of the density: the last exp is missing.",
    line="return a - np.log(area)",
)
def log_density_returned(log_joint, grid):
    a = log_joint(grid)
    a = a - np.max(a)
    area = np.trapezoid(np.exp(a), grid)
    return a - np.log(area)


@wrong(
    "posterior_on_grid",
    cause="log_joint is a function and has to be called with the grid.",
    line="log_joint - np.max(log_joint)",
)
def function_taken_for_its_values(log_joint, grid):
    density = np.exp(log_joint - np.max(log_joint))
    return density / np.trapezoid(density, grid)


@wrong(
    "posterior_on_grid",
    cause="The log density itself is normalised: exp is missing.",
    line="a / np.trapezoid(a, grid)",
)
def logarithms_normalised(log_joint, grid):
    a = log_joint(grid)
    return a / np.trapezoid(a, grid)


@wrong(
    "posterior_on_grid",
    cause="The arguments of np.trapezoid are interchanged: it takes the values first, then the grid.",
    line="np.trapezoid(grid, density)",
)
def trapezoid_arguments_swapped(log_joint, grid):
    a = log_joint(grid)
    density = np.exp(a - a.max())
    return density / np.trapezoid(grid, density)


@wrong(
    "posterior_on_grid",
    cause="The prior is multiplied in once more, although it is already part of the joint density.",
    line="norm.logpdf(grid)",
)
def prior_counted_twice(log_joint, grid):
    a = log_joint(grid) + norm.logpdf(grid)
    density = np.exp(a - a.max())
    return density / np.trapezoid(density, grid)


@wrong(
    "posterior_on_grid",
    cause=(
        "It returns the probability of each grid point, the density times its trapezoid weight, instead of the density."
    ),
    line="_trapezoid_weights(grid) * np.exp(a - a.max())",
)
def probabilities_for_densities(log_joint, grid):
    a = log_joint(grid)
    mass = _trapezoid_weights(grid) * np.exp(a - a.max())
    return mass / mass.sum()


@wrong(
    "posterior_on_grid",
    cause=("A Gaussian with the posterior's mean and variance is returned, but the posterior need not be Gaussian."),
    line="norm.pdf(grid, mean, np.sqrt(variance))",
)
def gaussian_with_the_same_moments(log_joint, grid):
    a = log_joint(grid)
    mass = _trapezoid_weights(grid) * np.exp(a - a.max())
    mass /= mass.sum()
    mean = mass @ grid
    variance = mass @ (grid - mean) ** 2
    return norm.pdf(grid, mean, np.sqrt(variance))


@wrong(
    "posterior_on_grid",
    cause="A tiny number in the denominator avoids the division by 0, but the density is then 0 everywhere.",
    line="+ 1e-300",
)
def tiny_number_in_the_denominator(log_joint, grid):
    joint = np.exp(log_joint(grid))
    evidence = np.trapezoid(joint, grid) + 1e-300
    return joint / evidence


@wrong(
    "posterior_on_grid",
    cause=(
        "Two things: exp underflows because no maximum is taken out, and the values add up to 1 instead of "
        "having the integral 1."
    ),
    line="joint / np.sum(joint)",
)
def underflow_and_plain_sum(log_joint, grid):
    joint = np.array([np.exp(log_joint(z)) for z in grid])
    return joint / np.sum(joint)


# elbo_on_grid


@wrong(
    "elbo_on_grid",
    cause="Where q is 0, 0 times log 0 gives nan; the integrand should be 0 there.",
    line="np.log(q)",
)
def zero_times_log_zero(log_joint, q, grid):
    return np.trapezoid(q * (log_joint(grid) - np.log(q)), grid)


@wrong(
    "elbo_on_grid",
    cause="log q is added, where it should be subtracted.",
    line="log_joint(grid) + log_q",
)
def log_q_added(log_joint, q, grid):
    log_q = np.log(np.where(q > 0, q, 1))
    return np.trapezoid(q * (log_joint(grid) + log_q), grid)


@wrong(
    "elbo_on_grid",
    cause="The entropy term is missing: log q(z) is not subtracted.",
    line="np.trapezoid(q * log_joint(grid), grid)",
)
def entropy_left_out(log_joint, q, grid):
    return np.trapezoid(q * log_joint(grid), grid)


@wrong(
    "elbo_on_grid",
    cause="The logarithm stands outside: this is log p(x), whatever q is, not the bound.",
    line="np.log(np.trapezoid(q * ratio, grid))",
)
def logarithm_outside(log_joint, q, grid):
    ratio = np.zeros_like(q)
    inside = q > 0
    ratio[inside] = np.exp(log_joint(grid))[inside] / q[inside]
    return np.log(np.trapezoid(q * ratio, grid))


@wrong(
    "elbo_on_grid",
    cause=(
        "The points with q = 0 are cut out of the grid, so that the trapezoid rule bridges the gaps; the "
        "integrand should be 0 there."
    ),
    line="np.trapezoid(integrand, grid[inside])",
)
def zeros_cut_out_of_the_grid(log_joint, q, grid):
    inside = q > 0
    integrand = q[inside] * (log_joint(grid)[inside] - np.log(q[inside]))
    return np.trapezoid(integrand, grid[inside])


@wrong(
    "elbo_on_grid",
    cause="The integrand is summed without the widths of the steps.",
    line="total +=",
)
def summed_without_steps(log_joint, q, grid):
    a = log_joint(grid)
    total = 0.0
    for i in range(len(grid)):
        if q[i] > 0:
            total += q[i] * (a[i] - np.log(q[i]))
    return total


@wrong(
    "elbo_on_grid",
    cause="The first step of the grid is used for all, but the steps may differ.",
    line="step = grid[1] - grid[0]",
)
def steps_all_alike(log_joint, q, grid):
    step = grid[1] - grid[0]
    log_q = np.zeros(len(q))
    log_q[q > 0] = np.log(q[q > 0])
    return np.trapezoid(q * (log_joint(grid) - log_q), dx=step)


@wrong(
    "elbo_on_grid",
    cause="The joint density itself stands in the integrand, not its logarithm.",
    line="np.exp(log_joint(grid)) - log_q",
)
def density_for_log_density(log_joint, q, grid):
    log_q = np.log(np.where(q > 0, q, 1.0))
    return np.trapezoid(q * (np.exp(log_joint(grid)) - log_q), grid)


@wrong(
    "elbo_on_grid",
    cause="The sign is reversed: it is the integral of q (log q - log p), the physicist's free energy.",
    line="log_q - log_joint(grid)",
)
def physicists_sign(log_joint, q, grid):
    log_q = np.log(np.where(q > 0, q, 1))
    return np.trapezoid(q * (log_q - log_joint(grid)), grid)


@wrong(
    "elbo_on_grid",
    cause="The factor q is missing: log p(x, z) - log q(z) is integrated without being weighted by q.",
    line="np.trapezoid(difference, grid)",
)
def not_weighted_by_q(log_joint, q, grid):
    inside = q > 0
    difference = np.where(inside, log_joint(grid) - np.log(np.where(inside, q, 1)), 0)
    return np.trapezoid(difference, grid)


@wrong(
    "elbo_on_grid",
    cause="It returns the gap, the KL divergence from q to the posterior, not the bound.",
    line="log_evidence + log_q",
)
def gap_for_bound(log_joint, q, grid):
    a = log_joint(grid)
    log_evidence = a.max() + np.log(np.trapezoid(np.exp(a - a.max()), grid))
    log_q = np.log(np.where(q > 0, q, 1))
    return np.trapezoid(q * (log_evidence + log_q - a), grid)


@wrong(
    "elbo_on_grid",
    cause=(
        "q is divided by the sum of its values first; it is a density already, and its integral is then no longer 1."
    ),
    line="q / q.sum()",
)
def density_made_to_sum_to_one(log_joint, q, grid):
    q = q / q.sum()
    log_q = np.log(np.where(q > 0, q, 1))
    return np.trapezoid(q * (log_joint(grid) - log_q), grid)


@wrong(
    "elbo_on_grid",
    cause="The average is taken over the posterior; the bound is an average over q.",
    line="np.trapezoid(posterior * (a - log_q), grid)",
)
def averaged_over_the_posterior(log_joint, q, grid):
    a = log_joint(grid)
    posterior = np.exp(a - a.max())
    posterior /= np.trapezoid(posterior, grid)
    log_q = np.log(np.where(q > 0, q, 1))
    return np.trapezoid(posterior * (a - log_q), grid)


# gap_on_grid


@wrong(
    "gap_on_grid",
    cause=(
        "The log of the posterior's density is taken after the density has underflowed to 0, so the gap is infinite."
    ),
    line="np.log(posterior)",
)
def log_of_underflowed_posterior(log_joint, q, grid):
    a = log_joint(grid)
    posterior = np.exp(a - a.max())
    posterior /= np.trapezoid(posterior, grid)
    log_q = np.log(np.where(q > 0, q, 1))
    return np.trapezoid(np.where(q > 0, q * (log_q - np.log(posterior)), 0), grid)


@wrong(
    "gap_on_grid",
    cause="It is the divergence the other way round, KL(p(z|x) || q).",
    line="posterior * (log_posterior - log_q)",
)
def reverse_divergence(log_joint, q, grid):
    a = log_joint(grid)
    a = a - a.max()
    log_posterior = a - np.log(np.trapezoid(np.exp(a), grid))
    posterior = np.exp(log_posterior)
    log_q = np.log(np.maximum(q, 1e-300))
    return np.trapezoid(posterior * (log_posterior - log_q), grid)


@wrong(
    "gap_on_grid",
    cause="The joint density is not divided by p(x): this is minus the bound, not the gap.",
    line="log_q - log_joint(grid)",
)
def joint_for_posterior(log_joint, q, grid):
    log_q = np.log(np.where(q > 0, q, 1))
    return np.trapezoid(q * (log_q - log_joint(grid)), grid)


@wrong(
    "gap_on_grid",
    cause="The sign is wrong: it is minus the divergence.",
    line="log_posterior - log_q",
)
def minus_the_divergence(log_joint, q, grid):
    a = log_joint(grid)
    log_evidence = a.max() + np.log(np.trapezoid(np.exp(a - a.max()), grid))
    log_posterior = a - log_evidence
    log_q = np.log(np.where(q > 0, q, 1))
    return np.trapezoid(q * (log_posterior - log_q), grid)


@wrong(
    "gap_on_grid",
    cause="Where q is 0, 0 times log 0 gives nan; the integrand should be 0 there.",
    line="np.log(q)",
)
def zero_log_zero_is_nan(log_joint, q, grid):
    values = log_joint(grid)
    top = values.max()
    log_posterior = values - top - np.log(np.trapezoid(np.exp(values - top), grid))
    return np.trapezoid(q * (np.log(q) - log_posterior), grid)


@wrong(
    "gap_on_grid",
    cause=("A small number is added inside the log, so where the posterior is tiny its log is cut off at log(1e-12)."),
    line="posterior + 1e-12",
)
def small_number_inside_the_log(log_joint, q, grid):
    a = log_joint(grid)
    posterior = np.exp(a - a.max())
    posterior = posterior / np.trapezoid(posterior, grid)
    ratio = (q + 1e-12) / (posterior + 1e-12)
    return np.trapezoid(q * np.log(ratio), grid)


@wrong(
    "gap_on_grid",
    cause="Points where the posterior underflows to 0 are left out, but it is there that q loses most.",
    line="(q > 0) & (posterior > 0)",
)
def points_of_tiny_posterior_left_out(log_joint, q, grid):
    a = log_joint(grid)
    posterior = np.exp(a - a.max())
    posterior /= np.trapezoid(posterior, grid)
    both = (q > 0) & (posterior > 0)
    integrand = np.zeros(len(grid))
    integrand[both] = q[both] * np.log(q[both] / posterior[both])
    return np.trapezoid(integrand, grid)


@wrong(
    "gap_on_grid",
    cause=(
        "log p(x) is computed without taking the maximum out; where all of the joint density underflows, it "
        "is minus infinity."
    ),
    line="np.log(np.trapezoid(np.exp(a), grid))",
)
def evidence_underflows(log_joint, q, grid):
    a = log_joint(grid)
    log_evidence = np.log(np.trapezoid(np.exp(a), grid))
    log_q = np.log(np.where(q > 0, q, 1))
    return np.trapezoid(q * (log_q - (a - log_evidence)), grid)


@wrong(
    "gap_on_grid",
    cause="The maximum is taken out for log p(x) and never added back.",
    line="log_evidence = np.log(np.trapezoid(np.exp(a - a.max()), grid))",
)
def maximum_not_added_back(log_joint, q, grid):
    a = log_joint(grid)
    log_evidence = np.log(np.trapezoid(np.exp(a - a.max()), grid))
    log_q = np.log(np.where(q > 0, q, 1))
    return np.trapezoid(q * (log_q - a + log_evidence), grid)


@wrong(
    "gap_on_grid",
    cause="log p(x) is a plain log-sum-exp: the steps of the grid are missing in the integral.",
    line="logsumexp(a)",
)
def evidence_without_steps(log_joint, q, grid):
    a = log_joint(grid)
    log_posterior = a - logsumexp(a)
    log_q = np.log(np.where(q > 0, q, 1))
    return np.trapezoid(q * (log_q - log_posterior), grid)


@wrong(
    "gap_on_grid",
    cause="The term with log q is missing: this is the cross-entropy, not the divergence.",
    line="-np.trapezoid(q * log_posterior, grid)",
)
def cross_entropy(log_joint, q, grid):
    a = log_joint(grid)
    a = a - a.max()
    log_posterior = a - np.log(np.trapezoid(np.exp(a), grid))
    return -np.trapezoid(q * log_posterior, grid)


@wrong(
    "gap_on_grid",
    cause="It is the total variation distance between the two densities, not their KL divergence.",
    line="np.abs(q - posterior)",
)
def total_variation(log_joint, q, grid):
    a = log_joint(grid)
    posterior = np.exp(a - a.max())
    posterior /= np.trapezoid(posterior, grid)
    return 0.5 * np.trapezoid(np.abs(q - posterior), grid)


@wrong(
    "gap_on_grid",
    cause=(
        "Both densities are turned into probabilities by dividing by their sums, which is right only where "
        "all steps are equal; and a narrow posterior underflows to 0."
    ),
    line="rel_entr(q / q.sum(), softmax(log_joint(grid)))",
)
def sums_for_integrals(log_joint, q, grid):
    return np.sum(rel_entr(q / q.sum(), softmax(log_joint(grid))))


# mixture_elbo


@wrong(
    "mixture_elbo",
    cause="log pi is missing in log p(x, z).",
    line="log_joint = norm.logpdf(x[:, None], mu, sigma)",
)
def mixture_weights_left_out(x, responsibilities, pi, mu, sigma):
    log_joint = norm.logpdf(x[:, None], mu, sigma)
    log_r = np.log(np.where(responsibilities > 0, responsibilities, 1))
    return np.sum(responsibilities * (log_joint - log_r), axis=1)


@wrong(
    "mixture_elbo",
    cause="The entropy is missing: log r is not subtracted.",
    line="np.sum(responsibilities * log_joint, axis=1)",
)
def entropy_missing(x, responsibilities, pi, mu, sigma):
    log_joint = np.log(pi) + norm.logpdf(x[:, None], mu, sigma)
    return np.sum(responsibilities * log_joint, axis=1)


@wrong(
    "mixture_elbo",
    cause="Where a responsibility is 0, 0 times log 0 gives nan; it should count as 0.",
    line="np.log(responsibilities)",
)
def zero_responsibility_gives_nan(x, responsibilities, pi, mu, sigma):
    log_joint = np.log(pi) + norm.logpdf(x[:, None], mu, sigma)
    return np.sum(responsibilities * (log_joint - np.log(responsibilities)), axis=1)


@wrong(
    "mixture_elbo",
    cause="sigma is used as a variance; it is a standard deviation.",
    line="np.sqrt(sigma)",
)
def sigma_as_variance(x, responsibilities, pi, mu, sigma):
    log_joint = np.log(pi) + norm.logpdf(x[:, None], mu, np.sqrt(sigma))
    log_r = np.log(np.where(responsibilities > 0, responsibilities, 1))
    return np.sum(responsibilities * (log_joint - log_r), axis=1)


@wrong(
    "mixture_elbo",
    cause="The sign of the entropy is wrong: r log r is added, where it should be subtracted.",
    line="bound[n] += r * np.log(r)",
)
def entropy_with_wrong_sign(x, responsibilities, pi, mu, sigma):
    N, C = responsibilities.shape
    bound = np.zeros(N)
    for n in range(N):
        for c in range(C):
            r = responsibilities[n, c]
            bound[n] += r * (np.log(pi[c]) + norm.logpdf(x[n], mu[c], sigma[c]))
            if r > 0:
                bound[n] += r * np.log(r)
    return bound


@wrong(
    "mixture_elbo",
    cause="It is log p(x), whatever the responsibilities are; the bound depends on them.",
    line="logsumexp(log_joint, axis=1)",
)
def log_likelihood_for_bound(x, responsibilities, pi, mu, sigma):
    log_joint = np.log(pi) + norm.logpdf(x[:, None], mu, sigma)
    return logsumexp(log_joint, axis=1)


@wrong(
    "mixture_elbo",
    cause="log sigma is missing in the log density of the Gaussian.",
    line="- 0.5 * np.log(2 * np.pi)",
)
def log_sigma_missing(x, responsibilities, pi, mu, sigma):
    log_normal = -0.5 * ((x[:, None] - mu) / sigma) ** 2 - 0.5 * np.log(2 * np.pi)
    log_r = np.zeros_like(responsibilities)
    np.log(responsibilities, out=log_r, where=responsibilities > 0)
    return (responsibilities * (np.log(pi) + log_normal - log_r)).sum(axis=1)


@wrong(
    "mixture_elbo",
    cause="pi itself is added to the log density; its logarithm should be.",
    line="pi + norm.logpdf",
)
def pi_without_log(x, responsibilities, pi, mu, sigma):
    log_joint = pi + norm.logpdf(x[:, None], mu, sigma)
    log_r = np.log(np.where(responsibilities > 0, responsibilities, 1))
    return np.sum(responsibilities * (log_joint - log_r), axis=1)


@wrong(
    "mixture_elbo",
    cause="The bounds of all examples are averaged; one for each example was asked for.",
    line="/ len(x)",
)
def mean_over_examples(x, responsibilities, pi, mu, sigma):
    log_joint = np.log(pi) + norm.logpdf(x[:, None], mu, sigma)
    log_r = np.log(np.where(responsibilities > 0, responsibilities, 1))
    return np.sum(responsibilities * (log_joint - log_r)) / len(x)


@wrong(
    "mixture_elbo",
    cause="The differences of the logs are summed without being weighted by the responsibilities.",
    line="np.sum(log_joint - log_r, axis=1)",
)
def not_weighted_by_responsibilities(x, responsibilities, pi, mu, sigma):
    log_joint = np.log(pi) + norm.logpdf(x[:, None], mu, sigma)
    log_r = np.log(np.where(responsibilities > 0, responsibilities, 1))
    return np.sum(log_joint - log_r, axis=1)


@wrong(
    "mixture_elbo",
    cause="The logarithm is taken of the average of the densities; in the bound the logarithms are averaged.",
    line="np.log(np.sum(responsibilities * joint, axis=1))",
)
def logarithm_of_the_average(x, responsibilities, pi, mu, sigma):
    joint = pi * norm.pdf(x[:, None], mu, sigma)
    entropy = -np.sum(responsibilities * np.log(np.where(responsibilities > 0, responsibilities, 1)), axis=1)
    return np.log(np.sum(responsibilities * joint, axis=1)) + entropy


@wrong(
    "mixture_elbo",
    cause=("x needs a new axis, x[:, None], to be compared with every component: shapes (N,) and (C,) do not fit."),
    line="(x - mu) / sigma",
)
def new_axis_missing(x, responsibilities, pi, mu, sigma):
    log_normal = -0.5 * ((x - mu) / sigma) ** 2 - np.log(sigma) - 0.5 * np.log(2 * np.pi)
    log_r = np.log(np.where(responsibilities > 0, responsibilities, 1))
    return np.sum(responsibilities * (np.log(pi) + log_normal - log_r), axis=1)


@wrong(
    "mixture_elbo",
    cause=(
        "The divergence from the responsibilities to pi is added to the expected log likelihood; it should be "
        "subtracted."
    ),
    line="expected + divergence",
)
def divergence_added(x, responsibilities, pi, mu, sigma):
    r = responsibilities
    expected = np.sum(r * norm.logpdf(x[:, None], mu, sigma), axis=1)
    divergence = np.sum(rel_entr(r, pi), axis=1)
    return expected + divergence


# em_e_step


@wrong(
    "em_e_step",
    cause=(
        "Far from every component all densities underflow to 0, and 0/0 is nan: it needs logs and a maximum taken out."
    ),
    line="joint / joint.sum(axis=1, keepdims=True)",
)
def densities_underflow(x, pi, mu, sigma):
    joint = pi * norm.pdf(x[:, None], mu, sigma)
    return joint / joint.sum(axis=1, keepdims=True)


@wrong(
    "em_e_step",
    cause="The weights pi are left out.",
    line="log_joint = norm.logpdf(x[:, None], mu, sigma)",
)
def pi_left_out(x, pi, mu, sigma):
    log_joint = norm.logpdf(x[:, None], mu, sigma)
    return np.exp(log_joint - logsumexp(log_joint, axis=1, keepdims=True))


@wrong(
    "em_e_step",
    cause="sigma is used as a variance; it is a standard deviation.",
    line="/ (2 * sigma)",
)
def sigma_taken_for_variance(x, pi, mu, sigma):
    log_joint = np.log(pi) - (x[:, None] - mu) ** 2 / (2 * sigma) - 0.5 * np.log(sigma)
    log_joint -= log_joint.max(axis=1, keepdims=True)
    joint = np.exp(log_joint)
    return joint / joint.sum(axis=1, keepdims=True)


@wrong(
    "em_e_step",
    cause="The responsibilities are normalised over the examples (axis 0), not over the components.",
    line="axis=0",
)
def normalised_over_examples(x, pi, mu, sigma):
    log_joint = np.log(pi) + norm.logpdf(x[:, None], mu, sigma)
    return softmax(log_joint, axis=0)


@wrong(
    "em_e_step",
    cause=(
        "The factor 1/sigma of the Gaussian is missing; it differs from component to component and does not cancel."
    ),
    line="log_joint = np.log(pi) - 0.5 * ((x[:, None] - mu) / sigma) ** 2",
)
def one_over_sigma_missing(x, pi, mu, sigma):
    log_joint = np.log(pi) - 0.5 * ((x[:, None] - mu) / sigma) ** 2
    return softmax(log_joint, axis=1)


@wrong(
    "em_e_step",
    cause="It returns the logarithms of the responsibilities.",
    line="return log_joint - logsumexp(",
)
def log_responsibilities(x, pi, mu, sigma):
    log_joint = np.log(pi) + norm.logpdf(x[:, None], mu, sigma)
    return log_joint - logsumexp(log_joint, axis=1, keepdims=True)


@wrong(
    "em_e_step",
    cause=(
        "Each example is given wholly to its most probable component; responsibilities are probabilities "
        "between 0 and 1."
    ),
    line="np.eye(len(pi))[",
)
def hard_assignment(x, pi, mu, sigma):
    log_joint = np.log(pi) + norm.logpdf(x[:, None], mu, sigma)
    return np.eye(len(pi))[np.argmax(log_joint, axis=1)]


@wrong(
    "em_e_step",
    cause="The joint densities are not divided by their sum over the components.",
    line="return np.exp(log_joint)",
)
def not_divided_by_the_sum(x, pi, mu, sigma):
    log_joint = np.log(pi) + norm.logpdf(x[:, None], mu, sigma)
    return np.exp(log_joint)


@wrong(
    "em_e_step",
    cause=(
        "One maximum is taken out for all examples; it has to be each example's own, or those far away still underflow."
    ),
    line="log_joint.max()",
)
def one_maximum_for_all(x, pi, mu, sigma):
    log_joint = np.log(pi) + norm.logpdf(x[:, None], mu, sigma)
    joint = np.exp(log_joint - log_joint.max())
    return joint / joint.sum(axis=1, keepdims=True)


@wrong(
    "em_e_step",
    cause=(
        "The maximum is taken out for each component (axis 0) instead of for each example, which changes their ratios."
    ),
    line="log_joint.max(axis=0)",
)
def maximum_along_the_wrong_axis(x, pi, mu, sigma):
    log_joint = np.log(pi) + norm.logpdf(x[:, None], mu, sigma)
    joint = np.exp(log_joint - log_joint.max(axis=0))
    return joint / np.sum(joint, axis=1, keepdims=True)


@wrong(
    "em_e_step",
    cause="Components are rows and examples columns: the result is (C, N).",
    line="np.array(rows)",
)
def components_as_rows(x, pi, mu, sigma):
    rows = []
    for c in range(len(pi)):
        rows.append(np.log(pi[c]) + norm.logpdf(x, mu[c], sigma[c]))
    log_joint = np.array(rows)
    return np.exp(log_joint - logsumexp(log_joint, axis=0))


@wrong(
    "em_e_step",
    cause="pi is multiplied after the densities have been normalised, so the rows no longer add up to 1.",
    line="pi * softmax(",
)
def pi_after_normalising(x, pi, mu, sigma):
    log_density = norm.logpdf(x[:, None], mu, sigma)
    return pi * softmax(log_density, axis=1)


@wrong(
    "em_e_step",
    cause=(
        "A tiny number in the denominator avoids 0/0, but far from every component all responsibilities are then 0."
    ),
    line="+ 1e-12",
)
def tiny_number_in_denominator(x, pi, mu, sigma):
    N, C = len(x), len(pi)
    r = np.zeros((N, C))
    for n in range(N):
        for c in range(C):
            r[n, c] = pi[c] * norm.pdf(x[n], mu[c], sigma[c])
        r[n] = r[n] / (r[n].sum() + 1e-12)
    return r


# em_m_step


@wrong(
    "em_m_step",
    cause="pi is not divided by N: these are the effective numbers of examples, N_c.",
    line="pi = responsibilities.sum(axis=0)",
)
def pi_not_divided_by_n(x, responsibilities):
    pi = responsibilities.sum(axis=0)
    mu = x @ responsibilities / pi
    variance = np.sum(responsibilities * (x[:, None] - mu) ** 2, axis=0) / pi
    return pi, mu, np.sqrt(variance)


@wrong(
    "em_m_step",
    cause="The means are divided by N, where it should be N_c, the sum of the component's responsibilities.",
    line="mu = responsibilities.T @ x / N",
)
def means_divided_by_n(x, responsibilities):
    N = len(x)
    N_c = np.sum(responsibilities, axis=0)
    mu = responsibilities.T @ x / N
    sigma = np.sqrt(np.sum(responsibilities * (x[:, None] - mu) ** 2, axis=0) / N_c)
    return N_c / N, mu, sigma


@wrong(
    "em_m_step",
    cause="The variance is returned, not the standard deviation: the square root is missing.",
    line="sigma = np.sum(",
)
def variance_for_sigma(x, responsibilities):
    N_c = responsibilities.sum(axis=0)
    mu = responsibilities.T @ x / N_c
    sigma = np.sum(responsibilities * (x[:, None] - mu) ** 2, axis=0) / N_c
    return N_c / len(x), mu, sigma


@wrong(
    "em_m_step",
    cause="The deviations are taken from the mean of all examples, not from each component's own mean.",
    line="x[:, None] - x.mean()",
)
def deviations_from_the_overall_mean(x, responsibilities):
    N_c = responsibilities.sum(axis=0)
    mu = responsibilities.T @ x / N_c
    squares = (x[:, None] - x.mean()) ** 2
    sigma = np.sqrt((responsibilities * squares).sum(axis=0) / N_c)
    return N_c / len(x), mu, sigma


@wrong(
    "em_m_step",
    cause="The squares are not weighted by the responsibilities.",
    line="np.mean((x[:, None] - mu) ** 2, axis=0)",
)
def unweighted_squares(x, responsibilities):
    N_c = responsibilities.sum(axis=0)
    mu = np.sum(responsibilities * x[:, None], axis=0) / N_c
    sigma = np.sqrt(np.mean((x[:, None] - mu) ** 2, axis=0))
    return N_c / len(x), mu, sigma


@wrong(
    "em_m_step",
    cause="The weighted squares are divided by N, where it should be N_c.",
    line="sigma[c] = np.sqrt(np.sum(r * (x - mu[c]) ** 2) / N)",
)
def variance_divided_by_n(x, responsibilities):
    N, C = responsibilities.shape
    pi, mu, sigma = np.zeros(C), np.zeros(C), np.zeros(C)
    for c in range(C):
        r = responsibilities[:, c]
        pi[c] = r.mean()
        mu[c] = np.sum(r * x) / np.sum(r)
        sigma[c] = np.sqrt(np.sum(r * (x - mu[c]) ** 2) / N)
    return pi, mu, sigma


@wrong(
    "em_m_step",
    cause=(
        "Each example is given wholly to its most probable component, as in k-means; the responsibilities are weights."
    ),
    line="responsibilities.argmax(axis=1)",
)
def hard_assignments(x, responsibilities):
    kind = responsibilities.argmax(axis=1)
    C = responsibilities.shape[1]
    pi = np.array([np.mean(kind == c) for c in range(C)])
    mu = np.array([x[kind == c].mean() for c in range(C)])
    sigma = np.array([x[kind == c].std() for c in range(C)])
    return pi, mu, sigma


@wrong(
    "em_m_step",
    cause="The variance is divided by N_c - 1, but the maximum of the bound has N_c.",
    line="(N_c - 1)",
)
def bessels_correction(x, responsibilities):
    N_c = responsibilities.sum(axis=0)
    mu = responsibilities.T @ x / N_c
    sigma = np.sqrt(np.sum(responsibilities * (x[:, None] - mu) ** 2, axis=0) / (N_c - 1))
    return N_c / len(x), mu, sigma


@wrong(
    "em_m_step",
    cause="The three results are returned in the wrong order: pi comes first.",
    line="return mu, sigma, pi",
)
def wrong_order(x, responsibilities):
    N_c = responsibilities.sum(axis=0)
    pi = N_c / N_c.sum()
    mu = np.array([np.average(x, weights=r) for r in responsibilities.T])
    sigma = np.sqrt([np.average((x - m) ** 2, weights=r) for m, r in zip(mu, responsibilities.T, strict=True)])
    return mu, sigma, pi


@wrong(
    "em_m_step",
    cause="The variance is E[x^2] minus mu squared; here mu is not squared.",
    line="second - mu",
)
def mean_not_squared_in_variance(x, responsibilities):
    N_c = responsibilities.sum(axis=0)
    mu = x @ responsibilities / N_c
    second = x**2 @ responsibilities / N_c
    return N_c / len(x), mu, np.sqrt(second - mu)


@wrong(
    "em_m_step",
    cause=(
        "It takes the standard deviation of responsibility times x; responsibilities weight the squared "
        "deviations instead."
    ),
    line="np.std(weighted, axis=0)",
)
def deviation_of_weighted_x(x, responsibilities):
    weighted = responsibilities * x[:, None]
    N_c = responsibilities.sum(axis=0)
    mu = weighted.sum(axis=0) / N_c
    return responsibilities.mean(axis=0), mu, np.std(weighted, axis=0)


@wrong(
    "em_m_step",
    cause="Sums run over the components (axis 1), where they should run over the examples.",
    line="axis=1",
)
def summed_over_components(x, responsibilities):
    N_c = responsibilities.sum(axis=1, keepdims=True)
    r = responsibilities / N_c
    mu = np.mean(r * x[:, None], axis=0)
    sigma = np.sqrt(np.mean(r * (x[:, None] - mu) ** 2, axis=0))
    return r.mean(axis=0), mu, sigma


@wrong(
    "em_m_step",
    cause=("Two things: sigma is the variance, without the square root, and it is divided by N instead of N_c."),
    line="sigma = (responsibilities * (x[:, None] - mu) ** 2).mean(axis=0)",
)
def variance_over_all_examples(x, responsibilities):
    N_c = responsibilities.sum(axis=0)
    mu = np.einsum("nc,n->c", responsibilities, x) / N_c
    sigma = (responsibilities * (x[:, None] - mu) ** 2).mean(axis=0)
    return N_c / len(x), mu, sigma


# iwae_bound


@wrong(
    "iwae_bound",
    cause="exp underflows or overflows for large log weights: the maximum has to be taken out first.",
    line="np.log(np.mean(np.exp(log_w), axis=0))",
)
def weights_formed_directly(log_w):
    return np.log(np.mean(np.exp(log_w), axis=0))


@wrong(
    "iwae_bound",
    cause="It is the log of the sum of the weights: log S is not subtracted.",
    line="return logsumexp(log_w, axis=0)",
)
def sum_of_weights(log_w):
    return logsumexp(log_w, axis=0)


@wrong(
    "iwae_bound",
    cause="The log weights are averaged, which is the ELBO; the weights should be averaged before the log.",
    line="log_w.mean(axis=0)",
)
def mean_of_log_weights(log_w):
    return log_w.mean(axis=0)


@wrong(
    "iwae_bound",
    cause="The mean is taken over the examples (axis 1); the samples are axis 0.",
    line="np.mean(np.exp(log_w - m), axis=1)",
)
def mean_over_the_examples(log_w):
    m = log_w.max(axis=1, keepdims=True)
    return m[:, 0] + np.log(np.mean(np.exp(log_w - m), axis=1))


@wrong(
    "iwae_bound",
    cause="The log of N, the number of examples, is subtracted, where it should be log S.",
    line="np.log(log_w.shape[1])",
)
def log_n_for_log_s(log_w):
    return logsumexp(log_w, axis=0) - np.log(log_w.shape[1])


@wrong(
    "iwae_bound",
    cause="The maximum is taken out and never added back.",
    line="return np.log(w.mean(axis=0))",
)
def maximum_left_out(log_w):
    w = np.exp(log_w - log_w.max(axis=0))
    return np.log(w.mean(axis=0))


@wrong(
    "iwae_bound",
    cause="One maximum is taken out for all examples; an example with much smaller weights still underflows.",
    line="top = np.max(log_w)",
)
def one_maximum_for_all_examples(log_w):
    top = np.max(log_w)
    return top + np.log(np.mean(np.exp(log_w - top), axis=0))


@wrong(
    "iwae_bound",
    cause="It averages over the examples, too, and returns one number; one for each example was asked for.",
    line="logsumexp(log_w) - np.log(log_w.size)",
)
def one_number_for_all_examples(log_w):
    return logsumexp(log_w) - np.log(log_w.size)


@wrong(
    "iwae_bound",
    cause="The log of the sum is divided by S; the division belongs inside the log.",
    line="/ len(log_w)",
)
def log_of_sum_divided_by_s(log_w):
    return logsumexp(log_w, axis=0) / len(log_w)


@wrong(
    "iwae_bound",
    cause=(
        "The log weights are averaged with the normalised weights; it should be the log of the plain mean of "
        "the weights."
    ),
    line="softmax(log_w, axis=0) * log_w",
)
def self_normalised_average(log_w):
    return np.sum(softmax(log_w, axis=0) * log_w, axis=0)


@wrong(
    "iwae_bound",
    cause="The last log is missing: it is the mean weight relative to the largest one, plus the maximum.",
    line="top + np.mean(np.exp(log_w - top), axis=0)",
)
def last_log_missing(log_w):
    top = log_w.max(axis=0)
    return top + np.mean(np.exp(log_w - top), axis=0)


@wrong(
    "iwae_bound",
    cause=(
        "The mean of the log weights is taken out instead of their maximum, so a weight far above the mean overflows."
    ),
    line="centre = log_w.mean(axis=0)",
)
def shifted_by_the_mean(log_w):
    centre = log_w.mean(axis=0)
    total = 0
    for row in log_w:
        total = total + np.exp(row - centre)
    return centre + np.log(total / len(log_w))
