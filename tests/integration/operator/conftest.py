"""The operator as a process of its own, with the rights of operator/rbac.yaml, on the control plane."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from control_plane import GROUPS
from processes import free_port

REPOSITORY = Path(__file__).resolve().parents[3]
OPERATOR_USER = "voiceagent-operator"
INSTALL = {
    "workerImage": "worker.test/voiceagent-worker:1",
    "livekit": {"url": "ws://livekit.test:7880"},
    "providers": {"llm.openai": {"baseURL": "http://speech.test/v1"}},
}


@dataclass
class OperatorProcess:
    """The operator, as its pod would run it."""

    cluster: Any
    install: Path
    arguments: tuple[str, ...] = ()
    program: tuple[str | Path, ...] = ("-m", "voiceagent_operator")
    """What Python runs."""
    user: str = OPERATOR_USER
    """Whom the API server takes it for."""
    port: int = 0
    kubeconfig: Path | None = None
    """Where it is not the user's own."""
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.install.with_suffix(".log")

    def start(self) -> None:
        self.launch()
        self.cluster.until(lambda: self.asks("/readyz") == 200, "the operator is ready", 60)

    def launch(self) -> None:
        """Start it without waiting for anything."""
        self.port = free_port()
        command = [sys.executable, *self.program, "--config", self.install, *self.arguments]
        command += ["--health-host", "127.0.0.1", "--health-port", str(self.port)]
        environment = {
            **os.environ,
            "KUBECONFIG": str(self.kubeconfig or self.cluster.kubeconfig(self.user)),
            "PYTHONDONTWRITEBYTECODE": "",
            "PYTHONPYCACHEPREFIX": str(self.cluster.folder / "bytecode"),
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [str(word) for word in command], stdin=subprocess.PIPE, stdout=log, stderr=log, env=environment
            )

    def tell(self, line: str) -> None:
        """Write to its standard input."""
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode())
        self.process.stdin.flush()

    def kill(self) -> None:
        """End it as a lost node would: at once and without a word."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(20)
        self.process = None

    def stop(self) -> float:
        """End it as a kubelet would; returns how long it took."""
        if self.process is None:
            return 0.0
        began = time.monotonic()
        self.process.terminate()
        assert self.process.wait(20) == 0, self.log.read_text()[-3000:]
        self.process = None
        return time.monotonic() - began

    def number(self, metric: str) -> int:
        """One of the numbers on /metrics."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=2) as answer:
            lines = answer.read().decode().splitlines()
        return int(sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(metric)))

    def writes(self) -> int:
        """How many requests that write something it has sent."""
        return sum(
            self.number(f'voiceagent_operator_api_request_seconds_count{{method="{method}"}}')
            for method in ("PATCH", "POST", "PUT", "DELETE")
        )

    def asks(self, path: str) -> int:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=2) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0


