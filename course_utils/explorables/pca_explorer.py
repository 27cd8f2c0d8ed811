"""Notebook 01's explorable: reconstructions from K numbers, and images moved along one principal component."""

import html
from collections.abc import Mapping, Sequence
from typing import NamedTuple, cast

import ipywidgets
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from course_utils.showing import plots
from course_utils.showing.widgets import WIDE, Explorable


class PCASet(NamedTuple):
    """A data set with its principal components, for `pca_explorer`."""

    x: np.ndarray  # (N, D)
    mean: np.ndarray  # (D,)
    components: np.ndarray  # (K_max, D), orthonormal rows
    eigenvalues: np.ndarray  # (K_max,) or more: the variance along each component, descending
    shape: tuple[int, int]  # (height, width), D = height * width


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
    x = x if np.issubdtype(x.dtype, np.floating) else x.astype(float)
    mean, components, eigenvalues = (np.asarray(a, dtype=float) for a in data[1:4])
    h, w = data.shape
    fits = (
        x.ndim == 2
        and len(x) > 0
        and x.shape[1] == h * w
        and mean.shape == (h * w,)
        and components.ndim == 2
        and len(components) > 0
        and components.shape[1] == h * w
        and eigenvalues.ndim == 1
        and len(eigenvalues) >= len(components)
    )
    if not fits:
        raise ValueError(
            f"PCASet {name!r}: expected x (N, D), mean (D,), components (K, D), eigenvalues (K,) or more, "
            f"with D = {h} * {w} = {h * w}, got {x.shape}, {mean.shape}, {components.shape}, {eigenvalues.shape}"
        )
    if not np.allclose(components @ components.T, np.eye(len(components)), atol=1e-3):
        raise ValueError(f"PCASet {name!r}: the rows of components are not orthonormal")
    return PCASet(x, mean, components, np.maximum(eigenvalues, 0), (h, w))


def _share_kept(data):
    """Return the share of the variance of the examples, around the mean, that 0..K_max components keep.

    Measured on `x` itself, which may be other examples than those that gave the components.
    """
    centred = data.x - data.mean.astype(data.x.dtype)
    squares = np.square(centred @ data.components.T.astype(data.x.dtype), dtype=float).sum(axis=0)
    return np.minimum(np.append(0, squares.cumsum()) / max(np.square(centred, dtype=float).sum(), 1e-12), 1)


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
        (self.average,) = ax.plot([], [], color=plots.PALETTE[8], linestyle="--", label="all examples", animated=True)
        (self.error,) = ax.plot([], [], color=plots.PALETTE[0], label="this example", animated=True)
        (self.point,) = ax.plot([], [], "o", color=plots.PALETTE[2], markersize=8, clip_on=False, animated=True)
        ax.legend(loc="upper right", fontsize=9)
        fig.canvas.draw()
        self.canvas = cast(FigureCanvasAgg, fig.canvas)  # that is what plots.figure makes
        self.background = self.canvas.copy_from_bbox(fig.bbox)

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


