"""TeX as MathML, for the reading edition and the slides, by latex2mathml; what it leaves undone is done here."""

import re
from xml.etree import ElementTree

from latex2mathml.converter import convert

from course_utils.building.build import BuildError

MATHML = "http://www.w3.org/1998/Math/MathML"
ALIGNED = re.compile(r"\\begin\{aligned\}(.*)\\end\{aligned\}", re.DOTALL)
FUNCTIONS = {"arg", "cos", "cosh", "det", "dim", "exp", "inf", "lim", "ln", "log", "max", "min", "sin", "sup", "tanh"}
THIN = {"width": "0.167em"}
ElementTree.register_namespace("", MATHML)


def mathml(formula: str, display: str = "inline") -> str:
    r"""TeX as a <math> element; BuildError where a command is unknown.

    \begin{aligned} is a table of formulas, and names of functions have their thin spaces.
    """
    sized = re.sub(r"\\[bB]igg?[lr]?(?=\\)", "", formula.strip())  # before a command: MathML stretches by itself
    sized = re.sub(r"\\[lr]?Vert(?![A-Za-z])", r"\\|", sized)  # these would stretch, each as high as what is beside it
    aligned = ALIGNED.fullmatch(sized)
    math = aligned_table(aligned[1]) if aligned else converted(sized)
    math.set("display", display)
    for row in list(math.iter(f"{{{MATHML}}}mrow")):
        space_functions(row)
    return ElementTree.tostring(math, encoding="unicode")


def converted(formula: str) -> ElementTree.Element:
    """The <math> element of a formula without alignment; BuildError where a command is unknown."""
    try:
        made = convert(formula)
    except Exception as error:  # the converter's errors have no common class
        raise BuildError(f"no MathML for the formula {formula!r}: {error!r}") from None
    unknown = re.search(r">(\\[A-Za-z]+|&)<", made)
    if unknown:
        raise BuildError(f"no MathML for {unknown[1]} in the formula {formula!r}")
    return ElementTree.fromstring(made)


def aligned_table(body: str) -> ElementTree.Element:
    r"""The <math> element of what stands between \begin{aligned} and \end{aligned}: right, left, right, left ..."""
    math = ElementTree.Element(f"{{{MATHML}}}math")
    table = ElementTree.SubElement(math, f"{{{MATHML}}}mtable", {"displaystyle": "true"})
    for line in re.split(r"\\\\(?:\[[^\]]*\])?", body):
        row = ElementTree.SubElement(table, f"{{{MATHML}}}mtr")
        for column, cell in enumerate(re.split(r"(?<!\\)&", line)):
            side, gap = ("left", "padding-left:0") if column % 2 else ("right", "padding-right:0")
            entry = ElementTree.SubElement(row, f"{{{MATHML}}}mtd", {"style": f"text-align:{side};{gap}"})
            if cell.strip():
                entry.extend(converted(cell.strip()))
    return math


def is_function(element: ElementTree.Element) -> bool:
    """Whether an element is the name of a function, maybe with an index or something below."""
    tag = element.tag.removeprefix(f"{{{MATHML}}}")
    if tag in ("msub", "msup", "msubsup", "munder") and len(element):
        return is_function(element[0])
    return tag == "mi" and element.text in FUNCTIONS


def is_fence(element: ElementTree.Element) -> bool:
    """Whether an element is, or begins with, an operator or a bracket, or is itself a space."""
    tag = element.tag.removeprefix(f"{{{MATHML}}}")
    return tag in ("mo", "mspace") or (tag == "mrow" and len(element) > 0 and is_fence(element[0]))


def space_functions(row: ElementTree.Element) -> None:
    """Put thin spaces between the names of functions and what they stand beside, but for operators and brackets."""
    children, spaced = list(row), []
    for before, element in zip([None, *children], children):
        if before is not None and (is_function(before) or is_function(element)):
            after_fence = before.tag.endswith(("}mo", "}mspace")) and (before.text or "") not in (")", "]")
            if not after_fence and not is_fence(element):
                spaced.append(ElementTree.Element(f"{{{MATHML}}}mspace", THIN))
        spaced.append(element)
    row[:] = spaced
