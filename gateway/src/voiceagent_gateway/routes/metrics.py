"""`/metrics` and its kin: the fleet's calls and latencies."""

import random
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from voiceagent_gateway import metrics_json
from voiceagent_gateway.deps import Deps
from voiceagent_gateway.gate import GATE_PROBLEMS, dependency, require_metrics
from voiceagent_gateway.identity import Identity
from voiceagent_gateway.merge import Fleet
from voiceagent_gateway.model import iso
from voiceagent_gateway.negotiation import Form, preferred_form
from voiceagent_gateway.problems import ProblemError
from voiceagent_gateway.settings import Settings
from voiceagent_gateway.test_metrics import make_sessions

HEADERS: Final = {"Cache-Control": "no-store", "Vary": "Accept"}


def metrics_routes(settings: Settings, deps: Deps) -> APIRouter:
    """The routes by which dashboards and scrapers see the fleet."""

    async def reader(request: Request) -> Identity:
        caller = await deps.gate.identify(request)
        require_metrics(caller)
        return caller

    router = APIRouter(
        tags=["metrics"], dependencies=[dependency(reader, settings.install.gateway)], responses=GATE_PROBLEMS
    )

    @router.get("/metrics", summary="All metrics; Prometheus text where Accept prefers it")
    async def metrics(request: Request) -> Response:
        fleet = await deps.fleet.read()
        form = preferred_form(",".join(request.headers.getlist("accept")))
        if form is Form.JSON:
            return _json(metrics_json.full(fleet))
        body, content_type = deps.counters.text(fleet, as_openmetrics=form is Form.OPENMETRICS)
        return Response(body, headers={**HEADERS, "Content-Type": content_type})

    @router.get("/metrics/simple", summary="A few numbers")
    async def simple() -> Response:
        return _json(metrics_json.simple(await deps.fleet.read()))

    @router.get("/metrics/sessions", summary="The calls now, and those that ended within the hour")
    async def sessions() -> Response:
        return _json(metrics_json.sessions(await deps.fleet.read()))

    @router.get("/metrics/test", summary="Make marked test data")
    async def test() -> Response:
        if not settings.install.gateway.allow_test_metrics:
            raise ProblemError(
                403,
                "test-metrics-off",
                "Test metrics are off",
                "This gateway makes no test data; the install's gateway.allowTestMetrics would let it.",
            )
        made = make_sessions(deps.clock(), random.Random())  # noqa: S311 (nothing secret)
        deps.fleet.remember(made)
        fleet = await deps.fleet.read()
        keys = {session.key for session in made}
        return _json({"created": _made(fleet, keys), "test_data": True, "timestamp": iso(fleet.at)})

    return router


def _made(fleet: Fleet, keys: set[tuple[str, str]]) -> list[dict[str, Any]]:
    return [metrics_json.session(one, fleet) for one in fleet.recent if (one.pod.uid, one.record.id) in keys]


def _json(body: dict[str, Any]) -> Response:
    return JSONResponse(body, headers=HEADERS)