class PCAExplorer(Explorable):
    """Sliders over PCA reconstructions: see `pca_explorer`."""

    def __init__(self, sets: Mapping[str, PCASet]):
        if not sets:
            raise ValueError("pca_explorer expects at least one data set, got none")
        self._sets = {name: _checked(name, data) for name, data in sets.items()}
        self._kept = {name: _share_kept(data) for name, data in self._sets.items()}
        self._curve = _ErrorCurve(max(len(s.components) for s in self._sets.values()))
        tips = [f"Show the {name}" for name in sets]
        self.data = ipywidgets.ToggleButtons(options=list(sets), tooltips=tips)
        self.example = ipywidgets.IntSlider(description="Example", **WIDE)
        self.k = ipywidgets.SelectionSlider(options=[0], description="Numbers kept, K", **WIDE)
        self.component = ipywidgets.IntSlider(value=1, min=1, description="Component k", **WIDE)
        self.amount = ipywidgets.FloatSlider(min=-4, max=4, step=0.1, description="Move it by t", **WIDE)
        self._picture = ipywidgets.HTML()
        self._choose_set()
        self.data.observe(self._choose_set, "value")
        for control in (self.example, self.k, self.component, self.amount):
            control.observe(self._update, "value")
        super().__init__([[self.data], [self.example, self.k], [self.component, self.amount]], self._picture)

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
        data, kept = self._sets[name], self._kept[name]
        z = (data.x[n] - data.mean) @ data.components.T  # (K_max,)
        x_hat = data.mean + z[:K] @ data.components[:K]
        moved = x_hat + t * np.sqrt(data.eigenvalues[k - 1]) * data.components[k - 1]
        # With orthonormal components every kept number takes its own square off the error.
        whole = ((data.x[n] - data.mean) ** 2).sum()
        errors = np.maximum(whole - np.append(0, np.cumsum(z**2)), 0)
        left = errors / max(whole, 1e-12)
        curve_alt = (
            f"The squared error left against K falls from 100% at K = 0 to {left[K]:.1%} at the marked K = {K}; "
            f"over all examples it is {1 - kept[K]:.1%}."
        )
        panels = [
            _panel(data.x[n], data.shape, f"example {n}<br>{len(data.mean)} numbers", f"Example {n} of the {name}."),
            _panel(x_hat, data.shape, f"rebuilt<br>from K = {K}", f"The same example rebuilt from {K} numbers."),
            _panel(
                moved,
                data.shape,
                f"moved by {t:+.1f} s.d.<br>along component {k}",
                f"The rebuilt image moved by {t:+.1f} standard deviations along component {k}.",
            ),
            plots.image_tag(self._curve.draw(left, 1 - kept, K), curve_alt, _ErrorCurve.width * plots.CSS_DPI),
        ]
        self._picture.value = (
            f'<div style="display:flex;flex-wrap:wrap;gap:12px;align-items:flex-end">{"".join(panels)}</div>'
            f"Squared error of this example: {errors[K]:.3g} of {whole:.3g} ({left[K]:.1%}). "
            f"The first {K} components keep {kept[K]:.1%} of the variance of all {len(data.x)} "
            f"{html.escape(name)}."
        )

    def static(self) -> tuple[str, str]:
        """`pca_overview` of the sets as HTML, and its alt text."""
        fig, alt = pca_overview(self._sets)
        return plots.image_tag(plots.png(fig), alt, fig.get_figwidth() * plots.CSS_DPI), alt


def pca_explorer(sets: Mapping[str, PCASet]) -> PCAExplorer:
    """Return sliders over `sets` (name → PCASet): rebuild from K numbers, move along a component.

    Panels: the original; its reconstruction from K numbers; that one moved by t standard deviations,
    t sqrt(lambda_k), along component k; the squared error left against K.
    """
    return PCAExplorer(sets)


def pca_overview(
    sets: Mapping[str, PCASet], ks: Sequence[int] = (1, 5, 20, 80), moves: Sequence[int] = (-3, 0, 3)
) -> tuple[Figure, str]:
    """Return `(fig, alt)`: what `pca_explorer(sets)` shows, on paper; one row a set, its first example."""
    fig, axes = plots.figure(9, 1.3 * len(sets) + 0.2, rows=len(sets), squeeze=False)
    for ax, (name, data) in zip(axes[:, 0], sets.items(), strict=True):
        x, mean, components = data.x[0], data.mean, data.components
        rebuilt = [mean + (x - mean) @ components[:K].T @ components[:K] for K in ks]
        moved = [mean + t * np.sqrt(data.eigenvalues[0]) * components[0] for t in moves]
        labels = (
            ["original"]
            + [f"K = {min(K, len(components))}" for K in ks]
            + [f"component 1,\n{t:+d} s.d." if t else "mean" for t in moves]
        )
        plots.image_grid([x, *rebuilt, *moved], data.shape, len(labels), ax=ax, row_labels=[name], column_labels=labels)
    alt = (
        f"Rows: {', '.join(sets)}. In each row an example, its reconstructions from K = {', '.join(map(str, ks))} "
        "numbers, sharper with every K, and then the mean image moved along the first component "
        f"by {', '.join(map(str, moves))} standard deviations."
    )
    return fig, alt
