"""What a process may send depends on whether it leads at that moment."""

import contextlib
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from voiceagent_operator.fence import fence

LOST = "another operator may lead"


@contextlib.asynccontextmanager
async def noting(seen: list[str]) -> AsyncIterator[TestServer]:
    """A server that notes the method of each request that comes to it, as it begins."""

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.method)
        return web.Response()

    app = web.Application()
    app.router.add_route("*", "/", answer)
    async with TestServer(app) as server:
        yield server


async def test_reads_pass_and_anything_else_is_sent_only_by_one_that_leads() -> None:
    seen: list[str] = []
    leads = True
    async with noting(seen) as server, aiohttp.ClientSession(request_class=fence(lambda: leads)) as session:
        for method in ("GET", "POST", "PATCH", "DELETE"):
            (await session.request(method, server.make_url("/"))).release()
        leads = False
        (await session.get(server.make_url("/"))).release()
        for method in ("POST", "PATCH", "DELETE"):
            with pytest.raises(aiohttp.ClientConnectionError, match=LOST):
                await session.request(method, server.make_url("/"))
    assert seen == ["GET", "POST", "PATCH", "DELETE", "GET"]


async def test_one_that_is_followed_while_a_request_is_made_ready_sends_none_of_it() -> None:
    seen: list[str] = []
    asked = 0

    def leads_when_first_asked() -> bool:
        nonlocal asked
        asked += 1
        return asked == 1

    async with noting(seen) as server, aiohttp.ClientSession(request_class=fence(leads_when_first_asked)) as session:
        with pytest.raises(aiohttp.ClientConnectionError, match=LOST):
            await session.patch(server.make_url("/"), data=b"body")
        (await session.get(server.make_url("/"))).release()
    assert seen == ["GET"]
