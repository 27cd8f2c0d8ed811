"""Explorables: pictures that follow the hand.

`pca_explorer` is driven by the kernel (sliders, one figure made once and redrawn in place); `latent_pad`
decodes in the browser (`latent_pad.js`), so a drag needs no kernel, and it lives on in exported HTML.
Both carry a static figure with the same message in the same output: a page that cannot run widgets shows it.
"""
import base64
import html
import json
from importlib import resources
from typing import NamedTuple

import anywidget
import ipywidgets
import numpy as np
import traitlets

from . import plots


class PCASet(NamedTuple):
    """A data set with its principal components, for `pca_explorer`."""

    x: np.ndarray           # (N, D)
    mean: np.ndarray        # (D,)
    components: np.ndarray  # (K_max, D), orthonormal rows
    eigenvalues: np.ndarray  # (D,) or (K_max,): variance along each component, with 1/N, descending
    shape: tuple            # (height, width), D = height * width


def _numbers_of_codes(k_max):
    """Return the stops of the K slider: every K up to 10, then steps of about a fifth, up to k_max."""
    stops = {k for k in range(11) if k <= k_max} | {k_max}
    k = 10.0
    while (k := k * 1.2) < k_max:
        stops.add(round(k, -1 if k > 100 else 0))
    return sorted(int(k) for k in stops)


def _checked(name, data):
    """Return the PCASet as float64 (all but the many examples), or say what does not fit the others."""
    x = np.asarray(data.x)
    mean, components, eigenvalues = (np.asarray(a, dtype=float) for a in data[1:4])
    h, w = data.shape
    fits = (x.ndim == 2 and len(x) > 0 and x.shape[1] == h * w and mean.shape == (h * w,)
            and components.ndim == 2 and len(components) > 0 and components.shape[1] == h * w
            and eigenvalues.ndim == 1 and len(eigenvalues) >= len(components))
    if not fits:
        raise ValueError(f"PCASet {name!r}: expected x (N, D), mean (D,), components (K, D), eigenvalues "
                         f"(D,) or (K,) with D = {h} * {w} = {h * w}, got {x.shape}, {mean.shape}, "
                         f"{components.shape}, {eigenvalues.shape}")
    if not np.allclose(components @ components.T, np.eye(len(components)), atol=1e-3):
        raise ValueError(f"PCASet {name!r}: the rows of components are not orthonormal")
    return PCASet(x, mean, components, np.maximum(eigenvalues, 0), (h, w))


class _ErrorCurve:
    """The error against K: the axes are painted once; `draw` changes the lines and paints only those."""

    width = 2.9  # inches; with three panels of 170 pixels all stand in one row beside an open sidebar

    def __init__(self, k_max):
        fig, ax = plots.figure(self.width, 2.6)
        fig.set_dpi(2 * plots.CSS_DPI)
        ax.set_xscale("symlog", linthresh=1)
        ax.xaxis.set_major_formatter("{x:g}")
        ax.yaxis.set_major_formatter(plots.PercentFormatter(1))
        ax.set(xlim=(0, k_max * 1.1), ylim=(0, 1.05), xlabel="numbers kept, K", ylabel="squared error left")
        self.average, = ax.plot([], [], color=plots.PALETTE[8], linestyle="--", label="all examples",
                                animated=True)
        self.error, = ax.plot([], [], color=plots.PALETTE[0], label="this example", animated=True)
        self.point, = ax.plot([], [], "o", color=plots.PALETTE[2], markersize=8, clip_on=False, animated=True)
        ax.legend(loc="upper right", fontsize=9)
        fig.canvas.draw()
        self.canvas, self.background = fig.canvas, fig.canvas.copy_from_bbox(fig.bbox)

    def draw(self, errors, average, k):
        """Return the picture as PNG bytes."""
        self.error.set_data(np.arange(len(errors)), errors)
        self.average.set_data(np.arange(len(average)), average)
        self.point.set_data([k], [errors[k]])
        self.canvas.restore_region(self.background)
        for artist in (self.average, self.error, self.point):
            artist.axes.draw_artist(artist)
        return plots.encode_png(np.asarray(self.canvas.buffer_rgba()))


