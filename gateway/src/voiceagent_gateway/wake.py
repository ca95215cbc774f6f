"""Lets those who sleep between two looks know that there is something to see now."""

import asyncio
from contextlib import suppress


class Wake:
    """Called when there is something to see."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    def __call__(self) -> None:
        """Wake all who sleep, and those who are just looking: they may have looked too early."""
        event, self._next = self._next, asyncio.Event()
        event.set()

    @property
    def next(self) -> asyncio.Event:
        """To be taken before a look; `sleep` after it then misses no call."""
        return self._next


async def sleep(event: asyncio.Event, seconds: float) -> None:
    """Sleep until the event, so many seconds at most."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
