"""The library's copy that a submission sees holds no answer, by whichever road."""

import ast
import dataclasses
import importlib
import inspect
import io
import marshal
import os
import pickle
import pkgutil
import py_compile
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import Mock

import numpy as np
import pytest
from answers import remembered
from grading_corpus import PCA, exercises_of

import course_utils
from course_utils.checking import examine, judging, wire
from course_utils.checking.calling import outcome_of
from course_utils.checking.repairs import parsed
from course_utils.exercises import all_exercises
from course_utils.exercises.stand_ins import resolve
from course_utils.grading import library, sandbox
from course_utils.grading.library import bytecode, make_library, source_files, without_answers
from course_utils.models import autoencoder, conditional, gaussian_vae, semi_supervised

pytestmark = pytest.mark.slow  # the whole file takes tens of seconds


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


def test_a_copy_that_failed_leaves_nothing_and_can_be_made_again(tmp_path, monkeypatch):
    hidden = [all_exercises()["log_mean_exp"]]
    with monkeypatch.context() as broken:
        broken.setattr("shutil.copyfile", Mock(side_effect=OSError(28, "full")))
        with pytest.raises(OSError, match="full"):
            make_library(tmp_path / "copy", hidden)
        assert not (tmp_path / "copy").exists()
    with monkeypatch.context() as broken:
        broken.setattr(library, "without_answers", Mock(side_effect=SystemError("no")))
        with pytest.raises(SystemError, match="no"):
            make_library(tmp_path / "copy", hidden)
    assert not (tmp_path / "copy").exists()
    assert (make_library(tmp_path / "copy", hidden) / "course_utils" / "models" / "pca.py").exists()


def test_sources_are_parsed_by_one_thread_at_a_time(monkeypatch):
    inside, most, parse = [], [], ast.parse

    def slow(text):
        inside.append(text)
        most.append(len(inside))
        time.sleep(0.002)
        inside.pop()
        return parse(text)

    monkeypatch.setattr("ast.parse", slow)
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(without_answers, "def f():\n    return 1\n", ["f"], "m.py") for _ in range(8)]
        jobs += [pool.submit(parsed, "x = 1") for _ in range(8)]
        assert all(job.result() for job in jobs)
    assert len(most) >= 16 and max(most) == 1


def test_what_is_compiled_is_what_python_writes(tmp_path):
    file, compiled = tmp_path / "m.py", tmp_path / "m.pyc"
    file.write_text("def f(x):\n    return x + 1\n")
    unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    py_compile.compile(str(file), str(compiled), dfile="m.py", doraise=True, invalidation_mode=unchecked)
    ours, pythons = bytecode(file.read_bytes(), "m.py"), compiled.read_bytes()
    assert ours[:16] == pythons[:16] and marshal.loads(ours[16:]) == marshal.loads(pythons[16:])


def test_an_alias_and_a_lambda_are_hidden_too():
    source = "def f(x):\n    'doc'\n    return 1\n\ng = f\nh = lambda x: 2\n"
    hidden = without_answers(source, ["f", "h"], "m.py")
    assert '"""doc"""' in hidden and "return 1" not in hidden and "2" not in hidden and "g = f" in hidden


def test_what_copies_have_in_common_is_compiled_once_and_knows_where_it_lies(tmp_path):
    make_library(tmp_path / "open", [])
    known = bytecode.cache_info().misses
    make_library(tmp_path / "closed", [all_exercises()["pca_fit"]])
    assert bytecode.cache_info().misses == known + 1  # models/pca.py
    code = "from course_utils.models import pca, vae; print(pca.__cached__, vae.vae_elbo.__code__.co_filename)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path / "closed", capture_output=True, text=True)
    said = done.stdout.split()
    assert said[0].startswith(str(tmp_path / "closed")) and said[1].startswith(str(tmp_path / "closed"))


