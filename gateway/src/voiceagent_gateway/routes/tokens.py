"""`GET /token`, and `POST /token` as LiveKit's clients ask it (TokenSource.endpoint)."""

import asyncio
import json
import logging
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from voiceagent_gateway.choice import choose_agent, livekit_place, require_callable
from voiceagent_gateway.deps import Deps
from voiceagent_gateway.model import CallRequest, iso
from voiceagent_gateway.problems import MEDIA_TYPE, FieldError, ProblemDocument, ProblemError, invalid_request
from voiceagent_gateway.settings import Settings
from voiceagent_gateway.tokens import Grant, IssuedToken, grant_for, issue
from voiceagent_gateway.validation import AgentReference, Name, TokenBody, parse_token_body

BODY_MAX_BYTES: Final = 32 * 1024
BODY_TIMEOUT_SECONDS: Final = 10.0
NOT_SYNCED_RETRY_SECONDS: Final = 2
audit = logging.getLogger("voiceagent_gateway.audit")

_PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"model": ProblemDocument, "description": text, "content": {MEDIA_TYPE: {}}}
    for status, text in {
        400: "A field is wrong, or it is not clear which agent is meant.",
        404: "There is no such agent.",
        409: "The agent is suspended, or scaled to zero by hand.",
        429: "All places of the agent are taken, and it has all the pods that it may have.",
        503: "The agent has no free place yet, or its LiveKit credentials are missing.",
    }.items()
}


class TokenAnswer(BaseModel):
    """A token, and all that is needed to use it."""

    token: str
    url: str
    room: str
    identity: str
    expires_at: str


class TokenSourceAnswer(BaseModel):
    """The answer of LiveKit's standard token endpoint."""

    server_url: str
    participant_token: str


@dataclass(frozen=True, slots=True)
class _Call:
    issued: IssuedToken
    grant: Grant
    url: str


def token_routes(settings: Settings, deps: Deps) -> APIRouter:
    """The routes by which callers get their tokens."""
    router = APIRouter(tags=["tokens"])

    @router.get("/token", summary="A token for a call", responses=_PROBLEMS)
    async def get_token(
        request: Request,
        response: Response,
        room: Annotated[Name | None, Query(description="Default: an unguessable name.")] = None,
        identity: Annotated[Name | None, Query(description="Default: an unguessable name.")] = None,
        agent: Annotated[
            AgentReference | None,
            Query(description="NAMESPACE/NAME; may be left out where there is only one."),
        ] = None,
    ) -> TokenAnswer:
        response.headers["Cache-Control"] = "no-store"
        call = await _give(settings, deps, CallRequest(room=room, identity=identity, agent=agent), request)
        return TokenAnswer(
            token=call.issued.token,
            url=call.url,
            room=call.grant.room,
            identity=call.grant.identity,
            expires_at=iso(call.issued.expires_at),
        )

    @router.post(
        "/token",
        status_code=201,
        summary="A token for a call, by LiveKit's standard token endpoint",
        responses=_PROBLEMS,
        openapi_extra={
            "requestBody": {
                "required": False,
                "content": {"application/json": {"schema": _inlined(TokenBody.model_json_schema())}},
            }
        },
    )
    async def post_token(
        request: Request,
        response: Response,
        agent: Annotated[AgentReference | None, Query(description="NAMESPACE/NAME.")] = None,
    ) -> TokenSourceAnswer:
        response.headers["Cache-Control"] = "no-store"
        call_request = parse_token_body(await _read_json(request), agent)
        call = await _give(settings, deps, call_request, request)
        return TokenSourceAnswer(server_url=call.url, participant_token=call.issued.token)

    return router


async def _give(settings: Settings, deps: Deps, wish: CallRequest, request: Request) -> _Call:
    try:
        return await _make(settings, deps, wish, request)
    except ProblemError as problem:
        deps.counters.refusals.labels(problem.name).inc()
        raise


async def _make(settings: Settings, deps: Deps, wish: CallRequest, request: Request) -> _Call:
    if deps.directory.waiting_for():
        raise ProblemError(
            503,
            "starting",
            "The gateway is starting",
            "The gateway has not yet seen which VoiceAgents there are.",
            retry_after_seconds=NOT_SYNCED_RETRY_SECONDS,
        )
    agent = choose_agent(deps.directory.agents(), wish)
    require_callable(agent)
    place = livekit_place(agent, settings.install.livekit)
    credentials = await deps.credentials.read(agent.namespace, place.secret_name)
    grant = grant_for(wish, agent.agent_name, f"{agent.name}-{deps.new_id()}", f"caller-{deps.new_id()}")
    # Last, since a place is held from here on.
    await deps.door.admit(agent, grant.room, request.is_disconnected)
    issued = issue(grant, credentials, settings.install.gateway.token_ttl_seconds)
    # A room of our own naming cannot be there yet.
    if wish.room is not None and await deps.rooms.ensure_agent(
        place.url, credentials, grant.room, grant.agent_name, grant.agent_metadata
    ):
        deps.counters.dispatches.labels(agent.namespace, agent.name).inc()
    deps.counters.tokens.labels(agent.namespace, agent.name).inc()
    audit.info(
        "token given",
        extra={
            "who": _who(request),
            "agent": agent.reference,
            "room": grant.room,
            "identity": grant.identity,
            "expires_at": iso(issued.expires_at),
        },
    )
    return _Call(issued, grant, place.public_url)


def _who(request: Request) -> str:
    return request.client.host if request.client else "unknown"


async def _read_json(request: Request) -> object:
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > BODY_MAX_BYTES:
                    detail = f"The request's body has more than {BODY_MAX_BYTES} bytes."
                    raise ProblemError(413, "too-large", "The request is too large", detail)
    except TimeoutError:
        detail = f"The request's body did not arrive within {BODY_TIMEOUT_SECONDS:g} seconds."
        raise ProblemError(408, "too-slow", "The request is too slow", detail) from None
    try:
        return json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError):
        raise invalid_request([FieldError("body", "must be a JSON object, or empty")]) from None


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without `$defs`, which have no place inside an OpenAPI document."""
    definitions = schema.pop("$defs", {})

    def resolve(node: Any) -> Any:
        if isinstance(node, dict):
            if "$ref" in node:
                return resolve(definitions[node["$ref"].rsplit("/", 1)[-1]])
            return {key: resolve(value) for key, value in node.items()}
        return [resolve(item) for item in node] if isinstance(node, list) else node

    resolved: dict[str, Any] = resolve(schema)
    return resolved
