"""Answers on the wire, HTTP and WebSocket, each passing through the guard of its fault.

Every byte that a vendor's route sends goes through here: that is what makes a fault's `after_bytes` exact.
"""

from __future__ import annotations

import json
from typing import Any, cast

from aiohttp import WSCloseCode, web

from .errors import ApiError
from .faults import FaultBoard, Guard, Wire

GUARD: web.RequestKey[Guard] = web.RequestKey("guard", Guard)


def wire_of(request: web.Request) -> Wire | None:
    return cast(Wire | None, request.transport)


class HttpAnswer:
    """A body sent as it is made."""

    def __init__(self, request: web.Request, content_type: str) -> None:
        self._request = request
        self._guard = request[GUARD]
        headers = {"Content-Type": content_type, "Cache-Control": "no-cache"}
        self._response = web.StreamResponse(headers=headers)

    async def write(self, data: bytes) -> None:
        if not self._response.prepared:
            await self._response.prepare(self._request)
        if data:
            await self._guard.write(self._response.write, data)

    async def finish(self) -> web.StreamResponse:
        await self.write(b"")
        await self._response.write_eof()
        return self._response


async def send_whole(request: web.Request, body: bytes, content_type: str) -> web.StreamResponse:
    """A body that is known in whole, sent in one piece unless a fault happens in the midst of it."""
    if not request[GUARD].cuts_in:
        return web.Response(body=body, headers={"Content-Type": content_type})
    answer = HttpAnswer(request, content_type)
    await answer.write(body)
    return await answer.finish()


async def send_json(request: web.Request, payload: Any) -> web.StreamResponse:
    return await send_whole(request, json.dumps(payload).encode(), "application/json")


class Socket:
    """A WebSocket whose connection, and then each utterance, may meet a fault."""

    def __init__(self, request: web.Request, kind: str, faults: FaultBoard) -> None:
        self._request = request
        self._kind = kind
        self._faults = faults
        self._guard = request[GUARD]
        self.ws = web.WebSocketResponse(max_msg_size=4 * 1024 * 1024)

    @property
    def fault(self) -> str | None:
        return self._guard.name

    async def open(self) -> None:
        """Make it a WebSocket; a fault that lets nothing through happens right after."""
        await self.ws.prepare(self._request)
        await self._guard.message(0)

    async def begin_utterance(self) -> None:
        """Take the fault that is in force by now; one that waits in mid-answer is let happen first."""
        if self._guard.cuts_in:
            return
        fault = self._faults.take(self._kind)
        if fault is not None:
            self._guard = Guard(fault, wire_of(self._request))
            await self._guard.open()
            await self._guard.message(0)

    async def send_json(self, payload: dict[str, Any]) -> None:
        text = json.dumps(payload)
        await self._guard.message(len(text))
        if not self.ws.closed:
            await self.ws.send_str(text)

    async def send_bytes(self, data: bytes) -> None:
        await self._guard.message(len(data))
        if not self.ws.closed:
            await self.ws.send_bytes(data)

    async def fail(self, error: ApiError) -> None:
        """End the stream as Deepgram does: an Error message, then close code 1011."""
        if not self.ws.closed:
            told = error.message
            await self.ws.send_json({"type": "Error", "description": told, "message": told})
            await self.ws.close(code=WSCloseCode.INTERNAL_ERROR, message=told.encode()[:120])
