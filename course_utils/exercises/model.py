"""What an exercise is: data and small functions, in one place, for the notebook, the grader and the tests."""

import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from course_utils.exercises.stand_ins import Named, Rng, resolve  # noqa: F401  part of the model: what cases hold


class Misconception(NamedTuple):
    """A wrong implementation that real students write, and the sentence that helps them."""

    function: Callable
    sentence: str


class Case(NamedTuple):
    """Arguments of one call. `label` finishes the sentence "your function fails ..." for special inputs.

    `hidden` is for `compare` and `diagnose` alone, which get it behind the arguments: how the data were drawn, where
    an answer is judged on others of the same kind. Whatever an answer gets, it could draw those from, too.
    """

    args: tuple
    label: str = ""
    hidden: tuple = ()


class Finding(NamedTuple):
    """What is wrong with an answer: `kind` for the machine, one or two sentences for the student."""

    kind: str
    text: str
    misconception: str | None = None
    item: str = ""  # which of several results it is about: "first"

    @property
    def advice(self) -> str:
        """What the student reads: the text, and which result it is about where there are several."""
        return f"In the {self.item} result: {self.text}" if self.item else self.text

    def in_item(self, i: int) -> "Finding":
        """The same, about result `i` of several; of results within results, only the outermost is named."""
        return self._replace(item=("first", "second", "third", "fourth")[i])


@dataclass(frozen=True)
class Exercise:
    """One exercise. Its name is the name of the function that the student writes.

    cases(rng) draws the inputs; oracle(*args) computes what is expected, by another way than the answer where one
    exists; compare(expected, got, args) says what is wrong with the values, None for nothing. `diagnose(args, got)`
    names the misconception of an answer that is judged by what it achieves; elsewhere an answer shows a misconception
    by giving its values. `spelled(P, *args)` computes the answer once more, in steps with names (checking/steps.py), so
    that a wrong answer can be told which of them went wrong; `others` are quantities that are easily taken for it.
    """

    name: str
    notebook: str
    points: int
    minutes: int
    lines: int  # how long a good answer is
    lecture_points: tuple[str, ...]
    signature: str  # "pca_encode(x, mean, components)"
    returns: str  # "(N, K)"
    task: str  # one sentence
    answer: str  # the library's own, "course_utils.models.pca:pca_encode"
    cases: Callable[[np.random.Generator], list[Case]]
    oracle: Callable
    misconceptions: dict[str, Misconception]
    hints: tuple[str, ...]
    compare: Callable[[Any, Any, tuple], Finding | None]
    diagnose: Callable[[tuple, Any], str | None] | None = None
    trains: bool = False
    aliases: tuple[str, ...] = ()  # other functions of the library that are this answer under another name
    differentiated: int = 0  # in how many of its first arguments autograd must be able to differentiate the answer
    # (x, sizes, steps, rng) -> the arguments of a short training, where each minibatch needs fresh noise for its codes
    noisy: Callable[..., tuple] | None = None
    spelled: Callable | None = None
    others: dict[str, Callable] = field(default_factory=dict)  # the sentence that says what it is, and its function
    afterwards: str = ""  # Markdown for who has solved it, and not in the student's copy: formula, PyTorch's name
    partial: float = 0.6  # with `course grade --partial`: the share of the points for being right on ordinary inputs

    def __post_init__(self):
        assert self.signature.split("(")[0] == self.name, f"{self.name}: signature {self.signature!r}"
        assert 0 <= self.partial < 1, f"{self.name}: partial credit is a share of the points, less than all"
        assert len(self.misconceptions) >= 3 and len(self.hints) >= 3, f"{self.name}: too few misconceptions or hints"

    @property
    def parameters(self) -> list[str]:
        """The names in the signature: ["x", "mean", "components"]."""
        return [part.strip() for part in self.signature.partition("(")[2].rstrip(")").split(",")]

    @property
    def seconds(self) -> int:
        """How long an answer may take before it counts as endless."""
        return 60 if self.trains else 10

    def library_answer(self) -> Callable:
        """The library's function that is the answer."""
        module, name = self.answer.split(":")
        return getattr(importlib.import_module(module), name)


def parameters_of(function: Callable) -> list[str]:
    """The names of a function's parameters."""
    return list(inspect.signature(function).parameters)


def close(rtol: float = 1e-4, atol: float = 1e-6) -> Callable[[Any, Any, tuple], Finding | None]:
    """A comparison entry by entry. The tolerances let float32 pass and catch an error of one part in a thousand:
    |got - expected| <= rtol |expected| + atol max(1, |expected|max)."""

    def compare(expected, got, args):
        if isinstance(expected, tuple):
            findings = (compare(e, g, args) for e, g in zip(expected, got, strict=True))
            return next((finding.in_item(i) for i, finding in enumerate(findings) if finding), None)
        if isinstance(expected, dict):
            for key in expected:
                finding = compare(expected[key], got[key], args)
                if finding:
                    return Finding(finding.kind, f"Under {key!r}: {finding.advice}")
            return None
        return compare_arrays(np.asarray(expected, float), np.asarray(got, float), rtol, atol)

    return compare


def compare_arrays(expected: np.ndarray, got: np.ndarray, rtol: float, atol: float) -> Finding | None:
    """Finding for values that are not finite where they should be, or off; None where all agree."""
    bad = ~np.isfinite(got) & ~((got == expected) | (np.isnan(got) & np.isnan(expected)))
    if bad.any():
        what = "nan" if np.isnan(got[bad]).any() else "infinite"
        return Finding("not finite", f"{_count(bad)} {what} where a finite number is expected.")
    scale = np.max(np.abs(expected[np.isfinite(expected)]), initial=1.0)
    with np.errstate(invalid="ignore"):
        off = np.abs(got - expected) > rtol * np.abs(expected) + atol * scale
    off |= ~np.isfinite(expected) & (got != expected) & ~(np.isnan(expected) & np.isnan(got))
    return Finding("values", _how_off(expected, got, off, rtol)) if off.any() else None


def _count(mask):
    if mask.size == 1:
        return "The result is"
    n = int(mask.sum())
    return f"{n} of {mask.size} values {'is' if n == 1 else 'are'}"


SIMPLE_RATIOS = np.array([-1, -2, -0.5, 2, 0.5, 4, 0.25])


def _how_off(expected, got, off, rtol):
    """Says how the values are off without saying what they are."""
    subject = "Every value" if expected.size > 1 else "The result"
    with np.errstate(all="ignore"):
        ratio, difference = (got / expected).ravel(), (got - expected).ravel()
        same_ratio = off.all() and np.isfinite(ratio).all() and np.ptp(ratio) < rtol * abs(ratio[0])
        simple = np.abs(ratio[0] / SIMPLE_RATIOS - 1) < 10 * rtol
    if same_ratio and simple[0]:
        return f"{subject} has the wrong sign."
    if same_ratio and abs(ratio[0] - 1) > 1e-3 and (simple.any() or expected.size > 1):
        return f"{subject} is {ratio[0]:.4g} times what it should be."
    if expected.size > 1 and off.all() and np.ptp(difference) < 10 * rtol * abs(difference[0]):
        return "Every value is off by the same amount: a term that is the same for all of them is missing or extra."
    if not off.shape:
        return "The result is off."
    worst = np.unravel_index(np.argmax(np.where(off, np.abs(got - expected), -1)), off.shape)
    index = ", ".join(map(str, map(int, worst)))
    return f"{_count(off)} off; the worst is at index [{index}]."
