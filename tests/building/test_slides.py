"""Slides: what the rules put on them, and that they hold nothing that is not there."""

import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_utils.building.build import BuildError
from course_utils.building.slides import blocks, build_slides, deck, narrow, sentences, short_list, shown

ROOT = Path(__file__).resolve().parents[2]


def notebook(*cells):
    return new_notebook(cells=[new_markdown_cell("# A title"), new_markdown_cell("## 1. A part"), *cells])


def slides_of(tmp_path, *cells, **options):
    _, parts = deck(notebook(*cells), "00_test", tmp_path, **options)
    return parts[-1].slides


def shows(text, html=None):
    data = {"text/plain": text} | ({"text/html": html} if html else {})
    return new_output("display_data", data=data)


def test_sentences_keep_formulas_names_and_headings_in_the_line_whole():
    text = "**E step.** Hold $f(x. Y)$. M. Germain et al. Have said so. **That is a sentence, and all of it bold.** On."
    assert sentences(text) == [
        "**E step.** Hold $f(x. Y)$.",
        "M. Germain et al. Have said so.",
        "**That is a sentence, and all of it bold.**",
        "On.",
    ]


def test_blocks_are_told_apart():
    source = "Text.\n\n- one\n- two\n\n1. three\n\n$$a$$\n\n| a |\n|---|\n\n### Heading\n\nAs in\n$$b$$\nand on."
    kinds = [kind for kind, _ in blocks(source)]
    assert kinds == ["text", "list", "formula", "table", "heading", "text", "formula", "text"]


def test_long_items_are_cut_at_a_sentence():
    short = short_list("- One. Two.\n- " + "A long sentence of words. " * 20)
    assert short.splitlines()[0] == "- One. Two."
    assert 150 < len(short.splitlines()[1]) < 210 and short.endswith("words.")


def test_only_comments_of_long_lines_are_left_out():
    assert narrow("a = 1  # b") == "a = 1  # b"
    assert narrow("a = " + "1 + " * 18 + "1  # the comment") == "a = " + "1 + " * 18 + "1"
    assert "#" in narrow('print("' + "a" * 75 + ' # no comment")')


def test_bold_sentences_and_formulas_are_shown_and_all_prose_is_in_the_notes(tmp_path):
    text = (
        "This is said only. And **this sentence has bold words in it, so that it is shown to all who sit there**, so:"
    )
    (slide,) = slides_of(tmp_path, new_markdown_cell(text + "\n\n$$a = b$$\n\nAnd this is said, too."))
    on_it = "".join(shown(slide))
    assert "bold words" in on_it and "<math" in on_it and "said" not in on_it
    assert sum(block.count("said") for block in slide.body) == 2


def test_a_part_of_plain_prose_shows_the_first_sentence_of_each_paragraph(tmp_path):
    (slide,) = slides_of(tmp_path, new_markdown_cell("First said. Then more.\n\nAnother one. And so on."))
    assert shown(slide) == ["<p>First said.</p>", "<p>Another one.</p>"]


def test_what_leads_to_a_formula_stands_in_one_block_with_it(tmp_path):
    (slide,) = slides_of(
        tmp_path, new_markdown_cell("Unneeded words. Here is what the whole argument rests upon:\n\n$$a = b$$")
    )
    (block,) = shown(slide)
    assert "rests upon" in block and "<math" in block and "Unneeded" not in block


def test_a_vote_shows_no_answer_and_what_follows_is_on_another_slide(tmp_path):
    asked = new_code_cell('predict("00-q", "Which?", ["left", "right"])')
    asked.outputs = [shows("Predict: Which?\n  choose: left / right\n", "<div class='course-predict'>Which?</div>")]
    told = new_code_cell('print(1)\nreveal("00-q", answer)')
    told.outputs = [
        new_output("stream", name="stdout", text="the proof\n"),
        shows(
            "The answer: “right”. (You made no prediction.)", "<div class='course-reveal'>The answer: “right”.</div>"
        ),
    ]
    vote, after = slides_of(tmp_path, asked, told)
    assert vote.kind == "vote" and "Which?" in vote.body[0] and "<li>left</li><li>right</li>" in vote.body[1]
    assert not any("proof" in block or "B." in block for block in vote.body)
    assert "right" in "".join(block for block in vote.body if 'class="note"' in block)
    assert "the proof" in after.body[0] and "B. right" in after.body[-1] and "Which?" in after.body[-1]


def test_what_a_solved_exercise_is_told_is_in_the_notes(tmp_path):
    checked = new_code_cell("pca_fit = check(pca_fit)")
    checked.outputs = [new_output("display_data", data={"text/markdown": "So $a = b$.", "text/plain": "So $a = b$."})]
    (slide,) = slides_of(tmp_path, new_markdown_cell("Said. And shown."), checked)
    assert "<math" in slide.body[-1] and 'class="note"' in slide.body[-1]


def test_code_is_shown_where_it_is_short_and_prints(tmp_path):
    short, long = new_code_cell("print(1)"), new_code_cell("\n".join(f"print({i})" for i in range(9)))
    short.outputs = [new_output("stream", name="stdout", text="one\n")]
    long.outputs = [new_output("stream", name="stdout", text="nine\n")]
    bodies = [shown(slides_of(tmp_path, cell)[0])[0] for cell in (short, long)]
    assert 'class="code"' in bodies[0] and "one" in bodies[0]
    assert 'class="code"' not in bodies[1] and "nine" in bodies[1]


def test_solutions_are_shown_only_when_asked_for(tmp_path):
    real = nbformat.read(ROOT / "solutions" / "00_start_here.ipynb", as_version=4)
    for asked in (False, True):
        _, parts = deck(real, "00", tmp_path, solutions=asked)
        kinds = [slide.kind for part in parts for slide in part.slides]
        assert kinds.count("exercise") == 1 and kinds.count("solution") == asked
        assert not any("BEGIN SOLUTION" in block for part in parts for slide in part.slides for block in slide.body)


def test_an_unknown_notebook_is_refused(tmp_path):
    with pytest.raises(BuildError, match="no built notebook that starts with 99"):
        build_slides(ROOT, tmp_path, ("99",))


@pytest.mark.slow
def test_all_notebooks_have_slides_that_ask_no_other_host_and_show_every_vote_and_figure(tmp_path):
    files = build_slides(ROOT, tmp_path)
    assert len(files) == len(list((ROOT / "solutions").glob("*.ipynb")))
    for file in files:
        text, source = (
            file.read_text(encoding="utf-8"),
            (ROOT / "solutions" / f"{file.stem}.py").read_text(encoding="utf-8"),
        )
        assert "data:image" not in text and not re.search(r'(?:src|href)="(?:https?:)?//', text)
        for address in re.findall(r'(?:src|href|data-pad)="(?!data:|#|http)([^"]+)', text):
            assert (tmp_path / address).is_file(), address
        assert text.count('class="slide vote"') == len(re.findall(r"^predict\(", source, re.MULTILINE))
        assert text.count('class="answer"') >= text.count('class="slide vote"')
        assert text.count('class="slide exercise"') == len(re.findall(r"^# \{\{exercise ", source, re.MULTILINE))
        figures = len(re.findall(r"^plots\.show\(", source, re.MULTILINE))
        assert text.count("<img") >= figures, file.stem
