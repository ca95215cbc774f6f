"""The built page, served by a real gateway, in a real browser; LiveKit and the API server are real, too."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from accessibility import AXE
from control_plane import REPOSITORY
from local_livekit import LiveKit, livekit_server
from room_agent import RoomAgent
from voiceagent_sandbox.paths import default_paths


def _sandbox(command: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "sandbox/src")}
    done = subprocess.run(
        [sys.executable, "-m", "voiceagent_sandbox", command],
        cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=500,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def built_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page's files, as the gateway's image has them; the accessibility checker is there, too."""
    folder = tmp_path_factory.mktemp("page") / "dist"
    cache = default_paths(os.environ).cache
    cache.mkdir(parents=True, exist_ok=True)
    # Test runners of one machine build one after the other, since they build in one folder.
    with (cache / "page-tests.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _sandbox("client")
        shutil.copytree(REPOSITORY / "client/dist", folder)
        if not AXE.exists():
            _sandbox("client-test")
    return folder


@pytest.fixture
def livekit(tmp_path: Path) -> Iterator[LiveKit]:
    """One that the test may stop."""
    with livekit_server(tmp_path) as server:
        yield server


@pytest.fixture
def serve(
    place: Any,
    livekit: LiveKit,
    built_page: Path,
    start_gateway: Callable[..., Any],
    grant: Callable[..., Path],
    gateway_rules: list[dict[str, Any]],
) -> Callable[..., Any]:
    """Starts a gateway that serves the page, for one VoiceAgent that is ready; keywords are the gateway's settings."""
    rules = [*gateway_rules, {"apiGroups": [""], "resources": ["secrets"], "verbs": ["list", "watch"]}]
    kubeconfig = grant(f"page-{place.namespace}", place.namespace, rules)

    def start(*arguments: str, **gateway: Any) -> Any:
        place.voice_agent(language="en")
        place.agent_status()
        place.secret()
        started = start_gateway(
            kubeconfig, f"--namespace={place.namespace}", f"--client-dir={built_page}", *arguments,
            livekit_url=livekit.url, **gateway,
        )  # fmt: skip
        started.until(started.ready)
        return started

    return start


@pytest.fixture
def agent(livekit: LiveKit) -> Iterator[RoomAgent]:
    """An agent's side of a call, which has not joined yet."""
    agent = RoomAgent(livekit)
    yield agent
    agent.leave()
