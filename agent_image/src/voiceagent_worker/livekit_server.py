"""The one place that knows livekit-agents' AgentServer: how it is set up, and whether it is registered.

AgentServer tells of a registration by an event, but of a lost connection only by its private field
`_connecting`: True from the moment it tries to connect until LiveKit has registered it, so also while it
retries. Its HTTP endpoint on `/` answers 200 all the while. `tests/unit/worker/test_livekit_server.py` fails
when that field goes away.
"""

import asyncio
import logging
import math
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from livekit.agents import AgentServer, JobContext, JobProcess, JobRequest
from voiceagent_api.agent_config import AgentConfig
from voiceagent_api.names import ATTRIBUTE_PROCESS, agent_identity
from voiceagent_api.shutdown import CLOSING_SECONDS, GOODBYE_SECONDS, LEAVING_SECONDS

from voiceagent_worker.admission import Refusal, load, refusal
from voiceagent_worker.credentials import LiveKitCredentials
from voiceagent_worker.ending import wait_for_room

logger = logging.getLogger(__name__)

PROCESS_SHUTDOWN_SECONDS: Final = 4.0
"""Twice this, to be told and to be gone, is within what closing may take."""
SESSION_END_SECONDS: Final = 5.0
MEMORY_WARNING: Final = 0.8
"""The part of a call's memory limit from which its use is logged."""
INITIALIZE_SECONDS: Final = 60.0
"""For a process to be warmed on a busy node; calls wait for it, the server's registration too."""
REMEMBERED_OVERRUNS: Final = 100
NEVER_GIVE_UP: Final = 2**31
"""After max_retry failures AgentServer ends; the pod is to wait for its LiveKit server instead."""


