"""The report on one answer, as text and as HTML that say the same."""

from dataclasses import asdict, dataclass
from html import escape


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

    def as_dict(self) -> dict:
        """All of it, by name."""
        return asdict(self)

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
        return "\n".join(filter(None, [self.headline, self.advice, self.detail, self.note]))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        colour = "#1b7f4b" if self.passed else "#7a7a7a" if self.kind == "not started" else "#b3541e"
        # The colour only repeats what the headline's sign and words say. Theme colours come from JupyterLab, with
        # fallbacks for exported pages.
        parts = [f"<strong style='color:{colour};font-size:1.05em'>{escape(self.headline)}</strong>"]
        if self.advice:
            parts.append(f"<div style='margin-top:.35em'>{escape(self.advice)}</div>")
        if self.detail:
            parts.append(
                "<pre style='margin:.5em 0 0;padding:.4em .6em;white-space:pre-wrap;font-size:.92em;"
                f"background:var(--jp-layout-color2,#eee)'>{escape(self.detail)}</pre>"
            )
        if self.note:
            parts.append(f"<div style='margin-top:.35em;opacity:.8'>{escape(self.note)}</div>")
        return (
            f"<div role='status' class='course-report course-{'passed' if self.passed else 'open'}' "
            f"style='border-left:5px solid {colour};padding:.5em .9em;margin:.3em 0;max-width:50em;"
            "background:var(--jp-layout-color1,#fafafa);color:var(--jp-ui-font-color1,#222)'>"
            + "".join(parts)
            + "</div>"
        )
