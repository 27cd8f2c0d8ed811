"""The latent pad: a plane of codes to drag over, beside the image that the chosen code decodes to.

The decoder runs in the browser (`latent_pad.js`): a drag needs no kernel, and the pad lives on in exported HTML. It
carries a static figure, a grid of decoded codes, for pages that cannot run it.
"""

from collections.abc import Sequence
from importlib import resources

import numpy as np
import traitlets
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from course_utils.explorables.browser_widget import BrowserWidget
from course_utils.networks.arrays import Network
from course_utils.networks.nets import mlp
from course_utils.showing import plots


def decode(decoder: Network, z: ArrayLike, output: str = "sigmoid") -> np.ndarray:
    """Return images `(N, D)` for codes `z (N, K)`: tanh between layers, then "sigmoid" or "identity"."""
    h = mlp(decoder, np.asarray(z, dtype=float))
    return 0.5 * (1 + np.tanh(0.5 * h)) if output == "sigmoid" else h  # a sigmoid that cannot overflow


class LatentPad(BrowserWidget):
    """A plane of codes beside the image that the chosen code decodes to: see `latent_pad`."""

    _esm = resources.files("course_utils.explorables").joinpath("latent_pad.js").read_text(encoding="utf-8")
    sizes = traitlets.List(traitlets.Int()).tag(sync=True)
    weights = traitlets.Bytes().tag(sync=True)  # W1 b1 W2 b2 ..., float16, little-endian, row by row
    output = traitlets.Unicode().tag(sync=True)
    shape = traitlets.List(traitlets.Int()).tag(sync=True)
    dims = traitlets.List(traitlets.Int()).tag(sync=True)
    base = traitlets.List(traitlets.Float()).tag(sync=True)
    choices = traitlets.List(traitlets.Unicode()).tag(sync=True)  # buttons, each of which sets a base
    bases = traitlets.List(traitlets.List(traitlets.Float())).tag(sync=True)
    choice = traitlets.Int(0).tag(sync=True)
    codes = traitlets.Bytes().tag(sync=True)  # (N, 2) float32
    labels = traitlets.List(traitlets.Int()).tag(sync=True)  # index into label_names for each code
    label_names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    label_places = traitlets.Bytes().tag(sync=True)  # (C, 2) float32: of each label's name
    palette = traitlets.List(traitlets.Unicode()).tag(sync=True)
    extent = traitlets.List(traitlets.Float()).tag(sync=True)
    scale = 2.0
    value = traitlets.Tuple(traitlets.Float(), traitlets.Float()).tag(sync=True)

    @traitlets.validate("base")
    def _base_fits(self, proposal):
        if self.sizes and len(proposal["value"]) != self.sizes[0]:
            raise traitlets.TraitError(f"base: expected {self.sizes[0]} numbers, got {proposal['value']}")
        return proposal["value"]

    @traitlets.observe("choice")
    def _take_base(self, change):
        if self.bases:
            self.base = self.bases[change["new"]]

    def layers(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return the decoder as a list of `(W, b)`, as the browser has them."""
        flat, layers = np.frombuffer(self.weights, "<f2").astype(np.float32), []
        for n_in, n_out in zip(self.sizes, self.sizes[1:]):
            W, b, flat = np.split(flat, [n_in * n_out, (n_in + 1) * n_out])
            layers.append((W.reshape(n_in, n_out), b))
        return layers

    @property
    def alt(self) -> str:
        """The text of the static figure."""
        return f"{self.description} Here: a grid of decoded codes."

    def picture(self, n: int = 9) -> Figure:
        """Return a figure of the images that an n-by-n grid of codes over the pad decodes to."""
        left, right, bottom, top = self.extent
        across, down = np.linspace(left, right, n), np.linspace(top, bottom, n)
        z = np.tile(np.array(self.base), (n * n, 1))
        z[:, self.dims] = np.stack(np.meshgrid(across, down), axis=-1).reshape(-1, 2)
        fig, ax = plots.figure(6, 6 * self.shape[0] / self.shape[1])
        plots.image_grid(
            decode(self.layers(), z, self.output),
            self.shape,
            n,
            ax=ax,
            gap=1,
            row_labels=[f"{v:.1f}".replace("-", "−") for v in down],
            column_labels=[f"{v:.1f}".replace("-", "−") for v in across],
        )
        ax.set_ylabel(f"$z_{{{self.dims[1] + 1}}}$")
        ax.set_xlabel(f"$z_{{{self.dims[0] + 1}}}$", labelpad=8)  # clear of the numbers
        ax.xaxis.set_label_position("top")
        return fig


def latent_pad(
    decoder: Network,
    shape: tuple[int, int],
    codes: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    extent: Sequence[float] | None = None,
    output: str = "sigmoid",
    base: ArrayLike | None = None,
    dims: tuple[int, int] = (0, 1),
) -> LatentPad:
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
        raise ValueError(
            f"codes: expected finite numbers of shape (N, {K}), as the decoder takes, got shape {points.shape}"
        )
    names, own = np.unique([] if labels is None else np.asarray(labels), return_inverse=True)
    if labels is not None and (codes is None or np.shape(labels) != (len(points),)):
        raise ValueError(f"labels: expected one for each of {len(points)} codes, got shape {np.shape(labels)}")
    if len(names) > len(plots.TEN):
        raise ValueError(f"labels: at most {len(plots.TEN)} different ones, got {len(names)}")
    points = points[:, list(dims)]
    left, right, bottom, top = _square_around(points) if extent is None else map(float, extent)
    if not (np.isfinite([left, right, bottom, top]).all() and left < right and bottom < top):
        raise ValueError(
            f"extent: expected (left, right, bottom, top) with left < right and bottom < top, got {extent}"
        )
    first, second = (f"z{d + 1}" for d in dims)
    held = f" The other {K - 2} numbers of the code stay as they are." if K > 2 else ""
    drawn = f" {len(points)} codes are drawn as points." if len(points) else ""
    return LatentPad(
        sizes=sizes,
        weights=b"".join(a.tobytes() for layer in layers for a in layer),
        output=output,
        shape=[h, w],
        dims=list(dims),
        base=base.tolist(),
        codes=points.astype("<f4").tobytes(),
        labels=own.tolist(),
        label_names=[str(name) for name in names],
        label_places=_places(points, own, len(names), 0.07 * (right - left)),
        palette=list(plots.TEN),
        extent=[left, right, bottom, top],
        description=(
            f"Latent pad: the image that the decoder makes of the code at {first} from {left:.3g} "
            f"to {right:.3g} and {second} from {bottom:.3g} to {top:.3g}.{held}{drawn}"
        ),
        value=tuple(np.clip(base[list(dims)], [left, bottom], [right, top]).tolist()),
    )


def _checked_layers(decoder):
    """Return the network's layers as float16 (a pixel moves by a thousandth or so, and half of the bytes are saved), or
    say which of them does not fit the one before it."""
    with np.errstate(over="ignore"):  # said below
        layers = [tuple(np.asarray(array, dtype="<f2") for array in layer) for layer in decoder]
    if not layers or any(len(layer) != 2 for layer in layers):
        raise ValueError(
            f"decoder: expected a list of (W, b), got layers with {[len(layer) for layer in layers]} arrays"
        )
    n_in = "K"
    for i, (W, b) in enumerate(layers):
        if W.ndim != 2 or n_in not in ("K", W.shape[0]) or b.shape != W.shape[1:]:
            raise ValueError(f"decoder layer {i}: expected W ({n_in}, n) and b (n,), got {W.shape} and {b.shape}")
        if not (np.isfinite(W).all() and np.isfinite(b).all()):
            raise ValueError(f"decoder layer {i} holds values that are not finite in float16 (above 65504)")
        n_in = W.shape[1]
    return layers


def _places(points, own, count, gap):
    """Where the labels' names stand, as bytes: at the medians of their points (N, 2), no two nearer than `gap`."""
    medians = [np.median(points[own == label], axis=0) for label in range(count)]
    return plots.apart(np.array(medians), gap).astype("<f4").tobytes() if medians else b""


def _square_around(points):
    """Return a square extent with a margin around the points `(N, 2)`; without points -3 to 3."""
    if len(points) == 0:
        return (-3.0, 3.0, -3.0, 3.0)
    low, high = points.min(axis=0), points.max(axis=0)
    (x, y), half = (low + high) / 2, 0.55 * max((high - low).max(), 1e-3)
    return (x - half, x + half, y - half, y + half)
