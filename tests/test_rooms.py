"""The rooms of the house: who may import whom, read from the sources, and what importing the mathematics loads."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import course_utils

PACKAGE = Path(course_utils.__file__).parent
# From the bottom up. A room imports from its own floor's row only itself, and from floors below what it needs.
FLOORS = [
    {"data"},
    {"probability", "networks"},
    {"models"},
    {"showing", "exercises"},
    {"explorables", "checking"},
    {"building", "grading"},
    {"exporting"},
    {"cli"},
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
MATHEMATICS = ("data", "probability", "networks", "models")
PICTURES = {"matplotlib", "ipywidgets", "anywidget", "IPython"}
ANYWHERE = {"quick_start", "hidden"}  # the latter is made in the copy of the library that a submission sees


def imported(path):
    """The modules of the course that a file names in import statements, wherever they stand."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name.startswith("course_utils."))
        elif isinstance(node, ast.ImportFrom) and node.module == "course_utils":
            yield from (f"course_utils.{name.name}" for name in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").startswith("course_utils.")):
            assert not node.level, f"{path}: imports name their module in full"
            yield node.module


def room_of(path):
    """The room that a file of the package is in; a module beside the rooms is its own."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def arrows():
    """(file, room, room that it imports from) for every import of another room, but those of the package itself."""
    for path in sorted(set(PACKAGE.rglob("*.py")) - {PACKAGE / "__init__.py"}):
        for module in imported(path):
            target = module.split(".")[1]
            if target not in ANYWHERE | {room_of(path)}:
                yield path, room_of(path), target


def test_every_folder_and_module_has_a_floor():
    rooms = {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    modules = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__", "quick_start"}
    assert rooms | modules == set(FLOOR)


def test_the_package_itself_imports_from_the_networks_alone_and_in_a_browser_alone():
    assert list(imported(PACKAGE / "__init__.py")) == ["course_utils.networks"]
    code = "import sys, course_utils; assert not [m for m in sys.modules if m.startswith('course_utils.')]"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.whole
def test_arrows_point_down():
    found = list(arrows())
    assert len(found) > 50  # the imports were read
    up = [
        f"{path.relative_to(PACKAGE)} imports from {target}"
        for path, room, target in found
        if FLOOR[target] >= FLOOR[room]
    ]
    assert not up


@pytest.mark.slow
def test_exercises_and_checks_show_no_pictures():
    """They run where a submission is graded, too."""
    for path, room, target in arrows():
        assert not (room in ("exercises", "checking", "grading") and target in ("showing", "explorables")), path


@pytest.mark.slow
def test_rooms_are_opened_by_nothing_but_their_first_lines():
    for room in MATHEMATICS[1:]:
        tree = ast.parse((PACKAGE / room / "__init__.py").read_text(encoding="utf-8"))
        assert ast.get_docstring(tree) and len(tree.body) == 1, room
    for path in PACKAGE.rglob("*.py"):
        stars = [
            node
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.ImportFrom) and node.names[0].name == "*"
        ]
        assert not stars, path


@pytest.mark.slow
@pytest.mark.parametrize("room", MATHEMATICS)
def test_the_mathematics_loads_no_pictures_and_no_grader(room):
    modules = [
        f"course_utils.{room}.{path.stem}"
        for path in sorted((PACKAGE / room).glob("*.py"))
        if path.stem not in ("__init__", "build_packs")
    ]
    code = (
        f"import sys, {', '.join(modules)}\nprint(sorted({{m.split('.')[0] for m in sys.modules}} | {{m for m in"
        " sys.modules if m.startswith('course_')}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(ast.literal_eval(done.stdout))
    assert set(modules) <= loaded and not loaded & PICTURES
    rooms = {name.split(".")[1] for name in loaded if name.count(".")}
    assert rooms <= set(MATHEMATICS)


def test_every_module_has_its_tests_in_the_same_room():
    """A file of tests lies where the module that it is named for lies."""
    tests = Path(__file__).parent
    for path in tests.glob("*/test_*.py"):
        assert path.parent.name in FLOOR or path.parent.name in ("browser", "notebooks"), path
        module = path.stem.removeprefix("test_")
        for room in FLOOR:
            if module not in FLOOR and (PACKAGE / room / f"{module}.py").is_file():
                assert path.parent.name == room, f"{path} tests a module of {room}"
