"""The place in the source where a small change makes an answer right; and that nothing of it runs where it is read."""

import ast

import numpy as np
import pytest

from course_utils.checking import examine
from course_utils.checking.calling import perform_all
from course_utils.checking.repairs import LONGEST, Source, line_of, repairs, source_in, source_of
from course_utils.networks.nets import mlp

TEXT = """def f(x, mean):
    # the mean is subtracted first
    r = x - mean
    return np.sum(r ** 2, axis=0) / 2
"""


def changed_lines(text):
    """{(sort of change, what the changed line has become)}"""
    old = text.splitlines()
    for repair in repairs(Source(text)):
        new = repair.text.splitlines()
        yield repair.kind, next(b.strip() for a, b in zip(old, new) if a != b)


def test_each_repair_is_one_change_that_is_python_and_leaves_other_lines_alone():
    found = repairs(Source(TEXT))
    assert len(found) > 30 and len({repair.text for repair in found}) == len(found)
    for repair in found:
        ast.parse(repair.text)
        different = [i for i, (a, b) in enumerate(zip(TEXT.splitlines(), repair.text.splitlines()), 1) if a != b]
        assert different == [repair.line]


@pytest.mark.parametrize(
    "kind, line",
    [
        ("operator", "r = (x + mean)"),
        ("axis", "return np.sum(r ** 2, axis=1) / 2"),
        ("keyword", "return (np.sum(r ** 2)) / 2"),
        ("number", "return np.sum(r ** (1), axis=0) / 2"),
        ("part", "r = (x)"),
        ("function", "return (np.mean(r ** 2, axis=0)) / 2"),
        ("name", "return np.sum((x) ** 2, axis=0) / 2"),
        ("exp", "r = (np.exp(x)) - mean"),
        ("sign", "return -(np.sum(r ** 2, axis=0) / 2)"),
    ],
)
def test_what_is_changed(kind, line):
    assert (kind, line) in set(changed_lines(TEXT))


def test_a_divisor_and_an_index_that_should_be_all():
    text = "def f(x, label):\n    y = np.cov(x)\n    y[0, label] = 1\n    return y[0] + x[:, 1]\n"
    lines = set(changed_lines(text))
    assert {("divisor", "y = (np.cov(x, ddof=0))"), ("index", "(y[:, label]) = 1")} <= lines
    assert {("number", "return (y[1]) + x[:, 1]"), ("index", "return y[0] + (x[:, :])")} <= lines
    assert not any("0.5]" in line for _, line in lines)  # which is no index


def test_only_names_that_are_known_there_and_of_the_same_use_stand_for_each_other():
    text = "def f(g, mu, eps):\n    z = mu + eps\n    x = g(z)\n    return x - mu\n"
    lines = [line for kind, line in changed_lines(text) if kind == "name"]
    assert {"z = (eps) + eps", "x = g((mu))", "return x - (z)"} <= set(lines)
    assert not any("(x)" in line or "(z) +" in line or "(g)" in line for line in lines if "=" in line)
    assert lines.index("return x - (z)") < lines.index("return x - (eps)")  # z is made from mu


def test_functions_of_an_axis_get_one():
    text = "def f(x, s):\n    a, b = np.split(x, 2)\n    return a + np.abs(s)\n"
    lines = {line for _, line in changed_lines(text)}
    assert {"a, b = (np.split(x, 2, axis=1))", "return a + (np.exp(s))"} <= lines


def test_an_answer_that_raises_an_error_is_told_where_a_small_change_makes_it_right():
    def encoder_forward(params, x):
        mu, log_sigma = np.split(mlp(params, x), 2)
        return mu, log_sigma

    report = examine(encoder_forward)
    assert report.kind == "raised" and report.misconception == "line: axis"
    assert "Look at `np.split(mlp(params, x), 2)` in line" in report.advice and "equal division" in report.detail


def test_strings_parameters_targets_and_endless_conditions_are_left_alone():
    text = "def f(x, n=3):\n    while n > 0:\n        n -= 1\n    print('1')\n    return x\n"
    lines = [line for _, line in changed_lines(text)]
    assert lines and not any("while" in line or "def" in line for line in lines)
    assert all("print('1')" in line for line in lines if "print" in line)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x = 1",
        "def f(:",
        "f = lambda x: x",
        "def f(x): return " + "(" * 500 + "x" + ")" * 500,
        "def f():\n" + " x = 1\n" * LONGEST,
        "def f(x):\n    return " + "-" * 3000 + "x",
        "def f(x):\n return x\ndef g(x):\n return x",
        "def f(\0):\n return 1",
        "async def f(x):\n    return x",
    ],
)
def test_sources_that_are_no_function_or_too_long_or_too_deep_have_no_repairs(text):
    assert repairs(Source(text)) == [] or len(text) > 1000  # minus signs may be dropped one by one


