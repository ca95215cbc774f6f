"""POST /drain and DELETE /drain."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from voiceagent_worker.control import control_routes
from voiceagent_worker.drain import Drain

TOKEN = {"Authorization": "Bearer right"}
Client = TestClient[web.Request, web.Application]


@pytest.fixture
def token_path(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text("right\n")
    return path


@pytest.fixture
def drain() -> Drain:
    return Drain()


@pytest.fixture
async def client(token_path: Path, drain: Drain) -> AsyncIterator[Client]:
    app = web.Application()
    app.add_routes(control_routes(token_path, drain, lambda: 3))
    async with TestClient(TestServer(app)) as client:
        yield client


async def test_pod_is_asked_to_drain_and_to_take_calls_again(client: Client, drain: Drain) -> None:
    for _ in range(2):
        response = await client.post("/drain", headers=TOKEN)
        assert (response.status, await response.json()) == (200, {"draining": True, "activeSessions": 3})
    assert drain.draining and drain.why is not None and drain.why.startswith("Draining")
    response = await client.delete("/drain", headers=TOKEN)
    assert (response.status, await response.json()) == (200, {"draining": False, "activeSessions": 3})
    assert not drain.draining and drain.why is None


@pytest.mark.parametrize("given", ["", "Bearer wrong", "Bearer", "right", "Basic right", "Bearer r\udcffght"])
async def test_whoever_has_not_the_token_is_refused(client: Client, drain: Drain, given: str) -> None:
    for method in ("POST", "DELETE"):
        response = await client.request(method, "/drain", headers={"Authorization": given} if given else {})
        assert response.status == 401
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert "control Secret" in await response.text()
    assert not drain.draining


async def test_changed_token_counts_at_once(client: Client, token_path: Path) -> None:
    token_path.write_text("another")
    assert (await client.post("/drain", headers=TOKEN)).status == 401
    assert (await client.post("/drain", headers={"Authorization": "bearer another"})).status == 200


@pytest.mark.parametrize("content", [None, "", " \n"])
async def test_pod_without_a_token_can_be_told_nothing(
    client: Client, token_path: Path, drain: Drain, content: str | None
) -> None:
    token_path.unlink()
    if content is not None:
        token_path.write_text(content)
    response = await client.post("/drain", headers={"Authorization": "Bearer "})
    assert response.status == 503
    assert "The control token is" in await response.text()
    assert not drain.draining


async def test_pod_that_is_being_ended_cannot_take_calls_again(client: Client, drain: Drain) -> None:
    drain.ending.set()
    response = await client.delete("/drain", headers=TOKEN)
    assert response.status == 409
    assert drain.draining
