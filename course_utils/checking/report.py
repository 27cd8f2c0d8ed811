"""The report on one answer, as text and as HTML that say the same."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any

FACTS = "What is off"  # above the folded facts
GAP = "margin-top:.35em"
FINE, AMISS = "#1b7f4b", "#b3541e"  # a card's edge
CODE = (
    "margin:.5em 0 0;padding:.4em .6em;white-space:pre-wrap;word-break:normal;overflow-wrap:anywhere;font-size:.92em;"
    "background:var(--jp-layout-color2,#eee);color:inherit"
)
CARD = (
    "padding:.5em .9em;margin:.3em 0;max-width:50em;box-sizing:border-box;overflow-wrap:anywhere;"
    "background:var(--jp-layout-color1,#fafafa);color:var(--jp-ui-font-color1,#222)"
)


def marked(text: str, safe: Callable[[str], str] = escape) -> str:
    """A text as HTML, with what stands between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", safe(text))


@dataclass(frozen=True)
class Report:
    """What a check found. `kind` is "passed", "not started", "not callable", "raised", "timeout", "died", "type",
    "shape", "not finite", "values", "changed inputs" or another word that the exercise uses."""

    exercise: str
    passed: bool
    points: float  # a whole number but for partial credit
    max_points: int
    misconception: str | None
    advice: str
    kind: str
    detail: str = ""  # an exception's text and the line it came from
    note: str = ""  # what the notebook uses from here on
    facts: str = ""  # where there is an explanation: how many values are off, and where

    def as_dict(self) -> dict:
        """All of it, by name."""
        return dict(vars(self))

    @property
    def headline(self) -> str:
        """The first line: passed or not, and the points."""
        if self.passed:
            return f"✓ {self.exercise}: {self.points} of {self._points}"
        if self.points:
            return f"◐ {self.exercise}: right on ordinary inputs ({self.points:g} of {self._points})"
        word = "not started" if self.kind == "not started" else "not yet"
        return f"{'○' if self.kind == 'not started' else '✗'} {self.exercise}: {word} (0 of {self._points})"

    @property
    def _points(self):
        return f"{self.max_points} point{'s' if self.max_points > 1 else ''}"

    def __str__(self) -> str:
        return "\n".join(filter(None, [self.headline, self.advice, self.detail, self.facts, self.note]))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        # Text has the theme's colour in JupyterLab, light or dark, and a fallback in exported pages. The edge's colour
        # only repeats what the headline's words say; its sign is not read out, as they say that, too.
        colour = FINE if self.passed else "#7a7a7a" if self.kind == "not started" else AMISS
        sign, words = self.headline.split(" ", 1)
        parts = [f"<strong><span aria-hidden='true'>{sign} </span>{escape(words)}</strong>"]
        if self.advice:
            parts.append(f"<div style='{GAP}'>{marked(self.advice)}</div>")
        if self.detail:
            parts.append(f"<pre style='{CODE}'>{escape(self.detail)}</pre>")
        if self.facts:
            parts.append(
                f"<details style='{GAP}'><summary style='cursor:pointer'>{FACTS}</summary>"
                f"<div style='padding:.2em 0 0 1.1em'>{escape(self.facts)}</div></details>"
            )
        if self.note:
            parts.append(f"<div style='{GAP}'>{escape(self.note)}</div>")
        return (
            f"<div role='status' class='course-report course-{'passed' if self.passed else 'open'}' "
            f"style='border-left:5px solid {colour};{CARD}'>" + "".join(parts) + "</div>"
        )


def show(thing: Any) -> None:
    """Displays it in a notebook, and prints it elsewhere."""
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ImportError:
        print(thing)
    else:
        display(thing) if get_ipython() else print(thing)
