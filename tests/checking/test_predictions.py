"""Predictions: asked, kept, never overwritten, and shown beside the result."""

import json

import pytest

from course_utils.checking import predict, predictions, reveal
from course_utils.checking.prediction_widget import PredictionWidget
from course_utils.checking.predictions import Revealed, _Question
from course_utils.checking.progress_file import load_predictions, load_progress, record


@pytest.fixture(autouse=True)
def progress_file(tmp_path, monkeypatch):
    path = tmp_path / "progress.json"
    monkeypatch.setenv("COURSE_PROGRESS", str(path))
    return path


def test_a_guess_is_kept_and_the_first_one_stays(progress_file):
    predict("rank", "How many dimensions?", [2, 10, 12], guess=2)
    predict("rank", "How many dimensions?", [2, 10, 12], guess=10)
    predict("error", "How large is it?", guess=3)
    predict("first", "Which comes first?", order=["a", "b", "c"], guess=["c", "a", "b"])
    assert load_predictions() == {"rank": "2", "error": 3.0, "first": ["c", "a", "b"]}
    record("solved", "pca_fit", 3)
    assert load_progress()["solved"] == {"pca_fit": 3} and len(load_predictions()) == 3
    assert set(json.loads(progress_file.read_text())) == {"solved", "hints", "predictions"}


def test_a_progress_file_from_before_predictions_is_read(progress_file):
    progress_file.write_text('{"solved": {"pca_fit": 3}, "hints": {}}')
    assert load_progress() == {"solved": {"pca_fit": 3}, "hints": {}, "predictions": {}}
    predict("a", "?", ["x", "y"], guess="x")
    assert load_progress()["solved"] == {"pca_fit": 3} and load_predictions() == {"a": "x"}


def test_a_damaged_prediction_loses_nothing(progress_file, capsys):
    progress_file.write_text('{"solved": {"pca_fit": 3}, "hints": {}, "predictions": {"a": {"b": 1}}}')
    assert load_predictions() == {}
    kept = list(progress_file.parent.glob("progress.json.damaged-*"))
    assert len(kept) == 1 and '"pca_fit": 3' in kept[0].read_text() and "damaged" in capsys.readouterr().out


@pytest.mark.parametrize(
    "asked, guess, message",
    [
        ({"choices": ["a", "b"]}, "c", "one of .* is expected, but 'c' came"),
        ({"order": ["a", "b"]}, ["a", "a"], "each once"),
        ({"order": ["a", "b"]}, "a", "each once"),
        ({}, "many", "a number is expected"),
        ({}, "nan", "a number is expected"),
        ({"choices": ["a", "a"]}, "a", "all different"),
        ({"choices": ["a", "b"], "order": ["a", "b"]}, "a", "not both"),
    ],
)
def test_a_guess_that_answers_another_question_is_refused(asked, guess, message):
    with pytest.raises(ValueError, match=message):
        predict("key", "?", guess=guess, **asked)
    assert load_predictions() == {}


@pytest.mark.parametrize(
    "guess, answer, text",
    [
        (None, 3.14159, "It is 3.14. (You made no prediction.)"),
        ("2", "10", "You said 2; it is 10."),
        (None, "it stays", "The answer: “it stays”. (You made no prediction.)"),
        ("it falls", "it stays", "You said “it falls”; the answer is “it stays”."),
        ("10", "10", "You said 10; it is 10. Just so."),
        (2.0, 10.0, "You said 2; it is 10. A factor of 5 off."),
        (-2.0, 10.0, "You said −2; it is 10."),
        (95.0, 100.0, "You said 95; it is 100. Within ten per cent."),
        (
            ["a", "b", "c"],
            ["b", "a", "c"],
            "You said a, then b, then c; the answer is b, then a, then c. 2 of 3 pairs are in the right order.",
        ),
        (["a", "b"], ["a", "b"], "You said a, then b; the answer is a, then b. Just so."),
        ("2", 2.0, "You said 2; it is 2."),
    ],
)
def test_the_result_stands_beside_the_prediction(guess, answer, text):
    shown = Revealed(guess, answer)
    assert str(shown) == text and text.split(";")[0] in shown._repr_html_()


def test_the_question_stands_above_its_result(monkeypatch):
    shown = []
    monkeypatch.setattr(predictions, "show", shown.append)
    predict("asked", "Is 1 < 2?", ["yes", "no"])
    reveal("asked", "yes")
    reveal("not asked yet", "yes")
    page, other = (result._repr_html_() for result in shown)
    assert page.index("Is 1 &lt; 2?") < page.index("The answer: yes") and "course-asked" not in other


def test_reveal_takes_what_a_cell_computed(capsys):
    import numpy as np

    predict("n", "How many?", guess=4)
    reveal("n", np.int64(5))
    reveal("n", np.float32(4.2))
    assert capsys.readouterr().out.splitlines() == [
        "You said 4; it is 5. A factor of 1.2 off.",
        "You said 4; it is 4.2. Within ten per cent.",
    ]


def test_without_widgets_the_question_is_text(capsys):
    assert repr(predict("q", "Which one?", ["x", "y"])).splitlines() == [
        "Predict: Which one?",
        "  choose: x / y",
        "  (predict(..., guess=...))",
    ]
    assert "Your prediction: y" in repr(predict("q", "Which one?", ["x", "y"], guess="y"))


def widget(*args, **options):
    asked = {"choices": None, "order": None, "unit": ""} | options
    return PredictionWidget(_Question(*args, **asked))


def test_buttons_commit_a_choice_once():
    box = widget("q", "Which <one>?", choices=["x", "y"])
    box.commit.click()
    assert "one of" in box.noted.value.lower() and load_predictions() == {}
    box.radio.value = "y"
    box.commit.click()
    assert load_predictions() == {"q": "y"} and "y" in box.noted.value and box.radio.layout.display == "none"
    again = widget("q", "Which <one>?", choices=["x", "y"])
    assert again.commit.layout.display == "none" and "Which &lt;one&gt;?" in again.children[0].value


def test_buttons_commit_a_number_and_an_order():
    box = widget("n", "How many?", unit="nats")
    box.number.value = "12,5"
    box.commit.click()
    assert load_predictions() == {} and "number" in box.noted.value
    box.number.value = "12.5"
    box.commit.click()
    box = widget("o", "First?", order=["a", "b", "c"])
    box.items[2].click()
    assert box.items[2].disabled
    again = box.controls[1].children[1]  # looks like none of the items
    assert again.style.button_color == "transparent" and not any(item.style.button_color for item in box.items)
    again.click()
    for i in (1, 0, 2):
        box.items[i].click()
    box.commit.click()
    assert load_predictions() == {"n": 12.5, "o": ["b", "a", "c"]}


def test_a_page_without_widgets_shows_the_question():
    bundle = widget("q", "Which?", choices=["x", "y"])._repr_mimebundle_()
    assert "Which?" in bundle["text/plain"] and "choose: x / y" in bundle["text/html"]


def test_where_progress_cannot_be_written_the_student_is_told(tmp_path, monkeypatch, capsys):
    (tmp_path / "occupied").write_text("")
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "occupied" / "progress.json"))
    predict("q", "?", ["x", "y"], guess="x")
    assert "could not be written" in capsys.readouterr().out


def test_the_grader_asks_nothing():
    from course_utils.grading.library import SILENT_CHECKING

    namespace = {}
    exec(SILENT_CHECKING, namespace)
    assert namespace["predict"]("a", "b", ["c"], guess=1) is None and namespace["reveal"]("a", 1) is None
    assert set(predictions.__dict__) >= {"predict", "reveal"}
