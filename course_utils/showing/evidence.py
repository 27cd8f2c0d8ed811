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
CELL = "padding:.25em .9em;text-align:"


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

    def _text(self, value):
        return _shown(value, self.digits)

    def __repr__(self):
        sign = "≈ " if self.trained else ""
        cells = {
            label: [self._text(v) + ("*" if (label, i) in self.marked else "") for i, v in enumerate(row)]
            for label, row in self.rows.items()
        }
        left = max(len(label) for label in cells)
        widths = [max(len(name), *(len(row[i]) for row in cells.values())) for i, name in enumerate(self.columns)]
        put = {"left": str.ljust, "right": str.rjust}
        head = "  ".join(put[side](name, width) for name, width, side in zip(self.columns, widths, self.sides))
        lines = [self.caption, " " * (len(sign) + left + 3) + head] if head.strip() else [self.caption]
        for label, row in cells.items():
            values = "  ".join(put[side](text, width) for text, width, side in zip(row, widths, self.sides))
            lines.append(f"{sign}{label.ljust(left)} | {values}".rstrip())
        lines.append("* the best of its column" if any(label for label, _ in self.marked) else "")
        return "\n".join(line for line in lines if line.strip())

    def _repr_html_(self):
        kind = " class='trained'" if self.trained else ""
        head = "".join(
            f"<th scope='col' style='{CELL}{side}'>{escape(name)}</th>" for name, side in zip(self.columns, self.sides)
        )
        body = ""
        for label, row in self.rows.items():
            body += f"<tr><th scope='row' style='{CELL}left'>{escape(label)}</th>"
            for i, (value, side) in enumerate(zip(row, self.sides)):
                text = escape(self._text(value)).replace(" ± ", "\u00a0±\u00a0")  # the error stays on the line
                text = (
                    f"<b>{text}</b> <span title='the best of its column'>★</span>"
                    if (label, i) in self.marked
                    else text
                )
                body += f"<td{kind} style='{CELL}{side}'>{text}</td>"
            body += "</tr>"
        corner = f"<thead><tr><td></td>{head}</tr></thead>" if any(self.columns) else ""
        wide = f"min-width:{min(0.6 * len(self.caption), 45):.0f}em"  # one line, also over a narrow table
        caption = f"<caption style='text-align:left;{wide}'>{escape(self.caption)}</caption>" if self.caption else ""
        return f"<table class='course-results'>{caption}{corner}<tbody>{body}</tbody></table>"


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
        return f"{number:g}".replace("-", "−")
    size = math.floor(math.log10(abs(number)))
    if -4 <= size < 7:
        return f"{number:.{max(0, digits - 1 - size)}f}".replace("-", "−")
    return f"{number:.{digits - 1}e}".replace("-", "−")