def _panel(image, shape, title, alt):
    """Return HTML of a grey image and its title; the browser enlarges it, so a move sends few kilobytes."""
    grey = np.uint8(np.clip(np.round(255 * image), 0, 255)).reshape(shape)
    width = 170 * min(1, shape[1] / shape[0])
    tag = plots.image_tag(plots.encode_png(grey), alt, width, "image-rendering:pixelated")
    return f'<div style="text-align:center;line-height:1.3">{title}<br>{tag}</div>'


class _SliderNames(anywidget.AnyWidget):
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


class PCAExplorer(ipywidgets.VBox):
    """Sliders over PCA reconstructions: see `pca_explorer`."""

    def __init__(self, sets):
        if not sets:
            raise ValueError("pca_explorer expects at least one data set, got none")
        self._sets = {name: _checked(name, data) for name, data in sets.items()}
        self._variance = {name: ((s.x - s.mean) ** 2).sum() / len(s.x) for name, s in self._sets.items()}
        self._curve = _ErrorCurve(max(len(s.components) for s in self._sets.values()))
        wide = {"style": {"description_width": "9em"}, "layout": {"width": "32em"}}
        tips = [f"Show the {name}" for name in sets]
        self.data = ipywidgets.ToggleButtons(options=list(sets), tooltips=tips)
        self.example = ipywidgets.IntSlider(description="Example", **wide)
        self.k = ipywidgets.SelectionSlider(options=[0], description="Numbers kept, K", **wide)
        self.component = ipywidgets.IntSlider(value=1, min=1, description="Component k", **wide)
        self.amount = ipywidgets.FloatSlider(min=-4, max=4, step=0.1, description="Move it by t", **wide)
        self._picture = ipywidgets.HTML()
        self._choose_set()
        self.data.observe(self._choose_set, "value")
        for control in (self.example, self.k, self.component, self.amount):
            control.observe(self._update, "value")
        rows = [[self.example, self.k], [self.component, self.amount]]
        boxes = [ipywidgets.HBox(row, layout={"flex_flow": "row wrap"}) for row in rows]
        super().__init__([self.data, *boxes, self._picture, _SliderNames()], _dom_classes=["course-explorer"])

    def _choose_set(self, change=None):
        data = self._sets[self.data.value]
        k_max = len(data.components)
        stops = _numbers_of_codes(k_max)
        wanted = self.k.value if change else 20
        self._quiet = True  # the ranges change one after the other: draw once, at the end
        self.example.max = len(data.x) - 1
        self.component.max = min(k_max, 50)
        self.k.options = stops
        self.k.value = min(stops, key=lambda k: abs(k - wanted))
        self._quiet = False
        self._update()

    def _update(self, change=None):
        if self._quiet:
            return
        name, n, K = self.data.value, self.example.value, self.k.value
        k, t = self.component.value, self.amount.value
        data, variance = self._sets[name], self._variance[name]
        z = (data.x[n] - data.mean) @ data.components.T                # (K_max,)
        x_hat = data.mean + z[:K] @ data.components[:K]
        moved = x_hat + t * np.sqrt(data.eigenvalues[k - 1]) * data.components[k - 1]
        # With orthonormal components every kept number takes its own square off the error.
        whole = ((data.x[n] - data.mean) ** 2).sum()
        errors = np.maximum(whole - np.append(0, np.cumsum(z ** 2)), 0)
        kept = np.minimum(np.append(0, np.cumsum(data.eigenvalues[:len(z)])) / variance, 1)
        left = errors / max(whole, 1e-12)
        curve_alt = (f"The squared error left against K falls from 100% at K = 0 to {left[K]:.1%} at the "
                     f"marked K = {K}; over all examples it is {1 - kept[K]:.1%}.")
        panels = [
            _panel(data.x[n], data.shape, f"example {n}<br>{len(data.mean)} numbers",
                   f"Example {n} of the {name}."),
            _panel(x_hat, data.shape, f"rebuilt<br>from K = {K}",
                   f"The same example rebuilt from {K} numbers."),
            _panel(moved, data.shape, f"moved by {t:+.1f} s.d.<br>along component {k}",
                   f"The rebuilt image moved by {t:+.1f} standard deviations along component {k}."),
            plots.image_tag(self._curve.draw(left, 1 - kept, K), curve_alt,
                            _ErrorCurve.width * plots.CSS_DPI),
        ]
        self._picture.value = (
            f'<div style="display:flex;flex-wrap:wrap;gap:12px;align-items:flex-end">{"".join(panels)}</div>'
            f"Squared error of this example: {errors[K]:.3g} of {whole:.3g} ({left[K]:.1%}). "
            f"The first {K} components keep {kept[K]:.1%} of the variance of all {len(data.x)} "
            f"{html.escape(name)}.")

    def _repr_mimebundle_(self, **kwargs):
        fig, alt = pca_overview(self._sets)
        static = plots.image_tag(plots.png(fig), alt, fig.get_figwidth() * plots.CSS_DPI)
        return super()._repr_mimebundle_(**kwargs) | {"text/plain": alt, "text/html": static}