class LiveKitServer:
    """AgentServer, with what the worker wants to know of it."""

    def __init__(
        self,
        config: AgentConfig,
        credentials: LiveKitCredentials,
        entrypoint: Callable[[JobContext], Awaitable[None]],
        prepare: Callable[[JobProcess], None],
        preload: Sequence[str],
        *,
        process: str,
        capacity: int,
        draining: Callable[[], bool],
        on_refused: Callable[[Refusal], None],
        session_memory_bytes: int | None = None,
    ) -> None:
        """`entrypoint` and `prepare` are pickled into each call's process; it finds `preload` imported.

        Its agents carry the name of this `process` in their rooms. No more than `capacity` calls are taken at once,
        and none while `draining`. A call whose process uses more than `session_memory_bytes` is ended, it alone;
        livekit-agents looks every 5 s.
        """
        self._url = config.livekit_url
        self._agent_name = config.agent_name
        self._display_name = config.name
        self._drain_seconds = max(1, config.drain_timeout_seconds)
        self._process = process
        self._capacity = capacity
        self._draining = draining
        self._on_refused = on_refused
        # replaced, never changed in place: AgentServer asks for the load on another thread
        self._starting: frozenset[str] = frozenset()
        self._started = False
        self._registered_once = False
        self._closed = False
        self._failures = _ConnectionFailures()
        self._overruns = _MemoryOverruns()
        memory_limit = (session_memory_bytes or 0) / 2**20
        self._server = AgentServer(
            ws_url=config.livekit_url,
            api_key=credentials.api_key,
            api_secret=credentials.api_secret,
            # infinite, and the number of processes and the pod's readiness stay what we say they are
            load_threshold=math.inf,
            load_fnc=self._load,
            num_idle_processes=1,
            shutdown_process_timeout=PROCESS_SHUTDOWN_SECONDS,
            session_end_timeout=SESSION_END_SECONDS,
            initialize_process_timeout=INITIALIZE_SECONDS,
            max_retry=NEVER_GIVE_UP,
            job_memory_limit_mb=memory_limit,
            job_memory_warn_mb=memory_limit * MEMORY_WARNING,
            # its own endpoint cannot be turned off: any free port, seen by nobody
            host="127.0.0.1",
            port=0,
            setup_fnc=prepare,
            preload_modules=list(preload),
        )
        self._server.rtc_session(
            entrypoint, agent_name=config.agent_name, on_request=self._accept, on_session_end=wait_for_room
        )
        self._server.on("worker_started", self._on_started)
        self._server.on("worker_registered", self._on_registered)

    @property
    def taken(self) -> int:
        """How many calls this worker has, those about to start too."""
        # AgentServer has no list of jobs before it runs
        jobs = self._server.active_jobs if self._started else []
        return len({info.job.id for info in jobs} | self._starting)

    @property
    def registered(self) -> bool:
        """LiveKit knows this worker and can reach it."""
        return self._registered_once and not self._closed and not _is_connecting(self._server)

    @property
    def why_not_registered(self) -> str:
        """A sentence for who asks why no calls come."""
        reason = f": {self._failures.last}" if self._failures.last else "."
        return f'Not registered with LiveKit at {self._url} as "{self._agent_name}"; trying again{reason}'

    def memory_exceeded(self, job_id: str) -> bool:
        """Whether the job's process was ended for using more memory than one call may."""
        return job_id in self._overruns.jobs

    async def run(self) -> None:
        """Serve until closed. Raises when it cannot start."""
        logging.getLogger("livekit.agents").addHandler(self._failures)
        logging.getLogger("livekit.agents").addHandler(self._overruns)
        try:
            await self._server.run()
        finally:
            self._closed = True
            logging.getLogger("livekit.agents").removeHandler(self._failures)
            logging.getLogger("livekit.agents").removeHandler(self._overruns)

    async def drain(self, end_calls: Callable[[], None]) -> None:
        """Take no more calls and wait for those that run.

        When the agent's drain timeout is over, `end_calls` is to make the rest end by themselves, which they may
        take a while for.
        """
        empty = asyncio.create_task(self._server.drain(timeout=None), name="drain")
        try:
            await asyncio.wait({empty}, timeout=self._drain_seconds)
            if not empty.done():
                logger.warning("The drain timeout is over; the agents say goodbye", extra={"calls": self.taken})
                end_calls()
                await asyncio.wait({empty}, timeout=GOODBYE_SECONDS + LEAVING_SECONDS)
            if empty.done():
                await empty
            else:
                logger.warning("Calls do not end; they are cut off", extra={"calls": self.taken})
        finally:
            empty.cancel()

    async def close(self) -> None:
        """End everything, calls too."""
        self._closed = True
        try:
            async with asyncio.timeout(CLOSING_SECONDS):
                await self._server.aclose()
        except TimeoutError:
            logger.warning("Closing took longer than %d s; the rest ends with the process", CLOSING_SECONDS)

    async def _accept(self, request: JobRequest) -> None:
        reason = refusal(self.taken, self._capacity, self._draining())
        if reason is not None:
            logger.info("A call was refused", extra={"reason": reason, "room": request.room.name})
            self._on_refused(reason)
            # softly: LiveKit asks another worker
            await request.reject(terminate=False)
            return
        self._starting |= {request.id}
        try:
            # returns once a process has the call, from when on it is one of the active
            await request.accept(
                name=self._display_name,
                identity=agent_identity(request.id),
                attributes={ATTRIBUTE_PROCESS: self._process},
            )
        finally:
            self._starting -= {request.id}

    def _load(self, _: AgentServer) -> float:
        return load(self.taken, self._capacity, self._draining())

    def _on_started(self) -> None:
        self._started = True

    def _on_registered(self, *_: object) -> None:
        self._registered_once = True
        self._failures.last = None


def _is_connecting(server: AgentServer) -> bool:
    return server._connecting


class _MemoryOverruns(logging.Handler):
    """Keeps which jobs AgentServer killed for their use of memory, which it only logs, and does before it kills.

    Without it such a call counts as crashed.
    """

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.jobs: deque[str] = deque(maxlen=REMEMBERED_OVERRUNS)

    def emit(self, record: logging.LogRecord) -> None:
        job = getattr(record, "job_id", None)
        if "exceeded memory limit" in record.getMessage() and isinstance(job, str):
            self.jobs.append(job)


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
