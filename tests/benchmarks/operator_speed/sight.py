"""Looking at one kind for what is to happen next."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from operator_speed.access import listed
from operator_speed.watcher import events

OPENING_SECONDS = 0.5
PATIENCE_SECONDS = 120.0


class Sight:
    """A watch that is open."""

    def __init__(self, lines: AsyncIterator[bytes]) -> None:
        self._lines = lines
        # The watch is opened by its first event: let it begin before any clock does.
        self._next = asyncio.ensure_future(anext(self._lines))

    async def until(self, wanted: Callable[[dict[str, Any]], bool]) -> None:
        """Wait for an event like this; those before it are let go. Raises TimeoutError."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            found = False
            while not found:
                found = wanted(json.loads(await self._next))
                self._next = asyncio.ensure_future(anext(self._lines))

    def close(self) -> None:
        self._next.cancel()


@asynccontextmanager
async def watching(session: aiohttp.ClientSession, path: str) -> AsyncIterator[Sight]:
    """All that happens at a path from now on."""
    _, version = await listed(session, path)
    sight = Sight(events(session, path, version))
    try:
        await asyncio.sleep(OPENING_SECONDS)
        yield sight
    finally:
        sight.close()
