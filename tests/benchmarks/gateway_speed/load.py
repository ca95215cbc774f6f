"""As many requests as a server answers: a few connections, each of which asks again once it has its answer.

It speaks just enough HTTP to be much faster than what it measures, and runs on a core of its own.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

CONNECTIONS = 32
WARM_UP_SECONDS = 2.0


class LoadFailed(Exception):
    """A server did not answer as it should; the message says how."""


@dataclass
class Tally:
    """What the connections got so far."""

    answers: int = 0
    failure: str | None = None
    bodies: list[bytes] = field(default_factory=list)
    """The first few."""


async def rate(
    port: int, request: bytes, seconds: float, cpu_seconds: Callable[[], float], connections: int = CONNECTIONS
) -> tuple[float, list[bytes]]:
    """Answers in a second of the server's CPU time, once it is warm, and a few of their bodies. Raises LoadFailed.

    `cpu_seconds` tells what the server has had. On a core of its own that is the time that passes; where others take
    from that core it is still what one core would serve.
    """
    tally, loop = Tally(), asyncio.get_running_loop()
    transports = [
        (await loop.create_connection(lambda: _Connection(request, tally), "127.0.0.1", port))[0]
        for _ in range(connections)
    ]
    try:
        await asyncio.sleep(WARM_UP_SECONDS)
        before, began = tally.answers, cpu_seconds()
        await asyncio.sleep(seconds)
        answers, took = tally.answers - before, cpu_seconds() - began
    finally:
        for transport in transports:
            transport.close()
    if tally.failure is not None or answers == 0 or took <= 0:
        raise LoadFailed(tally.failure or "no answer came")
    return answers / took, tally.bodies


class _Connection(asyncio.Protocol):
    def __init__(self, request: bytes, tally: Tally) -> None:
        self._request = request
        self._tally = tally
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        at = head.lower().find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else -1
        if length < 0 or not head.startswith(b"HTTP/1.1 20"):
            self._tally.failure = (head + found + body[:400]).decode(errors="replace")
            return
        if len(body) < length:
            return
        self._buffer = b""
        self._tally.answers += 1
        if len(self._tally.bodies) < 10:
            self._tally.bodies.append(body)
        if self._transport is not None:
            self._transport.write(self._request)
