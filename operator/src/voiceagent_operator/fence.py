"""Nothing is changed anywhere by a process that may have been followed by another.

A leader that was paused for long goes on in the midst of what it did, before it can notice that its lease is over.
So each request is held against the lease when it is sent, after it has waited for a connection; and once more as
its first byte goes out, since before Python 3.12 a body is written by a task that runs later than that.
"""

from collections.abc import Callable

import aiohttp
from aiohttp.abc import AbstractStreamWriter
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
            if self._refused():
                raise _followed()
            return await super().send(conn)

        async def write_bytes(
            self, writer: AbstractStreamWriter, conn: Connection, content_length: int | None = None
        ) -> None:
            if not self._refused():
                await super().write_bytes(writer, conn, content_length)
            elif conn.protocol is not None:
                conn.protocol.set_exception(_followed())

        def _refused(self) -> bool:
            return self.method != "GET" and not may_write()

    return FencedRequest


def _followed() -> aiohttp.ClientConnectionError:
    return aiohttp.ClientConnectionError("not sent, since another operator may lead by now")
