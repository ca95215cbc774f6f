"""A worker as a process of its own on loopback, and what tests ask it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from local_livekit import API_KEY, API_SECRET, LiveKit
from processes import free_port
from prometheus_client.parser import text_string_to_metric_families

START_SECONDS = 150.0
"""Imports take seconds, and many more on a machine that builds beside the tests."""
PROVIDER_KEY = "sk-this-must-never-be-seen"
CONTROL_TOKEN = "control-token-that-must-never-be-seen"


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
        return await self.ask("GET", path)

    async def ask(self, method: str, path: str, token: str | None = None) -> tuple[int, str]:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as client,
            client.request(method, f"http://127.0.0.1:{self.port}{path}", headers=headers) as response,
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
    return subprocess.run(["ps", "-wweo", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout


def new_worker(
    folder: Path,
    livekit: LiveKit,
    api_secret: str = API_SECRET,
    *,
    max_sessions: int = 10,
    agent_name: str | None = None,
    provider_url: str | None = None,
    environment: dict[str, str] | None = None,
    **fields: Any,
) -> RunningWorker:
    """Start a worker; `fields` are those of its config file.

    Unless `provider_url` is given its providers cannot be reached: what it does about that is part of what is tested.
    """
    (folder / "livekit").mkdir()
    (folder / "livekit" / "LIVEKIT_API_KEY").write_text(API_KEY)
    (folder / "livekit" / "LIVEKIT_API_SECRET").write_text(api_secret + "\n")
    key_path = folder / "OPENAI_API_KEY"
    key_path.write_text(PROVIDER_KEY)
    (folder / "control-token").write_text(CONTROL_TOKEN)
    url = provider_url or f"http://127.0.0.1:{free_port()}/v1"

    def provider(model: str, **more: Any) -> dict[str, Any]:
        return {"provider": "openai", "model": model, "baseURL": url, "credentialsPath": str(key_path), **more}

    agent_name = agent_name or f"tests-{folder.name}"
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
        **fields,
    }
    config_path = folder / "agent.json"
    config_path.write_text(json.dumps(config))
    port = free_port()
    whole_environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TMPDIR": "/tmp",  # short, for the socket's name
        "POD_NAMESPACE": "tests",
        "POD_NAME": "agent-pod-1",
        "VOICEAGENT_REVISION": "rev1",
        "VOICEAGENT_CONFIG": str(config_path),
        "VOICEAGENT_MAX_SESSIONS": str(max_sessions),
        **(environment or {}),
    }
    command = [sys.executable, "-m", "voiceagent_worker", "--livekit-credentials", str(folder / "livekit")]
    command += ["--control-token", str(folder / "control-token")]
    with (folder / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)],
            stdout=log,
            stderr=log,
            env=whole_environment,
            cwd=folder,
            start_new_session=True,
        )
    return RunningWorker(process, folder, config_path, port, agent_name)


def end(worker: RunningWorker) -> None:
    if worker.process.poll() is None:
        os.killpg(worker.process.pid, signal.SIGKILL)
    worker.process.wait()


async def until(question: Callable[[], Awaitable[Any]], seconds: float = 15.0, what: str = "") -> Any:
    """Ask until the answer is true; the answer."""
    deadline = time.monotonic() + seconds
    answer: Any = None
    while time.monotonic() < deadline:
        try:
            answer = await question()
        except OSError as error:
            answer = None
            what = what or str(error)
        if answer:
            return answer
        await asyncio.sleep(0.1)
    raise AssertionError(f"not within {seconds} s: {what}")


async def until_ready(worker: RunningWorker) -> None:
    async def ready() -> bool:
        if worker.process.poll() is not None:
            raise AssertionError(f"the worker ended with {worker.process.returncode}:\n{worker.log}")
        return bool((await worker.get("/readyz"))[0] == 200)

    await until(ready, START_SECONDS, "ready")


async def until_config_changes(worker: RunningWorker, **fields: Any) -> str:
    """Change the config file; its new revision."""
    first = (await worker.status())["configRevision"]
    worker.change_config(**fields)

    async def changed() -> str | None:
        revision: str = (await worker.status())["configRevision"]
        return revision if revision != first else None

    revision: str = await until(changed, what="a new revision")
    return revision


async def session_of(worker: RunningWorker, room: str) -> dict[str, Any] | None:
    sessions = (await worker.status())["sessions"]
    return next((session for session in sessions if session["room"] == room), None)


async def ended(worker: RunningWorker, room: str, seconds: float = 30.0) -> dict[str, Any]:
    async def over() -> dict[str, Any] | None:
        session = await session_of(worker, room)
        return session if session is not None and session["endedAt"] is not None else None

    session: dict[str, Any] = await until(over, seconds, f"the end of {room}")
    return session


async def metric(worker: RunningWorker, series: str, /, **labels: str) -> float:
    """The value of a series of this pod."""
    wanted = {"namespace": "tests", "agent": "agent", "revision": "rev1", **labels}
    for family in text_string_to_metric_families((await worker.get("/metrics"))[1]):
        for sample in family.samples:
            if sample.name == series and sample.labels == wanted:
                return float(sample.value)
    raise AssertionError(f"no {series} with {wanted}")


def call_processes(worker: RunningWorker) -> set[int]:
    """Those that the server of calls made: one is idle, each other has a call."""
    rows = [row.split(None, 2) for row in _ps().splitlines()]
    servers = {pid for pid, parent, command in rows if int(parent) == worker.process.pid and "-m voiceagent" in command}
    return {int(pid) for pid, parent, _ in rows if parent in servers}
