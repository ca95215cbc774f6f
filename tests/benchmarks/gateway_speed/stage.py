"""Where the gateway is measured: a real API server, its own process on one core, and what it is measured beside.

What is measured has the first core to itself; the load, the API server and the stand-ins of workers have the others.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from control_plane import control_plane
from gateway_speed import fleet
from operator_speed.access import Access
from operator_speed.stage import ended
from processes import free_port
from voiceagent_gateway.api_keys import entry_text, hash_of, new_key
from voiceagent_sandbox.paths import REPO

USER = "benchmark"
START_SECONDS = 60.0
NO_LIMIT = 1_000_000
"""Requests a minute: the limits are counted and never met."""
_CORES = sorted(os.sched_getaffinity(0))
MEASURED_CORE = {_CORES[0]}
OTHER_CORES = set(_CORES[1:]) or MEASURED_CORE


class StageFailed(Exception):
    """What is measured could not be started; the message says why."""


@dataclass(frozen=True)
class Server:
    """A process that serves on a port of loopback."""

    process: "subprocess.Popen[Any]"
    port: int
    headers: dict[str, str]

    def get(self, path: str, seconds: float = 30.0) -> bytes:
        """The body of an answer."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=self.headers)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=seconds) as answer:
            body: bytes = answer.read()
            return body

    def request(self, path: str) -> bytes:
        """The bytes of a GET."""
        lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join([*lines, "", ""]).encode()


@dataclass(frozen=True)
class Stage:
    """The API server, and the key that callers have."""

    folder: Path
    access: Access
    kubeconfig: Path
    key: str

    @contextmanager
    def gateway(self) -> Iterator[Server]:
        """The gateway as its pod runs it, with API keys and limits that nobody meets."""
        install = {
            "livekit": {"url": fleet.LIVEKIT_URL, "publicURL": fleet.LIVEKIT_URL},
            "gateway": {
                "auth": {"mode": "apiKeys"},
                "rateLimits": dict.fromkeys(("addressPerMinute", "callerPerMinute", "unknownKeysPerMinute"), NO_LIMIT),
            },
        }
        file = self.folder / "install.yaml"
        file.write_text(yaml.safe_dump(install), encoding="utf-8")
        port = free_port()
        command = [sys.executable, "-m", "voiceagent_gateway", f"--config={file}", f"--port={port}"]
        command += [f"--own-namespace={fleet.NAMESPACE}"]
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "KUBECONFIG": str(self.kubeconfig)}
        headers = {"Authorization": f"Bearer {self.key}"}
        with self.server("gateway", command, port, environment, headers) as server:
            _until(lambda: _answers(server, "/readyz"), "the gateway is ready", server)
            yield server

    @contextmanager
    def server(
        self,
        name: str,
        command: list[str],
        port: int,
        environment: dict[str, str],
        headers: dict[str, str] | None = None,
    ) -> Iterator[Server]:
        """A process on the measured core, for as long as the block; its log in a file, as a pod's is."""
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, cwd=self.folder,
                preexec_fn=_on_the_measured_core,
            )  # fmt: skip
        try:
            yield Server(process, port, headers or {})
        finally:
            ended(process)

    @contextmanager
    def workers(self, count: int, capacity: int) -> "Iterator[Workers]":
        """Stand-ins for so many worker pods, which the API server then knows of."""
        port = free_port()
        command = [sys.executable, "-m", "gateway_speed.workers", str(port), str(count), str(capacity)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=bench_environment())
        try:
            workers = Workers(process)
            if workers.said() != "listening":
                raise StageFailed("the stand-ins of the workers did not come up")
            asyncio.run(fleet.make(self.access, fleet.pods(count), port))
            yield workers
        finally:
            asyncio.run(fleet.clear(self.access))
            ended(process)


@dataclass(frozen=True)
class Workers:
    """The process with the stand-ins."""

    process: "subprocess.Popen[bytes]"

    def said(self) -> str:
        """Its next line."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().decode().strip()

    def answers(self) -> int:
        """How many times they were asked."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        return int(self.said())


@contextmanager
def open_stage() -> Iterator[Stage]:
    """The API server, from its start to its end."""
    # Inherited by all that is started from here on.
    os.sched_setaffinity(0, OTHER_CORES)
    with tempfile.TemporaryDirectory(prefix="bench-gateway-") as name, control_plane(Path(name)) as cluster:
        folder = Path(name)
        cluster.do("create", "clusterrolebinding", USER, "--clusterrole=cluster-admin", f"--user={USER}")
        kubeconfig = cluster.kubeconfig(USER)
        certificate, key_file = folder / f"{USER}.crt", folder / f"{USER}.key"
        access = Access(cluster.server, str(cluster.authority.certificate), str(certificate), str(key_file))
        key = new_key("bench")
        entry = entry_text(hash_of(key), [f"{fleet.NAMESPACE}/*"], ["*"], True, None)
        asyncio.run(fleet.prepare(access, {"bench": entry}))
        yield Stage(folder, access, kubeconfig, key)


def bench_environment() -> dict[str, str]:
    """What a program of this benchmark is given."""
    folders = ["tests/benchmarks", "tests/support", "sandbox/src"]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(str(REPO / folder) for folder in folders)}


def until_answers(server: Server, path: str) -> None:
    """Wait until the server serves."""
    _until(lambda: _answers(server, path), "the server answers", server)


def known(server: Server, count: int) -> None:
    """Wait until the gateway has read so many pods, and none that does not answer."""

    def read() -> bool:
        simple = json.loads(server.get("/metrics/simple"))
        return bool(simple["pods"] == count and simple["stale_pods"] == 0 and simple["active_sessions"] > 0)

    _until(read, f"the gateway has read {count} pods", server)


def _answers(server: Server, path: str) -> bool:
    with suppress(OSError):
        server.get(path)
        return True
    return False


def _until(look: Any, what: str, server: Server) -> None:
    end = time.monotonic() + START_SECONDS
    while not look():
        if server.process.poll() is not None:
            raise StageFailed(f"the process ended with {server.process.returncode}")
        if time.monotonic() > end:
            raise StageFailed(f"{what}: not within {START_SECONDS:g} s")
        time.sleep(0.1)


def _on_the_measured_core() -> None:
    os.sched_setaffinity(0, MEASURED_CORE)
