"""What tests of the grader look at: gradebooks, folders, pages, and whether this machine has strict isolation."""

import csv
from html.parser import HTMLParser

from course_utils.grading import isolation

NOT_HERE = isolation.why_not(isolation.Isolation("strict", "", isolation.bubblewrap() or ""))


def rows_of(out):
    """The gradebook by (student, notebook)."""
    with open(out / "grades.csv", encoding="utf-8", newline="") as file:
        return {(row["student"], row["notebook"]): row for row in csv.DictReader(file)}


def contents(folder):
    """Every file below a folder with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


class Page(HTMLParser):
    """Tags and text of a page."""

    def __init__(self, source):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data
