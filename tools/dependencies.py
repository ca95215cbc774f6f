"""Prints what the given parts need from PyPI: their pyproject's dependencies but for the project's own packages.

Usage: dependencies.py FOLDER... ; a folder's `[dependency-groups]` named `dev` count too. Used where only the
dependencies are wanted: the image's first layer, and the constraints file.
"""

import sys
import tomllib
from pathlib import Path

OWN = "voiceagent-"


def external_dependencies(folder: Path) -> set[str]:
    """The requirement lines of one part that are not parts of this project."""
    data = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    named = {
        *data.get("project", {}).get("dependencies", ()),
        *data.get("dependency-groups", {}).get("dev", ()),
    }
    return {line for line in named if not line.startswith(OWN)}


if __name__ == "__main__":
    print("\n".join(sorted(set().union(*(external_dependencies(Path(name)) for name in sys.argv[1:])))))
