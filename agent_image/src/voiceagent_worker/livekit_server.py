"""The one place that knows livekit-agents' AgentServer: how it is set up, and whether it is registered.

AgentServer tells of a registration by an event, but of a lost connection only by its private field
`_connecting`: True from the moment it tries to connect until LiveKit has registered it, so also while it
retries. Its HTTP endpoint on `/` answers 200 all the while. `tests/unit/worker/test_livekit_server.py` fails
when that field goes away.
"""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from livekit.agents import AgentServer, JobContext, JobProcess, JobRequest
from voiceagent_api.agent_config import AgentConfig

from voiceagent_worker.credentials import LiveKitCredentials

logger = logging.getLogger(__name__)

SHUTDOWN_SECONDS: Final = 25.0
"""How long closing may take once the drain is over: a pod's grace period is the drain, this, and a little."""
PROCESS_SHUTDOWN_SECONDS: Final = 5.0
SESSION_END_SECONDS: Final = 5.0
INITIALIZE_SECONDS: Final = 60.0
"""For a process to be warmed on a busy node; calls wait for it, the server's registration too."""
NEVER_GIVE_UP: Final = 2**31
"""After max_retry failures AgentServer ends; the pod is to wait for its LiveKit server instead."""
BUSY_AT: Final = 10
TARGET_LOAD: Final = 0.6
"""Under LiveKit's own `agents.target_load` of 0.7, above which it sends nothing."""


class LiveKitServer:
    """AgentServer, with what the worker wants to know of it."""

    def __init__(
        self,
        config: AgentConfig,
        credentials: LiveKitCredentials,
        entrypoint: Callable[[JobContext], Awaitable[None]],
        prepare: Callable[[JobProcess], None],
        preload: Sequence[str],
    ) -> None:
        """`entrypoint` and `prepare` are pickled into each call's process; it finds `preload` imported."""
        self._url = config.livekit_url
        self._agent_name = config.agent_name
        self._display_name = config.name
        self._registered_once = False
        self._closed = False
        self._failures = _ConnectionFailures()
        self._server = AgentServer(
            ws_url=config.livekit_url,
            api_key=credentials.api_key,
            api_secret=credentials.api_secret,
            # infinite, and the number of processes and the pod's readiness stay what we say they are
            load_threshold=math.inf,
            load_fnc=_load,
            num_idle_processes=1,
            drain_timeout=max(1, config.drain_timeout_seconds),
            shutdown_process_timeout=PROCESS_SHUTDOWN_SECONDS,
            session_end_timeout=SESSION_END_SECONDS,
            initialize_process_timeout=INITIALIZE_SECONDS,
            max_retry=NEVER_GIVE_UP,
            # its own endpoint cannot be turned off: any free port, seen by nobody
            host="127.0.0.1",
            port=0,
            setup_fnc=prepare,
            preload_modules=list(preload),
        )
        self._server.rtc_session(entrypoint, agent_name=config.agent_name, on_request=self._accept)
        self._server.on("worker_registered", self._on_registered)

    @property
    def registered(self) -> bool:
        """LiveKit knows this worker and can reach it."""
        return self._registered_once and not self._closed and not _is_connecting(self._server)

    @property
    def why_not_registered(self) -> str:
        """A sentence for who asks why no calls come."""
        reason = f": {self._failures.last}" if self._failures.last else "."
        return f'Not registered with LiveKit at {self._url} as "{self._agent_name}"; trying again{reason}'

    async def run(self) -> None:
        """Serve until closed. Raises when it cannot start."""
        logging.getLogger("livekit.agents").addHandler(self._failures)
        try:
            await self._server.run()
        finally:
            self._closed = True
            logging.getLogger("livekit.agents").removeHandler(self._failures)

    async def drain(self) -> None:
        """Take no more calls and wait for those that run, at most the agent's drain timeout."""
        try:
            await self._server.drain()
        except TimeoutError:
            logger.warning("The drain timeout is over and calls still run; they are cut off")

    async def close(self) -> None:
        """End everything, calls too."""
        self._closed = True
        try:
            async with asyncio.timeout(SHUTDOWN_SECONDS):
                await self._server.aclose()
        except TimeoutError:
            logger.warning("Closing took longer than %.0f s; the rest ends with the process", SHUTDOWN_SECONDS)

    async def _accept(self, request: JobRequest) -> None:
        await request.accept(name=self._display_name)

    def _on_registered(self, *_: object) -> None:
        self._registered_once = True
        self._failures.last = None


def load(active: int) -> float:
    """What LiveKit is told: more with every call, so that the emptiest pod gets the next, and never full."""
    return TARGET_LOAD * active / (active + BUSY_AT)


def _load(server: AgentServer) -> float:
    return load(len(server.active_jobs))


def _is_connecting(server: AgentServer) -> bool:
    return server._connecting


class _ConnectionFailures(logging.Handler):
    """Keeps why AgentServer could not connect, which it only logs. Without it the sentence is less exact."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.last: str | None = None

    def emit(self, record: logging.LogRecord) -> None:
        error = getattr(record, "error", None)
        if "failed to connect to livekit" not in record.getMessage() or not isinstance(error, Exception):
            return
        status = getattr(error, "status", None)
        if status in (401, 403):
            self.last = "LiveKit refused the API key or secret (check the agent's LiveKit Secret)."
        else:
            self.last = f"{str(error).rstrip('.') or type(error).__name__}."
