"""A bound on how much of one kind of work is in the house, and how much of it runs at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from .errors import TooBusyError


class Gate:
    """Admits up to `limit` requests, of which `slots` run; the next one is refused at once."""

    def __init__(self, kind: str, *, slots: int, limit: int) -> None:
        self._kind = kind
        self._limit = limit
        self._admitted = 0
        self._turns = asyncio.Semaphore(slots)

    @property
    def has_free_turn(self) -> bool:
        """Whether work begun now would delay nobody: what only helps may then be done."""
        return not self._turns.locked()

    @contextmanager
    def admit(self) -> Iterator[None]:
        if self._admitted >= self._limit:
            raise TooBusyError(self._kind)
        self._admitted += 1
        try:
            yield
        finally:
            self._admitted -= 1

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        async with self._turns:
            yield