def test_nothing_runs_where_the_source_is_read(tmp_path):
    path = tmp_path / "ran"
    text = f"def f(x=open({str(path)!r}, 'w')):\n    open({str(path)!r}, 'w')\n    return x - 1\n"
    assert repairs(Source(text)) and source_in([text, "f = 3"], "f") and not path.exists()


def test_changed_sources_run_with_the_answers_globals_and_change_none():
    namespace = {"np": np, "scale": 3}
    exec("def f(x):\n    return scale * x", namespace)
    variants = [
        "def f(x):\n    return scale * x + 1",
        "def f(x):\n    global scale\n    scale = 5\n    return x",
        "def f(x):\n    while True:\n        pass",
        "def f(x):\n    raise SystemExit",
        "def f(x) return",
        "g = 1",
        "def f(x):\n    return object",
    ]
    reply = perform_all(namespace["f"], variants, (2.0,))
    assert reply["value"][:6] == [[7.0], [2.0], [], [], [], []] and namespace["scale"] == 3


def test_the_line_is_counted_in_the_cell():
    cell = "import numpy as np\n\n\ndef g(x):\n    return x\n\n\n@decorated\ndef f(x):\n    return x - 1\n"
    source = source_in(["def f(x):\n    return 2", cell, "y = f(3)"], "f")
    assert source.first == 8 and line_of(source, 3) == "line 10: return x - 1"
    assert source_in([cell], "h") is None and source_in(["def f(x:"], "f") is None


def test_a_report_points_to_the_line_and_not_to_the_answer():
    def kl_gaussians(mu_q, log_sigma_q, mu_p, log_sigma_p):
        var_q = np.exp(2 * log_sigma_q)
        var_p = np.exp(3 * log_sigma_p)
        return np.sum(log_sigma_p - log_sigma_q + (var_q + (mu_q - mu_p) ** 2) / (2 * var_p) - 0.5, axis=1)

    report = examine(kl_gaussians)
    assert (
        report.misconception == "line: number"
        and "the number `3`" in report.advice
        and "2" not in report.advice.split("line")[0]
    )
    assert report.detail.endswith("var_p = np.exp(3 * log_sigma_p)") and report.detail.startswith("line ")
    assert source_of(kl_gaussians).text.startswith("def kl_gaussians")


def test_a_named_cause_has_its_line_too():
    def kl_standard_normal(mu, log_sigma):
        variance = np.exp(2 * log_sigma)
        terms = variance + mu**3
        return 0.5 * np.sum(terms - 1 - 2 * log_sigma, axis=1)

    report = examine(kl_standard_normal)
    assert report.misconception.startswith("the square of mu") and report.detail.endswith("terms = variance + mu**3")


def test_a_change_that_helps_on_ordinary_inputs_alone_is_not_pointed_at():
    """Without the maximum the values are right on ordinary inputs, and overflow on others: nothing is wrong with it."""

    def iwae_bound(log_w):
        shifted = log_w - log_w.max(axis=0)
        return np.log(np.mean(np.exp(shifted), axis=0))

    report = examine(iwae_bound)
    assert report.misconception == "maximum not added back" and not report.detail


@pytest.mark.parametrize(
    "line, words",
    [
        ("return (x - mean) @ components", "`components` in line"),
        ("return (x - mean) @ components.T.T", "is it to be transposed at all?"),
        ("return np.abs(x - mean) @ components.T", "is it needed there?"),
        ("return (x - mean) / x.std(axis=0) @ components.T", "does it belong there?"),
    ],
)
def test_what_to_ask_at_the_place(tmp_path, line, words):
    path = tmp_path / "cell.py"
    path.write_text(f"import numpy as np\n\ndef pca_encode(x, mean, components):\n    {line}\n")
    namespace = {}
    exec(compile(path.read_text(), str(path), "exec"), namespace)
    assert words in examine(namespace["pca_encode"]).advice
