"""Checks pages by axe-core, the engine of most accessibility tools."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

# Its tags of all success criteria of WCAG 2.2 AA, which include those of earlier versions.
WCAG_2_2_AA = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
OPTIONS = {
    "runOnly": {"type": "tag", "values": WCAG_2_2_AA},
    "resultTypes": ["violations"],
    # It would copy imported styles into the page, which violates the page's policy.
    "preload": False,
    # Off by default, as long as WCAG 2.2 is new.
    "rules": {"target-size": {"enabled": True}},
}
END_TRANSITIONS = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("*, *::before, *::after { transition: none !important }");
  document.adoptedStyleSheets = [sheet];
}"""


def violations(page: Page) -> list[str]:
    """Return a line for each element that violates WCAG 2.2 AA."""
    # Colours that are just changing are no page's.
    page.evaluate(END_TRANSITIONS)
    found = Axe().run(page, options=OPTIONS).response["violations"]
    return [
        f"{rule['id']}: {' '.join(map(str, node['target']))}: {_summary(node)}"
        for rule in found
        for node in rule["nodes"]
    ]


def _summary(node: dict[str, str]) -> str:
    return " ".join(node["failureSummary"].split())
