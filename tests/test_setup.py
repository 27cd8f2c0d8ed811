"""The set-up: requirements in step, the wheel, the `course` command, nbval's sanitiser, and `run.py`."""

import ast
import importlib.util
import os
import re
import shutil
import socket
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from packaging.requirements import Requirement
from rattler import MatchSpec

from course_utils import cli

CONDA_NAMES = {"matplotlib-base": "matplotlib"}  # conda's matplotlib brings Qt along
IMPORT_NAMES = {"IPython": "ipython", "PIL": "pillow"}
EXPECTED = "\u2248 error: {} (expected 0.0125 \u00b1 0.0005)"


def run(command, **options):
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=120, **options)


def course(*arguments, **options):
    return run([sys.executable, "-m", "course_utils.cli", *arguments], **options)


# -- requirements ----------------------------------------------------------------------------------


def bounds_of_pyproject(root):
    """name -> bound, and Python's, as pyproject.toml states them."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    requirements = [Requirement(line) for line in project["dependencies"]]
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


def test_environment_yml_is_in_step_with_pyproject(root):
    assert bounds_of_conda((root / "environment.yml").read_text()) == bounds_of_pyproject(root)


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
def test_drift_of_environment_yml_is_noticed(root, old, new):
    text = (root / "environment.yml").read_text()
    assert old in text
    assert bounds_of_conda(text.replace(old, new)) != bounds_of_pyproject(root)


def test_a_malformed_conda_line_is_refused(root):
    text = (root / "environment.yml").read_text().replace("numpy >=2.0", "numpy >>2.0")
    with pytest.raises(Exception, match="(?i)version|constraint|operator|spec"):
        bounds_of_conda(text)


def test_every_imported_package_is_a_requirement(root):
    """course_utils imports nothing that is not in pyproject.toml, so nothing comes in by accident."""
    imported = set()
    for file in (root / "course_utils").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                imported.add(node.module.split(".")[0])
    foreign = {IMPORT_NAMES.get(name, name) for name in imported - sys.stdlib_module_names - {"course_utils"}}
    tests_own = {"pytest", "nbval"}  # the command only asks whether they are there
    extras = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    of_extras = {re.match(r"[\w-]+", line)[0] for name in ("cluster", "nbgrader") for line in extras[name]}
    assert foreign - tests_own <= set(bounds_of_pyproject(root)) | of_extras


# -- the package -----------------------------------------------------------------------------------


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


# -- nbval's sanitiser -----------------------------------------------------------------------------


@pytest.fixture(scope="session")
def sanitise(root):
    """Apply tests/notebooks/nbval_sanitize.cfg as nbval does."""
    from nbval.plugin import get_sanitize_patterns

    rules = get_sanitize_patterns((root / "tests" / "notebooks" / "nbval_sanitize.cfg").read_text(encoding="ascii"))
    assert len(rules) == 2

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


def test_a_figures_pixels_are_masked_but_not_its_text(sanitise):
    figure = '<img alt="{}" src="data:image/png;base64,{}" width="640">'
    one, other = (figure.format("ten faces", pixels) for pixels in ("iVBORw0KGgo+/=", "AAAA\nBBB="))
    assert sanitise(one) == sanitise(other)
    assert sanitise(figure.format("ten faces", "AAAA")) != sanitise(figure.format("nine faces", "AAAA"))


# -- skips under CI --------------------------------------------------------------------------------


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


def test_run_installs_once_and_hands_its_arguments_over(fresh, tmp_path):
    _, first = fresh("lab", "--port", "8899")
    assert [line.split()[:2] for line in first[:2]] == [["uv", "venv"], ["uv", "pip"]]
    assert "-m compileall" in first[2]
    assert first[3:] == ["python -m course_utils.cli lab --port 8899"]
    assert fresh()[1] == ["python -m course_utils.cli"]  # no second install
    _, tests = fresh("test", "-k", "pca")
    assert tests[0].startswith("uv pip install") and tests[0].endswith("[test]")
    assert tests[2:] == ["python -m course_utils.cli test -k pca"]
    assert fresh("test")[1] == ["python -m course_utils.cli test"]
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'changed'\n")
    assert fresh("lab")[1][0].startswith("uv pip install")  # new requirements, new install


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
