"""Results: small tables for the reader, and expectations for the tests."""

import math
import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
from IPython.display import display

BEFORE = r"(?<![\w\x24).-])"  # no number, formula (\x24 is a dollar) or bracket, which something is taken from
HYPHEN_FOR_MINUS = re.compile(rf"{BEFORE}-(?=[\d.]|log|ELBO\b|F\b)")
NUMBER = re.compile(r"(–|[−+]?∞|[−+]?\d[\d,]*)(\.\d+)?(\D.*)?")  # and what follows it: an error, a unit, a source
ERROR = re.compile(r"( ± [\d.]+|e[−+]\d+)?")
CELL = "padding:.25em .9em;text-align:"
WIDE = str.maketrans({**dict.fromkeys("0123456789", "\u2007"), ".": "\u2008", " ": "\u00a0"})  # as wide in HTML
STAR, NO_STAR = "\u00a0<span title='the best of its column'>★</span>", "\u00a0\u2003"


def results(
    rows: Mapping[str, Any],
    columns: Sequence[str] | None = None,
    *,
    best: str | None = None,
    digits: int = 3,
    trained: bool = True,
    caption: str = "",
) -> None:
    """Displays a small table: a row for each entry of `rows`, whose value is one result or a list, one a column.

    A result is a number, shown with `digits` significant digits; a pair (number, standard error), whose error decides
    on the digits; a text (a figure that others published, say), shown as it is; or None. `best` is "lowest" or
    "highest": the best number of each column is marked, unless the next is as good within the error of the difference.
    Numbers that come out of training differ between machines in their last digits, so tests do not compare them
    (`expect` does); `trained=False` has them compared as they stand.
    """
    table = {label: list(row) if isinstance(row, list | np.ndarray) else [row] for label, row in rows.items()}
    widths = {len(row) for row in table.values()}
    names = [""] if columns is None else list(columns)
    if widths != {len(names)}:
        raise ValueError(
            f"a row has as many results as there are columns, {len(names)}, but there are {sorted(widths)}"
        )
    if best not in (None, "lowest", "highest"):
        raise ValueError(f'best is "lowest", "highest" or None, got {best!r}')
    display(Table(table, names, best, digits, trained, caption))


def expect(value: float, expected: float, within: float) -> None:
    """AssertionError unless |value - expected| <= within. Stands in cells that student copies do not have."""
    if not abs(float(value) - expected) <= within:
        raise AssertionError(f"{float(value):.6g} is not within {within:.3g} of {expected:.6g}")


def with_minus(text: str) -> str:
    """The text, with a true minus sign where a hyphen stands before a number, or before what our tables negate."""
    return HYPHEN_FOR_MINUS.sub("−", text)


