"""The buttons of a prediction, in a notebook: choose, commit, and it is noted."""

from html import escape
from typing import Any

import ipywidgets

from course_utils.checking.predictions import COLOUR, _said
from course_utils.checking.progress_file import load_predictions, record_prediction

FREE = {"width": "auto", "max_width": "100%"}
FRAME = {
    "border_left": f"5px solid {COLOUR}",
    "padding": "0 .9em .4em",
    "max_width": "50em",
    "align_items": "flex-start",
}


class PredictionWidget(ipywidgets.VBox):
    """A question, its controls and a button that commits; afterwards what was predicted. Keyboard included."""

    def __init__(self, question: Any):
        self.question = question
        head = ipywidgets.HTML(f"<div style='line-height: 1.4'><b>Predict.</b> {escape(question.question)}</div>")
        self.commit = ipywidgets.Button(description="This is my prediction", layout=FREE, button_style="")
        self.noted = ipywidgets.HTML()
        self.controls = self._controls()
        super().__init__([head, *self.controls, self.commit, self.noted], layout=FRAME, _dom_classes=["course-predict"])
        self.commit.on_click(lambda _: self._commit())
        self._settle(load_predictions().get(question.key))

    def _controls(self):
        question = self.question
        if question.order is not None:
            self.picked = []
            self.items = [ipywidgets.Button(description=item, layout=FREE) for item in question.order]
            self.list = ipywidgets.HTML("First to last: choose in order.")
            for button in self.items:
                button.on_click(self._pick)
            plain = {"button_color": "transparent", "text_decoration": "underline"}  # none of the things to order
            again = ipywidgets.Button(description="start again", layout=FREE, style=plain)
            again.on_click(lambda _: self._pick(None))
            wrapped = {"flex_flow": "row wrap"}
            return [ipywidgets.HBox(self.items, layout=wrapped), ipywidgets.HBox([self.list, again], layout=wrapped)]
        if question.choices is not None:
            self.radio = ipywidgets.RadioButtons(options=question.choices, value=None, layout=FREE)
            return [self.radio]
        self.number = ipywidgets.Text(placeholder="a number", layout={"width": "8em"})
        return [ipywidgets.HBox([self.number, ipywidgets.Label(question.unit)])]

    def _pick(self, button):
        self.picked = [] if button is None else [*self.picked, button.description]
        for item in self.items:
            item.disabled = item.description in self.picked
        self.list.value = escape("First to last: " + (_said(self.picked) or "choose in order."))

    def _guess(self):
        if self.question.order is not None:
            return self.picked
        return self.radio.value if self.question.choices is not None else self.number.value

    def _commit(self):
        try:
            guess = self.question.read(self._guess())
        except ValueError as error:
            self.noted.value = f"<span role='status'>{escape(str(error)[:1].upper() + str(error)[1:])}.</span>"
            return
        record_prediction(self.question.key, guess)
        self._settle(load_predictions().get(self.question.key, guess))

    def _settle(self, guess):
        """Once predicted, the controls give way to what was said."""
        if guess is None:
            return
        for control in (*self.controls, self.commit):
            control.layout.display = "none"
        self.noted.value = f"<span role='status'>You predicted: <b>{escape(_said(guess))}</b>. Go on.</span>"

    def _repr_mimebundle_(self, **kwargs):
        plain = {"text/plain": repr(self.question), "text/html": self.question._repr_html_()}
        return super()._repr_mimebundle_(**kwargs) | plain
