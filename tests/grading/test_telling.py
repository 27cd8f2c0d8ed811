# ruff: noqa: E501  the messages of Python and numpy are as long as they are
"""What feedback says of errors: enough for people who made a mistake, nothing for people who send data."""

import json
import os
import random
import string
import time

import numpy as np
import pytest
from grading_corpus import PCA, START, exercises_of, hand_in, solved, student_cells
from grading_results import Page, rows_of

from course_utils.checking.judging import OPEN
from course_utils.exercises import all_exercises
from course_utils.grading import grade_folder
from course_utils.grading.scoring import Scored, failed, presentable
from course_utils.grading.telling import Guarded, patterns

EXERCISES = all_exercises()
ENCODE = EXERCISES["pca_encode"]
ARGS = (np.zeros((9, 5)), np.zeros(5), np.zeros((3, 5)))
SOURCE = "def pca_encode(x, mean, components):\n    z = (x - mean) @ components\n    return np.summe(z, axes=1) + {'mean': 1}[key]"


def raised(code, args=ARGS, **names):
    """What is told of an error that these lines raise, as lines of the cell."""
    source = f"def answer(x, mean, components):\n    {code}"
    space = {"np": np, **names}
    exec(source, space)
    with pytest.raises(BaseException) as caught:
        space["answer"](*args)
    line = f"line 2: {code}"
    return Guarded([source], ENCODE).error(caught.type.__name__, str(caught.value), line, args)


@pytest.mark.parametrize(
    "code, told",
    [
        ("return X - mean", "NameError: name 'X' is not defined"),
        ("return mean + later; later = 1", "UnboundLocalError: cannot access local variable 'later' where it is not associated with a value"),
        ("return x.fit(mean)", "AttributeError: 'numpy.ndarray' object has no attribute 'fit'"),
        ("return np.summe(x)", "AttributeError: module 'numpy' has no attribute 'summe'"),
        ("return x @ components", "ValueError: matmul: Input operand 1 has a mismatch in its core dimension 0, with gufunc signature (n?,k),(k,m?)->(n?,m?) (size 3 is different from 5)"),
        ("return x + components", "ValueError: operands could not be broadcast together with shapes (9,5) (3,5)"),
        ("return np.dot(x, components)", "ValueError: shapes (9,5) and (3,5) not aligned: 5 (dim 1) != 3 (dim 0)"),
        ("return x.reshape(8, 5)", "ValueError: cannot reshape array of size 45 into shape (8,5)"),
        ("return x[:, 5]", "IndexError: index 5 is out of bounds for axis 1 with size 5"),
        ("return x[0, 0, 0]", "IndexError: too many indices for array: array is 2-dimensional, but 3 were indexed"),
        ("return x.sum(axis=2)", "AxisError: axis 2 is out of bounds for array of dimension 2"),
        ("return np.concatenate([x, components], axis=1)", "ValueError: all the input array dimensions except for the concatenation axis must match exactly, but along dimension 0, the array at index 0 has size 9 and the array at index 1 has size 3"),
        ("return x(mean)", "TypeError: 'numpy.ndarray' object is not callable"),
        ("return None + x", "TypeError: unsupported operand type(s) for +: 'NoneType' and 'float'"),
        ("return [1] + 1", 'TypeError: can only concatenate list (not "int") to list'),
        ("return 1 < 'a'", "TypeError: '<' not supported between instances of 'int' and 'str'"),
        ("return np.sum(x, axes=1)", "TypeError: sum() got an unexpected keyword argument 'axes'"),
        ("return (lambda a, b: a)(x)", "TypeError: …() missing 1 required positional argument: 'b'"),
        ("a, b = x", "ValueError: too many values to unpack (expected 2)"),
        ("a, b, c, d = components", "ValueError: not enough values to unpack (expected 4, got 3)"),
        ("return {'mean': 1}['means']", "KeyError: 'means'"),
        ("return 1 / 0", "ZeroDivisionError: division by zero"),
        ("return [][1]", "IndexError: list index out of range"),
        ("if x: return 1", "ValueError: The truth value of an array with more than one element is ambiguous. Use a.any() or a.all()"),
        ("return float(x)", "TypeError: only 0-dimensional arrays can be converted to Python scalars"),
        ("return float('1.25')+float('8.125e')", "ValueError: could not convert string to float: …"),
        ("return np.linalg.inv(np.zeros((5, 5)))", "LinAlgError: Singular matrix"),
        ("return np.ones((1 << 40, 5))", "MemoryError: Unable to allocate …"),
        ("import turtles", "ModuleNotFoundError: No module named 'turtles'"),
        ("from math import turtle", "ImportError: cannot import name 'turtle' from 'math' (…)"),
        ("return int(np.nan)", "ValueError: cannot convert float NaN to integer"),
        ("open('nowhere')", "FileNotFoundError: No such file or directory"),
        ("assert x.sum(), 'must not be 0.2718'", "AssertionError"),
        ("raise ValueError('all of it: ' + 'x' * 50)", "ValueError"),
        ("raise type('Mine', (Exception,), {})('x')", "An exception of another type"),
    ],
)  # fmt: skip
def test_everyday_errors_are_told(code, told):
    text, _, line = raised(code).partition("\n")
    assert text == told and line == f"line 2: {code}"