def test_what_copies_have_in_common_is_there_once(tmp_path):
    one, two = (make_library(tmp_path / name, [all_exercises()[name]]) for name in ("pca_fit", "pca_encode"))
    pairs = [(file, two / file.relative_to(one)) for file in one.rglob("*") if file.is_file()]
    assert {file.stat().st_mode & 0o777 for pair in pairs for file in pair} == {0o444}
    own = [pair for pair in pairs if not os.path.samefile(*pair)]
    assert {file.stem.partition(".")[0] for file, _ in own} == {"pca", "hidden", "__init__"} and len(pairs) > 150
    unlike = [file.name for file, other in own if file.read_bytes() != other.read_bytes()]
    assert sorted(unlike) == [f"pca.{sys.implementation.cache_tag}.pyc", "pca.py"]
    shared = tmp_path / "shared"  # with pca.py as it is in a copy that hides none of it: for us alone
    make_library(tmp_path / "open", [])
    assert (shared / "models" / "pca.py").is_file() and shared.stat().st_mode & 0o777 == 0o700


def test_an_answer_that_is_not_where_it_should_be_is_an_error():
    with pytest.raises(ValueError, match="m.py defines no f"):
        without_answers("def g(): pass", ["f"], "m.py")


def test_the_child_does_not_see_this_interpreters_path(run):
    printed = run(
        "import sys, os\nprint([p for p in sys.path if p.startswith(os.path.expanduser('~'))]"
        ", sys.flags.hash_randomization, 'site' in sys.modules)"
    )
    assert printed.split()[-2:] == ["0", "False"] or sys.platform != "linux"


