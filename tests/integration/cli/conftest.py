"""The command line as a process, before a real API server, with a real operator and a real gateway beside it."""

import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from control_plane import ADMINISTRATOR, REPOSITORY, Cluster, control_plane
from processes import free_port

INSTALL = {
    "workerImage": "worker.test/voiceagent-worker:1",
    "livekit": {"url": "ws://livekit.test:7880"},
}
MANIFEST = (REPOSITORY / "crds/examples/receptionist.yaml").read_text(encoding="utf-8")
AGES = re.compile(r"\b\d+[smhd]\b")


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def timeless(self) -> str:
        """The answer with every age the same."""
        return AGES.sub("0s", self.out)


@dataclass
class Desk:
    """A person with a kubeconfig, a folder and a namespace of their own."""

    cluster: Cluster
    folder: Path
    namespace: str
    kubeconfig: Path
    environment: dict[str, str] = field(default_factory=dict)

    def voiceagent(self, *words: str, program: str = "voiceagent") -> Done:
        """Run a command in the namespace, without a terminal."""
        command = [str(Path(sys.executable).with_name(program)), *words]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=self.folder, env=self.env, timeout=90
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Done(done.returncode, done.stdout, done.stderr)

    @property
    def env(self) -> dict[str, str]:
        return {**os.environ, "KUBECONFIG": str(self.kubeconfig), "COLUMNS": "120", **self.environment}

    def write(self, text: str = MANIFEST, name: str = "agent.yaml") -> Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def apply(self, name: str = "receptionist", **spec: Any) -> None:
        """What somebody else applies."""
        document = yaml.safe_load(MANIFEST)
        document["metadata"] = {"name": name, "namespace": self.namespace}
        document["spec"] |= spec
        self.cluster.apply(document, "voiceagents")

    def ready(self, name: str = "receptionist") -> None:
        """What an operator would say of an agent that takes calls."""
        condition = {
            "type": "Ready", "status": "True", "reason": "Ready", "message": "Ready for calls.",
            "lastTransitionTime": "2026-05-04T12:00:00Z",
        }  # fmt: skip
        status = {"agentName": f"{self.namespace}-{name}", "readySummary": "1/1", "readyReplicas": 1}
        path = f"/apis/voiceagents.dev/v1alpha1/namespaces/{self.namespace}/voiceagents/{name}/status"
        self.cluster.merge(path, {"status": {**status, "conditions": [condition]}})

    def secret(self, name: str, **values: str) -> None:
        body = {"metadata": {"name": name}, "stringData": values}
        self.cluster.post(f"/api/v1/namespaces/{self.namespace}/secrets", body)

    def agent(self, name: str = "receptionist") -> dict[str, Any]:
        found = self.cluster.get("voiceagents", name, self.namespace)
        assert found is not None
        return found


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One of its own: what these tests say of agents no other test's operator is to contradict."""
    with control_plane(tmp_path_factory.mktemp("cluster")) as started:
        started.start_controllers()
        yield started


@pytest.fixture
def desk(cluster: Cluster, tmp_path: Path) -> Iterator[Desk]:
    """An administrator, whose context names a namespace."""
    namespace = f"cli-{uuid.uuid4().hex[:8]}"
    cluster.post("/api/v1/namespaces", {"metadata": {"name": namespace}})
    yield Desk(cluster, tmp_path, namespace, _in_namespace(cluster.kubeconfig(*ADMINISTRATOR), namespace, tmp_path))
    cluster.do("--namespace", namespace, "delete", "voiceagents", "--all", "--wait=false")


@pytest.fixture
def stranger(cluster: Cluster, desk: Desk, tmp_path: Path) -> Desk:
    """Somebody who may do nothing, in the same namespace."""
    (tmp_path / "stranger").mkdir()
    kubeconfig = _in_namespace(cluster.kubeconfig("stranger"), desk.namespace, tmp_path / "stranger")
    return Desk(cluster, tmp_path, desk.namespace, kubeconfig)


@pytest.fixture
def operator(cluster: Cluster, tmp_path: Path) -> Iterator[None]:
    """The operator, for as long as the test."""
    arguments = ("--health-host", "127.0.0.1", "--health-port", "{port}")
    with _running(cluster, "voiceagent_operator", tmp_path, INSTALL, arguments):
        yield


@pytest.fixture
def gateway(cluster: Cluster, tmp_path: Path) -> Callable[..., AbstractContextManager[str]]:
    """Runs a gateway within a block, which gets its address; settings are those of the install's gateway."""

    @contextmanager
    def run(host: str = "127.0.0.1", **settings: Any) -> Iterator[str]:
        arguments = ("--host", host, "--port", "{port}", "--own-namespace", "default")
        install = {**INSTALL, "gateway": settings}
        with _running(cluster, "voiceagent_gateway", tmp_path, install, arguments, host) as port:
            yield f"http://{host}:{port}"

    return run


@contextmanager
def _running(
    cluster: Cluster,
    package: str,
    folder: Path,
    install: dict[str, Any],
    arguments: tuple[str, ...],
    host: str = "127.0.0.1",
) -> Iterator[int]:
    port, config, log = free_port(), folder / f"{package}.yaml", folder / f"{package}.log"
    config.write_text(yaml.safe_dump(install))
    command = [sys.executable, "-m", package, "--config", str(config), *(one.format(port=port) for one in arguments)]
    environment = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig(*ADMINISTRATOR))}
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, env=environment)
    try:
        cluster.until(lambda: process.poll() is not None or _answers(host, port), f"{package} is ready", 90)
        assert process.poll() is None, log.read_text()
        yield port
    finally:
        process.terminate()
        process.wait(30)


def _answers(host: str, port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{host}:{port}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.HTTPError, OSError):
        return False


def _in_namespace(kubeconfig: Path, namespace: str, folder: Path) -> Path:
    document = yaml.safe_load(kubeconfig.read_text())
    document["contexts"][0]["context"]["namespace"] = namespace
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(document))
    return path
