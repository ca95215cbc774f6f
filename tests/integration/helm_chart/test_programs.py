"""Programs as the chart starts them: what `helm test` asks with, and livekit-server."""

import json
import os
import shutil
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from chart import render_values
from chart_cases import nested
from control_plane import Cluster
from livekit import api
from processes import Processes, free_port

KEY, SECRET = "APItest", "a-secret-of-at-least-32-characters"


def pod_of(kind: str, name: str, **values: Any) -> dict[str, Any]:
    """The container of a pod of the release."""
    (document,) = [d for d in render_values(nested(values)) if (d["kind"], d["metadata"]["name"]) == (kind, name)]
    spec = document["spec"]["template"]["spec"] if kind == "Deployment" else document["spec"]
    (container,) = spec["containers"]
    return dict(container)


@contextmanager
def server(code: int) -> Iterator[str]:
    """One that answers every request alike."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(code if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{http.server_port}"
        http.shutdown()


def ask(operator: str, gateway: str, seconds: int) -> subprocess.CompletedProcess[str]:
    """What the pod of `helm test` runs, with other addresses and a proxy that it must not use."""
    container = pod_of("Pod", "voiceagents-test", **{"tests.timeoutSeconds": seconds})
    assert container["command"] == ["python3", "-c"]
    hosts = {"voiceagents-controller:8081": operator, "voiceagents-gateway:80": gateway}
    words = container["args"]
    for name, address in hosts.items():
        assert f"http://{name}/healthz" in words
        words = [word.replace(f"//{name}/", f"//{address}/") for word in words]
    environment = {**os.environ, "http_proxy": "http://127.0.0.1:1", "no_proxy": ""}
    command = [sys.executable, "-c", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_helm_test_passes_where_operator_and_gateway_answer() -> None:
    with server(200) as operator, server(200) as gateway:
        done = ask(operator, gateway, 30)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(" answers\n") == 2


@pytest.mark.parametrize("code", [500, 404])
def test_helm_test_fails_with_what_does_not_answer(code: int) -> None:
    with server(200) as operator, server(code) as gateway:
        done = ask(operator, gateway, 1)
    assert done.returncode == 1
    assert f"http://{gateway}/healthz does not answer: HTTP Error {code}" in done.stderr
    assert "Traceback" not in done.stderr


def test_helm_test_fails_where_nobody_listens() -> None:
    with server(200) as gateway:
        done = ask(f"127.0.0.1:{free_port()}", gateway, 1)
    assert done.returncode == 1
    assert "Connection refused" in done.stderr


@pytest.fixture
def livekit(tmp_path: Path) -> Iterator[str]:
    """The address of livekit-server, started with the chart's arguments and environment, on loopback only."""
    binary = os.environ.get("LIVEKIT_SERVER_BINARY") or shutil.which("livekit-server")
    if binary is None:
        pytest.fail("LIVEKIT_SERVER_BINARY names no livekit-server, and there is none in PATH", pytrace=False)
    port = free_port()
    container = pod_of(
        "Deployment", "voiceagents-livekit", **{"livekitServer.enabled": True, "livekitServer.ports.signal": port}
    )
    values = {"NODE_ADDRESS": "127.0.0.1", "LIVEKIT_API_KEY": KEY, "LIVEKIT_API_SECRET": SECRET}
    environment = {
        variable["name"]: values.get(variable["name"]) or expanded(variable["value"], values)
        for variable in container["env"]
    }
    arguments = [local(expanded(word, values)) for word in container["args"]]
    command = ["env", *(f"{name}={value}" for name, value in environment.items()), binary, *arguments]
    processes = Processes(tmp_path)
    processes.start("livekit", *command, "--bind", "127.0.0.1")
    address = f"http://127.0.0.1:{port}"
    try:
        Cluster.until(lambda: answers(address), "livekit-server answers")
        yield address
    finally:
        processes.stop()


def answers(address: str) -> bool:
    with suppress(OSError), urllib.request.urlopen(address, timeout=5) as answer:
        return bool(answer.status == 200)
    return False


def expanded(text: str, values: dict[str, str]) -> str:
    """As the kubelet does it."""
    for name, value in values.items():
        text = text.replace(f"$({name})", value)
    return text


def local(word: str) -> str:
    """Its media on loopback only."""
    flag = "--config-body="
    if not word.startswith(flag):
        return word
    config = json.loads(word.removeprefix(flag))
    config["rtc"] |= {"udp_port": free_port(), "tcp_port": 0, "enable_loopback_candidate": True}
    config["rtc"]["interfaces"] = {"includes": ["lo"]}
    return flag + json.dumps(config)


async def test_livekit_server_takes_the_charts_configuration_and_keys(livekit: str) -> None:
    async def rooms(secret: str) -> int:
        async with api.LiveKitAPI(livekit, KEY, secret) as client:
            try:
                await client.room.list_rooms(api.ListRoomsRequest())
            except api.TwirpError as error:
                return int(error.status)
            return 200

    assert await rooms(SECRET) == 200
    assert await rooms("another-secret-of-at-least-32-characters") == 401
