"""Nothing is changed anywhere by a process that may have been followed by another.

A leader that was paused for long goes on in the midst of what it did, before it can notice that its lease is over.
So each request is held against the lease when it is sent, after it has waited for a connection.
"""

from collections.abc import Callable

import aiohttp
from aiohttp.connector import Connection


def always() -> bool:
    """There is no other."""
    return True


def fence(may_write: Callable[[], bool]) -> type[aiohttp.ClientRequest]:
    """Requests, for a client session: what only reads is sent, and the rest while `may_write` says so.

    They raise ClientConnectionError where they are not sent.
    """

    class FencedRequest(aiohttp.ClientRequest):
        async def send(self, conn: Connection) -> aiohttp.ClientResponse:
            if self.method != "GET" and not may_write():
                raise aiohttp.ClientConnectionError("not sent, since another operator may lead by now")
            return await super().send(conn)

    return FencedRequest
