"""The glossary of notebook 00: every notebook leads to it, and its words stand in the notebooks that it names."""

import re
from pathlib import Path

import pytest

SOLUTIONS = Path(__file__).parents[1] / "solutions"
SOURCES = {path.stem[:2]: path.read_text(encoding="utf-8") for path in sorted(SOLUTIONS.glob("[0-9][0-9]_*.py"))}
START = SOURCES["00"]
GLOSSARY = START[START.index("## Glossary") :]
ROWS = re.findall(r"^# \| ([^|]+) \| ([^|]+) \| ([\d, ]+) \|$", GLOSSARY, re.MULTILINE)
OTHER_WORDS = {  # the glossary's words that a notebook puts otherwise
    "nat": "nats",
    "bit": "bits",
    "autoregressive model": "autoregressive",
    "prior p(z)": "prior",
    "observation model p(x given z)": "observation model",
    "marginal likelihood p(x)": "marginal likelihood",
    "posterior p(z given x)": "posterior",
    "EM algorithm": "EM",
    "free energy F": "free energy",
    "amortized inference": "amortized",
    "GRU": "gated recurrent unit",
    "precision and recall": "precision",
    "prequential code": "prequential",
}


def prose(source):
    """A source in one line, without the marks of comments and of bold and slanted words, in small letters."""
    return " ".join(re.sub(r"^# ?", "", source, flags=re.MULTILINE).replace("*", "").split()).lower()


def test_it_stands_last_where_it_is_not_folded():
    headings = re.findall(r"^# (## .*)$", START, re.MULTILINE)
    assert headings[-1] == "## Glossary" and headings[-2].startswith("## Further")


@pytest.mark.parametrize("number", [number for number in SOURCES if number != "00"])
def test_a_notebook_leads_to_it_and_has_words_in_it(number):
    assert "[Glossary](00_start_here.ipynb#Glossary)" in SOURCES[number].partition("# %%\n")[0]
    assert any(number in numbers.split(", ") for _, _, numbers in ROWS)


def test_words_stand_in_the_notebooks_that_are_named():
    assert len(ROWS) == GLOSSARY.count("\n# |") - 2 > 50
    for words, _, numbers in ROWS:
        parts = words.split(", ")
        named = numbers.split(", ")
        for word, number in zip(parts, named if len(named) == len(parts) else named * len(parts)):
            said = OTHER_WORDS.get(word, word).lower()
            assert re.search(rf"\b{re.escape(said)}s?\b", prose(SOURCES[number])), (word, number)


def test_no_word_has_two_rows():
    words = [word for row in ROWS for word in row[0].split(", ")]
    # in 12 a stack's state is another thing than a network's
    assert {word for word in words if words.count(word) > 1} <= {"state"}
