"""What the gateway is to a call page, for one agent on this machine: who there is, and tokens to call.

For this machine's own browser only: it listens on loopback, and answers nobody who calls it by another name.
"""

import json
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from aiohttp import web
from livekit import api
from voiceagent_api.agent_config import AgentConfig

from voiceagent_worker.credentials import LiveKitCredentials

TOKEN_LIFE: Final = timedelta(minutes=10)
HOSTS: Final = frozenset({"localhost", "127.0.0.1"})
NO_PAGE: Final = (
    "The call page is not built. In a checkout: make client, then start with --page client/dist.\n"
    "GET and POST /token give tokens all the same, as LiveKit's clients and `voiceagent talk --gateway` ask for them.\n"
)
MAX_BODY_BYTES: Final = 32 * 1024
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def create_page(
    config: AgentConfig, credentials: LiveKitCredentials, ready: Callable[[], bool], folder: Path
) -> web.Application:
    """The application; `folder` has the built call page, if there is one."""
    app = web.Application(middlewares=[_only_here], client_max_size=MAX_BODY_BYTES)
    tokens = _Tokens(config, credentials)

    async def agents(_: web.Request) -> web.Response:
        is_ready = ready()
        return web.json_response(
            [
                {
                    "namespace": config.namespace,
                    "name": config.name,
                    "agentName": config.agent_name,
                    "ready": is_ready,
                    "suspended": False,
                    "readySummary": "1/1" if is_ready else "0/1",
                    "message": "Ready for calls." if is_ready else "Starting.",
                    "language": config.language,
                    "url": config.livekit_url,
                }
            ]
        )

    async def index(_: web.Request) -> web.StreamResponse:
        file = folder / "index.html"
        if file.is_file():
            return web.FileResponse(file)
        return web.Response(status=404, text=NO_PAGE)

    app.add_routes(
        [
            web.get("/agents", agents),
            web.get("/token", tokens.get),
            web.post("/token", tokens.post),
            web.get("/", index),
        ]
    )
    if folder.is_dir():
        app.router.add_static("/", folder)
    return app


class _Tokens:
    """Gives tokens as the gateway does."""

    def __init__(self, config: AgentConfig, credentials: LiveKitCredentials) -> None:
        self._config = config
        self._credentials = credentials

    async def get(self, request: web.Request) -> web.Response:
        """`?room=&identity=`."""
        self._check_agent(request.query)
        room, identity = request.query.get("room") or _name("room"), request.query.get("identity") or _name("caller")
        answer = {
            "token": self._token(room, identity),
            "url": self._config.livekit_url,
            "room": room,
            "identity": identity,
            "expires_at": (datetime.now(UTC) + TOKEN_LIFE).isoformat(timespec="seconds"),
        }
        return web.json_response(answer)

    async def post(self, request: web.Request) -> web.Response:
        """LiveKit's standard token endpoint."""
        self._check_agent(request.query)
        try:
            body: Any = json.loads(await request.text() or "{}")
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise _problem(400, "The body is no JSON object.")
        room, identity = (str(body.get(key) or "") for key in ("room_name", "participant_identity"))
        token = self._token(room or _name("room"), identity or _name("caller"))
        answer = {"server_url": self._config.livekit_url, "participant_token": token}
        return web.json_response(answer, status=201)

    def _check_agent(self, query: Any) -> None:
        mine = f"{self._config.namespace}/{self._config.name}"
        if query.get("agent") not in (None, "", mine):
            raise _problem(404, f"There is no VoiceAgent {query['agent']} here, but {mine}.")

    def _token(self, room: str, identity: str) -> str:
        dispatch = api.RoomAgentDispatch(agent_name=self._config.agent_name)
        return (
            api.AccessToken(self._credentials.api_key, self._credentials.api_secret)
            .with_identity(identity)
            .with_ttl(TOKEN_LIFE)
            .with_grants(api.VideoGrants(room_join=True, room=room))
            .with_room_config(api.RoomConfiguration(agents=[dispatch]))
            .to_jwt()
        )


def _name(kind: str) -> str:
    return f"{kind}-{uuid.uuid4().hex[:12]}"


def _problem(status: int, detail: str) -> web.HTTPException:
    kinds = {400: web.HTTPBadRequest, 403: web.HTTPForbidden, 404: web.HTTPNotFound}
    return kinds[status](text=json.dumps({"detail": detail}), content_type="application/problem+json")


@web.middleware
async def _only_here(request: web.Request, handler: Handler) -> web.StreamResponse:
    # a site of the web that has its name lead to this machine is not to get tokens
    if urlsplit(f"//{request.host}").hostname not in HOSTS:
        raise _problem(403, "This page is for the browser of this machine: call it by localhost.")
    response = await handler(request)
    response.headers["Cache-Control"] = "no-store"
    return response
