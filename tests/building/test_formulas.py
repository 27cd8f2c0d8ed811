"""TeX as MathML: aligned lines, thin spaces, and what is refused."""

import re
from xml.etree import ElementTree

import pytest

from course_utils.building.build import BuildError
from course_utils.building.formulas import MATHML, mathml

THIN = '<mspace width="0.167em" />'


def test_aligned_lines_are_a_table_whose_columns_meet_at_the_sign():
    made = ElementTree.fromstring(mathml(r"\begin{aligned} a &= b && (1) \\[2pt] &\ge c \end{aligned}", "block"))
    rows = made.findall(f".//{{{MATHML}}}mtr")
    assert [len(row) for row in rows] == [4, 2]
    assert [cell.get("style").split(";")[0] for cell in rows[0]] == ["text-align:right", "text-align:left"] * 2
    assert ["".join(cell.itertext()) for cell in rows[0]] == ["a", "=b", "", "(1)"]
    assert made.get("display") == "block"


def test_a_sign_of_alignment_outside_of_a_table_is_refused():
    with pytest.raises(BuildError, match="no MathML for &"):
        mathml("a &= b")


@pytest.mark.parametrize(
    ("formula", "spaces"),
    [
        (r"\log p(x)", 1),
        (r"a\log x", 2),
        (r"\log(x)", 0),
        (r"-\log\left(x\right)", 0),
        (r"(a)\log x", 2),
        (r"\frac{\log x}{\exp y}", 2),
        (r"x_{\log}", 0),
        ("logp", 0),
    ],
)
def test_names_of_functions_have_thin_spaces_but_not_at_brackets_and_signs(formula, spaces):
    assert mathml(formula).count(THIN) == spaces


def test_indices_keep_their_two_parts():
    """A space within <msub> would make it three."""
    for formula in (r"\log_2 x", r"a_{\max} b", r"\max_q \log x"):
        for element in ElementTree.fromstring(mathml(formula)).iter(f"{{{MATHML}}}msub"):
            assert len(element) == 2


def test_bars_of_a_norm_are_of_one_height():
    for formula in (r"-\lVert\mathbf{x}\rVert^2", r"q \,\Vert\, p", r"\|x\|"):
        bars = [mo for mo in ElementTree.fromstring(mathml(formula)).iter(f"{{{MATHML}}}mo") if mo.text == "‖"]
        assert bars and all(bar.get("stretchy") == "false" for bar in bars)


def test_nothing_of_tex_is_left():
    made = mathml(r"\mathbb{E}_q\big[ \log p(\mathbf{x}, z) \big] \,\|\, \boldsymbol\mu")
    assert not re.search(r"\\[A-Za-z]", made)
