"""Run by the kernels of students' copies before their first cell: trainings end after a sixteenth of their steps,
estimates take a sixteenth of their samples, other programs compress a sixteenth of a picture, and figures are drawn
small, each thing where it happens to lie.

Nothing that a copy shows is compared. What is tested is that it runs from top to bottom with no exercise solved; what
trainings give, that they take as long as they should, and that figures have room for all that is in them, is tested on
the solutions, which train and draw in full. With COURSE_TEST_COPIES=full copies do so, too (the weekly workflow).
"""


def _shorten():
    import numpy as np
    import tqdm

    from course_utils.networks import optim
    from course_utils.probability import gaussian_mixture
    from course_utils.showing import plots

    adam, gmm_fit, png, bar = optim.adam, gaussian_mixture.gmm_fit, plots.png, tqdm.tqdm

    def few(count):
        """A sixteenth of them, and one at least."""
        return max(1, count // 16)

    def short_adam(loss, params, batches, steps, *args, **kwargs):
        """`optim.adam`, for a sixteenth of the steps."""
        return adam(loss, params, batches, few(steps), *args, **kwargs)

    def short_gmm_fit(z, C, steps, *args, **kwargs):
        """`gaussian_mixture.gmm_fit`, for a sixteenth of the steps."""
        return gmm_fit(z, C, few(steps), *args, **kwargs)

    def small_png(fig, scale=2):
        """`plots.png`, an eighth as wide and high, without the layout that takes as long as the drawing."""
        fig.set_layout_engine("none")
        return png(fig, scale / 8)

    def short_bar(*args, **kwargs):
        """`tqdm.tqdm`; of a range, as in a notebook's own loop, the first sixteenth."""
        steps, *rest = args or [None]
        return bar(steps[: few(len(steps))], *rest, **kwargs) if isinstance(steps, range) else bar(*args, **kwargs)

    optim.adam, gaussian_mixture.gmm_fit = short_adam, short_gmm_fit  # before any other module takes their names
    plots.png, tqdm.tqdm = small_png, short_bar

    from course_utils.models import vae

    in_parts, elbo_terms = vae.in_parts, vae.elbo_terms

    def few_in_parts(f, eps, x):
        """`vae.in_parts`, of a sixteenth of the samples where there are many, again and again."""
        S = len(eps)
        return in_parts(f, eps, x) if S < 16 else np.resize(in_parts(f, eps[: few(S)], x), (S, eps.shape[1]))

    def few_elbo_terms(encoder, decoder, x, eps, *args, **kwargs):
        """`vae.elbo_terms`, with a sixteenth of the samples where there are many."""
        return elbo_terms(encoder, decoder, x, eps if eps.ndim < 3 else eps[: few(len(eps))], *args, **kwargs)

    vae.in_parts, vae.elbo_terms = few_in_parts, few_elbo_terms

    from course_utils.models import amortization, hmc
    from course_utils.showing import black_and_white

    refine_q, local_precision, hmc_sample = amortization.refine_q, amortization.local_precision, hmc.hmc_sample

    def short_refine_q(decoder, x, mu, log_sigma, eps, step_size):
        """`amortization.refine_q`, for a sixteenth of the steps."""
        return refine_q(decoder, x, mu, log_sigma, eps[: few(len(eps))], step_size)

    def few_precisions(decoder, z):
        """`amortization.local_precision` of a sixteenth of the codes, again and again."""
        N, K = z.shape
        return np.resize(local_precision(decoder, z[: few(N)]), (N, K, K))

    def short_hmc_sample(value_and_grad, start, draws, warm_up, leaps, *args, **kwargs):
        """`hmc.hmc_sample`, with a sixteenth of the leaps."""
        return hmc_sample(value_and_grad, start, draws, warm_up, few(leaps), *args, **kwargs)

    amortization.refine_q, amortization.local_precision = short_refine_q, few_precisions
    hmc.hmc_sample = short_hmc_sample

    sizes_of_others = black_and_white.sizes_of_others

    def sizes_of_few(white):
        """`black_and_white.sizes_of_others`, of a sixteenth of the rows."""
        return sizes_of_others(white[: few(len(white))])

    black_and_white.sizes_of_others = sizes_of_few


_shorten()
del _shorten
