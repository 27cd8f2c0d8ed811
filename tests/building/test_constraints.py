"""`course constraints`: what it asks uv for, what it writes, and what it says where it cannot."""

import os
import shutil

import pytest

from course_utils.building import constraints


def test_constraints_are_made_anew(root, tmp_path, monkeypatch):
    """By a stand-in for uv, which says what it was asked; the real one needs the network."""
    if os.name == "nt":
        pytest.skip("the stand-in is a shell script")
    (tmp_path / "uv").write_text('#!/bin/sh\necho new==2\necho old==1\necho "$@" >asked\nexit ${UV_STATUS:-0}\n')
    (tmp_path / "uv").chmod(0o755)
    shutil.copy(root / "pyproject.toml", tmp_path)
    (tmp_path / "constraints.txt").write_text(f"{constraints.HEADER}new==1\nold==1\n")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert constraints.write_constraints(tmp_path) == ["new==2"]
    assert (tmp_path / "constraints.txt").read_text() == f"{constraints.HEADER}new==2\nold==1\n"
    asked = (tmp_path / "asked").read_text()
    assert "--universal --python-version 3.11 " in asked and "--all-extras --upgrade" in asked
    monkeypatch.setenv("UV_STATUS", "1")
    with pytest.raises(constraints.ConstraintsError, match="no versions that fit"):
        constraints.write_constraints(tmp_path)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(constraints.ConstraintsError, match="pip install uv"):
        constraints.write_constraints(tmp_path)