def test_calling_with_too_few_parameters_is_told():
    guarded = Guarded([SOURCE], ENCODE)
    message = "pca_encode() takes 2 positional arguments but 3 were given"
    assert guarded.error("TypeError", message, "", ARGS) == f"TypeError: {message}"


def test_every_text_of_the_list_is_recognised_in_time_and_none_holds_more_than_its_holes():
    rng = random.Random(1)
    for pattern, text, _ in patterns():
        assert pattern.groups == text.count("{"), text
        for filler in (
            "1" * 400,
            "a" * 400,
            "'" * 400,
            "(1,)" * 100,
            " " * 400,
            "".join(rng.choices(string.printable, k=400)),
        ):
            started = time.process_time()
            pattern.fullmatch(text[:60] + filler)
            assert time.process_time() - started < 0.5, (text, filler[:5])


SECRET = "3141592653"
FORGED = [
    SECRET,
    f"name '{SECRET}' is not defined",
    f"name 'q{SECRET}' is not defined",
    "name 'aaabbbaabab' is not defined",
    f"module 'numpy.numpy.a{SECRET}' has no attribute 'b'",
    f"operands could not be broadcast together with shapes ({SECRET},) (31,41,592,653)",
    f"index {SECRET[:8]} is out of bounds for axis 0 with size 9",
    f"could not convert string to float: '{SECRET}'",
    f"'{SECRET}'",
    f"setting an array element with a sequence. {SECRET}",
    f"Unable to allocate {SECRET} GiB",
    f"[Errno 31] {SECRET}",
    f"[Errno 2] No such file or directory: '/{SECRET}'",
    f"_{SECRET}() missing 1 required positional argument: 'x{SECRET}'",
    "\n".join(SECRET),
    "٣١٤١٥٩",
]


@pytest.mark.parametrize("message", FORGED)
def test_data_in_an_error_are_not_told(message):
    line = f"line 2: {SECRET}"
    for error in ("ValueError", f"V{SECRET}", "Three"):
        told = Guarded([SOURCE], ENCODE).error(error, message, line, ARGS)
        assert not any(part in told for part in ("31", "41", "59", "65", "aab", "Three", "٣")), told
        assert told.startswith("ValueError" if error == "ValueError" else "An exception of another type")


