"""`voiceagent-worker dev --browser`: the whole worker on this machine, before a livekit-server, and a page to call by.

It is the worker that runs in a pod: its config file is made from the manifest, and made anew when that is saved.
"""

import asyncio
import json
import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import aiohttp
from voiceagent_api import names
from voiceagent_api.agent_config import AgentConfig, config_revision

from voiceagent_worker import logs
from voiceagent_worker.config import load_config
from voiceagent_worker.credentials import LiveKitCredentials
from voiceagent_worker.dev_page import create_page
from voiceagent_worker.errors import ConfigurationError, WorkerError
from voiceagent_worker.health import HttpEndpoints
from voiceagent_worker.logs import Redactor
from voiceagent_worker.main import Worker
from voiceagent_worker.manifest import load_manifest
from voiceagent_worker.run_folder import RunFolder
from voiceagent_worker.settings import Settings, read_settings

LOOPBACK: Final = "127.0.0.1"
LOOK_SECONDS: Final = 1.0
ASK_SECONDS: Final = 2.0
TAKEN_SECONDS: Final = 10.0
"""For the worker to have looked at a new config file, which it does every second."""
GOODBYE_SECONDS: Final = 1
"""What a call that runs is given when it is all ended by Ctrl-C, before the agent says goodbye."""
NO_LIVEKIT: Final = (
    "Calls from a browser need a LiveKit server: set LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET to one. On a "
    "laptop, `livekit-server --dev` is one at ws://localhost:7880, with the key devkey and the secret secret."
)


def serve(
    manifest: Path,
    environment: Mapping[str, str],
    redactor: Redactor,
    livekit_url: str | None,
    port: int,
    page: Path,
) -> int:
    """Take calls until interrupted; the process's exit code. Raises WorkerError."""
    variables = {**environment, **({"LIVEKIT_URL": livekit_url} if livekit_url else {})}
    credentials = _credentials(variables)
    redactor.add(credentials.api_secret)
    change_logs = logs.MainLogs("WARNING", "text", redactor).change
    source = _Source(manifest, variables)
    config = source.read()
    folder = RunFolder(Path(tempfile.mkdtemp(prefix="voiceagent-")))
    try:
        file, token = folder.path / "manifest.json", folder.path / names.CONTROL_TOKEN_KEY
        file.write_text(config.to_json(), encoding="utf-8")
        token.write_text(secrets.token_hex(32), encoding="utf-8")
        places = ["--config", str(file), "--control-token", str(token), "--host", LOOPBACK]
        settings = read_settings([*places, "--port", str(_free_port())], {})
        preload = config.turn_detection.mode == "model"
        os.environ["LIVEKIT_AGENTS_PRELOAD_LOCAL_INFERENCE"] = "1" if preload else "0"
        worker = Worker(settings, load_config(file), credentials, folder, lambda *_: change_logs("WARNING", "text"))
        return asyncio.run(_serve(worker, settings, source, file, credentials, port, page))
    finally:
        shutil.rmtree(folder.path, ignore_errors=True)


class _Source:
    """The manifest, as the worker's config."""

    def __init__(self, manifest: Path, environment: Mapping[str, str]) -> None:
        self._manifest = manifest
        self._environment = environment

    def read(self) -> AgentConfig:
        """Raises WorkerError."""
        config = load_manifest(self._manifest, self._environment)
        return config.model_copy(update={"drain_timeout_seconds": GOODBYE_SECONDS, "log_level": "WARNING"})


async def _serve(
    worker: Worker,
    settings: Settings,
    source: _Source,
    file: Path,
    credentials: LiveKitCredentials,
    port: int,
    page: Path,
) -> int:
    config = source.read()
    about = _Endpoints(settings.port)
    endpoints = HttpEndpoints(create_page(config, credentials, lambda: about.ready, page), LOOPBACK, port)
    try:
        await endpoints.start()
    except OSError as error:
        raise ConfigurationError(
            f"The page cannot listen on port {port}: {error.strerror}.", "Give another by --port."
        ) from error
    tasks = [
        asyncio.create_task(about.watch(lambda: _invite(port, page)), name="ready"),
        asyncio.create_task(_follow(source, config, file, about), name="manifest"),
    ]
    try:
        return await worker.run()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await endpoints.stop()


class _Endpoints:
    """The worker's own, which tell how it is."""

    def __init__(self, port: int) -> None:
        self._url = f"http://{LOOPBACK}:{port}"
        self.ready = False

    async def watch(self, first: Callable[[], None]) -> None:
        """Look for ever; `first` is called when it is ready for the first time. What keeps it from that is said."""
        invited, told = False, ""
        while True:
            with suppress(aiohttp.ClientError, TimeoutError):
                self.ready, why = await self._ask("/readyz")
                # before the first try there is no reason yet
                if not self.ready and not why.endswith("again.") and why != told:
                    told = why
                    print(f"({why})", flush=True)
            if self.ready and not invited:
                invited = True
                first()
            await asyncio.sleep(LOOK_SECONDS)

    async def taken(self, text: str) -> str | None:
        """Returns when the worker has looked at this config file: what is wrong with it, or None."""
        while True:
            with suppress(aiohttp.ClientError, TimeoutError):
                status = json.loads((await self._ask("/status"))[1])
                if status["configError"] or status["configRevision"] == config_revision(text):
                    problem: str | None = status["configError"]
                    return problem
            await asyncio.sleep(LOOK_SECONDS)

    async def _ask(self, path: str) -> tuple[bool, str]:
        timeout = aiohttp.ClientTimeout(total=ASK_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as client, client.get(self._url + path) as answer:
            return answer.status == 200, (await answer.text()).strip()


async def _follow(source: _Source, config: AgentConfig, file: Path, worker: _Endpoints) -> None:
    """Write the config file anew when the manifest says something else; for ever."""
    told = ""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        try:
            newer = await asyncio.to_thread(source.read)
        except WorkerError as error:
            if str(error) != told:
                told = str(error)
                print(f"({error} The agent stays as it was.)", flush=True)
            continue
        if newer == config:
            continue
        config, told = newer, ""
        await asyncio.to_thread(_replace, file, config.to_json())
        with suppress(TimeoutError):
            async with asyncio.timeout(TAKEN_SECONDS):
                wrong = await worker.taken(config.to_json())
                print(f"({wrong or 'the manifest changed; the next call uses it'})", flush=True)


def _replace(file: Path, text: str) -> None:
    part = file.with_suffix(".new")
    part.write_text(text, encoding="utf-8")
    part.replace(file)


def _invite(port: int, page: Path) -> None:
    address = f"http://localhost:{port}"
    if page.is_dir():
        print(f"Ready: call at {address} in a browser; Ctrl-C ends it.", flush=True)
        return
    print(
        f"Ready: call by `voiceagent talk --gateway {address}`; Ctrl-C ends it. For the browser, the call page is not "
        f"built: in a checkout, `make client`, then --page client/dist.",
        flush=True,
    )


def _credentials(environment: Mapping[str, str]) -> LiveKitCredentials:
    key, secret = (environment.get(name, "").strip() for name in (names.LIVEKIT_API_KEY, names.LIVEKIT_API_SECRET))
    if not key or not secret:
        raise ConfigurationError(NO_LIVEKIT)
    return LiveKitCredentials(key, secret)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
