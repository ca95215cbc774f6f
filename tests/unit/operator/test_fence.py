"""What a process may send depends on whether it leads at that moment."""

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from voiceagent_operator.fence import fence


async def test_reads_pass_and_anything_else_is_sent_only_by_one_that_leads() -> None:
    seen: list[str] = []
    leads = True

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.method)
        return web.Response()

    app = web.Application()
    app.router.add_route("*", "/", answer)
    async with TestServer(app) as server, aiohttp.ClientSession(request_class=fence(lambda: leads)) as session:
        for method in ("GET", "POST", "PATCH", "DELETE"):
            (await session.request(method, server.make_url("/"))).release()
        leads = False
        (await session.get(server.make_url("/"))).release()
        for method in ("POST", "PATCH", "DELETE"):
            with pytest.raises(aiohttp.ClientConnectionError, match="another operator may lead"):
                await session.request(method, server.make_url("/"))
    assert seen == ["GET", "POST", "PATCH", "DELETE", "GET"]
