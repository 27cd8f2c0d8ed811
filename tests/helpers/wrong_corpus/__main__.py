"""Read what the checks say to wrong answers, and give verdicts:

PYTHONPATH=tests/helpers python -m wrong_corpus            the answers whose sentences nobody has read
PYTHONPATH=tests/helpers python -m wrong_corpus 05 all     all answers of notebook 05
PYTHONPATH=tests/helpers python -m wrong_corpus kl_gaussians mean_ignored named
"""

import sys

from course_utils.exercises import find_exercise
from wrong_corpus import MEANINGS, corpus, judged, read, said, write


def show(some, every):
    for answer, report, meaning in judged(some):
        if every or meaning in ("unread", "accepted"):
            print(f"{answer.exercise} {answer.name}  [{meaning}; {report.misconception or report.kind}]")
            print(f"    true: {answer.cause}\n    said: {report.advice}")
            if report.detail:
                print("          " + report.detail.replace("\n", "\n          "))
            print(flush=True)


def give(exercise, name, verdict):
    assert verdict in MEANINGS[:4], f"a verdict is one of {', '.join(MEANINGS[:4])}"
    (row,) = judged([answer for answer in corpus() if (answer.exercise, answer.name) == (exercise, name)])
    verdicts = read("verdicts")
    verdicts.setdefault(exercise, {}).setdefault(name, {})[said(row[1])] = verdict
    write("verdicts", verdicts)


words = sys.argv[1:]
if words and words[-1] in MEANINGS[:4]:
    give(*words)
else:
    chosen = [word for word in words if word != "all"]
    show(
        [a for a in corpus() if not chosen or a.exercise in chosen or find_exercise(a.exercise).notebook[:2] in chosen],
        "all" in words,
    )
