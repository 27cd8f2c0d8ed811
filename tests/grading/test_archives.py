"""Zip archives that are handed in: graded as they are, opened within limits, never unpacked."""

import io
import os
import stat
import struct
import zipfile
import zlib

import pytest
from grading_corpus import PCA, START, hand_in, notebook_json, solved
from grading_results import contents, rows_of

from course_utils.checking import __all__ as calls
from course_utils.checking.handing_in import pack
from course_utils.grading import archives, grade_folder
from course_utils.grading import submissions as module
from course_utils.grading.library import SILENT_CHECKING
from course_utils.grading.submissions import cells_of, find_submissions

ONE = f"{START}.ipynb"


def zip_of(path, entries, **more):
    """An archive with these entries: {name or ZipInfo: content, or cells}."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **more) as archive:
        for name, content in entries.items():
            archive.writestr(name, notebook_json(content) if isinstance(content, list) else content)
    return path


def entry(name, kind=0, flags=0):
    """An entry of a kind of file (stat.S_IFLNK), with flags."""
    info = zipfile.ZipInfo("x")
    info.filename, info.create_system, info.external_attr = name, 3, (kind | 0o777) << 16
    info.flag_bits |= flags
    return info


def found(root):
    return {(s.student, s.notebook): s.refusal or cells_of(s).status for s in find_submissions(root)}


def graded(root, out):
    assert grade_folder(root, out, seed=1, isolation="plain", trusted=True) == 0
    return rows_of(out)


@pytest.mark.slow
def test_what_hand_in_gives_is_graded_like_the_files_themselves(tmp_path, capsys):
    """In the student's folder and beside it: same results, byte for byte, but for the student's name."""
    own = tmp_path / "home"
    hand_in(own, ONE, solved(START))
    done = pack(own, own / "none")
    outs = []
    for kind in ("files", "archive", "beside"):
        root, out = tmp_path / kind, tmp_path / f"{kind}-out"
        root.mkdir()
        if kind == "files":
            (root / "ann").mkdir()
            for path in own.glob("*.ipynb"):
                (root / "ann" / path.name).write_bytes(path.read_bytes())
        else:
            target = root / ("ann/hw/hand-in-001.zip" if kind == "archive" else "ann.zip")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(done.path.read_bytes())
        before = contents(root)
        graded(root, out)
        assert contents(root) == before  # nothing was unpacked there
        outs.append(contents(out))
    assert outs[0] == outs[1] == outs[2] and rows_of(out)["ann", START]["points"] == "1"


@pytest.mark.whole
def test_the_version_outside_counts_and_else_the_last_archive_and_the_status_says_so(tmp_path, capsys):
    root = tmp_path / "in"
    right, wrong = solved(START), notebook_json(["def log_mean_exp(a):\n    return 3"])
    hand_in(root, f"ann/{ONE}", right)
    zip_of(root / "ann" / "hand-in-001.zip", {ONE: wrong, "extra.ipynb": right})
    for number, content in ((2, wrong), (9, wrong), (10, right)):
        zip_of(root / "ben" / f"hand-in-{number}.zip", {f"sub/{ONE}": content})
    rows = graded(root, tmp_path / "out")
    said = {key: (row["points"], row["status"]) for key, row in rows.items()}
    instead = "graded; counts instead of the version in "
    assert said["ann", START] == ("1", f"{instead}hand-in-001.zip")
    assert said["ben", START] == ("1", f"{instead}hand-in-2.zip, hand-in-9.zip")
    assert set(said) == {("ann", START), ("ben", START), ("ann", "extra")}
    assert "2 count instead of other versions in archives" in capsys.readouterr().out


def test_several_of_one_name_in_one_archive_are_told_apart(tmp_path):
    zip_of(tmp_path / "ann" / "work.zip", {f"a/{ONE}": "{}", f"b/{ONE}": "{}"})
    zip_of(tmp_path / "ben.zip", {f"a/{ONE}": "{}", f"b/{ONE}": "{}"})
    expected = {("ann", f"work.zip/a/{START}"), ("ann", f"work.zip/b/{START}")}
    assert set(found(tmp_path)) == expected | {("ben", f"ben.zip/{folder}/{START}") for folder in "ab"}


def test_what_jupyter_and_macos_add_and_other_files_play_no_part(tmp_path):
    names = [f".ipynb_checkpoints/{ONE}", f"__MACOSX/._{ONE}", f"a/._{ONE}", "data.csv", "../../etc/passwd", "a/"]
    zip_of(tmp_path / "ann.zip", dict.fromkeys(names, "x") | {ONE: notebook_json(["a = 1"])})
    assert found(tmp_path) == {("ann", START): ""}


BAD_NAMES = {
    "../x.ipynb": "leads out",
    "a/../../x.ipynb": "leads out",
    "a\\..\\..\\x.ipynb": "leads out",
    "/etc/x.ipynb": "leads out",
    "\\\\host\\x.ipynb": "leads out",
    "C:\\x.ipynb": "leads out",
    "x\x1b[2J.ipynb": "do not print",
    "x\u202e.ipynb": "do not print",
    "x\n.ipynb": "do not print",
    "x.ipynb\0.txt": "do not print",
    "a/nul.ipynb": "Windows",
    "CON/x.ipynb": "Windows",
    "x" * 252 + ".ipynb": "too long",
    "a/" * 60 + "x.ipynb": "nested",
    "inner.zip": "archive within an archive",
    "inner.tar.gz": "archive within an archive",
}


@pytest.mark.parametrize("name, reason", BAD_NAMES.items(), ids=range(len(BAD_NAMES)))
def test_an_odd_name_is_refused_and_the_rest_of_the_archive_is_read(tmp_path, name, reason):
    zip_of(tmp_path / "in" / "ann" / "work.zip", {entry(name): notebook_json(["a = 1"]), ONE: notebook_json(["a = 1"])})
    rows = found(tmp_path / "in")
    assert rows.pop(("ann", START)) == ""
    (((_, shown), status),) = rows.items()
    assert status.startswith("refused: ") and reason in status
    assert shown.isprintable() and ".." not in shown and not shown.startswith("/")
    assert os.listdir(tmp_path) == ["in"]


@pytest.mark.whole
def test_refused_names_write_nothing_outside_of_the_results(tmp_path):
    root, out = tmp_path / "deep" / "in", tmp_path / "deep" / "out"
    zip_of(root / "eve" / "work.zip", {entry(name): notebook_json(["a = 1"]) for name in list(BAD_NAMES)[:10]})
    hand_in(root, f"ann/{ONE}", solved(START))
    rows = graded(root, out)
    assert rows["ann", START]["points"] == "1" and len(rows) == 11
    assert os.listdir(tmp_path) == ["deep"] and sorted(os.listdir(tmp_path / "deep")) == ["in", "out"]
    for path in out.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
        assert path.name.isprintable()


def test_names_that_one_file_system_takes_for_one_are_refused(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate"):
        zip_of(
            tmp_path / "ann.zip",
            {
                entry(name): "{}"
                for name in ("a.ipynb", "A.ipynb", "ü.ipynb", "u\u0308.ipynb", "b.ipynb", "c.ipynb", "c.ipynb")
            },
        )
    rows = found(tmp_path)
    assert {name for (_, name), status in rows.items() if "upper and lower case" in status} >= {
        "a",
        "A",
        "ü",
        "u\u0308",
    }
    assert sum("upper and lower case" in status for status in rows.values()) == 6
    assert rows["ann", "b"] == "damaged: not a notebook"


def test_links_and_devices_are_refused(tmp_path):
    zip_of(
        tmp_path / "in" / "eve.zip",
        {
            entry(ONE, stat.S_IFLNK): "/etc/passwd",
            entry(f"{PCA}.ipynb", stat.S_IFIFO): "",
            entry("d.ipynb", stat.S_IFREG): "",
        },
    )
    assert found(tmp_path / "in") == {
        ("eve", START): "refused: a link in the archive",
        ("eve", PCA): "refused: no ordinary file in the archive",
        ("eve", "d"): "empty: the file holds nothing",
    }


def test_names_of_old_archives_are_read(tmp_path):
    """Neither UTF-8 nor marked as such: a folder is called Müller in code page 850; and UTF-8 without its mark."""
    path = zip_of(
        tmp_path / "ann.zip", {f"M_ller/{ONE}": notebook_json(["a"]), f"M__ller/{PCA}.ipynb": notebook_json(["a"])}
    )
    content = path.read_bytes().replace(b"M__ller", "Müller".encode()).replace(b"M_ller", b"M\x81ller")
    path.write_bytes(content)
    assert found(tmp_path) == {("ann", START): "", ("ann", PCA): ""}


def bomb(size):
    """Deflated zeros, quickly: size bytes a thousandth as long."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(size >> 20)) + packer.flush()


