"""The packages that the web client is made of, by its lock file: those of the page, not those that build it."""

import json
from collections.abc import Iterator
from pathlib import Path

from components import Component
from licences import licence_of

FOLDER = "node_modules/"


def npm_packages(lock: Path) -> Iterator[Component]:
    """By name; a package that is there for development only is left out."""
    packages = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    for place, one in sorted(packages.items()):
        if FOLDER not in place or one.get("dev") or one.get("devOptional") or one.get("optional"):
            continue
        name, version = place.rpartition(FOLDER)[2], one["version"]
        licence = licence_of(one.get("license", ""), "the package's own files")
        yield Component("npm", name, version, licence, f"pkg:npm/{name.replace('@', '%40')}@{version}")