def pca_explorer(sets):
    """Return sliders over `sets` (name → PCASet): rebuild from K numbers, move along a component.

    Panels: the original; its reconstruction from K numbers; that one moved by t standard deviations,
    t sqrt(lambda_k), along component k; the squared error left against K.
    """
    return PCAExplorer(sets)


def pca_overview(sets, ks=(1, 5, 20, 80), moves=(-3, 0, 3)):
    """Return `(fig, alt)`: what `pca_explorer(sets)` shows, on paper; one row a set, its first example."""
    fig, axes = plots.figure(9, 1.3 * len(sets) + 0.2, rows=len(sets), squeeze=False)
    for ax, (name, data) in zip(axes[:, 0], sets.items(), strict=True):
        x, mean, components = data.x[0], data.mean, data.components
        rebuilt = [mean + (x - mean) @ components[:K].T @ components[:K] for K in ks]
        moved = [mean + t * np.sqrt(data.eigenvalues[0]) * components[0] for t in moves]
        labels = (["original"] + [f"K = {min(K, len(components))}" for K in ks]
                  + [f"mean {t:+d} s.d." if t else "mean" for t in moves])
        plots.image_grid([x, *rebuilt, *moved], data.shape, len(labels), ax=ax, row_labels=[name],
                         column_labels=labels)
    alt = (f"Rows: {', '.join(sets)}. In each row an example, its reconstructions from "
           f"K = {', '.join(map(str, ks))} numbers, sharper with every K, and then the mean image moved "
           f"along the first component by {', '.join(map(str, moves))} standard deviations.")
    return fig, alt


def decode(decoder, z, output="sigmoid"):
    """Return images `(N, D)` for codes `z (N, K)`: tanh between layers, then "sigmoid" or "identity"."""
    h = np.asarray(z, dtype=float)
    for i, (W, b) in enumerate(decoder):
        h = np.tanh(h) if i else h
        h = h @ W + b
    return 0.5 * (1 + np.tanh(0.5 * h)) if output == "sigmoid" else h  # a sigmoid that cannot overflow


