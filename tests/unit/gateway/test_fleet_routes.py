"""Who is shown the fleet, and how its changes are sent."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from voiceagent_api.status import Usage
from voiceagent_gateway.callers import Callers
from voiceagent_gateway.gate import Gate
from voiceagent_gateway.identity import ANYBODY, Identity, Scope
from voiceagent_gateway.overview.picture import Seen, picture
from voiceagent_gateway.overview.stream import HEARTBEAT, EventStream, Overview
from voiceagent_gateway.problems import ProblemError

SOME = Identity("key:some", (Scope(("default/*",)),), metrics=True)


class Always(Callers):
    """Callers who are all the same."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity

    async def identify(self, authorization: str | None, allow: Any) -> Identity:
        return self.identity


def caller(world: Any, identity: Identity) -> None:
    world.gate = Gate(Always(identity))


def see(world: Any) -> list[Seen]:
    return picture(world.agents, [], world.views, world.past, lambda _: Usage(), world.now)


def overview(world: Any, **options: Any) -> Overview:
    values = {"pause_seconds": 0.01, "heartbeat_seconds": 0.1, **options}
    return Overview(lambda: see(world), lambda: world.now, world.stopping, **values)


def events_of(stream: EventStream) -> AsyncIterator[str]:
    return stream.body_iterator.__aiter__()  # type: ignore[return-value]


async def following(events: AsyncIterator[str]) -> str:
    async with asyncio.timeout(30):
        return await anext(events)


def document_of(event: str) -> Any:
    assert event.startswith("event: fleet\ndata: ")
    assert event.endswith("\n\n")
    return json.loads(event.removeprefix("event: fleet\ndata: "))


async def test_a_caller_sees_the_agents_of_its_scope_alone(world: Any, ask: httpx.AsyncClient, make_agent: Any) -> None:
    world.agents.append(make_agent("sales", "other"))
    caller(world, SOME)

    response = await ask.get("/fleet")

    assert response.headers["cache-control"] == "no-store"
    assert [agent["name"] for agent in response.json()["agents"]] == ["receptionist"]
    assert {found["namespace"] for found in response.json()["attention"]} == {"default"}


@pytest.mark.parametrize("path", ["/fleet", "/fleet/events"])
async def test_a_caller_without_the_right_to_metrics_is_refused(world: Any, ask: httpx.AsyncClient, path: str) -> None:
    caller(world, replace(SOME, metrics=False))

    response = await ask.get(path)

    assert response.status_code == 403
    assert response.json()["type"].endswith("/not-allowed")


async def test_a_browser_gets_the_page_whoever_asks(world: Any, ask: httpx.AsyncClient, tmp_path: Path) -> None:
    (tmp_path / "fleet.html").write_text("<title>fleet</title>")
    world.client_dir = tmp_path
    caller(world, replace(SOME, metrics=False))

    response = await ask.get("/fleet", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})

    assert response.status_code == 200
    assert "<title>fleet</title>" in response.text
    assert response.headers["vary"] == "Accept"
    assert "content-security-policy" in response.headers


async def test_the_first_event_is_the_whole_and_the_next_comes_with_a_change(world: Any) -> None:
    events = events_of(overview(world, heartbeat_seconds=600.0).listen(ANYBODY))

    first = document_of(await following(events))
    assert first["agents"][0]["ready_summary"] == "1/1"
    changed = asyncio.ensure_future(following(events))
    world.agents = [replace(world.agents[0], ready_summary="2/2")]
    assert document_of(await changed)["agents"][0]["ready_summary"] == "2/2"


async def test_where_nothing_changes_the_stream_says_that_it_lives(world: Any) -> None:
    events = events_of(overview(world).listen(ANYBODY))
    await following(events)

    assert await following(events) == HEARTBEAT


async def test_the_stream_ends_when_the_gateway_does(world: Any) -> None:
    events = events_of(overview(world, pause_seconds=600.0).listen(ANYBODY))
    await following(events)
    end = asyncio.ensure_future(following(events))
    world.stopping.set()

    with pytest.raises(StopAsyncIteration):
        await end


async def test_the_stream_ends_when_the_callers_right_does(world: Any) -> None:
    expiring = replace(SOME, expires_at=world.now + timedelta(seconds=0.05))
    events = events_of(overview(world, heartbeat_seconds=600.0).listen(expiring))
    await following(events)

    with pytest.raises(StopAsyncIteration):
        await following(events)


async def test_listeners_are_so_many_at_most_and_one_that_left_makes_room(world: Any) -> None:
    of = overview(world, listeners_max=1)
    stream = of.listen(ANYBODY)

    with pytest.raises(ProblemError) as refused:
        of.listen(ANYBODY)
    assert (refused.value.status, refused.value.name) == (503, "too-many-listeners")
    assert refused.value.retry_after_seconds

    sent = asyncio.Event()

    async def receive() -> Any:
        await sent.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            sent.set()

    async with asyncio.timeout(30):
        await stream({"type": "http", "asgi": {"spec_version": "2.3"}}, receive, send)
    assert of.listeners == 0
    of.listen(ANYBODY)
