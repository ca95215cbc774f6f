"""Faults on demand: slow, failing, cut, stalled and unintelligible answers, for tests of what a client does.

Off unless the server was started with `SPEECH_ALLOW_FAULTS=1`. A fault is put for one kind of traffic
(llm, stt, tts) and meets the next `count` units of it (all, without a count). A unit is a request; on a
WebSocket it is the connection and then each utterance, so that a long-lived stream can be made to fail in mid-call too.

| kind    | without `after_bytes`                  | with `after_bytes`: after that many bytes of the answer |
|---------|----------------------------------------|---------------------------------------------------------|
| slow    | waits `delay_seconds`, then answers    | waits there, then goes on                               |
| status  | answers `status` in the vendor's form  | (the same)                                              |
| drop    | cuts the connection instead            | cuts the connection                                     |
| stall   | never answers                          | sends nothing more, connection open                     |
| rubbish | (as with `after_bytes` 0)              | goes on with noise, and is then cut                     |

Noise comes after a good status line and good headers: some clients report a bad status line as status 400, and
some wait for ever after a bad length of a chunk. In an HTTP body it is neither JSON, events nor sound; on a
WebSocket it is no frame.

Some clients (aiohttp, so the Deepgram plugin) ask once more by themselves when a connection is cut before the
answer to a GET, which a WebSocket's handshake is: they notice a drop from a `count` of 2 on.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from .errors import ApiError

# A stalled connection is let go at last, so that a forgotten client cannot hold it for ever.
STALL_LIMIT_SECONDS = 300.0
_FLUSH_LIMIT_SECONDS = 2.0
_NOISE = b"\x00\xff\n\ndata: {rubbish\xfe\n\n"


class Fault(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: Literal["slow", "status", "drop", "stall", "rubbish"]
    delay_seconds: float = Field(default=2.0, ge=0, le=STALL_LIMIT_SECONDS)
    status: int = Field(default=500, ge=400, le=599)
    retry_after_seconds: float | None = Field(default=None, ge=0)
    count: int | None = Field(default=None, ge=1)
    after_bytes: int | None = Field(default=None, ge=0)


class FaultBoard:
    """The faults in force; `take` is asked once a unit."""

    def __init__(self) -> None:
        self._faults: dict[str, Fault] = {}

    def put(self, kind: str, fault: Fault) -> None:
        self._faults[kind] = fault

    def remove(self, kind: str) -> None:
        self._faults.pop(kind, None)

    def listed(self) -> dict[str, Fault]:
        return dict(self._faults)

    def take(self, kind: str) -> Fault | None:
        fault = self._faults.get(kind)
        if fault is None or fault.count is None:
            return fault
        if fault.count == 1:
            del self._faults[kind]
        else:
            self._faults[kind] = fault.model_copy(update={"count": fault.count - 1})
        return fault


class FaultTripped(Exception):
    """The connection was ended by a fault; nothing more can be sent on it."""


class Wire(Protocol):
    """What a fault does to a connection: the part of asyncio's transport that it needs."""

    def write(self, data: bytes) -> None: ...
    def abort(self) -> None: ...
    def get_write_buffer_size(self) -> int: ...


class Guard:
    """One unit of traffic, with the fault that it met, if any."""

    def __init__(self, fault: Fault | None, wire: Wire | None) -> None:
        self._fault = fault
        self._wire = wire
        self._left = _good_bytes(fault)

    @property
    def name(self) -> str | None:
        return self._fault.kind if self._fault else None

    @property
    def cuts_in(self) -> bool:
        """Whether the answer has to be streamed, since something happens in the midst of it."""
        return self._left is not None

    async def open(self) -> None:
        """Called before the answer's first byte."""
        if self._fault is None:
            return
        if self._fault.kind == "status":
            raise ApiError(
                self._fault.status,
                f"The sandbox was asked to fail with status {self._fault.status}.",
                retry_after_seconds=self._fault.retry_after_seconds,
            )
        if self._left is None:
            await self._happen()

    async def write(self, send: Callable[[bytes], Awaitable[None]], data: bytes) -> None:
        """Send `data`, or as much of it as the fault lets through."""
        if self._left is None:
            await send(data)
        elif len(data) < self._left:
            self._left -= len(data)
            await send(data)
        else:
            head, tail = data[: self._left], data[self._left :]
            self._left = None
            if head:
                await send(head)
            await self._happen(send)
            if tail:
                await send(tail)

    async def message(self, size: int) -> None:
        """Called before a whole message is sent: messages are never sent in part."""
        if self._left is None:
            return
        if size < self._left:
            self._left -= size
            return
        self._left = None
        await self._happen()

    async def _happen(self, send: Callable[[bytes], Awaitable[None]] | None = None) -> None:
        assert self._fault is not None  # noqa: S101 - only called where there is a fault
        if self._fault.kind in {"slow", "stall"}:
            slow = self._fault.kind == "slow"
            await asyncio.sleep(self._fault.delay_seconds if slow else STALL_LIMIT_SECONDS)
            if slow:
                return
        if self._wire is not None:
            if self._fault.kind == "rubbish":
                noise = _NOISE + secrets.token_bytes(256)
                if send is None:
                    self._wire.write(noise)
                else:
                    await send(noise)
            await self._flush()
            self._wire.abort()
        raise FaultTripped(self._fault.kind)

    async def _flush(self) -> None:
        # What was let through should arrive: a cut throws away what still waits in the buffer.
        deadline = asyncio.get_running_loop().time() + _FLUSH_LIMIT_SECONDS
        while self._wire is not None and self._wire.get_write_buffer_size() > 0:
            if asyncio.get_running_loop().time() > deadline:
                return
            await asyncio.sleep(0.01)


def _good_bytes(fault: Fault | None) -> int | None:
    """How much of the answer comes through before the fault; None where it comes before the answer."""
    if fault is None or fault.kind == "status":
        return None
    return 0 if fault.kind == "rubbish" and fault.after_bytes is None else fault.after_bytes
