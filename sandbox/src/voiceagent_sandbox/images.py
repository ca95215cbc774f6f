"""The project's own images and those of the sandbox's servers: named by their content, so made only when it changed."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from voiceagent_sandbox import servers
from voiceagent_sandbox.paths import Paths, content_hash
from voiceagent_sandbox.process import Runner
from voiceagent_sandbox.progress import Progress
from voiceagent_sandbox.rootfs import BaseImages
from voiceagent_sandbox.work_folder import work_folder

PROJECT = "voiceagent-operator"
OWN_NAMES = (f"{PROJECT}/", "voiceagent-base:", "voiceagent-node:", "voiceagent-node-root:")
KEPT_TAGS = 4
CRDS = ("crds/src", "crds/pyproject.toml", "crds/hatch_build.py")
SOURCES = {
    "operator": (*CRDS, "operator", "locks/operator.txt"),
    "gateway": (*CRDS, "gateway", "client/dist", "client/package-lock.json", "locks/gateway.txt"),
    "worker": (*CRDS, "agent_image", "locks/worker.txt"),
    "worker-full": (*CRDS, "agent_image", "locks/worker-full.txt"),
    "speech": ("sandbox/speech", "locks/speech.txt"),
}
"""What each target of the Dockerfile is made of."""
USED = ("operator", "gateway", "worker", "speech")
"""Those that the sandbox's cluster runs."""
SHARED_SOURCES = (
    "Dockerfile",
    "locks/tools.txt",
    "tools/strip_base.sh",
    "tools/install_parts.sh",
    "tools/list_packages.sh",
    "tools/sbom",
)
SERVER_IMAGES = (servers.LIVEKIT, servers.TRAEFIK, servers.METRICS_SERVER)


@dataclass(frozen=True, slots=True)
class Images:
    """The names of all images that the sandbox's cluster runs."""

    operator: str
    gateway: str
    worker: str
    speech: str
    livekit: str
    traefik: str
    metrics_server: str


class ImageMaker:
    """Makes what is missing."""

    def __init__(
        self,
        paths: Paths,
        runner: Runner,
        env: dict[str, str],
        progress: Progress,
        built: servers.Servers,
        bases: BaseImages,
    ) -> None:
        self._paths = paths
        self._runner = runner
        self._env = env
        self._progress = progress
        self._built = built
        self._bases = bases

    def ensure(self) -> Images:
        """All images, each made when it is not here yet."""
        base = self._bases.python()
        mine = {target: self._project_image(target, base) for target in USED}
        theirs = {program.name.replace("-", "_"): self._server_image(program) for program in SERVER_IMAGES}
        old = outdated(own_images(self._runner, self._env), {base, *mine.values(), *theirs.values()})
        remove_images(old, self._runner, self._env)
        return Images(
            **mine,
            livekit=theirs["livekit_server"],
            traefik=theirs["traefik"],
            metrics_server=theirs["metrics_server"],
        )

    def _project_image(self, target: str, base: str) -> str:
        repo = self._paths.repo
        # Not by the commit, which most images do not change with: an image tells the one that it was made at.
        sources = [repo / name for name in (*SHARED_SOURCES, *SOURCES[target])]
        tag = f"{PROJECT}/{target}:{content_hash(sources, base, target)}"
        if not self._bases.exists(tag):
            with self._progress.step(f"Make the {target} image"):
                arguments = (
                    "--network",
                    "host",
                    "--build-arg",
                    f"BASE_IMAGE={base}",
                    "--target",
                    target,
                    "-t",
                    tag,
                )
                self._runner.run("docker", "build", "--pull=false", *arguments, ".", cwd=repo, env=self._env)
        return tag

    def _server_image(self, program: servers.Program) -> str:
        self._built.make((program,), self._progress)
        binary = self._built.path(program)
        tag = f"{PROJECT}/sandbox-{program.name}:{binary.parent.name.rsplit('-', 1)[-1]}"
        if not self._bases.exists(tag):
            with (
                self._progress.step(f"Make the {program.name} image"),
                work_folder(self._paths.cache, "image-", self._runner) as context,
            ):
                shutil.copy(binary, context / "program")
                (context / "Dockerfile").write_text('FROM scratch\nCOPY program /program\nENTRYPOINT ["/program"]\n')
                self._runner.run("docker", "build", "--pull=false", "-t", tag, context, env=self._env)
        return tag


def names_of(listed: str) -> list[str]:
    """The project's images among `repository:tag` lines: those that this package has made, and none that it pulled."""
    return [name for name in listed.split() if name.startswith(OWN_NAMES)]


def outdated(names: list[str], kept: set[str]) -> list[str]:
    """What to forget of names that are listed newest first: all but the newest of each repository, and `kept`.

    Several, since more than one checkout of the project may use the same engine. Releases, which have a version in
    place of a hash, are nobody's to forget.
    """
    seen: dict[str, int] = {}
    old = []
    for name in names:
        repository, tag = name.rsplit(":", 1)
        if "." in tag:
            continue
        seen[repository] = seen.get(repository, 0) + 1
        if seen[repository] > KEPT_TAGS and name not in kept:
            old.append(name)
    return old


def own_images(runner: Runner, env: dict[str, str]) -> list[str]:
    """The images in the engine that this package has made, newest first."""
    return names_of(runner.run("docker", "images", "--format", "{{.Repository}}:{{.Tag}}", env=env))


def remove_images(names: list[str], runner: Runner, env: dict[str, str]) -> None:
    """Take these names away; an image that a container still uses stays."""
    for name in names:
        runner.succeeds("docker", "rmi", name, env=env)


class ImageLoader:
    """Brings images into the nodes that run them."""

    def __init__(self, runner: Runner, env: dict[str, str], kind: Path, cluster: str) -> None:
        self._runner = runner
        self._env = env
        self._kind = kind
        self._cluster = cluster

    def load(self, images: list[str], nodes: list[str]) -> int:
        """Load what any of the nodes lacks into all of them, and return how many images were loaded."""
        missing = [image for image in images if not all(image in self._present(node) for node in nodes)]
        if missing:
            load = ("load", "docker-image", *missing, "--name", self._cluster, "--nodes", ",".join(nodes))
            self._runner.run(self._kind, *load, env=self._env)
        return len(missing)

    def _present(self, node: str) -> str:
        """The images that a node has, as containerd names them, a line each."""
        return self._runner.run("docker", "exec", node, "ctr", "-n", "k8s.io", "images", "ls", "-q", env=self._env)
