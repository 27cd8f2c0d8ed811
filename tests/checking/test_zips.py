"""Archives by our own hand: the same bytes, and what zipfile reads out of them."""

import io
import time
import zipfile

from course_utils.checking.zips import zipped

FILES = {"b.sh": "#!/bin/sh\n", "a/ü.bin": bytes(range(256)) * 40}


def rights(content):
    return 0o100755 if content[:2] in ("#!", b"#!") else 0o100644


def test_what_went_in_comes_out_in_its_order_with_its_rights():
    with zipfile.ZipFile(io.BytesIO(zipped(FILES, rights, (2020, 1, 1, 0, 0, 0)))) as archive:
        assert archive.testzip() is None
        assert [(info.filename, info.external_attr >> 16, info.date_time[0]) for info in archive.infolist()] == [
            ("b.sh", 0o100755, 2020),
            ("a/ü.bin", 0o100644, 2020),
        ]
        assert archive.read("b.sh") == b"#!/bin/sh\n" and archive.read("a/ü.bin") == FILES["a/ü.bin"]


def test_the_clock_plays_no_part_and_without_rights_files_are_private(monkeypatch):
    first = zipped(FILES)
    monkeypatch.setattr(time, "time", lambda: 2e9)
    assert zipped(FILES) == first
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert {info.external_attr >> 16 for info in archive.infolist()} == {0o100600}


def test_a_higher_level_is_no_larger():
    assert len(zipped(FILES, level=9)) <= len(zipped(FILES, level=1)) < len(zipped(FILES, level=0))
