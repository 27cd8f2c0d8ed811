"""axe-core in a page: its violations of WCAG 2.2, levels A and AA, and the same rules as a list to compare with []."""

from pathlib import Path

import axe_playwright_python

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# Without preload: axe would fetch the style sheet anew, which file:// forbids. Without selectors, and without lists of
# what passes, which take a third of the time on a long page: nobody here reads them.
RULES = f"{{preload: false, selectors: false, resultTypes: ['violations'], runOnly: {{type: 'tag', values: {TAGS}}}}}"


def violations(page, inside="document"):
    """What axe-core finds in `inside` (JavaScript: a node, or axe's {include: ..., exclude: ...}), with its places."""
    if not page.evaluate("typeof axe !== 'undefined'"):
        page.evaluate(AXE.read_text(encoding="utf-8") + "\n0")
    found = page.evaluate(f"async () => (await axe.run({inside}, {RULES})).violations")
    return [(v["id"], len(v["nodes"]), v["nodes"][0]["html"][:200], v["nodes"][0]["failureSummary"]) for v in found]
