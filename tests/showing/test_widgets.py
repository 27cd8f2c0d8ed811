"""Explorables that the kernel drives, in general."""

import re

import ipywidgets
import pytest

from course_utils.showing import plots, widgets


@pytest.fixture
def explorer():
    fig, ax = plots.figure(3, 2)
    (line,) = ax.plot([0, 1], [0, 1])

    def update(slope, sign):
        line.set_ydata([0, slope if sign == "up" else -slope])
        return f"A line of slope {slope} going {sign}."

    controls = {
        "slope": ipywidgets.FloatSlider(value=0.5, max=1, description="Slope", **widgets.WIDE),
        "sign": ipywidgets.ToggleButtons(options=["up", "down"]),
    }
    return widgets.figure_explorer(fig, update, controls), controls, fig


def shown(explorer):
    html = next(child for child in explorer.children if isinstance(child, ipywidgets.HTML)).value
    return re.search(r'alt="([^"]*)".*base64,([^"]*)', html, re.DOTALL).groups()


@pytest.mark.whole
def test_a_control_changes_picture_and_alt_text_of_the_same_figure(explorer):
    explorer, controls, fig = explorer
    alt, picture = shown(explorer)
    assert alt == "A line of slope 0.5 going up."
    controls["sign"].value = "down"
    assert shown(explorer)[0] == "A line of slope 0.5 going down." and shown(explorer)[1] != picture
    controls["sign"].value = "up"
    assert shown(explorer) == (alt, picture)
    assert len(fig.axes) == 1 and len(fig.axes[0].lines) == 1


def test_the_first_state_is_the_static_figure(explorer):
    explorer, controls, _ = explorer
    picture = shown(explorer)[1]
    controls["slope"].value = 1.0
    bundle = explorer._repr_mimebundle_()
    assert bundle["text/plain"] == "A line of slope 0.5 going up." and picture in bundle["text/html"]
