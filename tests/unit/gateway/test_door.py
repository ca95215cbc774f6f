"""Who is let in to an agent, who waits for it, and who is told to come again."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from voiceagent_api.worker_status import SessionRecord, WorkerStatus
from voiceagent_gateway.model import AgentRef, PodRef, PodView
from voiceagent_gateway.problems import ProblemError

Make = Callable[..., AgentRef]
AGENT = "default/receptionist"


def pod(name: str = "receptionist-1", *rooms: str, capacity: int = 3, ready: bool = True, **status: Any) -> PodView:
    ref = PodRef(name, "default", name, "receptionist", address="10.0.0.1", phase="Running", ready=ready)
    said = {
        "namespace": "default", "agent": "receptionist", "agent_name": "default-receptionist", "pod": name,
        "revision": "r", "config_revision": "c", "registered": True, "draining": False, "session_capacity": capacity,
    }  # fmt: skip
    calls = [
        SessionRecord(id=room, room=room, started_at="2026-05-04T12:00:00Z", config_revision="c") for room in rooms
    ]
    return PodView(ref, WorkerStatus(**{**said, **status}, sessions=calls))


def named(response: httpx.Response) -> str:
    return str(response.json().get("type", "")).rsplit("/", 1)[-1]


async def here() -> bool:
    return False


async def test_twenty_callers_at_once_for_three_places_are_three_tokens_and_seventeen_429(
    world: Any, ask: httpx.AsyncClient
) -> None:
    world.views = [pod(capacity=3)]

    answers = await asyncio.gather(*(ask.get("/token") for _ in range(20)))

    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [429] * 17
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert int(refused.headers["retry-after"]) > 0
    assert refused.headers["content-type"] == "application/problem+json"
    assert named(refused) == "agent-full"
    assert "All 3 places of VoiceAgent default/receptionist are taken" in refused.json()["detail"]


async def test_post_is_refused_as_get_is(world: Any, ask: httpx.AsyncClient) -> None:
    world.views = [pod("receptionist-1", "lobby", capacity=1)]

    answer = await ask.post("/token", json={})

    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0


async def test_a_second_caller_may_join_a_call_of_a_full_agent(world: Any, ask: httpx.AsyncClient) -> None:
    world.views = [pod("receptionist-1", "lobby", capacity=1)]

    assert (await ask.get("/token?room=lobby")).status_code == 200
    assert (await ask.get("/token?room=other")).status_code == 429


async def test_a_token_that_nobody_used_frees_its_place_when_it_is_over(world: Any, ask: httpx.AsyncClient) -> None:
    world.views = [pod(capacity=1)]
    assert (await ask.get("/token")).status_code == 200
    assert (await ask.get("/token")).status_code == 429

    world.now += timedelta(seconds=300)

    assert (await ask.get("/token")).status_code == 200


async def test_a_call_that_came_frees_its_promise(world: Any, ask: httpx.AsyncClient) -> None:
    world.views = [pod(capacity=2)]
    await ask.get("/token?room=one")
    world.views = [pod("receptionist-1", "one", capacity=2)]

    assert (await ask.get("/token?room=two")).status_code == 200
    assert (await ask.get("/token?room=three")).status_code == 429


async def test_an_agent_that_was_scaled_to_zero_by_hand_is_answered_409_and_not_woken(
    world: Any, ask: httpx.AsyncClient, make_agent: Make
) -> None:
    world.agents[:] = [make_agent(most_pods=0, ready_replicas=0)]

    answer = await ask.get("/token")

    assert (answer.status_code, named(answer)) == (409, "agent-scaled-to-zero")
    assert "by hand" in answer.json()["detail"]
    assert world.demand == []


async def test_a_suspended_agent_is_not_woken(world: Any, ask: httpx.AsyncClient, make_agent: Make) -> None:
    world.agents[:] = [make_agent(by_sessions=True, suspended=True)]

    assert named(await ask.get("/token")) == "agent-suspended"
    assert world.demand == []


@pytest.fixture
def asleep(world: Any, make_agent: Make) -> AgentRef:
    """An agent without a pod that callers wake."""
    agent = make_agent(by_sessions=True, most_pods=2, ready_replicas=0, sessions_per_pod=3)
    world.agents[:] = [agent]
    return agent


async def until(look: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not look():
            await asyncio.sleep(0.01)


async def test_a_caller_of_a_sleeping_agent_is_told_of_and_gets_a_token_when_its_pod_is_ready(
    world: Any, ask: httpx.AsyncClient, asleep: AgentRef
) -> None:
    world.wait_seconds = 60
    asked = asyncio.create_task(ask.get("/token"))
    await until(lambda: world.demand == [(AGENT, 1)])
    assert not asked.done()

    world.views = [pod()]

    assert (await asked).status_code == 200
    await until(lambda: world.demand == [(AGENT, 1), (AGENT, 0)])


async def test_a_caller_who_waited_in_vain_is_told_how_far_it_is(
    world: Any, ask: httpx.AsyncClient, asleep: AgentRef
) -> None:
    world.wait_seconds = 0.05
    world.views = [pod("receptionist-x", ready=False)]

    answer = await ask.get("/token")

    assert (answer.status_code, named(answer)) == (503, "agent-waking")
    assert int(answer.headers["retry-after"]) > 0
    assert "pod receptionist-x is starting" in answer.json()["detail"]


async def test_many_callers_wait_in_one_line_of_bounded_length_and_the_first_are_let_in_first(
    world: Any, asleep: AgentRef
) -> None:
    world.wait_seconds, world.waiting_max = 60, 5
    door = world.door()
    let_in: list[str] = []

    async def call(room: str) -> None:
        await door.admit(asleep, room, here)
        let_in.append(room)

    calls = []
    for number in range(5):
        calls.append(asyncio.create_task(call(f"room-{number}")))
        await asyncio.sleep(0.01)
    with pytest.raises(ProblemError) as refused:
        await door.admit(asleep, "one-more", here)
    assert (refused.value.status, refused.value.name) == (503, "too-many-waiting")
    await until(lambda: bool(world.demand) and world.demand[-1] == (AGENT, 5))

    world.views = [pod(capacity=3)]
    await until(lambda: len(let_in) == 3)
    assert let_in == ["room-0", "room-1", "room-2"]
    # Three are on their way with a token, two wait: for the operator that is five who need a place.
    await asyncio.sleep(0.1)
    assert world.demand[-1] == (AGENT, 5)

    world.views = [pod(capacity=3), pod("receptionist-2", capacity=3)]
    await asyncio.gather(*calls)
    assert let_in == [f"room-{number}" for number in range(5)]
    await until(lambda: world.demand[-1] == (AGENT, 0))


async def test_a_caller_who_goes_away_waits_no_more_and_is_told_of_no_more(world: Any, asleep: AgentRef) -> None:
    world.wait_seconds = 60
    gone = False

    async def is_gone() -> bool:
        return gone

    waiting = asyncio.create_task(world.door().admit(asleep, "lobby", is_gone))
    await until(lambda: world.demand == [(AGENT, 1)])
    gone = True

    with pytest.raises(ProblemError):
        await waiting
    await until(lambda: world.demand[-1] == (AGENT, 0))


async def test_an_agent_that_is_suspended_while_callers_wait_sends_them_away(
    world: Any, asleep: AgentRef, make_agent: Make
) -> None:
    world.wait_seconds = 60
    waiting = asyncio.create_task(world.door().admit(asleep, "lobby", here))
    await until(lambda: world.demand == [(AGENT, 1)])

    world.agents[:] = [make_agent(by_sessions=True, suspended=True)]

    with pytest.raises(ProblemError) as refused:
        await waiting
    assert refused.value.name == "agent-suspended"


async def test_an_agent_that_fills_up_at_its_most_pods_sends_those_who_wait_away_as_busy(
    world: Any, asleep: AgentRef
) -> None:
    world.wait_seconds = 60
    waiting = asyncio.create_task(world.door().admit(asleep, "lobby", here))
    await until(lambda: world.demand == [(AGENT, 1)])

    world.views = [pod("receptionist-1", "a", capacity=1), pod("receptionist-2", "b", capacity=1)]

    with pytest.raises(ProblemError) as refused:
        await waiting
    assert refused.value.status == 429


async def test_a_gateway_that_ends_sends_away_whoever_waits_and_says_that_nobody_does(
    world: Any, asleep: AgentRef
) -> None:
    world.wait_seconds = 60
    door = world.door()
    waiting = asyncio.create_task(door.admit(asleep, "lobby", here))
    await until(lambda: world.demand == [(AGENT, 1)])

    await door.close()

    with pytest.raises(ProblemError):
        await waiting
    assert world.demand[-1] == (AGENT, 0)


async def test_a_place_found_for_a_caller_who_left_is_the_next_ones(world: Any, asleep: AgentRef) -> None:
    world.wait_seconds = 60
    door = world.door()
    first = asyncio.create_task(door.admit(asleep, "first", here))
    second = asyncio.create_task(door.admit(asleep, "second", here))
    await until(lambda: bool(world.demand))
    first.cancel()

    world.views = [pod(capacity=1)]

    await asyncio.wait_for(second, 60)
    with pytest.raises(asyncio.CancelledError):
        await first