# What people do to make one function's result out of another's. The child has no exercises, so the test sends it the
# expected values of the first case; whatever comes near them is then judged on all cases.
SAME_RESULT = """
import contextlib, inspect, importlib, io, itertools, pickle, pkgutil, signal, sys, time, warnings
warnings.simplefilter("ignore")
sys.stdout = io.StringIO()  # progress bars; no descriptor, which a whole number among the arguments could close
results = open(1, "wb", closefd=False)
import numpy as np
np.seterr(all="ignore")
np.set_printoptions(threshold=0, edgeitems=1)  # refusals show what came, and nobody reads them
with contextlib.suppress(TypeError):  # before numpy 2.1
    np.set_printoptions(override_repr=lambda array: "an array")
import course_utils
from course_utils.checking import wire
from course_utils.exercises.stand_ins import resolve
class OutOfTime(BaseException): pass
class IsNoAnswer(BaseException): pass
def no_answer(*_, **__): raise IsNoAnswer  # drawing takes longer than all the rest; so do packing, sounds and training
import lzma, matplotlib.figure, IPython.display, course_utils.networks.optim  # before others take from it
from course_utils.models import long_training
long_training.load_kanji = long_training.load_melodies = long_training.load_pen_digits = no_answer  # what it trains on
matplotlib.figure.Figure.__init__ = lzma.compress = IPython.display.Audio.__init__ = no_answer
course_utils.networks.optim.adam = no_answer
def out_of_time(*_): raise OutOfTime
signal.signal(signal.SIGPROF, out_of_time)
BEFORE = {
    "{}": lambda x: x, "{}.reshape(-1, 1)": lambda x: x.reshape(-1, 1), "{}.ravel()": np.ravel,
    "{}[None]": lambda x: x[None],
    "{}.T": np.transpose, "-{}": np.negative, "np.exp({})": np.exp, "np.log({})": np.log,
    "{}[:, None]": lambda x: x[:, None],
}
PARTS = {
    "{}": lambda y: y, "{}[0]": lambda y: y[0], "{}[-1]": lambda y: y[-1], "{}[..., 0]": lambda y: y[..., 0],
    "{}.T": np.transpose,
    "{}.sum(-1)": lambda y: y.sum(-1), "{}.sum(0)": lambda y: y.sum(0), "{}.mean(-1)": lambda y: y.mean(-1),
    "{}.mean(0)": lambda y: y.mean(0),
}
AFTER = {
    "{}": lambda y: y, "-{}": np.negative, "np.exp({})": np.exp, "np.log({})": np.log, "np.sqrt({})": np.sqrt,
    "{} ** 2": np.square, "1 - {}": lambda y: 1 - y, "1 / {}": np.reciprocal, "{} / 2": lambda y: y / 2,
    "2 * {}": lambda y: 2 * y,
}
def candidates(value, expected, loose):
    "(how, function) for every way from a value to the expected one's shape, but for those that begin otherwise."
    if isinstance(expected, tuple):
        if isinstance(value, (tuple, list)) and len(value) == len(expected):
            yield "{}", lambda v: v
            yield "{}[::-1]", lambda v: v[::-1]
        if isinstance(value, (tuple, list)) and len(value) > len(expected):
            yield "{}[:n]", lambda v: v[:len(expected)]
        return
    items = [("{}", lambda v: v)]
    if isinstance(value, (tuple, list)):
        items = [("{}[%d]" % i, lambda v, i=i: v[i]) for i in range(len(value))]
    for item, pick in items:
        try:
            array = np.asarray(pick(value), float)
        except Exception:  # no numbers, whichever part of it
            continue
        for part, cut in PARTS.items():
            with contextlib.suppress(Exception):
                y = cut(array)
                if y.shape == expected.shape or y.size == expected.size == 1:
                    first, wanted = y.ravel()[:1], expected.ravel()[:1].tolist()  # all that comes after is entrywise
                    for after, last in AFTER.items():
                        if not loose and not all(map(begins, last(first).tolist(), wanted)):
                            continue
                        def whole(v, pick=pick, cut=cut, last=last, same=y.shape == expected.shape):
                            found = last(cut(np.asarray(pick(v), float)))
                            return found if same else found.reshape(expected.shape)  # of other cases, other shapes
                        yield after.format(part.format(item)), whole
def begins(got, expected):
    "Whether two numbers are near: with a tenth more than allclose has below, and much quicker."
    off = abs(got - expected)
    return got == expected or got != got and expected != expected or off <= 1.1e-5 + 1.1e-3 * abs(expected)
def near(got, expected, loose):
    if isinstance(expected, tuple):
        return all(np.shape(g) == np.shape(e) and near(np.asarray(g, float), e, loose) for g, e in zip(got, expected))
    return got.shape == expected.shape and (loose or np.allclose(got, expected, rtol=1e-3, atol=1e-5, equal_nan=True))
functions = {}
for module in pkgutil.walk_packages(course_utils.__path__, "course_utils."):
    with contextlib.suppress(ImportError):
        for attribute, f in vars(importlib.import_module(module.name)).items():
            if inspect.isfunction(f) and f.__module__.startswith("course_utils.") and ".grading" not in f.__module__:
                functions[f"{f.__module__}:{f.__qualname__}"] = f
            elif inspect.isfunction(f) and f.__module__ == "autograd.tracer" and module.name.endswith(".fast"):
                functions[f"{module.name}:{attribute}"] = f  # a primitive
def fixed(tree):
    "All arrays in it read-only, so that one does for many calls."
    if type(tree) is np.ndarray:
        tree.flags.writeable = False
    elif isinstance(tree, (list, tuple)):
        list(map(fixed, tree))
def fresh(tree):
    "Arguments for one call: what `resolve` gives, but for arrays, which are as they are."
    if type(tree) in (np.ndarray, int, float):
        return tree
    return type(tree)(map(fresh, tree)) if type(tree) in (list, tuple) else resolve(tree)
def prepared(args, order, changed, change):
    args = list(map(fresh, args))
    if changed is not None:
        args[changed] = BEFORE[change](args[changed])
    return [args[i] for i in order]
def ways(args):
    "(order of the arguments, which is changed, how): all of them in any order of three, or all but one."
    n = len(args)
    orders = [*itertools.islice(itertools.permutations(range(n)), 6)]
    orders += [o for k in (n - 1, 1) if 0 < k < n for o in itertools.combinations(range(n), k)]
    changes = [(i, change) for i in range(n) if isinstance(args[i], np.ndarray) for change in list(BEFORE)[1:]]
    for order in dict.fromkeys(orders):
        yield order, None, "{}"
        yield from ((order, i, change) for i, change in changes if i in order)
def timed(work):
    try:
        signal.setitimer(signal.ITIMER_PROF, 0.3)  # of the processor: others' work makes no difference
        return work()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
def tried(f, calls, expected, loose, way):
    "(how, frames of all cases) for the first way from f's value to the expected one; None where there is none."
    value = f(*prepared(calls[0], *way))
    for how, change in candidates(value, expected, loose):
        if near(change(value), expected, loose):
            return how, [wire.encode(change(f(*prepared(args, *way)))) for args in calls]
def numbers(f):
    "How many arguments a function takes at least, and at most."
    signature = list(inspect.signature(f).parameters.values())
    least = sum(p.default is p.empty and p.kind in (0, 1) for p in signature)
    return least, len(signature) if not any(p.kind == 2 for p in signature) else 99
taken = {path: numbers(f) for path, f in functions.items()}
patience = dict.fromkeys(functions, 1.5)  # seconds for all tries; most functions take hundredths of that
for name, (calls, expected, loose) in pickle.load(open(sys.argv[1], "rb")).items():
    fixed(calls)
    all_ways = list(ways(calls[0]))
    for path, f in functions.items():
        known = set()
        least, most = taken[path]
        for way in all_ways:
            if not least <= len(way[0]) <= most:
                continue
            if patience[path] <= 0:
                break
            begun = time.process_time()
            try:
                found = timed(lambda: tried(f, calls, expected, loose, way))
            except IsNoAnswer:
                patience[path] = 0
            except BaseException:
                pass
            else:
                if found and found[0] not in known:
                    known.add(found[0])
                    results.write(pickle.dumps((name, path, f"{found[0]}, called with {way}", found[1])))
                    results.flush()
            patience[path] -= time.process_time() - begun
"""


