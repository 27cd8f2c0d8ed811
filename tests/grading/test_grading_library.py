"""The library's copy that a submission sees holds no answer, by whichever road."""

import io
import os
import pickle
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from answers import remembered
from grading_corpus import PCA, exercises_of

from course_utils.checking import judging, wire
from course_utils.checking.calling import Outcome, outcome_of
from course_utils.exercises import all_exercises
from course_utils.grading import sandbox
from course_utils.grading.library import make_library, source_files, without_answers


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy that hides all answers of notebook 01."""
    return make_library(tmp_path_factory.mktemp("library") / "copy", exercises_of(PCA).values())


@pytest.fixture
def run(copy, tmp_path):
    """run(code) -> what it prints in an interpreter that was started as a child of the grader is."""

    def run(code):
        command = sandbox.command(copy, 0)
        command[-1] = command[-1].partition("; from course_utils.grading")[0] + "\n" + textwrap.dedent(code)
        done = subprocess.run(command, env=sandbox.environment(tmp_path), cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


NO_MORE = Outcome("unreadable", message="not asked again")
ROADS = {
    "import": "from course_utils.models.pca import pca_fit as f",
    "getattr": "import course_utils.models.pca as m; f = getattr(m, 'pca_' + 'fit')",
    "importlib": "import importlib; f = importlib.import_module('course_utils.models.pca').__dict__['pca_fit']",
    "star": "from course_utils.models.pca import *\nf = pca_fit",
    "reload": "import importlib, course_utils.models.pca as m; f = importlib.reload(m).pca_fit",
    "check": "from course_utils.checking import check\nfrom course_utils.models.pca import pca_fit\nf = check(pca_fit)",
    "unwrapped": "from course_utils.models.pca import pca_fit; f = getattr(pca_fit, '__wrapped__', pca_fit)",
    "path": (
        "import importlib.util as u, course_utils.models.pca as m\ns = u.spec_from_file_location('x', m.__file__)\n"
        "m = u.module_from_spec(s); s.loader.exec_module(m); f = m.pca_fit"
    ),
}


@pytest.mark.parametrize("road", ROADS.values(), ids=ROADS)
def test_no_road_leads_to_the_answer(run, road):
    printed = run(
        f"{road}\nimport numpy as np\ntry:\n    f(np.eye(3), 2)\nexcept Exception as error:\n"
        "    print(type(error).__name__, error)"
    )
    assert printed == "AnswerHidden pca_fit\n"


def test_signature_and_docstring_stay_and_the_source_is_gone(run):
    printed = run("""
        import inspect
        from course_utils.models.pca import pca_fit, pca_eigenvalues
        body = inspect.getsource(pca_fit).split('\"\"\"')[2]
        print(list(inspect.signature(pca_fit).parameters), len(pca_fit.__doc__) > 20, "svd" in body)
        import numpy as np
        print(pca_eigenvalues(np.eye(2)).shape)  # no answer to an exercise: still there
    """)
    assert printed == "['x', 'K'] True False\n(2,)\n"


@pytest.mark.parametrize(
    "module",
    [
        "course_utils.exercises.model",
        "course_utils.exercises.nb01_pca_linear_autoencoder",
        "course_utils.building.build",
        "course_utils.cli",
        "course_utils.checking.judging",
        "course_utils.grading.scoring",
        "course_utils.grading.run",
    ],
)
def test_exercises_and_grader_cannot_be_imported(run, module):
    assert run(f"try:\n    import {module}\nexcept ModuleNotFoundError:\n    print('gone')") == "gone\n"


def test_data_packs_are_there_and_not_the_courses_own_files(copy):
    packs = sorted((copy / "course_utils" / "data" / "packs").glob("*.npz"))
    assert packs and not any(os.path.samefile(p, f) for p in packs for f in source_files() if f.name == p.name)


def test_every_answer_and_alias_of_the_course_is_found_and_hidden(tmp_path):
    folder = make_library(tmp_path / "copy", all_exercises().values())
    for exercise in all_exercises().values():
        for path in (exercise.answer, *exercise.aliases):
            module, name = path.split(":")
            source = (folder / (module.replace(".", "/") + ".py")).read_text(encoding="utf-8")
            assert f"raise AnswerHidden('{name}')" in source
    for file in folder.rglob("*.py"):
        text = file.read_text(encoding="utf-8").replace("course_utils.exercises.stand_ins", "")
        assert "course_utils.exercises" not in text, file


def test_an_alias_and_a_lambda_are_hidden_too():
    source = "def f(x):\n    'doc'\n    return 1\n\ng = f\nh = lambda x: 2\n"
    hidden = without_answers(source, ["f", "h"], "m.py")
    assert '"""doc"""' in hidden and "return 1" not in hidden and "2" not in hidden and "g = f" in hidden


def test_an_answer_that_is_not_where_it_should_be_is_an_error():
    with pytest.raises(ValueError, match="m.py defines no f"):
        without_answers("def g(): pass", ["f"], "m.py")


def test_the_child_does_not_see_this_interpreters_path(run):
    printed = run(
        "import sys, os\nprint([p for p in sys.path if p.startswith(os.path.expanduser('~'))]"
        ", sys.flags.hash_randomization, 'site' in sys.modules)"
    )
    assert printed.split()[-2:] == ["0", "False"] or sys.platform != "linux"


SAME_RESULT = """
import contextlib, inspect, importlib, itertools, os, pickle, pkgutil, signal, sys, warnings
warnings.simplefilter("ignore")
sys.stdout = open(os.devnull, "w")  # progress bars; the results go to descriptor 1
results = open(1, "wb", closefd=False)
import course_utils
from course_utils.checking import wire
from course_utils.exercises.stand_ins import resolve
class OutOfTime(BaseException): pass
def out_of_time(*_): raise OutOfTime
signal.signal(signal.SIGALRM, out_of_time)
functions = {}
for module in pkgutil.walk_packages(course_utils.__path__, "course_utils."):
    with contextlib.suppress(ImportError):
        for f in vars(importlib.import_module(module.name)).values():
            if inspect.isfunction(f) and f.__module__.startswith("course_utils.") and ".grading" not in f.__module__:
                functions[f"{f.__module__}:{f.__qualname__}"] = f
