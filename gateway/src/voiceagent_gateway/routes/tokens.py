"""`GET /token`, and `POST /token` as LiveKit's clients ask it (TokenSource.endpoint)."""

import asyncio
import json
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field, ValidationError

from voiceagent_gateway.audit import AuditedRoute, note
from voiceagent_gateway.choice import choose_agent, livekit_place, require_callable
from voiceagent_gateway.deps import Deps
from voiceagent_gateway.direct import DirectJson, DirectRoute
from voiceagent_gateway.gate import GATE_PROBLEMS, dependency, forbidden, security
from voiceagent_gateway.identity import Identity, default_room, denial, visible
from voiceagent_gateway.model import AgentRef, CallRequest, iso
from voiceagent_gateway.problems import (
    MEDIA_TYPE,
    FieldError,
    ProblemDocument,
    ProblemError,
    field_errors,
    invalid_request,
)
from voiceagent_gateway.settings import Settings
from voiceagent_gateway.tokens import Grant, IssuedToken, grant_for, issue
from voiceagent_gateway.validation import AgentReference, Name, TokenBody, parse_token_body

BODY_MAX_BYTES: Final = 32 * 1024
BODY_TIMEOUT_SECONDS: Final = 10.0
NOT_SYNCED_RETRY_SECONDS: Final = 2
QUERIES_KEPT: Final = 1024
QUERY_KEPT_MAX_BYTES: Final = 256

_PROBLEMS: Final[dict[int | str, dict[str, Any]]] = GATE_PROBLEMS | {
    status: {"model": ProblemDocument, "description": text, "content": {MEDIA_TYPE: {}}}
    for status, text in {
        400: "A field is wrong, or it is not clear which agent is meant.",
        404: "There is no such agent.",
        409: "The agent is suspended, or scaled to zero by hand.",
        408: "The body came too slowly.",
        413: "The body is too large.",
        429: "Too many requests; or all places of the agent are taken, and it has all the pods that it may have.",
        503: "The agent has no free place yet, or its LiveKit credentials are missing.",
    }.items()
}


class TokenQuery(BaseModel):
    """What a call is asked for with in a URL."""

    room: Name | None = Field(None, description="Default: an unguessable name.")
    identity: Name | None = Field(None, description="Default: an unguessable name.")
    agent: AgentReference | None = Field(None, description="NAMESPACE/NAME; may be left out where there is only one.")


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
    expires_at: str


def token_routes(settings: Settings, deps: Deps) -> APIRouter:
    """The routes by which callers get their tokens."""
    router = APIRouter(tags=["tokens"], route_class=AuditedRoute)

    async def count(request: Request) -> Identity:
        try:
            return await deps.gate.admit(request)
        except ProblemError as problem:
            deps.counters.refusals.labels(problem.name).inc()
            raise

    admit = dependency(count, settings.install.gateway)

    async def get_token(request: Request) -> Response:
        caller = await count(request)
        call = await _give(settings, deps, caller, _asked(request.scope["query_string"]), request)
        # The fields of TokenAnswer, which needs no second check.
        answer = {
            "token": call.issued.token,
            "url": call.url,
            "room": call.grant.room,
            "identity": call.grant.identity,
            "expires_at": call.expires_at,
        }
        return DirectJson(orjson.dumps(answer))

    router.add_api_route(
        "/token",
        get_token,
        summary="A token for a call",
        response_model=TokenAnswer,
        responses=_PROBLEMS,
        openapi_extra={"parameters": _query_parameters(TokenQuery), **security(settings.install.gateway)},
        route_class_override=DirectRoute,
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
        caller: Annotated[Identity, admit],
        agent: Annotated[AgentReference | None, Query(description="NAMESPACE/NAME.")] = None,
    ) -> TokenSourceAnswer:
        response.headers["Cache-Control"] = "no-store"
        call_request = parse_token_body(await _read_json(request), agent)
        call = await _give(settings, deps, caller, call_request, request)
        return TokenSourceAnswer(server_url=call.url, participant_token=call.issued.token)

    return router


