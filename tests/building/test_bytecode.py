"""Modules of the browser edition are compiled in advance, by a Python whose bytecode is the browser's."""

import importlib.util
import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from sites import small_table

from course_utils.building import bytecode, site_files

pytestmark = pytest.mark.whole  # each starts Pythons
VERSION, MAGIC = f"{sys.version_info[0]}.{sys.version_info[1]}", importlib.util.MAGIC_NUMBER.hex()
FILES = {
    "a/__init__.py": b'"""A package."""\nfrom a import b\n',
    "a/b.py": b"def f():\n    raise ValueError('here')\n",
    "a/template.py": b"{{ no Python }}\n",
    "a/notes.txt": b"text",
    "c.py": b"",
}
COMPILED = {"a/__init__.pyc", "a/b.pyc", "c.pyc"}


def imported(folder, code="import a; print(a.__doc__, a.b.__cached__); a.b.f()"):
    """What a new Python says that finds the modules in the folder: its output, and a traceback."""
    done = subprocess.run([sys.executable, "-B", "-c", code], cwd=folder, capture_output=True, text=True)
    return done.stdout, done.stderr


def written(files, folder):
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def test_a_python_is_taken_by_its_bytecode_and_not_by_its_name(tmp_path, monkeypatch):
    assert bytecode.find_python(VERSION, MAGIC) == Path(sys.executable)
    assert bytecode.find_python(VERSION, "00000000") is None
    liar = tmp_path / "python3.12"
    liar.write_text("#!/bin/sh\nexit 127\n")
    liar.chmod(0o755)
    monkeypatch.setattr(
        bytecode, "candidates", lambda version: iter([str(tmp_path / "none"), str(liar), sys.executable])
    )
    assert bytecode.find_python("3.12", MAGIC) == Path(sys.executable)


def test_what_is_compiled_is_imported_without_its_source_and_says_where_it_lay(tmp_path):
    found = bytecode.compiled(Path(sys.executable), FILES, "/lib/site-packages", tmp_path / "kept")
    assert found.keys() == COMPILED
    changed = bytecode.instead(FILES, found)
    assert changed.keys() == COMPILED | {"a/template.py", "a/notes.txt"}
    said, error = imported(written(changed, tmp_path / "instead"))
    assert said.startswith("A package.") and '"/lib/site-packages/a/b.py", line 2, in f' in error


def test_bytecode_beside_its_source_is_taken_and_the_source_is_shown(tmp_path):
    found = bytecode.compiled(Path(sys.executable), FILES, str(tmp_path / "beside"), tmp_path / "kept")
    changed = bytecode.beside(FILES, found, VERSION)
    tag = f"cpython-{VERSION.replace('.', '')}.pyc"
    assert changed.keys() == FILES.keys() | {
        f"a/__pycache__/__init__.{tag}",
        f"a/__pycache__/b.{tag}",
        f"__pycache__/c.{tag}",
    }
    folder = written(changed, tmp_path / "beside")
    assert "raise ValueError('here')" in imported(folder)[1]
    (folder / "a" / "b.py").write_text("f = lambda: print('compiled anew')\n")
    assert "compiled anew" not in imported(folder)[0]  # nobody looks whether the source has changed


def test_what_was_compiled_is_kept_for_the_next_build_and_made_anew_when_a_source_changes(tmp_path, monkeypatch):
    python, kept = Path(sys.executable), tmp_path / "kept"
    first = bytecode.compiled(python, FILES, "/lib", kept)
    runs, run = [], subprocess.run
    monkeypatch.setattr(
        bytecode.subprocess, "run", lambda *args, **options: (runs.append(args), run(*args, **options))[1]
    )
    assert bytecode.compiled(python, FILES, "/lib", kept) == first and not runs
    assert bytecode.compiled(python, FILES | {"c.py": b"x = 1\n"}, "/lib", kept)["c.pyc"] != first["c.pyc"]
    assert bytecode.compiled(python, FILES, "/usr/lib", kept) != first and len(runs) == 2
    assert sorted(path.suffix for path in kept.iterdir()) == [".zip"] * 3


def compiler(tmp_path, magic=MAGIC):
    """The compiler of a browser that has this Python."""
    table = small_table()
    table["pyodide"] |= {"bytecode": magic, "info": {"python": f"{VERSION}.9"}}
    table["not_compiled"] = {"a": ["a/b*"]}
    return site_files.Compiler(table, tmp_path / "kept")


def test_a_package_has_its_source_only_where_somebody_may_want_to_see_it(tmp_path):
    made = compiler(tmp_path)
    assert made.package("a", FILES).keys() == {"a/__init__.pyc", "c.pyc", "a/b.py", "a/template.py", "a/notes.txt"}
    assert made.package("numpy", FILES).keys() > FILES.keys()
    library = zipfile.ZipFile(io.BytesIO(made.standard_library(site_files.archive(FILES))))
    assert set(library.namelist()) == COMPILED | {"a/template.py", "a/notes.txt"}
    (tmp_path / "library.zip").write_bytes(made.standard_library(site_files.archive(FILES)))
    said, error = imported(
        tmp_path, "import sys; sys.path.insert(0, 'library.zip'); import a; print(a.__doc__); a.b.f()"
    )
    assert said.startswith("A package.") and f'"{site_files.IN_STDLIB}/a/b.py", line 2' in error


def test_without_such_a_python_modules_stay_as_they_are_and_it_is_said(tmp_path, capsys):
    made = compiler(tmp_path, magic="00000000")
    assert f"There is no Python {VERSION} on this machine" in capsys.readouterr().out
    assert made.package("a", FILES) is FILES and made.standard_library(b"zip") == b"zip"


def test_the_table_knows_the_bytecode_of_the_browsers_python():
    table = site_files.versions()
    assert table["pyodide"]["info"]["python"].startswith("3.12.")
    python = bytecode.find_python("3.12", table["pyodide"]["bytecode"])
    if python is None:
        pytest.skip("there is no Python 3.12 to ask")
    said = subprocess.run([python, "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True, text=True)
    assert said.stdout.split() == ["3", "12"]
