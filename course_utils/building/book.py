"""The reading edition: the executed solutions as static HTML pages that ask no other host for anything.

Markdown goes through nbconvert's parser, formulas become MathML, figures files beside the pages. What decodes in the
browser (the latent pads) is a script that is loaded when it comes into sight, also from a plain folder (`file://`).
"""

import base64
import hashlib
import html
import json
import re
import shutil
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import jinja2
import nbformat
from nbconvert.filters.ansi import strip_ansi
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from pygments import highlight
from pygments.formatters.html import HtmlFormatter
from pygments.lexers.python import PythonLexer

from course_utils.building.build import EXPECTATION, BuildError, executed, find_built, without_solution
from course_utils.building.formulas import mathml

ASSETS = Path(__file__).with_name("book_assets")
CODE_STYLES = {"light": "a11y-high-contrast-light", "dark": "a11y-high-contrast-dark"}  # of accessible-pygments
FONTS = Path(__file__).with_name("fonts")  # with their licences
# Without a font for mathematics, as on most Linux machines, integrals are small and brackets crooked.
MATH_FONT = """@font-face { font-family: "course math"; src: url("stix-two-math.woff2") format("woff2"); }
math { font-family: "course math", math; }
"""
IMAGE = re.compile(r'<img\b([^>]*?)\ssrc="data:image/png;base64,([^"]+)"([^>]*)>')
PAD = re.compile(r"^<div>(<img.*?>)<script>(.*)</script></div>$", re.DOTALL)
TAGS = re.compile(r"<math.*?</math>|<[^>]+>", re.DOTALL)
NO_PREDICTION = " (You made no prediction.)"


@dataclass
class Section:
    """A heading with an id, its text as HTML and as plain text, its level, and the words below it."""

    id: str
    html: str
    title: str
    level: int
    text: str = ""


@dataclass
class Page:
    """A notebook as a page: its name, the inner HTML of <main>, its sections (the first is the page's heading)."""

    name: str
    body: str = ""
    sections: list[Section] = field(default_factory=list)
    lead: str = ""

    @property
    def file(self) -> str:
        """The page's file name."""
        return f"{self.name}.html"

    @property
    def title(self) -> str:
        """The text of the page's heading."""
        return self.sections[0].title if self.sections else self.name


def plain(markup: str) -> str:
    """The words of some HTML, without tags and formulas."""
    return " ".join(html.unescape(TAGS.sub(" ", markup)).split())


class Renderer(IPythonRenderer):
    """nbconvert's renderer with formulas as MathML, headings that are entered in `page`, links between pages."""

    def __init__(self, page: Page) -> None:
        super().__init__(escape=False)
        self.page = page

    def block_math(self, body: str) -> str:
        """A displayed formula, which may be scrolled where it is wider than the screen."""
        return f'<div class="formula">{mathml(body, "block")}</div>'

    def inline_math(self, body: str) -> str:
        """A formula within a line."""
        return mathml(body)

    def latex_environment(self, name: str, body: str) -> str:
        r"""A displayed \begin{name} ... \end{name}."""
        return self.block_math(f"\\begin{{{name}}}{body}\\end{{{name}}}")

    def heading(self, text: str, level: int, **attrs: object) -> str:
        """A heading with the id that JupyterLab gives it, with a number where the page has that id already."""
        title = plain(text)
        base = title.replace(" ", "-") or "section"
        used = {section.id for section in self.page.sections}
        name = next(n for i in range(len(used) + 1) if (n := base if not i else f"{base}-{i + 1}") not in used)
        self.page.sections.append(Section(name, text, title, level))
        return f'<h{level} id="{html.escape(name)}">{text}</h{level}>\n'

    def link(self, text: str, url: str, title: str | None = None) -> str:
        """A link; one to another notebook leads to its page."""
        return super().link(text, re.sub(r"^([\w-]+)\.ipynb(?=#|$)", r"\1.html", url), title)


def book_page(notebook: nbformat.NotebookNode, name: str, out: Path, solutions: bool, reports: bool = False) -> Page:
    """The page of an executed notebook; its figures and pads are written below `out`. `reports`: of checks, too."""
    page = Page(name)
    markdown = MarkdownWithMath(renderer=Renderer(page))
    parts = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            before = len(page.sections)
            part = markdown.render(cell.source)
            add_words(page, before, part)
            part = re.sub(r"<table>.*?</table>", r'<div class="wide">\g<0></div>', part, flags=re.DOTALL)
            parts.append(part)
        elif cell.cell_type == "code" and EXPECTATION not in cell.metadata.get("tags", []):
            parts.append(code_cell(cell, name, out, solutions, reports))
    page.body = "\n".join(parts)
    return page


