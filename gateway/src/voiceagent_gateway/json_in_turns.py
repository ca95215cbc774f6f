"""Large JSON, made and sent a piece at a time, so that others are answered meanwhile."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, Final

import orjson
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

PIECE_BYTES: Final = 64 * 1024
TURN_SECONDS: Final = 0.005
"""How long others wait at most for their turn, but for what one item takes."""
ANSWER_SECONDS: Final = 60.0
"""How long a reader may take; who takes longer is left with a part."""


class JsonInTurns(StreamingResponse):
    """A document as `pieces` takes it."""

    media_type = "application/json"

    def __init__(self, document: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        super().__init__(in_turns(pieces(document)), headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await super().__call__(scope, receive, send)
        except TimeoutError:
            # It did not read; the server closes what it left open.
            return


def pieces(document: Mapping[str, Any]) -> Iterator[bytes]:
    """An object as JSON. A value that is an iterator is an array, whose items are made when their turn comes. Pure."""
    before = b"{"
    for key, value in document.items():
        yield before + _json(key) + b":"
        if isinstance(value, Mapping):
            yield from pieces(value)
        elif isinstance(value, Iterator):
            yield from _array(value)
        else:
            yield _json(value)
        before = b","
    yield b"}" if document else b"{}"


def _array(items: Iterator[Any]) -> Iterator[bytes]:
    before = b"["
    for item in items:
        yield before + _json(item)
        before = b","
    yield b"]" if before == b"," else b"[]"


def _json(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:
        # an integer of more than 64 bits, which a pod may tell
        return json.dumps(value, ensure_ascii=False).encode()


async def in_turns(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The parts put together to pieces of some size; after each, and before it takes long, it is others' turn."""
    piece, turn_ends = bytearray(), time.perf_counter() + TURN_SECONDS
    for part in parts:
        piece += part
        if len(piece) >= PIECE_BYTES or time.perf_counter() >= turn_ends:
            yield bytes(piece)
            piece.clear()
            await asyncio.sleep(0)
            turn_ends = time.perf_counter() + TURN_SECONDS
    yield bytes(piece)