for name, calls in pickle.load(open(sys.argv[1], "rb")).items():
    for path, f in functions.items():
        for order in list(itertools.permutations(range(len(calls[0]))))[:6]:
            frames = []
            signal.setitimer(signal.ITIMER_REAL, 0.3)
            try:
                for args in calls:
                    frames.append(wire.encode(f(*[resolve(args)[i] for i in order])))
                signal.setitimer(signal.ITIMER_REAL, 0)  # a result is written whole
                results.write(pickle.dumps((name, path, frames)))
                results.flush()
            except OutOfTime:
                break  # it trains, or goes on for ever
            except BaseException:
                pass
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
"""


@pytest.mark.parametrize("notebook", sorted({exercise.notebook for exercise in all_exercises().values()}))
def test_no_other_function_of_the_library_is_an_answer_under_another_name(notebook, tmp_path):
    """Every function that is left is called with each exercise's inputs, in every order of three arguments."""
    exercises = {name: exercise for name, exercise in exercises_of(notebook).items() if not exercise.trains}
    copy = make_library(tmp_path / "copy", exercises_of(notebook).values())
    cases = {
        name: exercise.cases(np.random.default_rng(judging.case_seed(exercise, 1)))
        for name, exercise in exercises.items()
    }
    (tmp_path / "calls").write_bytes(pickle.dumps({name: [case.args for case in cases[name]] for name in cases}))
    command = sandbox.command(copy, 0)
    command[-1] = command[-1].partition("; from course_utils.grading")[0] + "\n" + SAME_RESULT
    done = subprocess.run(
        [*command, str(tmp_path / "calls")],
        env=sandbox.environment(tmp_path),
        cwd=tmp_path,
        capture_output=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr.decode()
    replies, called = io.BytesIO(done.stdout), set()
    while replies.tell() < len(done.stdout):
        name, path, frames = pickle.load(replies)
        outcomes = iter(
            outcome_of(wire.decode_frame(wire.encode({"value": wire.decode_frame(frame)}))) for frame in frames
        )
        called.add(name)
        found = judging.judge(
            remembered(name), lambda args, seconds, outcomes=outcomes, **more: next(outcomes, NO_MORE), 1
        )
        assert not found.passed, f"{path} is {name}"
    assert called or notebook == "00_start_here"  # the search has called something with inputs that fit
