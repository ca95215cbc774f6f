"""The sandbox as a whole: up, down and status, each safe to call at any time and again."""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from voiceagent_sandbox import requirements, servers
from voiceagent_sandbox.client import build_client, check_client
from voiceagent_sandbox.cluster import CONTROL_PLANE, WORKERS, Cluster
from voiceagent_sandbox.engine import Engine
from voiceagent_sandbox.images import ImageLoader, ImageMaker
from voiceagent_sandbox.install import ADDRESS, Installer
from voiceagent_sandbox.node_image import NodeImage
from voiceagent_sandbox.paths import CLUSTER_NAME, Paths
from voiceagent_sandbox.process import Runner, SandboxError
from voiceagent_sandbox.progress import Progress
from voiceagent_sandbox.rootfs import BaseImages


class Sandbox:
    """One machine's sandbox. Methods raise SandboxError with a sentence for the user."""

    def __init__(self, paths: Paths, environ: dict[str, str]) -> None:
        path = f"{paths.cache / 'bin'}:{environ.get('PATH', '')}:/usr/sbin:/sbin"
        self.paths = paths
        self._runner = Runner(paths.cache / "logs" / "sandbox.log", {**environ, "PATH": path})
        self.progress = Progress(lambda: self._runner.last_line)

    def up(self) -> None:
        """Bring everything up, using what is there already."""
        with self._alone():
            self._require_engine()
            go = requirements.go_program(self.paths, self._runner, self.progress)
            built = servers.Servers(self.paths, self._runner, go)
            engine = Engine(self.paths, self._runner)
            with self.progress.step("Docker engine"):
                self.progress.note(f"  {engine.start()}")
            env = engine.env()
            bases = BaseImages(self.paths, self._runner, env, self.progress)
            built.make((servers.KIND, servers.HELM, servers.KUBECTL), self.progress)
            node_image = NodeImage(self.paths, self._runner, env, self.progress, built, bases, go).ensure()
            build_client(self.paths, self._runner, self.progress)
            images = ImageMaker(self.paths, self._runner, env, self.progress, built, bases).ensure()
            cluster = Cluster(self.paths, self._runner, env, built)
            with self.progress.step("kind cluster: one control plane, two workers"):
                cluster.up(node_image)
            kube = {**env, "KUBECONFIG": str(self.paths.kubeconfig)}
            installer = Installer(self.paths, self._runner, kube, built.bin)
            loader = ImageLoader(self._runner, kube, built.bin / "kind", CLUSTER_NAME)
            with self.progress.step("Load the servers' and speech images"):
                loader.load([images.livekit, images.traefik, images.metrics_server], [CONTROL_PLANE])
                loader.load([images.speech], [WORKERS[1]])
            with self.progress.step("Install LiveKit, ingress, metrics-server and speech"):
                installer.servers(images, WORKERS[1])
            with self.progress.step("Load the product's images"):
                loader.load([images.operator, images.gateway, images.worker], list(WORKERS))
            with self.progress.step("Install the product by its chart"):
                installer.product(images)
            with self.progress.step("Wait until everything serves"):
                installer.wait()

    def down(self) -> None:
        """Take away containers, networks, rules and processes that `up` made. The cache stays."""
        if not self.paths.run.exists():
            self.progress.note("The sandbox is not up.")
            return
        with self._alone():
            built = servers.Servers(self.paths, self._runner, "go")
            engine = Engine(self.paths, self._runner)
            if engine.reachable():
                with self.progress.step("Delete the cluster"):
                    Cluster(self.paths, self._runner, engine.env(), built).down()
            with self.progress.step("Stop the sandbox's Docker engine"):
                engine.stop()
            shutil.rmtree(self.paths.run, ignore_errors=True)

    def status(self) -> str:
        """What is up, as text. Raises SandboxError when nothing is."""
        if not self.paths.kubeconfig.exists():
            raise SandboxError("The sandbox is not up. Start it with: make sandbox-up")
        kubectl = self.paths.cache / "bin" / "kubectl"
        said = self._runner.run(
            *(kubectl, "get", "nodes,pods,voiceagents", "-A"), env={"KUBECONFIG": str(self.paths.kubeconfig)}
        )
        return f"{said}\nWeb client and gateway: {ADDRESS}\nexport KUBECONFIG={self.paths.kubeconfig}"

    def logs(self, part: str) -> str:
        """The last lines of a part's pods (operator, gateway, agents, livekit, speech, traefik)."""
        selectors = {
            "operator": ("voiceagents-system", "app.kubernetes.io/name=voiceagent-controller"),
            "gateway": ("voiceagents-system", "app.kubernetes.io/name=voiceagent-gateway"),
            "agents": ("default", "app.kubernetes.io/name=voiceagent"),
            "livekit": ("livekit", "app=livekit"),
            "speech": ("speech", "app=speech"),
            "traefik": ("ingress", "app=traefik"),
        }
        if part not in selectors:
            raise SandboxError(f"There is no part {part!r}; choose one of {', '.join(selectors)}.")
        namespace, selector = selectors[part]
        kubectl = self.paths.cache / "bin" / "kubectl"
        return self._runner.run(
            *(kubectl, "-n", namespace, "logs", "-l", selector, "--tail=200", "--prefix"),
            env={"KUBECONFIG": str(self.paths.kubeconfig)},
        )

    def integration_servers(self) -> Path:
        """Have etcd, the API server, kubectl and livekit-server here; returns their folder."""
        with self._alone():
            go = requirements.go_program(self.paths, self._runner, self.progress)
            built = servers.Servers(self.paths, self._runner, go)
            built.make(servers.INTEGRATION_PROGRAMS, self.progress)
            return built.bin

    def client(self) -> None:
        """Build the web client's files."""
        with self._alone():
            build_client(self.paths, self._runner, self.progress)

    def check_client(self) -> str:
        """Check and test the web client's modules."""
        with self._alone():
            return check_client(self.paths, self._runner, self.progress)

    def python_venv(self) -> None:
        """Have Python's venv module, which Debian packages apart."""
        requirements.install(("python3-venv",), self._runner, self.progress)

    def browser(self) -> None:
        """Have a Chromium for the browser tests."""
        requirements.require(requirements.TEST_NEEDS, self._runner, self.progress)

    def clear_cache(self) -> None:
        """Empty the cache. Only while the sandbox is down, since the engine's images are in it."""
        if self.paths.run.exists():
            raise SandboxError("The sandbox is up; take it down first: make demo-down")
        shutil.rmtree(self.paths.cache, ignore_errors=True)
        self.progress.note(f"Emptied {self.paths.cache}.")

    def _require_engine(self) -> None:
        needs = () if Engine(self.paths, self._runner).reachable() else requirements.DOCKER_NEEDS
        requirements.require((*needs, *requirements.BUILD_NEEDS), self._runner, self.progress)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """One command at a time; a second waits, since it will find everything made."""
        self.paths.cache.mkdir(parents=True, exist_ok=True)
        self.paths.run.mkdir(parents=True, exist_ok=True)
        with (self.paths.cache / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.progress.note("Another sandbox command is running; waiting for it.")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def current_environment() -> dict[str, str]:
    """The environment that programs are run with."""
    return dict(os.environ)
