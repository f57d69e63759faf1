"""axe-core, the usual engine for accessibility rules, on a page of a browser test."""

from pathlib import Path
from typing import Any

AXE = Path(__file__).resolve().parents[1] / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def violations(page: Any) -> list[str]:
    """Return scheme, rule and place of each finding on Playwright's page, dark and light.

    Raises FileNotFoundError where the front end's packages are not installed: run `make setup`.
    """
    page.evaluate(AXE.read_text())
    found: list[str] = []
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        rules = "(tags) => axe.run(document, {runOnly: tags, resultTypes: ['violations']})"
        for violation in page.evaluate(rules, RULES)["violations"]:
            for node in violation["nodes"][:4]:
                why = node["any"][0]["message"] if node["any"] else ""
                found.append(f"{scheme}: {violation['id']}: {node['html'][:120]} {why}")
    return found
