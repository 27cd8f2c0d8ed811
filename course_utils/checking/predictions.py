"""Predictions: a question that a student answers before the result can be seen. Ungraded, kept with the progress.

`predict` asks, `reveal` shows the answer beside what was predicted. The answer is computed where it is revealed, so a
student's copy holds no answer that a cell has not worked out.
"""

import math
from collections.abc import Sequence
from html import escape
from typing import Any

from course_utils.checking.progress_file import load_predictions, record_prediction
from course_utils.checking.report import show
from course_utils.data.texts import look_up

COLOUR = "#832db6"
STYLE = (
    f"border-left:5px solid {COLOUR};padding:.5em .9em;margin:.3em 0;max-width:50em;"
    "background:var(--jp-layout-color1,#fafafa);color:var(--jp-ui-font-color1,#222)"
)

_asked: dict[str, str] = {}  # questions of this session


def predict(
    key: str,
    question: str,
    choices: Sequence | None = None,
    *,
    order: Sequence | None = None,
    unit: str = "",
    guess: Any = None,
) -> Any:
    """Asks for a prediction, under a key that no other question of the course has: one of `choices`, an order of the
    items of `order`, or, without either, a number (in `unit`).

    In a notebook there are buttons. Where no widget runs, or if you prefer to type, give your `guess` in the call:
    a choice, a list in your order, or a number. What was predicted first stays, also after the result has been shown.
    """
    if choices is not None and order is not None:
        raise ValueError("predict takes choices or an order to find, not both")
    question_of = _Question(key, question, _texts(choices), _texts(order), unit)
    _asked[key] = question
    if guess is not None:
        record_prediction(key, question_of.read(guess))
    return _shown(question_of)


def reveal(key: str, answer: Any, unit: str = "") -> None:
    """Shows the answer to the question `key` beside what was predicted: a choice, a list in its order, or a number.

    The question stands above it once more, where it has been asked since Python started.
    """
    show(Revealed(load_predictions().get(key), _plain(answer), unit, _asked.get(key, "")))


def _texts(items):
    if items is None:
        return None
    texts = [str(item) for item in items]
    if len(texts) < 2 or len(set(texts)) < len(texts):
        raise ValueError(f"a question needs at least two choices, all different, but they are {texts}")
    return texts


def _plain(answer):
    """The answer as a string, a list of strings or a float."""
    if isinstance(answer, str):
        return look_up(answer)
    if isinstance(answer, list | tuple):
        return [str(item) for item in answer]
    return float(answer)


class _Question:
    """A question with what may be answered; text and HTML that say the same."""

    def __init__(self, key, question, choices, order, unit):
        self.key, self.question, self.choices, self.order, self.unit = key, question, choices, order, unit

    def read(self, guess):
        """A guess as it is kept; ValueError where it answers another question."""
        if self.order is not None:
            given = [str(item) for item in guess] if isinstance(guess, list | tuple) else [str(guess)]
            if sorted(given) != sorted(self.order):
                raise ValueError(f"an order of {self.order} is expected, each once, but {given} came")
            return given
        if self.choices is not None:
            if str(guess) not in self.choices:
                raise ValueError(f"one of {self.choices} is expected, but {guess!r} came")
            return str(guess)
        try:
            number = float(guess)
        except (TypeError, ValueError):
            number = math.nan
        if not math.isfinite(number):
            raise ValueError(f"a number is expected, but {guess!r} came")
        return number

    @property
    def kind(self) -> str:
        if self.order is not None:
            return f"put in order: {' / '.join(self.order)}"
        if self.choices is not None:
            return f"choose: {' / '.join(self.choices)}"
        return f"a number{f' ({self.unit})' if self.unit else ''}"

    def __repr__(self):
        guess = load_predictions().get(self.key)
        text = f"Predict: {self.question}\n  {self.kind}"
        return text + (f"\n  Your prediction: {_said(guess)}" if guess is not None else "\n  (predict(..., guess=...))")

    def _repr_html_(self):
        guess = load_predictions().get(self.key)
        noted = f"<div>Your prediction: <b>{escape(_said(guess))}</b></div>" if guess is not None else ""
        return (
            f"<div class='course-predict' style='{STYLE}'><b>Predict.</b> {escape(self.question)}"
            f"<div style='opacity:.8'>{escape(self.kind)}</div>{noted}</div>"
        )


class Revealed:
    """A result beside what was predicted."""

    def __init__(self, guess: Any, answer: Any, unit: str = "", question: str = ""):
        self.guess, self.answer, self.unit = guess, answer, f" {unit}" if unit else ""
        self.question = question

    def __str__(self):
        answer = _said(self.answer) + self.unit
        phrase = isinstance(self.answer, list) or (isinstance(self.answer, str) and not _is_number(self.answer))
        if self.guess is None:
            return f"{'The answer: ' if phrase else 'It is '}{answer}. (You made no prediction.)"
        said = f"You said {_said(self.guess)}; {'the answer is' if phrase else 'it is'} {answer}."
        return f"{said} {self._verdict()}".strip()

    __repr__ = __str__

    def _verdict(self) -> str:
        if type(self.guess) is not type(self.answer):
            return ""
        if isinstance(self.answer, list):
            n = len(self.answer)
            place = {item: i for i, item in enumerate(self.guess)}
            pairs = [(a, b) for i, a in enumerate(self.answer) for b in self.answer[i + 1 :]]
            right = sum(place.get(a, n) < place.get(b, n) for a, b in pairs)
            return "Just so." if right == len(pairs) else f"{right} of {len(pairs)} pairs are in the right order."
        if isinstance(self.answer, str):
            return "Just so." if self.guess == self.answer else ""
        if abs(self.guess - self.answer) <= 0.1 * abs(self.answer):
            return "Within ten per cent."
        if self.guess * self.answer > 0:
            factor = max(self.guess / self.answer, self.answer / self.guess)
            return f"A factor of {factor:.2g} off."
        return ""

    def _repr_html_(self):
        asked = f"<div class='course-asked' style='opacity:.8'>{escape(self.question)}</div>" if self.question else ""
        return f"<div role='status' class='course-reveal' style='{STYLE}'>{asked}{escape(str(self))}</div>"


def _is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


def _said(value) -> str:
    if isinstance(value, list):
        return ", then ".join(value)  # items may have commas of their own
    if isinstance(value, float):
        text = f"{value:.0f}" if value == round(value) and abs(value) < 1e6 else f"{value:.3g}"
        return text.replace("-", "−")
    return f"“{value}”" if " " in str(value) else str(value)  # a phrase


def _shown(question):
    """The question with buttons where widgets run, and as it is where they do not."""
    try:
        from IPython import get_ipython
    except ImportError:
        return question
    if get_ipython() is None or not hasattr(get_ipython(), "kernel"):
        return question
    from course_utils.checking.prediction_widget import PredictionWidget

    return PredictionWidget(question)
