"""The page that a student gets back: self-contained HTML without scripts, readable on a phone and by ear."""

from html import escape as escape_html

from course_utils.checking.report import FACTS, Report, marked
from course_utils.exercises import Exercise
from course_utils.grading.results import visible

STYLE = """
:root { color-scheme: light dark; background: Canvas; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 44rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.05rem; margin: 0 0 .3rem; }
section { border-left: .4rem solid #b3541e; padding: .4rem .9rem; margin: 1rem 0; }
section.passed { border-color: #1b7f4b; } section.open { border-color: #7a7a7a; }
pre { white-space: pre-wrap; padding: .5rem; margin: .5rem 0; border: 1px solid #7a7a7a; }
p { margin: .3rem 0; } meter { width: 100%; height: 1.2rem; } footer { margin-top: 2rem; font-size: .85rem; }
"""


PARTIAL = "\nsection.partial { border-color: #a07800; }"


def escape(text: str, quote: bool = True) -> str:
    """Text for HTML in which everything shows: no mark turns what follows round, no console takes it for a command."""
    return "\n".join(escape_html(visible(line), quote) for line in text.split("\n"))


def page(result: dict, exercises: dict[str, Exercise]) -> str:
    """The feedback page of a result, as written to OUT/feedback."""
    title = f"{result['notebook']}: {result['points']} of {result['max_points']} points"
    body = [f"<h1>{escape(title)}</h1>"]
    if result["student"]:
        body.append(f"<p>Submission of {escape(result['student'])}</p>")
    if result["max_points"]:
        body.append(f"<meter min='0' max='{result['max_points']}' value='{result['points']}'>{escape(title)}</meter>")
    body += [f"<p><strong>Adjusted by hand:</strong> {escape(sentence)}</p>" for sentence in result["adjustments"]]
    if not result["status"].startswith("graded"):
        body.append(f"<p><strong>Not graded as usual.</strong> {escape(result['status'])}</p>")
    if result.get("partial"):
        body.append(
            "<p>With partial credit: an answer that is right on ordinary inputs, but not on special ones, has the "
            "share of its points that stands beside it.</p>"
        )
    body += [_section(entry, exercises.get(name)) for name, entry in result["exercises"].items()]
    # Not the seed: somebody who may hand in again could work out the inputs.
    footer = f"Submission {result['submission'][:12]}, isolation {result['isolation']}."
    return document(title, body, footer, PARTIAL if result.get("partial") else "")


def document(title: str, body: list[str], footer: str, style: str = "") -> str:
    """A whole page around HTML; title and footer are text. It loads nothing and runs nothing."""
    return (
        "<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'>"
        "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{escape(title)}</title><style>{STYLE}{style}</style></head>\n<body><main>\n"
        + "\n".join(body)
        + f"\n</main>\n<footer><p>{escape(footer)}</p></footer>\n</body></html>\n"
    )


def _section(entry, exercise):
    report = Report(**{key: entry[key] for key in Report.__dataclass_fields__})
    kind = (
        "passed"
        if report.passed
        else "partial"
        if report.points
        else "open"
        if report.kind in ("not started", "missing")
        else "wrong"
    )
    parts = [f"<h2>{escape(report.headline)}</h2>"]
    if report.advice:
        parts.append(f"<p>{marked(report.advice, escape)}</p>")
    if report.detail:
        parts.append(f"<pre>{escape(report.detail)}</pre>")
    if report.facts:
        parts.append(f"<details><summary>{FACTS}</summary><p>{escape(report.facts)}</p></details>")
    if not report.passed and exercise:
        parts.append(f"<p><strong>Hint:</strong> {escape(exercise.hints[0])}</p>")
    if not report.passed and entry["notes"]:
        notes = "".join(f"<li>{escape(note)}</li>" for note in entry["notes"])
        parts.append(f"<p>In the cells that this answer needs:</p><ul>{notes}</ul>")
    return f"<section class='{kind}'>{''.join(parts)}</section>"
