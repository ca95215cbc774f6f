"""`POST /drain` and `DELETE /drain`: the operator tells a pod to take no more calls, or to take them again.

Who may is told by the bearer token of the agent's control Secret, read at each request: a Secret that appears or
changes needs no restart.
"""

import asyncio
import hmac
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from voiceagent_worker.credentials import read_control_token
from voiceagent_worker.drain import Drain
from voiceagent_worker.errors import ConfigurationError


def control_routes(token_path: Path, drain: Drain, taken: Callable[[], int]) -> list[web.RouteDef]:
    """The routes. `taken` is asked for the number of calls that the pod has, those about to start too."""

    async def post_drain(request: web.Request) -> web.Response:
        await require_token(request, token_path)
        drain.asked = True
        return answer()

    async def delete_drain(request: web.Request) -> web.Response:
        await require_token(request, token_path)
        if drain.ending.is_set():
            raise web.HTTPConflict(text="The pod is being ended; that cannot be taken back.\n")
        drain.asked = False
        return answer()

    def answer() -> web.Response:
        return web.json_response({"draining": drain.draining, "activeSessions": taken()})

    return [web.post("/drain", post_drain), web.delete("/drain", delete_drain)]


async def require_token(request: web.Request, path: Path) -> None:
    """Raise the answer for a request without the token of that file."""
    try:
        token = await asyncio.to_thread(read_control_token, path)
    except ConfigurationError as error:
        raise web.HTTPServiceUnavailable(text=f"{error}\n") from error
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    same = hmac.compare_digest(given.strip().encode(errors="surrogateescape"), token.encode())
    if scheme.lower() != "bearer" or not same:
        raise web.HTTPUnauthorized(
            text="Send the token of the agent's control Secret as Authorization: Bearer TOKEN.\n",
            headers={"WWW-Authenticate": "Bearer"},
        )
