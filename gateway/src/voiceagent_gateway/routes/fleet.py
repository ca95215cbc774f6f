"""`/fleet`: the fleet at a glance, as a page for people and as JSON; `/fleet/events`: the same as it changes."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Request, Response

from voiceagent_gateway.client_files import ClientFiles
from voiceagent_gateway.deps import Deps
from voiceagent_gateway.gate import GATE_PROBLEMS, dependency, require_metrics
from voiceagent_gateway.identity import Identity
from voiceagent_gateway.negotiation import prefers
from voiceagent_gateway.overview.document import FleetDocument
from voiceagent_gateway.overview.picture import picture
from voiceagent_gateway.overview.stream import EventStream, Overview
from voiceagent_gateway.problems import MEDIA_TYPE, ProblemDocument
from voiceagent_gateway.routes.client import livekit_urls
from voiceagent_gateway.settings import Settings

HTML: Final = "text/html"
NOBODY: Final = Identity("page")
"""Whoever asks for the page itself, in which no agent is named."""
_EVENT: Final = {
    "type": "object",
    "properties": {"event": {"const": "fleet"}, "data": {"type": "string", "description": "What GET /fleet answers."}},
    "required": ["event", "data"],
}
_STREAM: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "Events, one after the other.", "content": {EventStream.media_type: {"schema": _EVENT}}},
    503: {"model": ProblemDocument, "description": "Too many listeners.", "content": {MEDIA_TYPE: {}}},
}


def fleet_routes(settings: Settings, deps: Deps, files: ClientFiles) -> APIRouter:
    """The routes of the fleet page."""
    overview = Overview(
        lambda: picture(
            deps.directory.agents(),
            deps.directory.pods(),
            deps.fleet.known,
            deps.fleet.past,
            deps.usage.usage,
            deps.clock(),
        ),
        deps.clock,
        deps.stopping,
    )

    async def reader(request: Request) -> Identity:
        caller = await deps.gate.identify(request)
        require_metrics(caller)
        return caller

    async def reader_unless_page(request: Request) -> Identity:
        return NOBODY if _is_for_page(request) else await reader(request)

    router = APIRouter(tags=["fleet"])
    gateway = settings.install.gateway
    known, known_unless_page = dependency(reader, gateway), dependency(reader_unless_page, gateway)

    @router.get(
        "/fleet",
        summary="Each agent's health, calls and pods, and what needs attention; a page where Accept prefers it",
        responses=GATE_PROBLEMS | {200: {"model": FleetDocument, "content": {HTML: {}}}},
    )
    async def fleet(request: Request, caller: Annotated[Identity, known_unless_page]) -> Response:
        if _is_for_page(request):
            response = await files.response("fleet", request.scope, livekit_urls(settings, deps))
            response.headers["Vary"] = "Accept"
            return response
        headers = {"Cache-Control": "no-store", "Vary": "Accept"}
        return Response(overview.text(caller), media_type="application/json", headers=headers)

    @router.get(
        "/fleet/events",
        summary="The same when it changes, as server-sent events named fleet",
        status_code=200,
        response_class=EventStream,
        responses=GATE_PROBLEMS | _STREAM,
    )
    async def events(caller: Annotated[Identity, known]) -> EventStream:
        return overview.listen(caller)

    return router


def _is_for_page(request: Request) -> bool:
    return prefers(",".join(request.headers.getlist("accept")), HTML)
