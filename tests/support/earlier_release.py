"""An earlier version of the product, chart and images, made from its commit: what an upgrade begins with."""

import json
import os
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from on_sandbox import Kubectl
from voiceagent_sandbox.cluster import find_nodes
from voiceagent_sandbox.engine import Engine
from voiceagent_sandbox.images import PROJECT, ImageLoader
from voiceagent_sandbox.install import RELEASE, SYSTEM_NAMESPACE
from voiceagent_sandbox.paths import REPO, default_paths
from voiceagent_sandbox.process import Runner
from voiceagent_sandbox.progress import Progress
from voiceagent_sandbox.rootfs import BaseImages

VERSION: Final = "0.1.0"
COMMIT: Final = "5adb45065d7834246c23dc7c61233d075d17faab"
"""Where the tag of that version is; by the commit, since a clone may come without tags."""
PARTS: Final = ("operator", "gateway", "worker")
PATIENCE_SECONDS: Final = 300


@dataclass(frozen=True)
class Install:
    """A chart and the values that it is installed with."""

    chart: Path
    values: Path

    def images(self) -> dict[str, str]:
        """The image of each part, with its tag."""
        values = json.loads(self.values.read_text())
        return {part: "{repository}:{tag}".format(**values[part]["image"]) for part in PARTS}


class Helm:
    """helm against the sandbox's cluster, with the sandbox's release."""

    def __init__(self, kubectl: Kubectl) -> None:
        self._program = Path(kubectl.program).with_name("helm")
        self._env = {**os.environ, "KUBECONFIG": str(kubectl.kubeconfig)}

    def __call__(self, *words: str | Path) -> str:
        """Run in the product's namespace; a failure fails the test with helm's own words."""
        done = subprocess.run(
            [self._program, "-n", SYSTEM_NAMESPACE, *words],
            env=self._env, capture_output=True, text=True, timeout=PATIENCE_SECONDS + 60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"helm {' '.join(map(str, words))}: {done.stderr}{done.stdout}"
        return done.stdout

    def bring(self, install: Install) -> None:
        """Install the release or upgrade it, and wait until it serves."""
        waits = ("--wait", "--timeout", f"{PATIENCE_SECONDS}s")
        self("upgrade", "--install", RELEASE, install.chart, "-f", install.values, *waits)

    def values(self) -> dict[str, Any]:
        """What the release was installed with."""
        values: dict[str, Any] = json.loads(self("get", "values", RELEASE, "-o", "json"))
        return values


def present(helm: Helm, folder: Path) -> Install:
    """The product as this checkout has it, and as `make sandbox-up` installed it."""
    values = folder / "present.json"
    values.write_text(json.dumps(helm.values()))
    return Install(REPO / "charts" / PROJECT, values)


def earlier(now: Install, folder: Path, kubectl: Kubectl) -> Install:
    """The earlier version with the same values, its images in the nodes. Skips where its commit is not had."""
    source = _source(folder)
    images = _images(source, kubectl)
    values = json.loads(now.values.read_text())
    for part, image in images.items():
        repository, tag = image.rsplit(":", 1)
        values[part]["image"] |= {"repository": repository, "tag": tag}
    written = folder / "earlier.json"
    written.write_text(json.dumps(values))
    return Install(source / "charts" / PROJECT, written)


def _source(folder: Path) -> Path:
    """The earlier version's files, with this checkout's web page, which is not what is looked at."""
    git = ("git", "-c", f"safe.directory={REPO}", "-C", str(REPO))
    had = subprocess.run([*git, "cat-file", "-e", f"{COMMIT}^{{tree}}"], capture_output=True, check=False)
    if had.returncode:
        pytest.skip(f"An upgrade from {VERSION} needs its commit {COMMIT[:7]}, which this checkout's history lacks.")
    archive, source = folder / "earlier.tar", folder / "earlier"
    subprocess.run([*git, "archive", "-o", archive, COMMIT], check=True, timeout=60)
    with tarfile.open(archive) as tar:
        tar.extractall(source, filter="data")
    shutil.copytree(REPO / "client" / "dist", source / "client" / "dist", dirs_exist_ok=True)
    return source


def _images(source: Path, kubectl: Kubectl) -> dict[str, str]:
    """The earlier version's images, made where they are missing, and brought into the nodes that run them."""
    paths = default_paths(dict(os.environ))
    search = f"{paths.cache / 'bin'}:{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    runner = Runner(paths.cache / "logs" / "upgrade.log", {**os.environ, "PATH": search})
    env = {**Engine(paths, runner).env(), "KUBECONFIG": str(kubectl.kubeconfig)}
    bases = BaseImages(paths, runner, env, Progress(lambda: runner.last_line))
    base = bases.python()
    images = {part: f"{PROJECT}/{part}:{VERSION}-{COMMIT[:7]}" for part in PARTS}
    for part, image in images.items():
        if not bases.exists(image):
            given = ("--network", "host", "--build-arg", f"BASE_IMAGE={base}", "--target", part, "-t", image)
            runner.run("docker", "build", "--pull=false", *given, ".", cwd=source, env=env)
    nodes = find_nodes(runner, Path(kubectl.program), env)
    loader = ImageLoader(runner, env, paths.cache / "bin" / "kind", _cluster(kubectl))
    loader.load(list(images.values()), list(nodes.workers))
    return images


def _cluster(kubectl: Kubectl) -> str:
    """kind's name for the cluster, as each node tells it: kind://docker/CLUSTER/NODE."""
    provider: str = kubectl.get("nodes")["items"][0]["spec"]["providerID"]
    return provider.split("/")[-2]