# Imports what the library needs, once for all its copies; then, for each "copy calls results", a fork searches.
SEARCHER = """
import IPython.display, anywidget, autograd.scipy.stats, ipywidgets, matplotlib.pyplot, os, scipy.stats, traceback
for line in sys.stdin:
    copy, calls, results = line.split()
    if os.fork() == 0:
        try:
            os.dup2(os.open(results, os.O_WRONLY | os.O_CREAT, 0o600), 1)
            os.chdir(os.path.dirname(results))
            sys.path[0], sys.argv[1:] = copy, [calls]
            exec(search, {"__name__": "__main__"})
            sys.stdout.flush()
            os._exit(0)
        finally:
            traceback.print_exc()
            os._exit(1)
    print(os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
"""


@pytest.fixture(scope="module")
def searcher(tmp_path_factory):
    """A process that searches copies of the library, as those that were started as children of the grader see them."""
    folder = tmp_path_factory.mktemp("searcher")
    command = sandbox.command(folder / "to come", 0)
    start = command[-1].partition("; from course_utils.grading")[0]
    command[-1] = f"{start}\nsearch = {SAME_RESULT!r}\n{SEARCHER}"
    with (
        open(folder / "errors", "w+") as errors,
        subprocess.Popen(
            command,
            env=sandbox.environment(folder),
            cwd=folder,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
        ) as process,
    ):

        def search(copy, calls, results):
            print(copy, calls, results, file=process.stdin, flush=True)
            said = process.stdout.readline()
            errors.seek(0)
            assert said == "0\n", errors.read()
            return results.read_bytes()

        yield search
        process.stdin.close()


def found_in(search, copy, tmp_path, exercises):
    """(exercise, function, how) of every function of the library's copy that does for one of the exercises."""
    calls = {}
    for name, exercise in exercises.items():
        cases = exercise.cases(np.random.default_rng(judging.case_seed(exercise, 1)))
        expected = judging._plain(remembered(name).oracle(*resolve(cases[0].args)))
        loose = exercise.compare.__qualname__ != "close.<locals>.compare"
        calls[name] = ([case.args for case in cases], expected, loose)
    (tmp_path / "calls").write_bytes(pickle.dumps(calls))
    output = search(copy, tmp_path / "calls", tmp_path / "results")
    replies, found = io.BytesIO(output), []
    while replies.tell() < len(output):
        name, path, how, frames = pickle.load(replies)
        outcomes = [outcome_of(wire.decode_frame(wire.encode({"value": wire.decode_frame(frame)}))) for frame in frames]
        cases = exercises[name].cases(np.random.default_rng(judging.case_seed(exercises[name], 1)))
        if not any(judging.find(remembered(name), *pair) for pair in zip(cases, outcomes)):
            found.append((name, path, how))
    return found


@pytest.mark.parametrize("notebook", sorted({exercise.notebook for exercise in all_exercises().values()}))
def test_no_other_function_of_the_library_is_an_answer_under_another_name(notebook, searcher, tmp_path):
    """Every function that is left is called with each exercise's inputs, in every order of three arguments, as they are
    and reshaped, transposed, negated ..., and its result taken as it is or changed in one of many ways."""
    exercises = {name: exercise for name, exercise in exercises_of(notebook).items() if not exercise.trains}
    copy = make_library(tmp_path / "copy", exercises_of(notebook).values())
    assert found_in(searcher, copy, tmp_path, exercises) == []


