"""`/metrics` and its kin: the fleet's calls and latencies."""

import random
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from voiceagent_gateway import metrics_json
from voiceagent_gateway.deps import Deps
from voiceagent_gateway.gate import GATE_PROBLEMS, dependency, require_metrics
from voiceagent_gateway.history.answer import HistoryAnswer
from voiceagent_gateway.history.points import HistoryError, as_json
from voiceagent_gateway.history.question import parse
from voiceagent_gateway.identity import Identity
from voiceagent_gateway.json_in_turns import JsonInTurns
from voiceagent_gateway.merge import Fleet
from voiceagent_gateway.model import iso
from voiceagent_gateway.negotiation import Form, preferred_form
from voiceagent_gateway.problems import MEDIA_TYPE, ProblemDocument, ProblemError
from voiceagent_gateway.settings import Settings
from voiceagent_gateway.test_metrics import make_sessions

HEADERS: Final = {"Cache-Control": "no-store", "Vary": "Accept"}
HISTORY_PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"model": ProblemDocument, "description": text, "content": {MEDIA_TYPE: {}}}
    for status, text in {
        400: "A parameter is wrong, or the answer would have too many points.",
        503: "The history cannot be read now.",
    }.items()
}


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
            return JsonInTurns(metrics_json.full(fleet), HEADERS)
        body, content_type = deps.counters.text(fleet, as_openmetrics=form is Form.OPENMETRICS)
        return Response(body, headers={**HEADERS, "Content-Type": content_type})

    @router.get("/metrics/simple", summary="A few numbers")
    async def simple() -> Response:
        return _json(metrics_json.simple(await deps.fleet.read()))

    @router.get("/metrics/sessions", summary="The calls now, and those that ended within the hour")
    async def sessions() -> Response:
        return JsonInTurns(metrics_json.sessions(await deps.fleet.read()), HEADERS)

    @router.get(
        "/metrics/history",
        summary="Calls, outcomes and latencies of each agent over time",
        responses=HISTORY_PROBLEMS,
        response_model=HistoryAnswer,
    )
    async def history(
        agent: Annotated[str | None, Query(description="VoiceAgent as NAMESPACE/NAME; all by default.")] = None,
        since: Annotated[
            str | None, Query(alias="from", description="RFC 3339 or seconds since 1970; 24 h before `to` by default.")
        ] = None,
        until: Annotated[str | None, Query(alias="to", description="The same; now by default.")] = None,
        step: Annotated[
            str | None, Query(description="Seconds, or such as 5m, 1h, 1d: whole minutes. Chosen by default.")
        ] = None,
        test: Annotated[bool, Query(description="The made-up sessions of /metrics/test instead of real ones.")] = False,
    ) -> Response:
        question = parse(agent, since, until, step, test, deps.clock())
        try:
            found = await deps.history.query(question)
        except HistoryError as error:
            raise ProblemError(503, "history-unavailable", "The history cannot be read", f"{error}.") from error
        return Response(as_json(found), headers={**HEADERS, "Content-Type": "application/json"})

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