class LatentPad(anywidget.AnyWidget):
    """A plane of codes beside the image that the chosen code decodes to: see `latent_pad`."""

    _esm = resources.files(__package__).joinpath("latent_pad.js").read_text(encoding="utf-8")
    sizes = traitlets.List(traitlets.Int()).tag(sync=True)
    weights = traitlets.Bytes().tag(sync=True)      # W1 b1 W2 b2 ..., float32, little-endian, row by row
    output = traitlets.Unicode().tag(sync=True)
    shape = traitlets.List(traitlets.Int()).tag(sync=True)
    dims = traitlets.List(traitlets.Int()).tag(sync=True)
    base = traitlets.List(traitlets.Float()).tag(sync=True)
    codes = traitlets.Bytes().tag(sync=True)        # (N, 2) float32
    labels = traitlets.List(traitlets.Int()).tag(sync=True)  # index into label_names for each code
    label_names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    palette = traitlets.List(traitlets.Unicode()).tag(sync=True)
    extent = traitlets.List(traitlets.Float()).tag(sync=True)
    description = traitlets.Unicode().tag(sync=True)
    value = traitlets.Tuple(traitlets.Float(), traitlets.Float()).tag(sync=True)

    @traitlets.validate("base")
    def _base_fits(self, proposal):
        if self.sizes and len(proposal["value"]) != self.sizes[0]:
            raise traitlets.TraitError(f"base: expected {self.sizes[0]} numbers, got {proposal['value']}")
        return proposal["value"]

    def layers(self):
        """Return the decoder as a list of `(W, b)`, in the float32 that the browser computes from."""
        flat, layers = np.frombuffer(self.weights, "<f4"), []
        for n_in, n_out in zip(self.sizes, self.sizes[1:]):
            W, b, flat = np.split(flat, [n_in * n_out, (n_in + 1) * n_out])
            layers.append((W.reshape(n_in, n_out), b))
        return layers

    def manifold(self, n=9):
        """Return a figure of the images that an n-by-n grid of codes over the pad decodes to."""
        left, right, bottom, top = self.extent
        across, down = np.linspace(left, right, n), np.linspace(top, bottom, n)
        z = np.tile(np.array(self.base), (n * n, 1))
        z[:, self.dims] = np.stack(np.meshgrid(across, down), axis=-1).reshape(-1, 2)
        fig, ax = plots.figure(6, 6 * self.shape[0] / self.shape[1])
        plots.image_grid(decode(self.layers(), z, self.output), self.shape, n, ax=ax, gap=1,
                         row_labels=[f"{v:.1f}" for v in down], column_labels=[f"{v:.1f}" for v in across])
        ax.set(xlabel=f"$z_{{{self.dims[0] + 1}}}$", ylabel=f"$z_{{{self.dims[1] + 1}}}$")
        ax.xaxis.set_label_position("top")
        return fig

    def _repr_mimebundle_(self, **kwargs):
        data, metadata = super()._repr_mimebundle_(**kwargs)
        return data | {"text/plain": self.description, "text/html": self.standalone()}, metadata

    def standalone(self):
        """Return HTML: the manifold grid, which the working pad replaces wherever scripts may run."""
        state = {name: getattr(self, name) for name in LatentPad.class_own_traits(sync=True)}
        urls = {name: _data_url(value, "application/octet-stream")
                for name, value in state.items() if isinstance(value, bytes)}
        state = {name: value for name, value in state.items() if name not in urls}
        fig = self.manifold()
        image = plots.image_tag(plots.png(fig), f"{self.description} Here: a grid of decoded codes.",
                                fig.get_figwidth() * plots.CSS_DPI)
        script = _STANDALONE.format(state=_script_json(state), urls=_script_json(urls),
                                    module=_data_url(self._esm.encode(), "text/javascript"))
        return f"<div>{image}<script>{script}</script></div>"


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


