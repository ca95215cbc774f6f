"""A real livekit-server, and real workers as processes, all on loopback and on free ports."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from livekit import api

API_KEY = "devkey"
API_SECRET = "a-secret-of-at-least-32-characters"
PROVIDER_KEY = "sk-this-must-never-be-seen"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class LiveKit:
    """livekit-server, which can be stopped and started again on the same port."""

    binary: str
    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    api_secret: str = API_SECRET

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def start(self) -> None:
        config = {
            "port": self.port,
            "bind_addresses": ["127.0.0.1"],
            "rtc": {
                "udp_port": free_port(),
                "tcp_port": free_port(),
                "node_ip": "127.0.0.1",
                "use_external_ip": False,
                "enable_loopback_candidate": True,
                "interfaces": {"includes": ["lo"]},
            },
            "keys": {API_KEY: API_SECRET},
        }
        path = self.folder / "livekit.yaml"
        path.write_text(json.dumps(config))
        with (self.folder / "livekit.log").open("ab") as log:
            self.process = subprocess.Popen([self.binary, "--config", str(path)], stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.1)
        raise TimeoutError((self.folder / "livekit.log").read_text())

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def token(self, room: str, agent_name: str, identity: str = "caller") -> str:
        """A caller's token, which dispatches the agent as the room is created."""
        configuration = api.RoomConfiguration(
            agents=[api.RoomAgentDispatch(agent_name=agent_name)], departure_timeout=2
        )
        return (
            api.AccessToken(API_KEY, API_SECRET)
            .with_identity(identity)
            .with_grants(api.VideoGrants(room_join=True, room=room))
            .with_room_config(configuration)
            .to_jwt()
        )


@dataclass
class RunningWorker:
    """A worker process and what it says."""

    process: subprocess.Popen[bytes]
    folder: Path
    config_path: Path
    port: int
    agent_name: str
    provider_key: str = PROVIDER_KEY

    @property
    def key_path(self) -> Path:
        return self.folder / "OPENAI_API_KEY"

    @property
    def log(self) -> str:
        return (self.folder / "worker.log").read_text()

    def change_config(self, **fields: Any) -> None:
        """Change fields of the file."""
        self.replace_config(json.dumps({**json.loads(self.config_path.read_text()), **fields}))

    def replace_config(self, text: str) -> None:
        """Change the file as the kubelet does: at once."""
        part = self.config_path.with_suffix(".new")
        part.write_text(text)
        part.replace(self.config_path)

    async def get(self, path: str) -> tuple[int, str]:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as client,
            client.get(f"http://127.0.0.1:{self.port}{path}") as response,
        ):
            return response.status, await response.text()

    async def status(self) -> dict[str, Any]:
        status: dict[str, Any] = json.loads((await self.get("/status"))[1])
        return status

    def children(self) -> dict[int, str]:
        """Processes below this one, with their command lines."""
        found: dict[int, str] = {}
        parents = {self.process.pid}
        rows = [row.split(None, 2) for row in _ps().splitlines()]
        for _ in range(3):
            for pid, parent, command in rows:
                if int(parent) in parents:
                    found[int(pid)] = command
            parents = set(found)
        return found


def _ps() -> str:
    return subprocess.run(["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout


def new_livekit(folder: Path) -> LiveKit:
    binary = os.environ.get("LIVEKIT_SERVER_BINARY") or shutil.which("livekit-server")
    if binary is None:
        pytest.fail("LIVEKIT_SERVER_BINARY names no livekit-server, and there is none in PATH", False)
    server = LiveKit(binary, folder)
    server.start()
    return server


def new_worker(folder: Path, livekit: LiveKit, api_secret: str = API_SECRET) -> RunningWorker:
    """Start a worker whose providers cannot be reached: what it does about that is part of what is tested."""
    (folder / "livekit").mkdir()
    (folder / "livekit" / "LIVEKIT_API_KEY").write_text(API_KEY)
    (folder / "livekit" / "LIVEKIT_API_SECRET").write_text(api_secret + "\n")
    key_path = folder / "OPENAI_API_KEY"
    key_path.write_text(PROVIDER_KEY)
    nowhere = f"http://127.0.0.1:{free_port()}/v1"

    def provider(model: str, **more: Any) -> dict[str, Any]:
        return {"provider": "openai", "model": model, "baseURL": nowhere, "credentialsPath": str(key_path), **more}

    agent_name = f"tests-{folder.name}"
    config = {
        "schemaVersion": 1,
        "namespace": "tests",
        "name": "agent",
        "agentName": agent_name,
        "livekitURL": livekit.url,
        "instructions": "You answer the phone.",
        "language": "en",
        "providers": {
            "stt": provider("whisper-1"),
            "llm": provider("gpt-4o-mini", options={"temperature": 0.2}),
            "tts": provider("tts-1", voice="alloy"),
        },
        "maxSessionSeconds": 600,
        "drainTimeoutSeconds": 60,
        "logLevel": "INFO",
    }
    config_path = folder / "agent.json"
    config_path.write_text(json.dumps(config))
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TMPDIR": "/tmp",  # short, for the socket's name
        "POD_NAMESPACE": "tests",
        "POD_NAME": "agent-pod-1",
        "VOICEAGENT_REVISION": "rev1",
        "VOICEAGENT_CONFIG": str(config_path),
    }
    command = [sys.executable, "-m", "voiceagent_worker", "--livekit-credentials", str(folder / "livekit")]
    with (folder / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)],
            stdout=log,
            stderr=log,
            env=environment,
            cwd=folder,
            start_new_session=True,
        )
    return RunningWorker(process, folder, config_path, port, agent_name)


def end(worker: RunningWorker) -> None:
    if worker.process.poll() is None:
        os.killpg(worker.process.pid, signal.SIGKILL)
    worker.process.wait()


@pytest.fixture(scope="module")
def livekit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKit]:
    """One for the module: no test stops it."""
    server = new_livekit(tmp_path_factory.mktemp("livekit"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def shared_worker(livekit: LiveKit, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningWorker]:
    """One for the module, since a start takes seconds."""
    worker = new_worker(tmp_path_factory.mktemp("shared"), livekit)
    yield worker
    end(worker)


@pytest.fixture
def worker(shared_worker: RunningWorker) -> Iterator[RunningWorker]:
    """The module's worker; its files are put back after the test."""
    config, key = shared_worker.config_path.read_text(), shared_worker.key_path.read_text()
    yield shared_worker
    shared_worker.replace_config(config)
    shared_worker.key_path.write_text(key)


@pytest.fixture
def own_livekit(tmp_path: Path) -> Iterator[LiveKit]:
    """One that the test may stop."""
    server = new_livekit(tmp_path)
    yield server
    server.stop()


@pytest.fixture
def start_worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., RunningWorker]]:
    """Starts workers of the test's own."""
    workers: list[RunningWorker] = []

    def start(livekit: LiveKit, **settings: str) -> RunningWorker:
        worker = new_worker(tmp_path_factory.mktemp("own"), livekit, **settings)
        workers.append(worker)
        return worker

    yield start
    for worker in workers:
        end(worker)
