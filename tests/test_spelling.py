"""No misprints in what people read: every word is in an English dictionary, or in docs/words.txt."""

import json
import re
from pathlib import Path

import pytest
from spellchecker import SpellChecker

from course_utils.exercises import all_exercises

ROOT = Path(__file__).parents[1]
LIST = ROOT / "docs" / "words.txt"  # names, terms of the field, British spellings that the dictionary lacks
CODE = re.compile(
    r"```.*?```|\$\$.*?\$\$|\$[^$]*\$|`[^`]*`|\{[^{}]*\}|<[^<>]+>|\]\([^)]*\)|https?://\S+"
    r"|\w+(?:[._]\w+)+|\b\w+(?=[(\[=])|\b\w+ = ",  # np.log, log_sigma, exp(, axis=
    re.S,
)
WORD = re.compile(r"[A-Za-zÀ-ÖØ-öø-ÿ]+(?:['’][a-z]+)?")


def markdown_of(source):
    """The prose of a notebook's source."""
    cells = re.split(r"^# %%", source, flags=re.M)
    return "\n".join(re.sub(r"^# ?", "", cell, flags=re.M) for cell in cells if cell.lstrip().startswith("[markdown]"))


def texts():
    """{where: text} of all that is written for people."""
    found = {}
    for path in sorted((ROOT / "solutions").glob("*.py")):
        found[path.name] = markdown_of(path.read_text(encoding="utf-8"))
    for path in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]):
        found[path.name] = path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "course_utils" / "data" / "texts").glob("*.json")):
        found[f"alt texts {path.stem}"] = "\n".join(json.loads(path.read_text(encoding="utf-8")).values())
    for name, exercise in all_exercises().items():
        said = [wrong.sentence for wrong in exercise.misconceptions.values()]
        found[name] = "\n".join([exercise.task, *exercise.hints, *said, *exercise.others])
    return found


def words_of(text):
    """The words of a text, without code, formulas and addresses; single letters are none."""
    return {word.replace("’", "'") for word in WORD.findall(CODE.sub(" ", text)) if len(word) > 1}


def own_words():
    return LIST.read_text(encoding="utf-8").split()


@pytest.fixture(scope="module")
def known():
    """known(word): whether it is spelled as it should be; plurals and genitives of listed words are, too."""
    dictionary, own = SpellChecker(language="en", distance=1), {word.lower() for word in own_words()}

    def known(word):
        forms = {word.lower(), word.lower().removesuffix("'s"), word.lower().removesuffix("s")}
        return any(form in own or form in dictionary for form in forms)

    return known


@pytest.mark.parametrize("where", texts())
def test_there_is_no_misprint(where, known):
    unknown = sorted(word for word in words_of(texts()[where]) if not known(word))
    assert not unknown, f"mend them, or add them to {LIST.relative_to(ROOT)}: {' '.join(unknown)}"


def test_a_misprint_is_found_and_code_is_not_read(known):
    text = (
        "The posteriour of `zz_code` is $\\matthbf{x}$, see [the card](ntbk.ipynb) and {{exercise abcd}}. Kullback's."
    )
    assert [word for word in sorted(words_of(text)) if not known(word)] == ["posteriour"]


def test_the_list_is_sorted_and_holds_nothing_superfluous():
    own, used = own_words(), {word.lower() for text in texts().values() for word in words_of(text)}
    assert own == sorted(set(own), key=str.lower)
    unused = [word for word in own if not {word.lower(), f"{word.lower()}s", f"{word.lower()}'s"} & used]
    assert not unused, unused
