"""The log's one line for each request, in which no query string ever stands.

A request for a token is told of by its audit line, which says the same and more.
"""

import logging
import time
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from voiceagent_gateway.audit import audit, audited

QUIET_PATHS: Final = frozenset({"/healthz", "/readyz"})
"""Asked every few seconds by the kubelet; logged at DEBUG only."""
access_log = logging.getLogger("voiceagent_gateway.access")
_AUDITED: Final = {"name": audit.name, "levelno": logging.INFO, "levelname": logging.getLevelName(logging.INFO)}


class AccessLog:
    """ASGI middleware: one line a request. uvicorn's own access log would print query strings."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 0
        started = time.perf_counter()

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, observed)
        finally:
            _tell(scope, status, round((time.perf_counter() - started) * 1000, 1))


def _tell(scope: Scope, status: int, milliseconds: float) -> None:
    path, client = scope["path"], scope.get("client")
    address = client[0] if client else None
    facts: dict[str, Any] = {"method": scope["method"], "path": path, "status": status, "milliseconds": milliseconds}
    if (told := audited(scope, address)) is not None:
        if audit.isEnabledFor(logging.INFO):
            # As Logger.info would, which looks at each of the many facts.
            audit.handle(logging.makeLogRecord({**_AUDITED, **told, **facts}))
    elif path in QUIET_PATHS and status == 200:
        access_log.debug("request", extra={**facts, "who": address})
    else:
        access_log.info("request", extra={**facts, "who": address})
