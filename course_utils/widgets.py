"""Explorables that the kernel drives: sliders and buttons over a figure that is made once and updated.

An explorable carries a static figure with the same message in the same output: a page that cannot run widgets shows it.
(The other kind, which decodes in the browser, is in `latent_pad`.)
"""
import anywidget
import ipywidgets

from course_utils import plots

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


class Explorable(ipywidgets.VBox):
    """Rows of controls over a picture (`ipywidgets.HTML`), keyboard and screen readers included.

    A subclass or an argument gives `static() -> (html, alt)`, shown where no widget can run.
    """

    def __init__(self, rows, picture, static=None):
        boxes = [ipywidgets.HBox(row, layout={"flex_flow": "row wrap"}) for row in rows]
        self.static = static or self.static
        super().__init__([*boxes, picture, SliderNames()], _dom_classes=["course-explorer"])

    def static(self):
        raise NotImplementedError

    def _repr_mimebundle_(self, **kwargs):
        picture, alt = self.static()
        return super()._repr_mimebundle_(**kwargs) | {"text/plain": alt, "text/html": picture}


def figure_explorer(fig, update, controls, per_row=2):
    """Return sliders or buttons over a matplotlib figure: `update(**values)` changes the figure's artists in place.

    `controls` maps the names of update's arguments to ipywidgets controls (use `**widgets.WIDE` for sliders). `update`
    returns the alt text: one or two sentences on what the figure shows now. It is called once at the start, and that
    state is the static figure.
    """
    names, widgets = list(controls), list(controls.values())

    def picture():
        alt = update(**{name: control.value for name, control in controls.items()})
        return plots.image_tag(plots.png(fig), alt, fig.get_figwidth() * plots.CSS_DPI), alt
    picture()
    fig.set_layout_engine("none")  # the first drawing laid the figure out; from here on its axes stay where they are
    first = picture()
    shown = ipywidgets.HTML(first[0])
    for control in widgets:
        control.observe(lambda change: shown.set_trait("value", picture()[0]), "value")
    rows = [widgets[i:i + per_row] for i in range(0, len(names), per_row)]
    return Explorable(rows, shown, static=lambda: first)
