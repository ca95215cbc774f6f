"""What the kubelet asks: does work go on, and has everything been seen once. And a few numbers for Prometheus."""

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from voiceagent_operator.client import Client
from voiceagent_operator.objects import Key
from voiceagent_operator.queue import WorkQueue
from voiceagent_operator.workers import Workers


@dataclass(frozen=True, slots=True)
class Health:
    """Judges liveness by what the work does, not by whether a task exists."""

    client: Client
    queue: WorkQueue[Key]
    workers: Workers[Key]
    is_ready: Callable[[], bool]
    longest_wait_seconds: float = 120.0
    longest_work_seconds: float = 180.0

    def complaint(self) -> str | None:
        """Why the process should be restarted, or None."""
        if self.is_ready() and self.queue.age_seconds() > self.longest_wait_seconds:
            return f"A VoiceAgent has been waiting to be reconciled for {self.queue.age_seconds():.0f} s."
        if self.workers.longest_busy_seconds() > self.longest_work_seconds:
            return f"A worker has been at one VoiceAgent for {self.workers.longest_busy_seconds():.0f} s."
        return None

    def metrics(self) -> str:
        """The numbers in Prometheus' text format."""
        lines = [
            "# HELP voiceagent_operator_queue_depth VoiceAgents that wait to be reconciled, or are being reconciled.",
            "# TYPE voiceagent_operator_queue_depth gauge",
            f"voiceagent_operator_queue_depth {self.queue.depth()}",
            "# HELP voiceagent_operator_reconciles_total Reconciles by outcome.",
            "# TYPE voiceagent_operator_reconciles_total counter",
            *(
                f'voiceagent_operator_reconciles_total{{outcome="{outcome}"}} {self.workers.outcomes[outcome]}'
                for outcome in ("done", "retried")
            ),
            "# HELP voiceagent_operator_api_requests_total Requests to the API server by method, without watches.",
            "# TYPE voiceagent_operator_api_requests_total counter",
            *(
                f'voiceagent_operator_api_requests_total{{method="{method}"}} {self.client.requests[method]}'
                for method in ("DELETE", "GET", "PATCH")
            ),
        ]
        return "\n".join(lines) + "\n"


def health_app(health: Health) -> web.Application:
    """/healthz, /readyz and /metrics."""

    async def healthz(_: web.Request) -> web.Response:
        complaint = health.complaint()
        return web.Response(text=complaint or "ok", status=503 if complaint else 200)

    async def readyz(_: web.Request) -> web.Response:
        ready = health.is_ready()
        text = "ok" if ready else "The cluster's objects have not all been listed yet."
        return web.Response(text=text, status=200 if ready else 503)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(text=health.metrics())

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", metrics)])
    return app