async def _give(settings: Settings, deps: Deps, caller: Identity, wish: CallRequest, request: Request) -> _Call:
    note(request, agent=wish.agent, room=wish.room, identity=wish.identity)
    try:
        return await _make(settings, deps, caller, wish, request)
    except ProblemError as problem:
        deps.counters.refusals.labels(problem.name).inc()
        raise


async def _make(settings: Settings, deps: Deps, caller: Identity, wish: CallRequest, request: Request) -> _Call:
    if deps.directory.waiting_for():
        raise ProblemError(
            503,
            "starting",
            "The gateway is starting",
            "The gateway has not yet seen which VoiceAgents there are.",
            retry_after_seconds=NOT_SYNCED_RETRY_SECONDS,
        )
    agent = _agent_for(deps, caller, wish)
    note(request, agent=agent.reference)
    room = wish.room
    if room is None:
        # One that the caller may use.
        room = default_room(caller, agent, deps.new_id)
        if room is None:
            rule = "must be given, since you may use rooms of certain names only"
            raise invalid_request([FieldError("room", rule)])
    elif (denied := denial(caller, agent.reference, room)) is not None:
        raise forbidden(caller, denied)
    require_callable(agent)
    place = livekit_place(agent, settings.install.livekit)
    credentials = await deps.credentials.read(agent.namespace, place.secret_name)
    grant = grant_for(wish, agent.agent_name, room, f"caller-{deps.new_id()}")
    # Last, since a place is held from here on.
    await deps.door.admit(agent, grant.room, request.is_disconnected)
    issued = issue(grant, credentials, _seconds_for(settings, deps, caller))
    # A room of our own naming cannot be there yet.
    if wish.room is not None and await deps.rooms.ensure_agent(
        place.url, credentials, grant.room, grant.agent_name, grant.agent_metadata
    ):
        deps.counters.dispatches.labels(agent.namespace, agent.name).inc()
    deps.counters.tokens.labels(agent.namespace, agent.name).inc()
    expires_at = iso(issued.expires_at)
    note(request, room=grant.room, identity=grant.identity, expires_at=expires_at)
    return _Call(issued, grant, place.public_url, expires_at)


def _agent_for(deps: Deps, caller: Identity, wish: CallRequest) -> AgentRef:
    """The agent that is meant, among those that the caller may call: others are not even guessed at."""
    if wish.agent is not None and (denied := denial(caller, wish.agent)) is not None:
        raise forbidden(caller, denied)
    # Whoever names an agent need not wait until all others have been looked at.
    named = deps.directory.agent(wish.agent) if wish.agent is not None else None
    return choose_agent([named] if named else visible(caller, deps.directory.agents()), wish)


def _seconds_for(settings: Settings, deps: Deps, caller: Identity) -> int:
    """For how long a token is good: as the install says, and not longer than the caller's own right."""
    longest = settings.install.gateway.token_ttl_seconds
    if caller.expires_at is None:
        return longest
    return max(1, min(longest, (caller.expires_at - deps.clock()) // timedelta(seconds=1)))


def _asked(query: bytes) -> CallRequest:
    """The checked request of a URL's query. Raises a 400 problem naming the fault."""
    return _known_query(query) if len(query) <= QUERY_KEPT_MAX_BYTES else _read_query(query)


def _read_query(query: bytes) -> CallRequest:
    try:
        asked = TokenQuery.model_validate(dict(parse_qsl(query.decode("latin-1"), True)))
    except ValidationError as error:
        raise invalid_request(field_errors(error.errors())) from None
    return CallRequest(room=asked.room, identity=asked.identity, agent=asked.agent)


# A web site asks for the same agent again and again.
_known_query = lru_cache(maxsize=QUERIES_KEPT)(_read_query)


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


def _query_parameters(model: type[BaseModel]) -> list[dict[str, Any]]:
    """A model's fields as the OpenAPI document lists parameters."""
    fields = model.model_json_schema()["properties"]
    return [
        {"name": name, "in": "query", "required": False, "description": schema.pop("description"), "schema": schema}
        for name, schema in fields.items()
    ]


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
