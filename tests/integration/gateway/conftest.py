"""The gateway as a process, with a user's rights of its own, before a real API server."""

import hashlib
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from control_plane import Cluster, control_plane
from local_livekit import API_KEY, API_SECRET
from local_redis import PASSWORD as REDIS_PASSWORD
from processes import free_port

# What the gateway needs of the API server, and no more.
RULES = [
    {"apiGroups": ["voiceagents.dev"], "resources": ["voiceagents"], "verbs": ["list", "watch"]},
    {"apiGroups": ["voiceagents.dev"], "resources": ["voiceagents/status"], "verbs": ["patch"]},
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]},
    {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]},
]


@dataclass
class RunningGateway:
    """A gateway process and what it says."""

    process: subprocess.Popen[bytes]
    log_path: Path
    port: int
    killed: bool = False

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return self.log_path.read_text()

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The log's lines; each is a JSON object."""
        return [json.loads(line) for line in self.log.splitlines()]

    def get(self, path: str, **options: Any) -> httpx.Response:
        return httpx.get(self.address + path, timeout=10, trust_env=False, **options)

    def post(self, path: str, body: Any) -> httpx.Response:
        return httpx.post(self.address + path, json=body, timeout=10, trust_env=False)

    def until(self, look: Callable[[], Any], seconds: float = 60) -> Any:
        """The first truthy thing that `look` returns."""
        end = time.monotonic() + seconds
        while not (seen := look()):
            assert self.process.poll() is None, self.log
            assert time.monotonic() < end, f"not within {seconds} s\n{self.log}"
            time.sleep(0.05)
        return seen

    def ready(self) -> bool:
        with suppress(httpx.TransportError):
            return self.get("/readyz").status_code == 200
        return False

    def kill(self) -> None:
        """End it without a word."""
        self.killed = True
        self.process.kill()
        self.process.wait(30)

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@dataclass
class Place:
    """A namespace, and what tests do in it."""

    cluster: Any
    namespace: str

    def voice_agent(self, name: str = "receptionist", **spec: Any) -> None:
        provider = {"provider": "openai"}
        document = {
            "apiVersion": "voiceagents.dev/v1alpha1",
            "kind": "VoiceAgent",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": {
                "instructions": "You answer the phone.",
                "providers": {"stt": provider, "llm": provider, "tts": provider},
                **spec,
            },
        }
        self.cluster.apply(document)

    def agent_status(self, name: str = "receptionist", ready: int = 1, message: str = "Ready for calls.") -> None:
        condition = {
            "type": "Ready",
            "status": "True" if ready else "False",
            "reason": "Ready" if ready else "Starting",
            "message": message,
            "lastTransitionTime": "2026-05-04T12:00:00Z",
        }
        status = {
            "agentName": f"{self.namespace}-{name}",
            "readyReplicas": ready,
            "readySummary": f"{ready}/1",
            "conditions": [condition],
        }
        self._patch_status("voiceagent", name, status)

    def secret(self, name: str = "livekit", key: str = API_KEY, secret: str = API_SECRET) -> None:
        document = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": self.namespace},
            "stringData": {"LIVEKIT_API_KEY": key, "LIVEKIT_API_SECRET": secret},
        }
        self.cluster.apply(document)

    def pod(self, name: str, port: int, agent: str = "receptionist", ready: bool = True) -> None:
        labels = {
            "app.kubernetes.io/name": "voiceagent",
            "app.kubernetes.io/component": "worker",
            "voiceagents.dev/agent": agent,
            "voiceagents.dev/revision": "r1",
        }
        container = {"name": "worker", "image": "none", "ports": [{"name": "http", "containerPort": port}]}
        document = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": self.namespace, "labels": labels},
            "spec": {"containers": [container]},
        }
        self.cluster.apply(document)
        conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
        addresses = {"podIP": "127.0.0.1", "podIPs": [{"ip": "127.0.0.1"}]}
        self._patch_status("pod", name, {"phase": "Running", **addresses, "conditions": conditions})

    def delete(self, kind: str, name: str) -> None:
        self.cluster.do(
            "delete", kind, name, "--namespace", self.namespace, "--grace-period=0", "--force", "--wait=false",
            "--ignore-not-found",
        )  # fmt: skip

    def _patch_status(self, kind: str, name: str, status: dict[str, Any]) -> None:
        patch = json.dumps({"status": status})
        self.cluster.do(
            "patch", kind, name, "--namespace", self.namespace, "--subresource=status", "--type=merge", "-p", patch
        )