@pytest.mark.parametrize(
    "line, shown",
    [
        ("line 2: z = (x - mean) @ components", "line 2: z = (x - mean) @ components"),
        ("line 3: z = (x - mean) @ components", ""),
        ("line 2: z = (x", ""),
        ("line 200: z = (x - mean) @ components", ""),
        ("line 2: " + SECRET, ""),
        (f"line {SECRET}: z = (x - mean) @ components", ""),
        ("z = (x - mean) @ components", ""),
        ("", ""),
    ],
)
def test_only_lines_of_the_submission_are_shown(line, shown):
    assert Guarded([SOURCE], ENCODE).error("ValueError", "x", line, ARGS).partition("\n")[2] == shown


def test_names_of_types_keys_and_odd_shapes_are_not_told():
    guarded = Guarded([SOURCE], ENCODE)
    assert guarded.type_name("DataFrame") == "DataFrame"
    assert guarded.type_name(f"T{SECRET}") == "an object of another type"
    assert guarded.keys(["mean", SECRET, "b"], ["mean", "sigma"]) == "'mean' and others"
    assert guarded.keys([], ["mean"]) == "none"
    assert guarded.shape((9, 5), ARGS) == "(9, 5)" and guarded.shape((9,), ARGS) == "(9,)"
    assert guarded.shape((18, 45, 3141), ARGS) == "(18, 45, …)" and guarded.shape((2,) * 9, ARGS) == "(…)"
    assert guarded.count(3141, ARGS) == "…" and guarded.count(2, ARGS) == "2"


SENDING = {  # how a byte of a hidden input might be sent
    "letters": "raise ValueError(''.join('abcdefghijklmnop'[b // 16] + 'abcdefghijklmnop'[b % 16] for b in a.tobytes()))",
    "name": "return eval('q' + a.tobytes().hex())",
    "type": "raise type('E' + a.tobytes().hex(), (Exception,), {})()",
    "returned type": "return type('T' + a.tobytes().hex(), (), {})()",
    "keys": "return {a.tobytes().hex(): 1}",
    "shape": "return np.zeros(tuple(a.tobytes()[:4]) + (0,))",
    "length": "return [1] * int.from_bytes(a.tobytes()[:2], 'big')",
    "broadcast": "raise ValueError('operands could not be broadcast together with shapes (%d,%d) (%d,%d) ' % tuple(a.tobytes()[:4]))",
    "forged line": "raise ValueError() from exec(compile('\\n' * 5 + 'x = ' + a.tobytes().hex() + ' / 0', '<code cell 1>', 'exec'))",
    "syntax": "exec('x = = ' + a.tobytes().hex())",
    "file": "open('/' + a.tobytes().hex())",
}


@pytest.fixture(scope="module")
def sent(tmp_path_factory):
    """OUT of one run over everything in SENDING, and the first hidden inputs of each."""
    root = tmp_path_factory.mktemp("telling")
    for name, code in SENDING.items():
        cell = f"def log_mean_exp(a):\n    {code}"
        hand_in(root / "in", f"{name}/{START}.ipynb", student_cells(START, log_mean_exp=cell))
    assert grade_folder(root / "in", root / "out", seed=5, isolation="plain", trusted=True, workers=2) == 0
    return root / "out"


@pytest.mark.slow
@pytest.mark.parametrize("name", SENDING)
def test_no_page_holds_what_differs_between_two_hidden_inputs(sent, name):
    """Whatever is sent depends on the inputs; a page that does not depend on them holds none of it."""
    page = Page((sent / "feedback" / name / f"{START}.html").read_text(encoding="utf-8")).text
    assert "not yet (0 of 1 point)" in page
    shown = page.replace(SENDING[name], "").partition("Hint:")[0].partition("not yet (0 of 1 point)")[2]
    assert not any(text in shown for text in ("abcd", "dcba", "0x")) and sum(map(str.isdigit, shown)) < 12, shown
    assert len(max(shown.split(), key=len)) < 25, shown


@pytest.mark.slow
def test_the_instructor_reads_what_the_code_said(sent):
    result = json.loads((sent / "results" / "letters" / f"{START}.json").read_text())
    assert result["exercises"]["log_mean_exp"]["said"][0].startswith("ValueError: ")
    assert len(result["exercises"]["log_mean_exp"]["said"][0]) > 50


