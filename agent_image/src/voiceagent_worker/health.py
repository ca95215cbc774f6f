"""The pod's HTTP endpoints: for probes, the operator, the gateway and Prometheus."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from aiohttp import web
from voiceagent_api.worker_status import WorkerStatus

from voiceagent_worker.metrics import CONTENT_TYPE

SHUTDOWN_SECONDS: Final = 2.0


def create_app(
    why_not_ready: Callable[[], str | None],
    status: Callable[[], WorkerStatus],
    metrics: Callable[[], bytes],
    control: Iterable[web.RouteDef] = (),
) -> web.Application:
    """The endpoints, over three questions to the worker, and those that control it.

    `why_not_ready` says None when it is ready.
    """

    async def healthz(_: web.Request) -> web.Response:
        # that this is answered at all shows that the event loop turns
        return web.Response(text="alive\n")

    async def readyz(_: web.Request) -> web.Response:
        reason = why_not_ready()
        return web.Response(text="ready\n") if reason is None else web.Response(status=503, text=f"{reason}\n")

    async def get_status(_: web.Request) -> web.Response:
        return web.Response(text=status().model_dump_json(by_alias=True), content_type="application/json")

    async def get_metrics(_: web.Request) -> web.Response:
        return web.Response(body=metrics(), headers={"Content-Type": CONTENT_TYPE})

    app = web.Application(middlewares=[_never_cached])
    app.add_routes(
        [
            web.get("/healthz", healthz),
            web.get("/readyz", readyz),
            web.get("/status", get_status),
            web.get("/metrics", get_metrics),
            *control,
        ]
    )
    return app


class HttpEndpoints:
    """Serves an application until stopped."""

    def __init__(self, app: web.Application, host: str, port: int) -> None:
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
        self._host = host
        self._port = port

    async def start(self) -> None:
        """Listen. Raises OSError when the port is taken."""
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()

    async def stop(self) -> None:
        """Stop listening."""
        await self._runner.cleanup()


@web.middleware
async def _never_cached(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    response = await handler(request)
    response.headers["Cache-Control"] = "no-store"
    return response
