"""The project's images as they are given to others: under their release's name, with sizes and lists of contents."""

import json
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

from voiceagent_sandbox.images import PROJECT, SOURCES
from voiceagent_sandbox.paths import Paths
from voiceagent_sandbox.process import Runner
from voiceagent_sandbox.progress import Progress
from voiceagent_sandbox.rootfs import BaseImages

LISTS = "/usr/share/voiceagent"
"""Where an image has its SBOM and its list of licences."""
MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Release:
    """What the images are of."""

    version: str
    revision: str
    """The commit; empty where git does not know."""
    epoch: str
    """When it was made, in seconds since 1970."""

    @property
    def build_args(self) -> tuple[str, ...]:
        """As `docker build` takes them."""
        said = {"VERSION": self.version, "REVISION": self.revision, "SOURCE_DATE_EPOCH": self.epoch}
        return tuple(word for name, value in said.items() for word in ("--build-arg", f"{name}={value}"))


def release_of(repo: Path) -> Release:
    """The release that a checkout is of."""
    project = tomllib.loads((repo / "crds" / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    described = _git(repo, "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")
    return Release(project["version"], described, _git(repo, "log", "-1", "--format=%ct"))


class Publisher:
    """Builds every target and tells what came out."""

    def __init__(
        self, paths: Paths, runner: Runner, env: dict[str, str], progress: Progress, bases: BaseImages
    ) -> None:
        self._paths = paths
        self._runner = runner
        self._env = env
        self._progress = progress
        self._bases = bases

    def build(self, folder: Path) -> dict[str, int]:
        """Build all, and write their lists of contents and `sizes.json` below the folder; sizes in bytes by target."""
        release = release_of(self._paths.repo)
        base = self._bases.python()
        sizes = {}
        for target in SOURCES:
            name = f"{PROJECT}/{target}:{release.version}"
            words = ("--network", "host", "--build-arg", f"BASE_IMAGE={base}", "--target", target, "-t", name)
            with self._progress.step(f"Build the {target} image"):
                self._docker("build", "--pull=false", *release.build_args, *words, ".")
            self._take_lists(name, folder / target)
            sizes[target] = int(self._docker("image", "inspect", "--format", "{{.Size}}", name))
        (folder / "sizes.json").write_text(json.dumps(sizes, indent=1) + "\n", encoding="utf-8")
        return sizes

    def save(self, folder: Path) -> None:
        """Write each as an archive that `docker load` takes."""
        release = release_of(self._paths.repo)
        for target in SOURCES:
            with self._progress.step(f"Save the {target} image"):
                archive = folder / f"{PROJECT}-{target}-{release.version}.tar"
                self._docker("save", "-o", str(archive), f"{PROJECT}/{target}:{release.version}")

    def _take_lists(self, image: str, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        container = self._docker("create", image).strip()
        try:
            self._docker("cp", f"{container}:{LISTS}/.", str(folder))
        finally:
            self._docker("rm", container)

    def _docker(self, *words: str) -> str:
        return self._runner.run("docker", *words, cwd=self._paths.repo, env=self._env)


def table(sizes: dict[str, int]) -> str:
    """The sizes as a table in Markdown. Pure."""
    rows = [f"| `{target}` | {round(size / MEGABYTE)} MB |" for target, size in sizes.items()]
    return "\n".join(["| image | size, unpacked |", "|---|---|", *rows])


def _git(repo: Path, *words: str) -> str:
    try:
        done = subprocess.run(["git", *words], cwd=repo, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