def lying(path, name, packed, size):
    """An archive whose only entry says that it unpacks to `size` bytes."""
    head = struct.pack("<HHHHHLLLHH", 20, 0, 8, 0, 33, 0, len(packed), size, len(name), 0)
    local = b"PK\3\4" + head + name + packed
    central = b"PK\1\2" + struct.pack("<H", 20) + head + struct.pack("<HHHLL", 0, 0, 0, 0, 0) + name
    path.write_bytes(local + central + b"PK\5\6" + struct.pack("<HHHHLLH", 0, 0, 1, 1, len(central), len(local), 0))
    return path


def test_bombs_are_refused_before_they_are_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_BYTES", 4 << 20)
    monkeypatch.setattr(module, "MAX_BYTES", 4 << 20)
    packed = bomb(8 << 20)
    lying(tmp_path / "ratio.zip", ONE.encode(), packed, 8 << 20)
    lying(tmp_path / "total.zip", ONE.encode(), packed, 4_000_000_000)
    lying(tmp_path / "modest.zip", ONE.encode(), packed, 1000)  # it says: 1,000 bytes
    zip_of(tmp_path / "large.zip", {ONE: os.urandom(5 << 20)})
    rows = {student: status for (student, _), status in found(tmp_path).items()}
    assert (
        rows["ratio"] == rows["total"] == "refused: an archive that unpacks to far more than it is; clear the outputs"
    )
    assert rows["modest"].startswith("damaged: the notebook cannot be unpacked")
    assert rows["large"] == "damaged: larger than 4 MB; clear the outputs and hand it in again"


