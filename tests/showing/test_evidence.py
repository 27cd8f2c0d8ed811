"""Results of training, printed beside what is expected."""

import pytest

from course_utils.showing.evidence import show_result


def test_a_result_outside_its_tolerance_fails(capsys):
    show_result("error", 1.23456, expected=1.2, tolerance=0.1)
    assert capsys.readouterr().out == "≈ error: 1.235 (expected 1.2 ± 0.1)\n"
    for value in (1.4, float("nan")):
        with pytest.raises(AssertionError, match="expected 1.2 ± 0.1"):
            show_result("error", value, expected=1.2, tolerance=0.1)
