"""What the widgets share that run in the browser alone: a text, a static figure, and a copy that needs no kernel."""

import anywidget
import traitlets
from matplotlib.figure import Figure

from course_utils.explorables.latent_pad import _STANDALONE, _data_url, _script_json
from course_utils.showing import plots


class BrowserWidget(anywidget.AnyWidget):
    """An anywidget whose JavaScript needs no kernel. A subclass has `_esm`, synchronised traits, and `picture()`."""

    description = traitlets.Unicode().tag(sync=True)

    def picture(self) -> Figure:
        """The static figure, for pages that cannot run scripts."""
        raise NotImplementedError

    def standalone(self) -> str:
        """HTML: the static figure, which the working widget replaces wherever scripts may run."""
        own = [name for name in self.trait_names(sync=True) if not name.startswith("_")]
        state = {name: getattr(self, name) for name in own if name not in ("layout", "tabbable", "tooltip", "comm")}
        urls = {
            name: _data_url(value, "application/octet-stream")
            for name, value in state.items()
            if isinstance(value, bytes)
        }
        state = {name: value for name, value in state.items() if name not in urls}
        fig = self.picture()
        image = plots.image_tag(plots.png(fig, scale=1), self.description, fig.get_figwidth() * plots.CSS_DPI)
        script = _STANDALONE.format(
            state=_script_json(state),
            urls=_script_json(urls),
            module=_data_url(self._esm.encode(), "text/javascript"),
        )
        return f"<div>{image}<script>{script}</script></div>"

    def _repr_mimebundle_(self, **kwargs):
        data, metadata = super()._repr_mimebundle_(**kwargs)
        return data | {"text/plain": self.description, "text/html": self.standalone()}, metadata
