"""Run by the kernels of students' copies before their first cell: trainings end after a sixteenth of their steps, and
figures are drawn small, each thing where it happens to lie.

Nothing that a copy shows is compared. What is tested is that it runs from top to bottom with no exercise solved; what
trainings give, that they take as long as they should, and that figures have room for all that is in them, is tested on
the solutions, which train and draw in full. With COURSE_TEST_COPIES=full copies do so, too (the weekly workflow).
"""


def _shorten():
    from course_utils.networks import optim
    from course_utils.probability import gaussian_mixture
    from course_utils.showing import plots

    adam, gmm_fit, png = optim.adam, gaussian_mixture.gmm_fit, plots.png

    def short_adam(loss, params, batches, steps, *args, **kwargs):
        """`optim.adam`, for a sixteenth of the steps."""
        return adam(loss, params, batches, max(1, steps // 16), *args, **kwargs)

    def short_gmm_fit(z, C, steps, *args, **kwargs):
        """`gaussian_mixture.gmm_fit`, for a sixteenth of the steps."""
        return gmm_fit(z, C, max(1, steps // 16), *args, **kwargs)

    def small_png(fig, scale=2):
        """`plots.png`, an eighth as wide and high, without the layout that takes as long as the drawing."""
        fig.set_layout_engine("none")
        return png(fig, scale / 8)

    optim.adam, gaussian_mixture.gmm_fit = short_adam, short_gmm_fit  # before any other module takes their names
    plots.png = small_png


_shorten()
del _shorten
