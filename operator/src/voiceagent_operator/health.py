"""What the kubelet asks: does work go on, and has everything been seen once. And numbers for Prometheus."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from voiceagent_operator.objects import Key
from voiceagent_operator.queue import WorkQueue
from voiceagent_operator.tables import Tables
from voiceagent_operator.workers import Workers


@dataclass(frozen=True, slots=True)
class Health:
    """Judges liveness by what the work does, not by whether a task exists."""

    queue: WorkQueue[Key]
    workers: Workers[Key]
    tables: Tables
    is_ready: Callable[[], bool]
    is_leading: Callable[[], bool]
    not_watched: Callable[[], list[str]]
    """Which watches have never begun, with the cause and the cure of each."""
    clock: Callable[[], float]
    server_answers: Callable[[], Awaitable[bool]]
    """Asks the API server: while it is away, nothing that waits for it is this process's fault."""
    longest_wait_seconds: float = 120.0
    longest_work_seconds: float = 180.0
    longest_owed_seconds: float = 100.0
    """Longer than a silent watch needs to be taken up again (see `watching`): restarting is the last resort."""

    async def complaint(self) -> str | None:
        """Why the process should be restarted, or None."""
        told = self._work_complaint() or self._watch_complaint()
        return told if told and await self.server_answers() else None

    def unready(self) -> str | None:
        """Why this process does not work and does not stand by, or None."""
        if self.is_ready():
            return None
        return "\n".join(["The cluster's objects have not all been listed yet.", *self.not_watched()])

    def _work_complaint(self) -> str | None:
        if self.is_leading() and self.queue.age_seconds() > self.longest_wait_seconds:
            return f"A VoiceAgent has been waiting to be reconciled for {self.queue.age_seconds():.0f} s."
        if self.workers.longest_busy_seconds() > self.longest_work_seconds:
            return f"A worker has been at one VoiceAgent for {self.workers.longest_busy_seconds():.0f} s."
        return None

    def _watch_complaint(self) -> str | None:
        since = self.tables.watch_owes_since()
        owed_seconds = 0.0 if since is None else self.clock() - since
        if self.is_ready() and owed_seconds > self.longest_owed_seconds:
            return f"A watch is stuck: it has not told of a change that is known for {owed_seconds:.0f} s."
        return None


def health_app(health: Health, registry: CollectorRegistry) -> web.Application:
    """/healthz, /readyz and /metrics."""

    async def healthz(_: web.Request) -> web.Response:
        complaint = await health.complaint()
        return web.Response(text=complaint or "ok", status=503 if complaint else 200)

    async def readyz(_: web.Request) -> web.Response:
        unready = health.unready()
        return web.Response(text=unready or "ok", status=503 if unready else 200)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", metrics)])
    return app
