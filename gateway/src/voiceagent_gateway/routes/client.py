"""`/` and everything that no other route answers: the web client."""

from fastapi import APIRouter, Request, Response

from voiceagent_gateway.client_files import ClientFiles
from voiceagent_gateway.deps import Deps
from voiceagent_gateway.routes.agents import public_url
from voiceagent_gateway.settings import Settings


def client_routes(settings: Settings, deps: Deps, files: ClientFiles) -> APIRouter:
    """The route that serves files. It comes last."""
    router = APIRouter(include_in_schema=False)

    @router.api_route("/{path:path}", methods=["GET", "HEAD"])
    async def file(path: str, request: Request) -> Response:
        return await files.response(path, request.scope, livekit_urls(settings, deps))

    return router


def livekit_urls(settings: Settings, deps: Deps) -> set[str]:
    """The LiveKit servers that a page may connect to."""
    install = settings.install.livekit
    return {install.public_url, *(public_url(agent, install) for agent in deps.directory.agents())}
