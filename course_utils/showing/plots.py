"""Pictures: a course-wide style, and figures that go out with alt text.

Every drawing function takes `ax=None` and returns the axes it drew on; none trains, shows, or touches global
settings. The figures belong to the caller alone (`matplotlib.figure.Figure`, not `pyplot`): finish one with
`show(fig, alt)`.
"""

import base64
import html
import io
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from IPython.display import display
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.rcsetup import cycler
from matplotlib.text import Text
from matplotlib.ticker import PercentFormatter
from numpy.typing import ArrayLike
from PIL import Image

from course_utils.data.texts import look_up
from course_utils.showing.evidence import with_minus

# Ten colours that stay apart for colour-blind readers
# (Petroff 2021, "Accessible color sequences for data visualization").
PALETTE = ("#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd")
# Ten more for the labels of small dots, thousands of them among each other: found by a search that raised the smallest
# distance of two (in OKLab, as seen with all cones, without green and without red ones), on white.
TEN = ("#0000ff", "#ff8ba2", "#741700", "#8be800", "#5d008b", "#b98b00", "#e800a2", "#00745d", "#a274ff", "#00d1ff")
DIVERGING = "RdBu_r"  # white at its centre, and safe for red-green blindness

# Only what an axes keeps from its making: font sizes and line widths are read later, from the globals.
STYLE: dict[Any, Any] = {
    "axes.prop_cycle": cycler(color=PALETTE),
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.facecolor": "white",  # also in a dark theme: black labels must stay readable
    "grid.alpha": 0.6,
    "grid.color": "#d9d9d9",
    "grid.linewidth": 0.6,
}
ROOM = 0.025  # beside and above a mosaic, as a share of it: titles and neighbours do not touch it
LARGE = 200_000  # bytes: a larger PNG is packed with a palette, whatever its colours (see `with_palette`)
CSS_DPI = 96  # a CSS pixel is 1/96 inch, so figure sizes in inches are the sizes on the page


def figure(
    width: float = 6.0, height: float = 3.6, columns: int = 1, rows: int = 1, **options: Any
) -> tuple[Figure, Any]:
    """Return `(fig, ax)` in the course's style, sizes in inches; several panels give an array of axes.

    `options` go to `Figure.subplots` (`sharex`, `width_ratios`, ...). Global settings stay as they were.
    """
    with matplotlib.rc_context(STYLE):
        fig = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(fig)
        return fig, fig.subplots(rows, columns, **options)


def png(fig: Figure, scale: float = 2) -> bytes:
    """Return the figure as PNG bytes with `scale` device pixels per CSS pixel, and a true minus sign in its labels."""
    for label in fig.findobj(Text):  # as the axes' own numbers have it
        label.set_text(with_minus(label.get_text()))
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", dpi=scale * CSS_DPI, metadata={"Software": None})
    return buffer.getvalue()


