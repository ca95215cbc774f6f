"""The sandbox as a whole: up, down and status, each safe to call at any time and again."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from voiceagent_sandbox import requirements, servers
from voiceagent_sandbox.client import build_client, check_client
from voiceagent_sandbox.cluster import Cluster, find_nodes
from voiceagent_sandbox.engine import Engine
from voiceagent_sandbox.existing import ExistingCluster
from voiceagent_sandbox.images import ImageLoader, ImageMaker, Images, own_images, remove_images
from voiceagent_sandbox.install import ADDRESS, Installer
from voiceagent_sandbox.module_files import CRDS, ModuleFiles
from voiceagent_sandbox.node_image import NodeImage
from voiceagent_sandbox.paths import CLUSTER_NAME, Paths
from voiceagent_sandbox.process import Runner, SandboxError
from voiceagent_sandbox.progress import Progress
from voiceagent_sandbox.published import Publisher, table
from voiceagent_sandbox.rootfs import BaseImages
from voiceagent_sandbox.state import Mode, State
from voiceagent_sandbox.work_folder import remove_stale


class Sandbox:
    """One machine's sandbox. Methods raise SandboxError with a sentence for the user."""

    def __init__(self, paths: Paths, environ: dict[str, str]) -> None:
        path = f"{paths.cache / 'bin'}:{environ.get('PATH', '')}:/usr/sbin:/sbin"
        self.paths = paths
        self._environ = environ
        self._use_existing = environ.get("CLUSTER") == "existing"
        self._state = State(paths)
        self._runner = Runner(paths.cache / "logs" / "sandbox.log", {**environ, "PATH": path})
        self.progress = Progress(lambda: self._runner.last_line)

    def up(self) -> None:
        """Bring everything up, using what is there already."""
        with self._alone():
            self._require_engine()
            self._state.begin(Mode.EXISTING if self._use_existing else Mode.OWN)
            go = requirements.go_program(self.paths, self._runner, self.progress)
            built = servers.Servers(self.paths, self._runner, go)
            engine = Engine(self.paths, self._runner)
            with self.progress.step("Docker engine"):
                self.progress.note(f"  {engine.start()}")
            env = engine.env()
            bases = BaseImages(self.paths, self._runner, env, self.progress)
            built.make((servers.KIND, servers.HELM, servers.KUBECTL), self.progress)
            existing = self._existing(built) if self._use_existing else None
            if existing:
                existing.remember()
                name = existing.kind_name()
                existing.require_free()
            else:
                name = CLUSTER_NAME
                node_image = NodeImage(self.paths, self._runner, env, self.progress, built, bases, go).ensure()
            build_client(self.paths, self._runner, self.progress)
            images = ImageMaker(self.paths, self._runner, env, self.progress, built, bases).ensure()
            if not existing:
                with self.progress.step("kind cluster: one control plane, two workers"):
                    Cluster(self.paths, self._runner, env, built).up(node_image)
            kube = {**env, "KUBECONFIG": str(self.paths.kubeconfig)}
            self._install(built, images, kube, name)
            if existing:
                existing.open_door()

    def down(self) -> None:
        """Take away containers, networks, rules and processes that `up` made. The cache stays."""
        with self._alone():
            built = servers.Servers(self.paths, self._runner, "go")
            engine = Engine(self.paths, self._runner)
            cluster = Cluster(self.paths, self._runner, engine.env(), built) if engine.reachable() else None
            mode = self._state.mode() or (Mode.EXISTING if self._use_existing else None)
            if mode is None and not (cluster and cluster.remains()):
                self.progress.note("The sandbox is not up.")
                return
            if mode is Mode.EXISTING:
                self._leave_existing(built)
            elif cluster:
                with self.progress.step("Delete the cluster"):
                    cluster.down()
            with self.progress.step("Stop the sandbox's Docker engine"):
                engine.stop()
            shutil.rmtree(self.paths.run, ignore_errors=True)

    def _leave_existing(self, built: servers.Servers) -> None:
        """Take what `up` put into an existing cluster out of it, if the cluster still answers."""
        existing = self._existing(built)
        if not self.paths.kubeconfig.exists():
            existing.remember()
        with self.progress.step("Take the product out of the existing cluster"):
            existing.close_door()
            kube = {"KUBECONFIG": str(self.paths.kubeconfig)}
            if not self._runner.succeeds(built.bin / "kubectl", "get", "--raw", "/readyz", env=kube):
                self.progress.note("  It does not answer, so what is in it stays there.")
            elif existing.holds_ours():
                Installer(self.paths, self._runner, kube, built.bin, shared=True).remove()

    def _existing(self, built: servers.Servers) -> ExistingCluster:
        return ExistingCluster(self.paths, self._runner, self._environ, built.bin / "kubectl")

    def _install(self, built: servers.Servers, images: Images, kube: dict[str, str], cluster: str) -> None:
        """Bring the images into the nodes and everything into the cluster."""
        installer = Installer(self.paths, self._runner, kube, built.bin, shared=self._use_existing)
        loader = ImageLoader(self._runner, kube, built.bin / "kind", cluster)
        nodes = find_nodes(self._runner, built.bin / "kubectl", kube)
        with self.progress.step("Load the servers' and speech images"):
            loader.load([images.livekit, images.traefik, images.metrics_server], [nodes.edge])
            loader.load([images.speech], [nodes.workers[-1]])
        with self.progress.step("Install LiveKit, ingress, metrics-server and speech"):
            installer.servers(images, nodes)
        with self.progress.step("Load the product's images"):
            loader.load([images.operator, images.gateway, images.worker], list(nodes.workers))
        with self.progress.step("Install the product by its chart"):
            installer.product(images)
        with self.progress.step("Wait until everything serves"):
            installer.wait()

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
        """Have what KUBEBUILDER_ASSETS lacks of the integration tests' servers; returns the folder of those."""
        with self._alone():
            go = requirements.go_program(self.paths, self._runner, self.progress)
            built = servers.Servers(self.paths, self._runner, go)
            assets = Path(self._environ.get("KUBEBUILDER_ASSETS") or built.bin)
            given = () if assets == built.bin else servers.APISERVER_PROGRAMS
            # Assets from elsewhere are whole or not: the usual ones have no kube-controller-manager.
            built.make(
                tuple(p for p in servers.INTEGRATION_PROGRAMS if p not in given or not (assets / p.name).exists()),
                self.progress,
            )
            for crd in CRDS:
                ModuleFiles(self.paths, self._runner, go).make(crd, self.progress)
            return built.bin

    def helm(self) -> Path:
        """Have helm; returns the program."""
        with self._alone():
            built = servers.Servers(
                self.paths, self._runner, requirements.go_program(self.paths, self._runner, self.progress)
            )
            built.make((servers.HELM,), self.progress)
            return built.bin / "helm"

    def simulation_servers(self) -> Path:
        """Have what a simulated day needs beside the integration tests' servers; returns their folder."""
        with self._alone():
            go = requirements.go_program(self.paths, self._runner, self.progress)
            built = servers.Servers(self.paths, self._runner, go)
            built.make(servers.SIMULATION_PROGRAMS, self.progress)
            return built.bin

    def images(self, folder: Path, *, save: bool) -> str:
        """Build every image under its release's name; their lists, and with `save` they too, go to the folder."""
        with self._alone():
            self._require_engine()
            build_client(self.paths, self._runner, self.progress)
            engine = Engine(self.paths, self._runner)
            ran = engine.reachable()
            with self.progress.step("Docker engine"):
                self.progress.note(f"  {engine.start()}")
            try:
                env = engine.env()
                bases = BaseImages(self.paths, self._runner, env, self.progress)
                publisher = Publisher(self.paths, self._runner, env, self.progress, bases)
                sizes = publisher.build(folder)
                if save:
                    publisher.save(folder)
            finally:
                if not ran:
                    engine.stop()
                    shutil.rmtree(self.paths.run, ignore_errors=True)
        return table(sizes)

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
        requirements.require(requirements.PYTHON_NEEDS, self._runner, self.progress)

    def machine(self) -> None:
        """Have all that the tests need of the machine, named at once before anything else happens."""
        self._require_engine(*requirements.TEST_NEEDS)

    def clear_cache(self) -> None:
        """Empty the cache, and forget images of ours in an engine of the machine's. Only while the sandbox is down."""
        with self._alone():
            if self._state.mode():
                raise SandboxError("The sandbox is up; take it down first: make demo-down")
            engine = Engine(self.paths, self._runner)
            if engine.reachable():
                remove_images(own_images(self._runner, engine.env()), self._runner, engine.env())
            shutil.rmtree(self.paths.cache, ignore_errors=True)
        self.progress.note(f"Emptied {self.paths.cache}.")

    def _require_engine(self, *more: requirements.Need) -> None:
        needs = () if Engine(self.paths, self._runner).reachable() else requirements.DOCKER_NEEDS
        needs = (*requirements.PYTHON_NEEDS, *needs, *requirements.BUILD_NEEDS, *more)
        requirements.require(needs, self._runner, self.progress)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """One command at a time; a second waits, since it will find everything made."""
        self.paths.cache.mkdir(parents=True, exist_ok=True)

        def waiting() -> None:
            self.progress.note("Another sandbox command is running; waiting for it.")

        with self._runner.alone(self.paths.cache / "lock", waiting):
            remove_stale(self.paths.cache, self._runner)
            yield


def current_environment() -> dict[str, str]:
    """The environment that programs are run with."""
    return dict(os.environ)
