"""The product's version, which several files say: `version.py` tells it, `version.py 0.2.0` writes it everywhere."""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FORM = re.compile(r"\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?")
PARTS = (".", "crds", "operator", "gateway", "cli", "agent_image", "sandbox/caller", "sandbox/speech")


@dataclass(frozen=True, slots=True)
class Place:
    """A file, and what stands before the version there."""

    file: str
    before: str
    count: int = 1


PLACES = (
    *(Place(f"{part}/pyproject.toml".removeprefix("./"), '\nversion = "') for part in PARTS),
    Place("charts/voiceagent-operator/Chart.yaml", "\nversion: "),
    Place("charts/voiceagent-operator/Chart.yaml", "\nappVersion: "),
    Place("client/package.json", '\n  "version": "'),
    Place("client/package-lock.json", '\n  "version": "'),
    Place("client/package-lock.json", '"name": "voiceagent-client",\n      "version": "'),
    Place("Dockerfile", "\nARG VERSION=", 10),
)
"""Every one that must be the same."""


def found_versions(root: Path) -> dict[Place, set[str]]:
    """What each place says now."""
    return {place: set(_pattern(place).findall((root / place.file).read_text(encoding="utf-8"))) for place in PLACES}


def write_version(root: Path, version: str) -> None:
    """Have every place say the version."""
    for place in PLACES:
        file = root / place.file
        text, changed = _pattern(place).subn(f"{place.before}{version}", file.read_text(encoding="utf-8"))
        if changed != place.count:
            sys.exit(f"{place.file} has {changed} versions after {place.before.strip()!r} in place of {place.count}.")
        file.write_text(text, encoding="utf-8")


def agreed_version(root: Path) -> str:
    """The version; ends with a sentence where the places disagree."""
    found = found_versions(root)
    versions = set().union(*found.values())
    if len(versions) != 1 or not all(found.values()):
        told = ", ".join(f"{place.file}: {' and '.join(sorted(said)) or 'none'}" for place, said in found.items())
        sys.exit(f"The files disagree on the version; write one with `make version NEW=…`. They say {told}.")
    return versions.pop()


def _pattern(place: Place) -> re.Pattern[str]:
    return re.compile(re.escape(place.before) + rf"({FORM.pattern})")


if __name__ == "__main__":
    if sys.argv[1:]:
        if not FORM.fullmatch(sys.argv[1]):
            sys.exit(f"{sys.argv[1]!r} is no version; give three numbers with dots, as 0.2.0.")
        write_version(ROOT, sys.argv[1])
    print(agreed_version(ROOT))
