"""Requests that are answered without FastAPI's routing, which takes longer than a token takes to be made.

The route is declared as any other, so that the OpenAPI document has it and other methods find it.
"""

from collections.abc import Iterable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from voiceagent_gateway.audit import AuditedRoute, Handler
from voiceagent_gateway.problems import ProblemError, response

_JSON: Final = (b"content-type", b"application/json")
_NOT_KEPT: Final = (b"cache-control", b"no-store")


class DirectJson(Response):
    """JSON, encoded already, that no cache keeps. What Response looks up for each answer is known beforehand."""

    def __init__(self, body: bytes) -> None:
        self.status_code = 200
        self.background = None
        self.body = body
        self.raw_headers = [(b"content-length", b"%d" % len(body)), _JSON, _NOT_KEPT]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body})


class DirectRoute(AuditedRoute):
    """A GET of one path, whose endpoint takes the request and nothing else.

    What such an endpoint reads and answers is said in its `openapi_extra` and `response_model`.
    """

    def _handler(self) -> Handler:
        endpoint: Handler = self.endpoint
        return endpoint


class DirectAnswers:
    """ASGI middleware that answers the direct ones of these routes, and passes everything else on."""

    def __init__(self, app: ASGIApp, routes: Iterable[BaseRoute]) -> None:
        self._app = app
        self._handlers = {route.path: route.get_route_handler() for route in routes if isinstance(route, DirectRoute)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        direct = scope["type"] == "http" and scope["method"] == "GET"
        handler = self._handlers.get(scope["path"]) if direct else None
        if handler is None:
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            answer = await handler(request)
        except ProblemError as problem:
            answer = response(problem, request)
        await answer(scope, receive, send)
