"""Exercises that remember: most tests here judge many answers on the same inputs."""

import pytest
from answers import remembered

from course_utils import exercises


@pytest.fixture(scope="module", autouse=True)
def remembering_exercises():
    """Whoever looks for an exercise meets one that asks its oracle and its misconceptions once for the same inputs."""
    found = exercises._load()
    as_they_are = dict(found)
    found.update({name: remembered(name) for name in found})
    yield
    found.update(as_they_are)
