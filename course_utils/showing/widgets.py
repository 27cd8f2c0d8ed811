"""Explorables that the kernel drives: sliders and buttons over a figure that is made once and updated.

An explorable carries a static figure with the same message in the same output: a page that cannot run widgets shows it.
(The other kind, which decodes in the browser, is in `latent_pad`.)
"""

from collections.abc import Callable, Mapping, Sequence

import anywidget
import ipywidgets
import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure

from course_utils.showing import plots

WIDE = {"style": {"description_width": "9em"}, "layout": {"width": "32em"}}  # for every slider: two in a row


class SliderNames(anywidget.AnyWidget):
    """Names an explorer's sliders and their values for screen readers; ipywidgets leaves them nameless."""

    _esm = """
    export default { render({ el }) {
      let box = null;
      const name = () => box.querySelectorAll("[role=slider]").forEach((slider) => {
        const row = slider.closest(".widget-inline-hbox");
        const text = row.querySelector(".widget-readout").textContent;
        slider.setAttribute("aria-label", row.querySelector(".widget-label").textContent);
        if (slider.getAttribute("aria-valuetext") !== text) slider.setAttribute("aria-valuetext", text);
      });
      const observer = new MutationObserver(name);
      const wait = setInterval(() => {  // rendering comes before the page has the element
        box = el.closest(".course-explorer");
        if (!box) return;
        clearInterval(wait);
        observer.observe(box, { subtree: true, childList: true, attributeFilter: ["aria-valuetext"] });
        name();
      }, 100);
      return () => { clearInterval(wait); observer.disconnect(); };
    } };
    """


STILL = (  # below the static figure: there the controls that the text speaks of are not to be seen
    "<div style='font-size:.9em;margin:.2em 0 .6em'>The panel as it starts. In a running notebook it has controls that "
    "move this picture.</div>"
)


class Explorable(ipywidgets.VBox):
    """Rows of controls over a picture (`ipywidgets.HTML`), keyboard and screen readers included.

    A subclass or an argument gives `static() -> (html, alt)`, shown where no widget can run.
    """

    def __init__(
        self,
        rows: Sequence[Sequence[ipywidgets.Widget]],
        picture: ipywidgets.Widget,
        static: Callable[[], tuple[str, str]] | None = None,
    ):
        boxes = [ipywidgets.HBox(row, layout={"flex_flow": "row wrap"}) for row in rows]
        self.static = static or self.static
        super().__init__([*boxes, picture, SliderNames()], _dom_classes=["course-explorer"])

    def static(self) -> tuple[str, str]:
        """The static figure as HTML, and its alt text."""
        raise NotImplementedError

    def _repr_mimebundle_(self, **kwargs):
        picture, alt = self.static()
        return super()._repr_mimebundle_(**kwargs) | {"text/plain": alt, "text/html": picture + STILL}


def _painter(fig, moving):
    """Return paint() -> PNG bytes of the figure; all but the artists `moving` are painted now, once."""
    if not moving:
        return lambda: plots.png(fig)
    fig.set_dpi(2 * plots.CSS_DPI)
    for artist in moving:
        artist.set_animated(True)
    fig.canvas.draw()
    still = fig.canvas.copy_from_bbox(fig.bbox)

    def paint():
        fig.canvas.restore_region(still)
        for artist in moving:
            artist.axes.draw_artist(artist)
        return plots.encode_png(np.asarray(fig.canvas.buffer_rgba()))

    return paint


def figure_explorer(
    fig: Figure,
    update: Callable[..., str],
    controls: Mapping[str, ipywidgets.ValueWidget],
    per_row: int = 2,
    moving: Sequence[Artist] = (),
) -> Explorable:
    """Return sliders or buttons over a matplotlib figure: `update(**values)` changes the figure's artists in place.

    `controls` maps the names of update's arguments to ipywidgets controls (use `**widgets.WIDE` for sliders). `update`
    returns the alt text: one or two sentences on what the figure shows now. It is called once at the start, and that
    state is the static figure. `moving` lists the artists that update changes, and whatever lies above them, from the
    lowest up: then only these are painted again, in a quarter of the time.
    """
    names, widgets = list(controls), list(controls.values())

    def state():
        return update(**{name: control.value for name, control in controls.items()})

    state()
    fig.canvas.draw()
    fig.set_layout_engine("none")  # that drawing laid the figure out; from here on its axes stay where they are
    paint = _painter(fig, moving)

    def picture():
        alt = state()
        return plots.image_tag(paint(), alt, fig.get_figwidth() * plots.CSS_DPI), alt

    first = picture()
    shown = ipywidgets.HTML(first[0])
    for control in widgets:
        control.observe(lambda change: shown.set_trait("value", picture()[0]), "value")
    rows = [widgets[i : i + per_row] for i in range(0, len(names), per_row)]
    return Explorable(rows, shown, static=lambda: first)