def with_palette(png_bytes: bytes) -> bytes:
    """Return the picture with a palette of 256 colours, half the size or less, where that is to be had.

    That is where it has no more colours (the same picture), or is `LARGE` (thousands of dots: the same to the eye).
    A picture with transparent parts stays as it is. Takes a fraction of a second: for pages, not for live figures.
    """
    image = Image.open(io.BytesIO(png_bytes)).convert("RGBA")
    if image.getchannel("A").getextrema() != (255, 255) or (len(png_bytes) <= LARGE and image.getcolors(256) is None):
        return png_bytes
    buffer = io.BytesIO()
    image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def encode_png(pixels: np.ndarray) -> bytes:
    """Return pixels, uint8 `(H, W)` grey or `(H, W, 4)`, as PNG bytes, packed for speed rather than size."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()


def image_tag(png_bytes: bytes, alt: str, width: float, style: str = "") -> str:
    """Return an HTML `<img>` that holds its picture and alt text, `width` CSS pixels wide if the page is."""
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError(
            "alt text is missing: say in one or two sentences what the figure shows, "
            f"for readers who cannot see it; got {alt!r}"
        )
    source = base64.b64encode(png_bytes).decode("ascii")
    return (
        f'<img alt="{html.escape(alt.strip())}" width="{round(width)}" '
        f'style="max-width:100%;height:auto;{style}" src="data:image/png;base64,{source}">'
    )


def show(fig: Figure, alt: str, **values: Any) -> None:
    """Display a finished figure with its alt text and close it.

    `alt` says what the figure shows, with {name} for each of the `values`; or it is the key of a text that a student
    is to see with the figure and not before ("02-3f9a1c"). The output is `text/html`, as JupyterLab empties the alt of
    an `image/png`; `text/plain` is the alt text.
    """
    alt = look_up(alt) if isinstance(alt, str) else alt
    alt = alt.format(**values) if values else alt
    if not isinstance(fig, Figure):
        raise TypeError(f"show(fig, alt) expects a matplotlib Figure, got {type(fig).__name__}")
    tag = image_tag(with_palette(png(fig)), alt, fig.get_figwidth() * CSS_DPI)
    pyplot.close(fig)  # a figure of pyplot's would be shown a second time at the end of the cell
    display({"text/html": tag, "text/plain": alt.strip()}, raw=True)


def mosaic(images: ArrayLike, shape: tuple[int, int], columns: int, gap: int = 1, title_band: int = 0) -> np.ndarray:
    """Return one array with the images `(N, H*W)` or `(N, H, W)` as tiles, row by row; gaps are NaN.

    `gap` pixels lie between tiles, and `title_band` further ones above each.
    """
    h, w = shape
    images = np.asarray(images, dtype=float)
    if images.ndim < 2 or len(images) == 0 or images[0].size != h * w:
        raise ValueError(
            f"images of shape {tuple(shape)} need an array (N, {h * w}) or (N, {h}, {w}) with N >= 1, "
            f"got {images.shape}"
        )
    if columns < 1:
        raise ValueError(f"columns must be at least 1, got {columns}")
    rows = -(-len(images) // columns)
    tiles = np.full((rows * columns, title_band + h + gap, w + gap), np.nan)
    tiles[: len(images), title_band : title_band + h, :w] = images.reshape(-1, h, w)
    grid = tiles.reshape(rows, columns, title_band + h + gap, w + gap).swapaxes(1, 2)
    return grid.reshape(rows * (title_band + h + gap), columns * (w + gap))[: -gap or None, : -gap or None]


def image_grid(
    images: ArrayLike,
    shape: tuple[int, int],
    columns: int,
    titles: Sequence[str] | None = None,
    ax: Axes | None = None,
    *,
    row_labels: Sequence[str] | None = None,
    column_labels: Sequence[str] | None = None,
    limits: tuple[float, float] = (0.0, 1.0),
    diverging: bool = False,
    gap: int | None = None,
) -> Axes:
    """Draw the images as one mosaic and return its axes.

    `titles` (one an image), `row_labels` and `column_labels` are optional. Grey runs from black at
    `limits[0]` to white at `limits[1]`; `diverging=True` takes a map centred at 0 (blue < 0 < red).
    """
    h, w = shape
    images = np.asarray(images, dtype=float)
    gap = max(1, round(min(h, w) / 14)) if gap is None else gap
    band = round(0.24 * h) if titles is not None else 0
    tiles = mosaic(images, shape, columns, gap, band)
    rows = -(-len(images) // columns)
    for name, given, expected in [
        ("titles", titles, len(images)),
        ("row_labels", row_labels, rows),
        ("column_labels", column_labels, columns),
    ]:
        if given is not None and len(given) != expected:
            raise ValueError(f"{name}: expected {expected}, got {len(given)}")
    if ax is None:
        scale = min(1.0, 9.0 / columns)
        ax = figure(max(columns * scale * w / h, 1.5), rows * scale * (1 + band / h) + 0.3)[1]
    if diverging:
        largest = np.abs(images).max() or 1.0
        limits = (-largest, largest)
    ax.imshow(tiles, cmap=DIVERGING if diverging else "gray", vmin=limits[0], vmax=limits[1], interpolation="nearest")
    ax.grid(False)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0, top=False, labeltop=column_labels is not None, labelbottom=False)
    x_centre = np.arange(columns) * (w + gap) + w / 2 - 0.5
    y_centre = np.arange(rows) * (band + h + gap) + band + h / 2 - 0.5
    high, wide = tiles.shape
    ax.set(xlim=(-0.5 - ROOM * wide, wide - 0.5 + ROOM * wide), ylim=(high - 0.5, -0.5 - ROOM * high))
    ax.set_xticks(x_centre if column_labels is not None else [], column_labels)
    ax.set_yticks(y_centre if row_labels is not None else [], row_labels)
    for n, title in enumerate(titles if titles is not None else ()):
        ax.text(
            x_centre[n % columns],
            y_centre[n // columns] - h / 2 - 0.05 * h,
            title,
            ha="center",
            va="bottom",
            fontsize=9,
        )
    return ax


def scree(eigenvalues: ArrayLike, ax: Axes | None = None, total: float | None = None) -> Axes:
    """Draw each component's share of the variance, and that of the first K together; return the axes.

    `eigenvalues` come in descending order; `total` is the whole variance when they are only the first few.
    """
    eigenvalues = np.asarray(eigenvalues, dtype=float)
    total = eigenvalues.sum() if total is None else total
    if eigenvalues.ndim != 1 or not total > 0:
        raise ValueError(
            "scree expects a 1-D array of eigenvalues with a positive sum, "
            f"got shape {eigenvalues.shape} and sum {total}"
        )
    share = eigenvalues / total
    ax = figure()[1] if ax is None else ax
    k = np.arange(1, len(share) + 1)
    ax.plot(k, share.cumsum(), color=PALETTE[0], marker=".", label="first K together")
    ax.plot(k, share, color=PALETTE[2], marker=".", linestyle="--", label="component K alone")
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_major_formatter(PercentFormatter(1))
    ax.set(xlabel="K", ylabel="share of the variance", ylim=(0, 1.03), title="Scree plot")
    ax.legend(loc="center right")
    return ax


def apart(points: np.ndarray, gap: float, steps: int = 200) -> np.ndarray:
    """The points (N, 2), pushed apart where two are nearer than `gap`, so that what is written there can be read."""
    points = points.copy()
    for _ in range(steps):
        difference = points[:, None] - points
        distance = np.linalg.norm(difference, axis=-1)
        near = (distance < gap) & ~np.eye(len(points), dtype=bool)
        if not near.any():
            break
        push = np.where(near, gap - distance, 0)[..., None] * difference / np.maximum(distance, 1e-9)[..., None]
        points += 0.3 * push.sum(axis=1)
    return points


def codes(
    z: ArrayLike, y: ArrayLike, ax: Axes | None = None, names: Mapping[Any, str] | Sequence[str] | None = None
) -> Axes:
    """Draw codes `z (N, 2)` coloured by label `y (N,)`, and each label at its median, framed in its colour; return the
    axes.

    `names` maps a label to the text that is written for it.
    """
    z, y = np.asarray(z), np.asarray(y)
    if z.ndim != 2 or z.shape[1] != 2 or y.shape != z.shape[:1]:
        raise ValueError(f"codes expects z (N, 2) and y (N,), got {z.shape} and {y.shape}")
    labels = np.unique(y)
    if len(labels) > len(TEN):
        raise ValueError(f"codes tells at most {len(TEN)} labels apart, got {len(labels)}")
    ax = figure(5.5, 5.0)[1] if ax is None else ax
    # In random order one class cannot lie on top of another; the fixed seed keeps the picture the same.
    order = np.random.default_rng(0).permutation(len(z))
    colours = np.array(TEN)[np.searchsorted(labels, y)]
    ax.scatter(*z[order].T, c=colours[order], s=9, alpha=0.7, linewidths=0)
    middles = apart(np.array([np.median(z[y == label], axis=0) for label in labels]), 0.06 * np.ptp(z, axis=0).max())
    for label, middle, colour in zip(labels, middles, TEN):
        ax.text(
            middle[0],
            middle[1],
            str(label if names is None else names[label]),
            ha="center",
            va="center",
            fontsize=13,
            fontweight="bold",
            bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": colour, "linewidth": 2.5},
        )
    ax.set(xlabel="$z_1$", ylabel="$z_2$")
    ax.set_aspect("equal", adjustable="datalim")
    return ax
