"""Run by the kernels of students' copies before their first cell: trainings end after a sixteenth of their steps.

Nothing that a copy shows is compared. What is tested is that it runs from top to bottom with no exercise solved; what
trainings give, and that they take as long as they should, is tested on the solutions, which train in full. With
COURSE_TEST_COPIES=full copies do so, too (the weekly workflow).
"""


def _shorten():
    from course_utils.networks import optim
    from course_utils.probability import gaussian_mixture

    adam, gmm_fit = optim.adam, gaussian_mixture.gmm_fit

    def short_adam(loss, params, batches, steps, *args, **kwargs):
        """`optim.adam`, for a sixteenth of the steps."""
        return adam(loss, params, batches, max(1, steps // 16), *args, **kwargs)

    def short_gmm_fit(z, C, steps, *args, **kwargs):
        """`gaussian_mixture.gmm_fit`, for a sixteenth of the steps."""
        return gmm_fit(z, C, max(1, steps // 16), *args, **kwargs)

    optim.adam, gaussian_mixture.gmm_fit = short_adam, short_gmm_fit  # before any other module takes their names


_shorten()
del _shorten