def test_archives_of_too_many_parts_are_refused(tmp_path, monkeypatch):
    zip_of(tmp_path / "entries.zip", dict.fromkeys(map(str, range(2001)), ""))
    zip_of(tmp_path / "books.zip", {f"{i}.ipynb": "" for i in range(201)})
    long = {entry(f"{i:05}{'x' * 240}"): "" for i in range(4000)}
    zip_of(tmp_path / "list.zip", long)
    rows = {student: status for (student, _), status in found(tmp_path).items()}
    assert rows == {
        "entries": "refused: an archive with more than 2,000 entries",
        "books": "refused: an archive with more than 200 notebooks",
        "list": "refused: the archive's list of contents is too long",
    }
    monkeypatch.setattr(archives, "MAX_ARCHIVE", 1000)
    assert all(status.startswith("refused: an archive larger than") for status in found(tmp_path).values())


def test_entries_that_share_bytes_are_refused(tmp_path):
    """A thousand names for one bomb: Fifield's."""
    path = zip_of(tmp_path / "eve.zip", {"a.ipynb": "{}", "b.ipynb": "{}"})
    content = path.read_bytes()
    at = content.rindex(b"PK\1\2")
    path.write_bytes(content[: at + 42] + struct.pack("<L", 0) + content[at + 46 :])
    assert found(tmp_path) == {("eve", "eve.zip"): "refused: an archive whose entries overlap"}


@pytest.mark.parametrize(
    "flag, method, reason", [(1, 8, "encrypted"), (0, 12, "packed in a way"), (0, 99, "packed in a way")]
)
def test_encrypted_and_strangely_packed_notebooks_are_refused(tmp_path, flag, method, reason):
    content = bytearray(zip_of(tmp_path / "ann.zip", {ONE: "{}", f"{PCA}.ipynb": "{}"}).read_bytes())
    for mark, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        start = content.index(mark)
        content[start + at] |= flag
        content[start + at + 2] = method
    (tmp_path / "ann.zip").write_bytes(content)
    rows = found(tmp_path)
    assert rows["ann", START].startswith("refused: ") and reason in rows["ann", START]
    assert rows["ann", PCA] == "damaged: not a notebook"


