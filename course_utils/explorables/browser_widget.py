"""What the widgets share that run in the browser alone: a text, a static figure, and a copy that needs no kernel."""

import base64
import json
from typing import Any

import anywidget
import traitlets
from matplotlib.figure import Figure

from course_utils.showing import plots

# Runs the same module as the notebook does, on a model that lives in the page.
_STANDALONE = """(async (el) => {{
  const state = {state}, urls = {urls};
  for (const [name, url] of Object.entries(urls)) {{
    const bytes = Uint8Array.from(atob(url.split(",")[1]), (c) => c.charCodeAt(0));
    state[name] = new DataView(bytes.buffer);
  }}
  const model = {{
    get: (name) => state[name],
    set: (name, value) => {{ state[name] = value; }},
    save_changes() {{}}, on() {{}}, off() {{}},
  }};
  const pad = await import("{module}"), box = document.createElement("div");
  pad.default.render({{ model, el: box }});
  el.replaceChildren(box);
}})(document.currentScript.parentElement);"""


def _data_url(data, kind):
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def _script_json(value):
    """Return JSON that may stand inside a <script>."""
    return json.dumps(value).replace("<", "\\u003c")


def without_kernel(image: str, esm: str, state: dict[str, Any]) -> str:
    """HTML: the static `image`, which the widget of module `esm` with these traits replaces where scripts may run."""
    urls = {
        name: _data_url(value, "application/octet-stream") for name, value in state.items() if isinstance(value, bytes)
    }
    script = _STANDALONE.format(
        state=_script_json({name: value for name, value in state.items() if name not in urls}),
        urls=_script_json(urls),
        module=_data_url(esm.encode(), "text/javascript"),
    )
    return f"<div>{image}<script>{script}</script></div>"


class BrowserWidget(anywidget.AnyWidget):
    """An anywidget whose JavaScript needs no kernel. A subclass has `_esm`, synchronised traits, and `picture()`."""

    description = traitlets.Unicode().tag(sync=True)
    scale = 1.0  # pixels of the static figure for each CSS pixel

    @property
    def alt(self) -> str:
        """The static figure's alt text."""
        return self.description

    def picture(self) -> Figure:
        """The static figure, for pages that cannot run scripts."""
        raise NotImplementedError

    def standalone(self) -> str:
        """HTML: the static figure, which the working widget replaces wherever scripts may run."""
        own = [name for name in self.trait_names(sync=True) if not name.startswith("_")]
        state = {name: getattr(self, name) for name in own if name not in ("layout", "tabbable", "tooltip", "comm")}
        fig = self.picture()
        picture = plots.with_palette(plots.png(fig, scale=self.scale))
        image = plots.image_tag(picture, self.alt, fig.get_figwidth() * plots.CSS_DPI)
        return without_kernel(image, self._esm, state)

    def _repr_mimebundle_(self, **kwargs):
        data, metadata = super()._repr_mimebundle_(**kwargs)
        return data | {"text/plain": self.description, "text/html": self.standalone()}, metadata