def test_the_search_finds_what_is_known(searcher, tmp_path):
    """In a copy that hides the answers themselves, but nothing that is one under another name."""
    bare = {name: dataclasses.replace(e, aliases=()) for name, e in exercises_of("00_start_here").items()}
    bare |= {
        n: dataclasses.replace(all_exercises()[n], aliases=()) for n in ("bernoulli_log_prob", "kl_standard_normal")
    }
    found = found_in(searcher, make_library(tmp_path / "copy", bare.values()), tmp_path, bare)
    assert {
        ("log_mean_exp", "course_utils.probability.bounds:iwae_bound"),
        ("bernoulli_log_prob", "course_utils.networks.fast:bernoulli_cross_entropy"),
        ("kl_standard_normal", "course_utils.networks.fast:gaussian_kl"),
    } <= {(name, path) for name, path, _ in found}


def folded(encoder, decoder):
    """Networks without the single label that theirs have beside their inputs."""
    (W, b), *rest = encoder
    return [(W[:-1], b + W[-1]), *rest], conditional.fold_label(decoder, 0, 1)


def by_one_label(x, sizes, steps, rng):
    return folded(*conditional.cvae_train(x, np.zeros(len(x), int), 1, sizes, steps, rng))


def by_one_class(x, sizes, steps, rng):
    return folded(*semi_supervised.m2_train(x, x[:1], [0], 1, sizes, [2], steps, rng)[:2])


def by_no_hidden_layer(x, K, steps, rng):
    encoder, decoder = autoencoder.autoencoder_train(x, [x.shape[1], K], steps, rng)
    return decoder[0][0].T, encoder[0][0].T


def by_narrow_noise(x, sizes, steps, rng):
    encoder, decoder, _ = gaussian_vae.gaussian_vae_train(x, sizes, steps, rng)
    *first, (W, b) = encoder
    return [*first, (W[:, : sizes[-1]], b[: sizes[-1]])], decoder


SHORTCUTS = {  # function of the library that trains -> (exercise, how it does for its answer)
    "course_utils.models.conditional:cvae_train": ("vae_train", by_one_label),
    "course_utils.models.semi_supervised:m2_train": ("vae_train", by_one_class),
    "course_utils.models.autoencoder:autoencoder_train": ("linear_ae_train", by_no_hidden_layer),
    "course_utils.models.gaussian_vae:gaussian_vae_train": ("autoencoder_train", by_narrow_noise),
}


@pytest.mark.slow
@pytest.mark.parametrize("path", SHORTCUTS)
def test_training_under_another_name_is_hidden(path):
    """It would do for the answer, so it is an alias; test_every_answer_and_alias... says that aliases are hidden."""
    name, shortcut = SHORTCUTS[path]
    assert examine(shortcut, name=name, seed=1).passed
    assert path in all_exercises()[name].aliases


def test_everything_in_the_library_that_trains_has_been_looked_at():
    """The search above leaves out what trains. A new function that takes steps and an rng belongs to one of these."""
    takes_data = {"classifier_train", "judge_train", "gmm_fit", "refine"}  # a classifier, a judge, a mixture, one q
    # What these give is no encoder and decoder of pictures: masked networks, couplings, players, weights, sequences.
    takes_data |= {"made_train", "made_binary_train", "flow_train", "gan_train", "bayesian_train"}
    takes_data |= {"sketch_train", "melody_train"}
    # What the cards tell students to train with, and what is no training.
    tools = {"adam", "minibatches", "train", "bar_on_grid", "live_elbo", "draw_elbo"}
    found = set()
    for info in pkgutil.walk_packages(course_utils.__path__, "course_utils."):
        if info.name.split(".")[1] in ("data", "probability", "networks", "models", "showing"):
            for name, function in vars(importlib.import_module(info.name)).items():
                own = inspect.isfunction(function) and function.__module__ == info.name
                if own and "steps" in inspect.signature(function).parameters:
                    found.add(f"{info.name}:{name}")
    answers = {exercise.answer for exercise in all_exercises().values()}
    rest = {path.partition(":")[2] for path in found - answers - set(SHORTCUTS)}
    tools |= {"cosine_decay", "hold_then_linear", "_show", "apart", "strokes_of", "watch", "some_sizes"}
    tools |= {"first_losses"}  # it gives the losses of a few steps, and no network
    assert rest <= takes_data | tools, rest