def add_words(page: Page, before: int, part: str) -> None:
    """Enter the words of a rendered markdown cell under the headings that they stand below."""
    pieces = re.split(r"<h[1-6] id=[^>]*>.*?</h[1-6]>", part, flags=re.DOTALL)
    for i, piece in enumerate(pieces):
        number = before - 1 + i
        if number >= 0:
            page.sections[number].text = f"{page.sections[number].text} {plain(piece)}".strip()


def code_cell(cell: nbformat.NotebookNode, name: str, out: Path, solutions: bool, reports: bool) -> str:
    """A code cell and its outputs: an answer folded or left out, what answers a prediction folded."""
    outputs = [shown for output in cell.outputs if (shown := output_html(output, name, out, reports))]
    results = "".join(outputs)
    if cell.source.startswith("predict(") and results:
        return results
    if "class='course-reveal'" in results:
        results = f'<details class="answer"><summary>What came out, and the answer</summary>{results}</details>'
    shown, source = "", re.sub(r"^# NBVAL\w+\n", "", cell.source)
    if "### BEGIN SOLUTION" in source:
        shown = code(without_solution(source))
        if solutions:
            whole = re.sub(r"^ *### (BEGIN|END) SOLUTION\n?", "", source, flags=re.MULTILINE)
            shown += f'<details class="answer solution"><summary>Solution</summary>{code(whole)}</details>'
    else:
        shown = code(source)
    return shown + results


def code(source: str) -> str:
    """Python, highlighted."""
    return highlight(source, PythonLexer(), HtmlFormatter(cssclass="code"))


def output_html(output: nbformat.NotebookNode, name: str, out: Path, reports: bool = False) -> str:
    """An output as HTML; "" for the report of a check where it only says that the solution is right."""
    if output.output_type == "stream":
        return f'<div class="output"><pre>{html.escape(strip_ansi(output.text))}</pre></div>'
    data = output.get("data", {})
    markup = data.get("text/html")
    if "text/markdown" in data:
        said = MarkdownWithMath(renderer=Renderer(Page(name))).render(data["text/markdown"])
        return f'<details class="answer"><summary>Once you have solved it</summary>{said}</details>'
    if markup is None:
        text = data.get("text/plain", "")
        return f'<div class="output"><pre>{html.escape(strip_ansi(text))}</pre></div>' if text else ""
    if "course-report" in markup and not reports:
        return ""
    markup = markup.replace(NO_PREDICTION, "").replace("<th></th>", "<td></td>")
    pad = PAD.match(markup)
    if pad:
        script = write(out, name, pad[2].encode(), "js")
        markup = f'<div data-pad="{script}">{pad[1]}</div>'
    return f'<div class="output">{IMAGE.sub(lambda m: image(m, name, out), markup)}</div>'


def image(match: re.Match, name: str, out: Path) -> str:
    """An <img> whose figure is a file, with both sizes, so that nothing moves when it arrives."""
    data = base64.b64decode(match[2])
    attributes = match[1] + match[3]
    width = re.search(r'\bwidth="(\d+)"', attributes)
    size = ""
    if width:
        w, h = struct.unpack(">II", data[16:24])  # of PNG's IHDR
        size = f' height="{round(int(width[1]) * h / w)}"'
    return f'<img{attributes}{size} loading="lazy" decoding="async" src="{write(out, name, data, "png")}">'


def write(out: Path, name: str, data: bytes, suffix: str) -> str:
    """Write a file that is named by its content; return its address for the pages."""
    address = f"files/{name}/{hashlib.sha256(data).hexdigest()[:12]}.{suffix}"
    (out / address).parent.mkdir(parents=True, exist_ok=True)
    (out / address).write_bytes(data)
    return address


def write_assets(out: Path, folder: Path, *names: str) -> None:
    """Write a style sheet, scripts (`names` in `folder`, the style sheet first) and the font into out/assets."""
    sheet, *scripts = names
    assets = out / "assets"
    assets.mkdir(parents=True, exist_ok=True)
    (assets / sheet).write_text(style_sheet(folder / sheet), encoding="utf-8")
    for script in scripts:
        shutil.copyfile(folder / script, assets / script)
    for file in FONTS.iterdir():
        shutil.copyfile(file, assets / file.name)