@pytest.mark.parametrize("digits", [60_000, 4_000_000])
def test_long_texts_are_cut_before_anything_looks_at_them(tmp_path, digits):
    long = "1" * digits
    started = time.process_time()
    report = failed(ENCODE, "raised", long, long)
    scored = presentable(Scored(report, [long], [long, "1." * (digits // 2)]), tmp_path)
    assert time.process_time() - started < 1
    assert all(len(text) <= 800 for text in (scored.report.advice, scored.report.detail, *scored.notes, *scored.said))
    assert OPEN.keys([long[:50], "b"]) and Guarded([long], ENCODE).error("E", long, long)


@pytest.mark.slow
def test_a_key_of_60_000_digits_costs_nobody_anything(tmp_path):
    for name, value in {
        "key": "{'1' * 60_000: 1}",
        "keys": "{str(i) * 9: 1 for i in range(15_000)}",
        "type": "type('1' * 60_000, (), {})()",
    }.items():
        hand_in(
            tmp_path / "in",
            f"{name}/{START}.ipynb",
            student_cells(START, log_mean_exp=f"def log_mean_exp(a):\n    return {value}"),
        )
    started = time.process_time()
    grade_folder(tmp_path / "in", tmp_path / "out", seed=5, isolation="plain", trusted=True, workers=1)
    assert time.process_time() - started < 8
    pages = [path.read_text() for path in (tmp_path / "out" / "feedback").rglob("*.html")]
    assert len(pages) == 3 and all(len(page) < 6_000 and "1" * 60 not in page for page in pages)


@pytest.mark.slow
def test_the_same_file_has_the_same_inputs_and_another_file_others(tmp_path):
    """An answer that says what it was asked: in the instructor's result alone."""
    tells = "def log_mean_exp(a):\n    raise ValueError(''.join(chr(97 + b % 26) for b in a.tobytes()))"
    files = {"a": [tells], "b": [tells, "1"], "c": [tells]}
    said = {}
    for run in ("one", "two"):
        for student, cells in files.items():
            hand_in(tmp_path / run, f"ann/{student}/{START}.ipynb", cells)
            hand_in(tmp_path / run, f"ben/{student}/{START}.ipynb", cells)
        grade_folder(tmp_path / run, tmp_path / f"{run}-out", seed=5, isolation="plain", trusted=True)
        for path in (tmp_path / f"{run}-out" / "results").rglob("*.json"):
            key = path.relative_to(tmp_path / f"{run}-out" / "results").parts[:2]
            said[run, *key] = json.loads(path.read_text())["exercises"]["log_mean_exp"]["said"][0]
    assert len(said) == 12
    for student in ("ann", "ben"):
        for run in ("one", "two"):
            assert said[run, student, "a"] == said[run, student, "c"] != said[run, student, "b"]
    assert all(said["one", *key] == said["two", *key] for _, *key in said)
    assert said["one", "ann", "a"] != said["one", "ben", "a"]


@pytest.mark.slow
def test_right_answers_in_a_folder_with_a_latin_name_earn_their_points(tmp_path):
    name = os.fsdecode("Müller".encode("latin-1"))
    hand_in(tmp_path / "in", f"{name}/{START}.ipynb", solved(START))
    hand_in(tmp_path / "in", f"Müller/{START}.ipynb", solved(START))
    hand_in(tmp_path / "in", f"{name}/{PCA}.ipynb", solved(PCA))
    grade_folder(tmp_path / "in", tmp_path / "out", seed=5, isolation="plain", trusted=True)
    points = {key: row["points"] for key, row in rows_of(tmp_path / "out").items()}
    full = str(sum(exercise.points for exercise in exercises_of(PCA).values()))
    assert points == {("Müller", START): "1", ("M\\udcfcller", START): "1", ("M\\udcfcller", PCA): full}