class Table:
    """Results as text and as HTML that say the same."""

    def __init__(
        self,
        rows: Mapping[str, list],
        columns: Sequence[str],
        best: str | None,
        digits: int,
        trained: bool,
        caption: str,
    ):
        self.rows, self.columns = {with_minus(label): row for label, row in rows.items()}, [*map(with_minus, columns)]
        self.digits, self.trained, self.caption = digits, trained, with_minus(caption)
        self.marked = set()
        for i in range(len(columns)):
            self.marked.add((_best({label: row[i] for label, row in self.rows.items()}, best), i))
        self.sides = [
            "left" if _of_words([row[i] for row in self.rows.values()]) else "right" for i in range(len(columns))
        ]

    def _column(self, i: int) -> list[tuple[str, str, str, str, str]]:
        """For each row of a column its number, what is missing below the others' last decimal, what follows, and what
        is missing to the longest of that, so that decimal points stand below each other; at last "*" where it is the
        best, " " where another one is."""
        texts = [_shown(row[i], self.digits) for row in self.rows.values()]
        found = [NUMBER.fullmatch(text) for text in texts if self.sides[i] == "right"] or [None] * len(texts)
        tails = {m[3] or "" for m in found if m}
        if len(tails) > 1 and not all(map(ERROR.fullmatch, tails)):
            found = [None] * len(texts)  # words are not as wide as so many digits
        fraction, rest = (max((m[k] or "" for m in found if m), key=len, default="") for k in (2, 3))
        starred = {label for label, column in self.marked if column == i and label}
        cells = []
        for label, text, m in zip(self.rows, texts, found):
            star = "*" if label in starred else " " if starred else ""
            if m is None:
                cells.append((text, "", "", "", star))
                continue
            own, follows = m[2] or "", m[3] or ""
            gap, left = fraction[len(own) :], rest[len(follows) :]
            cells.append((m[1] + own, gap, follows, left, star) if rest else (m[1] + own, "", "", gap, star))
        return cells

    def __repr__(self):
        sign = "≈ " if self.trained else ""
        columns = [
            [number + " " * len(gap) + follows + star + " " * len(left) for number, gap, follows, left, star in column]
            for column in map(self._column, range(len(self.columns)))
        ]
        left = max(len(label) for label in self.rows)
        widths = [max(len(name), *map(len, column)) for name, column in zip(self.columns, columns)]
        put = {"left": str.ljust, "right": str.rjust}
        head = "  ".join(put[side](name, width) for name, width, side in zip(self.columns, widths, self.sides))
        lines = [self.caption, " " * (len(sign) + left + 3) + head] if head.strip() else [self.caption]
        for label, *row in zip(self.rows, *columns):
            values = "  ".join(put[side](text, width) for text, width, side in zip(row, widths, self.sides))
            lines.append(f"{sign}{label.ljust(left)} | {values}".rstrip())
        lines.append("* the best of its column" if any(label for label, _ in self.marked) else "")
        return "\n".join(line for line in lines if line.strip())

    def _repr_html_(self):
        kind = " class='trained'" if self.trained else ""
        head = "".join(
            f"<th scope='col' style='{CELL}{side}'>{escape(name)}</th>" for name, side in zip(self.columns, self.sides)
        )
        columns = [[_html(*cell) for cell in self._column(i)] for i in range(len(self.columns))]
        styles = [f"{CELL}{side}{';white-space:nowrap' if side == 'right' else ''}" for side in self.sides]
        body = ""
        for label, *row in zip(self.rows, *columns):
            body += f"<tr><th scope='row' style='{CELL}left'>{escape(label)}</th>"
            body += "".join(f"<td{kind} style='{style}'>{text}</td>" for text, style in zip(row, styles))
            body += "</tr>"
        corner = f"<thead><tr><td></td>{head}</tr></thead>" if any(self.columns) else ""
        wide = f"min-width:{min(0.6 * len(self.caption), 45):.0f}em"  # one line, also over a narrow table
        caption = f"<caption style='text-align:left;{wide}'>{escape(self.caption)}</caption>" if self.caption else ""
        figures = "font-variant-numeric:tabular-nums"
        return f"<table class='course-results' style='{figures}'>{caption}{corner}<tbody>{body}</tbody></table>"


def _html(number, gap, follows, left, star):
    """A cell of `Table._column` as HTML; spaces of a digit's width stand for what is missing."""
    text = escape(number) + gap.translate(WIDE) + escape(follows).replace(" ± ", "\u00a0±\u00a0")  # stays on the line
    return text + {"*": STAR, " ": NO_STAR, "": ""}[star] + re.sub(r"\S", "\u2007", left.translate(WIDE))


def _of_words(column):
    """Whether a column holds texts to read, and not numbers to compare."""
    texts = [value for value in column if value is not None]
    words = (re.findall(r"[^\W\d_]{3,}", text) for text in texts if isinstance(text, str))
    return all(isinstance(text, str) for text in texts) and any(len(found) > 1 for found in words)


def _number(value):
    value = value[0] if isinstance(value, tuple) else value
    return None if value is None or isinstance(value, str) or not math.isfinite(value) else float(value)


def _best(results, best):
    """The label of the best number, None where nothing is to be marked, less than two can be compared, or the second
    best is no farther away than the error of their difference, as of independent ones."""
    numbers = {label: _number(result) for label, result in results.items()}
    order = sorted((label for label in numbers if numbers[label] is not None), key=lambda label: numbers[label])
    if best is None or len(order) < 2:
        return None
    first, second = order[:2] if best == "lowest" else order[:-3:-1]
    error = math.hypot(*(results[label][1] for label in (first, second) if isinstance(results[label], tuple)))
    return first if abs(numbers[first] - numbers[second]) > error else None


def _shown(value, digits) -> str:
    """A result as text: significant digits, no exponent where it can be avoided, a true minus sign."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        number, error = map(float, value)
        places = max(0, 1 - math.floor(math.log10(error))) if error > 0 else digits
        return f"{number:.{places}f} ± {error:.{places}f}".replace("-", "−")
    if isinstance(value, int | np.integer):
        return str(value).replace("-", "−")
    number = float(value)
    if not math.isfinite(number) or number == 0:
        return f"{number:g}".replace("-", "−").replace("inf", "∞")
    size = math.floor(math.log10(abs(number)))
    if -4 <= size < 7:
        return f"{number:.{max(0, digits - 1 - size)}f}".replace("-", "−")
    return f"{number:.{digits - 1}e}".replace("-", "−")