def latent_pad(decoder, shape, codes=None, labels=None, extent=None, output="sigmoid", base=None,
               dims=(0, 1)):
    """Return a pad: drag a point over the plane of codes and see at once what the decoder makes of it.

    `decoder` is a network, a list of `(W, b)` with tanh between layers, whose outputs are the image of
    `shape = (height, width)`, through a sigmoid or as they are (`output="identity"`). `codes (N, K)` with
    `labels (N,)` are drawn as points. With K > 2 the dimensions `dims` move; the others stay at `base (K,)`,
    which may be set later on the pad (a class-conditional decoder's label, for example).
    `extent` is (left, right, bottom, top); `pad.value` is the point and can be set or observed.
    """
    layers = _checked_layers(decoder)
    sizes = [len(W) for W, _ in layers] + [len(layers[-1][1])]
    K, (h, w) = sizes[0], shape
    if sizes[-1] != h * w:
        raise ValueError(f"an image of shape {h} x {w} needs {h * w} outputs, the decoder has {sizes[-1]}")
    if len(dims) != 2 or dims[0] == dims[1] or not all(0 <= d < K for d in dims):
        raise ValueError(f"dims: expected two different dimensions of a code with K = {K}, got {tuple(dims)}")
    if output not in ("sigmoid", "identity"):
        raise ValueError(f'output: expected "sigmoid" or "identity", got {output!r}')
    base = np.zeros(K) if base is None else np.asarray(base, dtype=float)
    if base.shape != (K,):
        raise ValueError(f"base: expected shape ({K},), got {base.shape}")
    points = np.zeros((0, K)) if codes is None else np.asarray(codes, dtype=float)
    if points.ndim != 2 or points.shape[1] != K or not np.isfinite(points).all():
        raise ValueError(f"codes: expected finite numbers of shape (N, {K}), as the decoder takes, "
                         f"got shape {points.shape}")
    names, own = np.unique([] if labels is None else np.asarray(labels), return_inverse=True)
    if labels is not None and (codes is None or np.shape(labels) != (len(points),)):
        raise ValueError(f"labels: expected one for each of {len(points)} codes, "
                         f"got shape {np.shape(labels)}")
    if len(names) > len(plots.PALETTE):
        raise ValueError(f"labels: at most {len(plots.PALETTE)} different ones, got {len(names)}")
    points = points[:, list(dims)]
    left, right, bottom, top = _square_around(points) if extent is None else map(float, extent)
    if not (np.isfinite([left, right, bottom, top]).all() and left < right and bottom < top):
        raise ValueError("extent: expected (left, right, bottom, top) with left < right and bottom < top, "
                         f"got {extent}")
    first, second = (f"z{d + 1}" for d in dims)
    held = f" The other {K - 2} numbers of the code stay as they are." if K > 2 else ""
    drawn = f" {len(points)} codes are drawn as points." if len(points) else ""
    return LatentPad(
        sizes=sizes, weights=b"".join(a.tobytes() for layer in layers for a in layer), output=output,
        shape=[h, w], dims=list(dims), base=base.tolist(), codes=points.astype("<f4").tobytes(),
        labels=own.tolist(), label_names=[str(name) for name in names], palette=list(plots.PALETTE),
        extent=[left, right, bottom, top],
        description=f"Latent pad: the image that the decoder makes of the code at {first} from {left:.3g} to "
                    f"{right:.3g} and {second} from {bottom:.3g} to {top:.3g}.{held}{drawn}",
        value=tuple(np.clip(base[list(dims)], [left, bottom], [right, top]).tolist()))


def _checked_layers(decoder):
    """Return the network's layers as float32, or say which of them does not fit the one before it."""
    layers = [tuple(np.asarray(array, dtype="<f4") for array in layer) for layer in decoder]
    if not layers or any(len(layer) != 2 for layer in layers):
        raise ValueError("decoder: expected a list of (W, b), got layers with "
                         f"{[len(layer) for layer in layers]} arrays")
    n_in = "K"
    for i, (W, b) in enumerate(layers):
        if W.ndim != 2 or n_in not in ("K", W.shape[0]) or b.shape != W.shape[1:]:
            raise ValueError(f"decoder layer {i}: expected W ({n_in}, n) and b (n,), "
                             f"got {W.shape} and {b.shape}")
        if not (np.isfinite(W).all() and np.isfinite(b).all()):
            raise ValueError(f"decoder layer {i} holds values that are not finite")
        n_in = W.shape[1]
    return layers


def _square_around(points):
    """Return a square extent with a margin around the points `(N, 2)`; without points -3 to 3."""
    if len(points) == 0:
        return (-3.0, 3.0, -3.0, 3.0)
    low, high = points.min(axis=0), points.max(axis=0)
    (x, y), half = (low + high) / 2, 0.55 * max((high - low).max(), 1e-3)
    return (x - half, x + half, y - half, y + half)
