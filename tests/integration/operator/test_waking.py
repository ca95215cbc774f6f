"""A sleeping agent and its callers: the operator and a gateway as processes, before a real API server."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from processes import free_port
from worker_endpoints import Fleet

SECRET = "a-secret-of-at-least-32-characters"


@pytest.fixture
def fleet(operator: Any, space: Any) -> Iterator[Fleet]:
    started = Fleet(space)
    yield started
    started.close()


@pytest.fixture
def gateway(space: Any, tmp_path: Path) -> Iterator[httpx.Client]:
    """Asks a gateway that has callers wait for as long as it may."""
    install = {"livekit": {"url": "ws://127.0.0.1:1"}, "gateway": {"waitSeconds": 15}}
    (tmp_path / "install.yaml").write_text(yaml.safe_dump(install))
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "KUBECONFIG": str(space.cluster.kubeconfig("admin", "system:masters")),
    }
    command = [sys.executable, "-m", "voiceagent_gateway", f"--config={tmp_path}/install.yaml", f"--port={port}"]
    with (tmp_path / "gateway.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as client:

            def ready() -> bool:
                with suppress(httpx.TransportError):
                    return client.get("/readyz").status_code == 200
                return False

            space.cluster.until(ready, "the gateway is ready")
            yield client
    finally:
        process.terminate()
        process.wait(60)


def test_callers_wake_as_many_pods_as_they_need(space: Any, fleet: Fleet, gateway: httpx.Client) -> None:
    secret = {"LIVEKIT_API_KEY": "devkey", "LIVEKIT_API_SECRET": SECRET}
    document = {
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "livekit", "namespace": space.name},
        "stringData": secret,
    }  # fmt: skip
    space.cluster.apply(document)
    space.apply(scaling={"mode": "Sessions", "minReplicas": 0, "maxReplicas": 2, "sessionsPerReplica": 2})
    space.until_reason("Asleep")

    def ask(_: int = 0) -> int:
        # Again where it took longer than the gateway waits: what counts is that the pods come by themselves.
        while (code := gateway.get("/token", params={"agent": f"{space.name}/receptionist"}).status_code) == 503:
            pass
        return code

    with ThreadPoolExecutor(3) as pool:
        callers = [pool.submit(ask) for _ in range(3)]
        fleet.settle(2)
        assert [caller.result() for caller in callers] == [200, 200, 200]
    assert (ask(), ask()) == (200, 429)
    space.cluster.until(lambda: space.get("voiceagents")["status"]["demand"]["waiting"] == 0, "nobody waits any more")
