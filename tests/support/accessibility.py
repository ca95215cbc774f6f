"""Whether everybody can use a page, as far as axe-core can tell."""

import json

from control_plane import REPOSITORY
from playwright.sync_api import Page

AXE = REPOSITORY / "client/node_modules/axe-core/axe.min.js"


def expect_nothing_serious(page: Page, where: str = "the page") -> None:
    """axe-core finds nothing that is serious or worse; `where` is told when it does."""
    # The page's own policy lets no script in but its files; the checker is put in beside the page.
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run()")
    assert found["passes"], f"nothing was checked on {where}"
    serious = [
        (one["id"], [node["html"] for node in one["nodes"]])
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]
    assert not serious, f"{where}: {json.dumps(serious, indent=2)}"
