"""The workflow that publishes: its commands are the course's, its archive is the guide's, its rights are few."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from course_utils import cli

ROOT = Path(__file__).parents[1]
WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "publish.yml").read_text(encoding="utf-8"))
BUILD = [step["run"] for step in WORKFLOW["jobs"]["build"]["steps"] if "run" in step]


def commands():
    """The commands of the course that the workflow runs, as lists of words."""
    return [shlex.split(line)[2:] for line in BUILD if line.startswith("python run.py")]


def test_it_builds_the_site_first_and_the_rest_into_it():
    assert [words[0] for words in commands()] == ["site", "book", "slides"]
    site, book, slides = commands()
    assert [site[1], book[1], slides[2]] == ["public", "public/book", "public/slides"]
    uploaded = next(step for step in WORKFLOW["jobs"]["build"]["steps"] if "pages" in step.get("uses", ""))
    assert uploaded["with"]["path"] == site[1]
    assert "--solutions" not in book + slides


@pytest.mark.parametrize("words", commands(), ids=lambda words: words[0])
def test_photographs_that_may_not_be_passed_on_are_in_nothing_that_it_publishes(words):
    assert "--no-faces" in words
    guide = (ROOT / "docs" / "hosting.md").read_text(encoding="utf-8")
    assert " ".join(["course", *words]) in guide


@pytest.mark.parametrize("words", commands(), ids=lambda words: words[0])
def test_its_commands_are_the_courses(words):
    known = next(action for action in cli.parser()._actions if action.dest == "command").choices
    if words[0] == "site" and "site" not in known:
        pytest.skip("course site is not here yet")
    cli.parser().parse_args(words)


def test_the_archive_is_that_of_the_guide_and_holds_no_solutions():
    guide = (ROOT / "docs" / "instructors.md").read_text(encoding="utf-8")
    archive = next(line for line in BUILD if "zipfile" in line)
    assert archive in guide
    named = archive.split("course.zip ")[1].split()
    assert "solutions" not in named and all((ROOT / name).exists() for name in named)


def test_it_runs_for_versions_and_by_hand_and_only_what_must_may_write():
    assert set(WORKFLOW[True]) == {"push", "workflow_dispatch"}  # "on" is a truth value in YAML
    assert WORKFLOW[True]["push"] == {"tags": ["v*"]}
    assert WORKFLOW["permissions"] == {"contents": "read"}
    rights = {name: job.get("permissions") for name, job in WORKFLOW["jobs"].items()}
    assert rights == {
        "build": None,
        "pages": {"pages": "write", "id-token": "write"},
        "release": {"contents": "write"},
    }
    for job in WORKFLOW["jobs"].values():
        assert job["timeout-minutes"] <= 30
        assert all(re.search(r"@v\d+$", step["uses"]) for step in job["steps"] if "uses" in step)
