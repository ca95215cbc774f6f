"""Several calls at once, of which none is left behind."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


async def all_of(calls: Iterable[Awaitable[Result]]) -> list[Result]:
    """The results of all calls, in order. Every call comes to its end before the first error is raised."""
    results = await asyncio.gather(*calls, return_exceptions=True)
    done: list[Result] = []
    for result in results:
        if isinstance(result, BaseException):
            raise result
        done.append(result)
    return done


async def each(items: Iterable[Item], work: Callable[[Item], Awaitable[None]], at_once: int) -> None:
    """Do the work for each item, so many at a time."""
    turns = asyncio.Semaphore(at_once)

    async def in_turn(item: Item) -> None:
        async with turns:
            await work(item)

    await all_of([in_turn(item) for item in items])