class Worker:
    """A process's worth of a worker pod's HTTP side: it answers `/status` with what it is told to."""

    def __init__(self) -> None:
        self.status: dict[str, Any] = {}
        self.delay_seconds = 0.0
        self.reads = 0
        worker = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                worker.reads += 1
                time.sleep(worker.delay_seconds)
                body = json.dumps(worker.status).encode()
                with suppress(OSError):
                    self.send_response(200 if self.path == "/status" else 404)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, *_: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def start_worker() -> Iterator[Callable[[], Worker]]:
    workers: list[Worker] = []

    def start() -> Worker:
        workers.append(Worker())
        return workers[-1]

    yield start
    for worker in workers:
        worker.stop()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A control plane without an operator, which would write statuses of its own."""
    with control_plane(tmp_path_factory.mktemp("cluster")) as started:
        yield started


@pytest.fixture(scope="session")
def gateway_rules() -> list[dict[str, Any]]:
    """RULES."""
    return RULES


@pytest.fixture(scope="session")
def kubeconfig_everywhere(cluster: Any) -> Path:
    """The kubeconfig of a user who has RULES in every namespace, as the chart gives them by default."""
    _grant(cluster, "gateway-everywhere", namespace=None)
    path: Path = cluster.kubeconfig("gateway-everywhere")
    return path


@pytest.fixture
def place(cluster: Any, request: pytest.FixtureRequest) -> Iterator[Place]:
    """A namespace for this test."""
    place = _place(cluster, request.node.nodeid)
    yield place
    # Gateways that serve every namespace must not see what tests before have left.
    cluster.do("delete", "pods,voiceagents", "--all", "--namespace", place.namespace, "--force", "--grace-period=0")


@pytest.fixture(scope="module")
def shared_place(cluster: Any, request: pytest.FixtureRequest) -> Place:
    """A namespace for all tests of a module."""
    return _place(cluster, request.node.nodeid)


@pytest.fixture(scope="module")
def start_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., RunningGateway]]:
    """Starts gateways. In the end their logs hold neither secrets nor tokens nor tracebacks."""
    running: list[RunningGateway] = []

    def start(
        kubeconfig: Path, *arguments: str, livekit_url: str = "ws://127.0.0.1:1", redis: Any = None, **gateway: Any
    ) -> RunningGateway:
        folder = tmp_path_factory.mktemp("gateway")
        install = {"livekit": {"url": livekit_url, "publicURL": livekit_url}, "gateway": gateway}
        if redis is not None:
            install["redis"] = {"url": redis.url}
        (folder / "install.yaml").write_text(yaml.safe_dump(install))
        port = free_port()
        command = [sys.executable, "-m", "voiceagent_gateway", f"--config={folder}/install.yaml", f"--port={port}"]
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "KUBECONFIG": str(kubeconfig)}
        if redis is not None:
            environment["REDIS_PASSWORD"] = redis.password
        with (folder / "gateway.log").open("wb") as log:
            process = subprocess.Popen([*command, *arguments], stdout=log, stderr=log, env=environment, cwd=folder)
        gateway_process = RunningGateway(process, folder / "gateway.log", port)
        running.append(gateway_process)
        return gateway_process

    yield start
    for gateway in running:
        assert gateway.killed or gateway.stop() == 0, gateway.log
        assert API_SECRET not in gateway.log
        assert REDIS_PASSWORD not in gateway.log
        assert "eyJ" not in gateway.log, "a token is in the log"
        assert "Traceback" not in gateway.log, gateway.log


@pytest.fixture
def grant(cluster: Any) -> Callable[..., Path]:
    """Gives a user rules in one namespace; returns the user's kubeconfig."""

    def give(user: str, namespace: str, rules: list[dict[str, Any]]) -> Path:
        _grant(cluster, user, namespace, rules)
        path: Path = cluster.kubeconfig(user)
        return path

    return give


def _place(cluster: Any, node: str) -> Place:
    # A test that is run once more has another one.
    namespace = f"gw-{hashlib.sha256(node.encode()).hexdigest()[:10]}-{secrets.token_hex(2)}"
    cluster.do("create", "namespace", namespace)
    return Place(cluster, namespace)


def _grant(cluster: Any, user: str, namespace: str | None, rules: list[dict[str, Any]] | None = None) -> None:
    kind = "Role" if namespace else "ClusterRole"
    metadata = {"name": user, **({"namespace": namespace} if namespace else {})}
    group = "rbac.authorization.k8s.io"
    subject = {"kind": "User", "name": user, "apiGroup": group}
    role = {"apiVersion": f"{group}/v1", "kind": kind, "metadata": metadata, "rules": rules or RULES}
    binding = {
        "apiVersion": f"{group}/v1",
        "kind": f"{kind}Binding",
        "metadata": metadata,
        "subjects": [subject],
        "roleRef": {"kind": kind, "name": user, "apiGroup": group},
    }
    cluster.apply(role)
    cluster.apply(binding)
