"""Logs: one JSON object a line, and one line a request, in which no query string ever stands."""

import json
import logging
import sys
import time
from datetime import UTC, datetime
from typing import Any, Final, TextIO

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from voiceagent_gateway.model import iso

QUIET_PATHS: Final = frozenset({"/healthz", "/readyz"})
"""Asked every few seconds by the kubelet; logged at DEBUG only."""
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "color_message",
    "taskName",
}
_ENCODE: Final = json.JSONEncoder(ensure_ascii=False, default=str).encode
access_log = logging.getLogger("voiceagent_gateway.access")


class JsonFormatter(logging.Formatter):
    """A log record as one JSON object: time, level, logger, message, and what `extra` holds."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": iso(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {key: value for key, value in vars(record).items() if key not in _STANDARD}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _ENCODE(line)


def configure(level: str, stream: TextIO | None = None) -> None:
    """Send every logger's lines through the JSON formatter to standard output."""
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(JsonFormatter())
    # What no line says is not looked up for each of them; that takes longer than writing it.
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("asyncio", "aiohttp", "livekit"):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


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
            level = logging.DEBUG if scope["path"] in QUIET_PATHS and status == 200 else logging.INFO
            access_log.log(
                level,
                "request",
                extra={
                    "method": scope["method"],
                    "path": scope["path"],
                    "status": status,
                    "milliseconds": round((time.perf_counter() - started) * 1000, 1),
                    "who": scope["client"][0] if scope.get("client") else None,
                },
            )