def style_sheet(sheet: Path = ASSETS / "book.css") -> str:
    """A style sheet (the book's, or the slides'), with the font of formulas and all colours of dark mode and code."""
    css, dark = (path.read_text(encoding="utf-8") for path in (sheet, ASSETS / "dark.css"))
    light_code, dark_code = (HtmlFormatter(style=CODE_STYLES[mode]).get_style_defs(".code") for mode in CODE_STYLES)
    plain_panel = re.compile(r"^\.code +\{ *background[^}]*\}$|^(td|span)\.linenos.*$|^pre \{.*$", re.MULTILINE)
    light_code, dark_code = (plain_panel.sub("", text) for text in (light_code, dark_code))

    def colours(guard: str) -> str:
        return f"{guard} {{ {dark} }}\n" + re.sub(r"^\.code", f"{guard} .code", dark_code, flags=re.MULTILINE)

    chosen, system = colours(':root[data-theme="dark"]'), colours(':root:not([data-theme="light"])')
    by_system = f"@media screen and (prefers-color-scheme: dark) {{\n{system}\n}}\n"
    return f"{MATH_FONT}{css}{light_code}\n@media screen {{\n{chosen}\n}}\n{by_system}"  # paper is white


def contents(pages: Sequence[Page]) -> str:
    """The inner HTML of the contents page."""
    items = "".join(
        f'<li><a href="{page.file}">{html.escape(page.title)}</a><p>{html.escape(page.lead)}</p></li>' for page in pages
    )
    return (
        '<h1 id="contents">Generative models, by doing</h1>\n'
        "<p>From PCA to the variational autoencoder, in notebooks: the text, the code and what came out of it. "
        "Answers to predictions are folded, so that you can think first.</p>\n"
        f'<h2 id="notebooks">Contents</h2>\n<ul class="contents">{items}</ul>'
    )


def build_book(
    root: Path,
    out: Path,
    solutions: bool = False,
    only: Sequence[str] = (),
    copies: bool = False,
    faces: bool = True,
) -> list[Page]:
    """Write the book of the notebooks in root/solutions (`only`: those that start so) into the folder `out`.

    With `copies`, of the students' copies in root/notebooks as they stand, with what was written and came out there.
    Without `faces`, drawn ones stand in for the ORL faces, which may not be redistributed (`executed`).
    BuildError where there is none, one was not executed, or a formula has no MathML.
    """
    if copies and not faces:
        raise BuildError("a student's copy is shown as it stands: what it shows of the faces cannot be left out")
    paths = find_built(root, only, "notebooks" if copies else "solutions")
    write_assets(out, ASSETS, "book.css", "book.js")
    pages = []
    for path in paths:
        page = book_page(executed(path, faces), path.stem, out, solutions, reports=copies)
        page.lead = lead_of(page)
        pages.append(page)
    index = [
        [page.file, section.id, page.title, section.title, section.text] for page in pages for section in page.sections
    ]
    (out / "assets" / "search_index.js").write_text(
        f"const BOOK = {json.dumps(index, ensure_ascii=False)};\n", encoding="utf-8"
    )
    template = jinja2.Template((ASSETS / "page.html").read_text(encoding="utf-8"), trim_blocks=True)
    for number, page in enumerate(pages):
        text = template.render(
            title=html.escape(page.title),
            number=number,
            sections=[section for section in page.sections if section.level == 2],
            body=page.body,
            before=pages[number - 1] if number else {"file": "index.html", "title": "Contents"},
            after=pages[number + 1] if number + 1 < len(pages) else None,
        )
        (out / page.file).write_text(text, encoding="utf-8")
    start = template.render(
        title="Generative models, by doing", number=None, sections=[], body=contents(pages), before=None, after=pages[0]
    )
    (out / "index.html").write_text(start, encoding="utf-8")
    return pages


def lead_of(page: Page) -> str:
    """What a page says of itself below its heading: lecture points, minutes, exercises' points."""
    text = page.sections[0].text if page.sections else ""
    stated = re.match(r"Lecture points? .*?(?=Glossary|$)", text)
    return stated[0].strip() if stated else " ".join(text.split()[:24]) + " …"
