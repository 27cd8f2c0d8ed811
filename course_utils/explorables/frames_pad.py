"""Frames of lines or points that were computed before, chosen by one or two sliders in the browser (`frames_pad.js`).

They need no kernel and live on in exported HTML. A static figure, some of the frames, stands on pages without scripts.
"""

import itertools
import json
from collections.abc import Callable, Sequence
from importlib import resources

import numpy as np
import traitlets
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from course_utils.explorables.browser_widget import BrowserWidget
from course_utils.models.flow import Flow, flow_path
from course_utils.models.gan import gan_generate
from course_utils.models.made import Masked, made_sample
from course_utils.networks.arrays import Network
from course_utils.probability.ring import ring_shares
from course_utils.showing import plots
from course_utils.showing.evidence import with_minus
from course_utils.showing.pen import BESIDE, CELL, pen_grid


class FramesPad(BrowserWidget):
    """Frames of lines or points, chosen by one or two sliders: see `frames_pad`."""

    _esm = resources.files("course_utils.explorables").joinpath("frames_pad.js").read_text(encoding="utf-8")
    frames = traitlets.Bytes().tag(sync=True)  # (*sizes, items, points, 2) float32, little-endian
    sizes = traitlets.List(traitlets.Int()).tag(sync=True)
    items = traitlets.Int().tag(sync=True)
    points = traitlets.Int().tag(sync=True)
    kind = traitlets.Unicode().tag(sync=True)
    given = traitlets.List(traitlets.Int()).tag(sync=True)  # points drawn in blue, for each value of the first slider
    columns = traitlets.Int().tag(sync=True)
    extent = traitlets.List(traitlets.Float()).tag(sync=True)
    width = traitlets.Int().tag(sync=True)
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    labels = traitlets.List(traitlets.List(traitlets.Unicode())).tag(sync=True)
    captions = traitlets.Bytes().tag(sync=True)  # JSON: a sentence for every frame
    value = traitlets.List(traitlets.Int()).tag(sync=True)
    scale = 2.0

    @traitlets.validate("value")
    def _value_fits(self, proposal):
        value = proposal["value"]
        if self.sizes and not (len(value) == len(self.sizes) and all(0 <= k < n for k, n in zip(value, self.sizes))):
            raise traitlets.TraitError(f"value: a place on each slider, below {self.sizes}, is expected, got {value}")
        return value

    def array(self) -> np.ndarray:
        """The frames (*sizes, items, points, 2)."""
        return np.frombuffer(self.frames, "<f4").reshape(*self.sizes, self.items, self.points, 2)

    @property
    def alt(self) -> str:
        """The text of the static figure."""
        return f"{self.description} Here: some of the frames."

    def picture(self, most: int = 5) -> Figure:
        """A figure of frames along the first slider, the second where it stands."""
        chosen = np.unique(np.linspace(0, self.sizes[0] - 1, most).round().astype(int))
        left, right, bottom, top = self.extent
        wide, high = right - left, top - bottom
        if self.kind == "lines":  # the limits of `pen_grid`
            wide, high = CELL * (self.columns - 1) + 1 + 2 * BESIDE, CELL * -(-self.items // self.columns) + 0.15
        height = 9.6 / len(chosen) * high / wide + 0.3
        fig, axes = plots.figure(9.6, height, columns=len(chosen), squeeze=False)
        fig.set_layout_engine("constrained", wspace=0.06)  # digits of neighbouring frames stay apart
        for ax, k in zip(axes[0], chosen):
            items = self.array()[(k, *self.value[1:])]
            if self.kind == "lines":
                given = self.given[k] if self.given else 0
                pen_grid(items.reshape(self.items, -1), self.columns, ax, given=given)
            else:
                ax.scatter(*items.reshape(-1, 2).T, s=2, color=plots.PALETTE[0], alpha=0.6)
                ax.set(xlim=(left, right), ylim=(bottom, top), aspect="equal", xticks=[], yticks=[])
            ax.set_title(f"{self.names[0]}: {self.labels[0][k]}", fontsize=9)
        return fig


def frames_pad(
    frames: ArrayLike,
    names: Sequence[str],
    labels: Sequence[Sequence[str]],
    caption: Callable[..., str],
    description: str,
    kind: str = "lines",
    columns: int = 1,
    given: Sequence[int] = (),
    extent: Sequence[float] | None = None,
    width: int = 560,
) -> FramesPad:
    """A pad with a slider for each of `names`, whose values are called `labels`.

    frames (*sizes, items, points, 2): for each choice of the sliders so many items of so many points (x, y). Lines
    stand in a grid of `columns`, each in a unit square; points all in `extent` (left, right, bottom, top). `caption`
    says what a choice shows, from the places of the sliders. `given`, for each value of the first slider: how many
    points of the lines are drawn in blue.
    """
    frames = np.ascontiguousarray(frames, dtype="<f4")
    sizes, (items, points, two) = list(frames.shape[:-3]), frames.shape[-3:]
    if two != 2 or not sizes or [len(one) for one in labels] != sizes or len(names) != len(sizes):
        raise ValueError(
            f"frames (*sizes, items, points, 2) with a name and labels for each size are expected, got {frames.shape}, "
            f"{len(names)} names and {[len(one) for one in labels]} labels"
        )
    if kind not in ("lines", "points") or (kind == "points" and extent is None):
        raise ValueError(f'kind should be "lines", or "points" with an extent, got {kind!r} and {extent}')
    if len(given) not in (0, sizes[0]):
        raise ValueError(f"given: one number for each of the {sizes[0]} places of the first slider, got {len(given)}")
    rows = -(-items // columns)
    return FramesPad(
        frames=frames.tobytes(),
        sizes=sizes,
        items=items,
        points=points,
        kind=kind,
        given=list(map(int, given)),
        columns=columns,
        extent=[-0.3, CELL * columns, -0.3, CELL * rows] if extent is None else list(map(float, extent)),
        width=width,
        names=list(names),
        labels=[list(map(str, one)) for one in labels],
        captions=json.dumps([caption(*place) for place in itertools.product(*map(range, sizes))]).encode(),
        description=description,
        value=[n // 2 for n in sizes],
    )


def flow_pad(flow: Flow, z: ArrayLike, latent: int, reach: float = 3.0, values: int = 25) -> FramesPad:
    """Drag one latent of digits z (N, 16) from -reach to reach, and watch them on their way through the couplings."""
    z = np.asarray(z, float)
    if z.ndim != 2 or not 0 <= latent < z.shape[1]:
        raise ValueError(f"codes z (N, D) and a latent below D are expected, got {z.shape} and {latent}")
    along = np.linspace(-reach, reach, values)
    codes = np.repeat(z[None], values, axis=0)
    codes[:, :, latent] = along[:, None]
    path = flow_path(flow, codes.reshape(-1, z.shape[1]))
    frames = np.stack([step.reshape(values, len(z), -1, 2) for step in path], axis=1)
    done = len(path) - 1
    pad = frames_pad(
        frames,
        [f"latent {latent + 1}", "couplings undone"],
        [[with_minus(f"{v:+.2f}") for v in along], list(map(str, range(done + 1)))],
        lambda i, j: with_minus(f"Latent {latent + 1} at {along[i]:+.2f}; {j} of {done} couplings undone."),
        f"{len(z)} digits whose codes change in latent {latent + 1} alone, on their way from noise to digit.",
        columns=len(z),
        width=640,
    )
    pad.value = [values // 2, done]
    return pad


def completion_pad(
    model: Masked, x: ArrayLike, rng: np.random.Generator, completions: int = 12, columns: int = 6
) -> FramesPad:
    """Half-drawn digits, finished: first points of x (N, 16) are given, the rest drawn by a MADE (natural order)."""
    x = np.asarray(x, np.float32)
    D, points = x.shape[1], x.shape[1] // 2
    frames = np.empty((points + 1, len(x), completions, points, 2), np.float32)
    u, eps = rng.random((completions, D)), rng.standard_normal((completions, D))
    for begun in range(points + 1):
        for n, digit in enumerate(x):
            start = np.repeat(digit[None], completions, axis=0)
            made = made_sample(model, range(D), u, eps, x=start, given=2 * begun)
            frames[begun, n] = made.reshape(completions, points, 2)
    pad = frames_pad(
        frames,
        ["points given", "place"],
        [list(map(str, range(points + 1))), [str(n + 1) for n in range(len(x))]],
        lambda begun, n: f"Place {n + 1}: {begun} of {points} points are given, in blue, and {completions} ways go on.",
        "Digits that were begun by hand and are finished by the autoregressive model, several ways.",
        columns=columns,
        given=range(points + 1),
    )
    pad.value = [points // 2, 0]
    return pad


def modes_pad(players: dict[int, Network], z: ArrayLike, drawn: int = 400) -> FramesPad:
    """The samples of a GAN on the ring while it trains: {step: generator}, always from the same noise z (N, K).

    All N are counted, and the first `drawn` of them are drawn.
    """
    z = np.asarray(z, float)
    made = np.stack([gan_generate(generator, z) for generator in players.values()])
    occupied = [int(np.sum(ring_shares(points) > 0.06)) for points in made]
    steps = list(players)
    shown = made[:, None, :drawn]
    return frames_pad(
        shown,
        ["training step"],
        [list(map(str, steps))],
        lambda i: (
            f"Step {steps[i]}: {occupied[i]} of 8 spots {'has' if occupied[i] == 1 else 'have'} at least 6 % of "
            f"{made.shape[1]:,} samples."
        ),
        f"{shown.shape[2]} samples of a GAN that learns a ring of eight spots, at {len(steps)} steps of its training.",
        kind="points",
        extent=(-3.2, 3.2, -3.2, 3.2),
        width=360,
    )