@dataclass(frozen=True)
class Space:
    """A namespace of one test, with the Secrets that an agent needs."""

    cluster: Any
    name: str

    def manifest(self, name: str = "receptionist", **spec: Any) -> dict[str, Any]:
        """The example's VoiceAgent with some of its spec changed."""
        document = yaml.safe_load((REPOSITORY / "crds/examples/receptionist.yaml").read_text())
        document["metadata"] = {"name": name, "namespace": self.name}
        document["spec"] |= spec
        return document

    def apply(self, name: str = "receptionist", **spec: Any) -> None:
        self.cluster.apply(self.manifest(name, **spec), "voiceagents")

    def secret(self, name: str, **values: str) -> None:
        body = {"metadata": {"name": name}, "stringData": values}
        self.cluster.post(f"/api/v1/namespaces/{self.name}/secrets", body)

    def do(self, *arguments: str, text: str | None = None) -> str:
        return str(self.cluster.do("--namespace", self.name, *arguments, text=text))

    def get(self, kind: str, name: str = "receptionist") -> dict[str, Any] | None:
        found: dict[str, Any] | None = self.cluster.get(kind, name, self.name)
        return found

    def list(self, kind: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.cluster.list(kind, self.name)
        return found

    def condition(self, kind: str = "Ready", name: str = "receptionist") -> dict[str, Any]:
        """A condition as it is now; empty where it is not there yet or of an earlier generation."""
        agent = self.get("voiceagents", name) or {}
        conditions = agent.get("status", {}).get("conditions", [])
        now = agent.get("metadata", {}).get("generation")
        return next((c for c in conditions if c["type"] == kind and c["observedGeneration"] == now), {})

    def until_reason(self, reason: str, kind: str = "Ready", name: str = "receptionist") -> dict[str, Any]:
        """The condition once it gives this reason."""

        def look() -> dict[str, Any] | None:
            condition = self.condition(kind, name)
            return condition if condition.get("reason") == reason else None

        found: dict[str, Any] = self.cluster.until(look, f"{kind} with reason {reason}")
        return found

    def until_deployed(self, name: str = "receptionist") -> dict[str, Any]:
        """The Deployment once its controller has taken it up and the operator has told so."""

        def told() -> bool:
            agent = self.get("voiceagents", name) or {}
            return bool(agent["spec"]["replicas"] == agent.get("status", {}).get("updatedReplicas"))

        self.until_reason("PodsNotReady", name=name)
        self.cluster.until(told, "the Deployment's controller has made its pods")
        return self.get("deployments", name) or {}

    def serve(self, name: str = "receptionist", *, selected: bool = False, address: str | None = None) -> None:
        """Stand in for the nodes until a rollout is done: its pods are ready; all of the namespace's, or its own."""
        ready: dict[str, Any] = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
        if address:
            ready |= {"podIP": address, "podIPs": [{"ip": address}]}
        served: set[str] = set()

        def done() -> bool:
            for pod in self.cluster.list("pods", self.name, f"voiceagents.dev/agent={name}" if selected else ""):
                meta = pod["metadata"]
                if "deletionTimestamp" in meta or meta["uid"] in served:
                    continue
                try:
                    path = f"/api/v1/namespaces/{self.name}/pods/{meta['name']}/status"
                    self.cluster.merge(path, {"status": ready})
                except urllib.error.HTTPError as error:
                    if error.code != 404:
                        raise
                served.add(meta["uid"])
            return self._rolled_out(name)

        self.cluster.until(done, "pods ready, and earlier ones gone")

    def _rolled_out(self, name: str) -> bool:
        """Whether the Deployment has its newest pods only, and the operator has told so."""
        deployment, agent = self.get("deployments", name) or {}, self.get("voiceagents", name) or {}
        wanted, seen = deployment["spec"]["replicas"], deployment.get("status", {})
        counts = [seen.get(field, 0) for field in ("replicas", "updatedReplicas", "readyReplicas")]
        return bool(
            seen.get("observedGeneration") == deployment["metadata"]["generation"]
            and counts == [wanted] * 3
            and agent.get("status", {}).get("readyReplicas") == wanted
        )


@pytest.fixture(scope="session")
def rights(cluster: Any) -> None:
    """The operator's user, allowed just what operator/rbac.yaml allows."""
    cluster.do("apply", "-f", str(REPOSITORY / "operator/rbac.yaml"))
    cluster.do(
        "create", "clusterrolebinding", OPERATOR_USER, f"--clusterrole={OPERATOR_USER}", f"--user={OPERATOR_USER}"
    )


@pytest.fixture(scope="session")
def _common_operator(cluster: Any, rights: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OperatorProcess]:
    install = tmp_path_factory.mktemp("operator") / "install.yaml"
    install.write_text(yaml.safe_dump(INSTALL))
    process = OperatorProcess(cluster, install)
    yield process
    process.stop()


@pytest.fixture
def operator(_common_operator: OperatorProcess) -> OperatorProcess:
    """An operator that serves the whole cluster, and goes on from test to test."""
    if _common_operator.process is None:
        _common_operator.start()
    return _common_operator


@pytest.fixture
def new_operator(_common_operator: OperatorProcess, cluster: Any, tmp_path: Path) -> Iterator[Any]:
    """Makes operators of a test's own; no other one runs beside them."""
    _common_operator.stop()
    made: list[OperatorProcess] = []

    def make(*arguments: str, **install: Any) -> OperatorProcess:
        path = tmp_path / f"install-{len(made)}.yaml"
        path.write_text(yaml.safe_dump({**INSTALL, **install}))
        made.append(OperatorProcess(cluster, path, arguments))
        return made[-1]

    yield make
    for process in made:
        process.stop()


@pytest.fixture(scope="session")
def crd_manifest() -> dict[str, Any]:
    """The CRD as it is shipped."""
    document: dict[str, Any] = yaml.safe_load((REPOSITORY / "crds/voiceagents.yaml").read_text())
    return document


def _new_space(cluster: Any) -> Iterator[Space]:
    name = f"test-{uuid.uuid4().hex[:8]}"
    cluster.post("/api/v1/namespaces", {"metadata": {"name": name}})
    yield Space(cluster, name)
    # By one request: kubectl sends one for each agent, and some tests leave hundreds.
    cluster.call("DELETE", f"/{GROUPS['voiceagents']}/namespaces/{name}/voiceagents")


@pytest.fixture
def bare_space(cluster: Any) -> Iterator[Space]:
    """A namespace without any Secret."""
    yield from _new_space(cluster)


@pytest.fixture
def other_space(cluster: Any) -> Iterator[Space]:
    """Another namespace without any Secret."""
    yield from _new_space(cluster)


@pytest.fixture
def third_space(cluster: Any) -> Iterator[Space]:
    """A third namespace without any Secret."""
    yield from _new_space(cluster)


@pytest.fixture
def space(bare_space: Space) -> Space:
    """A namespace with the Secrets of the example."""
    bare_space.secret("livekit", LIVEKIT_API_KEY="key", LIVEKIT_API_SECRET="livekit-secret-value")
    bare_space.secret("openai", OPENAI_API_KEY="openai-secret-value")
    bare_space.secret("deepgram", DEEPGRAM_API_KEY="deepgram-secret-value")
    return bare_space