@pytest.mark.whole
def test_damaged_archives_have_a_row_and_harm_nobody(tmp_path):
    root = tmp_path / "in"
    whole = zip_of(root / "torn" / "work.zip", {ONE: solved(START), "b.ipynb": "x" * 1000}).read_bytes()
    for student, content in {
        "empty": b"",
        "text": b"no archive",
        "cut": whole[: len(whole) // 2],
        "head": whole[100:],
        "flipped": whole[:60] + bytes([whole[60] ^ 255]) + whole[61:],
    }.items():
        hand_in(root, f"{student}/work.zip", content)
    zip_of(root / "bare" / "work.zip", {"notes.txt": "x"})
    hand_in(root, "other/work.7z", b"7z")
    hand_in(root, f"ann/{ONE}", solved(START))
    (root / "link").mkdir()
    (root / "link" / "work.zip").symlink_to(root / "torn" / "work.zip")
    (root / "pipe").mkdir()
    os.mkfifo(root / "pipe" / "work.zip")
    rows = graded(root, tmp_path / "out")
    status = {student: row["status"] for (student, _), row in rows.items() if row["points"] == "0"}
    assert rows["ann", START]["points"] == rows["torn", START]["points"] == "1"
    assert status["empty"] == "empty: the file holds nothing"
    assert status["text"] == status["cut"] == "damaged: this is no zip archive, or it is torn"
    assert status["bare"] == "empty: the archive holds no notebook"
    assert status["other"] == "refused: no zip archive; only these are opened"
    assert status["link"] == "refused: a link that leads out of the student's folder"
    assert status["pipe"] == "damaged: it is no ordinary file"
    assert rows["flipped", START]["status"].startswith("damaged: the notebook cannot be unpacked")
    assert rows["flipped", START]["points"] == "0"


def test_an_archive_that_changes_after_it_was_listed_gives_nothing_else(tmp_path):
    path = zip_of(tmp_path / "in" / "eve" / "work.zip", {ONE: "{}"})
    zip_of(tmp_path / "in" / "ann.zip", {ONE: solved(START)})
    (eve,) = [s for s in find_submissions(tmp_path / "in") if s.student == "eve"]
    zip_of(path, {"b.ipynb": "{}"})
    assert cells_of(eve).status == archives.CHANGED
    path.unlink()
    path.symlink_to(tmp_path / "in" / "ann.zip")
    assert cells_of(eve).status == "refused: a link has taken its place since it was found"


def test_random_damage_never_raises(tmp_path):
    import random

    rng = random.Random(0)
    whole = zip_of(tmp_path / "a" / "a.zip", {ONE: solved(START), "b.ipynb": "{}", "c/d.ipynb": "x" * 500}).read_bytes()
    for _ in range(300):
        content = bytearray(whole)
        for _ in range(rng.randrange(1, 6)):
            content[rng.choice((rng.randrange(len(content)), -rng.randrange(1, 250)))] = rng.randrange(256)
        (tmp_path / "a" / "a.zip").write_bytes(content)
        for status in found(tmp_path).values():
            assert status == "" or status.startswith(("damaged", "refused", "empty"))


def test_reading_takes_what_an_archive_says_for_no_more_than_that():
    """A list of contents that says to be long is not even asked for."""
    tiny = b"PK\5\6" + struct.pack("<HHHHLLH", 0, 0, 1, 1, 1 << 20, 0, 0)
    asked = []

    class File(io.BytesIO):
        def read(self, count=-1):
            asked.append(count)
            return super().read(count)

    with pytest.raises(archives.ArchiveError), zipfile.ZipFile(archives._Budget(File(bytes(1 << 20) + tiny), 1000)):
        pass
    assert max(asked) <= 1001


def test_a_graded_notebook_may_call_all_that_a_student_may():
    names = {}
    exec(SILENT_CHECKING, names)
    assert set(calls) <= set(names)
