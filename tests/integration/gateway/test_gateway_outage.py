"""The gateway while its API server is away."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

Start = Callable[..., Any]


class Wire:
    """A TCP connection to the API server that can be cut and mended."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._open = True
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self._open = False
        for one in self._sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._sockets.clear()

    def mend(self) -> None:
        self._open = True

    def close(self) -> None:
        self.cut()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if not self._open:
                near.close()
                continue
            far = socket.create_connection(("127.0.0.1", self._target))
            self._sockets += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def wire(cluster: Any, kubeconfig_everywhere: Path, tmp_path: Path) -> Iterator[tuple[Wire, Path]]:
    """A connection to the API server that can be cut, and the kubeconfig that leads through it."""
    wire = Wire(int(cluster.server.rsplit(":", 1)[1]))
    document = yaml.safe_load(kubeconfig_everywhere.read_text())
    document["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{wire.port}"
    path = tmp_path / "wire.kubeconfig"
    path.write_text(yaml.safe_dump(document))
    yield wire, path
    wire.close()


def problem_of(response: httpx.Response, status: int, name: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem["type"].endswith(f"/{name}"), problem
    return problem


def agents_of(gateway: Any, place: Any, *keys: str) -> list[tuple[Any, ...]]:
    agents = gateway.get("/agents").json()
    return [tuple(agent[key] for key in keys) for agent in agents if agent["namespace"] == place.namespace]


def test_through_an_outage_of_the_api_server_what_is_known_is_served(
    place: Any, start_gateway: Start, wire: tuple[Any, Path]
) -> None:
    connection, kubeconfig = wire
    connection.cut()
    gateway = start_gateway(kubeconfig, f"--namespace={place.namespace}")
    gateway.until(lambda: '"retry_seconds"' in gateway.log)
    assert gateway.get("/healthz").status_code == 200
    response = gateway.get("/readyz")
    assert response.status_code == 503
    assert f"/api/v1/namespaces/{place.namespace}/pods" in response.json()["waiting_for"]
    problem_of(gateway.get("/token"), 503, "starting")

    place.voice_agent()
    place.agent_status()
    place.secret()
    connection.mend()
    gateway.until(gateway.ready)
    assert gateway.get("/token").status_code == 200

    failures = gateway.log.count('"retry_seconds"')
    connection.cut()
    place.voice_agent("sales")
    place.delete("voiceagent", "receptionist")
    gateway.until(lambda: gateway.log.count('"retry_seconds"') > failures)
    assert agents_of(gateway, place, "name") == [("receptionist",)]
    assert gateway.get("/readyz").status_code == 200
    assert gateway.get("/token").status_code == 200

    connection.mend()
    gateway.until(lambda: agents_of(gateway, place, "name") == [("sales",)])
