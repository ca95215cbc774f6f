"""Makes the chart's Grafana dashboards: `python tools/dashboards`, or with --check tells whether they have drifted."""

import json
import sys
from pathlib import Path

import agent_page
import fleet_page
import gateway_page
import operator_page

FOLDER = Path(__file__).resolve().parents[2] / "charts" / "voiceagent-operator" / "files" / "dashboards"
PAGES = {
    "fleet": fleet_page.PAGE,
    "agent": agent_page.PAGE,
    "operator": operator_page.PAGE,
    "gateway": gateway_page.PAGE,
}


def main(arguments: list[str]) -> int:
    """Write the files, or hold them against what would be written."""
    drifted = []
    for name, page in PAGES.items():
        file = FOLDER / f"{name}.json"
        text = json.dumps(page, indent=1, ensure_ascii=False) + "\n"
        if "--check" not in arguments:
            file.write_text(text, encoding="utf-8")
        elif not file.is_file() or file.read_text(encoding="utf-8") != text:
            drifted.append(file.name)
    if drifted:
        print(
            f"The dashboards {', '.join(drifted)} have drifted from tools/dashboards; run: make crds", file=sys.stderr
        )
    return 1 if drifted else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
