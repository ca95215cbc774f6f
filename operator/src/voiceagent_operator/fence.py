"""Nothing is changed anywhere by a process that may have been followed by another.

A leader that was paused for long goes on in the midst of what it did, before it can notice that its lease is over.
So each request is held against the lease when it is sent.
"""

from collections.abc import Callable

import aiohttp
from aiohttp import ClientHandlerType, ClientMiddlewareType, ClientRequest, ClientResponse


def always() -> bool:
    """There is no other."""
    return True


def fence(may_write: Callable[[], bool]) -> ClientMiddlewareType:
    """Lets through what only reads, and the rest while `may_write` says so; raises ClientConnectionError."""

    async def pass_on(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        if request.method != "GET" and not may_write():
            raise aiohttp.ClientConnectionError("not sent, since another operator may lead by now")
        return await handler(request)

    return pass_on
