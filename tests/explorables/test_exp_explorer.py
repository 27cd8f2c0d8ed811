"""The explorable of notebook 00."""

import re

import ipywidgets
import numpy as np
import pytest

from course_utils.explorables.exp_explorer import exp_explorer


def parts(explorer):
    controls = [c for box in explorer.children if isinstance(box, ipywidgets.HBox) for c in box.children]
    return *controls, next(c for c in explorer.children if isinstance(c, ipywidgets.HTML))


def alt(picture):
    return re.search(r'alt="([^"]*)"', picture.value)[1]


@pytest.mark.whole
def test_the_formula_breaks_where_the_numbers_end():
    shift, precision, picture = parts(exp_explorer())
    a = np.array([-30.0, -12, -5, 0, 8])
    assert (
        f"is {np.log(np.mean(np.exp(a))):.1f}; the formula as it stands gives {np.log(np.mean(np.exp(a))):.1f}"
        in alt(picture)
    )
    shift.value = -790
    assert "gives -inf" in alt(picture) and "Log-mean-exp is -783.6" in alt(picture)
    shift.value = 100
    assert "gives 106.4" in alt(picture)
    precision.value = "32 bits"
    assert "gives inf" in alt(picture) and "Log-mean-exp is 106.4" in alt(picture)
