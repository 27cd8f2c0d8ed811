"""Results of training as tables, and what is expected of them."""

import re

import pytest

from course_utils.showing.evidence import Table, _shown, expect, results


def test_a_table_says_the_same_as_text_and_as_html():
    table = Table({"PCA": [43.71, 29.6], "deep": [34.42, (21.05, 0.12)], "theirs": ["30 (published)", None]},
                  ["K = 2", "K = 8"], "lowest", 3, True, "error")  # fmt: skip
    text = repr(table).splitlines()
    assert text[0] == "error" and text[1].split("  ")[-1].strip() == "K = 8" and text[-1] == "* the best of its column"
    assert [line.split() for line in text[2:-1]] == [
        ["≈", "PCA", "|", "43.7", "29.6"],
        ["≈", "deep", "|", "34.4*", "21.05", "±", "0.12*"],
        ["≈", "theirs", "|", "30", "(published)", "–"],
    ]
    html = table._repr_html_()
    assert html.count("★") == 2 and "34.4\u00a0<span" in html and "scope='col'" in html and "(published)" in html
    assert html.count("<td class='trained'") == 6
    assert "21.05\u00a0±\u00a00.12" in html  # on one line, however narrow the page


def test_decimal_points_and_errors_stand_below_each_other():
    rows = {"a": [0.59, (0.73, 0.02), 12], "b": [0.0038, (0.962, 0.0075), 3.25], "c": [-305.0, None, 3e7]}
    table = Table({label: [*row, "two words"] for label, row in rows.items()}, list("xyzw"), "lowest", 3, False, "")
    assert repr(table).splitlines()[1:-1] == [
        "a |    0.590     0.730  ± 0.020*   12          two words",
        "b |    0.00380   0.9620 ± 0.0075    3.25*      two words",
        "c | −305*        –                  3.00e+07   two words",
    ]
    cells = re.findall(r"<td style='[^']*'>(.*?)</td>", table._repr_html_())
    figure, point, em = "\u2007", "\u2008", "\u2003"
    assert cells[0] == "0.590\u00a0" + em + 2 * figure  # room for the star of the third row
    assert cells[8].startswith("−305\u00a0<span") and cells[8].endswith(f"★</span>{point}{5 * figure}")
    assert cells[1].startswith(f"0.730{figure}\u00a0±\u00a00.020\u00a0<span")
    assert not [cell for cell in cells[3::4] if cell != "two words"]  # words are left alone


def test_numbers_with_words_behind_some_of_them_end_at_the_right():
    table = Table({"a": [12.5], "b": ["3.25 (theirs)"]}, ["z"], None, 3, False, "")
    assert repr(table).splitlines() == ["                z", "a |          12.5", "b | 3.25 (theirs)"]
    assert "\u2007" not in table._repr_html_()
    same = Table({"a": ["2.5 %"], "b": ["12.25 %"]}, ["z"], None, 3, False, "")
    assert repr(same).splitlines()[1:] == ["a |  2.5  %", "b | 12.25 %"]


@pytest.mark.parametrize(
    "value, text",
    [(1234.5, "1234"), (0.0012345, "0.00123"), (-2.5, "−2.50"), (3, "3"), (0.0, "0"), (1e-9, "1.00e−09"), ("a", "a"),
     (None, "–"), ((10.123, 0.034), "10.123 ± 0.034"), ((-3.0, 1.2), "−3.0 ± 1.2"), (float("inf"), "∞"),
     (-float("inf"), "−∞")],
)  # fmt: skip
def test_numbers_have_the_digits_that_mean_something(value, text):
    assert _shown(value, 3) == text


def test_columns_of_words_begin_at_the_left_and_numbers_end_at_the_right():
    rows = {"PCA": ["4 and 9, 3 and 5", 1.5, "7 ms"], "deep": [None, None, "12 ms"]}
    table = Table(rows, ["mixed", "error", "time"], None, 3, False, "")
    assert repr(table).splitlines() == [
        "       mixed             error   time",
        "PCA  | 4 and 9, 3 and 5   1.50   7 ms",
        "deep | –                  –     12 ms",
    ]
    assert re.findall("<(t[hd])[^>]*text-align:(left|right)[';]", table._repr_html_()) == [
        *[("th", "left"), ("th", "right"), ("th", "right")],  # names
        *[("th", "left"), ("td", "left"), ("td", "right"), ("td", "right")] * 2,
    ]


def test_the_best_is_marked_where_there_is_something_to_compare():
    def marked(rows, best):
        return {label for label, _ in Table(rows, [""], best, 3, False, "").marked if label}

    assert marked({"a": [1.0], "b": [2.0]}, "highest") == {"b"}
    assert marked({"a": [1.0], "b": ["9"]}, "highest") == set() == marked({"a": [1.0], "b": [2.0]}, None)
    assert marked({"a": [3.0], "b": [1.0], "c": [2.0]}, "lowest") == {"b"}
    assert marked({"a": [3.0], "b": [1.0], "c": [2.0]}, "highest") == {"a"}
    assert marked({"a": [1.0], "b": [2.0], "c": [1.0]}, "lowest") == set()  # two are equally good


@pytest.mark.parametrize("best, sign", [("highest", 1), ("lowest", -1)])
def test_what_is_as_good_within_the_error_is_not_beaten(best, sign):
    """The error of a difference is 0.5 of errors 0.3 and 0.4; the third and its error do not matter."""

    def marked(gap, second):
        rows = {"third": [(sign * 1.0, 9.0)], "first": [(sign * (5 + gap), 0.3)], "second": [second]}
        return {label for label, _ in Table(rows, [""], best, 3, False, "").marked if label}

    assert marked(0.49, (sign * 5.0, 0.4)) == set() and marked(0.51, (sign * 5.0, 0.4)) == {"first"}
    assert marked(0.29, sign * 5.0) == set() and marked(0.31, sign * 5.0) == {"first"}


def test_a_table_refuses_what_is_no_table():
    with pytest.raises(ValueError, match="as many results as there are columns, 2"):
        results({"a": [1, 2], "b": [1]}, ["x", "y"])
    with pytest.raises(ValueError, match="best is"):
        results({"a": 1}, best="most")


def test_an_expectation_that_fails_says_so():
    expect(1.2, 1.3, within=0.11)
    for value in (1.5, float("nan")):
        with pytest.raises(AssertionError, match="is not within 0.1 of 1.3"):
            expect(value, 1.3, within=0.1)
