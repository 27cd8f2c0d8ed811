"""Sentences about steps and arguments: number, capitals, full stops."""

import re

SINGULAR = ("ss", "us", "is", "as", "eps", "bias", "^s")  # endings in s of words that are no plurals
CUT = re.compile(r"[,(]| (?:of|in|under|over|that|from|for|between|to|by|with|after|before|at|on|per) ")


def plural(name: str) -> bool:
    """Whether a name such as "the squares of x" is a plural. Names without an article are symbols, and singular."""
    if not name.startswith("the "):
        return " and " in name
    words = CUT.split(name, maxsplit=1)[0].split()
    head = next((word for word in reversed(words) if len(word) > 2 and word.isalpha()), "")
    return head.endswith("s") and not head.endswith(SINGULAR)


SYMBOLS = {
    *("eps", "mu", "eta", "pi", "sigma", "log", "exp", "log_sigma", "log_p", "df"),
    *"bfhpqrtxz",
}


def sentence(text: str, begins: bool = True) -> str:
    """With a capital, unless it begins with a symbol or code, and a full stop. One that does not begin a sentence, but
    follows "In the first result:", stays as it is, and does not name the result once more."""
    text = text.strip()
    if not begins:
        text = re.sub("^the result ", "it ", text)
    first = text.split(" ", 1)[0].rstrip(",")
    if begins and first.isalpha() and first.islower() and first not in SYMBOLS:
        text = text[0].upper() + text[1:]
    return text if text.endswith((".", "?", "!")) else text + "."


def about(template: str, name: str, **words: str) -> str:
    """A template in which {n} is the name, and {is}, {has}, {it}, {its}, {s} agree with its number."""
    many = plural(name)
    forms = {
        "is": "are" if many else "is",
        "has": "have" if many else "has",
        "it": "they" if many else "it",
        "its": "their" if many else "its",
        "s": "" if many else "s",
    }
    return template.format(n=name, **forms, **words)
