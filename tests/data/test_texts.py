"""Texts that a student's copy has keys for."""

import json
import re

import pytest

from course_utils.data import texts


@pytest.mark.parametrize("text", ["A line rises.", "02-3f9a1", "02-3f9a1cc", "x02-3f9a1c", "02-3F9A1C"])
def test_a_text_that_is_no_key_stays(text):
    assert texts.look_up(text) == text


def test_every_table_is_found_and_an_unknown_key_is_said_to_be_one():
    tables = sorted(texts.FOLDER.glob("*.json"))
    assert len(tables) >= 10
    for path in tables:
        for key, text in json.loads(path.read_text(encoding="utf-8")).items():
            assert texts.KEY.fullmatch(key) and key.startswith(path.stem) and texts.look_up(key) == text
    assert re.search("02-ffffff is not in this version", texts.look_up("02-ffffff"))
